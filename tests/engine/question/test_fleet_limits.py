"""Limits on the fleet in each unit, and the power that a fleet is rated at."""

import numpy as np
import pytest

from engine.question.fleet_limits import UnitSizes, allowed_accelerators, ceilings, power_contradiction, rated_watts
from engine.workload import Hardware

H100_W = 700.0
SIZES = UnitSizes(np.array([8]), np.array([4]), np.array([1000 / rated_watts(1, H100_W)])).take(0)


def test_eight_h100_with_their_host_are_rated_as_the_server_that_holds_them() -> None:
    assert rated_watts(8, H100_W) == pytest.approx(10_200)


@pytest.mark.parametrize(
    ("kilowatts", "accelerators"),
    [(40, 31), (10.2, 8), (10.19, 7), (1.275, 1), (1.27, 0)],  # 1.275 kW each
)
def test_a_ceiling_in_kilowatts_allows_what_is_rated_within_it(kilowatts: float, accelerators: int) -> None:
    (ceiling,) = ceilings(Hardware(max_power_kw=kilowatts), SIZES)
    assert ceiling.accelerators == accelerators
    assert ceiling.needed(accelerators + 1) > kilowatts >= ceiling.needed(accelerators) - 0.1
    allowed = allowed_accelerators(Hardware(max_power_kw=kilowatts), SIZES)
    assert allowed is not None
    assert np.floor(allowed * (1 + 1e-9)) == accelerators


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"accelerator_count": 16},
            "16 accelerators are rated at 20.4 kW",
        ),
        ({"nodes": 2}, "2 nodes are rated at 20.4 kW"),
        ({"replicas": 4}, "4 replicas are rated at 20.4 kW"),
    ],
)
def test_a_given_fleet_beyond_the_power_contradicts_it_in_its_own_unit(given: dict[str, int], sentence: str) -> None:
    hardware = Hardware(max_power_kw=12.5, **given)
    assert power_contradiction(hardware, SIZES) == (
        f"{sentence} at least, hosts included, and at most 12.5 kW contradicts that: state one of them"
    )
