"""Which act a line is: the likeliest first, each with its probability."""

from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.json import decode
from numpy.typing import NDArray

from agent.after_plan.acts.phrases import Concepts, features_of

WEIGHTS: Final = Path(__file__).parent / "weights.npy"
"""Whole numbers of each act's ``scale``, by bucket and act."""
LEARNED: Final = WEIGHTS.with_name("learned.json")
BIAS: Final = 0.3
"""The value of the feature that every line has."""


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
    found = features_of(text, concepts)
    sums = np.fromiter(found.values(), float, len(found)) @ weights[list(found)]
    logits = np.array(known.bias) + sums * known.scale
    probabilities = np.exp(logits - logits.max())
    probabilities /= probabilities.sum()
    return tuple(
        Guess(known.acts[at], float(probabilities[at]), known.reads[at], known.asks[at])
        for at in np.argsort(-probabilities, kind="stable")
    )


class Learned(Struct, frozen=True):
    """What stands beside the weights: of each act its name and words, its scale and bias; the concepts."""

    acts: list[str]
    reads: list[str]
    asks: list[str]
    concepts: dict[str, str]
    digest: str
    """Of the files that all was learned from, as ``learning.digest``."""
    scale: list[float]
    bias: list[float]


@cache
def learned() -> Learned:
    """Return what was learned, but for the weights."""
    return decode(LEARNED.read_bytes(), type=Learned)


@cache
def _model() -> tuple[Learned, Concepts, NDArray[np.int8]]:
    known = learned()
    return known, Concepts(known.concepts), np.load(WEIGHTS)
