"""The bill at both ends of the forecast's band, and what else would move it."""

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.billed import Resized
from agent.after_plan.replies.bills.money import currency
from agent.after_plan.sums import Explanation
from agent.after_plan.wording.rates import peak_rate, replicas_at
from agent.report.blocks import Cell, Column, Table
from agent.report.plan.bands import RARE
from agent.report.words import accelerators_noun, unknown_bill
from catalogs.units import show_count, show_figure, show_usd
from engine.plan import CapacityPlan


def bill_range(asked: Asked) -> Explanation:
    """Return the largest and the least bill of a month: at both ends of the band, scaled, at other prices."""
    plan, cost = asked.plan, asked.plan.cost
    if cost.monthly_usd is None:
        return paragraphs(unknown_bill(cost))
    rows: list[tuple[Cell, ...]] = []
    lead = "No errors were measured on cases like this one: there is no band to make a largest bill of."
    ends = _ends(plan)
    if ends and plan.bands:
        (few, least), (many, most) = ends
        rare = RARE[plan.bands.level]
        lead = (
            f"Worst {show_usd(most)}, best {show_usd(least)} a month: {rare} needs more than the first, {rare} less"
            f" than the second; {show_usd(cost.monthly_usd)} is planned."
        )
        rows = [
            ("the forecast's bad end", *_sized(plan, many), show_usd(most)),
            ("as planned", *_sized(plan, plan.fleet.replicas), show_usd(cost.monthly_usd)),
            ("the forecast's good end", *_sized(plan, few), show_usd(least)),
        ]
    if cost.autoscaled_monthly_usd is not None and cost.autoscaled_monthly_usd < cost.monthly_usd:
        rows.append(("as planned, with the autoscaler", "", "", show_usd(cost.autoscaled_monthly_usd)))
    for title, usd, whose in (
        ("at the dearest price known", cost.dearest_monthly_usd, cost.dearest_at),
        ("at the cheapest", cost.cheapest_monthly_usd, cost.cheapest_at),
    ):
        if usd is not None and abs(usd - cost.monthly_usd) > 1.0:
            rows.append((f"{title}{f' ({whose})' if whose else ''}", "", "", show_usd(usd)))
    columns = (Column("the bill of a month"), *Column.figures(accelerators_noun(plan.chosen), "billed", "USD"))
    never = plan.bands is not None and not plan.bands.fleet.meets_targets
    bad = "At the bad end no number of replicas meets the targets: a larger bill would not buy them." if never else ""
    other = (
        "Not in it: a load other than you said, taxes, discounts and what stands beside the machines;"
        " 'what moves the bill most' has the inputs."
    )
    code, per_usd, rate = currency(asked)
    said = (
        f"In {code}: {show_figure(ends[1][1] * per_usd)} and {show_figure(ends[0][1] * per_usd)}. {rate}"
        if (ends and per_usd and code != "USD")
        else ""
    )
    return (*paragraphs(lead, said), *((Table(columns, tuple(rows)),) if rows else ()), *paragraphs(bad, other))


def _ends(plan: CapacityPlan) -> tuple[tuple[int, float], tuple[int, float]] | None:
    """Return the replicas and the bill at the good end of the band and at its bad end; None where there is no band."""
    peak, bands = peak_rate(plan), plan.bands
    if bands is None or peak is None:
        return None
    capacity = bands.replica_capacity.requests_per_s
    fixed = plan.spec.hardware.replicas is not None
    good = max(replicas_at(plan, peak, capacity.high), plan.spec.availability.minimum_replicas) + plan.fleet.spares
    few = plan.fleet.replicas if fixed else min(good, plan.fleet.replicas)
    many = max(bands.fleet.replicas.high, plan.fleet.replicas)
    least, most = (Resized(plan, count).monthly_usd for count in (few, many))
    return None if least is None or most is None else ((few, least), (many, most))


def _sized(plan: CapacityPlan, replicas: int) -> tuple[str, str]:
    sized = Resized(plan, replicas)
    return show_count(sized.accelerators), show_count(sized.billed)
