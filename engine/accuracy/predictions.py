"""Predicting measured points: the figures that each row's benchmark would have printed, many rows at once."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import FleetcastError
from catalogs.records.runtimes import Scheduler
from engine.accuracy.benchmarks import MOST_REQUESTS, Benchmark, BenchmarkTtft, Progress, benchmark_of, scheduler_of
from engine.accuracy.columns import FIGURES, METRICS, TAILS, columns_of
from engine.accuracy.loads import figures_of
from engine.accuracy.points import BenchmarkLoad, MeasuredPoint, System, Unpredictable, read_point, tokens_of
from engine.accuracy.systems import SystemTables, system_tables
from engine.bands.lookup import architecture_of, band_for, ends
from engine.fleet.candidates import Candidates
from engine.question.lengths import lengths_of
from engine.question.resolve import Question
from engine.replica.closed_forms import LoadFigures
from engine.simulation import step_model_of
from engine.step.rates import kernels_of
from engine.step.table import StepTables


class Prediction(Struct, frozen=True):
    """One metric of one row."""

    column: str
    measured: float
    predicted: float
    low: float | None = None
    high: float | None = None
    """Ends of the 80 % band; null where the metric has none."""


Outcome = tuple[Prediction, ...] | str
"""A row's predictions, or the reason why there are none."""


Reading = MeasuredPoint | str
"""A row, read, or the reason why it cannot be predicted."""


Simulator = Callable[[Sequence[Benchmark]], Sequence[BenchmarkTtft | None]]
"""Such as ``benchmark_ttfts``."""


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
    points: Sequence[Reading],
    catalog: Catalog,
    simulator: Simulator | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Return each point's predictions, or why there are none; those of one system and load are computed together.

    Args:
        points: rows, read.
        catalog: with the constants to predict with.
        simulator: TTFT of closed loops comes from simulating how each was run; without one from the closed form, which
            is what constants are fitted with.
        progress: called as points are predicted, with how many of how many; the simulator has its own.
    """
    benchmarks: dict[int, Benchmark] = {}
    outcomes: list[Outcome] = [point if isinstance(point, str) else "" for point in points]
    groups: dict[System, dict[BenchmarkLoad, list[tuple[int, MeasuredPoint]]]] = defaultdict(lambda: defaultdict(list))
    for index, point in enumerate(points):
        if not isinstance(point, str):
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
    if simulator is not None and benchmarks:
        for index, ttft in zip(benchmarks, simulator(list(benchmarks.values())), strict=True):
            outcome, point = outcomes[index], points[index]
            if ttft is not None and isinstance(point, MeasuredPoint) and not isinstance(outcome, str):
                outcomes[index] = _with_ttft(outcome, ttft, point)
    return outcomes


def _with_ttft(outcome: tuple[Prediction, ...], ttft: BenchmarkTtft, point: MeasuredPoint) -> tuple[Prediction, ...]:
    """Return a closed loop's predictions with the TTFT of its simulation; bands keep their width."""
    simulated = {"ttft_ms_mean": ttft.mean, "ttft_ms_median": ttft.p50, "ttft_ms_p95": ttft.p95}
    predictions = []
    for item in outcome:
        if item.column not in simulated or item.predicted <= 0:
            predictions.append(item)
            continue
        times = simulated[item.column] * 1e3 / item.predicted
        low, high = (None if end is None else end * times for end in (item.low, item.high))
        predictions.append(replace(item, predicted=item.predicted * times, low=low, high=high))
    tails = [
        Prediction(column, float(point.row[column]), simulated[column] * 1e3)
        for columns in TAILS.values()
        for column in columns
        if point.row.get(column)
    ]
    return (*predictions, *tails)


def _predict_load(
    system: SystemTables, load: BenchmarkLoad, points: Sequence[MeasuredPoint], *, simulated: bool
) -> list[tuple[Outcome, Benchmark | None]]:
    """Return what each point's benchmark prints; those of as many servers, started alike, are computed together."""
    alike: dict[tuple[Scheduler, int, bool], list[int]] = defaultdict(list)
    rows = system.rows(point.setting for point in points)
    question = _under(system.question, load)
    for index, point in enumerate(points):
        accelerator = system.accelerators[system.which[rows[index]]]
        scheduler = scheduler_of(question.runtime, accelerator, load.protocol, point.run)
        if load.protocol.tuning:
            requests = float(system.candidates(question, rows[index : index + 1]).seats_by_memory[0])
            scheduler = load.protocol.tuning.applied_to(scheduler, requests, load.prompt, load.output, point.setting.pp)
        alike[scheduler, point.replicas, point.together > 0].append(index)
    predicted: list[tuple[Outcome, Benchmark | None]] = [("", None)] * len(points)
    for (scheduler, *_), members in alike.items():
        outcomes = _predict_alike(system, load, [points[i] for i in members], scheduler, simulated=simulated)
        for index, outcome in zip(members, outcomes, strict=True):
            predicted[index] = outcome
    return predicted


def _predict_alike(
    system: SystemTables, load: BenchmarkLoad, points: Sequence[MeasuredPoint], scheduler: Scheduler, *, simulated: bool
) -> list[tuple[Outcome, Benchmark | None]]:
    """Return what benchmarks print whose servers have one scheduler."""
    question = replace(
        _under(system.question, load),
        runtime=system.question.runtime.model_copy(update={"scheduler": scheduler}),
        budget_tokens=scheduler.token_budget,
        batch_cap=scheduler.max_sequences,
    )
    rows = system.rows(point.setting for point in points)
    candidates, tables = system.candidates(question, rows), system.tables.take(rows)
    figures = figures_of(candidates.replicas(tables), load, points)
    return [
        (
            _outcome(candidates, figures, index, point),
            _benchmark(candidates, tables, index, point) if simulated else None,
        )
        for index, point in enumerate(points)
    ]


def _under(question: Question, load: BenchmarkLoad) -> Question:
    """Return a question under a benchmark's lengths and memory."""
    return replace(
        question,
        lengths=lengths_of(tokens_of(load), float(question.model.max_context)),
        memory_utilisation=load.protocol.memory_utilisation or question.memory_utilisation,
    )


def _benchmark(candidates: Candidates, tables: StepTables, index: int, point: MeasuredPoint) -> Benchmark | None:
    """Return how a closed loop was run; None for other loads, where the model does not fit, or of too many requests."""
    if point.load.kind != "closed_loop" or candidates.seats_by_memory[index] < 1:
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
    for column in columns_of(point.row):
        value = FIGURES[column](figures, point)
        if value is not None:
            predicted = float(value[index])
            band = _band(candidates, index, point, column)
            low, high = (None, None) if band is None else (predicted * band[0], predicted * band[1])
            predictions.append(Prediction(column, float(point.row[column]), predicted, low, high))
    return tuple(predictions) or f"a load of kind {point.load.kind} has no such figure"


def _band(candidates: Candidates, index: int, point: MeasuredPoint, column: str) -> tuple[float, float] | None:
    """Return the factors by which the truth may lie from a prediction; None where no band speaks of the case."""
    metric = next((metric for metric, columns in METRICS.items() if column in columns), "")
    catalog = candidates.question.catalog
    band = band_for(
        catalog.bands,
        metric,
        runtime=candidates.question.runtime.id,
        load=point.load.kind,
        architecture=architecture_of(candidates.question.model),
        kernels=kernels_of(candidates.accelerator(index), catalog.accelerators),
    )
    return None if band is None else ends(band[0], known=band[1])
