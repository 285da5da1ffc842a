"""Plans of the tests that export: one for each way in which a replica is deployed, made once."""

from functools import cache

from catalogs.catalog import Catalog
from engine.method import forecast
from engine.plan import CapacityPlan
from engine.plan_file import as_written
from engine.workload import Target, spec_from

CATALOG = Catalog.load()
ASKED = {"traffic.requests_per_s": 5.0, "tokens.input.mean": 1500.0, "tokens.output.mean": 300.0}
TTFT = (Target(metric="ttft", percentile="p95", seconds=2.0), Target(metric="itl", percentile="p90", seconds=0.06))
SLOWER = (Target(metric="ttft", percentile="p95", seconds=1.5), TTFT[1])
LLAMA: dict[str, object] = {"model": "llama-3.1-8b"}
TWO_NODES: dict[str, object] = {
    "model": "llama-3.1-405b",
    "serving.tensor_parallel": 8,
    "serving.pipeline_parallel": 2,
    "hardware.accelerators": ("h100",),
}
SGLANG: dict[str, object] = {"serving.runtime": "sglang", "hardware.accelerators": ("h200",)}
TRTLLM: dict[str, object] = {"serving.runtime": "tensorrt-llm"}
CASES: dict[str, dict[str, object]] = {
    "vllm": {"model": "llama-3.1-70b", "hardware.accelerators": ("h100",), "targets": TTFT},
    "vllm@0.12": LLAMA | {"serving.runtime": "vllm@0.12", "hardware.accelerators": ("l40s",), "targets": TTFT},
    "vllm@0.11": LLAMA | {"serving.runtime": "vllm@0.11", "hardware.accelerators": ("a100-sxm-80gb",)},
    "vllm nodes": TWO_NODES | {"availability.spare_replicas": 1},
    "vllm nodes by ray": TWO_NODES | {"serving.runtime": "vllm@0.10"},
    "sglang": SGLANG | {"model": "qwen3-32b", "targets": SLOWER},
    "sglang ranks": SGLANG | {"model": "deepseek-v3", "serving.data_parallel": 8},
    "tensorrt-llm": LLAMA | TRTLLM | {"hardware.accelerators": ("h100",), "targets": TTFT},
    "tensorrt-llm ranks": TRTLLM
    | {"model": "deepseek-r1", "serving.data_parallel": 8, "hardware.accelerators": ("b200",)},
    "amd": {"model": "llama-3.3-70b", "hardware.accelerators": ("mi300x",), "availability.spare_replicas": 2},
}
"""By name: what differs from ``ASKED``."""


@cache
def plan_called(name: str) -> CapacityPlan:
    """Return the plan of a case, as its file holds it."""
    plan = forecast(spec_from(ASKED | CASES[name]), CATALOG, verify=False)
    assert isinstance(plan, CapacityPlan), plan
    return as_written(plan)
