"""Examples as rows of features, the rarer the weightier."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from agent.learned.features import BUCKETS, Features
from agent.learned.weights import Singles
from engine.arrays import Ints

_RARE: Final = 1.5
"""Power of the logarithm by which rare features count more, by cross-validation over voices; 1 to 2 come out alike."""


def weighed(features: Sequence[Features]) -> tuple[Singles, Singles]:
    """Return a row for each example, whose squares sum to one, and the rarity of each bucket."""
    rows = np.zeros((len(features), BUCKETS), dtype=np.float32)
    for row, counts in enumerate(features):
        rows[row, list(counts)] = list(counts.values())
    rarity = rarity_of(np.count_nonzero(rows, axis=0), len(rows))
    rows *= rarity
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return rows, rarity


def rarity_of(examples_with_it: Ints, examples: int) -> Singles:
    """Return a feature's weight by how few examples have it: a power of the inverse document frequency's logarithm."""
    made: Singles = (np.log(examples / np.maximum(examples_with_it, 1) + 1) ** _RARE).astype(np.float16)
    return made.astype(np.float32)
