"""Which question is open, how it is put, and when its default is the answer."""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from agent.report.blocks import Block, Bullets, Group, Paragraph
from agent.talk.answer_display import answer_shown
from agent.talk.slots import ASKED, BY_ID, Slot, asking, default_of, is_answered, slot_of
from agent.talk.speech import Say, Talk, said
from agent.talk.state import Clarify, Ports, Propose, State, without
from catalogs.errors import InputError
from engine.workload import FLEET

_CHOOSE: Final = re.compile(
    r"(please )?(just )?(you )?(choose|pick|decide)( one)?( for me)?( please)?|any( of them| gpus?| accelerators?)?|"
    r"whatever( (works|is (cheapest|best)))?|no preference|(i )?don'?t (care|mind)|(it )?does ?n'?o?t matter|"
    r"(the )?(cheapest|best)( (one|gpu|possible|you have))?|as cheap(ly)? as (possible|it gets)|auto(matic)?|"
    r"all( of them)?",
    re.I,
)
_OWN: Final = re.compile(
    r"(the )?(native|own|as (it )?is|same|original|checkpoint'?s?( own)?|its own|whatever it is)", re.I
)
_MOST: Final = re.compile(
    r"(the )?(most|max(imum)?|largest|highest)( rate)?( (it|they|this) (holds?|can|carr(y|ies)))?|"
    r"as much as (possible|it can)",
    re.I,
)
_KEEPS_DEFAULT: Final = {"accelerator": _CHOOSE, "precision": _OWN, "traffic": _MOST}


_ORDINALS: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "newest": 1, "latest": 1}
"""The newest of several models comes first."""
_AROUND: Final = re.compile(
    r"^(?:(?:the|take|option|number|choice|ok|then) )+| (?:one|option|choice|version|model|please)$"
)


def choice_said(text: str, count: int) -> int:
    """Return which of some choices a line takes by its number, from 1; 0 for any other line.

    Args:
        text: the line: '2', 'the second option', 'last'.
        count: how many there are.
    """
    name = _AROUND.sub("", " ".join(text.lower().strip(" .!#()").split()))
    number = _ORDINALS.get(name) or (int(name) if name.isascii() and name.isdecimal() and len(name) < 3 else 0)
    number = count if name == "last" else number
    return number if number <= count else 0


def open_slot(state: State, ports: Ports) -> Slot | None:
    """Return the question that comes next; None when nothing has to be asked, or only what waits to be asked again."""
    if state.editing:
        return BY_ID[state.editing]
    values = state.values
    answers = (path for one in state.waiting for path in (one.path, *(one.choices[0].also if one.choices else ())))
    waiting = {slot for path in answers if (slot := slot_of(path))}
    for slot in ASKED:
        if slot.id in state.settled or is_answered(slot, values) or slot in waiting:
            continue
        if slot.id == "precision" and names_checkpoint(values, ports):
            continue
        return slot
    return None


def open_slots(state: State, ports: Ports) -> tuple[Slot, ...]:
    """Return every question that is still to be asked, in order."""
    slots: list[Slot] = []
    state = replace(state, editing=None, waiting=())
    while (slot := open_slot(state, ports)) is not None:
        slots.append(slot)
        state = replace(state, settled=state.settled | {slot.id})
    return tuple(slots)


def names_checkpoint(values: Mapping[str, Any], ports: Ports) -> bool:
    """Return whether the model's name says its precision already."""
    if "model" not in values or values.get("architecture") is not None:
        return False
    try:
        return ports.catalog.model(str(values["model"])).checkpoint is not None
    except InputError:
        return False


def question(state: State, ports: Ports) -> tuple[Say, ...]:
    """Return the words of the question that is open; nothing where none is."""
    match state.pending:
        case Clarify(ambiguity):
            choices = tuple(f"{number}: {choice.label}" for number, choice in enumerate(ambiguity.choices, start=1))
            blocks: tuple[Block, ...] = (Paragraph(ambiguity.text), *((Bullets(choices),) if choices else ()))
            return (Talk((Group(blocks),)),)
        case Propose(_, _, text):
            return (said(f"{text} Enter or yes takes it."),)
        case None:
            slot = open_slot(state, ports)
            if slot is None:
                return ()
            answer = answer_shown(slot, state.values) if kept_on_enter(slot, state) else ""
            return (asking(slot, state.values, answer),)
        case named:
            return (said(named.text),)


def kept_on_enter(slot: Slot, state: State) -> bool:
    """Return whether Enter leaves an answer as it is: it is asked again and was given."""
    return state.editing == slot.id and is_answered(slot, state.values)


def keeps_default(slot: Slot, text: str, values: Mapping[str, Any]) -> bool:
    """Return whether an answer says that a question's default may stand."""
    pattern = _KEEPS_DEFAULT.get(slot.id)
    return bool(default_of(slot, values) and pattern and pattern.fullmatch(text.strip().rstrip(".!")))


def settled(state: State, slot: Slot) -> State:
    """Return the state with a question's default kept: what was said about it is taken back."""
    # A fleet that was given is no answer about which accelerator: "8 GPUs, choose for me".
    paths = {path for path in slot.paths if path not in FLEET} if slot.id == "accelerator" else set(slot.paths)
    return replace(
        state,
        statements=without(state.statements, paths),
        settled=state.settled | {slot.id},
        pending=None,
        editing=None if state.editing == slot.id else state.editing,
    )


def default_said(slot: Slot, values: Mapping[str, Any]) -> str:
    """Return a default and its reason as a sentence."""
    default = default_of(slot, values)
    reason = f" ({slot.default_reason})" if slot.default_reason and default == slot.default else ""
    return f"{slot.id.capitalize()}: {default}{reason}."
