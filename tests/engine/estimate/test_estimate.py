import json
from itertools import pairwise
from math import isclose
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs.errors import InputError
from catalogs.matrices import active_parameters
from engine.estimate.estimate import Estimate, Incompatible, Outcome, estimate, estimate_json, estimates
from engine.estimate.load_kinds import GivenLoad, LoadKind
from engine.plan import AcceleratorMemory
from tests.draws import draws
from tests.engine.asked import CATALOG, asked
from tests.measured_server import measured_rows

ONE = GivenLoad("concurrency", 1)
PERCENTILES = ("p50", "p90", "p95", "p99")


def estimated(load: GivenLoad, **values: Any) -> Outcome:
    paths = {path.replace("__", "."): value for path, value in values.items()}
    return estimate(asked({"traffic.requests_per_s": None, **paths}), load, CATALOG)


def fitting(load: GivenLoad, **values: Any) -> Estimate:
    outcome = estimated(load, **values)
    assert isinstance(outcome, Estimate), outcome
    return outcome


def refused(load: GivenLoad, **values: Any) -> Incompatible:
    outcome = estimated(load, **values)
    assert isinstance(outcome, Incompatible), outcome
    return outcome


def parts_of(one: AcceleratorMemory) -> float:
    return one.weights_bytes + one.kv_cache_bytes + one.activations_bytes + one.runtime_bytes + one.unused_bytes


# --- memory and FLOPs -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "model", ["llama-3.1-70b", "deepseek-v3", "gpt-oss-120b", "gemma-3-27b", "nemotron-nano-9b-v2"]
)
def test_the_parts_of_the_memory_are_the_accelerators_memory(model: str) -> None:
    found = fitting(ONE, model=model, precision__weights=None, hardware__accelerators=["h200-sxm-141gb"])
    one = found.memory.per_accelerator
    assert parts_of(one) == pytest.approx(one.total_bytes)
    assert one.total_bytes == CATALOG.accelerators["h200-sxm-141gb"].memory_bytes


def test_the_memory_of_the_seed_case() -> None:
    memory = fitting(ONE).memory
    assert round(memory.weights_bytes / 2**30, 1) == 131.4
    assert memory.kv_cache_bytes_per_token == 327_680


def test_flops_of_a_prompt_by_hand() -> None:
    """Llama 3.1 70B: 80 layers of QKV 8192 × 10240, output 8192², three 8192 × 28672; attention over n²/2 pairs."""
    count = fitting(ONE, tokens__input__mean=1000).flops
    projections = 2 * 1000 * 80 * (8192 * 10240 + 8192 * 8192)
    mixing = 80 * 2 * 64 * (128 + 128) * 1000 * 1000 / 2
    assert count.attention == pytest.approx(projections + mixing)
    assert count.feed_forward == pytest.approx(2 * 1000 * 80 * 3 * 8192 * 28672)
    assert count.prefill_total == pytest.approx(count.attention + count.feed_forward + count.lm_head)


@pytest.mark.parametrize("model", ["llama-3.1-70b", "qwen3-30b-a3b", "deepseek-v3"])
def test_a_token_costs_two_flops_per_active_parameter_where_the_context_is_short(model: str) -> None:
    values = {"precision__weights": None, "hardware__accelerators": ["b200-sxm"]}
    count = fitting(ONE, model=model, tokens__input__mean=1, tokens__output__mean=2, **values).flops
    architecture = CATALOG.models[model]
    used = active_parameters(architecture) - architecture.vocabulary * architecture.hidden_size  # a look-up costs none
    assert count.per_token == pytest.approx(2 * used, rel=0.01)


# --- parallelism ------------------------------------------------------------------------------------------------------


def test_the_smallest_tensor_parallelism_that_fits_is_taken_and_said() -> None:
    found = fitting(ONE)
    assert found.setup.tensor_parallel == 2
    assert any("TP2, the smallest" in item.text for item in found.assumptions)
    assert isinstance(estimated(ONE, serving__tensor_parallel=1), Incompatible)


def test_given_parallelism_is_kept_and_no_assumption() -> None:
    found = fitting(ONE, serving__tensor_parallel=8)
    assert (found.setup.accelerators, found.setup.tensor_parallel) == (8, 8)
    assert not any("smallest" in item.text for item in found.assumptions)


def test_beyond_a_node_stages_are_added() -> None:
    found = fitting(ONE, model="deepseek-v3", precision__weights=None, hardware__accelerators=["h100-sxm-80gb"])
    assert (found.setup.tensor_parallel, found.setup.pipeline_parallel, found.setup.accelerators) == (8, 2, 16)


