"""One replica at rising loads as a replay needs it: requests in flight and the share of them within the targets."""

from collections.abc import Sequence
from operator import itemgetter

import numpy as np

from catalogs.kept import kept
from engine.arrays import Floats
from engine.replica.latencies import mean_latency, share_beyond
from engine.replica.load import Load
from engine.scaling.replay import ReplicaLoads
from engine.workload import PERCENTILE_SHARES, Target

TAILS = ("p90", "p95", "p99")
"""Percentiles whose limit is one for nearly every request."""


@kept(32)
def replica_loads(rates: Floats, load: Load, targets: tuple[Target, ...]) -> ReplicaLoads:
    """Return what a replay needs of a replica at rising rates.

    A request is within the targets when none of its latencies exceeds the limit of a p90, p95 or p99 target; those of
    different metrics are reckoned to miss at different requests. Limits of medians and means speak of many: there all
    requests are within while the target holds, and none beyond. Without targets all are within up to saturation.

    Args:
        rates: requests/s, the last near saturation.
        load: of an array of one at these rates.
    """
    # The slowest that could still matter, after which nobody is within.
    longest = max((target.seconds for target in targets if target.metric != "itl"), default=0.0)
    waits = np.linspace(0.0, longest, 16) if longest else np.zeros(1)
    last = load.mapped(itemgetter(np.s_[:, -1:]))
    return ReplicaLoads(
        requests_per_s=rates,
        in_flight=np.maximum.accumulate(rates * mean_latency(load, "e2e")[0]),
        waiting=rates * load.waits.mean[0, :, 0],
        within=_within(load, targets, np.zeros(len(rates))),
        waits_s=waits,
        within_after=_within(last, targets, waits) * bool(targets),
    )


def _within(load: Load, targets: Sequence[Target], waited_s: Floats) -> Floats:
    """Return the share of requests within the targets at batches of an array of one, after as many waits in seconds."""
    missed: dict[str, Floats] = {}
    for target in targets:
        limit = np.full((1, len(waited_s)), target.seconds)
        if target.metric != "itl":
            limit = limit - waited_s
        if target.percentile in TAILS:
            misses = share_beyond(load, target.metric, limit)[0]
        elif target.percentile in PERCENTILE_SHARES:
            misses = (share_beyond(load, target.metric, limit)[0] > 1 - PERCENTILE_SHARES[target.percentile]).astype(
                float
            )
        else:
            misses = (mean_latency(load, target.metric) > limit)[0].astype(float)
        missed[target.metric] = np.maximum(missed.get(target.metric, 0.0), misses)
    total = sum(missed.values(), np.zeros(len(waited_s)))
    return np.clip(1 - total, 0.0, 1.0)
