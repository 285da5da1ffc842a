"""What a fleet costs and draws, as the full report shows it."""

from collections.abc import Iterator

from agent.fields.value_display import term_shown
from agent.report.blocks import Block, Cell, Column, Facts, Paragraph, Table, Words
from agent.report.words import (
    accelerators_noun,
    billed_shown,
    budget_shown,
    figure,
    joined,
    mass_shown,
    power_shown,
    sentence,
    unknown_bill,
    usd_shown,
)
from catalogs.units import show_count, show_figure, show_percent, show_usd
from engine.plan import CapacityPlan


def bill(plan: CapacityPlan) -> Iterator[Block]:
    """Return the offer, the months and what a request or a token costs."""
    cost, offer = plan.cost, plan.chosen.offer
    if cost.monthly_usd is None:
        yield Paragraph(unknown_bill(cost), "warning", "Warning")
        return
    if offer is not None:
        holds = f"{show_count(offer.accelerators)} {accelerators_noun(plan.chosen, offer.accelerators)} each"
        yield Facts(
            (
                ("offer", f"{offer.provider} {offer.instance} ({holds})"),
                ("region", f"{offer.region} for {offer.stands_in_for}" if offer.stands_in_for else offer.region),
                ("price", f"{show_usd(offer.usd_per_hour)} an hour per instance, {term_shown(offer.term)}"),
                ("instances today", joined(show_count(plan.fleet.instances), billed_shown(plan))),
                *((("price of", offer.checked),) if offer.checked else ()),
                ("source", offer.source),
            )
        )
    yield _months(plan, plan.replay.shape if plan.replay else "day")
    units = _unit_costs(plan)
    if units.items:
        yield units
    if cost.note:
        yield Paragraph(sentence(cost.note))


def _months(plan: CapacityPlan, shape: str) -> Table:
    months = [
        ("today's fleet, always on", "monthly"),
        ("at the minimum", "minimum_monthly"),
        (f"autoscaled over the {shape}", "autoscaled_monthly"),
        ("at the maximum", "maximum_monthly"),
        (f"today at the cheapest provider: {plan.cost.cheapest_at}", "cheapest_monthly"),
        (f"today at the dearest provider: {plan.cost.dearest_at}", "dearest_monthly"),
    ]
    if plan.cost.other_monthly_usd:
        months.append(("other costs, as given", "other_monthly"))
    rows = tuple((label, figure(plan, f"cost.{name}_usd", usd_shown)) for label, name in months)
    return Table((Column("a month (730 h)"), Column("", "right", spoken="bare")), rows)


def _unit_costs(plan: CapacityPlan) -> Facts:
    items: list[tuple[str, Cell]] = []
    cost = plan.cost
    if cost.usd_per_request is not None:
        items.append(("per request", figure(plan, "cost.usd_per_request", show_usd)))
    if cost.usd_per_million_tokens is not None:
        prices = cost.usd_per_million_tokens
        shown = f"input {show_usd(prices.input)}, output {show_usd(prices.output)}, blended {show_usd(prices.blended)}"
        items.append(("per million tokens", Words(shown, path="cost.usd_per_million_tokens.blended")))
    if cost.idle_share is not None:
        items.append(("paid while idle", figure(plan, "cost.idle_share", show_percent, " of the bill")))
    if cost.within_budget is not None:
        items.append(("budget", Words(budget_shown(cost), "good" if cost.within_budget else "bad")))
    return Facts(tuple(items))


def energy(plan: CapacityPlan, basis: str) -> Facts:
    """Return power, energy and emissions, and what they rest on."""
    items = [
        ("power at the mean load", figure(plan, "energy.watts", power_shown)),
        ("a month", figure(plan, "energy.kwh_per_month", lambda kwh: show_count(round(kwh)), " kWh")),
        ("per output token", figure(plan, "energy.joules_per_output_token", show_figure, " J")),
    ]
    if plan.energy and plan.energy.g_co2e_per_month is not None:
        items.append(("emissions a month", figure(plan, "energy.g_co2e_per_month", mass_shown, " CO2e")))
    return Facts((*items, ("basis", basis)))
