"""The whole fit: every block of the plan on a set of measured rows, to constants, bands, and errors to show."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.records.fitted import FittedConstants
from engine.accuracy.columns import ALSO
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.predictions import Simulator, read
from engine.accuracy.scores import median_and_p90_ape
from engine.bands.lookup import architecture_of
from engine.fitting.bands import LeftOut, error_bands
from engine.fitting.blocks import BLOCKS, Block, block_points, constants_of, entries_of, metrics_of
from engine.fitting.files import bands_file, fitted_file
from engine.fitting.least_squares import Fit, Problem, fit, group_of
from engine.fitting.replays import ReplayLine, Replays, replay_lines, replays_of
from engine.fitting.weights import excluded_because, weight_of
from engine.step.rates import kernels_of


class ErrorLine(Struct, frozen=True):
    """Errors of one kind of points: median and p90 APE, in the fit and with some points left out of it."""

    name: str
    metric: str
    points: int
    in_sample: tuple[float, float]
    left_out: tuple[float, float]
    """With groups (model, accelerator) left out."""
    without_model: tuple[float, float]
    """With all points of the model left out."""
    without_accelerator: tuple[float, float]


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
    return FitRun(
        constants=fitted_file([(fitted.block, fitted.problem, fitted.fit) for fitted in fits]),
        bands=bands_file(error_bands([point for fitted in fits for point in _left_out(fitted, catalog)])),
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
            for index in fitted.fit.ratios.get(metric, {})
        ]
        for kind in sorted({kind for kinds, _, _ in predicted for kind in kinds}):
            own = [(result, index) for kinds, result, index in predicted if kind in kinds]
            errors = (
                median_and_p90_ape([ratios[metric][index] for ratios, index in views if index in ratios[metric]])
                for views in (
                    [(result.fitted_ratios, index) for result, index in own],
                    [(result.ratios, index) for result, index in own],
                    [(result.without_model, index) for result, index in own],
                    [(result.without_accelerator, index) for result, index in own],
                )
            )
            lines.append(ErrorLine(f"{name}, {kind}", metric, len(own), *errors))
    return lines


def _kinds(point: MeasuredPoint) -> tuple[str, ...]:
    """Return the lines that a point counts in."""
    load = point.load.kind.replace("_", " ")
    if excluded_because(point.row):
        return f"{load}, set aside", f"{load}, all with those set aside"
    return f"{load}, {'mixture' if point.is_mixture else 'dense'}", f"{load}, all", f"{load}, all with those set aside"


def _left_out(fitted: BlockFit, catalog: Catalog) -> Iterator[LeftOut]:
    """Yield how far each point lay from what it was predicted to be with its group left out, as it was replayed."""
    for metric, ratios in fitted.fit.ratios.items():
        if metric in ALSO:
            continue
        for index, ratio in ratios.items():
            point = fitted.problem.points[index]
            if excluded_because(point.row, metric):
                continue
            accelerator = catalog.accelerators[point.setting.accelerator]
            yield LeftOut(
                ratio=1 / fitted.replays.get(index, {}).get(metric, ratio),
                group=group_of(point),
                metric=metric,
                load=point.load.kind,
                architecture=architecture_of(catalog.model(point.row["model"]).model),
                kernels=kernels_of(accelerator, catalog.accelerators),
                runtime=point.system.runtime,
            )
