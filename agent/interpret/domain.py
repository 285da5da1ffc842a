"""Whether a line is about serving language models: where that is in doubt it is asked, and nothing filled before.

'Take the A10 motorway', 'nginx handles 2000 requests per second' and 'room B200' name accelerators and rates of other
trades. How likely a line is of one is learned (``agent.interpret.roles``) from its words and from what the rules found
in it; no list of words decides.
"""

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from agent.fields.demand import HABIT, PRESET, USERS
from agent.fields.table import FIELDS
from agent.interpret.facts.draft import Draft
from agent.interpret.facts.leftovers import covered
from agent.interpret.facts.reading import Ambiguity, Choice, Reading
from agent.interpret.wishes import CLOSED_NAMES
from agent.interpret.words.grammar import Item
from agent.interpret.words.ordinary import ORDINARY
from agent.interpret.words.tongues import CHINESE

DOUBTFUL: Final = 0.18
"""Probability of being about something else from which a line is asked about: what that costs on hands that were left
out says spec-kit/architecture.md."""
_FOREIGN: Final = 0.35
"""The same of a line in another language, of whose words fewer were learned: on those hands 3 of 82 that are about
something else fill something by either, and 28 of 294 about serving are asked about in place of 44."""
SURELY: Final = 0.97
"""Probability from which a line is taken for one of something else, and refused; one in other letters than those of
English is asked about, since words of other languages were learned from too few lines."""
_GOES_ON: Final = 0.03
"""Factor of the odds in a conversation, by judgement: after something was taken, or where more than the model is asked,
its subject is seldom left."""
_PLAIN: Final = 0.1
"""The same where the rules know every word, by judgement: '20 rps' and 'two A100' need no more."""
_NAMED: Final = 0.25
"""The same where a model, a length, a target or a kind of traffic was found: of hands that were left out, 5 more of
792 English lines about something else are taken than without, and 28 fewer of 1,572 about serving are asked about."""
_MOST_UNTOLD: Final = 4
"""Characters that no table of words knows from which a line without a word of serving is asked about, by judgement: the
words of such a line were not learned."""
_SIZED: Final = re.compile(r"[a-z]\D*\d\s?b\b", re.I)
"""A family with a size, of which several models may be meant: 'llama 8b', but not 'gemma'."""
_NOTHING_STRANGE: Final = "strange 0"
DOUBT: Final = "is that about serving a language model?"
ELSEWHERE: Final = (
    "That reads as something else than serving a language model, so nothing of it was taken: I plan the GPUs, latency"
    " and cost of models that answer in text, from a line such as 'Llama 3.1 70B, 20 rps, 1.5k tokens in, 300 out'"
)
LOG: Final = (
    "That is a log or a stack trace, and nothing of it was taken: I explain no errors. What fits on which GPU, what it"
    " carries, I say of a line such as 'Llama 3.1 70B in fp8 on 2 H100, 20 rps, 1.5k tokens in, 300 out'"
)
_TRACE: Final = re.compile(
    r"Traceback \(most recent call last\)|^\s*File \"[^\"]+\", line \d+|^\s+at [\w.$<>]+\(.*\)$|\bcore dumped\b|"
    r"\b[A-Za-z]*(?:Error|Exception): |\b(?:segfault|SIG(?:KILL|SEGV|TERM|ABRT)|OOMKilled|CUDA out of memory)\b|"
    r"^\W*\d{4}-\d\d-\d\d[T ][\d:.,Z]+\W+(?:ERROR|FATAL|CRITICAL|WARN(?:ING)?)\b",
    re.M,
)
"""What only logs and stack traces have."""
_STATED: Final = frozenset(
    {"model", "tokens.input.mean", "tokens.output.mean", "precision.weights", "targets", "default_targets", PRESET}
)
"""What is said of little else than a service of a language model."""
_WORKLOAD: Final = _STATED | {USERS, HABIT, "traffic.requests_per_s", "traffic.concurrency"}
"""What was stated of a workload before: with it the next line is hardly about something else."""
_PLACES: Final = frozenset({"money.region", "money.provider"})
"""What is named in talk of anything, and is never asked about alone."""
_PLACED: Final = 0.5
"""Probability from which a line that says no more than a place is refused."""
_UNKNOWN: Final = frozenset({"unknown"})
_BANDS: Final = (0, 1, 2, 4, 7, 12, 20, 35)
"""Most words of a band."""


