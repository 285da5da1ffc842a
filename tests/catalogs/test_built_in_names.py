"""The built-in entries answer to what people, benchmarks and shops call them."""

import pytest

from catalogs.catalog import MODEL_OF_SIZE, Catalog
from catalogs.errors import AmbiguousName, InputError, UnknownName
from catalogs.names import letters_of
from tests.every import of_every

CATALOG = Catalog.load()


def test_every_file_is_sound_and_every_reference_exists() -> None:
    CATALOG.check()


def test_no_spelling_belongs_to_two_entries() -> None:
    for kind in ("accelerator", "model", "runtime", "preset", "precision"):
        owners: dict[str, set[str]] = {}
        for id, known in CATALOG.spellings(kind).items():
            for spelling in (id, known.name, *known.aliases):
                owners.setdefault(letters_of(spelling), set()).add(id)
        assert not {spelling: ids for spelling, ids in owners.items() if len(ids) > 1}, kind


def test_every_entry_is_found_by_its_id_name_and_aliases() -> None:
    for find, entries in (
        (CATALOG.accelerator, CATALOG.accelerators),
        (lambda text: CATALOG.model(text).model, CATALOG.models),
        (CATALOG.runtime, CATALOG.runtimes),
        (CATALOG.preset, CATALOG.presets),
        (CATALOG.precision, CATALOG.precisions),
    ):
        for entry in entries.values():
            for spelling in (entry.id, entry.name, *entry.aliases):
                assert find(spelling.upper()).id == entry.id, spelling


def test_every_checkpoint_is_found_by_its_repository() -> None:
    for model in CATALOG.models.values():
        for checkpoint in model.checkpoints:
            resolved = CATALOG.model(checkpoint.repository)
            assert (resolved.model.id, resolved.checkpoint) == (model.id, checkpoint)


@of_every(
    [
        ("H100", "h100-sxm-80gb"),
        ("h100 sxm", "h100-sxm-80gb"),
        ("H100 PCIe", "h100-pcie-80gb"),
        ("h100 nvl", "h100-nvl-94gb"),
        ("a100", "a100-sxm-80gb"),
        ("a100 80", "a100-sxm-80gb"),
        ("A100-80GB", "a100-sxm-80gb"),
        ("A100-80GB-SXM4", "a100-sxm-80gb"),
        ("a100-pcie", "a100-pcie-80gb"),
        ("A100 40GB", "a100-sxm-40gb"),
        ("NVIDIA H200", "h200-sxm-141gb"),
        ("b200", "b200-sxm"),
        ("b200-sxm-180gb", "b200-sxm"),
        ("gb200-nvl72", "gb200"),
        ("MI300X", "mi300x"),
        ("mi300x-192gb", "mi300x"),
        ("l40s", "l40s"),
        ("L40 PCIe", "l40"),
        ("4090", "rtx-4090"),
        ("rtx-4090-pcie", "rtx-4090"),
        ("rtx-pro-6000-blackwell-server-edition-pcie", "rtx-pro-6000-bse"),
        ("gb10-dgx-spark-soc", "gb10"),
        ("m3-max-40-core-gpu-soc", "apple-m3-max"),
        ("tpu v5e", "tpu-v5e"),
        ("gaudi 2", "gaudi2"),
        ("A10G PCIe", "a10g"),
    ],
)
def test_accelerators(said: str, meant: str) -> None:
    assert CATALOG.accelerator(said).id == meant


