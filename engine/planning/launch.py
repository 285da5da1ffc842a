"""How a replica is started: the command, and each of its flags with the figure that it comes from."""

from collections.abc import Iterator, Sequence
from math import ceil
from shlex import quote, split
from typing import Final

from msgspec import Struct

from catalogs.errors import listed
from catalogs.kept import kept
from catalogs.records.accelerators import Accelerator
from catalogs.records.flags import Flags
from catalogs.records.models import LatentAttention
from catalogs.records.runtimes import ServingRuntime
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
BEFORE_E4M3: Final = ("Ampere", "Turing", "Volta")
"""Architectures on which SGLang's Triton kernels keep an FP8 KV cache as E5M2 alone."""


class Launch(Struct, frozen=True):
    """How one replica is started."""

    command: str
    """Empty where the runtime has none or does not run there."""
    flags: tuple[LaunchFlag, ...]
    needs: str
    """What must be there that no package brings: a build of the runtime, a checkpoint that is still to be made."""
    options: tuple[LaunchFlag, ...] = ()
    """Lines of its file of settings."""


@kept(32)
def launch_of(replica: Candidates) -> Launch:
    """Return how to start a replica, an array of one, whatever its load."""
    question = replica.question
    accelerator, sizes = replica.accelerator(0), replica.parallelism.sizes()
    platform = question.runtime.platform_of(accelerator)
    if platform is None or not question.runtime.runs(question.model.id):
        return Launch("", (), "")
    served = served_weights(question, may_quantise=_has_room_to_quantise(question, replica))
    options = tuple(_options(question, sizes))
    file = _config_file(options)
    nodes = ceil(sizes.accelerators / (question.spec.hardware.accelerators_per_node or accelerator.per_node))
    embedding = Setting("embedding", "", "texts are read and none is written")
    settings = (
        *_parallel(question, sizes),
        *_nodes(question, sizes, nodes),
        *_formats(question, accelerator, served),
        *_limits(question, replica),
        *_prompts(question),
        *((embedding,) if question.spec.serving.task == "embed" else ()),
        *((Setting("options", CONFIG_FILE, "what has no flag of its own"),) if file else ()),
    )
    ranks = max(sizes.dp // nodes, 1)
    spelt = [(setting, tuple(setting.spelt(question.runtime.flags, ranks))) for setting in settings]
    flags = tuple(flag for _, flags in spelt for flag in flags if flag.flag not in platform.without)
    words = [_start(question, served, nodes), *(f"{flag.flag} {flag.value}".strip() for flag in flags)]
    needs = (
        platform.needs,
        question.runtime.plugins.get(question.weights.id, ""),
        served.needs,
        file,
        question.runtime.flags.on_each_node.format(nodes=nodes) if nodes > 1 else "",
        _without_flag(question, [setting.name for setting, flags in spelt if not flags]),
    )
    return Launch(" ".join(words), flags, "; ".join(part for part in needs if part), options)


class Setting(Struct, frozen=True):
    """A setting of a plan that the command states."""

    name: str
    """Of the field of ``Flags`` that has what the runtime calls it."""
    value: int | str
    """Empty for a switch."""
    why: str

    def spelt(self, flags: Flags, ranks: int) -> Iterator[LaunchFlag]:
        """Yield its flags; none where the runtime has none for it.

        Args:
            ranks: data-parallel ones of a node.
        """
        flag, values = "", list[str]()
        for word in getattr(flags, self.name).format(self.value, ranks=ranks).split():
            if word.startswith("-"):
                if flag:
                    yield LaunchFlag(flag, " ".join(values), self.why)
                flag, values = word, []
            else:
                values.append(word)
        if flag:
            yield LaunchFlag(flag, " ".join(values), self.why)


def _without_flag(question: Question, settings: Sequence[str]) -> str:
    """Return in a clause that the runtime has no flag for settings of the plan; empty where there are none."""
    if not settings:
        return ""
    named = (_IN_WORDS.get(one, one.replace("_", " ")) for one in settings)
    return f"{question.runtime.release} has no flag for {' and '.join(named)}"


_IN_WORDS: Final = {
    "data_parallel": "data-parallel ranks",
    "pipeline_parallel": "pipeline stages",
    "expert_parallel": "expert parallelism",
    "nodes": "several nodes",
    "embedding": "embeddings",
    "ranks_on_nodes": "data-parallel ranks on several nodes",
}


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


def _options(question: Question, sizes: ParallelSizes) -> Iterator[LaunchFlag]:
    """Yield what must stand in TensorRT-LLM's file of settings."""
    if question.runtime.framework != "trtllm":
        return
    if sizes.dp > 1:
        why = f"attention runs on {sizes.dp} ranks, each with its own requests"
        yield LaunchFlag("enable_attention_dp", "true", why)
    stored = question.served.kv_precision if question.served else None
    if question.kv_cache.id not in SIXTEEN_BITS and question.kv_cache.id != stored:
        dtype = question.runtime.kv_formats.get(question.kv_cache.id, question.kv_cache.id)
        yield LaunchFlag("kv_cache_config.dtype", dtype, f"the KV cache is planned in {question.kv_cache.name}")


def _config_file(options: Sequence[LaunchFlag]) -> str:
    """Return in a clause what must stand in a file of settings; empty where none is needed."""
    lines = [repr(setting_line(option)) for option in options]
    return f"a file {CONFIG_FILE} with the line {' and the line '.join(lines)}" if lines else ""


def setting_line(option: LaunchFlag) -> str:
    """Return a line of a file of settings: 'kv_cache_config: {dtype: fp8}'."""
    section, _, name = option.flag.rpartition(".")
    return f"{section}: {{{name}: {option.value}}}" if section else f"{name}: {option.value}"


def _start(question: Question, served: ServedWeights, nodes: int) -> str:
    """Return the beginning of the command: the program and what it loads."""
    program = program_of(question.runtime)
    if question.runtime.id == "llama.cpp":
        if served.file:
            return f"{program} -m {quote(served.repository)}"
        return f"{program} -hf {quote(f'{served.repository}:{question.weights.name}')}"
    if nodes > 1 and question.runtime.framework == "trtllm":
        program = f"trtllm-llmapi-launch {program}"
    return f"{program} {quote(served.repository)}"


def program_of(runtime: ServingRuntime) -> str:
    """Return the words with which a runtime's command begins."""
    return _PROGRAMS.get(runtime.id, _PROGRAMS[runtime.framework])


def loaded_model(command: str) -> str:
    """Return the model that a plan's command loads, as benchmarks must name it; empty where it has none."""
    for program in _PROGRAMS.values():
        _, found, rest = command.partition(f"{program} ")
        if found:
            return next((word for word in split(rest) if not word.startswith("-")), "")
    return ""


_PROGRAMS: Final = {
    "llama.cpp": "llama-server",
    "vllm": "vllm serve",
    "sglang": "python -m sglang.launch_server --model-path",
    "trtllm": "trtllm-serve",
}


def _nodes(question: Question, sizes: ParallelSizes, nodes: int) -> Iterator[Setting]:
    """Yield what a replica takes that spans several nodes; TensorRT-LLM and llama.cpp are told by who starts them."""
    if nodes > 1 and _dialect(question) in ("vllm", "sglang"):
        yield Setting("nodes" if sizes.dp == 1 else "ranks_on_nodes", nodes, f"a replica spans {nodes} nodes")


def _parallel(question: Question, sizes: ParallelSizes) -> Iterator[Setting]:
    dialect = _dialect(question)
    shards = sizes.tp if dialect == "vllm" else sizes.tp * sizes.dp
    if (shards > 1 and dialect != "llama.cpp") or dialect == "sglang":
        yield Setting("tensor_parallel", shards, f"each layer is split over {shards} accelerators")
    if sizes.pp > 1 and dialect != "llama.cpp":
        yield Setting("pipeline_parallel", sizes.pp, f"the layers are split into {sizes.pp} stages")
    if sizes.dp > 1 and dialect in ("vllm", "sglang"):  # TensorRT-LLM's stands in its file
        yield Setting("data_parallel", sizes.dp, f"attention runs on {sizes.dp} ranks, each with its own requests")
    if sizes.ep > 1 and dialect != "llama.cpp":
        yield Setting("expert_parallel", sizes.ep, f"experts are spread over {sizes.ep} accelerators")


def _formats(question: Question, accelerator: Accelerator, served: ServedWeights) -> Iterator[Setting]:
    dialect, weights = _dialect(question), question.weights
    stored = question.served.precision if question.served else question.model.native_precision
    if served.online:
        method = question.runtime.online[weights.id]
        yield Setting("quantization", method, f"the checkpoint is in 16 bit; {weights.name} is made as it loads")
    has_bf16 = accelerator.peak_tflops.bf16 is not None or accelerator.peak_tflops.fp16 is None
    if dialect in ("vllm", "sglang"):
        if not has_bf16 and weights.id not in ("fp16", "fp32"):
            yield Setting("dtype", "half", f"{accelerator.name} has no bfloat16")
        elif stored in SIXTEEN_BITS and weights.id != stored and weights.id in ("fp16", "fp32"):
            dtype = {"fp16": "float16", "fp32": "float32"}[weights.id]
            yield Setting("dtype", dtype, f"{weights.name} was asked for; the checkpoint is in {stored.upper()}")
    low = question.kv_cache.id not in SIXTEEN_BITS if dialect == "llama.cpp" else question.kv_cache.id != "bf16"
    if question.runtime.flags.kv_cache and (low or (dialect != "llama.cpp" and _follows_itself(question))):
        name = question.runtime.kv_formats.get(question.kv_cache.id, question.kv_cache.id)
        if question.kv_cache.id == "fp8" and accelerator.architecture in BEFORE_E4M3 and dialect == "sglang":
            name = "fp8_e5m2"
        if name == "bfloat16" and not has_bf16:
            name = "float16"
        yield Setting("kv_cache", name, f"the KV cache is planned in {question.kv_cache.name}")


def _follows_itself(question: Question) -> bool:
    """Return whether a runtime would keep the KV cache in another precision than 16 bit unless it is told.

    Of a checkpoint that brings scales of the cache, and of sparse latent attention on Blackwell (vLLM 0.33,
    models/config.py, GlmMoeDsaForCausalLM; SGLang 0.5.23, arg_groups/overrides.py, DeepSeek DSA).
    """
    brings = question.served is not None and question.served.kv_precision is not None
    latent = (group.attention for group in question.model.layers)
    return brings or any(isinstance(one, LatentAttention) and one.indexer is not None for one in latent)


def _limits(question: Question, replica: Candidates) -> Iterator[Setting]:
    context = _context(question, replica)
    if _dialect(question) == "llama.cpp":
        yield from _slots(question, replica, context)
        return
    if context:
        yield Setting("context", context.tokens, context.why)
    # SGLang divides its limits by the ranks of attention (arg_groups/parallel_hook.py, model_executor); the others' are
    # those of a rank.
    ranks = int(replica.parallelism.dp[0])
    times = ranks if _dialect(question) == "sglang" else 1
    yield from _sequences(question, replica, ranks, times)
    budget = question.budget_on(replica.accelerator(0)) * times
    yield Setting("token_budget", budget, "tokens of a step, which the forecast rests on")
    share = f"{float(replica.memory.share[0]):.3g}"
    yield Setting("memory", share, "share of the memory in which weights and KV cache were planned")


def _prompts(question: Question) -> Iterator[Setting]:
    """Yield what a model's code and repeated prompts take."""
    flags, found = question.runtime.flags, question.spec.tokens.prefix_hit
    if flags.prefix_caching and found and not _has_state(question):
        yield Setting("prefix_caching", "", f"{found:.0%} of prompt tokens are found in the prefix cache")
    if flags.remote_code and question.model.remote_code:
        yield Setting("remote_code", "", f"{question.model.name} brings code of its own")


def _has_state(question: Question) -> bool:
    """Return whether running requests of a model hold a state of fixed size."""
    return any(layer.mixing and layer.mixing.state_bytes for layer in layers(question.model))


def _slots(question: Question, replica: Candidates, context: "Context | None") -> Iterator[Setting]:
    """Yield llama.cpp's context, which it allocates for all slots at its start, and its slots."""
    slots, ends = question.cap_on(replica.accelerator(0)), pool_ends(replica)
    limit = context.tokens if context else question.context_limit
    longest = longest_request(question, replica, ends[0] if ends else None, question.context_limit * slots)
    tokens = min(limit * slots, max(longest // CONTEXT_STEP, 1) * CONTEXT_STEP)
    room = "" if tokens == limit * slots else ", as many as the memory holds"
    yield Setting("context", tokens, f"the context of all {slots} slots together{room}")
    yield Setting("sequences", slots, "requests that run at a time")
    yield Setting("shared_slots", "", "the slots share one KV cache, so that a request may be longer than its share")


def _sequences(question: Question, replica: Candidates, ranks: int, times: int) -> Iterator[Setting]:
    """Yield the limit on the requests that run together, where the runtime's own is not what was planned.

    Args:
        replica: the candidate, an array of one.
        ranks: of attention.
        times: by which the flag is that of a rank.
    """
    accelerator = replica.accelerator(0)
    fit, planned = int(replica.seats_by_memory[0]) // ranks, question.cap_on(accelerator)
    usual = question.runtime.scheduler_on(accelerator).max_sequences
    if _has_state(question) and fit < planned:
        refused = f"; {planned:,} would not start" if _dialect(question) == "vllm" else ""
        why = f"each running request holds a state of fixed size, and memory has room for {fit:,} of them{refused}"
        yield Setting("sequences", fit * times, why)
    elif question.batch_cap == planned:
        yield Setting("sequences", planned * times, "the batch cap that was asked for")
    elif planned < usual:
        yield Setting("sequences", planned * times, f"a step of {planned:,} tokens has one for each request")


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


def _dialect(question: Question) -> str:
    return "llama.cpp" if question.runtime.id == "llama.cpp" else question.runtime.framework


def unsupported_note(question: Question, accelerator: Accelerator) -> str | None:
    """Return in one sentence that the runtime is not known to run there, and what is; None where it is."""
    runtime, model = question.runtime, question.model
    if not runtime.platforms or (runtime.platform_of(accelerator) and runtime.runs(model.id)):
        return None
    known = question.catalog.runtimes.values()
    others = [other for other in known if other.platform_of(accelerator) and other.runs(model.id)]
    there = "no runtime of the catalog is, and the figures are those of its scheduler"
    if others:
        there = f"{listed([other.name for other in others])} does (--runtime {others[0].id})"
    what = model.name if runtime.platform_of(accelerator) else f"on {accelerator.name}"
    return f"{runtime.name} is not known to run {what}: {there}"
