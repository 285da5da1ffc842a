"""Popular repositories of the Hugging Face hub lead to their architecture, in the precision that they store."""

import pytest

from catalogs.catalog import Catalog
from catalogs.errors import InputError, UnknownName
from tests.every import of_every

CATALOG = Catalog.load()

PUBLISHED = """
    Qwen/Qwen3-Embedding-8B qwen3-8b bf16
    mistralai/Mistral-Large-Instruct-2407 mistral-large-2411 bf16
    google/gemma-3n-E4B-it gemma-3n-e4b bf16
    CohereForAI/c4ai-command-r-plus-08-2024 command-r-plus bf16
    CohereLabs/command-a-03-2025 command-a bf16
    CohereLabs/c4ai-command-r-08-2024 command-r-08-2024 bf16
    ibm-granite/granite-3.1-8b-instruct granite-3.1-8b bf16
    ibm-granite/granite-3.0-8b-instruct granite-3.0-8b bf16
    ibm-granite/granite-3.2-8b-instruct granite-3.1-8b bf16
    meta-llama/Llama-3.2-90B-Vision-Instruct llama-3.2-90b-vision bf16
    meta-llama/Llama-3.2-11B-Vision-Instruct llama-3.2-11b-vision bf16
    deepseek-ai/DeepSeek-V3.2-Speciale deepseek-v3.2 fp8
    deepseek-ai/DeepSeek-V2.5-1210 deepseek-v2.5 bf16
    stepfun-ai/step3 step3-321b bf16
    baidu/ERNIE-4.5-300B-A47B-PT ernie-4.5-300b-a47b bf16
    inclusionAI/Ring-flash-2.0 ling-flash-2.0 bf16
    inclusionAI/Ring-mini-2.0 ling-mini-2.0 bf16
    inclusionAI/Ring-1T ling-1t bf16
    xai-org/grok-2 grok-2 bf16
    Snowflake/snowflake-arctic-instruct snowflake-arctic-480b bf16
    mosaicml/mpt-30b mpt-30b bf16
    mosaicml/mpt-7b mpt-7b bf16
    lmsys/vicuna-13b-v1.5 llama-2-13b fp16
    lmsys/vicuna-7b-v1.5 llama-2-7b fp16
    lmsys/vicuna-33b-v1.3 llama-30b fp16
    HuggingFaceH4/zephyr-7b-beta mistral-7b-v0.1 bf16
    THUDM/chatglm3-6b chatglm3-6b fp16
    THUDM/chatglm2-6b chatglm3-6b fp16
    THUDM/GLM-Z1-32B-0414 glm-4-32b-0414 bf16
    zai-org/GLM-4.5V glm-4.5v bf16
    zai-org/GLM-4.6V glm-4.6v bf16
    baichuan-inc/Baichuan2-13B-Chat baichuan2-13b bf16
    stabilityai/stablelm-2-12b stablelm-2-12b bf16
    stabilityai/stablelm-2-1_6b stablelm-2-1.6b bf16
    ai21labs/AI21-Jamba-1.5-Mini jamba-1.5-mini bf16
    ai21labs/AI21-Jamba-1.5-Large jamba-1.5-large bf16
    ai21labs/AI21-Jamba-Mini-1.7 jamba-1.5-mini bf16
    state-spaces/mamba-2.8b mamba-2.8b fp32
    mistralai/Mamba-Codestral-7B-v0.1 mamba-codestral-7b bf16
    mistralai/Devstral-Small-2505 devstral-small-24b bf16
    mistralai/Devstral-2-123B-Instruct-2512 devstral-2-123b fp8
    mistralai/Magistral-Small-2506 magistral-small-24b bf16
    mistralai/Magistral-Small-2509 mistral-small-3.1-24b bf16
    mistralai/Mistral-Small-3.2-24B-Instruct-2506 mistral-small-3.1-24b bf16
    mistralai/Mistral-Small-Instruct-2409 mistral-small-22b bf16
    mistralai/Pixtral-Large-Instruct-2411 pixtral-large-124b bf16
    Qwen/Qwen2.5-VL-72B-Instruct qwen2.5-vl-72b bf16
    Qwen/Qwen2.5-VL-7B-Instruct qwen2.5-vl-7b bf16
    Qwen/Qwen2.5-VL-72B-Instruct-AWQ qwen2.5-vl-72b int4
    Qwen/QVQ-72B-Preview qwen2-vl-72b bf16
    Qwen/Qwen2-57B-A14B-Instruct qwen2-57b-a14b bf16
    Qwen/Qwen2.5-7B-Instruct-1M qwen2.5-7b-1m bf16
    Qwen/Qwen2.5-Coder-1.5B-Instruct qwen2.5-1.5b bf16
    Qwen/Qwen1.5-110B-Chat qwen1.5-110b bf16
    arcee-ai/Trinity-Mini trinity-mini-26b-a3b bf16
    arcee-ai/Trinity-Large-Preview trinity-large-400b-a13b bf16
    google/gemma-3-270m-it gemma-3-270m bf16
    google/medgemma-27b-text-it gemma-3-27b bf16
    microsoft/Phi-4-multimodal-instruct phi-4-multimodal bf16
    microsoft/Phi-4-reasoning-plus phi-4-reasoning bf16
    microsoft/Phi-3-mini-128k-instruct phi-3.5-mini bf16
    nvidia/Llama-3_3-Nemotron-Super-49B-v1_5 nemotron-super-49b bf16
    nvidia/Nemotron-4-340B-Instruct nemotron-4-340b bf16
    nvidia/NVIDIA-Nemotron-Nano-12B-v2 nemotron-nano-12b-v2 bf16
    nvidia/NVIDIA-Nemotron-3-Nano-4B-BF16 nemotron-3-nano-4b bf16
    allenai/Olmo-3.1-32B-Instruct olmo-3-32b bf16
    allenai/OLMo-2-0425-1B-Instruct olmo-2-1b bf16
    LGAI-EXAONE/EXAONE-3.5-32B-Instruct exaone-3.5-32b bf16
    LGAI-EXAONE/EXAONE-Deep-32B exaone-3.5-32b bf16
    tencent/Hunyuan-7B-Instruct hunyuan-7b bf16
    LiquidAI/LFM2-1.2B lfm2-1.2b bf16
    LiquidAI/LFM2-24B-A2B lfm2-24b-a2b bf16
    moonshotai/Kimi-Dev-72B qwen2.5-72b bf16
    moonshotai/Kimi-VL-A3B-Instruct kimi-vl-a3b bf16
    OpenGVLab/InternVL3-78B internvl3-78b bf16
    internlm/Intern-S1 intern-s1-241b bf16
    llava-hf/llava-1.5-7b-hf llava-1.5-7b fp16
    NousResearch/Hermes-3-Llama-3.1-70B llama-3.1-70b bf16
    NousResearch/Hermes-4-405B llama-3.1-405b bf16
    NousResearch/Hermes-4-14B qwen3-14b bf16
    bigcode/starcoder starcoder-15.5b bf16
    utter-project/EuroLLM-22B-Instruct-2512 eurollm-22b bf16
    PrimeIntellect/INTELLECT-3 glm-4.5-air bf16
    sarvamai/sarvam-105b sarvam-105b bf16
    meituan-longcat/LongCat-Flash-Chat longcat-flash-560b bf16
    openai/gpt-oss-safeguard-120b gpt-oss-120b mxfp4
    zai-org/GLM-5.3-Flash glm-5.3-flash fp8
    poolside/Laguna-XS-2.1 laguna-xs-33b bf16
    thinkingmachines/Inkling-NVFP4 inkling-952b nvfp4
    CohereLabs/command-a-plus-05-2026-fp8 command-a-plus-219b fp8
    ornith-ai/Ornith-1.5-35B-A3B qwen3.5-35b-a3b bf16
    allenai/olmOCR-2-7B-1025-FP8 qwen2.5-vl-7b fp8
"""
"""Repositories of those who trained them: the entry, the precision."""

