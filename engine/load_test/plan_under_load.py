"""A plan under a load, request by request: simulated latencies beside the formulas', and the verdict on each target.

The load is drawn from the plan's spec, or is a recorded trace.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from math import isfinite
from typing import Any, Literal, TypeVar

import numpy as np
from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.fleet.candidates import Candidates
from engine.load_test.repeats import Progress, Repeated, repeats
from engine.plan import CapacityPlan, Performance, SimulatedLatency, SimulatedTarget
from engine.planning.inverse import chosen_candidate, fleet_rate
from engine.proof.drawn_load import drawn_load
from engine.proof.simulated_figures import distribution_over, latency, simulated_targets
from engine.question.demand import demand_of
from engine.replica.performance import performance_at_rate
from engine.simulation import Requests, SimulationResult, step_model_of
from engine.simulation.arrivals import of_clients
from engine.simulation.compiled import can_compile
from engine.simulation.routing import DEFAULT_ROUTING, Routing
from engine.simulation.simulate import MOST_OF_CLIENTS, WORTH_COMPILING, Speed
from engine.simulation.timestamps import Timestamps, TimeUnit
from engine.simulation.traces import read_trace

Moment = Literal["peak", "mean", "profile"]

REQUESTS = 20_000
"""Drawn where nobody says how many."""
MOST_REPEATS = 1_000
MOST_REQUESTS = 100_000_000
MOST_REPLICAS = 100_000
LATENCIES = ("ttft_s", "itl_s", "e2e_s")
_Intervals = TypeVar("_Intervals", bound=Struct)


def refuse_impossible(replicas: int | None, speed_up: float, seed: int) -> None:
    """Refuse what no simulation takes, of one moment or over time.

    Args:
        replicas: None: those of the plan.
        seed: of all draws.

    Raises:
        InputError: naming the value.
    """
    if replicas is not None and not 1 <= replicas <= MOST_REPLICAS:
        raise InputError(f"{replicas:,} replicas cannot be simulated; 1 to {MOST_REPLICAS:,} are accepted")
    if not (isfinite(speed_up) and speed_up > 0):
        raise InputError(f"a speed-up of {speed_up:g} is none; a positive number is accepted")
    if seed < 0:
        raise InputError(f"the seed {seed} is negative; whole numbers from 0 on are accepted")


class LoadTestSettings(Struct, frozen=True):
    """What is to be simulated."""

    requests: int | None = None
    """Drawn from the spec; a trace has its own. Null: 20,000; of clients in a closed loop those of a benchmark."""
    seed: int = 0
    moment: Moment = "peak"
    """The rate of the peak hour, of the mean, or the hours of the profile from midnight on."""
    replicas: int | None = None
    """Null: those of the plan at the peak hour."""
    routing: Routing = DEFAULT_ROUTING
    speed_up: float = 1.0
    """Of a trace: 10 replays it at ten times its rate."""
    trace_unit: TimeUnit | None = None
    """Of a trace's timestamps; null: as its format has them, or as their values say."""
    repeats: int = 1
    """Simulations of the load drawn anew, with this seed and the next ones; figures are means over them."""
    speed: Speed = "auto"
    """Plain Python, compiled, or whichever is sooner done: the figures are equal."""

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated.

        Raises:
            InputError: naming the value.
        """
        if self.requests is not None and not 1 <= self.requests <= MOST_REQUESTS:
            raise InputError(f"{self.requests:,} requests cannot be simulated; 1 to {MOST_REQUESTS:,} are accepted")
        if not 1 <= self.repeats <= MOST_REPEATS:
            raise InputError(f"{self.repeats:,} repeats cannot be simulated; 1 to {MOST_REPEATS:,} are accepted")
        refuse_impossible(self.replicas, self.speed_up, self.seed)


class LoadOverTime(Struct, frozen=True):
    """The load in equal intervals; latencies are null where nobody arrived."""

    interval_s: float
    arrivals: tuple[int, ...]
    waiting: tuple[int, ...]
    running: tuple[int, ...]
    ttft_p50_s: tuple[float | None, ...]
    ttft_p95_s: tuple[float | None, ...]


class SimulatedPlan(Struct, frozen=True):
    """What was simulated, and what came of it: means over the repeats, but for the counts, which are sums."""

    load: str
    """In words."""
    notes: tuple[str, ...]
    """What was assumed of a recorded load."""
    warnings: tuple[str, ...]
    trace: str | None
    seed: int
    repeats: int
    """Intervals are over them; of a single one by batch means."""
    routing: Routing
    replicas: int
    accelerators: int
    requests: int
    """Completed."""
    refused: int
    """No replica could ever hold them."""
    arrivals_per_s: float
    duration_s: float
    ttft_s: SimulatedLatency
    itl_s: SimulatedLatency | None
    """Null where every answer has one token."""
    e2e_s: SimulatedLatency
    token_gap_p99_s: float | None
    targets: tuple[SimulatedTarget, ...]
    requests_per_s: float
    """From the first arrival to the last answer, as are those below: filling and draining included."""
    output_tokens_per_s: float
    utilisation: float
    """Share of the time in which a replica ran a step."""
    mean_batch: float
    kv_cache_usage: float
    preemptions: int
    over_time: LoadOverTime
    """Of the first repeat."""


def simulate_plan(
    plan: CapacityPlan,
    catalog: Catalog,
    settings: LoadTestSettings,
    *,
    trace: Iterable[str] | None = None,
    trace_name: str = "the trace",
    progress: Progress | None = None,
    processes: int = 1,
) -> SimulatedPlan:
    """Return what the plan's fleet makes of a load.

    Args:
        settings: the load and the fleet; see there.
        trace: lines of a trace file instead of a load drawn from the spec; read as they are needed.
        processes: among which repeats are spread, where that pays; the result is the same.

    Raises:
        InputError: a trace that cannot be read, names that the catalog no longer knows.
    """
    question, candidates = chosen_candidate(plan, catalog)
    replicas = settings.replicas or max(plan.fleet.replicas, 1)
    traffic, peak = plan.spec.traffic, settings.moment == "peak"
    words = {"peak": "the peak hour", "mean": "the mean rate", "profile": "the hours of the profile"}[settings.moment]
    formula, clients, count, protocol, timestamps = None, 0, 0, None, None
    if trace is not None:
        if settings.repeats > 1:
            raise InputError(f"{trace_name} has the same requests in every repeat; --repeats is of a load drawn anew")
        words = trace_name + (f" at {settings.speed_up:g} times its rate" if settings.speed_up != 1 else "")
        times = timestamps = Timestamps(settings.trace_unit)
        lines = trace

        def load(seed: int) -> Iterator[Requests]:
            return read_trace(lines, trace_name, speed_up=settings.speed_up, timestamps=times)

    elif traffic.concurrency is not None and settings.moment != "profile":
        protocol = question.catalog.protocols["default"]
        clients = round(traffic.concurrency * (traffic.peak_factor if peak else 1))
        count = settings.requests or min(clients * protocol.prompts_per_client, max(MOST_OF_CLIENTS, clients))
        load = partial(of_clients, count, question.spec.tokens, question.context_limit)
        words += f", {clients:,} clients in a closed loop who all start at once"
    else:
        rate, count = fleet_rate(plan, question, peak=peak), settings.requests or REQUESTS
        profile = demand_of(traffic).hourly if settings.moment == "profile" else ()
        formula = None if profile else formula_at(candidates, rate / replicas, replicas, settings.routing)
        load = drawn_load(question, rate, count, profile)
    speed = settings.speed
    if speed == "auto":
        speed = "compiled" if can_compile() and (not count or count >= WORTH_COMPILING) else "plain"
    scheduler, model = question.runtime.scheduler, step_model_of(candidates)
    first, last = counted(count, formula.in_flight * replicas) if formula else (0, None)
    case = Repeated(model, scheduler, load, count, replicas, settings.routing, first, last, speed, clients, protocol)
    return _run(
        plan, settings, case, formula, words, trace_name if timestamps else None, progress, processes, timestamps
    )


def formula_at(
    candidates: Candidates, requests_per_s: float, replicas: int, routing: Routing = DEFAULT_ROUTING
) -> Performance | None:
    """Return what the closed forms say of one replica; None beyond saturation.

    Args:
        candidates: the replica, an array of one.
        requests_per_s: on each replica.
        replicas: behind the router.
        routing: of requests; another than to the fewest outstanding leaves each replica arrivals of its own.
    """
    one = candidates.replicas()
    pooled = one.in_fleet(np.array([[float(replicas)]])) if routing == DEFAULT_ROUTING else one
    return performance_at_rate(pooled, requests_per_s)


def counted(requests: int, in_flight: float) -> tuple[int, int]:
    """Return the first request that counts and the first one after those that do: a fleet starts and ends empty.

    As where a forecast is verified, three times the requests in flight fill it and as many as are in flight keep it
    busy after those that count; of few requests up to a half count all the same.

    Args:
        in_flight: in the whole fleet.
    """
    first = min(max(requests // 20, round(3 * in_flight)), requests // 3)
    return first, requests - min(round(in_flight), requests // 6)


def enough(in_flight: float) -> int:
    """Return the requests from which on those that count see a fleet in balance."""
    return int(float(f"{9 * in_flight + 100:.2g}"))


def _run(
    plan: CapacityPlan,
    settings: LoadTestSettings,
    case: Repeated,
    formula: Performance | None,
    words: str,
    trace: str | None,
    progress: Progress | None,
    processes: int,
    timestamps: Timestamps | None,
) -> SimulatedPlan:
    seeds = range(settings.seed, settings.seed + settings.repeats)
    results = repeats(case, seeds, processes=processes, progress=progress)
    completed, refused = (sum(getattr(result, name) for result in results) for name in ("completed", "refused"))
    if not completed:
        raise InputError(f"none of the {refused:,} requests fits into the KV pool of a replica")
    ttft, itl, e2e = (distribution_over([getattr(result, name) for result in results]) for name in LATENCIES)

    def mean(figure: Callable[[SimulationResult], float]) -> float:
        return sum(map(figure, results)) / len(results)

    return SimulatedPlan(
        load=words,
        notes=timestamps.notes if timestamps else (),
        warnings=(*(timestamps.warnings if timestamps else ()), *_too_few(case, formula)),
        trace=trace,
        seed=settings.seed,
        repeats=len(results),
        routing=settings.routing,
        replicas=case.replicas,
        accelerators=case.replicas * plan.chosen.accelerators_per_replica,
        requests=completed,
        refused=refused,
        arrivals_per_s=mean(_arrival_rate),
        duration_s=mean(lambda result: result.duration_s),
        ttft_s=latency(ttft, formula.ttft_s if formula else None),
        itl_s=latency(itl, formula.itl_s if formula else None) if isfinite(itl.mean.value) else None,
        e2e_s=latency(e2e, formula.e2e_s if formula else None),
        token_gap_p99_s=_known(mean(lambda result: result.token_gap_s(0.99))),
        targets=tuple(simulated_targets(plan.spec.targets, results, formula, case.first_counted, case.last_counted)),
        requests_per_s=mean(lambda result: result.requests_per_s),
        output_tokens_per_s=mean(lambda result: result.output_tokens_per_s),
        utilisation=mean(lambda result: result.utilisation),
        mean_batch=mean(lambda result: result.mean_batch),
        kv_cache_usage=mean(lambda result: result.kv_usage),
        preemptions=sum(result.preemptions for result in results),
        over_time=by_interval(LoadOverTime, results[0].timeline),
    )


def _too_few(case: Repeated, formula: Performance | None) -> Iterator[str]:
    """Say where the requests are too few to see the fleet in balance."""
    in_flight = formula.in_flight * case.replicas if formula else 0.0
    if formula and case.requests < (least := enough(in_flight)):
        yield (
            f"{in_flight:,.0f} requests are in flight in balance and the fleet starts and ends empty: of "
            f"{case.requests:,} requests its latencies are too low; {least:,} are enough"
        )


def _arrival_rate(result: SimulationResult) -> float:
    timeline = result.timeline
    filled = np.flatnonzero(timeline.arrivals)
    seconds = (int(filled[-1]) + 1) * timeline.interval_s if len(filled) else 1.0
    return float(timeline.arrivals.sum()) / seconds


def by_interval(kind: type[_Intervals], arrays: Any) -> _Intervals:
    """Return a record of equal intervals, its tuples from the arrays of the same names, what is not known as None."""
    columns = (getattr(arrays, name).tolist() for name in kind.__struct_fields__[1:])
    return kind(arrays.interval_s, *(tuple(map(_known, column)) for column in columns))


def _known(value: float) -> float | None:
    return value if isfinite(value) else None
