"""Recorded rates: how many requests a second came in each hour of a day, a week or longer.

A CSV with the columns ``timestamp`` (a date, or seconds) and ``rps``, one line an hour: what dashboards export, and the
form in which the Azure 2024 week is public.
"""

from collections.abc import Iterable
from math import isfinite

import numpy as np

from catalogs.errors import InputError, quoted
from catalogs.units import SECONDS_PER_HOUR
from engine.arrays import Floats
from engine.simulation.traces import date_seconds

TIMES = ("timestamp", "time", "t_s", "hour")
RATES = ("rps", "requests_per_s")
EXPECTED = "a header such as timestamp,rps and a line an hour were expected"


def read_hourly_rates(lines: Iterable[str], name: str) -> Floats:
    """Return requests/s by hour.

    Raises:
        InputError: naming the line and what was expected there.
    """
    filled = [(number, line.strip().removeprefix("\ufeff")) for number, line in enumerate(lines, 1) if line.strip()]
    if not filled:
        raise InputError(f"{name} is empty; {EXPECTED}")
    columns = [part.strip().strip('"').lower() for part in filled[0][1].split(",")]
    at = [next((columns.index(known) for known in names if known in columns), None) for names in (TIMES, RATES)]
    if at[0] is None or at[1] is None:
        raise InputError(f"{name}, line {filled[0][0]}: {quoted(filled[0][1])} has no time and rate; {EXPECTED}")
    rates: list[float] = []
    first = 0.0
    for number, line in filled[1:]:
        parts = line.split(",")
        try:
            if len(parts) != len(columns):
                raise ValueError(f"{len(parts)} values; {len(columns)} were expected, as in the header")
            time, rate = _time(parts[at[0]]), _rate(parts[at[1]])
            first = time if not rates else first
            if abs(time - first - len(rates) * SECONDS_PER_HOUR) > 1.0:
                raise ValueError(
                    f"{quoted(parts[at[0]])} is {time - first:g} s after the first line; one hour after the line above "
                    f"it ({len(rates) * SECONDS_PER_HOUR:g} s) was expected"
                )
        except ValueError as wrong:
            raise InputError(f"{name}, line {number}: {wrong}") from None
        rates.append(rate)
    if not rates:
        raise InputError(f"{name} holds no rate; {EXPECTED}")
    return np.array(rates)


def _time(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return date_seconds(text)


def _rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value) or value < 0:
        raise ValueError(f"the rate is {quoted(text)}; requests per second, not negative, were expected")
    return value
