"""What a config says that nobody read: fields that name a mechanism, and families that are not known.

A field is doubted when its name is that of a mechanism, its value switches it on, and nothing that made the dimensions
has asked for it. Where the KV cache or the experts depend on it, the model is refused; else the figures stand, with
the fields named and the parameters to compare with the model card.
"""

import re
from typing import Any

from catalogs.configs.fields import Fields

CACHE_OR_EXPERTS = re.compile(
    r"num_mem_blocks|compress_|.*kv_share|kv_sharing|share_kv|.*_kpool|cross_layer|cla_|yoco|layer_group_size"
    r"|num_loops|loop_|.*recurren|total_ut_steps|num_zero|cache_layers|o_groups|kv_group|hashed?_|num_hash"
    r"|(?!.*group)(?:n|num|moe_num)_.*experts?|(?!.*group).*experts?_(?:num|count|total|top_?k|per_tok)"
    r"|lru_|block_types|(?:attention|keep|local)_window"
)
"""Names of mechanisms on which the KV cache, the experts or how often a layer runs depend."""
OTHER = re.compile(
    r"(?:ple|ngram|n_gram|engram|hc|mhc|hyper|indexer|index|lora|altup|laurel|memory|mem|conv|mamba|ssm|gla|rwkv|retention"
    r"|residual_stream|dsa|nsa|moba|sinkhorn|adapter)_"
)
"""Beginnings of the names of mechanisms that add parameters or work."""
BESIDE_THE_POINT = re.compile(
    r"(?:.*_)?(?:dropout|bias|eps|act|dtype|init|theta|scale|scaling|norm|aux|coef|loss|range|id|token|path|version"
    r"|chunk_size|use_mem_rope|use_mamba_kernels|use_cache|rms|pattern|softcap|temperature)s?$"
)
"""Names that change neither parameters nor what is cached."""

KNOWN_FAMILIES = frozenset(
    """afmoe apertus aquila arcee arctic baichuan bailing_moe bailing_moe_v2 bloom chatglm codegen cohere cohere2
    dbrx deepseek deepseek_v2 deepseek_v3 deepseek_v32 dots1 ernie4_5 ernie4_5_moe exaone exaone4 exaone_moe
    falcon falcon_h1 gemma gemma2 gemma3 gemma3n gemma4 gemma4_unified glm glm4 glm4_moe glm4_moe_lite
    glm_moe_dsa gpt2 gpt_bigcode gpt_neo gpt_neox gpt_oss gptj granite granitemoe granitemoehybrid
    granitemoeshared grok hunyuan hunyuan_v1_dense hunyuan_v1_moe internlm internlm2 internlm3 internvl_chat
    jamba kimi_k2 kimi_k25 kimi_k3 kimi_linear lfm2 lfm2_moe llama llama4 longcat_flash mimo mimo_v2_flash
    minicpm minicpm3 minimax minimax_m1 minimax_m2 minimax_m3 minimax_m3_vl ministral3 mistral mistral3 mistral4
    mixtral mllama mpt nemotron nemotron_h nemotron_nas olmo olmo2 olmo3 olmoe opt orion persimmon phi phi3
    phimoe pixtral plamo qwen qwen2 qwen2_5_vl qwen2_moe qwen2_vl qwen3 qwen3_5 qwen3_5_moe qwen3_moe qwen3_next
    qwen3_vl qwen3_vl_moe seed_oss smollm3 solar stablelm starcoder2 step3 step3p5 step3p7 xverse yi""".split()
)
"""Model types whose configs were compared with published parameter counts, by the catalog's tests or its entries."""


def doubted_fields(fields: Fields) -> tuple[str, ...]:
    """Return the fields of the decoder that name a mechanism, are switched on, and that nothing has read."""
    return tuple(
        name
        for name, value in fields.text.items()
        if name not in fields.read
        and _switched_on(value)
        and not BESIDE_THE_POINT.match(name)
        and (CACHE_OR_EXPERTS.match(name) or OTHER.match(name))
    )


def decide_the_cache(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the fields on which the KV cache or the experts depend."""
    return tuple(name for name in names if CACHE_OR_EXPERTS.match(name))


def _switched_on(value: Any) -> bool:
    return value not in (None, False, 0, "", [], {}, -1) and not (isinstance(value, int | float) and value == 1)
