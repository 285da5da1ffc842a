"""What the autoscaler is set to, and what following the load saves."""

import re
from math import ceil
from typing import Final

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.sums import Explanation
from agent.after_plan.wording.day_parts import night_rate
from agent.after_plan.wording.rates import peak_rate, replicas_at
from agent.report.blocks import Facts
from agent.report.words import accelerators_noun
from catalogs.units import TERM_WORDS, show_figure, show_percent, show_rate, show_seconds, show_usd
from engine.fleet.offers import COMMITTED
from engine.plan import CapacityPlan
from engine.planning.outage import start_s
from engine.planning.phrases import counted

_PAYS: Final = (
    r"worth|save|saves|saving|saved|pay off|pays?|bring|brings|gain|lose|without|switch(?:ed)? (?:it )?off|"
    r"turn(?:ed)? off|shut(?:ting)? down|spart|économis\w*|ahorr\w*"
)


_STEPS: Final = re.compile(r"\bfrom (\d{1,3}) (?:replicas? |pods? )?to (\d{1,3})(?: replicas?| pods?)?\b")


def _at_once(plan: CapacityPlan, few: int, many: int, asked: Asked) -> str:
    """Return how long it takes from some replicas to more, which start together, and when to start them for a clock."""
    react_s = plan.autoscaling.reaction_time_s
    start = start_s(plan.autoscaling)
    clock = re.search(r"\b(?:at|by|before) (\d{1,2}):(\d\d)\b", asked.words)
    by = ""
    if clock:
        minutes = (int(clock[1]) * 60 + int(clock[2]) - ceil(start / 60)) % 1440
        by = f" To have them at {clock[1]}:{clock[2]} raise the minimum at {minutes // 60}:{minutes % 60:02}."
    gpus = (many - few) * plan.chosen.accelerators_per_replica
    return (
        f"From {few} to {many} replicas takes {show_seconds(react_s)} after a rise is seen, {show_seconds(start)}"
        f" from a schedule: the {many - few} start together, where the provider has {gpus}"
        f" {accelerators_noun(plan.chosen)} for you at that minute, which is not known here.{by}"
    )


def autoscaler(asked: Asked) -> Explanation:
    """Return what the autoscaler is set to, and what it saves."""
    plan, scaling = asked.plan, asked.plan.autoscaling
    fleet = plan.fleet
    lead = (
        f"Scale on requests in flight: {show_figure(scaling.target_in_flight_per_replica)} a replica, between "
        f"{fleet.minimum_replicas} and {fleet.maximum_replicas} replicas, and give back after "
        f"{show_seconds(scaling.scale_down_window_s)} of less."
    )
    cost = plan.cost
    saved = ""
    if plan.spec.money.term in COMMITTED:
        saved = f"The bill stays: what is {TERM_WORDS[plan.spec.money.term]} is owed at every hour."
    elif cost.autoscaled_monthly_usd is not None and cost.monthly_usd:
        saved = (
            f"The autoscaler takes the bill from {show_usd(cost.monthly_usd)} to"
            f" {show_usd(cost.autoscaled_monthly_usd)} a month,"
            f" {show_usd(cost.monthly_usd - cost.autoscaled_monthly_usd)} less than always on."
        )
    shape = next((one.text for one in plan.assumptions if "over the day" in one.text), "")
    rests = f"It rests on the day's shape: {shape.partition('like this: ')[2] or 'as you gave it'}." if saved else ""
    zero = (
        f"To scale to zero, the first request would wait {show_seconds(scaling.reaction_time_s)} for a replica to"
        f" start: this plan keeps {fleet.minimum_replicas} at night."
        if asked.has("zero|night|nights|weekend|weekends|off")
        else ""
    )
    if night := night_rate(asked.text):
        calls = plan.spec.traffic.calls_per_request
        takes = max(1, replicas_at(plan, night * calls))
        gpus = takes * plan.chosen.accelerators_per_replica
        zero = (
            f"At night {show_rate(night)} take {counted(takes, 'replica')}, {gpus}"
            f" {accelerators_noun(plan.chosen)}, in place of {fleet.replicas}; the busiest hour stays as it is. The"
            f" bill is by the day's shape above: '{show_figure(peak / calls if (peak := peak_rate(plan)) else night)}"
            f" rps by day, {show_figure(night)} rps at night' plans a day with your night. {zero}"
        )
    facts = Facts(
        (
            ("in flight a replica", show_figure(scaling.target_in_flight_per_replica)),
            ("or requests/s a replica", show_figure(scaling.rps_per_replica)),
            ("or waiting requests", show_figure(scaling.queue_length)),
            ("not on GPU utilisation", f"it shows {show_percent(scaling.gpu_utilisation)} long before targets break"),
            ("reaction time", show_seconds(scaling.reaction_time_s)),
        )
    )
    ramp = (
        f"A rise is followed after {show_seconds(scaling.reaction_time_s)}; in that time demand of this shape grows by"
        f" at most {show_percent(scaling.growth_within_reaction - 1)} at 95 of 100 moments, for which the target leaves"
        " room. A steeper rush at a known hour needs its replicas before: raise the minimum by a schedule."
        if asked.has(
            r"keeps? up|ramp|rush|morning|logs? in|quick enough|jump|o'clock|at \d+|fast enough|how fast|how long"
        )
        else ""
    )
    if steps := _STEPS.search(asked.figures):
        ramp = f"{_at_once(plan, int(steps[1]), int(steps[2]), asked)} {ramp}"
    saved = " ".join(filter(None, (saved, rests)))
    first = (ramp, saved, lead) if ramp or asked.has(_PAYS) else (lead, saved)
    return (*paragraphs(*((zero, *first) if night else (*first, zero))), facts, *paragraphs(*scaling.warnings))
