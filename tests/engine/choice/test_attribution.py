"""The difference of two plans is shared out among the inputs that changed, and the parts sum to the whole."""

from itertools import permutations, product
from typing import Any

import pytest
from msgspec.structs import replace

from catalogs.catalog import Catalog
from engine import CapacityPlan, forecast
from engine.choice.attribution import NAMES, _orders, attribution, changed_inputs, figures_of
from tests.engine.choice.test_options import asked

CATALOG = Catalog.load()
BASE: dict[str, Any] = {"hardware__accelerators": ["h100-sxm-80gb"], "traffic__requests_per_s": 300}
CHANGES: dict[str, dict[str, Any]] = {
    "traffic": {"traffic__requests_per_s": 450},
    "tokens.output": {"tokens__output__mean": 420},
    "precision.weights": {"precision__weights": "fp8"},
    "hardware.accelerators": {"hardware__accelerators": ["l40s"]},
    "tokens.input": {"tokens__input__mean": 900, "tokens__input__cv": 0.3},
    "availability.spare_replicas": {"availability__spare_replicas": 2},
    "money.provider": {"money__provider": "aws"},
}


def plan_with(*names: str) -> CapacityPlan:
    values = dict(BASE)
    for name in names:
        values |= CHANGES[name]
    plan = forecast(asked(**values), CATALOG, verify=False)
    assert isinstance(plan, CapacityPlan)
    return plan


@pytest.mark.parametrize(
    "names",
    [(name,) for name in CHANGES]
    + [("traffic", "tokens.output"), ("traffic", "precision.weights", "tokens.input"), tuple(CHANGES)],
)
def test_the_parts_sum_to_the_whole(names: tuple[str, ...]) -> None:
    before, after = plan_with(), plan_with(*names)
    why = attribution(before, after, CATALOG)
    assert {one.input.split(".")[0] for one in why.changed} == {name.split(".")[0] for name in names}
    for place, figure in enumerate(NAMES):
        whole = figures_of(after)[place] - figures_of(before)[place]
        assert sum(one.parts[figure] for one in why.changed) == pytest.approx(whole, abs=1e-9)
        assert why.rest[figure] == pytest.approx(0, abs=1e-9)


def test_parts_are_averages_over_all_orders() -> None:
    """By hand for three inputs: six orders, the effect of each input in each."""
    names = ("traffic", "tokens.output", "precision.weights")
    bills = {
        frozenset(name for name, taken in zip(names, which, strict=True) if taken): figures_of(
            plan_with(*(name for name, taken in zip(names, which, strict=True) if taken))
        )[1]
        for which in product((False, True), repeat=3)
    }
    by_hand = dict.fromkeys(names, 0.0)
    for order in permutations(names):
        for at, name in enumerate(order):
            by_hand[name] += (bills[frozenset(order[: at + 1])] - bills[frozenset(order[:at])]) / 6
    why = attribution(plan_with(), plan_with(*names), CATALOG)
    found = {_name(one.input): one.parts["monthly_usd"] for one in why.changed}
    assert found == pytest.approx(by_hand)


def test_drawn_orders_explain_the_way_back_as_they_do_the_way_there() -> None:
    """Whatever the order in which the inputs are named."""
    orders = dict(_orders(tuple(CHANGES)))
    assert sum(orders.values()) == pytest.approx(1)
    assert {order[::-1] for order in orders} == set(orders) == set(dict(_orders(tuple(reversed(CHANGES)))))


def _name(path: str) -> str:
    return next(name for name in CHANGES if path.startswith(name))


def test_nothing_changed_is_nothing_to_share_out() -> None:
    plan = plan_with()
    assert changed_inputs(plan.spec, plan.spec) == {}
    why = attribution(plan, plan, CATALOG)
    assert (why.changed, set(why.rest.values())) == ((), {0})


def test_what_plans_were_made_with_is_named_where_the_question_is_the_same() -> None:
    before = plan_with()
    made = {"catalog": "0" * 16, "version": "0.0", "verify": True}
    after = replace(before, provenance=replace(before.provenance, **made))
    assert {one.input for one in attribution(before, after, CATALOG).made_with} == {"catalog", "program", "simulated"}


def test_an_accelerator_that_changed_is_no_change_of_the_catalog() -> None:
    """The digest is of the entries that a plan used, and the other accelerator is another entry."""
    assert attribution(plan_with(), plan_with("hardware.accelerators"), CATALOG).made_with == ()
