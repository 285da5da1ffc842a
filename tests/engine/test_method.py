"""The forecast end to end: the seed case, what a plan must hold, and refusals whose relaxations work."""

import json
import re
from collections.abc import Iterator
from math import isfinite
from typing import Any

import pytest

from catalogs.errors import InputError
from catalogs.records.validation import record_of
from engine.method import forecast
from engine.plan import CapacityPlan, NoPlan, plan_json
from engine.workload import WorkloadSpec
from tests.engine.asked import CATALOG, SEED, asked
from tests.every import of_every


def planned(values: dict[str, Any] | None = None) -> CapacityPlan:
    plan = forecast(asked(values), CATALOG)
    assert isinstance(plan, CapacityPlan), plan
    return plan


def target(metric: str, percentile: str, seconds: float) -> dict[str, Any]:
    return {"metric": metric, "percentile": percentile, "seconds": seconds}


# --- the seed case --------------------------------------------------------------------------------------------------


def test_the_seed_case_takes_eight_accelerators() -> None:
    """Llama-3.1-70B in FP16, 10 requests/s of 500 and 200 tokens on A100-80GB: 2 × TP4 or 1 × TP8."""
    plan = planned()
    assert plan.answer.meets_targets
    assert plan.fleet.accelerators == plan.fleet.maximum_accelerators == 8
    assert (plan.fleet.replicas, plan.chosen.tensor_parallel) in ((2, 4), (1, 8))
    assert plan.cost.monthly_usd is not None
    assert plan.chosen.offer is not None
    assert plan.chosen.offer.provider in plan.cost.note


def test_the_seed_case_decodes_at_the_point_that_physics_gives() -> None:
    """At TP4 a batch of 45 to 90 and an ITL within 25 % of 60 ms, at 5 requests/s each."""
    peak = planned({"serving.tensor_parallel": 4}).performance.at_peak
    assert peak.requests_per_s == pytest.approx(5, rel=1e-3)
    assert 45 <= peak.batch <= 90
    assert peak.itl_s.mean == pytest.approx(0.060, rel=0.25)


def test_the_seed_case_with_a_busier_hour_takes_a_half_more() -> None:
    assert 12 <= planned({"traffic.peak_factor": 1.5}).fleet.accelerators <= 16


def test_a_batch_cap_is_honoured_and_the_first_warning_says_what_it_costs() -> None:
    capped = planned({"serving.batch_cap": 4, "serving.context_window": 8192, "traffic.peak_factor": 1.5})
    free = planned({"serving.context_window": 8192, "traffic.peak_factor": 1.5})
    assert capped.performance.at_peak.batch <= 4
    assert capped.fleet.accelerators > free.fleet.accelerators
    assert "batch cap of 4" in capped.warnings[0]
    assert f"without the cap {free.fleet.maximum_accelerators}" in capped.warnings[0]


def test_a_cap_that_nothing_feels_is_not_warned_of() -> None:
    assert not any("cap" in warning for warning in planned({"serving.batch_cap": 256}).warnings)


# --- sums -----------------------------------------------------------------------------------------------------------

GROWING = {
    "traffic.peak_factor": 2.0,
    "traffic.burst": 1.3,
    "traffic.growth_per_year": 0.4,
    "availability.spare_replicas": 1,
}


@pytest.mark.parametrize(
    "values", [{}, GROWING, {**GROWING, "model": "deepseek-v3", "hardware.accelerators": ["h200"]}]
)
def test_the_lines_of_the_ledger_sum_to_the_whole_fleet(values: dict[str, Any]) -> None:
    """Replicas, accelerators with the rounding to instances, and money."""
    plan = planned(values)
    fleet, size = plan.fleet, plan.chosen.accelerators_per_replica
    assert [line.reason for line in fleet.ledger] == ["mean", "peak", "spares", "burst", "growth", "rounding"]
    assert all(line.replicas >= 0 and line.accelerators >= 0 for line in fleet.ledger)
    assert sum(line.replicas for line in fleet.ledger) == fleet.maximum_replicas
    assert all(line.accelerators == line.replicas * size for line in fleet.ledger[:-1])
    assert sum(line.accelerators for line in fleet.ledger[:-1]) == fleet.maximum_accelerators
    assert plan.chosen.offer is not None
    assert sum(line.accelerators for line in fleet.ledger) % plan.chosen.offer.accelerators == 0
    assert sum(line.monthly_usd or 0 for line in fleet.ledger) == pytest.approx(plan.cost.maximum_monthly_usd)
    assert fleet.minimum_replicas <= fleet.maximum_replicas
    assert fleet.replicas == sum(line.replicas for line in fleet.ledger[:3])


