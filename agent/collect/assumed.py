"""What a plan assumes where nobody said it, so that a question about the plan need not wait for every answer.

A reading that was asked about becomes the usual one, lengths those of the kind of traffic, the rest its default. A
model and a rate are never made up: without them there is no plan, but what was proposed and passed over is taken.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from agent.collect.lines import clarified
from agent.collect.proposals import nearest_preset
from agent.fields.demand import USERS
from agent.interpret.beside_wish.proposed import PROPOSED
from agent.interpret.domain import DOUBT
from agent.interpret.facts.reading import Ambiguity, Choice
from agent.talk.answer_display import value_shown
from agent.talk.presets import preset_values, stated
from agent.talk.questions import open_slots, settled
from agent.talk.slots import Slot, default_of, slot_called, slot_of
from agent.talk.state import Clarify, Ports, Propose, State, without
from catalogs.errors import InputError, quoted

_ANY_DOES: Final = ("money", "accelerator")
"""Questions whose alternatives are all as good: where none was chosen, all are open."""


class Assumption(Struct, frozen=True):
    """A state with all assumed that can be."""

    state: State
    words: tuple[str, ...]
    """What was assumed, each by the name of its question."""
    missing: tuple[Slot, ...]
    """Questions that only an answer settles; with one of them there is no plan."""


def assumed(state: State, ports: Ports) -> Assumption:
    """Return a state before the plan with all assumed that nobody said.

    Args:
        state: with questions open, or readings pending.
    """
    waits = (*((state.pending.question,) if isinstance(state.pending, Clarify) else ()), *state.later, *state.waiting)
    known = any(value not in (None, ()) for path, value in state.values.items() if path != USERS)
    if not known and not (state.values.get(USERS) and any(one.path == "model" for one in waits)):
        # Of readings alone no plan is made, nor of people who may be guests at a wedding.
        return Assumption(state, (), tuple(slot for slot in open_slots(state, ports) if not default_of(slot, {})))
    words: list[str] = []
    new = with_waiting_asked(replace(state, editing=None))
    if isinstance(new.pending, Propose):
        new = accepted(new, new.pending)
        if (slot := slot_called(state.pending.slot)) and state.pending.statement.values:  # type: ignore[union-attr]
            words.append(f"{slot.id} {value_shown(slot.path, new.values[slot.path])}")
    while isinstance(asks := new.pending, Clarify):
        if load_is_said(asks.question, new.values):
            new = replace(new, pending=Clarify(new.later[0]) if new.later else None, later=new.later[1:])
        elif _only_said(asks.question) and (slot := slot_of(asks.question.path)) is not None:
            return Assumption(state, (), (slot,))
        else:
            new, said = _settled_reading(new, asks.question, ports)
            words.append(said)
    missing: list[Slot] = []
    for slot in open_slots(new, ports):
        preset = nearest_preset(new, ports)
        values = preset_values(preset, slot) if preset else {}
        if default := default_of(slot, new.values):
            new = settled(new, slot)
            words.append(f"{slot.id} {default}")
        elif preset and values:
            new = replace(new, statements=(*new.statements, stated(preset, values)))
            words.append(f"{slot.id} {value_shown(slot.path, new.values[slot.path])}, as for {preset.name.lower()}")
        else:
            missing.append(slot)
    return Assumption(new, tuple(words), tuple(missing))


def with_waiting_asked(state: State) -> State:
    """Return the state with what was passed over asked behind what is asked now."""
    if not state.waiting or not isinstance(state.pending, Clarify | None):
        return state
    asked = (*((state.pending.question,) if state.pending else ()), *state.later, *state.waiting)
    return replace(state, pending=Clarify(asked[0]), later=asked[1:], waiting=())


def load_is_said(asked: Ambiguity, values: Mapping[str, Any]) -> bool:
    """Return whether a question after the load has its answer: 'signed in, 4 questions an hour each' says the rate.

    Args:
        asked: the question; which of two loads holds has no answer in either of them.
        values: by path, as they are now.
    """
    return asked.path in LOADS and not asked.text.startswith("You said") and any(values.get(path) for path in LOADS)


LOADS: Final = frozenset({"traffic.requests_per_s", "traffic.concurrency"})
"""Either says how much there is to serve."""


def accepted(state: State, offered: Propose) -> State:
    """Return the state with what was proposed taken; it may be said over later, as a preset's values may."""
    slot = slot_called(offered.slot)
    assert slot is not None
    if not offered.statement.values:
        return settled(state, slot)
    statements = (*without(state.statements, set(slot.paths)), offered.statement)
    editing = None if state.editing == slot.id else state.editing
    return replace(state, statements=statements, pending=None, editing=editing)


def _settled_reading(state: State, ambiguity: Ambiguity, ports: Ports) -> tuple[State, str]:
    """Take the usual reading of what was asked about; leave it out where none is usual."""
    left_out = replace(state, pending=Clarify(state.later[0]) if state.later else None, later=state.later[1:])
    choice = _usual(ambiguity, state.values)
    if choice is None:
        return left_out, f"{quoted(ambiguity.words)} left out"
    try:
        return clarified(state, ambiguity, choice, ports), f"for {quoted(ambiguity.words)}, {choice.label}"
    except InputError:
        return left_out, f"{quoted(ambiguity.words)} left out"


def _usual(ambiguity: Ambiguity, values: Mapping[str, Any]) -> Choice | None:
    """Return the reading to assume: the usual one; of two paths the one that was not said otherwise.

    With prompts of 2,000 tokens said, '50 tokens' are the answer's.
    """
    slot = slot_of(ambiguity.path)
    if ambiguity.text.endswith(PROPOSED):
        return next((one for one in ambiguity.choices if one.value and not one.usual), None)

    def rank(one: Choice) -> tuple[bool, bool]:
        return bool(one.path) and values.get(one.path) is not None, not one.usual

    choices = sorted((one for one in ambiguity.choices if one.value is not None), key=rank)
    named = " ".join(str(one.value) for one in choices if ambiguity.path == "model")
    several = len({*re.findall(r"\b\d[\d.]*b\b", named)}) > 1  # 'qwen 2.5' is not its smallest
    no_better = several or (slot and slot.id in _ANY_DOES)
    if not choices or ambiguity.text.endswith(DOUBT) or (no_better and not choices[0].usual):
        return None
    return choices[0]


def _only_said(ambiguity: Ambiguity) -> bool:
    """Whether readings of a load are so far apart, none of them usual, that the first is no better than another."""
    loads = [one.value for one in ambiguity.choices if (one.path or ambiguity.path) in LOADS and one.value]
    return len(loads) > 1 and not any(one.usual for one in ambiguity.choices) and max(loads) > _FAR * min(loads)


_FAR: Final = 3.0
"""Times between two readings of a load from which neither is assumed, by judgement: an hour and a day are 24."""
