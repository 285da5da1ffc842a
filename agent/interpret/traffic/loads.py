"""The load beyond its rate, in a sentence: requests in flight, model calls per request, how high the peak is."""

import re
from itertools import pairwise
from typing import Final

from agent.fields.demand import CALLS, HABIT, PEAK, RATE, USERS
from agent.interpret.facts.draft import Draft, Finding, Option
from agent.interpret.facts.reading import Choice
from agent.interpret.words.grammar import CLAIMED, Amount, Match, Rule, matches_of, rules, whole
from agent.interpret.words.vocabulary import SECONDS
from catalogs.units import SECONDS_PER_HOUR, show_count, show_figure, show_percent, show_rate

BUSINESS_HOURS: Final = 8.0
"""Hours of a working day where nobody says how many."""
MOST_BARE_PEAK: Final = 5.0
"""Beyond, 'peak 30' may be a rate."""

_CONCURRENCY: Final = rules(
    "n:num concurrent unknown? (user | event) (?! per | each)",
    "n:num concurrent (?! unknown? (user | event)) "
    "(?= comma | stop | conj | near | $ | neg | slash | paren | out | in)",
    "n:num (unknown | preset){0,2} (user | event) (unknown 'it')? unknown? concurrent (?! under? num | near{1,2} num)",
    "n:num (unknown | preset){0,2} (user | event) near{1,4} inflight (?! under? num | near{1,2} num)",
    "concurrency (link | colon | under | over | upto){0,4} n:num (?! token | time | percent)",
    "concurrent n:num unknown? user (?! per | slash)",
    "concurrent (approx | under | over | upto){0,3} n:num (?= comma | stop | conj | paren | $)",
    "n:num p:('connected' | 'online' | 'active' | 'logged' 'in' | 'signed' 'in') (concurrent | inflight)",
    "n:num concurrency (?= comma | stop | conj | slash | paren | $)",
    "concurrent (user | event) (link | colon | under | over | upto){1,4} n:num (?! token)",
)
_CALLS: Final = rules(
    "n:num (unknown | model | preset){0,2} (call | event) ('per' | ('for' | 'in')? ('each' | 'every') | slash | 'a') "
    "(unknown | 'user')? whole",
    "n:num (unknown | model | preset){0,2} (call | event) perrequest",
    "('each' | 'every' | 'a' | 'one' | eachuser) (unknown | 'user')? whole near{1,3} n:num (unknown | model){0,2} call",
    "('each' | 'every' | 'a' | 'an' | 'per' | eachuser | o:num) (unknown | user)? (whole | thing | 'run' | 'answer') "
    "('is' | 'are' | 'needs' | 'takes' | 'makes' | 'means' | colon | '=') approx? n:num (unknown | model){0,2} call "
    "(?! per time)",
    "('agent' | 'agents' | preset | unknown) ('with' | 'of' | 'doing' | 'making' | 'taking' | 'needs' | 'that') "
    "near{0,2} n:num (unknown | model){0,2} call (?! per time)",
)
_PEAK: Final = rules(
    "peak (unknown | link)? factor (link | colon){0,3} (x:mult | n:num)",  # peak factor 2
    "peak slash? ('to' | 'over')? (mean | 'the'){1,2} unknown? factor? (link | colon){0,2} (x:mult | n:num)",
    "x:mult near{0,5} peak",  # 2x at peak
    "peak (near | colon){0,6} x:mult",  # the busiest hour is three times the average
    "m:pct more near{0,4} peak",  # 50% more at peak
    "peak times n:num",
    "plus m:pct near{0,2} peak",
    f"peak (link | colon)? n:num (?= comma | stop | conj | paren | {CLAIMED} | $)",
)
_FLAT: Final = Rule(
    "('flat' | 'steady' | 'steadily' | 'evenly' | 'uniform') (?= comma | stop | conj | paren | num | 'at' | 'over' | "
    f"'all' | 'across' | {CLAIMED} | $)"
)
"""And no 'flat fee', no 'steady growth'."""
_BESIDE_A_RATE: Final = 12
"""Characters between a rate and the word that says that it is the same all day."""
_SHARE_OF_DAY: Final = rules(
    "k:peak (link | verb | 'carries' | 'has' | 'sees' | 'gets' | 'takes' | colon){0,2} p:pct 'of' ('the' | 'a' | "
    "'our' | 'all' | 'each' | 'one' | adverb){0,2} t:('day' | 'daily' | 'days' | 'week' | 'month' | 'year')",
    "k:peak ('carries' | 'has' | 'sees' | 'gets' | 'takes') approx? p:pct ('of' ('them' | 'those' | 'these' | 'it' | "
    "('the' | 'all')? (event | 'traffic' | 'load' | 'volume')))? (?= comma | stop | conj | paren | $)",
)
"""'the busiest hour carries 11% of the day'."""
_OF_THE_LOAD: Final = "((near | 'in' | event | thing) (?<! available | prefixcue | prefixhit | shared | grow))"
"""Words between a share and its hours: 'of the questions falls in', 'mon-fri', 'of it on weekdays between'."""
WEEKDAYS: Final = re.compile(
    r"week-?days|work(?:ing )?days|mon(?:day)?s?\s?(?:-|–|to|till?)\s?fri|\bmo\s?-\s?fr\b", re.I
)
_SHARE_IN_HOURS: Final = rules(
    f"p:pct {_OF_THE_LOAD}{{0,8}} (w:window | workhours | {_OF_THE_LOAD} (d:dur (?! 'day' | 'shift' | 'workday') | "
    "n:num unknown{0,2} ('hours' | 'hour' | 'h') | k:peak))",
    "(w:window | workhours) (comma | colon | paren | conj | link | 'with' | 'has' | 'sees' | 'carries' | 'gets' | "
    "'takes'){0,3} p:pct (link | 'of' | 'the' | 'our' | 'all' | 'daily'){1,3} "
    "('traffic' | 'load' | 'volume' | 'day' | event (?= comma | stop | paren | $))",
    "(w:window | workhours) ('with' | 'has' | 'have' | 'sees' | 'carries' | 'gets' | 'takes') approx? p:pct "
    "'of'? ('it' | 'them' | 'that' | 'those' | 'these')? (?= comma | stop | conj | paren | $)",
)
"""'80% between 7 and 10', '30% of it in 2 evening hours', '8 to 10 pm, 40% of the traffic': what of the day comes in
some of its hours."""
_OVER_THE_MEAN: Final = Rule("x:mult ('the' | 'our' | 'its' | 'that'){0,1} mean")
"""'a peak of 60 rps, which is 3x the mean'."""
_BURST: Final = rules("x:mult near{0,3} burst", "burst (near | colon){0,4} x:mult")
_BURSTINESS: Final = (Rule("burstiness (link | colon | 'cv' | paren){0,3} n:num"),)


