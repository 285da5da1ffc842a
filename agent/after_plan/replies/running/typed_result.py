"""A measurement that is typed, not in a file, beside the forecast: 'we measured 950 ms TTFT p95 at 5 rps'."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec.structs import replace

from agent.after_plan.lines.accounts import figures_in
from agent.after_plan.measured import told_in
from agent.after_plan.replies.asked import LIMITS, LOAD, Asked, paragraphs
from agent.after_plan.replies.billed import Resized
from agent.after_plan.replies.running.held import layout
from agent.after_plan.sums import Explanation
from agent.after_plan.wording.rates import peak_rate, replicas_at
from agent.fields.demand import RATE
from agent.interpret.traffic.peaks import mean_follows, usual_ratio
from agent.report.words import accelerators_noun, calls_shown
from catalogs.errors import InputError
from catalogs.units import show_count, show_figure, show_seconds
from engine.plan import CapacityPlan, Latency, split_shown
from engine.planning.phrases import counted
from engine.workload import Target

_MEASURED: Final = re.compile(
    r"\b(?:measured|benchmarked|observed|clocked|gemessen|mesur[ée]s?|mesurons|medimos|medido|load[- ]?test(?:ed|s)?|"
    r"bench(?:mark)?(?:s|ing)?|our (?:own )?tests?|in (?:production|prod|reality)|genai-perf|guidellm)\b|"
    r"\b(?:we|i) (?:actually |just )?(?:saw|got|had|see|get|ran|are (?:seeing|getting))\b|\bran it\b",
    re.I,
)
_THEN: Final = re.compile(r"\b(?:was|were|today|yesterday|currently|now|last (?:night|week))\b", re.I)
"""Words that say when it was measured."""
_WISHED: Final = re.compile(
    r"\b(?:want|need|target|must|should|shall|goal|slos?|slas?|limit|under|below|within|at most|how|what if|to be)\b",
    re.I,
)
"""Words of a wish or of a question about measuring: no result."""
_ONE: Final = re.compile(
    r"\b(?:one|1|a|single|per|each|every)(?: [\w-]+)? (?:replica|instance|server|pod|copy|pair|box|engine)\b", re.I
)
_UNMARKED: Final = re.compile(
    r"\b(?:ttft|itl|tpot|e2e|latency)(?: (?:at )?(?:mean|average|p\d\d))?(?: (?:of|is|at|about|around)|:| =)? \d{2,5}\b"
    r"(?![.,]?\d| ?(?:ms|milli\w*|s|secs?|seconds?|m|min\w*|rps|qps|req\w*|users|tok\w*|%|percent|/)(?!\w))",
    re.I,
)
"""A measured latency of two digits or more with no unit: milliseconds, as every benchmark prints them."""
_OF_A_SERVER: Final = ("serving.", "precision.", "hardware.accelerators", "tokens.")
"""Beginnings of the paths of what was measured, where a line names it; the rest is the plan's."""


def result_in(asked: Asked) -> Asked | None:
    """Return what a line states as measured, with a latency and the load or the replica that it is of; None for none.

    A sentence that asks or wishes is none: behind 'how do you get 61 ms ITL?' 'our bench shows 34' is of that metric.
    """
    before, parts = "", list[str]()
    for part in _SENTENCE.split(asked.text):
        if _WISHED.search(part) or (part.endswith("?") and not _MEASURED.search(part)):
            before = part
            continue
        parts.append(part)
    stated = replace(asked, text=" ".join(parts))
    if not (_MEASURED.search(stated.text) or told_in(stated.text)):
        return None
    metric = _NAMED.search(before)
    if metric and not _NAMED.search(stated.text) and (bare := _BARE.search(stated.text)):
        return replace(stated, text=f"{stated.text}, {metric[0]} {bare[0].strip()} ms")
    read = _read(stated)
    has_latency = "targets" in read and (read.keys() - {"targets"} or _rate(stated, read))
    return stated if has_latency or _PER_MACHINE.search(stated.figures) else None


