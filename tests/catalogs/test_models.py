"""The model entries: their dimensions give the published parameter counts, their names lead to one entry only."""

import re
import tomllib
from collections import defaultdict
from datetime import date
from functools import partial
from pathlib import Path

import pytest

import catalogs
from catalogs.matrices import active_parameters, total_parameters
from catalogs.records.facts import Confidence
from catalogs.records.models import (
    Checkpoint,
    GroupedAttention,
    LatentAttention,
    LinearAttention,
    MixtureFeedForward,
    ModelArchitecture,
    ParallelAttention,
)
from catalogs.records.validation import record_of
from tests.catalogs.memory_facts import MEMORY_FACTS, MemoryFact
from tests.every import of_every

FILES = sorted((Path(catalogs.__file__).parent / "models").glob("*.toml"))
MODELS = {
    model.id: model
    for file in FILES
    for model in map(partial(record_of, ModelArchitecture), tomllib.loads(file.read_text(encoding="utf-8"))["model"])
}
PRECISIONS = {
    entry["id"]
    for entry in tomllib.loads((FILES[0].parents[1] / "precisions.toml").read_text(encoding="utf-8"))["precision"]
}
PUBLISHED = [model for model in MODELS.values() if model.published]
WITHIN = 0.02
ACTIVE_WITHIN = 0.03

MEASURED = """
    BAAI/Aquila-7B Deci/DeciLM-7B EleutherAI/gpt-j-6b Meta-Llama/Llama-3.1-70B MiniMaxAI/MiniMax-M2.5 Qwen/Qwen2-72B
    Qwen/Qwen3-235B-A22B-Instruct-2507 Qwen/Qwen3.5-397B-A17B amd/Llama-3.1-70B-Instruct-FP8-KV bigscience/bloom-7b1
    baidu/ERNIE-4.5-21B-A3B-PT codellama/CodeLlama-34b-Instruct-hf deepseek-ai/DeepSeek-OCR deepseek-ai/DeepSeek-OCR-2
    deepseek-ai/DeepSeek-V3.2-Exp facebook/opt-6.7b ggml-org/Qwen2.5-Coder-7B-Q8_0-GGUF ggml-org/gpt-oss-120b-GGUF
    ggml-org/Qwen3-Coder-30B-A3B-Instruct-Q8_0-GGUF ggml-org/gemma-3-4b-it-qat-GGUF google/gemma-4-26B-A4B-it
    huggyllama/llama-7b internlm/internlm-20b meta-llama/Llama-2-70b-chat-hf meta-llama/Meta-Llama-3-8B
    meta-llama/Llama-3.1-405B meta-llama/Llama-4-Scout-17B-16E-Instruct mistralai/Ministral-3-14B-Instruct-2512
    mistralai/Mistral-7B-v0.1 mistralai/Mixtral-8x22B-v0.1 mistralai/Mixtral-8x7B-v0.1 moonshotai/Kimi-K2-Instruct
    moonshotai/Kimi-Linear-48B-A3B-Instruct nvidia/DeepSeek-R1-0528-FP4 nvidia/DeepSeek-V3.1-NVFP4
    nvidia/Llama-3.1-405B-Instruct-FP4 nvidia/Llama-3.3-70B-Instruct-FP8 nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-FP8
    nvidia/Llama-4-Maverick-17B-128E-Instruct-FP8 nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-BF16 tiiuae/falcon-180B
    nvidia/Qwen3-235B-A22B-FP4 nvidia/Qwen3-30B-A3B-FP4 nvidia/Qwen3-32B-NVFP4 stepfun-ai/Step-3.5-Flash
    zai-org/GLM-5-FP8 zhipuai/GLM-5
""".split()
"""Checkpoints that public benchmarks name."""


def said(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name.lower())


def checkpoint(repository: str) -> Checkpoint:
    return next(c for model in MODELS.values() for c in model.checkpoints if c.repository == repository)


def test_there_are_models_of_all_families():
    assert len(MODELS) >= 200
    families = {model.family for model in MODELS.values()}
    assert families >= set(
        "llama mistral qwen deepseek kimi glm minimax gpt-oss gemma phi nemotron granite olmo falcon cohere gpt "
        "opt bloom".split()
    )


def test_an_entry_stays_small_enough_for_hundreds_of_them():
    """They are read and validated once and kept: what counts then is what an entry takes, under a kilobyte."""
    assert sum(file.stat().st_size for file in FILES) < 1000 * len(MODELS)


@of_every(FILES, name=lambda file: file.stem)
def test_every_entry_validates_and_says_where_it_comes_from(file: Path):
    for entry in tomllib.loads(file.read_text(encoding="utf-8"))["model"]:
        model = record_of(ModelArchitecture, entry)
        assert model.source
        assert date(2026, 1, 1) <= model.checked <= date(2026, 12, 31)
        assert model.confidence is Confidence.CONFIRMED or model.note, f"{model.id}: a lesser confidence needs a note"
        assert not model.extra_parameters or "xtra parameters" in model.note, f"{model.id}: say what the extra ones are"


def test_ids_are_unique():
    ids = [entry["id"] for file in FILES for entry in tomllib.loads(file.read_text(encoding="utf-8"))["model"]]
    assert len(ids) == len(set(ids))


