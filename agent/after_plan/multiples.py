"""What a clause multiplies: 'traffic doubles', 'half as long answers', '20% more requests'."""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from agent.fields.demand import RATE, USERS
from agent.interpret.traffic.peaks import load_shown, mean_follows, usual_ratio
from agent.interpret.words.numerals import in_figures
from agent.talk.answer_display import value_shown
from agent.talk.requests import Unclear
from catalogs.units import show_figure

_NUMBER: Final = r"\d+(?:\.\d+)?"
_FACTOR: Final = re.compile(
    r"(?P<double>\bdoubl(?:e|es|ed|ing)\b|\btwice\b)|(?P<triple>\btripl(?:e|es|ed|ing)\b|\bthrice\b)"
    r"|(?P<quadruple>\bquadrupl(?:e|es|ed|ing)\b)"
    r"|(?P<share>\b(?:hal(?P<half>f|ve|ves|ved|ving)|"
    r"(?P<parts>a|[1-4]) (?P<part>third|quarter|fifth|tenth)s?)\b)"
    r"(?! (?:of )?an? (?:second|sec|minute|hour|day|week|month|year|million|billion|thousand|dozen)\b)"
    r"(?: (?P<beside>as (?:much|many|long)(?: [a-z]+){0,2} again|again(?: as (?:much|many|long))?|"
    r"more|higher|longer|larger|less|fewer|lower|shorter|smaller)\b)?"
    r"|(?P<percent>(?:\bby )?(?:(?<![\w.%])(?<!\d )(?P<sign>[-+−–]) ?|(?<![\w.]))\d+(?:\.\d+)?\s*(?:%|percent)"
    r"(?: (?P<way>more|higher|longer|larger|less|fewer|lower|shorter|smaller))?)"
    rf"|(?P<times>(?<![\w.])(?:(?P<number>{_NUMBER})\s*(?:x|×|times|-?fold|fois|veces|倍)|[x×]\s*(?P<after>{_NUMBER})|"
    rf"by (?:a )?factor (?:of )?(?P<of>{_NUMBER}))(?![\w-])|(?:÷|\bdivided by) ?(?P<over>{_NUMBER}))",
    re.I,
)
_SUBJECTS: Final = (
    ("peak", re.compile(r"\b(peaks?( factor)?|busiest hour)\b", re.I)),
    ("answer", re.compile(r"\b(answers?|outputs?|responses?|completions?|repl(y|ies)|generations?)\b", re.I)),
    ("prompt", re.compile(r"\b(prompts?|inputs?|documents?|questions?(?=.*\b(?:long|short)))\b", re.I)),
    ("growth", re.compile(r"\bgrowth\b", re.I)),
    ("budget", re.compile(r"\bbudget\b", re.I)),
    (
        "traffic",
        re.compile(
            r"\b(traffic|loads?|requests?|(?<!hit )rates?|rps|qps|users?|customers?|people|volume|demand|concurrency|"
            r"calls?|tickets?|questions?|sessions?|chats?|conversations?|agents?|employees|students|visitors?|messages?|e?mails?|searches|"
            r"queries|claims|orders)\b",
            re.I,
        ),
    ),
    (
        "target",
        re.compile(r"\b(?:(?:ttft|itl|tpot|e2e|latency)(?: (?:targets?|slos?|limits?))?|targets?|slos?)\b", re.I),
    ),
)
METRICS: Final = {
    "ttft": r"ttft|first[- ]token|first[- ]word",
    "itl": r"\bitl\b|tpot|between tokens",
    "e2e": r"e2e|end[- ]to[- ]end",
}
"""Words for what a target is of."""
_FALLS: Final = re.compile(
    r"\b(drop|drops|fall|falls|shrink|shrinks|decrease|decreases|reduc\w+|less|fewer|lower|shorter|smaller|cut|cuts|down|tighten\w*)\b",
    re.I,
)
_RISES: Final = re.compile(
    r"\b(grow|grows|grew|rises?|raises?|increases?|more|higher|longer|larger|up|jumps?|boost|bump|push|gains?|extra|"
    r"additional|relax|loosen)\b",
    re.I,
)
_NO_FACTOR: Final = re.compile(
    r"\b(cached?|caching|prefix|hits?|acceptance|accept(?:s|ed)?|utili[sz]ation|reused?|"
    r"identical|the same|always|repeated|constant|"
    r"shared|yearly|annually|ttft|itl|tpot|latency|within|every|"
    r"(a|an|per|each) (second|sec|minute|min|hour|day|week|month|quarter|year))\b|\brequests? (under|below|in)\b",
    re.I,
)
"""Beside these a number is a share, a pace or a percentile."""
_LEAVES: Final = re.compile(
    r"\b(lose|loses|lost|losing|drop\w*|fall|falls|fell|shrinks?|decreases?|declines?|cuts?|minus|reduc\w+|leaves?|left|gone|"
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
    r"increase|rise|jump|drop|decrease|reduction|fall|in|"
    r"around|the|an?|of|as|to|at|with|when|if|once|now|please|then|so|and|let's|say|make|next (?:year|month|week)|"
    r"load)\b|[^\w\s]",
    re.I,
)
"""Who says so, and fillers: beside them a factor has no subject but the load."""
_OF_REQUESTS: Final = re.compile(r" of (?:the |all |our )?(?:requests|calls|cases|queries)\b", re.I)
"""Behind a share it is of some requests: 'prompts are 8,000 tokens for 10% of requests'."""
_BECOMES: Final = re.compile(r"\b(?:becomes?|gets|grows?|goes up|rises?|increases?)\b", re.I)
_IS_LONG: Final = re.compile(
    r"\b(?:are|is|have|has|reach|hit|get|take|run to|up to)(?: (?:about|around|roughly|up to))? "
    r"\d[\d,]*k?\b(?! ?(?:%|percent))",
    re.I,
)
"""Before a share it is of those that are so long: 'some prompts are 100k, maybe 1 percent'."""
_LENGTHS: Final = re.compile(r"\b(long|longer|short|shorter|length|lengths|tokens?)\b", re.I)


