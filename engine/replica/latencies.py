"""How latencies are distributed over requests at a load: means, shares beyond a time, percentiles, targets.

TTFT is a wait and a request's own prefill, ITL a lognormal beyond the step of one request, E2E both; each is summed
over the strata of lengths (spec-kit/methodology.md, "A replica at a load"). Metrics are 'ttft', 'itl' and 'e2e'.
"""

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from engine.arrays import Bools, Floats, Indices, along_last
from engine.replica.load import Load
from engine.replica.queueing import TINY, longer_than, normal_tail
from engine.workload import PERCENTILE_SHARES, Target

COARSE = 8
"""Prompt strata that stand as one where E2E is summed over prompts and answers."""
WIDEST = 1.2816
"""Log standard deviation beyond which a wider lognormal of the same mean has a lower p90; answers of hardly a token."""
PACES = (np.array([-1.0, 1.0]), np.array([0.5, 0.5]))
PACES_ALIKE = (np.array([-(3**0.5), 0.0, 3**0.5]), np.array([1 / 6, 2 / 3, 1 / 6]))
"""Gauss and Hermite's nodes and weights, for how ITL varies within one answer length; the second where all answers are
alike and nothing else makes it vary."""
LADDERS = tuple(np.arange(parts + 1) / parts for parts in (16, 12, 12))
"""Parts into which each pass divides the bracket of a percentile: their ends, as shares of it."""


def mean_latency(load: Load, metric: str) -> Floats:
    """Return a metric's mean over requests (candidates, batches), seconds."""
    if metric == "itl":
        return load.itl_by_answer @ load.lengths.output.weights
    ttft: Floats = load.own_prefill_s @ load.lengths.prompt.weights + load.waits.mean[..., 0]
    return ttft if metric == "ttft" else ttft + load.lengths.decoded * load.itl_s + load.stall.seconds


def target_latency(load: Load, target: Target) -> Floats:
    """Return a target's metric at its percentile, or its mean (candidates, batches), seconds."""
    share = PERCENTILE_SHARES.get(target.percentile)
    return mean_latency(load, target.metric) if share is None else percentile_latency(load, target.metric, share)


def share_beyond(load: Load, metric: str, seconds: Floats) -> Floats:
    """Return the share of requests whose latency exceeds a time: P(metric > seconds).

    Args:
        seconds: broadcasts against (candidates, batches).
    """
    return tail_of(load, metric)(np.asarray(seconds))


def meets(load: Load, target: Target) -> Bools:
    """Return whether a target holds at each batch (candidates, batches)."""
    return missed_by(load, target) <= 0


def missed_by(load: Load, target: Target) -> Floats:
    """Return by how much a target is missed at each batch (candidates, batches), log; it is met at 0 or below.

    Of a mean it is the latency over the target, of a percentile the share of requests beyond it over those allowed.
    """
    if target.percentile == "mean":
        ratio: Floats = mean_latency(load, target.metric) / target.seconds
    else:
        beyond = share_beyond(load, target.metric, np.array(target.seconds))
        ratio = np.maximum(beyond, TINY) / (1 - PERCENTILE_SHARES[target.percentile])
    return np.log(ratio)


def percentile_latency(load: Load, metric: str, share: float) -> Floats:
    """Return the latency that a share of requests does not exceed (candidates, batches), seconds.

    Args:
        share: 0.95 for a p95.
    """
    return percentile_latencies(load, metric, (share,))[..., 0]


def percentile_latencies(load: Load, metric: str, shares: Sequence[float]) -> Floats:
    """Return the latencies that shares of requests do not exceed (candidates, batches, shares), seconds.

    Args:
        shares: rising, below 1.
    """
    count = load.batch.shape[1]
    columns = np.arange(count).repeat(len(shares)) if len(shares) > 1 else None
    found = latencies_within(load, metric, np.array(tuple(shares) * count), columns)
    return np.maximum.accumulate(found.reshape(*load.batch.shape, -1), axis=-1)


