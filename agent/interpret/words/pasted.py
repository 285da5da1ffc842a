"""Pasted things: flags of servers and benchmarks, keys of YAML and JSON, tables. Their keys become the trade's words.

What a key means stands in one table. A key that carries its unit (``ttft_p95_ms: 900``) gives it to its value; a table
of columns becomes its pairs of head and cell.
"""

import re
from collections.abc import Iterator
from itertools import product
from typing import Final

from msgspec import Struct

from agent.interpret.words.grammar import UNKNOWN, Amount, Item
from agent.interpret.words.keys import PERCENTILES, is_key, meaning_of_key
from agent.interpret.words.scanner import items_of, kinds_of, phrase_items
from agent.interpret.words.tables import LATENCIES, Rows, are_workloads, tables_in
from agent.interpret.words.vocabulary import SECONDS

_FLAG: Final = re.compile(
    r"(?<![\w-])--?(?P<key>[A-Za-z][\w.-]*)(?P<between>\s*=\s*|[\"'],?\s*[\"']?|\s+)(?P<value>[^\s-][^\s;,]*)?"
)
_ROW: Final = re.compile(r"(?m)^(?P<key>[A-Za-z][\w .-]*),(?=[^,\n]+$)")
"""A row of a CSV file of names and values."""
_PAIR: Final = re.compile(
    r"(?P<quote>[\"'])?(?P<key>[A-Za-z][A-Za-z0-9]*(?:[_./-][A-Za-z0-9]+)*)(?(quote)(?P=quote))\s*(?:[:=])\s*(?=[\[{]?\s*[\"']?[\w.$€])"
)


def put_into_words(text: str, items: list[Item]) -> list[Item]:
    """Return the items with pasted keys as the words that they stand for, and tables as pairs of key and value."""
    if not _LOOKS_PASTED.search(text):
        return items
    _count_cards(text, items)
    spans = [*_table_pairs(text), *_totals(text), *_key_pairs(text)]
    return _rewritten(text, items, spans) if spans else items


_LOOKS_PASTED: Final = re.compile(r"--?[a-zA-Z]|[\w\"'][:=]|\t|\||\w_\w|\n")


_BLOCK_LINE: Final = re.compile(
    r"\s*(?:\||[-*•>] |#|```|[\[\]{}]+,?\s*$|\{\s*[\"']|[\w:]+\{|--?\w)|.*(?:\t| \| |\S {3,}\S|\\\s*$)|"
    r"\s*(?:\d?\d:\d\d )?[\"']?[\w./-]+(?: [\w./-]+)?[\"']?\s*[:=](?:\s|$)"
)
"""A row of a table, an item of a list, a quoted line, a comment, a bracket, a metric, a flag; a command that goes on; a
key with its value, who wrote in a chat."""

_RECORD: Final = re.compile(r"\s*[\w:./-]+(?:[,;]| {2,})\s*\d[\d.,]*[kKmM]?\s*")
"""A record of a CSV file or of a dump: a label and a figure."""


