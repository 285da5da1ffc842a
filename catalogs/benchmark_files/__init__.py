"""Result files of benchmark tools, read as measured points: each tool is a module here that holds ``TOOL``.

To be here is to be registered. A tool looks at one document (a JSON object, or the text of a file that is none) and
returns what it measured as columns of a measurements CSV, or None where another tool wrote it. What a document does not
say (the accelerator, how the server was started) stays empty: whoever ran the benchmark knows.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Final

from msgspec import Struct

from catalogs.errors import InputError, listed, quoted, reading
from catalogs.measurement_files import LARGEST_BYTES, Row, checked_point, read_points

Columns = Mapping[str, object]
"""Of one measured point: columns of a measurements CSV; None is unknown."""

Document = dict[str, Any] | str
"""A JSON object, or a file's text where it is no JSON."""


class ServerMemory(Struct, frozen=True):
    """What a server's log says of its memory."""

    pool_tokens: float
    """That its KV cache holds, of one data-parallel rank."""
    weights_gib: float | None = None
    """On one accelerator."""
    utilisation: float | None = None
    """Share of memory that the server was allowed."""
    columns: Mapping[str, object] = {}
    """What the log says of the server: columns of a measurements CSV."""


Measured = Columns | Sequence[Columns] | ServerMemory
"""One point or several, or what a server says of itself."""


class BenchmarkTool(Struct, frozen=True):
    """A tool whose result files can be read."""

    name: str
    """As people call it: 'vllm bench serve'."""
    read: Callable[[Document], Measured | None]
    """Returns what a document of the tool measured; None for one of another tool. Raises InputError."""
    engine: str = ""
    """The runtime that the tool comes with, which it is likely to have measured; empty where it comes with none."""


class BenchmarkFile(Struct, frozen=True):
    """A result file, read."""

    path: Path
    tool: str
    content: bytes
    rows: tuple[Row, ...]
    memory: ServerMemory | None = None


def tools() -> list[BenchmarkTool]:
    """Return all tools whose files can be read."""
    return [
        import_module(f"{__name__}.{module.name}").TOOL
        for module in iter_modules(__path__)
        if not module.name.startswith("_")
    ]


