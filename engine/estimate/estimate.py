"""The estimate: one replica at a given load, with fixed parallelism. What it holds, computes and delivers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from engine.estimate.given_load import Basis, Percentiles, Point, as_sent, basis_of, point_of, variation_stated
from engine.estimate.load_kinds import GivenLoad
from engine.estimate.smallest_fit import Unfit, smallest_fit
from engine.plan import (
    SCHEMA_VERSION,
    AcceleratorMemory,
    Assumption,
    ChosenPrecision,
    Memory,
    PoolBand,
    PoolSize,
    Rejection,
    Verdict,
    plain,
)
from engine.planning.memory import replica_memory
from engine.question.resolve import Question, resolve
from engine.step.memory import kv_bytes_per_token, weights_bytes
from engine.step.operations import FlopCount, flops
from engine.step.parallelism import ParallelSizes
from engine.step.rates import Unsupported, compute_unit
from engine.workload import DEFAULT_TOKEN_CV, WorkloadSpec


class Setup(Struct, frozen=True):
    """The replica."""

    model: str
    model_name: str
    accelerator: str
    accelerator_name: str
    accelerators: int
    tensor_parallel: int
    pipeline_parallel: int
    data_parallel: int
    expert_parallel: int
    precision: ChosenPrecision
    runtime: str
    runtime_version: str


class Flops(Struct, frozen=True):
    """FLOPs of the whole model: a mean prompt's prefill by part, and one decoding token at the mean context."""

    attention: float
    """Projections and the attention itself."""
    feed_forward: float
    """Dense blocks, routed and shared experts, routers."""
    lm_head: float
    prefill_total: float
    per_token: float
    """Of decoding."""
    per_prompt_token: float


class Estimate(Struct, frozen=True):
    """One replica at a load."""

    setup: Setup
    load: GivenLoad
    ttft_s: Percentiles
    itl_s: Percentiles
    e2e_s: Percentiles
    batch: float
    """Requests decoding together, on average."""
    in_flight: float | None
    """Running or waiting, on average; null for a queue without end."""
    utilisation: float | None
    """Load over the saturated rate; null for a static batch, which no scheduler feeds."""
    requests_per_s: float
    output_tokens_per_s: float
    output_tokens_per_s_per_request: float
    """How fast one answer streams: 1/ITL."""
    output_tokens_per_s_per_accelerator: float
    memory: Memory
    flops: Flops
    verdict: Verdict
    headroom: float
    """Share of the KV pool that is free at this load."""
    reason: str
    """Of the verdict."""
    assumptions: tuple[Assumption, ...]
    basis: Basis
    """What it was made from; not part of its JSON."""


class Incompatible(Struct, frozen=True):
    """A replica that cannot be, or cannot carry the load: what was needed and what there was."""

    setup: Setup
    load: GivenLoad
    rejection: Rejection
    weights_bytes: float
    """The whole model, once."""
    kv_cache_bytes_per_token: float
    per_accelerator: AcceleratorMemory | None
    """What there is where the load is the reason; else what one request needs; null where neither is known."""
    flops: Flops
    assumptions: tuple[Assumption, ...]


Outcome = Estimate | Incompatible


def estimate(spec: WorkloadSpec, load: GivenLoad, catalog: Catalog) -> Outcome:
    """Return one replica at a load, or why there is none.

    Args:
        spec: names one accelerator; its own rate or concurrency is not used.
        load: the load instead.

    Raises:
        InputError: no accelerator or several, unknown names, values that contradict each other.
    """
    question = resolve(as_sent(spec, load), catalog)
    if not spec.hardware.accelerators or len(question.accelerators) != 1:
        raise InputError("an estimate is of one accelerator: name one (several are several estimates)")
    cap = spec.serving.batch_cap
    if load.kind == "static_batch" and cap and (load.value or 0) > cap:
        raise InputError(f"a static batch of {load.value:g} is beyond the batch cap of {cap}: leave one of them out")
    fit = smallest_fit(question)
    if isinstance(fit, Unfit):
        return _incompatible(question, load, fit.sizes, fit.rejection, fit.needs, ())
    basis = basis_of(question, fit.found, load)
    at = point_of(basis)
    assumptions = _assumptions(basis, spec, fit.note)
    if isinstance(at, Rejection):
        there = replica_memory(question, fit.found, 0.0).per_accelerator
        return _incompatible(question, load, fit.found.parallelism.sizes(), at, there, assumptions)
    return _estimate(basis, at, assumptions)


