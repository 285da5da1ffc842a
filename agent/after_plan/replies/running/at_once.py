"""How many requests, and how many people, are there at once; and what a rate counts beside them."""

import re
from typing import Final

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.figures.latencies import queue_shown
from agent.after_plan.sums import FIGURES, Explanation
from agent.after_plan.wording.rates import peak_rate
from agent.report.words import calls_shown
from catalogs.units import show_count, show_figure, show_rate, show_seconds

_PEOPLE: Final = (
    r"people|persons?|users?|humans?|folks|colleagues|employees|leute|nutzer|personen|gens|personas|utilisateurs"
)
_PAUSES_S: Final = (10.0, 30.0, 60.0)
"""From an answer to the same person's next message: examples."""


def in_flight(asked: Asked) -> Explanation:
    """Return how many requests run and wait at once, in a replica and in all."""
    plan = asked.plan
    peak, mean = plan.performance.at_peak, plan.performance.at_mean
    replicas = plan.fleet.working_replicas
    lead = (
        f"{show_figure(peak.in_flight)} requests are in flight in one replica at the peak, {show_figure(peak.batch)} of"
        f" them decoding together; {show_figure(mean.in_flight)} at the mean rate. All {replicas} replicas:"
        f" {show_count(peak.in_flight * replicas)} at the peak."
    )
    queue = queue_shown(plan) if asked.has(r"queue\w*|wait\w*|warteschlange|attendre|file d'attente|cola") else ""
    waiting = f"The autoscaler is set to {show_figure(plan.autoscaling.target_in_flight_per_replica)} a replica."
    return (*paragraphs(queue, _people_at_once(asked), lead, waiting), *FIGURES["batch"](plan))


def _people_at_once(asked: Asked) -> str:
    """Return how many people chat at once for some pauses between an answer and the next message; empty if unasked."""
    plan, rate = asked.plan, asked.plan.spec.traffic.requests_per_s
    answered_s = plan.performance.at_peak.e2e_s.mean
    if not asked.has(_PEOPLE) or not rate or not answered_s:
        return ""
    within = plan.fleet.capacity_requests_per_s
    shown = ", ".join(f"{show_figure(within * (answered_s + pause))} with {show_seconds(pause)}" for pause in _PAUSES_S)
    return (
        "People at the same time are more than requests: who has an answer reads and types before the next. Of such"
        f" people the fleet takes about {shown} from an answer to the next message: {show_rate(within)} ×"
        f" ({show_seconds(answered_s)} for an answer + the pause)."
    )


_REPEATED: Final = r"retr(?:y|ies|ied)|repeats?|repeated|health ?checks?|duplicates?|wiederholungen"


def _without_retries(asked: Asked) -> str:
    """Return the rate of first tries, where a line says which part of the requests is repeated; else nothing."""
    share = re.search(r"(\d+(?:\.\d+)?) ?(?:%|percent|prozent)", asked.words)
    rate = asked.plan.spec.traffic.requests_per_s
    if share is None or not rate or not asked.has(_REPEATED):
        return ""
    part = float(share[1]) / 100
    on_top, within = rate / (1 + part), rate * (1 - part)
    return (
        f"With {share[1]} % on top of the first tries {show_rate(on_top)} are first ones, {show_rate(rate)} ÷"
        f" {1 + part:g}; if {share[1]} % of all are meant, {show_rate(within)}. A repeated request loads the fleet like"
        f" any other, so that the plan counts all; '{show_figure(on_top)} rps' plans without them."
    )


def rate_meaning(asked: Asked) -> Explanation:
    """Return what the plan's rate counts: what starts each second, beside what is in flight at once."""
    plan, peak, traffic = asked.plan, peak_rate(asked.plan), asked.plan.spec.traffic
    at_peak, replicas = plan.performance.at_peak, plan.fleet.working_replicas
    if not peak or not traffic.requests_per_s:
        return paragraphs(
            f"No rate was stated: {show_count(at_peak.in_flight * replicas)} are in flight, each client sends its next"
            f" when the last is done: {calls_shown(plan, at_peak.requests_per_s * replicas)} in the busiest hour, at"
            f" {show_seconds(at_peak.e2e_s.mean)} each."
        )
    calls = f" × {show_figure(traffic.calls_per_request)} calls each" if traffic.calls_per_request != 1 else ""
    mean = f"{show_rate(traffic.requests_per_s)} on average × {show_figure(traffic.peak_factor)}{calls}"
    return paragraphs(
        _without_retries(asked),
        f"It counts what starts each second: {calls_shown(plan, peak)} in the busiest hour, {mean}.",
        f"In flight at once are then {show_count(at_peak.in_flight * replicas)}: {calls_shown(plan, peak)} ×"
        f" {show_seconds(at_peak.in_flight * replicas / peak)} that each is there (Little's law).",
        "If you meant so many in flight at once, say '20 in flight': that is another plan.",
    )
