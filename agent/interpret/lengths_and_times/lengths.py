"""How long prompts and answers are: tokens, words, pages; which way they go; mean or p95. The context window too."""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from agent.interpret.facts.draft import Draft, Finding, Option
from agent.interpret.facts.reading import Choice
from agent.interpret.lengths_and_times.mixtures import read_mixtures
from agent.interpret.lengths_and_times.prompt_parts import ITS_MEAN, read_parts, read_relative
from agent.interpret.lengths_and_times.spreads import NEAREST, read_spreads
from agent.interpret.lengths_and_times.totals import rate_of_totals, totals_of
from agent.interpret.words.grammar import Amount, Match, Rule, matches_of, rules, whole
from agent.interpret.words.text_units import LONGEST_READ, count_of_tokens, in_tokens
from catalogs.units import show_count

_UNIT = "(token | textunit)"
_SOFT = "(plain | pctl | colon | paren){0,6}"
_CONTEXT: Final = rules(
    "context (link | colon | under | upto | unknown){0,3} n:num (?! token? 'out' (comma | stop | paren | $)) u:token?",
    "n:num u:token? (?! 'but') (unknown | 'max' | 'of')? context (?! incue | 'in' (comma | slash | conj | stop | $))",
)
_OF_MANY: Final = "(mean | pctl | 'typical' | 'typically' | 'usually')"
_NOT_THE_NEXT: Final = (
    "(?! (approx | size | colon){0,2} (incue | outcue | num | ttft | itl | e2e | latency | dur | event) | ('in' | "
    "'out') num)"
)
"""Behind a mean: it is no other figure's."""
_CONTEXT_OF_EACH: Final = rules(
    "n:num u:token? ('of' | 'in')? context ('in' | 'with')? (perrequest | per event)",
    "context (link | colon){0,3} n:num u:token? ('in' | 'with')? (perrequest | per event)",
    f"(?<! upto) context (link | colon){{0,3}} n:num u:token? ('on' | paren | 'at')? {_OF_MANY} {_NOT_THE_NEXT}",
    f"(?<! upto) context (perrequest | per event)? (link | colon){{0,2}} {_OF_MANY} (link | colon){{0,2}} n:num "
    f"u:token? {_NOT_THE_NEXT}",
    f"{_OF_MANY} context (link | colon){{0,2}} n:num u:token? {_NOT_THE_NEXT}",
)
"""'1,800 tokens of context per request', 'ctx 22k avg': what is sent, not what may be."""
_MAX_TOKENS: Final = Rule("upto token colon n:num")
_REASONING: Final = rules(
    "n:num 'hidden'? reasoning (token | (?= comma | stop | paren | conj | $))",
    "n:num token (link | 'for'){0,2} reasoning",
    "('think' | 'thinks' | 'thinking' | 'reasons') ('for' | link | upto){0,3} n:num token",
    "('thinks' | 'reasons') (approx | upto | 'about'){0,2} n:num ('before' | 'first' | 'ahead' | 'beforehand')",
)
_DRAFTED: Final = Rule("n:num draft token?")
_PAIRS: Final = rules(
    "incue slash outcue token? (link | colon | paren | size){0,3} a:num (slash | 'and' | arrow | comma) b:num token?",
    "'in' slash 'out' (token | link | colon | paren | size){0,3} a:num (slash | 'and' | arrow) b:num token?",
    "a:num (slash | arrow | plus) b:num token? (paren | 'in' | incue) (slash | arrow)? ('out' | outcue)",
    "a:num token? 'in' (slash | comma | conj | arrow | dash | paren | plus | colon)* b:num token? 'out' (?! 'of')",
    "a:num token? (slash | arrow | plus) b:num token? ((?= '@') | (?! per | slash | unknown | time | gpunoun))",
    "'in' a:num token? (slash | comma | conj | arrow)* 'out' b:num token?",
    "a:num token ('each' | per thing)? ('into' | 'to' | arrow) ('a' | approx | incue)? b:num token?",
    "a:num token? incue (slash | comma | conj | plus){1,2} b:num token? outcue",  # 3k prompt / 250 gen
    "a:num colon b:num token? (?! per | unknown | time)",  # 6k:1k
)
_FIRST_YEAR, _LAST_YEAR = 2001, 2040
"""Of references such as 'Tender 2026/114', which are no lengths."""
_MARKED: Final = rules(
    f"preset near{{0,3}} o4:'to' n:num u:{_UNIT}",
    "n:num u:token? 'of'? context (i:incue | i2:'in' (?= comma | slash | conj | stop | $))",
    f"n:num (i:incue | o:outcue) u:{_UNIT}",  # 1500 input tokens
    f"n:num u:{_UNIT} ('in' | per | 'for' | link | 'with' | under | upto | size | paren | pctl){{0,4}} (unknown "
    "| mean | size)?"
    " (i:incue | o:outcue)",  # 300 tokens per answer, 10-page documents
    f"n:num u:{_UNIT} ('of' 'text')? (i2:'in' (?! unknown) | o2:'out' | o3:'generated') (?! 'of' | under dur | "
    "dur | 'less')",
    f"(i:incue | o:outcue) {_SOFT} n:num u:{_UNIT} (?! per time | slash (time | tshort))",  # prompts of 1500 tokens
    "i4:('request' | 'requests' | 'query' | 'queries') ('of' | 'is' | 'are' | 'has' | 'have' | colon | approx | "
    f"size | mean | 'around'){{1,4}} n:num u:{_UNIT}",
    f"(i2:'in' | o2:'out') (link | colon | approx | mean){{0,2}} n:num u:{_UNIT} "
    "(?! near (?<! paren) | 'in' | 'out' | incue | outcue)",
    f"(i2:'in' | o2:'out') colon n:num u:{_UNIT}?",
    f"(i:incue | o:outcue) (link | unknown | size){{1,3}} (comma | paren | colon) approx? n:num u:{_UNIT} "
    "(?! per time | slash (time | tshort) | incue | outcue | 'in' | 'out')",  # outputs short, 60 tok
)
_BARE: Final = rules(
    "(i:inplain | o:outplain) (pctl | mean)? (copula | size | token | paren | pctl | upto | under | over | link){1,5} "
    "n:num (?! thing | event (?<! incue) (?<! outcue) | user | unknown | per | token | textunit | time | times | "
    "percent)",
    "(i:inplain | o:outplain) (copula | token | approx | link){1,5} n:num (?= 'because' | 'since' | 'due' | "
    "'as' | 'which' | 'when' | 'but' | 'so' | 'though' | 'mostly' | "
    "'sometimes')",  # prompts are like 2.2k because of the policy
    "(i:inward | o:outward) n:num (?! thing | event | user | time | times | percent | per)",
    "n:num (i:inward | o:outward) (?! per | slash time | colon)",
    "(i:('input' | 'isl' | 'prompt') | o:('output' | 'osl' | 'answer')) (copula | link){0,3} n:num (perrequest | "
    "per ('call' | 'request' | 'query' | 'message'))",
    f"{_OF_MANY} event (link | colon){{0,2}} n:num u:token? (i2:'in' | o2:'out') (?! num)",
)
_WEAK: Final = rules(
    "n:num ('for' 'the' | 'for' | link | mean | unknown)? (i:inplain | o:outplain) (?! per | slash | adverb | "
    "'every' | 'each')",
    "(i:inplain | o:outplain) n:num (?! event (?<! incue) (?<! outcue) | thing | user | time | times | percent | "
    "per | slash | textunit)",
    "(i2:'in' | o2:'out') n:num (?! event | thing | user | time | times | percent | per | slash | unknown | "
    "textunit | node | site | gpunoun | gpu | replica)",
    "n:num (i2:'in' | o2:'out') (?= comma | stop | slash | conj | num | $ | paren | dash | on | arrow | prec | "
    "gpu | 'replacing' | 'because' | 'since' | 'due' | 'mostly' | 'thanks' | 'of' 'which' | "
    " ('now' | 'each') (?= comma | stop | conj | $) | 'incl' | 'including')",
    "n:num o:('back' | 'visible') 'ones'? (?= comma | stop | conj | $)",  # 2,300 in; 150 back
    "(i2:'in' | o2:'out') n:num 'each' (?= comma | stop | conj | paren | $)",
    "(i2:'in' | o2:'out') ('stays' | 'stay' | 'remains' | 'is' | 'still' | colon){1,2} n:num (?! per | slash | "
    "time | event | gpunoun | percent | unknown)",
)
_MEAN_AND_P95: Final = Rule(
    "a:num token? mean (slash | comma | conj)? b:num token? p:pctl (i:('in' | incue) | o:('out' | outcue))"
)
"""'12k avg / 60k p95 in'."""
_BESIDE = "(link | incue | outcue | token | 'out' | 'at')"
_MOST = "('max' | 'maximum' | upto | 'longest' | 'largest' | 'biggest' | 'limit' | 'ceiling' | 'cap')"
_THE_MOST = f"({_MOST} {_BESIDE}{{0,4}} a:num token? | a2:num token? {_BESIDE}{{0,4}} {_MOST} (incue | outcue)?)"
_USUAL = "(mean | 'typical' | 'typically' | 'usually' | 'usual' | 'normally')"
_THE_MEAN = f"({_USUAL} {_BESIDE}{{0,4}} n:num token? | n2:num token? (on | link){{0,2}} {_USUAL})"
_NO_LENGTH = "(?! thing | user | event | per | slash | rateunit | time | percent | textunit | gpunoun)"
_MOST_AND_MEAN: Final = rules(
    f"{_THE_MEAN} (comma | paren | slash | conj | but | link){{0,4}} {_THE_MOST} {_NO_LENGTH}",
    f"{_THE_MOST} (comma | paren | slash | conj | but | link){{0,4}} {_THE_MEAN} {_NO_LENGTH}",
)
"""'2,000 is the max, 800 on average', 'avg 900 (max 4000)': of the side that is named in it or just before it."""
_CHANGED: Final = Rule(
    "(i:incue | o:outcue) near{0,3} ('longer' | 'shorter' | 'bigger' | 'smaller' | grow | 'went' | 'rose' | 'jumped' | "
    "'increased' | 'changed' | 'doubled') (near | comma | colon){0,4} a:num token? (arrow | 'to') n:num token?"
)
"""'prompts got longer, 800 -> 1900': what they were and are."""
_P95: Final = rules(
    "p:pctl (link | colon){0,3} n:num u:(token | textunit)? (?! time | event | tshort | per | rateunit | percent "
    "| gpunoun)",
    "n:num u:(token | textunit)? ('at' | paren | 'as')? p:pctl",
    f"mean (link | colon){{0,2}} n:num u:(token | textunit)? {_NOT_THE_NEXT} (?! thing | user | per | slash)",
)
_ALONE: Final = Rule("(?: ^ | (?<= comma | stop | conj)) n:num (i2:'in' | o2:'out') (?= comma | stop | conj | $)")
_LEFT_OVER: Final = Rule(
    f"n:num unknown? u:{_UNIT} (w:'each' 'way' | w2:'each' (?= comma | stop | $) | (?! per | slash))"
)
"""'each' after tokens at the end of a clause is each of prompt and answer, or each request: asked."""


