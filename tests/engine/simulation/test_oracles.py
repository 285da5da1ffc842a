"""What theory says of simple systems, and what no system may break."""

from decimal import Decimal, localcontext
from math import exp, factorial, floor, log, log1p

import numpy as np
import pytest

from engine.simulation import StepModel, open_loop, queued, requests_of, simulate, step_model_of
from engine.simulation.columns import CONTEXT, DECODING, NEVER, RESERVED
from engine.simulation.compiled import PLAIN
from engine.simulation.fleet_state import FleetState
from engine.simulation.requests import Requests, chunks
from engine.simulation.simulate import Speed
from tests.engine.simulation.models import (
    CHAT_INPUT,
    CHAT_OUTPUT,
    CHAT_SCHEDULER,
    WORKED_CASE,
    candidate_70b_tp4,
    clockwork,
)
from tests.engine.simulation.scenarios import scenario, seeds
from tests.engine.simulation.stepping import step_seconds, step_through

# --- queues -----------------------------------------------------------------------------------------------------------


def spread_evenly(random: np.random.Generator, count: int) -> np.ndarray:
    """Uniform draws, one in each of ``count`` equal parts and in random order: a sample without sampling error."""
    return (random.permutation(count) + random.random(count)) / count


def queue(servers: int, load: float, count: int, steps: int, *, fixed: bool, seed: int) -> Requests:
    """Poisson arrivals at a share of saturation; service of one second on average, ``steps`` steps long."""
    random = np.random.default_rng(seed)
    gaps = -np.log1p(-spread_evenly(random, count)) / (servers * load)
    geometric = np.ceil(np.log1p(-spread_evenly(random, count)) / log1p(-1 / steps)).astype(np.int64)
    output = np.full(count, steps) if fixed else np.maximum(geometric, 1)
    return requests_of(np.cumsum(gaps), np.ones(count, dtype=np.int64), output)


def erlang_c(servers: int, erlangs: float) -> float:
    inverse_b = 1.0
    for server in range(1, servers + 1):
        inverse_b = 1.0 + inverse_b * server / erlangs
    blocked = 1.0 / inverse_b
    return blocked / (1 - erlangs / servers * (1 - blocked))


@pytest.mark.parametrize("load", [0.5, 0.8, 0.95])
@pytest.mark.parametrize("fixed", [False, True], ids=["M/M/1", "M/D/1"])
def test_one_server_waits_exactly_as_lindley_says(load: float, fixed: bool) -> None:
    """One seat never waits for anyone's step: W(n+1) = max(0, W(n) + S(n) − A(n))."""
    requests = queue(1, load, 5_000, 1_000, fixed=fixed, seed=1)
    result = simulate(clockwork(1e-3, 1), CHAT_SCHEDULER, requests)
    service = requests.output_tokens * 1e-3
    moves = np.concatenate([[0.0], service[:-1] - np.diff(requests.arrival_s)])
    walk = np.cumsum(moves)
    waits = walk - np.minimum.accumulate(walk)
    assert result.requests is not None
    assert np.abs(result.requests.wait_s - waits).max() < 1e-8


def waiting_beyond(servers: int, load: float, share: float, *, fixed: bool) -> float:
    """The wait that a share of requests exceeds in theory, in service times."""
    if not fixed:
        return log(erlang_c(servers, servers * load) / share) / (servers * (1 - load))
    # M/D/1: the first t with P(W > t) <= share, by halves.
    low, high = 0.0, 200.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if wait_of_md1(load, middle) > share else (low, middle)
    return high


def wait_of_md1(load: float, t: float) -> float:
    """P(W > t) of M/D/1 with a service time of 1 (Erlang 1909); its alternating sum needs many digits."""
    with localcontext() as context:
        context.prec = 120
        rho, total, term = Decimal(load), Decimal(0), Decimal(0)
        for k in range(floor(t) + 1):
            back = rho * (k - Decimal(t))
            term = back**k / factorial(k) * (-back).exp() if k else (-back).exp()
            total += term
        return float(1 - (1 - rho) * total)


