"""The calls of a workflow: what each sends, computes and answers, and what it waits for."""

import numpy as np
from msgspec import Struct

from catalogs.records.workflows import AgentWorkflow
from engine.question.lengths import Lengths, Strata, strata
from engine.workload import TokenDistribution


class Call(Struct, frozen=True):
    """One call of a workflow, its lengths as they are on average."""

    step: int
    branch: int
    prompt: float
    """The whole context and what is new, tokens."""
    computed: float
    """Of those, what the prefix cache does not hold, tokens."""
    output: float
    output_cv: float
    tool_s: float
    tool_cv: float
    after: tuple[int, ...]
    """Calls that must be done before its tools run."""


def calls_of(workflow: AgentWorkflow) -> tuple[Call, ...]:
    """Return the calls of a workflow, each after those that it waits for.

    A branch begins with the context of all before it and grows on its own; behind it stays what it answered last.
    """
    calls: list[Call] = []
    context, before = workflow.context_tokens, tuple[int, ...]()
    for number, step in enumerate(workflow.steps):
        ends: list[int] = []
        for branch in range(step.branches):
            own, after = context, before
            for _ in range(step.calls):
                computed = step.new_tokens + (1 - workflow.prefix_reuse) * own
                prompt = own + step.new_tokens
                calls.append(
                    Call(
                        number, branch, max(prompt, 1.0), max(computed, 1.0), step.output_tokens, step.output_cv,
                        step.tool_s, step.tool_cv, after,
                    )
                )  # fmt: skip
                own, after = prompt + step.output_tokens, (len(calls) - 1,)
            ends += after
        context = own if step.branches == 1 else context + step.branches * step.output_tokens
        before = tuple(ends)
    return tuple(calls)


def lengths_of_calls(calls: tuple[Call, ...], context_limit: float) -> Lengths:
    """Return the lengths of all calls together: a stratum of prompts for each, and answers as they vary.

    Args:
        context_limit: prompt and answer together, tokens.
    """
    share = 1 / len(calls)
    prompts = np.minimum([call.prompt for call in calls], context_limit - 1)
    computed = np.minimum([call.computed for call in calls], prompts)
    kinds = [(call.output, call.output_cv) for call in calls]
    values, weights = [], []
    for mean, cv in dict.fromkeys(kinds):
        answers = strata(TokenDistribution(mean=mean, cv=cv), context_limit - 1)
        values.append(answers.values)
        weights.append(answers.weights * kinds.count((mean, cv)) * share)
    return Lengths(
        Strata(prompts, np.full(len(calls), share)), computed, Strata(np.concatenate(values), np.concatenate(weights))
    )
