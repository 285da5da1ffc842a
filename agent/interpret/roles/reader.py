"""What each figure of a line may be, and whether the line is about serving language models, by what was learned."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.json import decode
from numpy.typing import NDArray

from agent.interpret.roles.figures import Probabilities, features_of, features_of_line, features_of_time
from agent.interpret.words.grammar import Item
from agent.learned.features import Features
from agent.learned.weights import softmax, sums

FOLDER: Final = Path(__file__).parent
WEIGHTS: Final = FOLDER / "weights.npy"
"""Whole numbers of each class's scale, by bucket and class; those of one question stand side by side."""
RARITY: Final = FOLDER / "rarity.npy"
"""Of each bucket, by question."""
LEARNED: Final = FOLDER / "learned.json"


class Question(Struct, frozen=True):
    """What is asked of a figure or of a line, and how its classes are weighed."""

    name: str
    classes: list[str]
    scale: list[float]
    bias: list[float]


class Learned(Struct, frozen=True):
    """What stands beside the weights."""

    digest: str
    """Of the marked lines, as ``learning.digest``."""
    questions: list[Question]


@cache
def learned() -> Learned:
    """Return what was learned, but for the weights."""
    return decode(LEARNED.read_bytes(), type=Learned)


@cache
def _columns() -> dict[str, tuple[Question, NDArray[np.int8], NDArray[np.float16]]]:
    """Return of each question what its classes and features weigh."""
    weights, rarity, first = np.load(WEIGHTS), np.load(RARITY), 0
    made = {}
    for number, question in enumerate(learned().questions):
        stop = first + len(question.classes)
        made[question.name] = (question, np.ascontiguousarray(weights[:, first:stop]), rarity[:, number].copy())
        first = stop
    return made


def _answer(name: str, features: Features) -> Probabilities:
    question, weights, rarity = _columns()[name]
    logits = np.array(question.bias) + sums(features, weights, rarity, np.array(question.scale))
    return dict(zip(question.classes, softmax(logits).tolist(), strict=True))


def elsewhere(items: Sequence[Item], evidence: Sequence[str]) -> float:
    """Return how likely a line is about something else than serving language models.

    Args:
        items: of the sentence, with its names and numbers made and nothing taken yet.
        evidence: what rules found in it.
    """
    return _answer("line", features_of_line(items, evidence))["elsewhere"]


def second_reading(items: Sequence[Item]) -> Mapping[int, Probabilities]:
    """Return what each figure of a line may be, by its place in the text, if the line is about serving.

    Args:
        items: of the sentence, with its names and numbers made and nothing taken yet.
    """
    return {items[at].start: _answer("role", features) for at, features in features_of(items).items()}


def of_today(items: Sequence[Item]) -> Mapping[int, float]:
    """Return how likely each figure of a line is of what runs today, by its place in the text.

    Args:
        items: of the sentence, with its names and numbers made and nothing taken yet.
    """
    return {items[at].start: _answer("time", features)["today"] for at, features in features_of_time(items).items()}
