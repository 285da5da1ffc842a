"""Variants of a plan: how a request becomes one, and how plans stand beside each other."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from agent.after_plan.first_plan import refusal
from agent.report.blocks import Column, Group, Paragraph, Report, Table
from agent.report.choice.comparison_report import Compared, comparison_report
from agent.report.choice.shortfalls import floor_of, missed_shown, too_few
from agent.report.choice.surprises import other_promise, surprise
from agent.report.cost.price_origin import bill_beside, priced_at
from agent.report.words import NO_PRICE, accelerators_noun, fleet_shown, usd_shown
from agent.statements.merged import collected
from agent.talk.requests import Variation
from agent.talk.speech import Data, Say
from agent.talk.state import Branch, Ports, State, joined_targets, without
from catalogs.units import show_count, show_rate, show_seconds, show_usd
from engine.plan import CapacityPlan, NoPlan, split_shown
from engine.workload import SPLIT, Metric, Percentile, StatedSpec, Statement, Target, target_name

_Value = TypeVar("_Value", float, float | None)


class FigureOfBoth(Struct, frozen=True):
    """A figure of two plans beside each other."""

    name: str
    then: str
    now: str
    old: float | None
    """Its value in the earlier plan, where a ratio says something."""
    new: float | None

    @property
    def moved(self) -> str:
        """How it moves: '+20%', 'same'; empty where a ratio says nothing."""
        if self.then == self.now or (self.old and self.old == self.new):
            return "same"
        return f"{self.new / self.old - 1:+.0%}" if self.old and self.new is not None else ""


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
    answer = [Paragraph(f"{plan.answer.sentence.rstrip('.')}.")]
    if short := floor_of(plan) or too_few(plan):
        answer.insert(0, Paragraph(short, "warning"))
        # Beside a plan that meets what was asked, the bill of one that cannot is no answer; beside another it is.
        if before is None or before.answer.meets_targets:
            return (Data(Report((Group((title, answer[0])),))),)
    if before is None:
        return (Data(Report((Group((title, *answer)),))),)
    rows = tuple(
        (one.name, one.then, one.now, one.moved)
        for one in _figures(before, plan)
        if one.now != one.then or one.name in ("accelerators", "billed", "monthly")
    )
    columns = (
        Column(""),
        Column(f"plan {base.number}", spoken="titled"),
        Column(f"plan {branch.number}", spoken="titled"),
        Column("change", "right", spoken="bare"),
    )
    whose = priced_at(plan, before)
    below = tuple(Paragraph(text) for text in (whose, surprise(plan, before), other_promise(plan, before)) if text)
    return (Data(Report((Group((title, *answer)), Table(columns, rows), *below))),)


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
    figures = {one.name: one for one in _figures(before, plan)}
    told = []
    for name, called, words in _ASKED_FIGURES:
        one = figures[name]
        if re.search(rf"\b(?:{words})\b", question, re.I) and one.new is not None and one.old:
            told.append(
                f"{called}: {one.then} → {one.now}, {one.new / one.old:.3g} times"
                if one.new != one.old
                else f"{called}: {one.now}, as it was"
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


def _figures(before: CapacityPlan, plan: CapacityPlan) -> Iterator[FigureOfBoth]:
    """Yield the figures that a plan is compared with an earlier one by; the targets of either are among them."""
    both = (before, plan)
    same = before.chosen.accelerator == plan.chosen.accelerator

    def row(
        name: str, shown: Callable[[CapacityPlan], str], of: Callable[[CapacityPlan], float | None] = lambda _: None
    ) -> FigureOfBoth:
        return FigureOfBoth(name, shown(before), shown(plan), of(before), of(plan))

    def figure(name: str, of: Callable[[CapacityPlan], _Value], shown: Callable[[_Value], str]) -> FigureOfBoth:
        return row(name, lambda one: shown(of(one)), of)

    def latency(metric: Metric, percentile: Percentile) -> FigureOfBoth:
        return figure(target_name(metric, percentile), lambda one: one.peak_latency_s(metric, percentile), show_seconds)

    yield row(  # of the same accelerator its name would say nothing
        "accelerators",
        lambda one: show_count(one.fleet.accelerators) if same else fleet_shown(one),
        lambda one: one.fleet.accelerators,
    )
    yield row("replicas", lambda one: f"{one.fleet.replicas} of {split_shown(one.chosen, always='')}")
    if any(one.fleet.billed_accelerators != one.fleet.accelerators for one in both):
        yield figure("billed", lambda one: one.fleet.billed_accelerators, show_count)
    yield row("weights", lambda one: one.chosen.precision.weights.upper())
    yield row("KV cache", lambda one: one.chosen.precision.kv_cache.upper())
    yield figure("monthly", lambda one: one.cost.monthly_usd, usd_shown)
    follows = [one.cost.autoscaled_monthly_usd for one in both]
    if usd_shown(before.cost.monthly_usd) == usd_shown(plan.cost.monthly_usd) and None not in follows:
        yield figure("autoscaled", lambda one: one.cost.autoscaled_monthly_usd, usd_shown)
    if same and _price(before)[1] != _price(plan)[1]:
        yield row(f"a {accelerators_noun(plan.chosen, 1)}-hour", lambda one: _price(one)[0], lambda one: _price(one)[1])
    yield latency("ttft", "p95")
    yield figure("ITL mean", lambda one: one.performance.at_peak.itl_s.mean, show_seconds)
    targets = {(target.metric, target.percentile) for one in both for target in one.spec.targets}
    for target in sorted(targets - {("ttft", "p95"), ("itl", "mean")}, reverse=True):
        yield latency(*target)
    if plan.targets or before.targets:
        yield row("targets", _verdict)
    yield figure("holds to", lambda one: one.answer.holds_to_requests_per_s, show_rate)
    if any(one.fleet.maximum_accelerators != one.fleet.accelerators for one in both):
        name = f"{accelerators_noun(plan.chosen)} at most"
        yield figure(name, lambda one: one.fleet.maximum_accelerators, show_count)


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


def versus(other: CapacityPlan, plan: CapacityPlan) -> str:
    """Return another plan in a line, against the one that was chosen."""
    fleet = f"{fleet_shown(other)}, {bill_beside(other, plan, ' a month')}"
    mine, its = plan.cost.monthly_usd, other.cost.monthly_usd
    money = ""
    if mine and its:
        ratio = its / mine - 1
        money = f", {abs(ratio):.0%} {'more' if ratio > 0 else 'less'}" if abs(ratio) >= 0.005 else ", the same"
    peak = other.performance.at_peak
    speed = f"; TTFT p95 {show_seconds(other.peak_latency_s('ttft', 'p95'))}, ITL {show_seconds(peak.itl_s.mean)}"
    if best := missed_shown(other):
        return f"it cannot meet the targets, at best {best}"
    measured = ""
    if mine and its and its < mine:
        # The search prefers accelerators whose kernels were measured; the warning says so of this one.
        measured = next((f"; {text}" for text in other.warnings if "kernel" in text or "memory" in text), "")
    return f"{fleet}{money}{speed}{measured}"


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