def is_one_block(text: str) -> bool:
    """Return whether lines belong together: a table, YAML, JSON, a list, a command, with what is written around it.

    Args:
        text: the lines, as they were pasted.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    if sum(_RECORD.fullmatch(line) is not None for line in lines) > 2:
        return True
    return len(lines) > 1 and any(_BLOCK_LINE.match(line) for line in lines)


class _Pair(Struct, frozen=True):
    """A key and where its value lies."""

    key: tuple[int, int]
    """With the sign between it and its value."""
    value: tuple[int, int] | None
    """None where the value is what follows."""
    words: str | None
    """What the key stands for; None where its own words stay."""
    unit: str = ""
    unknown: bool = False
    """A flag that no plan depends on."""
    scale: float = 1.0
    """By which the value is multiplied."""


def _key_pairs(text: str) -> Iterator[_Pair]:
    """Yield flags, and keys of YAML and JSON."""
    for flag in _FLAG.finditer(text):
        found = meaning_of_key(flag["key"])
        if found is None and not text[flag.start() :].startswith("--"):
            continue
        words, unit = found or ("", "")
        number = flag["value"] is not None and re.fullmatch(r"[\d.,]+[kKmM]?", flag["value"].strip("'\""))
        end = flag.end() if found is None and number else flag.start() + len(flag.group()) - len(flag["value"] or "")
        yield _Pair((flag.start(), end), None, words, unit, found is None and number is not None)
    for row in _ROW.finditer(text):
        if found := meaning_of_key(row["key"]):
            yield _Pair((row.start(), row.end()), None, *found)
    parents = _parents(text)
    joined = {parents[start][0] for start in parents if _of_parent(text, parents, start) is not None}
    for pair in _PAIR.finditer(text):
        if pair.start() in joined:
            yield _Pair((pair.start(), pair.end()), None, "")
            continue
        if (of_parent := _of_parent(text, parents, pair.start())) is not None:
            yield _Pair((pair.start(), pair.end()), None, *of_parent)
            continue
        before = text[: pair.start()].rstrip(" \"'")
        opens = not before or before[-1] in "\n{,;[(|.:" or re.search(r"(?:^|\n)\s*[-*•]$", before) is not None
        found = meaning_of_key(pair["key"])
        if found is not None and (opens or "_" in pair["key"] or "=" in pair.group()):
            yield _Pair((pair.start(), pair.end()), None, *found)


_CARD: Final = re.compile(r"(?m)^[ \t|]*+(?P<index>\d+) {1,4}(?P<name>NVIDIA [\w -]+?)\s*\|(?P<rest>[^\n]*MiB[^\n]*)$")
"""A row of what nvidia-smi prints: the number of a card, counted from 0, its name and its memory."""


def _count_cards(text: str, items: list[Item]) -> None:
    """Put how many cards nvidia-smi prints in the place of the first one's number, and leave out the other rows."""
    rows = list(_CARD.finditer(text))
    if not rows or len({row["name"] for row in rows}) > 1:
        return
    for item in items:
        if item.start == rows[0].start("index"):
            item.amount = Amount((float(len(rows)),))
        elif any(row.start("rest") <= item.start < row.end() for row in rows):
            item.kinds, item.amount = UNKNOWN, None
    items[:] = [item for item in items if not any(row.start() <= item.start < row.start("rest") for row in rows[1:])]


_RUN: Final = re.compile(r"(?mi)^[ \t]*(?:successful|completed) requests:[ \t]*(?P<count>\d+)[ \t]*$")
_TOTAL: Final = re.compile(r"(?mi)^[ \t]*total (?P<side>input|generated|output) tokens:(?=[ \t]*\d)")


_UPTIME: Final = re.compile(
    r"\b(?:up(?:time)?|running|since start|since)(?: (?:for|of|is|was))?:? (?P<count>\d+(?:\.\d+)?) ?"
    r"(?P<unit>h|hours?|d|days?|weeks?)\b",
    re.I,
)
_COUNTER: Final = re.compile(
    r"(?m)^[ \t]*(?:[a-z]+(?: by *\([^)\n]*\))? *\()*?(?:(?P<by>rate|irate|increase) *\( *)?[\w:]*?(?:(?P<request>"
    r"request_success|requests?|request_count)|(?P<prompt>prompt_tokens)|(?P<answer>generation_tokens))_total"
    r"(?:\{[^}\n]*\})?(?:\[(?P<count>\d+)(?P<unit>[smhdw])\])?[ )]*(?:by \([^)\n]*\))?=?"
    r"(?=[ \t]+(?P<value>\d+(?:\.\d+)?(?:e[+-]?\d+)?)[ \t]*$)"
)
"""A counter of vLLM's metrics, or how fast it counts."""


