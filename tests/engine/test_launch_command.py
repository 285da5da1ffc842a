"""What a plan says to type: checkpoints that exist, and nothing that they already are."""

import pytest

from catalogs.catalog import Catalog
from engine.forecast import forecast
from engine.plan import CapacityPlan
from engine.workload import spec_from


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


def plan_for(catalog: Catalog, **values: object) -> CapacityPlan:
    spec = {"traffic.requests_per_s": 2, "tokens.input.mean": 500, "tokens.output.mean": 200}
    wanted = {key.replace("__", "."): value for key, value in values.items()}
    plan = forecast(spec_from(spec | {"hardware.accelerators": ["H100 SXM"]} | wanted), catalog)
    assert isinstance(plan, CapacityPlan)
    return plan


def test_a_checkpoint_that_is_fp8_already_is_not_quantised_again(catalog: Catalog) -> None:
    flags = plan_for(catalog, model="llama 3.1 70b", precision__weights="fp8").chosen.flags
    assert "FP8" in flags
    assert "--quantization" not in flags


def test_a_16_bit_checkpoint_is_quantised_online(catalog: Catalog) -> None:
    model = next(
        m
        for m in catalog.models.values()
        if m.native_precision == "bf16" and m.checkpoints and {c.precision for c in m.checkpoints} == {"bf16"}
    )
    flags = plan_for(catalog, model=model.id, precision__weights="fp8").chosen.flags
    assert "--quantization fp8" in flags


def test_one_replica_serves_and_several_serve(catalog: Catalog) -> None:
    one = plan_for(catalog, model="llama 3.1 8b")
    several = plan_for(catalog, model="llama 3.1 8b", traffic__requests_per_s=100)
    assert one.fleet.replicas == 1
    assert " serves Llama" in one.answer.sentence
    assert several.fleet.replicas > 1
    assert " serve Llama" in several.answer.sentence
