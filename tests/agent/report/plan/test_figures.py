"""Figures of a report know which figure of the plan they are, so that each leads to its derivation."""

from collections.abc import Iterator

import pytest

from agent.report.blocks import Bar, Block, Facts, Group, Paragraph, Report, Table, Words
from agent.report.plan.plan_report import whole_report
from agent.report.rendering.html import html
from agent.report.rendering.plain import plain_text
from agent.report.words import mass_shown, power_shown, usd_shown
from catalogs.units import show_bytes, show_count, show_figure, show_percent, show_seconds
from engine.choice.derivation.derivation import leaves
from engine.plan import CapacityPlan, plan_json
from tests.agent.report.sample import plan, unpriced, verbose

SHOWN = (show_bytes, show_figure, show_percent, show_seconds, usd_shown, mass_shown, power_shown)


def linked(blocks: tuple[Block, ...]) -> Iterator[tuple[str, str]]:
    """Yield the paths that a report names, and the words at each."""
    for block in blocks:
        match block:
            case Group(inner):
                yield from linked(inner)
            case Table(rows=rows):
                yield from ((cell.path, cell.text) for row in rows for cell in row if isinstance(cell, Words))
            case Facts(items):
                yield from ((cell.path, cell.text) for _, cell in items if isinstance(cell, Words))
            case Bar(parts=parts):
                yield from ((part.path, part.shown) for part in parts)
            case Paragraph(text, path=path):
                yield path, text


def figures(of: CapacityPlan) -> list[tuple[str, str]]:
    return [(path, words) for path, words in linked(whole_report(of).blocks) if path]


@pytest.mark.parametrize("made", [plan, unpriced, verbose])
def test_each_path_is_of_the_figure_that_is_shown(made: type[CapacityPlan]) -> None:
    known, found = dict(leaves(plan_json(made()))), figures(made())
    assert len(found) > 60
    for path, words in found:
        value = known[path]
        ways = {show(value) for show in SHOWN} | {show_count(round(value)), f"{round(value)}"}
        assert any(one.split(" ")[0] in words for one in ways), (path, words, value)


def test_figures_are_links_where_there_is_an_address_and_words_elsewhere() -> None:
    report = Report((Facts((("load", Words("5 < 6", path="a.b")),)), Paragraph("It holds.", path="c")))
    assert '<dd><a class="why" href="/explain?x=1&amp;path=a.b">5 &lt; 6</a></dd>' in html(report, "/explain?x=1&path=")
    assert html(report, "").count("<a ") == 0
    assert "path" not in plain_text(report)
