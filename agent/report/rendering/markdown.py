"""A report as Markdown (GitHub's flavour)."""

import re
from collections.abc import Iterator

from agent.report.blocks import (
    Bar,
    Block,
    Bullets,
    Cell,
    Chart,
    Column,
    Command,
    Facts,
    Group,
    Heading,
    Paragraph,
    Report,
    Scatter,
    Table,
    text_of,
)
from agent.report.rendering.layout import share_shown
from catalogs.errors import visible

_SPECIAL = re.compile(r"([\\`*<|\[\]])")


def markdown(report: Report) -> str:
    """Return the report as Markdown."""
    return visible("\n\n".join(part for block in report.blocks for part in _parts(block))) + "\n"


def escaped(text: str) -> str:
    """Return a text on one line whose characters Markdown takes as they are."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _parts(block: Block) -> Iterator[str]:
    match block:
        case Heading(text):
            yield f"## {escaped(text)}"
        case Paragraph(text, tone, lead):
            body = f"**{escaped(text)}**" if tone == "strong" and not lead else escaped(text)
            yield f"**{escaped(lead)}:** {body}" if lead else body
        case Table(columns, rows):
            yield _table(columns, rows)
        case Facts(items):
            yield _table((Column(""), Column("")), items)
        case Bar(label, whole, parts):
            yield f"{escaped(label)}: {escaped(whole)}"
            shares = (share_shown(share) for share in block.shares)
            rows = tuple((part.label, part.shown, share) for part, share in zip(parts, shares, strict=True))
            yield _table((Column("part"), Column("size", "right"), Column("share", "right")), rows)
        case Bullets(items, lead):
            if lead:
                yield escaped(lead)
            yield "\n".join(f"- {escaped(item)}" for item in items)
        case Command(text, lead):
            if lead:
                yield escaped(lead)
            yield f"```sh\n{text}\n```"
        case Chart():
            yield from _chart(block)
        case Scatter() | Group():
            yield from _within(block)


def _table(columns: tuple[Column, ...], rows: tuple[tuple[Cell, ...], ...]) -> str:
    head = [escaped(column.title) for column in columns]
    rule = ["---:" if column.align == "right" else "---" for column in columns]
    body = [[escaped(text_of(cell)) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *body))


def _within(block: Scatter | Group) -> Iterator[str]:
    if isinstance(block, Scatter):
        yield escaped(f"{block.title}: {block.said}")
    else:
        for part in block.blocks:
            yield from _parts(part)


def _chart(chart: Chart) -> Iterator[str]:
    if chart.title:
        yield escaped(chart.title)
    columns = (Column(chart.x_label, "right"), *(Column(series.label, "right") for series in chart.series))
    rows = tuple((f"{x:g}", *(series.shown[place] for series in chart.series)) for place, x in enumerate(chart.x))
    yield _table(columns, rows)