QUANTISED = """
    TheBloke/Mixtral-8x7B-Instruct-v0.1-GPTQ mixtral-8x7b int4
    TheBloke/Mistral-7B-Instruct-v0.2-AWQ mistral-7b-v0.2 int4
    TheBloke/Mistral-7B-Instruct-v0.1-GGUF mistral-7b-v0.1 q4_k_m
    TheBloke/Llama-2-7B-Chat-GGUF llama-2-7b q4_k_m
    TheBloke/CodeLlama-34B-Instruct-GPTQ codellama-34b int4
    TheBloke/zephyr-7B-beta-AWQ mistral-7b-v0.1 int4
    TheBloke/vicuna-13B-v1.5-GPTQ llama-2-13b int4
    TheBloke/Yi-34B-Chat-AWQ yi-34b int4
    TheBloke/deepseek-coder-33B-instruct-AWQ deepseek-coder-33b int4
    TheBloke/SOLAR-10.7B-Instruct-v1.0-AWQ solar-10.7b int4
    TheBloke/OpenHermes-2.5-Mistral-7B-AWQ mistral-7b-v0.1 int4
    TheBloke/phi-2-GGUF phi-2 q4_k_m
    nvidia/Qwen3-Next-80B-A3B-Instruct-NVFP4 qwen3-next-80b-a3b nvfp4
    nvidia/Qwen3-8B-FP8 qwen3-8b fp8
    nvidia/Qwen2.5-VL-7B-Instruct-FP4 qwen2.5-vl-7b nvfp4
    nvidia/Kimi-K2-Thinking-NVFP4 kimi-k2-thinking nvfp4
    nvidia/DeepSeek-R1-0528-NVFP4-v2 deepseek-r1-0528 nvfp4
    nvidia/Phi-4-multimodal-instruct-FP8 phi-4-multimodal fp8
    nvidia/Phi-4-reasoning-plus-NVFP4 phi-4-reasoning nvfp4
    nvidia/Llama-4-Scout-17B-16E-Instruct-FP4 llama-4-scout nvfp4
    unsloth/Kimi-K2-Instruct-GGUF kimi-k2 q4_k_m
    cognitivecomputations/dolphin-2.9-llama3-8b llama-3-8b bf16
    Intel/neural-chat-7b-v3-3 mistral-7b-v0.1 bf16
    unsloth/gpt-oss-20b-GGUF gpt-oss-20b mxfp4
    unsloth/gpt-oss-120b-bnb-4bit gpt-oss-120b nf4
    amd/gpt-oss-120b-w-mxfp4-a-fp8 gpt-oss-120b mxfp4
    amd/Llama-3.1-405B-Instruct-FP8-KV llama-3.1-405b fp8
    amd/Llama-3.3-70B-Instruct-MXFP4-Preview llama-3.3-70b mxfp4
    amd/DeepSeek-R1-MXFP4-Preview deepseek-r1 mxfp4
    amd/DeepSeek-R1-0528-MXFP4 deepseek-r1-0528 mxfp4
    amd/Kimi-K2-Instruct-0905-MXFP4 kimi-k2-0905 mxfp4
    amd/Qwen3-235B-A22B-Instruct-2507-MXFP4 qwen3-235b-a22b-2507 mxfp4
    amd/Mixtral-8x7B-Instruct-v0.1-FP8-KV mixtral-8x7b fp8
    amd/Mixtral-8x22B-Instruct-v0.1-FP8-KV mixtral-8x22b fp8
    RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic llama-3.3-70b fp8
    RedHatAI/Llama-3.3-70B-Instruct-quantized.w4a16 llama-3.3-70b int4
    RedHatAI/Llama-3.3-70B-Instruct-quantized.w8a8 llama-3.3-70b int8
    RedHatAI/Llama-3.3-70B-Instruct-NVFP4 llama-3.3-70b nvfp4
    RedHatAI/Meta-Llama-3.1-405B-Instruct-FP8 llama-3.1-405b fp8
    RedHatAI/Qwen2.5-VL-72B-Instruct-quantized.w4a16 qwen2.5-vl-72b int4
    RedHatAI/Qwen2.5-VL-72B-Instruct-FP8-dynamic qwen2.5-vl-72b fp8
    RedHatAI/Qwen3-235B-A22B-FP8-dynamic qwen3-235b-a22b fp8
    RedHatAI/Qwen3-32B-NVFP4 qwen3-32b nvfp4
    RedHatAI/Qwen3-30B-A3B-quantized.w4a16 qwen3-30b-a3b int4
    RedHatAI/Mistral-Small-3.2-24B-Instruct-2506-FP8 mistral-small-3.1-24b fp8
    RedHatAI/Mistral-Small-3.1-24B-Instruct-2503-quantized.w8a8 mistral-small-3.1-24b int8
    RedHatAI/Devstral-Small-2507-FP8-Dynamic devstral-small-24b fp8
    RedHatAI/Llama-4-Scout-17B-16E-Instruct-quantized.w4a16 llama-4-scout int4
    RedHatAI/Llama-4-Maverick-17B-128E-Instruct-FP8 llama-4-maverick fp8
    RedHatAI/gemma-3-27b-it-quantized.w4a16 gemma-3-27b int4
    RedHatAI/gemma-2-9b-it-FP8 gemma-2-9b fp8
    RedHatAI/gemma-3n-E4B-it-FP8-dynamic gemma-3n-e4b fp8
    RedHatAI/phi-4-quantized.w4a16 phi-4 int4
    RedHatAI/phi-4-FP8-dynamic phi-4 fp8
    RedHatAI/Phi-3-medium-128k-instruct-FP8 phi-3-medium fp8
    RedHatAI/granite-3.1-8b-instruct-quantized.w4a16 granite-3.1-8b int4
    RedHatAI/granite-3.1-8b-instruct-FP8-dynamic granite-3.1-8b fp8
    RedHatAI/Mixtral-8x7B-Instruct-v0.1-FP8 mixtral-8x7b fp8
    RedHatAI/Mixtral-8x22B-Instruct-v0.1-FP8 mixtral-8x22b fp8
    RedHatAI/Kimi-K2-Instruct-quantized.w4a16 kimi-k2 int4
    RedHatAI/gpt-oss-120b gpt-oss-120b mxfp4
    RedHatAI/Llama-3.2-90B-Vision-Instruct-FP8-dynamic llama-3.2-90b-vision fp8
    RedHatAI/Llama-3.2-11B-Vision-Instruct-FP8-dynamic llama-3.2-11b-vision fp8
    RedHatAI/Llama-3.2-3B-Instruct-FP8-dynamic llama-3.2-3b fp8
    RedHatAI/Llama-3.2-1B-Instruct-FP8 llama-3.2-1b fp8
    RedHatAI/SmolLM3-3B-FP8-dynamic smollm3-3b fp8
    RedHatAI/pixtral-12b-FP8-dynamic pixtral-12b fp8
    RedHatAI/NVIDIA-Nemotron-Nano-9B-v2-FP8-dynamic nemotron-nano-9b-v2 fp8
    neuralmagic/Meta-Llama-3.1-70B-Instruct-FP8 llama-3.1-70b fp8
    neuralmagic/Meta-Llama-3.1-8B-Instruct-quantized.w4a16 llama-3.1-8b int4
    neuralmagic/Mistral-Nemo-Instruct-2407-FP8 mistral-nemo-12b fp8
    neuralmagic/DeepSeek-Coder-V2-Lite-Instruct-FP8 deepseek-coder-v2-lite fp8
    neuralmagic/Qwen2-72B-Instruct-FP8 qwen2-72b fp8
    neuralmagic/Mistral-7B-Instruct-v0.3-GPTQ-4bit mistral-7b-v0.3 int4
    neuralmagic/Llama-2-7b-chat-quantized.w8a8 llama-2-7b int8
    nm-testing/Qwen3-8B-FP8-dynamic qwen3-8b fp8
    hugging-quants/Meta-Llama-3.1-70B-Instruct-AWQ-INT4 llama-3.1-70b int4
    hugging-quants/Meta-Llama-3.1-8B-Instruct-GPTQ-INT4 llama-3.1-8b int4
    hugging-quants/Meta-Llama-3.1-405B-Instruct-AWQ-INT4 llama-3.1-405b int4
    hugging-quants/Meta-Llama-3.1-8B-Instruct-BNB-NF4 llama-3.1-8b nf4
    hugging-quants/Llama-3.2-3B-Instruct-Q8_0-GGUF llama-3.2-3b q8_0
    casperhansen/llama-3.3-70b-instruct-awq llama-3.3-70b int4
    casperhansen/mistral-nemo-instruct-2407-awq mistral-nemo-12b int4
    casperhansen/deepseek-r1-distill-llama-70b-awq deepseek-r1-distill-llama-70b int4
    cpatonn/Qwen3-Next-80B-A3B-Instruct-AWQ-4bit qwen3-next-80b-a3b int4
    QuantTrio/Qwen3-235B-A22B-Instruct-2507-AWQ qwen3-235b-a22b-2507 int4
    QuantTrio/GLM-4.6-AWQ glm-4.6 int4
    cyankiwi/GLM-4.5-Air-AWQ-4bit glm-4.5-air int4
    cognitivecomputations/DeepSeek-R1-AWQ deepseek-r1 int4
    cognitivecomputations/DeepSeek-V3-0324-AWQ deepseek-v3-0324 int4
    stelterlab/Mistral-Small-24B-Instruct-2501-AWQ mistral-small-24b int4
    ISTA-DASLab/gemma-3-27b-it-GPTQ-4b-128g gemma-3-27b int4
    OPEA/Qwen2.5-72B-Instruct-int4-sym-inc qwen2.5-72b int4
    Intel/DeepSeek-R1-0528-int4-AutoRound deepseek-r1-0528 int4
    Intel/Qwen3-30B-A3B-Instruct-2507-int4-AutoRound qwen3-30b-a3b-2507 int4
    gaunernst/gemma-3-27b-it-int4-awq gemma-3-27b int4
    solidrust/Codestral-22B-v0.1-hf-AWQ codestral-22b int4
    unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit llama-3.1-8b nf4
    unsloth/Llama-3.3-70B-Instruct-GGUF llama-3.3-70b q4_k_m
    unsloth/Llama-3.2-3B-Instruct llama-3.2-3b bf16
    unsloth/Qwen3-30B-A3B-Instruct-2507-GGUF qwen3-30b-a3b-2507 q4_k_m
    unsloth/Qwen3-Coder-480B-A35B-Instruct-1M-GGUF qwen3-coder-480b-a35b q4_k_m
    unsloth/Qwen3-Coder-Next-GGUF qwen3-coder-next-80b-a3b q4_k_m
    unsloth/Qwen3.5-35B-A3B-GGUF qwen3.5-35b-a3b q4_k_m
    unsloth/DeepSeek-R1-GGUF deepseek-r1 q4_k_m
    unsloth/DeepSeek-V3.1-GGUF deepseek-v3.1 q4_k_m
    unsloth/DeepSeek-R1-0528-Qwen3-8B-GGUF deepseek-r1-0528-qwen3-8b q4_k_m
    unsloth/DeepSeek-R1-Distill-Llama-8B-unsloth-bnb-4bit deepseek-r1-distill-llama-8b nf4
    unsloth/gemma-3-27b-it-GGUF gemma-3-27b q4_k_m
    unsloth/gemma-3n-E4B-it-GGUF gemma-3n-e4b q4_k_m
    unsloth/Mistral-Small-3.2-24B-Instruct-2506-GGUF mistral-small-3.1-24b q4_k_m
    unsloth/Devstral-Small-2507-GGUF devstral-small-24b q4_k_m
    unsloth/Magistral-Small-2509-GGUF mistral-small-3.1-24b q4_k_m
    unsloth/GLM-4.5-Air-GGUF glm-4.5-air q4_k_m
    unsloth/GLM-4.6-GGUF glm-4.6 q4_k_m
    unsloth/GLM-4.7-Flash-GGUF glm-4.7-flash q4_k_m
    unsloth/MiniMax-M2-GGUF minimax-m2 q4_k_m
    unsloth/Phi-4-mini-instruct-GGUF phi-4-mini q4_k_m
    unsloth/phi-4-unsloth-bnb-4bit phi-4 nf4
    unsloth/Llama-4-Scout-17B-16E-Instruct-GGUF llama-4-scout q4_k_m
    unsloth/Llama-4-Scout-17B-16E-Instruct-unsloth-dynamic-bnb-4bit llama-4-scout nf4
    unsloth/Qwen2.5-VL-7B-Instruct-GGUF qwen2.5-vl-7b q4_k_m
    unsloth/Qwen3-VL-30B-A3B-Instruct-GGUF qwen3-vl-30b-a3b q4_k_m
    bartowski/Meta-Llama-3.1-8B-Instruct-GGUF llama-3.1-8b q4_k_m
    bartowski/Llama-3.3-70B-Instruct-GGUF llama-3.3-70b q4_k_m
    bartowski/Qwen2.5-Coder-32B-Instruct-GGUF qwen2.5-coder-32b q4_k_m
    bartowski/Qwen_Qwen3-32B-GGUF qwen3-32b q4_k_m
    bartowski/Mistral-Small-24B-Instruct-2501-GGUF mistral-small-24b q4_k_m
    bartowski/mistralai_Mistral-Small-3.2-24B-Instruct-2506-GGUF mistral-small-3.1-24b q4_k_m
    bartowski/google_gemma-3-27b-it-GGUF gemma-3-27b q4_k_m
    bartowski/gemma-2-27b-it-GGUF gemma-2-27b q4_k_m
    bartowski/Codestral-22B-v0.1-GGUF codestral-22b q4_k_m
    bartowski/Mistral-Large-Instruct-2407-GGUF mistral-large-2411 q4_k_m
    bartowski/c4ai-command-r-plus-08-2024-GGUF command-r-plus q4_k_m
    bartowski/DeepSeek-Coder-V2-Lite-Instruct-GGUF deepseek-coder-v2-lite q4_k_m
    bartowski/Llama-3.1-Nemotron-70B-Instruct-HF-GGUF llama-3.1-nemotron-70b q4_k_m
    bartowski/nvidia_Llama-3_3-Nemotron-Super-49B-v1-GGUF nemotron-super-49b q4_k_m
    bartowski/QwQ-32B-GGUF qwq-32b q4_k_m
    bartowski/microsoft_Phi-4-reasoning-plus-GGUF phi-4-reasoning q4_k_m
    lmstudio-community/Qwen3-Coder-30B-A3B-Instruct-GGUF qwen3-coder-30b-a3b q4_k_m
    lmstudio-community/gpt-oss-20b-GGUF gpt-oss-20b mxfp4
    ggml-org/gemma-3-12b-it-GGUF gemma-3-12b q4_k_m
    mlx-community/Qwen3-30B-A3B-4bit qwen3-30b-a3b int4
    mlx-community/Llama-3.3-70B-Instruct-4bit llama-3.3-70b int4
    mlx-community/gpt-oss-120b-MXFP4-Q8 gpt-oss-120b mxfp4
    mlx-community/Mistral-7B-Instruct-v0.3-4bit mistral-7b-v0.3 int4
"""
"""Copies in other precisions, by those who publish many; most of them stand in no entry."""


