"""The laws of a fleet that starts, drains, fails and is scaled, and cases small enough to reckon by hand."""

from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from catalogs.errors import InputError
from engine.scaling.controller import ScalingPolicy, fixed_policy
from engine.simulation import Requests, open_loop, requests_of, simulate
from engine.simulation.minutes import Change
from engine.simulation.over_time import FleetOverTime, simulate_over_time
from engine.simulation.requests import chunks
from engine.simulation.routing import Routing
from engine.simulation.simulate import Speed
from engine.simulation.tally import RequestTimes
from engine.workload import Target
from tests.engine.simulation.changing_stepping import step_through_changes
from tests.engine.simulation.models import CHAT_INPUT, CHAT_OUTPUT, CHAT_SCHEDULER, WORKED_CASE, clockwork
from tests.engine.simulation.scenarios import USUAL_SEEDS, scenario, seeds
from tests.engine.simulation.stepping import columns

ROUTINGS: tuple[Routing, ...] = ("round_robin", "random", "least_outstanding", "power_of_two", "prefix_affine")
SEEDS = (*range(20, 60), *range(20))
"""Of the upheavals; those that run always first, and hard enough."""


@dataclass(frozen=True)
class Upheaval:
    """A random small system whose fleet changes all the time."""

    policy: ScalingPolicy
    failures: tuple[float, ...]
    routing: Routing
    until_s: float


def upheaval(seed: int) -> Upheaval:
    draw, load = Random(seed), scenario(seed).requests
    span = float(load.arrival_s[-1]) + 1.0 if len(load) else 1.0
    return Upheaval(
        ScalingPolicy(
            minimum=draw.choice([1, 2]),
            maximum=draw.choice([3, 4, 5]),
            in_flight_per_replica=draw.choice([2, 5]),
            requests_per_s_per_replica=draw.choice([1, 10]),
            queue_per_replica=3,
            start_s=draw.choice([0, 0.5, 2, 5]),
            poll_s=0.3,
            window_s=draw.choice([0, 1]),
            scale_down_window_s=draw.choice([0, 0.5, 2]),
        ),
        tuple(draw.uniform(0, span) for _ in range(draw.choice([0, 1, 3]))),
        draw.choice(ROUTINGS),
        span,
    )


@cache
def run(seed: int, chunk: int | None = None, speed: Speed = "plain") -> FleetOverTime:
    case, changing = scenario(seed), upheaval(seed)
    return simulate_over_time(
        case.model,
        case.policy,
        case.requests if chunk is None else chunks(case.requests, chunk),
        changing.policy,
        until_s=changing.until_s,
        interval_s=0.7,
        accelerators=4,
        failures=changing.failures,
        routing=changing.routing,
        seed=seed,
        speed=speed,
    )


def times(found: FleetOverTime) -> RequestTimes:
    assert found.requests is not None
    return found.requests


def content(found: FleetOverTime) -> bytes:
    """Every figure of every request, change and minute."""
    parts = [getattr(times(found), name).tobytes() for name in RequestTimes.__struct_fields__]
    parts += [np.asarray(getattr(found.minutes, name)).tobytes() for name in found.minutes.__struct_fields__]
    return b"".join(parts) + repr(found.changes).encode()


def whats(found: FleetOverTime) -> list[tuple[float, str, int]]:
    return [(change.at_s, change.what, change.replica) for change in found.changes]


# --- a fleet that does not change -------------------------------------------------------------------------------------


