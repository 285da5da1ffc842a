"""A model that no catalog holds, from its dimensions alone."""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from catalogs.configs.architecture import RULES_CHECKED
from catalogs.errors import InputError
from catalogs.matrices import total_parameters
from catalogs.records.facts import Confidence
from catalogs.records.models import (
    Attention,
    DenseFeedForward,
    FeedForward,
    GroupedAttention,
    LayerGroup,
    MixtureFeedForward,
    ModelArchitecture,
)
from catalogs.units import show_count

OWN_MODEL = "own-model"
"""What it is called in a spec."""
DEFAULT_CONTEXT = 131_072
"""Tokens: what most models since 2024 read."""


class Dimensions(Struct, frozen=True):
    """What someone may say of a model; None where nobody did."""

    layers: int | None = None
    hidden_size: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    intermediate_size: int | None = None
    vocab_size: int | None = None
    experts: int | None = None
    active_experts: int | None = None
    expert_intermediate_size: int | None = None
    shared_expert_size: int | None = None
    dense_layers: int | None = None
    window: int | None = None
    max_context: int | None = None

    def needed(self) -> tuple[str, ...]:
        """Return the fields that are still needed."""
        names = ["layers", "hidden_size", "heads", "vocab_size"]
        if self.experts or self.active_experts or self.expert_intermediate_size:
            names += ["experts", "active_experts", "expert_intermediate_size"]
        if self.dense_layers or not self.experts:
            names.append("intermediate_size")
        return tuple(name for name in names if getattr(self, name) is None)


def architecture_of(said: Mapping[str, int]) -> ModelArchitecture:
    """Return the architecture with the dimensions that were said, by field of ``Dimensions``; none may be needed still.

    Raises InputError for dimensions that contradict each other.
    """
    given = Dimensions(**said)
    layers, hidden, heads, vocabulary = given.layers, given.hidden_size, given.heads, given.vocab_size
    assert layers and hidden and heads and vocabulary  # none is needed still
    head_dim = given.head_dim or _shared_out(hidden, heads)
    kv_heads = given.kv_heads or heads
    if heads % kv_heads:
        raise InputError(f"--heads {heads} is not a multiple of --kv-heads {kv_heads}")
    attention = GroupedAttention(heads=heads, kv_heads=kv_heads, head_dim=head_dim, window=given.window)
    unnamed = ModelArchitecture(
        id=OWN_MODEL,
        name="own model",
        source="dimensions given by the user",
        checked=RULES_CHECKED,
        confidence=Confidence.CONFIRMED,
        family="own",
        hidden_size=hidden,
        vocabulary=vocabulary,
        max_context=given.max_context or DEFAULT_CONTEXT,
        layers=_groups(given, layers, attention),
    )
    name = f"own model of {show_count(total_parameters(unnamed), compact=True)}"
    return replace(unnamed, name=name)


def _groups(given: Dimensions, layers: int, attention: Attention) -> tuple[LayerGroup, ...]:
    dense = given.dense_layers or 0
    if dense > layers:
        raise InputError(f"--dense-layers {dense} exceeds --layers {layers}")
    if not given.experts or not given.active_experts or not given.expert_intermediate_size:
        return (LayerGroup(count=layers, attention=attention, feed_forward=_dense(given)),)
    if given.active_experts > given.experts:
        raise InputError(f"--active-experts {given.active_experts} exceeds --experts {given.experts}")
    mixture = MixtureFeedForward(
        experts=given.experts,
        experts_per_token=given.active_experts,
        intermediate=given.expert_intermediate_size,
        shared_intermediate=given.shared_expert_size or 0,
    )
    kinds: tuple[tuple[int, FeedForward], ...] = ((layers - dense, mixture),)
    if dense:
        kinds = ((dense, _dense(given)), *kinds)
    return tuple(LayerGroup(count=n, attention=attention, feed_forward=kind) for n, kind in kinds if n)


def _dense(given: Dimensions) -> DenseFeedForward:
    assert given.intermediate_size  # it is not needed still
    return DenseFeedForward(intermediate=given.intermediate_size)


def _shared_out(hidden: int, heads: int) -> int:
    if hidden % heads:
        raise InputError(f"--hidden-size {hidden} is not a multiple of --heads {heads}: give --head-dim too")
    return hidden // heads
