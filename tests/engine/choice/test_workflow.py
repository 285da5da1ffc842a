"""Agents' workflows: their calls by hand, the closed form beside the simulation, and the laws of their fleets."""

from typing import Any

import numpy as np
import pytest

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.records.validation import InvalidValues, record_of
from catalogs.records.workflows import AgentWorkflow
from engine import spec_from
from engine.choice.simulated_workflows import drawn_workflows, simulate_workflows
from engine.choice.workflow import (
    Demand,
    WorkflowFleet,
    largest_of,
    simulated_fleet,
    sized_workflow,
    stated_calls,
    workflow_question,
)
from engine.question.calls import calls_of, lengths_of_calls
from engine.workload import WorkloadSpec

CATALOG = Catalog.load()


def workflow(*steps: dict[str, Any], **more: Any) -> AgentWorkflow:
    values = {"id": "own", "name": "Own", "source": "test", "checked": "2026-01-01", "steps": list(steps)}
    return record_of(AgentWorkflow, values | more)


TWELVE = workflow(
    {"calls": 12, "new_tokens": 500, "output_tokens": 200, "tool_s": 1.0}, context_tokens=2000, prefix_reuse=0.9
)


def spec(of: AgentWorkflow, **more: Any) -> WorkloadSpec:
    values = dict(stated_calls(of).values) | {
        "model": "llama-3.1-8b",
        "hardware.accelerators": ["h100-sxm-80gb"],
        "serving.tensor_parallel": 1,
        "traffic.peak_factor": 1.0,
    }
    return spec_from(values | {path.replace("__", "."): value for path, value in more.items()})


def sized(of: AgentWorkflow, demand: Demand, p95_s: float | None = None, **more: Any) -> WorkflowFleet:
    return sized_workflow(spec(of, **more), of, CATALOG, demand, p95_s)[0]


def test_the_calls_by_hand() -> None:
    of = workflow(
        {"calls": 2, "new_tokens": 100, "output_tokens": 50},
        {"calls": 1, "branches": 3, "new_tokens": 10, "output_tokens": 20, "tool_s": 2},
        {"calls": 1, "output_tokens": 30},
        context_tokens=1000,
        prefix_reuse=0.8,
    )
    calls = calls_of(of)
    assert [call.prompt for call in calls] == [1100, 1250, 1310, 1310, 1310, 1360]
    assert [call.computed for call in calls] == pytest.approx([300, 330, 270, 270, 270, 272])
    assert [call.after for call in calls] == [(), (0,), (1,), (1,), (1,), (2, 3, 4)]
    lengths = lengths_of_calls(calls, 100_000)
    assert lengths.prompt.mean == pytest.approx(sum(call.prompt for call in calls) / 6)
    assert lengths.computed_mean == pytest.approx(sum(call.computed for call in calls) / 6)
    assert lengths.output.mean == pytest.approx(sum(call.output for call in calls) / 6, rel=1e-3)


def test_what_is_drawn_has_the_means_and_grows_by_what_was_answered() -> None:
    calls = calls_of(TWELVE)
    drawn = drawn_workflows(TWELVE, calls, 20_000, 1)
    assert drawn.output.mean() == pytest.approx(200, rel=0.02)
    assert drawn.tool_s.mean() == pytest.approx(1.0, rel=0.02)
    assert drawn.prompt.mean(axis=0) == pytest.approx([call.prompt for call in calls], rel=0.01)
    assert np.all(np.diff(drawn.prompt, axis=1) == drawn.output[:, :-1] + 500)


def test_the_largest_of_some_normal_numbers() -> None:
    """Known moments: E of the larger of two is 1/√π, its variance 1 − 1/π."""
    assert largest_of(1) == (0.0, 1.0)
    mean, spread = largest_of(2)
    assert (mean, spread**2) == (pytest.approx(1 / np.sqrt(np.pi), rel=1e-3), pytest.approx(1 - 1 / np.pi, rel=1e-3))


@pytest.mark.parametrize(("at_a_time", "within"), [(4, 0.06), (40, 0.1), (200, 0.1)])
def test_twelve_calls_simulated_turn_by_turn_lie_beside_their_closed_form(at_a_time: int, within: float) -> None:
    fleet = sized(TWELVE, Demand(at_a_time=at_a_time))
    count = max(400, 10 * at_a_time)
    simulated = simulate_workflows(TWELVE, fleet.candidate, fleet.replicas, fleet.workflows_per_s, count=count)
    assert simulated.mean_s == pytest.approx(fleet.mean_s, rel=within)
    assert simulated.p95_s == pytest.approx(fleet.p95_s, rel=within)
    assert simulated.calls == 12 * count


