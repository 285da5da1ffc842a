"""Token lengths as a few weighted values (strata), from which every expectation over requests is summed.

A fixed stratified sample, dense in the tail, so that no plan depends on random numbers. A lognormal clipped at the
context limit reproduces real traces best (about 16 % error at p99); each stratum stands at its conditional mean
m·(Φ(z_b − σ) − Φ(z_a − σ))/(b − a).
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import log, sqrt
from statistics import NormalDist

import numpy as np
from msgspec import Struct

from catalogs.kept import made_once
from engine.arrays import Floats
from engine.workload import TokenDistribution, Tokens

EDGES = (0.0, 0.1, 0.25, 0.4, 0.5, 0.6, 0.7, 0.8, 0.87, 0.92, 0.95, 0.97, 0.985, 0.993, 0.998, 1.0)
"""Cumulative probabilities that bound the strata."""

_NORMAL = NormalDist()


class Strata(Struct, frozen=True, dict=True):
    """Values and their probabilities."""

    values: Floats
    weights: Floats

    @made_once
    def mean(self) -> float:
        """Expected value."""
        return float(self.values @ self.weights)

    @made_once
    def cv(self) -> float:
        """Standard deviation over mean."""
        variance = float(((self.values - self.mean) ** 2) @ self.weights)
        return sqrt(variance) / self.mean if self.mean else 0.0

    def percentile(self, share: float) -> float:
        """Return the value that a share of the probability does not exceed."""
        values, reached = self._rising
        return values[min(bisect_left(reached, share), len(values) - 1)]

    @made_once
    def _rising(self) -> tuple[list[float], list[float]]:
        """The values in order, and the probability that none is larger."""
        order = np.argsort(self.values)
        return self.values[order].tolist(), np.cumsum(self.weights[order]).tolist()


def strata(distribution: TokenDistribution, limit: float, edges: tuple[float, ...] = EDGES) -> Strata:
    """Return the strata of a distribution, clipped to 1 … ``limit`` tokens, with the stated mean where that fits.

    Args:
        edges: cumulative probabilities that bound them; of a file's values there are as many groups, 32 at least.
    """
    if distribution.values:
        values = np.sort(np.asarray(distribution.values))
        groups = np.array_split(values, min(len(values), max(32, len(edges) - 1)))
        means = np.array([group.mean() for group in groups])
        weights = np.array([len(group) for group in groups]) / len(values)
        return Strata(np.clip(means, 1.0, limit), weights)
    units, weights = _unit_lognormal(round(distribution.lognormal_cv, 6), edges)
    units = np.maximum(units, 1e-9)
    # Clipping takes from the mean, which the values that may still grow give back: the clipped mean is piecewise linear
    # in the scale, with a corner where a value reaches either end.
    corners = np.sort(np.concatenate([1.0 / units, limit / units]))
    means = np.clip(corners[:, None] * units, 1.0, limit) @ weights
    return Strata(np.clip(units * np.interp(distribution.mean, means, corners), 1.0, limit), weights)


@lru_cache(maxsize=64)
def _unit_lognormal(cv: float, edges: tuple[float, ...]) -> tuple[Floats, Floats]:
    if cv == 0:
        return np.ones(1), np.ones(1)
    sigma = sqrt(log(1 + cv * cv))
    shifted = [0.0, *(_NORMAL.cdf(_NORMAL.inv_cdf(edge) - sigma) for edge in edges[1:-1]), 1.0]
    weights = np.diff(np.array(edges))
    return np.diff(np.array(shifted)) / weights, weights


class Lengths(Struct, frozen=True, dict=True):
    """Prompt and answer lengths of a workload."""

    prompt: Strata
    """Whole prompts, tokens."""
    computed: Floats
    """Prompt tokens to compute after prefix hits, per prompt stratum."""
    output: Strata
    """Answers, tokens, reasoning included."""

    @property
    def computed_mean(self) -> float:
        """E[P]: prompt tokens to compute after prefix hits, mean over prompts."""
        return float(self.computed @ self.prompt.weights)

    @made_once
    def computed_square(self) -> float:
        """E[P²] of prompt tokens to compute, tokens²."""
        return float((self.computed * self.computed) @ self.prompt.weights)

    @made_once
    def decoded(self) -> float:
        """D = E[O − 1]: tokens of an answer that decoding steps make; at least a thousandth."""
        return max(float((self.output.values - 1) @ self.output.weights), 1e-3)

    @made_once
    def answer_steps(self) -> Floats:
        """Decoding steps of answers by their length, at least one."""
        return np.maximum(self.output.values - 1, 1.0)

    @property
    def live_mean(self) -> float:
        """Tokens that a running sequence holds on average; long answers run longer, so that more of them are met."""
        return self.prompt.mean + self.running_output / 2

    @property
    def reserved_mean(self) -> float:
        """Tokens that a running sequence holds where its whole answer is reserved for it from the start."""
        return self.prompt.mean + self.running_output

    @property
    def running_output(self) -> float:
        """Answer length of the sequences that run at a time, E[O²]/E[O]."""
        return self.output.mean * (1 + self.output.cv**2)

    def live_percentile(self, share: float) -> float:
        """A high percentile of the tokens that a request holds at its end."""
        return self.prompt.percentile(share) + self.output.percentile(share)

    def decode_context(self, window: float) -> float:
        """c̄_w = E[Σ over steps of min(context, w)]/D, tokens."""
        steps = self.output.values - 1
        start = self.prompt.values[:, None]
        seen = _capped_integral(start, start + steps, window)
        return float(self.prompt.weights @ seen @ self.output.weights) / self.decoded

    def prompt_context(self, window: float) -> Floats:
        """Σ chunk·min(start + chunk/2, w) of a whole prompt, per stratum, tokens²."""
        return _capped_integral(self.prompt.values - self.computed, self.prompt.values, window)


class MixedLengths(Lengths, frozen=True):
    """Lengths of kinds of requests that are served together, each with prompts and answers of its own.

    Prompts and answers of all kinds are listed one kind after the other; what depends on both is summed kind by kind,
    since long prompts of one kind do not come with the answers of another.
    """

    kinds: tuple[tuple[float, Lengths], ...]
    """Share of the requests, and their lengths."""

    @property
    def live_mean(self) -> float:
        """Tokens that a running sequence holds on average."""
        return self._running("live_mean")

    @property
    def reserved_mean(self) -> float:
        """Tokens that a running sequence holds where its whole answer is reserved for it from the start."""
        return self._running("reserved_mean")

    def _running(self, name: str) -> float:
        running = [(share * one.output.mean, float(getattr(one, name))) for share, one in self.kinds]
        return sum(share * held for share, held in running) / sum(share for share, _ in running)

    def live_percentile(self, share: float) -> float:
        """A high percentile of the tokens that a request holds at its end, of the kind where it is highest."""
        return max(one.live_percentile(share) for _, one in self.kinds)

    def decode_context(self, window: float) -> float:
        """c̄_w over the steps of all kinds, tokens."""
        return sum(share * one.decoded * one.decode_context(window) for share, one in self.kinds) / sum(
            share * one.decoded for share, one in self.kinds
        )


def mixed_lengths(kinds: Sequence[tuple[float, Lengths]]) -> MixedLengths:
    """Return the lengths of kinds of requests together: shares of the requests, which sum to 1, with their lengths."""

    def together(parts: Iterable[tuple[float, Strata]]) -> Strata:
        listed = tuple(parts)
        values = np.concatenate([strata.values for _, strata in listed])
        return Strata(values, np.concatenate([share * strata.weights for share, strata in listed]))

    return MixedLengths(
        together((share, one.prompt) for share, one in kinds),
        np.concatenate([one.computed for _, one in kinds]),
        together((share, one.output) for share, one in kinds),
        tuple(kinds),
    )


@lru_cache(maxsize=64)
def lengths_of(tokens: Tokens, context_limit: float) -> Lengths:
    """Return a workload's lengths within a context limit."""
    output = tokens.output
    if tokens.reasoning_tokens:
        longer = output.mean + tokens.reasoning_tokens
        output = TokenDistribution(mean=longer, cv=output.lognormal_cv)
    prompt = strata(tokens.input, max(context_limit - 1, 1.0))
    answer = strata(output, max(context_limit - 1, 1.0))
    return Lengths(prompt, np.maximum(prompt.values * (1 - tokens.prefix_hit), 1.0), answer)


def _capped_integral(start: Floats, end: Floats, cap: float) -> Floats:
    """Return ∫ min(x, cap) dx from start to end."""
    if cap == np.inf:
        return (end * end - start * start) / 2
    low_start, low_end = np.minimum(start, cap), np.minimum(end, cap)
    return (low_end * low_end - low_start * low_start) / 2 + cap * ((end - low_end) - (start - low_start))
