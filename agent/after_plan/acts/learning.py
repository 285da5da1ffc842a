"""Weights learned from the phrasings: multinomial logistic regression, and how often it is right on those left out."""

import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct, convert
from msgspec.json import encode

from agent.after_plan.acts.classifier import BIAS, LEARNED, WEIGHTS, Learned
from agent.after_plan.acts.phrases import BUCKETS, Concepts, features_of
from engine.arrays import Floats, Ints

ACTS: Final = Path(__file__).parent / "acts.toml"
CONCEPTS: Final = Path(__file__).parent / "concepts.toml"
DECAY: Final = 1e-5
"""Weight of the squared weights beside the mean loss of a phrasing; 1e-6 to 3e-5 come out alike."""
ITERATIONS: Final = 150
FOLDS: Final = 5


class Act(Struct, frozen=True, forbid_unknown_fields=True):
    """What can be asked, and in which words."""

    id: str
    reads: str
    ask: str
    phrasings: str
    """A line each."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The phrasings."""
        return tuple(line for line in self.phrasings.splitlines() if line)


class CrossValidation(Struct, frozen=True):
    """How phrasings fared that were left out, a fifth at a time."""

    phrasings: int
    acts: int
    right: float
    """Share whose act was the likeliest."""
    among_two: float
    """Share whose act was among the two likeliest."""
    mistaken: tuple[tuple[str, str, float, str], ...]
    """Act, likeliest act, its probability, phrasing."""


def acts() -> tuple[Act, ...]:
    """Return all acts."""
    return tuple(convert(entry, Act) for entry in tomllib.loads(ACTS.read_text(encoding="utf-8"))["act"])


def digest() -> str:
    """Return a digest of the files that weights are learned from."""
    return sha256(ACTS.read_bytes() + CONCEPTS.read_bytes()).hexdigest()


def learn() -> None:
    """Learn the weights from all phrasings and write them."""
    known, words = acts(), tomllib.loads(CONCEPTS.read_text(encoding="utf-8"))
    features, truth, _ = _examples(known, Concepts(words))
    parts = _fitted(_alike(features), truth, len(known))
    weights, bias = features.T @ parts, BIAS**2 * parts.sum(axis=0)
    scale = np.abs(weights).max(axis=0) / 127
    names, reads, asks = ([getattr(act, name) for act in known] for name in ("id", "reads", "ask"))
    kept = Learned(names, reads, asks, words, digest(), scale.tolist(), bias.tolist())
    LEARNED.write_bytes(encode(kept))
    np.save(WEIGHTS, np.rint(weights / scale).astype(np.int8))


def cross_validation(seed: int = 0) -> CrossValidation:
    """Return how often phrasings are understood that the weights were not learned from.

    The words of concepts are not left out with them: they were written beside the phrasings, so that phrasings by
    another hand come out lower.
    """
    known = acts()
    features, truth, lines = _examples(known, Concepts(tomllib.loads(CONCEPTS.read_text(encoding="utf-8"))))
    alike = _alike(features)
    order = np.random.default_rng(seed).permutation(len(truth))
    mistaken: list[tuple[str, str, float, str]] = []
    among_two = 0
    for fold in range(FOLDS):
        left_out = order[fold::FOLDS]
        rest = np.setdiff1d(order, left_out)
        parts = _fitted(alike[np.ix_(rest, rest)], truth[rest], len(known))
        shares = _softmax(alike[np.ix_(left_out, rest)] @ parts)
        likeliest = np.argsort(-shares, axis=1)
        among_two += int((likeliest[:, :2] == truth[left_out, None]).any(axis=1).sum())
        for row, (first, true) in enumerate(zip(likeliest[:, 0], truth[left_out], strict=True)):
            if first != true:
                mistaken.append((known[true].id, known[first].id, float(shares[row, first]), lines[left_out[row]]))
    count = len(truth)
    return CrossValidation(count, len(known), 1 - len(mistaken) / count, among_two / count, tuple(sorted(mistaken)))


def _examples(known: tuple[Act, ...], concepts: Concepts) -> tuple[Floats, Ints, list[str]]:
    """Return a row of features for each phrasing, the number of its act, and the phrasings."""
    lines = [(number, line) for number, act in enumerate(known) for line in act.lines]
    features = np.zeros((len(lines), BUCKETS))
    for row, (_, line) in enumerate(lines):
        found = features_of(line, concepts)
        features[row, list(found)] = list(found.values())
    return features, np.array([number for number, _ in lines]), [line for _, line in lines]


def _alike(features: Floats) -> Floats:
    made: Floats = features @ features.T + BIAS**2
    return made


def _fitted(alike: Floats, truth: Ints, count: int) -> Floats:
    """Return what each phrasing adds to the weights of each act, by accelerated gradient descent (Nesterov 1983).

    The weights are sums of phrasings' features, so that the descent needs only how alike the phrasings are.

    Args:
        alike: products of the features of each two phrasings.
        truth: the number of each phrasing's act.
        count: of acts.
    """
    wanted = np.eye(count)[truth]
    # The gradient's Lipschitz constant: half the largest eigenvalue of the second moments (Böhning 1992).
    vector = np.ones(len(alike))
    for _ in range(30):
        vector = alike @ vector
        largest = np.linalg.norm(vector)
        vector /= largest
    rate = 1 / (0.5 * largest / len(alike) + DECAY)
    parts = np.zeros((len(alike), count))
    ahead, momentum = parts, 1.0
    for _ in range(ITERATIONS):
        stepped = ahead - rate * ((_softmax(alike @ ahead) - wanted) / len(alike) + DECAY * ahead)
        following = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = stepped + (momentum - 1) / following * (stepped - parts)
        parts, momentum = stepped, following
    return parts


def _softmax(logits: Floats) -> Floats:
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    made: Floats = shares / shares.sum(axis=1, keepdims=True)
    return made
