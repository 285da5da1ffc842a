"""A config.json → the dimensions of a model."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError

from catalogs.configs.dialects import DEFAULTS, LEARNED_POSITIONS, NOT_DECODERS, PARALLEL_BLOCK, TIED, UNSUPPORTED
from catalogs.configs.fields import Fields
from catalogs.configs.kinds import layer_count
from catalogs.configs.layers import layer_groups
from catalogs.configs.quantisation import stored_precision
from catalogs.errors import InputError, quoted
from catalogs.records.facts import Confidence
from catalogs.records.models import Checkpoint, LayerGroup, ModelArchitecture

RULES_CHECKED = date(2026, 11, 21)
"""A config is its own source; the day is that on which these reading rules were last compared with published totals."""


def architecture_from_config(config: Mapping[str, Any], *, name: str) -> ModelArchitecture:
    """Return the architecture that a Hugging Face config.json describes.

    Raises InputError where the config is not a decoder's, lacks a dimension, or holds what cannot be one.
    """
    if not isinstance(config, Mapping):
        raise InputError(f"the config of {quoted(name)} must be a JSON object, not {type(config).__name__}")
    fields = _with_defaults(config, name)
    _refuse_what_is_no_decoder(fields)
    try:
        return _architecture(fields, name)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if not isinstance(part, int))
        message = f"the config of {quoted(name)} makes {where or 'a layer'} {quoted(first['input'])}: {first['msg']}"
        raise InputError(message) from error
    except (TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        raise InputError(f"the config of {quoted(name)} holds a field of the wrong kind: {error}") from error


def _architecture(fields: Fields, name: str) -> ModelArchitecture:
    hidden = fields.integer("hidden_size", "n_embd", "d_model")
    layers = layer_groups(fields)
    stored = stored_precision(fields)
    context = fields.integer(
        "max_position_embeddings", "n_positions", "seq_length", "max_seq_len", "n_ctx", "max_sequence_length"
    )
    extra, note = _extra(fields, hidden, context)
    has_experts = any(group.feed_forward and group.feed_forward.kind == "mixture" for group in layers)
    checkpoint = Checkpoint(
        repository=name,
        precision=stored.precision,
        kv_precision=stored.kv_precision,
        static_scales=stored.static_scales,
    )
    return ModelArchitecture(
        id=_identifier(name),
        name=name,
        source="its config.json",
        checked=RULES_CHECKED,
        confidence=Confidence.CONFIRMED,
        note=note,
        family=_identifier(fields.model_type or "unknown"),
        hidden_size=hidden,
        vocabulary=fields.integer("vocab_size", "padded_vocab_size"),
        max_context=context,
        tied_embeddings=fields.flag("tie_word_embeddings", fields.model_type in TIED),
        layers=layers,
        extra_parameters=extra + _adapter_parameters(fields, layers, hidden),
        native_precision=stored.precision,
        quantised_parts=stored.parts if has_experts else "linear",
        parallel_block=_is_parallel(fields),
        checkpoints=(checkpoint,),
    )


def _with_defaults(config: Mapping[str, Any], name: str) -> Fields:
    """Return the fields with those filled in that the family's own code fills in."""
    fields = Fields(config, name)
    defaults = DEFAULTS.get(fields.model_type.removesuffix("_unified"))
    return fields.with_defaults(defaults) if defaults else fields


def _refuse_what_is_no_decoder(fields: Fields) -> None:
    kind = fields.model_type
    if kind in UNSUPPORTED:
        raise InputError(f"{quoted(fields.name)} is a {kind} model: {UNSUPPORTED[kind]}")
    if fields.value("compress_ratios"):
        raise InputError(f"{quoted(fields.name)} compresses its cache: {UNSUPPORTED['deepseek_v4']}")
    classes = " ".join(str(item) for item in fields.sequence("architectures") or ())
    is_other = kind in NOT_DECODERS or bool(fields.value("is_encoder_decoder"))
    if is_other or re.search(r"MaskedLM|SequenceClassification|TokenClassification|Seq2Seq", classes):
        called = f"a {kind} model" if kind else classes
        raise InputError(f"{quoted(fields.name)} is {called}, not a decoder language model, which is what is forecast")
    if not kind and not fields.value("num_hidden_layers", "n_layer", "num_layers", "n_layers"):
        raise InputError(
            f"the config of {quoted(fields.name)} describes no model: it has neither model_type nor num_hidden_layers; "
            "give the config.json of a language model"
        )


def _extra(fields: Fields, hidden: int, context: int) -> tuple[int, str]:
    """Return parameters outside the decoder's matrices, and what they are."""
    extra, notes = 0, []
    beyond = LEARNED_POSITIONS.get(fields.model_type)
    if beyond is not None:
        extra += (context + beyond) * hidden
        notes.append("learned positions")
    tower = fields.part("vision_config")
    width = tower.get("hidden_size") or tower.get("width") or tower.get("vt_hidden_size")
    depth = (
        tower.get("depth") or tower.get("num_hidden_layers") or tower.get("layers") or tower.get("vt_num_hidden_layers")
    )
    if isinstance(width, int) and isinstance(depth, int):
        inner = tower.get("intermediate_size") or tower.get("vt_intermediate_size") or 4 * width
        extra += depth * width * (4 * width + 2 * int(inner))
        notes.append("the vision tower, estimated from its width and depth")
    tables = fields.integer_or(0, "hidden_size_per_layer_input") * fields.integer_or(0, "vocab_size_per_layer_input")
    if tables:
        extra += tables * layer_count(fields)
        notes.append("the embeddings of each layer")
    note = f"Extra parameters: {', '.join(notes)}." if notes else ""
    return extra, note


def _adapter_parameters(fields: Fields, layers: tuple[LayerGroup, ...], hidden: int) -> int:
    """Return what latent attention with an output gate holds beside its matrices (Kimi K3)."""
    if not fields.flag("mla_use_output_gate", False):
        return 0
    gates = (
        group.count * group.attention.heads * group.attention.v_head_dim
        for group in layers
        if group.attention and group.attention.kind == "latent"
    )
    return hidden * sum(gates)


def _is_parallel(fields: Fields) -> bool:
    if fields.model_type == "falcon":
        return fields.flag("new_decoder_architecture", False) or fields.flag("parallel_attn", True)
    return fields.model_type in PARALLEL_BLOCK and fields.flag("use_parallel_residual", True)


def _identifier(name: str) -> str:
    cleaned = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")
    return cleaned or "model"
