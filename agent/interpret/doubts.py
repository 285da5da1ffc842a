"""Where the second, learned reader sees a figure as something else than the rules: it is asked, not taken.

The rules fill fields; ``agent.interpret.roles`` says of each figure of a first line what it probably is. A value that
it finds unlikely becomes a question with both readings. A figure that the rules leave over, and of whose role it is
sure, is proposed.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from agent.fields.demand import HABIT, PRESET, RATE, USERS
from agent.interpret.beside_wish.present import CARD
from agent.interpret.demand.joined import demand_line, join_demand
from agent.interpret.demand.rest import ask_whole_load, is_of_a_key, unused_figures
from agent.interpret.facts.draft import Draft, Finding, Option
from agent.interpret.facts.reading import Ambiguity, Choice
from agent.interpret.facts.settlement import implausible
from agent.interpret.lengths_and_times.totals import LONGEST_LENGTH
from agent.interpret.roles.figures import Second, is_figure
from agent.interpret.traffic.growth import GROWTH
from agent.interpret.traffic.how_many import USUAL_HABIT, read_users
from agent.interpret.traffic.loads import ask_of_signed_in, at_once, count_of, part_of_users
from agent.interpret.words.grammar import Item
from agent.interpret.words.ordinary import ORDINARY
from catalogs.units import show_count, show_figure, show_percent, show_seconds
from engine.workload import Metric, Target

UNLIKELY: Final = 0.1
"""Probability of all roles that a value may be made of, below which it is doubted."""
LIKELY: Final = 0.5
"""Least probability of the other role."""
SURE: Final = 0.8
"""Probability of a length from which one that the rules left over is proposed, of which some are parts of others."""
LEFT_OVER: Final = 0.6
"""The same of other roles: of hands that were left out 84 % of such figures are what the reader has them for."""
_EQUAL: Final = 0.01
"""Relative difference of sums that are one, of rounded figures."""
_OF_TODAY: Final = 0.4
"""Probability of being of today from which a figure that the rules take for wanted may be asked about: on hands that
were left out 30 figures are, 26 of them rightly, of 112 of today that the rules take and 2,825 that are wanted."""
_WANTED: Final = 0.1
"""The same below which a figure is of what is wanted, by judgement."""
_FLEET: Final = ("hardware.accelerator_count", "hardware.replicas", "hardware.nodes")
_LOADS: Final = (RATE, USERS, "traffic.concurrency")
_OF_DEMAND: Final = frozenset("rate daily habit users interval share turns hours peak_factor in_flight".split())
_OF_LOADS: Final = _OF_DEMAND | {"growth"}
_LENGTH: Final = frozenset({"turns", "percentile", "length_p95", "cached", "daily", "share", "other"})
_FEWEST_WORDS: Final = 4
"""Of a line that is read again: a bare answer and a key with its value tell the second reader too little."""
_MOST_FIGURES: Final = 40
"""Of a line that is read again; more are a paste of tables or logs, whose headings say what they are."""
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
WORDS: Final[Mapping[str, str]] = {
    "prompt": "the length of a prompt", "answer": "the length of an answer", "length_p95": "a length that few exceed",
    "cached": "what is the same in each prompt", "context_window": "the context window",
    "rate": "requests in a time", "daily": "requests in all", "users": "how many people there are",
    "in_flight": "requests in flight at once", "habit": "what each of them asks", "share": "a share of them",
    "interval": "the time between two requests", "turns": "calls of one task", "hours": "hours of the day",
    "peak_factor": "the peak over the mean", "growth": "growth", "horizon": "how far ahead is planned",
    "ttft": "the time until the first token", "itl": "the time between tokens", "e2e": "the time of a whole answer",
    "stream_speed": "tokens a second of one reader", "total_speed": "tokens a second in all",
    "gpus": "a number of GPUs", "nodes": "a number of nodes", "replicas": "a number of replicas", "spares": "spares",
    "failures": "failures to survive", "availability": "the availability", "power": "the power that there is",
    "budget": "the budget", "price": "a price", "term": "the term of a contract", "other": "nothing of the plan",
}  # fmt: skip
"""What each role is called where it is asked about or told."""


def ask_where_doubtful(draft: Draft, figures: Sequence[Item], second: Second) -> None:
    """Turn values that the second reader finds unlikely into questions; propose figures that no rule has used.

    Args:
        draft: of the rules.
        figures: the items of the sentence as they were before the rules took any.
        second: of the same line.
    """
    _doubt_today(draft, second)
    _doubt_roles(draft, second)
    _order_lengths(draft, second)
    left = _left_over(draft, second)
    _propose_users(draft, left)
    line = demand_line(draft, figures, second)
    join_demand(draft, line, second)
    _propose(draft, [(item, role) for item, role in left if not item.claimed])
    ask_whole_load(draft, line, second)
    _leave_load_open(draft)
    _part_models(draft)
    _doubt_prompt(draft, second)
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
    from agent.interpret.roles.reader import of_today, second_reading

    return Second(elsewhere, second_reading(items), of_today(items))


def _doubt_today(draft: Draft, second: Second) -> None:
    """Ask whether a load or a fleet that is taken for wanted runs today, where the line wants something beside it.

    'the launch will be 5x' is beside '12 QPS today'; of a fleet something else is of today as well, and nobody owns it.
    """
    of_today = [start for start, chance in second.today.items() if chance >= _OF_TODAY]
    wanted = [
        (start, {one.path for one in _made_of(draft, start)}, max(roles, key=roles.__getitem__) in _OF_LOADS)
        for start, roles in second.roles.items()
        if second.today[start] < _WANTED
    ]
    for start in of_today:
        found = next((one for one in _made_of(draft, start) if one.path in (*_FLEET, *_LOADS)), None)
        if found is None or len(found.options) != 1 or is_of_a_key(draft, start):
            continue
        beside = len(of_today) > 1 and not draft.has("money.term") if found.path in _FLEET else not draft.has(GROWTH)
        apart = [(paths, is_load) for at, paths, is_load in wanted if not found.start <= at < found.end]
        loads = any(found.path in paths or (not paths and is_load) for paths, is_load in apart)
        if not (beside and (loads or (apart and found.path in _FLEET))):
            continue
        option, said = found.options[0], " ".join(draft.sentence.text[found.start : found.end].split())
        planned = Choice(option.value, f"part of what is planned: {option.echo}", option.path or found.path)
        today = Choice(None, "what runs today: then say what is wanted", found.path)
        if found.path in _FLEET:
            today = Choice(draft.value(CARD) or (), "what runs today: find the fleet that it takes", CARD)
        choices = (today, planned) if second.today[start] >= LIKELY else (planned, today)
        draft.findings.remove(found)
        text = f"{said!r}: is that what runs today, or part of what is planned?"
        draft.questions.append((text, found.path, choices, found.start, found.end))


def _doubt_roles(draft: Draft, second: Second) -> None:
    for start, roles in second.roles.items():
        findings = _made_of(draft, start)
        time = any(item.start == start and item.has("dur") for item in draft.sentence.items)
        if not findings or time or any(finding.path not in MADE_OF for finding in findings):
            continue
        if is_of_a_key(draft, start) or _counts_text(draft, start):
            continue
        allowed = frozenset().union(*(MADE_OF[finding.path] for finding in findings))
        other = max(roles.keys() - allowed, key=roles.__getitem__)
        if sum(roles.get(role, 0.0) for role in allowed) < UNLIKELY and roles[other] >= LIKELY:
            _ask(draft, start, findings, other)


def _counts_text(draft: Draft, start: int) -> bool:
    """Whether a figure counts pages or words, which are asked about as such: '(say 25 pages)'."""
    items = draft.sentence.items
    return any(one.start == start and unit.has("textunit") for one, unit in pairwise(items))


def _made_of(draft: Draft, start: int) -> list[Finding]:
    """Return the findings that are made of the figure at a place: those of the narrowest span around it."""
    around = [finding for finding in draft.findings if finding.start <= start < finding.end]
    width = min((finding.end - finding.start for finding in around), default=0)
    return [finding for finding in around if finding.end - finding.start == width]


_HOW_MANY: Final = re.compile(
    r"\b(?:how (?:many|much)|combien|wie viele?|cu[aá]nt[oa]s|quant[oi]s?)\b"
    r"(?!\W+(?:\w+\W+)?(?:gpus?|cards?|nodes?|replicas?|v?ram|memory|box(?:es)?|servers?|accelerators?)\b)"
    r"[^.?!\n]{0,60}?\b(?:users?|people|ppl|requests?|reqs?|rps|qps|concurrent\w*|at once|simultaneous\w*|sessions?|"
    r"chats?|students?|in parallel|at the same time|en même temps|gleichzeitig|nutzer|anfragen|usuarios|a la vez)\b",
    re.IGNORECASE,
)
"""Asked is the load that a fleet holds; 'how many GPUs for 500 users' asks for the fleet."""


def _leave_load_open(draft: Draft) -> None:
    """Ask for no habit where a fleet is said and asked is how many it holds: those who were counted make no load."""
    fleet = draft.value("hardware.accelerator_count") or draft.value("hardware.nodes")
    asked = [one for one in draft.questions if one[1] == RATE and any(USUAL_HABIT in choice.label for choice in one[2])]
    at_once = draft.has("traffic.concurrency")  # '4,500 staff, simultaneous users: 300'
    open_load = at_once or (fleet and _HOW_MANY.search(draft.sentence.text))
    if not (asked and open_load) or draft.has(HABIT) or len(asked) > 1:
        return
    draft.questions.remove(asked[0])
    draft.findings[:] = [finding for finding in draft.findings if finding.path != USERS]
    for at, item in enumerate(draft.sentence.items):
        if item.numeric and asked[0][3] <= item.start < asked[0][4]:
            draft.sentence.take(at, taken=False)


def _doubt_prompt(draft: Draft, second: Second) -> None:
    """Ask whether a prompt's length is the whole where lengths beside it came to nothing."""
    path = _SIDES["prompt"]
    found = [one for one in draft.findings if one.path == path]
    left = [item for item in unused_figures(draft, second) if _is_of_a_prompt(draft, item, second)]
    if len(found) == 1 and len(found[0].options) > 1 and left:
        _narrow(draft, found[0], left[0])
    if len(found) != 1 or len(found[0].options) != 1 or not left:
        return
    (finding,), option = found, found[0].options[0]
    lengths = [float(option.value), *(item.number.value for item in left)]
    behind = [one for one in draft.sentence.items if one.start >= finding.end and one.has("num", "paren", "stop")]
    stop = next((at for at, one in enumerate(behind) if one.has("stop")), len(behind))
    inside = (
        sum(one.number.value for one in behind[:stop] if one.has("num")) if behind and behind[0].has("paren") else 0.0
    )
    if any(abs(made / lengths[0] - 1) < _EQUAL for made in (sum(lengths[1:]), inside)):
        return  # what it is made of
    shown, last = " + ".join(map(show_count, lengths)), lengths[-1]
    choices = [Choice(sum(lengths), f"{shown} = {show_count(sum(lengths))} tokens in all")]
    if len(left) == 1 and last > 2 * lengths[0]:
        mean = (lengths[0] + last) / 2
        grows = f"it grows from {show_count(lengths[0])} to {show_count(last)}: {show_count(mean)} tokens on average"
        choices.insert(0, Choice(mean, grows))
    choices += [Choice(option.value, f"alone: {option.echo}"), Choice(None, "another length: say how many tokens")]
    said = " ".join(draft.sentence.text[finding.start : finding.end].split())
    beside = ", ".join(repr(draft.sentence.text[item.start : item.end]) for item in left)
    text = f"{said!r}: is that the whole prompt? Beside it I have not used {beside}."
    draft.findings.remove(finding)
    draft.questions.append((text, path, tuple(choices), finding.start, finding.end))


