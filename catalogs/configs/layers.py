"""The layers of a decoder from its config: what mixes tokens in each, what follows, and how many are alike."""

from collections import Counter
from collections.abc import Callable, Sequence

from catalogs.configs.dialects import PLAIN_MLP
from catalogs.configs.fields import Fields
from catalogs.configs.linear import linear_layer
from catalogs.errors import InputError, quoted
from catalogs.records import (
    Attention,
    DenseFeedForward,
    FeedForward,
    GroupedAttention,
    Indexer,
    LatentAttention,
    LayerGroup,
    MixtureFeedForward,
    ParallelAttention,
)

FULL, SLIDING, LINEAR, FEED_FORWARD, MIXTURE = "full", "sliding", "linear", "feed_forward", "mixture"

KINDS = {
    "attention": FULL,
    "full_attention": FULL,
    "global_attention": FULL,
    "hybrid": LINEAR,
    "sliding_attention": SLIDING,
    "sliding_window": SLIDING,
    "local_attention": SLIDING,
    "chunked_attention": SLIDING,
    "linear_attention": LINEAR,
    "mamba": LINEAR,
    "mamba2": LINEAR,
    "conv": LINEAR,
    "mlp": FEED_FORWARD,
    "moe": MIXTURE,
}
"""What configs call a kind of layer."""

LETTERS = {"M": LINEAR, "*": FULL, "-": FEED_FORWARD, "E": MIXTURE}
"""The letters of Nemotron-H's pattern."""

FFN_ROUNDING = 256
"""Nemotron's searched models round a feed-forward width up to this."""

MOST_LAYERS = 10_000


def layer_groups(fields: Fields) -> tuple[LayerGroup, ...]:
    """Return the layers of the decoder, alike ones together."""
    if fields.sequence("block_configs"):
        layers = _searched_layers(fields)
    elif fields.model_type == "nemotron_h":
        layers = _single_layers(fields)
    else:
        layers = _usual_layers(fields)
    return tuple(
        LayerGroup(count=count, attention=attention, feed_forward=block)
        for (attention, block), count in Counter(layers).items()
    )


def layer_count(fields: Fields) -> int:
    """Return how many layers the decoder has."""
    count = fields.integer("num_hidden_layers", "n_layer", "num_layers", "n_layers")
    if count > MOST_LAYERS:
        raise fields.wrong("num_hidden_layers", count, f"at most {MOST_LAYERS}")
    return count


def head_count(fields: Fields) -> int:
    """Return the query heads of an attention layer."""
    return fields.integer("num_attention_heads", "n_head", "num_heads", "n_heads")


Layer = tuple[Attention | None, FeedForward | None]


def _usual_layers(fields: Fields) -> list[Layer]:
    """Each layer mixes tokens, then runs a feed-forward block."""
    count = layer_count(fields)
    kinds = _kinds(fields, count)
    if len(kinds) < count:
        raise fields.wrong("the list of layer types", f"{len(kinds)} long", f"as long as there are layers, {count}")
    mixed = _mixture_layers(fields, count)
    mixers = {kind: _token_mixer(fields, kind) for kind in dict.fromkeys(kinds)}
    dense = None if all(mixed) else _dense(fields)
    mixture = _mixture(fields) if any(mixed) else None
    if fields.value("num_key_value_heads_per_layer"):
        heads = fields.sequence("num_key_value_heads_per_layer") or ()
        return [(_grouped(fields, FULL, kv_heads=int(kv)), dense) for kv in heads]
    return [(mixers[kind], mixture if is_mixed else dense) for kind, is_mixed in zip(kinds, mixed, strict=False)]


def _single_layers(fields: Fields) -> list[Layer]:
    """Nemotron-H: each layer is one of a mixer, a feed-forward block, a mixture."""
    pattern = fields.value("hybrid_override_pattern")
    if isinstance(pattern, str):
        kinds = [LETTERS.get(letter, "") for letter in pattern]
    else:
        kinds = [KINDS.get(str(name), "") for name in fields.sequence("layers_block_type", "layer_types") or ()]
    if not kinds or "" in kinds:
        raise fields.wrong("hybrid_override_pattern", pattern, "a pattern of M (Mamba), * (attention), - (MLP) and E")
    made: dict[str, Layer] = {
        kind: (None, _dense(fields))
        if kind == FEED_FORWARD
        else (None, _mixture(fields))
        if kind == MIXTURE
        else (_token_mixer(fields, kind), None)
        for kind in dict.fromkeys(kinds)
    }
    return [made[kind] for kind in kinds]


