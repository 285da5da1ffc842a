"""Whether another provider, region or term asks less."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, structs

from agent.after_plan.multiples import factor_in
from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.billed import Resized
from agent.after_plan.replies.choices.sketched import against
from agent.after_plan.sums import Explanation
from agent.report.blocks import Column, Table
from agent.report.cost.price_origin import bill_beside, origin_of
from agent.report.words import calls_shown, fleet_shown, usd_shown
from catalogs.records.places import Place, priced_regions
from catalogs.units import TERM_WORDS, show_figure, show_percent, show_seconds, show_usd
from engine.choice.deployment.renting import SpotMarket
from engine.fleet.offers import EVERYWHERE, RENTED, PricedOffer, newest_check, origin, qualifying_offers
from engine.workload import ANY_PROVIDER, Money, Term

_RESERVE: Final = r"reserv\w+|commit\w*|locked? in|upfront|up front|prepa(?:id|y)"
_BETWEEN_TERMS: Final = 24
"""Months below which a year is the nearer of the terms that have prices, else three."""
_UPFRONT_UNKNOWN: Final = (
    "The price is an hour's, over the whole term; what a provider takes off where it is paid upfront, in part or in "
    "all, is not known here."
)


class FleetBill(Struct, frozen=True):
    """What the fleet costs in a month on one offer."""

    usd: float
    offer: PricedOffer
    far: bool = False
    """From the place where prices are wanted."""

    @property
    def shown(self) -> str:
        """The amount, and where the price is asked."""
        known = self.offer.region.casefold() not in EVERYWHERE
        return f"{show_usd(self.usd)}{f' {self.offer.region}' if known else ''}"


def elsewhere(asked: Asked) -> Explanation:
    """Return what the fleet of the plan costs at other providers and on other terms; the plan keeps its own."""
    plan = asked.plan
    reading = asked.reading()
    planned, cards = plan, reading.values.get("hardware.accelerators", ())
    if cards and plan.chosen.accelerator not in cards:
        anywhere = {"hardware.accelerators": cards, "money.provider": ANY_PROVIDER}
        other = asked.tried(anywhere, frozenset({"money.region"}))
        if isinstance(other, str) or not other.answer.meets_targets:
            return paragraphs(f"{', '.join(cards)}: {against(plan, other)}")
        plan, asked = other, structs.replace(asked, plan=other)
    if months := _reserved(asked):
        return reservation(asked, months)
    refused = tuple(reading.values.get("money.excluded_providers", ()))
    named = str(reading.values.get("money.provider") or "")
    wanted = tuple(filter(None, named.split(",")))
    wanted = wanted or tuple(name for name in asked.ports.catalog.providers if asked.has(re.escape(name)))
    wanted = tuple(name for name in wanted if name not in refused)
    place = _place(asked, reading.values.get("money.region"))
    rows: list[tuple[float, tuple[str, ...]]] = []
    absent: list[str] = []
    for provider in wanted or _sellers(asked, *refused):
        bills = {term: bill for term in RENTED if (bill := _best(asked, provider, term, place))}
        if bills:
            least = bills.get("on_demand") or min(bills.values(), key=lambda bill: bill.usd)
            rows.append((least.usd, (provider, *(bills[t].shown if t in bills else "" for t in RENTED))))
        elif wanted:
            absent.append(provider)
    rows.sort()
    columns = (Column("provider"), *Column.figures(*(TERM_WORDS[term] for term in RENTED)))
    table = Table.of_known(columns, [row for _, row in rows])
    near = f" in or near {place.name}, else anywhere" if place else ""
    without = f" without {' and '.join(refused)}" if refused else ""
    lead = f"{fleet_shown(plan)} a month{without}, from each provider's best price{near}:" if rows else ""
    whose, own = origin_of(planned), planned.cost.monthly_usd
    mine = (
        f"The plan's own bill is {f'{show_usd(own)} a month' if own else 'not known'}{f' ({whose})' if whose else ''}."
    )
    others = [_without_offer(asked, provider) for provider in absent]
    return (
        *paragraphs(*_on_terms(asked, place), lead),
        *((table,) if rows else ()),
        *paragraphs(*others, f"{mine} 'on {rows[0][1][0] if rows else 'aws'}' plans there."),
    )


_YEARS: Final[Mapping[Term, str]] = {
    "reserved_1y": "1 ?-?y(?:(?:ea)?rs?)?|one[- ]year|12 months|(?:a|1|one) years?",
    "reserved_3y": "3 ?-?y(?:(?:ea)?rs?)?|three[- ]years?|36 months|three",
}
_TERMS: Final[Mapping[Term, str]] = {"on_demand": "on[- ]demand", "spot": "spot|preemptibles?", **_YEARS}
"""By term, the words that name it."""
_SAVES: Final = f"{_RESERVE}|saves?|saving|saved"


def _on_terms(asked: Asked, place: Place | None) -> Iterator[str]:
    """Yield what the fleet costs at its own provider on the terms that a line names, beside the plan's."""
    offer, bill = asked.plan.chosen.offer, asked.plan.cost.monthly_usd
    provider = str(asked.said("money.provider") or (offer.provider if offer else asked.plan.spec.money.provider or ""))
    named = [term for term, words in _TERMS.items() if asked.has(words) and (term not in _YEARS or asked.has(_SAVES))]
    mine = offer.term if offer else ""
    for term in (one for one in named or ["on_demand"] * asked.has(_SAVES) if one != mine):
        own = _best(asked, provider, term, place) if provider else None
        if own is None:
            on = f"{'on ' * (term == 'spot')}{TERM_WORDS[term]}{f' at {provider}' if provider else ''}"
            yield f"I know no price for it {on}, nor for a mix of terms."
            continue
        moved = "the plan's own price is not known"
        if bill is not None:
            saved = f"{show_usd(abs(bill - own.usd))} a month"
            moved = f"{saved} less than planned, {show_percent(1 - own.usd / bill)}"
            if own.usd > bill:
                moved = f"the plan saves {saved} against it, {show_percent(1 - bill / own.usd)}"
        yield f"{origin(own.offer)}: {show_usd(own.usd)} a month; {moved}; price of {own.offer.checked}."
        if term == "spot" and (part := _in_part(asked, own)):
            yield part
    if "spot" in named:
        market = SpotMarket()
        yield (
            f"A spot instance is taken away about {show_figure(market.interruptions_per_month)} times a month (AWS's"
            f" highest band, in which most GPU instances are), with {show_seconds(market.notice_s)} to 2 minutes of"
            " notice, and all of a kind may go at once: keep the quietest hour on demand. Its prices move by the hour."
        )


