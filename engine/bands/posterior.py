"""What a calibration leaves unsure: of constants, and of a prediction at a load near or far from those measured.

log(measured/predicted) of a figure is linear in how constants moved, whose prior is the spread between servers; beside
it stand a misfit of the formulas, alike at like loads of one setting (a Gaussian process over the logarithms of
requests in flight, prompt and answer, and an offset of all loads), and the noise of single runs. How large misfit and
noise are differs from server to server: their scales, of steps and of TTFT, are unknown with a prior, which the
evidence narrows, so that bands are mixtures with the tails of Student's law. Sources: M. C. Kennedy, A. O'Hagan,
Bayesian calibration of computer models, J. R. Stat. Soc. B 63 (2001) 425; A. Shah, A. Wilson, Z. Ghahramani, Student-t
processes as alternatives to Gaussian processes, AISTATS (2014).
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from math import erf
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.records.calibrations import Calibration, Evidence, Metric
from engine.arrays import Floats
from engine.bands.lookup import NORMAL, SHARES, CaseBand, Part
from engine.step.calibrated import MISFIT, OFFSET, likeness, log_moves

NOISE: Final[Mapping[Metric, float]] = {"itl": 0.011, "ttft": 0.065, "throughput": 0.011}
"""Of a run, log, times a server's scale. Likeliest as ``OFFSET`` is."""
LEAST_NOISE: Final = 0.01
"""Of a run on any server, log; judgement."""
SCALES: Final[Mapping[str, tuple[float, ...]]] = {
    "steps": (0.636, 0.925, 1.285, 1.933, 4.201),
    "ttft": (0.575, 1.223, 2.754, 8.888, 108.1),
}
"""A server's scales, equally likely before it was measured: medians of fifths of the square root of ν/χ², with ν = 1.5
degrees of freedom of steps and 0.44 of TTFT."""
NEGLIGIBLE: Final = 1e-3
"""Weight below which a pair of scales is left out."""
MEDIAN: Final = 3
"""Position of the median among them."""


class Posterior(Struct, frozen=True, dict=True):
    """A calibration's evidence, and what follows from it where a server's scales are given."""

    calibration: Calibration
    steps: float = 1.0
    """Scale of ITL's and throughput's misfit and noise."""
    ttft: float = 1.0

    def scales(self, own: Sequence[Evidence]) -> Floats:
        """Return the scale of each figure."""
        return np.array([self.ttft if one.metric == "ttft" else self.steps for one in own])

    def misfit(self, some: Sequence[Evidence], others: Sequence[Evidence]) -> Floats:
        """Return the covariance of what constants cannot mend of some figures with that of others: (some, others)."""
        near, shared = _alike(some, others)
        return np.asarray(near * np.outer(self.scales(some), self.scales(others)) + shared, dtype=np.float64)

    def noise(self, own: Sequence[Evidence]) -> Floats:
        """Return the variance of the noise of each figure."""
        return (np.array([one.noise for one in own]) * self.scales(own)) ** 2 + LEAST_NOISE**2

    @property
    def prior(self) -> Floats:
        """Variance of each constant's logarithm before anything was measured."""
        return np.array([one.deviation**2 for one in self.calibration.constants])

    @cached_property
    def slopes(self) -> Floats:
        """(evidence, constants)"""
        shape = (len(self.calibration.evidence), len(self.calibration.constants))
        return np.array([one.slopes for one in self.calibration.evidence], dtype=float).reshape(shape)

    @cached_property
    def log_errors(self) -> Floats:
        """Of the evidence, by the constants before."""
        return np.array([one.log_error for one in self.calibration.evidence])

    @cached_property
    def inverse(self) -> Floats:
        """Of the covariance of the evidence."""
        own = self.calibration.evidence
        total: Floats = (self.slopes * self.prior) @ self.slopes.T + self.misfit(own, own) + np.diag(self.noise(own))
        return np.asarray(np.linalg.inv(total), dtype=np.float64)

    @property
    def log_likelihood(self) -> float:
        """Of the evidence, but for a constant."""
        _, log_precision = np.linalg.slogdet(self.inverse)
        return float(log_precision - self.log_errors @ self.inverse @ self.log_errors) / 2

    @property
    def mean(self) -> Floats:
        """By which logarithm each constant is likeliest to have moved."""
        return self.prior * (self.slopes.T @ (self.inverse @ self.log_errors))

    @property
    def covariance(self) -> Floats:
        """Of the constants' logarithms, after the evidence."""
        gain = self.prior[:, None] * self.slopes.T
        return np.asarray(np.diag(self.prior) - gain @ self.inverse @ gain.T, dtype=np.float64)

    @property
    def share_left(self) -> float:
        """What is left of the spread of predictions that constants make, over that before the evidence."""
        before = (self.slopes * self.prior) @ self.slopes.T
        after = self.slopes @ self.covariance @ self.slopes.T
        return float(np.sqrt(np.trace(after) / np.trace(before)))

    def errors_of(self, others: Sequence[Evidence]) -> tuple[Floats, Floats]:
        """Return log(measured/predicted) that remains of further figures, and its covariance, a run's noise included.

        Args:
            others: with their slopes at the constants after; their log errors are not looked at.
        """
        slopes = np.array([one.slopes for one in others], dtype=float)
        crossed = (slopes * self.prior) @ self.slopes.T + self.misfit(others, self.calibration.evidence)
        mean = crossed @ (self.inverse @ self.log_errors) - slopes @ np.array(log_moves(self.calibration.constants))
        own = (slopes * self.prior) @ slopes.T + self.misfit(others, others)
        return mean, own - crossed @ self.inverse @ crossed.T + np.diag(self.noise(others))

    def left_out(self, members: Sequence[int]) -> tuple[Floats, Floats]:
        """Return log(measured/predicted) of some of the evidence by the rest of it, and its covariance."""
        precision = self.inverse[np.ix_(members, members)]
        covariance: Floats = np.asarray(np.linalg.inv(precision), dtype=np.float64)
        result: Floats = covariance @ (self.inverse[members] @ self.log_errors)
        return result, covariance


