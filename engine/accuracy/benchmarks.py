"""What a benchmark prints, by simulating its own protocol: many of them, on as many cores as are given.

A closed loop's TTFT is mostly waiting for other clients of the same benchmark, so that it follows from how the
benchmark was run: lengths, the burst at the start, what clients do between two requests, and how the runtime's
scheduler was set. An open loop's latencies are those of its rate, request by request.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from math import ceil

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.errors import InputError
from catalogs.records.accelerators import Accelerator
from catalogs.records.protocols import BenchmarkProtocol, BenchmarkRun
from catalogs.records.runtimes import Scheduler, ServingRuntime
from engine.accuracy.columns import SHARES
from engine.arrays import Floats
from engine.simulation import SimulationResult, StepModel, open_loop, simulate, simulate_protocol
from engine.simulation.routing import DEFAULT_ROUTING
from engine.simulation.statistics import quantile
from engine.simulation.tally import KEPT, RequestTimes
from engine.workload import Tokens

HERD_SEEDS = 3
"""Runs that are averaged where lengths are fixed: clients then move as a herd, and a herd is chaotic."""

FEW = 4_000
"""Requests below which starting other processes costs more than it saves."""

COUNTED = 5_000
"""Requests of an open loop that count: fifty beyond a p99."""

MOST_REQUESTS = 1_000_000
"""Requests of one run beyond which it is not simulated, which would take minutes."""

Progress = Callable[[int, int], None]
"""Called with the requests that are done and all that there are."""


class Benchmark(Struct, frozen=True):
    """One run of a closed loop."""

    step_model: StepModel
    scheduler: Scheduler
    protocol: BenchmarkProtocol
    clients: int
    input_tokens: float
    output_tokens: float
    """As printed; the protocol may draw shorter ones."""
    prefix_hit: float = 0.0

    @property
    def requests(self) -> int:
        """Simulated for it, in all runs."""
        return self.clients * self.protocol.prompts_per_client * self.runs

    @property
    def runs(self) -> int:
        """Seeds that are averaged."""
        return 1 if self.protocol.lengths_vary or self.clients == 1 else HERD_SEEDS

    def times(self) -> Iterator[RequestTimes]:
        """Yield the requests of each run."""
        first = 0 if self.protocol.burst_counts else self.clients
        for seed in range(self.runs):
            result = simulate_protocol(
                self.step_model,
                self.scheduler,
                self.protocol,
                self.clients,
                self.input_tokens,
                self.output_tokens,
                prefix_hit=self.prefix_hit,
                seed=seed,
            )
            yield _counted(result, first, None)


class OpenLoop(Struct, frozen=True):
    """One run of an open loop against equal replicas behind a router."""

    step_model: StepModel
    """Of one replica."""
    scheduler: Scheduler
    requests_per_s: float
    """Of all replicas."""
    replicas: int
    tokens: Tokens
    context_limit: int
    burstiness: float
    in_flight: float
    """Requests that run together on average: as many warm the replicas up."""

    @property
    def warming(self) -> int:
        """Requests before the first that counts."""
        return ceil(2 * self.in_flight)

    @property
    def requests(self) -> int:
        """Simulated for it."""
        return self.warming + COUNTED + ceil(self.in_flight)

    def times(self) -> Iterator[RequestTimes]:
        """Yield the requests of its run that count."""
        load = open_loop(
            self.requests_per_s,
            self.requests,
            self.tokens.input,
            self.tokens.output,
            seed=0,
            burstiness=self.burstiness,
            prefix_hit=self.tokens.prefix_hit,
            context_limit=self.context_limit,
        )
        result = simulate(self.step_model, self.scheduler, load, replicas=self.replicas, routing=DEFAULT_ROUTING)
        yield _counted(result, self.warming, self.warming + COUNTED)


def _counted(result: SimulationResult, first: int, last: int | None) -> RequestTimes:
    if result.requests is None:
        raise InputError(f"of more than {KEPT:,} requests of one benchmark none is kept by itself")
    return result.requests.between(first, last)


Printed = Mapping[str, float]
"""What a benchmark prints, by column of a measurements CSV: milliseconds."""


def benchmark_of(
    step_model: StepModel,
    runtime: ServingRuntime,
    accelerator: Accelerator,
    protocol: BenchmarkProtocol,
    run: BenchmarkRun,
    ranks: int = 1,
    prefix_hit: float = 0.0,
) -> Benchmark:
    """Return a benchmark with the scheduler as its servers were started.

    Args:
        step_model: with the runtime's token budget, or the protocol's.
        ranks: data-parallel ones, each with a token budget of its own, as has each stage of a pipeline.
        prefix_hit: share of each prompt whose KV is already there.
    """
    scheduler = scheduler_of(runtime, accelerator, protocol, run)
    if scheduler.token_budget != runtime.scheduler_on(accelerator).token_budget:
        step_model = replace(step_model, budget=scheduler.token_budget * ranks * step_model.pipeline)
    return Benchmark(step_model, scheduler, protocol, run.clients, *run.lengths, prefix_hit)


def scheduler_of(
    runtime: ServingRuntime, accelerator: Accelerator, protocol: BenchmarkProtocol, run: BenchmarkRun
) -> Scheduler:
    """Return the scheduler as a benchmark's servers were started: the runtime's, and what the protocol changes.

    Args:
        protocol: of the benchmark, with its changes to schedulers.
        run: of the benchmark; some changes apply to a few runs only.
    """
    scheduler = runtime.scheduler_on(accelerator)
    if protocol.token_budget:
        scheduler = replace(scheduler, token_budget=protocol.token_budget)
    for change in protocol.scheduler:
        if change.applies(runtime.framework, accelerator, run):
            scheduler = change.applied_to(scheduler)
    return scheduler


def benchmark_latencies(
    benchmarks: Sequence[Benchmark | OpenLoop], *, processes: int = 1, progress: Progress | None = None
) -> list[Printed | None]:
    """Return what each benchmark prints; None where a request does not fit into the KV pool. Equal for any processes.

    Args:
        processes: among which they are spread.
        progress: called as they are done, with the requests simulated so far and all that there are.
    """
    total = sum(item.requests for item in benchmarks)
    order = sorted(range(len(benchmarks)), key=lambda at: -benchmarks[at].requests)
    printed: list[Printed | None] = [None] * len(benchmarks)
    done = 0
    with _mapping(processes if total > FEW else 1) as mapped:
        for at, figures in zip(order, mapped([benchmarks[at] for at in order]), strict=True):
            printed[at] = figures
            done += benchmarks[at].requests
            if progress:
                progress(done, total)
    return printed


_Mapping = Callable[[Sequence[Benchmark | OpenLoop]], Iterator[Printed | None]]


@contextmanager
def _mapping(processes: int) -> Iterator[_Mapping]:
    if processes == 1:
        yield lambda benchmarks: map(_simulated, benchmarks)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield lambda benchmarks: pool.map(_simulated, benchmarks)


def _simulated(benchmark: Benchmark | OpenLoop) -> Printed | None:
    try:
        runs = [_printed(times) for times in benchmark.times()]
    except InputError:
        return None
    return {column: sum(run[column] for run in runs) / len(runs) for column in runs[0]}


def _printed(times: RequestTimes) -> Printed:
    return {
        f"{metric}_ms_{summary}": value
        for metric, seconds in (("ttft", times.ttft_s), ("itl", times.tpot_s), ("e2e", times.e2e_s))
        for summary, value in _summaries(seconds[~np.isnan(seconds)] * 1e3)
    }


def _summaries(values: Floats) -> Iterator[tuple[str, float]]:
    if not len(values):
        return
    yield "mean", float(values.mean())
    ordered = np.sort(values)
    yield "median", float(quantile(ordered, 0.5))
    for percentile, share in SHARES.items():
        yield percentile, float(quantile(ordered, share))