def read_lengths(draft: Draft, known: Mapping[str, Any]) -> None:
    """Find what the sentence says of tokens; known holds values that were given before."""
    for match in _DRAFTED.matches(draft.sentence):
        draft.dropped.append(draft.sentence.span(match.first, match.last))
        draft.sentence.claim(match.first, match.last)
    totals = totals_of(draft, known)
    read_parts(draft)
    _context(draft)
    for match in matches_of(_REASONING, draft.sentence):
        draft.read(
            "tokens.reasoning_tokens",
            match,
            count_of_tokens(match["n"]),
            float,
            lambda v, made: f"{show_count(v)} hidden tokens per answer",
        )
    read_mixtures(draft)
    for match in _MEAN_AND_P95.matches(draft.sentence):
        _note(draft, _side(match), count_of_tokens(match["a"]), "token", "mean", match.first, match.index("a"))
        named = match["p"].entries[0]
        _note(draft, _side(match), count_of_tokens(match["b"]), "token", named, match.index("b"), match.last)
    for match in matches_of(_MOST_AND_MEAN, draft.sentence):
        _most_and_mean(draft, match)
    for match in _CHANGED.matches(draft.sentence):
        _note(draft, _side(match), count_of_tokens(match["n"]), "token", "mean", match.index("n"), match.last)
        draft.dropped.append(draft.sentence.span(match.index("a"), match.index("a")))
        draft.sentence.take(match.index("a"))
    _pairs(draft)
    for match in matches_of((*_MARKED, *_BARE), draft.sentence):
        _length(draft, match)
    for match in _ALONE.matches(draft.sentence):
        _length(draft, match)
    weak = [match for rule in _WEAK for match in rule.matches(draft.sentence)]
    paths = [*(found.path for found in draft.findings), *(asked[1] for asked in draft.questions)]
    paths.append(draft.asked_path or "")
    sides = {_side(match) for match in weak} | {path.split(".")[1] for path in paths if path.startswith("tokens.")}
    sides |= {"input" for found in draft.findings if found.path == "serving.context_window"}
    sides |= {total.side for total in totals}
    said = {found.path for found in draft.findings}
    for match in weak:
        behind = match.index("n") > match.first and match.sentence.items[match.first].has("in", "out")
        if behind and f"tokens.{_side(match)}.mean" in said:
            continue  # '1.9k in', and later 'in 3 zones'
        asked = (draft.asked_path or "").startswith(f"tokens.{_side(match)}")
        if asked or {"input", "output"} <= sides or _is_plainly_a_length(draft, match):
            _length(draft, match)
    _p95_apart(draft)
    rate_of_totals(draft, totals, known)
    _window_or_prompt(draft, known)
    _without_side(draft, known)
    read_spreads(draft)
    read_relative(draft)
    _kinds_of_calls(draft)


