"""Percentiles, their intervals, the timeline, and routing."""

import numpy as np
import pytest

from engine.simulation import open_loop, requests_of, simulate
from engine.simulation.routing import Routing, choices
from engine.simulation.statistics import BatchMeansEstimate, StreamedDistribution, distribution_of
from tests.engine.simulation.models import CHAT_INPUT, CHAT_OUTPUT, CHAT_SCHEDULER, WORKED_CASE


def test_a_streamed_distribution_equals_the_kept_one_to_a_bin() -> None:
    values = np.random.default_rng(1).lognormal(0.0, 1.0, 1_500_000)
    streamed = StreamedDistribution()
    for part in np.array_split(values, 37):
        streamed.add(part)
    kept, found = distribution_of(values), streamed.distribution()
    assert found.mean.value == pytest.approx(kept.mean.value)
    for name in ("p50", "p90", "p95", "p99"):
        assert getattr(found, name).value == pytest.approx(getattr(kept, name).value, rel=0.005)
        assert getattr(found, name).low is not None


def test_intervals_hold_what_they_promise() -> None:
    """Of 200 samples about 95 % of the intervals hold the true mean and p90; fewer than 85 % would be a fault."""
    random = np.random.default_rng(2)
    held = {"mean": 0, "p90": 0}
    for _ in range(200):
        found = distribution_of(random.exponential(1.0, 4_000))
        for name, truth in (("mean", 1.0), ("p90", np.log(10))):
            estimate: BatchMeansEstimate = getattr(found, name)
            assert estimate.low is not None and estimate.high is not None
            held[name] += estimate.low <= truth <= estimate.high
    assert all(170 <= count <= 199 for count in held.values())


def test_a_short_run_promises_no_interval() -> None:
    found = distribution_of(np.arange(1.0, 500.0))
    assert found.p50.low is not None
    assert found.p99.low is None
    assert np.isnan(distribution_of(np.zeros(0)).mean.value)


def test_the_timeline_counts_every_request_and_ends_empty() -> None:
    load = list(open_loop(9.0, 4_000, CHAT_INPUT, CHAT_OUTPUT, seed=3))
    result = simulate(WORKED_CASE, CHAT_SCHEDULER, load)
    line = result.timeline
    assert len(line.arrivals) <= 600 and line.interval_s == 1.0
    assert line.arrivals.sum() == 4_000
    assert line.output_tokens.sum() == result.output_tokens
    assert line.waiting[-1] == line.running[-1] == 0
    assert (line.waiting >= 0).all() and line.running.max() <= 256
    assert np.nanmax(line.ttft_p95_s) < 1.05 * float(result.requests.ttft_s.max())  # type: ignore[union-attr]


def test_a_long_timeline_stays_short() -> None:
    load = requests_of(np.arange(300) * 1000.0, np.full(300, 10), np.full(300, 10))
    line = simulate(WORKED_CASE, CHAT_SCHEDULER, load).timeline
    assert len(line.arrivals) <= 600 and line.arrivals.sum() == 300
    assert line.interval_s * len(line.arrivals) >= 299_000


def test_requests_that_can_never_fit_are_refused_and_counted() -> None:
    load = requests_of(np.arange(3.0), np.array([100, 500_000, 100]), np.array([5, 5, 5]))
    result = simulate(WORKED_CASE, CHAT_SCHEDULER, load)
    assert (result.completed, result.refused) == (2, 1)
    assert result.requests is not None and result.requests.number.tolist() == [0, 2]


@pytest.mark.parametrize("routing", ["round_robin", "random", "least_outstanding", "power_of_two", "prefix_affine"])
def test_every_routing_serves_everything(routing: Routing) -> None:
    load = open_loop(30.0, 1_500, CHAT_INPUT, CHAT_OUTPUT, seed=4)
    result = simulate(WORKED_CASE, CHAT_SCHEDULER, load, replicas=4, routing=routing, seed=1)
    assert result.completed == 1_500


def test_looking_at_replicas_beats_not_looking() -> None:
    """Least outstanding, two choices, then blind chance: the known order of tails."""

    def p95(routing: Routing) -> float:
        load = open_loop(34.0, 3_000, CHAT_INPUT, CHAT_OUTPUT, seed=4)
        return simulate(WORKED_CASE, CHAT_SCHEDULER, load, replicas=4, routing=routing, seed=1).ttft_s.p95.value

    assert p95("least_outstanding") < p95("power_of_two") < p95("random")


def test_prefixes_stay_together_and_two_choices_differ() -> None:
    random = np.random.default_rng(1)
    numbers, prefixes = np.arange(1000), np.arange(1000) % 50
    chosen, _ = choices("prefix_affine", 7, numbers, prefixes, random)
    assert all(len(set(chosen[prefixes == prefix].tolist())) == 1 for prefix in range(50))
    assert len(set(chosen.tolist())) == 7
    one, other = choices("power_of_two", 7, numbers, prefixes, random)
    assert (one != other).all() and set(one.tolist()) == set(other.tolist()) == set(range(7))
