"""TTFT of closed loops on points that no fit has seen: the formula's beside that of simulating each benchmark.

The constants are those of the folds: a point is replayed with what the others, its own group left out, were fitted to.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from engine.accuracy.columns import METRICS, TAILS
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.predictions import Outcome, Simulator, predict_points
from engine.accuracy.scores import median_and_p90_ape
from engine.fitting.least_squares import Fit, Problem
from engine.fitting.weights import excluded_because


class ReplayLine(Struct, frozen=True):
    """Errors of one kind of closed loops, median and p90 APE."""

    name: str
    metric: str
    points: int
    formula: tuple[float, float] | None
    """Null where there is none: of a percentile."""
    simulated: tuple[float, float]


Replays = Mapping[int, Mapping[str, float]]
"""Predicted over measured of simulated closed loops, by point and metric."""


def replays_of(problem: Problem, fit: Fit, simulator: Simulator) -> Replays:
    """Return the replay of every closed loop of a fit with constants that have not seen it.

    Args:
        fit: its folds hold the constants, and the points left out of each.
    """
    columns = dict.fromkeys(METRICS["ttft"], "ttft")
    columns |= {column: metric for metric, names in TAILS.items() for column in names if metric.startswith("ttft")}
    replays: dict[int, dict[str, float]] = {}
    for fold in fit.folds:
        closed = [index for index in fold.points if problem.points[index].load.kind == "closed_loop"]
        points = [problem.points[index] for index in closed]
        outcomes = predict_points(points, problem.catalog.with_fitted(fold.constants), simulator)
        replays |= {index: _ratios(outcome, columns) for index, outcome in zip(closed, outcomes, strict=True)}
    return replays


def replay_lines(results: Iterable[tuple[Problem, Fit, Replays]]) -> tuple[ReplayLine, ...]:
    """Return the errors of replays, each kind's beside those of its formula; set-aside points stand apart."""
    formulas: dict[tuple[str, str], list[float]] = defaultdict(list)
    simulated: dict[tuple[str, str], list[float]] = defaultdict(list)
    for problem, fit, replays in results:
        for index, ratios in replays.items():
            for metric, ratio in ratios.items():
                key = _family(problem.points[index]), metric
                simulated[key].append(ratio)
                if index in fit.without["group"].get(metric, {}):
                    formulas[key].append(fit.without["group"][metric][index])
    return tuple(
        ReplayLine(name, metric, len(ratios), _errors(formulas[name, metric]), median_and_p90_ape(ratios))
        for (name, metric), ratios in sorted(simulated.items())
    )


def _ratios(outcome: Outcome, columns: Mapping[str, str]) -> dict[str, float]:
    """Return predicted over measured, by metric."""
    if isinstance(outcome, str):
        return {}
    return {columns[item.column]: item.predicted / item.measured for item in outcome if item.column in columns}


def _family(point: MeasuredPoint) -> str:
    """Return whose closed loops a point belongs to."""
    kind = "mixture" if point.is_mixture else "dense"
    aside = ", set aside" if excluded_because(point.row, "ttft") else ""
    return f"{point.system.runtime}, {kind}, {point.load.protocol.id}{aside}"


def _errors(ratios: Sequence[float]) -> tuple[float, float] | None:
    return median_and_p90_ape(ratios) if ratios else None
