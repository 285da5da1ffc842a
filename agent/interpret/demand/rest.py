"""Figures of demand that came to nothing beside a load: whether it is the whole is asked, with what they make it."""

import re
from collections.abc import Sequence
from math import prod
from typing import Final

from msgspec.structs import replace

from agent.fields.demand import HABIT, PEAK, RATE, USERS
from agent.interpret.demand.factors import Line
from agent.interpret.facts.draft import Draft
from agent.interpret.facts.reading import Choice
from agent.interpret.facts.settlement import implausible
from agent.interpret.roles.figures import Second
from agent.interpret.traffic.crowds import NO_PERSON
from agent.interpret.traffic.how_many import USUAL_HABIT
from agent.interpret.traffic.peaks import usual_ratio
from agent.interpret.traffic.scope import take_hours
from agent.interpret.words.grammar import UNKNOWN, Item
from agent.interpret.words.ordinary import ASKING
from agent.interpret.words.vocabulary import SECONDS
from catalogs.units import SECONDS_PER_DAY, show_figure, show_percent, show_seconds

OPEN: Final = Choice(None, "another load: say how many requests come in which time", RATE)
"""For whom no load that was reckoned is right."""
_ANOTHER_HABIT: Final = Choice(None, "another habit: say how often each of them asks", RATE)
_LOADS: Final = (RATE, "traffic.concurrency")
_COUNTED: Final = ("users", "turns", "habit", "daily", "active_users", "in_flight")
_FACTORS: Final = (*_COUNTED, "share", "rate", "peak_factor", "growth")
"""Roles by which a load is multiplied or divided, or that are a load of their own."""
_FACTOR: Final = 0.6
"""Probability of these from which a figure is not passed over: by judgement, as the next."""
_MAY: Final = 0.4
"""The same of a figure beside such a one."""
_SURE: Final = 0.85
"""The same of a number that stands before a word that is no noun of demand."""
_ONE: Final = frozenset({"1", "one", "single"})
_MAKERS: Final = frozenset("run runs running operate maintain maintaining build building manage managing host".split())
"""What is done by people who serve and do not ask: 'our 5 engineers run it'."""
_AVAILABLE: Final = 0.98
"""Share above which a percentage is one of time or of requests that are well."""
_BEHIND: Final = 12
"""Characters behind a load in which its time may stand: 'et par jour'."""
LIES: Final = "of 24 hours"
"""In what is said of a load that comes in some hours of the day."""
_OVER: Final = re.compile(r"(?i)peak \S+ × the mean$")
_PRICE: Final = re.compile(r"\d\.\d\d$")
_CELL: Final = re.compile(r"\t|\|.*\|")
_KEY: Final = re.compile(r"(?:--[\w-]+[ =]|\w\s?=\s?|[\w\"']\s?:\s*\"?)$")
"""What stands before a figure that is the value of a key, which says what it is."""
_MOST_MADE: Final = 3
"""Loads that are made of one that was read and a figure beside it."""


def ask_whole_load(draft: Draft, line: Line, second: Second) -> None:
    """Ask whether a load is all of it where figures of demand beside it came to nothing.

    Of '9M page views a day, 0.4 % of them ask 1.6 questions' the first figure alone is 156 times the load.

    Args:
        draft: of the rules, with what the product of demand asks.
        line: the items of the sentence as they were before the rules took any.
        second: of the same line.
    """
    _lie_in_hours(draft, second)
    unused = _factors_left(draft, line, second)
    if any(USUAL_HABIT in choice.label for one in draft.questions for choice in one[2]):
        unused = unused or _of_a_trial(draft, second)
    unused = unused or _higher_before(draft, line, second)
    if not unused:
        return
    beside = f"I have not used {', '.join(repr(draft.sentence.text[item.start : item.end]) for item in unused)}."
    for number, (text, path, choices, start, end) in enumerate(draft.questions):
        if path not in _LOADS or not choices:
            continue
        if choices[0].label.startswith(USUAL_HABIT):
            answers: tuple[Choice, ...] = (_ANOTHER_HABIT, replace(choices[0], usual=False))
            draft.questions[number] = (f"{text} Beside them {beside}", path, answers, start, end)
        else:
            first, span = choices[0], (start, end)
            is_rate = (first.path or path) == RATE and bool(first.value)  # none is said of 'what runs today'
            made = _made_with(draft, line, second, unused, first.value, span) if is_rate else []
            scaled = _scaled(draft, choices, unused) if is_rate else []
            answers = (*(scaled or made), *choices, *(() if OPEN in choices else (OPEN,)))
            draft.questions[number] = (f"{text} Beside it {beside}", path, answers, start, end)
        return
    found = [finding for finding in draft.findings if finding.path in _LOADS]
    if len(found) != 1 or len(found[0].options) != 1:
        return
    (finding,), option = found, found[0].options[0]
    said = " ".join(draft.sentence.text[finding.start : finding.end].split())
    path = option.path or finding.path
    pauses = [item for item in unused if item.has("dur") and path != RATE]
    span = (finding.start, finding.end)
    made = _made_with(draft, line, second, unused, option.value, span) if path == RATE else []
    text = f"{said!r}: is that the whole load? Beside it {beside}"
    for pause in pauses:
        shown = f"{show_figure(option.value)} × 1 request / {show_seconds(pause.number.value)}"
        rate = option.value / pause.number.value
        made.append(Choice(rate, f"{shown} = {show_figure(rate)} requests/s on average", RATE))
    answers = (*made, Choice(option.value, f"yes: {option.echo}", path), OPEN)
    draft.findings.remove(finding)
    draft.questions.append((text, path, answers, finding.start, finding.end))


