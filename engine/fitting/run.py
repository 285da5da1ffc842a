"""The whole fit: every block of the plan on a set of measured rows, to constants, bands, and errors to show."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.records.fitted import FittedConstants
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.predictions import Simulator, read
from engine.accuracy.scores import median_and_p90_ape
from engine.fitting.bands import CoverageLine, error_bands, systems_of
from engine.fitting.blocks import BLOCKS, Block, block_points, constants_of, entries_of, metrics_of
from engine.fitting.files import bands_file, fitted_file, systems_file
from engine.fitting.least_squares import Fit, Problem, fit
from engine.fitting.left_out import fitted_errors, other_errors
from engine.fitting.replays import ReplayLine, Replays, replay_lines, replays_of
from engine.fitting.unmeasured import unmeasured_entry
from engine.fitting.weights import excluded_because, weight_of

LEFT_OUT = ("group", "family", "accelerator", "source")
"""What errors are shown without, beside those in the fit."""


class ErrorLine(Struct, frozen=True):
    """Errors of one kind of points: median and p90 APE, in the fit and with some points left out of it."""

    name: str
    metric: str
    points: int
    in_sample: tuple[float, float]
    left_out: tuple[float, float]
    """With groups (model, accelerator) left out."""
    without_family: tuple[float, float]
    """With all points of the model's family left out."""
    without_accelerator: tuple[float, float]
    without_source: tuple[float, float]


class BlockFit(Struct, frozen=True):
    """One block of the fit: its points, the constants that they gave, and its closed loops replayed with them."""

    block: Block
    problem: Problem
    fit: Fit
    replays: Replays


class FitRun(Struct, frozen=True):
    """What a fit gives."""

    constants: str
    """catalogs/fitted.toml"""
    bands: str
    """catalogs/bands.toml"""
    systems: str
    """catalogs/measured_systems.toml"""
    coverage: tuple[CoverageLine, ...]
    """Of the bands, where whole families, accelerators and sources were left out of them."""
    lines: tuple[ErrorLine, ...]
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
        say: called with a line on every round.
        simulator: of closed loops. Their TTFT is then fitted, at few clients, as it replays them, and bands of it are
            made from replays with constants that have not seen them.
    """
    shown = {row["id"] for row in scorecard}
    seen = [row for row in rows if row["id"] not in shown]
    points = [point for row in seen if isinstance(point := read(row, catalog), MeasuredPoint)]
    sweeps = {_sweep(point, catalog) for row in scorecard if isinstance(point := read(row, catalog), MeasuredPoint)}
    judged_only = {id(point) for point in points if _sweep(point, catalog) in sweeps}
    reasons = Counter(reason for point in points if (reason := excluded_because(point.row)))

    def weight(point: MeasuredPoint, metric: str) -> float:
        return 0.0 if id(point) in judged_only else weight_of(point, metric)

    fits = _block_fits(points, catalog, weight, say, simulator)
    lines = [line for fitted in fits for line in _lines(fitted.block.runtime, [fitted])] + _lines("all", fits)
    used = {id(point) for fitted in fits for point in fitted.problem.points}
    constants = catalog.with_fitted(entry for fitted in fits for entry in fitted.fit.constants)
    errors = [error for fitted in fits for error in fitted_errors(fitted.problem, fitted.fit, fitted.replays)]
    errors += other_errors([point for point in points if id(point) not in used], constants, simulator)
    bands, coverage = error_bands(errors)
    return FitRun(
        constants=fitted_file([(fitted.block, fitted.problem, fitted.fit) for fitted in fits])
        + "".join(unmeasured_entry(errors, constants)),
        bands=bands_file(bands),
        systems=systems_file(systems_of(errors), catalog),
        coverage=tuple(coverage),
        lines=tuple(lines),
        refused=len(rows) - len(seen) + len(judged_only),
        excluded=dict(reasons),
        replays=replay_lines((fitted.problem, fitted.fit, fitted.replays) for fitted in fits),
    )


def _block_fits(
    points: Sequence[MeasuredPoint],
    catalog: Catalog,
    weight: Callable[[MeasuredPoint, str], float],
    say: Callable[[str], None],
    simulator: Simulator | None,
) -> list[BlockFit]:
    """Return the fit of each block that has points; what speaks of all runtimes first, and the others beside it."""
    fits: list[BlockFit] = []
    shared: list[FittedConstants] = []
    for block in sorted(BLOCKS, key=lambda block: not any(entry.runtimes is not None for entry in block.entries)):
        own = block_points(block, points)
        if not own:
            continue
        say(f"{block.runtime}: {len(own)} points")
        entries, constants = entries_of(block), constants_of(block, catalog)
        problem = Problem(own, catalog, entries, constants, weight, metrics_of(block), shared, simulator)
        result = fit(problem, say=say)
        shared += [entry for entry in result.constants if entry.runtimes != (block.runtime,)]
        fits.append(BlockFit(block, problem, result, replays_of(problem, result, simulator) if simulator else {}))
    return fits


def _sweep(point: MeasuredPoint, catalog: Catalog) -> tuple[object, ...]:
    """What a point shares with its neighbours; the same measurements circulate under the names of several models."""
    model = catalog.model(point.row["model"]).model
    return point.row["source"], point.setting.accelerator, model.layers, model.hidden_size


def _lines(name: str, fits: Sequence[BlockFit]) -> list[ErrorLine]:
    """Return a line for each metric and kind of point; those set aside apart, and once more with the others."""
    lines = []
    for metric in sorted({metric for fitted in fits for metric in fitted.problem.metrics}):
        predicted = [
            (_kinds(fitted.problem.points[index]), fitted.fit, index)
            for fitted in fits
            for index in fitted.fit.without["group"].get(metric, {})
        ]
        for kind in sorted({kind for kinds, _, _ in predicted for kind in kinds}):
            own = [(result, index) for kinds, result, index in predicted if kind in kinds]
            views = [[(result.fitted_ratios.get(metric, {}), index) for result, index in own]]
            views += [[(result.without[out].get(metric, {}), index) for result, index in own] for out in LEFT_OUT]
            errors = (median_and_p90_ape([ratios[i] for ratios, i in view if i in ratios]) for view in views)
            lines.append(ErrorLine(f"{name}, {kind}", metric, len(own), *errors))
    return lines


def _kinds(point: MeasuredPoint) -> tuple[str, ...]:
    """Return the lines that a point counts in."""
    load = point.load.kind.replace("_", " ")
    if excluded_because(point.row):
        return f"{load}, set aside", f"{load}, all with those set aside"
    return f"{load}, {'mixture' if point.is_mixture else 'dense'}", f"{load}, all", f"{load}, all with those set aside"
