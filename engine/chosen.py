"""The chosen candidate as the plan states it: the replica, its memory, where its figures come from, how to start it."""

import hashlib
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version

from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError, listed
from catalogs.records import Accelerator
from engine.candidates import Candidates, single
from engine.kernels import compute_unit
from engine.memory import kv_bytes_per_token, weights_bytes
from engine.plan import (
    AcceleratorMemory,
    CapacityPlan,
    Chosen,
    ChosenPrecision,
    Memory,
    Performance,
    Provenance,
    Verdict,
)
from engine.resolve import Question, resolve
from engine.search import MARGINAL_WEIGHTS, Evaluated


def chosen_of(question: Question, best: Evaluated) -> Chosen:
    """Return the replica of an array of one."""
    spread = best.candidates.spread
    accelerator = best.candidates.accelerator(0)
    tp, pp, dp, ep = (int(axis[0]) for axis in (spread.tp, spread.pp, spread.dp, spread.ep))
    choice = best.offers[0]
    return Chosen(
        model=question.model.id,
        model_name=question.model.name,
        accelerator=accelerator.id,
        accelerator_name=accelerator.name,
        accelerators_per_replica=int(spread.accelerators[0]),
        tensor_parallel=tp,
        pipeline_parallel=pp,
        data_parallel=dp,
        expert_parallel=ep,
        precision=ChosenPrecision(
            question.weights.id, question.kv_cache.id, compute_unit(accelerator, question.weights)
        ),
        runtime=question.runtime.id,
        offer=choice.median.chosen() if choice else None,
        flags=launch_command(question, accelerator, tp, pp, dp, ep),
        needs=platform.needs if (platform := question.runtime.platform_of(accelerator)) else "",
    )


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


def memory_of(question: Question, best: Evaluated, at_peak: Performance) -> Memory:
    """Return the memory of one replica at the peak and the verdict on it."""
    return replica_memory(question, best.candidates, at_peak.kv_cache_usage)


def replica_memory(question: Question, found: Candidates, kv_cache_usage: float) -> Memory:
    """Return the memory of one replica (an array of one) of whose KV pool a share is in use, and the verdict on it."""
    memory = found.memory
    size, dp = int(found.spread.accelerators[0]), int(found.spread.dp[0])
    sequence, pool = float(memory.sequence[0]), float(memory.kv_cache[0])
    usable = float(memory.usable[0])
    verdict: Verdict = "compatible"
    if float(memory.weights[0]) > MARGINAL_WEIGHTS * usable or pool < 4 * float(memory.sequence_p95[0]):
        verdict = "marginal"
    kv_bytes = question.kv_cache.bytes_per_element
    return Memory(
        weights_bytes=weights_bytes(question.model, question.weights, question.parameters),
        kv_cache_bytes_per_token=kv_bytes_per_token(question.model, kv_bytes),
        kv_cache_bytes_per_sequence=sequence * size / dp,
        kv_cache_pool_bytes=pool * size,
        max_concurrent_sequences=int(found.seats_by_memory[0]),
        # Where nearly all of a sequence is state of fixed size, the share kept free for longer ones counts more.
        max_concurrent_sequences_p95=int(
            min(pool / max(float(memory.sequence_p95[0]), 1.0) * dp, float(found.seats_by_memory[0]))
        ),
        headroom=1.0 - kv_cache_usage,
        verdict=verdict,
        per_accelerator=AcceleratorMemory(
            total_bytes=float(memory.total[0]),
            weights_bytes=float(memory.weights[0]),
            kv_cache_bytes=pool,
            activations_bytes=float(memory.activations[0]),
            runtime_bytes=float(memory.runtime[0]),
            unused_bytes=float(memory.unused[0]),
        ),
    )


def provenance_of(question: Question, best: Evaluated) -> Provenance:
    """Return what the plan was made from."""
    accelerator = best.candidates.accelerator(0)
    used = [question.model, question.runtime, question.weights, question.kv_cache, accelerator]
    digest = hashlib.sha256("\n".join(map(repr, used)).encode()).hexdigest()[:16]
    origin = best.candidates.rates[int(best.candidates.which[0])].origin
    return Provenance(
        program="fleetcast",
        version=program_version(),
        catalog=digest,
        kernels=f"{accelerator.name}: kernel times {origin}",
        method="roofline kernels with measured efficiencies; batch fixed point; closed-form waits",
    )


def chosen_candidate(plan: CapacityPlan, catalog: Catalog) -> tuple[Question, Candidates]:
    """Return the question that a plan answers and the candidate that it chose, an array of one.

    Raises:
        InputError: names that the catalog does not know.
    """
    chosen = plan.chosen
    question = replace(resolve(plan.spec, catalog), accelerators=(catalog.accelerator(chosen.accelerator),))
    found = single(
        question, chosen.tensor_parallel, chosen.pipeline_parallel, chosen.data_parallel, chosen.expert_parallel
    )
    if found.seats_by_memory[0] < 1:
        raise InputError(
            f"{chosen.model_name} no longer fits on {chosen.accelerators_per_replica} × {chosen.accelerator_name} by "
            "this catalog; make the plan anew"
        )
    return question, found


def fleet_rate(plan: CapacityPlan, question: Question, *, peak: bool = False) -> float:
    """Return mean requests/s over the whole fleet, or at the peak hour; a closed loop at the rate its clients reach."""
    traffic = plan.spec.traffic
    if question.mean_rate is not None:
        return question.mean_rate * (traffic.peak_factor if peak else 1.0)
    at = plan.performance.at_peak if peak else plan.performance.at_mean
    return at.requests_per_s * plan.fleet.replicas


@lru_cache(maxsize=1)
def program_version() -> str:
    """Return the installed version, or that of a checkout."""
    try:
        return version("fleetcast")
    except PackageNotFoundError:
        return "0.1.0"