def _narrow(draft: Draft, finding: Finding, item: Item) -> None:
    """Offer a length within a range first: 'between 2k and 20k, mostly 4k'."""
    value = item.number.value
    if not finding.options[0].value <= value <= finding.options[-1].value:
        return
    draft.sentence.take(draft.sentence.items.index(item))
    usual = Option(value, f"prompts: {show_count(value)} tokens on average", "mostly")
    draft.findings[draft.findings.index(finding)] = replace(finding, options=(usual, *finding.options))


_FEWEST_TOKENS: Final = 10.0
"""Of a part of a prompt."""


def _is_of_a_prompt(draft: Draft, item: Item, second: Second) -> bool:
    at = draft.sentence.items.index(item)
    behind = draft.sentence.items[at + 1 : at + 2]
    counts = any(one.has("thing", "event", "user", "slash") or one.word == "one" for one in behind)  # 'the 8k one'
    one = (
        item.has("num")
        and len(item.number.values) == 1
        and _FEWEST_TOKENS <= item.number.value < LONGEST_LENGTH
        and not counts
    )
    return one and second.roles[item.start].get("prompt", 0.0) >= LIKELY


def _part_models(draft: Draft) -> None:
    """Ask which of several models is planned first where each has a share of the load: '60% to an 8B, 40% to a 70B'."""
    load = draft.value(RATE)
    shares = [item for item in draft.sentence.items if item.has("pct")]
    found = [one for one in draft.findings if one.path == "model" and len(one.options) == 1]
    asked = [one for one in draft.questions if one[1] == "model"]
    models: list[tuple[int, int, Choice]] = [
        (one.start, one.end, Choice(None, "", RATE, also={"model": one.options[0].value})) for one in found
    ]
    for text, path, which, start, end in asked:
        again = Ambiguity(text, path, which, draft.sentence.text[start:end], start)
        models.append((start, end, Choice(None, "", RATE, then=(again,))))
    models.sort(key=lambda one: one[0])
    parted = len(models) == len(shares) > 1 and abs(sum(item.number.value for item in shares) - 1) < _EQUAL
    if not load or not parted:
        return
    choices = []
    for (start, end, choice), share in zip(models, shares, strict=True):
        part, said = load * share.number.value, " ".join(draft.sentence.text[start:end].split())
        label = f"{said}: {show_percent(share.number.value)} × {show_figure(load)} = {show_figure(part)} requests/s"
        choices.append(replace(choice, value=part, label=label))
        draft.sentence.take(draft.sentence.items.index(share))
    rates = [one for one in draft.findings if one.path == RATE]
    draft.findings[:] = [one for one in draft.findings if one not in (*found, *rates)]
    draft.questions[:] = [one for one in draft.questions if one not in asked]
    start, end = min(one.start for one in rates), max(one.end for one in rates)
    text = f"{len(models)} models, each with a share: which is planned first? Each is a plan of its own."
    draft.questions.append(
        (text, RATE, tuple(choices), min(start, models[0][0], shares[0].start), max(end, models[-1][1]))
    )