def _searched_layers(fields: Fields) -> list[Layer]:
    """Nemotron's architecture search: every layer says its own heads and width, or that it has none."""
    hidden = fields.integer("hidden_size")
    layers: list[Layer] = []
    for block in fields.sequence("block_configs") or ():
        attention, ffn = block.get("attention") or {}, block.get("ffn") or {}
        if attention.get("replace_with_linear") or ffn.get("replace_with_linear"):
            raise InputError(
                f"a layer of {quoted(fields.name)} is replaced by a linear map, which no layer kind describes"
            )
        kv_heads = attention.get("num_key_value_heads") or head_count(fields) // (
            attention.get("n_heads_in_group") or 1
        )
        width = ffn.get("intermediate_size") or int(2 * (ffn.get("ffn_mult") or 0) * hidden / 3)
        width += -width % FFN_ROUNDING
        layers.append(
            (
                None if attention.get("no_op") else _grouped(fields, FULL, kv_heads=kv_heads),
                None if ffn.get("no_op") or not width else DenseFeedForward(kind="dense", intermediate=width),
            )
        )
    return layers


# Which kind each layer is ---------------------------------------------------------------------------------------------


def _kinds(fields: Fields, count: int) -> list[str]:
    for read in (_listed_kinds, _recurrent_kinds, _interval_kinds, _window_kinds):
        kinds = read(fields, count)
        if kinds:
            return kinds
    return [FULL] * count


def _listed_kinds(fields: Fields, count: int) -> list[str] | None:
    """A list with a name or a flag for each layer."""
    names = fields.sequence("layer_types", "layers_block_type")
    if names:
        kinds = [KINDS.get(str(name), FULL if "full" in str(name) or "sparse" in str(name) else "") for name in names]
        if "" in kinds:
            raise fields.wrong("layer_types", names[kinds.index("")], f"one of {', '.join(KINDS)}")
        return kinds
    flags = fields.sequence("hybrid_layer_pattern")
    if flags:
        return [SLIDING if flag else FULL for flag in flags]
    flags = fields.sequence("attn_type_list")
    if flags:
        return [FULL if flag else LINEAR for flag in flags]
    flags = fields.sequence("no_rope_layers") if fields.model_type == "llama4" else None
    if flags:
        return [SLIDING if flag else FULL for flag in flags]
    return None


def _recurrent_kinds(fields: Fields, count: int) -> list[str] | None:
    """The attention layers of a hybrid by number; the others are linear."""
    inner = fields.part("linear_attn_config").get("full_attn_layers")
    if inner:
        return [FULL if number in inner else LINEAR for number in range(1, count + 1)]
    indices = fields.sequence("attn_layer_indices", "full_attn_idxs")
    if indices is not None:
        return [FULL if index in indices else LINEAR for index in range(count)]
    period = fields.integer_or(0, "attn_layer_period")
    if period:
        offset = fields.integer_or(0, "attn_layer_offset")
        return [FULL if index % period == offset else LINEAR for index in range(count)]
    return None


def _interval_kinds(fields: Fields, count: int) -> list[str] | None:
    """Every so many layers one sees all: of linear layers, of chunked ones, of sliding ones."""
    for name, other in (("full_attention_interval", LINEAR), ("no_rope_layer_interval", SLIDING)):
        interval = fields.integer_or(0, name) if other == LINEAR or fields.model_type == "llama4" else 0
        if interval:
            return _every(interval, other, count)
    pattern = fields.value("sliding_window_pattern", "_sliding_window_pattern")
    if not pattern or not _window(fields):
        return None
    if isinstance(pattern, str):
        return [FULL if pattern[index % len(pattern)].upper() == "G" else SLIDING for index in range(count)]
    return _every(int(pattern), SLIDING, count)


