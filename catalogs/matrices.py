"""The weight matrices of a model, from its dimensions: what parameters, memory and products are all summed from."""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from catalogs.kept import kept
from catalogs.records.models import (
    DenseFeedForward,
    GroupedAttention,
    LatentAttention,
    LayerGroup,
    LinearAttention,
    MixtureFeedForward,
    ModelArchitecture,
    ParallelAttention,
)

Role = Literal["attention", "linear_attention", "dense", "expert", "shared", "router"]


class Matrix(Struct, frozen=True):
    """One weight matrix of a layer, multiplied as (tokens × inputs) · (inputs × outputs)."""

    launch: str
    """Matrices of one layer with the same launch are computed by one kernel (Q, K and V; gate and up)."""
    inputs: int
    outputs: int
    role: Role
    split: Literal["inputs", "outputs", "none"]
    """The side that tensor parallelism shards; none is replicated on every accelerator."""
    ways: int
    """The most shards that it can be cut into; beyond that shards are replicated."""
    copies: int = 1
    """Alike in the layer (experts)."""
    parts: int = 1
    """Matrices of a checkpoint that are computed as one (K and V, gate and up), each of all inputs."""

    @property
    def parameters(self) -> int:
        """Parameters of all copies."""
        return self.inputs * self.outputs * self.copies

    def adapter_parameters(self, rank: int) -> int:
        """Return the parameters of LoRA on it, as PEFT has them: two factors for each matrix of the checkpoint."""
        return rank * (self.inputs * self.parts + self.outputs) * self.copies


def layer_matrices(group: LayerGroup, hidden_size: int) -> tuple[Matrix, ...]:
    """Return the matrices of one layer of the group."""
    return tuple(_attention(group.attention, hidden_size)) + tuple(_feed_forward(group.feed_forward, hidden_size))


def _attention(attention: object, hidden: int) -> Iterator[Matrix]:
    match attention:
        case GroupedAttention():
            value_dim = attention.value_head_dim or attention.head_dim
            queries = attention.heads * attention.head_dim * (2 if attention.output_gate else 1)
            keys = attention.kv_heads * attention.head_dim
            values = 0 if attention.shares_key_value else attention.kv_heads * value_dim
            yield Matrix("qkv", hidden, queries, "attention", "outputs", attention.heads)
            parts = 2 if values else 1
            yield Matrix("qkv", hidden, keys + values, "attention", "outputs", attention.kv_heads, parts=parts)
            yield Matrix(
                "attention_output", attention.heads * value_dim, hidden, "attention", "inputs", attention.heads
            )
        case LatentAttention():
            yield from _latent(attention, hidden)
        case LinearAttention():
            yield Matrix(
                "linear_input", hidden, attention.input_columns, "linear_attention", "outputs", attention.heads
            )
            yield Matrix("linear_output", attention.output_rows, hidden, "linear_attention", "inputs", attention.heads)
        case ParallelAttention():
            yield from _attention(attention.grouped, hidden)
            yield from _attention(attention.linear, hidden)


def _latent(attention: LatentAttention, hidden: int) -> Iterator[Matrix]:
    heads, rank = attention.heads, attention.kv_lora_rank
    queries = heads * (attention.qk_nope_head_dim + attention.qk_rope_head_dim)
    if attention.q_lora_rank:
        yield Matrix("latent_down", hidden, attention.q_lora_rank, "attention", "none", 1)
        yield Matrix("query_up", attention.q_lora_rank, queries, "attention", "outputs", heads)
    else:
        yield Matrix("query_up", hidden, queries, "attention", "outputs", heads)
    yield Matrix("latent_down", hidden, rank + attention.qk_rope_head_dim, "attention", "none", 1)
    values = heads * (attention.qk_nope_head_dim + attention.v_head_dim)
    yield Matrix("key_value_up", rank, values, "attention", "outputs", heads)
    yield Matrix("attention_output", heads * attention.v_head_dim, hidden, "attention", "inputs", heads)
    if attention.indexer:
        index = attention.indexer
        query_inputs = attention.q_lora_rank or hidden
        yield Matrix("index_query", query_inputs, index.heads * index.head_dim, "attention", "none", 1)
        yield Matrix("index_key", hidden, index.head_dim + index.heads, "attention", "none", 1)


