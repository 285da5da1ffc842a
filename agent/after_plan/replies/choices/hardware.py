"""Whether the model runs on hardware that a line names, and what that carries."""

import re
from typing import Any, Final

from agent.after_plan.replies.asked import LIMITS, LOAD, PLACE, Asked, paragraphs
from agent.after_plan.replies.choices.sketched import Change, sketched
from agent.after_plan.replies.load import GPUS
from agent.after_plan.sums import Explanation
from catalogs.errors import AmbiguousName, InputError
from catalogs.records.accelerators import Accelerator
from catalogs.units import GIB, show_rate, show_seconds
from engine.plan import CapacityPlan

_CODE: Final = re.compile(
    r"\b(?:rtx ?)?(?:[1-5]0[5-9]0(?: ?ti| ?super)?|a\d000)s?\b|\b(?:v100|p40|p100|m40|gh200|dgx"
    r" spark|mac\w*|[a-z]+\d{1,4}[a-z]*)s?\b"
)


def accelerators_in(asked: Asked) -> tuple[str, ...]:
    """Return the accelerators that a line names."""
    values = asked.reading().values
    named = values.get("hardware.accelerators", ()) or values.get("hardware.excluded", ())
    return tuple(named) or tuple(filter(None, (_accelerator(match[0], asked) for match in _CODE.finditer(asked.words))))


def _accelerator(name: str, asked: Asked) -> str | None:
    """Return the entry that a name alone means, the first of several; None for no accelerator."""
    try:
        return asked.ports.catalog.accelerator(name.removesuffix("s")).id
    except AmbiguousName as several:
        return several.hits[0]
    except InputError:
        return None


_RUNS: Final = r"runs?|fits?|works?|hold|enough|do|serve|possible|load"


def _forms(asked: Asked, accelerator: Accelerator, memory_gb: float) -> str:
    """Say which accelerators of a name have which memory, where a line says that one has so much."""
    first = accelerator.name.split()[0]
    alike = [one for one in asked.ports.catalog.accelerators.values() if one.name.split()[0] == first]
    shown = ", ".join(f"{one.name} {one.memory_gib:g} GiB" for one in alike)
    other = next((one for one in alike if abs(one.memory_gib / memory_gb - 1) < 0.03), None)
    then = f" 'on {other.id}' plans with that of {memory_gb:g} GB." if other and other.id != accelerator.id else ""
    offer = asked.plan.chosen.offer
    whose = f", which is what {offer.provider}'s {offer.instance} has" if offer else ""
    return f"The plan is on {asked.plan.chosen.accelerator_name}{whose}. Of that name there are: {shown}.{then}"


def runs_on(asked: Asked) -> Explanation:
    """Return whether the model fits the hardware that is named, how many of it, and what those carry."""
    plan = asked.plan
    named = accelerators_in(asked)
    if not named:
        if asked.has(r"laptop|cpu|mac\w*|workstation|\d+ ?gb|home|consumer hardware|gaming"):
            size = plan.memory.weights_bytes
            return paragraphs(
                "Name the accelerator and I can say ('would it run on a 4090'). The weights alone take"
                f" {size / GIB:.0f} GiB in {plan.chosen.precision.weights.upper()}, about"
                f" {size / GIB / (2 if plan.chosen.precision.weights == 'fp8' else 4):.0f} GiB in INT4, and the KV"
                " cache comes on top: more than that must be there."
            )
        return paragraphs("On which accelerator? For example 'would it run on my 4090'.")
    accelerator = asked.ports.catalog.accelerators[named[0]]
    if (memory := re.search(r"\b(?:has|have|comes? with|is|with) (\d{2,3}) ?gb\b", asked.words)) and not asked.has(
        _RUNS
    ):
        return paragraphs(_forms(asked, accelerator, float(memory[1])))
    in_one = asked.said("hardware.accelerators_per_node")
    count = (
        (asked.said("hardware.nodes") or 1) * in_one
        if in_one
        else asked.said("hardware.accelerator_count") or asked.count_of(rf"(?:{GPUS}|[a-z]*\d[\w-]*)") or 1
    )
    count = 1 if re.search(rf"\b{count}\b", accelerator.name) else count  # '4080 16 gb' names one of them
    alone, label = f"{count} × {accelerator.name}", f"{accelerator.name}"
    free = LIMITS | {"availability.spare_replicas", "serving.tensor_parallel", "serving.pipeline_parallel", *PLACE}
    values: dict[str, Any] = {"hardware.accelerators": (accelerator.id,)}
    changes: tuple[Change, ...] = (
        (alone, {**values, "hardware.accelerator_count": count}, free | LOAD),
        (f"{alone} in INT4", {**values, "hardware.accelerator_count": count, "precision.weights": "int4"}, free | LOAD),
        (f"the whole load on {label}", values, free),
    )
    (_, first), (_, fewer_bits), (_, whole) = sketched(asked, changes)
    texts = []
    if isinstance(first, CapacityPlan) and first.answer.meets_targets:
        texts.append(
            f"Yes: {alone} runs it, up to {show_rate(first.answer.holds_to_requests_per_s)} in the busiest hour."
        )
    elif isinstance(first, CapacityPlan):
        texts.append(
            f"It fits, but {alone} cannot meet the targets: TTFT p95"
            f" {show_seconds(first.performance.at_peak.ttft_s.p95)}, ITL"
            f" {show_seconds(first.performance.at_peak.itl_s.mean)} even when little is asked."
        )
    else:
        texts.append(f"No, not on {alone}: {first.removeprefix('cannot: ')}.")
        texts.append(
            f"In INT4 it fits: up to {show_rate(fewer_bits.answer.holds_to_requests_per_s)}."
            if isinstance(fewer_bits, CapacityPlan)
            else f"In INT4: {fewer_bits.removeprefix('cannot: ')}."
        )
    if isinstance(whole, CapacityPlan) and whole.answer.meets_targets:
        texts.append(
            f"For the whole load it takes {whole.fleet.accelerators} of them ({whole.fleet.replicas} replicas of"
            f" {whole.chosen.accelerators_per_replica})."
        )
    else:
        if isinstance(whole, str):
            reason = whole.removeprefix("cannot: ")
        else:
            ttft, itl = whole.performance.at_peak.ttft_s.p95, whole.performance.at_peak.itl_s.mean
            reason = f"it misses the targets, at best TTFT p95 {show_seconds(ttft)} and ITL {show_seconds(itl)}"
        texts.append(f"The whole load cannot be served on {label}, however many: {reason}.")
    return paragraphs(*texts)
