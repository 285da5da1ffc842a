"""Closed loops: benchmarks with a number of clients."""

from bisect import insort

import numpy as np
import pytest
from msgspec.structs import replace

from catalogs.errors import InputError
from catalogs.records.protocols import BenchmarkProtocol
from catalogs.records.runtimes import Scheduler
from engine.simulation import StepModel, simulate_protocol
from tests.engine.simulation.models import CHAT_SCHEDULER, WORKED_CASE
from tests.engine.simulation.stepping import Job, Stepper

HERD = BenchmarkProtocol(id="herd", prompts_per_client=6, turnaround_s=0.002, source="test")
VARIED = BenchmarkProtocol(id="varied", prompts_per_client=6, shortest=0.8, turnaround_s=0.002, source="test")


def stepped_loop(
    model: StepModel, policy: Scheduler, clients: int, lengths: list[tuple[int, int]], turnaround: float
) -> list[Job]:
    """A closed loop step by step on one replica; requests are numbered as they arrive."""
    stepper = Stepper(model, policy)
    pending = [0.0] * min(clients, len(lengths))
    jobs: list[Job] = []
    issued, done = len(pending), 0
    while done < len(lengths):
        # Whoever arrives before the next decision must be in line by then.
        idle = not (stepper.running or stepper.waiting or stepper.seen or stepper.inbox)
        while pending and (pending[0] <= stepper.clock or idle):
            prompt, output = lengths[len(jobs)]
            jobs.append(Job(len(jobs), pending.pop(0), prompt, output, 0))
            stepper.inbox.append(jobs[-1])
            idle = False
        stepper.step()
        finished = sum(job.finish >= 0 for job in jobs)
        for _ in range(finished - done):
            if issued < len(lengths):
                insort(pending, stepper.clock + turnaround)
                issued += 1
        done = finished
    return jobs


@pytest.mark.parametrize("later", [False, True])
@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize(("protocol", "clients"), [(HERD, 1), (HERD, 24), (VARIED, 24), (VARIED, 100)])
def test_a_benchmark_equals_stepping(protocol: BenchmarkProtocol, clients: int, mixed: bool, later: bool) -> None:
    policy = Scheduler(token_budget=2048, max_sequences=64, mixed=mixed, chunked=True, one_step_later=later)
    model = StepModel([1, 4096], [0.01, 0.27], 2048, 64, 60_000, decode_context_s=[35e-9], prompt_context_s=[1e-9])
    result = simulate_protocol(model, policy, protocol, clients, 600, 40, seed=4)
    times = result.requests
    assert times is not None
    lengths = list(zip(times.input_tokens.tolist(), times.output_tokens.tolist(), strict=True))
    jobs = stepped_loop(model, policy, clients, lengths, protocol.turnaround_s)
    assert np.abs(times.arrival_s - [job.arrival for job in jobs]).max() < 1e-9
    assert np.abs(times.arrival_s + times.ttft_s - [job.first for job in jobs]).max() < 1e-9
    assert np.abs(times.arrival_s + times.e2e_s - [job.finish for job in jobs]).max() < 1e-9


@pytest.mark.parametrize("replicas", [1, 3])
def test_no_more_requests_are_in_flight_than_clients(replicas: int) -> None:
    protocol = BenchmarkProtocol(id="jitter", prompts_per_client=8, shortest=0.5, jitter_s=0.02, source="test")
    result = simulate_protocol(
        WORKED_CASE, CHAT_SCHEDULER, protocol, 40, 1000, 100, seed=1, replicas=replicas, routing="least_outstanding"
    )
    times = result.requests
    assert times is not None and result.completed == 320
    moves = sorted(
        [(t, 1) for t in times.arrival_s.tolist()] + [(t, -1) for t in (times.arrival_s + times.e2e_s).tolist()]
    )
    in_flight = np.cumsum([move for _, move in moves])
    assert in_flight.max() == 40
    assert (np.diff(times.arrival_s) >= 0).all()


def test_the_burst_weighs_on_the_mean() -> None:
    """All clients at once queue for prefill; without that burst TTFT is what the steady rounds make it."""
    counted = simulate_protocol(WORKED_CASE, CHAT_SCHEDULER, VARIED, 64, 1000, 200, seed=2)
    quiet = replace(VARIED, burst_counts=False)
    without = simulate_protocol(WORKED_CASE, CHAT_SCHEDULER, quiet, 64, 1000, 200, seed=2)
    assert counted.ttft_s.mean.value > 1.3 * without.ttft_s.mean.value
    assert counted.requests_per_s == without.requests_per_s


def test_one_client_meets_nobody() -> None:
    result = simulate_protocol(WORKED_CASE, CHAT_SCHEDULER, HERD, 1, 1000, 50)
    assert result.ttft_s.mean.value == pytest.approx(65e-6 * 1000 + 3e-3 + 1.65e-9 * 1000**2 / 2)
    assert result.ttft_s.p99.value == pytest.approx(result.ttft_s.p50.value)


def test_fixed_lengths_herd_and_drawn_lengths_do_not() -> None:
    """Clients that start and end together also prefill together: their TTFT is higher round after round."""
    herd = simulate_protocol(WORKED_CASE, CHAT_SCHEDULER, HERD, 32, 1000, 200, seed=3)
    varied = simulate_protocol(WORKED_CASE, CHAT_SCHEDULER, VARIED, 32, 1000, 200, seed=3)
    assert herd.ttft_s.p50.value > 1.5 * varied.ttft_s.p50.value


def test_prompts_that_earlier_runs_sent_are_found_whole() -> None:
    """The first of a run as many as were sent before; of each the last token is computed. Lengths are the printed ones
    on average, up to twice as long.
    """
    again = BenchmarkProtocol(
        id="again", prompts_per_client=6, shortest=0, longest=2, found=((1, 24, 48), (300, 24, 1000)), source="test"
    )
    assert [again.found_share(*run) for run in ((200, 24), (300, 24), (200, 23))] == [48 / 144, 1, 0]
    result = simulate_protocol(WORKED_CASE, CHAT_SCHEDULER, again, 24, 1000, 200, prefix_hit=again.found_share(200, 24))
    times = result.requests
    assert times is not None
    assert result.prompt_tokens == 48 + times.input_tokens[48:].sum()
    assert times.input_tokens.mean() == pytest.approx(1000, rel=0.1)
    assert times.input_tokens.max() == pytest.approx(2000, rel=0.05)


def test_what_can_never_fit_is_refused() -> None:
    small = StepModel([1, 4096], [0.01, 0.27], 2048, 64, 800)
    with pytest.raises(InputError, match=r"1,100 tokens does not fit into the KV pool of 800"):
        simulate_protocol(small, CHAT_SCHEDULER, HERD, 2, 1000, 100)
