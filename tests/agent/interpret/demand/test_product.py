"""Laws of the product: units cancel to a number in a time, in any order, each figure once."""

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from agent.interpret.demand.product import EACH, PEOPLE, Factor, loads_of
from catalogs.units import SECONDS_PER_DAY

DAY = SECONDS_PER_DAY
USERS = Factor((480_000.0,), 0, "users", "user", people=True)
SESSIONS = Factor((1.3,), 1, "sessions", "session", (PEOPLE,), DAY)
MESSAGES = Factor((9.0,), 2, "messages", "message", ("session",), event=True, request=True)
SHARE = Factor((0.004,), 3, of=("user",), share=True)

VALUES = st.floats(0.01, 1e6)


@given(st.permutations([USERS, SESSIONS, MESSAGES, SHARE]))
def test_named_factors_multiply_in_any_order(order: list[Factor]) -> None:
    (load,) = loads_of([replace(factor, place=place) for place, factor in enumerate(order)])
    assert load.per_second == (pytest.approx(480_000 * 1.3 * 9 * 0.004 / DAY),)
    assert load.named


@given(st.lists(VALUES, min_size=2, max_size=6))
def test_a_chain_is_the_product_and_each_factor_is_used_once(values: list[float]) -> None:
    chain = [
        Factor((value,), at, f"n{at}", f"n{at}", (f"n{at - 1}",) if at else (), DAY if at == 1 else 0.0)
        for at, value in enumerate(values)
    ]
    (load,) = loads_of(chain)
    assert sorted(factor.place for factor in load.factors) == list(range(len(values)))
    assert load.per_second[0] == pytest.approx(prod(values) / DAY, rel=1e-9)


@given(VALUES, VALUES, VALUES)
def test_a_range_stays_between_its_ends(low: float, more: float, each: float) -> None:
    of_range = Factor((low, low + more / 2, low + more), 1, "contracts", "contract", (EACH,), DAY)
    (load,) = loads_of([Factor((each,), 0, "lawyers", "lawyer", people=True), of_range])
    assert load.per_second == pytest.approx(tuple(each * value / DAY for value in of_range.values))


def test_two_groups_are_two_loads() -> None:
    groups = [
        Factor((200.0,), 0, "analysts", "analyst", people=True), Factor((40.0,), 1, "queries", "query", (), DAY),
        Factor((3000.0,), 2, "clerks", "clerk", people=True), Factor((5.0,), 3, "queries", "query", (), DAY),
    ]  # fmt: skip
    assert [load.per_second[0] * DAY for load in loads_of(groups)] == pytest.approx([8_000.0, 15_000.0])


@pytest.mark.parametrize(
    "factors",
    [
        [USERS, Factor((7.0,), 1, "messages", "message", (EACH,), event=True)],  # no time
        [SESSIONS, MESSAGES],  # of people whom nobody counted
        [Factor((28_000.0,), 0, "agents", "agent", people=True), Factor((0.15,), 1, seconds=DAY, share=True)],
        [Factor((20.0,), 0, "requests", "request", (), 1.0, event=True, request=True), SHARE],  # a share of requests
    ],
)
def test_what_does_not_cancel_is_no_load(factors: list[Factor]) -> None:
    assert [load for load in loads_of(factors) if len(load.factors) > 1] == []


def test_what_no_one_person_can_ask_is_not_taken_for_a_habit() -> None:
    customers = Factor((14e6,), 0, "customers", "customer", people=True)
    dialogs = Factor((3.1e6,), 1, "dialogs", "dialog", (), 30 * DAY)
    turns = Factor((7.0,), 2, "turns", "turn", ("dialog",), event=True, request=True)
    (load,) = loads_of([customers, dialogs, turns])
    assert [factor.noun for factor in load.factors] == ["dialogs", "turns"]