def test_no_name_leads_to_two_entries():
    owners = defaultdict(set)
    for model in MODELS.values():
        for name in (model.id, model.name, *model.aliases, *(c.repository for c in model.checkpoints)):
            owners[said(name)].add(model.id)
    assert {name: ids for name, ids in owners.items() if len(ids) > 1} == {}


@of_every(MEASURED)
def test_what_benchmarks_name_is_covered(name: str):
    known = {said(c.repository) for model in MODELS.values() for c in model.checkpoints}
    assert said(name) in known


@of_every(PUBLISHED)
def test_computed_parameters_are_the_published_ones(model: ModelArchitecture):
    difference = total_parameters(model) / (model.published.total_billions * 1e9) - 1
    if model.published.exception:
        assert abs(difference) > WITHIN, "the exception is not needed"
    else:
        assert abs(difference) <= WITHIN


def test_nearly_every_entry_has_a_published_total():
    without = [model.id for model in MODELS.values() if not model.published]
    assert all(MODELS[id_].confidence in (Confidence.MEMORY, Confidence.ESTIMATED) for id_ in without)
    assert len(without) <= 5


@of_every(model for model in PUBLISHED if model.published.active_billions)
def test_active_parameters_are_near_the_published_ones(model: ModelArchitecture):
    active = active_parameters(model) - model.extra_parameters
    assert active / 1e9 == pytest.approx(model.published.active_billions, rel=ACTIVE_WITHIN)


@of_every(MEMORY_FACTS, name=lambda fact: fact.model)
def test_parameters_equal_the_sum_by_hand(fact: MemoryFact):
    assert total_parameters(MODELS[fact.model]) == fact.parameters


def test_the_seed_case_takes_131_4_gib():
    weights = 2 * total_parameters(MODELS["llama-3.1-70b"])
    assert weights / 2**30 == pytest.approx(131.4, abs=0.05)


def test_every_checkpoint_has_a_known_precision():
    for model in MODELS.values():
        stored = [model.native_precision, *(c.precision for c in model.checkpoints)]
        stored += [c.kv_precision for c in model.checkpoints if c.kv_precision]
        assert set(stored) <= PRECISIONS, model.id
        assert model.checkpoints, f"{model.id} names no checkpoint"
        assert all(re.fullmatch(r"[\w.-]+/[\w.-]+", c.repository) for c in model.checkpoints)


@pytest.mark.parametrize(
    ("repository", "precision", "kv_precision", "static_scales"),
    [
        ("meta-llama/Llama-3.1-70B-Instruct", "bf16", None, False),
        ("nvidia/Llama-3.1-70B-Instruct-FP8", "fp8", "fp8", True),
        ("nvidia/Llama-3.3-70B-Instruct-FP4", "nvfp4", "fp8", True),
        ("amd/Llama-3.1-70B-Instruct-FP8-KV", "fp8", "fp8", True),
        ("Qwen/Qwen3-32B-FP8", "fp8", None, False),
        ("ggml-org/gpt-oss-20b-GGUF", "mxfp4", None, False),
        ("ggml-org/gemma-3-4b-it-qat-GGUF", "q4_0", None, False),
        ("ggml-org/Qwen3-Coder-30B-A3B-Instruct-Q8_0-GGUF", "q8_0", None, False),
        ("deepseek-ai/DeepSeek-V3", "fp8", None, False),
        ("openai/gpt-oss-120b", "mxfp4", None, False),
        ("EleutherAI/gpt-j-6b", "fp16", None, False),
    ],
)
def test_checkpoints_are_stored_as_published(repository, precision, kv_precision, static_scales):
    found = checkpoint(repository)
    assert (found.precision, found.kv_precision, found.static_scales) == (precision, kv_precision, static_scales)


def test_only_the_experts_of_some_models_are_quantised():
    experts_alone = {model.id for model in MODELS.values() if model.quantised_parts == "experts"}
    assert {"gpt-oss-20b", "gpt-oss-120b", "kimi-k2-thinking", "kimi-k2.5"} <= experts_alone
    assert "deepseek-v3" not in experts_alone
    for id_ in experts_alone:
        assert any(isinstance(group.feed_forward, MixtureFeedForward) for group in MODELS[id_].layers)


def attention_kinds(id_: str) -> list[tuple[int, type, int | None]]:
    groups = MODELS[id_].layers
    return [(group.count, type(group.attention), getattr(group.attention, "window", None)) for group in groups]


def test_layers_follow_the_published_patterns():
    assert attention_kinds("gpt-oss-20b") == [(12, GroupedAttention, 128), (12, GroupedAttention, None)]
    assert attention_kinds("gemma-3-27b") == [(52, GroupedAttention, 1024), (10, GroupedAttention, None)]
    assert attention_kinds("deepseek-v3") == [(3, LatentAttention, None), (58, LatentAttention, None)]
    assert attention_kinds("qwen3-next-80b-a3b") == [(36, LinearAttention, None), (12, GroupedAttention, None)]
    assert attention_kinds("falcon-h1-34b") == [(72, ParallelAttention, None)]
    assert MODELS["deepseek-v3.2"].layers[0].attention.indexer.top_k == 2048
    assert all(
        g.attention.output_gate for g in MODELS["qwen3.5-397b-a17b"].layers if isinstance(g.attention, GroupedAttention)
    )
