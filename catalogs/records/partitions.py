"""Cards that split in hardware: the parts that an engine may have of one, and where each may lie."""

from typing import Annotated

from msgspec import Meta

from catalogs.records.facts import Fact, Identifier, NonNegativeInt, PositiveInt, Record


class PartitionProfile(Record):
    """A part of a card: whole slices of its memory, with the bandwidth of those, and multiprocessors."""

    name: str
    """As the driver calls it, without the memory: '2g' of '2g.20gb'."""
    memory_slices: PositiveInt
    multiprocessors: PositiveInt
    starts: Annotated[tuple[NonNegativeInt, ...], Meta(min_length=1)]
    """Slices of memory at which one may begin."""


class Partitioning(Fact):
    """How cards of one design split."""

    accelerators: Annotated[tuple[Identifier, ...], Meta(min_length=1)]
    memory_slices: PositiveInt
    """Of a whole card: capacity and bandwidth alike."""
    multiprocessors: PositiveInt
    profiles: Annotated[tuple[PartitionProfile, ...], Meta(min_length=1)]
