"""What moves a plan: a row for each input, the one that moves the bill most first, and where the fleet grows."""

from collections.abc import Iterator
from typing import Any

from agent.report.blocks import Block, Column, Group, Paragraph, Report, Table
from agent.report.words import accelerators_noun, sentence, usd_shown
from catalogs.units import show_count, show_rate
from engine.choice.sensitivity import STEP, Outcome, Sensitivity
from engine.plan import CapacityPlan, plain


@Report.of
def sensitivity_report(plan: CapacityPlan, moved: Sensitivity) -> Iterator[Block]:
    """Yield what moves a plan, for a terminal."""
    now = f"{usd_shown(plan.cost.monthly_usd)} a month"
    steps = Paragraph(f"{now}; each input alone, {STEP:.0%} lower and higher:")
    yield Group((Paragraph(sentence(plan.answer.sentence), "strong"), steps))
    if moved.swings:
        noun = accelerators_noun(plan.chosen)
        columns = (Column(f"−{STEP:.0%} → +{STEP:.0%}"), *Column.figures(noun, "monthly"), Column.sentences())
        rows = tuple(
            (
                swing.input,
                f"{_count(swing.low)} → {_count(swing.high)}",
                f"{_bill(swing.low)} → {_bill(swing.high)}",
                _autoscaled(swing.low, swing.high),
            )
            for swing in moved.swings
        )
        yield Table(columns, rows)
    else:
        yield Paragraph("None of them moves it.")
    if moved.breaks:
        places = ", ".join(f"{count} up to {show_rate(rate)}" for rate, count in moved.breaks)
        near = "That is what a replica of this plan carries: near these rates a simulated forecast may differ by one."
        yield Paragraph(f"Replicas that hold, by the mean rate: {places}. {near}")


def _count(end: Outcome) -> str:
    return "none" if end.accelerators is None else show_count(end.accelerators)


def _bill(end: Outcome) -> str:
    return "nothing meets it" if end.accelerators is None else usd_shown(end.monthly_usd)


def _autoscaled(low: Outcome, high: Outcome) -> str:
    """Return how the autoscaled bill moves where the fixed one does not."""
    if low.monthly_usd != high.monthly_usd or low.autoscaled_usd == high.autoscaled_usd:
        return ""
    return f"autoscaled {usd_shown(low.autoscaled_usd)} → {usd_shown(high.autoscaled_usd)}"


def sensitivity_tree(plan: CapacityPlan, moved: Sensitivity) -> dict[str, Any]:
    """Return the same as JSON holds it."""
    return {
        "accelerators": plan.fleet.accelerators,
        "monthly_usd": plain(plan.cost.monthly_usd),
        "step": STEP,
        "swings": [plain(swing) for swing in moved.swings],
        "breaks": [{"requests_per_s": plain(rate), "replicas": count} for rate, count in moved.breaks],
    }
