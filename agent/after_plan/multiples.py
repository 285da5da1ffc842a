"""What a clause multiplies: 'traffic doubles', 'half as long answers', '20% more requests'."""

import re
from collections.abc import Mapping
from typing import Any, Final

from agent.fields.demand import USERS
from agent.talk.answer_display import value_shown
from agent.talk.requests import Unclear
from catalogs.units import show_figure

_NUMBERS: Final = {
    "two": 2.0, "three": 3.0, "four": 4.0, "five": 5.0, "six": 6.0, "seven": 7.0, "eight": 8.0, "nine": 9.0,
    "ten": 10.0, "twelve": 12.0, "fifteen": 15.0, "twenty": 20.0, "fifty": 50.0, "hundred": 100.0, "a hundred": 100.0,
}  # fmt: skip
_NUMBER: Final = rf"(?:\d+(?:\.\d+)?|{'|'.join(_NUMBERS)})"
_FACTOR: Final = re.compile(
    r"(?P<double>\bdoubl(?:e|es|ed|ing)\b|\btwice\b)|(?P<triple>\btripl(?:e|es|ed|ing)\b|\bthrice\b)"
    r"|(?P<quadruple>\bquadrupl(?:e|es|ed|ing)\b)"
    r"|(?P<share>\b(?:hal(?P<half>f|ve|ves|ved|ving)|"
    r"(?P<parts>one|a|two|three|four) (?P<part>third|quarter|fifth|tenth)s?)\b)"
    r"(?! (?:of )?an? (?:second|sec|minute|hour|day|week|month|year|million|billion|thousand|dozen)\b)"
    r"(?: (?P<beside>as (?:much|many|long)(?: [a-z]+){0,2} again|"
    r"more|higher|longer|larger|less|fewer|lower|shorter|smaller)\b)?"
    r"|(?P<percent>(?:\bby )?(?<![\w.])\d+(?:\.\d+)?\s*(?:%|percent)"
    r"(?: (?P<way>more|higher|longer|larger|less|fewer|lower|shorter|smaller))?)"
    rf"|(?P<times>(?<![\w.])(?:(?P<number>{_NUMBER})\s*(?:x|×|times|-?fold|fois|veces|倍)|[x×]\s*(?P<after>\d+(?:\.\d+)?))(?![\w-]))",
    re.I,
)
_SUBJECTS: Final = (
    ("peak", re.compile(r"\b(peaks?( factor)?|busiest hour)\b", re.I)),
    ("answer", re.compile(r"\b(answers?|outputs?|responses?|completions?|repl(y|ies)|generations?)\b", re.I)),
    ("prompt", re.compile(r"\b(prompts?|inputs?|documents?|questions?)\b", re.I)),
    ("growth", re.compile(r"\bgrowth\b", re.I)),
    (
        "traffic",
        re.compile(
            r"\b(traffic|loads?|requests?|rates?|rps|qps|users?|customers?|people|volume|demand|concurrency|calls?)\b",
            re.I,
        ),
    ),
)
_FALLS: Final = re.compile(
    r"\b(drop|drops|fall|falls|shrink|shrinks|decrease|decreases|less|fewer|lower|shorter|smaller|cut|cuts)\b", re.I
)
_RISES: Final = re.compile(
    r"\b(grow|grows|grew|rise|rises|increase|increases|more|higher|longer|larger|up|jump|jumps)\b", re.I
)
_NO_FACTOR: Final = re.compile(
    r"\b(cached?|caching|prefix|hits?|reused?|identical|the same|always|repeated|constant|"
    r"shared|yearly|annually|ttft|itl|tpot|latency|within|every|"
    r"(a|an|per|each) (second|sec|minute|min|hour|day|week|month|quarter|year))\b|\brequests? (under|below|in)\b",
    re.I,
)
"""Beside these a number is a share, a pace or a percentile."""
_LEAVES: Final = re.compile(
    r"\b(lose|loses|lost|losing|drop\w*|fall|falls|fell|shrinks?|decreases?|declines?|cuts?|minus|leaves?|left|"
    r"(?:goes|go|moves?) (?:away|elsewhere)|vanish\w*|disappears?)\b",
    re.I,
)
_GAINS: Final = re.compile(r"\b(grow|grows|grew|rises?|increases?|jumps?|gains?|plus|adds?)\b", re.I)
_GOAL: Final = re.compile(r"\bto (?:(?:about|only|just|around|roughly) )?$", re.I)
"""Before a share it says what is left: 'drops to a third' is no 'drops by a third'."""
_PARTS: Final = {"third": 3, "quarter": 4, "fifth": 5, "tenth": 10}
_HEARSAY: Final = re.compile(
    r"\b(?:marketing|sales|product|management|finance|they|he|she|we|i|you|it|that|this|everything|(?:my|the|our) "
    r"(?:boss|board|ceo|cto|customer)|everyone|someone|says?|said|expects?|thinks?|wants?|tells?|believes?|predicts?|"
    r"reckons?|hopes?|for|talks? of|plans?|will|would|could|might|may|be|is|goes?|becomes?|gets?|maybe|about|roughly|"
    r"around|the|an?|of|as|to|at|with|when|if|once|now|please|then|so|and|let's|say|make|next (?:year|month|week)|"
    r"load)\b|[^\w\s]",
    re.I,
)
"""Who says so, and fillers: beside them a factor has no subject but the load."""
_LENGTHS: Final = re.compile(r"\b(long|longer|short|shorter|length|lengths|tokens?)\b", re.I)


