"""Which replica takes a request, and the order in which replicas' clocks move.

A replica is touched only when something can have changed there: its clock is lazy. Where the choice does not depend on
the replicas' state, each runs alone over its own requests.
"""

from typing import Any, Literal

import numpy as np

from engine.arrays import Ints
from engine.simulation.columns import (
    CLOCK,
    COMING,
    COMPLETED,
    DECODING,
    HEAD,
    LAST,
    LEAVING,
    NEVER,
    PARTIAL,
    UNREADY,
)
from engine.simulation.heaps import pop, push
from engine.simulation.loop import advance

Routing = Literal["round_robin", "random", "least_outstanding", "power_of_two", "prefix_affine"]

DEFAULT_ROUTING: Routing = "least_outstanding"
"""What gateways in front of several replicas do; chance alone costs a fleet more replicas."""

GIVEN, LEAST, TWO = 0, 1, 2
"""How a request is routed: to a replica known beforehand, to the least of all, or to the lesser of two."""


def kind_of(routing: Routing) -> int:
    """Return how the loops below route."""
    return {"least_outstanding": LEAST, "power_of_two": TWO}.get(routing, GIVEN)


def choices(
    routing: Routing,
    replicas: int,
    numbers: Ints,
    prefixes: Ints,
    random: np.random.Generator,
) -> tuple[Ints, Ints]:
    """Return the replica of each request, or the two among which it chooses; zeros where all are looked at.

    Args:
        numbers: of the requests, over the whole load.
        prefixes: of each request, a number that requests with the same prompt start share.
    """
    none = np.zeros(len(numbers), dtype=np.int64)
    if replicas == 1:
        return none, none
    match routing:
        case "round_robin":
            return numbers % replicas, none
        case "random":
            return random.integers(0, replicas, len(numbers)), none
        case "prefix_affine":
            return hashed(prefixes) % replicas, none
        case "power_of_two":
            draws = random.random((len(numbers), 2))
            one = (draws[:, 0] * replicas).astype(np.int64)
            return one, (one + 1 + (draws[:, 1] * (replicas - 1)).astype(np.int64)) % replicas
        case "least_outstanding":
            return none, none


def hashed(numbers: Ints) -> Ints:
    """Return well-mixed non-negative numbers (the finaliser of splitmix64)."""
    x = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((x ^ (x >> np.uint64(31))) >> np.uint64(1)).astype(np.int64)


def join(numbers: Any, following: Any, one: int) -> None:
    """Put a request at the end of a replica's line."""
    following[one] = -1
    if numbers[HEAD] < 0:
        numbers[HEAD] = one
    else:
        following[numbers[LAST]] = one
    numbers[LAST] = one
    if numbers[COMING] < 0:
        numbers[COMING] = one
    if numbers[UNREADY] < 0:
        numbers[UNREADY] = one


def outstanding(numbers: Any, times: Any, assigned: int, now: float) -> int:
    """Return the requests of a replica that are not done: those that end with the step in progress still count."""
    return assigned - numbers[COMPLETED] + (numbers[LEAVING] if times[CLOCK] > now else 0)  # type: ignore[no-any-return]


def choose(
    one: int,
    kind: int,
    now: float,
    chosen: Any,
    other: Any,
    takes: Any,
    assigned: Any,
    latest: int,
    integers: Any,
    floats: Any,
) -> int:
    """Return the replica that takes a request; of equals, the next after the one that was chosen last.

    Where all are looked at, those whose ``takes`` is 0 take none.
    """
    if kind == GIVEN:
        return chosen[one]  # type: ignore[no-any-return]
    if kind == TWO:
        a, b = chosen[one], other[one]
        mine = outstanding(integers[a], floats[a], assigned[a], now)
        theirs = outstanding(integers[b], floats[b], assigned[b], now)
        return b if theirs < mine else a  # type: ignore[no-any-return]
    best, least = 0, -1
    count = len(assigned)
    for step in range(count):
        replica = (latest + 1 + step) % count
        if takes[replica] == 0:
            continue
        here = outstanding(integers[replica], floats[replica], assigned[replica], now)
        if least < 0 or here < least:
            best, least = replica, here
            if here == 0:
                break
    return best


