"""`fleetcast optimize`: the cheapest, fastest, greenest or smallest fleet for a workload, over the whole catalog."""

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from agent.fields.table import FIELDS
from agent.statements.flags import FLAGS
from catalogs.errors import InputError, listed, quoted
from commands.asking import asked
from commands.failures import Exit
from commands.flag_options import OnlyWhatIsGiven, signature_with_flags
from commands.forecast import Sentence
from commands.options import App, Csv, Directories, Json, Plain, Spec
from commands.progress import progress
from commands.showing import Shape, notice, print_rows, show_as, show_no_plan

if TYPE_CHECKING:
    from engine.choice.choice import Choice

app = App()

OBJECTIVES = ("cost", "latency", "energy", "count")

For = Annotated[str, typer.Option("--for", metavar="|".join(OBJECTIVES), help="What is made small.")]


def optimize_command(
    sentence: Sentence = None,
    spec: Spec = None,
    catalog: Directories = None,
    objective: For = "cost",
    json: Json = False,
    csv: Csv = False,
    plain: Plain = False,
    **flags: list[str] | None,
) -> int:
    """Which accelerators, split, precision and term serve a workload best.

    What the workload leaves open is tried, over the whole catalog; what it states is kept.
    """
    if objective not in OBJECTIVES:
        raise InputError(f"--for {quoted(objective)} is no objective; there are {listed(OBJECTIVES)}")
    shape = Shape(json=json, csv=csv, plain=plain)
    question, facts = asked(sentence, spec, catalog, flags)
    from engine.choice.choice import choice

    with progress("trying the catalog"):
        found = choice(question.spec, facts, objective)  # type: ignore[arg-type]  # checked
    if found is None:
        from engine.method import forecast
        from engine.plan import NoPlan

        plan = forecast(question.spec, facts, sources=question.sources, verify=False)
        if isinstance(plan, NoPlan):
            show_no_plan(plan, plain=plain)
        else:
            notice([f"Nothing meets the targets; the nearest: {plan.answer.sentence}"])
        return Exit.NOTHING_MEETS
    from agent.report.choice.choice_report import choice_report, choice_rows, choice_tree

    if csv:
        print_rows(choice_rows(found))
    else:
        show_as(choice_report(found, _command(found)), choice_tree(found), shape, "")
    return Exit.DONE


def _command(choice: "Choice") -> str:
    """Return the flags that ask forecast for exactly the best option."""
    flags = {FIELDS[path].flag: value for path, value in choice.best.values.items()}
    given = " ".join(
        f"{flag} {shlex.quote(str(value))}" for flag, value in flags.items() if value not in (1, "on_demand")
    )
    return f"the same question to `fleetcast forecast` with {given}"


optimize_command.__signature__ = signature_with_flags(optimize_command, FLAGS)  # type: ignore[attr-defined]
app.command("optimize", cls=OnlyWhatIsGiven)(optimize_command)
