"""What every candidate's fleet costs: those on one accelerator on one basis (``offers.price_basis``)."""

from collections.abc import Callable
from datetime import date
from functools import lru_cache

import numpy as np

from catalogs.catalog import AcceleratorOffers
from catalogs.records.accelerators import Accelerator
from engine.arrays import Bools, Floats
from engine.fleet.candidates import Candidates
from engine.fleet.offers import OfferChoice, PriceBasis, PricedOffer, choose_offer, price_basis, qualifying_offers
from engine.fleet.parallelisms import node_size
from engine.fleet.size import Counts
from engine.question.resolve import Question
from engine.workload import Money

Choices = tuple[OfferChoice | None, ...]
Prices = Callable[[int, int], OfferChoice | None]
"""Replicas, and accelerators of each → the offer that such a fleet is priced on; None where none can carry it."""


def fleet_prices(question: Question, found: Candidates, counts: Counts) -> tuple[Floats, Choices]:
    """Return each candidate's bill of a month in whole instances, USD, and its offer; infinite and None without one.

    Args:
        question: with the offers of the catalog and what is said of money.
        counts: replicas of their fleets.
    """
    monthly = np.full(len(found), np.inf)
    choices: list[OfferChoice | None] = [None] * len(found)
    prices = [prices_of(question, accelerator) for accelerator in found.accelerators]
    chosen: dict[tuple[int, int, int], OfferChoice | None] = {}
    rows = np.flatnonzero(~np.isnan(counts.total))
    sizes = found.parallelism.accelerators
    for row in rows.tolist():
        fleet = which, replicas, size = int(found.which[row]), int(counts.total[row]), int(sizes[row])
        if fleet not in chosen:
            chosen[fleet] = prices[which](replicas, size)
        choice = choices[row] = chosen[fleet]
        if choice is not None:
            monthly[row] = choice.chosen.monthly_usd(choice.chosen.instances_for(replicas, size))
    return monthly, tuple(choices)


def with_a_price(question: Question, found: Candidates) -> Bools:
    """Return which candidates somebody offers on the terms that are asked for; all of them where nobody offers any."""
    prices = [prices_of(question, accelerator) for accelerator in found.accelerators]
    kinds = list(zip(found.which.tolist(), found.parallelism.accelerators.tolist(), strict=True))
    offered = {(which, size): prices[which](1, int(size)) is not None for which, size in set(kinds)}
    result = np.array([offered[kind] for kind in kinds], dtype=np.bool_)
    return result if result.any() else ~result


_NOBODY = AcceleratorOffers((), date.min)


def prices_of(question: Question, accelerator: Accelerator) -> Prices:
    """Return the offers of fleets on an accelerator.

    Args:
        question: with the offers of the catalog and what is said of money.
    """
    sold = question.catalog.offers_by_accelerator.get(accelerator.id, _NOBODY)
    money, node = question.spec.money, node_size(question, accelerator)

    def price(replicas: int, size: int) -> OfferChoice | None:
        return _chosen(sold, accelerator, money, node, (replicas, size))

    return price


@lru_cache(maxsize=4096)
def _chosen(
    sold: AcceleratorOffers, accelerator: Accelerator, money: Money, node: int, fleet: tuple[int, int]
) -> OfferChoice | None:
    replicas, size = fleet
    offers = _qualifying(sold, accelerator, size, money, node)
    return choose_offer(offers, replicas, size, _basis(sold, accelerator, money, node))


@lru_cache(maxsize=1024)
def _basis(sold: AcceleratorOffers, accelerator: Accelerator, money: Money, node: int) -> PriceBasis | None:
    own = bool(money.usd_per_accelerator_hour) or money.term == "owned"
    return None if own else price_basis(sold.offers, accelerator, money, node, sold.newest)


@lru_cache(maxsize=4096)
def _qualifying(
    sold: AcceleratorOffers, accelerator: Accelerator, size: int, money: Money, node: int
) -> tuple[PricedOffer, ...]:
    return qualifying_offers(sold.offers, accelerator, size, money, sold.newest, node)
