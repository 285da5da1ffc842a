"""Fleets for agents' workflows, sized by how long a whole workflow takes and by how many run at a time."""

from collections.abc import Sequence
from math import ceil, erf, exp, log, sqrt

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.records.workflows import AgentWorkflow
from catalogs.units import SECONDS_PER_MONTH
from engine.arrays import Bools, Floats
from engine.choice.simulated_workflows import SimulatedWorkflows, simulate_workflows
from engine.fleet.candidates import Candidates, candidates
from engine.fleet.offers import OfferChoice
from engine.fleet.prices import fleet_prices
from engine.fleet.search import BLOCK, doubt_of
from engine.fleet.size import Counts, replica_counts
from engine.fleet.useful_load import MARGIN, of_no_use
from engine.question.calls import Call, calls_of, lengths_of_calls
from engine.question.fleet_limits import fewest_replicas
from engine.question.resolve import Question, resolve
from engine.replica.batches import batch_at_rate
from engine.replica.latencies import mean_latency
from engine.replica.load import Load, Replicas
from engine.workload import Statement, WorkloadSpec

P95 = 1.6449
"""Standard normal deviate of 95 %."""
BATCHES = 48
"""Batches at which a replica is looked at, from a request alone to the ceiling."""
TRIES = 4
"""Fleets that are tried where the simulation misses what the closed form meets."""
NEAR = 0.03
"""Within which of the workflows that are to run at a time as many do in a simulation."""
COUNTED, LIFETIMES = 400, 8.0
"""Workflows that are simulated at least, and for each that runs at a time: so that the fleet is in its steady state."""


class WorkflowFleet(Struct, frozen=True):
    """A fleet that holds a workflow's time: one candidate, by closed forms."""

    question: Question
    candidate: Candidates
    """An array of one."""
    calls: tuple[Call, ...]
    replicas: int
    accelerators: int
    monthly_usd: float | None
    provider: str
    workflows_per_s: float
    """Of the whole fleet, at the busiest hour: by the closed form, or of so many at a time as a simulation found it."""
    carries: float
    """Workflows at a time for which one replica is planned."""
    by_time: bool
    """Whether it carries no more because workflows would take too long; else the utilisation ceiling stops it."""
    in_flight: float
    """Workflows that run at a time in the busiest hour, by the closed form."""
    mean_s: float
    """Of a whole workflow, at that load; likewise."""
    p95_s: float
    call_s: tuple[float, ...]
    """Of each call from its sending to its last token."""
    ttft_s: tuple[float, ...]
    itl_s: float

    @property
    def workflows_per_month(self) -> float:
        """At the mean rate."""
        traffic = self.question.spec.traffic
        return self.workflows_per_s / traffic.peak_factor * SECONDS_PER_MONTH


class _Carried(Struct, frozen=True):
    """What one replica of each candidate carries within the time of a workflow, NaN where it never holds."""

    calls_per_s: Floats
    in_flight: Floats
    """Workflows."""
    by_time: Bools
    """Where a longer time would let it carry more."""
    floor: Floats
    """The p95 of a workflow's time with nearly nothing else running, seconds."""


class Demand(Struct, frozen=True):
    """How many workflows: a mean rate, or so many at a time in the busiest hour."""

    per_s: float | None = None
    at_a_time: int | None = None


def workflow_question(spec: WorkloadSpec, workflow: AgentWorkflow, catalog: Catalog) -> Question:
    """Return the question that a workflow's calls ask together.

    Args:
        spec: with the means of ``stated_calls``.

    Raises:
        InputError: a call is longer than the model's context.
    """
    calls = calls_of(workflow)
    question = resolve(spec, catalog)
    longest = max(call.prompt + call.output for call in calls)
    if longest > question.context_limit:
        raise InputError(
            f"the longest call of {workflow.name} holds {longest:,.0f} tokens, more than the "
            f"{question.context_limit:,} of {question.model.name}"
        )
    return replace(question, lengths=lengths_of_calls(calls, question.context_limit))


