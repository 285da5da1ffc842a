"""Latencies of a plan at any percentile, what they are made of, and whether the targets are met."""

import re
from typing import Final

from msgspec.structs import replace

from agent.after_plan.replies.asked import Asked, paragraphs, stated_s
from agent.after_plan.replies.bills.budget import budget_before
from agent.after_plan.replies.choices.sketched import planned_for, targets_shown
from agent.after_plan.sums import Explanation, ttft_parts
from agent.report.blocks import Column, Table
from agent.report.choice.shortfalls import too_few
from agent.report.plan.opening import chance_shown
from agent.report.words import calls_shown, usd_shown
from catalogs.units import show_count, show_figure, show_rate, show_seconds, show_usd
from engine.plan import CapacityPlan, Latency
from engine.workload import Metric, Percentile, Target

WHOLE_ANSWER: Final = (
    "e2e|end to end|end-to-end|whole request|a request take|an answer take|response time|complete|full answer|"
    "(?:whole|entire) (?:answer|reply|text)|last (?:word|token)|finished"
)
_METRICS: Final = (
    ("ttft", "TTFT", "ttft|first token|queue|queueing|waiting|wait|prefill"),
    ("itl", "ITL", "itl|tpot|inter token|inter-token|per output token|between tokens|token gap"),
    ("e2e", "E2E", WHOLE_ANSWER),
)
_PERCENTILES: Final[tuple[Percentile, ...]] = ("p50", "p90", "p95", "p99")


def latency(asked: Asked) -> Explanation:
    """Return latencies at the peak, the percentile that is asked first."""
    plan = asked.plan
    metrics = [metric for metric in _METRICS if asked.has(metric[2])] or list(_METRICS)
    rare = asked.has(r"p99\.9+|p999+|thousand|99\.9")
    wanted = "p99" if rare else asked.percentile()
    refused = (
        "Beyond p99 nothing is forecast: that tail is the runtime's and the network's more than the load's. "
        if rare
        else ""
    )
    waits = f"{queue_shown(plan)} " if asked.has(r"queues?|queue?ing|wait(?:ing|s)?(?: time)?") else ""
    off_peak = asked.has("mean rate|off-peak|off peak|average load|at night|normal")
    at = plan.performance.at_mean if off_peak else plan.performance.at_peak
    named = tuple(dict.fromkeys(re.findall(r"\bp(?:50|90|95|99)\b", asked.words)))
    shown = "; ".join(
        f"{name} {part} is {show_seconds(getattr(_of(at, metric), part))}"
        for metric, name, _ in metrics
        for part in (named if len(named) > 1 else (wanted or "p95",))
    )
    lead = (
        f"{refused}{waits}{shown}, {'at the mean rate' if off_peak else 'in the busiest hour'}, measured at the server"
        " with queueing."
    )
    columns = (
        Column("at the mean rate" if off_peak else "at the peak"),
        *(Column(name, "right") for name in ("mean", *_PERCENTILES)),
    )
    rows = tuple(
        (name, *(show_seconds(getattr(_of(at, metric), part)) for part in ("mean", *_PERCENTILES)))
        for metric, name, _ in metrics
    )
    band = plan.bands.performance.at_peak if plan.bands else None
    doubt = ""
    if band and len(metrics) == 1 and not off_peak:
        ends = getattr(getattr(band, f"{metrics[0][0]}_s"), wanted or "p95")
        doubt = (
            f"In {plan.bands.level} of 100 cases like this the truth lies between {show_seconds(ends.low)} and"
            f" {show_seconds(ends.high)}."
            if plan.bands
            else ""
        )
    means = f"{_MEANS[metrics[0][0]]} {SERVER}" if len(metrics) == 1 and asked.has(_DEFINES) else ""
    if asked.has(_WHOSE):
        means = f"{_OVER_ALL} {SERVER}"
    whole = len(metrics) == 1 and metrics[0][0] == "e2e"
    if whole and plan.spec.tokens.output.mean > 1 and wanted not in ("p50", "mean"):
        mean = plan.performance.at_peak.e2e_s.mean
        lead += f" That is of the long answers: one of mean length takes some {show_seconds(mean)}."
    chain = _chain(asked)
    beyond = "" if chain else _beyond(asked, "e2e" if whole else "ttft")
    return (*paragraphs(chain, means, _stages(asked), lead, beyond), Table(columns, rows), *paragraphs(doubt))


