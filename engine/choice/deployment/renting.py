"""Bills of rented fleets: on demand, with spot, reserved, and a mix chosen on the load-duration curve."""

from collections import Counter
from math import comb
from typing import Final

from msgspec import Struct

from catalogs.units import HOURS_PER_MONTH, SECONDS_PER_HOUR, TERM_WORDS, show_count, show_figure, show_usd
from engine.choice.deployment.bills import Bill, BillLine, Kind
from engine.choice.deployment.served import Served
from engine.fleet.offers import PricedOffer, origin
from engine.planning.phrases import counted
from engine.workload import Term

MONTHS: Final[dict[Term, float]] = {"reserved_1y": 12.0, "reserved_3y": 36.0}
"""For which a term commits."""


class SpotMarket(Struct, frozen=True):
    """How spot instances are taken away and found again."""

    interruptions_per_month: float = 0.2
    """Of one instance: the highest band of the AWS Spot Instance Advisor, in which most GPU instances are (> 20 %)."""
    notice_s: float = 30.0
    """Google Cloud and Azure; AWS gives 120 s."""
    wait_s: float = 600.0
    """Until another instance is there: judgement; longer where a whole type is short."""
    confidence: float = 0.99
    """Share of the time in which enough of the spot replicas must be there."""

    def away(self, reaction_s: float) -> float:
        """Return the share of the time that a spot replica is missing: its refill, less the notice, each time."""
        missing_s = max(self.wait_s + reaction_s - self.notice_s, 0.0)
        return min(1.0, self.interruptions_per_month * missing_s / (HOURS_PER_MONTH * SECONDS_PER_HOUR))


def rented(served: Served, term: Term) -> Bill:
    """Return the bill of the always-on fleet at one term."""
    fleet = _instances(served, served.replicas, term)
    mode = "rent" if term == "on_demand" else term
    title = f"rent {TERM_WORDS[term]}"
    if fleet is None:
        return _none(served, mode, title, term)
    offer, count = fleet
    months = MONTHS.get(term, 0.0)
    line = _always_on(offer, count, f"{show_count(served.replicas)} replicas, always on", bool(months))
    return Bill(mode, title, (line,), served.work, _used(served, offer, count), commitment_months=months)


def autoscaled(served: Served) -> Bill:
    """Return the bill on demand of what an autoscaler holds, over the hours of the profile."""
    held = served.replicas_by_hour
    fleet = _instances(served, served.replicas, "on_demand")
    if fleet is None:
        return _none(served, "autoscaled", "rent autoscaled", "on_demand")
    offer, _ = fleet
    hours = HOURS_PER_MONTH * sum(offer.instances_for(count, served.replicas_size) for count in held) / len(held)
    bought = f"{show_count(round(hours))} instance-hours × {show_usd(offer.usd_per_hour)}"
    line = _line(offer, hours, f"{min(held)} to {max(held)} replicas by the hour: {bought}")
    used = _used(served, offer, hours / HOURS_PER_MONTH)
    by_hour = "what each hour needs, at once; a plan replays the day with the time that a new replica takes"
    return Bill("autoscaled", "rent autoscaled", (line,), served.work, used, notes=(by_hour,))


def on_spot(served: Served, market: SpotMarket | None = None) -> Bill:
    """Return the bill of a fleet whose quietest hour stays on demand and whose rest is on spot.

    Spot has as many replicas more as make enough of them there for the wanted share of the time, each missing on its
    own; a whole type may be taken away at once, which nobody can insure by count.

    Args:
        market: how often instances are taken away.
    """
    market = market or SpotMarket()
    base = min(*served.replicas_by_hour, served.replicas)
    wanted = served.replicas - base
    away = market.away(served.reaction_s)
    spot = _spot_count(wanted, away, market.confidence)
    fleet, floor = _instances(served, spot, "spot"), _instances(served, base, "on_demand")
    if fleet is None or floor is None:
        return _none(served, "spot", "rent spot", "spot" if fleet is None else "on_demand")
    lines = [_always_on(*floor, f"{counted(base, 'replica')} on demand, what the quietest hour needs")]
    if spot:
        extra = f", {spot - wanted} of them against interruptions" if spot > wanted else ""
        lines.append(_always_on(*fleet, f"{counted(spot, 'replica')} on spot{extra}"))
    taken_away = (
        f"a spot instance is taken away {show_figure(market.interruptions_per_month)} times a month with "
        f"{show_figure(market.notice_s)} s of notice and missing for "
        f"{show_figure((market.wait_s + served.reaction_s) / 60)} min: {away:.2%} of the time"
    )
    note = taken_away if spot else "nothing runs on spot: the quietest hour needs the whole fleet"
    name = "rent spot + on demand" if base else "rent spot"
    return Bill("spot", name, tuple(lines), served.work, served.utilisation(base + spot), notes=(note,))


