"""The fleet of the chosen candidate, line by line: the ledger."""

from math import ceil

from msgspec import Struct

from catalogs.units import show_figure
from engine.fleet.offers import PricedOffer, paid_accelerators
from engine.fleet.search import SizedCandidates
from engine.plan import Chosen, Fleet, LedgerLine, Reason, ReplicaCapacity
from engine.planning.phrases import counted
from engine.question.fleet_limits import fewest_replicas, rated_watts
from engine.question.resolve import Question
from engine.workload import WorkloadSpec

RUNNING = ("mean", "peak", "spares", "burst")
"""Lines of the ledger that run today: growth is yet to come."""


def fleet_of(question: Question, best: SizedCandidates, capacity: ReplicaCapacity, trough: float) -> Fleet:
    """Return the fleet of a candidate, with its ledger.

    Args:
        best: the candidate, an array of one.
        capacity: what one replica carries.
        trough: quietest hour over the mean.
    """
    spec, counts = question.spec, best.counts
    size = int(best.candidates.parallelism.accelerators[0])
    choice = best.offers[0]
    offer = choice.chosen if choice else None
    spares, minimum = spec.availability.spare_replicas, fewest_replicas(spec)
    working, maximum = int(counts.peak[0]), int(counts.total[0])
    replicas = working + spares
    rate = question.mean_rate
    if spec.traffic.unstated:  # a given fleet: its peak hour is what it holds
        rate = working * capacity.requests_per_s / spec.traffic.peak_factor
    mean, why = float(counts.mean[0]), f"concurrency {spec.traffic.concurrency}"
    if rate is not None:
        mean = rate / capacity.requests_per_s
        why = f"{show_figure(rate)} calls/s on average ÷ {show_figure(capacity.requests_per_s)} per replica"
    lowest = max(min(ceil(mean * trough - 1e-6), working), minimum) + spares

    def instances(count: int) -> int:
        return offer.instances_for(count, size) if offer else count

    return Fleet(
        replicas=replicas,
        minimum_replicas=min(lowest, maximum),
        maximum_replicas=maximum,
        accelerators=replicas * size,
        maximum_accelerators=maximum * size,
        instances=instances(replicas),
        billed_accelerators=instances(replicas) * offer.accelerators if offer else replicas * size,
        capacity_requests_per_s=working * capacity.requests_per_s / spec.traffic.calls_per_request,
        capacity_output_tokens_per_s=working * capacity.requests_per_s * question.lengths.output.mean,
        ledger=_ledger(spec, best, offer, why),
        rated_watts=(
            rated_watts(maximum * size, best.candidates.accelerator(0).power_w) if spec.hardware.max_power_kw else None
        ),
    )


def _ledger(
    spec: WorkloadSpec, best: SizedCandidates, offer: PricedOffer | None, why_mean: str
) -> tuple[LedgerLine, ...]:
    """Return lines whose replicas and accelerators sum to the whole fleet; rounding to whole instances is one too.

    Args:
        best: the candidate, an array of one.
        offer: what is rented; None without one.
        why_mean: why the mean load takes so many.
    """
    traffic, counts = spec.traffic, best.counts
    size = int(best.candidates.parallelism.accelerators[0])
    per_accelerator = offer.monthly_usd(1) / offer.accelerators if offer else None
    whole, spares, growth = counts.total[0], spec.availability.spare_replicas, traffic.growth
    grows = f"{traffic.growth_per_year:.0%} a year over {counted(traffic.horizon_years, 'year')}: × {growth:.3g}"
    reasons: tuple[tuple[Reason, str, float], ...] = (
        ("mean", why_mean, counts.mean[0]),
        ("peak", f"busiest hour {traffic.peak_factor:.3g} × the mean", counts.peak[0] - counts.mean[0]),
        ("spares", f"{counted(spares, 'spare replica')} asked for", whole - counts.growth[0]),
        ("burst", f"peak minute {traffic.burst:.3g} × the peak hour", counts.burst[0] - counts.peak[0]),
        ("growth", grows, counts.growth[0] - counts.burst[0]),
    )
    extra = offer.instances_for(int(whole), size) * offer.accelerators - int(whole) * size if offer else 0
    why_rounding = f"whole instances of {offer.accelerators} accelerators" if offer else "no offer, no instances"
    rows: list[tuple[Reason, str, int, int]] = [(why, text, int(n), int(n) * size) for why, text, n in reasons]
    rows.append(("rounding", why_rounding, 0, extra))
    return tuple(LedgerLine(*row, per_accelerator and row[-1] * per_accelerator) for row in rows)


class FixedFleet(Struct, frozen=True):
    """A fleet that does not scale: for today's peak hour and its burst, with spares."""

    replicas: int
    accelerator_hours: float
    """That are paid for."""

    def saving(self, accelerator_hours: float) -> float:
        """Return the share of its accelerator-hours that a fleet saves which pays for so many."""
        return 1 - accelerator_hours / self.accelerator_hours


def fixed_fleet(fleet: Fleet, chosen: Chosen, hours: float) -> FixedFleet:
    """Return the fleet that does not scale in place of a plan's."""
    replicas = sum(line.replicas for line in fleet.ledger if line.reason in RUNNING)
    return FixedFleet(replicas, float(paid_accelerators(chosen, replicas) * hours))
