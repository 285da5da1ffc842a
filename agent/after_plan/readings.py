"""What a line after a plan is: a request that rules read in it, an act that the classifier names, or neither surely."""

import re
from typing import Final

from agent.after_plan.acts.classifier import Guess
from agent.after_plan.replies.table import REPLIES
from agent.talk.requests import Ask, Cheapest, Compare, CompareBranches, Keep, Show, Unclear, Understood, WhatIf, Why
from catalogs.errors import quoted

SURE: Final = 0.5
"""Probability from which an act is answered: five in six phrasings that were left out of learning reach it, and six in
seven of those are right; below it the two likeliest are offered."""
_OVERRULES: Final = 0.9
"""Probability from which an act is answered although rules read a change in the line."""
_CHANGES: Final = frozenset({"change", "compare", "cheapest", "keep"})
ANSWERED: Final = frozenset({*REPLIES, "why", "why_not", "cheapest", "show", "export", "help", "keep"})
"""Acts that a line can be answered as; a change and a comparison need values that rules must find."""
_ASKS: Final = re.compile(
    r"\?\s*$|^\W*(?:(?:and|but|so|ok|okay)\W+)*(?:is|are|do|does|did|can|could|will|would|should|how|which|where|when|who|"
    r"what(?! (?:if|about)\b))\b",
    re.I,
)


def is_request(text: str, read: Understood, likely: tuple[Guess, ...]) -> bool:
    """Return whether a line is the request that rules read in it.

    Args:
        text: the line.
        read: what the rules made of it.
        likely: its acts, the likeliest first.
    """
    first = likely[0]
    match read.request:
        case Keep() | Show() | CompareBranches() | Compare():
            return True
        case Why():
            return first.act in ("why", "why_not") or bool(re.match(r"\W*(?:and |but )?(?:why|how come)\b", text, re.I))
        case WhatIf() | Cheapest() | Ask():
            plain = not _ASKS.search(text) and not read.unused and first.probability < _OVERRULES
            return first.act in _CHANGES or plain
        case Unclear(_, nothing):
            return not nothing or (bool(read.notes) and (first.act == "change" or first.probability < SURE))


def is_change(read: Understood) -> bool:
    """Return whether the rules read values of a variant."""
    return isinstance(read.request, WhatIf | Cheapest | Ask)


def did_you_mean(text: str, likely: tuple[Guess, ...]) -> tuple[tuple[str, ...], str]:
    """Return the two likeliest acts of a line, and the question which it is.

    Args:
        text: the line.
        likely: its acts, the likeliest first.
    """
    offered = [guess for guess in likely if guess.act in ANSWERED][:2]
    readings = " or ".join(f"{number}: {guess.reads} ('{guess.ask}')" for number, guess in enumerate(offered, start=1))
    lead = f"I am not sure what {quoted(text)} asks of the plan."
    return (
        tuple(guess.act for guess in offered),
        f"{lead} Did you mean {readings}? A number chooses; 'help' lists more.",
    )
