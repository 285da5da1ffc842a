"""Which rental offers can carry a replica, what a fleet costs on each, and which of them a plan is priced on.

In order: ``qualifying_offers`` of a replica, ``fleet_bills`` on them, ``common_offer`` of all fleets on one
accelerator, then ``choose_offer`` for each fleet.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date

from msgspec import Struct

from catalogs.records.accelerators import Accelerator
from catalogs.records.facts import Confidence
from catalogs.records.prices import RentalOffer
from catalogs.units import HOURS_PER_MONTH
from engine.plan import Chosen, ChosenOffer
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


class PricedOffer(Struct, frozen=True):
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
    offer: str = ""
    """The catalog's offer; replicas of other sizes may be priced on it too."""

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


class OfferChoice(Struct, frozen=True):
    """The offer that a fleet is priced on, and those beside it."""

    chosen: PricedOffer
    """The common offer of its accelerator, or the next dearer one where that cannot carry the fleet."""
    cheapest: PricedOffer
    dearest: PricedOffer
    qualifying: int
    """How many offers the chosen one was picked from: those of all fleets where it is common, else of this one."""
    is_median: bool = True
    """False where the median offer of the accelerator does not suit the fleet: see ``choose_offer``."""


def instances_for(replicas: int, accelerators_per_replica: int, offer_accelerators: int) -> int:
    """Return the whole instances that hold the replicas.

    Small replicas share an instance; a replica never straddles instances unless it takes whole ones.

    Args:
        replicas: of the fleet.
        accelerators_per_replica: of one replica.
        offer_accelerators: of one instance.
    """
    per_instance = offer_accelerators // accelerators_per_replica
    if per_instance:
        return -(-replicas // per_instance)
    return replicas * -(-accelerators_per_replica // offer_accelerators)


def paid_accelerators(chosen: Chosen, replicas: int) -> int:
    """Return the accelerators that are paid for replicas: those of whole instances where they are rented."""
    size, offer = chosen.accelerators_per_replica, chosen.offer
    return instances_for(replicas, size, offer.accelerators) * offer.accelerators if offer else replicas * size


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
    return tuple(sorted(priced, key=_rank))


class FleetBills(Struct, frozen=True):
    """What a fleet costs an hour on each offer that can carry its replicas."""

    accelerators: int
    """Of the fleet."""
    offers: tuple[PricedOffer, ...]
    """As ``qualifying_offers`` returns them; their order settles ties."""
    usd_per_hour: tuple[float, ...]
    """In whole instances."""
    usual: tuple[int, ...]
    """Positions of the offers that count, the least bill first.

    Offers that leave more than a third of an instance unused (a node of eight for four accelerators) count only where
    all do: they say nothing about the usual price. One that counts for a fleet counts for every larger one, however
    full its last instance is, or a larger fleet could be billed less.
    """


def fleet_bills(offers: Sequence[PricedOffer], replicas: int, accelerators_per_replica: int) -> FleetBills:
    """Return the bills of so many replicas on offers that can carry them.

    Args:
        offers: as ``qualifying_offers`` returns them.
        replicas: of the fleet.
        accelerators_per_replica: of one replica.
    """
    bills, wasteful = [], []
    for offer in offers:
        bills.append(instances_for(replicas, accelerators_per_replica, offer.accelerators) * offer.usd_per_hour)
        used = min(replicas, max(offer.accelerators // accelerators_per_replica, 1)) * accelerators_per_replica
        wasteful.append(offer.accelerators > WASTEFUL * used)
    ranked = sorted(range(len(bills)), key=lambda place: (bills[place], place))
    usual = [place for place in ranked if not wasteful[place]] or ranked
    return FleetBills(replicas * accelerators_per_replica, tuple(offers), tuple(bills), tuple(usual))


class CommonOffer(Struct, frozen=True):
    """The offer on which all ways to serve a load with one accelerator are compared."""

    offer: PricedOffer
    qualifying: int
    """How many offers it is the (lower) median of."""


def common_offer(fleets: Collection[FleetBills]) -> CommonOffer | None:
    """Return the offer on which all ways to serve a load with one accelerator are compared; None where none is priced.

    This decides first, over all fleets of the accelerator; ``choose_offer`` then applies it to each fleet.
    On each offer the cheapest fleet is what counts: the offer with the (lower) median of those. Were each way to split
    the model priced on a median of its own, one could win by its provider. Instances that the leanest fleet would leave
    more than a third unused count only where all are such.
    """
    leanest = min((fleet.accelerators for fleet in fleets if fleet.offers), default=0)
    least: dict[str, tuple[float, PricedOffer]] = {}
    for fleet in fleets:
        for place in fleet.usual:
            bill, offer = fleet.usd_per_hour[place], fleet.offers[place]
            if offer.offer not in least or bill < least[offer.offer][0]:
                least[offer.offer] = bill, offer
    ranked = [offer for _, offer in sorted(least.values(), key=lambda found: (found[0], *_rank(found[1])))]
    usual = [offer for offer in ranked if offer.accelerators <= WASTEFUL * leanest] or ranked
    return CommonOffer(usual[(len(usual) - 1) // 2], len(usual)) if usual else None


def choose_offer(fleet: FleetBills, common: CommonOffer | None = None) -> OfferChoice | None:
    """Return the offer that a fleet is priced on, the cheapest and the dearest; None where none can carry it.

    Comes second: ``common_offer`` has decided before, unless a fleet is priced alone.

    Args:
        fleet: its bills.
        common: that other ways to serve the load are priced on. Where it cannot carry this fleet, the next dearer one
            per accelerator-hour does, or the dearest; without one it is the (lower) median of the bills.
    """
    if not fleet.offers:
        return None
    offers = [fleet.offers[place] for place in fleet.usual]
    chosen, qualifying, is_median = offers[(len(offers) - 1) // 2], len(offers), True
    if common is not None:
        same = [offer for offer in offers if offer.offer == common.offer.offer]
        hourly = common.offer.usd_per_accelerator_hour
        dearer = [offer for offer in offers if offer.usd_per_accelerator_hour >= hourly]
        near = min(dearer, key=_hourly, default=max(offers, key=_hourly))
        is_median = bool(same)
        chosen, qualifying = (same[0], common.qualifying) if same else (near, len(offers))
    return OfferChoice(
        chosen=chosen,
        cheapest=fleet.offers[min(range(len(fleet.offers)), key=lambda place: (fleet.usd_per_hour[place], place))],
        dearest=offers[-1],
        qualifying=qualifying,
        is_median=is_median,
    )


def _rank(offer: PricedOffer) -> tuple[float, str, str, str]:
    return offer.usd_per_accelerator_hour, offer.provider, offer.region, offer.instance


def _hourly(offer: PricedOffer) -> float:
    return offer.usd_per_accelerator_hour


def no_price_note(
    offers: Iterable[RentalOffer], accelerator: Accelerator, replica_accelerators: int, money: Money
) -> str:
    """Return the sentence that says why no offer qualifies, and what would help.

    Args:
        offers: of any accelerator.
        accelerator: the one that the replica runs on.
        replica_accelerators: accelerators of one replica.
        money: provider, region, term and own prices.
    """
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
        offer=offer.id,
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
