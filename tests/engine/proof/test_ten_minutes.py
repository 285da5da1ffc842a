import json
from functools import cache

import pytest

from engine.plan import CapacityPlan, Moment, plan_json
from engine.proof.ten_minutes import MINUTES, MOST_REQUESTS
from engine.question.demand import demand_of
from engine.replica.load import ROUTED_TOGETHER
from engine.workload import Target
from tests.engine.proof.test_day import CLIFF, planned, replayed

TIGHT = (Target(metric="ttft", percentile="p95", seconds=0.8), Target(metric="itl", percentile="p95", seconds=0.08))


@cache
def simulated(**changed: object) -> tuple[CapacityPlan, dict[str, Moment]]:
    after = replayed(planned(**changed).spec, simulate=True)
    assert after.replay is not None
    return after, {moment.name: moment for moment in after.replay.moments}


def test_the_peak_and_the_steepest_minutes_are_simulated() -> None:
    """The peak lies in the busiest hours, the steepest rise in the hour of the cliff."""
    _, told = simulated(traffic__hourly_profile=CLIFF, traffic__peak_factor=2.5)
    assert list(told) == ["peak", "steepest"]
    assert 8 <= told["peak"].start_s / 3600 <= 16
    assert 7.5 <= told["steepest"].start_s / 3600 <= 8.6


def test_the_steepest_rise_is_one_of_the_hours_that_rise() -> None:
    """A wobble rises while the day falls: of the tutorial's day it was 13:55, after the peak."""
    plan, told = simulated()
    hourly = demand_of(plan.spec.traffic).hourly
    hour = int(told["steepest"].start_s / 3600 - 0.5)
    assert hourly[(hour + 1) % 24] > hourly[hour], told["steepest"].start_s


@pytest.mark.parametrize("rate", [12.0, 60.0, 400.0])
def test_requests_stay_within_their_bound(rate: float) -> None:
    """However fast a fleet is: the last minutes of ten, at most so many requests with those that fill the replicas."""
    plan, told = simulated(traffic__requests_per_s=rate)
    for moment in told.values():
        assert 0 < moment.requests <= 1.1 * MOST_REQUESTS
        assert 0 < moment.duration_s <= 60 * MINUTES
        assert 1 <= moment.replicas <= min(ROUTED_TOGETHER, moment.of_replicas) <= plan.fleet.maximum_replicas
        # What was simulated came at the rate that is told, up to chance.
        came = moment.requests_per_s * moment.replicas * moment.duration_s
        assert moment.requests == pytest.approx(came, rel=0.15)


def test_fast_replicas_are_seen_for_a_minute_at_least() -> None:
    """Where four replicas see too many requests in a minute, fewer are simulated, not less of the time."""
    fast = {"model": "llama-3.1-8b", "hardware__accelerators": ("H100 SXM",)}
    _, told = simulated(**fast, serving__tensor_parallel=1, traffic__requests_per_s=200.0)
    assert 60 <= told["peak"].duration_s < 120
    assert told["peak"].replicas < ROUTED_TOGETHER


def test_the_load_of_a_replica_is_that_of_the_replay() -> None:
    """Demand of the hour over the replicas held in it, give or take what moves within an hour."""
    after, told = simulated()
    assert after.replay is not None
    hour = int(told["peak"].start_s // 3600)
    mean = after.replay.requests_per_s_by_hour[hour] / after.replay.replicas_by_hour[hour]
    assert told["peak"].requests_per_s == pytest.approx(mean, rel=0.2)


def test_a_burst_that_was_asked_for_holds_the_peak_minutes() -> None:
    """Where the peak hour alone fills the fleet, minutes above it miss the tightest target; with a burst they hold."""
    full = 12 * planned(targets=TIGHT).replica_capacity.requests_per_s / 1.5 * 0.9999
    after, told = simulated(targets=TIGHT, traffic__requests_per_s=full)
    assert after.fleet.replicas == 12
    assert told["peak"].targets[1].simulated_s > 0.08
    _, held = simulated(targets=TIGHT, traffic__requests_per_s=full, traffic__burst=1.2)
    assert held["peak"].targets[1].simulated_s < 0.08


@pytest.mark.parametrize("burst", [1.0, 1.2])
def test_what_the_minutes_miss_is_warned_of_with_a_way_out(burst: float) -> None:
    """A rise within the hour that no burst was given for names one; nothing is said of what holds."""
    after, told = simulated(targets=TIGHT, traffic__burst=burst, traffic__hourly_profile=CLIFF)
    for name, words in (("peak", "in the minutes of the peak "), ("steepest", "in the minutes of the steepest rise ")):
        warned = [one for one in after.autoscaling.warnings if one.startswith(words)]
        assert len(warned) == bool(told[name].missed)
        assert all(("a burst of so much" in one) == (name == "peak" and burst == 1.0) for one in warned)


def test_without_targets_there_is_nothing_to_judge() -> None:
    _, told = simulated(targets=())
    assert told == {}


def test_the_same_seed_gives_the_same_bytes() -> None:
    plan = planned()
    trees = [plan_json(replayed(plan.spec, simulate=True, seed=seed)) for seed in (3, 3, 4)]
    once, again, other = (json.dumps(tree["replay"]) for tree in trees)
    assert once == again != other


def test_moments_change_nothing_else() -> None:
    plan = planned(traffic__hourly_profile=CLIFF, traffic__peak_factor=2.5)
    with_them, without = (plan_json(replayed(plan.spec, simulate=simulate)) for simulate in (True, False))
    for tree in (with_them, without):
        tree["replay"].pop("moments")
        tree["autoscaling"].pop("warnings")
        tree["provenance"].pop("verify")
    assert with_them == without
