from functools import cache

import numpy as np
import pytest
from msgspec.structs import replace

from catalogs.catalog import Catalog
from engine.arrays import Floats
from engine.fleet.search import array_of_one, search
from engine.method import forecast, plan_of
from engine.plan import CapacityPlan, NoPlan, plan_json
from engine.planning.ranking import ranked_candidates
from engine.proof.budget import PEAK_HOUR_EVENTS, Budget
from engine.proof.peak_hour import DOUBT, Ladder, first_by_halves, first_that_holds, peak_hour
from engine.proof.verification import verified as verdict_of
from engine.question.resolve import resolve
from engine.workload import (
    Availability,
    Hardware,
    Serving,
    Target,
    TokenDistribution,
    Tokens,
    Traffic,
    WorkloadSpec,
    with_defaults,
)
from tests.engine.asked import formula_plan

CATALOG = Catalog.load()


def spec_of(
    *targets: Target, rate: float | None = 10.0, accelerators: int | None = None, stages: int | None = 1
) -> WorkloadSpec:
    return WorkloadSpec(
        traffic=Traffic(requests_per_s=rate),
        tokens=Tokens(input=TokenDistribution(mean=500), output=TokenDistribution(mean=200)),
        model="llama-3.1-70b",
        targets=targets,
        default_targets="none" if targets else "interactive",
        serving=Serving(tensor_parallel=4, pipeline_parallel=1),
        hardware=Hardware(accelerators=("a100-80gb",), accelerator_count=accelerators),
        availability=Availability(),
    )


def starved(rate: float | None, *accelerators: str, count: int | None = None) -> WorkloadSpec:
    """Long answers in little memory: requests are preempted and computed again, of which the formulas know nothing."""
    return WorkloadSpec(
        traffic=Traffic(requests_per_s=rate),
        tokens=Tokens(input=TokenDistribution(mean=500), output=TokenDistribution(mean=2000)),
        model="llama-3.1-8b",
        targets=(Target(metric="itl", percentile="p95", seconds=0.1),),
        default_targets="none",
        serving=Serving(tensor_parallel=1, pipeline_parallel=1, memory_utilisation=0.88, runtime="generic"),
        hardware=Hardware(accelerators=accelerators, accelerator_count=count),
        availability=Availability(),
    )


def ttft_p95(seconds: float) -> Target:
    return Target(metric="ttft", percentile="p95", seconds=seconds)


@cache
def planned(spec: WorkloadSpec) -> CapacityPlan:
    plan = formula_plan(spec)
    assert isinstance(plan, CapacityPlan)
    return plan


@cache
def verified(spec: WorkloadSpec, *, refine: bool = False, seed: int = 0) -> CapacityPlan:
    ranking = ranked_candidates(resolve(spec, CATALOG))
    assert not isinstance(ranking, NoPlan)
    return plan_of(verdict_of(ranking, refine=refine, seed=seed), None, with_defaults(spec, {}))


def test_a_plan_that_holds_keeps_its_figures_and_gains_a_verification() -> None:
    """The formulas' plan is untouched but for the record beside it; nobody is warned of what was checked."""
    plan, checked = (view(spec_of(ttft_p95(5.0), rate=11.5)) for view in (planned, verified))
    tree, before = plan_json(checked), plan_json(plan)
    record = tree.pop("verification")
    before.pop("verification")
    before["provenance"]["verify"] = True
    assert [warning for warning in before.pop("warnings") if "closed forms misjudge" not in warning] == tree.pop(
        "warnings"
    )
    assert tree == before
    assert record["added_replicas"] == 0
    assert record["targets"][0]["met"]
    assert record["ttft_s"]["mean"]["formula"] == before["performance"]["at_peak"]["ttft_s"]["mean"]


def test_a_plan_without_targets_is_not_simulated() -> None:
    plan = forecast(replace(spec_of(), default_targets="none"), CATALOG)
    assert isinstance(plan, CapacityPlan)
    assert plan.verification is None


