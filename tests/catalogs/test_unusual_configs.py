"""Configs as quantisers and exporters write them that few have seen: each weighs what was summed by hand, or is asked
about, or is refused; none is taken for a usual decoder in 16 bit.
"""

from typing import Any

import pytest

from catalogs.catalog import Catalog
from catalogs.configs.architecture import architecture_from_config
from catalogs.configs.quantisation import USUAL_BITS
from catalogs.errors import InputError
from catalogs.records.models import UNKNOWN_PRECISION
from catalogs.storage import storage_of, weights_by_part
from tests.every import of_every

CATALOG = Catalog.load()
DENSE: dict[str, Any] = {
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 14336, "vocab_size": 128256,
    "max_position_embeddings": 131072, "torch_dtype": "bfloat16", "tie_word_embeddings": False,
}  # fmt: skip
ATTENTION = 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024)
MLP = 32 * 3 * 4096 * 14336
LINEAR = ATTENTION + MLP
ONE_END = 128256 * 4096
WIDE = 2 * (2 * ONE_END + 65 * 4096)
"""Bytes of embeddings, head and norms in 16 bit."""


def modules(layers: range, *names: str) -> list[str]:
    return [f"model.layers.{layer}.{name}" for layer in layers for name in names]


PROJECTIONS = tuple(f"self_attn.{one}_proj" for one in "qkvo")
BLOCK = ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
FLOAT_8 = {"num_bits": 8, "type": "float", "strategy": "channel"}

