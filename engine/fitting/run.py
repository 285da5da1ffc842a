"""The whole fit: every block of the plan on a set of measured rows, to constants, bands, and errors to show."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.records.fitted import FittedConstants
from engine.accuracy.points import Point
from engine.accuracy.predictions import ALSO, Simulator, read
from engine.bands.lookup import architecture_of, kernels_of
from engine.fitting.bands import LeftOut, error_bands
from engine.fitting.blocks import (
    BLOCKS,
    block_points,
    constants_of,
    entries_of,
    excluded_because,
    metrics_of,
    quality_of,
)
from engine.fitting.files import bands_file, fitted_file
from engine.fitting.least_squares import Fit, Problem, fit, group_of
from engine.fitting.replays import Replayed, ReplayLine, replay_lines, replayed


class Line(Struct, frozen=True):
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


class FitRun(Struct, frozen=True):
    """What a fit gives."""

    constants: str
    """catalogs/fitted.toml"""
    bands: str
    """catalogs/bands.toml"""
    lines: tuple[Line, ...]
    refused: int
    """Rows that the fit did not see: the scorecard's, which are not judged either, and their neighbours."""
    excluded: Mapping[str, int]
    """Rows left aside, by reason."""
    replays: tuple[ReplayLine, ...] = ()
    """Of closed loops, where there is a simulator."""


def run_fit(
    rows: Sequence[Mapping[str, str]],
    catalog: Catalog,
    scorecard: Sequence[Mapping[str, str]] = (),
    say: Callable[[str], None] = lambda text: None,
    simulator: Simulator | None = None,
) -> FitRun:
    """Fit all blocks on the rows.

    The scorecard's rows take no part; those that share a source, an architecture and an accelerator with one of them
    are judged only.

    Args:
        rows: of measurements CSVs.
        catalog: its kernel curves and runtimes are used; its fitted constants are not.
        scorecard: rows that no fit may see, nor their neighbours in a sweep.
        say: told of every round.
        simulator: of closed loops. Their TTFT is then fitted, at few clients, as it replays them, and bands of it are
            made from replays with constants that have not seen them.
    """
    shown = {row["id"] for row in scorecard}
    readings = [read(row, catalog) for row in rows if row["id"] not in shown]
    points = [point for point in readings if not isinstance(point, str)]
    held = {_sweep(point, catalog) for row in scorecard if isinstance(point := read(row, catalog), Point)}
    kept_out = {id(point) for point in points if _sweep(point, catalog) in held}

    def quality(point: Point, metric: str) -> float:
        return 0.0 if id(point) in kept_out else quality_of(point, metric)

    excluded: dict[str, int] = {}
    for point in points:
        reason = excluded_because(point.row)
        if reason:
            excluded[reason] = excluded.get(reason, 0) + 1
    fits, left_out = [], []
    replays: list[Replayed] = []
    shared: list[FittedConstants] = []
    # What speaks of all runtimes is fitted first: the others are fitted beside it.
    for block in sorted(BLOCKS, key=lambda block: not any(entry.runtimes is not None for entry in block.entries)):
        chosen = block_points(block, points)
        if not chosen:
            continue
        say(f"{block.runtime}: {len(chosen)} points")
        problem = Problem(
            chosen,
            catalog,
            entries_of(block),
            constants_of(block, catalog),
            quality,
            metrics_of(block),
            shared,
            simulator,
        )
        result = fit(problem, say=say)
        fits.append((block, problem, result))
        shared += [entry for entry in result.constants if entry.runtimes != (block.runtime,)]
        replays.append(replayed(problem, result, simulator) if simulator else {})
        left_out += _left_out(problem, result, replays[-1], catalog)
    lines = [line for block, problem, result in fits for line in _lines(block.runtime, [(problem, result)])]
    lines += _lines("all", [(problem, result) for _, problem, result in fits])
    replay_errors = replay_lines(
        (problem, result, found) for (_, problem, result), found in zip(fits, replays, strict=True)
    )
    refused = len(rows) - len(readings) + len(kept_out)
    bands = bands_file(error_bands(left_out))
    return FitRun(fitted_file(fits), bands, tuple(lines), refused, excluded, replay_errors)


def _sweep(point: Point, catalog: Catalog) -> tuple[object, ...]:
    """What a point shares with its neighbours; the same measurements circulate under the names of several models."""
    model = catalog.model(point.row["model"]).model
    return point.row["source"], point.setting.accelerator, model.layers, model.hidden_size


def _lines(name: str, results: Sequence[tuple[Problem, Fit]]) -> list[Line]:
    """Return a line for each metric and kind of point; those set aside apart, and once more with the others."""
    lines = []
    for metric in sorted({metric for problem, _ in results for metric in problem.metrics}):
        found = [
            (_kinds(problem.points[index]), result, index)
            for problem, result in results
            for index in result.ratios.get(metric, {})
        ]
        for kind in sorted({kind for kinds, _, _ in found for kind in kinds}):
            wanted = [(result, index) for kinds, result, index in found if kind in kinds]
            errors = (
                _errors([view[metric][index] for view, index in views if index in view[metric]])
                for views in (
                    [(result.fitted_ratios, index) for result, index in wanted],
                    [(result.ratios, index) for result, index in wanted],
                    [(result.without_model, index) for result, index in wanted],
                    [(result.without_accelerator, index) for result, index in wanted],
                )
            )
            lines.append(Line(f"{name}, {kind}", metric, len(wanted), *errors))
    return lines


def _kinds(point: Point) -> tuple[str, ...]:
    """Return the lines that a point counts in."""
    load = point.load.kind.replace("_", " ")
    if excluded_because(point.row):
        return f"{load}, set aside", f"{load}, all with those set aside"
    return f"{load}, {'mixture' if point.is_mixture else 'dense'}", f"{load}, all", f"{load}, all with those set aside"


def _errors(ratios: Sequence[float]) -> tuple[float, float]:
    if not ratios:
        return float("nan"), float("nan")
    ape = np.abs(np.array(ratios) - 1)
    return float(np.median(ape)), float(np.quantile(ape, 0.9))


def _left_out(problem: Problem, result: Fit, replays: Replayed, catalog: Catalog) -> list[LeftOut]:
    found = []
    for metric, ratios in result.ratios.items():
        if metric in ALSO:
            continue
        for index, ratio in ratios.items():
            point = problem.points[index]
            if excluded_because(point.row, metric):
                continue
            found.append(
                LeftOut(
                    ratio=1 / replays.get(index, {}).get(metric, ratio),
                    group=group_of(point),
                    metric=metric,
                    load=point.load.kind,
                    architecture=architecture_of(catalog.model(point.row["model"]).model),
                    kernels=kernels_of(catalog.accelerators[point.setting.accelerator], catalog),
                    runtime=point.system.runtime,
                )
            )
    return found