def _most_and_mean(draft: Draft, match: Match) -> None:
    """Note the mean of a side and ask what the most of it is; the most of a context is the window."""
    before, inside = draft.sentence.items[max(0, match.first - 4) : match.first], match.sentence.items[match.first :]
    cut = max((at + 1 for at, item in enumerate(before) if item.has("comma", "stop")), default=0)
    near = [item for item in before[cut:] if item.has("inplain", "outplain", "context", "in", "out")][-1:]
    cues = [item for item in inside[: match.last + 1 - match.first] if item.has("incue", "outcue")] or near
    most, mean = ((name if name in match else f"{name}2") for name in ("a", "n"))
    if not cues or count_of_tokens(match[most]).value <= count_of_tokens(match[mean]).value:
        return
    side = "output" if cues[0].has("outcue", "out") else "input"
    for name in sorted((mean, most), key=lambda one: one == most):
        at = match.index(name)
        if name == most and cues[0].has("context"):
            value = whole(match[name].number.value)
            draft.found("serving.context_window", at, at, [Option(value, f"context window {show_count(value)} tokens")])
        else:
            _note(draft, side, count_of_tokens(match[name]), "token", "most" if name == most else "mean", at, at)


def _kinds_of_calls(draft: Draft) -> None:
    """Ask which of several pairs of lengths is planned, their mean by how often each comes first.

    '1 extraction (12k in, 800 out) + 3 questions (12.4k in, 150 out)', '(classify 900/10, draft 4200/320)'.
    """
    sides = [[one for one in draft.findings if one.path == path] for path in (_INPUT, _OUTPUT)]
    prompts, answers = (sorted(side, key=lambda one: one.start) for side in sides)
    if len(prompts) < 2 or len(prompts) != len(answers) or any(len(one.options) > 1 for one in (*prompts, *answers)):
        return
    pairs = [(a.options[0].value, b.options[0].value) for a, b in zip(prompts, answers, strict=True)]
    spans = [(min(a.start, b.start), max(a.end, b.end)) for a, b in zip(prompts, answers, strict=True)]
    apart = all(end <= start for (_, end), (start, _) in pairwise(spans))
    shares = [item.number.value for item in draft.sentence.items if item.has("pct") and not item.claimed]
    if len(shares) == len(pairs) - 1 and any(item.word in _OTHERS for item in draft.sentence.items):
        shares.append(1 - sum(shares))  # '70% go to the small one, the rest to the big one'
    if len(set(pairs)) < 2 or not apart or (shares and (len(shares) != len(pairs) or abs(sum(shares) - 1) > 0.01)):
        return
    times = shares or [_times_before(draft, start, end) for (_, end), (start, _) in pairwise([(0, 0), *spans])]
    total = sum(times)
    means = [float(round(sum(n * pair[side] for n, pair in zip(times, pairs, strict=True)) / total)) for side in (0, 1)]
    often = "each as often" if len(set(times)) == 1 else " to ".join(f"{n:g}" for n in times)
    label = f"all of them, {often}: {show_count(means[0])} tokens in, {show_count(means[1])} out on average"
    choices = [Choice(means[0], label, also={_OUTPUT: means[1]})]
    choices += [Choice(a, f"{show_count(a)} tokens in, {show_count(b)} out", also={_OUTPUT: b}) for a, b in pairs]
    draft.findings[:] = [one for one in draft.findings if one.path not in (_INPUT, _OUTPUT)]
    text = f"{len(pairs)} kinds of requests with lengths of their own: which are planned?"
    if total <= len(pairs):
        spans[0] = (spans[0][0], spans[-1][1])
    draft.questions.append((text, _INPUT, tuple(choices), *spans[0]))
    for start, end in spans[1:] if total > len(pairs) else ():  # what counts them is read with the load
        said = " ".join(draft.sentence.text[start:end].split())
        draft.notes.append((f"{said!r} is asked about with the lengths before it", start, end))


