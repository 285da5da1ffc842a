"""What can be wrong with what we are given. An answer that is "no" is a result, never one of these.

FleetcastError              never raised itself
├── InputError              what the user gave cannot be used (exit code 2)
│   ├── UnknownName         nothing in the catalog is called that
│   ├── AmbiguousName       several entries are
│   └── IncompleteInput     required values are missing (exit code 5)
└── CatalogError            a catalog file is broken (exit code 2)

Each message is one sentence: what, the value, what is accepted, the nearest thing that works.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

SHOWN_HITS = 6
SHOWN_CHARACTERS = 60


_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(10), *range(11, 32), *range(127, 160))}
_CONTROLS |= {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def visible(text: str) -> str:
    """Return the text with its control characters spelled out: a file's bytes never steer a terminal."""
    return text.translate(_CONTROLS)


def quoted(value: object) -> str:
    """Return a value as a message shows it: a text quoted, all else as in JSON, no longer than one can bear."""
    if isinstance(value, float):
        text = f"{value:.15g}"
    else:
        text = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
    short = text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
    return repr(short) if isinstance(value, str) else short


class FleetcastError(Exception):
    """The root of the tree."""


class InputError(FleetcastError):
    """Something that the user gave cannot be used."""


class UnknownName(InputError):  # noqa: N818 — the name says the error
    """No entry of the catalog answers to a name."""

    def __init__(self, kind: str, text: str, nearest: Sequence[str] = (), hint: str = "") -> None:
        self.kind = kind
        self.text = text
        self.nearest = tuple(nearest)[:3]
        known = f"; the nearest are {listed(self.nearest)}" if self.nearest else ""
        super().__init__(f"no {kind} is called {quoted(text)}{known}{f' ({hint})' if hint else ''}")


class AmbiguousName(InputError):  # noqa: N818 — the name says the error
    """Several entries of the catalog answer to a name."""

    def __init__(self, kind: str, text: str, hits: Sequence[str]) -> None:
        self.kind = kind
        self.text = text
        self.hits = tuple(hits)
        more = f" or {len(self.hits) - SHOWN_HITS} more" if len(self.hits) > SHOWN_HITS else ""
        choice = ", ".join(self.hits[:SHOWN_HITS]) + more if more else listed(self.hits)
        super().__init__(f"{quoted(text)} may be any of several {kind}s: {choice}; say which")


class IncompleteInput(InputError):  # noqa: N818 — the name says the error
    """Values without which there is nothing to forecast; all of them are named."""

    def __init__(self, missing: Sequence[str]) -> None:
        self.missing = tuple(missing)
        super().__init__(f"still needed: {', '.join(self.missing)}")


class CatalogError(FleetcastError):
    """A catalog file is broken, or an entry names another that does not exist."""

    def __init__(self, file: Path | str, problem: str, entry: str = "", field: str = "") -> None:
        self.file = str(file)
        self.entry = entry
        self.field = field
        where = ", ".join(part for part in (self.file, entry, f"field {field}" if field else "") if part)
        super().__init__(f"{where}: {problem}")


@contextmanager
def reading(name: str, accepted: str) -> Iterator[None]:
    """Turn what keeps a file from being read into one sentence.

    Args:
        name: of the file, as messages show it.
        accepted: a clause that says what to give instead of a file that does not exist.

    Raises:
        InputError: there is no such file, or it cannot be read.
    """
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"there is no file {name}; {accepted}") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read: {reason_of(error)}") from error


def reason_of(error: OSError) -> str:
    """Return what the system says of an error, as a clause."""
    return (error.strerror or str(error)).lower()


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence lists them: 'a', 'a or b', 'a, b or c'."""
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""