def factor_in(text: str) -> float | None:
    """Return the first factor that a line names, but for shares: 8 in '8x for six hours'."""
    text = in_figures(text)
    found = (match for match in _FACTOR.finditer(text) if not match["percent"])
    match = next(found, None)
    return None if match is None else _factor(match, text)


def corrected_factor(before: str, after: str) -> str:
    """Return a clause with a factor alone in the place of its own: 'peak doubles' and 'triples' as 'peak triples'."""
    said, meant = _FACTOR.search(before), _FACTOR.fullmatch(in_figures(after).strip())
    return f"{before[: said.start()]}{after}{before[said.end() :]}" if said and meant else after


def with_shared_factor(clauses: list[str]) -> list[str]:
    """Return clauses, a subject alone with the factor of the one beside it: 'prompts', 'answers twice as long'."""
    made = list(clauses)
    for at, clause in enumerate(clauses):
        name, whole = _subject_of(clause)
        if whole is None or re.sub(r"\b(?:the|our|also|both|lengths?|tokens?)\b", "", clause).strip() != whole[0]:
            continue
        for beside in clauses[max(0, at - 1) : at] + clauses[at + 1 : at + 2]:
            other, own = _subject_of(beside)
            if own and other != name and _FACTOR.search(_in_percent(beside)):
                made[at] = f"{beside[: own.start()]}{clause}{beside[own.end() :]}"
    return made


def _subject_of(clause: str) -> tuple[str, re.Match[str] | None]:
    """Return what a clause is about, and where it is named."""
    found = ((name, pattern.search(clause)) for name, pattern in _SUBJECTS)
    return next((one for one in found if one[1]), ("", None))


