"""What works at every question: edit, why, help, review, start over, save, resume, quit."""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec.structs import replace

from agent.after_plan import answers, saving
from agent.after_plan.beside.suggestions import suggestions
from agent.after_plan.lines import choosing
from agent.after_plan.wording.plain_words import corrected
from agent.collect.lines import hear
from agent.collect.review import ANYTHING_ELSE, review
from agent.report.blocks import Facts, Group, Paragraph
from agent.talk.keywords import help_always, help_planned
from agent.talk.questions import open_slot, question
from agent.talk.slots import ASKED, OFFERED, Slot, default_of, slot_called, slot_of
from agent.talk.speech import Resume, Say, Talk, said
from agent.talk.state import Clarify, Ports, State, Step

NAMES: Final = ", ".join(slot.id for slot in (*ASKED, *OFFERED))
"""The names of all questions."""


def where(state: State, ports: Ports) -> tuple[Say, ...]:
    """Return the words that say where a conversation stands: after back, and after resume."""
    if state.pending or open_slot(state, ports):
        return question(state, ports)
    if state.phase == "planned":
        stands = said(f"Plan {state.kept} stands: {answers.headline(state.base)}")
        about, _ = answers.asked_about(state, "")
        last = f"The next question is about plan {about.kept}, {about.base.label}; 'keep {about.kept}' keeps it."
        return (stands, *((said(last),) if about is not state else ()), suggestions(state.base, ports))
    return (*review(state, ports), said(ANYTHING_ELSE))


def _edit(state: State, rest: str, ports: Ports) -> Step:
    if not rest:
        return state, (said(f"Edit what? {NAMES}."),)
    rest = corrected(rest)
    name, _, value = rest.partition(" to ")
    slot = slot_called(name)
    if slot is None and not value:
        # "edit traffic 30 rps": the longest beginning that names a slot.
        words = rest.split()
        for count in range(len(words) - 1, 0, -1):
            if named := slot_called(" ".join(words[:count])):
                slot, value = named, " ".join(words[count:])
                break
    if slot is None:
        new, says = hear(replace(state, pending=None), rest, ports, correcting=True)
        if new.statements == state.statements:
            return state, (said(f"'{rest}' is nothing that I ask about: {NAMES}."),)
        return _reopened(new), says
    opened = replace(_reopened(state), pending=None, later=(), editing=slot.id)
    if not value:
        return (state, question(state, ports)) if state.editing == slot.id else (opened, ())
    new, says = hear(opened, value, ports, correcting=True)
    if new is opened:
        return opened, says
    # What waited for a choice waits on: the edit was about something else.
    waits = new.pending is None and isinstance(state.pending, Clarify) and not _about(state.pending, slot)
    return (replace(new, pending=state.pending, later=state.later, editing=state.editing) if waits else new), says


def _about(open_choice: Clarify, slot: Slot) -> bool:
    return slot_of(open_choice.question.path) is slot or open_choice.change is not None


def _reopened(state: State) -> State:
    """After a plan an edit leads to the review again; the plans stay."""
    return replace(state, phase="review") if state.phase == "planned" else state


def _why(state: State, rest: str, ports: Ports) -> Step:
    named = slot_called(rest) if rest else None
    waits = slot_of(state.pending.question.path) if isinstance(state.pending, Clarify) else None
    if state.phase == "planned" and not state.editing and (rest or not waits):
        return choosing.answer_line(state, f"why {rest}".strip(), ports)
    slot = named or waits or open_slot(state, ports)
    if rest and named is None:
        return state, (said(f"I ask nothing called '{rest}'; there is {NAMES}."),)
    if slot is None:
        return state, (said(f"Say what about: 'why peak', 'why targets', 'why {OFFERED[-1].id}'."),)
    default = default_of(slot, state.values)
    reason = f" ({slot.default_reason})" if slot.default_reason else ""
    blocks = [Paragraph(slot.why)]
    if default:
        blocks.append(Paragraph(f"Without an answer: {default}{reason}.", "quiet"))
    again = question(state, ports) if slot in (waits, open_slot(state, ports)) else ()
    return state, (Talk((Group(tuple(blocks)),)), *again)


def _help(state: State, rest: str, ports: Ports) -> Step:
    if rest and (slot := slot_called(rest)):
        return _why(state, slot.id, ports)
    blocks: list[Facts | Paragraph] = []
    slot = open_slot(state, ports)
    if slot and not state.pending:
        blocks.append(
            Paragraph(f"I am asking for the {slot.id}: {slot.example}. Any other facts are welcome in the same line.")
        )
    if state.phase == "planned":
        blocks.append(Facts(help_planned(ports.files)))
    blocks.append(Facts(help_always(ports.files)))
    return state, (Talk(tuple(blocks)),)


def _review(state: State, rest: str, ports: Ports) -> Step:
    says = review(state, ports)
    if state.phase == "review" and not state.pending and not open_slot(state, ports):
        return state, (*says, said(ANYTHING_ELSE))
    return state, (*says, *question(state, ports))


def _start_over(state: State, rest: str, ports: Ports) -> Step:
    if not state.past:
        return state, (said("Nothing was said yet."), *question(state, ports))
    root = state
    while root.past is not None:
        root = root.past
    return root, (said("Started over; 'back' returns to your answers."),)


def _save(state: State, rest: str, ports: Ports) -> Step:
    if state.phase != "planned":
        kept = " Your answers are kept anyway: 'fleetcast resume' opens them again." if ports.files else ""
        text = f"There is no plan to save yet.{kept}"
        return state, (said(text), *question(state, ports))
    return saving.save(state, rest, ports)


def _quit(state: State, rest: str, ports: Ports) -> Step:
    if not ports.files:
        kept = "The conversation ends here, and nothing of it is kept."
    elif state.past:
        kept = "Your answers are kept: 'fleetcast resume' goes on from here."
    else:
        kept = "Nothing was said, nothing is kept."
    return replace(state, phase="done"), (said(kept),)


EVERYWHERE: Final[Mapping[str, Callable[[State, str, Ports], Step]]] = {
    "edit": _edit,
    "why": _why,
    "explain": _why,
    "help": _help,
    "review": _review,
    "start over": _start_over,
    "save": _save,
    "resume": lambda state, rest, ports: (state, (Resume(),)),
    "quit": _quit,
}
