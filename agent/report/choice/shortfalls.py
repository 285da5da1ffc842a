"""What a plan falls short of: targets that no number of accelerators meets, replicas that are too few for the load."""

from typing import Final

from agent.report.words import calls_shown, fleet_shown, singular
from catalogs.units import show_seconds
from engine.plan import CapacityPlan, split_shown

_CEILINGS: Final = (
    "accelerator_count", "nodes", "replicas", "max_accelerators", "max_nodes", "max_replicas", "max_power_kw",
)  # fmt: skip
"""What limits a fleet because someone said so."""


def missed_shown(plan: CapacityPlan) -> str:
    """Return the targets that a plan misses, each with its forecast: 'TTFT p99 953 ms of 500 ms'."""
    return " and ".join(
        f"{one.name} {show_seconds(one.forecast_s)} of {show_seconds(one.target_s)}"
        for one in plan.targets
        if not one.met
    )


def floor_of(plan: CapacityPlan) -> str:
    """Say which targets a plan misses however many accelerators there are; empty where a limit that was set is why."""
    first = next((result for result in plan.targets if not result.met), None)
    if first is None or any(getattr(plan.spec.hardware, name) for name in _CEILINGS):
        return ""
    chosen = plan.chosen
    wider = f"{first.name} {show_seconds(float(f'{first.forecast_s * 1.1:.2g}'))}"
    return (
        f"{chosen.accelerator_name} cannot meet the targets for {chosen.model_name} in "
        f"{chosen.precision.weights.upper()}, however many there are: at best {missed_shown(plan)}, in replicas of "
        f"{chosen.accelerators_per_replica} ({split_shown(chosen)}). More of them shorten the wait alone; a wider "
        f"target ('with {wider}'), shorter prompts or another accelerator would do."
    )


def named_fleet(plan: CapacityPlan) -> dict[str, int]:
    """Return the replicas or accelerators that were named as all there are, by path; empty where none were."""
    hardware = plan.spec.hardware
    if replicas := hardware.replicas or hardware.max_replicas:
        return {"hardware.replicas": replicas}
    count = hardware.accelerator_count or hardware.max_accelerators
    return {"hardware.accelerator_count": count} if count else {}


def too_few(plan: CapacityPlan) -> str:
    """Say what a number of replicas or accelerators carries that is not enough for the load; empty where it is."""
    peak, named = plan.spec.traffic.peak_calls_per_s, named_fleet(plan)
    accelerators = named.get("hardware.accelerator_count", 0)
    wanted = named.get("hardware.replicas", accelerators // plan.chosen.accelerators_per_replica)
    if not wanted or plan.fleet.replicas <= wanted or not peak:
        return ""
    each, chosen = plan.replica_capacity, plan.chosen
    saturated = wanted * each.saturated_requests_per_s
    then = (
        f"queues grow by {calls_shown(plan, peak - saturated)}" if saturated < peak else "they are served, but too late"
    )
    return singular(
        f"Too few: {wanted} replicas of {split_shown(chosen, always='')}, {wanted * chosen.accelerators_per_replica} ×"
        f" {chosen.accelerator_name}, carry {calls_shown(plan, wanted * each.requests_per_s)} within the targets of the"
        f" {calls_shown(plan, peak)} in the busiest hour. Saturated they do {calls_shown(plan, saturated)}: {then}. It"
        f" takes {plan.fleet.replicas} replicas, {fleet_shown(plan)}."
    )
