"""What follows the mixing of tokens in a layer: a dense block or a mixture of experts."""

from collections.abc import Sequence

from catalogs.configs.dialects import PLAIN_MLP
from catalogs.configs.fields import Fields
from catalogs.records.models import DenseFeedForward, MixtureFeedForward


def mixture_layers(fields: Fields, count: int) -> list[bool]:
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


def dense_block(fields: Fields) -> DenseFeedForward:
    """Return the dense feed-forward block."""
    names = ["dense_intermediate_size", "intermediate_size_mlp", "intermediate_size", "n_inner", "ffn_hidden_size"]
    if not fields.value("num_experts_per_tok") and fields.value("shared_intermediate_size"):
        names.insert(0, "shared_intermediate_size")  # Granite's dense hybrids run the shared block alone
    width = fields.integer_or(0, *names, "ffn_dim")
    if not width:
        hidden = fields.integer("hidden_size", "n_embd", "d_model")
        if fields.model_type not in PLAIN_MLP:
            width = fields.integer(*names[-3:])
        width = fields.integer_or(4, "expansion_ratio") * hidden
    return DenseFeedForward(intermediate=width, matrices=2 if _matrices(fields) == 2 else 3)


def mixture_block(fields: Fields) -> MixtureFeedForward:
    """Return the mixture of experts."""
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
        experts=_experts(fields),
        experts_per_token=active,
        intermediate=width,
        shared_intermediate=shared,
        matrices=2 if _matrices(fields) == 2 else 3,
        latent_size=fields.integer_or(0, "moe_latent_size", "routed_expert_hidden_size") or None,
    )


def _experts(fields: Fields) -> int:
    return fields.integer_or(
        0, "n_routed_experts", "num_local_experts", "num_experts", "moe_num_experts", "num_routed_experts"
    )
