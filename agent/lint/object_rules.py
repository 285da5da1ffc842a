"""Rules about objects: fields, strings, bounds, fallbacks, probes, paths; and what a scaler makes of a fleet."""

from collections.abc import Iterator
from difflib import get_close_matches
from math import ceil
from typing import Any, Final

from agent.deployment.replica import start_s
from agent.lint.documents import Document, Path
from agent.lint.findings import Finding, found
from agent.lint.packs import Pack, Query, Scaler, Trigger
from agent.lint.promql import Aggregate, Binary, Call, Expression, Fleet, selectors, value_of, yields_one
from agent.lint.reach_rules import LOADS, late_thresholds, threshold_fix
from agent.lint.watched import Watched
from catalogs.errors import quoted
from catalogs.units import show_seconds
from engine.question.demand import demand_of

PROMETHEUS_FIELDS: Final = frozenset(
    "serverAddress query threshold activationThreshold namespace customHeaders queryParameters ignoreNullValues "
    "unsafeSsl authModes timeout identityOwner awsRegion cortexOrgID".split()
)
"""Of a Prometheus trigger's metadata: KEDA, pkg/scalers/prometheus_scaler.go at 8b4f083ca."""
WAITS: Final = frozenset({"waiting"})
CHART_STARTUP_S: Final = 615.0
"""What production-stack's chart 0.1.12 waits: 15 s and 60 times 10 s."""


def object_findings(pack: Pack, watched: Watched | None) -> Iterator[Finding]:
    """Yield the faults of all objects."""
    for scaler in pack.scalers:
        yield from _fields(scaler)
        yield from _bounds(scaler)
        for trigger in scaler.triggers:
            yield from _strings(trigger)
            yield from _dead_fields(trigger)
            yield from _empty(trigger, scaler, pack)
            if watched is not None:
                yield from _unit(trigger, watched)
        behaves: list[Finding] = []
        if watched is not None:
            behaves = list(_behaviour(scaler, watched))
            yield from behaves
        if not any("asked back" in fault.sentence for fault in behaves):
            yield from _haste(scaler, watched)
    yield from _second_scaler(pack)
    yield from _alert_labels(pack)
    for document in pack.documents:
        yield from _gone_kinds(document)
        yield from _dead_annotations(document)
        yield from _probes(document, watched)
        if watched is not None:
            yield from _paths(document, watched)


# --- fields ---


def _fields(scaler: Scaler) -> Iterator[Finding]:
    """Yield fields of a scaler that do nothing."""
    keda = scaler.kind in ("ScaledObject", "keda", "LLMInferenceService")
    never_zero = (scaler.least or 0) > 0 and scaler.field("idleReplicaCount") is None
    if keda and never_zero and scaler.field("cooldownPeriod") is not None:
        sentence = "cooldownPeriod acts on the way to zero alone, and this fleet never goes there"
        fix = "set advanced.horizontalPodAutoscalerConfig.behavior.scaleDown instead"
        yield found("L4", scaler.document, (*scaler.path, "cooldownPeriod"), sentence, fix)
    if isinstance(scaler.document.at(place := ("spec", "scaling", "wva")), dict):
        yield found("L4", scaler.document, place, "KServe gives up scaling.wva (issue 6262)", "use scaling.keda")


def _dead_annotations(document: Document) -> Iterator[Finding]:
    """Yield annotations that AIBrix reads no more since its layered autoscaler (pull 1575)."""
    for group in ("annotations", "labels"):
        for name in document.table(("metadata", group)):
            if name.startswith(("kpa.autoscaling.aibrix.ai/", "apa.autoscaling.aibrix.ai/")) and not name.endswith(
                "/window"
            ):
                fix = "autoscaling.aibrix.ai/scale-down-cooldown-window" if "delay" in name else "leave it out"
                yield found("L4", document, ("metadata", group, name), f"AIBrix reads {name} no more", fix)


def _dead_fields(trigger: Trigger) -> Iterator[Finding]:
    for name in trigger.document.table((*trigger.path, "metadata")):
        place = (*trigger.path, "metadata", name)
        if name == "metricName":
            sentence = "KEDA took metricName out in 2.12: it does nothing"
            yield found("L4", trigger.document, place, sentence, "leave it out; the trigger's own `name` names it")
        elif name not in PROMETHEUS_FIELDS:
            near = get_close_matches(name, PROMETHEUS_FIELDS, n=1)
            fix = f"the nearest is {near[0]}" if near else "leave it out"
            yield found("L4", trigger.document, place, f"a Prometheus trigger has no field {quoted(name)}", fix)


