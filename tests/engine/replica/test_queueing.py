"""Waiting: against Erlang's own sum and the queues whose answers are in every textbook, and as distributions."""

from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.arrays import Floats
from engine.replica.batches import batch_at_rate
from engine.replica.prefills import Gate, Prefills, gate, pace_variance, response, stall
from engine.replica.queueing import Waits, backlog, normal_tail, wait_probability
from tests.draws import draws
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


@settings(max_examples=draws(100), deadline=None)
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


def waits(step: float, beside: float, behind: float, square: float, seat_busy: float, seat_wait: float) -> Waits:
    return Waits(*(np.array([value]) for value in (step, beside, behind, square, seat_busy, seat_wait)))


@pytest.mark.parametrize("cv", [0.3, 0.8, 1.0, 1.6])
def test_the_distribution_has_the_mean_and_the_variance(cv: float) -> None:
    found = waits(0.2, 0.5, 0.3, 1 + cv * cv, 0.0, 1.0)
    times = np.linspace(0, 80, 800_001)
    above = found.longer_than(times)
    assert np.trapezoid(above, times) == pytest.approx(1, rel=1e-3)
    assert np.trapezoid(2 * times * above, times) == pytest.approx(1 + cv * cv, rel=1e-3)
    assert found.mean[0] == 1


def test_who_finds_no_seat_waits_for_one() -> None:
    found = waits(0.01, 0.0, 0.0, 2e-4, 0.4, 5.0)
    assert found.mean[0] == pytest.approx(0.01 + 0.4 * 5)
    assert float(found.longer_than(np.array(5.01))[0]) == pytest.approx(0.4 * np.exp(-1), rel=1e-3)


@settings(max_examples=draws(150), deadline=None)
@given(
    parts=st.tuples(*[st.floats(1e-5, 1e4)] * 3),
    cv=st.floats(0, 5),
    seat_busy=st.floats(0, 1),
    seat_wait=st.floats(1e-6, 1e4),
)
def test_a_survival_function_starts_at_one_and_falls_to_nothing(
    parts: tuple[float, float, float], cv: float, seat_busy: float, seat_wait: float
) -> None:
    mean = sum(parts)
    found = waits(*parts, mean * mean * (1 + cv * cv), seat_busy, seat_wait)
    at = np.concatenate([[-1.0], np.geomspace(1e-9, 40 * (mean * (1 + cv * cv) + seat_wait), 400)])
    above = found.longer_than(at)
    assert above[0] == 1
    assert (above <= 1 + 1e-9).all()
    assert (above >= 0).all()
    assert (np.diff(above) <= 1e-9).all()
    assert above[-1] < 1e-9


# --- steps that serve whoever came during the last -------------------------------------------------------------------


def prompts_of(
    rate: float, mean: float, cv: float, fixed: float = 0.0, head: float = 1.0, pool: float = 1.0, **more: float
) -> Prefills:
    """Prompts of lognormal costs."""
    moments = (mean**power * (1 + cv * cv) ** (power * (power - 1) / 2) for power in (1, 2, 3))
    names = ("requests_per_s", "seconds", "square", "cube", "fixed", "shared", "pool")
    values = dict(zip(names, (rate, *moments, fixed, head, pool), strict=True))
    values = {"batch": 40.0, "apart": 1.0, "clumps": 0.0, "gap_s": 1 / rate} | values | more
    return Prefills(**{name: np.array([value]) for name, value in values.items()})


def at_gate(prefills: Prefills, tau: float, *, fit: float = 1.0, mixed: bool = True) -> Gate:
    """Return the wait for a gate beside ``tau`` seconds of decoding; each that comes brings its mean."""
    beside, fits = (lambda others: others * prefills.seconds), (lambda before, after: np.full_like(before, fit))
    return gate(prefills, np.array([tau]), beside, fits, np.array([float(not mixed)]), mixed=mixed)


