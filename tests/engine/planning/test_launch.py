"""What a plan says to type: checkpoints that exist, and nothing that they already are."""

import pytest

from catalogs.catalog import Catalog
from engine.plan import CapacityPlan
from engine.question.resolve import resolve
from engine.workload import spec_from
from tests.engine.asked import formula_plan


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog.load()


def plan_for(catalog: Catalog, **values: object) -> CapacityPlan:
    spec = {"traffic.requests_per_s": 2, "tokens.input.mean": 500, "tokens.output.mean": 200}
    wanted = {key.replace("__", "."): value for key, value in values.items()}
    plan = formula_plan(spec_from(spec | {"hardware.accelerators": ["H100 SXM"]} | wanted), catalog)
    assert isinstance(plan, CapacityPlan)
    return plan


def test_a_checkpoint_that_is_fp8_already_is_not_quantised_again(catalog: Catalog) -> None:
    flags = plan_for(catalog, model="llama 3.1 70b", precision__weights="fp8").chosen.flags
    assert "FP8" in flags
    assert "--quantization" not in flags


def test_a_16_bit_checkpoint_is_quantised_online(catalog: Catalog) -> None:
    model = next(
        m
        for m in catalog.models.values()
        if m.native_precision == "bf16" and m.checkpoints and {c.precision for c in m.checkpoints} == {"bf16"}
    )
    flags = plan_for(catalog, model=model.id, precision__weights="fp8").chosen.flags
    assert "--quantization fp8" in flags


def test_one_replica_serves_and_several_serve(catalog: Catalog) -> None:
    one = plan_for(catalog, model="llama 3.1 8b")
    several = plan_for(catalog, model="llama 3.1 8b", traffic__requests_per_s=100)
    assert one.fleet.replicas == 1
    assert " serves Llama" in one.answer.sentence
    assert several.fleet.replicas > 1
    assert " serve Llama" in several.answer.sentence


@pytest.mark.parametrize(
    ("accelerator", "runtime", "starts", "needs"),
    [
        ("H100 SXM", "vllm", "vllm serve", ""),
        ("MI300X", "vllm", "vllm serve", "the ROCm build of vLLM"),
        ("TPU v6e", "vllm", "vllm serve", "vLLM with its tpu-inference plugin"),
        ("Gaudi 3", "vllm", "vllm serve", "vLLM with its vllm-gaudi plugin"),
        ("Trainium2", "vllm", "vllm serve", "vLLM with its vllm-neuron plugin"),
        ("M3 Ultra", "llama.cpp", "llama-server", ""),
        ("MI300X", "sglang", "python -m sglang.launch_server", "the ROCm build of SGLang"),
        ("H100 SXM", "tensorrt-llm", "trtllm-serve", ""),
    ],
)
def test_the_command_is_one_that_runs_there(
    catalog: Catalog, accelerator: str, runtime: str, starts: str, needs: str
) -> None:
    plan = plan_for(catalog, model="llama 3.1 8b", hardware__accelerators=[accelerator], serving__runtime=runtime)
    assert plan.chosen.flags.startswith(starts)
    assert plan.chosen.needs == needs
    assert not any("not known to run" in warning for warning in plan.warnings)


@pytest.mark.parametrize(
    ("accelerator", "runtime", "instead"),
    [
        ("MI300X", "tensorrt-llm", "--runtime"),
        ("TPU v6e", "sglang", "vLLM does (--runtime vllm)"),
        ("Gaudi 3", "llama.cpp", "vLLM does (--runtime vllm)"),
        ("SN40L", "vllm", "no runtime of the catalog is"),
    ],
)
def test_where_a_runtime_does_not_run_no_command_is_shown_and_what_does_is_said(
    catalog: Catalog, accelerator: str, runtime: str, instead: str
) -> None:
    plan = plan_for(catalog, model="llama 3.1 8b", hardware__accelerators=[accelerator], serving__runtime=runtime)
    assert plan.chosen.flags == ""
    (said,) = [warning for warning in plan.warnings if "not known to run" in warning]
    assert instead in said


def test_a_cpu_is_not_given_the_memory_of_a_gpu(catalog: Catalog) -> None:
    plan = plan_for(catalog, model="llama 3.1 8b", hardware__accelerators=["EPYC 9654"])
    assert "--gpu-memory-utilization" not in plan.chosen.flags
    assert "--max-num-batched-tokens" in plan.chosen.flags


def test_a_search_leaves_out_what_the_runtime_does_not_run_on(catalog: Catalog) -> None:
    spec = {"traffic.requests_per_s": 2, "tokens.input.mean": 500, "tokens.output.mean": 200, "model": "llama 3.1 8b"}
    vendors = {
        runtime: {
            entry.vendor for entry in resolve(spec_from(spec | {"serving.runtime": runtime}), catalog).accelerators
        }
        for runtime in ("tensorrt-llm", "vllm", "generic")
    }
    assert vendors["tensorrt-llm"] == {"NVIDIA"}
    assert {"AMD", "Google", "NVIDIA"} <= vendors["vllm"]
    assert vendors["vllm"] < vendors["generic"]


def test_every_platform_names_what_the_catalog_holds(catalog: Catalog) -> None:
    vendors = {entry.vendor for entry in catalog.accelerators.values()}
    architectures = {entry.architecture for entry in catalog.accelerators.values()}
    for runtime in catalog.runtimes.values():
        for platform in runtime.platforms:
            assert set(platform.vendors) <= vendors
            assert set(platform.architectures) <= architectures
