"""A day or a week minute by minute: what the autoscaler makes of demand with the replicas that it holds.

Each minute the requests in flight follow the pointwise stationary fluid approximation: they grow by what comes and
shrink by what a replica completes with so many aboard, read from its load curve backwards (W.-P. Wang, D. Tipper,
S. Banerjee, IEEE INFOCOM 1996). What is not served in a minute is carried into the next one.
"""

from collections import deque
from typing import Protocol

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.kept import kept, made_once
from catalogs.units import SECONDS_PER_MINUTE
from engine.arrays import Floats
from engine.scaling.controller import NEVER_SETTLED, Controller, ScalingPolicy
from engine.scaling.demand_by_minute import DemandByMinute

ASKED_BACK_MINUTES = 30
"""A replica that is asked for again within so many minutes of being given back was given back in vain."""
CELLS = 2048


class ReplicaLoads(Struct, frozen=True):
    """One replica at rising loads, up to saturation."""

    requests_per_s: Floats
    """Rising, above 0; the last is what it completes however many wait."""
    in_flight: Floats
    """Running or waiting, on average; rising."""
    waiting: Floats
    within: Floats
    """Share of requests within the targets."""
    waits_s: Floats
    """Of those who come when more are in flight than at the last load, rising from 0."""
    within_after: Floats
    """Share of requests within the targets after each of those waits."""

    def within_at(self, in_flight: Floats) -> Floats:
        """Return the share of requests within the targets with so many in flight."""
        waited = np.maximum(in_flight - self.in_flight[-1], 0.0) / self.requests_per_s[-1]
        return np.where(
            waited > 0,
            np.interp(waited, self.waits_s, self.within_after),
            np.interp(in_flight, self.in_flight, self.within),
        )


class ReplayedMinutes(Struct, frozen=True, dict=True):
    """A fleet by minute, as a replay has it."""

    ready: Floats
    """Replicas that serve."""
    held: Floats
    """Replicas that serve or start."""
    in_flight: Floats
    """Of one replica, at the end of the minute."""
    within: Floats
    """Share of the minute's requests that are within the targets."""
    scale_ups: tuple[int, ...]
    """Minutes at whose end replicas were asked for."""
    scale_downs: tuple[int, ...]
    """Minutes at whose end replicas were given back."""

    @made_once
    def flaps(self) -> int:
        """Times that replicas were asked for which had been given back shortly before."""
        downs, ups = np.array(self.scale_downs, dtype=np.int64), np.array(self.scale_ups, dtype=np.int64)
        last = np.searchsorted(downs, ups) - 1
        return int((ups[last >= 0] - downs[last[last >= 0]] <= ASKED_BACK_MINUTES).sum())


def by_the_minute(policy: ScalingPolicy) -> ScalingPolicy:
    """Return the policy of an autoscaler that looks once a minute and reacts as fast: its start takes what is left."""
    window = max(SECONDS_PER_MINUTE, round(policy.window_s / SECONDS_PER_MINUTE) * SECONDS_PER_MINUTE)
    left = policy.start_s + policy.poll_s + policy.window_s - window
    return replace(policy, poll_s=SECONDS_PER_MINUTE, window_s=window, start_s=max(left, 0.0))


class Autoscaler(Protocol):
    """Who is asked how many replicas are wanted."""

    def asked(self, now_s: float, replicas: int, in_flight: float, waiting: float, requests_per_s: float) -> int:
        """Return the replicas that are wanted, as ``Controller.asked`` does.

        Args:
            replicas: that serve or start now.
            in_flight: requests running or waiting, over the whole fleet.
            waiting: of these, those that wait.
            requests_per_s: arrivals over the whole fleet since the last look.
        """
        ...


