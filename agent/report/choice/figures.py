"""The figures by which plans are compared: each once, for tables, CSV, JSON, --sort and --where."""

import operator
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Final

from msgspec import Struct

from agent.report.words import usd_shown
from catalogs.errors import InputError, listed, quoted
from catalogs.units import read_count, read_seconds, read_share, read_usd, show_count, show_percent, show_seconds
from engine.plan import CapacityPlan


class Figure(Struct, frozen=True):
    """One figure of a plan."""

    unit: str
    """Of its value."""
    of: Callable[[CapacityPlan], float | None]
    shown: Callable[[float], str]
    read: Callable[[str], float]
    """What a person types, in the unit."""


def _count(of: Callable[[CapacityPlan], float | None]) -> Figure:
    return Figure("", of, show_count, read_count)


def _seconds(of: Callable[[CapacityPlan], float | None]) -> Figure:
    return Figure("s", of, show_seconds, lambda text: read_seconds(text, unit="s"))


def _usd(of: Callable[[CapacityPlan], float | None]) -> Figure:
    return Figure("USD", of, usd_shown, read_usd)


FIGURES: Final[Mapping[str, Figure]] = {
    "gpus": _count(lambda plan: plan.fleet.accelerators),
    "gpus-high": _count(lambda plan: plan.bands.fleet.accelerators.high if plan.bands else None),
    "replicas": _count(lambda plan: plan.fleet.replicas),
    "in-flight": _count(lambda plan: plan.performance.at_peak.in_flight),
    "ttft-p95": _seconds(lambda plan: plan.peak_latency_s("ttft", "p95")),
    "ttft-p99": _seconds(lambda plan: plan.peak_latency_s("ttft", "p99")),
    "itl": _seconds(lambda plan: plan.performance.at_peak.itl_s.mean),
    "itl-p95": _seconds(lambda plan: plan.peak_latency_s("itl", "p95")),
    "e2e-p95": _seconds(lambda plan: plan.peak_latency_s("e2e", "p95")),
    "utilisation": Figure("", lambda plan: plan.performance.at_peak.utilisation, show_percent, read_share),
    "monthly": _usd(lambda plan: plan.cost.monthly_usd),
    "autoscaled": _usd(lambda plan: plan.cost.autoscaled_monthly_usd),
    "per-million": _usd(lambda p: p.cost.usd_per_million_tokens.blended if p.cost.usd_per_million_tokens else None),
    "kwh": _count(lambda plan: plan.energy.kwh_per_month if plan.energy else None),
    "holds-to": _count(lambda plan: plan.answer.holds_to_requests_per_s),
}
"""By the name with which one sorts and filters; all at the peak hour, money a month or per million tokens."""

_CONDITION: Final = re.compile(r"\s*([a-z0-9-]+)\s*(<=|>=|<|>|=)\s*(\S.*?)\s*")
_COMPARED: Final = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}


def figure_called(name: str) -> Figure:
    """Return the figure of that name; raises InputError where there is none."""
    if name not in FIGURES:
        near = get_close_matches(name, FIGURES, n=1, cutoff=0.5)
        known = f"did you mean {near[0]}?" if near else f"there are {listed(tuple(FIGURES))}"
        raise InputError(f"{quoted(name)} is no figure of a comparison; {known}")
    return FIGURES[name]


def condition(text: str) -> Callable[[CapacityPlan], bool]:
    """Return what a condition such as 'monthly<20000' or 'ttft-p95<=800ms' says of a plan.

    Raises InputError where it cannot be read.
    """
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise InputError(f"--where {quoted(text)} is not a figure, a sign and a value, such as monthly<20000")
    figure = figure_called(found[1])
    limit, holds = figure.read(found[3]), _COMPARED[found[2]]

    def said(plan: CapacityPlan) -> bool:
        value = figure.of(plan)
        return value is not None and bool(holds(value, limit))

    return said


def sort_key(text: str) -> Callable[[CapacityPlan], tuple[bool, float]]:
    """Return the key for an order by a figure, least first; with a minus in front, largest first.

    Raises InputError where there is no such figure.
    """
    sign, figure = (-1.0 if text.startswith("-") else 1.0), figure_called(text.removeprefix("-"))

    def key(plan: CapacityPlan) -> tuple[bool, float]:
        value = figure.of(plan)
        return value is None, sign * (value or 0.0)

    return key
