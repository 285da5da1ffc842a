"""The sections of the full report, each from one part of the plan."""

from collections.abc import Iterator

from agent.fields.shown import precision_shown
from agent.report.bands import band_sentences
from agent.report.bill_section import bill, energy
from agent.report.blocks import (
    Bar,
    Block,
    Bullets,
    Cell,
    Column,
    Command,
    Facts,
    Group,
    Heading,
    Paragraph,
    Part,
    Table,
    Words,
)
from agent.report.replay_section import replay_blocks
from agent.report.simulated_latencies import simulated_latencies
from agent.report.words import (
    accelerators_noun,
    amount_shown,
    assumption_shown,
    joined,
    power_shown,
    sentence,
    start_lead,
    usd_shown,
)
from agent.report.workload_section import workload_table
from catalogs.units import (
    show_bytes,
    show_count,
    show_figure,
    show_percent,
    show_rate,
    show_seconds,
)
from engine.plan import (
    Alternative,
    Autoscaling,
    CapacityPlan,
    Latency,
    Memory,
    Performance,
    Rejection,
    parallelism_shown,
)

SHOWN_REJECTIONS = 20

_LEDGER = {
    "mean": "mean load",
    "peak": "peak hour",
    "burst": "burst",
    "growth": "growth",
    "spares": "spares",
    "rounding": "whole instances",
}


def sections(plan: CapacityPlan) -> tuple[Block, ...]:
    """Return all sections, a heading before each."""
    return tuple(_sections(plan))


def _sections(plan: CapacityPlan) -> Iterator[Block]:
    yield from (Heading("Workload"), workload_table(plan.spec, plan.sources))
    yield from (Heading("One replica"), *_replica(plan))
    yield from (Heading("Memory"), *_memory(plan.memory))
    yield from (Heading("Performance of one replica"), *_performance(plan))
    yield from _verification(plan)
    yield from (Heading("What binds"), _binding(plan))
    yield from (Heading("Headroom, line by line"), _ledger(plan), *_rated_power(plan))
    yield from (Heading("Autoscaling"), *_autoscaling(plan.autoscaling), *replay_blocks(plan))
    yield from (Heading("Bill"), *bill(plan))
    if plan.energy is not None:
        yield from (Heading("Energy"), energy(plan.energy))
    if plan.alternatives:
        yield from (Heading("Alternatives"), _alternatives(plan))
    if plan.rejected:
        yield from (Heading("Rejected"), *_rejected(plan.rejected))
    if plan.assumptions:
        items = tuple(assumption_shown(item) for item in plan.assumptions)
        yield from (Heading("Assumptions"), Bullets(items))
    if plan.bands is not None:
        yield from (Heading("How sure"), Bullets(band_sentences(plan)))
    yield from (Heading("Provenance"), _provenance(plan))


def _replica(plan: CapacityPlan) -> Iterator[Block]:
    chosen, precision = plan.chosen, plan.chosen.precision
    sizes = (chosen.tensor_parallel, chosen.pipeline_parallel, chosen.data_parallel, chosen.expert_parallel)
    formats = joined(
        f"weights {precision_shown(precision.weights)}",
        f"KV cache {precision_shown(precision.kv_cache)}",
        f"activations {precision_shown(precision.activations)}",
    )
    yield Facts(
        (
            ("model", chosen.model_name),
            ("accelerators", f"{chosen.accelerators_per_replica} × {chosen.accelerator_name}"),
            ("parallelism", parallelism_shown(*sizes, separator=" ")),
            ("precision", formats),
            ("serving runtime", chosen.runtime),
        )
    )
    if chosen.flags:
        yield Command(chosen.flags, start_lead(chosen))


