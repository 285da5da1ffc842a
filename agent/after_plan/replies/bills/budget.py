"""What an amount of money buys."""

import re
from typing import Final

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.bills.money import currency, no_rate
from agent.after_plan.replies.bills.periods import PERIODS
from agent.after_plan.replies.choices.cheaper import ANY_ACCELERATOR, rows_cheaper
from agent.after_plan.replies.choices.models import cheapest_models
from agent.after_plan.replies.choices.sketched import NONE, Change
from agent.after_plan.replies.load import GPUS, NODES, REPLICAS
from agent.after_plan.sums import Explanation
from agent.report.blocks import Column, Table
from agent.report.words import accelerators_noun, unknown_bill
from catalogs.currencies import CURRENCIES
from catalogs.units import HOURS_PER_MONTH, MULTIPLIERS, show_rate, show_usd
from engine.plan import CapacityPlan

_WORDS: Final = "|".join(words for words, _ in CURRENCIES.values())
_AMOUNT: Final = re.compile(
    rf"(?P<sign>us\$|\$|(?<![a-z])(?:{_WORDS}))? ?(?P<number>\d[\d,]*(?:\.\d+)?) ?"
    rf"(?P<scale>k|m|thousand|grand|million)?(?![a-z]) ?(?P<word>dollars?|usd|bucks|{_WORDS})?"
    rf"(?!\s*(?:{GPUS}|{NODES}|{REPLICAS}|rps|requests?|users?|%|percent)\b)"
)
"""An amount; a number of machines or requests is none."""
_SCALES: Final = {**MULTIPLIERS, "grand": 1000.0}
_SMALLEST_BARE: Final = 200.0
"""Below it a number without a currency is no bill of a month."""


def budget_in(asked: Asked, per_usd: float = 1.0) -> float | None:
    """Return the dollars a month that a line names; None where it names none.

    Args:
        per_usd: how much of the line's currency a dollar is.
    """
    said = asked.said("money.monthly_budget_usd") if per_usd == 1.0 else None
    if said:
        return float(said)
    match = max(
        (found for found in _AMOUNT.finditer(asked.words)),
        key=lambda found: bool(found["sign"] or found["word"]) * 2 + bool(found["scale"]),
        default=None,
    )
    if match is None:
        return None
    said_so = match["sign"] or match["word"] or match["scale"]
    if not said_so and float(match["number"].replace(",", "")) < _SMALLEST_BARE:
        return None
    amount = float(match["number"].replace(",", "")) * _SCALES.get(match["scale"] or "", 1.0)
    return amount / PERIODS[_period(asked)] / per_usd


def _period(asked: Asked) -> str:
    """Return the time that an amount of a line is of; a month where it names none."""
    return next((unit for unit in PERIODS if re.search(rf"(?:an?|per|/|each) ?{unit}", asked.words)), "month")


def budget_before(asked: Asked) -> float | None:
    """Return the dollars a month that were set as a budget before, in the plan or in its newest variant with one."""
    budgets = (branch.values.get("money.monthly_budget_usd") for branch in reversed(asked.state.branches))
    return next(filter(None, budgets), None)


def budget_buys(asked: Asked) -> Explanation:
    """Return the load that a budget carries, the term that fits this load into it, and the cheapest fleet."""
    code, per_usd, rate = currency(asked)
    if per_usd is None:
        return paragraphs(no_rate(code, "what can I get for 20k a month"))
    plan, budget = asked.plan, budget_in(asked, per_usd) or budget_before(asked)
    half = asked.has("half")
    if budget is None and half and plan.cost.monthly_usd:
        budget = plan.cost.monthly_usd / 2
    if budget is None:
        return paragraphs("How much a month? Ask 'what can I get for $20k a month'.")
    if plan.cost.monthly_usd is None:
        lead = f"Whether {show_usd(budget)} a month pays for the plan is not known. {unknown_bill(plan.cost)}"
        return (*paragraphs(lead), *_ways_within(asked, budget))
    fits = plan.cost.monthly_usd <= budget
    period = _period(asked)
    each = f"{show_usd(budget * PERIODS[period])} {'an' if period == 'hour' else 'a'} {period}"
    whole = f"{each} are {show_usd(budget)} a month. " if period != "month" else ""
    left = f": {show_usd(budget - plan.cost.monthly_usd)} are left" if fits else ""
    lead = (
        f"{whole}{show_usd(budget)} a month {'pays' if fits else 'does not pay'} for the plan, which costs"
        f" {show_usd(plan.cost.monthly_usd)}{left}."
    )
    models = cheapest_models(asked) if asked.has("models?|llms?") else ()
    return (*paragraphs(rate, lead, _load_for(plan, budget)), *models, *(() if fits else _ways_within(asked, budget)))


def _load_for(plan: CapacityPlan, budget: float) -> str:
    """Say how many replicas like the plan's a budget pays for, and what they carry."""
    offer, size = plan.chosen.offer, plan.chosen.accelerators_per_replica
    if offer is None:
        return ""
    hourly = (budget - plan.cost.other_monthly_usd) / HOURS_PER_MONTH
    instances = int(hourly / offer.usd_per_hour)
    replicas = instances * offer.accelerators // size
    noun = accelerators_noun(plan.chosen, replicas * size)
    if replicas < 1:
        return (
            f"Not one replica: {size} × {plan.chosen.accelerator_name} of {offer.provider} cost "
            f"{show_usd(-(-size // offer.accelerators) * offer.usd_per_hour * HOURS_PER_MONTH)} a month."
        )
    traffic = plan.spec.traffic
    peak = replicas * plan.replica_capacity.requests_per_s / traffic.calls_per_request
    return (
        f"It buys {instances} × {offer.provider} {offer.instance}, {replicas} replicas on {replicas * size} {noun},"
        f" which carry {show_rate(peak)} at the peak, {show_rate(peak / traffic.peak_factor)} on average, within the"
        " targets."
    )


def _ways_within(asked: Asked, budget: float) -> Explanation:
    """Return the changes of term, precision and accelerator whose bill for the same load is within a budget."""
    precisions: tuple[Change, ...] = tuple(
        (f"weights in {name.upper()}", {"precision.weights": name}, NONE)
        for name in ("fp8", "int4")
        if name != asked.plan.chosen.precision.weights
    )
    rows = rows_cheaper(asked, (*ANY_ACCELERATOR, *precisions))
    columns = (Column("the same load, with"), Column("fleet"), Column("monthly", "right"), Column("within"))
    table = Table(
        columns, tuple((label, fleet, shown, "yes" if usd <= budget else "no") for usd, label, fleet, shown in rows)
    )
    beyond = (
        ""
        if any(usd <= budget for usd, *_ in rows)
        else "None of these is within it: lower the rate, or ask 'which model could I run instead'."
    )
    return (*((table,) if rows else ()), *paragraphs(beyond))
