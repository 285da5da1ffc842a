"""The chosen candidate as the plan states it: the replica, its memory, where its figures come from, how to start it."""

from engine.fleet.search import SizedCandidates
from engine.plan import (
    Chosen,
    ChosenPrecision,
)
from engine.planning.launch import launch_command
from engine.question.resolve import Question
from engine.step.rates import compute_unit


def chosen_of(question: Question, best: SizedCandidates) -> Chosen:
    """Return the replica of an array of one."""
    sizes = best.candidates.parallelism.sizes()
    accelerator = best.candidates.accelerator(0)
    choice = best.offers[0]
    return Chosen(
        model=question.model.id,
        model_name=question.model.name,
        accelerator=accelerator.id,
        accelerator_name=accelerator.name,
        accelerators_per_replica=sizes.accelerators,
        tensor_parallel=sizes.tp,
        pipeline_parallel=sizes.pp,
        data_parallel=sizes.dp,
        expert_parallel=sizes.ep,
        precision=ChosenPrecision(
            question.weights.id, question.kv_cache.id, compute_unit(accelerator, question.weights)
        ),
        runtime=question.runtime.id,
        offer=choice.median.chosen() if choice else None,
        flags=launch_command(question, accelerator, *sizes),
        needs=platform.needs if (platform := question.runtime.platform_of(accelerator)) else "",
    )
