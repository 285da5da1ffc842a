"""The curves of a plan: latencies against load with its point, band and targets, and the bill against traffic."""

from collections.abc import Iterator, Sequence

from agent.report.blocks import Chart, Mark, Series
from agent.report.words import usd_shown
from catalogs.units import show_figure, show_rate, show_seconds
from engine.plan import CapacityPlan, Performance, Range
from engine.planning.at_loads import FleetAt
from engine.workload import Metric, Percentile, target_name

CURVES: tuple[tuple[Metric, Percentile], ...] = (("ttft", "p95"), ("itl", "p95"))
"""What is drawn where no target names another percentile."""


def latency_charts(plan: CapacityPlan, loads: Sequence[Performance]) -> Iterator[Chart]:
    """Yield TTFT and ITL of one replica against its load; of a metric with targets, at their percentiles."""
    for metric, usual in CURVES:
        targets = [target for target in plan.targets if target.metric == metric]
        percentiles = tuple(dict.fromkeys(target.percentile for target in targets)) or (usual,)
        for percentile in percentiles:
            yield _latency_chart(plan, loads, metric, percentile)


def _latency_chart(plan: CapacityPlan, loads: Sequence[Performance], metric: Metric, percentile: Percentile) -> Chart:
    peak = plan.performance.at_peak
    name, here = target_name(metric, percentile), peak.latency_s(metric, percentile)
    values = tuple(load.latency_s(metric, percentile) for load in loads)
    unit, scale = ("ms", 1e3) if here < 1 else ("seconds", 1.0)
    ends: tuple[float, ...] = ()
    if plan.bands is not None:
        band: Range = getattr(getattr(plan.bands.performance.at_peak, f"{metric}_s"), percentile)
        ends = (band.low / here, band.high / here) if here else (1.0, 1.0)
    band_of = [tuple(value * scale * end for value in values) for end in ends]
    series = Series(name, tuple(v * scale for v in values), tuple(map(show_seconds, values)), *band_of)
    marks = [
        Mark(f"target {show_seconds(target.target_s)}", target.target_s * scale)
        for target in plan.targets
        if (target.metric, target.percentile) == (metric, percentile)
    ]
    marks.append(Mark(f"this plan, {show_seconds(here)}", here * scale, peak.requests_per_s))
    said = (
        f"{name} of one replica rises from {show_seconds(values[0])} nearly idle to {show_seconds(values[-1])} at "
        f"{show_rate(loads[-1].requests_per_s)}; this plan has {show_seconds(here)} at "
        f"{show_rate(peak.requests_per_s)}."
    )
    x = tuple(load.requests_per_s for load in loads)
    return Chart("requests/s of one replica", x, (series,), unit, f"{name} against load", tuple(marks), said=said)


def cost_chart(plan: CapacityPlan, fleets: Sequence[FleetAt]) -> Iterator[Chart]:
    """Yield the bill against traffic, or replicas where nobody offers the accelerator; nothing without a rate."""
    if not fleets:
        return
    priced = all(fleet.monthly_usd is not None for fleet in fleets)
    values = tuple(float(fleet.monthly_usd or 0.0) if priced else float(fleet.replicas) for fleet in fleets)
    shown = tuple(usd_shown(value) if priced else show_figure(value) for value in values)
    rate = next(fleet for fleet in fleets if fleet.requests_per_s >= 0.999 * fleets[-1].requests_per_s / 2)
    here = (plan.cost.monthly_usd or 0.0) if priced else float(plan.fleet.replicas)
    point = usd_shown(here) if priced else f"{plan.fleet.replicas} replicas"
    what = "monthly bill" if priced else "replicas"
    yield Chart(
        "requests/s on average",
        tuple(fleet.requests_per_s for fleet in fleets),
        (Series(what, values, shown),),
        "USD a month" if priced else "replicas",
        f"{what.capitalize()} against traffic",
        (Mark(f"this plan, {point}", here, rate.requests_per_s),),
        steps=True,
        said=f"The {what} rises from {shown[0]} to {shown[-1]} at twice the traffic; this plan has {point}.",
    )
