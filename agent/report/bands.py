"""How sure a plan is, in plain words."""

from collections.abc import Iterator, Mapping
from typing import Any

from agent.report.words import accelerators_noun
from catalogs.units import show_rate, show_seconds
from engine.plan import CapacityPlan


def band_sentences(plan: CapacityPlan) -> tuple[str, ...]:
    """Return what the plan's bands say of the figures that decide; empty without bands."""
    return tuple(_sentences(plan, plan.bands)) if plan.bands else ()


def _sentences(plan: CapacityPlan, bands: Mapping[str, Any]) -> Iterator[str]:
    outside = (100 - bands["level"]) / 2 / 100
    rare = f"one plan in {round(1 / outside)}"
    at_peak = bands["performance"]["at_peak"]
    for metric, name, percentile in (("ttft_s", "TTFT p95", "p95"), ("itl_s", "Mean ITL", "mean")):
        low, high = _ends(at_peak[metric][percentile])
        yield f"{name} at the peak: {show_seconds(low)} to {show_seconds(high)}; {rare} lies above, {rare} below."
    low, high = _ends(bands["replica_capacity"]["requests_per_s"])
    yield f"One replica carries {show_rate(low)} to {show_rate(high)} within the targets."
    yield fleet_sentence(plan) + "."
    if "note" in bands:
        yield f"{bands['note'][0].upper()}{bands['note'][1:]}."


def fleet_sentence(plan: CapacityPlan) -> str:
    """Return what the bad end would cost: '12 GPUs; 12–16 if the forecast is off by as much as one plan in ten is'."""
    unit = accelerators_noun(plan.chosen)
    low, high = _ends((plan.bands or {})["fleet"]["accelerators"])
    if high == low:
        return f"{low:.0f} {unit} hold even if the forecast is off by as much as one plan in ten is"
    return f"{low:.0f} {unit}; {low:.0f}–{high:.0f} if the forecast is off by as much as one plan in ten is"


def _ends(pair: Mapping[str, float]) -> tuple[float, float]:
    return float(pair["low"]), float(pair["high"])
