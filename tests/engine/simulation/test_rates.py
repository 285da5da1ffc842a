"""Loads whose rate changes by the minute, and hourly rates read from a file."""

import numpy as np
import pytest

from catalogs.errors import InputError
from engine.simulation import Requests
from engine.simulation.arrivals import drawn_lengths, lengths_as_in, over_time
from engine.simulation.rates import read_hourly_rates
from engine.simulation.requests import requests_of
from tests.engine.simulation.models import CHAT_INPUT, CHAT_OUTPUT

RATES = np.array([40.0, 10.0, 0.0, 90.0, 60.0])


def drawn(burstiness: float = 1.0, seed: int = 1, rates: np.ndarray = RATES) -> list[Requests]:
    lengths = drawn_lengths(CHAT_INPUT, CHAT_OUTPUT, seed=seed)
    return list(over_time(rates, 600.0, lengths, seed=seed, burstiness=burstiness))


def arrivals(burstiness: float = 1.0, seed: int = 1) -> np.ndarray:
    return np.concatenate([part.arrival_s for part in drawn(burstiness, seed)])


@pytest.mark.parametrize("burstiness", [0.5, 1.0, 2.0])
def test_every_interval_has_the_requests_of_its_rate(burstiness: float) -> None:
    """Within four standard deviations of a renewal count; none where the rate is zero, none after the end."""
    times = arrivals(burstiness)
    expected = RATES * 600
    counted = np.bincount((times / 600).astype(int), minlength=5)
    assert (np.abs(counted - expected) <= 4 * burstiness * np.sqrt(expected) + 1e-9).all()
    assert times[-1] < 3000 and (np.diff(times) >= 0).all()


@pytest.mark.parametrize("burstiness", [0.5, 1.0, 2.0])
def test_rescaled_to_a_rate_of_one_the_gaps_are_those_of_the_process(burstiness: float) -> None:
    """Time-rescaling, undone: independent gaps with a mean of 1 and the CV that was asked for."""
    units = np.interp(arrivals(burstiness), np.arange(6) * 600, np.concatenate([[0], np.cumsum(RATES * 600)]))
    gaps = np.diff(units)
    assert gaps.mean() == pytest.approx(1, rel=0.02)
    assert gaps.std() == pytest.approx(burstiness, rel=0.03)
    assert abs(float(np.corrcoef(gaps[1:], gaps[:-1])[0, 1])) < 0.02


def test_requests_are_numbered_through_and_seeded() -> None:
    parts = drawn(rates=RATES * 3)
    assert len(parts) > 1
    assert np.concatenate([part.prefix for part in parts]).tolist() == list(range(sum(len(part) for part in parts)))
    assert arrivals(seed=1).tobytes() == arrivals(seed=1).tobytes() != arrivals(seed=2).tobytes()


def test_recorded_lengths_stay_together() -> None:
    """Each prompt comes with the answer that it had, as often as it was recorded."""
    recorded = requests_of(np.arange(4.0), np.array([10, 20, 30, 30]), np.array([1, 2, 3, 3]))
    prompts, answers = lengths_as_in(recorded, seed=1)(40_000)
    assert (prompts == 10 * answers).all()
    assert np.bincount(answers)[1:] / 40_000 == pytest.approx([0.25, 0.25, 0.5], abs=0.01)


@pytest.mark.parametrize(("rates", "burstiness"), [([], 1.0), ([0.0, 0.0], 1.0), ([1.0, -1.0], 1.0), ([1.0], 0.0)])
def test_rates_that_are_no_load_are_refused(rates: list[float], burstiness: float) -> None:
    lengths = drawn_lengths(CHAT_INPUT, CHAT_OUTPUT, seed=1)
    with pytest.raises(InputError, match="are no load"):
        next(over_time(np.array(rates), 60.0, lengths, seed=1, burstiness=burstiness))


# --- files ------------------------------------------------------------------------------------------------------------

# The first hours of the Azure 2024 chat week, digitised; CC-BY-4.0, Stojkovic et al., DynamoLLM, HPCA 2025.
AZURE_2024 = """timestamp,rps
2024-05-12 00:00:00,25.252
2024-05-12 01:00:00,26.688
2024-05-12 02:00:00,25.354
"""


def test_hourly_rates_are_read_with_dates_or_seconds() -> None:
    assert read_hourly_rates(AZURE_2024.splitlines(), "week.csv").tolist() == [25.252, 26.688, 25.354]
    seconds = "t_s,kind,rps\n0,chat,1\n3600,chat,2.5\n\n7200,chat,0\n"
    assert read_hourly_rates(seconds.splitlines(), "week.csv").tolist() == [1.0, 2.5, 0.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "week.csv is empty"),
        ("timestamp,rps\n", "week.csv holds no rate"),
        ("hello\n1\n", "week.csv, line 1: 'hello' has no time and rate"),
        ("timestamp,rps\n0,1\n3600\n", "line 3: 1 values; 2 were expected"),
        ("timestamp,rps\n0,1\n3600,-2\n", "line 3: the rate is '-2'"),
        ("timestamp,rps\n0,1\n3600,many\n", "line 3: the rate is 'many'"),
        ("timestamp,rps\nnoon,1\n", "line 2: the time is 'noon'"),
        ("timestamp,rps\n0,1\n7200,1\n", "line 3: '7200' is 7200 s after the first line; one hour"),
        ("timestamp,rps\n0,1\n600,1\n", "line 3: '600' is 600 s after the first line; one hour"),
    ],
)
def test_a_malformed_file_names_the_line_and_what_was_expected(text: str, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read_hourly_rates(text.splitlines(), "week.csv")
    assert said in str(refused.value)
    assert "expected" in str(refused.value)
