"""Enter, yes, skip, 'I don't know' and 'defaults' as answers to a question that is asked, or in the review."""

from msgspec.structs import replace

from agent.after_plan import first_plan
from agent.after_plan.beside.suggestions import suggestions
from agent.collect.proposals import proposal
from agent.talk.keywords import Keyword
from agent.talk.questions import default_said, kept_on_enter, open_slot, open_slots, question, settled
from agent.talk.slots import Slot, default_of
from agent.talk.speech import said
from agent.talk.state import Ports, State, Step


def keyword_answered(state: State, keyword: Keyword, ports: Ports) -> Step:
    """Take a keyword as the answer to the question that is asked; without one it is of the review, or of the plan."""
    slot = open_slot(state, ports)
    if slot is None:
        return _without_question(state, keyword, ports)
    match keyword.name:
        case "unsure":
            return replace(state, pending=proposal(slot, state, ports)), ()
        case "defaults":
            return _defaults(state, ports)
        case "enter" | "default" | "skip" | "no" | "yes":
            return _default(state, slot, keyword, ports)
    return state, question(state, ports)


def _default(state: State, slot: Slot, keyword: Keyword, ports: Ports) -> Step:
    default = default_of(slot, state.values)
    if kept_on_enter(slot, state) and keyword.name in ("enter", "skip", "no"):
        return replace(state, editing=None), (said(f"The {slot.id} stays as it was."),)
    if default and keyword.name == "yes":
        return state, (said(f"Yes to what? Name the {slot.id}, or press Enter for {default}."),)
    if default:
        return settled(state, slot), (said(default_said(slot, state.values)),)
    if keyword.name in ("default", "skip"):
        offered = proposal(slot, state, ports)
        return replace(state, pending=offered), (
            said(f"There is no default for the {slot.id}: nothing can be planned without it."),
        )
    return state, (
        said(f"I need the {slot.id} to plan. 'I don't know' gets a proposal, 'why' the reason."),
        *question(state, ports),
    )


def _defaults(state: State, ports: Ports) -> Step:
    kept: list[str] = []
    new = replace(state, editing=None)
    for slot in open_slots(new, ports):
        default = default_of(slot, new.values)
        if default:
            new = settled(new, slot)
            kept.append(f"{slot.id}: {default}")
    return new, (said(f"Defaults kept: {'; '.join(kept)}." if kept else "Nothing that is open has a default."),)


def _without_question(state: State, keyword: Keyword, ports: Ports) -> Step:
    """Take a keyword where no slot is asked: in the review, or after the plan."""
    if state.phase == "planned":
        if keyword.name == "enter":
            return state, (suggestions(state.base, ports),)
        text = "The plan stands. Ask 'what if …', 'compare …' or 'why …'; 'edit traffic' changes an answer."
        return state, (said(text),)
    if keyword.name == "unsure":
        return state, (
            said("Enter plans with what I have; every default is marked. 'why peak' says what one changes."),
        )
    return first_plan.with_plan(state, ports)
