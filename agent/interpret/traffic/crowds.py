"""Who asks: people of any noun counted in a line, in any order with what each of them does.

    40 questions a day from each of 220 underwriters; a typical beekeeper asks 5 things a shift, and we have 90 of them

Before rates are read, the words that say 'each of them' become one item whatever the people are called; then what is
counted is found. A count of people beside a rate that says nothing of 'each' is asked about, never left aside.
"""

import re
from typing import Final

from msgspec import Struct

from agent.interpret.facts.draft import Draft
from agent.interpret.traffic.loads import at_once, count_of, of_a_day, part_of_users, share_of
from agent.interpret.traffic.rates import TIME, Rate, period_of
from agent.interpret.words.grammar import Amount, Item, Match, Rule, Sentence, matches_of, rules
from agent.interpret.words.scanner import kinds_of
from catalogs.units import SECONDS_PER_DAY

_NOUN: Final = "u:(user | unknown)"
_DOES: Final = (
    "('asks' | 'ask' | 'sends' | 'writes' | 'types' | 'submits' | 'makes' | 'fires' | 'poses' | 'does' | 'has' | "
    "'uses' | 'issues' | 'puts' | 'enters' | 'generates' | 'triggers' | 'will' | 'would' | 'needs')"
)
_OF_EACH: Final = tuple(
    (kind, Rule(pattern))
    for kind, pattern in (
        ("eachuser", f"('each' | 'every') ('single' | 'such')? {_NOUN}"),
        ("eachuser", f"('a' | 'an' | 'one' | 'the' | 'our' | n:num) ('typical' | mean | 'normal' | 'regular') {_NOUN}"),
        ("eachuser", f"('a' | 'an' | 'one' | n:num) {_NOUN} (?= {_DOES} near{{0,3}} num)"),
        ("peruser", f"('per' | 'for' 'each') ('typical' | mean | 'active' | 'named')? {_NOUN}"),
        ("peruser", f"slash {_NOUN} (?! num)"),
        ("peruser", f"(?<= time) ('and' 'per'? | 'per') {_NOUN}"),
    )
)
"""Ways of saying 'each of them', before the noun of one of them."""
_EACH_AND_A_TIME: Final = Rule("p:peruser ('and' | slash) (?= time)")
"""'40 questions per head and day' is 40 a day per head."""
_COUNTED: Final = rules(f"n:num {_NOUN}", f"n:num unknown {_NOUN}", f"{_NOUN} (link | colon){{1,3}} n:num")
_IN_A_TIME: Final = Rule(TIME)
"""Behind what is counted it makes that what is done, and no people: '18 letters per shift'."""
_OF_THEM: Final = rules(
    "n:num ('of' 'them' | 'of' 'those' | 'heads' | 'in' 'all') (?! 'use')",
    "('team' | 'staff' | 'group' | 'crew' | 'department' | 'headcount') ('size' | 'of' | link | colon){1,3} n:num",
)
"""A count whose noun was said before, or is left out."""
_USERS: Final = rules(
    "n:num (unknown | mean){0,2} a:adverb unknown{0,2} u:user",  # 10k daily active users
    "n:num (unknown | concurrent | mean){0,2} a:active",  # 10k DAU
    "a:active (link | colon){0,2} n:num (?! event | token | time | gpunoun | per)",
    f"n:num (unknown | concurrent){{0,2}} u:user {TIME}",  # 1000 visitors a day
    "(w:('each' | 'every' | eachuser) num? 'of' link{0,2} | w2:'all' link{0,2})? n:num (unknown | concurrent "
    "| mean | 'call' | 'center' | 'centre' | 'contact'){0,3} u:user concurrent?",
    "w:('each' | 'every' | eachuser) num? 'of' link{0,2} n:num u:unknown",  # each of 900 strangers
    "(?<! concurrent) u:audience unknown? (link | colon){1,3} n:num (?! event | token | time | gpunoun | per)",
    "(?<! concurrent | num | 'of' | per | mult) u:('users' | 'people' | 'customers' | 'students' | 'employees') n:num "
    "(?= comma | stop | $)",  # users 600
)
_BY_HEADING: Final = Rule(
    "(?<! concurrent) u:user unknown? (link | colon | paren){1,3} n:num (?! event | token | time | gpunoun | per | "
    "context | textunit)"
)
_EACH_SITE: Final = Rule(
    "n:num unknown? site ('with' | 'of' | 'having' | 'each' | times | comma | paren | 'and'){1,2} approx? m:num "
    "unknown? u:user (('in' | 'at' | 'of')? e:'each' (?! user))?"
)
"""'500 tenants with 20 users each', '40 branches x 12 advisors'."""
_FEW_AT_ONE: Final = 10.0
"""People at each of several places, below which it is asked whether they were said of each: by judgement."""
_ACTIVE_PART: Final = Rule(
    "comma? ('of' | 'with' | 'about' | 'and' | 'but' | 'only' | approx){0,2} p:pct ('of' unknown)? "
    "(adverb | 'are' | 'is' | unknown){0,2} ('active' | 'actives' | 'chat' | 'use' | 'contact' | 'using' | 'uses') "
    "(?! concurrent | inflight)"
)
_SITE: Final = Rule("('in' | 'at' | 'from') ('our' | 'the')? place")
_NEXT_SITE: Final = Rule(
    "(comma | conj){1,2} approx? n:num (user | unknown)? (?= ('in' | 'at' | 'from') ('our' | 'the')? place)"
)
"""Users somewhere else, beside those of a first place: '2000 in Singapore, 3500 in London'."""
_PERSON: Final = re.compile(
    r"\w{3,}(?:ers|ors|ists|istes|ians|iens|eurs|euses|trices|ees|men|women|folks?|smiths|wives)"
)
"""How nouns of several people end, in English and French."""
NO_PERSON: Final = frozenset(
    "containers routers layers headers filters adapters buffers clusters numbers letters papers meters liters orders "
    "offers covers towers trailers computers printers scanners processors sensors motors tractors vectors tensors "
    "monitors errors factors sectors floors doors colors colours engines engineers_ brokers controllers routers "
    "rollers rivers flowers powers feathers fingers shoulders chapters characters parameters centers transformers "
    "transistors capacitors reactors corridors mirrors acres degrees fees trees bees coffees committees knees "
    "specimen regimen abdomen antennas timers tickers hours others triggers".split()
)
"""Nouns of things that end alike."""


