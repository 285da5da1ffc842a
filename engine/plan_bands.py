"""The bands of a plan: a tree with the paths of its figures, ``low`` and ``high`` for each."""

from collections.abc import Mapping
from typing import Any

from catalogs.catalog import Catalog
from catalogs.records import Accelerator, ModelArchitecture, Precision
from engine.bands import UNKNOWN, architecture_of, band_for, ends, kernels_of
from engine.outside import outside
from engine.plan import CapacityPlan, Latency, Performance, PerformanceAt, ReplicaCapacity
from engine.workload import WorkloadSpec

SERVED = "closed_loop"
"""The load whose bands speak of a served plan: no open-loop set is large enough to make its own."""

Factors = tuple[float, float]


def outside_note(
    accelerator: Accelerator, model: ModelArchitecture, weights: Precision, spec: WorkloadSpec, catalog: Catalog
) -> str | None:
    """Return in one sentence what of a case no measurement is like; None where it is among the data."""
    tokens = spec.tokens.input.mean + spec.tokens.output.mean + spec.tokens.reasoning_tokens
    reasons = outside(accelerator, model, weights, tokens, catalog)
    if not reasons:
        return None
    return f"outside all data: {'; '.join(reasons)}; the bands are the nearest kind's, widened, and a guess"


def plan_bands(plan: CapacityPlan, model: ModelArchitecture, catalog: Catalog) -> dict[str, Any] | None:
    """Return the plan's bands at the level that its spec asks for; None where the catalog has no bands.

    Memory follows from dimensions and has no band of this kind. The fleet's high end is what the load would need if
    replicas carried as little as the low end of the throughput band says.
    """
    accelerator = catalog.accelerators[plan.chosen.accelerator]
    weights = catalog.precision(plan.chosen.precision.weights)
    note = outside_note(accelerator, model, weights, plan.spec, catalog)
    factors: dict[str, Factors] = {}
    thin = False
    for metric, load in (("itl", SERVED), ("ttft", SERVED), ("throughput", "offline")):
        found = band_for(catalog.bands, metric, load, architecture_of(model), kernels_of(accelerator, catalog))
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
    factors["e2e"] = (min(factors["itl"][0], 1.0), max(factors["itl"][1], 1.0))
    return {
        "level": plan.spec.band,
        "note": note,
        "performance": _performance(plan.performance, factors),
        "replica_capacity": _capacity(plan.replica_capacity, factors["throughput"]),
        "fleet": _fleet(plan, factors["throughput"]),
    }


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


def _fleet(plan: CapacityPlan, factors: Factors) -> dict[str, Any]:
    """The fleet is sized on the central figure: the low end of a replica's capacity says what the bad end costs.

    A fleet that was given stays as it is: there the load is what is uncertain.
    """
    worst = plan.fleet.replicas
    if plan.spec.traffic.requests_per_s is not None or plan.spec.traffic.concurrency is not None:
        load = plan.performance.at_peak.requests_per_s * plan.fleet.replicas
        worst = max(int(-(-load // (plan.replica_capacity.requests_per_s * factors[0]))), worst)
    size = plan.chosen.accelerators_per_replica
    return {
        "replicas": {"low": plan.fleet.replicas, "high": worst},
        "accelerators": {"low": plan.fleet.replicas * size, "high": worst * size},
        "capacity_requests_per_s": _range(plan.fleet.capacity_requests_per_s, factors),
    }
