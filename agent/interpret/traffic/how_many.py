"""How many requests: rates in any unit of time, rates of users, concurrency, calls per request, the peak."""

from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from agent.fields.demand import HABIT, RATE, USERS, VISITS
from agent.interpret.facts.draft import Draft, Finding, Option
from agent.interpret.facts.reading import Choice
from agent.interpret.traffic.crowds import Crowd, crowds_of, name_groups
from agent.interpret.traffic.loads import (
    ask_of_signed_in,
    count_of,
    note_calls,
    part_of_users,
    read_calls,
    read_concurrency,
    read_factors,
    read_flat,
    share_of,
)
from agent.interpret.traffic.peaks import read_peaks
from agent.interpret.traffic.rates import TIME, Rate, ask_new_rate, ask_unit_of_mean, period_of, rates_of
from agent.interpret.traffic.scope import in_its_hours, read_each_site, read_sites, take_hours
from agent.interpret.traffic.turns import multiply_turns, turns_of, turns_of_each
from agent.interpret.words.grammar import Amount, Rule, matches_of, rules
from agent.interpret.words.vocabulary import SECONDS
from catalogs.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, show_count, show_figure, show_seconds

USUAL_A_DAY: Final = 10.0
"""Requests of one user, where nobody knows: by judgement."""
USUAL_HABIT: Final = f"{USUAL_A_DAY:g} requests a day each, a usual habit by judgement"
MOST_A_DAY: Final = 1000.0
"""Requests of one person; more are all users' together."""

_THINGS: Final = Rule(f"n:num unknown{{0,2}} e:thing {TIME}")
_EACH: Final = rules(
    "n:num (unknown | preset){0,2} e:event (each | peruser)",  # 5 chats each
    "eachuser soft{0,4} n:num (unknown | preset){0,2} e:event",  # every user asks 5 questions
    "each soft{0,3} n:num (unknown | preset){0,2} e:event",
)
_PEOPLE: Final = Rule("n:num unknown? user | user (colon | 'of' | 'count'){1,2} n2:num")
_PILE: Final = Rule(
    "n:num ((unknown | incue){0,2} (e:(thing | 'pages') | event | incue | unknown) "
    "(?! per | slash | adverb | 'each' | times | event | token) | (?= 'in' dur))"
)
_UNTIL: Final = Rule("(under | 'in' | 'over' | 'during' | 'last' | 'past' | 'first' | (?= window)) d:(window | dur)")
_FEWEST_OF_JOB: Final = 1000.0
"""Documents that are a job of hours, and no request's."""
_SHORTEST_TIME: Final = 300.0
"""Seconds in which each asks something; an answer is there in less. By judgement."""
_DONE: Final = Rule("n:num (unknown | preset){0,2} e:event")
_APART: Final = rules(
    "(every | 'per' | 'on' 'a' | 'in' 'a') t:time", "a:adverb", "(under | 'in' | 'over' | 'first') d:dur"
)


def read_traffic(draft: Draft) -> None:
    """Find what the sentence says of traffic."""
    for match in _PEOPLE.matches(draft.sentence):
        if match["n" if "n" in match else "n2"].number.value <= 0:
            said = draft.sentence.words(match.first, match.last)
            draft.object(match.first, match.last, f"{said}: people are 1 or more")
    name_groups(draft.sentence, HABIT in draft.known)
    read_factors(draft)
    turns = turns_of(draft)
    read_calls(draft)
    rates = rates_of(draft)
    turns = turns or turns_of_each(draft, rates)
    wanted = HABIT in draft.known or any(rate.of_a_user or rate.only_of_users for rate in rates)
    rates, users = _peak_of_all(draft, rates, crowds_of(draft, wanted or _has_each(draft), rates))
    _combine(draft, rates, users)
    multiply_turns(draft, turns, rates)
    read_concurrency(draft)
    read_peaks(draft, [rate for rate in rates if rate.at_peak])
    read_flat(draft)
    _things(draft)
    if not draft.has(RATE):
        ask_unit_of_mean(draft)
        ask_new_rate(draft)
        _ask_of_job(draft)


# --- rates and users --------------------------------------------------------------------------------------------------


def _has_each(draft: Draft) -> bool:
    """Whether the sentence says what each user does."""
    return any(True for rule in _EACH for _ in rule.matches(draft.sentence))


