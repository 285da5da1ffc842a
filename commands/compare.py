"""`fleetcast compare`: one workload over several models, accelerators, precisions or anything else, side by side."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.statements.comparison import VERSUS, combinations, versions
from agent.statements.flags import FLAGS
from agent.statements.merged import collected, flag_statement
from agent.statements.spec_files import spec_file
from catalogs.errors import InputError
from commands.asking import completed, heard
from commands.catalogs_of_user import user_catalogs, user_settings
from commands.failures import Exit
from commands.flag_options import texts_of
from commands.input_files import saved_plan
from commands.options import App, Directories, Json, Plain, Spec
from commands.progress import progress
from commands.showing import notice, print_json, print_rows, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agent.report.choice.comparison_report import Compared

app = App()

What = Annotated[
    list[str] | None,
    typer.Argument(metavar="[SENTENCE | PLAN PLAN…]", help="A workload in words, or plans that were saved."),
]
Where = Annotated[
    list[str] | None, typer.Option(metavar="CONDITION", help="Only those: 'monthly<20000', 'ttft-p95<=800ms'.")
]
Sort = Annotated[str, typer.Option(metavar="FIGURE", help="Least first; with - in front, largest first.")]
Csv = Annotated[bool, typer.Option("--csv", help="CSV alone on standard output.")]
NoVerify = Annotated[bool, typer.Option("--no-verify", help="Without simulating the plans: quicker.")]


@app.command("compare", flags=FLAGS)
def compare_command(
    what: What = None,
    spec: Spec = None,
    catalog: Directories = None,
    where: Where = None,
    sort: Sort = "monthly",
    json: Json = False,
    csv: Csv = False,
    plain: Plain = False,
    no_verify: NoVerify = False,
    **flags: list[str] | None,
) -> int:
    """Plans side by side. A flag with several values, repeated or between commas, is what is compared.

    Each combination is the plan that forecast makes of it, the best of what its flags leave open.
    """
    from agent.report.choice.comparison_report import comparison_report, comparison_rows
    from agent.report.choice.figures import condition, sort_key

    conditions, key = [condition(text) for text in where or ()], sort_key(sort)
    texts = texts_of(flags)
    saved = bool(what and (len(what) > 1 or what[0].endswith(".json")))
    if what and saved:
        if texts or spec:
            raise InputError("saved plans are compared as they are; leave out the flags, or give a workload in words")
        compared = list(_saved(what))
    else:
        compared = list(_asked(what[0] if what else None, spec, catalog, texts, verify=not no_verify))
    plans = [one for one in compared if (plan := one.capacity_plan) and all(holds(plan) for holds in conditions)]
    plans.sort(key=lambda one: (not one.plan.answer.meets_targets, key(one.plan)))  # type: ignore[union-attr,arg-type]
    rows = plans if conditions else [*plans, *(one for one in compared if one.capacity_plan is None)]
    if conditions and len(plans) < len(compared):
        notice([f"{len(compared) - len(plans)} of {len(compared)} are left out by --where."])
    if json:
        print_json({"compared": comparison_rows(rows)})
    elif csv:
        from agent.report.choice.comparison_report import columns_of_rows

        print_rows(comparison_rows(rows), columns_of_rows())
    elif rows:
        show(comparison_report(rows, saved=saved), plain=plain)
    return Exit.DONE if any(one.plan.answer.meets_targets for one in plans) else Exit.NOTHING_MEETS  # type: ignore[union-attr]


def _saved(files: "Sequence[str]") -> "Iterator[Compared]":
    from agent.report.choice.comparison_report import Compared

    if len(files) < 2:
        raise InputError("one plan alone is compared with nothing; name two or more")
    for file in files:
        yield Compared(Path(file).name.removesuffix(".json"), saved_plan(Path(file)))


def _asked(
    sentence: str | None,
    spec: str | None,
    catalog: "list[Path] | None",
    texts: "dict[str, tuple[str, ...]]",
    *,
    verify: bool,
) -> "Iterator[Compared]":
    from agent.report.choice.comparison_report import Compared
    from engine.method import forecast
    from engine.plan import NoPlan

    facts = user_catalogs(catalog or ())
    parts = VERSUS.split(sentence) if sentence else []
    found = combinations(texts, several=len(parts) > 1)
    shared = [*user_settings(catalog or ()), *([spec_file(spec)] if spec else ())]
    said = []
    if sentence is not None:
        from agent.session.stated_sentence import stated_in

        answered = flag_statement(found[0].texts).values
        said = [heard(stated_in(part, facts, answered=answered)) for part in parts]
    questions = [
        (
            " · ".join(filter(None, (label, one.label))),
            completed(collected([*shared, *words, flag_statement(one.texts)], facts), sentence),
        )
        for label, words in versions(said)
        for one in found
    ]
    notice(dict.fromkeys(note for _, question in questions for note in question.notes))
    refused = 0
    with progress("planning") as draw:
        for done, (label, question) in enumerate(questions):
            draw(done, len(questions))
            try:
                plan = forecast(question.spec, facts, sources=question.sources, verify=verify)
            except InputError as error:
                refused += 1
                if refused == len(questions):
                    raise
                plan = NoPlan(str(error), ())
            yield Compared(label, plan)
