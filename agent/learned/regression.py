"""Weights learned from examples by multinomial logistic regression."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from agent.learned.features import BUCKETS, Features
from agent.learned.weights import BIAS, Singles, softmax
from engine.arrays import Ints

DECAY: Final = 5e-6
"""Weight of the squared weights beside the mean loss of an example, by cross-validation over voices: the more, the less
sure of anything."""
_RARE: Final = 1.5
"""Power of the logarithm by which rare features count more, by cross-validation over voices; 1 to 2 come out alike."""
ITERATIONS: Final = 150


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


def alike(rows: Singles) -> Singles:
    """Return the products of the features of each two examples."""
    made: Singles = rows @ rows.T + np.float32(BIAS**2)
    return made


def fitted(products: Singles, truth: Ints, count: int) -> Singles:
    """Return what each example adds to the weights of each class, by accelerated gradient descent (Nesterov 1983).

    The weights are sums of examples' features, so that the descent needs only how alike the examples are.

    Args:
        products: of the features of each two examples.
        truth: the number of each example's class.
    """
    wanted = np.eye(count, dtype=np.float32)[truth]
    # The gradient's Lipschitz constant: half the largest eigenvalue of the second moments (Böhning 1992).
    vector = np.ones(len(products), dtype=np.float32)
    for _ in range(30):
        vector = products @ vector
        largest = np.linalg.norm(vector)
        vector /= largest
    rate = np.float32(1 / (0.5 * float(largest) / len(products) + DECAY))
    parts: Singles = np.zeros((len(products), count), dtype=np.float32)
    ahead, momentum = parts, 1.0
    for _ in range(ITERATIONS):
        slope = (softmax(products @ ahead) - wanted) / np.float32(len(products)) + np.float32(DECAY) * ahead
        stepped = (ahead - rate * slope).astype(np.float32)
        following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = stepped + np.float32((momentum - 1) / following) * (stepped - parts)
        parts, momentum = stepped, following
    return parts


def weights_of(rows: Singles, parts: Singles) -> tuple[Singles, list[float]]:
    """Return the weights by bucket and class, and the bias of each class.

    Args:
        rows: of the examples.
        parts: as ``fitted`` returns them.
    """
    return rows.T @ parts, (BIAS**2 * parts.sum(axis=0)).tolist()
