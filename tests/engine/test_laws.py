"""What holds for every forecast: no surprises anywhere in the space of specs, and the laws of capacity."""

import json
from math import isfinite
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.fleet.parallelisms import node_size
from engine.method import forecast
from engine.plan import CapacityPlan, NoPlan, Performance, plan_json
from engine.question.resolve import resolve
from engine.workload import LOWEST_CALLS_PER_S
from tests.draws import draws
from tests.engine.asked import CATALOG, STAND_IN, asked, catalog_with, formula_plan, relative
from tests.engine.specs import Values, anything, decades, planned

MORE = st.sampled_from([1.02, 1.3, 3.0])
SLOW = [HealthCheck.filter_too_much, HealthCheck.too_slow]
FEW = settings(max_examples=draws(20), deadline=None, suppress_health_check=SLOW)
ROUNDING = 1e-3
"""Capacities are solved to a part in ten thousand."""


def plan_of(values: Values, catalog: Catalog = CATALOG) -> CapacityPlan | None:
    """The plan of a spec that can be met; None where it cannot."""
    spec = asked({"precision.weights": None, **values})
    try:
        plan = formula_plan(spec, catalog)
    except InputError:
        return None
    return plan if isinstance(plan, CapacityPlan) and plan.answer.meets_targets else None


def met(values: Values, catalog: Catalog = CATALOG) -> CapacityPlan:
    plan = plan_of(values, catalog)
    assume(plan is not None)
    assert plan is not None
    return plan


def fixed(values: Values, plan: CapacityPlan) -> Values:
    """The same spec with the plan's own parallelism, so that a change is felt by the same replica."""
    chosen = plan.chosen
    return {
        **values,
        "serving.tensor_parallel": chosen.tensor_parallel,
        "serving.pipeline_parallel": chosen.pipeline_parallel,
        "serving.data_parallel": chosen.data_parallel,
        "serving.expert_parallel": chosen.expert_parallel,
    }


# --- no surprises ---------------------------------------------------------------------------------------------------


def walk(value: Any, path: str = "") -> Any:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from walk(item, path)
    elif isinstance(value, int | float):
        yield path, value


def in_order(at: Performance) -> bool:
    latencies = (at.ttft_s, at.itl_s, at.e2e_s, at.token_gap_s)
    return all(x.p50 <= x.p90 <= x.p95 <= x.p99 for x in latencies)


@settings(max_examples=draws(100), deadline=None, suppress_health_check=SLOW)
@given(values=anything())
def test_every_spec_has_an_answer(values: Values) -> None:
    """A plan, a refusal with its reasons, or an error of ours; whatever it is, nothing in it is absurd."""
    base = {"traffic.requests_per_s": None, "precision.weights": None, "hardware.accelerators": None}
    try:
        plan = formula_plan(asked({**base, **values}), CATALOG)
    except InputError as error:
        assert str(error)
        return
    if isinstance(plan, NoPlan):
        assert plan.sentence
        assert all(line.reason for line in plan.rejected)
        return
    tree = plan_json(plan)
    json.dumps(tree, allow_nan=False)
    for path, number in walk(tree):
        assert isfinite(number), path
        assert number >= 0 or "growth_per_year" in path, path
    assert in_order(plan.performance.at_mean)
    assert in_order(plan.performance.at_peak)
    parts_sum_to_the_whole(plan)
    assert plan.answer.meets_targets == (all(r.met for r in plan.targets) and within_its_ceiling(plan))


def parts_sum_to_the_whole(plan: CapacityPlan) -> None:
    each, fleet = plan.memory.per_accelerator, plan.fleet
    parts = (each.weights_bytes, each.kv_cache_bytes, each.activations_bytes, each.runtime_bytes, each.unused_bytes)
    assert sum(parts) == pytest.approx(each.total_bytes)
    assert sum(line.replicas for line in fleet.ledger) == fleet.maximum_replicas
    assert sum(line.accelerators for line in fleet.ledger[:-1]) == fleet.maximum_accelerators
    assert fleet.maximum_accelerators == fleet.maximum_replicas * plan.chosen.accelerators_per_replica
    assert 1 <= fleet.minimum_replicas <= fleet.maximum_replicas
    assert fleet.replicas <= fleet.maximum_replicas
    if plan.cost.maximum_monthly_usd is not None:
        money = sum(line.monthly_usd or 0 for line in fleet.ledger) + plan.cost.other_monthly_usd
        assert money == pytest.approx(plan.cost.maximum_monthly_usd)
    for at in (plan.performance.at_mean, plan.performance.at_peak):
        assert at.in_flight == pytest.approx(at.requests_per_s * at.e2e_s.mean)


