"""Which parallelisms a model may have on an accelerator: the legal ones, those of a search, the smallest first."""

from collections.abc import Iterator
from itertools import product

from catalogs.matrices import layer_matrices
from catalogs.records.accelerators import Accelerator
from catalogs.records.models import LayerGroup, MixtureFeedForward, ModelArchitecture
from catalogs.storage import Storage
from engine.question.resolve import Question
from engine.step.operations import layers
from engine.step.parallelism import ParallelSizes

WIDTHS = (1, 2, 4, 8, 16, 32)
"""Tensor, data and expert parallel sizes that are tried: runtimes are run at powers of two."""
STAGES = (1, 2, 4, 8)
"""Pipeline parallel sizes that are tried."""
MOST_ACCELERATORS = 64
"""Accelerators of one replica, at most."""
CLUSTERED_NODE = 4
"""Accelerators of a node from which a replica may take several nodes."""


def node_size(question: Question, accelerator: Accelerator) -> int:
    """Return the accelerators per node: the user's, else the usual make, else a whole scale-up domain (NVL72)."""
    stated = question.spec.hardware.accelerators_per_node
    return stated or max(accelerator.per_node, min(accelerator.link.domain, 72) if accelerator.link.domain <= 72 else 0)


def fast_link(accelerator: Accelerator) -> bool:
    """Return whether accelerators of a node reach each other over more than PCIe."""
    return accelerator.link.domain > 1 and not accelerator.link.kind.startswith("PCIe")


def illegal_because(question: Question, sizes: ParallelSizes) -> str:  # noqa: PLR0911 — a rule each
    """Return why the question's model cannot be split so; empty where it can."""
    tp, pp, dp, ep = sizes
    model, runtime = question.model, question.runtime
    if runtime.splits_layers and (tp, dp, ep) != (1, 1, 1):
        return f"{runtime.name} splits a model by its layers alone: PP, not {sizes.spelling}"
    if runtime.framework == "trtllm" and dp > 1 and tp > 1:
        return f"{runtime.name} runs attention either split or on ranks of its own (enable_attention_dp), not TP{tp}"
    for layer in layers(model):
        mix = layer.mixing
        if mix and mix.heads and mix.heads % tp:
            return f"TP{tp} does not divide the {mix.heads} attention heads of {model.name}"
        if mix and mix.heads and mix.splits and mix.kv_heads % tp and tp % mix.kv_heads:
            return f"TP{tp} neither divides nor is a multiple of the {mix.kv_heads} KV heads of {model.name}"
        if layer.mixture and layer.mixture.experts % ep:
            return f"EP{ep} does not divide the {layer.mixture.experts} experts of {model.name}"
    if pp > model.layer_count:
        return f"PP{pp} has more stages than {model.name} has layers ({model.layer_count})"
    if ep > 1 and not any(isinstance(g.feed_forward, MixtureFeedForward) for g in model.layers):
        return f"{model.name} has no experts to spread over EP{ep}"
    if (tp * dp) % ep:
        return f"EP{ep} does not divide the {tp * dp} accelerators of TP{tp} × DP{dp}"
    switch = runtime.flags.expert_parallel
    if ep not in (1, tp * dp) and switch and "{}" not in switch:
        return f"{runtime.name} spreads experts over all {tp * dp} accelerators of TP{tp} × DP{dp} or none, not EP{ep}"
    return uneven_scales(model, question.storage, sizes) if runtime.framework in CHECK_SCALES else ""


def uneven_scales(model: ModelArchitecture, storage: Storage, sizes: ParallelSizes) -> str:
    """Return which weights a parallelism would cut within what shares a scale; empty where none.

    vLLM and SGLang refuse such a shard when they load it: a block of FP8 weights shares one scale (fp8.py,
    validate_fp8_block_shape), and so do the inputs of a group of AWQ and GPTQ weights (marlin_utils.py,
    verify_marlin_supports_shape).

    Args:
        storage: of its weights: blocks, groups, and the width that a checkpoint was filled up to.
    """
    if storage.block is None and storage.group is None:
        return ""
    for group in model.layers:
        for matrix in layer_matrices(group, model.hidden_size):
            if matrix.launch not in _CHECKED or not storage.is_low(matrix.role):
                continue
            ways = sizes.tp * sizes.dp // sizes.ep if matrix.role == "expert" else sizes.tp
            width = matrix.inputs if matrix.split == "inputs" else matrix.outputs // _merged(matrix.launch, group)
            if matrix.role == "dense" and storage.intermediate:
                width = storage.intermediate
            unit = storage.block or (storage.group if matrix.split == "inputs" else None)
            shard = width / min(ways, matrix.ways)
            if unit and ways > 1 and shard % unit:
                what = "blocks" if storage.block else "groups"
                return (
                    f"{sizes.spelling} cuts the {width:,} columns of {model.name}'s {_CALLED[matrix.role]} into shards "
                    f"of {shard:,.6g}, which are no whole {what} of {unit} weights"
                )
    return ""