_INPUT, _OUTPUT = "tokens.input.mean", "tokens.output.mean"
_OTHERS: Final = frozenset({"rest", "others", "remaining", "remainder"})
_COUNTED: Final = re.compile(r"(?<![\w.])(\d{1,2}) [A-Za-z][A-Za-z (-]*\W*$")


def _times_before(draft: Draft, start: int, end: int) -> float:
    """Return how many calls a pair of lengths is of, as said since the pair before it: '3 questions ('; else 1."""
    counted = _COUNTED.search(draft.sentence.text[end:start])
    return float(counted[1]) if counted and float(counted[1]) else 1.0


# --- what a length is -------------------------------------------------------------------------------------------------


def _is_plainly_a_length(draft: Draft, match: Match) -> bool:
    """Whether a bare number is a length: beside 'prompt' ('typical prompt 3k'), behind 'answer' beside other facts."""
    cue = next((match[side] for side in ("i", "o") if side in match), None)
    if cue is None or (match.first == match.index("n") and cue.word != "prompt"):
        return False
    beside = bool(draft.asked_path or draft.findings) and not cue.word.startswith("response")
    return match["n"].number.value >= _SHORTEST_PLAIN if "i" in match else beside


_SHORTEST_PLAIN: Final = 100
"""Tokens from which a number beside 'prompt' is its length, by judgement."""


