"""The account of a line: its figures and names, and which of them its answer leaves out.

A figure is a number that counts or measures; digits of a name, a percentile, a clock, a date or a file are none. It is
accounted for where the answer shows the same quantity, where rules took it for a changed value, and where the plan has
that quantity: then the answer holds for it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct

from agent.after_plan.acts.phrases import names_in, without_names
from agent.report.blocks import Report
from agent.report.rendering.plain import plain_text
from agent.talk.speech import Data, Say, Talk
from catalogs.errors import quoted
from catalogs.units import MULTIPLIERS, TIME_UNITS
from engine.plan import CapacityPlan, split_shown

_KINDS: Final = {
    "money": r"dollars?|usd|us\$|\$|euros?|eur|€|£|bucks|pounds?|chf|francs?",
    "rate": r"rps|qps|(?:req(?:uest)?s?|queries|calls|anfragen|requêtes|peticiones) ?(?:/|per|a|pro|par|por) ?s\w*",
    "share": r"%|percent|prozent",
    "tokens": r"(?:(?:prompt|input|output) )?tok(?:en)?s?",
    "machines": r"gpus?|cards?|accelerators?|replicas?|nodes?|machines?|instances?|boxes|servers?|spares?",
    "people": r"users?|people|seats?|employees?|colleagues|students|customers?|devs?|developers",
    "factor": r"x|×|times|fold",
    "time": r"sekunden?|segundos?|secondes?|" + "|".join(sorted(TIME_UNITS, key=len, reverse=True)),
}
"""Kinds of quantity, and the words behind a number that make it one; without such a word it may be of any kind."""
_UNIT: Final = "|".join(f"(?P<{kind}>{words})" for kind, words in _KINDS.items())
_FIGURE: Final = re.compile(
    r"(?<![\w.$€£/:-])(?:(?P<sign>[$€£]) ?|(?P<by>×) ?)?(?P<number>\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    rf"(?P<thousands> ?[kmb](?![a-z])| (?:thousand|million|billion|grand)\b)?(?:[ -]?(?:{_UNIT})(?!\w))?"
    r"(?P<of>(?: (?:an?|per|each) [a-z]+)?)(?![\w.]*\d)(?![a-z\d])",
    re.I,
)
_NO_FIGURE: Final = re.compile(
    r"\S+\.[a-z]\w*\b|\b\d{4}-\d\d(?:-\d\d)?\b|\b24/7\b|\b20[2-4]\d\b(?! ?[a-z$%])|"
    r"\b(?:plan|variant|keep|show|compare|full|#) ?\d+(?:(?:,| and| with| vs)+ \d+)*|\b100 ?%|^\s*\d[.)] |"
    r"\b\d{1,2}:\d\d(?! ?-)|\b(?:429|503)s?\b(?! ?\w*(?:rps|qps|req|users|tokens|gpus))|"
    r"\b\d{1,2}(?::\d\d)?-\d{1,2}(?::\d\d)?(?=,|$| ?(?:h|uhr)\b)|\bv?\d+\.\d+\.\d+\b|"
    r"\b(?:fleetcast|vllm|sglang|cuda|gdpr|art\w*)[ @]\d[\d.]*|\bper 1 ?(?:m|k|000)\b|"
    r"\b1 ?(?:m|million|mio) (?:output |input )?tok(?:en)?s?\b|"
    r"\b\d+ (?:short |plain )?(?:sentences?|lines?|bullets?|paragraphs?|slides?)\b",
    re.I,
)
"""Digits of files, days, clocks, plans, versions, refusals and of a list's items; and a whole, which says nothing."""
_CLOSE: Final = 0.006
"""Relative distance within which two figures are shown alike, in three digits."""


class Figure(Struct, frozen=True):
    """A quantity that a text names."""

    words: str
    """As typed."""
    number: float
    kind: str
    """Of ``_KINDS``; empty where nothing says which."""
    value: float
    """In dollars, requests/s, per cent, tokens, machines, people, times or seconds."""

    def is_like(self, other: "Figure") -> bool:
        """Return whether it is the same quantity, as far as kinds are known: a year's sum is that of twelve months."""
        if not self.kind or not other.kind:
            return self._rounds(self.number, other.number)
        if (self.kind, other.kind) == ("share", "factor"):
            return _alike(1 + self.value / 100, other.value) or _alike(1 - self.value / 100, other.value)
        yearly = self.kind == "money" and _alike(self.value, 12 * other.value)
        return self.kind == other.kind and (yearly or self._rounds(self.value, other.value))

    def _rounds(self, mine: float, other: float) -> bool:
        """Return whether a figure of two digits or more is another one that was rounded: 61 of 61.4."""
        places = len(self.words.rstrip(" abcdefghijklmnopqrstuvwxyz/").partition(".")[2])
        near = 0.5 * 10.0**-places / self.number if self.number >= 10.0 and self.words else 0.0
        return abs(mine - other) <= max(_CLOSE, near) * abs(other)


def _alike(one: float, other: float) -> bool:
    return abs(one - other) <= _CLOSE * abs(other)


