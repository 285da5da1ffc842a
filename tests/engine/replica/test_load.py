"""One replica under load: the worked case against its formulas, a simulation and the laws of queues."""

import itertools
from collections.abc import Iterator
from functools import partial
from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.fleet.candidates import candidates
from engine.replica.batches import (
    batch_at_rate,
    batch_in_flight,
    capacity_batch,
    capacity_batches,
    largest_batches,
    missed_most,
)
from engine.replica.latencies import mean_latency, meets, percentile_latency, share_beyond
from engine.replica.load import Replicas
from engine.workload import PERCENTILE_SHARES, Metric, Target
from tests.draws import draws
from tests.engine.asked import SCHEDULER, lengths, question, worked_case

WORKED = worked_case()
SATURATED = float(WORKED.saturated_rate[0, 0])
METRICS: tuple[Metric, ...] = ("ttft", "itl", "e2e")


def quantiles(mean: float, cv: float, count: int) -> np.ndarray:
    """A lognormal as equally likely values."""
    sigma = sqrt(log(1 + cv * cv))
    at = [NormalDist().inv_cdf((i + 0.5) / count) for i in range(count)]
    return np.array([mean * exp(sigma * z - sigma**2 / 2) for z in at])


def step_seconds(tokens: np.ndarray | float) -> np.ndarray:
    return np.maximum(13.2e-3, 65e-6 * np.asarray(tokens)) + 3e-3


def test_the_worked_case_saturates_where_its_formula_says() -> None:
    """λmax = 1/(ΔP(k) + D·(T[k] + c_d·k·c̄)/k), summed over 20,000 quantiles of each length."""
    seats, budget = 256, 2048
    prompt, output = quantiles(1000, 0.8, 20_000), np.maximum(quantiles(250, 0.8, 20_000), 1)
    decoded = (output - 1).mean()
    context = ((output - 1) * (prompt.mean() + output / 2)).mean() / decoded
    full, rest = np.divmod(prompt, budget - seats)
    base, most = float(step_seconds(seats)), float(step_seconds(budget))
    prefill = (full * (most - base) + step_seconds(seats + rest) - base).mean() + 1.65e-9 * (prompt**2).mean() / 2
    by_hand = 1 / (prefill + decoded * (base + 35e-9 * seats * context) / seats)
    assert pytest.approx(by_hand, rel=0.005) == SATURATED


