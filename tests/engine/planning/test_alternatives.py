"""An alternative shows what a plan of its own would: its latencies at its own fleet's peak."""

import pytest

from engine.workload import Target
from tests.engine.planning.test_outage import planned

LOAD = {"traffic__requests_per_s": 40.0, "tokens__input__mean": 1500, "tokens__output__mean": 300}


@pytest.mark.parametrize("target", [Target(metric="ttft", percentile="p95", seconds=0.8), None])
def test_its_latencies_are_those_of_its_own_plan(target: Target | None) -> None:
    asked = {**LOAD, "targets": (target,) if target else ()}
    alternatives = planned(**asked).alternatives
    assert alternatives
    for one in alternatives:
        own = planned(
            **asked, hardware__accelerators=(one.accelerator,), serving__tensor_parallel=one.tensor_parallel,
            serving__pipeline_parallel=one.pipeline_parallel,
        )  # fmt: skip
        assert own.fleet.replicas == one.replicas
        peak = own.performance.at_peak
        assert one.ttft_p95_s == pytest.approx(peak.ttft_s.p95, rel=1e-4)
        assert one.itl_mean_s == pytest.approx(peak.itl_s.mean, rel=1e-4)