def lines(table: str) -> list[list[str]]:
    return [line.split() for line in table.strip().splitlines()]


@of_every([*lines(PUBLISHED), *lines(QUANTISED)])
def test_a_popular_repository_is_known(repository: str, model: str, precision: str) -> None:
    resolved = CATALOG.model(repository)
    assert (resolved.model.id, resolved.precision) == (model, precision)


@pytest.mark.parametrize(
    "repository",
    [
        "nvidia/Minitron-8B-Base",  # pruned from another model than Mistral NeMo Minitron
        "Qwen/Qwen-72B-Chat",  # the first Qwen, not Qwen1.5
        "tencent/Tencent-Hunyuan-Large",
    ],
)
def test_what_is_something_else_is_not_taken_for_a_relative(repository: str) -> None:
    with pytest.raises(UnknownName):
        CATALOG.model(repository)


SECOND_HALF_OF_2026 = """
    meta-models/Muse-Glimmer-30B muse-glimmer-30b bf16
    meta-models/Muse-Spark-Open-816B-A42B muse-spark-816b bf16
    swiss-ai/Apertus-v1.5-70B apertus-1.5-70b bf16
    google/gemma-4-12B-it-qat-w4a16-ct gemma-4-12b int4
    google/gemma-4-31B-it-qat-w4a16-ct gemma-4-31b int4
    XiaomiMiMo/MiMo-V2.6-Pro-RL mimo-v2.6-pro mxfp4
    XiaomiMiMo/MiMo-V2.6-Flash-MOPD mimo-v2.6-flash mxfp4
    poolside/Laguna-M.1 laguna-m-225b bf16
    skt/A.X-K2 a.x-k2 bf16
    ibm-granite/granite-4.2-3b granite-4.2-3b bf16
    Inferact/Qwen3.8-2.4T-A95B-MXFP4 qwen3.8-2.4t-a95b mxfp4
    tencent/Hy4-preview hy4-770b bf16
    tencent/Hy4-preview-FP8 hy4-770b mxfp8
    LiquidAI/LFM2.5-8B-A1B lfm2.5-8b-a1b bf16
    LiquidAI/LFM3-1.7B lfm3-1.7b bf16
    JetBrains/Mellum2-12B-A2.5B-Thinking mellum2-12b-a2.5b bf16
    inclusionAI/Ling-3.0-flash ling-3.0-flash bf16
    inclusionAI/Ling-2.6-1T ling-2.6-1t bf16
    CohereLabs/North-Mini-Code-1.0 north-mini-code-30b bf16
    LGAI-EXAONE/K-EXAONE-2.0-750B-A37B k-exaone-2.0-750b-a37b bf16
    internlm/Intern-S2-Mobius intern-s2-mobius-324b bf16
    IQuestLab/IQuest-Q1 iquest-q1-320b bf16
    IFM/K2-Horizon-375B-A23B k2-horizon-375b-a23b bf16
    yandex/AliceAI-Foundation-80B-A3B-Base aliceai-foundation-80b-a3b bf16
    Aleph-Alpha/Kolibri-1 kolibri-1-78b bf16
    mistralai/Mistral-Large-4-1T-A52B mistral-large-4-1t bf16
    reflection/Beam-1.0-501B-A23B beam-1.0-501b-a23b bf16
    thinkingmachines/Inkling-Small inkling-small-276b bf16
    microsoft/Phi-3-medium-4k-instruct phi-3-medium-4k bf16
    somebody/Qwen3-32B-MXFP8 qwen3-32b mxfp8
    amd/Qwen3-32B-Quark-MXFP4 qwen3-32b mxfp4
    mlx-community/Qwen3-32B-MLX-4bit qwen3-32b int4
    somebody/Qwen3-32B-NVFP4-Fast qwen3-32b nvfp4
    somebody/Qwen3-32B-w8a8-llmcompressor qwen3-32b int8
"""


