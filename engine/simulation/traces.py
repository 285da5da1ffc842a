"""Recorded loads: the lines of a trace file → requests, in chunks, so that a file of any length takes little memory.

| format | first line |
|---|---|
| our own CSV | ``arrival_s,input_tokens,output_tokens``, if known ``cached_tokens``, ``prefix``, ``shared_tokens`` |
| Azure LLM inference, 2023 and 2024 | ``TIMESTAMP,ContextTokens,GeneratedTokens`` |
| BurstGPT | ``Timestamp,…,Request tokens,Response tokens,…``; failed requests (no response tokens) are left out |
| lengths with a time | ``timestamp_s``, ``timestamp_ms`` or ``timestamp``, and ``input_length,output_length`` |
| Mooncake, Qwen-Bailian | JSON lines: ``timestamp``, ``input_length``, ``output_length`` and, if known, ``hash_ids`` |

The unit of a bare ``timestamp`` of the last two is detected (``timestamps``). Times count from the first request. A
prompt or an answer of no tokens counts as one. ``prefix`` is a number that prompts which begin alike have in common,
and ``shared_tokens`` how many of their first tokens are the same.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from math import isfinite
from typing import NamedTuple

import numpy as np

from catalogs.errors import InputError, quoted
from engine.simulation.requests import CHUNK, Requests, requests_of
from engine.simulation.timestamps import UNITS_PER_SECOND, Timestamps, TimeUnit

EXPECTED = (
    "a header such as arrival_s,input_tokens,output_tokens (or Azure's, BurstGPT's, or Mooncake's JSON lines) "
    "was expected"
)


LIMIT = 2**63
"""Whole numbers below it can be held."""


class _Row(NamedTuple):
    """One request as its line says it."""

    time: float
    """In the unit of the file."""
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    prefix: int | None = None
    shared_tokens: int = 0


_Reader = Callable[[str], _Row | None]
"""A line → its request; None for one that is to be left out. Raises ValueError saying what was wrong."""


def read_trace(
    lines: Iterable[str], name: str, *, speed_up: float = 1.0, size: int = CHUNK, timestamps: Timestamps | None = None
) -> Iterator[Requests]:
    """Yield the requests of a trace, ``size`` at a time.

    Args:
        lines: of the file; read as they are needed.
        name: of the file, for messages.
        speed_up: 10 replays the trace at ten times its rate.
        size: requests, by the first of which a unit is detected.
        timestamps: states their unit, and is given what is to be said of it.

    Raises:
        InputError: naming the line and what was expected there.
    """
    numbered = ((number, line.strip()) for number, line in enumerate(lines, 1))
    filled: Iterator[tuple[int, str]] = ((number, line) for number, line in numbered if line)
    number, header = next(filled, (1, ""))
    if not header:
        raise InputError(f"{name} is empty; {EXPECTED}")
    header = header.removeprefix("\ufeff")
    if header.startswith("{"):
        reader: _Reader = _json_request
        own_unit: TimeUnit | None = None
        filled = chain([(number, header)], filled)
    else:
        reader, own_unit = _csv_reader(header, f"{name}, line {number}", stated=bool(timestamps and timestamps.unit))
    timestamps = timestamps or Timestamps()
    unit = timestamps.unit or own_unit
    start = previous = 0.0
    count = 0
    rows: list[_Row] = []
    for number, line in filled:
        try:
            row = reader(line)
            if row is None:
                continue
            if count and row.time < previous:
                gap = previous - row.time
                before = f"{gap / UNITS_PER_SECOND[unit]:g} s" if unit else f"{gap:g}"
                raise ValueError(
                    f"the request comes {before} before the one above it; lines in order of arrival were expected"
                )
        except ValueError as wrong:
            raise InputError(f"{name}, line {number}: {wrong}") from None
        start = row.time if not count else start
        previous = row.time
        rows.append(row)
        count += 1
        if len(rows) == size:
            unit = timestamps.read_as(own_unit, [row.time for row in rows]) if count == size else unit
            yield _requests(rows, start, unit, speed_up, count - len(rows))
            rows = []
    if not count:
        raise InputError(f"{name} holds no request; lines after its header were expected")
    if rows:
        unit = timestamps.read_as(own_unit, [row.time for row in rows]) if count == len(rows) else unit
        yield _requests(rows, start, unit, speed_up, count - len(rows))


def _requests(rows: list[_Row], start: float, unit: TimeUnit | None, speed_up: float, before: int) -> Requests:
    per_second = UNITS_PER_SECOND[unit or "s"]
    return requests_of(
        (np.array([row.time for row in rows], dtype=float) / per_second - start / per_second) / speed_up,
        np.maximum(np.array([row.input_tokens for row in rows], dtype=np.int64), 1),
        np.maximum(np.array([row.output_tokens for row in rows], dtype=np.int64), 1),
        np.array([row.cached_tokens for row in rows], dtype=np.int64),
        np.array([before + at if row.prefix is None else row.prefix for at, row in enumerate(rows)], dtype=np.int64),
        np.array([row.shared_tokens for row in rows], dtype=np.int64),
    )


def _csv_reader(header: str, where: str, *, stated: bool) -> tuple[_Reader, TimeUnit | None]:
    """Return what reads a line below a header, and the unit of its timestamps; None where it is to be detected."""
    names = [part.strip().strip('"').lower() for part in header.split(",")]
    formats: tuple[tuple[tuple[str, str, str], Callable[[str], float], TimeUnit | None, bool], ...] = (
        (("arrival_s", "input_tokens", "output_tokens"), _number, "s", False),
        (("timestamp", "contexttokens", "generatedtokens"), date_seconds, "s", False),
        (("timestamp", "request tokens", "response tokens"), _number, "s", True),
        (("timestamp_s", "input_length", "output_length"), _number, "s", False),
        (("timestamp_ms", "input_length", "output_length"), _number, "ms", False),
        (("timestamp", "input_length", "output_length"), _number, None, False),
    )
    # The format of which most columns are there: a missing one is then named.
    columns, time_of, unit, skips_failures = max(formats, key=lambda known: sum(column in names for column in known[0]))
    missing = [column for column in columns if column not in names]
    if len(missing) == len(columns):
        raise InputError(f"{where}: {quoted(header)} is no header; {EXPECTED}")
    if missing:
        raise InputError(
            f"{where}: the column {' and the column '.join(missing)} is missing; {','.join(columns)} were expected"
        )
    if stated and time_of is date_seconds:
        raise InputError(f"{where}: its timestamps are dates, which have no unit: leave --trace-unit out")
    time_at, input_at, output_at = (names.index(column) for column in columns)
    known = {name: names.index(name) for name in ("cached_tokens", "prefix", "shared_tokens") if name in names}
    if "shared_tokens" in known and "prefix" not in known:
        raise InputError(f"{where}: shared_tokens needs the column prefix, which says whose prompts begin alike")
    width = len(names)

    def read(line: str) -> _Row | None:
        parts = line.split(",")
        if len(parts) != width:
            raise ValueError(f"{len(parts)} values; {width} were expected, as in the header ({header})")
        answer = _tokens(parts[output_at], columns[2])
        if skips_failures and answer == 0:
            return None
        said = {name: _tokens(parts[at], name) for name, at in known.items()}
        return _Row(time_of(parts[time_at]), _tokens(parts[input_at], columns[1]), answer, **said)

    return read, unit


def _tokens(text: str, column: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = -1
        # Some tools write whole numbers as 12.0.
        if text.strip().endswith(".0") and text.strip()[:-2].isdigit():
            value = int(text.strip()[:-2])
        if value < 0:
            raise ValueError(f"{column} is {quoted(text)}; a whole number of tokens was expected") from None
    if not 0 <= value < LIMIT:
        raise ValueError(f"{column} is {quoted(value)}; a number of tokens from 0 to below 2^63 was expected")
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise ValueError(f"the time is {quoted(text)}; a number was expected")
    return value


def date_seconds(text: str) -> float:
    """Return a date and time as seconds; without a zone it is taken as UTC.

    Raises:
        ValueError: saying what was expected.
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f"the time is {quoted(text)}; a date such as 2023-11-16 18:15:46.680 was expected") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _json_request(line: str) -> _Row:
    try:
        record = json.loads(line)
        values = [record[name] for name in ("timestamp", "input_length", "output_length")]
        hashes = record.get("hash_ids") or []
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(
            f"{quoted(line)} is not a request; a JSON object with timestamp, input_length and output_length "
            "was expected"
        ) from None
    for name, value in zip(("timestamp", "input_length", "output_length"), values, strict=True):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < LIMIT:
            raise ValueError(f"{name} is {quoted(value)}; a number from 0 to below 2^63 was expected")
    first = hashes[0] if hashes else None
    return _Row(float(values[0]), int(values[1]), int(values[2]), prefix=first if isinstance(first, int) else None)
