"""The replica of an estimate: split as the user fixed it, else as little as it fits."""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from engine.fleet.candidates import Candidates, longest_request, single, too_large, without_unit
from engine.fleet.parallelisms import WIDTHS, illegal_because, node_size, smallest_parallelisms
from engine.plan import AcceleratorMemory, Rejection
from engine.question.resolve import Question
from engine.step.memory import sequence_bytes
from engine.step.parallelism import ParallelSizes
from engine.step.rates import Unsupported

NARROWER = ("fp8", "int4")
"""Weight precisions that are tried where a model does not fit, the least loss first."""


class Fit(Struct, frozen=True):
    """A replica that fits, an array of one, and how its parallelism was found."""

    found: Candidates
    note: str
    """Empty where the user fixed it."""


class Unfit(Struct, frozen=True):
    """A replica that cannot be: why, and what its roomiest parallelism would have needed."""

    rejection: Rejection
    sizes: ParallelSizes
    needs: AcceleratorMemory | None
    """Per accelerator, for a single request; the parts sum to the total. Null where memory is not the reason."""


def smallest_fit(question: Question) -> Fit | Unfit:
    """Return one replica on the question's accelerator, split as the user fixed it or as little as it fits."""
    try:
        return _fitting(question)
    except Unsupported as refusal:
        rejection = without_unit(question, question.accelerators[0], refusal)
        return Unfit(rejection, next(smallest_parallelisms(question)), None)


def _fitting(question: Question) -> Fit | Unfit:
    tried = list(smallest_parallelisms(question))
    legal = [sizes for sizes in tried if not illegal_because(question, sizes)]
    if not legal:
        reason = illegal_because(question, tried[0])
        return Unfit(Rejection(tried[0].spelling, reason, None, None, "", _legal_widths(question)), tried[0], None)
    for sizes in legal:
        found = single(question, sizes)
        if fits(found):
            size = int(found.parallelism.accelerators[0])
            note = (
                f"parallelism is {sizes.spelling}, the smallest spread that fits"
                if size > 1
                else "one accelerator holds it"
            )
            return Fit(found, "" if question.spec.serving.tensor_parallel else note)
    needs = [needed(question, sizes) for sizes in legal]
    roomiest = min(range(len(legal)), key=lambda index: needs[index].total_bytes)
    return Unfit(_too_large(question, legal[roomiest], needs[roomiest]), legal[roomiest], needs[roomiest])


def fits(found: Candidates) -> bool:
    """Return whether an array of one holds the model and one long request."""
    return bool(found.seats_by_memory[0] >= 1)


def needed(question: Question, sizes: ParallelSizes) -> AcceleratorMemory:
    """Return what one accelerator must hold for a single long request; the total is what that takes."""
    memory = single(question, sizes).memory
    weights, one_request, activations, runtime = (
        float(part[0]) for part in (memory.weights, memory.longest, memory.activations, memory.runtime)
    )
    total = weights + one_request + activations + runtime
    return AcceleratorMemory(total, weights, one_request, activations, runtime, 0.0)


def sequence_bytes_at_end(question: Question, found: Candidates) -> float:
    """Return the KV and state of a mean request at its end on one accelerator of an array of one, bytes."""
    tokens = np.array([question.lengths.prompt.mean + question.lengths.output.mean])
    kv_bytes = np.array([question.kv_cache.bytes_per_element])
    shares = question.runtime.pool_shares
    return float(sequence_bytes(question.model, tokens, kv_bytes, found.parallelism, shares)[0])


def _too_large(question: Question, sizes: ParallelSizes, needs: AcceleratorMemory) -> Rejection:
    accelerator, memory = question.accelerators[0], single(question, sizes).memory
    taken = np.array([needs.total_bytes - needs.kv_cache_bytes])
    usable = float(question.usable_bytes(memory.total, taken, memory.runtime, memory.share)[0])
    what = f"{sizes.accelerators} × {accelerator.name}, {sizes.spelling}"
    ways = tuple(_remedies(question, sizes)) or ("an accelerator with more memory",)
    return too_large(question, what, needs.total_bytes, usable, ways)


def _remedies(question: Question, sizes: ParallelSizes) -> Iterator[str]:
    """Yield the nearest changes that were seen to work: another parallelism, narrower weights."""
    serving = question.spec.serving
    if serving.context_window and (fitting := longest_request(question, single(question, sizes))):
        yield f"--context-window {fitting}"
    if serving.tensor_parallel or serving.pipeline_parallel:
        free = replace(serving, tensor_parallel=None, pipeline_parallel=None, expert_parallel=None)
        other = _fitting(replace(question, spec=replace(question.spec, serving=free)))
        if isinstance(other, Fit):
            tp, pp, _, _ = other.found.parallelism.sizes()
            yield f"--tp {tp}" + (f" --pp {pp}" if pp > 1 else "")
    for name in NARROWER:
        precision = question.catalog.precisions.get(name)
        if precision is None or precision.bits >= question.weights.bits:
            continue
        try:
            narrower = single(question.in_precision(precision), sizes)
        except Unsupported:
            continue
        if fits(narrower):
            yield f"--precision {name}"
            return


def _legal_widths(question: Question) -> tuple[str, ...]:
    serving = question.spec.serving
    pp, dp, ep = serving.pipeline_parallel or 1, serving.data_parallel or 1, serving.expert_parallel or 1
    node = node_size(question, question.accelerators[0])
    widths = (tp for tp in WIDTHS if tp <= node)
    return tuple(f"--tp {tp}" for tp in widths if not illegal_because(question, ParallelSizes(tp, pp, dp, ep)))
