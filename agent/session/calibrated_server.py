"""Benchmark files → a calibration of the server that they measured: for the command and the conversation."""

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path, PurePath
from typing import Final, Literal

from msgspec import Struct

from catalogs.benchmark_files import BenchmarkFile, read_benchmark_file, read_benchmark_files
from catalogs.catalog import Catalog
from catalogs.errors import IncompleteInput, InputError, UnknownName, quoted
from catalogs.measurement_files import Row, checked_point
from catalogs.records.calibrations import CalibrationInput
from engine.calibration.against import HeldPlan, held_against
from engine.calibration.calibrate import CalibrationRun, calibrate
from engine.calibration.design import BenchmarkedLoad, NextMeasurement, next_measurements
from engine.plan import CapacityPlan
from engine.planning.calibrated import catalog_of

LONGEST_NAME: Final = 60


class MeasuredServer(Struct, frozen=True):
    """How the server was started, as far as somebody said; None: not said."""

    model: str | None = None
    accelerator: str | None = None
    runtime: str | None = None
    precision: str | None = None
    kv_precision: str | None = None
    tp: int | None = None
    pp: int | None = None
    dp: int | None = None
    ep: int | None = None
    replicas: int | None = None
    by_plan: bool = False
    """It is a plan that says so, not flags."""

    def contradicted(self, written: str, flag: str, said: object) -> InputError:
        """Return the refusal of a file that is of another server.

        Args:
            written: what the file says, a clause.
            flag: that says otherwise, where it was a flag.
            said: by it, or by the plan.
        """
        if self.by_plan:
            return InputError(f"{written}, and the plan's is {said}: hold the plan against runs of its own replica")
        return InputError(f"{written}, and {flag} says {said}: leave one of them out")


def calibrated(
    files: Sequence[Path],
    server: MeasuredServer,
    catalog: Catalog,
    *,
    made: date,
    name: str | None = None,
    content: bytes | None = None,
    wanted: Sequence[BenchmarkedLoad] = (),
    insist: bool = False,
) -> tuple[CalibrationRun, tuple[NextMeasurement, ...]]:
    """Return the calibration that files give, and what to measure next.

    Args:
        files: results of benchmarks, or folders of them.
        made: the day.
        name: of the calibration; None: made of the runtime's and the model's.
        content: of the one file, where it was read already (standard input).
        wanted: loads at which bands are to be narrow; none: all that a run may have.
        insist: take step times that lie far from any forecast.

    Raises:
        InputError: a file cannot be read, holds nothing to calibrate on, or contradicts what was said.
        IncompleteInput: nobody says something of the server.
    """
    read = read_benchmark_files(files) if content is None else [read_benchmark_file(files[0], content)]
    logs = [file for file in read if file.memory]
    told = logs[-1].memory.columns if logs and logs[-1].memory else {}
    of_log = {name: str(value) for name, value in told.items() if value is not None}
    said: list[Row] = [
        {**row, **{name: row[name] or of_log[name] for name in of_log}} for file in read for row in file.rows
    ]
    if logs and not said:
        stand_in = {"id": logs[-1].path.name, "load": "offline", "input_tokens": "1", "output_tokens": "1"}
        said = [checked_point(stand_in | of_log)]
    rows = rows_of_server(said, server, catalog)
    if not rows:
        raise InputError(f"{quoted(str(files[0]))} holds no point: a run that measured latency or throughput is needed")
    from engine.accuracy.benchmarks import benchmark_latencies

    called = checked_name(name) if name else _name_of(rows[0]["engine"], catalog.model(rows[0]["model"]).model.id)
    run = calibrate(
        rows,
        catalog,
        name=called,
        made=made,
        inputs=_inputs(read),
        simulator=benchmark_latencies,
        memory=logs[-1].memory if logs else None,
        insist=insist,
    )
    return run, next_measurements(run.calibration, run.points, catalog, wanted) if run.points else ()


def held_plan(plan: CapacityPlan, files: Sequence[Path], catalog: Catalog, *, content: bytes | None = None) -> HeldPlan:
    """Return a plan held against results of a benchmark of one of its replicas; what files do not say is the plan's.

    Args:
        files: results, or folders of them.
        content: of the one file, where it was read already.

    Raises:
        InputError: a file cannot be read, is of another system, or holds nothing to compare.
    """
    read = read_benchmark_files(files) if content is None else [read_benchmark_file(files[0], content)]
    rows = rows_of_server([row for file in read for row in file.rows], server_of(plan), catalog)
    from engine.accuracy.benchmarks import benchmark_latencies

    held = held_against(plan, rows, catalog_of(plan, catalog), benchmark_latencies)
    if not held.figures:
        raise InputError(held.unused[0] if held.unused else "no run measured ITL or TTFT")
    return held


def server_of(plan: CapacityPlan) -> MeasuredServer:
    """Return a replica of a plan as a server that was measured."""
    chosen = plan.chosen
    runtime = f"{chosen.runtime}@{chosen.runtime_version}" if chosen.runtime_version else chosen.runtime
    return MeasuredServer(
        model=plan.spec.model,
        accelerator=chosen.accelerator,
        runtime=runtime,
        precision=chosen.precision.weights,
        kv_precision=chosen.precision.kv_cache,
        tp=chosen.tensor_parallel,
        pp=chosen.pipeline_parallel if chosen.pipeline_parallel > 1 else None,
        dp=chosen.data_parallel if chosen.data_parallel > 1 else None,
        ep=chosen.expert_parallel if chosen.expert_parallel > 1 else None,
        by_plan=True,
    )


