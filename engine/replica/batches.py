"""Solving for the batch: the one that a rate sustains, with which so many are in flight, or that targets allow.

Each quantity rises with the batch, or holds below some batch and fails above it, so that brackets of log B are narrowed
for all candidates at once.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from catalogs.kept import kept
from engine.arrays import Bools, Floats, along_last
from engine.replica.latencies import mean_latency, missed_by
from engine.replica.load import Load, Replicas
from engine.replica.queueing import TINY
from engine.replica.saturation import RateLadder
from engine.replica.steps import StepCosts
from engine.workload import Target

NEARBY = 1.001
"""Times a batch, to see how fast its rate rises."""


def batch_at_rate(replicas: Replicas, requests_per_s: Floats) -> Floats:
    """Return B (candidates, 1) that sustains a rate per candidate; NaN where the rate exceeds λ_max.

    Several rates of each candidate, (candidates, rates), give as many batches.
    """
    costs, ladder, wanted = replicas.costs, replicas.ladder, requests_per_s.reshape(len(replicas.seats), -1)
    below = (ladder.rates[:, None, :] < wanted[..., None]).sum(axis=-1)
    passed = np.minimum(np.maximum(below, 1), ladder.rates.shape[1] - 1)
    low = np.log(along_last(ladder.batches, passed - 1))
    width = np.log(along_last(ladder.batches, passed)) - low
    # Where prompts run apart λ(B) is flat, and rises steeply where the last seats are taken.
    batch = _narrowed(costs.rate_at, wanted, low, width, *((8,) if costs.scheduler.mixed else (6, 6)))
    # One secant step more, for six digits.
    rates = costs.rate_at(np.concatenate([batch, batch * NEARBY], axis=1))
    here, beyond = rates[:, : batch.shape[1]], rates[:, batch.shape[1] :]
    slope = np.log(beyond / here) / np.log(NEARBY)
    further = np.log(wanted / here) / np.maximum(slope, 0.05)
    batch = batch * np.exp(np.minimum(np.maximum(further, -0.01), 0.01))
    # Below the smallest batch steps and prompts cost what they cost there, and formula 2 is explicit in B.
    left = np.maximum(1 - wanted * ladder.smallest_prompt_s, TINY)
    small = wanted * costs.decoded * ladder.smallest_step_s / left
    batch = np.where(wanted < ladder.smallest_rate, small, batch)
    result: Floats = np.where(wanted > ladder.saturated_rate, np.nan, batch)
    return result


def batch_in_flight(replicas: Replicas, requests: Floats) -> Floats:
    """Return B with which so many requests run or wait (Little: λ·E2E), at most the saturated.

    Shapes are those of ``batch_at_rate``.
    """

    def in_flight(batch: Floats) -> Floats:
        load = replicas.at(batch)
        return load.requests_per_s * mean_latency(load, "e2e")

    low = np.log(replicas.smallest_batch)
    width = np.log(replicas.saturated_batch) - low
    return _narrowed(in_flight, requests.reshape(len(replicas.seats), -1), low, width, 32, 32)


PARTS, DIGITS = 16, 4
"""A bracket of log B is divided into so many parts, and each of them tenfold so many times: 0.01 % of the batch."""
FINEST = PARTS * 10.0**DIGITS
FIRST = np.arange(PARTS + 1) / PARTS * FINEST
"""Ends of the parts; positions in a bracket are counted in the least of all parts."""


def capacity_batch(replicas: Replicas, targets: Sequence[Target], ceiling: float) -> Floats:
    """Return the largest batch (candidates, 1) that meets every target; NaN where none does.

    Args:
        replicas: the candidates.
        targets: latencies that must hold.
        ceiling: share of the saturated rate that a replica may carry, at most.
    """
    return capacity_batches(replicas, (tuple(targets),), ceiling)


Groups = tuple[tuple[Target, ...], ...]


def capacity_batches(replicas: Replicas, groups: Groups, ceiling: float) -> Floats:
    """Return the ``capacity_batch`` of each group of targets, found together: (candidates, groups).

    Args:
        replicas: the candidates.
        groups: targets that must hold together.
        ceiling: as in ``capacity_batch``.
    """
    if not any(groups):
        return np.repeat(batch_at_rate(replicas, ceiling * replicas.saturated_rate[:, 0]), len(groups), axis=1)
    # A router of more replicas than can saturate shares its waits at every load but where the ceiling stops them.
    if replicas.fleet is None and replicas.arrival_cv >= 1 and replicas.shared_rate < replicas.saturated_rate.max():
        own = (replicas.costs, replicas.seats, replicas.arrival_cv, replicas.ladder)
        found, shared_rate = _capacities_on_their_own(*own, groups, ceiling)
        if (replicas.shared_rate <= shared_rate).all():
            return found
    return _largest_within(replicas, groups, ceiling)[0]


@kept(32)
def _capacities_on_their_own(
    costs: StepCosts, seats: Floats, arrival_cv: float, ladder: RateLadder, groups: Groups, ceiling: float
) -> tuple[Floats, Floats]:
    """Return ``capacity_batches`` of replicas without a router, and up to which shared rate they are the same with one.

    A router of several replicas makes no wait longer, and a rate that one of them carries is not shared: so they are
    where the ceiling is what stops them, or where no load of the part that is divided is below the shared rate.
    """
    replicas = Replicas(costs, seats, arrival_cv, ladder)
    found, whole = _largest_within(replicas, groups, ceiling)
    part = (replicas.smallest_batch / replicas.saturated_batch) ** (1 / PARTS)
    return found, np.where(whole, np.inf, np.nan_to_num(replicas.rate(found * part)))


def _largest_within(replicas: Replicas, groups: Groups, ceiling: float) -> tuple[Floats, Bools]:
    return largest_batches(replicas, [partial(missed_most, targets=targets) for targets in groups], ceiling)


def largest_batches(
    replicas: Replicas, limits: Sequence[Callable[[Load], Floats]], ceiling: float
) -> tuple[Floats, Bools]:
    """Return the largest batch within each limit, NaN where none is, and whether it is the ceiling's.

    All are found together: (candidates, limits).

    Limits hold below some batch and fail above it. The bracket from the smallest batch to the ceiling's is divided,
    then the first part at whose end they fail, and so on, digit by digit; as many digits at once as come out as was
    foreseen from how much the limits are missed at both ends.

    Args:
        replicas: the candidates.
        limits: of a load, by how much it is missed at each batch; held at 0 or below.
        ceiling: as in ``capacity_batch``.
    """
    highest = batch_at_rate(replicas, ceiling * replicas.saturated_rate[:, 0])
    low = np.log(np.minimum(replicas.smallest_batch, highest))
    span = np.log(highest) - low
    load = replicas.at(np.exp(low + span * (FIRST / FINEST)))
    missed = np.stack([limit(load) for limit in limits], axis=1)
    held = _held(missed)
    below = (held - 1) * FIRST[1]
    # Nothing is left to divide where limits hold nowhere, or up to the ceiling.
    width = np.where((held > 0) & (held <= PARTS), FIRST[1], 1.0)
    whole = held > PARTS
    ends = _ends(FIRST, missed, below, width, np.broadcast_to([-99.0, 99.0], (*below.shape, 2)))
    while len(rows := np.flatnonzero((width > 1).any(axis=1))):
        open_limits = np.flatnonzero((width > 1).any(axis=0))
        some = np.ix_(rows, open_limits)
        starts, sizes = _foreseen(below[some], width[some], ends[some])
        trials = starts[..., None] + sizes[..., None] * np.arange(1.0, 10.0)
        load = replicas.take(rows).at(np.exp(low[rows] + span[rows] * (trials.reshape(len(rows), -1) / FINEST)))
        # Each limit at the others' trials too: those are few, and taking a load apart costs more.
        tried = [limits[at](load).reshape(trials.shape)[:, own] for own, at in enumerate(open_limits.tolist())]
        missed = np.stack(tried, axis=1)
        reached = starts + sizes * _held(missed)
        right = np.cumprod(reached[..., :-1] == starts[..., 1:], axis=-1).sum(axis=-1, keepdims=True)
        divided = width[some] > 1  # others of the same rows are known already
        below[some] = np.where(divided, along_last(reached, right)[..., 0], below[some])
        width[some] = np.where(divided, along_last(sizes, right)[..., 0], 1.0)
        flat = (*trials.shape[:2], -1)
        ends[some] = _ends(trials.reshape(flat), missed.reshape(flat), below[some], width[some], ends[some])
    return np.where(below < 0, np.nan, np.exp(low + span * (below / FINEST))), whole


def missed_most(load: Load, targets: Sequence[Target]) -> Floats:
    """Return by how much the target that is missed most is missed at each batch; it is met at 0 or below."""
    result: Floats = np.max([missed_by(load, target) for target in targets], axis=0)
    return result


def _held(missed: Floats) -> Floats:
    """Return at how many trials targets hold before one at which they fail."""
    result: Floats = np.cumprod(missed <= 0, axis=-1, dtype=np.float64).sum(axis=-1)
    return result


def _foreseen(below: Floats, width: Floats, ends: Floats) -> tuple[Floats, Floats]:
    """Return where parts of parts start that hold where targets seem to fail, and how wide a tenth of each is.

    Args:
        below: where brackets start: (candidates, groups).
        width: of the brackets, powers of ten.
        ends: by how much targets are missed at both ends: (candidates, groups, 2).
    """
    levels = 10.0 ** np.arange(1, len(str(int(width.max()))))
    sizes = np.maximum(width[..., None] / levels, 1.0)
    share = ends[..., 0] / (ends[..., 0] - ends[..., 1])  # a straight line between both
    within = np.floor(np.fmin(np.fmax(share, 0.0) * width, width - 1))[..., None]
    return below[..., None] + np.floor(within / (10 * sizes)) * (10 * sizes), sizes


def _ends(trials: Floats, missed: Floats, below: Floats, width: Floats, before: Floats) -> Floats:
    """Return by how much targets are missed at both ends of brackets: (candidates, groups, 2).

    Args:
        trials: positions that were tried: (candidates, groups, trials).
        missed: by how much targets were missed there.
        below: where the brackets start: (candidates, groups).
        width: of the brackets.
        before: at both ends of the brackets that these are parts of.
    """
    start, end = below[..., None], (below + width)[..., None]
    here = np.where(trials <= start, missed, -np.inf).max(axis=-1), np.where(trials >= end, missed, np.inf).min(axis=-1)
    held, failed = np.maximum(here[0], before[..., 0]), np.minimum(here[1], before[..., 1])
    return np.stack([np.minimum(held, 0.0), np.maximum(failed, TINY)], axis=-1)  # whatever dips lie between


def _narrowed(quantity: Callable[[Floats], Floats], wanted: Floats, low: Floats, width: Floats, *passes: int) -> Floats:
    """Return the first B from a bracket of log B at which a quantity that rises with B reaches each value.

    Each pass divides the bracket into so many parts, and the last is interpolated. A dip counts as level; below the
    bracket the quantity is proportional to B.
    """
    wanted = np.log(wanted)[..., None]
    low, width = low[..., None], width[..., None]
    for parts in passes:
        trial = np.exp(low + width * (np.arange(parts + 1) / parts))
        reached = np.log(quantity(trial.reshape(len(trial), -1))).reshape(trial.shape)
        reached = np.maximum.accumulate(reached, axis=-1)
        passed = np.minimum(np.maximum((reached < wanted).sum(axis=-1, keepdims=True), 1), parts)
        width = width / parts
        low = low + (passed - 1) * width
    before = along_last(reached, passed - 1)
    after = along_last(reached, passed)
    part = np.where(
        wanted < before,
        (wanted - before) / np.maximum(width, TINY),
        np.minimum(np.maximum((wanted - before) / np.maximum(after - before, TINY), 0.0), 1.0),
    )
    result: Floats = np.exp(low + width * part)[..., 0]
    return result
