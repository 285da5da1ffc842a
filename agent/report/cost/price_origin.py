"""Whose price an amount is: its provider, region and term, said beside each amount that is not on the plan's own."""

from typing import Final

from agent.report.words import usd_shown
from catalogs.units import TERM_WORDS, show_usd
from engine.fleet.offers import Offer, origin
from engine.plan import Alternative, CapacityPlan, ChosenOffer

OFTEN_LOST: Final = "Spot capacity may be taken back at short notice."


def price_sourced(offer: ChosenOffer) -> str:
    """Return an instance's price with whose it is, its source and the day on which that was looked at."""
    what = f"{origin(offer).removesuffix(f', {TERM_WORDS[offer.term]}')} {offer.instance}".strip()
    seen = f", checked {offer.checked}" if offer.checked else ""
    return f"{what}, {show_usd(offer.usd_per_hour)} an hour {TERM_WORDS[offer.term]} ({offer.source}{seen})"


def origin_beside(offer: Offer | None, base: Offer | None) -> str:
    """Return whose price an offer is where another one is known; empty where provider, region and term are the same.

    Args:
        offer: that an amount is of; None without a price.
        base: of the plan that the amount stands beside.
    """
    if offer is None or (base is not None and _key(offer) == _key(base)):
        return ""
    return origin(offer)


def origin_of(plan: CapacityPlan) -> str:
    """Return whose price the bill of a plan is; empty without a price."""
    return origin_beside(plan.chosen.offer, None)


def bill_beside(plan: CapacityPlan, base: CapacityPlan, each: str = "") -> str:
    """Return the bill of a plan; whose price it is, too, where that is not the price of the base's.

    Args:
        each: what follows the amount: ' a month'.
    """
    return _with(plan.cost.monthly_usd, each, plan.chosen.offer, base)


def alternative_bill(other: Alternative, base: CapacityPlan) -> str:
    """Return the bill of another candidate of a plan in a month; whose price it is, too, where that is not the plan's.

    Args:
        base: the plan that it is an alternative to.
    """
    return _with(other.monthly_usd, " a month", other.offer, base)


def priced_at(plan: CapacityPlan, base: CapacityPlan) -> str:
    """Return a sentence that says whose price the bill of a variant is; empty where it is that of the base."""
    offer = plan.chosen.offer
    whose = origin_beside(offer, base.chosen.offer)
    if offer is None or not whose or offer.term == "owned":
        return ""
    unknown = f" No such price is known in {offer.stands_in_for}." if offer.stands_in_for else ""
    return f"Priced at {whose}.{unknown}{f' {OFTEN_LOST}' if offer.term == 'spot' else ''}"


def _with(usd: float | None, each: str, offer: Offer | None, base: CapacityPlan) -> str:
    if usd is None:
        return usd_shown(usd)
    whose = origin_beside(offer, base.chosen.offer)
    return f"{show_usd(usd)}{each}{f' ({whose})' if whose else ''}"


def _key(offer: Offer) -> tuple[str, str, str]:
    return offer.provider, offer.region, offer.term
