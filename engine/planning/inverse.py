"""The inverse of a plan: the question that it answers, the candidate that it chose, the rate of its fleet."""

from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.fleet.candidates import Candidates, single
from engine.plan import CapacityPlan
from engine.planning.calibrated import catalog_of
from engine.question.resolve import Question, resolve
from engine.step.parallelism import ParallelSizes


def chosen_candidate(plan: CapacityPlan, catalog: Catalog) -> tuple[Question, Candidates]:
    """Return the question that a plan answers and the candidate that it chose, an array of one.

    Raises:
        InputError: names that the catalog does not know.
    """
    chosen, catalog = plan.chosen, catalog_of(plan, catalog)
    question = replace(resolve(plan.spec, catalog), accelerators=(catalog.accelerator(chosen.accelerator),))
    sizes = ParallelSizes(
        chosen.tensor_parallel, chosen.pipeline_parallel, chosen.data_parallel, chosen.expert_parallel
    )
    found = single(question, sizes)
    if found.seats_by_memory[0] < 1:
        raise InputError(
            f"{chosen.model_name} no longer fits on {chosen.accelerators_per_replica} × {chosen.accelerator_name} by "
            "this catalog; make the plan anew"
        )
    return question, found


def fleet_rate(plan: CapacityPlan, question: Question, *, peak: bool = False) -> float:
    """Return requests/s over the whole fleet; a closed loop at the rate its clients reach.

    Args:
        peak: at the peak hour instead of on average.
    """
    traffic = plan.spec.traffic
    if question.mean_rate is not None:
        return question.mean_rate * (traffic.peak_factor if peak else 1.0)
    at = plan.performance.at_peak if peak else plan.performance.at_mean
    return at.requests_per_s * plan.fleet.working_replicas