@pytest.mark.parametrize("routing", ROUTINGS)
@pytest.mark.parametrize("replicas", [1, 3])
def test_a_fleet_that_may_not_scale_repeats_the_fixed_one_to_the_last_bit(routing: Routing, replicas: int) -> None:
    """Also where an autoscaler looks at it all the time and asks for no change."""

    def load() -> Requests:
        return next(open_loop(7.0 * replicas, 600, CHAT_INPUT, CHAT_OUTPUT, seed=3))

    fixed = simulate(WORKED_CASE, CHAT_SCHEDULER, load(), replicas=replicas, routing=routing, seed=5, speed="plain")
    assert fixed.requests is not None
    for policy in (fixed_policy(replicas), ScalingPolicy(replicas, replicas + 2, poll_s=1.7)):
        found = simulate_over_time(WORKED_CASE, CHAT_SCHEDULER, load(), policy, routing=routing, seed=5, speed="plain")
        for name in RequestTimes.__struct_fields__:
            assert getattr(times(found), name).tobytes() == getattr(fixed.requests, name).tobytes()
        assert (found.ttft_s, found.itl_s, found.e2e_s) == (fixed.ttft_s, fixed.itl_s, fixed.e2e_s)


@pytest.mark.parametrize("seed", range(0, 120, 3))
def test_looking_changes_nothing(seed: int) -> None:
    """Polls fall into steps, prompts and shortages, and leave every time as it was."""
    case = scenario(seed)
    policy = ScalingPolicy(case.replicas, case.replicas + 1, poll_s=0.37)
    fixed = simulate(case.model, case.policy, case.requests, replicas=case.replicas, routing=case.routing)
    found = simulate_over_time(case.model, case.policy, case.requests, policy, routing=case.routing)
    assert fixed.requests is not None
    assert times(found).e2e_s.tobytes() == fixed.requests.e2e_s.tobytes()
    assert times(found).wait_s.tobytes() == fixed.requests.wait_s.tobytes()


@pytest.mark.parametrize("seed", seeds(range(120)))
def test_a_changing_fleet_equals_one_that_takes_every_step(seed: int) -> None:
    """Every start, drain and failure, and each request's admission, first and last token, under every policy."""
    case, changing = scenario(seed), upheaval(seed)
    routing: Routing = "least_outstanding" if seed % 2 else "round_robin"
    more = {"failures": changing.failures, "until_s": changing.until_s, "routing": routing}
    jobs, happened = step_through_changes(case.model, case.policy, case.requests, changing.policy, **more)  # type: ignore[arg-type]
    found = simulate_over_time(case.model, case.policy, case.requests, changing.policy, **more)  # type: ignore[arg-type]
    assert [what for _, *what in whats(found)] == [what for _, *what in happened]
    assert [at for at, *_ in whats(found)] == pytest.approx([at for at, *_ in happened], abs=1e-9)
    served = times(found)
    theirs = columns(jobs)
    ours = [served.arrival_s + waited for waited in (served.wait_s, served.ttft_s, served.e2e_s)]
    assert np.abs(np.stack([*ours, served.preemptions], axis=1) - theirs).max(initial=0.0) < 1e-9


# --- laws -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", seeds(SEEDS))
def test_no_request_is_lost_or_served_twice(seed: int) -> None:
    """Across failures and drains: each number once, with the arrival and the tokens that it came with."""
    load, found = scenario(seed).requests, run(seed)
    served = times(found)
    assert served.number.tolist() == list(range(len(load)))
    assert (served.arrival_s == load.arrival_s).all()
    assert (served.input_tokens == load.input_tokens).all() and (served.output_tokens == load.output_tokens).all()
    assert found.completed == len(load) == int(found.minutes.requests.sum()) and not found.refused


@pytest.mark.parametrize("seed", seeds(SEEDS))
def test_time_does_not_run_backwards(seed: int) -> None:
    found = run(seed)
    served = times(found)
    assert (served.wait_s >= 0).all() and (served.wait_s < served.ttft_s).all()
    assert (served.ttft_s <= served.e2e_s + 1e-12).all()
    assert all(one.at_s <= other.at_s for one, other in pairwise(found.changes))


@pytest.mark.parametrize("seed", seeds(SEEDS))
def test_the_fleet_keeps_its_bounds(seed: int) -> None:
    """Draining replicas hold their accelerators, and count towards the maximum."""
    found, policy = run(seed), upheaval(seed).policy
    last: dict[float, Change] = {change.at_s: change for change in found.changes}
    for change in last.values():
        assert min(change.starting, change.serving, change.draining) >= 0
        assert change.starting + change.serving + change.draining <= policy.maximum
        assert change.starting + change.serving >= policy.minimum
    assert found.most_replicas <= policy.maximum