@of_every(lines(SECOND_HALF_OF_2026))
def test_models_of_the_second_half_of_2026_lead_to_their_architecture(
    repository: str, model: str, precision: str
) -> None:
    resolved = CATALOG.model(repository)
    assert (resolved.model.id, resolved.precision) == (model, precision)


UNSUPPORTED = """
    deepseek-ai/DeepSeek-V4-Flash compressed
    deepseek-ai/DeepSeek-V4-Flash-0731 compressed
    nvidia/DeepSeek-V4-Pro-NVFP4 compressed
    DeepSeek-V4 compressed
    deepseek-ai/DeepSeek-V4.1-Flash encoder
    RadixArk/Qwen3.8-Flash-Next-NVFP4 n-gram
    dots-studio/dots3-note-prev window
    google/diffusiongemma-26B-A4B-it diffusion
    thinkingmachines/Inkling-2-Small-MXFP8 blocks
    meituan-longcat/LongCat-2.0-FP8 experts
    stepfun-ai/Step-5 dimensions
"""


@of_every(lines(UNSUPPORTED))
def test_a_model_that_cannot_be_modelled_is_refused_by_name(repository: str, why: str) -> None:
    with pytest.raises(InputError, match=why) as refused:
        CATALOG.model(repository)
    assert not isinstance(refused.value, UnknownName)
    assert "cannot be modelled: " in str(refused.value)


@pytest.mark.parametrize("name", ["DeepSeek-V40", "Qwen3.8-Flash", "Step-50"])
def test_a_name_that_only_begins_alike_is_unknown(name: str) -> None:
    with pytest.raises(UnknownName):
        CATALOG.model(name)
