"""Rules about what scalers and alerts reach: an object that is there, the plan's replicas, loads that it holds."""

from collections.abc import Iterator, Sequence
from typing import Final

from agent.lint.documents import Document, Path
from agent.lint.findings import Finding, found
from agent.lint.packs import WORKLOADS, Pack, Scaler
from agent.lint.promql import Binary, Expression, Number, calls, selectors, value_of
from agent.lint.servers import Server
from agent.lint.watched import Watched, fleet_in, state_at
from catalogs.errors import listed
from catalogs.units import show_count
from engine.plan import CapacityPlan, LoadPoint

MOST: Final = ("maxReplicaCount", "maxReplicas")
"""Names of the upper bound."""
LEAST: Final = ("minReplicaCount", "minReplicas")
"""Of the lower one."""
CHARTS: Final = {
    "decode": ("-decode", "llm-d-modelservice"),
    "servingEngineSpec": ("-deployment-vllm", "production-stack"),
}
"""By the first key of a chart's values: how the name of its Deployment ends (their templates' names), and the chart."""
USUAL_LEAST: Final = {"ScaledObject": 0, "HorizontalPodAutoscaler": 1}
"""Replicas at least where a scaler says nothing: KEDA's default and the HPA's."""
LOADS: Final = frozenset({"running", "waiting", "requests"})
"""Roles of metrics that count requests."""
STEADY: Final = frozenset({"rate", "irate", "avg_over_time", "max_over_time", "min_over_time", "last_over_time"})
"""Functions over time that leave a steady load what it is."""
THRESHOLD_FIELDS: Final = (
    ("metadata", "threshold"), ("target", "averageValue"), ("target", "value"), ("targetValue",)
)  # fmt: skip
"""Where a trigger may have its threshold."""
ROUNDED: Final = 1e-3
"""Share by which a number in a file may lie off the plan's."""


def reach_findings(pack: Pack, watched: Watched | None, servers: Sequence[Server]) -> Iterator[Finding]:
    """Yield what scalers and alerts do not reach.

    Args:
        watched: the runtime, with the plan where there is one.
    """
    for scaler in pack.scalers:
        yield from _target(scaler, pack, servers)
        if watched is not None and watched.plan is not None:
            yield from _bounds(scaler, watched, watched.plan)
            yield from late_thresholds(scaler, watched)
    if watched is not None and watched.plan is not None and watched.curve:
        yield from _alerts(pack, watched, watched.plan)


def _target(scaler: Scaler, pack: Pack, servers: Sequence[Server]) -> Iterator[Finding]:
    """Yield that a scaler means an object that is of another kind in the pack, or that is not in it."""
    place, kind, name = scaler.target
    if kind not in WORKLOADS:
        return
    there = [one for one in pack.of_kind(*WORKLOADS) if one.at(("metadata", "name")) == name and _near(one, place)]
    kinds = {str(one.at(("kind",))) for one in there}
    at = (*scaler.path, "scaleTargetRef")
    if kinds and kind not in kinds:
        sentence = f"{name} is a {min(kinds)} here, and this scales a {kind} of that name"
        yield found("L13", scaler.document, at, sentence, f"scaleTargetRef.kind: {min(kinds)}, with its apiVersion")
    serving = list(dict.fromkeys(one.document.shown for one in servers if one.is_counted))
    if not kinds and serving and scaler.field("scaleTargetRef") is not None:
        where = f" in {place}" if place else ""
        sentence = f"it scales {kind} {name}{where}, and what serves here is {listed(serving)}"
        fix = f"scaleTargetRef.name: {serving[0].rpartition(' ')[2]}, in its namespace; or give that object's file too"
        yield found("L13", scaler.document, at, sentence, fix)
    ends = {end: chart for one in servers for start, (end, chart) in CHARTS.items() if one.path[:1] == (start,)}
    if not kinds and not serving and ends and scaler.kind == "ScaledObject" and not name.endswith(tuple(ends)):
        end, chart = next(iter(ends.items()))
        sentence = f"it scales {kind} {name}, and what {chart} makes ends in {end}"
        yield found("L13", scaler.document, at, sentence, f"scaleTargetRef.name: the release's name … {end}")


def _near(document: Document, place: str) -> bool:
    """Return whether an object may be in a namespace."""
    return not place or document.at(("metadata", "namespace")) in (None, place)