def _gone_kinds(document: Document) -> Iterator[Finding]:
    kind = document.at(("kind",))
    if kind == "InferenceModel":
        yield found("L4", document, ("kind",), "InferenceModel is gone", "use InferenceObjective (llm-d-router)")
    for path, value in document.walk():
        if path and path[-1] == "restartPolicy" and value == "Default" and kind == "LeaderWorkerSet":
            fix = "RecreateGroupOnPodRestart or None"
            yield found("L4", document, path, "LeaderWorkerSet's restartPolicy Default is deprecated", fix)


def _strings(trigger: Trigger) -> Iterator[Finding]:
    for name, value in trigger.document.table((*trigger.path, "metadata")).items():
        if not isinstance(value, str):
            fix = f'{name}: "{str(value).lower() if isinstance(value, bool) else value}"'
            sentence = f"{name} is {quoted(value)}, and KEDA takes strings alone"
            yield found("L7", trigger.document, (*trigger.path, "metadata", name), sentence, fix)
    for name in ("targetValue", "port") if trigger.pod_metric else ():
        value = trigger.document.at((*trigger.path, name))
        if value is not None and not isinstance(value, str):
            sentence = f"{name} is {quoted(value)}, and AIBrix takes strings"
            yield found("L7", trigger.document, (*trigger.path, name), sentence, f'"{value}"')


def _alert_labels(pack: Pack) -> Iterator[Finding]:
    for query in pack.queries:
        if query.purpose not in ("alert", "record"):
            continue
        for group in ("labels", "annotations"):
            place = (*query.path[:-1], group)
            for name, value in query.document.table(place).items():
                if not isinstance(value, str):
                    sentence = f"{group}.{name} is {quoted(value)}, and Prometheus takes strings alone"
                    yield found("L7", query.document, (*place, name), sentence, f'"{value}"')


def _empty(trigger: Trigger, scaler: Scaler, pack: Pack) -> Iterator[Finding]:
    """Yield that an empty result passes for 0."""
    if trigger.query is None or trigger.query.tree is None or scaler.kind == "InferenceService":
        return
    place = (*trigger.path, "metadata", "query")
    if _defaults_to_zero(trigger.query.tree):
        sentence = "`or vector(0)` makes a misspelt metric read as 0, which nothing notices"
        fix = 'leave it out, with ignoreNullValues: "false" and a fallback'
        if not _watched_for_absence(trigger.query, pack):
            yield found("L5", trigger.document, place, sentence, fix)
        return
    ignores = str(trigger.document.at((*trigger.path, "metadata", "ignoreNullValues")) or "true").lower() != "false"
    if ignores and not _watched_for_absence(trigger.query, pack):
        sentence = "an empty result reads as 0 (ignoreNullValues is true by default): a metric that is gone never fires"
        fix = 'ignoreNullValues: "false" with a fallback, or an alert on absent( )'
        yield found("L5", trigger.document, place, sentence, fix)
    elif not ignores and not isinstance(scaler.field("fallback"), dict):
        sentence = "without a fallback the fleet stays as it is while nothing is known"
        fix = "fallback: {failureThreshold: 3, replicas: …, behavior: currentReplicasIfHigher}"
        yield found("L5", trigger.document, place, sentence, fix)


def _defaults_to_zero(tree: Expression) -> bool:
    match tree:
        case Binary("or", _, Call("vector", _)):
            return True
        case Binary(_, left, right):
            return _defaults_to_zero(left) or _defaults_to_zero(right)
        case Aggregate(argument=argument):
            return _defaults_to_zero(argument)
    return False


def _watched_for_absence(query: Query, pack: Pack) -> bool:
    names = {selector.name for selector in query.selectors}
    return any(
        "absent" in other.text and {selector.name for selector in other.selectors} & names
        for other in pack.queries
        if other.purpose == "alert"
    )


# --- bounds ---


def _bounds(scaler: Scaler) -> Iterator[Finding]:
    least, most, idle = scaler.least, scaler.most, scaler.field("idleReplicaCount")
    at = scaler.document
    if least is not None and most is not None and least > most:
        yield found("L10", at, scaler.path, f"the minimum {least} is above the maximum {most}", "turn them round")
    if isinstance(idle, int) and idle >= (least or 0):
        sentence = f"idleReplicaCount {idle} is not below minReplicaCount {least or 0}: KEDA refuses it"
        yield found("L10", at, (*scaler.path, "idleReplicaCount"), sentence, "leave it out, or 0 below a minimum of 1")
    kinds = {trigger.metric_type for trigger in scaler.triggers}
    if isinstance(scaler.field("fallback"), dict) and scaler.triggers and "AverageValue" not in kinds:
        sentence = "a fallback needs a trigger of AverageValue, and there is none"
        yield found("L10", at, (*scaler.path, "fallback"), sentence, "metricType: AverageValue on one of them")
    place = (*scaler.path, "advanced", "scalingModifiers")
    modifiers = at.table(place)
    if modifiers.get("formula"):
        if not modifiers.get("target"):
            sentence = "with a formula the triggers' own thresholds are inert, and no target stands in their place"
            yield found("L10", at, place, sentence, "give scalingModifiers.target")
        for trigger in scaler.triggers:
            if trigger.name not in str(modifiers["formula"]):
                sentence = f"the formula does not name {quoted(trigger.name)}, whose threshold is inert"
                yield found("L10", at, trigger.path, sentence, "name it in the formula, or leave it out")


