"""The constants that kernels timed alone cannot tell: what a runtime spends beside its kernels, and factors on these.

A field here is the one place that names a constant: its unit ends its name, its type bounds it, its default is the
value that changes nothing, and its mark says how the fit moves it and what of a forecast follows it. Entries of
catalog files, the arrays of a step and the fit are made from these fields.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, get_type_hints

from msgspec import Struct

from catalogs.records.facts import NonNegative, Positive, Record

SECONDS_PER_UNIT = {"_us": 1e-6, "_ms": 1e-3}


class Fitted(Struct, frozen=True):
    """The mark on a constant: how the fit moves it, and what follows it."""

    groups: tuple[str, ...]
    """Of constants that a block of the fit moves together; empty where what the runtime's entry states stands."""
    enters: tuple[str, ...]
    """Arrays of ``StepTables`` that follow it, from which the simulator has its columns; 'ttft' where it is added to
    TTFT alone."""
    deviation: float = 0.5
    """How far it may stray from its start (log standard deviation)."""
    foreign_deviation: float | None = None
    """The same on accelerators none of whose kernels, nor their architecture's, were measured, where that is further:
    what their matrix units reach and how fast their links start differs by maker."""
    start: float = 0.0
    """Where the fit starts when the runtime states nothing."""
    multiplies: bool = False
    """Entries that apply together multiply; of others the most specific counts."""


def _factor(*groups: str, enters: tuple[str, ...] = ("seconds",), foreign_deviation: float | None = None) -> Fitted:
    """Return the mark of a factor on the speed of kernels, above 1 where it is faster."""
    return Fitted(groups, enters, deviation=0.15, foreign_deviation=foreign_deviation, multiplies=True)


