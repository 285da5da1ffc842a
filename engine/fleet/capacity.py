"""What one replica can carry within the targets: what binds there, and what breaks next."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from catalogs.units import show_rate
from engine.fleet.search import SizedCandidates
from engine.plan import ReplicaCapacity
from engine.question.resolve import Question
from engine.replica.batches import capacity_batches
from engine.replica.load import Load
from engine.workload import Target

GAIN = 1.05
"""A tenth more seats must raise the saturated rate by half as much for the seats to be what is full, not the device."""


class _Limit(Struct, frozen=True):
    """One limit on a replica's load."""

    name: str
    requests_per_s: float


def replica_capacity(
    question: Question, best: SizedCandidates, binding: str | None = None, rising: Load | None = None
) -> ReplicaCapacity:
    """Return λ_cap of an array of one, what binds and what breaks next.

    Args:
        best: an array of one.
        binding: the target that a simulation found to bind.
        rising: the replica at rising loads, where somebody reckoned it already.
    """
    saturated = float(best.replicas.saturated_rate[0, 0])
    capacity = float(best.capacity[0])
    ceiling = question.spec.serving.utilisation_ceiling
    limits = [_Limit(f"{saturation_cause(question, best)} ({ceiling:.0%} of saturation)", ceiling * saturated)]
    if question.spec.targets:
        limits += _limits_of(question.spec.targets, best, rising)
    limits.sort(key=lambda limit: limit.requests_per_s)
    binds = limits[0].name if binding is None else f"{binding}, simulated"
    others = limits[1:] if binding is None else [limit for limit in limits if limit.name != binding]
    following = [limit for limit in others if limit.requests_per_s > capacity * 1.001]
    if following:
        breaks_next = f"{following[0].name}, at {show_rate(following[0].requests_per_s)} per replica"
    else:
        breaks_next = f"saturation, at {show_rate(saturated)} per replica: queues grow without bound"
    return ReplicaCapacity(capacity, saturated, binds, breaks_next)


def _limits_of(targets: Sequence[Target], best: SizedCandidates, rising: Load | None) -> list[_Limit]:
    batches = capacity_batches(best.replicas, tuple((target,) for target in targets), 1.0, rising)
    rates = np.nan_to_num(best.replicas.rate_again(batches))[0].tolist()
    return [_Limit(target.name, rate) for target, rate in zip(targets, rates, strict=True)]


def saturation_cause(question: Question, best: SizedCandidates) -> str:
    """Return what is full at saturation, as a noun: the batch cap, the KV cache, or the device itself."""
    replicas, seats = best.replicas, best.replicas.seats
    full_before = bool(replicas.saturated_batch < 0.9 * seats)
    if full_before or bool(replicas.rate_again(seats * 1.1) < GAIN * replicas.saturated_rate):
        return "the device, full of prefill and decode"
    if best.candidates.seats[0] < best.candidates.seats_by_memory[0]:
        return f"the batch cap of {question.cap_on(best.candidates.accelerator(0))}"
    return "the KV cache"
