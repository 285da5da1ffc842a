"""Percentiles of open loops, and the largest rate within latency limits, as points of a file state them."""

from collections.abc import Mapping
from pathlib import Path
from statistics import median

import pytest

from catalogs.measurement_files import read_points
from engine.accuracy.benchmarks import benchmark_latencies
from engine.accuracy.columns import TAILS
from engine.accuracy.points import MeasuredPoint, tokens_of
from engine.accuracy.predictions import Simulator, predict_points, read
from tests.benchmarks.tail_steps import step_ratio
from tests.engine.accuracy.test_points import ROW
from tests.engine.asked import CATALOG

PERCENTILES = {column: "1" for columns in TAILS.values() for column in columns}
OPEN = ROW | PERCENTILES | {"load": "open_loop", "concurrency": "", "request_rate": "4"}
LIMITED = ROW | {
    "load": "mlperf_server", "concurrency": "", "tp": "", "requests_per_s": "8",
    "ttft_limit_ms": "2000", "itl_limit_ms": "60", "output_tokens_per_s": "",
}  # fmt: skip


def predicted(row: Mapping[str, str], simulator: Simulator | None = None) -> dict[str, float]:
    (outcome,) = predict_points([read(row, CATALOG)], CATALOG, simulator)
    assert not isinstance(outcome, str), outcome
    return {item.column: item.predicted for item in outcome}


def test_every_percentile_of_an_open_loop_is_predicted_and_they_rise() -> None:
    found = predicted(OPEN, benchmark_latencies)
    assert set(PERCENTILES) <= set(found)
    for metric in ("ttft", "itl", "e2e"):
        own = [found[f"{metric}_ms_{name}"] for name in ("p50", "p90", "p95", "p99", "p99.9")]
        assert own == sorted(own)
    assert found["ttft_ms_p50"] < found["ttft_ms_mean"] * 1.2


def test_formula_and_simulation_agree_on_an_open_loop_below_the_knee() -> None:
    """Their own errors are in methodology's table; here both must speak of the same load."""
    formula, simulated = predicted(OPEN), predicted(OPEN, benchmark_latencies)
    for column in ("ttft_ms_p50", "ttft_ms_p95", "itl_ms_p95", "e2e_ms_p95", "e2e_ms_p50"):
        assert formula[column] == pytest.approx(simulated[column], rel=0.3)


def test_what_a_row_states_of_server_and_traffic_counts() -> None:
    base = predicted(OPEN)
    assert predicted(OPEN | {"prefix_hit": "0.9"})["ttft_ms_p50"] < 0.8 * base["ttft_ms_p50"]
    assert predicted(OPEN | {"burstiness": "3"})["ttft_ms_p99"] > base["ttft_ms_p99"]
    assert predicted(OPEN | {"output_tokens_cv": "1"})["e2e_ms_p99"] > 1.5 * base["e2e_ms_p99"]
    few = predicted(ROW | {"max_sequences": "4", "concurrency": "64"})
    assert few["ttft_ms_mean"] > 2 * predicted(ROW | {"concurrency": "64"})["ttft_ms_mean"]


@pytest.mark.parametrize("engine", ["vllm", "SGLang"])
def test_prompts_wait_for_as_many_decoding_steps_as_a_row_states(engine: str) -> None:
    """Half of what passes between two looks for arrivals, where prompts share steps and where they run apart."""
    seldom = OPEN | {"engine": engine, "ttft_ms_mean": "1", "itl_ms_mean": "1", "poll_steps": "12"}
    formula, simulated = predicted(seldom), predicted(seldom, benchmark_latencies)
    for column in ("ttft_ms_mean", "itl_ms_mean"):
        assert formula[column] == pytest.approx(simulated[column], rel=0.06)
    often = predicted(seldom | {"poll_steps": ""})
    assert formula["ttft_ms_mean"] - often["ttft_ms_mean"] == pytest.approx(5.5 * often["itl_ms_mean"], rel=0.5)


def test_a_row_may_state_the_tokens_of_a_step() -> None:
    """A runtime that does not split prompts takes no step smaller than one, unless it was told to split them."""
    whole = LIMITED | {"engine": "TensorRT-LLM", "engine_version": "", "token_budget": "512"}
    assert "a step of 512 tokens holds no prompt" in str(predict_points([read(whole, CATALOG)], CATALOG)[0])
    split, usual = (predicted(row | {"chunked": "true"}) for row in (whole, whole | {"token_budget": ""}))
    assert split["requests_per_s"] < usual["requests_per_s"]
    assert "chunked maybe is not true or false" in str(read(ROW | {"chunked": "maybe"}, CATALOG))


def test_a_row_may_state_how_tokens_were_drawn() -> None:
    sorted_logits = ROW | {"engine_version": "0.12.0", "concurrency": "64"}
    greedy, sampled = (predicted(sorted_logits | {"sampling": how}) for how in ("greedy", "top_p"))
    assert predicted(sorted_logits) == greedy
    by_hand_ms = 64 * 128_256 * 0.2e-6
    assert sampled["itl_ms_mean"] - greedy["itl_ms_mean"] == pytest.approx(by_hand_ms, rel=0.1)
    assert "sampling beam is not greedy or top_p" in str(read(ROW | {"sampling": "beam"}, CATALOG))


def test_a_row_may_state_whether_answers_are_reserved() -> None:
    """Where they are not, more requests run together; TensorRT-LLM reserves them by default, vLLM does not."""
    full = LIMITED | {"engine": "TensorRT-LLM", "engine_version": "", "output_tokens": "2000"}
    default, reserved, used = (
        predicted(full | {"capacity_policy": policy})["requests_per_s"]
        for policy in ("", "guaranteed_no_evict", "max_utilization")
    )
    assert used > 1.05 * default
    assert reserved == default


