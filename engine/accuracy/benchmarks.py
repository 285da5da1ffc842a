"""What a closed-loop benchmark prints, by simulating its own protocol: many of them, on as many cores as are given.

A benchmark's TTFT is mostly waiting for other clients of the same benchmark, so that it follows from how the benchmark
was run: lengths, the burst at the start, what clients do between two requests, and how the runtime's scheduler was set.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

from msgspec import Struct
from msgspec.structs import replace

from catalogs.errors import InputError
from catalogs.records.accelerators import Accelerator
from catalogs.records.protocols import BenchmarkProtocol, BenchmarkRun
from catalogs.records.runtimes import Scheduler, ServingRuntime
from engine.simulation import StepModel, simulate_protocol

HERD_SEEDS = 3
"""Runs that are averaged where lengths are fixed: clients then move as a herd, and a herd is chaotic."""

FEW = 4_000
"""Requests below which starting other processes costs more than it saves."""

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

    @property
    def requests(self) -> int:
        """Simulated for it, in all runs."""
        return self.clients * self.protocol.prompts_per_client * self.runs

    @property
    def runs(self) -> int:
        """Seeds that are averaged."""
        return 1 if self.protocol.lengths_vary or self.clients == 1 else HERD_SEEDS


class BenchmarkTtft(Struct, frozen=True):
    """What it prints, seconds."""

    mean: float
    p50: float
    p95: float


def benchmark_of(
    step_model: StepModel,
    runtime: ServingRuntime,
    accelerator: Accelerator,
    protocol: BenchmarkProtocol,
    run: BenchmarkRun,
    ranks: int = 1,
) -> Benchmark:
    """Return a benchmark with the scheduler as its servers were started.

    Args:
        step_model: with the runtime's token budget, or the protocol's.
        ranks: data-parallel ones, each with a token budget of its own, as has each stage of a pipeline.
    """
    scheduler = scheduler_of(runtime, accelerator, protocol, run)
    if scheduler.token_budget != runtime.scheduler.token_budget:
        step_model = replace(step_model, budget=scheduler.token_budget * ranks * step_model.pipeline)
    return Benchmark(step_model, scheduler, protocol, run.clients, *run.lengths)


def scheduler_of(
    runtime: ServingRuntime, accelerator: Accelerator, protocol: BenchmarkProtocol, run: BenchmarkRun
) -> Scheduler:
    """Return the scheduler as a benchmark's servers were started: the runtime's, and what the protocol changes.

    Args:
        runtime: that served.
        accelerator: on which it ran.
        protocol: of the benchmark, with its changes to schedulers.
        run: of the benchmark; some changes apply to a few runs only.
    """
    scheduler = runtime.scheduler
    if protocol.token_budget:
        scheduler = scheduler.model_copy(update={"token_budget": protocol.token_budget})
    for change in protocol.scheduler:
        if change.applies(runtime.framework, accelerator, run):
            scheduler = change.applied_to(scheduler)
    return scheduler


def benchmark_ttfts(
    benchmarks: Sequence[Benchmark], *, processes: int = 1, progress: Progress | None = None
) -> list[BenchmarkTtft | None]:
    """Return what each benchmark prints; None where a request does not fit into the KV pool. Equal for any processes.

    Args:
        processes: among which they are spread.
        progress: called as they are done, with the requests simulated so far and all that there are.
    """
    total = sum(item.requests for item in benchmarks)
    order = sorted(range(len(benchmarks)), key=lambda at: -benchmarks[at].requests)
    printed: list[BenchmarkTtft | None] = [None] * len(benchmarks)
    done = 0
    with _mapping(processes if total > FEW else 1) as mapped:
        for at, ttft in zip(order, mapped([benchmarks[at] for at in order]), strict=True):
            printed[at] = ttft
            done += benchmarks[at].requests
            if progress:
                progress(done, total)
    return printed


_Mapping = Callable[[Sequence[Benchmark]], Iterator[BenchmarkTtft | None]]


@contextmanager
def _mapping(processes: int) -> Iterator[_Mapping]:
    if processes == 1:
        yield lambda benchmarks: map(_simulated, benchmarks)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield lambda benchmarks: pool.map(_simulated, benchmarks)


def _simulated(benchmark: Benchmark) -> BenchmarkTtft | None:
    runs = []
    for seed in range(benchmark.runs):
        try:
            run = simulate_protocol(
                benchmark.step_model,
                benchmark.scheduler,
                benchmark.protocol,
                benchmark.clients,
                benchmark.input_tokens,
                benchmark.output_tokens,
                seed=seed,
            )
        except InputError:
            return None
        runs.append(run.ttft_s)
    mean, p50, p95 = (
        sum(value) / len(runs) for value in zip(*((r.mean.value, r.p50.value, r.p95.value) for r in runs), strict=True)
    )
    return BenchmarkTtft(mean, p50, p95)
