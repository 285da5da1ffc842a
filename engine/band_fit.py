"""Making error bands from left-out residuals, and testing that they cover what they say."""

from collections.abc import Iterable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from catalogs.records import ErrorBand

Floats = NDArray[np.float64]

PROBABILITIES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
FEWEST_POINTS = 30
FEWEST_GROUPS = 3
"""A narrower class needs so many left-out points and groups to have a band of its own."""
WIDEST = 4.0
"""Times the spread of the points themselves to which a band is stretched at most."""


class LeftOut(Struct, frozen=True):
    """Measured over predicted of one point that the fit had not seen."""

    ratio: float
    group: str
    metric: str
    load: str
    architecture: str
    kernels: str


def error_bands(points: Sequence[LeftOut]) -> list[ErrorBand]:
    """Return a band for every class with enough points: by metric, then load, architecture and kernels."""
    bands = []
    for metric in sorted({p.metric for p in points}):
        own = [p for p in points if p.metric == metric]
        for load in (None, *sorted({p.load for p in own})):
            for architecture in (None, *sorted({p.architecture for p in own})):
                for kernels in (None, *sorted({p.kernels for p in own})):
                    chosen = [
                        p
                        for p in own
                        if load in (None, p.load)
                        and architecture in (None, p.architecture)
                        and kernels in (None, p.kernels)
                    ]
                    band = _band(chosen, metric, load, architecture, kernels)
                    if band is not None:
                        bands.append(band)
    return bands


def _band(
    points: Sequence[LeftOut], metric: str, load: str | None, architecture: str | None, kernels: str | None
) -> ErrorBand | None:
    groups = {p.group for p in points}
    if len(points) < FEWEST_POINTS or len(groups) < FEWEST_GROUPS:
        return None
    stretch = _stretch(points)
    if stretch is None:
        return None
    name = "-".join(filter(None, (metric, load, architecture, kernels))).replace("_", "-")
    return ErrorBand.model_validate(
        {
            "id": name,
            "metric": metric,
            "load": load,
            "architecture": architecture,
            "kernels": kernels,
            "quantiles": tuple(float(f"{q:.4g}") for q in _quantiles(points, stretch)),
            "points": len(points),
            "groups": len(groups),
            "coverage": round(coverage(points, stretch), 3),
        }
    )


def _quantiles(points: Iterable[LeftOut], stretch: float) -> Floats:
    """Quantiles of the ratio, every group weighing as the square root of its points; stretched about the median."""
    rows = list(points)
    logs = np.log([p.ratio for p in rows])
    sizes: dict[str, int] = {}
    for p in rows:
        sizes[p.group] = sizes.get(p.group, 0) + 1
    weights = np.array([1.0 / np.sqrt(sizes[p.group]) for p in rows])
    order = np.argsort(logs)
    reached = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
    found = np.interp(PROBABILITIES, reached, logs[order])
    result: Floats = np.exp(found[3] + (found - found[3]) * stretch)
    return result


def coverage(points: Sequence[LeftOut], stretch: float) -> float:
    """Return the share of points inside the 80 % band that the other groups make."""
    inside = 0
    for group in {p.group for p in points}:
        others = [p for p in points if p.group != group]
        low, high = _quantiles(others, stretch)[[1, 5]]
        inside += sum(low <= p.ratio <= high for p in points if p.group == group)
    return inside / len(points)


def _stretch(points: Sequence[LeftOut]) -> float | None:
    """Return the stretch at which bands from the other groups cover 80 % of a group: few groups know too little.

    None where none up to ``WIDEST`` does: the parent's band, of more groups, says more.
    """
    for stretch in np.arange(1.0, WIDEST + 0.01, 0.05):
        if coverage(points, float(stretch)) >= 0.8:
            return float(stretch)
    return None
