"""The product of what is said of demand, asked where the rules made a load of fewer figures, or of none."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from agent.fields.demand import AT_PEAK, CALLS, GIVEN_AS, HABIT, PEAK, RATE, USERS, VISITS
from agent.interpret.demand.factors import Figure, Line, figures_of
from agent.interpret.demand.product import MOST_OF_ONE_A_DAY, Factor, Load, loads_of
from agent.interpret.demand.rest import LIES, OPEN
from agent.interpret.domain import DOUBTFUL
from agent.interpret.facts.draft import Draft, Finding, Option
from agent.interpret.facts.reading import TODAY, Choice
from agent.interpret.facts.settlement import implausible
from agent.interpret.roles.figures import Second
from agent.interpret.traffic.peaks import usual_ratio
from agent.interpret.traffic.scope import take_hours
from agent.interpret.words.grammar import Item
from catalogs.units import (
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    SECONDS_PER_MONTH,
    SECONDS_PER_YEAR,
    show_figure,
    show_percent,
    show_seconds,
)  # fmt: skip

_OF_DEMAND: Final = ("rate", "daily", "habit", "users", "interval", "share", "turns", "in_flight")
"""Roles of figures that are factors of a load."""
_LIKELY: Final = 0.4
"""Probability of being one of them from which a figure is a factor."""
_PAUSE: Final = 0.6
"""Probability of lying between two requests from which a duration does, where no 'every' says so."""
_SHARE: Final = 0.3
"""Probability of being a share of users or traffic from which a percentage is a factor."""
_SURE: Final = 0.6
"""Probability of being requests in a time from which a figure that no rule has read is a load of its own."""
_GROUP: Final = 0.2
"""Probability of being people from which a number is another group of them: 'wave 2 9,000'."""
_POSSIBLE: Final = 0.05
"""The same where another figure is of each of what it counts, or it counts places: '12 hospitals', '4 in each'."""
_ELSEWHERE: Final = 0.5
"""Probability that a line is about something else from which nothing is proposed of it."""
_CONCURRENCY: Final = "traffic.concurrency"
_READ: Final = frozenset({RATE, USERS, HABIT, VISITS, GIVEN_AS, _CONCURRENCY})
"""Paths of what the rules read of a load."""
_SAME: Final = 0.01
"""Relative difference of two loads that are one, said with rounded figures."""
_TIMES: Final = {
    1.0: "a second", 60.0: "a minute", SECONDS_PER_HOUR: "an hour", SECONDS_PER_DAY: "a day",
    7 * SECONDS_PER_DAY: "a week", SECONDS_PER_MONTH: "a month", SECONDS_PER_YEAR: "a year",
}  # fmt: skip
_MOST_CHOICES: Final = 5
_FEWEST: Final = 10
"""People in one of several groups; fewer number the groups."""
_USUALLY: Final = frozenset("otherwise normal normally usually baseline typically else".split())
"""Words of the lower of two rates, beside which the higher is no second load: '20 rps at lunch, 4 rps otherwise'."""
_OF_ONE: Final = ("mean", "burst", "offpeak", "grow", "under", "over", "upto", "neg")
"""Kinds of words beside a rate that say how it belongs to another of the same load."""


def demand_line(draft: Draft, items: Sequence[Item], second: Second) -> Line:
    """Return a line that is read around each figure of demand.

    Args:
        draft: of its sentence.
        items: of the sentence as they were before the rules took any.
        second: of the same line.
    """
    return Line(items, draft.sentence.text, _is_pause(second))


def join_demand(draft: Draft, line: Line, second: Second) -> None:
    """Ask for the product of all figures of demand where the rules read another load.

    Args:
        draft: of the rules.
        line: the items of the sentence as they were before the rules took any.
        second: of the same line.
    """
    # A line of which nothing else is read is asked about with its load.
    doubted = draft.value("model") is None and bool(draft.findings or draft.questions)
    if doubted and second.elsewhere >= _ELSEWHERE:
        return
    items = line.items
    figures = _figures(draft, line, second)
    loads = loads_of([figure.factor for figure in figures])
    if not loads and draft.has(USERS) and (habits := _habits_apart(draft, line, second)):
        figures = sorted([*figures, *habits], key=lambda figure: figure.at)
        loads = loads_of([figure.factor for figure in figures])
    if len(figures) > 1 and not loads and (apart := line.period_apart(figures)):
        last, (at, seconds) = figures[-1], apart
        factor = replace(last.factor, seconds=seconds)
        figures[-1] = replace(last, factor=factor, first=min(last.first, at), last=max(last.last, at))
        loads = loads_of([figure.factor for figure in figures])
    chains = [load for load in loads if len(load.factors) > 1]
    if len(chains) == 1:
        chains += _of_others(chains[0], figures, _is_crowd(items, second))
    is_load = _is_load(items, second)
    several = chains if len(chains) > 1 else [] if chains else _rates_apart(draft, loads, figures, items, is_load)
    if len(several) > 1 and not _are_read(draft, several):
        _ask(
            draft,
            _each_and_all(draft, several, likely_all=loads == several or _are_listed(several, figures, items)),
            several,
            figures,
            items,
        )
    elif len(chains) == 1:
        at_once = any(line.is_at_once(figure) for figure in figures if figure.factor in chains[0].factors)
        load = chains[0] if at_once else _in_its_hours(draft, chains[0])
        if not _is_read(draft, load, figures, items):
            choices = _choices(draft, load, at_once=at_once)
            _ask(draft, _spread(draft, load, choices), [load], figures, items)
    elif not chains and not _ask_how_many(draft, figures, items) and len(loads) == 1 and not _has_load(draft):
        if not is_load(figures[0]) or (doubted and second.elsewhere >= DOUBTFUL):
            return
        _ask(draft, _choices(draft, _in_its_hours(draft, loads[0]), at_once=False), loads, figures, items)


def _has_load(draft: Draft) -> bool:
    """Whether the rules read or asked anything of a load."""
    return any(draft.has(path) for path in (RATE, USERS, HABIT, _CONCURRENCY, "traffic.surge_requests_per_s"))


def _figures(draft: Draft, line: Line, second: Second) -> list[Figure]:
    """Return the likely figures of demand, and those that the units of these make likely."""
    figures = figures_of(line, _is_of_demand(draft, second, _LIKELY))
    of = {noun for figure in figures for noun in figure.factor.of}
    counted = {figure.factor.counts for figure in figures} - {""}
    is_crowd = _is_crowd(line.items, second)
    groups = any(is_crowd(figure) for figure in figures)
    places = {at for figure in figures for at in (figure.at, *range(figure.first, figure.last + 1))}
    for one in figures_of(line, _is_of_demand(draft, second, _POSSIBLE)) if figures else ():
        joins = one.factor.counts in of or one.site or not counted.isdisjoint(one.factor.of)
        if one.at not in places and (joins or (groups and not one.factor.noun and is_crowd(one))):
            figures = [*(figure for figure in figures if not one.first <= figure.at <= one.last), one]
    return sorted(figures, key=lambda figure: figure.at)


def _habits_apart(draft: Draft, line: Line, second: Second) -> list[Figure]:
    """Return what each was seen to do in a trial or today, which may be what those do who are planned for."""
    found = figures_of(line, lambda item: second.roles.get(item.start, {}).get("habit", 0.0) >= _SURE)
    return [one for one in found if one.factor.of and one.factor.seconds and not one.factor.people]


def _in_its_hours(draft: Draft, load: Load) -> Load:
    """Return a load in the hours of the day that are said, which the rules may have taken already."""
    if load.seconds >= SECONDS_PER_DAY:
        if draft.value(PEAK) is None:
            take_hours(draft, lambda match: "d" in match and match["d"].has("window"))
        return load
    lies = next((one for one in draft.findings if one.path == PEAK and LIES in one.options[0].echo), None)
    hours = 24 / lies.options[0].value if lies else take_hours(draft, lambda match: True)
    return replace(load, hours=hours or 24.0)


def _spread(draft: Draft, load: Load, choices: Sequence[Choice]) -> list[Choice]:
    """Return loads that each person makes in a few hours a day as spread over the day, and as all in the same hours."""
    lies = [one for one in draft.findings if one.path == PEAK and LIES in one.options[0].echo]
    few = load.hours < _SHORTEST_SHIFT and any(factor.people for factor in load.factors)
    if not (lies and few) or abs(24 / lies[0].options[0].value / load.hours - 1) > _SAME:
        return list(choices)  # of each hour of an eight-hour day 35 % lie over all eight
    (found,) = lies
    draft.findings.remove(found)
    said = draft.sentence.text[found.start : found.end]
    draft.notes.append((f"{said!r} is asked about with the load", found.start, found.end))
    peak = 24 / load.hours
    spread = [replace(one, label=f"{one.label}, spread over the day") for one in choices]
    together = f", all in the same {show_figure(load.hours)} h: peak {show_figure(peak)} × the mean"
    return [*spread, *(replace(one, label=one.label + together, also={**one.also, PEAK: peak}) for one in choices)]


_SHORTEST_SHIFT: Final = 4.0
"""Hours of a day from which people who do something then do it together, as in a shift. By judgement."""


def _ask_how_many(draft: Draft, figures: Sequence[Figure], items: Sequence[Item]) -> bool:
    """Take what one of them does for a habit where the line asks how many of them a fleet holds, and tell whether."""
    asked = any(
        item.word == "how" and many.word == "many" and any(one.has("user", "talk") for one in items[at + 2 : at + 4])
        for at, (item, many) in enumerate(pairwise(items))
    )
    crowds = [figure for figure in figures if figure.factor.people]
    habits = [figure for figure in figures if figure.factor.seconds and figure not in crowds]
    if not asked or crowds or len(habits) != 1:
        return False
    a_day = habits[0].factor.values[0] / habits[0].factor.seconds * SECONDS_PER_DAY
    if not (habits[0].factor.of or draft.has(HABIT) or a_day <= MOST_OF_ONE_A_DAY):
        return False
    (habit,), factor = habits, habits[0].factor
    draft.findings[:] = [finding for finding in draft.findings if finding.path not in _READ]
    draft.questions[:] = [question for question in draft.questions if question[1] not in _READ]
    said = product_shown(Load((factor,), factor.seconds, named=True))
    option = Option(factor.values[0] / factor.seconds, f"each of them: {said}; asked is how many of them it holds")
    draft.findings.append(Finding(HABIT, (option,), items[habit.first].start, items[habit.last].end))
    return True


# --- several loads ------------------------------------------------------------------------------------------------


def _of_others(load: Load, figures: Sequence[Figure], is_crowd: Callable[[Figure], bool]) -> list[Load]:
    """Return the load of each other count of people that shares a habit: 'wave 1 2,000 users, wave 2 9,000'."""
    first = load.factors[0]
    if first.seconds or not any(is_crowd(figure) for figure in figures if figure.factor is first):
        return []
    alone = [
        figure.factor for figure in figures
        if is_crowd(figure) and not (figure.factor.of or figure.factor.seconds or figure.site)
        and figure.factor not in load.factors
    ]  # fmt: skip
    return [Load((replace(one, noun=one.noun or first.noun), *load.factors[1:]), load.seconds, False) for one in alone]


def _is_crowd(items: Sequence[Item], second: Second) -> Callable[[Figure], bool]:
    return lambda figure: (
        not figure.factor.share
        and figure.factor.values[0] >= _FEWEST
        and (figure.factor.people or second.roles[items[figure.at].start].get("users", 0.0) >= _GROUP)
    )


def _is_load(items: Sequence[Item], second: Second) -> Callable[[Figure], bool]:
    def surely(figure: Figure) -> bool:
        roles = second.roles[items[figure.at].start]
        slow = figure.factor.seconds >= SECONDS_PER_HOUR  # '25 Gbit/s' is of a network
        return slow and roles.get("rate", 0.0) + roles.get("daily", 0.0) >= _SURE

    return surely


def _rates_apart(
    draft: Draft,
    loads: Sequence[Load],
    figures: Sequence[Figure],
    items: Sequence[Item],
    is_load: Callable[[Figure], bool],
) -> list[Load]:
    """Return rates that stand beside each other where the rules found several: of regions, or of kinds of requests.

    Args:
        draft: of the rules.
        loads: of a single figure each.
        figures: of the line.
        items: of the sentence as they were before the rules took any.
        is_load: whether a figure is surely a number of requests in a time.
    """
    found = {option.value for finding in draft.findings if finding.path == RATE for option in finding.options}
    rates, at_peak, unread = [], False, False
    for load in loads:
        figure = next(figure for figure in figures if figure.factor is load.factors[0])
        beside = items[max(0, figure.first - 3) : figure.last + 3]
        if load.factors[0].people or any(item.has(*_OF_ONE) for item in beside):
            continue
        at_peak = at_peak or any(item.has("peak") for item in beside)
        unread = unread or (not items[figure.at].claimed and is_load(figure))
        rates.append(load)
    return rates if len(rates) > 1 + at_peak and (len(found) > 1 or (found and unread)) else []


def _are_listed(loads: Sequence[Load], figures: Sequence[Figure], items: Sequence[Item]) -> bool:
    """Whether people are counted one after the other: '22,000 students and 3,100 staff'."""
    first = [one for one in figures if any(one.factor.place == load.factors[0].place for load in loads)]
    return all(
        any(item.has("conj", "plus") for item in items[one.last + 1 : other.first])
        and all(item.has("conj", "plus", "comma", "approx", "filler") for item in items[one.last + 1 : other.first])
        for one, other in pairwise(first)
    )


def _are_read(draft: Draft, loads: Sequence[Load]) -> bool:
    """Whether the rules read growth from one to the other, or added them up."""
    total = sum(load.per_second[0] for load in loads)
    read = draft.value(RATE)
    return draft.value("traffic.growth_per_year") is not None or (read is not None and _is_same(read, total))


def _each_and_all(draft: Draft, loads: Sequence[Load], *, likely_all: bool) -> list[Choice]:
    """Return each load and all of them together, which comes first where each has people or a kind of its own."""
    calls = draft.value(CALLS) or 1.0
    each = [load.per_second[len(load.per_second) // 2] / calls for load in loads]
    labels = [
        f"{product_shown(load)} = {show_figure(rate)} requests/s on average"
        for load, rate in zip(loads, each, strict=True)
    ]
    added = " + ".join(show_figure(rate) for rate in each)
    total = Choice(
        sum(each), f"all together: {added} = {show_figure(sum(each))} requests/s on average", usual=likely_all
    )
    alone = [Choice(rate, label) for rate, label in zip(each, labels, strict=True)]
    if len({item.entries for item in draft.sentence.items if item.has("model")}) > 1:
        return [*alone, replace(total, usual=False)]  # each is of a model of its own
    low, high = min(each), max(each)
    if len(each) == 2 and low < high and all(len(load.factors) == 1 for load in loads):
        label = f"{show_figure(low)} requests/s on average, {show_figure(high)} at the peak"
        alone.insert(0, Choice(low, label, also={PEAK: high / low}))
        if any(item.word in _USUALLY for item in draft.sentence.items):
            return [*alone, replace(total, usual=False)]
    return [total, *alone] if likely_all else [*alone, total]


# --- one load -----------------------------------------------------------------------------------------------------


def _is_of_demand(draft: Draft, second: Second, least: float) -> Callable[[Item], bool]:
    """Return whether a figure is likely one of demand, and the rules made nothing else of it."""

    def wanted(item: Item) -> bool:
        roles: Mapping[str, float] = second.roles.get(item.start, {})
        around = [finding for finding in draft.findings if finding.start <= item.start < finding.end]
        width = min((finding.end - finding.start for finding in around), default=0)
        paths = {finding.path for finding in around if finding.end - finding.start == width}
        asked = [one for one in draft.questions if one[3] <= item.start < one[4]]
        paths |= {one[1] for one in asked if not paths or one[4] - one[3] <= width}
        apart = [*draft.dropped, *((start, end) for _, start, end in draft.objections)]
        apart += [(start, end) for text, start, end in draft.notes if text.startswith(TODAY)]
        if paths - _READ - {CALLS} or any(start <= item.start < end for start, end in apart):
            return False
        behind = next((one.start for one in draft.sentence.items if one.start >= item.end), -1)
        if any(start == behind for _, start, _ in draft.notes):
            return False  # '40 LoRAs', which are told as not reckoned
        if item.has("mult") or (item.has("pct") and roles.get("share", 0.0) < _SHARE):
            return False
        return sum(roles.get(role, 0.0) for role in _OF_DEMAND) >= least

    return wanted


def _is_read(draft: Draft, load: Load, figures: Sequence[Figure], items: Sequence[Item]) -> bool:
    """Whether the rules read the same load, offer it first, or know more of the same figures."""
    calls, peak = draft.value(CALLS) or 1.0, draft.value("traffic.peak_factor") or usual_ratio(draft.known)
    findings = [finding for finding in draft.findings if finding.path == RATE]
    asked = [question for question in draft.questions if question[1] == RATE and question[2]]
    read = [option.value for finding in findings for option in finding.options]
    read += [question[2][0].value for question in asked if not question[2][0].path]
    wanted = load.per_second[len(load.per_second) // 2]
    if any(_is_same(value * factor, wanted) for value in read if value for factor in (1.0, calls, calls * peak)):
        return True
    spans = [(one.start, one.end) for one in findings] + [(one[3], one[4]) for one in asked]
    used = [figure for figure in figures if figure.factor in load.factors]
    covers = (
        load.hours >= 24
        and len(spans) == 1
        and all(
            spans[0][0] <= items[one.first].start
            and items[one.last].end <= spans[0][1]
            and all(item.claimed for item in items[one.first : one.last + 1] if item.amount)
            for one in used
        )
    )
    return covers and not any(_is_same(choice.value, wanted) for question in asked for choice in question[2])


def _is_same(value: object, wanted: float) -> bool:
    return isinstance(value, float | int) and abs(value - wanted) <= _SAME * abs(wanted)


def _ask(
    draft: Draft, products: Sequence[Choice], loads: Sequence[Load], figures: Sequence[Figure], items: Sequence[Item]
) -> None:
    """Put a question in the place of what the rules read of the load.

    Args:
        draft: of the rules.
        products: what the figures give, the likeliest first.
        loads: of which these are.
        figures: of the line.
        items: of the sentence as they were before the rules took any.
    """
    used = [figure for figure in figures if any(figure.factor.place == f.place for load in loads for f in load.factors)]
    replaced = [finding for finding in draft.findings if finding.path in _READ]
    asked = [question for question in draft.questions if question[1] in (RATE, _CONCURRENCY, CALLS)]
    others = [
        Choice(option.value, option.echo, option.path or finding.path)
        for finding in replaced if finding.path in (RATE, _CONCURRENCY) for option in finding.options
    ]  # fmt: skip
    others += [
        Choice(choice.value, choice.label, choice.path or question[1])
        for question in asked if question[1] != CALLS for choice in question[2]
    ]  # fmt: skip
    draft.findings[:] = [finding for finding in draft.findings if finding not in replaced]
    draft.questions[:] = [question for question in draft.questions if question not in asked]
    spans = [(one.start, one.end) for one in replaced] + [(one[3], one[4]) for one in asked]
    spans += [(items[figure.first].start, items[figure.last].end) for figure in used]
    kept = [(one.start, one.end) for one in draft.findings] + [(one[3], one[4]) for one in draft.questions]
    places = {item.start for figure in used for item in items[figure.first : figure.last + 1] if item.amount}
    for at, item in enumerate(draft.sentence.items):
        inside = any(start <= item.start < end for start, end in spans)
        if item.start in places:
            draft.sentence.take(at)
        elif item.claimed and item.numeric and inside and not any(start <= item.start < end for start, end in kept):
            draft.sentence.take(at, taken=False)  # of the rules' reading alone: told as not used
    others = [
        choice for choice in others
        if choice.value is None or not (implausible(choice.path, choice.value) or _is_one_of(choice, products))
    ]  # fmt: skip
    choices = [*[*products, *others][: max(_MOST_CHOICES, len(products))], OPEN]
    said = " … ".join(" ".join(draft.sentence.text[first:last].split()) for first, last in _joined(spans))
    text = f"{said!r}: which load is meant?"
    draft.questions.append((text, RATE, tuple(choices), min(spans)[0], max(end for _, end in spans)))


def _is_one_of(choice: Choice, others: Sequence[Choice]) -> bool:
    """Whether a load is offered already."""
    return choice.path == RATE and any(_is_same(choice.value, other.value) for other in others)


def _joined(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans without those that lie in others, in their order."""
    joined: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _choices(draft: Draft, load: Load, *, at_once: bool) -> list[Choice]:
    calls, ratio = draft.value(CALLS) or 1.0, draft.value("traffic.peak_factor") or usual_ratio(draft.known)
    root = load.factors[0]
    choices = []
    for at, value in enumerate(load.per_second):
        end = ("the low end: ", "the middle: ", "the high end: ")[at] if len(load.per_second) == 3 else ""
        label = f"{end}{product_shown(load, at)} = {show_figure(value)} requests/s"
        rate = value / calls
        crowd = {USERS: root.values[0], HABIT: rate / root.values[0]} if root.people and len(root.values) == 1 else {}
        if at_once:
            choices.append(
                Choice(rate / ratio, f"{label} at the peak", usual=not at, also={GIVEN_AS: AT_PEAK, **crowd})
            )
        choices.append(Choice(rate, f"{label} on average", usual=not at and not at_once, also=crowd))
    return choices


def product_shown(load: Load, at: int = 0) -> str:
    """Return a load as its factors: '480,000 users × 1.3 sessions × 9 messages a day'.

    Args:
        load: of one value, or of a range.
        at: which end of a range.
    """
    shown = " × ".join(_factor_shown(factor, at) for factor in load.factors)
    shown += f" {_TIMES[load.seconds]}" if load.seconds in _TIMES else f" / {show_seconds(load.seconds)}"
    return shown if load.hours == 24 else f"{shown} × {show_figure(load.hours)} / 24 h"


def _factor_shown(factor: Factor, at: int) -> str:
    value = factor.values[min(at, len(factor.values) - 1)]
    return (
        f"{show_percent(value)} {factor.noun}".strip()
        if factor.share
        else f"{show_figure(value)} {factor.noun}".strip()
    )


def _is_pause(second: Second) -> Callable[[Item], bool]:
    return lambda item: second.roles.get(item.start, {}).get("interval", 0.0) >= _PAUSE
