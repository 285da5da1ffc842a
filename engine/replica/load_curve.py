"""One replica as its load rises: requests in flight and waiting, TTFT, KV use. Thresholds are read from this curve."""

from bisect import bisect_left
from math import log
from typing import Final

import numpy as np
from msgspec import Struct

from catalogs.kept import made_once
from engine.arrays import Floats


class LoadCurve(Struct, frozen=True, dict=True):
    """One replica at rising loads, up to near saturation.

    Between points a quantity follows the power law through its two neighbours (a straight line from a point at zero);
    below the first point it falls to zero with the load, but TTFT stays; beyond the last point it stays. None falls
    with the load: a dip in the values is levelled.
    """

    requests_per_s: Floats
    """Rising, above 0."""
    in_flight: Floats
    """Requests running or waiting, on average."""
    waiting: Floats
    """Requests waiting, on average."""
    ttft_p95_s: Floats
    itl_p95_s: Floats
    kv_cache_usage: Floats
    """Share of the KV pool."""

    def __post_init__(self) -> None:
        loads = self.requests_per_s
        if not len(loads) or loads[0] <= 0 or (np.diff(loads) <= 0).any():
            raise ValueError("the loads of a curve must rise from above 0")
        for name in self.__struct_fields__:
            values = getattr(self, name)
            if len(values) != len(loads) or not np.isfinite(values).all() or (values < 0).any():
                raise ValueError(f"{name} needs one finite value >= 0 for each load")

    def in_flight_at(self, requests_per_s: float) -> float:
        """Return requests running or waiting at a load."""
        return self._at("in_flight", requests_per_s)

    def waiting_at(self, requests_per_s: float) -> float:
        """Return requests waiting at a load."""
        return self._at("waiting", requests_per_s)

    def kv_cache_usage_at(self, requests_per_s: float) -> float:
        """Return the share of the KV pool in use at a load."""
        return self._at("kv_cache_usage", requests_per_s)

    def ttft_p95_at(self, requests_per_s: float) -> float:
        """Return the 95th percentile of TTFT at a load, seconds."""
        return self._at("ttft_p95_s", max(requests_per_s, float(self.requests_per_s[0])))

    @made_once
    def _rising(self) -> dict[str, list[float]]:
        """Each quantity by name, a dip in it levelled."""
        return {name: np.maximum.accumulate(getattr(self, name)).tolist() for name in self.__struct_fields__}

    def around(self, series: str, load: float) -> tuple[float, float, float, float]:
        """Return the two points between which a quantity is read at a load: requests/s and its value, of each.

        Beyond the ends the second stands for what holds there: in proportion to the load, or as it is.
        """
        loads, values = self._rising["requests_per_s"], self._rising[series]
        if load <= loads[0]:
            return loads[0], values[0], 2 * loads[0], 2 * values[0]
        if load >= loads[-1]:
            return loads[-1], values[-1], 2 * loads[-1], values[-1]
        after = bisect_left(loads, load)
        return loads[after - 1], values[after - 1], loads[after], values[after]

    def load_at_in_flight(self, in_flight: float) -> float:
        """Return the load, requests/s, at which so many are in flight; the last load of the curve where none is."""
        return self._load_at("in_flight", in_flight)

    def load_at_kv_cache_usage(self, usage: float) -> float | None:
        """Return the load, requests/s, at which so much of the KV pool is in use; None where none is."""
        return None if self.kv_cache_usage.max() < usage else self._load_at("kv_cache_usage", usage)

    def _at(self, series: str, load: float) -> float:
        x0, y0, x1, y1 = self.around(series, load)
        if load <= x0:
            return y0 * max(load, 0.0) / x0
        return y0 if y0 == y1 else _between(load, x0, x1, y0, y1)

    def _load_at(self, series: str, value: float) -> float:
        loads, values = self._rising["requests_per_s"], self._rising[series]
        if value <= values[0]:
            return float(loads[0] * value / values[0]) if values[0] else 0.0
        if value >= values[-1]:
            return float(loads[-1])
        after = bisect_left(values, value)
        if not values[after - 1]:
            share = value / values[after]
            return float(loads[after - 1] + share * (loads[after] - loads[after - 1]))
        return _between(value, values[after - 1], values[after], loads[after - 1], loads[after])


_NOTHING: Final = 1e-300
"""A share so small is none: over it a power would overflow."""


def _between(x: float, x0: float, x1: float, y0: float, y1: float) -> float:
    if y0 <= y1 * _NOTHING:
        return y1 * (x - x0) / (x1 - x0)
    return float(y0 * (y1 / y0) ** (log(x / x0) / log(x1 / x0)))