@pytest.mark.parametrize("seed", seeds(SEEDS))
def test_a_start_takes_exactly_its_time(seed: int) -> None:
    """Unless it is given up before."""
    changes, start_s = whats(run(seed)), upheaval(seed).policy.start_s
    for place, (at_s, what, replica) in enumerate(changes):
        if what == "start":
            after = next(change for change in changes[place + 1 :] if change[2] == replica)
            assert (after[1:] == ("serve", replica) and after[0] == at_s + start_s) or after[1] == "cancel"


@pytest.mark.parametrize("seed", seeds(SEEDS))
def test_accelerator_hours_are_the_integral_of_the_replicas(seed: int) -> None:
    found, until = run(seed), upheaval(seed).until_s
    minutes = found.minutes
    held = minutes.serving + minutes.starting + minutes.draining
    edges = np.minimum(np.arange(len(held) + 1) * minutes.interval_s, until)
    assert minutes.accelerator_hours == pytest.approx(held * np.diff(edges) * 4 / 3600)
    assert found.accelerator_hours == pytest.approx(float(minutes.accelerator_hours.sum()))
    by_hand = 0.0
    for one, other in pairwise([*found.changes, None]):
        end = until if other is None else min(other.at_s, until)
        by_hand += max(end - one.at_s, 0.0) * (one.starting + one.serving + one.draining)
    assert found.replica_hours * 3600 == pytest.approx(by_hand)


@pytest.mark.parametrize("seed", seeds(SEEDS))
def test_chunks_change_nothing(seed: int) -> None:
    assert content(run(seed, 1)) == content(run(seed, 7)) == content(run(seed))


def test_compiled_gives_the_same_bytes() -> None:
    pytest.importorskip("numba", reason="the extra fast is not installed")
    for seed in range(0, 60, 2):
        for size in (None, 7):
            assert content(run(seed, size, "compiled")) == content(run(seed, size)), (seed, size)


def test_the_upheavals_are_hard_enough() -> None:
    """Replicas start, drain, fail with requests in them and leave nobody to serve: else the laws prove little."""
    found = [run(seed) for seed in SEEDS[:USUAL_SEEDS]]
    seen = [change.what for one in found for change in one.changes]
    assert all(seen.count(what) >= 20 for what in ("start", "serve", "drain", "gone", "cancel", "fail"))
    assert sum(one.begun_anew for one in found) >= 200
    assert sum(one.fewest_replicas == 0 for one in found) >= 5


@pytest.mark.parametrize("seed", range(4))
def test_a_larger_minimum_never_misses_more(seed: int) -> None:
    """The same requests under a load that doubles every few minutes."""

    def misses(minimum: int) -> int:
        load = open_loop(10.0, 4000, CHAT_INPUT, CHAT_OUTPUT, seed=seed, hourly_profile=[0.5, 2.0])
        policy = ScalingPolicy(
            minimum, 6, requests_per_s_per_replica=6, in_flight_per_replica=60, start_s=120, poll_s=30, window_s=60
        )
        targets = (Target(metric="ttft", percentile="p95", seconds=0.5),)
        found = simulate_over_time(
            WORKED_CASE, CHAT_SCHEDULER, load, policy, targets=targets, routing="least_outstanding"
        )
        assert found.met == 4000 - int(found.minutes.misses.sum())
        return 4000 - found.met

    many = [misses(minimum) for minimum in (1, 2, 4, 6)]
    assert many == sorted(many, reverse=True)
    assert many[0] > many[-1]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    def found(seed: int) -> bytes:
        load = open_loop(12.0, 400, CHAT_INPUT, CHAT_OUTPUT, seed=seed)
        policy = ScalingPolicy(1, 4, requests_per_s_per_replica=6, poll_s=10, start_s=5)
        return content(simulate_over_time(WORKED_CASE, CHAT_SCHEDULER, load, policy, routing="random", seed=seed))

    assert found(1) == found(1) != found(2)


