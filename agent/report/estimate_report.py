"""Estimates as a report: one in detail, several beside each other with charts of a sweep, and why each is so."""

from collections.abc import Callable, Iterator, Sequence

from agent.fields.shown import precision_shown
from agent.report.blocks import (
    Bar,
    Block,
    Bullets,
    Cell,
    Chart,
    Column,
    Facts,
    Heading,
    Paragraph,
    Part,
    Report,
    Series,
    Table,
    Tone,
    Words,
)
from agent.report.words import amount_shown, sentence
from catalogs.units import show_bytes, show_count, show_figure, show_percent, show_rate, show_seconds
from engine.estimate.estimate import Estimate, Flops, Incompatible, Outcome, Setup
from engine.estimate.explain import explain
from engine.estimate.figure import Figure
from engine.estimate.load import GivenLoad
from engine.plan import AcceleratorMemory, Memory, parallelism_shown

UNKNOWN = "–"
TONES: dict[str, Tone] = {"compatible": "good", "marginal": "warning", "incompatible": "bad"}


def estimate_report(outcomes: Sequence[Outcome], *, why: bool = False) -> Report:
    """Return the report of one estimate or of several; ``why`` adds the derivation of every figure."""
    blocks = tuple(_one(outcomes[0]) if len(outcomes) == 1 else _several(outcomes))
    if why:
        blocks += tuple(block for outcome in outcomes for block in _why(outcome, alone=len(outcomes) == 1))
    return Report(blocks)


# --- one --------------------------------------------------------------------------------------------------------------


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
    yield _bar(outcome.memory.per_accelerator)
    yield _memory(outcome.memory)
    yield from (Heading("FLOPs"), _flops(outcome.flops))
    yield from (Heading("Assumptions"), Bullets(tuple(sentence(item.text) for item in outcome.assumptions)))


def setup_shown(setup: Setup) -> str:
    """Return '2 × H200 SXM 141GB (TP2): Llama 3.1 70B in BF16 on vllm'."""
    sizes = (setup.tensor_parallel, setup.pipeline_parallel, setup.data_parallel, setup.expert_parallel)
    split = parallelism_shown(*sizes, separator=" ")
    where = f"{setup.accelerators} × {setup.accelerator_name}" + (f" ({split})" if setup.accelerators > 1 else "")
    return f"{where}: {setup.model_name} in {precision_shown(setup.precision.weights)} on {setup.runtime}"


def load_shown(load: GivenLoad) -> str:
    """Return a load as people say it: '64 clients', '3 requests/s', 'a static batch of 8', 'everything queued'."""
    value = load.value or 0.0
    match load.kind:
        case "concurrency":
            return f"{show_count(value)} client{'s' if value != 1 else ''}"
        case "rps":
            return show_rate(value)
        case "static_batch":
            return f"a static batch of {show_count(value)}"
        case _:
            return "everything queued"


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
        yield _bar(outcome.per_accelerator, "needed on each accelerator" if short else "on each accelerator")
    if rejection.relaxations:
        yield Bullets(rejection.relaxations, "What would work:")


def _latencies(outcome: Estimate) -> Table:
    names = ("mean", "p50", "p90", "p95", "p99")
    rows = (("TTFT", outcome.ttft_s), ("ITL", outcome.itl_s), ("E2E", outcome.e2e_s))
    known = [name for name in names if any(getattr(latency, name) is not None for _, latency in rows)]
    return Table(
        (Column("latency"), *(Column(name, "right") for name in known)),
        tuple((label, *(_seconds(getattr(latency, name)) for name in known)) for label, latency in rows),
    )


def _seconds(value: float | None) -> str:
    return UNKNOWN if value is None else show_seconds(value)


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


def _bar(one: AcceleratorMemory, label: str = "on each accelerator") -> Bar:
    parts = (
        ("weights", one.weights_bytes),
        ("KV cache", one.kv_cache_bytes),
        ("activations", one.activations_bytes),
        ("runtime", one.runtime_bytes),
        ("unused", one.unused_bytes),
    )
    shown = tuple(Part(name, value, show_bytes(value)) for name, value in parts if value)
    return Bar(label, show_bytes(one.total_bytes), shown)