def _second_scaler(pack: Pack) -> Iterator[Finding]:
    seen: dict[tuple[str, str], Scaler] = {}
    for scaler in pack.scalers:
        _, kind, name = scaler.target
        first = seen.setdefault((kind, name), scaler)
        same_place = not first.target[0] or not scaler.target[0] or first.target[0] == scaler.target[0]
        if first is not scaler and same_place and first.document is not scaler.document:
            sentence = (
                f"{kind} {name} is scaled by the {first.kind} in line {first.document.line(first.path)} of "
                f"{first.document.file} already: two autoscalers undo each other"
            )
            yield found("L10", scaler.document, scaler.path, sentence, "keep one; KEDA makes an HPA of its own")


# --- units ---


def _unit(trigger: Trigger, watched: Watched) -> Iterator[Finding]:
    """Yield that a metric does not grow with the fleet, or not with its ranks, as its type takes for granted."""
    tree = trigger.query.tree if trigger.query else None
    if tree is None or not yields_one(tree) or trigger.metric_type not in ("AverageValue", "Value"):
        return
    place = (*trigger.path, "metadata", "query")

    def of(pods: int, ranks: int, each: float = 1.0) -> float | None:
        seen = value_of(tree, Fleet(pods, ranks, watched.served.rank_label, lambda _: each, lambda _, __: each))
        return None if seen is None else seen.value

    one, two = of(1, 1), of(2, 1)
    if one is None or two is None:
        return
    grows = two > one * (1 + 1e-9)
    if trigger.metric_type == "AverageValue" and not grows:
        sentence = "AverageValue divides the result by the replicas, and a mean or a maximum does not grow with them"
        yield found("L13", trigger.document, place, sentence, "sum it over the pods, or metricType: Value")
    if trigger.metric_type == "Value" and grows:
        sentence = "Value compares the result with the threshold as it is, and a sum grows with the fleet"
        yield found("L13", trigger.document, place, sentence, "metricType: AverageValue, or a mean over the pods")
    ranks = watched.ranks
    counts = LOADS & {one.role for selector in selectors(tree) for one in watched.metrics_named(selector)}
    # What a query adds to its series, as a plan's spares, does not grow with them.
    added = of(1, 1, 0.0) or 0.0
    more = of(1, ranks) if ranks > 1 and counts and watched.served.rank_label else None
    if more is not None and more - added < ranks * (one - added) * (1 - 1e-9):
        sentence = f"a replica has {ranks} data-parallel ranks with series of their own, of which this counts one"
        fix = f"sum over {watched.served.rank_label} before anything else"
        yield found("L13", trigger.document, place, sentence, fix)


SOONEST_S: Final = 60.0
"""A replica loads for a minute and more: giving one back sooner than that after it was wanted cannot pay."""


# --- behaviour ---


def _haste(scaler: Scaler, watched: Watched | None) -> Iterator[Finding]:
    """Yield that replicas are given back sooner than a new one could serve."""
    from agent.lint.behaviour import down_window

    plan = watched.plan if watched else None
    window = down_window(scaler)
    needed = plan.autoscaling.reaction_time_s if plan else SOONEST_S
    if window is not None and window[1] < needed:
        takes = f"takes {show_seconds(needed)}" if plan else "loads for minutes"
        sentence = f"replicas go {window[1]:g} s after they were last wanted, and a new one {takes}"
        fix = f"stabilizationWindowSeconds: {plan.autoscaling.scale_down_window_s if plan else 300:.0f}"
        yield found("L8", scaler.document, window[0], sentence, fix)


