"""Events in a time, as sentences give them: 20 rps, 5 million requests a day, three times an hour each."""

import re
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from agent.fields.demand import RATE, USERS
from agent.interpret.facts.draft import Draft, Option
from agent.interpret.facts.reading import Choice
from agent.interpret.traffic.loads import count_of, share_of
from agent.interpret.words.grammar import CLAIMED, Amount, Item, Match, Rule, matches_of, rules
from agent.interpret.words.vocabulary import SECONDS
from catalogs.units import (
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    SECONDS_PER_MONTH,
    SECONDS_PER_YEAR,
    show_figure,
    show_seconds,
)

TIME: Final = (
    "((per | 'last') t:(time | 'night') | slash per? s:(time | tshort) | per wd:workhours | "
    "('in' | 'during' | 'for')? cal:calendar)"
)
_BETWEEN = "(unknown | ingrand | preset | model | mean | user | concurrent | approx | over){0,3}"
_LINKS = "(link | colon | paren | under | over | ingrand | mean)"
_NOT_OURS = (
    "(?! token | textunit | time | tshort | gpunoun | times | percent | user | scaleword | (incue | outcue) "
    "(?! colon | num) | 'in' (?! colon | num) | 'out' (?! colon | num))"
)

_ENDS: Final = "(?= comma | stop | conj | paren | slash | $)"
_ENDS_OR_READ: Final = f"(?= comma | stop | conj | paren | slash | gpu | {CLAIMED} | $)"
"""Or what stands behind is read already: '18 rps peak 7 avg llama 3.1 8b'."""
_RATES: Final = rules(
    # 20 requests per second, 3 questions per user per hour
    f"n:num {_BETWEEN} (e:event | preset) (('of' | 'on' | 'via' | 'from') unknown)? p:(peruser | each)? {TIME}",
    f"n:num {_BETWEEN} e:thing {TIME} p:(each | peruser | eachuser)",  # 40 tickets a day each
    f"n:num {_BETWEEN} e:thing p:(each | peruser | eachuser) {TIME}",
    # each does about 25 document analyses per day
    f"p:(each | eachuser) (verb | unknown | link | approx){{0,3}} n:num (unknown | thing | incue){{1,3}} {TIME}",
    f"e:event p:peruser {TIME} {_LINKS}{{1,3}} n:num {_NOT_OURS}",  # requests per user per hour = 2
    # 50k requests between 9 and 17 every day
    f"n:num {_BETWEEN} e:event window (('every' | per) time | adverb | on? 'weekdays')?",
    "window (near | comma){0,3} n:num e:event",  # between 8 and 18 about 90,000 requests
    f"n:num {_BETWEEN} e:event 'in' ('a' | 'one')? t:('second' | 'minute' | 'sec' | 'hour') (?! near)",
    f"n:num ingrand? p:peruser? (?! ('in' | 'during' | 'for')? calendar) {TIME}",  # 1.2M/day, not 2.5k in Q3
    f"(?: ^ | (?<= comma | stop | colon)) approx? n:num ingrand? a:adverb {_ENDS}",  # 450k daily
    "n:num (unknown | mean)? a:adverb (unknown | user){0,2} e:event",  # 5M daily requests
    f"n:num {_BETWEEN} e:event a:adverb",  # 5M requests daily
    "a:adverb n:num unknown? e:event",  # the daily 600,000 requests
    "n:num (mean | unknown)? a:rateunit",  # 20 rps
    f"a:rateunit {_LINKS}{{0,4}} n:num {_NOT_OURS}",  # rps: 20
    f"e:event {TIME} {_LINKS}{{0,4}} n:num {_NOT_OURS}",  # requests per second: 20
    "cal:calendar (colon | comma | verb | user | 'had'){0,3} n:num e:event",  # December: 5.6M requests
    # every day 5M requests
    "(?<! event) (?<! thing) (?<! user) (every | 'per' | 'last' | 'in' 'a') t:time comma? near{0,4} n:num unknown? "
    f"e:event {_NOT_OURS}",
    # peak hour 20k requests, 20k requests in the peak hour
    "k:peak (link | colon | 'has'){0,2} n:num e:event (?! per | slash | adverb)",
    "n:num e:event p:each? ('in' | 'at' | 'during') ('the' | 'our')? k:peak",
)
_AT_LUNCH: Final = Rule(
    "('at' | 'around' | 'over' | 'during') 'the'? ('lunch' | 'lunchtime' | 'noon' | 'midday' | 'top') (?= comma "
    "| stop | conj | paren | $)"
)
"""'8 requests/s at lunch' are of the busiest hour, and no mean of the day."""
_UNIT_FIRST: Final = tuple(rule for rule in _RATES if rule.pattern.startswith(("a:rateunit", "e:event ((per")))
"""Rules in which the unit stands before its number."""
_INTERVALS: Final = rules(
    f"n:num {_BETWEEN} e:event ('every' | ('in' | 'over' | 'within') ('the' ('last' | 'past'))? | 'per' | 'each' | "
    "slash) d:dur",  # 1000 requests per 10 minutes
    "('a' | 'an') e:event approx? every d:dur",  # a request every 2 seconds
    "'a' e:event 'every' t:time",
    "'every' d:dur comma? (n:num | 'a') e:event",
)
_OFTEN: Final = rules(
    f"('once' | x:mult | n:num times) {TIME}",  # three times a day
    "('once' | x:mult | n:num times) ('every' | 'per') d:dur",
    "('once' | x:mult | n:num times) a:adverb",
    "'every' d:dur",
)


