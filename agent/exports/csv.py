"""The figures of a plan's report as one table that a spreadsheet opens: section, item, column, value, unit.

Each row is a cell of the report that a terminal shows, or a point of a page's curve, so that no figure can differ. A
figure stands as a number beside its unit; what is no figure stands as its words.
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from agent.exports import Format
from catalogs.catalog import Catalog
from engine.plan import CapacityPlan

if TYPE_CHECKING:
    from agent.report.blocks import Block, Report

HEADER: Final = ("section", "item", "column", "value", "unit")
OPENING: Final = "Plan"
"""The section of what stands before the report's first heading."""

_FIGURE: Final = re.compile(
    r"(?P<sign>-?)(?P<usd>\$?)(?P<number>\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)(?: (?P<unit>[^\s\d]\S*))?"
)
_FORMULA: Final = re.compile(r"[=+\-@＝＋－＠]")
"""What a spreadsheet takes for the beginning of a formula."""


def table_files(plan: CapacityPlan, catalog: Catalog) -> Mapping[str, str]:
    """Return the table as one file, which says by its first character that it is UTF-8."""
    from agent.report.drawn.drawn_report import drawn_report

    return {"plan.csv": "\ufeff" + csv_text(drawn_report(plan, catalog), OPENING)}


def csv_text(report: "Report", opening: str) -> str:
    """Return the figures of a report as a table; ``opening`` is the section of those before its first heading."""
    import csv  # only where a table is written
    import io

    from agent.report.blocks import Heading

    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(HEADER)
    section = opening
    for block in report.blocks:
        if isinstance(block, Heading):
            section = block.text
        for item, column, shown in _cells(block):
            table.writerow((harmless(section), harmless(item), harmless(column), *value_and_unit(shown)))
    return text.getvalue()


def value_and_unit(shown: str) -> tuple[str, str]:
    """Return a figure as a number and its unit: ('32559', 'USD') of '$32,559'; other words as they are, without one."""
    figure = _FIGURE.fullmatch(shown)
    if figure is None:
        return harmless(shown), ""
    number = figure["sign"] + figure["number"].replace(",", "")
    return number, harmless("USD" if figure["usd"] else figure["unit"] or "")


def harmless(text: str) -> str:
    """Return a text that no spreadsheet runs: on one line, without control characters, a formula marked as text."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return f"'{line}" if _FORMULA.match(line) else line


def _cells(block: "Block") -> Iterator[tuple[str, str, str]]:
    """Yield the item, the column and the words of each cell that is not empty."""
    from agent.report.blocks import Bar, Chart, Facts, Group, Table, text_of

    match block:
        case Table(columns, rows):
            for label, *cells in rows:
                for column, cell in zip(columns[1:], cells, strict=True):
                    if text_of(cell):
                        yield text_of(label), column.title, text_of(cell)
        case Facts(items):
            yield from ((label, "", text_of(value)) for label, value in items)
        case Bar(label, whole, parts):
            yield label, "", whole
            yield from ((part.label, label, part.shown) for part in parts)
        case Chart():
            for line in block.series:
                for x, shown in zip(block.x, line.shown, strict=True):
                    yield f"{block.x_label} {x:g}", line.label, shown
        case Group(blocks):
            for part in blocks:
                yield from _cells(part)


FORMAT = Format((".csv",), "the plan's figures", table_files)