def scaled(clause: str, base: Mapping[str, Any]) -> list[tuple[str, Any, str]] | Unclear | None:
    """Return what a clause multiplies: path, new value, label; None where it multiplies nothing.

    An empty list: it says that nothing is multiplied ('don't double it').
    """
    clause = _in_percent(clause)
    match = _FACTOR.search(clause)
    if match is None:
        return None
    around = f"{clause[: match.start()]} {clause[match.end() :]}"
    subject = _subject_of(around)[0]
    if _is_no_factor(clause, match, subject, around) or _FACTOR.search(clause, match.end()):  # of two, none is lost
        return None
    if _NOT.search(clause[: match.start()]):
        return []
    if _is_of_some(clause, match, subject, around):
        return None
    if subject == "traffic" and _LENGTHS.search(around) and re.search(r"\b(requests?|calls?)\b", around, re.I):
        subject = "lengths"
    named = subject or re.search(r"\bas (?:much|many)\b", around, re.I)
    # "what if it doubles", "marketing says 3x" are about the traffic; "2x H100", "50%" are not about a factor.
    if not named and (match["percent"] or _HEARSAY.sub(" ", around).strip()):
        return None
    factor = _factor(match, clause)
    made = _scaled_values(subject or "traffic", factor, base, around)
    if (
        (subject or "traffic") == "traffic"
        and isinstance(made, list)
        and base.get(USERS)
        and re.search(rf"\b{_PEOPLE}\b", around, re.I)
    ):
        users = base[USERS] * factor
        made.append((USERS, users, f"users × {show_figure(factor)}: {value_shown(USERS, users)}"))
    return made


def _is_no_factor(clause: str, match: re.Match[str], subject: str, around: str) -> bool:
    """Return whether a figure is a share, a pace, a percentile or a growth, which the reader reads."""
    numeric = match["times"] or match["percent"]
    if _AGAIN_AND_AGAIN.search(clause):
        return True
    if subject == "target":
        named = re.search(r"\b(?:targets?|slos?)\b", around, re.I)
        return bool(re.search(r"(?<!\bp)\d", around) or (numeric and not named))
    return bool(numeric and _NO_FACTOR.search(clause))


def _is_of_some(clause: str, match: re.Match[str], subject: str, around: str) -> bool:
    """Return whether a share says what a part of the load is like, or a multiple states a factor: 'peak 2x'."""
    part = (match["share"] or match["percent"]) and not _LEAVES.search(clause) and _DESCRIBES.match(clause, match.end())
    some = subject in ("prompt", "answer") and match["percent"]
    some = some and (_OF_REQUESTS.match(clause, match.end()) or _IS_LONG.search(clause[: match.start()]))
    states = subject in ("peak", "growth") and (match["times"] or match["percent"]) and not _BECOMES.search(around)
    return bool(part or some or states)


def _scaled_targets(around: str, factor: float, base: Mapping[str, Any]) -> list[tuple[str, Any, str]] | Unclear:
    """Return the targets with those of the metric that the words name, or all, multiplied."""
    stated, named = base.get("targets", ()), [name for name, words in METRICS.items() if re.search(words, around, re.I)]
    moved = tuple(replace(one, seconds=one.seconds * factor) for one in stated if not named or one.metric in named)
    if not moved:
        return Unclear("No such target was stated: say it whole, 'with TTFT p95 800 ms'.")
    kept = tuple(one for one in stated if named and one.metric not in named)
    return [("targets", kept + moved, f"target × {show_figure(factor)}: {value_shown('targets', moved)}")]