@of_every(
    [
        ("llama 3.1 70b", "llama-3.1-70b", "bf16"),
        ("lama 3.1 70b", "llama-3.1-70b", "bf16"),
        ("Llama-3.1-70B-Instruct", "llama-3.1-70b", "bf16"),
        ("llama3.1-70b", "llama-3.1-70b", "bf16"),
        ("llama 3.1 70b fp8", "llama-3.1-70b", "fp8"),
        ("gpt oss 120", "gpt-oss-120b", "mxfp4"),
        ("deepseek v3", "deepseek-v3", "fp8"),
        ("deepseek r1", "deepseek-r1", "fp8"),
        ("qwen3 32b", "qwen3-32b", "bf16"),
        ("mixtral 8x7b", "mixtral-8x7b", "bf16"),
        ("gpt-j", "gpt-j-6b", "fp16"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama-3.3-70b", "bf16"),
        ("nvidia/Llama-3.3-70B-Instruct-FP4", "llama-3.3-70b", "nvfp4"),
        ("RedHatAI/Meta-Llama-3.1-70B-Instruct-FP8", "llama-3.1-70b", "fp8"),
        ("amd/Llama-3.1-70B-Instruct-FP8-KV", "llama-3.1-70b", "fp8"),
        ("ggml-org/gpt-oss-120b-GGUF", "gpt-oss-120b", "mxfp4"),
        ("ggml-org/Qwen2.5-Coder-7B-Q8_0-GGUF", "qwen2.5-coder-7b", "q8_0"),
        ("nvidia/DeepSeek-R1-0528-FP4", "deepseek-r1-0528", "nvfp4"),
        ("TheBloke/Llama-2-13B-chat-GPTQ", "llama-2-13b", "int4"),
        ("neuralmagic/Meta-Llama-3.1-8B-Instruct-quantized.w8a8", "llama-3.1-8b", "int8"),
        # copies of a known checkpoint whose name says more than the model's
        ("TheBloke/Mixtral-8x7B-Instruct-v0.1-GPTQ", "mixtral-8x7b", "int4"),
        ("stelterlab/Mistral-Small-24B-Instruct-2501-AWQ", "mistral-small-24b", "int4"),
        ("bartowski/Qwen_Qwen3-32B-GGUF", "qwen3-32b", "q4_k_m"),
        ("unsloth/Mistral-Nemo-Instruct-2407", "mistral-nemo-12b", "bf16"),
    ],
)
def test_models_and_checkpoints(said: str, meant: str, precision: str) -> None:
    resolved = CATALOG.model(said)
    assert (resolved.model.id, resolved.precision) == (meant, precision)


def test_a_family_in_one_size_is_offered() -> None:
    with pytest.raises(AmbiguousName) as offer:
        CATALOG.model("llama 70b")
    assert {"llama-2-70b", "llama-3-70b", "llama-3.1-70b", "llama-3.3-70b"} <= set(offer.value.hits[:6])


@pytest.mark.parametrize(
    "said",
    [
        "llama 4 70b",
        "llama 3 405b",
        "mistral 2.5 7b",
        "llama 3.1 71b",
        "gpt-5",
        "someone/Entirely-Else-70B",
        "",
        "💥",
        "a" * 5000,
    ],
)
def test_what_is_no_model_is_refused_with_the_nearest(said: str) -> None:
    with pytest.raises(UnknownName) as refusal:
        CATALOG.model(said)
    assert len(refusal.value.nearest) == 3


@pytest.mark.parametrize(
    ("said", "meant"),
    [("FP4", "nvfp4"), ("float16", "fp16"), ("AWQ", "int4"), ("w8a8", "int8"), ("Q4_K_M", "q4_k_m"), ("4-bit", "int4")],
)
def test_precisions(said: str, meant: str) -> None:
    assert CATALOG.precision(said).id == meant


def test_runtimes_and_presets() -> None:
    assert CATALOG.runtime("vLLM").id == "vllm"
    assert CATALOG.runtime("trt-llm").id == "tensorrt-llm"
    assert CATALOG.runtime("llamacpp").id == "llama.cpp"
    assert CATALOG.preset("code completion").id == "code-completion"


@pytest.mark.parametrize(
    ("billions", "meant"), [(7, "mistral-7b-v0.3"), (8, "llama-3.1-8b"), (13, "llama-2-13b"), (33, "qwen3-32b")]
)
def test_a_bare_size_is_the_best_known_model_near_it(billions: float, meant: str) -> None:
    assert CATALOG.model_of_size(billions).id == meant


def test_every_well_known_size_is_in_the_catalog() -> None:
    for size, known in MODEL_OF_SIZE.items():
        assert CATALOG.model_of_size(size).id == known


def test_a_size_without_a_dense_model_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"500 billion parameters; the nearest sizes are 406 \(llama-3.1-405b\)"):
        CATALOG.model_of_size(500)
