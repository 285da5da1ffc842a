"""What a plan says where a runtime may find less memory for its KV pool than one request takes."""

import pytest

from engine.fleet.candidates import longest_request, single
from engine.method import forecast
from engine.plan import CapacityPlan
from engine.step.parallelism import ParallelSizes
from engine.workload import spec_from
from tests.engine.asked import CATALOG, question

ONE_H100 = {
    "model": "gemma-4-31b",
    "precision.weights": None,
    "hardware.accelerators": ["h100"],
    "serving.tensor_parallel": 1,
    "traffic.requests_per_s": 0.01,
    "tokens.input.mean": 500,
    "tokens.output.mean": 100,
}


@pytest.mark.parametrize(("share", "said"), [(1.0, True), (0.9, False)])
def test_a_request_that_only_just_fits_is_warned_of(share: float, said: bool) -> None:
    asked = question(ONE_H100)
    window = int(share * longest_request(asked, single(asked, ParallelSizes(1))))
    plan = forecast(spec_from({**ONE_H100, "serving.context_window": window}), CATALOG)
    assert isinstance(plan, CapacityPlan)
    warned = [warning for warning in plan.warnings if "vLLM may refuse to start" in warning]
    assert bool(warned) is said
    if said:
        assert "the KV pool may be 7.4 to 7.9 GiB per accelerator" in warned[0]