def factor_in(text: str) -> float | None:
    """Return the first factor that a line names, but for shares: 8 in '8x for six hours'."""
    found = (match for match in _FACTOR.finditer(text) if not match["percent"])
    match = next(found, None)
    return None if match is None else _factor(match, text)


def scaled(clause: str, base: Mapping[str, Any]) -> list[tuple[str, float, str]] | Unclear | None:
    """Return what a clause multiplies: path, new value, label; None where it multiplies nothing."""
    match = _FACTOR.search(clause)
    if match is None or ((match["times"] or match["percent"]) and _NO_FACTOR.search(clause)):
        return None
    factor = _factor(match, clause)
    around = f"{clause[: match.start()]} {clause[match.end() :]}"
    subject = next((name for name, pattern in _SUBJECTS if pattern.search(around)), None)
    numeric = match["times"] or match["percent"]
    if subject == "traffic" and _LENGTHS.search(around) and re.search(r"\b(requests?|calls?)\b", around, re.I):
        subject = "lengths"
    if subject in ("peak", "growth") and numeric:
        return None  # "peak 2x" states the factor: the reader's
    if subject is None and re.search(r"\bas (?:much|many)\b", around, re.I):
        subject = "traffic"
    if subject is None:
        # "what if it doubles", "marketing says 3x" are about the traffic; "2x H100", "50%" are not about a factor.
        if match["percent"] or _HEARSAY.sub(" ", around).strip():
            return None
        subject = "traffic"
    return _scaled_values(subject, factor, base)


_SECOND: Final = r"(?:rps|qps|(?:requests?|calls?|queries) ?(?:/|per|a|an|every|each) ?s(?:ec(?:ond)?)?\b)"
_PEOPLE: Final = r"(?:users?|people|persons?|colleagues|customers?|employees|seats?|visitors|students)"
_MORE: Final = r"(?:more|extra|additional|further)"
_LESS: Final = r"(?:fewer|less)"
_ADDED: Final = tuple(
    (
        re.compile(
            rf"(?:(?P<plus>\b(?:another|an extra|plus)|\+) ?(?P<first>{number}) (?:of )?{what}|"
            rf"\b(?P<second>{number}) (?:(?P<more>{_MORE})|(?P<less>{_LESS})) {what}|"
            rf"\b(?P<third>{number}) {what} (?:(?P<tops>{_MORE}|on top)|(?P<under>{_LESS}))\b)",
            re.I,
        ),
        path,
        noun,
    )
    for number in (rf"(?:\d[\d,]*(?:\.\d+)?k?|{'|'.join(_NUMBERS)})(?: hundred| thousand)?",)
    for what, path, noun in ((_SECOND, "traffic.requests_per_s", "requests/s"), (_PEOPLE, USERS, "users"))
)
"""What is added to the load or taken from it in its own unit: '20 more rps', 'another 900 people'."""


