"""Which rental offers can carry a replica, and which of them a fleet is priced on.

In order: ``price_basis`` of an accelerator, whatever the fleet; ``qualifying_offers`` of a replica's size; then
``choose_offer`` for each fleet.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from math import log
from typing import Final

from msgspec import Struct

from catalogs.records.accelerators import Accelerator
from catalogs.records.facts import Confidence
from catalogs.records.prices import RentalOffer
from catalogs.units import HOURS_PER_MONTH, TERM_WORDS
from engine.plan import Chosen, ChosenOffer
from engine.workload import ANY_PROVIDER, Money, Term

EVERYWHERE = frozenset({"", "global", "all", "any"})
"""Regions of offers that hold in all of a provider's regions, or whose region is not known."""
OLD = timedelta(days=180)
"""A price checked so long before the newest of the catalog is marked, and loses ties."""
OUTDATED = timedelta(days=365)
"""A price as old as this says nothing about what is usual today."""
BY_THE_NODE = ("SXM", "OAM")
"""Forms that are bought as whole boards."""
RENTED: tuple[Term, ...] = ("on_demand", "spot", "reserved_1y", "reserved_3y")
COMMITTED: Final = frozenset[Term]({"reserved_1y", "reserved_3y", "owned"})
"""Terms under which what was taken is owed at every hour, whatever is asked of it: scaling in saves nothing."""


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
    old: bool = False
    """Checked long before the newest price of the catalog."""
    stands_in_for: str = ""
    """The place that was asked for, where no price is known: this one is of another."""

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
            stands_in_for=self.stands_in_for,
        )


Offer = PricedOffer | ChosenOffer


def origin(offer: Offer) -> str:
    """Return whose price an offer is, where and on which term: 'aws us-east-1 for Frankfurt, spot'."""
    if offer.term == "owned":
        return "owned"
    place = offer.region if offer.region.casefold() not in EVERYWHERE else ""
    stands_in = f"{'' if place else '(no region named)'} for {offer.stands_in_for}" if offer.stands_in_for else ""
    where = " ".join(filter(None, (offer.provider, place, stands_in.strip())))
    return f"{where}, {TERM_WORDS[offer.term]}"


class PriceBasis(Struct, frozen=True):
    """What an accelerator usually costs, whatever the fleet: the price of the median provider, or of one near it."""

    provider: str
    usd_per_accelerator_hour: float
    providers: int
    """That hold a whole node."""
    is_median: bool = True
    """False where the median provider sells whole nodes only and this one, next to it in price, parts of one too."""


class OfferChoice(Struct, frozen=True):
    """The offer that a fleet is priced on, and those beside it."""

    chosen: PricedOffer
    """The least bill of those that cost no less per accelerator-hour than the basis."""
    by_provider: tuple[PricedOffer, ...]
    """The least bill of each provider, the cheapest first."""
    basis: PriceBasis | None = None
    """None for a price of the user's own, and where providers are named."""

    @property
    def cheapest(self) -> PricedOffer:
        """The least bill of all."""
        return self.by_provider[0]

    @property
    def dearest(self) -> PricedOffer:
        """What the provider with the largest bill asks on its best instance."""
        return self.by_provider[-1]