def evidence_of(draft: Draft) -> tuple[str, ...]:
    """Return what tells of a line's subject in what the rules found: fields, and how many words are left over."""
    paths = {_room(finding.path) for finding in draft.findings}
    asked = {_room(question[1]) for question in draft.questions}
    taken, items = covered(draft), draft.sentence.items
    wordy = [item for item in items if item.word.isalpha()]
    strange = len(
        [
            item
            for item in wordy
            if item.kinds <= _UNKNOWN and len(item.word) > 2 and item.word not in ORDINARY and not taken[item.start]
        ]
    )
    words = len(wordy)
    return (
        *(f"found {path}" for path in sorted(paths)),
        *(f"asked {path}" for path in sorted(asked)),
        f"rooms {len({path.partition('.')[0] for path in paths | asked})}",
        f"strange {_band(strange)}",
        f"strange share {5 * strange // max(1, words)}",
        f"words {_band(words)}",
    )


def chance_of_elsewhere(draft: Draft, items: Sequence[Item]) -> float:
    """Return how likely a line is about something else; 0 where it answers what was asked.

    The model is asked for first, so that a line which names one may be about anything.

    Args:
        draft: of the rules.
        items: of the sentence as they were before the rules took any.
    """
    asked = FIELDS.get(draft.asked_path or "")
    paths = {finding.path for finding in draft.findings}
    all_paths = paths | {question[1] for question in draft.questions}
    slots = {field.slot for path in all_paths if (field := FIELDS.get(path)) is not None}
    asked_on = draft.asked_path not in (None, "model")
    if asked_on and (not all_paths or (asked is not None and slots <= {asked.slot})):
        return 0.0
    from agent.interpret.roles.reader import elsewhere

    evidence = evidence_of(draft)
    chance = elsewhere(items, evidence)
    odds = chance / max(1e-9, 1.0 - chance)
    odds *= _GOES_ON if asked_on or draft.known.keys() & _WORKLOAD else 1.0
    sized = any(path == "model" and _SIZED.search(draft.sentence.text, *span) for _, path, _, *span in draft.questions)
    odds *= _NAMED if sized or paths & _STATED else 1.0
    odds *= _NAMED if CLOSED_NAMES.search(draft.sentence.text) else 1.0
    odds *= _PLAIN if _NOTHING_STRANGE in evidence else 1.0
    return max(odds / (1.0 + odds), _FOREIGN if _is_strange(draft, all_paths) else 0.0)


def _is_strange(draft: Draft, paths: set[str]) -> bool:
    """Whether a line in Chinese characters or Hangul, most of it unknown, has no word of serving."""
    if not CHINESE.search(draft.sentence.text) or paths & _STATED:
        return False
    items = draft.sentence.items
    untold = sum(item.kinds <= _UNKNOWN and CHINESE.match(item.word) is not None for item in items)
    return untold >= _MOST_UNTOLD and not any(item.has("event", "token", "gpu") for item in items)


def refused_where_elsewhere(text: str, reading: Reading, chance: float, language: str) -> Reading:
    """Return a reading of which nothing is taken before a yes where it is doubtful, and nothing at all where it is not.

    Args:
        text: the line.
        reading: of the rules.
        chance: that it is about something else.
        language: in which it was read, if not in English.
    """
    values = {**reading.values, **{habit.path: habit.value for habit in reading.habits}}
    placed = values.keys() <= _PLACES
    is_log = _TRACE.search(text) is not None
    if not (values or reading.questions):
        return Reading(objections=(LOG,)) if is_log else reading
    foreign = bool(language) or any(mark.isalpha() and not mark.isascii() for mark in text)
    if chance < (_PLACED if placed and not reading.questions else _FOREIGN if foreign else DOUBTFUL):
        return replace(reading, elsewhere=chance)
    values = {} if placed else values
    if (chance >= SURELY and not foreign) or is_log or not (values or reading.questions):
        return Reading(objections=(LOG if is_log else ELSEWHERE,), notes=reading.notes, elsewhere=chance)
    echoes = [one.echo for one in (*reading.said_values, *reading.habits)]
    label = "; ".join(dict.fromkeys(echoes)) or "then I ask what is meant"
    first = min(values, key=_PLACES.__contains__, default="")
    path = first or reading.questions[0].path
    also = {other: value for other, value in values.items() if other != first}
    yes = Choice(values.get(first), f"yes: {label}", path, also=also, then=reading.questions)
    words = " ".join(text.split())
    question = Ambiguity(f"{_short(words)!r}: {DOUBT}", path, (yes,), words)
    return replace(reading, said_values=(), habits=(), questions=(question,), elsewhere=chance)


def _short(words: str) -> str:
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"


_LONGEST: Final = 60
"""Characters of a line that a question repeats."""


def _band(words: int) -> str:
    return str(next((most for most in _BANDS if words <= most), "more"))


def _room(path: str) -> str:
    """Return a path; of rooms with many fields that tell alike, the room."""
    room = path.partition(".")[0]
    return room if room in ("money", "hardware", "precision", "serving") else path
