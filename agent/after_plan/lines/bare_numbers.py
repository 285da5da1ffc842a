"""A line after a plan that is a number or a time alone: of which quantity it is asked, the nearest first."""

import re
from collections.abc import Mapping
from math import log
from typing import Any, Final

from msgspec.structs import replace

from agent.fields.demand import AT_PEAK, GIVEN_AS, RATE
from agent.interpret.facts.reading import Ambiguity, Choice
from agent.interpret.traffic.peaks import load_shown, mean_follows, usual_ratio
from agent.interpret.words.numerals import in_figures
from agent.report.words import accelerators_noun
from agent.talk.answer_display import variant_shown
from catalogs.units import MULTIPLIERS, TIME_UNITS
from engine.plan import CapacityPlan
from engine.workload import Target

_NUMBER: Final = re.compile(
    r"[^\w+%-]*(?:(?:no|nope|wait|sorry|actually|rather|hm+|make (?:it|that)|i meant?)\b[^\w+%-]+)*"
    r"(?P<number>\d+(?:,\d{3})*(?:\.\d+)?)(?P<thousands>k?)[^\w+%-]*|"
    r"\W*(?:(?:and|ok|then|so|now|say|with|within|under|in|at|make it|what (?:if|about)|mit|avec|con)\W+)*"
    r"(?P<time>\d+(?:\.\d+)?) ?(?P<unit>ms|s|secs?|seconds?|millis\w*)\b(?: (?:then|instead|please|pls))*\W*",
    re.I,
)
_MOST: Final = 4
"""Quantities that are offered."""
_MOST_OF_ALL: Final = 1e12
"""Above it a number counts nothing that is planned."""
_FAR: Final = 20.0
"""Times a quantity of the plan, or part of it, that nobody means by a number alone."""


def number_asked(text: str, plan: CapacityPlan, base: Mapping[str, Any]) -> Ambiguity | None:
    """Return the question which quantity a number alone is; None where a line is none, or near nothing of the plan.

    Args:
        text: the line: '500'.
    """
    match = _NUMBER.fullmatch(in_figures(text))
    if match is None:
        return None
    if match["unit"]:
        return _time_asked(text.strip(), float(match["time"]) * TIME_UNITS.get(match["unit"].lower(), 1e-3), plan)
    number = float(match["number"].replace(",", "")) * MULTIPLIERS.get(match["thousands"].lower(), 1.0)
    near = sorted(
        ((abs(log(number / old)), at, choice) for at, (old, choice) in enumerate(_choices(number, plan, base))),
        key=lambda one: one[:2],
    )
    choices = tuple(choice for far, _, choice in near if far <= log(_FAR))[:_MOST]
    if not choices:
        return None
    return Ambiguity(f"{text.strip()}: of what?", choices[0].path, choices, text.strip())


def _time_asked(text: str, seconds: float, plan: CapacityPlan) -> Ambiguity | None:
    """Return the question which of the plan's latencies a time is to limit; None where it is far from all of them."""
    near = sorted(
        (abs(log(seconds / one.target_s)), at, Target(metric=one.metric, percentile=one.percentile, seconds=seconds))
        for at, one in enumerate(plan.targets if seconds else ())
    )
    choices = tuple(
        Choice((wanted,), variant_shown("targets", (wanted,)), "targets") for far, _, wanted in near if far <= log(_FAR)
    )
    return Ambiguity(f"{text}: of what?", "targets", choices, text) if choices else None


def _choices(number: float, plan: CapacityPlan, base: Mapping[str, Any]) -> list[tuple[float, Choice]]:
    """Return what the number would be, each with what the plan has of it."""
    if not 0 < number < _MOST_OF_ALL:
        return []
    found: list[tuple[float, Choice]] = []
    if rate := base.get(RATE):
        ratio = usual_ratio(base) if mean_follows(base) else 1.0
        mean, also = number / ratio, {GIVEN_AS: AT_PEAK} if mean_follows(base) else {}
        shown = load_shown(mean, {**base, RATE: mean, **also})
        found.append((rate * ratio, Choice(mean, shown, RATE, also=also)))
    for target in base.get("targets", ()):
        scale = 1e-3 if number >= 1e3 * target.seconds / _FAR else 1.0
        wanted = (replace(target, seconds=number * scale),)
        found.append((target.seconds / scale, Choice(wanted, variant_shown("targets", wanted), "targets")))
    if number == int(number):
        tokens = ((path, base.get(path)) for path in ("tokens.output.mean", "tokens.input.mean"))
        found += [(old, Choice(number, variant_shown(path, number), path)) for path, old in tokens if old]
        count, noun = int(number), accelerators_noun(plan.chosen, int(number))
        found.append((plan.fleet.accelerators, Choice(count, f"{count} {noun} in all", "hardware.accelerator_count")))
    return found
