"""A report as Markdown (GitHub's flavour)."""

import re
from collections.abc import Iterator

from agent.report import blocks
from agent.report.rendering.layout import share_shown
from catalogs.errors import visible

_SPECIAL = re.compile(r"([\\`*<|\[\]])")


def markdown(report: blocks.Report) -> str:
    """Return the report as Markdown."""
    return visible("\n\n".join(part for block in report.blocks for part in _parts(block))) + "\n"


def escaped(text: str) -> str:
    """Return a text on one line whose characters Markdown takes as they are."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split()))


def _parts(block: blocks.Block) -> Iterator[str]:
    match block:
        case blocks.Heading(text):
            yield f"## {escaped(text)}"
        case blocks.Paragraph(text, tone, lead):
            body = f"**{escaped(text)}**" if tone == "strong" and not lead else escaped(text)
            yield f"**{escaped(lead)}:** {body}" if lead else body
        case blocks.Table(columns, rows):
            yield _table(columns, rows)
        case blocks.Facts(items):
            yield _table((blocks.Column(""), blocks.Column("")), items)
        case blocks.Bar(label, whole, parts):
            yield f"{escaped(label)}: {escaped(whole)}"
            shares = (share_shown(share) for share in block.shares)
            rows = tuple((part.label, part.shown, share) for part, share in zip(parts, shares, strict=True))
            yield _table((blocks.Column("part"), blocks.Column("size", "right"), blocks.Column("share", "right")), rows)
        case blocks.Bullets(items, lead):
            if lead:
                yield escaped(lead)
            yield "\n".join(f"- {escaped(item)}" for item in items)
        case blocks.Command(text, lead):
            if lead:
                yield escaped(lead)
            yield f"```sh\n{text}\n```"
        case blocks.Chart():
            yield from _chart(block)
        case blocks.Scatter() | blocks.Group():
            yield from _within(block)


def _table(columns: tuple[blocks.Column, ...], rows: tuple[tuple[blocks.Cell, ...], ...]) -> str:
    head = [escaped(column.title) for column in columns]
    rule = ["---:" if column.align == "right" else "---" for column in columns]
    body = [[escaped(blocks.text_of(cell)) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *body))


def _within(block: blocks.Scatter | blocks.Group) -> Iterator[str]:
    if isinstance(block, blocks.Scatter):
        yield escaped(f"{block.title}: {block.said}")
    else:
        for part in block.blocks:
            yield from _parts(part)


def _chart(chart: blocks.Chart) -> Iterator[str]:
    if chart.title:
        yield escaped(chart.title)
    columns = (
        blocks.Column(chart.x_label, "right"),
        *(blocks.Column(series.label, "right") for series in chart.series),
    )
    rows = tuple((f"{x:g}", *(series.shown[place] for series in chart.series)) for place, x in enumerate(chart.x))
    yield _table(columns, rows)
