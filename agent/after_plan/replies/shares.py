"""A part of the traffic that another model answers, or that has a target of its own: a fleet for each, and the sum."""

import re
from typing import Any, Final

from agent.after_plan.replies.asked import LIMITS, Asked, paragraphs
from agent.after_plan.sums import Explanation
from agent.fields.demand import RATE
from agent.report.words import accelerators_noun, singular, usd_shown
from agent.talk.state import joined_targets
from catalogs.errors import AmbiguousName, InputError
from catalogs.units import TIME_UNITS, show_count, show_percent, show_rate, show_seconds
from engine.plan import CapacityPlan, NoPlan
from engine.workload import Target

_IN_WORDS: Final = {
    word: 1 / parts
    for parts, words in (
        (2, "half|hälfte|moitié|mitad|metà|metade|helft|połowa|połowę|一半|半分"),
        (3, "a third|drittel|un tiers"), (4, "a quarter|viertel|un quart"),
    )
    for word in words.split("|")
}  # fmt: skip
_SHARE: Final = re.compile(
    rf"(?<![\w.])(\d{{1,2}}(?:\.\d+)?) ?(?:%|percent|prozent)|(?<![a-z])({'|'.join(_IN_WORDS)})(?![a-z])", re.I
)
_SIZE: Final = re.compile(r"(?<![\w.$])(\d{1,3}(?:\.\d)?) ?b\b(?! ?(?:requests|tokens|calls))", re.I)
_ROUTED: Final = re.compile(
    r"\b(?:for|to|rout\w+|send\w*|handles?|takes?|answers?|goes|go|instead|in place|en lugar|para|für|statt|pour|"
    r"anstelle|au lieu|por|auf|sur|al|sul|na|op|umleit\w*|leit\w*)\b|转|给|に",
    re.I,
)
_OTHER_SHARES: Final = re.compile(
    r"\b(?:cach\w*|prefix\w*|hits?|discount\w*|utili\w+|cheaper|less|more|growth|off)\b", re.I
)
_TIME: Final = r"(\d+(?:\.\d+)?) ?(ms|s|secs?|seconds?)\b"
_CLASSES: Final = re.compile(
    rf"(?<![\w.])(?P<share>\d{{1,2}}(?:\.\d+)?) ?%[^;]*?{_TIME}[^;]*?\b(?:others?|rest|remaining|everyone else|free)\b"
    rf"[^;]*?{_TIME}",
    re.I,
)


def is_shared_out(text: str) -> bool:
    """Return whether a line gives a part of the traffic to another model, or a target of its own."""
    routed = all(pattern.search(text) for pattern in (_SHARE, _SIZE, _ROUTED)) and not _OTHER_SHARES.search(text)
    return routed or _CLASSES.search(text) is not None


def shared_out(asked: Asked) -> Explanation | None:
    """Return a fleet for each part of the traffic and what both cost together; None where a line names no parts."""
    rate = asked.plan.spec.traffic.requests_per_s
    if not rate or not is_shared_out(asked.text):
        return None
    if classes := _CLASSES.search(asked.text):
        share = float(classes["share"]) / 100
        own, others = (float(classes[at]) * TIME_UNITS[classes[at + 1].lower()] for at in (2, 4))
        parts = [
            (part, f"a TTFT p95 of {show_seconds(s)}", _target(asked, s))
            for part, s in ((share, own), (1 - share, others))
        ]
        caveat = "One fleet that serves one class first would take less than both; priorities are not planned here."
    else:
        found = _SHARE.search(asked.words)
        share = 0.5 if found is None else _IN_WORDS[found[2]] if found[2] else float(found[1]) / 100
        model = other_model(asked)
        if model is None:
            return None
        drops = {"model": model}
        parts = [(share, asked.ports.catalog.models[model].name, drops), (1 - share, asked.plan.chosen.model_name, {})]
        caveat = "Which requests the other model answers well enough, and the router's own errors, are not judged here."
    return paragraphs(*_beside_each_other(asked, rate, parts), caveat)


def _target(asked: Asked, seconds: float) -> dict[str, Any]:
    new = (Target(metric="ttft", percentile="p95", seconds=seconds),)
    return {"targets": joined_targets(asked.plan.spec.targets, new, replace_metric=True)}


def other_model(asked: Asked) -> str | None:
    """Return the entry of the model that a line names beside the plan's: a bare size is one of the plan's family."""
    catalog, own = asked.ports.catalog, asked.plan.chosen.model
    sizes = [size for size in _SIZE.findall(asked.words) if f"{size}b" not in own]
    if sizes and (kin := re.sub(r"\d+(?:\.\d+)?b\b", f"{sizes[0]}b", own)) in catalog.models:
        return kin
    reading = asked.reading()
    asks = [one.choices[0].value for one in reading.questions if one.path == "model" and one.choices]
    named = reading.values.get("model") or (asks[0] if asks else f"{sizes[0]}b" if sizes else None)
    try:
        found = catalog.model(named).model.id if isinstance(named, str) else None
    except AmbiguousName as several:
        found = several.hits[0]
    except InputError:
        found = None
    return None if found == own or found not in catalog.models else found


def _beside_each_other(asked: Asked, rate: float, parts: list[tuple[float, str, dict[str, Any]]]) -> tuple[str, ...]:
    """Return a sentence of each part's fleet, and of both together beside the plan."""
    plan, told = asked.plan, list[str]()
    fleets: list[CapacityPlan] = []
    split = frozenset({"serving.tensor_parallel", "serving.pipeline_parallel", "serving.expert_parallel"})
    for share, what, values in parts:
        lead = f"{show_percent(share)} with {what}, {show_rate(share * rate)} on average"
        try:
            made = asked.sketch_priced({**values, RATE: share * rate}, LIMITS | split)
        except InputError as error:
            return (f"{lead}: cannot be planned: {error}.",)
        if isinstance(made, NoPlan) or not made.answer.meets_targets:
            return (f"{lead}: cannot meet the targets, however many there are.",)
        fleets.append(made)
        told.append(
            f"{lead}: {show_count(made.fleet.accelerators)} × {made.chosen.accelerator_name},"
            f" {usd_shown(made.cost.monthly_usd)} a month, TTFT p95 {show_seconds(made.peak_latency_s('ttft', 'p95'))}."
        )
    bills = [made.cost.monthly_usd for made in fleets]
    usd = None if None in bills else sum(bill or 0.0 for bill in bills)
    now = plan.cost.monthly_usd
    moved = f", {usd / now - 1:+.0%}".replace("-0%", "the same").replace("+0%", "the same") if usd and now else ""
    together = (
        f"Together {show_count(sum(made.fleet.accelerators for made in fleets))} {accelerators_noun(plan.chosen)},"
        f" {usd_shown(usd)} a month, in place of {plan.fleet.accelerators} and {usd_shown(now)}{moved}; each part with"
        " the plan's lengths and its own whole instances."
    )
    return (*map(singular, told), together)
