"""Tables in a text, and what stands in their rows: the figures of one workload, or a workload in each row.

A table lies as its cells' places by row, its head first; one whose keys stand in the first column is turned.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from msgspec import Struct

from agent.interpret.words.keys import PERCENTILES, is_key, meaning_of_key

Cell = tuple[int, int]
"""Where a cell begins and ends in the text; both alike where it is empty."""
Rows = list[list[Cell]]


def tables_in(text: str) -> Iterator[tuple[Rows, bool]]:
    """Yield the tables of a text, each by its rows, and whether its head is ruled off.

    Args:
        text: as pasted.
    """
    block: Rows = []
    ruled = False
    at = 0
    # A table of lines that were joined has two bars where one line ends: '| a | b | | c | d |'.
    flat = "\n" not in text and text.count("|") > 5
    for line in [*(re.split(r"(?<=\|)[ \t](?=\|)", text) if flat else text.split("\n")), ""]:
        cells = _cells(text, line, at)
        if cells and len(block) == 1 and len(cells) == len(block[0]) + 1:
            block[0].insert(0, (block[0][0][0], block[0][0][0]))  # nothing stands above the rows' names
        at += len(line) + 1
        if cells is None:
            ruled = ruled or bool(block)
        elif len(cells) > 1 and (not block or len(cells) == len(block[0])):
            block.append(cells)
        else:
            yield _upright(text, block), ruled
            block, ruled = ([cells] if len(cells) > 1 else []), False


def _upright(text: str, block: Rows) -> Rows:
    """Return a table with its keys in the head: turned where they stand in the first column."""
    if len(block) < 3 or len(block[0]) < 3:
        return block  # of two columns are pairs
    down = sum(is_key(text[slice(*row[0])]) for row in block[1:])
    heads = [text[slice(*cell)].strip() for cell in block[0][1:]]
    across = sum(is_key(head) or PERCENTILES.fullmatch(head.lower()) is not None for head in heads)
    return [list(column) for column in zip(*block, strict=True)] if down > 1 and not across else block


class WorkloadRow(Struct, frozen=True):
    """A row of a table that has a workload in each."""

    name: str
    text: str
    """Its head and its cells where they stand in the text, and blanks elsewhere."""
    share: float = 0.0
    """Of all requests, where the table says it; else 0."""


class Workloads(Struct, frozen=True):
    """The workloads of a text, and where they lie."""

    rows: tuple[WorkloadRow, ...]
    start: int
    end: int
    left: tuple[str, ...] = ()
    """Heads of columns that tell what runs today."""


def workloads_in(text: str) -> Workloads | None:
    """Return the rows of the first table that has a workload in each of several; None where there is none.

    Args:
        text: as pasted.
    """
    for block, _ in tables_in(text) if "\n" in text else ():
        if len(block) < 3 or not are_workloads(text, block) or tells_results(text, block):
            continue
        start, end = span_of(block)
        named = not is_key(text[slice(*block[0][0])])
        shares, column = _shares_in(text, block)
        today = _IS_TODAY.search(text[end:]) or _OF_TODAY.search(text[:start])
        left = [at for at, cell in enumerate(block[0]) if today and _meaning(text, cell).startswith(_RUNNING)]
        columns = [at for at in range(named, len(block[0])) if at != column and at not in left]
        rows = [
            WorkloadRow(
                text[slice(*row[0])] if named else f"row {number}",
                _alone(text, [(block[0][at], row[at]) for at in columns]),
                shares[number - 1],
            )
            for number, row in enumerate(block[1:], start=1)
        ]
        return Workloads(tuple(rows), start, end, tuple(text[slice(*block[0][at])] for at in left))
    return _labelled_rows(text)


LATENCIES: Final = ("ttft", "itl", "e2e")
"""With which the meaning of a latency's key begins."""
_RUNNING: Final = (*LATENCIES, "replicas", "gpus", "nodes")
"""The same of keys that tell, of what runs, how many there are and how fast they answer."""
_TODAY: Final = r"(?:current(?:ly)?|today|now|prod(?:uction)?|present|existing|measured|status quo|as is)\b"
_IS_TODAY: Final = re.compile(
    rf"\A\W*(?:(?:this|that|these|it|above|thats) ?(?:is|are|was|'s)? )?(?:our |the |what we have )?{_TODAY}", re.I
)
_OF_TODAY: Final = re.compile(rf"\b{_TODAY}[^\n]*\n?\Z", re.I)
"""What a table is of: the words behind it, or the line above."""