def _bounds(scaler: Scaler, watched: Watched, plan: CapacityPlan) -> Iterator[Finding]:
    """Yield that a scaler's bounds, fallback or target are not those of the plan's fleet."""
    fleet, at = plan.fleet, scaler.document

    def of(names: Sequence[str]) -> Path:
        return next(((*scaler.path, name) for name in names if scaler.field(name) is not None), scaler.path)

    takes = f"the peak hour takes {fleet.working_replicas}"
    if scaler.most is not None and scaler.most < fleet.working_replicas:
        sentence = f"at most {scaler.most} replicas, and {takes}"
        yield found("L13", at, of(MOST), sentence, f"a maximum of {fleet.maximum_replicas}")
    least = USUAL_LEAST.get(scaler.kind) if scaler.least is None else scaler.least
    kept = f"a minimum of {fleet.minimum_replicas}"
    if least is not None and least > fleet.most_replicas:
        yield found("L13", at, of(LEAST), f"at least {least} replicas, and {takes}", kept)
    elif least is not None and least < fleet.minimum_replicas:
        default = " by default" if scaler.least is None else ""
        sentence = f"at least {least} replicas{default}, and the plan keeps {fleet.minimum_replicas} at the trough"
        yield found("L13", at, of(LEAST), sentence, kept)
    place = (*scaler.path, "fallback", "replicas")
    blind = at.at(place)
    if isinstance(blind, int) and blind < fleet.working_replicas:
        sentence = f"while nothing is known the fallback asks for {show_count(blind)}, and {takes}"
        yield found("L10", at, place, sentence, f"replicas: {max(fleet.replicas, fleet.minimum_replicas)}")
    pods = watched.nodes
    if pods > 1 and scaler.target[1] in ("Deployment", "StatefulSet"):
        sentence = f"a replica is {pods} pods on as many nodes, and a {scaler.target[1]} scales by the pod"
        yield found("L13", at, scaler.path, sentence, "scale a LeaderWorkerSet, whose replica is the group")


def late_thresholds(scaler: Scaler, watched: Watched) -> Iterator[Finding]:
    """Yield thresholds on the load that lie beyond what a replica holds within the targets.

    Who waits and how full the KV pool is are guards, which fire late and may.
    """
    plan = watched.plan
    if plan is None or not watched.curve:
        return
    replicas = max(plan.fleet.working_replicas, 1)
    state = state_at(watched.curve, "requests_per_s", plan.replica_capacity.requests_per_s)
    for one in scaler.triggers:
        load = _load(one.query.tree if one.query else None, watched, replicas, state)
        if load is None or one.threshold is None:
            continue
        each = load if one.metric_type in ("Value", "Utilization") else load / replicas
        if one.threshold > each * (1 + ROUNDED):
            places = ((*one.path, *names) for names in THRESHOLD_FIELDS)
            place = next((place for place in places if one.document.at(place) is not None), one.path)
            sentence = f"the threshold is {one.threshold:g}, and at the plan's capacity there are {each:.3g}: it fires "
            yield found("L8", one.document, place, f"{sentence}when targets are missed already", threshold_fix(plan))


def threshold_fix(plan: CapacityPlan | None) -> str:
    """Return the thresholds that would do."""
    if plan is None:
        return "a threshold of requests running and waiting below what saturation holds"
    scaling = plan.autoscaling
    return (
        f"{scaling.target_in_flight_per_replica:.3g} requests in flight or {scaling.rps_per_replica:.3g} requests/s "
        "a replica, as the plan has it"
    )


def _alerts(pack: Pack, watched: Watched, plan: CapacityPlan) -> Iterator[Finding]:
    """Yield alerts on a load that all the plan's replicas together have not even near saturation."""
    most = max(plan.fleet.most_replicas, 1)
    end = state_at(watched.curve, "requests_per_s", watched.curve[-1].requests_per_s)
    for query in pack.queries:
        for left, bound in above(query.tree) if query.purpose == "alert" and query.tree else ():
            load = _load(left, watched, most, end)
            if load is not None and bound > load * (1 + ROUNDED):
                holds = f"{show_count(most)} replicas near saturation have {load:.4g}"
                sentence = f"it fires above {bound:g}, and {holds}"
                fix = f"at most {most * plan.replica_capacity.requests_per_s:.4g} requests/s, what they carry"
                yield found("L8", query.document, query.path, sentence, fix)


def above(tree: Expression) -> Iterator[tuple[Expression, float]]:
    """Yield what must lie above a constant for an alert to fire, and the constant."""
    match tree:
        case Binary(">" | ">=", left, Number(bound)):
            yield left, bound
        case Binary("and", left, right):
            yield from above(left)
            yield from above(right)


def _load(tree: Expression | None, watched: Watched, pods: int, state: LoadPoint) -> float | None:
    """Return what a query that counts requests yields of a fleet; None of others, and where nobody here can tell."""
    if tree is None or any(call.function not in STEADY for call in calls(tree)):
        return None
    roles = {one.role for selector in selectors(tree) for one in watched.metrics_named(selector)}
    if not roles <= LOADS or not roles & {"running", "requests"}:
        return None
    seen = value_of(tree, fleet_in(watched, pods, state))
    return None if seen is None else seen.value
