"""What came of a sentence: said values, questions, what was not used, and what cannot be meant."""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

TODAY: Final = "Today,"
"""With which the note on what runs now begins."""
COLLECTIONS = frozenset({"targets", "hardware.accelerators", "hardware.excluded", "money.excluded_providers"})
"""Paths whose value is a tuple, to which several places of a sentence may add."""


class SaidValue(Struct, frozen=True):
    """One value that a sentence gave; said twice alike, it is twice one value."""

    path: str
    """In WorkloadSpec, such as traffic.requests_per_s; ``preset`` for a kind of traffic."""
    value: Any
    """In base units. For a collection: a tuple of what was said at this place."""
    words: str
    """The span of the sentence from which it was read, as typed."""
    echo: str
    """What was understood, with the sum: 5,000,000 / 86,400 s = 57.9 requests/s on average."""
    start: int = 0
    """Where the span begins in the sentence."""


class Choice(Struct, frozen=True):
    """One of the things that may have been meant."""

    value: Any
    """For the question's path; None where something has to be asked first."""
    label: str
    path: str = ""
    """Where it is of another path than the question."""
    usual: bool = False
    """Taken by someone who does not know."""
    also: Mapping[str, Any] = {}
    """What follows from it for other paths: a load that is always at its peak has a peak factor of 1."""
    then: tuple["Ambiguity", ...] = ()
    """What has to be asked where it is taken."""


class Ambiguity(Struct, frozen=True):
    """Something that was said and may mean several things: nothing is filled until it is answered."""

    text: str
    path: str
    choices: tuple[Choice, ...]
    words: str
    start: int = 0


class Reading(Struct, frozen=True):
    """All that one sentence gave, each part in the order in which it was said."""

    said_values: tuple[SaidValue, ...] = ()
    questions: tuple[Ambiguity, ...] = ()
    unused: tuple[str, ...] = ()
    """What was said and not used, as typed: every number, name and word that could have changed a plan."""
    objections: tuple[str, ...] = ()
    """What was said and cannot be meant: negative, impossible, or far from anything usual."""
    notes: tuple[str, ...] = ()
    """What was understood and is no field of a plan, out of scope, or guessed: a sentence each."""
    habits: tuple[SaidValue, ...] = ()
    """How many users there are, and how often each asks: no fields of a plan, but of the rate that follows."""
    elsewhere: float = 0.0
    """Probability that the line is about something else than serving language models; 0 where it fills nothing."""

    @property
    def values(self) -> Mapping[str, Any]:
        """Values by path; a collection holds what all its said values gave."""
        values: dict[str, Any] = {}
        for said_value in self.said_values:
            if said_value.path in COLLECTIONS:
                before = values.get(said_value.path, ())
                values[said_value.path] = (*before, *(part for part in said_value.value if part not in before))
            else:
                values[said_value.path] = said_value.value
        return values

    @property
    def details(self) -> Mapping[str, str]:
        """The words behind each value, by path."""
        details: dict[str, str] = {}
        for said_value in self.said_values:
            details[said_value.path] = (
                f"{details[said_value.path]}; {said_value.words}" if said_value.path in details else said_value.words
            )
        return details
