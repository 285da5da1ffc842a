"""What fits under a budget that a plan exceeds: the same load in another way, or less of it on the same fleet."""

from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from engine.choice.deployment.bills import Bill
from engine.choice.deployment.comparison import ComparisonSettings, comparison
from engine.choice.deployment.renting import rented
from engine.choice.deployment.served import served_by
from engine.choice.options import Option, options
from engine.plan import CapacityPlan
from engine.workload import Hardware


class WithinBudget(Struct, frozen=True):
    """The nearest that a budget allows."""

    budget_usd: float
    over_usd: float
    """What the plan costs beyond it, a month."""
    cheapest: Option | None
    """The fleet for the whole load that meets the targets, whatever accelerator, split, precision and term, within the
    budget or not; None where none has a price."""
    other_way: Bill | None
    """The cheapest other way to pay for the same fleet that is within it: spot, a mix, owned; None where none is."""
    requests_per_s: float
    """Mean rate that the plan's own fleet may carry within it; 0 where not one replica is."""


def within_budget(plan: CapacityPlan, catalog: Catalog) -> WithinBudget | None:
    """Return what fits under a plan's budget; None where it has none, or keeps it.

    Raises:
        InputError: names that the catalog does not know.
    """
    budget, monthly = plan.spec.money.monthly_budget_usd, plan.cost.monthly_usd
    if budget is None or monthly is None or monthly <= budget:
        return None
    limits = plan.spec.hardware
    open_hardware = Hardware(excluded=limits.excluded, max_power_kw=limits.max_power_kw)
    spec = replace(plan.spec, hardware=open_hardware, money=replace(plan.spec.money, usd_per_accelerator_hour=None))
    ways = [one for one in options(spec, catalog).found if one.monthly_usd is not None and not one.doubt]
    cheapest = min(ways, key=lambda one: one.measure("cost"), default=None)
    held = comparison(plan, catalog, ComparisonSettings(edge=False, other_costs=False)).feasible
    return WithinBudget(
        budget_usd=budget,
        over_usd=monthly - budget,
        cheapest=cheapest,
        other_way=next((bill for bill in held if bill.monthly_usd <= budget), None),
        requests_per_s=_rate_within(plan, catalog, budget),
    )


def _rate_within(plan: CapacityPlan, catalog: Catalog, budget: float) -> float:
    """Return the largest mean rate whose always-on fleet, of the plan's own replicas, is within a budget."""
    served = served_by(plan, catalog)
    rate = 0.0
    for replicas in range(1, served.replicas + 1):
        smaller = replace(served, added=0).at(replicas * served.rate_per_replica)
        bill = rented(smaller, plan.spec.money.term)
        if bill.infeasible or bill.monthly_usd + plan.spec.money.other_monthly_usd > budget:
            break
        rate = smaller.work.requests_per_s
    return rate
