"""A plan's replica at other loads than its own, and its fleet at other rates: what the curves of a report show."""

import numpy as np
from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.units import HOURS_PER_MONTH
from engine.fleet.offers import paid_accelerators
from engine.fleet.size import replica_counts
from engine.plan import CapacityPlan, Performance
from engine.planning.inverse import chosen_candidate, fleet_rate
from engine.replica.batches import batch_at_rate
from engine.replica.performance import performances

LOADS = (0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.68, 0.75, 0.81, 0.86, 0.9, 0.93, 0.95, 0.97)
"""Shares of the saturated rate: closer where waits rise."""
RATES = tuple(step / 20 for step in range(1, 41))
"""Multiples of the plan's mean rate."""


class FleetAt(Struct, frozen=True):
    """The fleet that a mean rate takes, of the plan's own replicas."""

    requests_per_s: float
    """Of users, on average."""
    replicas: int
    monthly_usd: float | None


def replica_at_loads(plan: CapacityPlan, catalog: Catalog) -> tuple[Performance, ...]:
    """Return what one replica of a plan does from nearly idle to nearly saturated.

    Raises:
        InputError: names that the catalog does not know.
    """
    _, candidate = chosen_candidate(plan, catalog)
    replicas = candidate.replicas()
    if not plan.spec.traffic.concurrency:  # as many as run today stand behind one router
        replicas = replicas.in_fleet(np.array([[float(plan.fleet.working_replicas)]]))
    rates = np.array(LOADS) * float(replicas.saturated_rate[0, 0])
    pool = candidate.memory
    per_request = float(pool.sequence[0] / max(pool.kv_cache[0], 1.0) / candidate.parallelism.dp[0])
    return tuple(performances(replicas, replicas.at(batch_at_rate(replicas, rates[None, :])), per_request))


def fleet_at_rates(plan: CapacityPlan, catalog: Catalog) -> tuple[FleetAt, ...]:
    """Return the fleets and bills from a twentieth of a plan's mean rate to twice; none for clients that wait.

    Raises:
        InputError: names that the catalog does not know.
    """
    question, _ = chosen_candidate(plan, catalog)
    if question.mean_rate is None:
        return ()
    rate, capacity = fleet_rate(plan, question), np.array([plan.replica_capacity.requests_per_s])
    price = plan.chosen.offer.usd_per_hour / plan.chosen.offer.accelerators if plan.chosen.offer else None
    # What today's fleet holds beside the load's own replicas, it holds at any rate.
    beside = plan.fleet.replicas - int(replica_counts(plan.spec, rate, capacity).peak[0])

    def fleet(times: float) -> FleetAt:
        replicas = int(replica_counts(plan.spec, rate * times, capacity).peak[0]) + beside
        monthly = None
        if price is not None:
            paid = paid_accelerators(plan.chosen, replicas)
            monthly = paid * price * HOURS_PER_MONTH + plan.cost.other_monthly_usd
        return FleetAt(rate * times / plan.spec.traffic.calls_per_request, replicas, monthly)

    return tuple(fleet(times) for times in RATES)
