"""Bands: the narrowest that speaks of a case, wider where little or nothing is known of it."""

from collections.abc import Mapping
from math import ceil, exp, hypot, log
from typing import Any

import pytest
from msgspec.structs import replace

from agent.report.plan.bands import fleet_sentence, measure_sentence
from agent.report.plan.screenful import screenful
from agent.report.rendering.plain import plain_text
from catalogs.catalog import Catalog
from catalogs.records.facts import Record
from catalogs.records.fitted import UNMEASURED, ErrorBand, LevelSpreads, MeasuredSystem, Spread
from catalogs.records.validation import record_of
from engine.bands.beyond_data import outside
from engine.bands.lookup import NOVELTIES, CaseBand, Level, band_for, new_levels
from engine.plan import Bands, CapacityPlan, CountRange
from engine.workload import spec_from
from tests.engine.asked import formula_plan


def plan_for(catalog: Catalog, **values: object) -> CapacityPlan:
    spec = {"traffic.requests_per_s": 10, "tokens.input.mean": 500, "tokens.output.mean": 200, "model": "llama 3.1 70b"}
    wanted = {key.replace("__", "."): value for key, value in values.items()}
    plan = formula_plan(spec_from(spec | {"hardware.accelerators": ["A100 SXM 80GB"]} | wanted), catalog)
    assert isinstance(plan, CapacityPlan)
    return plan


QUANTILES = (-2.0, -1.0, -0.5, 0.0, 1.0, 2.0, 4.0)


def band(*, seen: Mapping[str, float] | None = None, **spreads: float) -> ErrorBand:
    """A band of ITL whose levels spread by 0.1, or as stated, with a tail towards what is slower.

    Args:
        seen: spreads of levels of sources that a fit has seen.
        spreads: of all others.
    """

    def levels(of: type[Record], stated: Mapping[str, float]) -> dict[str, Any]:
        names = [name for name, kind in of.__annotations__.items() if kind is Spread]
        return {name: {"deviation": stated.get(name, 0.1), "groups": 9} for name in names}

    return record_of(
        ErrorBand,
        {
            "id": "itl",
            "metric": "itl",
            **levels(ErrorBand, spreads),
            "seen": levels(LevelSpreads, seen or {}),
            "unseen": levels(LevelSpreads, spreads),
            "quantiles": dict.fromkeys(NOVELTIES, QUANTILES),
            "points": 100,
        },
    )


CASE: dict[str, Any] = {"load": "closed_loop", "architecture": "dense", "kernels": "measured"}


def case(*new: Level, of: ErrorBand | None = None, **changes: str) -> CaseBand:
    made = band_for([of or band()], "itl", new=frozenset(("run", *new)), **CASE | changes)
    assert made is not None
    return made


def bands_of(plan: CapacityPlan) -> Bands:
    assert plan.bands is not None
    return plan.bands


def test_levels_are_nested(catalog: Catalog) -> None:
    bands = [bands_of(plan_for(catalog, band=level)) for level in (50, 80, 95)]
    assert [band.level for band in bands] == [50, 80, 95]
    ranges = [band.performance.at_peak.itl_s.mean for band in bands]
    lows, highs = [item.low for item in ranges], [item.high for item in ranges]
    assert lows == sorted(lows, reverse=True)
    assert highs == sorted(highs)
    worst = [band.fleet.accelerators.high for band in bands]
    assert worst == sorted(worst)


def test_a_level_changes_the_bands_alone(catalog: Catalog) -> None:
    usual, wide = plan_for(catalog), plan_for(catalog, band=95)
    assert (usual.fleet, usual.cost, usual.performance) == (wide.fleet, wide.cost, wide.performance)


def test_every_figure_has_a_band_whose_quantiles_are_ordered(catalog: Catalog) -> None:
    assert {item.metric for item in catalog.bands} == {"itl", "ttft", "throughput", "stream"}
    for item in catalog.bands:
        for quantiles in (getattr(item.quantiles, novelty) for novelty in NOVELTIES):
            assert list(quantiles) == sorted(quantiles)
            assert quantiles[1] < 0 < quantiles[5]


def test_what_is_new_of_a_case_adds_in_quadrature() -> None:
    of = band(source=0.3, model_dense=0.4, run_dense=1.2, sweep_dense=0.7)
    assert case("source", "model", of=of).ends() == pytest.approx((exp(-1.3), exp(2 * 1.3)))
    assert case(of=of).ends() == pytest.approx((exp(-0.7), exp(2 * 0.7)))  # a known sweep has a spread of its own
    assert [part.level for part in case("source", "accelerator").parts] == ["source", "accelerator", "run"]


def test_models_and_runs_lie_nearer_where_the_source_is_known() -> None:
    of = band(seen={"model_dense": 0.2, "run_dense": 0.3}, model_dense=0.5, run_dense=0.6)
    assert [part.deviation for part in case("model", of=of).parts] == [0.2, 0.3]
    assert [part.deviation for part in case("model", "source", of=of).parts] == [0.1, 0.5, 0.6]


