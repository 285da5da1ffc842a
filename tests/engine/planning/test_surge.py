"""A surge of seconds is a field of its own: it sizes nothing, and the plan says whether today's fleet takes it."""

from typing import Any

import pytest

from agent.report.plan.opening import surge_sentence
from engine.plan import Surge
from engine.workload import Target
from tests.engine.planning.test_outage import planned

LOAD = {"traffic__requests_per_s": 4.0, "tokens__input__mean": 500, "tokens__output__mean": 100}
TTFT = {"targets": (Target(metric="ttft", percentile="p95", seconds=1.0),)}
ITL = {"targets": (Target(metric="itl", percentile="p95", seconds=0.1),)}


def surged(rate: float, **values: object) -> Surge:
    surge = planned(**LOAD, traffic__surge_requests_per_s=rate, **values).surge
    assert surge is not None
    return surge


def test_a_surge_sizes_nothing() -> None:
    without, with_one = planned(**LOAD), planned(**LOAD, traffic__surge_requests_per_s=500.0)
    assert without.surge is None and surge_sentence(without) == ()
    assert with_one.fleet == without.fleet and with_one.cost == without.cost


def test_what_queues_waits_and_goes_by_hand() -> None:
    """Over 10 s what comes beyond the saturated rate waits; it is gone at that rate less the mean."""
    plan = planned(**LOAD, traffic__surge_requests_per_s=500.0, traffic__surge_s=10.0)
    surge, each = plan.surge, plan.replica_capacity.saturated_requests_per_s
    assert surge is not None
    served = plan.fleet.replicas * each
    assert surge.served_requests_per_s == pytest.approx(served, rel=1e-5)
    assert surge.queued_requests == pytest.approx((500 - served) * 10, rel=1e-5)
    assert surge.longest_wait_s == pytest.approx(surge.queued_requests / served, rel=1e-5)
    assert surge.gone_after_s == pytest.approx(surge.queued_requests / (served - 4.0), rel=1e-4)
    assert surge.replicas_without_queue == -(-500 // each)


def test_what_the_fleet_serves_is_taken() -> None:
    surge = surged(10.0, **TTFT)
    assert surge.holds and not surge.queued_requests and not surge.longest_wait_s


@pytest.mark.parametrize("values", [{}, ITL])
def test_no_target_of_the_first_token_or_the_whole_is_spoken_of_where_there_is_none(values: dict[str, Any]) -> None:
    plan = planned(**LOAD, **values, traffic__surge_requests_per_s=500.0)
    assert plan.surge is not None and plan.surge.holds is None
    (sentence,) = surge_sentence(plan)
    assert "targets" not in sentence.text and sentence.tone == "quiet"


def test_calls_of_a_request_take_their_share() -> None:
    assert (
        surged(50.0, traffic__calls_per_request=2.0).served_requests_per_s < surged(50.0).served_requests_per_s * 1.01
    )


def test_the_first_screen_says_which() -> None:
    (taken,) = surge_sentence(planned(**LOAD, **TTFT, traffic__surge_requests_per_s=10.0))
    (missed,) = surge_sentence(planned(**LOAD, **TTFT, traffic__surge_requests_per_s=500.0))
    assert "is taken" in taken.text and taken.tone == "quiet"
    assert "do not stand" in missed.text and missed.tone == "warning"
