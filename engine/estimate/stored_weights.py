"""How the bytes of a model come about: parameters part by part, in the bits in which each checkpoint stores them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from catalogs.matrices import mtp_parameters
from catalogs.records.models import Checkpoint, ModelArchitecture
from catalogs.records.precisions import Precision
from catalogs.storage import Storage, mtp_bytes, storage_of, weights_by_part
from engine.step.memory import kv_bytes_per_token

PART_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "attention": "attention",
        "linear_attention": "linear attention",
        "dense": "feed-forward",
        "expert": "routed experts",
        "shared": "shared experts",
        "router": "routers",
        "embedding": "embedding",
        "head": "LM head",
        "others": "norms and others",
        "mtp": "multi-token prediction",
    }
)
"""What the parts of a model's weights are called."""


class StoredPart(Struct, frozen=True):
    """One part of a checkpoint."""

    bits: float
    """Per parameter, scales included; the mean where its matrices differ."""
    bytes: float


class StoredWeights(Struct, frozen=True):
    """One checkpoint, part by part."""

    repository: str | None
    """Null: no checkpoint of the model is known, and this is its own precision."""
    precision: str
    parts: dict[str, StoredPart]
    total_bytes: float
    published_bytes: float | None
    """Of its weight files, where they are known."""


class ModelBytes(Struct, frozen=True):
    """How the bytes of a model come about."""

    parameters: dict[str, int]
    """By part."""
    checkpoints: tuple[StoredWeights, ...]
    kv_cache_bytes_per_token: dict[str, float]
    """By precision of the cache, while every window still grows; states that do not grow are left out."""


def model_bytes(model: ModelArchitecture, precision_called: Callable[[str], Precision]) -> ModelBytes:
    """Return how a model's bytes come about in each checkpoint that the catalog knows, whose precisions are given."""
    plain = precision_called("bf16")
    in_16_bit = weights_by_part(model, storage_of(model, plain, None, precision_called))
    parameters = {part: round(in_16_bit[part] / plain.bytes_per_element) for part in PART_NAMES if in_16_bit.get(part)}
    if model.mtp_layers:
        parameters["mtp"] = mtp_parameters(model)
    checkpoints = model.checkpoints or (None,)
    return ModelBytes(
        parameters,
        tuple(_stored(model, parameters, checkpoint, precision_called) for checkpoint in checkpoints),
        {id: kv_bytes_per_token(model, precision_called(id).bytes_per_element) for id in ("bf16", "fp8")},
    )


def _stored(
    model: ModelArchitecture,
    parameters: Mapping[str, int],
    checkpoint: Checkpoint | None,
    precision_called: Callable[[str], Precision],
) -> StoredWeights:
    precision = precision_called(checkpoint.precision if checkpoint else model.native_precision)
    storage = storage_of(model, precision, checkpoint, precision_called)
    held = weights_by_part(model, storage) | {"mtp": mtp_bytes(model, storage, checkpoint)}
    return StoredWeights(
        checkpoint.repository if checkpoint else None,
        precision.id,
        {part: StoredPart(_bits(part, count, held[part], storage), held[part]) for part, count in parameters.items()},
        sum(held.values()),
        checkpoint.published_bytes if checkpoint else None,
    )


def _bits(part: str, parameters: int, held: float, storage: Storage) -> float:
    # Of a GGUF file the towers are left out: its bytes over all others would be too few.
    return storage.bits["others"] if part == "others" else held * 8 / parameters
