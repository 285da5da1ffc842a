"""What physics allows of a runtime's constants: no kernel beats its accelerator's peaks, no overhead is negative."""

from collections.abc import Mapping
from typing import Final

from catalogs.catalog import Catalog
from catalogs.records.calibrations import CalibratedConstant
from catalogs.records.constants import CONSTANTS, Constants
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.systems import system_tables
from engine.step.rates import constants_for, peak_flops

SMALLEST_FACTOR: Final = 0.2
"""Share of the fit's speed below which no kernel falls on a server that works; judgement."""


def constants_before(point: MeasuredPoint, catalog: Catalog) -> Constants:
    """Return the constants by the catalog's fits of the server that a point was measured on."""
    runtime = catalog.runtime(point.system.runtime_name)
    return constants_for(runtime, catalog.accelerators[point.setting.accelerator], catalog.fitted)


def physical_ends(point: MeasuredPoint, catalog: Catalog) -> Mapping[str, tuple[float, float]]:
    """Return the least and the largest value of each constant on the server that a point was measured on.

    Args:
        catalog: whose constants and kernel curves say what share of the peaks is reached.
    """
    constants = constants_before(point, catalog)
    tables, _ = system_tables(point.system, [point.setting], catalog)
    assert tables is not None
    accelerator = catalog.accelerators[point.setting.accelerator]
    rates = tables.rates[0]
    bandwidth = max(accelerator.memory_bytes_per_s, rates.memory_bytes_per_s)
    quantised = peak_flops(accelerator, rates.compute) or rates.linear.flops_per_s
    plain = peak_flops(accelerator, "bf16") or rates.plain.flops_per_s
    rooms = {
        "linear_memory": bandwidth / max(rates.linear.bytes_per_s, rates.plain.bytes_per_s),
        "attention_memory": bandwidth / rates.decode.bytes_per_s,
        "quantised_attention_memory": bandwidth / rates.decode.bytes_per_s,
        "mixture_memory": bandwidth / rates.mixture.bytes_per_s,
        "linear_compute": quantised / rates.linear.flops_per_s,
        "plain_compute": plain / rates.plain.flops_per_s,
        "prefill_compute": quantised / rates.prefill.flops_per_s,
        "mixture_compute": quantised / rates.mixture.flops_per_s,
    }
    return {
        name: (SMALLEST_FACTOR * value, value * max(rooms[name], 1.0)) if name in rooms else (0.0, float("inf"))
        for name in CONSTANTS
        for value in [float(getattr(constants, name))]
    }


def fastest(constants: tuple[CalibratedConstant, ...], ends: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Return the values of constants at which a server is as fast as physics allows.

    Args:
        constants: of a calibration.
        ends: as ``physical_ends`` returns them.
    """
    best = {}
    for one in constants:
        low, high = ends[one.name]
        best[one.name] = high if high < float("inf") else low if one.name != "all_reduce_factor" else 0.5 * one.before
    return best
