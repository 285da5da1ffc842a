"""What every kind of fact has: a strict, frozen record, its source, the day it was checked, and number types.

Units follow the names and are base units (bytes, seconds, FLOP/s, bytes/s, watts, USD). Catalog files are written in
the units of their sources (GB/s, TFLOP/s, µs) under names that say so; a record converts once, by a property.
"""

import sys
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Final, dataclass_transform

from msgspec import Meta, Struct, StructMeta, field

LARGEST: Final = sys.float_info.max
"""No number of a record is infinite; NaN is refused wherever there is a bound."""

Identifier = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._\-]*$")]
PositiveInt = Annotated[int, Meta(gt=0)]
NonNegativeInt = Annotated[int, Meta(ge=0)]
Positive = Annotated[float, Meta(gt=0, le=LARGEST)]
NonNegative = Annotated[float, Meta(ge=0, le=LARGEST)]
Share = Annotated[float, Meta(ge=0, le=1)]


class _ByKeyword(StructMeta):
    """Makes the fields of a record keywords, so that one without a default may follow one with it."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> "_ByKeyword":
        return super().__new__(mcs, name, bases, namespace, **{"kw_only": True, **options})


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
class Record(Struct, metaclass=_ByKeyword, frozen=True, forbid_unknown_fields=True):
    """A frozen record of what files and people say; ``record_of`` makes it of their values, strictly."""


class Confidence(StrEnum):
    """How a figure came to us, from best to worst."""

    CONFIRMED = "confirmed"
    """Read from a primary source, or two independent ones that agree."""
    REPORTED = "reported"
    """Read from one secondary source."""
    ESTIMATED = "estimated"
    """Derived from related facts by a rule that the note states."""
    MEMORY = "memory"
    """Written from memory; shown so wherever it is used."""


class Fact(Record):
    """What every catalog entry carries: a name, how people say it, where it comes from and when that was checked."""

    id: Identifier
    name: str
    aliases: tuple[str, ...] = ()
    """Other ways in which people name it; the id and the name need not be repeated."""
    source: str
    """Where the figures were read (a datasheet, a config, a repository at a commit)."""
    checked: date
    """The day on which the figures were compared with the source."""
    confidence: Confidence = Confidence.CONFIRMED
    note: str = ""
    """What a careful reader should know; names the fields that are less sure than the rest."""
