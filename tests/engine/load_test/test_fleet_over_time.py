"""A plan's fleet over time: which hours it meets, how it begins, and what is paid for it."""

from functools import cache
from itertools import pairwise
from math import ceil

import pytest
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.load_test.fleet_over_time import SimulatedFleet, simulate_fleet
from engine.load_test.load_over_time import OverTimeSettings, Recorded
from engine.plan import CapacityPlan
from engine.workload import Hardware, Serving, Target, TokenDistribution, Tokens, Traffic, WorkloadSpec
from tests.engine.asked import formula_plan

CATALOG = Catalog.load()
FLAT = tuple(1.0 for _ in range(24))


@cache
def planned(profile: tuple[float, ...] = (), rate: float = 2.0) -> CapacityPlan:
    """Two seats a replica, so that a slow load needs several."""
    spec = WorkloadSpec(
        traffic=Traffic(requests_per_s=rate, hourly_profile=profile),
        tokens=Tokens(input=TokenDistribution(mean=400), output=TokenDistribution(mean=150)),
        model="llama-3.1-70b",
        targets=(Target(metric="ttft", percentile="p95", seconds=20.0),),
        serving=Serving(tensor_parallel=4, batch_cap=2),
        hardware=Hardware(accelerators=("h100",)),
    )
    plan = formula_plan(spec, CATALOG)
    assert isinstance(plan, CapacityPlan)
    return plan


def hours(*rates: float) -> Recorded:
    lines = ["timestamp,rps", *(f"{hour * 3600},{rate}" for hour, rate in enumerate(rates))]
    return Recorded("somewhere/hours.csv", lines)


def by_hour(found: SimulatedFleet) -> list[int]:
    requests = found.by_minute.requests
    return [sum(requests[start : start + 60]) for start in range(0, len(requests), 60)]


def test_a_day_of_a_week_is_its_busiest() -> None:
    """Its rates stay those of the week: they are not scaled back to the mean."""
    week = tuple(0.4 if hour // 24 != 3 else 4.6 for hour in range(168))
    found = simulate_fleet(planned(week, 0.1), CATALOG, OverTimeSettings(span="day"))
    assert found.load == "the busiest day of this shape"
    mean = sum(week) / len(week)
    assert found.arrivals_per_s == pytest.approx(0.1 * 4.6 / mean, rel=0.03)


def test_recorded_hours_are_absolute_and_end_where_they_end() -> None:
    found = simulate_fleet(planned(), CATALOG, OverTimeSettings(span=None), rates=hours(0.2, 0.2, 0.6, 0.6))
    assert found.duration_s == 4 * 3600
    # The rate runs straight between the centres of the hours, the last before the first, and wobbles within them.
    assert by_hour(found) == pytest.approx([900, 900, 1980, 1980], rel=0.15)
    shorter = simulate_fleet(planned(), CATALOG, OverTimeSettings(span="day"), rates=hours(*[0.1] * 30))
    assert (shorter.duration_s, shorter.load) == (86400, "one day of hours.csv")


def test_the_fleet_begins_as_an_autoscaler_would_hold_it() -> None:
    """For the rate of the first minute, between minimum and maximum."""
    plan = planned()
    threshold = plan.autoscaling.rps_per_replica
    small = simulate_fleet(plan, CATALOG, OverTimeSettings(span=None), rates=hours(threshold * 0.5))
    large = simulate_fleet(
        plan, CATALOG, OverTimeSettings(span=None), rates=hours(threshold * (plan.fleet.maximum_replicas + 2))
    )
    assert small.initial_replicas == plan.fleet.minimum_replicas < large.initial_replicas
    assert large.initial_replicas == plan.fleet.maximum_replicas


def test_whole_instances_are_paid_where_the_fleet_is_rented() -> None:
    """A replica of four accelerators on instances of eight: two share one. Without a price only what is held counts."""
    plan = planned()
    assert plan.chosen.offer is not None
    eight = replace(plan, chosen=replace(plan.chosen, offer=replace(plan.chosen.offer, accelerators=8)))
    rented = simulate_fleet(eight, CATALOG, OverTimeSettings(span=None, replicas=3), rates=hours(0.3))
    assert rented.replica_hours == pytest.approx(3)
    assert rented.accelerator_hours == pytest.approx(16)
    owned = replace(plan, chosen=replace(plan.chosen, offer=None))
    held = simulate_fleet(owned, CATALOG, OverTimeSettings(span=None, replicas=3), rates=hours(0.3))
    assert held.accelerator_hours == pytest.approx(12)
    fixed = sum(line.replicas for line in plan.fleet.ledger if line.reason in ("mean", "peak", "burst", "spares"))
    assert (held.fixed_replicas, held.fixed_accelerator_hours) == (fixed, pytest.approx(4 * fixed))


def test_more_replicas_from_the_start_never_miss_more() -> None:
    plan = planned()
    misses = [
        sum(simulate_fleet(plan, CATALOG, OverTimeSettings(span=None, replicas=n), rates=hours(1.5)).by_minute.misses)
        for n in (1, 2, 4)
    ]
    assert all(more >= fewer for more, fewer in pairwise(misses))
    assert misses[0] > misses[-1]


def test_a_trace_may_be_scaled_from_its_first_minutes() -> None:
    lines = ["arrival_s,input_tokens,output_tokens", *(f"{at / 2},300,100" for at in range(1200))]
    found = simulate_fleet(planned(), CATALOG, OverTimeSettings(span=None), trace=Recorded("trace.csv", lines))
    assert (found.requests, found.duration_s) == (1200, 600)
    assert found.initial_replicas == ceil(2.0 / planned().autoscaling.rps_per_replica) > 2


@pytest.mark.parametrize("wrong", [{"replicas": 0}, {"speed_up": 0.0}, {"seed": -1}])
def test_what_cannot_be_simulated_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError):
        OverTimeSettings(**wrong)  # type: ignore[arg-type]


def test_a_closed_loop_has_no_hours_of_its_own() -> None:
    plan = planned()
    closed = replace(plan, spec=replace(plan.spec, traffic=Traffic(concurrency=8)))
    with pytest.raises(InputError, match="8 clients that wait for their answers"):
        simulate_fleet(closed, CATALOG, OverTimeSettings())


def test_hours_without_requests_are_refused() -> None:
    with pytest.raises(InputError, match=r"one stretch of 2 hours of hours.csv: all rates are zero"):
        simulate_fleet(planned(), CATALOG, OverTimeSettings(span=None), rates=hours(0.0, 0.0))
    with pytest.raises(InputError, match="no request came"):
        simulate_fleet(planned(), CATALOG, OverTimeSettings(span=None), rates=hours(1e-9))