def _memory(memory: Memory) -> Iterator[Block]:
    one = memory.per_accelerator
    parts = (
        ("weights", one.weights_bytes),
        ("KV cache", one.kv_cache_bytes),
        ("activations", one.activations_bytes),
        ("runtime", one.runtime_bytes),
        ("unused", one.unused_bytes),
    )
    shown = tuple(Part(label, value, show_bytes(value)) for label, value in parts)
    yield Bar("on each accelerator", show_bytes(one.total_bytes), shown)
    mean, high = show_count(memory.max_concurrent_sequences), show_count(memory.max_concurrent_sequences_p95)
    verdict = Words(
        f"{memory.verdict}, {show_percent(memory.headroom)} of the KV pool free at the planned load",
        {"compatible": "good", "marginal": "warning", "incompatible": "bad"}[memory.verdict],  # type: ignore[arg-type]
    )
    yield Facts(
        (
            ("verdict", verdict),
            ("weights, whole model", show_bytes(memory.weights_bytes)),
            ("KV cache per token", show_bytes(memory.kv_cache_bytes_per_token)),
            ("KV cache per sequence", f"{show_bytes(memory.kv_cache_bytes_per_sequence)} at the mean length"),
            ("KV pool of a replica", show_bytes(memory.kv_cache_pool_bytes)),
            ("sequences that fit", f"{mean} of mean length, {high} of p95 length"),
        )
    )


def _performance(plan: CapacityPlan) -> Iterator[Block]:
    mean, peak = plan.performance.at_mean, plan.performance.at_peak

    def row(label: str, at_mean: str, at_peak: str) -> tuple[Cell, ...]:
        return label, at_mean, at_peak

    yield Table(
        (Column(""), Column("at mean", "right"), Column("at peak", "right")),
        (
            row("load", show_rate(mean.requests_per_s), show_rate(peak.requests_per_s)),
            row("decoding together", show_figure(mean.batch), show_figure(peak.batch)),
            row("running or waiting", show_figure(mean.in_flight), show_figure(peak.in_flight)),
            row("utilisation", show_percent(mean.utilisation), show_percent(peak.utilisation)),
            row("KV cache in use", show_percent(mean.kv_cache_usage), show_percent(peak.kv_cache_usage)),
            row(
                "output",
                show_rate(mean.output_tokens_per_s, "tokens/s"),
                show_rate(peak.output_tokens_per_s, "tokens/s"),
            ),
        ),
    )
    names = ("mean", "p50", "p90", "p95", "p99")
    yield Table(
        (Column("latency"), *(Column(name, "right") for name in names)),
        tuple(_latency_rows(mean, peak)),
    )


def _verification(plan: CapacityPlan) -> Iterator[Block]:
    verification = plan.verification
    if verification is None:
        return
    yield Heading("Simulated")
    one, whole = verification.replicas == 1, verification.replicas == plan.fleet.replicas
    who = "One replica" if one else f"{verification.replicas} replicas{'' if whole else ' of the fleet'}"
    shared = "" if one else " on each, every request to the one with the fewest outstanding"
    yield Paragraph(
        f"{who} at the peak hour, request by request: {show_count(verification.requests)} requests at "
        f"{show_rate(verification.requests_per_s)}{shared}; seed {verification.seed}."
    )
    yield simulated_latencies(
        verification.ttft_s, verification.itl_s, verification.e2e_s, ("mean", "p50", "p95", "p99")
    )


def _latency_rows(mean: Performance, peak: Performance) -> Iterator[tuple[Cell, ...]]:
    kinds = (
        ("TTFT", mean.ttft_s, peak.ttft_s),
        ("ITL", mean.itl_s, peak.itl_s),
        ("E2E", mean.e2e_s, peak.e2e_s),
        ("token gap", mean.token_gap_s, peak.token_gap_s),
    )
    for name, at_mean, at_peak in kinds:
        for when, latency in (("mean", at_mean), ("peak", at_peak)):
            yield f"{name} at {when}", *_percentiles(latency)


def _percentiles(latency: Latency) -> tuple[str, ...]:
    return tuple(show_seconds(value) for value in (latency.mean, latency.p50, latency.p90, latency.p95, latency.p99))


def _binding(plan: CapacityPlan) -> Facts:
    one, fleet = plan.replica_capacity, plan.fleet
    return Facts(
        (
            ("one replica serves", f"{show_rate(one.requests_per_s)} within the targets"),
            ("what stops it there", one.binds),
            ("what breaks next", one.breaks_next),
            ("with every queue full", show_rate(one.saturated_requests_per_s)),
            (
                "the fleet serves",
                f"{show_rate(fleet.capacity_requests_per_s)}, "
                f"{show_rate(fleet.capacity_output_tokens_per_s, 'output tokens/s')}",
            ),
        )
    )


