"""A forward step: longer for more tokens, never slower on more hardware, and sharded as the operations are."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import to_builtins
from msgspec.structs import replace

from catalogs.records.accelerators import Accelerator
from engine.fleet.candidates import candidates, single
from engine.step.parallelism import ParallelSizes
from engine.step.table import TOKEN_GRID, StepTables
from tests.catalogs.memory_facts import MEMORY_FACTS
from tests.draws import draws
from tests.engine.asked import CATALOG, STAND_IN, catalog_with, question, relative
from tests.every import of_every

MODELS = [fact.model for fact in MEMORY_FACTS]
H200 = CATALOG.accelerators["h200-sxm-141gb"]


def table(
    model: str = "llama-3.1-70b",
    accelerator: Accelerator = H200,
    tp: int = 4,
    pp: int = 1,
    dp: int = 1,
    ep: int = 1,
    **changes: Any,
) -> StepTables:
    values = {"model": model, "precision.weights": None, "hardware.accelerators": [accelerator.id], **changes}
    catalog = catalog_with(accelerator) if accelerator.id == STAND_IN else CATALOG
    return single(question(values, catalog), ParallelSizes(tp, pp, dp, ep)).step_tables()


def never_slower(faster: StepTables, slower: StepTables) -> None:
    by_sequence = ("decode_fixed", "decode_sequence", "decode_context")
    for name in ("seconds", *by_sequence, "prompt_fixed", "prompt_token", "prompt_context"):
        assert (getattr(faster, name) <= getattr(slower, name) * (1 + 1e-12)).all(), name


@of_every(MODELS)
def test_a_step_of_more_tokens_takes_longer(model: str) -> None:
    asked = question({"model": model, "precision.weights": None, "hardware.accelerators": ["h200", "l40s", "mi300x"]})
    found, _ = candidates(asked)
    tables = found.step_tables()
    assert len(found)
    assert (np.diff(tables.seconds, axis=1) >= 0).all()
    assert (tables.seconds[:, -1] > 2 * tables.seconds[:, 0]).all()
    assert (tables.seconds > 0).all()


@of_every(MODELS)
def test_more_bandwidth_is_never_slower(model: str) -> None:
    more = relative(H200, memory_gb_per_s=H200.memory_gb_per_s * 1.7)
    slower, faster = table(model, relative(H200), tp=2), table(model, more, tp=2)
    never_slower(faster, slower)
    assert faster.seconds[0, 0] < slower.seconds[0, 0]


@of_every(MODELS)
def test_more_compute_is_never_slower(model: str) -> None:
    peaks = {unit: None if peak is None else 1.7 * peak for unit, peak in to_builtins(H200.peak_tflops).items()}
    slower, faster = table(model, relative(H200), tp=2), table(model, relative(H200, peak_tflops=peaks), tp=2)
    never_slower(faster, slower)
    assert faster.seconds[0, -1] < slower.seconds[0, -1]


def test_a_faster_link_is_never_slower() -> None:
    link = to_builtins(H200.link) | {"gb_per_s": 2 * H200.link.gb_per_s}
    slower, faster = table(accelerator=relative(H200), tp=8), table(accelerator=relative(H200, link=link), tp=8)
    never_slower(faster, slower)
    assert faster.seconds[0, -1] < slower.seconds[0, -1]


def test_one_token_is_bound_by_reading_the_weights() -> None:
    """Llama 70B in 16 bit on 4 × H200: 35.3 GB each at 4.8 TB/s are 7.35 ms; the rest is launches and collectives."""
    first = float(table().seconds[0, 0])
    assert 7.35e-3 < first < 2 * 7.35e-3


def test_many_tokens_are_bound_by_compute() -> None:
    """8,192 tokens of 70.5 G parameters at 4 × 989 TFLOP/s are 0.292 s at full efficiency."""
    step = float(table().base(np.array([[8192.0]]))[0, 0])
    assert 0.292 < step < 3 * 0.292


def test_tensor_parallelism_shares_the_work_but_not_evenly() -> None:
    """Twice the accelerators save time, and less than half of it."""
    for at in (0, -1):
        steps = [float(table(tp=tp).seconds[0, at]) for tp in (2, 4, 8)]
        for narrow, wide in itertools.pairwise(steps):
            assert narrow / 2 < wide < narrow


def test_attention_is_shared_until_the_kv_heads_run_out() -> None:
    """Llama 70B has 8 KV heads and 64 heads: TP16 reads as much KV as TP8 and computes half of its prefill."""
    at_1, at_8, at_16 = (table(tp=tp) for tp in (1, 8, 16))
    assert at_8.decode_context[0, 0] == pytest.approx(at_1.decode_context[0, 0] / 8)
    assert at_16.decode_context[0, 0] == at_8.decode_context[0, 0]
    assert at_16.prompt_context[0, 0] == pytest.approx(at_8.prompt_context[0, 0] / 2)


def test_the_context_term_is_the_kv_cache_read() -> None:
    """Llama 70B at TP1: 320 KiB per token of context, at 50 to 100 % of the bandwidth."""
    read = 320 * 1024 / H200.memory_bytes_per_s
    assert read < table(tp=1).decode_context[0, 0] < 2 * read


def test_half_the_kv_bytes_are_read_in_less_time() -> None:
    full, half = (table(**{"precision.kv_cache": kv}).decode_context[0, 0] for kv in ("bf16", "fp8"))
    assert 0.5 * full <= half < full


@pytest.mark.parametrize("accelerator", ["h200-sxm-141gb", "b200-sxm"])
def test_fewer_weight_bits_are_read_in_less_time(accelerator: str) -> None:
    """At one token, where only the weights count."""
    wide, narrow = (
        float(table(accelerator=CATALOG.accelerators[accelerator], **{"precision.weights": weights}).seconds[0, 0])
        for weights in ("fp16", "fp8")
    )
    assert narrow < wide


def test_a_window_has_its_own_coefficient() -> None:
    tables = table("gpt-oss-20b", tp=1)
    assert tables.windows == (128.0, float("inf"))
    assert tables.decode_context[0, 0] == pytest.approx(tables.decode_context[0, 1])


def test_an_indexer_reads_all_and_attention_its_top_tokens() -> None:
    tables = table("deepseek-v3.2", tp=8)
    assert tables.windows == (2048.0, float("inf"))
    assert 0 < tables.decode_context[0, 1] < tables.decode_context[0, 0]


def test_few_tokens_touch_few_experts() -> None:
    """Qwen3 30B A3B reads 3 of 30 B parameters for one token, and nearly all for many."""
    tables = table("qwen3-30b-a3b", tp=1, **{"precision.weights": "bf16"})
    one, many = tables.base(np.array([[1.0, 64.0]]))[0]
    assert many > 2.5 * one
    # At a hundredth of a full budget every expert is read: the floor of a step is its whole weights.
    assert many > 0.8 * 61e9 / H200.memory_bytes_per_s


def test_data_parallel_ranks_share_the_tokens_and_not_the_attention_weights() -> None:
    split, whole = table("deepseek-v3", tp=1, dp=8, ep=8), table("deepseek-v3", tp=8, ep=8)
    assert split.decode_context[0, 0] == pytest.approx(whole.decode_context[0, 0], rel=1.0)
    assert split.decode_context[0, 0] < table("deepseek-v3", tp=1).decode_context[0, 0] / 4


def test_latent_and_linear_attention_take_more_launches_in_steps_of_prompts() -> None:
    """By layers: of 61 latent ones all, of 60 of Qwen3.5 the 45 that are linear, none over grouped KV heads."""
    entry = next(one for one in CATALOG.fitted if one.id == "sglang")
    without = replace(entry, latent_prompt_layer_overhead_us=0.0)
    others = [one for one in CATALOG.fitted if one is not entry]
    bare, own = (CATALOG.with_fitted((*others, one)) for one in (without, entry))
    for model, layers in (("deepseek-v3", 61), ("qwen3.5-397b-a17b", 45), ("qwen3-235b-a22b", 0)):
        asked = {"model": model, "serving.runtime": "sglang", "hardware.accelerators": [H200.id]}
        with_it, less = (single(question(asked, c), ParallelSizes(8, 1, 1, 8)).step_tables() for c in (own, bare))
        more_us = (with_it.prompt_fixed[0] - less.prompt_fixed[0]) * 1e6
        assert more_us == pytest.approx(layers * entry.latent_prompt_layer_overhead_us, abs=1)


def test_only_a_pipelines_host_works_on_each_sequence_unhidden() -> None:
    whole, staged = table(tp=4), table(tp=4, pp=2)
    assert whole.decode_sequence[0] == 0
    assert 5e-6 < staged.decode_sequence[0] < 1e-4


def test_a_pipeline_keeps_the_time_of_a_single_token() -> None:
    """Stages run one after the other: a token gains nothing, a full step is shared."""
    whole, staged = table(tp=4), table(tp=4, pp=2)
    assert staged.seconds[0, 0] >= whole.seconds[0, 0]
    assert staged.seconds[0, -1] < 0.6 * whole.seconds[0, -1]


@settings(max_examples=draws(100), deadline=None)
@given(tokens=st.lists(st.floats(0.5, 2e5), min_size=2, max_size=20))
def test_between_grid_points_no_token_is_free_and_none_goes_back(tokens: list[float]) -> None:
    at = np.array([sorted(tokens)])
    steps = LLAMA.base(at)
    assert (np.diff(steps, axis=1) >= -1e-15).all()
    inside = at[0][(at[0] >= 1) & (at[0] <= TOKEN_GRID[-1])]
    assert LLAMA.base(inside[None, :])[0] == pytest.approx(np.interp(inside, TOKEN_GRID, LLAMA.seconds[0]))


LLAMA = table()


def test_candidates_are_taken_without_change() -> None:
    found, _ = candidates(question({"hardware.accelerators": ["a100-sxm-80gb"]}))
    tables = found.step_tables()
    chosen = tables.take(np.array([2, 0]))
    assert (chosen.seconds == tables.seconds[[2, 0]]).all()
    assert chosen.windows == tables.windows


def test_the_head_runs_for_every_sequence_that_decodes() -> None:
    """A model whose head is a third of it, 1,024 at once: T of so many tokens less that of a larger head's, by hand."""
    tables = table("qwen2.5-0.5b", tp=1)
    flops = 2.0 * 896 * 151_936 * (1024 - 256)
    seconds = float(tables.sequences(np.array([[1024.0]]))[0, 0])
    assert flops / 989e12 < seconds < 3 * flops / 989e12
    assert tables.sequences(np.array([[256.0]]))[0, 0] == 0
    halved = table("qwen2.5-0.5b", tp=2)
    assert halved.decode_further[0] == pytest.approx(tables.decode_further[0] / 2, rel=0.2)