def test_the_shape_of_a_band_is_that_of_the_widest_level_that_is_new() -> None:
    wide = {"accelerator": tuple(2 * q for q in QUANTILES), "source": tuple(3 * q for q in QUANTILES)}
    of = replace(band(), quantiles=replace(band().quantiles, **wide))
    shapes = [case(*new, of=of).quantiles[5] for new in ((), ("model",), ("model", "accelerator"), ("model", "source"))]
    assert shapes == [2.0, 2.0, 4.0, 6.0]


def test_levels_of_a_band_are_its_quantiles() -> None:
    low, high = case(of=band(sweep_dense=0.5)).ends(50)
    assert (low, high) == pytest.approx((exp(-0.25), exp(0.5)))
    assert case(of=band(sweep_dense=0.5)).ends(95) == pytest.approx((exp(-1), exp(2)))


def test_a_part_is_a_factor_either_way() -> None:
    made = case("source", of=band(source=0.2))
    assert made.times(made.parts[0]) == pytest.approx(exp(0.2 * (2.0 + 1.0) / 2))


def test_mixtures_and_accelerators_of_which_nothing_was_timed_have_spreads_of_their_own() -> None:
    of = band(seen={"run_sparse": 0.5, "model_sparse": 0.6}, accelerator_foreign=0.7)
    deviations = [
        p.deviation for p in case("model", "accelerator", of=of, architecture="latent", kernels="foreign").parts
    ]
    assert deviations == [0.6, 0.7, 0.5]


def test_one_prompt_or_answer_alone_has_a_band_of_its_own() -> None:
    stream = replace(band(sweep_dense=0.2), metric="stream")
    throughput = replace(band(), metric="throughput")
    new: frozenset[Level] = frozenset({"run"})
    alone = band_for([throughput, stream], "throughput", new=new, **CASE | {"load": "decode_only"})
    assert alone is not None and alone.parts[0].deviation == 0.2
    assert band_for([throughput], "ttft", new=new, **CASE) is None


def test_what_is_new_is_what_the_fit_of_the_runtime_has_not_seen() -> None:
    """Somebody's own servers are always new; what another runtime was fitted on says nothing of this one."""
    seen = [
        MeasuredSystem(id="a", runtime="vllm", source="one", models=("m", "n"), accelerators=("h",)),
        MeasuredSystem(id="b", runtime="vllm", source="two", models=("o",), accelerators=("b",)),
        MeasuredSystem(id="c", runtime="sglang", source="one", models=("p",), accelerators=("b",)),
    ]

    def new(model: str, accelerator: str, source: str | None = None) -> frozenset[str]:
        return new_levels(seen, runtime="vllm", model=model, accelerator=accelerator, source=source)

    assert new("m", "b", "one") == {"run"}
    assert new("m", "b") == {"run", "source"}
    assert new("p", "h", "two") == {"run", "model"}
    assert new("p", "x", "three") == {"run", "source", "model", "accelerator"}


@pytest.mark.parametrize(
    ("accelerator", "model", "precision", "tokens", "says"),
    [
        ("MI210", "mixtral 8x7b", "int4", 700, "no serving on CDNA2"),
        ("Gaudi 3", "llama 3.1 8b", "bf16", 700, "no serving on Gaudi"),
        ("EPYC 9654", "llama 3.1 8b", "bf16", 700, "no serving on Zen 4"),
        ("TPU v6e", "llama 3.1 8b", "bf16", 700, "no serving on TPU"),
        ("MI300X", "llama 3.1 8b", "int4", 700, "no dense model in INT4"),
        ("H100 SXM", "qwen2.5 0.5b", "bf16", 700, "the smallest dense model measured"),
        ("H200", "llama 4 scout", "fp8", 500_000, "the longest requests measured"),
    ],
)
def test_what_lies_outside_all_data_is_named(
    catalog: Catalog, accelerator: str, model: str, precision: str, tokens: float, says: str
) -> None:
    reasons = outside(
        catalog.accelerator(accelerator), catalog.model(model).model, catalog.precision(precision), tokens, catalog
    )
    assert len(reasons) == 1
    assert reasons[0].startswith(says)


def test_what_was_measured_is_not_outside(catalog: Catalog) -> None:
    model, fp8 = catalog.model("llama 3.1 70b").model, catalog.precision("fp8")
    assert outside(catalog.accelerator("H100 SXM"), model, fp8, 2_000, catalog) == ()
    assert outside(catalog.accelerator("MI300X"), model, fp8, 2_000, catalog) == ()


def test_a_plan_outside_all_data_says_so_once_and_has_wider_bands(catalog: Catalog) -> None:
    plan = plan_for(catalog, hardware__accelerators=["MI210"])
    known = plan_for(catalog)
    said = [warning for warning in plan.warnings if warning.startswith("outside all data")]
    assert said == [bands_of(plan).note]
    assert bands_of(known).note is None

    def width(plan: CapacityPlan) -> float:
        band = bands_of(plan).performance.at_peak.itl_s.mean
        return band.high / band.low

    assert width(plan) > 2 * width(known)


