"""What a plan says to type: checkpoints that exist, and nothing that they already are."""

import pytest

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.plan import CapacityPlan
from engine.question.resolve import resolve
from engine.workload import spec_from
from tests.engine.asked import formula_plan


def plan_for(catalog: Catalog, **values: object) -> CapacityPlan:
    spec = {"traffic.requests_per_s": 2, "tokens.input.mean": 500, "tokens.output.mean": 200}
    wanted = {key.replace("__", "."): value for key, value in values.items()}
    plan = formula_plan(spec_from(spec | {"hardware.accelerators": ["H100 SXM"]} | wanted), catalog)
    assert isinstance(plan, CapacityPlan)
    return plan


def test_a_checkpoint_that_is_fp8_already_is_not_quantised_again(catalog: Catalog) -> None:
    flags = plan_for(catalog, model="llama 3.1 70b", precision__weights="fp8").chosen.command
    assert "FP8" in flags
    assert "--quantization" not in flags


def test_a_16_bit_checkpoint_is_quantised_online(catalog: Catalog) -> None:
    model = next(
        m
        for m in catalog.models.values()
        if m.native_precision == "bf16" and m.checkpoints and {c.precision for c in m.checkpoints} == {"bf16"}
    )
    flags = plan_for(catalog, model=model.id, precision__weights="fp8").chosen.command
    assert "--quantization fp8" in flags


TO_BE_MADE = (
    "Llama-3.1-8B-Instruct-BF16.gguf, which no repository that is known here holds: llama.cpp's convert_hf_to_gguf.py "
    "and llama-quantize make it"
)


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
        ("M3 Ultra", "llama.cpp", "llama-server", TO_BE_MADE),
        ("MI300X", "sglang", "python -m sglang.launch_server", "the ROCm build of SGLang"),
        ("H100 SXM", "tensorrt-llm", "trtllm-serve", ""),
    ],
)
def test_the_command_is_one_that_runs_there(
    catalog: Catalog, accelerator: str, runtime: str, starts: str, needs: str
) -> None:
    plan = plan_for(catalog, model="llama 3.1 8b", hardware__accelerators=[accelerator], serving__runtime=runtime)
    assert plan.chosen.command.startswith(starts)
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
    assert plan.chosen.command == ""
    (said,) = [warning for warning in plan.warnings if "not known to run" in warning]
    assert instead in said


def test_a_chip_that_has_no_such_flag_is_not_given_it(catalog: Catalog) -> None:
    """Neuron's plugin sizes the KV cache itself; on a CPU the flag is the share of the host's memory (vLLM 0.33)."""
    plan = plan_for(catalog, model="llama 3.1 8b", hardware__accelerators=["Trainium2"])
    assert "--gpu-memory-utilization" not in plan.chosen.command
    on_cpu = plan_for(catalog, model="llama 3.1 8b", hardware__accelerators=["EPYC 9654"])
    assert "--gpu-memory-utilization" in on_cpu.chosen.command


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


def test_each_flag_of_the_command_has_its_reason(catalog: Catalog) -> None:
    plan = plan_for(catalog, model="qwen3 235b a22b", precision__weights="fp8", hardware__accelerators=["H200"])
    assert plan.chosen.flags
    for flag in plan.chosen.flags:
        assert f"{flag.flag} {flag.value}".strip() in plan.chosen.command
        assert flag.why


def test_a_context_that_does_not_fit_is_cut_to_what_the_workload_needs(catalog: Catalog) -> None:
    """Llama 3.1 8B on one RTX 3090: 131,072 tokens take 16 GiB of KV cache; p99.9 of 500 in and 200 out fits."""
    plan = plan_for(catalog, model="llama 3.1 8b", hardware__accelerators=["RTX 3090"], traffic__requests_per_s=0.1)
    (context,) = [flag for flag in plan.chosen.flags if flag.flag == "--max-model-len"]
    assert 2_000 < int(context.value) < 20_000
    assert int(context.value) % 1024 == 0


def test_no_other_checkpoint_is_served_than_was_planned(catalog: Catalog) -> None:
    """Of a precision of which no checkpoint is known, the command names one that is to be made."""
    plan = plan_for(catalog, model="qwen3 32b", precision__weights="int8")
    assert "serve ./Qwen3-32B-INT8" in plan.chosen.command
    assert "llm-compressor" in plan.chosen.needs


