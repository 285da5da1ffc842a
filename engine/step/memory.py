"""What an accelerator of a replica holds: weights, KV cache, activations, the runtime; and how many sequences fit.

All functions take arrays over candidates (tp, pp, dp, ep); bytes throughout.
"""

import numpy as np

from catalogs.matrices import embedding_parameters, layer_matrices, linear_extra_parameters, norm_parameters
from catalogs.records.models import ModelArchitecture
from catalogs.records.precisions import Precision
from engine.arrays import Floats, Ints
from engine.step.operations import INDEX_KEY_BYTES, layers
from engine.step.parallelism import Parallelism

PLAIN_BYTES = 2.0
"""Embeddings, LM head, norms and routers stay in 16 bit in quantised checkpoints."""


def quantised_roles(model: ModelArchitecture) -> frozenset[str]:
    """Return the roles of the matrices that a quantised checkpoint of the model stores in its low precision."""
    return frozenset({"expert"} if model.quantised_parts == "experts" else {"attention", "dense", "expert", "shared"})


def quantised_parameters(model: ModelArchitecture) -> int:
    """Return the parameters that a quantised checkpoint of the model stores in its low precision."""
    roles = quantised_roles(model)
    return sum(
        group.count * matrix.parameters
        for group in model.layers
        for matrix in layer_matrices(group, model.hidden_size)
        if matrix.role in roles
    )


def weights_bytes(model: ModelArchitecture, weights: Precision, total_parameters: int) -> float:
    """Return the bytes of the whole model's weights in a precision.

    Args:
        model: whose quantised parts are known.
        weights: format of the weights; one of 16 bits and more applies to everything, a narrower one to those parts.
        total_parameters: of the model.
    """
    if weights.bits >= 16:
        return total_parameters * weights.bytes_per_element
    low = quantised_parameters(model)
    return low * weights.bytes_per_element + (total_parameters - low) * PLAIN_BYTES


def weights_bytes_per_accelerator(
    model: ModelArchitecture, parallelism: Parallelism, low_bytes: Floats, plain_bytes: Floats
) -> Floats:
    """Return the weight bytes on the fullest accelerator of each candidate.

    Matrices are sharded over tp as finely as they can be cut and replicated beyond; experts over ep and the rest of
    tp·dp; a pipeline stage holds its share of the layers, and the first or last the embedding or the LM head.

    Args:
        model: whose weights they are.
        parallelism: of the candidates.
        low_bytes: bytes per element of quantised matrices, per candidate.
        plain_bytes: bytes per element of all others.
    """
    roles = quantised_roles(model)
    layer_bytes = np.zeros(parallelism.tp.shape)
    for group in model.layers:
        per_layer = linear_extra_parameters(group) / parallelism.tp * plain_bytes
        for matrix in layer_matrices(group, model.hidden_size):
            if matrix.role == "expert":
                shards: Floats | Ints = parallelism.tp * parallelism.dp
            elif matrix.split == "none":
                shards = np.ones_like(parallelism.tp)
            else:
                shards = np.minimum(parallelism.tp, matrix.ways)
            per_layer = per_layer + matrix.parameters / shards * (low_bytes if matrix.role in roles else plain_bytes)
        layer_bytes = layer_bytes + group.count * per_layer
    deepest = np.ceil(model.layer_count / parallelism.pp) / model.layer_count
    one_embedding = model.vocabulary * model.hidden_size * plain_bytes / parallelism.tp
    both = embedding_parameters(model) * plain_bytes / parallelism.tp
    ends = np.where(parallelism.pp == 1, both, one_embedding)
    others = (norm_parameters(model) + model.extra_parameters / parallelism.tp) * plain_bytes / parallelism.pp
    result: Floats = layer_bytes * deepest + ends + others
    return result


def kv_bytes_per_token(model: ModelArchitecture, kv_bytes: float) -> float:
    """Return the whole model's KV bytes for one more token while every window still grows."""
    return sum(
        layer.count * (layer.mixing.stored_elements * kv_bytes + layer.mixing.index_elements * INDEX_KEY_BYTES)
        for layer in layers(model)
        if layer.mixing
    )


def sequence_bytes(
    model: ModelArchitecture, tokens: Floats, kv_bytes: Floats, parallelism: Parallelism | None = None
) -> Floats:
    """Return the KV and state bytes of a sequence of ``tokens`` live tokens.

    Sliding layers stop growing at their window; linear layers hold a constant state; sparse attention (an indexer)
    keeps every token although it reads few.

    Args:
        model: whose cache it is.
        tokens: live tokens of the sequence; broadcasts against ``kv_bytes``.
        kv_bytes: bytes per KV element, per candidate.
        parallelism: of the candidates: bytes are then those on one accelerator of each, where KV heads are sharded no
            finer than they are and a latent vector is replicated over tp. None: the whole model's.
    """
    total: Floats = np.zeros(np.broadcast(tokens, kv_bytes).shape)
    for layer in layers(model):
        mix = layer.mixing
        if mix is None:
            continue
        live = np.minimum(tokens, mix.window) if mix.window and not mix.index_elements else tokens
        cache = live * mix.stored_elements * kv_bytes
        index = tokens * mix.index_elements * INDEX_KEY_BYTES
        state: Floats | float = mix.state_bytes
        if parallelism is not None:
            if mix.splits:
                cache = cache / np.minimum(parallelism.tp, mix.kv_heads)
            state = mix.state_bytes / np.minimum(parallelism.tp, mix.linear_heads)
            cache, index, state = cache / parallelism.pp, index / parallelism.pp, state / parallelism.pp
        total = total + layer.count * (cache + index + state)
    return total


def activation_bytes(model: ModelArchitecture, parallelism: Parallelism, budget_tokens: Floats) -> Floats:
    """Return the peak activations of a step at the token budget, per accelerator.

    The larger of two: the residual stream, its copy and the widest feed-forward intermediate in 16 bit; and the logits
    of as many sampled positions as runtimes profile with (256) in fp32.

    Args:
        model: whose layers they are.
        parallelism: of the candidates.
        budget_tokens: tokens of a step over all data-parallel ranks, per candidate.
    """
    widest = max(
        (
            matrix.outputs
            for group in model.layers
            for matrix in layer_matrices(group, model.hidden_size)
            if matrix.role in ("dense", "shared", "attention")
        ),
        default=model.hidden_size,
    )
    tokens = budget_tokens / parallelism.dp
    step = tokens * (3.0 * model.hidden_size + 1.5 * widest / parallelism.tp) * 2.0
    logits = 256 * model.vocabulary / parallelism.tp * (4.0 + 2.0)
    result: Floats = np.maximum(step, logits)
    return result
