"""One forward step of a model as operations: products, attention and state, before any sharding or hardware.

Sources: the layer definitions in the models' own configs; the bytes and FLOPs are counted in spec-kit/methodology.md.
"""

from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from catalogs.matrices import Matrix, layer_matrices
from catalogs.records.models import (
    GroupedAttention,
    LatentAttention,
    LayerGroup,
    LinearAttention,
    MixtureFeedForward,
    ModelArchitecture,
    ParallelAttention,
)

INDEX_KEY_BYTES = 1.0 + 4 / 128
"""The indexer caches its keys in fp8 with one fp32 scale per 128 (DeepSeek-V3.2 reference code)."""


class Product(Struct, frozen=True):
    """One launch: (tokens × inputs) · (inputs × outputs), its matrices side by side along the outputs."""

    matrices: tuple[Matrix, ...]

    @property
    def role(self) -> str:
        """What its weights are: attention, dense, expert, shared, router."""
        return self.matrices[0].role


class Mixing(Struct, frozen=True):
    """How one layer mixes tokens: per token of context, with per-sequence state."""

    heads: int
    """Softmax heads; 0 for a purely linear layer."""
    kv_heads: int
    """1 for latent attention."""
    cache_elements: int = 0
    """KV elements read per token of context."""
    stored_elements: int = 0
    """KV elements that it caches per token: those, unless it reads another layer's."""
    splits: bool = True
    """KV heads are sharded by tensor parallelism; a latent vector is replicated."""
    prefill_flops: float = 0.0
    """Per prompt token and token of context, all heads."""
    decode_flops: float = 0.0
    """Per decoding token and token of context, all heads (matters for latent attention)."""
    prompt_elements: float = 0.0
    """Elements read and written per prompt token by prefill attention, all heads."""
    window: int | None = None
    """Tokens it sees at most."""
    index_elements: int = 0
    """Index keys cached per token (beyond the window)."""
    index_flops: float = 0.0
    """Per token and token of context."""
    state_bytes: float = 0.0
    """Per sequence; does not grow."""
    state_flops: float = 0.0
    """Per token."""
    linear_heads: int = 1

    @property
    def latent_or_linear(self) -> bool:
        """Whether prompts take more kernels here than softmax attention over grouped KV heads."""
        return self.state_bytes > 0 or not self.splits


class Layer(Struct, frozen=True):
    """Layers that are alike, as operations."""

    count: int
    products: tuple[Product, ...]
    mixing: Mixing | None
    mixture: MixtureFeedForward | None
    all_reduces: int
    """Under tensor parallelism."""


@lru_cache(maxsize=64)
def layers(model: ModelArchitecture) -> tuple[Layer, ...]:
    """Return the model's layers as operations."""
    return tuple(_layer(group, model) for group in model.layers)


def _layer(group: LayerGroup, model: ModelArchitecture) -> Layer:
    launches: dict[str, list[Matrix]] = {}
    for matrix in layer_matrices(group, model.hidden_size):
        launches.setdefault(matrix.launch, []).append(matrix)
    blocks = (group.attention is not None) + (group.feed_forward is not None)
    return Layer(
        count=group.count,
        products=tuple(Product(tuple(matrices)) for matrices in launches.values()),
        mixing=_mixing(group.attention),
        mixture=group.feed_forward if isinstance(group.feed_forward, MixtureFeedForward) else None,
        all_reduces=1 if model.parallel_block else blocks,
    )


def _mixing(attention: object) -> Mixing | None:
    match attention:
        case GroupedAttention():
            return _grouped(attention)
        case LatentAttention():
            return _latent(attention)
        case LinearAttention():
            return _with_linear(Mixing(heads=0, kv_heads=1), attention)
        case ParallelAttention():
            return _with_linear(_grouped(attention.grouped), attention.linear)
        case _:
            return None


