"""Figures that a line takes for granted and asks to be confirmed: 'so it is 4 GPUs and 2 grand a month, right?'."""

import re
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from agent.interpret.words.numerals import in_figures
from agent.report.words import accelerators_noun
from catalogs.units import GB, HOURS_PER_MONTH, show_count, show_figure, show_seconds, show_usd
from engine.plan import CapacityPlan

_CONFIRM: Final = re.compile(
    r"[\s,;:–—-]+(?:and )?(?:is (?:that|this|it)(?: (?:right|correct|so|true))?|"
    r"(?:that'?s |am i )?(?:right|correct|true)|yes|yeah|no|or (?:am i (?:off|wrong)|not|is it|isn'?t it)|"
    r"am i (?:off|wrong)|innit|oder|stimmt'?s|nicht wahr|"
    r"(?:is|does|are|do)n'?t (?:it|that|they|we)|n'?est-ce pas|verdad|vero)\W*$",
    re.I,
)
"""How a line ends that wants what it says confirmed."""
_OTHERWISE: Final = re.compile(
    r"\b(?:not|never|if|with|without|would|could|can|should|will|how|why|when|which|what|instead|let'?s|make|use|try|"
    r"add|drop|change|set|relax|lower|raise|loosen|tighten|cheaper|faster|under|below|within|than|budget|less|fewer|"
    r"more|extra|another|we have|we'?ve|i have|my|old|last|before)\b|n't\b",
    re.I,
)
"""Words beside which a figure is another's, a wish, or a bound."""
_ABOUT: Final = r"(?:(?:just|only|about|around|roughly|some|like|something|maybe|in all|a total of|then|now)\s+)*"
_IS: Final = (
    r"(?:\b(?:is|are|it'?s|that'?s|there'?s|this is|need|needs|takes?|costs?|makes?|get|gets|means)|,)"
    rf"\s+{_ABOUT}"
)
_NUMBER: Final = r"(?P<number>\d[\d,]*(?:\.\d+)?)"
_TOLERANCE: Final = 0.1
"""Of a figure that is said round: 'about a hundred grand'."""
_UNMARKED_USD: Final = 1000.0
"""A bill of so much is money without a sign: 'two grand a month'."""
_PERIODS: Final = {
    "hour": (1.0, "an hour"),
    "day": (24.0, "a day"),
    "month": (HOURS_PER_MONTH, "a month"),
    "mo": (HOURS_PER_MONTH, "a month"),
    "year": (12 * HOURS_PER_MONTH, "a year"),
}


class _Claim(Struct, frozen=True):
    """A figure that a line says of the plan, and what the plan has."""

    said: float
    has: float
    show: Callable[[float], str]
    unit: str
    exact: bool = False

    @property
    def holds(self) -> bool:
        """Whether the plan has it, a round figure for a near one."""
        return abs(self.said - self.has) <= (0 if self.exact else _TOLERANCE * abs(self.has))

    @property
    def shown(self) -> str:
        """The plan's figure, beside the said one where that is another."""
        return f"{self.show(self.has)}{self.unit}{'' if self.holds else f', not {self.show(self.said)}'}"


def confirmed(text: str, plan: CapacityPlan) -> str:
    """Return the plan's figures beside those that a line wants confirmed; empty where it wants none confirmed.

    'We survive losing 2 GPUs, right?', 'it works with 8 GPUs, right?', 'under 30 ms, right?' say no figure of the plan.
    """
    line = in_figures(text)
    ending = _CONFIRM.search(line)
    if ending is None or _OTHERWISE.search(line[: ending.start()]):
        return ""
    claims = [*_counts(line, plan), *_bills(line, plan), *_speeds(line, plan), *_sizes(line, plan)]
    if not claims:
        return ""
    right = [claim.holds for claim in claims]
    lead = "Yes" if all(right) else "Not quite" if any(right) else "No"
    return f"{lead}: {'; '.join(claim.shown for claim in claims)}. {plan.answer.sentence.rstrip('.')}."


