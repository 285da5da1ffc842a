"""How the bytes of a model come about, part by part."""

import pytest
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.matrices import mtp_parameters, total_parameters
from catalogs.records.models import ModelArchitecture
from engine.estimate.stored_weights import model_bytes
from tests.every import of_every

CATALOG = Catalog.load()


@of_every(list(CATALOG.models.values()))
def test_parts_sum_to_the_parameters_and_to_the_bytes(model: ModelArchitecture) -> None:
    held = model_bytes(model, CATALOG.precision)
    assert sum(held.parameters.values()) == pytest.approx(total_parameters(model) + mtp_parameters(model))
    assert [stored.repository for stored in held.checkpoints] == [c.repository for c in model.checkpoints] or [None]
    for stored in held.checkpoints:
        assert stored.parts.keys() == held.parameters.keys()
        assert sum(part.bytes for part in stored.parts.values()) == pytest.approx(stored.total_bytes)


def test_deepseek_v3_by_hand() -> None:
    """Routed experts in FP8; embedding and head in 16 bit; the MTP layer brings a copy of both of those."""
    held = model_bytes(CATALOG.models["deepseek-v3"], CATALOG.precision)
    (stored, *_) = held.checkpoints
    assert held.parameters["expert"] == 58 * 256 * 3 * 7168 * 2048
    assert stored.parts["expert"].bytes == pytest.approx(held.parameters["expert"], rel=1e-3)
    assert stored.parts["head"].bits == 16
    assert stored.parts["mtp"].bytes > 2 * 2 * 129280 * 7168
    assert stored.total_bytes == pytest.approx(stored.published_bytes, rel=0.01)


def test_kv_bytes_of_a_token_by_hand() -> None:
    """Llama 3.1 8B: 32 layers of 8 KV heads of 128, keys and values."""
    held = model_bytes(CATALOG.models["llama-3.1-8b"], CATALOG.precision)
    assert held.kv_cache_bytes_per_token["bf16"] == 32 * 8 * 128 * 2 * 2
    assert held.kv_cache_bytes_per_token["fp8"] == pytest.approx(32 * 8 * 128 * 2, rel=1e-3)


def test_a_gguf_leaves_towers_out_and_its_others_wide() -> None:
    """Of norms and others the bits are those of a stored parameter, whether or not the towers are in the file."""
    with_towers = [
        (model, stored)
        for model in CATALOG.models.values()
        if model.tower_parameters
        for stored in model_bytes(model, CATALOG.precision).checkpoints
        if CATALOG.precision(stored.precision).tensor_bits
    ]
    assert with_towers
    for model, stored in with_towers:
        assert stored.parts["others"].bits == 16
        assert stored.parts["others"].bytes < 2 * model.extra_parameters


def test_a_model_without_checkpoints_is_shown_in_its_own_precision() -> None:
    model = replace(CATALOG.models["llama-3.1-8b"], checkpoints=())
    (stored,) = model_bytes(model, CATALOG.precision).checkpoints
    assert (stored.repository, stored.precision) == (None, "bf16")
    assert stored.total_bytes == pytest.approx(2 * total_parameters(model))
