"""Waiting: against Erlang's own sum and the queues whose answers are in every textbook, and as distributions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.queueing import Waits, normal_tail, wait_probability
from tests.engine.asked import worked_case

SERVERS = [1, 2, 4, 8, 16, 64, 256]
TIMES = np.linspace(0, 60, 601)


def erlang_c(servers: int, load: float) -> float:
    """The probability of waiting in M/M/k, by its definition (log-free: the terms are built up one from the other)."""
    term, total = 1.0, 1.0
    for n in range(1, servers):
        term *= load / n
        total += term
    last = term * load / servers * servers / (servers - load)
    return last / (total + last)


def test_the_definition_gives_known_values() -> None:
    assert erlang_c(1, 0.7) == pytest.approx(0.7)
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)
    assert erlang_c(5, 4) == pytest.approx(0.5541, abs=1e-4)


@pytest.mark.parametrize("servers", SERVERS)
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.7, 0.9, 0.97])
def test_the_chance_of_waiting_is_erlang_s(servers: int, share: float) -> None:
    found = float(wait_probability(np.array(float(servers)), np.array(servers * share)))
    assert found == pytest.approx(erlang_c(servers, servers * share), abs=0.02)


@settings(max_examples=100, deadline=None)
@given(servers=st.floats(1, 1e4), share=st.floats(0, 0.9999), more=st.floats(0, 0.2))
def test_the_chance_of_waiting_rises_with_load_and_falls_with_servers(
    servers: float, share: float, more: float
) -> None:
    def chance(k: float, load: float) -> float:
        return float(wait_probability(np.array(k), np.array(load)))

    load = servers * share
    busier = min(load * (1 + more), 0.99999 * servers)
    assert 0 <= chance(servers, load) <= 1
    assert chance(servers, load) <= chance(servers, max(busier, load)) + 1e-12
    assert chance(servers * (1 + more), load) <= chance(servers, load) + 1e-12


@pytest.mark.parametrize(("z", "tail"), [(0, 0.5), (1, 0.158655), (1.644854, 0.05), (3, 0.00135), (-1, 0.841345)])
def test_the_normal_tail(z: float, tail: float) -> None:
    assert float(normal_tail(np.array(float(z)))) == pytest.approx(tail, abs=1e-6)


def mixture(
    prefill_busy: float = 0.0,
    prefill_wait: float = 1.0,
    seat_busy: float = 0.0,
    seat_wait: float = 1.0,
    long_step: float = 0.1,
    long_share: float = 0.3,
    short_step: float = 0.02,
) -> Waits:
    values = (prefill_busy, prefill_wait, seat_busy, seat_wait, long_step, long_share, short_step)
    return Waits(*(np.array([value]) for value in values))


def mean_of(waits: Waits) -> float:
    """E[X] = ∫ P(X > t) dt, by Simpson's rule on a fine grid that reaches far into the tail."""
    scale = float(max(waits.prefill_wait[0], waits.seat_wait[0], waits.long_step[0]))
    times = np.linspace(0, 60 * scale, 600_001)
    return float(np.trapezoid(waits.longer_than(times), times))


def test_outside_any_queue_a_request_waits_for_the_running_step() -> None:
    """Uniform in a step of 0.1 s with probability 0.3, else in one of 0.02 s."""
    waits = mixture()
    assert waits.longer_than(np.array([0.0, 0.01, 0.05, 0.1])) == pytest.approx([1, 0.3 * 0.9 + 0.7 * 0.5, 0.15, 0])
    assert waits.mean[0] == pytest.approx(0.3 * 0.05 + 0.7 * 0.01)


@pytest.mark.parametrize(
    "waits",
    [mixture(), mixture(prefill_busy=0.6), mixture(seat_busy=0.4, seat_wait=5), mixture(0.5, 2, 0.9, 2)],
    ids=["calm", "prompts", "seats", "both"],
)
def test_the_mean_is_that_of_the_distribution(waits: Waits) -> None:
    """To 5 %: a seat's wait swallows the running step's, whose mean alone is moved by it."""
    assert waits.mean[0] == pytest.approx(mean_of(waits), rel=0.05)


@settings(max_examples=150, deadline=None)
@given(
    shares=st.tuples(*[st.floats(0, 1)] * 3),
    waits=st.tuples(*[st.floats(1e-6, 1e4)] * 2),
    steps=st.tuples(*[st.floats(1e-6, 10)] * 2),
)
def test_a_survival_function_starts_at_one_and_falls_to_nothing(
    shares: tuple[float, ...], waits: tuple[float, ...], steps: tuple[float, ...]
) -> None:
    mixed = mixture(shares[0], waits[0], shares[1], waits[1], max(steps), shares[2], min(steps))
    longest = 40 * (sum(waits) + sum(steps))
    at = np.concatenate([[-1.0], np.geomspace(1e-9, longest, 400)])
    above = mixed.longer_than(at)
    assert above[0] == 1
    assert (above <= 1 + 1e-9).all()
    assert (above >= 0).all()
    assert (np.diff(above) <= 1e-9).all()
    assert above[-1] < 1e-9


# --- the replica as a textbook's queue -------------------------------------------------------------------------------


def test_prompts_of_random_length_wait_as_in_m_m_1() -> None:
    """With exponential work X, E[X²] = 2·E[X]²: W = ρ/(1 − ρ)·E[X], Pollaczek and Khinchine."""
    replicas = worked_case(prompt=1000, output=1.5, cv=1.0)
    load = replicas.at(replicas.batch_at_rate(np.array([0.5 * float(replicas.saturated[0, 0])])))
    busy, wait = float(load.waits.prefill_busy[0, 0, 0]), float(load.waits.prefill_wait[0, 0, 0])
    work = busy / float(load.requests_per_s[0, 0])
    assert busy * wait == pytest.approx(busy / (1 - busy) * work, rel=0.15)


def test_prompts_of_one_length_wait_half_as_long_as_in_m_d_1() -> None:
    """With fixed work W = ρ/(1 − ρ)·E[X]/2."""
    replicas = worked_case(prompt=1000, output=1.5, cv=0.0)
    load = replicas.at(replicas.batch_at_rate(np.array([0.5 * float(replicas.saturated[0, 0])])))
    busy, wait = float(load.waits.prefill_busy[0, 0, 0]), float(load.waits.prefill_wait[0, 0, 0])
    work = busy / float(load.requests_per_s[0, 0])
    assert busy * wait == pytest.approx(busy / (1 - busy) * work / 2, rel=1e-6)


def test_one_seat_is_a_single_server() -> None:
    """M/G/1 by Allen and Cunneen: ρ/(1 − ρ)·S·(1 + c_S²)/2, S the time at saturation."""
    replicas = worked_case(prompt=10, output=250, cv=0.8, seats=1.0)
    service = 1 / float(replicas.saturated[0, 0])
    for share in (0.3, 0.6, 0.9):
        load = replicas.at(replicas.batch_at_rate(np.array([share / service])))
        wait = float(load.waits.seat_busy[0, 0, 0] * load.waits.seat_wait[0, 0, 0])
        spread = (1 + replicas.lengths.output.cv**2) / 2
        assert wait == pytest.approx(share / (1 - share) * service * spread, rel=0.1)


def test_waits_vanish_without_load() -> None:
    replicas = worked_case()
    waits = replicas.at(np.array([[1e-6]])).waits
    assert float(waits.prefill_busy[0, 0, 0]) < 1e-6
    assert float(waits.seat_busy[0, 0, 0]) < 1e-6
    assert float(waits.mean[0, 0, 0]) < 1e-6