def test_a_given_fleet_keeps_its_size(catalog: Catalog) -> None:
    plan = plan_for(catalog, traffic__requests_per_s=None, hardware__accelerator_count=16)
    fleet = bands_of(plan).fleet
    assert fleet.accelerators == CountRange(16, 16)
    assert fleet.capacity_requests_per_s.low < plan.fleet.capacity_requests_per_s


ITL_80 = {"metric": "itl", "percentile": "p95", "seconds": 0.08}


def test_targets_that_bind_make_the_bad_end_dearer(catalog: Catalog) -> None:
    """Slower steps carry less, and less again within a target near their own time; a loose one is not felt."""

    def worst(**values: object) -> float:
        plan = plan_for(catalog, serving__tensor_parallel=4, **values)
        return bands_of(plan).fleet.capacity_requests_per_s.low / plan.fleet.capacity_requests_per_s

    floor = plan_for(catalog, serving__tensor_parallel=4, traffic__requests_per_s=0.01).performance.at_mean.itl_s.mean
    near = {"metric": "itl", "percentile": "mean", "seconds": floor * 1.3}
    assert worst(targets=[near]) < worst(targets=[ITL_80]) <= worst()


def test_where_no_number_of_replicas_would_do_the_plan_says_so(catalog: Catalog) -> None:
    """A target a little above the floor is met, and would be at no load were every step a quarter slower."""
    floor = plan_for(catalog, serving__tensor_parallel=4, traffic__requests_per_s=0.01).performance.at_mean.itl_s.mean
    near = {"metric": "itl", "percentile": "mean", "seconds": floor * 1.2}
    plan = plan_for(catalog, serving__tensor_parallel=4, targets=[near])
    fleet = bands_of(plan).fleet
    assert plan.answer.meets_targets
    assert not fleet.meets_targets
    assert fleet.accelerators.high >= fleet.accelerators.low
    assert "no number of them meets the targets if the forecast is off" in fleet_sentence(plan)
    assert bands_of(plan_for(catalog, targets=[ITL_80])).fleet.meets_targets


def test_a_plan_says_which_part_of_its_bands_is_which(catalog: Catalog) -> None:
    """A server of one's own is always a new source; a mixture that no fit has seen is a new model too."""
    known, unlike = (bands_of(plan_for(catalog, model=name)) for name in ("llama 3.1 70b", "qwen3 30b a3b"))
    assert [part.level for part in known.parts][::2] == ["source", "run"] or len(known.parts) == 2
    assert {"source", "model", "run"} <= {part.level for part in unlike.parts}
    for bands in (known, unlike):
        itl = bands.performance.at_peak.itl_s.mean
        assert itl.high / itl.low == pytest.approx(exp(2 * hypot(*(log(part.itl) for part in bands.parts))), rel=1e-6)


def test_replicas_follow_from_what_one_replica_carries_at_the_bad_end(catalog: Catalog) -> None:
    for targets in ([], [ITL_80]):
        plan = plan_for(catalog, targets=targets)
        bands = bands_of(plan)
        load = plan.performance.at_peak.requests_per_s * plan.fleet.replicas
        assert bands.fleet.replicas.high == ceil(load / bands.replica_capacity.requests_per_s.low)


def test_where_the_speed_is_hardly_known_that_is_said_first(catalog: Catalog) -> None:
    plan = plan_for(catalog, hardware__accelerators=["TPU v6e"], model="llama 3.1 8b", precision__weights="bf16")
    assert bands_of(plan).measure_first
    said = "The speed of TPU v6e (Trillium) is not known within a factor of 2; measure before you buy."
    assert plain_text(screenful(plan)).startswith(said)
    assert not bands_of(plan_for(catalog)).measure_first
    assert measure_sentence(plan_for(catalog)) == ""


def test_an_architecture_that_nobody_measured_is_slower_than_its_kernels_promise(catalog: Catalog) -> None:
    """By what such accelerators that were measured fell short; those whose serving was measured stay as they are."""
    without = catalog.with_fitted(entry for entry in catalog.fitted if entry.id != UNMEASURED)

    def itl(accelerator: str, of: Catalog) -> float:
        alone = {"model": "llama 3.1 8b", "precision__weights": "bf16", "serving__tensor_parallel": 1}
        plan = plan_for(of, hardware__accelerators=[accelerator], traffic__requests_per_s=0.1, **alone)
        return plan.performance.at_mean.itl_s.mean

    assert itl("TPU v6e", catalog) > 1.1 * itl("TPU v6e", without)
    assert itl("MI300X", catalog) == itl("MI300X", without)
    warnings = plan_for(catalog, hardware__accelerators=["TPU v6e"], model="llama 3.1 8b").warnings
    assert any("such accelerators that were measured reached" in warning for warning in warnings)
