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
    from agent.report.choice.choice_report import Choice
    from catalogs.catalog import Catalog
    from engine.workload import WorkloadSpec

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
    with progress("trying the catalog"):
        choice = _choice(question.spec, facts, objective)
    if choice is None:
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
        print_rows(choice_rows(choice))
    else:
        show_as(choice_report(choice, _command(choice)), choice_tree(choice), shape, "")
    return Exit.DONE


def _choice(spec: "WorkloadSpec", facts: "Catalog", objective: str) -> "Choice | None":
    from agent.report.choice.choice_report import Choice, firsts
    from engine.choice.advice import advice
    from engine.choice.front import binding, pareto_front, relaxations, runners_up, unable
    from engine.choice.mixed import PAYS, best_mixture, best_split, hourly_demand, kinds_of
    from engine.choice.options import options

    found = options(spec, facts)
    term = spec.money.term
    ranked = found.best(objective, term)  # type: ignore[arg-type]  # checked
    if not ranked:
        return None
    terms = dict.fromkeys((term, *(option.term for option in found.found)))
    best_by_term = [found.best(objective, one)[0] for one in terms]  # type: ignore[arg-type]
    mixture = split = None
    if spec.traffic.requests_per_s is not None and ranked[0].monthly_usd is not None:
        kinds = kinds_of(found, (term, *(("reserved_1y",) if term == "on_demand" else ())))
        mixture, _ = best_mixture(kinds, hourly_demand(found.searched[0][0]), spec.availability.spare_replicas)
        split = best_split(found, ranked[0])
    return Choice(
        spec=spec,
        objective=objective,  # type: ignore[arg-type]
        best=ranked[0],
        runners_up=runners_up(found, ranked, objective),  # type: ignore[arg-type]
        by_term=tuple(best_by_term),
        by_precision=firsts(ranked, "precision"),
        by_provider=found.at_providers(objective, term),  # type: ignore[arg-type]
        unable=unable(found),
        binds=binding(found, ranked[0]),
        front=pareto_front(ranked),
        relaxations=relaxations(found, ranked[0]),
        advice=advice(found, ranked[0]) if ranked[0].monthly_usd is not None else (),
        mixture=mixture if mixture and mixture.saved_share > PAYS else None,
        split=split if split and split.monthly_usd < (1 - PAYS) * ranked[0].measure("cost") else None,
        tried=found.ways,
    )


def _command(choice: "Choice") -> str:
    """Return the flags that ask forecast for exactly the best option."""
    flags = {FIELDS[path].flag: value for path, value in choice.best.values.items()}
    given = " ".join(
        f"{flag} {shlex.quote(str(value))}" for flag, value in flags.items() if value not in (1, "on_demand")
    )
    return f"the same question to `fleetcast forecast` with {given}"


optimize_command.__signature__ = signature_with_flags(optimize_command, FLAGS)  # type: ignore[attr-defined]
app.command("optimize", cls=OnlyWhatIsGiven)(optimize_command)
