"""What a first line wants that is no serving of text: said with what can be done; and models named by a purpose."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Final

from msgspec import Struct, convert
from msgspec.structs import replace

from agent.fields.demand import CROWD, HABIT, LENGTHS, RATE
from agent.interpret.domain import DOUBTFUL
from agent.interpret.facts.reading import Choice, Reading
from agent.interpret.wishes import MEDIA_MODELS
from agent.talk.model_proposals import choice_of_model, purpose_in
from agent.talk.speech import Say, said
from agent.talk.state import Clarify, Ports, State, Step

_SERVES: Final = re.compile(
    r"\b(?:serv(?:e|es|ing)|inference|rps|qps|req/s|ttft|itl|requests?|users?|chat\w*|tokens? (?:in|out)\b(?! (?:\d|"
    r"an? |the ))|after (?:training|fine-?tuning)|fine-?tuned|deploy\w*)\b",
    re.I,
)
_DEADLINE: Final = re.compile(
    r"\b(?:(?:until|by|before) (?:monday|tuesday|wednesday|thursday|friday|saturday|sunday|tomorrow)|deadline|"
    r"(?:has to|have to|must) be (?:finished|done|ready|through) (?:by|before|between|until))\b",
    re.I,
)
"""A time by which work is done, where the line says how much there is; 'I need this by Thursday' is of the answer."""
_LOAD: Final = CROWD | {RATE, "traffic.concurrency", "traffic.calls_per_request", "targets"}
"""Fields of which one at least is in a line that tells of a service: a model and cards are of a training run too."""
_BY_PURPOSE: Final = re.compile(
    r"\b(?:something|anything|a model|an? llm|one) (?:like|similar to|as good as|for)\b|\b(?:good|best|decent|popular|"
    r"small(?:est|er)?|tiny|cheap(?:est)?|coding|reasoning|chat|general[- ]purpose|open(?:[- ]source)?|recommended?)\b"
    r"(?: [\w-]+){0,3} (?:model|llm|ai|one)s?\b|\b(?:smallest|best|cheapest)(?: one)? that works\b|"
    r"\A(?=.*\bmodel\b).*\b(?:you (?:choose|pick|decide)|up to you|your choice)\b|"
    r"\b(?:which|what) (?:model|llm)\b|\b(?:recommend|suggest) (?:me )?an? (?:model|llm)",
    re.I,
)


class OtherWork(Struct, frozen=True):
    """Work that is no serving of text: the words that name it, what is said of it, what of its line is kept."""

    id: str
    kept: str
    words: str
    answer: str
    proves_nothing: frozenset[str] = frozenset()
    """Fields that it has as well as a service."""


@cache
def _others() -> dict[str, OtherWork]:
    """Return what the file beside this module holds, by id."""
    held = tomllib.loads(
        Path(__file__).with_suffix(".toml").read_text(encoding="utf-8").replace("{media}", MEDIA_MODELS)
    )
    return {one.id: one for one in convert(held["work"], tuple[OtherWork, ...])}


class OutOfScope(Struct, frozen=True):
    """What is said of a line that wants no text served."""

    says: tuple[Say, ...]
    kept: str
    """What of the line is kept for a service: nothing, the model alone, or the load beside a model or lengths."""
    reading: Reading
    """What was read in the line."""


def out_of_scope(state: State, text: str, ports: Ports) -> OutOfScope | None:
    """Return what can be done of a line that wants no text served; None where it, or a part of it, wants that.

    Args:
        state: of a conversation without a plan.
    """
    others = [one for one in _others().values() if re.search(rf"\b(?:{one.words})\b", text, re.I)]
    due = _DEADLINE.search(text)
    known = {RATE, "traffic.concurrency"} & {*state.values}
    if not (others or due) or known or _SERVES.search(text):
        return None
    reading = ports.read(text, ports.catalog, known=state.values)
    counted = _is_counted(reading)
    for one in others:
        if not states_workload(reading, one.proves_nothing) or (one.id == "job" and counted):
            return OutOfScope((said(one.answer),), one.kept, reading)
    nothing = not (reading.said_values or reading.questions)
    job = due is not None and ((counted and not _is_a_habit(reading)) or nothing)
    return OutOfScope((said(_others()["job"].answer),), "load", reading) if job else None


def states_workload(reading: Reading, besides: frozenset[str] = frozenset()) -> bool:
    """Return whether a line that is most likely about a service states a load, a length or a target of it.

    Args:
        besides: fields of these that prove nothing; with the load among them a model does.
    """
    asked = {choice.path or one.path for one in reading.questions for choice in (*one.choices, Choice(None, ""))}
    paths = {one.path for one in (*reading.said_values, *reading.habits)} | asked
    proof = (_LOAD | LENGTHS) - besides | ({"model"} if RATE in besides else set())
    return reading.elsewhere < DOUBTFUL and bool(paths & proof) and bool(paths & (_LOAD | LENGTHS))


def _is_counted(reading: Reading) -> bool:
    """Whether a line says how much there is to do, and of no time in which it comes: '4 million texts'."""
    asked = {question.path for question in reading.questions}
    return RATE in asked and not reading.values.keys() & {RATE, "traffic.concurrency", "targets"}


def _is_a_habit(reading: Reading) -> bool:
    """Whether a line is of what people do again and again: '90 writers, 10 times a day each, before the deadline'."""
    return any(HABIT in choice.also for question in reading.questions for choice in question.choices)


def with_model_for_purpose(state: State, heard: Step, text: str, ports: Ports) -> Step:
    """Propose models where a line names what one is for and none by name.

    Args:
        heard: the state after it, and what was said.
    """
    new, says = heard
    cue = _BY_PURPOSE.search(text)
    purpose = purpose_in(text) if cue else None
    waiting = (new.pending.question, *new.later) if isinstance(new.pending, Clarify) else new.later
    if purpose is None or cue is None or "model" in {*new.values, *(one.path for one in waiting)}:
        return heard
    question = choice_of_model(purpose, cue[0], ports.catalog)
    proposed = replace(new, pending=Clarify(question), later=waiting)
    return proposed, () if new is state else says
