"""From candidates to the cheapest whole fleet that meets the targets, and the order of all the others."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.errors import InputError
from catalogs.records.accelerators import Accelerator
from engine.arrays import Floats, Indices
from engine.fleet.candidates import Candidates, candidates
from engine.fleet.offers import OfferChoice, names_place
from engine.fleet.prices import fleet_prices
from engine.fleet.size import Counts, replica_counts, replicas_for
from engine.fleet.useful_load import too_little
from engine.plan import Rejection
from engine.question.fleet_limits import (
    allowed_accelerators,
    fewest_replicas,
    given_kilowatts,
    given_replicas,
    power_contradiction,
)
from engine.question.resolve import Question
from engine.replica.batches import batch_at_rate, capacity_batch
from engine.replica.latencies import mean_latency
from engine.replica.load import Load, Replicas
from engine.step.rates import kernels_of
from engine.workload import Hardware, Target

BLOCK = 96
"""Candidates solved for capacity together: large enough to amortise numpy's calls, small enough for the cache."""


class SizedCandidates(Struct, frozen=True):
    """Candidates with their capacity and fleet; arrays share the first axis."""

    candidates: Candidates
    replicas: Replicas
    batch: Floats
    """At capacity; NaN where no load meets the targets."""
    capacity: Floats
    """λ_cap per replica, requests/s."""
    in_flight: Floats
    """Per replica at capacity; only for a closed loop, else zeros."""
    counts: Counts
    accelerators: Floats
    """Of the whole fleet."""
    monthly_usd: Floats
    """Of the whole fleet, in whole instances; infinite where no price is known."""
    offers: tuple[OfferChoice | None, ...]
    order: Indices
    """Best first; only candidates that meet the targets and the ceilings."""
    rejected: tuple[Rejection, ...]

    @property
    def lightest(self) -> Load:
        """They, with nearly nothing else running."""
        return self.replicas.lightest

    @property
    def full_batch(self) -> Floats:
        """At capacity; the seats where no load meets the targets."""
        return np.where(np.isnan(self.batch), self.replicas.seats[:, 0], self.batch)


def search(question: Question, targets: Sequence[Target] | None = None) -> SizedCandidates:
    """Return every candidate of a question with its capacity, fleet and bill, and their order.

    Args:
        targets: instead of the spec's own.
    """
    found, rejected = candidates(question)
    found = _within_power(question.spec.hardware, found)
    wanted = question.spec.targets if targets is None else targets
    sized = _sized(question, found, found.fleet_replicas(), tuple(rejected), wanted)
    if len(sized.order) or np.isnan(sized.capacity).all():
        return sized
    # A ceiling on the fleet is in the way, and longer pipelines may carry more within it.
    found = _within_power(question.spec.hardware, candidates(question, longer=True)[0])
    staged = _sized(question, found, found.fleet_replicas(), tuple(rejected), wanted)
    return staged if len(staged.order) else sized


def with_targets(question: Question, evaluated: SizedCandidates, targets: Sequence[Target]) -> SizedCandidates:
    """Return the candidates of a question under other targets: relaxed ones, when its own cannot be met.

    Args:
        evaluated: its candidates.
        targets: instead of the spec's own.
    """
    return _sized(question, evaluated.candidates, evaluated.replicas, evaluated.rejected, targets)


def _sized(
    question: Question,
    found: Candidates,
    replicas: Replicas,
    rejected: tuple[Rejection, ...],
    targets: Sequence[Target],
) -> SizedCandidates:
    batch = _capacity_batches(replicas, targets, question.spec.serving.utilisation_ceiling)
    safe = np.where(np.isnan(batch), replicas.seats[:, 0], batch)[:, None]
    capacity = np.where(np.isnan(batch), np.nan, replicas.rate_again(safe)[:, 0])
    closed = question.spec.traffic.concurrency
    in_flight = capacity * mean_latency(replicas.at(safe), "e2e")[:, 0] if closed else np.zeros_like(capacity)
    counts = _counts(question, found, capacity, in_flight)
    several = np.flatnonzero(counts.growth > fewest_replicas(question.spec))
    if len(several) and targets and (question.mean_rate or closed):
        ceiling = question.spec.serving.utilisation_ceiling
        several = several[too_little(replicas, replicas.lightest, targets, capacity, ceiling)[several]]
        for array in (batch, capacity, in_flight, *(getattr(counts, name) for name in counts.__struct_fields__)):
            array[several] = np.nan
    accelerators = counts.total * found.parallelism.accelerators
    monthly, offers = fleet_prices(question, found, counts)
    order = _ranked(question, found, capacity, counts, monthly)
    return SizedCandidates(
        found, replicas, batch, capacity, in_flight, counts, accelerators, monthly, offers, order, rejected
    )