_PER_MACHINE: Final = re.compile(
    r"(?<![\w.])(?P<rate>\d+(?:\.\d+)?) ?(?:rps|qps|(?:req(?:uest)?s?|calls?)(?: ?/ ?| per | a )s\w*)"
    r"(?: ?/ ?| per | an? | each | on (?:each|one|an?) )"
    r"(?:(?P<gpu>gpus?|cards?|accelerators?|[abh]\d{2,3})|(?:tp ?\d+ )?replicas?|pods?)\b"
)
"""A measured rate of one machine: 'we measured 1.9 rps per gpu'."""


def _by_measured(plan: CapacityPlan, found: re.Match[str]) -> Explanation:
    """Return the fleet that a rate takes which was measured on an accelerator or a replica, beside the forecast's."""
    size, peak, capacity = plan.chosen.accelerators_per_replica, peak_rate(plan), plan.replica_capacity.requests_per_s
    each = float(found["rate"]) * (size if found["gpu"] else 1)
    mine = f"The forecast has {calls_shown(plan, capacity)} a replica of {size}, and {plan.fleet.replicas} replicas."
    counts = (
        "It counts where it held the targets, at the plan's lengths: with which TTFT was it measured? 'we measured TTFT"
        f" p95 600 ms at {show_figure(each)} rps on one replica' sets it beside the forecast."
    )
    if not peak:
        return paragraphs(mine, counts)
    sized = Resized(plan, replicas_at(plan, peak, each) + plan.fleet.spares)
    return paragraphs(
        f"At your {calls_shown(plan, each)} a replica {calls_shown(plan, peak)} in the busiest hour take"
        f" {sized.replicas} replicas, {sized.accelerators} {accelerators_noun(plan.chosen)}{sized.bill_in_place}."
        f" {mine}",
        counts,
    )


_SENTENCE: Final = re.compile(r"(?<=[?!;])\s+|(?<=\w)\.\s+")
_NAMED: Final = re.compile(r"\b(?:ttft|itl|tpot|e2e)\b", re.I)
_BARE: Final = re.compile(r"(?<![\w.])\d{2,5}(?:\.\d+)?(?= ?ms\b|\W*$)", re.I)


def _read(asked: Asked) -> Mapping[str, Any]:
    """Return what a line says of the server and the load, without the words by which it is no wish."""
    said = _UNMARKED.sub(r"\g<0> ms", _THEN.sub(" ", _MEASURED.sub(" ", asked.text)))
    return asked.ports.read(said, asked.ports.catalog, asked_path=None, known=asked.values).values


def typed_result(asked: Asked) -> Explanation:
    """Return each measured latency beside the forecast of the same replicas at the same load."""
    plan, read = asked.plan, _read(asked)
    if "targets" not in read and (found := _PER_MACHINE.search(asked.figures)):
        return _by_measured(plan, found)
    rate, replicas = _rate(asked, read), int(read.get("hardware.replicas") or (1 if _ONE.search(asked.words) else 0))
    if not replicas and (count := read.get("hardware.accelerator_count")):
        replicas = max(
            1, int(count) // int(read.get("serving.tensor_parallel") or plan.chosen.accelerators_per_replica)
        )
    unsaid = rate is None
    if rate is None:
        replicas = replicas or 1
        rate = plan.performance.at_peak.requests_per_s * replicas
    replicas = replicas or plan.fleet.replicas
    values: dict[str, Any] = {
        **layout(plan),
        **{path: value for path, value in read.items() if path.startswith(_OF_A_SERVER)},
        RATE: rate, "traffic.calls_per_request": 1.0,
        "traffic.peak_factor": 1.0, "hardware.replicas": replicas, "targets": (),
    }  # fmt: skip
    try:
        made = asked.sketch(values, (LIMITS | LOAD | {"availability.spare_replicas"}) - values.keys())
    except InputError as error:
        return paragraphs(f"That cannot be forecast: {error}.")
    if not isinstance(made, CapacityPlan):
        return paragraphs(f"That cannot be forecast: {made.sentence}")
    where = (
        f"{calls_shown(plan, rate)} on {counted(replicas, 'replica')} of"
        f" {split_shown(made.chosen, always='TP1')}, {made.chosen.accelerator_name},"
        f" {made.chosen.precision.weights.upper()}"
    )
    tokens = made.spec.tokens
    return paragraphs(
        *(_beside(made, target, plan, where, rate / replicas) for target in read["targets"]),
        "" if unsaid else _taken_at(plan, read["targets"], rate / replicas),
        f"At which load it was measured was not said: {calls_shown(plan, rate)} is the plan's of a replica in the"
        " busiest hour, and latencies fall with it. Say it, as in 'measured ITL p95 34 ms at 3 rps on one replica'."
        if unsaid
        else "",
        f"Forecast by formula for prompts of {show_count(tokens.input.mean)} and answers of"
        f" {show_count(tokens.output.mean)} tokens with {show_figure(100 * tokens.prefix_hit)}% in the prefix cache,"
        f" served by {made.chosen.runtime}: other lengths, cached prompts or a client far away move it.",
        "The plan is as it was. Files of results calibrate it: 'here is my benchmark: results/'.",
    )


