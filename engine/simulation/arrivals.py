"""Loads drawn at random: when requests arrive and how long they are. Seeds are arguments.

Arrivals, prompts, answers and routing draw from streams of their own, so that two loads of one seed differ only where
they were asked to: a higher rate has the same requests, closer together.
"""

from collections.abc import Callable, Iterator, Sequence
from math import log, sqrt

import numpy as np

from catalogs.errors import InputError
from catalogs.units import SECONDS_PER_HOUR
from engine.arrays import Floats, Ints
from engine.random_streams import stream
from engine.simulation.requests import CHUNK, Requests, requests_of
from engine.workload import TokenDistribution, Tokens

LengthDraws = Callable[[int], tuple[Ints, Ints]]
"""A number of requests → prompts and answers of so many more, tokens."""

LONGEST = 1 << 20
"""Tokens: where lengths are clipped when no context limit is given."""


def open_loop(
    requests_per_s: float,
    count: int,
    input_tokens: TokenDistribution,
    output_tokens: TokenDistribution,
    *,
    seed: int,
    burstiness: float = 1.0,
    hourly_profile: Sequence[float] = (),
    prefix_hit: float = 0.0,
    context_limit: int = LONGEST,
) -> Iterator[Requests]:
    """Yield ``count`` requests in order of arrival, in chunks.

    Args:
        requests_per_s: on average; with a profile: at its value 1.
        burstiness: CV of inter-arrival times (gamma renewal); 1 is Poisson.
        hourly_profile: rate by hour over ``requests_per_s``, repeated; the renewal process runs in the time that it
            stretches, so that bursts are as deep at night.
        prefix_hit: share of each prompt whose KV is already there.

    Raises:
        InputError: a rate, burstiness or profile that is no load.
    """
    profile = np.asarray(hourly_profile or (1.0,), dtype=np.float64)
    if not requests_per_s > 0 or not burstiness > 0 or not (profile >= 0).all() or not profile.any():
        raise InputError(
            f"{requests_per_s:g} requests/s with a burstiness of {burstiness:g} is no load; both must be positive, and "
            "an hourly profile may not be all zero or negative"
        )
    lengths = drawn_lengths(input_tokens, output_tokens, seed=seed, context_limit=context_limit)
    gaps = stream(seed, 0)
    passed = 0.0
    for start in range(0, count, CHUNK):
        units = _renewals(gaps, burstiness, passed, min(CHUNK, count - start))
        passed = float(units[-1])
        yield _arriving(_stretched(units, requests_per_s, profile), lengths, prefix_hit, start)


def over_time(
    requests_per_s: Floats,
    interval_s: float,
    lengths: LengthDraws,
    *,
    seed: int,
    burstiness: float = 1.0,
    prefix_hit: float = 0.0,
) -> Iterator[Requests]:
    """Yield the requests of a rate that changes, to the end of its last interval, in chunks.

    The renewal process (Poisson for a burstiness of 1) runs in the time that the rates stretch: time-rescaling, exact
    for rates that are constant within an interval.

    Args:
        requests_per_s: of each interval.
        interval_s: of every interval.
        lengths: drawn for as many requests as arrive.
        seed: of the arrivals.
        burstiness: CV of inter-arrival times where the rate is constant.
        prefix_hit: share of each prompt whose KV is already there.

    Raises:
        InputError: rates or a burstiness that are no load.
    """
    if not len(requests_per_s) or not (requests_per_s >= 0).all() or not requests_per_s.any() or not burstiness > 0:
        raise InputError(
            f"rates from {requests_per_s.min(initial=0):g} to {requests_per_s.max(initial=0):g} requests/s with a "
            f"burstiness of {burstiness:g} are no load; it must be positive, and rates neither negative nor all zero"
        )
    edges = np.arange(len(requests_per_s) + 1) * interval_s
    reached = np.concatenate([[0.0], np.cumsum(requests_per_s * interval_s)])
    gaps = stream(seed, 0)
    passed, start = 0.0, 0
    while passed < reached[-1]:
        units = _renewals(gaps, burstiness, passed, CHUNK)
        passed = float(units[-1])
        arrivals = np.interp(units[units < reached[-1]], reached, edges)
        yield _arriving(arrivals, lengths, prefix_hit, start)
        start += len(arrivals)


def _arriving(arrivals: Floats, lengths: LengthDraws, prefix_hit: float, start: int) -> Requests:
    prompts, answers = lengths(len(arrivals))
    numbers = np.arange(start, start + len(arrivals), dtype=np.int64)
    return requests_of(arrivals, prompts, answers, np.floor(prompts * prefix_hit).astype(np.int64), numbers)


def _renewals(gaps: np.random.Generator, burstiness: float, passed: float, count: int) -> Floats:
    """Return the next ``count`` moments of a renewal process with a mean gap of 1, the last of which was ``passed``."""
    steps = gaps.standard_exponential(count) if burstiness == 1 else _gamma_gaps(gaps, burstiness, count)
    return np.cumsum(np.concatenate([[passed], steps]))[1:]