# --- reckoned by hand -------------------------------------------------------------------------------------------------


def evenly(*stretches: tuple[float, float, float]) -> np.ndarray:
    """Return arrivals at even distances: from, to, requests/s."""
    return np.concatenate([np.arange(round((to - since) * rate)) / rate + since for since, to, rate in stretches])


def short(arrivals: np.ndarray, output: int = 5) -> Requests:
    return requests_of(arrivals, np.ones(len(arrivals), dtype=np.int64), np.full(len(arrivals), output, dtype=np.int64))


def test_a_step_of_the_load_is_answered_when_reckoned() -> None:
    """From 1/s to 5/s at 600 s and back at 1,500 s; 2/s a replica, looked at every 30 s over a window of 60 s.

    At 630 s half of the window shows 5/s: 3/s, two replicas. At 660 s all of it: three. Each serves 100 s later. Of
    the way back the last ask for three, at 1,500 s, holds for 300 s: at 1,830 s two are enough, at 1,860 s one.
    """
    load = short(evenly((0, 600, 1), (600, 1500, 5), (1500, 2400, 1)))
    policy = ScalingPolicy(
        1, 5, requests_per_s_per_replica=2, start_s=100, poll_s=30, window_s=60, scale_down_window_s=300
    )
    found = simulate_over_time(clockwork(0.01, 64), CHAT_SCHEDULER, load, policy)
    assert whats(found) == [
        (0.0, "serve", 0),
        (630.0, "start", 1),
        (660.0, "start", 2),
        (730.0, "serve", 1),
        (760.0, "serve", 2),
        (1830.0, "drain", 2),
        (1830.0, "gone", 2),
        (1860.0, "drain", 1),
        (1860.0, "gone", 1),
    ]
    assert found.replica_hours * 3600 == pytest.approx(2400 + (1860 - 630) + (1830 - 660))
    assert found.minutes.starting[10:13] == pytest.approx([0.5, 2.0, 50 / 60])


def test_requests_in_flight_ask_for_replicas_as_a_rate_does() -> None:
    """Requests of 20 s, 1/s: 20 in flight. A target of 8 asks for 3 replicas once they are there.

    At the first look, at 15 s, 15 have arrived and are there: two. At 30 s there are 20: three.
    """
    load = short(evenly((0, 100, 1)), output=20)
    policy = ScalingPolicy(1, 5, in_flight_per_replica=8, start_s=40, poll_s=15, scale_down_window_s=1000)
    found = simulate_over_time(clockwork(1.0, 64), CHAT_SCHEDULER, load, policy)
    assert whats(found)[1:5] == [(15.0, "start", 1), (30.0, "start", 2), (55.0, "serve", 1), (70.0, "serve", 2)]


def test_a_queue_asks_where_neither_rate_nor_seats_do() -> None:
    """One seat of 10 s and a request a second: at 30 s three are done, one runs and the rest, 26, wait: 26/10."""
    load = short(evenly((0, 60, 1)), output=10)
    policy = ScalingPolicy(1, 9, queue_per_replica=10, start_s=1000, poll_s=30)
    found = simulate_over_time(clockwork(1.0, 1), CHAT_SCHEDULER, load, policy, until_s=31)
    assert whats(found)[1:] == [(30.0, "start", 1), (30.0, "start", 2), (1030.0, "serve", 1), (1030.0, "serve", 2)]


def test_spares_stand_on_top_of_what_is_asked_for() -> None:
    load = short(evenly((0, 300, 5)))
    policy = ScalingPolicy(1, 9, requests_per_s_per_replica=2, spares=2, poll_s=30)
    found = simulate_over_time(clockwork(0.01, 64), CHAT_SCHEDULER, load, policy)
    assert found.most_replicas == 5
    assert [change.what for change in found.changes].count("start") == 4


