"""What a rate holds for, where that is not the whole service all day: some hours of a day, each of several sites."""

import re
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from agent.fields.demand import PEAK, RATE
from agent.interpret.facts.draft import Draft, Option
from agent.interpret.facts.reading import Choice
from agent.interpret.traffic.loads import BUSINESS_HOURS, WEEKDAYS
from agent.interpret.traffic.rates import Rate
from agent.interpret.words.grammar import Match, Rule, matches_of, rules
from agent.interpret.words.ordinary import ORDINARY
from agent.interpret.words.spelling import stem_of
from agent.interpret.words.vocabulary import SECONDS
from catalogs.units import SECONDS_PER_DAY, SECONDS_PER_HOUR, show_count, show_figure

_HOURS: Final = rules(
    "p:pct 'of' ('a' | 'an' | 'the' | 'their' | 'each'){0,2} d:dur ('day' | 'shift' | 'workday')",
    "d:dur ('of' unknown)? (per | slash) ('working' | 'business')? ('day' | 'workday' | 'weekday')",  # 8 h a day
    "n:num (workhours | 'busy' 'hours') (per ('day' | 'workday'))?",
    "d:dur ('workday' | 'workdays' | 'day' | 'days' | 'shift')",  # an 8-hour day
    "workhours ('of' | 'mostly' | 'course' | comma){0,3} d:window",  # office hours, from 9 to 17
    "(?<! num) workhours",
    "d:window",  # between 9 and 17
)
_SITE: Final = Rule("(per | slash | 'in' ('each' | 'every')) (s:site | p:(gpunoun | gpu | replica | node)) | a:pernode")
_SITES: Final = Rule("n:num unknown? s:site")
_SITES_EACH: Final = Rule("n:num unknown? s:site 'each'")
_EACH_OF_SITES: Final = Rule("('each' | 'every') 'of' link{0,2} n:num unknown? s:site")
_COUNTED: Final = re.compile(
    r"\b(\d{1,4})\s?(?:x\s?)?(?:gpus?|cards|accelerators|nodes|servers|machines|boxes|replicas|pods|"
    r"of (?:those|these|them))\b",
    re.I,
)
"""How many there are of what a rate is of, though they be of today."""
_REACH: Final = 3


def in_its_hours(draft: Draft, rate: Rate) -> Rate:
    """Take the hours of a day that are said beside a rate: a rate of less than a day holds in them alone."""
    hours = take_hours(draft, lambda match: _beside(draft, match, rate))
    return replace(rate, hours=hours) if hours and rate.seconds < SECONDS_PER_DAY else rate


def take_hours(draft: Draft, beside: Callable[[Match], bool]) -> float:
    """Note the hours of a day in which the load lies; 0 where none are said.

    Args:
        draft: of the sentence.
        beside: whether hours belong to the load.
    """
    for match in matches_of(_HOURS, draft.sentence):
        hours = _hours(match)
        if not 1 <= hours < 24 or not beside(match):
            continue
        draft.sentence.claim(match.first, match.last)
        lies = match["d"].number.value / SECONDS_PER_HOUR if "p" in match else hours
        longer = any(SECONDS.get(item.word, 0.0) > SECONDS_PER_DAY for item in draft.sentence.items)
        days = 5 if longer and WEEKDAYS.search(draft.sentence.text) else 7
        peak, on_days = 24 / lies * 7 / days, " on 5 of 7 days" if days == 5 else ""
        at_most = f"the load lies in {show_figure(lies)} of 24 hours{on_days}: peak {show_figure(peak)} × the mean"
        draft.found(PEAK, match.first, match.last, [Option(peak, at_most)])
        return hours
    return 0.0


def _hours(match: Match) -> float:
    if "d" in match:
        return match["d"].number.value / SECONDS_PER_HOUR * (match["p"].number.value if "p" in match else 1.0)
    return match["n"].number.value if "n" in match else BUSINESS_HOURS


def _beside(draft: Draft, match: Match, rate: Rate) -> bool:
    """Whether nothing but a comma and little words stands between the hours and their rate."""
    low, high = (rate.last + 1, match.first) if match.first > rate.last else (match.last + 1, rate.first)
    between = draft.sentence.items[low:high]
    little = "p" not in match and all(
        item.has("comma", "link", "conj", "paren", "in", "unknown", "for") or item.word in ORDINARY for item in between
    )
    return 0 <= len(between) <= _REACH and little


def read_each_site(draft: Draft, rate: Rate) -> bool:
    """Read 'our 3 data centres each get 4 rps' as their product."""
    after = draft.sentence.items[rate.last].has("each")
    of_each = (_SITES_EACH, *((_SITES,) if after else ())) if rate.of_a_user else ()
    for sites in matches_of((_EACH_OF_SITES, *of_each), draft.sentence):
        if sites.first < rate.last and len(rate.amount.values) == 1:
            _times_sites(draft, rate, sites, sites)
            return True
    return False


def read_sites(draft: Draft, rate: Rate) -> bool:
    """Read '20 rps per region, 3 regions' as their product; of one site, or of one GPU, ask for the whole."""
    if rate.last + 1 >= len(draft.sentence.items):
        return False
    match = _SITE.at(draft.sentence, rate.last + 1)
    if match is None:
        return False
    each = rate.amount.value / rate.seconds
    said = draft.sentence.said(rate.first, match.last)
    for sites in _SITES.matches(draft.sentence) if "s" in match else ():
        if stem_of(sites["s"].word) != stem_of(match["s"].word) or len(rate.amount.values) > 1:
            continue
        _times_sites(draft, rate, match, sites)
        return True
    text = f"{said!r}: how many requests per second are that in all?"
    choices = [Choice(each, f"{show_figure(each)} requests/s in all: there is one")]
    counts = {*_COUNTED.findall(draft.sentence.text)} if "s" not in match else set()
    if len(counts) == 1:
        (count,) = counts
        values = [value / rate.seconds * int(count) for value in rate.amount.values]
        shown = [f"{show_figure(value / int(count))} × {count} = {show_figure(value)} requests/s" for value in values]
        choices = [Choice(value, label) for value, label in zip(values, shown, strict=True)]
    draft.ask(RATE, rate.first, match.last, text, choices)
    return True


def _times_sites(draft: Draft, rate: Rate, match: Match, sites: Match) -> None:
    each, noun = rate.amount.value / rate.seconds, sites["s"].word
    draft.read(
        RATE,
        (min(rate.first, sites.first), max(match.last, sites.last)),
        sites["n"].number,
        lambda v: v * each,
        lambda v, made: f"{show_figure(each)} × {show_count(v)} {noun} = {show_figure(made)} requests/s on average",
        claim=False,
    )
    draft.sentence.claim(sites.first, sites.last)
