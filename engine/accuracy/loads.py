"""What points of one load measure: the figures of one replica under its part of the load, and of all replicas."""

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from engine.accuracy.columns import SHARES
from engine.accuracy.points import BenchmarkLoad, MeasuredPoint
from engine.arrays import Floats
from engine.replica.batches import batch_at_rate
from engine.replica.closed_forms import LoadFigures, closed_loop, offline, saturated, static_batch
from engine.replica.latencies import mean_latency, percentile_latencies
from engine.replica.load import Replicas


def figures_of(replicas: Replicas, load: BenchmarkLoad, points: Sequence[MeasuredPoint]) -> LoadFigures:
    """Return what the benchmark of each point measures; NaN where its rate is beyond saturation.

    Args:
        replicas: one of each point's.
        load: of all points.
        points: with as many replicas each, that all state how many requests run together, or none does.
    """
    count = points[0].replicas
    figures = _replica_figures(replicas, load, points, count)
    return replace(
        figures,
        batch=figures.batch * count,
        requests_per_s=figures.requests_per_s * count,
        output_tokens_per_s=figures.output_tokens_per_s * count,
        prefill_tokens_per_s=figures.prefill_tokens_per_s * count,
    )


def _replica_figures(
    replicas: Replicas, load: BenchmarkLoad, points: Sequence[MeasuredPoint], count: int
) -> LoadFigures:
    """Return the figures of one of ``count`` replicas, each under an equal part of the load."""
    stated = any(point.together for point in points)
    together = np.array([max(point.together / count, 1.0) for point in points])
    requests = load.protocol.requests_of(load.prompt, load.output)
    match load.kind:
        case "closed_loop":
            return closed_loop(replicas, together, load.protocol)
        case "open_loop":
            return _open_loop(replicas, np.array([float(point.row["request_rate"]) for point in points]) / count)
        case "offline" if not stated:
            return offline(replicas, -(-requests // count)) if requests else saturated(replicas)
        case _:
            return static_batch(replicas, together)


def _open_loop(replicas: Replicas, rates: Floats) -> LoadFigures:
    """Return the figures of a replica at each rate, requests/s; NaN beyond its saturation."""
    batch = batch_at_rate(replicas, rates)[:, 0]
    held = np.where(np.isnan(batch), np.nan, 1.0)
    load = replicas.at(np.nan_to_num(batch, nan=1.0)[:, None])
    metrics = ("ttft", "itl", "e2e")
    ttft, itl, e2e = (mean_latency(load, metric)[:, 0] * held for metric in metrics)
    percentiles = {
        f"{metric}_{name}": seconds * held
        for metric in metrics
        for name, seconds in zip(
            SHARES, percentile_latencies(load, metric, tuple(SHARES.values()))[:, 0].T, strict=True
        )
    }
    return LoadFigures(
        ttft, itl, e2e, batch, rates, rates * replicas.lengths.output.mean, rates * 0, percentiles=percentiles
    )
