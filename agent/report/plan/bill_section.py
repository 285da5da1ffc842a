"""What a fleet costs and draws, as the full report shows it."""

from collections.abc import Iterator

from agent.fields.value_display import term_shown
from agent.report.blocks import Block, Cell, Column, Facts, Paragraph, Table, Words
from agent.report.words import (
    accelerators_noun,
    billed_shown,
    budget_shown,
    joined,
    mass_shown,
    power_shown,
    sentence,
    unknown_bill,
    usd_shown,
)
from catalogs.units import show_count, show_figure, show_percent, show_usd
from engine.plan import CapacityPlan, Cost, Energy


def bill(plan: CapacityPlan) -> Iterator[Block]:
    """Return the offer, the months and what a request or a token costs."""
    cost, offer = plan.cost, plan.chosen.offer
    if cost.monthly_usd is None:
        yield Paragraph(unknown_bill(cost), "warning", "Warning")
        return
    if offer is not None:
        holds = f"{show_count(offer.accelerators)} {accelerators_noun(plan.chosen)} each"
        yield Facts(
            (
                ("offer", f"{offer.provider} {offer.instance} ({holds})"),
                ("region", offer.region),
                ("price", f"{show_usd(offer.usd_per_hour)} an hour per instance, {term_shown(offer.term)}"),
                ("instances today", joined(show_count(plan.fleet.instances), billed_shown(plan))),
                ("price of", offer.checked),
                ("source", offer.source),
            )
        )
    yield _months(cost, plan.replay.shape if plan.replay else "day")
    units = _unit_costs(cost)
    if units.items:
        yield units
    if cost.note:
        yield Paragraph(sentence(cost.note))


def _months(cost: Cost, shape: str) -> Table:
    months: list[tuple[str, float | None]] = [
        ("today's fleet, always on", cost.monthly_usd),
        ("at the minimum", cost.minimum_monthly_usd),
        (f"autoscaled over the {shape}", cost.autoscaled_monthly_usd),
        ("at the maximum", cost.maximum_monthly_usd),
        ("today at the cheapest provider", cost.cheapest_monthly_usd),
        ("today at the dearest provider", cost.dearest_monthly_usd),
    ]
    if cost.other_monthly_usd:
        months.append(("other costs, as given", cost.other_monthly_usd))
    rows = tuple((label, usd_shown(amount)) for label, amount in months)
    return Table((Column("a month (730 h)"), Column("", "right", spoken="bare")), rows)


def _unit_costs(cost: Cost) -> Facts:
    items: list[tuple[str, Cell]] = []
    if cost.usd_per_request is not None:
        items.append(("per request", show_usd(cost.usd_per_request)))
    if cost.usd_per_million_tokens is not None:
        prices = cost.usd_per_million_tokens
        shown = f"input {show_usd(prices.input)}, output {show_usd(prices.output)}, blended {show_usd(prices.blended)}"
        items.append(("per million tokens", shown))
    if cost.idle_share is not None:
        items.append(("paid while idle", f"{show_percent(cost.idle_share)} of the bill"))
    if cost.within_budget is not None:
        items.append(("budget", Words(budget_shown(cost), "good" if cost.within_budget else "bad")))
    return Facts(tuple(items))


def energy(used: Energy) -> Facts:
    """Return power, energy and emissions."""
    items: list[tuple[str, Cell]] = [
        ("power at the mean load", power_shown(used.watts)),
        ("a month", f"{show_count(round(used.kwh_per_month))} kWh"),
        ("per output token", f"{show_figure(used.joules_per_output_token)} J"),
    ]
    if used.g_co2e_per_month is not None:
        items.append(("emissions a month", f"{mass_shown(used.g_co2e_per_month)} CO2e"))
    return Facts((*items, ("basis", used.basis)))
