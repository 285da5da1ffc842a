"""Measured points and a peer's predictions of them, read from CSV files: a row that cannot be read is refused alone."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from catalogs.errors import InputError, listed, quoted, reading

TEXTS: Final = (
    "id source locator engine engine_version model accelerator accelerator_as_printed weight_precision kv_precision "
    "sampling capacity_policy chunked load notes"
).split()
COUNTS: Final = "gpus tp pp ep dp concurrency batch max_sequences token_budget poll_steps prompts repeats".split()
SUMMARIES: Final = ("mean", "median", "p50", "p90", "p95", "p99", "p99.9")
"""Figures of a latency over requests."""
LATENCIES: Final = tuple(f"{metric}_ms_{summary}" for metric in ("ttft", "itl", "e2e") for summary in SUMMARIES)
NUMBERS: Final = (
    *"input_tokens input_tokens_cv output_tokens output_tokens_cv prefix_hit request_rate burstiness".split(),
    *LATENCIES,
    *"ttft_limit_ms itl_limit_ms output_tokens_per_s output_tokens_per_s_per_gpu total_tokens_per_s".split(),
    *"requests_per_s prefill_tokens_per_s".split(),
)
OTHER_NAMES: Final = (
    (re.compile(r"^tpot(?=_)"), "itl"),
    (re.compile(rf"^(ttft|itl|e2e)_({'|'.join(map(re.escape, SUMMARIES))})_ms$"), r"\1_ms_\2"),
)
"""How benchmarks name the columns otherwise: tpot_p99_ms for itl_ms_p99."""
REQUIRED: Final = ("model", "accelerator", "load")
"""Columns without which no point can be predicted; any other counts as empty where it is missing."""

PEER_TEXTS: Final = ("measurement_id", "peer", "peer_version")
PEER_NUMBERS: Final = ("ttft_ms", "itl_ms")

LARGEST_BYTES: Final = 256 * 2**20
SMALLEST, LARGEST = 1e-9, 1e12
"""No figure of a benchmark lies beyond these, in any of its units; 0 may be printed for what was not measured."""

ALL_AT_ONCE: Final = "inf"
"""The request rate, as it is kept, of a benchmark that sent all of its requests at once."""

Row = Mapping[str, str]

SCORECARD: Final = Path(__file__).parent / "measurements" / "scorecard.csv"
"""Published points of 16 accelerators and 32 models that no fit may see, each with its source."""


class RefusedRow(Struct, frozen=True):
    """A row that cannot be read."""

    id: str
    """As the row has it, else its line."""
    reason: str
    """With its line."""


class CsvRows(Struct, frozen=True):
    """The rows of a file: those that were read, at least one, and those that were refused."""

    rows: list[Row]
    refused: list[RefusedRow]


def read_points(path: Path, content: bytes | None = None) -> CsvRows:
    """Return the rows of a measurements CSV; columns that it lacks are empty, others that it has are left out.

    A point without an id is called by its line. A row is refused that lacks what every point needs, or holds what is
    no number where one belongs.

    Args:
        path: the file, or what it is called where its content is given.
        content: what was read already (standard input).

    Raises:
        InputError: the file cannot be read, lacks a column that is needed, or no row of it can be read.
    """
    return _read_rows(path, content, REQUIRED, "a CSV of measured points needs", _point)


def scorecard_points() -> list[Row]:
    """Return the measured points that the program ships to be judged by."""
    return read_points(SCORECARD).rows


def read_peer_predictions(path: Path, content: bytes | None = None) -> CsvRows:
    """Return the rows of a CSV of a peer's predictions: measurement_id, peer, peer_version, ttft_ms, itl_ms.

    Args and errors as ``read_points``.
    """
    return _read_rows(path, content, ("measurement_id",), "a CSV of a peer's predictions needs", _peer_prediction)


def _point(row: Row) -> Row:
    for name in REQUIRED:
        if not row[name]:
            raise InputError(f"{name} is empty; every point needs {listed(REQUIRED)}")
    return checked_point(row)


def checked_point(row: Row) -> Row:
    """Return a point with all columns, those that it lacks empty.

    Raises:
        InputError: a figure is none that a benchmark prints.
    """
    point = {name: row.get(name, "") for name in TEXTS}
    point |= {name: _count(row.get(name, ""), name) for name in COUNTS}
    return point | {name: _number(row.get(name, ""), name) for name in NUMBERS}


def _peer_prediction(row: Row) -> Row:
    if not row.keys() & set(PEER_NUMBERS):
        raise InputError(
            f"it predicts nothing: a CSV of a peer's predictions needs the column {listed(PEER_NUMBERS)} beside "
            "measurement_id"
        )
    texts = {name: row.get(name, "") for name in PEER_TEXTS}
    return texts | {name: _number(row.get(name, ""), name) for name in PEER_NUMBERS}


def _read_rows(
    path: Path, content: bytes | None, required: Sequence[str], needs: str, read: Callable[[Row], Row]
) -> CsvRows:
    """Return what ``read`` makes of each row of a file; where it raises InputError the row is refused.

    Args:
        path: as ``read_points``.
        content: as ``read_points``.
        required: columns.
        needs: what needs them, as a message says it.
        read: returns a row with its figures checked.
    """
    name = quoted(str(path))
    rows: list[Row] = []
    refused: list[RefusedRow] = []
    for line, cells in _lines(_decoded(_read(path) if content is None else content, name), required, name, needs):
        called = f"line {line}"
        try:
            if isinstance(cells, str):
                raise InputError(cells)
            row = read(cells)
        except InputError as error:
            known = "" if isinstance(cells, str) else cells.get("id", "")
            refused.append(RefusedRow(known or called, f"{called}: {error}"))
            continue
        rows.append({**row, "id": row["id"] or called} if "id" in row else row)
    if not rows and not refused:
        raise InputError(f"{name} holds a header and no points")
    if not rows:
        others = f" (none of its {len(refused)} rows can be read)" if len(refused) > 1 else ""
        raise InputError(f"{name}, {refused[0].reason}{others}")
    return CsvRows(rows, refused)


def _lines(text: str, required: Sequence[str], name: str, needs: str) -> Iterator[tuple[int, dict[str, str] | str]]:
    """Yield the line on which each row that is not blank begins, with its cells or what is wrong with them."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader, None)
        except csv.Error as error:
            if header is None:
                raise InputError(f"{name}, line {line} is not CSV: {error}") from None
            yield line, f"it is not CSV: {error}"
            continue
        if header is None:
            header = [_column(field.strip()) for field in fields or ()]
            _check_header(header, required, name, needs)
        elif fields is None:
            return
        elif len(fields) != len(header) and any(field.strip() for field in fields):
            yield line, f"it has {len(fields)} fields where the header has {len(header)}"
        elif any(field.strip() for field in fields):
            yield line, {key: field.strip() for key, field in zip(header, fields, strict=True)}


