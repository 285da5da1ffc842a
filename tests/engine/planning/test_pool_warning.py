"""What a plan says where a runtime may find less memory for its KV pool than one request takes."""

import pytest
from msgspec.structs import replace

from engine.fleet.candidates import longest_request, pool_ends, single
from engine.method import forecast
from engine.plan import CapacityPlan, PoolSize
from engine.planning.launch import launch_of
from engine.step.parallelism import ParallelSizes
from engine.workload import spec_from
from tests.engine.asked import CATALOG, question

ONE_H100 = {
    "model": "gemma-4-31b",
    "precision.weights": None,
    "hardware.accelerators": ["h100"],
    "serving.tensor_parallel": 1,
    "serving.memory_utilisation": 0.9,
    "traffic.requests_per_s": 0.01,
    "tokens.input.mean": 500,
    "tokens.output.mean": 100,
    "targets": (),
}


@pytest.mark.parametrize(("share", "said"), [(1.0, True), (0.9, False)])
def test_a_request_that_only_just_fits_is_warned_of(share: float, said: bool) -> None:
    asked = question(ONE_H100)
    window = int(share * longest_request(asked, single(asked, ParallelSizes(1))))
    plan = forecast(spec_from({**ONE_H100, "serving.context_window": window}), CATALOG)
    assert isinstance(plan, CapacityPlan)
    warned = [warning for warning in plan.warnings if "vLLM may refuse to start" in warning]
    assert bool(warned) is said
    if said:
        assert "the KV pool may be 7.4 to 7.9 GiB per accelerator" in warned[0]


def test_a_plan_states_both_ends_of_its_pool_in_bytes_tokens_and_sequences() -> None:
    plan = forecast(spec_from({**ONE_H100, "hardware.accelerators": ["h200"]}), CATALOG, verify=False)
    assert isinstance(plan, CapacityPlan)
    memory = plan.memory
    assert memory.band
    for name in PoolSize.__struct_fields__:
        low, middle, high = (getattr(one, name) for one in (memory.band.low, memory, memory.band.high))
        assert low < middle <= high
    assert memory.kv_cache_pool_bytes - memory.band.low.kv_cache_pool_bytes == pytest.approx(0.34 * 2**30, rel=1e-4)


def planned(**values: object) -> CapacityPlan:
    spec = {**ONE_H100, "tokens.input.mean": 1500, **{name.replace("__", "."): value for name, value in values.items()}}
    plan = forecast(spec_from(spec), CATALOG, verify=False)
    assert isinstance(plan, CapacityPlan)
    return plan


def test_capacity_that_the_pool_stops_is_as_unsure_as_the_pool() -> None:
    """One H100 has room for 8 requests, at the low end for 7: the capacity's low end falls by about that share."""
    plan, roomy = planned(), planned(serving__tensor_parallel=2)
    assert plan.memory.band
    assert (plan.memory.band.low.max_concurrent_sequences, plan.memory.max_concurrent_sequences) == (7, 8)
    low, usual = (
        one.bands.replica_capacity.requests_per_s.low / one.replica_capacity.requests_per_s
        for one in (plan, roomy)
        if one.bands
    )
    assert low / usual == pytest.approx(7 / 8, abs=0.06)


def test_a_peak_beyond_the_pools_low_end_is_warned_of_with_what_helps() -> None:
    plan = planned(traffic__requests_per_s=None, hardware__accelerator_count=1)
    assert [warning for warning in plan.warnings if "room for 7 to 8 requests, and the peak runs 8" in warning]
    assert any("--gpu-memory-utilization or --kv-cache-dtype fp8 makes room" in warning for warning in plan.warnings)


def test_the_context_limit_is_stated_where_the_models_own_may_not_fit() -> None:
    """Gemma 4 31B takes 84 KB a token with full windows: just what a pool holds that may come out smaller."""
    asked = question(ONE_H100)
    replica = single(asked, ParallelSizes(1))
    ends = pool_ends(replica)
    assert ends
    middle = (longest_request(asked, replica, ends[0]) + longest_request(asked, replica)) // 2
    model = replace(asked.model, max_context=middle)
    flags = launch_of(replace(replica, question=replace(asked, model=model, context_limit=middle))).flags
    stated = [flag for flag in flags if flag.flag == "--max-model-len"]
    assert stated
    assert "may not fit" in stated[0].why