def test_lines_that_nobody_asked_for_are_zero() -> None:
    lines = {line.reason: line.replicas for line in planned().fleet.ledger}
    assert lines.pop("mean") == 2
    assert set(lines.values()) == {0}


def test_the_parts_of_the_memory_sum_to_the_total() -> None:
    memory = planned().memory
    each = memory.per_accelerator
    parts = (each.weights_bytes, each.kv_cache_bytes, each.activations_bytes, each.runtime_bytes, each.unused_bytes)
    assert sum(parts) == pytest.approx(each.total_bytes)
    assert memory.weights_bytes == 141_107_412_992
    assert memory.kv_cache_bytes_per_token == 320 * 1024


def test_little_s_law_holds_in_a_plan() -> None:
    for at in (planned().performance.at_mean, planned().performance.at_peak):
        assert at.in_flight == pytest.approx(at.requests_per_s * at.e2e_s.mean)
        # Of ITL over requests short answers are a larger part than of the tokens.
        assert at.e2e_s.mean == pytest.approx(at.ttft_s.mean + 199 * at.itl_s.mean, rel=0.01)


def test_the_mean_rate_is_served_by_today_s_replicas() -> None:
    plan = planned(GROWING)
    assert plan.performance.at_mean.requests_per_s * plan.fleet.working_replicas == pytest.approx(10, rel=1e-3)
    assert plan.performance.at_peak.requests_per_s * plan.fleet.working_replicas == pytest.approx(20, rel=1e-3)


# --- the file -------------------------------------------------------------------------------------------------------

REQUIRED = """
schema_version answer spec sources chosen memory performance targets replica_capacity fleet autoscaling cost energy
alternatives rejected assumptions warnings bands provenance
spec.traffic.requests_per_s spec.traffic.peak_factor spec.tokens.input.mean spec.tokens.output.mean spec.model
spec.precision.weights spec.precision.kv_cache spec.targets spec.hardware.accelerators spec.serving spec.availability
spec.scaling spec.money
chosen.accelerator chosen.accelerators_per_replica chosen.tensor_parallel chosen.pipeline_parallel
chosen.data_parallel chosen.expert_parallel chosen.precision chosen.offer
memory.weights_bytes memory.kv_cache_bytes_per_token memory.kv_cache_pool_bytes memory.max_concurrent_sequences
memory.verdict memory.per_accelerator
performance.at_mean.batch performance.at_mean.utilisation performance.at_mean.output_tokens_per_s
performance.at_mean.ttft_s.mean performance.at_mean.itl_s.p50 performance.at_mean.e2e_s.p95
performance.at_peak.ttft_s.p99 performance.at_peak.itl_s.mean performance.at_peak.e2e_s.p50
replica_capacity.requests_per_s replica_capacity.binds
fleet.replicas fleet.minimum_replicas fleet.maximum_replicas fleet.accelerators fleet.capacity_requests_per_s
fleet.capacity_output_tokens_per_s fleet.ledger
autoscaling.target_in_flight_per_replica autoscaling.rps_per_replica autoscaling.queue_length autoscaling.ttft_s
autoscaling.kv_cache_usage autoscaling.gpu_utilisation autoscaling.scale_down_window_s autoscaling.reaction_time_s
cost.monthly_usd cost.minimum_monthly_usd cost.autoscaled_monthly_usd cost.maximum_monthly_usd cost.usd_per_request
cost.usd_per_million_tokens.input cost.usd_per_million_tokens.output cost.usd_per_million_tokens.blended
""".split()


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, int | float):
        yield value


