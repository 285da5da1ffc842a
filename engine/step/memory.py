"""What an accelerator of a replica holds: weights, KV cache, activations, the runtime; and how many sequences fit.

All functions take arrays over candidates (tp, pp, dp, ep); bytes throughout.
"""

import numpy as np

from catalogs.matrices import layer_matrices, linear_extra_parameters, norm_parameters
from catalogs.records.models import LayerGroup, MixtureFeedForward, ModelArchitecture
from catalogs.records.runtimes import Profile, ServingRuntime
from catalogs.storage import Storage, weights_by_part
from engine.arrays import Floats, Ints
from engine.step.operations import INDEX_KEY_BYTES, layers
from engine.step.parallelism import Parallelism

EXPERT_CHUNK_TOKENS = 16384.0
"""Most tokens that experts compute at a time."""

CAPTURED_TOKENS = 512.0
"""Tokens of the largest step of which a graph is captured, where enough requests may run together."""


def weights_bytes(model: ModelArchitecture, storage: Storage) -> float:
    """Return the bytes of the whole model's weights as they are stored."""
    return sum(weights_by_part(model, storage).values())


def weights_bytes_per_accelerator(
    model: ModelArchitecture, parallelism: Parallelism, storage: Storage, expert_units: tuple[Ints, Ints] | None = None
) -> Floats:
    """Return the weight bytes on the fullest accelerator of each candidate.

    Matrices are sharded over tp as finely as they can be cut and replicated beyond; experts over ep and the rest of
    tp·dp; a pipeline stage holds its share of the layers, and the first or last the embedding or the LM head.

    Args:
        model: whose weights they are.
        parallelism: of each candidate.
        storage: of the model's weights.
        expert_units: multiples to which kernels fill up an expert's hidden width and its shard's own, per candidate.
    """
    layer_bytes = np.zeros(parallelism.tp.shape)
    plain = storage.bytes_per_weight("others")
    for group in model.layers:
        per_layer = linear_extra_parameters(group) / parallelism.tp * plain
        for matrix in layer_matrices(group, model.hidden_size):
            if matrix.role == "expert":
                shards: Floats | Ints = parallelism.tp * parallelism.dp
            elif matrix.split == "none":
                shards = np.ones_like(parallelism.tp)
            else:
                shards = np.minimum(parallelism.tp, matrix.ways)
            filled = _filled(group, model.hidden_size, parallelism, expert_units) if matrix.role == "expert" else 1.0
            per_layer = per_layer + matrix.parameters / shards * filled * storage.bytes_per_weight(matrix.launch)
        layer_bytes = layer_bytes + group.count * per_layer
    deepest = np.ceil(model.layer_count / parallelism.pp) / model.layer_count
    parts = weights_by_part(model, storage)
    embedding, head = parts["embedding"] / parallelism.tp, parts.get("head", 0.0) / parallelism.tp
    ends = np.where(parallelism.pp == 1, embedding + head, np.maximum(embedding, head))
    extra = parts["others"] - plain * (
        norm_parameters(model) + sum(group.count * linear_extra_parameters(group) for group in model.layers)
    )
    others = (norm_parameters(model) * plain + extra / parallelism.tp) / parallelism.pp
    result: Floats = layer_bytes * deepest + ends + others
    return result


def _filled(
    group: LayerGroup, hidden_size: int, parallelism: Parallelism, expert_units: tuple[Ints, Ints] | None
) -> Floats | float:
    """Return how many times as large experts are with the zeros that their kernels want."""
    if expert_units is None or not isinstance(group.feed_forward, MixtureFeedForward):
        return 1.0
    hidden = float(group.feed_forward.latent_size or hidden_size)
    shard = group.feed_forward.intermediate * parallelism.ep / (parallelism.tp * parallelism.dp)
    result: Floats = np.ceil(hidden / expert_units[0]) * expert_units[0] / hidden
    return result * np.ceil(shard / expert_units[1]) * expert_units[1] / shard


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


