"""Which rental offers can carry a replica, what a fleet costs on each, and which of them a plan is priced on."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from catalogs.records import Accelerator, Confidence, RentalOffer
from catalogs.units import HOURS_PER_MONTH
from engine.plan import ChosenOffer
from engine.workload import Money, Term

EVERYWHERE = frozenset({"", "global", "all", "any"})
"""Regions of offers that hold in all of a provider's regions, or whose region is not known."""
WASTEFUL = 1.5
"""Accelerators paid over accelerators needed beyond which an offer tells nothing of the usual price."""
BY_THE_NODE = ("SXM", "OAM")
"""Forms that are bought as whole boards."""
TERM_WORDS: dict[Term, str] = {
    "on_demand": "on demand",
    "spot": "spot",
    "reserved_1y": "reserved for 1 year",
    "reserved_3y": "reserved for 3 years",
    "owned": "owned",
}


@dataclass(frozen=True, slots=True)
class PricedOffer:
    """An instance at the price of the wanted term."""

    provider: str
    region: str
    instance: str
    accelerators: int
    """In one instance."""
    term: Term
    usd_per_hour: float
    """Per instance."""
    source: str
    checked: date | None
    """Null for a price that the user gave."""

    @property
    def usd_per_accelerator_hour(self) -> float:
        """USD per hour and accelerator of the instance."""
        return self.usd_per_hour / self.accelerators

    def instances_for(self, replicas: int, accelerators_per_replica: int) -> int:
        """Return the whole instances that hold the replicas."""
        return instances_for(replicas, accelerators_per_replica, self.accelerators)

    def monthly_usd(self, instances: float) -> float:
        """Return what so many instances cost in a month of 730 h, USD."""
        return instances * self.usd_per_hour * HOURS_PER_MONTH

    def chosen(self) -> ChosenOffer:
        """Return the offer as a plan shows it."""
        return ChosenOffer(
            provider=self.provider,
            region=self.region,
            instance=self.instance,
            accelerators=self.accelerators,
            term=self.term,
            usd_per_hour=self.usd_per_hour,
            source=self.source,
            checked=self.checked.isoformat() if self.checked else "",
        )


@dataclass(frozen=True, slots=True)
class OfferChoice:
    """The offer that a fleet is priced on, and those beside it."""

    median: PricedOffer
    cheapest: PricedOffer
    dearest: PricedOffer
    qualifying: int
    """How many offers the median is of."""


