from functools import cache

import pytest

from catalogs.catalog import Catalog
from engine.forecast import forecast
from engine.plan import CapacityPlan, plan_json
from engine.verification import verified
from engine.workload import (
    Availability,
    Hardware,
    Serving,
    Target,
    TokenDistribution,
    Tokens,
    Traffic,
    WorkloadSpec,
)

CATALOG = Catalog.load()


def spec_of(*targets: Target, rate: float | None = 10.0, accelerators: int | None = None) -> WorkloadSpec:
    return WorkloadSpec(
        traffic=Traffic(requests_per_s=rate),
        tokens=Tokens(input=TokenDistribution(mean=500), output=TokenDistribution(mean=200)),
        model="llama-3.1-70b",
        targets=targets,
        serving=Serving(tensor_parallel=4),
        hardware=Hardware(accelerators=("a100-80gb",), accelerator_count=accelerators),
        availability=Availability(),
    )


@cache
def planned(spec: WorkloadSpec) -> CapacityPlan:
    plan = forecast(spec, CATALOG)
    assert isinstance(plan, CapacityPlan)
    return plan


def test_a_plan_that_holds_keeps_its_figures_and_gains_a_verification() -> None:
    """The formulas' plan is untouched but for the record of the simulation beside it."""
    plan = planned(spec_of(Target(metric="ttft", percentile="p95", seconds=5.0)))
    checked = verified(plan, CATALOG, requests=2000)
    tree, before = plan_json(checked), plan_json(plan)
    record = tree.pop("verification")
    before.pop("verification")
    assert tree == before
    assert record["added_replicas"] == 0
    assert record["targets"][0]["met"]
    assert record["ttft_s"]["mean"]["formula"] == before["performance"]["at_peak"]["ttft_s"]["mean"]


def test_the_simulation_agrees_with_the_formulas_where_load_is_light() -> None:
    """With replicas to spare the mean TTFT and ITL of both lie within a tenth of each other."""
    plan = planned(spec_of(Target(metric="itl", percentile="p95", seconds=0.04)))
    record = verified(plan, CATALOG).verification
    assert record is not None and record.itl_s is not None
    for figure in (record.ttft_s.mean, record.itl_s.mean):
        assert figure.formula == pytest.approx(figure.value, rel=0.1)


def test_a_fleet_that_misses_in_the_simulation_grows_until_it_holds() -> None:
    """Counts, bill and verdict are those of the larger fleet; a warning says why, with both figures."""
    plan = planned(spec_of(Target(metric="ttft", percentile="p95", seconds=0.5)))
    checked = verified(plan, CATALOG)
    record = checked.verification
    assert record is not None
    assert plan.answer.meets_targets and checked.answer.meets_targets
    assert record.added_replicas == checked.fleet.replicas - plan.fleet.replicas > 0
    assert all(target.met for target in record.targets)
    assert checked.fleet.accelerators == 4 * checked.fleet.replicas
    ledger = {line.reason: line.replicas for line in checked.fleet.ledger}
    assert ledger["mean"] + ledger["peak"] == checked.fleet.replicas
    assert checked.cost.monthly_usd is not None and plan.cost.monthly_usd is not None
    assert checked.cost.monthly_usd >= plan.cost.monthly_usd
    assert (checked.cost.autoscaled_monthly_usd or 0) > (plan.cost.autoscaled_monthly_usd or 0)
    assert "the fleet follows the simulation" in checked.warnings[0]
    assert f"{checked.fleet.replicas} × " not in plan.answer.sentence
    assert str(checked.fleet.accelerators) in checked.answer.sentence


def test_a_given_fleet_holds_less_where_the_simulation_says_so() -> None:
    """No accelerator is added to a fleet that was given: the rate that it holds falls."""
    plan = planned(spec_of(Target(metric="ttft", percentile="p95", seconds=0.5), rate=None, accelerators=12))
    checked = verified(plan, CATALOG)
    assert checked.fleet.accelerators == plan.fleet.accelerators == 12
    assert checked.fleet.capacity_requests_per_s < plan.fleet.capacity_requests_per_s
    assert checked.verification is not None
    assert all(target.met for target in checked.verification.targets)


def test_the_same_plan_and_seed_give_the_same_bytes() -> None:
    plan = planned(spec_of(Target(metric="ttft", percentile="p95", seconds=5.0)))
    once, again, other = (plan_json(verified(plan, CATALOG, requests=1500, seed=seed)) for seed in (0, 0, 1))
    assert once == again != other
