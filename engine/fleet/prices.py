"""What every candidate's fleet costs: those on one accelerator on one basis (``offers.price_basis``)."""

from functools import lru_cache

import numpy as np

from engine.arrays import Floats
from engine.fleet.candidates import Candidates
from engine.fleet.offers import OfferChoice, PricedOffer, choose_offer, newest_check, price_basis, qualifying_offers
from engine.fleet.parallelisms import node_size
from engine.fleet.size import Counts
from engine.question.resolve import Question

_basis = lru_cache(maxsize=256)(price_basis)
_qualifying = lru_cache(maxsize=1024)(qualifying_offers)
"""Of an accelerator's offers, which are the same from one question to the next."""

Choices = tuple[OfferChoice | None, ...]


def fleet_prices(question: Question, found: Candidates, counts: Counts) -> tuple[Floats, Choices]:
    """Return each candidate's bill of a month in whole instances, USD, and its offer; infinite and None without one.

    Args:
        question: with the offers of the catalog and what is said of money.
        found: the candidates.
        counts: replicas of their fleets.
    """
    monthly = np.full(len(found), np.inf)
    choices: list[OfferChoice | None] = [None] * len(found)
    catalog, money = question.catalog, question.spec.money
    newest = newest_check(catalog.offers)
    own = bool(money.usd_per_accelerator_hour) or money.term == "owned"
    rows = [int(row) for row in np.flatnonzero(~np.isnan(counts.total))]
    for which in dict.fromkeys(int(found.which[row]) for row in rows):
        accelerator = found.accelerators[which]
        node = node_size(question, accelerator)
        offers = tuple(offer for offer in catalog.offers if offer.accelerator == accelerator.id)
        basis = None if own else _basis(offers, accelerator, money, node, newest)
        qualifying: dict[int, tuple[PricedOffer, ...]] = {}
        chosen: dict[tuple[int, int], OfferChoice | None] = {}
        for row in (row for row in rows if found.which[row] == which):
            replicas, size = fleet = int(counts.total[row]), int(found.parallelism.accelerators[row])
            if size not in qualifying:
                qualifying[size] = _qualifying(offers, accelerator, size, money, newest, node)
            if fleet not in chosen:
                chosen[fleet] = choose_offer(qualifying[size], replicas, size, basis)
            choice = choices[row] = chosen[fleet]
            if choice is not None:
                monthly[row] = choice.chosen.monthly_usd(choice.chosen.instances_for(replicas, size))
    return monthly, tuple(choices)