def _spot_count(wanted: int, away: float, confidence: float) -> int:
    """Return how many spot replicas make the wanted ones there for a share of the time: a binomial tail."""

    def enough(count: int) -> float:
        """Return the chance that of so many no more are missing than may be."""
        may = range(count - wanted + 1)
        return sum(comb(count, missing) * away**missing * (1 - away) ** (count - missing) for missing in may)

    count = wanted
    while wanted and enough(count) < confidence:
        count += 1
    return count


def mixed(served: Served) -> Bill:
    """Return the bill of the cheapest mix on the load-duration curve: each instance on the term that its hours want.

    The n-th instance is needed in the hours in which n or more are. It is reserved where that share of the hours, times
    the price on demand, is more than the price reserved; else it is rented by the hour.
    """
    held, size = served.replicas_by_hour, served.replicas_size
    fleet = _instances(served, max(held), "on_demand")
    if fleet is None:
        return _none(served, "mix", "mix of terms", "on_demand")
    hourly, most = fleet
    needed = Counter(hourly.instances_for(count, size) for count in held)
    share = [sum(hours for count, hours in needed.items() if count >= nth) / len(held) for nth in range(1, most + 1)]
    term, offer, usd = _cheapest_reservation(served, max(1, hourly.accelerators // size))
    reserved = sum(one * hourly.usd_per_hour > usd for one in share)
    hours = HOURS_PER_MONTH * sum(share[reserved:])
    lines = []
    if reserved and offer:
        often = f"more than {usd / hourly.usd_per_hour:.0%} of the hours"
        paid_hours = reserved * HOURS_PER_MONTH * usd / offer.usd_per_hour  # several may stand in for one
        lines.append(_line(offer, paid_hours, f"{reserved} of {most} instances are needed {often}", commits=True))
    if hours:
        lines.append(_line(hourly, hours, f"{show_count(round(hours))} instance-hours of the other {most - reserved}"))
    paid = (reserved + hours / HOURS_PER_MONTH) * hourly.accelerators / size
    months = MONTHS[term] if reserved else 0.0
    return Bill("mix", "mix of terms", tuple(lines), served.work, served.utilisation(paid), commitment_months=months)


def _cheapest_reservation(served: Served, replicas: int) -> tuple[Term, PricedOffer | None, float]:
    """Return the term, the offer and the price an hour at which what one instance holds is reserved most cheaply."""
    best: tuple[Term, PricedOffer | None, float] = ("reserved_1y", None, float("inf"))
    for term in MONTHS:
        unit = _instances(served, replicas, term)
        if unit is not None and unit[0].usd_per_hour * unit[1] < best[2]:
            best = (term, unit[0], unit[0].usd_per_hour * unit[1])
    return best


def _instances(served: Served, replicas: int, term: Term) -> tuple[PricedOffer, int] | None:
    """Return the offer that so many replicas are priced on, and its instances; None where nobody offers one."""
    choice = served.offers[term].choice(max(replicas, 1), served.replicas_size)
    if choice is None:
        return None
    return choice.chosen, choice.chosen.instances_for(replicas, served.replicas_size)


def _always_on(offer: PricedOffer, count: int, what: str, commits: bool = False) -> BillLine:
    why = f"{what}: {show_count(count)} × {show_usd(offer.usd_per_hour)} × {HOURS_PER_MONTH:g} h"
    return _line(offer, count * HOURS_PER_MONTH, why, commits)


def _line(offer: PricedOffer, hours: float, why: str, commits: bool = False) -> BillLine:
    """Return the line of an offer in a month's bill.

    Args:
        hours: of instances, in the month.
    """
    title = f"{offer.provider} {offer.instance}, {TERM_WORDS[offer.term]}"
    kind: Kind = "commitment" if commits else "running"
    source = f"{offer.source}, {offer.checked.isoformat()}" if offer.checked else offer.source
    return BillLine(title, hours * offer.usd_per_hour, kind, why, source, origin(offer))


def _used(served: Served, offer: PricedOffer, instances: float) -> float:
    return served.utilisation(instances * offer.accelerators / served.replicas_size)


def _none(served: Served, mode: str, title: str, term: Term) -> Bill:
    why = f"nobody offers {served.accelerator.name} {TERM_WORDS[term]} for this"
    return Bill(mode, title, (), served.work, None, infeasible=why)
