"""A plan as it is shown: verified where a simulation could overturn it, and its autoscaler replayed."""

from collections.abc import Mapping

from catalogs.catalog import Catalog
from engine.fleet.search import array_of_one
from engine.method import considered, planned
from engine.plan import CapacityPlan, NoPlan
from engine.planning.capacity import pool_may_fill
from engine.proof.day import replayed
from engine.workload import Source, WorkloadSpec


def proven_forecast(
    spec: WorkloadSpec,
    catalog: Catalog,
    sources: Mapping[str, Source] | None = None,
    *,
    simulate: bool = True,
    refine: bool = False,
) -> CapacityPlan | NoPlan:
    """Return the plan for a spec after verification and replay, or why there is none; every door shows this.

    Args:
        spec: the question.
        catalog: the facts.
        sources: where each value came from, by path.
        simulate: request by request; the replay goes minute by minute in any case.
        refine: size the fleet on the capacity that simulations find.

    Raises:
        InputError: names that the catalog does not know, values that contradict each other, nothing to refine.
    """
    found = considered(spec, catalog)
    if isinstance(found, NoPlan):
        return found
    best = array_of_one(found.evaluated, int(found.evaluated.order[0]))
    if simulate and (spec.targets or refine or pool_may_fill(best)):
        from engine.proof.verification import verified  # the simulator: others need not wait for it

        plan = verified(found, sources, refine=refine)
    else:
        plan = planned(found.question, found.evaluated, best, found.misses, sources)
    return replayed(plan, catalog, simulate=simulate)
