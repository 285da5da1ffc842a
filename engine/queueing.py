"""Waiting, in closed form: the formulas of spec-kit/methodology.md ("A replica at a load"), on arrays.

Each was judged against simulations of 400,000 requests; size with the capacity formula, and trust tails above 70 %
utilisation to the simulator.
"""

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEGLIGIBLE = 1e-9
"""A probability that changes no percentile."""


def normal_tail(z: Floats) -> Floats:
    """Return P(N(0,1) > z), to 1.5e-7 (Abramowitz and Stegun 7.1.26)."""
    x = np.abs(z) / np.sqrt(2.0)
    t = 1.0 / (1.0 + 0.3275911 * x)
    poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    tail = 0.5 * poly * np.exp(-x * x)
    result: Floats = np.where(z >= 0, tail, 1.0 - tail)
    return result


FEW_SERVERS = 48
"""Below this many Erlang C is summed; from here on Halfin and Whitt's form is within 0.016 of it."""


def wait_probability(servers: Floats, load: Floats) -> Floats:
    """Return the probability that an arrival finds all servers busy (Erlang C), load in Erlang; servers may be a part.

    For many servers Halfin and Whitt's form, 1/(1 + β·Φ(β)/φ(β)) with β = (k − a)/√k (Operations Research 29(3), 1981).
    """
    k, a = np.broadcast_arrays(np.asarray(servers, dtype=np.float64), np.asarray(load, dtype=np.float64))
    beta = np.maximum(k - a, 1e-9) / np.sqrt(k)
    density = np.exp(-0.5 * beta * beta) / np.sqrt(2 * np.pi)
    result: Floats = np.asarray(1.0 / (1.0 + beta * (1.0 - normal_tail(beta)) / np.maximum(density, 1e-300)))
    few = k < FEW_SERVERS
    if few.any():
        result[few] = _erlang_c(k[few], a[few])
    return result


def _erlang_c(servers: Floats, load: Floats) -> Floats:
    """Erlang C from Erlang B, 1/B = ∫ e^−u·(1 + u/a)^k du, which has meaning for parts of a server too.

    Source: Jagers and van Doorn, Operations Research Letters 5(3), 1986. Gauss and Laguerre's sum is exact for whole k.
    """
    nodes, weights = _laguerre()
    grown = servers[:, None] * np.log1p(nodes / np.maximum(load, 1e-12)[:, None])
    blocked = 1.0 / (np.exp(np.minimum(grown, 600.0)) @ weights)
    result: Floats = np.clip(blocked / (1.0 - np.minimum(load / servers, 1.0) * (1.0 - blocked)), 0.0, 1.0)
    return result


@lru_cache(maxsize=1)
def _laguerre() -> tuple[Floats, Floats]:
    return np.polynomial.laguerre.laggauss(FEW_SERVERS // 2 + 1)


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a request waits before its own prefill, as a mixture; all arrays alike."""

    prefill_busy: Floats
    """Probability that prompts are queued for the token budget."""
    prefill_wait: Floats
    """Mean wait then, seconds (exponential)."""
    seat_busy: Floats
    """Probability that no seat is free."""
    seat_wait: Floats
    """Mean wait then, seconds (exponential)."""
    long_step: Floats
    """Seconds of a step that carries a prompt; outside any queue an arrival waits for a uniform share of a step."""
    long_share: Floats
    """Probability that the running step carries a prompt."""
    short_step: Floats
    """Seconds of a decoding step."""

    @property
    def mean(self) -> Floats:
        """Expected wait, seconds."""
        result: Floats = sum(self.parts.values(), np.zeros(1))
        return result

    @property
    def parts(self) -> dict[str, Floats]:
        """What the expected wait is made of, by name."""
        return {
            "waiting for the running step": (1 - self.prefill_busy) * self._residual,
            "waiting behind other prompts": self.prefill_busy * self.prefill_wait,
            "waiting for a seat": self.seat_busy * self.seat_wait,
        }

    @property
    def _residual(self) -> Floats:
        result: Floats = (self.long_share * self.long_step + (1 - self.long_share) * self.short_step) / 2
        return result

    def expanded(self) -> "Waits":
        """Return the same waits with one more axis, to broadcast over a second set of strata."""
        return Waits(**{item.name: getattr(self, item.name)[..., None] for item in fields(self)})

    def longer_than(self, seconds: Floats) -> Floats:
        """Return P(wait > seconds); the arrays broadcast."""
        t = np.maximum(seconds, 0.0)
        step = self.long_share * np.maximum(0.0, 1 - t / self.long_step) + (1 - self.long_share) * np.maximum(
            0.0, 1 - t / self.short_step
        )
        queue = np.exp(-t / self.prefill_wait)
        if np.all(self.seat_busy < NEGLIGIBLE):
            free: Floats = np.where(seconds < 0, 1.0, (1 - self.prefill_busy) * step + self.prefill_busy * queue)
            return free
        seat = np.exp(-np.maximum(t - self._residual, 0.0) / self.seat_wait)
        both = _sum_of_exponentials(t, self.prefill_wait, self.seat_wait)
        calm = (1 - self.seat_busy) * ((1 - self.prefill_busy) * step + self.prefill_busy * queue)
        full = self.seat_busy * ((1 - self.prefill_busy) * seat + self.prefill_busy * both)
        result: Floats = np.where(seconds < 0, 1.0, calm + full)
        return result


def _sum_of_exponentials(t: Floats, a: Floats, b: Floats) -> Floats:
    """Return P(X + Y > t) for independent exponentials with means a and b."""
    b = np.where(np.abs(a - b) < 1e-6 * a, a * (1 + 1e-5), b)
    result: Floats = np.clip((a * np.exp(-t / a) - b * np.exp(-t / b)) / (a - b), 0.0, 1.0)
    return result
