"""How sure a plan is, in plain words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from agent.report.words import accelerators_noun, calls_shown, capital, sentence
from catalogs.units import show_rate, show_seconds
from engine.plan import BandPart, Bands, CapacityPlan
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
        ends = f"{show_seconds(band.low)} to {show_seconds(band.high)}"
        yield f"{name} at the peak: {ends}; {rare} lies above, {rare} below."
    carried = bands.replica_capacity.requests_per_s
    ends = f"{calls_shown(plan, carried.low)} to {calls_shown(plan, carried.high)}"
    yield f"One replica carries {ends} within the targets."
    if bands.chance_of_meeting is not None:
        met = round(100 * bands.chance_of_meeting)
        yield f"Today's fleet meets the targets at the peak in {met} of 100 such plans."
    yield sentence(fleet_sentence(plan))
    yield from _part_sentences(plan, bands.parts)
    if note := outside_sentence(plan):
        yield note


def _part_sentences(plan: CapacityPlan, parts: Sequence[BandPart]) -> Iterator[str]:
    """Yield where the bands come from, and what a benchmark of one's own would leave of them."""
    for part in parts:
        why, counted = _REASONS[part.level]
        why = why.format(runtime=plan.chosen.runtime, accelerator=plan.chosen.accelerator_name)
        yield (
            f"ITL {_times(part.itl)}, TTFT {_times(part.ttft)} and capacity {_times(part.throughput)} either way are "
            f"from {why} ({part.groups} {counted})."
        )
    if len(parts) > 1:
        yield (
            "These parts combine as the root of the sum of their squares; a benchmark on your own servers leaves the "
            "last alone."
        )


_REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "source": ("the versions and settings of servers that nobody here has measured", "sources measured"),
    "model": ("the model, of which no fit of {runtime} has seen the like", "models measured"),
    "accelerator": ("the accelerator, on which no fit of {runtime} has seen anything", "accelerators measured"),
    "calibrated": ("what your measurements leave open on {accelerator}", "figures measured"),
    "run": ("one run to the next", "pairs of model and accelerator measured"),
}
"""Why a level adds to the bands, and what its groups are."""


def _times(factor: float) -> str:
    return f"× {factor:.2f}"


def measure_sentence(plan: CapacityPlan) -> str:
    """Return that the speed is hardly known; empty where it is."""
    if plan.bands is None or not plan.bands.measure_first:
        return ""
    return f"The speed of {plan.chosen.accelerator_name} is not known within a factor of 2; measure before you buy."


def outside_sentence(plan: CapacityPlan) -> str:
    """Return how little is known of a case like this; empty where enough is."""
    note = (plan.bands.note if plan.bands else None) or ""
    return sentence(capital(note))


def fleet_sentence(plan: CapacityPlan) -> str:
    """Return what the bad end would cost: '12 GPUs; 12–16 if the forecast is off by as much as one plan in ten is'.

    Of a fleet that was given, what it carries; empty without bands.
    """
    if not plan.bands:
        return ""
    off = f"if the forecast is off by as much as {RARE[plan.bands.level]} is"
    low, high = plan.bands.fleet.accelerators.low, plan.bands.fleet.accelerators.high
    counted = f"{low:,.0f} {accelerators_noun(plan.chosen, int(low))}"
    if plan.spec.traffic.unstated:
        verb = "carries" if low == 1 else "carry"
        return f"{counted} {verb} {show_rate(plan.bands.fleet.capacity_requests_per_s.low)} {off}"
    if not plan.bands.fleet.meets_targets:
        return f"{counted}; no number of them meets the targets {off}"
    if high == low:
        return f"{counted} {'holds' if low == 1 else 'hold'} even {off}"
    return f"{counted}; {low:,.0f}–{high:,.0f} {off}"
