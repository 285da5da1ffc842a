from itertools import pairwise
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.question.demand import WITHIN_HOUR, Demand, typical_profile
from engine.scaling.controller import Controller, ScalingPolicy
from engine.scaling.demand_by_minute import DemandByMinute, demand_by_minute
from engine.scaling.replay import ReplayedMinutes, ReplicaLoads, by_the_minute, replay
from tests.draws import draws

MAXIMUM = 12
HOLDING = 4.0
"""Requests/s at which a replica of ``loads`` is planned for."""


def loads(seats: float = 20.0, saturated: float = 8.0) -> ReplicaLoads:
    """A replica with a queue before it: all within up to 0.8 of saturation, ever fewer beyond."""
    share = 0.98 * (1 - (1 - np.arange(1, 41) / 40) ** 2)
    waiting = share**2 / (1 - share)
    return ReplicaLoads(
        requests_per_s=share * saturated,
        in_flight=seats * share + waiting,
        waiting=waiting,
        within=np.clip(1 - 5 * (share - 0.8), 0.0, 1.0),
        waits_s=np.array([0.0, 1.0]),
        within_after=np.array([0.1, 0.0]),
    )


def policy(**changed: float) -> ScalingPolicy:
    base = ScalingPolicy(
        minimum=2,
        maximum=MAXIMUM,
        requests_per_s_per_replica=HOLDING,
        start_s=170.0,
        poll_s=30.0,
        window_s=60.0,
        scale_down_window_s=520.0,
    )
    return replace(base, **changed)  # type: ignore[arg-type]


def exact(*rates: float) -> DemandByMinute:
    """Minutes in which just those requests come that were asked for."""
    values = np.array(rates, dtype=np.float64)
    return DemandByMinute(values, values)


def day(peak: float = 2.0, mean: float = 16.0, seed: int = 0, burstiness: float = 1.0) -> DemandByMinute:
    return demand_by_minute(Demand(typical_profile(peak)), mean, burstiness=burstiness, seed=seed)


def met(run: ReplayedMinutes, demand: DemandByMinute) -> float:
    return float(run.within @ demand.requests_per_s / demand.requests_per_s.sum())


def test_a_flat_load_never_scales() -> None:
    run = replay(exact(*[16.0] * 600), loads(), policy())
    assert run.scale_ups == run.scale_downs == ()
    assert set(run.held) == set(run.ready) == {4.0}


def test_a_flat_load_stays_at_the_load_curve() -> None:
    """In flight is what the curve says of the rate, from the first minute to the last."""
    run = replay(exact(*[16.0] * 200), loads(), policy())
    expected = np.interp(4.0, loads().requests_per_s, loads().in_flight)
    assert run.in_flight == pytest.approx(expected, rel=0.01)


def test_a_rise_is_answered_one_reaction_later() -> None:
    """60 s of measuring, 30 s of waiting for the poll, 170 s of starting: 260 s, to the nearest minute."""
    run = replay(exact(*[8.0] * 60, *[24.0] * 60), loads(), policy())
    first = int(np.argmax(run.ready > 2))
    assert run.scale_ups[0] == 60
    assert (first - 60) * 60 == pytest.approx(260, abs=30)
    assert run.held[61] == 6
    assert run.ready[61] == 2


def test_a_cliff_faster_than_the_reaction_is_late() -> None:
    """While replicas start the load is beyond those that serve; a slow rise to the same load never is."""
    limit = float(np.interp(0.8 * 8, loads().requests_per_s, loads().in_flight))
    cliff = replay(exact(*[8.0] * 60, *[40.0] * 60), loads(), policy())
    slope = replay(exact(*np.linspace(8.0, 40.0, 600)), loads(), policy())
    assert ((cliff.in_flight > limit) & (cliff.ready < MAXIMUM)).sum() >= 4
    assert (slope.in_flight > limit).sum() == 0
    assert cliff.within.min() < slope.within.min() == 1.0


def test_what_is_not_served_is_carried_over() -> None:
    """Ten minutes at twice what the whole fleet completes leave a queue that takes as long to melt away."""
    most = float(loads().requests_per_s[-1])
    rates = [most] * 10 + [2 * most * MAXIMUM] * 10 + [0.5 * most * MAXIMUM] * 30
    run = replay(exact(*rates), loads(), policy(minimum=MAXIMUM))
    left = run.in_flight[19] - loads().in_flight[-1]
    assert left == pytest.approx(10 * 60 * most, rel=0.02)
    melted = np.argmax(run.in_flight[20:] < loads().in_flight[-1])
    assert melted == pytest.approx(20, abs=1)
    assert (run.within[12:38] == 0).all()


def test_a_replica_is_given_back_only_after_the_window() -> None:
    """A dip shorter than the scale-down window passes; a longer one takes the replicas at its end."""
    short = replay(exact(*[24.0] * 30, *[8.0] * 8, *[24.0] * 30), loads(), policy())
    assert short.scale_downs == ()
    long = replay(exact(*[24.0] * 30, *[8.0] * 60), loads(), policy())
    assert [minute - 30 for minute in long.scale_downs] == [pytest.approx(520 / 60, abs=1)]
    assert long.held[-1] == 2


