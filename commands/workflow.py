"""`fleetcast workflow`: a fleet for an agent's workflow, by the time of a whole task and by how many run at a time."""

from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.statements.flags import FLAGS
from agent.statements.merged import collected, flag_statement
from catalogs.errors import InputError, listed, quoted, reading
from catalogs.units import read_count, read_seconds
from commands.catalogs_of_user import user_catalogs, user_settings
from commands.failures import Exit
from commands.flag_options import texts_of
from commands.options import App, Directories
from commands.progress import progress
from commands.showing import Shape, left_out, notice, show_as

if TYPE_CHECKING:
    from catalogs.catalog import Catalog
    from catalogs.records.workflows import AgentWorkflow

app = App()

LONGER = 48
"""Times a tenth longer each, up to ninety times what was asked, that are tried where nothing finishes in it."""

Which = Annotated[
    str,
    typer.Argument(metavar="WORKFLOW", help="coding-agent, research-agent, tool-agent, or a TOML file of your own."),
]
AtATime = Annotated[str | None, typer.Option("--at-a-time", metavar="COUNT", help="Workflows that run at the peak.")]
PerHour = Annotated[str | None, typer.Option("--per-hour", metavar="RATE", help="Workflows an hour, on average.")]
Within = Annotated[str | None, typer.Option(metavar="TIME", help="In which 95 of a hundred must be done: 120s, 5min.")]
NoSimulate = Annotated[bool, typer.Option("--no-simulate", help="By the closed forms alone.")]
Seed = Annotated[int, typer.Option(help="Of the simulation's draws.")]

NOT_OF_CALLS = (
    "traffic.requests_per_s", "traffic.concurrency", "traffic.calls_per_request", "tokens.input.mean",
    "tokens.output.mean", "tokens.prefix_hit", "targets",
)  # fmt: skip
"""What a workflow says itself."""


@app.command("workflow", flags=FLAGS)
def workflow_command(
    which: Which,
    at_a_time: AtATime = None,
    per_hour: PerHour = None,
    within: Within = None,
    no_simulate: NoSimulate = False,
    seed: Seed = 0,
    catalog: Directories = None,
    *,
    shape: Shape,
    **flags: list[str] | None,
) -> int:
    """A fleet for an agent: steps, branches, tools and a growing context, sized by the time of the whole workflow.

    Each call is simulated, sent when those before it are done and its tools ran; the closed form stands beside it.
    """
    if (at_a_time is None) == (per_hour is None):
        raise InputError("give how many workflows: --at-a-time 50, or --per-hour 600")
    facts = user_catalogs(catalog or ())
    workflow = _workflow(which, facts)
    by_flags = flag_statement(texts_of(flags))
    stated = [path for path in by_flags.values if path.startswith(NOT_OF_CALLS)]
    if stated:
        raise InputError(f"{by_flags.details[stated[0]]}: the workflow says it for each call; leave it out")
    from engine.choice.workflow import Demand, simulated_fleet, sized_workflow, stated_calls

    given = [stated_calls(workflow), *user_settings(catalog or ()), by_flags]
    question = collected(given, facts).completed()
    notice(question.notes)
    demand = Demand(
        per_s=read_count(per_hour, "workflows an hour") / 3600 if per_hour else None,
        at_a_time=round(read_count(at_a_time, "workflows at a time", minimum=1)) if at_a_time else None,
    )
    limit = read_seconds(within, "time of a workflow") if within else None
    with progress("planning"):
        fleets = sized_workflow(question.spec, workflow, facts, demand, limit)
        longer = () if fleets or not limit else (limit * 1.1**step for step in range(1, LONGER))
        enough = next((time for time in longer if sized_workflow(question.spec, workflow, facts, demand, time)), None)
    if not fleets:
        tried = listed([facts.accelerator(one).name for one in question.spec.hardware.accelerators])
        none = f"No fleet of {tried}" if tried else "No accelerator"
        unless = f" in {within} but nearly idle" if within else ""
        instead = f"--within {ceil(enough)}s would do" if enough else "take more time or other weights"
        left_out([f"{none} finishes {workflow.name}{unless}; {instead}."])
        return Exit.NOTHING_MEETS
    from agent.report.choice.workflow_report import workflow_report, workflow_tree

    simulated = None
    if not no_simulate:
        with progress("simulating"):
            fleets, simulated = simulated_fleet(question.spec, workflow, facts, demand, limit, fleets, seed)
    report = workflow_report(workflow, fleets, simulated, limit)
    show_as(report, workflow_tree(workflow, fleets, simulated, limit), shape, "workflow")
    met = limit is None or (simulated.p95_s if simulated else fleets[0].p95_s) <= limit
    return Exit.DONE if met else Exit.NOTHING_MEETS


def _workflow(which: str, facts: "Catalog") -> "AgentWorkflow":
    """Return a workflow of the catalog, or the one in a file."""
    if not which.endswith(".toml"):
        return facts.workflow(which)
    from catalogs.entry_files import read_entry, read_tables
    from catalogs.records.workflows import AgentWorkflow

    with reading(quoted(which), "a workflow is a TOML file with [[workflow]], or a name"):
        tables = read_tables(Path(which))
    entries = tables.get("workflow", ())
    if len(entries) != 1:
        raise InputError(f"{which} holds {len(entries)} workflows; one is accepted, in [[workflow]] with steps")
    own = {"id": "own", "name": Path(which).stem, "source": which, "checked": facts.checked}
    record = read_entry("workflow", own | entries[0], 1, Path(which))
    if not isinstance(record, AgentWorkflow):
        raise record[0] if isinstance(record, list) else InputError(f"{which} holds no workflow")
    return record
