"""The tally of requests that are done, chunk by chunk: every one while they are few, histograms once they are many."""

from typing import Any

import numpy as np

from engine.arrays import Floats, Ints, Rows
from engine.simulation.fleet_state import Served
from engine.simulation.statistics import Distribution, StreamedDistribution, distribution_of

KEPT = 1_000_000
"""Requests up to which every single one is kept; longer loads are summed up as they pass."""


class RequestTimes(Rows, frozen=True):
    """Every request that was served, in order of arrival; all arrays alike, seconds."""

    number: Ints
    """In the load, from 0: gaps are requests that were refused."""
    arrival_s: Floats
    input_tokens: Ints
    output_tokens: Ints
    wait_s: Floats
    """From arrival to being admitted."""
    ttft_s: Floats
    e2e_s: Floats
    tpot_s: Floats
    """(E2E − TTFT)/(output − 1); NaN for one token."""
    preemptions: Ints

    def between(self, first: int, last: int | None) -> "RequestTimes":
        """Return the requests numbered from ``first`` on and before ``last``."""
        begin = int(np.searchsorted(self.number, first))
        return self.take(slice(begin, None if last is None else int(np.searchsorted(self.number, last))))


def times_of(served: Served, overhead_s: float) -> RequestTimes:
    """Return the latencies of requests that are done; the runtime's constant adds to TTFT and E2E."""
    with np.errstate(divide="ignore", invalid="ignore"):
        tpot = (served.finish_s - served.first_token_s) / (served.output_tokens - 1)
    return RequestTimes(
        number=served.number,
        arrival_s=served.arrival_s,
        input_tokens=served.input_tokens,
        output_tokens=served.output_tokens,
        wait_s=served.admitted_s - served.arrival_s,
        ttft_s=served.first_token_s - served.arrival_s + overhead_s,
        e2e_s=served.finish_s - served.arrival_s + overhead_s,
        tpot_s=tpot,
        preemptions=served.preemptions,
    )


class Tally:
    """Latencies of the requests that are done; only those between the two numbers enter the distributions."""

    def __init__(self, overhead_s: float, first_counted: int = 0, last_counted: int | None = None) -> None:
        self._overhead_s = overhead_s
        self._counted = first_counted, last_counted
        self._kept: list[Served] | None = []
        self._streamed: tuple[StreamedDistribution, ...] = ()
        self.completed = 0
        self.last_s = 0.0

    def add(self, served: Served) -> None:
        """Take requests that are done."""
        self.completed += len(served.number)
        self.last_s = max(self.last_s, float(served.finish_s.max(initial=0.0)))
        if self._kept is not None:
            self._kept.append(served)
            if self.completed <= KEPT:
                return
            self._streamed = tuple(StreamedDistribution() for _ in range(4))
            for part in self._kept:
                self._stream(part)
            self._kept = None
            return
        self._stream(served)

    def count_before(self, number: int) -> None:
        """Let requests from a number on not count."""
        first, last = self._counted
        self._counted = first, number if last is None else min(last, number)

    def _stream(self, served: Served) -> None:
        for target, values in zip(self._streamed, self._columns(times_of(served, self._overhead_s)), strict=True):
            target.add(values)

    def _columns(self, times: RequestTimes) -> tuple[Floats, Floats, Floats, Floats]:
        counted = times.between(*self._counted)
        return counted.ttft_s, counted.tpot_s[counted.output_tokens > 1], counted.e2e_s, counted.wait_s

    def times(self) -> RequestTimes | None:
        """Return every request by its number; None when there are more than ``KEPT``."""
        if self._kept is None:
            return None
        names = Served.__struct_fields__
        joined: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in self._kept]) if self._kept else np.zeros(0)
            for name in names
        }
        order = np.argsort(joined["number"], kind="stable")
        return times_of(Served(**{name: column[order] for name, column in joined.items()}), self._overhead_s)

    def distributions(self, times: RequestTimes | None) -> list[Distribution]:
        """Return TTFT, TPOT, E2E and wait; ``times`` is what ``times()`` gave."""
        if times is None:
            return [part.distribution() for part in self._streamed]
        return [distribution_of(column) for column in self._columns(times)]
