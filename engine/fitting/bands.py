"""Making error bands from left-out residuals, and testing that they cover what they say."""

from collections.abc import Iterable, Sequence
from itertools import product

import numpy as np
from msgspec import Struct

from catalogs.records.fitted import ErrorBand
from catalogs.records.validation import record_of
from engine.arrays import Floats

PROBABILITIES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
FEWEST_POINTS = 30
FEWEST_GROUPS = 3
"""Left-out points and groups below which a class has no band of its own."""
WIDEST = 4.0
"""Times the spread of the points themselves to which a band is stretched at most."""
WIDEST_OF_RUNTIME = 2.0
"""The same of a band of one runtime: a wider one would say less than the band of all runtimes."""


class LeftOut(Struct, frozen=True):
    """Measured over predicted of one point that the fit had not seen."""

    ratio: float
    group: str
    metric: str
    load: str
    architecture: str
    kernels: str
    runtime: str


def error_bands(points: Sequence[LeftOut]) -> list[ErrorBand]:
    """Return a band for every class with enough points: by metric, then by each selector or all of its values."""
    classes: dict[tuple[str | None, ...], list[LeftOut]] = {}
    for point in points:
        for selection in product(*((None, getattr(point, selector)) for selector in ErrorBand.SELECTORS)):
            classes.setdefault((point.metric, *selection), []).append(point)
    ordered = sorted(classes, key=lambda names: [name or "" for name in names])
    return [band for names in ordered if (band := _band(classes[names], *names)) is not None]


def _band(points: Sequence[LeftOut], *names: str | None) -> ErrorBand | None:
    groups = {p.group for p in points}
    if len(points) < FEWEST_POINTS or len(groups) < FEWEST_GROUPS:
        return None
    selection = dict(zip(("metric", *ErrorBand.SELECTORS), names, strict=True))
    stretch = _stretch(points, WIDEST_OF_RUNTIME if selection["runtime"] else WIDEST)
    if stretch is None:
        return None
    return record_of(
        ErrorBand,
        {
            "id": "-".join(filter(None, names)).replace("_", "-"),
            **selection,
            "quantiles": tuple(float(f"{q:.4g}") for q in _quantiles(points, stretch)),
            "points": len(points),
            "groups": len(groups),
            "coverage": round(float(coverage(points, stretch)), 3),
        },
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
    logs_at = np.interp(PROBABILITIES, reached, logs[order])
    result: Floats = np.exp(logs_at[3] + (logs_at - logs_at[3]) * stretch)
    return result


def coverage(points: Sequence[LeftOut], stretch: float) -> float:
    """Return the share of points inside the 80 % band that the other groups make."""
    inside = 0
    for group in {p.group for p in points}:
        others = [p for p in points if p.group != group]
        low, high = _quantiles(others, stretch)[[1, 5]]
        inside += sum(low <= p.ratio <= high for p in points if p.group == group)
    return inside / len(points)


def _stretch(points: Sequence[LeftOut], widest: float) -> float | None:
    """Return the stretch at which bands from the other groups cover 80 % of a group: few groups know too little.

    None where none up to the widest does: the parent's band, of more groups, says more.
    """
    for stretch in np.arange(1.0, widest + 0.01, 0.05):
        if coverage(points, float(stretch)) >= 0.8:
            return float(stretch)
    return None
