"""What a misspelt word was meant to be: the one word worth correcting that is one slip away (two in long words)."""

from functools import cache, lru_cache
from itertools import combinations
from typing import Final

from agent.interpret.words.ordinary import word_list
from agent.interpret.words.vocabulary import KINDS_OF, PHRASES

SHORTEST: Final = 5
"""Letters that a word must have to be corrected."""

CORRECTED: Final = word_list("corrected")
"""Words that are read when misspelt: units and cues on which a number's meaning hangs."""

TRUE_WORDS: Final = word_list("true_words")
"""Words that are right as they are although they look like one of those."""


@cache
def known_words() -> frozenset[str]:
    """Return every word of the vocabulary and of its phrases."""
    return (
        frozenset(KINDS_OF)
        | {"april"}
        | {  # no misspelt Apriel
            word for phrases in PHRASES.values() for phrase in phrases.split("|") for word in phrase.split()
        }
    )


@cache
def _targets() -> dict[str, frozenset[str]]:
    """Return the corrected words by what is left of them when letters are dropped."""
    near: dict[str, set[str]] = {}
    for word in CORRECTED:
        if len(word) >= SHORTEST:
            for shorter in _shortened(word, _slips(word)):
                near.setdefault(shorter, set()).add(word)
    return {shorter: frozenset(found) for shorter, found in near.items()}


SHORT: Final = {"inn": "in", "outt": "out", "rsp": "rps", "rqs": "rps", "plz": "please", "pls": "please"}
"""Slips in words too short to be corrected by their letters."""


@lru_cache(maxsize=8192)
def spelt(word: str) -> str:
    """Return the word of the vocabulary that is meant, or the word itself."""
    word = SHORT.get(word, word)
    right = word in known_words() or word in TRUE_WORDS or not word.isalpha()
    if right or not SHORTEST <= len(word) <= 20:
        return word
    candidates: set[str] = set()
    for shorter in _shortened(word, _slips(word)):
        candidates |= _targets().get(shorter, frozenset())
    ranked = sorted(
        (distance, other)
        for other in candidates
        if other[0] == word[0]
        and abs(len(other) - len(word)) <= 2
        and (distance := _distance(word, other)) <= min(_slips(word), _slips(other))
    )
    return ranked[0][1] if ranked and (len(ranked) == 1 or ranked[0][0] < ranked[1][0] or _same_sense(ranked)) else word


def _same_sense(ranked: list[tuple[int, str]]) -> bool:
    """Whether the nearest words are forms of one word."""
    nearest = [word for distance, word in ranked if distance == ranked[0][0]]
    return len({word.rstrip("s") for word in nearest}) == 1


def _slips(word: str) -> int:
    return 2 if len(word) >= 9 else 1


def _shortened(word: str, count: int) -> set[str]:
    """Return the word and what is left of it without up to so many letters."""
    found = {word}
    for drop in range(1, count + 1):
        for kept in combinations(range(len(word)), len(word) - drop):
            found.add("".join(word[index] for index in kept))
    return found


def _distance(one: str, other: str) -> int:
    """Return how many letters were added, dropped, changed or swapped with the next (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        new = [i]
        for j, b in enumerate(other, 1):
            cost = min(row[j] + 1, new[-1] + 1, row[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            new.append(cost)
        before, row = row, new
    return row[-1]


def one_slip(one: str, other: str) -> bool:
    """Whether two words are one slip apart."""
    return abs(len(one) - len(other)) <= 1 and _distance(one, other) == 1


def stem_of(noun: str) -> str:
    """Return what a noun's singular and plural share."""
    return noun.removesuffix("ies").removesuffix("es").removesuffix("s").removesuffix("y").removesuffix("e")