_BARE: Final = rules(
    f"n:num (link | 'during' | 'in' | 'over' | 'on'){{0,3}} (m:mean | k:peak) {_ENDS_OR_READ}",
    "(m:(mean | 'usually' | 'normally' | 'typically' | 'otherwise') | k:peak) (link | colon){0,2} n:num "
    f"(?! slash num) {_ENDS_OR_READ}",
)
_EITHER: Final = Rule("n:num a:rateunit ('or' | slash | paren){1,2} b:rateunit")
_LASTING: Final = Rule(
    "('for' | 'of' | 'lasting' | 'over' | 'within' | 'during') approx? (d:dur | ('a' 'few' | 'some' | "
    "'several') t:time)"
)
A_FEW: Final = 5.0
"""What 'a few seconds' are, by judgement."""
LONGEST_SURGE_S: Final = 1800.0
_PEAKS: Final = {"minute": 60.0, "hour": SECONDS_PER_HOUR, "day": SECONDS_PER_DAY}


class Rate(Struct, frozen=True):
    """Events in a time, as said."""

    amount: Amount
    seconds: float
    first: int
    last: int
    of_a_user: bool = False
    at_peak: bool = False
    only_of_users: bool = False
    """It is no traffic unless users do it: three times a day."""
    noun: str = ""
    hours: float = 24.0
    """Hours of each day in which it holds."""

    @property
    def day_seconds(self) -> float:
        """In how many seconds of a whole day so many come: 40 an hour in 8 of 24 hours are 40 in three hours."""
        return self.seconds * 24 / self.hours


