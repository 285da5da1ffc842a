"""YAML with comments, of trees whose texts may be anybody's: each scalar reads back as what it was, on one line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from catalogs.errors import visible

_PLAIN: Final = re.compile(r"[A-Za-z/_.][A-Za-z0-9_./@+%-]*(?: [A-Za-z0-9_./@+%(-][A-Za-z0-9_./@+%()-]*)*")
"""Texts that need no quotes, but for words that YAML takes for something else."""
_NOT_TEXT: Final = frozenset("y yes n no on off true false null nan inf .inf .nan ~".split())
_SHORT: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


class Noted(Struct, frozen=True):
    """A value with the comment that stands beside it."""

    value: Any
    note: str


def yaml_text(documents: Sequence[Any], opening: Sequence[str] = ()) -> str:
    """Return documents as YAML, each a tree of mappings, sequences and scalars.

    Args:
        documents: the trees; any value may be ``Noted``.
        opening: lines of the comment at the top.
    """
    head = "".join(f"{comment_line(line)}\n" for line in opening)
    bodies = ("\n".join(_lines(document, "")) + "\n" for document in documents)
    return head + "---\n".join(bodies)


def comment_line(text: str) -> str:
    """Return a text as one comment."""
    return f"# {visible(' '.join(text.split()))}".rstrip()


def scalar(value: object) -> str:
    """Return a scalar as YAML of any version reads it back."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.10g}" if isinstance(value, float) else str(value)
    text = str(value)
    looks_otherwise = text.lower() in _NOT_TEXT or text[:1].isdigit() or re.fullmatch(r"[.\d][\d._eExX+-]*", text)
    if _PLAIN.fullmatch(text) and not looks_otherwise and len(text) < 200:
        return text
    if '"' in text and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return f'"{"".join(_escaped(char) for char in text)}"'


def _escaped(char: str) -> str:
    code = ord(char)
    if char in _SHORT:
        return _SHORT[char]
    if 0xD800 <= code <= 0xDFFF:  # half a character, which no file can hold
        return "?"
    if char.isprintable() and code != 0xFEFF:
        return char
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _lines(value: Any, indent: str) -> Iterator[str]:
    """Yield a mapping or a sequence that is not empty, line by line."""
    if isinstance(value, Noted):
        yield indent + comment_line(value.note)
        value = value.value
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _entry(f"{indent}{scalar(key)}:", item, indent)
    elif isinstance(value, list | tuple) and value:
        for item in value:
            yield from _item(item, indent)
    else:
        yield indent + _flat(value)


def _entry(key: str, item: Any, indent: str) -> Iterator[str]:
    value, note = (item.value, item.note) if isinstance(item, Noted) else (item, "")
    if _is_branch(value):
        if note:
            yield indent + comment_line(note)
        yield key
        yield from _lines(value, f"{indent}  ")
    else:
        yield _with_note(f"{key} {_flat(value)}", note)


def _item(item: Any, indent: str) -> Iterator[str]:
    value, note = (item.value, item.note) if isinstance(item, Noted) else (item, "")
    if not _is_branch(value):
        yield _with_note(f"{indent}- {_flat(value)}", note)
        return
    if note:
        yield indent + comment_line(note)
    first = True
    for line in _lines(value, f"{indent}  "):
        begun = first and not line.lstrip().startswith("#")
        if first and not begun:  # a comment before the first key stands above the dash
            yield indent + line.lstrip()
            continue
        yield f"{indent}- {line[len(indent) + 2 :]}" if begun else line
        first = False


def _is_branch(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple) and bool(value)


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    return scalar(value)


def _with_note(line: str, note: str) -> str:
    return f"{line}  {comment_line(note)}" if note else line
