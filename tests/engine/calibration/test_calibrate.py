from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from math import log
from statistics import median

import pytest
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.measurement_files import Row, checked_point
from engine import forecast, spec_from
from engine.accuracy.benchmarks import benchmark_latencies
from engine.accuracy.evidence import calibrated_outcomes
from engine.accuracy.predictions import Prediction, Simulator, predict_points, read
from engine.calibration.against import held_against
from engine.calibration.calibrate import CalibrationRun, calibrate, digest_of
from engine.calibration.design import CLIENTS, BenchmarkedLoad, next_measurements
from engine.estimate.estimate import Estimate, estimate
from engine.estimate.load_kinds import GivenLoad
from engine.plan import CapacityPlan
from tests.measured_server import measured_rows

DAY = date(2026, 11, 29)
SLOW = {"linear_memory": 0.8, "ttft_overhead_ms": 40.0, "prompt_layer_overhead_us": 200.0}
"""A server that reads weights at 0.8 of the fit's speed, and takes its time with prompts."""
FURTHER = ((2, 1024, 256), (24, 1024, 256), (48, 2048, 128), (12, 512, 512))


@pytest.fixture(scope="module")
def slow(catalog: Catalog) -> CalibrationRun:
    return run_of(measured_rows(catalog, SLOW), catalog, benchmark_latencies)


def run_of(rows: list[Row], catalog: Catalog, simulator: Simulator | None = None) -> CalibrationRun:
    """By formula alone, where TTFT is not what matters."""
    return calibrate(rows, catalog, name="own", made=DAY, simulator=simulator)


def errors_on(
    rows: list[Row], catalog: Catalog, simulator: Simulator | None = None
) -> dict[str, list[tuple[float, bool, float]]]:
    """By metric: of each row the absolute error, whether its band holds it, and the band's width."""
    points = [read(row, catalog) for row in rows]
    outcomes = calibrated_outcomes(points, predict_points(points, catalog, simulator), catalog)
    errors: dict[str, list[tuple[float, bool, float]]] = {"itl": [], "ttft": []}
    for outcome in outcomes:
        assert not isinstance(outcome, str)
        for item in outcome:
            ends = item.ends()
            assert ends is not None
            inside = ends[0] <= item.measured <= ends[1]
            errors[item.column[:4].strip("_")].append(
                (abs(item.predicted / item.measured - 1), inside, ends[1] / ends[0])
            )
    return errors


def test_the_constants_of_a_known_server_are_found(slow: CalibrationRun) -> None:
    """Towards what the server has; what two constants do alike, either may have done."""
    found = {one.name: one for one in slow.calibration.constants}
    ratio = found["linear_memory"].after / found["linear_memory"].before
    assert 0.74 < ratio < 0.9
    assert 1.2 < found["ttft_overhead_ms"].after / found["ttft_overhead_ms"].before < 8


def test_loads_that_were_not_measured_come_out_right_and_inside_their_bands(
    slow: CalibrationRun, catalog: Catalog
) -> None:
    rows = measured_rows(catalog, SLOW, FURTHER, seed=1)
    calibrated = catalog.with_calibration(slow.calibration)
    before, after = (errors_on(rows, one, benchmark_latencies) for one in (catalog, calibrated))
    for metric, most in (("itl", 0.05), ("ttft", 0.12)):
        assert median(e for e, _, _ in after[metric]) < most < median(e for e, _, _ in before[metric])
        assert sum(inside for _, inside, _ in after[metric]) >= len(after[metric]) - 1
        assert max(width for _, _, width in after[metric]) < min(width for _, _, width in before[metric])


def test_more_points_leave_less_unsure(catalog: Catalog) -> None:
    rows = measured_rows(catalog, SLOW)
    widths = [
        [
            width
            for _, _, width in errors_on(rows, catalog.with_calibration(run_of(rows[:count], catalog).calibration))[
                "itl"
            ]
        ]
        for count in (1, 3, 6)
    ]
    assert all(more <= fewer for one, other in pairwise(widths) for fewer, more in zip(one, other, strict=True))


def test_a_server_as_the_fit_has_it_moves_little(catalog: Catalog) -> None:
    run = run_of(measured_rows(catalog, {}), catalog, benchmark_latencies)
    rows = measured_rows(catalog, {}, FURTHER, seed=1)
    known = catalog.with_calibration(run.calibration)
    points = [read(row, catalog) for row in rows]
    before, after = (predict_points(points, one) for one in (catalog, known))
    for then, now in zip(before, after, strict=True):
        for old, new in zip(then, now, strict=True):
            assert isinstance(old, Prediction)
            assert isinstance(new, Prediction)
            assert abs(log(new.predicted / old.predicted)) < (0.03 if "itl" in old.column else 0.08)


