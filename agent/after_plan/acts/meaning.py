"""What the words of a line mean, as a point: lines that mean alike in other words lie near each other."""

import re
from functools import cache
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from agent.learned.weights import Singles
from engine.arrays import Ints

MEANINGS: Final = Path(__file__).parent / "meanings.npz"
"""Of words, as ``distilled`` made them: ``words``, their numbers in order; ``points``, a row each in whole numbers of
``scale``."""
DIMENSIONS: Final = 128
"""Of a point."""
_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def meant(text: str) -> Singles:
    """Return the point of a line, of length 1; the origin where no word is known."""
    known, points = _words()
    numbers = np.array([numbered(word) for word in words_in(text)], dtype=np.uint32)
    places = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    made = points[places[known[places] == numbers]].sum(axis=0, dtype=np.float32)
    return unit(made)


def words_in(text: str) -> list[str]:
    """Return the words of a line in lower case, without figures and what has figures in it."""
    return _WORD.findall(text.lower())


def numbered(word: str) -> int:
    """Return the number by which a word is found."""
    return crc32(word.encode())


def unit(points: Singles) -> Singles:
    """Return points at length 1, but for the origin."""
    made: Singles = points / np.maximum(np.linalg.norm(points, axis=-1, keepdims=True), np.float32(1e-9))
    return made


@cache
def _words() -> tuple[Ints, Singles]:
    with np.load(MEANINGS) as kept:
        points: NDArray[np.int8] = kept["points"]
        return kept["words"], points * kept["scale"]
