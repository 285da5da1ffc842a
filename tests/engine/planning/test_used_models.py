"""Of the models that are used most: their publisher's own weights, and for each usual precision a checkpoint or the way
to one.

The list is a judgement by downloads on the Hugging Face hub and by what serving recipes are kept for, November 2026.
"""

import pytest

from engine.planning.served_weights import served_weights
from engine.question.releases import SIXTEEN_BITS, same_release
from engine.question.resolve import Question, resolve
from engine.workload import spec_from
from tests.engine.asked import CATALOG
from tests.every import of_every

USED = """
llama-3.1-8b llama-3.1-70b llama-3.1-405b llama-3.3-70b llama-3.2-1b llama-3.2-3b llama-3.2-11b-vision llama-4-scout
llama-4-maverick qwen2.5-0.5b qwen2.5-1.5b qwen2.5-3b qwen2.5-7b qwen2.5-14b qwen2.5-32b qwen2.5-72b qwen2.5-coder-7b
qwen2.5-coder-32b qwen2.5-vl-3b qwen2.5-vl-7b qwen2.5-vl-72b qwq-32b qwen3-0.6b qwen3-1.7b qwen3-4b qwen3-8b qwen3-14b
qwen3-32b qwen3-30b-a3b qwen3-235b-a22b qwen3-4b-2507 qwen3-30b-a3b-2507 qwen3-235b-a22b-2507 qwen3-coder-30b-a3b
qwen3-coder-480b-a35b qwen3-next-80b-a3b qwen3-coder-next-80b-a3b qwen3-vl-8b qwen3-vl-30b-a3b qwen3-vl-235b-a22b
qwen3.5-4b qwen3.5-9b qwen3.5-27b qwen3.5-35b-a3b qwen3.5-122b-a10b qwen3.5-397b-a17b qwen3.6-27b qwen3.6-35b-a3b
qwen3.8-27b mistral-7b-v0.3 mixtral-8x7b mistral-nemo-12b mistral-small-24b mistral-small-3.1-24b devstral-small-24b
magistral-small-24b mistral-large-3-675b mistral-small-4-119b mistral-medium-3.5-128b gemma-2-9b gemma-3-4b
gemma-3-12b gemma-3-27b gemma-4-e4b gemma-4-12b gemma-4-26b-a4b gemma-4-31b phi-4 phi-4-mini deepseek-v3
deepseek-v3-0324 deepseek-r1
deepseek-r1-0528 deepseek-v3.1 deepseek-v3.2 deepseek-r1-distill-llama-70b deepseek-r1-distill-qwen-32b glm-4.5-air
glm-4.6 glm-4.7 glm-4.7-flash glm-5 glm-5.1 glm-5.2 glm-5.3 glm-5.3-flash kimi-k2 kimi-k2-thinking kimi-k2.5 kimi-k2.6
kimi-k2.7-code kimi-k3 minimax-m2 minimax-m2.5 minimax-m2.7 minimax-m3 gpt-oss-20b gpt-oss-120b nemotron-3-nano-30b-a3b
nemotron-3-super-120b-a12b nemotron-super-49b granite-4.0-h-small granite-3.3-8b command-a olmo-3-32b smollm3-3b
ling-flash-2.0 seed-oss-36b step-3.5-flash
""".split()
PUBLISHERS = frozenset(
    """meta-llama qwen mistralai google microsoft deepseek-ai zai-org moonshotai minimaxai openai nvidia ibm-granite
    coherelabs cohereforai allenai huggingfacetb inclusionai bytedance-seed stepfun-ai""".split()
)
USUAL = {
    "vllm": ("bf16", "fp8", "int4", "nvfp4", "mxfp4"),
    "tensorrt-llm": ("bf16", "fp8", "nvfp4"),
    "llama.cpp": ("bf16", "q4_k_m", "q8_0"),
}


def question_of(model: str, runtime: str, precision: str) -> Question:
    values = {
        "model": model,
        "traffic.requests_per_s": 1.0,
        "tokens.input.mean": 500.0,
        "tokens.output.mean": 100.0,
        "precision.weights": precision,
        "serving.runtime": runtime,
    }
    return resolve(spec_from(values), CATALOG)


@of_every(USED)
def test_its_publishers_own_weights_come_first(model: str) -> None:
    entry = CATALOG.models[model]
    official = entry.checkpoints[0]
    assert official.repository.partition("/")[0].lower() in PUBLISHERS, official.repository
    assert official.precision == entry.native_precision, official


@of_every([(model, runtime, precision) for model in USED for runtime, names in USUAL.items() for precision in names])
def test_a_usual_precision_is_served_from_its_own_checkpoint_or_told_how_to_make(
    model: str, runtime: str, precision: str
) -> None:
    entry, question = CATALOG.models[model], question_of(model, runtime, precision)
    served = served_weights(question)
    if served.needs:
        return
    assert same_release(served.repository, entry.checkpoints[0].repository), served
    stored = {one.repository: one.precision for one in entry.checkpoints}.get(served.repository)
    if stored is None:
        assert served.repository in entry.gguf
    else:
        loaded = {stored, precision} <= set(SIXTEEN_BITS) or precision in question.runtime.online
        assert stored == precision or loaded


@pytest.mark.parametrize(
    ("runtime", "precision", "least"), [("vllm", "fp8", 0.9), ("vllm", "int4", 0.5), ("llama.cpp", "q4_k_m", 0.7)]
)
def test_most_need_nothing_that_is_still_to_be_made(runtime: str, precision: str, least: float) -> None:
    ready = [model for model in USED if not served_weights(question_of(model, runtime, precision)).needs]
    assert len(ready) / len(USED) > least, sorted(set(USED) - set(ready))
