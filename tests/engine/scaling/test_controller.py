"""The autoscaler at work: what it asks for at each look."""

from math import inf

import pytest
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.plan import CapacityPlan
from engine.scaling.controller import Controller, ScalingPolicy, asked_on, fixed_policy, policy_of
from engine.workload import Hardware, TokenDistribution, Tokens, Traffic, WorkloadSpec
from tests.engine.asked import formula_plan

RATE = ScalingPolicy(1, 20, requests_per_s_per_replica=2.0, poll_s=30, scale_down_window_s=0)


def asks(policy: ScalingPolicy, replicas: int, *rates: float, in_flight: float = 0, waiting: float = 0) -> list[int]:
    """Return what is asked for at one look after the other, each ask fulfilled at once."""
    controller, found = Controller(policy, replicas), []
    for number, rate in enumerate(rates, 1):
        replicas = controller.asked(number * policy.poll_s, replicas, in_flight, waiting, rate)
        found.append(replicas)
    return found


@pytest.mark.parametrize(
    ("replicas", "metric", "asked"),
    [(4, 10, 4), (4, 10.9, 4), (4, 9.1, 4), (4, 11.5, 5), (4, 20, 8), (4, 8.0, 4), (4, 7.0, 3), (4, 0, 1), (1, 0, 1)],
)
def test_one_metric_asks_as_kubernetes_does(replicas: int, metric: float, asked: int) -> None:
    """ceil(n · metric/target), n itself within a tenth, never less than one."""
    assert asked_on(replicas, metric, 10.0) == asked


def test_at_the_tolerance_itself_nothing_changes() -> None:
    """As Kubernetes has it: |ratio − 1| ≤ tolerance."""
    assert [asked_on(4, metric, 10.0, tolerance=0.25) for metric in (12.5, 12.6, 7.5, 7.4)] == [4, 6, 4, 3]


def test_without_a_target_a_metric_asks_for_no_change() -> None:
    assert asked_on(4, 7.0, 0.0) == 4


def test_the_larger_ask_counts() -> None:
    both = replace(RATE, in_flight_per_replica=10)
    assert asks(both, 1, 6.0, in_flight=25) == [3]
    assert asks(both, 1, 6.0, in_flight=45) == [5]
    assert asks(replace(both, queue_per_replica=4), 1, 6.0, in_flight=45, waiting=28) == [7]


def test_the_bounds_hold() -> None:
    assert asks(replace(RATE, minimum=3), 3, 0.0) == [3]
    assert asks(replace(RATE, maximum=4), 1, 100.0) == [4]


def test_metrics_are_means_over_the_window() -> None:
    """Two looks of 30 s: half of a step is seen at the first."""
    assert asks(replace(RATE, window_s=60), 1, 2.0, 10.0, 10.0) == [1, 3, 5]


def test_the_fleet_shrinks_to_the_largest_ask_of_the_window() -> None:
    """Looks at 30, 60, … s; the size at the start counts as an ask at 0 s."""
    policy = replace(RATE, scale_down_window_s=60)
    assert asks(policy, 5, 2.0, 2.0, 2.0) == [5, 5, 1]
    assert asks(policy, 5, 6.0, 2.0, 2.0, 2.0, 2.0) == [5, 5, 3, 1, 1]
    assert asks(policy, 5, 2.0, 20.0, 2.0) == [5, 10, 10]


def test_spares_are_added_and_do_not_feed_on_themselves() -> None:
    """At a steady load the fleet stays at what the load asks for, and its spares."""
    policy = replace(RATE, spares=2)
    assert asks(policy, 1, *[10.0] * 6) == [7] * 6


def test_a_policy_of_one_size_never_asks_for_another() -> None:
    assert asks(fixed_policy(3), 3, 0.0, 1000.0, in_flight=1e6, waiting=1e6) == [3, 3]
    assert fixed_policy(3).fixed and not RATE.fixed


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"minimum": 0}, "between 0 and 20 replicas"),
        ({"minimum": 30}, "between 30 and 20 replicas"),
        ({"poll_s": 0.0}, "poll_s is 0"),
        ({"in_flight_per_replica": -1.0}, "in_flight_per_replica is -1"),
        ({"start_s": -1.0}, "start_s is -1"),
        ({"scale_down_window_s": inf}, "scale_down_window_s is inf"),
    ],
)
def test_what_is_no_policy_is_refused(changed: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said):
        replace(RATE, **changed)


# --- a plan's thresholds ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def plan() -> CapacityPlan:
    spec = WorkloadSpec(
        traffic=Traffic(requests_per_s=20),
        tokens=Tokens(input=TokenDistribution(mean=500), output=TokenDistribution(mean=200)),
        model="llama-3.1-8b",
        hardware=Hardware(accelerators=("h100",)),
    )
    found = formula_plan(spec, Catalog.load())
    assert isinstance(found, CapacityPlan)
    return found


def test_poll_window_and_start_make_up_the_reaction_time(plan: CapacityPlan) -> None:
    policy = policy_of(plan.autoscaling, plan.fleet, spares=1)
    parts = plan.autoscaling.reaction_parts_s
    assert (policy.poll_s, policy.window_s, policy.spares) == (parts["poll"], parts["metric_window"], 1)
    assert policy.poll_s + policy.window_s + policy.start_s == pytest.approx(plan.autoscaling.reaction_time_s)
    assert policy.requests_per_s_per_replica == plan.autoscaling.rps_per_replica
    assert policy.in_flight_per_replica == plan.autoscaling.target_in_flight_per_replica
    assert (policy.minimum, policy.maximum) == (plan.fleet.minimum_replicas, plan.fleet.maximum_replicas)


def test_without_a_polling_interval_the_controllers_own_counts(plan: CapacityPlan) -> None:
    def policy(**parts: float) -> ScalingPolicy:
        return policy_of(replace(plan.autoscaling, reaction_parts_s=parts), plan.fleet)

    assert policy(poll=0.0, controller=20.0).poll_s == policy(controller=20.0).poll_s == 20.0
    assert policy(poll=0.0, controller=0.0).poll_s == policy().poll_s == 15.0
    assert policy().window_s == 0.0
    assert policy(poll=1e6).start_s == 0.0
