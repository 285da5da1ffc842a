"""Variants of a plan: how a request becomes one, and how plans stand beside each other."""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from agent.after_plan.first_plan import refusal
from agent.report.blocks import Cell, Column, Group, Paragraph, Report, Table
from agent.report.choice.comparison_report import Compared, comparison_report
from agent.report.choice.shortfalls import floor_of, too_few
from agent.report.choice.surprises import other_promise, surprise
from agent.report.cost.price_origin import priced_at
from agent.report.words import NO_PRICE, accelerators_noun, fleet_shown, usd_shown
from agent.statements.merged import collected
from agent.talk.requests import Variation
from agent.talk.speech import Data, Say
from agent.talk.state import Branch, Ports, State, joined_targets, without
from catalogs.units import show_count, show_rate, show_seconds, show_usd
from engine.plan import CapacityPlan, NoPlan, split_shown
from engine.workload import SPLIT, StatedSpec, Statement, Target, target_name

Row = tuple[str, str, float | None]
"""A figure's name, how it is shown, and its value where a ratio says something."""


def varied(state: State, change: Variation, ports: Ports) -> tuple[State, Branch]:
    """Return the state with a variant, or with the one that asks the same already.

    Raises:
        InputError: the values contradict each other, or name what the catalog does not know.
    """
    base = state.branches[-1] if change.chained else state.base
    statements = _statements(base, change)
    stated = collected(statements, ports.catalog).completed()
    known = state.measured.calibration.sha256 if state.measured else ""
    for branch in state.branches:
        if (branch.spec, branch.calibration) == (stated.spec, known):
            return state, branch
    plan = ports.plan(stated.spec, stated.sources)
    branch = Branch(len(state.branches), change.label, base.number, statements, base.settled, plan, stated.spec, known)
    return replace(state, branches=(*state.branches, branch)), branch


def varied_spec(state: State, change: Variation, ports: Ports) -> StatedSpec:
    """Return the question of a variant of the kept plan.

    Raises:
        InputError: as ``varied``.
    """
    return collected(_statements(state.base, change), ports.catalog).completed()


def _statements(base: Branch, change: Variation) -> tuple[Statement, ...]:
    kept = without(base.statements, change.drops | _replaced(change) | frozenset(change.values))
    derived = {**_billed_together(base, change), **_same_replica(base, change)}
    change = replace(change, values={**derived, **change.values})
    statement = Statement("said", change.values, {path: words for path, words in change.details.items() if words})
    return (*kept, statement) if change.values else kept


def _billed_together(base: Branch, change: Variation) -> Mapping[str, int]:
    """Return how many accelerators an own price is paid for together: as many as the plan's instances have."""
    plan, price = base.capacity_plan, "money.usd_per_accelerator_hour"
    offer = plan.chosen.offer if plan else None
    if plan is None or offer is None or price not in change.values or base.values.get(price):
        return {}
    mine = (plan.chosen.accelerator,)
    same = "hardware.accelerators" not in change.drops and change.values.get("hardware.accelerators", mine) == mine
    return {"money.billed_together": offer.accelerators} if same and offer.accelerators > 1 else {}


SPLIT_PATHS: Final = tuple(f"serving.{name}" for name in SPLIT)


def _same_replica(base: Branch, change: Variation) -> Mapping[str, Any]:
    """Return the plan's accelerator and the split where a change counts replicas, which leaves their size.

    It is the plan's split, or the one that the change names, without any that it does not.
    """
    plan, named = base.capacity_plan, change.values.keys() & set(SPLIT_PATHS)
    others = change.values.keys() - {"hardware.replicas", *named}
    if plan is None or change.drops or others or "hardware.replicas" not in change.values:
        return {}
    mine = {path: 1 if named else getattr(plan.chosen, path.removeprefix("serving.")) for path in SPLIT_PATHS[:3]}
    return {"hardware.accelerators": (plan.chosen.accelerator,), **mine}


def _replaced(change: Variation) -> frozenset[str]:
    """Paths that a change makes void: another model has other dimensions, another mean another spread."""
    void = {"architecture"} if "model" in change.values and "architecture" not in change.values else set()
    if change.drops & {"money.region", "money.provider"}:
        void.add("money.stands_in_for")
    for side in ("input", "output"):
        if f"tokens.{side}.mean" in change.values:
            void |= {f"tokens.{side}.p95", f"tokens.{side}.values"}
    return frozenset(void)


