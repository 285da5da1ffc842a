"""What whole instances bill beyond the accelerators that run, and what that would carry."""

from msgspec import Struct

from agent.report.words import accelerators_noun, calls_shown, singular
from engine.fleet.offers import replicas_billed
from engine.plan import CapacityPlan


class Billed(Struct, frozen=True):
    """What the instances billed today would hold, where they hold more replicas than run."""

    replicas: int
    accelerators: int
    """Of those replicas."""
    requests_per_s: float
    """Within the targets, with as many spares as the plan has."""


def billed(plan: CapacityPlan) -> Billed | None:
    """Return what the billed instances would hold beyond what runs; None where nothing is left over for a replica."""
    size, replicas = plan.chosen.accelerators_per_replica, replicas_billed(plan.chosen, plan.fleet.replicas)
    if replicas <= plan.fleet.replicas:
        return None
    carried = (replicas - plan.fleet.spares) * plan.replica_capacity.requests_per_s
    return Billed(replicas, replicas * size, carried)


def room_billed(plan: CapacityPlan) -> str:
    """Return in a sentence what the billed accelerators would carry; empty where all that are billed run."""
    found = billed(plan)
    if found is None:
        return ""
    more = found.replicas - plan.fleet.replicas
    return singular(
        f"{plan.fleet.billed_accelerators} {accelerators_noun(plan.chosen)} are billed, since instances are whole:"
        f" {found.replicas} replicas on {found.accelerators} of them, {more} more than run, carry"
        f" {calls_shown(plan, found.requests_per_s)} at the same bill ('{found.replicas} replicas' plans them)."
    )
