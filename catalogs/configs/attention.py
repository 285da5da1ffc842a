"""What mixes tokens in a layer: grouped, latent, linear attention, or two of them side by side."""

from collections.abc import Callable

from catalogs.configs.fields import Fields
from catalogs.configs.kinds import FULL, LINEAR, SLIDING, window
from catalogs.configs.linear import linear_layer
from catalogs.records.models import Attention, GroupedAttention, Indexer, LatentAttention, ParallelAttention


def head_count(fields: Fields) -> int:
    """Return the query heads of an attention layer."""
    return fields.integer("num_attention_heads", "n_head", "num_heads", "n_heads")


def token_mixer(fields: Fields, kind: str) -> Attention:
    """Return what mixes tokens in a layer of this kind."""
    if fields.model_type == "falcon_h1":
        grouped = grouped_attention(fields, FULL)
        return ParallelAttention(grouped=grouped, linear=linear_layer(fields))
    if kind == LINEAR:
        return linear_layer(fields)
    if not fields.value("kv_lora_rank"):
        return grouped_attention(fields, kind)
    if kind == SLIDING:
        raise fields.wrong("layer_types", "a window of latent attention", "one of the layer kinds that are known here")
    return _latent(fields)


def _latent(fields: Fields) -> LatentAttention:
    indexer = None
    if fields.value("index_topk"):
        indexer = Indexer(
            heads=fields.integer("index_n_heads"),
            head_dim=fields.integer("index_head_dim"),
            top_k=fields.integer("index_topk"),
        )
    return LatentAttention(
        heads=head_count(fields),
        kv_lora_rank=fields.integer("kv_lora_rank"),
        q_lora_rank=fields.integer_or(0, "q_lora_rank") or None,
        qk_rope_head_dim=fields.integer_or(0, "qk_rope_head_dim"),
        qk_nope_head_dim=fields.integer("qk_nope_head_dim"),
        v_head_dim=fields.integer("v_head_dim"),
        indexer=indexer,
    )


def grouped_attention(fields: Fields, kind: str, kv_heads: int | None = None) -> GroupedAttention:
    """Return softmax attention.

    Args:
        kind: of the layer: full, sliding, ….
        kv_heads: of the layer, where they differ by layer; None: the config's.

    Raises:
        InputError: the KV heads do not divide the heads.
    """
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
        heads=heads,
        kv_heads=kv,
        head_dim=dim,
        value_head_dim=value_dim if value_dim != dim else None,
        window=window(fields) if kind == SLIDING else None,
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
