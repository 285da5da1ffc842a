"""What happened by minute: the fleet from its events, requests and their TTFT from those that are done."""

from collections.abc import Sequence
from math import ceil, log

import numpy as np
from msgspec import Struct

from catalogs.units import SECONDS_PER_HOUR
from engine.arrays import Bools, Floats, Ints
from engine.simulation.changing_fleet import Event, What
from engine.simulation.statistics import quantile_of_bins
from engine.simulation.tally import RequestTimes
from engine.workload import Target

TTFT_EDGES: Floats = 1e-3 * np.exp(np.arange(815) * log(1.02))
"""1 ms to 10,000 s, in bins of 2 %."""
MOST = 20_160
"""Intervals that are kept apart: two weeks of minutes. Of a longer load two make one, as often as it needs."""


class Change(Struct, frozen=True):
    """One change of the fleet, and what it is then."""

    at_s: float
    what: What
    """A start begun, a start done, a drain begun, a drain done, a failure, a start given up."""
    replica: int
    """Its place in the fleet, from 0; the place of a replica that is gone is given again."""
    starting: int
    serving: int
    draining: int


class Minutes(Struct, frozen=True):
    """The fleet minute by minute (or by another interval, longer for loads beyond ``MOST``) from 0 to an end.

    All arrays alike.
    """

    interval_s: float
    serving: Floats
    """Replicas, over time."""
    starting: Floats
    draining: Floats
    accelerator_hours: Floats
    """Of all replicas, those that start and drain included."""
    requests: Ints
    """That arrived."""
    misses: Ints
    """Of these, those that missed a target."""
    queue: Ints
    """Arrived and not yet admitted, at the end of each interval; who begins anew counts until then."""
    running: Ints
    """Admitted and not yet done, at the end of each interval."""
    ttft_p50_s: Floats
    """Of the requests that arrived in each interval, to 2 %; NaN where none did."""
    ttft_p95_s: Floats
    ttft_p99_s: Floats


def changes_of(events: Sequence[Event]) -> tuple[Change, ...]:
    """Return events in order of time with what the fleet is after each."""
    found, starting, serving, draining = [], 0, 0, 0
    waiting: set[int] = set()  # places whose start is not done
    for event in sorted(events, key=lambda event: event.at_s):
        match event.what:
            case "start":
                starting += 1
                waiting.add(event.replica)
            case "serve":
                # The first replicas serve from the beginning.
                starting -= event.replica in waiting
                waiting.discard(event.replica)
                serving += 1
            case "cancel":
                starting -= 1
                waiting.discard(event.replica)
            case "fail":
                serving -= 1
            case "drain":
                serving, draining = serving - 1, draining + 1
            case "gone":
                draining -= 1
        found.append(Change(event.at_s, event.what, event.replica, starting, serving, draining))
    return tuple(found)


def seconds_by_interval(changes: Sequence[Change], edges: Floats) -> dict[str, Floats]:
    """Return replica-seconds starting, serving and draining between each two edges."""
    times = np.array([change.at_s for change in changes] + [max(float(edges[-1]), changes[-1].at_s)])
    found = {}
    for name in ("starting", "serving", "draining"):
        many = np.array([getattr(change, name) for change in changes], dtype=np.float64)
        reached = np.concatenate([[0.0], np.cumsum(many * np.diff(times))])
        found[name] = np.diff(np.interp(edges, times, reached))
    return found


def missed(times: RequestTimes, targets: Sequence[Target]) -> Bools:
    """Return by target which requests have a latency longer than its limit, whichever the percentile."""
    # An answer of one token has no TPOT (NaN), and misses none.
    columns = {"ttft": times.ttft_s, "itl": times.tpot_s, "e2e": times.e2e_s}
    late = [columns[target.metric] > target.seconds for target in targets]
    return np.array(late, dtype=bool).reshape(len(targets), len(times.number))


