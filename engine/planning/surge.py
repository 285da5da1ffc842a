"""Whether today's fleet takes a surge of seconds: what queues, how long the last of it waits, when it is gone.

A fluid queue: what comes beyond all replicas' saturated rate waits, and is served at that rate less what keeps coming
(Kleinrock, Queueing Systems II, 1976, 2.7). Nothing scales within seconds.
"""

from collections.abc import Sequence
from math import ceil

from engine.plan import Fleet, Surge, TargetResult
from engine.planning.verdict import ChosenFleet


def surge_of(chosen: ChosenFleet, fleet: Fleet, results: Sequence[TargetResult]) -> Surge | None:
    """Return what a stated surge does to the fleet of today; None where none was stated.

    Args:
        chosen: the fleet as it was sized.
        fleet: the same as the plan has it.
        results: of the targets, at the peak hour.
    """
    traffic = chosen.question.spec.traffic
    if traffic.surge_requests_per_s is None:
        return None
    each = chosen.capacity.saturated_requests_per_s / traffic.calls_per_request
    served = fleet.replicas * each
    mean = chosen.mean_rate / traffic.calls_per_request
    queued = max(0.0, (traffic.surge_requests_per_s - served) * traffic.surge_s)
    wait = queued / served
    # The wait adds to the first token and the whole: no other target tells whether it holds.
    slack = [result.target_s - result.forecast_s for result in results if result.metric in ("ttft", "e2e")]
    return Surge(
        requests_per_s=traffic.surge_requests_per_s,
        seconds=traffic.surge_s,
        served_requests_per_s=served,
        queued_requests=queued,
        longest_wait_s=wait,
        gone_after_s=queued / (served - mean) if served > mean else None,
        holds=wait <= min(slack) if slack else None,
        replicas_without_queue=ceil(traffic.surge_requests_per_s / each * (1 - 1e-9)),
    )
