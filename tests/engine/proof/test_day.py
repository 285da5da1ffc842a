import json
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs.catalog import Catalog
from catalogs.units import HOURS_PER_MONTH
from engine.fleet.offers import instances_for
from engine.method import forecast, plan_of
from engine.plan import CapacityPlan, NoPlan, Replay, plan_json
from engine.plan_file import plan_schema, read_plan
from engine.planning.ranking import ranked_candidates
from engine.planning.verdict import formulas_verdict
from engine.proof.day import WAY_OUT, replayed_day
from engine.question.resolve import resolve
from engine.scaling.correction import FLAPS_A_DAY, LATE_A_DAY
from engine.workload import Target, WorkloadSpec, spec_from, with_defaults
from tests.draws import draws
from tests.engine.asked import formula_plan

CATALOG = Catalog.load()
CLIFF = (0.2,) * 8 + (2.0,) * 8 + (0.2,) * 8
"""A working day between two nights, with an hour from one to the other: nine of 24 hours hold all the growth."""


@cache
def planned(**changed: object) -> CapacityPlan:
    values: dict[str, object] = {
        "model": "llama-3.1-70b",
        "traffic.requests_per_s": 60.0,
        "tokens.input.mean": 500.0,
        "tokens.output.mean": 200.0,
        "serving.tensor_parallel": 4,
        "serving.pipeline_parallel": 1,
        "hardware.accelerators": ("a100-80gb",),
        "targets": (Target(metric="ttft", percentile="p95", seconds=0.8),),
    }
    values |= {path.replace("__", "."): value for path, value in changed.items()}
    plan = formula_plan(spec_from({path: value for path, value in values.items() if value is not None}))
    assert isinstance(plan, CapacityPlan)
    return plan


def replayed(spec: WorkloadSpec, *, simulate: bool = False, seed: int = 0) -> CapacityPlan:
    """Return the formulas' plan with its replay."""
    ranking = ranked_candidates(resolve(spec, CATALOG))
    assert not isinstance(ranking, NoPlan)
    verdict, sources = formulas_verdict(ranking), with_defaults(spec, {})
    day = replayed_day(verdict.chosen, sources, simulate=simulate, seed=seed)
    return plan_of(verdict, day, sources, verify=simulate)


@cache
def replay_of(**changed: object) -> tuple[CapacityPlan, Replay]:
    after = replayed(planned(**changed).spec)
    assert after.replay is not None
    return after, after.replay


def test_a_day_is_replayed_and_the_bill_follows() -> None:
    """Accelerator-hours, priced by the hour of the offer, are the autoscaled month."""
    plan = planned()
    after, record = replay_of()
    offer = after.chosen.offer
    assert offer is not None
    assert record.shape == "day"
    assert 0.95 < record.met <= 1
    per_accelerator = offer.usd_per_hour / offer.accelerators
    month = record.accelerator_hours / 24 * HOURS_PER_MONTH * per_accelerator
    assert after.cost.autoscaled_monthly_usd == pytest.approx(month + after.cost.other_monthly_usd)
    assert after.cost.monthly_usd == plan.cost.monthly_usd
    assert record.saving == pytest.approx(1 - record.accelerator_hours / record.fixed_accelerator_hours)


def test_accelerator_hours_are_the_integral_of_what_is_held() -> None:
    """Replica-hours are the sum over the hours; whole instances of eight hold two replicas of four each."""
    after, record = replay_of(**{"money.provider": "aws"})
    assert sum(record.replicas_by_hour) == pytest.approx(record.replica_hours)
    assert record.minimum_replicas <= min(record.replicas_by_hour) <= max(record.replicas_by_hour)
    assert max(record.replicas_by_hour) <= record.maximum_replicas <= after.fleet.maximum_replicas
    paid = record.accelerator_hours
    assert 4 * record.replica_hours <= paid <= 4 * record.replica_hours + 4 * 24
    fixed = instances_for(record.fixed_replicas, 4, 8) * 8 * 24
    assert record.fixed_accelerator_hours == fixed


