"""How one replica is spread when most of it is fixed: what the user said, else the smallest spread that fits."""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from engine.fleet.candidates import CLUSTERED_NODE, STAGES, WIDTHS, Candidates, illegal_because, node_size, single
from engine.plan import AcceleratorMemory, Rejection
from engine.question.resolve import Question
from engine.step.memory import sequence_bytes
from engine.step.operations import layers
from engine.step.rates import Unsupported

NARROWER = ("fp8", "int4")
"""Weight precisions that are tried where a model does not fit, the least loss first."""

Spread = tuple[int, int, int, int]
"""Tensor, pipeline, data and expert parallelism."""


class Shape(Struct, frozen=True):
    """A replica that fits, an array of one, and how its spread was found."""

    found: Candidates
    note: str
    """Empty where the user fixed it."""


class Unfit(Struct, frozen=True):
    """A replica that cannot be: why, and what its roomiest spread would have needed."""

    rejection: Rejection
    spread: Spread
    needs: AcceleratorMemory | None
    """Per accelerator, for a single request; the parts sum to the total. Null where memory is not the reason."""


def shape_of(question: Question) -> Shape | Unfit:
    """Return one replica on the question's accelerator, spread as the user fixed it or as small as it fits."""
    try:
        return _fitting(question)
    except Unsupported as refusal:
        accelerator = question.accelerators[0]
        rejection = Rejection(
            f"{accelerator.name} in {question.weights.name}",
            f"{refusal.reason}; it would run as {refusal.instead}",
            None,
            None,
            "",
            (f"--precision {refusal.instead.split()[0]}",),
        )
        return Unfit(rejection, next(_spreads(question)), None)


def spelled(spread: Spread) -> str:
    """Return a spread as people write it: TP4 × PP2."""
    parts = [f"{name}{size}" for name, size in zip(("TP", "PP", "DP", "EP"), spread, strict=True)]
    return " × ".join([parts[0]] + [part for part, size in zip(parts[1:], spread[1:], strict=True) if size > 1])


def _fitting(question: Question) -> Shape | Unfit:
    tried = list(_spreads(question))
    legal = [spread for spread in tried if not illegal_because(question.model, *spread)]
    if not legal:
        reason = illegal_because(question.model, *tried[0])
        return Unfit(Rejection(spelled(tried[0]), reason, None, None, "", _legal_widths(question)), tried[0], None)
    for spread in legal:
        found = single(question, *spread)
        if fits(found):
            size = int(found.spread.accelerators[0])
            note = (
                f"parallelism is {spelled(spread)}, the smallest spread that fits"
                if size > 1
                else "one accelerator holds it"
            )
            return Shape(found, "" if question.spec.serving.tensor_parallel else note)
    needs = [needed(question, spread) for spread in legal]
    roomiest = min(range(len(legal)), key=lambda index: needs[index].total_bytes)
    return Unfit(_too_large(question, legal[roomiest], needs[roomiest]), legal[roomiest], needs[roomiest])


def fits(found: Candidates) -> bool:
    """Return whether an array of one holds the model and one long request."""
    return bool(found.seats_by_memory[0] >= 1)


def _spreads(question: Question) -> Iterator[Spread]:
    """Yield the spreads to try, the smallest first: tensor parallelism within a node, then stages over whole nodes."""
    serving = question.spec.serving
    node = node_size(question, question.accelerators[0])
    mixture = any(layer.mixture for layer in layers(question.model))
    dp = serving.data_parallel or 1
    widths = (serving.tensor_parallel,) if serving.tensor_parallel else tuple(w for w in WIDTHS if w <= node)
    stages: tuple[int, ...] = (serving.pipeline_parallel or 1,)
    if not serving.pipeline_parallel and not serving.tensor_parallel and node >= CLUSTERED_NODE:
        stages = STAGES
    for pp in stages:
        for tp in widths:
            if pp == stages[0] or tp == widths[-1]:
                yield tp, pp, dp, serving.expert_parallel or (tp * dp if mixture and dp > 1 else 1)


def needed(question: Question, spread: Spread) -> AcceleratorMemory:
    """Return what one accelerator of a spread must hold for a single long request; the total is what that takes."""
    memory = single(question, *spread).memory
    weights, one_request, activations, runtime = (
        float(part[0]) for part in (memory.weights, memory.sequence_p95, memory.activations, memory.runtime)
    )
    total = weights + one_request + activations + runtime
    return AcceleratorMemory(total, weights, one_request, activations, runtime, 0.0)


def sequence_bytes_at_end(question: Question, found: Candidates) -> float:
    """Return the KV and state of a mean request at its end on one accelerator of an array of one, bytes."""
    tokens = np.array([question.lengths.prompt.mean + question.lengths.output.mean])
    kv_bytes = np.array([question.kv_cache.bytes_per_element])
    return float(sequence_bytes(question.model, tokens, kv_bytes, found.spread)[0])


def _too_large(question: Question, spread: Spread, needs: AcceleratorMemory) -> Rejection:
    accelerator, taken = question.accelerators[0], needs.total_bytes - needs.kv_cache_bytes
    usable = float(question.usable_bytes(np.array(accelerator.memory_bytes), np.array(taken)))
    return Rejection(
        f"{spread[0] * spread[1] * spread[2]} × {accelerator.name}, {spelled(spread)}",
        f"{question.model.name} in {question.weights.name} does not fit: weights, activations, runtime and one request "
        f"need {needs.total_bytes / 2**30:.1f} GiB per accelerator and {usable / 2**30:.1f} GiB are usable",
        needs.total_bytes,
        usable,
        "bytes",
        tuple(_remedies(question, spread)) or ("an accelerator with more memory",),
    )


def _remedies(question: Question, spread: Spread) -> Iterator[str]:
    """Yield the nearest changes that were seen to work: another spread, narrower weights."""
    serving = question.spec.serving
    if serving.tensor_parallel or serving.pipeline_parallel:
        free = serving.model_copy(update={"tensor_parallel": None, "pipeline_parallel": None, "expert_parallel": None})
        other = _fitting(replace(question, spec=question.spec.model_copy(update={"serving": free})))
        if isinstance(other, Shape):
            wide, deep = int(other.found.spread.tp[0]), int(other.found.spread.pp[0])
            yield f"--tp {wide}" + (f" --pp {deep}" if deep > 1 else "")
    for name in NARROWER:
        precision = question.catalog.precisions.get(name)
        if precision is None or precision.bits >= question.weights.bits:
            continue
        try:
            narrower = single(replace(question, weights=precision, checkpoint=None), *spread)
        except Unsupported:
            continue
        if fits(narrower):
            yield f"--precision {name}"
            return


def _legal_widths(question: Question) -> tuple[str, ...]:
    serving = question.spec.serving
    pp, dp, ep = serving.pipeline_parallel or 1, serving.data_parallel or 1, serving.expert_parallel or 1
    node = node_size(question, question.accelerators[0])
    return tuple(f"--tp {tp}" for tp in WIDTHS if tp <= node and not illegal_because(question.model, tp, pp, dp, ep))
