"""Bands: the narrowest that speaks of a case, wider where little or nothing is known of it."""

from typing import Any

import pytest

from agent.report.plan.bands import fleet_sentence
from catalogs.catalog import Catalog
from catalogs.records.fitted import ErrorBand
from catalogs.records.validation import record_of
from engine.bands.beyond_data import outside
from engine.bands.lookup import BEYOND_DATA, UNKNOWN, band_for, ends
from engine.plan import Bands, CapacityPlan, CountRange
from engine.workload import spec_from
from tests.engine.asked import formula_plan


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


def plan_for(catalog: Catalog, **values: object) -> CapacityPlan:
    spec = {"traffic.requests_per_s": 10, "tokens.input.mean": 500, "tokens.output.mean": 200, "model": "llama 3.1 70b"}
    wanted = {key.replace("__", "."): value for key, value in values.items()}
    plan = formula_plan(spec_from(spec | {"hardware.accelerators": ["A100 SXM 80GB"]} | wanted), catalog)
    assert isinstance(plan, CapacityPlan)
    return plan


def band(**selectors: str) -> ErrorBand:
    return record_of(
        ErrorBand,
        {
            "id": "-".join(selectors.values()) or "all",
            "metric": "itl",
            "quantiles": (0.5, 0.7, 0.8, 1.0, 1.2, 1.4, 2.0),
            "points": 100,
            "groups": 10,
            "coverage": 0.8,
        }
        | selectors,
    )


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


def test_every_band_of_the_catalog_is_ordered_and_covers_what_it_says(catalog: Catalog) -> None:
    for item in catalog.bands:
        assert list(item.quantiles) == sorted(item.quantiles)
        assert item.coverage >= 0.8, item.id


def test_foreign_kernels_widen_a_band_that_was_not_made_from_such() -> None:
    bands = [band(), band(kernels="foreign")]
    case: dict[str, Any] = {"runtime": "vllm", "load": "closed_loop", "architecture": "dense", "kernels": "foreign"}
    of_all, known = band_for(bands, "itl", **case) or pytest.fail("none matches")
    assert (of_all.kernels, known) == ("foreign", False)  # made from all loads together
    same_load = band(kernels="foreign", load="closed_loop")
    assert band_for([*bands, same_load], "itl", **case) == (same_load, True)
    assert band_for(bands, "itl", **case | {"kernels": "measured"}) == (bands[0], True)


def test_a_runtime_narrows_what_kernels_and_load_have_chosen() -> None:
    case: dict[str, Any] = {"runtime": "vllm", "load": "closed_loop", "architecture": "dense", "kernels": "measured"}
    of_all, of_runtime = band(load="closed_loop"), band(load="closed_loop", runtime="vllm")
    other, narrower = band(load="closed_loop", runtime="sglang"), band(load="closed_loop", kernels="measured")
    assert band_for([of_all, of_runtime, other], "itl", **case) == (of_runtime, True)
    assert band_for([of_all, of_runtime, narrower], "itl", **case) == (narrower, True)


def test_what_is_not_known_widens_both_ends() -> None:
    low, high = ends(band())
    assert ends(band(), known=False) == (low / UNKNOWN, high * UNKNOWN)
    assert ends(band(), beyond=True) == (low / BEYOND_DATA, high * BEYOND_DATA)
    assert ends(band(), 50) == (0.8, 1.2)
    assert ends(band(), 95) == (0.5, 2.0)


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
    """Slower steps carry less, and less again within the targets: without targets only the first is felt."""

    def worst(**values: object) -> float:
        plan = plan_for(catalog, **values)
        return bands_of(plan).fleet.capacity_requests_per_s.low / plan.fleet.capacity_requests_per_s

    assert worst(targets=[ITL_80]) < worst()


def test_where_no_number_of_replicas_would_do_the_plan_says_so(catalog: Catalog) -> None:
    """A target a little above the floor is met, and would be at no load were every step a quarter slower."""
    floor = plan_for(catalog, serving__tensor_parallel=4, traffic__requests_per_s=0.01).performance.at_mean.itl_s.mean
    near = {"metric": "itl", "percentile": "mean", "seconds": floor * 1.06}
    plan = plan_for(catalog, serving__tensor_parallel=4, targets=[near])
    fleet = bands_of(plan).fleet
    assert plan.answer.meets_targets
    assert not fleet.meets_targets
    assert fleet.accelerators.high >= fleet.accelerators.low
    assert "no number of them meets the targets if the forecast is off" in fleet_sentence(plan)
    assert bands_of(plan_for(catalog, targets=[ITL_80])).fleet.meets_targets
