"""Versions of a serving runtime: how people write one, how two compare, what was otherwise before one."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from msgspec import Meta

from catalogs.records.facts import Record

_WRITTEN: Final = re.compile(r"v?(\d+(?:\.\d+)*)((?:[.-]?(?:post|rc|a|b|dev)\d*)*)", re.IGNORECASE)

VERSION: Final = r"^\d+(\.\d+)*$"


class EarlierVersions(Record):
    """What was otherwise in the versions of a serving runtime before one."""

    before: Annotated[str, Meta(pattern=VERSION)]
    """The first version that has it no more."""
    differs: dict[str, Any]
    """Fields of the runtime's entry with their values in those versions, as ``merged`` puts them in."""
    source: str


def written_version(text: str) -> str | None:
    """Return a version as it is compared and shown, without a 'v' before it; None where the text is no version."""
    written = _WRITTEN.fullmatch(text.strip())
    return f"{written[1]}{written[2].lower()}" if written else None


def numbers_of(version: str) -> tuple[int, ...]:
    """Return the numbers of a version; a post-release or a candidate counts as its release."""
    written = _WRITTEN.match(version)
    return tuple(map(int, written[1].split("."))) if written else ()


def is_older(version: str, other: str) -> bool:
    """Return whether a version comes before another; a series (0.11) is as new as its newest, so not before 0.11.2."""
    one, two = numbers_of(version), numbers_of(other)
    shared = min(len(one), len(two))
    return one[:shared] < two[:shared]


def merged(fields: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields, with the values of others in their place; inner tables are merged field by field.

    An empty text takes a field out: what has no flag, no name, is not there.
    """
    result = dict(fields)
    for name, value in others.items():
        old = result.get(name)
        if value == "":
            result.pop(name, None)
            continue
        result[name] = merged(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result
