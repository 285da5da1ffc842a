"""Why a figure is what it is: the function and the inputs that made it, and the parts that sum to it.

``Figure.again`` calls the function with its inputs and must give the same value.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from catalogs.matrices import embedding_parameters, layer_matrices, linear_extra_parameters
from catalogs.records import ModelArchitecture, Precision
from engine.candidates import SEAT_SHARE, single
from engine.estimate import Estimate, Flops, computed_tokens, flops_of
from engine.given_load import Basis, Point, figures_of, point_of
from engine.memory import PLAIN_BYTES, kv_bytes_per_token, quantised_parameters, quantised_roles, weights_bytes
from engine.operations import INDEX_KEY_BYTES, layers
from engine.plan import Rejection


@dataclass(frozen=True, slots=True)
class Input:
    """A value that a figure was made from."""

    name: str
    value: float
    unit: str
    source: str
    """Where it was read, or 'above' for another figure."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its derivation."""

    name: str
    value: float
    unit: str
    formula: str
    function: Callable[..., float]
    arguments: tuple[Any, ...]
    inputs: tuple[Input, ...] = ()
    parts: Mapping[str, float] = field(default_factory=dict)
    """They sum to the value, in its unit; empty where the formula is a product."""

    def again(self) -> float:
        """Call the function with its inputs."""
        return float(self.function(*self.arguments))

    @property
    def made_by(self) -> str:
        """The function's place: engine.memory.weights_bytes."""
        return f"{self.function.__module__}.{self.function.__name__}"


def explain(result: Estimate) -> tuple[Figure, ...]:
    """Return every figure of an estimate with its derivation, in the order in which they follow from each other."""
    return (*_memory_figures(result), *_flop_figures(result), *_time_figures(result), *_throughput_figures(result))


# --- memory -----------------------------------------------------------------------------------------------------------


