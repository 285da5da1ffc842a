"""What changes a line that was said before: a number in the place of another, the next row of a table."""

import re
from collections.abc import Callable

from agent.collect.amended import amended, amendment_in, returned, returned_to
from agent.fields.table import FIELDS
from agent.talk.answer_display import value_shown
from agent.talk.questions import open_slot
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
    amendment = amendment_in(part)
    if amendment is None or (isinstance(state.pending, Clarify) and amendment.number in "12345678"):
        return None
    slot = open_slot(state, ports)
    asked_path = None if amendment.plain or slot is None else slot.path
    reading = ports.read(part, ports.catalog, asked_path=asked_path, known=state.values)
    lines = state.lines
    if reading.said_values or (changed := amended(lines, amendment)) is None:
        return None
    new = state
    while new.past is not None:
        new = new.past
    for line in (*lines[: changed[0]], changed[1], *lines[changed[0] + 1 :]):
        new, _ = again(new, line, ports)
    return new
