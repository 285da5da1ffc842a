"""Predicting measured points: the figures that each row's benchmark would have printed, many rows at once."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import FleetcastError
from catalogs.records.accelerators import Accelerator
from catalogs.records.runtimes import Scheduler
from engine.accuracy.benchmarks import Benchmark, BenchmarkTtft, Progress, benchmark_of, scheduler_of
from engine.accuracy.points import Load, Point, Setting, System, Unpredictable, read_point, tokens_of
from engine.arrays import Floats, Ints
from engine.bands.lookup import architecture_of, band_for, ends, kernels_of
from engine.fleet.candidates import Candidates, measure, rates_of
from engine.fleet.parallelisms import illegal_because
from engine.question.lengths import lengths_of
from engine.question.resolve import Question, resolve
from engine.replica.batches import batch_at_rate
from engine.replica.closed_forms import LoadFigures, closed_loop, offline, saturated, static_batch
from engine.replica.latencies import mean_latency
from engine.replica.load import Replicas
from engine.simulation import step_model_of
from engine.step.parallelism import Parallelism, ParallelSizes
from engine.step.rates import Rates, Unsupported
from engine.step.table import StepTables
from engine.workload import Hardware, Precisions, Serving, TokenDistribution, Tokens, Traffic, WorkloadSpec

METRICS: Mapping[str, tuple[str, ...]] = {
    "itl": ("itl_ms_mean", "itl_ms_median"),
    "ttft": ("ttft_ms_mean", "ttft_ms_median"),
    "throughput": (
        "output_tokens_per_s",
        "output_tokens_per_s_per_gpu",
        "total_tokens_per_s",
        "prefill_tokens_per_s",
        "requests_per_s",
    ),
}
"""The CSV's columns behind each metric; of several in a row the first counts."""

TAILS: Mapping[str, tuple[str, ...]] = {"ttft_p95": ("ttft_ms_p95",)}
"""Predicted only where the benchmark is simulated."""

ALSO: Mapping[str, tuple[str, ...]] = {"e2e": ("e2e_ms_mean",)}
"""Predicted beside them: not scored, but fitted on where nothing else was measured."""


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


class _Reduced(Struct, frozen=True):
    """All settings of one system that were measured, reduced to step tables."""

    question: Question
    accelerators: tuple[Accelerator, ...]
    rates: tuple[Rates, ...]
    which: Ints
    parallelism: Parallelism
    tables: StepTables
    row_of: Mapping[Setting, int]


Reading = Point | str
"""A row, read, or the reason why it cannot be predicted."""


Simulator = Callable[[Sequence[Benchmark]], Sequence[BenchmarkTtft | None]]
"""Such as ``benchmark_ttfts``."""


def predict(
    rows: Sequence[Mapping[str, str]],
    catalog: Catalog,
    simulator: Simulator | None = None,
    progress: Progress | None = None,
) -> list[Outcome]:
    """Return each row's predictions, or why there are none; see ``predict_points``."""
    return predict_points([read(row, catalog) for row in rows], catalog, simulator, progress)


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
    """Return each point's predictions; those of one system and load are computed together.

    Args:
        simulator: TTFT of closed loops comes from simulating how each was run; without one from the closed form, which
            is what constants are fitted with.
        progress: told of points as they are predicted; the simulator tells of its own work.
    """
    benchmarks: dict[int, Benchmark] = {}
    outcomes: list[Outcome] = [point if isinstance(point, str) else "" for point in points]
    groups: dict[System, dict[Load, list[tuple[int, Point]]]] = defaultdict(lambda: defaultdict(list))
    for index, point in enumerate(points):
        if not isinstance(point, str):
            groups[point.system][point.load].append((index, point))
    done = 0
    for system, loads in groups.items():
        done += sum(len(members) for members in loads.values())
        if progress:
            progress(done, len(points))
        settings = {point.setting for members in loads.values() for _, point in members}
        reduced, refused = _reduce(system, settings, catalog)
        for load, members in loads.items():
            kept = [(index, point) for index, point in members if point.setting not in refused]
            for index, point in members:
                outcomes[index] = refused.get(point.setting, "")
            if kept and reduced is not None:
                predicted = _predict_load(reduced, load, [point for _, point in kept], simulated=simulator is not None)
                for (index, _), (outcome, benchmark) in zip(kept, predicted, strict=True):
                    outcomes[index] = outcome
                    if benchmark is not None:
                        benchmarks[index] = benchmark
    if simulator is not None and benchmarks:
        for index, ttft in zip(benchmarks, simulator(list(benchmarks.values())), strict=True):
            outcome, point = outcomes[index], points[index]
            if ttft is not None and isinstance(point, Point) and not isinstance(outcome, str):
                outcomes[index] = _with_ttft(outcome, ttft, point)
    return outcomes


def _with_ttft(outcome: tuple[Prediction, ...], ttft: BenchmarkTtft, point: Point) -> tuple[Prediction, ...]:
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


