"""A question from a sentence, a file, settings and flags, for commands that ask one."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from agent.fields.table import FIELDS
from agent.statements.merged import Collected, collected, flag_statement
from agent.statements.spec_files import FORMATS, spec_file
from commands.catalogs_of_user import user_catalogs, user_settings
from commands.flag_options import texts_of
from commands.input_files import text_of
from commands.progress import progress
from commands.showing import Shape, left_out, notice, show_no_plan

if TYPE_CHECKING:
    from agent.session.stated_sentence import StatedSentence
    from catalogs.catalog import Catalog
    from engine.plan import CapacityPlan
    from engine.workload import StatedSpec, Statement


def asked(
    sentence: str | None,
    spec: str | None,
    directories: list[Path] | None,
    flags: Mapping[str, list[str] | None],
    without: tuple[str, ...] = (),
) -> "tuple[StatedSpec, Catalog]":
    """Return the question and the facts; what was understood and overridden is said on standard error.

    Args:
        sentence: in words, or a file, which is read as ``spec`` is where that is not given.
        spec: a file of values.
        directories: of the user's own entries.
        flags: as typer hands them over; they win.
        without: beginnings of the paths of fields that the command does not act on, of which it has no flags.

    Raises:
        InputError: something cannot be read.
        IncompleteInput: something is missing; all of it is named.
    """
    sentence, spec = sentence_or_file(sentence, spec)
    facts = user_catalogs(directories or ())
    by_flags = flag_statement(texts_of(flags))
    statements = [*user_settings(directories or ()), *([spec_file(spec)] if spec else ()), by_flags]
    if sentence is not None:
        from agent.session.stated_sentence import stated_in

        statements.append(heard(stated_in(sentence, facts, answered=by_flags.values)))
    question = completed(collected(statements, facts), sentence)
    notice(question.notes)
    left_out(not_used(question, without))
    return question, facts


def not_used(question: "StatedSpec", without: tuple[str, ...]) -> list[str]:
    """Return a sentence that names what somebody stated for this question of fields that a command does not act on."""
    stated = [path for path, source in question.sources.items() if source.kind in ("said", "file", "flag")]
    labels = [FIELDS[path].label for path in stated if without and path.startswith(without)]
    return [f"Not used here, only in a forecast: {', '.join(labels)}."] if labels else []


def planned(question: "StatedSpec", facts: "Catalog", shape: Shape) -> "CapacityPlan | None":
    """Return the plan of a question by the formulas alone; None where there is none, once it is said why."""
    from engine.method import forecast
    from engine.plan import NoPlan

    with progress("planning"):
        plan = forecast(question.spec, facts, sources=question.sources, verify=False)
    if isinstance(plan, NoPlan):
        show_no_plan(plan, plain=shape.plain)
        return None
    return plan


def heard(said: "StatedSentence") -> "Statement":
    """Return what a sentence states; what was understood of it, and what was not used, is said on standard error.

    Raises InputError where something has to be asked.
    """
    said.check()
    notice(said.notices())
    left_out(said.left_out())
    return said.statement


def sentence_or_file(sentence: str | None, spec: str | None) -> tuple[str | None, str | None]:
    """Return a sentence and the file of a spec: a sentence that is no more than the name of such a file is that.

    A model's config.json stays a sentence, which names a model.

    Raises InputError where it is the name of a file that is not there.
    """
    if spec or not sentence or len(sentence.split()) != 1 or Path(sentence).suffix.lower() not in FORMATS:
        return sentence, spec
    text = text_of(Path(sentence))
    return (sentence, None) if '"model_type"' in text or '"num_hidden_layers"' in text else (None, sentence)


def completed(values: Collected, sentence: str | None) -> "StatedSpec":
    """Return the question of merged values; whoever lacks a model alone is proposed three.

    Raises:
        IncompleteInput: required values are missing; all are named.
        InputError: a value is out of its range.
    """
    if len(values.missing) == 1 and values.values.get("model") is None:
        from agent.talk.model_proposals import proposals_by_flag

        notice(proposals_by_flag(sentence or ""))
    return values.completed()
