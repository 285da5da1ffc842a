"""The report of a question that has no plan: why, and what would have to give."""

from agent.report.blocks import Block, Bullets, Paragraph, Report
from agent.report.words import sentence
from engine.plan import NoPlan


def no_plan_report(none: NoPlan, most: int | None, rest: str = "") -> Report:
    """Return the report of why there is no plan, and of the changes that would allow one.

    Args:
        none: the answer without a plan.
        most: rejected candidates, and changes, that are shown; None shows all.
        rest: how a person sees the other candidates: "--full".
    """
    reasons = [f"{item.what}: {item.reason}" for item in none.rejected[:most]]
    left = len(none.rejected) - len(reasons)
    if left:
        reasons.append(f"{left} more with {rest}")
    changes = tuple(dict.fromkeys(change for item in none.rejected for change in item.relaxations))[:most]
    blocks: tuple[Block, ...] = (Paragraph(sentence(none.sentence), "bad"),)
    if len(reasons) > 1:  # the sentence holds the reason of a single one
        blocks += (Bullets(tuple(reasons), "Tried:"),)
    if changes:
        blocks += (Bullets(changes, "What would have to give:"),)
    return Report(blocks)
