"""Named features of an example, hashed into buckets."""

from collections.abc import Iterable
from typing import Final
from zlib import crc32

BUCKETS: Final = 1 << 13
"""Features are hashed into so many."""
FEWEST, MOST = 3, 5
"""Letters of a piece of a word."""
Features = dict[int, float]
"""How much each bucket counts in an example."""


def bucketed(features: Iterable[tuple[str, float]]) -> Features:
    """Return named features by bucket; those that share one are added."""
    counts: Features = {}
    for feature, weight in features:
        bucket = crc32(feature.encode()) % BUCKETS
        counts[bucket] = counts.get(bucket, 0.0) + weight
    return counts


def pieces(word: str, prefix: str) -> list[tuple[str, float]]:
    """Return the pieces of a word as features that together count as one word.

    Args:
        word: any.
        prefix: of their names.
    """
    framed = f"<{word}>"
    parts = [framed[at : at + size] for size in range(FEWEST, MOST + 1) for at in range(len(framed) - size + 1)]
    weight = 1.0 / max(1, len(parts)) ** 0.5
    return [(prefix + part, weight) for part in parts]
