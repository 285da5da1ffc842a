from math import isfinite

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogs.catalog import Catalog
from engine.fleet.energy import energy, power_curve_for, power_share
from engine.plan import Energy
from tests.draws import draws

CATALOG = Catalog.load()
CURVES = CATALOG.power_curves
H100 = CATALOG.accelerators["h100-sxm-80gb"]


def of(in_flight: float = 40, utilisation: float = 0.5, unused: int = 0, grid: float | None = None) -> Energy:
    return energy(
        CURVES["h100-sxm-80gb"],
        H100,
        accelerators=8,
        unused_accelerators=unused,
        in_flight=in_flight,
        utilisation=utilisation,
        output_tokens_per_s=2000,
        grid_g_co2e_per_kwh=grid,
    )


def test_an_accelerator_takes_its_own_curve_then_its_architectures_then_the_common_one() -> None:
    chosen = {
        name: found.id
        for name in ("h100-sxm-80gb", "h200-sxm-141gb", "b200-sxm", "b300-sxm", "a100-sxm-80gb", "mi300x", "tpu-v5e")
        if (found := power_curve_for(CATALOG.accelerators[name], CURVES.values()))
    }
    hopper, blackwell = "h100-sxm-80gb", "b200-sxm"
    assert list(chosen.values()) == [hopper, hopper, blackwell, blackwell, hopper, hopper, hopper]


def test_watts_kwh_joules_and_carbon_by_hand() -> None:
    answer = of(grid=400)
    watts = 8 * 700 * (0.60 + 0.257 * 0.5)
    assert answer.watts == pytest.approx(watts)
    assert answer.kwh_per_month == pytest.approx(watts * 730 / 1000)
    assert answer.joules_per_output_token == pytest.approx(watts / 2000)
    assert answer.g_co2e_per_month == pytest.approx(watts * 730 / 1000 * 400)
    assert of().g_co2e_per_month is None


def test_nobody_there_draws_idle_power_and_one_request_nearly_all_of_a_batch() -> None:
    curve = CURVES["h100-sxm-80gb"]
    assert power_share(curve, 0, 0) == pytest.approx(curve.idle)
    assert power_share(curve, 1, 0.02) > 3 * curve.idle
    assert of(unused=8).watts - of().watts == pytest.approx(8 * 700 * curve.idle)


def test_the_basis_says_whose_measurement_it_is() -> None:
    assert "measured on it" in of().basis
    assert (
        "measured on h100-sxm-80gb and taken over"
        in energy(
            CURVES["h100-sxm-80gb"],
            CATALOG.accelerators["a100-sxm-80gb"],
            accelerators=1,
            unused_accelerators=0,
            in_flight=1,
            utilisation=0,
            output_tokens_per_s=1,
            grid_g_co2e_per_kwh=None,
        ).basis
    )


# Steady-state runs of the ML.ENERGY benchmark (Apache-2.0), lm-arena-chat, of Qwen3-14B, Llama-3.1-70B, Qwen3-14B and
# DeepSeek-V3.1: throughput over the sweep's largest, concurrency, watts over the power limit.
MEASURED = [
    ("h100-sxm-80gb", 0.55, 64, 0.75),
    ("h100-sxm-80gb", 0.95, 768, 0.91),
    ("b200-sxm", 0.67, 256, 0.96),
    ("b200-sxm", 0.49, 256, 0.74),
]


@pytest.mark.parametrize(("name", "utilisation", "in_flight", "share"), MEASURED)
def test_power_is_near_measured_runs(name: str, utilisation: float, in_flight: float, share: float) -> None:
    assert power_share(CURVES[name], in_flight, utilisation) == pytest.approx(share, rel=0.25)


@settings(max_examples=draws(100), deadline=None)
@given(
    in_flight=st.floats(0, 1e5),
    utilisation=st.floats(0, 1),
    more=st.floats(0, 1),
    name=st.sampled_from(sorted(CATALOG.accelerators)),
)
def test_power_is_finite_within_the_limit_and_rises_with_load(
    in_flight: float, utilisation: float, more: float, name: str
) -> None:
    curve = power_curve_for(CATALOG.accelerators[name], CURVES.values())
    assert curve is not None
    share = power_share(curve, in_flight, utilisation)
    assert isfinite(share) and 0 < share <= 1
    assert power_share(curve, in_flight * (1 + more), min(1, utilisation + more)) >= share - 1e-12