def _every(interval: int, other: str, count: int) -> list[str]:
    return [other if (index + 1) % interval else FULL for index in range(count)]


def _window_kinds(fields: Fields, count: int) -> list[str] | None:
    """A window without a pattern holds for every layer, Qwen's from a layer on."""
    if not _window(fields):
        return None
    first = fields.integer_or(0, "max_window_layers") if fields.value("use_sliding_window") else 0
    return [FULL if index < first else SLIDING for index in range(count)]


def _window(fields: Fields) -> int | None:
    if not fields.flag("use_sliding_window", True):
        return None
    size = fields.integer_or(0, "sliding_window", "sliding_window_size", "attention_chunk_size")
    # a window that no prompt can outgrow is none
    return size if 0 < size < fields.integer_or(1 << 60, "max_position_embeddings") else None


# What mixes tokens ----------------------------------------------------------------------------------------------------


def _token_mixer(fields: Fields, kind: str) -> Attention:
    if kind == LINEAR and fields.model_type == "falcon_h1":
        return ParallelAttention(kind="parallel", grouped=_grouped(fields, FULL), linear=linear_layer(fields))
    if fields.model_type == "falcon_h1":
        return ParallelAttention(kind="parallel", grouped=_grouped(fields, kind), linear=linear_layer(fields))
    if kind == LINEAR:
        return linear_layer(fields)
    return _latent(fields) if fields.value("kv_lora_rank") else _grouped(fields, kind)


def _latent(fields: Fields) -> LatentAttention:
    indexer = None
    if fields.value("index_topk"):
        indexer = Indexer(
            heads=fields.integer("index_n_heads"),
            head_dim=fields.integer("index_head_dim"),
            top_k=fields.integer("index_topk"),
        )
    return LatentAttention(
        kind="latent",
        heads=head_count(fields),
        kv_lora_rank=fields.integer("kv_lora_rank"),
        q_lora_rank=fields.integer_or(0, "q_lora_rank") or None,
        qk_rope_head_dim=fields.integer_or(0, "qk_rope_head_dim"),
        qk_nope_head_dim=fields.integer("qk_nope_head_dim"),
        v_head_dim=fields.integer("v_head_dim"),
        indexer=indexer,
    )


def _grouped(fields: Fields, kind: str, kv_heads: int | None = None) -> GroupedAttention:
    own: Callable[..., int] = fields.integer_or
    heads = head_count(fields)
    kv = kv_heads or _kv_heads(fields, heads)
    dim = own(0, "head_dim", "attention_head_dim", "kv_channels") or _even_share(fields, heads)
    value_dim = own(0, "v_head_dim") or dim
    if kind == SLIDING:
        heads, kv = own(heads, "swa_num_attention_heads"), own(kv, "swa_num_key_value_heads")
        dim, value_dim = own(dim, "swa_head_dim"), own(value_dim, "swa_v_head_dim")
    elif fields.value("global_head_dim"):
        dim = value_dim = own(dim, "global_head_dim")
        kv = own(kv, "num_global_key_value_heads") if fields.flag("attention_k_eq_v", False) else kv
    if heads % kv:
        raise fields.wrong("num_key_value_heads", kv, f"a divisor of the {heads} attention heads")
    return GroupedAttention(
        kind="grouped",
        heads=heads,
        kv_heads=kv,
        head_dim=dim,
        value_head_dim=value_dim if value_dim != dim else None,
        window=_window(fields) if kind == SLIDING else None,
        shares_key_value=kind == FULL and fields.flag("attention_k_eq_v", False),
        output_gate=fields.flag("attn_output_gate", False),
    )


def _kv_heads(fields: Fields, heads: int) -> int:
    if fields.flag("multi_query", False) and not fields.flag("new_decoder_architecture", False):
        return 1
    return fields.integer_or(
        heads, "num_key_value_heads", "num_kv_heads", "n_head_kv", "kv_n_heads", "multi_query_group_num"
    )


def _even_share(fields: Fields, heads: int) -> int:
    hidden = fields.integer("hidden_size", "n_embd", "d_model")
    if hidden % heads:
        raise fields.wrong("num_attention_heads", heads, f"a divisor of hidden_size {hidden}, or head_dim be given")
    return hidden // heads


