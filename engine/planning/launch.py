"""How a replica is started: the command, and each of its flags with the figure that it comes from."""

from collections.abc import Iterator, Mapping
from math import ceil
from shlex import quote
from typing import Final

from msgspec import Struct

from catalogs.errors import listed
from catalogs.records.accelerators import Accelerator
from catalogs.records.models import LatentAttention
from engine.fleet.candidates import Candidates, longest_request, pool_ends
from engine.plan import LaunchFlag
from engine.planning.served_weights import ServedWeights, served_weights
from engine.question.releases import SIXTEEN_BITS
from engine.question.resolve import Question
from engine.step.memory import weights_bytes
from engine.step.operations import layers
from engine.step.parallelism import ParallelSizes

CONTEXT_STEP: Final = 1024
"""Tokens to which a context limit that is printed is rounded up."""
LOWEST_FP8_KV: Final = ("Ampere", "Turing", "Volta")
"""Architectures on which the FP8 KV cache is E5M2: their kernels have no E4M3 (vLLM, quantized_kvcache.md)."""


class Launch(Struct, frozen=True):
    """How one replica is started."""

    command: str
    """Empty where the runtime has none or does not run there."""
    flags: tuple[LaunchFlag, ...]
    needs: str
    """What must be there that no package brings: a build of the runtime, a checkpoint that is still to be made."""


def launch_of(question: Question, replica: Candidates) -> Launch:
    """Return how to start a replica, an array of one.

    Args:
        question: that the plan answers.
        replica: the candidate that was chosen.
    """
    accelerator, sizes = replica.accelerator(0), replica.parallelism.sizes()
    platform = question.runtime.platform_of(accelerator)
    if platform is None or not question.runtime.runs(question.model.id):
        return Launch("", (), "")
    served = served_weights(question, may_quantise=_has_room_to_quantise(question, replica))
    file = _config_file(question, sizes)
    nodes = ceil(sizes.accelerators / (question.spec.hardware.accelerators_per_node or accelerator.per_node))
    flags = tuple(
        flag
        for flag in (
            *_parallel(question, sizes),
            *_nodes(question, nodes),
            *_formats(question, accelerator, served),
            *_limits(question, replica),
            *_trust(question),
            *((LaunchFlag("--extra_llm_api_options", CONFIG_FILE, "what has no flag of its own"),) if file else ()),
        )
        if flag.flag not in platform.without
    )
    words = [_start(question, served, nodes), *(f"{flag.flag} {flag.value}".strip() for flag in flags)]
    plugin = question.runtime.plugins.get(question.weights.id, "")
    needs = (platform.needs, plugin, served.needs, file, _on_each_node(question, nodes))
    return Launch(" ".join(words), flags, "; ".join(part for part in needs if part))


def _has_room_to_quantise(question: Question, replica: Candidates) -> bool:
    """Return whether weights in 16 bit fit a replica's accelerators until they are quantised.

    vLLM quantises layer by layer (0.33, online/fp8.py: weights on the meta device); SGLang loads all of them first
    (0.5.23, fp8.py, create_fp8_weight_: params_dtype where the checkpoint is not FP8).
    """
    if not question.runtime.loads_whole:
        return True
    widened = 2 * question.parameters / weights_bytes(question.model, question.storage)
    return bool(replica.memory.weights[0] * widened + replica.memory.runtime[0] < replica.memory.total[0])


CONFIG_FILE: Final = "trtllm.yaml"
"""Name of the file of settings for which trtllm-serve has no flags."""


def _config_file(question: Question, sizes: ParallelSizes) -> str:
    """Return what must stand in TensorRT-LLM's file of settings; empty where none is needed."""
    if question.runtime.framework != "trtllm":
        return ""
    lines = ["enable_attention_dp: true"] if sizes.dp > 1 else []
    stored = question.served.kv_precision if question.served else None
    if question.kv_cache.id not in SIXTEEN_BITS and question.kv_cache.id != stored:
        lines.append(f"kv_cache_config: {{dtype: {question.runtime.kv_formats[question.kv_cache.id]}}}")
    return f"a file {CONFIG_FILE} with the line {' and the line '.join(map(repr, lines))}" if lines else ""


