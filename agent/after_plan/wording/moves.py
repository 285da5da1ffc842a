"""What a line moves from one value to another, 'input 1,500 → 4,000', as what holds then: 'input 4000 tokens'."""

import re
from collections.abc import Mapping
from typing import Any, Final

from agent.fields.demand import PEAK, RATE
from agent.interpret.traffic.peaks import usual_ratio
from agent.interpret.words.tongues import in_english
from agent.interpret.words.vocabulary import PHRASES

_UNIT: Final = (
    r"(?:tokens?|words?|rps|qps|req(?:uest)?s?(?:/s| per second| a second)?|users?|ms|milliseconds?|s|secs?|seconds?|x|"
    r"×|%|percent|kw|gpus?|cards?|nodes?|replicas?|spares?)(?![\w/])"
)
_FIGURE: Final = r"(?<![\w.,])[$€£]?\d+(?:,\d{3})*(?:\.\d+)?(?:k|m(?!s))?"
_IN: Final = rf"(?: ?(?P<{{}}>{_UNIT})|(?![\w.]))"
_CODE: Final = r"(?!p\d\d\b)[a-z][a-z_.-]*\d[\w.-]*"
_ARROW: Final = r"\s*(?:-+>|→|=+>|⇒|➜)\s*"
_FIGURES: Final = re.compile(
    rf"(?P<from>\bfrom )?(?P<old>{_FIGURE}){_IN.format('unit')}"
    rf"(?P<how>{_ARROW}| to | (?:were|becomes?|became|turns? into) )(?P<new>{_FIGURE}){_IN.format('own')}",
    re.I,
)
_PAIR: Final = rf"{_FIGURE} to {_FIGURE}"
_PAIRS: Final = re.compile(rf"\W*{_PAIR}(?:(?:, ?|;| and )+{_PAIR})*\W*", re.I)
"""Old and new values and nothing else: '20 to 24, 1500 to 1800'."""
_ENDS: Final = re.compile(r"\W*$|[,;]| (?:and|but|on|with|please|pls|instead)\b", re.I)
_COUNTED: Final = re.compile(r"\b(replicas|gpus|cards|nodes|spares)(?: to)? (\d{1,5})(?=[^\w%]*$|[,;]| and\b)", re.I)
_NAMES: Final = re.compile(
    rf"(?:\bfrom )?(?:{_CODE}|(?<=from )[a-z]+|(?<![\w -])[a-z]+)(?:{_ARROW})(?=(?P<code>[a-z]))", re.I
)
"""A name before an arrow: 'H100 -> H200', 'aws → gcp'."""
_CHANGING: Final = re.compile(
    r"\b(?:grow|rise|raise|increase|decrease|reduce|lower|drop|fall|cut|move|change|shrink|relax|lift|bring|go|goes|went|"
    r"jump|take|set|put|update|adjust|switch|tighten|loosen)(?:s|es|d|ed|ing)?\b[^,;]*$",
    re.I,
)
_PLANNED: Final = (
    ("rps", r"rates?|traffic|load|rps|qps|peak|requests?|mean|average|throughput"),
    ("tokens in", r"prompts?|inputs?|context|questions?"),
    ("tokens out", r"answers?|outputs?|responses?|repl(?:y|ies)|completions?|generations?"),
    ("ms", r"ttft|itl|tpot|e2e|latency|first[- ]token|target|slo"),
    ("s", r"ttft|itl|tpot|e2e|latency|first[- ]token|target|slo"),
    ("x", r"peak|factor"),
    ("replicas", r"replicas?"),
    ("gpus", r"gpus?|cards?|accelerators?|fleet"),
)
"""Units of what a plan has, and the words that name it."""


