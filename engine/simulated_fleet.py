"""A plan's fleet over a day, a week or a trace, request by request, scaled by the plan's own thresholds.

The load is the workload's own hours, recorded hourly rates, or a recorded trace; token lengths are the spec's or those
of a recorded trace.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from math import ceil, isfinite
from pathlib import PurePath
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.chosen import chosen_candidate, fleet_rate
from engine.controller import ScalingPolicy, fixed_policy, policy_of
from engine.demand import HOUR_S, MINUTE_S, Demand, demand_of
from engine.demand_by_minute import demand_by_minute
from engine.offers import paid_accelerators
from engine.plan import CapacityPlan, SimulatedLatency, SimulatedTarget
from engine.repeats import Progress
from engine.replayed import always_on
from engine.resolve import Question
from engine.simulated import MOST_REPLICAS, drawn_tokens, latency
from engine.simulation import Requests, requests_of, step_model_of
from engine.simulation.arrivals import Lengths, lengths_as_in, over_time
from engine.simulation.minutes import Minutes
from engine.simulation.over_time import FleetOverTime, simulate_over_time
from engine.simulation.rates import read_hourly_rates
from engine.simulation.routing import Routing
from engine.simulation.statistics import Distribution, Estimate
from engine.simulation.traces import read_trace

Span = Literal["day", "week"]
SPANS_H = {"day": 24, "week": 168}
FIRST_S = 300.0
"""Of a trace: by its rate in these seconds the fleet is sized when it begins."""


@dataclass(frozen=True, slots=True)
class Lasting:
    """What is to be simulated over time."""

    span: Span | None = "week"
    """Of the workload's hours, or of recorded ones from the first on; null: all that is recorded."""
    seed: int = 0
    routing: Routing = "least_outstanding"
    replicas: int | None = None
    """A fleet of so many that does not scale; null: the plan's autoscaler between its minimum and maximum."""
    failures: tuple[float, ...] = ()
    """Seconds at which the replica that has served longest fails."""
    speed_up: float = 1.0
    """Of a trace: 10 replays it at ten times its rate."""

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated.

        Raises:
            InputError: naming the value.
        """
        if self.replicas is not None and not 1 <= self.replicas <= MOST_REPLICAS:
            raise InputError(f"{self.replicas:,} replicas cannot be simulated; 1 to {MOST_REPLICAS:,} are accepted")
        if not (isfinite(self.speed_up) and self.speed_up > 0):
            raise InputError(f"a speed-up of {self.speed_up:g} is none; a positive number is accepted")
        if self.seed < 0:
            raise InputError(f"the seed {self.seed} is negative; whole numbers from 0 on are accepted")


@dataclass(frozen=True, slots=True)
class Recorded:
    """A file that a load comes from: its name, and its lines, read as they are needed."""

    name: str
    """With its path, for messages."""
    lines: Iterable[str]

    @property
    def shown(self) -> str:
        """The name alone."""
        return PurePath(self.name).name


@dataclass(frozen=True, slots=True)
class FleetByMinute:
    """The fleet minute by minute; all tuples alike. Latencies are null where nobody arrived."""

    interval_s: float
    serving: tuple[float, ...]
    """Replicas, on average over the minute."""
    starting: tuple[float, ...]
    draining: tuple[float, ...]
    accelerator_hours: tuple[float, ...]
    """Of all three."""
    requests: tuple[int, ...]
    """That arrived."""
    misses: tuple[int, ...]
    """Of these, those with a latency beyond a target's limit."""
    queue: tuple[int, ...]
    """Requests that wait, at the end of the minute."""
    running: tuple[int, ...]
    ttft_p50_s: tuple[float | None, ...]
    """Of the requests that arrived in the minute, to 2 %."""
    ttft_p95_s: tuple[float | None, ...]
    ttft_p99_s: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class SimulatedFleet:
    """What was simulated over time, and what came of it. As JSON it is this record, tuples as arrays."""

    load: str
    """In words."""
    span: Span | None
    seed: int
    routing: Routing
    autoscaled: bool
    initial_replicas: int
    minimum_replicas: int
    """That the autoscaler may hold."""
    maximum_replicas: int
    poll_s: float
    """Between two looks of the autoscaler at the metrics."""
    start_s: float
    """From its decision to a replica that serves."""
    duration_s: float
    requests: int
    """Completed."""
    refused: int
    """No replica could ever hold them."""
    begun_anew: int
    """Times that a failing replica made a request begin anew."""
    arrivals_per_s: float
    met: float | None
    """Share of requests with every latency within its target's limit, whatever the percentile; null without targets."""
    targets: tuple[SimulatedTarget, ...]
    ttft_s: SimulatedLatency
    itl_s: SimulatedLatency | None
    """Null where every answer has one token."""
    e2e_s: SimulatedLatency
    fewest_replicas: int
    """Serving at once."""
    most_replicas: int
    starts: int
    drains: int
    failures: int
    replica_hours: float
    """Starting, serving and draining."""
    accelerator_hours: float
    """The same, as they are paid: of whole instances where the fleet is rented."""
    fixed_replicas: int
    """Always on instead: for the peak hour and its burst, with spares."""
    fixed_accelerator_hours: float
    saving: float
    """Share of the fixed fleet's accelerator-hours."""
    by_minute: FleetByMinute


