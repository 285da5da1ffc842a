"""Whether another provider, region or term asks less."""

import re

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.sums import Explanation
from agent.report.blocks import Column, Table
from agent.report.words import usd_shown
from catalogs.errors import InputError
from catalogs.units import show_usd
from engine.fleet.offers import TERM_WORDS, newest_check, qualifying_offers
from engine.plan import CapacityPlan
from engine.workload import Money, Term


def elsewhere(asked: Asked) -> Explanation:
    """Return what the fleet of the plan costs at other providers and on other terms; the plan keeps its own."""
    plan = asked.plan
    catalog = asked.ports.catalog
    wanted = _providers_in(asked)
    accelerator, size = catalog.accelerators[plan.chosen.accelerator], plan.chosen.accelerators_per_replica
    newest = newest_check(catalog.offers)
    region = asked.said("money.region")
    terms: tuple[Term, ...] = ("on_demand", "spot", "reserved_1y", "reserved_3y")
    providers = wanted or sorted({offer.provider for offer in catalog.offers if offer.accelerator == accelerator.id})
    rows: list[tuple[float, tuple[str, ...]]] = []
    absent: list[str] = []
    for provider in providers:
        bills: dict[str, float] = {}
        for term in terms:
            offers = qualifying_offers(
                catalog.offers, accelerator, size, Money(provider=provider, region=region, term=term), newest
            )
            if offers:
                bills[term] = min(o.monthly_usd(o.instances_for(plan.fleet.replicas, size)) for o in offers)
        if bills:
            rows.append(
                (
                    bills.get("on_demand", float("inf")),
                    (provider, *(show_usd(bills[t]) if t in bills else "" for t in terms)),
                )
            )
        elif wanted:
            absent.append(provider)
    rows.sort()
    used = [index for index in range(5) if index == 0 or any(row[index] for _, row in rows)]
    titles = ("provider", *(TERM_WORDS[term] for term in terms))
    columns = tuple(Column(titles[index], "right" if index else "left") for index in used)
    fleet = f"{plan.fleet.accelerators} × {plan.chosen.accelerator_name}"
    table = Table(columns, tuple(tuple(row[index] for index in used) for _, row in rows))
    mine = f"The plan's own bill is {usd_shown(plan.cost.monthly_usd)} a month" + (
        f" ({plan.chosen.offer.provider}, {TERM_WORDS[plan.chosen.offer.term]})." if plan.chosen.offer else "."
    )
    lead = f"{fleet} a month, from each provider's best price{f' in {region}' if region else ''}:" if rows else ""
    others = [_without_offer(asked, provider) for provider in absent]
    return (
        *paragraphs(lead),
        *((table,) if rows else ()),
        *paragraphs(*others, f"{mine} 'on {(rows or [(0, ('aws',))])[0][1][0]}' plans there."),
    )


def _providers_in(asked: Asked) -> list[str]:
    """Return the providers that a line names."""
    known = {offer.provider for offer in asked.ports.catalog.offers}
    names = {"google": "gcp", "google cloud": "gcp", "amazon": "aws", "microsoft": "azure", "oracle": "oci"} | {
        name.removesuffix(".ai"): name for name in known
    }
    return [name for word, name in sorted(names.items()) if name in known and asked.has(re.escape(word))]


def _without_offer(asked: Asked, provider: str) -> str:
    """Say what a provider has instead of the plan's accelerator."""
    name = asked.plan.chosen.accelerator_name
    try:
        other = asked.sketch({"money.provider": provider}, frozenset({"hardware.accelerators", "money.region"}))
    except InputError as error:
        return f"{provider} offers no {name}: {error}."
    if not isinstance(other, CapacityPlan) or other.cost.monthly_usd is None:
        return f"{provider} offers no {name}, and nothing else that is priced and fits."
    return (
        f"{provider} offers no {name}; there {other.fleet.accelerators} × {other.chosen.accelerator_name} would do for "
        f"{show_usd(other.cost.monthly_usd)} a month."
    )