def span_of(block: Rows) -> Cell:
    """Return where a table begins and ends."""
    cells = [cell for row in block for cell in row]
    return min(start for start, _ in cells), max(end for _, end in cells)


def _meaning(text: str, cell: Cell) -> str:
    return (meaning_of_key(text[slice(*cell)]) or ("", ""))[0]


def _alone(text: str, pairs: Sequence[tuple[Cell, Cell]]) -> str:
    """Return a text with nothing but some heads and their cells, as a table of its own, where they stand."""
    kept = [" "] * (len(text) + 1)
    cells = sorted(cell for pair in pairs for cell in pair)
    for (start, end), following in zip(cells, [*cells[1:], None], strict=True):
        ends = following is None or "\n" in text[end : following[0]]
        kept[start : end + 1] = [*text[start:end], "\n" if ends else "\t"]
    return "".join(kept)


def are_workloads(text: str, block: Rows) -> bool:
    """Return whether a table has a workload in each row: a head of keys, and no percentiles below it.

    Args:
        text: as pasted.
        block: the table.
    """
    keyed = [is_key(text[start:end]) for start, end in block[0]]
    levels = any(PERCENTILES.fullmatch(text[slice(*row[0])].strip().lower()) for row in block[1:])
    return sum(keyed) > 1 and len(keyed) > 2 and not levels


def tells_results(text: str, block: Rows) -> bool:
    """Return whether a table tells what was measured: a rate in each row, several of its latencies, and no length.

    Args:
        text: as pasted.
        block: the table.
    """
    meanings = [_meaning(text, cell) for cell in block[0]]
    latencies = [one for one in meanings if one.startswith(LATENCIES)]
    rated = any(one.startswith(("requests per", "peak requests per", "concurrency")) for one in meanings)
    sized = any(one.startswith(("input", "output")) for one in meanings)
    return len(latencies) > 2 and rated and not sized


_SHARE: Final = re.compile(
    r"(?:traffic |request )?(?:share|mix|weight|portion|percent|%)(?: of (?:traffic|requests))?", re.I
)


def _shares_in(text: str, block: Rows) -> tuple[list[float], int]:
    """Return the share of all requests of each row of a table and its column; zeros where it has none that make 1."""
    for column, head in enumerate(block[0]):
        cells = [text[slice(*row[column])].strip() for row in block[1:]]
        if _SHARE.fullmatch(text[slice(*head)].strip()) and all(re.fullmatch(r"\d+(?:\.\d+)?\s?%", c) for c in cells):
            shares = [float(cell.rstrip("% ")) / 100 for cell in cells]
            return (shares if abs(sum(shares) - 1) < 0.01 else [0.0] * len(shares)), column
    return [0.0] * len(block), -1


_LABEL: Final = re.compile(
    r"(?:^|(?<=[.,:;\n]))[^\S\n]*(?:[-*•] |and )?(?P<name>(?:(?!option|setup|variant|year|phase|stage|step|month|"
    r"week|quarter|day|q\b)[a-z]+ )?(?P<mark>[A-H]|[1-9]))(?::\s| is |[ \t]{2,}|\t)",
    re.I,
)
"""How workloads are told one after the other: 'Team A: 3 rps of … Team B: 5 rps of …', 'A is …, B is …'."""
_RATE_SAID: Final = re.compile(
    r"\d\s?(?:[rq]p[smhd]\b|[km]?\s?(?:req|requests?|queries|calls|messages)\s?(?:/|per |an? )\s?\w|"
    r"[km]?\s?/\s?(?:s|sec|second|min|minute|h|hour|d|day|week|month)\b)",
    re.I,
)
_SENTENCE_ENDS: Final = re.compile(r"\.\s+(?=[A-Z])|\n|$")


