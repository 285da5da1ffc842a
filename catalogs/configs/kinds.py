"""Which kind each layer of a decoder is, from the many ways in which configs say it."""

from catalogs.configs.fields import Fields

FULL, SLIDING, LINEAR, FEED_FORWARD, MIXTURE = "full", "sliding", "linear", "feed_forward", "mixture"

KINDS = {
    "attention": FULL,
    "full_attention": FULL,
    "indexed_attention": FULL,
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

MOST_LAYERS = 10_000


def layer_count(fields: Fields) -> int:
    """Return how many layers the decoder has."""
    count = fields.integer("num_hidden_layers", "n_layer", "num_layers", "n_layers")
    if count > MOST_LAYERS:
        raise fields.wrong("num_hidden_layers", count, f"at most {MOST_LAYERS}")
    return count


def layer_kinds(fields: Fields, count: int) -> list[str]:
    """Return the kind of each layer, first to last."""
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
        if "indexed_attention" in names and not fields.value("kv_lora_rank"):
            known = "full_attention, or beside kv_lora_rank: index keys of other attention are not counted here"
            raise fields.wrong("layer_types", "indexed_attention", known)
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
    if not pattern or not window(fields):
        return None
    if isinstance(pattern, str):
        return [FULL if pattern[index % len(pattern)].upper() == "G" else SLIDING for index in range(count)]
    return _every(int(pattern), SLIDING, count)


def _every(interval: int, other: str, count: int) -> list[str]:
    return [other if (index + 1) % interval else FULL for index in range(count)]


def _window_kinds(fields: Fields, count: int) -> list[str] | None:
    """A window without a pattern holds for every layer, Qwen's from a layer on."""
    if not window(fields):
        return None
    first = fields.integer_or(0, "max_window_layers") if fields.value("use_sliding_window") else 0
    return [FULL if index < first else SLIDING for index in range(count)]


def window(fields: Fields) -> int | None:
    """Return the tokens that a windowed layer sees at most, or None where a prompt cannot outgrow it."""
    size = fields.integer_or(0, "sliding_window", "sliding_window_size", "attention_chunk_size")
    if not fields.flag("use_sliding_window", True):
        return None
    return size if 0 < size < fields.integer_or(1 << 60, "max_position_embeddings") else None
