"""How a replica is started: the command, and each of its flags with the figure that it comes from."""

from collections.abc import Iterator, Mapping
from math import ceil
from shlex import quote
from typing import Final

from msgspec import Struct

from catalogs.errors import listed
from catalogs.records.accelerators import Accelerator
from engine.fleet.candidates import Candidates, longest_request, pool_ends
from engine.plan import LaunchFlag
from engine.question.resolve import Question
from engine.step.operations import layers
from engine.step.parallelism import ParallelSizes

CONTEXT_STEP: Final = 1024
"""Tokens to which a context limit that is printed is rounded up."""
LOWEST_FP8_KV: Final = ("Ampere", "Turing", "Volta")
"""Architectures on which the FP8 KV cache is E5M2: their kernels have no E4M3 (vLLM, quantized_kvcache.md)."""
HOW_TO_QUANTISE: Final = {
    "fp8": "llm-compressor (FP8_DYNAMIC)",
    "int8": "llm-compressor (W8A8)",
    "w8a16": "llm-compressor (W8A16)",
    "int4": "llm-compressor (W4A16) or AutoAWQ",
    "nvfp4": "NVIDIA Model Optimizer (NVFP4)",
    "mxfp4": "AMD Quark or llm-compressor (MXFP4)",
}
"""Tool and scheme that makes a checkpoint of a weight precision."""


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
    if platform is None:
        return Launch("", (), "")
    start, needs = _start(question)
    flags = tuple(
        flag
        for flag in (*_parallel(question, sizes), *_formats(question, accelerator), *_limits(question, replica))
        if flag.flag not in platform.without
    )
    words = [start, *(f"{flag.flag} {flag.value}".strip() for flag in flags)]
    return Launch(" ".join(words), flags, "; ".join(part for part in (platform.needs, needs) if part))


def _start(question: Question) -> tuple[str, str]:
    """Return the beginning of the command with the checkpoint, and how to make that where none is known."""
    program = _PROGRAMS.get(question.runtime.id, _PROGRAMS[question.runtime.framework])
    repository, needs = _checkpoint(question)
    if question.runtime.id == "llama.cpp":
        file = f"-m {quote(repository)}" if needs else f"-hf {quote(f'{repository}:{question.weights.name}')}"
        return f"{program} {file}", needs
    return f"{program} {quote(repository)}", needs


_PROGRAMS: Final = {
    "llama.cpp": "llama-server",
    "vllm": "vllm serve",
    "sglang": "python -m sglang.launch_server --model-path",
    "trtllm": "trtllm-serve",
}


def _checkpoint(question: Question) -> tuple[str, str]:
    """Return the checkpoint to serve, and how to make it where none of the planned precision is known."""
    model, weights = question.model, question.weights
    gguf = question.runtime.id == "llama.cpp"
    known = [one for one in (question.served, *model.checkpoints) if one and one.precision == weights.id]
    fitting = [one.repository for one in known if gguf == ("gguf" in one.repository.lower())]
    if fitting:
        return fitting[0], ""
    wide = [one.repository for one in model.checkpoints if one.precision in SIXTEEN_BITS] or [question.spec.model]
    if not gguf and (weights.id in SIXTEEN_BITS or weights.id in question.runtime.online):
        return wide[0], ""
    name = f"{wide[0].rpartition('/')[2]}-{weights.name}"
    if gguf:
        file = f"{name}.gguf"
        how = "llama.cpp's convert_hf_to_gguf.py and llama-quantize make it"
        return file, f"{file}, which no repository that is known here holds: {how}"
    tool = HOW_TO_QUANTISE.get(weights.id, f"a tool that quantises to {weights.name}")
    return f"./{name}", f"a checkpoint in {weights.name}, none of which is known here: {tool} makes one of {wide[0]}"


SIXTEEN_BITS: Final = ("bf16", "fp16", "fp32")
"""Precisions between which a runtime converts as it loads."""


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