def _labelled_rows(text: str) -> Workloads | None:
    """Return workloads that are told under A and B, or 1 and 2, each with a rate of its own; and where they lie."""
    labels = list(_LABEL.finditer(text))
    marks = [label["mark"].upper() for label in labels]
    if len(labels) < 2 or marks not in (list("ABCDEFGH"[: len(marks)]), list("123456789"[: len(marks)])):
        return None
    ends = [label.start() for label in labels[1:]]
    last = _SENTENCE_ENDS.search(text, labels[-1].end())
    ends.append(last.start() if last else len(text))
    parts = [(label.end(), end) for label, end in zip(labels, ends, strict=True)]
    if not all(_RATE_SAID.search(text[start:end]) for start, end in parts):
        return None
    rows = [
        WorkloadRow(label["name"], " " * start + text[start:end] + " " * (len(text) - end))
        for label, (start, end) in zip(labels, parts, strict=True)
    ]
    return Workloads(tuple(rows), labels[0].start(), ends[-1])


_OPTION: Final = re.compile(r"(?m)^[^\S\n]*+(?:option\s+|setup\s+|variant\s+)?(?P<letter>[A-F])[).:]\s[^\n]*", re.I)


def options_beyond(text: str) -> list[Cell]:
    """Return where options B and C lie beside A."""
    options = list(_OPTION.finditer(text))
    return [option.span() for option in options[1:]] if [o["letter"] for o in options[:2]] == ["A", "B"] else []


# --- rows that come one by one ----------------------------------------------------------------------------------------


def is_head(line: str) -> bool:
    """Return whether a line is the head of a table whose rows come after it: keys, and no value among them.

    Args:
        line: as it was typed, or came through a pipe.
    """
    cells = _cells(line, line, 0) or []
    keyed = sum(is_key(line[start:end]) for start, end in cells)
    return keyed > 1 and 2 * keyed >= len(cells) and not any(map(str.isdigit, line))


def goes_on(table: str, line: str) -> bool:
    """Return whether a line is the next one of a table.

    Args:
        table: its lines so far, the head first.
        line: as it came.
    """
    head = table.partition("\n")[0]
    cells = _cells(f"{head}\n{line}", line, len(head) + 1)
    if cells == [] and "," in head:  # names and numbers below a head of keys
        return line.count(",") == head.count(",")
    return cells is None or len(cells) == len(_cells(head, head, 0) or ())


_OF_A_LOAD: Final = frozenset("hour time date day weekday month requests reqs calls messages queries".split())
"""Heads of columns that say when, and how many came."""


@lru_cache(64)
def _is_list_of_keys(line: str) -> bool:
    """Whether a line is the head of a CSV file: names with commas between them, most of which are keys."""
    cells = line.split(",")
    keyed = sum(is_key(cell) or cell.strip().lower() in _OF_A_LOAD for cell in cells)
    return keyed == len(cells) > 1 or (keyed > 2 and 2 * keyed > len(cells) and not any(map(str.isdigit, line)))


def _cells(text: str, line: str, at: int) -> list[Cell] | None:
    """Return where the cells of a table's line lie; None for the line under a head."""
    if re.fullmatch(r"\s*+\|?(?:\s*+:?-{2,}+:?\s*+\|?)+\s*+", line):
        return None
    mark = "|" if line.count("|") > 1 else "\t" if "\t" in line else ";" if re.search(r"\S;\S", line) else ","
    if mark == ";" and "; " in line:
        return []
    if mark == "," and len(re.split(r" {2,}", line.strip())) > 2:
        return [(at + cell.start(), at + cell.end()) for cell in re.finditer(r"\S+(?: \S+)*", line)]
    if mark not in line:
        return []
    if mark == "," and not _is_list_of_keys(line):
        # A row of numbers and names belongs to a head of keys; any other line is a sentence.
        above = [one for one in text[:at].split("\n") if one.strip()]
        head = next((one for one in reversed(above) if one.count(",") != line.count(",") or _is_list_of_keys(one)), "")
        if line.count(",") != head.count(",") or not _is_list_of_keys(head):
            return []
    cells = []
    for cell in re.finditer(rf"[^{re.escape(mark)}]+", line):
        stripped = cell.group().strip()
        if stripped:
            start = at + cell.start() + cell.group().index(stripped)
            cells.append((start, start + len(stripped)))
    return cells
