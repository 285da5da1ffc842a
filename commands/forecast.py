"""`fleetcast forecast`: a workload in, a capacity plan out. `python commands/forecast.py` is the same."""

if __name__ == "__main__":
    import sys
    from pathlib import Path

    # Run as a file, this folder stands first on the path: the project's root takes its place.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    from commands import main

    sys.exit(main(["forecast", *sys.argv[1:]]))

import inspect
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from agent.flags import FLAGS, Flag
from agent.spec_files import spec_file
from agent.statements import Collected, collected, flag_statement
from catalogs.errors import InputError
from commands.catalogs_of_user import user_catalogs, user_settings
from commands.failures import Exit
from commands.showing import exit_code, json_text, notice, print_json, show_no_plan, show_plan

if TYPE_CHECKING:
    from agent.interpret import Question
    from agent.sentences import Said
    from catalogs.catalog import Catalog
    from engine.infeasible import NoPlan
    from engine.plan import CapacityPlan
    from engine.workload import StatedSpec, Statement

STALE_DAYS = 180
"""Age from which a price is pointed out."""

app = typer.Typer(
    add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["--help", "-h"]}
)

Sentence = Annotated[
    str | None,
    typer.Argument(
        help='In words: "70B fp8 on H100, 20 rps, 1.5k in, 300 out"; flags win over it.', show_default=False
    ),
]
Spec = Annotated[str | None, typer.Option(metavar="FILE", help="TOML, YAML or JSON; - is standard input.")]
Directories = Annotated[
    list[Path] | None, typer.Option("--catalog", metavar="DIR", help="Your own entries; repeatable.")
]
Json = Annotated[bool, typer.Option("--json", help="The plan as JSON, alone on standard output.")]
SpecOnly = Annotated[bool, typer.Option("--spec-only", help="What was understood, as JSON, without a forecast.")]
Plain = Annotated[bool, typer.Option("--plain", help="Labelled lines instead of tables.")]
Full = Annotated[bool, typer.Option("--full", help="The whole report.")]
Cost = Annotated[bool, typer.Option("--cost", help="Show the bill in full; it is reckoned in any case.")]
Output = Annotated[Path | None, typer.Option(metavar="FILE.json", help="Write the plan to a file too.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file.")]


def forecast_command(
    sentence: Sentence = None,
    spec: Spec = None,
    catalog: Directories = None,
    json: Json = False,
    spec_only: SpecOnly = False,
    plain: Plain = False,
    full: Full = False,
    cost: Cost = False,
    output: Output = None,
    force: Force = False,
    **flags: list[str] | None,
) -> int:
    """How many accelerators a workload needs, which, and what they cost.

    Needed are a rate (or a fleet), the lengths of prompts and answers (or a preset) and a model; quantities may carry
    their unit: 800ms, 1.5k, 5M/day.
    """
    if output is not None:
        from agent.writing import check_writable  # noqa: PLC0415 — only with --output

        check_writable(output, force=force)
    facts = user_catalogs(catalog or ())
    stated_by_flags = flag_statement(_texts(flags))
    said = _said(sentence, facts, stated_by_flags)
    statements = [*user_settings(catalog or ()), *([spec_file(spec)] if spec else ()), stated_by_flags]
    gathered = collected([*statements, *([said.statement] if said else ())], facts)
    if spec_only:
        _print_spec(gathered, said)
        return Exit.DONE
    if said:
        said.check()
        notice(said.notices())
    question = gathered.completed()
    notice(question.notes)
    return _answer(question, facts, json=json, plain=plain, full=full, cost=cost, output=output, force=force)


def _answer(
    question: "StatedSpec",
    facts: "Catalog",
    *,
    json: bool,
    plain: bool,
    full: bool,
    cost: bool,
    output: Path | None,
    force: bool,
) -> int:
    from engine.forecast import forecast  # noqa: PLC0415 — numpy: bad input is refused without it
    from engine.infeasible import NoPlan  # noqa: PLC0415
    from engine.plan import plan_json  # noqa: PLC0415

    plan = forecast(question.spec, facts, question.sources)
    if isinstance(plan, NoPlan):
        _show_none(plan, question, json=json, plain=plain, full=full)
        return Exit.NOTHING_MEETS
    if output is not None:
        from agent.writing import write_whole  # noqa: PLC0415

        write_whole(output, json_text(plan_json(plan)), force=force)
    if json:
        print_json(plan_json(plan))
    else:
        show_plan(plan, full=full, plain=plain, cost=cost)
    if output is not None:
        notice([f"The plan is in {output}."])
    notice(_staleness(plan))
    return exit_code(plan)


