"""The whole report of a plan with its curves: what pages show beyond what a terminal does."""

from agent.report.blocks import Block, Heading, Paragraph, Report
from agent.report.drawn.curves import cost_chart, latency_charts
from agent.report.plan.fleet_section import ledger_bar
from agent.report.plan.plan_report import whole_report
from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.plan import CapacityPlan
from engine.plan_file import as_written

LEDGER = Heading("Headroom, line by line")
LATENCY, COST = "Latency against load", "Cost against load"
BEFORE = {LATENCY: "What binds", COST: "Energy"}
"""The sections before which the curves stand, or at the end."""


def drawn_report(plan: CapacityPlan, catalog: Catalog) -> Report:
    """Return the whole report of a plan with its curves in place."""
    blocks = list(whole_report(plan).blocks)
    for heading, curves in plan_curves(plan, catalog).items():
        before = Heading(BEFORE[heading])
        at = blocks.index(before) if before in blocks else len(blocks)
        blocks[at:at] = [Heading(heading), *curves]
    if LEDGER in blocks:
        blocks.insert(blocks.index(LEDGER) + 1, ledger_bar(plan))
    return Report(tuple(blocks))


def plan_curves(plan: CapacityPlan, catalog: Catalog) -> dict[str, tuple[Block, ...]]:
    """Return the curves of a plan by the heading that they stand under; or why there are none."""
    from engine.planning.at_loads import fleet_at_rates, replica_at_loads

    plan = as_written(plan)
    try:
        latency = tuple(latency_charts(plan, replica_at_loads(plan, catalog)))
        cost = tuple(cost_chart(plan, fleet_at_rates(plan, catalog)))
    except InputError as error:
        return {LATENCY: (Paragraph(f"Not drawn: {error}.", "quiet"),)}
    return {name: charts for name, charts in ((LATENCY, latency), (COST, cost)) if charts}
