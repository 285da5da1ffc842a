"""The record of one field of the question: its flag, reader, label, unit, range and question."""

from collections.abc import Callable
from typing import Any, TypeAlias

from msgspec import Struct

from agent.fields.readers import read_names
from catalogs.units import show_count

Read: TypeAlias = Callable[[str, str], Any]
"""Text and what it is called → a value in the spec's units; raises InputError."""
Show: TypeAlias = Callable[[Any], str]
"""A value → how people read it."""


class Plausible(Struct, frozen=True):
    """The range of a value that someone may mean in a sentence; outside it the value is objected to, never filled."""

    lowest: float
    highest: float
    noun: str
    """What stands after the value: 'requests/s'."""
    whole: bool = False
    """Whether a fraction cannot be meant."""


class Absent(Struct, frozen=True):
    """What a field is where someone wants none of it."""

    value: Any
    echo: str
    """What is said back to 'none' where the field is asked; empty where 'none' keeps the default."""
    words: str
    """Pattern of what a what-if leaves out: 'without growth'."""
    label: str
    """What such a variant is called: 'no growth'."""


class Flag(Struct, frozen=True):
    """A flag of the command line; without a name, a field that only files and sentences state."""

    path: str
    """The field of the spec, by dotted path."""
    flag: str = ""
    read: Read | None = None
    """How a text becomes the value, behind the flag and in a spec file."""
    metavar: str = ""
    help: str = ""

    @property
    def adds(self) -> bool:
        """Whether the flag may be repeated, each adding to the others."""
        return self.read is read_names


class Field(Flag, frozen=True, kw_only=True):
    """One field of the question."""

    label: str = ""
    """What the report calls it."""
    show: Show = show_count
    unit: str = ""
    """What stands after the value in the report."""
    answer: str = ""
    """The pattern of an answer in the conversation: '{} on average'; by default the field's name before the value."""
    slot: str = ""
    """The question that asks for it (``agent.talk.slots``); of its fields the first is what a bare answer means."""
    answers: bool = False
    """Whether the question counts as answered once this field is given."""
    plausible: Plausible | None = None
    absent: Absent | None = None
    what_if: str = ""
    """The pattern of a variant's label; by default the answer's."""
    missing: str = ""
    """What is asked for where it is required and not given, with the flags that give it."""
    quiet: bool = False
    """Left out of the report unless stated: it changes nothing by default, or stands elsewhere."""
    of_replica: bool = False
    """Whether it says something about one replica, so that `estimate` has its flag too."""
