"""A report as labelled lines: no tables, no drawing, nothing that a screen reader would spell out."""

from collections.abc import Iterator

from agent.report.blocks import (
    Bar,
    Block,
    Bullets,
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
    row_sentence,
    text_of,
)
from agent.report.rendering.layout import share_shown
from agent.report.rendering.wrapping import command_lines, wrap
from catalogs.errors import visible


def plain_text(report: Report, width: int | None = None) -> str:
    """Return the report as labelled lines, each whole unless a width is given, which it then keeps to."""
    out: list[str] = []
    previous: Block | None = None
    for block in report.blocks:
        if previous is not None and not isinstance(previous, Heading):
            out.append("")
        out.extend(visible(line) for part in _single(block) for line in _fitted(part, width))
        previous = block
    return "\n".join(out) + "\n"


def _single(block: Block) -> Iterator[Block]:
    """Return the block, or those that it groups."""
    if isinstance(block, Group):
        for inner in block.blocks:
            yield from _single(inner)
    else:
        yield block


def _fitted(block: Block, width: int | None) -> Iterator[str]:
    if width is None:
        yield from _said(block)
    elif isinstance(block, Command):
        yield from wrap(block.lead, width) if block.lead else ()
        yield from command_lines(block.text, width)
    else:
        for line in _said(block):
            yield from wrap(line, width, hang=2)


def _said(block: Block) -> Iterator[str]:
    match block:
        case Heading(text):
            yield text
        case Paragraph(text, _, lead):
            yield f"{lead}: {text}" if lead else text
        case Table(columns, rows):
            # The first column's title says what the rows are; it would be lost with the header.
            yield from (f"{columns[0].title}:",) if columns[0].title and columns[0].spoken != "bare" else ()
            yield from (row_sentence(columns, row) for row in rows)
        case Facts(items):
            yield from (f"{label}: {text_of(value)}" for label, value in items)
        case Bar(label, whole, parts):
            yield f"{label}: {whole}"
            shares = (share_shown(share) for share in block.shares)
            yield from (f"{part.label}: {part.shown} ({share})" for part, share in zip(parts, shares, strict=True))
        case Bullets(items, lead):
            yield from (lead,) if lead else ()
            yield from (f"- {item}" for item in items)
        case Command(text, lead):
            yield from (lead, text) if lead else (text,)
        case Chart():
            yield from _chart(block)
        case Scatter(title, said=said):
            yield f"{title}: {said}"


def _chart(chart: Chart) -> Iterator[str]:
    if chart.title:
        yield f"{chart.title}:"
    columns = (Column(""), *(Column(series.label) for series in chart.series))
    for place, x in enumerate(chart.x):
        row = (f"{chart.x_label} {x:g}", *(series.shown[place] for series in chart.series))
        yield row_sentence(columns, row)
