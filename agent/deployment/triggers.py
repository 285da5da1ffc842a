"""When a fleet scales, in autoscalers' words: triggers from the plan's thresholds, behaviour from its reaction."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import ceil
from typing import Any, Final

from msgspec import Struct

from agent.deployment.queries import Queries
from agent.deployment.replica import Replica
from agent.deployment.yaml_text import Noted
from catalogs.errors import InputError
from catalogs.units import show_figure, show_seconds
from engine.plan import LoadPoint

SERVER: Final = "http://prometheus-operated.monitoring.svc:9090"
"""The Prometheus operator's own Service, where it runs in a namespace called monitoring."""
LONGEST_PERIOD_S: Final = 1800
"""Of a policy, by the HPA's API."""
LONGEST_WINDOW_S: Final = 3600
"""Of stabilisation, by the HPA's API."""
FAILURES: Final = 3
"""Polls without an answer from which the fallback holds."""
EPP_PRODUCER: Final = "inflight-load-producer"
"""The endpoint picker's plugin that counts tokens: llm-d's guide to token-aware scaling."""


class Trigger(Struct, frozen=True):
    """A metric of the whole fleet, and how much of it one replica takes."""

    name: str
    query: str
    threshold: float
    why: str


def triggers_of(queries: Queries) -> list[Trigger]:
    """Return the triggers of a plan: the largest ask counts."""
    plan = queries.replica.plan
    scaling, spares = plan.autoscaling, plan.spec.availability.spare_replicas

    def trigger(name: str, query: str, field: str) -> Trigger:
        threshold = getattr(scaling, field)
        # What spares would take is added to what is there: they come on top of what the metric asks for.
        with_spares = f"({query}) + {spares * threshold:.6g}" if spares and field != "queue_length" else query
        return Trigger(name, with_spares, threshold, scaling.reasons.get(field, ""))

    found = [
        trigger("in-flight", queries.in_flight(), "target_in_flight_per_replica"),
        trigger("rate", queries.rate(), "rps_per_replica"),
    ]
    if waiting := queries.waiting():
        found.append(trigger("queue", waiting, "queue_length"))
    return found


def token_triggers(queries: Queries) -> list[Trigger]:
    """Return the triggers of llm-d's token-aware rule: seconds of prefill backlog, and full KV pools.

    replicas = ceil(queued tokens / V_P / (TTFT target − uncached prompt / V_P)), as its guide has it.

    Raises:
        InputError: the plan has no V_P or no TTFT target, or its prompt alone takes longer than that.
    """
    plan = queries.replica.plan
    rate = plan.replica_capacity.prefill_tokens_per_s
    targets = [target for target in plan.spec.targets if target.metric == "ttft"]
    if rate is None:
        raise InputError("this plan is of an older program and has no peak prefill rate; make it anew")
    if not targets:
        raise InputError(
            "the token-aware rule shares out a TTFT target, and this plan has none; plan with --ttft-p95 2s"
        )
    target = min(targets, key=lambda one: one.seconds)
    prompt = plan.spec.tokens.input.mean * (1 - plan.spec.tokens.prefix_hit)
    patience = target.seconds - prompt / rate
    if patience <= 0:
        raise InputError(
            f"a mean prompt alone takes {show_seconds(prompt / rate)}, longer than the TTFT target of "
            f"{show_seconds(target.seconds)}: no number of replicas helps"
        )
    metric = f'llm_d_epp_inflight_tokens{{namespace="{queries.namespace}",producer_name="{EPP_PRODUCER}"}}'
    why = f"TTFT {target.percentile} {target.seconds:g} s - {prompt:.4g} uncached tokens / V_P {rate:.6g} tokens/s"
    found = [Trigger("prefill-backlog-seconds", f"sum({metric}) / {rate:.6g}", patience, why)]
    if pods := queries.kv_cache_pods():
        why = plan.autoscaling.reasons.get("kv_cache_usage", "")
        found.append(Trigger("kv-cache-pods", pods, plan.autoscaling.kv_cache_usage, why))
    return found