def rates_of(draft: Draft) -> list[Rate]:
    """Take every rate of the sentence."""
    rates = []
    for match in _EITHER.matches(draft.sentence):
        _ask_unit(draft, match)
    for rule in (*_INTERVALS, *_RATES):
        for match in rule.matches(draft.sentence):
            items = draft.sentence.items
            if rule in _UNIT_FIRST and match.first and items[match.first - 1].claimed and items[match.first - 1].amount:
                continue  # the unit is of the number before it: 50 requests/s with 1000 …
            if "k" in match and not _named_period(match):
                continue
            noun = match["e"].word if "e" in match else ""
            first, last, of_a_user = _with_users_around(draft, match)
            of_a_user = of_a_user or "p" in match or (rule in _INTERVALS and "n" not in match and _at_once(draft))
            if _is_aside(draft, match) or _is_price(draft, match) or _may_be_money(draft, match):
                continue
            known = draft.has("traffic.peak_factor")
            amount, first = share_of(draft, _how_many(match), first)
            parted = draft.has("traffic.peak_factor") and not known  # the share was what the busiest hour has of it
            lunch = last if of_a_user else _to_lunch(draft, match)
            at_peak = lunch > last or (not parted and _near_peak(draft, match))
            at_peak, last = at_peak or _in_a_burst(draft, match) is not None, max(last, lunch)  # a burst of hours
            if not (of_a_user or at_peak or parted) and (most := _as_the_most(draft, match)):
                at_peak, (first, last) = True, most
            rates.append(Rate(amount, period_of(match), first, last, of_a_user, at_peak, False, noun))
            draft.sentence.claim(match.first, match.last)
            for index in range(match.first, match.last + 1):
                if items[index].has("window"):
                    draft.release(index, index)  # the hours are read beside the rate
            after = items[match.last + 1 : match.last + 2]
            if "t" in match and "n" in match and after and after[0].has("comma"):
                draft.sentence.take(match.index("t"))  # of no other number: '30k chats a day, 8 turns each'
    rates += _often(draft)
    if len(rates) == 1:
        other = _mean_or_peak(draft, rates[0])
        rates = [replace(rates[0], at_peak=not other.at_peak), other] if other else rates
    return sorted(rates, key=lambda rate: rate.first)


NEEDED: Final = Rule(
    "('need' | 'needs' | 'needed' | 'want' | 'wants' | 'its' | 'now' | 'target' | 'targeting' | 'expect' | 'only') "
    "(link | 'to' | 'be' | 'have' | 'get' | 'do' | 'handle' | 'at' | 'reach' | 'is' | verb){0,3} n:num "
    "(?= comma | stop | conj | for | $)"
)
"""A bare number that is needed: 'need 25'."""
_UNIT_OF_OLD: Final = Rule("u:rateunit | event? per t:time | event? slash s:(time | tshort)")


_UNITLESS: Final = rules(
    "a:num mean (slash | comma | conj){1,2} b:num k:peak",
    "mean (link | colon)? a:num (slash | comma | conj){1,2} k:peak (link | colon)? b:num (?! times | token)",
)


def ask_unit_of_mean(draft: Draft) -> None:
    """Ask what 'traffic 4 avg / 19 peak' counts, where no unit is said."""
    for match in matches_of(_UNITLESS, draft.sentence):
        mean, peak = count_of(match["a"].number).value, count_of(match["b"].number).value
        if not 0 < mean <= peak:
            continue
        choices = (
            Choice(mean, f"requests/s: {show_figure(mean)} on average", usual=True),
            Choice(mean / 60, f"requests a minute: {show_figure(mean / 60)} requests/s on average"),
        )
        said = match.said
        draft.ask(RATE, match.first, match.last, f"{said!r}: in which unit?", choices)
        if not draft.has("traffic.peak_factor"):
            echo = f"{show_figure(peak)} / {show_figure(mean)} = peak {show_figure(peak / mean)} × the mean"
            draft.found("traffic.peak_factor", match.first, match.last, [Option(peak / mean, echo)])
        return


