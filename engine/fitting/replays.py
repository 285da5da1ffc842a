"""TTFT of closed loops on points that no fit has seen: the formula's beside that of simulating each benchmark.

The constants are those of the folds: a point is replayed with what the others, its own group left out, were fitted to.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from msgspec import Struct

from engine.accuracy.points import Point
from engine.accuracy.predictions import METRICS, TAILS, Outcome, Simulator, predict_points
from engine.fitting.blocks import excluded_because
from engine.fitting.least_squares import Fit, Problem


class ReplayLine(Struct, frozen=True):
    """Errors of one kind of closed loops, median and p90 APE."""

    name: str
    metric: str
    points: int
    formula: tuple[float, float] | None
    """Null where there is none: of a percentile."""
    simulated: tuple[float, float]


Replayed = Mapping[int, Mapping[str, float]]
"""Predicted over measured of simulated closed loops, by point and metric."""


def replayed(problem: Problem, fit: Fit, simulator: Simulator) -> Replayed:
    """Replay every closed loop of a fit with constants that have not seen it."""
    columns = dict.fromkeys(METRICS["ttft"], "ttft")
    columns |= {column: metric for metric, names in TAILS.items() for column in names}
    found: dict[int, dict[str, float]] = {}
    for fold in fit.folds:
        closed = [index for index in fold.points if problem.points[index].load.kind == "closed_loop"]
        points = [problem.points[index] for index in closed]
        outcomes = predict_points(points, problem.catalog.with_fitted(fold.constants), simulator)
        found |= {index: _ratios(outcome, columns) for index, outcome in zip(closed, outcomes, strict=True)}
    return found


def replay_lines(results: Iterable[tuple[Problem, Fit, Replayed]]) -> tuple[ReplayLine, ...]:
    """Return the errors of replays, each kind's beside those of its formula; set-aside points stand apart."""
    formulas: dict[tuple[str, str], list[float]] = defaultdict(list)
    simulated: dict[tuple[str, str], list[float]] = defaultdict(list)
    for problem, fit, replays in results:
        for index, ratios in replays.items():
            for metric, ratio in ratios.items():
                key = _family(problem.points[index]), metric
                simulated[key].append(ratio)
                if index in fit.ratios.get(metric, {}):
                    formulas[key].append(fit.ratios[metric][index])
    return tuple(
        ReplayLine(name, metric, len(ratios), _errors(formulas[name, metric]), _errors(ratios) or (0.0, 0.0))
        for (name, metric), ratios in sorted(simulated.items())
    )


def _ratios(outcome: Outcome, columns: Mapping[str, str]) -> dict[str, float]:
    """Return predicted over measured, by metric."""
    if isinstance(outcome, str):
        return {}
    return {columns[item.column]: item.predicted / item.measured for item in outcome if item.column in columns}


def _family(point: Point) -> str:
    """Return whose closed loops a point belongs to."""
    kind = "mixture" if point.is_mixture else "dense"
    aside = ", set aside" if excluded_because(point.row, "ttft") else ""
    return f"{point.system.runtime}, {kind}, {point.load.protocol.id}{aside}"


def _errors(ratios: Sequence[float]) -> tuple[float, float] | None:
    if not ratios:
        return None
    ape = np.abs(np.array(ratios) - 1)
    return float(np.median(ape)), float(np.quantile(ape, 0.9))
