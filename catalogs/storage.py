"""How many bits the weights of a model take, part by part, in a checkpoint or in a precision that somebody asks for."""

from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from catalogs.matrices import (
    Matrix,
    embedding_parameters,
    layer_matrices,
    linear_extra_parameters,
    mtp_group,
    norm_parameters,
)
from catalogs.records.models import Checkpoint, GroupedAttention, ModelArchitecture, Part
from catalogs.records.precisions import Precision

WIDE_BITS = 16.0
"""Norms, towers, tables and whatever a quantised checkpoint leaves alone."""
USUALLY_WIDE: frozenset[Part] = frozenset({"router", "embedding", "head"})
"""Parts that quantisers leave in 16 bit unless they are told otherwise (the defaults of every dialect that we read)."""


class Storage(Struct, frozen=True):
    """How the weights of a model are stored."""

    precision: Precision
    """Of most of them."""
    formats: Mapping[Part, str]
    """Id of the precision in which each part is computed with: 'bf16' where most of it is in 16 bit."""
    block: int | None
    """Side of the squares that share a scale, of which every shard must be whole."""
    group: int | None
    """Inputs that share a scale, of which every shard along the inputs must be whole."""
    intermediate: int | None
    """Width of the feed-forward block as the checkpoint pads it."""
    bits: Mapping[str, float]
    """Per weight, scales included: of each launch of a layer's matrices, of 'embedding', 'head' and all 'others'."""

    def bytes_per_weight(self, launch: str) -> float:
        """Return the bytes of a weight of a launch, of 'embedding', 'head' or 'others', scales included."""
        return self.bits[launch] / 8

    def is_low(self, part: Part) -> bool:
        """Return whether a part is computed with in the storage's own precision, rather than in 16 bit."""
        return self.formats[part] != "bf16"


def storage_of(
    model: ModelArchitecture,
    precision: Precision,
    checkpoint: Checkpoint | None,
    precision_called: Callable[[str], Precision],
) -> Storage:
    """Return how a model's weights are stored in a precision.

    Args:
        precision: of most of the weights; formats of 16 bits and more apply to everything.
        checkpoint: the one that is served where its precision is this one; None for the usual way of quantising.
        precision_called: the catalog's precision of an id.
    """
    own = checkpoint if checkpoint is not None and checkpoint.precision == precision.id else None
    main = precision.bits if own is None or own.bits is None else own.bits
    bits: dict[str, float] = {}
    formats: dict[Part, str] = {}
    if precision.bits >= WIDE_BITS:
        everywhere = dict.fromkeys((matrix.launch for matrix in _matrices(model)), precision.bits)
        plain: dict[Part, str] = {part: "bf16" if part in USUALLY_WIDE else precision.id for part in _PARTS}
        ends = {"embedding": precision.bits, "head": precision.bits, "others": precision.bits}
        return Storage(precision, plain, None, None, None, everywhere | ends)
    for part in _PARTS:
        other = own.formats.get(part) if own else None
        narrow = (own.part_bits.get(part) if own else None) or (precision_called(other).bits if other else main)
        wide = _wide_share(model, part, own, whole=bool(precision.tensor_bits))
        formats[part] = "bf16" if wide > 0.5 else other or precision.id
        for launch in {matrix.launch for matrix in _matrices(model) if matrix.role == part} or {part}:
            in_file = precision.tensor_bits and not other and _bits_in_file(model, precision, launch)
            bits[launch] = wide * WIDE_BITS + (1 - wide) * (in_file or narrow)
    cut = (own.block, own.group, own.intermediate) if own else (None, None, None)
    return Storage(precision, formats, *cut, bits | {"others": WIDE_BITS})


_PARTS: tuple[Part, ...] = (
    "attention",
    "linear_attention",
    "dense",
    "expert",
    "shared",
    "router",
    "embedding",
    "head",
    "mtp",
)


