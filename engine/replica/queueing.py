"""Waiting, in closed form: the formulas of spec-kit/methodology.md ("A replica at a load"), on arrays.

Each was judged against simulations of 400,000 requests; size with the capacity formula, and trust tails above 70 %
utilisation to the simulator.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from msgspec import Struct

from engine.arrays import Floats

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


NEVER_BUSY = 9.0
"""So many standard deviations of servers free that an arrival waits with a probability below 1e-16."""
FEW_SERVERS = 48
"""Below this many Erlang C is summed; from here on Halfin and Whitt's form is within 0.016 of it."""


def wait_probability(servers: Floats, load: Floats) -> Floats:
    """Return the probability that an arrival finds all servers busy (Erlang C), load in Erlang; servers may be a part.

    For many servers Halfin and Whitt's form, 1/(1 + β·Φ(β)/φ(β)) with β = (k − a)/√k (Operations Research 29(3), 1981).
    """
    k, a = np.broadcast_arrays(np.asarray(servers, dtype=np.float64), np.asarray(load, dtype=np.float64))
    beta = np.maximum(k - a, 1e-9) / np.sqrt(k)
    if beta.size and beta.min() > NEVER_BUSY:
        return np.zeros_like(beta)
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


def by_head(together: Floats) -> Floats:
    """Return steps that carry any prompt over prompts, (1 − e^−a)/a, where a come in a step on average, Poisson."""
    result: Floats = -np.expm1(-together) / together
    return result


class Prefills(Struct, frozen=True):
    """What the prompts of a load take of a replica; all arrays alike."""

    requests_per_s: Floats
    seconds: Floats
    """c: replica time that a mean prompt brings to a step which carries prompts anyway."""
    square: Floats
    """E[c²], seconds²."""
    fixed: Floats
    """F: what a step costs once for carrying prompts, however many: launches."""
    together: Floats
    """a: prompts that come in a step, on average."""
    arrival_cv: float
    """CV of the gaps between arrivals; the variance of their number is cv² times their mean."""

    def each(self, change: Callable[[Floats], Floats]) -> "Prefills":
        """Return the same with every array changed alike."""
        arrays = {name: change(getattr(self, name)) for name in self.__struct_fields__ if name != "arrival_cv"}
        return Prefills(arrival_cv=self.arrival_cv, **arrays)

    @property
    def shared(self) -> Floats:
        """Share of F that each prompt bears."""
        return by_head(self.together)

    @property
    def share(self) -> Floats:
        """Share w of the replica's time, below 1."""
        result: Floats = np.minimum(self.requests_per_s * (self.seconds + self.fixed * self.shared), 0.999)
        return result

    @property
    def added(self) -> Floats:
        """Share m of a longer step by which the next is longer: what prompts bring, without what they share."""
        result: Floats = np.minimum(self.requests_per_s * self.seconds, 0.999)
        return result

    @property
    def clumps(self) -> float:
        """Arrivals beyond those of a Poisson process that come with an arrival, before and after it."""
        return self.arrival_cv**2 - 1

    @property
    def spread(self) -> Floats:
        """Variance of the work that comes in a step, over the prompts that come, at most, seconds².

        Steps that carry prompts are taken to come like Poisson's; where most do, F varies less.
        """
        once = self.fixed * self.shared * (2 * self.seconds + self.fixed)
        result: Floats = np.maximum(self.square + once + self.clumps * self.seconds**2, 0.0)
        return result