def stepped(
    tau: float, mean: float, cv: float, fixed: float, rate: float, *, mixed: bool, count: int = 60_000
) -> tuple[Floats, float]:
    """Waits besides one's own prefill, and steps that carry any over prompts, by walking from step to step."""
    random = np.random.default_rng(5)
    sigma2 = np.log(1 + cv * cv)
    arrivals = np.cumsum(random.exponential(1 / rate, count)).tolist()
    prompts = random.lognormal(np.log(mean) - sigma2 / 2, np.sqrt(sigma2), count).tolist() if cv else [mean] * count
    once = (tau if mixed else 0.0) + fixed
    waited, clock, served, carrying = [0.0] * count, 0.0, 0, 0
    while served < count:
        idle = max(ceil((arrivals[served] - clock) / tau), 0)  # steps that only decode, at whose end nobody has come
        clock, carrying, first = clock + idle * tau, carrying + 1, served
        while served < count and arrivals[served] <= clock:
            served += 1
        own = prompts[first:served]
        length = once + sum(own) if own else tau
        for request, prompt in enumerate(own, first):
            waited[request] = clock + length - arrivals[request] - prompt - once
        clock += length
    return np.array(waited[count // 10 :]), carrying / count


@pytest.mark.parametrize("mixed", [True, False], ids=["mixed", "exclusive"])
@pytest.mark.parametrize("cv", [0.0, 1.0])
@pytest.mark.parametrize(("tau", "mean"), [(0.03, 0.08), (0.03, 0.01)])
@pytest.mark.parametrize("fixed", [0.0, 0.02], ids=["free", "launched"])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_a_gate_opens_at_the_end_of_a_step(
    mixed: bool, cv: float, tau: float, mean: float, fixed: float, share: float
) -> None:
    rate = share / mean
    reference, head = stepped(tau, mean, cv, fixed, rate, mixed=mixed)
    opened = at_gate(prompts_of(rate, mean, cv, fixed, head), tau, mixed=mixed)
    found = Waits(opened.step, opened.beside, np.zeros(1), opened.square, np.zeros(1), np.ones(1))
    assert found.mean[0] == pytest.approx(reference.mean(), rel=0.02)
    assert np.sqrt(opened.square[0] - found.mean[0] ** 2) == pytest.approx(reference.std(), rel=0.04)
    assert 0.03 < float(found.longer_than(np.quantile(reference, 0.95))[0]) < 0.105


def levelled(replicas: int, busy: float, decoding: float, count: int = 60_000) -> tuple[float, float]:
    """α and the wait of an arrival over that of replicas on their own, by a reference that knows no steps.

    Poisson arrivals go to the replica with the fewest outstanding, of equals to the next in a ring; prompts take an
    exponential time each, one after the other, and nothing decodes beside them.
    """
    random = np.random.default_rng(3)
    draws = iter(random.random(3 * count).tolist())
    running, waiting, latest = [round(decoding)] * replicas, [0] * replicas, 0
    met, busy_s, queued_s = 0, 0.0, 0.0
    for gap in random.exponential(1, count).tolist():
        ends = [1 / busy if waiting[one] else running[one] / (decoding * (1 - busy)) for one in range(replicas)]
        total = replicas + sum(ends)
        busy_s += gap / total * sum(queue > 0 for queue in waiting)
        queued_s += gap / total * sum(queue - 1 for queue in waiting if queue)
        at = next(draws) * total - replicas
        if at < 0:
            ring = ((latest + 1 + step) % replicas for step in range(replicas))
            latest = min(ring, key=lambda one: waiting[one] + running[one])
            met += waiting[latest] > 0
            waiting[latest] += 1
            continue
        one = next((one for one in range(replicas) if (at := at - ends[one]) < 0), replicas - 1)
        if waiting[one]:
            waiting[one] -= 1
            running[one] += 1
        else:
            running[one] -= 1
    return met / busy_s, queued_s / busy_s / (busy / (1 - busy))


@pytest.mark.parametrize(("replicas", "busy", "decoding"), [(1, 0.5, 5), (2, 0.7, 5), (4, 0.2, 5), (4, 0.5, 30)])
def test_a_router_passes_by_who_runs_prompts(replicas: int, busy: float, decoding: float) -> None:
    """α within 0.08 of the reference, and so the wait: a residual for α·w, and α² for each that comes after."""
    met, share = levelled(replicas, busy, decoding)
    found = float(prompts_of(1.0, busy, 1.0, pool=float(replicas), batch=float(decoding)).while_busy[0])
    assert found == pytest.approx(met, abs=0.08)
    assert found * (1 - busy) / (1 - found**2 * busy) == pytest.approx(share, abs=0.08)


def test_an_idle_replica_serves_at_once() -> None:
    found = at_gate(prompts_of(1e-9, 0.1, 1.0, 0.01, batch=1e-9), 0.03)
    assert max(float(found.step[0]), float(found.beside[0]), float(found.square[0])) < 1e-9


@pytest.mark.parametrize("cv", [0.0, 1.0])
@pytest.mark.parametrize("busy", [0.2, 0.5, 0.8])
def test_prompts_that_fit_beside_no_other_wait_in_a_queue(cv: float, busy: float) -> None:
    """Pollaczek and Khinchine: λ·E[c²]/2(1 − w), and the square 2·W² + λ·E[c³]/3(1 − w)."""
    prefills = prompts_of(busy, 1.0, cv)
    found = at_gate(prefills, 1e-9, fit=0.0)
    mean = busy * float(prefills.square[0]) / 2 / (1 - busy)
    assert float((found.step + found.beside)[0]) == pytest.approx(mean, rel=1e-6)
    assert float(found.square[0]) == pytest.approx(
        2 * mean**2 + busy * float(prefills.cube[0]) / 3 / (1 - busy), rel=0.01
    )
    assert float(found.followed[0]) == pytest.approx(mean, rel=1e-6)  # all who come meanwhile run after it


@pytest.mark.parametrize("cv", [1.5, 3.0])
@pytest.mark.parametrize("busy", [0.2, 0.5, 0.8])
def test_a_clump_waits_as_long_as_it_comes(cv: float, busy: float) -> None:
    """GI/M/1: σ/(1 − σ) for exponential prompts, σ = f(1 − σ) of gamma gaps, and the square 2σ/(1 − σ)²."""
    root = 0.5
    for _ in range(200):
        root = (1 + cv * cv * (1 - root) / busy) ** (-1 / cv**2)
    prefills = prompts_of(busy, 1.0, 1.0, clumps=cv * cv - 1, gap_s=1 / busy, cube=6.0)
    found = at_gate(prefills, 1e-9, fit=0.0)
    assert float((found.step + found.beside)[0]) == pytest.approx(root / (1 - root), rel=0.03)
    assert float(found.square[0]) == pytest.approx(2 * root / (1 - root) ** 2, rel=0.3)


@pytest.mark.parametrize(("drift", "rel"), [(0.1, 0.02), (0.5, 0.03), (1.0, 0.05)])
def test_tokens_left_over_are_a_reflected_walk(drift: float, rel: float) -> None:
    """E[max(S_n)] of a Gaussian walk by Spitzer's sum Σ E[S_k⁺]/k."""
    k = np.arange(1, 200_000)
    z = -drift * np.sqrt(k)
    positive = np.sqrt(k) * (np.exp(-z * z / 2) / np.sqrt(2 * np.pi) + z * normal_tail(-z))
    rare, queued = backlog(np.array([drift]), np.array([1.0]))
    assert float((rare * queued)[0]) == pytest.approx(float((positive / k).sum()), rel=rel)


def test_itl_varies_by_the_work_that_falls_into_an_answer() -> None:
    """With steps as long at any batch it is compound Poisson: λ·E[ΔP²] over the answer's time, slowed by 1/(1 − w)."""
    prefills = prompts_of(5.0, 0.06, 1.0)
    found = pace_variance(response(prefills, np.zeros(1)), prefills, np.array([0.5, 1.0, 4.0]))
    answer_s = 40.0 / 5.0 * np.array([0.5, 1.0, 4.0])
    assert found[0] == pytest.approx(5.0 * 0.0072 / (1 - 0.3) ** 2 / answer_s)


@pytest.mark.parametrize(("mixed", "later", "left"), [(True, False, 0.3), (False, False, 0.0), (True, True, 0.3**0.5)])
def test_an_answer_begins_with_the_prompts_that_came_while_its_own_ran(mixed: bool, later: bool, left: float) -> None:
    """At m = 0.3 a step that is one second longer makes those after it 0.3, 0.09 … longer: 3/7 s in all."""
    prefills = prompts_of(5.0, 0.06, 0.0)
    found = response(prefills, np.array([0.0]))
    own, one = (np.array([1.2]), np.zeros(1)), np.ones(1)
    sparse = {"carrying": np.array([0.1]), "others": np.array([0.01])}
    result = stall(found, prefills, own, np.array([0.2]), one, one, **sparse, mixed=mixed, later=later)
    decoded = np.array([1.0 + later, 4.0, 50.0])
    seconds, variance, share = np.broadcast_arrays(*result.by_answer(decoded), decoded[None])[:3]
    assert seconds[0, [0, 2]] == pytest.approx(3 / 7 * np.array([1 - left, 1.0]))
    assert variance[0, 2] == pytest.approx(5 * 0.06**2 / 0.7**2)  # compound Poisson, each longer by 1/(1 − m)
    # Of what comes in four steps one meets 1 − 0.3^k, where steps are composed already of two each.
    met = 1 - 0.3 ** (np.array([1, 1, 2, 2]) if later else np.arange(1, 5))
    assert share[0, 1] == pytest.approx(float(np.mean(met**2)) if mixed else 1.0)


@pytest.mark.parametrize("rate", [6.8, 15.9])
def test_prompts_that_follow_ones_own_run_between_decodes_where_the_next_step_is_composed(rate: float) -> None:
    """A walk of steps: who comes in one runs in the one after the next, and none else decodes there. By how much longer
    than at any other time answers take that end after so many of their steps, over all that they would take longer."""
    decode_s, first_s, further_s, answers = 0.011, 0.057, 0.045, np.array([1.0, 2.0, 4.0, 12.0])
    random, lasts, many = np.random.default_rng(3), np.empty(40_000), np.zeros(40_002, dtype=int)
    carried = np.zeros(40_000, dtype=int)
    for step in range(len(lasts)):
        carried[step] = many[step]
        lasts[step] = first_s + further_s * (many[step] - 1) if many[step] else decode_s
        many[step + 2] = random.poisson(rate * lasts[step])
    ends, decodes, prompts = np.cumsum(lasts), np.flatnonzero(carried == 0), np.flatnonzero(carried)
    usual, q = ends[-1] / len(decodes), len(prompts) / len(decodes)
    after = np.searchsorted(decodes, prompts)
    prompts, after = prompts[after + 12 < len(decodes)], after[after + 12 < len(decodes)]
    stays = [
        np.average(ends[decodes[after + int(n) - 1]] - ends[prompts], weights=carried[prompts]) - n * usual
        for n in answers
    ]
    alone = np.exp(-rate * first_s)
    prefills = prompts_of(rate, further_s, 0.0, fixed=first_s - further_s, apart=alone, shared=1.0)
    own = np.average(lasts[prompts], weights=carried[prompts])
    load = {"carrying": np.array([q]), "others": np.array([usual - decode_s])}
    found, none = response(prefills, np.zeros(1)), np.zeros(1)
    result = stall(
        found, prefills, (np.array([own]), none), none + decode_s, none + 1, none + 1, **load, mixed=False, later=True
    )
    seconds = np.broadcast_arrays(*result.by_answer(answers), answers[None])[0][0]
    assert seconds / seconds[-1] == pytest.approx(np.array(stays) / stays[-1], abs=0.12)


def test_who_comes_next_is_sent_elsewhere_first() -> None:
    """Of many that come (1 − 1/4)/2 fewer are one's own replica's; of few, none; on its own, all."""
    come = np.array([1e-3, 50.0])
    routed, alone = (prompts_of(1.0, 0.1, 0.0, pool=pool).again(come) for pool in (4.0, 1.0))
    assert come * (1 - routed) == pytest.approx([1e-3, 0.375], rel=2e-3)
    assert alone == pytest.approx(1.0)


def test_arrivals_after_an_arrival_follow_the_renewal_function() -> None:
    """Gaps of two exponential phases: t − 1/4 + e^(−4t)/4 arrivals by t, so that of −1/4 there are 1 − e^(−4t)."""
    prefills = prompts_of(1.0, 0.1, 0.0, clumps=-0.5)
    seconds = np.array([0.05, 0.3, 2.0])
    assert prefills.clump_within(seconds) == pytest.approx(4 * seconds / (1 + 4 * seconds))


# --- the replica as a textbook's queue -------------------------------------------------------------------------------


def test_one_seat_is_a_single_server() -> None:
    """M/G/1 by Allen and Cunneen: ρ/(1 − ρ)·S·(1 + c_S²)/2, S the time at saturation."""
    replicas = worked_case(prompt=10, output=250, cv=0.8, seats=1.0)
    service = 1 / float(replicas.saturated_rate[0, 0])
    for share in (0.3, 0.6, 0.9):
        load = replicas.at(batch_at_rate(replicas, np.array([share / service])))
        wait = float(load.waits.seat_busy[0, 0, 0] * load.waits.seat_wait[0, 0, 0])
        spread = (1 + replicas.lengths.output.cv**2) / 2
        assert wait == pytest.approx(share / (1 - share) * service * spread, rel=0.1)


def test_waits_vanish_without_load() -> None:
    replicas = worked_case()
    waits = replicas.at(np.array([[1e-6]])).waits
    assert float(waits.seat_busy[0, 0, 0]) < 1e-6
    assert float(waits.mean[0, 0, 0]) < 1e-6
