"""`fleetcast optimize`: the cheapest, fastest, greenest or smallest fleet for a workload, over the whole catalog."""

import shlex
from typing import TYPE_CHECKING, Annotated, Final

import typer

from agent.fields.table import FIELDS
from agent.statements.flags import flags_without
from catalogs.errors import InputError, listed, quoted
from commands.asking import asked, planned
from commands.failures import Exit
from commands.forecast import Sentence
from commands.options import App, Directories, Spec
from commands.progress import progress
from commands.showing import Shape, left_out, print_rows, show_as

if TYPE_CHECKING:
    from engine.choice.choice import Choice

app = App()

OBJECTIVES = ("cost", "latency", "energy", "count")

For = Annotated[str, typer.Option("--for", metavar="|".join(OBJECTIVES), help="What is made small.")]


_WITHOUT: Final = ("traffic.surge", "scaling.", "band")
"""Fields of a fleet that follows its load, and of how sure a plan is: fleets are chosen for their peak hour."""


@app.command("optimize", flags=flags_without(*_WITHOUT))
def optimize_command(
    sentence: Sentence = None,
    spec: Spec = None,
    catalog: Directories = None,
    objective: For = "cost",
    *,
    shape: Shape,
    **flags: list[str] | None,
) -> int:
    """Which accelerators, split, precision and term serve a workload best.

    What the workload leaves open is tried, over the whole catalog; what it states is kept.
    """
    if objective not in OBJECTIVES:
        raise InputError(f"--for {quoted(objective)} is no objective; there are {listed(OBJECTIVES)}")
    question, facts = asked(sentence, spec, catalog, flags, _WITHOUT)
    from engine.choice.choice import choice

    with progress("trying the catalog"):
        found = choice(question.spec, facts, objective)  # type: ignore[arg-type]  # checked
    if found is None:
        if plan := planned(question, facts, shape):
            left_out([f"Nothing meets the targets; the nearest: {plan.answer.sentence}"])
        return Exit.NOTHING_MEETS
    from agent.report.choice.choice_report import choice_report, choice_rows, choice_tree

    if shape.csv:
        print_rows(choice_rows(found))
    else:
        show_as(choice_report(found, _command(found)), choice_tree(found), shape, "")
    return Exit.CHECK_FAILED if found.over_budget_usd else Exit.DONE


def _command(choice: "Choice") -> str:
    """Return the flags that ask forecast for exactly the best option."""
    flags = {FIELDS[path].flag: value for path, value in choice.best.values.items()}
    given = " ".join(
        f"{flag} {shlex.quote(str(value))}" for flag, value in flags.items() if value not in (1, "on_demand")
    )
    return f"the same question to `fleetcast forecast` with {given}"