def _behaviour(scaler: Scaler, watched: Watched) -> Iterator[Finding]:
    from agent.lint.behaviour import day, down_window, first_ask, flaps_allowed, known, rests

    if not scaler.triggers:
        return
    first_query = scaler.triggers[0].query
    place = first_query.path if first_query else scaler.triggers[0].path
    late = "it rises only when the batch or the KV pool is full, one start of a replica too late"
    if not watched.curve:
        roles = [
            one.role
            for trigger in scaler.triggers
            for selector in (trigger.query.selectors if trigger.query else ())
            for one in watched.metrics_named(selector)
        ]
        if roles and set(roles) <= WAITS and all(trigger.query for trigger in scaler.triggers):
            fix = "scale on requests running and waiting, and keep the queue as a guard"
            yield found("L8", scaler.document, place, f"who waits is all that scales: {late}", fix)
        return
    if not known(watched, scaler):
        return
    plan = watched.plan
    replicas = min(plan.fleet.working_replicas if plan else 4, (scaler.most or 10**6) - 1)
    if replicas >= 1:
        first = first_ask(watched, scaler, replicas)
        if first is None and not any(late_thresholds(scaler, watched)):
            end = watched.curve[-1].requests_per_s
            sentence = f"no trigger fires up to {end:.3g} requests/s a replica, near saturation: {late}"
            yield found("L8", scaler.document, place, sentence, threshold_fix(plan))
    if not rests(watched, scaler):
        sentence = "it asks for more than its minimum with nobody there"
        yield found("L8", scaler.document, place, sentence, "raise the threshold, or the minimum")
    run = day(watched, scaler)
    if run is not None and plan is not None and run.flaps > flaps_allowed(plan):
        shape = "day" if len(demand_of(plan.spec.traffic).hourly) == 24 else "week"
        sentence = (
            f"on the plan's simulated {shape} replicas are asked back {run.flaps} times soon after they were given back"
        )
        fix = f"scaleDown.stabilizationWindowSeconds: {plan.autoscaling.scale_down_window_s:.0f}"
        window = down_window(scaler)
        yield found("L8", scaler.document, window[0] if window else place, sentence, fix)


# --- probes and paths ---


def _probes(document: Document, watched: Watched | None) -> Iterator[Finding]:
    needed = start_s(watched.plan) if watched and watched.plan else None
    for path, value in document.walk():
        if isinstance(value, dict) and "image" in value and "livenessProbe" in value and "startupProbe" not in value:
            waits = _waited(value["livenessProbe"])
            if needed is None or waits < needed:
                sentence = f"no startup probe: the liveness probe ends the container after {show_seconds(waits)}"
                takes = "the weights may load for minutes"
                start = takes if needed is None else f"a start takes {show_seconds(needed)}"
                fix = "a startupProbe that outlasts the load of the weights"
                yield found("L12", document, (*path, "livenessProbe"), f"{sentence}, and {start}", fix)
        if path and path[-1] == "startupProbe" and isinstance(value, dict) and needed is not None:
            waits = _waited(value)
            if waits < needed:
                sentence = f"the startup probe waits {show_seconds(waits)}, and a start takes {show_seconds(needed)}"
                period = value.get("periodSeconds", 10)
                times = 2 * needed / (period if isinstance(period, int | float) and period > 0 else 10)
                yield found("L12", document, path, sentence, f"failureThreshold: {ceil(times)}")
    yield from _chart_probe(document, needed)


def _chart_probe(document: Document, needed: float | None) -> Iterator[Finding]:
    """Yield that values of production-stack leave its own startup probe, where that is too short."""
    place: Path = ("servingEngineSpec",)
    values = document.table(place)
    bare = "modelSpec" in values and "startupProbe" not in values
    if bare and needed is not None and needed > CHART_STARTUP_S:
        sentence = f"the chart's startup probe waits {CHART_STARTUP_S:.0f} s, and a start takes {show_seconds(needed)}"
        yield found("L12", document, place, sentence, "set servingEngineSpec.startupProbe")


def _waited(probe: Any) -> float:
    fields = probe if isinstance(probe, dict) else {}

    def number(name: str, default: float) -> float:
        value = fields.get(name, default)
        return float(value) if isinstance(value, int | float) else default

    return number("initialDelaySeconds", 0) + number("periodSeconds", 10) * number("failureThreshold", 3)


def _paths(document: Document, watched: Watched) -> Iterator[Finding]:
    """Yield scrapes of another page than the runtime's metrics."""
    right = watched.served.metrics_path
    for path, value in document.walk():
        if not path or not isinstance(value, str):
            continue
        scrape = path[-1] == "path" and any(
            step in ("podMetricsEndpoints", "endpoints", "podmonitor", "metricsSources") for step in path
        )
        if (scrape or path[-1] == "prometheus.io/path") and value.strip("/") != right.strip("/"):
            sentence = f"{watched.served.name}'s metrics are at {right}, not at {value}"
            yield found("L6", document, path, sentence, f"path: {right}")
