"""The modules of a model by name, and what share of each of its parts a checkpoint keeps in which format."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from catalogs.configs.quantisation import USUAL_BITS, Format, Quantisation
from catalogs.matrices import Matrix, layer_matrices
from catalogs.records.models import LayerGroup, Part
from catalogs.storage import USUALLY_WIDE

MIXERS = ("linear_attn", "mixer", "mamba", "self_attn", "conv")
ATTENTION = ("self_attn", "mixer", "attention", "attn")
EXPERT_BLOCKS = ("mlp.", "block_sparse_moe.", "mixer.", "feed_forward.", "moe.", "")
_NAMES: Mapping[str, tuple[str, ...]] = {
    "qkv": tuple(f"{mixer}.{name}" for mixer in ATTENTION for name in ("{}_proj", "qkv_proj")),
    "attention_output": tuple(f"{mixer}.o_proj" for mixer in ATTENTION),
    "latent_down": ("self_attn.q_a_proj", "self_attn.kv_a_proj_with_mqa"),
    "query_up": ("self_attn.q_b_proj", "self_attn.q_proj"),
    "key_value_up": ("self_attn.kv_b_proj",),
    "index_query": ("self_attn.indexer.wq_b",),
    "index_key": ("self_attn.indexer.wk", "self_attn.indexer.weights_proj"),
    "linear_input": tuple(
        f"{mixer}.{name}" for mixer in MIXERS for name in ("in_proj", "in_proj_qkv", "in_proj_qkvz", "q_proj")
    ),
    "linear_output": tuple(f"{mixer}.{name}" for mixer in MIXERS for name in ("out_proj", "o_proj")),
    "dense_up": ("mlp.gate_proj", "mlp.up_proj", "mlp.gate_up_proj", "feed_forward.w1", "mixer.up_proj"),
    "dense_down": ("mlp.down_proj", "feed_forward.w2", "mixer.down_proj"),
    "router": ("mlp.gate", "block_sparse_moe.gate", "mlp.router", "mixer.gate", "feed_forward.router"),
    "expert_up": tuple(
        f"{block}experts{name}"
        for block in EXPERT_BLOCKS
        for name in (".0.gate_proj", ".0.up_proj", ".0.w1", ".gate_up_proj", "")
    ),
    "expert_down": tuple(
        f"{block}experts{name}" for block in EXPERT_BLOCKS for name in (".0.down_proj", ".0.w2", ".down_proj", "")
    ),
    "shared_up": ("mlp.shared_experts.gate_proj", "mlp.shared_expert.gate_proj", "mixer.shared_experts.up_proj"),
    "shared_down": ("mlp.shared_experts.down_proj", "mlp.shared_expert.down_proj", "mixer.shared_experts.down_proj"),
    "latent_in": ("mixer.fc1_latent_proj", "mlp.fc1_latent_proj"),
    "latent_out": ("mixer.fc2_latent_proj", "mlp.fc2_latent_proj"),
}
"""What families call the modules of a launch; a rule that matches one of them is about it."""
WORTH_SAYING = 1e-3
"""Share by which the bits of a part differ where they are held apart from those of its precision."""
ENDS: frozenset[Part] = frozenset({"head", "embedding", "mtp"})
"""Parts that do not decide in which format most of a model is."""
_HOLDERS = ("model.layers.", "model.language_model.layers.", "backbone.layers.")


class Stored(Struct, frozen=True):
    """How the parts of a model are stored in a checkpoint."""

    main: Format
    """Of the most weights that are not in 16 bit."""
    formats: Mapping[Part, str]
    """Precision of parts of which most is in another low format."""
    wide: Mapping[Part, float]
    """Share of each part that is left in 16 bit, where that is not what a quantised checkpoint usually does."""
    part_bits: Mapping[Part, float]
    """Bits per weight of what of a part is not in 16 bit, where its formats or its groups are not those said above."""


class Module(Struct, frozen=True):
    """Weights of a model, and what families call the module that holds them."""

    part: Part
    parameters: int
    names: tuple[str, ...]


def model_modules(
    groups: Sequence[LayerGroup], order: Sequence[int], hidden_size: int, *, dense_beside_experts: bool, has_mtp: bool
) -> Iterator[Module]:
    """Yield the modules of a model, layer by layer, then its ends.

    Args:
        groups: the model's layers, alike ones together.
        order: for each layer, first to last, which of the groups it belongs to.
        hidden_size: width of the residual stream.
        dense_beside_experts: a dense block called mlp runs beside the experts (Gemma 4).
        has_mtp: layers of multi-token prediction follow; they are called as experts are, or dense blocks.
    """
    inner: tuple[str, ...] = ()
    beside = (
        {"expert": ("experts", "experts.0.gate_proj"), "shared": _NAMES["dense_up"]} if dense_beside_experts else {}
    )
    for index, group in enumerate(order):
        for matrix, usual in _matrices(groups[group], hidden_size):
            names = beside.get(matrix.role, usual)
            inner = names if matrix.role == "expert" or not inner else inner
            yield Module(
                matrix.role,
                matrix.parameters,
                tuple(f"{holder}{index}.{name}" for holder in _HOLDERS for name in names),
            )
    if has_mtp:
        yield Module(
            "mtp",
            1,
            tuple(f"{holder}.{name}" for holder in (f"model.layers.{len(order)}", "mtp.layers.0") for name in inner),
        )
    yield Module("head", 1, ("lm_head",))
    yield Module("embedding", 1, ("model.embed_tokens",))


def stored_parts(modules: Iterable[Module], quantisation: Quantisation) -> Stored | None:
    """Return what the rules of a quantisation make of a model's parts; None where they match nothing of its layers."""
    rules = [(re.compile(rule.modules), rule.format) for rule in quantisation.rules]
    parts: dict[Part, Counter[Format | None]] = {}
    for module in modules:
        matching = (format for pattern, format in rules if any(pattern.match(name) for name in module.names))
        parts.setdefault(module.part, Counter())[next(matching, None)] += module.parameters
    narrow = {part: Counter({one: count for one, count in formats.items() if one}) for part, formats in parts.items()}
    low = sum((formats for part, formats in narrow.items() if part not in ENDS), Counter())
    if not low:
        return None
    main = low.most_common(1)[0][0]
    most = {part: formats.most_common(1)[0][0] for part, formats in narrow.items() if formats}
    wide = {part: round(formats[None] / formats.total(), 4) for part, formats in parts.items()}
    others = {part: format.precision for part, format in most.items() if format != main or part in USUALLY_WIDE}
    bits: dict[Part, float] = {
        part: sum((format.stored_bits * count for format, count in formats.items() if format), 0.0) / formats.total()
        for part, formats in narrow.items()
        if formats
    }
    usual = {part: USUAL_BITS[others[part]] if part in others else main.stored_bits for part in bits}
    return Stored(
        main,
        others,
        {
            part: share
            for part, share in wide.items()
            if share != (1.0 if part in USUALLY_WIDE else 0.0) and (share or part not in most)
        },
        {part: round(held, 4) for part, held in bits.items() if abs(held / usual[part] - 1) > WORTH_SAYING},
    )


def _matrices(group: LayerGroup, hidden_size: int) -> Iterator[tuple[Matrix, tuple[str, ...]]]:
    """Yield each matrix of a layer with the names that families give its module."""
    queries = True
    for matrix in layer_matrices(group, hidden_size):
        names = _NAMES.get(matrix.launch, (matrix.launch,))
        if matrix.launch == "qkv":
            names = tuple(name.format("q" if queries else "k") for name in names)
            queries = False
        yield matrix, names
