"""Where the words of a report stand at a given width: lines of toned spans, which any renderer can paint.

A table that is too wide first moves its prose beneath its rows, then becomes labelled lines.
"""

from collections.abc import Iterable, Iterator, Sequence

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
    Tone,
    Words,
    row_sentence,
    text_of,
)
from agent.report.rendering.wrapping import cells, command_lines, wrap

Line = tuple[Words, ...]
"""Spans from left to right."""

GAP = 2
"""Spaces between columns."""
INDENT = 2
"""Of what stands under a heading or belongs to the line above."""
INDENTED_FROM = 60
"""Columns from which sections are indented."""
LEAST_PROSE = 34
"""Columns in which sentences still read well beside other columns."""
LEAST_VALUE = 22
"""Columns in which a fact's value still reads well beside its label."""
MOST_PROSE = 100
"""Longer lines of sentences are hard to read, however wide the terminal."""
MOST_BAR = 64
FILLS = "█▓▒░·oxv"
"""Fills of a bar's parts, told apart without colour."""


def lines(report: Report, width: int) -> list[Line]:
    """Return the report's lines, none wider than the width but for a long word of a command."""
    out: list[Line] = []
    indent = 0
    previous: Block | None = None
    for block in report.blocks:
        if previous is not None and not isinstance(previous, Heading):
            out.append(())
        if isinstance(block, Heading):
            indent = INDENT if width >= INDENTED_FROM else 0
            out.extend(_block(block, width))
        else:
            out.extend(_indented(_block(block, width - indent), indent))
        previous = block
    return out


def height(report: Report, width: int) -> int:
    """Return how many lines the report takes."""
    return len(lines(report, width))


def _block(block: Block, width: int) -> Iterator[Line]:
    match block:
        case Heading(text):
            yield from _toned(wrap(text, width), "strong")
        case Paragraph():
            yield from _paragraph(block, width)
        case Table():
            yield from _table(block, width)
        case Facts():
            yield from _facts(block, width)
        case Bar():
            yield from _bar(block, width)
        case Bullets(items, lead):
            yield from _toned(wrap(lead, width) if lead else (), "quiet")
            for item in items:
                yield from _toned(wrap(f"- {item}", min(width, MOST_PROSE), hang=2))
        case Command(text, lead):
            yield from _toned(wrap(lead, width) if lead else (), "quiet")
            yield from _indented(_toned(command_lines(text, width - INDENT)), INDENT)
        case Chart():
            from agent.report.rendering.chart import drawn  # plotext, only where there is a chart

            yield from _toned(drawn(block, width))
        case Scatter():
            from agent.report.rendering.chart import scattered

            yield from _toned(wrap(f"{block.title}: {block.said}", width))
            yield from _toned(scattered(block, width))
        case Group(blocks):
            for part in blocks:
                yield from _block(part, width)


def _paragraph(block: Paragraph, width: int) -> Iterator[Line]:
    lead = f"{block.lead}:" if block.lead else ""
    tone: Tone = "plain" if lead else block.tone
    for number, text in enumerate(wrap(f"{lead} {block.text}".strip(), min(width, MOST_PROSE))):
        if number == 0 and lead and text.startswith(lead):
            yield (Words(lead, block.tone), Words(text[len(lead) :], tone))
        else:
            yield (Words(text, tone),)


def _table(table: Table, width: int) -> Iterator[Line]:
    prose = next((place for place, column in enumerate(table.columns) if column.wraps), None)
    widths = [
        max(cells(column.title), *(cells(text_of(row[place])) for row in table.rows)) if table.rows else 0
        for place, column in enumerate(table.columns)
    ]
    figures = [place for place in range(len(widths)) if place != prose]
    used = sum(widths[place] for place in figures) + GAP * (len(figures) - 1)
    if used > width:
        if table.columns[0].title and table.columns[0].spoken != "bare":
            yield (Words(f"{table.columns[0].title}:", "quiet"),)
        for row in table.rows:
            yield from _labelled(table.columns, row, width)
        return
    room = width - used - GAP
    if prose is not None and room >= min(widths[prose], LEAST_PROSE):
        widths[prose] = min(widths[prose], room)
        shown = list(range(len(widths)))
        beneath = None
    else:
        shown, beneath = figures, prose
    if any(table.columns[place].title for place in shown):
        header = tuple(Words(column.title, "quiet") for column in table.columns)
        yield from _row(table.columns, header, widths, shown)
    for row in table.rows:
        yield from _row(table.columns, row, widths, shown)
        if beneath is not None and text_of(row[beneath]):
            yield from _indented(_toned(wrap(text_of(row[beneath]), width - INDENT), "quiet"), INDENT)


def _row(columns: Sequence[Column], row: Sequence[Cell], widths: Sequence[int], shown: Sequence[int]) -> Iterator[Line]:
    wrapped = {place: wrap(text_of(row[place]), widths[place]) for place in shown}
    for depth in range(max(len(part) for part in wrapped.values())):
        line: list[Words] = []
        for place in shown:
            text = wrapped[place][depth] if depth < len(wrapped[place]) else ""
            pad = " " * (widths[place] - cells(text))
            cell = row[place]
            tone: Tone = cell.tone if isinstance(cell, Words) else "plain"
            padded = [Words(text, tone), Words(pad)]
            line += [Words(" " * GAP if line else ""), *(padded[::-1] if columns[place].align == "right" else padded)]
        yield _stripped(line)


def _labelled(columns: tuple[Column, ...], row: tuple[Cell, ...], width: int) -> Iterator[Line]:
    label = f"{text_of(row[0])}:"
    for number, text in enumerate(wrap(row_sentence(columns, row), width, hang=INDENT)):
        if number == 0 and text.startswith(label):
            yield (Words(label, "strong"), Words(text[len(label) :]))
        else:
            yield (Words(text),)


def _facts(facts: Facts, width: int) -> Iterator[Line]:
    labels = max((cells(label) for label, _ in facts.items), default=0)
    columns = (Column(""), Column("", spoken="bare"))
    beside = width - labels - GAP
    for label, value in facts.items:
        if beside >= min(LEAST_VALUE, max(cells(text_of(cell)) for _, cell in facts.items)):
            yield from _row(columns, (Words(label, "quiet"), value), (labels, beside), (0, 1))
        else:
            yield from _labelled(columns, (label, value), width)


def _bar(bar: Bar, width: int) -> Iterator[Line]:
    yield from _toned(wrap(f"{bar.label}: {bar.whole}", width))
    length = min(width, MOST_BAR)
    drawn = [max(1, round(share * length)) if share else 0 for share in bar.shares]
    if any(drawn):
        drawn[drawn.index(max(drawn))] += length - sum(drawn)
        yield (Words("".join(FILLS[number % len(FILLS)] * count for number, count in enumerate(drawn))),)
    columns = (Column(""), Column(""), *Column.figures("", ""))
    rows = tuple((FILLS[number % len(FILLS)], *row) for number, row in enumerate(bar.rows))
    yield from _table(Table(columns, rows), width)


def _toned(texts: Iterable[str], tone: Tone = "plain") -> Iterator[Line]:
    return ((Words(text, tone),) for text in texts)


def _indented(body: Iterable[Line], by: int) -> Iterator[Line]:
    return ((Words(" " * by), *line) if by else line for line in body)


def _stripped(line: list[Words]) -> Line:
    while line and not line[-1].text.strip():
        line.pop()
    return tuple(span for span in line if span.text)
