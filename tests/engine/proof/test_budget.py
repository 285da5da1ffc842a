"""However extreme a spec is, its simulations stop within their events, and the plan says how far they came."""

import sys
from types import FrameType
from typing import Any

import pytest

from engine import CapacityPlan, NoPlan, forecast
from engine.plan_file import as_written
from engine.planning.ranking import Ranking, ranked_candidates
from engine.planning.verdict import formulas_verdict
from engine.proof.budget import FEWEST_COUNTED, MINUTES_EVENTS, PEAK_HOUR_EVENTS, Budget
from engine.proof.ten_minutes import simulated_moments
from engine.proof.verification import verified
from engine.question.resolve import resolve
from engine.scaling.controller import fixed_policy
from engine.scaling.demand_by_minute import demand_by_minute
from engine.scaling.replay import replay
from engine.scaling.replica_loads import replica_loads
from engine.workload import WorkloadSpec, spec_from
from tests.engine.asked import CATALOG
from tests.engine.proof.test_verification import long_prompts, spec_of, starved, ttft_p95


def ranking_of(spec: WorkloadSpec) -> Ranking:
    ranking = ranked_candidates(resolve(spec, CATALOG))
    assert not isinstance(ranking, NoPlan)
    return ranking


def forecast_with_its_events(spec: WorkloadSpec) -> tuple[CapacityPlan, int]:
    """Return a plan and the events that all of its simulations spent, as their budgets were told."""
    spent = 0

    def watch(frame: FrameType, event: str, _: object) -> None:
        nonlocal spent
        if event == "call" and frame.f_code is Budget.spend.__code__:
            spent += frame.f_locals["events"]

    sys.setprofile(watch)
    try:
        plan = forecast(spec, CATALOG)
    finally:
        sys.setprofile(None)
    assert isinstance(plan, CapacityPlan)
    return plan, spent


BASE: dict[str, Any] = {
    "model": "llama-3.1-8b", "hardware.accelerators": ["l4"], "serving.tensor_parallel": 1, "default_targets": "none",
    "serving.runtime": "generic",  # computes preempted requests again from the first token
}  # fmt: skip
EXTREMES: dict[str, dict[str, Any]] = {
    "answers that fill every pool": {
        "traffic.requests_per_s": 5, "traffic.burstiness": 5, "tokens.input.mean": 1, "tokens.output.mean": 100_000,
        "targets": [{"metric": "itl", "percentile": "p95", "seconds": 0.1}],
    },
    "the same judged by a tail": {
        "traffic.requests_per_s": 5, "tokens.input.mean": 1, "tokens.output.mean": 100_000,
        "targets": [{"metric": "e2e", "percentile": "p99", "seconds": 36_000}], "serving.pipeline_parallel": 4,
    },
    "many clients": {
        "traffic.concurrency": 20_000, "tokens.input.mean": 1, "tokens.output.mean": 100_000,
        "targets": [{"metric": "itl", "percentile": "p99", "seconds": 0.1}],
    },
    "one token each": {
        "traffic.requests_per_s": 1e5, "tokens.input.mean": 1, "tokens.output.mean": 1,
        "hardware.accelerators": ["h100-sxm-80gb"],
        "targets": [{"metric": "ttft", "percentile": "p99", "seconds": 0.1}],
    },
}  # fmt: skip


DEAR = pytest.param("the same judged by a tail", marks=pytest.mark.thorough)


@pytest.mark.parametrize("kind", [*(kind for kind in EXTREMES if kind not in DEAR.values), DEAR])
def test_simulations_end_within_their_events_and_the_plan_says_so(kind: str) -> None:
    """A run may end a few thousand requests after its last turn: those that were drawn and are done."""
    plan, spent = forecast_with_its_events(spec_from(BASE | EXTREMES[kind]))
    assert spent <= 1.1 * (PEAK_HOUR_EVENTS + 2 * MINUTES_EVENTS)
    said = [line for line in (*plan.warnings, *plan.autoscaling.warnings) if "events" in line]
    assert said or plan.verification is not None
    assert plan.verification is not None or said[0].startswith(
        "not verified: simulating its peak hour takes more than "
    )
    assert as_written(plan).warnings == plan.warnings


@pytest.mark.parametrize("spec", [spec_of(ttft_p95(5.0)), starved(0.2, "l4"), long_prompts(5.0)])
def test_without_events_the_formulas_plan_stands_and_says_so(spec: WorkloadSpec) -> None:
    ranking = ranking_of(spec)
    verdict, formulas = verified(ranking, events=100), formulas_verdict(ranking)
    assert verdict.record is None
    assert not verdict.judged
    assert verdict.warnings == (
        "not verified: simulating its peak hour takes more than 100 events, and every latency is the formulas' alone",
    )
    assert (verdict.results, verdict.chosen.fleet) == (formulas.results, formulas.chosen.fleet)


def test_a_simulation_that_is_cut_short_counts_those_that_were_done_before() -> None:
    """Fewer requests give the verdict, in order of arrival, and the record says how many."""
    ranking = ranking_of(spec_of(ttft_p95(5.0)))
    whole, part = verified(ranking).record, verified(ranking, events=7_000)
    assert whole is not None and part.record is not None
    assert FEWEST_COUNTED <= part.record.requests < whole.requests
    assert part.record.targets[0].met
    assert part.warnings == (
        "verified in part: simulating its peak hour takes more than 7,000 events; the figures are of "
        f"{part.record.requests:,} requests to the fleet that was reached",
    )


def test_what_is_left_out_of_a_growing_fleet_is_told() -> None:
    """The first simulation fits and misses; where the next does not fit, the target counts as missed."""
    ranking = ranking_of(starved(0.2, "l4"))
    first = verified(ranking)
    assert first.record is not None and first.record.added_replicas
    verdict = verified(ranking, events=15_000)
    assert verdict.warnings[0].startswith("verified in part: ")
    assert [result.met for result in verdict.results] == [False]
    assert verdict.overturned == verdict.results


def test_minutes_that_take_too_many_events_are_skipped_by_name() -> None:
    chosen = formulas_verdict(ranking_of(spec_of(ttft_p95(5.0), rate=40.0))).chosen
    minutes = demand_by_minute(chosen.demand, chosen.mean_rate)
    loads = replica_loads(chosen.points.rising_rates, chosen.points.rising, ())
    run = replay(minutes, loads, fixed_policy(chosen.fleet.replicas))
    assert simulated_moments(chosen, minutes, run, seed=0, events=100) == ((), ("peak", "steepest"))
