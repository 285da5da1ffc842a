"""What would make the bill smaller, and which inputs move it most."""

import re
from typing import Final

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.bills.places import other_bills
from agent.after_plan.replies.choices.sketched import NONE, Change, sketched
from agent.after_plan.sums import Explanation
from agent.report.blocks import Column, Table
from agent.report.cost.price_origin import bill_beside
from agent.report.words import accelerators_noun, capital, fleet_shown, usd_shown
from catalogs.units import show_usd
from engine.fleet.offers import origin
from engine.plan import CapacityPlan
from engine.workload import ANY_PROVIDER

_HARDWARE: Final = frozenset({"hardware.accelerators", "hardware.excluded"})


ANY_ACCELERATOR: Final[tuple[Change, ...]] = (
    ("any accelerator", {}, _HARDWARE | {"money.region"}),
    ("any accelerator elsewhere", {"money.provider": ANY_PROVIDER}, _HARDWARE | {"money.region"}),
)


def rows_cheaper(asked: Asked, changes: tuple[Change, ...]) -> list[tuple[float, str, str, str]]:
    """Return what makes the bill smaller: the bill, what is changed, the fleet, the bill in words.

    Those at the plan's provider come first, then those at another, each the cheapest first; other terms are among them.
    """
    plan, bill, own = asked.plan, asked.plan.cost.monthly_usd, asked.plan.chosen.offer
    fleet = fleet_shown(plan)
    provider = own.provider if own else ""
    found = {
        (one.offer.provider != provider, one.usd, origin(one.offer), fleet, show_usd(one.usd))
        for one in other_bills(asked)
    }
    for label, other in sketched(asked, changes):
        if isinstance(other, CapacityPlan) and other.answer.meets_targets and other.cost.monthly_usd is not None:
            its = fleet_shown(other)
            moved = other.chosen.offer is not None and other.chosen.offer.provider != provider
            shown = bill_beside(other, plan)
            if (its, shown) not in {row[3:] for row in found if "any accelerator" in row[2]}:
                found.add((moved, other.cost.monthly_usd, label, its, shown))
    return [row[1:] for row in sorted(found) if bill is None or row[1] < bill * 0.995]


_LEAST_BILL: Final = 500.0
"""USD a month: less is no bill of a fleet."""


def cheaper_how(asked: Asked) -> Explanation:
    """Return changes that lower the bill, the cheapest first, each with what it gives up."""
    plan = asked.plan
    input_mean = plan.spec.tokens.input.mean
    changes: list[Change] = [
        *ANY_ACCELERATOR,
        ("half of the prompts in the prefix cache", {"tokens.prefix_hit": max(0.5, plan.spec.tokens.prefix_hit)}, NONE),
        ("prompts half as long", {"tokens.input.mean": input_mean / 2}, NONE),
        ("no peak (work put off to quiet hours)", {"traffic.peak_factor": 1.0}, NONE),
    ]
    if plan.chosen.precision.weights in ("bf16", "fp16"):
        changes.append(("weights in FP8", {"precision.weights": "fp8"}, NONE))
    changes.append(("weights in INT4", {"precision.weights": "int4"}, NONE))
    if plan.targets:
        doubled = tuple(
            {"metric": t.metric, "percentile": t.percentile, "seconds": 2 * t.target_s} for t in plan.targets
        )
        changes.append(("targets twice as wide", {"targets": doubled}, NONE))
    bill = plan.cost.monthly_usd
    rows = rows_cheaper(asked, tuple(changes))
    columns = (Column("with"), Column("fleet"), Column("monthly", "right"), Column("change", "right"))
    table = Table(
        columns,
        tuple((label, fleet, shown, f"{usd / bill - 1:+.0%}" if bill else "") for usd, label, fleet, shown in rows),
    )
    scaled = plan.cost.autoscaled_monthly_usd
    follow = (
        f"Following the load with the autoscaler saves {show_usd(bill - scaled)} a month as it is."
        if bill and scaled is not None and scaled < bill
        else ""
    )
    share = re.search(r"(\d+(?:\.\d+)?) ?(?:%|percent)", asked.words)
    amount = re.search(r"(?:below|under|to|within|at most|max\w*|beneath) [$€]?(\d[\d,.]*) ?(k)?\b(?! ?%)", asked.words)
    usd = float(amount[1].rstrip(".,").replace(",", "")) * (1000 if amount[2] else 1) if amount else 0.0
    if bill and _LEAST_BILL < usd < bill:
        wanted = 1 - usd / bill
    elif share:
        wanted = float(share[1]) / 100
    else:
        wanted = 1 / 3 if asked.has("third") else 0.5 if asked.has("half|halve") else 0.0
    reach = ""
    if wanted and bill:
        enough = [label for usd, label, *_ in rows if usd <= bill * (1 - wanted) * 1.0005]
        goal = f"{show_usd(bill * (1 - wanted))} a month ({wanted:.0%} less)"
        reach = f"{goal}: {', '.join(enough)}, each alone." if enough else f"{goal} is reached by none of them alone."
    if not rows:
        return paragraphs(
            "None of the usual changes (term, precision, accelerator, prefix cache, targets) lowers the bill.", follow
        )
    now = f"{usd_shown(bill)} a month for {plan.fleet.accelerators} {accelerators_noun(plan.chosen)}"
    return (*paragraphs(f"Now {now}; each change alone:"), table, *paragraphs(reach, follow))


_INPUTS: Final = {
    "prompt length": r"prompts?|inputs?", "answer length": r"answers?|outputs?", "traffic": r"traffic|rps|rate|load",
    "price of an accelerator-hour": "prices?", "the busiest hour over the mean": "peaks?",
}  # fmt: skip
"""Inputs, and how people name them: 'does the output length weigh more than the input length'."""


def sensitivity(asked: Asked) -> Explanation:
    """Return which inputs move the bill, the most first: what `fleetcast sensitivity` shows."""
    from agent.report.choice.sensitivity_report import sensitivity_report
    from engine.choice.sensitivity import sensitivity as moved

    found = moved(asked.plan, asked.ports.catalog)
    named = [swing.input for swing in found.swings if asked.has(_INPUTS.get(swing.input, swing.input))]
    versus = f"{capital(named[0])} moves it more than {' and '.join(named[1:])}." if len(named) > 1 else ""
    most = [swing.input for swing in found.swings[:2]]
    lead = f"{' and then '.join(most)} move{'s' if len(most) == 1 else ''} the bill most." if most else ""
    return (*paragraphs(versus, capital(lead)), *sensitivity_report(asked.plan, found).blocks[1:])
