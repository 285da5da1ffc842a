"""Batches: by hand against the saturated rate, laws, and APIs beside them."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.choice.deployment.batch import FULL, batch_plan
from engine.workload import spec_from
from tests.draws import draws

CATALOG = Catalog.load()
SPEC = spec_from(
    {
        "model": "llama-3.1-8b",
        "precision.weights": "fp8",
        "hardware.accelerators": ["h100-sxm-80gb"],
        "traffic.requests_per_s": 1.0,
        "tokens.input.mean": 2000,
        "tokens.input.cv": 0,
        "tokens.output.mean": 200,
        "tokens.output.cv": 0,
    }
)


def test_the_hours_are_the_work_over_the_rate_of_full_replicas() -> None:
    plan = batch_plan(SPEC, 1e6, 86_400.0, CATALOG)
    spot, on_demand = plan.best
    assert spot.term == "spot"
    assert on_demand.term == "on_demand"
    assert spot.accelerators == spot.replicas * spot.tensor_parallel
    assert spot.hours <= 24
    rate = 1e6 / (spot.hours * 3600 - spot.start_s) / spot.replicas / FULL
    twice = batch_plan(SPEC, 2e6, 86_400.0, CATALOG).best[0]
    assert 2e6 / (twice.hours * 3600 - twice.start_s) / twice.replicas / FULL == pytest.approx(rate, rel=0.02)
    assert plan.input_tokens == pytest.approx(2e9)
    assert plan.output_tokens == pytest.approx(2e8)


def test_weights_are_the_checkpoint_s_own_and_coarser_ones_an_alternative() -> None:
    """As forecast plans it: INT8 on H100 was chosen where nobody had asked for it."""
    open_spec = replace(SPEC, precision=replace(SPEC.precision, weights=None))
    plan = batch_plan(open_spec, 1e7, 4 * 86_400.0, CATALOG)
    assert {way.precision for way in (*plan.best, *plan.others)} == {"bf16"}
    assert plan.coarser is not None and plan.coarser.cost_usd < plan.best[0].cost_usd
    assert plan.coarser.precision != "bf16"


def test_a_start_takes_its_time_and_what_cannot_be_in_time_says_why() -> None:
    usual = batch_plan(SPEC, 1e6, 7200.0, CATALOG).best[0]
    slow = batch_plan(replace(SPEC, scaling=replace(SPEC.scaling, node_s=3600.0)), 1e6, 7200.0, CATALOG).best[0]
    assert slow.start_s > 3600 and slow.accelerators > usual.accelerators
    with pytest.raises(InputError, match="over before a replica serves"):
        batch_plan(SPEC, 1e6, 60.0, CATALOG)
    short = batch_plan(replace(SPEC, hardware=replace(SPEC.hardware, max_accelerators=1)), 1e6, 7200.0, CATALOG)
    assert not short.best
    assert re.search(r"needs \d+ accelerators and 1 is allowed; enough would be --max-gpus \d+ \(", short.why_not)
    paid = replace(SPEC, money=replace(SPEC.money, monthly_budget_usd=usual.cost_usd - 1))
    assert batch_plan(paid, 1e6, 7200.0, CATALOG).within_budget is False


@pytest.mark.parametrize("hours", [2, 8])
def test_a_fleet_that_is_larger_than_its_replicas_count_is_full_until_the_deadline(hours: int) -> None:
    """Usual targets of people who wait made a fleet of slow cards five times as large as full replicas need."""
    slow = replace(SPEC, model="llama-3.1-70b", hardware=replace(SPEC.hardware, accelerators=("l4",)))
    spot = batch_plan(slow, 1e6, hours * 3600.0, CATALOG).best[0]
    assert spot.replicas > 10
    assert hours * (1 - 2 / spot.replicas) < spot.hours <= hours


def test_an_api_costs_its_calls() -> None:
    """A million calls of 2,000 and 200 tokens to gpt-4o: $5 + $2 a thousand at once, half of that in a batch."""
    plan = batch_plan(SPEC, 1e6, 86_400.0, CATALOG, [CATALOG.api_model("gpt-4o")])
    assert plan.apis[0].usd == pytest.approx(7000.0)
    assert plan.apis[0].batch_usd == pytest.approx(3500.0)


@settings(max_examples=draws(10), deadline=None)
@given(st.floats(1e4, 1e8), st.floats(1.0, 5.0), st.floats(3600, 30 * 86_400))
def test_more_work_never_costs_less_nor_ends_late(requests: float, times: float, deadline_s: float) -> None:
    plan, more = (batch_plan(SPEC, count, deadline_s, CATALOG) for count in (requests, requests * times))
    for one, other in zip(plan.best, more.best, strict=True):
        assert one.hours <= plan.deadline_hours * (1 + 1e-9)
        assert other.cost_usd >= one.cost_usd * (1 - 1e-3)
    assert plan.best[0].cost_usd <= plan.best[1].cost_usd