def test_a_model_that_does_not_fit_says_what_it_needed_and_what_would_work() -> None:
    of_the_log = {"serving__runtime": "vllm@0.16", "hardware__accelerators": ["h100"]}
    outcome = refused(ONE, serving__tensor_parallel=1, **of_the_log)
    rejection = outcome.rejection
    assert rejection.needed and rejection.available and rejection.needed > rejection.available
    assert outcome.per_accelerator and parts_of(outcome.per_accelerator) == pytest.approx(rejection.needed)
    # In FP8 it leaves no pool on one device of 80 GB: vLLM 0.16 refused to start (llm-d-benchmark's log of it, TP=1).
    assert rejection.relaxations == ("--tp 4", "--precision int4")
    for works in ({"serving__tensor_parallel": 4}, {"serving__tensor_parallel": 1, "precision__weights": "int4"}):
        assert isinstance(estimated(ONE, **of_the_log, **works), Estimate)


def test_a_format_without_a_unit_says_what_it_would_run_as() -> None:
    rejection = refused(ONE, precision__weights="fp8", serving__runtime="tensorrt-llm").rejection
    assert "no FP8 unit" in rejection.reason
    assert rejection.relaxations == ("--precision bf16", "--precision int4", "--runtime sglang", "--runtime vllm")


def test_heads_that_cannot_be_divided_name_the_widths_that_can() -> None:
    rejection = refused(ONE, serving__tensor_parallel=3).rejection
    assert "64 attention heads" in rejection.reason
    assert rejection.relaxations == ("--tp 1", "--tp 2", "--tp 4", "--tp 8")


# --- loads ------------------------------------------------------------------------------------------------------------


def test_an_open_loop_knows_its_percentiles_and_they_rise() -> None:
    found = fitting(GivenLoad("rps", 2.0), serving__tensor_parallel=4)
    for latency in (found.ttft_s, found.itl_s, found.e2e_s):
        values = [getattr(latency, name) for name in PERCENTILES]
        assert values == sorted(values)
        assert values[0] > 0
    assert found.requests_per_s == 2.0
    assert found.output_tokens_per_s == pytest.approx(400.0, rel=1e-3)


@pytest.mark.parametrize("load", [GivenLoad("concurrency", 16), GivenLoad("offline")])
def test_what_no_closed_form_knows_is_left_open(load: GivenLoad) -> None:
    found = fitting(load, serving__tensor_parallel=4)
    assert found.itl_s.mean and found.itl_s.mean > 0
    for latency in (found.ttft_s, found.itl_s, found.e2e_s):
        assert [getattr(latency, name) for name in PERCENTILES] == [None] * 4
    assert any("percentiles are left open" in item.text for item in found.assumptions)


def test_equal_requests_of_a_static_batch_share_one_course_and_unequal_ones_only_the_first_token() -> None:
    alike = fitting(GivenLoad("static_batch", 8), serving__tensor_parallel=4)
    assert alike.itl_s.p99 == alike.itl_s.mean
    assert alike.e2e_s.p99 == alike.e2e_s.mean
    varied = fitting(GivenLoad("static_batch", 8), serving__tensor_parallel=4, tokens__output__cv=0.5)
    assert varied.ttft_s.p99 == varied.ttft_s.mean
    assert varied.itl_s.p99 is None


def test_a_static_batch_takes_what_its_figures_say() -> None:
    found = fitting(GivenLoad("static_batch", 8), serving__tensor_parallel=4)
    assert found.e2e_s.mean == pytest.approx((found.ttft_s.mean or 0) + 199 * (found.itl_s.mean or 0))
    assert found.requests_per_s == pytest.approx(8 / (found.e2e_s.mean or 1))
    assert found.output_tokens_per_s_per_accelerator == pytest.approx(found.output_tokens_per_s / 4)


def test_a_rate_beyond_saturation_is_refused_and_the_rate_that_it_names_works() -> None:
    rejection = refused(GivenLoad("rps", 50), serving__tensor_parallel=4).rejection
    assert rejection.needed == 50
    assert rejection.available and rejection.available < 50
    assert rejection.unit == "requests/s"
    nearest = float(rejection.relaxations[0].removeprefix("--rps "))
    assert isinstance(estimated(GivenLoad("rps", nearest), serving__tensor_parallel=4), Estimate)


def test_a_static_batch_beyond_the_pool_is_refused_and_the_batch_that_it_names_works() -> None:
    rejection = refused(GivenLoad("static_batch", 5000), serving__tensor_parallel=4).rejection
    assert rejection.needed and rejection.available and rejection.needed > rejection.available
    nearest = float(rejection.relaxations[0].removeprefix("--static-batch "))
    assert isinstance(estimated(GivenLoad("static_batch", nearest), serving__tensor_parallel=4), Estimate)
    assert isinstance(estimated(GivenLoad("static_batch", nearest + 1), serving__tensor_parallel=4), Incompatible)


