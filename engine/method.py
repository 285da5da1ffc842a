"""The forecast: a WorkloadSpec and a Catalog in, a CapacityPlan out. This page is the method, step by step."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from engine.fleet.operating_points import operating_points
from engine.fleet.search import SizedCandidates, array_of_one, search
from engine.plan import CapacityPlan, NoPlan, PerformanceAt, Rejection, TargetResult
from engine.planning.alternatives import alternatives_of
from engine.planning.answer import answer_of, target_results, warnings_of
from engine.planning.assumptions import assumptions_of
from engine.planning.bands import plan_bands
from engine.planning.bill import bill_of, energy_of
from engine.planning.capacity import replica_capacity
from engine.planning.ledger import fleet_of
from engine.planning.memory import memory_of
from engine.planning.no_plan import explain_misses, no_plan
from engine.planning.provenance import provenance_of
from engine.planning.replica import chosen_of
from engine.planning.thresholds import thresholds_of
from engine.question.demand import demand_of
from engine.question.resolve import Question, resolve
from engine.workload import Source, WorkloadSpec, with_defaults


def forecast(
    spec: WorkloadSpec, catalog: Catalog, sources: Mapping[str, Source] | None = None
) -> CapacityPlan | NoPlan:
    """Return the plan for a spec, or why there is none.

    Args:
        spec: the question.
        catalog: the facts.
        sources: where each value came from, by path; carried into the plan.

    Returns:
        A plan (``answer.meets_targets`` says whether it keeps every target; where no candidate can, it is the nearest
        one), or NoPlan when nothing fits at all.

    Raises:
        InputError: names that the catalog does not know, or values that contradict each other.
    """
    found = considered(spec, catalog)
    if isinstance(found, NoPlan):
        return found
    best = array_of_one(found.evaluated, int(found.evaluated.order[0]))
    return planned(found.question, found.evaluated, best, found.misses, sources)


class Considered(Struct, frozen=True):
    """Every candidate of a question, ranked."""

    question: Question
    evaluated: SizedCandidates
    misses: tuple[Rejection, ...]
    """Why none of them meets what was asked; then they are the nearest ones."""


def considered(spec: WorkloadSpec, catalog: Catalog) -> Considered | NoPlan:
    """Return the candidates for a spec, or why nothing fits at all.

    Raises:
        InputError: as ``forecast``.
    """
    question = resolve(spec, catalog)
    evaluated = search(question)
    if len(evaluated.order):
        return Considered(question, evaluated, ())
    refused = no_plan(question, evaluated)
    return refused or Considered(question, *explain_misses(question, evaluated))


class Simulated(Struct, frozen=True):
    """What a simulation of a plan says where the formulas say something else."""

    results: tuple[TargetResult, ...] | None = None
    """Of each target at the peak hour."""
    binding: str | None = None
    """The target that stops a replica."""


def planned(
    question: Question,
    evaluated: SizedCandidates,
    best: SizedCandidates,
    misses: tuple[Rejection, ...] = (),
    sources: Mapping[str, Source] | None = None,
    simulated: Simulated | None = None,
) -> CapacityPlan:
    """Return the plan of a candidate (an array of one) among those that were evaluated.

    Args:
        question: the question that it answers.
        evaluated: all candidates, ranked.
        best: the chosen one.
        misses: why nothing meets what was asked.
        sources: where each value came from.
        simulated: what a simulation of the plan says.
    """
    spec = question.spec
    capacity = replica_capacity(question, best, simulated.binding if simulated else None)
    points = operating_points(question, best)
    demand = demand_of(spec.traffic)
    fleet = fleet_of(question, best, capacity, demand.trough)
    results = (simulated and simulated.results) or target_results(spec, points.at_peak)
    memory = memory_of(question, best, points.at_peak)
    thresholds = thresholds_of(question, best, capacity, points, demand)
    bill = bill_of(question, best, fleet, capacity, points, demand, thresholds.target_utilisation)
    plan = CapacityPlan(
        answer=answer_of(question, best, fleet, capacity, results),
        spec=spec,
        sources=with_defaults(spec, sources or {}),
        chosen=chosen_of(question, best),
        memory=memory,
        performance=PerformanceAt(points.at_mean, points.at_peak),
        targets=results,
        replica_capacity=capacity,
        fleet=fleet,
        autoscaling=thresholds,
        cost=bill,
        energy=energy_of(question, best, fleet, points),
        alternatives=alternatives_of(question, evaluated),
        rejected=(*misses, *evaluated.rejected),
        assumptions=assumptions_of(question, best, sources or {}),
        warnings=warnings_of(
            question, best, fleet, memory, points, bill, results, misses, simulated=simulated is not None
        ),
        bands=None,
        provenance=provenance_of(question, best),
    )
    return replace(plan, bands=plan_bands(plan, question.model, question.catalog, best))
