"""How requests reach replicas, and the order in which replicas' clocks move.

A replica's clock is lazy: it moves only when something can have changed that a choice depends on. Where the choice does
not depend on the replicas' state, each runs alone over its own requests.

Where all replicas are looked at, two tournaments know the least loaded one and the next one whose load may fall, so
that a request costs the logarithm of the number of replicas.
"""

from typing import Any

from engine.simulation.columns import (
    ADMITTED,
    ASSIGNED,
    CLOCK,
    COMING,
    COMPLETED,
    DECODING,
    ENDED,
    HEAD,
    ID_MASK,
    LAST,
    LEAVING,
    NEVER,
    PARTIAL,
    QUIET,
    SENTINEL,
    TAKES,
    UNREADY,
    WAKE,
    Model,
    Policy,
    RequestColumns,
    State,
)
from engine.simulation.heaps import pop, push, size
from engine.simulation.loop import advance
from engine.simulation.routing import GIVEN, LEAST, TWO
from engine.simulation.tournament import first_within, least_of_others, put


def outstanding(numbers: Any, times: Any, now: float) -> int:
    """Return the requests of a replica that are not done: those that end with the step in progress still count.

    Args:
        numbers: the replica's integers, by column.
        times: its seconds, by column.
        now: seconds.
    """
    return numbers[ASSIGNED] - numbers[COMPLETED] + (numbers[LEAVING] if times[CLOCK] > now else 0)


def note(replica: int, numbers: Any, times: Any, now: float, loads: Any, alarms: Any) -> None:
    """Enter into the tournaments what is outstanding in a replica, and a time before which that cannot fall.

    Args:
        replica: by number.
        numbers: its integers, by column.
        times: its seconds, by column.
        now: seconds.
        loads: the tournament of what is outstanding.
        alarms: the tournament of the times.
    """
    leaving = numbers[LEAVING]
    if leaving > 0 and times[CLOCK] > now:
        put(loads, replica, numbers[ASSIGNED] - numbers[COMPLETED] + leaving)
        put(alarms, replica, times[CLOCK])
    else:
        put(loads, replica, numbers[ASSIGNED] - numbers[COMPLETED])
        put(alarms, replica, max(times[QUIET], times[WAKE]))


def join(replica: int, one: int, now: float, model: Model, requests: RequestColumns, state: State) -> None:
    """Put a request that arrives now at the end of a replica's line.

    Args:
        replica: by number.
        one: the request's id.
        now: seconds.
        model: of the replica's steps.
        requests: columns of all requests.
    """
    numbers, times, following = state.integers[replica], state.floats[replica], requests.following
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
    numbers[ASSIGNED] += 1
    if times[CLOCK] <= now:
        times[WAKE] = now
    times[QUIET] = min(times[QUIET], now + requests.output[one] * model.shortest_step_s)


def choose(one: int, kind: int, now: float, chosen: Any, other: Any, latest: int, state: State) -> int:
    """Return the replica that takes a request; of equals, the next after the one that was chosen last.

    Where all are looked at, their loads as of now stand in the tournament.

    Args:
        one: the request's id.
        kind: ``GIVEN``, ``LEAST`` or ``TWO``.
        now: seconds.
        chosen: by request, the replica known beforehand or the first of two.
        other: by request, the second of two.
        latest: the replica that was chosen last.
    """
    if kind == GIVEN:
        return chosen[one]
    integers, floats, loads = state.integers, state.floats, state.loads
    if kind == TWO:
        a, b = chosen[one], other[one]
        theirs = outstanding(integers[b], floats[b], now)
        return b if theirs < outstanding(integers[a], floats[a], now) else a
    replica = first_within(loads, (latest + 1) % len(integers), loads[1])
    return replica if replica >= 0 else first_within(loads, 0, loads[1])


def serve_open(
    ids: Any,
    latest: int,
    kind: int,
    chosen: Any,
    other: Any,
    model: Model,
    policy: Policy,
    requests: RequestColumns,
    state: State,
) -> int:
    """Route requests as they arrive, replicas advanced only as far as the choice needs; return the last choice.

    Args:
        ids: of the requests, in order of arrival.
        latest: the replica that was chosen last.
        kind: ``GIVEN``, ``LEAST`` or ``TWO``.
        chosen: by request, the replica known beforehand or the first of two; then says who took each.
        other: by request, the second of two.
    """
    integers, floats, loads, alarms = state.integers, state.floats, state.loads, state.alarms
    arrival = requests.arrival
    last = len(floats) - 1
    noted = NEVER
    for one in ids:
        now = arrival[one]
        if kind == LEAST:
            if noted == NEVER:
                for replica in range(last + 1):
                    if integers[replica][TAKES] > 0:
                        note(replica, integers[replica], floats[replica], now, loads, alarms)
                    else:
                        put(loads, replica, SENTINEL)
                        put(alarms, replica, NEVER)
            # Who arrives at the same moment finds everything noted but the last choice.
            replica = first_within(alarms, 0, now) if alarms[1] <= now and noted != now else -1
            while replica >= 0:
                times = floats[replica]
                if times[QUIET] <= now and times[WAKE] <= now:
                    advance(replica, now, False, model, policy, requests, state)
                note(replica, integers[replica], times, now, loads, alarms)
                replica = first_within(alarms, replica + 1, now) if alarms[1] <= now and replica < last else -1
            noted = now
        elif kind == TWO:
            for replica in (chosen[one], other[one]):
                if floats[replica][WAKE] <= now:
                    advance(replica, now, False, model, policy, requests, state)
        latest = choose(one, kind, now, chosen, other, latest, state)
        chosen[one] = latest
        join(latest, one, now, model, requests, state)
        if kind == LEAST:
            note(latest, integers[latest], floats[latest], now, loads, alarms)
    return latest


