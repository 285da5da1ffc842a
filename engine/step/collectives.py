"""What the accelerators of a replica spend on exchanging activations: all-reduces, and all-to-alls of mixtures.

Sources are those of spec-kit/methodology.md, "All-reduce"; the measured tables are in the catalog entries.
"""

from collections.abc import Sequence

import numpy as np

from catalogs.records.accelerators import Accelerator
from catalogs.records.models import ModelArchitecture
from engine.arrays import Floats, Ints
from engine.step.operations import layers
from engine.step.parallelism import Parallelism, ParallelSizes
from engine.step.rates import Rates

PCIE_HOP_S = 6e-6
"""Latency of one hop of a ring over PCIe."""
PCIE_RING_BYTES_PER_S = {3: 11.2e9, 4: 22.4e9, 5: 33e9, 6: 66e9}
"""All-reduce ring bandwidth over PCIe as served systems reach it, by generation: 20 GB/s × 1.12 on L40S (generation 4),
× 1.47 on RTX PRO 6000 (generation 5); the others scale with the lanes. Isolated kernel tables (2 GB/s) are not what
serving sees. Source: TensorRT-LLM 0.9 static batches, see spec-kit/methodology.md."""
NODE_HOP_S = 20e-6
"""Latency of one hop of a collective over the inter-node network (NCCL over InfiniBand, small messages)."""
ALL_TO_ALL_LAUNCH_S = 10e-6
ALL_TO_ALL_SHARE = 0.6
"""Latency of an all-to-all and its share of the link's one-direction bandwidth: NCCL over 2–8 GPUs on H100 and H200
reaches 245–315 of 450 GB/s after 9–11 µs."""


def collective_seconds(
    tokens: Floats,
    parallelism: Parallelism,
    which: Ints,
    rates: Sequence[Rates],
    accelerators: Sequence[Accelerator],
    per_node: Ints,
    model: ModelArchitecture,
) -> Floats:
    """Return the seconds of one step's collectives: (candidates, tokens).

    Args:
        tokens: of a step on one pipeline stage: (candidates, tokens).
        which: index of each candidate's rates and accelerator: (candidates,).
        rates: of each accelerator.
        accelerators: distinct ones.
        per_node: accelerators per node: (candidates,).
    """
    seconds = np.zeros_like(tokens)
    known: dict[tuple[int, int, int, int, int], Floats] = {}
    for row, index in enumerate(which.tolist()):
        sizes, node = parallelism.sizes(row), int(per_node[row])
        if sizes.tp * sizes.dp == 1:
            continue
        key = (index, sizes.tp, sizes.dp, sizes.pp, node)
        if key not in known:
            known[key] = _collectives_of(tokens[row], sizes, rates[index], accelerators[index], node, model)
        seconds[row] = known[key]
    return seconds


def _collectives_of(
    tokens: Floats,
    sizes: ParallelSizes,
    rates: Rates,
    accelerator: Accelerator,
    per_node: int,
    model: ModelArchitecture,
) -> Floats:
    """Return one candidate's: all-reduces over tp, all-to-alls where experts span data-parallel ranks, seconds."""
    all_reduces = sum(layer.count * layer.all_reduces for layer in layers(model))
    routed = sum(layer.count for layer in layers(model) if layer.mixture)
    own = tokens / sizes.dp
    seconds = np.zeros_like(own)
    if sizes.tp > 1:
        message = own * model.hidden_size * 2.0
        one = all_reduce_seconds(message, sizes.tp, accelerator, rates, per_node=per_node)
        count = all_reduces - (routed if sizes.dp > 1 else 0)
        seconds = count * (rates.constants["all_reduce_factor"] * one + rates.constants["all_reduce_overhead_s"])
    if sizes.dp > 1:
        seconds = seconds + routed * 2.0 * _all_to_all(own, sizes.tp * sizes.dp, accelerator, model, per_node)
    return seconds


def all_reduce_seconds(
    message_bytes: Floats, group: int, accelerator: Accelerator, rates: Rates, *, per_node: int
) -> Floats:
    """Return the seconds of an all-reduce of ``message_bytes`` over ``group`` accelerators.

    Within a fast link's domain: the measured table, log-log in size, stretched by the ratio of the relative's link to
    this one's. Beyond it but within a node: a ring over PCIe. Beyond a node: a ring over the inter-node network on top.

    Args:
        message_bytes: of one all-reduce, any shape.
        group: accelerators that take part.
        rates: with the measured table.
    """
    if group == 1:
        return np.zeros_like(message_bytes)
    share = 2 * (group - 1) / group
    if group > per_node:
        nodes = -(-group // per_node)
        within = all_reduce_seconds(message_bytes, per_node, accelerator, rates, per_node=per_node)
        across = NODE_HOP_S * np.log2(nodes) * 2 + 2 * (nodes - 1) / nodes * message_bytes / per_node / (
            accelerator.inter_node_gb_per_s * 1e9
        )
        return within + across
    link = accelerator.link
    if link.kind.startswith("PCIe") or group > link.domain or not link.gb_per_s or not rates.all_reduce:
        ring = PCIE_RING_BYTES_PER_S.get(accelerator.pcie_generation or 4, 22.4e9)
        return PCIE_HOP_S * (group - 1) + share * message_bytes / ring
    sizes = [row[0] for row in rates.all_reduce]
    nearest = min(sizes, key=lambda size: (abs(np.log2(size / group)), -size))
    _, table_bytes, table_seconds = rates.all_reduce[sizes.index(nearest)]
    stretched = message_bytes * (rates.measured_link_gb_per_s / link.gb_per_s)
    return _log_log(stretched, table_bytes, table_seconds)


def _log_log(size: Floats, table_bytes: tuple[float, ...], table_seconds: tuple[float, ...]) -> Floats:
    """Return seconds at message sizes, straight in the logarithms of a table; beyond it they grow with the size."""
    x, y = np.log(table_bytes), np.log(table_seconds)
    at = np.log(np.maximum(size, 1.0))
    seconds = np.exp(np.interp(at, x, y))
    beyond = np.maximum(size / table_bytes[-1], 1.0)
    return seconds * beyond


def _all_to_all(own: Floats, group: int, accelerator: Accelerator, model: ModelArchitecture, per_node: int) -> Floats:
    """Return the seconds of one mixture layer's dispatch, or its combine.

    Each token's vector goes to the ranks of its experts, in 16 bit.
    """
    picks = max((layer.mixture.experts_per_token for layer in layers(model) if layer.mixture), default=1)
    copies = min(picks, group) * (group - 1) / group
    fast = max(accelerator.link.gb_per_s, 1.0) * ALL_TO_ALL_SHARE * 1e9
    slow = max(accelerator.inter_node_gb_per_s, 1.0) * 1e9
    rate = fast if group <= per_node else slow
    return ALL_TO_ALL_LAUNCH_S + own * copies * model.hidden_size * 2.0 / rate
