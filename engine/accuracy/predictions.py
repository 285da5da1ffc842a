"""Predicting measured points: the figures that each row's benchmark would have printed, many rows at once."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import FleetcastError
from catalogs.records.protocols import LatencyLimits
from catalogs.records.runtimes import Scheduler
from engine.accuracy.benchmarks import MOST_REQUESTS, Benchmark, OpenLoop, Printed, Progress, benchmark_of, scheduler_of
from engine.accuracy.capacities import largest_rate
from engine.accuracy.columns import FIGURES, columns_of, metric_of
from engine.accuracy.loads import bands_at_rate, figures_of
from engine.accuracy.points import BenchmarkLoad, MeasuredPoint, System, Unpredictable, read_point, tokens_of
from engine.accuracy.systems import SystemTables, system_tables
from engine.bands.lookup import CaseBand, Level, band_of, new_levels
from engine.fleet.candidates import Candidates
from engine.question.lengths import lengths_of
from engine.question.resolve import Question
from engine.replica.batches import batch_at_rate
from engine.replica.closed_forms import LoadFigures
from engine.simulation import step_model_of
from engine.step.table import StepTables


class Prediction(Struct, frozen=True):
    """One metric of one row."""

    column: str
    measured: float
    predicted: float
    band: CaseBand | None = None
    """Null where the metric has none."""

    def ends(self, level: int = 80) -> tuple[float, float] | None:
        """Return the ends of the band at 50, 80 or 95 %."""
        if self.band is None:
            return None
        low, high = self.band.ends(level)
        return self.predicted * low, self.predicted * high


Outcome = tuple[Prediction, ...] | str
"""A row's predictions, or the reason why there are none."""


WITH_CLIENT = ("ttft", "e2e")
"""Metrics that hold what the client adds."""

MOST_REPLICAS = 4
"""Replicas behind a router that are simulated; larger fleets balance better still."""

Reading = MeasuredPoint | str
"""A row, read, or the reason why it cannot be predicted."""


Simulator = Callable[[Sequence[Benchmark | OpenLoop]], Sequence[Printed | None]]
"""Such as ``benchmark_latencies``."""


def read(row: Mapping[str, str], catalog: Catalog) -> Reading:
    """Read a row; what it lacks, or names that nobody knows, is a reason and no exception."""
    try:
        point = read_point(row, catalog)
    except (Unpredictable, FleetcastError) as reason:
        return str(reason)
    except ValueError as reason:
        return f"a figure cannot be read: {reason}"
    return point if columns_of(row) else "the row measures no ITL, TTFT, end-to-end time or throughput"


def predict_points(
    points: Sequence[Reading], catalog: Catalog, simulator: Simulator | None = None, progress: Progress | None = None
) -> list[Outcome]:
    """Return each point's predictions, or why there are none; those of one system and load are computed together.

    Args:
        points: rows, read.
        simulator: TTFT of closed loops and all latencies of open ones come from simulating how each was run; without
            one from the closed forms, which constants are fitted with.
        progress: called as points are predicted, with how many of how many; the simulator has its own.
    """
    benchmarks: dict[int, Benchmark | OpenLoop] = {}
    outcomes: list[Outcome] = [point if isinstance(point, str) else "" for point in points]
    groups: dict[System, dict[BenchmarkLoad, list[tuple[int, MeasuredPoint]]]] = defaultdict(lambda: defaultdict(list))
    for index, point in enumerate(points):
        if isinstance(point, MeasuredPoint) and point.load.limits:
            outcomes[index], served = _predict_capacity(point, point.load.limits, catalog)
            benchmarks |= {} if served is None else {index: served}
        elif not isinstance(point, str):
            groups[point.system][point.load].append((index, point))
    done = 0
    for system, loads in groups.items():
        done += sum(len(members) for members in loads.values())
        if progress:
            progress(done, len(points))
        settings = {point.setting for members in loads.values() for _, point in members}
        tables, refused = system_tables(system, settings, catalog)
        for load, members in loads.items():
            kept = [(index, point) for index, point in members if point.setting not in refused]
            for index, point in members:
                outcomes[index] = refused.get(point.setting, "")
            if kept and tables is not None:
                predicted = _predict_load(tables, load, [point for _, point in kept], simulated=simulator is not None)
                for (index, _), (outcome, benchmark) in zip(kept, predicted, strict=True):
                    outcomes[index] = outcome
                    if benchmark is not None:
                        benchmarks[index] = benchmark
    printed = simulator(list(benchmarks.values())) if simulator is not None and benchmarks else []
    for index, figures in zip(benchmarks, printed, strict=False):
        outcomes[index] = _simulated(outcomes[index], figures, points[index])
    return outcomes


def is_burst(point: MeasuredPoint) -> bool:
    """Return whether a closed loop is over before it settles: most of its prompts were sent at its start."""
    return point.load.kind == "closed_loop" and point.load.protocol.prompts_per_client < SETTLES


