"""Other plans sketched beside the one that stands, and how they are shown beside it."""

from collections.abc import Mapping
from typing import Any, Final

from agent.after_plan.replies.asked import Asked
from agent.report.blocks import Cell, Column
from agent.report.cost.price_origin import bill_beside
from agent.report.words import accelerators_noun, calls_shown, fleet_shown, singular
from agent.talk.state import joined_targets
from catalogs.errors import InputError
from catalogs.units import show_seconds
from engine.plan import CapacityPlan, NoPlan, split_shown
from engine.workload import Target

Change = tuple[str, Mapping[str, Any], frozenset[str]]
Sketch = tuple[str, CapacityPlan | str]
"""The label of a change, and its sketch, or why there is none."""


NONE: Final = frozenset[str]()


COLUMNS: Final = (Column("fleet"), Column("monthly", "right"), Column("TTFT p95", "right"), Column("ITL", "right"))


def shown(found: CapacityPlan | str, base: CapacityPlan) -> tuple[Cell, ...]:
    """Return the cells of ``COLUMNS`` for a sketch, its bill beside a plan's; or why there is none."""
    if isinstance(found, str):
        return found, "", "", ""
    peak, first = found.performance.at_peak, found.peak_latency_s("ttft", "p95")
    cells = (fleet_shown(found), bill_beside(found, base), show_seconds(first), show_seconds(peak.itl_s.mean))
    return cells if found.answer.meets_targets else ("cannot meet the targets", "", *cells[2:])


def newer_accelerators(plan: CapacityPlan) -> tuple[Change, ...]:
    """Return the changes to accelerators that are newer or larger than the usual one."""
    return tuple(
        (f"on {name}", {"hardware.accelerators": (identity,)}, NONE)
        for name, identity in (("H200", "h200-sxm-141gb"), ("B200", "b200-sxm"))
        if identity != plan.chosen.accelerator
    )


def sketched(asked: Asked, changes: tuple[Change, ...]) -> list[Sketch]:
    """Return the sketch of each change, or why there is none."""
    found: list[Sketch] = []
    for label, values, drops in changes:
        try:
            other = asked.sketch_priced(values, drops)
        except InputError as error:
            found.append((label, f"not possible: {error}"))
            continue
        if isinstance(other, NoPlan):
            found.append((label, f"cannot: {other.rejected[0].reason}" if other.rejected else other.sentence))
        else:
            found.append((label, other))
    return found


def planned_for(asked: Asked, wanted: tuple[Target, ...]) -> str:
    """Say what the plan would be on its accelerator with other targets."""
    plan = asked.plan
    targets = joined_targets(plan.spec.targets, wanted, replace_metric=True)
    values = {"hardware.accelerators": (plan.chosen.accelerator,), "targets": targets}
    ((_, found),) = sketched(asked, (("", values, NONE),))
    verdict = against(plan, found)
    return f"For {targets_shown(wanted)} on {plan.chosen.accelerator_name} {verdict[:1].lower()}{verdict[1:]}"


def targets_shown(targets: tuple[Target, ...]) -> str:
    """Return targets as a line states them: 'TTFT p95 400 ms'."""
    return ", ".join(f"{one.name} {show_seconds(one.seconds)}" for one in targets)


def against(plan: CapacityPlan, found: CapacityPlan | str) -> str:
    """Say what a sketch would cost and do beside the plan, or why it cannot be."""
    if isinstance(found, str):
        return f"It cannot be done: {found.removeprefix('cannot: ').removeprefix('not possible: ')}."
    peak = found.performance.at_peak
    speed = f"TTFT p95 {show_seconds(found.peak_latency_s('ttft', 'p95'))}, ITL {show_seconds(peak.itl_s.mean)}"
    if not found.answer.meets_targets:
        return f"It cannot meet the targets, however many there are: at best {speed}."
    bill = bill_beside(found, plan, " a month")
    fleet = f"{fleet_shown(found)}, {bill}; {speed}"
    mine, its = plan.cost.monthly_usd, found.cost.monthly_usd
    if mine and its and its < mine * 0.995:
        return singular(
            f"It would do, for {1 - its / mine:.0%} less: {fleet}. It was not chosen since nobody asked for it."
        )
    more = f"{its / mine - 1:.0%} more" if mine and its and its > mine * 1.005 else "the same"
    return singular(f"It would do, for {more}: {fleet}.{_each_carries(found, plan)}")


def _each_carries(found: CapacityPlan, plan: CapacityPlan) -> str:
    """Say what an accelerator carries in replicas of another split, and in the plan's; empty for the same split."""
    its, own = (split_shown(one.chosen, always="TP1") for one in (found, plan))
    if its == own or found.chosen.accelerator != plan.chosen.accelerator:
        return ""
    each = [one.replica_capacity.requests_per_s / one.chosen.accelerators_per_replica for one in (found, plan)]
    noun, gpus = (accelerators_noun(plan.chosen, count) for count in (1, plan.fleet.accelerators))
    mine = plan.performance.at_peak
    wider = found.chosen.accelerators_per_replica > plan.chosen.accelerators_per_replica
    why = " The links of a wider replica cost a part of what each carries, and it fails as a larger piece."
    return (
        f" {found.fleet.replicas} replicas of {its}, in which a {noun} carries {calls_shown(found, each[0])}; of {own}"
        f" it carries {calls_shown(plan, each[1])}, and the plan's {plan.fleet.replicas} take {plan.fleet.accelerators}"
        f" {gpus} at TTFT p95 {show_seconds(mine.ttft_s.p95)}, ITL"
        f" {show_seconds(mine.itl_s.mean)}.{why if wider else ''}"
    )
