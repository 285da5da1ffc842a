"""The report of NoPlan: why there is none, and what would work."""

from typing import TYPE_CHECKING

from agent.report.blocks import Block, Bullets, Paragraph, Report

if TYPE_CHECKING:
    from engine.plan import NoPlan  # numpy comes with it


MOST_REASONS = 4


def no_plan_report(plan: "NoPlan") -> Report:
    """Return why there is no plan, and what would work."""
    reasons = tuple(f"{one.what}: {one.reason}" for one in plan.rejected[:MOST_REASONS])
    changes = tuple(dict.fromkeys(change for one in plan.rejected for change in one.relaxations))[:MOST_REASONS]
    blocks: list[Block] = [Paragraph(f"{plan.sentence.rstrip('.')}.", "bad")]
    if len(plan.rejected) > 1 and reasons:
        blocks.append(Bullets(reasons, "Why:"))
    if changes:
        blocks.append(Bullets(changes, "What would work:"))
    return Report(tuple(blocks))