def _within_power(hardware: Hardware, found: Candidates) -> Candidates:
    """Return the candidates whose given fleet, if one is given, is rated within the power that is allowed.

    Raises InputError where there are candidates and none of them is.
    """
    given = given_kilowatts(hardware, found.unit_sizes)
    if given is None or hardware.max_power_kw is None or not len(found):
        return found
    within = given <= hardware.max_power_kw * (1 + 1e-9)
    if not within.any():
        raise InputError(power_contradiction(hardware, found.unit_sizes.take(int(np.argmin(given)))))
    return found.take(np.flatnonzero(within))


def _capacity_batches(replicas: Replicas, targets: Sequence[Target], ceiling: float) -> Floats:
    count = len(replicas.seats)
    if not count:
        return np.zeros(0)
    blocks = [np.arange(at, min(at + BLOCK, count)) for at in range(0, count, BLOCK)]
    parts = [replicas] if len(blocks) == 1 else map(replicas.take, blocks)
    return np.concatenate([capacity_batch(part, targets, ceiling)[:, 0] for part in parts])


def _counts(question: Question, found: Candidates, capacity: Floats, in_flight: Floats) -> Counts:
    spec = question.spec
    load = spec.traffic.concurrency or question.mean_rate
    if load is None:
        given = given_replicas(spec.hardware, found.unit_sizes)
        if given is None:
            raise ValueError("neither a load nor a fleet is given")
        spares = spec.availability.spare_replicas
        if np.all(np.isnan(given) | (given <= spares)) and (given <= spares).any():
            raise InputError(
                f"the given fleet has no replica beyond its spares ({spares}) for the load: state more of it"
            )
        whole = np.where(np.isnan(capacity) | (given <= spares), np.nan, given)
        working = whole - spares
        at_mean = np.maximum(replicas_for(working, np.array(spec.traffic.peak_factor)), fewest_replicas(spec))
        return Counts(np.minimum(at_mean, working), working, working, working, whole)
    return replica_counts(spec, float(load), in_flight if spec.traffic.concurrency else capacity)


def _ranked(question: Question, found: Candidates, capacity: Floats, counts: Counts, monthly: Floats) -> Indices:
    """Cheapest whole fleet first, ties to fewer accelerators, then of today, then to roomy memory and spare capacity.

    Where nobody named the accelerators, those come first that nothing speaks against (``doubt_of``): a cheaper fleet
    that rests on another architecture's efficiencies, or on cards for desktops, is an alternative, not an answer. What
    has no price comes after all that has one.
    """
    hardware, size = question.spec.hardware, found.parallelism.accelerators
    accelerators = counts.total * size
    possible = ~np.isnan(capacity) & ~np.isnan(accelerators)
    allowed = allowed_accelerators(hardware, found.unit_sizes)
    if allowed is not None:
        possible &= accelerators <= allowed * (1 + 1e-9)
    tight = found.memory.tight
    fleet_rate = capacity * counts.total
    if question.spec.traffic.unstated:
        # So many replicas of any size: those whose accelerators carry most each, not the largest.
        any_size = hardware.accelerator_count is None and hardware.nodes is None
        keys = [tight.astype(float), -fleet_rate / (accelerators if any_size else 1.0)]
    else:
        keys = [-fleet_rate, tight.astype(float), counts.peak * size, accelerators, np.round(monthly)]
    if not hardware.accelerators:
        doubts = (_doubts(question, a) for a in found.accelerators)
        keys.append(np.array([2.0 * bool(where) + bool(what) for where, what in doubts])[found.which])
    keys.append(np.isinf(monthly).astype(float))  # what nobody offers there is listed, not chosen
    rows = np.lexsort(keys)
    return rows[possible[rows]]


def has_evidence(question: Question, accelerator: Accelerator) -> bool:
    """Return whether kernels of the accelerator, or of another of its architecture, were measured."""
    return kernels_of(accelerator, question.catalog.accelerators) != "foreign"