def ask_new_rate(draft: Draft) -> None:
    """Ask whether a bare number is the rate now, where one with its unit was told of before: 'was 6 rps, its 10'."""
    items = draft.sentence.items
    for at, item in enumerate(items):
        if not (item.has("num") and item.claimed):
            continue
        if not any(start <= item.start < end for start, end in draft.dropped):
            continue
        unit = _UNIT_OF_OLD.at(draft.sentence, at + 1)
        needed = next((match for match in NEEDED.matches(draft.sentence) if match.first > at), None)
        if unit is None or needed is None:
            continue
        period = SECONDS[unit["u"].word] if "u" in unit else period_of(unit)
        rate = count_of(needed["n"].number).value / period
        unit_of_old = draft.sentence.words(at, unit.last)
        _ask_rate(draft, needed, rate, "", f"is that the rate to plan for, in the unit of {unit_of_old!r}?")
        return
    bare = next(NEEDED.matches(draft.sentence), None) if draft.known.get(RATE) else None
    if bare is not None and not (draft.findings or draft.questions):
        before = f"You said {show_figure(draft.known[RATE])} requests/s before; "
        _ask_rate(draft, bare, count_of(bare["n"].number).value, before, "is that the rate now?")


def _ask_rate(draft: Draft, match: Match, rate: float, before: str, question: str) -> None:
    said = match.said
    choices = (Choice(rate, f"yes: {show_figure(rate)} requests/s on average", usual=True),)
    draft.ask(RATE, match.first, match.last, f"{before}{said!r}: {question}", choices)


def _mean_or_peak(draft: Draft, rate: Rate) -> Rate | None:
    """Take a bare mean below a rate, or a bare peak above it: '15 req/s peak, 5 average', '8 rps, the mean is 3'."""
    for match in matches_of(_BARE, draft.sentence):
        amount, apart = count_of(match["n"].number), match.first > rate.last or match.last < rate.first
        if rate.of_a_user or not apart or (rate.at_peak and "k" in match):
            continue
        if 0 < amount.value != rate.amount.value and (amount.value < rate.amount.value) == ("m" in match):
            draft.sentence.claim(match.first, match.last)
            return Rate(amount, rate.seconds, match.first, match.last, False, "k" in match)
    return None


def _at_once(draft: Draft) -> bool:
    """Whether several are counted at the same time, of whom one event in so long is each one's: 350 calls at once."""
    return any(item.has("concurrent", "inflight") for item in draft.sentence.items)


def _often(draft: Draft) -> list[Rate]:
    """Take what people do so often: three times a day."""
    rates = []
    for match in matches_of(_OFTEN, draft.sentence):
        first, last, of_a_user = _with_users_around(draft, match)
        before = draft.sentence.items[: match.first]
        people = draft.known.get(USERS) or any(item.has("user") and not item.claimed for item in before)
        of_a_user = of_a_user or (_at_once(draft) and "d" in match)
        if of_a_user or people:
            if "d" in match and match["d"].number.value > 40 * SECONDS_PER_DAY:
                continue
            rates.append(Rate(_how_many(match), period_of(match), first, last, of_a_user, False, True))
            draft.sentence.claim(match.first, match.last)
    return rates


def _ask_unit(draft: Draft, match: Match) -> None:
    """Ask which of two units a rate has: '100 rpm or rps'."""
    value = count_of(match["n"].number).value
    units = (match["a"].word, match["b"].word)
    choices = tuple(
        Choice(value / SECONDS[unit], f"{unit}: {show_figure(value / SECONDS[unit])} requests/s") for unit in units
    )
    said = draft.sentence.words(match.first, match.last)
    draft.ask("traffic.requests_per_s", match.first, match.last, f"{said!r}: which of them?", choices)


def _is_aside(draft: Draft, match: Match) -> bool:
    """Whether a rate sizes nothing: it is a burst's, or off the peak; it is told so."""
    burst = _in_a_burst(draft, match)
    if burst is not None:
        return _surge(draft, match, *burst)
    if not _off_peak(draft, match):
        return False
    draft.dropped.append(draft.sentence.span(match.first, match.last))
    draft.sentence.claim(match.first, match.last)
    return True


_AT_A_PRICE: Final = ("at", "for", "@", "à")
_CENTS: Final = re.compile(r"^\d{1,2}[.,]\d\d$")
_PAYS: Final = frozenset(
    "pay pays paying paid cost costs costing spend spends spending bill bills billed fee fees".split()
)