_PART_APART: Final = rules(
    "p:pct (('of' | 'the' | 'our' | 'these' | 'those' | 'all' | 'them' | user | link | adverb | unknown | "
    "'simultaneously' | 'on' | 'online' | 'active'){0,5} (?<! comma)) (inflight | concurrent | active | 'active' | "
    "'typing' | 'online' | "
    "'chatting' | 'coding' | 'busy' | 'working' | 'generating' | 'asking' | ('use' | 'uses') ('it' | 'this'))",
    "p:pct ('are' | 'is') (?= comma | stop | paren | $)",  # each asks while in a game (a quarter are)
    "p:pct concurrency",
    "(inflight | concurrent | 'active' | 'typing' | 'online') (link | colon | paren | approx | 'only'){0,3} p:pct",
)
"""The part of the users who ask at all, apart from their count: 'a third of them are typing', '6% DAU'.

A share of whom nothing is said that tells they ask ('40% of them are in EMEA') is no such part."""


def of_a_day(match: Match | None) -> bool:
    """Return whether a part of the users is that of one day."""
    return match is not None and any(item.word in ("daily", "dau") for item in match.items)


def at_once(match: Match | None) -> bool:
    """Return whether a part of the users is of those who are there at the same time."""
    return match is not None and any(item.has("inflight", "concurrent") for item in match.items)


