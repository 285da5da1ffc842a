import pytest
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.records.protocols import BenchmarkProtocol, BenchmarkRun, EngineTuning, SchedulerChange
from engine.accuracy.benchmarks import Benchmark, benchmark_latencies, benchmark_of
from engine.simulation import StepModel

CATALOG = Catalog.load()
STEPS = StepModel(tokens=(1, 256, 8192), seconds=(0.01, 0.012, 0.4), budget=2048, seats=256)
HERD = BenchmarkProtocol(id="herd", source="a test", turnaround_s=0)


def run_of(clients: int, protocol: BenchmarkProtocol = HERD, runtime: str = "vllm") -> Benchmark:
    accelerator = CATALOG.accelerator("b200")
    run = BenchmarkRun("any", 1, clients, (500, 50))
    return benchmark_of(STEPS, CATALOG.runtime(runtime), accelerator, protocol, run)


def test_one_client_waits_for_its_own_prompt_alone() -> None:
    """A prompt of 500 tokens takes one step: T[500] of the table, and nothing waits."""
    (printed,) = benchmark_latencies([run_of(1)])
    assert printed is not None
    mean = printed["ttft_ms_mean"]
    assert mean == pytest.approx(1e3 * (0.012 + (0.4 - 0.012) * (500 - 256) / (8192 - 256)), rel=1e-9)
    assert printed["ttft_ms_p50"] == printed["ttft_ms_p99.9"] == pytest.approx(mean)


@pytest.mark.parametrize(
    ("requests", "prompt", "output", "stages", "sequences", "tokens"),
    [
        (900, 1000, 1000, 1, 900, 2048),
        (6000, 2048, 128, 1, 4096, 32768),
        (30, 128, 2048, 1, 64, 2048),
        (1600, 128, 128, 8, 1600, 2048),
        (100, 20000, 2000, 1, 100, 20100),  # a prompt runs whole
    ],
)
def test_a_benchmark_sets_batch_and_tokens_by_what_its_pool_holds(
    requests: float, prompt: float, output: float, stages: int, sequences: int, tokens: int
) -> None:
    tuning = EngineTuning(most_sequences=4096, least_sequences=64, most_tokens=32768, least_tokens=2048)
    scheduler = CATALOG.runtime("tensorrt-llm").scheduler
    found = tuning.applied_to(scheduler, requests, prompt, output, stages)
    assert (found.max_sequences, found.token_budget) == (sequences, tokens)


def test_more_clients_wait_longer() -> None:
    found = benchmark_latencies([run_of(clients) for clients in (1, 8, 64)])
    means = [printed["ttft_ms_mean"] for printed in found if printed is not None]
    assert len(means) == 3
    assert means == sorted(means)


def test_processes_change_nothing_but_the_time() -> None:
    """Points come back in the order in which they were asked, whoever simulated them."""
    runs = [run_of(clients) for clients in (64, 2, 200, 16)]
    assert benchmark_latencies(runs, processes=2) == benchmark_latencies(runs)


def test_progress_ends_with_all_requests() -> None:
    told: list[tuple[int, int]] = []
    runs = [run_of(2), run_of(4)]
    benchmark_latencies(runs, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (sum(run.requests for run in runs),) * 2


def test_what_no_pool_holds_has_no_figure() -> None:
    assert benchmark_latencies([replace(run_of(2), step_model=replace(STEPS, kv_tokens=512))]) == [None]


def test_servers_are_started_as_the_protocol_says() -> None:
    """A change applies to its runtimes, architectures and numbers of clients; the last that applies wins."""
    changes = (
        SchedulerChange(frameworks=("sglang",), token_budget=4096),
        SchedulerChange(frameworks=("sglang",), architectures=("Blackwell",), poll_steps=30),
        SchedulerChange(frameworks=("sglang",), architectures=("Blackwell",), below_clients=16, poll_steps=10),
    )
    protocol = BenchmarkProtocol(id="changed", source="a test", scheduler=changes)
    few, many = (run_of(clients, protocol, "sglang") for clients in (15, 16))
    assert (few.scheduler.poll_steps, many.scheduler.poll_steps) == (10, 30)
    assert few.step_model.budget == 4096
    vllm = run_of(15, protocol)
    assert vllm.scheduler == CATALOG.runtime("vllm").scheduler_on(CATALOG.accelerator("b200"))
    assert vllm.step_model.budget == STEPS.budget