def _is_price(draft: Draft, match: Match) -> bool:
    """Whether a number an hour is an accelerator's price: '4x H100 at 2.49/h each'; it is told as not used."""
    items = draft.sentence.items
    counted = any(item.has("event", "thing", "rateunit") for item in match.items)
    before = items[max(0, match.first - 4) : match.first]
    bought = bool(before) and before[-1].word in _AT_A_PRICE and _CENTS.search(items[match.first].word)
    beside = items[: match.first] if bought else before
    of_a_card = period_of(match) == SECONDS_PER_HOUR and any(item.has("gpu", "gpunoun") for item in beside)
    return not counted and (of_a_card or any(item.word in _PAYS for item in before))


_FEW_BEHIND: Final = 5
"""Items behind a sum in which its currency or its bound stands: 'eighty k a month max, in dollars'."""


def _may_be_money(draft: Draft, match: Match) -> bool:
    """Ask whether 'under 10k a month', or '3000 a month' beside a rate, is money: nobody says of what it is."""
    items = draft.sentence.items
    counted = any(item.has("event", "thing", "rateunit", "user") for item in match.items)
    bound = match.first > 0 and items[match.first - 1].has("under", "upto", "budget")
    behind = items[match.last + 1 : match.last + _FEW_BEHIND]
    capped = any(item.has("under", "upto") for item in behind[:1]) or any(item.has("usd", "euro") for item in behind)
    seconds = period_of(match)
    if counted or not (bound or capped or draft.known.get(RATE)) or "n" not in match:
        return False
    if seconds not in (SECONDS_PER_MONTH, SECONDS_PER_YEAR):
        return False
    amount = count_of(match["n"].number)
    monthly = amount.value * SECONDS_PER_MONTH / seconds
    others = (Choice(monthly, f"other costs of ${monthly:,.10g} a month", "money.other_monthly_usd"),)
    choices = (
        Choice(monthly, f"a budget of ${monthly:,.10g} a month"),
        *(() if bound or capped else others),
        Choice(amount.value / seconds, f"{show_figure(amount.value / seconds)} requests/s on average", RATE),
    )
    first = match.first - bound
    said = draft.sentence.said(first, match.last)
    draft.ask("money.monthly_budget_usd", first, match.last, f"{said!r}: money, or requests?", choices)
    return True


def _surge(draft: Draft, match: Match, first: int, last: int) -> bool:
    """Note the rate and the length of a surge; one of half an hour or more is no surge, but the busiest hour."""
    seconds = match["d"].number.value if "d" in match else None
    length = _lasting(draft, last)
    if length is not None:
        seconds, last = _seconds_of(length), length.last
    if seconds is not None and seconds >= LONGEST_SURGE_S:
        return False
    period = period_of(match)
    draft.read(
        "traffic.surge_requests_per_s", (first, last), _how_many(match), lambda v: v / period,
        lambda v, made: f"a surge of {show_figure(made)} requests/s, which sizes nothing: the plan says if it is taken",
    )  # fmt: skip
    if seconds is not None:
        draft.found("traffic.surge_s", first, last, [Option(seconds, f"a surge lasts {show_seconds(seconds)}")])
    if length is not None:
        draft.sentence.take_all(length.first, length.last)
    return True


def _in_a_burst(draft: Draft, match: Match) -> tuple[int, int] | None:
    """Return where a rate stands with the word that makes it a burst: 'bursts up to 20 rps for a few seconds'."""
    items, first, last = draft.sentence.items, match.first, match.last
    length = _lasting(draft, last)
    brief = length is not None and _seconds_of(length) < LONGEST_SURGE_S
    kinds = ("burst", "peak") if brief else ("burst",)  # a peak of seconds is a surge too
    for back in range(first - 1, max(-1, first - 5), -1):
        if items[back].has("comma", "stop", "num"):
            break
        if items[back].has(*kinds):
            return back, last
    for ahead in range(last + 1, min(len(items), last + 4)):
        if items[ahead].has("comma", "stop", "num", "mult", "conj"):
            break
        if items[ahead].has(*kinds):
            return first, ahead
    return None


