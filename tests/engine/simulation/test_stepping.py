"""The fast simulator equals one that takes every step."""

import numpy as np
import pytest

from engine.simulation import open_loop, requests_of, simulate
from engine.simulation.requests import Requests, chunks
from engine.simulation.simulate import Speed
from tests.engine.simulation.models import CHAT_INPUT, CHAT_OUTPUT, CHAT_SCHEDULER, WORKED_CASE
from tests.engine.simulation.scenarios import USUAL_SEEDS, Scenario, scenario, seeds
from tests.engine.simulation.stepping import columns, step_through

SAME_S = 1e-9


def times(case: Scenario, chunk: int | None = None, speed: Speed = "plain") -> np.ndarray:
    load = case.requests if chunk is None else chunks(case.requests, chunk)
    result = simulate(case.model, case.policy, load, replicas=case.replicas, routing=case.routing, speed=speed)
    served = result.requests
    assert served is not None
    return np.stack(
        [
            served.arrival_s + served.wait_s,
            served.arrival_s + served.ttft_s,
            served.arrival_s + served.e2e_s,
            served.preemptions,
        ],
        axis=1,
    )


@pytest.mark.parametrize("seed", seeds(range(120)))
def test_requests_times_equal_those_of_stepping(seed: int) -> None:
    """Admission, first and last token and preemptions, under every policy, burst, window and shortage."""
    case = scenario(seed)
    jobs, _ = step_through(case.model, case.policy, case.requests, case.replicas, case.routing)
    assert np.abs(times(case) - columns(jobs)).max(initial=0.0) < SAME_S


def test_the_scenarios_are_hard_enough() -> None:
    """Some preempt, some share a load over replicas, some hold prompts back: else the test above proves little."""
    cases = [scenario(seed) for seed in range(USUAL_SEEDS)]
    assert sum(times(case)[:, 3].sum() > 0 for case in cases if len(case.requests)) >= 5
    assert sum(case.replicas > 1 and case.routing == "least_outstanding" for case in cases) >= 8
    assert sum(case.policy.one_step_later and case.policy.poll_steps > 1 for case in cases) >= 8


@pytest.mark.parametrize("seed", range(0, 120, 3))
def test_chunks_change_nothing(seed: int) -> None:
    """A load fed a few requests at a time gives the same bytes as the whole at once."""
    case = scenario(seed)
    assert times(case, 1).tobytes() == times(case, 7).tobytes() == times(case).tobytes()


def test_the_worked_case_equals_stepping_near_saturation() -> None:
    load = joined(open_loop(8.0, 200, CHAT_INPUT, CHAT_OUTPUT, seed=2))
    case = Scenario(WORKED_CASE, CHAT_SCHEDULER, load, 1, "round_robin")
    jobs, steppers = step_through(case.model, case.policy, load)
    assert np.abs(times(case) - columns(jobs)).max() < SAME_S
    gaps = np.concatenate([np.full(count, seconds) for seconds, count in steppers[0].gaps])
    result = simulate(case.model, case.policy, load)
    # The shares are of tokens; a bin is 0.5 % wide.
    for share in (0.5, 0.95, 0.99):
        assert result.token_gap_s(share) == pytest.approx(float(np.quantile(gaps, share)), rel=0.01)


@pytest.mark.parametrize("seed", range(0, 120, 4))
def test_kv_blocks_are_never_overdrawn(seed: int) -> None:
    """The stepper asserts it at each step; its peak stays within the pool and reaches most of it under shortage."""
    case = scenario(seed)
    _, steppers = step_through(case.model, case.policy, case.requests, case.replicas, case.routing)
    assert all(stepper.most_blocks <= case.model.blocks for stepper in steppers)


def test_compiled_gives_the_same_bytes() -> None:
    pytest.importorskip("numba", reason="the extra fast is not installed")
    for seed in range(0, 120, 4):
        for size in (None, 7):
            case = scenario(seed)
            assert times(case, size, "compiled").tobytes() == times(case, size).tobytes(), (seed, size)


def joined(parts: "list[Requests] | object") -> Requests:
    held = list(parts)  # type: ignore[call-overload]
    return requests_of(*(np.concatenate([getattr(part, name) for part in held]) for name in Requests.__struct_fields__))