def test_clients_without_a_seat_make_it_marginal() -> None:
    found = fitting(GivenLoad("concurrency", 64), serving__tensor_parallel=4, serving__batch_cap=16)
    assert found.verdict == "marginal"
    assert "48 of 64 clients wait for a seat" in found.reason
    assert (
        fitting(GivenLoad("concurrency", 16), serving__tensor_parallel=4, serving__batch_cap=16).verdict == "compatible"
    )


def test_near_saturation_is_marginal() -> None:
    most = refused(GivenLoad("rps", 1e3), serving__tensor_parallel=4).rejection.available or 0
    assert fitting(GivenLoad("rps", 0.95 * most), serving__tensor_parallel=4).verdict == "marginal"
    assert fitting(GivenLoad("rps", 0.5 * most), serving__tensor_parallel=4).verdict == "compatible"


def test_more_clients_never_give_fewer_tokens_nor_faster_ones() -> None:
    sweep = [fitting(GivenLoad("concurrency", 2.0**k), serving__tensor_parallel=4) for k in range(9)]
    for less, more in pairwise(sweep):
        assert more.output_tokens_per_s >= less.output_tokens_per_s
        assert (more.itl_s.mean or 0) >= (less.itl_s.mean or 0)
        assert more.headroom <= less.headroom


def test_clients_wait_as_in_the_benchmark_that_accuracy_replays_and_never_exceed_saturation() -> None:
    """By formula a herd of 32 waits a third as long; 1,000 clients carried more than a queue without end."""
    of = {"model": "llama-3.1-8b", "precision__weights": "fp8", "hardware__accelerators": ["h100-sxm-80gb"]}
    lengths: dict[str, Any] = {"tokens__input": {"mean": 1500, "cv": 0}, "tokens__output": {"mean": 300, "cv": 0}}
    of_8b = {"model": "meta-llama/Llama-3.1-8B-Instruct", "weight_precision": "fp8", "gpus": "1", "tp": "1"}
    (row,) = measured_rows(CATALOG, {}, [(32, 1500, 300)], itl_noise=0, ttft_noise=0, **of_8b)
    at = fitting(GivenLoad("concurrency", 32), **of, **lengths)
    assert at.ttft_s.mean == pytest.approx(float(row["ttft_ms_mean"]) / 1e3, rel=1e-4)
    assert at.itl_s.mean == pytest.approx(float(row["itl_ms_mean"]) / 1e3, rel=1e-4)
    most = fitting(GivenLoad("offline"), **of, **lengths).requests_per_s
    assert fitting(GivenLoad("concurrency", 1000), **of, **lengths).requests_per_s <= most
    # As many as are simulated wait about as long as the formula has it, and so do any number beyond.
    waits = [fitting(GivenLoad("concurrency", clients), **of, **lengths).ttft_s.mean for clients in (3000, 3001, 10**9)]
    assert waits[1] == pytest.approx(waits[0], rel=0.03)
    assert waits[2] == pytest.approx(10**9 / most, rel=0.05)


def test_lengths_are_fixed_for_benchmarks_and_vary_for_a_rate_unless_someone_says() -> None:
    closed, opened = fitting(ONE, serving__tensor_parallel=4), fitting(GivenLoad("rps", 1), serving__tensor_parallel=4)
    assert closed.basis.question.lengths.output.cv == 0
    assert opened.basis.question.lengths.output.cv == pytest.approx(0.8, rel=0.2)
    assert fitting(ONE, tokens__output__cv=0.5).basis.question.lengths.output.cv > 0.4


def test_a_batch_cap_below_a_static_batch_contradicts_it() -> None:
    with pytest.raises(InputError, match="batch of 8 is beyond the batch cap of 4"):
        estimated(GivenLoad("static_batch", 8), serving__batch_cap=4)


@pytest.mark.parametrize("names", [None, ["h100-sxm-80gb", "h200-sxm-141gb"]])
def test_one_estimate_is_of_one_accelerator(names: list[str] | None) -> None:
    with pytest.raises(InputError, match="one accelerator"):
        estimated(ONE, hardware__accelerators=names)


def test_several_accelerators_and_loads_stand_beside_each_other_in_order() -> None:
    spec = asked({"traffic.requests_per_s": None, "hardware.accelerators": ["h100-sxm-80gb", "h200-sxm-141gb"]})
    outcomes = estimates([spec], [GivenLoad("rps", 1), GivenLoad("rps", 2)], CATALOG)
    found = [(one.setup.accelerator, one.load.value) for one in outcomes]
    assert found == [("h100-sxm-80gb", 1), ("h100-sxm-80gb", 2), ("h200-sxm-141gb", 1), ("h200-sxm-141gb", 2)]


