"""How sure a figure is: bands from measurements that the fit had not seen, chosen by how well the case is known."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from catalogs.catalog import Catalog
from catalogs.records import Accelerator, ErrorBand, ModelArchitecture
from engine.operations import layers
from engine.plan import CapacityPlan, Latency, Performance, PerformanceAt, ReplicaCapacity

Architecture = Literal["dense", "mixture", "latent", "hybrid"]
Kernels = Literal["measured", "inherited", "foreign"]

LEVELS: Mapping[int, tuple[int, int]] = {50: (2, 4), 80: (1, 5), 95: (0, 6)}
"""Level in per cent → positions of its ends in a band's quantiles."""

SERVED = "closed_loop"
"""The load whose bands speak of a served plan: no open-loop set is large enough to make its own."""

NEVER_SEEN = 1.5
"""Factor by which both ends move outwards where no measurement of the kind exists: twice the widest class seen."""


def architecture_of(model: ModelArchitecture) -> Architecture:
    """Return the class that a model's errors are pooled in."""
    kinds = layers(model)
    if any(layer.mixing and layer.mixing.state_bytes for layer in kinds):
        return "hybrid"
    if any(layer.mixing and layer.mixing.heads and not layer.mixing.splits for layer in kinds):
        return "latent"
    return "mixture" if any(layer.mixture for layer in kinds) else "dense"


def kernels_of(accelerator: Accelerator, catalog: Catalog) -> Kernels:
    """Return whether an accelerator's own kernels were measured, or a relative's, or another architecture's."""
    if accelerator.kernels is None:
        return "measured"
    same = catalog.accelerators[accelerator.kernels].architecture == accelerator.architecture
    return "inherited" if same else "foreign"


def band_for(
    bands: Sequence[ErrorBand], metric: str, load: str, architecture: Architecture, kernels: Kernels
) -> tuple[ErrorBand, bool] | None:
    """Return the narrowest band that speaks of a case, and whether it is of that very kind; None without bands."""
    matching = [
        band
        for band in bands
        if band.metric == metric
        and band.load in (None, load)
        and band.architecture in (None, architecture)
        and band.kernels in (None, kernels)
    ]
    if not matching:
        return None
    best = max(matching, key=lambda band: band.specificity)
    return best, best.architecture is not None and best.kernels is not None


def ends(band: ErrorBand, level: int = 80, *, known: bool = True) -> tuple[float, float]:
    """Return the factors (low, high) by which the truth may lie from a prediction, at a level of 50, 80 or 95 %."""
    low, high = (band.quantiles[position] for position in LEVELS[level])
    return (low, high) if known else (low / NEVER_SEEN, high * NEVER_SEEN)


def plan_bands(
    plan: CapacityPlan, model: ModelArchitecture, catalog: Catalog, level: int = 80
) -> dict[str, Any] | None:
    """Return the plan's bands: a tree with the paths of its figures, ``low`` and ``high`` for each; None without any.

    Memory follows from dimensions and has no band of this kind. The fleet's high end is what the load would need if
    replicas carried as little as the low end of the throughput band says.
    """
    architecture = architecture_of(model)
    kernels = kernels_of(catalog.accelerators[plan.chosen.accelerator], catalog)
    factors: dict[str, tuple[float, float]] = {}
    unseen = False
    for metric, load in (("itl", SERVED), ("ttft", SERVED), ("throughput", "offline")):
        found = band_for(catalog.bands, metric, load, architecture, kernels)
        if found is None:
            return None
        band, known = found
        factors[metric] = ends(band, level, known=known or kernels != "foreign")
        unseen = unseen or not known
    factors["e2e"] = (min(factors["itl"][0], 1.0), max(factors["itl"][1], 1.0))
    tree: dict[str, Any] = {
        "level": level,
        "performance": _performance(plan.performance, factors),
        "replica_capacity": _capacity(plan.replica_capacity, factors["throughput"]),
        "fleet": _fleet(plan, factors["throughput"]),
    }
    if unseen:
        tree["note"] = (
            f"no measurement of a {architecture} model on an accelerator whose kernels are {kernels} is among the "
            "data: the bands are those of the nearest kind, and may be too narrow"
        )
    return tree


def _range(value: float, factors: tuple[float, float]) -> dict[str, float]:
    return {"low": value * factors[0], "high": value * factors[1]}


def _performance(at: PerformanceAt, factors: Mapping[str, tuple[float, float]]) -> dict[str, Any]:
    def one(point: Performance) -> dict[str, Any]:
        latencies: dict[str, Any] = {}
        for metric in ("ttft", "itl", "e2e"):
            latency: Latency = getattr(point, f"{metric}_s")
            latencies[f"{metric}_s"] = {
                name: _range(getattr(latency, name), factors[metric]) for name in ("mean", "p50", "p90", "p95", "p99")
            }
        return latencies

    return {"at_mean": one(at.at_mean), "at_peak": one(at.at_peak)}


def _capacity(capacity: ReplicaCapacity, factors: tuple[float, float]) -> dict[str, Any]:
    return {"requests_per_s": _range(capacity.requests_per_s, factors)}


def _fleet(plan: CapacityPlan, factors: tuple[float, float]) -> dict[str, Any]:
    """The fleet is sized on the central figure: the low end of a replica's capacity says what the bad end costs."""
    load = plan.performance.at_peak.requests_per_s * plan.fleet.replicas
    needed = -(-load // (plan.replica_capacity.requests_per_s * factors[0]))
    worst = max(int(needed), plan.fleet.replicas)
    size = plan.chosen.accelerators_per_replica
    return {
        "replicas": {"low": plan.fleet.replicas, "high": worst},
        "accelerators": {"low": plan.fleet.replicas * size, "high": worst * size},
    }
