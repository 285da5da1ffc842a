"""The bill of a month (730 h): of today's fleet, of the smallest, the autoscaled and the largest one, and per token."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import fields

from catalogs.units import SECONDS_PER_MONTH, TERM_WORDS
from engine.fleet.offers import COMMITTED, OfferChoice, PricedOffer, origin
from engine.plan import Cost, TokenPrices
from engine.question.demand import Demand, replicas_for
from engine.workload import Money


class FleetSize(Struct, frozen=True):
    """What is billed: replicas of one size."""

    accelerators_per_replica: int
    replicas: int
    """Today's fleet."""
    minimum_replicas: int
    maximum_replicas: int
    spare_replicas: int = 0
    """Held at every hour beyond what the load asks."""


class Usage(Struct, frozen=True):
    """What the fleet does for its money, on average."""

    requests_per_s: float
    """User requests, mean."""
    calls_per_request: float
    input_tokens: float
    """Per call, cached ones included."""
    output_tokens: float
    """Per call, hidden reasoning included."""
    capacity_rps: float
    """λ_cap of one replica, calls/s."""
    saturated_rps: float
    """λ_max of one replica, calls/s: a call costs 1/λ_max of a replica's time."""
    prefill_s_per_call: float
    """Of that, what its prompt adds (tokens to compute × marginal seconds each)."""

    @property
    def calls_per_s(self) -> float:
        """Mean model calls/s."""
        return self.requests_per_s * self.calls_per_request

    @property
    def input_share(self) -> float:
        """Share of a replica's busy time that goes into prompts."""
        return min(1.0, max(0.0, self.prefill_s_per_call * self.saturated_rps))


def bill(choice: OfferChoice, *, fleet: FleetSize, usage: Usage, time_held: Mapping[int, int], money: Money) -> Cost:
    """Return the bill on the chosen offer.

    Args:
        fleet: how many replicas, at least, today and at most.
        usage: mean traffic and one replica's capacity.
        time_held: for how long the autoscaler holds so many replicas, hours or minutes by replicas.
    """
    offer, size = choice.chosen, fleet.accelerators_per_replica
    other = money.other_monthly_usd

    def monthly(replicas: float, on: PricedOffer = offer) -> float:
        return on.monthly_usd(on.instances_for(int(replicas), size)) + other

    held = sum(time * offer.instances_for(replicas, size) for replicas, time in time_held.items())
    instances = held / sum(time_held.values())
    today, largest = monthly(fleet.replicas), monthly(fleet.maximum_replicas)
    owed = today if offer.term in COMMITTED else 0.0
    used = usage.calls_per_s / usage.capacity_rps * size
    paid = offer.instances_for(fleet.replicas, size) * offer.accelerators
    requests = usage.requests_per_s * SECONDS_PER_MONTH
    return Cost(
        monthly_usd=today,
        minimum_monthly_usd=max(monthly(fleet.minimum_replicas), owed),
        autoscaled_monthly_usd=max(offer.monthly_usd(instances) + other, owed),
        maximum_monthly_usd=largest,
        usd_per_request=today / requests if requests else None,
        usd_per_million_tokens=token_prices(today, usage),
        idle_share=min(1.0, max(0.0, 1 - used / paid)),
        cheapest_monthly_usd=monthly(fleet.replicas, choice.cheapest),
        dearest_monthly_usd=monthly(fleet.replicas, choice.dearest),
        other_monthly_usd=other,
        within_budget=None if money.monthly_budget_usd is None else today <= money.monthly_budget_usd,
        note=_note(choice) + _budget_note(today, largest, money.monthly_budget_usd),
        cheapest_at=origin(choice.cheapest),
        dearest_at=origin(choice.dearest),
    )


def unpriced(note: str, money: Money) -> Cost:
    """Return the bill where no price is known: nothing but the reason."""
    unknown: dict[str, Any] = dict.fromkeys(field.name for field in fields(Cost) if field.required)
    return Cost(**unknown | {"other_monthly_usd": money.other_monthly_usd, "note": note})


def replicas_by_hour(demand: Demand, mean: float, planned: float, fleet: FleetSize) -> tuple[int, ...]:
    """Return the replicas that the autoscaler holds in each hour of the profile.

    Args:
        demand: load by hour over the mean.
        mean: load, model calls/s or requests in flight.
        planned: what the autoscaler lets one replica carry of it.
        fleet: its bounds and spares.
    """

    def held(rate: float) -> int:
        needed = replicas_for(mean * rate, planned) + fleet.spare_replicas
        return min(max(needed, fleet.minimum_replicas), fleet.maximum_replicas)

    return tuple(held(rate) for rate in demand.hourly)


def token_prices(monthly_usd: float, usage: Usage) -> TokenPrices | None:
    """Return prices at which a month's tokens sum to the bill; None without traffic.

    Input pays the replica time that its prompts take, output the rest; idle time is shared in the same proportion.
    """
    calls = usage.calls_per_s * SECONDS_PER_MONTH
    if not calls:
        return None
    million_in, million_out = calls * usage.input_tokens / 1e6, calls * usage.output_tokens / 1e6
    return TokenPrices(
        input=monthly_usd * usage.input_share / million_in,
        output=monthly_usd * (1 - usage.input_share) / million_out,
        blended=monthly_usd / (million_in + million_out),
    )


def _note(choice: OfferChoice) -> str:
    offer, basis = choice.chosen, choice.basis
    where = " ".join(filter(None, (offer.provider, offer.region)))
    age = ", an old price" if offer.old else ""
    dated = f", checked {offer.checked.isoformat()}{age}" if offer.checked else ""
    line = (
        f"{where} {offer.instance}, {offer.usd_per_hour:,.2f} USD/h {TERM_WORDS[offer.term]} for "
        f"{offer.accelerators} accelerator{'s' if offer.accelerators > 1 else ''}{dated} ({offer.source})"
    )
    if choice.cheapest == choice.dearest:
        return line
    if basis is None:
        return f"{line}; the least bill of {len(choice.by_provider)} providers, {_beside(choice.dearest, 'dearest')}"
    usual = f"{basis.usd_per_accelerator_hour:,.2f} per accelerator-hour"
    if basis.providers == 1:
        which = f"{basis.provider} alone holds a whole node, at {usual}"
    else:
        median = f"the median of {basis.providers} providers"
        if not basis.is_median:
            median = f"the nearest to {median} that sells parts of a node"
        same = basis.provider == offer.provider
        which = f"{median}, {usual}" if same else f"the least bill from {median} up, {basis.provider} at {usual}"
    ends = [(choice.cheapest, "cheapest"), (choice.dearest, "dearest")]
    return f"{line}; {which}, " + ", ".join(_beside(o, w) for o, w in ends)


def _beside(offer: PricedOffer, word: str) -> str:
    return f"{word} {offer.provider} {offer.instance} at {offer.usd_per_accelerator_hour:,.2f} per accelerator-hour"


def _budget_note(today: float, largest: float, budget: float | None) -> str:
    if budget is None:
        return ""
    if today > budget:
        return f"; {today:,.0f} USD a month exceeds the budget of {budget:,.0f} by {today - budget:,.0f}"
    if largest > budget:
        return f"; today's fleet is within the budget of {budget:,.0f} USD, the largest ({largest:,.0f}) is not"
    return ""
