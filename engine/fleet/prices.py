"""What every candidate's fleet costs: those on one accelerator are priced on one common offer where it can carry them.

A fleet that the common offer cannot carry is priced on the next dearer offer that can (``offers.choose_offer``).
"""

from collections.abc import Mapping

import numpy as np

from catalogs.records.prices import RentalOffer
from engine.arrays import Floats
from engine.fleet.candidates import Candidates
from engine.fleet.offers import (
    FleetBills,
    OfferChoice,
    PricedOffer,
    choose_offer,
    common_offer,
    fleet_bills,
    qualifying_offers,
)
from engine.fleet.parallelisms import node_size
from engine.fleet.size import Counts
from engine.question.resolve import Question

Choices = tuple[OfferChoice | None, ...]


def fleet_prices(question: Question, found: Candidates, counts: Counts) -> tuple[Floats, Choices]:
    """Return each candidate's bill of a month in whole instances, USD, and its offer; infinite and None without one.

    Args:
        question: with the offers of the catalog and what is said of money.
        found: the candidates.
        counts: replicas of their fleets.
    """
    choices: list[OfferChoice | None] = [None] * len(found)
    rows = [int(row) for row in np.flatnonzero(~np.isnan(counts.total))]
    for which in dict.fromkeys(int(found.which[row]) for row in rows):
        own = [row for row in rows if found.which[row] == which]
        bills = _bills(question, found, counts, which, own)
        common = common_offer(bills.values())
        choice = {fleet: choose_offer(bills[fleet], common) for fleet in bills}
        for row in own:
            choices[row] = choice[_fleet(found, counts, row)]
    return monthly_usd(found, counts, tuple(choices)), tuple(choices)


def monthly_usd(found: Candidates, counts: Counts, choices: Choices) -> Floats:
    """Return the bill of each candidate's whole fleet on the offer that was chosen for it, USD a month.

    Args:
        found: the candidates.
        counts: replicas of their fleets.
        choices: the offer of each; None where no price is known.
    """
    monthly = np.full(len(found), np.inf)
    for row, choice in enumerate(choices):
        if choice is not None and not np.isnan(counts.total[row]):
            replicas, size = _fleet(found, counts, row)
            monthly[row] = choice.chosen.monthly_usd(choice.chosen.instances_for(replicas, size))
    return monthly


def _bills(
    question: Question, found: Candidates, counts: Counts, which: int, rows: list[int]
) -> Mapping[tuple[int, int], FleetBills]:
    """Return the bills of every fleet (replicas, accelerators of each) of an accelerator."""
    accelerator = found.accelerators[which]
    there: list[RentalOffer] = [offer for offer in question.catalog.offers if offer.accelerator == accelerator.id]
    node = node_size(question, accelerator)
    qualifying: dict[int, tuple[PricedOffer, ...]] = {}
    bills: dict[tuple[int, int], FleetBills] = {}
    for fleet in dict.fromkeys(_fleet(found, counts, row) for row in rows):
        replicas, size = fleet
        if size not in qualifying:
            qualifying[size] = qualifying_offers(there, accelerator, size, question.spec.money, node)
        bills[fleet] = fleet_bills(qualifying[size], replicas, size)
    return bills


def _fleet(found: Candidates, counts: Counts, row: int) -> tuple[int, int]:
    return int(counts.total[row]), int(found.parallelism.accelerators[row])
