"""What happens when a part of the fleet fails, and how long a new replica takes."""

import re
from math import ceil
from typing import Final

from msgspec.structs import replace

from agent.after_plan.replies.asked import LIMITS, Asked, paragraphs
from agent.after_plan.replies.billed import Resized
from agent.after_plan.replies.bills.budget import budget_before, budget_in
from agent.after_plan.replies.load import GPUS, NODES, REPLICAS
from agent.after_plan.replies.running.held import layout, left_after, other_tail, slower
from agent.after_plan.sums import Explanation
from agent.after_plan.wording.rates import peak_rate, replicas_at
from agent.report.blocks import Column, Facts, Table
from agent.report.words import accelerators_noun, singular, usd_shown
from catalogs.units import show_percent, show_seconds, show_usd
from engine.fleet.offers import paid_accelerators, replicas_bill_usd
from engine.plan import CapacityPlan

ZONES: Final = 3
"""Over which replicas are spread, where a zone is asked about: what regions of large clouds have."""


def failure(asked: Asked) -> Explanation:
    """Return capacity and tails of what is left after a loss, and the time until it is made good."""
    plan = asked.plan
    if sites := asked.count_of(_SITES):
        return paragraphs(_over_sites(plan, sites))
    kind, count, lost = _loss(asked)
    replicas = plan.fleet.replicas
    left = max(0, replicas - lost)
    what = f"{count if count > 1 else 'one'} {kind}{'s' if count > 1 else ''}"
    spread = (
        f"Nobody said over how many zones it is spread: {ZONES} alike are assumed; the plan itself places nothing."
        if kind in ("zone", "rack")
        else ""
    )
    lead = (
        f"Losing {what} takes {lost} of {replicas} replicas: a replica is {plan.chosen.accelerators_per_replica} ×"
        f" {plan.chosen.accelerator_name}, and stops as a whole. Requests in flight there fail and have to be sent"
        " again."
    )
    lead = (
        f"No spare is planned: any loss is felt at the peak. {lead}"
        if not plan.fleet.spares and _SPARE.search(asked.words)
        else lead
    )
    return (
        *paragraphs(lead, spread, left_after(asked, left)),
        *(_tails(asked, left) or paragraphs(slower(plan, peak_rate(plan), left))),
        *paragraphs(other_tail(asked), _recovery(plan), _remedy(asked, left, lost)),
    )


_SPARE: Final = re.compile(r"\b(?:n ?\+ ?\d|spares?|redundan\w+|naked|backup)\b")
_SITES: Final = r"sites|data ?cent(?:er|re)s|dcs|regions|locations|zones|azs"


def _over_sites(plan: CapacityPlan, sites: int) -> str:
    """Return what several places take of which any one may fail, with the whole load on the others."""
    if sites < 2:
        return "One place alone survives no loss of it: name two or more."
    each = ceil(plan.fleet.working_replicas / (sites - 1) - 1e-9)
    gpus, usd = each * plan.chosen.accelerators_per_replica, replicas_bill_usd(plan.chosen, each)
    billed = paid_accelerators(plan.chosen, each)
    paid = f", {billed} billed" if billed != gpus else ""
    noun, bill = accelerators_noun(plan.chosen), ""
    if usd is not None:
        bill = (
            f" At the plan's price that is {usd_shown(usd)} a month at each, {usd_shown(sites * usd)} in all, in place"
            f" of {usd_shown(plan.cost.monthly_usd)}; another region has a price of its own."
        )
    return singular(
        f"{sites} places of which one may fail: the others carry the whole peak, so that each holds {each} replicas,"
        f" {gpus} {noun}{paid}; {sites * each} replicas in all, {sites * billed} {noun} billed.{bill} Routing between"
        " them, and the network, are not planned here."
    )


_MACHINES: Final = (
    r"hgx|p[3-6](?:dn?|en?)?s?(?:\.\d+xlarge)?|[ac][234](?:-(?:ultra|mega|high|edge)gpu(?:-\d+g)?)?s?|"
    r"(?:standard_)?n[dc](?:\d+\w*|v\d)?s?|bm\.gpu[\w.]*"
)
"""Machines by the short names of their series at AWS, Google, Azure and Oracle, and NVIDIA's own."""


_ALIVE: Final = re.compile(
    r"\b(\d+) (?:out )?of (?:the |our )?(\d+)\b.*\b(?:alive|left|up|remain\w*|running|healthy)\b"
)
"""What is left of a whole: '5 of 6 replicas alive'."""
_NOT: Final = re.compile(r"\b(?:not|nicht|pas) (?:(?:an?|the|one|whole|eine?[nr]?|une?) )*[\w-]+", re.I)
"""What is not to fail: 'one node, not a zone'."""