def _lasting(draft: Draft, last: int) -> Match | None:
    """Return how long something lasts that ends with an item: 'for 10 s', 'lasting half a minute'."""
    return next((found for found in _LASTING.matches(draft.sentence) if last < found.first <= last + 3), None)


def _seconds_of(length: Match) -> float:
    return length["d"].number.value if "d" in length else A_FEW * SECONDS[length["t"].word]


def period_of(match: Match) -> float:
    """Return the seconds in which the events of a match happen."""
    if "k" in match:
        return _named_period(match)
    for group in ("t", "s", "a", "cal"):
        if group in match:
            return SECONDS[match[group].word]
    by_the_day = any(item.has("window", "workhours") for item in match.items)
    return SECONDS_PER_DAY if by_the_day else match["d"].number.value if "d" in match else 1.0


def _off_peak(draft: Draft, match: Match) -> bool:
    """Whether a rate is said to be off the peak: it sizes nothing, and is no mean."""
    items = draft.sentence.items
    beside = (*items[match.last + 1 : match.last + 2], *items[max(0, match.first - 1) : match.first])
    return any(item.has("offpeak") and "peak" in draft.sentence.text[item.start : item.end].lower() for item in beside)


def _named_period(match: Match) -> float:
    """Return the seconds that the words of a peak name: the busiest hour; 0 where they name none."""
    said = match.sentence.text[match["k"].start : match["k"].end].lower()
    return next((seconds for word, seconds in _PEAKS.items() if word in said), 0.0)


_THE_MOST: Final = Rule(
    "(paren | comma | dash)? ('thats' | 'that' 'is' | 'this' 'is' | 'which' 'is' | 'its' | 'being') "
    "('the' | 'our' | 'my'){0,1} ('max' | 'maximum' | 'most' | peak | 'worst' 'case' | 'top' | 'ceiling')"
)
"""'20 rps (that's the max)'."""


def _as_the_most(draft: Draft, match: Match) -> tuple[int, int] | None:
    """Return where a rate stands with the words that make it the most that comes: 'up to 40 rps', '100 rps max'."""
    items, first, last = draft.sentence.items, match.first, match.last
    before = items[max(0, first - 2) : first]
    if before and before[-1].has("under", "upto"):
        return first - 1, last
    if len(before) > 1 and before[0].has("under", "upto") and before[1].word in ("of", "a", "about", "around", "~"):
        return first - 2, last
    aside = _THE_MOST.at(draft.sentence, last + 1) if last + 1 < len(items) else None
    if aside is not None:
        return first, aside.last
    after = items[last + 1 : last + 3]
    if after and after[0].has("under", "upto") and (len(after) < 2 or after[1].has("comma", "stop")):
        return first, last + 1
    return None


def _how_many(match: Match) -> Amount:
    for group in ("n", "x"):
        if group in match:
            return count_of(match[group].number)
    return Amount((1.0,))


_DURING: Final = frozenset("during within over between from across".split())
"""Behind 'each': the time in which all that is done."""


