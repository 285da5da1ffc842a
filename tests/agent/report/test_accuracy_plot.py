"""The picture of predicted against measured: the same dots give the same bytes, and nothing is left out of it."""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from agent.report.accuracy_plot import check_plot, plotted
from agent.report.accuracy_report import accuracy_report
from agent.report.rendering.layout import lines
from agent.report.rendering.markdown import markdown
from agent.report.rendering.plain import plain_text
from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.measurement_files import scorecard_points
from engine.accuracy.dots import Dot, dots_of, share_near
from engine.accuracy.scores import Accuracy, accuracy_of
from tests.agent.report.sample import line_text

LARGEST_BYTES = 300_000


@pytest.fixture(scope="module")
def accuracy(catalog: Catalog) -> Accuracy:
    return accuracy_of(scorecard_points(), catalog)


@pytest.fixture(scope="module")
def dots(accuracy: Accuracy, catalog: Catalog) -> dict[str, tuple[Dot, ...]]:
    return dots_of(accuracy, scorecard_points(), catalog)


def test_every_scored_figure_is_a_dot(accuracy: Accuracy, dots: dict[str, tuple[Dot, ...]]) -> None:
    assert {metric: len(own) for metric, own in dots.items()} == {m: s.n for m, s in accuracy.metrics.items()}
    for metric, own in dots.items():
        ratios = sorted(dot.predicted / dot.measured for dot in own)
        middle = (ratios[(len(ratios) - 1) // 2] + ratios[len(ratios) // 2]) / 2
        assert middle == pytest.approx(accuracy.metrics[metric].median_ratio)


def test_an_svg_is_small_and_the_same_every_time(accuracy: Accuracy, dots: dict[str, tuple[Dot, ...]]) -> None:
    first, second = plotted(dots, accuracy, ".svg"), plotted(dots, accuracy, ".svg")
    assert first == second
    assert len(first) < LARGEST_BYTES
    text = first.decode()
    ElementTree.fromstring(text)
    assert not re.search(r"\b20\d\d-\d\d-\d\d", text)  # no date
    for word in ("ITL", "TTFT", "throughput", "dense", "hybrid", "offline"):
        assert word in text


def test_a_png_is_the_same_every_time(accuracy: Accuracy, dots: dict[str, tuple[Dot, ...]]) -> None:
    picture = plotted(dots, accuracy, ".png")
    assert picture.startswith(b"\x89PNG")
    assert picture == plotted(dots, accuracy, ".png")


def test_misses_are_told_from_hits() -> None:
    near, above, below = (Dot("offline", "dense", 100, value) for value in (124, 126, 79))
    assert [dot.is_near for dot in (near, above, below)] == [True, False, False]
    assert share_near((near, above, below)) == pytest.approx(1 / 3)


def test_the_terminal_shows_the_dots_and_plain_lines_their_shares(
    accuracy: Accuracy, dots: dict[str, tuple[Dot, ...]]
) -> None:
    report = accuracy_report(accuracy, dots=dots)
    for width in (40, 80):
        drawn = [line_text(line) for line in lines(report, width)]
        assert all(len(line) <= width for line in drawn)
        assert sum("measured; predicted is up" in line for line in drawn) == len(dots)
    for text in (plain_text(report), markdown(report).replace("\\", "")):
        assert text.count("within ×1.25") == len(dots)
        assert "┤" not in text


def test_another_suffix_is_refused() -> None:
    with pytest.raises(InputError, match=r"\.svg or \.png; 'card\.pdf' is neither"):
        check_plot(Path("card.pdf"))


def test_without_matplotlib_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match="pip install"):
        check_plot(Path("card.svg"))