def _feed_forward(block: object, hidden: int) -> Iterator[Matrix]:
    match block:
        case DenseFeedForward():
            yield from _gated("dense", "dense", hidden, block.intermediate, block.matrices, 1)
        case MixtureFeedForward():
            inner = block.latent_size or hidden
            yield Matrix("router", hidden, block.experts, "router", "none", 1)
            yield from _gated("expert", "expert", inner, block.intermediate, block.matrices, block.experts)
            if block.latent_size:
                yield Matrix("latent_in", hidden, inner, "shared", "none", 1)
                yield Matrix("latent_out", inner, hidden, "shared", "none", 1)
            if block.shared_intermediate:
                yield from _gated("shared", "shared", hidden, block.shared_intermediate, block.matrices, 1)


def _gated(name: str, role: Role, hidden: int, width: int, matrices: int, copies: int) -> Iterator[Matrix]:
    yield Matrix(f"{name}_up", hidden, width * (matrices - 1), role, "outputs", width, copies, matrices - 1)
    yield Matrix(f"{name}_down", width, hidden, role, "inputs", width, copies)


def embedding_parameters(model: ModelArchitecture) -> int:
    """Return the parameters of the token embedding and the LM head; tied ones count once."""
    return model.vocabulary * model.hidden_size * (1 if model.tied_embeddings else 2)


def norm_parameters(model: ModelArchitecture) -> int:
    """Return the parameters of the layer norms: two per layer and the last one (biases and QK norms are left out)."""
    return model.hidden_size * (2 * model.layer_count + 1)


def linear_extra_parameters(group: LayerGroup) -> int:
    """Return a linear layer's parameters beside its two projections (convolution, decay, gate norms)."""
    match group.attention:
        case (
            LinearAttention(extra_parameters=extra) | ParallelAttention(linear=LinearAttention(extra_parameters=extra))
        ):
            return extra
        case _:
            return 0


def mtp_group(model: ModelArchitecture) -> LayerGroup | None:
    """Return the kind of a model's layers of multi-token prediction: its last with softmax attention and experts.

    Of a model whose layers are attention or experts (Nemotron-H), one of each ('*E' in mtp_hybrid_override_pattern).
    """
    if not model.mtp_layers:
        return None
    full = [group for group in model.layers if not isinstance(group.attention, LinearAttention | None)]
    kinds = [group for group in full if group.feed_forward]
    alone = [group.feed_forward for group in model.layers if group.feed_forward and group.attention is None]
    if full and alone and not kinds:
        block = next((one for one in reversed(alone) if isinstance(one, MixtureFeedForward)), alone[-1])
        return LayerGroup(count=1, attention=full[-1].attention, feed_forward=block)
    kinds = kinds or full or list(model.layers)
    return next((group for group in reversed(kinds) if isinstance(group.feed_forward, MixtureFeedForward)), kinds[-1])


def mtp_parameters(model: ModelArchitecture) -> int:
    """Return the parameters of the layers of multi-token prediction.

    Each is a layer of the model and a projection of two hidden states to one (DeepSeek-V3 technical report, 2.2).
    """
    group = mtp_group(model)
    if group is None:
        return 0
    layer = sum(matrix.parameters for matrix in layer_matrices(group, model.hidden_size))
    ends = 2 * model.vocabulary * model.hidden_size if model.mtp_repeats_ends else 0
    return model.mtp_layers * (layer + 2 * model.hidden_size**2 + ends)


@kept(256)
def total_parameters(model: ModelArchitecture) -> int:
    """Return all parameters that the accelerators must hold."""
    per_layer = sum(
        group.count
        * (
            sum(matrix.parameters for matrix in layer_matrices(group, model.hidden_size))
            + linear_extra_parameters(group)
        )
        for group in model.layers
    )
    return per_layer + embedding_parameters(model) + norm_parameters(model) + model.extra_parameters


def active_parameters(model: ModelArchitecture) -> int:
    """Return the parameters that one token's forward step uses, the token embedding included as publishers count it."""
    idle = 0
    for group in model.layers:
        if isinstance(group.feed_forward, MixtureFeedForward):
            block = group.feed_forward
            routed = sum(m.parameters for m in layer_matrices(group, model.hidden_size) if m.role == "expert")
            idle += group.count * routed * (block.experts - block.experts_per_token) // block.experts
    return total_parameters(model) - idle
