"""Plans under a load: the two speeds, and repeats over several processes."""

import json
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from catalogs.errors import InputError
from engine.load_test.plan_under_load import LoadTestSettings, SimulatedPlan, simulate_plan
from engine.plan import CapacityPlan, plain
from engine.proof.simulated_figures import over_repeats
from engine.simulation.routing import Routing
from engine.simulation.statistics import student
from tests.engine.proof.test_verification import CATALOG, planned, spec_of, ttft_p95

AZURE = Path(__file__).resolve().parents[2] / "fixtures" / "traces" / "azure_llm_2023_conv_excerpt.csv"


def plan() -> CapacityPlan:
    return planned(spec_of(ttft_p95(1.0)))


def text(found: SimulatedPlan) -> str:
    return json.dumps(plain(found))


def run(asked: LoadTestSettings, trace: Path | None = None, processes: int = 1) -> SimulatedPlan:
    lines = None if trace is None else trace.read_text(encoding="utf-8").splitlines()
    return simulate_plan(plan(), CATALOG, asked, trace=lines, trace_name="trace", processes=processes)


@pytest.mark.parametrize("routing", ["round_robin", "random", "least_outstanding", "power_of_two"])
def test_both_speeds_write_the_same_json(routing: Routing) -> None:
    pytest.importorskip("numba", reason="the extra fast is not installed")
    asked = LoadTestSettings(requests=1500, routing=routing, seed=3)
    assert text(run(replace(asked, speed="plain"))) == text(run(replace(asked, speed="compiled")))


def test_both_speeds_write_the_same_json_of_a_trace_and_of_a_day() -> None:
    pytest.importorskip("numba", reason="the extra fast is not installed")
    for asked, trace in (
        (LoadTestSettings(speed_up=10.0), AZURE),
        (LoadTestSettings(requests=1500, moment="profile"), None),
    ):
        plain_text, compiled = (text(run(replace(asked, speed=speed), trace)) for speed in ("plain", "compiled"))  # type: ignore[arg-type]
        assert plain_text == compiled


def test_the_formula_beside_a_simulation_is_the_plans_own() -> None:
    """Behind the router that the plan assumes; random choice leaves each replica arrivals of its own."""
    fleet = plan()
    beside = run(LoadTestSettings(requests=1500)).ttft_s.p95.formula
    assert beside == pytest.approx(fleet.performance.at_peak.ttft_s.p95, rel=1e-3)
    assert (
        fleet.fleet.replicas == 1 or run(LoadTestSettings(requests=1500, routing="random")).ttft_s.p95.formula > beside
    )


def test_a_fleet_that_fills_and_drains_does_not_count_and_too_few_requests_to_see_another_are_said() -> None:
    """Of enough requests the formula lies within the interval of what was simulated; fewer are warned of."""
    few = run(LoadTestSettings(requests=100))
    assert "are enough" in few.warnings[0]
    least = int(few.warnings[0].split("; ")[1].removesuffix(" are enough").replace(",", ""))
    whole = run(LoadTestSettings(requests=least))
    assert not whole.warnings
    mean = whole.e2e_s.mean
    assert mean.low is not None and mean.high is not None and mean.formula is not None
    assert mean.low < mean.formula * 1.05 and mean.formula * 0.95 < mean.high
    assert few.requests == 100, "all that are asked for are simulated"


# --- repeats ----------------------------------------------------------------------------------------------------------


def test_repeats_are_the_same_on_any_number_of_processes() -> None:
    """More requests than it takes for other processes to be started."""
    asked = LoadTestSettings(requests=21_000, repeats=2, seed=5)
    assert text(run(asked)) == text(run(asked, processes=2))


def test_figures_are_means_over_repeats_with_students_interval() -> None:
    asked = LoadTestSettings(requests=1_000, seed=7)
    alone = [run(replace(asked, seed=seed)) for seed in (7, 8, 9)]
    together = run(replace(asked, repeats=3))
    p95 = [one.ttft_s.p95.value for one in alone]
    figure = together.ttft_s.p95
    assert figure.value == pytest.approx(np.mean(p95))
    half = 4.303 * np.std(p95, ddof=1) / sqrt(3)
    assert figure.high == pytest.approx(np.mean(p95) + half)
    assert figure.low == pytest.approx(max(np.mean(p95) - half, 0.0))
    assert together.targets[0].simulated_s == figure.value
    assert together.targets[0].within == pytest.approx(np.mean([one.targets[0].within for one in alone]))
    assert together.requests == sum(one.requests for one in alone)
    assert together.over_time == alone[0].over_time


def test_intervals_over_repeats_hold_what_they_promise() -> None:
    """Of 400 samples of five draws about 95 % of the intervals hold the mean; fewer than 90 % would be a fault."""
    random = np.random.default_rng(4)
    held = 0
    for _ in range(400):
        estimate = over_repeats((10 + random.standard_normal(5)).tolist())
        assert estimate.low is not None and estimate.high is not None
        held += estimate.low <= 10 <= estimate.high
    assert 360 <= held <= 396


@pytest.mark.parametrize(("count", "quantile"), [(2, 12.706), (11, 2.228), (16, 2.131), (31, 2.042), (101, 1.984)])
def test_students_quantiles_are_those_of_the_tables(count: int, quantile: float) -> None:
    assert student(count) == pytest.approx(quantile, rel=1e-3)


def test_a_trace_is_not_drawn_anew() -> None:
    with pytest.raises(InputError, match="the same requests in every repeat"):
        run(LoadTestSettings(repeats=2), AZURE)
    with pytest.raises(InputError, match="0 repeats"):
        LoadTestSettings(repeats=0)
