"""A figure of a line as features: its size and kind, its unit, the words around it, its line; a whole line as well."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import floor, log10
from typing import Final

from msgspec import Struct

from agent.interpret.words.grammar import NAMES, Item
from agent.learned.features import Features, bucketed, pieces

_AROUND: Final = 7
"""Items on each side whose words count."""
_TELLING: Final = 3
"""Items on each side that count by their order, little words left out."""
_NEAR: Final = 4
"""Items on each side whose pieces count."""
_LITTLE: Final = frozenset({"filler", "link", "unknown", "verb", "approx", "copula"})
"""Kinds that say too little to count beside a word."""
_SKIPPED: Final = frozenset({"link", "approx", "paren", "filler"})
_KEPT: Final = frozenset({"per", "conj"})
_KIND, _SIZE, _BESIDE, _WORD, _FAR, _CUE, _LINE, _OTHERS = 2.0, 1.0, (2.0, 1.5, 1.0), 1.0, 0.6, 1.2, 2.0, 0.6
"""Weights, by judgement; cross-validation moves little with them."""
_BOTH: Final = 0.3
"""Weight of what the rules found beside each kind of thing in the line: of 933 lines about something else by ten hands
that were left out, 26 fill something instead of 34 where 113 of 1,572 in English are asked."""
_ENDS: Final = frozenset({"and", "but", "while", "whereas", "so", "with", ":", "=", ";"})
"""Where a clause ends, beside commas and stops."""
_NUMERALS: Final = "0123456789.,' "
Probabilities = Mapping[str, float]
_Named = list[tuple[str, float]]


class Second(Struct, frozen=True):
    """A line as the second reader sees it."""

    elsewhere: float
    """Probability that the line is about something else than serving language models."""
    roles: Mapping[int, Probabilities]
    """Of each figure, by its place in the text: what it is, if the line is about serving."""
    today: Mapping[int, float]
    """Of each figure: how likely it is of what runs today, and not of what is wanted."""


def is_figure(item: Item) -> bool:
    """Whether an item is a number that somebody said, and no part of a name."""
    return (item.amount is not None or item.numeric) and not item.has(*NAMES, "pctl")


def features_of(items: Sequence[Item]) -> dict[int, Features]:
    """Return the features of each figure of a line by its position.

    Args:
        items: of the sentence, with its names and numbers made and nothing taken yet.
    """
    words = [_words(item) for item in items]
    positions = [at for at, item in enumerate(items) if is_figure(item)]
    seen = dict.fromkeys(word for of_item in words for word in of_item)
    line = [(f"line {word}", _LINE / max(1, len(seen)) ** 0.5) for word in seen]
    return {
        at: bucketed(_of_itself(items[at]) + _around(items, words, at) + _of_others(items, positions, place) + line)
        for place, at in enumerate(positions)
    }


def features_of_line(items: Sequence[Item], evidence: Sequence[str]) -> Features:
    """Return the features of a line.

    Args:
        items: of the sentence, with its names and numbers made and nothing taken yet.
        evidence: what rules found in it.
    """
    kinds = sorted({kind for item in items for kind in item.kinds - _LITTLE})
    named = [*_of_words([_words(item) for item in items]), *((f"rule {one}", 1.0) for one in evidence)]
    return bucketed([*named, *((f"ek {one} {kind}", _BOTH) for one in evidence for kind in kinds)])


def features_of_time(items: Sequence[Item]) -> dict[int, Features]:
    """Return the features by which each figure of a line is of today or of what is wanted: its clause and the others.

    Args:
        items: of the sentence, with its names and numbers made and nothing taken yet.
    """
    words, places = [_words(item) for item in items], _clauses(items)
    made: dict[int, Features] = {}
    for at, item in enumerate(items):
        if not is_figure(item):
            continue
        clause, sentence = places[at]
        named: _Named = []
        for other, of_item in enumerate(words):
            if other == at:
                continue
            side = "b" if other < at else "a"
            away, apart = places[other][0] - clause, places[other][1] - sentence
            seen = [(f"cl {side}", 1.0)] if not away else [(f"se {side}", 0.6)] if not apart else []
            seen += [("pc", 0.8)] if away == -1 else [("nc", 0.5)] if away == 1 else []
            seen += [("bs" if apart < 0 else "as", 0.4)] if apart else []
            named += [(f"{where} {word}", weight) for where, weight in seen for word in of_item]
        made[at] = bucketed(named)
    return made


def _clauses(items: Sequence[Item]) -> list[tuple[int, int]]:
    """Return the number of each item's clause, and of its sentence."""
    clause = sentence = 0
    places: list[tuple[int, int]] = []
    for item in items:
        stop = "stop" in item.kinds
        clause, sentence = clause + (stop or "comma" in item.kinds or item.word in _ENDS), sentence + stop
        places.append((clause, sentence))
    return places


