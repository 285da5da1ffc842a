from math import isfinite, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.plan import Autoscaling
from engine.question.demand import demand_of
from engine.replica.load_curve import LoadCurve
from engine.scaling.thresholds import autoscaling, reaction_parts
from engine.workload import Scaling, WorkloadSpec, spec_from
from tests.draws import draws

BASE = {"traffic.requests_per_s": 10.0, "tokens.input.mean": 500.0, "tokens.output.mean": 200.0, "model": "m"}
SATURATED = 8.0
CAPACITY = 6.0


def queue_curve(saturated: float = SATURATED, seats: float = 40.0, pool: float = 100.0) -> LoadCurve:
    """A replica whose in-flight is seats·ρ in service and ρ²/(1−ρ) waiting."""
    share = np.array([0.02, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99])
    waiting = share**2 / (1 - share)
    return LoadCurve(
        requests_per_s=share * saturated,
        in_flight=seats * share + waiting,
        waiting=waiting,
        ttft_p95_s=0.1 + 3 * waiting / (share * saturated),
        itl_p95_s=0.02 + 0.01 * share,
        kv_cache_usage=np.minimum(seats * share / pool, 1),
    )


def scaled(curve: LoadCurve | None = None, mean: float = 10.0, **values: object) -> Autoscaling:
    spec = spec_from(BASE | {name.replace("__", "."): value for name, value in values.items()})
    return autoscaled(spec, curve or queue_curve(), mean)


def autoscaled(
    spec: WorkloadSpec, curve: LoadCurve, mean: float, capacity: float = CAPACITY, saturated: float = SATURATED
) -> Autoscaling:
    return autoscaling(
        spec,
        demand_of(spec.traffic),
        curve,
        capacity_rps=capacity,
        saturated_rps=saturated,
        prefill_s=0.08,
        weights_bytes_per_replica=140e9,
        mean_rps=mean,
    )


def test_reaction_time_is_the_sum_of_its_parts() -> None:
    answer = scaled()
    # 15 + 30 + 15 + 60 + 0 + 0 + 140 GB at 2 GB/s + 60 + 10
    assert answer.reaction_parts_s["weights"] == 70
    assert answer.reaction_time_s == sum(answer.reaction_parts_s.values()) == 260
    assert answer.scale_down_window_s == 520


def test_a_fast_reaction_keeps_kubernetes_scale_down_window() -> None:
    assert scaled(scaling__metric_window_s=0.0, scaling__warm_up_s=0.0).scale_down_window_s == 300


def test_every_part_of_the_spec_is_in_the_reaction() -> None:
    assert len(reaction_parts(Scaling(), 1e9)) == len(Scaling.__struct_fields__)


def test_utilisation_leaves_room_for_growth_and_burst() -> None:
    answer = scaled(traffic__burst=1.4)
    assert answer.target_utilisation == pytest.approx(1 / (answer.growth_within_reaction * 1.4))
    assert answer.rps_per_replica == pytest.approx(answer.target_utilisation * CAPACITY)


def test_in_flight_is_read_from_the_curve_and_not_scaled() -> None:
    curve = queue_curve()
    answer = scaled(curve)
    assert answer.target_in_flight_per_replica == curve.in_flight_at(answer.rps_per_replica)
    assert answer.target_in_flight_per_replica < answer.target_utilisation * curve.in_flight_at(CAPACITY)


def test_queue_guard_by_hand() -> None:
    """6 requests/s × (1 s − 0.08 s): who arrives behind 5.52 requests waits a second for its first token."""
    answer = scaled(targets=[{"metric": "ttft", "percentile": "p95", "seconds": 1.0}])
    assert answer.queue_length == pytest.approx(6 * (1 - 0.08))


def test_queue_guard_is_never_less_than_one_request() -> None:
    assert scaled(targets=[{"metric": "ttft", "percentile": "p95", "seconds": 0.05}]).queue_length >= 1


def test_ttft_threshold_lies_between_the_plans_own_and_the_target() -> None:
    curve = queue_curve()
    answer = scaled(curve, targets=[{"metric": "ttft", "percentile": "p95", "seconds": 4.0}])
    own = curve.ttft_p95_at(answer.rps_per_replica)
    assert own < answer.ttft_s < 4.0
    assert answer.ttft_s == pytest.approx(sqrt(own * 4.0))


def test_without_a_ttft_target_the_plans_p95_at_capacity_bounds_it() -> None:
    curve = queue_curve()
    answer = scaled(curve)
    assert curve.ttft_p95_at(answer.rps_per_replica) < answer.ttft_s < curve.ttft_p95_at(CAPACITY)


def test_kv_threshold_is_one_reaction_below_full() -> None:
    curve = queue_curve(seats=100, pool=50)  # full at half the saturated rate
    spec = spec_from(BASE)
    answer = autoscaled(spec, curve, 10.0, capacity=3.9)
    # Usage is proportional to load here: full (0.99) over growth.
    assert answer.kv_cache_usage == pytest.approx(0.99 * answer.target_utilisation, rel=0.02)


def test_a_pool_that_never_fills_is_said_so() -> None:
    answer = scaled(queue_curve(pool=400))
    assert answer.kv_cache_usage == pytest.approx(answer.target_utilisation)
    assert "at most 10% full" in answer.reasons["kv_cache_usage"]


