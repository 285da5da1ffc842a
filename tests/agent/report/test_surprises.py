"""What surprises in a variant."""

from msgspec.structs import replace

from agent.report.choice.surprises import other_promise
from engine.workload import Source
from tests.agent.after_plan.test_acts import planned


def test_targets_that_nobody_gave_are_told_where_they_moved() -> None:
    plan = planned().base.capacity_plan
    assert plan is not None
    unsaid = replace(plan, sources={"targets": Source("default", "what people bear")})
    stated = replace(plan, sources={"targets": Source("flag", "--ttft-p95")})
    eased = tuple(replace(one, target_s=2 * one.target_s) for one in plan.targets)
    assert "and they differ" in other_promise(replace(unsaid, targets=eased), unsaid)
    assert other_promise(unsaid, unsaid) == other_promise(replace(stated, targets=eased), stated) == ""
