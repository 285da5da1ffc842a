"""The layers of a decoder from its config: what mixes tokens in each, what follows, and how many are alike."""

from collections import Counter

from msgspec.structs import replace

from catalogs.configs.attention import grouped_attention, head_count, token_mixer
from catalogs.configs.feed_forward import dense_block, mixture_block, mixture_layers
from catalogs.configs.fields import Fields
from catalogs.configs.kinds import FEED_FORWARD, FULL, KINDS, LETTERS, MIXTURE, layer_count, layer_kinds
from catalogs.errors import InputError, quoted
from catalogs.records.models import Attention, DenseFeedForward, FeedForward, GroupedAttention, LayerGroup

FFN_ROUNDING = 256
"""Nemotron's searched models round a feed-forward width up to this."""


def layer_groups(fields: Fields) -> tuple[tuple[LayerGroup, ...], tuple[int, ...]]:
    """Return the layers of the decoder, alike ones together, and for each layer in order which of them it is one of."""
    if fields.sequence("block_configs"):
        layers = _searched_layers(fields)
    elif fields.model_type == "nemotron_h":
        layers = _single_layers(fields)
    else:
        layers = _usual_layers(fields)
    kept = [layer for layer in layers if any(layer)]  # a searched model may leave a layer empty
    counted = Counter(kept)
    groups = tuple(
        LayerGroup(count=count, attention=attention, feed_forward=block)
        for (attention, block), count in counted.items()
    )
    kinds = list(counted)
    return groups, tuple(kinds.index(layer) for layer in kept)


Layer = tuple[Attention | None, FeedForward | None]


def _usual_layers(fields: Fields) -> list[Layer]:
    """Each layer mixes tokens, then runs a feed-forward block."""
    count = layer_count(fields)
    kinds = layer_kinds(fields, count)
    if len(kinds) < count:
        raise fields.wrong("the list of layer types", f"{len(kinds)} long", f"as long as there are layers, {count}")
    mixed = mixture_layers(fields, count)
    mixers = {kind: token_mixer(fields, kind) for kind in dict.fromkeys(kinds)}
    dense = None if all(mixed) else dense_block(fields)
    mixture = mixture_block(fields) if any(mixed) else None
    if fields.value("num_key_value_heads_per_layer"):
        heads = fields.sequence("num_key_value_heads_per_layer") or ()
        return [(grouped_attention(fields, FULL, kv_heads=int(kv)), dense) for kv in heads]
    layers = [(mixers[kind], mixture if is_mixed else dense) for kind, is_mixed in zip(kinds, mixed, strict=False)]
    own = count - min(fields.integer_or(0, "num_kv_shared_layers"), count)
    wide = 2 if fields.flag("use_double_wide_mlp", False) else 1
    return layers[:own] + [_borrowing(layer, wide) for layer in layers[own:]]


def _borrowing(layer: Layer, wide: int) -> Layer:
    """Return a layer that reads the cache of an earlier one, its dense block so many times as wide (Gemma 3n, 4 E)."""
    attention, block = layer
    if isinstance(attention, GroupedAttention):
        attention = replace(attention, borrows_cache=True)
    if isinstance(block, DenseFeedForward):
        block = replace(block, intermediate=wide * block.intermediate)
    return attention, block


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
        kind: (None, dense_block(fields))
        if kind == FEED_FORWARD
        else (None, mixture_block(fields))
        if kind == MIXTURE
        else (token_mixer(fields, kind), None)
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
                None if attention.get("no_op") else grouped_attention(fields, FULL, kv_heads=kv_heads),
                None if ffn.get("no_op") or not width else DenseFeedForward(intermediate=width),
            )
        )
    return layers
