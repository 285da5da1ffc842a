"""The endpoints that scripts of earlier calculators use: their field names, our physics.

Sizes are in GB (1e9 bytes), times in seconds. A batch of equal prompts starts together on one replica: the decoding
step is bound by the bytes that it reads unless compute takes longer, and tokens/s are the batch over that step.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from agent.statements.dimensions import OWN_MODEL, architecture_of
from agent.statements.flags import ONE_TOO_MANY
from catalogs.errors import InputError, quoted
from catalogs.matrices import total_parameters
from catalogs.records.models import ModelArchitecture
from catalogs.units import GB, GIB
from commands.serve.answers.work import Answer, Desk, json_answer, refuse_outside, refuse_unknown, whole
from commands.serve.documented import BODIES

ANSWER: Final = 32
"""Tokens of the answers over which the decoding step is averaged."""
HEAD: Final = 128
"""Usual width of a head, where only the hidden size is given."""
STAND_IN: Final = "a100-sxm-80gb"
"""Whose memory and bandwidth hold where only TFLOP/s are given: the default of 312 is its own."""
BESIDE: Final = ("a100-sxm-80gb", "h100-sxm-80gb", "h200-sxm-141gb", "l40s", "mi300x", "b200-sxm")
"""Accelerators whose throughput stands beside; those of them that the catalog has."""
PRECISIONS: Final = ("fp16", "bf16", "fp32", "fp8", "int8", "int4")


class _Replica(Struct, frozen=True):
    """One replica under a batch that starts together."""

    tensor_parallel: int
    pipeline_parallel: int
    weights: float
    """Bytes on one accelerator; so are the four below."""
    activations: float
    runtime: float
    kv_cache: float
    """Of the whole batch, at its full length."""
    usable: float
    """That the runtime may take: its share of the memory, as at every other door."""
    prefill_s: float
    token_s: float

    @property
    def held(self) -> float:
        """All that there is on one accelerator."""
        return self.weights + self.activations + self.runtime + self.kv_cache

    @property
    def fits(self) -> bool:
        return self.held <= self.usable

    @property
    def accelerators(self) -> int:
        return self.tensor_parallel * self.pipeline_parallel


# --- what is asked ----------------------------------------------------------------------------------------------------


def _number(tree: Mapping[str, Any], name: str, default: float | None, most: float) -> float:
    value = tree.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:
        raise InputError(f"{name} is {quoted(value)} where a number above 0 and up to {most:,g} is expected")
    return float(value)


def _text(tree: Mapping[str, Any], name: str, default: str) -> str:
    value = tree.get(name)
    if value is None or value == "":
        return default
    if not isinstance(value, str):
        raise InputError(f"{name} is {quoted(value)} where a text is expected")
    return value


def _own_model(tree: Mapping[str, Any], length: int, hidden: str, feed_forward: str, *others: str) -> ModelArchitecture:
    """Return the model whose sizes are given, two of them under names that differ from one endpoint to the other.

    Raises InputError that names all sizes, and other fields that an endpoint needs, which are not there.
    """
    needed = (*others, hidden, feed_forward, "num_layers", "vocab_size")
    if missing := [name for name in needed if tree.get(name) is None]:
        raise InputError(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} needed")
    width = whole(tree, hidden)
    return architecture_of(
        {
            "hidden_size": width,
            "intermediate_size": whole(tree, feed_forward),
            "layers": whole(tree, "num_layers", most=10_000),
            "vocab_size": whole(tree, "vocab_size"),
            "heads": width // HEAD if width % HEAD == 0 else 1,
            "max_context": length + ANSWER,
        }
    )


def _precision(tree: Mapping[str, Any]) -> str:
    said = _text(tree, "precision", "fp16").lower()
    if said not in PRECISIONS:
        raise InputError(f"precision is {quoted(said)}; {', '.join(PRECISIONS)} are accepted")
    return said


class _Case(Struct, frozen=True):
    """What is asked, apart from the accelerator."""

    model: ModelArchitecture
    precision: str
    length: int
    batch: int

    def question(self, accelerator: str, desk: Desk) -> Any:
        """Return the question of one batch of equal prompts."""
        from engine.question.resolve import resolve
        from engine.workload import spec_from

        values = {
            "model": self.model.id,
            "architecture": self.model,
            "traffic.concurrency": self.batch,
            "tokens.input.mean": self.length,
            "tokens.input.cv": 0,
            "tokens.output.mean": ANSWER,
            "tokens.output.cv": 0,
            "precision.weights": self.precision,
            "hardware.accelerators": (accelerator,),
        }
        if self.model.id != OWN_MODEL:
            del values["architecture"]
        return resolve(spec_from(values), desk.facts)


def _measured(case: _Case, question: Any, tp: int, pp: int) -> _Replica | None:
    """Return a replica of a split; None where the split is not legal."""
    import numpy as np

    from engine.estimate.smallest_fit import sequence_bytes_at_end
    from engine.fleet.candidates import single
    from engine.fleet.parallelisms import illegal_because
    from engine.replica.closed_forms import static_batch
    from engine.step.parallelism import ParallelSizes

    sizes = ParallelSizes(tp, pp, 1, 1)
    if illegal_because(question, sizes):
        return None
    found = single(question, sizes)
    memory = found.memory
    weights, activations, runtime = (float(part[0]) for part in (memory.weights, memory.activations, memory.runtime))
    taken, pool = weights + activations + runtime, float(memory.kv_cache[0])
    usable = float(question.usable_bytes(memory.total, np.array([taken]), memory.runtime, memory.share)[0])
    figures = static_batch(found.replicas(), np.array([float(case.batch)]))
    assert figures.ttft_s is not None and figures.itl_s is not None  # a batch that starts together has both
    return _Replica(
        tensor_parallel=tp,
        pipeline_parallel=pp,
        weights=weights,
        activations=activations,
        runtime=runtime,
        kv_cache=case.batch * sequence_bytes_at_end(question, found),
        usable=taken + pool if pool else usable,
        prefill_s=float(figures.ttft_s.flat[0]),
        token_s=float(figures.itl_s.flat[0]),
    )


def _smallest(case: _Case, question: Any, *, pipeline: bool = False) -> _Replica:
    """Return the replica with the fewest accelerators that holds the batch.

    Raises InputError where none does.
    """
    last = None
    for size in (1, 2, 4, 8, 16, 32, 64):
        found = _measured(case, question, 1, size) if pipeline else _split(case, question, size)
        if found is not None and found.fits:
            return found
        last = found or last
    needed = last.held / GB if last else 0.0
    raise InputError(
        f"{case.batch:,} sequences of {case.length:,} tokens do not fit on 64 × {question.accelerators[0].name}: "
        f"{needed:,.0f} GB would be needed on each; take a smaller batch_size or seq_length"
    )


def _split(case: _Case, question: Any, size: int) -> _Replica | None:
    node = question.accelerators[0].per_node
    return _measured(case, question, min(size, node), max(1, size // node))


# --- /api/calculate ---------------------------------------------------------------------------------------------------


def calculated(tree: dict[str, Any], desk: Desk) -> Answer:
    """Return memory, FLOPs, latency and parallelism of a model under one batch of equal prompts.

    Raises InputError naming the field.
    """
    refuse_unknown(tree, BODIES["calculate"].properties)
    kind = _text(tree, "calculation_type", "model")
    if kind != "model":
        raise InputError(f"calculation_type is {quoted(kind)}; only 'model' is accepted")
    length, batch = whole(tree, "seq_length", 2048), whole(tree, "batch_size", 1, 100_000)
    name = _text(tree, "model_name", "custom")
    model = _model(tree, name, length, desk)
    if length + ANSWER > model.max_context:
        raise InputError(f"seq_length {length:,} with an answer is beyond the {model.max_context:,} that {name} reads")
    case = _Case(model, _precision(tree), length, batch)
    gpu = _text(tree, "gpu", "")
    accelerator = desk.facts.accelerator(gpu or STAND_IN)
    question = case.question(accelerator.id, desk)
    unit = getattr(accelerator.peak_tflops, "bf16", None) or accelerator.peak_tflops.fp16 or 1.0
    tflops = _number(tree, "gpu_tflops", float(unit) if gpu else 312.0, 1e6)
    factor = None if tree.get("efficiency_factor") is None else _number(tree, "efficiency_factor", None, 1.0)
    return json_answer(_calculation(case, question, tflops, unit, factor, desk, name), name)


def _model(tree: Mapping[str, Any], name: str, length: int, desk: Desk) -> ModelArchitecture:
    described = [one for one in ("hidden_dim", "ff_dim", "num_layers", "vocab_size") if tree.get(one)]
    if name != "custom":
        if described:
            raise InputError(f"model_name names a model and {described[0]} describes another: {ONE_TOO_MANY}")
        refuse_outside(name, Desk(desk.facts))
        return desk.facts.model(name).model
    if not described:
        raise InputError("model_name is needed, or hidden_dim, ff_dim, num_layers and vocab_size")
    return _own_model(tree, length, "hidden_dim", "ff_dim")


def _calculation(
    case: _Case, question: Any, tflops: float, unit: float, factor: float | None, desk: Desk, name: str
) -> dict[str, Any]:
    from engine.estimate.estimate import flops_of

    found, beside = _smallest(case, question), _beside(case, desk)
    prompt, count = flops_of(question), found.accelerators
    prefill_flops = prompt.prefill_total * case.batch
    prefill, token = _times(found, prompt.per_token * case.batch, prefill_flops, tflops, unit, factor)
    weights, cache, activations = (part * count for part in (found.weights, found.kv_cache, found.activations))
    base = weights + cache + activations
    whole = base + found.runtime * count
    parameters, tokens = total_parameters(case.model), case.length + ANSWER
    bandwidth = question.accelerators[0].memory_bytes_per_s
    steps = [
        f"{parameters / 1e9:.3g} billion parameters in {question.weights.name}: {weights / GB:.4g} GB",
        f"KV cache of {case.batch:,} × {tokens:,} tokens in {question.kv_cache.name}: {cache / GB:.4g} GB",
        f"activations of a step: {activations / GB:.4g} GB; the runtime's own: {found.runtime * count / GB:.4g} GB",
        f"{count} × {question.accelerators[0].name} hold {whole / GB:.4g} GB; {found.usable / GB:.4g} GB of each are "
        "usable, the rest is left free",
        f"a step reads weights and KV cache: {token * 1e3:.4g} ms a token for {case.batch:,} sequences",
        "throughput_by_gpu: tokens/s of each GPU of the smallest replica that holds the batch, of num_gpus_by_gpu",
    ]
    if factor is not None:
        steps.append(f"compute runs at {factor:g} of {tflops:g} TFLOP/s, as efficiency_factor says")
    if case.model.id == OWN_MODEL:
        steps.append(f"every one of {case.model.hidden_size // HEAD or 1} heads keeps its own keys and values")
    kind = {(False, False): "none", (True, False): "tensor", (False, True): "pipeline", (True, True): "tensor_pipeline"}
    strategy = kind[found.tensor_parallel > 1, found.pipeline_parallel > 1]
    return {
        "model_name": name,
        "parameters_billions": parameters / 1e9,
        "vram": _vram(found, base, whole),
        "flops": {
            "attention": prompt.attention * case.batch,
            "feedforward": prompt.feed_forward * case.batch,
            "prefill_total": prefill_flops,
            "per_token": prompt.per_token,
        },
        "performance": {
            "tokens_per_second": case.batch / token,
            "prefill_latency": prefill,
            "token_latency": token,
            "time_for_1000_tokens": 1000 * token,
            "throughput_by_gpu": {name: case.batch / one.token_s / one.accelerators for name, one in beside.items()},
            "num_gpus_by_gpu": {name: one.accelerators for name, one in beside.items()},
            "bandwidth_utilization": min((found.weights + found.kv_cache) / (bandwidth * token), 1.0),
        },
        "parallelism": {
            "strategy": strategy,
            "recommended_strategy": strategy,
            "tp_size": found.tensor_parallel,
            "pp_size": found.pipeline_parallel,
            "tensor_parallel_gpus": found.tensor_parallel,
            "pipeline_parallel_gpus": found.pipeline_parallel,
            "num_gpus": count,
            "effective_tflops": prefill_flops / prefill / 1e12,
            "compared": _strategies(case, question, found),
        },
        "overheads_used": {"weights": 1.0, "kv_cache": 1.0, "activations": 1.0, "system": whole / base},
        "history": steps,
    }


def _times(
    found: _Replica, token_flops: float, prefill_flops: float, tflops: float, unit: float, factor: float | None
) -> tuple[float, float]:
    """Return seconds of the prefill and of a decoding step.

    A given factor is compute's efficiency, and the step's floor; without one, our own figures are scaled by the rate.
    """
    if factor is None:
        return found.prefill_s * unit / tflops, found.token_s
    rate = tflops * 1e12 * factor * found.accelerators
    return prefill_flops / rate, max(found.token_s, token_flops / rate)


def _vram(found: _Replica, base: float, whole: float) -> dict[str, float]:
    each = {"model": found.weights, "kv_cache": found.kv_cache, "activations": found.activations}
    sizes: dict[str, float] = {}
    for part, size in each.items():
        sizes |= {
            f"{part}_base": size * found.accelerators / GB,
            f"{part}_with_overhead": size * found.accelerators / GB,
            f"{part}_per_gpu": size / GB,
            f"{part}_per_gpu_with_overhead": size / GB,
        }
    total = {
        "total_base": base,
        "total_with_component_overhead": base,
        "total_system_wide": whole,
        "total_base_per_gpu": base / found.accelerators,
        "total_per_gpu_with_component_overhead": base / found.accelerators,
        "usable_per_gpu": found.usable,
    }
    return sizes | {name: size / GB for name, size in total.items()}


def _beside(case: _Case, desk: Desk) -> dict[str, _Replica]:
    """Return the smallest replica on each of some accelerators; those that cannot hold the batch are left out."""
    found = {}
    for name in BESIDE:
        if name in desk.facts.accelerators:
            try:
                found[name] = _smallest(case, case.question(name, desk))
            except InputError:
                continue
    return found


def _strategies(case: _Case, question: Any, found: _Replica) -> dict[str, Any]:
    """Return tensor, pipeline and sequence parallelism over as many accelerators, each in one shape or null."""
    size = max(found.accelerators, 2)
    tensor, pipeline = _split(case, question, size), _measured(case, question, 1, size)
    alone = _measured(case, question, 1, 1)
    sequence = None
    if alone is not None:
        # Each holds all weights and its share of every sequence: prompts are shared out, a step reads all weights.
        sequence = replace(alone, kv_cache=alone.kv_cache / size, prefill_s=alone.prefill_s / size)
    return {
        name: None
        if one is None
        else {
            "num_gpus": size,
            "fits": one.fits,
            "vram_per_gpu_gb": one.held / GB,
            "prefill_latency": one.prefill_s,
            "token_latency": one.token_s,
            "tokens_per_second": case.batch / one.token_s,
        }
        for name, one in (("tensor", tensor), ("pipeline", pipeline), ("sequence", sequence))
    }


# --- /api/model_scaling_analysis --------------------------------------------------------------------------------------


def scaled(tree: dict[str, Any], desk: Desk) -> Answer:
    """Return how many accelerators of a memory a model takes, by tensor and by pipeline parallelism.

    Raises InputError naming the field.
    """
    refuse_unknown(tree, BODIES["model_scaling_analysis"].properties)
    length, batch = whole(tree, "sequence_length", 2048), whole(tree, "batch_size", 1, 100_000)
    model = _own_model(tree, length, "hidden_dimensions", "feedforward_dimensions", "gpu_vram_gb")
    capacity = _number(tree, "gpu_vram_gb", None, 1e5)
    case = _Case(model, _precision(tree), length, batch)
    accelerator = desk.facts.accelerator(STAND_IN)
    question = case.question(accelerator.id, desk)
    question = replace(question, accelerators=(replace(accelerator, memory_gib=capacity * GB / GIB),))
    one = _measured(case, question, 1, 1)
    assert one is not None  # one accelerator is legal for every model
    tensor, pipeline = _fitting(case, question, pipeline=False), _fitting(case, question, pipeline=True)
    if tensor is None and pipeline is None:
        raise InputError(f"{capacity:g} GB are too few for this model, however many of them; take larger ones")
    fewest = min(found.accelerators for found in (tensor, pipeline) if found is not None)
    if one.fits:
        strategy = "single_gpu"
    else:
        strategy = "tensor_parallel" if tensor is not None and tensor.accelerators == fewest else "pipeline_parallel"
    return json_answer(
        {
            "total_vram_required_gb": one.held / GB,
            "gpu_vram_capacity_gb": capacity,
            "fits_on_single_gpu": one.fits,
            "num_gpus_required": fewest,
            "recommended_strategy": strategy,
            "scaling_details": {
                "usable_vram_per_gpu_gb": one.usable / GB,
                "single_gpu_memory_breakdown": {
                    "model_weights_gb": one.weights / GB,
                    "kv_cache_gb": one.kv_cache / GB,
                    "activation_memory_gb": (one.activations + one.runtime) / GB,
                    "optimizer_states_gb": 0.0,
                    "gradient_accumulation_gb": 0.0,
                },
                "parallel_strategies": {
                    "tensor_parallel": _strategy(tensor, "high", "low"),
                    "pipeline_parallel": _strategy(pipeline, "low", "medium"),
                },
            },
        },
        "model scaling analysis",
    )


def _fitting(case: _Case, question: Any, *, pipeline: bool) -> _Replica | None:
    try:
        return _smallest(case, question, pipeline=pipeline)
    except InputError:
        return None


def _strategy(found: _Replica | None, overhead: str, complexity: str) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "num_gpus": found.accelerators,
        "vram_per_gpu_gb": found.held / GB,
        "communication_overhead": "none" if found.accelerators == 1 else overhead,
        "implementation_complexity": "none" if found.accelerators == 1 else complexity,
    }