def _in_part(asked: Asked, own: FleetBill) -> str:
    """Say what a part of the fleet on spot costs with the rest as planned, where a line names one: 'half on spot'."""
    plan, size = asked.plan, asked.plan.chosen.accelerators_per_replica
    percent = re.search(r"(\d{1,2}) ?(?:%|percent)", asked.words)
    share = float(percent[1]) / 100 if percent else factor_in(asked.words) or 0.0
    part = round(share * plan.fleet.replicas)
    rest = Resized(plan, plan.fleet.replicas - part)
    if not 0 < part < plan.fleet.replicas or rest.monthly_usd is None:
        return ""
    bill = rest.monthly_usd + own.offer.monthly_usd(own.offer.instances_for(part, size))
    return (
        f"A mix of terms, {part} of the {plan.fleet.replicas} replicas on spot ({show_percent(share)}) and the"
        f" other {rest.replicas} as planned: {show_usd(bill)} a month in place of"
        f" {usd_shown(plan.cost.monthly_usd)}, each part in whole instances."
        f" While those on spot are gone, the rest carry {calls_shown(plan, rest.requests_per_s)} within the targets."
    )


def reservation(asked: Asked, months: int) -> Explanation:
    """Return what the fleet of the plan costs reserved, at its own provider and at the cheapest one, over the time.

    Args:
        months: for which a reservation is asked; the nearest terms that have prices are one year and three.
    """
    plan, offer = asked.plan, asked.plan.chosen.offer
    term = _nearest_term(months)
    provider = str(asked.said("money.provider") or (offer.provider if offer else ""))
    place = _place(asked, asked.said("money.region"))
    own = _best(asked, provider, term, place)
    other = _cheapest(asked, _sellers(asked, provider), term, place)
    nearest = f" Prices are known for 1 year and for 3 years: here {months} months at the nearer."
    whose, mine = origin_of(plan), plan.cost.monthly_usd
    return paragraphs(
        f"The plan's {fleet_shown(plan)}, reserved.{'' if months in (12, 36) else nearest}",
        _over(own, months) if own else f"{provider} has no price {TERM_WORDS[term]} for it that I know.",
        _over(other, months) if other else "No other provider has one.",
        f"Beside it the plan's own, {whose}: {show_usd(mine)} a month, {show_usd(mine * months)}." if mine else "",
        _UPFRONT_UNKNOWN,
    )


def reserved_bill(asked: Asked, months: int) -> str:
    """Return in a sentence what the fleet costs reserved at its own provider; empty where no such price is known."""
    offer = asked.plan.chosen.offer
    if offer is None or offer.term != "on_demand":
        return ""
    own = _best(asked, offer.provider, _nearest_term(months), _place(asked, None))
    return f"Reserved, at the nearest term that has a price: {_over(own, months)}" if own else ""