QUANTISED: list[tuple[str, dict[str, Any], str, float]] = [
    ("GPTQ that leaves down projections wide", {
        "quant_method": "gptq", "bits": 4, "group_size": 128, "sym": True, "dynamic": {r"-:.*\.down_proj.*": {}},
    }, "int4", (LINEAR - MLP / 3) * 4.125 / 8 + MLP / 3 * 2 + WIDE),
    ("GPTQ with gate and up in 8 bit", {
        "quant_method": "gptq", "bits": 4, "group_size": 128, "sym": True,
        "dynamic": {r"+:.*\.(?:gate|up)_proj.*": {"bits": 8, "group_size": 64}},
    }, "w8a16", (LINEAR - 2 * MLP / 3) * 4.125 / 8 + 2 * MLP / 3 * 8.25 / 8 + WIDE),
    ("GPTQ in 8 bit, a scale for each row", {
        "quant_method": "gptq", "bits": 8, "group_size": -1, "sym": True,
    }, "w8a16", LINEAR + WIDE),
    ("bitsandbytes before the method had a name", {
        "load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True,
        "llm_int8_skip_modules": ["lm_head", "model.layers.0.mlp"],
    }, "nf4", (LINEAR - MLP / 32) * 4.127 / 8 + MLP / 32 * 2 + WIDE),
    ("HQQ by module", {
        "quant_method": "hqq", "skip_modules": ["lm_head"], "quant_config": {
            **{name: {"weight_quant_params": {"nbits": 8, "group_size": 64}} for name in PROJECTIONS},
            **{name: {"weight_quant_params": {"nbits": 3, "group_size": 64}} for name in BLOCK},
        },
    }, "int3", ATTENTION * 8.5 / 8 + MLP * 3.5 / 8 + WIDE),
    ("compressed-tensors with FP8 attention and an NVFP4 block", {
        "quant_method": "compressed-tensors", "format": "mixed-precision", "ignore": ["lm_head"], "config_groups": {
            "group_0": {"targets": ["re:.*self_attn.*"], "weights": FLOAT_8},
            "group_1": {"targets": ["re:.*mlp.*"], "weights": {"num_bits": 4, "type": "float", "group_size": 16}},
        },
    }, "nvfp4", ATTENTION + MLP * 4.5 / 8 + WIDE),
    ("compressed-tensors of the KV cache alone", {
        "quant_method": "compressed-tensors", "config_groups": {}, "ignore": [],
        "kv_cache_scheme": {"num_bits": 8, "type": "float"},
    }, "bf16", 2 * LINEAR + WIDE),
    ("compressed-tensors that ignores everything", {
        "quant_method": "compressed-tensors", "ignore": ["re:.*"],
        "config_groups": {"group_0": {"targets": ["Linear"], "weights": FLOAT_8}},
    }, "bf16", 2 * LINEAR + WIDE),
    ("fbgemm that leaves attention and the outer layers wide", {
        "quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0,
        "modules_to_not_convert": ["lm_head", *modules(range(32), *PROJECTIONS),
                                   *modules(range(0, 32, 31), *BLOCK)],
    }, "fp8", 2 * ATTENTION + MLP * 30 / 32 + 2 * MLP * 2 / 32 + WIDE),
    ("Model Optimizer's own file, whole", {
        "producer": {"name": "modelopt"}, "quantization": {
            "quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8", "group_size": 16,
            "exclude_modules": ["lm_head", "model.layers.0.*"],
        },
    }, "nvfp4", LINEAR * 31 / 32 * 4.5 / 8 + 2 * LINEAR / 32 + WIDE),
    ("Model Optimizer with a list of layers", {
        "quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": {
            **{name: {"quant_algo": "FP8"} for name in modules(range(32), *PROJECTIONS)},
            **{name: {"quant_algo": "W4A8_AWQ", "group_size": 128} for name in modules(range(32), *BLOCK)},
        },
    }, "int4", ATTENTION + MLP * 4.125 / 8 + WIDE),
    ("Quark with INT4 within FP8", {
        "quant_method": "quark", "exclude": ["lm_head"], "global_quant_config": {
            "weight": [{"dtype": "fp8_e4m3"}, {"dtype": "int4", "qscheme": "per_channel"}],
            "input_tensors": {"dtype": "fp8_e4m3"},
        },
    }, "int4", LINEAR / 2 + WIDE),
    ("auto-round by its publisher's name", {
        "quant_method": "intel/auto-round", "bits": 4, "group_size": 128, "sym": True,
        "extra_config": {name: {"bits": 16} for name in modules(range(32), *PROJECTIONS)},
    }, "int4", 2 * ATTENTION + MLP * 4.125 / 8 + WIDE),
    ("torchao by module, embeddings in INT8", {
        "quant_method": "torchao", "quant_type": {"default": {
            "_type": "ModuleFqnToConfig", "_data": {"module_fqn_to_config": {
                "_default": {"_type": "Int4WeightOnlyConfig", "_data": {"group_size": 128}},
                "model.embed_tokens": {"_type": "IntxWeightOnlyConfig", "_data": {"weight_dtype": "torch.int8"}},
                "lm_head": None,
            }},
        }},
    }, "int4", LINEAR * 4.25 / 8 + ONE_END + WIDE - 2 * ONE_END),
    ("ExLlamaV2 in 4.65 bit, the head in 6", {
        "quant_method": "exl2", "bits": 4.65, "head_bits": 6,
    }, "int4", LINEAR * 4.65 / 8 + ONE_END * 6 / 8 + WIDE - 2 * ONE_END),
    ("VPTQ with residual codebooks", {
        "quant_method": "vptq", "config_for_layers": {
            name: {"vector_lens": [-1, 8], "num_centroids": [-1, 65536], "num_res_centroids": [-1, 256]}
            for name in modules(range(32), *PROJECTIONS, *BLOCK)
        },
    }, "int4", LINEAR * 3 / 8 + WIDE),
    ("MLX in 3 bit, the head and one module in 6", {
        "bits": 3, "group_size": 64, "lm_head": {"bits": 6, "group_size": 64},
        "model.layers.0.mlp.down_proj": {"bits": 6, "group_size": 64},
    }, "int3", (LINEAR - MLP / 96) * 3.5 / 8 + MLP / 96 * 6.5 / 8 + ONE_END * 10 / 8 + WIDE - 4 * ONE_END),
    ("FP-Quant", {"quant_method": "fp_quant", "forward_dtype": "nvfp4"}, "nvfp4", LINEAR * 4.5 / 8 + WIDE),
    ("FP8 in rows of 128", {
        "quant_method": "fp8", "weight_block_size": [1, 128],
    }, "fp8", LINEAR * 8.25 / 8 + WIDE),
]  # fmt: skip


@of_every(QUANTISED, name=lambda case: case[0])
def test_a_checkpoint_weighs_what_its_dialect_says(case: tuple[str, dict[str, Any], str, float]) -> None:
    _, quantised, precision, weight = case
    model = architecture_from_config(DENSE | {"quantization_config": quantised}, name="acme/x")
    (checkpoint,) = model.checkpoints
    storage = storage_of(model, CATALOG.precision(checkpoint.precision), checkpoint, CATALOG.precision)
    assert checkpoint.precision == precision
    assert sum(weights_by_part(model, storage).values()) == pytest.approx(weight, rel=0.005)