def instances_for(replicas: int, accelerators_per_replica: int, offer_accelerators: int) -> int:
    """Return the whole instances that hold the replicas.

    Small replicas share an instance; a replica never straddles instances unless it takes whole ones.

    Args:
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


def replicas_billed(chosen: Chosen, replicas: int) -> int:
    """Return the replicas that the instances billed for some would hold: more where instances are not filled."""
    each = chosen.offer.accelerators // chosen.accelerators_per_replica if chosen.offer else 0
    return paid_accelerators(chosen, replicas) // chosen.accelerators_per_replica if each else replicas


def replicas_bill_usd(chosen: Chosen, replicas: int) -> float | None:
    """Return what replicas cost in a month of 730 h in whole instances, USD; None where no price is known."""
    if (offer := chosen.offer) is None:
        return None
    return paid_accelerators(chosen, replicas) / offer.accelerators * offer.usd_per_hour * HOURS_PER_MONTH


def newest_check(offers: Iterable[RentalOffer]) -> date:
    """Return the day from which ages of prices are counted: that of the newest one."""
    return max((offer.checked for offer in offers), default=date.min)


def price_basis(
    offers: Iterable[RentalOffer], accelerator: Accelerator, money: Money, accelerators_per_node: int, newest: date
) -> PriceBasis | None:
    """Return the basis on which all fleets of an accelerator are priced.

    None where nothing is offered, and where providers are named: then it is the least bill of those.

    A provider asks what its least price per accelerator-hour is. The basis is the (lower) median provider among those
    whose instances hold a whole node, or as much of one as any does; where that one sells whole nodes only, the nearest
    in price that sells parts of a node too. One basis for all sizes of replicas and fleets: a change of the parallelism
    that changed the provider would change the bill by several times.

    Args:
        offers: of any accelerator.
        accelerators_per_node: accelerators that share a node in the plan.
        newest: as ``newest_check`` returns it of the whole catalog.
    """
    if money.provider is not None:
        return None
    sold = [
        (offer, asks / offer.accelerators)
        for offer in _offers_there(offers, accelerator, money)
        if (asks := _price(offer, money.term)) is not None
    ]
    current = [(offer, hourly) for offer, hourly in sold if newest - offer.checked <= OUTDATED] or sold
    node = accelerators_per_node
    held: dict[str, set[int]] = defaultdict(set)
    asked: dict[str, tuple[float, bool]] = {}
    for offer, hourly in current:
        held[offer.provider].update({min(offer.instance_for(size)[1], node) for size in range(1, node + 1)})
        price = hourly, newest - offer.checked > OLD
        asked[offer.provider] = min(asked.get(offer.provider, price), price)
    largest = max(map(max, held.values()), default=0)
    ranked = sorted((*price, provider) for provider, price in asked.items() if max(held[provider]) == largest)
    if not ranked:
        return None
    usual, _, median = ranked[(len(ranked) - 1) // 2]
    halves = {largest >> halvings for halvings in range(largest.bit_length())}
    in_parts = [place for place in ranked if halves <= held[place[2]]]
    hourly, _, provider = min(in_parts or ranked, key=lambda place: (abs(log(place[0] / usual)), place[2] != median))
    return PriceBasis(provider, hourly, len(ranked), provider == median)


def qualifying_offers(
    offers: Iterable[RentalOffer],
    accelerator: Accelerator,
    replica_accelerators: int,
    money: Money,
    newest: date,
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
        newest: as ``newest_check`` returns it of the whole catalog.
        accelerators_per_node: accelerators that share a node in the plan; the accelerator's usual node by default.
    """
    node = accelerators_per_node or accelerator.per_node
    own = _own_price(accelerator, replica_accelerators, node, money)
    if own or money.usd_per_accelerator_hour or money.term == "owned":
        return (own,) if own else ()
    there = _offers_there(offers, accelerator, money)
    current = {offer.provider for offer in there if newest - offer.checked <= OUTDATED}
    there = [o for o in there if newest - o.checked <= OUTDATED or o.provider not in current]
    priced = (_priced(offer, replica_accelerators, node, money, newest) for offer in there)
    return tuple(sorted(filter(None, priced), key=_rank))


def choose_offer(
    offers: Sequence[PricedOffer], replicas: int, accelerators_per_replica: int, basis: PriceBasis | None
) -> OfferChoice | None:
    """Return the offer that a fleet is priced on, the cheapest and the dearest; None where none can carry it.

    It is the least bill in whole instances among the offers that ask the basis's price per accelerator-hour or more:
    an instance of the median provider, or a dearer one that fits a small fleet better than a node of which most is
    idle. So the price per accelerator-hour is the same for all fleets that fill their instances, no larger fleet of the
    same replicas costs less, and one of twice the replicas never more than twice as much. Where all that can carry the
    fleet are below the basis, it is the dearest of those.

    Args:
        offers: as ``qualifying_offers`` returns them.
        accelerators_per_replica: of one replica.
        basis: of the accelerator; None where it is the least bill of all.
    """
    if not offers:
        return None
    usual = basis.provider if basis else ""
    ranked = sorted(
        (round(offer.instances_for(replicas, accelerators_per_replica) * offer.usd_per_hour, 6), offer.old, at)
        for at, offer in enumerate(offers)
    )
    first = {offers[at].provider: offers[at] for *_, at in reversed(ranked)}
    by_provider = tuple(dict.fromkeys(first[offers[at].provider] for *_, at in ranked))
    floor = min(basis.usd_per_accelerator_hour if basis else 0.0, offers[-1].usd_per_accelerator_hour) * (1 - 1e-9)
    *_, at = min(
        (bill, old, offers[at].provider != usual, at)
        for bill, old, at in ranked
        if offers[at].usd_per_accelerator_hour >= floor
    )
    return OfferChoice(offers[at], by_provider, basis)