def files_in(paths: Sequence[Path]) -> list[Path]:
    """Return files, those of a folder (a --result-dir) one by one.

    Raises:
        InputError: a folder holds none that a benchmark writes.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
            if not inside:
                raise InputError(f"the folder {quoted(str(path))} holds no {listed(SUFFIXES)} file")
            files += inside
        else:
            files.append(path)
    return files


SUFFIXES: Final = (".json", ".jsonl", ".csv", ".yaml", ".yml", ".log", ".txt", ".md", ".prom")
"""Of the files that benchmarks write."""


def read_benchmark_file(path: Path, content: bytes | None = None) -> BenchmarkFile:
    """Return the points that a benchmark's file holds, whichever tool wrote it.

    Args:
        path: the file, or what it is called where its content is given.
        content: what was read already (standard input).

    Raises:
        InputError: it cannot be read, no tool here writes such files, or it holds what no benchmark prints.
    """
    name = quoted(str(path))
    if content is None:
        with reading(name, "give a benchmark's result file"), path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    text = _text(content, name)
    documents = _documents(text, name)
    known = tools()
    rows: list[Row] = []
    memory: ServerMemory | None = None
    names: list[str] = []
    try:
        for document in documents:
            tool, measured = _measured(document, known)
            if tool is None:
                continue
            names.append(tool.name)
            if isinstance(measured, ServerMemory):
                memory = measured
            else:
                points = [measured] if isinstance(measured, Mapping) else measured
                rows += [_row({"engine": tool.engine, **one}, path, len(rows) + at) for at, one in enumerate(points, 1)]
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    if names:
        return BenchmarkFile(path, names[0], content, tuple(rows), memory)
    if isinstance(documents[0], str) and "," in text.partition("\n")[0]:
        read = read_points(path, content)
        if read.refused:
            raise InputError(f"{name}, {read.refused[0].reason}")
        return BenchmarkFile(path, "CSV", content, tuple(read.rows))
    raise UnknownResultError(
        f"{name} is no result that can be read; give one of {listed([tool.name for tool in known])}, or a CSV of points"
    )


class UnknownResultError(InputError):
    """A file that no tool here wrote."""


def read_benchmark_files(paths: Sequence[Path]) -> list[BenchmarkFile]:
    """Return what files hold; those of a folder (a --result-dir) that no tool wrote are passed over.

    A tool that writes its result in several formats beside each other is read once.

    Raises:
        InputError: as ``read_benchmark_file``, or a folder holds no result at all.
    """
    read: list[BenchmarkFile] = []
    for path in paths:
        inside, strange = [], None
        for file in files_in([path]):
            try:
                inside.append(read_benchmark_file(file))
            except UnknownResultError as refusal:
                strange = refusal
        if strange and (not inside or not path.is_dir()):
            raise strange
        read += {(one.tool, one.path.with_suffix("")): one for one in inside}.values()  # JSON after its CSV
    return read


def _measured(document: Document, known: Sequence[BenchmarkTool]) -> tuple[BenchmarkTool | None, Measured]:
    for tool in known:
        measured = tool.read(document)
        if measured is not None:
            return tool, measured
    return None, ()


def _text(content: bytes, name: str) -> str:
    if len(content) > LARGEST_BYTES:
        raise InputError(f"{name} is larger than {LARGEST_BYTES // 2**20} MiB, more than any result of a benchmark")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{name} is not text; a benchmark's result file is expected") from None
    if not text.strip():
        raise InputError(f"{name} is empty; a benchmark's result file is expected")
    return text


def _documents(text: str, name: str) -> list[Document]:
    """Return the JSON objects of a text: one, a list of them, or one a line; the text itself where it is no JSON.

    Raises:
        InputError: it begins as JSON and breaks off.
    """
    first = text.lstrip()[0]
    if first not in "{[":
        return [text]
    try:
        tree = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        lines: list[Document] = [*_json_lines(text)]
        if lines:
            return lines
        if first == "[" and "\n" in text:
            return [text]  # a log: [INFO] …
        where = f": {error}" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(f"{name} breaks off or is no JSON{where}") from None
    if isinstance(tree, list):
        if not tree or not all(isinstance(item, dict) for item in tree):
            raise InputError(f"{name} is a list of no results; a benchmark's result file is expected")
        return [{"": tree}] if all("avg_ts" in item for item in tree) else tree  # llama-bench
    return [tree]


def _json_lines(text: str) -> Iterator[dict[str, Any]]:
    """Yield the object of each line; nothing where a line is none."""
    objects = []
    for line in filter(str.strip, text.splitlines()):
        try:
            objects.append(json.loads(line))
        except (json.JSONDecodeError, RecursionError):
            return
    if all(isinstance(item, dict) for item in objects):
        yield from objects


def _row(columns: Columns, path: Path, position: int) -> Row:
    """Return the row of a measurements CSV that a tool's columns make, checked.

    Raises:
        InputError: a figure is none that a benchmark prints, or several contradict each other.
    """
    texts = {name: _shown(value) for name, value in columns.items() if value is not None}
    row = checked_point({"id": f"{path.name} no. {position}", **texts})
    check_units(row)
    return row


def _shown(value: object) -> str:
    return f"{value:.8g}" if isinstance(value, float) else str(value)


OFF_BY: Final = 30.0
"""Factor between figures that should agree from which one is in another unit: between 1 and 1,000."""


def check_units(row: Row) -> None:
    """Refuse a point whose latencies and throughput cannot both be right: one of them is in another unit.

    By Little's law the requests in flight are the rate times the time that each takes.

    Raises:
        InputError: they differ by a factor of 30 or more.
    """
    figures = {name: float(row[name]) for name in ("requests_per_s", "output_tokens_per_s") if row.get(name)}
    output = float(row.get("output_tokens") or 0)
    together = float(row.get("concurrency") or row.get("batch") or 0)
    itl = float(row.get("itl_ms_mean") or row.get("itl_ms_median") or 0)
    ttft = float(row.get("ttft_ms_mean") or row.get("ttft_ms_median") or 0)
    rate = figures.get("requests_per_s") or (figures.get("output_tokens_per_s", 0) / output if output else 0)
    if not (together and rate and itl and output > 1):
        return
    by_latency = rate * (ttft + itl * (output - 1)) / 1e3
    if by_latency > OFF_BY * together or by_latency * OFF_BY < together / 3:
        raise InputError(
            f"TTFT {ttft:g} ms and ITL {itl:g} ms do not go with {rate:.3g} requests/s of {together:g} clients: the "
            "latencies or the rate are in another unit"
        )