# --- JSON -------------------------------------------------------------------------------------------------------------


def keys_of(tree: Any) -> Any:
    return {key: keys_of(value) for key, value in tree.items()} if isinstance(tree, dict) else None


def test_the_keys_are_the_same_whether_or_not_it_is_compatible() -> None:
    good, bad = estimate_json(estimated(ONE)), estimate_json(estimated(ONE, serving__tensor_parallel=1))
    assert keys_of(good) == keys_of(bad)
    assert (good["verdict"], bad["verdict"]) == ("marginal", "incompatible")
    assert bad["ttft_s"]["mean"] is None
    assert bad["memory"]["weights_bytes"] == good["memory"]["weights_bytes"]


# --- the whole input space --------------------------------------------------------------------------------------------

MODELS = ("llama-3.1-8b", "llama-3.1-70b", "deepseek-v3", "gpt-oss-20b", "mixtral-8x7b", "gemma-3-27b")
ACCELERATORS = ("a100-sxm-80gb", "h100-sxm-80gb", "b200-sxm", "l4", "mi300x", "tpu-v5e", "rtx-4090")
LOADS: tuple[LoadKind, ...] = ("concurrency", "rps", "static_batch", "offline")


@settings(max_examples=draws(120), deadline=None)
@given(
    model=st.sampled_from(MODELS),
    accelerator=st.sampled_from([name for name in ACCELERATORS if name in CATALOG.accelerators]),
    kind=st.sampled_from(LOADS),
    value=st.one_of(st.integers(1, 5000), st.floats(1e-6, 1e6)),
    prompt=st.integers(1, 50_000),
    answer=st.integers(1, 20_000),
    cv=st.sampled_from([None, 0.0, 0.8, 3.0]),
    weights=st.sampled_from([None, "bf16", "fp8", "int4", "nvfp4"]),
    tp=st.sampled_from([None, 1, 2, 3, 8, 64]),
    pp=st.sampled_from([None, 1, 2, 200]),
    dp=st.sampled_from([None, 1, 4]),
    ep=st.sampled_from([None, 1, 8]),
    runtime=st.sampled_from(["vllm", "sglang", "tensorrt-llm", "llama.cpp", "generic"]),
    hit=st.sampled_from([0.0, 0.9]),
)
def test_no_input_breaks_it(
    model: str, accelerator: str, kind: LoadKind, value: float, prompt: int, answer: int, cv: float | None,
    weights: str | None, tp: int | None, pp: int | None, dp: int | None, ep: int | None, runtime: str, hit: float,
) -> None:  # fmt: skip
    """Ours is the only exception; JSON without NaN or negatives; parts sum to the whole; the mean lies in the range."""
    load = GivenLoad(
        kind, None if kind == "offline" else float(value) if kind == "rps" else max(float(round(value)), 1.0)
    )
    try:
        outcome = estimated(
            load, model=model, hardware__accelerators=[accelerator], tokens__input__mean=prompt,
            tokens__output__mean=answer, tokens__input__cv=cv, tokens__output__cv=cv, precision__weights=weights,
            serving__tensor_parallel=tp, serving__pipeline_parallel=pp, serving__data_parallel=dp,
            serving__expert_parallel=ep, serving__runtime=runtime, tokens__prefix_hit=hit,
        )  # fmt: skip
    except InputError as error:
        assert str(error)
        return
    tree = estimate_json(outcome)
    json.dumps(tree, allow_nan=False)
    assert not [path for path, number in numbers(tree) if number < 0]
    if isinstance(outcome, Incompatible):
        assert outcome.rejection.reason
        return
    one = outcome.memory.per_accelerator
    assert isclose(parts_of(one), one.total_bytes, rel_tol=1e-9)
    assert 0 <= outcome.headroom <= 1
    if outcome.ttft_s.mean and outcome.itl_s.mean and outcome.e2e_s.mean:
        assert outcome.e2e_s.mean >= outcome.ttft_s.mean
    assert outcome.output_tokens_per_s >= outcome.output_tokens_per_s_per_accelerator


def numbers(tree: Any, path: str = "") -> list[tuple[str, float]]:
    if isinstance(tree, dict):
        return [found for key, value in tree.items() for found in numbers(value, f"{path}.{key}")]
    if isinstance(tree, list):
        return [found for value in tree for found in numbers(value, path)]
    return [(path, tree)] if isinstance(tree, int | float) else []