SETTLES: Final = 3
"""Prompts of a client from which most of what a closed loop prints is no longer its first burst; judgement."""


def _simulated(outcome: Outcome, printed: Printed | None, point: Reading) -> Outcome:
    """Return a benchmark's predictions with what its simulation prints; bands keep their width.

    ITL and E2E of a closed loop stay the closed form's, with which constants are fitted, except for their percentiles
    and where it is a burst.
    """
    if printed is None or isinstance(point, str) or isinstance(outcome, str):
        return outcome
    client_ms = point.load.protocol.client_s * 1e3
    settled = point.load.kind == "closed_loop" and not is_burst(point)
    by_formula = ("itl_ms_mean", "itl_ms_median", "e2e_ms_mean") if settled else ()
    predictions = {item.column: item for item in outcome}
    bands = {metric_of(item.column): item.band for item in outcome}
    bands |= {item.column: item.band for item in outcome}
    for column in columns_of(point.row):
        value = printed.get(column)
        if value is None or column in by_formula:
            continue
        value += client_ms if metric_of(column) in WITH_CLIENT else 0.0
        band = bands.get(column, bands.get(metric_of(column)))
        predictions[column] = Prediction(column, float(point.row[column]), value, band)
    return tuple(predictions.values())


def _predict_capacity(point: MeasuredPoint, limits: LatencyLimits, catalog: Catalog) -> tuple[Outcome, OpenLoop | None]:
    """Return the largest rate within limits, and the latencies that its split has at the rate that was measured."""
    capacity = largest_rate(point, limits, catalog)
    if isinstance(capacity, str):
        return capacity, None
    measured = _measured_rate(point)
    at_rate = replace(
        point, replicas=capacity.replicas, row={**point.row, "request_rate": str(measured or capacity.requests_per_s)}
    )
    one = capacity.candidates
    load = replace(point.load, kind="open_loop", limits=None)
    figures = figures_of(one.replicas(), load, [at_rate])
    sustained = measured is not None and not np.isnan(figures.batch[0])
    figures = replace(
        figures,
        batch=np.nan_to_num(figures.batch, nan=1.0),
        percentiles=figures.percentiles if sustained else {},
        requests_per_s=np.array([capacity.requests_per_s]),
        output_tokens_per_s=np.array([capacity.output_tokens_per_s]),
    )
    return _outcome(one, figures, 0, at_rate if sustained else point), open_loop_of(one, at_rate) if sustained else None


def open_loop_of(one: Candidates, point: MeasuredPoint) -> OpenLoop:
    """Return an open loop at a point's rate against replicas of one candidate, which sustains it.

    Args:
        one: an array of one.
        point: with its rate and replicas.
    """
    rate = float(point.row["request_rate"]) / point.replicas
    batch = batch_at_rate(one.replicas(), np.array([rate]))[0, 0]
    return _open_loop(one, one.step_tables(), float(batch), 0, point)


def _measured_rate(point: MeasuredPoint) -> float | None:
    if point.row["requests_per_s"]:
        return float(point.row["requests_per_s"])
    tokens = point.row["output_tokens_per_s"]
    return float(tokens) / point.load.output if tokens else None


def _predict_load(
    system: SystemTables, load: BenchmarkLoad, points: Sequence[MeasuredPoint], *, simulated: bool
) -> list[tuple[Outcome, Benchmark | OpenLoop | None]]:
    """Return what each point's benchmark prints; those of as many servers, started alike, are computed together."""
    alike: dict[tuple[Scheduler, int, bool], list[int]] = defaultdict(list)
    rows = system.rows(point.setting for point in points)
    question = _under(system.question, load)
    for index, point in enumerate(points):
        accelerator = system.accelerators[system.which[rows[index]]]
        scheduler = load.started(scheduler_of(question.runtime, accelerator, load.protocol, point.run))
        if load.protocol.tuning:
            requests = float(system.candidates(question, rows[index : index + 1]).seats_by_memory[0])
            scheduler = load.protocol.tuning.applied_to(scheduler, requests, load.prompt, load.output, point.setting.pp)
        alike[scheduler, point.replicas, point.together > 0].append(index)
    predicted: list[tuple[Outcome, Benchmark | OpenLoop | None]] = [("", None)] * len(points)
    for (scheduler, *_), members in alike.items():
        outcomes = _predict_alike(system, load, [points[i] for i in members], scheduler, simulated=simulated)
        for index, outcome in zip(members, outcomes, strict=True):
            predicted[index] = outcome
    return predicted


