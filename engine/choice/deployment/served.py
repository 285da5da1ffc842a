"""A plan's fleet as its rate changes: how many replicas it takes, hour by hour, on the same accelerators."""

from collections.abc import Mapping
from math import ceil

from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.records.accelerators import Accelerator, PowerCurve
from engine.choice.deployment.bills import Work
from engine.fleet.energy import power_curve_for, power_share
from engine.fleet.offers import (
    RENTED,
    OfferChoice,
    PriceBasis,
    PricedOffer,
    choose_offer,
    newest_check,
    price_basis,
    qualifying_offers,
)
from engine.fleet.parallelisms import node_size
from engine.plan import CapacityPlan
from engine.planning.inverse import fleet_rate
from engine.question.demand import demand_of
from engine.question.resolve import Question, resolve
from engine.workload import Term


class TermOffers(Struct, frozen=True):
    """Offers of an accelerator at one term."""

    offers: tuple[PricedOffer, ...]
    basis: PriceBasis | None

    def choice(self, replicas: int, size: int) -> OfferChoice | None:
        """Return the offer that so many replicas of a size are priced on."""
        return choose_offer(self.offers, replicas, size, self.basis)


class Served(Struct, frozen=True):
    """What a plan serves, and what one of its replicas carries."""

    question: Question
    accelerator: Accelerator
    work: Work
    capacity_rps: float
    """λ_cap of one replica, model calls/s."""
    peak: float
    """Busiest minute that the fleet is sized for over the mean."""
    hourly: tuple[float, ...]
    """Rate by hour over the mean."""
    replicas_size: int
    """Accelerators of one replica."""
    minimum: int
    spares: int
    added: int
    """Replicas that a simulation found to be needed beyond the formulas."""
    curve: PowerCurve | None
    """Of the accelerator; None where nobody measured one."""
    stay_s: float
    """Mean time of a call in a replica, at the mean load."""
    saturated_rps: float
    """Of one replica, model calls/s."""
    offers: Mapping[Term, TermOffers]
    """What can be rented for it, by term."""
    reaction_s: float
    """From a lack of replicas to a new one that serves."""
    target_utilisation: float
    weights_bytes: float

    @property
    def calls_per_s(self) -> float:
        """Mean model calls/s."""
        return self.work.requests_per_s * self.work.calls_per_request

    @property
    def replicas(self) -> int:
        """Of the fleet that is always on: for the peak, with spares."""
        needed = ceil(self.calls_per_s * self.peak / self.capacity_rps - 1e-6)
        return max(needed + self.added, self.minimum) + self.spares

    @property
    def replicas_by_hour(self) -> tuple[int, ...]:
        """Held by an autoscaler in each hour of the profile."""
        per_replica = self.target_utilisation * self.capacity_rps
        return tuple(
            min(max(ceil(self.calls_per_s * rate / per_replica - 1e-9), self.minimum) + self.spares, self.replicas)
            for rate in self.hourly
        )

    @property
    def rate_per_replica(self) -> float:
        """User requests/s, on average, that one more replica of the always-on fleet carries."""
        return self.capacity_rps / self.peak / self.work.calls_per_request

    @property
    def cached_share(self) -> float:
        """Of a prompt's tokens that a cache holds."""
        return self.work.cached_tokens / self.work.input_tokens

    def utilisation(self, replicas: float) -> float:
        """Return the share of so many replicas' capacity that the mean load uses."""
        return min(1.0, self.calls_per_s / (replicas * self.capacity_rps)) if replicas else 0.0

    def watts(self, accelerators: int) -> float:
        """Return the mean power of so many that are there, W: of the replicas that work, others idle, as of a plan."""
        limit, curve = self.accelerator.power_w, self.curve
        if curve is None:
            return limit * accelerators
        each = self.calls_per_s / (self.replicas - self.spares)
        busy = (self.replicas - self.spares) * self.replicas_size
        share = power_share(curve, each * self.stay_s, each / self.saturated_rps)
        return limit * (busy * share + (accelerators - busy) * curve.idle)

    def at(self, requests_per_s: float) -> "Served":
        """Return the same at another mean rate."""
        return replace(self, work=replace(self.work, requests_per_s=requests_per_s))

    def with_capacity(self, factor: float) -> "Served":
        """Return the same with replicas that carry so many times the load."""
        return replace(self, capacity_rps=self.capacity_rps * factor)


def served_by(plan: CapacityPlan, catalog: Catalog) -> Served:
    """Return what a plan serves, as a fleet whose rate may change.

    Raises:
        InputError: names that the catalog does not know.
    """
    question = resolve(plan.spec, catalog)
    spec, fleet = plan.spec, plan.fleet
    traffic, lengths = spec.traffic, question.lengths
    rate = fleet_rate(plan, question) / traffic.calls_per_request
    saturated = plan.replica_capacity.saturated_requests_per_s
    prices = plan.cost.usd_per_million_tokens
    share = prices.input * lengths.prompt.mean if prices else 0.0
    whole = share + (prices.output * lengths.output.mean if prices else 0.0)
    accelerator = catalog.accelerator(plan.chosen.accelerator)
    at_mean, capacity = plan.performance.at_mean, min(plan.replica_capacity.requests_per_s, saturated)
    if traffic.concurrency:  # what as many clients send as a replica holds
        holds = plan.autoscaling.target_in_flight_per_replica / plan.autoscaling.target_utilisation
        capacity = rate * traffic.calls_per_request * holds / traffic.concurrency
    work = Work(
        requests_per_s=rate,
        calls_per_request=traffic.calls_per_request,
        input_tokens=lengths.prompt.mean,
        cached_tokens=lengths.prompt.mean - lengths.computed_mean,
        output_tokens=lengths.output.mean,
        input_share=share / whole if whole else 0.5,
        within=plan.replay.met if plan.replay else None,
    )
    served = Served(
        question=question,
        accelerator=accelerator,
        work=work,
        capacity_rps=capacity,
        peak=traffic.peak_factor,
        hourly=demand_of(traffic).hourly,
        replicas_size=plan.chosen.accelerators_per_replica,
        minimum=max(spec.availability.minimum_replicas, 1),
        spares=fleet.spares,
        added=0,
        curve=power_curve_for(accelerator, question.catalog.power_curves.values()),
        stay_s=at_mean.in_flight / at_mean.requests_per_s,
        saturated_rps=saturated,
        offers=_offers(question, accelerator, plan.chosen.accelerators_per_replica),
        reaction_s=plan.autoscaling.reaction_time_s,
        target_utilisation=plan.autoscaling.target_utilisation,
        weights_bytes=plan.memory.weights_bytes,
    )
    return replace(served, added=max(0, fleet.replicas - served.replicas))


def _offers(question: Question, accelerator: Accelerator, size: int) -> dict[Term, TermOffers]:
    node, offers = node_size(question, accelerator), question.catalog.offers
    newest, money = newest_check(offers), question.spec.money
    sold = [offer for offer in offers if offer.accelerator == accelerator.id]
    found: dict[Term, TermOffers] = {}
    for term in RENTED:
        asked = replace(money, term=term)
        qualifying = qualifying_offers(sold, accelerator, size, asked, newest, node)
        basis = None if money.usd_per_accelerator_hour else price_basis(sold, accelerator, asked, node, newest)
        found[term] = TermOffers(qualifying, basis)
    return found
