"""Routing in logarithmic time is routing by looking at every replica: the same choices and the same bytes."""

from bisect import insort
from random import Random
from typing import Any

import numpy as np
import pytest

from engine.simulation import Requests, requests_of
from engine.simulation.columns import (
    ASSIGNED,
    BATCH_SECONDS,
    BUSY,
    CLOCK,
    COMPLETED,
    KV_SECONDS,
    LEAVING,
    NEVER,
    OUTPUT_TOKENS,
    PREEMPTIONS,
    PROMPT_TOKENS,
    STEPS,
    TAKES,
    WAKE,
    RequestColumns,
)
from engine.simulation.compiled import PLAIN, Loops, compiled_loops
from engine.simulation.fleet_state import FleetState, Served
from engine.simulation.loop import advance
from engine.simulation.routing import LEAST, Routing, choices, kind_of
from engine.simulation.serving import join
from engine.simulation.tournament import first_within, least_of_others, put
from tests.engine.simulation.scenarios import Scenario, scenario

ROUTINGS: tuple[Routing, ...] = ("round_robin", "random", "least_outstanding", "power_of_two", "prefix_affine")
SEEDS = range(40)


def case_of(seed: int) -> tuple[Scenario, Requests, int, list[int]]:
    """Return a scenario, its load (every second time with many arrivals at one moment), a fleet and who is closed."""
    case, draw = scenario(seed), Random(seed)
    load, replicas = case.requests, draw.choice([2, 3, 8, 19, 40])
    if seed % 2:
        load = requests_of(np.floor(load.arrival_s * 2) / 2, load.input_tokens, load.output_tokens, load.cached_tokens)
    closed = [replica for replica in range(1, replicas) if draw.random() < 0.2] if seed % 3 == 0 else []
    return case, load, replicas, closed


def fleet_of(case: Scenario, replicas: int, routing: Routing, closed: list[int], loops: Loops) -> FleetState:
    fleet = FleetState(case.model, case.policy, replicas, routing, 0, loops)
    for replica in closed:
        fleet._state.integers[replica][TAKES] = 0
    return fleet


def present(fleet: FleetState, replica: int, now: float) -> int:
    """Requests that a replica holds, those included that end with a step still running."""
    numbers, times = fleet._state.integers[replica], fleet._state.floats[replica]
    return numbers[ASSIGNED] - numbers[COMPLETED] + (numbers[LEAVING] if times[CLOCK] > now else 0)


def scanned_choice(fleet: FleetState, latest: int, pair: tuple[int, int], now: float) -> int:
    """The least of all, of equals the next after the latest; or of two, the first of equals."""
    if fleet.routing == "least_outstanding":
        turns = [(latest + 1 + turn) % fleet.replicas for turn in range(fleet.replicas)]
        return min(
            (replica for replica in turns if fleet._state.integers[replica][TAKES]),
            key=lambda replica: present(fleet, replica, now),
        )
    if fleet.routing == "power_of_two":
        return min(pair, key=lambda replica: present(fleet, replica, now))
    return pair[0]


def scan(fleet: FleetState, load: Requests, pairs: list[tuple[int, int]]) -> tuple[list[int], RequestColumns]:
    """Serve a load, every replica advanced and looked at on every arrival."""
    columns, latest, chosen = fleet._request_columns(load), fleet.replicas - 1, []
    records = (fleet._model, fleet._policy, columns, fleet._state)
    for one, now in enumerate(load.arrival_s.tolist()):
        for replica in range(fleet.replicas):
            if fleet._state.floats[replica][WAKE] <= now:
                advance(replica, now, False, *records)
        latest = scanned_choice(fleet, latest, pairs[one], now)
        chosen.append(latest)
        join(latest, one, now, fleet._model, columns, fleet._state)
    for replica in range(fleet.replicas):
        advance(replica, NEVER, False, *records)
    return chosen, columns


COUNTED = [ASSIGNED, COMPLETED, STEPS, PROMPT_TOKENS, OUTPUT_TOKENS, PREEMPTIONS]
SUMMED = [BUSY, BATCH_SECONDS, KV_SECONDS]


def content(chosen: Any, columns: RequestColumns, fleet: FleetState) -> list[bytes]:
    """Who took each request, all that a user sees of it, and what each replica did."""
    served = fleet._collect(columns, np.arange(len(columns.arrival)))
    integers, floats = fleet.totals
    parts = [np.asarray(chosen, dtype=np.int64), integers[:, COUNTED], floats[:, SUMMED], fleet.token_gaps]
    parts += [getattr(served, name) for name in Served.__struct_fields__]
    return [np.ascontiguousarray(part).tobytes() for part in parts]


