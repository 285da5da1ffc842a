"""The whole report of a plan with its curves: what pages show beyond what a terminal does."""

from collections.abc import Iterator

from agent.report.blocks import Block, Chart, Heading, Paragraph, Report
from agent.report.drawn.curves import cost_chart, latency_charts
from agent.report.plan.fleet_section import ledger_bar
from agent.report.plan.plan_report import whole_report
from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.plan import CapacityPlan
from engine.plan_file import as_written

LEDGER = "Headroom, line by line"
LATENCY, COST = "Latency against load", "Cost against load"
BEFORE = {"What binds": LATENCY, "Energy": COST}
"""Where the curves stand: before these sections, or at the end."""


def drawn_report(plan: CapacityPlan, catalog: Catalog) -> Report:
    """Return the whole report of a plan with its curves in place."""
    blocks = list(whole_report(plan).blocks)
    for heading, curves in plan_curves(plan, catalog).items():
        before = next((section for section, name in BEFORE.items() if name == heading), "")
        at = next((n for n, block in enumerate(blocks) if isinstance(block, Heading) and block.text == before), None)
        blocks[at if at is not None else len(blocks) : at if at is not None else len(blocks)] = [
            Heading(heading),
            *curves,
        ]
    ledger = next((n for n, block in enumerate(blocks) if isinstance(block, Heading) and block.text == LEDGER), None)
    if ledger is not None:
        blocks.insert(ledger + 1, ledger_bar(plan))
    return Report(tuple(blocks))


def plan_curves(plan: CapacityPlan, catalog: Catalog) -> dict[str, tuple[Block, ...]]:
    """Return the curves of a plan by the heading that they stand under; or why there are none."""
    plan = as_written(plan)
    try:
        latency, cost = tuple(_latency(plan, catalog)), tuple(_cost(plan, catalog))
    except InputError as error:
        return {LATENCY: (Paragraph(f"Not drawn: {error}.", "quiet"),)}
    return {name: charts for name, charts in ((LATENCY, latency), (COST, cost)) if charts}


def _latency(plan: CapacityPlan, catalog: Catalog) -> Iterator[Chart]:
    from engine.planning.at_loads import replica_at_loads

    return latency_charts(plan, replica_at_loads(plan, catalog))


def _cost(plan: CapacityPlan, catalog: Catalog) -> Iterator[Chart]:
    from engine.planning.at_loads import fleet_at_rates

    return cost_chart(plan, fleet_at_rates(plan, catalog))