def _memory(memory: Memory) -> Facts:
    fit = f"{show_count(memory.max_concurrent_sequences)} of mean length"
    longer = f"{show_count(memory.max_concurrent_sequences_p95)} of p95 length"
    return Facts(
        (
            ("headroom", f"{show_percent(memory.headroom)} of the KV pool is free at this load"),
            ("weights, whole model", show_bytes(memory.weights_bytes)),
            ("KV cache per token", show_bytes(memory.kv_cache_bytes_per_token)),
            ("KV pool of the replica", show_bytes(memory.kv_cache_pool_bytes)),
            ("requests that fit", f"{fit}, {longer}"),
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


def flops_shown(count: float) -> str:
    """Return '48.2 TFLOP'."""
    for unit, name in ((1e15, "PFLOP"), (1e12, "TFLOP"), (1e9, "GFLOP"), (1e6, "MFLOP")):
        if float(f"{count:.3g}") >= unit:
            return f"{show_figure(count / unit)} {name}"
    return f"{show_figure(count)} FLOP"


# --- several ----------------------------------------------------------------------------------------------------------


def _several(outcomes: Sequence[Outcome]) -> Iterator[Block]:
    setups = list(dict.fromkeys(outcome.setup for outcome in outcomes))
    loads = list(dict.fromkeys(outcome.load for outcome in outcomes))
    names = _setup_names(setups)
    if len(loads) == 1:
        yield Paragraph(f"{load_shown(loads[0])}.", "strong")
        yield _table("replica", [(names[outcome.setup], outcome) for outcome in outcomes])
    else:
        for setup in setups:
            yield Paragraph(f"{setup_shown(setup)}.", "strong")
            yield _table("load", [(load_shown(one.load), one) for one in outcomes if one.setup == setup])
    if reasons := tuple(_reasons(outcomes, names, len(loads))):
        yield Bullets(reasons, "Not simply compatible:")
    yield from _charts(outcomes, names)
    yield from (Heading("Assumptions"), Bullets(("latencies are means.", *_assumptions(outcomes, names))))


def _table(first: str, rows: Sequence[tuple[str, Outcome]]) -> Table:
    return Table(
        (
            Column(first),
            Column("TTFT", "right"),
            Column("ITL", "right"),
            Column("E2E", "right"),
            Column("tokens/s", "right"),
            Column("per chip", "right"),
            Column("verdict", spoken="bare"),
        ),
        tuple((label, *_cells(outcome)) for label, outcome in rows),
    )


def _cells(outcome: Outcome) -> tuple[Cell, ...]:
    if isinstance(outcome, Incompatible):
        return (*([UNKNOWN] * 5), Words("incompatible", "bad"))
    return (
        *(_seconds(latency.mean) for latency in (outcome.ttft_s, outcome.itl_s, outcome.e2e_s)),
        show_figure(outcome.output_tokens_per_s),
        show_figure(outcome.output_tokens_per_s_per_accelerator),
        Words(outcome.verdict, TONES[outcome.verdict]),
    )


def _reasons(outcomes: Sequence[Outcome], names: dict[Setup, str], loads: int) -> Iterator[str]:
    """Yield why replicas are marginal or incompatible, each reason once with the loads that it holds for."""
    held: dict[tuple[Setup, str], list[str]] = {}
    for outcome in outcomes:
        if isinstance(outcome, Estimate) and outcome.verdict != "marginal":
            continue
        reason = outcome.reason if isinstance(outcome, Estimate) else outcome.rejection.reason
        held.setdefault((outcome.setup, reason), []).append(load_shown(outcome.load))
    for (setup, reason), members in held.items():
        whose = [names[setup]] if len(names) > 1 else []
        whose += [", ".join(members)] if loads > 1 and len(members) < loads else []
        yield f"{', '.join(whose)}: {sentence(reason)}" if whose else sentence(reason)


def _assumptions(outcomes: Sequence[Outcome], names: dict[Setup, str]) -> Iterator[str]:
    """Yield what all rest on as it stands, the rest with whose it is."""
    holders: dict[str, set[Setup]] = {}
    for outcome in outcomes:
        for item in outcome.assumptions:
            holders.setdefault(item.text, set()).add(outcome.setup)
    known = {outcome.setup for outcome in outcomes if outcome.assumptions}
    for text, setups in holders.items():
        whose = "" if setups == known else f"{', '.join(names[setup] for setup in names if setup in setups)}: "
        yield f"{whose}{sentence(text)}"


def _setup_names(setups: Sequence[Setup]) -> dict[Setup, str]:
    """Return for each setup what tells it from the others."""
    models = len({setup.model for setup in setups}) > 1
    machines = len({setup.accelerator for setup in setups}) > 1 or not models
    names = {}
    for setup in setups:
        split = (
            f"{setup.accelerators} × {setup.accelerator_name}"
            if machines
            else f"{setup.accelerators} accelerator{'s' if setup.accelerators > 1 else ''}"
        )
        names[setup] = f"{setup.model_name}, {split}" if models else split
    return names


_X_LABELS = {"concurrency": "clients", "rps": "requests/s", "static_batch": "batch", "offline": ""}


def _charts(outcomes: Sequence[Outcome], names: dict[Setup, str]) -> Iterator[Chart]:
    """Yield throughput and ITL over a sweep; replicas that carry the same loads share a chart."""
    lines: dict[Setup, list[Estimate]] = {}
    for outcome in outcomes:
        if isinstance(outcome, Estimate) and outcome.load.value is not None:
            lines.setdefault(outcome.setup, []).append(outcome)
    groups: dict[tuple[float, ...], list[Setup]] = {}
    for setup, points in lines.items():
        points.sort(key=lambda point: point.load.value or 0.0)
        groups.setdefault(tuple(point.load.value or 0.0 for point in points), []).append(setup)
    figures: tuple[tuple[str, Callable[[Estimate], float], Callable[[float], str]], ...] = (
        ("Output, tokens/s", lambda point: point.output_tokens_per_s, show_figure),
        ("ITL, ms", lambda point: (point.itl_s.mean or 0.0) * 1e3, show_figure),
    )
    for x, members in groups.items():
        if len(x) < 2:
            continue
        for title, value, shown in figures:
            series = []
            for setup in members:
                values = tuple(value(point) for point in lines[setup])
                series.append(Series(names[setup], values, tuple(shown(item) for item in values)))
            yield Chart(_X_LABELS[lines[members[0]][0].load.kind], x, tuple(series), title=title)


# --- why --------------------------------------------------------------------------------------------------------------


def _why(outcome: Outcome, *, alone: bool) -> Iterator[Block]:
    if isinstance(outcome, Incompatible):
        return
    yield Heading("Why" if alone else f"Why: {setup_shown(outcome.setup)}, {load_shown(outcome.load)}")
    for figure in explain(outcome):
        yield from _derivation(figure)


def _derivation(figure: Figure) -> Iterator[Block]:
    yield Paragraph(f"{_amount(figure.value, figure.unit)} = {figure.formula}", "plain", figure.name)
    rows: list[tuple[str, Cell]] = [(name, _amount(value, figure.unit)) for name, value in figure.parts.items()]
    rows += [(f"from {item.name}", f"{_amount(item.value, item.unit)} ({item.source})") for item in figure.inputs]
    rows.append(("computed by", figure.made_by))
    yield Facts(tuple(rows))


def _amount(value: float, unit: str) -> str:
    match unit:
        case "FLOP":
            return flops_shown(value)
        case "bytes/s":
            return f"{show_figure(value / 1e9)} GB/s"
        case "bytes":
            return f"-{show_bytes(-value)}" if value < 0 else show_bytes(value)
        case "":
            return show_count(value, compact=value >= 1e6)
        case _:
            return amount_shown(value, unit)