def _side(match: Match) -> str:
    return "input" if "i" in match or "i2" in match or "i4" in match else "output"


def _length(draft: Draft, match: Match) -> None:
    """Note a length, unless its number was taken meanwhile, or is of prompt and answer together."""
    behind = draft.sentence.items[match.last + 1 : match.last + 2]
    if (
        match["n"].claimed
        or _leads_on(draft, match)
        or _ends_before(draft, match)
        or ("i4" in match and behind and behind[0].has("ingrand"))
    ):
        return
    side, amount = _side(match), count_of_tokens(match["n"])
    if "u" not in match and draft.sentence.text[match["n"].start : match["n"].end].lower() == "one":
        return  # 'the small one answers in 100 tokens'
    unit = match["u"].word if "u" in match else "token"
    if unit not in ("token", "tokens") and in_tokens(amount.value, unit)[0] > LONGEST_READ:
        return  # so many pages are many prompts
    statistic, first, last = _statistic(draft, match)
    if len(amount.values) > 1 and (said := ITS_MEAN.at(draft.sentence, last + 1)) is not None:
        mean = count_of_tokens(said["n" if "n" in said else "m"])
        if amount.values[0] <= mean.value <= amount.values[-1]:
            amount, last = mean, said.last
    _note(draft, side, amount, unit, statistic, first, last)


def _leads_on(draft: Draft, match: Match) -> bool:
    """Whether the cue after a number is the next number's: 'prefill 2000 tokens decode 400 tokens'."""
    items, at = draft.sentence.items, match.last + 1
    if items[match.last].has("num", "token", "textunit") or not items[match.last].has("incue", "outcue", "in", "out"):
        return False
    while at < len(items) and items[at].has("link", "approx", "colon"):
        at += 1
    if at >= len(items) or not items[at].has("num"):
        return False
    if items[match.last].has("leads"):
        return True  # '9k tokens each into 300'
    before = match.first - 1
    while before > 0 and items[before].has("link", "approx", "colon", "size"):
        before -= 1
    return before >= 0 and items[before].has("incue", "outcue", "in", "out")


def _ends_before(draft: Draft, match: Match) -> bool:
    """Whether the cue before a number is that of the one before it: '5k input 600 output'."""
    items, before, behind = draft.sentence.items, match.first - 1, match.last + 1
    return (
        items[match.first].has("inward", "outward")
        and before >= 0
        and items[before].has("num", "token")
        and not (before and items[before - 1].has("link", "colon"))
        and behind < len(items)
        and items[behind].has("inward", "outward")
        and items[match.last] is match["n"]
    )


