"""What changes a line that was said before: a number in the place of another, a line that goes on from it."""

import re
from collections.abc import Callable, Sequence
from functools import reduce
from itertools import product
from typing import Final

from agent.collect.amended import Amendment, amended, amendment_in, replacement_in, returned_to, said_otherwise
from agent.collect.assumed import LOADS
from agent.fields.demand import CROWD, HABIT, PEAK, RATE, USERS
from agent.fields.table import FIELDS
from agent.interpret.facts.reading import Reading
from agent.talk.answer_display import value_shown
from agent.talk.keywords import MISTAKEN
from agent.talk.questions import open_slot
from agent.talk.speech import Say, said
from agent.talk.state import Clarify, Ports, State, Step
from catalogs.errors import quoted

Again = Callable[[State, str, Ports], Step]
"""Takes a line as the conversation does: what is amended is said again from the start."""


def amended_line(state: State, text: str, ports: Ports, again: Again) -> tuple[State, str, Say] | None:
    """Return the state with a number in the place of one that was said, what the line says besides, and what is told.

    Returns:
        None where the line amends nothing.
    """
    for part in [] if state.branches else re.split(r"(?<=[.?!;])\s+", text):
        new = _with_amendment(state, part, ports, again)
        if new is None or (new.values, new.pending) == (state.values, state.pending):
            continue
        return new, text.replace(part, "", 1), said(f"Taken as {quoted(part.strip())}{_moved(state, new)}.")
    return None


def _moved(old: State, new: State) -> str:
    """Return which values are others now, with those of before, behind a colon; nothing where none is."""
    before = {path: old.values.get(path) for path in new.values if path in FIELDS and path != HABIT}
    shown = [
        value_shown(path, new.values[path])
        + (f" (before: {value_shown(path, value)})" if value not in (None, ()) else "")
        for path, value in before.items()
        if value != new.values[path]
    ]
    return f": {'; '.join(shown)}" if shown else ""


def _with_amendment(state: State, part: str, ports: Ports, again: Again) -> State | None:
    if otherwise := said_otherwise(state.lines, part):
        return said_anew(state, state.lines, otherwise, ports, again)
    goes_back = returned_to(part)
    amendment = Amendment(goes_back[0], "", True) if goes_back else replacement_in(part) or amendment_in(part)
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
    return None if changed is None else said_anew(state, state.lines, changed, ports, again)


def said_anew(state: State, lines: Sequence[str], changed: tuple[int, str], ports: Ports, again: Again) -> State:
    """Return the state to which lines lead, one of them changed.

    Args:
        state: of the conversation, from whose beginning they are said.
        lines: as they were said.
        changed: which of them is changed, and that line as it is now.
    """
    new = state
    while new.past is not None:
        new = new.past
    for line in (*lines[: changed[0]], changed[1], *lines[changed[0] + 1 :]):
        new, _ = again(new, line, ports)
    return new.turned_to(state.workload)


def joined_line(state: State, text: str, ports: Ports, again: Again) -> "tuple[State, str, Say] | None":
    """Return the state with what a line says read as the end of an earlier one, where only so it is of the load.

    'A turn every 8 s' says nothing alone, and 25 requests/s after '200 calls at once'; 'business hours' is a peak
    after '100k requests a day'.

    Args:
        state: before the line, which has no plan.

    Returns:
        The state, what the line says beside, and what is told; None where it goes on from no line.
    """
    if state.branches or not _PACES.search(text) or text.rstrip().endswith("?") or re.search(MISTAKEN, text, re.I):
        return None
    alone, known = ports.read(text, ports.catalog, known=state.values), state.values
    figures = {words for words in alone.unused if re.search(r"\d", words)}
    # Of people whose number is known, or of calls that are asked about, a rate may be what each asks.
    counted = bool(known.keys() & {USERS, "traffic.concurrency"}) or (
        isinstance(state.pending, Clarify) and state.pending.question.path in LOADS
    )
    each = RATE in alone.values and counted and RATE not in known and not alone.habits
    rests = {text: "", ", ".join(alone.unused): reduce(lambda line, one: line.replace(one, ""), alone.unused, text)}
    lines = state.lines
    near = range(len(lines) - 1, max(-1, len(lines) - 1 - _NEAR), -1) if alone.unused or each else range(0)
    for at, (tail, rest) in product(near, rests.items()):
        before = ports.read(lines[at], ports.catalog)
        load = before.details.get(RATE) or ""
        whole = lines[at].rstrip(" .;,")
        joined = whole.replace(load, f"{load}, {tail}", 1) if load in whole and load else f"{whole}, {tail}"
        both = ports.read(joined, ports.catalog)
        fewer = len(before.unused) + len(alone.unused) - len(both.unused)
        all_read = figures.isdisjoint(both.unused) and fewer >= (len(figures) or not each)
        # What was plain is not made a question.
        moves = _load(before) != _load(both) and (RATE in both.values or RATE not in before.values)
        if all_read and moves and (not each or both.values.get(RATE) != alone.values[RATE]):
            new = said_anew(state, lines, (at, joined), ports, again)
            said_before = {path for path, source in state.sources.items() if source.kind == "said"}
            if said_before - new.values.keys() - CROWD - LOADS:
                continue  # a line that answered what was asked is none without its question
            left = [words for words in both.unused if words not in before.unused]
            unused = f" Not used: {', '.join(map(quoted, left))}." if left else ""
            return new, rest, said(f"Taken with {quoted(lines[at])}{_moved(state, new)}.{unused}")
    return None


_PACES: Final = re.compile(
    r"\b(?:(?:office|business|working|opening|work) hours|weekdays?|workdays?|working days?)\b|"
    r"\d.*(?:%(?! (?:of the time|du temps|der zeit|del tiempo|hits?|cached?)\b)|"
    r"\b(?:every|each|per|alle|jede\w*|pro|toutes|tous|par|cada|por|an? (?:day|hour|minute|shift|week))\b)|"
    r"\b(?:every|each|alle|jede\w*|toutes|tous|cada)\b.*\d|"
    r"\b\d{1,2}(?::\d\d)? ?(?:h|am|pm)?(?: ?[-–] ?| (?:to|and|until|bis|à) )\d{1,2}(?::\d\d)? ?(?:h|am|pm|uhr)?\W*$",
    re.I,
)
"""Figures of how often somebody asks, which part of them, or in which hours of the day."""
_NEAR: Final = 3
"""Lines back to which a line may go on."""


def _load(reading: Reading) -> tuple[object, ...]:
    """Return how much there is by a line, and what it leaves open of that."""
    open_ = (choice.label for one in reading.questions if one.path in LOADS for choice in one.choices)
    return (*(reading.values.get(path) for path in (*sorted(LOADS), USERS, PEAK)), *open_)