def test_the_simulation_agrees_with_the_formulas_where_load_is_light() -> None:
    """With replicas to spare the mean TTFT and ITL of both lie within a tenth of each other."""
    record = verified(spec_of(Target(metric="itl", percentile="p95", seconds=0.04))).verification
    assert record is not None and record.itl_s is not None
    for figure in (record.ttft_s.mean, record.itl_s.mean):
        assert figure.formula == pytest.approx(figure.value, rel=0.1)


def test_replicas_of_a_fleet_are_simulated_behind_one_router() -> None:
    """Up to four of them, each at its share of the load."""
    for rate, together in ((2.0, 1), (10.0, 3), (40.0, 4)):
        plan = verified(spec_of(ttft_p95(5.0), rate=rate))
        assert plan.verification is not None
        assert plan.verification.replicas == min(plan.fleet.replicas, 4) == together
        assert plan.verification.routing == "least_outstanding"
        assert plan.verification.requests_per_s == pytest.approx(plan.performance.at_peak.requests_per_s, rel=1e-3)


def test_a_fleet_that_misses_in_the_simulation_grows_until_it_holds() -> None:
    """Counts, bill and verdict are those of the larger fleet; a warning says why, with both figures."""
    plan, checked = (view(starved(0.2, "l4")) for view in (planned, verified))
    record = checked.verification
    assert record is not None
    assert plan.answer.meets_targets and checked.answer.meets_targets
    assert record.added_replicas == checked.fleet.replicas - plan.fleet.replicas > 0
    assert all(target.met for target in record.targets)
    assert record.sized
    assert [item.forecast_s for item in checked.targets] == [target.simulated_s for target in record.targets]
    assert record.preemptions > 0
    assert checked.fleet.accelerators == checked.fleet.replicas
    ledger = {line.reason: line.replicas for line in checked.fleet.ledger}
    assert ledger["mean"] + ledger["peak"] == checked.fleet.replicas
    assert checked.cost.monthly_usd is not None and plan.cost.monthly_usd is not None
    assert checked.cost.monthly_usd >= plan.cost.monthly_usd
    assert (checked.cost.autoscaled_monthly_usd or 0) > (plan.cost.autoscaled_monthly_usd or 0)
    assert "the fleet follows the simulation" in checked.warnings[0]
    assert checked.answer.breaks_first == checked.replica_capacity.binds == "ITL p95, simulated"
    assert "ITL p95" not in checked.replica_capacity.breaks_next
    assert f"{checked.fleet.replicas} × " not in plan.answer.sentence
    assert str(checked.fleet.accelerators) in checked.answer.sentence


def test_a_candidate_that_is_cheaper_than_the_fleet_that_grew_takes_its_place() -> None:
    """The first choice stays among the alternatives, with the fleet that it would need, and none of them is cheaper."""
    wanted = starved(0.03, "l4", "a10g")
    plan, checked = planned(wanted), verified(wanted)
    assert (plan.chosen.accelerator, checked.chosen.accelerator) == ("l4", "a10g")
    assert checked.verification is not None and all(target.met for target in checked.verification.targets)
    assert "by the formulas alone" in checked.warnings[0]
    (first,) = checked.alternatives
    assert first.accelerator == "l4"
    assert first.replicas > plan.fleet.maximum_replicas
    assert (first.monthly_usd or 0) > (checked.cost.maximum_monthly_usd or 0)
    assert "more" in first.why_not


def test_a_given_fleet_holds_less_where_the_simulation_says_so() -> None:
    """No accelerator is added to a fleet that was given: the rate that it holds falls."""
    plan, checked = (view(starved(None, "l4", count=3)) for view in (planned, verified))
    assert checked.fleet.accelerators == plan.fleet.accelerators == 3
    assert checked.fleet.capacity_requests_per_s < plan.fleet.capacity_requests_per_s
    assert checked.verification is not None
    assert all(target.met for target in checked.verification.targets)


def test_the_same_plan_and_seed_give_the_same_bytes() -> None:
    wanted = spec_of(ttft_p95(5.0))
    once, again, other = (plan_json(verified.__wrapped__(wanted, seed=seed)) for seed in (0, 0, 1))
    assert once == again != other


# --- the largest load that holds --------------------------------------------------------------------------------------


