"""A plan at its ends: nobody there, one request alone, a short burst."""

import re
from typing import Final

from agent.after_plan.multiples import factor_in
from agent.after_plan.replies.asked import LIMITS, LOAD, Asked, paragraphs, stated_s
from agent.after_plan.replies.billed import Resized
from agent.after_plan.replies.bills.hours import hours, names_hours
from agent.after_plan.replies.running.held import slower
from agent.after_plan.sums import Explanation
from agent.after_plan.wording.rates import carried_rate, peak_rate, replicas_at
from agent.interpret.traffic.peaks import mean_follows
from agent.report.blocks import Column, Table
from agent.report.words import accelerators_noun, calls_shown, singular
from catalogs.units import HOURS_PER_MONTH, show_count, show_figure, show_percent, show_rate, show_seconds, show_usd
from engine.plan import CapacityPlan, split_shown

_ALONE_RPS: Final = 1e-4
"""A rate at which requests do not meet: one in three hours, of seconds each."""
_RATE: Final = re.compile(
    r"(\d[\d,]*(?:\.\d+)?) ?(?:rps|qps|req/s|(?:requests?|calls|queries) ?(?:/|per|a) ?s(?:ec(?:ond)?)?\b)"
)
_WIDTHS: Final = (1, 2, 4, 8)
"""Accelerators that a layer is split over, within a node."""


_SPELLS: Final = (
    ("month", r"months|monate|mois|meses", HOURS_PER_MONTH), ("fortnight", "fortnights?", 336.0),
    ("week", r"weeks?|wochen?|semaines?|semanas?", 168.0), ("weekend", "week-?ends?", 48.0),
    ("day", r"days?|tage?|jours?|d[íi]as?|(?:satur|sun|christmas |holi)days?|sundays?", 24.0),
)  # fmt: skip
"""Times in which nobody comes: how they are said, and their hours."""


def idle(asked: Asked) -> Explanation:
    """Return what the plan costs while nobody uses it: always on, with the autoscaler, and scaled to zero."""
    plan = asked.plan
    monthly, least = plan.cost.monthly_usd, plan.cost.minimum_monthly_usd
    if monthly is None or names_hours(asked.words):
        return hours(asked)
    lead = (
        f"Always on, the same as at the peak: {show_usd(monthly / HOURS_PER_MONTH)} an hour, {show_usd(monthly)} a "
        "month; rented machines cost what they cost, whether anyone asks or not."
    )
    scaled = ""
    if least is not None and least < monthly:
        scaled = (
            f"With the autoscaler {plan.fleet.minimum_replicas} of {plan.fleet.replicas} replicas stay on: "
            f"{show_usd(least / HOURS_PER_MONTH)} an hour, {show_usd(least)} for a month in which nobody comes."
        )
    elif least is not None:
        scaled = "An autoscaler saves nothing here: the smallest fleet is the whole one."
    zero = (
        f"Scaled to zero it costs nothing, and the first request waits {show_seconds(plan.autoscaling.reaction_time_s)}"
        " for a replica to start."
    )
    spell = next(((n, unit, h) for unit, words, h in _SPELLS if (n := asked.count_of(words) or asked.has(words))), None)
    if spell:
        count, unit, each_h = spell
        spent = [usd * count * each_h / HOURS_PER_MONTH for usd in (monthly, least) if usd is not None]
        scaled += f" That is {' and '.join(map(show_usd, spent))} for {int(count)} {unit}{'s' if count > 1 else ''}."
    share = plan.cost.idle_share
    now = (
        f"At the planned load {show_percent(share)} of the bill, {show_usd(share * monthly)} a month, pays for capacity"
        " that serves nobody."
        if share
        else ""
    )
    return paragraphs(lead, scaled, zero, now)


