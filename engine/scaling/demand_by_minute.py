"""Demand minute by minute: the hours of a profile, what moves within them, and how many requests happen to come."""

from itertools import accumulate
from math import exp, log, sqrt

import numpy as np
from msgspec import Struct

from catalogs.kept import kept
from catalogs.units import MINUTES_PER_HOUR, SECONDS_PER_MINUTE
from engine.arrays import Floats
from engine.question.demand import WITHIN_HOUR, Demand
from engine.random_streams import stream

MEMORY_MINUTES = 10.0
"""Minutes over which demand within an hour forgets where it stood: ten-minute means of public services peak nearly as
high above their hour (1.07 to 1.18) as minutes do."""
REACH = 2.0
"""Standard deviations at which the wobble within an hour is at its peak, and is cut off."""
_WOBBLE, _COUNTS = 100, 101
"""Streams of a seed; those of requests are others."""


class DemandByMinute(Struct, frozen=True):
    """Demand of a fleet over a day or a week, one value a minute."""

    requests_per_s: Floats
    """What the minute asks for: the profile and its wobble. Queues feel how requests fall within it already."""
    counted_per_s: Floats
    """What a counter sees of it: the requests that happened to come."""

    def __len__(self) -> int:
        return len(self.requests_per_s)


def demand_by_minute(
    demand: Demand, mean_requests_per_s: float, *, burstiness: float = 1.0, seed: int = 0
) -> DemandByMinute:
    """Return a day or a week of the demand; the same seed gives the same minutes.

    The rate runs straight between the centres of the hours, as in ``Demand.growth_within``. Within an hour it wobbles
    (a first-order autoregression of its logarithm) up to the peak minute that was given, or that public traces show;
    the mean stays what it was. Counts are gamma with the variance of a renewal stream: burstiness² times that of
    Poisson.

    Args:
        demand: the shape, by hour.
        mean_requests_per_s: over the whole day or week.
        burstiness: CV of the gaps between arrivals.
    """
    shape = _shape(demand.hourly, max(demand.burst, WITHIN_HOUR), seed)
    rate = shape * (mean_requests_per_s / shape.mean())
    dispersion = burstiness * burstiness
    counts = stream(seed, _COUNTS).standard_gamma(rate * SECONDS_PER_MINUTE / dispersion) * dispersion
    return DemandByMinute(rate, counts / SECONDS_PER_MINUTE)


@kept(16)
def _shape(hourly: tuple[float, ...], peak: float, seed: int) -> Floats:
    """Return the demand by minute for that of each hour, with a wobble whose highest is about ``peak``."""
    hours = np.asarray(hourly)
    at = (np.arange(len(hours) * MINUTES_PER_HOUR) + 0.5) / MINUTES_PER_HOUR
    smooth = np.interp(at, np.arange(len(hours)) + 0.5, hours, period=len(hours))
    return smooth * _wobble(len(smooth), peak, seed)


def _wobble(count: int, peak: float, seed: int) -> Floats:
    """Return factors around 1 whose highest is about ``peak``."""
    kept = exp(-1 / MEMORY_MINUTES)
    draws = stream(seed, _WOBBLE).standard_normal(count)
    draws[1:] *= sqrt(1 - kept * kept)
    walk = np.fromiter(accumulate(draws.tolist(), lambda last, draw: kept * last + draw), np.float64, count)
    return np.exp(np.clip(walk, -REACH, REACH) * (log(peak) / REACH))
