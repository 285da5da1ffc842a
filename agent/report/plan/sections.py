"""The sections of the full report, each from one part of the plan."""

from collections.abc import Iterator

from agent.fields.value_display import precision_shown
from agent.report.blocks import Block, Bullets, Cell, Column, Command, Facts, Heading, Paragraph, Table, Words
from agent.report.cost.price_origin import origin_beside
from agent.report.estimate.words import TONES
from agent.report.memory_bar import memory_bar
from agent.report.plan.bands import band_sentences
from agent.report.plan.bill_section import bill, energy
from agent.report.plan.fleet_section import ledger_table, outage_facts, rated_power, threshold_blocks
from agent.report.plan.performance_section import binding_facts, performance_tables, simulated_blocks
from agent.report.plan.replay_section import replay_blocks
from agent.report.plan.workload_section import workload_table
from agent.report.words import (
    amount_shown,
    assumption_shown,
    figure,
    joined,
    pool_facts,
    sentence,
    start_lead,
    usd_shown,
)
from catalogs.units import show_bytes, show_count, show_percent, show_seconds
from engine.plan import CapacityPlan, Rejection, split_shown

SHOWN_REJECTIONS = 20


def sections(plan: CapacityPlan) -> Iterator[Block]:
    """Yield all sections, a heading before each."""
    yield from (Heading("Workload"), workload_table(plan.spec, plan.sources))
    yield from (Heading("One replica"), *_replica(plan))
    yield from (Heading("Memory"), *_memory(plan))
    yield from (Heading("Performance of one replica"), *performance_tables(plan))
    yield from simulated_blocks(plan)
    yield from (Heading("What binds"), binding_facts(plan))
    yield from (Heading("Headroom, line by line"), ledger_table(plan), *rated_power(plan), *outage_facts(plan))
    yield from (Heading("Autoscaling"), *threshold_blocks(plan.autoscaling), *replay_blocks(plan))
    yield from (Heading("Bill"), *bill(plan))
    if plan.energy is not None:
        yield from (Heading("Energy"), energy(plan, plan.energy.basis))
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
    formats = joined(
        f"weights {precision_shown(precision.weights)}",
        f"KV cache {precision_shown(precision.kv_cache)}",
        f"activations {precision_shown(precision.activations)}",
    )
    yield Facts(
        (
            ("model", chosen.model_name),
            ("accelerators", f"{chosen.accelerators_per_replica} × {chosen.accelerator_name}"),
            ("parallelism", split_shown(chosen)),
            ("precision", formats),
            ("serving runtime", f"{chosen.runtime} {chosen.runtime_version}".strip()),
        )
    )
    if chosen.command:
        yield Command(chosen.command, start_lead(chosen))
        yield Facts(tuple((f"{one.flag} {one.value}".strip(), one.why) for one in chosen.flags))


def _memory(plan: CapacityPlan) -> Iterator[Block]:
    memory = plan.memory
    yield memory_bar(memory.per_accelerator, empty=True, path="memory.per_accelerator")
    verdict = Words(
        f"{memory.verdict}, {show_percent(memory.headroom)} of the KV pool free at the planned load",
        TONES[memory.verdict],
        "memory.headroom",
    )
    sequence = figure(plan, "memory.kv_cache_bytes_per_sequence", show_bytes, " on average while it runs")
    yield Facts(
        (
            ("verdict", verdict),
            ("weights, whole model", figure(plan, "memory.weights_bytes", show_bytes)),
            ("KV cache per token", figure(plan, "memory.kv_cache_bytes_per_token", show_bytes)),
            ("KV cache per sequence", sequence),
            *pool_facts(memory),
        )
    )


def _alternatives(plan: CapacityPlan) -> Table:
    columns = (
        Column("candidate", spoken="bare"),
        Column("fleet", spoken="bare"),
        *Column.figures("monthly", "TTFT p95", "ITL mean"),
        Column.sentences("why not"),
    )
    return Table(columns, tuple(_alternative_row(plan, at) for at in range(len(plan.alternatives))))


def _alternative_row(plan: CapacityPlan, at: int) -> tuple[Cell, ...]:
    item, path = plan.alternatives[at], f"alternatives.{at}"
    whose = origin_beside(item.offer, plan.chosen.offer)
    return (
        f"{show_count(item.accelerators)} × {item.accelerator_name}",
        f"{show_count(item.replicas)} × {split_shown(item)} {precision_shown(item.weights)}",
        figure(plan, f"{path}.monthly_usd", usd_shown),
        figure(plan, f"{path}.ttft_p95_s", show_seconds),
        figure(plan, f"{path}.itl_mean_s", show_seconds),
        f"{item.why_not}; priced at {whose}" if whose else item.why_not,
    )


def _rejected(rejected: tuple[Rejection, ...]) -> Iterator[Block]:
    yield Bullets(tuple(_rejection(item) for item in rejected[:SHOWN_REJECTIONS]))
    left = len(rejected) - SHOWN_REJECTIONS
    if left > 0:
        yield Paragraph(f"{show_count(left)} more are in the JSON of the plan.", "quiet")


def _rejection(item: Rejection) -> str:
    amounts = (("needed", item.needed), ("there is", item.available))
    shown = ((lead, amount_shown(amount, item.unit)) for lead, amount in amounts if amount is not None)
    beside = joined(*(f"{lead} {amount}" for lead, amount in shown if amount not in item.reason))
    numbers = f" ({beside})" if beside else ""
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
            *([("runtime", made.runtime)] if made.runtime else []),
        )
    )