def added(clause: str, base: Mapping[str, Any]) -> list[tuple[str, float, str]] | Unclear | None:
    """Return what a clause adds to the load or takes from it, as ``scaled``; None where it does neither.

    Args:
        clause: part of a line.
        base: values of the plan that is changed, by path.
    """
    for pattern, path, noun in _ADDED:
        if (match := pattern.search(clause)) is None:
            continue
        words = (match["first"] or match["second"] or match["third"]).lower().replace(",", "")
        head, _, scale = words.partition(" ")
        figure = _NUMBERS.get(head) or float(head.removesuffix("k")) * (1000 if head.endswith("k") else 1)
        figure *= {"hundred": 100, "thousand": 1000}.get(scale, 1)
        sign = -1 if match["less"] or match["under"] else 1
        old = base.get(path)
        if not old:
            example = "'with 2,400 users, 10 questions a day each'" if path == USERS else "'20 requests/s'"
            return Unclear(
                f"How many {noun} there are was not said, so that {show_figure(figure)}"
                f" {'more' if sign > 0 else 'fewer'} of them is no figure: say all of them ({example}), or a factor"
                " ('traffic × 1.3')."
            )
        new = old + sign * figure
        if new <= 0:
            return Unclear(f"There are {show_figure(old)} {noun}; {show_figure(figure)} fewer leave none.")
        label = f"{noun} {'+' if sign > 0 else '−'} {show_figure(figure)}: {value_shown(path, new)}"
        return [(path, new, label)]
    return None


def _scaled_values(subject: str, factor: float, base: Mapping[str, Any]) -> list[tuple[str, float, str]] | Unclear:
    paths = {
        "peak": ("traffic.peak_factor",),
        "answer": ("tokens.output.mean",),
        "prompt": ("tokens.input.mean",),
        "growth": ("traffic.growth_per_year",),
        "lengths": ("tokens.input.mean", "tokens.output.mean"),
        "traffic": ("traffic.concurrency",) if base.get("traffic.concurrency") else ("traffic.requests_per_s",),
    }[subject]
    made: list[tuple[str, float, str]] = []
    for path in paths:
        old = base.get(path) or {"traffic.peak_factor": 1.5}.get(path)
        if not old:
            return Unclear(f"There is no {subject} to multiply: none was given. Say it as a figure instead.")
        new = old * factor
        whole = float(max(1, round(new)))
        value = int(whole) if path == "traffic.concurrency" else new
        noun = {"lengths": "prompt and answer lengths"}.get(
            subject, subject if subject in ("traffic", "peak", "growth") else f"{subject}s"
        )
        made.append((path, value, f"{noun} × {show_figure(factor)}: {value_shown(path, value)}"))
        side = path.removesuffix(".mean")
        # A spread that was said as a percentile is in tokens too, and moves with the mean.
        if path.endswith(".mean") and base.get(f"{side}.p95"):
            made.append((f"{side}.p95", base[f"{side}.p95"] * factor, made[-1][2]))
    return made


def _factor(match: re.Match[str], clause: str) -> float:
    for name, factor in (
        ("double", 2.0),
        ("triple", 3.0),
        ("quadruple", 4.0),
    ):
        if match[name]:
            return factor
    if match["share"]:
        return _of_share(match, clause)
    if match["times"]:
        number = (match["number"] or match["after"]).lower()
        return _NUMBERS.get(number) or float(number)
    number = re.search(r"\d+(?:\.\d+)?", match["percent"])
    share = float(number[0]) / 100 if number else 0.0
    way = match["way"] or clause
    if _GOAL.search(clause[: match.start()]):
        return share
    if _FALLS.search(way) or _LEAVES.search(way):
        return max(0.0, 1 - share)
    return 1 + share if _RISES.search(way) else share


def _of_share(match: re.Match[str], clause: str) -> float:
    """Return the factor of a fraction: what is left of it where it is lost, more than 1 where it comes on top."""
    count = {"two": 2, "three": 3, "four": 4}.get((match["parts"] or "one").lower(), 1)
    share = 0.5 if match["half"] else count / _PARTS[match["part"].lower()]
    before, beside = clause[: match.start()], match["beside"] or ""
    if beside:
        return 1 - share if _FALLS.search(beside) else 1 + share
    if _GOAL.search(before):
        return share
    by = re.search(r"\bby (?:about |roughly |another )?$", before)
    if _LEAVES.search(clause) or (by and _FALLS.search(clause)):
        return 1 - share
    return 1 + share if by and (_GAINS.search(clause) or _RISES.search(clause)) else share