def _statistic(draft: Draft, match: Match) -> tuple[str, int, int]:
    """Return which figure of the distribution it is (mean, p95, another percentile, the most), and the span with it."""
    items, first, last = draft.sentence.items, match.first, match.last
    inside = next((item.entries[0] for item in items[first : last + 1] if item.has("pctl")), "")
    if inside or any(item.has("mean") for item in items[first : last + 1]):
        return inside or "mean", first, last
    after = last + 1
    if first and items[first - 1].has("pctl") and not items[first - 1].claimed:
        after = len(items)  # 'p50 in=820 p90 in=4100'
    if after < len(items) and (items[after].has("paren") or items[after].word == "at"):
        after += 1
    if after < len(items) and items[after].has("pctl") and not _more_follows(draft, after + 1):
        return items[after].entries[0], first, after
    if first and items[first - 1].has("pctl", "upto"):
        return (items[first - 1].entries or ("most",))[0], first - 1, last
    if any(item.word in _AT_TIMES for item in items[max(0, first - 5) : first]):
        return "most", first, last
    around = items[max(first, match.index("n") - 2) : match.index("n")]
    if any(item.has("over") for item in around):
        return "least", first, last
    return ("most" if any(item.has("upto", "under") for item in around) else "mean"), first, last


_AT_TIMES: Final = frozenset({"sometimes", "occasionally", "rarely", "seldom"})
"""'Chatting, and sometimes a PDF of 30 pages'."""


def _more_follows(draft: Draft, index: int) -> bool:
    """Whether a percentile before an item belongs to what follows: a latency, or a figure of its own."""
    items = draft.sentence.items
    while index < len(items) and items[index].has("link") and not items[index].has("conj"):
        index += 1
    return index < len(items) and items[index].has("ttft", "itl", "e2e", "latency", "num", "dur")


def _note(draft: Draft, side: str, amount: Amount, unit: str, statistic: str, first: int, last: int) -> None:
    name = "prompts" if side == "input" else "answers"
    path = f"tokens.{side}"
    if statistic in ("mean", "p95"):
        what = "on average" if statistic == "mean" else "at p95"
        draft.read(
            f"{path}.{statistic}", (first, last), amount,
            lambda v: in_tokens(v, unit)[0], lambda v, made: f"{name}: {in_tokens(v, unit)[1]} {what}",
        )  # fmt: skip
        return
    value = in_tokens(amount.value, unit)[0]
    said = draft.sentence.said(first, last)
    mean, p95 = Choice(value, "as the mean", f"{path}.mean"), Choice(value, "as the 95th percentile", f"{path}.p95")
    if statistic == "most":
        text = f"{said!r}: {show_count(value)} tokens as the p95, the mean or the limit?"
        cut = Choice(value, "as the limit at which answers are cut off (--max-tokens)", "tokens.max_tokens")
        window = Choice(value, "as the context window", "serving.context_window")
        either = [] if draft.has(mean.path) else [mean]
        text = text if either else text.replace("the mean ", "")
        draft.ask(f"{path}.p95", first, last, text, [cut, p95, *either] if side == "output" else [p95, *either, window])
    elif statistic == "least":
        text = f"{said!r}: {show_count(value)} tokens are the least; how many are they on average?"
        draft.ask(f"{path}.mean", first, last, text, (mean,))
    else:
        text = f"{said!r}: {NEAREST.format(statistic, show_count(value))}"
        draft.ask(f"{path}.mean", first, last, text, (mean, p95))


# --- the rules of their own -------------------------------------------------------------------------------------------


def _context(draft: Draft) -> None:
    for match in matches_of(_CONTEXT_OF_EACH, draft.sentence):
        if "window" not in draft.sentence.words(match.first, match.last):
            _note(draft, "input", count_of_tokens(match["n"]), "token", *_statistic(draft, match))
    for match in _MAX_TOKENS.matches(draft.sentence):
        draft.read(
            "tokens.max_tokens",
            match,
            count_of_tokens(match["n"]),
            whole,
            lambda v, made: f"answers: at most {v:g} tokens",
        )
    for match in matches_of(_CONTEXT, draft.sentence):
        draft.read(
            "serving.context_window",
            match,
            count_of_tokens(match["n"]),
            whole,
            lambda v, made: f"context window {show_count(v)} tokens",
        )


