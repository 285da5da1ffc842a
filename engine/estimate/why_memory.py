"""Why the memory of a replica is what it is."""

from collections.abc import Iterator

from catalogs.records.models import ModelArchitecture
from catalogs.storage import Storage, weights_by_part
from engine.estimate.estimate import Estimate
from engine.estimate.figure import Figure, Input
from engine.estimate.given_load import Basis
from engine.estimate.stored_weights import PART_NAMES
from engine.fleet.candidates import SEAT_SHARE, Memories, single
from engine.question.resolve import Question
from engine.step.memory import kv_bytes_per_token, kv_parts, weights_bytes

HELD = {False: "prompt + half the answer, of those that run", True: "prompt + the answer reserved for it"}
"""What a running sequence holds, by whether the runtime reserves its answer."""


def memory_figures(result: Estimate) -> Iterator[Figure]:
    """Yield the figures of memory, those first that others follow from."""
    basis, memory = result.basis, result.memory
    question, accelerator, one = basis.question, basis.found.accelerator(0), result.memory.per_accelerator
    weights, kv = question.weights, question.kv_cache
    storage = question.storage
    yield Figure(
        "weights, whole model",
        memory.weights_bytes,
        "bytes",
        "parameters × bytes per element"
        if weights.bits >= 16
        else "Σ parts: parameters × bytes per element in which the part is stored",
        weights_bytes,
        (question.model, storage),
        (
            Input("parameters", float(question.parameters), "", question.model.source),
            Input(f"bytes per element of {weights.name}", weights.bytes_per_element, "bytes", weights.source),
        ),
        weight_parts(question.model, storage),
    )
    yield Figure(
        "weights per accelerator",
        one.weights_bytes,
        "bytes",
        "each matrix over the ways in which it can be cut, replicated beyond; the fullest accelerator",
        weights_on_one,
        (basis,),
        (Input("weights, whole model", memory.weights_bytes, "bytes", "above"), *parallelism_inputs(result)),
    )
    yield Figure(
        "KV cache per token, whole model",
        memory.kv_cache_bytes_per_token,
        "bytes",
        "Σ layers × elements cached per token × bytes per element",
        kv_bytes_per_token,
        (question.model, kv.bytes_per_element),
        (
            Input("layers", float(question.model.layer_count), "", question.model.source),
            Input(f"bytes per element of {kv.name}", kv.bytes_per_element, "bytes", kv.source),
        ),
        kv_parts(question.model, kv.bytes_per_element),
    )
    yield Figure(
        "KV cache pool per accelerator",
        one.kv_cache_bytes,
        "bytes",
        "utilisation × (memory − weights − activations − runtime)"
        if question.runtime.utilises_free_memory
        else "utilisation × memory − weights − activations − runtime",
        pool_on_one,
        (basis,),
        (
            Input("memory", one.total_bytes, "bytes", accelerator.source),
            Input("utilisation", float(basis.found.memory.share[0]), "", _stated(result, "memory utilisation")),
            Input(
                "activations at the token budget", one.activations_bytes, "bytes", "engine.step.memory.activation_bytes"
            ),
            Input("runtime", one.runtime_bytes, "bytes", question.runtime.source),
        ),
        {
            "usable": one.total_bytes - one.unused_bytes,
            "weights": -one.weights_bytes,
            "activations": -one.activations_bytes,
            "runtime": -one.runtime_bytes,
        },
    )
    yield Figure(
        "sequences of mean length that fit",
        float(memory.max_concurrent_sequences),
        "",
        f"{SEAT_SHARE:.0%} of the pool / KV of a live sequence, rounded down, × data-parallel ranks",
        sequences_that_fit,
        (basis,),
        (
            Input("pool per accelerator", one.kv_cache_bytes, "bytes", "above"),
            Input("tokens that it holds", question.held_tokens, "", HELD[question.runtime.scheduler.reserve_output]),
            *_set_aside(question),
            Input("KV of it on one accelerator", float(basis.found.memory.planned[0]), "bytes", "sharded as above"),
        ),
    )


def _set_aside(question: Question) -> Iterator[Input]:
    """Yield what a runtime keeps free beside what its requests hold, where it admits by what they may yet ask for."""
    if question.aside_tokens:
        said = "a share of what its client may yet ask for"
        yield Input("set aside for the rest of its answer", question.aside_tokens, "tokens", said)
        yield Input("left free of the pool", question.entry_tokens, "tokens", "a prompt and what its client asks for")


def weight_parts(model: ModelArchitecture, storage: Storage) -> dict[str, float]:
    """Return the bytes of the whole model's weights by what they do."""
    parts = weights_by_part(model, storage)
    return {name: parts[part] for part, name in PART_NAMES.items() if parts.get(part)}


def weights_on_one(basis: Basis) -> float:
    """Return the weight bytes on the fullest accelerator."""
    return float(_measured_again(basis).weights[0])


def pool_on_one(basis: Basis) -> float:
    """Return the KV pool of one accelerator, bytes."""
    return float(_measured_again(basis).kv_cache[0])


def sequences_that_fit(basis: Basis) -> float:
    """Return how many sequences of mean length fit in a replica."""
    return float(single(basis.question, basis.found.parallelism.sizes()).seats_by_memory[0])


def _measured_again(basis: Basis) -> Memories:
    return single(basis.question, basis.found.parallelism.sizes()).memory


def parallelism_inputs(result: Estimate) -> tuple[Input, ...]:
    """Return the parallelism of a replica as inputs, where it splits anything."""
    setup = result.setup
    axes = {
        "tensor parallelism": setup.tensor_parallel,
        "pipeline parallelism": setup.pipeline_parallel,
        "data parallelism": setup.data_parallel,
        "expert parallelism": setup.expert_parallel,
    }
    fixed = "given" if result.basis.question.spec.serving.tensor_parallel else "the smallest that fits"
    return tuple(Input(name, float(size), "", fixed) for name, size in axes.items() if size > 1)


def _stated(result: Estimate, what: str) -> str:
    question = result.basis.question
    return f"the {what} that is given" if question.spec.serving.memory_utilisation else question.runtime.source
