"""Painting a report's lines on a terminal. The only module that knows rich."""

import os
from typing import Literal, TextIO

from rich.console import Console
from rich.text import Text

from agent.report.blocks import Report, Tone
from agent.report.rendering.layout import lines
from catalogs.errors import visible

LEAST_WIDTH = 40
STYLES: dict[Tone, str] = {
    "plain": "",
    "strong": "bold",
    "quiet": "dim",
    "good": "green",
    "bad": "bold red",
    "warning": "yellow",
}


def painted(report: Report, width: int | None, file: TextIO) -> str:
    """Return the report as the file's terminal shows it: coloured if that takes colours and NO_COLOR is unset.

    Without a width the terminal's own is taken (80 columns where there is none), at least 40.

    Args:
        report: that is shown.
        width: columns, or None.
        file: that it will be written to.
    """
    # rich keeps bold and dim under NO_COLOR; people who set it mostly want no escape codes at all.
    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    console = Console(
        file=file, width=width, color_system=colours, highlight=False, markup=False, emoji=False, soft_wrap=True
    )
    columns = max(LEAST_WIDTH, width or console.width)
    with console.capture() as capture:
        for line in lines(report, columns):
            console.print(Text.assemble(*((visible(span.text), STYLES[span.tone]) for span in line)))
    return capture.get()
