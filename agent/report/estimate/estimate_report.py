"""The report of estimates: one in detail, or several beside each other, and why each is so."""

from collections.abc import Iterator, Sequence

from agent.report.blocks import Block, Bullets, Cell, Column, Facts, Heading, Paragraph, Report, Table
from agent.report.choice.derivation_report import derived_blocks
from agent.report.estimate.comparison import estimates_beside
from agent.report.estimate.words import TONES, flops_shown, latency_shown, load_shown, setup_shown
from agent.report.memory_bar import memory_bar
from agent.report.words import amount_shown, pool_facts, sentence
from catalogs.units import show_bytes, show_figure, show_percent, show_rate
from engine.choice.derivation.estimated import derived
from engine.estimate.estimate import Estimate, Flops, Incompatible, Outcome
from engine.plan import Memory


def estimate_report(outcomes: Sequence[Outcome], *, why: bool = False) -> Report:
    """Return the report of one estimate or of several; ``why`` adds the derivation of every figure."""
    blocks = tuple(_one(outcomes[0]) if len(outcomes) == 1 else estimates_beside(outcomes))
    if why:
        blocks += tuple(block for outcome in outcomes for block in _derived(outcome, alone=len(outcomes) == 1))
    return Report(blocks)


def _derived(outcome: Outcome, *, alone: bool) -> Iterator[Block]:
    """Yield how each figure of an estimate came about; ``alone`` where no other estimate stands beside it."""
    if figures := derived(outcome):
        yield Heading("Why" if alone else f"Why: {setup_shown(outcome.setup)}, {load_shown(outcome.load)}")
    for found in figures:
        yield from derived_blocks(found)


def _one(outcome: Outcome) -> Iterator[Block]:
    verdict = outcome.verdict if isinstance(outcome, Estimate) else "incompatible"
    yield Paragraph(f"{setup_shown(outcome.setup)}, {load_shown(outcome.load)}.", "strong")
    if isinstance(outcome, Incompatible):
        yield Paragraph(sentence(outcome.rejection.reason), TONES[verdict], "Incompatible")
        yield from _shortfall(outcome)
        return
    yield Paragraph(sentence(outcome.reason), TONES[verdict], verdict.capitalize())
    yield _latencies(outcome)
    yield _throughput(outcome)
    yield Heading("Memory")
    yield memory_bar(outcome.memory.per_accelerator)
    yield _memory(outcome.memory)
    yield from (Heading("FLOPs"), _flops(outcome.flops))
    yield from (Heading("Assumptions"), Bullets(tuple(sentence(item.text) for item in outcome.assumptions)))


def _shortfall(outcome: Incompatible) -> Iterator[Block]:
    rejection, unit = outcome.rejection, outcome.rejection.unit
    facts: list[tuple[str, Cell]] = []
    if rejection.needed is not None and rejection.available is not None:
        facts = [
            ("needed", amount_shown(rejection.needed, unit)),
            ("there is", amount_shown(rejection.available, unit)),
        ]
    facts += [
        ("weights, whole model", show_bytes(outcome.weights_bytes)),
        ("KV cache per token", show_bytes(outcome.kv_cache_bytes_per_token)),
    ]
    yield Facts(tuple(facts))
    if outcome.per_accelerator is not None:
        short = outcome.per_accelerator.total_bytes == rejection.needed
        yield memory_bar(outcome.per_accelerator, "needed on each accelerator" if short else "on each accelerator")
    if rejection.relaxations:
        yield Bullets(rejection.relaxations, "What would work:")


def _latencies(outcome: Estimate) -> Table:
    names = ("mean", "p50", "p90", "p95", "p99")
    rows = (("TTFT", outcome.ttft_s), ("ITL", outcome.itl_s), ("E2E", outcome.e2e_s))
    known = [name for name in names if any(getattr(latency, name) is not None for _, latency in rows)]
    return Table(
        (Column("latency"), *(Column(name, "right") for name in known)),
        tuple((label, *(latency_shown(getattr(latency, name)) for name in known)) for label, latency in rows),
    )


def _throughput(outcome: Estimate) -> Facts:
    items: list[tuple[str, Cell]] = [
        ("output, replica", show_rate(outcome.output_tokens_per_s, "tokens/s")),
        ("output, per accelerator", show_rate(outcome.output_tokens_per_s_per_accelerator, "tokens/s")),
        ("output, each request", show_rate(outcome.output_tokens_per_s_per_request, "tokens/s")),
        ("requests", show_rate(outcome.requests_per_s)),
        ("decoding together", show_figure(outcome.batch)),
    ]
    if outcome.in_flight is not None and outcome.load.kind == "rps":
        items.append(("running or waiting", show_figure(outcome.in_flight)))
    if outcome.utilisation is not None and outcome.load.kind != "offline":
        items.append(("of the saturated rate", show_percent(outcome.utilisation)))
    return Facts(tuple(items))


def _memory(memory: Memory) -> Facts:
    return Facts(
        (
            ("headroom", f"{show_percent(memory.headroom)} of the KV pool is free at this load"),
            ("weights, whole model", show_bytes(memory.weights_bytes)),
            ("KV cache per token", show_bytes(memory.kv_cache_bytes_per_token)),
            *pool_facts(memory),
        )
    )


def _flops(count: Flops) -> Facts:
    return Facts(
        (
            ("a mean prompt", flops_shown(count.prefill_total)),
            ("of it attention", flops_shown(count.attention)),
            ("of it feed-forward", flops_shown(count.feed_forward)),
            ("per prompt token", flops_shown(count.per_prompt_token)),
            ("per answer token", flops_shown(count.per_token)),
        )
    )
