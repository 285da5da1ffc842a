"""How often measurements lie inside the bands of their predictions, by what of them no fit has seen."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from msgspec import Struct

from engine.accuracy.predictions import Prediction
from engine.bands.lookup import CaseBand, Level

NOVELTIES: Mapping[str, Level] = {"new model": "model", "new accelerator": "accelerator", "new source": "source"}
"""Kinds of points by what of them the fit of their runtime has not seen; 'new sweep' where it has seen all three."""


class Coverage(Struct, frozen=True):
    """The share of measurements of one metric inside the bands of their predictions."""

    n: int
    inside_50: float
    inside_80: float
    inside_95: float
    median_width: float
    """From the low end to the high end of the band of 80 %."""


def coverage_of(predictions: Mapping[str, Sequence[Prediction]]) -> dict[str, dict[str, Coverage]]:
    """Return kind → metric → coverage; a point counts in 'all' and in each kind that it is of.

    Args:
        predictions: by metric; those without a band do not count.
    """
    members: dict[str, dict[str, list[tuple[Prediction, CaseBand]]]] = {
        kind: {metric: [] for metric in predictions} for kind in ("all", "new sweep", *NOVELTIES)
    }
    for metric, own in predictions.items():
        for item in own:
            if item.band is not None and item.measured > 0 and item.predicted > 0:
                for kind in ("all", *_kinds(item.band)):
                    members[kind][metric].append((item, item.band))
    return {
        kind: {metric: _coverage(pairs) for metric, pairs in by_metric.items() if pairs}
        for kind, by_metric in members.items()
    }


def _kinds(band: CaseBand) -> Iterator[str]:
    """Yield what of a band's case is new."""
    new = {part.level for part in band.parts}
    novelties = [kind for kind, level in NOVELTIES.items() if level in new]
    yield from novelties or ["new sweep"]


def _coverage(pairs: Sequence[tuple[Prediction, CaseBand]]) -> Coverage:
    def inside(level: int) -> float:
        ratios = [(item.measured / item.predicted, band.ends(level)) for item, band in pairs]
        return sum(low <= ratio <= high for ratio, (low, high) in ratios) / len(pairs)

    widths = [high / low for low, high in (band.ends() for _, band in pairs)]
    return Coverage(len(pairs), inside(50), inside(80), inside(95), float(np.median(widths)))
