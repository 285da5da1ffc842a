"""A batch as a report: the cheapest way on each term, other accelerators, APIs beside it."""

from collections.abc import Iterator
from typing import Any

from agent.fields.value_display import term_shown
from agent.report.blocks import Block, Cell, Column, Heading, Paragraph, Report, Table
from agent.report.words import sentence
from catalogs.units import SECONDS_PER_HOUR, show_count, show_rate, show_seconds, show_usd
from engine.choice.deployment.batch import BatchOption, BatchPlan
from engine.plan import plain, split_shown

SHOWN = 5
"""Other accelerators, and APIs, on a screen; the JSON has them all."""


@Report.of
def batch_report(plan: BatchPlan) -> Iterator[Block]:
    """Yield what a batch takes, for a terminal."""
    due = show_seconds(plan.deadline_hours * SECONDS_PER_HOUR)
    if plan.best:
        first = plan.best[0]
        yield Paragraph(
            f"{show_count(first.accelerators)} × {first.accelerator_name} for {_time(first.hours)} in"
            f" {first.precision.upper()}, {show_usd(first.cost_usd)} {term_shown(first.term)} ({first.provider}).",
            "strong",
        )
    else:
        yield Paragraph(sentence(f"Nothing does it in time: {plan.why_not}"), "bad")
    if plan.within_budget is False:
        yield Paragraph("That is over the budget.", "bad")
    if (coarser := plan.coarser) is not None:
        yield Paragraph(
            f"In {coarser.precision.upper()} {show_count(coarser.accelerators)} × {coarser.accelerator_name} for "
            f"{_time(coarser.hours)}, {show_usd(coarser.cost_usd)} {term_shown(coarser.term)}: coarser than the "
            "checkpoint; whether the answers stay good enough is yours to test."
        )
    prompts, answers = (show_count(tokens, compact=True) for tokens in (plan.input_tokens, plan.output_tokens))
    yield Paragraph(
        f"{show_count(plan.requests)} requests within {due}: {show_rate(plan.requests_per_s)}, {prompts} tokens in, "
        f"{answers} out, replicas kept full; nobody waits for one of them."
        + (f" The hours hold a start of {show_seconds(plan.best[0].start_s)}." if plan.best else "")
    )
    if plan.best:
        columns = (Column("paid"), Column("fleet"), *Column.figures("hours", "GPU-h", "cost"))
        yield Table(columns, tuple((term_shown(one.term), *_way(one)) for one in plan.best))
    if plan.others:
        yield Heading(f"On other accelerators, {term_shown(plan.others[0].term)}")
        columns = (Column("fleet"), *Column.figures("hours", "GPU-h", "cost"))
        yield Table(columns, tuple(_way(one) for one in plan.others[:SHOWN]))
    if plan.apis:
        yield Heading("Through an API")
        rows = []
        for one in sorted(plan.apis, key=lambda one: one.batch_usd or one.usd)[:SHOWN]:
            batch = "unknown" if one.batch_usd is None else show_usd(one.batch_usd)
            rows.append((one.price.model, one.price.provider, batch, show_usd(one.usd)))
        yield Table((Column("model"), Column("provider"), *Column.figures("batch", "at once")), tuple(rows))
        checked = max(one.price.checked for one in plan.apis)
        yield Paragraph(f"API prices of {checked}; a batch service answers within a day, not sooner by promise.")


def _way(one: BatchOption) -> tuple[Cell, ...]:
    split = f"{show_count(one.replicas)} × {split_shown(one)} {one.precision.upper()}"
    return (
        f"{show_count(one.accelerators)} × {one.accelerator_name} = {split}",
        show_count(float(f"{one.hours:.3g}")),
        show_count(float(f"{one.accelerator_hours:.4g}")),
        show_usd(one.cost_usd),
    )


def _time(hours: float) -> str:
    return show_seconds(hours * SECONDS_PER_HOUR)


def batch_tree(plan: BatchPlan) -> dict[str, Any]:
    """Return the same as JSON holds it."""
    return plain(plan)
