"""First-come-first-served queues in closed form: waits for a seat and for the token budget, and in all, on arrays.

Formulas are those of spec-kit/methodology.md, "A replica at a load".
Each was judged against simulations of 400,000 requests; size with the capacity formula, and trust tails above 70 %
utilisation to the simulator.
"""

from functools import lru_cache

import numpy as np
from msgspec.structs import replace

from catalogs.kept import made_once
from engine.arrays import Floats, Rows

TINY = 1e-12

NEGLIGIBLE = 1e-6
"""A probability that changes no percentile."""


def normal_tail(z: Floats) -> Floats:
    """Return P(N(0,1) > z), to 1.5e-7 (Abramowitz and Stegun 7.1.26)."""
    if not z.ndim:
        return normal_tail(z[None])[0]
    # In place: among the largest arrays of a forecast.
    x = np.abs(z)
    x /= np.sqrt(2.0)
    t = x * 0.3275911
    t += 1.0
    np.reciprocal(t, out=t)
    tail: Floats = t * 1.061405429
    for term in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail += term
        tail *= t
    x *= x
    np.negative(x, out=x)
    tail *= np.exp(x, out=x)
    tail *= 0.5
    return np.subtract(1.0, tail, out=tail, where=z < 0)


NEVER_BUSY = 9.0
"""Free servers, in standard deviations of the busy ones, from which an arrival waits with a probability below 1e-16."""
FEW_SERVERS = 48
"""Below this many Erlang C is summed; from here on Halfin and Whitt's form is within 0.016 of it."""


def wait_probability(servers: Floats, load: Floats) -> Floats:
    """Return the probability that an arrival finds all servers busy (Erlang C), load in Erlang; servers may be a part.

    For many servers Halfin and Whitt's form, 1/(1 + β·Φ(β)/φ(β)) with β = (k − a)/√k (Operations Research 29(3), 1981).
    """
    beta = np.maximum(servers - load, 1e-9) / np.sqrt(servers)
    if beta.size and beta.min() > NEVER_BUSY:
        return np.zeros(beta.shape)
    density = np.exp(-0.5 * beta * beta) / np.sqrt(2 * np.pi)
    result: Floats = np.asarray(1.0 / (1.0 + beta * (1.0 - normal_tail(beta)) / np.maximum(density, 1e-300)))
    if (servers < FEW_SERVERS).any():
        k, a = np.broadcast_arrays(servers, load)
        few = k < FEW_SERVERS
        result[few] = _erlang_c(k[few], a[few])
    return result


def _erlang_c(servers: Floats, load: Floats) -> Floats:
    """Return Erlang C from Erlang B, 1/B = ∫ e^−u·(1 + u/a)^k du, which has meaning for parts of a server too.

    Source: Jagers and van Doorn, Operations Research Letters 5(3), 1986. Gauss and Laguerre's sum is exact for whole k.
    """
    nodes, weights = _laguerre()
    grown = servers[:, None] * np.log1p(nodes / np.maximum(load, 1e-12)[:, None])
    blocked = 1.0 / (np.exp(np.minimum(grown, 600.0)) @ weights)
    return np.clip(blocked / (1.0 - np.minimum(load / servers, 1.0) * (1.0 - blocked)), 0.0, 1.0)


@lru_cache(maxsize=1)
def _laguerre() -> tuple[Floats, Floats]:
    """Return Gauss and Laguerre's nodes and weights, by Golub and Welsch: numpy's loads all polynomials."""
    count = np.arange(FEW_SERVERS // 2 + 1.0)
    nodes, vectors = np.linalg.eigh(np.diag(2 * count + 1) + np.diag(count[1:], 1) + np.diag(count[1:], -1))
    return nodes, vectors[0] ** 2


def backlog(drift: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """Return formula 5: the probability that tokens are left over from the steps before, and their mean number then.

    A reflected walk that falls by ``drift`` a step and whose steps have this standard deviation: in heavy traffic its
    mean is σ²/(2δ)·(1 − 1.1653·β + β²/2), β = δ/σ (Chang and Peres 1997), which an exponential continues to light
    traffic.
    """
    beta = drift / np.maximum(deviation, TINY)
    rare = np.exp(-1.1653 * beta - (1.1653**2 - 1) / 2 * beta * beta)
    return rare, deviation**2 / (2 * drift)


class Waits(Rows, frozen=True, dict=True):
    """How long a request waits before its own prefill; all arrays alike."""

    step: Floats
    """Mean wait for the end of the running step, seconds."""
    beside: Floats
    """Mean share of the request's own step that others' prompts take, seconds."""
    behind: Floats
    """Mean wait behind prompts that fill the token budget, seconds."""
    square: Floats
    """Second moment of the sum of these three, seconds²."""
    seat_busy: Floats
    """Probability that no seat is free."""
    seat_wait: Floats
    """Mean wait then, seconds (exponential)."""

    @property
    def mean(self) -> Floats:
        """Expected wait, seconds."""
        return self.step + self.beside + self.behind + self.seat_busy * self.seat_wait

    @property
    def parts(self) -> dict[str, Floats]:
        """What the expected wait is made of, by name."""
        return {
            "waiting for the running step": self.step,
            "prompts in the same step": self.beside,
            "waiting behind other prompts": self.behind,
            "waiting for a seat": self.seat_busy * self.seat_wait,
        }

    def stretched(self, times: Floats) -> "Waits":
        """Return waits that last so many times as long."""
        longer = {name: getattr(self, name) * times for name in ("step", "beside", "behind", "seat_wait")}
        return replace(self, square=self.square * times * times, **longer)

    def longer_than(self, seconds: Floats) -> Floats:
        """Return P(wait > seconds); the arrays broadcast."""
        return longer_than(seconds, *self.law)

    @made_once
    def law(self) -> tuple[Floats, ...]:
        """What ``longer_than`` takes beside the seconds; without what belongs to seats where none is waited for."""
        mean = self.step + self.beside + self.behind
        deviation = np.sqrt(np.maximum(self.square - mean * mean, 0.0))
        share = np.minimum(2 * mean * mean / np.maximum(self.square, TINY), 1.0)
        scale = np.maximum(np.where(share < 1, mean / share, deviation), TINY)
        seats = (mean, self.seat_busy, self.seat_wait) if (self.seat_busy > NEGLIGIBLE).any() else ()
        return np.maximum(mean - deviation, 0.0), share, scale, *seats


def longer_than(seconds: Floats, lag: Floats, share: Floats, scale: Floats, *seats: Floats) -> Floats:
    """Return P(wait > seconds); the arrays broadcast.

    Without seats it is an exponential of the right mean and variance, after a lag where it varies less than one, with a
    part that does not wait where it varies more.

    Args:
        seconds: the wait.
        lag: before which nobody is through, seconds.
        share: of those who wait.
        scale: of the exponential, seconds.
        seats: the mean without seats, the probability that none is free, and the mean wait then.
    """
    # In place: the largest arrays of a forecast.
    free: Floats = np.asarray(lag - seconds)
    np.minimum(free, 0.0, out=free)
    free /= scale
    np.exp(free, out=free)
    free *= share
    if seats:
        mean, busy, wait = seats
        seat = np.exp(-np.maximum(seconds - mean, 0.0) / wait)
        free = (1 - busy) * free + busy * np.maximum(free, seat)
    np.copyto(free, 1.0, where=np.asarray(seconds) < 0)
    return free
