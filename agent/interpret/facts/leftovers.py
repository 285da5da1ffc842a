"""What of a sentence came to nothing: its words and numbers that are in no value, question, objection or note."""

from collections.abc import Iterable, Sequence

from agent.interpret.facts.draft import Draft
from agent.interpret.words.grammar import NAMES, NUMBERS, Item
from agent.interpret.words.ordinary import ORDINARY

_GENERAL = tuple("filler link approx event token textunit user time tshort per gpunoun verb".split())
"""Kinds of words that tell nothing alone: generic nouns and little words."""
_PARTS = ("and", "but", "or", "with")
"""Words between two things that are told apart."""


def covered(draft: Draft) -> bytearray:
    """Return, for each character of the text, whether a value, a question, an objection or a note has it."""
    taken = bytearray(len(draft.sentence.text) + 1)
    spans = [(finding.start, finding.end) for finding in draft.findings]
    spans += [(question[-2], question[-1]) for question in draft.questions]
    spans += [(start, end) for _, start, end in (*draft.objections, *draft.notes)]
    for start, end in spans:
        taken[start:end] = b"\x01" * (end - start)
    return taken


def leftovers(draft: Draft, taken: bytearray) -> tuple[str, ...]:
    """Return what was refused, and every run of words and numbers that came to nothing, as typed.

    Args:
        draft: the settled draft.
        taken: as ``covered`` returns it.
    """
    for start, end in draft.dropped:
        taken[start:end] = b"\x01" * (end - start)
    items, text = draft.sentence.items, draft.sentence.text
    spans = list(draft.dropped)
    first = 0
    for index, item in enumerate(items):
        if item.has("comma", "stop", "paren", "colon") or item.word in _PARTS or _is_used(item, taken):
            spans += _telling(items, first, index)
            first = index + 1
    spans += _telling(items, first, len(items))
    return tuple(dict.fromkeys(" ".join(text[start:end].split()) for start, end in sorted(spans)))


def _is_used(item: Item, taken: bytearray) -> bool:
    """Whether an item is in a value, a question or a note; a number, or a part, only where it was claimed, too."""
    found, counts = bool(taken[item.start]), item.numeric or (item.has("part") and not item.has("time"))
    return (found and item.claimed) if counts else (found or item.claimed)


def _telling(items: Sequence[Item], first: int, stop: int) -> Iterable[tuple[int, int]]:
    """Yield the span of a run without the ordinary words at its ends; nothing where all of it is ordinary."""
    telling = [index for index in range(first, stop) if _tells(items[index])]
    if not telling:
        return
    low, high = telling[0], telling[-1]
    while low > first and items[low - 1].has("neg"):
        low -= 1  # 'no redundancy' is told with its 'no'
    unit = items[high + 1] if high + 1 < len(items) else None
    if items[high].numeric and unit is not None and unit.start - items[high].end <= 1:
        high += unit.word.isalpha() and not unit.has("filler", "conj", "or")  # a number is told with its unit
    yield items[low].start, items[high].end


def _tells(item: Item) -> bool:
    """Whether an item could have changed a plan."""
    if item.numeric or item.has(*NAMES, *NUMBERS, "calendar"):
        return True
    return (
        (len(item.word) > 1 or not item.word.isascii())
        and item.word.isalpha()
        and item.word not in ORDINARY
        and not item.has(*_GENERAL)
    )