def _column(name: str) -> str:
    for other, ours in OTHER_NAMES:
        name = other.sub(ours, name)
    return name


def _check_header(header: Sequence[str], required: Sequence[str], name: str, needs: str) -> None:
    if not any(header):
        raise InputError(f"{name} is empty; {needs} a header with {' and '.join(required)}")
    missing = [column for column in required if column not in header]
    if missing:
        what = "column" if len(missing) == 1 else "columns"
        separated = ", separated by commas" if len(header) == 1 else ""
        raise InputError(
            f"{name}, line 1 lacks the {what} {', '.join(missing)}; it holds {quoted(', '.join(header))}, and {needs} "
            f"a header with {' and '.join(required)}{separated}"
        )
    twice = sorted({column for column in header if column and header.count(column) > 1})
    if twice:
        raise InputError(f"{name}, line 1 holds the column {twice[0]} twice")


def _read(path: Path) -> bytes:
    name = quoted(str(path))
    with reading(name, "give a CSV, or - for standard input"), path.open("rb") as file:
        return file.read(LARGEST_BYTES + 1)


def _decoded(raw: bytes, name: str) -> str:
    if len(raw) > LARGEST_BYTES:
        raise InputError(f"{name} is larger than {LARGEST_BYTES // 2**20} MiB, more than any set of points")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(f"{name}, line {line} is not UTF-8 text; a CSV is expected") from error
    if "\0" in text:
        raise InputError(f"{name}, line {text[: text.index(chr(0))].count(chr(10)) + 1} is binary; a CSV is expected")
    return text


def _number(text: str, what: str) -> str:
    """Return a figure as it was written, or nothing; raise InputError for what is none that a benchmark prints."""
    if not text:
        return ""
    if what == "request_rate" and text.lower().lstrip("+") in ("inf", "infinity"):
        return ALL_AT_ONCE
    try:
        value = float(text)
    except ValueError:
        raise InputError(
            f"{what} {quoted(text)} is not a number, without a unit or separators; leave it empty where it is unknown"
        ) from None
    if value != 0 and not SMALLEST <= value <= LARGEST:
        raise InputError(f"{what} {quoted(text)} is not a number from {SMALLEST:g} to {LARGEST:g}")
    return text


def _count(text: str, what: str) -> str:
    if not _number(text, what):
        return ""
    value = float(text)
    if value != int(value) or value < 1:
        raise InputError(f"{what} {quoted(text)} is not a whole number above 0; leave it empty where it is unknown")
    return str(int(value))
