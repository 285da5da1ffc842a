"""Expert products: what their shards, their ranks, and tokens that choose alike cost."""

from collections.abc import Iterable

import numpy as np
import pytest
from msgspec import convert

from catalogs.records.fitted import FittedConstants, StatedConstants
from catalogs.records.models import MixtureFeedForward
from engine.arrays import Floats
from engine.fleet.candidates import single
from engine.question.resolve import resolve
from engine.step.parallelism import ParallelSizes
from engine.step.rates import rates_for
from engine.step.table import TOKEN_GRID, experts_touched
from engine.workload import spec_from
from tests.engine.asked import CATALOG

EXPERTS = "experts"


def seconds(sizes: ParallelSizes, *, skew: float = 0.0, fitted: Iterable[FittedConstants] = ()) -> Floats:
    """Seconds of a step's experts by its tokens (TOKEN_GRID), Qwen3 235B under TensorRT-LLM on H200."""
    spec = spec_from(
        {
            "model": "qwen3-235b-a22b", "precision.weights": "fp8", "serving.runtime": "tensorrt-llm",
            "hardware.accelerators": ("h200",), "traffic.requests_per_s": 1, "tokens.input.mean": 1000,
            "tokens.output.mean": 200, "tokens.router_skew": skew,
        }
    )  # fmt: skip
    catalog = CATALOG.with_fitted([*CATALOG.fitted, *fitted])
    parts = single(resolve(spec, catalog), sizes).step_parts()
    result: Floats = parts[EXPERTS][0]
    return result


def at(values: Floats, tokens: float) -> float:
    return float(np.interp(tokens, TOKEN_GRID, values))


def test_a_skewed_router_costs_nothing_on_one_rank_and_more_on_many() -> None:
    together, spread = ParallelSizes(8, 1, 1, 1), ParallelSizes(8, 1, 1, 8)
    assert np.array_equal(seconds(together), seconds(together, skew=1.0))
    assert at(seconds(spread, skew=1.0), 16_384) > 1.2 * at(seconds(spread), 16_384)


def test_ranks_of_whole_experts_work_faster_on_large_steps_than_narrow_shards() -> None:
    """At 4,096 tokens AIConfigurator's table has 3.0 to 4.0 times between TP8 and EP8 for DeepSeek's wider experts."""
    sharded, spread = seconds(ParallelSizes(8, 1, 1, 1)), seconds(ParallelSizes(8, 1, 1, 8))
    assert at(sharded, 8192) > 2 * at(spread, 8192)


@pytest.mark.parametrize(("tokens", "ranks"), [(1, 1), (4, 1), (4, 8), (16, 8), (64, 4)])
def test_experts_touched_are_those_of_random_routing(tokens: int, ranks: int) -> None:
    """Against drawn routings: 8 of 128 experts a token, on the rank that is met most."""
    block = next(g.feed_forward for g in CATALOG.model("qwen3-235b-a22b").model.layers if g.feed_forward)
    assert isinstance(block, MixtureFeedForward)
    random = np.random.default_rng(0)
    most = []
    for _ in range(400):
        chosen = np.concatenate([random.choice(128, 8, replace=False) for _ in range(tokens)])
        most.append(np.bincount(np.unique(chosen) * ranks // 128, minlength=ranks).max())
    found = experts_touched(block, np.array([float(tokens)]), np.array([float(ranks)]))
    assert found[0] == pytest.approx(np.mean(most), rel=0.06)


def test_tokens_that_choose_alike_touch_fewer_experts_until_all_are_touched() -> None:
    stated = {"id": "alike", "runtimes": ("tensorrt-llm",), "distinct_tokens": 0.5, "fitted_on": "a test"}
    alike = convert(stated, StatedConstants)
    usual, fewer = seconds(ParallelSizes(8, 1, 1, 1)), seconds(ParallelSizes(8, 1, 1, 1), fitted=[alike])
    assert at(fewer, 16) < 0.9 * at(usual, 16)
    assert at(fewer, 4096) == pytest.approx(at(usual, 4096), rel=1e-6)


def test_a_curve_with_a_skewed_router_is_never_the_faster_one() -> None:
    for curve in CATALOG.curves.values():
        for fit in curve.mixture.values():
            assert fit.skewed_ranks >= fit.ranks
            assert fit.ranks_exponent(0.5) == pytest.approx((fit.ranks + fit.skewed_ranks) / 2)


def test_which_kernel_runs_the_experts_follows_the_runtime_and_the_card() -> None:
    """vLLM multiplies MXFP4 in 16 bit on Blackwell unless asked otherwise; TensorRT-LLM in 8 bit."""
    vllm, trtllm = CATALOG.runtime("vllm"), CATALOG.runtime("tensorrt-llm")
    blackwell, hopper = CATALOG.accelerator("b200"), CATALOG.accelerator("h200")
    assert vllm.expert_kernel("mxfp4", blackwell) == "mxfp4"
    assert vllm.expert_kernel("mxfp4", hopper) == trtllm.expert_kernel("mxfp4", blackwell) == ""
    # One scale for each tensor, as checkpoints of ModelOptimizer have; DeepSeek's own are scaled by block.
    assert trtllm.expert_kernel("fp8", hopper, static_scales=True) == "fp8"
    assert trtllm.expert_kernel("fp8", hopper) == vllm.expert_kernel("fp8", hopper, static_scales=True) == ""


def test_experts_scaled_by_tensor_reach_of_their_kernel_what_served_ones_did() -> None:
    """RTX PRO 6000, where the products by block that stood for them reach 14 % of the peak, and these 83 % alone."""
    card, formats = CATALOG.accelerators["rtx-pro-6000-bse"], (CATALOG.precisions["fp8"], CATALOG.precisions["fp8"])
    by_tensor, by_block = (
        rates_for(card, CATALOG.runtime("tensorrt-llm"), *formats, CATALOG.curves, CATALOG.fitted, static_scales=static)
        for static in (True, False)
    )
    assert 3 * by_block.mixture.flops_per_s < by_tensor.mixture.flops_per_s < 0.6 * 0.936e15
