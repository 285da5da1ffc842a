"""A plan under a load, request by request: simulated latencies beside the formulas', and the verdict on each target.

The load is drawn from the plan's spec, or is a recorded trace.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal

import numpy as np

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.candidates import Candidates, single
from engine.demand import demand_of
from engine.performance import performance_at_rate
from engine.plan import (
    CapacityPlan,
    Latency,
    Performance,
    SimulatedFigure,
    SimulatedLatency,
    SimulatedTarget,
)
from engine.resolve import Question, resolve
from engine.simulation import Requests, SimulationResult, open_loop, simulate, step_model_of
from engine.simulation.compiled import can_compile
from engine.simulation.requests import chunks
from engine.simulation.routing import DEFAULT_ROUTING, Routing
from engine.simulation.simulate import WORTH_COMPILING
from engine.simulation.statistics import Distribution, Estimate
from engine.simulation.traces import read_trace
from engine.workload import Target, TokenDistribution, Tokens

Moment = Literal["peak", "mean", "profile"]
Progress = Callable[[int, int], None]
"""Called with the requests that have begun and all that there are."""

TOLD_EVERY = 2_000
"""Requests between two words on the progress."""
MOST_REQUESTS = 100_000_000
MOST_REPLICAS = 100_000
SHARES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be simulated."""

    requests: int = 20_000
    """Drawn from the spec; a trace has its own."""
    seed: int = 0
    moment: Moment = "peak"
    """The rate of the peak hour, of the mean, or the hours of the profile from midnight on."""
    replicas: int | None = None
    """Null: those of the plan at the peak hour."""
    routing: Routing = DEFAULT_ROUTING
    speed_up: float = 1.0
    """Of a trace: 10 replays it at ten times its rate."""

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated.

        Raises:
            InputError: naming the value.
        """
        if not 1 <= self.requests <= MOST_REQUESTS:
            raise InputError(f"{self.requests:,} requests cannot be simulated; 1 to {MOST_REQUESTS:,} are accepted")
        if self.replicas is not None and not 1 <= self.replicas <= MOST_REPLICAS:
            raise InputError(f"{self.replicas:,} replicas cannot be simulated; 1 to {MOST_REPLICAS:,} are accepted")
        if not (isfinite(self.speed_up) and self.speed_up > 0):
            raise InputError(f"a speed-up of {self.speed_up:g} is none; a positive number is accepted")
        if self.seed < 0:
            raise InputError(f"the seed {self.seed} is negative; whole numbers from 0 on are accepted")


@dataclass(frozen=True, slots=True)
class LoadOverTime:
    """The load in equal intervals; latencies are null where nobody arrived."""

    interval_s: float
    arrivals: tuple[int, ...]
    waiting: tuple[int, ...]
    running: tuple[int, ...]
    ttft_p50_s: tuple[float | None, ...]
    ttft_p95_s: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class SimulatedPlan:
    """What was simulated, and what came of it."""

    load: str
    """In words."""
    trace: str | None
    seed: int
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
    output_tokens_per_s: float
    utilisation: float
    """Share of the time in which a replica ran a step."""
    mean_batch: float
    kv_cache_usage: float
    preemptions: int
    over_time: LoadOverTime


def simulate_plan(
    plan: CapacityPlan,
    catalog: Catalog,
    asked: Asked,
    *,
    trace: Iterable[str] | None = None,
    trace_name: str = "the trace",
    progress: Progress | None = None,
) -> SimulatedPlan:
    """Return what the plan's fleet makes of a load.

    Args:
        asked: the load and the fleet; see there.
        trace: lines of a trace file instead of a load drawn from the spec; read as they are needed.

    Raises:
        InputError: a trace that cannot be read, names that the catalog no longer knows.
    """
    question, found = chosen_candidate(plan, catalog)
    replicas = asked.replicas or max(plan.fleet.replicas, 1)
    if trace is not None:
        # Its length is not known beforehand.
        load = read_trace(trace, trace_name, speed_up=asked.speed_up)
        words = trace_name + (f" at {asked.speed_up:g} times its rate" if asked.speed_up != 1 else "")
        return _run(plan, question, found, asked, replicas, load, None, words, trace_name, progress)
    rate = fleet_rate(plan, question, asked.moment)
    profile = demand_of(plan.spec.traffic).hourly if asked.moment == "profile" else ()
    words = {"peak": "the peak hour", "mean": "the mean rate", "profile": "the hours of the profile"}[asked.moment]
    formula = None if profile else formula_at(found, rate / replicas)
    load = drawn(question, rate, asked.requests, asked.seed, profile)
    return _run(plan, question, found, asked, replicas, load, formula, words, None, progress)


def chosen_candidate(plan: CapacityPlan, catalog: Catalog) -> tuple[Question, Candidates]:
    """Return the question that a plan answers and the candidate that it chose, an array of one.

    Raises:
        InputError: names that the catalog does not know.
    """
    chosen = plan.chosen
    question = replace(resolve(plan.spec, catalog), accelerators=(catalog.accelerator(chosen.accelerator),))
    found = single(
        question, chosen.tensor_parallel, chosen.pipeline_parallel, chosen.data_parallel, chosen.expert_parallel
    )
    if found.seats_by_memory[0] < 1:
        raise InputError(
            f"{chosen.model_name} no longer fits on {chosen.accelerators_per_replica} × {chosen.accelerator_name} by "
            "this catalog; make the plan anew"
        )
    return question, found


def fleet_rate(plan: CapacityPlan, question: Question, moment: Moment) -> float:
    """Return requests/s over the whole fleet; a closed loop counts at the rate that its clients reach."""
    traffic = plan.spec.traffic
    if question.mean_rate is not None:
        return question.mean_rate * (traffic.peak_factor if moment == "peak" else 1.0)
    at = plan.performance.at_peak if moment == "peak" else plan.performance.at_mean
    return at.requests_per_s * plan.fleet.replicas


def formula_at(found: Candidates, requests_per_s: float) -> Performance | None:
    """Return what the closed forms say of one replica at a rate; None beyond saturation."""
    return performance_at_rate(found.replicas(), requests_per_s)


def drawn(
    question: Question,
    requests_per_s: float,
    count: int,
    seed: int,
    profile: tuple[float, ...] = (),
    burstiness: float | None = None,
) -> Iterator[Requests]:
    """Return requests drawn from the spec of a question, with its burstiness unless another is given."""
    tokens = question.spec.tokens
    return open_loop(
        requests_per_s,
        count,
        tokens.input,
        answers_of(tokens),
        seed=seed,
        burstiness=question.spec.traffic.burstiness if burstiness is None else burstiness,
        hourly_profile=profile,
        prefix_hit=tokens.prefix_hit,
        # As the formulas clip them; beyond the KV pool a runtime refuses a request.
        context_limit=max(question.context_limit - 1, 1),
    )


def answers_of(tokens: Tokens) -> TokenDistribution:
    """Return the lengths of answers, hidden tokens included."""
    if not tokens.reasoning_tokens:
        return tokens.output
    return TokenDistribution(mean=tokens.output.mean + tokens.reasoning_tokens, cv=tokens.output.spread)


def warm_up(requests: int, in_flight: float) -> int:
    """Return how many of the first requests are not counted: the replicas start empty."""
    return min(requests // 3, max(requests // 20, int(2 * in_flight)))


def _run(
    plan: CapacityPlan,
    question: Question,
    found: Candidates,
    asked: Asked,
    replicas: int,
    load: Iterator[Requests],
    formula: Performance | None,
    words: str,
    trace: str | None,
    progress: Progress | None,
) -> SimulatedPlan:
    total = 0 if trace else asked.requests
    first = warm_up(total, formula.in_flight * replicas) if formula else 0
    compiled = can_compile() and (trace is not None or asked.requests >= WORTH_COMPILING)
    result = simulate(
        step_model_of(found),
        question.runtime.scheduler,
        _told(load, total, progress) if progress else load,
        replicas=replicas,
        routing=asked.routing,
        seed=asked.seed,
        first_counted=first,
        speed="compiled" if compiled else "plain",
    )
    if not result.completed:
        raise InputError(f"none of the {result.refused:,} requests fits into the KV pool of a replica")
    return SimulatedPlan(
        load=words,
        trace=trace,
        seed=asked.seed,
        routing=asked.routing,
        replicas=replicas,
        accelerators=replicas * plan.chosen.accelerators_per_replica,
        requests=result.completed,
        refused=result.refused,
        arrivals_per_s=_arrival_rate(result),
        duration_s=result.duration_s,
        ttft_s=latency(result.ttft_s, formula.ttft_s if formula else None),
        itl_s=latency(result.itl_s, formula.itl_s if formula else None) if isfinite(result.itl_s.mean.value) else None,
        e2e_s=latency(result.e2e_s, formula.e2e_s if formula else None),
        token_gap_p99_s=_known(result.token_gap_p99_s),
        targets=tuple(simulated_targets(plan.spec.targets, result, formula, first, None)),
        requests_per_s=result.requests_per_s,
        output_tokens_per_s=result.output_tokens_per_s,
        utilisation=result.utilisation,
        mean_batch=result.mean_batch,
        kv_cache_usage=result.kv_usage,
        preemptions=result.preemptions,
        over_time=_over_time(result),
    )


def _told(load: Iterator[Requests], total: int, progress: Progress) -> Iterator[Requests]:
    done = 0
    for part in load:
        for piece in chunks(part, TOLD_EVERY):
            progress(done, total)
            yield piece
            done += len(piece)


def latency(simulated: Distribution, formula: Latency | None = None) -> SimulatedLatency:
    """Return a distribution as a plan holds it, beside the formula's."""

    def figure(name: str) -> SimulatedFigure:
        estimate: Estimate = getattr(simulated, name)
        beside = None if formula is None else float(getattr(formula, name))
        return SimulatedFigure(estimate.value, estimate.low, estimate.high, beside)

    return SimulatedLatency(figure("mean"), figure("p50"), figure("p90"), figure("p95"), figure("p99"))