def _start(question: Question, served: ServedWeights, nodes: int) -> str:
    """Return the beginning of the command: the program and what it loads."""
    program = _PROGRAMS.get(question.runtime.id, _PROGRAMS[question.runtime.framework])
    if question.runtime.id == "llama.cpp":
        file = f"-m {quote(served.repository)}" if served.file else f"-hf {_gguf(question, served)}"
        return f"{program} {file}"
    if nodes > 1 and question.runtime.framework == "trtllm":
        program = f"trtllm-llmapi-launch {program}"
    return f"{program} {quote(served.repository)}"


def _gguf(question: Question, served: ServedWeights) -> str:
    return quote(f"{served.repository}:{question.weights.name}")


_PROGRAMS: Final = {
    "llama.cpp": "llama-server",
    "vllm": "vllm serve",
    "sglang": "python -m sglang.launch_server --model-path",
    "trtllm": "trtllm-serve",
}


def _nodes(question: Question, nodes: int) -> Iterator[LaunchFlag]:
    """Yield the flags of a replica that spans several nodes; each node runs the command with a rank of its own."""
    names = FLAGS[_dialect(question)]
    if nodes > 1 and "head" in names:
        address = "$HEAD_NODE:5000" if _dialect(question) == "sglang" else "$HEAD_NODE"
        yield LaunchFlag(names["nodes"], str(nodes), f"a replica spans {nodes} nodes")
        yield LaunchFlag(names["rank"], "$NODE_RANK", "which of the nodes this is, from 0")
        yield LaunchFlag(names["head"], address, "where the nodes find the first")


def _on_each_node(question: Question, nodes: int) -> str:
    """Return how the command is run where a replica spans several nodes; empty where it does not."""
    if nodes == 1:
        return ""
    match _dialect(question):
        case "trtllm":
            return f"srun or mpirun with a task for each accelerator of the {nodes} nodes"
        case "llama.cpp":
            return f"an rpc-server on each of the {nodes} nodes, named by --rpc"
        case dialect:
            others = ", --headless too on all but the first" if dialect == "vllm" else ""
            return f"the command on each of the {nodes} nodes, HEAD_NODE being the first's address{others}"


def _trust(question: Question) -> Iterator[LaunchFlag]:
    if question.model.remote_code and "trust" in FLAGS[_dialect(question)]:
        yield LaunchFlag(FLAGS[_dialect(question)]["trust"], "", f"{question.model.name} brings code of its own")


def _parallel(question: Question, sizes: ParallelSizes) -> Iterator[LaunchFlag]:
    names = flag_names(question)
    shards = sizes.tp if _dialect(question) == "vllm" else sizes.tp * sizes.dp
    if "tp" in names and (shards > 1 or _dialect(question) == "sglang"):
        yield LaunchFlag(names["tp"], str(shards), f"each layer is split over {shards} accelerators")
    if "pp" in names and sizes.pp > 1:
        yield LaunchFlag(names["pp"], str(sizes.pp), f"the layers are split into {sizes.pp} stages")
    if "dp" in names and sizes.dp > 1:
        yield LaunchFlag(names["dp"], str(sizes.dp), f"attention runs on {sizes.dp} ranks, each with its own requests")
    if _dialect(question) == "sglang" and sizes.dp > 1:
        yield LaunchFlag("--enable-dp-attention", "", "data parallelism is of attention alone")
    if "ep" in names and sizes.ep > 1:
        value = "" if _dialect(question) == "vllm" else str(sizes.ep)
        yield LaunchFlag(names["ep"], value, f"experts are spread over {sizes.ep} accelerators")