def activation_bytes(
    model: ModelArchitecture, parallelism: Parallelism, budget_tokens: Floats, sampled: Floats, profile: Profile
) -> Floats:
    """Return the bytes that a serving runtime's trial step holds beside weights and KV cache, per accelerator.

    The larger of two: copies of the residual stream with the widest feed-forward intermediate in 16 bit; and one copy
    of the residual stream with the sampler's copies of the logits in fp32, which every tensor-parallel rank gathers
    whole (vllm-project/vllm vllm/v1/worker/gpu_model_runner.py, profile_run and _dummy_sampler_run). To either comes
    the workspace of the experts, which outlives the layers.

    Args:
        model: whose layers they are.
        parallelism: of the candidates.
        budget_tokens: tokens of a step over all data-parallel ranks, per candidate.
        sampled: requests of one data-parallel rank for which the step samples, per candidate.
        profile: of the serving runtime.
    """
    widest = max(
        (
            matrix.outputs
            for group in model.layers
            for matrix in layer_matrices(group, model.hidden_size)
            if matrix.role in ("dense", "shared", "attention", "linear_attention")
        ),
        default=model.hidden_size,
    )
    tokens = budget_tokens / parallelism.dp
    residual = tokens * model.hidden_size * 2.0
    layers_bytes = profile.residual_copies * residual + tokens * 1.5 * widest / parallelism.tp * 2.0
    sampler_bytes = residual + profile.logit_copies * sampled * model.vocabulary * 4.0
    result: Floats = np.maximum(layers_bytes, sampler_bytes)
    if profile.expert_workspace:
        result = result + _expert_workspace_bytes(model, parallelism, budget_tokens)
    return result


def _expert_workspace_bytes(model: ModelArchitecture, parallelism: Parallelism, budget_tokens: Floats) -> Floats:
    """Return the bytes of the tokens that experts work on: gate and up or the result in one buffer, their product.

    Each token stands as often as it has experts, for as many tokens as are computed at a time (vllm-project/vllm
    vllm/model_executor/layers/fused_moe/fused_moe.py and vllm/envs.py: VLLM_FUSED_MOE_CHUNK_SIZE 16,384).
    """
    most = np.zeros(parallelism.tp.shape)
    for group in model.layers:
        mixture = group.feed_forward
        if not isinstance(mixture, MixtureFeedForward):
            continue
        shard = mixture.intermediate * parallelism.ep / (parallelism.tp * parallelism.dp)
        hidden = float(mixture.latent_size or model.hidden_size)
        rows = np.minimum(budget_tokens, EXPERT_CHUNK_TOKENS) * mixture.experts_per_token
        most = np.maximum(most, rows * (np.maximum((mixture.matrices - 1) * shard, hidden) + shard) * 2.0)
    return most


def runtime_bytes(
    model: ModelArchitecture,
    parallelism: Parallelism,
    runtime: ServingRuntime,
    sequences: Floats,
    communicators_gib: Floats,
) -> Floats:
    """Return what a serving runtime holds on an accelerator beside weights, KV cache and activations.

    Args:
        model: whose graphs are captured.
        parallelism: of the candidates.
        runtime: which serves it.
        sequences: that may run together: steps of up to twice as many tokens are captured, and of up to 512
            (vllm-project/vllm vllm/config/vllm.py, max_cudagraph_capture_size).
        communicators_gib: what tensor parallelism holds on each candidate's accelerator, GiB.
    """
    captured = np.minimum(2.0 * sequences / CAPTURED_TOKENS, 1.0)
    graphs = runtime.graph_layer_gib * captured * np.ceil(model.layer_count / parallelism.pp)
    result: Floats = (runtime.runtime_gib + graphs + np.where(parallelism.tp > 1, communicators_gib, 0.0)) * 2.0**30
    return result