def estimates(specs: Sequence[WorkloadSpec], loads: Sequence[GivenLoad], catalog: Catalog) -> tuple[Outcome, ...]:
    """Return every spec at every load; a spec that names several accelerators stands for as many.

    Args:
        specs: name their accelerators.
        loads: of one replica.

    Raises:
        InputError: unknown names, values that contradict each other.
    """
    single = [
        replace(spec, hardware=replace(spec.hardware, accelerators=(name,)))
        for spec in specs
        for name in spec.hardware.accelerators
    ]
    return tuple(estimate(spec, load, catalog) for spec in single for load in loads)


def estimate_json(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as JSON values; the keys are the same for all, null where there is no figure."""
    tree: dict[str, Any] = {"schema_version": SCHEMA_VERSION, "setup": outcome.setup, "load": outcome.load}
    names = [name for name in Estimate.__struct_fields__ if name not in ("setup", "load", "assumptions", "basis")]
    if isinstance(outcome, Estimate):
        tree |= {name: getattr(outcome, name) for name in names}
    else:
        tree |= dict.fromkeys(names) | {name: Percentiles() for name in ("ttft_s", "itl_s", "e2e_s")}
        memory = dict.fromkeys(Memory.__struct_fields__) | {
            "weights_bytes": outcome.weights_bytes,
            "kv_cache_bytes_per_token": outcome.kv_cache_bytes_per_token,
            "headroom": 0.0,
            "verdict": "incompatible",
            "per_accelerator": outcome.per_accelerator,
            "band": dict.fromkeys(PoolBand.__struct_fields__, dict.fromkeys(PoolSize.__struct_fields__)),
        }
        tree |= {"memory": memory, "flops": outcome.flops, "verdict": "incompatible", "headroom": 0.0}
        tree["reason"] = outcome.rejection.reason
    rejection = Rejection("", "", None, None, "") if isinstance(outcome, Estimate) else outcome.rejection
    for name in ("needed", "available", "unit", "relaxations"):
        tree[name] = getattr(rejection, name)
    return plain(tree | {"assumptions": outcome.assumptions})


# --- FLOPs ------------------------------------------------------------------------------------------------------------


def flops_of(question: Question) -> Flops:
    """Return the FLOPs of a mean prompt's prefill and of a decoding token at the mean context."""
    prefill, token = prefill_flops(question), token_flops(question)
    return Flops(
        attention=prefill.attention_projections + prefill.attention_mixing,
        feed_forward=prefill.feed_forward,
        lm_head=prefill.lm_head,
        prefill_total=prefill.total,
        per_token=token.total,
        per_prompt_token=prefill.total / question.lengths.computed_mean,
    )


def prefill_flops(question: Question) -> FlopCount:
    """Return the FLOPs of a mean prompt."""
    computed = question.lengths.computed_mean
    return flops(question.model, computed, question.lengths.prompt.mean - computed, 1.0)


def token_flops(question: Question) -> FlopCount:
    """Return the FLOPs of one decoding token at the mean context."""
    return flops(question.model, 1.0, question.lengths.live_mean, 1.0, decoding=True)


# --- the result -------------------------------------------------------------------------------------------------------


def _estimate(basis: Basis, at: Point, assumptions: tuple[Assumption, ...]) -> Estimate:
    question, found = basis.question, basis.found
    pool = float(found.memory.kv_cache[0]) * int(found.parallelism.dp[0])
    memory = replica_memory(question, found, min(at.running * at.request_bytes / pool, 1.0))
    utilisation = None if basis.load.kind == "static_batch" else min(at.requests_per_s / basis.saturated_rate, 1.0)
    tokens = at.requests_per_s * question.lengths.output.mean
    verdict, reason = _verdict(basis, at, memory, utilisation)
    return Estimate(
        setup=_setup(question, found.parallelism.sizes()),
        load=basis.load,
        ttft_s=at.ttft_s,
        itl_s=at.itl_s,
        e2e_s=at.e2e_s,
        batch=at.batch,
        in_flight=at.in_flight,
        utilisation=utilisation,
        requests_per_s=at.requests_per_s,
        output_tokens_per_s=tokens,
        output_tokens_per_s_per_request=1.0 / (at.itl_s.mean or np.inf),
        output_tokens_per_s_per_accelerator=tokens / int(found.parallelism.accelerators[0]),
        memory=replace(memory, verdict=verdict),
        flops=flops_of(question),
        verdict=verdict,
        headroom=memory.headroom,
        reason=reason,
        assumptions=assumptions,
        basis=basis,
    )


def _verdict(basis: Basis, at: Point, memory: Memory, utilisation: float | None) -> tuple[Verdict, str]:
    """Return the verdict and its reason: memory nearly full of weights, clients without a seat, near saturation."""
    one, ceiling = memory.per_accelerator, basis.question.spec.serving.utilisation_ceiling
    seats, clients = int(basis.found.seats[0]), int(at.in_flight or 0)
    if memory.verdict == "marginal":
        share, fit = one.weights_bytes / (one.total_bytes - one.unused_bytes), memory.max_concurrent_sequences
        return "marginal", f"weights take {share:.0%} of the usable memory: {fit:,} requests of mean length fit"
    if basis.load.kind == "concurrency" and clients > seats:
        cap = basis.question.cap_on(basis.found.accelerator(0)) * int(basis.found.parallelism.dp[0])
        full = "KV cache" if seats < cap else "batch"
        return "marginal", f"{clients - seats:,} of {clients:,} clients wait for a seat: the {full} is full"
    if basis.load.kind == "rps" and utilisation is not None and utilisation > ceiling:
        return "marginal", f"{utilisation:.0%} of the saturated rate: waits grow steeply beyond {ceiling:.0%}"
    return "compatible", f"weights fit and {memory.headroom:.0%} of the KV pool is free"


def _incompatible(
    question: Question,
    load: GivenLoad,
    sizes: ParallelSizes,
    rejection: Rejection,
    per_accelerator: AcceleratorMemory | None,
    assumptions: tuple[Assumption, ...],
) -> Incompatible:
    return Incompatible(
        setup=_setup(question, sizes),
        load=load,
        rejection=rejection,
        weights_bytes=weights_bytes(question.model, question.storage),
        kv_cache_bytes_per_token=kv_bytes_per_token(question.model, question.kv_cache.bytes_per_element),
        per_accelerator=per_accelerator,
        flops=flops_of(question),
        assumptions=assumptions,
    )


def _setup(question: Question, sizes: ParallelSizes) -> Setup:
    accelerator = question.accelerators[0]
    try:
        unit = compute_unit(accelerator, question.weights, question.runtime)
    except Unsupported:
        unit = question.weights.compute
    return Setup(
        model=question.model.id,
        model_name=question.model.name,
        accelerator=accelerator.id,
        accelerator_name=accelerator.name,
        accelerators=sizes.accelerators,
        **sizes.split,
        precision=ChosenPrecision(question.weights.id, question.kv_cache.id, unit),
        runtime=question.runtime.id,
        runtime_version=question.runtime.version,
    )


def _assumptions(basis: Basis, spec: WorkloadSpec, fit_note: str) -> tuple[Assumption, ...]:
    question, kind, protocol = basis.question, basis.load.kind, basis.protocol
    unsaid = not (variation_stated(spec.tokens.input) and variation_stated(spec.tokens.output))
    calls = spec.traffic.calls_per_request
    origin = basis.found.rates[0].origin
    texts = {
        fit_note: True,
        f"clients behave as a benchmark's: all start at once, {protocol.prompts_per_client} prompts each": (
            kind == "concurrency"
        ),
        f"lengths vary with CV {DEFAULT_TOKEN_CV} (lognormal) where no spread is stated": kind == "rps" and unsaid,
        "all prompts and all answers are of one length where no spread is stated": kind != "rps" and unsaid,
        f"each request makes {calls:g} model calls; the figures are of calls": kind == "rps" and calls != 1,
        "percentiles are left open where no closed form knows them": kind in ("concurrency", "offline"),
        f"weights are served as the checkpoint stores them, in {question.weights.name}": not question.weights_stated,
        f"the KV cache is kept in {question.kv_cache.name}": spec.precision.kv_cache is None,
        f"served by {question.runtime.name}{question.assumed_version}": True,
        f"no kernel of {question.accelerators[0].name} was measured: efficiencies are {origin}": origin != "measured",
    }
    return tuple(Assumption(text) for text, holds in texts.items() if text and holds)
