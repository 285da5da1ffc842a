"""A fleet for an agent's workflow: what it holds, its calls one by one, and the other accelerators."""

from collections.abc import Iterator, Sequence
from typing import Any

from agent.report.blocks import Block, Column, Group, Heading, Paragraph, Report, Table
from agent.report.words import usd_shown
from catalogs.records.workflows import AgentWorkflow
from catalogs.units import show_count, show_figure, show_percent, show_rate, show_seconds
from engine.choice.simulated_workflows import SimulatedWorkflows
from engine.choice.workflow import WorkflowFleet
from engine.fleet.search import doubt_of
from engine.plan import parallelism_shown, plain

SHOWN = 6
"""Other accelerators on a screen; the JSON has them all."""


def fleet_named(fleet: WorkflowFleet) -> str:
    """Return a fleet in words: '14 × H100 = 7 × TP2, FP8'."""
    split = parallelism_shown(*fleet.candidate.parallelism.sizes(), separator=" ")
    name = fleet.candidate.accelerator(0).name
    return (
        f"{show_count(fleet.accelerators)} × {name} = {show_count(fleet.replicas)} × "
        f"{split or 'TP1'}, {fleet.question.weights.name}"
    )


@Report.of
def workflow_report(
    workflow: AgentWorkflow, fleets: Sequence[WorkflowFleet], simulated: SimulatedWorkflows | None, limit: float | None
) -> Iterator[Block]:
    """Yield the fleets for a terminal.

    Args:
        fleets: the cheapest first.
        simulated: the first of them, turn by turn; None where nothing was simulated.
        limit: seconds within which 95 of a hundred must be done.
    """
    best = fleets[0]
    took = simulated.p95_s if simulated else best.p95_s
    verdict = "" if limit is None else f", {show_seconds(limit)} asked: {'met' if took <= limit else 'missed'}"
    each = "" if best.monthly_usd is None else f", {usd_shown(best.monthly_usd / best.workflows_per_month)} a workflow"
    lines = [
        Paragraph(f"{fleet_named(best)} for {workflow.name}, {show_count(len(best.calls))} calls each.", "strong"),
        Paragraph(
            f"{usd_shown(best.monthly_usd)} a month{each}; {show_count(round(best.in_flight))} at a time, "
            f"{show_rate(best.workflows_per_s * 3600, 'workflows/h')} at the peak."
        ),
        Paragraph(f"A workflow takes {show_seconds(took)} at p95{verdict}."),
        Paragraph(f"A replica is planned for {show_figure(best.carries)} at a time: {_bound(best)}."),
    ]
    yield from (Group(tuple(lines)), _times(best, simulated))
    yield from (Heading("Call by call"), _calls(workflow, best, simulated))
    if len(fleets) > 1:
        yield from (Heading("On other accelerators"), _others(fleets[1 : SHOWN + 1], best))
    if simulated:
        yield Paragraph(f"Simulated turn by turn: {show_count(simulated.workflows)} workflows counted.", "quiet")


def _bound(best: WorkflowFleet) -> str:
    if best.by_time:
        return "with more, they would take longer than what was asked"
    ceiling = show_percent(best.question.spec.serving.utilisation_ceiling)
    return f"that is {ceiling} of its saturated rate, and a longer time would not take fewer"


def _times(best: WorkflowFleet, simulated: SimulatedWorkflows | None) -> Table:
    columns = (Column("whole workflow"), *Column.figures("mean", "p95", "at a time", "an hour"))
    made = {"simulated": simulated, "closed form": best}
    rows = (
        (
            name,
            show_seconds(one.mean_s),
            show_seconds(one.p95_s),
            show_count(round(one.in_flight)),
            show_count(round(one.in_flight / one.mean_s * 3600)),
        )
        for name, one in made.items()
        if one
    )
    return Table(columns, tuple(rows))


def _calls(workflow: AgentWorkflow, best: WorkflowFleet, simulated: SimulatedWorkflows | None) -> Table:
    columns = (Column("call"), *Column.figures("prompt", "found", "answer", "TTFT", "whole", "tools"))
    firsts, wholes = (simulated.ttft_s, simulated.call_s) if simulated else (best.ttft_s, best.call_s)
    rows = []
    for at, call in enumerate(best.calls):
        if call.branch:  # beside the first, and alike
            continue
        step = workflow.steps[call.step]
        beside = f" × {step.branches}" if step.branches > 1 else ""
        rows.append(
            (
                f"{at + 1} {step.name}{beside}",
                show_count(round(call.prompt)),
                show_percent(1 - call.computed / call.prompt),
                show_count(round(call.output)),
                show_seconds(firsts[at]),
                show_seconds(wholes[at]),
                show_seconds(call.tool_s) if call.tool_s else "–",
            )
        )
    return Table(columns, tuple(rows))


def _others(fleets: Sequence[WorkflowFleet], best: WorkflowFleet) -> Table:
    columns = (Column("fleet"), *Column.figures("monthly", "p95"), Column.sentences())
    rows = []
    for fleet in fleets:
        why = "no price is known"
        if fleet.monthly_usd is not None and best.monthly_usd:
            why = f"costs {fleet.monthly_usd / best.monthly_usd - 1:.0%} more"
            if fleet.monthly_usd < best.monthly_usd:
                why = f"cheaper on paper, but {doubt_of(fleet.question, fleet.candidate.accelerator(0))}"
        rows.append((fleet_named(fleet), usd_shown(fleet.monthly_usd), show_seconds(fleet.p95_s), why))
    return Table(columns, tuple(rows))


def workflow_tree(
    workflow: AgentWorkflow, fleets: Sequence[WorkflowFleet], simulated: SimulatedWorkflows | None, limit: float | None
) -> dict[str, Any]:
    """Return the fleets as JSON holds them.

    Args:
        fleets: the cheapest first.
        simulated: the first of them, turn by turn.
        limit: seconds within which 95 of a hundred must be done.
    """
    return {
        "workflow": workflow.id,
        "calls": [plain(call) for call in fleets[0].calls],
        "p95_limit_s": limit,
        "fleets": [_fleet_tree(fleet) for fleet in fleets],
        "simulated": plain(simulated),
    }


def _fleet_tree(fleet: WorkflowFleet) -> dict[str, Any]:
    sizes = fleet.candidate.parallelism.sizes()
    named = (
        "replicas", "accelerators", "monthly_usd", "provider", "workflows_per_s", "carries", "by_time", "in_flight",
        "mean_s", "p95_s",
    )  # fmt: skip
    figures: dict[str, Any] = plain({name: getattr(fleet, name) for name in (*named, "itl_s", "call_s", "ttft_s")})
    return {
        "accelerator": fleet.candidate.accelerator(0).id,
        "precision": fleet.question.weights.id,
        **sizes.split,
    } | figures