_AGAIN_AND_AGAIN: Final = re.compile(r"\b(?:every|each) (?:\d+ |[a-z]+ )?(?:months?|quarters?|years?)\b", re.I)
_SECOND: Final = r"(?:rps|qps|(?:requests?|calls?|queries) ?(?:/|per|a|an|every|each) ?s(?:ec(?:ond)?)?\b)"
_PEOPLE: Final = r"(?:users?|people|persons?|colleagues|customers?|employees|seats?|visitors|students)"
_MORE: Final = r"(?:more(?! or less)|extra|additional|further)"
_LESS: Final = r"(?:fewer|less)"
_SIGNED: Final = r"(?<![\w.%])(?<!\d )"
"""Before a sign: '10 - 20 rps' is a range. A line that begins with a minus is a negative figure, which is refused."""
_PACE: Final = r"(?! (?:a|an|per|every|each) (?:day|week|month|quarter|year)\b)"
"""Not behind what is added: '500 more users a month' is a growth."""


def _change_of(what: str) -> re.Pattern[str]:
    """Return how more or less of something is said: '20 more rps', 'another 900 people', 'traffic drops by 5 rps'."""
    return re.compile(
        rf"(?:(?:\b(?:another|an extra|plus|up|add(?:s|ing)?|gain(?:s|ing)?)|{_SIGNED}\+) ?(?P<plus>{_NUMBER}|an?\b)|"
        r"(?:\b(?:minus|down|tak(?:e|es|ing) away|remov(?:e|es|ing)|subtract|los(?:e|es|ing|t)|drop(?:s|ping)?|"
        r"cut(?:s|ting)?|shed)|"
        rf"(?<=[a-z:] ){_SIGNED}[-−–]) ?(?P<minus>{_NUMBER}|an?\b)|\bby (?:about |another )?(?P<by>{_NUMBER})|"
        rf"\b(?P<first>{_NUMBER}) (?:{_MORE}|(?P<less>{_LESS})))(?: of)?(?: (?:our|the|these))? ?{what}\b{_PACE}|"
        rf"\b(?P<another>another) {what}\b{_PACE}|\b{what}\b.*\bby (?:about |another )?\$? ?(?P<bare>{_NUMBER})"
        rf"(?: (?:a|per) month)?$|"
        rf"\b(?P<last>{_NUMBER}) {what} (?:{_MORE}|longer|on top|join|sign up|"
        rf"(?P<under>{_LESS}|shorter|leave|quit|churn|are gone|go away))\b",
        re.I,
    )


_EITHER: Final = "tokens.{}.mean"
"""Prompts or answers, whichever the clause names."""
_ADDED: Final = tuple(
    (_change_of(what), path, noun)
    for what, path, noun in (
        (_SECOND, "traffic.requests_per_s", "requests/s"),
        (_PEOPLE, USERS, "users"),
        (r"(?:(?:prompts?|inputs?|answers?|outputs?|responses?) )?tokens?", _EITHER, "tokens"),
        (r"(?:(?:hot |warm )?(?:spares?|stand-?bys?)(?: replicas?)?)", "availability.spare_replicas", "spare replicas"),
        (r"(?:dollars?(?: (?:a|per) month)?|budget)", "money.monthly_budget_usd", "dollars a month"),
        (r"(?:gpus?|cards?|accelerators?)", "hardware.accelerator_count", "accelerators"),
        (r"(?:nodes?|machines?|servers?)", "hardware.nodes", "nodes"),
        (r"replicas?", "hardware.replicas", "replicas"),
    )
)
"""What is added to a plan or taken from it in its own unit."""
_NOT: Final = re.compile(
    r"\b(?:(?:do|does|did|is|are|will|would|should|must)(?:n'?t| not)|won'?t|never|not)\b(?! (?:only|just|more|less))"
    r"(?: [\w']+){0,3} ?$",
    re.I,
)
_DESCRIBES: Final = re.compile(
    r" of (?:(?:our|the|all|my|these|every|each) ){0,2}+(?!what\b|(?:that )?lengths?\b)[\w-]+ (?!(?:now|today|again|"
    r"instead|only|please|next|each|this|from|at|in|on|with|for|then|as|we|i|per|a|an|the|would|will|actually|really|ever|uses?|joins?|rate|traffic|load|volume|users?|requests?|tokens?|more|fewer|less|"
    r"longer|shorter|extra)\b)[a-z]",
    re.I,
)
"""Behind a share it says what that part of the load is like: 'a third of the load is batch'."""