class Crowd(Struct, frozen=True):
    """People counted in a line."""

    amount: Amount
    seconds: float | None
    """Of the period in which they come: a day for DAU."""
    first: int
    last: int
    noun: str
    each: bool = False
    """Said as 'each of our 300 engineers'."""
    at_once: bool = False
    """Said as the part of them who are there at the same time."""
    part: float = 1.0
    """Who asks of all that were counted."""


def name_groups(sentence: Sentence, wanted: bool) -> None:
    """Put one item in the place of each way of saying 'each of them', and take whoever is counted as users.

    Args:
        sentence: whose items are put together.
        wanted: what each of them does was said before, so that people of any kind are meant.
    """
    counted = [
        (match, match["u"].word)
        for rule in _COUNTED
        for match in rule.matches(sentence)
        if match["n"].number.value != 1 and _IN_A_TIME.at(sentence, match.last + 1) is None
    ]
    several = {word for _, word in counted}
    singulars = {
        match["u"].word
        for _, rule in _OF_EACH
        for match in rule.matches(sentence)
        if match["u"].has("user") or rule is _OF_EACH[1][1] or _plurals(match["u"].word) & several
    }
    plurals = set[str]().union(*map(_plurals, singulars), singulars)
    of_a_rate = wanted or (
        any(item.has("event") for item in sentence.items)
        and any(item.has("time", "adverb", "workhours") for item in sentence.items)
    )
    for match, word in counted:
        at = match.index("u")
        item = sentence.items[at]
        if not item.has("user") and (word in plurals or (of_a_rate and _are_people(word))):
            sentence.merge(at, at, Item(kinds_of("users"), item.start, item.end, "users"))
    for kind, rule in _OF_EACH:
        for match in rule.matches(sentence):
            one = match["u"].word
            if one not in singulars or one in ("agent", "people") or ("n" in match and match["n"].number.value != 1):
                continue
            if match["u"].has("user") and one.endswith("s") and one != "staff":
                continue  # 'each users' is no one
            first, last = match.first, match.index("u")
            start, end = sentence.items[first].start, sentence.items[last].end
            sentence.merge(first, last, Item(kinds_of(kind), start, end, kind))
    for match in _EACH_AND_A_TIME.matches(sentence):
        at = match.last
        item = sentence.items[at]
        sentence.merge(at, at, Item(kinds_of("per"), item.start, item.end, "per"))


def _plurals(one: str) -> frozenset[str]:
    several = {f"{one}s", f"{one}es", f"{one.removesuffix('y')}ies", re.sub("man$", "men", one)}
    return frozenset(several - {one})


def _are_people(word: str) -> bool:
    return _PERSON.fullmatch(word) is not None and word not in NO_PERSON


