"""A plan as it is shown: verified where a simulation could overturn it, and its autoscaler replayed."""

from catalogs.catalog import Catalog
from engine.plan import CapacityPlan
from engine.replayed import replayed
from engine.verification import verified


def proven(plan: CapacityPlan, catalog: Catalog, *, simulate: bool = True) -> CapacityPlan:
    """Return the plan after verification and replay; every door shows what this returns.

    Args:
        simulate: request by request; the replay goes minute by minute in any case.

    Raises:
        InputError: names that the catalog does not know.
    """
    if simulate and plan.spec.targets:  # without a target there is nothing that a simulation could overturn
        plan = verified(plan, catalog)
    return replayed(plan, catalog)