def workflow_fleets(
    question: Question, calls: tuple[Call, ...], demand: Demand, p95_s: float | None
) -> tuple[WorkflowFleet, ...]:
    """Return the cheapest fleet of each accelerator that holds a workflow's time, the cheapest first.

    Args:
        question: as ``workflow_question`` returns it.
        p95_s: seconds that 95 of a hundred workflows may take; None: as much as replicas carry.
    """
    found, _ = candidates(question)
    if not len(found):
        return ()
    replicas = found.replicas()
    ceiling = question.spec.serving.utilisation_ceiling
    carried = _carried(replicas, calls, ceiling, p95_s)
    if demand.at_a_time is not None:
        counts = replica_counts(_level(question.spec), float(demand.at_a_time), carried.in_flight)
    else:
        counts = replica_counts(question.spec, float(demand.per_s or 0.0), carried.calls_per_s / len(calls))
    if p95_s is not None:
        useless = of_no_use(replicas, carried.calls_per_s, ceiling, carried.floor * MARGIN["e2e"] > p95_s)
        counts.total[useless & (counts.growth > fewest_replicas(question.spec))] = np.nan
    monthly, offers = fleet_prices(question, found, counts)
    accelerators = counts.total * found.parallelism.accelerators
    named = bool(question.spec.hardware.accelerators)
    doubtful = np.array([not named and bool(doubt_of(question, a)) for a in found.accelerators])[found.which]
    best: dict[int, int] = {}
    for row in np.lexsort([accelerators, monthly, doubtful]):
        if not np.isnan(counts.total[row]):
            best.setdefault(int(found.which[row]), int(row))
    limits = question.spec.hardware.max_accelerators
    rows = [row for row in best.values() if limits is None or accelerators[row] <= limits]
    return tuple(
        _fleet(question, found, carried, calls, counts, row, demand, float(monthly[row]), offers[row]) for row in rows
    )


def _level(spec: WorkloadSpec) -> WorkloadSpec:
    """Return a spec whose load is that of the busiest hour."""
    return replace(spec, traffic=replace(spec.traffic, peak_factor=1.0, burst=1.0, hourly_profile=()))


def _carried(replicas: Replicas, calls: tuple[Call, ...], ceiling: float, p95_s: float | None) -> _Carried:
    most = batch_at_rate(replicas, ceiling * replicas.saturated_rate[:, 0])
    low = np.log(np.minimum(replicas.smallest_batch, most))
    batches = np.exp(low + (np.log(most) - low) * np.linspace(0, 1, BATCHES))
    capacity, in_flight, floor = (np.full(len(most), np.nan) for _ in range(3))
    by_time = np.zeros(len(most), dtype=bool)
    for begin in range(0, len(most), BLOCK):
        rows = np.arange(begin, min(begin + BLOCK, len(most)))
        load = replicas.take(rows).at(batches[rows])
        mean, p95 = workflow_seconds(load, calls)
        holds = np.cumprod(p95 <= (np.inf if p95_s is None else p95_s), axis=1).sum(axis=1)
        able, floor[rows], by_time[rows] = holds > 0, p95[:, 0], holds < BATCHES
        at = np.maximum(holds - 1, 0)
        rate = load.requests_per_s[np.arange(len(rows)), at]
        capacity[rows] = np.where(able, rate, np.nan)
        in_flight[rows] = np.where(able, rate / len(calls) * mean[np.arange(len(rows)), at], np.nan)
    return _Carried(capacity, in_flight, by_time, floor)


