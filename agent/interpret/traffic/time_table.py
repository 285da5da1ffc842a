"""A table of a load by the hour, by the weekday or by the month: a profile, the busiest day, or growth."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from agent.fields.demand import BOTH, GIVEN_AS, PEAK, RATE
from agent.interpret.facts.reading import Ambiguity, Choice, Reading, SaidValue
from agent.interpret.traffic.growth import GROWTH
from agent.interpret.words.keys import meaning_of_key
from agent.interpret.words.scanner import items_of
from agent.interpret.words.tables import Rows, span_of, tables_in
from agent.interpret.words.tongues import put_into_english
from agent.interpret.words.vocabulary import SECONDS
from catalogs.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, SECONDS_PER_MONTH, show_count, show_figure, show_percent

_CLOCK: Final = re.compile(
    r"(?P<from>[01]?\d|2[0-4])(?::00|h)?(?: ?[-–—] ?(?P<to>[01]?\d|2[0-4])(?::00|h)?)?(?: ?(?:h|uhr|o'clock))?", re.I
)
_HOURS: Final = re.compile(
    r"(?:hour|time|clock|stunde|uhrzeit|uhr|zeit|heure|hora|ora|uur)s?(?: of (?:the )?day)?", re.I
)
_DAY: Final = re.compile(
    r"(?:mon|tue|wed|thu|fri|sat|sun|mo|di|mi|do|fr|sa|so|lun|mar|mer|jeu|ven|sam|dim)(?:\.|[a-zäöü]*(?:day|tag|woch|di))?",
    re.I,
)
_MONTHS: Final = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH: Final = re.compile(rf"(?P<month>{'|'.join(_MONTHS)})[a-z]*\.?(?: ?'?\d\d(?:\d\d)?)?", re.I)
_LINE: Final = re.compile(
    r"(?m)^[ \t|]*+(?P<label>[^\W\d][\w.]*|\d{1,2}(?::\d\d|h)?(?: ?[-–] ?\d{1,2}(?::\d\d|h)?)?)[ \t|:=,]++"
    r"(?P<figure>\d[\d.,]* ?[kKmM]?)\b(?:[ \t]*+(?P<noun>[^\W\d_]+))?[ \t|]*+$"
)
"""A label and a figure, where a table has no head."""
_FEWEST: Final = 3
"""Rows; fewer make no profile."""
_NONE: Final = 1e-4
"""Of the busiest hour, what an hour without requests has in a profile, whose hours are all above 0."""
_COUNTED: Final = ("event", "thing", "talk")
"""Kinds of nouns whose numbers are a load."""


class TimeTable(Struct, frozen=True):
    """A load by time."""

    of: str
    """hour, day or month."""
    labels: tuple[str, ...]
    hours: tuple[tuple[int, int], ...]
    """From and to, where it is by the hour."""
    rates: tuple[float, ...]
    """Requests/s."""
    lengths: Mapping[str, tuple[float, ...]]
    """By path."""
    start: int
    end: int


def time_table(text: str) -> TimeTable | None:
    """Return the load by time that a text has as a table; None where it has none.

    Args:
        text: as pasted.
    """
    for block, _ in tables_in(text) if "\n" in text else ():
        for rows in (block, [list(column) for column in zip(*block, strict=True)] if len(block) > 1 else []):
            if len(rows) > _FEWEST and (made := _of_rows(text, rows)):
                return made
    return _of_lines(text) if text.count("\n") >= _FEWEST - 1 else None


def _of_rows(text: str, rows: Rows) -> TimeTable | None:
    """Return what a table with a head tells, whose first column is of time and of whose others one is the load."""
    words = [[text[slice(*cell)] for cell in row] for row in rows]
    head, labels = words[0], [row[0] for row in words[1:]]
    if (of := _named(labels, head[0])) is None:
        return None
    rate_of, lengths, loads = "", dict[str, tuple[float, ...]](), list[int]()
    for column in range(1, len(head)):
        figures = [_figure(row[column]) for row in words[1:]]
        if None in figures:
            return None
        meaning = (meaning_of_key(head[column]) or ("", ""))[0]
        if _rate_meant(head[column]):
            loads, rate_of = [*loads, column], meaning.split()[2]
        elif meaning in _LENGTHS:
            lengths[_LENGTHS[meaning]] = tuple(float(figure or 0.0) for figure in figures)
        elif _is_load(head[column]):
            loads = [*loads, column]
        else:
            return None
    if len(loads) != 1:
        return None
    counts = [_figure(row[loads[0]]) or 0.0 for row in words[1:]]
    return _made(of, labels, counts, rate_of, lengths, span_of(rows))


_LENGTHS: Final = {"input : tokens ": "tokens.input.mean", "output : tokens ": "tokens.output.mean"}


def _of_lines(text: str) -> TimeTable | None:
    """Return what lines of a label and a figure tell, one of which, or the line before them, says what is counted."""
    found = list(_LINE.finditer(text))
    if len(found) < _FEWEST or any(text[a.end() : b.start()].strip("\n| \t-") for a, b in pairwise(found)):
        return None
    above = [line for line in text[: found[0].start()].split("\n") if line.strip()][-1:]
    heads = [one["noun"] for one in found if one["noun"]] or re.findall(r"[^\W\d_]+(?:/\w+)?", "".join(above))
    labels = [one["label"] for one in found]
    of = _named(labels, next((head for head in heads if _HOURS.fullmatch(head)), ""))
    rates = [meaning[0].split()[2] for head in heads if (meaning := _rate_meant(head))]
    if of is None or not (rates or any(map(_is_load, heads))):
        return None
    counts = [_figure(one["figure"]) or 0.0 for one in found]
    start = found[0].start()
    if above and all(_HOURS.fullmatch(one) or (one.isalpha() and _is_load(one)) for one in _names(above[0])):
        start = text.rindex(above[0], 0, start)
    return _made(of, labels, counts, rates[0] if rates else "", {}, (start, found[-1].end()))


def _names(head: str) -> list[str]:
    return [name.strip() for name in re.split(r"[,;\t|]", head) if name.strip()]


def _rate_meant(head: str) -> tuple[str, str] | None:
    meaning = meaning_of_key(head)
    return meaning if meaning and meaning[0].startswith("requests per ") else None


def _named(labels: Sequence[str], head: str) -> str | None:
    """Return of what time the labels of rows are; hours are only told from numbers by their head, or by their span."""
    if all(_DAY.fullmatch(one) for one in labels) and len(labels) <= 7:
        return "day"
    if all(_MONTH.fullmatch(one) for one in labels):
        return "month"
    clocks = [_CLOCK.fullmatch(one) for one in labels]
    spans = all(clock and (clock["to"] or ":" in clock.group() or "h" in clock.group()) for clock in clocks)
    return "hour" if all(clocks) and (spans or _HOURS.fullmatch(head.strip())) else None


def _is_load(head: str) -> bool:
    """Whether the head of a column, or a noun, names what is counted as a load: requests, Anfragen."""
    items, _ = put_into_english(head, items_of(head))
    return any(item.has(*_COUNTED) or item.word == "traffic" for item in items)


def _figure(cell: str) -> float | None:
    """Return the number of a cell: 410k, 1,200, 1.200; None where it holds none."""
    if re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", cell.strip()):
        return float(cell) * 1000
    numbers = [item for item in items_of(cell) if item.has("num")]
    return numbers[0].number.times(1e6 if numbers[0].number.small_m else 1.0).value if len(numbers) == 1 else None


def _made(
    of: str, labels: Sequence[str], counts: Sequence[float], rate_of: str, lengths: Mapping[str, tuple[float, ...]],
    span: tuple[int, int],
) -> TimeTable | None:  # fmt: skip
    """Return the table with its counts as rates.

    Args:
        of: what time.
        labels: of the rows.
        counts: of the rows.
        rate_of: the time of which each count is where the head says it, else empty: of the row's own.
        lengths: by path, of the rows.
        span: where it lies.
    """
    hours: list[tuple[int, int]] = []
    if of == "hour":
        clocks = [match for one in labels if (match := _CLOCK.fullmatch(one))]
        starts = [int(clock["from"]) for clock in clocks]
        steps = {b - a for a, b in pairwise(starts)}
        width = steps.pop() if len(steps) == 1 else 1
        hours = [(a, int(clock["to"]) if clock["to"] else a + width) for a, clock in zip(starts, clocks, strict=True)]
        if any(not a < b <= 24 for a, b in hours) or any(b > a for (_, b), (a, _) in pairwise(hours)):
            return None
    whole = {"day": SECONDS_PER_DAY, "month": SECONDS_PER_MONTH}.get(of, 0.0)
    if sum(counts) <= 0:
        return None
    seconds = [SECONDS[rate_of]] * len(counts) if rate_of else [whole] * len(counts)
    if not (rate_of or whole):
        seconds = [(b - a) * SECONDS_PER_HOUR for a, b in hours]
    rates = tuple(count / period for count, period in zip(counts, seconds, strict=True))
    return TimeTable(of, tuple(labels), tuple(hours), rates, lengths, *span)


def with_load_by_time(text: str, table: TimeTable, beside: Reading) -> Reading:
    """Return the reading of what stands beside a table of a load by time, with the load that the table gives.

    Args:
        text: as pasted.
        table: in it.
        beside: the reading of the text without it.
    """
    said = [one for one in beside.said_values if one.path != RATE]
    asked = [one for one in beside.questions if one.path != RATE]
    habits, words = list(beside.habits), text[table.start : table.end]
    if table.of == "hour":
        *values, given = [SaidValue(path, value, words, echo, table.start) for path, value, echo in _profile(table)]
        said, habits = [*said, *values], [*habits, given]
    else:
        ahead = text[: table.start] + text[table.end :]
        asked.append(_which_day(table, words) if table.of == "day" else _which_month(table, words, ahead))
    for path, of_each in table.lengths.items():
        mean = sum(rate * one for rate, one in zip(table.rates, of_each, strict=True)) / sum(table.rates)
        noun = "prompts" if path == "tokens.input.mean" else "answers"
        echo = f"{noun}: {show_count(round(mean))} tokens on average of all rows, by their load"
        said.append(SaidValue(path, float(round(mean)), words, echo, table.start))
    said.sort(key=lambda one: one.start)
    return replace(beside, said_values=tuple(said), questions=tuple(asked), habits=tuple(habits))


def _profile(table: TimeTable) -> list[tuple[str, Any, str]]:
    by_hour = [0.0] * 24
    for (a, b), rate in zip(table.hours, table.rates, strict=True):
        by_hour[a:b] = [rate] * (b - a)
    mean, most = sum(by_hour) / 24, max(by_hour)
    named = sum(b - a for a, b in table.hours)
    rest = f"; the {24 - named} hours that it leaves out are taken to have none" if named < 24 else ""
    at = table.labels[table.rates.index(most)]
    profile = tuple(max(rate, most * _NONE) / mean for rate in by_hour)
    load = f"{show_figure(mean)} requests/s on average of the day, {show_figure(most)} in the busiest hour ({at}){rest}"
    return [
        (RATE, mean, load),
        (PEAK, most / mean, f"{show_figure(most)} / {show_figure(mean)} = peak {show_figure(most / mean)} × the mean"),
        ("traffic.hourly_profile", profile, "the hours of the day as in the table"),
        (GIVEN_AS, BOTH, load),
    ]


def _which_day(table: TimeTable, words: str) -> Ambiguity:
    mean, most = sum(table.rates) / len(table.rates), max(table.rates)
    busiest = table.labels[table.rates.index(most)]
    choices = (
        Choice(most, f"the busiest day, {busiest}: {show_figure(most)} requests/s on average", usual=True),
        Choice(mean, f"the mean of all {len(table.rates)} days: {show_figure(mean)} requests/s"),
    )
    return Ambiguity("A load for each weekday: which is planned?", RATE, choices, words, table.start)


def _which_month(table: TimeTable, words: str, rest: str) -> Ambiguity:
    first, last, months = table.rates[0], table.rates[-1], len(table.rates) - 1
    choices = [Choice(last, f"as in {table.labels[-1]}: {show_figure(last)} requests/s on average", usual=True)]
    if first > 0 and last != first:
        a_month = (last / first) ** (1 / months)
        grown = f"{show_percent(a_month - 1)} a month since {table.labels[0]}"
        if named := re.search(rf"\b{_MONTH.pattern}\b", rest, re.I):
            ahead = (_number(named["month"]) - _number(table.labels[-1])) % 12 or 12
            then = last * a_month**ahead
            choices.append(
                Choice(then, f"in {named.group()}, if it goes on by {grown}: {show_figure(then)} requests/s")
            )
        growth = a_month**12 - 1
        label = f"{show_figure(last)} requests/s, and growing on by {grown}, {show_percent(growth)} a year"
        choices.append(Choice(last, label, also={GROWTH: growth}))
    return Ambiguity("A load for each month: which is planned?", RATE, tuple(choices), words, table.start)


def _number(month: str) -> int:
    return _MONTHS.index(month[:3].lower())
