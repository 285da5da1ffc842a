"""The targets that nobody states: what people bear who wait for the answer, where anything reaches it."""

from msgspec.structs import replace

from engine.fleet.prices import with_a_price
from engine.fleet.search import SizedCandidates, search, with_targets
from engine.fleet.useful_load import leave_room, relaxed_targets
from engine.question.resolve import Question
from engine.workload import Target

TTFT_P95_S = 2.0
"""Seconds until the first token: the most of the catalog's kinds of interactive traffic with usual prompts."""
PROMPT_TOKENS_PER_S = 8000.0
"""Of p95 prompts: long documents take longer, as the catalog's long-context chat has 5 s for 39,551 tokens."""
ITL_P95_S = 0.1
"""Seconds between tokens: 10 tokens/s; people read at 4 words/s (Brysbaert, J. Mem. Lang. 109, 2019: 238 words a
minute), which is 5 to 6 tokens/s."""


def searched(question: Question) -> tuple[Question, SizedCandidates]:
    """Return a question with the targets that hold for it, and its candidates under them.

    Where no TTFT or no ITL is stated the default one holds; one that leaves the nearest candidate no useful load, or
    that nothing meets which is offered, is eased until it does: nobody asked for it.
    """
    stated, added = question.spec.targets, unstated_targets(question)
    if not added:
        return question, search(question)
    question = _under(question, (*stated, *added))
    found = search(question)
    wanted = question.spec.targets
    if not len(found.candidates):
        return question, found
    among = with_a_price(question, found.candidates)
    if len(found.order) and among[found.order[0]] and leave_room(found.lightest, wanted):
        return question, found
    ceiling = question.spec.serving.utilisation_ceiling
    eased = relaxed_targets(found.replicas, found.lightest, wanted, ceiling, among)[1]
    eased = (*stated, *eased[len(stated) :])
    if eased == question.spec.targets:
        return question, found
    question = _under(question, eased)
    return question, with_targets(question, found, eased)


def unstated_targets(question: Question) -> tuple[Target, ...]:
    """Return the default targets of the metrics that nobody limits, before they are eased: none where E2E, which
    holds both, is limited, or where none are wanted."""
    stated = {target.metric for target in question.spec.targets}
    if question.spec.default_targets == "none" or "e2e" in stated:
        return ()
    return tuple(target for target in usual_targets(question) if target.metric not in stated)


def usual_targets(question: Question) -> tuple[Target, ...]:
    """Return the default targets of a question, before they are eased."""
    ttft = max(TTFT_P95_S, question.lengths.prompt.percentile(0.95) / PROMPT_TOKENS_PER_S)
    first = Target(metric="ttft", percentile="p95", seconds=float(f"{ttft:.2g}"))
    if question.lengths.decoded < 1:  # embeddings, and answers of a token: nobody reads what comes after the first
        return (first,)
    return first, Target(metric="itl", percentile="p95", seconds=ITL_P95_S)


def _under(question: Question, targets: tuple[Target, ...]) -> Question:
    return replace(question, spec=replace(question.spec, targets=targets))
