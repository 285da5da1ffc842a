"""What a pack of rules is held against: a runtime and its version, and the plan and load curve where they are known."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from math import ceil

from msgspec import Struct
from msgspec.structs import replace

from agent.lint.packs import Pack
from agent.lint.promql import Fleet, Selector
from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.records.serving import Metric, ServedRuntime
from engine.plan import CapacityPlan, LoadPoint

KNOWN_SHARES = (0.95,)
"""Percentiles that a load curve has."""


class Watched(Struct, frozen=True, dict=True):
    """The runtime, and the plan where there is one."""

    served: ServedRuntime
    version: str
    """Empty for the newest."""
    plan: CapacityPlan | None
    curve: tuple[LoadPoint, ...]
    """One replica at rising loads; empty where nobody gave one."""
    nodes: int = 1
    """Over which a replica is spread."""

    @property
    def shown(self) -> str:
        """Name and version."""
        return f"{self.served.name} {self.version}".strip()

    @property
    def ranks(self) -> int:
        """Of data parallelism in a replica."""
        return self.plan.chosen.data_parallel if self.plan else 1

    def metrics_named(self, selector: Selector) -> list[Metric]:
        """Return the metrics of the runtime that a selector finds, of any version."""
        known = self._named.get(selector)
        if known is None:
            known = [one for one in self.served.metrics if any(map(selector.names, self._series(one)))]
            self._named[selector] = known
        return known

    @cached_property
    def _named(self) -> dict[Selector, list[Metric]]:
        """Metrics by selector, once they were looked for."""
        return {}

    def _series(self, metric: Metric) -> Iterator[str]:
        for series in metric.series:
            yield series
            for prefix, other in self.served.other_prefixes.items():
                if series.startswith(prefix):
                    yield other + series.removeprefix(prefix)


def watched_by(
    pack: Pack, catalog: Catalog, engine: str, plan: CapacityPlan | None, curve: Sequence[LoadPoint]
) -> Watched | None:
    """Return what a pack is held against: what was said, the plan's, or the runtime whose metrics it names.

    Args:
        engine: 'vllm@0.12', or nothing.
        plan: that they scale, where it is known.
        curve: of a replica, instead of the plan's.

    Raises:
        InputError: the runtime is not known, or none that is deployed.
    """
    found = tuple(curve) or (plan.replica_capacity.load_curve if plan else ())
    if engine:
        name, _, version = engine.partition("@")
        id = catalog.runtime_name(name).partition("@")[0]
        if id not in catalog.serving:
            raise InputError(f"no metrics of {id} are known; those of {', '.join(catalog.serving)} are")
        return Watched(catalog.serving[id], version.strip().removeprefix("v"), plan, found, _nodes(plan, catalog))
    if plan is not None and plan.chosen.runtime in catalog.serving:
        chosen = plan.chosen
        return Watched(catalog.serving[chosen.runtime], chosen.runtime_version, plan, found, _nodes(plan, catalog))
    best = max(catalog.serving.values(), key=lambda served: _mentions(pack, served), default=None)
    return Watched(best, "", plan, found) if best is not None and _mentions(pack, best) else None


def _nodes(plan: CapacityPlan | None, catalog: Catalog) -> int:
    accelerator = catalog.accelerators.get(plan.chosen.accelerator) if plan else None
    if plan is None or accelerator is None:
        return 1
    per_node = plan.spec.hardware.accelerators_per_node or accelerator.per_node
    return ceil(plan.chosen.accelerators_per_replica / per_node)


def _mentions(pack: Pack, served: ServedRuntime) -> int:
    prefixes = {*served.other_prefixes, *served.other_prefixes.values()}
    texts = [query.text for query in pack.queries]
    texts += [trigger.pod_metric for scaler in pack.scalers for trigger in scaler.triggers]
    names = {one.name.rpartition(":")[2] for one in served.metrics}
    adapted = sum(adapters_name(one.name) in map(adapters_name, _names(served)) for one in pack.named)
    return adapted + sum(text.count(p) for text in texts for p in prefixes) + sum(text in names for text in texts)


def _names(served: ServedRuntime) -> Iterator[str]:
    return (name for one in served.metrics for name in (one.name, *one.series))


def adapters_name(name: str) -> str:
    """Return a metric's name as adapters spell it, without colons."""
    return name.replace(":", "_")


def state_at(curve: Sequence[LoadPoint], field: str, value: float) -> LoadPoint:
    """Return a replica where one figure of its curve has a value, straight between its points.

    Args:
        field: ``requests_per_s`` or ``in_flight``.
        value: of it; beyond the last point what is in flight queues up.
    """
    names = LoadPoint.__struct_fields__
    first, last = curve[0], curve[-1]
    nothing = LoadPoint(0.0, 0.0, 0.0, 0.0, first.ttft_p95_s, first.itl_p95_s)
    for low, high in pairwise((nothing, *curve)):
        start, end = getattr(low, field), getattr(high, field)
        if value <= end:
            share = (value - start) / (end - start) if end > start else 1.0
            ends = ((getattr(low, name), getattr(high, name)) for name in names)
            return LoadPoint(*(before + share * (after - before) for before, after in ends))
    beyond = value - last.in_flight if field == "in_flight" else 0.0
    return replace(
        last,
        in_flight=last.in_flight + beyond,
        waiting=last.waiting + beyond,
        ttft_p95_s=last.ttft_p95_s + beyond / last.requests_per_s,
    )


def fleet_in(watched: Watched, pods: int, state: LoadPoint) -> Fleet:
    """Return a fleet of like replicas as queries see it."""

    def of_one(selector: Selector) -> float | None:
        each = (_value(one, selector, state, watched) for one in watched.metrics_named(selector))
        values = [value for value in each if value is not None]
        return sum(values) if values else None

    def quantile(selector: Selector, share: float) -> float | None:
        roles = {one.role for one in watched.metrics_named(selector)}
        if share not in KNOWN_SHARES:
            return None
        return state.ttft_p95_s if "ttft" in roles else state.itl_p95_s if "itl" in roles else None

    return Fleet(pods, watched.ranks, watched.served.rank_label, of_one, quantile)


def _value(metric: Metric, selector: Selector, state: LoadPoint, watched: Watched) -> float | None:
    """Return the value of one series of a metric: counts are shared among the ranks, shares are alike in all."""
    if not metric.in_version(watched.version):
        return None
    counted = selector.names(f"{metric.name}_count")
    whole: float | None = None  # of the pod
    match metric.role:
        case "running":
            whole = max(state.in_flight - state.waiting, 0.0)
        case "waiting":
            whole = state.waiting
        case "kv_cache_usage":
            whole = state.kv_cache_usage * watched.ranks
        case "preemptions":
            whole = 0.0
        case "e2e" if selector.names(f"{metric.name}_sum"):
            whole = state.in_flight  # Little's law
        case "requests" | "ttft" | "itl" | "e2e" if metric.role == "requests" or counted:
            whole = state.requests_per_s
        case "prompt_tokens" | "generation_tokens" if watched.plan is not None:
            tokens = watched.plan.spec.tokens
            whole = state.requests_per_s * (tokens.input if metric.role == "prompt_tokens" else tokens.output).mean
    return None if whole is None else whole / watched.ranks