def instances_for(replicas: int, accelerators_per_replica: int, offer_accelerators: int) -> int:
    """Return the whole instances that hold the replicas.

    Small replicas share an instance; a replica never straddles instances unless it takes whole ones.
    """
    per_instance = offer_accelerators // accelerators_per_replica
    if per_instance:
        return -(-replicas // per_instance)
    return replicas * -(-accelerators_per_replica // offer_accelerators)


def qualifying_offers(
    offers: Iterable[RentalOffer],
    accelerator: Accelerator,
    replica_accelerators: int,
    money: Money,
    accelerators_per_node: int | None = None,
) -> tuple[PricedOffer, ...]:
    """Return the offers that can carry a replica on the wanted terms, cheapest per accelerator-hour first.

    An offer can where its instance holds a replica, or where a replica is whole instances of it that are no smaller
    than a node: parallelism within a node was reckoned at the speed of the links in it. The user's own price, or the
    costs of owned accelerators, take the place of all offers. Empty where nothing qualifies: see ``no_price_note``.

    Args:
        offers: of any accelerator.
        accelerator: the one that the replica runs on.
        replica_accelerators: accelerators of one replica.
        money: provider, region, term and own prices.
        accelerators_per_node: accelerators that share a node in the plan; the accelerator's usual node by default.
    """
    node = accelerators_per_node or accelerator.per_node
    own = _own_price(accelerator, replica_accelerators, node, money)
    if own or money.usd_per_accelerator_hour or money.term == "owned":
        return (own,) if own else ()
    there = [offer for offer in offers if offer.accelerator == accelerator.id and _in_place(offer, money)]
    priced = filter(None, (_priced(offer, replica_accelerators, node, money.term) for offer in there))
    return tuple(sorted(priced, key=lambda o: (o.usd_per_accelerator_hour, o.provider, o.region, o.instance)))


def choose_offer(offers: Sequence[PricedOffer], replicas: int, accelerators_per_replica: int) -> OfferChoice | None:
    """Return the offer with the (lower) median bill for so many replicas, the cheapest and the dearest; None of none.

    Bills of whole instances are compared. Offers that leave more than a third of an instance unused (a node of eight
    for four accelerators) count only where all do: they say nothing about the usual price. One that counts for a fleet
    counts for every larger one, however full its last instance is, or a larger fleet could be billed less.

    Args:
        offers: as ``qualifying_offers`` returns them; its order settles ties.
        replicas: replicas of the whole fleet.
        accelerators_per_replica: accelerators of each.
    """
    if not offers:
        return None
    bills = []
    for rank, offer in enumerate(offers):
        instances = instances_for(replicas, accelerators_per_replica, offer.accelerators)
        used = min(replicas, max(offer.accelerators // accelerators_per_replica, 1)) * accelerators_per_replica
        wasteful = offer.accelerators > WASTEFUL * used
        bills.append((wasteful, instances * offer.usd_per_hour, rank))
    bills.sort()
    usual = [bill for bill in bills if not bill[0]] or bills
    return OfferChoice(
        median=offers[usual[(len(usual) - 1) // 2][2]],
        cheapest=offers[min(bills, key=lambda bill: bill[1:])[2]],
        dearest=offers[usual[-1][2]],
        qualifying=len(usual),
    )


def no_price_note(
    offers: Iterable[RentalOffer], accelerator: Accelerator, replica_accelerators: int, money: Money
) -> str:
    """Return the sentence that says why no offer qualifies, and what would help."""
    if money.term == "owned":
        return (
            f"no price: the catalog has no purchase price of {accelerator.name}; give your own price per "
            f"accelerator-hour"
        )
    known = [offer for offer in offers if offer.accelerator == accelerator.id]
    if not known:
        return f"no price: the catalog has no offer of {accelerator.name}; give your own price per accelerator-hour"
    there = [offer for offer in known if _in_place(offer, money)]
    where = " in ".join(filter(None, (f"of {money.provider}" if money.provider else "", money.region or "")))
    if not there:
        providers = ", ".join(sorted({offer.provider for offer in known})[:6])
        return f"no price: no offer of {accelerator.name} is {where}; {providers} have it"
    sold = [offer for offer in there if _price(offer, money.term) is not None]
    if not sold:
        place = f" {where}" if where else ""
        return f"no price: no offer of {accelerator.name}{place} is for {TERM_WORDS[money.term]} use"
    return (
        f"no price: no instance of {accelerator.name} holds a replica of {replica_accelerators} accelerators; the "
        f"largest has {max(offer.accelerators for offer in sold)}"
    )


def _holds(accelerators: int, replica: int, node: int) -> bool:
    return accelerators >= replica or (replica % accelerators == 0 and accelerators >= node)


def _in_place(offer: RentalOffer, money: Money) -> bool:
    if money.provider and offer.provider.casefold() != money.provider.casefold():
        return False
    region = offer.region.casefold()
    return not money.region or region in EVERYWHERE or region.startswith(money.region.casefold())


def _price(offer: RentalOffer, term: Term) -> float | None:
    match term:
        case "on_demand":
            # Marketplaces, blocks of days and quotes are no standing price for a service.
            return offer.on_demand_usd_per_hour if offer.sold_as == "on demand" else None
        case "spot":
            return offer.spot_usd_per_hour
        case "reserved_1y":
            return offer.reserved_1y_usd_per_hour
        case "reserved_3y":
            return offer.reserved_3y_usd_per_hour
        case "owned":
            return None


def _priced(offer: RentalOffer, replica: int, node: int, term: Term) -> PricedOffer | None:
    price = _price(offer, term)
    # Sold by the accelerator: an instance is as large as the replica, up to a node.
    times = max(1, min(replica, node) // offer.accelerators) if offer.by_accelerator else 1
    accelerators = offer.accelerators * times
    if price is None or not _holds(accelerators, replica, node):
        return None
    return PricedOffer(
        provider=offer.provider,
        region=offer.region,
        instance=offer.instance,
        accelerators=accelerators,
        term=term,
        usd_per_hour=price * times,
        source=offer.source + (" (from memory)" if offer.confidence is Confidence.MEMORY else ""),
        checked=offer.checked,
    )


def _own_price(accelerator: Accelerator, replica: int, node: int, money: Money) -> PricedOffer | None:
    if money.usd_per_accelerator_hour:
        size, hourly = min(replica, node), money.usd_per_accelerator_hour
        source, checked = f"your own price, {hourly:g} USD per accelerator-hour", None
    elif money.term == "owned" and accelerator.purchase_usd:
        size = node if accelerator.form.startswith(BY_THE_NODE) else min(replica, node)
        hours = money.amortisation_years * 12 * HOURS_PER_MONTH
        capital = accelerator.purchase_usd * (1 + money.overhead_share) / hours
        # Billed at the power limit: what a power contract must cover.
        hourly = capital + accelerator.power_w / 1000 * money.usd_per_kwh
        source = (
            f"{accelerator.purchase_usd:,.0f} USD an accelerator and {money.overhead_share:.0%} for host, network and "
            f"hosting over {money.amortisation_years:g} years; {accelerator.power_w:g} W at {money.usd_per_kwh:g} "
            f"USD/kWh"
        )
        checked = accelerator.checked
    else:
        return None
    kind = "owned" if money.term == "owned" else "own price"
    return PricedOffer(
        kind, money.region or "", f"{size} × {accelerator.name}", size, money.term, hourly * size, source, checked
    )
