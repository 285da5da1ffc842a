"""Solving for the batch: the one that a rate sustains, with which so many are in flight, or that targets allow.

Each quantity rises with the batch, or holds below some batch and fails above it, so that brackets of log B are narrowed
for all candidates at once.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from catalogs.kept import kept
from engine.arrays import Bools, Floats, Indices, along_last
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
    # Below the smallest batch steps and prompts cost about what they cost there, and formula 2 is explicit in B.
    left = np.maximum(1 - wanted * ladder.smallest_prompt_s, TINY)
    small = wanted * costs.decoded * ladder.smallest_step_s / left
    batch = np.where(wanted < ladder.smallest_rate, small, batch)
    # One secant step more, for six digits.
    rates = costs.rate_at(np.concatenate([batch, batch * NEARBY], axis=1))
    here, beyond = rates[:, : batch.shape[1]], rates[:, batch.shape[1] :]
    slope = np.log(beyond / here) / np.log(NEARBY)
    further = np.log(wanted / here) / np.maximum(slope, 0.05)
    batch = batch * np.exp(np.minimum(np.maximum(further, -0.01), 0.01))
    return np.where(wanted > ladder.saturated_rate, np.nan, batch)


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


PARTS = 16
"""Into which a bracket of log B is divided first."""
FINEST = PARTS * 1e4
"""Positions in a bracket: 0.01 % of the batch from one to the next."""
FIRST, OF_ONE = (np.linspace(0.0, FINEST, times * PARTS + 1) for times in (1, 2))
"""Positions that are tried first; those of a single candidate, the arrays of which are small whatever their number, are
so close that the curve through them leaves no doubt after one more look."""
AROUND = np.array([-2600.0, -432.0, -72.0, -12.0, 0.0, 1.0, 13.0, 73.0, 433.0, 2601.0])
"""Positions that are tried beside one that is foreseen: its neighbours and, the further the fewer, others."""
NARROW = 1000.0
"""Positions between two trials, from which on a curve through them and their neighbours may stand for those between."""
LEVEL = 1.2
"""Times a limit may rise more steeply before or behind two trials than between them, or less, for such a curve."""


def capacity_batch(replicas: Replicas, targets: Sequence[Target], ceiling: float) -> Floats:
    """Return the largest batch (candidates, 1) that meets every target; NaN where none does.

    Args:
        targets: latencies that must hold.
        ceiling: share of the saturated rate that a replica may carry, at most.
    """
    return capacity_batches(replicas, (tuple(targets),), ceiling)


Groups = tuple[tuple[Target, ...], ...]


def capacity_batches(replicas: Replicas, groups: Groups, ceiling: float, known: Load | None = None) -> Floats:
    """Return the ``capacity_batch`` of each group of targets, found together: (candidates, groups).

    Args:
        groups: targets that must hold together.
        ceiling: as in ``capacity_batch``.
        known: as in ``largest_batches``.
    """
    if not any(groups):
        return np.repeat(batch_at_rate(replicas, ceiling * replicas.saturated_rate[:, 0]), len(groups), axis=1)
    own, most = (replicas.costs, replicas.seats, replicas.arrival_cv, replicas.ladder), replicas.saturated_rate.max()
    if replicas.shared_rate >= replicas.alike_from:
        return _capacities(*own, replicas.shared_rate, groups, ceiling)[0]
    # A rate of more replicas than can saturate is shared at every load too, but where the ceiling stops them.
    shared = replicas.shared_rate >= most and ceiling == 1
    if replicas.fleet is not None or replicas.arrival_cv < 1 or shared:
        return _largest_within(replicas, groups, ceiling, known)[0]
    found, shared_rate = _capacities(*own, 0.0, groups, ceiling)
    rows = np.flatnonzero((shared_rate < replicas.shared_rate).any(axis=1))
    if len(rows):
        found = found.copy()
        found[rows] = _largest_within(replicas.take(rows), groups, ceiling, known if len(found) == 1 else None)[0]
    return found


@kept(32)
def _capacities(
    costs: StepCosts,
    seats: Floats,
    arrival_cv: float,
    ladder: RateLadder,
    shared_rate: float,
    groups: Groups,
    ceiling: float,
) -> tuple[Floats, Floats]:
    """Return ``capacity_batches``, and up to which shared rate replicas on their own have the same as behind a router.

    A router of several replicas makes no wait longer, and a rate that one of them carries is not shared: so they have
    where the ceiling is what stops them, or where no load of the part that is divided is below the shared rate.
    """
    replicas = Replicas(costs, seats, arrival_cv, ladder, shared_rate)
    found, whole = _largest_within(replicas, groups, ceiling)
    if whole.all():
        return found, np.full(found.shape, np.inf)
    part = (replicas.smallest_batch / replicas.saturated_batch) ** (1 / PARTS)
    return found, np.where(whole, np.inf, np.nan_to_num(replicas.rate(found * part)))


def _largest_within(
    replicas: Replicas, groups: Groups, ceiling: float, known: Load | None = None
) -> tuple[Floats, Bools]:
    return largest_batches(replicas, [partial(missed_most, targets=targets) for targets in groups], ceiling, known)


def largest_batches(
    replicas: Replicas, limits: Sequence[Callable[[Load], Floats]], ceiling: float, known: Load | None = None
) -> tuple[Floats, Bools]:
    """Return the largest batch within each limit, NaN where none is, and whether it is the ceiling's.

    All are found together: (candidates, limits).

    Limits hold below some batch and fail above it. Positions are tried in the bracket from the smallest batch to the
    ceiling's, then around where a curve through the nearest foresees that a limit fails, until none lies between the
    last at which it holds and the first at which it fails, or the curve leaves no doubt.

    Args:
        limits: of a load, by how much it is missed at each batch; held at 0 or below.
        ceiling: as in ``capacity_batch``.
        known: the candidates at rising batches, which shows about where limits fail.
    """
    highest = replicas.saturated_batch
    if ceiling < 1:
        highest = batch_at_rate(replicas, ceiling * replicas.saturated_rate[:, 0])
    low = np.log(np.minimum(replicas.smallest_batch, highest))
    span = np.log(highest) - low

    def missed_at(trials: Floats, rows: Indices) -> Floats:
        """Return by how much limits are missed at positions of some candidates, (rows, limits or 1, positions)."""
        load = replicas.take(rows).at(np.exp(low[rows] + span[rows] * (trials.reshape(len(rows), -1) / FINEST)))
        # Each limit at the others' trials too: those are few, and taking a load apart costs more.
        missed: list[Floats] = [limit(load).reshape(trials.shape) for limit in limits]
        return np.stack([each[:, own % trials.shape[1]] for own, each in enumerate(missed)], axis=1)

    trials = np.repeat((OF_ONE if len(low) == 1 else FIRST)[None, None], len(low), axis=0)
    if known is not None:
        at = np.log(known.batch)[:, None] * FINEST
        missed = np.stack([limit(known) for limit in limits], axis=1)
        about = _last_held(*_nearest(np.broadcast_to(at, missed.shape), missed))[0] / FINEST
        trials = np.floor((about - low) / span * FINEST)[..., None] + np.array([-np.inf, *AROUND, np.inf])
        trials = np.minimum(np.maximum(trials, 0.0), FINEST)
    missed = missed_at(trials, np.arange(len(low)))
    held = _held(missed)
    whole = held == missed.shape[-1]
    divided = (held > 0) & ~whole
    found = np.where(held > 0, FINEST, np.nan)
    near, missed = _nearest(np.broadcast_to(trials, missed.shape), missed)
    while True:
        last, sure = _last_held(near, missed)
        found = np.where(divided, last, found)
        divided &= ~sure
        rows = np.flatnonzero(divided.any(axis=1))
        if not len(rows):
            return np.exp(low + span * (found / FINEST)), whole
        between, by = near[rows], missed[rows]
        trials = np.minimum(np.maximum(last[rows][..., None] + AROUND, between[..., 1:2]), between[..., 2:3])
        between = np.concatenate([between[..., :2], trials, between[..., 2:]], axis=-1)
        by = np.concatenate([by[..., :2], missed_at(trials, rows), by[..., 2:]], axis=-1)
        near[rows], missed[rows] = _nearest(between, by)


def missed_most(load: Load, targets: Sequence[Target]) -> Floats:
    """Return by how much the target that is missed most is missed at each batch; it is met at 0 or below."""
    return np.max([missed_by(load, target) for target in targets], axis=0)


def _held(missed: Floats) -> Floats:
    """Return at how many trials targets hold before one at which they fail."""
    return np.cumprod(missed <= 0, axis=-1, dtype=np.float64).sum(axis=-1)


def _nearest(trials: Floats, missed: Floats) -> tuple[Floats, Floats]:
    """Return the last two of rising trials at which limits hold and the first two at which they fail, and both values.

    An end stands twice where it is the only one of its kind: (candidates, limits, 4).
    """
    index = _held(missed)[..., None].astype(np.intp) + np.arange(-2, 2)
    index = np.minimum(np.maximum(index, 0), trials.shape[-1] - 1)
    return along_last(trials, index), along_last(missed, index)


def _last_held(near: Floats, missed: Floats) -> tuple[Floats, Bools]:
    """Return the last position at which limits hold, as a curve through ``_nearest`` has it, and whether it is sure."""
    start, end, apart = near[..., 1], near[..., 2], near[..., 1:] - near[..., :-1]
    rise = (missed[..., 1:] - missed[..., :-1]) / np.maximum(apart, 1.0)
    steep = np.maximum(rise[..., 1], TINY)
    rise = np.where(apart > 0, rise, steep[..., None])
    bent = (rise[..., 1:] - rise[..., :-1]) / np.maximum(near[..., 2:] - near[..., :-2], 1.0)
    line = start - missed[..., 1] / steep
    off = (line - start) * (line - end) / steep
    # From where a straight line fails a step of Newton's rule for the mean of both bends.
    mean = (bent[..., 0] + bent[..., 1]) / 2
    fails = line - off * mean / np.maximum(1.0 + mean / steep * (2 * line - start - end), 0.2)
    fails = np.minimum(np.maximum(fails, start), np.maximum(end - 1.0, start))
    doubt = off * (bent[..., 1] - bent[..., 0])
    level = (rise.max(axis=-1) < LEVEL * rise.min(axis=-1)) & (end - start < NARROW)
    sure = (end - start <= 1.0) | (level & (np.floor(fails - doubt) == np.floor(fails + doubt)))
    return np.floor(fails), sure


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
    return np.exp(low + width * part)[..., 0]