def other_bills(asked: Asked) -> tuple[FleetBill, ...]:
    """Return what the fleet of the plan costs on other terms at its own provider, and on each at the cheapest other.

    The cheapest is one near the plan's place where any is.
    """
    plan, offer = asked.plan, asked.plan.chosen.offer
    if offer is None or offer.term not in RENTED:
        return ()
    place, others = _place(asked, None), _sellers(asked, offer.provider, *plan.spec.money.excluded_providers)
    found = [_best(asked, offer.provider, term, place) for term in RENTED if term != offer.term]
    found += [_cheapest(asked, others, term, place) for term in RENTED]
    return tuple(filter(None, found))


def _sellers(asked: Asked, *without: str) -> list[str]:
    """Return the providers of the plan's accelerator, without some."""
    wanted = asked.plan.chosen.accelerator
    return sorted({one.provider for one in asked.ports.catalog.offers if one.accelerator == wanted} - set(without))


def _cheapest(asked: Asked, providers: Sequence[str], term: Term, place: Place | None) -> FleetBill | None:
    """Return the cheapest bill at some providers, near a place if any is there; None where none has a price."""
    bills = [bill for one in providers if (bill := _best(asked, one, term, place))]
    return min(bills, key=lambda bill: (bill.far, bill.usd), default=None)


def _nearest_term(months: int) -> Term:
    return "reserved_1y" if months < _BETWEEN_TERMS else "reserved_3y"


def _over(bill: FleetBill, months: int) -> str:
    total = f"{show_usd(bill.usd * months)} over {months} months"
    return f"{origin(bill.offer)}: {show_usd(bill.usd)} a month, {total}."


def _reserved(asked: Asked) -> int:
    """Return for how many months a line would reserve; 0 where it reserves nothing or asks of other terms too."""
    if not asked.has(_RESERVE) or asked.has("cheaper|cheapest|spot|on demand|compare|which|any"):
        return 0
    if all(asked.has(words) for words in _YEARS.values()):
        return 0
    years, months = asked.count_of("years?|yrs?|jahre?|ans"), asked.count_of("months?|monate?|mois") or 0
    return months if months > 1 else 12 * (years or (3 if asked.has("three-year|3-?y(?:ea)?r") else 0))


def _place(asked: Asked, said: str | None) -> Place | None:
    """Return the place where prices are wanted: the one that a line names, else the plan's."""
    places, money = asked.ports.catalog.places, asked.plan.spec.money
    name = said or money.stands_in_for or money.region
    if not name:
        return None
    first = name.split(",")[0].strip()
    return places.called(first) or places.of_region(first)


def _best(asked: Asked, provider: str, term: Term, place: Place | None) -> FleetBill | None:
    """Return a provider's least bill for the plan's fleet: in the place or near it, else anywhere."""
    plan, catalog = asked.plan, asked.ports.catalog
    accelerator, size = catalog.accelerators[plan.chosen.accelerator], plan.chosen.accelerators_per_replica
    offers = qualifying_offers(
        catalog.offers, accelerator, size, Money(provider=provider, term=term), newest_check(catalog.offers)
    )
    regions = {offer.region for offer in offers}
    sold = [o for o in catalog.offers_by_accelerator[accelerator.id].offers if o.provider == provider]
    near = priced_regions(catalog.places, place, [o for o in sold if o.region in regions]).codes if place else ()
    priced = [offer for offer in offers if not near or offer.region in near]
    if not priced:
        return None
    bills = ((offer.monthly_usd(offer.instances_for(plan.fleet.replicas, size)), offer) for offer in priced)
    usd, offer = min(bills, key=lambda bill: bill[0])
    usd += plan.cost.other_monthly_usd
    if place is None:
        return FleetBill(usd, offer)
    city = catalog.places.of_region(offer.region, provider) or catalog.places.called(offer.region)
    there = city is not None and catalog.places.inside(city, place)
    far = not near and offer.region.casefold() not in EVERYWHERE
    return FleetBill(usd, offer if there else structs.replace(offer, stands_in_for=place.name), far)


def _without_offer(asked: Asked, provider: str) -> str:
    """Say what a provider has instead of the plan's accelerator."""
    name = asked.plan.chosen.accelerator_name
    other = asked.tried({"money.provider": provider}, frozenset({"hardware.accelerators"}))
    if isinstance(other, str) or other.cost.monthly_usd is None:
        return f"{provider} offers no {name}, and nothing else that is priced and fits."
    return (
        f"{provider} offers no {name}; there {fleet_shown(other)} would do for "
        f"{bill_beside(other, asked.plan, ' a month')}."
    )