def _peak_of_all(draft: Draft, rates: list[Rate], users: list[Crowd]) -> tuple[list[Rate], list[Crowd]]:
    """Return the rates with what each user does at the peak as the peak of all, and the users without those counted."""
    each = any(crowd.each for crowd in users)
    of_each = [rate for rate in rates if rate.at_peak and (each or rate.of_a_user or rate.only_of_users)]
    if not of_each:
        return rates, users
    known = float(draft.known.get(USERS) or 0.0) if not users else 0.0
    of_before = part_of_users(draft, Amount((known,)))[0].value if known else 0.0
    count = users[0].amount.value if len(users) == 1 else of_before
    if not count:  # they are asked for
        for rate in of_each:
            note = f"{_said(draft, rate.first, rate.last)!r} is taken as what each does all day, not at the peak alone"
            draft.note(rate.first, rate.last, note)
        return [replace(rate, at_peak=rate.at_peak and rate not in of_each) for rate in rates], users
    for crowd in users:
        _note_users(draft, count, f"{show_count(count)} {crowd.noun}", (crowd.first, crowd.last))
    of_all = [replace(rate, amount=rate.amount.times(count), of_a_user=False, only_of_users=False) for rate in of_each]
    return [*(rate for rate in rates if rate not in of_each), *of_all], []


def _combine(draft: Draft, rates: list[Rate], users: list[Crowd]) -> None:
    """Turn rates, and users times what each does, into requests/s."""
    rest = [rate for rate in rates if not rate.at_peak]
    for count in users:
        mine = next((rate for rate in rest if rate.of_a_user or rate.only_of_users), None)
        near = next((rate for rate in rest if _may_be_of_each(draft, rate, count)), None)
        if mine is not None:
            rest.remove(mine)
            _product(draft, mine, count)
        elif near is not None:
            rest.remove(near)
            _each_or_together(draft, near, count)
        elif _each_without_time(draft, count):
            continue
        elif len(rest) == 1 and rest[0].seconds >= 60 and rest[0].amount.value < count.amount.value:
            _each_or_together(draft, rest.pop(), count)
        elif not rest and not any(rate.at_peak for rate in rates):
            _users_alone(draft, count)
        else:
            draft.release(count.first, count.last)
    for rate in rest:
        _rate_alone(draft, rate, bool(users))
    if not users and (rest or USERS in draft.known):
        _each_without_users(draft, bool(rest))


def _users_alone(draft: Draft, count: Crowd) -> None:
    if count.at_once and len(count.amount.values) == 1 and HABIT not in draft.known:
        ask_of_signed_in(draft, count.first, count.last, count.amount.value, count.noun)
        return
    read_users(draft, count.amount, count.first, count.last, count.noun)
    if count.seconds is not None:
        option = Option(count.seconds, _said(draft, count.first, count.last))
        draft.findings.append(Finding(VISITS, (option,), *draft.sentence.span(count.first, count.last)))


def _rate_alone(draft: Draft, rate: Rate, users: bool) -> None:
    """Note a rate that no users of the sentence explain: of each user, of each of several sites, or of all."""
    if not users and (read_each_site(draft, rate) or _ask_of_places(draft, rate)):
        return
    of_each = rate.of_a_user or rate.only_of_users or (not users and _answers_how_often(draft, rate))
    if of_each and not read_habit(draft, rate):
        draft.release(rate.first, rate.last)
    elif not of_each and not read_sites(draft, rate):
        _all_requests(draft, rate)


def _ask_of_places(draft: Draft, rate: Rate) -> bool:
    """Ask whether '10 rps each' is of each of several places that are named, and tell whether."""
    if not rate.of_a_user or len(rate.amount.values) > 1:
        return False
    places = {item.entries for item in draft.sentence.items if item.has("place", "region")}
    if len(places) < 2:
        return False
    each, count = rate.amount.value / rate.seconds, len(places)
    product = f"{count} places × {show_figure(each)} = {show_figure(count * each)} requests/s on average"
    choices = (Choice(count * each, product), Choice(each, f"{show_figure(each)} requests/s in all"))
    said = _said(draft, rate.first, rate.last)
    draft.ask(RATE, rate.first, rate.last, f"{said!r}: is that at each of {count} places?", choices)
    return True


def _all_requests(draft: Draft, rate: Rate) -> None:
    rate = in_its_hours(draft, rate)
    draft.read(
        RATE, (rate.first, rate.last), rate.amount,
        lambda v: v / rate.day_seconds, lambda v, made: _sum(v, rate, made),
    )  # fmt: skip