class MinuteTally:
    """Counts requests by interval, chunk by chunk."""

    def __init__(self, interval_s: float, targets: Sequence[Target]) -> None:
        self._interval = interval_s
        self._targets = targets
        self._counts = np.zeros((4, 0), dtype=np.int64)  # arrived, missed, admitted, done
        self._ttft = np.zeros((0, len(TTFT_EDGES) - 1), dtype=np.int32)
        self.missed = 0
        """Requests that missed any target."""
        self.missed_by = np.zeros(len(targets), dtype=np.int64)

    def add(self, times: RequestTimes) -> None:
        """Take requests that are done."""
        if not len(times.number):
            return
        each = missed(times, self._targets)
        late = each.any(axis=0)
        self.missed += int(late.sum())
        self.missed_by += each.sum(axis=1)
        self._lengthen(float((times.arrival_s + times.e2e_s).max()))
        arrived = self._interval_of(times.arrival_s)
        moments = (
            arrived,
            arrived[late],
            self._interval_of(times.arrival_s + times.wait_s),
            # E2E holds the runtime's constant on top: it moves the end by milliseconds.
            self._interval_of(times.arrival_s + times.e2e_s),
        )
        self._grow(max(int(part.max(initial=0)) for part in moments) + 1)
        for row, part in enumerate(moments):
            self._counts[row] += np.bincount(part, minlength=self._counts.shape[1])
        low, bins = int(arrived.min()), self._ttft.shape[1]
        place = np.clip(np.searchsorted(TTFT_EDGES, times.ttft_s) - 1, 0, bins - 1)
        span = int(arrived.max()) - low + 1
        counted = np.bincount((arrived - low) * bins + place, minlength=span * bins)
        self._ttft[low : low + span] += counted.reshape(span, bins).astype(np.int32)

    def _lengthen(self, until_s: float) -> None:
        """Make intervals long enough for ``MOST`` of them to reach a time."""
        while until_s >= MOST * self._interval:
            self._grow(self._counts.shape[1] + self._counts.shape[1] % 2)
            self._counts = self._counts[:, ::2] + self._counts[:, 1::2]
            self._ttft = self._ttft[::2] + self._ttft[1::2]
            self._interval *= 2

    def _interval_of(self, seconds: Floats) -> Ints:
        return (seconds / self._interval).astype(np.int64)

    def _grow(self, count: int) -> None:
        if count > self._counts.shape[1]:
            more = max(count, min(2 * self._counts.shape[1], MOST)) - self._counts.shape[1]
            self._counts = np.pad(self._counts, ((0, 0), (0, more)))
            self._ttft = np.pad(self._ttft, ((0, more), (0, 0)))

    def minutes(self, changes: Sequence[Change], until_s: float, accelerators: int) -> Minutes:
        """Return what happened, minute by minute.

        Args:
            changes: of the fleet, in order.
            until_s: seconds at which the last minute ends.
            accelerators: of one replica.
        """
        self._lengthen(until_s * (1 - 1e-9))
        count = max(ceil(until_s / self._interval - 1e-9), 1)
        self._grow(count)
        edges = np.minimum(np.arange(count + 1) * self._interval, until_s)
        lengths = np.maximum(np.diff(edges), 1e-12)
        spent = seconds_by_interval(changes, edges)
        arrived, late, admitted, done = self._counts[:, :count]
        tails = np.array(
            [
                [quantile_of_bins(row, TTFT_EDGES, share) for share in (0.5, 0.95, 0.99)] if there else [np.nan] * 3
                for row, there in zip(self._ttft[:count], arrived, strict=True)
            ]
        )
        return Minutes(
            interval_s=self._interval,
            serving=spent["serving"] / lengths,
            starting=spent["starting"] / lengths,
            draining=spent["draining"] / lengths,
            accelerator_hours=(spent["serving"] + spent["starting"] + spent["draining"])
            * accelerators
            / SECONDS_PER_HOUR,
            requests=arrived,
            misses=late,
            queue=np.cumsum(arrived) - np.cumsum(admitted),
            running=np.cumsum(admitted) - np.cumsum(done),
            ttft_p50_s=tails[:, 0],
            ttft_p95_s=tails[:, 1],
            ttft_p99_s=tails[:, 2],
        )
