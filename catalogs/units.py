"""Quantities: how they are read from what people type, and how they are shown.

Inside, everything is in base units: seconds, bytes, tokens, requests/s, FLOP/s, bytes/s, watts, USD. A reader takes the
whole string or raises an InputError that names the value and what is accepted. GB (1e9) and GiB (2**30) never mix.
"""

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NoReturn

from catalogs.errors import InputError, quoted

GB: Final = 1e9
GIB: Final = float(2**30)
KIB: Final = 1024.0
HOURS_PER_MONTH: Final = 730.0
MINUTES_PER_HOUR: Final = 60
SECONDS_PER_MINUTE: Final = 60.0
SECONDS_PER_HOUR: Final = 3600.0
SECONDS_PER_DAY: Final = 86_400.0
SECONDS_PER_MONTH: Final = HOURS_PER_MONTH * SECONDS_PER_HOUR
SECONDS_PER_YEAR: Final = 12 * SECONDS_PER_MONTH


def _spelled(table: dict[float, str]) -> dict[str, float]:
    return {word: value for value, words in table.items() for word in words.split()}


MULTIPLIERS: Final = _spelled({1e3: "k thousand", 1e6: "m mn mio million", 1e9: "b bn billion", 1e12: "t tn trillion"})
"""What may follow a count, in lower case."""
TIME_UNITS: Final = _spelled(
    {
        1e-6: "us µs μs microsecond microseconds",
        1e-3: "ms msec msecs millisecond milliseconds",
        1.0: "s sec secs second seconds",
        SECONDS_PER_MINUTE: "min mins minute minutes",
        SECONDS_PER_HOUR: "h hr hrs hour hours",
        SECONDS_PER_DAY: "d day days",
        7 * SECONDS_PER_DAY: "w wk week weeks",
        SECONDS_PER_MONTH: "mo month months",
        SECONDS_PER_YEAR: "y yr year years",
    }
)
"""Seconds in a unit of time, in lower case. A month is 730 hours."""
RATE_UNITS: Final = _spelled(
    {
        1.0: "rps qps req/s reqs/s",
        SECONDS_PER_MINUTE: "rpm qpm",
        SECONDS_PER_HOUR: "rph qph hourly",
        SECONDS_PER_DAY: "rpd qpd daily",
        7 * SECONDS_PER_DAY: "weekly",
        SECONDS_PER_MONTH: "monthly",
    }
)
"""Seconds in the period of a rate's abbreviation."""
POWER_UNITS: Final = _spelled({1.0: "w watt watts", 1e3: "kw kilowatt kilowatts", 1e6: "mw megawatt megawatts"})
"""Watts in a unit of power, in lower case."""
PERCENT_SIGNS: Final = {"%": 0.01, "percent": 0.01, "pct": 0.01}
REQUEST_NOUNS: Final = frozenset(["request", "requests", "req", "reqs", "query", "queries", "call", "calls"])

NUMBER: Final = (
    r"[+-]?(?:(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+(?:_[0-9]+)*)(?:\.[0-9]+)?|\.[0-9]+)"
    r"(?:[eE][+-]?[0-9]{1,3}(?![0-9]))?"
)
"""A number as people type it: 1500, 1,500, 1_500, 0.5, .5, 1e3."""

_NUMBER = re.compile(NUMBER)
_PARTS = re.compile(
    r"(?P<first>[0-9]+\s*(?:d|days?|h|hours?|min|minutes?))\s*(?P<later>[0-9]+\s*[a-z].*)", re.IGNORECASE
)
"""A time in parts: '1h30m', '2d 12h'; what stands behind hours is minutes."""
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_PER = re.compile(r"\s*(?:/|\b(?:per|an?|each|every)\b)\s*")


# --- reading ----------------------------------------------------------------------------------------------------------


def read_number(text: str, what: str = "number") -> float:
    """Return the number that the whole text is, multiplier included: '1,500', '1.5k', '2 million', '-3', '1e6'.

    Raises:
        InputError: it is anything else, or not finite.
    """
    accepted = "a number such as 20, 1.5k, 1,500 or 2 million"
    return _quantity(text, what, accepted, {"": 1.0, **MULTIPLIERS})


def read_count(text: str, what: str = "count", nouns: tuple[str, ...] = (), minimum: float = 0.0) -> float:
    """Return a count: '500', '1.5k', '1.5k tokens'.

    Args:
        what: the value's name in a refusal.
        nouns: of which one may follow the count.
        minimum: that is accepted.

    Raises:
        InputError: it is no count, or below the minimum.
    """
    number, words = _leading_count(text, what, "a count such as 500, 1.5k or 2 million")
    if words and (len(words) > 1 or words[0] not in nouns):
        _refuse(text, what, "a count such as 500, 1.5k or 2 million")
    return _at_least(number, minimum, text, what)


