"""In which precision a checkpoint is stored, from its config."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from catalogs.configs.fields import Fields

DTYPES = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "half": "fp16", "float": "fp32"}

METHODS = {
    "fp8": "fp8",
    "fbgemm_fp8": "fp8",
    "fine_grained_fp8": "fp8",
    "mxfp4": "mxfp4",
    "mxfp8": "fp8",
    "nvfp4": "nvfp4",
}
"""quant_method → precision, where the method alone says it."""

WEIGHT_ONLY = {"gptq", "awq", "auto_round", "autoround", "hqq", "aqlm", "bitsandbytes", "intel/auto_round"}

ALGORITHMS = {
    "FP8": "fp8",
    "FP8_PB_WO": "fp8",
    "FP8_PER_CHANNEL_PER_TOKEN": "fp8",
    "NVFP4": "nvfp4",
    "NVFP4_AWQ": "nvfp4",
    "W4A16_AWQ": "int4",
    "W4A8_AWQ": "int4",
    "W8A8_SQ_PER_CHANNEL": "int8",
    "MXFP4": "mxfp4",
    "MXFP8": "fp8",
}
"""TensorRT Model Optimizer's quant_algo → precision."""

INT4_BITS, INT8_BITS = 4, 8
MICROSCALING_GROUP = 32
"""Elements that share a scale in MXFP4; NVFP4 has 16."""


class StoredPrecision(Struct, frozen=True):
    """How the weights of a checkpoint are stored."""

    precision: str
    parts: Literal["linear", "experts"] = "linear"
    kv_precision: str | None = None
    static_scales: bool = False


def stored_precision(fields: Fields) -> StoredPrecision:
    """Return the precision of a checkpoint: its quantisation's, or its dtype's."""
    dtype = str(fields.value("dtype", "torch_dtype") or "bfloat16").removeprefix("torch.")
    plain = StoredPrecision(DTYPES.get(dtype, "bf16"))
    quantised = fields.part("quantization_config") or fields.part("quantization")
    if not quantised:
        return plain
    method = str(quantised.get("quant_method") or "").lower().replace("-", "_")
    precision = _precision(method, quantised)
    if precision is None:
        return plain
    experts = precision != "fp8" and _leaves_attention(quantised)
    return StoredPrecision(
        precision,
        "experts" if experts else "linear",
        "fp8" if _kv_in_fp8(quantised) else None,
        _has_static_scales(method, quantised),
    )


def _precision(method: str, quantised: Mapping[str, Any]) -> str | None:
    algorithm = str(quantised.get("quant_algo") or "").upper()
    if algorithm in ALGORITHMS:
        return ALGORITHMS[algorithm]
    if method in METHODS:
        return METHODS[method]
    if method in WEIGHT_ONLY:
        if quantised.get("load_in_4bit"):
            return "nf4"
        bits = quantised.get("bits") or quantised.get("w_bit") or (INT8_BITS if quantised.get("load_in_8bit") else 4)
        return "int4" if bits == INT4_BITS else "w8a16"
    weights, inputs = _grouped_weights(quantised)
    return _compressed(weights, inputs) if weights else None


def _compressed(weights: Mapping[str, Any], inputs: Mapping[str, Any] | None) -> str | None:
    bits, kind = weights.get("num_bits"), str(weights.get("type") or "int")
    if bits == INT8_BITS:
        return "fp8" if kind == "float" else "int8" if inputs else "w8a16"
    if bits == INT4_BITS and kind == "float":
        return "mxfp4" if weights.get("group_size") == MICROSCALING_GROUP else "nvfp4"
    return "int4" if bits == INT4_BITS else None


def _grouped_weights(quantised: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any] | None]:
    """compressed-tensors and newer Model Optimizer configs: the first group's weights and activations."""
    groups = quantised.get("config_groups")
    if isinstance(groups, Mapping):
        for group in groups.values():
            if isinstance(group, Mapping) and isinstance(group.get("weights"), Mapping):
                return group["weights"], group.get("input_activations")
    # Quark (AMD) says the same one level up
    inner = quantised.get("global_quant_config")
    if isinstance(inner, Mapping) and isinstance(inner.get("weight"), Mapping):
        dtype = str(inner["weight"].get("dtype") or "")
        return {"num_bits": 4 if "4" in dtype[-4:] else 8, "type": "float" if "fp" in dtype else "int"}, inner.get(
            "input_tensors"
        )
    return {}, None


def _leaves_attention(quantised: Mapping[str, Any]) -> bool:
    left = quantised.get("modules_to_not_convert") or quantised.get("ignore") or quantised.get("exclude_modules") or []
    return isinstance(left, list) and any("self_attn" in str(name) or "attention" in str(name) for name in left)


def _kv_in_fp8(quantised: Mapping[str, Any]) -> bool:
    scheme = quantised.get("kv_cache_scheme")
    bits = scheme.get("num_bits") if isinstance(scheme, Mapping) else None
    return bits == INT8_BITS or str(quantised.get("kv_cache_quant_algo") or "").upper() == "FP8"


def _has_static_scales(method: str, quantised: Mapping[str, Any]) -> bool:
    if quantised.get("activation_scheme") is not None:
        return bool(quantised["activation_scheme"] == "static")
    if quantised.get("quant_algo"):
        return str(quantised["quant_algo"]).upper() in ("FP8", "NVFP4")
    _, inputs = _grouped_weights(quantised)
    return isinstance(inputs, Mapping) and inputs.get("dynamic") is False
