"""What an accelerator of a replica holds: weights, KV cache, activations, the runtime; and how many sequences fit.

All functions take arrays over candidates (tp, pp, dp, ep); bytes throughout.
"""

from collections.abc import Mapping

import numpy as np

from catalogs.kept import kept
from catalogs.matrices import layer_matrices, linear_extra_parameters, norm_parameters
from catalogs.records.models import LayerGroup, MixtureFeedForward, ModelArchitecture
from catalogs.records.runtime_memory import PoolShares, Profile, StepReserve
from catalogs.records.runtimes import ServingRuntime
from catalogs.storage import Storage, weights_by_part
from catalogs.units import GIB
from engine.arrays import Floats, Ints
from engine.step.operations import INDEX_KEY_BYTES, layers
from engine.step.parallelism import Parallelism

EXPERT_CHUNK_TOKENS = 16384.0
"""Most tokens that experts compute at a time."""

CAPTURED_TOKENS = 512.0
"""Tokens of the largest step of which a graph is captured, where enough requests may run together."""


@kept(256)
def weights_bytes(model: ModelArchitecture, storage: Storage) -> float:
    """Return the bytes of the whole model's weights as they are stored."""
    return sum(weights_by_part(model, storage).values())


def weights_bytes_per_accelerator(
    model: ModelArchitecture, parallelism: Parallelism, storage: Storage, expert_units: tuple[Ints, Ints] | None = None
) -> Floats:
    """Return the weight bytes on the fullest accelerator of each candidate.

    Args:
        model: as in ``weight_parts``, and so are all others.
        storage: of the model's weights.
        expert_units: multiples to which kernels fill up experts.
    """
    return sum_of(weight_parts(model, parallelism, storage, expert_units))


def weight_parts(
    model: ModelArchitecture, parallelism: Parallelism, storage: Storage, expert_units: tuple[Ints, Ints] | None = None
) -> dict[str, Floats]:
    """Return what the fullest accelerator of each candidate holds of the weights, bytes by name.

    Matrices are sharded over tp as finely as they can be cut and replicated beyond; experts over ep and the rest of
    tp·dp; a pipeline stage holds its share of the layers, and the first or last the embedding or the LM head.

    Args:
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
    deepest = share_of_layers(model, parallelism)
    parts = weights_by_part(model, storage)
    embedding, head = parts["embedding"] / parallelism.tp, parts.get("head", 0.0) / parallelism.tp
    ends = np.where(parallelism.pp == 1, embedding + head, np.maximum(embedding, head))
    extra = parts["others"] - plain * (
        norm_parameters(model) + sum(group.count * linear_extra_parameters(group) for group in model.layers)
    )
    others = (norm_parameters(model) * plain + extra / parallelism.tp) / parallelism.pp
    return {"layers": layer_bytes * deepest, "embedding and LM head": ends, "norms and others": others}


def share_of_layers(model: ModelArchitecture, parallelism: Parallelism) -> Floats:
    """Return the share of a model's layers on the fullest stage of each candidate's pipeline: 2 of 3 on two stages."""
    return np.ceil(model.layer_count / parallelism.pp) / model.layer_count


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
    return sum(kv_parts(model, kv_bytes).values())


def kv_parts(model: ModelArchitecture, kv_bytes: float) -> dict[str, float]:
    """Return the whole model's KV bytes of one more token by kind of layer."""
    parts: dict[str, float] = {}
    for layer in layers(model):
        mix = layer.mixing
        if mix is None or not mix.stored_elements:
            continue
        kind = f"sliding window of {mix.window:,}" if mix.window else "full attention"
        name = f"{kind if mix.splits else 'latent attention'}, {mix.stored_elements:,} elements per layer"
        parts[name] = parts.get(name, 0.0) + layer.count * mix.stored_elements * kv_bytes
        if mix.index_elements:
            keys = layer.count * mix.index_elements * INDEX_KEY_BYTES
            parts["index keys"] = parts.get("index keys", 0.0) + keys
    return parts


