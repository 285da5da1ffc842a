"""The chosen replica at the loads that matter: the mean, the peak hour, and along its load curve."""

from functools import cached_property
from operator import itemgetter

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.kept import kept
from engine.arrays import Floats, Indices
from engine.fleet.search import SizedCandidates
from engine.plan import LoadPoint, Performance
from engine.question.lengths import Lengths, Strata
from engine.question.resolve import Question
from engine.replica.batches import batch_at_rate, batch_in_flight
from engine.replica.latencies import mean_latency, percentile_latency
from engine.replica.load import Load, Replicas
from engine.replica.load_curve import LoadCurve
from engine.replica.performance import performances
from engine.replica.saturation import RateLadder
from engine.replica.steps import StepCosts, step_costs

CURVE = (0.05, 0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.87, 0.93, 0.98)
"""Shares of the saturated rate at which the load curve is computed."""
RISING = 0.98 * (1 - (1 - np.arange(1, 41) / 40) ** 2)
"""Shares of it along which a day is replayed, the closer together the nearer to saturation; beyond the last the closed
forms' waits grow without bound."""
NEARLY = (0.985, 0.99, 0.994, 0.997, 0.999)
"""Further shares of it, at which limits are looked for that a replica first misses there."""
TRIALS = 32
"""Batches at which targets are tried, from a request alone to the replica's capacity."""


class OperatingPoints(Struct, frozen=True, dict=True):
    """One replica of today's fleet."""

    at_mean: Performance
    at_peak: Performance
    curve: LoadCurve
    prefill_s: float
    """A mean prompt's own prefill with nobody else there, seconds."""
    prompt_s_per_request: float
    """Replica time that one request's prefill takes at the mean load (ΔP), seconds."""
    prefill_tokens_per_s: float
    """V_P of the replica, as ``prefill_rate`` returns it."""
    replicas: Replicas
    """The replica in its fleet, an array of one."""
    trials: Load
    """The replica behind the router of a fleet as large as it takes, at rising batches up to its capacity's."""
    to_saturation: Load
    """Likewise, at RISING shares of the saturated rate and those NEARLY the whole."""
    along: Load
    """At the batches of both."""
    batches: Floats
    """(1, batches): at the mean, the peak and the curve's points, and of a request alone."""

    @property
    def rising(self) -> Load:
        """The same replica at RISING shares of the saturated rate alone."""
        return _rising(self.along)

    @property
    def rising_rates(self) -> Floats:
        """Of the rising loads, requests/s."""
        return RISING * float(self.replicas.saturated_rate[0, 0])

    @cached_property
    def load(self) -> Load:
        """All of the replica at its batches."""
        return self.replicas.at(self.batches)

    @property
    def load_points(self) -> tuple[LoadPoint, ...]:
        """The load curve as the plan holds it."""
        curve = self.curve
        columns = (getattr(curve, name).tolist() for name in LoadPoint.__struct_fields__)
        return tuple(LoadPoint(*point) for point in zip(*columns, strict=True))


def operating_points(question: Question, best: SizedCandidates, today: tuple[Replicas, Load]) -> OperatingPoints:
    """Evaluate an array of one at the mean and at the peak hour of today's fleet, and along its load curve.

    Args:
        best: the array of one.
        today: what ``loads_today`` says of it.
    """
    replicas, load = today
    most = float(best.batch[0])
    trials = _trials(min(float(replicas.smallest_batch[0, 0]), most), most)
    on_curve, rising = _batches_along(replicas.costs, replicas.ladder)
    # Of the steps that today's fleet has, behind the router of any.
    of_any = replace(best.replicas, costs=replicas.costs, ladder=replicas.ladder)
    along = of_any.at_again(np.concatenate([trials, rising], axis=1))
    tried, to_saturation = (along.mapped(itemgetter(part)) for part in (np.s_[:, :TRIALS], np.s_[:, TRIALS:]))
    pool = best.candidates.memory
    per_request = float(pool.sequence[0] / max(pool.kv_cache[0], 1.0) / best.candidates.parallelism.dp[0])
    mean_point, peak_point = performances(replicas, load, per_request)
    router = (replicas.shared_rate, replicas.fleet)
    curve = _curve(replicas.costs, replicas.seats, replicas.arrival_cv, replicas.ladder, on_curve, *router, per_request)
    prefill = float(along.own_prefill_s[0, 0] @ question.lengths.prompt.weights)
    return OperatingPoints(
        at_mean=mean_point,
        at_peak=peak_point,
        curve=curve,
        prefill_s=prefill,
        prompt_s_per_request=float(load.prompt_s[0, 0]),
        prefill_tokens_per_s=prefill_rate(replicas.costs) * float(best.candidates.parallelism.dp[0]),
        replicas=replicas,
        trials=tried,
        to_saturation=to_saturation,
        along=along,
        batches=np.concatenate([load.batch, on_curve, replicas.smallest_batch], axis=1),
    )


