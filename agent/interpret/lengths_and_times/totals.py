"""Tokens in a time, as bills and dashboards have them: with the requests they give lengths, with lengths the rate."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from agent.fields.demand import RATE
from agent.interpret.facts.draft import Draft, Option
from agent.interpret.facts.reading import Choice
from agent.interpret.words.grammar import Match, Rule, matches_of, rules
from agent.interpret.words.text_units import count_of_tokens
from agent.interpret.words.vocabulary import SECONDS
from catalogs.units import show_count, show_figure

LONGEST_LENGTH: Final = 1e7
"""Tokens that no prompt and no answer has: so many are a total, of a month unless another time is said."""
_FEWEST_REQUESTS: Final = 100.0
"""Of a count of requests beside totals, without a time of its own."""
_SIDE: Final = "(i:(incue | in) | o:(outcue | out))"
_PERIOD: Final = "(a:adverb | on? per (unknown | mean | link){0,2} t:time | slash per? s:(time | tshort))"
_TOKENS: Final = rules(
    f"n:num token {_PERIOD} 'of'? {_SIDE}",  # 40M tokens a day in
    f"n:num token? (?! thing (?! token)) {_SIDE} token?",  # 6M out, 912M input tokens, no '40M documents'
    f"token {_PERIOD} colon n:num",  # tokens/day: 300M
    "n:num (unknown | ingrand)? token",  # 3 million tokens
)
_BEHIND: Final = Rule(f"(ingrand | conj | plus | paren)? {_PERIOD}")
_SPAN: Final = Rule("a:adverb | (per | 'last' | 'this' | 'previous' | 'past') (unknown | mean | link){0,2} t:time")
"""A time that is told apart from the totals: 'last month we had …'."""
_REQUESTS: Final = Rule(
    "k:num (unknown | model){0,2} event (?! per | slash | adverb | window | near{1,2} per | token | num)"
)
_EACH: Final = Rule("n:num token? (comma | paren)? ingrand")
_CALL = "('call' | 'calls' | 'request' | 'requests' | 'req' | 'query' | 'queries' | 'message' | 'messages')"
_A_CALL: Final = rules(
    f"n:num token? ingrand? (perrequest | (per | slash) {_CALL})",
    f"token (perrequest | (per | slash) {_CALL}) (link | colon){{0,3}} n:num",
    f"{_CALL} (link | colon | 'averages'){{0,4}} n:num token?",
)
_SHARES: Final = rules(
    "p:pct ('of' | 'which' | 'it' | 'that' | 'those' | 'them' | 'is' | 'are' | 'being' | 'as' | 'goes' | token){0,4} "
    "(i:(incue | in) | o:(outcue | out))",
    "(i:incue | o:outcue) (token | 'share' | link | colon | 'makes' | 'up'){0,4} p:pct",
)
"""What part of a total prompts or answers are: '85% input', 'output share 20 %', 'a quarter of it output'."""
_SPLIT: Final = re.compile(r"\b(\d\d) ?[/:] ?(\d\d) (?:in|input|prompts?) ?[/:] ?(?:out|answer|completion|gen)", re.I)


class Total(Struct):
    """Tokens of one side, or of both, in a time."""

    first: int
    last: int
    tokens: float
    side: str
    """'input', 'output', or nothing where it is not said."""
    seconds: float
    together: bool
    """Prompts and answers are said to be counted together."""
    said: tuple[int, int]
    """The first and last item of it and of those beside it that share its time."""


def totals_of(draft: Draft, known: Mapping[str, Any]) -> list[Total]:
    """Take the tokens in a time, and return those for which nobody said how many requests they are.

    Args:
        draft: of the sentence.
        known: values that were given before.
    """
    totals = _totals(draft, shortest=SECONDS["minute"])
    totals = [part for total in totals for part in _parted(draft, total)]
    sided = [total for total in totals if total.side]
    rate = draft.value(RATE) or known.get(RATE)
    if sided and not rate and not draft.has(RATE):
        rate = _rate_of_count(draft, sided[0])
    if not rate:
        return totals
    _lengths(draft, sided, rate)
    return [total for total in totals if not total.side]


def _parted(draft: Draft, total: Total) -> list[Total]:
    """Return the prompts and the answers of a total whose shares are said; with the length of a call, note the rate."""
    share, split = 0.0, _SPLIT.search(draft.sentence.text)
    if total.side:
        return [total]
    if split and float(split[1]) + float(split[2]) == 100:
        share = float(split[1]) / 100
        _tell(draft, split.span(), share)
    for match in matches_of(_SHARES, draft.sentence) if not share else ():
        share = match["p"].number.value if "i" in match else 1 - match["p"].number.value
        _tell(draft, draft.sentence.span(match.first, match.last), share)
    if not 0 < share < 1:
        return [total]
    for match in matches_of(_A_CALL, draft.sentence):
        beside = draft.sentence.items[match.last + 1 : match.last + 2]
        if draft.has(RATE) or any(item.has("in", "out", "incue", "outcue") for item in beside):
            continue
        length = count_of_tokens(match["n"]).value
        rate = total.tokens / total.seconds / length
        shown = f"{show_count(total.tokens)} / {show_count(total.seconds)} s / {show_count(length)} tokens a request"
        draft.found(RATE, *total.said, [Option(rate, f"{shown} = {show_figure(rate)} requests/s on average")])
        span = draft.sentence.span(match.first, match.last)
        draft.notes.append((f"{draft.sentence.text[slice(*span)]!r}: prompt and answer together", *span))
        draft.sentence.claim(match.first, match.last)
    parts = ((share, "input"), (1 - share, "output"))
    return [replace(total, tokens=part * total.tokens, side=side) for part, side in parts]


def _tell(draft: Draft, span: tuple[int, int], share: float) -> None:
    draft.notes.append((f"{draft.sentence.text[slice(*span)]!r}: {share:.0%} of all tokens are of prompts", *span))
    for index, item in enumerate(draft.sentence.items):
        if span[0] <= item.start < span[1]:
            draft.sentence.take(index)


def rate_of_totals(draft: Draft, totals: Sequence[Total], known: Mapping[str, Any]) -> None:
    """Divide totals by the lengths that were read meanwhile; else ask for the requests.

    Args:
        draft: of the sentence.
        totals: of which the requests are not known.
        known: values that were given before.
    """
    prompt, answer = (
        draft.value(f"tokens.{side}.mean") or known.get(f"tokens.{side}.mean") for side in ("input", "output")
    )
    each = {"input": prompt, "output": answer, "": _together(draft) or 0.0}
    totals = [*totals, *_totals(draft, shortest=1.0)]
    for total in sorted(totals, key=lambda one: not each[one.side]):
        if draft.has(RATE):
            if total.side and not each[total.side] and (rate := draft.value(RATE)):
                _lengths(draft, [total], rate)
            continue
        said = draft.sentence.said(*total.said)
        if total.seconds == 1 and not total.side:
            total.side = "output"  # a throughput
        a_second = total.tokens / total.seconds
        shown = f"{show_count(total.tokens)} / {show_count(total.seconds)} s"
        if length := each[total.side]:
            rate = a_second / length
            echo = f"{shown} / {show_count(length)} tokens = {show_figure(rate)} requests/s on average"
            draft.found(RATE, *total.said, [Option(rate, echo)])
        elif total.side and total.seconds > 1 and not any(each[other.side] for other in totals if other.side):
            draft.ask(RATE, *total.said, f"{said!r} are totals: in how many requests?")
        elif prompt and answer:
            ways = (("prompts and answers", prompt + answer), ("answers alone", answer))
            choices = [
                Choice(a_second / both, f"{name}: {shown} / {both:g} = {show_figure(a_second / both)} requests/s")
                for name, both in ways[: 1 if total.together else 2]
            ]
            text = f"{said!r}: are these prompts and answers together, or answers alone?"
            draft.ask(RATE, *total.said, text, choices)
        elif not total.side or total.seconds == 1:
            text = f"{said!r} is a total: with the lengths of prompts and answers, or the requests, it gives the rate"
            draft.note(*total.said, text)


def _lengths(draft: Draft, totals: Sequence[Total], rate: float) -> None:
    """Note the tokens of one request of each total, of so many requests/s."""
    for total in totals:
        requests, name = rate * total.seconds, "prompts" if total.side == "input" else "answers"
        length = float(f"{total.tokens / requests:.9g}")
        shown = (
            f"{show_count(total.tokens)} / {show_count(requests)} requests = {show_figure(length)} tokens on average"
        )
        draft.found(f"tokens.{total.side}.mean", total.first, total.last, [Option(length, f"{name}: {shown}")])


def _rate_of_count(draft: Draft, total: Total) -> float | None:
    """Return and note the requests/s of '62M tokens a month in 410k requests': both are of the same time."""
    for match in _REQUESTS.matches(draft.sentence):
        requests = count_of_tokens(match["k"]).value
        if requests >= _FEWEST_REQUESTS:
            rate = requests / total.seconds
            echo = f"{show_count(requests)} / {show_count(total.seconds)} s = {show_figure(rate)} requests/s on average"
            draft.found(RATE, match.first, match.last, [Option(rate, echo)])
            return rate
    return None


def _together(draft: Draft) -> float | None:
    """Return the tokens of a request, prompt and answer: '1.8k tokens all in'."""
    lengths = [count_of_tokens(match["n"]).value for match in _EACH.matches(draft.sentence)]
    return lengths[0] if len(lengths) == 1 and lengths[0] < LONGEST_LENGTH else None


def _totals(draft: Draft, shortest: float) -> list[Total]:
    """Take totals, without a side those of so many seconds or more; neighbours share it: '40M in / 6M out a day'."""
    items, found = draft.sentence.items, list[Match]()
    for match in matches_of(_TOKENS, draft.sentence):
        if not any(one.first <= match.last and match.first <= one.last for one in found):
            found.append(match)
    chains = list[list[Match]]()
    for match in sorted(found, key=lambda one: one.first):
        between = items[chains[-1][-1].last + 1 : match.first] if chains else []
        if chains and len(between) <= 2 and all(item.has("conj", "comma", "slash", "plus") for item in between):
            chains[-1].append(match)
        else:
            chains.append([match])
    return [total for chain in chains for total in _of_chain(draft, chain, shortest)]


def _of_chain(draft: Draft, chain: Sequence[Match], shortest: float) -> list[Total]:
    behind = _BEHIND.at(draft.sentence, chain[-1].last + 1)
    seconds = next((time for match in (*chain, *([behind] if behind else ())) if (time := _seconds(match))), 0.0)
    sides = ["input" if "i" in match else "output" if "o" in match else "" for match in chain]
    tokens = [count_of_tokens(match["n"]).value for match in chain]
    worded = any(item.has("token") for match in chain for item in match.items)
    beyond = any(sides) and max(tokens) >= LONGEST_LENGTH
    timed = seconds >= shortest and (worded or {"input", "output"} <= set(sides))
    if not (beyond or timed or (seconds and worded and any(sides))):
        return []
    first, last = chain[0].first, max(chain[-1].last, behind.last if behind else 0)
    if together := any(item.has("ingrand") for item in draft.sentence.items[first : last + 2]):
        last += any(item.has("ingrand") for item in draft.sentence.items[last + 1 : last + 2])
    if not seconds:
        seconds = _span_of(draft, chain[0].first)
    if not seconds:
        seconds = SECONDS["month"]
        said = draft.sentence.said(first, last)
        note = f"{said!r} is more than one request has: taken as the total of a month"
        draft.note(first, last, note)
    draft.sentence.take_all(first, last)
    ends = [*(match.last for match in chain[:-1]), last]
    return [
        Total(match.first, end, count, side, seconds, together, (first, last))
        for match, end, count, side in zip(chain, ends, tokens, sides, strict=True)
    ]


def _seconds(match: Match) -> float:
    return next((SECONDS[match[group].word] for group in ("a", "t", "s") if group in match), 0.0)


def _span_of(draft: Draft, first: int) -> float:
    """Return the time that is told in the sentence of a total; 0 where none is."""
    stops = [at for at, item in enumerate(draft.sentence.items) if item.has("stop")]
    low = max((at for at in stops if at < first), default=-1)
    high = min((at for at in stops if at > first), default=len(draft.sentence.items))
    return next((_seconds(one) for one in _SPAN.matches(draft.sentence) if low < one.first < high), 0.0)