def part_of_users(draft: Draft, amount: Amount, told: str = "users ask") -> tuple[Amount, Match | None]:
    """Return how many of the users ask at all, where that part is said apart from them, and where it is said.

    Args:
        draft: of the sentence; what was read of it is taken and noted.
        amount: all users, or all requests in flight.
        told: what they are or do, as the note says it.
    """
    for match in matches_of(_PART_APART, draft.sentence):
        share = match["p"].number.value
        if not 0 < share < 1:
            continue
        draft.sentence.take_all(match.first, match.last)
        said = match.said
        note = f"{said!r}: {show_percent(share)} of {show_count(amount.value)} {told}"
        draft.note(match.first, match.last, note)
        return amount.times(share), match
    return amount, None


_MAKE_UP: Final = frozenset(
    "make makes cause causes account bring brings generate generates drive drives for are is".split()
)


def share_of(draft: Draft, amount: Amount, first: int) -> tuple[Amount, int]:
    """Return the part of a rate that is said before it, and where it begins: '12 % of the daily 600,000 requests'.

    Args:
        draft: the draft.
        amount: of the whole.
        first: the item with which the whole begins.
    """
    items, at = draft.sentence.items, first - 1
    while at > 0 and items[at].word in ("the", "our", "these", "all"):
        at -= 1
    if 0 <= at < first - 1 and items[at].has("pct"):  # 'half our 2,000 staff'
        at += 1
    elif at < 1 or items[at].word != "of" or not items[at - 1].has("pct"):
        return amount, first
    if items[at - 1].claimed:
        return amount, first
    subject = items[at - 2].word if at > 1 else ""
    if subject in _MAKE_UP:
        return amount, first  # 'five customers make 80% of 26 rps': the whole is the load
    if _is_of_the_busiest_hour(draft, at - 1):
        return amount, first
    draft.sentence.take(at - 1)
    return amount.times(items[at - 1].number.value), at - 1


_TO_THE_PEAK: Final = 10
"""Items between a share of a day's load and the hour in which it comes."""