def _formats(question: Question, accelerator: Accelerator, served: ServedWeights) -> Iterator[LaunchFlag]:
    dialect, weights = _dialect(question), question.weights
    if dialect == "llama.cpp":
        if question.kv_cache.id not in SIXTEEN_BITS:
            for name in ("-ctk", "-ctv"):
                why = f"the KV cache is planned in {question.kv_cache.name}"
                yield LaunchFlag(name, question.runtime.kv_formats[question.kv_cache.id], why)
        return
    stored = question.served.precision if question.served else question.model.native_precision
    if served.online:
        method = question.runtime.online[weights.id]
        yield LaunchFlag("--quantization", method, f"the checkpoint is in 16 bit; {weights.name} is made as it loads")
    has_bf16 = accelerator.peak_tflops.bf16 is not None or accelerator.peak_tflops.fp16 is None
    if dialect in ("vllm", "sglang") and stored in SIXTEEN_BITS:
        if weights.id == "bf16" and not has_bf16:
            yield LaunchFlag("--dtype", "half", f"{accelerator.name} has no bfloat16")
        elif weights.id != stored and weights.id in ("fp16", "fp32"):
            dtype = {"fp16": "float16", "fp32": "float32"}[weights.id]
            yield LaunchFlag("--dtype", dtype, f"{weights.name} was asked for; the checkpoint is in {stored.upper()}")
    if "kv" in FLAGS[dialect] and (question.kv_cache.id != "bf16" or _follows_itself(question)):
        name = question.runtime.kv_formats.get(question.kv_cache.id, question.kv_cache.id)
        if question.kv_cache.id == "fp8" and accelerator.architecture in LOWEST_FP8_KV:
            name = "fp8_e5m2"
        yield LaunchFlag(FLAGS[dialect]["kv"], name, f"the KV cache is planned in {question.kv_cache.name}")


def _follows_itself(question: Question) -> bool:
    """Return whether a runtime would keep the KV cache in another precision than 16 bit unless it is told.

    Of a checkpoint that brings scales of the cache, and of sparse latent attention on Blackwell (vLLM 0.33,
    models/config.py, GlmMoeDsaForCausalLM; SGLang 0.5.23, arg_groups/overrides.py, DeepSeek DSA).
    """
    brings = question.served is not None and question.served.kv_precision is not None
    latent = (group.attention for group in question.model.layers)
    return brings or any(isinstance(one, LatentAttention) and one.indexer is not None for one in latent)


def _limits(question: Question, replica: Candidates) -> Iterator[LaunchFlag]:
    dialect, names = _dialect(question), flag_names(question)
    cap = question.spec.serving.batch_cap
    context = _context(question, replica)
    if dialect == "llama.cpp":
        yield from _slots(question, replica, context)
        return
    if context:
        yield LaunchFlag(names["context"], str(context.tokens), context.why)
    ranks = int(replica.parallelism.dp[0])
    # SGLang divides its limits by the ranks of attention (arg_groups/parallel_hook.py, model_executor); the others' are
    # those of a rank.
    times = ranks if dialect == "sglang" else 1
    fit, most = int(replica.seats_by_memory[0]) // ranks, question.cap_on(replica.accelerator(0))
    state = any(layer.mixing and layer.mixing.state_bytes for layer in layers(question.model))
    if cap:
        yield LaunchFlag(names["sequences"], str(cap * times), "the batch cap that was asked for")
    elif state and fit < most:
        why = f"each running request holds a state of fixed size, and memory has room for {fit:,} of them"
        yield LaunchFlag(names["sequences"], str(fit * times), f"{why}; the usual {most:,} would not start")
    budget = _budget(question, replica.accelerator(0)) * times
    yield LaunchFlag(names["budget"], str(budget), "tokens of a step, which the forecast rests on")
    share = f"{float(replica.memory.share[0]):.3g}"
    yield LaunchFlag(names["memory"], share, "share of the memory in which weights and KV cache were planned")


def _budget(question: Question, accelerator: Accelerator) -> int:
    """Return the tokens of a step: where prompts run whole, room for the longest one (p99.9)."""
    budget = question.budget_on(accelerator)
    if question.runtime.scheduler.chunked:
        return budget
    longest = ceil(question.lengths.prompt.percentile(0.999) / CONTEXT_STEP) * CONTEXT_STEP
    return max(budget, min(longest, question.context_limit))