def test_a_failed_replicas_requests_begin_anew_on_the_others() -> None:
    """Steps of 1 s, answers of 10. The first is cut at 4.7 s, and begins again with the other's next step."""
    load = short(np.array([0.0, 0.5]), output=10)
    found = simulate_over_time(
        clockwork(1.0, 64), CHAT_SCHEDULER, load, fixed_policy(2, start_s=100), failures=[4.7], until_s=60
    )
    # The second request's replica works on from 0.5 s in steps of a second: the first joins it at 5.5 s.
    assert times(found).ttft_s.tolist() == [6.5, 1.0]
    assert times(found).e2e_s.tolist() == [15.5, 10.0]
    assert found.begun_anew == 1
    assert whats(found)[2:] == [(4.7, "fail", 0), (4.7, "start", 0), (104.7, "serve", 0)]
    assert found.replica_hours * 3600 == pytest.approx(2 * 60)


def test_where_nobody_serves_requests_wait_for_the_replacement() -> None:
    """The only replica fails at 5 s and is replaced at 8 s: who it held, and who came meanwhile, begin then."""
    load = short(np.array([0.0, 6.0]), output=10)
    found = simulate_over_time(
        clockwork(1.0, 64), CHAT_SCHEDULER, load, fixed_policy(1, start_s=3), failures=[5.0], until_s=60
    )
    assert times(found).arrival_s.tolist() == [0.0, 6.0]
    assert times(found).wait_s.tolist() == [8.0, 2.0]
    assert times(found).ttft_s.tolist() == [9.0, 3.0]
    assert times(found).e2e_s.tolist() == [18.0, 12.0]
    assert found.fewest_replicas == 0


def test_a_step_that_a_failure_cuts_short_has_finished_nobody() -> None:
    """The answer's last token would have come with the step that ends at 10 s."""
    load = short(np.array([0.0]), output=10)
    policy = fixed_policy(1, start_s=2)
    cut = simulate_over_time(clockwork(1.0, 64), CHAT_SCHEDULER, load, policy, failures=[9.9], until_s=60)
    done = simulate_over_time(clockwork(1.0, 64), CHAT_SCHEDULER, load, policy, failures=[10.0], until_s=60)
    assert (cut.begun_anew, float(times(cut).e2e_s[0])) == (1, pytest.approx(21.9))
    assert (done.begun_anew, float(times(done).e2e_s[0])) == (0, 10.0)


def test_a_draining_replica_finishes_what_it_holds_and_takes_no_more() -> None:
    """Two answers of 100 s, one on each replica; at 20 s one replica is enough, and the younger drains to 101 s."""
    load = short(np.concatenate([[0.0, 1.0], evenly((30, 60, 1))]), output=100)
    policy = ScalingPolicy(1, 2, poll_s=10, scale_down_window_s=15)
    found = simulate_over_time(clockwork(1.0, 64), CHAT_SCHEDULER, load, policy, initial=2, until_s=300)
    assert whats(found)[2:] == [(20.0, "drain", 1), (101.0, "gone", 1)]
    assert times(found).e2e_s[:2].tolist() == [100.0, 100.0]
    assert found.replica_hours * 3600 == pytest.approx(300 + 101)
    assert found.minutes.draining[:2] == pytest.approx([40 / 60, 41 / 60])


def test_a_place_that_drains_is_not_given_again() -> None:
    """The maximum is what the cluster holds: a new replica waits until the old one's accelerators are free."""
    load = short(np.concatenate([[0.0, 1.0], evenly((40, 200, 5))]), output=100)
    policy = ScalingPolicy(1, 2, requests_per_s_per_replica=2, poll_s=10, scale_down_window_s=15)
    found = simulate_over_time(clockwork(1.0, 4096), CHAT_SCHEDULER, load, policy, initial=2, until_s=200)
    assert whats(found)[2:] == [(20.0, "drain", 1), (101.0, "gone", 1), (110.0, "start", 1), (110.0, "serve", 1)]