def test_replicas_that_were_asked_for_in_vain_never_serve() -> None:
    """With a window of nothing, the ask of one loud minute is taken back before its replicas are there."""
    run = replay(exact(*[8.0] * 10, 30.0, *[8.0] * 20), loads(), policy(scale_down_window_s=0.0))
    assert run.held.max() == 8
    assert set(run.ready) == {2.0}


def test_a_load_that_swings_flaps_until_the_window_spans_it() -> None:
    """Quarters of an hour by turns high and low: nine minutes of patience flap at every turn, an hour's never."""
    turns = exact(*([24.0] * 15 + [8.0] * 15) * 12)
    assert replay(turns, loads(), policy()).flaps >= 10
    assert replay(turns, loads(), policy(scale_down_window_s=3600.0)).flaps == 0


def test_spares_are_held_on_top() -> None:
    run = replay(exact(*[16.0] * 60), loads(), policy(spares=2, minimum=4))
    assert set(run.held) == {6.0}


@settings(max_examples=draws(40))
@given(
    peak=st.floats(1.0, 8.0),
    mean=st.floats(1.0, 25.0),
    seed=st.integers(0, 1000),
    burstiness=st.floats(0.2, 5.0),
    minimum=st.integers(1, MAXIMUM - 1),
    guard=st.sampled_from([inf, 2.0, 10.0]),
)
def test_laws_of_every_replay(
    *, peak: float, mean: float, seed: int, burstiness: float, minimum: int, guard: float
) -> None:
    """Bounds, conservation, and that the whole fleet from the start is never worse than one that scales."""
    demand = day(peak, mean, seed, burstiness)
    rules = policy(minimum=minimum, queue_per_replica=guard)
    run = replay(demand, loads(), rules)
    assert ((run.ready <= run.held) & (run.held >= minimum) & (run.held <= MAXIMUM) & (run.ready >= 1)).all()
    assert ((run.within >= 0) & (run.within <= 1) & (run.in_flight >= 0)).all()
    # What came either was completed, at no more than saturation, or is still there.
    came = demand.requests_per_s * 60
    there = run.in_flight * run.ready
    completed = came[1:] - np.diff(there)
    assert (completed[1:] <= run.ready[2:] * 60 * loads().requests_per_s[-1] * (1 + 1e-9) + 1e-9).all()
    fixed = replay(demand, loads(), replace(rules, minimum=MAXIMUM))
    assert met(fixed, demand) >= met(run, demand) - 1e-9
    changes = np.flatnonzero(np.diff(run.held)) + 1
    assert set(changes) == {minute + 1 for minute in run.scale_ups + run.scale_downs if minute + 1 < len(demand)}
    # Looks that are not asked, since what they would ask for is known, change nothing.
    looks = by_the_minute(rules)
    asked_always = Controller(looks, looks.held_at(float(demand.requests_per_s[0])))
    again = replay(demand, loads(), rules, asked_always)
    assert all(np.array_equal(getattr(again, name), getattr(run, name)) for name in ("ready", "held", "in_flight"))


@pytest.mark.parametrize("seed", range(6))
def test_a_higher_minimum_never_worsens_the_share(seed: int) -> None:
    demand = day(4.0, 14.0, seed)
    shares = [met(replay(demand, loads(), policy(minimum=minimum)), demand) for minimum in range(1, MAXIMUM + 1)]
    assert all(later >= earlier - 1e-4 for earlier, later in pairwise(shares))
    assert shares[-1] == max(shares)


@settings(max_examples=draws(30))
@given(peak=st.floats(1.0, 30.0), burst=st.floats(1.0, 3.0), mean=st.floats(0.01, 1e4), seed=st.integers(0, 99))
def test_minutes_keep_the_mean_and_the_peak_minute(*, peak: float, burst: float, mean: float, seed: int) -> None:
    """The rates mean what was asked, and no minute lies further above its hour than the burst that was given."""
    shape = Demand(typical_profile(peak), burst)
    demand = demand_by_minute(shape, mean, seed=seed)
    assert len(demand) == 60 * len(shape.hourly)
    assert demand.requests_per_s.mean() == pytest.approx(mean)
    assert demand.requests_per_s.max() <= mean * peak * max(burst, WITHIN_HOUR) ** 2
    assert (demand.counted_per_s >= 0).all()


def test_counts_scatter_as_their_burstiness_says() -> None:
    """Variance over mean of the requests in a minute is the square of the gaps' CV."""
    shape = Demand((1.0,) * 168)
    for burstiness in (0.5, 1.0, 3.0):
        demand = demand_by_minute(shape, 20.0, burstiness=burstiness)
        off = (demand.counted_per_s - demand.requests_per_s) * 60
        assert (off**2).mean() / (60 * 20.0) == pytest.approx(burstiness**2, rel=0.1)


def test_seeds_differ_and_repeat() -> None:
    assert np.array_equal(day(seed=3).requests_per_s, day(seed=3).requests_per_s)
    assert not np.array_equal(day(seed=3).requests_per_s, day(seed=4).requests_per_s)


def test_the_peak_minute_lies_above_its_hour_as_it_does_on_public_traces() -> None:
    demand = demand_by_minute(Demand((1.0,) * 168), 10.0)
    hours = demand.requests_per_s.reshape(-1, 60)
    assert np.median(hours.max(axis=1) / hours.mean(axis=1)) == pytest.approx(WITHIN_HOUR, abs=0.04)