def crowds_of(draft: Draft, wanted: bool, rates: list[Rate]) -> list[Crowd]:
    """Take every count of people who ask.

    Args:
        draft: the draft.
        wanted: a rate is of each of them, so that any people are meant.
        rates: of the sentence.
    """
    found: list[Crowd] = []
    for match in _EACH_SITE.matches(draft.sentence):
        inside, one = match.items, count_of(match["m"].number)
        amount = one.times(match["n"].number.value)
        if not any(item.has("each", "times") for item in inside):
            few = len(one.values) == 1 and one.value < _FEW_AT_ONE * match["n"].number.value
            if not few or not any(item.word in ("with", "having", "of") for item in inside):
                continue
            amount = Amount((amount.value, one.value), ("so many at each", "so many in all"))
        found.append(Crowd(amount, None, match.first, match.last, match["u"].word))
        draft.sentence.claim(match.first, match.last)
    rules = (*_USERS, _BY_HEADING) if wanted else _USERS
    for rule in rules:
        matches = rule.matches(draft.sentence)
        found += [crowd for match in matches if (crowd := _crowd(draft, match, wanted, rates)) is not None]
    for match in matches_of(_OF_THEM if wanted and not found else (), draft.sentence):
        draft.sentence.claim(match.first, match.last)
        return [Crowd(count_of(match["n"].number), None, match.first, match.last, "users")]
    return found


def _crowd(draft: Draft, match: Match, wanted: bool, rates: list[Rate]) -> Crowd | None:
    items = draft.sentence.items
    noun = (match["u"] if "u" in match else match["a"]).word
    if not (_is_people(match) or noun.endswith("s")) or match["n"].number.value <= 0:
        return None
    period = period_of(match) if any(group in match for group in "tsa") else None
    concurrent = any(item.has("concurrent") for item in match.items)
    before = [item.word for item in items[max(0, match.first - 2) : match.first]]
    if before[-1:] in (["in"], ["of"]) and items[match.first - 2].has("num") and "w" not in match:
        return None
    if any(item.has("concurrent") for item in items[max(0, match.first - 1) : match.last + 3]) and not wanted:
        return None
    if not (wanted or concurrent or "w" in match or _is_audience(match) or _are_counted(draft, match, rates)):
        return None
    draft.sentence.claim(match.first, match.last)
    everywhere, end = _at_sites(draft, count_of(match["n"].number), match)
    amount, first = share_of(draft, everywhere, match.first)
    amount, last, part = _active_part(draft, amount, end) if first == match.first else (amount, end, None)
    seconds, share = SECONDS_PER_DAY if of_a_day(part) else period, amount.value / everywhere.value
    return Crowd(amount, seconds, first, last, noun, "w" in match, at_once(part), share)


def _at_sites(draft: Draft, amount: Amount, match: Match) -> tuple[Amount, int]:
    """Return how many users there are in all where a count stands for each of several places, and where that ends."""
    sentence, last, counts = draft.sentence, match.last, [amount.value]
    places: list[int] = []
    while site := _SITE.at(sentence, last + 1):
        places.append(site.last)
        last = site.last
        other = _NEXT_SITE.at(sentence, last + 1)
        if other is None:
            break
        counts.append(count_of(other["n"].number).value)
        last = other.last
    if len(counts) < 2 or len(places) != len(counts):
        return amount, match.last
    for at in places:
        sentence.take(at)
    sentence.claim(match.first, last)
    shown = " + ".join(f"{count:,.0f}" for count in counts)
    note = f"{shown} = {sum(counts):,.0f} users, as if in one place: a plan knows no time zones and no way to the user"
    draft.notes.append((note, *sentence.span(match.first, last)))
    return Amount((sum(counts),)), last


def _active_part(draft: Draft, amount: Amount, last: int) -> tuple[Amount, int, Match | None]:
    """Return how many of the users ask at all, where that ends, and where it is said: '10k MAU, 20% daily active'."""
    match = _ACTIVE_PART.at(draft.sentence, last + 1)
    if match is None:
        amount, match = part_of_users(draft, amount)
        return amount, last, match
    draft.sentence.claim(match.first, match.last)
    return amount.times(match["p"].number.value), match.last, match


def _is_people(match: Match) -> bool:
    return "u" not in match or match["u"].has("user", "audience")


def _is_audience(match: Match) -> bool:
    """Whether those counted are users of a service rather than any people."""
    named = match["u"] if "u" in match else match["a"]
    return named.has("audience", "active") and named.word != "people"


def _are_counted(draft: Draft, match: Match, rates: list[Rate]) -> bool:
    """Whether people of any kind may be those who ask: no other word, a service for them, or a rate slow enough."""
    items = draft.sentence.items
    if any(rate.seconds >= 60 for rate in rates):
        return True
    at = match.first - 1
    while at > 0 and items[at].has("approx"):
        at -= 1
    return match.last - match.first + 1 == len(items) or (at >= 0 and items[at].word in ("for", "by"))
