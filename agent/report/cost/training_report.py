"""A training run as a report: the answer, money, memory, runs of other sizes; published runs beside predictions."""

from collections.abc import Iterator, Sequence

from agent.fields.value_display import term_shown
from agent.report.blocks import Bar, Block, Bullets, Cell, Column, Facts, Heading, Paragraph, Part, Report, Table, Words
from agent.report.words import capital, sentence, usd_shown
from catalogs.units import SECONDS_PER_DAY, show_bytes, show_count, show_figure, show_percent, show_seconds, show_usd
from engine.training.budget import TrainingBudget
from engine.training.memory import TrainingMemory
from engine.training.utilisation import LeftOut

METHODS = {"full": "full training", "lora": "LoRA", "qlora": "QLoRA"}
NEAR = 0.3
"""Error within which a published run counts as met."""


@Report.of
def training_report(budget: TrainingBudget) -> Iterator[Block]:
    """Yield what a run takes, for a terminal."""
    count, noun = show_count(budget.accelerators), budget.accelerator
    tokens = show_count(budget.tokens, compact=True)
    yield Paragraph(
        f"{count} × {noun} for {_days(budget.days)}: {METHODS[budget.method]} of {budget.model} on {tokens} tokens, "
        f"{usd_shown(budget.cost_usd)}.",
        "strong",
    )
    yield _banded(budget)
    yield Facts(tuple(_run_facts(budget)))
    yield Heading("Money")
    yield Facts(tuple(_money_facts(budget)))
    yield Heading("Memory of each accelerator")
    yield _memory_bar(budget.memory)
    yield Facts(tuple(_memory_facts(budget)))
    yield Heading("On more or fewer")
    columns = (Column("accelerators"), *Column.figures("days", "MFU", "accelerator-hours", "cost", "interruptions"))
    yield Table(
        columns,
        tuple(
            (
                show_count(option.accelerators),
                show_figure(option.days),
                show_percent(option.mfu),
                show_count(round(option.accelerator_hours)),
                usd_shown(option.cost_usd),
                show_figure(option.failures),
            )
            for option in budget.options
        ),
    )
    yield Bullets(tuple(sentence(capital(note)) for note in budget.notes))


def _banded(budget: TrainingBudget) -> Table:
    hours = (budget.accelerator_hours, budget.accelerator_hours_low, budget.accelerator_hours_high)
    cost = (budget.cost_usd, budget.cost_low_usd, budget.cost_high_usd)
    rows: list[tuple[Cell, ...]] = [("accelerator-hours", *(show_count(float(f"{one:.4g}")) for one in hours))]
    rows.append(("cost", *(usd_shown(one) for one in cost)))
    return Table((Column(""), *Column.figures("expected", "low", "high (80 %)")), tuple(rows))


def _run_facts(budget: TrainingBudget) -> Iterator[tuple[str, Cell]]:
    yield "FLOPs", f"{budget.flops:.3g}, {show_percent(budget.attention_share)} of them attention"
    active = "" if budget.active_parameters == budget.parameters else ", active ones of a mixture"
    yield "parameters", f"{show_count(budget.active_parameters, compact=True)}{active}"
    if budget.method != "full":
        yield "trained", f"{show_count(budget.trained_parameters, compact=True)} of them, rank {budget.setup.lora_rank}"
    yield "MFU", f"{show_percent(budget.mfu.value)} of the dense 16-bit peak"


def _money_facts(budget: TrainingBudget) -> Iterator[tuple[str, Cell]]:
    if budget.usd_per_accelerator_hour is None:
        yield "cost", "no price is known; --price gives yours per accelerator-hour"
    else:
        yield "price", f"{show_usd(budget.usd_per_accelerator_hour)} an hour each ({budget.provider})"
    for term in budget.terms:
        rate = f"{show_usd(term.usd_per_accelerator_hour)} ({term.provider})"
        yield term_shown(term.term), f"{show_usd(term.cost_usd)} at {rate}"
    kept = budget.checkpoints
    yield "checkpoints", f"{kept.kept} of {show_bytes(kept.bytes)}, {show_usd(kept.storage_usd)} to store"
    every = show_seconds(kept.interval_hours * 3600)
    lost = show_percent(kept.lost_share)
    yield "failures", f"{show_figure(budget.failures)} expected; one checkpoint each {every} loses {lost} of the time"


def _memory_bar(memory: TrainingMemory) -> Bar:
    parts = (
        ("weights", memory.weights_bytes),
        ("gradients", memory.gradients_bytes),
        ("optimiser states", memory.optimiser_bytes),
        ("activations", memory.activations_bytes),
        ("gathered layers", memory.gathered_bytes),
        ("logits", memory.logits_bytes),
        ("driver", memory.context_bytes),
    )
    shown = tuple(Part(label, value, show_bytes(value)) for label, value in parts if value)
    return Bar("on each", show_bytes(memory.total_bytes), shown)


def _memory_facts(budget: TrainingBudget) -> Iterator[tuple[str, Cell]]:
    setup = budget.setup
    yield "fewest that hold it", show_count(budget.fewest_accelerators)
    yield "takes together", f"{setup.micro_batch} × {show_count(setup.sequence)} tokens"
    yield "activations", "checkpointed, computed again" if setup.checkpointing else "kept"
    sharded = f", ZeRO stage {setup.zero_stage}" if budget.accelerators > 1 else ""
    yield "optimiser", f"{setup.optimiser}{sharded}"


def _days(days: float) -> str:
    return show_seconds(days * SECONDS_PER_DAY)


def published_report(found: Sequence[LeftOut]) -> Report:
    """Return the published runs beside what the runs of other teams predict of each."""
    columns = (Column("published run"), Column("on"), *Column.figures("hours", "predicted", "error", "MFU"))
    rows = tuple(
        (
            one.run.name,
            one.run.accelerator,
            show_count(round(one.run.accelerator_hours)),
            show_count(float(f"{one.predicted_hours:.3g}")),
            Words(f"{100 * one.error:+.0f} %", "good" if abs(one.error) <= NEAR else "bad"),
            show_percent(one.measured_mfu),
        )
        for one in found
    )
    near = sum(abs(one.error) <= NEAR for one in found)
    said = (
        f"{near} of {len(found)} within {NEAR:.0%}, each predicted from the runs of other teams alone. "
        "`fleetcast train --published --json` has the sources."
    )
    return Report((Table(columns, rows), Paragraph(said)))