def simulate_fleet(
    plan: CapacityPlan,
    catalog: Catalog,
    asked: Lasting,
    *,
    trace: Recorded | None = None,
    rates: Recorded | None = None,
    lengths: Recorded | None = None,
    progress: Progress | None = None,
) -> SimulatedFleet:
    """Return what the plan's fleet makes of a load over time.

    Args:
        asked: how long, and the fleet; see there.
        trace: requests, instead of a load drawn from the spec.
        rates: hourly requests/s, instead of the workload's own hours.
        lengths: requests whose token lengths are drawn, each prompt with its answer, instead of the spec's.

    Raises:
        InputError: a file that cannot be read, names that the catalog no longer knows, a load without requests.
    """
    question, found = chosen_candidate(plan, catalog)
    if trace is not None:
        load = _of_trace(trace, asked)
    else:
        drawn = drawn_tokens(question, asked.seed) if lengths is None else _recorded_lengths(lengths, asked.seed)
        load = _of_hours(plan, question, asked, rates, drawn)
        if lengths is not None:
            load = replace(load, words=f"{load.words}, lengths as in {lengths.shown}")
    scaled = policy_of(plan.autoscaling, plan.fleet, plan.spec.availability.spare_replicas)
    policy = scaled if asked.replicas is None else fixed_policy(asked.replicas, scaled.start_s)
    initial = _asked_by(load.first_rate, policy)
    over = simulate_over_time(
        step_model_of(found),
        question.runtime.scheduler,
        _told(load, progress) if progress else load.requests,
        policy,
        initial=initial,
        until_s=load.until_s,
        accelerators=plan.chosen.accelerators_per_replica,
        targets=plan.spec.targets,
        failures=asked.failures,
        routing=asked.routing,
        seed=asked.seed,
    )
    if not over.completed:
        raise InputError(
            f"none of the {over.refused:,} requests fits into the KV pool of a replica"
            if over.refused
            else f"no request came in {load.words}: give a higher rate"
        )
    return _simulated(plan, asked, policy, initial, load.words, over)


# --- loads ---


@dataclass(frozen=True, slots=True)
class _Load:
    requests: Iterator[Requests]
    words: str
    first_rate: float
    """Requests/s when it begins."""
    until_s: float | None = None
    """Null: a trace ends with its last request."""
    expected: int = 0
    """Requests; 0 where nobody knows beforehand."""


def _of_trace(trace: Recorded, asked: Lasting) -> _Load:
    parts = read_trace(trace.lines, trace.name, speed_up=asked.speed_up)
    first = next(parts)  # an empty trace has been refused
    last = float(first.arrival_s[-1])
    early = int(np.searchsorted(first.arrival_s, FIRST_S))
    rate = early / FIRST_S if last > FIRST_S else len(first) / max(last, MINUTE_S)
    words = trace.shown + (f" at {asked.speed_up:g} times its rate" if asked.speed_up != 1 else "")
    return _Load(chain([first], parts), words, rate)


def _of_hours(
    plan: CapacityPlan, question: Question, asked: Lasting, rates: Recorded | None, lengths: Lengths
) -> _Load:
    traffic = plan.spec.traffic
    hours = None if asked.span is None else SPANS_H[asked.span]
    if rates is None:
        if traffic.concurrency:
            raise InputError(
                f"{traffic.concurrency} clients that wait for their answers bring no more load at noon: plan for a "
                "rate, or give hourly rates"
            )
        profile = demand_of(traffic).hourly
        # A day of a longer profile keeps its rates.
        busiest = hours is not None and hours < len(profile)
        relative = _busiest(profile, hours or 0) if busiest else profile * ((hours or len(profile)) // len(profile))
        mean = fleet_rate(plan, question)
        hourly = tuple(mean * rate for rate in relative)
        words = f"the busiest {asked.span} of this shape" if busiest else f"one {_named(len(hourly))} of this shape"
    else:
        hourly = tuple(read_hourly_rates(rates.lines, rates.name)[:hours].tolist())
        words = f"one {_named(len(hourly))} of {rates.shown}"
    mean_of_hours = sum(hourly) / len(hourly)
    if not mean_of_hours > 0:
        raise InputError(f"{words}: all rates are zero; a load has requests")
    demand = Demand(tuple(rate / mean_of_hours for rate in hourly), traffic.burst)
    minutes = demand_by_minute(demand, mean_of_hours, burstiness=traffic.burstiness, seed=asked.seed).requests_per_s
    requests = over_time(
        minutes,
        MINUTE_S,
        lengths,
        seed=asked.seed,
        burstiness=traffic.burstiness,
        prefix_hit=question.spec.tokens.prefix_hit,
    )
    return _Load(requests, words, float(minutes[0]), len(minutes) * MINUTE_S, int(minutes.sum() * MINUTE_S))


def _busiest(hourly: tuple[float, ...], hours: int) -> tuple[float, ...]:
    parts = [hourly[start : start + hours] for start in range(0, len(hourly), hours)]
    return max(parts, key=sum)


def _named(hours: int) -> str:
    return {1: "hour", 24: "day", 168: "week"}.get(hours, f"stretch of {hours} hours")


def _recorded_lengths(file: Recorded, seed: int) -> Lengths:
    parts = list(read_trace(file.lines, file.name))
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in ("input_tokens", "output_tokens")]
    return lengths_as_in(requests_of(np.zeros(len(columns[0])), *columns), seed=seed)