def difference(branch: Branch, base: Branch) -> tuple[Say, ...]:
    """Return a variant beside the plan that it changes."""
    title = Paragraph(f"{branch.number}: {branch.label} (against plan {base.number}).", "strong")
    plan, before = branch.plan, base.capacity_plan
    if isinstance(plan, NoPlan):
        return (Data(Report((title, *refusal(plan, branch.number).blocks))),)
    if floor := floor_of(plan):
        return (Data(Report((Group((title, Paragraph(floor, "warning"))),))),)
    if few := too_few(plan):
        return (Data(Report((Group((title, Paragraph(few, "warning"))),))),)
    answer = Paragraph(f"{plan.answer.sentence.rstrip('.')}.")
    if before is None:
        return (Data(Report((Group((title, answer)),))),)
    rows: list[tuple[Cell, ...]] = []
    for (name, now, value), (_, then, old) in zip(_figures(plan, before), _figures(before, plan), strict=True):
        if now != then or name in ("accelerators", "billed", "monthly"):
            rows.append((name, then, now, _moved(old, value, now == then)))
    columns = (
        Column(""),
        Column(f"plan {base.number}", spoken="titled"),
        Column(f"plan {branch.number}", spoken="titled"),
        Column("change", "right", spoken="bare"),
    )
    whose = priced_at(plan, before)
    below = tuple(Paragraph(text) for text in (whose, surprise(plan, before), other_promise(plan, before)) if text)
    return (Data(Report((Group((title, answer)), Table(columns, tuple(rows)), *below))),)


_ASKED_FIGURES: Final = (
    ("monthly", "The bill", r"bill|costs?|price|money|cheaper|dearer|spend\w*|expensive|save|adds?|(?:per|a) month"),
    ("TTFT p95", "TTFT p95", r"ttft|first[- ](?:token|word)|latency"),
    ("ITL mean", "ITL", r"itl|tpot|tokens? (?:per|a) second|latency|speed"),
    ("accelerators", "The fleet", r"gpus?|cards?|accelerators?|fleet|hardware|machines?"),
)
"""A figure by which plans are compared, what it is called, and the words that ask for it."""


def moved_verdict(question: str, branch: Branch, base: Branch) -> str:
    """Return how the figures that a question names move from a plan to its variant: 'whether the bill doubles'."""
    plan, before = branch.capacity_plan, base.capacity_plan
    if plan is None or before is None or floor_of(plan):
        return ""
    now = {name: (shown, value) for name, shown, value in _figures(plan, before)}
    then = {name: (shown, value) for name, shown, value in _figures(before, plan)}
    told = []
    for name, called, words in _ASKED_FIGURES:
        (shown, value), (was, old) = now[name], then[name]
        if re.search(rf"\b(?:{words})\b", question, re.I) and value is not None and old:
            told.append(
                f"{called}: {was} → {shown}, {value / old:.3g} times"
                if value != old
                else f"{called}: {shown}, as it was"
            )
    return f"{'; '.join(told)}." if told else ""


def at_wider_targets(plan: CapacityPlan, ports: Ports) -> str:
    """Say what a plan that no number of accelerators lets meet its targets takes at wider ones; empty for any other."""
    if not floor_of(plan):
        return ""
    wider = tuple(
        Target(metric=one.metric, percentile=one.percentile, seconds=float(f"{one.forecast_s * 1.1:.2g}"))
        for one in plan.targets
        if not one.met
    )
    targets = joined_targets(plan.spec.targets, wider, replace_metric=True)
    made = ports.sketch(replace(plan.spec, targets=targets))
    if not isinstance(made, CapacityPlan) or not made.answer.meets_targets:
        return ""
    named = ", ".join(f"{one.name} {show_seconds(one.seconds)}" for one in wider)
    fleet = f"{show_count(made.fleet.accelerators)} × {made.chosen.accelerator_name}"
    split, bill = split_shown(made.chosen, always="TP1"), usd_shown(made.cost.monthly_usd)
    return f"With {named} it would be {fleet} in replicas of {split}, {bill} a month."


def side_by_side(branches: tuple[Branch, ...]) -> tuple[Say, ...]:
    """Return several plans as ``fleetcast compare`` has them, each with what it changed."""
    compared = [Compared(f"plan {branch.number}", branch.plan, branch.label) for branch in branches]
    return (Data(comparison_report(compared)),)


