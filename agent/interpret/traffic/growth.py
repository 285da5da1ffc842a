"""How traffic grows, and how far ahead to plan. Growth is per year: 10 % a month is 1.1^12 − 1."""

import re
from typing import Final

from msgspec import Struct

from agent.fields.demand import RATE
from agent.interpret.facts.draft import Draft, Finding, Option
from agent.interpret.facts.reading import Choice
from agent.interpret.words.grammar import Amount, Item, Match, Rule, matches_of, rules, tidy
from agent.interpret.words.vocabulary import SECONDS
from catalogs.units import SECONDS_PER_MONTH, SECONDS_PER_YEAR, show_figure, show_percent

GROWTH: Final = "traffic.growth_per_year"
HORIZON: Final = "traffic.horizon_years"
AMORTISED: Final = "money.amortisation_years"
_TERM: Final = "money.term"

_PERIOD: Final = (
    "(per t:time | slash s:(time | tshort) | a:adverb | y:yoy | m:mom | 'next' t3:time | (per | 'in' | 'over' | "
    "'within' | 'by' | 'next'){1,3} d:dur | 'in' 'a' t4:time)"
)
_SHARES: Final = rules(
    f"g:(grow | shrink) (near | conj){{0,5}} p:pct comma? {_PERIOD}",  # growing 20% a year
    f"p:pct {_PERIOD} near{{0,2}} g:(grow | shrink)",  # 20% a year growth
    f"{_PERIOD} g:(grow | shrink) (near | colon){{0,3}} p:pct",  # yearly growth of 20%
    f"p:pct g:(grow | shrink) {_PERIOD}",
    "p:pct (y:yoy | m:mom)",
    f"plus p:pct {_PERIOD}",
    f"p:pct more near{{0,3}} {_PERIOD}",
)
_TIMES: Final = rules(
    f"x:mult (near | 'in' | comma){{0,3}}? {_PERIOD}",  # doubling every six months, 3x in two years
    "x:mult near{0,3} 'every' (d:dur | t:time)",
)
_RATE_UNIT: Final = "(u:rateunit | event? per t:time | event? slash t2:(time | tshort))"
_RATE_BEHIND: Final = Rule(_RATE_UNIT)
_USERS_BEHIND: Final = Rule("(unknown | adverb | 'active'){0,2} (user | audience | active)")
_STORY: Final = Rule(
    f"'from'? a:num {_RATE_UNIT} (near | 'in' | 'today' | 'now'){{0,3}} (comma | conj | 'to' | arrow | range | "
    "grow){1,3} (unknown | link | verb | grow | conj | 'to' | 'then'){0,4} b:num (rateunit | event? per time | event? "
    "slash (time | tshort))? near? ('in' | 'after' | 'within' | 'by' | 'over') approx? (d:dur | ('a' | 'one' | "
    "'next')? t3:time)"
)
"""'3 rps today, 9 in twelve months'."""
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sep sept|october oct|"
        "november nov|december dec christmas yearend".split("|"),
        start=1,
    )
    for name in names.split()
}
_NOW: Final = frozenset({"today", "now", "currently", "present", "launch"})
_QUARTER: Final = re.compile(r"q([1-4])")
_LATER: Final = Rule("('by' | 'until' | 'till' | 'before') near{0,3}")
_WITHOUT_PERIOD: Final = rules(
    "g:(grow | shrink) (near | colon){0,3} p:pct",
    "p:pct (unknown){0,1} g:(grow | shrink)",
)
_NONE: Final = rules(
    "'no' unknown? grow",
    "flat unknown? (grow | 'traffic' | 'load' | 'demand')",
    "('traffic' | 'load' | 'demand' | 'volume') (link | unknown){0,2} flat",
)
_HORIZON: Final = rules(
    "horizon (link | colon){0,3} d:dur",
    "d:dur ('planning' | unknown)? horizon",
    "next d:dur",
    "('plan' | 'planning' | 'planned' | 'look' | 'looking' | 'sized' | 'size') ('ahead' | 'for' | 'over' | 'out' "
    "| 'the' | 'a' | 'to' | 'last'){0,3} d:dur",
    "'over' ('a' | 'the')? d:dur (?= comma | stop | $ | conj | paren)",
    "('over' | 'for' | 'in') ('the')? next t:time (?! near)",
)
_SHORTEST_HORIZON: Final = 0.2 * SECONDS_PER_MONTH


_ARROW_STORY: Final = Rule(
    f"a:num arrow b:num {_RATE_UNIT} near? ('in' | 'after' | 'within' | 'by' | 'over' | 'next' | 'the' | "
    "approx){1,4} (d:dur | t3:time)"
)
"""'5→9 rps over the next 12 months'."""