def test_the_search_finds_the_first_rung_that_holds() -> None:
    """The same rung as trying every one of them in turn, from wherever it starts."""
    question = resolve(starved(0.2, "l4"), CATALOG)
    evaluated = search(question)
    hour = peak_hour(question, array_of_one(evaluated, int(evaluated.order[0])), 3, Budget(10 * PEAK_HOUR_EVENTS))
    ladder = Ladder(rate=lambda n: 0.3 / n, rung=lambda rate: int(0.3 / rate) + 1, replicas=lambda n: n, last=12)
    runs = {n: hour.run(0.3 / n, n, hour.formula(0.3 / n), counted=500) for n in range(5, 13)}
    holds = [n for n, run in runs.items() if run is not None and run.holds("strictly")]
    assert holds[0] > 5
    for start in (5, 8, 12):
        found = first_that_holds(hour, ladder, 4, start, 500, "strictly")
        assert found is not None
        assert found.rung == holds[0]
        assert found.failed is not None
        assert not found.failed.holds("strictly")


@pytest.mark.parametrize("seconds", [0.45, 0.6])
def test_a_refined_capacity_is_the_most_that_simulations_hold(seconds: float) -> None:
    """Every target is kept by the figure itself, and the plan says where its capacity is from."""
    wanted = spec_of(ttft_p95(seconds), rate=None, accelerators=8)
    plan, refined = planned(wanted), verified(wanted, refine=True)
    assert refined.verification is not None
    (target,) = refined.verification.targets
    assert target.simulated_s <= seconds
    assert refined.targets[0].forecast_s == target.simulated_s
    assert refined.fleet.capacity_requests_per_s != plan.fleet.capacity_requests_per_s
    assert "bisection with common random numbers" in refined.provenance.method
    assert "simulated requests keep every target" in refined.assumptions[0].text
    assert refined.answer.meets_targets
    # A little more load does not hold: what binds is what the simulation misses there.
    assert refined.answer.breaks_first == "TTFT p95, simulated"


def test_a_refined_fleet_carries_the_peak_hour_with_other_replicas_than_the_formulas() -> None:
    """Where the formulas misjudge a tail either way, the plan follows, and the fleet still carries the peak hour."""
    wanted = spec_of(Target(metric="ttft", percentile="p95", seconds=0.4), rate=60.0)
    plan, refined = planned(wanted), verified(wanted, refine=True)
    assert refined.answer.meets_targets
    assert abs(refined.fleet.replicas - plan.fleet.replicas) >= 1
    assert refined.fleet.replicas * refined.replica_capacity.requests_per_s >= 60 * wanted.traffic.peak_factor * 0.999


def alike(seconds: float, *, rate: float | None = 8.0, accelerators: int | None = None) -> WorkloadSpec:
    """Long prompts of one length, whose waits are bounded: the formulas' are exponential, and read them too long."""
    return WorkloadSpec(
        traffic=Traffic(requests_per_s=rate),
        tokens=Tokens(input=TokenDistribution(mean=12_000, cv=0.0), output=TokenDistribution(mean=100)),
        model="llama-3.1-70b",
        targets=(Target(metric="ttft", percentile="p99", seconds=seconds),),
        default_targets="none",
        serving=Serving(tensor_parallel=8, pipeline_parallel=1, runtime="sglang"),
        hardware=Hardware(accelerators=("h100-sxm-80gb",), accelerator_count=accelerators),
    )


def test_a_fleet_that_the_formulas_make_too_large_follows_the_simulation() -> None:
    """Where it keeps its targets beyond doubt, to the smallest that does; the plan says how many they ask for."""
    asked, plan = planned(alike(1.45)), verified(alike(1.45))
    assert plan.answer.meets_targets and plan.verification is not None and plan.verification.sized
    assert asked.fleet.replicas > plan.fleet.replicas >= verified(alike(1.45), refine=True).fleet.replicas
    (kept,) = plan.verification.targets
    assert kept.simulated_s * DOUBT <= kept.target_s
    (said,) = (item for item in plan.assumptions if item.text.startswith("the fleet follows the simulation"))
    assert said.effect == f"{asked.fleet.accelerators} accelerators by the formulas"
    assert not any("simulat" in text for text in plan.warnings)


