"""What would shorten a latency, or keep a target."""

from typing import Final

from agent.after_plan.replies.asked import Asked, paragraphs, stated_s
from agent.after_plan.replies.choices.sketched import (
    NONE,
    Change,
    newer_accelerators,
    planned_for,
    sketched,
    targets_shown,
)
from agent.after_plan.replies.figures.latencies import WHOLE_ANSWER
from agent.after_plan.sums import Explanation
from agent.report.blocks import Column, Table
from agent.report.cost.price_origin import bill_beside
from catalogs.units import show_count, show_figure, show_seconds, show_usd
from engine.plan import CapacityPlan
from engine.workload import Metric, Target, target_name


def faster_how(asked: Asked) -> Explanation:
    """Return changes that shorten the latency that is asked about, the fastest first."""
    plan, chosen = asked.plan, asked.plan.chosen
    here = {"hardware.accelerators": (chosen.accelerator,)}
    widths, tokens = [times * chosen.tensor_parallel for times in (2, 4)], plan.spec.tokens
    single: list[tuple[str, str, float]] = [
        *((f"TP{width}", "serving.tensor_parallel", width) for width in widths),
        ("replicas half as full", "serving.utilisation_ceiling", plan.spec.serving.utilisation_ceiling / 2),
        ("half of the prompts in the prefix cache", "tokens.prefix_hit", max(0.5, tokens.prefix_hit)),
        ("prompts half as long", "tokens.input.mean", tokens.input.mean / 2),
    ]
    changes: list[Change] = [(label, {**here, path: value}, NONE) for label, path, value in single]
    changes += newer_accelerators(plan)
    if chosen.precision.weights in ("bf16", "fp16"):
        changes.append(("weights in FP8", {**here, "precision.weights": "fp8"}, NONE))
    drafted = (
        "Speculative decoding is not reckoned: what it gains hangs on the share of drafted tokens that is accepted, and"
        f" falls as replicas fill, {show_figure(plan.performance.at_peak.batch)} requests at a time here. Measure it on"
        " your own prompts at the planned load; the plan is on the safe side without it."
        if asked.has(r"specul\w*|eagle\w*|medusa|mtp|draft\w*")
        else ""
    )
    metric: Metric = "itl" if asked.has("itl|tpot|tokens? per second|inter token|token gap|streaming") else "ttft"
    metric = "e2e" if asked.has(WHOLE_ANSWER) else metric
    percentile = asked.percentile() or "p95"
    found = [(label, other) for label, other in sketched(asked, tuple(changes)) if isinstance(other, CapacityPlan)]
    found.sort(key=lambda item: item[1].peak_latency_s(metric, percentile))
    shown: tuple[Metric, ...] = ("ttft", "itl", *(("e2e",) if metric == "e2e" else ()))
    names = (target_name(one, percentile) for one in shown)
    columns = (Column("with"), *Column.figures(*names), Column("fleet"), Column("monthly", "right"))
    rows = []
    for label, other in (("as it is", plan), *found):
        latencies = (show_seconds(other.peak_latency_s(one, percentile)) for one in shown)
        fleet = f"{show_count(other.fleet.accelerators)} × {other.chosen.accelerator_name}"
        rows.append((label, *latencies, fleet, bill_beside(other, plan)))
    held, bill = "", plan.cost.monthly_usd
    if bill and asked.has(_NO_DEARER):
        cheap = [label for label, one in found if one.cost.monthly_usd and one.cost.monthly_usd < bill * 1.005]
        held = f"For no more than {show_usd(bill)} a month: {', '.join(cheap) or 'none of them'}."
    seconds = stated_s(asked.words)
    bare = (Target(metric=metric, percentile=percentile, seconds=seconds),) if seconds else ()
    wanted = bare if percentile == "mean" else asked.said("targets") or bare
    if wanted:
        there = [label for label, other in found if all(_reaches(other, one) for one in wanted)]
        alone = f"{', '.join(there)}: each is there alone." if there else "None of these alone is there."
        lead, closing = planned_for(asked, wanted), f"{alone} 'with {targets_shown(wanted)}'"
    else:
        lead, closing = "", f"'with {percentile} {metric.upper()} under …'"
    return (
        *paragraphs(
            drafted,
            lead,
            held,
            "Each change alone, in the busiest hour; the fleet is sized anew to the plan's targets:",
        ),
        Table(columns, tuple(rows)),
        *paragraphs(f"{closing} plans for a target: the cheapest fleet that keeps it, or what stands in the way."),
    )


_NO_DEARER: Final = (
    r"(?:not?|don'?t|without|never)\b.*(?:spend\w*|pay\w*|costs?|money|dearer|expensive|budget)|"
    r"(?:same|constant|fixed) (?:bill|money|budget|costs?|price)|"
    r"(?:bill|money|budget|costs?|price) (?:constant|the same|fixed)"
)


def _reaches(plan: CapacityPlan, target: Target) -> bool:
    return plan.peak_latency_s(target.metric, target.percentile) <= target.seconds
