"""What is said beside the cheapest fleet: its budget, where it was looked for, and what costs less still elsewhere."""

from typing import Final

from msgspec.structs import replace

from agent.after_plan.variants import varied_spec
from agent.report.words import fleet_shown
from agent.talk.requests import Variation
from agent.talk.speech import Say, said
from agent.talk.state import Branch, Ports, State
from catalogs.units import TERM_WORDS, show_rate, show_usd
from engine.fleet.offers import origin
from engine.plan import CapacityPlan
from engine.workload import ANY_PROVIDER

_CARRIED: Final = ("model", "precision", "traffic", "tokens", "targets")
"""Parts of a spec that say what a fleet has to carry."""


def cheaper_still(state: State, found: CapacityPlan | None) -> tuple[Say, ...]:
    """Name a plan of the conversation that carries the same for less: what was said may be beyond what is searched."""
    base = state.base
    if found is None or found.cost.monthly_usd is None:
        return ()
    least, bill = base, found.cost.monthly_usd - 0.5
    for branch in state.branches:
        plan = branch.capacity_plan
        same = all(getattr(branch.spec, part) == getattr(base.spec, part) for part in _CARRIED)
        if plan and same and plan.answer.meets_targets and (plan.cost.monthly_usd or bill) < bill:
            least, bill = branch, plan.cost.monthly_usd or bill
    text = f"Plan {least.number} ({least.label}) costs less still: {show_usd(bill)} a month."
    return (said(text),) if least is not base else ()


def sold_elsewhere(state: State, change: Variation, found: CapacityPlan, ports: Ports) -> Variation | None:
    """Return the same on the cheapest accelerator whose price is another place's, where the plan's is so too.

    A search takes what is sold in the region that was asked for. Beside a plan whose own price stands in for that
    region it would leave out what has such prices as well.
    """
    base = state.branches[-1] if change.chained else state.base
    offer = base.capacity_plan.chosen.offer if base.capacity_plan else None
    if offer is None or not offer.stands_in_for or found.cost.monthly_usd is None:
        return None
    anywhere = ports.sketch(varied_spec(state, replace(change, drops=change.drops | {"money.region"}), ports).spec)
    if not isinstance(anywhere, CapacityPlan):
        return None
    best, cheapest = None, found.cost.monthly_usd
    for named in dict.fromkeys((anywhere.chosen.accelerator, *(one.accelerator for one in anywhere.alternatives))):
        values = {**change.values, "hardware.accelerators": (named,)}
        label = f"{change.label}, on {named}"
        there = replace(change, values=values, label=label, drops=change.drops - {"hardware.accelerators"})
        plan = ports.plan(varied_spec(state, there, ports).spec, {})
        bill = plan.cost.monthly_usd if isinstance(plan, CapacityPlan) and plan.answer.meets_targets else None
        if bill is not None and bill < cheapest:
            best, cheapest = there, bill
    return best


def dearer_than_before(before: Branch, cheapest: CapacityPlan) -> tuple[Say, ...]:
    """Say why the cheapest of what is sold somewhere costs more than a plan whose price stands in for that place."""
    plan = before.capacity_plan
    offer = plan.chosen.offer if plan else None
    if plan is None or offer is None or not offer.stands_in_for:
        return ()
    mine, its = plan.cost.monthly_usd, cheapest.cost.monthly_usd
    if mine is None or its is None or its <= mine:
        return ()
    name = plan.chosen.accelerator_name
    text = f"Plan {before.number} stays cheaper, where it can be had: no price of {name} is known for "
    return (said(f"{text}{offer.stands_in_for}, that of {offer.region} stands in, and the search took what is sold."),)


def where_searched(state: State, plan: CapacityPlan, ports: Ports) -> tuple[Say, ...]:
    """Say where the cheapest was looked for, and what is cheapest anywhere on the same term."""
    money = plan.spec.money
    if money.provider in (None, ANY_PROVIDER) and money.region is None:
        return ()
    where = " ".join(filter(None, (money.provider, money.stands_in_for or money.region)))
    text = f"The cheapest of what was searched, {where} {TERM_WORDS[money.term]}"
    anywhere = Variation({"money.provider": ANY_PROVIDER}, {}, "", frozenset({"money.region", *_ANY_CARD}))
    found = ports.sketch(varied_spec(replace(state, kept=len(state.branches) - 1), anywhere, ports).spec)
    least = found.cost.monthly_usd if isinstance(found, CapacityPlan) else None
    if isinstance(found, CapacityPlan) and least and found.chosen.offer and least < (plan.cost.monthly_usd or 0.0):
        text += f"; elsewhere {fleet_shown(found)} would be {show_usd(least)} a month ({origin(found.chosen.offer)})"
    return (said(f"{text}. 'how can I make it cheaper' sets other places and terms beside it."),)


_ANY_CARD: Final = frozenset({"hardware.accelerators", "hardware.excluded"})


def priced_elsewhere(state: State, change: Variation, branch: Branch, ports: Ports) -> tuple[Say, ...]:
    """Say who offers what a variant's provider does not, and for how much; nothing where it has a price."""
    plan, provider = branch.capacity_plan, branch.spec.money.provider
    if plan is None or plan.cost.monthly_usd is not None or not provider or provider == ANY_PROVIDER:
        return ()
    anywhere = replace(
        change, values={**change.values, "money.provider": ANY_PROVIDER}, drops=change.drops | {"money.region"}
    )
    found = ports.sketch(varied_spec(state, anywhere, ports).spec)
    what = f"{provider} has no price for {plan.chosen.accelerator_name} on these terms that I know"
    if not isinstance(found, CapacityPlan) or found.cost.monthly_usd is None or found.chosen.offer is None:
        return (said(f"{what}, nor has anybody else."),)
    offer = found.chosen.offer
    has = f"{found.fleet.accelerators} of them for {show_usd(found.cost.monthly_usd)} a month"
    plans = f"'on {offer.provider}' behind the change plans there."
    return (said(f"{what}; {origin(offer)} has: {has}. {plans}"),)


def budget_verdict(plan: CapacityPlan) -> tuple[Say, ...]:
    """Say whether the cheapest is within the budget, and what a budget would carry."""
    budget, monthly = plan.spec.money.monthly_budget_usd, plan.cost.monthly_usd
    if monthly is None:
        return (said(f"There is no price for it: {plan.cost.note}"),)
    if budget is None:
        return ()
    if monthly <= budget:
        return (said(f"Within the budget: {show_usd(monthly)} of {show_usd(budget)} a month."),)
    each = monthly / plan.fleet.replicas
    replicas = int(budget / each)
    over = show_usd(monthly - budget)
    text = f"Over the budget: the cheapest costs {show_usd(monthly)} a month, {over} more than asked."
    if replicas and plan.spec.traffic.requests_per_s:
        traffic = plan.spec.traffic
        rate = replicas * plan.replica_capacity.requests_per_s / traffic.peak_factor / traffic.calls_per_request
        text += (
            f" {show_usd(budget)} ÷ {show_usd(each)} per replica = {replicas} replicas, which carry {show_rate(rate)} "
            "on average."
        )
    if plan.chosen.precision.weights in ("bf16", "fp16"):
        text += " 'cheapest with fp8' may do it."
    return (said(text),)