def replay(
    minutes: DemandByMinute, loads: ReplicaLoads, policy: ScalingPolicy, autoscaler: Autoscaler | None = None
) -> ReplayedMinutes:
    """Return what happens to the fleet minute by minute, from the size on that the first minute asks for.

    Args:
        loads: one replica at rising loads.
        policy: of the autoscaler, taken to look once a minute.
        autoscaler: who is asked instead of the policy's own controller.
    """
    policy = by_the_minute(policy)
    first = float(minutes.requests_per_s[0])
    fleet = _Fleet(policy.held_at(first), round(policy.start_s / SECONDS_PER_MINUTE))
    own = Controller(policy, fleet.held)
    controller = own if autoscaler is None else autoscaler
    flow = _flow(loads)
    flight = fleet.ready * float(np.interp(first / fleet.ready, loads.requests_per_s, loads.in_flight))
    counted, luck = minutes.counted_per_s, minutes.counted_per_s / minutes.requests_per_s
    cells, scale, each, window_s = flow.cells, flow.scale, list[float](), policy.scale_down_window_s
    due, stayed, held_s = 0, -1, 0.0
    fewer: list[tuple[float, float, float, float]] = []  # looks that ask for fewer, while a past ask holds the fleet
    brought = (minutes.requests_per_s * SECONDS_PER_MINUTE).tolist()
    for minute, (comes, seen, share) in enumerate(zip(brought, counted.tolist(), luck.tolist(), strict=True)):
        if minute == due:
            if minute == fleet.next_start:
                fleet.begin(minute)
            due, serving = fleet.next_start, fleet.ready
            low_flight, low_rate, low_queue, high_flight, high_rate, high_queue = (
                own.settled(fleet.held) if controller is own else NEVER_SETTLED
            )
        # One look up in ``_Flow``, and most of the controller's, without a call.
        place = (flight + comes) / serving * scale
        if place < CELLS:
            cell = int(place)
            part = place - cell
            one, more, waiting, more_waiting = cells[cell]
            one += part * more
            waiting += part * more_waiting
        else:
            one, waiting = flow.beyond((flight + comes) / serving)
        flight = one * serving
        each.append(one)
        in_flight, queue = flight * share, waiting * serving * share
        if in_flight < high_flight and seen < high_rate and queue < high_queue:
            if in_flight > low_flight or seen > low_rate or queue > low_queue:
                stayed = minute
                if fewer:
                    fewer = []
                continue
            if (stayed * SECONDS_PER_MINUTE if stayed >= 0 else held_s) >= minute * SECONDS_PER_MINUTE - window_s:
                fewer.append((minute * SECONDS_PER_MINUTE, in_flight, queue, seen))
                continue
        if stayed >= 0 or fewer:
            own.catch_up(stayed * SECONDS_PER_MINUTE, fleet.held, fewer)
            stayed, fewer = -1, []
        wanted = controller.asked(minute * SECONDS_PER_MINUTE, fleet.held, in_flight, queue, seen)
        held_s = own.held_since_s
        if wanted != fleet.held:
            fleet.scale(minute, wanted)
            due = minute + 1
    ready, held = fleet.by_minute(len(minutes))
    in_flight_of_one = np.array(each)
    return ReplayedMinutes(
        ready=ready,
        held=held,
        in_flight=in_flight_of_one,
        within=loads.within_at(in_flight_of_one),
        scale_ups=tuple(fleet.ups),
        scale_downs=tuple(fleet.downs),
    )


class _Fleet:
    """Replicas that serve and start."""

    def __init__(self, replicas: int, start_minutes: int) -> None:
        self.ready = self.held = replicas
        self.next_start = -1
        """The minute at whose beginning the next start is done; -1 without one."""
        self.ups: list[int] = []
        self.downs: list[int] = []
        self._sizes = [(0, replicas, replicas)]
        """Minutes, and the replicas that serve and that are held from each on."""
        self._start_minutes = start_minutes
        self._starting: deque[tuple[int, int]] = deque()

    def begin(self, minute: int) -> None:
        """Let those serve whose start is done."""
        self.ready += self._starting.popleft()[1]
        self._changed(minute)

    def scale(self, minute: int, wanted: int) -> None:
        """Ask for replicas at the end of a minute, or give back: first those that do not serve yet."""
        more = wanted - self.held
        self.held = wanted
        if more > 0:
            self.ups.append(minute)
            self._starting.append((minute + 1 + self._start_minutes, more))
        else:
            self.downs.append(minute)
            while more and self._starting:
                at, count = self._starting.pop()
                if count + more > 0:
                    self._starting.append((at, count + more))
                more = min(more + count, 0)
            self.ready += more
        self._changed(minute + 1)

    def by_minute(self, minutes: int) -> Floats:
        """Return the replicas that served and that were held in each minute: (2, minutes)."""
        starts, *replicas = np.array(self._sizes, dtype=np.float64).T
        return np.repeat(replicas, np.diff(starts, append=minutes).astype(np.int64), axis=1)

    def _changed(self, minute: int) -> None:
        self._sizes.append((minute, self.ready, self.held))
        self.next_start = self._starting[0][0] if self._starting else -1


class _Flow:
    """One replica's requests in flight a minute later, tabulated over what it held and what came.

    In flight x shrinks at r(x), the load curve backwards. The implicit step x' = x + 60·(λ − r(x')) is stable however
    short requests are, and x' + 60·r(x') rises with x', so that one table answers it.
    """

    def __init__(self, loads: ReplicaLoads) -> None:
        rates = np.concatenate([[0.0], loads.requests_per_s])
        in_flight = np.concatenate([[0.0], loads.in_flight])
        waiting = np.concatenate([[0.0], loads.waiting])
        brought = in_flight + SECONDS_PER_MINUTE * rates
        self._last = float(brought[-1])
        self.scale = CELLS / self._last
        grid = np.linspace(0.0, self._last, CELLS + 1)
        columns = [np.interp(grid, brought, values) for values in (in_flight, waiting)]
        self.cells = list(zip(*(array.tolist() for c in columns for array in (c[:-1], np.diff(c))), strict=True))
        self._ends = in_flight[-1].item(), waiting[-1].item()

    def beyond(self, brought: float) -> tuple[float, float]:
        """Return requests in flight, and those waiting, at the end of a minute that brings more than the table holds.

        At saturation no more are completed, however many there are.

        Args:
            brought: in flight before, and what came.
        """
        left = brought - self._last
        return self._ends[0] + left, self._ends[1] + left


_flow = kept(4)(_Flow)
