"""Measured figures beside their predictions, with how these follow each constant of a calibration."""

from collections.abc import Sequence
from math import log

from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.records.calibrations import Evidence, Metric
from engine.accuracy.columns import METRICS
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.predictions import Outcome, Prediction, Simulator, predict_points
from engine.bands.posterior import MEDIAN, NOISE, band_of, errors_of
from engine.step.calibrated import STEP, moved_singly, setting_name

METRIC_OF: dict[str, Metric] = {
    "itl_ms_mean": "itl",
    "itl_ms_median": "itl",
    "ttft_ms_mean": "ttft",
    "ttft_ms_median": "ttft",
    **dict.fromkeys(METRICS["throughput"], "throughput"),
}


class PredictedFigure(Struct, frozen=True):
    """One figure of a point, measured and predicted."""

    point: int
    """Its index."""
    prediction: Prediction
    formula: float
    """What the closed form predicts, of which slopes are; the prediction may be simulated."""
    evidence: Evidence
    """Its log error is log(measured/predicted) by the catalog that predicted it."""


def predicted_figures(
    points: Sequence[MeasuredPoint], catalog: Catalog, simulator: Simulator | None = None
) -> list[PredictedFigure]:
    """Return the figures of points that speak of constants: ITL and TTFT, or throughput where neither was measured.

    Args:
        points: of systems that the catalog's calibration speaks of.
        catalog: with a calibration, whose constants are moved one by one.
        simulator: of closed and open loops; slopes are of the closed forms.
    """
    calibration = catalog.calibration
    assert calibration is not None
    by_formula = predict_points(points, catalog)
    outcomes = predict_points(points, catalog, simulator) if simulator else by_formula
    moves = [predict_points(points, catalog.with_calibration(one)) for one in moved_singly(calibration)]
    figures = []
    for index, (point, outcome) in enumerate(zip(points, outcomes, strict=True)):
        weights = point.system.weights or catalog.model(point.system.model).precision
        for item in _kept(outcome):
            base = _figure(by_formula[index], item.column)
            slopes = tuple(log(max(_figure(move[index], item.column), 1e-12) / base) / STEP for move in moves)
            figures.append(PredictedFigure(index, item, base, _evidence(point, item, outcome, slopes, weights)))
    return figures


def calibrated_outcomes(
    points: Sequence[MeasuredPoint | str], outcomes: Sequence[Outcome], catalog: Catalog
) -> list[Outcome]:
    """Return outcomes with the bands that a calibration leaves; where nothing checked it, their own.

    Outcomes of systems that it does not speak of stay as they are.

    Args:
        points: that were predicted, or why they cannot be.
        outcomes: of them, by the calibration.
        catalog: with the calibration, or with none.
    """
    calibration, changed = catalog.calibration, list(outcomes)
    if calibration is None or not calibration.checked:
        return changed
    at = [
        index
        for index, point in enumerate(points)
        if isinstance(point, MeasuredPoint)
        and not isinstance(outcomes[index], str)
        and calibration.speaks_of(point.system.runtime, point.setting.accelerator)
        and catalog.model(point.system.model).model.id == calibration.model
    ]
    figures = predicted_figures([points[index] for index in at], catalog)  # type: ignore[misc]
    if not figures:
        return changed
    errors = errors_of(calibration, [one.evidence for one in figures])
    left = {
        (at[one.point], one.prediction.column): band_of(own - own[MEDIAN], len(calibration.evidence))
        for one, own in zip(figures, errors, strict=True)
    }
    for index in at:
        changed[index] = tuple(
            replace(item, band=left.get((index, item.column), item.band))
            for item in outcomes[index]
            if isinstance(item, Prediction)
        )
    return changed


def _kept(outcome: Outcome) -> list[Prediction]:
    """Return the predictions of an outcome that speak of constants."""
    items = [] if isinstance(outcome, str) else [i for i in outcome if i.column in METRIC_OF and i.measured > 0]
    latencies = [item for item in items if METRIC_OF[item.column] != "throughput"]
    return latencies or items


def _figure(outcome: Outcome, column: str) -> float:
    return next((i.predicted for i in outcome if isinstance(i, Prediction) and i.column == column), 1.0)


def _evidence(
    point: MeasuredPoint, item: Prediction, outcome: Outcome, slopes: tuple[float, ...], weights: str
) -> Evidence:
    metric, split = METRIC_OF[item.column], point.setting
    return Evidence(
        setting=setting_name(weights, split.tp, split.pp, split.dp, split.ep),
        in_flight=_in_flight(point, outcome),
        input_tokens=point.load.prompt,
        output_tokens=point.load.output,
        metric=metric,
        log_error=log(item.measured / item.predicted),
        noise=NOISE[metric],
        slopes=slopes,
    )


def _in_flight(point: MeasuredPoint, outcome: Outcome) -> float:
    """Return the requests that ran together on a replica: as the point has it, or by Little's law from a rate."""
    if point.in_flight is not None:
        return point.in_flight
    latencies = {metric: _figure(outcome, f"{metric}_ms_mean") for metric in ("ttft", "itl")}
    e2e_s = (latencies["ttft"] + latencies["itl"] * point.load.output) / 1e3
    return max(float(point.row["request_rate"]) * e2e_s / point.replicas, 1.0)
