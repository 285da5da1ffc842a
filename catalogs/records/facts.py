"""What every kind of fact has: a strict, frozen record, its source, the day it was checked, and number types.

Units follow the names and are base units (bytes, seconds, FLOP/s, bytes/s, watts, USD). Catalog files are written in
the units of their sources (GB/s, TFLOP/s, µs) under names that say so; a record converts once, by a property.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._\-]*$")]


PositiveInt = Annotated[int, Field(gt=0)]


NonNegativeInt = Annotated[int, Field(ge=0)]


Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


Share = Annotated[float, Field(ge=0, le=1)]


class Record(BaseModel):
    """A frozen, strict record: unknown keys are refused and nothing can be set afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


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
