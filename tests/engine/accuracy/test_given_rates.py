"""Bands of latencies under a given rate: nearer to saturation they are wider above, and the more so the further out."""

from math import log

import pytest

from engine.accuracy.predictions import Prediction, predict_points, read
from tests.engine.accuracy.test_points import ROW as SOME
from tests.engine.asked import CATALOG

ROW = SOME | {
    "engine": "vLLM", "model": "llama-3.1-8b", "accelerator": "h100-sxm-80gb", "gpus": "1", "tp": "1",
    "weight_precision": "bf16", "load": "open_loop", "concurrency": "", "input_tokens": "1000", "output_tokens": "200",
    "input_tokens_cv": "0.8", "output_tokens_cv": "0.8", "itl_ms_mean": "10", "itl_ms_p99": "10", "ttft_ms_p50": "100",
    "ttft_ms_p99": "100",
}  # fmt: skip


def at(rate: float) -> dict[str, Prediction]:
    (outcome,) = predict_points([read(ROW | {"request_rate": str(rate)}, CATALOG)], CATALOG)
    assert not isinstance(outcome, str), outcome
    return {item.column: item for item in outcome}


def factors(item: Prediction) -> tuple[float, float]:
    assert item.band is not None
    low, high = item.band.ends(80)
    return -log(low), log(high)


def test_under_a_light_load_a_step_that_is_slower_is_all_that_there_is() -> None:
    low, high = factors(at(0.05)["itl_ms_mean"])
    busy_low, busy_high = factors(at(12)["itl_ms_mean"])
    assert busy_high > 1.5 * high
    assert busy_low > low


def test_an_end_is_the_latency_of_slower_steps_at_the_same_rate() -> None:
    """Steps f times as long: time is stretched, so that it is f times the latency at f times the rate."""
    here = at(8)["itl_ms_mean"]
    assert here.band is not None
    quiet = at(0.001)["itl_ms_mean"]
    assert quiet.band is not None
    f = quiet.band.ends(80)[1]
    slower = at(8 * f)["itl_ms_mean"].predicted * f
    assert here.predicted * here.band.ends(80)[1] == pytest.approx(slower, rel=0.01)


def test_the_further_out_a_percentile_the_less_is_known_of_it_near_saturation() -> None:
    busy = at(14)
    assert factors(busy["ttft_ms_p99"])[1] > factors(busy["ttft_ms_p50"])[1]