_SENSES: Final = {
    "copilot": (
        re.compile(
            r"\b(?:cod(?:e|ing)|dev|ide\b|engineer|programm|autocomplet|completion|repo|sql|github)", re.IGNORECASE
        ),
        (Choice("chat", "traffic like chat"), Choice("code-completion", "traffic like code-completion")),
    ),
    "offline": (
        re.compile(r"\b(?:batch|job|process|night|overnight|bulk|inference|workload)", re.IGNORECASE),
        (Choice(None, "without a network, which changes no plan"), Choice("batch", "traffic like batch")),
    ),
}
"""Words that name a kind of traffic only beside other words, and what else they may mean."""


def _doubt_preset(draft: Draft, second: Second) -> None:
    """Ask whether a kind of traffic gives the lengths where figures of lengths beside its name came to nothing."""
    found = next((finding for finding in draft.findings if finding.path == PRESET), None)
    if found is None:
        return
    told, senses = _SENSES.get(draft.sentence.text[found.start : found.end].lower(), (None, ()))
    if told and not told.search(draft.sentence.text[: found.start] + draft.sentence.text[found.end :]):
        draft.findings.remove(found)
        said = draft.sentence.text[found.start : found.end]
        draft.questions.append((f"{said!r}: in which sense?", PRESET, senses, found.start, found.end))
        return
    if all(map(draft.has, _SIDES.values())):
        return
    unused = [
        repr(draft.sentence.text[item.start : item.end])
        for item in unused_figures(draft, second)
        if sum(second.roles[item.start].get(role, 0.0) for role in _OF_A_LENGTH) >= LIKELY
    ]
    if unused:
        option, said = found.options[0], " ".join(draft.sentence.text[found.start : found.end].split())
        text = f"{said!r}: fill in what is usual of such traffic? Beside it I have not used {', '.join(unused)}."
        draft.findings.remove(found)
        draft.questions.append((text, PRESET, (Choice(option.value, f"yes: {option.echo}"),), found.start, found.end))


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
    if second.elsewhere >= LIKELY and draft.value("model") is None:
        return []
    found: list[tuple[float, Item, str]] = []
    for item in unused_figures(draft, second):
        roles = second.roles[item.start]
        role = max(roles, key=roles.__getitem__)
        if roles[role] >= (SURE if role in _OF_A_LENGTH else LEFT_OVER):
            found.append((roles[role], item, role))
    return [(item, role) for _, item, role in sorted(found, key=lambda one: -one[0])]