def _is_of_the_busiest_hour(draft: Draft, at: int) -> bool:
    """Whether a share is what the busiest hour has of a day, and no part of the load; if so, it is read as that.

    Args:
        at: position of the share: 'the busiest hour has 12 % of 90k daily requests'.
    """
    items = draft.sentence.items
    near = range(max(0, at - _TO_THE_PEAK // 2), min(len(items), at + _TO_THE_PEAK))
    hour = next(
        (one for one in near if items[one].has("peak") and "hour" in draft.sentence.words(one, one).lower()), None
    )
    if hour is None or not _busiest_hour_has(draft, (at, at), items[at].number.value, "day"):
        return False
    draft.sentence.take(hour)
    return True


def _busiest_hour_has(draft: Draft, said: tuple[int, int], share: float, period: str) -> bool:
    """Note how far the peak is above the mean by what the busiest hour has of a period; whether it is a peak at all.

    Args:
        said: the positions of the first and last item that say it.
        share: of the period's load.
        period: 'day', 'week', 'month' or 'year'.
    """
    hours = SECONDS[period] / SECONDS_PER_HOUR
    factor = hours * share
    if not 1 <= factor <= hours:
        return False
    echo = f"{show_percent(share)} of the {period} × {hours:g} h = peak {show_figure(factor)} × the mean"
    draft.found(PEAK, *said, [Option(factor, echo)])
    return True


def read_concurrency(draft: Draft) -> None:
    """Find how many requests are in flight."""
    for match in matches_of(_CONCURRENCY, draft.sentence):
        amount = count_of(match["n"].number)
        inside = match.items
        people = [i for i in inside if i.has("user") and i.word != "agents"] or ([match["p"]] if "p" in match else [])
        if people and len(amount.values) == 1:
            amount, first = share_of(draft, amount, match.first)
            if first == match.first:
                amount, _ = part_of_users(draft, amount, "users are there at once")
            ask_of_signed_in(draft, first, match.last, amount.value, "users" if "p" in match else people[0].word)
            continue
        if (each := draft.value(HABIT)) and not draft.has(USERS) and len(amount.values) == 1:
            _each_of_those_in_flight(draft, match, amount.value, each)
            continue
        part, _ = part_of_users(draft, amount, "requests in flight")
        talks = [one for one in inside if one.word in _TALKS]
        if talks and part == amount and len(amount.values) == 1:
            ask_of_signed_in(draft, match.first, match.last, amount.value, talks[0].word)
            continue
        amount = part
        draft.read("traffic.concurrency", match, amount, whole, lambda v, made: f"{show_count(v)} requests in flight")


_TALKS: Final = ("calls", "callers", "conversations", "dialogues")
"""What goes on between a person and the model, in each of which it is asked now and then."""


def ask_of_signed_in(draft: Draft, first: int, last: int, count: float, noun: str) -> None:
    """Ask what '500 concurrent users' are: requests in flight at once, or people who ask now and then.

    Args:
        draft: that asks.
        first: position of the first item.
        last: position of the last item.
        count: how many there are at once.
        noun: what they were called.
    """
    people = f"{show_count(count)} {noun}"
    there = "going on" if noun in _TALKS else "signed in"
    choices = (
        Choice(whole(count), f"{show_count(count)} requests in flight at the same time", usual=True),
        Choice(None, f"{there}: say how often each of them asks, such as '6 times an hour each'", RATE),
    )
    text = f"{people} at once: so many requests in flight at the same time, or {there} (and how often does each ask)?"
    draft.ask("traffic.concurrency", first, last, text, choices)
    if not (draft.has(USERS) or noun in _TALKS):
        draft.findings.append(Finding(USERS, (Option(count, people),), *draft.sentence.span(first, last)))


def _each_of_those_in_flight(draft: Draft, match: Match, count: float, each: float) -> None:
    """Ask whether a habit is of each of those at once: '80 calls at once, each has a turn every six seconds'."""
    draft.questions[:] = [question for question in draft.questions if question[1] != RATE]
    said = match.said
    choices = (
        Choice(
            count * each,
            f"{show_count(count)} × {show_figure(each)} = {show_figure(count * each)} requests/s",
            RATE,
            usual=True,
        ),
        Choice(whole(count), f"{show_count(count)} requests in flight at the same time", "traffic.concurrency"),
    )
    draft.ask(RATE, match.first, match.last, f"{said!r}: does each of them ask so often?", choices)


def read_calls(draft: Draft) -> None:
    """Find how many model calls a request makes."""
    for match in matches_of(_CALLS, draft.sentence):
        if "o" not in match or match["o"].number.value == 1:
            note_calls(draft, match)


def note_calls(draft: Draft, match: Match) -> None:
    """Note the number of a match as calls per request."""
    draft.read(CALLS, match, match["n"].number, float, lambda v, made: f"{show_figure(v)} model calls per request")


def read_flat(draft: Draft) -> None:
    """Take a rate that is said to be flat or steady for the same all day."""
    rates = [one for one in draft.findings if one.path == RATE]
    for match in _FLAT.matches(draft.sentence) if rates and not draft.has(PEAK) else ():
        start, end = draft.sentence.span(match.first, match.last)
        between = (draft.sentence.text[min(end, one.end) : max(start, one.start)] for one in rates)
        if any(len(gap) <= _BESIDE_A_RATE and not {*gap} & {*".;\n"} for gap in between):
            echo = "the same all day: peak 1 × the mean"
            draft.found(PEAK, match.first, match.last, [Option(1.0, echo)])
            return


def read_factors(draft: Draft) -> None:
    """Find how far the peak is above the mean, and how bursty arrivals are."""
    for rule in _PEAK:
        for match in rule.matches(draft.sentence):
            if "m" in match:
                draft.read(PEAK, match, match["m"].number, lambda v: 1 + v, _over_the_mean)
            elif rule is not _PEAK[-1] or _is_factor(draft, match):
                amount = (match["x"] if "x" in match else match["n"]).number
                draft.read(PEAK, match, amount, float, _over_the_mean)
    _share_of_the_day(draft)
    _share_in_hours(draft)
    if any(item.has("peak") for item in draft.sentence.items):
        for match in _OVER_THE_MEAN.matches(draft.sentence):
            draft.read(PEAK, match, match["x"].number, float, _over_the_mean)
    for match in matches_of(_BURST, draft.sentence):
        draft.read(
            "traffic.burst",
            match,
            match["x"].number,
            float,
            lambda v, made: f"busiest minute {show_figure(v)} × the peak hour",
        )
    for match in matches_of(_BURSTINESS, draft.sentence):
        draft.read(
            "traffic.burstiness", match, match["n"].number, float, lambda v, made: f"CV of arrivals {show_figure(v)}"
        )


def _over_the_mean(said: float, factor: float) -> str:
    return f"peak {show_figure(factor)} × the mean"


def _share_of_the_day(draft: Draft) -> None:
    """Find how far the peak hour is above the mean from its share of the day."""
    for match in matches_of(_SHARE_OF_DAY, draft.sentence):
        k, share = match["k"], match["p"].number.value
        period = match["t"].word.removesuffix("s").replace("daily", "day") if "t" in match else "day"
        of_hour = "hour" in draft.sentence.text[k.start : k.end].lower()
        if of_hour and _busiest_hour_has(draft, (match.first, match.last), share, period):
            for whole in _ALL_BEHIND.matches(draft.sentence):
                if whole.first == match.last + 1 and not draft.has(RATE):
                    rate = count_of(whole["n"].number).value / SECONDS[period]
                    echo = f"{show_count(count_of(whole['n'].number).value)} a {period} = {show_rate(rate)} on average"
                    draft.found(RATE, whole.first, whole.last, [Option(rate, echo)])


_ALL_BEHIND: Final = Rule("n:num event")
"""'25% of the day's 600k requests'."""


def _share_in_hours(draft: Draft) -> None:
    """Find how far some hours of the day are above the mean from their share of it."""
    for match in matches_of(_SHARE_IN_HOURS, draft.sentence):
        share, hours = match["p"].number.value, 1.0
        if "d" in match or "w" in match:
            hours = match["d" if "d" in match else "w"].number.value / SECONDS_PER_HOUR
        elif "n" in match:
            hours = match["n"].number.value
        elif match.sentence.items[match.last].has("workhours"):
            hours = BUSINESS_HOURS
        elif "hour" not in draft.sentence.text[match["k"].start : match["k"].end].lower():
            continue
        days = 5 if WEEKDAYS.search(draft.sentence.words(match.first, match.last)) else 7
        peak = 24 * share / hours * 7 / days
        if len(match["p"].number.values) == 1 and 1 <= hours < 24 and share < 1 < peak:
            of_what = "the day" if days == 7 else f"the week on {days} of 7 days"
            echo = f"{show_figure(100 * share)} % of {of_what} in {show_figure(hours)} of 24 h"
            echo = f"{echo}: peak {show_figure(peak)} × the mean"
            draft.found(PEAK, match.first, match.last, [Option(peak, echo)])


def _is_factor(draft: Draft, match: Match) -> bool:
    """Whether a bare number after 'peak' is a factor: it is small, and no rate that is said is as small."""
    number = match["n"]
    items = draft.sentence.items
    rates = [
        item
        for item, following in pairwise(items)
        if item.has("num") and item is not number and following.has("rateunit", "event", "per", "slash", "tps")
    ]
    return 1 <= number.number.value <= MOST_BARE_PEAK and all(rate.number.value > MOST_BARE_PEAK for rate in rates)


def count_of(amount: Amount) -> Amount:
    """Return the amount of something counted, whose small m means millions."""
    return amount.times(1e6) if amount.small_m else amount
