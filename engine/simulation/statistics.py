"""What a simulation measured: latencies with confidence intervals, and the load over time in bounded space."""

from math import log, sqrt

import numpy as np
from msgspec import Struct

from engine.arrays import Floats, Ints
from engine.simulation.fleet_state import Served
from engine.workload import PERCENTILE_SHARES

SHARES = tuple(PERCENTILE_SHARES.values())

BATCHES = (20, 10, 5)
"""Batches that a run is cut into: the most of which each holds enough requests."""

STUDENT = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""0.975 quantiles of Student's t for 1, 2, … 10 degrees of freedom."""

BEYOND = 10
"""Requests beyond a percentile that each batch should hold, for its percentile to mean anything."""


class BatchMeansEstimate(Struct, frozen=True):
    """A figure and its 95 % confidence interval, by batch means; None where the run is too short for one."""

    value: float
    low: float | None
    high: float | None


class Distribution(Struct, frozen=True):
    """Mean and percentiles over requests, seconds."""

    mean: BatchMeansEstimate
    p50: BatchMeansEstimate
    p90: BatchMeansEstimate
    p95: BatchMeansEstimate
    p99: BatchMeansEstimate


UNKNOWN = BatchMeansEstimate(float("nan"), None, None)


def distribution_of(values: Floats) -> Distribution:
    """Return the distribution of values in order of arrival; consecutive ones are taken together in batches."""
    if not len(values):
        return Distribution(*[UNKNOWN] * 5)
    wanted = {share: _batches(len(values), share) for share in (0.0, *SHARES)}
    parts = {count: values[: len(values) // count * count].reshape(count, -1) for count in {*wanted.values(), 1} - {0}}
    ordered = {count: np.sort(part, axis=-1) for count, part in parts.items()}
    found = []
    for share, count in wanted.items():
        value = float(values.mean() if share == 0 else quantile(ordered[1], share)[0])
        each = (parts[count].mean(axis=1) if share == 0 else quantile(ordered[count], share)) if count else None
        found.append(_estimate(value, each))
    return Distribution(*found)


def quantile(ordered: Floats, share: float) -> Floats:
    """Return a quantile along the last axis, between its two neighbours on a straight line, as np.quantile does.

    np.quantile loads masked arrays, which take a tenth of a cold forecast's time.

    Args:
        ordered: values that rise along the last axis.
        share: 0.95 for a p95.
    """
    position = share * (ordered.shape[-1] - 1)
    below = int(position)
    above = min(below + 1, ordered.shape[-1] - 1)
    low, high, along = ordered[..., below], ordered[..., above], position - below
    return high - (high - low) * (1 - along) if along >= 0.5 else low + (high - low) * along


def _batches(count: int, share: float) -> int:
    needed = BEYOND / (1 - share)
    return next((batches for batches in BATCHES if count >= batches * needed), 0)


def student(count: int) -> float:
    """Return the 0.975 quantile of Student's t for a mean of so many values, to 0.1 %.

    Beyond the table by Hill's expansion (Communications of the ACM 13(10), 1970).
    """
    freedom = count - 1
    if freedom <= len(STUDENT):
        return STUDENT[freedom - 1]
    z = 1.959964
    return z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)


def _estimate(value: float, each: Floats | None) -> BatchMeansEstimate:
    """Return a figure with the interval that those of its batches give it; without one where there are none."""
    if each is None:
        return BatchMeansEstimate(value, None, None)
    off = each - each.sum() / len(each)
    half = student(len(each)) * sqrt(float((off * off).sum()) / (len(each) - 1)) / sqrt(len(each))
    return BatchMeansEstimate(value, max(value - half, 0.0), value + half)


class StreamedDistribution:
    """The same of a load too long to keep: a log histogram for each batch, whose batches pair up as the load grows."""

    LOWEST = 1e-5
    BINS = 4700
    BATCHES = 20
    """10 µs to 150,000 s in bins of 0.5 %; shorter values count as the lowest."""

    def __init__(self) -> None:
        self._counts = np.zeros((2 * self.BATCHES, self.BINS), dtype=np.int64)
        self._sums = np.zeros(2 * self.BATCHES)
        self._per_batch = 1 << 14
        self._count = 0

    def add(self, values: Floats) -> None:
        """Take values in order of arrival."""
        while len(values):
            if self._count == 2 * self.BATCHES * self._per_batch:
                self._pair()
            batch, inside = divmod(self._count, self._per_batch)
            part, values = values[: self._per_batch - inside], values[self._per_batch - inside :]
            at = np.log(np.maximum(part, self.LOWEST) / self.LOWEST) / log(1.005)
            self._counts[batch] += np.bincount(np.minimum(at.astype(np.int64), self.BINS - 1), minlength=self.BINS)
            self._sums[batch] += part.sum()
            self._count += len(part)

    def _pair(self) -> None:
        for array in (self._counts, self._sums):
            array[: self.BATCHES] = array[::2] + array[1::2]
            array[self.BATCHES :] = 0
        self._per_batch *= 2

    def distribution(self) -> Distribution:
        """Return what was taken so far; percentiles to the width of a bin."""
        if not self._count:
            return Distribution(*[UNKNOWN] * 5)
        full = self._count // self._per_batch
        used = next((batches for batches in BATCHES if full >= batches), 0)
        groups = self._counts[: full // used * used].reshape(used, -1, self.BINS).sum(axis=1) if used else None
        sums = self._sums[: full // used * used].reshape(used, -1).sum(axis=1) if used else None
        means = sums / groups.sum(axis=1) if groups is not None and sums is not None else None
        found = [_estimate(float(self._sums.sum()) / self._count, means)]
        whole = self._counts.sum(axis=0)
        for share in SHARES:
            each = np.array([self._quantile(group, share) for group in groups]) if groups is not None else None
            found.append(_estimate(self._quantile(whole, share), each))
        return Distribution(*found)

    def _quantile(self, counts: Ints, share: float) -> float:
        return quantile_of_bins(counts, self.LOWEST * np.exp(np.arange(self.BINS + 1) * log(1.005)), share)


def quantile_of_bins(counts: Ints, edges: Floats, share: float) -> float:
    """Return a percentile of a histogram, linear within a bin; NaN when it is empty.

    Args:
        counts: by bin.
        edges: of the bins, one more than there are bins.
        share: 0.95 for a p95.
    """
    return float(quantiles_of_bins(counts[None, :], edges, share)[0])


def quantiles_of_bins(counts: Ints, edges: Floats, share: float) -> Floats:
    """Return a percentile of each of several histograms, linear within a bin; NaN where one is empty.

    Args:
        counts: (histograms, bins).
        edges: of the bins, one more than there are bins.
        share: 0.95 for a p95.
    """
    reached = np.cumsum(counts, axis=1)
    wanted = share * reached[:, -1:]
    at = (reached < wanted).sum(axis=1, keepdims=True)
    inside = np.take_along_axis(counts, at, axis=1)
    before = np.take_along_axis(reached, at, axis=1) - inside
    part = np.clip((wanted - before) / np.maximum(inside, 1), 0.0, 1.0)
    found = edges[at] + (edges[at + 1] - edges[at]) * part
    return np.where(reached[:, -1:] > 0, found, np.nan)[:, 0]


class Timeline(Struct, frozen=True):
    """The load over time, in at most ``TimelineCounts.MOST`` equal intervals; all arrays alike."""

    interval_s: float
    arrivals: Ints
    """In each interval."""
    waiting: Ints
    """Arrived and not admitted, at the end of each interval."""
    running: Ints
    """Admitted and not done (preempted ones included), at the end of each interval."""
    output_tokens: Ints
    """Of the requests that were done in each interval."""
    ttft_p50_s: Floats
    """Of the requests that arrived in each interval, to 5 %; NaN where none did."""
    ttft_p95_s: Floats


class TimelineCounts:
    """Counts by interval; intervals pair up as the load grows."""

    MOST = 600
    TTFT_EDGES: Floats = 1e-3 * np.exp(np.arange(331) * log(1.05))
    """1 ms to 10,000 s."""

    def __init__(self, interval_s: float = 1.0) -> None:
        self._interval = interval_s
        self._counts = np.zeros((4, self.MOST), dtype=np.int64)
        self._ttft = np.zeros((self.MOST, len(self.TTFT_EDGES) - 1), dtype=np.int64)

    def add(self, served: Served, overhead_s: float) -> None:
        """Take requests that are done."""
        if not len(served.number):
            return
        while float(served.finish_s.max()) >= self._interval * self.MOST:
            self._pair()
        times = (served.arrival_s, served.admitted_s, served.finish_s, served.finish_s)
        weights = (None, None, None, served.output_tokens)
        for row, (at, weight) in enumerate(zip(times, weights, strict=True)):
            counted = np.bincount((at / self._interval).astype(np.int64), weight, minlength=self.MOST)
            self._counts[row] += counted.astype(np.int64)
        ttft = served.first_token_s - served.arrival_s + overhead_s
        place = np.clip(np.searchsorted(self.TTFT_EDGES, ttft) - 1, 0, self._ttft.shape[1] - 1)
        np.add.at(self._ttft, ((served.arrival_s / self._interval).astype(np.int64), place), 1)

    def _pair(self) -> None:
        half = self.MOST // 2
        self._counts[:, :half] = self._counts[:, ::2] + self._counts[:, 1::2]
        self._counts[:, half:] = 0
        self._ttft[:half] = self._ttft[::2] + self._ttft[1::2]
        self._ttft[half:] = 0
        self._interval *= 2

    def timeline(self) -> Timeline:
        """Return the intervals up to the last request's end."""
        used = int(np.flatnonzero(self._counts.sum(axis=0))[-1]) + 1 if self._counts.any() else 0
        arrivals, admitted, finished, tokens = self._counts[:, :used]
        p50, p95 = (quantiles_of_bins(self._ttft[:used], self.TTFT_EDGES, share) for share in (0.5, 0.95))
        return Timeline(
            self._interval,
            arrivals,
            np.cumsum(arrivals) - np.cumsum(admitted),
            np.cumsum(admitted) - np.cumsum(finished),
            tokens,
            p50,
            p95,
        )