_SET_ALONE: Final = re.compile(
    r"(?<!hit )(?<!acceptance )\b(?P<what>rate|traffic|load|peak)(?P<how>(?:'s)?(?: rate| load| traffic)? ?"
    r"(?:(?:(?:has )?(?:moved|went|rose|grew|jumped|gone|moves|goes|rises|grows) (?:up |down )?)?to|of|is|are|at|"
    r"was|=|:)?"
    r"(?: (?:just|only|really|more like))*) ?"
    r"(?P<figure>\d+(?:\.\d+)?k?)(?=[^\w%]*$|,(?!\d)|;| (?:and|but|instead|please|pls|then|now)\b)",
    re.I,
)
"""A load without its unit: 'change the peak to 35'; a percentage is none, nor is the hit rate of a cache."""
_MEAN_ALONE: Final = re.compile(
    r"(?:^|(?<=[.;] ))(?P<lead>\W*(?:[a-z]+\W+){0,4}?(?:average|mean|avg)(?: rate| load| traffic)?"
    r"(?: is| of| was| would be|:|=)?"
    r"(?: (?:just|only|really|about|actually|more like))* )"
    r"(?P<figure>\d+(?:\.\d+)?)(?=[^\w%]*$|,(?!\d)|;|\.(?!\d)| (?:by the way|and|but)\b)",
    re.I,
)
"""A mean without its unit: 'our average is only 6'."""
_SIDE_ALONE: Final = re.compile(
    r"(?<![\w.$€£])(?P<figure>\d+(?:\.\d+)?k|\d{3,})(?: tokens?)? (?P<side>in|out)"
    r"(?=\W*$|,(?!\d)| (?:and|on|with|at)\b(?! (?:\d|total|all)))",
    re.I,
)
"""One length by its side: '3k in on H200'."""
_OTHER_MEANS: Final = re.compile(
    r"\b(?:ttft|itl|tpot|e2e|latency|tokens?|prompts?|inputs?|answers?|outputs?|responses?|length|what|does|do)\b", re.I
)
_LARGEST_FACTOR: Final = 10.0
"""Above it a bare figure behind 'peak' is a rate, not a multiple of the mean."""


_LOADS_ALONE: Final = re.compile(
    r"^(?P<lead>\W*(?:(?:so|and|ok|okay|but)\W+)*(?:what (?:happens|breaks first|about) (?:(?:if|when) )?|"
    r"how (?:about|does|would|do|will)\b[^?\d]* |"
    r"(?:does|will|would|can) (?:it|this|that|they|the (?:fleet|plan))\b[^?\d]* )?"
    r"(?:at|(?:if )?(?:we|you|it|they) (?:gets?|sees?|reach(?:es)?|hits?)) )"
    r"(?P<loads>\d+(?:\.\d+)?(?:(?:[?,\s]|\b(?:and|or|then|at)\b)+\d+(?:\.\d+)?)*)(?P<rest>[\s.!?]*$|\?.*)$",
    re.I,
)
"""Loads without their unit: 'what happens at 25? and 30?'."""
_REFUSALS: Final = frozenset({429.0, 503.0})
"""HTTP's answers of a server that takes no more: no loads."""
_FAR: Final = 20.0
"""Times the planned peak, or parts of it, that nobody asks about as a load."""


def _loads(found: re.Match[str], base: Mapping[str, Any]) -> str:
    peak = (base.get(RATE) or 0.0) * usual_ratio(base)
    figures = [float(figure) for figure in re.findall(r"\d+(?:\.\d+)?", found["loads"])]
    if not all(peak / _FAR <= figure <= peak * _FAR and figure not in _REFUSALS for figure in figures):
        return found[0]
    loads = re.sub(r"(\d+(?:\.\d+)?)", r"\1 rps", found["loads"])
    return f"{found['lead']}{loads}{found['rest']}"


_BUDGET: Final = re.compile(r"\b(?:budget|spend\w*|cap|limit)\b", re.I)


