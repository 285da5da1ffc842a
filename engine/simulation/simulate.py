"""The simulator's entry: a step model, a scheduler and a load → latencies, throughput and the load over time."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.records.protocols import BenchmarkProtocol
from catalogs.records.runtimes import Scheduler
from engine.arrays import Ints
from engine.random_streams import stream
from engine.simulation.arrivals import draw_uniform
from engine.simulation.columns import (
    BATCH_SECONDS,
    BUSY,
    KV_SECONDS,
    NEVER,
    OUTPUT_TOKENS,
    PREEMPTIONS,
    PROMPT_TOKENS,
    STEPS,
)
from engine.simulation.compiled import PLAIN, Loops, can_compile, compiled_loops
from engine.simulation.fleet_state import GAP_EDGES, FleetState
from engine.simulation.requests import Requests, chunks, requests_of
from engine.simulation.routing import Routing
from engine.simulation.statistics import Distribution, Timeline, TimelineCounts, quantile_of_bins
from engine.simulation.step_model import StepModel
from engine.simulation.tally import RequestTimes, Tally

Speed = Literal["auto", "plain", "compiled"]

WORTH_COMPILING = 30_000
"""Requests from which reading the compiled loops back costs less than it saves."""


MOST_OF_CLIENTS = 1_000_000
"""Requests that clients of a closed loop send where nobody says how many, unless they are more themselves: 20 s of work
and 0.8 GB."""


class SimulationResult(Struct, frozen=True):
    """What was measured. Latencies are those of the requests that count; totals count everything."""

    ttft_s: Distribution
    itl_s: Distribution
    """TPOT over requests."""
    e2e_s: Distribution
    wait_s: Distribution
    """From arrival to being admitted."""
    completed: int
    refused: int
    """Requests that no KV pool of this size could ever hold."""
    duration_s: float
    """From 0 to the last token."""
    requests_per_s: float
    output_tokens_per_s: float
    prompt_tokens: int
    """Computed, recomputation after preemption included."""
    output_tokens: int
    preemptions: int
    steps: int
    utilisation: float
    """Share of the time in which a step ran."""
    mean_batch: float
    """Decoding requests in one replica, over time."""
    kv_usage: float
    """Share of the KV pool that decoding requests hold, over time."""
    over_time: TimelineCounts
    token_gaps: Ints
    """Gaps between tokens of one stream, by bin of ``fleet_state.GAP_EDGES``."""
    requests: RequestTimes | None
    """None for loads of more than ``tally.KEPT`` requests."""
    events: int
    """Requests, and turns of the loop: what the simulation took."""
    stopped_at: int | None
    """The first request that is not done because the turns were used up, from which on none counts; None at the end
    of the load."""

    @property
    def timeline(self) -> Timeline:
        """The load over time."""
        return self.over_time.timeline()

    def token_gap_s(self, share: float) -> float:
        """Return a percentile of the gaps between tokens of one stream, over all tokens, to 0.5 %."""
        return quantile_of_bins(self.token_gaps, GAP_EDGES, share)


def simulate(
    step_model: StepModel,
    scheduler: Scheduler,
    requests: Requests | Iterable[Requests],
    *,
    replicas: int = 1,
    routing: Routing = "round_robin",
    seed: int = 0,
    first_counted: int = 0,
    last_counted: int | None = None,
    most_turns: int | None = None,
    over_time: bool = True,
    speed: Speed = "auto",
) -> SimulationResult:
    """Return what ``replicas`` alike, one step model each, make of a load.

    Budget, seats and KV pool are those of the step model (one replica's); of ``scheduler`` only the policies count.
    Prefix hits shorten a prompt's computation; its whole context holds KV.

    Args:
        requests: all at once, or in chunks in order of arrival (``arrivals.open_loop``, ``traces.read_trace``): then
            memory stays bounded however long the load is.
        seed: of the router's draws; the load has its own.
        first_counted: requests that arrive before this one warm the replicas up.
        last_counted: requests from this one on only keep the replicas busy; None where all count.
        most_turns: turns of the loop, over all replicas, after which the simulation stops; None: it ends with the
            load.
        over_time: count the load over time and the gaps between tokens; else the result has neither.
        speed: plain Python, compiled by numba (the extra ``fast``), or whichever is sooner done, which is the compiled
            one wherever this process holds it. The results are equal.

    Raises:
        InputError: the waiting requests outgrow what can be held.
    """
    parts, loops = in_parts(requests, speed)
    fleet = FleetState(step_model, scheduler, replicas, routing, seed, loops, most_turns, count_gaps=over_time)
    tally, timeline = Tally(step_model.overhead_s, first_counted, last_counted), TimelineCounts()
    for part, horizon in with_horizons(parts):
        served = fleet.serve(part, horizon)
        tally.add(served)
        if over_time:
            timeline.add(served, step_model.overhead_s)
        if fleet.stopped_at is not None:
            tally.count_before(fleet.stopped_at)
            break
    return _result(fleet, tally, timeline)


def simulate_protocol(
    step_model: StepModel,
    scheduler: Scheduler,
    protocol: BenchmarkProtocol,
    concurrency: int,
    input_tokens: float,
    output_tokens: float,
    *,
    prefix_hit: float = 0.0,
    seed: int = 0,
    replicas: int = 1,
    routing: Routing = "round_robin",
) -> SimulationResult:
    """Return what a closed-loop benchmark would have printed.

    All clients start at once; each sends its next prompt when its last answer is done, after the protocol's turnaround,
    until ``concurrency × prompts_per_client`` were sent. Where the burst does not count, latencies leave it out. A
    token budget that the protocol states belongs into the step model.

    Args:
        concurrency: clients.
        input_tokens: of prompts, as printed.
        output_tokens: of answers, as printed.
        prefix_hit: share of each prompt whose KV is already there, or where earlier runs left prompts, of the run's
            prompts those that they sent.
        seed: of all draws.
        replicas: that share the load.
    """
    count = concurrency * protocol.prompts_per_client
    prompts, answers = stream(seed, 1), stream(seed, 2)
    drawn = draw_uniform(protocol.shortest * input_tokens, protocol.longest * input_tokens, count, prompts)
    cached = np.floor(drawn * prefix_hit).astype(np.int64)
    if protocol.found:
        cached = np.where(np.arange(count) < prefix_hit * count, drawn, 0)
    load = requests_of(
        np.zeros(count),
        drawn,
        draw_uniform(protocol.shortest * output_tokens, protocol.longest * output_tokens, count, answers),
        cached,
    )
    fixed = replace(step_model, fixed_answers=True)
    return simulate_clients(
        fixed, scheduler, protocol, load, concurrency, replicas=replicas, routing=routing, seed=seed
    )


def simulate_clients(
    step_model: StepModel,
    scheduler: Scheduler,
    protocol: BenchmarkProtocol,
    load: Requests,
    concurrency: int,
    *,
    replicas: int = 1,
    routing: Routing = "round_robin",
    seed: int = 0,
) -> SimulationResult:
    """Return what replicas make of clients that send requests in their order, each its next once its last is done.

    Args:
        protocol: what the clients do between two requests, and whether their first ones count.
        load: its arrivals do not matter.
        concurrency: clients, who all start at once.
        replicas: that share the load.
        seed: of all draws.
    """
    jitter = protocol.jitter_s * stream(seed, 0).standard_exponential(len(load))
    think = protocol.turnaround_s + step_model.overhead_s + jitter
    fleet = FleetState(step_model, scheduler, replicas, routing, seed, loops_for("auto", len(load)))
    tally, timeline = Tally(step_model.overhead_s, 0 if protocol.burst_counts else concurrency), TimelineCounts()
    served = fleet.serve_clients(load, concurrency, np.zeros(concurrency), think)
    tally.add(served)
    timeline.add(served, step_model.overhead_s)
    return _result(fleet, tally, timeline)


def hold_compiled_loops() -> None:
    """Compile the loops, or read them from numba's cache, for all further simulations of this process."""
    model = StepModel(tokens=(1, 2), seconds=(1e-3, 1e-3), budget=8, seats=8)
    scheduler = Scheduler(token_budget=8, max_sequences=8, mixed=True, chunked=True)
    ones = np.ones(2, dtype=np.int64)
    load = requests_of(np.zeros(2), ones, ones)
    simulate(model, scheduler, load, replicas=2, routing="least_outstanding", speed="compiled")


def in_parts(requests: Requests | Iterable[Requests], speed: Speed) -> tuple[Iterator[Requests], Loops]:
    """Return a load in chunks, and the loops for as many requests as it or its first chunk has."""
    if isinstance(requests, Requests):
        return chunks(requests), loops_for(speed, len(requests))
    parts = iter(requests)
    first = next(parts, None)
    return (iter(()), loops_for(speed, 0)) if first is None else (chain([first], parts), loops_for(speed, len(first)))


def loops_for(speed: Speed, expected: int) -> Loops:
    """Return the loops at the speed that was asked for; where none was, compiled ones that the process holds already.

    Args:
        speed: that was asked for.
        expected: requests; so many may be worth reading the compiled loops back.
    """
    held = compiled_loops.cache_info().currsize > 0
    if speed == "compiled" or (speed == "auto" and (held or (expected >= WORTH_COMPILING and can_compile()))):
        return compiled_loops()
    return PLAIN


def with_horizons(parts: Iterator[Requests]) -> Iterator[tuple[Requests, float]]:
    """Yield each chunk and the arrival of the first request after it."""
    held: Requests | None = None
    for part in parts:
        if not len(part):
            continue
        if held is not None:
            yield held, float(part.arrival_s[0])
        held = part
    if held is not None:
        yield held, NEVER


def _result(fleet: FleetState, tally: Tally, timeline: TimelineCounts) -> SimulationResult:
    integers, floats = fleet.totals
    times = tally.times()
    ttft, itl, e2e, wait = tally.distributions(times)
    sums = integers.sum(axis=0)
    seconds = max(tally.last_s, 1e-12)
    replica_s = seconds * fleet.replicas
    return SimulationResult(
        ttft_s=ttft,
        itl_s=itl,
        e2e_s=e2e,
        wait_s=wait,
        completed=tally.completed,
        refused=fleet.refused,
        duration_s=tally.last_s,
        requests_per_s=tally.completed / seconds,
        output_tokens_per_s=float(sums[OUTPUT_TOKENS]) / seconds,
        prompt_tokens=int(sums[PROMPT_TOKENS]),
        output_tokens=int(sums[OUTPUT_TOKENS]),
        preemptions=int(sums[PREEMPTIONS]),
        steps=int(sums[STEPS]),
        utilisation=float(floats[:, BUSY].sum()) / replica_s,
        mean_batch=float(floats[:, BATCH_SECONDS].sum()) / replica_s,
        kv_usage=float(floats[:, KV_SECONDS].sum()) / replica_s / fleet.model.kv_tokens,
        over_time=timeline,
        token_gaps=fleet.token_gaps,
        requests=times,
        events=fleet.turns + tally.completed,
        stopped_at=fleet.stopped_at,
    )