def _taken_at(plan: CapacityPlan, measured: Iterable[Target], each: float) -> str:
    """Say how many replicas the planned peak takes at a measured rate of each, where its latencies are within targets.

    Args:
        plan: with its targets.
        measured: latencies.
        each: requests/s of a replica at which they were measured.
    """
    peak, found = peak_rate(plan), {(one.metric, one.percentile): one.seconds for one in measured}
    kept = [found[key] <= one.target_s for one in plan.targets if (key := (one.metric, one.percentile)) in found]
    if not peak or not kept or not all(kept):
        return ""
    takes = replicas_at(plan, peak, each) + plan.fleet.spares
    return (
        f"At {calls_shown(plan, each)} a replica the planned peak of {calls_shown(plan, peak)} takes {takes} replicas;"
        f" the plan has {plan.fleet.replicas}. '{takes} replicas' plans with so many."
    )


def _rate(asked: Asked, read: Mapping[str, Any]) -> float | None:
    """Return the requests a second that were measured at, as typed: no mean under a peak."""
    typed = next((figure.value for figure in figures_in(asked.words) if figure.kind == "rate"), None)
    rate = read.get(RATE)
    if typed is not None or rate is None:
        return typed
    return float(rate * usual_ratio(asked.values) if mean_follows(asked.values) else rate)


def _beside(made: CapacityPlan, measured: Target, plan: CapacityPlan, where: str, each: float) -> str:
    """Set a measured latency beside the forecast of a replica at its rate.

    Args:
        made: the plan of the replicas that were measured; of more of them where those would not bear the load.
        measured: the latency.
        plan: with the targets.
        where: it was measured.
        each: requests/s of a replica.
    """
    name, seconds = measured.name, measured.seconds
    text = f"Measured {name} {show_seconds(seconds)} at {where}"
    if each > made.replica_capacity.requests_per_s:
        most, full = made.replica_capacity.requests_per_s, made.replica_capacity.saturated_requests_per_s
        text += (
            f"; by the forecast a replica is full there: it is planned to {calls_shown(plan, most)} and does"
            f" {calls_shown(plan, full)}"
        )
    else:
        at: Latency = getattr(made.performance.at_peak, f"{measured.metric}_s")
        forecast = float(getattr(at, measured.percentile))
        times = f"{show_figure(seconds / forecast)} × the forecast"
        bands = made.bands and getattr(made.bands.performance.at_peak, f"{measured.metric}_s")
        band = getattr(bands, measured.percentile, None)
        text += f"; forecast {show_seconds(forecast)}"
        if band and made.bands:
            within = band.low <= seconds <= band.high
            verdict = f"yours is within, {times}" if within else f"yours is outside, {times}: one of the two is off"
            ends = f"{show_seconds(band.low)} to {show_seconds(band.high)}"
            text += f", {ends} in {made.bands.level} of 100 cases: {verdict}"
        else:
            text += f": yours is {times}"
    target = next((t for t in plan.targets if (t.metric, t.percentile) == (measured.metric, measured.percentile)), None)
    if target and seconds > target.target_s:
        text += f". It misses the target of {show_seconds(target.target_s)}: more replicas, less load each"
    return f"{text}."