def waits_over_theory(
    servers: int, load: float, count: int, steps: int, *, fixed: bool = False, seed: int = 0, speed: Speed = "auto"
) -> tuple[float, float]:
    """Return simulated over theoretical wait: mean and p99.

    Who finds a free seat beside running requests still waits for the end of their step, half of one on average.
    """
    requests = queue(servers, load, count, steps, fixed=fixed, seed=seed)
    result = simulate(
        clockwork(1 / steps, servers), CHAT_SCHEDULER, chunks(requests), first_counted=count // 20, speed=speed
    )
    busy = erlang_c(servers, servers * load)
    mean = busy / (servers * (1 - load)) * (0.5 if fixed else 1.0)
    p99 = waiting_beyond(servers, load, 0.01, fixed=fixed)
    half_step = 0.5 / steps * (1 - exp(-servers * load)) if servers > 1 else 0.0
    return (result.wait_s.mean.value - half_step) / mean, (result.wait_s.p99.value - half_step) / p99


def test_the_wait_behind_fixed_service_is_erlangs() -> None:
    """Its integral is the mean that Pollaczek and Khinchine give, and nobody waits with probability 1 − ρ."""
    assert 1 - wait_of_md1(0.8, 0.0) == pytest.approx(0.2)
    grid = np.linspace(0.0, 60.0, 6001)
    integral = np.trapezoid([wait_of_md1(0.8, float(t)) for t in grid[::10]], grid[::10])
    assert integral == pytest.approx(0.8 / (2 * (1 - 0.8)), rel=1e-3)


@pytest.mark.parametrize(("servers", "load", "fixed"), [(1, 0.5, False), (1, 0.5, True)])
def test_waits_are_those_of_theory(servers: int, load: float, fixed: bool) -> None:
    mean, p99 = waits_over_theory(servers, load, 60_000, 1_000, fixed=fixed, speed="plain")
    assert mean == pytest.approx(1.0, abs=0.03)
    assert p99 == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("load", [0.5, 0.8, 0.95])
@pytest.mark.parametrize(("servers", "fixed"), [(1, False), (1, True), (8, False)], ids=["M/M/1", "M/D/1", "M/M/8"])
def test_long_runs_wait_as_in_theory(servers: int, load: float, fixed: bool) -> None:
    """Waits at high load vary slowly: it takes millions of requests to know their mean to 1 %."""
    pytest.importorskip("numba", reason="millions of requests need the extra fast")
    mean, p99 = waits_over_theory(servers, load, 6_000_000, 5_000, fixed=fixed, speed="compiled")
    assert mean == pytest.approx(1.0, abs=0.03)
    assert p99 == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize(("load", "count"), [(0.8, 6_000_000), (0.95, 10_000_000)])
def test_64_servers_wait_as_in_theory(load: float, count: int) -> None:
    pytest.importorskip("numba", reason="millions of requests need the extra fast")
    mean, p99 = waits_over_theory(64, load, count, 20_000, speed="compiled")
    assert mean == pytest.approx(1.0, abs=0.03)
    assert p99 == pytest.approx(1.0, abs=0.03)


def test_at_half_load_nobody_waits_for_one_of_64_servers() -> None:
    """One arrival in fifty million does in theory; the others wait for the running step alone, half of one."""
    steps = 1_000
    requests = queue(64, 0.5, 20_000, steps, fixed=False, seed=0)
    result = simulate(clockwork(1 / steps, 64), CHAT_SCHEDULER, requests, first_counted=1_000)
    assert erlang_c(64, 32) < 1e-6
    assert result.wait_s.mean.value * steps == pytest.approx(0.5, abs=0.015)
    assert result.wait_s.p99.value * steps < 1.0


# --- a replica's two ends ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt", [1, 700, 8192, 20_000])
def test_alone_a_request_takes_its_own_prefill_and_steps(prompt: int) -> None:
    model = step_model_of(candidate_70b_tp4())
    result = simulate(model, CHAT_SCHEDULER, requests_of(np.array([5.0]), np.array([prompt]), np.array([10])))
    chunks_ = [(start, min(model.budget, prompt - start)) for start in range(0, prompt, model.budget)]
    prefill = sum(step_seconds(model, [], [chunk]) for chunk in chunks_)
    decode = sum(step_seconds(model, [prompt + j], []) for j in range(1, 10))
    assert result.ttft_s.mean.value == pytest.approx(model.overhead_s + prefill, abs=1e-12)
    assert result.e2e_s.mean.value == pytest.approx(model.overhead_s + prefill + decode, abs=1e-11)