def drawn(mean: float, cv: float, count: int, random: np.random.Generator) -> np.ndarray:
    """Lognormal lengths in random order, of which every hundred in a row have the mean."""
    block = np.maximum(quantiles(mean, cv, 100).round(), 1)
    return np.concatenate([random.permutation(block) for _ in range(count // 100)])


def simulated_saturation(prompt: float, output: float, cv: float, seats: int, requests: int) -> float:
    """Continuous batching step by step with a queue that never ends: chunked prompts fill what decoding leaves."""
    random = np.random.default_rng(1)
    prompts, outputs = (drawn(mean, cv, requests + 5000, random) for mean in (prompt, output))
    left, context = np.zeros(0), np.zeros(0)
    head, start, clock, done, begun, before = 0, 0.0, 0.0, 0, 0.0, 0
    while done < requests:
        room, mixed, first = 2048.0 - len(left), 0.0, head
        while room > 0 and len(left) + head - first < seats:
            chunk = min(room, prompts[head] - start)
            mixed += chunk * (start + chunk / 2)
            room, start = room - chunk, start + chunk
            if start < prompts[head]:
                break
            head, start = head + 1, 0.0
        clock += float(step_seconds(2048 - room)) + 35e-9 * context.sum() + 1.65e-9 * mixed
        left = np.append(left - 1, outputs[first:head] - 1)
        context = np.append(context + 1, prompts[first:head] + 1)
        done += int((left <= 0).sum())
        left, context = left[left > 0], context[left > 0]
        if not begun and done >= requests // 4:  # the seats have filled and their ages are mixed
            begun, before = clock, done
    return (done - before) / (clock - begun)


@pytest.mark.parametrize(
    ("prompt", "output", "cv", "seats", "requests"),
    [
        (1000, 250, 0.8, 256, 3000),  # the worked case
        (1000, 250, 0.8, 16, 400),
        (6000, 200, 0.8, 256, 1500),  # prompts of several steps
        (500, 2, 0.5, 256, 4000),  # classification: many prompts share a step, few requests decode
        (100, 5, 0.5, 256, 4000),
        (100, 50, 0.8, 256, 3000),
        (2000, 20, 0.8, 256, 1500),
    ],
)
def test_saturation_is_where_a_simulation_finds_it(
    prompt: float, output: float, cv: float, seats: int, requests: int
) -> None:
    """Within 2 %."""
    formula = float(worked_case(prompt, output, cv, seats).saturated_rate[0, 0])
    assert formula == pytest.approx(simulated_saturation(prompt, output, cv, seats, requests), rel=0.02)


def test_a_batch_and_its_rate_are_each_other_s_inverse() -> None:
    for share in (1e-6, 1e-3, 0.1, 0.5, 0.85, 0.99):
        batch = batch_at_rate(WORKED, np.array([share * SATURATED]))
        assert WORKED.at(batch).requests_per_s[0, 0] == pytest.approx(share * SATURATED, rel=2e-4)


def test_a_rate_beyond_saturation_has_no_batch() -> None:
    assert np.isnan(batch_at_rate(WORKED, np.array([1.01 * SATURATED]))).all()


def test_the_rate_rises_with_the_batch_up_to_its_crest() -> None:
    batches = np.geomspace(1e-4, 1, 200)[None, :] * WORKED.saturated_batch
    rates = WORKED.at(batches).requests_per_s[0]
    # Where a prompt comes to need one step more, the rate dips a little.
    assert (rates[1:] >= 0.995 * rates[:-1]).all()
    assert rates.max() <= SATURATED * 1.001


def test_the_batch_is_the_rate_times_the_time_in_it() -> None:
    """Little's law for the decoding requests: B = λ·D·ITL, where the batch does not wander."""
    load = WORKED.at(np.array([[0.5, 5.0, 50.0, 200.0]]))
    decoding = load.requests_per_s * WORKED.lengths.decoded * load.itl_s
    assert decoding / load.wander == pytest.approx(load.batch, rel=1e-9)
    assert (decoding <= 256).all()


def test_in_flight_is_the_rate_times_e2e() -> None:
    """Little's law for all requests: the batch found for some clients has as many in flight."""
    for clients in (0.01, 1.0, 20.0, 150.0):
        load = WORKED.at(batch_in_flight(WORKED, np.array([clients])))
        assert load.requests_per_s[0, 0] * mean_latency(load, "e2e")[0, 0] == pytest.approx(clients, rel=1e-3)


def test_more_clients_than_there_is_time_for_saturate() -> None:
    assert batch_in_flight(WORKED, np.array([1e9]))[0, 0] == pytest.approx(float(WORKED.saturated_batch[0, 0]))


def test_alone_a_request_feels_its_own_prefill_and_bare_steps() -> None:
    """TTFT 16.2 ms and more by the prompt's length; ITL the 16.2 ms of a step and the KV read of one sequence."""
    load = WORKED.at(np.array([[1e-7]]))
    context = WORKED.lengths.decode_context(float("inf"))
    assert mean_latency(load, "itl")[0, 0] == pytest.approx(16.2e-3 + 35e-9 * context, rel=1e-6)
    # P mean 1,000: the step of a prompt costs 65 µs a token above 203 tokens, and attends to itself.
    lowest, highest = 16.2e-3, 3e-3 * 2 + 65e-6 * 1000 + 1.65e-9 * 1.64e6 / 2 + 10e-3
    assert lowest < mean_latency(load, "ttft")[0, 0] < highest


def test_e2e_is_ttft_and_the_decoded_tokens() -> None:
    load = WORKED.at(np.array([[40.0]]))
    answer = WORKED.lengths.decoded * load.itl_s + load.stall.seconds
    assert mean_latency(load, "e2e") == pytest.approx(mean_latency(load, "ttft") + answer)
    # What prompts add at an answer's begin weighs most in the ITL of short ones.
    assert (answer < WORKED.lengths.decoded * mean_latency(load, "itl")).all()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 0.99])
def test_a_percentile_is_where_so_few_exceed_it(metric: Metric, share: float) -> None:
    load = WORKED.at(batch_at_rate(WORKED, np.array([share * SATURATED])))
    found = [float(percentile_latency(load, metric, q)[0, 0]) for q in PERCENTILE_SHARES.values()]
    assert found == sorted(found)
    for wanted, seconds in zip(PERCENTILE_SHARES.values(), found, strict=True):
        before, after = (share_beyond(load, metric, np.array([[seconds * f]]))[0, 0] for f in (0.98, 1.02))
        assert after - 1e-9 <= 1 - wanted <= before + 1e-9


def test_the_percentiles_of_a_rare_long_wait_are_found() -> None:
    """One seat, nearly full: half of the requests wait a hundred times as long as those that find it free."""
    replicas = worked_case(prompt=10, output=250, seats=1.0)
    load = replicas.at(batch_at_rate(replicas, np.array([0.99 * float(replicas.saturated_rate[0, 0])])))
    p99 = float(percentile_latency(load, "ttft", 0.99)[0, 0])
    assert share_beyond(load, "ttft", np.array([[p99]]))[0, 0] == pytest.approx(0.01, rel=0.05)


@pytest.mark.parametrize("metric", METRICS)
def test_a_survival_function_falls_from_one_to_nothing(metric: Metric) -> None:
    load = WORKED.at(np.array([[60.0]]))
    times = np.concatenate([[1e-9], np.geomspace(1e-4, 1e4, 300)])
    above = np.array([float(share_beyond(load, metric, np.array([[t]]))[0, 0]) for t in times])
    assert above[0] == pytest.approx(1, abs=1e-6)
    assert above[-1] < 1e-9
    assert (np.diff(above) <= 1e-9).all()


@pytest.mark.parametrize("metric", METRICS)
def test_latency_rises_with_load(metric: Metric) -> None:
    rates = np.array([0.1, 0.3, 0.5, 0.7, 0.85, 0.95]) * SATURATED
    load = WORKED.at(batch_at_rate(WORKED, rates[None, :]))
    for values in (mean_latency(load, metric), percentile_latency(load, metric, 0.95)):
        assert (np.diff(values[0]) > 0).all()


TARGETS = [
    Target(metric="ttft", percentile="p95", seconds=0.5),
    Target(metric="ttft", percentile="p99", seconds=1.0),
    Target(metric="itl", percentile="mean", seconds=0.03),
    Target(metric="itl", percentile="p95", seconds=0.04),
    Target(metric="e2e", percentile="p50", seconds=5.0),
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.metric}-{t.percentile}")
def test_capacity_meets_its_target_and_one_percent_more_does_not(target: Target) -> None:
    batch = capacity_batch(WORKED, (target,), 1.0)
    rate = WORKED.at(batch).requests_per_s
    assert meets(WORKED.at(batch), target).all()
    assert 0.05 * SATURATED < rate[0, 0] < 0.999 * SATURATED
    more = batch_at_rate(WORKED, 1.01 * rate[:, 0])
    assert not meets(WORKED.at(more), target).any()


def test_limits_are_found_alike_from_nothing_and_from_loads_that_are_known() -> None:
    """To one position, 0.02 % of the batch, whether or not the known loads reach as far as the limits."""
    groups = tuple((target,) for target in TARGETS)
    found = capacity_batches(WORKED, groups, 1.0)
    for highest in (1.0, 0.9 * float(found.min() / WORKED.saturated_batch[0, 0])):
        known = WORKED.at(np.geomspace(WORKED.smallest_batch[0], highest * WORKED.saturated_batch[0], 40).T)
        again, _ = largest_batches(WORKED, [partial(missed_most, targets=group) for group in groups], 1.0, known)
        assert np.allclose(again, found, rtol=1e-4)
    for at, target in enumerate(TARGETS):
        assert meets(WORKED.at(found[:, at : at + 1]), target).all()
        assert not meets(WORKED.at(found[:, at : at + 1] * 1.0002), target).any()


def test_capacity_meets_all_targets_and_the_tightest_binds() -> None:
    each = [float(capacity_batch(WORKED, (target,), 1.0)[0, 0]) for target in TARGETS]
    assert float(capacity_batch(WORKED, TARGETS, 1.0)[0, 0]) == pytest.approx(min(each), rel=0.005)


@pytest.mark.parametrize("ceiling", [1e-5, 0.1, 0.85, 1.0])
def test_without_targets_the_ceiling_is_the_capacity(ceiling: float) -> None:
    rate = WORKED.at(capacity_batch(WORKED, (), ceiling)).requests_per_s[0, 0]
    assert rate == pytest.approx(ceiling * SATURATED, rel=1e-3)


@pytest.mark.parametrize("seats", [12, 256])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 3.0, 40.0])
def test_what_replicas_carry_on_their_own_is_taken_only_where_a_router_changes_nothing(
    seats: int, share: float
) -> None:
    alone = worked_case(seats=seats)
    routed = replace(alone, shared_rate=share * float(alone.saturated_rate[0, 0]))
    tight = tuple((replace(target, seconds=target.seconds / 2),) for target in TARGETS)
    for groups, ceiling in itertools.product(((TARGETS,), tight), (0.85, 1.0)):
        limits = [partial(missed_most, targets=targets) for targets in groups]
        assert np.array_equal(
            capacity_batches(routed, groups, ceiling), largest_batches(routed, limits, ceiling)[0], equal_nan=True
        )


