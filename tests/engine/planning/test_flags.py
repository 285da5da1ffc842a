"""Flags of the command by version of the runtime, against the runtimes' own argument lists.

``runtime_flags.csv``: each flag with the first and the last version that has it (empty: the newest too), read from the
argument definitions of the released packages: 38 of vLLM from 0.8.0 to 0.33.0, 29 of SGLang from 0.4.6 to 0.5.23; of
trtllm-serve from NVIDIA/TensorRT-LLM tensorrt_llm/commands/serve.py and the documentation of 0.18.2.
"""

import csv
from pathlib import Path
from typing import Any

import pytest

from catalogs.records.versions import numbers_of
from engine.plan import CapacityPlan
from engine.workload import spec_from
from tests.engine.asked import CATALOG, formula_plan
from tests.every import of_every

CASES = Path(__file__).resolve().parents[2] / "fixtures" / "cases"
ROWS = list(csv.DictReader((CASES / "runtime_flags.csv").read_text(encoding="utf-8").splitlines()))
VLLM = (
    "0.8.0", "0.8.2", "0.8.3", "0.8.5", "0.9.0", "0.9.1", "0.10.2", "0.11.0", "0.11.1", "0.11.2", "0.13.0", "0.15.1",
    "0.18.0", "0.19.0", "0.20.2", "0.24.0", "0.28.0", "0.31.0", "0.33.0",
)  # fmt: skip
SGLANG = (
    "0.4.6", "0.4.7", "0.4.9", "0.4.10", "0.5.1", "0.5.3", "0.5.6", "0.5.10", "0.5.14", "0.5.18", "0.5.21", "0.5.22",
    "0.5.23",
)  # fmt: skip
RELEASES = [("vllm", one) for one in VLLM] + [("sglang", one) for one in SGLANG] + [("tensorrt-llm", "1.2")]


def accepts(runtime: str, version: str, flag: str) -> bool:
    """Return whether a version's own argument list has a flag."""
    asked = numbers_of(version)
    return any(
        row["runtime"] == runtime
        and row["flag"] == flag
        and numbers_of(row["since"]) <= asked
        and (not row["last"] or asked <= numbers_of(row["last"]))
        for row in ROWS
    )


@of_every(RELEASES)
def test_a_version_is_told_nothing_that_it_does_not_know(runtime: str, version: str) -> None:
    flags = CATALOG.runtime(f"{runtime}@{version}").flags
    said = [getattr(flags, name) for name in flags.__struct_fields__ if name != "on_each_node"]
    unknown = {word for text in said for word in text.split() if word[0] == "-" and not accepts(runtime, version, word)}
    assert unknown == set()


def plan_for(model: str, accelerator: str, runtime: str, **values: object) -> CapacityPlan:
    wanted: dict[str, Any] = {
        "model": model,
        "traffic.requests_per_s": 1.0,
        "tokens.input.mean": 500.0,
        "tokens.output.mean": 200.0,
        "tokens.prefix_hit": 0.3,
        "hardware.accelerators": [accelerator],
        "serving.runtime": runtime,
    }
    plan = formula_plan(spec_from(wanted | {name.replace("__", "."): value for name, value in values.items()}))
    assert isinstance(plan, CapacityPlan)
    return plan


GRID: list[tuple[str, str, dict[str, object]]] = [
    ("llama-3.1-70b", "h100", {}),
    ("llama-3.1-8b", "l4", {"serving__batch_cap": 32, "precision__kv_cache": "fp8"}),
    ("qwen3-235b-a22b", "h200", {"serving__tensor_parallel": 2, "serving__data_parallel": 4}),
    ("deepseek-v3", "h100", {"serving__tensor_parallel": 8, "serving__pipeline_parallel": 2}),
    ("deepseek-v3", "h100", {"serving__tensor_parallel": 1, "serving__data_parallel": 16}),
    ("kimi-linear-48b-a3b", "h100", {}),
]
PLANNED = [
    (f"{runtime}@{version}", case)
    for runtime, version in (
        ("vllm", "0.8.2"), ("vllm", "0.11.0"), ("vllm", "0.33.0"), ("sglang", "0.4.6"), ("sglang", "0.5.6"),
        ("sglang", "0.5.23"), ("tensorrt-llm", "1.2"),
    )
    for case in range(len(GRID))
    if runtime != "tensorrt-llm" or case not in (2, 5)  # which TensorRT-LLM does not run
]  # fmt: skip


