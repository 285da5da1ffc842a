"""What a model family leaves unsaid in its config.json, because its own code says it.

Read in transformers 5.23 (`models/*/configuration_*.py`) on 2026-11-21.
"""

from typing import Any

TIED = frozenset(
    "bloom cohere cohere2 ernie4_5 ernie4_5_moe falcon gemma gemma2 gemma3 gemma3n gemma4 gemma4_unified gpt2 "
    "gpt_bigcode gpt_neo lfm2 lfm2_moe mpt opt smollm3 starcoder2".split()
)
"""Families whose LM head is the token embedding unless the config says otherwise."""

PLAIN_MLP = frozenset(
    "apertus arcee bloom codegen falcon gpt2 gpt_bigcode gpt_neo gpt_neox gptj mpt nemotron nemotron_h opt persimmon "
    "phi starcoder2".split()
)
"""Families whose feed-forward block has two matrices, no gate."""

PARALLEL_BLOCK = frozenset("codegen cohere cohere2 falcon gpt_neox gptj phi".split())
"""Families whose attention and feed-forward block read the same input, one all-reduce for both."""

LEARNED_POSITIONS = {"gpt2": 0, "gpt_bigcode": 0, "gpt_neo": 0, "opt": 2}
"""Families with a table of learned positions, and its rows beyond the context."""

NOT_DECODERS = frozenset(
    "albert bart bert clip convnext deberta deberta_v2 dinov2 distilbert electra marian mbart modernbert mt5 "
    "nomic_bert pegasus roberta siglip speecht5 swin t5 umt5 vit wav2vec2 whisper xlm_roberta".split()
)

_BY_DIFFUSION = "it decodes whole blocks by diffusion, and every forecast here is of one token a step"

UNSUPPORTED = {
    **dict.fromkeys("diffusion_gemma dream llada llada2_moe llada_moe sdar sdar_moe".split(), _BY_DIFFUSION),
    "deepseek_v4": "its compressed attention caches a share of the tokens, which no layer kind here describes",
    "mamba": "a pure Mamba model has no dimensions in common with a decoder's",
    "rwkv": "its recurrent layers are not among the kinds described here",
}

DEFAULTS: dict[str, dict[str, Any]] = {
    "cohere2": {"sliding_window": 4096, "sliding_window_pattern": 4},
    "ernie4_5_moe": {"moe_layer_start_index": 1, "moe_num_shared_experts": 2},
    "exaone4": {"sliding_window_pattern": 4},
    "exaone_moe": {"sliding_window_pattern": 4},
    "gemma": {"head_dim": 256},
    "gemma2": {"head_dim": 256, "sliding_window": 4096, "sliding_window_pattern": 2},
    "gemma3": {
        "head_dim": 256,
        "num_attention_heads": 8,
        "num_key_value_heads": 4,
        "sliding_window": 4096,
        "sliding_window_pattern": 6,
        "vocab_size": 262_208,
        "max_position_embeddings": 131_072,
    },
    "gemma4": {"global_head_dim": 512, "sliding_window_pattern": 6},
    "gpt_oss": {"sliding_window_pattern": 2},
    "kimi_linear": {"first_k_dense_replace": 1},
    "lfm2": {"conv_L_cache": 3},
    "lfm2_moe": {"conv_L_cache": 3, "num_dense_layers": 2},
    "llama4": {
        "attention_chunk_size": 8192,
        "interleave_moe_layer_step": 1,
        "no_rope_layer_interval": 4,
        "n_shared_experts": 1,
    },
    "olmo3": {"sliding_window_pattern": 4},
    "qwen3_5": {"full_attention_interval": 4, "attn_output_gate": True},
    "qwen3_5_moe": {"full_attention_interval": 4, "attn_output_gate": True},
    "qwen3_next": {"full_attention_interval": 4, "attn_output_gate": True},
}
"""Fields that a family's code fills in where its config leaves them out."""
