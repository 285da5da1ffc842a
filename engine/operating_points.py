"""The chosen replica at the loads that matter: the mean, the peak hour, and along its load curve."""

from dataclasses import dataclass

import numpy as np

from engine.counts import today
from engine.load_curve import LoadCurve
from engine.performance import performances
from engine.plan import Performance
from engine.resolve import Question
from engine.search import Evaluated

CURVE = (0.05, 0.15, 0.3, 0.45, 0.6, 0.7, 0.8, 0.87, 0.93, 0.98)
"""Shares of the saturated rate at which the load curve is computed."""


@dataclass(frozen=True, slots=True)
class OperatingPoints:
    """One replica of today's fleet."""

    at_mean: Performance
    at_peak: Performance
    curve: LoadCurve
    prefill_s: float
    """A mean prompt's own prefill with nobody else there, seconds."""
    prompt_s_per_request: float
    """Replica time that one request's prefill takes at the mean load (ΔP), seconds."""


def operating_points(question: Question, best: Evaluated) -> OperatingPoints:
    """Evaluate an array of one at the mean and at the peak hour of today's fleet, and along its load curve."""
    replicas = best.replicas
    replicas_today = today(best.counts)
    capacity = float(best.capacity[0])
    peak_factor = question.spec.traffic.peak_factor
    if question.spec.traffic.concurrency:
        each = question.spec.traffic.concurrency / replicas_today
        at_mean, at_peak = (float(replicas.batch_in_flight(np.array([n]))[0, 0]) for n in (each, each * peak_factor))
    else:
        # Without a rate the fleet was given: its peak hour is what it holds.
        mean = question.mean_rate / replicas_today if question.mean_rate else capacity / peak_factor
        peak = min(mean * peak_factor, capacity) if question.mean_rate is None else mean * peak_factor
        # At saturation itself waits are without bound.
        most = 0.999 * float(replicas.saturated[0, 0])
        batches = replicas.batch_at_rate(np.minimum([[mean, peak]], most))[0]
        # Where λ(B) is nearly level a rate's batch is known less exactly than that of the capacity itself.
        at_mean, at_peak = (min(float(batch), float(best.batch[0])) for batch in batches)
    pool = best.candidates.memory
    per_request = float(pool.sequence[0] / max(pool.kv_cache[0], 1.0) / best.candidates.spread.dp[0])
    mean_point, peak_point = performances(replicas, (at_mean, at_peak), per_request)
    alone = replicas.at(replicas.lightest)
    prefill = float((alone.own_s @ question.lengths.prompt.weights)[0, 0])
    prompt_s = float(replicas.at(np.array([[at_mean]])).prompt_s[0, 0])
    return OperatingPoints(mean_point, peak_point, _load_curve(best, per_request), prefill, prompt_s)


def _load_curve(best: Evaluated, kv_usage_per_request: float) -> LoadCurve:
    replicas = best.replicas
    saturated = float(replicas.saturated[0, 0])
    rate = np.array(CURVE) * saturated
    batches = replicas.batch_at_rate(rate[None, :])
    load = replicas.at(batches)
    return LoadCurve(
        requests_per_s=rate,
        in_flight=rate * replicas.mean(load, "e2e")[0],
        waiting=rate * load.waits.mean[0, :, 0],
        ttft_p95_s=replicas.percentile(load, "ttft", 0.95)[0],
        kv_cache_usage=np.minimum(batches[0] * kv_usage_per_request, 1.0),
        utilisation=rate / saturated,
    )
