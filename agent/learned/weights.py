"""Weights as files hold them, and the probability of each class by them."""

from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from agent.learned.features import Features

BIAS: Final = 0.3
"""The value of the feature that every example has."""
Singles = NDArray[np.float32]
_Floats = TypeVar("_Floats", NDArray[np.float32], NDArray[np.float64])


def quantised(weights: Singles) -> tuple[NDArray[np.int8], list[float]]:
    """Return weights as whole numbers of a scale for each class, and the scales."""
    scale = np.maximum(np.abs(weights).max(axis=0), 1e-9) / 127
    return np.rint(weights / scale).astype(np.int8), scale.tolist()


def sums(
    features: Features, weights: NDArray[np.int8], rarity: NDArray[np.float16], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what an example adds up to for each class, without the class's bias.

    Args:
        weights: by bucket and class, whole numbers of ``scale``.
        rarity: how much a feature counts, by bucket.
        scale: by class.
    """
    buckets = list(features)
    values = np.fromiter(features.values(), float, len(features)) * rarity[buckets]
    return values / max(float(np.linalg.norm(values)), 1e-9) @ weights[buckets] * scale


def softmax(logits: _Floats) -> _Floats:
    """Return probabilities along the last axis."""
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)
