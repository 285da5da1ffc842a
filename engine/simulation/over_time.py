"""A fleet over time, request by request: replicas that start, fail and drain, with the plan's autoscaler in the loop.

    simulate_over_time(step_model, scheduler, requests, policy, initial=…, until_s=…, …) -> FleetOverTime

A replica *starts*: it holds its accelerators and serves once ``policy.start_s`` have passed. It *serves*. It *drains*:
it takes no new requests, finishes what it holds, running or waiting, and is gone with its last token. It *fails*: it is
gone at once, and a replacement starts at that moment. The requests that it held go to the other replicas at that
moment, or wait until one serves, and begin anew: their prompt is computed and their answer generated from the first
token, so that TTFT and E2E count from the first arrival to the tokens of the run that completed.

Everything else is as with a fleet that stays the same (``simulate``), whose results a fleet that may not scale repeats
to the last bit.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

import numpy as np
from msgspec import Struct

from catalogs.errors import InputError
from catalogs.records.runtimes import Scheduler
from catalogs.units import SECONDS_PER_MINUTE
from engine.scaling.controller import ScalingPolicy
from engine.simulation.changing_fleet import ChangingFleet
from engine.simulation.columns import NEVER
from engine.simulation.minutes import Change, Minutes, MinuteTally, changes_of
from engine.simulation.requests import Requests, requests_of
from engine.simulation.routing import Routing
from engine.simulation.simulate import Speed, in_parts, with_horizons
from engine.simulation.statistics import Distribution
from engine.simulation.step_model import StepModel
from engine.simulation.tally import RequestTimes, Tally, times_of
from engine.workload import Target


class FleetOverTime(Struct, frozen=True):
    """What a fleet made of a load over time. Latencies count every request that was served."""

    minutes: Minutes
    changes: tuple[Change, ...]
    """In order of time."""
    until_s: float
    """The end of the time that was asked for; requests that were there still run to their end, unscaled."""
    completed: int
    refused: int
    """Requests that no KV pool of this size could ever hold."""
    begun_anew: int
    """Times that a failing replica made a request begin anew."""
    met: int
    """Requests that met every target; all of them where no target is given."""
    misses: tuple[int, ...]
    """By target, requests that missed it."""
    ttft_s: Distribution
    itl_s: Distribution
    """TPOT over requests."""
    e2e_s: Distribution
    replica_hours: float
    """Starting, serving and draining, up to ``until_s``."""
    accelerator_hours: float
    most_replicas: int
    """Serving at once."""
    fewest_replicas: int
    requests: RequestTimes | None
    """Every request by its number; None for loads too long to keep (``tally.KEPT``)."""


def simulate_over_time(
    step_model: StepModel,
    scheduler: Scheduler,
    requests: Requests | Iterable[Requests],
    policy: ScalingPolicy,
    *,
    initial: int | None = None,
    until_s: float | None = None,
    interval_s: float = SECONDS_PER_MINUTE,
    accelerators: int = 1,
    targets: Sequence[Target] = (),
    failures: Sequence[float] = (),
    routing: Routing = "round_robin",
    seed: int = 0,
    speed: Speed = "auto",
) -> FleetOverTime:
    """Return what a fleet under an autoscaler makes of a load.

    Args:
        requests: all at once, or in chunks in order of arrival (``open_loop``, ``over_hours``, ``read_trace``).
        policy: the autoscaler's; ``fixed_policy`` for a fleet that does not scale.
        initial: replicas that serve when the load begins, with nothing to do; the policy's minimum by default.
        until_s: the end of the time that is told and paid; by default the interval of the last arrival ends it.
        interval_s: of what is told.
        accelerators: of one replica, for the accelerator-hours.
        targets: a request misses when one of its latencies (TTFT, TPOT, E2E) is longer than its target's, whichever
            the percentile.
        failures: seconds at which the replica that has served longest fails.
        seed: of the router's draws; the load has its own.
        speed: plain Python, compiled by numba (the extra ``fast``), or whichever is sooner done. The results are equal.

    Raises:
        InputError: an initial fleet beyond the policy's bounds, a failure or an end that is no time, or more waiting
            requests than can be held.
    """
    size = policy.minimum if initial is None else initial
    _check(policy, size, until_s, interval_s, failures)
    parts, loops = in_parts(requests, speed)
    fleet = ChangingFleet(step_model, scheduler, policy, size, tuple(failures), routing, seed, loops)
    tally, minutes = Tally(step_model.overhead_s), MinuteTally(interval_s, targets)
    end = interval_s if until_s is None else until_s
    nothing = requests_of(np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
    fed = with_horizons(_before(parts, until_s))
    for part, horizon in chain([next(fed, (nothing, NEVER))], fed):
        if until_s is None and len(part):
            end = (float(part.arrival_s[-1]) // interval_s + 1) * interval_s
        # Before the last part nobody knows the end; what is beyond this part's horizon is decided with the next.
        served = fleet.serve_until(part, horizon, end if until_s is not None or horizon == NEVER else NEVER)
        tally.add(served)
        minutes.add(times_of(served, step_model.overhead_s))
    changes = changes_of(fleet.events)
    told = minutes.minutes(changes, end, accelerators)
    times = tally.times()
    ttft, itl, e2e, _ = tally.distributions(times)
    hours = float(told.accelerator_hours.sum())
    return FleetOverTime(
        minutes=told,
        changes=changes,
        until_s=end,
        completed=tally.completed,
        refused=fleet.refused,
        begun_anew=fleet.begun_anew,
        met=tally.completed - minutes.missed,
        misses=tuple(minutes.missed_by.tolist()),
        ttft_s=ttft,
        itl_s=itl,
        e2e_s=e2e,
        replica_hours=hours / accelerators,
        accelerator_hours=hours,
        most_replicas=max(change.serving for change in changes if change.at_s <= end),
        fewest_replicas=min(change.serving for change in changes[size - 1 :] if change.at_s <= end),
        requests=times,
    )


def _check(
    policy: ScalingPolicy, initial: int, until_s: float | None, interval_s: float, failures: Sequence[float]
) -> None:
    if not policy.minimum <= initial <= policy.maximum:
        raise InputError(
            f"{initial} replicas at the start are none that the autoscaler holds; {policy.minimum} to "
            f"{policy.maximum} are accepted"
        )
    for name, value in (("the end", until_s), ("the interval", interval_s)):
        if value is not None and not 0 < value < NEVER:
            raise InputError(f"{name} is {value:g} s; a positive number of seconds is accepted")
    for at in failures:
        if not 0 <= at < (NEVER if until_s is None else until_s):
            until = "" if until_s is None else f" to {until_s:g}"
            raise InputError(f"a failure at {at:g} s is outside the load; seconds from 0{until} are accepted")


def _before(parts: Iterable[Requests], until_s: float | None) -> Iterator[Requests]:
    """Yield the requests that arrive before ``until_s``."""
    for part in parts:
        if until_s is None or not len(part) or part.arrival_s[-1] < until_s:
            yield part
            continue
        yield part.take(part.arrival_s < until_s)
        return