def _scaled(draft: Draft, choices: Sequence[Choice], unused: Sequence[Item]) -> list[Choice]:
    """Return the first of several loads as often as is said of it: 'next year we expect 3x that'."""
    first, times = choices[0], prod(factor for item in unused if (factor := _as_much(draft, item)))
    if times == 1 or not first.value or first.path not in ("", RATE) or implausible(RATE, first.value * times):
        return []
    mean, before, then = show_figure(first.value * times), f"mean {show_figure(first.value)} requests/s", first.label
    label = then.replace(before, f"mean {mean} requests/s") if before in then else f"{mean} requests/s on average"
    scaled = replace(first, value=first.value * times, label=f"{show_figure(times)} × as much: {label}", usual=False)
    at_peak = times > 1 and not (draft.has(PEAK) or first.also)
    return [scaled, *([_at_the_peak(first.value, first.value * times)] if at_peak else [])]


_MORE: Final = frozenset("more again extra higher bigger additional up growth top increase as".split())
_FEWER: Final = frozenset("less fewer lower smaller".split())
_OF_ELSE: Final = tuple("ttft itl e2e latency token textunit gpu gpunoun money incue outcue in out".split())
"""Kinds of words beside a factor that is not of the load."""


_WORKLOADS: Final = re.compile(
    r"\b(?:two|three|four|five|[2-5]) (?:\w+ )?(?:things|workloads|services|apps|applications|use cases|products)\b",
    re.I,
)


def counts_workloads(text: str) -> bool:
    """Return whether a line counts what it tells of: 'two things run on our cluster'."""
    return _WORKLOADS.search(text) is not None


def _as_much(draft: Draft, item: Item) -> float:
    """Return by what the load is multiplied: three for '3x that', 1.4 for '40 % more'; 0 of no factor."""
    if not item.has("mult", "pct") or item.word.endswith("ed") or counts_workloads(draft.sentence.text):
        return 0.0  # 'our vendor doubled the price'
    items, at = draft.sentence.items, draft.sentence.items.index(item)
    ends = [n for n, other in enumerate(items) if other.has("comma", "stop")]
    first = max((n for n in ends if n < at), default=-1) + 1
    last = min((n for n in ends if n > at), default=len(items))
    if any(other.has(*_OF_ELSE) and not other.has("event") for other in items[first:last]):
        return 0.0
    value, behind = item.number.value, {other.word for other in items[at + 1 : min(last, at + 4)]}
    if item.has("mult"):
        return value if value > 1 else 0.0
    if behind & _MORE or (at and (items[at - 1].has("plus") or items[at - 1].word == "plus")):
        return 1 + value
    return 1 - value if behind & _FEWER else 0.0


def _higher_before(draft: Draft, line: Line, second: Second) -> list[Item]:
    """Return rates that were left out as past though they are above the load: '7/s, 19/s max minute last month'."""
    load, found = draft.value(RATE) or 0.0, []
    for item in draft.sentence.items:
        gone = item.has("num") and any(start <= item.start < end for start, end in draft.dropped)
        if not (load and gone) or second.roles.get(item.start, {}).get("rate", 0.0) < _SURE or draft.has(PEAK):
            continue
        figure = line.figure(_at(line, item), 0)
        if figure and figure.factor.seconds and figure.factor.values[0] / figure.factor.seconds > load:
            found.append(item)
    return found


def _of_a_trial(draft: Draft, second: Second) -> list[Item]:
    """Return what was done in a trial or is done today, which was left out and may tell how often each asks."""
    return [
        item for item in draft.sentence.items
        if item.has("num") and any(start <= item.start < end for start, end in draft.dropped)
        and sum(second.roles.get(item.start, {}).get(role, 0.0) for role in ("habit", "daily", "rate")) >= _MAY
    ]  # fmt: skip