def test_a_target_below_the_floor_has_no_capacity() -> None:
    """A step takes 16.2 ms whatever the batch."""
    assert np.isnan(capacity_batch(WORKED, (Target(metric="itl", percentile="mean", seconds=0.016),), 0.85)).all()


def test_more_seats_carry_more() -> None:
    rates = [float(worked_case(seats=seats).saturated_rate[0, 0]) for seats in (1, 4, 16, 64, 256)]
    assert all(few < many for few, many in itertools.pairwise(rates))


def test_longer_prompts_and_longer_answers_carry_less() -> None:
    assert float(worked_case(prompt=2000).saturated_rate[0, 0]) < SATURATED
    assert float(worked_case(output=500).saturated_rate[0, 0]) < SATURATED


def test_a_batch_larger_than_the_budget_still_costs_time() -> None:
    """Every second that a prompt adds is positive, even where decoding alone would fill the step."""
    crowded = worked_case(seats=4000)
    assert (crowded.costs.prompt_seconds(crowded.costs.at(np.array([[1.0, 2048.0, 4000.0]]))) > 0).all()
    assert 0 < float(crowded.saturated_rate[0, 0]) < float("inf")


@pytest.mark.parametrize(("prompt", "output", "batch"), [(200, 60, 80.0), (200, 12, 36.0), (60, 12, 80.0)])
def test_prompts_that_come_while_others_run_run_next(prompt: float, output: float, batch: float) -> None:
    """Where prompts run apart: the rate that brings B/D for each step that decodes, and steps that carry them."""
    costs = worked_case(prompt, output, scheduler=replace(SCHEDULER, mixed=False)).costs
    steps, _ = costs.opened(np.array([[batch]]))
    rate, tau = float(costs.rate_at(np.array([[batch]]))[0, 0]), float(steps.decoding[0, 0])
    lengths, reached = costs.lengths, costs.lengths.prompt.weights.cumsum()

    def walked(rate: float, count: int = 4000) -> tuple[float, float]:
        """Prompts for each decoding step, and steps that carry any over prompts, from step to step."""
        random, carrying, came = np.random.default_rng(5), 0, 0
        for _ in range(count):
            length = tau
            while others := random.poisson(rate * length):
                tokens = lengths.computed[reached.searchsorted(random.random(others))]
                carrying, came = carrying + 1, came + others
                length = float(step_seconds(tokens.sum())) + 1.65e-9 * (tokens**2).sum() / 2
        return came / count, carrying / came

    (fewer, _), (_, head), (more, _) = (walked(rate * times) for times in (0.96, 1.0, 1.04))
    assert fewer < batch / costs.decoded < more
    assert float(steps.head[0, 0]) == pytest.approx(head, rel=0.04)
    assert costs.rate_at(costs.seats) == pytest.approx(replace(costs, seats=None).rate_at(costs.seats)), "none is free"
    alone, few, many = (replace(costs, pool=np.array([[n]])).opened(steps.batch)[0].head for n in (1.0, 4.0, 1e9))
    assert alone == steps.head > few > many == pytest.approx((steps.head + costs.at(steps.batch).head) / 2)


