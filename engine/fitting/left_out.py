"""How far every point lay from predictions that had not seen it: points that blocks fit on, and all others."""

from collections.abc import Iterator, Sequence
from math import log

from catalogs.catalog import Catalog
from engine.accuracy.columns import METRICS
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.predictions import Simulator, predict_points
from engine.bands.lookup import STREAMS, architecture_of
from engine.fitting.least_squares import Fit, Problem
from engine.fitting.replays import Replays
from engine.fitting.spread import LeftOutError
from engine.fitting.weights import excluded_because
from engine.step.rates import kernels_of


def fitted_errors(problem: Problem, fit: Fit, replays: Replays) -> Iterator[LeftOutError]:
    """Yield the errors of a block's points, by what was left out.

    Args:
        replays: of its closed loops with their group left out; beyond their closed form as much in every other fit.
    """
    for metric in METRICS:
        for index, ratio in fit.without["group"].get(metric, {}).items():
            point = problem.points[index]
            if excluded_because(point.row, metric):
                continue
            beyond = replays.get(index, {}).get(metric, ratio) / ratio
            logs = {
                kind: -log(ratios[metric][index] * beyond)
                for kind, ratios in fit.without.items()
                if index in ratios.get(metric, {})
            }
            yield _error(point, metric, logs, problem.catalog)


def other_errors(
    points: Sequence[MeasuredPoint], catalog: Catalog, simulator: Simulator | None
) -> Iterator[LeftOutError]:
    """Yield the errors of points that no block fits on: each source is new to every fit.

    Args:
        points: that were measured.
    """
    metric_of = {column: metric for metric, columns in METRICS.items() for column in columns}
    closed = [point for point in points if point.load.kind == "closed_loop"]
    others = [point for point in points if point.load.kind != "closed_loop"]
    outcomes = predict_points(closed, catalog, simulator) + predict_points(others, catalog)
    for point, outcome in zip((*closed, *others), outcomes, strict=True):
        for item in () if isinstance(outcome, str) else outcome:
            metric = metric_of.get(item.column)
            if metric and item.measured > 0 and item.predicted > 0 and not excluded_because(point.row, metric):
                yield _error(point, metric, {"source": log(item.measured / item.predicted)}, catalog)


def _error(point: MeasuredPoint, metric: str, logs: dict[str, float], catalog: Catalog) -> LeftOutError:
    model, accelerator = catalog.model(point.row["model"]).model, catalog.accelerators[point.setting.accelerator]
    stream = metric == "throughput" and point.load.kind in STREAMS
    return LeftOutError(
        metric="stream" if stream else metric,
        source=point.source,
        runtime=point.system.runtime,
        model=model.id,
        family=model.family,
        accelerator=accelerator.id,
        load=point.load.kind,
        model_class="dense" if architecture_of(model) == "dense" else "sparse",
        foreign=kernels_of(accelerator, catalog.accelerators) == "foreign",
        logs=logs,
    )
