"""A plan's command passes the checks that engines make at start-up, written here anew from the engines' rules.

vLLM: ``config/model.py`` (heads and KV heads over tensor parallelism), ``config/scheduler.py`` (a step has a token for
each request), ``config/cache.py`` (formats of the KV cache), ``v1/core/kv_cache_utils.py`` (one request of
the context limit must fit the pool), ``fp8.py`` (whole blocks of scales), ``v1/worker/gpu_model_runner.py`` (states of
hybrids cap the sequences), ``engine/arg_utils.py`` (sequences by default, by device). SGLang's ``server_args.py`` has
the same of heads and blocks.
"""

import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from catalogs.errors import InputError
from catalogs.matrices import layer_matrices
from catalogs.records.models import (
    GroupedAttention,
    LatentAttention,
    LinearAttention,
    MixtureFeedForward,
    ModelArchitecture,
    ParallelAttention,
)
from engine.method import forecast
from engine.plan import CapacityPlan, NoPlan
from engine.workload import spec_from
from tests.engine.asked import CATALOG, formula_plan
from tests.engine.planning.test_used_models import USED
from tests.every import of_every

ACCELERATORS = (
    "h100-sxm-80gb", "h200-sxm-141gb", "b200-sxm", "a100-sxm-80gb", "l40s", "l4", "rtx-4090", "rtx-3090", "mi300x",
    "mi355x", "rtx-pro-6000-ws", "gb200",
)  # fmt: skip
RUNTIMES = ("vllm", "sglang", "tensorrt-llm", "llama.cpp")
MODELS = sorted(CATALOG.models)
USUAL = MODELS[::50]


def flags_of(command: str) -> dict[str, str]:
    words = shlex.split(command)
    return {
        word: "" if at + 1 == len(words) or words[at + 1].startswith("-") else words[at + 1]
        for at, word in enumerate(words)
        if word.startswith("-")
    }


def uneven_heads(plan: CapacityPlan, model: ModelArchitecture) -> Iterator[str]:
    tp, ep = plan.chosen.tensor_parallel, plan.chosen.expert_parallel
    for group in model.layers:
        attention = group.attention.grouped if isinstance(group.attention, ParallelAttention) else group.attention
        if isinstance(attention, GroupedAttention | LatentAttention) and attention.heads % tp:
            yield f"{attention.heads} heads over TP{tp}"
        if isinstance(attention, GroupedAttention) and max(attention.kv_heads, tp) % min(attention.kv_heads, tp):
            yield f"{attention.kv_heads} KV heads over TP{tp}"
        if isinstance(group.feed_forward, MixtureFeedForward) and group.feed_forward.experts % ep:
            yield f"{group.feed_forward.experts} experts over EP{ep}"


def cut_blocks(plan: CapacityPlan, model: ModelArchitecture) -> Iterator[str]:
    chosen = plan.chosen
    served = [one for one in model.checkpoints if one.repository in chosen.command.split()]
    if chosen.runtime not in ("vllm", "sglang") or not any(one.block for one in served):
        return
    for group in model.layers:
        for matrix in layer_matrices(group, model.hidden_size):
            if matrix.role in ("dense", "expert", "shared") and matrix.split == "inputs":
                experts = chosen.tensor_parallel * chosen.data_parallel // chosen.expert_parallel
                ways = experts if matrix.role == "expert" else chosen.tensor_parallel
                if ways > 1 and matrix.inputs / ways % 128:
                    yield f"a shard of {matrix.inputs / ways:g} is no whole block"


def too_long_a_context(plan: CapacityPlan, model: ModelArchitecture) -> Iterator[str]:
    """Of models whose layers all cache every token; where layers differ, the engine's own sum is the only rule."""
    kinds = {type(group.attention) for group in model.layers if group.attention}
    windows = [g.attention.window for g in model.layers if isinstance(g.attention, GroupedAttention)]
    if not kinds <= {GroupedAttention, LatentAttention} or any(windows):
        return
    flags = flags_of(plan.chosen.command)
    if plan.chosen.runtime == "llama.cpp":
        held, pool = int(flags["-c"]) * plan.memory.kv_cache_bytes_per_token, plan.memory.kv_cache_pool_bytes
        if held > pool * 1.001:
            yield f"a context of {flags['-c']} tokens takes {held:.3g} of {pool:.3g} bytes"
        return
    stated = [flags[name] for name in ("--max-model-len", "--context-length", "--max_seq_len") if name in flags]
    context = int(stated[0]) if stated else model.max_context
    heads = [g.attention.kv_heads for g in model.layers if isinstance(g.attention, GroupedAttention)]
    shards = min(plan.chosen.tensor_parallel, max(heads, default=1)) * plan.chosen.pipeline_parallel
    held, pool = context * plan.memory.kv_cache_bytes_per_token / shards, plan.memory.per_accelerator.kv_cache_bytes
    if held > pool * 1.001:
        yield f"a request of {context:,} tokens takes {held:.3g} of {pool:.3g} bytes"


