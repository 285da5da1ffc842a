"""The unit of a trace's timestamps, from their values."""

import numpy as np
import pytest

from engine.arrays import Floats
from engine.simulation.timestamps import UNITS_PER_SECOND, Timestamps, TimeUnit


def arrivals(rate: float, count: int) -> Floats:
    return np.cumsum(np.random.default_rng(5).exponential(1 / rate, count))


@pytest.mark.parametrize("unit", list(UNITS_PER_SECOND))
@pytest.mark.parametrize(("rate", "count"), [(0.3, 50), (2.0, 50), (5.0, 1000), (10.0, 5000)])
def test_whole_numbers_of_any_unit_are_known_from_the_rate(unit: TimeUnit, rate: float, count: int) -> None:
    times = np.floor(arrivals(rate, count) * UNITS_PER_SECOND[unit]).tolist()
    assert Timestamps().read_as(None, times) == unit


@pytest.mark.parametrize("rate", [0.02, 0.3, 2.0, 30.0])
def test_fractions_are_seconds_at_any_usual_rate(rate: float) -> None:
    assert Timestamps().read_as(None, arrivals(rate, 500).tolist()) == "s"


def test_fractions_of_milliseconds_are_known_from_the_rate() -> None:
    assert Timestamps().read_as(None, (arrivals(3, 500) * 1e3).tolist()) == "ms"


@pytest.mark.parametrize("unit", list(UNITS_PER_SECOND))
def test_moments_since_1970_give_their_unit_by_their_size(unit: TimeUnit) -> None:
    """Two requests a day are a strange load, but no other unit makes the moment one of this century."""
    times = [(1.7e9 + day * 43_200) * UNITS_PER_SECOND[unit] for day in range(20)]
    assert Timestamps().read_as(None, times) == unit


@pytest.mark.parametrize(
    ("times", "unit"), [([0.0], "ms"), ([5.0, 5.0], "ms"), ([0.5, 0.5], "s"), ([0.0, 3000.0], "ms")]
)
def test_few_timestamps_are_read_as_is_usual(times: list[float], unit: TimeUnit) -> None:
    assert Timestamps().read_as(None, times) == unit


def test_a_stated_unit_holds_and_is_said() -> None:
    stated = Timestamps("us")
    assert stated.read_as(None, [0.0, 10.0, 20.0]) == "us"
    assert stated.notes[0].startswith("timestamps read as microseconds, as stated: ")


def test_a_format_with_a_unit_of_its_own_says_nothing() -> None:
    own = Timestamps()
    assert own.read_as("s", arrivals(2, 50).tolist()) == "s"
    assert not own.notes and not own.warnings


@pytest.mark.parametrize(
    "times", [[n / 50 for n in range(50)], [n * 3600.0 for n in range(20)]], ids=["dense", "sparse"]
)
def test_an_unlikely_rate_is_doubted_with_the_option_that_mends_it(times: list[float]) -> None:
    doubted = Timestamps("s")
    doubted.read_as(None, times)
    (warning,) = doubted.warnings
    assert "where the timestamps are not seconds, state their unit with --trace-unit" in warning