def test_gpu_utilisation_saturates_long_before_the_targets() -> None:
    answer = scaled()
    assert answer.gpu_utilisation > 0.99
    assert "never a trigger" in answer.reasons["gpu_utilisation"]


def test_a_sound_plan_has_no_warnings_and_a_reason_for_every_threshold() -> None:
    answer = scaled(targets=[{"metric": "ttft", "percentile": "p95", "seconds": 4.0}])
    assert answer.warnings == ()
    told = set(answer.__struct_fields__) - {"reaction_parts_s", "reasons", "warnings"}
    assert set(answer.reasons) == told


def test_a_target_below_the_plans_own_ttft_is_warned_of() -> None:
    answer = scaled(targets=[{"metric": "ttft", "percentile": "p95", "seconds": 0.01}])
    assert any("0.01" in warning for warning in answer.warnings)


def test_growth_that_no_reaction_can_catch_is_warned_of() -> None:
    answer = scaled(traffic__burst=4.0)
    assert any("schedule" in warning for warning in answer.warnings)


def test_a_curve_too_near_to_saturation_is_warned_of() -> None:
    spec = spec_from(BASE | {"traffic.peak_factor": 1.0, "scaling.metric_window_s": 0.0})
    answer = autoscaled(spec, queue_curve(), 10.0, capacity=7.9)
    assert any("lower the utilisation ceiling" in warning for warning in answer.warnings)


def test_in_flight_alone_would_go_round_in_circles_and_the_rate_holds_it() -> None:
    """Two replicas at a load just beyond one: in flight halves by more than half, and alone gives one back."""
    answer = scaled(queue_curve(seats=4.0), mean=6.2)
    assert "in turn" in answer.reasons["rps_per_replica"]
    assert not any("in turn" in warning for warning in answer.warnings)


def test_of_clients_that_wait_the_share_is_of_those_that_a_replica_holds() -> None:
    """In flight is then the load itself: a share of it is asked for by as many clients, and by the rate they make."""
    spec, curve = spec_from(BASE | {"traffic.peak_factor": 1.2}), queue_curve()
    holds = curve.in_flight_at(CAPACITY)
    answer = autoscaling(
        spec, demand_of(spec.traffic), curve, capacity_rps=CAPACITY, saturated_rps=SATURATED, prefill_s=0.08,
        weights_bytes_per_replica=140e9, mean_rps=3 * CAPACITY, mean_clients=3 * holds,
    )  # fmt: skip
    assert answer.target_in_flight_per_replica == pytest.approx(answer.target_utilisation * holds)
    assert curve.in_flight_at(answer.rps_per_replica) == pytest.approx(answer.target_in_flight_per_replica)
    assert answer.warnings == ()


@settings(max_examples=draws(150), deadline=None)
@given(
    peak=st.floats(1, 100),
    burst=st.floats(1, 50),
    saturated=st.floats(1e-3, 1e4),
    ceiling=st.floats(0.05, 0.99),
    seats=st.floats(0.1, 2000),
    pool=st.floats(0.1, 5000),
    mean=st.floats(1e-3, 1e6),
    prefill=st.floats(1e-4, 100),
    weights=st.floats(1e6, 2e12),
    target=st.none()
    | st.tuples(st.sampled_from(["ttft", "itl", "e2e"]), st.sampled_from(["mean", "p50", "p95", "p99"])),
    seconds=st.floats(1e-3, 1e3),
)
def test_thresholds_are_sound_over_the_whole_input_space(
    *,
    peak: float,
    burst: float,
    saturated: float,
    ceiling: float,
    seats: float,
    pool: float,
    mean: float,
    prefill: float,
    weights: float,
    target: tuple[str, str] | None,
    seconds: float,
) -> None:
    targets = [{"metric": target[0], "percentile": target[1], "seconds": seconds}] if target else []
    spec = spec_from(BASE | {"traffic.peak_factor": peak, "traffic.burst": burst, "targets": targets})
    curve, capacity = queue_curve(saturated, seats, pool), ceiling * saturated
    answer = autoscaling(
        spec,
        demand_of(spec.traffic),
        curve,
        capacity_rps=capacity,
        saturated_rps=saturated,
        prefill_s=prefill,
        weights_bytes_per_replica=weights,
        mean_rps=mean,
    )
    values = [value for name in answer.__struct_fields__ if isinstance(value := getattr(answer, name), float)]
    assert all(isfinite(value) and value >= 0 for value in values)
    assert 0 < answer.target_utilisation <= 1
    assert 0 < answer.rps_per_replica <= capacity * (1 + 1e-9)
    assert answer.target_in_flight_per_replica <= curve.in_flight_at(capacity) * (1 + 1e-9)
    assert curve.kv_cache_usage_at(answer.rps_per_replica) <= answer.kv_cache_usage <= 1
    assert answer.ttft_s >= curve.ttft_p95_at(answer.rps_per_replica)
    assert answer.queue_length >= max(1, curve.waiting_at(answer.rps_per_replica))
    assert not any("in turn" in warning for warning in answer.warnings)
    assert not any("mean load already" in warning for warning in answer.warnings)
