"""A plan as it is shown: verified where a simulation could overturn it, and its autoscaler replayed."""

from collections.abc import Mapping

from catalogs.catalog import Catalog
from engine.forecast import forecast
from engine.infeasible import NoPlan
from engine.plan import CapacityPlan
from engine.replayed import replayed
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
    if simulate and (spec.targets or refine):
        from engine.verification import verified_forecast  # noqa: PLC0415 — the simulator: others need not wait for it

        plan = verified_forecast(spec, catalog, sources, refine=refine)
    else:
        plan = forecast(spec, catalog, sources)
    return plan if isinstance(plan, NoPlan) else replayed(plan, catalog, simulate=simulate)
