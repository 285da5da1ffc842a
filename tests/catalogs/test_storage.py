"""What a checkpoint weighs: against published totals, and part by part against sums by hand."""

import pytest

from catalogs.catalog import Catalog
from catalogs.matrices import total_parameters
from catalogs.records.models import Checkpoint, ModelArchitecture
from catalogs.records.validation import record_of
from catalogs.storage import mtp_bytes, storage_of, weights_by_part

CATALOG = Catalog.load()
PUBLISHED = [
    (model, checkpoint)
    for model in CATALOG.models.values()
    for checkpoint in model.checkpoints
    if checkpoint.published_bytes
]
EXCEPTIONS = {
    "Qwen/Qwen3-Embedding-8B": "an embedding model has no head, which is counted here",
    "nvidia/GLM-5.2-NVFP4": "it leaves the layer of multi-token prediction out",
}


def weight(model: ModelArchitecture, checkpoint: Checkpoint) -> float:
    storage = storage_of(model, CATALOG.precision(checkpoint.precision), checkpoint, CATALOG.precision)
    return sum(weights_by_part(model, storage).values()) + mtp_bytes(model, storage, checkpoint)


def test_checkpoints_weigh_what_was_published() -> None:
    """Within 3 %, layers of multi-token prediction included; the exceptions have their reason."""
    assert len(PUBLISHED) > 60
    off = {
        checkpoint.repository: round(weight(model, checkpoint) / (checkpoint.published_bytes or 1), 3)
        for model, checkpoint in PUBLISHED
        if abs(weight(model, checkpoint) / (checkpoint.published_bytes or 1) - 1) > 0.03
    }
    assert set(off) <= set(EXCEPTIONS), off


def test_parts_sum_to_the_parameters() -> None:
    """In 16 bit every parameter takes two bytes, whichever part it belongs to."""
    for model in CATALOG.models.values():
        storage = storage_of(model, CATALOG.precision("bf16"), None, CATALOG.precision)
        assert sum(weights_by_part(model, storage).values()) == pytest.approx(2 * total_parameters(model)), model.id


def test_experts_alone_in_groups_of_32_by_hand() -> None:
    """Kimi-K2.5: 60 layers × 384 experts of 3 × 7168 × 2048 at 4.5 bit; all else in 16 bit."""
    model = CATALOG.model("moonshotai/Kimi-K2.5")
    storage = storage_of(model.model, CATALOG.precision("int4"), model.checkpoint, CATALOG.precision)
    parts = weights_by_part(model.model, storage)
    assert parts["expert"] == pytest.approx(60 * 384 * 3 * 7168 * 2048 * 4.5 / 8)
    assert storage.bits["qkv" if "qkv" in storage.bits else "query_up"] == 16


def test_a_gguf_file_quantises_embeddings_and_head() -> None:
    """Q4_K_M of Llama 3.1 8B: 4.8944 bits a weight, as llama.cpp publishes; a tied embedding is a head in Q6_K."""
    model = CATALOG.models["llama-3.1-8b"]
    storage = storage_of(model, CATALOG.precision("q4_k_m"), None, CATALOG.precision)
    assert sum(weights_by_part(model, storage).values()) * 8 / 8.030e9 == pytest.approx(4.8944, rel=2e-3)
    tied = CATALOG.models["llama-3.2-3b"]
    assert storage_of(tied, CATALOG.precision("q4_k_m"), None, CATALOG.precision).bits["embedding"] == 6.5625


@pytest.mark.parametrize("wider", ["attention", "dense", "embedding", "head"])
def test_a_part_kept_wide_never_weighs_less(wider: str) -> None:
    model = CATALOG.models["llama-3.1-70b"]
    usual = Checkpoint(repository="a/b", precision="int4")
    wide = record_of(Checkpoint, {"repository": "a/b", "precision": "int4", "wide": {wider: 1.0}})
    assert weight(model, wide) >= weight(model, usual)


@pytest.mark.parametrize(
    ("repository", "published"),
    [
        ("deepseek-ai/DeepSeek-R1-0528", 688_590_631_731),
        ("nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-BF16", 247_229_054_976),
        ("mistralai/Mistral-Small-4-119B-2603-NVFP4", 70_813_273_292),
    ],
)
def test_what_had_been_left_out_was_found(repository: str, published: float) -> None:
    """A layer of multi-token prediction, one of attention and experts where layers are either, and wide attention."""
    named = CATALOG.model(repository)
    assert named.checkpoint
    assert weight(named.model, named.checkpoint) == pytest.approx(published, rel=2e-3)


@pytest.mark.parametrize(
    ("repository", "published"),
    [
        ("unsloth/gpt-oss-20b-GGUF", 12_133_282_611),
        ("someone/gpt-oss-20b-GGUF", 12_133_282_611),
        ("unsloth/Qwen3.5-9B-Q8_0-GGUF", 9.5e9),
        ("unsloth/Qwen3.5-35B-A3B-Q8_0-GGUF", 36.9e9),
        ("unsloth/Qwen3.5-397B-A17B-Q8_0-GGUF", 421.5e9),
    ],
)
def test_a_gguf_file_has_what_converters_write(repository: str, published: float) -> None:
    """Experts in MXFP4 stand beside Q8_0; towers and layers of multi-token prediction are left out."""
    named = CATALOG.model(repository)
    assert named.checkpoint
    assert weight(named.model, named.checkpoint) == pytest.approx(published, rel=0.01)