@of_every(PLANNED)
def test_a_plan_prints_flags_of_its_version_and_says_what_has_none(runtime: str, case: int) -> None:
    model, accelerator, values = GRID[case]
    chosen = plan_for(model, accelerator, runtime, **values).chosen
    name, _, version = runtime.partition("@")
    assert chosen.runtime_version == version
    assert [one.flag for one in chosen.flags if one.flag[:2] == "--" and not accepts(name, version, one.flag)] == []
    assert all(f"{one.flag} {one.value}".strip() in chosen.command and one.why for one in chosen.flags)
    ranks = any(flag in chosen.command for flag in ("data-parallel-size ", "attn-dp-size ", "dp-size "))
    assert ranks or chosen.data_parallel == 1 or "no flag for" in chosen.needs or "enable_attention_dp" in chosen.needs


@pytest.mark.parametrize(
    ("runtime", "values", "said", "needs"),
    [
        ("vllm", {"data_parallel": 16}, "--data-parallel-size 16 --enable-expert-parallel --nnodes 2 ", "--headless"),
        ("vllm@0.11.0", {"data_parallel": 16}, "--data-parallel-size-local 8 --data-parallel-backend ray", "Ray"),
        ("vllm@0.11.0", {"pipeline_parallel": 16}, "--distributed-executor-backend ray", "Ray cluster of the 2 nodes"),
        ("vllm@0.9.0", {"data_parallel": 16}, "--data-parallel-size 16", "no flag for data-parallel ranks on several"),
        ("vllm@0.8.2", {"data_parallel": 8}, "vllm serve", "vLLM 0.8.2 has no flag for data-parallel ranks"),
        ("sglang", {"data_parallel": 8}, "--tp-size 8 --attn-dp-size 8 --ep-size 8 --", ""),
        ("sglang", {"pipeline_parallel": 16}, "--nnodes 2 --node-rank $NODE_RANK --dist-init-addr $HEAD_NODE:5000", ""),
        ("sglang@0.5.6", {"data_parallel": 8}, "--dp-size 8 --enable-dp-attention --ep-size 8 --", ""),
        ("sglang@0.4.9", {"data_parallel": 8}, "--dp-size 8 --enable-dp-attention --ep-size 8 --enable-ep-moe --", ""),
        ("sglang@0.4.6", {"pipeline_parallel": 8}, "sglang.launch_server", "0.4.6 has no flag for pipeline stages"),
    ],
)  # fmt: skip
def test_what_a_replica_takes_is_said_as_its_version_says_it(
    runtime: str, values: dict[str, int], said: str, needs: str
) -> None:
    sizes = {f"serving__{name}": value for name, value in ({"tensor_parallel": 1} | values).items()}
    plan = plan_for("deepseek-v3", "h100" if 16 in values.values() else "h200", runtime, **sizes)
    assert said in plan.chosen.command
    assert needs in plan.chosen.needs


def test_a_version_that_is_not_known_yet_is_planned_as_the_newest_and_said() -> None:
    plan = plan_for("llama-3.1-8b", "h100", "vllm@99.1")
    assert plan.chosen.runtime_version == CATALOG.runtime("vllm").version
    assert any("vLLM 99.1 is newer than any that is known here: planned as" in warning for warning in plan.warnings)
    assert not any("newer than any" in warning for warning in plan_for("llama-3.1-8b", "h100", "vllm@0.11.2").warnings)