def test_the_rates_of_the_replay_mean_what_was_asked() -> None:
    _, record = replay_of()
    assert sum(record.requests_per_s_by_hour) / 24 == pytest.approx(60.0)


def test_without_a_price_accelerators_are_counted_as_they_run() -> None:
    _, record = replay_of(money__provider="nobody rents these here")
    assert record.accelerator_hours == pytest.approx(4 * record.replica_hours)


def test_a_cliff_is_late_and_the_thresholds_are_corrected() -> None:
    """The plan states what was corrected and why: record, thresholds, reasons, assumptions."""
    plan = planned(traffic__hourly_profile=CLIFF, traffic__peak_factor=2.5)
    after, record = replay_of(traffic__hourly_profile=CLIFF, traffic__peak_factor=2.5)
    correction = record.corrections[0]
    assert correction.threshold == "target_utilisation"
    assert correction.planned == pytest.approx(plan.autoscaling.target_utilisation)
    assert correction.corrected == pytest.approx(after.autoscaling.target_utilisation)
    assert after.autoscaling.target_utilisation < plan.autoscaling.target_utilisation
    assert after.autoscaling.rps_per_replica < plan.autoscaling.rps_per_replica
    assert after.autoscaling.target_in_flight_per_replica < plan.autoscaling.target_in_flight_per_replica
    assert correction.why in after.autoscaling.reasons["target_utilisation"]
    assert any(correction.why in assumption.text for assumption in after.assumptions)
    assert record.late_minutes <= 3
    assert (after.cost.autoscaled_monthly_usd or 0) < (after.cost.monthly_usd or 0)


def test_a_week_is_replayed_as_a_week() -> None:
    preset = CATALOG.presets["chat"]
    plan, record = replay_of(
        traffic__hourly_profile=preset.hourly_profile, traffic__peak_factor=preset.peak_factor, traffic__burst=1.15
    )
    assert record.shape == "week"
    assert len(record.replicas_by_hour) == 168
    assert record.basis == "the hourly profile that was given"
    assert record.fixed_replicas >= plan.fleet.replicas
    assert 0.1 < record.saving < 0.6


def test_a_fleet_that_cannot_scale_is_not_replayed() -> None:
    one = planned(traffic__requests_per_s=1.0)
    assert one.fleet.minimum_replicas == one.fleet.maximum_replicas == 1
    assert replayed(one.spec) == one
    flat = planned(traffic__peak_factor=1.0)
    assert replayed(flat.spec) == flat
    closed = planned(traffic__requests_per_s=None, traffic__concurrency=400)
    assert replayed(closed.spec) == closed


def test_without_targets_requests_below_saturation_count() -> None:
    _, record = replay_of(targets=())
    assert 0.99 < record.met <= 1


def test_a_median_or_a_mean_holds_or_fails_for_all() -> None:
    """Half of all requests miss the limit of a median by its nature: they count as met while it holds."""
    _, record = replay_of(targets=(Target(metric="ttft", percentile="p50", seconds=0.4),))
    assert record.met > 0.9


def test_a_given_fleet_scales_below_what_was_given() -> None:
    _, record = replay_of(traffic__requests_per_s=None, hardware__accelerator_count=32)
    assert record.maximum_replicas <= 8
    assert record.replica_hours < 8 * 24


def test_growth_raises_the_maximum_and_not_the_fixed_fleet_of_today() -> None:
    grown, record = replay_of(traffic__growth_per_year=1.0)
    assert record.fixed_replicas == planned().fleet.replicas < grown.fleet.maximum_replicas


def test_spares_are_held_at_every_hour() -> None:
    """Two spares are two more replicas at every hour, in the autoscaled fleet as in the fixed one."""
    _, without = replay_of()
    _, spared = replay_of(availability__spare_replicas=2)
    assert spared.fixed_replicas == without.fixed_replicas + 2
    assert spared.replica_hours == pytest.approx(without.replica_hours + 48, rel=0.03)


