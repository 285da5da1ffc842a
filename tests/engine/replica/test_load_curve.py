import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.replica.load_curve import LoadCurve
from tests.draws import draws


def curve_of(loads: list[float], in_flight: list[float], kv: list[float] | None = None) -> LoadCurve:
    rates, flight = np.array(loads), np.array(in_flight)
    return LoadCurve(
        requests_per_s=rates,
        in_flight=flight,
        waiting=np.zeros_like(rates),
        ttft_p95_s=0.1 + flight * 0.01,
        itl_p95_s=0.01 + flight * 0.001,
        kv_cache_usage=np.array(kv) if kv else np.minimum(flight / 100, 1),
    )


def test_a_power_law_is_followed_exactly_between_points() -> None:
    curve = curve_of([1, 4], [3, 48])  # 3·x²
    assert curve.in_flight_at(2) == pytest.approx(12)
    assert curve.load_at_in_flight(12) == pytest.approx(2)


def test_it_falls_to_nothing_without_load_and_stays_beyond_the_last_point() -> None:
    curve = curve_of([1, 4], [3, 48])
    assert (curve.in_flight_at(0), curve.in_flight_at(0.5), curve.in_flight_at(9)) == (0, 1.5, 48)
    assert curve.ttft_p95_at(0) == pytest.approx(0.13)
    assert curve.load_at_in_flight(1e9) == 4


def test_usage_that_is_never_reached_has_no_load() -> None:
    curve = curve_of([1, 2], [10, 20])
    assert curve.load_at_kv_cache_usage(0.5) is None
    assert curve.load_at_kv_cache_usage(0.2) == 2


def test_points_at_zero_are_joined_by_a_straight_line() -> None:
    curve = curve_of([1, 2, 3], [0, 0, 10])
    assert curve.in_flight_at(2.5) == pytest.approx(5)
    assert curve.load_at_in_flight(5) == pytest.approx(2.5)


@pytest.mark.parametrize(
    ("loads", "in_flight", "said"),
    [([], [], "rise"), ([0, 1], [1, 2], "rise"), ([2, 1], [1, 2], "rise"), ([1, 2], [1, np.nan], "in_flight")],
)
def test_a_curve_that_is_none_is_refused(loads: list[float], in_flight: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        curve_of(loads, in_flight)


@settings(max_examples=draws(100), deadline=None)
@given(
    steps=st.lists(st.tuples(st.floats(1e-3, 1e3), st.floats(0, 1e4)), min_size=1, max_size=12),
    loads=st.tuples(st.floats(0, 1e5), st.floats(0, 1e5)),
)
def test_no_quantity_falls_with_the_load(steps: list[tuple[float, float]], loads: tuple[float, float]) -> None:
    curve = curve_of(np.cumsum([s[0] for s in steps]).tolist(), [s[1] for s in steps])
    less, more = sorted(loads)
    assert 0 <= curve.in_flight_at(less) <= curve.in_flight_at(more) * (1 + 1e-9)
    assert 0 <= curve.ttft_p95_at(less) <= curve.ttft_p95_at(more) * (1 + 1e-9)