def within_its_ceiling(plan: CapacityPlan) -> bool:
    hardware = plan.spec.hardware
    node = node_size(resolve(plan.spec, CATALOG), CATALOG.accelerators[plan.chosen.accelerator])
    most = (
        (hardware.accelerator_count, plan.fleet.maximum_accelerators),
        (hardware.max_accelerators, plan.fleet.maximum_accelerators),
        (hardware.nodes, plan.fleet.maximum_accelerators / node),
        (hardware.max_nodes, plan.fleet.maximum_accelerators / node),
        (hardware.replicas, plan.fleet.maximum_replicas),
        (hardware.max_replicas, plan.fleet.maximum_replicas),
        (hardware.max_power_kw, (plan.fleet.rated_watts or 0) / 1e3 * (1 - 1e-9)),
    )
    return all(limit is None or count <= limit for limit, count in most)


# --- the laws -------------------------------------------------------------------------------------------------------


def needs_no_less(more: CapacityPlan, less: CapacityPlan) -> None:
    assert more.fleet.maximum_accelerators >= less.fleet.maximum_accelerators
    assert (more.cost.maximum_monthly_usd or 0) >= (less.cost.maximum_monthly_usd or 0) * (1 - 1e-9)


@FEW
@given(values=planned(), times=MORE)
def test_a_higher_rate_never_takes_fewer(values: Values, times: float) -> None:
    more = met({**values, "traffic.requests_per_s": values["traffic.requests_per_s"] * times})
    needs_no_less(more, met(values))


@FEW
@given(values=planned(), times=MORE)
def test_a_higher_peak_never_takes_fewer(values: Values, times: float) -> None:
    peak = values.get("traffic.peak_factor", 1.0)
    needs_no_less(met({**values, "traffic.peak_factor": peak * times}), met({**values, "traffic.peak_factor": peak}))


@FEW
@given(values=planned(), times=MORE)
def test_longer_answers_are_never_cheaper(values: Values, times: float) -> None:
    """Percentiles of ITL aside: over a longer answer the pauses for others' prompts average out, and they fall."""
    assume(not any(t["metric"] == "itl" and t["percentile"] != "mean" for t in values["targets"]))
    longer = met({**values, "tokens.output.mean": values["tokens.output.mean"] * times})
    needs_no_less(longer, met(values))


@FEW
@given(values=planned(), times=MORE)
def test_longer_prompts_are_never_cheaper(values: Values, times: float) -> None:
    longer = met({**values, "tokens.input.mean": values["tokens.input.mean"] * times})
    needs_no_less(longer, met(values))


@FEW
@given(values=planned(), times=MORE)
def test_a_looser_target_never_takes_more(values: Values, times: float) -> None:
    """And what meets the tighter one meets it."""
    assume(values["targets"])
    tight = met(values)
    eased = [{**target, "seconds": target["seconds"] * times} for target in values["targets"]]
    loose = plan_of({**values, "targets": eased})
    assert loose is not None
    needs_no_less(tight, loose)


@FEW
@given(values=planned(), times=MORE)
def test_more_bandwidth_is_never_slower(values: Values, times: float) -> None:
    """At the same load with the same replicas no latency rises; no target takes more of them."""
    entry = CATALOG.accelerators[values["hardware.accelerators"][0]]
    values = {**values, "hardware.accelerators": [STAND_IN]}
    usual = catalog_with(relative(entry))
    wide = catalog_with(relative(entry, memory_gb_per_s=entry.memory_gb_per_s * times))
    before = met(values, usual)
    after = plan_of(fixed(values, before), wide)
    assert after is not None
    assert after.replica_capacity.requests_per_s >= before.replica_capacity.requests_per_s * (1 - ROUNDING)
    assert after.fleet.maximum_accelerators <= before.fleet.maximum_accelerators
    if after.fleet.replicas == before.fleet.replicas:
        not_slower(after.performance.at_peak, before.performance.at_peak)


def not_slower(fast: Performance, slow: Performance) -> None:
    for metric in ("ttft_s", "itl_s", "e2e_s"):
        for percentile in ("mean", "p50", "p90", "p95", "p99"):
            less, more = (getattr(getattr(at, metric), percentile) for at in (fast, slow))
            assert less <= more * (1 + ROUNDING), (metric, percentile)


