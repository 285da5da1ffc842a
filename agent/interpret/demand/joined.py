"""The product of what is said of demand, asked where the rules made a load of fewer figures, or of none."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from agent.fields.demand import AT_PEAK, GIVEN_AS, HABIT, USERS, VISITS
from agent.interpret.demand.factors import Figure, figures_of
from agent.interpret.demand.product import Factor, Load, loads_of
from agent.interpret.draft import Draft
from agent.interpret.grammar import Item
from agent.interpret.loads import RATE
from agent.interpret.peaks import usual_ratio
from agent.interpret.reading import Choice
from agent.interpret.roles.figures import Second
from agent.interpret.settlement import implausible
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
_SHARE: Final = 0.3
"""Probability of being a share of users or traffic from which a percentage is a factor."""
_POSSIBLE: Final = 0.05
"""The same where another figure is of each of what it counts, or it counts places: '12 hospitals', '4 in each'."""
_ELSEWHERE: Final = 0.5
"""Probability that a line is about something else from which nothing is proposed of it."""
_CALLS: Final = "traffic.calls_per_request"
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


def join_demand(draft: Draft, items: Sequence[Item], second: Second) -> None:
    """Ask for the product of all figures of demand where the rules read another load.

    Args:
        draft: of the rules.
        items: of the sentence as they were before the rules took any.
        second: of the same line.
    """
    if second.elsewhere >= _ELSEWHERE and draft.value("model") is None:
        return
    is_pause = _is_pause(second)
    figures = figures_of(items, draft.sentence.text, _is_of_demand(draft, second, _LIKELY), is_pause)
    if figures:
        named = {noun for figure in figures for noun in figure.factor.of}
        others = figures_of(items, draft.sentence.text, _is_of_demand(draft, second, _POSSIBLE), is_pause)
        places = {figure.at for figure in figures}
        figures += [one for one in others if one.at not in places and (one.factor.counts in named or one.site)]
        figures.sort(key=lambda figure: figure.at)
    loads = [load for load in loads_of([figure.factor for figure in figures]) if len(load.factors) > 1]
    if len(loads) != 1 or _is_read(draft, loads[0], figures, items):
        return
    _ask(draft, loads[0], [figure for figure in figures if figure.factor in loads[0].factors], items)


def _is_of_demand(draft: Draft, second: Second, least: float) -> Callable[[Item], bool]:
    """Return whether a figure is likely one of demand, and the rules made nothing else of it."""

    def wanted(item: Item) -> bool:
        roles: Mapping[str, float] = second.roles.get(item.start, {})
        around = [finding for finding in draft.findings if finding.start <= item.start < finding.end]
        width = min((finding.end - finding.start for finding in around), default=0)
        paths = {finding.path for finding in around if finding.end - finding.start == width}
        paths |= {question[1] for question in draft.questions if question[3] <= item.start < question[4]}
        if paths - _READ - {_CALLS} or any(start <= item.start < end for start, end in draft.dropped):
            return False
        if item.has("pct") and roles.get("share", 0.0) < _SHARE:
            return False
        return sum(roles.get(role, 0.0) for role in _OF_DEMAND) >= least

    return wanted


def _is_read(draft: Draft, load: Load, figures: Sequence[Figure], items: Sequence[Item]) -> bool:
    """Whether the rules read the same load, offer it first, or know more of the same figures."""
    calls, peak = draft.value(_CALLS) or 1.0, draft.value("traffic.peak_factor") or usual_ratio(draft.known)
    findings = [finding for finding in draft.findings if finding.path == RATE]
    asked = [question for question in draft.questions if question[1] == RATE and question[2]]
    read = [option.value for finding in findings for option in finding.options]
    read += [question[2][0].value for question in asked if not question[2][0].path]
    wanted = load.per_second[len(load.per_second) // 2]
    if any(_is_same(value * factor, wanted) for value in read if value for factor in (1.0, calls, calls * peak)):
        return True
    spans = [(one.start, one.end) for one in findings] + [(one[3], one[4]) for one in asked]
    used = [figure for figure in figures if figure.factor in load.factors]
    covers = len(spans) == 1 and all(
        items[one.at].claimed and spans[0][0] <= items[one.first].start and items[one.last].end <= spans[0][1]
        for one in used
    )
    return covers and not any(_is_same(choice.value, wanted) for question in asked for choice in question[2])


def _is_same(value: object, wanted: float) -> bool:
    return isinstance(value, float | int) and abs(value / wanted - 1) <= _SAME


def _ask(draft: Draft, load: Load, used: Sequence[Figure], items: Sequence[Item]) -> None:
    replaced = [finding for finding in draft.findings if finding.path in _READ]
    asked = [question for question in draft.questions if question[1] in (RATE, _CONCURRENCY, _CALLS)]
    others = [
        Choice(option.value, option.echo, option.path or finding.path)
        for finding in replaced if finding.path in (RATE, _CONCURRENCY) for option in finding.options
    ]  # fmt: skip
    others += [
        Choice(choice.value, choice.label, choice.path or question[1])
        for question in asked if question[1] != _CALLS for choice in question[2]
    ]  # fmt: skip
    draft.findings[:] = [finding for finding in draft.findings if finding not in replaced]
    draft.questions[:] = [question for question in draft.questions if question not in asked]
    spans = [(one.start, one.end) for one in replaced] + [(one[3], one[4]) for one in asked]
    spans += [(items[figure.first].start, items[figure.last].end) for figure in used]
    kept = [(one.start, one.end) for one in draft.findings] + [(one[3], one[4]) for one in draft.questions]
    places = {items[figure.at].start for figure in used}
    for at, item in enumerate(draft.sentence.items):
        inside = any(start <= item.start < end for start, end in spans)
        if item.start in places:
            draft.sentence.take(at)
        elif item.claimed and item.numeric and inside and not any(start <= item.start < end for start, end in kept):
            draft.sentence.take(at, taken=False)  # of the rules' reading alone: told as not used
    at_once = any(_is_at_once(figure, items) for figure in used)
    products = _choices(draft, load, at_once=at_once)
    others = [
        choice for choice in others
        if choice.value is None or not (implausible(choice.path, choice.value) or _is_one_of(choice, products))
    ]  # fmt: skip
    choices = [*products, *others][:_MOST_CHOICES]
    said = " … ".join(" ".join(draft.sentence.text[first:last].split()) for first, last in _joined(spans))
    draft.questions.append(
        (f"{said!r}: which load is meant?", RATE, tuple(choices), min(spans)[0], max(end for _, end in spans))
    )


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


def _is_at_once(figure: Figure, items: Sequence[Item]) -> bool:
    """Whether so many are there at the same time, which they are when most is going on."""
    return any(item.has("concurrent", "inflight") for item in items[max(0, figure.first - 2) : figure.last + 5])


def _choices(draft: Draft, load: Load, *, at_once: bool) -> list[Choice]:
    calls, ratio = draft.value(_CALLS) or 1.0, draft.value("traffic.peak_factor") or usual_ratio(draft.known)
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
    return f"{shown} {_TIMES[load.seconds]}" if load.seconds in _TIMES else f"{shown} / {show_seconds(load.seconds)}"


def _factor_shown(factor: Factor, at: int) -> str:
    value = factor.values[min(at, len(factor.values) - 1)]
    return show_percent(value) if factor.share else f"{show_figure(value)} {factor.noun}".strip()


def _is_pause(second: Second) -> Callable[[Item], bool]:
    return lambda item: second.roles.get(item.start, {}).get("interval", 0.0) >= _LIKELY