# What follows ---------------------------------------------------------------------------------------------------------


def _experts(fields: Fields) -> int:
    return fields.integer_or(
        0, "n_routed_experts", "num_local_experts", "num_experts", "moe_num_experts", "num_routed_experts"
    )


def _mixture_layers(fields: Fields, count: int) -> list[bool]:
    """Return for each layer whether it has experts."""
    if not _experts(fields):
        return [False] * count
    names = fields.sequence("mlp_layer_types")
    flags = fields.sequence("moe_layer_freq", "is_moe_layer")
    numbers = fields.sequence("moe_layers")
    if names:
        return [name != "dense" for name in names]
    if flags:
        return [bool(flag) for flag in flags]
    if numbers:
        return [index in numbers for index in range(count)]
    return [_is_mixture(fields, index, count) for index in range(count)]


def _is_mixture(fields: Fields, index: int, count: int) -> bool:
    first = fields.integer_or(0, "first_k_dense_replace", "moe_layer_start_index", "num_dense_layers")
    only: Sequence[int] = fields.sequence("mlp_only_layers") or ()
    period = fields.integer_or(1, "expert_layer_period")
    # counted from one: every so many-th layer; from zero: DeepSeek's frequency and Jamba's period with its offset
    step = fields.integer_or(1, "decoder_sparse_step", "interleave_moe_layer_step", "moe_layer_interval")
    frequency = fields.integer_or(1, "moe_layer_freq")
    return (
        first <= index < count
        and index not in only
        and (index + 1) % step == 0
        and index % frequency == 0
        and index % period == fields.integer_or(0, "expert_layer_offset") % period
    )


def _matrices(fields: Fields) -> int:
    return 2 if fields.model_type in PLAIN_MLP else 3


def _dense(fields: Fields) -> DenseFeedForward:
    names = ["dense_intermediate_size", "intermediate_size_mlp", "intermediate_size", "n_inner", "ffn_hidden_size"]
    if not fields.value("num_experts_per_tok") and fields.value("shared_intermediate_size"):
        names.insert(0, "shared_intermediate_size")  # Granite's dense hybrids run the shared block alone
    width = fields.integer_or(0, *names, "ffn_dim")
    if not width:
        hidden = fields.integer("hidden_size", "n_embd", "d_model")
        if fields.model_type not in PLAIN_MLP:
            width = fields.integer(*names[-3:])
        width = fields.integer_or(4, "expansion_ratio") * hidden
    return DenseFeedForward(kind="dense", intermediate=width, matrices=2 if _matrices(fields) == 2 else 3)


def _mixture(fields: Fields) -> MixtureFeedForward:
    width = fields.integer("moe_intermediate_size", "moe_ffn_hidden_size", "intermediate_size", "ffn_hidden_size")
    shared = fields.integer_or(
        0,
        "shared_expert_intermediate_size",
        "moe_shared_expert_intermediate_size",
        "shared_intermediate_size",
        "share_expert_dim",
    )
    if not shared:
        copies = fields.integer_or(
            0, "n_shared_experts", "num_shared_experts", "num_shared_expert", "moe_num_shared_experts"
        )
        shared = copies * width
    if fields.flag("enable_moe_block", False):
        shared = fields.integer("intermediate_size")  # Gemma 4 runs a dense block beside the experts
    active = fields.integer(
        "num_experts_per_tok",
        "num_experts_per_token",
        "experts_per_token",
        "top_k_experts",
        "moe_topk",
        "moe_k",
        "moe_top_k",
    )
    if active > _experts(fields):
        raise fields.wrong("num_experts_per_tok", active, f"at most the {_experts(fields)} experts")
    return MixtureFeedForward(
        kind="mixture",
        experts=_experts(fields),
        experts_per_token=active,
        intermediate=width,
        shared_intermediate=shared,
        matrices=2 if _matrices(fields) == 2 else 3,
        latent_size=fields.integer_or(0, "moe_latent_size", "routed_expert_hidden_size") or None,
    )
