"""Spans of a sentence that may be a name, and the item that takes the place of one."""

from collections.abc import Iterable
from typing import Final

from agent.interpret.names.lexicon import COMMON, WEAK, Lexicon
from agent.interpret.words.grammar import Item, Sentence
from catalogs.catalog import MODEL_NOISE

LONGEST: Final = 8
"""Items in a name."""
UNITS_AFTER: Final = (
    "event", "thing", "user", "time", "tshort", "rateunit", "tps", "token", "textunit", "percent", "gpunoun", "node",
    "times", "scaleword", "concurrent", "replica", "slash", "call", "bits",
)  # fmt: skip

Found = tuple[int, Item] | None


def name_item(kind: str, sentence: Sentence, first: int, last: int, entries: tuple[str, ...], word: str = "") -> Item:
    """Return the item of a name of a kind, in the place of items first to last.

    Args:
        kind: what the name is of.
        sentence: that is read.
        first: position of the first item.
        last: position of the last item.
        entries: of the catalog that have the name.
        word: in lower case; as typed by default.
    """
    start, end = sentence.span(first, last)
    typed = sentence.text[start:end]
    return Item(frozenset({kind}), start, end, word or typed.lower(), entries=entries)


def slice_ends(sentence: Sentence, first: int) -> Iterable[int]:
    """Yield the last items of the spans that may be a name, longest first: nothing but blanks and hyphens between."""
    last = first
    while last + 1 < len(sentence.items) and last - first + 1 < LONGEST:
        gap = sentence.text[sentence.items[last].end : sentence.items[last + 1].start]
        following = sentence.items[last + 1]
        if gap.strip(" -_\u00a0") or following.word in {",", ";", "\n", "(", ")", ":", "=", "!", "?", "<", ">", "/"}:
            break
        if following.start < sentence.items[first].start:
            break  # the cell of another column
        initial = last == first and len(sentence.items[first].word) == 1
        if following.word == "." and not initial and not sentence.text[following.end : following.end + 1].isalnum():
            break
        last += 1
    return range(last, first - 1, -1)


def bare_number_with_unit(sentence: Sentence, last: int, lexicon: Lexicon) -> bool:
    """Whether the last item is a number that belongs to what follows: 'Llama 3 8 GPUs', 'gpt-oss 120 rps'.

    Args:
        sentence: that is read.
        last: position of the item.
        lexicon: of the catalog's names.
    """
    item = sentence.items[last]
    glued = sentence.text[item.start - 1 : item.start] in ("-", "_")
    if not item.has("num") or glued or not sentence.text[item.end - 1].isdigit():
        return False
    following = sentence.items[last + 1] if last + 1 < len(sentence.items) else None
    return following is not None and (following.has(*UNITS_AFTER) or is_head(following.word, lexicon))


def is_head(word: str, lexicon: Lexicon) -> bool:
    """Whether a word can begin an accelerator's name, in the plural too: H100s."""
    return word in lexicon.heads or (word[-1:] == "s" and word[:-1] in lexicon.heads)


def substantial(words: tuple[str, ...]) -> bool:
    """Whether a weak word has a number or a second word beside it."""
    return len(words) > 1 and (
        any(word[0].isdigit() for word in words) or len([w for w in words if len(w) > 2 and w not in MODEL_NOISE]) > 1
    )


def too_weak(words: tuple[str, ...]) -> bool:
    """Whether the words of a span are only such as mean other things too."""
    return all(word in WEAK or word in COMMON for word in words if word.isalpha()) and not substantial(words)