def _rank(offer: PricedOffer) -> tuple[float, bool, str, str, str]:
    return offer.usd_per_accelerator_hour, offer.old, offer.provider, offer.region, offer.instance


def no_price_note(
    offers: Iterable[RentalOffer], accelerator: Accelerator, replica_accelerators: int, money: Money
) -> str:
    """Return the sentence that says why no offer qualifies, and what would help.

    Args:
        offers: of any accelerator.
        accelerator: the one that the replica runs on.
        replica_accelerators: accelerators of one replica.
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
    named = " or ".join(money.provider.split(",")) if money.provider not in (None, ANY_PROVIDER) else ""
    where = " in ".join(filter(None, (named and f"of {named}", money.region)))
    if not there:
        providers = ", ".join(sorted({offer.provider for offer in known})[:6])
        return f"no price: no offer of {accelerator.name} is {where}; {providers} have it"
    sold = [offer for offer in there if _price(offer, money.term) is not None]
    if not sold:
        place = f" {where}" if where else ""
        return f"no price: no offer of {accelerator.name}{place} is {TERM_WORDS[money.term]}"
    return (
        f"no price: no instance of {accelerator.name} holds a replica of {replica_accelerators} accelerators; the "
        f"largest has {max(offer.accelerators for offer in sold)}"
    )


def _holds(accelerators: int, replica: int, node: int) -> bool:
    return accelerators >= replica or (replica % accelerators == 0 and accelerators >= node)


def _offers_there(offers: Iterable[RentalOffer], accelerator: Accelerator, money: Money) -> list[RentalOffer]:
    """Return the offers in the region that is wanted; where none is sold there, those that name no place.

    Those that name none count with the ones of a region that is not the wanted one, but stands in for it.
    """
    found = [offer for offer in offers if offer.accelerator == accelerator.id and _in_place(offer, money)]
    placed = money.region and not money.stands_in_for and names_place(found, money)
    return [offer for offer in found if not placed or offer.region.casefold() not in EVERYWHERE]


def names_place(offers: Iterable[RentalOffer], money: Money) -> bool:
    """Return whether an offer with a price names a place in the region that is wanted, or none is wanted."""
    there = (one for one in offers if one.region.casefold() not in EVERYWHERE and _in_place(one, money))
    return not money.region or any(_price(offer, money.term) is not None for offer in there)


def _in_place(offer: RentalOffer, money: Money) -> bool:
    if not money.sold_by(offer.provider):
        return False
    if offer.provider in money.excluded_providers:
        return False
    region = offer.region.casefold()
    if not money.region or region in EVERYWHERE:
        return True
    return any(region.startswith(wanted.strip()) for wanted in money.region.casefold().split(","))


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


def _priced(offer: RentalOffer, replica: int, node: int, money: Money, newest: date) -> PricedOffer | None:
    price = _price(offer, money.term)
    instance, accelerators = offer.instance_for(min(replica, node))
    if price is None or not _holds(accelerators, replica, node):
        return None
    return PricedOffer(
        provider=offer.provider,
        region=offer.region,
        instance=instance,
        accelerators=accelerators,
        term=money.term,
        usd_per_hour=price * (accelerators // offer.accelerators),
        source=offer.source + (" (from memory)" if offer.confidence is Confidence.MEMORY else ""),
        checked=offer.checked,
        old=newest - offer.checked > OLD,
        stands_in_for=money.stands_in_for or ((money.region or "") if offer.region.casefold() in EVERYWHERE else ""),
    )


def _own_price(accelerator: Accelerator, replica: int, node: int, money: Money) -> PricedOffer | None:
    if money.usd_per_accelerator_hour:
        size, hourly = max(min(replica, node), money.billed_together or 0), money.usd_per_accelerator_hour
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
            f"USD/kWh; interest, maintenance and people are in 'fleetcast costs' alone"
        )
        checked = accelerator.checked
    else:
        return None
    kind = "owned" if money.term == "owned" else "own price"
    return PricedOffer(
        kind, money.region or "", f"{size} × {accelerator.name}", size, money.term, hourly * size, source, checked
    )