def read_growth(draft: Draft) -> None:
    """Find growth and horizon."""
    _stories(draft)
    for match in matches_of(_SHARES, draft.sentence):
        _share(draft, match)
    for match in matches_of(_TIMES, draft.sentence):
        if _is_growth(draft, match):
            _multiple(draft, match)
    for match in matches_of(_WITHOUT_PERIOD, draft.sentence):
        _ask_period(draft, match)
    for match in matches_of(_NONE, draft.sentence):
        if not draft.has(GROWTH):
            draft.found(GROWTH, match.first, match.last, [Option(0.0, "no growth")])
    for match in matches_of(_HORIZON, draft.sentence):
        _horizon(draft, match)


def _stories(draft: Draft) -> None:
    """Read today's rate and a later one as the rate and its growth."""
    for match in matches_of((_STORY, _ARROW_STORY), draft.sentence):
        _story(draft, match)
    dated = [figure for index in range(len(draft.sentence.items)) if (figure := _dated(draft, index)) is not None]
    if len(dated) == 2 and dated[0].at != dated[1].at and not draft.has(GROWTH):
        _between_times(draft, dated[0], dated[1])


class _Dated(Struct, frozen=True):
    """A count of users or a rate with the time at which it holds."""

    value: float
    unit: float | None
    """Seconds of a rate; None for users; 0 where no unit is said."""
    month: float | None
    """Of a year; 0 for now; None for a time that is not of the calendar."""
    first: int
    last: int
    at: int
    """Position of the word of its time."""


def _dated(draft: Draft, index: int) -> _Dated | None:
    """Return a figure with the time beside it: '3,000 users in January', 'by Christmas 15 rps'."""
    items = draft.sentence.items
    item = items[index]
    if not item.has("num") or item.claimed or len(item.number.values) > 1 or item.number.value <= 0:
        return None
    unit, last = _unit_behind(draft, index)
    following = items[index + 1 : index + 2]
    if unit == 0 and following and not following[0].has("comma", "stop", "link", "in", "conj", "paren", "range"):
        known_time = _month(following[0]) is not None or following[0].word in ("by", "until", "from", "before")
        if not known_time:
            return None  # of something else: five turns
    stop = next(
        (at for at in range(last + 1, len(items)) if items[at].has("comma", "stop", "num") or at > last + 5), len(items)
    )
    start = next((at for at in range(index - 1, -1, -1) if items[at].has("comma", "stop", "num") or at < index - 5), -1)
    behind = [at for at in range(last + 1, stop) if _month(items[at]) is not None]
    ahead = [at for at in range(index - 1, start, -1) if _month(items[at]) is not None]
    for at in (*behind, *ahead):
        return _Dated(item.number.value, unit, _month(items[at]), min(index, at), max(last, at), at)
    later = next(
        (m for m in _LATER.matches(draft.sentence) if start < m.first < stop and not items[m.first].claimed), None
    )
    if later is not None and unit != 0:
        return _Dated(item.number.value, unit, None, min(index, later.first), max(last, later.last), later.first)
    return None


def _month(item: Item) -> float | None:
    if quarter := _QUARTER.fullmatch(item.word):
        return 3.0 * int(quarter[1]) - 1
    if item.word in _NOW:
        return 0.0
    return _MONTHS.get(item.word) or _MONTHS.get(item.word.removesuffix("s"))


def _unit_behind(draft: Draft, index: int) -> tuple[float | None, int]:
    """Return the unit of the number at an item, in seconds (None for users, 0 for none), and where it ends."""
    rate = _RATE_BEHIND.at(draft.sentence, index + 1)
    if rate is not None:
        word = next(rate[group].word for group in ("u", "t", "t2") if group in rate)
        return SECONDS[word], rate.last
    users = _USERS_BEHIND.at(draft.sentence, index + 1)
    return (None, users.last) if users is not None else (0, index)


def _between_times(draft: Draft, one: _Dated, other: _Dated) -> None:
    """Read two figures with their times as the first and its growth; a time of no calendar is asked for."""
    if one.unit == 0 or one.month is None or (other.unit not in (0, one.unit)) or one.value == other.value:
        return
    span = draft.sentence.span(other.first, other.last)
    factor = other.value / one.value
    if not 0.01 <= factor <= 1000:
        return
    if one.unit is not None:
        rate = one.value / one.unit
        draft.found(RATE, one.first, one.last, [Option(rate, f"{show_figure(rate)} requests/s on average, at first")])
    for index in range(other.first, other.last + 1):
        if draft.sentence.items[index].amount is not None:
            draft.sentence.take(index)
    draft.sentence.take(one.at)
    if one.month == 0 or other.month in (None, 0):
        said = draft.sentence.said(other.first, other.last)
        grown = _yearly(factor, 1.0)
        choices = (
            Choice(grown, f"yes, as {show_percent(grown)} growth within a year", usual=True),
            Choice(0.0, "no, for the first figure alone"),
        )
        draft.questions.append((f"{said!r}: is the plan for that, too?", GROWTH, choices, *span))
        return
    years = (other.month - one.month) / 12 if other.month > one.month else (other.month - one.month) / 12 + 1
    grown = _yearly(factor, years)
    draft.findings.append(Finding(GROWTH, (Option(grown, _shown(factor, years, grown)),), *span))
    since = draft.sentence.span(one.at, one.at)
    draft.findings.append(Finding(HORIZON, (Option(years, f"planned for {show_figure(years)} years"),), *since))


