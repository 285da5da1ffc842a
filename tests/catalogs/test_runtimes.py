from catalogs.catalog import Catalog
from catalogs.records.runtimes import ServingRuntime
from tests.every import of_every

CATALOG = Catalog.load()
RUNTIMES = list(CATALOG.runtimes.values())

SAID = {
    "vLLM": "vllm",
    "vllm serve": "vllm",
    "vLLM (ROCm)": "vllm",
    "SGLang": "sglang",
    "trtllm": "tensorrt-llm",
    "TensorRT-LLM": "tensorrt-llm",
    "TensorRT-LLM (PyTorch backend)": "tensorrt-llm",
    "TensorRT-LLM 0.9": "tensorrt-llm-0.9",
    "TensorRT-LLM 0.17": "tensorrt-llm-0.17",
    "NIM (TensorRT-LLM)": "nim",
    "NIM": "nim",
    "llama.cpp": "llama.cpp",
    "llama-server": "llama.cpp",
}


def test_the_runtimes_people_use_are_there_and_their_precisions_exist() -> None:
    assert {"vllm", "sglang", "tensorrt-llm", "llama.cpp", "generic"} <= set(CATALOG.runtimes)
    CATALOG.check(("runtime",))


@of_every(SAID.items())
def test_people_and_measurements_are_understood(said: str, expected: str) -> None:
    assert CATALOG.runtime(said).id == expected


@of_every(RUNTIMES)
def test_overheads_are_those_of_launches(runtime: ServingRuntime) -> None:
    """A step costs less than the fastest ITL that anyone measured (about 2 ms), a layer a few launches."""
    assert 100 <= runtime.step_overhead_us <= 2000
    assert 1 <= runtime.layer_overhead_us <= 50
    assert runtime.ttft_overhead_ms <= 20
    assert 0.85 <= runtime.memory_utilisation <= 0.95
    assert runtime.runtime_gib <= 4


def test_overheads_rest_on_measurements_or_are_marked_as_estimates() -> None:
    for runtime in RUNTIMES:
        assert bool(runtime.fitted_on) or runtime.confidence.value == "estimated", runtime.id


def test_only_sglang_runs_prompts_in_steps_of_their_own() -> None:
    assert {runtime.id for runtime in RUNTIMES if not runtime.scheduler.mixed} == {"sglang"}


def test_tensorrt_llm_reserves_the_answer_and_runs_prompts_whole() -> None:
    for name in ("tensorrt-llm", "tensorrt-llm-0.17", "tensorrt-llm-0.9", "nim"):
        scheduler = CATALOG.runtimes[name].scheduler
        assert scheduler.reserve_output
        assert not scheduler.chunked
        assert CATALOG.runtimes[name].framework == "trtllm"


def test_every_framework_has_kernel_curves() -> None:
    assert {runtime.framework for runtime in RUNTIMES} <= {framework for _, framework in CATALOG.curves}
