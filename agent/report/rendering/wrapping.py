"""Texts in lines of a width: how many columns a text takes, where it may break, and how a shell joins a command."""

import re
from unicodedata import combining, east_asian_width

CONTINUED = 4
"""Columns that a continued line of a command gives up: two to its indent, two to its backslash."""


SHORT, FEW = 8, 3
"""Columns of what looks lost on a line of its own; words that the line before keeps."""

_BREAKS = re.compile(
    r"(?<!×)(?:(?<![\d–]) | (?!(?:[µm]?s|min|h|days|years?|[KMGT]i?B|k?Wh?|%|×|GPUs|tokens|requests/s|tokens/s)(?!\w)))"
)
"""Where a line may end: at a space, but not between a figure and its unit, nor after a ×."""


_UNQUOTED_WORD = re.compile(r"""(?:[^\s'"\\]|\\.|'[^']*'|"(?:\\.|[^"\\])*"|['"\\])+""")


def cells(text: str) -> int:
    """Return the columns that a text takes in a terminal."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def wrap(text: str, width: int, hang: int = 0) -> list[str]:
    """Return the text in lines, later ones indented by the hang; a word wider than a line is cut, best at a seam.

    Args:
        text: of any length; blanks in a row count as one.
        width: of a line, columns.
        hang: blanks before every line but the first.
    """
    out: list[str] = []
    line = ""
    for word in _BREAKS.split(" ".join(text.split())):
        joined = f"{line} {word}" if line.strip() else f"{line}{word}"
        if cells(joined) <= width:
            line = joined
            continue
        if line.strip():
            out.append(line)
            line = " " * hang
        line += word
        while cells(line) > width:
            head = _head(line, width)
            seam = max(head.rfind(mark) for mark in "/-_") + 1
            head = head[:seam] if seam > width // 2 else head
            out.append(head)
            line = " " * hang + line[len(head) :]
    if not line.strip() and out:
        return out
    return [*out, line] if not out else [*out[:-1], *_without_orphan(out[-1], line, width)]


def _without_orphan(before: str, last: str, width: int) -> tuple[str, str]:
    """Return the last two lines of a text, so that no short word stands alone on the last."""
    hang = last[: len(last) - len(last.lstrip())]
    while cells(last.strip()) < SHORT and len(words := _BREAKS.split(before.strip())) > FEW:
        moved = f"{hang}{words[-1]} {last.strip()}"
        if cells(moved) > width:
            break
        before, last = before[: before.rfind(words[-1])].rstrip(), moved
    return before, last


def command_lines(text: str, width: int) -> list[str]:
    """Return a command in lines that a shell joins again; a flag stays with its value.

    A word is never broken, even if it is wider than a line: what is copied must be what was meant.
    """
    out: list[str] = []
    line = ""
    for unit in _units(text, width - CONTINUED):
        joined = f"{line} {unit}" if line else unit
        if line and cells(joined) + 2 > width:
            out.append(f"{line} \\")
            line = f"  {unit}"
        else:
            line = joined
    return [*out, line]


def _units(text: str, width: int) -> list[str]:
    units: list[str] = []
    for word in _UNQUOTED_WORD.findall(text):
        flag = units[-1] if units else ""
        alone = flag.startswith("-") and " " not in flag and "=" not in flag
        if alone and not word.startswith("-") and cells(flag) + 1 + cells(word) <= width:
            units[-1] = f"{flag} {word}"
        else:
            units.append(word)
    return units


def _head(text: str, width: int) -> str:
    """Return as much of the text as the width holds, at least one character."""
    used = 0
    for position, char in enumerate(text):
        used += cells(char)
        if used > width and position:
            return text[:position]
    return text
