"""What scales a fleet gives replicas back by one window, whoever reads it."""

import re

from msgspec.structs import replace

from agent.exports import formats
from agent.lint.behaviour import flaps_allowed, flaps_of
from tests.agent.deployment.plans import CATALOG, plan_called


def test_every_scaler_has_the_window_in_which_the_day_is_steady() -> None:
    plan = plan_called("vllm")
    hasty = replace(plan, autoscaling=replace(plan.autoscaling, scale_down_window_s=60.0))
    names = ("keda", "hpa", "kserve", "keda-tokens")
    texts = {name: str(next(iter(formats()[name].files(hasty, CATALOG).values()))) for name in names}
    windows = {
        name: int(re.findall(r"scaleDown:\n\s+stabilizationWindowSeconds: (\d+)", text)[0])
        for name, text in texts.items()
    }
    assert set(windows.values()) == {windows["keda"]} and windows["keda"] > 60
    assert flaps_of(texts["kserve"], hasty, CATALOG) <= flaps_allowed(hasty)
