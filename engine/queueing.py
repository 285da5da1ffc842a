"""Waiting, in closed form: the formulas of spec-kit/methodology.md ("A replica at a load"), on arrays.

Each was judged against simulations of 400,000 requests; size with the capacity formula, and trust tails above 70 %
utilisation to the simulator.
"""

from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TINY = 1e-12

NEGLIGIBLE = 1e-6
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
    """Return Gauss and Laguerre's nodes and weights, by Golub and Welsch: numpy's loads all polynomials."""
    count = np.arange(FEW_SERVERS // 2 + 1.0)
    nodes, vectors = np.linalg.eigh(np.diag(2 * count + 1) + np.diag(count[1:], 1) + np.diag(count[1:], -1))
    return nodes, vectors[0] ** 2


@dataclass(frozen=True, slots=True)
class Prefills:
    """What the prompts of a load take of a replica; all arrays alike."""

    requests_per_s: Floats
    seconds: Floats
    """ΔP: replica time of a mean prompt."""
    square: Floats
    """E[ΔP²], seconds²."""
    arrival_cv: float
    """CV of the gaps between arrivals; the variance of their number is cv² times their mean."""

    @property
    def share(self) -> Floats:
        """Share w of the replica's time, below 1."""
        result: Floats = np.minimum(self.requests_per_s * self.seconds, 0.999)
        return result

    @property
    def clumps(self) -> float:
        """Arrivals beyond those of a Poisson process that come with an arrival, before and after it."""
        return self.arrival_cv**2 - 1

    @property
    def spread(self) -> Floats:
        """E[ΔP²] + (cv² − 1)·ΔP²: the variance of the work that arrives, per arrival, seconds²."""
        result: Floats = np.maximum(self.square + self.clumps * self.seconds**2, 0.0)
        return result


def gate(prefills: Prefills, decoding: Floats, batch: Floats, *, mixed: bool) -> tuple[Floats, Floats, Floats]:
    """Formula 4: return the mean wait for the running step, what others' prompts add to one's own, and the square.

    Who arrives during a step X is served in the next with all others who did, and the next grows by their prompts:
    E[X] = τ/(1 − w), Var X = λ·E[ΔP²]·E[X]/(1 − w²). An arrival meets a step in proportion to its length, E[X²]/E[X],
    of which half remains on average; as many others come in it as one, λ·E[X²]/E[X].

    Args:
        prefills: of the load.
        decoding: τ, a step that only decodes, seconds.
        batch: decoding requests; with none, and no prompt running, nobody waits.
        mixed: whether prompts share steps with decoding; else a step is τ or the prompts that came.
    """
    share = prefills.share
    jump = prefills.spread / np.maximum(prefills.seconds, TINY) / (1 - share * share)
    if mixed:
        grown = share / (1 - share) * decoding
        whole = decoding + grown
        met = whole + share * jump
        # The third moment is that of a gamma-distributed growth.
        third = grown * (grown + jump) * (grown + 2 * jump)
        met_square = (decoding**3 + 3 * decoding * grown * (whole + jump) + third) / whole
    else:
        met = decoding / (1 + share) + share * jump
        batched = prefills.square / np.maximum(prefills.seconds, TINY) + share * met
        # 1.5 is that of an exponential: E[B³]/E[B] over (E[B²]/E[B])².
        met_square = (1 - share) * decoding**2 + share * 1.5 * batched**2
    running = 1 - (1 - share) * np.exp(-batch)
    # Half of a clump came before; what comes after lengthens the same step too.
    clump = prefills.clumps / 2 * prefills.seconds
    step, beside = running * met / 2, np.maximum(running * met * share + clump, 0.0)
    square = running * (met_square * (1 / 3 + share + share * share) + prefills.requests_per_s * prefills.spread * met)
    later = np.maximum(clump, 0.0)
    return step, beside, square + 2 * later * (step + beside - later) + 2 * later**2


def backlog(drift: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """Formula 5: return the probability that tokens are left over from the steps before, and their mean number then.

    A reflected walk that falls by ``drift`` a step and whose steps have this standard deviation: in heavy traffic its
    mean is σ²/(2δ) − 0.583·σ (Siegmund 1979), which an exponential continues to light traffic.
    """
    rare = np.exp(-1.1653 * drift / np.maximum(deviation, TINY))
    return rare, deviation**2 / (2 * drift)


def pace_variance(prefills: Prefills, batch: Floats, bend: Floats, answer_share: Floats) -> Floats:
    """Return the variance of a request's ITL over its mean squared: (…, answers).

    Linear response of the batch N and of a request's progress to arrivals. A prompt takes all decoding requests'
    time at once, which slows one's answer (first term); by the time that it takes, and by its own coming, N grows and
    falls back at the rate (1 − ε)/E2E, and steps are longer by ε for each 1 % of N (the others).

    Args:
        prefills: of the load.
        batch: B, decoding requests.
        bend: ε, the elasticity of a decoding step's time in the batch.
        answer_share: an answer's length over the mean answer's: (answers,).
    """
    stalled = prefills.share / (1 - prefills.share)
    burst = prefills.requests_per_s**2 * prefills.spread / (1 - prefills.share) ** 2
    bend = np.minimum(bend, 0.95)
    passed = (1 - bend)[..., None] * answer_share
    kept = 2 * (passed + np.expm1(-passed)) / np.maximum(passed * passed, TINY)
    arrivals = (2 + prefills.clumps + 2 * stalled + burst) / 2
    wander = (bend**2 / (1 - bend) * arrivals + bend * (stalled + burst)) * -np.expm1(-batch)
    result: Floats = (burst / np.maximum(batch, TINY))[..., None] / answer_share
    return result + (wander / np.maximum(batch, 1.0))[..., None] * kept


@dataclass(frozen=True, slots=True)
class Waits:
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
        result: Floats = sum(self.parts.values(), np.zeros(1))
        return result

    @property
    def parts(self) -> dict[str, Floats]:
        """What the expected wait is made of, by name."""
        return {
            "waiting for the running step": self.step,
            "prompts in the same step": self.beside,
            "waiting behind other prompts": self.behind,
            "waiting for a seat": self.seat_busy * self.seat_wait,
        }

    def expanded(self) -> "Waits":
        """Return the same waits with one more axis, to broadcast over a second set of strata."""
        return Waits(**{item.name: getattr(self, item.name)[..., None] for item in fields(self)})

    def longer_than(self, seconds: Floats) -> Floats:
        """Return P(wait > seconds); the arrays broadcast.

        The wait without seats is an exponential of the right mean and variance: after a lag where it varies less than
        one, with a part that does not wait where it varies more.
        """
        mean = self.step + self.beside + self.behind
        deviation = np.sqrt(np.maximum(self.square - mean * mean, 0.0))
        share = np.minimum(2 * mean * mean / np.maximum(self.square, TINY), 1.0)
        scale = np.maximum(np.where(share < 1, mean / share, deviation), TINY)
        late = np.maximum(seconds - np.maximum(mean - deviation, 0.0), 0.0)
        free = share * np.exp(-late / scale)
        if np.any(self.seat_busy > NEGLIGIBLE):
            seat = np.exp(-np.maximum(seconds - mean, 0.0) / self.seat_wait)
            free = (1 - self.seat_busy) * free + self.seat_busy * np.maximum(free, seat)
        result: Floats = np.where(seconds < 0, 1.0, free)
        return result
