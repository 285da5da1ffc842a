"""One chosen candidate at given loads, as the plan shows it; and its load curve, from which thresholds are read."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.plan import Latency, Performance
from engine.replica import SHARES, Load, Replicas

Floats = NDArray[np.float64]


def performances(replicas: Replicas, batches: Sequence[float], kv_usage_per_request: float) -> list[Performance]:
    """Return what one replica (an array of one) does at each of several batches.

    Args:
        kv_usage_per_request: share of the KV pool that a mean running request holds.
    """
    count, shares = len(batches), list(SHARES.values())
    # Every (batch, percentile) pair is a column, so that one bisection finds all percentiles.
    columns = np.repeat(np.asarray(batches), len(shares))[None, :]
    load = replicas.at(columns)
    wanted = np.tile(np.array(shares), count)[None, :]
    latencies = {
        metric: _latencies(replicas.mean(load, metric), replicas.percentile(load, metric, wanted), count)
        for metric in ("ttft", "itl", "e2e")
    }
    gaps = _token_gaps(replicas, load, columns, wanted, count)
    results = []
    for i in range(count):
        at = i * len(shares)
        rate = float(load.requests_per_s[0, at])
        results.append(
            Performance(
                requests_per_s=rate,
                batch=float(columns[0, at]),
                in_flight=rate * latencies["e2e"][i].mean,
                utilisation=rate / float(replicas.saturated[0, 0]),
                kv_cache_usage=min(float(columns[0, at]) * kv_usage_per_request, 1.0),
                output_tokens_per_s=rate * replicas.lengths.output.mean,
                ttft_s=latencies["ttft"][i],
                itl_s=latencies["itl"][i],
                e2e_s=latencies["e2e"][i],
                token_gap_s=gaps[i],
            )
        )
    return results


def _latencies(means: Floats, percentiles: Floats, count: int) -> list[Latency]:
    width = len(SHARES)
    return [
        Latency(
            float(means[0, i * width]),
            *(float(p) for p in np.maximum.accumulate(percentiles[0, i * width : (i + 1) * width])),
        )
        for i in range(count)
    ]


def _token_gaps(replicas: Replicas, load: Load, columns: Floats, wanted: Floats, count: int) -> list[Latency]:
    """Gaps between the tokens of a stream: decoding steps, and steps that carry somebody's prompt.

    A step carries a prompt with probability λ·(steps per prompt)·τ-ish, from λ and the chunks of each prompt stratum.
    """
    lengths = replicas.lengths
    prompts = np.maximum(replicas.prompt_steps(columns), 0.0)
    full, _ = replicas.chunks(columns)
    width = len(SHARES)
    results = []
    for i in range(count):
        at = i * width
        step = float(load.step_s[0, at])
        per_prompt = prompts[0, at] / (full[0, at] + 1.0)
        carried = (
            float(load.requests_per_s[0, at]) * float(load.itl_s[0, at]) * (full[0, at] + 1.0) * lengths.prompt.weights
        )
        values = np.concatenate([[step], step + per_prompt])
        weights = np.concatenate([[max(1.0 - float(carried.sum()), 0.0)], carried])
        order = np.argsort(values)
        reached = np.cumsum(weights[order]) / weights.sum()
        picks = [values[order][min(int(np.searchsorted(reached, s)), len(order) - 1)] for s in SHARES.values()]
        results.append(Latency(float(load.itl_s[0, at]), *(float(p) for p in picks)))
    return results
