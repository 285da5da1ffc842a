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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from catalogs.records import Scheduler
from engine.controller import ScalingPolicy
from engine.simulation.requests import Requests
from engine.simulation.routing import Routing
from engine.simulation.simulate import Speed
from engine.simulation.statistics import Distribution
from engine.simulation.step_model import StepModel
from engine.simulation.tally import RequestTimes
from engine.workload import Target

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
What = Literal["start", "serve", "drain", "gone", "fail", "cancel"]

MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Change:
    """One change of the fleet, and what it is then."""

    at_s: float
    what: What
    """A start begun, a start done, a drain begun, a drain done, a failure, a start given up."""
    replica: int
    """Its place in the fleet, from 0; the place of a replica that is gone is given again."""
    starting: int
    serving: int
    draining: int


@dataclass(frozen=True, slots=True)
class Minutes:
    """The fleet minute by minute (or by another interval), from 0 to ``until_s``; all arrays alike."""

    interval_s: float
    serving: Floats
    """Replicas, over time."""
    starting: Floats
    draining: Floats
    accelerator_hours: Floats
    """Of all replicas, those that start and drain included."""
    requests: Ints
    """That arrived."""
    misses: Ints
    """Of these, those that missed a target."""
    queue: Ints
    """Arrived and not yet admitted, at the end of each interval."""
    running: Ints
    """Admitted and not yet done, at the end of each interval."""
    ttft_p50_s: Floats
    """Of the requests that arrived in each interval, to 2 %; NaN where none did."""
    ttft_p95_s: Floats
    ttft_p99_s: Floats


@dataclass(frozen=True, slots=True)
class FleetOverTime:
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
    last_finish_s: float
    preemptions: int
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
    interval_s: float = MINUTE_S,
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
        until_s: the end of the time that is told and paid; by default the last arrival.
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
    raise NotImplementedError("being written: see the next commit")