def test_alone_on_a_replica_a_workflow_takes_the_sum_of_its_steps() -> None:
    """Nobody else is there: prompts and steps of one request, and the tools between them."""
    still = workflow(
        {"calls": 3, "new_tokens": 500, "output_tokens": 100, "output_cv": 0, "tool_s": 2, "tool_cv": 0},
        context_tokens=1000,
        prefix_reuse=0.9,
    )
    question = workflow_question(spec(still), still, CATALOG)
    fleet = sized(still, Demand(per_s=1e-4))
    simulated = simulate_workflows(still, fleet.candidate, 1, 1e-4, count=20)
    assert question.lengths.prompt.values.tolist() == [1500, 2100, 2700]
    assert simulated.mean_s == pytest.approx(6 + sum(simulated.call_s), rel=1e-6)
    assert simulated.p95_s == pytest.approx(simulated.p50_s, rel=1e-6)
    assert simulated.mean_s == pytest.approx(fleet.mean_s, rel=0.03)


def test_branches_beside_each_other_take_less_time_than_in_a_row() -> None:
    step = {"new_tokens": 500, "output_tokens": 200}
    beside, row = workflow(step | {"branches": 4}), workflow(step | {"calls": 4})
    took = []
    for of in (beside, row):
        fleet = sized(of, Demand(per_s=0.2))
        simulated = simulate_workflows(of, fleet.candidate, 1, 0.2, count=150)
        assert simulated.mean_s == pytest.approx(fleet.mean_s, rel=0.2)
        took.append(simulated.mean_s)
    assert 1.5 * took[0] < took[1]


def test_more_workflows_and_less_time_never_take_fewer_replicas() -> None:
    counts = [sized(TWELVE, Demand(at_a_time=n), 60.0).replicas for n in (10, 50, 200)]
    assert counts == sorted(counts) and counts[0] < counts[-1]
    tighter = [sized(TWELVE, Demand(at_a_time=200), within).replicas for within in (120.0, 60.0, 50.0)]
    assert tighter == sorted(tighter)
    assert sized_workflow(spec(TWELVE), TWELVE, CATALOG, Demand(at_a_time=10), 1.0) == ()


def test_no_fleet_is_many_replicas_that_do_nearly_nothing() -> None:
    """40 s, of which a workflow alone takes 37, was 77 replicas for 200 at a time where 60 s take 11."""
    assert sized_workflow(spec(TWELVE), TWELVE, CATALOG, Demand(at_a_time=200), 40.0) == ()
    assert sized(TWELVE, Demand(at_a_time=3), 45.0).replicas == 1


def test_so_many_run_at_a_time_as_were_asked_for() -> None:
    fleet = sized(TWELVE, Demand(at_a_time=60))
    assert fleet.in_flight == pytest.approx(60, rel=1e-3)
    assert fleet.workflows_per_s * fleet.mean_s == pytest.approx(60, rel=1e-3)


def test_a_fleet_that_misses_when_simulated_grows_until_it_holds() -> None:
    limit = 50.0
    fleets = sized_workflow(spec(TWELVE), TWELVE, CATALOG, Demand(at_a_time=100), limit)
    grown, simulated = simulated_fleet(spec(TWELVE), TWELVE, CATALOG, Demand(at_a_time=100), limit, fleets)
    assert simulated.p95_s <= limit
    assert simulated.in_flight == pytest.approx(100, rel=0.03)
    assert grown[0].workflows_per_s * simulated.mean_s == pytest.approx(simulated.in_flight)
    assert grown[0].by_time and grown[0].carries * grown[0].replicas >= 100
    assert grown[0].replicas >= fleets[0].replicas


def test_what_no_model_holds_is_refused_in_a_sentence() -> None:
    with pytest.raises(InputError, match="the longest call of Own holds"):
        long = workflow({"calls": 40, "new_tokens": 4000, "output_tokens": 100})
        sized(long, Demand(per_s=1))
    with pytest.raises(InvalidValues, match="10,000 are accepted"):
        workflow({"calls": 20_000, "output_tokens": 1})


def test_presets_of_workflows_fit_the_models_that_people_use() -> None:
    assert set(CATALOG.workflows) == {"coding-agent", "research-agent", "tool-agent"}
    for of in CATALOG.workflows.values():
        assert of.source and max(call.prompt for call in calls_of(of)) < 131_072