def _lie_in_hours(draft: Draft, second: Second) -> None:
    """Take hours of the day beside a load of a day or more; ask of a duration, and where a peak stands beside them."""
    spans = [(one.start, one.end) for one in draft.findings if one.path == RATE]
    spans += [(one[3], one[4]) for one in draft.questions if one[1] == RATE]
    items = draft.sentence.items
    days = [one.start for one in items if one.has("workhours") or SECONDS.get(one.word, 0.0) >= SECONDS_PER_DAY]
    if not any(start <= day < end + _BEHIND for start, end in spans for day in days):
        return
    if draft.value(PEAK) is None:
        take_hours(draft, lambda match: "d" in match and match["d"].has("window"))
    peaks = [one for one in draft.findings if one.path == PEAK]
    lies = [(one.start, one.end, one.options[0].value) for one in peaks if LIES in one.options[0].echo]
    over = [one for one in peaks if _OVER.match(one.options[0].echo)]
    bare = [
        (item.start, item.end, SECONDS_PER_DAY / item.number.value) for item in unused_figures(draft, second)
        if item.has("dur") and 1 < SECONDS_PER_DAY / item.number.value <= 24
        and second.roles[item.start].get("hours", 0.0) >= _MAY and items[items.index(item) - 1].word != "for"
    ]  # fmt: skip
    if len(peaks) > len(over) + len(lies) or not ((over and lies) or (bare and not lies)):
        return
    (start, end, peak), times = (lies or bare)[0], over[0].options[0].value if over else 1.0
    all_day = times if over else usual_ratio(draft.known)
    choices = (
        Choice(times * peak, f"yes: peak {show_figure(times * peak)} × the mean of the day"),
        Choice(all_day, f"no, all day: peak {show_figure(all_day)} × the mean"),
    )
    said = draft.sentence.text[start:end]
    draft.findings[:] = [one for one in draft.findings if one.path != PEAK]
    draft.notes += [(f"{said!r} is asked about with it", one.start, one.end) for one in over]
    draft.questions.append((f"{said!r}: does the load of a day come in these hours?", PEAK, choices, start, end))


def _made_with(
    draft: Draft, line: Line, second: Second, unused: Sequence[Item], load: float, span: tuple[int, int]
) -> list[Choice]:
    """Return what a load comes to with each figure beside it, where that is one product or one peak.

    Args:
        draft: which took the load from figures of the sentence.
        line: the items of the sentence as they were before the rules took any.
        second: of the same line.
        unused: figures that came to nothing.
        load: in requests/s.
        span: of the figures that it was taken from.
    """
    inside = [one for one in draft.sentence.items if one.has("num") and span[0] <= one.start < span[1]]
    made: list[Choice] = []
    for item in unused:
        value, at = item.number.value, _at(line, item)
        figure, roles = line.figure(at, 0), second.roles[item.start]
        role = max(roles, key=roles.__getitem__)
        times = 0.0
        of_it = line.never_comes(at) or bool(_behind(draft, item) & ASKING) or roles[role] >= _SURE
        if item.has("pct") and role == "share" and of_it and not _of_the_peak(draft, item):
            times, shown = 1 - value if line.never_comes(at) else value, "of it"
        elif (as_much := _as_much(draft, item)) or (item.has("num") and role in ("turns", "habit") and value > 1):
            times, shown = as_much or value, "as much"
        elif item.has("num") and role in ("rate", "daily", "peak_factor") and len(inside) == 1 and not draft.has(PEAK):
            in_its_unit = load / inside[0].number.value
            rate = value / figure.factor.seconds if figure and figure.factor.seconds else value * in_its_unit
            if rate > load:
                made.append(_at_the_peak(load, rate))
        if times and not implausible(RATE, load * times):
            factor = f"{show_percent(times)} {shown}" if shown == "of it" else f"{show_figure(times)} × {shown}"
            made.append(Choice(load * times, f"{factor}: {show_figure(load * times)} requests/s on average", RATE))
        if item.has("mult") and times > 1 and not draft.has(PEAK):
            made.append(_at_the_peak(load, load * times))
    return made[:_MOST_MADE]


def _at_the_peak(mean: float, peak: float) -> Choice:
    label = f"{show_figure(mean)} requests/s on average, {show_figure(peak)} at the peak"
    return Choice(mean, label, RATE, also={PEAK: peak / mean})


