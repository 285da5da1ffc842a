"""How a checkpoint is quantised, from its config: which format each of its modules is stored in.

Every dialect becomes the same value: rules that say, of modules by name, in which format they are. The dialects are
those of transformers (AWQ, GPTQ, bitsandbytes, HQQ, FP8, torchao, VPTQ), compressed-tensors, NVIDIA's Model Optimizer,
AMD's Quark, auto-round, ExLlamaV3 and MLX.
"""

import re
from collections.abc import Mapping, Sequence
from fnmatch import translate
from typing import Any

from msgspec import Struct

from catalogs.configs.fields import Fields

DTYPES = {"float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "half": "fp16", "float": "fp32"}

SCALE_BITS = 16
"""Of the scale that a group of integer weights shares: fp16 or bf16 in every dialect read here."""
USUAL_FP8_BITS = 8.01
"""Below, blocks are as large as those of the catalog's entry."""
MICROSCALING_GROUP = 32
"""Elements that share a scale in MXFP4; NVFP4 has 16."""


class Format(Struct, frozen=True):
    """A number format of stored weights."""

    precision: str
    """Id of the catalog's precision."""
    bits: float | None = None
    """Bits per weight, scales included, where groups are not those of the precision's entry."""

    @property
    def stored_bits(self) -> float:
        """Bits per weight, scales included."""
        return USUAL_BITS[self.precision] if self.bits is None else self.bits


class Rule(Struct, frozen=True):
    """Modules by name, and the format in which they are stored."""

    modules: str
    """A regular expression that matches the whole of their names from the start."""
    format: Format | None
    """None: left in 16 bit."""


class Quantisation(Struct, frozen=True):
    """How the weights of a checkpoint are stored."""

    rules: tuple[Rule, ...] = ()
    """The first that matches a module decides; what none matches is in 16 bit."""
    kv_precision: str | None = None
    static_scales: bool = False
    """Activation scales are in the checkpoint."""
    block: int | None = None
    """Side of the squares of weights that share a scale."""
    group: int | None = None
    """Inputs that share a scale of integer weights."""
    unread: str = ""
    """Its own name for the method, where that is not known here."""


LINEARS = r"(?!.*(?:lm_head|embed|visual|vision|audio|multi_modal|\.gate$|router)).*"
"""Modules that a quantiser takes for linear by default: not the head, embeddings, towers and routers."""
LINEARS_AND_HEAD = r"(?!.*(?:embed|visual|vision|audio|multi_modal|\.gate$|router)).*"
EVERYTHING = r"(?!.*(?:visual|vision|audio|\.gate$|router)).*"

FP8, INT8, NVFP4, MXFP4, MXFP8 = Format("fp8"), Format("int8"), Format("nvfp4"), Format("mxfp4"), Format("mxfp8")

USUAL_BITS: Mapping[str, float] = {
    "fp8": 8.002, "int8": 8.004, "w8a16": 8.125, "int6": 6.5, "int5": 5.5, "nvfp4": 4.5, "mxfp4": 4.25, "mxfp8": 8.25,
    "int4": 4.156, "nf4": 4.127, "int3": 3.125, "int2": 2.125,
}  # fmt: skip
"""Bits per weight of the catalog's precisions, to which a test holds them: a config is read without a catalog."""

FLOATS: Mapping[str, Format] = {"mxfp4": MXFP4, "mxfp8": MXFP8, "nvfp4": NVFP4}
"""Floats with a scale for each block, by the name that dialects have for them."""

_ALGORITHMS: Mapping[str, Format] = {
    name: format
    for format, names in (
        (FP8, "FP8 FP8_PB_WO FP8_PB_REAL FP8_PER_CHANNEL_PER_TOKEN"),
        (NVFP4, "NVFP4 NVFP4_AWQ NVFP4_SVDQUANT W4A16_NVFP4 W4A8_NVFP4_FP8"),
        (MXFP4, "MXFP4 W4A16_MXFP4 W4A8_MXFP4_FP8"),
        (MXFP8, "MXFP8"),
        (Format("int4"), "W4A16 W4A16_AWQ W4A8_AWQ"),
        (Format("w8a16"), "W8A16"),
        (INT8, "INT8 W8A8 W8A8_SQ_PER_CHANNEL"),
    )
    for name in names.split()
}
"""Model Optimizer's quant_algo → format."""


def quantisation_of(fields: Fields) -> Quantisation:
    """Return how a checkpoint is stored; without rules where it is not quantised."""
    quantised = fields.part("quantization_config") or fields.part("quantization")
    if not quantised:
        return Quantisation(unread=_unread(fields))
    inner = quantised.get("quantization")
    if isinstance(inner, Mapping):  # hf_quant_config.json, whole
        quantised = {**inner, **{key: value for key, value in quantised.items() if key != "quantization"}}
    method = _method(quantised)
    sparsity = quantised.get("sparsity_config")
    if isinstance(sparsity, Mapping) and sparsity.get("format") not in (None, "dense"):
        return Quantisation(unread=f"{method} {sparsity['format']}")
    rules = _rules(method, quantised)
    if rules is None:
        return Quantisation(unread=method or ", ".join(sorted(map(str, quantised))[:4]))
    return Quantisation(
        rules, _kv_precision(quantised), _has_static_scales(quantised), _block(quantised), _group(quantised)
    )


def plain_precision(fields: Fields) -> str:
    """Return the precision of weights that are not quantised: the checkpoint's dtype."""
    return DTYPES.get(_dtype(fields), "bf16")


def _dtype(fields: Fields) -> str:
    return str(fields.value("dtype", "torch_dtype") or "bfloat16").removeprefix("torch.")


def _unread(fields: Fields) -> str:
    """Return what is said of a quantisation otherwise than in an object of fields; empty where nothing is."""
    said = fields.value("quantization_config", "quantization")
    if said:
        return f"{type(said).__name__} {said}" if not isinstance(said, Mapping | str) else str(said)
    return "" if _dtype(fields) in (*DTYPES, "auto") else _dtype(fields)


def _method(quantised: Mapping[str, Any]) -> str:
    """Return the name of a dialect; where it is not said (as before transformers 4.35), by a field of that dialect."""
    said = quantised.get("quant_method")
    if said:
        return str(said).lower().replace("-", "_").rpartition("/")[2]
    own = {"load_in_4bit": "bitsandbytes", "load_in_8bit": "bitsandbytes", "desc_act": "gptq", "q_group_size": "awq"}
    return next((method for field, method in own.items() if quantised.get(field) is not None), "")


_INTEGERS = ("awq", "gptq", "gptqmodel", "auto_round", "autoround", "inc")


def _rules(method: str, quantised: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    """Return the rules of a dialect; None where it is not known."""
    if "quant_algo" in quantised or "quantized_layers" in quantised:
        return _model_optimizer(quantised)
    if isinstance(quantised.get("config_groups"), Mapping):
        return _groups(quantised)
    if isinstance(quantised.get("global_quant_config"), Mapping):
        return _quark(quantised)
    dialects = {
        **dict.fromkeys(("fp8", "fbgemm_fp8", "fine_grained_fp8"), _fine_grained),
        **dict.fromkeys(FLOATS, _microscaling),
        **dict.fromkeys(_INTEGERS, _integer),
        "aqlm": _additive,
        "hqq": _hqq,
        "bitsandbytes": _bitsandbytes,
        "torchao": _torchao,
        "vptq": _vector,
        "exl2": _exllama,
        "exl3": _exllama,
        "fp_quant": _fp_quant,
    }
    if method in dialects:
        return dialects[method](quantised)
    if not method and isinstance(quantised.get("bits"), int) and "group_size" in quantised:
        return _mlx(quantised)
    return None


def _fine_grained(quantised: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    bits = FP8
    block = quantised.get("weight_block_size")
    if isinstance(block, Sequence) and len(block) == 2 and all(isinstance(side, int) and side for side in block):
        scaled = 8 + 32 / (block[0] * block[1])
        bits = FP8 if scaled < USUAL_FP8_BITS else Format("fp8", scaled)
    experts = str(quantised.get("expert_dtype") or quantised.get("moe_quant_dtype") or "").lower()
    narrow = (Rule(r".*experts?\..*", MXFP4),) if "fp4" in experts else ()
    return (*_wide(quantised), *narrow, Rule(LINEARS, bits))


def _fp_quant(quantised: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    format = {"mxfp4": MXFP4, "nvfp4": NVFP4}.get(str(quantised.get("forward_dtype") or ""))
    return None if format is None else (*_wide(quantised), Rule(LINEARS, format))


def _microscaling(quantised: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    return (*_wide(quantised), Rule(LINEARS, FLOATS[_method(quantised)]))


def _integer(quantised: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    """AWQ, GPTQ, auto-round: integers with an fp16 scale for each group, and a zero point unless symmetric."""
    bits = quantised.get("bits") or quantised.get("w_bit") or quantised.get("w_bits") or 4
    group = quantised.get("group_size", quantised.get("q_group_size", 128))
    kind = str(quantised.get("data_type") or "int")
    if kind in ("nv_fp", "fp4_v2"):
        return (*_wide(quantised), Rule(LINEARS, NVFP4))
    if kind.startswith("mx_fp"):
        return (*_wide(quantised), Rule(LINEARS, MXFP4 if bits == 4 else MXFP8))
    whole = integers(bits, group, zero_point=quantised.get("zero_point", not quantised.get("sym", True)))
    if whole is None:
        return None
    rules = list(_wide(quantised))
    for name, said in {**_named(quantised, "dynamic"), **_named(quantised, "extra_config")}.items():
        own = said.get("bits", bits)
        exempt = name.startswith("-:") or own == 16
        format = None if exempt else integers(own, said.get("group_size", group), zero_point=False)
        rules.append(Rule(_pattern(name.removeprefix("-:").removeprefix("+:"), regular=True), format))
    return (*rules, Rule(LINEARS_AND_HEAD if quantised.get("lm_head") else LINEARS, whole))


def integers(bits: Any, group: Any, *, zero_point: Any = False, biased: bool = False) -> Format | None:
    """Return the format of grouped integers: their bits and their share of a group's scale and zero point.

    Args:
        bits: of a weight: 2 to 8.
        group: weights that share a scale; -1 or 0 where a whole row does.
        zero_point: whether a group also has a zero point, of as many bits as a weight.
        biased: whether it has one of 16 bits instead (MLX, HQQ).
    """
    if not isinstance(bits, int | float) or not 1 < bits <= 8 or not isinstance(group, int | None):
        return None
    shared = SCALE_BITS + (SCALE_BITS if biased else bits if zero_point else 0)
    names = {2: "int2", 3: "int3", 4: "int4", 5: "int5", 6: "int6", 8: "w8a16"}
    if bits not in names:
        return None
    return Format(names[int(bits)], bits + (shared / group if group and group > 0 else 0.0))


def _additive(quantised: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    books, bits = quantised.get("num_codebooks"), quantised.get("nbits_per_codebook")
    group = quantised.get("in_group_size")
    if not all(isinstance(value, int) and value for value in (books, bits, group)):
        return None
    return (*_wide(quantised), Rule(LINEARS, Format("int2", books * bits / group)))  # type: ignore[operator]


def _hqq(quantised: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    """HQQ: one format for all linear modules, or one for each name of a module."""
    config = quantised.get("quant_config") or quantised
    if not isinstance(config, Mapping):
        return None
    skipped = (*_wide(quantised), *_skipped(quantised.get("skip_modules")))
    own = {name: said for name, said in config.items() if isinstance(said, Mapping) and "weight_quant_params" in said}
    formats = {rf".*\b{re.escape(name)}$": _of_hqq(said) for name, said in own.items()} or {LINEARS: _of_hqq(config)}
    if None in formats.values():
        return None
    return (*skipped, *(Rule(modules, format) for modules, format in formats.items()))


def _of_hqq(said: Mapping[str, Any]) -> Format | None:
    weights = said.get("weight_quant_params", said)
    return integers(weights.get("nbits"), weights.get("group_size") or 64, biased=True)


def _bitsandbytes(quantised: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    skipped = _skipped(quantised.get("llm_int8_skip_modules"))
    if quantised.get("load_in_8bit"):
        return (*skipped, Rule(LINEARS, INT8))
    if quantised.get("load_in_4bit") or quantised.get("_load_in_4bit"):
        # One scale for 64 weights: fp32, or doubly quantised to 8 bit with one fp32 for 256 of them (QLoRA, section 3).
        bits = None if quantised.get("bnb_4bit_use_double_quant") else 4 + 32 / 64
        return (*skipped, Rule(LINEARS, Format("nf4", bits)))
    return None


def _torchao(quantised: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    """torchao: one configuration for all linear modules, or one for each module by name, None for those left alone."""
    kind = quantised.get("quant_type")
    if not isinstance(kind, Mapping):
        kind = {"_type": str(kind or ""), "_data": quantised.get("quant_type_kwargs") or {}}
    whole = kind.get("default", kind)
    data = whole.get("_data") if isinstance(whole, Mapping) else None
    named = _named(data or {}, "module_fqn_to_config") or _named(data or {}, "fqn_to_config")
    rules = list(_wide(quantised))
    for name, said in (named or {"_default": whole}).items():
        format = _of_torchao(said) if said else None
        if said and format is None:
            return None
        rules.append(Rule(LINEARS if name == "_default" else _pattern(name), format))
    return tuple(sorted(rules, key=lambda rule: rule.modules == LINEARS))  # what is named comes before the default


def _of_torchao(said: Mapping[str, Any]) -> Format | None:
    name, data = str(said.get("_type") or "").lower().replace("_", ""), said.get("_data") or {}
    if name.startswith(("intxweightonly", "int8dynamicactivationintx")):
        dtype = re.search(r"int(\d)", str(data.get("weight_dtype") or "int8"))
        size = re.search(r"'group_size': (\d+)", str(data))
        return integers(int(dtype[1]), int(size[1]) if size else 0) if dtype else None
    group = data.get("group_size") or 128
    formats: Mapping[str, Format | None] = {
        "int4weightonly": integers(4, group, biased=True),
        "int8weightonly": integers(8, None),
        "int8dynamicactivationint8weight": INT8,
        "int8dynamicactivationint4weight": integers(4, data.get("group_size") or 32, biased=True),
        "float8weightonly": FP8,
        "float8dynamicactivationfloat8weight": FP8,
        "float8staticactivationfloat8weight": FP8,
        "mxfp4": MXFP4,
        "nvfp4": NVFP4,
    }
    return next((made for start, made in formats.items() if name.startswith(start)), None)


def _vector(quantised: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    """VPTQ: indices into codebooks for vectors of weights, layer by layer."""
    rules = []
    for name, said in _named(quantised, "config_for_layers").items():
        length, entries = said.get("vector_lens") or (), said.get("num_centroids") or ()
        residual = said.get("num_res_centroids") or ()
        if not length or not entries or not isinstance(length[-1], int) or length[-1] < 1:
            return None
        bits = sum(max(int(count), 1).bit_length() - 1 for count in (entries[-1], *residual[-1:]) if int(count) > 0)
        rules.append(Rule(_pattern(name), Format("int2" if bits / length[-1] < 2.5 else "int4", bits / length[-1])))
    return tuple(rules) or None


def _exllama(quantised: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    """ExLlamaV3: the average bits of the layers, and those of the head."""
    bits, head = quantised.get("bits"), quantised.get("head_bits") or 6
    if not isinstance(bits, int | float) or not 1 <= bits <= 8:
        return None
    return Rule(r".*lm_head.*", Format("int6", float(head))), Rule(LINEARS, Format("int4", float(bits)))


def _mlx(quantised: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    """MLX: grouped integers with an fp16 scale and bias, embeddings and head among them; a module may have its own."""
    bits, group = quantised["bits"], quantised["group_size"]
    whole = FLOATS.get(str(quantised.get("mode"))) or integers(bits, group, biased=True)
    if whole is None:
        return None
    rules = []
    for name, said in quantised.items():
        if isinstance(said, Mapping):
            own = integers(said.get("bits", bits), said.get("group_size", group), biased=True)
            rules.append(Rule(_pattern(str(name)), FLOATS.get(str(said.get("mode")), own)))
        elif said is False:
            rules.append(Rule(_pattern(str(name)), None))
    return (*rules, Rule(EVERYTHING, whole))


def _groups(quantised: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    """compressed-tensors, and Model Optimizer's newer configs in its manner: groups of targets, and what is ignored."""
    rules = []
    for group in _named(quantised, "config_groups").values():
        if not isinstance(group.get("weights"), Mapping):
            continue
        format = _compressed(group["weights"], group.get("input_activations"))
        targets = [_target(str(target)) for target in group.get("targets") or ("Linear",)]
        if format is None or None in targets:
            return None
        rules += [Rule(target, format) for target in targets if target]
    if rules:
        return (*_wide(quantised), *rules)
    return () if quantised.get("kv_cache_scheme") else None


_CLASSES: Mapping[str, str] = {
    "Linear": LINEARS_AND_HEAD,
    "LinearBase": LINEARS_AND_HEAD,
    "FusedMoE": r".*experts?\..*",
    "Embedding": r".*embed_tokens.*",
}


def _target(target: str) -> str | None:
    """Return the modules that a target means, a name or a class; None of a class that is not known here."""
    if target[:1].isupper() and target.isalnum():
        return _CLASSES.get(target)
    return _pattern(target)


def _compressed(weights: Mapping[str, Any], inputs: Any) -> Format | None:
    bits, kind = weights.get("num_bits"), str(weights.get("type") or "int")
    group = weights.get("group_size")
    if kind == "float":
        if bits == 8:
            return MXFP8 if group == MICROSCALING_GROUP and "uint8" in str(weights.get("scale_dtype")) else FP8
        return (MXFP4 if group == MICROSCALING_GROUP else NVFP4) if bits == 4 else None
    if bits == 8 and inputs:
        return INT8
    return integers(bits, group if isinstance(group, int) else 0, zero_point=weights.get("symmetric") is False)


def _model_optimizer(quantised: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    rules = list(_wide(quantised))
    for name, said in _named(quantised, "quantized_layers").items():
        format = _ALGORITHMS.get(str(said.get("quant_algo") or "").upper())
        if format is None:
            return None
        rules.append(Rule(_pattern(name), format))
    algorithm = str(quantised.get("quant_algo") or "").upper()
    if algorithm in ("MIXED_PRECISION", ""):
        return tuple(rules) or (() if _kv_precision(quantised) else None)
    format = _ALGORITHMS.get(algorithm)
    if format is None:
        return None
    if format.precision == "int4" and isinstance(group := quantised.get("group_size"), int):
        format = integers(4, group) or format
    return (*rules, Rule(LINEARS if not rules else LINEARS_AND_HEAD, format))


def _quark(quantised: Mapping[str, Any]) -> tuple[Rule, ...] | None:
    """AMD's Quark: one format for all, others for layers by name."""
    rules = list(_wide(quantised))
    for name, said in _named(quantised, "layer_quant_config").items():
        format = _of_quark(said)
        if format is None and isinstance(said.get("weight"), Mapping):
            return None
        rules.append(Rule(_pattern(name), format))
    format = _of_quark(quantised["global_quant_config"])
    return None if format is None else (*rules, Rule(LINEARS_AND_HEAD, format))


def _of_quark(said: Mapping[str, Any]) -> Format | None:
    """Return the format of a module; of weights that are quantised twice, INT4 within FP8, the narrower is stored."""
    weight = said.get("weight")
    if isinstance(weight, Sequence) and not isinstance(weight, str) and weight:
        weight = next(
            (one for one in weight if isinstance(one, Mapping) and "int4" in str(one.get("dtype"))), weight[0]
        )
    if not isinstance(weight, Mapping):
        return None
    dtype, group = str(weight.get("dtype") or "").lower(), weight.get("group_size")
    if "fp4" in dtype:
        return MXFP4 if group == MICROSCALING_GROUP else NVFP4
    if "fp8" in dtype:
        return FP8
    if "int8" in dtype:
        return INT8 if said.get("input_tensors") else Format("w8a16")
    if "int4" in dtype:
        whole = 0 if weight.get("qscheme") == "per_channel" else 128
        return integers(4, group if isinstance(group, int) else whole, zero_point=not weight.get("symmetric", True))
    return None


_LEFT_ALONE = ("modules_to_not_convert", "ignore", "ignored_layers", "exclude_modules", "exclude", "modules_to_exclude")


def _wide(quantised: Mapping[str, Any]) -> tuple[Rule, ...]:
    """Return the rules of what a quantiser was told to leave in 16 bit."""
    named: list[str] = []
    for key in _LEFT_ALONE:
        listed = quantised.get(key)
        named += [str(name) for name in listed] if isinstance(listed, Sequence) and not isinstance(listed, str) else []
    unique = dict.fromkeys(named)
    # AWQ skips what contains one of the words; the others compare whole parts of a name.
    if str(quantised.get("quant_method") or "").lower() == "awq":
        patterns = [f".*{re.escape(name)}" for name in unique]
    else:
        patterns = [_pattern(name) for name in unique if not _is_plain(name)]
        patterns += [_whole_parts(*plain)] if (plain := [name for name in unique if _is_plain(name)]) else []
    return (Rule("|".join(f"(?:{pattern})" for pattern in patterns), None),) if patterns else ()


def _skipped(names: Any) -> tuple[Rule, ...]:
    return tuple(Rule(_pattern(str(name)), None) for name in names or ())


def _named(quantised: Mapping[str, Any], key: str) -> Mapping[str, Mapping[str, Any]]:
    held = quantised.get(key)
    if not isinstance(held, Mapping):
        return {}
    return {str(name): said if isinstance(said, Mapping) else {} for name, said in held.items()}


def _pattern(name: str, *, regular: bool = False) -> str:
    """Return the regular expression of a module's name as quantisers write it: re:…, a glob, or whole parts of it."""
    if name.startswith("re:") or regular:
        pattern = name.removeprefix("re:")
    elif "*" in name:
        pattern = translate(_from_layers(name)).removeprefix("(?s:").removesuffix(r")\Z").removesuffix(r")\z")
    else:
        pattern = _whole_parts(name)
    try:
        re.compile(pattern)
    except re.error:
        return re.escape(name)
    return pattern


def _is_plain(name: str) -> bool:
    return not name.startswith("re:") and "*" not in name


def _whole_parts(*names: str) -> str:
    """Return the regular expression of modules of which whole parts are called so; one for many, since they may be."""
    any_of = "|".join(re.escape(_from_layers(name)) for name in names)
    return rf"(?:.*\.)?(?:{any_of})(?:\..*)?$"


def _from_layers(name: str) -> str:
    """Return a name whose beginning is as ``catalogs.configs.modules`` writes it: what holds the layers differs."""
    head, found, rest = name.partition("layers.")
    plain = found and "*" not in head and "mtp" not in head
    return f"model.layers.{rest}" if plain else name


def _block(quantised: Mapping[str, Any]) -> int | None:
    sides = quantised.get("weight_block_size")
    for group in _named(quantised, "config_groups").values():
        weights = group.get("weights")
        sides = sides or (weights.get("block_structure") if isinstance(weights, Mapping) else None)
    found = sides[0] if isinstance(sides, Sequence) and not isinstance(sides, str) and sides else None
    return found if isinstance(found, int) and found > 1 else None


def _group(quantised: Mapping[str, Any]) -> int | None:
    found = quantised.get("group_size", quantised.get("q_group_size"))
    return found if _method(quantised) in _INTEGERS and isinstance(found, int) and found > 1 else None


def _kv_precision(quantised: Mapping[str, Any]) -> str | None:
    scheme = quantised.get("kv_cache_scheme")
    algorithm = str(quantised.get("kv_cache_quant_algo") or quantised.get("kv_cache_quant_method") or "").upper()
    if isinstance(scheme, Mapping):
        bits, kind = scheme.get("num_bits"), str(scheme.get("type") or "float")
        return {(8, "float"): "fp8", (8, "int"): "int8", (4, "float"): "nvfp4"}.get((bits, kind))  # type: ignore[arg-type]
    if "NVFP4" in algorithm:
        return "nvfp4"
    if "FP8" in algorithm:
        return "fp8"
    quark = quantised.get("kv_cache_quant_config") or quantised.get("kv_cache_dtype")
    exported = quantised.get("export")
    caches = exported.get("kv_cache_group") if isinstance(exported, Mapping) else None
    if caches:  # what these modules put out is cached (vLLM 0.33, quark.py, QuarkConfig.from_config)
        quark = quark or [said.get("output_tensors") for said in _named(quantised, "layer_quant_config").values()]
    return "fp8" if "fp8" in str(quark or "").lower() else None


def _has_static_scales(quantised: Mapping[str, Any]) -> bool:
    if quantised.get("activation_scheme") is not None:
        return bool(quantised["activation_scheme"] == "static")
    if quantised.get("quant_algo"):
        return str(quantised["quant_algo"]).upper() in ("FP8", "NVFP4", "MIXED_PRECISION")
    inputs = [group.get("input_activations") for group in _named(quantised, "config_groups").values()]
    quark = quantised.get("global_quant_config")
    if isinstance(quark, Mapping):
        inputs = [quark.get("input_tensors")]
    return any(
        isinstance(one, Mapping) and (one.get("dynamic") is False or one.get("is_dynamic") is False) for one in inputs
    )
