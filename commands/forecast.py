"""`fleetcast forecast`: a workload in, a capacity plan out. `python commands/forecast.py` is the same."""

if __name__ == "__main__":
    __import__("as_file").run("forecast")

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from agent.statements.flags import FLAGS
from agent.statements.merged import collected, flag_statement
from agent.statements.spec_files import spec_file
from catalogs.errors import InputError
from commands.asking import completed, heard, sentence_or_file
from commands.catalogs_of_user import user_catalogs, user_settings
from commands.failures import Exit
from commands.flag_options import texts_of
from commands.options import App, Calibrated, Directories, Force, Full, Plain, Spec
from commands.progress import progress
from commands.showing import exit_code, notice, print_json, show, show_no_plan

if TYPE_CHECKING:
    from agent.exports import Format
    from agent.session.stated_sentence import StatedSentence
    from catalogs.catalog import Catalog
    from engine.plan import CapacityPlan, NoPlan
    from engine.workload import StatedSpec, Statement

app = App()

Sentence = Annotated[
    str | None,
    typer.Argument(
        help='In words: "70B fp8 on H100, 20 rps, 1.5k in, 300 out"; flags win over it.', show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="The plan as JSON, alone on standard output.")]
SpecOnly = Annotated[bool, typer.Option("--spec-only", help="What was understood, as JSON, without a forecast.")]
Cost = Annotated[bool, typer.Option("--cost", help="Show the bill in full; it is reckoned in any case.")]
NoVerify = Annotated[bool, typer.Option("--no-verify", help="Without simulating the plan that was chosen.")]
Refine = Annotated[
    bool, typer.Option("--refine", help="Size the fleet on the capacity that simulations find; takes seconds.")
]
Output = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write the plan to a file too, in the format of its suffix.")
]

Insist = Annotated[bool, typer.Option("--insist", help="Take a value that nobody seems to mean as it is.")]


@app.command("forecast", flags=FLAGS)
def forecast_command(
    sentence: Sentence = None,
    spec: Spec = None,
    catalog: Directories = None,
    calibration: Calibrated = None,
    json: Json = False,
    spec_only: SpecOnly = False,
    plain: Plain = False,
    full: Full = False,
    cost: Cost = False,
    no_verify: NoVerify = False,
    refine: Refine = False,
    output: Output = None,
    force: Force = False,
    insist: Insist = False,
    **flags: list[str] | None,
) -> int:
    """How many accelerators a workload needs, which, and what they cost.

    Needed are a rate (or a fleet), the lengths of prompts and answers (or a preset) and a model; quantities may carry
    their unit: 800ms, 1.5k, 5M/day.
    """
    given = (sentence, spec, catalog, output, *flags.values())
    if all(value is None for value in given) and sys.stdin.isatty() and sys.stdout.isatty():
        from commands.converse import open_conversation

        return open_conversation(plain)
    written = None if output is None else _file_to_write(output, force)
    if refine and no_verify:
        raise InputError("--refine simulates and --no-verify does not; leave one of them out")
    facts = user_catalogs(catalog or (), calibration)
    stated_by_flags = flag_statement(texts_of(flags), insist)
    sentence, spec = sentence_or_file(sentence, spec)
    said = _said(sentence, facts, stated_by_flags)
    statements = [*user_settings(catalog or ()), *([spec_file(spec, insist)] if spec else ()), stated_by_flags]
    gathered = collected([*statements, *([said.statement] if said else ())], facts)
    if spec_only:
        from agent.session.stated_sentence import understood_json

        notice(gathered.notes)
        print_json(understood_json(gathered, said))
        return Exit.DONE
    if said:
        heard(said)
    question = completed(gathered, sentence)
    notice(question.notes)
    from engine.method import forecast

    with progress("planning"):
        plan = forecast(question.spec, facts, sources=question.sources, verify=not no_verify, refine=refine)
    return _answered(plan, question, _Shown(json, plain, full, cost), written, facts)


class _Shown(Struct, frozen=True):
    """How an answer is shown: the options of these names."""

    json: bool
    plain: bool
    full: bool
    cost: bool


class _Written(Struct, frozen=True):
    """The file that a plan is written to."""

    path: Path
    format: "Format"
    force: bool


def _file_to_write(path: Path, force: bool) -> _Written:
    """Return a file with its format, once it is known that it may be written."""
    from agent.exports import format_of
    from agent.session.written_files import check_writable

    check_writable(path, force=force)
    return _Written(path, format_of(str(path)), force)


def _answered(
    plan: "CapacityPlan | NoPlan", question: "StatedSpec", shown: _Shown, written: _Written | None, facts: "Catalog"
) -> Exit:
    """Show and write an answer; return what it says to a script."""
    from engine.plan import NoPlan, plan_json

    if isinstance(plan, NoPlan):
        _show_none(plan, question, shown)
        if written:
            notice([f"Nothing was written to {written.path}: there is no plan."])
        return Exit.NOTHING_MEETS
    if written:
        from agent.session.written_files import write_files

        write_files(written.path, written.format.files(plan, facts), force=written.force)
    if shown.json:
        print_json(plan_json(plan))
    else:
        from agent.report.plan.plan_report import plan_report

        show(plan_report(plan, full=shown.full, cost=shown.cost), plain=shown.plain)
    from agent.session.kept_plans import KeptPlans

    KeptPlans.of_user().keep(plan_json(plan))
    if written:
        notice([f"{written.format.content.capitalize()} is in {written.path}."])
    notice(_what_fits_the_budget(plan, facts))
    from agent.report.plan.price_age import old_price_notices

    notice(old_price_notices(plan, date.today()))
    return exit_code(plan)


def _what_fits_the_budget(plan: "CapacityPlan", facts: "Catalog") -> list[str]:
    if plan.cost.within_budget is not False:
        return []
    from agent.report.cost.budget_words import budget_sentences
    from engine.choice.deployment.within_budget import within_budget

    return list(budget_sentences(within_budget(plan, facts)))


def _show_none(plan: "NoPlan", question: "StatedSpec", shown: _Shown) -> None:
    from engine.plan import no_plan_json

    if shown.json:
        print_json(no_plan_json(plan, question.spec, question.sources))
    else:
        show_no_plan(plan, full=shown.full, plain=shown.plain)


def _said(sentence: str | None, facts: "Catalog", by_flags: "Statement") -> "StatedSentence | None":
    if sentence is None:
        return None
    from agent.session.stated_sentence import stated_in

    if not sentence.strip():
        raise InputError('the sentence is empty; say it as "70B fp8 on H100, 20 rps, 1.5k in, 300 out", or use flags')
    return stated_in(sentence, facts, answered=by_flags.values)