def spike(asked: Asked) -> Explanation:
    """Return whether the fleet carries a short burst, and what that would take and cost by the hour."""
    plan, peak = asked.plan, peak_rate(asked.plan)
    mean = plan.spec.traffic.requests_per_s
    if not peak or not mean:
        return paragraphs("The load has no rate that could rise: state one, such as '10 rps'.")
    within = carried_rate(plan)
    served = plan.replica_capacity.saturated_requests_per_s * plan.fleet.working_replicas
    calls = plan.spec.traffic.calls_per_request
    room = (
        f"Within the targets the fleet carries {calls_shown(plan, within)}:"
        f" {show_figure(within / calls / mean)} × the mean, "
        f"{show_figure(within / peak)} × the busiest hour. Saturated, with queues, it does {calls_shown(plan, served)}."
    )
    stated = _RATE.search(asked.words)
    rate = float(stated[1].replace(",", "")) if stated else None
    times = None if rate else factor_in(asked.words)
    if not rate and (times is None or times <= 1):
        return paragraphs(room, "How large is the burst? Ask 'can it take five times the load for an hour'.")
    at_peak = mean_follows(asked.values)  # who gave the busiest hour's rate means a multiple of it
    base = mean * plan.spec.traffic.peak_factor if at_peak else mean
    burst = (rate or base * (times or 1.0)) * calls
    read = f"{show_figure(times)} × the {'peak' if at_peak else 'mean'} of {show_rate(base)}" if times else "The burst"
    verdict = (
        "it holds within the targets"
        if burst <= within * (1 + 1e-6)
        else "it is served, but beyond the targets"
        if burst < served
        else f"it does not hold: queues grow by {calls_shown(plan, burst - served)} while it lasts, or load is shed"
    )
    needed = replicas_at(plan, burst)
    more = needed - plan.fleet.working_replicas
    size = plan.chosen.accelerators_per_replica
    takes = ""
    if more > 0:
        now, then = (Resized(plan, plan.fleet.replicas + count).monthly_usd for count in (0, more))
        hourly = None if now is None or then is None else (then - now) / HOURS_PER_MONTH
        free = ", on accelerators that are billed already"
        price = "" if hourly is None else f", {show_usd(hourly)} for each hour that they run" if hourly else free
        takes = singular(
            f"To keep the targets it takes {needed} replicas, {more} more than today: {more * size} "
            f"{accelerators_noun(plan.chosen)}{price}."
        )
    early = (
        f"A new replica serves only {show_seconds(plan.autoscaling.reaction_time_s)} after the rise: start them before"
        " a burst that is known, hold them for one that is not."
        if more > 0
        else ""
    )
    tails = slower(plan, burst) if within < burst < served else ""
    if (lasts := _LASTS.search(asked.figures)) and burst > served:
        seconds = float(lasts[1]) * (3600.0 if lasts[2][0] == "h" else 60.0 if lasts[2][0] == "m" else 1.0)
        waiting, spare = seconds * (burst - served), served - mean * calls
        tails = f"After {lasts[0]} {show_count(round(waiting))} requests wait"
        tails += f"; at the mean load they are gone {show_seconds(waiting / spare)} later." if spare > 0 else "."
    return paragraphs(f"{read} is {calls_shown(plan, burst)}: {verdict}.", tails, takes, early, room)


_LASTS: Final = re.compile(r"\b(\d+(?:\.\d+)?) ?(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b(?! ?(?:a|per|/))")


def floor(asked: Asked) -> Explanation:
    """Return the latencies of one request alone on the plan's accelerator, by split: no fleet is faster."""
    plan, chosen = asked.plan, asked.plan.chosen
    rows, best = [], None
    for width in sorted({*_WIDTHS, chosen.tensor_parallel}):
        alone = _alone(asked, width)
        if alone is None:
            continue
        ttft, itl = alone.performance.at_mean.ttft_s, alone.performance.at_mean.itl_s.mean
        best = min(filter(None, (best, (ttft.p50, split_shown(alone.chosen)))))
        mine = ", the plan's" if width == chosen.tensor_parallel else ""
        e2e = alone.performance.at_mean.e2e_s.p50
        rows.append(
            (
                f"{split_shown(alone.chosen)}{mine}", show_seconds(ttft.p50), show_seconds(ttft.p95),
                show_seconds(itl), show_seconds(e2e),
            )
        )  # fmt: skip
    if best is None:
        return paragraphs(f"One request alone on {chosen.accelerator_name} cannot be reckoned.")
    tokens = plan.spec.tokens
    wanted = stated_s(asked.figures)
    verdict = "" if wanted is None else f"{show_seconds(wanted)}: {'yes' if best[0] <= wanted else 'no'}. "
    lead = (
        f"{verdict}{show_seconds(best[0])} is the shortest median TTFT on {chosen.accelerator_name}, with {best[1]}:"
        f" one request alone, nothing queued, {show_count(tokens.input.mean)} prompt tokens on average"
        + (f" of which {show_percent(tokens.prefix_hit)} are cached." if tokens.prefix_hit else ".")
    )
    columns = (
        Column("one request alone"),
        *(Column(name, "right") for name in ("TTFT p50", "TTFT p95", "ITL", "whole answer, p50")),
    )
    peak = plan.performance.at_peak.ttft_s
    text = (
        f"No number of replicas beats that: more of them shorten the wait alone, which is why the plan has"
        f" {show_seconds(peak.p50)} at the median and {show_seconds(peak.p95)} at p95 in the busiest hour. Shorter"
        " prompts, a prefix cache, a wider split or another accelerator lower it: 'how can I make it faster'."
    )
    return (*paragraphs(lead), Table(columns, tuple(rows)), *paragraphs(text))


def _alone(asked: Asked, width: int) -> CapacityPlan | None:
    """Return one replica of a split at next to no load; None where that does not fit."""
    chosen = asked.plan.chosen
    values = {
        "traffic.requests_per_s": _ALONE_RPS,
        "hardware.accelerators": (chosen.accelerator,),
        "serving.tensor_parallel": width,
        "serving.pipeline_parallel": 1,
        "precision.weights": chosen.precision.weights,
        "targets": (),
    }
    drops = LIMITS | LOAD | {"availability.spare_replicas", "money.monthly_budget_usd"}
    found = asked.tried(values, drops - set(values))
    return found if isinstance(found, CapacityPlan) else None
