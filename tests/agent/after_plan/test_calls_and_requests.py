"""Where a request is several calls of the model, a rate in requests is a third of that in calls, and says which."""

import re
from functools import cache

import pytest

from agent.after_plan.acts.learning import acts
from agent.dialogue import step
from agent.talk.state import State
from tests.agent.talks import ports, words

LOAD = "llama 3.1 8b fp8 on H100, {}, prompts of 1500, answers of 300, p95 ttft under 800 ms"
ASKS = {act.id: act.ask for act in acts()}
OF_A_RATE = (
    "limit spike fleet_holds failure rollout outgrow why in_flight tender more_or_fewer users_of_load arrivals"
    " scope_batch autoscaler cheaper_when"
).split()


@cache
def planned(load: str) -> State:
    state, _ = step(State(), LOAD.format(load), ports())
    return step(state, "", ports())[0]


def rates(load: str, ask: str) -> list[tuple[float, str]]:
    found = re.findall(
        r"([\d,]+(?:\.\d+)?) (requests|calls)/s(?! per replica)", words(step(planned(load), ask, ports())[1])
    )
    return [(float(figure.replace(",", "")), unit) for figure, unit in found]


@pytest.mark.parametrize("act", [act for act in OF_A_RATE if act in ASKS])
def test_a_rate_says_what_it_counts(act: str) -> None:
    several, single = (rates(load, ASKS[act]) for load in ("20 rps, 3 calls each request", "60 rps"))
    assert len(several) == len(single)
    for (of_several, unit), (of_single, other) in zip(several, single, strict=True):
        assert of_several * (3 if unit == "requests" and other == "requests" else 1) == pytest.approx(
            of_single, rel=0.01
        )
