"""What could undo a plan: one list of what it knows against itself, the heaviest first."""

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.sums import Explanation
from agent.after_plan.wording.rates import carried_rate, peak_rate
from agent.report.blocks import Bullets
from agent.report.plan.bands import fleet_sentence, measure_sentence
from agent.report.words import accelerators_noun, joined, usd_shown
from catalogs.units import show_percent, show_rate, show_seconds, show_usd
from engine.fleet.offers import origin
from engine.plan import CapacityPlan

_MOST_ASSUMPTIONS = 2
"""Of those that nobody stated, the ones that move the count most: the first of the plan's own order."""


def weak_points(asked: Asked) -> Explanation:
    """Return what gives way first, how unsure the forecast is, what one failure does, and what rests on a guess."""
    plan = asked.plan
    first = (_targets(plan), _limit(plan), _forecast(plan), _failure(plan), _price(plan))
    points = tuple(filter(None, (*first, *_guesses(plan), _growth(plan))))
    more = (
        "Each can be asked: 'what breaks first', 'how sure are you', 'what happens if one node fails', 'what did you"
        " assume'."
    )
    return (Bullets(points, "What could undo this plan, the nearest first:"), *paragraphs(more))


def _targets(plan: CapacityPlan) -> str:
    if not plan.targets:
        return "no target was stated: nothing says when it is too slow"
    missed = [result for result in plan.targets if not result.met]
    return f"targets are missed as it stands: {len(missed)} of {len(plan.targets)}" if missed else ""


def _limit(plan: CapacityPlan) -> str:
    answer, peak = plan.answer, peak_rate(plan)
    room = f", {show_percent(max(0.0, carried_rate(plan) / peak - 1))} above the planned peak" if peak else ""
    return f"the limit: {answer.breaks_first} gives way first, at {show_rate(answer.holds_to_requests_per_s)}{room}"


def _forecast(plan: CapacityPlan) -> str:
    bands = plan.bands
    if bands is None:
        return "the forecast: no errors were measured on cases like this one; measure before you buy"
    met = (
        ""
        if bands.chance_of_meeting is None
        else f"the targets hold in {round(100 * bands.chance_of_meeting)} of 100 such plans"
    )
    doubt = measure_sentence(plan).rstrip(".") or (bands.note or "").rstrip(".")
    return f"the forecast: {'; '.join(filter(None, (met, fleet_sentence(plan), doubt)))}"


def _failure(plan: CapacityPlan) -> str:
    outage = plan.outage
    if outage is None:
        return (
            "failures: the loss of one replica is borne; of a zone nothing is known, since nobody said where they stand"
        )
    what = (
        "all replicas stand on one node: its loss stops everything"
        if outage.stops_everything
        else "without one replica the targets do not hold at the peak"
    )
    more = outage.spare_monthly_usd
    adds = "nothing to the bill, as whole instances are billed" if more == 0 else f"{usd_shown(more)} a month"
    spare = f"; N+1 adds {adds}" if more is not None else ""
    return (
        f"failures: {what}, for {show_seconds(outage.lost_node_s)} until another node serves{spare}; no zone was named"
    )


def _price(plan: CapacityPlan) -> str:
    offer = plan.chosen.offer
    if offer is None:
        return "the price: none is known"
    if offer.provider in ("owned", "own price"):
        return ""
    doubts = joined(
        f"no price is known in {offer.stands_in_for}" if offer.stands_in_for else "",
        "spot capacity may be taken back at short notice" if offer.term == "spot" else "",
        "recalled, not looked up" if "from memory" in offer.source else "",
        f"looked at on {offer.checked}" if offer.checked else "",
    )
    idle = plan.fleet.billed_accelerators - plan.fleet.accelerators
    unused = (
        f"; {idle} of {plan.fleet.billed_accelerators} billed {accelerators_noun(plan.chosen)} run nothing"
        if idle > 0
        else ""
    )
    hourly = f"{show_usd(offer.usd_per_hour)} an hour per {offer.instance}"
    return f"the price: {hourly} is of {origin(offer)}, {doubts}{unused}"


def _guesses(plan: CapacityPlan) -> tuple[str, ...]:
    moving = [assumption for assumption in plan.assumptions if assumption.moves_plan]
    return tuple(
        f"nobody said it: {assumption.text.rstrip('.')} ({assumption.effect.rstrip('.')})"
        for assumption in moving[:_MOST_ASSUMPTIONS]
    )


def _growth(plan: CapacityPlan) -> str:
    return (
        ""
        if plan.spec.traffic.growth_per_year
        else "growth: none was stated; 'when is it too small at 40% growth a year'"
    )
