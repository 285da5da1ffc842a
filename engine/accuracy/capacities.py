"""The largest rate within a benchmark's latency limits, over all splits of its accelerators within a node.

Submissions choose their parallelism and do not print it, so that the best of ours is held against theirs.
"""

from itertools import product
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import FleetcastError
from catalogs.records.protocols import LatencyLimits
from engine.accuracy.points import MeasuredPoint, tokens_of
from engine.fleet.candidates import Candidates, measure, rates_of
from engine.fleet.parallelisms import STAGES, WIDTHS, illegal_because, node_size
from engine.question.resolve import Question, refuse_small_steps, resolve
from engine.replica.batches import capacity_batch
from engine.step.operations import layers
from engine.step.parallelism import Parallelism, ParallelSizes
from engine.step.rates import Unsupported
from engine.workload import Hardware, Percentile, Precisions, Serving, Target, Traffic, WorkloadSpec

PERCENTILE: Final[Percentile] = "p99"
"""Of the limits."""


class Capacity(Struct, frozen=True):
    """What a number of accelerators carries within limits, in the best of its splits."""

    requests_per_s: float
    output_tokens_per_s: float
    candidates: Candidates
    """An array of one: a replica of the split."""
    replicas: int


def largest_rate(point: MeasuredPoint, limits: LatencyLimits, catalog: Catalog) -> Capacity | str:
    """Return the largest rate of a point's accelerators, or why there is none.

    Args:
        point: with its load, its accelerators and what it states of their parallelism.
        limits: that the 99th percentiles keep.
    """
    try:
        legal = _legal_splits(_question(point, catalog), int(point.row["gpus"]))
    except FleetcastError as error:
        return str(error)
    except Unsupported as refusal:
        return refusal.reason
    if not len(legal):
        return f"no split of {point.row['gpus']} × {point.setting.accelerator} is legal and fits"
    targets = (
        Target(metric="ttft", percentile=PERCENTILE, seconds=limits.ttft_s),
        Target(metric="itl", percentile=PERCENTILE, seconds=limits.itl_s),
    )
    replicas = legal.replicas()
    batch = capacity_batch(replicas, targets, 1.0)
    rate = np.where(np.isnan(batch), 0.0, replicas.rate(np.nan_to_num(batch, nan=1.0)))[:, 0]
    count = int(point.row["gpus"]) // legal.parallelism.accelerators
    best = int(np.argmax(rate * count))
    if not rate[best] * count[best]:
        return f"no split of {point.row['gpus']} × {legal.accelerator(best).name} meets the limits at any rate"
    requests = float(rate[best] * count[best])
    return Capacity(requests, requests * replicas.lengths.output.mean, legal.take(np.array([best])), int(count[best]))


def _legal_splits(question: Question, gpus: int) -> Candidates:
    """Return every split of at most a node that is legal and fits; data-parallel ranks are those of a mixture."""
    accelerator, serving = question.accelerators[0], question.spec.serving
    most = min(gpus, node_size(question, accelerator))
    mixture = any(layer.mixture for layer in layers(question.model))
    axes = [
        (serving.tensor_parallel,) if serving.tensor_parallel else WIDTHS,
        (serving.pipeline_parallel,) if serving.pipeline_parallel else STAGES,
        (serving.data_parallel,) if serving.data_parallel else WIDTHS if mixture else (1,),
    ]
    sizes = {
        ParallelSizes(tp, pp, dp, ep)
        for tp, pp, dp in product(*axes)
        if tp * pp * dp <= most
        for ep in ((serving.expert_parallel,) if serving.expert_parallel else {1, tp * dp} if mixture else (1,))
    }
    legal = [split for split in sorted(sizes) if not illegal_because(question, split)]
    rates = (rates_of(question, accelerator),)
    parallelism = Parallelism(*np.array(legal, dtype=np.int64).reshape(-1, 4).T)
    measured = measure(question, (accelerator,), rates, np.zeros(len(legal), dtype=np.int64), parallelism)
    return measured.take(np.flatnonzero(measured.seats_by_memory >= 1.0))


def _question(point: MeasuredPoint, catalog: Catalog) -> Question:
    split = point.setting
    spec = WorkloadSpec(
        traffic=Traffic(requests_per_s=1.0, burstiness=point.load.burstiness),
        tokens=replace(tokens_of(point.load), router_skew=point.system.router_skew, sampling=point.system.sampling),
        model=point.system.model,
        precision=Precisions(weights=point.system.weights, kv_cache=point.system.kv_cache),
        serving=Serving(
            runtime=point.system.runtime_name,
            tensor_parallel=split.tp or None,
            pipeline_parallel=split.pp or None,
            data_parallel=split.dp or None,
            expert_parallel=split.ep or None,
            memory_utilisation=point.load.protocol.memory_utilisation,
        ),
        hardware=Hardware(accelerators=(split.accelerator,), accelerator_count=int(point.row["gpus"])),
    )
    question = resolve(spec, catalog)
    if not point.load.stated:
        return question
    scheduler = point.load.started(question.runtime.scheduler_on(question.accelerators[0]))
    started = replace(question, runtime=question.runtime.started_with(scheduler), batch_cap=scheduler.max_sequences)
    started = replace(started, token_budget=dict(point.load.stated).get("token_budget"))
    refuse_small_steps(started)
    return started