def _merged(launch: str, group: LayerGroup) -> int:
    """Return how many matrices of a layer stand side by side in one of ours: gate and up."""
    block = group.feed_forward
    return block.matrices - 1 if block is not None and launch.endswith("_up") and launch != "query_up" else 1


CHECK_SCALES = ("vllm", "sglang")
"""Frameworks that refuse a shard that cuts what shares a scale."""
_CALLED = {"attention": "attention", "dense": "feed-forward block", "expert": "experts", "shared": "shared expert"}
_CHECKED = frozenset("attention_output dense_up dense_down expert_up expert_down shared_up shared_down".split())
"""Launches whose shards may be uneven: heads come in whole blocks, and linear layers keep their small parts wide."""


def searched_parallelisms(question: Question, accelerator: Accelerator) -> Iterator[ParallelSizes]:
    """Yield what the user fixed, else the powers of two that such machines are run at, legal or not.

    Tensor parallelism stays within a node. Stages are tried across whole nodes of accelerators on a fast link, which
    come with a network made for collectives; and within a node only where accelerators reach each other over PCIe: over
    a fast link runtimes lose more to bubbles than all-reduces cost.
    """
    serving = question.spec.serving
    node = node_size(question, accelerator)
    fast = fast_link(accelerator)
    mixture = _is_mixture(question)
    most = question.spec.hardware.accelerator_count or MOST_ACCELERATORS
    fixed = serving.tensor_parallel or serving.pipeline_parallel or serving.data_parallel
    within = tuple(width for width in WIDTHS if width <= node)
    widths = (serving.tensor_parallel,) if serving.tensor_parallel else within
    if question.runtime.splits_layers and not fixed:
        yield from (ParallelSizes(pp=pp) for pp in STAGES if pp <= min(node, most))
        return
    stages = (serving.pipeline_parallel,) if serving.pipeline_parallel else STAGES
    ranks = (serving.data_parallel,) if serving.data_parallel else WIDTHS if mixture else (1,)
    for tp, pp, dp in product(widths, stages, ranks):
        group = tp * dp
        whole_node = group == within[-1]
        clustered = fast and node >= CLUSTERED_NODE
        if not fixed and (group * pp > most or (pp > 1 and fast and not whole_node)):
            continue
        # One size that is asked for opens no other: ranks and stages stay as near as where nothing is asked.
        if dp > 1 and not serving.data_parallel and group > (2 * node if clustered else node):
            continue
        if (
            pp > 1
            and not serving.pipeline_parallel
            and ((dp > 1 and not serving.data_parallel) or (group * pp > node and not clustered))
        ):
            continue
        if serving.expert_parallel:
            yield ParallelSizes(tp, pp, dp, serving.expert_parallel)
        elif not mixture or group == 1:
            yield ParallelSizes(tp, pp, dp, 1)
        else:
            yield ParallelSizes(tp, pp, dp, group)
            if dp == 1:
                yield ParallelSizes(tp, pp, dp, 1)


def smallest_parallelisms(question: Question) -> Iterator[ParallelSizes]:
    """Yield what the user fixed, else ever larger sizes, legal or not: within a node, then stages over whole nodes."""
    serving = question.spec.serving
    node = node_size(question, question.accelerators[0])
    mixture = _is_mixture(question)
    dp = serving.data_parallel or 1
    fixed = serving.tensor_parallel or serving.pipeline_parallel or serving.data_parallel
    if question.runtime.splits_layers and not fixed:
        yield from (ParallelSizes(pp=pp) for pp in STAGES if pp <= node)
        return
    widths = (serving.tensor_parallel,) if serving.tensor_parallel else tuple(w for w in WIDTHS if w <= node)
    stages: tuple[int, ...] = (serving.pipeline_parallel or 1,)
    if not serving.pipeline_parallel and not serving.tensor_parallel and node >= CLUSTERED_NODE:
        stages = STAGES
    for pp in stages:
        for tp in widths:
            if pp == stages[0] or tp == widths[-1]:
                yield ParallelSizes(tp, pp, dp, serving.expert_parallel or (tp * dp if mixture and dp > 1 else 1))


def _is_mixture(question: Question) -> bool:
    return any(layer.mixture for layer in layers(question.model))
