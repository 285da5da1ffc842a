"""Break-even rates: two by hand, and what holds on both sides of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.choice.deployment.break_even import break_even, pays_above
from engine.choice.deployment.hybrid import behind_api
from engine.choice.deployment.owning import owned
from engine.choice.deployment.renting import rented
from engine.choice.deployment.served import Served
from tests.draws import draws
from tests.engine.choice.deployment.fleets import fleet
from tests.engine.choice.deployment.test_modes import price

MONTH_S = 730 * 3600
"""A replica carries 2 requests/s on average and costs $2,920 a month on demand."""


def rent(one: Served) -> object:
    return rented(one, "on_demand")


def api(usd: float) -> object:
    priced = replace(price(), call_usd=usd)  # type: ignore[type-var]
    return lambda one: behind_api(one.work, priced)


def test_within_the_first_replica_by_hand() -> None:
    """$2,920 over 2,628,000 s at $0.004 a call: 0.2778 requests/s; from there on no second replica is dearer again."""
    assert pays_above(rent, api(0.004), fleet()) == pytest.approx(2920 / (MONTH_S * 0.004))  # type: ignore[arg-type]


def test_the_last_crossing_counts_by_hand() -> None:
    """At $0.0008 a call n replicas pay above n·1.3889 of at most 2n requests/s: the last crossing is where the n-th
    replica, just added at 2(n − 1), pays at once: 2(n − 1) ≥ 1.3889·n from n = 4 on, so that it is 3 × 1.3889."""
    one = 2920 / (MONTH_S * 0.0008)
    assert one == pytest.approx(1.38889, rel=1e-5)
    assert pays_above(rent, api(0.0008), fleet()) == pytest.approx(3 * one)  # type: ignore[arg-type]


def test_never_and_always() -> None:
    """A full replica costs $2,920 for 5,256,000 calls, $0.000556 each: below that an API always wins."""
    assert pays_above(rent, api(0.0005), fleet()) is None  # type: ignore[arg-type]
    assert pays_above(api(0.0005), rent, fleet()) == 0.0  # type: ignore[arg-type]


def test_the_band_is_that_of_what_a_replica_carries() -> None:
    found = break_even(rent, api(0.0008), fleet(), ("rent", "API"), (0.8, 1.25))  # type: ignore[arg-type]
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.requests_per_s < found.high  # type: ignore[operator]
    assert found.utilisation == pytest.approx(found.requests_per_s / (3 * 4))  # type: ignore[operator]


@settings(max_examples=draws(20), deadline=None)
@given(st.floats(0.0003, 0.05), st.floats(1.0001, 20.0))
def test_above_it_the_cheaper_way_is_cheaper(usd: float, times: float) -> None:
    for way in (rent, owned):
        rate = pays_above(way, api(usd), fleet(), most=40)  # type: ignore[arg-type]
        if rate:
            above = fleet(rate * times)
            assert way(above).monthly_usd <= api(usd)(above).monthly_usd * (1 + 1e-9)  # type: ignore[operator, attr-defined]
            below = fleet(rate * (1 - 1e-6))
            assert way(below).monthly_usd > api(usd)(below).monthly_usd * (1 - 1e-4)  # type: ignore[operator, attr-defined]