def read_whole(text: str, what: str = "count", nouns: tuple[str, ...] = (), minimum: int = 1) -> int:
    """Return a whole count.

    Args:
        what: the value's name in a refusal.
        nouns: of which one may follow the count.
        minimum: that is accepted.

    Raises:
        InputError: it is no whole count, or below the minimum.
    """
    count = read_count(text, what, nouns, minimum)
    if count != int(count):
        raise InputError(f"{what} {quoted(text)} must be a whole number")
    return int(count)


TOKEN_NOUNS: Final = ("tokens", "token", "tok", "toks")


def read_tokens(text: str, what: str = "tokens") -> int:
    """Return a number of tokens, at least 1: '500', '1.5k', '2,000 tokens'."""
    return read_whole(text, what, TOKEN_NOUNS)


def read_rate(text: str, what: str = "rate", positive: bool = True) -> float:
    """Return requests/s from '20', '20 rps', '600/min', '5M/day', '5 million requests per day', '2k per hour'.

    Args:
        what: the value's name in a refusal.
        positive: whether 0 is refused.

    Raises:
        InputError: it is no rate, or negative.
    """
    accepted = "requests per second, such as 20, 20 rps, 600/min or 5M/day"
    number, words = _leading_count(text, what, accepted)
    period = _period(" ".join(words))
    if period is None:
        _refuse(text, what, accepted)
    return _more_than_zero(number / period, text, what) if positive else _at_least(number / period, 0.0, text, what)


def read_seconds(text: str, what: str = "duration", unit: str | None = None, positive: bool = True) -> float:
    """Return seconds from '800ms', '1.2 s', '2min', '1h', '1h30m'.

    Args:
        what: the value's name in a refusal.
        unit: of a bare number; without one it is refused.
        positive: whether 0 is refused.

    Raises:
        InputError: it is no time, one that could be minutes or milliseconds ('5m'), or negative.
    """
    bare = f" (a bare number is in {'years' if unit == 'y' else unit})" if unit else ""
    accepted = f"a time such as 800ms, 1.2 s or 2 min{bare}"
    if parts := _PARTS.fullmatch(text.strip()):
        later = re.sub(r"m\Z", "min", parts["later"].strip())
        return read_seconds(parts["first"], what) + read_seconds(later, what, positive=False)
    if _split(text, what, accepted)[1] == "m":
        raise InputError(f"{what} {quoted(text)} could be minutes or milliseconds: write min or ms")
    seconds = _quantity(text, what, accepted, TIME_UNITS, unit)
    return _more_than_zero(seconds, text, what) if positive else _at_least(seconds, 0.0, text, what)


def read_share(text: str, what: str = "share") -> float:
    """Return a share from '20%' or '0.2'.

    Args:
        what: the value's name in a refusal.

    Raises:
        InputError: it is no share, a bare number above 1, which may be either, or out of range.
    """
    accepted = "a share such as 20% or 0.2"
    number, rest = _split(text, what, accepted)
    if not rest and number > 1:
        raise InputError(f"{what} {quoted(text)} is more than 1: write {text.strip()}% if that is what is meant")
    share = _at_least(_quantity(text, what, accepted, {"": 1.0, **PERCENT_SIGNS}), 0.0, text, what)
    if share > 1:
        raise InputError(f"{what} {quoted(text)} must be at most {show_percent(1.0)}")
    return share


def read_percentage(text: str, what: str = "percentage", minimum: float = 0.0) -> float:
    """Return a share from a percentage whose sign may be left out: '20' and '20%' are 0.2.

    Args:
        what: the value's name in a refusal.
        minimum: share that is accepted.

    Raises:
        InputError: it is no percentage, or below the minimum.
    """
    accepted = "a percentage such as 20 or 20%"
    return _at_least(_quantity(text, what, accepted, PERCENT_SIGNS, "%"), minimum, text, what)


def read_factor(text: str, what: str = "factor", minimum: float = 0.0) -> float:
    """Return a factor from '1.5', '1.5x' or '150%'.

    Args:
        what: the value's name in a refusal.
        minimum: that is accepted.

    Raises:
        InputError: it is no factor, or below the minimum.
    """
    accepted = "a factor such as 1.5, 1.5x or 150%"
    scales = {"": 1.0, "x": 1.0, "×": 1.0, "times": 1.0, "%": 0.01}
    return _at_least(_quantity(text, what, accepted, scales), minimum, text, what)


