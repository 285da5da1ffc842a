"""Timestamps of a trace: in which unit they are, from their values or as stated, and whether the rate is believable.

Files with the same keys differ: Mooncake's timestamps are whole milliseconds, Qwen-Bailian's are seconds.
"""

from collections.abc import Mapping
from math import log10
from types import MappingProxyType
from typing import Final, Literal

from msgspec import Struct

from catalogs.units import show_count, show_rate, show_seconds

TimeUnit = Literal["s", "ms", "us", "ns"]

UNITS_PER_SECOND: Final[Mapping[TimeUnit, float]] = MappingProxyType({"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9})
_NAMES: Final = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
_SINCE_1970_S: Final = (1.26e9, 2.2e9)
"""From 2009 to 2039: a first timestamp in between is a moment, and its size gives the unit."""
_SHORT_S: Final = 10.0
"""A trace is seldom shorter."""
_USUAL_UNIT_BONUS: Final = 0.8
"""By how many powers of ten a rate may be stranger in the unit that is usual: milliseconds of whole numbers."""
_HIGH_RATE: Final = 20.0
_LOW_RATE: Final = 0.01
"""Requests/s; above the one in a short trace, and below the other, the unit is doubted."""
_FEWEST_FOR_LOW_RATE: Final = 10


class Timestamps(Struct):
    """The unit of a trace's timestamps, and what is to be said of it once the first of them are read."""

    unit: TimeUnit | None = None
    """As stated; null where it is detected, or the format has its own."""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def read_as(self, own: TimeUnit | None, times: list[float]) -> TimeUnit:
        """Return the unit of the timestamps, and keep what is to be said of it.

        Args:
            own: the format's own unit; None where formats with the same columns differ.
            times: the first timestamps, in order of arrival.
        """
        unit = self.unit or own or _detected_unit(times)
        span_s = (times[-1] - times[0]) / UNITS_PER_SECOND[unit]
        rate = (len(times) - 1) / span_s if span_s > 0 else 0.0
        load = f"{show_rate(rate)} over {show_seconds(span_s)}" if rate else "all requests come at once"
        if self.unit:
            self.notes = (f"timestamps read as {_NAMES[unit]}, as stated: {load}",)
        elif own is None:
            self.notes = (f"timestamps read as {_NAMES[unit]}: {load}; --trace-unit states another unit",)
        dense = rate > _HIGH_RATE and span_s < _SHORT_S
        sparse = 0 < rate < _LOW_RATE and len(times) >= _FEWEST_FOR_LOW_RATE
        if dense or sparse:
            self.warnings = (
                f"{show_rate(rate)} from {show_count(len(times))} requests in {show_seconds(span_s)} is no usual load: "
                f"where the timestamps are not {_NAMES[unit]}, state their unit with --trace-unit s, ms, us or ns",
            )
        return unit


def _detected_unit(times: list[float]) -> TimeUnit:
    """Return the unit in which the values make the most usual trace: about a request a second, for some time."""
    low, high = _SINCE_1970_S
    for unit, per_second in UNITS_PER_SECOND.items():
        if low <= times[0] / per_second < high:
            return unit
    usual: TimeUnit = "ms" if all(time == int(time) for time in times) else "s"
    span = times[-1] - times[0]
    if not span:
        return usual

    def strangeness(unit: TimeUnit) -> float:
        span_s = span / UNITS_PER_SECOND[unit]
        too_short = max(log10(_SHORT_S / span_s), 0.0)
        return abs(log10((len(times) - 1) / span_s)) + too_short - (_USUAL_UNIT_BONUS if unit == usual else 0.0)

    return min(UNITS_PER_SECOND, key=strangeness)
