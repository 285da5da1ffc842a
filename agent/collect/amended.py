"""Numbers that somebody takes back: 'no sorry, 450', 'make that 12', 'fine, 500 ms', 'no, forty chats'.

The number goes where one with the same unit was said last, and the conversation is led again with the line that holds
it: whatever followed from that line follows anew. A bare number needs a word of taking back before it and a line with
one number alone; else it is an answer to what is asked.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from msgspec import Struct

from agent.collect.said_values import RATE, with_values
from agent.fields.demand import CROWD
from agent.interpret.words.numerals import NUMBER_WORDS
from agent.talk.state import Ports, State

_WORD: Final = "|".join((*NUMBER_WORDS, "hundred", "thousand", "million"))
_NUMBER: Final = rf"(?:\d[\d.,]*\d|\d)(?:\s?[km](?![^\W\d_]))?|\b(?:{_WORD})(?:(?: and)?[ -](?:{_WORD}))*\b"
_UNIT: Final = r"[^\W\d_]+|%"
_COUNTED: Final = re.compile(rf"(?<![\w.,-])(?P<number>{_NUMBER})(?:\s?(?P<unit>{_UNIT}))?(?![\w-])", re.I)
_TAKES_BACK: Final = (
    r"no|nope|nah|sorry|oops|wait|pardon|non|nein|actually|rather|correction|scratch that|i mean|i meant|"
    r"make (?:it|that)|quatsch|doch|perdón|mejor|plutôt|lieber|eher"
)
_LEADS: Final = r"ok|okay|fine|well|hm+|say|let'?s say|and|then|alright|all right"
_AMENDS: Final = re.compile(
    rf"\W*(?P<leads>(?:(?:{_TAKES_BACK}|{_LEADS})\b\W*)+)(?P<number>{_NUMBER})(?:\s?(?P<unit>{_UNIT}))?"
    r"(?:\s+(?:instead|then|please|after all|rather|bitte|though|not \S+(?: \S+)?|(?:is|are|will|would)(?: be)? "
    r"(?:enough|do|plenty|fine|sufficient|better|right)|reicht|suffit))*\W*",
    re.I,
)
_EVERY: Final = re.compile(r"\b(?:every|per|alle|toutes les|tous les|cada) $", re.I)
"""Before how long it is until something comes again, which is no latency."""
_RETURNS: Final = re.compile(
    rf"\W*(?:(?:{_TAKES_BACK}|{_LEADS})\b\W*)*(?:back to (?P<number>{_NUMBER})|(?P<right>{_NUMBER}) (?:was|is) "
    r"(?:right|correct|fine)(?: after all)?)\W*",
    re.I,
)


class Amendment(Struct, frozen=True):
    """A number that takes the place of one that was said."""

    number: str
    """As typed."""
    unit: str
    """The word behind it, in lower case; empty for a bare number."""
    plain: bool
    """It takes something back in so many words, so that it answers no question."""


def amendment_in(part: str) -> Amendment | None:
    """Return the number that a sentence puts in another's place; None where it says more, or less.

    Args:
        part: one sentence of a line.
    """
    match = _AMENDS.fullmatch(part)
    if match is None:
        return None
    plain = re.search(rf"\b(?:{_TAKES_BACK})\b", match["leads"], re.I) is not None
    unit = (match["unit"] or "").lower()
    return Amendment(match["number"], unit, plain) if plain or unit else None


def returned_to(part: str) -> str | None:
    """Return the number to which a sentence goes back: '10' of 'hm, back to 10' and of '10 was right'.

    Args:
        part: one sentence of a line.
    """
    match = _RETURNS.fullmatch(part)
    return (match["number"] or match["right"]) if match else None


def amended(lines: Sequence[str], amendment: Amendment) -> tuple[int, str] | None:
    """Return which line an amendment changes, and that line with it; None where no single number can be meant.

    Args:
        lines: of the conversation, the oldest first.
        amendment: the number and its unit.
    """
    for at in range(len(lines) - 1, -1, -1):
        numbers = [one for one in _COUNTED.finditer(lines[at]) if not _EVERY.search(lines[at][: one.start()])]
        meant = [one for one in numbers if _of_a_kind((one["unit"] or "").lower(), amendment.unit)]
        if not amendment.unit:
            meant = numbers
        if len(meant) == 1:
            start, end = meant[0].start(), meant[0].end("unit" if amendment.unit else "number")
            said = amendment.number + (f" {amendment.unit}" if amendment.unit else "")
            return at, lines[at][:start] + said + lines[at][end:]
        if meant or not amendment.unit:
            return None
    return None


_BRIEF: Final = frozenset("ms msec millisecond milliseconds s sec secs second seconds".split())
"""Units of latencies, which go for one another: 500 ms after 1.2 s."""


def amended_clause(lines: Sequence[str], amendment: Amendment) -> str:
    """Return the clause that an amendment changes, with it: '500 ms ttft' of '10 ms ttft'; empty where none is meant.

    Args:
        lines: of the conversation, the oldest first.
        amendment: the number and its unit.
    """
    if (changed := amended(lines, amendment)) is None:
        return ""
    at, line = changed
    place = next((index for index, (new, old) in enumerate(zip(line, lines[at], strict=False)) if new != old), 0)
    ends = [match.span() for match in _CLAUSE_ENDS.finditer(line)]
    start = max((end for _, end in ends if end <= place), default=0)
    return line[start : min((first for first, _ in ends if first >= place), default=len(line))].strip()


_CLAUSE_ENDS: Final = re.compile(r"[,.:;!?](?=\s|$)|\n")


def _of_a_kind(unit: str, other: str) -> bool:
    return bool(unit) and (unit.removesuffix("s") == other.removesuffix("s") or {unit, other} <= _BRIEF)


def returned(state: State, number: str, ports: Ports) -> State | None:
    """Return the state with the one value that was said with a number before, and is another now; else None.

    Args:
        state: before the plan.
        number: as typed.
        ports: of the conversation, to what lies outside it.
    """
    found: dict[str, tuple[Any, str]] = {}
    past = state.past
    while past is not None:
        for statement in past.statements:
            for path, words in statement.details.items() if statement.kind == "said" else ():
                numbers = {match["number"] for match in _COUNTED.finditer(words)}
                value = statement.values.get(path)
                if number in numbers and value not in (None, state.values.get(path)):
                    found.setdefault(path, (value, words))
        past = past.past
    if not found or (len(found) > 1 and not found.keys() <= _CROWD_AND_RATE):
        return None
    values = {path: value for path, (value, _) in found.items()}
    return with_values(state, values, {path: words for path, (_, words) in found.items()}, ports)


_CROWD_AND_RATE: Final = CROWD | {RATE}
"""How many there are, what each does and the rate that follows go back together."""
