"""Chats, sessions and threads of several turns: each turn is a request, so that five turns a chat are five requests.

Calls that a program makes for one request (an agent's steps, the parts of a draft) are ``calls per request`` instead.
"""

from typing import Final

from msgspec.structs import replace

from agent.fields.demand import HABIT, RATE
from agent.interpret.facts.draft import Draft, Finding, Option
from agent.interpret.facts.reading import Choice
from agent.interpret.traffic.loads import count_of
from agent.interpret.traffic.rates import Rate
from agent.interpret.words.grammar import Match, Rule, matches_of, rules
from agent.interpret.words.vocabulary import KINDS_OF
from catalogs.units import show_figure

_TURNS: Final = rules(
    "n:num (unknown | mean | 'user'){0,1} e:turn (per | ('for' | 'in') every | slash) (unknown | preset){0,1} talk",
    "(every | 'a' | 'one' | 'per') (unknown | preset | mean)? talk (near | colon){1,3} n:num (unknown | 'user')? "
    "e:turn (?! per)",
    "talk (per time | slash (time | tshort) | adverb)? (comma | comma? ('of' | 'with' | 'averaging' | 'having' | "
    "mean)) approx? n:num (unknown | 'user')? e:turn each? (?! per | slash)",
    "e:turn (per | slash) talk (link | colon){1,3} n:num",
)
_EACH_TURNS: Final = Rule("n:num (unknown | 'user')? e:turn each (?! per)")
"""'1,000 chats a day, 6 messages each': of each chat, where the rate is of chats."""
MOST: Final = 1000.0
"""Turns of one chat; more are something else."""


def turns_of(draft: Draft) -> list[tuple[Match, float]]:
    """Take the turns of one chat that the sentence says, before its rates are read."""
    found = []
    for match in matches_of(_TURNS, draft.sentence):
        amount = count_of(match["n"].number)
        if len(amount.values) == 1 and 1 <= amount.value <= MOST:
            draft.sentence.claim(match.first, match.last)
            draft.sentence.take(match.index("e"))
            found.append((match, amount.value))
    return found


def turns_of_each(draft: Draft, rates: list[Rate]) -> list[tuple[Match, float]]:
    """Take '6 messages each' behind a rate of chats."""
    of_talks = [rate for rate in rates if _is_of_talks(rate)]
    for match in _EACH_TURNS.matches(draft.sentence) if of_talks else ():
        if match.first > of_talks[0].first:
            draft.sentence.claim(match.first, match.last)
            return [(match, count_of(match["n"].number).value)]
    return []


def multiply_turns(draft: Draft, turns: list[tuple[Match, float]], rates: list[Rate]) -> None:
    """Turn a rate of chats into one of requests; where the rate is of requests already, ask which it is.

    Args:
        draft: whose findings are multiplied.
        turns: as ``turns_of`` returned them.
        rates: of the sentence.
    """
    of_talks = [rate for rate in rates if _is_of_talks(rate)]
    for match, count in turns[:1]:
        span = draft.sentence.span(match.first, match.last)
        said = match.said
        if of_talks:
            _multiply(draft, count, said, span)
        else:
            _of_what(draft, match, count, said)


def _is_of_talks(rate: Rate) -> bool:
    return "talk" in KINDS_OF.get(rate.noun, ())


def _multiply(draft: Draft, count: float, said: str, span: tuple[int, int]) -> None:
    multiplied: list[Finding] = []
    for finding in draft.findings:
        if finding.path not in (RATE, HABIT):
            multiplied.append(finding)
            continue
        options = tuple(
            replace(
                option, value=option.value * count,
                echo=f"{option.echo}; × {show_figure(count)} turns = {_shown(finding.path, option.value * count)}",
            )
            for option in finding.options
        )  # fmt: skip
        multiplied.append(replace(finding, options=options))
        if finding.path == RATE and len(options) == 1:
            echo = f"{said}: each turn is a request, {_shown(RATE, options[0].value)}"
            multiplied.append(Finding(RATE, (replace(options[0], echo=echo),), *span))
    draft.findings[:] = multiplied
    for at, (text, path, choices, start, end) in enumerate(draft.questions):
        if path == RATE:
            scaled = tuple(
                choice if choice.value is None else replace(
                    choice, value=choice.value * count,
                    label=f"{choice.label}; × {show_figure(count)} turns = {_shown(RATE, choice.value * count)}",
                )
                for choice in choices
            )  # fmt: skip
            draft.questions[at] = (text, path, scaled, min(start, span[0]), max(end, span[1]))
    if not draft.has(RATE):
        draft.dropped.append(span)


def _shown(path: str, value: float) -> str:
    return f"{show_figure(value)} requests/s" if path == RATE else f"{show_figure(value * 86_400)} requests a day each"


def _of_what(draft: Draft, match: Match, count: float, said: str) -> None:
    """Ask whether a rate of before, or of requests, is of chats or of turns; without a rate, note calls a request."""
    rate = draft.value(RATE) or draft.known.get(RATE)
    if rate is None:
        path = "traffic.calls_per_request"
        draft.found(path, match.first, match.last, [Option(count, f"{show_figure(count)} model calls per request")])
        return
    rates = [finding for finding in draft.findings if finding.path == RATE]
    words = " and ".join(" ".join(draft.sentence.text[f.start : f.end].split()) for f in rates)
    draft.findings[:] = [finding for finding in draft.findings if finding.path != RATE]
    choices = (
        Choice(rate, f"of turns: {show_figure(rate)} requests/s as said", usual=True),
        Choice(
            rate * count, f"of whole chats: {show_figure(rate)} × {show_figure(count)} = {_shown(RATE, rate * count)}"
        ),
    )
    text = f"{said!r}: is {words or f'{show_figure(rate)} requests/s'!r} of turns, or of whole chats?"
    draft.ask(RATE, match.first, match.last, text, choices)