@pytest.mark.parametrize(
    "said",
    [
        {"quantization_config": "fp8"},
        {"quantization_config": ["fp8"]},
        {"torch_dtype": "float8_e4m3fn"},
        {"quantization_config": {"quant_method": "bitnet"}},
        {"quantization_config": {"quant_method": "modelopt", "quant_algo": "W3A3_LATER"}},
        {"quantization_config": {"quant_method": "awq", "bits": "four", "group_size": 128}},
        {
            "quantization_config": {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"targets": ["Linear"], "weights": FLOAT_8}},
                "sparsity_config": {"format": "sparse-24-bitmask"},
            }
        },
        {
            "quantization_config": {
                "quant_method": "compressed-tensors",
                "config_groups": {"group_0": {"targets": ["WonderLinear"], "weights": FLOAT_8}},
            }
        },
    ],
)
def test_what_is_not_known_is_asked_about(said: dict[str, Any]) -> None:
    """Neither 16 bit nor a guess: the forecast asks for --precision."""
    assert architecture_from_config(DENSE | said, name="acme/x").checkpoints[0].precision == UNKNOWN_PRECISION


def test_a_kv_cache_that_quark_exports_is_read() -> None:
    fp8 = {"dtype": "fp8_e4m3", "qscheme": "per_tensor"}
    quantised = {
        "quant_method": "quark",
        "global_quant_config": {"weight": fp8, "input_tensors": fp8},
        "layer_quant_config": {"*k_proj": {"weight": fp8, "output_tensors": fp8}},
        "export": {"kv_cache_group": ["*k_proj"]},
    }
    assert (
        architecture_from_config(DENSE | {"quantization_config": quantised}, name="a/x").checkpoints[0].kv_precision
        == "fp8"
    )


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"model_type": "later", "n_experts_total": 64, "expert_topk": 8}, "n_experts_total"),
        ({"model_type": "later", "block_types": ["recurrent", "attention"], "lru_width": 4096}, "block_types"),
        ({"model_type": "later", "attention_window_size": 2048}, "attention_window_size"),
        ({"model_type": "ouro", "total_ut_steps": 4}, "total_ut_steps"),
        ({"model_type": "later", "n_recurrent_loops": 4}, "n_recurrent_loops"),
        ({"model_type": "llada"}, "diffusion"),
        ({"layer_types": ["indexed_attention"] * 32}, "indexed_attention"),
        ({"layer_types": ["full_attention", "retention"] * 16}, "retention"),
        ({"layers_block_type": ["attention", "xlstm"] * 16}, "xlstm"),
        ({"layer_types": ["full_attention"] * 5}, "5 long"),
        (
            {"kv_lora_rank": 512, "qk_nope_head_dim": 128, "v_head_dim": 128, "sliding_window": 512,
             "layer_types": ["full_attention", "sliding_attention"] * 16},
            "a window of latent attention",
        ),
    ],
)  # fmt: skip
def test_what_the_cache_the_experts_or_the_layers_depend_on_is_refused(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        architecture_from_config(DENSE | fields, name="acme/x")


def test_a_window_that_is_switched_off_is_no_doubt() -> None:
    model = architecture_from_config(
        DENSE | {"model_type": "qwen2", "use_sliding_window": False, "sliding_window": 4096, "max_window_layers": 28},
        name="acme/x",
    )
    assert model.doubts == ()


def test_sparse_attention_is_called_indexed_since_transformers_5_24() -> None:
    latent = {
        "kv_lora_rank": 512, "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
        "index_topk": 2048, "index_n_heads": 64, "index_head_dim": 128,
    }  # fmt: skip
    named = architecture_from_config(DENSE | latent | {"layer_types": ["indexed_attention"] * 32}, name="acme/x")
    assert named.layers == architecture_from_config(DENSE | latent, name="acme/x").layers


def test_a_tower_whose_patches_have_two_sides_is_read() -> None:
    """InternVL's newer configs give [14, 14] where others give 14."""
    tower = {"hidden_size": 1024, "num_hidden_layers": 24, "intermediate_size": 4096}
    one, two = (
        architecture_from_config(
            {"model_type": "internvl", "text_config": DENSE, "vision_config": tower | {"patch_size": side}}, name="a/x"
        )
        for side in (14, [14, 14])
    )
    assert one.extra_parameters == two.extra_parameters


def test_bits_known_without_a_catalog_are_the_catalogs() -> None:
    assert {name: CATALOG.precision(name).bits for name in USUAL_BITS} == USUAL_BITS
