from math import isclose, isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.question.demand import WITHIN_HOUR, Demand, demand_of, typical_profile
from engine.workload import Statement, Traffic, merge, spec_from
from tests.draws import draws


@pytest.mark.parametrize("peak", [1.0, 1.01, 1.5, 2.0, 3.0, 8.0, 11.99, 12.0, 40.0, 100.0])
def test_a_typical_day_has_mean_one_and_the_asked_peak(peak: float) -> None:
    demand = Demand(typical_profile(peak))
    assert isclose(sum(demand.hourly) / len(demand.hourly), 1, rel_tol=1e-9)
    assert isclose(demand.peak_factor, peak, rel_tol=1e-6)
    assert 0 < demand.trough <= 1 <= demand.peak_factor


def test_troughs_come_out_as_measured_on_public_traces() -> None:
    """Azure 2024: chat peaks at 1.66 and sinks to 0.47 of the mean, code completion at 3.0 and 0.10."""
    assert min(typical_profile(1.66)) == pytest.approx(0.47, abs=0.05)
    assert min(typical_profile(3.0)) == pytest.approx(0.10, abs=0.02)


def test_an_own_profile_is_scaled_to_mean_one_and_brings_its_peak() -> None:
    demand = demand_of(Traffic(requests_per_s=5, peak_factor=1.5, burst=1.3, hourly_profile=(2.0,) * 12 + (6.0,) * 12))
    assert demand.hourly == (0.5,) * 12 + (1.5,) * 12
    assert (demand.peak_factor, demand.trough, demand.burst) == (1.5, 0.5, 1.3)


def test_a_peak_above_the_mean_day_s_is_of_one_day_of_the_week() -> None:
    """What is planned for is replayed: else an autoscaled bill rests on a load that the plan does not have."""
    demand = demand_of(Traffic(requests_per_s=5, peak_factor=3, hourly_profile=(2.0,) * 12 + (6.0,) * 12))
    assert len(demand.hourly) == 168
    assert demand.peak_factor == pytest.approx(3)
    assert sum(demand.hourly) / 168 == pytest.approx(1)
    assert demand.hourly[0] * 7 + (demand.hourly[-24] - demand.hourly[0]) == pytest.approx(7 * 0.5)


def test_growth_by_hand_on_a_straight_rise() -> None:
    """From 0.5 to 1.5 in one hour: half an hour after its foot demand has doubled. Minutes are in the burst of 2."""
    demand = Demand((0.5,) * 12 + (1.5,) * 12, burst=2)
    assert demand.growth_within(1800, quantile=1.0) == pytest.approx(2.0)
    assert demand.growth_within(3600, quantile=1.0) == pytest.approx(3.0)
    # One hour in 24 rises: below the 95th percentile it grows at most by what half an hour of it gives.
    assert demand.growth_within(1, quantile=0.5) == 1.0


def test_minutes_count_once() -> None:
    """A flat day still moves within its hours; a burst that was given is that movement, not more of it."""
    flat = typical_profile(1.0)
    assert Demand(flat, burst=1.0).growth_within(300) == pytest.approx(WITHIN_HOUR)
    assert Demand(flat, burst=1.05).growth_within(300) * 1.05 == pytest.approx(WITHIN_HOUR)
    assert Demand(flat, burst=3.0).growth_within(300) == 1.0
    assert Demand(flat).growth_within(30) == pytest.approx(WITHIN_HOUR**0.5)


def test_no_reaction_time_sees_no_growth() -> None:
    assert Demand(typical_profile(4.0)).growth_within(0) == 1.0


def test_a_night_at_zero_does_not_make_growth_explode() -> None:
    night = demand_of(Traffic(requests_per_s=1, hourly_profile=(1e-9,) * 20 + (1.0,) * 4))
    assert night.growth_within(600, quantile=1.0) <= night.peak_factor / 0.01 * WITHIN_HOUR


@settings(max_examples=draws(60), deadline=None)
@given(
    peak=st.floats(1, 100),
    burst=st.floats(1, 20),
    reaction=st.floats(0, 1e5),
    more=st.floats(1, 4),
)
def test_growth_is_finite_at_least_one_and_rises_with_the_reaction(
    peak: float, burst: float, reaction: float, more: float
) -> None:
    demand = demand_of(Traffic(requests_per_s=1, peak_factor=peak, burst=burst))
    slow, slower = demand.growth_within(reaction), demand.growth_within(reaction * more)
    assert isfinite(slow)
    assert slow >= 1
    assert slower >= slow * (1 - 1e-9)


def test_a_profile_that_is_stated_brings_its_own_peak() -> None:
    """Two hours of 24 at six times the others: the busiest is that, not the default of 1.5 times the mean."""
    profile = [6.0] * 2 + [1.0] * 22
    spec = spec_from(
        {
            "model": "8B",
            "traffic.requests_per_s": 1,
            "traffic.hourly_profile": profile,
            "tokens.input.mean": 10,
            "tokens.output.mean": 10,
        }
    )
    assert spec.traffic.peak_factor == pytest.approx(6 * 24 / 34)


def test_a_peak_that_is_stated_replaces_the_profile_of_a_preset() -> None:
    preset = Statement("preset", {"traffic.peak_factor": 1.7, "traffic.hourly_profile": (1.0, 2.4) * 12})
    by_flag, by_file = (
        Statement("flag", {"traffic.peak_factor": 3.0}),
        Statement("file", {"traffic.hourly_profile": (1.0, 3.0) * 12}),
    )
    assert merge([preset, by_flag])[0] == {"traffic.peak_factor": 3.0}
    assert merge([preset, by_file])[0] == {"traffic.hourly_profile": (1.0, 3.0) * 12}
    assert len(merge([preset])[0]) == 2
