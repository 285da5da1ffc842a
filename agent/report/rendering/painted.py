"""Painting a report's lines in a terminal's own codes, legible on a dark background and on a light one."""

import os
import shutil
from typing import Final, TextIO

from agent.report.blocks import Report, Tone
from agent.report.rendering.layout import lines
from catalogs.errors import visible

LEAST_WIDTH = 40
SIGNS: Final[dict[Tone, tuple[str, str]]] = {
    "strong": ("1", "1"),
    "quiet": ("2", "2"),
    "good": ("32", "38;5;28"),
    "bad": ("1;31", "1;38;5;161"),
    "warning": ("33", "38;5;130"),
}
"""By tone the codes of a terminal of 16 colours, which the user's own theme chooses, and of one of 256.

Nobody says reliably whether a background is light or dark: those of the 256 have a contrast of 4:1 (WCAG 2.1, 1.4.3)
or more on white and on black alike, where the usual yellow is lost on white and the usual red on black.
"""


def painted(report: Report, width: int | None, file: TextIO) -> str:
    """Return the report as the file's terminal shows it: coloured if that takes colours and NO_COLOR is unset.

    Without a width the terminal's own is taken (80 columns where there is none), at least 40.

    Args:
        width: columns, or None.
    """
    columns = max(LEAST_WIDTH, width or shutil.get_terminal_size().columns)
    signs = _signs(file)

    def span(text: str, tone: Tone) -> str:
        return f"\x1b[{signs[tone]}m{text}\x1b[0m" if tone in signs and text.strip() else text

    return "".join("".join(span(visible(s.text), s.tone) for s in line) + "\n" for line in lines(report, columns))


def _signs(file: TextIO) -> dict[Tone, str]:
    """Return the code of each tone; none where no colours are wanted (https://no-color.org) or can be shown."""
    terminal = os.environ.get("TERM", "dumb")
    wanted = file.isatty() or bool(os.environ.get("FORCE_COLOR"))
    if os.environ.get("NO_COLOR") or not wanted or terminal == "dumb":
        return {}
    many = "256" in terminal or bool(os.environ.get("COLORTERM"))
    return {tone: codes[many] for tone, codes in SIGNS.items()}