def figures_in(text: str) -> Iterator[Figure]:
    """Give the figures of a text, in the order in which they stand.

    Args:
        text: a line, or what is said to it.
    """
    bare = without_names(_NO_FIGURE.sub(lambda found: " " * len(found[0]), text))
    for match in _FIGURE.finditer(bare):
        kind = "money" if match["sign"] else next((kind for kind in _KINDS if match[kind]), "")
        if match["by"]:
            kind = "factor"
        elif kind in ("", "factor") and bare[match.end() :].lstrip(" x×")[:1] == "\0":
            kind = "machines"
        number = float(match["number"].replace(",", ""))
        number *= MULTIPLIERS.get((match["thousands"] or "").strip().lower().replace("grand", "k"), 1.0)
        unit = TIME_UNITS.get(match["time"].lower(), 1.0) if kind == "time" else 1.0
        yield Figure(text[match.start() : match.end()].strip(), number, kind, number * unit)


def left_out(line: str, says: Iterable[Say], plan: CapacityPlan, taken: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the figures and names of a line that its answer leaves out, as typed.

    Args:
        says: the answer.
        taken: words of the line that rules took for changed values.
    """
    shown = shown_text(says)
    chosen = plan.chosen
    known = f"{shown} {chosen.accelerator_name} {chosen.model_name} {chosen.precision.weights} {split_shown(chosen)}"
    tails = (float(percent) for percent in re.findall(r"\bp(50|9\d)\b", shown))
    accounted = [*figures_in(shown), *_of_plan(plan), *(Figure("", one, "share", one) for one in tails)]
    accounted += [figure for words in taken for figure in figures_in(words)]
    accounted += [Figure("", float(size), "machines", float(size)) for size in re.findall(r"\b[TPDE]P(\d+)\b", shown)]
    figures = (one.words for one in figures_in(line) if not any(one.is_like(other) for other in accounted))
    return tuple(dict.fromkeys((*figures, *(name for name in names_in(line) if not _is_shown(name, known)))))


_A_WAIT_S: Final = 60.0
"""Seconds below which a time may be a target."""
_HOW_SAID: Final = {
    "rate": "'with 25 rps'", "tokens": "'prompts of 3000 tokens'", "time": "'TTFT p95 within 900 ms'",
    "machines": "'with 16 GPUs'", "share": "'30% prefix hit', 'traffic + 20%'",
    "money": "'$2.50 per GPU-hour' for a price, '$20k a month' for a budget",
    "people": "'with 500 users, 10 questions a day each'",
}  # fmt: skip
"""How a quantity is said that is to change the plan."""


def not_used(line: str, words: tuple[str, ...]) -> str:
    """Return the clause that names what was left out of a line, and how its figures are said.

    Args:
        words: of ``left_out``.
    """
    left = [figure for figure in figures_in(line) if figure.words in words]
    kinds = {figure.kind for figure in left if figure.kind != "time" or figure.value < _A_WAIT_S}
    how = "; ".join(_HOW_SAID[kind] for kind in _HOW_SAID if kind in kinds)
    return f"Not used: {', '.join(quoted(one) for one in words)}.{f' To plan with it say {how}.' if how else ''}"


def shown_text(says: Iterable[Say]) -> str:
    """Return what is said, as plain lines."""
    told = (one.report if isinstance(one, Data) else Report(one.blocks) for one in says if isinstance(one, Data | Talk))
    return "\n".join(map(plain_text, told))


def _is_shown(name: str, text: str) -> bool:
    """Return whether a text has a name: 'qwen 7b' where it shows Qwen2.5 7B, 'tp4' where it shows tensor parallel 4."""
    plain = re.sub(r"\b(tensor|pipeline|data|expert)[ -]parallel ", lambda kind: f"{kind[1][0]}p", text.lower())
    pieces = set(re.findall(r"[a-z]+|\d+(?:\.\d+)?", plain))
    words = re.findall(r"[a-z0-9.]+", name.lower())
    whole = re.sub(r"\W", "", name.lower()).removesuffix("s")
    return whole in re.sub(r"\W", "", plain) or (
        len(words) > 1 and {piece for word in words for piece in re.findall(r"[a-z]+|\d+(?:\.\d+)?", word)} <= pieces
    )


def _of_plan(plan: CapacityPlan) -> Iterator[Figure]:
    """Give the quantities that a plan has and that an answer about it holds for."""
    traffic, tokens, fleet, chosen = plan.spec.traffic, plan.spec.tokens, plan.fleet, plan.chosen
    mean = traffic.requests_per_s or 0.0
    yield from (Figure("", rate, "rate", rate) for rate in (mean, mean * traffic.peak_factor) if rate)
    yield from (Figure("", one, "tokens", one) for one in (tokens.input.mean, tokens.output.mean))
    yield from (Figure("", 1e3 * one.seconds, "time", one.seconds) for one in plan.spec.targets)
    yield from (Figure("", float(one), "machines", float(one)) for one in (fleet.accelerators, fleet.replicas))
    yield Figure("", traffic.peak_factor, "factor", traffic.peak_factor)
    names = f"{chosen.accelerator_name} {chosen.model_name}"
    yield from (Figure("", float(digits), "", float(digits)) for digits in re.findall(r"\d{2,}", names))