@of_every(REQUIRED)
def test_the_file_has_every_key_that_other_tools_read(path: str) -> None:
    place: Any = PLAN
    for key in path.split("."):
        assert key in place, path
        place = place[key]


PLAN = plan_json(planned({"targets": [target("ttft", "p95", 2.0)]}))


def test_a_target_in_the_file_says_what_was_forecast() -> None:
    (result,) = PLAN["targets"]
    assert set(result) == {"metric", "percentile", "target_s", "forecast_s", "met"}
    assert result["met"] is True


def test_the_file_holds_finite_numbers_alone() -> None:
    found = list(numbers(PLAN))
    assert len(found) > 100
    assert all(isfinite(number) for number in found)
    assert json.loads(json.dumps(PLAN, allow_nan=False)) == PLAN


def test_the_same_spec_gives_the_same_file_and_the_file_gives_the_same_spec() -> None:
    values = {**GROWING, "hardware.accelerators": None}
    first, second = (json.dumps(plan_json(planned(values))) for _ in range(2))
    assert first == second
    spec = record_of(WorkloadSpec, json.loads(first)["spec"])
    again = forecast(spec, CATALOG)
    assert isinstance(again, CapacityPlan)
    assert json.dumps(plan_json(again)) == first


# --- the fleet given ------------------------------------------------------------------------------------------------


def test_a_given_fleet_returns_the_rate_that_it_holds() -> None:
    """16 accelerators hold more than 8, which hold 10 requests/s."""
    plan = planned({"traffic.requests_per_s": None, "hardware.accelerator_count": 16})
    assert plan.fleet.accelerators == 16
    assert plan.answer.holds_to_requests_per_s > 20
    assert plan.answer.breaks_first
    assert "16 × A100" in plan.answer.sentence
    assert "of the 64 accelerators that there are" in planned({"hardware.accelerator_count": 64}).answer.sentence
    back = planned({"traffic.requests_per_s": 0.99 * plan.answer.holds_to_requests_per_s})
    assert back.fleet.accelerators == 16


def test_a_given_fleet_is_the_one_of_its_rate_in_every_line() -> None:
    """Its ledger, its autoscaler's range and bill, and what a loss does, are those of the rate that it holds."""
    day = {"traffic.peak_factor": 3.0}
    given = planned({"traffic.requests_per_s": None, "hardware.accelerator_count": 64, **day})
    rate = given.answer.holds_to_requests_per_s / 3 * (1 - 1e-9)
    back = planned({"traffic.requests_per_s": rate, **day})
    assert [line.replicas for line in given.fleet.ledger] == [line.replicas for line in back.fleet.ledger]
    assert given.fleet.minimum_replicas == back.fleet.minimum_replicas < back.fleet.replicas
    assert given.cost.autoscaled_monthly_usd == pytest.approx(back.cost.autoscaled_monthly_usd, rel=0.01)
    assert given.outage == back.outage


def test_a_fleet_given_in_nodes_is_one_in_accelerators() -> None:
    by_node = planned({"traffic.requests_per_s": None, "hardware.nodes": 2})
    by_count = planned({"traffic.requests_per_s": None, "hardware.accelerator_count": 16})
    assert by_node.answer.holds_to_requests_per_s == by_count.answer.holds_to_requests_per_s


def test_clients_instead_of_a_rate() -> None:
    """64 clients in a closed loop are in flight, no more and no fewer."""
    plan = planned({"traffic.requests_per_s": None, "traffic.concurrency": 64, "traffic.peak_factor": 1.0})
    at = plan.performance.at_mean
    assert at.in_flight * plan.fleet.replicas == pytest.approx(64, rel=0.01)


# --- refusals -------------------------------------------------------------------------------------------------------


def test_a_context_beyond_the_model_is_refused() -> None:
    with pytest.raises(InputError, match=r"200,000 tokens is beyond Llama 3\.1 70B, which reads 131,072 at most"):
        forecast(asked({"serving.context_window": 200_000}), CATALOG)


