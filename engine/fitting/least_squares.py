"""Fitting the constants that kernels timed alone cannot tell, on measurements of served systems.

Few constants with a physical meaning, each with a prior: overheads around what is usual, factors around 1. Robust
least squares of the log ratio predicted/measured by Gauss–Newton; every group of points that shares a model and an
accelerator weighs alike, whatever its number of rows, times the quality of its source. Left-out errors come from
folds of whole groups: a row's neighbours in a sweep are never on the other side.
"""

from collections.abc import Callable, Mapping, Sequence
from math import exp, log

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from catalogs.catalog import Catalog
from catalogs.records.fitted import FittedConstants
from engine.accuracy.columns import ALSO, METRICS
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.predictions import Simulator, predict_points
from engine.accuracy.scores import median_and_p90_ape
from engine.arrays import Bools, Floats

ROBUST = 0.15
"""Log ratio from which a residual counts linearly: beyond it a point is more likely odd than informative."""
STEP = 0.05
"""Relative change of a constant by which the Jacobian is taken."""
FOLDS = 6
"""Among which groups of points are dealt."""
ROUNDS = 4
"""Gauss–Newton rounds; the last changes no constant by more than a few per cent."""
REPEAT_NOISE = 0.06
"""Log error of repeats of one measurement (4.6 % ITL, 7.1 % TTFT): what the prior is weighed against."""


class Constant(Struct, frozen=True):
    """One constant to fit: a field of an entry, where it starts, and how far it may stray (log standard deviation)."""

    entry: str
    field: str
    start: float
    deviation: float


class Fit(Struct, frozen=True):
    """Fitted constants, and the errors that they leave."""

    constants: tuple[FittedConstants, ...]
    left_out: Mapping[str, tuple[float, float]]
    """By metric: median and p90 APE."""
    fitted_ratios: "Ratios"
    """Of each point, in the fit."""
    without: Mapping[str, "Ratios"]
    """Of each point with all of its kind left out, by what is left out: 'sweep', 'group', 'family', 'accelerator',
    'source'."""
    folds: tuple["Fold", ...]
    """Of groups."""


Ratios = Mapping[str, Mapping[int, float]]
"""Predicted over measured, by metric and index of the point."""


class Fold(Struct, frozen=True):
    """Points that were left out together, and the constants that the others give."""

    points: tuple[int, ...]
    """By their index."""
    constants: tuple[FittedConstants, ...]


def group_of(point: MeasuredPoint) -> str:
    """Return the group that a point is left out with: its model, as printed, and its accelerator."""
    return f"{point.row['model'].casefold()}|{point.setting.accelerator}"