def _may_be_of_each(draft: Draft, rate: Rate, count: Crowd) -> bool:
    """Whether a rate without 'each' follows users closely and is slow enough to be one user's."""
    if count.each:
        return True
    return rate.seconds >= 60 and 0 <= rate.first - count.last <= 5


def _each_or_together(draft: Draft, rate: Rate, count: Crowd) -> None:
    """Take a slow rate beside people for what each does, where that is said; else ask."""
    items, (low, high) = draft.sentence.items, sorted((rate.first, count.last))
    between, each_said = items[count.last + 1 : rate.first], ("each", "eachuser", "peruser")
    if (
        count.each
        or any(item.has(*each_said) for item in items[low:high])
        or (
            between
            and between[0].has("verb")
            and not any(item.has("making", "comma", "conj") and item.word != "with" for item in between)
        )
    ):
        _product(draft, rate, count)
        return
    rate = in_its_hours(draft, rate)
    said = _said(draft, min(rate.first, count.first), max(rate.last, count.last))
    together = rate.amount.value / rate.day_seconds
    each = together * count.amount.value
    choices = (
        Choice(each, f"each user: {show_figure(each)} requests/s"),
        Choice(together, f"all users together: {show_figure(together)} requests/s"),
    )
    first, last = min(rate.first, count.first), max(rate.last, count.last)
    draft.ask(RATE, first, last, f"{said!r}: is that each user, or all of them together?", choices, claim=False)


def _answers_how_often(draft: Draft, rate: Rate) -> bool:
    """Whether a rate is what each of the users does who were counted before: '20 a day' after '2,000 users'.

    Where what each does is known already, it is that anew if it is nearer to it than to what all do.
    """
    users, habit, known = (draft.known.get(path) or 0.0 for path in (USERS, HABIT, RATE))
    said = rate.amount.value / rate.seconds
    of_each = said < habit * users**0.5 if habit else not known and said * SECONDS_PER_DAY <= MOST_A_DAY
    return bool(users) and rate.seconds >= 60 and of_each


def read_habit(draft: Draft, rate: Rate) -> bool:
    """Note what each user does; times the users of before it is the rate, and without them they are asked for."""
    span = draft.sentence.span(rate.first, rate.last)
    crowd = draft.known.get(USERS)
    crowd = part_of_users(draft, Amount((float(crowd),)))[0].value if crowd else None
    if rate.only_of_users and not crowd and not rate.of_a_user:
        return False
    rate = in_its_hours(draft, rate)
    each = rate.amount.value / rate.day_seconds
    if crowd:
        draft.read(
            RATE, (rate.first, rate.last), rate.amount, lambda v: v * crowd / rate.day_seconds,
            lambda v, made: _product_sum(crowd, v, rate, made), claim=False,
        )  # fmt: skip
        echo = _product_sum(crowd, rate.amount.value, rate, crowd * each)
    else:
        said = _said(draft, rate.first, rate.last)
        echo = f"each user: {said}"
        draft.ask(RATE, rate.first, rate.last, f"{said!r}: how many users are there?", claim=False)
    draft.findings.append(Finding(HABIT, (Option(each, echo),), *span))
    return True