_WINDOW: Final = re.compile(r"window|length|size|limit|max|\blen\b|seq|up to|allow|support|need", re.I)
_ROUND_WINDOW: Final = 1024
"""Windows come in multiples of it, or in thousands of two to the power of something; lengths of prompts seldom do."""
_THOUSANDS: Final = frozenset(1000 * 2**power for power in range(2, 11))


def _window_or_prompt(draft: Draft, known: Mapping[str, Any]) -> None:
    """Take 'context 5,500 tokens' beside answers, and no prompt, for what is sent; ask where it may be the window."""
    if draft.has("tokens.input.mean") or known.get("tokens.input.mean"):
        return
    answers = draft.has("tokens.output.mean") or "tokens.output.mean" in known
    for finding in [f for f in draft.findings if f.path == "serving.context_window" and len(f.options) == 1]:
        said = " ".join(draft.sentence.text[finding.start : finding.end].split())
        value = finding.options[0].value
        if _WINDOW.search(said) or draft.value("serving.runtime"):
            continue
        usual = value % _ROUND_WINDOW == 0 or value in _THOUSANDS
        if usual and not answers:
            continue
        draft.findings.remove(finding)
        as_prompt = Option(value, f"prompts: {show_count(value)} tokens on average")
        if answers and not usual:
            draft.findings.append(Finding("tokens.input.mean", (as_prompt,), finding.start, finding.end))
            continue
        choices = (
            Choice(value, "the prompt, on average"),
            Choice(value, "the context window, the most that prompt and answer may be", "serving.context_window"),
        )
        text = f"{said!r}: is that the prompt or the context window?"
        draft.questions.append((text, "tokens.input.mean", choices, finding.start, finding.end))


def _pairs(draft: Draft) -> None:
    of_serving = any(item.has("rateunit", "model") for item in draft.sentence.items)
    for position, rule in enumerate(_PAIRS):
        others = position == 4 and any(_token_pair(draft, match) for match in rule.matches(draft.sentence))
        for match in rule.matches(draft.sentence):
            a, b = match["a"], match["b"]
            by_colon = position == len(_PAIRS) - 1
            if _is_arithmetic(draft, match):
                continue
            if _is_a_split(draft, match):
                draft.dropped.append(draft.sentence.span(match.first, match.last))
                draft.sentence.claim(match.first, match.last)
                continue
            short = others or (of_serving and a.number.value >= _FEWEST_BEFORE_CARDS)  # '9 rps, 400/10'
            if (position == 4 or by_colon) and not _token_pair(draft, match, 1.0 if short else 16.0):
                continue
            if position == 4 and _counts_cards(draft, match):
                continue
            if by_colon and not {a.word[-1:], b.word[-1:]} & {"k"} and a.number.value < _FEWEST_BEFORE_CARDS:
                continue  # a score, a time, a ratio
            middle = match.index("b")
            before = middle - 1
            while before > match.index("a") and draft.sentence.items[before].has("slash", "conj", "comma", "arrow"):
                before -= 1
            _note(draft, "input", count_of_tokens(a), "token", "mean", match.first, before)
            _note(draft, "output", count_of_tokens(b), "token", "mean", middle, match.last)


def _is_a_split(draft: Draft, match: Match) -> bool:
    """Whether two numbers are shares of 100 between prompts and answers: '85/15 input/output'."""
    at = match.index("b") + 1
    behind = draft.sentence.items[at : at + 3]
    named = len(behind) == 3 and behind[0].has("incue", "in") and behind[1].has("slash")
    return named and match["a"].number.value + match["b"].number.value == 100


def _is_arithmetic(draft: Draft, match: Match) -> bool:
    """Whether two numbers beside a slash are a part of a sum: '5,000,000 / 30 / 24 = 7'."""
    items = draft.sentence.items
    if not any(item.has("slash") for item in match.items):
        return False
    behind, ahead = items[max(0, match.first - 2) : match.first], items[match.last + 1 : match.last + 3]
    return any(
        any(item.has("slash") or item.word in ("=", "*") for item in pair) and any(item.has("num") for item in pair)
        for pair in (behind, ahead)
    )


def _token_pair(draft: Draft, match: Match, fewest: float = 16.0) -> bool:
    """Whether '500/200' without a word beside it can only be tokens in and out; beside another pair '900/10' is too."""
    a, b = match["a"].number, match["b"].number
    if any(item.has("token") for item in draft.sentence.items[match.first : match.last + 2]):
        return True
    if len(a.values) > 1 or len(b.values) > 1:
        return False
    return (
        not _FIRST_YEAR <= a.value <= _LAST_YEAR
        and min(a.value, b.value) >= fewest
        and max(a.value, b.value) >= 100
        and a.value + b.value != 100
        and a.value == int(a.value)
        and b.value == int(b.value)
    )


