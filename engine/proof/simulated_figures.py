"""Simulated latencies and targets as a plan holds them, of one simulation or over several of the same load."""

from collections.abc import Iterator, Sequence
from math import isfinite, sqrt

import numpy as np

from engine.plan import Latency, Performance, SimulatedFigure, SimulatedLatency, SimulatedTarget
from engine.simulation import SimulationResult
from engine.simulation.statistics import BatchMeansEstimate, Distribution, student
from engine.workload import Target


def latency(simulated: Distribution, formula: Latency | None = None) -> SimulatedLatency:
    """Return a distribution as a plan holds it, beside the formula's."""

    def figure(name: str) -> SimulatedFigure:
        estimate: BatchMeansEstimate = getattr(simulated, name)
        beside = None if formula is None else float(getattr(formula, name))
        return SimulatedFigure(estimate.value, estimate.low, estimate.high, beside)

    return SimulatedLatency(figure("mean"), figure("p50"), figure("p90"), figure("p95"), figure("p99"))


def simulated_targets(
    targets: Sequence[Target],
    results: Sequence[SimulationResult],
    formula: Performance | None,
    first: int,
    last: int | None,
) -> Iterator[SimulatedTarget]:
    """Yield what came of each target, over repeats.

    Args:
        targets: of the spec.
        results: of the repeats.
        formula: what the formulas say beside it.
        first: the first request that counts.
        last: the first one after those that count; None where all the others do.
    """
    for target in targets:
        drawn = distribution_over([getattr(result, f"{target.metric}_s") for result in results])
        estimate: BatchMeansEstimate = getattr(drawn, target.percentile)
        if not isfinite(estimate.value):
            continue
        shares = [share for result in results if (share := _within(target, result, first, last)) is not None]
        formula_s = None if formula is None else formula.latency_s(target.metric, target.percentile)
        yield simulated_target(target, estimate, sum(shares) / len(shares) if shares else None, formula_s)


def simulated_target(
    target: Target, estimate: BatchMeansEstimate, within: float | None, formula_s: float | None = None
) -> SimulatedTarget:
    """Return what came of a target as a plan holds it.

    Args:
        estimate: of its metric at its percentile, seconds.
        within: share of requests within it; None where that is not known.
        formula_s: what the formulas say beside the estimate, seconds.
    """
    return SimulatedTarget(
        target.metric,
        target.percentile,
        target.seconds,
        estimate.value,
        estimate.low,
        estimate.high,
        formula_s,
        estimate.value <= target.seconds,
        within,
    )


def _within(target: Target, result: SimulationResult, first: int, last: int | None) -> float | None:
    """Return the share of requests within a target; None where that is not known."""
    if result.requests is None:
        return None
    column = {"ttft": "ttft_s", "itl": "tpot_s", "e2e": "e2e_s"}[target.metric]
    values = getattr(result.requests.between(first, last), column)
    values = values[~np.isnan(values)]
    return float((values <= target.seconds).mean()) if len(values) else None


def over_repeats(values: Sequence[float]) -> BatchMeansEstimate:
    """Return the mean of a figure over repeats, with its 95 % confidence interval."""
    known = np.array([value for value in values if isfinite(value)])
    if not len(known):
        return BatchMeansEstimate(float("nan"), None, None)
    mean = float(known.mean())
    if len(known) == 1:
        return BatchMeansEstimate(mean, None, None)
    half = student(len(known)) * float(known.std(ddof=1)) / sqrt(len(known))
    return BatchMeansEstimate(mean, max(mean - half, 0.0), mean + half)


def distribution_over(results: Sequence[Distribution]) -> Distribution:
    """Return a distribution over repeats; a single one keeps its own intervals."""
    if len(results) == 1:
        return results[0]
    names = ("mean", "p50", "p90", "p95", "p99")
    return Distribution(*(over_repeats([getattr(result, name).value for result in results]) for name in names))