def columns_of(row: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns of a row that are predicted: the first of each metric, and those beside them."""
    found = [next((c for c in columns if row.get(c)), None) for columns in METRICS.values()]
    beside = [column for columns in ALSO.values() for column in columns if row.get(column)]
    return tuple(column for column in (*found, *beside) if column)


def _reduce(
    system: System, settings: Iterable[Setting], catalog: Catalog
) -> tuple[_Reduced | None, dict[Setting, str]]:
    refused: dict[Setting, str] = {}
    names = sorted({setting.accelerator for setting in settings})
    fixed = TokenDistribution(mean=1, cv=0)
    spec = WorkloadSpec(
        traffic=Traffic(concurrency=1),
        tokens=Tokens(input=fixed, output=fixed),
        model=system.model,
        precision=Precisions(weights=system.weights, kv_cache=system.kv_cache),
        serving=Serving(runtime=system.runtime),
        hardware=Hardware(accelerators=tuple(names)),
    )
    try:
        question = resolve(spec, catalog)
    except FleetcastError as error:
        return None, dict.fromkeys(settings, str(error))
    accelerators: list[Accelerator] = []
    rates: list[Rates] = []
    for accelerator in question.accelerators:
        try:
            rates.append(rates_of(question, accelerator))
            accelerators.append(accelerator)
        except Unsupported as refusal:
            refused |= {s: refusal.reason for s in settings if s.accelerator == accelerator.id}
    position = {accelerator.id: index for index, accelerator in enumerate(accelerators)}
    legal = []
    for setting in sorted(settings, key=str):
        if setting in refused:
            continue
        reason = illegal_because(question.model, ParallelSizes(setting.tp, setting.pp, setting.dp, setting.ep))
        if reason:
            refused[setting] = reason
        else:
            legal.append(setting)
    if not legal:
        return None, refused
    which = np.array([position[s.accelerator] for s in legal], dtype=np.int64)
    axes = np.array([(s.tp, s.pp, s.dp, s.ep) for s in legal], dtype=np.int64)
    parallelism = Parallelism(*axes.T)
    found = measure(question, tuple(accelerators), tuple(rates), which, parallelism)
    row_of = {setting: row for row, setting in enumerate(legal)}
    return _Reduced(
        question, tuple(accelerators), tuple(rates), which, parallelism, found.step_tables(), row_of
    ), refused


def _predict_load(
    reduced: _Reduced, load: Load, points: Sequence[Point], *, simulated: bool
) -> list[tuple[Outcome, Benchmark | None]]:
    """Return what each point's benchmark prints; those whose servers were started alike are computed together."""
    alike: dict[Scheduler, list[int]] = defaultdict(list)
    rows = np.array([reduced.row_of[point.setting] for point in points], dtype=np.intp)
    question = _under(reduced.question, load)
    if load.protocol.tuning:
        held = measure(
            question, reduced.accelerators, reduced.rates, reduced.which[rows], reduced.parallelism.take(rows)
        )
    for index, point in enumerate(points):
        accelerator = reduced.accelerators[reduced.which[rows[index]]]
        scheduler = scheduler_of(question.runtime, accelerator, load.protocol, point.run)
        if load.protocol.tuning:
            requests = float(held.seats_by_memory[index])
            scheduler = load.protocol.tuning.applied_to(scheduler, requests, load.prompt, load.output, point.setting.pp)
        alike[scheduler].append(index)
    found: list[tuple[Outcome, Benchmark | None]] = [("", None)] * len(points)
    for scheduler, members in alike.items():
        outcomes = _predict_alike(reduced, load, [points[i] for i in members], scheduler, simulated=simulated)
        for index, outcome in zip(members, outcomes, strict=True):
            found[index] = outcome
    return found


def _predict_alike(
    reduced: _Reduced, load: Load, points: Sequence[Point], scheduler: Scheduler, *, simulated: bool
) -> list[tuple[Outcome, Benchmark | None]]:
    question = replace(
        _under(reduced.question, load),
        runtime=reduced.question.runtime.model_copy(update={"scheduler": scheduler}),
        budget_tokens=scheduler.token_budget,
        batch_cap=scheduler.max_sequences,
    )
    rows = np.array([reduced.row_of[point.setting] for point in points], dtype=np.intp)
    found = measure(question, reduced.accelerators, reduced.rates, reduced.which[rows], reduced.parallelism.take(rows))
    tables = reduced.tables.take(rows)
    try:
        figures = _figures(found.replicas(tables), load, points)
    except Unpredictable as reason:
        return [(str(reason), None)] * len(points)
    return [
        (_outcome(found, figures, index, point), _benchmark(found, tables, index, point) if simulated else None)
        for index, point in enumerate(points)
    ]


def _under(question: Question, load: Load) -> Question:
    """Return a question under a benchmark's lengths and memory."""
    return replace(
        question,
        lengths=lengths_of(tokens_of(load), float(question.model.max_context)),
        memory_utilisation=load.protocol.memory_utilisation or question.memory_utilisation,
    )


def _benchmark(found: Candidates, tables: StepTables, index: int, point: Point) -> Benchmark | None:
    """Return how a closed loop was run; None for other loads, and where the model does not fit."""
    if point.load.kind != "closed_loop" or found.seats_by_memory[index] < 1:
        return None
    return benchmark_of(
        step_model_of(found, index, tables),
        found.question.runtime,
        found.accelerator(index),
        point.load.protocol,
        point.run,
        int(found.parallelism.dp[index]),
    )


def _outcome(found: Candidates, figures: LoadFigures, index: int, point: Point) -> Outcome:
    if found.seats_by_memory[index] < 1:
        question = found.question
        return (
            f"{question.model.name} in {question.weights.name} does not fit on "
            f"{found.parallelism.accelerators[index]} × {found.accelerator(index).name}"
        )
    predictions = []
    for column in columns_of(point.row):
        value = _FIGURES[column](figures, point)
        if value is not None:
            predicted = float(value[index])
            low, high = _band(found, index, point, column) or (None, None)
            predictions.append(
                Prediction(
                    column,
                    float(point.row[column]),
                    predicted,
                    None if low is None else predicted * low,
                    None if high is None else predicted * high,
                )
            )
    return tuple(predictions) or f"a load of kind {point.load.kind} has no such figure"


def _band(found: Candidates, index: int, point: Point, column: str) -> tuple[float, float] | None:
    metric = next((metric for metric, columns in METRICS.items() if column in columns), "")
    catalog = found.question.catalog
    band = band_for(
        catalog.bands,
        metric,
        runtime=found.question.runtime.id,
        load=point.load.kind,
        architecture=architecture_of(found.question.model),
        kernels=kernels_of(found.accelerator(index), catalog),
    )
    return None if band is None else ends(band[0], known=band[1])


def _figures(replicas: Replicas, load: Load, points: Sequence[Point]) -> LoadFigures:
    together = np.array([float(point.together) for point in points])
    match load.kind:
        case "static_batch" | "decode_only" | "prefill_only":
            return static_batch(replicas, np.maximum(together, 1.0))
        case "closed_loop":
            if not together.all():
                raise Unpredictable("the concurrency is not stated")
            return closed_loop(replicas, together, load.protocol)
        case "offline":
            requests = load.protocol.requests_of(load.prompt, load.output)
            if together.all():
                return static_batch(replicas, together)
            return offline(replicas, requests) if requests else saturated(replicas)
        case "open_loop":
            return _open_loop(replicas, points)
        case _:
            raise Unpredictable(f"a load of kind {load.kind} has limits that the row does not state")


def _open_loop(replicas: Replicas, points: Sequence[Point]) -> LoadFigures:
    rates = np.array([float(point.row["request_rate"] or 0) for point in points])
    if not rates.all():
        raise Unpredictable("the request rate is not stated")
    batch = batch_at_rate(replicas, rates)
    if np.isnan(batch).any():
        raise Unpredictable("the rate is beyond the predicted saturation")
    load = replicas.at(batch)
    ttft, itl, e2e = (mean_latency(load, metric)[:, 0] for metric in ("ttft", "itl", "e2e"))
    return LoadFigures(ttft, itl, e2e, batch[:, 0], rates, rates * replicas.lengths.output.mean, rates * 0)


def _milliseconds(name: str) -> Callable[[LoadFigures, Point], Floats | None]:
    def figure(figures: LoadFigures, point: Point) -> Floats | None:
        seconds: Floats | None = getattr(figures, name)
        return None if seconds is None else seconds * 1e3

    return figure


def _output_tokens(figures: LoadFigures, point: Point) -> Floats:
    if point.load.kind == "decode_only" and figures.itl_s is not None:
        return figures.batch / figures.itl_s
    return figures.output_tokens_per_s


_FIGURES: Mapping[str, Callable[[LoadFigures, Point], Floats | None]] = {
    "itl_ms_mean": _milliseconds("itl_s"),
    "itl_ms_median": _milliseconds("itl_s"),
    "ttft_ms_mean": _milliseconds("ttft_s"),
    "ttft_ms_median": _milliseconds("ttft_s"),
    "e2e_ms_mean": _milliseconds("e2e_s"),
    "output_tokens_per_s": _output_tokens,
    "output_tokens_per_s_per_gpu": lambda f, p: _output_tokens(f, p) / int(p.row["gpus"]),
    "total_tokens_per_s": lambda f, p: _output_tokens(f, p) * (1 + p.load.prompt / p.load.output),
    "prefill_tokens_per_s": lambda f, p: f.prefill_tokens_per_s,
    "requests_per_s": lambda f, p: f.requests_per_s,
}
