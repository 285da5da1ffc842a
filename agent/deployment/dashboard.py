"""A Grafana dashboard of a fleet, with the plan's lines drawn in."""

from collections.abc import Iterator, Sequence
from typing import Any

from agent.deployment.queries import Queries
from engine.workload import Metric

Tree = dict[str, Any]

HEIGHT = 8
WIDTH = 12
"""Of a panel: two in a row of Grafana's 24 columns."""


def dashboard(queries: Queries) -> Tree:
    """Return the dashboard as Grafana imports it; its data source is chosen where it is shown."""
    replica = queries.replica
    source = {"name": "source", "label": "Data source", "type": "datasource", "query": "prometheus"}
    panels = [
        panel
        | {
            "id": number + 1,
            "gridPos": {"h": HEIGHT, "w": WIDTH, "x": WIDTH * (number % 2), "y": HEIGHT * (number // 2)},
        }
        for number, panel in enumerate(_panels(queries))
    ]
    return {
        "uid": f"fleetcast-{replica.name}"[:40],
        "title": f"{replica.plan.chosen.model_name}: fleet and plan",
        "description": replica.plan.answer.sentence,
        "schemaVersion": 39,
        "editable": True,
        "time": {"from": "now-24h", "to": "now"},
        "refresh": "30s",
        "tags": ["fleetcast"],
        "templating": {"list": [source]},
        "panels": panels,
    }


def _panels(queries: Queries) -> Iterator[Tree]:
    plan = queries.replica.plan
    scaling, fleet, capacity = plan.autoscaling, plan.fleet, plan.replica_capacity
    replicas = fleet.working_replicas
    yield _panel(
        "Requests",
        "reqps",
        [("requests", queries.rate())],
        [
            ("plan: mean", plan.performance.at_mean.requests_per_s * replicas),
            ("plan: peak hour", plan.performance.at_peak.requests_per_s * replicas),
            (f"capacity of {fleet.most_replicas} replicas", capacity.requests_per_s * fleet.most_replicas),
        ],
    )
    yield _panel(
        "In flight",
        "short",
        [("in flight", queries.in_flight())],
        [
            ("plan: mean", plan.performance.at_mean.in_flight * replicas),
            ("plan: peak hour", plan.performance.at_peak.in_flight * replicas),
            ("scale-out target of today's fleet", scaling.target_in_flight_per_replica * replicas),
        ],
    )
    for latency in ("ttft", "itl", "e2e"):
        if queries.metric(latency) is not None:
            yield _latency_panel(queries, latency)
    if waiting := queries.waiting():
        guard = ("queue guard of today's fleet", scaling.queue_length * replicas)
        yield _panel("Waiting", "short", [("waiting", waiting)], [guard])
    if usage := queries.kv_cache_usage():
        lines = [("plan: peak hour", plan.performance.at_peak.kv_cache_usage), ("threshold", scaling.kv_cache_usage)]
        yield _panel("KV pool in use", "percentunit", [("mean of the pods", usage)], lines)
    if preempted := queries.preemptions():
        yield _panel("Preemptions", "ops", [("preemptions", preempted)], [])
    alive = queries.metric("running") or queries.needed("e2e")
    up = f"count(count by (pod) ({alive.series[-1]}{{{queries.labels}}}))"
    lines = [
        ("minimum", float(fleet.minimum_replicas)),
        ("peak hour", float(fleet.replicas)),
        ("maximum", float(fleet.most_replicas)),
    ]
    yield _panel("Replicas that answer", "short", [("replicas", up)], lines)


def _latency_panel(queries: Queries, latency: Metric) -> Tree:
    plan = queries.replica.plan
    forecast = getattr(plan.performance.at_peak, f"{latency}_s")
    lines = [("plan: p95 at the peak", forecast.p95)]
    if plan.bands is not None:
        lines.append(("high end of its band", getattr(plan.bands.performance.at_peak, f"{latency}_s").p95.high))
    lines += [(f"target: {target.name}", target.seconds) for target in plan.spec.targets if target.metric == latency]
    asked = [(name, queries.quantile(latency, name)) for name in ("p50", "p95", "p99")]
    title = {"ttft": "Time to first token", "itl": "Inter-token latency", "e2e": "Whole answers"}[latency]
    return _panel(title, "s", asked, lines)


def _panel(title: str, unit: str, queries: Sequence[tuple[str, str]], lines: Sequence[tuple[str, float]]) -> Tree:
    """Return a panel of time series.

    Args:
        unit: Grafana's name of it.
        lines: constants of the plan with their legends, each drawn as a series of its own so that it is named.
    """
    source = {"type": "prometheus", "uid": "${source}"}
    asked = [*queries, *((legend, f"vector({value:.6g})") for legend, value in lines)]
    return {
        "type": "timeseries",
        "title": title,
        "datasource": source,
        "fieldConfig": {
            "defaults": {"unit": unit, "min": 0},
            "overrides": [
                {
                    "matcher": {"id": "byName", "options": legend},
                    "properties": [{"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 8]}}],
                }
                for legend, _ in lines
            ],
        },
        "targets": [
            {"refId": chr(ord("A") + number), "datasource": source, "expr": expr, "legendFormat": legend}
            for number, (legend, expr) in enumerate(asked)
        ],
    }