def test_an_arrival_waits_for_the_step_that_runs() -> None:
    """Residual + prefill beside the one that decodes, exactly."""
    model = WORKED_CASE
    arrival = step_seconds(model, [], [(0, 100)]) + step_seconds(model, [101], []) * 1.25
    load = requests_of(np.array([0.0, arrival]), np.array([100, 50]), np.array([60, 1]))
    result = simulate(model, CHAT_SCHEDULER, load)
    end = step_seconds(model, [], [(0, 100)]) + sum(step_seconds(model, [100 + j], []) for j in (1, 2))
    assert result.requests is not None
    expected = end - arrival + step_seconds(model, [103], [(0, 50)])
    assert result.requests.ttft_s[1] == pytest.approx(expected, abs=1e-12)


def test_a_pipeline_delays_the_first_token_alone() -> None:
    """A lone prompt passes the stages one by one; its tokens then come no slower."""
    load = requests_of(np.array([0.0]), np.array([500]), np.array([20]))
    flat, piped = (
        simulate(StepModel([1, 5000], [0.01, 0.51], 2048, 8, pipeline=stages), CHAT_SCHEDULER, load)
        for stages in (1, 4)
    )
    assert piped.ttft_s.mean.value - flat.ttft_s.mean.value == pytest.approx(3 * 500 * 0.5 / 4999)
    assert piped.itl_s.mean.value == pytest.approx(flat.itl_s.mean.value)


def saturated(model: StepModel, count: int, seed: int) -> float:
    """Requests/s in the middle of a long queue."""
    result = simulate(model, CHAT_SCHEDULER, queued(count, CHAT_INPUT, CHAT_OUTPUT, seed=seed))
    assert result.requests is not None
    ends = np.sort(result.requests.e2e_s)
    first, last = count // 4, count * 4 // 5
    return (last - first) / float(ends[last] - ends[first])


def test_a_full_replica_serves_what_the_closed_form_says() -> None:
    """Formula 3 of the worked case, over the same lengths; spec-kit/methodology.md, "A replica at a load"."""
    load = queued(100_000, CHAT_INPUT, CHAT_OUTPUT, seed=1)
    prompt, output = load.input_tokens, load.output_tokens
    seats, budget = 256, 2048

    def base(tokens: np.ndarray | float) -> np.ndarray:
        return np.maximum(13.2e-3, 65e-6 * np.asarray(tokens)) + 3e-3

    full, rest = np.divmod(prompt, budget - seats)
    added = full * (base(budget) - base(seats)) + base(seats + rest) - base(seats) + 1.65e-9 * prompt**2.0 / 2
    decoded = (output - 1).mean()
    context = ((output - 1) * (prompt + output / 2)).mean() / decoded
    closed = 1 / (added.mean() + decoded * (base(seats) + 35e-9 * seats * context) / seats)
    assert saturated(WORKED_CASE, 6_000, seed=3) == pytest.approx(float(closed), rel=0.02)


def test_a_real_candidate_serves_what_the_engine_says() -> None:
    found = candidate_70b_tp4(batch_cap=256)
    closed = float(found.replicas().saturated_rate[0, 0])
    assert saturated(step_model_of(found), 6_000, seed=3) == pytest.approx(closed, rel=0.02)


# --- what no system may break -----------------------------------------------------------------------------------------


def test_littles_law_holds_of_what_the_loop_integrated() -> None:
    """∫ decoding requests, summed step by step, is the time that requests spend between first and last token."""
    load = list(open_loop(7.0, 3_000, CHAT_INPUT, CHAT_OUTPUT, seed=5))
    result = simulate(WORKED_CASE, CHAT_SCHEDULER, load)
    assert result.requests is not None and result.preemptions == 0
    decoding = float((result.requests.e2e_s - result.requests.ttft_s).sum())
    assert result.mean_batch * result.duration_s == pytest.approx(decoding, rel=1e-9)


