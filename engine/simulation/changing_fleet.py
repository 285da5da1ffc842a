"""Replicas that come and go: what happens between arrivals when a fleet starts, drains, fails and is scaled.

Events are taken in order of time: all that arrives before one is routed before it. Replicas are run only as far as an
event needs to know them, so that a fleet of which nothing changes is simulated as ``FleetState`` does it.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from catalogs.records.runtimes import Scheduler
from engine.arrays import Ints
from engine.scaling.controller import Controller, ScalingPolicy
from engine.simulation.columns import (
    ADMITTED,
    ASSIGNED,
    BUSY,
    CLOCK,
    COMING,
    COMPLETED,
    CONTEXT,
    DECODING,
    DONE,
    HEAD,
    LAST,
    LEAVING,
    NEVER,
    NEWCOMERS,
    OF_THOSE_IN_IT,
    PARTIAL,
    QUIET,
    RESERVED,
    SENTINEL,
    SINCE,
    STALL,
    TAKES,
    UNREADY,
    WAITED,
    WAKE,
)
from engine.simulation.compiled import Loops
from engine.simulation.fleet_state import NO_LIMIT, FleetState, Served
from engine.simulation.requests import Requests
from engine.simulation.routing import GIVEN, LEAST, Routing, choices, kind_of
from engine.simulation.step_model import StepModel

What = Literal["start", "serve", "drain", "gone", "fail", "cancel"]


class Event(NamedTuple):
    """What happened to a replica."""

    at_s: float
    what: What
    replica: int


class ChangingFleet(FleetState):
    """Replicas of one step model under one scheduler and one autoscaler, and the requests in them."""

    def __init__(
        self,
        model: StepModel,
        scheduler: Scheduler,
        policy: ScalingPolicy,
        initial: int,
        failures: tuple[float, ...],
        routing: Routing,
        seed: int,
        loops: Loops,
    ) -> None:
        super().__init__(model, scheduler, policy.maximum, routing, seed, loops)
        self._policy_of_scaling = policy
        self._controller = Controller(policy, initial)
        self._serving = list(range(initial))  # the longest serving first
        self._starting: deque[tuple[float, int]] = deque()  # (serves from, place), in order
        self._draining: dict[int, float] = {}  # place → since when; later, when its last request so far ended
        self._free = list(range(policy.maximum - 1, initial - 1, -1))  # the next place last
        self._failures = deque(sorted(failures))
        self._polls = 0
        self._arrived = 0
        self._held: list[int] = []  # ids of requests that nobody serves
        self._first_arrival: dict[int, float] = {}  # by number, of requests that were sent again
        self._columns = self._open
        self._numbers = self._prefixes = np.zeros(0, dtype=np.int64)
        self._chosen: Any = []
        self._other: Any = []
        self.begun_anew = 0
        self.events = [Event(0.0, "serve", replica) for replica in self._serving]
        self._set_takes()

    def serve_until(self, requests: Requests, horizon: float, until_s: float) -> Served:
        """Take requests that arrive before ``horizon`` and run up to it; return those that are done.

        Args:
            requests: in order of arrival.
            horizon: seconds; ``NEVER``: to the end of all requests.
            until_s: seconds up to which the autoscaler looks at the fleet.

        Raises:
            InputError: more requests wait than the simulator can hold.
        """
        requests, self._numbers, self._columns = self._taken(requests)
        at = carried = len(self._numbers) - len(requests)
        self._prefixes = np.concatenate([self._prefixes, requests.prefix])
        none = np.full(len(self._numbers), -1, dtype=np.int64)
        chosen = np.concatenate([np.asarray(self._chosen, dtype=np.int64), none[carried:]])
        self._chosen, self._other = (part if self.loops.compiled else part.tolist() for part in (chosen, none))
        while True:
            now, happen = self._next(until_s)
            # What happens at a moment happens before requests arrive at it.
            end = len(self._numbers) if now > horizon else carried + int(np.searchsorted(requests.arrival_s, now))
            self._arrived += end - at
            self._route(range(at, end))
            at = end
            if now > horizon or now == NEVER:
                break
            happen(now)
        self._settle(horizon)
        if horizon == NEVER:
            self._release(horizon)
        for replica, since in self._draining.items():  # who is collected is at hand no more
            self._draining[replica] = max(since, self._last_end(replica))
        return self._with_first_arrivals(self._collect(self._columns, self._numbers, horizon))

    # --- events ---

    def _next(self, until_s: float) -> tuple[float, Any]:
        """Return when something happens next, and what does it; of one moment a start is done first."""
        found: tuple[float, Any] = (NEVER, None)
        if not self._policy_of_scaling.fixed:
            poll = (self._polls + 1) * self._policy_of_scaling.poll_s
            if poll < until_s:
                found = poll, self._poll
        if self._failures and self._failures[0] <= found[0]:
            found = self._failures[0], self._fail
        if self._starting and self._starting[0][0] <= found[0]:
            found = self._starting[0][0], self._begin_to_serve
        return found

    def _start(self, now: float) -> None:
        replica = self._free.pop()
        self._starting.append((now + self._policy_of_scaling.start_s, replica))
        self.events.append(Event(now, "start", replica))

    def _begin_to_serve(self, now: float) -> None:
        _, replica = self._starting.popleft()
        self._empty(replica, now)  # whatever served there before has left nothing
        self._serving.append(replica)
        self._set_takes()
        self.events.append(Event(now, "serve", replica))
        held, self._held = self._held, []
        self._send_again(held, now)

    def _poll(self, now: float) -> None:
        """Let the autoscaler look, and do as it asks: who starts is given up first, then the youngest drains."""
        self._polls += 1
        self._settle(now)
        self._release(now)
        there, waiting = self.loops.load_of(now, self._state)
        held = len(self._held)
        size = len(self._serving) + len(self._starting)
        rate = self._arrived / self._policy_of_scaling.poll_s
        wanted = self._controller.asked(now, size, int(there) + held, int(waiting) + held, rate)
        self._arrived = 0
        for _ in range(min(wanted - size, len(self._free))):
            self._start(now)
        for _ in range(size - wanted):
            if self._starting:
                _, replica = self._starting.pop()
                self._free.append(replica)
                self.events.append(Event(now, "cancel", replica))
            else:
                replica = self._serving.pop()
                self._draining[replica] = now
                self.events.append(Event(now, "drain", replica))
        if wanted < size:
            self._set_takes()
            self._release(now)

    def _release(self, now: float) -> None:
        """Let go of the draining replicas whose last request was done by now."""
        for replica, since in list(self._draining.items()):
            numbers, ended = self._state.integers[replica], max(since, self._last_end(replica))
            if numbers[ASSIGNED] == numbers[COMPLETED] and ended <= now:
                del self._draining[replica]
                self._free.append(replica)
                self.events.append(Event(ended, "gone", replica))

    def _last_end(self, replica: int) -> float:
        """Return when the last request of a replica ended, of those at hand: a step that knew nothing of its end may
        follow, so that the replica's clock is later.
        """
        finish = np.asarray(self._columns.finish, dtype=np.float64)
        return float(finish[np.asarray(self._chosen) == replica].max(initial=0.0))

    def _fail(self, now: float) -> None:
        """Take the replica that has served longest out; its requests begin anew elsewhere, and another one starts."""
        self._failures.popleft()
        if not self._serving:
            return
        self._settle(now)
        victim = self._serving.pop(0)
        finish = np.asarray(self._columns.finish, dtype=np.float64)
        lost = np.flatnonzero((np.asarray(self._chosen) == victim) & ((finish < 0) | (finish > now))).tolist()
        self._empty(victim, now)
        self._free.append(victim)
        self.events.append(Event(now, "fail", victim))
        self._start(now)
        self._set_takes()
        columns = self._columns
        for one in lost:
            columns.following[one], columns.emitted[one], columns.ends[one], columns.fill[one] = -1, 0, -1, 0.0
            columns.kept[one] = 0
            for column in (columns.admitted, columns.first_token, columns.finish, columns.waits_since):
                column[one] = -1.0
        self.begun_anew += len(lost)
        self._send_again(lost, now)

    def _empty(self, replica: int, now: float) -> None:
        """Make a replica as new: nothing runs or waits in it. What it did until now stays counted."""
        state = self._state
        numbers, times, heap = state.integers[replica], state.floats[replica], state.heaps[replica]
        if times[CLOCK] > now:
            # The step that it was in is cut short.
            numbers[COMPLETED] -= numbers[LEAVING]
            times[BUSY] -= times[CLOCK] - now
        for name in (DECODING, CONTEXT, DONE, WAITED, RESERVED, ADMITTED, LEAVING, NEWCOMERS, *OF_THOSE_IN_IT):
            numbers[name] = 0
        for name in (PARTIAL, HEAD, UNREADY, COMING, LAST):
            numbers[name] = -1
        numbers[SINCE] = NO_LIMIT
        numbers[ASSIGNED] = numbers[COMPLETED]
        times[CLOCK], times[STALL], times[WAKE], times[QUIET] = now, 0.0, NEVER, NEVER
        for columns in (state.phases, state.orders, state.window_tokens, state.window_short, state.prefixes):
            for place in range(len(columns[replica])):
                columns[replica][place] = 0
        if self.loops.compiled:
            heap[:] = 0
            heap[0], heap[-1] = SENTINEL, 1
        else:
            heap[:] = [SENTINEL]

    # --- requests ---

    def _route(self, ids: Sequence[int]) -> None:
        """Send requests to the replicas that serve, each at its arrival; where none does, they wait for one."""
        if not len(ids):
            return
        if not self._serving:
            self._held.extend(ids)
            return
        kind = kind_of(self.routing) if len(self._serving) > 1 else GIVEN
        places = np.array(ids, dtype=np.int64)
        if kind != LEAST:
            drawn = choices(
                self.routing, len(self._serving), self._numbers[places], self._prefixes[places], self._random
            )
            serving = np.array(self._serving, dtype=np.int64)
            for column, which in zip((self._chosen, self._other), drawn, strict=True):
                if self.loops.compiled:
                    column[places] = serving[which]
                    continue
                for one, replica in zip(ids, serving[which].tolist(), strict=True):
                    column[one] = replica
        self._latest = self.loops.serve_open(
            places if self.loops.compiled else ids,
            self._latest,
            kind,
            self._chosen,
            self._other,
            self._model,
            self._policy,
            self._columns,
            self._state,
        )

    def _send_again(self, ids: list[int], now: float) -> None:
        for one in ids:
            self._first_arrival.setdefault(int(self._numbers[one]), float(self._columns.arrival[one]))
            self._columns.arrival[one] = now
            self._chosen[one] = -1
        self._route(ids)

    def _settle(self, horizon: float) -> None:
        self.loops.settle(horizon, self._model, self._policy, self._columns, self._state)

    def _set_takes(self) -> None:
        for numbers in self._state.integers:
            numbers[TAKES] = 0
        for replica in self._serving:
            self._state.integers[replica][TAKES] = 1

    def _renumber(self, ids: Ints) -> None:
        super()._renumber(ids)
        kept = ids >= 0
        self._chosen = np.asarray(self._chosen, dtype=np.int64)[kept]
        self._prefixes = self._prefixes[kept]
        self._held = [int(ids[one]) for one in self._held]

    def _with_first_arrivals(self, served: Served) -> Served:
        """Requests that were sent again arrived when they first did."""
        places = np.searchsorted(served.number, list(self._first_arrival)).tolist()
        for number, place in zip(list(self._first_arrival), places, strict=True):
            if place < len(served.number) and served.number[place] == number:
                served.arrival_s[place] = self._first_arrival.pop(number)
        return served
