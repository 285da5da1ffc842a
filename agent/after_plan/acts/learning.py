"""Weights learned from the phrasings, and how right they are on voices that were left out."""

import tomllib
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np
from msgspec import Struct, convert
from msgspec.json import encode
from numpy.typing import NDArray

from agent.after_plan.acts.classifier import LEARNED, WEIGHTS, Learned
from agent.after_plan.acts.meaning import MEANINGS, meant
from agent.after_plan.acts.phrases import Concepts, features_of
from agent.learned.network import Network, trained
from agent.learned.rows import weighed
from agent.learned.weights import Singles, quantised, softmax
from engine.arrays import Ints

ACTS: Final = Path(__file__).parent / "acts.toml"
CONCEPTS: Final = ACTS.with_name("concepts.toml")
VOICES: Final = ACTS.with_name("voices")
"""Further phrasings, a file for each manner of speaking: by act, a line each."""
_GROUPS: Final = 5
"""In so many the voices are left out one group after the other."""


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


class LeftOut(Struct, frozen=True):
    """How the phrasings of one voice fare with weights that were learned from all others."""

    voice: str
    phrasings: int
    right: float
    """Share whose act was the likeliest."""
    among_two: float
    """Share whose act was among the two likeliest."""
    by_probability: tuple[tuple[float, bool], ...]
    """Of each phrasing: the probability of its likeliest act, and whether that was right."""
    mistaken: tuple[tuple[str, str, float, str], ...]
    """Act, likeliest act, its probability, phrasing."""

    def answered(self, sure: float) -> tuple[float, float]:
        """Return the shares that are surely taken for something, and of those the ones that are right."""
        reach = [right for probability, right in self.by_probability if probability >= sure]
        return len(reach) / self.phrasings, sum(reach) / max(1, len(reach))


def acts() -> tuple[Act, ...]:
    """Return all acts."""
    return tuple(convert(entry, Act) for entry in tomllib.loads(ACTS.read_text(encoding="utf-8"))["act"])


def voices() -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the phrasings by voice and act; those of ``acts.toml`` are a voice of their own."""
    read = {
        file.stem: {
            act: tuple(line for line in text.splitlines() if line)
            for act, text in tomllib.loads(file.read_text(encoding="utf-8")).items()
        }
        for file in sorted(VOICES.glob("*.toml"))
    }
    return {"first": {act.id: act.lines for act in acts()}, **read}


def digest() -> str:
    """Return a digest of the files that weights are learned from."""
    files = (ACTS, CONCEPTS, MEANINGS, *sorted(VOICES.glob("*.toml")))
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


class _Examples(Struct, frozen=True):
    """All phrasings."""

    features: Singles
    """A row each: of what it says, then of what it means, each at length one."""
    rarity: Singles
    """By bucket."""
    truth: Ints
    """The number of each one's act."""
    voice: NDArray[np.str_]
    lines: list[str]


def learn() -> None:
    """Learn the weights from all phrasings and write them."""
    known, words = acts(), tomllib.loads(CONCEPTS.read_text(encoding="utf-8"))
    examples = _examples(known, Concepts(words))
    network = trained(examples.features, examples.truth, len(known))
    inner, scale = quantised(network.inner)
    names, reads, asks = ([getattr(act, name) for act in known] for name in ("id", "reads", "ask"))
    LEARNED.write_bytes(encode(Learned(names, reads, asks, words, digest())))
    np.savez(
        WEIGHTS,
        rarity=examples.rarity.astype(np.float16),
        inner=inner,
        scale=np.array(scale, dtype=np.float32),
        inner_bias=network.inner_bias,
        outer=network.outer.astype(np.float16),
        outer_bias=network.outer_bias,
    )


def cross_validation(left_out: Sequence[Sequence[str]] = ()) -> tuple[LeftOut, ...]:
    """Return how often phrasings are understood whose whole voice the weights were not learned from.

    The words of concepts are not left out with them: they were written beside the phrasings, so that phrasings by
    another hand come out lower.

    Args:
        left_out: voices, those of one sequence left out together; empty for all, a fifth at a time.
    """
    known = acts()
    examples = _examples(known, Concepts(tomllib.loads(CONCEPTS.read_text(encoding="utf-8"))))
    every = sorted(set(examples.voice))
    return tuple(
        _left_out(known, examples, network, voice)
        for group in left_out or [every[first::_GROUPS] for first in range(_GROUPS)]
        for network in [_without(examples, group, len(known))]
        for voice in group
    )


def _without(examples: _Examples, voices_left_out: Sequence[str], count: int) -> Network:
    rest = ~np.isin(examples.voice, list(voices_left_out))
    return trained(examples.features[rest], examples.truth[rest], count)


def _left_out(known: tuple[Act, ...], examples: _Examples, network: Network, voice: str) -> LeftOut:
    out = np.flatnonzero(examples.voice == voice)
    shares, truth = softmax(network.sums(examples.features[out])), examples.truth[out]
    likeliest = np.argsort(-shares, axis=1)[:, :2]
    first, sure = likeliest[:, 0], shares.max(axis=1)
    mistaken = [
        (known[truth[row]].id, known[first[row]].id, float(sure[row]), examples.lines[out[row]])
        for row in np.flatnonzero(first != truth)
    ]
    among_two = float((likeliest == truth[:, None]).any(axis=1).mean())
    pairs = tuple(zip(sure.tolist(), (first == truth).tolist(), strict=True))
    return LeftOut(str(voice), len(out), 1 - len(mistaken) / len(out), among_two, pairs, tuple(sorted(mistaken)))


def _examples(known: tuple[Act, ...], concepts: Concepts) -> _Examples:
    number = {act.id: at for at, act in enumerate(known)}
    rows = [(voice, number[act], line) for voice, said in voices().items() for act, ls in said.items() for line in ls]
    features, rarity = weighed([features_of(line, concepts) for _, _, line in rows])
    features = np.hstack([features, np.vstack([meant(line) for _, _, line in rows])])
    truth = np.array([number for _, number, _ in rows])
    return _Examples(features, rarity, truth, np.array([voice for voice, _, _ in rows]), [line for _, _, line in rows])