def _story(draft: Draft, match: Match) -> None:
    unit = next(match[group] for group in ("u", "t", "t2") if group in match)
    now, later = match["a"].number, match["b"].number
    span = match["d"].number.value if "d" in match else SECONDS[match["t3"].word]
    years = float(f"{span / SECONDS_PER_YEAR:.12g}")
    if len(now.values) > 1 or len(later.values) > 1 or now.value <= 0 or years < 0.02:
        return
    rate = now.value / SECONDS[unit.word]
    draft.found(RATE, match.first, match.last, [Option(rate, f"{show_figure(rate)} requests/s on average, today")])
    factor = later.value / now.value
    grown = _yearly(factor, years)
    draft.found(GROWTH, match.first, match.last, [Option(grown, _shown(factor, years, grown))])
    if years != 1:
        draft.found(HORIZON, match.first, match.last, [Option(years, f"planned for {show_figure(years)} years")])


def _seconds(match: Match) -> float:
    """Return the period of a match in seconds."""
    for group in ("t", "s", "a", "t3", "t4"):
        if group in match:
            return SECONDS[match[group].word]
    if "m" in match:
        return SECONDS_PER_MONTH
    return match["d"].number.value if "d" in match else SECONDS_PER_YEAR


def _share(draft: Draft, match: Match) -> None:
    years = _seconds(match) / SECONDS_PER_YEAR
    sign = -1.0 if "g" in match and match["g"].has("shrink") else 1.0
    if years <= 0:
        return
    amount = match["p"].number
    draft.read(
        GROWTH, match, amount, lambda v: _yearly(1 + sign * v, years), lambda v, made: _shown(1 + sign * v, years, made)
    )


def _multiple(draft: Draft, match: Match) -> None:
    years = _seconds(match) / SECONDS_PER_YEAR
    if years <= 0:
        return
    amount = match["x"].number
    draft.read(GROWTH, match, amount, lambda v: _yearly(v, years), lambda v, made: _shown(v, years, made))


def _is_growth(draft: Draft, match: Match) -> bool:
    """Whether '2x a year' is about growth: by its verb (doubling), or growth or traffic said near it; over weeks."""
    if _seconds(match) < SECONDS_PER_MONTH / 5:
        return False
    items = draft.sentence.items
    if any(item.has("user", "eachuser", "peak") for item in match.items):
        return False
    factor = match["x"]
    typed = draft.sentence.text[factor.start : factor.end].lower()
    if any(typed.startswith(verb) for verb in ("doubl", "tripl", "quadrupl")):
        return True
    near = items[max(0, match.first - 5) : match.last + 4]
    return any(item.has("grow", "shrink") or item.word in ("traffic", "load", "demand", "volume") for item in near)


def _yearly(factor: float, years: float) -> float:
    """Return growth per year from a factor over some years; beyond any plausible figure it stays so."""
    if factor <= 0:
        return -1.0
    try:
        return float(f"{factor ** (1 / years) - 1:.12g}")
    except OverflowError:
        return 1e9


def _shown(factor: float, years: float, made: float) -> str:
    if years == 1:
        return f"{show_percent(made)} growth a year"
    return f"{show_figure(factor)}^{show_figure(1 / years)} − 1 = {show_percent(made)} growth a year"


def _ask_period(draft: Draft, match: Match) -> None:
    sign = -1.0 if match["g"].has("shrink") else 1.0
    share = match["p"].number.value * sign
    choices = tuple(
        Choice(value, f"{name}: {show_percent(value)} a year")
        for name, value in (("a year", _yearly(1 + share, 1.0)), ("a month", _yearly(1 + share, 1 / 12)))
    )
    draft.ask(GROWTH, match.first, match.last, f"{show_percent(share)} growth: a year or a month?", choices)


def _horizon(draft: Draft, match: Match) -> None:
    amount = match["d"].number if "d" in match else Amount((SECONDS[match["t"].word],))
    before = draft.sentence.items[max(0, match.first - 1) : match.first]
    if amount.value < _SHORTEST_HORIZON or any(item.has("euro_sum", "money") for item in before):
        return  # '1.5 million over three years' is a budget
    owned = (draft.value(_TERM) or draft.known.get(_TERM)) == "owned" and not draft.has(GROWTH)
    path, what = (AMORTISED, "paid off over") if owned else (HORIZON, "planned for")
    draft.read(path, match, amount.times(1 / SECONDS_PER_YEAR), tidy, lambda v, made: f"{what} {show_figure(v)} years")