def sequence_bytes(
    model: ModelArchitecture,
    tokens: Floats,
    kv_bytes: Floats,
    parallelism: Parallelism | None = None,
    shares: PoolShares | None = None,
) -> Floats:
    """Return the KV and state bytes of a sequence of ``tokens`` live tokens.

    Sliding layers stop growing at their window; linear layers hold a constant state; sparse attention (an indexer)
    keeps every token although it reads few. Where a runtime splits its pool by kind of layer, they are the pool's
    bytes over the sequences that the part that fills first has room for.

    Args:
        tokens: live tokens of the sequence; broadcasts against ``kv_bytes``.
        kv_bytes: bytes per KV element, per candidate.
        parallelism: of the candidates: bytes are then those on one accelerator of each, where KV heads are sharded no
            finer than they are, a latent vector is replicated over tp and the fullest stage of a pipeline counts, by
            its share of the layers. None: the whole model's.
        shares: by which the runtime splits its pool; None: it does not.
    """
    nothing: Floats = np.zeros(np.broadcast(tokens, kv_bytes).shape)
    cached, states = nothing, nothing
    room = _room(model, tokens, shares)
    stage = 1.0 if parallelism is None else share_of_layers(model, parallelism)
    for layer in layers(model):
        mix = layer.mixing
        if mix is None:
            continue
        live = tokens if room is None else room
        if mix.window and not mix.index_elements:
            live = np.minimum(tokens, mix.window) if room is None or shares is None else shares.window_tokens * room
        cache = live * mix.stored_elements * kv_bytes
        index = tokens * mix.index_elements * INDEX_KEY_BYTES
        state: Floats | float = mix.state_bytes
        if parallelism is not None:
            if mix.splits:
                cache = cache / np.minimum(parallelism.tp, mix.kv_heads)
            state = mix.state_bytes / np.minimum(parallelism.tp, mix.linear_heads)
            cache, index, state = cache * stage, index * stage, state * stage
        cached = cached + layer.count * (cache + index)
        states = states + layer.count * state
    if shares is None or not (np.any(states) and np.any(cached)):
        return cached + states
    both = 1 + shares.state_memory
    return np.maximum(cached * both, states * shares.state_slots * both / shares.state_memory)


def _room(model: ModelArchitecture, tokens: Floats, shares: PoolShares | None) -> Floats | None:
    """Return the tokens of full layers' room that a sequence takes, where sliding layers' room goes with it.

    None where they do not share a pool: nobody splits it, or the model has layers of one kind only.
    """
    kinds = [layer.mixing for layer in layers(model) if layer.mixing and layer.mixing.stored_elements]
    windows = [mix.window for mix in kinds if mix.window and not mix.index_elements]
    if shares is None or not windows or len(windows) == len(kinds):
        return None
    return np.maximum(tokens, np.minimum(tokens, max(windows)) / shares.window_tokens)


PROMPT_GRAPHS: Ints = np.array(
    [
        *(*range(4, 33, 4), *range(48, 257, 16), *range(288, 513, 32), *range(576, 1025, 64)),
        *(*range(1280, 4097, 256), *range(4608, 2**17 + 1, 512)),
    ]
)
"""Tokens of the steps of which SGLang captures graphs, up to its chunk (generate_prefill_cuda_graph_batch_sizes)."""