def latencies_within(load: Load, metric: str, shares: Floats, columns: Indices | None = None) -> Floats:
    """Return the latency that each share of the requests of a batch does not exceed (candidates, shares), seconds.

    ``share_beyond`` falls with time: a ladder of log time, the same for all shares of a batch, brackets each; two finer
    ones narrow the brackets, and the last is interpolated. The first starts below anybody's own prefill and ends where
    Markov's inequality allows no more: P(X > t) <= E[X]/t.

    Args:
        shares: below 1; those of one batch rise.
        columns: the batch of each share; None: each has its own.
    """
    tail, allowed = tail_of(load, metric).mapped(lambda array: array[:, :, None]), 1 - shares
    rarest = allowed
    if columns is not None:
        rarest = np.ones(load.batch.shape[1])
        rarest[columns] = allowed  # of each batch the last
    centre = np.log(mean_latency(load, metric))
    shortest = centre - 4.0 if metric == "itl" else np.log(load.own_prefill_s.min(axis=-1))
    low = shortest - 0.01
    width = centre - np.log(rarest) + 0.01 - low
    for ladder in LADDERS:
        parts = len(ladder) - 1
        above = tail(np.exp(low[..., None] + width[..., None] * ladder))
        if columns is not None:
            above, low, width = (array.take(columns, axis=1) for array in (above, low, width))
            tail = tail.mapped(lambda array, columns=columns: array.take(columns, axis=1))  # type: ignore[misc]
            columns = None
        passed = np.minimum(np.maximum((above > allowed[:, None]).sum(axis=-1), 1), parts)
        width = width / parts
        low = low + (passed - 1) * width
    before = along_last(above, passed[..., None] - 1)[..., 0]
    after = along_last(above, passed[..., None])[..., 0]
    part = np.minimum(np.maximum((before - allowed) / np.maximum(before - after, TINY), 0.0), 1.0)
    return np.exp(low + width * part)


class Tail(Struct, frozen=True):
    """``share_beyond`` of a metric as a function of the seconds."""

    beyond: Callable[..., Floats]
    """Of the seconds and the arrays."""
    arrays: tuple[Floats, ...]
    """(candidates, batches, …)."""

    def __call__(self, seconds: Floats) -> Floats:
        """Return P(metric > seconds)."""
        return self.beyond(seconds, *self.arrays)

    def mapped(self, change: Callable[[Floats], Floats]) -> "Tail":
        """Return the same with every array changed alike."""
        return Tail(self.beyond, tuple(map(change, self.arrays)))


def tail_of(load: Load, metric: str) -> Tail:
    """Return ``share_beyond`` as a function of the seconds."""
    match metric:
        case "itl":
            return _itl_tail(load)
        case "ttft":
            weights = load.lengths.prompt.weights
            return Tail(
                lambda seconds, own, *waits: longer_than(seconds[..., None] - own, *waits) @ weights,
                (load.own_prefill_s, *load.waits.law),
            )
        case _:
            return _e2e_tail(load)


def _e2e_tail(load: Load) -> Tail:
    """Return P(E2E > seconds): mostly decoding, so that every COARSE prompt strata stand as one in the product."""
    prompt, output = load.lengths.prompt, load.lengths.output
    starts = np.arange(0, len(prompt.weights), COARSE)
    weights = np.add.reduceat(prompt.weights, starts)
    own = np.add.reduceat(load.own_prefill_s * prompt.weights, starts, axis=-1) / weights
    paces, pace_weights = PACES if len(output.weights) > 1 else PACES_ALIKE
    beyond, sigma, _ = (each[..., None] for each in _beyond_alone(load))
    pace = load.least_itl_s[..., None, None] + np.exp(sigma * paces - sigma * sigma / 2) * beyond
    decoding = ((output.values - 1)[:, None] * pace).reshape(*load.itl_s.shape, -1)
    taken = decoding[..., None] + own[..., None, :]
    answers = np.outer(output.weights, pace_weights).ravel()
    return Tail(
        lambda seconds, taken, *waits: longer_than(seconds[..., None, None] - taken, *waits) @ weights @ answers,
        (taken, *(array[..., None] for array in load.waits.law)),
    )


def _itl_tail(load: Load) -> Tail:
    """Return P(ITL > seconds): what others bring into a step alone, how the batch wanders, as a lognormal beyond it.

    Where that varies by more than its mean, since few answers meet any prompt, it is an exponential for some of them.
    """
    beyond, sigma, square = _beyond_alone(load)
    scale, weights = 1 / sigma, load.lengths.output.weights
    rare: tuple[Floats, ...] = ()
    if square.max() > 2:
        few = np.minimum(2 / square, 1.0)
        rare = few / beyond, few

    def exceeds(seconds: Floats, least: Floats, scale: Floats, shift: Floats, *rare: Floats) -> Floats:
        longer = np.maximum(seconds - least, TINY)[..., None]
        deviations = np.log(longer) * scale
        deviations += shift
        beyond = normal_tail(deviations)
        if rare:
            each, few = rare
            np.multiply(longer, -each, out=deviations)
            np.exp(deviations, out=deviations)
            np.multiply(deviations, few, out=beyond, where=few < 1)
        result: Floats = beyond @ weights
        return np.where(seconds < least, 1.0, result)

    return Tail(exceeds, (load.least_itl_s, scale, sigma / 2 - np.log(beyond) * scale, *rare))


def _beyond_alone(load: Load) -> tuple[Floats, Floats, Floats]:
    """Return the mean of ITL beyond a step alone, its log standard deviation, and E of its square over the mean's."""
    variance = load.itl_variance_by_answer
    beyond = np.maximum(load.itl_by_answer - load.least_itl_s[..., None], TINY)
    square = 1 + variance / beyond**2
    return beyond, np.minimum(np.sqrt(np.log(square) + TINY), WIDEST), square