def _loss(asked: Asked) -> tuple[str, int, int]:
    """Return what fails, how many, and how many replicas stop with it."""
    plan, asked = asked.plan, replace(asked, text=_NOT.sub(" ", asked.text))
    size = plan.chosen.accelerators_per_replica
    node = plan.chosen.offer.accelerators if plan.chosen.offer else size
    if asked.has(r"zone[ns]?|zonas?|stref\w+|azs?|regions?|data ?cent(?:er|re)s?|sites?|可用区|ゾーン"):
        return "zone", 1, ceil(plan.fleet.replicas / ZONES)
    named = rf"{NODES}|{_MACHINES}"
    if asked.has("racks?") and not asked.count_of(named):
        return "rack", 1, ceil(plan.fleet.replicas / ZONES)
    if asked.has(named) or asked.has("instances?|vms?|reboots?|drain"):
        count = (asked.count_of(named) or 1) + (1 if asked.has("another|while a second|two are") else 0)
        return "node", count, min(plan.fleet.replicas, count * max(1, node // size))
    kind = "GPU" if asked.has(GPUS) else "replica"
    if alive := _ALIVE.search(asked.figures):
        gone = max(1, int(alive[2]) - int(alive[1]))
        return kind, gone, min(plan.fleet.replicas, gone if kind == "replica" else ceil(gone / size))
    count = asked.count_of(GPUS if kind == "GPU" else REPLICAS) or (2 if asked.has("two") else 1)
    return kind, count, min(plan.fleet.replicas, count)


def _tails(asked: Asked, left: int) -> Explanation:
    """Return latencies at the peak before and after; nothing where the rest is saturated or none is left."""
    plan, peak = asked.plan, peak_rate(asked.plan)
    if not left or (peak and left * plan.replica_capacity.saturated_requests_per_s <= peak):
        return ()
    without = LIMITS | {"availability.spare_replicas", "availability.minimum_replicas"}
    at_peak = []
    for count in (plan.fleet.replicas, left):  # spares serve as well until something fails
        those = asked.tried({"hardware.replicas": count, **layout(plan)}, without)
        if isinstance(those, str) or those.fleet.replicas != count:
            return ()
        at_peak.append(those.performance.at_peak)
    before, after = at_peak
    columns = (Column("at the peak"), Column("now", "right"), Column("after the loss", "right"))
    rows = tuple(
        (f"{name} {part}", show_seconds(getattr(old, part)), show_seconds(getattr(new, part)))
        for name, old, new in (("TTFT", before.ttft_s, after.ttft_s), ("ITL", before.itl_s, after.itl_s))
        for part in ("p95", "p99")
    )
    return (Table(columns, rows),)


def _recovery(plan: CapacityPlan) -> str:
    if (outage := plan.outage) is not None:
        noticed = show_seconds(outage.parts_s["noticed"])
        return (
            f"A replica elsewhere serves {show_seconds(outage.lost_node_s)} after the loss, {noticed} of it until it "
            f"is noticed; a process that fails alone serves again after {show_seconds(outage.restart_s)}."
        )
    return f"A new replica serves {show_seconds(plan.autoscaling.reaction_time_s)} after the loss is noticed."


def _remedy(asked: Asked, left: int, lost: int) -> str:
    plan, peak = asked.plan, peak_rate(asked.plan)
    if peak is None or left * plan.replica_capacity.requests_per_s >= peak * (1 - 1e-6):
        return ""
    needed = replicas_at(plan, peak) + lost - plan.fleet.replicas
    if needed <= 0:
        return ""
    sized = Resized(plan, plan.fleet.replicas + needed)
    same = sized.billed == plan.fleet.billed_accelerators
    bill = ", at the same bill: whole instances hold them" if same else sized.bill_in_place
    named = (budget_in(asked) or budget_before(asked)) if asked.has(r"budget|afford\w*") else None
    budget = named or plan.spec.money.monthly_budget_usd
    if budget and (usd := sized.monthly_usd):
        bill += f", {'over' if usd > budget else 'within'} the budget of {show_usd(budget)}"
    return singular(f"'N+{lost}' plans for it: {needed} replicas more than now{bill}.")


def startup(asked: Asked) -> Explanation:
    """Return the time from a rise in demand to a new replica that serves, part by part."""
    scaling = asked.plan.autoscaling
    facts = tuple(
        (name.replace("_", " ").removesuffix(" s"), show_seconds(seconds))
        for name, seconds in scaling.reaction_parts_s.items()
    )
    lead = f"{show_seconds(scaling.reaction_time_s)} from a rise in demand to a new replica that serves."
    if (outage := asked.plan.outage) is not None:
        lead += f" After the loss of a node it is {show_seconds(outage.lost_node_s)}."
    took = re.search(r"(?P<loads>\bload\w*\b[^\d.;?]{0,20})?(?P<minutes>\d+(?:\.\d+)?) ?min", asked.figures)
    own = float(took["minutes"]) * 60 if took else 0.0
    more = own - (scaling.reaction_parts_s.get("weights", 0.0) if took and took["loads"] else scaling.reaction_time_s)
    than = f"{show_seconds(abs(more))} {'more' if more > 0 else 'less'} than planned"
    yours = f"Yours of {show_seconds(own)} is {than}." if took else ""
    growth = (
        f"Demand grows by at most {show_percent(scaling.growth_within_reaction - 1)} in that time on 95 of 100 days'"
        " moments; the autoscaler's target leaves room for it."
    )
    return (
        *paragraphs(lead, yours),
        Facts((*facts, ("in all", show_seconds(scaling.reaction_time_s)))),
        *paragraphs(growth),
    )