class Problem:
    """Points, their weights, and the constants to fit."""

    def __init__(
        self,
        points: Sequence[MeasuredPoint],
        catalog: Catalog,
        entries: Sequence[FittedConstants],
        constants: Sequence[Constant],
        quality: Callable[[MeasuredPoint, str], float],
        metrics: Sequence[str],
        shared: Sequence[FittedConstants] = (),
        simulator: Simulator | None = None,
    ) -> None:
        """Hold the points that can be predicted, with their weights, and the constants.

        Args:
            points: of one block.
            catalog: all but the fitted constants.
            entries: of which the constants are fields, with whatever is fixed in them.
            quality: of a metric of a point; 0 judges it without fitting on it.
            shared: entries that were fitted before and speak of these points too.
            simulator: of closed loops, whose TTFT is then fitted as it replays them.
        """
        self.points = list(points)
        self.catalog = catalog
        self.entries = list(entries)
        self.constants = list(constants)
        self.metrics = list(metrics)
        self.shared = tuple(shared)
        self.simulator = simulator
        self.groups = np.array([group_of(p) for p in self.points])
        columns = {column: metric for metric, names in (*METRICS.items(), *ALSO.items()) for column in names}
        first = predict_points(self.points, self.catalog_with(self.start))
        self.rows = [
            (index, item.column)
            for index, outcome in enumerate(first)
            if not isinstance(outcome, str)
            for item in outcome
            if columns.get(item.column) in self.metrics and item.measured > 0
        ]
        self.metric = np.array([columns[column] for _, column in self.rows])
        self.index = np.array([index for index, _ in self.rows])
        quality_of_row = [quality(self.points[i], m) for i, m in zip(self.index, self.metric, strict=True)]
        names, sizes = np.unique(self.groups, return_counts=True)
        size = dict(zip(names.tolist(), sizes.tolist(), strict=True))
        self.weight = np.array(quality_of_row) / np.sqrt([size[group] for group in self.groups[self.index].tolist()])

    @property
    def start(self) -> Floats:
        """Logarithms of the constants' starting values."""
        return np.log([constant.start for constant in self.constants])

    def with_values(self, logs: Floats) -> tuple[FittedConstants, ...]:
        """Return the entries with values in place of the constants to fit."""
        values: dict[str, dict[str, float]] = {}
        for constant, value in zip(self.constants, logs, strict=True):
            values.setdefault(constant.entry, {})[constant.field] = float(f"{exp(value):.4g}")
        return tuple(replace(entry, **values.get(entry.id, {})) for entry in self.entries)

    def catalog_with(self, logs: Floats) -> Catalog:
        """Return the catalog under other constants."""
        return self.catalog.with_fitted((*self.shared, *self.with_values(logs)))

    def residuals(self, logs: Floats, wanted: Bools | None = None, simulator: Simulator | None = None) -> Floats:
        """Return log(predicted/measured) of every measured metric; NaN for those of points that are not wanted.

        Args:
            logs: logarithms of the constants.
            wanted: by point; None: all of them.
            simulator: of closed loops; None: their closed form.

        Raises:
            ValueError: a point that was predicted no longer is.
        """
        at = np.arange(len(self.points)) if wanted is None else np.flatnonzero(wanted)
        predicted = predict_points([self.points[index] for index in at], self.catalog_with(logs), simulator)
        outcomes = dict(zip(at.tolist(), predicted, strict=True))
        values = []
        for index, column in self.rows:
            outcome = outcomes.get(index)
            if isinstance(outcome, str):
                raise ValueError(f"a point that was predicted no longer is: {outcome}")
            item = None if outcome is None else next(item for item in outcome if item.column == column)
            values.append(log(item.predicted / item.measured) if item else np.nan)
        return np.array(values)

    def beyond_formula(self, logs: Floats, residual: Floats) -> Floats:
        """Return log(simulated/closed form) of each fitted TTFT of a closed loop; 0 of all other rows."""
        if self.simulator is None:
            return np.zeros_like(residual)
        closed = np.array([point.load.kind == "closed_loop" for point in self.points])
        replayed = (self.metric == "ttft") & (self.weight > 0) & closed[self.index]
        wanted = np.zeros(len(self.points), dtype=bool)
        wanted[self.index[replayed]] = True
        return np.where(replayed, self.residuals(logs, wanted, self.simulator) - residual, 0.0)

    def jacobian(self, logs: Floats, base: Floats) -> Floats:
        """Return the change of each residual with the logarithm of each constant."""
        columns = []
        for position, constant in enumerate(self.constants):
            moved = logs.copy()
            moved[position] += STEP
            changed = (self.residuals(moved, self._spoken_of(constant.entry)) - base) / STEP
            columns.append(np.nan_to_num(changed))
        return np.array(columns).T

    def _spoken_of(self, entry: str) -> Bools:
        """Return which points an entry speaks of."""
        own = next(item for item in self.entries if item.id == entry)
        accelerators = self.catalog.accelerators
        return np.array([own.applies_to(p.system.runtime, accelerators[p.setting.accelerator]) for p in self.points])

    def solve(self, residual: Floats, jacobian: Floats, logs: Floats, kept: Bools) -> Floats:
        """Return the constants of one Gauss–Newton step on the rows kept, robustly weighted, with their priors.

        Args:
            residual: of all rows.
            jacobian: (rows, constants), as the method of that name returns it.
            logs: logarithms of the constants before the step.
            kept: by row.

        Returns:
            Logarithms of the constants after it.
        """
        deviations = np.array([constant.deviation for constant in self.constants])
        weight = self.weight[kept] / REPEAT_NOISE
        step = np.zeros_like(logs)
        for _ in range(8):
            left = residual[kept] + jacobian[kept] @ step
            robust = weight / np.sqrt(1 + (left / ROBUST) ** 2) ** 0.5
            a = np.vstack([jacobian[kept] * robust[:, None], np.diag(1 / deviations)])
            b = np.concatenate([-residual[kept] * robust, -(logs - self.start) / deviations])
            step = np.linalg.lstsq(a, b, rcond=None)[0]
        return logs + np.clip(step, -1.5, 1.5)