def test_benchmarks_call_columns_otherwise() -> None:
    """As MLPerf and the benchmarks of the runtimes print them."""
    content = b"model,accelerator,load,tpot_p99_ms,ttft_p50_ms,tpot_ms_mean,tpot_limit_ms\nm,a,l,1,2,3,4\n"
    (row,) = read_points(Path("a file"), content).rows
    assert (row["itl_ms_p99"], row["ttft_ms_p50"], row["itl_ms_mean"], row["itl_limit_ms"]) == ("1", "2", "3", "4")


def test_the_largest_rate_keeps_its_limits_and_grows_with_them() -> None:
    tight, wide = (predicted(LIMITED | {"itl_limit_ms": limit})["requests_per_s"] for limit in ("30", "60"))
    assert 0 < tight <= wide
    at_capacity = LIMITED | PERCENTILES | {"requests_per_s": str(tight * 0.999), "itl_limit_ms": "30"}
    found = predicted(at_capacity)
    assert found["itl_ms_p99"] <= 30 * 1.01
    assert found["ttft_ms_p99"] <= 2000 * 1.01


def test_a_split_that_is_stated_carries_no_more_than_the_best() -> None:
    stated = [predicted(LIMITED | {"tp": tp, "pp": "1"})["requests_per_s"] for tp in ("2", "4")]
    assert max(stated) <= predicted(LIMITED)["requests_per_s"] * 1.0001


def test_accelerators_carry_in_proportion_to_their_number() -> None:
    eight, sixteen = (predicted(LIMITED | {"gpus": gpus})["requests_per_s"] for gpus in ("8", "16"))
    assert sixteen == pytest.approx(2 * eight, rel=0.01)


def test_data_sets_of_a_benchmark_have_the_stated_mean_and_end_at_their_longest() -> None:
    for workload in CATALOG.protocols["mlperf"].workloads:
        for model in workload.models:
            row = LIMITED | {"model": model, "source": "mlperf_v6.0", "input_tokens": "", "output_tokens": ""}
            point = read(row, CATALOG)
            assert isinstance(point, MeasuredPoint), point
            tokens = tokens_of(point.load)
            for lengths, drawn in ((tokens.input, workload.input), (tokens.output, workload.output)):
                assert lengths.mean == drawn.mean
                assert sum(lengths.values) / max(len(lengths.values), 1) in (0, pytest.approx(drawn.mean, rel=1e-6))
                assert max(lengths.values, default=drawn.mean) <= drawn.most * 1.05


def test_limits_that_nobody_states_are_asked_for() -> None:
    row = LIMITED | {"ttft_limit_ms": "", "itl_limit_ms": ""}
    (outcome,) = predict_points([read(row, CATALOG)], CATALOG)
    assert isinstance(outcome, str)
    assert "ttft_limit_ms and itl_limit_ms, which the row does not state" in outcome


# --- published runs ---------------------------------------------------------------------------------------------------

PUBLISHED = Path(__file__).resolve().parents[2] / "fixtures" / "accuracy" / "tails.csv"
"""Stages of inference-perf and runs of MLPerf Inference v6.0 (Apache-2.0), each with its source; no fit saw them."""


def ratios(load: str, column: str) -> list[float]:
    rows = [row for row in read_points(PUBLISHED).rows if row["load"] == load]
    outcomes = predict_points([read(row, CATALOG) for row in rows], CATALOG, benchmark_latencies)
    return [
        item.predicted / item.measured
        for outcome in outcomes
        if not isinstance(outcome, str)
        for item in outcome
        if item.column == column
    ]


@pytest.mark.parametrize(("column", "most"), [("ttft_ms_p99", 0.25), ("itl_ms_mean", 0.12), ("e2e_ms_p99", 0.2)])
def test_tails_below_the_knee_are_near_those_of_published_stages(column: str, most: float) -> None:
    found = ratios("open_loop", column)
    assert len(found) == 8
    assert median(abs(ratio - 1) for ratio in found) <= most


def test_the_largest_rate_of_a_tuned_submission_is_nearly_reached_and_not_exceeded() -> None:
    found = ratios("mlperf_server", "requests_per_s")
    assert len(found) == 6
    assert all(0.6 <= ratio <= 1.1 for ratio in found)
    assert 0.75 <= median(found) <= 1


def test_steps_with_as_many_in_flight_as_were_measured_take_as_long() -> None:
    """Whatever the limits and who is admitted: a data set's lengths or a step that is off would show."""
    rows = [row for row in read_points(PUBLISHED).rows if row["load"] == "mlperf_server"]
    found = [step_ratio(row, float(row["itl_ms_p50"]) / 1e3, CATALOG) for row in rows]
    assert all(ratio and 0.9 <= ratio <= 1.25 for ratio in found)
    assert median(ratio or 0 for ratio in found) == pytest.approx(1, abs=0.1)


def test_a_queue_of_mlperf_offline_is_that_of_the_best_split_and_has_no_limits() -> None:
    """Of a row that states no parallelism; its server's rate within limits is lower."""
    row = LIMITED | {"source": "mlperf_v6.0", "model": "llama-2-70b", "accelerator": "h100-pcie-80gb", "gpus": "8"}
    row |= {"ttft_limit_ms": "", "itl_limit_ms": "", "input_tokens": "", "output_tokens": ""}
    offline, server = (predicted(row | {"load": load})["requests_per_s"] for load in ("offline", "mlperf_server"))
    assert server < offline < 2 * server
