"""The blocks that a report is made of. They hold words that are ready to be read, and know no renderer.

A tone is redundant: whatever it says is also said in words.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from typing import Literal, ParamSpec, TypeAlias

from msgspec import Struct

_Given = ParamSpec("_Given")
Tone = Literal["plain", "strong", "quiet", "good", "bad", "warning"]


class Words(Struct, frozen=True):
    """A text in a tone."""

    text: str
    tone: Tone = "plain"
    path: str = ""
    """Of the figure of a plan that it shows, for who can lead to its derivation."""


Cell: TypeAlias = str | Words


class Heading(Struct, frozen=True):
    """Opens a section."""

    text: str


class Paragraph(Struct, frozen=True):
    """Sentences, with an optional lead that carries the tone ('Warning')."""

    text: str
    tone: Tone = "plain"
    lead: str = ""
    path: str = ""
    """Of the figure of a plan that they are about."""


class Column(Struct, frozen=True):
    """A column of a table."""

    title: str
    align: Literal["left", "right"] = "left"
    wraps: bool = False
    """For one column of sentences: it moves beneath its row where the table would be too wide."""
    spoken: Literal["titled", "bare", "sentence"] = "titled"
    """In a labelled line: after its title, without it, or as a sentence at the end.

    Of a first column: whether the title is worth a line of its own."""

    @staticmethod
    def figures(*titles: str) -> "tuple[Column, ...]":
        """Return columns of figures, which stand at the right."""
        return tuple(Column(title, "right") for title in titles)

    @staticmethod
    def sentences(title: str = "") -> "Column":
        """Return a last column of sentences."""
        return Column(title, wraps=True, spoken="sentence")


class Table(Struct, frozen=True):
    """Rows of cells; the first column names the row."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise ValueError(f"each row needs {len(self.columns)} cells")

    @staticmethod
    def of_known(columns: tuple[Column, ...], rows: Sequence[tuple[Cell, ...]]) -> "Table":
        """Return a table without the columns, beside the first, in which no row says anything."""
        known = [at for at in range(len(columns)) if at == 0 or any(row[at] for row in rows)]
        return Table(tuple(columns[at] for at in known), tuple(tuple(row[at] for at in known) for row in rows))


class Facts(Struct, frozen=True):
    """Labels and their values."""

    items: tuple[tuple[str, Cell], ...]


class Part(Struct, frozen=True):
    """One part of a whole."""

    label: str
    value: float
    shown: str
    path: str = ""
    """Of the figure of a plan that it is."""


class Bar(Struct, frozen=True):
    """Parts that sum to a whole, in one unit; no part is negative."""

    label: str
    whole: str
    """The sum, as shown."""
    parts: tuple[Part, ...]

    @property
    def shares(self) -> tuple[float, ...]:
        """Each part's share of the sum."""
        total = sum(part.value for part in self.parts)
        return tuple(part.value / total if total else 0.0 for part in self.parts)

    @property
    def rows(self) -> tuple[tuple[str, str, str], ...]:
        """Each part's label, its size as shown, and its share in whole percent."""
        shares = (f"{100 * one:.0f} %" if one == 0 or one >= 0.005 else "<1 %" for one in self.shares)
        return tuple((part.label, part.shown, share) for part, share in zip(self.parts, shares, strict=True))


class Bullets(Struct, frozen=True):
    """Items of equal rank, under an optional lead."""

    items: tuple[str, ...]
    lead: str = ""


class Command(Struct, frozen=True):
    """Text to copy into a shell, under an optional lead."""

    text: str
    lead: str = ""


class Series(Struct, frozen=True):
    """One line of a chart: its values, and how each is shown."""

    label: str
    values: tuple[float, ...]
    shown: tuple[str, ...]
    low: tuple[float, ...] = ()
    """The lower end of each value's band; empty where it has none."""
    high: tuple[float, ...] = ()

    @staticmethod
    def of(label: str, values: Iterable[float], shown: Callable[[float], str]) -> "Series":
        """Return a line whose values are all shown alike.

        Args:
            shown: how each is written.
        """
        points = tuple(values)
        return Series(label, points, tuple(map(shown, points)))


class Mark(Struct, frozen=True):
    """What is marked in a chart: a point, or a level where it has no x."""

    label: str
    y: float
    x: float | None = None


class Chart(Struct, frozen=True):
    """Values over a sweep. Bands, marks and steps are for who can draw them; the figures stand in the series."""

    x_label: str
    x: tuple[float, ...]
    series: tuple[Series, ...]
    y_label: str = ""
    title: str = ""
    marks: tuple[Mark, ...] = ()
    steps: bool = False
    """Values hold until the next x."""
    said: str = ""
    """The chart in a sentence, for who does not see it."""

    def __post_init__(self) -> None:
        if any(len(line.values) != len(self.x) or len(line.shown) != len(self.x) for line in self.series):
            raise ValueError(f"each series needs {len(self.x)} values and as many shown")

    @property
    def figures(self) -> Table:
        """The figures as a table, a row for each x."""
        rows = tuple((f"{x:g}", *(line.shown[at] for line in self.series)) for at, x in enumerate(self.x))
        return Table(Column.figures(self.x_label, *(line.label for line in self.series)), rows)


class Scatter(Struct, frozen=True):
    """Predicted (y) against measured (x), both on logarithmic axes: dots by kind, all above 0."""

    title: str
    kinds: tuple[tuple[str, tuple[tuple[float, float], ...]], ...]
    """By kind: x and y of its dots."""
    near: float
    """Factor off the diagonal at which lines are drawn."""
    said: str
    """The sentence that stands for it where nothing can be drawn."""


class Group(Struct, frozen=True):
    """Blocks that belong together: no blank line between them."""

    blocks: tuple["Block", ...]


Block: TypeAlias = Heading | Paragraph | Table | Facts | Bar | Bullets | Command | Chart | Scatter | Group


class Report(Struct, frozen=True):
    """Blocks from top to bottom, a blank line between them."""

    blocks: tuple[Block, ...]

    @staticmethod
    def of(blocks: Callable[_Given, Iterator[Block]]) -> "Callable[_Given, Report]":
        """Return a function that yields blocks as one that returns the report of them."""

        @wraps(blocks)
        def report(*arguments: _Given.args, **options: _Given.kwargs) -> Report:
            return Report(tuple(blocks(*arguments, **options)))

        return report


def text_of(cell: Cell) -> str:
    """Return a cell's text."""
    return cell if isinstance(cell, str) else cell.text


def row_sentence(columns: tuple[Column, ...], row: tuple[Cell, ...]) -> str:
    """Return a row as a labelled line: 'TTFT p95: 640 ms (target 800 ms, met)'; empty cells are left out.

    A bare second column is the row's value and what follows it stands in brackets; sentences come last.
    """
    label, *rest = (text_of(cell) for cell in row)
    filled = [(column, text) for column, text in zip(columns[1:], rest, strict=True) if text]
    said = [
        f"{column.title} {text}" if column.spoken == "titled" and column.title else text
        for column, text in filled
        if column.spoken != "sentence"
    ]
    sentences = [text for column, text in filled if column.spoken == "sentence"]
    if len(said) > 1 and filled[0][0] is columns[1] and columns[1].spoken == "bare":
        said = [f"{said[0]} ({', '.join(said[1:])})"]
    body = "; ".join(part for part in (", ".join(said), *sentences) if part)
    return f"{label}: {body}" if label and body else label or body
