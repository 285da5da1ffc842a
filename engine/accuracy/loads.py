"""What points of one load measure: the figures of one replica under its part of the load, and of all replicas.

Under a given rate slower steps make the batch larger too, and queues longer. If every step takes f times as long, time
is stretched: a latency at λ is f times that of the steps as predicted at f·λ. So an end of the band of a step's pace
gives one of each latency, which near saturation lies farther off, and the farther the higher the percentile.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from engine.accuracy.columns import FIGURES, SHARES, metric_of
from engine.accuracy.points import BenchmarkLoad, MeasuredPoint
from engine.arrays import Floats
from engine.bands.lookup import CaseBand
from engine.fleet.candidates import Candidates
from engine.replica.batches import batch_at_rate
from engine.replica.closed_forms import LoadFigures, closed_loop, offline, saturated, static_batch
from engine.replica.latencies import mean_latency, percentile_latencies
from engine.replica.load import Replicas

UNKNOWN = 100.0
"""Times a latency from which on nothing is said of it: no rate so high is sustained."""


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
    percentiles: dict[str, Floats] = {}
    for metric in metrics:
        found = percentile_latencies(load, metric, tuple(SHARES.values()))[:, 0].T
        percentiles |= {f"{metric}_{name}": seconds * held for name, seconds in zip(SHARES, found, strict=True)}
    tokens = rates * replicas.lengths.output.mean
    return LoadFigures(ttft, itl, e2e, batch, rates, tokens, rates * 0, percentiles=percentiles)


def bands_at_rate(
    candidates: Candidates, index: int, point: MeasuredPoint, bands: Mapping[str, CaseBand], pace: CaseBand
) -> dict[str, CaseBand]:
    """Return the bands of a point's latencies, by column, each stretched by what its load makes of the steps' pace.

    Args:
        index: of the point's among them.
        point: with its rate.
        bands: by column, as they are where as many requests run together whatever the pace.
        pace: of a step, ITL's.
    """
    paces = np.exp(np.array((*pace.quantiles, 0.0)) * pace.spread)
    load = replace(point.load, kind="open_loop", limits=None)
    rates = [str(float(point.row["request_rate"]) * pace) for pace in paces]
    figures = figures_of(
        candidates.take(np.full(len(paces), index)).replicas(),
        load,
        [replace(point, row={**point.row, "request_rate": rate}) for rate in rates],
    )
    stretched = {}
    for column, band in bands.items():
        value = FIGURES[column](figures, point)
        if value is None or metric_of(column) not in ("itl", "ttft"):
            continue
        grown = np.nan_to_num(value[:-1] / value[-1], nan=UNKNOWN, posinf=UNKNOWN)
        quantiles = np.array(band.quantiles) + np.log(np.clip(grown, 1 / UNKNOWN, UNKNOWN)) / band.spread
        stretched[column] = replace(band, quantiles=tuple(np.maximum.accumulate(quantiles).tolist()))
    return stretched
