"""Weights learned from examples by multinomial logistic regression."""

from typing import Final

import numpy as np

from agent.learned.weights import BIAS, Singles, softmax
from engine.arrays import Ints

DECAY: Final = 5e-6
"""Weight of the squared weights beside the mean loss of an example, by cross-validation over voices: the more, the less
sure of anything."""
ITERATIONS: Final = 150


def alike(rows: Singles) -> Singles:
    """Return the products of the features of each two examples."""
    return rows @ rows.T + np.float32(BIAS**2)


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
