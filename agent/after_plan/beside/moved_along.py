"""What a change moved that it did not name: the accelerator, the split, the size of a replica; what each would cost."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from agent.after_plan.variants import SPLIT_PATHS, varied_spec, versus
from agent.report.choice.shortfalls import floor_of, missed_shown
from agent.report.words import accelerators_noun, singular
from agent.talk.requests import Variation
from agent.talk.speech import Say, said
from agent.talk.state import Branch, Ports, State
from catalogs.errors import InputError
from catalogs.units import show_count
from engine.plan import CapacityPlan, split_shown


def moved_along(state: State, branch: Branch, change: Variation, ports: Ports) -> tuple[Say, ...]:
    """Say that a change moved the accelerator or the split, which it did not name, and what they would be held."""
    plan, before = branch.capacity_plan, state.branches[branch.against].capacity_plan
    if plan and (wider := _wider(plan, state, change, ports) or _in_stages(plan, branch, state, change, ports)):
        return (said(wider),)
    named = change.drops | change.values.keys()
    if plan is None or before is None or floor_of(plan) or named & {"hardware.accelerators", "hardware.excluded"}:
        return ()
    old, new, held = before.chosen, plan.chosen, {"hardware.accelerators": (before.chosen.accelerator,)}
    if old.accelerator != new.accelerator:
        what, now = old.accelerator_name, new.accelerator_name
    elif split_shown(old) != split_shown(new) and not any(path in named for path in SPLIT_PATHS):
        what, now = split_shown(old), split_shown(new)
        held |= {path: getattr(old, path.removeprefix("serving.")) for path in SPLIT_PATHS}
    else:
        return ()
    other = _held(replace(state, kept=branch.number), held, ports)
    if isinstance(other, str):
        why = other
    else:
        best = missed_shown(other)
        why = f"it cannot meet the targets, at best {best}" if best else f"it would be {versus(other, plan)}"
    return (said(f"{now} in place of {what} comes with the change: with {what} {why}."),)


def _wider(plan: CapacityPlan, state: State, change: Variation, ports: Ports) -> str:
    """Return the replicas of another size of which a wished number would do; empty where the number does as it is."""
    wanted = change.values.get("hardware.replicas")
    if wanted is None or plan.fleet.replicas <= wanted or change.values.keys() & set(SPLIT_PATHS):
        return ""
    other = _held(state, {**change.values, "hardware.accelerators": (plan.chosen.accelerator,)}, ports)
    if isinstance(other, str) or not other.answer.meets_targets or other.fleet.replicas > wanted:
        return f"No replica of another size makes {wanted} enough."
    split = split_shown(other.chosen)
    ones = "one" if wanted == 1 else "ones"
    plans = f"'{wanted} replicas of {split}' plans that."
    return singular(f"{wanted} larger {ones} would do, of {split}: {versus(other, plan)}. {plans}")


def _in_stages(plan: CapacityPlan, branch: Branch, state: State, change: Variation, ports: Ports) -> str:
    """Say why a split that was asked for needs stages as well; empty where it stands as it was asked for."""
    wanted, chosen = change.values.get("serving.tensor_parallel"), plan.chosen
    if not wanted or chosen.pipeline_parallel == 1 or "serving.pipeline_parallel" in change.values:
        return ""
    other = _held(replace(state, kept=branch.number), {"serving.pipeline_parallel": 1}, ports)
    if isinstance(other, CapacityPlan):
        return f"TP{wanted} alone would do: {versus(other, plan)}."
    what = f"{show_count(wanted)} {accelerators_noun(chosen, wanted)} a replica"
    return f"Not {what}: {other}. So it is {split_shown(chosen)}, {chosen.accelerators_per_replica} a replica."


def _held(state: State, values: Mapping[str, Any], ports: Ports) -> CapacityPlan | str:
    """Return the kept plan's with values held, by the formulas, or why it cannot be."""
    try:
        made = ports.sketch(varied_spec(state, Variation(values, {}, ""), ports).spec)
    except InputError as error:
        return str(error)
    return made if isinstance(made, CapacityPlan) else made.reason
