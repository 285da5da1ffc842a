"""The FLOPs of a forward step, against layers counted by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs.matrices import active_parameters
from catalogs.records.models import ModelArchitecture
from engine.step.operations import flops, layers
from tests.draws import draws
from tests.engine.asked import CATALOG

LONGEST_SHORT = 1.0
"""Tokens of a pass without any context to speak of."""


def model(name: str) -> ModelArchitecture:
    return CATALOG.models[name]


def test_a_dense_grouped_layer_by_hand() -> None:
    """Llama 3.1 70B, 1,000 prompt tokens: 80 layers, 64 heads of 128 over 8 KV heads, feed-forward of 28,672."""
    count = flops(model("llama-3.1-70b"), tokens=1000, start=0, sampled=1)
    assert count.attention_projections == 80 * 2 * 1000 * 8192 * (8192 + 2 * 1024 + 8192)
    assert count.feed_forward == 80 * 2 * 1000 * 3 * 8192 * 28672
    # Causal: on average a token sees half of the prompt; scores and values are 2·64·128 FLOPs each.
    assert count.attention_mixing == 80 * 1000 * 500 * 2 * 64 * (128 + 128)
    assert count.lm_head == 2 * 128_256 * 8192
    parts = (count.attention_projections, count.attention_mixing, count.feed_forward, count.lm_head)
    assert count.total == sum(parts)


def test_a_mixture_counts_the_experts_that_a_token_takes() -> None:
    """Qwen3 30B A3B: 48 layers, 8 of 128 experts of 768, a router, no shared expert."""
    count = flops(model("qwen3-30b-a3b"), tokens=100, start=0, sampled=100)
    assert count.feed_forward == 48 * 2 * 100 * (2048 * 128 + 8 * 3 * 2048 * 768)
    assert count.attention_projections == 48 * 2 * 100 * 2048 * (32 * 128 + 2 * 4 * 128 + 32 * 128)


def test_a_latent_layer_by_hand() -> None:
    """DeepSeek-V3: prompts expand the latent vector to 128 heads of 192 and 128; 8 of 256 experts and a shared one."""
    count = flops(model("deepseek-v3"), tokens=10, start=990, sampled=1)
    down, up = 7168 * (1536 + 512 + 64), 1536 * 128 * 192 + 512 * 128 * (128 + 128)
    assert count.attention_projections == 61 * 2 * 10 * (down + up + 128 * 128 * 7168)
    assert count.attention_mixing == 61 * 10 * 995 * 2 * 128 * (192 + 128)
    dense, routed = 3 * 7168 * 18432, 7168 * 256 + 9 * 3 * 7168 * 2048
    assert count.feed_forward == 2 * 10 * (3 * dense + 58 * routed)


def test_decoding_reads_the_latent_vector_itself() -> None:
    """The expansion is absorbed: scores over 512 + 64 and values over 512, for each of 128 heads."""
    mixing = layers(model("deepseek-v3"))[0].mixing
    assert mixing is not None
    assert mixing.decode_flops == 2 * 128 * (512 + 64 + 512)


def test_a_window_bounds_the_work_of_attention() -> None:
    """gpt-oss-20b: 12 layers see all, 12 see 128 tokens; 64 heads of 64."""
    count = flops(model("gpt-oss-20b"), tokens=1, start=10_000, sampled=1)
    each = 2 * 64 * (64 + 64)
    assert count.attention_mixing == pytest.approx(12 * each * 10_000.5 + 12 * each * 128)


def test_a_recurrent_layer_costs_the_same_at_any_context() -> None:
    """Only the 10 attention layers of Nemotron-H 56B grow; its 54 Mamba2 layers touch 16384 × 256 of state each."""
    early, late = (flops(model("nemotron-h-56b"), 1, start, 1).attention_mixing for start in (0, 10_000))
    assert late - early == pytest.approx(10 * 10_000 * 2 * 64 * 256)
    assert early == pytest.approx(54 * 4 * 16384 * 256 + 10 * 0.5 * 2 * 64 * 256)


DENSE_AND_SPARSE = ["llama-3.1-70b", "llama-3.1-8b", "qwen2.5-72b", "mistral-7b-v0.3", "qwen3-30b-a3b", "deepseek-v3"]


@pytest.mark.parametrize("name", [*DENSE_AND_SPARSE, "mixtral-8x7b", "gpt-oss-120b"])
def test_a_token_costs_two_flops_per_active_parameter(name: str) -> None:
    """Within 2 %, the embedding left out: it is looked up, not multiplied."""
    entry = model(name)
    embedding = entry.vocabulary * entry.hidden_size
    used = active_parameters(entry) - (0 if entry.tied_embeddings else embedding)
    total = flops(entry, LONGEST_SHORT, 0, LONGEST_SHORT).total
    assert total == pytest.approx(2 * used, rel=0.02)


@settings(max_examples=draws(60), deadline=None)
@given(
    name=st.sampled_from(sorted(CATALOG.models)),
    tokens=st.floats(1, 1e5),
    start=st.floats(0, 1e5),
    more=st.floats(1, 3),
)
def test_more_tokens_or_context_never_cost_less(name: str, tokens: float, start: float, more: float) -> None:
    count = flops(model(name), tokens, start, 1).total
    assert 0 < count <= flops(model(name), tokens * more, start, 1).total
    assert count <= flops(model(name), tokens, start + more, 1).total


@settings(max_examples=draws(60), deadline=None)
@given(name=st.sampled_from(sorted(CATALOG.models)), first=st.floats(1, 1e5), then=st.floats(1, 1e5))
def test_a_prompt_costs_the_same_in_one_piece_as_in_two(name: str, first: float, then: float) -> None:
    """Also where a window fills up in the middle of it."""
    whole = flops(model(name), first + then, 0, 1).attention_mixing
    assert whole == pytest.approx(
        sum(flops(model(name), n, at, 1).attention_mixing for n, at in ((first, 0), (then, first)))
    )
