"""Predicted against measured, a dot for each figure that a scorecard holds: what a plot shows."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from msgspec import Struct

from catalogs.catalog import Catalog
from engine.accuracy.columns import METRICS
from engine.accuracy.scores import Accuracy
from engine.bands.lookup import Architecture, architecture_of

NEAR = 1.25
"""Times the measured figure, or its inverse, within which a prediction is no miss."""


class Dot(Struct, frozen=True):
    """One figure of one point, in the units of its column."""

    load: str
    architecture: Architecture
    measured: float
    predicted: float

    @property
    def is_near(self) -> bool:
        """Whether the prediction is no miss."""
        return 1 / NEAR <= self.predicted / self.measured <= NEAR


def dots_of(accuracy: Accuracy, points: Sequence[Mapping[str, str]], catalog: Catalog) -> dict[str, tuple[Dot, ...]]:
    """Return the dots of each metric that any point measured, in the order of the metrics.

    Args:
        points: the same, as they were read.
        catalog: that they were predicted with.
    """
    row_of = {point["id"]: point for point in points}
    dots_by_metric: dict[str, tuple[Dot, ...]] = {}
    for metric, columns in METRICS.items():
        dots = tuple(
            Dot(row_of[row.id]["load"], _architecture(row_of[row.id]["model"], catalog), row.measured, row.predicted)
            for row in accuracy.rows
            if row.metric in columns and row.predicted and row.measured and min(row.predicted, row.measured) > 0
        )
        if dots:
            dots_by_metric[metric] = dots
    return dots_by_metric


@lru_cache(maxsize=256)
def _architecture(model: str, catalog: Catalog) -> Architecture:
    return architecture_of(catalog.model(model).model)


def share_near(dots: Sequence[Dot]) -> float:
    """Return the share of dots whose prediction is no miss."""
    return sum(dot.is_near for dot in dots) / len(dots)