class Constants(Record):
    """All constants of a runtime on an accelerator; of the overheads the runtime's entry states some."""

    step_overhead_us: Annotated[NonNegative, Fitted(("dense", "coarse", "host"), ("seconds",))] = 0.0
    """Of the host, for each step."""
    layer_overhead_us: Annotated[NonNegative, Fitted(("dense",), ("seconds",))] = 0.0
    """For each layer of a step."""
    mixture_layer_overhead_us: Annotated[NonNegative, Fitted(("mixture",), ("seconds",), deviation=0.7)] = 0.0
    """More for a layer with a router."""
    sparse_layer_overhead_us: Annotated[NonNegative, Fitted(("sparse",), ("seconds",), deviation=0.7)] = 0.0
    """More for a layer with an indexer."""
    prompt_layer_overhead_us: Annotated[NonNegative, Fitted(("dense",), ("prompt_fixed",))] = 0.0
    """More for each layer of a step that carries a prompt (not captured in a graph)."""
    mixture_prompt_layer_overhead_us: Annotated[
        NonNegative, Fitted(("served mixture",), ("prompt_fixed",), deviation=1.0, start=200.0)
    ] = 0.0
    """More for each mixture layer of a step that carries a prompt."""
    latent_prompt_layer_overhead_us: Annotated[
        NonNegative, Fitted(("served mixture",), ("prompt_fixed",), deviation=1.0, start=200.0)
    ] = 0.0
    """More for each layer of such a step whose attention is latent or linear: its prompts take many small kernels."""
    all_reduce_overhead_us: Annotated[NonNegative, Fitted((), ("seconds",))] = 0.0
    """For each all-reduce."""
    all_reduce_factor: Annotated[
        Positive, Fitted(("dense", "links"), ("seconds",), deviation=0.3, foreign_deviation=0.7)
    ] = 1.0
    """Times by which an all-reduce is slower in a served system than alone."""
    ttft_overhead_ms: Annotated[NonNegative, Fitted(("served",), ("ttft",), deviation=0.7)] = 0.0
    """From the request's arrival to the scheduler and from the first token to the client."""
    linear_memory: Annotated[
        Positive, _factor("dense", "coarse", "kernels", "products", "streams", enters=("seconds", "decode_further"))
    ] = 1.0
    """Speed at which products read their weights."""
    linear_compute: Annotated[
        Positive, _factor("dense", "coarse", "kernels", "products", "compiled", foreign_deviation=0.5)
    ] = 1.0
    """Speed of products with quantised weights that compute bounds. ``decode_further`` follows it where the
    LM head is one."""
    plain_compute: Annotated[
        Positive,
        _factor("dense", "coarse", "kernels", "compiled", enters=("seconds", "decode_further"), foreign_deviation=0.5),
    ] = 1.0
    """Speed of products with 16-bit weights that compute bounds."""
    attention_memory: Annotated[
        Positive,
        _factor("dense", "coarse", "kernels", "attention", "compiled", "streams", enters=("seconds", "decode_context")),
    ] = 1.0
    """Speed at which decode attention reads the KV cache, and linear attention its state."""
    quantised_attention_memory: Annotated[Positive, _factor("compiled", enters=("seconds", "decode_context"))] = 1.0
    """The same over a KV cache of 8 bit, beside ``attention_memory``."""
    prefill_compute: Annotated[Positive, _factor("dense", enters=("seconds", "prompt_context", "prompt_token"))] = 1.0
    """Speed of prefill attention, of linear attention's scan and of an indexer."""
    mixture_compute: Annotated[Positive, _factor("mixture", "experts")] = 1.0
    """Speed of the experts' products that compute bounds."""
    tensor_scaled_compute: Annotated[
        Positive, Fitted(("tensor scales",), ("seconds",), deviation=0.3, start=0.51, multiplies=True)
    ] = 1.0
    """The same of experts in FP8 whose activations have one scale for each tensor, beside ``mixture_compute``; the fit
    starts where those scaled by block lie beside them, 0.46 on H100 and 0.56 on H200 (catalogs/kernels)."""
    mixture_memory: Annotated[Positive, _factor("mixture", "experts")] = 1.0
    """Speed at which the experts' products read their weights."""
    distinct_tokens: Annotated[Positive, Fitted(("mixture", "experts"), ("seconds",), deviation=0.5)] = 1.0
    """Tokens of a step that choose their experts independently of the others, over all: those alike touch fewer."""
    grouped_penalty: Annotated[
        NonNegative, Fitted(("grouped queries",), ("decode_context",), deviation=1.0, start=0.1)
    ] = 0.0
    """Share by which decode attention slows for each query head beyond the first per KV head (older kernels)."""
    pipeline_bubble: Annotated[NonNegative, Fitted(("microbatches",), ("seconds",), deviation=1.0, start=0.1)] = 0.0
    """Share of a step that each pipeline stage beyond the first adds by waiting for uneven microbatches."""
    pipeline_sequence_us: Annotated[
        NonNegative, Fitted(("pipelines",), ("decode_sequence",), deviation=1.0, start=20.0)
    ] = 0.0
    """What a pipeline's host does for each decoding sequence of a step, which then nothing hides."""

    def in_base_units(self) -> dict[str, float]:
        """Return all constants by name, times in seconds: 400 of ``step_overhead_us`` are 4e-4 of step_overhead_s."""
        return {name_in_base_units(name): getattr(self, name) * _scale(name) for name in CONSTANTS}


HINTS: Final[Mapping[str, Any]] = get_type_hints(Constants, include_extras=True)
"""The type of each constant, with its bounds and its mark."""
CONSTANTS: Final[Mapping[str, Fitted]] = {
    name: mark for name, hint in HINTS.items() for mark in hint.__metadata__ if isinstance(mark, Fitted)
}
"""The mark of each constant, by its name in catalog files."""


def name_in_base_units(name: str) -> str:
    """Return what a constant is called where times are in seconds."""
    return f"{name[:-3]}_s" if name[-3:] in SECONDS_PER_UNIT else name


def _scale(name: str) -> float:
    return SECONDS_PER_UNIT.get(name[-3:], 1.0)
