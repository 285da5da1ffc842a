"""Number formats: bits with their scales."""

from typing import Literal

from msgspec import field

from catalogs.records.facts import Identifier, Positive, Record


class Precision(Record):
    """A number format for weights, activations or KV cache."""

    id: Identifier
    name: str
    aliases: tuple[str, ...] = ()
    bits: Positive
    """Bits per element, scales included; of a GGUF type the average over Llama-3.1-8B."""
    tensor_bits: dict[Literal["usual", "down", "value", "output", "head"], Positive] = field(default_factory=dict)
    """Of a GGUF type, which differs by tensor: of down, value and output projections and the head, where not as usual.
    A tied embedding is a head. Embeddings and head are quantised too."""
    compute: Literal["fp32", "bf16", "fp16", "fp8", "int8", "fp4"]
    """The matrix unit that runs it where the accelerator has one; weight-only formats compute in bf16."""
    weight_only: bool = False
    """Weights are widened to 16 bit before the multiplication (INT4 AWQ/GPTQ, GGUF types)."""
    kv_cache: bool = False
    """May be used for the KV cache."""
    source: str

    @property
    def bytes_per_element(self) -> float:
        """Bytes per element, scales included."""
        return self.bits / 8

    def __hash__(self) -> int:
        return hash(self.id)