def _ledger(plan: CapacityPlan) -> Table:
    fleet = plan.fleet
    columns = (
        Column("for", spoken="bare"),
        Column("replicas", "right"),
        Column(accelerators_noun(plan.chosen), "right"),
        Column("monthly", "right"),
        Column("why", wraps=True, spoken="sentence"),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            _LEDGER[line.reason],
            show_count(line.replicas),
            show_count(line.accelerators),
            usd_shown(line.monthly_usd),
            line.why,
        )
        for line in fleet.ledger
    ]
    months = [line.monthly_usd for line in fleet.ledger]
    total = None if None in months else sum(month for month in months if month is not None)
    replicas = sum(line.replicas for line in fleet.ledger)
    accelerators = sum(line.accelerators for line in fleet.ledger)
    rows.append(("all lines", show_count(replicas), show_count(accelerators), usd_shown(total), ""))
    return Table(columns, tuple(rows))


def _rated_power(plan: CapacityPlan) -> Iterator[Block]:
    """Yield the rated power of the whole fleet beside what is allowed, where that was said."""
    rated, allowed = plan.fleet.rated_watts, plan.spec.hardware.max_power_kw
    if rated is not None and allowed is not None:
        shown = f"{power_shown(rated)} of {show_count(allowed)} kW that are allowed, hosts included"
        yield Facts((("rated power, all lines", shown),))


def _autoscaling(scaling: Autoscaling) -> Iterator[Block]:
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
    rows = [(label, shown, scaling.reasons.get(name, "")) for name, label, shown in values]
    parts = [
        f"{name.replace('_', ' ')} {show_seconds(value)}" for name, value in scaling.reaction_parts_s.items() if value
    ]
    reaction = "; ".join(part for part in (" + ".join(parts), scaling.reasons.get("reaction_time_s", "")) if part)
    rows.append(("reaction time", show_seconds(scaling.reaction_time_s), reaction))
    columns = (
        Column("threshold", spoken="bare"),
        Column("", "right", spoken="bare"),
        Column("why", wraps=True, spoken="sentence"),
    )
    yield Table(columns, tuple(rows))
    if scaling.warnings:
        yield Group(tuple(Paragraph(text, "warning", "Warning") for text in scaling.warnings))


def _alternatives(plan: CapacityPlan) -> Table:
    columns = (
        Column("candidate", spoken="bare"),
        Column("fleet", spoken="bare"),
        Column("monthly", "right"),
        Column("TTFT p95", "right"),
        Column("ITL mean", "right"),
        Column("why not", wraps=True, spoken="sentence"),
    )
    return Table(columns, tuple(_alternative_row(item) for item in plan.alternatives))


def _alternative_row(item: Alternative) -> tuple[Cell, ...]:
    sizes = (item.tensor_parallel, item.pipeline_parallel, item.data_parallel, item.expert_parallel)
    split = parallelism_shown(*sizes, separator=" ")
    return (
        f"{show_count(item.accelerators)} × {item.accelerator_name}",
        f"{show_count(item.replicas)} × {split} {precision_shown(item.weights)}",
        usd_shown(item.monthly_usd),
        show_seconds(item.ttft_p95_s),
        show_seconds(item.itl_mean_s),
        item.why_not,
    )


def _rejected(rejected: tuple[Rejection, ...]) -> Iterator[Block]:
    yield Bullets(tuple(_rejection(item) for item in rejected[:SHOWN_REJECTIONS]))
    left = len(rejected) - SHOWN_REJECTIONS
    if left > 0:
        yield Paragraph(f"{show_count(left)} more are in the JSON of the plan.", "quiet")


def _rejection(item: Rejection) -> str:
    needed = f"needed {amount_shown(item.needed, item.unit)}" if item.needed is not None else ""
    there = f"there is {amount_shown(item.available, item.unit)}" if item.available is not None else ""
    numbers = f" ({joined(needed, there)})" if needed or there else ""
    works = f" What would work: {'; '.join(item.relaxations)}." if item.relaxations else ""
    return f"{item.what}: {sentence(item.reason.rstrip('. ') + numbers)}{works}"


def _provenance(plan: CapacityPlan) -> Facts:
    made = plan.provenance
    return Facts(
        (
            ("program", f"{made.program} {made.version}"),
            ("catalog", made.catalog),
            ("kernels", made.kernels),
            ("method", made.method),
        )
    )
