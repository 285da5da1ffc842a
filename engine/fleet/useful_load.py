"""What latency targets must leave a replica: room above their floor, and a load that is worth its accelerators."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from msgspec.structs import replace

from catalogs.kept import kept
from engine.arrays import Bools, Floats
from engine.replica.batches import batch_at_rate
from engine.replica.latencies import meets, target_latency
from engine.replica.load import Load, Replicas
from engine.workload import Metric, Target

USEFUL = 1.5
"""Times its floor: a latency target that leaves room for a useful load."""
LEAST_SHARE = 0.2
"""Of what a replica carries without targets: below it the fleet is more than five times what its load takes. A
judgement: an accelerator that is faster alone, or a looser target, costs less than that."""
HALF = 0.5
"""Of the same: what carries more is never near its floor."""
MARGIN: Final[Mapping[Metric, float]] = {"ttft": 1.26, "itl": 1.1, "e2e": 1.1}
"""Times its floor: a target nearer to it than the median error of predictions (spec-kit/accuracy.md, points that no fit
has seen: TTFT 26 %, ITL 10 %) is missed by one server in four however little it serves."""
ROOM: Final = dict.fromkeys(MARGIN, USEFUL)
"""Times its floor, likewise: room for a useful load."""
BEYOND = 1.05
"""Times the least load: where a relaxed target is set, so that rounding does not refuse it again."""


def latency_floors(lightest: Load, targets: Sequence[Target]) -> tuple[Floats, ...]:
    """Return what each target's latency is with nearly nothing else running, seconds by candidate."""
    return tuple(target_latency(lightest, target)[:, 0] for target in targets)


def too_little(
    replicas: Replicas, lightest: Load, targets: Sequence[Target], capacity: Floats, ceiling: float
) -> Bools:
    """Return which replicas carry so little within targets that more of them are no way to carry more.

    Args:
        lightest: they, with nearly nothing else running.
        capacity: within them, requests/s; NaN where no load meets them.
        ceiling: share of the saturated rate that a replica may carry without targets.
    """
    return of_no_use(replicas, capacity, ceiling, ~_leave(lightest, targets, MARGIN))


def of_no_use(replicas: Replicas, capacity: Floats, ceiling: float, near: Bools) -> Bools:
    """Return which replicas carry too little of what they carry without limits; more where these are near a floor.

    Args:
        capacity: within the limits, requests/s; NaN where no load meets them.
        ceiling: share of the saturated rate that a replica may carry without limits.
        near: whether some limit lies nearer to its floor than predictions err.
    """
    share = capacity / (ceiling * replicas.saturated_rate[:, 0])
    return (share < LEAST_SHARE) | ((share < HALF) & near)


def leave_room(lightest: Load, targets: Sequence[Target]) -> bool:
    """Return whether the targets leave some candidate room above their floors, which ``relaxed_targets`` makes.

    Args:
        lightest: the candidates with nearly nothing else running.
    """
    return bool(_leave(lightest, targets, ROOM).any())


@kept(32)
def _leave(lightest: Load, targets: Sequence[Target], times: Mapping[Metric, float]) -> Bools:
    """Return which replicas meet all targets with nearly nothing else running, each so many times over."""
    held = [meets(lightest, replace(t, seconds=t.seconds / times[t.metric]))[:, 0] for t in targets]
    return np.all(held, axis=0)


def relaxed_targets(
    replicas: Replicas, lightest: Load, targets: Sequence[Target], ceiling: float, among: Bools
) -> tuple[int, tuple[Target, ...], tuple[Floats, ...]]:
    """Return the candidate nearest to the targets, targets that it can meet, and each target's floor by candidate.

    A relaxed target leaves room above the floor, and a load that is worth the accelerators; one that does stays.

    Args:
        lightest: they, with nearly nothing else running.
        targets: that are missed.
        ceiling: share of the saturated rate that a replica may carry without targets.
        among: candidates that may be the nearest, at least one.
    """
    floors = latency_floors(lightest, targets)
    load = replicas.at(batch_at_rate(replicas, BEYOND * LEAST_SHARE * ceiling * replicas.saturated_rate[:, 0]))
    useful = [target_latency(load, t)[:, 0] for t in targets]
    least = [np.maximum(USEFUL * floor, one) for floor, one in zip(floors, useful, strict=True)]
    missed = np.max([one / t.seconds for one, t in zip(least, targets, strict=True)], axis=0)
    nearest = int(np.argmin(np.where(among, missed, np.inf)))

    def eased(target: Target, floor: Floats, useful: Floats, least: Floats) -> Target:
        held = target.seconds >= max(MARGIN[target.metric] * floor[nearest], useful[nearest])
        return target if held else replace(target, seconds=max(target.seconds, float(least[nearest])))

    relaxed = tuple(map(eased, targets, floors, useful, least))
    return nearest, relaxed, floors