def _totals(text: str) -> Iterator[_Pair]:
    """Yield totals as what one request has: of a benchmark's run, or of counters over the time that a server is up."""
    run = _RUN.search(text)
    count = int(run["count"]) if run else 0
    for total in _TOTAL.finditer(text) if count else ():
        words = "input : tokens" if total["side"].lower() == "input" else "output : tokens"
        yield _Pair(total.span(), None, words, scale=1 / count)
    up = _UPTIME.search(text)
    counters = [(one, _seconds(one, up)) for one in _COUNTER.finditer(text)] if "_total" in text else []
    rate = sum(float(one["value"]) / seconds for one, seconds in counters if one["request"] and seconds)
    for one, seconds in counters if rate else ():
        side = "input : tokens" if one["prompt"] else "output : tokens"
        if seconds:
            words, per = ("requests per second :", 1.0) if one["request"] else (side, rate)
            yield _Pair(one.span(), None, words, scale=1 / seconds / per)


def _seconds(counter: re.Match[str], up: re.Match[str] | None) -> float:
    """Return the time in which a counter came about: since the server is up, or of its window; 0 where unknown."""
    if counter["by"] in ("rate", "irate"):
        return 1.0
    span = counter if counter["by"] and counter["count"] else up if not counter["by"] else None
    return float(span["count"]) * SECONDS[span["unit"][0].lower()] if span else 0.0


def _parents(text: str) -> dict[int, tuple[int, str]]:
    """Return, by where a key begins, the key around it and where that begins: ``ttft`` of ``ttft: {p99: 1.2}``."""
    found: dict[int, tuple[int, str]] = {}
    braces: list[tuple[int, str] | None] = []
    indented: list[tuple[int, tuple[int, str]]] = []
    last, at = None, 0
    for pair in _PAIR.finditer(text):
        for opening in re.finditer(r"[{}]", text[at : pair.start()]):
            if opening.group() == "{":
                braces.append(last)
            elif braces:
                braces.pop()
        at = pair.start()
        line_start = text.rfind("\n", 0, pair.start()) + 1
        indent = pair.start() - line_start if not text[line_start : pair.start()].strip() else -1
        if indent >= 0:
            while indented and indented[-1][0] >= indent:
                indented.pop()
        around = braces[-1] if braces else indented[-1][1] if indented and indent > 0 else None
        if around is not None:
            found[pair.start()] = around
        last = (pair.start(), pair["key"])
        if indent >= 0:
            indented.append((indent, last))
    return found


def _of_parent(text: str, parents: dict[int, tuple[int, str]], start: int) -> tuple[str, str] | None:
    """Return what a key means with the key around it, where it means so little alone: ``max`` of ``qps``."""
    pair = _PAIR.match(text, start)
    if pair is None or start not in parents or meaning_of_key(pair["key"]) is not None:
        return None
    return meaning_of_key(f"{parents[start][1]}_{pair['key']}")


def _table_pairs(text: str) -> Iterator[_Pair]:
    """Yield the cells of tables with what they are the values of."""
    for block, ruled in tables_in(text):
        yield from _pairs_of(text, block, ruled)


def _pairs_of(text: str, block: Rows, ruled: bool) -> Iterator[_Pair]:
    """Yield the pairs of a table: of two columns its rows; else its head with its only row."""
    keyed = [is_key(text[start:end]) for start, end in (block[0] if block else ())]
    levels = [at for at, cell in enumerate(block[0] if block[1:] else ()) if _is_level(text[slice(*cell)])]
    if len(levels) > 1:
        for row, at in product(block[1:], levels):
            found = meaning_of_key(f"{text[slice(*row[0])]} {text[slice(*block[0][at])]}")
            if found and not found[0].startswith(LATENCIES):
                yield _Pair(row[0], row[at], *found)
        return
    if len(block) > 2 and are_workloads(text, block):
        block = block[:2]  # a plan is of one workload: see workload_rows
    by_columns = len(block) == 2 and ((len(keyed) > 2 and any(keyed)) or (len(keyed) == 2 and all(keyed)))
    if by_columns:
        pairs = list(zip(block[0], block[1], strict=True))
    elif len(block) == 1 and len(keyed) > 2 and keyed == [at % 2 == 0 for at in range(len(keyed))]:
        pairs = list(zip(block[0][::2], block[0][1::2], strict=True))  # | in | 1800 | out | 220 |
    elif block and len(block[0]) == 2:
        pairs = [(row[0], row[1]) for row in block[1 if ruled and not keyed[0] else 0 :]]
    else:
        return
    for key, value in pairs:
        words, unit = meaning_of_key(text[slice(*key)]) or (None, "")
        yield _Pair(key, value, words, unit)