_WEIGHED: Final = re.compile(
    r"(?:\b(?:weights?|model|bf16|fp16|fp8|int8|int4|\d+b)\b[^\d,;]*|= ?)(?P<number>\d[\d,]*(?:\.\d+)?) ?gi?b\b", re.I
)


def _sizes(line: str, plan: CapacityPlan) -> list[_Claim]:
    weights = plan.memory.weights_bytes / GB
    noun = f" GB of weights in {plan.chosen.precision.weights.upper()}"
    return [_Claim(_value(match), weights, show_figure, noun) for match in _WEIGHED.finditer(line)]


def _value(match: re.Match[str]) -> float:
    return float(match["number"].replace(",", ""))


def _counts(line: str, plan: CapacityPlan) -> list[_Claim]:
    fleet, chosen = plan.fleet, plan.chosen
    gpus = fleet.accelerators
    things = (
        (r"gpus?|cards?|accelerators?|h100s?|h200s?|a100s?|b200s?", gpus, accelerators_noun(chosen, gpus)),
        (r"replicas?|copies", fleet.replicas, "replicas"),
        (r"nodes?|servers?|machines?|instances?|boxes", fleet.instances if chosen.offer else 0, "instances"),
    )
    found = [
        _Claim(_value(match), has, show_count, f" {unit}", exact=True)
        for names, has, unit in things
        if has
        for match in re.finditer(
            rf"{_IS}{_NUMBER} (?:[\w-]+ )?(?:{names})\b(?! (?:per|an?|each|of(?! tp))\b)", line, re.I
        )
    ]
    splits = [
        _Claim(_value(match), chosen.tensor_parallel, show_count, " GPUs in TP", exact=True)
        for match in re.finditer(rf"{_IS}tp ?{_NUMBER}\b", line, re.I)
    ]
    return [*found, *splits]


def _bills(line: str, plan: CapacityPlan) -> list[_Claim]:
    monthly, found = plan.cost.monthly_usd, list[_Claim]()
    pattern = (
        rf"(?P<sign>\$ ?)?{_NUMBER}(?P<unit> ?(?:\$|dollars?|usd|bucks|grand))?"
        rf" ?(?:an?|per|/|each|every|the) ?(?P<period>{'|'.join(_PERIODS)})s?\b"
    )
    for match in re.finditer(pattern, line, re.I):
        hours, shown = _PERIODS[match["period"].lower()]
        if monthly is not None and (match["sign"] or match["unit"] or _value(match) >= _UNMARKED_USD):
            found.append(_Claim(_value(match), monthly / HOURS_PER_MONTH * hours, show_usd, f" {shown}"))
    return found


def _speeds(line: str, plan: CapacityPlan) -> list[_Claim]:
    peak = plan.performance.at_peak
    share = re.search(r"\bp(50|90|95|99)\b", line, re.I)
    part = f"p{share[1]}" if share else "p95"
    time = rf"[^\d,;]*(?:p\d\d )?[^\d,;]*{_NUMBER} ?(?P<unit>ms|s|secs?|seconds?)\b"
    found = [
        _Claim(_value(match) / (1000 if match["unit"][0] == "m" else 1), has, show_seconds, f" {name} {part}")
        for name, latency in (("TTFT", peak.ttft_s), ("ITL", peak.itl_s), ("E2E", peak.e2e_s))
        if (has := getattr(latency, part, None)) is not None
        for match in re.finditer(rf"\b{name}\b{time}", line, re.I)
    ]
    power = [
        _Claim(_value(match), plan.energy.watts / 1000, show_figure, " kW at the mean load")
        for match in re.finditer(rf"{_NUMBER} ?(?:kw|kilowatts?)\b", line, re.I)
        if plan.energy
    ]
    return [*found, *power]
