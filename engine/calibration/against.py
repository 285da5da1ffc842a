"""A plan held against a benchmark of it: inside its bands or not, and which assumption is off."""

from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.measurement_files import Row
from engine.accuracy.evidence import METRIC_OF, calibrated_outcomes
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.predictions import Simulator, predict_points, read
from engine.plan import CapacityPlan, Range

OTHER_LENGTHS: Final = 0.1
"""Share by which mean lengths differ from the plan's before they count as others."""
OFFERED: Final = 0.9
"""Share of the rate that was asked for from which a benchmark did offer it."""


class HeldFigure(Struct, frozen=True):
    """One figure of a run beside the plan's forecast for the run's own load."""

    run: str
    metric: str
    measured_s: float
    forecast_s: float
    band: Range
    """The plan's, around that forecast; of a calibrated one, what its calibration leaves at that load."""

    @property
    def inside(self) -> bool:
        """The measurement lies within the band."""
        return self.band.low <= self.measured_s <= self.band.high


class HeldPlan(Struct, frozen=True):
    """A plan against a benchmark."""

    figures: tuple[HeldFigure, ...]
    causes: tuple[str, ...]
    """Which of the plan's assumptions the runs do not share, or do not bear out."""
    unused: tuple[str, ...]


def held_against(plan: CapacityPlan, rows: Sequence[Row], catalog: Catalog, simulator: Simulator | None) -> HeldPlan:
    """Return how a plan's forecasts compare with runs of a benchmark, each at the run's own load.

    Args:
        catalog: with the plan's calibration, where it has one.
        simulator: of closed and open loops, for their TTFT.
    """
    readings = [read(row, catalog) for row in rows]
    points = [one for one in readings if isinstance(one, MeasuredPoint)]
    figures = []
    outcomes = calibrated_outcomes(points, predict_points(points, catalog, simulator), catalog)
    for point, outcome in zip(points, outcomes, strict=True):
        for item in () if isinstance(outcome, str) else outcome:
            metric = METRIC_OF.get(item.column)
            if metric in ("itl", "ttft") and item.measured > 0:
                known = item.band is not None and item.band.parts[0].level == "calibrated"
                low, high = item.band.ends() if item.band and known else _ends(plan, metric)
                forecast = item.predicted / 1e3
                band = Range(forecast * low, forecast * high)
                figures.append(HeldFigure(point.row["id"], metric, item.measured / 1e3, forecast, band))
    unused = tuple(f"{row['id']}: {one}" for row, one in zip(rows, readings, strict=True) if isinstance(one, str))
    return HeldPlan(tuple(figures), tuple(_causes(plan, points, figures)), unused)


def _ends(plan: CapacityPlan, metric: str) -> tuple[float, float]:
    """Return the factors by which the plan's band lies around its forecast."""
    if plan.bands is None:
        return 1.0, 1.0
    band = getattr(plan.bands.performance.at_peak, f"{metric}_s").mean
    mean = getattr(plan.performance.at_peak, f"{metric}_s").mean
    return band.low / mean, band.high / mean


def _causes(plan: CapacityPlan, points: Sequence[MeasuredPoint], figures: Sequence[HeldFigure]) -> Iterator[str]:
    """Yield what of the plan the runs do not share, the load first."""
    tokens = plan.spec.tokens
    for side, planned in (("prompts", tokens.input.mean), ("answers", tokens.output.mean)):
        measured = [point.load.prompt if side == "prompts" else point.load.output for point in points]
        mean = sum(measured) / max(len(measured), 1)
        if measured and abs(mean / planned - 1) > OTHER_LENGTHS:
            yield f"lengths: {side} of the runs have {mean:,.0f} tokens on average, the plan's {planned:,.0f}"
    late = [
        point.row["id"]
        for point in points
        if point.load.kind == "open_loop"
        and float(point.row["requests_per_s"] or point.row["request_rate"]) < OFFERED * float(point.row["request_rate"])
    ]
    if late:
        yield f"the client or the server was too slow for the load: {late[0]} completed less than 90 % of its rate"
    seats = plan.memory.max_concurrent_sequences
    crowded = [point.row["id"] for point in points if point.together / point.replicas > seats]
    if crowded:
        yield f"KV cache: {crowded[0]} ran more clients than the {seats:,} sequences that a replica's pool holds"
    outside = {
        metric: [one.measured_s / one.forecast_s for one in figures if one.metric == metric and not one.inside]
        for metric in ("itl", "ttft")
    }

    def how_far(metric: str) -> str:
        of = sum(one.metric == metric for one in figures)
        low, high = (f"{end(outside[metric]):.2f}" for end in (min, max))
        times = low if low == high else f"{low} to {high}"
        lies = f"{metric.upper()} lies outside its band in {len(outside[metric])} of {of} runs"
        return f"{lies}, at {times} times the forecast"

    if outside["itl"]:
        yield f"step time: {how_far('itl')}; `fleetcast calibrate` takes that into account"
    if outside["ttft"]:
        within = "" if outside["itl"] else " and ITL within"
        if max(outside["ttft"]) < 1:
            yield f"prefix hits: {how_far('ttft')}{within}, as where prompts were found in a cache"
        elif min(outside["ttft"]) > 1:
            yield f"waiting: {how_far('ttft')}{within}, as where prompts wait longer or arrive in bursts"
        else:
            yield f"{how_far('ttft')}{within}: below it and above it, which no one cause explains"
