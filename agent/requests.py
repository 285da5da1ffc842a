"""What can be asked of a plan, as typed requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from agent.interpret.reading import Question


@dataclass(frozen=True, slots=True)
class Change:
    """Values that a variant sets, over those of the plan that it changes."""

    values: Mapping[str, Any]
    details: Mapping[str, str]
    """By path: the words."""
    label: str
    drops: frozenset[str] = frozenset()
    """Paths that it leaves open again."""
    chained: bool = False
    """'and …': it changes the last variant, not the kept plan."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One variant."""

    change: Change


@dataclass(frozen=True, slots=True)
class Cheapest:
    """The cheapest fleet among all accelerators, under a budget where one was said."""

    change: Change


@dataclass(frozen=True, slots=True)
class Compare:
    """Several variants beside each other."""

    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class CompareBranches:
    """Plans of this conversation beside each other; none named: all."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """A figure or a choice of the plan to explain."""

    subject: str


@dataclass(frozen=True, slots=True)
class Keep:
    """Make a variant the plan; the last one if none is named."""

    number: int | None


@dataclass(frozen=True, slots=True)
class Show:
    """Show a plan again, in full or as its screenful."""

    number: int | None
    full: bool


@dataclass(frozen=True, slots=True)
class Ask:
    """A what-if that leaves a choice open: the change so far, and what to ask."""

    change: Change
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class Unclear:
    """What cannot be made into a request, and why."""

    text: str


Request: TypeAlias = WhatIf | Cheapest | Compare | CompareBranches | Why | Keep | Show | Ask | Unclear


@dataclass(frozen=True, slots=True)
class Understood:
    """A request, and what of the sentence was not used."""

    request: Request
    unused: tuple[str, ...] = field(default=())
