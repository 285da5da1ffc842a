"""What one accelerator and one instance cost: the price that the bill is made of, whose it is and how old."""

from typing import Final

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.bills.money import currency
from agent.after_plan.sums import Explanation
from agent.report.blocks import Column, Table
from agent.report.cost.price_origin import price_sourced
from agent.report.words import accelerators_noun, singular, unknown_bill
from catalogs.errors import InputError
from catalogs.units import HOURS_PER_MONTH, show_figure, show_usd
from engine.plan import CapacityPlan

_PERIODS: Final = (("an hour", 1.0), ("a day", 24.0), ("a month", HOURS_PER_MONTH))
"""Hours in each."""


def unit_price(asked: Asked) -> Explanation:
    """Return the price of an accelerator and of an instance, of the plan's kind or of another that the line names."""
    plan = _with_named(asked)
    if isinstance(plan, str):
        return paragraphs(plan)
    offer = plan.chosen.offer
    if offer is None:
        return paragraphs(unknown_bill(plan.cost))
    code, per_usd, rate = currency(asked)
    per_usd = per_usd or 1.0
    name, noun = plan.chosen.accelerator_name, accelerators_noun(plan.chosen, 1)
    each = offer.usd_per_hour / offer.accelerators
    shown = "" if code == "USD" or per_usd == 1.0 else f" ({show_figure(each * per_usd)} {code})"
    lead = f"{show_usd(each)}{shown} an hour for one {name}: {price_sourced(offer)}."
    rows = tuple(
        (title, *(show_usd(usd * hours) for _, hours in _PERIODS))
        for title, usd in (
            (f"one {noun}", each),
            (f"one {offer.instance}, {offer.accelerators} × {name}", offer.usd_per_hour),
        )
    )
    columns = (Column(""), *(Column(period, "right") for period, _ in _PERIODS))
    own = "Yours: '$3.20 per GPU-hour', or '$60 an hour per instance'."
    return (*paragraphs(lead, rate if shown else ""), Table(columns, rows), *paragraphs(_in_whole(plan), own))


def _in_whole(plan: CapacityPlan) -> str:
    """Say what an accelerator that runs costs, where whole instances bill more of them than run."""
    fleet, offer, monthly = plan.fleet, plan.chosen.offer, plan.cost.monthly_usd
    if offer is None or monthly is None or offer.accelerators == 1:
        return ""
    nouns, sold = (
        accelerators_noun(plan.chosen),
        f"It is sold in {_TUPLES.get(offer.accelerators, f'units of {offer.accelerators}')}",
    )
    if fleet.billed_accelerators == fleet.accelerators:
        return f"{sold}; the plan's {fleet.accelerators} {nouns} fill theirs."
    used = monthly / fleet.accelerators / HOURS_PER_MONTH
    return singular(
        f"{sold}: {fleet.billed_accelerators} {nouns} are billed and {fleet.accelerators} run, so that each that runs"
        f" comes to {show_usd(used)} an hour."
    )


_TUPLES: Final = {2: "pairs", 4: "fours", 8: "eights", 16: "sixteens"}


def _with_named(asked: Asked) -> CapacityPlan | str:
    """Return the plan, its sketch where the line names other hardware or another offer, or why there is no price."""
    values = asked.reading().values
    paths = ("hardware.accelerators", "money.provider", "money.region", "money.term")
    mine = {
        "hardware.accelerators": (asked.plan.chosen.accelerator,),
        "money.provider": asked.plan.chosen.offer.provider if asked.plan.chosen.offer else None,
        "money.term": asked.plan.spec.money.term,
    }
    wanted = {path: values[path] for path in paths if values.get(path) and values[path] != mine.get(path)}
    if not wanted:
        return asked.plan
    drops = frozenset({"money.region"} if "money.provider" in wanted and "money.region" not in wanted else ())
    held = {} if "hardware.accelerators" in wanted else {"hardware.accelerators": mine["hardware.accelerators"]}
    try:
        other = asked.sketch_priced({**held, **wanted}, drops)
    except InputError as error:
        return f"That has no price here: {error}."
    if isinstance(other, CapacityPlan) and other.chosen.offer is not None:
        return other
    return "I know no such price: 'fleetcast catalog prices' lists all, with their sources."
