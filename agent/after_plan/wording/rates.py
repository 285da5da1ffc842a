"""Rates of a plan in what it counts: a user's request may be several calls of the model, and replicas carry calls."""

from engine.fleet.size import replicas_for
from engine.plan import CapacityPlan


def peak_rate(plan: CapacityPlan) -> float | None:
    """Return the model calls a second of the busiest hour; None for a load without a rate."""
    return plan.spec.traffic.peak_calls_per_s


def carried_rate(plan: CapacityPlan) -> float:
    """Return the model calls a second that the fleet carries within its targets."""
    return plan.fleet.capacity_requests_per_s * plan.spec.traffic.calls_per_request


def replicas_at(plan: CapacityPlan, requests_per_s: float, each: float | None = None) -> int:
    """Return the replicas that carry so many model calls a second within the targets, at ``each`` where that is given.

    Spares and a least number of replicas are not counted.
    """
    return int(replicas_for(requests_per_s, each or plan.replica_capacity.requests_per_s))
