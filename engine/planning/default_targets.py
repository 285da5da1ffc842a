"""The targets of a question that states none: what people bear who wait for the answer, where anything reaches it."""

from msgspec.structs import replace

from engine.fleet.search import SizedCandidates, leave_room, relaxed_targets, search, with_targets
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

    Where none is stated the default ones hold; one that leaves the nearest candidate no useful load is eased until it
    does: nobody asked for it.
    """
    if question.spec.targets or question.spec.default_targets == "none":
        return question, search(question)
    question = _under(question, usual_targets(question))
    found = search(question)
    if not len(found.candidates) or leave_room(question, found):
        return question, found
    eased = relaxed_targets(question, found)[1]
    question = _under(question, eased)
    return question, with_targets(question, found, eased)


def usual_targets(question: Question) -> tuple[Target, ...]:
    """Return the default targets of a question, before they are eased."""
    ttft = max(TTFT_P95_S, question.lengths.prompt.percentile(0.95) / PROMPT_TOKENS_PER_S)
    first = Target(metric="ttft", percentile="p95", seconds=float(f"{ttft:.2g}"))
    if question.spec.serving.task == "embed":
        return (first,)
    return first, Target(metric="itl", percentile="p95", seconds=ITL_P95_S)


def _under(question: Question, targets: tuple[Target, ...]) -> Question:
    return replace(question, spec=replace(question.spec, targets=targets))