def test_lengths_beyond_the_context_are_refused() -> None:
    with pytest.raises(InputError, match=r"exceed the context window of 4,096"):
        forecast(asked({"serving.context_window": 4096, "tokens.input.mean": 4000.0}), CATALOG)


def refused(values: dict[str, Any]) -> NoPlan:
    plan = forecast(asked(values), CATALOG)
    assert isinstance(plan, NoPlan)
    assert plan.rejected
    return plan


def test_an_impossible_tensor_parallelism_is_refused_with_those_that_work() -> None:
    """Llama 70B has 64 heads and 8 KV heads: TP3 divides neither."""
    refusal = refused({"serving.tensor_parallel": 3})
    assert "TP3 does not divide the 64 attention heads" in refusal.sentence
    assert refusal.rejected[0].relaxations[0].startswith("--tp 4 (")
    assert planned({"serving.tensor_parallel": 4}).chosen.tensor_parallel == 4


def test_experts_are_spread_as_the_flag_of_the_runtime_can() -> None:
    """vLLM has a switch, which spreads them over all accelerators; SGLang takes a size."""
    half = {"model": "qwen3 30b", "serving.tensor_parallel": 4, "serving.expert_parallel": 2}
    refusal = refused(half)
    assert "vLLM spreads experts over all 4 accelerators of TP4 × DP1 or none, not EP2" in refusal.sentence
    assert planned({**half, "serving.runtime": "sglang"}).chosen.expert_parallel == 2


def test_fp8_on_an_a100_is_refused_with_what_it_would_run_as() -> None:
    """By TensorRT-LLM, which has no kernel that widens it; vLLM's Marlin does."""
    refusal = refused({"precision.weights": "fp8", "serving.runtime": "tensorrt-llm"})
    assert "A100 SXM4 80GB has no FP8 unit; it would run as bf16" in refusal.sentence
    assert refusal.rejected[0].relaxations[0].startswith("--precision bf16 (")
    assert planned({"precision.weights": "bf16"}).answer.meets_targets


def test_a_model_that_does_not_fit_is_refused_with_what_it_needed() -> None:
    refusal = refused({"serving.tensor_parallel": 1, "serving.pipeline_parallel": 1})
    (line,) = refusal.rejected
    assert line.needed is not None
    assert line.available is not None
    assert line.needed > 131 * 2**30 > 74 * 2**30 >= line.available


def test_an_itl_below_the_floor_is_refused_and_its_relaxation_works() -> None:
    """Two A100s read 70.5 GB each at 2.04 TB/s: 34.6 ms a token at the least."""
    values = {"serving.tensor_parallel": 2, "targets": [target("itl", "p95", 0.025)]}
    plan = planned(values)
    assert not plan.answer.meets_targets
    miss = plan.rejected[0]
    assert "2 × A100 SXM4 80GB cannot do ITL p95 25 ms" in miss.reason
    assert "reading the weights once takes 34.6 ms" in miss.reason
    assert miss.needed == 0.025
    assert miss.available is not None
    assert miss.available > 0.0346
    assert re.match(r"--itl-p95 [\d.]+ms \(", miss.relaxations[0])


def test_each_missed_target_is_named_and_all_relaxations_together_work() -> None:
    wanted = [target("ttft", "p99", 0.01), target("itl", "mean", 0.005), target("e2e", "p50", 60.0)]
    plan = planned({"targets": wanted, "serving.tensor_parallel": 4})
    assert not plan.answer.meets_targets
    assert [result.met for result in plan.targets] == [False, False, True]
    assert [miss.needed for miss in plan.rejected[:2]] == [0.01, 0.005]
    eased = [target(r.metric, r.percentile, max(r.target_s, r.forecast_s)) for r in plan.targets]
    assert planned({"targets": eased, "serving.tensor_parallel": 4}).answer.meets_targets