@pytest.mark.parametrize(
    ("runtime", "kv", "flags"),
    [
        ("vllm", "fp8", "--kv-cache-dtype fp8"),
        ("vllm", "int8", "--kv-cache-dtype int8_per_token_head"),
        ("sglang", "fp8", "--kv-cache-dtype fp8_e4m3"),
        ("tensorrt-llm", "fp8", "--extra_llm_api_options trtllm.yaml"),
        ("llama.cpp", "q8_0", "-ctk q8_0 -ctv q8_0"),
    ],
)
def test_the_kv_cache_is_named_as_the_runtime_names_it(catalog: Catalog, runtime: str, kv: str, flags: str) -> None:
    plan = plan_for(catalog, model="qwen3 8b", serving__runtime=runtime, precision__kv_cache=kv)
    assert flags in plan.chosen.command


@pytest.mark.parametrize(
    ("runtime", "kv", "said"),
    [("vllm", "q8_0", "keeps no KV cache in Q8_0"), ("sglang", "int8", "fp8"), ("llama.cpp", "fp8", "q8_0")],
)
def test_a_kv_cache_that_a_runtime_does_not_keep_is_refused_with_those_that_it_does(
    catalog: Catalog, runtime: str, kv: str, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        plan_for(catalog, model="qwen3 8b", serving__runtime=runtime, precision__kv_cache=kv)


def test_an_nvfp4_kv_cache_wants_blackwell(catalog: Catalog) -> None:
    spec = {
        "model": "qwen3 8b",
        "traffic.requests_per_s": 2,
        "tokens.input.mean": 500,
        "tokens.output.mean": 200,
        "precision.kv_cache": "nvfp4",
    }
    hopper = formula_plan(spec_from(spec | {"hardware.accelerators": ["H100 SXM"]}), catalog)
    assert not isinstance(hopper, CapacityPlan)
    blackwell = formula_plan(spec_from(spec | {"hardware.accelerators": ["B200"]}), catalog)
    assert isinstance(blackwell, CapacityPlan)


@pytest.mark.parametrize(
    ("model", "accelerator", "starts"),
    [
        ("qwen3 8b", "A100 80GB", True),
        ("qwen3 8b", "T4", False),
        ("deepseek v2 lite", "A100 80GB", False),
        ("deepseek v2 lite", "H100 SXM", True),
    ],
)
def test_an_fp8_kv_cache_wants_a_kernel(catalog: Catalog, model: str, accelerator: str, *, starts: bool) -> None:
    """FlashInfer has one from Ampere on, of grouped attention; vLLM's own begin at Ada."""
    spec = {
        "model": model,
        "traffic.requests_per_s": 0.1,
        "tokens.input.mean": 500,
        "tokens.output.mean": 200,
        "precision.weights": "int4",
        "precision.kv_cache": "fp8",
        "hardware.accelerators": [accelerator],
    }
    plan = formula_plan(spec_from(spec), catalog)
    if starts:
        assert isinstance(plan, CapacityPlan)
        assert "--kv-cache-dtype fp8 " in plan.chosen.command
    else:
        assert not isinstance(plan, CapacityPlan)
        assert "FP8 KV cache" in str(plan)


def test_limits_of_a_replica_of_several_ranks_are_those_that_the_runtime_takes(catalog: Catalog) -> None:
    """vLLM's are of a rank, SGLang's of all ranks together."""
    ranks = {"serving__data_parallel": 4, "serving__expert_parallel": 4, "serving__tensor_parallel": 1}
    asked = {"model": "qwen3 235b a22b", "precision__weights": "fp8", "hardware__accelerators": ["H200"]} | ranks
    one = plan_for(catalog, **asked, serving__batch_cap=64)
    four = plan_for(catalog, **asked, serving__batch_cap=64, serving__runtime="sglang")
    assert "--max-num-seqs 64" in one.chosen.command
    assert "--max-running-requests 256" in four.chosen.command
    assert "--chunked-prefill-size 32768" in four.chosen.command


def test_every_model_that_a_runtime_lacks_is_in_the_catalog(catalog: Catalog) -> None:
    for runtime in catalog.runtimes.values():
        for lack in runtime.lacks:
            for start in lack.models:
                assert any(model.startswith(start) for model in catalog.models), f"{runtime.id}: {start}"


def test_every_format_of_a_runtime_is_one_of_the_catalog(catalog: Catalog) -> None:
    for runtime in catalog.runtimes.values():
        assert set(runtime.online) <= set(runtime.weights) or not runtime.weights
        assert set(runtime.plugins) <= set(runtime.weights)
        assert set(runtime.kv_architectures) <= set(runtime.kv_formats)