def workflow_seconds(load: Load, calls: Sequence[Call]) -> tuple[Floats, Floats]:
    """Return the mean and the p95 of a workflow's time at batches, (candidates, batches) each, seconds.

    Times of calls in a row add, means and variances alike; of branches beside each other the slowest counts: mean and
    spread of the largest of n normal ones. The p95 is that of a lognormal with the sum's mean and variance.
    """
    mean, variance = np.zeros(load.batch.shape), np.zeros(load.batch.shape)
    for number in sorted({call.step for call in calls}):
        step = [at for at, call in enumerate(calls) if call.step == number]
        branches = {calls[at].branch for at in step}
        first = [at for at in step if calls[at].branch == 0]
        parts = [_call_moments(load, calls[at], at) for at in first]
        own, spread = sum(m for m, _ in parts), np.sqrt(sum(v for _, v in parts))
        shift, width = largest_of(len(branches))
        mean, variance = mean + own + shift * spread, variance + (width * spread) ** 2
    shape = np.log1p(variance / np.maximum(mean, 1e-12) ** 2)
    p95: Floats = mean * np.exp(P95 * np.sqrt(shape) - shape / 2)
    return mean, p95


def _call_moments(load: Load, call: Call, at: int) -> tuple[Floats, Floats]:
    """Return mean and variance of a call with the tools before it."""
    waits = load.waits
    waited = waits.mean[..., 0]
    square = waits.square[..., 0] + 2 * waits.seat_busy[..., 0] * waits.seat_wait[..., 0] ** 2
    steps = max(call.output - 1, 0.0)
    mean = call.tool_s + waited + load.own_prefill_s[..., at] + steps * load.itl_s + load.stall.seconds
    variance = (
        (call.tool_s * call.tool_cv) ** 2
        + np.maximum(square - waited**2, 0.0)
        + (call.output * call.output_cv * load.itl_s) ** 2
    )
    return mean, variance


def largest_of(count: int) -> tuple[float, float]:
    """Return mean and standard deviation of the largest of so many standard normal numbers."""
    if count == 1:
        return 0.0, 1.0
    at = np.linspace(-8.0, 8.0, 4001)
    below = np.array([0.5 * (1 + erf(x / sqrt(2))) for x in at]) ** count
    share = np.diff(below)
    middle = (at[1:] + at[:-1]) / 2
    mean = float(share @ middle)
    return mean, sqrt(float(share @ (middle - mean) ** 2))


def _fleet(
    question: Question,
    found: Candidates,
    carried: _Carried,
    calls: tuple[Call, ...],
    counts: Counts,
    row: int,
    demand: Demand,
    usd: float,
    offer: OfferChoice | None,
) -> WorkflowFleet:
    """Return the fleet of one candidate at its busiest hour."""
    index = np.array([row])
    one = found.take(index).replicas()
    serving = int(counts.peak[row]) if demand.at_a_time is None else int(counts.mean[row])
    if demand.per_s is not None:
        per_s = demand.per_s * question.spec.traffic.peak_factor
    else:
        per_s = _rate_in_flight(one, calls, float(demand.at_a_time or 1) / serving) * serving
    load = one.at(
        batch_at_rate(one, np.array([[min(per_s * len(calls) / serving, 0.999 * float(one.saturated_rate[0, 0]))]]))
    )
    mean, p95 = workflow_seconds(load, calls)
    times = [float(_call_moments(load, call, at)[0][0, 0]) - call.tool_s for at, call in enumerate(calls)]
    firsts = [float(load.own_prefill_s[0, 0, at] + load.waits.mean[0, 0, 0]) for at in range(len(calls))]
    return WorkflowFleet(
        question=question,
        candidate=found.take(index),
        calls=calls,
        replicas=int(counts.total[row]),
        accelerators=int(counts.total[row] * found.parallelism.accelerators[row]),
        monthly_usd=usd + question.spec.money.other_monthly_usd if np.isfinite(usd) else None,
        provider=offer.chosen.provider if offer else "",
        workflows_per_s=per_s,
        carries=float(carried.in_flight[row]),
        by_time=bool(carried.by_time[row]),
        in_flight=per_s * float(mean[0, 0]),
        mean_s=float(mean[0, 0]),
        p95_s=float(p95[0, 0]),
        call_s=tuple(times),
        ttft_s=tuple(firsts),
        itl_s=float(mean_latency(load, "itl")[0, 0]),
    )