def _of_the_peak(draft: Draft, item: Item) -> bool:
    """Whether a share is the busiest time's part of a longer one: 'the busiest day has 6% of it'."""
    at = draft.sentence.items.index(item)
    after = [other.word for other in draft.sentence.items[at + 1 : at + 4]]
    return any(other.has("peak") for other in draft.sentence.items[max(0, at - 4) : at]) and (
        after[:2] == ["of", "it"] or bool({*after} & {"week", "month", "year"})
    )


def _factors_left(draft: Draft, line: Line, second: Second) -> list[Item]:
    """Return the figures that no rule has used though they probably multiply the load."""
    chances = {
        item.start: c for item in unused_figures(draft, second) if (c := _chance(draft, line, item, second)) > _MAY
    }
    unused = [item for item in draft.sentence.items if item.start in chances and item.amount]
    parts = [item.number.value for item in draft.sentence.items if item.has("pct")]
    if len(parts) > 1 and abs(sum(parts) - 1) < 0.01:
        return []  # parts of the load, which together are all of it
    # '80 % of it is from Asia' changes no load; '0.5 % of visits ask' does.
    told = any(
        not item.has("pct")
        or _as_much(draft, item)
        or _behind(draft, item) & ASKING
        or _of_the_peak(draft, item)
        or line.never_comes(_at(line, item))
        for item in unused
    )
    return unused if told and max(chances.values(), default=0.0) >= _FACTOR else []


def _chance(draft: Draft, line: Line, item: Item, second: Second) -> float:
    """Return how likely a figure multiplies the load."""
    if item.has("pct") and line.never_comes(_at(line, item)):
        return 1.0
    if _as_much(draft, item):
        return 1.0
    items, at = draft.sentence.items, draft.sentence.items.index(item)
    if (
        item.amount is None
        or not any(item.number.values)
        or item.word in _ONE
        or (at and items[at - 1].word == "top")
        or (_behind(draft, item) & _MAKERS)
    ):
        return 0.0
    behind = items[at + 1 : at + 3]
    if _is_of_another(items, at, behind):
        return 0.0
    named = item.has("num") and behind and behind[0].kinds <= UNKNOWN and behind[0].word.isalpha()
    of_a_time = item.has("dur")
    roles = _COUNTED if named else ("interval",) if of_a_time else ("hours",) if item.has("window") else _FACTORS
    chance = sum(second.roles[item.start].get(role, 0.0) for role in roles)
    users = second.roles[item.start].get("users", 0.0) >= _MAY
    plain = users and not (behind and behind[0].word.isalpha())  # '(extension 4711)'
    return chance if not (named or plain) or chance >= _SURE else 0.0


def _is_of_another(items: Sequence[Item], at: int, behind: Sequence[Item]) -> bool:
    """Whether a figure is plainly none of demand: '3.10 per hour', '90 of 100 requests', '80 GB/s', '30 of it'."""
    item = items[at]
    return (
        _PRICE.search(item.word) is not None
        or any(one.has("part") for one in behind)
        or (
            item.has("num")
            and bool(behind)
            and behind[0].word == "of"
            and (behind[-1].has("num") or behind[-1].word == "it")
        )
        or (bool(behind) and (behind[0].word in NO_PERSON or behind[0].has("bytes", "token", "textunit")))
        or (at > 1 and items[at - 1].word == "of" and items[at - 2].has("num"))
        or (item.has("pct") and item.number.value > _AVAILABLE)
    )


def _at(line: Line, item: Item) -> int:
    return next(at for at, one in enumerate(line.items) if one.start == item.start)


def _behind(draft: Draft, item: Item) -> frozenset[str]:
    """Return the next three words."""
    at = draft.sentence.items.index(item)
    return frozenset(other.word for other in draft.sentence.items[at + 1 : at + 4])


def unused_figures(draft: Draft, second: Second) -> list[Item]:
    """Return the figures that the second reader has read and no rule has used or let go of."""
    apart = [*draft.dropped, *((start, end) for _, start, end in (*draft.objections, *draft.notes))]
    apart += [(one.start, one.end) for one in draft.findings if one.path not in (*_LOADS, USERS, HABIT)]
    apart += [(one[3], one[4]) for one in draft.questions if one[1] not in _LOADS]
    return [
        item
        for item in draft.sentence.items
        if item.start in second.roles
        and not (item.claimed or any(start <= item.start < end for start, end in apart))
        and not is_of_a_key(draft, item.start)
    ]


def is_of_a_key(draft: Draft, start: int) -> bool:
    """Whether a figure is the value of a key or a cell of a table, whose heading says what it is."""
    text = draft.sentence.text
    return _CELL.search(text) is not None or _KEY.search(text, max(0, start - 40), start) is not None
