"""Alerts and recorded series of a plan: targets by error budgets, saturation, the KV pool, metrics that are gone."""

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Struct

from agent.deployment.buckets import bucket_for
from agent.deployment.queries import Queries, bound_matcher
from catalogs.units import show_percent, show_seconds
from engine.workload import PERCENTILE_SHARES, Target

Tree = dict[str, Any]


class Burn(Struct, frozen=True):
    """A rate at which an error budget burns, and the windows over which it must.

    Those of Google's SRE workbook, chapter 5, table 5-8: 2 % of a month's budget in an hour, 5 % in six, 10 % in three
    days, the short window a twelfth of the long one.
    """

    name: str
    times: float
    long: str
    short: str
    severity: str
    share: float
    """Of the way from the budget to every request: no ratio passes 1, whatever times the budget is."""


BURNS: Final = (
    Burn("Critical", 14.4, "1h", "5m", "critical", 0.5),
    Burn("Warning", 6, "6h", "30m", "warning", 0.25),
    Burn("Slow", 1, "3d", "6h", "warning", 0.0),
)
KV_FULL: Final = 0.95
"""Of the pool: beyond it the runtime preempts requests or holds them back."""
HELD_FOR: Final = "10m"
GONE_FOR: Final = "5m"
RECORDED: Final = "fleet:"
"""Prefix of recorded series, a level as Prometheus' naming of rules has it."""


def groups_of(queries: Queries) -> list[Tree]:
    """Return the groups of a rule file: recorded series, and alerts."""
    name, labels = queries.replica.name, recorded_labels(queries)
    recorded = [
        {"record": series, "expr": query, "labels": labels} for series, query in recorded_names(queries).items()
    ]
    return [
        {"name": f"{name}-recorded", "rules": recorded},
        {"name": f"{name}-targets", "rules": list(_targets(queries))},
        {"name": f"{name}-capacity", "rules": list(_capacity(queries))},
        {"name": f"{name}-metrics", "rules": list(_absent(queries))},
    ]


def recorded_names(queries: Queries) -> dict[str, str]:
    """Return the queries that are recorded, by the series' names, as an adapter serves them to an HPA."""
    known = {
        "requests_in_flight": queries.in_flight(),
        "requests_per_second": queries.rate(),
        "requests_waiting": queries.waiting(),
        "kv_cache_usage": queries.kv_cache_usage(),
    }
    return {f"{RECORDED}{name}": query for name, query in known.items() if query}


def recorded_labels(queries: Queries) -> Tree:
    """Return the labels of recorded series."""
    return {"namespace": queries.namespace, "fleet": queries.replica.name}


def _alert(queries: Queries, name: str, expr: str, held: str, severity: str, summary: str) -> Tree:
    return {
        "alert": name,
        "expr": expr,
        "for": held,
        "labels": {"severity": severity, "fleet": queries.replica.name},
        "annotations": {"summary": summary},
    }


def _targets(queries: Queries) -> Iterator[Tree]:
    for target in queries.replica.plan.spec.targets:
        if queries.metric(target.metric) is not None:
            yield from _burning(queries, target) if target.percentile != "mean" else [_mean(queries, target)]


def _mean(queries: Queries, target: Target) -> Tree:
    name = f"{target.metric.capitalize()}MeanAboveTarget"
    expr = f"{queries.quantile(target.metric, 'mean')} > {target.seconds:.6g}"
    summary = f"mean {target.metric.upper()} is above the target of {show_seconds(target.seconds)}"
    return _alert(queries, name, expr, HELD_FOR, "warning", summary)


def burn_limit(burn: Burn, budget: float) -> float:
    """Return the share of slow requests from which a budget burns too fast, which some share can always pass."""
    return min(burn.times * budget, budget + burn.share * (1 - budget))


def _burning(queries: Queries, target: Target) -> Iterator[Tree]:
    budget = 1 - PERCENTILE_SHARES[target.percentile]
    bucket = bucket_for(target, queries.replica.served, queries.replica.version)
    named = target.name
    by = "" if bucket.exact else f" (by the bucket of {show_seconds(bucket.seconds)})"
    for burn in BURNS:
        limit = burn_limit(burn, budget)
        slow = [f"{queries.beyond(target, bucket.seconds, window)} > {limit:.4g}" for window in (burn.long, burn.short)]
        summary = (
            f"more than {show_percent(limit)} of requests take longer than the {named} "
            f"target of {show_seconds(target.seconds)}{by}, for {burn.long}; {show_percent(budget)} may"
        )
        name = f"{target.metric.capitalize()}{target.percentile.upper()}BudgetBurn{burn.name}"
        yield _alert(queries, name, f"({slow[0]}) and ({slow[1]})", "2m", burn.severity, summary)


def _capacity(queries: Queries) -> Iterator[Tree]:
    plan = queries.replica.plan
    curve, capacity = plan.replica_capacity.load_curve, plan.replica_capacity.requests_per_s
    most = max(plan.fleet.most_replicas - plan.fleet.spares, 1)
    rate = most * capacity
    summary = f"more than {rate:.4g} requests/s, what {most} replicas carry within the targets"
    yield _alert(queries, "FleetAtCapacity", f"{queries.rate()} > {rate:.6g}", HELD_FOR, "critical", summary)
    if curve and queries.metric("waiting") is not None:
        flight = most * curve[-1].in_flight
        summary = f"more than {flight:.4g} requests in flight: {most} replicas near saturation hold so many"
        expr = f"{queries.in_flight()} > {flight:.6g}"
        yield _alert(queries, "FleetSaturated", expr, GONE_FOR, "critical", summary)
    if usage := queries.kv_cache_usage():
        summary = f"the KV pools are more than {show_percent(KV_FULL)} full: requests are preempted or held back"
        yield _alert(queries, "KvCacheFull", f"{usage} > {KV_FULL}", HELD_FOR, "warning", summary)
    if preempted := queries.preemptions():
        summary = "requests are preempted: the KV pool is too small for what is in flight"
        yield _alert(queries, "RequestsPreempted", f"{preempted} > 0", HELD_FOR, "warning", summary)


def _absent(queries: Queries) -> Iterator[Tree]:
    for metric in queries.metrics:
        words = "".join(part.capitalize() for part in (metric.role or "").split("_"))
        summary = f"no series of {metric.name} for this namespace and model: the rules that use it see nothing"
        yield _alert(queries, f"MetricAbsent{words}", queries.absent(metric), GONE_FOR, "warning", summary)
    targets = [one for one in queries.replica.plan.spec.targets if one.percentile != "mean"]
    for target in targets:
        if (histogram := queries.metric(target.metric)) is None:
            continue
        bucket = bucket_for(target, queries.replica.served, queries.replica.version)
        words = f"{target.metric.capitalize()}{target.percentile.upper()}"
        summary = f"no bucket of {show_seconds(bucket.seconds)} in {histogram.name}: no budget of its target ever burns"
        expr = queries.absent(histogram, "_bucket", bound_matcher(bucket.seconds))
        yield _alert(queries, f"BucketAbsent{words}", expr, GONE_FOR, "warning", summary)
