"""A time and its parts: what other stages take of a latency is not the model's, and a task's time is all its calls'.

'TTFT < 1.5 s including retrieval, which is about 350 ms' leaves 1.15 s. What stands on top of a limit leaves it as it
is; where nobody says whether a stage is inside, both are asked. 'A task of 12 calls in under 2 minutes' is 10 s a call.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from agent.fields.demand import CALLS
from agent.interpret.facts.draft import Draft, Finding, Option
from agent.interpret.facts.reading import Choice
from agent.interpret.lengths_and_times.targets import DEFAULT_PERCENTILE, NAMES
from agent.interpret.words.grammar import Item, Match, Rule, Sentence, matches_of, rules
from agent.interpret.words.vocabulary import SECONDS
from catalogs.units import show_figure, show_seconds
from engine.workload import Target

_TARGETS: Final = "targets"


def _any(words: str) -> str:
    return "(" + " | ".join(f"'{word}'" for word in words.split()) + ")"


_STAGE: Final = _any(
    "retrieval retrieving search searching rerank reranking reranker embedding embeddings network net rtt gateway "
    "proxy router guardrail guardrails moderation filter stt asr tts vad transcription synthesis database lookup auth "
    "authentication preprocessing postprocessing overhead transport tools tool middleware suche netz netzwerk abruf "
    "recherche réseau búsqueda"
)
"""Stages of a service beside the model."""
_SPENDS: Final = _any("takes take eats eat uses use needs adds add costs spends")
_NOT_A_TIME: Final = (
    "(?! token | event | thing | user | rateunit | percent | per | gpunoun | times | bytes | slash | time | tshort)"
)
_SPENT: Final = rules(
    f"k:{_STAGE} ((conj | comma) {_STAGE})? ({_SPENDS} | 'which' | 'that' | link | colon | paren){{0,4}} d:dur",
    "d:dur ('of' | 'for' | 'to' | 'in' | 'on' | 'go' | 'goes' | 'which' | link){0,4} ('vector' | 'semantic')? "
    f"k:{_STAGE} (?! {_SPENDS})",
)
_SPENT_BARE: Final = Rule(f"k:{_STAGE} {_SPENDS} approx{{0,2}} d:num {_NOT_A_TIME}")
_AND_BARE: Final = Rule(f"(conj | comma){{1,2}} k:{_STAGE} approx{{0,2}} d:num {_NOT_A_TIME}")
"""'STT takes 200 and TTS 250': in the unit of the whole."""
_INSIDE: Final = frozenset(
    "including incl included includes inclusive inkl inklusive compris minus eats eat davon go goes".split()
)
_OUTSIDE: Final = frozenset("top excluding excl excludes excluded without after plus ohne sans extra".split())
_OF_THIS: Final = frozenset("which that it this them these the those".split())
_REST: Final = Rule("('rest' | 'remainder' | 'remaining') | ('llm' | 'model') ('gets' | 'has') near{0,2} 'left'")
_TASK: Final = "('task' | 'tasks' | 'run' | 'runs' | 'job' | 'jobs' | 'workflow' | 'loop' | 'pipeline' | 'agent')"
_TASK_TIMES: Final = rules(
    f"{_TASK} near{{0,5}} (under | 'in' | 'within'){{1,3}} d:dur",
    "d:dur ('for' | 'per' | 'in'){1,2} ('all' | 'the' | 'a' | 'each' | 'of' | 'them' | 'whole'){0,3} "
    f"({_TASK} | eachuser | 'all' | 'calls')",
)
LONGEST_TASK_S: Final = 3600.0
"""Of a task whose caller waits; 'agents run within 30 days' is a date."""
_OF_A_TASK: Final = frozenset("task tasks run runs job jobs workflow loop pipeline whole everything all".split())


_ALONE: Final = re.compile(r"\b(?:for the (?:model|llm)|(?:model|llm) (?:alone|only|itself))\b(?! (?:gets|has))", re.I)
"""What makes a limit the model's own: 'the network eats 60 ms, so TTFT 540 ms for the model'."""


class TimePart(Struct, frozen=True):
    """What a stage beside the model takes."""

    stage: str
    seconds: float
    inside: bool | None
    """Of the limit that is said; None where nobody says it."""
    between_calls: bool
    start: int
    end: int


def take_parts(draft: Draft) -> list[TimePart]:
    """Take the times of other stages before latencies are read, and return them."""
    rules = (*_SPENT, _SPENT_BARE)
    matches = [match for rule in rules for match in rule.matches(draft.sentence)]
    matches += list(_AND_BARE.matches(draft.sentence)) if matches else []
    parts = [_part(draft, match) for match in matches if not match["d"].claimed]
    rests = [match.first for match in _REST.matches(draft.sentence)] if parts else []
    left_over = bool(rests)
    for index in rests:
        draft.sentence.take(index)
    return sorted((replace(p, inside=True) if left_over else p for p in parts if p.seconds > 0), key=lambda p: p.start)


