"""Why a split, a vendor, a precision, a provider or a term was not chosen, and what each change does alone."""

import re

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.replies.choices.hardware import accelerators_in
from agent.after_plan.replies.choices.sketched import NONE, against, sketched
from agent.after_plan.replies.load import GPUS, NODES, REPLICAS, fleet_holds
from agent.after_plan.replies.running.counted import counted
from agent.after_plan.sums import Explanation, weights_spread
from agent.after_plan.wording.rates import peak_rate
from agent.report.words import accelerators_noun, calls_shown
from agent.talk.answer_display import variant_shown


def why_not(asked: Asked) -> Explanation | None:
    """Return why a split, a vendor, a precision, a provider or a term was not chosen; None for an accelerator."""
    if fewer := _fewer(asked):
        return fewer
    wished = re.sub(
        r"^\W*(?:and |but )?(?:why |how come )?(?:did |do |don't |didn't |isn't |is |not |you |we |it |use |on |with"
        r" |no )*",
        "with ",
        asked.words,
    )
    wished = re.sub(r"^.*\b(?:and|but|,) (?:not|no)\b", "with", wished)
    reading = asked.ports.read(wished, asked.ports.catalog, asked_path=None, known=asked.values)
    # '4-bit' is INT4 here: a question back would lose the rest of the line.
    open_formats = {one.path: one.choices[0].value for one in reading.questions if one.path.startswith("precision.")}
    values = {**open_formats, **reading.values}
    vendor = next(
        (name for name in ("amd", "intel", "google") if asked.has(name) and "hardware.accelerators" not in values), ""
    )
    if vendor:
        return _vendor(asked, vendor)
    changed = {
        path: value
        for path, value in values.items()
        if path.startswith(("serving.", "precision.", "money.")) and value not in (None, ())
    }
    if not changed or accelerators_in(asked):
        return None
    label = ", ".join(variant_shown(path, value) for path, value in changed.items())
    if set(changed) & {"serving.tensor_parallel", "serving.pipeline_parallel", "serving.expert_parallel"}:
        changed["hardware.accelerators"] = (asked.plan.chosen.accelerator,)
    if "serving.tensor_parallel" in changed:
        changed.setdefault("serving.pipeline_parallel", 1)  # TP1 in two stages would be another answer
    ((_, found),) = sketched(asked, ((label, changed, NONE),))
    verdict = against(asked.plan, found)
    spread = "serving.tensor_parallel" in changed and isinstance(found, str)
    return paragraphs(f"With {label} {verdict[:1].lower()}{verdict[1:]}", weights_spread(asked.plan) if spread else "")


def _fewer(asked: Asked) -> Explanation | None:
    """Return what fewer machines would carry: 'why not one GPU', 'why not fewer'; None where no number is named."""
    named = accelerators_in(asked)
    if named and named != (asked.plan.chosen.accelerator,):
        return None
    if beside := None if asked.has(r"tp ?\d+|pp ?\d+") else counted(asked):
        return beside  # of another split it is no number of these replicas
    if asked.has(rf"(?:one|single|two|three|four|five|six|eight|ten|\d+)(?: \w+)? (?:{GPUS}|{NODES}|{REPLICAS})"):
        return fleet_holds(asked)
    if not asked.has("fewer|less"):
        return None
    plan, peak = asked.plan, peak_rate(asked.plan)
    left = plan.fleet.working_replicas - 1
    if not peak or left < 1:
        return paragraphs("One replica is the least: fewer accelerators hold the model in a wider split or not at all.")
    return paragraphs(
        f"One replica fewer, {left} on {left * plan.chosen.accelerators_per_replica} {accelerators_noun(plan.chosen)},"
        f" carries {calls_shown(plan, left * plan.replica_capacity.requests_per_s)} within the targets; the busiest"
        f" hour asks for {calls_shown(plan, peak)}. 'what would make it cheaper' says what lowers the number."
    )


def _vendor(asked: Asked, vendor: str) -> Explanation:
    catalog = asked.ports.catalog
    names = tuple(name for name, entry in catalog.accelerators.items() if vendor in entry.vendor.lower())
    ((_, found),) = sketched(asked, ((vendor, {"hardware.accelerators": names}, NONE),))
    return paragraphs(f"{vendor.upper() if vendor == 'amd' else vendor.capitalize()}: {against(asked.plan, found)}")