# --- what is told, and what is refused --------------------------------------------------------------------------------


def test_minutes_tell_of_requests_by_their_arrival() -> None:
    """61 requests of 5 steps of 10 s, the first ten too many for two seats: some wait, and those miss."""
    load = short(evenly((0, 10, 1), (60, 70, 0.1)), output=5)
    targets = (
        Target(metric="ttft", percentile="p50", seconds=15.0),
        Target(metric="e2e", percentile="p99", seconds=60),
    )
    found = simulate_over_time(clockwork(10.0, 2), CHAT_SCHEDULER, load, fixed_policy(1), targets=targets, until_s=600)
    minutes = found.minutes
    assert minutes.requests.tolist() == [10, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    served = times(found)
    late = (served.ttft_s > 15) | (served.e2e_s > 60)
    assert minutes.misses.tolist()[:2] == [int(late[:10].sum()), int(late[10])]
    assert found.met == 11 - int(late.sum())
    for minute in range(10):
        end = 60.0 * (minute + 1)
        arrived = served.arrival_s < end
        assert minutes.queue[minute] == int((arrived & (served.arrival_s + served.wait_s >= end)).sum())
    assert minutes.ttft_p50_s[1] == pytest.approx(float(served.ttft_s[10]), rel=0.02)
    assert np.isnan(minutes.ttft_p95_s[2:]).all()


def test_intervals_grow_with_the_load(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory stays bounded: of a load of a thousand seconds twenty intervals of a second grow to 64 s each."""
    load = short(evenly((0, 1000, 1)))
    fine = simulate_over_time(clockwork(0.1, 8), CHAT_SCHEDULER, chunks(load, 50), fixed_policy(2), interval_s=1.0)
    monkeypatch.setattr("engine.simulation.minutes.MOST", 20)
    found = simulate_over_time(clockwork(0.1, 8), CHAT_SCHEDULER, chunks(load, 50), fixed_policy(2), interval_s=1.0)
    assert found.minutes.interval_s == 64.0
    sums = np.add.reduceat(fine.minutes.requests, np.arange(0, len(fine.minutes.requests), 64))
    assert found.minutes.requests.tolist() == sums.tolist()
    assert found.minutes.ttft_p95_s == pytest.approx(np.full(16, 0.1), rel=0.02)
    assert found.replica_hours == pytest.approx(fine.replica_hours)


def test_what_arrives_after_the_end_is_left_out() -> None:
    load = short(evenly((0, 100, 1)))
    found = simulate_over_time(clockwork(0.1, 8), CHAT_SCHEDULER, load, fixed_policy(1), until_s=50)
    assert found.completed == 50
    assert found.replica_hours * 3600 == pytest.approx(50)


def test_a_time_without_requests_is_told_too() -> None:
    """The autoscaler shrinks the fleet that nobody uses."""
    nothing = short(np.zeros(0))
    policy = ScalingPolicy(1, 3, poll_s=30, scale_down_window_s=300)
    found = simulate_over_time(clockwork(0.1, 8), CHAT_SCHEDULER, nothing, policy, initial=3, until_s=600)
    assert found.completed == 0
    # The size at the start counts as an ask, for 300 s.
    assert [change for change in whats(found) if change[1] == "drain"] == [(330.0, "drain", 2), (330.0, "drain", 1)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"initial": 4}, "4 replicas at the start"),
        ({"until_s": -1.0}, "the end is -1 s"),
        ({"interval_s": 0.0}, "the interval is 0 s"),
        ({"failures": [-3.0]}, "a failure at -3 s"),
        ({"failures": [99.0], "until_s": 50.0}, "a failure at 99 s"),
    ],
)
def test_what_is_no_fleet_over_time_is_refused(options: dict[str, object], said: str) -> None:
    load = short(evenly((0, 10, 1)))
    with pytest.raises(InputError, match=said):
        simulate_over_time(clockwork(0.1, 8), CHAT_SCHEDULER, load, ScalingPolicy(1, 3), **options)  # type: ignore[arg-type]
