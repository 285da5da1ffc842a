"""TTFT of closed loops on points that no fit has seen: the formula's beside that of simulating each benchmark.

The constants are those of the folds: a point is replayed with what the others, its own group left out, were fitted to.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from msgspec import Struct

from engine.fit_plan import excluded_because
from engine.fitting import Fit, Problem
from engine.measured import METRICS, TAILS, Outcome, Simulator, predict_points
from engine.points import Point


class ReplayLine(Struct, frozen=True):
    """Errors of one kind of closed loops, median and p90 APE."""

    name: str
    metric: str
    points: int
    formula: tuple[float, float] | None
    """Null where there is none: of a percentile."""
    simulated: tuple[float, float]


def replay_lines(results: Iterable[tuple[Problem, Fit]], simulator: Simulator) -> tuple[ReplayLine, ...]:
    """Replay every closed loop of the fits with constants that have not seen it; set-aside points stand apart."""
    columns = {column: metric for metric in ("ttft",) for column in METRICS[metric]}
    columns |= {column: metric for metric, names in TAILS.items() for column in names}
    formulas: dict[tuple[str, str], list[float]] = defaultdict(list)
    simulated: dict[tuple[str, str], list[float]] = defaultdict(list)
    for problem, fit in results:
        for fold in fit.folds:
            points = [p for p in (problem.points[index] for index in fold.points) if p.load.kind == "closed_loop"]
            catalog = problem.catalog.with_fitted(fold.constants)
            before = predict_points(points, catalog)
            after = predict_points(points, catalog, simulator)
            for point, by_formula, by_simulation in zip(points, before, after, strict=True):
                known = _ratios(by_formula, columns)
                for metric, ratio in _ratios(by_simulation, columns).items():
                    key = _family(point), metric
                    simulated[key].append(ratio)
                    if metric in known:
                        formulas[key].append(known[metric])
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
