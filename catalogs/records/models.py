"""Model architectures: layers with their attention and feed-forward blocks, parameters, checkpoints."""

from typing import Annotated, Literal

from msgspec import Meta, field
from msgspec.structs import replace

from catalogs.records.facts import Fact, Identifier, NonNegativeInt, Positive, PositiveInt, Record, Share


class Indexer(Record):
    """The light attention that picks which tokens a sparse attention layer reads (DeepSeek V3.2's DSA)."""

    heads: PositiveInt
    head_dim: PositiveInt
    """Also the elements that it caches per token."""
    top_k: PositiveInt
    """Tokens that the main attention then reads at most."""


class GroupedAttention(Record, tag_field="kind", tag="grouped"):
    """Softmax attention with KV heads: MHA, GQA and MQA, full or sliding-window."""

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

    def __post_init__(self) -> None:
        if self.heads % self.kv_heads:
            raise ValueError(f"heads {self.heads} is not a multiple of kv_heads {self.kv_heads}")


class LatentAttention(Record, tag_field="kind", tag="latent"):
    """Multi-head latent attention (MLA): one compressed KV vector per token, shared by all heads."""

    heads: PositiveInt
    kv_lora_rank: PositiveInt
    q_lora_rank: PositiveInt | None = None
    qk_rope_head_dim: NonNegativeInt
    qk_nope_head_dim: PositiveInt
    v_head_dim: PositiveInt
    indexer: Indexer | None = None


class LinearAttention(Record, tag_field="kind", tag="linear"):
    """A layer whose state does not grow with the context: Mamba, gated delta net, lightning attention, short
    convolution.
    """

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


class ParallelAttention(Record, tag_field="kind", tag="parallel"):
    """Softmax attention and a linear layer side by side on the same input (Falcon-H1)."""

    grouped: GroupedAttention
    linear: LinearAttention


Attention = GroupedAttention | LatentAttention | LinearAttention | ParallelAttention


class DenseFeedForward(Record, tag_field="kind", tag="dense"):
    """A dense feed-forward block."""

    intermediate: PositiveInt
    matrices: Literal[2, 3] = 3
    """3 for gated (SwiGLU, GeGLU), 2 for plain (GPT, OPT, Falcon)."""


class MixtureFeedForward(Record, tag_field="kind", tag="mixture"):
    """A mixture of experts with a router."""

    experts: PositiveInt
    experts_per_token: PositiveInt
    intermediate: PositiveInt
    """Of one expert."""
    shared_intermediate: NonNegativeInt = 0
    """Width of all shared experts together; 0 where there are none."""
    matrices: Literal[2, 3] = 3
    latent_size: PositiveInt | None = None
    """Width at which routed experts work, where it is not the hidden size (Nemotron 3 Super)."""

    def __post_init__(self) -> None:
        if self.experts_per_token > self.experts:
            raise ValueError(f"experts_per_token {self.experts_per_token} exceeds experts {self.experts}")


FeedForward = DenseFeedForward | MixtureFeedForward


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


Part = Literal["attention", "linear_attention", "dense", "expert", "shared", "router", "embedding", "head", "mtp"]
"""What of a model a checkpoint may store in a format of its own; norms, towers and tables are in 16 bit."""


UNKNOWN_PRECISION = "unknown"
"""Of a checkpoint that says that it is quantised, in a way that is not read here; its source names the way."""


class Checkpoint(Record):
    """A published set of weights."""

    repository: str
    """owner/name as on the Hugging Face hub."""
    precision: Identifier
    """Of most of its weights."""
    bits: Positive | None = None
    """Per weight, scales included, where its groups are not those of the precision's entry."""
    block: PositiveInt | None = None
    """Side of the squares of weights that share a scale: the shards of a matrix must be whole squares (FP8)."""
    group: PositiveInt | None = None
    """Inputs that share a scale: what tensor parallelism cuts along its inputs must leave whole groups (AWQ, GPTQ)."""
    intermediate: PositiveInt | None = None
    """Width of its feed-forward block where zeros were added so that groups come out even."""
    formats: dict[Part, Identifier] = field(default_factory=dict)
    """Precision of parts that are stored in another low format, of head and embeddings where in any."""
    part_bits: dict[Part, Positive] = field(default_factory=dict)
    """Bits per weight, scales included, of what of a part is not in 16 bit, where its groups are its own or it mixes
    formats.
    """
    wide: dict[Part, Share] = field(default_factory=dict)
    """Share of a part that is left in 16 bit, where not as usual: 0, and 1 of routers, embeddings and the head."""
    kv_precision: Identifier | None = None
    static_scales: bool = False
    """Activation scales are in the checkpoint, so that no quantisation kernel runs before each product."""
    published_bytes: Positive | None = None
    """Of its weight files, as the hub or the index of the checkpoint gives them."""
    embeds: bool = False
    """Whether it reads texts and writes none: an embedding or a ranking model."""
    source: str = ""
    """Of what is said above of formats and bytes, where it is another than the model's."""

    def __hash__(self) -> int:
        return hash((self.repository, self.precision))


class ModelArchitecture(Fact):
    """The dimensions of a decoder; all that a forecast needs to know of a model."""

    family: Identifier
    hidden_size: PositiveInt
    vocabulary: PositiveInt
    max_context: PositiveInt
    """Tokens, prompt and answer together."""
    tied_embeddings: bool = False
    layers: Annotated[tuple[LayerGroup, ...], Meta(min_length=1)]
    extra_parameters: NonNegativeInt = 0
    """Parameters that no field above describes (vision tower, learned positions, lookup tables); the note says what."""
    tower_parameters: NonNegativeInt = 0
    """Of those, what sees and hears; a GGUF file leaves them to a file of their own."""
    native_precision: Identifier = "bf16"
    """In which the publisher's own checkpoint is stored."""
    quantised_parts: Literal["linear", "experts"] = "linear"
    """What a quantised checkpoint of it quantises: every layer's matrices, or the routed experts alone."""
    parallel_block: bool = False
    """Attention and feed-forward share one all-reduce (GPT-J, Falcon)."""
    mtp_layers: NonNegativeInt = 0
    """Layers of multi-token prediction: in the checkpoint, loaded only by who decodes speculatively."""
    mtp_repeats_ends: bool = False
    """Each of them comes with a copy of the embedding and the head (DeepSeek)."""
    remote_code: bool = False
    """Its repository brings code that runtimes run only where they are told to trust it."""
    checkpoints: tuple[Checkpoint, ...] = ()
    gguf: tuple[str, ...] = ()
    """Repositories that hold it as GGUF files of several types."""
    doubts: tuple[str, ...] = ()
    """What of its config was not understood, a clause each."""
    published: PublishedParameters | None = None

    def __hash__(self) -> int:  # what is made of a model is kept by it: a hash of every field takes longer than most
        return hash((self.id, self.hidden_size, self.vocabulary, self.max_context))

    @property
    def layer_count(self) -> int:
        """Layers of all groups."""
        return sum(group.count for group in self.layers)

    def without_windows(self) -> "ModelArchitecture":
        """Return the model as a runtime runs it that knows no sliding windows: every layer sees all tokens."""
        if not any(isinstance(group.attention, GroupedAttention) and group.attention.window for group in self.layers):
            return self
        groups = tuple(
            replace(group, attention=replace(group.attention, window=None))
            if isinstance(group.attention, GroupedAttention)
            else group
            for group in self.layers
        )
        return replace(self, layers=groups)


class UnsupportedModel(Fact):
    """A published model that no layer kind describes; its names are the beginnings of its repositories' names."""

    reason: str
    """A clause that says why it cannot be modelled."""