def _figures(plan: CapacityPlan, other: CapacityPlan) -> list[Row]:
    """Return the figures that two plans are compared by; the targets of either are among them."""
    peak, first = plan.performance.at_peak, plan.peak_latency_s("ttft", "p95")
    rows: list[Row] = [
        ("accelerators", _fleet_beside(plan, other), plan.fleet.accelerators),
        ("replicas", f"{plan.fleet.replicas} of {split_shown(plan.chosen, always='')}", None),
        *_billed_beside(plan, other),
        ("weights", plan.chosen.precision.weights.upper(), None),
        ("KV cache", plan.chosen.precision.kv_cache.upper(), None),
        ("monthly", usd_shown(plan.cost.monthly_usd), plan.cost.monthly_usd),
        *_scaled_beside(plan, other),
        *_price_beside(plan, other),
        ("TTFT p95", show_seconds(first), first),
        ("ITL mean", show_seconds(peak.itl_s.mean), peak.itl_s.mean),
    ]
    targets = {(t.metric, t.percentile) for t in (*plan.spec.targets, *other.spec.targets)}
    for metric, percentile in sorted(targets, reverse=True):  # the same order for either plan
        name = target_name(metric, percentile)
        if name not in {row[0] for row in rows}:
            value = plan.peak_latency_s(metric, percentile)
            rows.append((name, show_seconds(value), value))
    if plan.targets or other.targets:
        rows.append(("targets", _verdict(plan), None))
    holds = plan.answer.holds_to_requests_per_s
    rows.append(("holds to", show_rate(holds), holds))
    if plan.fleet.maximum_accelerators != plan.fleet.accelerators or (
        other.fleet.maximum_accelerators != other.fleet.accelerators
    ):
        count = plan.fleet.maximum_accelerators
        rows.append((f"{accelerators_noun(plan.chosen)} at most", show_count(count), count))
    return rows


def _fleet_beside(plan: CapacityPlan, other: CapacityPlan) -> str:
    """Return a fleet; of the same accelerator in both plans the name would say nothing."""
    same = plan.chosen.accelerator == other.chosen.accelerator
    return show_count(plan.fleet.accelerators) if same else fleet_shown(plan)


def _billed_beside(plan: CapacityPlan, other: CapacityPlan) -> list[Row]:
    """Return the accelerators that whole instances bill, where either plan runs fewer."""
    if all(one.fleet.billed_accelerators == one.fleet.accelerators for one in (plan, other)):
        return []
    return [("billed", show_count(plan.fleet.billed_accelerators), plan.fleet.billed_accelerators)]


def _scaled_beside(plan: CapacityPlan, other: CapacityPlan) -> list[Row]:
    """Return the bill that follows the load, where that of a fleet always on is the same for either."""
    scaled = plan.cost.autoscaled_monthly_usd
    if plan.cost.monthly_usd != other.cost.monthly_usd or None in (scaled, other.cost.autoscaled_monthly_usd):
        return []
    return [("autoscaled", usd_shown(scaled), scaled)]


def _price_beside(plan: CapacityPlan, other: CapacityPlan) -> list[Row]:
    """Return the price of an accelerator-hour where it moves the bill beside the fleet: of the same accelerator."""
    if plan.chosen.accelerator != other.chosen.accelerator:
        return []
    (mine, hourly), (_, others) = _price(plan), _price(other)
    return [(f"a {accelerators_noun(plan.chosen, 1)}-hour", mine, hourly)] if hourly != others else []


def _price(plan: CapacityPlan) -> tuple[str, float | None]:
    offer = plan.chosen.offer
    if offer is None:
        return NO_PRICE, None
    hourly = round(offer.usd_per_hour / offer.accelerators, 4)
    return f"{show_usd(hourly)}, {offer.provider}", hourly


def _verdict(plan: CapacityPlan) -> str:
    if not plan.targets:
        return "none"
    return "met" if plan.answer.meets_targets else "missed"


def _moved(old: float | None, new: float | None, same: bool) -> str:
    if old is None or new is None or same or not old:
        return "same" if same else ""
    return f"{new / old - 1:+.0%}" if old != new else "same"


def numbered(state: State, numbers: tuple[int, ...]) -> tuple[Branch, ...] | str:
    """Return the plans of those numbers, or which there are."""
    if not numbers:
        return state.branches
    unknown = [number for number in numbers if number >= len(state.branches)]
    if unknown:
        last = len(state.branches) - 1
        there = "there is plan 0 alone" if not last else f"plans 0 to {last} are there"
        return f"There is no plan {unknown[0]}; {there}."
    return tuple(state.branches[number] for number in dict.fromkeys(numbers))