def memory_share(
    reserve: StepReserve,
    model: ModelArchitecture,
    parallelism: Parallelism,
    memory_bytes: Floats,
    tokens: Floats,
    captured: Floats,
) -> Floats:
    """Return the share of accelerators' memory that a runtime's rule gives to weights and KV cache.

    Args:
        reserve: the rule.
        memory_bytes: of each candidate's accelerator.
        tokens: of a step that computes prompts, per candidate.
        captured: requests of the largest captured decoding step, per candidate.
    """
    memory_mib = memory_bytes / 2**20
    latent = any(layer.mixing and not layer.mixing.splits for layer in layers(model))
    sizes = np.searchsorted(PROMPT_GRAPHS, tokens, side="right")
    rank_mib = reserve.rank_request_mib + np.where(
        captured > reserve.large_captured, reserve.large_rank_request_mib - reserve.rank_request_mib, 0.0
    )
    reserved = (
        reserve.constant_mib
        + reserve.token_mib * np.maximum(tokens, reserve.least_tokens)
        + reserve.captured_request_mib * captured
        + np.where(parallelism.dp > 1, rank_mib * captured * parallelism.dp, 0.0)
        + reserve.accelerator_mib * parallelism.tp * parallelism.dp * parallelism.pp
        + (reserve.latent_prompt_graphs_mib if latent else reserve.prompt_graph_mib * sizes)
    )
    large = memory_mib > reserve.large_device_gib * 1024
    reserved = np.where(large, np.maximum(reserved, reserve.least_mib), reserved)
    towers = model.tower_parameters / reserve.usual_tower_parameters
    seeing = reserve.tower_share * np.clip(1 - reserve.tower_slope * (towers - 1), *reserve.tower_bounds)
    return np.round(1 - reserved / memory_mib, 3) * (seeing if model.tower_parameters else 1.0)


def activation_bytes(
    model: ModelArchitecture, parallelism: Parallelism, budget_tokens: Floats, sampled: Floats, profile: Profile
) -> Floats:
    """Return the bytes that a serving runtime's trial step holds beside weights and KV cache, per accelerator.

    Args:
        model: as in ``activation_parts``, and so are all others.
        budget_tokens: tokens of a step.
        sampled: requests for which it samples.
    """
    parts = activation_parts(model, parallelism, budget_tokens, sampled, profile)
    return np.maximum(parts["layers"], parts["sampler"]) + parts["experts"]


def activation_parts(
    model: ModelArchitecture, parallelism: Parallelism, budget_tokens: Floats, sampled: Floats, profile: Profile
) -> dict[str, Floats]:
    """Return what a serving runtime's trial step holds by turns, the layers and the sampler, and what outlives both.

    The larger of two counts: copies of the residual stream with the widest feed-forward intermediate in 16 bit; and one
    copy of the residual stream with the sampler's copies of the logits in fp32, which every tensor-parallel rank
    gathers whole (vllm-project/vllm vllm/v1/worker/gpu_model_runner.py, profile_run and _dummy_sampler_run). To either
    comes the workspace of the experts, which outlives the layers.

    Args:
        budget_tokens: tokens of a step over all data-parallel ranks, per candidate.
        sampled: requests of one data-parallel rank for which the step samples, per candidate.
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
    experts = _expert_workspace_bytes(model, parallelism, budget_tokens) if profile.expert_workspace else 0.0 * tokens
    return {"layers": layers_bytes, "sampler": sampler_bytes, "experts": experts}


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
        model: as in ``runtime_parts``, and so are all others.
        sequences: that may run together.
        communicators_gib: what tensor parallelism holds.
    """
    return sum_of(runtime_parts(model, parallelism, runtime, sequences, communicators_gib))


def runtime_parts(
    model: ModelArchitecture,
    parallelism: Parallelism,
    runtime: ServingRuntime,
    sequences: Floats,
    communicators_gib: Floats,
) -> dict[str, Floats]:
    """Return what a serving runtime holds on an accelerator beside weights, KV cache and activations, bytes by name.

    Args:
        sequences: that may run together: steps of up to twice as many tokens are captured, and of up to 512
            (vllm-project/vllm vllm/config/vllm.py, max_cudagraph_capture_size).
        communicators_gib: what tensor parallelism holds on each candidate's accelerator, GiB.
    """
    captured = np.minimum(2.0 * sequences / CAPTURED_TOKENS, 1.0)
    graphs = runtime.graph_layer_gib * captured * np.ceil(model.layer_count / parallelism.pp)
    communicators = np.where(parallelism.tp > 1, communicators_gib, 0.0)
    parts = {"process and driver": runtime.runtime_gib + 0.0 * graphs, "graphs": graphs, "communicators": communicators}
    return {name: gib * GIB for name, gib in parts.items()}


def sum_of(parts: Mapping[str, Floats]) -> Floats:
    """Return the sum of named parts, arrays of one shape."""
    return np.sum(list(parts.values()), axis=0)