@pytest.mark.parametrize(("steps", "first"), [(1.0, 1.0), (1.3, 1.0), (0.8, 1.0), (1.0, 2.0)])
def test_figures_times_a_factor_move_every_door_by_it(catalog: Catalog, steps: float, first: float) -> None:
    """At every load that was measured, near the middle of the band that it leaves; by itself nothing moves."""
    server = {"model": "meta-llama/Llama-3.1-8B-Instruct", "weight_precision": "fp8", "gpus": "1", "tp": "1"}
    loads = [(clients, 1500, 300) for clients in (1, 8, 32, 64, 128)]
    rows = measured_rows(catalog, {}, loads, itl_noise=0, ttft_noise=0, **server)
    times = {"itl_ms_mean": steps, "ttft_ms_mean": first}
    rows = [{**row, **{name: str(float(row[name]) * by) for name, by in times.items()}} for row in rows]
    own = catalog.with_calibration(run_of(rows, catalog, benchmark_latencies).calibration)
    asked = {
        "model": "llama-3.1-8b", "precision.weights": "fp8", "hardware.accelerators": ("h100",),
        "tokens.input.mean": 1500, "tokens.output.mean": 300, "tokens.input.cv": 0, "tokens.output.cv": 0,
    }  # fmt: skip
    plan = forecast(spec_from(asked | {"traffic.requests_per_s": 0.001}), own)
    assert isinstance(plan, CapacityPlan)
    held = held_against(plan, rows, own, benchmark_latencies).figures
    figures = {(one.run, one.metric): one for one in held}
    for row in rows:
        alone = estimate(spec_from(asked), GivenLoad("concurrency", float(row["concurrency"])), own)
        assert isinstance(alone, Estimate)
        for metric, seconds in (("itl", alone.itl_s.mean), ("ttft", alone.ttft_s.mean)):
            one = figures[row["id"], metric]
            assert seconds == pytest.approx(one.forecast_s, rel=0.01)
            assert one.inside
            # A herd's TTFT jumps with small changes of its steps, which no smooth misfit follows.
            most = 1e-3 + (steps != 1 or first != 1) * (0.01 if metric == "itl" else 0.15)
            assert one.measured_s == pytest.approx(one.forecast_s, rel=most)
    assert plan.performance.at_peak.itl_s.mean == pytest.approx(figures[rows[0]["id"], "itl"].forecast_s, rel=0.01)
    assert plan.bands is not None
    for metric in ("itl_s", "ttft_s"):
        band, mean = (getattr(of, metric).mean for of in (plan.bands.performance.at_peak, plan.performance.at_peak))
        assert 0.5 < log(band.high / mean) / log(mean / band.low) < 2


def test_no_constant_leaves_physics(catalog: Catalog) -> None:
    """Weights are read no faster than the memory's bandwidth, though the points come from a faster server."""
    run = run_of(measured_rows(catalog, {"linear_memory": 1.25, "step_overhead_us": 20.0}), catalog)
    assert all(one.after >= 0 for one in run.calibration.constants)
    memory = next(one for one in run.calibration.constants if one.name == "linear_memory")
    assert memory.after <= 1.25 * memory.before


def test_an_odd_point_moves_little_and_leaves_the_others_right(catalog: Catalog) -> None:
    rows = measured_rows(catalog, SLOW)
    odd = [{**rows[0], "itl_ms_mean": str(2 * float(rows[0]["itl_ms_mean"]))}, *rows[1:]]
    run, clean = run_of(odd, catalog), run_of(rows, catalog)
    known = {one.name: one.after for one in clean.calibration.constants}
    moved = {one.name: one.after for one in run.calibration.constants}
    assert abs(log(moved["linear_memory"] / known["linear_memory"])) < 0.12
    noise = [one.noise for one in run.calibration.evidence if one.metric == "itl"]
    assert noise[0] > 3 * max(noise[1:])


def test_a_point_that_physics_forbids_is_named_and_left_out(catalog: Catalog) -> None:
    rows = measured_rows(catalog, SLOW)
    run = run_of([{**rows[0], "itl_ms_mean": "3"}, *rows[1:]], catalog)
    assert any("c1-1024-256" in doubt and "bandwidth" in doubt for doubt in run.doubts)
    assert len(run.points) == len(rows) - 1


def test_a_rate_that_the_calibrated_server_does_not_hold_is_left_out_and_named(catalog: Catalog) -> None:
    """Open loops of an 8B whose steps take four times as long: what the fit holds, such a server may not."""
    base = {
        "model": "llama-3.1-8b", "accelerator": "h100-sxm-80gb", "engine": "vllm", "gpus": "1", "tp": "1",
        "load": "open_loop", "input_tokens": "1000", "output_tokens": "250", "prompts": "200", "itl_ms_mean": "1",
        "ttft_ms_mean": "1",
    }  # fmt: skip
    rows = [checked_point(base | {"id": f"r{rate}", "request_rate": str(rate)}) for rate in (2, 5, 20)]
    printed = predict_points([read(row, catalog) for row in rows], catalog)
    slower = []
    for row, outcome in zip(rows, printed, strict=True):
        assert not isinstance(outcome, str)
        slower.append({**row, **{item.column: f"{4 * item.predicted:.6g}" for item in outcome}})
    run = calibrate(slower, catalog, name="own", made=DAY, insist=True)
    assert any(reason.startswith("r20: ") for reason in run.unused)
    assert {one.metric: one.points for one in run.errors}["itl"] == 2