def drawn_lengths(
    input_tokens: TokenDistribution, output_tokens: TokenDistribution, *, seed: int, context_limit: int = LONGEST
) -> LengthDraws:
    """Return lengths drawn from distributions, prompts and answers apart.

    Args:
        input_tokens: of prompts.
        output_tokens: of answers.
        seed: of both.
        context_limit: tokens at which each is clipped.
    """
    prompts, answers = stream(seed, 1), stream(seed, 2)

    def drawn(count: int) -> tuple[Ints, Ints]:
        return (
            draw_lengths(input_tokens, count, prompts, context_limit),
            draw_lengths(output_tokens, count, answers, context_limit),
        )

    return drawn


def lengths_as_in(requests: Requests, *, seed: int) -> LengthDraws:
    """Return lengths drawn from recorded requests, each prompt with the answer that it had."""
    which = stream(seed, 1)

    def drawn(count: int) -> tuple[Ints, Ints]:
        at = which.integers(0, len(requests), count)
        return requests.input_tokens[at], requests.output_tokens[at]

    return drawn


def queued(
    count: int,
    input_tokens: TokenDistribution,
    output_tokens: TokenDistribution,
    *,
    seed: int,
    prefix_hit: float = 0.0,
    context_limit: int = LONGEST,
) -> Requests:
    """Return requests that all wait at the start: offline inference, or what clients of a closed loop will send.

    Args:
        count: of requests.
        input_tokens: of prompts.
        output_tokens: of answers.
        seed: of the lengths.
        prefix_hit: share of each prompt whose KV is already there.
        context_limit: tokens at which each length is clipped.
    """
    prompts, answers = drawn_lengths(input_tokens, output_tokens, seed=seed, context_limit=context_limit)(count)
    return requests_of(np.zeros(count), prompts, answers, np.floor(prompts * prefix_hit).astype(np.int64))


def of_clients(count: int, tokens: Tokens, context_limit: int, *, seed: int) -> Iterator[Requests]:
    """Yield ``queued`` requests of a workload's lengths, as one chunk.

    Args:
        count: of requests.
        tokens: of the workload.
        context_limit: tokens, one of which an answer needs.
        seed: of the lengths.
    """
    hit, most = tokens.prefix_hit, max(context_limit - 1, 1)
    yield queued(count, tokens.input, tokens.answers, seed=seed, prefix_hit=hit, context_limit=most)


def draw_lengths(
    distribution: TokenDistribution, count: int, random: np.random.Generator, limit: int = LONGEST
) -> Ints:
    """Return token counts: fixed (CV 0), empirical, or lognormal and clipped.

    Args:
        count: of draws.
        random: source of the draws.
        limit: tokens at which a count is clipped; the least is 1.
    """
    if distribution.values:
        values = np.asarray(distribution.values)[random.integers(0, len(distribution.values), count)]
    elif distribution.lognormal_cv == 0:
        values = np.full(count, distribution.mean)
    else:
        variance = log(1 + distribution.lognormal_cv**2)
        normal = random.standard_normal(count)
        values = _mean_of_clipped(distribution.mean, variance, limit) * np.exp(sqrt(variance) * normal - variance / 2)
    return np.clip(np.rint(values), 1, limit).astype(np.int64)


def draw_uniform(lowest: float, highest: float, count: int, random: np.random.Generator) -> Ints:
    """Return whole token counts, all equally likely.

    Args:
        lowest: tokens, rounded, at least 1.
        highest: the same, included.
        count: of draws.
        random: source of the draws.
    """
    low, high = max(round(lowest), 1), max(round(highest), 1)
    return random.integers(low, high + 1, count)


def _mean_of_clipped(mean: float, variance: float, limit: float) -> float:
    """Return the mean that a lognormal needs so that, clipped at ``limit``, it has the mean that was asked for."""
    z = np.linspace(-4.5, 4.5, 721)
    weights = np.exp(-z * z / 2)
    weights /= weights.sum()
    unit = np.exp(sqrt(variance) * z - variance / 2)
    unit /= float(unit @ weights)
    wanted = mean
    for _ in range(8):
        clipped = float(np.minimum(mean * unit, limit) @ weights)
        mean = min(mean * wanted / clipped, 100.0 * limit)
    return mean


def _gamma_gaps(random: np.random.Generator, cv: float, count: int) -> Floats:
    shape = 1 / (cv * cv)
    return random.standard_gamma(shape, count) / shape


def _stretched(units: Floats, requests_per_s: float, profile: Floats) -> Floats:
    """Return the times at which the integral of the rate reaches ``units``."""
    if len(profile) == 1:
        return units / (requests_per_s * profile[0])
    reached = np.concatenate([[0.0], np.cumsum(profile * requests_per_s * SECONDS_PER_HOUR)])
    rounds, rest = np.divmod(units, reached[-1])
    hour = np.minimum(np.searchsorted(reached, rest, side="right") - 1, len(profile) - 1)
    within = (hour + (rest - reached[hour]) / (profile[hour] * requests_per_s * SECONDS_PER_HOUR)) * SECONDS_PER_HOUR
    return rounds * len(profile) * SECONDS_PER_HOUR + within
