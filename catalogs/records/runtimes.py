"""Serving runtimes: scheduler, platforms, overheads."""

from typing import Annotated, Literal

from pydantic import Field

from catalogs.records.accelerators import Accelerator
from catalogs.records.constants import Overheads
from catalogs.records.facts import Fact, Identifier, NonNegative, NonNegativeInt, PositiveInt, Record


class Scheduler(Record):
    """How a serving runtime composes its steps: what a replica's queue and tails depend on."""

    token_budget: PositiveInt
    """Tokens that one step may carry."""
    max_sequences: PositiveInt
    """Requests that may run together."""
    mixed: bool
    """Prompts and decoding share a step; else prompts run in steps of their own."""
    chunked: bool
    """A prompt may be split over steps."""
    reserve_output: bool = False
    """Admits a request only when the KV for its whole answer is free (no preemption)."""
    one_step_later: bool = False
    """An arrival can be scheduled one step later than the next: steps are scheduled while the one before runs."""
    poll_steps: PositiveInt = 1
    """Looks for arrivals only every so many decoding steps."""
    batch_wait_steps: NonNegativeInt = 0
    """Holds prompts back for up to so many decoding steps, to run more of them together."""
    prompts_per_step: PositiveInt | None = None
    """Most prompts in one step; null: as many as the token budget holds."""


class Platform(Record):
    """Accelerators that a serving runtime runs on, and what that takes."""

    vendors: tuple[str, ...] = ()
    """Empty: every vendor."""
    architectures: tuple[str, ...] = ()
    """Empty: every architecture of the vendors."""
    needs: str = ""
    """What must be installed instead of the usual package, or beside it: 'the ROCm build of vLLM'."""
    without: tuple[str, ...] = ()
    """Flags of its command that say nothing there."""

    def holds(self, accelerator: Accelerator) -> bool:
        """Return whether the accelerator is one of these."""
        return (not self.vendors or accelerator.vendor in self.vendors) and (
            not self.architectures or accelerator.architecture in self.architectures
        )


class Framework(Fact):
    """What a runtime has of the framework whose kernels it runs."""

    framework: Literal["vllm", "sglang", "trtllm"]
    """Whose kernels it runs, as far as measurements go."""
    splits_layers: bool = False
    """Spreads a model over accelerators by layers unless told otherwise (pipeline, not tensor parallelism)."""


class ServingRuntime(Overheads, Framework):
    """A serving runtime: its scheduler and what it costs beside the kernels."""

    # These three have no usual value: a runtime that left one out would be planned as if it cost nothing.
    step_overhead_us: NonNegative
    layer_overhead_us: NonNegative
    ttft_overhead_ms: NonNegative
    sliding_windows: bool = True
    """Keeps and reads no more of a sliding layer than its window; else it runs as full attention."""
    memory_utilisation: Annotated[float, Field(gt=0, le=1)]
    """Share of the accelerator's memory that it takes, or of what weights and activations leave free."""
    utilises_free_memory: bool = False
    """The share is of what they leave free."""
    runtime_gib: NonNegative
    """Per accelerator, GiB: context, captured graphs, communication buffers."""
    kv_block_tokens: PositiveInt = 16
    quantised_kv: dict[str, Identifier] = Field(default_factory=dict)
    """KV precision that it uses by default for a weight precision, where that is not 16 bit."""
    scheduler: Scheduler
    fitted_on: str = ""
    """What the overheads were fitted on, and the residual."""
    platforms: tuple[Platform, ...] = ()
    """What it runs on; empty where it has no command of its own, which is then left open."""

    def platform_of(self, accelerator: Accelerator) -> Platform | None:
        """Return the platform of an accelerator; None where the runtime is not known to run on it."""
        return next((platform for platform in self.platforms if platform.holds(accelerator)), None)
