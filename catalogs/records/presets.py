"""Kinds of traffic: their lengths, peaks, hours and targets."""

from typing import Annotated, Literal

from msgspec import Meta, field

from catalogs.records.facts import Fact, Positive, Record, Share


class TokenQuantiles(Record):
    """A distribution of token counts as a source printed it."""

    mean: Positive
    p50: Positive | None = None
    p90: Positive | None = None
    p95: Positive | None = None
    p99: Positive | None = None


class WorkloadPreset(Fact):
    """A kind of traffic: how long, how bursty, how much of it repeats, and what people expect of it."""

    input: TokenQuantiles
    output: TokenQuantiles
    burstiness: Positive = 1.0
    """CV of the inter-arrival times."""
    peak_factor: Annotated[float, Meta(ge=1)] | None = None
    """Busiest hour over the mean."""
    burst: Annotated[float, Meta(ge=1)] | None = None
    """Peak minute over the peak hour."""
    trough: Share | None = None
    """Quietest hour over the mean."""
    prefix_hit: Share = 0.0
    """Share of prompt tokens whose KV is already there."""
    targets: dict[str, Positive] = field(default_factory=dict)
    """Latency targets that are usual for it, as ttft_p95_s, itl_p95_s, …: seconds."""
    calls_per_request: Positive = 1.0
    evidence: dict[str, Literal["measured", "literature", "judgement"]] = field(default_factory=dict)
    """How each field is known."""
    hourly_profile: tuple[Positive, ...] = ()
    """Rate by hour over the mean, 24 values (a day) or 168 (a week); empty when unknown."""

    @property
    def short_source(self) -> str:
        """The source without licences and citations."""
        return self.source.partition(" (")[0].partition(";")[0]
