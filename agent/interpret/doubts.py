"""Where the second, learned reader sees a figure as something else than the rules: it is asked, not taken.

The rules fill fields; ``agent.interpret.roles`` says of each figure of a first line what it probably is. A value that
it finds unlikely becomes a question with both readings. A figure that the rules leave over, and of whose role it is
sure, is proposed.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from agent.fields.demand import HABIT, PRESET, USERS
from agent.interpret.contradictions import RATE
from agent.interpret.demand.joined import join_demand
from agent.interpret.facts.draft import Draft, Finding
from agent.interpret.facts.leftovers import covered
from agent.interpret.facts.reading import Choice
from agent.interpret.facts.settlement import implausible
from agent.interpret.roles.figures import Second, is_figure
from agent.interpret.traffic.how_many import USUAL_HABIT, read_users
from agent.interpret.traffic.loads import count_of
from agent.interpret.words.grammar import UNKNOWN, Item
from agent.interpret.words.ordinary import ASKING
from catalogs.units import show_count, show_figure, show_seconds
from engine.workload import Metric, Target

UNLIKELY: Final = 0.1
"""Probability of all roles that a value may be made of, below which it is doubted."""
LIKELY: Final = 0.5
"""Least probability of the other role."""
_FACTOR: Final = 0.6
"""Probability that a figure multiplies the load, from which it is not passed over: by judgement, as the next."""
_MAY: Final = 0.4
"""The same of a figure beside such a one."""
SURE: Final = 0.8
"""Probability of a role from which a figure that the rules left over is proposed."""
_OF_DEMAND: Final = frozenset("rate daily habit users interval share turns hours peak_factor in_flight".split())
_FACTORS: Final = ("users", "share", "turns", "habit", "interval", "daily", "active_users")
"""Roles by which a load is multiplied or divided."""
_ONE: Final = frozenset({"1", "one", "single"})
_MAKERS: Final = frozenset("run runs running operate maintain maintaining build building manage managing host".split())
"""What is done by people who serve and do not ask: 'our 5 engineers run it'."""
_LENGTH: Final = frozenset({"turns", "percentile", "length_p95", "cached", "daily", "share", "other"})
_FEWEST_WORDS: Final = 4
"""Of a line that is read again: a bare answer and a key with its value tell the second reader too little."""
_MOST_FIGURES: Final = 40
"""Of a line that is read again; more are a paste of tables or logs, whose headings say what they are."""
_CELL: Final = re.compile(r"\t|\|.*\|")
MADE_OF: Final[Mapping[str, frozenset[str]]] = {
    RATE: _OF_DEMAND - {"in_flight"},
    USERS: _OF_DEMAND - {"in_flight"},
    HABIT: _OF_DEMAND - {"in_flight"},
    "traffic.concurrency": frozenset("in_flight batch_cap share users".split()),
    "traffic.calls_per_request": frozenset({"turns", "habit", "rate"}),
    "traffic.peak_factor": frozenset("peak_factor rate daily hours share growth".split()),
    "traffic.surge_requests_per_s": frozenset({"rate"}),
    "tokens.input.mean": _LENGTH | {"prompt", "answer"},
    "tokens.output.mean": _LENGTH | {"answer", "prompt"},
    "tokens.prefix_hit": frozenset({"cached", "prompt", "share"}),
    "serving.context_window": frozenset({"context_window"}),
    "availability.spare_replicas": frozenset({"spares", "failures", "replicas", "nodes"}),
}
"""The roles of figures that a value of a path may be made of; values of other paths have words of their own."""
_KEY: Final = re.compile(r"(?:--[\w-]+[ =]|\w\s?=\s?|[\w\"']\s?:\s*\"?)$")
"""What stands before a figure that is the value of a key, which says what it is."""
WORDS: Final[Mapping[str, str]] = {
    "prompt": "the length of a prompt",
    "answer": "the length of an answer",
    "rate": "requests in a time",
    "daily": "requests in all",
    "users": "how many people there are",
    "in_flight": "requests in flight at once",
    "habit": "what each of them asks",
    "interval": "the time between two requests",
    "share": "a share of them",
    "turns": "calls of one task",
    "gpus": "a number of GPUs",
    "spares": "spares",
    "failures": "failures to survive",
    "context_window": "the context window",
    "cached": "what is the same in each prompt",
    "other": "nothing of the plan",
}
"""What each role is called where it is asked about."""


def ask_where_doubtful(draft: Draft, figures: Sequence[Item], second: Second) -> None:
    """Turn values that the second reader finds unlikely into questions; propose figures that no rule has used.

    Args:
        draft: of the rules.
        figures: the items of the sentence as they were before the rules took any.
        second: of the same line.
    """
    _doubt_roles(draft, second)
    _order_lengths(draft, second)
    left = _left_over(draft, second)
    _propose_users(draft, left)
    join_demand(draft, figures, second)
    _propose(draft, [(item, role) for item, role in left if not item.claimed])
    _doubt_load(draft, second)
    _doubt_habit(draft, second)
    _doubt_preset(draft, second)


def read_again(draft: Draft, items: Sequence[Item], elsewhere: float) -> Second | None:
    """Return the second reading of a first line; none of an answer, or of what is said later.

    Args:
        draft: of the rules.
        items: of the sentence as they were before the rules took any.
        elsewhere: probability that it is about something else than serving language models.
    """
    words, figures = sum(item.word.isalpha() for item in items), sum(map(is_figure, items))
    if draft.known or words < _FEWEST_WORDS or not 0 < figures <= _MOST_FIGURES:
        return None
    from agent.interpret.roles.reader import second_reading

    return Second(elsewhere, second_reading(items))


def _doubt_roles(draft: Draft, second: Second) -> None:
    for start, roles in second.roles.items():
        findings = _made_of(draft, start)
        time = any(item.start == start and item.has("dur") for item in draft.sentence.items)
        if not findings or time or any(finding.path not in MADE_OF for finding in findings):
            continue
        if _is_of_a_key(draft, start):
            continue
        allowed = frozenset().union(*(MADE_OF[finding.path] for finding in findings))
        other = max(roles.keys() - allowed, key=lambda role: roles[role])
        if sum(roles.get(role, 0.0) for role in allowed) < UNLIKELY and roles[other] >= LIKELY:
            _ask(draft, start, findings, other)


def _made_of(draft: Draft, start: int) -> list[Finding]:
    """Return the findings that are made of the figure at a place: those of the narrowest span around it."""
    around = [finding for finding in draft.findings if finding.start <= start < finding.end]
    width = min((finding.end - finding.start for finding in around), default=0)
    return [finding for finding in around if finding.end - finding.start == width]


def _doubt_load(draft: Draft, second: Second) -> None:
    """Ask whether a rate is the whole load where figures of demand beside it came to nothing.

    Of '9M page views a day, 0.4 % of them ask 1.6 questions' the first figure alone is 156 times the load.
    """
    found = next((finding for finding in draft.findings if finding.path == RATE), None)
    if found is None or len(found.options) != 1:
        return
    if not (unused := _factors_left(draft, second)):
        return
    option, said = found.options[0], " ".join(draft.sentence.text[found.start : found.end].split())
    text = f"{said!r}: is that the whole load? Beside it I have not used {', '.join(unused)}."
    draft.findings.remove(found)
    choice = Choice(option.value, f"yes: {option.echo}", option.path or RATE)
    draft.questions.append((text, RATE, (choice,), found.start, found.end))


def _doubt_habit(draft: Draft, second: Second) -> None:
    """Leave no usual habit as the answer at hand where figures of demand beside the people came to nothing."""
    for number, (text, path, choices, start, end) in enumerate(draft.questions):
        if path != RATE or len(choices) != 1 or not choices[0].label.startswith(USUAL_HABIT):
            continue
        if unused := _factors_left(draft, second):
            say = Choice(None, "another habit: say how often each of them asks", RATE)
            told = f"{text} Beside them I have not used {', '.join(unused)}."
            draft.questions[number] = (told, path, (say, replace(choices[0], usual=False)), start, end)


def _factors_left(draft: Draft, second: Second) -> list[str]:
    """Return the figures, as said, that no rule has used though they probably multiply the load."""
    chances = {item.start: chance for item in _unused(draft, second) if (chance := _chance(draft, item, second)) > _MAY}
    unused = [item for item in draft.sentence.items if item.start in chances]
    parts = [item.number.value for item in draft.sentence.items if item.has("pct")]
    if len(parts) > 1 and abs(sum(parts) - 1) < 0.01:
        return []  # parts of the load, which together are all of it
    # '80 % of it is from Asia' changes no load; '0.5 % of visits ask' does.
    told = any(not item.has("pct") or _behind(draft, item) & ASKING for item in unused)
    if max(chances.values(), default=0.0) < _FACTOR or not told:
        return []
    return [repr(draft.sentence.text[item.start : item.end]) for item in unused]


def _doubt_preset(draft: Draft, second: Second) -> None:
    """Ask whether a kind of traffic gives the lengths where figures of lengths beside its name came to nothing."""
    found = next((finding for finding in draft.findings if finding.path == PRESET), None)
    if found is None or all(map(draft.has, _SIDES.values())):
        return
    taken = covered(draft)
    for start, end in draft.dropped:
        taken[start:end] = b"\x01" * (end - start)
    unused = [
        repr(draft.sentence.text[item.start : item.end])
        for item in draft.sentence.items
        if not (item.claimed or taken[item.start])
        and sum(second.roles.get(item.start, {}).get(role, 0.0) for role in _OF_A_LENGTH) >= LIKELY
    ]
    if unused:
        option, said = found.options[0], " ".join(draft.sentence.text[found.start : found.end].split())
        text = f"{said!r}: fill in what is usual of such traffic? Beside it I have not used {', '.join(unused)}."
        draft.findings.remove(found)
        draft.questions.append((text, PRESET, (Choice(option.value, f"yes: {option.echo}"),), found.start, found.end))


def _chance(draft: Draft, item: Item, second: Second) -> float:
    """Return how likely a figure multiplies the load."""
    items, at = draft.sentence.items, draft.sentence.items.index(item)
    before = items[at - 1].word if at else ""
    if item.word in _ONE or before == "top" or _behind(draft, item) & _MAKERS:
        return 0.0
    after = items[at + 1] if at + 1 < len(items) else None
    if item.has("num") and after and ((after.kinds <= UNKNOWN and after.word.isalpha()) or after.has("part")):
        return (
            0.0  # '300 containers': the demand that is counted by other nouns is joined before; two thirds are a share
        )
    return sum(second.roles[item.start].get(role, 0.0) for role in _FACTORS)


def _behind(draft: Draft, item: Item) -> frozenset[str]:
    """Return the next three words."""
    at = draft.sentence.items.index(item)
    return frozenset(other.word for other in draft.sentence.items[at + 1 : at + 4])


def _unused(draft: Draft, second: Second) -> list[Item]:
    """Return the figures that the second reader has read and no rule has used or let go of."""
    taken = covered(draft)
    for start, end in draft.dropped:
        taken[start:end] = b"\x01" * (end - start)
    return [
        item
        for item in draft.sentence.items
        if item.start in second.roles
        and not (item.claimed or taken[item.start])
        and not _is_of_a_key(draft, item.start)
    ]


def _is_of_a_key(draft: Draft, start: int) -> bool:
    """Whether a figure is the value of a key or a cell of a table, whose heading says what it is."""
    text = draft.sentence.text
    return _CELL.search(text) is not None or _KEY.search(text, max(0, start - 40), start) is not None


def _ask(draft: Draft, start: int, findings: list[Finding], role: str) -> None:
    """Put a question with both readings in the place of what the rules made of a figure."""
    item = next(item for item in draft.sentence.items if item.start <= start < item.end)
    first = findings[0]
    said = " ".join(draft.sentence.text[first.start : first.end].split())
    figure = draft.sentence.text[item.start : item.end]
    choices = [Choice(option.value, option.echo, option.path or first.path) for option in first.options]
    choices += _proposals(item, role)
    which = f"{said!r}: which is meant?"
    text = which if len(choices) > 1 else f"{said!r}: is that so, or is {figure} {WORDS.get(role, 'something else')}?"
    draft.findings[:] = [finding for finding in draft.findings if finding not in findings]
    draft.questions.append((text, first.path, tuple(choices), first.start, first.end))


def _order_lengths(draft: Draft, second: Second) -> None:
    """Put the likelier of prompt and answer first where the rules ask which of them a length is."""
    for number, (text, path, choices, start, end) in enumerate(draft.questions):
        if {choice.path for choice in choices} != set(_SIDES.values()) or len(choices) != len(_SIDES):
            continue
        inside = [roles for at, roles in second.roles.items() if start <= at < end]
        chances = {_SIDES[side]: sum(roles.get(side, 0.0) for roles in inside) for side in _SIDES}
        likely = max(chances, key=lambda side: chances[side])
        if chances[likely] >= max(LIKELY, SURE * sum(chances.values())):
            ordered = sorted(choices, key=lambda choice: choice.path != likely)
            first = replace(ordered[0], usual=True)
            draft.questions[number] = (text, path, (first, *ordered[1:]), start, end)


_OF_A_LENGTH: Final = ("prompt", "answer", "length_p95")
_SIDES: Final = {"prompt": "tokens.input.mean", "answer": "tokens.output.mean"}


# --- what no rule has used ------------------------------------------------------------------------------------------


def _left_over(draft: Draft, second: Second) -> list[tuple[Item, str]]:
    """Return the figures that no rule has used, each with the role of which the reader is sure, the surest first."""
    if not (draft.findings or draft.questions) or (second.elsewhere >= LIKELY and draft.value("model") is None):
        return []
    found: list[tuple[float, Item, str]] = []
    for item in _unused(draft, second):
        roles = second.roles[item.start]
        role = max(roles, key=lambda one: roles[one])
        if roles[role] >= SURE:
            found.append((roles[role], item, role))
    return [(item, role) for _, item, role in sorted(found, key=lambda one: -one[0])]


def _propose_users(draft: Draft, left: list[tuple[Item, str]]) -> None:
    """Ask how often people ask whose number was left over."""
    items = draft.sentence.items
    item = next((item for item, role in left if role == "users" and item.has("num")), None)
    if item is None or draft.has(RATE) or draft.has(USERS) or draft.has("traffic.concurrency"):
        return
    at = items.index(item)
    noun = items[at + 1].word if at + 1 < len(items) and items[at + 1].word.isalpha() else ""
    read_users(draft, count_of(item.number), at, at + bool(noun), noun or "users")


def _propose(draft: Draft, left: list[tuple[Item, str]]) -> None:
    """Propose the figures that were left over."""
    for item, role in left:
        if item.claimed:
            continue
        at = draft.sentence.items.index(item)
        proposals = [choice for choice in _proposals(item, role) if not draft.has(choice.path)]
        if proposals:
            said = draft.sentence.text[item.start : item.end]
            text = f"{said!r}: {proposals[0].label}?"
            draft.ask(proposals[0].path, at, at, text, [_only(choice) for choice in proposals])


def _only(choice: Choice) -> Choice:
    return Choice(choice.value, f"yes: {choice.label}", choice.path, usual=True)


def _proposals(item: Item, role: str) -> list[Choice]:
    """Return what a figure gives as a role, where it can be one without more being said."""
    if item.amount is None or len(item.number.values) != 1 or (made := _AS_ROLE.get(role)) is None:
        return []
    kind, path, value, label = made
    if not item.has(kind) or implausible(path, value(item.number.value)):
        return []
    return [Choice(value(item.number.value), label(item.number.value), path)]


def _tokens(noun: str) -> Callable[[float], str]:
    return lambda value: f"{noun} of {show_count(value)} tokens on average"


def _limit(metric: Metric) -> Callable[[float], tuple[Target]]:
    return lambda seconds: (Target(metric=metric, percentile="p95", seconds=seconds),)


_AS_ROLE: Final[Mapping[str, tuple[str, str, Callable[[float], object], Callable[[float], str]]]] = {
    "prompt": ("num", "tokens.input.mean", lambda value: value, _tokens("prompts")),
    "answer": ("num", "tokens.output.mean", lambda value: value, _tokens("answers")),
    "in_flight": ("num", "traffic.concurrency", lambda value: value, lambda v: f"{show_count(v)} requests in flight"),
    "context_window": ("num", "serving.context_window", int, lambda v: f"context window of {show_count(v)} tokens"),
    "cached": ("pct", "tokens.prefix_hit", lambda v: v, lambda v: f"{v:.0%} of prompt tokens are the same"),
    "turns": ("num", "traffic.calls_per_request", lambda v: v, lambda v: f"{show_figure(v)} calls for each request"),
    "peak_factor": ("mult", "traffic.peak_factor", lambda v: v, lambda v: f"peak {show_figure(v)} × the mean"),
    "ttft": ("dur", "targets", _limit("ttft"), lambda v: f"TTFT p95 {show_seconds(v)}"),
    "e2e": ("dur", "targets", _limit("e2e"), lambda v: f"E2E p95 {show_seconds(v)}"),
}
"""Of a role: the kind of figure, the path, its value and how it is said."""