def read_usd(text: str, what: str = "amount", per: str | None = None) -> float:
    """Return USD from '$20k', '20000 USD' or '20k'.

    Args:
        what: the value's name in a refusal.
        per: 'month' or 'hour', where the amount is one per that time; '$2/hour' is converted to it.

    Raises:
        InputError: it is no amount, or negative.
    """
    accepted = "an amount in USD such as $20k or 20000" + (f", per {per} unless another period is named" if per else "")
    amount = re.sub(r"^\s*(?:us)?\$\s*|^\s*usd\b\s*", "", text, flags=re.IGNORECASE)
    number, words = _leading_count(amount, what, accepted, shown=text)
    if words and words[0] in {"usd", "$", "dollar", "dollars"}:
        words = words[1:]
    if words and per:
        match = _PER.match(" ".join(words))
        period = " ".join(words)[match.end() :] if match else ""
        if period not in TIME_UNITS:
            _refuse(text, what, accepted)
        number, words = number * TIME_UNITS[per] / TIME_UNITS[period], []
    if words:
        _refuse(text, what, accepted)
    return _at_least(number, 0.0, text, what)


def read_billions(text: str, what: str = "model size") -> float:
    """Return billions of parameters from '70B', '70', '0.5B', '500M' or '1.5T'."""
    accepted = "a size in billions of parameters, such as 70B, 0.5B or 1.5T"
    return _more_than_zero(_quantity(text, what, accepted, MULTIPLIERS, "b") / 1e9, text, what)


def read_watts(text: str, what: str = "power", unit: str | None = None) -> float:
    """Return watts from '40kW', '700 W', '0.2 MW'.

    Args:
        what: the value's name in a refusal.
        unit: of a bare number; without one it is refused.

    Raises:
        InputError: it is no power, or not above 0.
    """
    bare = f" (a bare number is in {unit})" if unit else ""
    accepted = f"a power such as 40kW, 700 W or 0.2 MW{bare}"
    return _more_than_zero(_quantity(text, what, accepted, POWER_UNITS, unit), text, what)


def _split(text: str, what: str, accepted: str, shown: str | None = None) -> tuple[Decimal, str]:
    """Return the leading number and what follows it; the number is decimal, so that 1.1k is 1100."""
    stripped = text.strip()
    match = _NUMBER.match(stripped)
    digits = match.group() if match else ""
    rest = stripped[len(digits) :]
    if _DECIMAL_COMMA.match(stripped) and rest.startswith(","):
        raise InputError(
            f"{what} {quoted(shown or text)} is ambiguous: write 1.5 for a fraction or 1,500 for a thousand"
        )
    if not digits or rest[:1].isdigit() or rest[:1] in {".", ",", "_"}:
        _refuse(shown or text, what, accepted)
    return Decimal(digits.replace(",", "").replace("_", "")), rest.strip()


def _quantity(text: str, what: str, accepted: str, scales: Mapping[str, float], bare: str | None = None) -> float:
    """Return the number of a text times what its unit multiplies by.

    Args:
        scales: by unit, which may be typed in any letter case.
        bare: the unit of a bare number.

    Raises InputError where the unit is none of those.
    """
    number, rest = _split(text, what, accepted)
    unit = (rest or bare or "").lower()
    if unit not in scales:
        _refuse(text, what, accepted)
    return _finite(number, scales[unit], text, what)


def _leading_count(text: str, what: str, accepted: str, shown: str | None = None) -> tuple[float, list[str]]:
    """Return the count that opens the text, multiplier applied, and the words after it in lower case."""
    number, rest = _split(text, what, accepted, shown)
    words = re.findall(r"[^\s/]+|/", rest.lower())
    scale = MULTIPLIERS[words.pop(0)] if words and words[0] in MULTIPLIERS else 1.0
    return _finite(number, scale, shown or text, what), words


def _period(words: str) -> float | None:
    """Return the seconds of a rate's period: '' is a second, 'requests per day' a day; None if it is no period."""
    if not words:
        return 1.0
    if words.replace(" ", "") in RATE_UNITS:
        return RATE_UNITS[words.replace(" ", "")]
    noun, _, rest = words.partition(" ")
    if noun in REQUEST_NOUNS:
        words = rest
        if not words:
            return None
        if words in RATE_UNITS:
            return RATE_UNITS[words]
    match = _PER.match(words)
    return TIME_UNITS.get(words[match.end() :]) if match else None


def _finite(number: Decimal, scale: float, text: str, what: str) -> float:
    # A decimal product keeps 1.1 × 1000 whole; the float is taken once, at the end.
    value = float(number * Decimal(repr(scale)))
    if not math.isfinite(value):
        raise InputError(f"{what} {quoted(text)} is too large")
    return value


def _at_least(value: float, minimum: float, text: str, what: str) -> float:
    if not math.isfinite(value):
        raise InputError(f"{what} {quoted(text)} is too large")
    if value < minimum:
        least = "not be negative" if minimum == 0 else f"be at least {show_count(minimum)}"
        raise InputError(f"{what} {quoted(text)} must {least}")
    return value