_TAIL_ALONE: Final = re.compile(
    r"\b(?P<at>p(?:50|90|95|99)|targets?|slo)"
    r"(?P<how>(?: (?:of|under|below|within|at|to|is|was|were|becomes|should be|has to be|must be|down|up|=|<=?))*) ?"
    r"(?P<figure>\d+(?:\.\d+)?) ?(?P<unit>ms|s)?(?=\W*$|[,;.](?!\d)| (?:and|but|with|please|instead)\b)",
    re.I,
)
"""A target without its metric: 'p95 700', 'a target of 500 ms'."""
_PERCENTILE_ALONE: Final = re.compile(
    r"\W*(?:(?:no|and|ok|sorry|make|set|change|take|use|it|that|to|at|as|i|meant?|it's)\W+)*"
    r"(?P<at>p(?:50|90|95|99))(?:,? (?:not|instead of) p\d\d)?(?: (?:please|then|instead))*[\s.!]*",
    re.I,
)
"""Another percentile of the target: 'make it p99'."""
_METRIC: Final = re.compile(r"\b(?:ttft|itl|tpot|e2e|first[- ]token|end[- ]to[- ]end|between tokens|latency)\b", re.I)


def _with_metric(said: str, base: Mapping[str, Any]) -> str:
    """Return a line with the metric of the plan's one target where it names a percentile and a time alone.

    A percentile alone is of all targets that have the same.
    """
    targets = base.get("targets", ())
    if (alone := _PERCENTILE_ALONE.fullmatch(said)) and len(now := {target.percentile for target in targets}) == 1:
        return f"{alone['at']} instead of {now.pop()}"
    if len({target.metric for target in targets}) != 1:
        return said
    seconds, metric = targets[0].seconds, targets[0].metric.upper()

    def named(found: re.Match[str]) -> str:
        before, figure = found.string[: found.start()], float(found["figure"])
        last = re.split(_METRIC, before)[-1] if _METRIC.search(before) else ""
        # 'ITL 25 and p95 600' has two metrics, 'ITL p50 20, p95 30' and 'ITL at p95 30' one.
        if (last and not re.search(r",|\band\b", last)) or re.search(r"\bp\d\d\b", last):
            return found[0]
        at = found["at"] if found["at"].lower().startswith("p") else targets[0].percentile
        if at != found["at"] and not found["unit"]:
            return found[0]
        unit = found["unit"] or ("ms" if figure > _MOST_BARE_S * seconds else "s")
        to = "to " if found["how"].endswith(" to") else ""
        return f"{metric} {at} {to}{found['figure']} {unit}"

    return _TAIL_ALONE.sub(named, said)


_MOST_BARE_S: Final = 10.0
"""Times the plan's target in seconds: a larger figure without a unit is of milliseconds."""


def _in_requests(found: re.Match[str]) -> str:
    factor = found["what"].lower() == "peak" and _number(found["figure"]) <= _LARGEST_FACTOR
    return found[0] if factor else f"{found['what']}{found['how']} {found['figure']} rps"


def _mean_in_requests(found: re.Match[str]) -> str:
    return found[0] if _OTHER_MEANS.search(found["lead"]) else f"{found['lead']}{found['figure']} rps"


def _as_side(found: re.Match[str]) -> str:
    return f"{'prompts' if found['side'].lower() == 'in' else 'answers'} of {found['figure']} tokens"


def as_moved(said: str, base: Mapping[str, Any]) -> str:
    """Return a line with the new value alone where one moves: behind an arrow, or from the value that the plan has.

    Args:
        said: the line: 'prompts from 500 to 2000 tokens' is a range, where prompts of 500 are not planned.
    """
    said = _IN_ANOTHER_TIME.sub(r"\g<figure> ", _MISSAID.sub("", said))
    said = _NOT_OLD.sub(lambda found: "" if _units(_number(found["old"]), "", base)[1] else found[0], said)
    said = _with_metric(said, base)
    if _PAIRS.fullmatch(said):
        said = re.sub(r" to ", " -> ", said, flags=re.I)
    said = _NAMES.sub("with ", _replaced(said, base))
    said = _MEAN_ALONE.sub(_mean_in_requests, said)
    said = _LOADS_ALONE.sub(lambda found: _loads(found, base), _SET_ALONE.sub(_in_requests, said))
    said = _COUNTED.sub(r"\2 \1", _FIGURES.sub(lambda found: _new(found, base), said))
    return (
        _SIDE_ALONE.sub(_as_side, said) if len(re.findall(r"\dk?(?: tokens?)? (?:in|out)\b", said, re.I)) == 1 else said
    )