def _part(draft: Draft, match: Match) -> TimePart:
    sentence, at = draft.sentence, match.index("d")
    amount, last = match["d"].number, match.last
    value = amount.values[len(amount.values) // 2]
    seconds = abs(value)  # 'minus 100 ms for the proxy'
    if match["d"].has("num"):
        seconds *= _unit_beside(sentence, at)
    after = sentence.items[last + 1 : last + 4]
    if [item.word for item in after[:2]] == ["each", "way"]:
        seconds, last = seconds * 2, last + 2
    between = any(item.word in ("between", "per", "each") for item in after) and any(item.has("call") for item in after)
    inside = value < 0 or (False if _ALONE.search(sentence.text) else _is_inside(sentence, match.first, last))
    sentence.claim(match.first, last)
    sentence.take(at)
    start, end = sentence.span(match.first, last)
    stage = " ".join(word.word for word in sentence.items[match.first : last + 1] if word.word == match["k"].word)
    return TimePart(stage, seconds, inside, between, start, end)


def _unit_beside(sentence: Sentence, at: int) -> float:
    """Return the seconds of the unit of the last time before an item, else of the first after it; 0 without one."""
    units = [(index > at, abs(index - at), item.word) for index, item in enumerate(sentence.items) if item.has("dur")]
    return next((SECONDS[word] for _, _, word in sorted(units) if word in SECONDS), 0.0)


def _is_inside(sentence: Sentence, first: int, last: int) -> bool | None:
    """Return whether a stage is within the limit, by the words around it in its clause."""
    items = sentence.items
    before, after = _until_stop(items[max(0, first - 3) : first][::-1])[::-1], _until_stop(items[last + 1 : last + 5])
    words = [item.word for item in (*before, *items[first : last + 1], *after)]
    for index in range(first - len(before), last + 1 + len(after)):
        if items[index].word in _INSIDE | _OUTSIDE:
            sentence.take(index)
    if any(one in ("of", "in") and two in _OF_THIS for one, two in pairwise(words)):
        return True
    refused = any(item.has("neg") and item.word != "minus" for item in before)
    if refused or _OUTSIDE & {item.word for item in (*before, *after)}:
        return False
    return True if _INSIDE & set(words) else None


def _until_stop(items: Sequence[Item]) -> list[Item]:
    stop = next((at for at, item in enumerate(items) if item.has("stop") or item.has("dur")), len(items))
    return list(items[:stop])


def leave_parts(draft: Draft, parts: Sequence[TimePart], known: Mapping[str, Any]) -> None:
    """Take the parts of a time from it; divide the time of a task by its calls.

    Args:
        draft: whose targets are changed.
        parts: as ``take_parts`` returned them.
        known: values by path that were given before.
    """
    _task_times(draft, known)
    of_one: dict[tuple[int, int], list[TimePart]] = {}
    for part in parts:
        limit = _limit(draft, part)
        if part.between_calls:
            continue
        if limit is None or part.inside is False:
            _note_beside(draft, part)
        else:
            of_one.setdefault(limit, []).append(part)
    for limit, within in of_one.items():
        _leave(draft, limit, within)
    _divide(draft, [part for part in parts if part.between_calls], known)


def _note_beside(draft: Draft, part: TimePart) -> None:
    said = draft.sentence.text[part.start : part.end]
    draft.notes.append((f"{said!r} is no part of a target: one is what the model alone may take", part.start, part.end))


def _limit(draft: Draft, part: TimePart) -> tuple[int, int] | None:
    """Return where the limit is said that a part is of: the last before it, else the first after it."""
    limits = [
        (finding.start, finding.end) for finding in draft.findings
        if finding.path == _TARGETS and len(finding.options) == 1 and finding.options[0].value[0].metric != "itl"
    ]  # fmt: skip
    limits += [question[3:] for question in draft.questions if question[1] == _TARGETS and _targets_of(question[2])]
    before = [limit for limit in limits if limit[0] < part.start]
    return max(before) if before else min(limits, default=None)


def _leave(draft: Draft, limit: tuple[int, int], parts: Sequence[TimePart]) -> None:
    """Take parts from a limit, or from each answer to the question which it is; ask where they may be beside it."""
    inside = any(part.inside for part in parts)
    whole = next((one for one in draft.findings if one.path == _TARGETS and (one.start, one.end) == limit), None)
    question = next((one for one in draft.questions if one[1] == _TARGETS and one[3:] == limit), None)
    targets = [whole.options[0].value[0]] if whole else _targets_of(question[2] if question else ())
    spent = sum(part.seconds for part in parts)
    said = " … ".join(draft.sentence.text[part.start : part.end] for part in parts)
    seconds = max(target.seconds for target in targets)
    if spent >= seconds:
        for part in parts:
            if inside:
                text = f"{said!r} is more than the {show_seconds(seconds)} that it is a part of"
                draft.objections.append((text, part.start, part.end))
            else:
                _note_beside(draft, part)
        return
    left = {target: replace(target, seconds=float(f"{target.seconds - spent:.9g}")) for target in targets}
    less = " − ".join(f"{show_seconds(part.seconds)} {part.stage}" for part in parts)
    shown = {
        target: f"{_name(target)} ≤ {show_seconds(target.seconds)} − {less} = {show_seconds(left[target].seconds)}"
        for target in targets
    }
    if whole:
        draft.findings.remove(whole)
    if whole and inside:
        assumed = "".join(whole.options[0].echo.partition(" (p95 unless")[1:])
        value = (left[targets[0]],)
        draft.findings.append(replace(whole, options=(Option(value, shown[targets[0]] + assumed),)))
        for part in parts:
            echo = f"{part.stage}: {show_seconds(part.seconds)} of the {show_seconds(seconds)}"
            draft.findings.append(Finding(_TARGETS, (Option(value, echo),), part.start, part.end))
        return
    choices = [Choice((left[target],), ("" if inside else "within it: ") + shown[target]) for target in targets]
    if not inside:
        choices += [
            Choice((target,), f"beside it: {_name(target)} ≤ {show_seconds(target.seconds)}") for target in targets
        ]
    text = f"{said!r}: is that within the {show_seconds(seconds)}, or beside it?"
    if question:
        draft.questions.remove(question)
        text = question[0] if inside else text
    start, end = min(limit[0], parts[0].start), max(limit[1], parts[-1].end)
    draft.questions.append((text, _TARGETS, tuple(choices), start, end))


def _targets_of(choices: Sequence[Choice]) -> list[Target]:
    """Return the limits that choices are, but for those between tokens."""
    return [
        target
        for choice in choices
        for target in (choice.value if isinstance(choice.value, tuple) else ())
        if isinstance(target, Target) and target.metric != "itl"
    ]


def _name(target: Target) -> str:
    return f"{target.metric.upper()} ({NAMES[target.metric]}) {target.percentile}"


# --- a task's time ----------------------------------------------------------------------------------------------------


def _calls(draft: Draft, known: Mapping[str, Any]) -> float:
    """Return how many calls a request makes: the middle where a range is said."""
    found = next((finding.options for finding in draft.findings if finding.path == CALLS), ())
    return found[len(found) // 2].value if found else known.get(CALLS) or 1.0


def _task_times(draft: Draft, known: Mapping[str, Any]) -> None:
    """Find how long a task of several calls may take."""
    if _calls(draft, known) <= 1:
        return
    for match in matches_of(_TASK_TIMES, draft.sentence):
        target = Target(metric="e2e", percentile=DEFAULT_PERCENTILE, seconds=match["d"].number.value)
        if target.seconds <= LONGEST_TASK_S:
            echo = f"{_name(target)} ≤ {show_seconds(target.seconds)}"
            draft.found(_TARGETS, match.first, match.last, [Option((target,), echo)])


def _divide(draft: Draft, between: Sequence[TimePart], known: Mapping[str, Any]) -> None:
    """Divide the time of a whole answer by the calls of its task, less what tools take between them."""
    calls = _calls(draft, known)
    gap = sum(part.seconds for part in between)
    used = False
    for finding in list(draft.findings):
        if finding.path != _TARGETS or len(finding.options) > 1 or finding.options[0].value[0].metric != "e2e":
            continue
        target = finding.options[0].value[0]
        of_the_task = _is_of_a_task(draft, finding)
        if calls <= 1 or target.seconds <= gap * (calls - 1) or not (of_the_task or draft.has(CALLS)):
            continue
        each = replace(target, seconds=float(f"{(target.seconds - gap * (calls - 1)) / calls:.4g}"))
        whole = show_seconds(target.seconds)
        whole = f"({whole} − {show_figure(calls - 1)} × {show_seconds(gap)})" if gap else whole
        echo = f"{whole} for the task / {show_figure(calls)} calls: {_name(each)} ≤ {show_seconds(each.seconds)}"
        draft.findings.remove(finding)
        if of_the_task:
            used = True
            draft.findings.append(replace(finding, options=(Option((each,), echo),)))
            draft.findings += [
                Finding(
                    _TARGETS, (Option((each,), f"{show_seconds(part.seconds)} between calls"),), part.start, part.end
                )
                for part in between
            ]
            note = "A limit is one call's; 'fleetcast workflow --within' sizes by the time of the whole task."
            draft.notes.append((note, finding.start, finding.end))
            continue
        said = " ".join(draft.sentence.text[finding.start : finding.end].split())
        choices = (Choice((target,), f"one call: {finding.options[0].echo}"), Choice((each,), f"all calls: {echo}"))
        text = f"{said!r}: is that for one call, or for all {show_figure(calls)}?"
        draft.questions.append((text, _TARGETS, choices, finding.start, finding.end))
    for part in () if used else between:
        _note_beside(draft, part)


def _is_of_a_task(draft: Draft, finding: Finding) -> bool:
    """Whether a limit stands in one clause with a word of the whole task."""
    text = draft.sentence.text
    start = max((text.rfind(stop, 0, finding.start) for stop in ".;!?\n"), default=-1) + 1
    words = text[start : finding.end + 25].lower().replace(",", " ").split()
    return bool(_OF_A_TASK & set(words))