def test_a_burst_is_bounded_by_decoding_alone(catalog: Catalog) -> None:
    """All requests at once, one a client: prompts hardly meet decoding, whose steps no formula of a loop describes."""
    loops = measured_rows(catalog, {}, ((64, 1024, 128), (100, 1024, 128)))
    rows = [{**row, "prompts": row["concurrency"]} for row in loops]
    printed = predict_points([read(row, catalog) for row in rows], catalog, benchmark_latencies)
    for factor in (1.0, 0.7):
        own = [
            {**row, **{item.column: str(factor * item.predicted) for item in outcome if isinstance(item, Prediction)}}
            for row, outcome in zip(rows, printed, strict=True)
        ]
        assert float(own[0]["itl_ms_mean"]) < float(loops[0]["itl_ms_mean"])
        run = run_of(own, catalog, benchmark_latencies)
        assert len(run.points) == 2
        assert not run.doubts
    with pytest.raises(InputError, match="bandwidth"):
        run_of([{**row, "itl_ms_mean": "4"} for row in rows], catalog)


def test_a_server_that_changed_between_two_runs_is_named(catalog: Catalog) -> None:
    loads = ((1, 1024, 256), (32, 1024, 256), (8, 1024, 256)) * 2
    rows = measured_rows(catalog, {}, loads)
    slower = [{**row, "itl_ms_mean": str(1.5 * float(row["itl_ms_mean"]))} for row in rows[3:]]
    assert any("lie" in doubt and "higher" in doubt for doubt in run_of([*rows[:3], *slower], catalog).doubts)
    assert not run_of(rows, catalog).doubts


@pytest.mark.parametrize("named", ["llama-3.1-70b", "llama-3.1-8b"])
def test_another_model_than_was_measured_is_refused(catalog: Catalog, named: str) -> None:
    rows = [{**row, "model": named} for row in measured_rows(catalog, {})]
    with pytest.raises(InputError, match="model"):
        run_of(rows, catalog)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"engine": "sglang"}, "runtimes"),
        ({"accelerator": "h200-sxm-141gb"}, "accelerators"),
        ({"model": "llama-3.1-8b"}, "models"),
    ],
)
def test_points_of_several_systems_are_refused(catalog: Catalog, changed: Mapping[str, str], what: str) -> None:
    rows = measured_rows(catalog, {})[:2]
    with pytest.raises(InputError, match=f"several serving {what}|several {what}"):
        run_of([rows[0], {**rows[1], **changed}], catalog)


def test_a_throughput_alone_calibrates(catalog: Catalog) -> None:
    """Without a latency, as of an offline run."""
    base = measured_rows(catalog, {}, ((8, 1024, 256),))[0]
    row = {
        **base,
        "load": "offline",
        "concurrency": "",
        "prompts": "",
        "ttft_ms_mean": "",
        "itl_ms_mean": "",
        "output_tokens_per_s": "1500",
    }
    (errors,) = run_of([row], catalog).errors
    assert errors.metric == "throughput"


def test_the_digest_is_of_all_that_it_says(slow: CalibrationRun) -> None:
    made = slow.calibration
    assert made.sha256 == digest_of(made)
    assert digest_of(replace(made, model_share=0.5)) != made.sha256


def test_the_next_measurement_narrows_bands_more_than_another(catalog: Catalog) -> None:
    """Of what it promises: the width of ITL's and TTFT's bands over all loads, after measuring there in truth."""
    rows = measured_rows(catalog, SLOW, [(clients, 1024, 256) for clients in (8, 2, 4, 16, 32)])
    everywhere = [{**rows[0], "concurrency": str(clients)} for clients in CLIENTS]
    run = run_of(rows[:1], catalog, benchmark_latencies)
    best = next_measurements(run.calibration, run.points, catalog, most=1)[0]
    (chosen,) = measured_rows(catalog, SLOW, [(best.load.concurrency, best.load.input_tokens, best.load.output_tokens)])

    def width(more: Row) -> float:
        calibrated = catalog.with_calibration(run_of([rows[0], more], catalog, benchmark_latencies).calibration)
        return sum(log(width) for own in errors_on(everywhere, calibrated).values() for _, _, width in own)

    assert best.bands_after < 1
    assert width(chosen) <= median(width(row) for row in rows[1:])


def test_the_next_measurement_for_a_plan_is_near_its_load(slow: CalibrationRun, catalog: Catalog) -> None:
    wanted = BenchmarkedLoad(200, 8000, 100)
    first = next_measurements(slow.calibration, slow.points, catalog, [wanted])[0].load
    assert first.input_tokens == 8000
    assert first.concurrency >= 32
