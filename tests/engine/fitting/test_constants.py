"""A constant is named once, by a field of ``Constants``: the file, the forecast, the simulator and the fit have it."""

import tomllib
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from catalogs.records.constants import CONSTANTS, Constants, Fitted
from catalogs.records.fitted import FittedConstants, StatedConstants
from catalogs.records.validation import record_of
from engine.fitting.blocks import BLOCKS, constants_of
from engine.fitting.files import constants_text
from engine.fleet.candidates import Candidates, measure, rates_of
from engine.simulation import StepModel, step_model_of
from engine.step.memory import Parallelism
from tests.engine.asked import CATALOG, question

SERVED = (
    ("llama-3.1-70b", "vllm"), ("qwen3-235b-a22b", "vllm"), ("qwen3-235b-a22b", "tensorrt-llm"),
    ("deepseek-v3.2", "vllm"), ("qwen3-next-80b-a3b", "vllm"),
)  # fmt: skip
"""Grouped queries, a mixture, one with scales by tensor, a latent with an indexer, linear attention."""


def entry(**values: float) -> FittedConstants:
    return record_of(StatedConstants, {"id": "all", "fitted_on": "", **values})


def moved(name: str) -> float:
    return float(getattr(Constants(), name) or 100.0) * 1.5


def replica(served: tuple[str, str], *fitted: FittedConstants) -> Candidates:
    """Two stages of TP8 over a KV cache of 8 bit."""
    model, runtime = served
    values = {"model": model, "serving.runtime": runtime, "precision.weights": "fp8", "precision.kv_cache": "fp8"}
    asked = question(values | {"hardware.accelerators": ["h200-sxm-141gb"]}, CATALOG.with_fitted(fitted))
    eight, two, one = np.array([8]), np.array([2]), np.array([1])
    rates = tuple(rates_of(asked, accelerator) for accelerator in asked.accelerators)
    return measure(asked, asked.accelerators, rates, np.array([0]), Parallelism(eight, two, one, one))


def differing(before: Any, after: Any) -> set[str]:
    """Return the fields of two structs that are not equal."""
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in before.__struct_fields__}
    return {name for name, (one, other) in pairs.items() if not np.array_equal(one, other)}


@pytest.mark.parametrize(("name", "mark"), CONSTANTS.items())
def test_a_forecast_follows_each_constant_where_it_says(name: str, mark: Fitted) -> None:
    tables, models, ttft = set[str](), set[str](), False
    for served in SERVED:
        usual, other = replica(served), replica(served, entry(**{name: moved(name)}))
        tables |= differing(usual.step_tables(), other.step_tables())
        models |= differing(step_model_of(usual), step_model_of(other))
        ttft |= bool(usual.replicas().costs.ttft_overhead_s[0] != other.replicas().costs.ttft_overhead_s[0])
    assert tables | ({"ttft"} if ttft else set()) == set(mark.enters)
    column = {"seconds": "seconds", "ttft": "overhead_s"}
    assert models == {column.get(array, f"{array}_s") for array in mark.enters}
    assert models <= set(StepModel.__struct_fields__)


def test_a_file_holds_each_constant_and_only_those_that_its_entry_states() -> None:
    for name in CONSTANTS:
        written = constants_text(entry(**{name: moved(name)}), "some points", 0.05)
        (table,) = tomllib.loads(written)["fitted"]
        assert record_of(StatedConstants, table).stated == {name: pytest.approx(moved(name))}


def test_a_block_of_the_fit_moves_each_constant_that_has_a_group() -> None:
    moving = {constant.field for block in BLOCKS for constant in constants_of(block, CATALOG)}
    assert moving == {name for name, mark in CONSTANTS.items() if mark.groups}
    stated = {name for name in CONSTANTS if any(getattr(r, name, 0.0) for r in CATALOG.runtimes.values())}
    assert CONSTANTS.keys() - moving <= stated, "what no fit moves is stated by runtimes"
    known = {group for mark in CONSTANTS.values() for group in mark.groups}
    assert known == {group for block in BLOCKS for entry in block.entries for group in entry.groups}


def test_the_fit_starts_where_the_runtime_stands_and_strays_further_where_no_kernel_was_measured() -> None:
    constants = {(c.entry, c.field): c for block in BLOCKS for c in constants_of(block, CATALOG)}
    assert constants["vllm", "step_overhead_us"].start == CATALOG.runtimes["vllm"].step_overhead_us
    assert constants["vllm", "linear_compute"].start == 1
    assert constants["pipelines", "pipeline_sequence_us"].start == CONSTANTS["pipeline_sequence_us"].start
    assert constants["cdna", "linear_compute"].deviation > constants["vllm", "linear_compute"].deviation


def test_factors_multiply_and_of_overheads_the_most_specific_counts() -> None:
    wide = entry(linear_memory=0.5, step_overhead_us=100.0)
    narrow = replace(entry(linear_memory=0.5, step_overhead_us=300.0), accelerators=("h200-sxm-141gb",))
    none, one, both = (replica(SERVED[0], *fitted).rates[0] for fitted in ((), (wide,), (narrow, wide)))
    assert both.plain.bytes_per_s == pytest.approx(none.plain.bytes_per_s / 4)
    assert one.constants["step_overhead_s"] == pytest.approx(100e-6)
    assert both.constants["step_overhead_s"] == pytest.approx(300e-6)
