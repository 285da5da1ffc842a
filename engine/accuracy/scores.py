"""How far predictions lie from measurements: medians and tails of the error, overall and by what the points share."""

import csv
import io
from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from catalogs.catalog import Catalog
from engine.accuracy.benchmarks import Progress
from engine.accuracy.predictions import METRICS, TAILS, Simulator, columns_of, predict

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
    rows: tuple[ScoredRow, ...]
    native_precision: int
    """Points that state no weight precision: the checkpoint's own was taken."""


def accuracy_of(
    points: Sequence[Mapping[str, str]],
    catalog: Catalog,
    simulator: Simulator | None = None,
    progress: Progress | None = None,
) -> Accuracy:
    """Predict every point and score the predictions; a point that cannot be predicted is listed with its reason.

    With a simulator closed loops are simulated as they were run: their TTFT, and its 95th percentile, come from there.
    What takes long besides is told by ``progress``.
    """
    scored = {**METRICS, **TAILS}
    rows: list[ScoredRow] = []
    refused: list[Refusal] = []
    ratios: dict[str, list[tuple[Mapping[str, str], float]]] = {metric: [] for metric in scored}
    metric_of = {column: metric for metric, columns in scored.items() for column in columns}
    for point, predictions in zip(points, predict(points, catalog, simulator, progress), strict=True):
        if isinstance(predictions, str):
            refused.append(Refusal(point["id"], predictions))
            rows += [
                ScoredRow(point["id"], column, _measured(point, column), None, None, None, predictions)
                for column in columns_of(point) or ("",)
            ]
            continue
        for item in predictions:
            rows.append(ScoredRow(point["id"], item.column, item.measured, item.predicted, item.low, item.high, ""))
            if item.column in metric_of and item.measured > 0:
                ratios[metric_of[item.column]].append((point, item.predicted / item.measured))
    return Accuracy(
        points=len(points),
        predicted=len(points) - len(refused),
        refused=tuple(refused),
        metrics={metric: score([ratio for _, ratio in found]) for metric, found in ratios.items() if found},
        by={group: _by(group, ratios) for group in GROUPS},
        rows=tuple(rows),
        native_precision=sum(not point["weight_precision"] for point in points),
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
    errors = np.abs(np.array(ratios) - 1)
    return Score(len(ratios), float(np.median(errors)), float(np.quantile(errors, 0.9)), float(np.median(ratios)))


def _by(group: str, ratios: Mapping[str, Sequence[tuple[Mapping[str, str], float]]]) -> dict[str, dict[str, Score]]:
    values = sorted({point[group] for found in ratios.values() for point, _ in found})
    return {
        value: {
            metric: score(own)
            for metric, found in ratios.items()
            if (own := [ratio for point, ratio in found if point[group] == value])
        }
        for value in values
    }
