"""What a calibration leaves unsure: of constants, and of a prediction at a load near or far from those measured.

log(measured/predicted) of a figure is linear in how constants moved, whose prior is the fit's spread between servers;
beside it is a misfit of the formulas, which is alike at like loads of one setting (a Gaussian process over the
logarithms of requests in flight, prompt and answer), and the noise of repeats. Source: M. C. Kennedy, A. O'Hagan,
Bayesian calibration of computer models, J. R. Stat. Soc. B 63 (2001) 425.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

import numpy as np
from msgspec import Struct

from catalogs.records.calibrations import Calibration, Evidence, Metric
from engine.arrays import Floats
from engine.step.calibrated import log_moves

MISFIT: Final[Mapping[Metric, float]] = {"itl": 0.053, "ttft": 0.25, "throughput": 0.08}
"""Standard deviation of what constants cannot mend, log. Of 43 sweeps of published measurements with their sources left
out of the fit, others than those that calibrations are judged on: ITL's is likeliest, with TTFT's bands of 80 % hold
80 % of what three points leave of a sweep, runtimes and models weighed alike. Throughput's is judgement."""
REACH: Final = 1.7
"""Logarithm of a ratio of loads at which misfits are no longer much alike, likewise: a factor of 5.5 in one of them."""
NOISE: Final[Mapping[Metric, float]] = {"itl": 0.046, "ttft": 0.071, "throughput": 0.046}
"""Of repeats of one measurement, log: 4.6 % of ITL, 7.1 % of TTFT (repeated rows of AIConfigurator's sample)."""
NORMAL: Final = (-1.96, -1.2816, -0.6745, 0.0, 0.6745, 1.2816, 1.96)
"""Quantiles of a normal law at 2.5, 10, 25, 50, 75, 90 and 97.5 %."""


class Posterior(Struct, frozen=True, dict=True):
    """A calibration's evidence, and what follows from it."""

    calibration: Calibration

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
        noise = np.diag([one.noise**2 for one in own])
        total: Floats = (self.slopes * self.prior) @ self.slopes.T + misfit(own, own) + noise
        return np.asarray(np.linalg.inv(total), dtype=np.float64)

    @property
    def log_likelihood(self) -> float:
        """Of the evidence, but for a constant."""
        _, log_precision = np.linalg.slogdet(self.inverse)
        return float(log_precision - self.log_errors @ self.inverse @ self.log_errors) / 2

    @property
    def mean(self) -> Floats:
        """By which logarithm each constant is likeliest to have moved."""
        result: Floats = self.prior * (self.slopes.T @ (self.inverse @ self.log_errors))
        return result

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
        """Return log(measured/predicted) that remains of further figures, and its covariance, repeats' noise included.

        Args:
            others: with their slopes at the constants after; their log errors are not looked at.
        """
        slopes = np.array([one.slopes for one in others], dtype=float)
        crossed = (slopes * self.prior) @ self.slopes.T + misfit(others, self.calibration.evidence)
        mean = crossed @ (self.inverse @ self.log_errors) - slopes @ np.array(log_moves(self.calibration.constants))
        own = (slopes * self.prior) @ slopes.T + misfit(others, others)
        noise = np.diag([NOISE[one.metric] ** 2 for one in others])
        return mean, own - crossed @ self.inverse @ crossed.T + noise

    def left_out(self, members: Sequence[int]) -> tuple[Floats, Floats]:
        """Return log(measured/predicted) of some of the evidence by the rest of it, and its covariance.

        Args:
            members: positions in the evidence.
        """
        precision = self.inverse[np.ix_(members, members)]
        covariance: Floats = np.asarray(np.linalg.inv(precision), dtype=np.float64)
        result: Floats = covariance @ (self.inverse[members] @ self.log_errors)
        return result, covariance


def setting_name(weights: str, tp: int, pp: int, dp: int, ep: int) -> str:
    """Return the name of a server's setting, within which misfits are alike: 'fp8 TP4'.

    Args:
        weights: the id of their precision.
        tp: tensor parallelism; then pipeline, data and expert parallelism.
        pp: stages.
        dp: ranks.
        ep: ranks.
    """
    sizes = {"TP": tp, "PP": pp, "DP": dp, "EP": ep}
    return weights + "".join(f" {name}{size}" for name, size in sizes.items() if size > 1)


def misfit(some: Sequence[Evidence], others: Sequence[Evidence]) -> Floats:
    """Return the covariance of what constants cannot mend of some figures with that of others: (some, others)."""
    if not some or not others:
        return np.zeros((len(some), len(others)))
    places, there = (np.log([(e.in_flight, e.input_tokens, e.output_tokens) for e in own]) for own in (some, others))
    apart = ((places[:, None, :] - there[None, :, :]) / REACH) ** 2
    sizes, theirs = (np.array([MISFIT[e.metric] for e in own]) for own in (some, others))
    alike = np.array([[a.metric == b.metric and a.setting == b.setting for b in others] for a in some])
    result: Floats = alike * np.outer(sizes, theirs) * np.exp(-0.5 * apart.sum(axis=2))
    return result