def fit(problem: Problem, say: Callable[[str], None] = lambda text: None) -> Fit:
    """Return all constants fitted, and again with each fold of groups left out, to see the errors there.

    Args:
        problem: points and constants.
        say: called with a line on every round.
    """
    logs = problem.start
    everything = np.ones(len(problem.rows), dtype=bool)
    for number in range(ROUNDS):
        residual = problem.residuals(logs)
        say(f"round {number + 1}: " + _summary(problem, residual))
        jacobian = problem.jacobian(logs, residual)
        logs = problem.solve(residual + problem.beyond_formula(logs, residual), jacobian, logs, everything)
    final = problem.residuals(logs)
    say("fitted: " + _summary(problem, final))
    jacobian = problem.jacobian(logs, final)
    target = final + problem.beyond_formula(logs, final)

    def left_out(keys: NDArray[np.str_], count: int) -> tuple[Floats, tuple[Fold, ...]]:
        """Residuals of points whose key was left out of the fit; NaN where that would leave nothing to fit on."""
        residual = np.full(len(final), np.nan)
        dealt = []
        for fold in _folds(keys, count):
            out = np.isin(keys[problem.index], fold)
            if out.any() and not out.all():
                # Near the optimum of all points one linear step reaches that of the rest; its residuals are exact.
                without = problem.solve(target, jacobian, logs, ~out)
                wanted = np.isin(keys, fold)
                residual[out] = problem.residuals(without, wanted)[out]
                members = np.flatnonzero(wanted).tolist()
                dealt.append(Fold(tuple(members), (*problem.shared, *problem.with_values(without))))
        return residual, tuple(dealt)

    by_group, group_folds = left_out(problem.groups, FOLDS)
    say("left out: " + _summary(problem, by_group))
    whole = {
        "sweep": [
            "|".join(map(str, (point.source, point.system, point.setting, point.load))) for point in problem.points
        ],
        "family": [problem.catalog.model(point.row["model"]).model.family for point in problem.points],
        "accelerator": [point.setting.accelerator for point in problem.points],
        "source": [point.source for point in problem.points],
    }
    return Fit(
        constants=problem.with_values(logs),
        left_out=_errors(problem, by_group),
        fitted_ratios=_ratios(problem, final),
        without={"group": _ratios(problem, by_group)}
        | {
            name: _ratios(problem, left_out(np.array(keys), FOLDS if name == "sweep" else len(set(keys)))[0])
            for name, keys in whole.items()
        },
        folds=group_folds,
    )


def _ratios(problem: Problem, residual: Floats) -> dict[str, dict[int, float]]:
    """Return predicted over measured by metric and point, where it is known."""
    known = ~np.isnan(residual)
    return {
        metric: {
            int(problem.index[row]): exp(residual[row]) for row in np.flatnonzero(known & (problem.metric == metric))
        }
        for metric in problem.metrics
    }


def _folds(groups: NDArray[np.str_], count: int) -> list[list[str]]:
    """Deal the groups out, largest first, each to the fold with the fewest points."""
    names, sizes = np.unique(groups, return_counts=True)
    folds: list[list[str]] = [[] for _ in range(count)]
    held = [0] * count
    for position in np.lexsort((names, -sizes)):
        at = held.index(min(held))
        folds[at].append(str(names[position]))
        held[at] += int(sizes[position])
    return folds


def _errors(problem: Problem, residual: Floats) -> dict[str, tuple[float, float]]:
    errors = {}
    for metric in problem.metrics:
        own = residual[(problem.metric == metric) & ~np.isnan(residual)]
        if len(own):
            errors[metric] = median_and_p90_ape(np.exp(own))
    return errors


def _summary(problem: Problem, residual: Floats) -> str:
    return ", ".join(f"{m} {a:.1%}/{b:.1%}" for m, (a, b) in _errors(problem, residual).items())
