"""Which act a line is: the likeliest first, each with its probability."""

import re
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from msgspec import Struct
from msgspec.json import decode
from numpy.typing import NDArray

from agent.after_plan.acts.phrases import Concepts, features_of
from agent.learned.weights import softmax, sums

WEIGHTS: Final = Path(__file__).parent / "weights.npz"
"""Of the network; ``rarity`` is how much a feature counts, by bucket: the more the fewer phrasings have it."""
LEARNED: Final = WEIGHTS.with_name("learned.json")
_SENTENCE_END: Final = re.compile(r"(?<=[.?!;:])\s+|\s+[-–]\s+")
_SHORTEST_SENTENCE: Final = 3
"""Words."""


class Guess(Struct, frozen=True):
    """An act that a line may be."""

    act: str
    probability: float
    reads: str
    """What the act answers, in words."""
    ask: str
    """Words that ask for it plainly."""


def guesses(text: str) -> tuple[Guess, ...]:
    """Return what a line may ask, the likeliest first; the probabilities sum to 1."""
    known, concepts, weights = _model()
    added = sums(features_of(text, concepts), weights["inner"], weights["rarity"], weights["scale"])
    hidden = np.maximum(added + weights["inner_bias"], 0)
    probabilities = softmax(hidden @ weights["outer"] + weights["outer_bias"])
    return tuple(
        Guess(known.acts[at], float(probabilities[at]), known.reads[at], known.asks[at])
        for at in np.argsort(-probabilities, kind="stable")
    )


def likeliest(text: str, sure: float) -> tuple[Guess, ...]:
    """Return the guesses of a line, or of the one sentence in it that says most plainly what is asked.

    Args:
        sure: probability from which the whole line decides.
    """
    whole = guesses(text)
    if whole[0].probability >= sure:
        return whole
    sentences = [sentence for sentence in _SENTENCE_END.split(text) if len(sentence.split()) >= _SHORTEST_SENTENCE]
    alone = [guesses(sentence) for sentence in sentences] if len(sentences) > 1 else []
    return max((whole, *alone), key=lambda ranked: ranked[0].probability)


class Learned(Struct, frozen=True):
    """What stands beside the weights: of each act its name and words; the concepts."""

    acts: list[str]
    reads: list[str]
    asks: list[str]
    concepts: dict[str, dict[str, str]]
    digest: str
    """Of the files that all was learned from, as ``learning.digest``."""


@cache
def learned() -> Learned:
    """Return what was learned, but for the weights."""
    return decode(LEARNED.read_bytes(), type=Learned)


@cache
def _model() -> tuple[Learned, Concepts, dict[str, NDArray[Any]]]:
    known = learned()
    with np.load(WEIGHTS) as weights:
        return known, Concepts(known.concepts), dict(weights)