@FEW
@given(values=planned(), count=st.integers(1, 200), more=st.integers(1, 64))
def test_more_accelerators_never_hold_less(values: Values, count: int, more: int) -> None:
    values = {**values, "traffic.requests_per_s": None}
    few = met({**values, "hardware.accelerator_count": count})
    many = plan_of({**values, "hardware.accelerator_count": count + more})
    assert many is not None
    assert many.answer.holds_to_requests_per_s >= few.answer.holds_to_requests_per_s * (1 - ROUNDING)


@FEW
@given(values=planned(), more=st.integers(1, 5))
def test_spare_replicas_add_exactly(values: Values, more: int) -> None:
    plan = met(values)
    values = fixed(values, plan)
    spares = values.get("availability.spare_replicas", 0)
    spared = met({**values, "availability.spare_replicas": spares + more})
    assert spared.fleet.maximum_replicas == plan.fleet.maximum_replicas + more
    assert spared.fleet.replicas == plan.fleet.replicas + more
    assert spared.fleet.working_replicas == plan.fleet.working_replicas
    # Sums over arrays of other shapes differ in the last bit.
    assert spared.replica_capacity.requests_per_s == pytest.approx(plan.replica_capacity.requests_per_s, rel=1e-9)


@FEW
@given(values=planned(), share=st.floats(0.05, 0.95))
def test_prefix_hits_are_never_worse(values: Values, share: float) -> None:
    """No capacity is lost, and at the same load with the same replicas no first token comes later."""
    plan = met(values)
    hit = values.get("tokens.prefix_hit", 0.0)
    found = plan_of({**fixed(values, plan), "tokens.prefix_hit": hit + (0.99 - hit) * share})
    assert found is not None
    needs_no_less(plan, found)
    assert found.replica_capacity.requests_per_s >= plan.replica_capacity.requests_per_s * (1 - ROUNDING)
    if found.fleet.replicas == plan.fleet.replicas:
        before, after = plan.performance.at_peak.ttft_s, found.performance.at_peak.ttft_s
        assert after.mean <= before.mean * (1 + ROUNDING)
        assert after.p95 <= before.p95 * (1 + ROUNDING)


@FEW
@given(values=planned())
def test_weights_in_four_bits_are_never_larger(values: Values) -> None:
    plan = met({**values, "precision.weights": "bf16"})
    small = met({**fixed(values, plan), "precision.weights": "int4"})
    assert small.memory.weights_bytes < plan.memory.weights_bytes
    assert small.memory.per_accelerator.weights_bytes <= plan.memory.per_accelerator.weights_bytes
    assert small.memory.max_concurrent_sequences >= plan.memory.max_concurrent_sequences


@FEW
@given(values=planned())
def test_a_plan_carries_its_load(values: Values) -> None:
    """Today's replicas, the spares down, are at the peak hour within their capacity, and one fewer would not be."""
    plan = met(values)
    peak = values["traffic.requests_per_s"] * values.get("traffic.peak_factor", 1.0)
    each, replicas = plan.replica_capacity.requests_per_s, plan.fleet.working_replicas
    assert replicas * each >= peak * (1 - 1e-5)
    assert (replicas - 1) * each < peak or replicas == 1
    assert plan.performance.at_peak.requests_per_s * replicas == pytest.approx(peak, rel=0.002)


# --- hardly any traffic -----------------------------------------------------------------------------------------------


@settings(max_examples=draws(30), deadline=None)
@given(rate=decades(LOWEST_CALLS_PER_S, 1e-4), prompt=decades(1, 1e6), answer=decades(1, 1e6))
def test_a_trickle_takes_one_replica(rate: float, prompt: float, answer: float) -> None:
    """However seldom and however long, up to the context: one replica whose figures are finite."""
    values = {"traffic.requests_per_s": rate, "tokens.input.mean": prompt, "tokens.output.mean": answer}
    try:
        plan = forecast(asked(values), CATALOG)
    except InputError as error:
        assert "exceed the" in str(error)
        return
    assert isinstance(plan, CapacityPlan)
    assert plan.fleet.maximum_replicas == 1
    json.dumps(plan_json(plan), allow_nan=False)


@given(rate=st.floats(5e-324, 0.99 * LOWEST_CALLS_PER_S), calls=st.floats(1e-3, 1))
def test_less_than_one_call_in_thirty_years_is_refused_in_a_sentence(rate: float, calls: float) -> None:
    with pytest.raises(InputError, match="less than one model call in 30 years; 1e-09 or more is accepted"):
        asked({"traffic.requests_per_s": rate, "traffic.calls_per_request": calls})