def prefill_rate_shown(replica: Replica) -> str:
    """Return V_P with its band, as a comment says it."""
    plan = replica.plan
    rate = plan.replica_capacity.prefill_tokens_per_s
    band = plan.bands.replica_capacity.prefill_tokens_per_s if plan.bands else None
    if rate is None:
        return ""
    spread = f"; {show_figure(band.low)} to {show_figure(band.high)} is its band" if band else ""
    return f"V_P, peak prefill rate of a replica: {show_figure(rate)} tokens/s forecast{spread}; rather measure it."


def polling(replica: Replica) -> dict[str, Any]:
    """Return how often KEDA looks, what it does without an answer, and how fast its HPA may move."""
    plan = replica.plan
    blind = Noted(max(plan.fleet.replicas, plan.fleet.minimum_replicas), "the peak hour's, while nothing is known")
    return {
        "pollingInterval": max(round(plan.spec.scaling.poll_s), 1),
        "fallback": {"failureThreshold": FAILURES, "replicas": blind, "behavior": "currentReplicasIfHigher"},
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behaviour(replica)}},
    }


def keda_trigger(trigger: Trigger) -> dict[str, Any]:
    """Return a trigger of KEDA: every value of its metadata is a string."""
    return {
        "type": "prometheus",
        "name": trigger.name,
        "metricType": "AverageValue",
        "metadata": {
            "serverAddress": Noted(SERVER, "INPUT: your Prometheus"),
            "query": trigger.query,
            "threshold": Noted(f"{trigger.threshold:.6g}", trigger.why),
            "ignoreNullValues": Noted("false", "no series is a fault and goes to the fallback, not to 0"),
        },
    }


def replica_bounds(replica: Replica, least: str, most: str) -> dict[str, Any]:
    """Return the bounds of the fleet under the names that an autoscaler has for them."""
    fleet = replica.plan.fleet
    unit = f" of {replica.nodes} pods" if replica.nodes > 1 else ""
    return {
        least: Noted(fleet.minimum_replicas, f"replicas{unit} at the trough, spares included"),
        most: Noted(fleet.most_replicas, "peak, burst, growth and spares"),
    }


def behaviour(replica: Replica) -> dict[str, Any]:
    """Return an HPA's behaviour: up by what one reaction may bring, down when the plan's window has passed."""
    scaling = replica.plan.autoscaling
    grown = scaling.growth_within_reaction * replica.plan.spec.traffic.burst
    step = max(ceil(replica.plan.fleet.most_replicas * (1 - 1 / grown) - 1e-9), 1)
    period = min(max(ceil(scaling.reaction_time_s), 15), LONGEST_PERIOD_S)
    window = min(ceil(scaling.scale_down_window_s), LONGEST_WINDOW_S)
    added = {
        "type": "Pods",
        "value": Noted(step, f"demand grows up to {grown:.3g} times within a reaction; the default doubles every 15 s"),
        "periodSeconds": Noted(period, f"the reaction time: {scaling.reasons.get('reaction_time_s', '')}"),
    }
    return {
        "scaleUp": {"stabilizationWindowSeconds": 0, "policies": [added]},
        "scaleDown": {
            "stabilizationWindowSeconds": Noted(window, scaling.reasons.get("scale_down_window_s", "")),
            "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
        },
    }


def interpolated(curve: Sequence[LoadPoint], requests_per_s: float, field: str) -> float:
    """Return a figure of one replica at a load, straight between the points of its curve; 0 where it has none.

    Args:
        requests_per_s: of the replica.
        field: of ``LoadPoint``.
    """
    points = [(0.0, 0.0), *((point.requests_per_s, getattr(point, field)) for point in curve)]
    for (low, before), (high, after) in pairwise(points):
        if requests_per_s <= high:
            return float(before + (after - before) * (requests_per_s - low) / (high - low))
    return float(points[-1][1])


def bound_notes(replica: Replica) -> Iterator[str]:
    """Yield what a reader of the rule should know beside its figures."""
    yield from replica.plan.autoscaling.warnings
    if replica.plan.chosen.data_parallel > 1:
        yield f"Each replica has {replica.plan.chosen.data_parallel} data-parallel ranks, whose series are summed."