def test_few_answers_that_meet_a_prompt_have_the_mean() -> None:
    """ITL of hardly any load: the area under its survival function is its mean, however rarely a step is longer."""
    load = worked_case(prompt=12_000, output=20).at(np.array([[0.2]]))
    times = np.concatenate([[0.0], np.geomspace(1e-4, 50, 4000)])
    above = np.array([float(share_beyond(load, "itl", time)[0, 0]) for time in times])
    assert np.trapezoid(above, times) == pytest.approx(float(mean_latency(load, "itl")[0, 0]), rel=0.02)


def mixes() -> Iterator[tuple[str, Replicas]]:
    for runtime in ("vllm", "sglang", "tensorrt-llm", "llama.cpp"):
        for model in ("llama-3.1-8b", "qwen3-30b-a3b", "gpt-oss-20b"):
            values = {"model": model, "precision.weights": None, "serving.runtime": runtime}
            found, _ = candidates(question(values))
            yield f"{runtime} {model}", found.replicas()


@pytest.mark.parametrize(("name", "replicas"), list(mixes()), ids=lambda value: value if isinstance(value, str) else "")
def test_real_candidates_obey_little_s_law_and_their_ceiling(name: str, replicas: Replicas) -> None:
    load = replicas.at(capacity_batch(replicas, (), 0.85))
    assert load.requests_per_s == pytest.approx(0.85 * replicas.saturated_rate, rel=0.01), name
    decoding = load.requests_per_s * replicas.lengths.decoded * load.itl_s
    assert decoding / load.wander == pytest.approx(load.batch, rel=1e-9)
    waits = load.waits.mean[..., 0]
    assert (waits >= 0).all()
    assert (mean_latency(load, "ttft") > waits).all()