_CALLS: Final = (
    r"steps?|calls?|hops?|turns?|llm calls?|requests?|schritte?n?|aufrufe?n?|étapes?|appels?|pasos?|llamadas?"
)


def _chain(asked: Asked) -> str:
    """Return how long calls take that follow each other, with the time between them that a line states."""
    counted = re.search(rf"\b(\d{{1,3}}) (?:\w+ )?(?:{_CALLS})\b", asked.figures)
    count = int(counted[1]) if counted else 0
    if count < 2 or not asked.has(
        r"tasks?|chain\w*|agents?|in a row|one after the other|between|loop\w*|aufgabe\w*|tâche"
    ):
        return ""
    plan, pause_s = asked.plan, stated_s(asked.figures) or 0.0
    each_s, rate = plan.performance.at_peak.e2e_s.mean, plan.spec.traffic.requests_per_s
    waits = f" and {count - 1} × {show_seconds(pause_s)} between them" if pause_s else ""
    tasks = (
        f" Where the rate counts these calls, {show_rate(rate)} are {show_figure(rate / count)} tasks/s."
        if rate
        else ""
    )
    return (
        f"{count} calls one after the other take {show_seconds(count * each_s + (count - 1) * pause_s)} on average in"
        f" the busiest hour: {count} × {show_seconds(each_s)} (E2E mean, {show_count(plan.spec.tokens.output.mean)}"
        f" tokens of answer){waits}.{tasks} 'fleetcast workflow' sizes a fleet by the time of whole tasks."
    )


_DEFINES: Final = (
    r"network\w*|includ\w+|definition|defined?|means?|what(?:'s| is) (?:a |an |the )?(?:ttft|itl|tpot|e2e)|stands? for"
)
_MEANS: Final = {
    "ttft": "TTFT is the time to the first token: the wait in the server's queue and the reading of the prompt.",
    "itl": "ITL is the time between two tokens of an answer.",
    "e2e": "E2E is the time to the last token of an answer.",
}
_WHOSE: Final = (
    r"(?:per|each|every|a single|within a) replica|fleet[- ]?wide|(?:whole|entire) fleet|client(?: side)?|over which"
)
_OVER_ALL: Final = "A percentile is over all requests of the fleet's busiest hour, of which each replica has its share."
SERVER: Final = "It is taken at the server: the network to the user is not in it, and comes on top."


def queue_shown(plan: CapacityPlan) -> str:
    """Return how many requests wait for their first step and how long, at the peak and where the targets end."""
    from agent.deployment.triggers import interpolated

    capacity, peak = plan.replica_capacity, plan.performance.at_peak.requests_per_s
    if not capacity.load_curve or not peak:
        return "The wait in the queue is not told apart from the prefill: both are in TTFT."
    now, most = (interpolated(capacity.load_curve, rate, "waiting") for rate in (peak, capacity.requests_per_s))
    limit = capacity.requests_per_s
    return (
        f"In the busiest hour {show_figure(now)} requests wait in a replica's queue on average,"
        f" {show_seconds(now / peak)} each before the prefill (Little); where the targets end, at"
        f" {calls_shown(plan, limit)} a replica, it is {show_figure(most)}, {show_seconds(most / limit)} each. Warn"
        f" from {show_figure(plan.autoscaling.queue_length)} waiting on."
    )


_MISSED: Final = r"miss\w*|too late|late|over the target|beyond the target|violat\w*"


def _beyond(asked: Asked, metric: Metric) -> str:
    """Return how many requests wait longer than a stated time for their first token, or for all of the answer."""
    limit_s, waits = stated_s(asked.figures), "for the whole answer" if metric == "e2e" else "for the first token"
    if limit_s is None and asked.has(_MISSED) and (own := [t for t in asked.plan.spec.targets if t.metric == "ttft"]):
        limit_s = own[0].seconds
    if limit_s is None:
        return ""
    latencies = {part: asked.plan.peak_latency_s(metric, part) for part in _PERCENTILES}
    within = [part for part, seconds in latencies.items() if seconds <= limit_s]
    if not within:
        return f"More than half wait longer than {show_seconds(limit_s)} {waits} in the busiest hour."
    share = 100 - int(within[-1].strip("p"))
    return (
        f"At most {share} of 100 wait longer than {show_seconds(limit_s)} {waits}: {within[-1]} is"
        f" {show_seconds(latencies[within[-1]])}."
    )