def _predict_alike(
    system: SystemTables, load: BenchmarkLoad, points: Sequence[MeasuredPoint], scheduler: Scheduler, *, simulated: bool
) -> list[tuple[Outcome, Benchmark | OpenLoop | None]]:
    """Return what benchmarks print whose servers have one scheduler."""
    question = replace(
        _under(system.question, load),
        runtime=system.question.runtime.started_with(scheduler),
        token_budget=scheduler.token_budget,
        batch_cap=scheduler.max_sequences,
    )
    rows = system.rows(point.setting for point in points)
    candidates = system.candidates(question, rows)
    in_flight = None if load.kind == "open_loop" else np.array([point.in_flight for point in points])
    tables = candidates.calibrated(system.tables.take(rows), in_flight)
    figures = figures_of(candidates.replicas(tables), load, points)
    return [
        (
            _outcome(candidates, figures, index, point),
            _benchmark(candidates, tables, figures, index, point) if simulated else None,
        )
        for index, point in enumerate(points)
    ]


def _under(question: Question, load: BenchmarkLoad) -> Question:
    """Return a question under a benchmark's lengths, arrivals and memory."""
    traffic = replace(question.spec.traffic, burstiness=load.burstiness)
    return replace(
        question,
        spec=replace(question.spec, traffic=traffic),
        lengths=lengths_of(tokens_of(load), float(question.model.max_context)),
        memory_utilisation=load.protocol.memory_utilisation or question.memory_utilisation,
    )


def _benchmark(
    candidates: Candidates, tables: StepTables, figures: LoadFigures, index: int, point: MeasuredPoint
) -> Benchmark | OpenLoop | None:
    """Return how a closed or open loop was run; None for other loads, where the model does not fit or is overrun, or of
    too many requests.
    """
    if candidates.seats_by_memory[index] < 1 or np.isnan(figures.batch[index]):
        return None
    if point.load.kind == "open_loop":
        return _open_loop(candidates, tables, float(figures.batch[index]) / point.replicas, index, point)
    if point.load.kind != "closed_loop":
        return None
    if point.run.clients * point.load.protocol.prompts_per_client > MOST_REQUESTS:
        return None
    return benchmark_of(
        step_model_of(candidates, index, tables),
        candidates.question.runtime,
        candidates.accelerator(index),
        point.load.protocol,
        point.run,
        int(candidates.parallelism.dp[index]),
        point.load.prefix_hit,
    )


def _open_loop(candidates: Candidates, tables: StepTables, batch: float, index: int, point: MeasuredPoint) -> OpenLoop:
    """Return an open loop against as many of a point's replicas as are simulated, with their share of the rate."""
    replicas = min(point.replicas, MOST_REPLICAS)
    return OpenLoop(
        step_model_of(candidates, index, tables),
        candidates.question.runtime.scheduler,
        float(point.row["request_rate"]) * replicas / point.replicas,
        replicas,
        tokens_of(point.load),
        candidates.question.context_limit,
        point.load.burstiness,
        batch * replicas,
    )


def _outcome(candidates: Candidates, figures: LoadFigures, index: int, point: MeasuredPoint) -> Outcome:
    """Return the predictions of one point, or why there are none."""
    if candidates.seats_by_memory[index] < 1:
        question, count = candidates.question, candidates.parallelism.accelerators[index]
        accelerator = candidates.accelerator(index).name
        return f"{question.model.name} in {question.weights.name} does not fit on {count} × {accelerator}"
    if np.isnan(figures.batch[index]):
        return "the rate is beyond the predicted saturation"
    predictions = []
    bands = _bands(candidates, index, point)
    for column in columns_of(point.row):
        value = FIGURES[column](figures, point)
        if value is not None and not np.isnan(value[index]):
            client_ms = point.load.protocol.client_s * 1e3 if metric_of(column) in WITH_CLIENT else 0.0
            predicted = float(value[index]) + client_ms
            predictions.append(Prediction(column, float(point.row[column]), predicted, bands.get(column)))
    return tuple(predictions) or f"a load of kind {point.load.kind} has no such figure"


def new_levels_of(point: MeasuredPoint, catalog: Catalog) -> frozenset[Level]:
    """Return what of a point the fit of its runtime has not seen."""
    return new_levels(
        catalog.measured_systems,
        runtime=point.system.runtime,
        model=catalog.model(point.row["model"]).model.id,
        accelerator=point.setting.accelerator,
        source=point.source,
    )


def _bands(candidates: Candidates, index: int, point: MeasuredPoint) -> dict[str, CaseBand]:
    """Return the bands of a point's figures that have one, by column."""
    bands = {
        column: band
        for column in columns_of(point.row)
        if (band := _band(candidates, index, point, metric_of(column))) is not None
    }
    pace = _band(candidates, index, point, "itl")
    at_rate = point.row.get("request_rate") and point.load.kind not in ("closed_loop", "offline", "static_batch")
    if pace is not None and at_rate:
        bands |= bands_at_rate(candidates, index, point, bands, pace)
    return bands


def _band(candidates: Candidates, index: int, point: MeasuredPoint, metric: str) -> CaseBand | None:
    """Return the band of a point's metric; None where there is none."""
    catalog = candidates.question.catalog
    model, accelerator = candidates.question.model, candidates.accelerator(index)
    new = new_levels_of(point, catalog)
    return band_of(catalog, metric, load=point.load.kind, model=model, accelerator=accelerator, new=new)
