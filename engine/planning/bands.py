"""The bands of a plan: a tree with the paths of its figures, ``low`` and ``high`` for each."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from catalogs.catalog import Catalog
from catalogs.records.accelerators import Accelerator
from catalogs.records.models import ModelArchitecture
from catalogs.records.precisions import Precision
from engine.bands.beyond_data import outside
from engine.bands.lookup import UNKNOWN, architecture_of, band_for, ends
from engine.fleet.search import SizedCandidates, replace_target
from engine.plan import CapacityPlan, Latency, Performance, PerformanceAt, ReplicaCapacity
from engine.replica.latencies import meets
from engine.step.rates import kernels_of
from engine.workload import WorkloadSpec

SERVED = "closed_loop"
"""The load whose bands speak of a served plan: no open-loop set is large enough to make its own."""

Factors = tuple[float, float]

TRIALS = 32
"""Batches at which the targets are tried at the bad end, between a request alone and the replica's capacity."""


def outside_note(
    accelerator: Accelerator, model: ModelArchitecture, weights: Precision, spec: WorkloadSpec, catalog: Catalog
) -> str | None:
    """Return in one sentence what of a case no measurement is like; None where it is among the data."""
    tokens = spec.tokens.input.mean + spec.tokens.output.mean + spec.tokens.reasoning_tokens
    reasons = outside(accelerator, model, weights, tokens, catalog)
    if not reasons:
        return None
    return f"outside all data: {'; '.join(reasons)}; the bands are the nearest kind's, widened, and a guess"


def plan_bands(
    plan: CapacityPlan, model: ModelArchitecture, catalog: Catalog, best: SizedCandidates
) -> dict[str, Any] | None:
    """Return the plan's bands at the level that its spec asks for; None where the catalog has no bands.

    Memory follows from dimensions and has no band of this kind. The fleet's high end is what the load would need at the
    bad end: every step as slow as the bands say, so that replicas carry less, and less again within the targets.

    Args:
        plan: without bands.
        model: that it serves.
        catalog: its bands.
        best: the candidate that the plan was made of, an array of one.
    """
    accelerator = catalog.accelerators[plan.chosen.accelerator]
    weights = catalog.precision(plan.chosen.precision.weights)
    note = outside_note(accelerator, model, weights, plan.spec, catalog)
    factors: dict[str, Factors] = {}
    thin = False
    for metric, load in (("itl", SERVED), ("ttft", SERVED), ("throughput", "offline")):
        found = band_for(
            catalog.bands,
            metric,
            runtime=best.candidates.question.runtime.id,
            load=load,
            architecture=architecture_of(model),
            kernels=kernels_of(accelerator, catalog.accelerators),
        )
        if found is None:
            return None
        band, known = found
        factors[metric] = ends(band, plan.spec.band, known=known, beyond=note is not None)
        thin = thin or not known
    if thin and note is None:
        note = (
            f"few measurements are of {accelerator.architecture}: the bands are the nearest kind's, widened "
            f"{UNKNOWN:g} × at both ends"
        )
    slowness = max(factors["itl"][1], 1 / factors["throughput"][0])
    factors["e2e"] = (min(factors["itl"][0], 1.0), max(factors["itl"][1], 1.0))
    return {
        "level": plan.spec.band,
        "note": note,
        "performance": _performance(plan.performance, factors),
        "replica_capacity": _capacity(plan.replica_capacity, factors["throughput"]),
        "fleet": _fleet(plan, factors["throughput"], _share_within(plan.spec, best, slowness)),
    }


def _share_within(spec: WorkloadSpec, best: SizedCandidates, slowness: float) -> float | None:
    """Return the share of its rate up to which a replica meets the targets where every step is so much slower.

    None where it does so at no load. The band of TTFT has no part in it: in a closed loop it is mostly that of waiting.
    """
    if not spec.targets:
        return 1.0
    replicas, most = best.replicas, float(best.batch[0])
    lightest = min(float(replicas.smallest_batch[0, 0]), most)
    load = replicas.at(np.geomspace(lightest, most, TRIALS)[None, :])
    held = np.ones(TRIALS, dtype=bool)
    for target in spec.targets:
        held &= meets(load, replace_target(target, target.seconds / slowness))[0]
    rates = load.requests_per_s[0]
    return float(rates[held][-1] / rates[-1]) if held.any() else None


def _range(value: float, factors: Factors) -> dict[str, float]:
    return {"low": value * factors[0], "high": value * factors[1]}


def _performance(at: PerformanceAt, factors: Mapping[str, Factors]) -> dict[str, Any]:
    def one(point: Performance) -> dict[str, Any]:
        latencies: dict[str, Any] = {}
        for metric in ("ttft", "itl", "e2e"):
            latency: Latency = getattr(point, f"{metric}_s")
            latencies[f"{metric}_s"] = {
                name: _range(getattr(latency, name), factors[metric]) for name in ("mean", "p50", "p90", "p95", "p99")
            }
        return latencies

    return {"at_mean": one(at.at_mean), "at_peak": one(at.at_peak)}


def _capacity(capacity: ReplicaCapacity, factors: Factors) -> dict[str, Any]:
    return {"requests_per_s": _range(capacity.requests_per_s, factors)}


def _fleet(plan: CapacityPlan, factors: Factors, share: float | None) -> dict[str, Any]:
    """The fleet is sized on the central figure; its high end is what the bad end of the bands would take.

    A fleet that was given stays as it is: there the load is what is uncertain. Where no number of replicas would meet
    the targets, the high end is that of throughput alone.
    """
    worst = plan.fleet.replicas
    low, high = factors[0] * (1.0 if share is None else share), factors[1]
    if plan.spec.traffic.requests_per_s is not None or plan.spec.traffic.concurrency is not None:
        load = plan.performance.at_peak.requests_per_s * plan.fleet.replicas
        worst = max(int(-(-load // (plan.replica_capacity.requests_per_s * low))), worst)
    size = plan.chosen.accelerators_per_replica
    return {
        "replicas": {"low": plan.fleet.replicas, "high": worst},
        "accelerators": {"low": plan.fleet.replicas * size, "high": worst * size},
        "capacity_requests_per_s": _range(plan.fleet.capacity_requests_per_s, (low, high)),
        "meets_targets": share is not None,
    }