def serve_open(
    begin: int,
    end: int,
    latest: int,
    kind: int,
    chosen: Any,
    other: Any,
    takes: Any,
    assigned: Any,
    wake: Any,
    model: Any,
    policy: Any,
    requests: Any,
    state: Any,
) -> int:
    """Route requests from ``begin`` to ``end`` as they arrive, replicas advanced only as far as the choice needs.

    ``latest`` is the replica that was chosen last; returned for the next call. ``chosen`` then says who took each.
    """
    integers, floats = state[0], state[1]
    arrival, following = requests[0], requests[4]
    for one in range(begin, end):
        now = arrival[one]
        if kind == LEAST:
            for replica in range(len(assigned)):
                if wake[replica] <= now:
                    wake[replica] = advance(replica, now, False, model, policy, requests, state)
        elif kind == TWO:
            for replica in (chosen[one], other[one]):
                if wake[replica] <= now:
                    wake[replica] = advance(replica, now, False, model, policy, requests, state)
        latest = choose(one, kind, now, chosen, other, takes, assigned, latest, integers, floats)
        chosen[one] = latest
        join(integers[latest], following, one)
        assigned[latest] += 1
        if floats[latest][CLOCK] <= now:
            wake[latest] = now
    return latest


def settle(horizon: float, wake: Any, model: Any, policy: Any, requests: Any, state: Any) -> None:
    """Run every replica as far as what arrives before ``horizon`` determines."""
    for replica in range(len(wake)):
        if wake[replica] < horizon:
            wake[replica] = advance(replica, horizon, False, model, policy, requests, state)


def load_of(now: float, takes: Any, assigned: Any, state: Any) -> tuple[int, int]:
    """Return the requests of the replicas that take new ones, and of these those that wait.

    The replicas are settled up to ``now``.
    """
    integers, floats = state[0], state[1]
    there, running = 0, 0
    for replica in range(len(takes)):
        if takes[replica] == 0:
            continue
        numbers = integers[replica]
        there += outstanding(numbers, floats[replica], assigned[replica], now)
        running += numbers[DECODING] + (1 if numbers[PARTIAL] >= 0 else 0)
        if floats[replica][CLOCK] > now:
            running += numbers[LEAVING]
    return there, there - running


def serve_closed(
    clients: int,
    starts: Any,
    think: Any,
    pending: Any,
    kind: int,
    chosen: Any,
    other: Any,
    takes: Any,
    assigned: Any,
    wake: Any,
    model: Any,
    policy: Any,
    requests: Any,
    state: Any,
) -> None:
    """Serve a closed loop: a client sends its next request ``think`` after its last is done, in the order of arrival.

    ``pending`` is a heap of coming arrival times; requests take their arrival from it one after the other.
    """
    integers, floats, gone = state[0], state[1], state[-1]
    arrival, following, finish, fill = requests[0], requests[4], requests[9], requests[12]
    total = len(arrival)
    issued = min(clients, total)
    for one in range(issued):
        push(pending, starts[one])
    latest = len(assigned) - 1
    sent = 0
    while True:
        now = pending[0]
        first, second, replica = NEVER, NEVER, 0
        for at in range(len(wake)):
            if wake[at] < first:
                second = first
                first, replica = wake[at], at
            elif wake[at] < second:
                second = wake[at]
        if now == NEVER and first == NEVER:
            return
        if now <= first:
            now = pop(pending)
            arrival[sent] = now
            latest = choose(sent, kind, now, chosen, other, takes, assigned, latest, integers, floats)
            join(integers[latest], following, sent)
            assigned[latest] += 1
            if floats[latest][CLOCK] <= now:
                wake[latest] = now
            sent += 1
            continue
        # Others may yet send a request here after the second clock; decisions up to it are settled.
        until = min(now, second)
        if until <= first:
            until = first + 1e-12 * (1.0 + first)
        before = integers[replica][COMPLETED]
        wake[replica] = advance(replica, until, True, model, policy, requests, state)
        if integers[replica][COMPLETED] > before:
            for place in range(integers[replica][LEAVING]):
                if issued < total:
                    push(pending, finish[gone[place]] + fill[gone[place]] + think[issued])
                    issued += 1
