import io
import re

import pytest

from agent.report.blocks import Paragraph, Report
from agent.report.rendering.painted import SIGNS, painted

LEAST_CONTRAST = 4.0
CUBE = (0, 95, 135, 175, 215, 255)
"""Levels of the 6 × 6 × 6 colours from number 16 on, as xterm has them."""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def luminance(colour: int) -> float:
    """Relative luminance of a colour of the cube, after WCAG 2.1."""
    number = colour - 16
    levels = (CUBE[number // 36] / 255, CUBE[number // 6 % 6] / 255, CUBE[number % 6] / 255)
    linear = [level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_are_read_on_a_dark_background_and_on_a_light_one() -> None:
    colours = [int(found[1]) for _, many in SIGNS.values() if (found := re.search(r"38;5;(\d+)", many))]
    assert len(colours) == 3
    for colour in colours:
        on_white, on_black = 1.05 / (luminance(colour) + 0.05), (luminance(colour) + 0.05) / 0.05
        assert min(on_white, on_black) >= LEAST_CONTRAST, colour


@pytest.mark.parametrize(
    ("environment", "codes"),
    [
        ({"TERM": "xterm-256color"}, "38;5;28"),
        ({"TERM": "screen", "COLORTERM": "truecolor"}, "38;5;28"),
        ({"TERM": "linux"}, "32"),
        ({"TERM": "dumb"}, None),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, None),
        ({"TERM": "xterm-256color", "NO_COLOR": "1", "FORCE_COLOR": "1"}, None),
    ],
)
def test_colours_are_those_that_the_terminal_has(
    environment: dict[str, str], codes: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    report = Report((Paragraph("met", "good"),))
    assert painted(report, 80, Terminal()) == ("met\n" if codes is None else f"\x1b[{codes}mmet\x1b[0m\n")
    assert ("\x1b" in painted(report, 80, io.StringIO())) == ("FORCE_COLOR" in environment and codes is not None)