_MADE_OF: Final = (
    r"dominates?|made (?:of|up)|mak(?:es|ing) up|where do|go|com(?:es?|ing) from|parts?|share|contributes?|consists?|"
    r"compos\w+|split|break\w*(?: \w+)* (?:down|into|up)|breakdown|decompos\w+|mostly|mainly|how much of|besteht|"
    r"zusammen\w*|compone|décompos\w+"
)


def _stages(asked: Asked) -> str:
    """Return what a latency is made of, where that is asked."""
    if not asked.has(_MADE_OF):
        return ""
    plan = asked.plan
    itl = show_seconds(plan.performance.at_peak.itl_s.mean)
    return f"{ttft_parts(plan)} E2E is TTFT and {show_count(plan.spec.tokens.output.mean)} tokens at {itl}."


def _of(at: object, metric: str) -> Latency:
    return getattr(at, f"{metric}_s")


def meets(asked: Asked) -> Explanation:
    """Return whether targets and budget are kept, and by how much."""
    plan = asked.plan
    monthly = plan.cost.monthly_usd
    budget = plan.spec.money.monthly_budget_usd or (budget_before(asked) if asked.has("budget") else None)
    money = promised = ""
    if asked.has(r"(?:guarantee|promise|vouch)\w*"):
        promised = (
            f"A forecast guarantees nothing{chance_shown(plan)}; a load test on the machines shows it ('how do I test"
            " it')."
        )
    if budget and monthly is not None:
        over = "within" if monthly <= budget else "over"
        money = f"{show_usd(monthly)} a month is {over} the budget of {show_usd(budget)}."
    elif asked.has("budget"):
        money = f"No budget was stated; the bill is {usd_shown(monthly)} a month."
    stated, parts = asked.values.get("targets") or plan.spec.targets, re.findall(r"\bp(?:50|90|95|99)\b", asked.words)
    other = next((part for part in parts if all(one.percentile != part for one in stated)), "")
    named = asked.said("targets") or _at_time(asked, stated)
    if named := named or tuple(replace(one, percentile=other) for one in stated if other):
        return paragraphs(promised, *(_within(asked, target) for target in named), money)
    if not plan.targets:
        return paragraphs(
            "No latency target was stated, so that none can be missed: say 'with p95 TTFT under 1 s'.", money
        )
    columns = (Column("at the peak"), *Column.figures("forecast", "target", "room"), Column(""))
    rows = []
    for r in plan.targets:
        figures = (show_seconds(r.forecast_s), show_seconds(r.target_s), f"{1 - r.forecast_s / r.target_s:.0%}")
        rows.append((r.name, *figures, "met" if r.met else "missed"))
    tight = max(plan.targets, key=lambda r: r.forecast_s / r.target_s)
    met = "Yes: all targets are met in the busiest hour."
    if not plan.answer.meets_targets:
        met = too_few(plan) or "No: not all targets are met."
    share = (
        f"Over the replayed {plan.replay.shape}, {plan.replay.met:.1%} of requests were within them."
        if plan.replay
        else ""
    )
    return (
        *paragraphs(promised, f"{met} The tightest is {tight.name}.", money),
        Table(columns, tuple(rows)),
        *paragraphs(share),
    )


def _at_time(asked: Asked, stated: tuple[Target, ...]) -> tuple[Target, ...]:
    """Return the plan's first target at a time that a line names and the plan has not; nothing where it names none."""
    seconds = stated_s(asked.figures)
    if not seconds or not stated or any(one.seconds == seconds for one in stated):
        return ()
    return (replace(stated[0], seconds=seconds, percentile=asked.percentile() or stated[0].percentile),)


def _within(asked: Asked, target: Target) -> str:
    """Say whether the peak's forecast is within a target that a question names, and what it takes where it is not."""
    name = target.name
    forecast = asked.plan.peak_latency_s(target.metric, target.percentile)
    lead = f"{name} is {show_seconds(forecast)} in the busiest hour"
    if forecast <= target.seconds:
        return f"Yes: {lead}, within {show_seconds(target.seconds)}."
    takes = f"{planned_for(asked, (target,))} 'with {targets_shown((target,))}' plans it."
    return f"No: {lead}, beyond {show_seconds(target.seconds)}. {takes}"
