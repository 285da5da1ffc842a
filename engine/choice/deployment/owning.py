"""Bills of accelerators that are bought: in a rack of one's own, or one device near the user."""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from catalogs.units import HOURS_PER_MONTH, show_count, show_usd
from engine.choice.deployment.bills import Bill, BillLine
from engine.choice.deployment.served import Served
from engine.fleet.offers import BY_THE_NODE, instances_for
from engine.fleet.parallelisms import node_size
from engine.question.fleet_limits import HOST_POWER_SHARE, rated_watts
from engine.workload import Money

PUE_SOURCE: Final = "Uptime Institute, Global Data Center Survey 2025: mean of 1.54"
HOSTING_SOURCE: Final = "CBRE, North America Data Center Trends H1 2025: $184 per kW and month at 250 to 500 kW"


class Ownership(Struct, frozen=True):
    """What owning rests on."""

    years: float = 3.0
    """Over which it is paid off."""
    purchase_usd: float | None = None
    """Of one accelerator, in place of the catalog's."""
    discount_rate: float = 0.08
    """A year: what the money would bring elsewhere. Judgement, a usual cost of capital."""
    residual_share: float = 0.15
    """Of the price, at the end. Judgement: three-year-old accelerators have sold at a tenth to a third."""
    host_share: float = 0.35
    """Hosts and network over the accelerators' own price: ``Money.overhead_share``."""
    maintenance_share: float = 0.03
    """Of the capital, a year: spare parts and support. Judgement."""
    usd_per_kwh: float = 0.12
    pue: float = 1.54
    """Power of the building over that of the servers."""
    hosting_usd_per_kw_month: float = 184.0
    """Space and cooling by rated power."""
    staff_usd_per_month: float = 12_500.0
    """One person, all costs. Judgement."""
    nodes_per_person: float = 50.0
    """Judgement."""


def ownership_of(money: Money, **stated: float) -> Ownership:
    """Return what owning rests on in a spec, where nothing else is stated."""
    terms = Ownership(money.amortisation_years, usd_per_kwh=money.usd_per_kwh, host_share=money.overhead_share)
    return replace(terms, **stated)


def capital_recovery_factor(rate: float, years: float) -> float:
    """Return the yearly payment for each USD over so many years: r/(1 − (1 + r)^−n); 1/n without interest.

    Blank and Tarquin, Engineering Economy, 7th ed., table of uniform series.
    """
    return rate / (1 - (1 + rate) ** -years) if rate else 1 / years


def monthly_capital_usd(capital: float, terms: Ownership) -> float:
    """Return the capital's share of a month: (P − S)·CRF + S·r, a twelfth of it."""
    residual = capital * terms.residual_share
    factor = capital_recovery_factor(terms.discount_rate, terms.years)
    return ((capital - residual) * factor + residual * terms.discount_rate) / 12


def _capital(capital: float, terms: Ownership) -> BillLine:
    over = f"over {terms.years:g} years at {terms.discount_rate:.0%}, {terms.residual_share:.0%} left at the end"
    return BillLine("capital", monthly_capital_usd(capital, terms), "commitment", over)


def owned(served: Served, terms: Ownership | None = None) -> Bill:
    """Return the bill of a fleet that is bought for the peak, in whole nodes where those are sold whole."""
    terms = terms or Ownership()
    accelerator = served.accelerator
    each = terms.purchase_usd or accelerator.purchase_usd
    if each is None:
        why = f"the catalog has no purchase price of {accelerator.name}"
        return Bill("own", "own", (), served.work, None, infeasible=why)
    node = node_size(served.question, accelerator)
    size = node if accelerator.form.startswith(BY_THE_NODE) else min(served.replicas_size, node)
    nodes = instances_for(served.replicas, served.replicas_size, size)
    count = nodes * size
    capital = count * each * (1 + terms.host_share)
    rated_kw = rated_watts(count, accelerator.power_w) / 1000
    mean_kw = served.watts(count) * (1 + HOST_POWER_SHARE) / 1000
    people = nodes / terms.nodes_per_person
    price, source = show_usd(each), "your own price" if terms.purchase_usd else accelerator.source
    lines = (
        BillLine(
            "purchase", capital, "one-off",
            f"{show_count(count)} × {price}, and {terms.host_share:.0%} for hosts and network", source,
        ),
        _capital(capital, terms),
        BillLine(
            "power", mean_kw * terms.pue * HOURS_PER_MONTH * terms.usd_per_kwh, "running",
            f"{mean_kw:.3g} kW on average × PUE {terms.pue:g} × 730 h × {show_usd(terms.usd_per_kwh)}", PUE_SOURCE,
        ),
        BillLine(
            "hosting", rated_kw * terms.hosting_usd_per_kw_month, "running",
            f"{rated_kw:.3g} kW rated × {show_usd(terms.hosting_usd_per_kw_month)}", HOSTING_SOURCE,
        ),
        BillLine(
            "maintenance", capital * terms.maintenance_share / 12, "running",
            f"{terms.maintenance_share:.0%} of the purchase a year", "judgement",
        ),
        BillLine(
            "staff", people * terms.staff_usd_per_month, "running",
            f"one person for {terms.nodes_per_person:g} nodes, {show_usd(terms.staff_usd_per_month)} a month",
            "judgement",
        ),
    )  # fmt: skip
    used = served.utilisation(count / served.replicas_size)
    return Bill("own", "own", lines, served.work, used, commitment_months=12 * terms.years)


def on_device(served: Served, name: str, mean_w: float, purchase_usd: float, terms: Ownership | None = None) -> Bill:
    """Return the bill of one device near the user: its price and its power, no building and nobody to mind it.

    Args:
        served: by that device alone.
        mean_w: its mean power.
        terms: what owning rests on.
    """
    terms = terms or Ownership()
    mean_kw = mean_w / 1000
    lines = (
        BillLine("purchase", purchase_usd, "one-off", f"one {name}"),
        _capital(purchase_usd, terms),
        BillLine(
            "power", mean_kw * HOURS_PER_MONTH * terms.usd_per_kwh, "running",
            f"{1000 * mean_kw:.3g} W × 730 h × {show_usd(terms.usd_per_kwh)}",
        ),
    )  # fmt: skip
    notes = ("one device does not scale: nothing is left when it fails or when more ask",)
    months, used = 12 * terms.years, served.utilisation(1)
    return Bill("edge", f"edge: one {name}", lines, served.work, used, commitment_months=months, notes=notes)