def simulated_targets(
    targets: Sequence[Target], result: SimulationResult, formula: Performance | None, first: int, last: int | None
) -> Iterator[SimulatedTarget]:
    """Yield what came of each target; latencies of requests from ``first`` on and before ``last`` count."""
    counted = None if result.requests is None else result.requests.between(first, last)
    for target in targets:
        estimate: Estimate = getattr(getattr(result, f"{target.metric}_s"), target.percentile)
        if not isfinite(estimate.value):
            continue
        beside = None if formula is None else float(getattr(getattr(formula, f"{target.metric}_s"), target.percentile))
        within = None
        if counted is not None:
            values = getattr(counted, {"ttft": "ttft_s", "itl": "tpot_s", "e2e": "e2e_s"}[target.metric])
            values = values[~np.isnan(values)]
            within = float((values <= target.seconds).mean()) if len(values) else None
        yield SimulatedTarget(
            target.metric,
            target.percentile,
            target.seconds,
            estimate.value,
            estimate.low,
            estimate.high,
            beside,
            estimate.value <= target.seconds,
            within,
        )


def _arrival_rate(result: SimulationResult) -> float:
    timeline = result.timeline
    filled = np.flatnonzero(timeline.arrivals)
    seconds = (int(filled[-1]) + 1) * timeline.interval_s if len(filled) else 1.0
    return float(timeline.arrivals.sum()) / seconds


def _over_time(result: SimulationResult) -> LoadOverTime:
    timeline = result.timeline
    return LoadOverTime(
        timeline.interval_s,
        tuple(int(n) for n in timeline.arrivals),
        tuple(int(n) for n in timeline.waiting),
        tuple(int(n) for n in timeline.running),
        tuple(_known(float(value)) for value in timeline.ttft_p50_s),
        tuple(_known(float(value)) for value in timeline.ttft_p95_s),
    )


def _known(value: float) -> float | None:
    return value if isfinite(value) else None
