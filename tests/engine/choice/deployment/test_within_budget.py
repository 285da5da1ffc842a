"""What fits under a budget: each of it does, and a little more of it does not."""

import pytest
from msgspec.structs import replace

from catalogs.catalog import Catalog
from engine.choice.deployment.within_budget import within_budget
from engine.method import forecast
from engine.plan import CapacityPlan
from engine.workload import spec_from

CATALOG = Catalog.load()
SPEC = spec_from(
    {
        "model": "llama-3.1-8b",
        "precision.weights": "fp8",
        "hardware.accelerators": ["h100-sxm-80gb"],
        "traffic.requests_per_s": 60,
        "tokens.input.mean": 1000,
        "tokens.output.mean": 300,
    }
)


def plan_of(budget: float) -> CapacityPlan:
    found = forecast(replace(SPEC, money=replace(SPEC.money, monthly_budget_usd=budget)), CATALOG, verify=False)
    assert isinstance(found, CapacityPlan)
    return found


def test_what_is_named_is_within_the_budget() -> None:
    full = plan_of(1e9).cost.monthly_usd
    assert full is not None
    found = within_budget(plan_of(0.8 * full), CATALOG)
    assert found is not None
    assert found.over_usd == pytest.approx(0.2 * full)
    assert found.cheapest is not None
    assert found.other_way is not None
    assert found.other_way.monthly_usd <= 0.8 * full
    assert 0 < found.requests_per_s < 60
    again = forecast(
        replace(SPEC, traffic=replace(SPEC.traffic, requests_per_s=found.requests_per_s)), CATALOG, verify=False
    )
    assert isinstance(again, CapacityPlan)
    assert again.cost.monthly_usd <= 0.8 * full  # type: ignore[operator]


def test_a_budget_that_holds_asks_for_nothing_and_a_tiny_one_leaves_nothing() -> None:
    assert within_budget(plan_of(1e9), CATALOG) is None
    tiny = within_budget(plan_of(10.0), CATALOG)
    assert tiny is not None
    assert tiny.cheapest is not None and tiny.cheapest.measure("cost") > tiny.budget_usd
    assert tiny.requests_per_s == 0
