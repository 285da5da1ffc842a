"""The chosen candidate as the plan states it: the replica, its memory, where its figures come from, how to start it."""

from engine.fleet.search import SizedCandidates
from engine.plan import Chosen, ChosenPrecision
from engine.planning.launch import launch_of
from engine.question.resolve import Question
from engine.step.rates import compute_unit


def chosen_of(question: Question, best: SizedCandidates) -> Chosen:
    """Return the replica of an array of one."""
    sizes = best.candidates.parallelism.sizes()
    accelerator = best.candidates.accelerator(0)
    choice = best.offers[0]
    launch = launch_of(best.candidates.unloaded)
    return Chosen(
        model=question.model.id,
        model_name=question.model.name,
        accelerator=accelerator.id,
        accelerator_name=accelerator.name,
        accelerators_per_replica=sizes.accelerators,
        **sizes.split,
        precision=ChosenPrecision(
            question.weights.id, question.kv_cache.id, compute_unit(accelerator, question.weights, question.runtime)
        ),
        runtime=question.runtime.id,
        offer=choice.chosen.chosen() if choice else None,
        command=launch.command,
        flags=launch.flags,
        needs=launch.needs,
        runtime_version=question.runtime.version,
        options=launch.options,
    )