def too_many_states(plan: CapacityPlan, model: ModelArchitecture) -> Iterator[str]:
    room = plan.memory.max_concurrent_sequences // plan.chosen.data_parallel  # the flag is of a rank
    hybrid = any(isinstance(group.attention, LinearAttention | ParallelAttention) for group in model.layers)
    # An A100 counts as small from 0.9 on.
    small = plan.memory.per_accelerator.total_bytes < 70 * 2**30 or (
        plan.chosen.accelerator.startswith("a100") and not plan.chosen.runtime_version.startswith("0.8")
    )
    cap = int(flags_of(plan.chosen.command).get("--max-num-seqs") or (256 if small else 1024))
    if hybrid and plan.chosen.runtime == "vllm" and room < cap:
        yield f"{cap} sequences, room for the states of {room}"


def what_llama_cpp_cannot_split(plan: CapacityPlan, model: ModelArchitecture) -> Iterator[str]:
    chosen = plan.chosen
    if chosen.runtime == "llama.cpp" and chosen.tensor_parallel * chosen.data_parallel * chosen.expert_parallel > 1:
        yield "llama.cpp splits by layers alone"


def one_node_too_few(plan: CapacityPlan, model: ModelArchitecture) -> Iterator[str]:
    chosen = plan.chosen
    nodes = -(-chosen.accelerators_per_replica // CATALOG.accelerators[chosen.accelerator].per_node)
    stated = int(flags_of(chosen.command).get("--nnodes") or 1)
    if f"Ray cluster of the {nodes} nodes" in chosen.needs or "no flag for data-parallel ranks on" in chosen.needs:
        stated = nodes  # vLLM before 0.11.1 has no --nnodes
    if chosen.runtime in ("vllm", "sglang") and stated != nodes:
        yield f"{chosen.accelerators_per_replica} accelerators stand on {nodes} nodes, {stated} are said"


def small_steps(plan: CapacityPlan, model: ModelArchitecture) -> Iterator[str]:
    """A step that carries fewer tokens than requests, or than TensorRT-LLM's longest prompt."""
    flags = flags_of(plan.chosen.command)
    if plan.chosen.runtime == "vllm":
        small = ("a100", "gb10")
        large = CATALOG.accelerators[plan.chosen.accelerator].memory_gib >= 70
        usual = 1024 if large and not plan.chosen.accelerator.startswith(small) else 256
        sequences = int(flags.get("--max-num-seqs") or usual)
        if int(flags["--max-num-batched-tokens"]) < sequences:
            yield f"{flags['--max-num-batched-tokens']} tokens for {sequences} requests"
    if plan.chosen.runtime == "tensorrt-llm" and int(flags["--max_num_tokens"]) < plan.spec.tokens.input.mean * 3:
        yield f"prompts of thrice the mean are longer than {flags['--max_num_tokens']} tokens"


CACHE_FORMATS = {
    "vllm": {"auto", "bfloat16", "float16", "fp8", "fp8_e4m3", "fp8_e5m2", "int8_per_token_head", "nvfp4"},
    "sglang": {"auto", "bfloat16", "fp8_e4m3", "fp8_e5m2", "nvfp4"},
}
NO_BF16 = ("Turing", "Volta", "Pascal")


def formats_without_kernels(plan: CapacityPlan, model: ModelArchitecture) -> Iterator[str]:
    """A format of the KV cache that no flag takes, or bfloat16 on a card that has none."""
    flags, chosen = flags_of(plan.chosen.command), plan.chosen
    cache = flags.get("--kv-cache-dtype")
    if cache and cache not in CACHE_FORMATS[chosen.runtime]:
        yield f"no KV cache in {cache}"
    if cache == "fp8_e5m2" and chosen.runtime == "vllm" and chosen.precision.weights in ("fp8", "mxfp8"):
        yield "an E5M2 cache with an FP8 checkpoint"
    old = CATALOG.accelerators[chosen.accelerator].architecture in NO_BF16
    if old and chosen.runtime in ("vllm", "sglang") and flags.get("--dtype") not in ("half", "float16", "float32"):
        yield "bfloat16 on a card without it"


def more_than_the_pool(plan: CapacityPlan, model: ModelArchitecture) -> Iterator[str]:
    """llama.cpp allocates all tokens of its context as it starts; of models whose layers all cache every token."""
    windows = [g.attention.window for g in model.layers if isinstance(g.attention, GroupedAttention)]
    if plan.chosen.runtime != "llama.cpp" or any(windows):
        return
    held = int(flags_of(plan.chosen.command)["-c"]) * plan.memory.kv_cache_bytes_per_token
    if held > plan.memory.kv_cache_pool_bytes * 1.001:
        yield f"{held:.3g} bytes of context in a pool of {plan.memory.kv_cache_pool_bytes:.3g}"


def another_checkpoint(plan: CapacityPlan, model: ModelArchitecture) -> Iterator[str]:
    known = {one.repository: one.precision for one in model.checkpoints}
    wide = {"bf16", "fp16", "fp32"}
    for word in plan.chosen.command.split():
        stored = known.get(word.partition(":")[0])
        planned = plan.chosen.precision.weights
        if (
            stored
            and stored != planned
            and not {stored, planned} <= wide
            and "--quantization" not in plan.chosen.command
        ):
            yield f"{word} is in {stored}, planned is {planned}"


RULES = (
    uneven_heads,
    cut_blocks,
    too_long_a_context,
    too_many_states,
    what_llama_cpp_cannot_split,
    one_node_too_few,
    another_checkpoint,
    small_steps,
    formats_without_kernels,
    more_than_the_pool,
)


def problems(plan: CapacityPlan) -> list[str]:
    """Return what an engine would refuse of a plan's command."""
    return [problem for rule in RULES for problem in rule(plan, CATALOG.models[plan.chosen.model])]


def plans(
    model: str, precision: str | None, accelerators: tuple[str, ...], runtimes: tuple[str, ...]
) -> list[tuple[str, CapacityPlan]]:
    made = []
    for accelerator in accelerators:
        for runtime in runtimes:
            values: dict[str, Any] = {
                "model": model,
                "traffic.requests_per_s": 1.0,
                "tokens.input.mean": 500.0,
                "tokens.output.mean": 200.0,
                "hardware.accelerators": [accelerator],
                "serving.runtime": runtime,
            }
            if precision:
                values["precision.weights"] = precision
            try:
                plan = formula_plan(spec_from(values))
            except InputError:
                continue
            if isinstance(plan, CapacityPlan) and plan.chosen.command:
                made.append((f"{model} {precision or ''} on {accelerator} by {runtime}", plan))
    return made


def refused(
    model: str,
    precisions: tuple[str | None, ...] = (None,),
    accelerators: tuple[str, ...] = ACCELERATORS,
    runtimes: tuple[str, ...] = RUNTIMES,
) -> dict[str, list[str]]:
    return {
        name: found
        for precision in precisions
        for name, plan in plans(model, precision, accelerators, runtimes)
        if (found := problems(plan))
    }


@of_every(list(enumerate(USUAL)))
def test_a_plans_command_starts(at: int, model: str) -> None:
    """Each model on a third of the accelerators, all of which come round among the models."""
    assert refused(model, accelerators=ACCELERATORS[at % 3 :: 3]) == {}


@of_every(USED[::12])
def test_a_quantised_plans_command_starts(model: str) -> None:
    assert refused(model, ("fp8", "int4"), ("h100-sxm-80gb",), ("vllm", "sglang")) == {}
    assert refused(model, ("q4_k_m",), ("rtx-4090",), ("llama.cpp",)) == {}


@of_every(USUAL[::2])
def test_a_plans_command_starts_in_older_versions(model: str) -> None:
    older = ("vllm@0.8.5", "vllm@0.15.1", "sglang@0.5.6")
    assert refused(model, accelerators=("h100-sxm-80gb", "a100-sxm-80gb", "l40s"), runtimes=older) == {}


@pytest.mark.thorough
@of_every(list(enumerate(MODELS)))
def test_every_models_command_starts(at: int, model: str) -> None:
    """Each model on two accelerators under two runtimes, all of which come round among the models."""
    accelerators = (ACCELERATORS[at % 12], ACCELERATORS[(at + 5) % 12])
    runtimes = (RUNTIMES[at % 4], RUNTIMES[(at // 4 + 1) % 4])
    assert refused(model, (None, "fp8", "int4"), accelerators, runtimes) == {}


ASKED: dict[str, dict[str, Any]] = {
    "few tokens a step": {"serving.token_budget": 256},
    "a cap beyond a step": {"serving.token_budget": 256, "serving.batch_cap": 512},
    "a cap beyond the states": {"model": "qwen3.6-27b", "serving.tensor_parallel": 1, "serving.batch_cap": 512},
    "long prompts whole": {"serving.runtime": "tensorrt-llm", "tokens.input.mean": 6000.0},
    "a card without bfloat16": {"hardware.accelerators": ["t4"], "precision.weights": "int4", "model": "qwen2.5-7b"},
    "FP8 on a card without bfloat16": {"hardware.accelerators": ["t4"], "precision.weights": "fp8"},
    "an FP8 cache on Ampere": {"hardware.accelerators": ["a100"], "precision.kv_cache": "fp8"},
    "an FP8 cache of FP8 weights on Ampere": {
        "hardware.accelerators": ["rtx-3090"], "precision.weights": "fp8", "precision.kv_cache": "fp8",
    },
    "an INT8 cache": {"precision.kv_cache": "int8"},
    "an FP8 cache under SGLang": {"precision.kv_cache": "fp8", "serving.runtime": "sglang"},
    "four slots of llama.cpp": {
        "hardware.accelerators": ["rtx-4090"], "serving.runtime": "llama.cpp", "precision.weights": "q8_0",
    },
}  # fmt: skip
"""What is asked beyond the usual: each once started with a command that an engine refuses."""
USUALLY: dict[str, Any] = {
    "model": "llama-3.1-8b",
    "traffic.requests_per_s": 1.0,
    "tokens.input.mean": 500.0,
    "tokens.output.mean": 200.0,
    "hardware.accelerators": ["h100"],
    "serving.runtime": "vllm",
}


@of_every(list(ASKED))
def test_what_is_asked_beyond_the_usual_starts(what: str) -> None:
    plan = formula_plan(spec_from(USUALLY | ASKED[what]))
    assert isinstance(plan, CapacityPlan)
    assert problems(plan) == []


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "MXFP4 on Turing": ({"model": "gpt-oss-20b", "hardware.accelerators": ["t4"]}, "has no FP4 unit", "--precision"),
    "an FP4 cache on Hopper": (
        {"precision.kv_cache": "nvfp4", "serving.runtime": "sglang"},
        "reads a KV cache in NVFP4 on Blackwell or Rubin alone", "--kv-precision fp8",
    ),
    "an FP8 cache on Ampere under TensorRT-LLM": (
        {"precision.kv_cache": "fp8", "serving.runtime": "tensorrt-llm", "hardware.accelerators": ["a100"]},
        "reads a KV cache in FP8 on Ada, Hopper", "--kv-precision bf16",
    ),
    "a context that does not fit": (
        {"serving.context_window": 131_072, "serving.tensor_parallel": 1, "serving.pipeline_parallel": 1,
         "hardware.accelerators": ["rtx-3090"]},
        "one request of 131,072 tokens", "--context-window 4",
    ),
}  # fmt: skip


@of_every(list(REFUSED))
def test_what_no_engine_starts_is_refused_with_what_would(what: str) -> None:
    values, reason, way = REFUSED[what]
    refusal = forecast(spec_from(USUALLY | values), CATALOG, verify=False)
    assert isinstance(refusal, NoPlan)
    assert reason in refusal.rejected[0].reason
    assert any(one.startswith(way) for one in refusal.rejected[0].relaxations)


def test_a_step_that_holds_no_prompt_is_refused_where_prompts_are_not_split() -> None:
    with pytest.raises(InputError, match=r"holds no prompt of .* --token-budget \d+"):
        formula_plan(spec_from(USUALLY | {"serving.runtime": "tensorrt-llm", "serving.token_budget": 1024}))