def serve_closed(
    clients: int,
    starts: Any,
    think: Any,
    pending: Any,
    kind: int,
    chosen: Any,
    other: Any,
    model: Model,
    policy: Policy,
    requests: RequestColumns,
    state: State,
) -> None:
    """Serve a closed loop: a client sends its next request ``think`` after its last is done, in the order of arrival.

    Args:
        starts: first arrival of each client, seconds.
        think: by request, seconds between its client's last answer and its arrival.
        pending: a heap of coming arrival times; requests take their arrival from it one after the other.
        kind, chosen, other: as in ``serve_open``.
    """
    finish, fill = requests.finish, requests.fill
    total = len(finish)
    issued = min(clients, total)
    for one in range(issued):
        push(pending, starts[one])
    for replica in range(len(state.integers)):
        put(state.loads, replica, 0)
    latest = len(state.integers) - 1
    sent = 0
    noted = -1.0
    while True:
        now, first = pending[0], state.alarms[1]
        if now == NEVER and first == NEVER:
            return
        if now <= first:
            now = pop(pending)
            latest = take(sent, now, now == first and now > noted, kind, chosen, other, latest, model, requests, state)
            noted = now if now == first else noted
            sent += 1
            continue
        for place in range(one_event(now, model, policy, requests, state)):
            if issued < total:
                one = state.gone[place]
                push(pending, finish[one] + fill[one] + think[issued])
                issued += 1


def take(
    one: int,
    now: float,
    ended: bool,
    kind: int,
    chosen: Any,
    other: Any,
    latest: int,
    model: Model,
    requests: RequestColumns,
    state: State,
) -> int:
    """Let a request arrive where replicas send for the next one event at a time; return the replica that takes it.

    Args:
        one: the request's id.
        now: seconds.
        ended: others may have ended at this very moment, and are no longer outstanding.
        kind, chosen, other, latest: as in ``choose``.
        model: of a replica's steps.
        requests: columns of all requests.
    """
    integers, floats, loads, alarms = state.integers, state.floats, state.loads, state.alarms
    replica = first_within(alarms, 0, now) if ended else -1
    while replica >= 0:
        put(loads, replica, outstanding(integers[replica], floats[replica], now))
        replica = first_within(alarms, replica + 1, now) if replica + 1 < len(integers) else -1
    requests.arrival[one] = now
    latest = choose(one, kind, now, chosen, other, latest, state)
    join(latest, one, now, model, requests, state)
    put(loads, latest, outstanding(integers[latest], floats[latest], now))
    put(alarms, latest, floats[latest][WAKE])
    return latest


def one_event(horizon: float, model: Model, policy: Policy, requests: RequestColumns, state: State) -> int:
    """Advance the replica that wakes first by one event; return how many requests it ended (``State.gone``).

    Others may yet send a request here after the second clock; decisions up to it are settled.

    Args:
        horizon: the next arrival, seconds.
        model: of a replica's steps.
        requests: columns of all requests.
    """
    integers, floats, alarms = state.integers, state.floats, state.alarms
    first = alarms[1]
    replica = first_within(alarms, 0, first)
    until = min(horizon, least_of_others(alarms, replica))
    if until <= first:
        until = first + 1e-12 * (1.0 + first)
    before = integers[replica][COMPLETED]
    advance(replica, until, True, model, policy, requests, state)
    put(alarms, replica, floats[replica][WAKE])
    put(state.loads, replica, outstanding(integers[replica], floats[replica], first))
    return integers[replica][LEAVING] if integers[replica][COMPLETED] > before else 0


def settle(horizon: float, model: Model, policy: Policy, requests: RequestColumns, state: State) -> None:
    """Run every replica as far as what arrives before a moment determines.

    Args:
        horizon: the moment, seconds.
        model: of a replica's steps.
        requests: columns of all requests.
    """
    for replica in range(len(state.floats)):
        if state.floats[replica][WAKE] < horizon:
            advance(replica, horizon, False, model, policy, requests, state)


def load_of(now: float, state: State) -> tuple[int, int]:
    """Return the requests of the replicas that take new ones, and of these those that wait.

    The replicas are settled up to ``now``.
    """
    there, running = 0, 0
    for replica in range(len(state.integers)):
        numbers, times = state.integers[replica], state.floats[replica]
        if numbers[TAKES] == 0:
            continue
        there += outstanding(numbers, times, now)
        running += numbers[DECODING] + (1 if numbers[PARTIAL] >= 0 else 0)
        if times[CLOCK] > now:
            running += numbers[LEAVING]
    return there, there - running


def renumber(ids: Any, state: State) -> None:
    """Give the requests in every replica new ids, by their old ones; those that are done have −1."""
    for replica in range(len(state.integers)):
        numbers, heap, order = state.integers[replica], state.heaps[replica], state.orders[replica]
        for pointer in (PARTIAL, HEAD, UNREADY, COMING, LAST):
            if numbers[pointer] >= 0:
                numbers[pointer] = ids[numbers[pointer]]
        for at in range(size(heap)):
            if heap[at] != SENTINEL:
                heap[at] = (heap[at] & ~ID_MASK) | ids[heap[at] & ID_MASK]
        places = 0
        for at in range(numbers[ADMITTED]):
            if ids[order[at]] >= 0:
                order[places] = ids[order[at]]
                places += 1
        numbers[ADMITTED] = places
        endings = state.endings[replica]
        for at in range(numbers[ENDED]):
            endings[at] = ids[endings[at]]