def test_a_given_fleet_that_the_formulas_make_too_weak_holds_more() -> None:
    wanted = alike(1.5, rate=None, accelerators=64)
    asked, plan = planned(wanted), verified(wanted)
    assert plan.fleet.replicas == asked.fleet.replicas
    assert plan.fleet.capacity_requests_per_s > asked.fleet.capacity_requests_per_s
    assert any(item.text.startswith("the fleet follows the simulation") for item in plan.assumptions)


def test_a_fleet_that_its_minimum_sizes_holds_what_the_formulas_say() -> None:
    """Fewer replicas than are asked for are nothing to look for."""
    wanted = replace(alike(2.0), hardware=replace(alike(2.0).hardware, replicas=30))
    asked, plan = planned(wanted), verified(wanted)
    assert plan.fleet.capacity_requests_per_s == asked.fleet.capacity_requests_per_s


def test_a_looser_target_never_takes_a_larger_fleet_however_it_is_sized() -> None:
    fleets = [verified(alike(seconds)).fleet.replicas for seconds in (1.3, 1.6, 1.8, 2.2, 2.6, 3.2)]
    assert fleets == sorted(fleets, reverse=True)


# --- plans without targets --------------------------------------------------------------------------------------------


def long_prompts(rate: float) -> WorkloadSpec:
    """A few long prompts of varied length fill the KV pool of a replica that admits them by their first chunks."""
    return WorkloadSpec(
        traffic=Traffic(requests_per_s=rate),
        tokens=Tokens(input=TokenDistribution(mean=16_000), output=TokenDistribution(mean=500)),
        model="llama-3.1-70b",
        default_targets="none",
        serving=Serving(tensor_parallel=4, pipeline_parallel=1, runtime="generic"),
        hardware=Hardware(accelerators=("h100-sxm-80gb",)),
    )


def test_without_targets_a_full_kv_pool_is_found_and_mended() -> None:
    """The formulas' fleet preempts more than it serves; the plan's keeps pace, and says so."""
    asked, plan = planned(long_prompts(5.0)), forecast(long_prompts(5.0), CATALOG)
    assert isinstance(plan, CapacityPlan)
    assert plan.fleet.replicas > asked.fleet.replicas
    assert plan.warnings[0].startswith("its KV cache fills when the peak hour is simulated")
    assert plan.replica_capacity.binds == "a full KV cache, simulated"
    assert plan.verification is not None
    assert plan.verification.added_replicas == plan.fleet.replicas - asked.fleet.replicas
    assert plan.verification.e2e_s.mean.value < 2 * plan.performance.at_peak.e2e_s.mean
    assert (plan.verification.targets, plan.targets) == ((), ())


def test_a_pool_that_may_fill_and_does_not_changes_nothing() -> None:
    calm = long_prompts(0.1)
    plan = forecast(calm, CATALOG)
    assert isinstance(plan, CapacityPlan)
    assert plan.verification is not None
    assert plan.fleet == planned(calm).fleet
    assert not any("KV cache fills" in warning for warning in plan.warnings)


def test_a_looser_target_takes_no_later_rung() -> None:
    """Whatever chance does to single rungs: no stricter limit is kept by a heavier load."""
    random, limits = np.random.default_rng(0), np.linspace(1.0, 2.2, 40)

    def first(figures: Floats, limit: float) -> int:
        found = first_by_halves(139, lambda rung: bool(figures[rung] <= limit))
        return 140 if found is None else found

    for _ in range(50):
        figures = np.linspace(2.0, 1.0, 140) * random.lognormal(sigma=0.1, size=140)
        rungs = [first(figures, limit) for limit in limits]
        assert rungs == sorted(rungs, reverse=True)
        assert len(set(rungs)) > 5
        assert all(figures[rung] <= limit for rung, limit in zip(rungs, limits, strict=True) if rung < 140)
    assert first_by_halves(139, lambda rung: None if rung == 34 else rung > 60) == 69