def test_a_ceiling_that_is_too_low_says_what_the_load_needs_and_what_the_ceiling_holds() -> None:
    values = {"hardware.max_accelerators": 8, "traffic.requests_per_s": 100.0}
    plan = planned(values)
    assert not plan.answer.meets_targets
    miss = plan.rejected[0]
    assert miss.needed == plan.fleet.maximum_accelerators > miss.available == 8
    held = float(next(text for text in miss.relaxations if "--rps" in text).split()[1])
    assert planned({**values, "traffic.requests_per_s": held}).answer.meets_targets
    assert planned({**values, "hardware.max_accelerators": int(miss.needed)}).answer.meets_targets


def test_a_target_out_of_reach_under_a_ceiling_names_both() -> None:
    values = {"targets": [target("itl", "mean", 0.001)], "hardware.max_accelerators": 4, "traffic.requests_per_s": 1e3}
    plan = planned(values)
    assert not plan.answer.meets_targets
    assert [miss.unit for miss in plan.rejected[:2]] == ["s", "accelerators"]


def test_a_fleet_too_small_for_one_replica_is_refused() -> None:
    with pytest.raises(InputError, match="2 accelerators cannot hold one replica of Llama"):
        forecast(
            asked({"traffic.requests_per_s": None, "hardware.accelerator_count": 2, "serving.tensor_parallel": 8}),
            CATALOG,
        )


@pytest.mark.parametrize(
    ("values", "unit", "sentence"),
    [
        ({"hardware.max_nodes": 1}, "nodes", r"the load needs \d+ nodes and 1 is allowed"),
        ({"hardware.max_replicas": 2}, "replicas", r"the load needs \d+ replicas and 2 are allowed"),
        ({"hardware.replicas": 3}, "replicas", r"the load needs \d+ replicas and 3 are allowed"),
        (
            {"hardware.max_nodes": 3, "hardware.max_accelerators": 8},
            "accelerators",
            r"the load needs \d+ accelerators and 8 are allowed",
        ),
    ],
)
def test_too_low_a_ceiling_is_told_in_its_own_unit_and_what_it_says_works(
    values: dict[str, int], unit: str, sentence: str
) -> None:
    load = {"traffic.requests_per_s": 200.0, "serving.tensor_parallel": 4, "serving.pipeline_parallel": 1}
    plan = planned({**load, **values})
    miss = plan.rejected[0]
    assert not plan.answer.meets_targets
    assert re.fullmatch(sentence, miss.reason)
    assert (miss.unit, plan.warnings[0]) == (unit, miss.reason)
    tight = next(path for path in values if path.endswith(unit))
    assert planned({**load, tight: int(miss.needed)}).answer.meets_targets
    assert not planned({**load, tight: int(miss.needed) - 1}).answer.meets_targets


def test_too_little_power_is_told_in_kilowatts_and_what_it_says_works() -> None:
    load = {
        "traffic.requests_per_s": 200.0,
        "serving.tensor_parallel": 4,
        "serving.pipeline_parallel": 1,
        "hardware.accelerators": ("h100-sxm-80gb",),
    }
    plan = planned({**load, "hardware.max_power_kw": 20.0})
    miss = plan.rejected[0]
    assert not plan.answer.meets_targets
    assert re.fullmatch(r"the load needs [\d.]+ kW and 20 are allowed", miss.reason)
    assert (miss.unit, plan.warnings[0]) == ("kW", miss.reason)
    assert plan.answer.sentence.endswith("more than the 20 kW allowed")
    assert plan.fleet.rated_watts == pytest.approx(plan.fleet.maximum_accelerators * 1275)
    assert planned({**load, "hardware.max_power_kw": miss.needed}).answer.meets_targets
    assert not planned({**load, "hardware.max_power_kw": miss.needed - 0.1}).answer.meets_targets
    assert miss.relaxations[0].startswith(f"--max-power {miss.needed:g}kW (")
    assert planned(load).fleet.rated_watts is None