@settings(max_examples=draws(60), deadline=None)
@given(
    prompt=st.floats(1, 3e4),
    output=st.floats(1, 5e3),
    cv=st.floats(0, 2),
    seats=st.floats(1, 2000),
    share=st.floats(1e-4, 0.98),
    more=st.floats(1.01, 1.5),
)
def test_a_busier_replica_is_never_faster(
    prompt: float, output: float, cv: float, seats: float, share: float, more: float
) -> None:
    replicas = worked_case(prompt, output, cv, seats)
    saturated = float(replicas.saturated_rate[0, 0])
    rates = np.array([share, min(share * more, 0.985)]) * saturated
    load = replicas.at(batch_at_rate(replicas, rates[None, :]))
    for metric in METRICS:
        for values in (mean_latency(load, metric), percentile_latency(load, metric, 0.95)):
            assert np.isfinite(values).all()
            assert 0 < values[0, 0] <= values[0, 1] * 1.01


def test_prefix_hits_spare_work() -> None:
    plain, hit = lengths(1000, 250), lengths(1000, 250, hit=0.5)
    assert hit.computed_mean == pytest.approx(0.5 * plain.prompt.mean)
    assert hit.prompt.mean == plain.prompt.mean


@pytest.mark.parametrize("cv", [1.0, 2.0])
def test_a_larger_fleet_changes_a_load_only_where_arrivals_clump(cv: float) -> None:
    """What no rate changes is kept for Poisson arrivals by this: the fleet counts as at most ROUTED_TOGETHER."""
    replicas = replace(WORKED, arrival_cv=cv)
    batch = 0.7 * replicas.saturated_batch
    few, many = (replicas.in_fleet(np.array([[count]])).at(batch) for count in (4.0, 40.0))
    assert bool((few.waits.mean == many.waits.mean).all()) is (cv == 1.0)
    again = replicas.in_fleet(np.array([[4.0]])).at_again(batch)
    for metric in ("ttft", "itl", "e2e"):
        assert mean_latency(again, metric) == mean_latency(few, metric)