def _with_users_around(draft: Draft, match: Match) -> tuple[int, int, bool]:
    """Return the match, widened by 'each' or 'per user' before or after it, and whether there is one."""
    items, first, last = draft.sentence.items, match.first, match.last
    for ahead in range(last + 1, min(len(items), last + 4)):
        if items[ahead].has("stop", "num", "dur"):
            break  # '1,800 calls a day, 25 min each'
        if ahead == last + 1 and items[ahead].has("peruser"):
            return first, ahead, True  # 100 requests/min/user
        if items[ahead].has("each", "peruser", "eachuser"):
            following = items[ahead + 1 : ahead + 5]
            following = [] if following[:1] and following[0].word in _DURING else following
            of_turns = following[:1] and following[0].word in ("with", "of") and any(i.has("turn") for i in following)
            if not of_turns and any(
                item.has("num", "time")
                for item in following[: next((i for i, f in enumerate(following) if f.has("comma", "stop")), 4)]
            ):
                break  # each of the requests, each hour
            return first, ahead, True
    if first > 1 and items[first - 1].has("x", "times") and items[first - 2].has("user"):
        return first - 1, last, True  # 50 developers x 200 completions a day
    if [item.has("x", "times") or item.has("num") or item.has("user") for item in items[last + 1 : last + 4]] == [
        True
    ] * 3:
        return first, last + 1, True  # 200 completions a day x 50 developers
    for back in range(first - 1, max(-1, first - 6), -1):
        apart = items[back].has("comma") and items[last].has("rateunit")  # 'for each user, 20 rps'
        if apart or items[back].has("stop", "num", "model", "gpu"):
            break
        if items[back].has("eachuser", "each", "peruser"):
            closes = back > 0 and items[back - 1].has("time", "tshort", "token", "dur", "money", "gpunoun")
            if closes and not items[back + 1].has("per"):
                break  # of the figure before it: '30 tok/s per user at 2.5 req/s'
            return back, last, True
    return first, last, False


def _own_word(draft: Draft, match: Match) -> Item | None:
    """Return which of the words of peak and mean is a rate's where two rates and both words share one comma group.

    In '52 rps peak 19 rps avg' each stands behind its rate, in 'peak 52 rps avg 19 rps' before it; any other order, or
    another number of them, tells nothing here.
    """
    items, first, last = draft.sentence.items, match.first, match.last
    while first and not items[first - 1].has("comma", "stop", "conj", "paren"):
        first -= 1
    while last + 1 < len(items) and not items[last + 1].has("comma", "stop", "conj", "paren"):
        last += 1
    told = [at for at in range(first, last + 1) if items[at].has("num", "peak", "mean")]
    words = [items[at] for at in told if not items[at].has("num")]
    if len(told) != 4 or len(words) != 2 or words[0].has("peak") == words[1].has("peak"):
        return None
    behind = items[told[0]].has("num")
    if [items[at].has("num") for at in told] != [behind, not behind] * 2:
        return None
    own = next((n for n, at in enumerate(told) if match.first <= at <= match.last and items[at].has("num")), None)
    return None if own is None else words[own // 2]


def _to_lunch(draft: Draft, match: Match) -> int:
    """Return the last item of a rate with the hour of lunch behind it, which is taken."""
    found = _AT_LUNCH.at(draft.sentence, match.last + 1)
    if found is None:
        return match.last
    draft.sentence.claim(found.first, found.last)
    return found.last


def _near_peak(draft: Draft, match: Match) -> bool:
    if (own := _own_word(draft, match)) is not None:
        return own.has("peak")
    items = draft.sentence.items
    if any(item.has("mean") and not item.has("peak") for item in match.items):
        return False
    for back in range(match.first - 1, max(-1, match.first - 5), -1):
        if items[back].has("comma", "stop", "conj", "num", "mean") and items[back].word != "with":
            break
        if items[back].has("peak"):
            return True
    for ahead in range(match.last + 1, min(len(items), match.last + 5)):
        if items[ahead].has("comma", "stop", "conj", "num", "mult", "pct", "mean"):
            break
        if items[ahead].has("peak"):
            following = items[ahead + 1 : ahead + 4]
            is_pair = len(following) == 3 and following[1].has("slash") and following[2].has("num")  # 'peak 800/200'
            return not following or is_pair or not following[0].has("mult", "factor", "num")
    return any(item.has("peak") for item in match.items)
