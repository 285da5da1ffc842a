"""Number formats: bits with their scales."""

from typing import Literal

from catalogs.records.facts import Identifier, Positive, Record


class Precision(Record):
    """A number format for weights, activations or KV cache."""

    id: Identifier
    name: str
    aliases: tuple[str, ...] = ()
    bits: Positive
    """Bits per element, scales included."""
    compute: Literal["fp32", "bf16", "fp16", "fp8", "int8", "fp4"]
    """The matrix unit that runs it where the accelerator has one; weight-only formats compute in bf16."""
    weight_only: bool = False
    """Weights are widened to 16 bit before the multiplication (INT4 AWQ/GPTQ, GGUF types)."""
    widens: bool = False
    """Runs weight-only, in 16 bit, where the accelerator has no unit for it."""
    kv_cache: bool = False
    """May be used for the KV cache."""
    source: str

    @property
    def bytes_per_element(self) -> float:
        """Bytes per element, scales included."""
        return self.bits / 8
