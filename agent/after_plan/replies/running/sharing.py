"""A second workload beside the plan's: one fleet, shared cards, or apart."""

import re
from typing import Any, Final

from msgspec.structs import replace

from agent.after_plan.replies.asked import LIMITS, Asked, paragraphs
from agent.after_plan.sums import Explanation
from agent.after_plan.variants import varied_spec
from agent.after_plan.wording.rates import carried_rate, peak_rate
from agent.fields.table import FIELDS
from agent.interpret.traffic.peaks import load_shown
from agent.report.choice.shortfalls import floor_of
from agent.report.words import accelerators_noun, calls_shown
from agent.talk.answer_display import variant_shown
from agent.talk.requests import Variation
from engine.plan import CapacityPlan
from engine.workload import WorkloadSpec

_WORKLOAD: Final = ("model", "architecture", "traffic.", "tokens.", "targets", "precision.", "serving.", "preset")
"""Paths of what a workload says of itself; hardware and money are the plan's."""
_PAIR: Final = re.compile(r"(?<![\w/.])(\d[\d,.]*k?)/(\d[\d,.]*k?)(?![\w/])", re.I)
"""Prompt and answer: '400/12'."""
_TAKEN: Final = ("traffic.requests_per_s", "tokens.input.mean", "tokens.output.mean")
ASK: Final = (
    "Name the second workload, its model, rate and lengths: 'and a second workload: qwen3 4b, 3 requests/s, 500 tokens"
    " in, 200 out'. Outside, `fleetcast pool --spec a.toml --spec b.toml` takes up to four."
)


def pool(asked: Asked) -> Explanation:
    """Return whether a second workload shares the plan's fleet, its cards, or stays apart."""
    from agent.report.choice.pool_report import pool_report
    from engine.choice.sharing.ways import together

    second = _said(asked) or _other_variant(asked)
    if second is None:
        return paragraphs(_room(asked.plan), ASK)
    name, spec, note = second
    first = asked.plan.chosen.model_name
    names = (first, f"{name} (the second)" if name == first else name)
    result = together([(names[0], asked.plan.spec), (names[1], spec)], asked.ports.catalog)
    if isinstance(result, str):
        alone = asked.ports.sketch(spec if result == names[1] else asked.plan.spec)
        why = floor_of(alone) if isinstance(alone, CapacityPlan) else alone.reason
        return paragraphs(note, f"Nothing meets the targets of {result} alone, so that it shares nothing either.", why)
    idle = asked.plan.fleet.billed_accelerators - asked.plan.fleet.accelerators
    room = (
        f"{idle} of the {accelerators_noun(asked.plan.chosen)} that the plan is billed for run nothing: a second"
        " workload that takes no more of them adds nothing to the bill."
        if idle > 0
        else ""
    )
    return (*paragraphs(note, room), *pool_report(result).blocks)


def _room(plan: CapacityPlan) -> str:
    """Say how much more of its own kind the plan's fleet takes in the busiest hour and on average."""
    peak, carried = peak_rate(plan), carried_rate(plan)
    if not peak:
        return ""
    mean = peak / plan.spec.traffic.peak_factor
    return (
        f"Of the same model and lengths the fleet takes {calls_shown(plan, carried - peak)} more in the busiest hour,"
        f" and {calls_shown(plan, carried - mean)} more around the mean, where a workload of other hours finds room."
    )


def _said(asked: Asked) -> tuple[str, WorkloadSpec, str] | None:
    """Return the workload that the line names, with what it takes over from the plan; None where it names none."""
    reading = replace(asked, text=_PAIR.sub(r"\1 tokens in, \2 tokens out", asked.text)).reading()
    # The newest of a name comes first; a question back would lose the rest of the line.
    named = {one.path: one.choices[0].value for one in reading.questions if one.path == "model"}
    values = {
        path: value
        for path, value in {**named, **reading.values}.items()
        if path.startswith(_WORKLOAD) and value not in (None, ())
    }
    if "model" not in values and not {path for path in values if path.startswith(("traffic.", "tokens."))}:
        return None
    split = frozenset(path for path in FIELDS if path.startswith("serving.") and path.endswith("_parallel"))
    drops = LIMITS | split

    def resolved() -> WorkloadSpec:
        return varied_spec(asked.state, Variation(values, {}, "", drops), asked.ports).spec

    spec = resolved()
    if asked.ports.catalog.model(spec.model).model.id != asked.plan.chosen.model:
        drops |= {path for path in ("precision.weights", "precision.kv_cache", "architecture") if path not in values}
        spec = resolved()
    taken = [path for path in _TAKEN if path not in values]
    kept = ", ".join(variant_shown(path, _value(spec, path)) for path in taken if _value(spec, path) is not None)
    note = f"Of the second workload, as in the plan: {kept}." if kept else ""
    rate = {_TAKEN[0]: load_shown(values[_TAKEN[0]], asked.values)} if _TAKEN[0] in values else {}
    said = ", ".join(rate.get(path) or variant_shown(path, value) for path, value in values.items())
    return asked.ports.catalog.model(spec.model).model.name, spec, f"The second workload: {said}. {note}".strip()


def _other_variant(asked: Asked) -> tuple[str, WorkloadSpec, str] | None:
    """Return the last variant of the conversation with another model or load than the kept one; None without one."""
    base = asked.state.base
    for branch in reversed(asked.state.branches):
        plan = branch.capacity_plan
        mine, its = base.spec, branch.spec
        if (
            plan
            and branch is not base
            and (its.model, its.traffic, its.tokens) != (mine.model, mine.traffic, mine.tokens)
        ):
            label = branch.label if branch.number else "the first plan"
            return plan.chosen.model_name, its, f"Variant {branch.number} ({label}) beside {base.number}."
    return None


def _value(spec: WorkloadSpec, path: str) -> Any:
    value: Any = spec
    for name in path.split("."):
        value = getattr(value, name)
    return value
