"""The report of a plan: its screenful, or all of it. No renderer is known here."""

from agent.report.blocks import Group, Heading, Paragraph, Report
from agent.report.plan.bill_section import bill
from agent.report.plan.opening import (
    answer_lines,
    burst_sentence,
    fleet_table,
    latency_table,
    limit_sentence,
    outage_sentence,
    surge_sentence,
)
from agent.report.plan.screenful import screenful
from agent.report.plan.sections import sections
from engine.plan import CapacityPlan
from engine.plan_file import as_written


def plan_report(plan: CapacityPlan, *, full: bool = False, cost: bool = False) -> Report:
    """Return a plan's screenful, with the bill in full where ``cost`` asks for it, or the whole report.

    Args:
        cost: the screenful with the bill in full.
    """
    if full:
        return whole_report(plan)
    report = screenful(plan)
    return Report((*report.blocks, Heading("The bill"), *bill(plan))) if cost else report


def whole_report(plan: CapacityPlan) -> Report:
    """Return the whole report: the opening with every warning, then each part of the plan."""
    plan = as_written(plan)
    warnings = tuple(Paragraph(text, "warning", "Warning") for text in plan.warnings)
    opening = (
        Group((*answer_lines(plan, len(plan.answer.sentence)), *warnings)),
        latency_table(plan),
        fleet_table(plan),
        limit_sentence(plan),
        *outage_sentence(plan),
        *burst_sentence(plan),
        *surge_sentence(plan),
    )
    return Report((*opening, *sections(plan)))
