"""Replicas that are taken out on purpose: what a rolling update, a canary or a drain takes, and for how long."""

import re
from math import ceil
from typing import Final

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.load import NODES
from agent.after_plan.replies.running.held import left_after
from agent.after_plan.sums import Explanation
from agent.after_plan.wording.rates import peak_rate
from agent.report.blocks import Column, Table
from agent.report.words import accelerators_noun, calls_shown, singular
from catalogs.units import SECONDS_PER_HOUR, show_count, show_figure, show_percent, show_seconds, show_usd
from engine.fleet.offers import instances_for
from engine.plan import CapacityPlan
from engine.planning.outage import start_s
from engine.planning.phrases import counted

_CANARY: Final = r"canar\w+|shadow\w*|a/b|split test|(?:per ?cent|%) of (?:the )?(?:users|traffic|requests)"
_SHARE: Final = re.compile(r"(\d+(?:\.\d+)?) ?(?:%|per ?cent)")
_USUAL_SHARE: Final = 0.05
"""Of the traffic, for a canary of which no share is said: an example."""
_BEYOND: Final = 20
"""Requests beyond a percentile that show where it lies: fewer leave it within a quarter either way (1/√20)."""


def rollout(asked: Asked) -> Explanation:
    """Return what an update, a canary or a drain takes beside the fleet, for how long, and what is carried then."""
    plan = asked.plan
    start = start_s(plan.autoscaling)
    if asked.has(_CANARY):
        return paragraphs(*_canary(asked, start))
    replicas = _drained(asked)
    what = (
        f"All {replicas} replicas are replaced"
        if replicas == plan.fleet.replicas
        else f"What the node holds, {replicas} of {plan.fleet.replicas} replicas, is started elsewhere"
    )
    lead = (
        f"A replica is up {show_seconds(start)} after it is begun on a new node, less where the node and its image"
        f" stand ready. {what}; requests in flight finish where the grace period is longer than an answer."
    )
    ways = [("a new one first, one by one", 1, replicas * start), ("all of them at once", replicas, start)]
    columns = (Column("way", wraps=True), *Column.figures(f"{accelerators_noun(plan.chosen, 2)} more", "for", "costs"))
    rows = tuple(
        (
            way,
            show_count(more * plan.chosen.accelerators_per_replica),
            show_seconds(seconds),
            _cost(plan, more, seconds),
        )
        for way, more, seconds in dict.fromkeys(ways)
    )
    spare = (
        f"Its {counted(plan.fleet.spares, 'spare')} can be the one that is out: nothing more"
        " is needed, and for that long nothing else may fail."
        if plan.fleet.spares
        else ""
    )
    without = f"With nothing more, one at a time: {left_after(asked, plan.fleet.replicas - 1)}"
    how = (
        "In Kubernetes the first is 'maxSurge: 1, maxUnavailable: 0', or a surge replica before a drain. A failure"
        " comes unannounced: its requests are lost, and nothing new has been started."
    )
    return *paragraphs(singular(lead)), Table(columns, rows), *paragraphs(spare, without, how)


def _drained(asked: Asked) -> int:
    """Return the replicas that are replaced: those of a node where the line drains one, else all."""
    plan = asked.plan
    if not (asked.has("drain\\w*|cordon\\w*|maintenance|reboot\\w*|patch\\w*") and asked.has(f"{NODES}|drain\\w*")):
        return plan.fleet.replicas
    size, offer = plan.chosen.accelerators_per_replica, plan.chosen.offer
    return min(
        plan.fleet.replicas, max(1, (offer.accelerators if offer else size) // size) * (asked.count_of(NODES) or 1)
    )


def _cost(plan: CapacityPlan, more: int, seconds: float) -> str:
    offer = plan.chosen.offer
    if offer is None:
        return "no price"
    size, now = plan.chosen.accelerators_per_replica, plan.fleet.replicas
    instances = instances_for(now + more, size, offer.accelerators) - instances_for(now, size, offer.accelerators)
    if not instances:
        return "nothing: fits billed ones"
    return show_usd(instances * offer.usd_per_hour * seconds / SECONDS_PER_HOUR)


def _canary(asked: Asked, start: float) -> tuple[str, ...]:
    """Say how many replicas a share of the traffic takes, and how long it has to run until its tail is seen."""
    plan, peak, match = asked.plan, peak_rate(asked.plan), _SHARE.search(asked.words)
    share = min(1.0, float(match[1]) / 100) if match else _USUAL_SHARE
    if not peak or not share:
        return ("The load has no rate of which a canary could take a share: state one, such as '10 rps'.",)
    each, size = plan.replica_capacity.requests_per_s, plan.chosen.accelerators_per_replica
    replicas, rate = ceil(share * peak / each - 1e-9), share * peak
    noun = accelerators_noun(plan.chosen, replicas * size)
    lead = (
        f"A canary of {show_percent(share)}{'' if match else ', as an example,'} gets {calls_shown(plan, rate)} of the"
        f" {calls_shown(plan, peak)} of the busiest hour: {counted(replicas, 'replica')},"
        f" {replicas * size} {noun} beside the fleet, {show_percent(rate / (replicas * each))} loaded. It serves"
        f" {show_seconds(start)} after it is begun on a new node."
    )
    mean = share * (plan.spec.traffic.requests_per_s or 0) * plan.spec.traffic.calls_per_request
    seen = _BEYOND / 0.05
    watch = (
        f"{show_figure(seen)} requests show its p95 ({_BEYOND} of them lie beyond), which takes"
        f" {show_seconds(seen / mean)} at the mean rate; p99 takes five times as many. Beside a load that is lighter"
        " than the fleet's it looks faster than the fleet will be."
    )
    hourly = _cost(plan, replicas, SECONDS_PER_HOUR)
    cost = f"It costs {hourly} an hour." if hourly.startswith("$") else ""
    rest = left_after(asked, plan.fleet.replicas - 1)
    return lead, watch, cost, f"In place of one of the {plan.fleet.replicas} it takes nothing more: {rest}"