def loops_at(speed: str) -> Loops:
    if speed == "compiled":
        pytest.importorskip("numba", reason="the extra fast is not installed")
        return compiled_loops()
    return PLAIN


@pytest.mark.parametrize("speed", ["plain", "compiled"])
@pytest.mark.parametrize("routing", ROUTINGS)
def test_every_policy_routes_as_a_scan_of_all_replicas(routing: Routing, speed: str) -> None:
    loops = loops_at(speed)
    for seed in SEEDS:
        case, load, replicas, closed = case_of(seed)
        numbers = np.arange(len(load))
        first, second = choices(routing, replicas, numbers, load.prefix, np.random.default_rng(seed))
        slow = fleet_of(case, replicas, routing, closed, PLAIN)
        expected = content(*scan(slow, load, list(zip(first.tolist(), second.tolist(), strict=True))), slow)

        fast = fleet_of(case, replicas, routing, closed, loops)
        columns = fast._request_columns(load)
        ids, chosen, other = (
            part if loops.compiled else part.tolist() for part in (numbers, first.copy(), second.copy())
        )
        records = (fast._model, fast._policy, columns, fast._state)
        loops.serve_open(ids, replicas - 1, kind_of(routing), chosen, other, *records)
        loops.settle(NEVER, *records)
        assert content(chosen, columns, fast) == expected, (seed, replicas)


def scan_closed(fleet: FleetState, load: Requests, clients: int, think: list[float]) -> RequestColumns:
    """Serve a closed loop, one event at a time; which replica comes next is found by looking at all."""
    columns, latest, sent = fleet._request_columns(load), fleet.replicas - 1, 0
    state, issued = fleet._state, min(clients, len(load))
    pending = [0.0] * issued
    while True:
        now = pending[0] if pending else NEVER
        wakes = [state.floats[replica][WAKE] for replica in range(fleet.replicas)]
        first, second = sorted(wakes)[:2]
        if now == NEVER and first == NEVER:
            return columns
        if now <= first:
            columns.arrival[sent] = pending.pop(0)
            latest = scanned_choice(fleet, latest, (0, 0), now)
            join(latest, sent, now, fleet._model, columns, state)
            sent += 1
            continue
        replica = wakes.index(first)
        until = min(now, second)
        before = state.integers[replica][COMPLETED]
        until = until if until > first else first + 1e-12 * (1.0 + first)
        advance(replica, until, True, fleet._model, fleet._policy, columns, state)
        if state.integers[replica][COMPLETED] > before:
            for one in state.gone[: state.integers[replica][LEAVING]]:
                if issued < len(load):
                    insort(pending, columns.finish[one] + columns.fill[one] + think[issued])
                    issued += 1


@pytest.mark.parametrize("speed", ["plain", "compiled"])
@pytest.mark.parametrize("think_s", [0.0, 0.01])
def test_a_closed_loop_goes_to_the_least_of_all_replicas(think_s: float, speed: str) -> None:
    """Without a pause, clients come back at the very moment at which they no longer count."""
    loops = loops_at(speed)
    for seed in SEEDS:
        case, load, replicas, _ = case_of(seed)
        clients, think = 3 * replicas, np.full(len(load), think_s)
        slow, fast = (fleet_of(case, replicas, "least_outstanding", [], speed) for speed in (PLAIN, loops))
        expected = content([], scan_closed(slow, load, clients, think.tolist()), slow)
        columns, starts = fast._request_columns(load), np.zeros(clients)
        pending, none = np.zeros(clients + 4), np.zeros(len(load), dtype=np.int64)
        pending[0], pending[-1] = NEVER, 1
        given = (starts, think, pending) if loops.compiled else (starts.tolist(), think.tolist(), [NEVER])
        records = (fast._model, fast._policy, columns, fast._state)
        loops.serve_closed(clients, *given, LEAST, none, none, *records)
        assert content([], columns, fast) == expected, (seed, replicas)


def test_a_tournament_finds_what_a_scan_finds() -> None:
    """The least, the first place at or below a limit, and the least of the others; with many equals."""
    draw = Random(1)
    for places in (2, 4, 32):
        numbers, tree = [9] * places, [9] * (2 * places)
        for _ in range(400):
            place = draw.randrange(places)
            numbers[place] = draw.randrange(8)
            put(tree, place, numbers[place])
            begin, limit = draw.randrange(places), draw.randrange(10)
            within = [at for at in range(begin, places) if numbers[at] <= limit]
            assert tree[1] == min(numbers)
            assert first_within(tree, begin, limit) == (within[0] if within else -1)
            assert least_of_others(tree, place) == min(numbers[:place] + numbers[place + 1 :])