_OOPS: Final = r"(?:actually|sorry|sry|oops|wait|no|argh|ah|hm+|my bad|correction|typo|i misspoke)\W+"
_IN_ANOTHER_TIME: Final = re.compile(
    rf"^\W*(?:{_OOPS})*the (?P<figure>\d[\d.,]*k?) (?:is|was|were|are|should be) (?=(?:per|an?|each|every)\b)", re.I
)
"""'The 20 was per minute'."""
_MISSAID: Final = re.compile(
    rf"^\W*(?:{_OOPS})+"
    r"(?:it|that|this)(?:'s| was| were| is| should(?: be| have been))\s+(?=\d)",
    re.I,
)
"""How a line begins that sets a figure right: 'actually it was 20 per minute'."""
INSTEAD: Final = rf"(?:{'|'.join(PHRASES['replacing'].split('|'))}|replacing|statt|anstatt|zamiast)"
_OLD: Final = re.compile(
    rf"\b{INSTEAD}(?: (?:the|our|my|den|die|der|dem|les?|los?|el|la))* (?P<old>{_FIGURE}){_IN.format('unit')}|"
    rf"(?P<off>{_FIGURE}){_IN.format('of')} (?:is|are|was|were|seems?|looks?) (?:much |far |way |a bit )?too [a-z]+|"
    rf"\b(?:not|nicht|pas|no|non) (?P<denied>{_FIGURE}){_IN.format('left')},? (?=(?:but|sondern|mais|sino|ma)\b)",
    re.I,
)
"""The value whose place another takes: '2 s instead of 800 ms', '800 ms is too strict, say 1500', 'not 5 but 6'."""
_NOT_OLD: Final = re.compile(
    rf",? (?:and )?not (?:the )?(?P<old>{_FIGURE}){_IN.format('unit')}(?=\W*$|[,;.?!]|(?: (?:you|anymore|any more)\b))",
    re.I,
)
"""The plan's own value beside the new one: 'our mean is 6 rps, not 20'."""
_SECONDS: Final = re.compile(r"\b(?P<milli>m(?:illi)?)?sec(?:ond)?s?\b", re.I)
_DECIMAL_COMMA: Final = re.compile(r"(?<=\d),(?=\d{1,2}(?!\d))")
_ANY_FIGURE: Final = re.compile(rf"(?P<new>{_FIGURE}){_IN.format('own')}", re.I)


def _replaced(said: str, base: Mapping[str, Any]) -> str:
    """Return a line with the value that takes another's place, where the plan has that: '2 s instead of 800 ms'.

    A target is named by the value that it has; with a third figure in the line nothing is moved.
    """
    plain = _SECONDS.sub(lambda unit: "ms" if unit["milli"] else "s", in_english(_DECIMAL_COMMA.sub(".", said)))
    match = _OLD.search(plain)
    if match is None:
        return said
    others = list(_ANY_FIGURE.finditer(f"{plain[: match.start()]}{' ' * len(match[0])}{plain[match.end() :]}"))
    old = _number(match["old"] or match["off"] or match["denied"])
    given = re.sub("^(?:req|qps).*", "rps", (match["unit"] or match["of"] or match["left"] or "").lower())
    planned = [unit for unit, _ in _PLANNED if any(is_same(old, value) for value in planned_in(unit, base))]
    planned = [unit for unit in planned if not given or unit.split()[0] == given]
    if len(others) != 1 or not planned:
        return said
    new, own = others[0]["new"], (others[0]["own"] or given or planned[0]).lower()
    rest = [clause for clause in _CLAUSES.split(said) if clause.strip(" .?!") and not re.search(r"\d", clause)]
    behind = "".join(f", {clause}" for clause in rest if not re.fullmatch(rf"\W*(?:{INSTEAD})\W*", clause, re.I))
    if planned[0] not in ("ms", "s"):
        return f"with {new} {planned[0] if len(planned) == 1 else own}{behind}"
    seconds = old * (1e-3 if planned[0] == "ms" else 1.0)
    targets = [target for target in base["targets"] if is_same(seconds, target.seconds)]
    return f"with {targets[0].name} within {new} {own}{behind}"


