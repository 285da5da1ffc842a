"""The whole fit: every block of the plan on a set of measured rows, to constants, bands, and errors that can be shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catalogs.catalog import Catalog
from engine.band_fit import LeftOut, error_bands
from engine.bands import architecture_of, kernels_of
from engine.fit_file import bands_file, fitted_file
from engine.fit_plan import BLOCKS, block_points, constants_of, entries_of, excluded_because, quality_of
from engine.fitting import Fit, Problem, fit, group_of
from engine.measured import ALSO, read
from engine.points import Point


@dataclass(frozen=True, slots=True)
class Line:
    """Errors of one kind of points, in the fit and left out of it."""

    name: str
    metric: str
    points: int
    in_sample: tuple[float, float]
    left_out: tuple[float, float]
    """Median and p90 APE with groups (model, accelerator) left out."""
    without_model: tuple[float, float]
    """With all points of the model left out."""
    without_accelerator: tuple[float, float]


@dataclass(frozen=True, slots=True)
class FitRun:
    """What a fit gives."""

    constants: str
    """catalogs/fitted.toml"""
    bands: str
    """catalogs/bands.toml"""
    lines: tuple[Line, ...]
    refused: int
    """Rows that the fit may not see: the scorecard's."""
    excluded: Mapping[str, int]
    """Rows left aside, by reason."""


def run_fit(
    rows: Sequence[Mapping[str, str]],
    catalog: Catalog,
    scorecard: frozenset[str] = frozenset(),
    say: Callable[[str], None] = lambda text: None,
) -> FitRun:
    """Fit all blocks on the rows, the scorecard's excepted.

    Args:
        rows: of measurements CSVs.
        catalog: its kernel curves and runtimes are used; its fitted constants are not.
        scorecard: ids of rows that no fit may see.
        say: told of every round.
    """
    allowed = [row for row in rows if row["id"] not in scorecard]
    points = [point for point in (read(row, catalog) for row in allowed) if not isinstance(point, str)]
    excluded: dict[str, int] = {}
    for point in points:
        reason = excluded_because(point.row)
        if reason:
            excluded[reason] = excluded.get(reason, 0) + 1
    fits, lines, left_out = [], [], []
    for block in BLOCKS:
        chosen = block_points(block, points)
        if not chosen:
            continue
        say(f"{block.runtime}: {len(chosen)} points")
        problem = Problem(
            chosen, catalog, entries_of(block), constants_of(block, catalog), quality_of, block.metrics
        )
        result = fit(problem, say=say)
        fits.append((block, problem, result))
        lines += _lines(block.runtime, problem, result)
        left_out += _left_out(problem, result, catalog)
    return FitRun(
        fitted_file(fits), bands_file(error_bands(left_out)), tuple(lines), len(rows) - len(allowed), excluded
    )


def _lines(runtime: str, problem: Problem, result: Fit) -> list[Line]:
    lines = []
    for metric in problem.metrics:
        kinds = sorted({_kind(problem.points[i]) for i in result.ratios.get(metric, {})})
        for kind in kinds:
            wanted = [i for i in result.ratios[metric] if _kind(problem.points[i]) == kind]
            lines.append(
                Line(
                    f"{runtime}, {kind}",
                    metric,
                    len(wanted),
                    _errors([result.fitted_ratios[metric][i] for i in wanted]),
                    _errors([result.ratios[metric][i] for i in wanted]),
                    _errors([result.without_model[metric][i] for i in wanted if i in result.without_model[metric]]),
                    _errors(
                        [result.without_accelerator[metric][i] for i in wanted if i in result.without_accelerator[metric]]
                    ),
                )
            )
    return lines


def _kind(point: Point) -> str:
    return f"{point.load.kind}, {'mixture' if point.setting.ep > 1 or point.is_mixture else 'dense'}"


def _errors(ratios: Sequence[float]) -> tuple[float, float]:
    if not ratios:
        return float("nan"), float("nan")
    ape = np.abs(np.array(ratios) - 1)
    return float(np.median(ape)), float(np.quantile(ape, 0.9))


def _left_out(problem: Problem, result: Fit, catalog: Catalog) -> list[LeftOut]:
    found = []
    for metric, ratios in result.ratios.items():
        if metric in ALSO:
            continue
        for index, ratio in ratios.items():
            point = problem.points[index]
            found.append(
                LeftOut(
                    ratio=1 / ratio,
                    group=group_of(point),
                    metric=metric,
                    load=point.load.kind,
                    architecture=architecture_of(catalog.model(point.row["model"]).model),
                    kernels=kernels_of(catalog.accelerators[point.setting.accelerator], catalog),
                )
            )
    return found


