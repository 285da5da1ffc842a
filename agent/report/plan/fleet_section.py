"""What the fleet holds and when it changes, as the full report shows it: the ledger and the thresholds."""

from collections.abc import Iterator, Mapping

from agent.report.blocks import Bar, Block, Cell, Column, Facts, Group, Paragraph, Part, Table, Words
from agent.report.words import accelerators_noun, figure, power_shown, usd_shown
from catalogs.units import show_count, show_figure, show_percent, show_rate, show_seconds
from engine.plan import Autoscaling, CapacityPlan

_LEDGER = {
    "mean": "mean load",
    "peak": "peak hour",
    "burst": "burst",
    "growth": "growth",
    "spares": "spares",
    "rounding": "whole instances",
}


def ledger_table(plan: CapacityPlan) -> Table:
    """Return what each part of the headroom adds to the fleet, and why; the sum comes last."""
    fleet = plan.fleet
    columns = (
        Column("for", spoken="bare"),
        *Column.figures("replicas", accelerators_noun(plan.chosen), "monthly"),
        Column.sentences("why"),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            _LEDGER[line.reason],
            figure(plan, f"fleet.ledger.{at}.replicas", show_count),
            show_count(line.accelerators),
            figure(plan, f"fleet.ledger.{at}.monthly_usd", usd_shown),
            line.why,
        )
        for at, line in enumerate(fleet.ledger)
    ]
    months = [line.monthly_usd for line in fleet.ledger]
    total = None if None in months else sum(month for month in months if month is not None)
    replicas = sum(line.replicas for line in fleet.ledger)
    accelerators = sum(line.accelerators for line in fleet.ledger)
    rows.append(("all lines", show_count(replicas), show_count(accelerators), usd_shown(total), ""))
    return Table(columns, tuple(rows))


def ledger_bar(plan: CapacityPlan) -> Bar:
    """Return the ledger as a bar: the accelerators of each line that has any."""
    lines = [line for line in plan.fleet.ledger if line.accelerators]
    noun, parts = accelerators_noun(plan.chosen), [(_LEDGER[line.reason], line.accelerators) for line in lines]
    whole = sum(count for _, count in parts)
    shown = tuple(Part(name, float(count), f"{show_count(count)} {noun}") for name, count in parts)
    return Bar("What the fleet is for", f"{show_count(whole)} {noun}", shown)


def rated_power(plan: CapacityPlan) -> Iterator[Block]:
    """Yield the rated power of the whole fleet beside what is allowed, where that was said."""
    rated, allowed = plan.fleet.rated_watts, plan.spec.hardware.max_power_kw
    if rated is not None and allowed is not None:
        shown = f"{power_shown(rated)} of {show_count(allowed)} kW that are allowed, hosts included"
        yield Facts((("rated power, all lines", Words(shown, path="fleet.rated_watts")),))


def outage_facts(plan: CapacityPlan) -> Iterator[Block]:
    """Yield how long the loss of a replica lasts, part by part; nothing where what is left holds."""
    if plan.outage is not None:
        parts = _summed(plan.outage.parts_s)
        lost = Words(f"{show_seconds(plan.outage.lost_node_s)}: {parts}", path="outage.lost_node_s")
        yield Facts((("after the loss of a node", lost),))


def _summed(parts_s: Mapping[str, float]) -> str:
    """Return the parts of a time that are not nothing: 'weights 20 s + ready 3 s'."""
    return " + ".join(f"{name.replace('_', ' ')} {show_seconds(s)}" for name, s in parts_s.items() if s)


def threshold_blocks(scaling: Autoscaling) -> Iterator[Block]:
    """Yield the thresholds at which the fleet grows and shrinks, each with its reason, and the warnings."""
    values = (
        ("target_in_flight_per_replica", "in flight per replica", show_figure(scaling.target_in_flight_per_replica)),
        ("rps_per_replica", "rate per replica", show_rate(scaling.rps_per_replica)),
        ("queue_length", "queue length", show_figure(scaling.queue_length)),
        ("ttft_s", "TTFT", show_seconds(scaling.ttft_s)),
        ("kv_cache_usage", "KV cache usage", show_percent(scaling.kv_cache_usage)),
        ("gpu_utilisation", "device use, no trigger", show_percent(scaling.gpu_utilisation)),
        ("target_utilisation", "target utilisation", show_percent(scaling.target_utilisation)),
        ("growth_within_reaction", "growth within a reaction", f"{show_figure(scaling.growth_within_reaction)} ×"),
        ("scale_down_window_s", "scale-down window", show_seconds(scaling.scale_down_window_s)),
    )
    rows: list[tuple[Cell, ...]] = [
        (label, Words(shown, path=f"autoscaling.{name}"), scaling.reasons.get(name, ""))
        for name, label, shown in values
    ]
    parts, why = _summed(scaling.reaction_parts_s), scaling.reasons.get("reaction_time_s", "")
    reaction = Words(show_seconds(scaling.reaction_time_s), path="autoscaling.reaction_time_s")
    rows.append(("reaction time", reaction, "; ".join(filter(None, (parts, why)))))
    columns = (Column("threshold", spoken="bare"), Column("", "right", spoken="bare"), Column.sentences("why"))
    yield Table(columns, tuple(rows))
    if scaling.warnings:
        yield Group(tuple(Paragraph(text, "warning", "Warning") for text in scaling.warnings))
