"""The plan before its time: made with what is usual where a question about it comes first, or what it still needs."""

from typing import Final

from msgspec.structs import replace

from agent.after_plan import first_plan
from agent.after_plan.lines import choosing
from agent.before_plan.corrections import against_before
from agent.collect.assumed import Assumption, accepted, assumed, with_waiting_asked
from agent.collect.lines import AFTER_A_PLAN, still_needed
from agent.collect.proposals import proposal
from agent.talk.answer_display import answer_shown
from agent.talk.questions import default_said, open_slot, open_slots, question
from agent.talk.slots import default_of, slot_called
from agent.talk.speech import Say, said
from agent.talk.state import Ports, Propose, State, Step, WhichReading
from catalogs.errors import quoted


def plan_now(state: State, ports: Ports) -> Step:
    """Plan with what is known and assumed; take what is proposed, or say what is missing, where that is no plan."""
    made = assumed(state, ports)
    if not made.missing:
        return planned_and_answered(state, made, "", ports)
    if isinstance(state.pending, Propose):
        return proposal_accepted(state, state.pending)
    return state, (said(still_needed(made.state, ports)), *question(state, ports))


def proposal_accepted(state: State, offered: Propose) -> Step:
    """Take what was proposed."""
    taken, slot = accepted(state, offered), slot_called(offered.slot)
    assert slot is not None
    if not offered.statement.values:
        return taken, (said(default_said(slot, state.values)),)
    return taken, (said(f"{slot.id.capitalize()}: {answer_shown(slot, taken.values)}."),)


def lacks_nothing(state: State, ports: Ports) -> bool:
    """Whether everything is known, or has a default, that a plan needs."""
    if state.phase == "planned" or state.pending or state.waiting:
        return False
    return all(default_of(slot, state.values) for slot in open_slots(state, ports))


def planned_and_answered(state: State, made: Assumption, asked: str, ports: Ports, heard: tuple[Say, ...] = ()) -> Step:
    """Plan with what is assumed, say that it is, and answer a line about the plan, if there is one.

    Args:
        made: what is assumed.
        asked: what the line asks of the plan; empty where it asks nothing.
        heard: what is said of the rest of the line.
    """
    planned, says = first_plan.with_plan(made.state, ports)
    if planned is made.state:
        return state, (*heard, *says)
    new, answer = (
        against_before(planned, asked, ports) or choosing.answer_line(planned, asked, ports) if asked else (planned, ())
    )
    assumption = (said(f"Assumed: {'; '.join(made.words)}."),) if made.words else ()
    return new, (*heard, *assumption, *says, *answer)


def asked_too_early(before: State, new: State, asked: str, says: tuple[Say, ...], ports: Ports) -> Step:
    """Say what is missing for a plan; a model is proposed, which the next line that passes it over takes.

    What is asked is kept, and answered with the plan.

    Args:
        before: the state before the line.
        new: with what the line states.
        asked: what it asks.
    """
    waits = (*before.asked, asked)[-MOST_ASKED:]
    if new is not before:
        return replace(new, asked=waits), (*says, said(AFTER_A_PLAN))
    wanting = open_slot(before, ports)
    if before.values and before.pending is None and wanting is not None and wanting.id == "model":
        return replace(before, pending=proposal(wanting, before, ports), asked=waits), (said(AFTER_A_PLAN),)
    kept = with_waiting_asked(replace(before, asked=waits)) if before.values else before
    return kept, (*says, said(f"{AFTER_A_PLAN} {still_needed(before, ports)}"))


MOST_ASKED: Final = 3
"""Questions before the plan that are kept."""


def answered_with_plan(state: State, says: tuple[Say, ...], ports: Ports) -> Step:
    """Answer what was asked before there was a plan; where one asks back, the rest is named."""
    new, waits = replace(state, asked=()), state.asked
    while waits and not new.pending:
        after, more = choosing.answer_line(new, waits[0], ports)
        if isinstance(after.pending, WhichReading):
            more = (said("The plan is my answer to that; if it asks for something else, ask it alone."),)
        else:
            new = after
        says, waits = (*says, said(f"You asked {quoted(waits[0])}."), *more), waits[1:]
    left = ", ".join(map(quoted, waits))
    return new, (*says, *question(new, ports), *((said(f"Not answered yet: {left}."),) if left else ()))