def _propose_users(draft: Draft, left: list[tuple[Item, str]]) -> None:
    """Ask how often people ask whose number was left over."""
    items = draft.sentence.items
    item = next((item for item, role in left if role == "users" and item.has("num")), None)
    if item is None or draft.has(RATE) or draft.has(USERS) or draft.has("traffic.concurrency"):
        return
    at = items.index(item)
    behind = items[at + 1].word if at + 1 < len(items) else ""
    noun = behind if behind.isalpha() and behind not in ORDINARY else ""
    amount, part = part_of_users(draft, count_of(item.number))
    if at_once(part) and len(amount.values) == 1:
        ask_of_signed_in(draft, at, at + bool(noun), amount.value, noun or "users")
    else:
        read_users(draft, amount, at, at + bool(noun), noun or "users")


def _propose(draft: Draft, left: list[tuple[Item, str]]) -> None:
    """Propose the figures that were left over."""
    for item, role in left:
        if item.claimed or (item.has("mult") and draft.has(RATE)):
            continue  # what multiplies a load is asked about with it
        at = draft.sentence.items.index(item)
        if any(one.has("textunit", "thing") for one in draft.sentence.items[at + 1 : at + 2]):
            continue  # '12,000 pages'
        proposals = [choice for choice in _proposals(item, role) if not draft.has(choice.path)]
        if proposals:
            said = draft.sentence.text[item.start : item.end]
            text = f"{said!r}: {proposals[0].label}?"
            draft.ask(proposals[0].path, at, at, text, [_only(choice) for choice in proposals])


def tell_left_over(draft: Draft, second: Second) -> None:
    """Say what the figures that came to nothing probably are, so that it is seen what to say again."""
    text, asked, seen = draft.sentence.text, " ".join(one[0] for one in draft.questions), []
    for item in unused_figures(draft, second):
        said, roles = repr(text[item.start : item.end]), second.roles[item.start]
        role = max(roles, key=roles.__getitem__)
        if roles[role] >= LEFT_OVER and role in WORDS and role != "other" and said not in asked:
            seen.append((f"{said} may be {WORDS[role]}", item))
    if seen:
        note = f"Of what is not used {', '.join(said for said, _ in seen)}: a line that says so is used"
        draft.notes.append((note, seen[0][1].start, seen[0][1].end))


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
