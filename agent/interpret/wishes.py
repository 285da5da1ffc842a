"""Wishes that are no field of a plan: each is named, with what would be needed or where the plan ends."""

import re
from functools import cache
from pathlib import Path
from tomllib import loads
from typing import Final

from agent.interpret.facts.draft import Draft
from agent.interpret.facts.leftovers import covered
from agent.interpret.facts.reading import Choice
from agent.interpret.words.grammar import Item, Sentence, matches_of, rules

REASONING: Final = "tokens.reasoning_tokens"
_DRAFT_MODEL: Final = rules(
    "('a' | 'an')? (model | num) unknown? draft 'model'?", "draft 'model' (link | colon){0,2} (model | num)"
)
_THINKING: Final = rules(
    "('with' | 'in' | 'using' | 'enable' | 'enabling') reasoning ('mode' | 'on' | 'enabled')? (?! token | num)",
    "reasoning ('mode' | 'on' | 'enabled') (?! token | num)",
)
_USUAL_THOUGHT: Final = {"everyday questions": 1000, "mathematics and code": 8000}
"""Hidden tokens of an answer, by judgement."""

CLOSED: Final = (
    r"chat-?gpt|gpt-?(?:3\.5|4|5)[\w.-]*|claude(?:[- ](?:\d[\d.]*|sonnet|opus|haiku))+|"
    r"gemini(?:[- ](?:\d[\d.]*|pro|flash|ultra))+|grok-?[34]\w*"
)
"""Names of models whose weights nobody else has."""
NOT_OPEN: Final = "its weights are not open"
MEDIA_MODELS: Final = (
    r"stable diffusion|sdxl|flux(?:\.\d)?|wan[- ]?2\.\d(?! ?ms)|hunyuan[- ]?video|sora(?:[- ]2)?|"
    r"mochi(?:[- ]1|(?=[- ]\d+b))|cogvideo\w*|ltx(?:[- ]?video)?"
)
"""Families of models that make pictures and video, as people write them."""


_NAMED: Final = re.compile(r"\{closed\}|\{media\}|\n")


@cache
def _wishes() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return the words of each wish of ``wishes.toml``, and what is said of it."""
    entries = loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))["wish"]
    names = {"{closed}": CLOSED, "{media}": MEDIA_MODELS, "\n": ""}
    return tuple(
        (re.compile(rf"\b(?:{_NAMED.sub(lambda name: names[name[0]], entry['said'])})\b", re.I), entry["note"])
        for entry in entries
    )


_MEDIA_SIZED: Final = re.compile(rf"\b(?:{MEDIA_MODELS})(?:[- ]\w+)?[- ]\d+(?:\.\d+)?b\b", re.I)
CLOSED_NAMES: Final = re.compile(rf"\b(?:{CLOSED})", re.I)


def name_closed(sentence: Sentence) -> None:
    """Let a number inside the name of a closed model be no figure: the 4 of gpt-4o-mini."""
    for found in CLOSED_NAMES.finditer(sentence.text):
        for index, item in enumerate(sentence.items):
            if found.start() <= item.start < item.end < found.end() and item.has("num"):
                sentence.merge(index, index, Item(frozenset({"opaque"}), item.start, item.end, item.word, numeric=True))


def read_drafts(draft: Draft) -> None:
    """Take the models that serve no text out of the sentence: one that only drafts, one that makes pictures."""
    for media in _MEDIA_SIZED.finditer(draft.sentence.text):
        for index, item in enumerate(draft.sentence.items):
            if media.start() <= item.start < media.end():
                draft.sentence.claim(index, index)
        note = f"{media.group()!r} is not used: out of scope is what makes no text"
        draft.notes.append((note, *media.span()))
    for match in matches_of(_DRAFT_MODEL, draft.sentence):
        others = (*draft.sentence.items[: match.first], *draft.sentence.items[match.last + 1 :])
        sized = any(item.has("model") or re.fullmatch(r"[\d.]+b", item.word) for item in others)
        if not sized and "model" not in draft.known:
            continue  # it is the only one
        draft.dropped.append(draft.sentence.span(match.first, match.last))
        draft.sentence.claim(match.first, match.last)


def read_thinking(draft: Draft) -> None:
    """Ask how many hidden tokens an answer has, where it is said that the model thinks and not how long."""
    if draft.has(REASONING):
        return
    for match in matches_of(_THINKING, draft.sentence):
        choices = tuple(
            Choice(float(tokens), f"{tokens:,} tokens, for {what}", usual=tokens == 1000)
            for what, tokens in _USUAL_THOUGHT.items()
        )
        said = match.said
        text = f"{said!r}: how many hidden tokens does an answer have before its first word? Usual, by judgement:"
        draft.ask(REASONING, match.first, match.last, text, choices)
        return


def note_wishes(draft: Draft) -> None:
    """Note each wish that is in no value and no question."""
    taken, text = covered(draft), draft.sentence.text
    for pattern, note in _wishes():
        for match in pattern.finditer(text):
            start, end = match.span()
            if not any(taken[start:end]):
                said = " ".join(match.group().split())
                draft.notes.append((f"{said!r} is not used: {note}", start, end))
                taken[start:end] = b"\x01" * (end - start)
                for index, item in enumerate(draft.sentence.items):
                    if start <= item.start < end:
                        draft.sentence.take(index)
