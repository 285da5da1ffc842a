import re

import pytest
from msgspec import to_builtins

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.records.runtimes import ServingRuntime
from catalogs.records.validation import record_of
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


VERSIONS = {
    "vLLM": "0.33",
    "vllm@0.11": "0.11",
    "vLLM 0.11": "0.11",
    "vllm v0.15.1": "0.15.1",
    "vllm==0.11.2": "0.11.2",
    "sglang 0.5.10.post1": "0.5.10.post1",
    "trtllm 1.0": "1.0",
    "TensorRT-LLM 0.17": "",  # an entry of its own
    "llama.cpp": "",
}


@of_every(VERSIONS.items())
def test_a_version_is_said_with_the_name(said: str, version: str) -> None:
    assert CATALOG.runtime(said).version == version


REFUSED = {
    "vllm@": "'' is not a version of vLLM; write it like vllm@0.33",
    "vllm@abc": "'abc' is not a version of vLLM; write it like vllm@0.33",
    "vllm 0.6.3": "0.6.3 is older than the oldest version that is known here; 0.8 to 0.33 are",
    "sglang@0.3": "0.3 is older than the oldest version",
    "llama.cpp@b4567": "not told apart",
    "nonesuch@1.0": "no runtime is called",
}


@of_every(REFUSED.items())
def test_what_is_no_version_is_refused_with_what_is_known(said: str, problem: str) -> None:
    with pytest.raises(InputError, match=re.escape(problem)):
        CATALOG.runtime(said)


def test_a_version_newer_than_any_known_counts_as_the_newest() -> None:
    assert CATALOG.runtime("vllm@9").version == CATALOG.runtime("vllm").version
    assert CATALOG.runtime_name("vLLM 9.1") == "vllm@9.1"


WIDENED = {
    # Compute capability that fp8.py and modelopt.py ask for, by version: vLLM's 7.5 from 0.14 on, 8.0 before, and 10.0
    # for NVFP4 before 0.9; SGLang's 10.0 for NVFP4 before 0.5.13. MXFP4 came with gpt-oss.
    "vllm@0.14 fp8 t4": True,
    "vllm@0.13 fp8 t4": False,
    "vllm@0.13 fp8 a100": True,
    "vllm@0.9 nvfp4 h100": True,
    "vllm@0.8.5 nvfp4 h100": False,
    "vllm@0.10.1 mxfp4 h100": True,
    "vllm@0.10.0 mxfp4 h100": False,
    "sglang@0.5.13 nvfp4 h100": True,
    "sglang@0.5.12 nvfp4 h100": False,
    "sglang@0.5.1 mxfp4 h100": True,
    "sglang@0.4.10 mxfp4 h100": False,
}


@of_every(WIDENED.items())
def test_what_a_version_widens_where_there_is_no_unit(said: str, expected: bool) -> None:
    runtime, precision, accelerator = said.split()
    assert CATALOG.runtime(runtime).widens(precision, CATALOG.accelerator(accelerator)) is expected


def test_versions_keep_the_caches_and_run_the_models_that_they_know() -> None:
    vllm, sglang = ({one: CATALOG.runtime(f"{name}@{one}") for one in known} for name, known in KNOWING.items())
    assert [one for one, runtime in vllm.items() if "nvfp4" in runtime.kv_formats] == ["0.20", "0.33"]
    assert [one for one, runtime in vllm.items() if runtime.runs("gpt-oss-120b")] == ["0.10.1", "0.20", "0.33"]
    assert vllm["0.10.0"].kv_formats == {"bf16": "auto", "fp16": "auto", "fp8": "fp8"}
    assert [one for one, runtime in sglang.items() if "nvfp4" in runtime.kv_formats] == ["0.5.16", "0.5.23"]
    assert [one for one, runtime in sglang.items() if runtime.runs("gpt-oss-20b")] == ["0.5.3", "0.5.16", "0.5.23"]
    assert not any(runtime.runs("jamba-1.5-mini") for runtime in sglang.values())


KNOWING = {"vllm": ("0.10.0", "0.10.1", "0.20", "0.33"), "sglang": ("0.4.10", "0.5.3", "0.5.16", "0.5.23")}


def test_vllm_limits_a_step_by_device_and_version() -> None:
    """``EngineArgs.get_batch_defaults`` of the released packages."""
    limits = {
        (version, device): CATALOG.runtime(f"vllm@{version}").scheduler_on(CATALOG.accelerator(device))
        for version in ("0.8.5", "0.27", "0.28", "0.33")
        for device in ("b200", "h100", "a100", "l40s", "gb10")
    }
    said = {key: (one.token_budget, one.max_sequences) for key, one in limits.items()}
    assert [said["0.33", device][0] for device in ("b200", "h100", "a100", "l40s", "gb10")] == [
        16384,
        8192,
        2048,
        2048,
        2048,
    ]
    assert [said["0.28", device][0] for device in ("b200", "gb10")] == [16384, 8192]
    assert [said["0.27", device][0] for device in ("b200", "a100")] == [8192, 2048]
    assert said["0.8.5", "a100"] == (8192, 1024)
    assert said["0.33", "l40s"] == (2048, 256)


def a_runtime(**fields: object) -> ServingRuntime:
    return record_of(ServingRuntime, to_builtins(CATALOG.runtimes["generic"]) | fields)


KNOWN = {"newest_version": "0.30", "oldest_version": "0.8"}
EARLIER = (
    {"before": "0.20.1", "source": "a", "differs": {"memory_utilisation": 0.95}},
    {"before": "0.19", "source": "b", "differs": {"memory_utilisation": 0.88, "scheduler": {"token_budget": 2048}}},
)


@pytest.mark.parametrize(
    ("version", "share", "budget"),
    [
        ("0.8", 0.88, 2048), ("0.9", 0.88, 2048), ("0.18.1", 0.88, 2048), ("0.19", 0.95, 8192), ("0.20.0", 0.95, 8192),
        ("0.20", 0.9, 8192), ("0.20.1", 0.9, 8192), ("", 0.9, 8192), ("0.31", 0.9, 8192),
    ],
)  # fmt: skip
def test_a_version_is_the_entry_but_for_what_differed_before(version: str, share: float, budget: int) -> None:
    """0.20 is its series' newest; 0.9 is older than 0.19; inner tables keep what did not differ."""
    entry = a_runtime(**KNOWN, versions=EARLIER)
    runtime = entry.at(version)
    assert (runtime.memory_utilisation, runtime.scheduler.token_budget) == (share, budget)
    assert runtime.scheduler.max_sequences == entry.scheduler.max_sequences


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"versions": EARLIER}, "state both"),
        ({"newest_version": "0.30"}, "state both"),
        (KNOWN | {"versions": EARLIER[::-1]}, "0.20.1 comes after 0.19"),
        (KNOWN | {"newest_version": "0.20", "versions": EARLIER}, "0.20.1 comes after 0.20"),
        (
            KNOWN | {"versions": [{"before": "0.9", "source": "a", "differs": {"memory": 1}}]},
            "what differs before 0.9 is not valid: memory: ",
        ),
    ],
)
def test_versions_of_an_entry_are_checked(fields: dict[str, object], problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        a_runtime(**fields)
