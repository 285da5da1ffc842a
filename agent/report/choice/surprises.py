"""What surprises in a variant: a figure that goes another way than one expects, a target that nobody gave and moved."""

from typing import Final

from agent.report.words import accelerators_noun, calls_shown
from catalogs.units import show_count, show_figure, show_seconds
from engine.plan import CapacityPlan
from engine.workload import targets_by_default

_FASTER: Final = 0.95
"""ITL over that of the plan, below which answers are written faster."""
_COARSER: Final = 0.7
"""Bytes of the weights over those of the plan, below which their format is another: 0.5 from 8 bits to 4."""


def surprise(plan: CapacityPlan, before: CapacityPlan) -> str:
    """Return why a variant takes more replicas though it writes faster, or costs the same with another fleet."""
    reasons = _slower_prompts(plan, before), _as_many(plan, before), _same_bill(plan, before), _coarser(plan, before)
    return " ".join(filter(None, (*reasons, "" if widened(before) else widened(plan))))


def widened(plan: CapacityPlan) -> str:
    """Say that an accelerator has no arithmetic in the format of the weights; empty where it has."""
    formats = plan.chosen.precision
    if formats.weights == formats.activations or formats.weights != "fp8":
        return ""
    return (
        f"{plan.chosen.accelerator_name} has no FP8 arithmetic: weights are kept in FP8 and widened to"
        f" {formats.activations.upper()} for each product."
    )


def _as_many(plan: CapacityPlan, before: CapacityPlan) -> str:
    """Say why other targets leave the number of replicas as it was."""
    targets, old = plan.spec.targets, before.spec.targets
    same = plan.chosen == before.chosen and plan.fleet.replicas == before.fleet.replicas
    load, peak = plan.spec.traffic, plan.performance.at_peak.requests_per_s * plan.fleet.working_replicas
    if targets == old or not same or load != before.spec.traffic or not plan.answer.meets_targets:
        return ""
    each, was = (calls_shown(plan, one.replica_capacity.requests_per_s) for one in (plan, before))
    return (
        f"As many replicas as before: each carries {each}{'' if each == was else f' in place of {was}'}, where"
        f" {plan.replica_capacity.binds} stops it, and {calls_shown(plan, peak)} take"
        f" {show_figure(peak / plan.replica_capacity.requests_per_s)} of them."
    )


def _slower_prompts(plan: CapacityPlan, before: CapacityPlan) -> str:
    chosen, speeds = plan.chosen, [one.replica_capacity.prefill_tokens_per_s for one in (plan, before)]
    itl, old_itl = (one.performance.at_peak.itl_s.mean for one in (plan, before))
    same = chosen.accelerator == before.chosen.accelerator and (
        chosen.accelerators_per_replica == before.chosen.accelerators_per_replica
    )
    speed, old = speeds
    if not (same and speed and old and speed < old and itl < old_itl * _FASTER):
        return ""
    if plan.fleet.replicas <= before.fleet.replicas:
        return ""
    formats = chosen.precision
    widened = formats.weights not in (before.chosen.precision.weights, formats.activations)
    how = (
        f", since {formats.weights.upper()} weights are widened to {formats.activations.upper()} for it"
        if widened
        else ""
    )
    return (
        f"More replicas, though answers are written faster: a replica reads {show_count(speed)} prompt tokens/s and no"
        f" longer {show_count(old)}{how}; prompts size this fleet."
    )


def _same_bill(plan: CapacityPlan, before: CapacityPlan) -> str:
    fleet, old = plan.fleet, before.fleet
    if plan.cost.monthly_usd is None or plan.cost.monthly_usd != before.cost.monthly_usd:
        return ""
    if fleet.accelerators == old.accelerators or fleet.billed_accelerators != old.billed_accelerators:
        return ""
    noun = accelerators_noun(plan.chosen)
    return f"The bill is the same: whole instances bill {fleet.billed_accelerators} {noun} for either."


def _coarser(plan: CapacityPlan, before: CapacityPlan) -> str:
    same_model = plan.chosen.model == before.chosen.model
    if not same_model or plan.memory.weights_bytes > before.memory.weights_bytes * _COARSER:
        return ""
    weights = plan.chosen.precision.weights.upper()
    return f"Coarser weights may answer worse: 'is {weights} good enough' has what is published."


def other_promise(plan: CapacityPlan, before: CapacityPlan) -> str:
    """Say where two plans hold different targets that nobody gave: each is eased as far as its replicas need it."""
    then = {(one.metric, one.percentile): one.target_s for one in before.targets}
    moved = [
        f"{one.name} {show_seconds(one.target_s)} where it was {show_seconds(was)}"
        for one in plan.targets
        if targets_by_default(plan.sources, one.metric) and targets_by_default(before.sources, one.metric)
        if (was := then.get((one.metric, one.percentile), one.target_s)) != one.target_s
    ]
    if not moved:
        return ""
    return f"Nobody gave these targets, and they differ: {' and '.join(moved)}, since a request alone takes most of it."