@pytest.mark.parametrize("seed", range(0, 120, 5))
def test_littles_law_holds_of_what_another_simulator_integrated(seed: int) -> None:
    """N(t) of running requests, integrated by the one that takes every step, is λ·W of this one's times."""
    case = scenario(seed)
    result = simulate(case.model, case.policy, case.requests, replicas=case.replicas, routing=case.routing)
    _, steppers = step_through(case.model, case.policy, case.requests, case.replicas, case.routing)
    running = sum((to - since) * count for stepper in steppers for since, to, count, _ in stepper.held)
    times = result.requests
    assert times is not None
    if not result.preemptions:  # who is preempted waits again, and does not run meanwhile
        assert running == pytest.approx(float((times.e2e_s - times.wait_s).sum()), rel=1e-9, abs=1e-9)


def test_littles_law_holds_of_requests_counted_second_by_second() -> None:
    """The time average of N(t), waiting ones included, as the timeline counts it, is throughput × mean E2E."""
    load = list(open_loop(8.0, 4_000, CHAT_INPUT, CHAT_OUTPUT, seed=5))
    result = simulate(WORKED_CASE, CHAT_SCHEDULER, load)
    line = result.timeline
    seconds = len(line.arrivals) * line.interval_s
    average = float((line.waiting + line.running).sum()) * line.interval_s / seconds
    arrived = result.completed / seconds
    assert average == pytest.approx(arrived * result.e2e_s.mean.value, rel=0.01)


@pytest.mark.parametrize("seed", seeds(range(0, 120, 2)))
def test_nothing_is_lost_or_made(seed: int) -> None:
    """Requests, tokens, gaps and KV: everything that came in went out, and the replicas are empty."""
    case = scenario(seed)
    fleet = FleetState(case.model, case.policy, case.replicas, case.routing, 0, PLAIN)
    served = fleet.serve(case.requests, NEVER)
    result = simulate(case.model, case.policy, case.requests, replicas=case.replicas, routing=case.routing)
    assert sorted(served.number.tolist()) == list(range(len(case.requests)))
    assert result.output_tokens == case.requests.output_tokens.sum()
    assert fleet.token_gaps.sum() == (case.requests.output_tokens - 1).sum()
    cached = np.minimum(case.requests.cached_tokens, case.requests.input_tokens - 1)
    computed = int((case.requests.input_tokens - cached).sum())
    shared = case.requests.shared_tokens if case.policy.prefix_cache else np.zeros(1, dtype=np.int64)
    found = int(np.where(case.requests.input_tokens > shared, shared, 0).sum())
    assert result.prompt_tokens >= computed - found
    if not result.preemptions:
        assert result.prompt_tokens <= computed
        assert found or result.prompt_tokens == computed
    integers, _ = fleet.totals
    assert not integers[:, [CONTEXT, DECODING, RESERVED]].any()


@pytest.mark.parametrize("seed", seeds(range(0, 120, 2)))
def test_clocks_only_move_forward(seed: int) -> None:
    case = scenario(seed)
    result = simulate(case.model, case.policy, case.requests, replicas=case.replicas, routing=case.routing)
    times = result.requests
    assert times is not None
    assert (times.wait_s >= 0).all()
    assert (times.ttft_s > times.wait_s).all()
    assert (times.e2e_s >= times.ttft_s).all()
    assert ((times.e2e_s > times.ttft_s) == (times.output_tokens > 1)).all()


@pytest.mark.parametrize("rate", [6.0, 9.5])
def test_more_never_makes_it_worse(rate: float) -> None:
    """More replicas, faster steps, more KV: the same requests are done no later on average."""

    def mean_e2e(speed_up: float = 1.0, kv: float = 1.0, replicas: int = 1) -> float:
        model = StepModel(
            tokens=WORKED_CASE.tokens,
            seconds=[seconds / speed_up for seconds in WORKED_CASE.seconds],
            budget=2048,
            seats=256,
            kv_tokens=60_000 * kv,
            decode_context_s=[35e-9 / speed_up],
            prompt_context_s=[1.65e-9 / speed_up],
        )
        load = open_loop(rate, 1_500, CHAT_INPUT, CHAT_OUTPUT, seed=7)
        result = simulate(model, CHAT_SCHEDULER, load, replicas=replicas, routing="least_outstanding")
        return result.e2e_s.mean.value

    worst = mean_e2e()
    assert worst > mean_e2e(replicas=2) > mean_e2e(replicas=4)
    assert worst > mean_e2e(speed_up=1.1) > mean_e2e(speed_up=1.3)
    assert worst > mean_e2e(kv=1.3) >= mean_e2e(kv=2.0)
