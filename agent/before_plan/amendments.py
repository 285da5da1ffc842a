"""What changes a line that was said before: a number in the place of another, before the plan and after it."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from agent.after_plan.answers import answer_request, with_kept
from agent.after_plan.lines import choosing
from agent.after_plan.whatif import understood
from agent.collect.amended import (
    TAKES_BACK,
    amended,
    amendment_in,
    replacement_in,
    returned,
    returned_to,
    said_again,
    value_of,
)
from agent.collect.assumed import assumed
from agent.fields.demand import CROWD, GIVEN_AS, USERS
from agent.fields.table import FIELDS
from agent.interpret.traffic.peaks import load_shown
from agent.interpret.traffic.scope import RATE
from agent.talk.answer_display import value_shown, variant_shown
from agent.talk.questions import open_slot
from agent.talk.requests import Understood, Variation, WhatIf
from agent.talk.speech import Say, said
from agent.talk.state import Clarify, Ports, State, Step
from catalogs.errors import quoted

Again = Callable[[State, str, Ports], Step]
"""Takes a line as the conversation does: what is amended is said again from the start."""


def amended_line(state: State, text: str, ports: Ports, again: Again) -> tuple[State, str, Say] | None:
    """Return the state with a number in the place of one that was said, what the line says besides, and what is told.

    Args:
        state: before the line.
        text: the line.
        ports: of the conversation, to what lies outside it.
        again: takes the lines that were said, one of them amended.

    Returns:
        None where the line amends nothing.
    """
    for part in [] if state.branches else re.split(r"(?<=[.?!;])\s+", text):
        new = _with_amendment(state, part, ports, again)
        if new is None or new.values == state.values:
            continue
        shown = [
            f"{value_shown(path, value)} (before: {value_shown(path, state.values[path])})"
            for path, value in new.values.items()
            if path in FIELDS and state.values.get(path) not in (None, (), value)
        ]
        told = said(f"Taken as {quoted(part.strip())}{': ' if shown else ''}{'; '.join(shown)}.")
        return new, text.replace(part, "", 1), told
    return None


def _with_amendment(state: State, part: str, ports: Ports, again: Again) -> State | None:
    if (number := returned_to(part)) is not None:
        return returned(state, number, ports)
    amendment = replacement_in(part) or amendment_in(part)
    if amendment is None:
        return None
    if not amendment.old:
        if isinstance(state.pending, Clarify) and amendment.number in "12345678":
            return None
        slot = open_slot(state, ports)
        asked_path = None if amendment.plain or slot is None else slot.path
        if ports.read(part, ports.catalog, asked_path=asked_path, known=state.values).said_values:
            return None
    changed = amended(state.lines, amendment)
    return None if changed is None else _said_again(state, state.lines, changed, ports, again)


def _said_again(state: State, lines: Sequence[str], changed: tuple[int, str], ports: Ports, again: Again) -> State:
    """Return the state to which lines lead, one of them changed."""
    new = state
    while new.past is not None:
        new = new.past
    for line in (*lines[: changed[0]], changed[1], *lines[changed[0] + 1 :]):
        new, _ = again(new, line, ports)
    return new


_NUMBERS: Final = re.compile(r"(?<![\w.,])\d[\d.,]*k?(?![\w]*\d)")
_LEANS: Final = re.compile(
    r"\W*(?:and|or|what about|how about|und|et|y|e)\W+(?:with |at |for )?(?P<number>\d[\d.,]*k?)\W*", re.I
)
"""A number alone that goes on from the last variant: 'and 30?' after 'what if 25 rps'."""
_OF_THE_LOAD: Final = CROWD | {RATE, "traffic.concurrency", GIVEN_AS}
"""What one figure among several makes: read alone it would stand for all of the load."""


def _added_users(state: State, text: str, read: Understood) -> str:
    """Return a line that adds people in the words for it: 'plus 120 paralegals'; nothing where it adds none."""
    values = read.request.change.values if isinstance(read.request, WhatIf) else {}
    more, old = values.get(USERS), state.base.values.get(USERS)
    if not more or not old or not _ADDS_THEM.search(text) or "users +" in read.request.change.label:  # type: ignore[union-attr]
        return ""
    return f"{more:g} more users" if any(value_of(one[0]) == more for one in _NUMBERS.finditer(text)) else ""


_ADDS_THEM: Final = re.compile(
    r"^\W*\+|\b(?:plus|another|additional\w*|extra|more|further|on top|joins?|joining|hir(?:e|ing)|com(?:e|es|ing) "
    r"(?:too|on board|along|as well))\b",
    re.I,
)


def amended_plan(state: State, text: str, ports: Ports, again: Again) -> "Step | None":
    """Answer a line after the plan that puts a number in the place of one that was said: a variant with what follows.

    Args:
        state: with a plan.
        text: the line: '300 calls, not 200'.
        ports: of the conversation, to what lies outside it.
        again: takes the lines that were said, one of them amended.

    Returns:
        None where the line amends nothing that was said.
    """
    last = list(_NUMBERS.finditer(state.line)) if len(state.branches) > 1 else []
    if (leans := _LEANS.fullmatch(text)) and len(last) == 1:
        return choosing.answer_line(
            state, state.line[: last[0].start()] + leans["number"] + state.line[last[0].end() :], ports
        )
    part = next((one for one in re.split(r"(?<=[.?!;])\s+", text) if replacement_in(one)), text)
    amendment = replacement_in(part)
    if amendment is not None:
        changed = amended(state.lines, amendment)
    else:
        read = understood(text, state.base.values, ports)
        if more := _added_users(state, text, read):
            return choosing.answer_line(state, more, ports)
        whole = isinstance(read.request, WhatIf) and not read.unused
        of_load = whole and read.request.change.values.keys() <= _OF_THE_LOAD  # type: ignore[union-attr]
        changed = said_again(state.lines, text) if of_load or not whole else None
    if changed is None:
        return None
    before = state
    while before.phase == "planned" and before.past is not None:
        before = before.past
    if changed[0] >= len(before.lines):
        return choosing.answer_line(state, changed[1], ports)
    old = assumed(before, ports).state.values
    new = assumed(_said_again(before, before.lines, changed, ports, again), ports).state.values
    beside = ports.read(amendment.beside if amendment else "", ports.catalog, known=state.base.values)
    values = {path: value for path, value in new.items() if value != old.get(path)}
    values |= {path: value for path, value in beside.values.items() if path in FIELDS.keys() - {*values, "preset"}}
    if not values:
        return None
    label = ", ".join(
        load_shown(value, new) if path == RATE else variant_shown(path, value)
        for path, value in values.items()
        if path == USERS or (path in FIELDS and path not in CROWD)
    )
    variation = Variation(values, dict.fromkeys(values, part), label, frozenset(old.keys() - new.keys()))
    made, answer = answer_request(state, WhatIf(variation), ports)
    if made is not state and made.pending is None and (amendment or TAKES_BACK.search(text)):
        made, kept = with_kept(made, None)
        answer = (*answer[:-1], *kept)
    rest = text.replace(part, "", 1)
    after, told = choosing.answer_line(made, rest, ports) if any(map(str.isalnum, rest)) else (made, ())
    return after, (*answer, *told)