def _told(load: _Load, progress: Progress) -> Iterator[Requests]:
    done = 0
    for part in load.requests:
        progress(done, max(load.expected, done) if load.expected else 0)
        yield part
        done += len(part)


def _asked_by(requests_per_s: float, policy: ScalingPolicy) -> int:
    """Return the replicas that an autoscaler holds at a steady rate."""
    wanted = ceil(requests_per_s / policy.requests_per_s_per_replica - 1e-9) + policy.spares
    return min(max(wanted, policy.minimum), policy.maximum)


# --- what came of it ---


def _simulated(
    plan: CapacityPlan, asked: Lasting, policy: ScalingPolicy, initial: int, words: str, over: FleetOverTime
) -> SimulatedFleet:
    told = [change.what for change in over.changes if change.at_s <= over.until_s]
    hours = over.until_s / HOUR_S
    paid = _paid_hours(plan, over)
    fixed = always_on(plan)
    fixed_paid = paid_accelerators(plan.chosen, fixed) * hours
    return SimulatedFleet(
        load=words,
        span=asked.span,
        seed=asked.seed,
        routing=asked.routing,
        autoscaled=not policy.fixed,
        initial_replicas=initial,
        minimum_replicas=policy.minimum,
        maximum_replicas=policy.maximum,
        poll_s=policy.poll_s,
        start_s=policy.start_s,
        duration_s=over.until_s,
        requests=over.completed,
        refused=over.refused,
        begun_anew=over.begun_anew,
        arrivals_per_s=over.completed / over.until_s,
        met=over.met / over.completed if plan.spec.targets else None,
        targets=tuple(_verdicts(plan, over)),
        ttft_s=latency(over.ttft_s),
        itl_s=latency(over.itl_s) if isfinite(over.itl_s.mean.value) else None,
        e2e_s=latency(over.e2e_s),
        fewest_replicas=over.fewest_replicas,
        most_replicas=over.most_replicas,
        starts=told.count("start"),
        drains=told.count("drain"),
        failures=told.count("fail"),
        replica_hours=over.replica_hours,
        accelerator_hours=paid,
        fixed_replicas=fixed,
        fixed_accelerator_hours=fixed_paid,
        saving=1 - paid / fixed_paid,
        by_minute=_by_minute(over.minutes),
    )


def _verdicts(plan: CapacityPlan, over: FleetOverTime) -> Iterator[SimulatedTarget]:
    latencies: dict[str, Distribution] = {"ttft": over.ttft_s, "itl": over.itl_s, "e2e": over.e2e_s}
    for target, misses in zip(plan.spec.targets, over.misses, strict=True):
        estimate: Estimate = getattr(latencies[target.metric], target.percentile)
        if isfinite(estimate.value):
            yield SimulatedTarget(
                target.metric,
                target.percentile,
                target.seconds,
                estimate.value,
                estimate.low,
                estimate.high,
                None,
                estimate.value <= target.seconds,
                1 - misses / over.completed,
            )


def _paid_hours(plan: CapacityPlan, over: FleetOverTime) -> float:
    """Return accelerator-hours of whole instances."""
    total = 0.0
    ends = [*(min(change.at_s, over.until_s) for change in over.changes), over.until_s]
    for change, (since, to) in zip(over.changes, pairwise(ends), strict=True):
        if to > since:
            held = change.starting + change.serving + change.draining
            total += paid_accelerators(plan.chosen, held) * (to - since)
    return total / HOUR_S


def _by_minute(minutes: Minutes) -> FleetByMinute:
    return FleetByMinute(
        minutes.interval_s,
        *(tuple(getattr(minutes, name).tolist()) for name in ("serving", "starting", "draining", "accelerator_hours")),
        *(tuple(getattr(minutes, name).tolist()) for name in ("requests", "misses", "queue", "running")),
        *(_known(getattr(minutes, name)) for name in ("ttft_p50_s", "ttft_p95_s", "ttft_p99_s")),
    )


def _known(values: NDArray[np.float64]) -> tuple[float | None, ...]:
    return tuple(value if isfinite(value) else None for value in values.tolist())
