"""What a benchmark's own protocol makes of a closed loop, and how long an offline run is."""

import numpy as np
import pytest
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.records.protocols import BenchmarkProtocol
from catalogs.records.runtimes import Scheduler
from engine.replica.closed_forms import LoadFigures, closed_loop, offline, prompts_together, saturated
from engine.replica.load import Replicas, replicas_of
from tests.engine.asked import lengths, worked_case

FIXED = BenchmarkProtocol(id="fixed", source="a test")
DRAWN = BenchmarkProtocol(id="drawn", source="a test", shortest=0.8)
WHOLE = Scheduler(token_budget=2048, max_sequences=256, mixed=True, chunked=False)
APART = Scheduler(token_budget=2048, max_sequences=256, mixed=False, chunked=True)


def case(scheduler: Scheduler = WHOLE, prompt: float = 500, output: float = 250, seats: float = 256) -> Replicas:
    """Equal requests, four of whose prompts fill a step."""
    basis = worked_case(seats=seats)
    return replicas_of(
        basis.costs.tables,
        lengths(prompt, output, cv=0),
        scheduler,
        budget=np.array([2048.0]),
        seats=np.array([seats]),
        ttft_overhead_s=np.zeros(1),
        arrival_cv=1.0,
    )


def at(clients: float, replicas: Replicas, protocol: BenchmarkProtocol = FIXED) -> LoadFigures:
    return closed_loop(replicas, np.array([clients]), protocol)


def of_others(figures: LoadFigures) -> float:
    return float(figures.itl_parts["prompts of others"][0])


def test_a_herd_whose_prompts_share_one_step_waits_for_nobody() -> None:
    """Four prompts of 500 fit 2,048 tokens: those who prefill together decode together."""
    assert of_others(at(4, case())) == pytest.approx(0)
    assert of_others(at(5, case())) > 0
    assert of_others(at(4, case(), DRAWN)) > 0


@pytest.mark.parametrize("scheduler", [WHOLE, APART])
def test_a_herd_feels_the_prompts_of_other_steps_alone(scheduler: Scheduler) -> None:
    """(1 − g/c) of c prompts in an answer; half of them where all prefill before anybody decodes."""
    replicas = case(scheduler)
    clients = 20.0
    together = float(prompts_together(replicas)[0, 0])
    costs, batch = replicas.costs, np.array([[clients]])
    prompt_s = float((costs.prompt_seconds(costs.at(batch)) @ replicas.lengths.prompt.weights)[0, 0])
    felt = (1.0 if scheduler.mixed else 0.5) * (1 - together / clients)
    assert of_others(at(clients, replicas)) == pytest.approx(felt * clients * prompt_s / replicas.lengths.decoded)


def test_one_client_meets_nobody() -> None:
    figures = at(1, case())
    assert figures.ttft_parts["waiting behind other prompts"][0] == 0
    assert of_others(figures) == 0


@pytest.mark.parametrize("protocol", [FIXED, DRAWN])
@pytest.mark.parametrize("scheduler", [WHOLE, APART, replace(WHOLE, chunked=True)])
def test_more_clients_wait_longer(scheduler: Scheduler, protocol: BenchmarkProtocol) -> None:
    found = [at(clients, case(scheduler), protocol) for clients in (1, 4, 16, 64, 256)]
    times = [float(figures.ttft_s[0]) for figures in found if figures.ttft_s is not None]
    assert len(times) == len(found)
    assert times == sorted(times)


def test_clients_beyond_the_seats_wait_for_one() -> None:
    """The seats run as before; at the start, when all come at once, fewer turns stand before a request than later."""
    alone, beyond = at(8, case(seats=8)), at(16, case(seats=8))
    assert alone.ttft_parts["waiting for a seat"][0] == 0
    assert alone.itl_s is not None
    assert beyond.itl_s is not None
    assert beyond.itl_s[0] == pytest.approx(alone.itl_s[0])
    rounds = [replace(FIXED, prompts_per_client=count) for count in (1, 2)]
    burst, later = (float(at(16, case(seats=8), own).ttft_parts["waiting for a seat"][0]) for own in rounds)
    assert burst < later


def test_servers_that_look_for_arrivals_seldom_keep_them_waiting() -> None:
    seldom = replace(APART, poll_steps=30)
    held = replace(WHOLE, batch_wait_steps=20)
    for changed, usual in ((seldom, APART), (held, WHOLE)):
        slow, quick = (at(8, case(scheduler), DRAWN).ttft_s for scheduler in (changed, usual))
        assert slow is not None
        assert quick is not None
        assert slow[0] > quick[0]


def test_a_long_offline_run_is_saturated_and_a_short_one_is_not() -> None:
    replicas = case(seats=64)
    most = float(saturated(replicas).requests_per_s[0])
    rates = [float(offline(replicas, count).requests_per_s[0]) for count in (32, 640, 64_000)]
    assert rates[0] < rates[1]
    assert rates[-1] == pytest.approx(most, rel=0.01)


def test_protocols_know_how_many_requests_were_queued() -> None:
    protocol = Catalog.load().protocols["trtllm_docs_v1.0"]
    assert protocol.requests_of(128.0, 4096.0) == 1500
    assert protocol.requests_of(128.0, 4095.0) is None


def test_a_running_sequence_is_longer_than_a_mean_one_and_a_reserved_one_longer_still() -> None:
    """E[O²]/E[O] = O·(1 + cv²) is the answer of the sequences met at a time; all of it where it is reserved."""
    drawn = lengths(500, 200, cv=0.8)
    longest = drawn.output.mean * (1 + drawn.output.cv**2)
    assert drawn.live_mean == pytest.approx(drawn.prompt.mean + longest / 2)
    assert drawn.reserved_mean == pytest.approx(drawn.prompt.mean + longest)
    equal = lengths(500, 200, cv=0)
    assert (equal.live_mean, equal.reserved_mean) == pytest.approx((600, 700))


def test_a_runtime_without_windows_sees_every_token() -> None:
    model = Catalog.load().model("Mistral 7B v0.1").model
    full = model.without_windows()
    assert any(getattr(group.attention, "window", None) for group in model.layers)
    assert not any(getattr(group.attention, "window", None) for group in full.layers)
    assert full.layer_count == model.layer_count
    assert full.without_windows() is full