def doubt_of(question: Question, accelerator: Accelerator) -> str:
    """Return what speaks against an accelerator that nobody named, as a sentence's end; empty where nothing does."""
    return next(filter(None, _doubts(question, accelerator)), "")


def _doubts(question: Question, accelerator: Accelerator) -> tuple[str, str]:
    """Return the doubts whether an accelerator is where it is wanted, and whether it does what is forecast."""
    sold = question.catalog.offers_by_accelerator.get(accelerator.id)
    nowhere = sold is not None and not names_place(sold.offers, question.spec.money)
    unknown = "" if has_evidence(question, accelerator) else "no kernel of its architecture was measured"
    return "no offer of it names a place in the region" * nowhere, unknown or accelerator.no_server_because


def with_capacity(question: Question, best: SizedCandidates, requests_per_s: float) -> SizedCandidates:
    """Return an array of one whose replica may carry another rate than was found, with the fleet that this takes.

    Args:
        best: the array of one.
        requests_per_s: that one replica may carry.
    """
    found = sized_at_rate(question, best.candidates, requests_per_s, best.replicas)
    return replace(found, rejected=best.rejected)


def sized_at_rate(
    question: Question, found: Candidates, requests_per_s: float, replicas: Replicas | None = None
) -> SizedCandidates:
    """Return a candidate, an array of one, whose replica may carry a rate, with the fleet that this takes.

    Args:
        requests_per_s: that one replica may carry.
        replicas: the candidate under the question's workload, where it is known already.
    """
    replicas = replicas or found.fleet_replicas()
    capacity = np.array([requests_per_s])
    batch = batch_at_rate(replicas, capacity[:, None])
    closed = question.spec.traffic.concurrency
    in_flight = capacity * mean_latency(replicas.at(batch), "e2e")[:, 0] if closed else np.zeros(1)
    counts = _counts(question, found, capacity, in_flight)
    monthly, offers = fleet_prices(question, found, counts)
    return SizedCandidates(
        candidates=found,
        replicas=replicas,
        batch=batch[:, 0],
        capacity=capacity,
        in_flight=in_flight,
        counts=counts,
        accelerators=counts.total * found.parallelism.accelerators,
        monthly_usd=monthly,
        offers=offers,
        order=np.array([0]),
        rejected=(),
    )


def with_row(question: Question, evaluated: SizedCandidates, row: int, one: SizedCandidates) -> SizedCandidates:
    """Return the candidates, ranked anew, with the capacity, fleet and bill of one of them replaced.

    Args:
        evaluated: all candidates.
        row: of the one.
        one: what replaces it, an array of one.
    """

    def changed(column: Floats, value: Floats) -> Floats:
        copy = column.copy()
        copy[row] = value[0]
        return copy

    capacity, accelerators, monthly = (
        changed(getattr(evaluated, name), getattr(one, name)) for name in ("capacity", "accelerators", "monthly_usd")
    )
    names = Counts.__struct_fields__
    counts = Counts(*(changed(getattr(evaluated.counts, name), getattr(one.counts, name)) for name in names))
    return replace(
        evaluated,
        batch=changed(evaluated.batch, one.batch),
        capacity=capacity,
        in_flight=changed(evaluated.in_flight, one.in_flight),
        counts=counts,
        accelerators=accelerators,
        monthly_usd=monthly,
        offers=(*evaluated.offers[:row], one.offers[0], *evaluated.offers[row + 1 :]),
        order=_ranked(question, evaluated.candidates, capacity, counts, monthly),
    )


def array_of_one(evaluated: SizedCandidates, row: int) -> SizedCandidates:
    """Return the candidates with this one row kept: an array of one, which every function of many candidates takes."""
    index, order = np.array([row]), np.array([0])
    if len(evaluated.batch) == 1:
        return replace(evaluated, order=order)
    return replace(
        evaluated,
        candidates=evaluated.candidates.take(index),
        replicas=evaluated.replicas.take(index),
        batch=evaluated.batch[index],
        capacity=evaluated.capacity[index],
        in_flight=evaluated.in_flight[index],
        counts=evaluated.counts.take(index),
        accelerators=evaluated.accelerators[index],
        monthly_usd=evaluated.monthly_usd[index],
        offers=(evaluated.offers[row],),
        order=order,
    )