def _slots(question: Question, replica: Candidates, context: "Context | None") -> Iterator[LaunchFlag]:
    """Yield llama.cpp's context, which it allocates for all slots at its start, and its slots."""
    slots = question.cap_on(replica.accelerator(0))
    limit = context.tokens if context else question.context_limit
    longest = longest_request(question, replica, limit=question.context_limit * slots)
    tokens = min(limit * slots, max(longest // CONTEXT_STEP, 1) * CONTEXT_STEP)
    room = "" if tokens == limit * slots else ", as many as the memory holds"
    yield LaunchFlag("-c", str(tokens), f"the context of all {slots} slots together{room}")
    yield LaunchFlag("-np", str(slots), "requests that run at a time")
    yield LaunchFlag("--kv-unified", "", "the slots share one KV cache, so that a request may be longer than its share")


class Context(Struct, frozen=True):
    """The context limit to start a replica with."""

    tokens: int
    why: str


def _context(question: Question, replica: Candidates) -> Context | None:
    """Return the context limit to state: the one asked for, or what fits where the model's own may not."""
    stated = question.spec.serving.context_window
    if stated:
        return Context(stated, "the context window that was asked for")
    ends = pool_ends(replica)
    longest = longest_request(question, replica, ends[0] if ends else None)
    if longest >= question.context_limit:
        return None
    needed = ceil(question.lengths.live_percentile(0.999) / CONTEXT_STEP) * CONTEXT_STEP
    tokens = min(needed, max(longest, int(question.longest_tokens)), question.context_limit)
    may = "do" if longest_request(question, replica) < question.context_limit else "may"
    return Context(
        tokens,
        f"p99.9 of prompt and answer together; the model's {question.context_limit:,} tokens {may} not fit the KV "
        f"pool, which holds one request of {longest:,}",
    )


def flag_names(question: Question) -> Mapping[str, str]:
    """Return what a question's runtime calls its settings."""
    return FLAGS[_dialect(question)]


def _dialect(question: Question) -> str:
    return "llama.cpp" if question.runtime.id == "llama.cpp" else question.runtime.framework


FLAGS: Final = {
    "llama.cpp": {},
    "vllm": {
        "tp": "--tensor-parallel-size",
        "pp": "--pipeline-parallel-size",
        "dp": "--data-parallel-size",
        "ep": "--enable-expert-parallel",
        "kv": "--kv-cache-dtype",
        "context": "--max-model-len",
        "sequences": "--max-num-seqs",
        "budget": "--max-num-batched-tokens",
        "memory": "--gpu-memory-utilization",
        "nodes": "--nnodes",
        "rank": "--node-rank",
        "head": "--master-addr",
        "trust": "--trust-remote-code",
    },
    "sglang": {
        "tp": "--tp-size",
        "pp": "--pp-size",
        "dp": "--dp-size",
        "ep": "--ep-size",
        "kv": "--kv-cache-dtype",
        "context": "--context-length",
        "sequences": "--max-running-requests",
        "budget": "--chunked-prefill-size",
        "memory": "--mem-fraction-static",
        "nodes": "--nnodes",
        "rank": "--node-rank",
        "head": "--dist-init-addr",
        "trust": "--trust-remote-code",
    },
    "trtllm": {
        "tp": "--tp_size",
        "pp": "--pp_size",
        "ep": "--ep_size",
        "context": "--max_seq_len",
        "sequences": "--max_batch_size",
        "budget": "--max_num_tokens",
        "memory": "--kv_cache_free_gpu_memory_fraction",
        "trust": "--trust_remote_code",
    },
}
"""What each runtime calls a setting; one that it does not have is not said."""


def unsupported_note(question: Question, accelerator: Accelerator) -> str | None:
    """Return in one sentence that the runtime is not known to run there, and what is; None where it is."""
    runtime, model = question.runtime, question.model
    if not runtime.platforms or (runtime.platform_of(accelerator) and runtime.runs(model.id)):
        return None
    others = [
        other for other in question.catalog.runtimes.values() if other.platform_of(accelerator) and other.runs(model.id)
    ]
    there = (
        f"{listed([other.name for other in others])} does (--runtime {others[0].id})"
        if others
        else "no runtime of the catalog is, and the figures are those of its scheduler"
    )
    what = accelerator.name if not runtime.platform_of(accelerator) else model.name
    known = "on " if not runtime.platform_of(accelerator) else ""
    return f"{runtime.name} is not known to run {known}{what}: {there}"
