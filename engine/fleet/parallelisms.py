"""Which parallelisms a model may have on an accelerator: the legal ones, those of a search, the smallest first."""

from collections.abc import Iterator
from itertools import product

from catalogs.records.accelerators import Accelerator
from catalogs.records.models import MixtureFeedForward, ModelArchitecture
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


def illegal_because(model: ModelArchitecture, sizes: ParallelSizes) -> str:  # noqa: PLR0911 — a rule each
    """Return why a model cannot be split so; empty where it can."""
    tp, pp, dp, ep = sizes
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
    return ""


def searched_parallelisms(question: Question, accelerator: Accelerator) -> Iterator[ParallelSizes]:
    """Yield what the user fixed, else the powers of two that such machines are run at, legal or not.

    Tensor parallelism stays within a node. Stages are tried across whole nodes of accelerators on a fast link, which
    come with a network made for collectives; and within a node only where accelerators reach each other over PCIe: over
    a fast link runtimes lose more to bubbles than all-reduces cost.
    """
    serving = question.spec.serving
    node = node_size(question, accelerator)
    fast = accelerator.link.domain > 1 and not accelerator.link.kind.startswith("PCIe")
    mixture = _is_mixture(question)
    most = question.spec.hardware.accelerator_count or MOST_ACCELERATORS
    fixed = serving.tensor_parallel or serving.pipeline_parallel or serving.data_parallel
    within = tuple(width for width in WIDTHS if width <= node)
    widths = (serving.tensor_parallel,) if serving.tensor_parallel else within
    stages = (serving.pipeline_parallel,) if serving.pipeline_parallel else STAGES
    ranks = (serving.data_parallel,) if serving.data_parallel else WIDTHS if mixture else (1,)
    for tp, pp, dp in product(widths, stages, ranks):
        group = tp * dp
        whole_node = group == within[-1]
        if not fixed and group * pp > node and not (fast and node >= CLUSTERED_NODE):
            continue
        if not fixed and (group * pp > most or group > 2 * node or (pp > 1 and (dp > 1 or (fast and not whole_node)))):
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