def _wide_share(model: ModelArchitecture, part: Part, own: Checkpoint | None, *, whole: bool) -> float:
    if own is not None:
        if part in own.wide:
            return own.wide[part]
        if part in own.formats:
            return 0.0
    if part in USUALLY_WIDE:
        return 0.0 if whole and part != "router" else 1.0
    if own is None or not own.wide:
        return float(model.quantised_parts == "experts" and part != "expert" and not whole)
    return 0.0


def _bits_in_file(model: ModelArchitecture, precision: Precision, launch: str) -> float:
    """Return the bits of a launch in a GGUF file, whose types differ by tensor."""
    types = precision.tensor_bits
    usual = types["usual"]
    if launch == "qkv":
        share = _value_share(model)
        return share * types.get("value", usual) + (1 - share) * usual
    if launch.endswith("_down") and launch != "latent_down":
        return types.get("down", usual)
    if launch == "head" or (launch == "embedding" and model.tied_embeddings):
        return types.get("head", usual)
    if launch.endswith("_output"):
        return types.get("output", usual)
    return usual


def _value_share(model: ModelArchitecture) -> float:
    """Return the share of the value projections among those of queries, keys and values."""
    values = total = 0
    for group in model.layers:
        attention = group.attention
        if isinstance(attention, GroupedAttention):
            width = attention.value_head_dim or attention.head_dim
            values += group.count * attention.kv_heads * width
            total += group.count * (
                attention.heads * attention.head_dim + attention.kv_heads * (attention.head_dim + width)
            )
    return values / total if total else 0.0


def _matrices(model: ModelArchitecture) -> Iterator[Matrix]:
    for group in model.layers:
        yield from layer_matrices(group, model.hidden_size)


def mtp_bytes(model: ModelArchitecture, storage: Storage, checkpoint: Checkpoint | None = None) -> float:
    """Return the bytes of the layers of multi-token prediction, which a checkpoint holds beside the model.

    A GGUF file is taken to leave them out: Qwen3.5's in Q8_0 weigh 1.000 to 1.003 of what they do without.

    Args:
        checkpoint: that says whether it leaves them in 16 bit.
    """
    group = mtp_group(model)
    if group is None or storage.precision.tensor_bits:
        return 0.0
    wide = storage.precision.bits >= WIDE_BITS or (checkpoint is not None and checkpoint.wide.get("mtp", 0.0) > 0.5)
    plain = max(WIDE_BITS, storage.precision.bits) / 8
    held = sum(
        matrix.parameters * (plain if wide else storage.bytes_per_weight(matrix.launch))
        for matrix in layer_matrices(group, model.hidden_size)
    )
    ends = 2 * model.vocabulary * model.hidden_size if model.mtp_repeats_ends else 0
    return model.mtp_layers * (held + (2 * model.hidden_size**2 + ends) * plain)


def weights_by_part(model: ModelArchitecture, storage: Storage) -> dict[str, float]:
    """Return the bytes of a model's weights by part; they sum to the whole."""
    parts: dict[str, float] = {}
    # A GGUF file leaves towers to a file of their own, which is loaded only for pictures and sound.
    towers = model.tower_parameters if storage.precision.tensor_bits else 0
    others = norm_parameters(model) + model.extra_parameters - towers
    for group in model.layers:
        others += group.count * linear_extra_parameters(group)
        for matrix in layer_matrices(group, model.hidden_size):
            held = group.count * matrix.parameters * storage.bytes_per_weight(matrix.launch)
            parts[matrix.role] = parts.get(matrix.role, 0.0) + held
    one = model.vocabulary * model.hidden_size
    parts["embedding"] = one * storage.bytes_per_weight("embedding")
    if not model.tied_embeddings:
        parts["head"] = (embedding_parameters(model) - one) * storage.bytes_per_weight("head")
    parts["others"] = others * storage.bytes_per_weight("others")
    return parts
