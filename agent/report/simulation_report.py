"""A simulated plan as a report: what came of it, latencies beside the formulas', targets, and the queue over time."""

from collections.abc import Iterator, Sequence

from agent.report.blocks import Block, Cell, Chart, Column, Facts, Heading, Paragraph, Report, Series, Table
from agent.report.simulated_latencies import NAMES, UNKNOWN, interval_shown, simulated_latencies
from agent.report.words import met_shown, share_met
from catalogs.units import show_count, show_percent, show_rate, show_seconds
from engine.load_test.fleet_over_time import SimulatedFleet
from engine.load_test.plan_under_load import SimulatedPlan
from engine.plan import CapacityPlan, SimulatedTarget
from engine.planning.phrases import counted

POINTS = 40
"""Intervals of a chart: neighbours are taken together."""
FEWEST_INTERVALS = 3
"""Fewer intervals show no course."""


@Report.of
def simulation_report(plan: CapacityPlan, simulated: SimulatedPlan) -> Iterator[Block]:
    """Yield the report of a simulation."""
    chosen = plan.chosen
    arriving_s = simulated.requests / simulated.arrivals_per_s
    yield Paragraph(
        f"{show_count(simulated.requests)} requests on {counted(simulated.replicas, 'replica')} of "
        f"{chosen.model_name} ({show_count(simulated.accelerators)} × {chosen.accelerator_name}), {simulated.load}: "
        f"{show_rate(simulated.arrivals_per_s)} for {_span(arriving_s)}, all answered after "
        f"{_span(simulated.duration_s)}.",
        "strong",
    )
    yield from verdict_and_targets(simulated)
    yield simulated_latencies(simulated.ttft_s, simulated.itl_s, simulated.e2e_s)
    yield _facts(simulated)
    yield from _charts(simulated)


def _span(seconds: float) -> str:
    """Return a time in whole seconds up to ten minutes, so that rates times times are the requests."""
    return f"{seconds:.3g} s" if seconds < 600 else show_seconds(seconds)


def verdict_and_targets(simulated: SimulatedPlan | SimulatedFleet) -> Iterator[Block]:
    """Yield which targets are missed, what is to be said of the load, and each target with what was simulated."""
    yield _verdict(simulated.targets)
    for note in simulated.notes:
        yield Paragraph(f"{note}.", "quiet", "Note")
    for warning in simulated.warnings:
        yield Paragraph(f"{warning}.", "warning", "Warning")
    if simulated.refused:
        yield Paragraph(
            f"{show_count(simulated.refused)} requests are longer than the KV pool of a replica: they were refused.",
            "warning",
            "Warning",
        )
    if simulated.targets:
        yield _targets(simulated.targets)


def _verdict(targets: Sequence[SimulatedTarget]) -> Paragraph:
    """Return which targets are missed."""
    if not targets:
        return Paragraph("No target was given.", "quiet")
    missed = [target.name for target in targets if not target.met]
    if missed:
        return Paragraph(f"Misses {len(missed)} of {len(targets)} targets: {', '.join(missed)}.", "bad")
    many = {1: "the target", 2: "both targets"}.get(len(targets), f"all {len(targets)} targets")
    return Paragraph(f"Meets {many}.", "good")


def _targets(targets: Sequence[SimulatedTarget]) -> Table:
    """Return each target with what was simulated; columns of which nothing is known go."""
    columns = (
        Column("target"),
        Column("simulated", "right", spoken="bare"),
        *Column.figures("95 % interval", "formula", "target", "requests within"),
        Column("", spoken="bare"),
    )
    return Table.of_known(columns, [_target_row(target) for target in targets])


def _target_row(target: SimulatedTarget) -> tuple[Cell, ...]:
    return (
        target.name,
        show_seconds(target.simulated_s),
        interval_shown(target.low, target.high),
        UNKNOWN if target.formula_s is None else show_seconds(target.formula_s),
        show_seconds(target.target_s),
        UNKNOWN if target.within is None else share_met(target.within),
        met_shown(target.met),
    )


def _facts(simulated: SimulatedPlan) -> Facts:
    output = show_rate(simulated.output_tokens_per_s, "tokens/s")
    served = f"{show_rate(simulated.requests_per_s)}, {output} out"
    return Facts(
        (
            ("throughput", f"{served}, filling and draining included"),
            ("busy", show_percent(simulated.utilisation)),
            ("batch, mean", f"{simulated.mean_batch:.3g} per replica"),
            ("KV cache, mean", show_percent(simulated.kv_cache_usage)),
            ("preemptions", show_count(simulated.preemptions)),
            ("routing", simulated.routing.replace("_", " ")),
            _seeds(simulated),
        )
    )


def _seeds(simulated: SimulatedPlan) -> tuple[str, str]:
    first, count = simulated.seed, simulated.repeats
    return ("seed", str(first)) if count == 1 else ("repeats", f"{count}, seeds {first} to {first + count - 1}")


def _charts(simulated: SimulatedPlan) -> Iterator[Block]:
    yield Heading("TTFT by percentile")
    values = (getattr(simulated.ttft_s, name).value for name in NAMES[1:])
    yield Chart("percentile", (50.0, 90.0, 95.0, 99.0), (Series.of("TTFT", values, show_seconds),), "s")
    over = simulated.over_time
    step = max(-(-len(over.arrivals) // POINTS), 1)
    places = range(0, len(over.arrivals), step)
    if len(places) < FEWEST_INTERVALS:
        return
    yield Heading("Over time")
    lines = tuple(
        Series.of(label, (float(max(counts[place : place + step])) for place in places), show_count)
        for label, counts in (("waiting", over.waiting), ("running", over.running))
    )
    yield Chart("seconds", tuple(round(place * over.interval_s, 3) for place in places), lines, "requests")
