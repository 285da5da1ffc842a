"""The first plan of a conversation, and each that follows an edit."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from agent.after_plan.beside.suggestions import suggestions
from agent.report.blocks import Report
from agent.report.plan.no_plan import no_plan_report
from agent.report.words import capital
from agent.statements.merged import collected
from agent.talk.answer_display import value_shown
from agent.talk.speech import Data, Say, said, warned
from agent.talk.state import Branch, Ports, State, Step
from catalogs.errors import InputError
from engine.plan import CapacityPlan, NoPlan

MOST_REASONS: Final = 4
"""Rejected candidates that the conversation shows where nothing can be planned; the command shows more."""


def with_plan(state: State, ports: Ports) -> Step:
    """Return the state with a plan of what is known; the same state where the engine refuses the question."""
    try:
        stated = collected(state.statements, ports.catalog).completed()
        plan = ports.plan(stated.spec, stated.sources)
    except InputError as error:
        return state, (warned(f"That cannot be planned: {error}."),)
    number = len(state.branches)
    label = _changed(state.values, state.base.values) if number else "the first plan"
    branch = Branch(number, label, state.kept if number else 0, state.statements, state.settled, plan, stated.spec)
    new = replace(state, phase="planned", branches=(*state.branches, branch), kept=number, editing=None, pending=None)
    notes = tuple(said(f"{capital(note)}.") for note in stated.notes)
    return new, (*notes, *plan_says(branch), suggestions(branch, ports))


def _changed(now: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Return what an edit after a plan changed."""
    paths = [path for path in dict.fromkeys((*before, *now)) if now.get(path) != before.get(path)]
    shown = [value_shown(path, now[path]) if now.get(path) else f"{path} as by default" for path in paths]
    return ", ".join(shown) or "the same again"


def plan_says(branch: Branch, *, full: bool = False) -> tuple[Say, ...]:
    """Return a plan as its screenful, or its whole report; where there is none, why, and what would have to give."""
    from agent.report.plan.plan_report import plan_report

    if isinstance(branch.plan, CapacityPlan):
        return (Data(plan_report(branch.plan, full=full)),)
    return (Data(refusal(branch.plan, branch.number, full=full)),)


def refusal(none: NoPlan, number: int, *, full: bool = False) -> Report:
    """Return why there is no plan under a number of the conversation.

    Args:
        none: why there is no plan.
        number: of the branch.
        full: give every reason.
    """
    return no_plan_report(none, None if full else MOST_REASONS, f"'full {number}'")