def weighed(calibration: Calibration) -> list[tuple[float, Posterior]]:
    """Return what follows from a calibration's evidence for each pair of scales, with how likely they then are."""
    every = [Posterior(calibration, steps, ttft) for steps in SCALES["steps"] for ttft in SCALES["ttft"]]
    logs: Floats = np.array([one.log_likelihood for one in every])
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    return [(float(weight), one) for weight, one in zip(weights, every, strict=True) if weight > NEGLIGIBLE]


def likeliest(calibration: Calibration) -> Posterior:
    """Return what follows from a calibration's evidence with the likeliest scales."""
    return max(weighed(calibration), key=lambda item: item[0])[1]


def mean_moves(calibration: Calibration) -> Floats:
    """Return by which logarithm each constant moved, on average over what scales a server may have."""
    parts = weighed(calibration)
    return np.asarray(sum(w * one.mean for w, one in parts) / sum(w for w, _ in parts), dtype=np.float64)


def with_misfit(calibration: Calibration, left: Sequence[float]) -> Calibration:
    """Return a calibration whose evidence says what is left of figures near it: kriging.

    Args:
        left: of log(measured/predicted) of each piece of evidence.
    """
    parts, own = weighed(calibration), calibration.evidence
    near, shared = np.zeros(len(own)), np.zeros(len(own))
    for weight, one in parts:
        pull = np.linalg.solve(one.misfit(own, own) + np.diag(one.noise(own)), left) * weight
        near += pull * one.scales(own) ** 2
        shared += pull
    total = sum(weight for weight, _ in parts)
    told = zip(own, near / total, shared / total, strict=True)
    evidence = tuple(replace(e, near=float(f"{a:.6g}"), shared=float(f"{b:.6g}")) for e, a, b in told)
    return replace(calibration, evidence=evidence)


def errors_of(calibration: Calibration, others: Sequence[Evidence]) -> Floats:
    """Return quantiles of log(measured/predicted) that remains of further figures, at ``SHARES``: (figures, shares).

    Args:
        calibration: with its evidence.
        others: with their slopes at the constants after; their log errors are not looked at.
    """
    parts = [(weight, *one.errors_of(others)) for weight, one in weighed(calibration)]
    weights: Floats = np.array([weight for weight, *_ in parts])
    means = np.array([mean for _, mean, _ in parts])[..., None]
    spreads = np.sqrt(np.array([np.diag(covariance) for *_, covariance in parts]))[..., None]
    low = (means - 6 * spreads).min(axis=0) * np.ones(len(SHARES))
    high = (means + 6 * spreads).max(axis=0) * np.ones(len(SHARES))
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        below = np.tensordot(weights / weights.sum(), _normal((middle - means) / spreads), axes=1) < SHARES
        low, high = np.where(below, middle, low), np.where(below, high, middle)
    return np.asarray((low + high) / 2, dtype=np.float64)


_HALVINGS = 40


def _normal(values: Floats) -> Floats:
    """Return the share of a normal law below values."""
    return np.asarray(0.5 + 0.5 * np.vectorize(erf)(values / np.sqrt(2)), dtype=np.float64)


def band_of(errors: Floats, groups: int) -> CaseBand:
    """Return the band that quantiles of log(measured/predicted), at ``SHARES``, make."""
    deviation = float(errors[5] - errors[1]) / (NORMAL[5] - NORMAL[1])
    return CaseBand((Part("calibrated", deviation, groups),), tuple(map(float, errors / deviation)))


def _alike(some: Sequence[Evidence], others: Sequence[Evidence]) -> tuple[Floats, Floats]:
    """Return the covariance of misfits that near loads share, at scale 1, and of those that all do: (some, others)."""
    if not some or not others:
        return np.zeros((len(some), len(others))), np.zeros((len(some), len(others)))
    places, there = ([(e.in_flight, e.input_tokens, e.output_tokens) for e in own] for own in (some, others))
    alike = np.array([[a.metric == b.metric and a.setting == b.setting for b in others] for a in some])
    near, shared = (
        np.outer([size[e.metric] for e in some], [size[e.metric] for e in others]) for size in (MISFIT, OFFSET)
    )
    return alike * near * likeness(places, there), alike * shared
