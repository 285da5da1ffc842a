"""One chosen candidate at given loads, as the plan shows it; and its load curve, from which thresholds are read."""

import numpy as np

from engine.arrays import Floats
from engine.plan import Latency, Performance
from engine.question.lengths import Strata
from engine.replica.batches import batch_at_rate
from engine.replica.latencies import mean_latency, percentile_latencies
from engine.replica.load import Load, Replicas
from engine.workload import PERCENTILE_SHARES


def performance_at_rate(replicas: Replicas, requests_per_s: float) -> Performance | None:
    """Return one replica (an array of one) at a rate; None where the rate is beyond saturation."""
    batch = batch_at_rate(replicas, np.array([requests_per_s]))
    if np.isnan(batch[0, 0]):
        return None
    return performances(replicas, replicas.at(batch), 0.0)[0]


def performances(replicas: Replicas, load: Load, kv_usage_per_request: float) -> list[Performance]:
    """Return what one replica (an array of one) does at each of several batches.

    Args:
        kv_usage_per_request: share of the KV pool that a mean running request holds.
    """
    shares = tuple(PERCENTILE_SHARES.values())
    percentiles = {metric: percentile_latencies(load, metric, shares) for metric in ("ttft", "itl", "e2e")}
    means = {metric: mean_latency(load, metric) for metric in percentiles}
    results = []
    for at in range(load.batch.shape[1]):
        rate, batch = float(load.requests_per_s[0, at]), float(load.batch[0, at])
        gaps, _ = token_gaps(load, at)
        results.append(
            Performance(
                requests_per_s=rate,
                batch=batch,
                in_flight=rate * float(means["e2e"][0, at]),
                utilisation=rate / float(replicas.saturated_rate[0, 0]),
                kv_cache_usage=min(batch * kv_usage_per_request, 1.0),
                output_tokens_per_s=rate * replicas.lengths.output.mean,
                token_gap_s=Latency(float(load.itl_s[0, at]), *map(gaps.percentile, shares)),
                **{f"{m}_s": Latency(float(means[m][0, at]), *percentiles[m][0, at].tolist()) for m in percentiles},
            )
        )
    return results


def token_gaps(load: Load, at: int) -> tuple[Strata, Floats]:
    """Return the gaps between the tokens of a stream, seconds, and of each what somebody's prompt adds to the step.

    Decoding steps, and steps that carry a prompt: with probability λ·(steps per prompt)·τ-ish, from λ and the chunks
    of each prompt stratum.

    Args:
        load: of an array of one.
        at: column of the batch.
    """
    step, itl, steps = float(load.step_s[0, at]), float(load.itl_s[0, at]), load.prompt_steps[0, at]
    carried = float(load.requests_per_s[0, at]) * itl * steps * load.lengths.prompt.weights
    added = np.concatenate([[0.0], np.maximum(load.prompt_s_by_stratum[0, at], 0.0) / steps])
    weights = np.concatenate([[max(1.0 - float(carried.sum()), 0.0)], carried])
    return Strata(step + added, weights / weights.sum()), added
