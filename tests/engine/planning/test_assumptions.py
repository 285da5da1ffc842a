"""What a plan assumes and what it moves: each count is the one that a plan with the other value has."""

import re

import pytest

from engine.choice.options import pinned
from engine.plan import CapacityPlan
from tests.engine.asked import asked, formula_plan

GROWING = {"traffic.growth_per_year": 1.0, "availability.spare_replicas": 1}


@pytest.mark.parametrize("more", [{}, GROWING, {"traffic.burst": 1.8}, {**GROWING, "traffic.burst": 1.3}], ids=str)
@pytest.mark.parametrize("rate", [4.0, 11.0, 60.0])
def test_each_count_is_that_of_today_s_fleet_with_the_other_value(more: dict[str, float], rate: float) -> None:
    """With growth or bursts the lines counted the later maximum beside a headline that counts today's fleet."""
    values = {"traffic.requests_per_s": rate, "traffic.peak_factor": None, **more}
    plan = formula_plan(asked(values))
    assert isinstance(plan, CapacityPlan)
    kept = pinned(plan).serving
    split = {f"serving.{name}": getattr(kept, name) for name in ("tensor_parallel", "pipeline_parallel")}

    def headline(path: str, value: float) -> int:
        other = formula_plan(asked({**values, **split, path: value}))
        assert isinstance(other, CapacityPlan)
        return other.fleet.accelerators

    (peak,) = (item.effect for item in plan.assumptions if item.text.startswith("the busiest hour"))
    (hit,) = (item.effect for item in plan.assumptions if "prefix cache" in item.text)
    for effect, path, shown in ((peak, "traffic.peak_factor", "×"), (hit, "tokens.prefix_hit", "%")):
        for count, value in re.findall(rf"([\d,]+)(?: accelerators?)? at ([\d.]+) ?{shown}", effect):
            said = float(value) / (100 if shown == "%" else 1)
            assert headline(path, said) == int(count.replace(",", "")), (effect, path, value)