def read_users(draft: Draft, amount: Amount, first: int, last: int, noun: str = "users") -> None:
    """Note how many users there are; times a habit of before they are the rate, and without one it is asked for.

    Args:
        draft: that notes it.
        amount: the number of users.
        first: position of the first item.
        last: position of the last item.
        noun: what the users were called.
    """
    each, before = draft.known.get(HABIT), _added_to(draft, first, last)
    amount = replace(amount, values=tuple(before + value for value in amount.values))
    crowd = amount.values[len(amount.values) // 2]
    people = f"{show_count(crowd)} {'users' if noun in SECONDS else noun}"
    if len(amount.values) > 1:
        people = f"{show_count(amount.value)} to {show_count(amount.values[-1])}, in the middle {people}"
    if before:
        people = f"{show_count(before)} + {show_count(crowd - before)} = {people}"
    if each:
        echo = f"{people} × {show_figure(each * SECONDS_PER_DAY)} requests a day each"
        draft.read(
            RATE, (first, last), amount, lambda v: v * each,
            lambda v, made: f"{echo} = {show_figure(made)} requests/s on average",
        )  # fmt: skip
    else:
        per_day = crowd * USUAL_A_DAY / SECONDS_PER_DAY
        usual = f"{USUAL_HABIT}: {show_figure(per_day)} requests/s"
        text = f"{people}: how many requests does each make, and in which time?"
        draft.ask(RATE, first, last, text, (Choice(per_day, usual, usual=True),))
    _note_users(draft, crowd, people, (first, last))


def _note_users(draft: Draft, count: float, echo: str, at: tuple[int, int]) -> None:
    if not draft.has(USERS):
        draft.findings.append(Finding(USERS, (Option(count, echo),), *draft.sentence.span(*at)))


_PLUS: Final = ("plus", "another", "additional", "extra")


def _added_to(draft: Draft, first: int, last: int) -> float:
    """Return the people of before to whom a line adds others: '+900 lawyers', not '1,000 users plus 900 lawyers'."""
    items, before = draft.sentence.items, draft.known.get(USERS)
    if not before or any(item.has("num") for item in items[:first]):
        return 0.0
    number = next(item for item in items[first : last + 1] if item.has("num"))
    said = draft.sentence.text[: number.start].rstrip().lower()
    more = any(item.has("more") for item in items[first : last + 2])
    return float(before) if said.endswith(("+", *_PLUS)) or more else 0.0


def _product(draft: Draft, rate: Rate, count: Crowd) -> None:
    rate = in_its_hours(draft, rate)
    first, last = min(rate.first, count.first), max(rate.last, count.last)
    if not draft.has(USERS) and len(count.amount.values) == len(rate.amount.values) == 1:
        each = rate.amount.value / rate.day_seconds
        echo = _product_sum(count.amount.value, rate.amount.value, rate, each * count.amount.value)
        span = draft.sentence.span(first, last)
        draft.findings.append(Finding(USERS, (Option(count.amount.value / count.part, echo),), *span))
        draft.findings.append(Finding(HABIT, (Option(each * count.part, echo),), *span))
    crowd, each, several = count.amount.value, rate.amount.value / rate.day_seconds, len(count.amount.values) > 1
    draft.read(
        RATE, (first, last), count.amount if several else rate.amount,
        lambda v: v * each if several else v * crowd / rate.day_seconds,
        lambda v, made: _product_sum(*((v, rate.amount.value) if several else (crowd, v)), rate, made), claim=False,
    )  # fmt: skip


def _product_sum(crowd: float, each: float, rate: Rate, made: float) -> str:
    people = f"{show_count(crowd)} users × {show_figure(each)}"
    return f"{people} / {show_count(rate.seconds)} s{_hours(rate)} = {show_figure(made)} requests/s on average"


def _sum(value: float, rate: Rate, made: float) -> str:
    if rate.day_seconds == 1:
        return f"{show_figure(made)} requests/s on average"
    per = "" if rate.seconds == 1 else f" / {show_count(rate.seconds)} s"
    return f"{show_count(value)}{per}{_hours(rate)} = {show_figure(made)} requests/s on average"


def _hours(rate: Rate) -> str:
    return "" if rate.hours == 24 else f" × {show_figure(rate.hours)} / 24 h"


def _each_without_time(draft: Draft, count: Crowd) -> bool:
    """Read '10k DAU, 5 chats each': the users' own period is the time; without one it is asked."""
    for rule in (*_EACH, *((_DONE,) if count.each else ())):
        for match in rule.matches(draft.sentence):
            if rule is _DONE and not 0 < match.first - count.last <= 4:
                continue
            amount = count_of(match["n"].number)
            first, last = min(match.first, count.first), max(match.last, count.last)
            draft.sentence.claim(match.first, match.last)
            if (seconds := count.seconds or _period_apart(draft)) is not None:
                rate = Rate(amount, seconds, match.first, match.last, True)
                _product(draft, rate, count)
            else:
                people = f"{show_count(count.amount.value)} {count.noun}"
                _note_users(draft, count.amount.value, people, (count.first, count.last))
                in_which_time(draft, (match.first, match.last), (first, last), amount.value * count.amount.value)
            return True
    return False


def _period_apart(draft: Draft) -> float | None:
    """Return the seconds of a time that stands apart from what is done in it: 'every day each of them asks 40'."""
    for match in matches_of(_APART, draft.sentence):
        time = match["d" if "d" in match else "t" if "t" in match else "a"]
        seconds = time.number.value if "d" in match else SECONDS[time.word]
        if "d" not in match or seconds >= _SHORTEST_TIME:
            draft.sentence.take(match.index("d") if "d" in match else match.first)
            return seconds
    return None


def in_which_time(draft: Draft, said_at: tuple[int, int], asked_at: tuple[int, int], total: float) -> None:
    """Ask in which time each of the users does what a number counts.

    Args:
        draft: that asks it.
        said_at: positions of the first and the last item of what each does.
        asked_at: the same of all that the question is about.
        total: what all of them do in that time.
    """
    choices = tuple(
        Choice(total / seconds, f"per {name}: {show_figure(total / seconds)} requests/s")
        for name, seconds in (("hour", SECONDS_PER_HOUR), ("day", SECONDS_PER_DAY))
    )
    said = _said(draft, *said_at)
    draft.ask(RATE, *asked_at, f"{said!r}: in which time, an hour or a day?", choices, claim=False)


def _each_without_users(draft: Draft, of_requests: bool) -> None:
    """Read '1000 conversations a day, 5 messages each' as calls per request; after '2,000 users' as what each does.

    Args:
        draft: the draft.
        of_requests: a rate of the sentence says what each is of.
    """
    crowd = draft.known.get(USERS, 0.0)
    for match in matches_of(_EACH[: 1 if of_requests else 3], draft.sentence):
        if of_requests:
            note_calls(draft, match)
        elif seconds := draft.known.get(VISITS):
            amount = count_of(match["n"].number)
            read_habit(draft, Rate(amount, seconds, match.first, match.last, True))
            draft.sentence.claim(match.first, match.last)
        else:
            span = (match.first, match.last)
            in_which_time(draft, span, span, count_of(match["n"].number).value * crowd)
            draft.sentence.claim(match.first, match.last)
        return


def _said(draft: Draft, first: int, last: int) -> str:
    said = draft.sentence.said(first, last)
    if len(said) > _LONGEST_SAID:  # the head of a column and its cell lie apart
        return " … ".join(draft.sentence.said(at, at) for at in (first, last))
    return said


_LONGEST_SAID: Final = 90


def _ask_of_job(draft: Draft) -> None:
    """Offer so many documents in so many hours as the rate while they last: '300k invoices between 1 and 5 am'."""
    items = draft.sentence.items
    found = [
        (pile, span) for pile in _PILE.matches(draft.sentence) for span in _UNTIL.matches(draft.sentence)
        if count_of(pile["n"].number).value >= _FEWEST_OF_JOB and span["d"].number.value >= SECONDS_PER_HOUR
        and ("e" in pile or span["d"].has("dur"))
        and not any(one.has("num") and not unit.has("token") for one, unit in pairwise(
            items[min(pile.last, span.last) + 1 : max(pile.first, span.first) + 1]))
    ]  # fmt: skip
    if draft.has(RATE) or draft.has(USERS) or len(found) != 1:
        return
    (pile, span), count = found[0], count_of(found[0][0]["n"].number).value
    rate = count / span["d"].number.value
    shown = f"{show_count(count)} / {show_seconds(span['d'].number.value)} = {show_figure(rate)} requests/s"
    choices = (
        Choice(rate, f"one request for each: {shown} while it runs", also={"traffic.peak_factor": 1.0}),
        Choice(rate, f"what comes all the time: {shown} on average"),
    )
    said = " … ".join(_said(draft, *ends) for ends in sorted([(pile.first, pile.last), (span.first, span.last)]))
    text = f"{said!r}: is that a job in so much time? 'fleetcast batch' plans one by its deadline."
    draft.ask(RATE, min(pile.first, span.first), max(pile.last, span.last), text, choices, claim=False)
    draft.sentence.take(pile.index("n"))
    draft.sentence.take(span.index("d"))


def _things(draft: Draft) -> None:
    """Ask whether documents a day are requests a day."""
    for match in _THINGS.matches(draft.sentence):
        amount, first = share_of(draft, count_of(match["n"].number), match.first)
        rate = amount.value / period_of(match)
        thing = match["e"].word
        choices = (Choice(rate, f"one request for each: {show_figure(rate)} requests/s"),)
        text = f"{_said(draft, first, match.last)!r}: is each of the {thing} one request?"
        draft.ask(RATE, first, match.last, text, choices)
        if period_of(match) >= SECONDS_PER_DAY:
            take_hours(draft, lambda hours: "d" in hours and hours["d"].has("window"))
