"""Measured points and a peer's predictions of them, read from CSV files: every field checked, errors name the line."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from catalogs.errors import InputError, listed, quoted

TEXTS: Final = (
    "id source locator engine engine_version model accelerator accelerator_as_printed weight_precision kv_precision "
    "load notes"
).split()
COUNTS: Final = "gpus tp pp ep dp concurrency batch repeats".split()
NUMBERS: Final = (
    "input_tokens output_tokens request_rate ttft_ms_mean ttft_ms_median ttft_ms_p95 ttft_ms_p99 itl_ms_mean "
    "itl_ms_median itl_ms_p99 e2e_ms_mean e2e_ms_median output_tokens_per_s output_tokens_per_s_per_gpu "
    "total_tokens_per_s requests_per_s prefill_tokens_per_s"
).split()
REQUIRED: Final = ("model", "accelerator", "load")
"""Columns without which no point can be predicted; any other counts as empty where it is missing."""

PEER_TEXTS: Final = ("measurement_id", "peer", "peer_version")
PEER_NUMBERS: Final = ("ttft_ms", "itl_ms")

LARGEST_BYTES: Final = 256 * 2**20
SMALLEST, LARGEST = 1e-9, 1e12
"""No figure of a benchmark lies beyond these, in any of its units; 0 may be printed for what was not measured."""

Point = Mapping[str, str]

SCORECARD: Final = Path(__file__).parent / "measurements" / "scorecard.csv"
"""Published points of 16 accelerators and 32 models that no fit may see, each with its source."""


def read_points(path: Path, content: bytes | None = None) -> list[Point]:
    """Return the rows of a measurements CSV; columns that it lacks are empty, others that it has are left out.

    A point without an id is called by its line. Raises InputError where the file cannot be read, lacks a column that is
    needed, or holds what is no number where one belongs; it names the line.

    Args:
        path: the file, or what it is called where its content is given.
        content: what was read already (standard input).
    """
    points: list[Point] = []
    for line, row in _rows(path, content, REQUIRED, "a CSV of measured points needs"):
        where = f"{quoted(str(path))}, line {line}"
        for name in REQUIRED:
            if not row[name]:
                raise InputError(f"{where}: {name} is empty; every point needs {listed(REQUIRED)}")
        point = {name: row.get(name, "") for name in TEXTS}
        point |= {name: _count(row.get(name, ""), f"{where}: {name}") for name in COUNTS}
        point |= {name: _number(row.get(name, ""), f"{where}: {name}") for name in NUMBERS}
        point["id"] = point["id"] or f"line {line}"
        points.append(point)
    return points


def scorecard_points() -> list[Point]:
    """Return the measured points that the program ships to be judged by."""
    return read_points(SCORECARD)


def read_peer_predictions(path: Path, content: bytes | None = None) -> list[Point]:
    """Return the rows of a CSV of a peer's predictions: measurement_id, peer, peer_version, ttft_ms, itl_ms.

    Raises InputError as ``read_points``; args as there.
    """
    rows: list[Point] = []
    for line, row in _rows(path, content, ("measurement_id",), "a CSV of a peer's predictions needs"):
        where = f"{quoted(str(path))}, line {line}"
        if not row.keys() & set(PEER_NUMBERS):
            raise InputError(
                f"{quoted(str(path))} predicts nothing: a CSV of a peer's predictions needs the column "
                f"{listed(PEER_NUMBERS)} beside measurement_id"
            )
        texts = {name: row.get(name, "") for name in PEER_TEXTS}
        rows.append(texts | {name: _number(row.get(name, ""), f"{where}: {name}") for name in PEER_NUMBERS})
    return rows


def _rows(
    path: Path, content: bytes | None, required: Sequence[str], needs: str
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each row that is not blank with its line number."""
    name = quoted(str(path))
    text = _decoded(_read(path) if content is None else content, name)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [field.strip() for field in next(reader, [])]
        _check_header(header, required, name, needs)
        found = False
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            if len(fields) != len(header):
                raise InputError(
                    f"{name}, line {reader.line_num} has {len(fields)} fields where the header has {len(header)}"
                )
            found = True
            yield reader.line_num, {key: field.strip() for key, field in zip(header, fields, strict=True)}
    except csv.Error as error:
        raise InputError(f"{name}, line {reader.line_num} is not CSV: {error}") from None
    if not found:
        raise InputError(f"{name} holds a header and no points")


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
    try:
        with path.open("rb") as file:
            return file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise InputError(f"there is no file {name}; give a CSV, or - for standard input") from None
    except OSError as error:
        raise InputError(f"{name} cannot be read: {(error.strerror or str(error)).lower()}") from error


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
    if not text:
        return ""
    try:
        value = float(text)
    except ValueError:
        raise InputError(f"{what} {quoted(text)} is not a number; leave it empty where it is unknown") from None
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
