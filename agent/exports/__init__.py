"""The formats in which a plan leaves the program: each is a module here, named as the format, that holds ``FORMAT``.

To be here is to be registered, and nothing else knows a format. A format turns a plan into texts or bytes and writes
no file; it imports what is heavy where it is used, since all formats are loaded to find the one of a suffix.
"""

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import PurePath
from pkgutil import iter_modules
from typing import Final

from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.errors import InputError, listed, quoted
from engine.plan import CapacityPlan

PLAIN_NAME: Final = "json"
"""The format of a file whose name has no suffix: the one that is read again."""


class Format(Struct, frozen=True):
    """A format of plans: what it holds, and the files that it makes."""

    suffixes: tuple[str, ...]
    """Endings of the file names by which it is chosen, with their dot; the first is the one to propose."""
    content: str
    """What it holds of a plan, for 'Wrote … to plan.json': 'the plan'."""
    files: Callable[[CapacityPlan, Catalog], Mapping[str, str | bytes]]
    """Makes text or bytes by file name. A single file takes the name that a person gives; several go into a folder."""
    said: tuple[str, ...] = ()
    """What people call it, as regular expressions: 'kubernetes', 'k8s'. Of several in a line the longest counts."""


def format_names() -> list[str]:
    """Return the names of the formats, without loading any: a module's, with hyphens."""
    return [module.name.replace("_", "-") for module in iter_modules(__path__)]


def formats() -> dict[str, Format]:
    """Return the formats by name."""
    return {name: import_module(f"{__name__}.{name.replace('-', '_')}").FORMAT for name in format_names()}


def format_called(name: str) -> Format:
    """Return the format of a name.

    Raises:
        InputError: no format has this name.
    """
    known = formats()
    wanted = known.get(name.lower().replace("_", "-")) or format_by_suffix(f".{name.removeprefix('.')}")
    if wanted is None:
        raise InputError(f"there is no format {quoted(name)}; give {listed([*known])}")
    return wanted


def format_by_suffix(file: str) -> Format | None:
    """Return the format that a file's name ends in; None where no format has such a suffix."""
    return next((known for known in formats().values() if file.lower().endswith(known.suffixes)), None)


def format_of(file: str) -> Format:
    """Return the format of a file to write; a name without any suffix is of the one that is read again.

    Raises:
        InputError: no format has such a suffix.
    """
    if known := format_by_suffix(file):
        return known
    if PurePath(file).suffix:
        raise InputError(f"{quoted(file)} ends in no format that is written; give {suffixes_shown()}")
    return formats()[PLAIN_NAME]


_ASKS: Final = re.compile(
    r"\W*(?:please |now |and |then |can you |could you |would you )*"
    r"(?:export|write|give|make|generate|create|produce|send|get|print|save|i need|i want|i'd like|we need)\b"
    r"(?P<what>.*)",
    re.I | re.S,
)


def format_said(text: str) -> str | None:
    """Return the name of the format that a line asks to be written; None where it asks for none, or names a file."""
    asks = _ASKS.fullmatch(text.strip())
    return None if asks is None or format_by_suffix(text.strip().rstrip(".")) else format_named(asks["what"])


def format_named(text: str) -> str | None:
    """Return the name of the format that some words name: 'k8s', 'the helm values'; None where they name none."""
    found = (
        (len(match[0]), name)
        for name, known in formats().items()
        for word in known.said
        if (match := re.search(rf"\b(?:{word})\b", text, re.I))
    )
    return max(found, default=(0, None))[1]


def suffixes_shown() -> str:
    """Return each format's suffix with what it holds: '.csv (the tables), .json (the plan) or .md (the report)'."""
    return listed([f"{known.suffixes[0]} ({known.content})" for known in formats().values() if known.suffixes])


def plan_file(name: str = "plan") -> str:
    """Return a file's name with the suffix of the format that is read again: 'plan.json'."""
    return str(PurePath(name).with_suffix(formats()[PLAIN_NAME].suffixes[0]))
