"""What the catalogs hold: one strict, frozen record for each kind of fact.

Units follow the names and are base units (bytes, seconds, FLOP/s, bytes/s, watts, USD). Catalog files are written in
the units of their sources (GB/s, TFLOP/s, µs) under names that say so; a record converts once, by a property.
"""

from datetime import date
from enum import StrEnum
from math import ceil
from typing import Annotated, ClassVar, Literal, Self

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, model_validator

Identifier = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._\-]*$")]
PositiveInt = Annotated[int, Field(gt=0)]
NonNegativeInt = Annotated[int, Field(ge=0)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]


class Record(BaseModel):
    """A frozen, strict record: unknown keys are refused and nothing can be set afterwards."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Confidence(StrEnum):
    """How a figure came to us, from best to worst."""

    CONFIRMED = "confirmed"
    """Read from a primary source, or two independent ones that agree."""
    REPORTED = "reported"
    """Read from one secondary source."""
    ESTIMATED = "estimated"
    """Derived from related facts by a rule that the note states."""
    MEMORY = "memory"
    """Written from memory; shown so wherever it is used."""


class Fact(Record):
    """What every catalog entry carries: a name, how people say it, where it comes from and when that was checked."""

    id: Identifier
    name: str
    aliases: tuple[str, ...] = ()
    """Other ways in which people name it; the id and the name need not be repeated."""
    source: str
    """Where the figures were read (a datasheet, a config, a repository at a commit)."""
    checked: date
    """The day on which the figures were compared with the source."""
    confidence: Confidence = Confidence.CONFIRMED
    note: str = ""
    """What a careful reader should know; names the fields that are less sure than the rest."""


# --- accelerators -----------------------------------------------------------------------------------------------------


class PeakRates(Record):
    """Dense peak matrix rates in TFLOP/s (TOP/s for integers); null where the accelerator has no such unit."""

    fp32: Positive | None = None
    tf32: Positive | None = None
    fp16: Positive | None = None
    bf16: Positive | None = None
    fp8: Positive | None = None
    int8: Positive | None = None
    fp4: Positive | None = None
    int4: Positive | None = None


class Link(Record):
    """The connection between the accelerators of one scale-up domain."""

    kind: str
    """NVLink4, PCIe, Infinity Fabric, ICI, …"""
    gb_per_s: NonNegative
    """One direction, per accelerator, GB/s; 0 where there is no link between accelerators at all."""
    domain: PositiveInt
    """Accelerators that reach each other at this speed."""


class Accelerator(Fact):
    """One accelerator as software sees it: a GPU, a TPU chip, a CPU socket."""

    vendor: str
    form: str
    """SXM5, PCIe, OAM, SoC, …"""
    architecture: str
    """Hopper, Ada, CDNA3, … : what kernels are written for; relatives share efficiencies."""
    memory_type: str
    """HBM3, GDDR6, LPDDR5X, …"""
    memory_gib: Positive
    """Usable by software (nvidia-smi's total), GiB; not the label's figure."""
    memory_gb_per_s: Positive
    """Peak memory bandwidth, GB/s (1e9)."""
    peak_tflops: PeakRates
    power_w: Positive
    """Board power limit (TDP), W."""
    link: Link
    pcie_generation: Annotated[int, Field(ge=1, le=7)] | None = None
    per_node: PositiveInt
    """Accelerators that a node of the usual make holds, at most."""
    inter_node_gb_per_s: NonNegative = 50.0
    """Network between nodes, one direction, per accelerator, GB/s (400 Gbit/s unless the entry says otherwise)."""
    kernels: Identifier | None = None
    """The accelerator on which its kernel curves were measured; null when these are its own."""
    compute_capability: str | None = None
    released: Annotated[int, Field(ge=2010, le=2035)] | None = None
    purchase_usd: Positive | None = None
    """Typical purchase price of one accelerator, USD."""
    announced_only: bool = False
    """Not yet for sale: listed, never chosen by a search."""

    @property
    def memory_bytes(self) -> float:
        """Usable memory, bytes."""
        return self.memory_gib * 2**30

    @property
    def memory_bytes_per_s(self) -> float:
        """Peak memory bandwidth, bytes/s."""
        return self.memory_gb_per_s * 1e9


# --- precisions -------------------------------------------------------------------------------------------------------


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


# --- models -----------------------------------------------------------------------------------------------------------


class Indexer(Record):
    """The light attention that picks which tokens a sparse attention layer reads (DeepSeek V3.2's DSA)."""

    heads: PositiveInt
    head_dim: PositiveInt
    """Also the elements that it caches per token."""
    top_k: PositiveInt
    """Tokens that the main attention then reads at most."""


class GroupedAttention(Record):
    """Softmax attention with KV heads: MHA, GQA and MQA, full or sliding-window."""

    kind: Literal["grouped"]
    heads: PositiveInt
    kv_heads: PositiveInt
    head_dim: PositiveInt
    """Of queries and keys."""
    value_head_dim: PositiveInt | None = None
    """Of values, where it differs."""
    window: PositiveInt | None = None
    """Tokens that a sliding or chunked layer sees at most; null sees all."""
    shares_key_value: bool = False
    """Keys serve as values too: one projection and half the cache."""
    borrows_cache: bool = False
    """Reads the keys and values that an earlier layer cached, and caches none of its own (Gemma 3n, Gemma 4 E)."""
    output_gate: bool = False
    """A gate as wide as the queries is projected beside them."""

    @model_validator(mode="after")
    def _heads_group(self) -> Self:
        if self.heads % self.kv_heads:
            raise ValueError(f"heads {self.heads} is not a multiple of kv_heads {self.kv_heads}")
        return self


class LatentAttention(Record):
    """Multi-head latent attention (MLA): one compressed KV vector per token, shared by all heads."""

    kind: Literal["latent"]
    heads: PositiveInt
    kv_lora_rank: PositiveInt
    q_lora_rank: PositiveInt | None = None
    qk_rope_head_dim: NonNegativeInt
    qk_nope_head_dim: PositiveInt
    v_head_dim: PositiveInt
    indexer: Indexer | None = None


class LinearAttention(Record):
    """A layer whose state does not grow with the context: Mamba, gated delta net, lightning attention, short
    convolution.
    """

    kind: Literal["linear"]
    input_columns: PositiveInt
    """Columns of all input projections together."""
    output_rows: PositiveInt
    """Rows of the output projection."""
    state_elements: NonNegativeInt
    """Recurrent state per sequence and layer, elements."""
    state_bytes_per_element: Positive = 4.0
    """The state is usually kept in fp32."""
    convolution_elements: NonNegativeInt = 0
    """Convolution state per sequence and layer, 16-bit elements."""
    heads: PositiveInt = 1
    """State heads: tensor parallelism can split no finer."""
    extra_parameters: NonNegativeInt = 0
    """Parameters of the layer beside the two projections."""


class ParallelAttention(Record):
    """Softmax attention and a linear layer side by side on the same input (Falcon-H1)."""

    kind: Literal["parallel"]
    grouped: GroupedAttention
    linear: LinearAttention


Attention = Annotated[
    GroupedAttention | LatentAttention | LinearAttention | ParallelAttention, Field(discriminator="kind")
]


class DenseFeedForward(Record):
    """A dense feed-forward block."""

    kind: Literal["dense"]
    intermediate: PositiveInt
    matrices: Literal[2, 3] = 3
    """3 for gated (SwiGLU, GeGLU), 2 for plain (GPT, OPT, Falcon)."""


class MixtureFeedForward(Record):
    """A mixture of experts with a router."""

    kind: Literal["mixture"]
    experts: PositiveInt
    experts_per_token: PositiveInt
    intermediate: PositiveInt
    """Of one expert."""
    shared_intermediate: NonNegativeInt = 0
    """Width of all shared experts together; 0 where there are none."""
    matrices: Literal[2, 3] = 3
    latent_size: PositiveInt | None = None
    """Width at which routed experts work, where it is not the hidden size (Nemotron 3 Super)."""

    @model_validator(mode="after")
    def _routes_within(self) -> Self:
        if self.experts_per_token > self.experts:
            raise ValueError(f"experts_per_token {self.experts_per_token} exceeds experts {self.experts}")
        return self


FeedForward = Annotated[DenseFeedForward | MixtureFeedForward, Field(discriminator="kind")]


class LayerGroup(Record):
    """Layers that are alike; their order in the model does not matter to a forecast."""

    count: PositiveInt
    attention: Attention | None = None
    """Null for a layer that is a feed-forward block alone."""
    feed_forward: FeedForward | None = None
    """Null for a layer that mixes tokens alone."""


class PublishedParameters(Record):
    """What the publisher says, to test the computed counts against."""

    total_billions: Positive
    active_billions: Positive | None = None
    exception: str = ""
    """Why the computed total may differ by more than 2 %; empty when it may not."""


class Checkpoint(Record):
    """A published checkpoint of a model, and the precision in which it is stored."""

    repository: str
    """owner/name as on the Hugging Face hub."""
    precision: Identifier
    kv_precision: Identifier | None = None
    static_scales: bool = False
    """Activation scales are in the checkpoint, so that no quantisation kernel runs before each product."""


class ModelArchitecture(Fact):
    """The dimensions of a decoder; all that a forecast needs to know of a model."""

    family: Identifier
    hidden_size: PositiveInt
    vocabulary: PositiveInt
    max_context: PositiveInt
    """Tokens, prompt and answer together."""
    tied_embeddings: bool = False
    layers: Annotated[tuple[LayerGroup, ...], Field(min_length=1)]
    extra_parameters: NonNegativeInt = 0
    """Parameters that no field above describes (vision tower, learned positions, lookup tables); the note says what."""
    native_precision: Identifier = "bf16"
    """In which the publisher's own checkpoint is stored."""
    quantised_parts: Literal["linear", "experts"] = "linear"
    """What a quantised checkpoint of it quantises: every layer's matrices, or the routed experts alone."""
    parallel_block: bool = False
    """Attention and feed-forward share one all-reduce (GPT-J, Falcon)."""
    checkpoints: tuple[Checkpoint, ...] = ()
    published: PublishedParameters | None = None

    @property
    def layer_count(self) -> int:
        """Layers of all groups."""
        return sum(group.count for group in self.layers)

    def without_windows(self) -> "ModelArchitecture":
        """Return the model as a runtime runs it that knows no sliding windows: every layer sees all tokens."""
        if not any(isinstance(group.attention, GroupedAttention) and group.attention.window for group in self.layers):
            return self
        groups = tuple(
            group.model_copy(update={"attention": group.attention.model_copy(update={"window": None})})
            if isinstance(group.attention, GroupedAttention)
            else group
            for group in self.layers
        )
        return self.model_copy(update={"layers": groups})


# --- prices -----------------------------------------------------------------------------------------------------------


class RentalOffer(Record):
    """What a provider asks for one instance, on one day."""

    id: Identifier
    provider: str
    region: str
    instance: str
    accelerator: Identifier
    accelerators: PositiveInt
    """In one instance, which is what is billed."""
    by_accelerator: bool = False
    """Sold by the accelerator: an instance holds as many as are asked, up to a node, at a multiple of the price."""
    sold_as: Literal["on demand", "marketplace", "capacity block", "flex start", "serverless", "resale", "quote"] = (
        "on demand"
    )
    """What on_demand_usd_per_hour buys; all but the first are no standing price for a service: listed, not ranked."""
    on_demand_usd_per_hour: Positive | None = None
    spot_usd_per_hour: Positive | None = None
    reserved_1y_usd_per_hour: Positive | None = None
    reserved_3y_usd_per_hour: Positive | None = None
    source: str
    checked: date
    confidence: Confidence = Confidence.CONFIRMED
    note: str = ""


# --- traffic ----------------------------------------------------------------------------------------------------------


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
    peak_factor: Annotated[float, Field(ge=1)] | None = None
    """Busiest hour over the mean."""
    burst: Annotated[float, Field(ge=1)] | None = None
    """Peak minute over the peak hour."""
    trough: Share | None = None
    """Quietest hour over the mean."""
    prefix_hit: Share = 0.0
    """Share of prompt tokens whose KV is already there."""
    targets: dict[str, Positive] = Field(default_factory=dict)
    """Latency targets that are usual for it, as ttft_p95_s, itl_p95_s, …: seconds."""
    calls_per_request: Positive = 1.0
    evidence: dict[str, Literal["measured", "literature", "judgement"]] = Field(default_factory=dict)
    """How each field is known."""
    hourly_profile: tuple[Positive, ...] = ()
    """Rate by hour over the mean, 24 values (a day) or 168 (a week); empty when unknown."""


# --- kernels and runtimes ---------------------------------------------------------------------------------------------


class RooflineFit(Record):
    """seconds = t0 + ((flops/(compute·peak))^p + (bytes/(memory·bandwidth))^p)^(1/p)."""

    t0_us: NonNegative
    compute: Positive
    """Share of the peak that a large product reaches."""
    memory: Positive
    """Share of the bandwidth that a large transfer reaches."""
    p: Annotated[float, Field(ge=1)]
    error: NonNegative
    """Median absolute error of the fit on its own measurements (0.06 = 6 %)."""


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
    mixture: dict[str, RooflineFit] = Field(default_factory=dict)
    """Grouped expert products, by dtype."""
    decode: dict[str, DecodeFit]
    """Decode attention over grouped KV, by KV dtype (bf16, fp8)."""
    prefill: dict[str, RooflineFit]
    """Prefill attention, by 'attention dtype/KV dtype'."""
    latent_decode: dict[str, RooflineFit] = Field(default_factory=dict)
    """MLA decode, by 'KV dtype/heads per accelerator'; compute is relative to the bf16 peak for either KV dtype."""
    all_reduce: dict[str, dict[str, NonNegative]] = Field(default_factory=dict)
    """By group size: message bytes → latency in µs, graph-captured, monotone in size."""


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


class ServingRuntime(Fact):
    """A serving runtime: its scheduler and what it costs beside the kernels."""

    framework: Literal["vllm", "sglang", "trtllm"]
    """Whose kernels it runs, as far as measurements go."""
    splits_layers: bool = False
    """Spreads a model over accelerators by layers unless told otherwise (pipeline, not tensor parallelism)."""
    step_overhead_us: NonNegative
    layer_overhead_us: NonNegative
    mixture_layer_overhead_us: NonNegative = 0.0
    """More for a layer with a router, µs."""
    sparse_layer_overhead_us: NonNegative = 0.0
    """More for a layer with an indexer, µs."""
    prompt_layer_overhead_us: NonNegative = 0.0
    """More per layer in a step that carries a prompt (not captured in a graph), µs."""
    mixture_prompt_layer_overhead_us: NonNegative = 0.0
    """More per mixture layer in a step that carries a prompt, µs."""
    all_reduce_overhead_us: NonNegative = 0.0
    all_reduce_factor: Positive = 1.0
    ttft_overhead_ms: NonNegative
    """From the request's arrival to the scheduler and from the first token to the client, ms."""
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


class BenchmarkRun(Struct, frozen=True):
    """One point of a benchmark's sweep."""

    model: str
    """As printed."""
    tensor_parallel: int
    clients: int
    lengths: tuple[float, float]
    """Prompt and answer, as printed, tokens."""


class SchedulerChange(Record):
    """How servers of a benchmark were started otherwise than by default; empty selectors apply to all."""

    frameworks: tuple[Literal["vllm", "sglang", "trtllm"], ...] = ()
    architectures: tuple[str, ...] = ()
    """Of accelerators."""
    accelerators: tuple[str, ...] = ()
    """By their id."""
    models: tuple[str, ...] = ()
    """As printed."""
    lengths: tuple[tuple[PositiveInt, PositiveInt], ...] = ()
    """Prompt and answer, as printed."""
    below_tensor_parallel: PositiveInt | None = None
    from_clients: PositiveInt = 1
    below_clients: PositiveInt | None = None
    token_budget: PositiveInt | None = None
    chunked: bool | None = None
    one_step_later: bool | None = None
    poll_steps: PositiveInt | None = None
    batch_wait_steps: NonNegativeInt | None = None
    prompts_per_step: PositiveInt | None = None

    def applies(self, framework: str, accelerator: "Accelerator", run: BenchmarkRun) -> bool:
        """Whether a run was started like this."""
        clients = run.clients
        return (
            (not self.frameworks or framework in self.frameworks)
            and (not self.architectures or accelerator.architecture in self.architectures)
            and (not self.accelerators or accelerator.id in self.accelerators)
            and (not self.models or run.model in self.models)
            and (not self.lengths or run.lengths in self.lengths)
            and (self.below_tensor_parallel is None or run.tensor_parallel < self.below_tensor_parallel)
            and self.from_clients <= clients
            and (self.below_clients is None or clients < self.below_clients)
        )

    def applied_to(self, scheduler: Scheduler) -> Scheduler:
        """Return a scheduler with what is stated here."""
        policies = set(Scheduler.model_fields) & set(SchedulerChange.model_fields)
        stated = {name: value for name in policies if (value := getattr(self, name)) is not None}
        return Scheduler.model_validate(scheduler.model_dump() | stated)


class EngineTuning(Record):
    """A benchmark that sets the scheduler's limits by the requests that its KV pool holds and by their lengths."""

    most_sequences: PositiveInt
    least_sequences: PositiveInt
    most_tokens: PositiveInt
    least_tokens: PositiveInt

    def applied_to(self, scheduler: Scheduler, requests: float, prompt: float, output: float, stages: int) -> Scheduler:
        """Return a scheduler that takes so many requests together and, with them, the prompts that follow them.

        Each of a pipeline's stages has its part of the requests, and of the tokens.
        """
        sequences = min(requests, self.most_sequences)
        tokens = min(sequences / stages * (1 + prompt / output), self.most_tokens)
        limits = {
            "max_sequences": ceil(max(sequences, self.least_sequences)),
            "token_budget": ceil(max(tokens, self.least_tokens)),
        }
        if not scheduler.chunked:  # a step must hold a whole prompt
            limits["token_budget"] = max(limits["token_budget"], ceil(prompt) + limits["max_sequences"])
        return scheduler.model_copy(update=limits)


class BenchmarkProtocol(Record):
    """How a benchmark of a closed loop was run: what its TTFT is made of."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._\-]*$")]
    """The source of the measurements, or 'default'."""
    prompts_per_client: PositiveInt = 10
    burst_counts: bool = True
    """All clients start at once, and that burst is in the figures."""
    shortest: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Lengths are uniform between this share of the printed ones and the printed ones; 1 is fixed."""
    turnaround_s: NonNegative = 0.002
    """Between an answer's end and the client's next request."""
    jitter_s: NonNegative = 0.0
    """Mean of an exponential on top of the turnaround."""
    token_budget: PositiveInt | None = None
    """Per step, where the servers were started with another than the runtime's default."""
    fp8_kv_architectures: tuple[str, ...] = ()
    """Accelerator architectures on which quantised weights were served with an fp8 KV cache that is not printed."""
    scheduler: tuple[SchedulerChange, ...] = ()
    """Of the servers, where it was not the runtime's default; later ones win. Simulations follow it."""
    tuning: EngineTuning | None = None
    memory_utilisation: Annotated[float, Field(gt=0, le=1)] | None = None
    """Where the servers were started with another than the runtime's default."""
    requests: tuple[tuple[PositiveInt, PositiveInt, PositiveInt], ...] = ()
    """Prompt and answer as printed, and how many such requests an offline run queued."""
    only_notes: str = ""
    """Applies to points of the source whose notes hold this text; empty applies to all others."""
    source: str

    def requests_of(self, prompt: float, output: float) -> int | None:
        """Return how many requests of these lengths an offline run queued; None where that is not known."""
        return next((count for *lengths, count in self.requests if lengths == [prompt, output]), None)

    @property
    def lengths_vary(self) -> bool:
        """Whether lengths were drawn at random."""
        return self.shortest < 1


# --- measurements -----------------------------------------------------------------------------------------------------


class PowerCurve(Fact):
    """Power by load, as shares of the power limit, measured on one accelerator and inherited by its relatives.

    Nobody there: idle. With requests running: running + (saturated − running) · load over the saturated load. A single
    request already makes every step read all weights, so that power starts high.
    """

    architectures: tuple[str, ...] = ()
    """Of accelerators that inherit it; the id is the accelerator on which it was measured."""
    others: bool = False
    """Inherited by every accelerator that no curve names."""
    idle: Share
    running: Share
    saturated: Share
    error: NonNegative
    """Median absolute error of the fit on its own measurements, idle left out (0.06 = 6 %)."""
