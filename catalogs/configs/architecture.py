"""A config.json → the dimensions of a model."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from msgspec import to_builtins

from catalogs.configs.dialects import DEFAULTS, LEARNED_POSITIONS, NOT_DECODERS, PARALLEL_BLOCK, TIED, UNSUPPORTED
from catalogs.configs.doubts import KNOWN_FAMILIES, decide_the_cache, doubted_fields
from catalogs.configs.fields import Fields
from catalogs.configs.kinds import layer_count
from catalogs.configs.layers import layer_groups
from catalogs.configs.modules import model_modules, stored_parts
from catalogs.configs.quantisation import plain_precision, quantisation_of
from catalogs.errors import InputError, listed, quoted
from catalogs.matrices import layer_matrices
from catalogs.records.facts import Confidence
from catalogs.records.models import UNKNOWN_PRECISION, Checkpoint, LatentAttention, LayerGroup, ModelArchitecture
from catalogs.records.validation import InvalidValues, record_of

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
        return record_of(ModelArchitecture, to_builtins(_architecture(fields, name)))
    except InvalidValues as error:
        first = error.faults[0]
        where = ".".join(part for part in first.place if isinstance(part, str))
        message = f"the config of {quoted(name)} makes {where or 'a layer'} {quoted(first.value)}: it {first.problem}"
        raise InputError(message) from error
    except (TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        raise InputError(f"the config of {quoted(name)} holds a field of the wrong kind: {error}") from error


def _architecture(fields: Fields, name: str) -> ModelArchitecture:
    hidden = fields.integer("hidden_size", "n_embd", "d_model")
    layers, order = layer_groups(fields)
    context = fields.integer(
        "max_position_embeddings",
        "n_positions",
        "seq_length",
        "max_seq_len",
        "n_ctx",
        "max_sequence_length",
        "model_max_length",
    )
    extra, note = _extra(fields, hidden, context)
    towers = _tower_parameters(fields.part("vision_config"), hidden)
    checkpoint = _checkpoint(fields, name, layers, order, hidden)
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
        tower_parameters=towers,
        extra_parameters=extra + towers + _adapter_parameters(fields, layers, hidden),
        native_precision=checkpoint.precision,
        quantised_parts="experts" if _experts_alone(checkpoint, layers) else "linear",
        parallel_block=_is_parallel(fields),
        mtp_layers=_mtp_layers(fields),
        mtp_repeats_ends=fields.model_type.startswith("deepseek"),
        doubts=_doubts(fields),
        checkpoints=(checkpoint,),
    )


def _doubts(fields: Fields) -> tuple[str, ...]:
    """Return what of a config may make the figures wrong.

    Raises InputError where nobody read a field on which the KV cache or the experts depend.
    """
    unread = doubted_fields(fields)
    if deciding := decide_the_cache(unread):
        raise InputError(
            f"the config of {quoted(fields.name)} has {listed(deciding)}, on which its KV cache or its experts depend "
            "and which is not read here: its dimensions can be given by flags (--layers, --kv-heads, --experts …)"
        )
    doubts = [f"its config has {listed(unread)}, which is not read here"] if unread else []
    if fields.model_type and fields.model_type not in KNOWN_FAMILIES:
        doubts.append(f"{fields.model_type} is not a family that is known here, and was read as a usual decoder")
    return tuple(doubts)


def _checkpoint(
    fields: Fields, name: str, layers: tuple[LayerGroup, ...], order: tuple[int, ...], hidden: int
) -> Checkpoint:
    """Return the checkpoint that a config describes: in which formats it stores which parts of the model."""
    found = quantisation_of(fields)
    plain = plain_precision(fields)
    if found.unread:
        return Checkpoint(repository=name, precision=UNKNOWN_PRECISION, source=found.unread)
    modules = model_modules(
        layers,
        order,
        hidden,
        dense_beside_experts=fields.flag("enable_moe_block", False),
        has_mtp=bool(_mtp_layers(fields)),
    )
    stored = stored_parts(modules, found) if found.rules else None
    if stored is None:
        return Checkpoint(repository=name, precision=plain, kv_precision=found.kv_precision)
    return Checkpoint(
        repository=name,
        precision=stored.main.precision,
        bits=stored.main.bits,
        block=found.block,
        group=found.group,
        formats=dict(stored.formats),
        part_bits=dict(stored.part_bits),
        wide=dict(stored.wide),
        kv_precision=found.kv_precision,
        static_scales=found.static_scales,
    )


def _mtp_layers(fields: Fields) -> int:
    return fields.integer_or(0, "num_nextn_predict_layers", "mtp_num_hidden_layers", "num_mtp_layers")


def _experts_alone(checkpoint: Checkpoint, layers: tuple[LayerGroup, ...]) -> bool:
    """Return whether of a mixture the routed experts alone are quantised."""
    roles = {matrix.role for group in layers for matrix in layer_matrices(group, 1)} - {"router"}
    return "expert" in roles and all(checkpoint.wide.get(role, 0.0) > 0.5 for role in roles - {"expert"})


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
    if _tower_parameters(fields.part("vision_config"), hidden):
        notes.append("the vision tower, estimated from its width and depth")
    tables = fields.integer_or(0, "hidden_size_per_layer_input") * fields.integer_or(0, "vocab_size_per_layer_input")
    if tables:
        extra += tables * layer_count(fields)
        notes.append("the embeddings of each layer")
    note = f"Extra parameters: {', '.join(notes)}." if notes else ""
    return extra, note


def _tower_parameters(tower: Mapping[str, Any], hidden: int) -> int:
    """Return the parameters of a vision tower: its layers, positions and patches, and what merges patches for the text.

    Qwen merges squares of patches by a two-layer block (also for each layer whose output it stacks), Kimi likewise.
    """
    width = tower.get("hidden_size") or tower.get("width") or tower.get("vt_hidden_size")
    depth = (
        tower.get("depth") or tower.get("num_hidden_layers") or tower.get("layers") or tower.get("vt_num_hidden_layers")
    )
    if not isinstance(width, int) or not isinstance(depth, int):
        return 0
    inner = tower.get("intermediate_size") or tower.get("vt_intermediate_size") or 4 * width
    layers = depth * width * (4 * width + 2 * int(inner))
    positions = tower.get("num_position_embeddings") or int(tower.get("init_pos_emb_height") or 0) ** 2
    channels = int(tower.get("in_channels") or 3) * int(tower.get("temporal_patch_size") or 1)
    side = tower.get("patch_size") or 0
    patches = channels * int(side[0] if isinstance(side, list) else side) ** 2
    side = tower.get("spatial_merge_size") or (tower.get("merge_kernel_size") or (0,))[0]
    merged = int(side) ** 2 * width
    mergers = 1 + len(tower.get("deepstack_visual_indexes") or ())
    out = int(tower.get("out_hidden_size") or tower.get("text_hidden_size") or hidden)
    return layers + width * (int(positions) + patches) + mergers * merged * (merged + out)


def _adapter_parameters(fields: Fields, layers: tuple[LayerGroup, ...], hidden: int) -> int:
    """Return what latent attention with an output gate holds beside its matrices (Kimi K3)."""
    if not fields.flag("mla_use_output_gate", False):
        return 0
    gates = (
        group.count * group.attention.heads * group.attention.v_head_dim
        for group in layers
        if isinstance(group.attention, LatentAttention)
    )
    return hidden * sum(gates)


def _is_parallel(fields: Fields) -> bool:
    if fields.model_type == "falcon":
        return fields.flag("new_decoder_architecture", False) or fields.flag("parallel_attn", True)
    return fields.model_type in PARALLEL_BLOCK and fields.flag("use_parallel_residual", True)


def _identifier(name: str) -> str:
    cleaned = re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")
    return cleaned or "model"
