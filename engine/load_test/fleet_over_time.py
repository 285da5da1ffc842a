"""A plan's fleet over a day, a week or a trace, request by request, scaled by the plan's own thresholds."""

from collections.abc import Iterator
from itertools import pairwise
from math import isfinite

from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.units import SECONDS_PER_HOUR
from engine.fleet.offers import paid_accelerators
from engine.load_test.load_over_time import LastingLoad, OverTimeSettings, Recorded, Span, lasting_load
from engine.load_test.plan_under_load import by_interval
from engine.load_test.repeats import Progress
from engine.plan import CapacityPlan, SimulatedLatency, SimulatedTarget
from engine.planning.inverse import chosen_candidate
from engine.planning.ledger import fixed_fleet
from engine.proof.simulated_figures import latency, simulated_target
from engine.scaling.controller import ScalingPolicy, fixed_policy, policy_of
from engine.simulation import Requests, step_model_of
from engine.simulation.over_time import FleetOverTime, simulate_over_time
from engine.simulation.routing import Routing
from engine.simulation.statistics import BatchMeansEstimate, Distribution


class FleetByMinute(Struct, frozen=True):
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


class SimulatedFleet(Struct, frozen=True):
    """What was simulated over time, and what came of it. As JSON it is this record, tuples as arrays."""

    load: str
    """In words."""
    notes: tuple[str, ...]
    """What was assumed of a recorded load."""
    warnings: tuple[str, ...]
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
    settings: OverTimeSettings,
    *,
    trace: Recorded | None = None,
    rates: Recorded | None = None,
    lengths: Recorded | None = None,
    progress: Progress | None = None,
) -> SimulatedFleet:
    """Return what the plan's fleet makes of a load over time.

    Args:
        settings: how long, and the fleet; see there.
        trace: requests, instead of a load drawn from the spec.
        rates: hourly requests/s, instead of the workload's own hours.
        lengths: requests whose token lengths are drawn, each prompt with its answer, instead of the spec's.

    Raises:
        InputError: a file that cannot be read, names that the catalog no longer knows, a load without requests.
    """
    question, candidates = chosen_candidate(plan, catalog)
    load = lasting_load(plan, question, settings, trace=trace, rates=rates, lengths=lengths)
    scaled = policy_of(plan.autoscaling, plan.fleet, plan.spec.availability.spare_replicas)
    policy = scaled if settings.replicas is None else fixed_policy(settings.replicas, scaled.start_s)
    initial = policy.held_at(load.first_rate)
    over = simulate_over_time(
        step_model_of(candidates),
        question.runtime.scheduler,
        _with_progress(load, progress) if progress else load.requests,
        policy,
        initial=initial,
        until_s=load.until_s,
        accelerators=plan.chosen.accelerators_per_replica,
        targets=plan.spec.targets,
        failures=settings.failures,
        routing=settings.routing,
        seed=settings.seed,
    )
    if not over.completed:
        raise InputError(
            f"none of the {over.refused:,} requests fits into the KV pool of a replica"
            if over.refused
            else f"no request came in {load.words}: give a higher rate"
        )
    return _simulated(plan, settings, policy, initial, load, over)


def _with_progress(load: LastingLoad, progress: Progress) -> Iterator[Requests]:
    done = 0
    for part in load.requests:
        progress(done, max(load.expected, done) if load.expected else 0)
        yield part
        done += len(part)


# --- what came of it ---


def _simulated(
    plan: CapacityPlan,
    settings: OverTimeSettings,
    policy: ScalingPolicy,
    initial: int,
    load: LastingLoad,
    over: FleetOverTime,
) -> SimulatedFleet:
    over = replace(over, **{name: _without_interval(getattr(over, name)) for name in ("ttft_s", "itl_s", "e2e_s")})
    happened = [change.what for change in over.changes if change.at_s <= over.until_s]
    hours = over.until_s / SECONDS_PER_HOUR
    paid = _paid_hours(plan, over)
    fixed = fixed_fleet(plan.fleet, plan.chosen, hours)
    return SimulatedFleet(
        load=load.words,
        notes=load.notes,
        warnings=load.warnings,
        span=settings.span,
        seed=settings.seed,
        routing=settings.routing,
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
        starts=happened.count("start"),
        drains=happened.count("drain"),
        failures=happened.count("fail"),
        replica_hours=over.replica_hours,
        accelerator_hours=paid,
        fixed_replicas=fixed.replicas,
        fixed_accelerator_hours=fixed.accelerator_hours,
        saving=fixed.saving(paid),
        by_minute=by_interval(FleetByMinute, over.minutes),
    )


def _without_interval(one: Distribution) -> Distribution:
    """Return a distribution's figures alone: parts of a day with their own loads and failures are no sample of it."""
    return Distribution(*(BatchMeansEstimate(getattr(one, f).value, None, None) for f in one.__struct_fields__))


def _verdicts(plan: CapacityPlan, over: FleetOverTime) -> Iterator[SimulatedTarget]:
    latencies: dict[str, Distribution] = {"ttft": over.ttft_s, "itl": over.itl_s, "e2e": over.e2e_s}
    for target, misses in zip(plan.spec.targets, over.misses, strict=True):
        estimate: BatchMeansEstimate = getattr(latencies[target.metric], target.percentile)
        if isfinite(estimate.value):
            yield simulated_target(target, estimate, 1 - misses / over.completed)


def _paid_hours(plan: CapacityPlan, over: FleetOverTime) -> float:
    """Return accelerator-hours of whole instances."""
    total = 0.0
    ends = [*(min(change.at_s, over.until_s) for change in over.changes), over.until_s]
    for change, (since, to) in zip(over.changes, pairwise(ends), strict=True):
        if to > since:
            held = change.starting + change.serving + change.draining
            total += paid_accelerators(plan.chosen, held) * (to - since)
    return total / SECONDS_PER_HOUR
