"""The launch command of a replica, and a note where its runtime does not run there."""

from catalogs.errors import listed
from catalogs.records.accelerators import Accelerator
from engine.question.resolve import Question


def launch_command(question: Question, accelerator: Accelerator, tp: int, pp: int, dp: int, ep: int) -> str:
    """Return what to type to start the runtime like this; empty where it has no command or does not run there.

    Context and batch are said only where somebody asked for them.
    """
    platform = question.runtime.platform_of(accelerator)
    if platform is None:
        return ""
    serving = question.spec.serving
    repository = question.checkpoint.repository if question.checkpoint else _repository(question)
    context, cap = serving.context_window, serving.batch_cap
    # What a checkpoint already is need not be asked for (a runtime refuses fp8 over a checkpoint that is quantised
    # already); online quantisation exists for fp8 alone.
    online = "fp8" if question.weights.id == "fp8" and _stored_in(question, repository) == "bf16" else ""
    match question.runtime.framework, question.runtime.id:
        case ("vllm", "llama.cpp"):
            parts = [f"llama-server -hf {repository}", f"-c {context}" if context else "", f"-np {cap}" if cap else ""]
        case ("vllm", _):
            parts = [
                f"vllm serve {repository}",
                f"--tensor-parallel-size {tp}" if tp > 1 else "",
                f"--pipeline-parallel-size {pp}" if pp > 1 else "",
                f"--data-parallel-size {dp}" if dp > 1 else "",
                "--enable-expert-parallel" if ep > 1 else "",
                f"--quantization {online}" if online else "",
                "--kv-cache-dtype fp8" if question.kv_cache.id == "fp8" else "",
                f"--max-model-len {context}" if context else "",
                f"--max-num-seqs {cap}" if cap else "",
                f"--max-num-batched-tokens {question.budget_tokens}",
                f"--gpu-memory-utilization {question.memory_utilisation:g}",
            ]
        case ("sglang", _):
            parts = [
                f"python -m sglang.launch_server --model-path {repository}",
                f"--tp {tp * dp}",
                f"--pp {pp}" if pp > 1 else "",
                f"--dp {dp} --enable-dp-attention" if dp > 1 else "",
                f"--ep {ep}" if ep > 1 else "",
                f"--quantization {online}" if online else "",
                "--kv-cache-dtype fp8_e4m3" if question.kv_cache.id == "fp8" else "",
                f"--context-length {context}" if context else "",
                f"--max-running-requests {cap}" if cap else "",
                f"--chunked-prefill-size {question.budget_tokens}",
                f"--mem-fraction-static {question.memory_utilisation:g}",
            ]
        case _:
            parts = [
                f"trtllm-serve {repository}",
                f"--tp_size {tp * dp}" if tp * dp > 1 else "",
                f"--pp_size {pp}" if pp > 1 else "",
                f"--ep_size {ep}" if ep > 1 else "",
                f"--max_seq_len {context}" if context else "",
                f"--max_batch_size {cap}" if cap else "",
                f"--max_num_tokens {question.budget_tokens}",
                f"--kv_cache_free_gpu_memory_fraction {question.memory_utilisation:g}",
            ]
    return " ".join(part for part in parts if part and part.split()[0] not in platform.without)


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


def _stored_in(question: Question, repository: str) -> str:
    """Return the precision in which a repository of the model is stored."""
    known = (question.checkpoint, *question.model.checkpoints)
    return next((c.precision for c in known if c and c.repository == repository), question.model.native_precision)


def _repository(question: Question) -> str:
    wanted = question.weights.id
    stored = question.model.checkpoints
    same = [c.repository for c in stored if c.precision == wanted]
    return (same or [c.repository for c in stored] or [question.spec.model])[0]
