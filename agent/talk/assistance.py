"""What an assistant of the user's own may say of a line, and what of it counts: words that our own reader reads."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from agent.fields.table import FIELDS

if TYPE_CHECKING:
    from agent.talk.state import Ports


class Pointed(Struct, frozen=True):
    """Words of a line that give a field its value."""

    path: str
    words: str


class Suggestion(Struct, frozen=True):
    """What an assistant makes of a line."""

    act: str = ""
    """Of ``acts.toml``; empty for none."""
    facts: tuple[Pointed, ...] = ()


def values_pointed_at(
    facts: Iterable[Pointed], line: str, taken: Iterable[str], ports: "Ports", known: Mapping[str, Any]
) -> dict[str, tuple[Any, str]]:
    """Return the value of each field that words of the line give, by our own reader, with those words.

    What is no field, stands not in the line, was read already or is read as nothing is left out.

    Args:
        facts: of the assistant.
        line: as it was typed.
        taken: paths that the line gave without help.
        known: values by path that were given before.
    """
    said = " ".join(line.lower().split())
    found: dict[str, tuple[Any, str]] = {}
    for fact in facts:
        words = " ".join(fact.words.split())
        if fact.path not in FIELDS or fact.path in found or fact.path in set(taken):
            continue
        if not words or words.lower() not in said:
            continue
        reading = ports.read(words, ports.catalog, asked_path=fact.path, known=known)
        value = reading.values.get(fact.path)
        if value not in (None, ()) and not reading.objections:
            found[fact.path] = value, words
    return found
