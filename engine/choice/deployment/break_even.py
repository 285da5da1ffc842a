"""The rate above which one way to serve is cheaper than another, exactly: bills are straight between fleet sizes."""

from collections.abc import Callable
from itertools import count

from msgspec import Struct

from engine.choice.deployment.bills import Bill
from engine.choice.deployment.served import Served

BillAt = Callable[[Served], Bill]
MOST_REPLICAS = 96
"""Beyond so many replicas both bills grow in proportion, but for the rounding to instances."""


class BreakEven(Struct, frozen=True):
    """Where one way becomes, and stays, cheaper than another."""

    cheaper: str
    """The way that pays above the rate."""
    other: str
    requests_per_s: float | None
    """None where it never does; 0 where it always does."""
    low: float | None
    """The lower of both ends of the band of what a replica carries; None where it pays at neither."""
    high: float | None
    """The higher of both; None where it never pays at one of them."""
    utilisation: float | None = None
    """Of the fleet at that rate."""


def pays_above(cheaper: BillAt, other: BillAt, served: Served, most: int = MOST_REPLICAS) -> float | None:
    """Return the rate, requests/s, from which on one way never costs more than another; None where there is none.

    Between two sizes of the fleet each bill is a straight line of the rate, so that both ends of every such stretch
    decide.

    Args:
        cheaper: the bill that is to pay.
        other: beside which.
        served: the fleet; its own rate does not matter.
        most: replicas up to which is looked.
    """
    last = 0.0
    for replicas in count(1):
        start = (replicas - 1) * served.rate_per_replica
        end = replicas * served.rate_per_replica
        at_end = _difference(cheaper, other, served, end)
        above = 2 * _difference(cheaper, other, served, (start + end) / 2) - at_end  # just above the start
        if at_end > 0:
            last = end
        elif above > 0:
            last = start + (end - start) * above / (above - at_end)
        if replicas >= most:
            return None if at_end > 0 or last > 0.95 * end else last
    return None


def _difference(cheaper: BillAt, other: BillAt, served: Served, requests_per_s: float) -> float:
    at = served.at(requests_per_s)
    return cheaper(at).monthly_usd - other(at).monthly_usd


def break_even(
    cheaper: BillAt, other: BillAt, served: Served, names: tuple[str, str], factors: tuple[float, float]
) -> BreakEven:
    """Return a break-even with its band.

    Args:
        cheaper: the bill that is to pay.
        other: beside which.
        names: of both ways.
        factors: low and high end of what a replica carries, over the central figure.
    """
    central = pays_above(cheaper, other, served)
    ends = [pays_above(cheaper, other, served.with_capacity(factor)) for factor in factors]
    known = [rate for rate in (*ends, central) if rate is not None]
    low, high = min(known, default=None), None if None in ends else max(known)
    used = None
    if central:
        at = served.at(central)
        used = at.utilisation(at.replicas)
    return BreakEven(*names, central, low, high, used)
