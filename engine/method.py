"""The forecast: a WorkloadSpec and a Catalog in, a CapacityPlan out. This page is the method, step by step."""

from collections.abc import Mapping

from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.plan import CapacityPlan, NoPlan, PerformanceAt, Rejection
from engine.planning.answer import answer_of, warnings_of
from engine.planning.assumptions import assumptions_of
from engine.planning.bands import bands_of
from engine.planning.bill import bill_of, energy_of
from engine.planning.calibrated import catalog_of, check_calibration
from engine.planning.memory import replica_memory
from engine.planning.outage import outage_of
from engine.planning.provenance import provenance_of
from engine.planning.ranking import Ranking, ranked_candidates
from engine.planning.relaxations import ways_out
from engine.planning.surge import surge_of
from engine.planning.thresholds import thresholds_of
from engine.planning.verdict import ChosenFleet, Verdict, formulas_verdict, pool_may_fill
from engine.proof.day import ReplayedDay, replayed_day
from engine.question.resolve import Question, resolve
from engine.workload import Source, WorkloadSpec, targets_by_default, with_defaults


def forecast(
    spec: WorkloadSpec,
    catalog: Catalog,
    *,
    sources: Mapping[str, Source] | None = None,
    verify: bool = True,
    refine: bool = False,
) -> CapacityPlan | NoPlan:
    """Return the plan for a spec, or why there is none; every command and the conversation show this one.

    Args:
        sources: where each value came from, by path; carried into the plan.
        verify: simulate the peak hour and the steepest minutes request by request; the replay of a day or a week goes
            minute by minute in any case.
        refine: size the fleet on the capacity that simulations find, not on the formulas'.

    Returns:
        A plan (``answer.meets_targets`` says whether it keeps every target; where no candidate can, it is the nearest
        one), or NoPlan when nothing fits at all.

    Raises:
        InputError: names that the catalog does not know, values that contradict each other, nothing to refine.
    """
    if refine:
        _refuse_unrefinable(spec)
    sources = with_defaults(spec, sources or {})
    if not spec.targets and spec.default_targets != "none":
        sources["targets"] = Source("default", spec.default_targets)
    question = resolve(spec, catalog)
    check_calibration(question)
    ranking = ranked_candidates(question)
    if isinstance(ranking, NoPlan):
        return replace(ranking, rejected=_with_ways_out(question, None, ranking.rejected, verify=verify))
    for target in ranking.question.spec.targets[len(spec.targets) :] if spec.targets else ():
        sources[f"targets.{target.metric}"] = Source("default", spec.default_targets)
    by_default = targets_by_default(sources)
    verdict = _verified(ranking, refine=refine, by_default=by_default) if verify else formulas_verdict(ranking)
    if ranking.misses:
        verdict = replace(verdict, misses=_with_ways_out(question, ranking, verdict.misses, verify=verify))
    day = replayed_day(verdict.chosen, sources, simulate=verify and not (by_default and verdict.record is None))
    return plan_of(verdict, day, sources, verify=verify, refine=refine)


def made_again(plan: CapacityPlan, catalog: Catalog) -> CapacityPlan | NoPlan:
    """Return the plan of a plan's question as it is made now: the same one where catalog and program are the same."""
    asked = plan.provenance
    return forecast(
        plan.spec, catalog_of(plan, catalog), sources=plan.sources, verify=asked.verify, refine=asked.refine
    )


def _refuse_unrefinable(spec: WorkloadSpec) -> None:
    if not spec.targets and spec.default_targets == "none":
        raise InputError("there is no target to refine the capacity under; give one, such as --ttft-p95 800ms")
    if spec.traffic.concurrency:
        raise InputError(
            f"a concurrency of {spec.traffic.concurrency} has no capacity in requests/s to refine; give a rate, "
            "such as --rps 10"
        )


def _with_ways_out(
    question: Question, missed: Ranking | None, why: tuple[Rejection, ...], *, verify: bool
) -> tuple[Rejection, ...]:
    """Return why a question has no plan with, beside the first reason, the changes that give it one."""

    def stands(ranking: Ranking) -> ChosenFleet | None:
        by_default = not question.spec.targets and question.spec.default_targets != "none"
        verdict = _verified(ranking, refine=False, by_default=by_default) if verify else formulas_verdict(ranking)
        return verdict.chosen if answer_of(verdict).meets_targets else None

    return (replace(why[0], relaxations=ways_out(question, missed, stands)), *why[1:])


EASILY = 0.5
"""Of a target: where the formulas find each below it, 2 fleets of 398 grew in a simulation
(tests/benchmarks/easy_targets.py 600 11). Few enough for targets by default, not for those that somebody stated."""


def _verified(ranking: Ranking, *, refine: bool, by_default: bool) -> Verdict:
    """Return the verdict on the best candidate, simulated where that could overturn it.

    Args:
        refine: size the fleet on simulations.
        by_default: nobody stated the targets.
    """
    if not refine and (by_default or not ranking.question.spec.targets) and not pool_may_fill(ranking.best):
        verdict = formulas_verdict(ranking)
        if all(result.forecast_s <= EASILY * result.target_s for result in verdict.results):
            return verdict
    from engine.proof.verification import verified  # the simulator: others need not wait for it

    return verified(ranking, refine=refine)


def plan_of(
    verdict: Verdict,
    day: ReplayedDay | None,
    sources: Mapping[str, Source],
    *,
    verify: bool = True,
    refine: bool = False,
) -> CapacityPlan:
    """Return the plan that states a verdict.

    Args:
        day: how its autoscaler fared; None for a fleet that never scales.
        sources: where each value of the spec came from, by path; defaults too.
        verify: as it was asked of ``forecast``; the plan says so.
        refine: likewise.
    """
    chosen = verdict.chosen
    question, candidate, points = chosen.question, chosen.candidate, chosen.points
    memory = replica_memory(question, candidate.candidates, points.at_peak.kv_cache_usage)
    fleet = replace(chosen.fleet, minimum_replicas=day.minimum_replicas) if day else chosen.fleet
    thresholds = day.thresholds if day else thresholds_of(chosen)
    bill = bill_of(chosen, fleet, thresholds, day.time_held if day else None)
    return CapacityPlan(
        answer=answer_of(verdict),
        spec=question.spec,
        sources=dict(sources),
        chosen=chosen.replica,
        memory=memory,
        performance=PerformanceAt(points.at_mean, points.at_peak),
        targets=verdict.results,
        replica_capacity=chosen.capacity,
        fleet=fleet,
        autoscaling=thresholds,
        cost=bill,
        energy=energy_of(chosen),
        alternatives=chosen.alternatives,
        rejected=(*verdict.misses, *chosen.evaluated.rejected),
        assumptions=(
            *verdict.assumptions,
            *assumptions_of(question, candidate, sources),
            *(day.assumptions if day else ()),
        ),
        warnings=warnings_of(verdict, memory, bill),
        bands=bands_of(chosen),
        provenance=provenance_of(question, candidate, verdict.method, verify=verify, refine=refine),
        verification=verdict.record,
        replay=day.record if day else None,
        outage=outage_of(chosen, fleet, thresholds, bill),
        surge=surge_of(chosen, fleet, verdict.results),
    )
