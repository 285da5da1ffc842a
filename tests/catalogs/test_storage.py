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
    "nvidia/GLM-5.2-NVFP4": "it leaves the layer of multi-token prediction out",
    "unsloth/gpt-oss-20b-GGUF": "its total counts the file of another quantisation of the same experts",
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
