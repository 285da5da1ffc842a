"""How requests are taken to arrive, and what many at the same instant would do."""

from math import ceil, exp
from typing import Final

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.figures.latencies import queue_shown
from agent.after_plan.sums import Explanation
from agent.after_plan.wording.rates import peak_rate
from agent.fields.demand import USERS
from agent.report.words import calls_shown, fleet_shown, singular
from catalogs.units import show_count, show_figure, show_percent, show_seconds
from engine.plan import CapacityPlan

_WHO: Final = (
    r"users?|people|ppl|persons?|requests?|prompts?|clients?|calls|customers?|colleagues|employees|messages|questions|queries|"
    r"students|nutzer|anfragen|leute|utilisateurs?|requêtes|personnes|usuarios|peticiones|personas"
)
_BURSTIER: Final = 2.0
"""A CV of arrivals at which the plan is tried beside its own. Judgement."""
_RARELY: Final = 5e-4
"""Share of seconds below which so many arrivals do not come by chance."""


def arrivals(asked: Asked) -> Explanation:
    """Return the process by which requests arrive in the plan, and what so many at once do to its fleet."""
    plan, cv = asked.plan, asked.plan.spec.traffic.burstiness
    peak = peak_rate(plan)
    if not peak:
        return paragraphs(
            "No rate was stated: a number in flight is held all the time, so that nothing arrives by chance."
        )
    process = (
        "Poisson arrivals are assumed: independent of each other, a CV of 1 between them"
        if cv == 1.0
        else f"Arrivals are assumed with a CV of {show_figure(cv)} between them; 1 is Poisson"
    )
    lead = (
        f"{process}, at {calls_shown(plan, peak)} in the busiest hour; TTFT and its percentiles hold the queue that"
        " this makes."
    )
    many = asked.count_of(_WHO)
    if not many and asked.has(r"every(?:one|body)|all|alle|tous|todos"):
        many = int(asked.state.base.values.get(USERS) or 0)
    burstier = "" if cv >= _BURSTIER else _burstier(asked)
    if many:
        return paragraphs(_at_once(plan, peak, many), lead, queue_shown(plan), burstier)
    ask = "Ask 'what if 20 users press enter in the same second' for a number."
    return paragraphs(lead, queue_shown(plan), burstier, ask)


def _at_once(plan: CapacityPlan, peak: float, many: int) -> str:
    """Return what so many requests at one instant do: their prompts are read by the replicas, one after another."""
    often, rate = _at_least(many, peak), calls_shown(plan, peak)
    usual = (
        f"By chance alone {show_percent(often)} of the busiest hour's seconds bring {many} or more: the plan's"
        " percentiles hold them."
        if often >= _RARELY
        else f"{many} within one second do not come by chance at {rate}: no percentile has them."
    )
    speed, replicas = plan.replica_capacity.prefill_tokens_per_s, plan.fleet.replicas
    if not speed:
        return usual
    tokens = ceil(many / replicas) * plan.spec.tokens.input.mean * (1 - plan.spec.tokens.prefix_hit)
    target = next((one for one in plan.targets if one.metric == "ttft"), None)
    verdict = ""
    if target:
        within = "within" if tokens / speed <= target.target_s else "beyond"
        verdict = f", {within} the {show_seconds(target.target_s)} of the target even where nothing else waits"
    return singular(
        f"{many} at the very same instant: each of {replicas} replicas has {ceil(many / replicas)},"
        f" {show_count(tokens)} prompt tokens at {show_count(speed)} tokens/s, the last has its first token after"
        f" {show_seconds(tokens / speed)}{verdict}. {usual}"
    )


def _at_least(many: int, rate: float) -> float:
    """Return how likely so many or more Poisson arrivals are in a second of a rate."""
    term = total = exp(-rate)
    for count in range(1, many):
        term *= rate / count
        total += term
    return max(0.0, 1.0 - total)


def _burstier(asked: Asked) -> str:
    """Return what the fleet would be at burstier arrivals."""
    other = asked.tried({"traffic.burstiness": _BURSTIER})
    if isinstance(other, str):
        return ""
    fleet = fleet_shown(other)
    ttft = show_seconds(other.peak_latency_s("ttft", "p95"))
    return f"Burstier, with a CV of {show_figure(_BURSTIER)} ('burstiness 2'), it would take {fleet}: TTFT p95 {ttft}."
