"""V_P against what llm-d's calibration measured (guides/workload-autoscaling/keda-epp-token-aware at 560d420e)."""

import pytest

from catalogs.catalog import Catalog
from engine.method import forecast
from engine.plan import CapacityPlan
from engine.workload import spec_from


def plan_of(model: str, accelerator: str, tensor_parallel: int, mean_prompt: float) -> CapacityPlan:
    spec = spec_from(
        {
            "traffic.requests_per_s": 2.0,
            "tokens.input.mean": mean_prompt,
            "tokens.output.mean": 300.0,
            "model": model,
            "hardware.accelerators": (accelerator,),
            "serving.tensor_parallel": tensor_parallel,
            "serving.pipeline_parallel": 1,
        }
    )
    plan = forecast(spec, Catalog.load(), verify=False)
    assert isinstance(plan, CapacityPlan)
    return plan


@pytest.mark.parametrize(
    ("model", "accelerator", "tensor_parallel", "measured", "within"),
    [("qwen3-32b", "h100", 2, 15_928, 0.10), ("gpt-oss-120b", "h200", 1, 33_821, 0.45)],
)
def test_the_peak_prefill_rate_is_near_what_was_measured_and_its_band_holds_it(
    model: str, accelerator: str, tensor_parallel: int, measured: float, within: float
) -> None:
    plan = plan_of(model, accelerator, tensor_parallel, 1500)
    rate, bands = plan.replica_capacity.prefill_tokens_per_s, plan.bands
    assert rate == pytest.approx(measured, rel=within)
    assert bands is not None
    band = bands.replica_capacity.prefill_tokens_per_s
    assert band is not None
    assert band.low < measured < band.high


def test_it_is_the_replicas_own_whatever_its_prompts() -> None:
    rates = {plan_of("llama-3.1-8b", "h100", 1, mean).replica_capacity.prefill_tokens_per_s for mean in (100, 2000)}
    assert len(rates) == 1
