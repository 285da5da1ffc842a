"""What moves a plan: signs are physics', and the breaks are where the fleet grows."""

from itertools import pairwise

import pytest

from catalogs.catalog import Catalog
from engine import CapacityPlan, forecast
from engine.choice.sensitivity import Sensitivity, sensitivity
from tests.engine.choice.test_options import asked

CATALOG = Catalog.load()
PINNED = {"hardware__accelerators": ["h100-sxm-80gb"], "precision__weights": "fp8", "tokens__prefix_hit": 0.5}


@pytest.fixture(scope="module")
def plan() -> CapacityPlan:
    found = forecast(asked(**PINNED, traffic__requests_per_s=2000), CATALOG, verify=False)
    assert isinstance(found, CapacityPlan)
    return found


@pytest.fixture(scope="module")
def moved(plan: CapacityPlan) -> Sensitivity:
    return sensitivity(plan, CATALOG)


def test_more_of_what_costs_costs_more_and_cached_prompts_cost_less(moved: Sensitivity) -> None:
    swings = {swing.input: swing for swing in moved.swings}
    for name in ("traffic", "answer length", "prompt length", "price of an accelerator-hour"):
        low, high = swings[name].low.monthly_usd, swings[name].high.monthly_usd
        assert low is not None and high is not None and low < high, name
    cached = swings["prompt tokens found in the prefix cache"]
    assert cached.low.monthly_usd is not None and cached.high.monthly_usd is not None
    assert cached.low.monthly_usd >= cached.high.monthly_usd


def test_what_moves_most_stands_first(moved: Sensitivity) -> None:
    assert all(first.width_usd >= second.width_usd for first, second in pairwise(moved.swings))


def test_each_swing_is_the_plan_of_the_moved_question(moved: Sensitivity, plan: CapacityPlan) -> None:
    (traffic,) = [swing for swing in moved.swings if swing.input == "traffic"]
    kept = PINNED | {"serving__tensor_parallel": plan.chosen.tensor_parallel}
    more = forecast(asked(**kept, traffic__requests_per_s=2400), CATALOG, verify=False)
    assert isinstance(more, CapacityPlan)
    assert (traffic.high.accelerators, traffic.high.monthly_usd) == (more.fleet.accelerators, more.cost.monthly_usd)


def test_the_fleet_grows_at_the_breaks(moved: Sensitivity, plan: CapacityPlan) -> None:
    kept = PINNED | {"serving__tensor_parallel": plan.chosen.tensor_parallel}
    assert any(count == plan.fleet.replicas for _, count in moved.breaks)
    for rate, count in moved.breaks:
        for times, wanted in ((0.999, count), (1.001, count + 1)):
            there = forecast(asked(**kept, traffic__requests_per_s=rate * times), CATALOG, verify=False)
            assert isinstance(there, CapacityPlan)
            assert there.fleet.replicas == wanted
