"""Which act a line is: the likeliest first, each with its probability."""

from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from msgspec import Struct
from msgspec.json import decode
from numpy.typing import NDArray

from agent.after_plan.acts.meaning import meant
from agent.after_plan.acts.phrases import Concepts, features_of
from agent.learned.features import BUCKETS
from agent.learned.weights import softmax, sums

WEIGHTS: Final = Path(__file__).parent / "weights.npz"
"""Of the network; ``rarity`` is how much a feature counts, by bucket: the more the fewer phrasings have it."""
LEARNED: Final = WEIGHTS.with_name("learned.json")


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
    said, means = weights["inner"][:BUCKETS], weights["inner"][BUCKETS:]
    added = sums(features_of(text, concepts), said, weights["rarity"], weights["scale"])
    added += meant(text) @ means * weights["scale"]
    hidden = np.maximum(added + weights["inner_bias"], 0)
    probabilities = softmax(hidden @ weights["outer"] + weights["outer_bias"])
    return tuple(
        Guess(known.acts[at], float(probabilities[at]), known.reads[at], known.asks[at])
        for at in np.argsort(-probabilities, kind="stable")
    )


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
