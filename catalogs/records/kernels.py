"""Measured kernel efficiencies of an accelerator."""

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, field

from catalogs.records.facts import Identifier, NonNegative, Positive, Record


class RooflineFit(Record):
    """seconds = t0 + ((flops/(compute·peak))^p + (bytes/(memory·bandwidth))^p)^(1/p)."""

    t0_us: NonNegative
    compute: Positive
    """Share of the peak that a large product reaches."""
    memory: Positive
    """Share of the bandwidth that a large transfer reaches."""
    p: Annotated[float, Meta(ge=1)]
    error: NonNegative
    """Median absolute error of the fit on its own measurements (0.06 = 6 %)."""


class ExpertFit(RooflineFit):
    """The roofline of grouped expert products, of fl FLOPs and by bytes, where w columns of an expert are on a rank.

    Its FLOPs are fl·(1 + narrow_compute/w)·ranks^b, its bytes by·(1 + narrow_memory/w): tiles are filled up where
    tensor parallelism cuts experts into narrow shards, and where ranks hold different experts the most loaded one sets
    the time.
    """

    narrow_compute: NonNegative = 0.0
    """Columns of a shard at which products that compute bounds take twice as long."""
    narrow_memory: NonNegative = 0.0
    """The same of products that memory bounds."""
    ranks: NonNegative = 0.0
    """b where the router is balanced."""
    skewed_ranks: NonNegative = 0.0
    """b where experts are chosen by a power law of 1.2."""

    def ranks_exponent(self, skew: float) -> float:
        """Return b for a router between balanced (0) and a power law of 1.2 (1)."""
        return self.ranks + skew * (self.skewed_ranks - self.ranks)


class DecodeFit(Record):
    """seconds = t0 + KV bytes/(memory·bandwidth) · (1 + half/(batch · KV heads per accelerator))."""

    t0_us: NonNegative
    memory: Positive
    half: NonNegative
    error: NonNegative


class KernelCurve(Record):
    """Efficiencies measured on one accelerator, by the kernels of one serving framework."""

    accelerator: Identifier
    framework: Literal["vllm", "sglang", "trtllm"]
    version: str
    source: str
    checked: date
    peak_tflops: dict[str, Positive]
    """The peaks on which the fits below are normalised, by matrix unit (bf16, fp8, fp4)."""
    memory_gb_per_s: Positive
    """The bandwidth on which the fits are normalised, GB/s."""
    gemm: dict[str, RooflineFit]
    """By dtype: bf16, fp8 (dynamic scales), fp8_block, nvfp4, int4_wo, int8_wo."""
    mixture: dict[str, ExpertFit] = field(default_factory=dict)
    """Grouped expert products, by dtype."""
    decode: dict[str, DecodeFit]
    """Decode attention over grouped KV, by KV dtype (bf16, fp8)."""
    prefill: dict[str, RooflineFit]
    """Prefill attention, by 'attention dtype/KV dtype'."""
    latent_decode: dict[str, RooflineFit] = field(default_factory=dict)
    """MLA decode, by 'KV dtype/heads per accelerator'; compute is relative to the bf16 peak for either KV dtype."""
    all_reduce: dict[str, dict[str, NonNegative]] = field(default_factory=dict)
    """By group size: message bytes → latency in µs, graph-captured, monotone in size."""
