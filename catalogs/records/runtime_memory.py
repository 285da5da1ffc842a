"""What a serving runtime holds of memory beside weights and KV cache, and how it shares out the rest."""

from math import inf
from typing import Annotated

from msgspec import Meta

from catalogs.records.accelerators import Accelerator, Held
from catalogs.records.facts import Identifier, NonNegative, NonNegativeInt, PositiveInt, Record


class ExpertPadding(Held):
    """Zeros with which a kernel fills up the matrices of experts in a format."""

    precision: Identifier
    hidden: PositiveInt
    """Widths of the residual stream are filled up to a multiple of this."""
    intermediate: PositiveInt
    """The same of what a shard holds of an expert's width."""
    source: str


class Communicators(Held):
    """Buffers that tensor parallelism holds on each accelerator: NCCL's and those of its own all-reduces."""

    gib: NonNegative
    link: str = ""
    """How the kind of link begins; empty: any link."""
    source: str


class Profile(Record):
    """What the trial step holds with which a serving runtime finds how much memory is left for the KV cache."""

    residual_copies: NonNegative = 3.0
    """Copies of the residual stream of the step's tokens, in 16 bit, beside the widest intermediate."""
    logit_copies: NonNegative = 1.5
    """Copies of the sampled requests' logits, in 32 bit: its sampler's own, sorted ones and indices."""
    sampled: PositiveInt | None = None
    """Requests that it samples for; null: as many as may run together."""
    expert_workspace: bool = False
    """Holds the experts' inputs and intermediates beside the rest of the step."""
    source: str


class DeviceLimits(Held):
    """Limits of a step on some devices: those of less memory than a bound, and others that count among them."""

    below_gib: Annotated[float, Meta(gt=0)] = inf
    others: tuple[Identifier, ...] = ()
    """Accelerators with more memory that count as such devices, by the start of their id."""
    token_budget: PositiveInt
    """Tokens of a step that computes prompts."""
    max_sequences: PositiveInt | None = None
    """Requests that may run together; null: as many as the scheduler says."""
    captured: NonNegativeInt = 0
    """Requests of the largest decoding step of which a graph is captured, where memory is left by that number."""
    captured_wide: NonNegativeInt = 0
    """The same where tensor parallelism spans four accelerators and more."""
    source: str = ""

    def holds(self, accelerator: Accelerator) -> bool:
        """Return whether the accelerator is such a device."""
        small = accelerator.memory_gib < self.below_gib or accelerator.id.startswith(self.others)
        return small and super().holds(accelerator)


class StepReserve(Record):
    """Memory that a runtime leaves to its steps by a rule of its own, MiB; weights and KV cache share what is left."""

    constant_mib: NonNegative
    token_mib: NonNegative
    """For each token of a step that computes prompts."""
    least_tokens: PositiveInt
    captured_request_mib: NonNegative
    """For each request of the largest captured decoding step."""
    rank_request_mib: NonNegative
    """For each of them and each data-parallel rank, where attention runs on several."""
    large_rank_request_mib: NonNegative
    """The same, where more than ``large_captured`` requests are captured."""
    large_captured: PositiveInt
    accelerator_mib: NonNegative
    """For each accelerator of tensor and pipeline parallelism."""
    prompt_graph_mib: NonNegative
    """For each captured size of a step that computes prompts."""
    latent_prompt_graphs_mib: NonNegative
    """Of all these sizes together, where attention is latent."""
    least_mib: NonNegative
    """At least, on devices of more than ``large_device_gib``."""
    large_device_gib: NonNegative
    tower_share: Annotated[float, Meta(gt=0, le=1)]
    """Of its share of memory, what a model with a vision tower of ``usual_tower_parameters`` is left."""
    tower_slope: NonNegative
    """By how much the share falls for each further tower of that size."""
    tower_bounds: tuple[float, float]
    """Of the factor that the slope makes."""
    usual_tower_parameters: PositiveInt
    source: str


class PoolShares(Record):
    """How a serving runtime splits its pool among layers that keep different things; each part fills on its own."""

    window_tokens: Annotated[float, Meta(gt=0, le=1)]
    """Tokens that sliding layers have room for, over those that full layers have room for."""
    state_memory: Annotated[float, Meta(gt=0)]
    """Memory of recurrent states over that of the KV cache."""
    state_slots: PositiveInt
    """States that a running request holds: its own, and those from which its prefix is resumed."""
    source: str


class PoolSpread(Held):
    """How far measured KV pools lay from computed ones, GiB per accelerator."""

    low_gib: float
    """One pool in ten is smaller than computed by more than this; negative."""
    high_gib: float
    """One pool in ten is larger than computed by more than this."""
    source: str
