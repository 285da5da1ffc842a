"""How many replicas for the mean, the peak, a burst, growth and spares: arrays over candidates."""

import numpy as np

from engine.arrays import Floats, Rows
from engine.question.fleet_limits import fewest_replicas
from engine.workload import WorkloadSpec


class Counts(Rows, frozen=True):
    """Replicas, each line including those before it."""

    mean: Floats
    peak: Floats
    burst: Floats
    growth: Floats
    total: Floats
    """With spares."""


def replicas_for(load: Floats | float, capacity: Floats | float) -> Floats:
    """Return the replicas that carry a load; one that fills them to the last part in a million needs no further one.

    Args:
        load: requests/s, or requests in flight for a closed loop.
        capacity: of one replica, in the same unit; NaN where no load meets the targets.
    """
    return np.asarray(np.ceil(np.divide(load, capacity) - 1e-6), dtype=np.float64)


def replica_counts(spec: WorkloadSpec, mean_load: float, capacity: Floats) -> Counts:
    """Return replicas for the mean, the peak hour, the burst within it, growth, and spares.

    Args:
        mean_load: requests/s, or requests in flight for a closed loop.
        capacity: of one replica, in the same unit; NaN where no load meets the targets.
    """
    traffic = spec.traffic
    minimum = float(fewest_replicas(spec))

    def needed(load: float) -> Floats:
        return np.maximum(replicas_for(load, capacity), minimum)

    mean = needed(mean_load)
    peak = needed(mean_load * traffic.peak_factor)
    burst = needed(mean_load * traffic.peak_factor * traffic.burst)
    growth = np.maximum(needed(mean_load * traffic.peak_factor * traffic.burst * traffic.growth), burst)
    return Counts(mean, peak, burst, growth, growth + spec.availability.spare_replicas)


def todays_peak_replicas(counts: Counts) -> int:
    """Return the replicas that run at today's peak hour, spares not counted, of an array of one."""
    return int(counts.peak[0])