@kept(32)
def _rising(along: Load) -> Load:
    return along.mapped(itemgetter(np.s_[:, TRIALS : TRIALS + len(RISING)]))


@kept(32)
def _trials(lightest: float, most: float) -> Floats:
    return np.geomspace(lightest, most, TRIALS)[None, :]


@kept(32)
def _batches_along(costs: StepCosts, ladder: RateLadder) -> tuple[Floats, Floats]:
    """Return the batches of an array of one at the shares of its load curve, and at rising ones up to saturation."""
    rates = np.concatenate([CURVE, RISING, NEARLY]) * float(ladder.saturated_rate[0, 0])
    batches = batch_at_rate(Replicas(costs, np.ones((1, 1)), 1.0, ladder), rates)
    return batches[:, : len(CURVE)], batches[:, len(CURVE) :]


@kept(32)
def _curve(
    costs: StepCosts,
    seats: Floats,
    arrival_cv: float,
    ladder: RateLadder,
    batches: Floats,
    shared_rate: float,
    fleet: Floats | None,
    kv_usage_per_request: float,
) -> LoadCurve:
    """Return the load curve of an array of one, as ``Replicas`` has it.

    Args:
        seats: requests that may run together.
        arrival_cv: CV of the gaps between arrivals.
        batches: of the curve's points.
        shared_rate: requests/s that one router shares among replicas.
        fleet: replicas behind one router, where their number is known.
        kv_usage_per_request: share of the KV pool that a mean running request holds.
    """
    replicas = Replicas(costs, seats, arrival_cv, ladder, shared_rate, fleet)
    rates = np.array(CURVE) * float(ladder.saturated_rate[0, 0])
    load = replicas.at(batches)
    return LoadCurve(
        requests_per_s=rates,
        in_flight=rates * mean_latency(load, "e2e")[0],
        waiting=rates * load.waits.mean[0, :, 0],
        ttft_p95_s=percentile_latency(load, "ttft", 0.95)[0],
        itl_p95_s=percentile_latency(load, "itl", 0.95)[0],
        kv_cache_usage=np.minimum(batches[0] * kv_usage_per_request, 1.0),
    )


def loads_today(question: Question, sized: SizedCandidates, rows: Indices) -> tuple[Replicas, Load]:
    """Return a replica of each candidate's fleet today, and its load at the mean and at the peak hour, (rows, 2).

    Args:
        sized: its candidates.
        rows: of them, those that are looked at.
    """
    traffic, replicas = question.spec.traffic, sized.replicas.take(rows)
    today = sized.counts.peak[rows][:, None]
    if traffic.concurrency:
        clients = traffic.concurrency / today * np.array([1.0, traffic.peak_factor])
        return replicas, replicas.at(batch_in_flight(replicas, clients))
    replicas = replicas.in_fleet(today)
    # Where λ(B) is nearly level a rate's batch is known less exactly than that of the capacity itself.
    batches = batch_at_rate(replicas, _rates_today(question, sized, replicas, rows))
    return replicas, replicas.at(np.minimum(batches, sized.batch[rows][:, None]))


def _rates_today(question: Question, sized: SizedCandidates, replicas: Replicas, rows: Indices) -> Floats:
    """Return what one replica is asked at the mean and at the peak hour, requests/s, (rows, 2).

    Without a rate the fleet was given: its peak hour is what it holds.
    """
    factor = question.spec.traffic.peak_factor
    mean = question.mean_rate / sized.counts.peak[rows] if question.mean_rate else sized.capacity[rows] / factor
    asked: Floats = mean[:, None] * np.array([1.0, factor])
    # At saturation itself waits are without bound.
    return asked.clip(max=0.999 * replicas.saturated_rate)


@kept(32)
def prefill_rate(costs: StepCosts) -> float:
    """Return V_P, the peak prefill rate of a rank of an array of one, prompt tokens/s.

    As llm-d's calibration measures it (guides/recipes/router/calibration, calibrate.sh): a prompt as long as a step's
    budget, over its own TTFT with nobody else there.
    """
    return float(costs.budget[0, 0] / sum(alone_parts(costs).values()))


def alone_parts(costs: StepCosts) -> dict[str, float]:
    """Return what the TTFT of a prompt as long as a step's budget is made of with nobody else there, seconds by name.

    Args:
        costs: of an array of one.
    """
    tokens = costs.budget[0] * (1 - 1e-6)  # just what one step carries beside nobody
    prompt = Lengths(Strata(tokens, np.ones(1)), tokens, costs.lengths.output)
    alone = step_costs(
        costs.tables, prompt, costs.scheduler, budget=costs.budget[:, 0], ttft_overhead_s=costs.ttft_overhead_s[:, 0]
    )
    parts = alone.own_prefill_parts(alone.at(np.zeros((1, 1))))
    return {name: float(seconds[0, 0, 0]) for name, seconds in parts.items()}