_CLAUSES: Final = re.compile(r"\s*[,;](?!\d)\s*|[.?!]\s+")


def _new(found: re.Match[str], base: Mapping[str, Any]) -> str:
    """Return the value that holds, with the other's unit where it has none; the words as they are where none moves."""
    before, unit = found.string[: found.start()], found["own"] or found["unit"] or ""
    clause = re.split(r"[,;]| and ", before)[-1]
    how, old, sets = found["how"].strip().lower(), _number(found["old"]), _CHANGING.search(before)
    arrow = how != "to" and not how[0].isalpha()
    named, planned = _units(old, clause, base)
    spent = found["from"] and found["old"][0] in "$€£" and _BUDGET.search(clause)
    if how not in ("to", "") and how[0].isalpha():
        arrow = bool(planned)
    if not (
        arrow or spent or (found["from"] and sets) or (planned and (named or found["from"]) and "between" not in clause)
    ):
        return found[0]
    sign = found["old"][0] if found["old"][0] in "$€£" and found["new"][0].isdigit() else ""
    if not unit and len(planned) == 1 and _ENDS.match(found.string, found.end()):
        unit = planned[0].partition(" ")[0] if named else planned[0]
    figure = f"{'to ' if sets else ''}{sign}{found['new'].replace(',', '')}"
    targets = [
        one for one in base.get("targets", ()) if is_same(old * (1e-3 if unit.lower() == "ms" else 1.0), one.seconds)
    ]
    if unit.lower() in ("ms", "s") and targets and not named:
        figure = f"{targets[0].name} within {figure}"
    return f"{figure} {unit}".rstrip() if unit not in ("x", "%") else f"{figure}{unit}"


def _number(figure: str) -> float:
    bare = figure.lower().strip("$€£").replace(",", "")
    return float(bare.rstrip("km")) * {"k": 1e3, "m": 1e6}.get(bare[-1], 1.0)


def _units(old: float, clause: str, base: Mapping[str, Any]) -> tuple[bool, tuple[str, ...]]:
    """Return whether a clause names what is planned, and the units in which the plan has a figure of that."""
    named = [unit for unit, words in _PLANNED if re.search(rf"\b(?:{words})\b", clause, re.I)]
    units = named or [unit for unit, _ in _PLANNED]
    return bool(named), tuple(unit for unit in units if any(is_same(old, value) for value in planned_in(unit, base)))


def planned_in(unit: str, base: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the values of a plan in a unit."""
    rate = base.get(RATE) or 0.0
    seconds = tuple(target.seconds for target in base.get("targets", ()))
    values: dict[str, tuple[float, ...]] = {
        "rps": (rate, rate * usual_ratio(base)),
        "tokens in": (base.get("tokens.input.mean") or 0.0,),
        "tokens out": (base.get("tokens.output.mean") or 0.0,),
        "ms": tuple(1e3 * time for time in seconds),
        "s": seconds,
        "x": (base.get(PEAK) or 0.0,),
        "replicas": (base.get("hardware.replicas") or 0.0,),
        "gpus": (base.get("hardware.accelerator_count") or 0.0,),
    }
    return values[unit]


def is_same(one: float, other: float) -> bool:
    """Return whether two figures are the same but for rounding."""
    return other > 0 and abs(one - other) <= 1e-3 * other