def _inputs(read: Sequence[BenchmarkFile]) -> list[CalibrationInput]:
    return [
        CalibrationInput(
            file=file.path.name, sha256=hashlib.sha256(file.content).hexdigest(), tool=file.tool, points=len(file.rows)
        )
        for file in read
        if file.rows or file.memory
    ]


def _name_of(*parts: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", "-".join(filter(None, parts)).lower()).strip("-._")[:LONGEST_NAME]


def checked_name(name: str) -> str:
    """Return the name of a calibration, which is one of a file too.

    Raises:
        InputError: it is none.
    """
    if name != _name_of(name):
        raise InputError(
            f"--name {quoted(name)} cannot name a calibration: give small letters, digits, points and hyphens, such as "
            "prod-h100"
        )
    return name


def rows_of_server(rows: Sequence[Row], server: MeasuredServer, catalog: Catalog) -> list[Row]:
    """Return rows with what was said of their server.

    Raises:
        IncompleteInput: something is said by neither; all of it is named, with its flags.
        InputError: both say different things, or a name is unknown.
    """
    missing: dict[str, None] = {}
    filled = [_filled(row, server, catalog, missing) for row in rows]
    if missing:
        raise IncompleteInput([*missing])
    return filled


def _filled(row: Row, server: MeasuredServer, catalog: Catalog, missing: dict[str, None]) -> Row:
    """Return a row with what was said; what nobody said goes among the missing."""
    engine, version = _runtime(row, server, catalog, missing)
    sizes = {name: getattr(server, name) or int(row[name] or 0) for name in ("tp", "pp", "dp", "ep")}
    for name, flag in (("tp", server.tp), ("pp", server.pp), ("dp", server.dp), ("ep", server.ep)):
        if flag and row[name] and int(row[name]) != flag:
            raise server.contradicted(f"{row['id']} says {name} {row[name]}", f"--{name}", flag)
    if not row["gpus"] and not sizes["tp"]:
        missing["tensor parallelism (--tp)"] = None
    gpus = (sizes["tp"] or 1) * (sizes["pp"] or 1) * (sizes["dp"] or 1) * (server.replicas or 1)
    return {
        **row,
        "model": _model(row, server, catalog, missing),
        "accelerator": _accelerator(row, server, catalog, missing),
        "engine": engine,
        "engine_version": version,
        "weight_precision": _precision(row["weight_precision"], server, "precision", catalog),
        "kv_precision": _precision(row["kv_precision"], server, "kv_precision", catalog),
        **{name: str(size) if size else "" for name, size in sizes.items()},
        "gpus": row["gpus"] or str(gpus),
    }


def _model(row: Row, server: MeasuredServer, catalog: Catalog, missing: dict[str, None]) -> str:
    """Return the model that was served: what was said, unless the file names another that is known."""
    said = None if server.model is None else catalog.model(server.model)
    name, written = row["model"], None
    for name in dict.fromkeys((row["model"], PurePath(row["model"]).name)):  # a folder of the server's is called so too
        with suppress(InputError):
            written = catalog.model(name) if name else None
            break
    if said and written and said.model.id != written.model.id:
        raise server.contradicted(f"the model of {row['id']} is {row['model']}", "--model", server.model)
    if said and server.model:
        return server.model
    if written is None:
        called = f", which the file calls {quoted(row['model'])}" if row["model"] else ""
        missing[f"the model{called} (--model)"] = None
    return name


def _accelerator(row: Row, server: MeasuredServer, catalog: Catalog, missing: dict[str, None]) -> str:
    said = catalog.accelerator(server.accelerator).id if server.accelerator else ""
    written = catalog.accelerator(row["accelerator"]).id if row["accelerator"] else ""
    if said and written and said != written:
        raise server.contradicted(f"the accelerator of {row['id']} is {written}", "--gpu-type", said)
    if not said and not written:
        missing["the accelerator (--gpu-type)"] = None
    return said or written


def _runtime(row: Row, server: MeasuredServer, catalog: Catalog, missing: dict[str, None]) -> tuple[str, str]:
    """Return the runtime that served and its version; the file's where nobody said another."""
    if server.runtime:
        id, _, version = catalog.runtime_name(server.runtime).partition("@")
        return id, version or row["engine_version"]
    with suppress(UnknownName):
        if row["engine"]:
            catalog.runtime(row["engine"].partition("@")[0])
            return row["engine"], row["engine_version"]
    missing["the serving runtime (--runtime, such as vllm@0.11)"] = None
    return "", ""


def _precision(
    written: str, server: MeasuredServer, which: Literal["precision", "kv_precision"], catalog: Catalog
) -> str:
    said, flag = getattr(server, which), f"--{which.replace('_', '-')}"
    if said and written and catalog.precision(said).id != catalog.precision(written).id:
        raise server.contradicted(f"the file's {flag[2:]} is {written}", flag, said)
    return catalog.precision(said).id if said else written