def added(clause: str, base: Mapping[str, Any]) -> list[tuple[str, Any, str]] | Unclear | None:
    """Return what a clause adds to the load or takes from it, as ``scaled``; None where it does neither.

    Users and the load move together: each asks what each asked before.

    Args:
        base: values of the plan that is changed, by path.
    """
    clause = _in_percent(clause)
    for pattern, path, noun in _ADDED:
        if (match := pattern.search(clause)) is None:
            continue
        if _NOT.search(clause[: match.start()]):
            return []
        if path.startswith("hardware.") and match[0].lower().startswith("los"):
            continue  # to lose a machine is a failure
        falls = bool(match["minus"] or match["less"] or match["under"])
        if match["by"] or match["bare"]:
            falls = bool(_FALLS.search(clause) or _LEAVES.search(clause))
            if not falls and not _RISES.search(clause) and not _GAINS.search(clause):
                continue
        side = next((side for side, words in _SIDES.items() if re.search(rf"\b{words}\b", clause, re.I)), "")
        if path == _EITHER and (not side or len(re.findall(r"\d+", clause)) > 1):
            continue
        said = next(match[name] for name in ("plus", "minus", "by", "first", "another", "bare", "last") if match[name])
        return _sum(path.format(side), noun, float(said) if said[0].isdigit() else 1.0, falls, base)
    return None


_SIDES: Final = {"output": r"(?:answers?|outputs?|responses?|repl(?:y|ies)|out)", "input": r"(?:prompts?|inputs?|in)"}
_ONE_IN: Final = re.compile(
    rf"\b([1-9]) (?:in|out of)(?: every)? ([1-9]\d*)(?: of)?(?: our| the)? (?={_PEOPLE}\b)", re.I
)
"""A part of them: 'one in five users leaves'."""
_FRACTION: Final = re.compile(r"(?<![\w./])([1-9])/([1-9]\d?)(?= (?:of|more|fewer|less|higher|lower)\b)", re.I)
_FOLD: Final = re.compile(r"\b(two|three|four|five|six|seven|eight|nine|ten|twenty|hundred)-?fold\b", re.I)


def _in_percent(clause: str) -> str:
    """Return a clause with its numbers in figures, 'one in five users' as '20% of users'."""
    figures = in_figures(_FOLD.sub(r"\1 fold", clause))
    parts = _ONE_IN.sub(lambda part: f"{100 * int(part[1]) / int(part[2]):.12g}% of ", figures)
    return _FRACTION.sub(lambda part: f"{100 * int(part[1]) / int(part[2]):.12g}%", parts)


_EXAMPLES: Final = {
    USERS: "'with 2,400 users, 10 questions a day each'",
    "traffic.requests_per_s": "'20 requests/s'",
    "money.monthly_budget_usd": "'under $20k a month'",
    "hardware.accelerator_count": "'with 8 GPUs'",
    "hardware.nodes": "'with 2 nodes'",
    "hardware.replicas": "'with 4 replicas'",
}
"""How all of something is said, by path."""


def _sum(
    path: str, noun: str, figure: float, falls: bool, base: Mapping[str, Any]
) -> list[tuple[str, float, str]] | Unclear:
    """Return a value with something added or taken, and what moves with it: users and their load move together."""
    old, spares = base.get(path) or 0, path == "availability.spare_replicas"
    whole = spares or path.startswith("hardware.")
    if not old and not spares:
        example = _EXAMPLES.get(path, "'with 8 of them'")
        return Unclear(
            f"How many {noun} there are was not said, so that {show_figure(figure)} {'fewer' if falls else 'more'} of"
            f" them is no figure: say all of them ({example}), or a factor ('traffic × 1.3')."
        )
    # Added to a load that was given at its peak, it is requests/s there.
    moved = figure / usual_ratio(base) if path == RATE and mean_follows(base) else figure
    new = old - moved if falls else old + moved
    if new < 0 or (not new and not spares):
        return Unclear(f"There are {show_figure(old)} {noun}; {show_figure(figure)} fewer leave none.")
    new = int(new) if whole else new
    shown = load_shown(new, base) if path == RATE else value_shown(path, new)
    label = f"{noun} {'−' if falls else '+'} {show_figure(figure)}: {shown}"
    load = _scaled_values("traffic", new / old, base) if path == USERS else []
    return [(path, new, label), *(load if isinstance(load, list) else [])]


