"""A report as labelled lines: no tables, no drawing, nothing that a screen reader would spell out."""

from collections.abc import Iterator

from agent.report import blocks
from agent.report.rendering.wrapping import command_lines, wrap
from catalogs.errors import visible


def plain_text(report: blocks.Report, width: int | None = None) -> str:
    """Return the report as labelled lines, each whole unless a width is given, which it then keeps to."""
    out: list[str] = []
    previous: blocks.Block | None = None
    for block in report.blocks:
        if previous is not None and not isinstance(previous, blocks.Heading):
            out.append("")
        out.extend(visible(line) for part in _single(block) for line in _fitted(part, width))
        previous = block
    return "\n".join(out) + "\n"


def _single(block: blocks.Block) -> Iterator[blocks.Block]:
    """Return the block, or those that it groups."""
    if isinstance(block, blocks.Group):
        for inner in block.blocks:
            yield from _single(inner)
    else:
        yield block


def _fitted(block: blocks.Block, width: int | None) -> Iterator[str]:
    if width is None:
        yield from _said(block)
    elif isinstance(block, blocks.Command):
        yield from wrap(block.lead, width) if block.lead else ()
        yield from command_lines(block.text, width)
    else:
        for line in _said(block):
            yield from wrap(line, width, hang=2)


def _said(block: blocks.Block) -> Iterator[str]:
    match block:
        case blocks.Heading(text):
            yield text
        case blocks.Paragraph(text, _, lead):
            yield f"{lead}: {text}" if lead else text
        case blocks.Table(columns, rows):
            # The first column's title says what the rows are; it would be lost with the header.
            yield from (f"{columns[0].title}:",) if columns[0].title and columns[0].spoken != "bare" else ()
            yield from (blocks.row_sentence(columns, row) for row in rows)
        case blocks.Facts(items):
            yield from (f"{label}: {blocks.text_of(value)}" for label, value in items)
        case blocks.Bar(label, whole):
            yield f"{label}: {whole}"
            yield from (f"{part}: {shown} ({share})" for part, shown, share in block.rows)
        case blocks.Bullets(items, lead):
            yield from (lead,) if lead else ()
            yield from (f"- {item}" for item in items)
        case blocks.Command(text, lead):
            yield from (lead, text) if lead else (text,)
        case blocks.Chart():
            yield from _chart(block)
        case blocks.Scatter(title, said=said):
            yield f"{title}: {said}"


def _chart(chart: blocks.Chart) -> Iterator[str]:
    if chart.title:
        yield f"{chart.title}:"
    for x, *values in chart.figures.rows:
        yield blocks.row_sentence(chart.figures.columns, (f"{chart.x_label} {blocks.text_of(x)}", *values))
