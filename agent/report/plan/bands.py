"""How sure a plan is, in plain words."""

from collections.abc import Iterator, Mapping
from typing import Final

from agent.report.words import accelerators_noun, sentence
from catalogs.units import show_rate, show_seconds
from engine.plan import Bands, CapacityPlan, CountRange, Range
from engine.workload import BandLevel

RARE: Final[Mapping[BandLevel, str]] = {50: "one plan in four", 80: "one plan in ten", 95: "one plan in forty"}
"""How many plans lie beyond an end of the band, by its level."""


def band_sentences(plan: CapacityPlan) -> tuple[str, ...]:
    """Return what the plan's bands say of the figures that decide; empty without bands."""
    return tuple(_sentences(plan, plan.bands)) if plan.bands else ()


def _sentences(plan: CapacityPlan, bands: Bands) -> Iterator[str]:
    rare = RARE[bands.level]
    at_peak = bands.performance.at_peak
    for name, band in (("TTFT p95", at_peak.ttft_s.p95), ("Mean ITL", at_peak.itl_s.mean)):
        low, high = _ends(band)
        yield f"{name} at the peak: {show_seconds(low)} to {show_seconds(high)}; {rare} lies above, {rare} below."
    low, high = _ends(bands.replica_capacity.requests_per_s)
    yield f"One replica carries {show_rate(low)} to {show_rate(high)} within the targets."
    yield sentence(fleet_sentence(plan))
    if note := outside_sentence(plan):
        yield note


def outside_sentence(plan: CapacityPlan) -> str:
    """Return how little is known of a case like this; empty where enough is."""
    note = (plan.bands.note if plan.bands else None) or ""
    return sentence(note[0].upper() + note[1:]) if note else ""


def fleet_sentence(plan: CapacityPlan) -> str:
    """Return what the bad end would cost: '12 GPUs; 12–16 if the forecast is off by as much as one plan in ten is'.

    Of a fleet that was given, what it carries; empty without bands.
    """
    if not plan.bands:
        return ""
    off = f"if the forecast is off by as much as {RARE[plan.bands.level]} is"
    low, high = _ends(plan.bands.fleet.accelerators)
    counted = f"{low:,.0f} {accelerators_noun(plan.chosen, int(low))}"
    if plan.spec.traffic.requests_per_s is None and plan.spec.traffic.concurrency is None:
        least, _ = _ends(plan.bands.fleet.capacity_requests_per_s)
        return f"{counted} carry {show_rate(least)} {off}"
    if not plan.bands.fleet.meets_targets:
        return f"{counted}; no number of them meets the targets {off}"
    if high == low:
        return f"{counted} {'holds' if low == 1 else 'hold'} even {off}"
    return f"{counted}; {low:,.0f}–{high:,.0f} {off}"


def _ends(band: Range | CountRange) -> tuple[float, float]:
    return band.low, band.high
