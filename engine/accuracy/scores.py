"""How far predictions lie from measurements: medians and tails of the error, overall and by what the points share."""

import csv
import io
from collections.abc import Mapping, Sequence
from math import nan

import numpy as np
from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.measurement_files import RefusedRow
from engine.accuracy.benchmarks import Progress
from engine.accuracy.columns import METRICS, TAILS, columns_of
from engine.accuracy.coverage import Coverage, coverage_of
from engine.accuracy.evidence import calibrated_outcomes
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.predictions import Prediction, Simulator, predict_points, read
from engine.arrays import Floats

GROUPS = ("source", "accelerator", "model", "load")


class Score(Struct, frozen=True):
    """Errors of one metric over some points; APE is |predicted − measured|/measured."""

    n: int
    median_ape: float
    p90_ape: float
    median_ratio: float
    """Predicted over measured."""


class ScoredRow(Struct, frozen=True):
    """One metric of one point; ``predicted`` is null where it was refused, with the reason."""

    id: str
    metric: str
    measured: float | None
    predicted: float | None
    low: float | None
    high: float | None
    reason: str


class Refusal(Struct, frozen=True):
    """A point that cannot be predicted."""

    id: str
    reason: str


class Accuracy(Struct, frozen=True):
    """The scorecard of a set of points."""

    points: int
    predicted: int
    refused: tuple[Refusal, ...]
    metrics: dict[str, Score]
    by: dict[str, dict[str, dict[str, Score]]]
    """By source, accelerator, model and load: value → metric → score."""
    coverage: dict[str, dict[str, Coverage]]
    """By what the fits have not seen of a point: 'all', 'new sweep', 'new model', … → metric → coverage. A point counts
    in each kind that it is of."""
    rows: tuple[ScoredRow, ...]
    native_precision: int
    """Points that state no weight precision: the checkpoint's own was taken."""
    replicated: int
    """Points with accelerators for several replicas, over which their load was divided."""


def accuracy_of(
    points: Sequence[Mapping[str, str]],
    catalog: Catalog,
    simulator: Simulator | None = None,
    progress: Progress | None = None,
    refused_rows: Sequence[RefusedRow] = (),
) -> Accuracy:
    """Predict every point and score the predictions; a point that cannot be predicted is listed with its reason.

    Args:
        points: rows of measurements CSVs.
        catalog: what they are predicted with.
        simulator: of closed loops, as they were run: their TTFT, and its 95th percentile, come from there.
        progress: called as points are predicted, with how many of how many.
        refused_rows: of the same files, which count among the points.
    """
    scored = {**METRICS, **TAILS}
    rows: list[ScoredRow] = []
    banded: dict[str, list[Prediction]] = {metric: [] for metric in scored}
    refused: list[Refusal] = []
    ratios: dict[str, list[tuple[Mapping[str, str], float]]] = {metric: [] for metric in scored}
    metric_of = {column: metric for metric, columns in scored.items() for column in columns}
    readings = [read(row, catalog) for row in points]
    outcomes = calibrated_outcomes(readings, predict_points(readings, catalog, simulator, progress), catalog)
    for point, predictions in zip(points, outcomes, strict=True):
        if isinstance(predictions, str):
            refused.append(Refusal(point["id"], predictions))
            measured = {column: _measured(point, column) for column in columns_of(point) or ("",)}
            rows += [ScoredRow(point["id"], name, one, None, None, None, predictions) for name, one in measured.items()]
            continue
        for item in predictions:
            low, high = item.ends() or (None, None)
            rows.append(ScoredRow(point["id"], item.column, item.measured, item.predicted, low, high, ""))
            if item.column in metric_of and item.measured > 0:
                ratios[metric_of[item.column]].append((point, item.predicted / item.measured))
                banded[metric_of[item.column]].append(item)
    predicted = len(points) - len(refused)
    refused += [Refusal(row.id, row.reason) for row in refused_rows]
    rows += [ScoredRow(row.id, "", None, None, None, None, row.reason) for row in refused_rows]
    return Accuracy(
        points=len(points) + len(refused_rows),
        predicted=predicted,
        refused=tuple(refused),
        metrics={metric: score([ratio for _, ratio in own]) for metric, own in ratios.items() if own},
        by={group: _by(group, ratios) for group in GROUPS},
        coverage=coverage_of(banded),
        rows=tuple(rows),
        native_precision=sum(not point["weight_precision"] for point in points),
        replicated=sum(isinstance(reading, MeasuredPoint) and reading.replicas > 1 for reading in readings),
    )


def _measured(point: Mapping[str, str], column: str) -> float | None:
    try:
        return float(point[column])
    except (KeyError, ValueError):
        return None


def rows_csv(accuracy: Accuracy) -> str:
    """Return every scored row as CSV; a figure that there is not is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(ScoredRow.__struct_fields__)
    for row in accuracy.rows:
        values = (getattr(row, name) for name in ScoredRow.__struct_fields__)
        writer.writerow(f"{v:.6g}" if isinstance(v, float) else v for v in values)
    return text.getvalue()


def score(ratios: Sequence[float]) -> Score:
    """Return the errors of predicted-over-measured ratios."""
    return Score(len(ratios), *median_and_p90_ape(ratios), float(np.median(ratios)))


def median_and_p90_ape(ratios: Sequence[float] | Floats) -> tuple[float, float]:
    """Return the median and the 90th percentile of |predicted/measured − 1|; NaN where there is no ratio."""
    if not len(ratios):
        return nan, nan
    errors = np.abs(np.asarray(ratios) - 1)
    return float(np.median(errors)), float(np.quantile(errors, 0.9))


def _by(group: str, ratios: Mapping[str, Sequence[tuple[Mapping[str, str], float]]]) -> dict[str, dict[str, Score]]:
    values = sorted({point[group] for pairs in ratios.values() for point, _ in pairs})
    return {
        value: {
            metric: score(own)
            for metric, pairs in ratios.items()
            if (own := [ratio for point, ratio in pairs if point[group] == value])
        }
        for value in values
    }