def _rate_in_flight(one: Replicas, calls: tuple[Call, ...], wanted: float) -> float:
    """Return workflows/s of a replica in which so many run at a time: λ·T(λ), which rises with λ, by halving."""
    low, high = log(1e-9), log(0.999 * float(one.saturated_rate[0, 0]))
    for _ in range(40):
        middle = (low + high) / 2
        load = one.at(batch_at_rate(one, np.array([[exp(middle)]])))
        if exp(middle) / len(calls) * float(workflow_seconds(load, calls)[0][0, 0]) < wanted:
            low = middle
        else:
            high = middle
    return exp(high) / len(calls)


def stated_calls(workflow: AgentWorkflow) -> Statement:
    """Return what a workflow says of its calls, as a spec holds it; the load stands for one workflow a second."""
    calls = calls_of(workflow)
    prompts = sum(call.prompt for call in calls)
    values = {
        "traffic.requests_per_s": 1.0,
        "traffic.calls_per_request": float(len(calls)),
        "tokens.input.mean": prompts / len(calls),
        "tokens.output.mean": sum(call.output for call in calls) / len(calls),
        "tokens.prefix_hit": 1 - sum(call.computed for call in calls) / prompts,
    }
    return Statement("preset", values, dict.fromkeys(values, workflow.id))


def sized_workflow(
    spec: WorkloadSpec, workflow: AgentWorkflow, catalog: Catalog, demand: Demand, p95_s: float | None
) -> tuple[WorkflowFleet, ...]:
    """Return the cheapest fleet of each accelerator for a workflow, the cheapest first.

    Args:
        spec: the model, hardware and money; its load and lengths are those of ``stated_calls``.
        p95_s: seconds that 95 of a hundred may take; None: as much as replicas carry.
    """
    calls = calls_of(workflow)
    return workflow_fleets(workflow_question(spec, workflow, catalog), calls, demand, p95_s)


def simulated_fleet(
    spec: WorkloadSpec,
    workflow: AgentWorkflow,
    catalog: Catalog,
    demand: Demand,
    limit_s: float | None,
    fleets: tuple[WorkflowFleet, ...],
    seed: int = 0,
) -> tuple[tuple[WorkflowFleet, ...], SimulatedWorkflows]:
    """Return the fleets and the first of them simulated; a fleet that misses is sized anew against a tighter time.

    Where so many run at a time they begin as often as keeps that many running in the simulation, whose workflows take
    another time than the closed form's.

    Args:
        limit_s: seconds within which 95 of a hundred must be done; None: whatever they take.
        fleets: by the closed forms, the cheapest first.
        seed: of all draws.
    """

    def simulate(fleet: WorkflowFleet) -> SimulatedWorkflows:
        count = max(COUNTED, ceil(LIFETIMES * fleet.in_flight))
        rate = fleet.workflows_per_s
        return simulate_workflows(workflow, fleet.candidate, fleet.replicas, rate, count=count, seed=seed)

    held = limit_s
    for tried in range(TRIES):
        simulated = simulate(fleets[0])
        for _ in range(TRIES if demand.at_a_time else 0):
            times = fleets[0].in_flight / simulated.in_flight
            if abs(times - 1) <= NEAR:
                break
            # The root, since workflows take the longer the more of them begin.
            fleets = (replace(fleets[0], workflows_per_s=fleets[0].workflows_per_s * sqrt(times)), *fleets[1:])
            simulated = simulate(fleets[0])
        if limit_s is None or held is None or simulated.p95_s <= limit_s or tried == TRIES - 1:
            return fleets, simulated
        held *= min(0.97, limit_s / simulated.p95_s)
        again = sized_workflow(spec, workflow, catalog, demand, held)
        if not again:
            return fleets, simulated
        fleets = again
    return fleets, simulated
