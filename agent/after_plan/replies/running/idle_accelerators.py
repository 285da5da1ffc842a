"""Accelerators that whole instances bill beyond those that run: what they are, and what they would carry."""

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.billed import billed, room_billed
from agent.after_plan.sums import Explanation
from agent.report.words import accelerators_noun, singular, usd_shown
from catalogs.units import HOURS_PER_MONTH


def idle_accelerators(asked: Asked) -> Explanation:
    """Return why more accelerators are billed than run, what the others cost, and what they could do."""
    plan, offer = asked.plan, asked.plan.chosen.offer
    fleet, noun = plan.fleet, accelerators_noun(plan.chosen)
    idle = fleet.billed_accelerators - fleet.accelerators
    if offer is None:
        return paragraphs("No price is known, so that none is billed but those that run.")
    if idle <= 0:
        return paragraphs(
            f"Nothing is left over: all {fleet.billed_accelerators} billed {noun} run a replica. How busy they are:"
            " 'how busy are the GPUs'."
        )
    usd = offer.usd_per_hour / offer.accelerators * HOURS_PER_MONTH * idle
    lead = singular(
        f"{fleet.billed_accelerators} {noun} are billed, {fleet.instances} × {offer.instance} of {offer.accelerators}"
        f" each, and {fleet.accelerators} run: the other {idle} take {usd_shown(usd)} of the bill a month."
    )
    few = "" if billed(plan) else f"They are too few for a replica of {plan.chosen.accelerators_per_replica}."
    return paragraphs(
        lead, room_billed(plan), few, "Another use: a second workload beside it, 'and a second workload: …'."
    )
