"""What the fit found: constants of a runtime on accelerators, error bands, and the kinds of cases measured."""

from typing import ClassVar, Literal

from catalogs.records.accelerators import Accelerator
from catalogs.records.facts import Identifier, NonNegative, Positive, PositiveInt, Record, Share


class FittedConstants(Record):
    """What measurements of served systems say of a runtime, or of it on some accelerators, beyond kernels timed alone.

    Written by ``fleetcast fit``. An overhead replaces the runtime entry's; a factor multiplies the speed that the
    kernel curves give (above 1 is faster).
    """

    OVERHEADS: ClassVar[tuple[str, ...]] = (
        "step_overhead_us",
        "layer_overhead_us",
        "mixture_layer_overhead_us",
        "sparse_layer_overhead_us",
        "prompt_layer_overhead_us",
        "mixture_prompt_layer_overhead_us",
        "all_reduce_overhead_us",
        "all_reduce_factor",
        "ttft_overhead_ms",
    )
    FACTORS: ClassVar[tuple[str, ...]] = (
        "linear_compute",
        "linear_memory",
        "plain_compute",
        "attention_memory",
        "quantised_attention_memory",
        "prefill_compute",
        "mixture_compute",
        "mixture_memory",
    )
    SHARES: ClassVar[tuple[str, ...]] = ("grouped_penalty", "pipeline_bubble", "pipeline_sequence_us")

    id: Identifier
    runtimes: tuple[Identifier, ...] = ()
    """Empty: every runtime."""
    architectures: tuple[str, ...] = ()
    """Empty: every accelerator that the next field does not narrow."""
    accelerators: tuple[Identifier, ...] = ()
    step_overhead_us: NonNegative | None = None
    layer_overhead_us: NonNegative | None = None
    mixture_layer_overhead_us: NonNegative | None = None
    sparse_layer_overhead_us: NonNegative | None = None
    prompt_layer_overhead_us: NonNegative | None = None
    mixture_prompt_layer_overhead_us: NonNegative | None = None
    all_reduce_overhead_us: NonNegative | None = None
    all_reduce_factor: Positive | None = None
    ttft_overhead_ms: NonNegative | None = None
    linear_compute: Positive = 1.0
    linear_memory: Positive = 1.0
    plain_compute: Positive = 1.0
    attention_memory: Positive = 1.0
    quantised_attention_memory: Positive = 1.0
    """Of decode attention over a KV cache of 8 bit, beside ``attention_memory``."""
    prefill_compute: Positive = 1.0
    mixture_compute: Positive = 1.0
    mixture_memory: Positive = 1.0
    grouped_penalty: NonNegative | None = None
    """Share by which decode attention slows for each query head beyond the first per KV head (older kernels)."""
    pipeline_bubble: NonNegative | None = None
    """Share of a step that each pipeline stage beyond the first adds by waiting for uneven microbatches."""
    pipeline_sequence_us: NonNegative | None = None
    """What a pipeline's host does for each decoding sequence of a step, which then nothing hides."""
    fitted_on: str
    """The points, by source and count."""
    residual: NonNegative | None = None
    """Median absolute error on left-out groups (0.08 = 8 %)."""

    @property
    def specificity(self) -> int:
        """How narrow the entry is: runtimes, then architectures, then accelerators."""
        return bool(self.runtimes) + 2 * bool(self.architectures) + 4 * bool(self.accelerators)

    def applies_to(self, runtime: str, accelerator: Accelerator) -> bool:
        """Return whether the entry speaks of a runtime on an accelerator."""
        return (
            (not self.runtimes or runtime in self.runtimes)
            and (not self.architectures or accelerator.architecture in self.architectures)
            and (not self.accelerators or accelerator.id in self.accelerators)
        )


class ErrorBand(Record):
    """How far measurements lay from predictions that had not seen them, for one kind of case.

    Quantiles of measured over predicted, over groups (model, accelerator) that were left out of the fit. Written by
    ``fleetcast fit``. A null selector applies to all; of several matching bands the narrowest selection counts.
    """

    SELECTORS: ClassVar[tuple[str, ...]] = ("runtime", "load", "architecture", "kernels")
    """What besides the metric makes a kind of case; the later, the more it tells."""

    id: Identifier
    metric: Literal["itl", "ttft", "throughput"]
    runtime: Identifier | None = None
    load: str | None = None
    architecture: Literal["dense", "mixture", "latent", "hybrid"] | None = None
    kernels: Literal["measured", "inherited", "foreign"] | None = None
    """Of this accelerator, of a relative of its architecture, or of another architecture."""
    quantiles: tuple[Positive, Positive, Positive, Positive, Positive, Positive, Positive]
    """At 2.5, 10, 25, 50, 75, 90 and 97.5 %."""
    points: PositiveInt
    groups: PositiveInt
    coverage: Share
    """Share of left-out points inside the 80 % band when it is made from the other groups."""

    @property
    def specificity(self) -> int:
        """How narrow the selection is."""
        return sum(2**place for place, name in enumerate(self.SELECTORS) if getattr(self, name) is not None)


class MeasuredKind(Record):
    """A kind of case of which measured points are among the data that bands and the scorecard were made from.

    Written by ``fleetcast fit``.
    """

    id: Identifier
    accelerator_architecture: str
    model: Literal["dense", "mixture", "latent", "hybrid"]
    format: str
    """Of the weights: 16-bit, fp8, 4-bit weight-only, …"""
    points: PositiveInt
    longest_tokens: Positive
    """Prompt and answer of one request, together."""
    least_parameters: Positive
    most_parameters: Positive