def _grouped(attention: GroupedAttention) -> Mixing:
    value_dim = attention.value_head_dim or attention.head_dim
    pair = attention.head_dim + value_dim
    return Mixing(
        heads=attention.heads,
        kv_heads=attention.kv_heads,
        cache_elements=attention.kv_heads * pair,
        stored_elements=0 if attention.borrows_cache else attention.kv_heads * pair,
        prefill_flops=2.0 * attention.heads * pair,
        decode_flops=2.0 * attention.heads * pair,
        prompt_elements=float(attention.heads * pair + attention.kv_heads * pair),
        window=attention.window,
    )


def _latent(attention: LatentAttention) -> Mixing:
    rank, rope = attention.kv_lora_rank, attention.qk_rope_head_dim
    queries = attention.qk_nope_head_dim + rope
    index = attention.indexer
    return Mixing(
        heads=attention.heads,
        kv_heads=1,
        cache_elements=rank + rope,
        stored_elements=rank + rope,
        splits=False,
        # Prompts expand the latent vector to per-head keys and values; decoding absorbs the expansion into the query.
        prefill_flops=2.0 * attention.heads * (queries + attention.v_head_dim),
        decode_flops=2.0 * attention.heads * (2 * rank + rope),
        prompt_elements=float(attention.heads * 2 * (queries + attention.v_head_dim)),
        window=index.top_k if index else None,
        index_elements=index.head_dim if index else 0,
        index_flops=2.0 * index.heads * index.head_dim if index else 0.0,
    )


def _with_linear(mixing: Mixing, attention: LinearAttention) -> Mixing:
    return replace(
        mixing,
        state_bytes=attention.state_elements * attention.state_bytes_per_element + 2.0 * attention.convolution_elements,
        # Update and read-out of the state: two multiply-adds per element and token.
        state_flops=4.0 * attention.state_elements,
        linear_heads=attention.heads,
    )


class FlopCount(Struct, frozen=True):
    """FLOPs of a forward pass, the whole model, by part."""

    attention_projections: float
    attention_mixing: float
    feed_forward: float
    lm_head: float

    @property
    def total(self) -> float:
        """All parts."""
        return self.attention_projections + self.attention_mixing + self.feed_forward + self.lm_head


def flops(
    model: ModelArchitecture, tokens: float, start: float, sampled: float, *, decoding: bool = False
) -> FlopCount:
    """Return the FLOPs of a forward pass over a sequence's next tokens.

    Products cost 2 per parameter and token (a mixture's routed experts k/E of theirs); attention 2·heads·(dₖ + dᵥ) per
    token and token of context, causal.

    Args:
        start: tokens of context before them.
        sampled: of them, those that the LM head runs for.
        decoding: whether latent attention works on the compressed vector itself, as it does one token at a time.
    """
    projections, mixing, feed_forward = 0.0, 0.0, 0.0
    for layer in layers(model):
        for product in layer.products:
            parameters = float(sum(matrix.parameters for matrix in product.matrices))
            if product.role == "expert" and layer.mixture:
                parameters *= layer.mixture.experts_per_token / layer.mixture.experts
            cost = 2.0 * parameters * tokens * layer.count
            if product.role in ("attention", "linear_attention"):
                projections += cost
            else:
                feed_forward += cost
        if layer.mixing:
            pairs = (start + tokens / 2) * tokens
            seen = _within(start, tokens, layer.mixing.window) if layer.mixing.window else pairs
            pair = layer.mixing.decode_flops if decoding else layer.mixing.prefill_flops
            mixing += (pair * seen + layer.mixing.index_flops * pairs + layer.mixing.state_flops * tokens) * layer.count
    return FlopCount(projections, mixing, feed_forward, 2.0 * model.vocabulary * model.hidden_size * sampled)


def _within(start: float, tokens: float, window: float) -> float:
    """Return the pairs of a token and one of its context within a window, which is full from some token on."""
    growing = min(max(window - start, 0.0), tokens)
    return (start + growing / 2) * growing + window * (tokens - growing)