def gate(
    prefills: Prefills, decoding: Floats, batch: Floats, beside: Callable[[Floats], Floats], *, mixed: bool
) -> tuple[Floats, Floats, Floats]:
    """Formula 4: return the mean wait for the running step, what others' prompts add to one's own, and the square.

    Who arrives during a step X is served in the next with all others who did. An arrival meets a step in proportion to
    its length, E[X²]/E[X], of which half remains on average; as many others come in it as one, λ·E[X²]/E[X], each with
    its c. Told apart by what fills it, τ, a prompt's c or a step's F, a moment sees a step of mean length E[X]; of τ,
    F, that c and the others'; or of τ, F and as many c as prompts share it: E[X²]/E[X] = (τ·(1 + w) + λ·(E[c²] +
    2·c·F + F²·(1 − e^−a)/a))/(1 − m²); (1 − w) where steps are τ or prompts.

    Args:
        prefills: of the load.
        decoding: τ, a step that only decodes, seconds.
        batch: decoding requests; with none, and no prompt running, nobody waits.
        beside: seconds that so many prompts add to a step which carries one already.
        mixed: whether prompts share steps with decoding; else a step is τ or the prompts that came.
    """
    rate, share, added = prefills.requests_per_s, prefills.share, prefills.added
    clumps, once = prefills.clumps * prefills.seconds**2, prefills.fixed
    prompts = rate * np.maximum(prefills.square + clumps + once * (2 * prefills.seconds + once * prefills.shared), 0.0)
    met = (decoding * (1 + share if mixed else 1 - share) + prompts) / (1 - added * added)
    if mixed:
        whole = decoding / (1 - share)
        grown = np.maximum(whole - decoding, TINY)
        # Var X over what the step grew by; the third moment is that of a gamma-distributed growth.
        jump = np.maximum(met - whole, 0.0) * whole / grown
        third = grown * (grown + jump) * (grown + 2 * jump)
        met_square = (decoding**3 + 3 * decoding * grown * (grown + decoding + jump) + third) / whole
    else:
        # Prompts that came together are taken as F and an exponential beyond it, of the right E[B²]/E[B].
        batched = np.maximum((met - (1 - share) * decoding) / np.maximum(share, TINY), once)
        beyond = (batched - 2 * once + np.sqrt((batched - 2 * once) ** 2 + 8 * once * (batched - once))) / 4
        cube = once**3 + 3 * once * beyond * (once + 2 * beyond) + 6 * beyond**3
        met_square = (1 - share) * decoding**2 + share * cube / np.maximum(once + beyond, TINY)
    running = 1 - (1 - share) * np.exp(-batch)
    # Half of a clump came before; what comes after lengthens the same step too.
    late = max(prefills.clumps, 0.0) / 2
    others = np.maximum(running * met * rate + prefills.clumps / 2, 0.0)
    step, by_others = running * met / 2, beside(others)
    each = by_others / np.maximum(others, TINY)
    dearer = each / np.maximum(prefills.seconds, TINY)
    come = rate * each
    varied = rate * np.maximum(prefills.square + clumps, 0.0) * dearer**2 * met
    square = running * (met_square * (1 / 3 + come + come * come) + varied)
    after = late * each
    square = square + 2 * after * (step + by_others - after) + 2 * after**2
    return step, by_others, square


def backlog(drift: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """Formula 5: return the probability that tokens are left over from the steps before, and their mean number then.

    A reflected walk that falls by ``drift`` a step and whose steps have this standard deviation: in heavy traffic its
    mean is σ²/(2δ)·(1 − 1.1653·β + β²/2), β = δ/σ (Chang and Peres 1997), which an exponential continues to light
    traffic.
    """
    beta = drift / np.maximum(deviation, TINY)
    rare = np.exp(-1.1653 * beta - (1.1653**2 - 1) / 2 * beta * beta)
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
    alone: Floats = np.exp(-prefills.together)
    later = np.minimum(prefills.added + prefills.requests_per_s * prefills.fixed * alone, 0.999)
    stalled = later / (1 - later)
    burst = prefills.requests_per_s**2 * prefills.spread / (1 - later) ** 2
    bend = np.minimum(bend, 0.95)
    passed = (1 - bend)[..., None] * answer_share
    kept = 2 * (passed + np.expm1(-passed)) / np.maximum(passed * passed, TINY)
    arrivals = (2 + prefills.clumps + 2 * stalled + burst) / 2
    wander = (bend**2 / (1 - bend) * arrivals + bend * (stalled + burst)) * -np.expm1(-batch)
    stalls = (burst / np.maximum(batch, TINY))[..., None] / answer_share
    result: Floats = stalls + (wander / np.maximum(batch, 1.0))[..., None] * kept
    return result


class Waits(Struct, frozen=True):
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
        return Waits(**{name: getattr(self, name)[..., None] for name in self.__struct_fields__})

    def longer_than(self, seconds: Floats) -> Floats:
        """Return P(wait > seconds); the arrays broadcast.

        The wait without seats is an exponential of the right mean and variance: after a lag where it varies less than
        one, with a part that does not wait where it varies more.
        """
        mean = self.step + self.beside + self.behind
        deviation = np.sqrt(np.maximum(self.square - mean * mean, 0.0))
        share = np.minimum(2 * mean * mean / np.maximum(self.square, TINY), 1.0)
        scale = np.maximum(np.where(share < 1, mean / share, deviation), TINY)
        # In place: the largest arrays of a forecast.
        free: Floats = np.asarray(np.maximum(mean - deviation, 0.0) - seconds)
        np.minimum(free, 0.0, out=free)
        free /= scale
        np.exp(free, out=free)
        free *= share
        if np.any(self.seat_busy > NEGLIGIBLE):
            seat = np.exp(-np.maximum(seconds - mean, 0.0) / self.seat_wait)
            free = (1 - self.seat_busy) * free + self.seat_busy * np.maximum(free, seat)
        np.copyto(free, 1.0, where=np.asarray(seconds) < 0)
        return free