def _show_none(plan: "NoPlan", question: "StatedSpec", *, json: bool, plain: bool, full: bool) -> None:
    from engine.plan import SCHEMA_VERSION  # noqa: PLC0415
    from engine.plan import plain as plain_values  # noqa: PLC0415

    if json:
        print_json(
            {
                "schema_version": SCHEMA_VERSION,
                "answer": None,
                "reason": plan.sentence,
                "rejected": plain_values(plan.rejected),
                "spec": plain_values(question.spec),
                "sources": plain_values(dict(question.sources)),
            }
        )
    else:
        show_no_plan(plan, full=full, plain=plain)


def _print_spec(gathered: Collected, said: "Said | None") -> None:
    from engine.plan import plain  # noqa: PLC0415

    print_json(
        {
            "spec": plain(gathered.tree()),
            "sources": plain(dict(gathered.sources)),
            "missing": list(gathered.missing),
            "unused": list(said.unused) if said else [],
            "questions": [_question(question) for question in said.questions] if said else [],
            "objections": list(said.objections) if said else [],
        }
    )


def _question(question: "Question") -> dict[str, Any]:
    choices = [choice.label for choice in question.choices]
    return {"path": question.path, "text": question.text, "words": question.words, "choices": choices}


def _said(sentence: str | None, facts: "Catalog", by_flags: "Statement") -> "Said | None":
    if sentence is None:
        return None
    from agent.sentences import said_in  # noqa: PLC0415 — only with a sentence

    if not sentence.strip():
        raise InputError('the sentence is empty; say it as "70B fp8 on H100, 20 rps, 1.5k in, 300 out", or use flags')
    return said_in(sentence, facts, answered=by_flags.values)


def _staleness(plan: "CapacityPlan") -> list[str]:
    """Say when the price that the bill rests on is old; never in the plan, which does not depend on the clock."""
    offer = plan.chosen.offer
    if offer is None or not offer.checked:
        return []
    days = (date.today() - date.fromisoformat(offer.checked)).days
    return [f"The price of {offer.provider} was checked {days} days ago."] if days > STALE_DAYS else []


# --- flags from their table -------------------------------------------------------------------------------------------


class _OnlyWhatIsGiven(TyperCommand):
    """Looks at the options of a call alone: typer spends a millisecond or two on each that it knows."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse as typer does, with the options that stand in the arguments."""
        everything = self.params
        given = {argument.partition("=")[0] for argument in args}
        if not given & set(ctx.help_option_names):
            self.params = [p for p in everything if p.param_type_name == "argument" or given & set(p.opts)]
        try:
            return super().parse_args(ctx, args)
        finally:
            self.params = everything


def _parameter(flag: Flag) -> str:
    return flag.name.removeprefix("--").replace("-", "_")


def _texts(flags: Mapping[str, list[str] | None]) -> dict[str, tuple[str, ...]]:
    names = {_parameter(flag): flag.name for panel in FLAGS.values() for flag in panel}
    return {names[parameter]: tuple(texts) for parameter, texts in flags.items() if texts}


def _signature() -> inspect.Signature:
    """Return the command's signature with a parameter for each flag of the table, as typer reads it.

    Each is a list, so that a flag that was given twice is seen and not decided by the order.
    """
    own = [p for p in inspect.signature(forecast_command).parameters.values() if p.kind is not p.VAR_KEYWORD]
    for panel, flags in FLAGS.items():
        for flag in flags:
            option = typer.Option(
                flag.name, metavar=flag.metavar, help=flag.help, rich_help_panel=panel, show_default=False
            )
            kind: Any = Annotated[list[str] | None, option]
            own.append(
                inspect.Parameter(_parameter(flag), inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
            )
    return inspect.Signature(own)


forecast_command.__signature__ = _signature()  # type: ignore[attr-defined]
app.command("forecast", cls=_OnlyWhatIsGiven)(forecast_command)