@pytest.mark.parametrize("accelerators", [("h100-sxm-80gb",), ("h100-sxm-80gb", "l40s", "b200-sxm")])
def test_a_lower_power_ceiling_never_gives_a_larger_fleet(accelerators: tuple[str, ...]) -> None:
    load = {"model": "llama-3.1-8b", "traffic.requests_per_s": 200.0, "hardware.accelerators": accelerators}
    rated = float("inf")
    for kilowatts in (60.0, 40.0, 20.0, 10.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.0):
        plan = planned({**load, "hardware.max_power_kw": kilowatts})
        assert plan.fleet.rated_watts is not None
        if not plan.answer.meets_targets:
            assert plan.fleet.rated_watts > kilowatts * 1e3
            continue
        assert plan.fleet.rated_watts <= min(rated, kilowatts * 1e3) * (1 + 1e-9)
        rated = plan.fleet.rated_watts
    assert rated < float("inf")


@pytest.mark.parametrize("given", ["hardware.accelerator_count", "hardware.nodes", "hardware.replicas"])
def test_a_given_fleet_is_of_accelerators_that_the_power_allows_or_contradicts_it(given: str) -> None:
    fleet = {"model": "llama-3.1-8b", "traffic.requests_per_s": None, given: 2, "hardware.accelerators_per_node": 4}
    both = {"hardware.accelerators": ("h100-sxm-80gb", "l4")}
    frugal = planned({**fleet, **both, "hardware.max_power_kw": 2.0})
    assert frugal.chosen.accelerator == "l4"
    with pytest.raises(InputError, match=r"2 \w+ are rated at [\d.]+ kW at least, hosts included, and at most 0.2 kW"):
        planned({**fleet, **both, "hardware.max_power_kw": 0.2})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"hardware.replicas": 3, "hardware.accelerator_count": 2}, "2 accelerators cannot hold 3 replicas of Llama"),
        (
            {"hardware.replicas": 3, "hardware.max_nodes": 1, "serving.tensor_parallel": 8},
            "1 node cannot hold 3 replicas of Llama 3.1 70B, which take 3 nodes at least",
        ),
        ({"hardware.replicas": 2, "availability.spare_replicas": 2}, "2 replicas with 2 of them spare leave none"),
        ({"hardware.replicas": 2, "availability.minimum_replicas": 3}, "2 replicas and at least 3 replicas contradict"),
        ({"hardware.replicas": 2, "hardware.max_replicas": 1}, "2 replicas and at most 1 replicas contradict"),
    ],
)
def test_replicas_that_cannot_be_are_refused(values: dict[str, int], said: str) -> None:
    loads: tuple[dict[str, Any], ...] = ({}, {"traffic.requests_per_s": None})
    for load in loads:
        with pytest.raises(InputError, match=said):
            forecast(asked({**load, **values}), CATALOG)


def test_a_given_number_of_replicas_runs_however_low_the_load_is() -> None:
    plan = planned({"traffic.requests_per_s": 0.1, "hardware.replicas": 3})
    fleet = plan.fleet
    assert (fleet.minimum_replicas, fleet.replicas, fleet.maximum_replicas) == (3, 3, 3)
    assert plan.answer.meets_targets


def test_a_format_that_no_wanted_accelerator_runs_is_a_result() -> None:
    refusal = refused({"precision.weights": "nvfp4", "hardware.accelerators": ["mi300x", "v100 32", "p100"]})
    assert len(refusal.rejected) == 3


# --- what cannot be resolved ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"model": "lama 9.9"}, "lama 9.9"),
        ({"hardware.accelerators": ["h999"]}, "h999"),
        ({"precision.weights": "fp7"}, "fp7"),
        ({"serving.runtime": "vlmm"}, "vlmm"),
        ({"hardware.excluded": ["a100-sxm-80gb"]}, "excluded"),
        ({"precision.kv_cache": "int4"}, "KV cache"),
    ],
)
def test_what_the_catalog_does_not_know_is_an_input_error_that_names_it(values: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        forecast(asked(values), CATALOG)


def test_the_seed_case_is_the_seed_case() -> None:
    """The other tests change one value of it at a time."""
    spec = asked()
    assert spec.traffic.requests_per_s == SEED["traffic.requests_per_s"]
    assert spec.targets == ()