def _counts_cards(draft: Draft, match: Match) -> bool:
    """Whether a pair before an accelerator may be a count of them: '128/64 H100', but not '1500/300 H100'."""
    ahead = draft.sentence.items[match.last + 1 : match.last + 2]
    if not ahead or not ahead[0].has("gpu"):
        return False
    by_slash = any(item.has("slash") for item in draft.sentence.items[match.first : match.last])
    return not by_slash or match["a"].number.value < _FEWEST_BEFORE_CARDS


_FEWEST_BEFORE_CARDS: Final = 200.0
"""Tokens of a prompt from which 'prompt/answer' may stand before an accelerator, for so many are none. By judgement."""


def _p95_apart(draft: Draft) -> None:
    """Read 'prompts average 2k, p95 8k': a percentile without a side belongs to the length before it."""
    for match in matches_of(_P95, draft.sentence):
        start = match["n"].start
        told = [(one.end, one.path, True) for one in draft.findings]
        told += [(one[4], one[1], False) for one in draft.questions]
        before = [one for one in told if one[1].startswith("tokens.") and one[0] <= start]
        at, path, settled = max(before, default=(0, "..", True))
        around = draft.sentence.items[max(0, match.first - 3) : match.last + 3]
        latency = any(item.has("ttft", "itl", "e2e", "latency") for item in around)
        side = path.split(".")[1]
        apart = any(item.has("stop") for item in draft.sentence.items[: match.first] if item.start >= at)
        if (
            side not in ("input", "output")
            or ("p" not in match and apart)
            or (latency and "u" not in match)
            or ("p" not in match and settled)
        ):
            continue
        unit = match["u"].word if "u" in match else "token"
        which = match["p"].entries[0] if "p" in match else "mean"
        _note(draft, side, count_of_tokens(match["n"]), unit, which, match.first, match.last)


def _without_side(draft: Draft, known: Mapping[str, Any]) -> None:
    """Tokens, pages or words that go neither way: the slot asked, or a question."""
    for match in _LEFT_OVER.matches(draft.sentence):
        side = {"tokens.input.mean": "input", "tokens.output.mean": "output"}.get(draft.asked_path or "")
        unit = match["u"].word
        if side:
            _note(draft, side, count_of_tokens(match["n"]), unit, "mean", match.first, match.last)
            continue
        if "w" in match:
            for both in ("input", "output"):
                _note(draft, both, count_of_tokens(match["n"]), unit, "mean", match.first, match.last)
            continue
        amount = count_of_tokens(match["n"])
        value, shown = in_tokens(amount.values[len(amount.values) // 2], unit)
        if len(amount.values) > 1:
            shown = f"{show_count(amount.value)} to {show_count(amount.values[-1])}, on average {shown}"
        if not 1 <= value <= (1e7 if unit in ("token", "tokens") else LONGEST_READ):
            continue
        choices: tuple[Choice, ...] = (
            Choice(value, "the prompt", "tokens.input.mean"),
            Choice(value, "the answer", "tokens.output.mean"),
        )
        text = f"{shown}: is that the prompt or the answer?"
        prompt, answer = (draft.value(path) or known.get(path) for path in ("tokens.input.mean", "tokens.output.mean"))
        if draft.value("tokens.input.mean") and draft.value("tokens.output.mean"):
            continue  # 'acceptance ~2.8 tokens' beside both lengths
        if prompt and not answer:
            more = whole(prompt + value)
            label = f"more of the prompt: {show_count(prompt)} + {show_count(value)} = {show_count(more)} tokens"
            choices = (choices[1], Choice(more, label, "tokens.input.mean"))
            text = f"{shown}: is that the answer, or more of the prompt?"
        elif answer and not prompt:
            choices, text = choices[:1], f"{shown}: is that the prompt?"
        if any(one.has("ingrand") for one in draft.sentence.items[match.last + 1 : match.last + 2]):
            choices = (Choice(None, "both together: say how long each of them is", choices[0].path), *choices)
            text = f"{shown}: is that prompt and answer together, or one of them?"
        draft.ask(choices[0].path, match.first, match.last, text, choices)