def _is_level(cell: str) -> bool:
    """Whether the head of a column is a percentile or the mean."""
    return PERCENTILES.fullmatch(cell.strip().lower()) is not None


_NEXT: Final = ("unknown", "event", "paren", "model", "link")
"""What a value that stands close behind its '=' does not go on with."""


def _rewritten(text: str, items: list[Item], pairs: list[_Pair]) -> list[Item]:
    """Return the items in the order of pairs: the key's words, a colon, the value with its unit, a stop."""
    tables = [pair for pair in pairs if pair.value is not None]
    covered = [span for pair in tables for span in (pair.key, pair.value) if span is not None]
    keys = sorted((pair for pair in pairs if pair.value is None), key=lambda pair: pair.key)
    made: list[Item] = []
    for pair in tables:
        assert pair.value is not None
        colon = Item(kinds_of(":"), pair.key[1] - 1, pair.key[1], ":")
        words = _within(items, pair.key) if pair.words is None else phrase_items(pair.words, *pair.key)
        value = _scanned(text, *pair.value, whole=(pair.words or "").endswith("tokens "))
        made += [*words, *([colon] if pair.words is None else []), *_with_unit(value, pair.unit, text)]
        made.append(Item(kinds_of("\n"), pair.value[1] - 1, pair.value[1], "\n"))
    position, last_end = 0, -1
    while position < len(items):
        item = items[position]
        if any(start <= item.start < end for start, end in covered) or (item.word == "|" and tables):
            position += 1
            continue
        pair_here = next((p for p in keys if p.key[0] <= item.start < p.key[1] and p.key[0] > last_end), None)
        if pair_here is None:
            made.append(item)
            position += 1
            continue
        last_end = pair_here.key[0]
        start, end = pair_here.key
        if made and not made[-1].has("stop", "pctl"):  # 'at p95 ttft=3.9s'
            made.append(Item(kinds_of("\n"), start, start + 1, "\n"))
        while position < len(items) and items[position].start < end:
            position += 1
        if pair_here.unknown:
            made.append(Item(UNKNOWN, start, end, text[start:end], numeric=True))
            continue
        made += phrase_items(pair_here.words or "", start, end)
        ends = items[position + 1 : position + 2]
        if text[end - 1] == "=" and ends and items[position].start == end and ends[0].has(*_NEXT):
            items.insert(position + 1, Item(kinds_of("\n"), ends[0].start, ends[0].start, "\n"))
        if pair_here.scale != 1 and any(item.amount for item in items[position : position + 1]):
            items[position].amount = items[position].number.times(pair_here.scale)
        if pair_here.unit:
            made += _with_unit(items[position : position + 1], pair_here.unit, text)
            position += 1
    return made


def _scanned(text: str, start: int, end: int, *, whole: bool) -> list[Item]:
    """Return the items of a cell, read by itself: '5,500,100' are three cells of a row.

    Args:
        text: as pasted.
        start: of the cell.
        end: of the cell.
        whole: tokens, which come whole: '2.400' are thousands.
    """
    items = items_of(text[start:end])
    for item in items:
        if whole and item.has("num") and _THOUSANDS.fullmatch(text[start:end]):
            item.amount = item.number.times(1000.0)
        item.start, item.end = item.start + start, item.end + start
    return items


_THOUSANDS: Final = re.compile(r"[1-9]\d{0,2}\.\d{3}")


def _within(items: list[Item], span: tuple[int, int]) -> list[Item]:
    return [item for item in items if span[0] <= item.start < span[1]]


def _with_unit(value: list[Item], unit: str, text: str) -> list[Item]:
    """Return a value with the unit that its key names, unless it carries one itself."""
    number = next((item for item in value if item.has("num")), None)
    if not unit or number is None or text[number.end : number.end + 1].isalpha():
        return value
    at = value.index(number) + 1
    return [*value[:at], *phrase_items(unit, number.end - 1, number.end), *value[at:]]
