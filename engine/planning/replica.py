"""The chosen candidate as the plan states it: the replica, its memory, where its figures come from, how to start it."""

from engine.fleet.search import Evaluated
from engine.plan import (
    Chosen,
    ChosenPrecision,
)
from engine.planning.launch import launch_command
from engine.question.resolve import Question
from engine.step.rates import compute_unit


def chosen_of(question: Question, best: Evaluated) -> Chosen:
    """Return the replica of an array of one."""
    spread = best.candidates.spread
    accelerator = best.candidates.accelerator(0)
    tp, pp, dp, ep = (int(axis[0]) for axis in (spread.tp, spread.pp, spread.dp, spread.ep))
    choice = best.offers[0]
    return Chosen(
        model=question.model.id,
        model_name=question.model.name,
        accelerator=accelerator.id,
        accelerator_name=accelerator.name,
        accelerators_per_replica=int(spread.accelerators[0]),
        tensor_parallel=tp,
        pipeline_parallel=pp,
        data_parallel=dp,
        expert_parallel=ep,
        precision=ChosenPrecision(
            question.weights.id, question.kv_cache.id, compute_unit(accelerator, question.weights)
        ),
        runtime=question.runtime.id,
        offer=choice.median.chosen() if choice else None,
        flags=launch_command(question, accelerator, tp, pp, dp, ep),
        needs=platform.needs if (platform := question.runtime.platform_of(accelerator)) else "",
    )