def _memory_figures(result: Estimate) -> Iterator[Figure]:
    basis, memory = result.basis, result.memory
    question, accelerator, one = basis.question, basis.found.accelerator(0), result.memory.per_accelerator
    weights, kv = question.weights, question.kv_cache
    low = quantised_parameters(question.model)
    yield Figure(
        "weights, whole model",
        memory.weights_bytes,
        "bytes",
        "parameters × bytes per element"
        if weights.bits >= 16
        else f"quantised parameters × bytes per element + the others × {PLAIN_BYTES:g} bytes",
        weights_bytes,
        (question.model, weights, question.parameters),
        (
            Input("parameters", float(question.parameters), "", question.model.source),
            *([Input("of them quantised", float(low), "", question.model.source)] if weights.bits < 16 else []),
            Input(f"bytes per element of {weights.name}", weights.bytes_per_element, "bytes", weights.source),
        ),
        weight_parts(question.model, weights),
    )
    yield Figure(
        "weights per accelerator",
        one.weights_bytes,
        "bytes",
        "each matrix over the ways in which it can be cut, replicated beyond; the fullest accelerator",
        weights_on_one,
        (basis,),
        (Input("weights, whole model", memory.weights_bytes, "bytes", "above"), *_spread_inputs(result)),
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
    usable = question.memory_utilisation * one.total_bytes
    yield Figure(
        "KV cache pool per accelerator",
        one.kv_cache_bytes,
        "bytes",
        "utilisation × memory − weights − activations − runtime",
        pool_on_one,
        (basis,),
        (
            Input("memory", one.total_bytes, "bytes", accelerator.source),
            Input("utilisation", question.memory_utilisation, "", _stated(result, "memory utilisation")),
            Input("activations at the token budget", one.activations_bytes, "bytes", "engine.memory.activation_bytes"),
            Input("runtime", one.runtime_bytes, "bytes", question.runtime.source),
        ),
        {
            "usable": usable,
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
            Input("live tokens of a sequence", question.lengths.live_mean, "", "prompt + half the answer"),
            Input("KV of it on one accelerator", float(basis.found.memory.sequence[0]), "bytes", "sharded as above"),
        ),
    )


def weight_parts(model: ModelArchitecture, weights: Precision) -> dict[str, float]:
    """Return the bytes of the whole model's weights by what they do."""
    plain = weights.bytes_per_element if weights.bits >= 16 else PLAIN_BYTES
    low = quantised_roles(model)
    names = {
        "attention": "attention",
        "dense": "feed-forward",
        "expert": "routed experts",
        "shared": "shared experts",
        "router": "routers",
    }
    parts = dict.fromkeys(names.values(), 0.0)
    others = 0.0
    for group in model.layers:
        others += group.count * linear_extra_parameters(group)
        for matrix in layer_matrices(group, model.hidden_size):
            each = weights.bytes_per_element if matrix.role in low else plain
            parts[names[matrix.role]] += group.count * matrix.parameters * each
    parts["embedding and LM head"] = embedding_parameters(model) * plain
    norms = model.hidden_size * (2 * model.layer_count + 1)
    parts["norms and others"] = (norms + others + model.extra_parameters) * plain
    return {name: value for name, value in parts.items() if value}


def kv_parts(model: ModelArchitecture, kv_bytes: float) -> dict[str, float]:
    """Return the whole model's KV bytes of one token by kind of layer."""
    parts: dict[str, float] = {}
    for layer in layers(model):
        mix = layer.mixing
        if mix is None or not mix.heads:
            continue
        if not mix.splits:
            kind = "latent attention"
        else:
            kind = f"sliding window of {mix.window:,}" if mix.window else "full attention"
        name = f"{kind}, {mix.cache_elements:,} elements per layer"
        parts[name] = parts.get(name, 0.0) + layer.count * mix.cache_elements * kv_bytes
        if mix.index_elements:
            keys = layer.count * mix.index_elements * INDEX_KEY_BYTES
            parts["index keys"] = parts.get("index keys", 0.0) + keys
    return parts


def weights_on_one(basis: Basis) -> float:
    """Return the weight bytes on the fullest accelerator."""
    return float(_measured_again(basis).weights[0])


def pool_on_one(basis: Basis) -> float:
    """Return the KV pool of one accelerator, bytes."""
    return float(_measured_again(basis).kv_cache[0])


def sequences_that_fit(basis: Basis) -> float:
    """Return how many sequences of mean length fit in a replica."""
    memory = _measured_again(basis)
    return float(np.floor(SEAT_SHARE * memory.kv_cache[0] / memory.sequence[0] * basis.found.spread.dp[0]))


def _measured_again(basis: Basis) -> Any:
    spread = basis.found.spread
    return single(basis.question, *(int(axis[0]) for axis in (spread.tp, spread.pp, spread.dp, spread.ep))).memory


# --- FLOPs ------------------------------------------------------------------------------------------------------------


def _flop_figures(result: Estimate) -> Iterator[Figure]:
    question, count = result.basis.question, result.flops
    model = question.model
    cached = question.lengths.prompt.mean - computed_tokens(question)
    yield Figure(
        "FLOPs of a mean prompt",
        count.prefill_total,
        "FLOP",
        "2 × parameters × tokens (routed experts: the active share) + 2 × heads × (dₖ + dᵥ) × tokens × context before",
        _flop_count,
        (question, "prefill_total"),
        (
            Input("prompt tokens computed", computed_tokens(question), "", "prompt length less what the cache holds"),
            Input("prompt tokens cached", cached, "", "prefix hits"),
            Input("layers", float(model.layer_count), "", model.source),
        ),
        {"attention": count.attention, "feed-forward": count.feed_forward, "LM head": count.lm_head},
    )
    yield Figure(
        "FLOPs of a decoding token",
        count.per_token,
        "FLOP",
        "the same for one token that follows the mean context",
        _flop_count,
        (question, "per_token"),
        (Input("context", question.lengths.live_mean, "", "prompt + half the answer"),),
    )


def _flop_count(question: Any, name: str) -> float:
    counted: Flops = flops_of(question)
    return float(getattr(counted, name))


# --- time -------------------------------------------------------------------------------------------------------------


def _time_figures(result: Estimate) -> Iterator[Figure]:
    basis, question = result.basis, result.basis.question
    kernels = f"kernel curves, {basis.found.rates[0].origin}; overheads of {question.runtime.name}"
    lengths = question.lengths
    running = Input("decoding together", result.batch, "", "the batch that this load sustains")
    context = Input("context while decoding", lengths.decode_context(float("inf")), "", "mean over an answer's steps")
    yield Figure(
        "decoding step",
        decoding_step_s(basis, result.batch),
        "s",
        "Σ operations over layers + collectives + overheads of the runtime + attention over the context",
        decoding_step_s,
        (basis, result.batch),
        (
            running,
            context,
            *_spread_inputs(result),
            Input("kernels", basis.found.rates[0].memory_bytes_per_s, "bytes/s", kernels),
        ),
        step_parts_at(basis, result.batch),
    )
    yield Figure(
        "replica time of one prompt",
        prompt_s(basis, result.batch),
        "s",
        "T(batch + prompt tokens) − T(batch), over its chunks, + launches + attention over the prompt",
        prompt_s,
        (basis, result.batch),
        (
            Input("prompt tokens computed", computed_tokens(question), "", "prompt length less what the cache holds"),
            Input("tokens per step", float(basis.replicas.budget[0, 0]), "", "token budget"),
        ),
        _averaged(basis, basis.replicas.prompt_parts(_column(result.batch))),
    )
    if result.ttft_s.mean is not None:
        yield Figure(
            "TTFT, mean",
            result.ttft_s.mean,
            "s",
            "waiting + its own prefill + the server",
            latency_s,
            (basis, "ttft_s"),
            (running,),
            _ttft_parts(result),
        )
    if result.itl_s.mean is not None:
        yield Figure(
            "ITL, mean",
            result.itl_s.mean,
            "s",
            "a decoding step + what the prompts of others add to it",
            latency_s,
            (basis, "itl_s"),
            (running,),
            _itl_parts(result),
        )
    if result.e2e_s.mean is not None and result.ttft_s.mean is not None and result.itl_s.mean is not None:
        yield Figure(
            "E2E, mean",
            result.e2e_s.mean,
            "s",
            "TTFT + tokens after the first × ITL",
            latency_s,
            (basis, "e2e_s"),
            (Input("tokens after the first", lengths.decoded, "", "answer length"),),
            {"TTFT": result.ttft_s.mean, "decoding": lengths.decoded * result.itl_s.mean},
        )


def decoding_step_s(basis: Basis, batch: float) -> float:
    """Return the seconds of a step that only decodes."""
    return float(basis.replicas.step(_column(batch))[0, 0])


def step_parts_at(basis: Basis, batch: float) -> dict[str, float]:
    """Return what a decoding step is made of, seconds by name."""
    replicas, column = basis.replicas, _column(batch)
    tables, running = replicas.tables, np.maximum(column, 1.0)
    parts = {
        name: float(replace(tables, seconds=seconds).base(running)[0, 0])
        for name, seconds in basis.found.step_parts().items()
    }
    # The table never falls with tokens, though a part may where kernels switch.
    parts["held from falling"] = float(tables.base(running)[0, 0]) - sum(parts.values())
    parts["attention, launches"] = float(tables.decode_fixed[0])
    parts["attention over the context"] = float(replicas.decode_attention(column)[0, 0])
    return _told(parts)


def prompt_s(basis: Basis, batch: float) -> float:
    """Return the replica time that one mean prompt takes, seconds."""
    return float(basis.replicas.at(_column(batch)).prompt_s[0, 0])


def latency_s(basis: Basis, name: str) -> float:
    """Return a mean latency of the replica at its load, seconds."""
    return float(getattr(_point_again(basis), name).mean)


def _ttft_parts(result: Estimate) -> dict[str, float]:
    basis = result.basis
    if basis.load.kind != "rps":
        return _told({name: float(part[0]) for name, part in figures_of(basis).ttft_parts.items()})
    column = _column(result.batch)
    waits = {name: float(part.flat[0]) for name, part in basis.replicas.at(column).waits.parts.items()}
    return _told(waits | _averaged(basis, basis.replicas.own_parts(column)))


def _itl_parts(result: Estimate) -> dict[str, float]:
    basis = result.basis
    if basis.load.kind != "rps":
        return _told({name: float(part[0]) for name, part in figures_of(basis).itl_parts.items()})
    load = basis.replicas.at(_column(result.batch))
    return _told({name: float(part[0, 0]) for name, part in basis.replicas.itl_parts(load).items()})


# --- throughput -------------------------------------------------------------------------------------------------------

_RATES = {
    "rps": "the rate that is given, × model calls per request",
    "concurrency": "clients / (E2E + the time that a client takes between an answer and its next request)",
    "static_batch": "batch / E2E",
    "offline": "batch / (tokens after the first × decoding step + batch × replica time of a prompt)",
}


def _throughput_figures(result: Estimate) -> Iterator[Figure]:
    basis, lengths = result.basis, result.basis.question.lengths
    yield Figure("requests", result.requests_per_s, "requests/s", _RATES[basis.load.kind], requests_per_s, (basis,))
    rate = Input("requests", result.requests_per_s, "requests/s", "above")
    answer = Input("answer", lengths.output.mean, "tokens", "answer length")
    yield Figure(
        "output tokens",
        result.output_tokens_per_s,
        "tokens/s",
        "requests/s × answer length",
        output_tokens_per_s,
        (basis,),
        (rate, answer),
    )
    yield Figure(
        "output tokens per accelerator",
        result.output_tokens_per_s_per_accelerator,
        "tokens/s",
        "output tokens/s / accelerators of the replica",
        output_tokens_per_s_per_accelerator,
        (basis,),
        (Input("accelerators", float(result.setup.accelerators), "", "TP × PP × DP"),),
    )


def requests_per_s(basis: Basis) -> float:
    """Return the requests that the replica completes at its load."""
    return _point_again(basis).requests_per_s


def output_tokens_per_s(basis: Basis) -> float:
    """Return the replica's output at its load."""
    return requests_per_s(basis) * basis.question.lengths.output.mean


def output_tokens_per_s_per_accelerator(basis: Basis) -> float:
    """Return the output of one accelerator at the replica's load."""
    return output_tokens_per_s(basis) / int(basis.found.spread.accelerators[0])


# --- shared -----------------------------------------------------------------------------------------------------------


def _point_again(basis: Basis) -> Point:
    at = point_of(basis)
    if isinstance(at, Rejection):
        raise TypeError("an estimate was made from a load that is refused")
    return at


def _column(batch: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([[batch]])


def _averaged(basis: Basis, parts: Mapping[str, np.ndarray[Any, np.dtype[np.float64]]]) -> dict[str, float]:
    """Return parts by prompt stratum as their means over prompts."""
    weights = basis.question.lengths.prompt.weights
    return _told({name: float((part @ weights)[0, 0]) for name, part in parts.items()})


def _told(parts: Mapping[str, float]) -> dict[str, float]:
    """Leave out the parts that are nothing."""
    whole = sum(parts.values())
    return {name: value for name, value in parts.items() if abs(value) > 1e-12 * abs(whole)}


def _spread_inputs(result: Estimate) -> tuple[Input, ...]:
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
