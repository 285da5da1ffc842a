"""What can be asked of a plan, as typed requests."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from msgspec import Struct, field

from agent.interpret.facts.reading import Ambiguity


class Variation(Struct, frozen=True):
    """Values that a variant sets, over those of the plan that it changes."""

    values: Mapping[str, Any]
    details: Mapping[str, str]
    """By path: the words."""
    label: str
    drops: frozenset[str] = frozenset()
    """Paths that it leaves open again."""
    chained: bool = False
    """'and …': it changes the last variant, not the kept plan."""


class WhatIf(Struct, frozen=True):
    """One variant."""

    change: Variation


class Cheapest(Struct, frozen=True):
    """The cheapest fleet among all accelerators, under a budget where one was said."""

    change: Variation


class Compare(Struct, frozen=True):
    """Several variants beside each other."""

    changes: tuple[Variation, ...]


class CompareBranches(Struct, frozen=True):
    """Plans of this conversation beside each other; none named: all."""

    numbers: tuple[int, ...]


class Why(Struct, frozen=True):
    """A figure or a choice of the plan to explain."""

    subject: str


class Keep(Struct, frozen=True):
    """Make a variant the plan; the last one if none is named."""

    number: int | None


class Show(Struct, frozen=True):
    """Show a plan again, in full or as its screenful."""

    number: int | None
    full: bool


class Ask(Struct, frozen=True):
    """A what-if that leaves a choice open: the change so far, and what to ask."""

    change: Variation
    questions: tuple[Ambiguity, ...]


class Unclear(Struct, frozen=True):
    """What cannot be made into a request, and why."""

    text: str
    nothing: bool = False
    """No word of the line was understood as a change."""


Request: TypeAlias = WhatIf | Cheapest | Compare | CompareBranches | Why | Keep | Show | Ask | Unclear


class Understood(Struct, frozen=True):
    """A request, and what of the sentence was not used."""

    request: Request
    unused: tuple[str, ...] = field(default=())
    notes: tuple[str, ...] = ()
    """What was understood and is no field of a plan, a sentence each."""
