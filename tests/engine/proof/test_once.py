"""Nothing is resolved, measured or simulated twice within one forecast: calls are counted by what they are given."""

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from engine import forecast
from engine.fleet.candidates import candidates, measure
from engine.fleet.operating_points import operating_points
from engine.proof.peak_hour import PeakHour
from engine.proof.ten_minutes import simulated_moments
from engine.question.resolve import resolve
from engine.simulation import simulate
from engine.workload import WorkloadSpec
from tests.engine.asked import CATALOG, asked
from tests.engine.proof.test_verification import long_prompts, spec_of, starved, ttft_p95


def question_of(given: dict[str, Any]) -> str:
    """Return the spec behind a call."""
    return repr(given["question"].spec)


WATCHED: dict[Callable[..., Any], Callable[[dict[str, Any]], object]] = {
    resolve: lambda given: repr(given["spec"]),
    candidates: question_of,
    measure: lambda given: (question_of(given), len(given["which"])),
    operating_points: lambda given: (question_of(given), *given["best"].capacity, *given["best"].counts.peak),
    PeakHour.run: lambda given: (
        given["self"].replicas.saturated_rate.item(), given["requests_per_s"], given["replicas"], given["counted"],
    ),
    simulated_moments: lambda given: "once",
    simulate: lambda given: "as often as the peak hour and both moments",
}  # fmt: skip
"""What is counted, and what of its arguments makes two calls the same."""


def calls_within(spec: WorkloadSpec, **options: bool) -> dict[str, Counter[object]]:
    """Return the calls within one forecast, by function and by what it was given."""
    keys = {function.__code__: (function.__name__, key) for function, key in WATCHED.items()}
    counts: dict[str, Counter[object]] = {function.__name__: Counter() for function in WATCHED}

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code in keys:
            name, key = keys[frame.f_code]
            counts[name][key(frame.f_locals)] += 1

    sys.setprofile(watch)
    try:
        forecast(spec, CATALOG, **options)
    finally:
        sys.setprofile(None)
    return counts


UNREACHABLE = asked({"targets": [{"metric": "itl", "percentile": "p95", "seconds": 0.005}]})
CASES = {
    "targets that hold": (spec_of(ttft_p95(5.0)), {}),
    "a fleet that grows": (starved(0.2, "l4"), {}),
    "another candidate": (starved(0.03, "l4", "a10g"), {}),
    "a given fleet": (starved(None, "l4", count=3), {}),
    "a pool that fills": (long_prompts(5.0), {}),
    "a target out of reach": (UNREACHABLE, {}),
    "not verified": (spec_of(ttft_p95(5.0)), {"verify": False}),
}


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_done_twice(case: str) -> None:
    spec, options = CASES[case]
    counts = calls_within(spec, **options)
    simulations = counts.pop("simulate").total()
    assert {name: call for name, calls in counts.items() for call, times in calls.items() if times > 1} == {}
    assert counts["resolve"][repr(spec)] == 1
    assert simulations == counts["run"].total() + 2 * counts["simulated_moments"].total()
    assert bool(simulations) == options.get("verify", True)