def _scaled_values(
    subject: str, factor: float, base: Mapping[str, Any], around: str = ""
) -> list[tuple[str, Any, str]] | Unclear:
    if subject == "target":
        return _scaled_targets(around, factor, base)
    paths = {
        "peak": ("traffic.peak_factor",),
        "answer": ("tokens.output.mean",),
        "prompt": ("tokens.input.mean",),
        "growth": ("traffic.growth_per_year",),
        "budget": ("money.monthly_budget_usd",),
        "lengths": ("tokens.input.mean", "tokens.output.mean"),
        "traffic": ("traffic.concurrency",) if base.get("traffic.concurrency") else ("traffic.requests_per_s",),
    }[subject]
    made: list[tuple[str, Any, str]] = []
    for path in paths:
        old = base.get(path) or {"traffic.peak_factor": 1.5}.get(path)
        if not old:
            return Unclear(f"There is no {subject} to multiply: none was given. Say it as a figure instead.")
        new = old * factor
        whole = float(max(1, round(new)))
        value = int(whole) if path == "traffic.concurrency" else new
        noun = {"lengths": "prompt and answer lengths"}.get(
            subject, subject if subject in ("traffic", "peak", "growth", "budget") else f"{subject}s"
        )
        shown = load_shown(value, base) if path == RATE else value_shown(path, value)
        made.append((path, value, f"{noun} × {show_figure(factor)}: {shown}"))
        side = path.removesuffix(".mean")
        # A spread that was said as a percentile is in tokens too, and moves with the mean.
        if path.endswith(".mean") and base.get(f"{side}.p95"):
            made.append((f"{side}.p95", base[f"{side}.p95"] * factor, made[-1][2]))
    return made


def _factor(match: re.Match[str], clause: str) -> float:
    if match["share"]:
        return _of_share(match, clause)
    named = next((times for name, times in _NAMED_FACTORS.items() if match[name]), None)
    if named or match["times"]:
        times = named or float(match["number"] or match["after"] or match["of"] or match["over"])
        before = clause[: match.start()]
        falls = match["over"] or _LOWER.match(clause, match.end())
        falls = falls or (match["times"] and _LEAVES.search(before) and not _GOAL.search(before))
        return 1 / times if falls and times else times
    number = re.search(r"\d+(?:\.\d+)?", match["percent"])
    share = float(number[0]) / 100 if number else 0.0
    way = match["way"] or clause
    if not match["sign"] and _GOAL.search(clause[: match.start()]):
        return share
    if (match["sign"] or "+") != "+" or (not match["sign"] and (_FALLS.search(way) or _LEAVES.search(way))):
        return max(0.0, 1 - share)
    by = match["percent"].lower().startswith("by")
    return 1 + share if match["sign"] or by or _RISES.search(way) else share


_NAMED_FACTORS: Final = {"double": 2.0, "triple": 3.0, "quadruple": 4.0}
_LOWER: Final = re.compile(r" (?:less|fewer|lower|shorter|smaller|drop|decrease|reduction|fall|cut)\b", re.I)
"""Behind a factor it divides: '3x lower', 'a tenfold drop'."""


def _of_share(match: re.Match[str], clause: str) -> float:
    """Return the factor of a fraction: what is left of it where it is lost, more than 1 where it comes on top."""
    count = 1 if match["half"] or match["parts"].lower() == "a" else int(match["parts"])
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