def _words(item: Item) -> tuple[str, ...]:
    """Return what an item is seen as: its word, where it is none of a name or number, and the kinds that tell."""
    kinds = tuple([f"<{kind}>" for kind in sorted(item.kinds - _LITTLE)])
    wordy = item.word and not is_figure(item) and not item.has(*NAMES)
    return (item.word, *kinds) if wordy else kinds or ("<other>",)


def _kind(item: Item) -> str:
    return "/".join(sorted(item.kinds))


def _size(item: Item) -> str:
    if item.amount is None:
        return "none"
    value = abs(item.number.value)
    whole = "w" if value == int(value) else "f"
    return f"{floor(log10(value)) if value else 'zero'}{whole}{'r' if len(item.number.values) > 1 else ''}"


def _of_itself(item: Item) -> _Named:
    kind = _kind(item)
    glued = item.word.lstrip(_NUMERALS)[:3]
    return [(f"kind {kind}", _KIND), (f"glued {glued}", _KIND), (f"size {kind} {_size(item)}", _SIZE)]


def _around(items: Sequence[Item], words: list[tuple[str, ...]], at: int) -> _Named:
    size = _size(items[at])
    before, named = _side(items, words, at, -1)
    after, more = _side(items, words, at, 1)
    named += more
    for side, beside in (("l", before), ("r", after)):
        named += [(f"u{side}{place} {word}", _BESIDE[place]) for place, of_one in enumerate(beside) for word in of_one]
        if len(beside) > 1:
            named += [(f"uu{side} {one} {two}", _WORD) for one in beside[0] for two in beside[1]]
    named += [(f"lr {one} {two}", _WORD) for one in before[0] for two in after[0]]
    named += [(f"sl {size} {word}", _FAR) for word in before[0]]
    named += [(f"sr {size} {word}", _WORD) for word in after[0]]
    return named


def _side(
    items: Sequence[Item], words: list[tuple[str, ...]], at: int, step: int
) -> tuple[list[tuple[str, ...]], _Named]:
    """Return the telling words on one side of a figure, the nearest first, and the features of all.

    Args:
        items: of the sentence.
        words: of each item.
        at: position of the figure.
        step: -1 for what stands before it, 1 for what stands behind it.
    """
    side = "l" if step < 0 else "r"
    crossed = ""  # what lies between: a stop, a comma, another figure
    beside: list[tuple[str, ...]] = []
    named: _Named = []
    for away, other in enumerate(range(at + step, at + step * (_AROUND + 1), step), start=1):
        if not 0 <= other < len(items):
            break
        kinds = items[other].kinds
        crossed = "." if "stop" in kinds else "," if "comma" in kinds and crossed != "." else crossed
        if len(beside) < _TELLING and (kinds.isdisjoint(_SKIPPED) or not kinds.isdisjoint(_KEPT)):
            beside.append(words[other])
        band = "1" if away < 3 else "4" if away < 6 else "7"
        for word in words[other]:
            named.append((f"{side}{crossed} {word}", _WORD if away <= 3 and not crossed else _FAR))
            named.append((f"near {side} {word} {band}{crossed}", _CUE * (1.0 if word[0] == "<" else 0.6)))
        if away <= _NEAR and words[other][0][0] != "<":
            named += pieces(words[other][0], f"{side} ")
        crossed = crossed or ("#" if is_figure(items[other]) else "")
    return beside or [("end",)], named


def _of_others(items: Sequence[Item], positions: Sequence[int], place: int) -> _Named:
    """Return what the figures before and after are, and which of them this is."""
    named = [(f"place {min(place, 3)}", _OTHERS), (f"last {place == len(positions) - 1}", _OTHERS)]
    for step in (-1, 1):
        if 0 <= place + step < len(positions):
            at = positions[place + step]
            unit = "/".join(sorted(items[at + 1].kinds - _LITTLE)) if at + 1 < len(items) else ""
            named.append((f"figure{step} {_kind(items[at])} {unit}", _OTHERS))
    return named


def _of_words(words: list[tuple[str, ...]]) -> _Named:
    named = [(f"w {word}", 1.0) for of_item in words for word in of_item]
    for of_item in words:
        if of_item[0][0] != "<":
            named += pieces(of_item[0], "c ")
    for first, second in pairwise(words):
        for one in first:
            for two in second:
                named.append((f"p {one} {two}", 0.4))
    return named
