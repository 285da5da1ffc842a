"""A report as Markdown (GitHub's flavour)."""

import re
from collections.abc import Iterator

from agent.report import blocks
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
        case blocks.Bar(label, whole):
            yield f"{escaped(label)}: {escaped(whole)}"
            yield _table((blocks.Column("part"), *blocks.Column.figures("size", "share")), block.rows)
        case blocks.Bullets(items, lead):
            yield from (escaped(lead),) if lead else ()
            yield "\n".join(f"- {escaped(item)}" for item in items)
        case blocks.Command(text, lead):
            yield from (escaped(lead),) if lead else ()
            yield f"```sh\n{text}\n```"
        case blocks.Chart():
            yield from (escaped(block.title),) if block.title else ()
            yield _table(block.figures.columns, block.figures.rows)
        case blocks.Scatter(title, said=said):
            yield escaped(f"{title}: {said}")
        case blocks.Group(inner):
            for part in inner:
                yield from _parts(part)


def _table(columns: tuple[blocks.Column, ...], rows: tuple[tuple[blocks.Cell, ...], ...]) -> str:
    head = [escaped(column.title) for column in columns]
    rule = ["---:" if column.align == "right" else "---" for column in columns]
    body = [[escaped(blocks.text_of(cell)) for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *body))
