"""What fits under a budget, in sentences."""

from collections.abc import Iterator

from agent.fields.value_display import term_shown
from catalogs.units import show_count, show_rate, show_usd
from engine.choice.deployment.within_budget import WithinBudget
from engine.plan import split_shown


def budget_sentences(found: WithinBudget | None) -> Iterator[str]:
    """Yield what fits under the budget, the whole load first."""
    if found is None:
        return
    budget = show_usd(found.budget_usd)
    if (one := found.cheapest) is not None:
        fleet = f"{show_count(one.accelerators)} × {one.accelerator_name}, {split_shown(one)}, {one.precision.upper()}"
        price = f"{show_usd(one.monthly_usd or 0.0)} a month {term_shown(one.term)} ({one.provider})"
        if one.measure("cost") <= found.budget_usd:
            yield f"Under {budget} the whole load fits on {fleet}: {price}."
        else:
            yield f"No fleet carries the whole load under {budget}: the cheapest, {fleet}, is {price}."
    if found.other_way is not None:
        way = found.other_way
        owed = f", committed for {way.commitment_months:g} months" if way.commitment_months else ""
        once = f", {show_usd(way.one_off_usd)} once" if way.one_off_usd else ""
        yield f"Under {budget} this fleet fits as {way.title}: {show_usd(way.monthly_usd)} a month{owed}{once}."
    if found.requests_per_s:
        yield f"Under {budget} this fleet, always on, carries {show_rate(found.requests_per_s)} on average."
    else:
        yield f"Not one replica of this fleet, always on, is under {budget}."