def _more_than_zero(value: float, text: str, what: str) -> float:
    if not _at_least(value, -math.inf, text, what) > 0:
        raise InputError(f"{what} {quoted(text)} must be more than 0")
    return value


def _refuse(text: str, what: str, accepted: str) -> NoReturn:
    raise InputError(f"{what} {quoted(text)} is not {accepted}")


# --- showing ----------------------------------------------------------------------------------------------------------


BEYOND_WORDS: Final = 1e15
"""From which on, and below one over it, nobody counts digits: such a figure is shown with its exponent."""


def _as_written(value: float) -> float:
    """Return a figure to the digits that a plan's file has: half of the last one is rounded alike before and after."""
    return float(f"{value:.6g}")


def show_figure(value: float) -> str:
    """Return a figure with three significant digits: 0.0123, 1.24, 57.9, 12,300."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "-∞" if value < 0 else "?"
    value = _as_written(value)
    rounded = float(f"{value:.3g}")
    if not 1 / BEYOND_WORDS < abs(rounded) < BEYOND_WORDS:
        return f"{value:.3g}" if rounded else "0"
    decimals = max(0, 2 - math.floor(math.log10(abs(rounded))))
    shown = f"{rounded:,.{decimals}f}"
    return shown.rstrip("0").rstrip(".") if decimals else shown


def show_seconds(seconds: float) -> str:
    """Return a duration: 35 µs, 820 ms, 1.24 s, 2.1 min, 3.5 h, 12 days."""
    if not math.isfinite(seconds) or seconds == 0:
        return f"{show_figure(seconds)} s"
    size = abs(float(f"{_as_written(seconds):.3g}"))
    for limit, unit, name in ((1e-3, 1e-6, "µs"), (1.0, 1e-3, "ms"), (100.0, 1.0, "s")):
        if size < limit:
            return f"{show_figure(seconds / unit)} {name}"
    if size < 2 * SECONDS_PER_HOUR:
        return f"{_one_decimal(seconds / SECONDS_PER_MINUTE)} min"
    if size < 2 * SECONDS_PER_DAY:
        return f"{_one_decimal(seconds / SECONDS_PER_HOUR)} h"
    return f"{_one_decimal(seconds / SECONDS_PER_DAY)} days"


def show_count(value: float, compact: bool = False) -> str:
    """Return a count: whole with commas (5,000,000), or compact (1.5k, 5M, 70B)."""
    if not abs(value) < BEYOND_WORDS:
        return show_figure(value)
    if not compact:
        return f"{value:,.0f}" if value == int(value) else show_figure(value) if abs(value) < 1e3 else f"{value:,.0f}"
    for unit, name in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(float(f"{_as_written(value):.3g}")) >= unit:
            return f"{show_figure(value / unit)}{name}"
    return show_figure(value)


TERM_WORDS: Final[Mapping[str, str]] = {
    "on_demand": "on demand",
    "spot": "spot",
    "reserved_1y": "reserved for 1 year",
    "reserved_3y": "reserved for 3 years",
    "owned": "owned",
}
"""How hardware is paid for."""


def show_bytes(value: float) -> str:
    """Return bytes in binary units: 131 GiB, 320 KiB, 12 B."""
    for unit, name in ((2.0**40, "TiB"), (GIB, "GiB"), (2.0**20, "MiB"), (KIB, "KiB")):
        if math.isfinite(value) and abs(float(f"{_as_written(value / unit):.3g}")) >= 1:
            return f"{show_figure(value / unit)} {name}"
    return f"{show_figure(value)} B"


def rounded_down(value: float) -> float:
    """Return what holds of a most that is shown: the next lower figure of three digits; a positive one."""
    return math.floor(value / (unit := 10.0 ** (math.floor(math.log10(value)) - 2))) * unit


def show_rate(value: float, unit: str = "requests/s") -> str:
    """Return a rate with its unit: 57.9 requests/s."""
    return f"{show_figure(value)} {unit}"


def show_usd(value: float) -> str:
    """Return an amount: $12,345, $3.29, $0.00123."""
    if not abs(value) < BEYOND_WORDS:
        return f"${show_figure(value)}"
    sign, size = ("-" if value < 0 else ""), abs(value)
    if size < 1e6:
        size = _as_written(size)
    if size == 0:
        return "$0"
    if round(size, 2) >= 100:
        return f"{sign}${size:,.0f}"
    return f"{sign}${size:.2f}" if size >= 0.1 else f"{sign}${show_figure(size)}"


def show_percent(share: float) -> str:
    """Return a share as a percentage: 20 %, 0.5 %, 113 %."""
    return f"{show_figure(share * 100)} %"


def _one_decimal(value: float) -> str:
    shown = f"{_as_written(value):,.1f}" if abs(value) < BEYOND_WORDS else f"{value:.3g}"
    return shown.removesuffix(".0")
