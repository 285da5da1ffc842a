"""The writing of a report to a stream: painted, or as labelled lines."""

import sys
from typing import TextIO

from agent.report.blocks import Report
from agent.report.rendering.painted import painted
from agent.report.rendering.plain import plain_text

_ASCII = str.maketrans(
    {
        "×": "x", "–": "-", "—": "-", "−": "-", "·": ".", "…": "...", "µ": "u", "≤": "<=", "≥": ">=", "∞": "inf",
        "→": "->", "’": "'", "“": '"', "”": '"', "█": "#", "▓": "=", "▒": "+", "░": "-", "λ": "lambda", "ρ": "rho",
    }
)  # fmt: skip


def show(report: Report, *, plain: bool = False, width: int | None = None, file: TextIO | None = None) -> None:
    """Write a report to a file (standard output by default), as labelled lines if plain.

    Without a width, plain lines stay whole and others keep to the terminal's.

    Args:
        plain: labelled lines instead of tables.
        width: columns, or None.
    """
    target: TextIO = file or sys.stdout
    text = plain_text(report, width) if plain else painted(report, width, target)
    target.write(encodable(text, target.encoding))


def encodable(text: str, encoding: str | None) -> str:
    """Return the text as the encoding can carry it: signs that it lacks are spelled in ASCII."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return text.translate(_ASCII).encode(encoding or "ascii", "replace").decode(encoding or "ascii")
    return text
