"""Solving for the batch: the one that a rate sustains, with which so many are in flight, or that targets allow.

Each quantity rises with the batch, or holds below some batch and fails above it, so that brackets of log B are narrowed
for all candidates at once.
"""

from collections.abc import Callable, Sequence

import numpy as np

from engine.arrays import Bools, Floats
from engine.replica.latencies import mean_latency, meets
from engine.replica.load import Replicas
from engine.replica.queueing import TINY
from engine.workload import Target

NEARBY = 1.001
"""Times a batch, to see how fast its rate rises."""


def batch_at_rate(replicas: Replicas, requests_per_s: Floats) -> Floats:
    """Return B (candidates, 1) that sustains a rate per candidate; NaN where the rate exceeds λ_max.

    Several rates of each candidate, (candidates, rates), give as many batches.
    """
    ladder = replicas.ladder
    wanted = requests_per_s.reshape(len(replicas.seats), -1)
    passed = np.clip((ladder.rates[:, None, :] < wanted[..., None]).sum(axis=-1), 1, ladder.rates.shape[1] - 1)
    low = np.log(np.take_along_axis(ladder.batches, passed - 1, axis=1))
    width = np.log(np.take_along_axis(ladder.batches, passed, axis=1)) - low
    batch = _narrowed(replicas.rate, wanted, low, width, 8)
    # One secant step more, for six digits.
    here, beyond = np.split(replicas.rate(np.concatenate([batch, batch * NEARBY], axis=1)), 2, axis=1)
    slope = np.log(beyond / here) / np.log(NEARBY)
    batch = batch * np.exp(np.clip(np.log(wanted / here) / np.maximum(slope, 0.05), -0.01, 0.01))
    # Below the smallest batch steps and prompts cost what they cost there, and formula 2 is explicit in B.
    left = np.maximum(1 - wanted * ladder.smallest_prompt_s, TINY)
    small = wanted * replicas.costs.decoded * ladder.smallest_step_s / left
    batch = np.where(wanted < ladder.smallest_rate, small, batch)
    result: Floats = np.where(wanted > replicas.saturated_rate, np.nan, batch)
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


def capacity_batch(replicas: Replicas, targets: Sequence[Target], ceiling: float) -> Floats:
    """Return the largest batch (candidates, 1) that meets every target; NaN where none does.

    Args:
        replicas: the candidates.
        targets: latencies that must hold.
        ceiling: share of the saturated rate that a replica may carry, at most.
    """
    highest = batch_at_rate(replicas, ceiling * replicas.saturated_rate[:, 0])
    if not targets:
        return highest

    def holds(batch: Floats) -> Bools:
        load = replicas.at(batch)
        good: Bools = np.ones(batch.shape, dtype=np.bool_)
        for target in targets:
            good &= meets(load, target)
        return good

    return _largest(holds, np.log(np.minimum(replicas.smallest_batch, highest)), np.log(highest))


def _largest(holds: Callable[[Floats], Bools], low: Floats, high: Floats) -> Floats:
    """Return the largest batch for which a condition holds, to 0.01 % and from below; NaN where it never does.

    The condition holds below some batch and fails above it; each pass narrows the bracket (of logs) by its number
    of points.
    """
    reachable = holds(np.exp(low))
    for points in (16, 10, 10, 10, 10):
        shares = np.linspace(0.0, 1.0, points + 1)
        grid = low + (high - low) * shares
        good = np.cumprod(holds(np.exp(grid)), axis=1).sum(axis=1, keepdims=True)
        at = np.clip(good - 1, 0, points)
        width = (high - low) / points
        low = low + at * width
        high = np.minimum(low + width, high)
    result: Floats = np.where(reachable, np.exp(low), np.nan)
    return result


def _narrowed(quantity: Callable[[Floats], Floats], wanted: Floats, low: Floats, width: Floats, *passes: int) -> Floats:
    """Return the first B from a bracket of log B at which a quantity that rises with B reaches each value.

    Each pass divides the bracket into so many parts, and the last is interpolated. A dip counts as level; below the
    bracket the quantity is proportional to B.
    """
    wanted = np.log(wanted)[..., None]
    low, width = (np.broadcast_to(array, wanted.shape[:-1])[..., None] for array in (low, width))
    for parts in passes:
        trial = np.exp(low + width * np.linspace(0.0, 1.0, parts + 1))
        reached = np.log(quantity(trial.reshape(len(trial), -1))).reshape(trial.shape)
        reached = np.maximum.accumulate(reached, axis=-1)
        passed = np.minimum(np.maximum((reached < wanted).sum(axis=-1, keepdims=True), 1), parts)
        width = width / parts
        low = low + (passed - 1) * width
    before = np.take_along_axis(reached, passed - 1, axis=-1)
    after = np.take_along_axis(reached, passed, axis=-1)
    part = np.where(
        wanted < before,
        (wanted - before) / np.maximum(width, TINY),
        np.clip((wanted - before) / np.maximum(after - before, TINY), 0.0, 1.0),
    )
    result: Floats = np.exp(low + width * part)[..., 0]
    return result
