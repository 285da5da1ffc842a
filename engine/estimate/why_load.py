"""Why a replica at its load computes, waits and delivers what it does."""

from collections.abc import Iterator, Mapping

import numpy as np

from engine.arrays import Floats
from engine.estimate.estimate import Estimate, flops_of
from engine.estimate.figure import Figure, Input, parts_that_count
from engine.estimate.given_load import Basis, Point, figures_of, point_of
from engine.estimate.why_memory import parallelism_inputs
from engine.plan import Rejection
from engine.question.resolve import Question


def load_figures(result: Estimate) -> Iterator[Figure]:
    """Yield the figures of FLOPs, time and throughput, those first that others follow from."""
    yield from _flop_figures(result)
    yield from _time_figures(result)
    yield from _throughput_figures(result)


# --- FLOPs ------------------------------------------------------------------------------------------------------------


def _flop_figures(result: Estimate) -> Iterator[Figure]:
    question, count = result.basis.question, result.flops
    model, lengths = question.model, question.lengths
    cached = lengths.prompt.mean - lengths.computed_mean
    yield Figure(
        "FLOPs of a mean prompt",
        count.prefill_total,
        "FLOP",
        "2 × parameters × tokens (routed experts: the active share) + 2 × heads × (dₖ + dᵥ) × tokens × context before",
        flop_count,
        (question, "prefill_total"),
        (
            Input("prompt tokens computed", lengths.computed_mean, "", "prompt length less what the cache holds"),
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
        flop_count,
        (question, "per_token"),
        (Input("context", question.lengths.live_mean, "", "prompt + half the answer"),),
    )


def flop_count(question: Question, name: str) -> float:
    """Return one of the FLOP counts of a question."""
    return float(getattr(flops_of(question), name))


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
            *parallelism_inputs(result),
            Input("memory bandwidth", basis.found.rates[0].memory_bytes_per_s, "bytes/s", kernels),
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
            Input("prompt tokens computed", lengths.computed_mean, "", "prompt length less what the cache holds"),
            Input("tokens per step", float(basis.replicas.costs.budget[0, 0]), "", "token budget"),
        ),
        _averaged(basis, basis.replicas.costs.prompt_parts(basis.replicas.costs.at(_column(result.batch)))),
    )
    decoded = Input("tokens after the first", lengths.decoded, "", "answer length")
    for metric, formula, made_of, parts in (
        ("ttft_s", "waiting + its own prefill + the server", running, _ttft_parts),
        ("itl_s", "a decoding step + what the prompts of others add to it", running, _itl_parts),
        ("e2e_s", "TTFT + tokens after the first × ITL over all tokens", decoded, _e2e_parts),
    ):
        mean, sums = getattr(result, metric).mean, parts(result)
        if mean is not None and sums is not None:
            name = f"{metric.removesuffix('_s').upper()}, mean"
            yield Figure(name, mean, "s", formula, latency_s, (basis, metric), (made_of,), sums)


def decoding_step_s(basis: Basis, batch: float) -> float:
    """Return the seconds of a step that only decodes."""
    return float(basis.replicas.costs.at(_column(batch)).decoding[0, 0])


def step_parts_at(basis: Basis, batch: float) -> dict[str, float]:
    """Return what a decoding step is made of, seconds by name."""
    return parts_that_count(basis.replicas.costs.decoding_parts(_column(batch), basis.found.step_parts()))


def prompt_s(basis: Basis, batch: float) -> float:
    """Return the replica time that one mean prompt takes, seconds."""
    return float(basis.replicas.at(_column(batch)).prompt_s[0, 0])


def latency_s(basis: Basis, name: str) -> float:
    """Return a mean latency of the replica at its load, seconds."""
    return float(getattr(_point_again(basis), name).mean)


def _ttft_parts(result: Estimate) -> dict[str, float]:
    basis = result.basis
    if basis.load.kind != "rps":
        return parts_that_count({name: float(part[0]) for name, part in figures_of(basis).ttft_parts.items()})
    column = _column(result.batch)
    waits = {name: float(part.flat[0]) for name, part in basis.replicas.at(column).waits.parts.items()}
    return parts_that_count(
        waits | _averaged(basis, basis.replicas.costs.own_prefill_parts(basis.replicas.costs.at(column)))
    )


def _itl_parts(result: Estimate) -> dict[str, float]:
    basis = result.basis
    if basis.load.kind != "rps":
        return parts_that_count({name: float(part[0]) for name, part in figures_of(basis).itl_parts.items()})
    load = basis.replicas.at(_column(result.batch))
    return parts_that_count({name: float(part[0, 0]) for name, part in load.itl_parts.items()})


def _e2e_parts(result: Estimate) -> dict[str, float] | None:
    ttft, itl, decoded = result.ttft_s.mean, result.itl_s.mean, result.basis.question.lengths.decoded
    if ttft is None or itl is None:
        return None
    if result.basis.load.kind != "rps":
        return {"TTFT": ttft, "decoding": decoded * itl}
    load = result.basis.replicas.at(_column(result.batch))
    stalled = float(load.stall.seconds[0, 0])
    return {
        "TTFT": ttft,
        "decoding": decoded * float(load.itl_s[0, 0]),
        **parts_that_count({"prompts that came during its own": stalled}),
    }


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
    return output_tokens_per_s(basis) / int(basis.found.parallelism.accelerators[0])


def _point_again(basis: Basis) -> Point:
    at = point_of(basis)
    if isinstance(at, Rejection):
        raise TypeError("an estimate was made from a load that is refused")
    return at


def _column(batch: float) -> Floats:
    return np.array([[batch]])


def _averaged(basis: Basis, parts: Mapping[str, Floats]) -> dict[str, float]:
    """Return parts by prompt stratum as their means over prompts."""
    weights = basis.question.lengths.prompt.weights
    return parts_that_count({name: float((part * weights).sum(axis=-1)[0, 0]) for name, part in parts.items()})