def _formats(question: Question, accelerator: Accelerator) -> Iterator[LaunchFlag]:
    dialect, weights = _dialect(question), question.weights
    if dialect == "llama.cpp":
        return
    stored = question.served.precision if question.served else question.model.native_precision
    online = question.runtime.online.get(weights.id)
    if online and question.served is None:
        yield LaunchFlag("--quantization", online, f"the checkpoint is in 16 bit; {weights.name} is made as it loads")
    has_bf16 = accelerator.peak_tflops.bf16 is not None or accelerator.peak_tflops.fp16 is None
    if dialect in ("vllm", "sglang") and stored in SIXTEEN_BITS:
        if weights.id == "bf16" and not has_bf16:
            yield LaunchFlag("--dtype", "half", f"{accelerator.name} has no bfloat16")
        elif weights.id != stored and weights.id in ("fp16", "fp32"):
            dtype = {"fp16": "float16", "fp32": "float32"}[weights.id]
            yield LaunchFlag("--dtype", dtype, f"{weights.name} was asked for; the checkpoint is in {stored.upper()}")
    if question.kv_cache.id != "bf16" and "kv" in FLAGS[dialect]:
        name = question.kv_cache.id
        if name == "fp8":
            old = accelerator.architecture in LOWEST_FP8_KV
            name = "fp8_e5m2" if old else "fp8" if dialect == "vllm" else "fp8_e4m3"
        yield LaunchFlag(FLAGS[dialect]["kv"], name, f"the KV cache is planned in {question.kv_cache.name}")


def _limits(question: Question, replica: Candidates) -> Iterator[LaunchFlag]:
    dialect, names = _dialect(question), flag_names(question)
    cap = question.spec.serving.batch_cap
    context = _context(question, replica)
    if dialect == "llama.cpp":
        slots = cap or question.runtime.scheduler.max_sequences
        tokens = (context.tokens if context else question.context_limit) * slots
        yield LaunchFlag("-c", str(tokens), f"the context of all {slots} slots together")
        yield LaunchFlag("-np", str(slots), "requests that run at a time")
        return
    if context:
        yield LaunchFlag(names["context"], str(context.tokens), context.why)
    fit, most = int(replica.seats_by_memory[0]), question.runtime.scheduler.max_sequences
    state = any(layer.mixing and layer.mixing.state_bytes for layer in layers(question.model))
    if cap:
        yield LaunchFlag(names["sequences"], str(cap), "the batch cap that was asked for")
    elif state and fit < most:
        why = f"each running request holds a state of fixed size, and memory has room for {fit:,} of them"
        yield LaunchFlag(names["sequences"], str(fit), f"{why}; the usual {most:,} would not start")
    yield LaunchFlag(
        names["budget"],
        str(question.budget_on(replica.accelerator(0))),
        "tokens of a step, which the forecast rests on",
    )
    share = f"{float(replica.memory.share[0]):.3g}"
    yield LaunchFlag(names["memory"], share, "share of the memory in which weights and KV cache were planned")


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
    },
    "trtllm": {
        "tp": "--tp_size",
        "pp": "--pp_size",
        "ep": "--ep_size",
        "context": "--max_seq_len",
        "sequences": "--max_batch_size",
        "budget": "--max_num_tokens",
        "memory": "--kv_cache_free_gpu_memory_fraction",
    },
}
"""What each runtime calls a setting; one that it does not have is not said."""


def unsupported_note(question: Question, accelerator: Accelerator) -> str | None:
    """Return in one sentence that the runtime is not known to run on an accelerator, and what is; None where it is."""
    runtime = question.runtime
    if not runtime.platforms or runtime.platform_of(accelerator):
        return None
    others = [other for other in question.catalog.runtimes.values() if other.platform_of(accelerator)]
    there = (
        f"{listed([other.name for other in others])} does (--runtime {others[0].id})"
        if others
        else "no runtime of the catalog is, and the figures are those of its scheduler"
    )
    return f"{runtime.name} is not known to run on {accelerator.name}: {there}"
