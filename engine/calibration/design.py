"""Which next measurement would leave the least unsure: expected shrinkage of bands over a small design of loads."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.measurement_files import Row
from catalogs.records.calibrations import Calibration
from engine.accuracy.evidence import PredictedFigure, predicted_figures
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.predictions import read
from engine.arrays import Floats
from engine.bands.posterior import likeliest

CLIENTS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
PROMPTS_PER_CLIENT: Final = 10
"""Of a suggested run: its first burst is then a tenth of it."""
FIGURES: Final = ("ttft_ms_mean", "itl_ms_mean")
MOST_LENGTHS: Final = 4


class BenchmarkedLoad(Struct, frozen=True):
    """A load that a benchmark can offer."""

    concurrency: int
    input_tokens: int
    output_tokens: int


class NextMeasurement(Struct, frozen=True):
    """A run that is worth making, after those before it in a list."""

    load: BenchmarkedLoad
    index: int
    """Of the run among those that there were to choose from."""
    bands_after: float
    """Width of the bands at the loads that matter over the width before it (log): 0.8 is a fifth narrower."""


def next_measurements(
    calibration: Calibration,
    points: Sequence[MeasuredPoint],
    catalog: Catalog,
    wanted: Sequence[BenchmarkedLoad] = (),
    *,
    among: Sequence[Row] = (),
    most: int = 3,
) -> tuple[NextMeasurement, ...]:
    """Return the runs that would narrow bands most, the best first, each after those before it.

    Args:
        points: that it was made from; the first says how the server runs.
        catalog: without a calibration.
        wanted: loads at which bands are to be narrow, such as a plan's peak; none: all that a run may have.
        among: points that may be measured, whose figures are not looked at; none: loads of every size at the lengths
            that matter.
    """
    rows = [*among] or _rows(points, wanted)
    figures = _figures(calibration, rows, catalog)
    runs = sorted({one.point for one in figures})
    if not runs:
        return ()
    evidence = [one.evidence for one in figures]
    posterior = likeliest(calibration)
    _, covariance = posterior.errors_of(evidence)
    noise = posterior.noise(evidence)
    of_run = {run: [at for at, one in enumerate(figures) if one.point == run] for run in runs}
    matter = [at for at, one in enumerate(figures) if one.point < len(wanted)] or list(range(len(figures)))
    chosen: list[NextMeasurement] = []
    for _ in range(most):
        before = np.diag(covariance)
        sure: Floats = covariance - np.diag(noise)
        after = {
            run: before - _gain(sure[:, own], covariance[np.ix_(own, own)])
            for run, own in of_run.items()
            if all(run != one.index for one in chosen)
        }
        if not after:
            break
        run, left = min(after.items(), key=lambda item: float(np.log(np.maximum(item[1], noise)[matter]).sum()))
        ratio = float(np.exp(0.5 * np.mean(np.log((np.maximum(left, noise) / before)[matter]))))
        chosen.append(NextMeasurement(_load_of(rows[run]), run, ratio))
        own = of_run[run]
        covariance = covariance - sure[:, own] @ np.linalg.inv(covariance[np.ix_(own, own)]) @ sure[:, own].T
    return tuple(chosen)


def _gain(crossed: Floats, own: Floats) -> Floats:
    """Return by how much each figure's variance falls when a run is made.

    Args:
        crossed: covariance of all figures with the run's, repeats' noise apart: (figures, run's).
        own: covariance of what the run prints, noise included.
    """
    return np.asarray(np.einsum("ij,jk,ik->i", crossed, np.linalg.inv(own), crossed), dtype=np.float64)


def _rows(points: Sequence[MeasuredPoint], wanted: Sequence[BenchmarkedLoad]) -> list[Row]:
    """Return rows of runs of a server as the first point's: at the loads wanted, then of every size at the lengths."""
    first = points[0]
    lengths = [(load.input_tokens, load.output_tokens) for load in wanted]
    lengths += [(round(point.load.prompt), round(point.load.output)) for point in points]
    loads = [BenchmarkedLoad(clients, *of) for of in [*dict.fromkeys(lengths)][:MOST_LENGTHS] for clients in CLIENTS]
    unknown = dict.fromkeys((name for name in first.row if "_ms_" in name or name.endswith("_per_s")), "")
    return [
        {
            **first.row,
            **unknown,
            **dict.fromkeys(FIGURES, "1"),
            "load": "closed_loop",
            "batch": "",
            "request_rate": "",
            "concurrency": str(load.concurrency * first.replicas),
            "prompts": str(load.concurrency * first.replicas * PROMPTS_PER_CLIENT),
            "input_tokens": str(load.input_tokens),
            "output_tokens": str(load.output_tokens),
        }
        for load in dict.fromkeys([*wanted, *loads])
    ]


def _load_of(row: Row) -> BenchmarkedLoad:
    return BenchmarkedLoad(
        round(float(row["concurrency"])), round(float(row["input_tokens"])), round(float(row["output_tokens"]))
    )


def _figures(calibration: Calibration, rows: Sequence[Row], catalog: Catalog) -> list[PredictedFigure]:
    """Return the figures that runs would print, by index of the row; none where one cannot be predicted."""
    points = [point for point in (read(row, catalog) for row in rows) if isinstance(point, MeasuredPoint)]
    return predicted_figures(points, catalog.with_calibration(calibration)) if len(points) == len(rows) else []