@settings(max_examples=draws(10))
@given(
    rate=st.floats(0.05, 2000),
    peak=st.sampled_from([1.0, 1.5, 4.0, 20.0]),
    burst=st.sampled_from([1.0, 1.3, 5.0]),
    burstiness=st.sampled_from([0.2, 1.0, 10.0]),
    spares=st.integers(0, 3),
    minimum=st.integers(1, 6),
    node_s=st.sampled_from([0.0, 600.0, 7200.0]),
    window_s=st.sampled_from([0.0, 60.0, 300.0]),
    metric=st.sampled_from(["ttft", "itl", "e2e"]),
    percentile=st.sampled_from(["mean", "p50", "p95"]),
)
def test_whatever_the_plan_its_replay_keeps_the_bounds(
    *,
    rate: float,
    peak: float,
    burst: float,
    burstiness: float,
    spares: int,
    minimum: int,
    node_s: float,
    window_s: float,
    metric: str,
    percentile: str,
) -> None:
    """Between minimum and maximum, shares between 0 and 1, what no correction mended said; and it goes into JSON."""
    seconds = {"ttft": 1.0, "itl": 0.1, "e2e": 30.0}[metric]
    plan = planned(
        traffic__requests_per_s=rate,
        traffic__peak_factor=peak,
        traffic__burst=burst,
        traffic__burstiness=burstiness,
        availability__spare_replicas=spares,
        availability__minimum_replicas=minimum,
        scaling__node_s=node_s,
        scaling__metric_window_s=window_s,
        targets=(Target(metric=metric, percentile=percentile, seconds=seconds),),  # type: ignore[arg-type]
    )
    after = replayed(plan.spec)
    json.dumps(plan_json(after), allow_nan=False)
    record = after.replay
    if record is None:
        assert plan.fleet.minimum_replicas == plan.fleet.maximum_replicas
        return
    days = len(record.replicas_by_hour) / 24
    assert plan.fleet.minimum_replicas <= after.fleet.minimum_replicas <= record.minimum_replicas
    assert record.maximum_replicas <= plan.fleet.maximum_replicas
    assert 0 <= record.met <= 1
    assert record.saving < 1
    assert after.autoscaling.target_utilisation <= plan.autoscaling.target_utilisation
    assert after.autoscaling.scale_down_window_s >= plan.autoscaling.scale_down_window_s
    if record.late_minutes > LATE_A_DAY * days or record.flaps > FLAPS_A_DAY * days:
        assert any(WAY_OUT in warning for warning in after.autoscaling.warnings)


def test_the_same_plan_and_seed_give_the_same_bytes() -> None:
    plan = planned()
    once, again, other = (plan_json(replayed(plan.spec, seed=seed)) for seed in (0, 0, 7))
    assert json.dumps(once) == json.dumps(again)
    assert once["replay"] != other["replay"]
    assert other["replay"]["seed"] == 7


def test_a_replayed_plan_is_read_back_and_described() -> None:
    after, record = replay_of(traffic__hourly_profile=CLIFF, traffic__peak_factor=2.5)
    tree = plan_json(after)
    assert plan_json(read_plan(json.dumps(tree))) == tree
    fields = plan_schema()["$defs"]["Replay"]["properties"]
    assert fields["accelerator_hours"]["unit"] == "h"
    assert set(fields) == set(tree["replay"])
    assert len(record.corrections) == len(tree["replay"]["corrections"])


def test_replaying_is_part_of_every_plan_that_is_shown() -> None:
    plan = planned()
    shown = forecast(plan.spec, CATALOG, verify=False)
    assert shown == replayed(plan.spec)
    assert isinstance(shown, CapacityPlan) and shown.replay is not None
    assert shown.verification is None
    assert shown.replay.moments == ()
