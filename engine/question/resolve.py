"""Names → records: what a spec's model, precision, runtime and accelerators are in a catalog."""

from collections.abc import Sequence
from math import ceil
from typing import Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.errors import InputError, listed
from catalogs.kept import kept, made_once
from catalogs.matrices import total_parameters
from catalogs.records.accelerators import Accelerator
from catalogs.records.models import UNKNOWN_PRECISION, Checkpoint, GroupedAttention, LatentAttention, ModelArchitecture
from catalogs.records.precisions import Precision
from catalogs.records.runtimes import ServingRuntime
from catalogs.storage import Storage, storage_of
from engine.arrays import Floats
from engine.question.lengths import Lengths, lengths_of
from engine.question.releases import loads, release_of, same_release
from engine.workload import Traffic, WorkloadSpec, at_any_rate

NOT_KV = "bf16, fp16, fp8 or int8"
PROMPT_STEP: Final = 1024
"""Tokens to which a step that holds a whole prompt is rounded up."""


class Question(Struct, frozen=True, dict=True):
    """A spec whose names are resolved: what the engine works on."""

    spec: WorkloadSpec
    model: ModelArchitecture
    checkpoint: Checkpoint | None
    """The one that was named."""
    served: Checkpoint | None
    """The one that holds the weights in the precision in which they are served; None where none is known."""
    parameters: int
    weights: Precision
    storage: Storage
    """How the weights are stored, part by part."""
    weights_stated: bool
    """Someone asked for this precision; else it is the checkpoint's own."""
    kv_cache: Precision
    runtime: ServingRuntime
    accelerators: tuple[Accelerator, ...]
    context_limit: int
    """Prompt and answer together, tokens."""
    lengths: Lengths
    token_budget: int | None
    """Tokens of a step, where somebody said so; None: the runtime's on each accelerator."""
    batch_cap: int | None
    """Requests that may run together, where somebody said so; None: the runtime's on each accelerator."""
    memory_utilisation: float | None
    """Share of memory that the runtime takes, where somebody said so; None: its own."""
    catalog: Catalog

    @made_once
    def unloaded(self) -> "Question":
        """The question without a load and its targets, one object for all that differ in nothing else."""
        spec = replace(self.spec, traffic=Traffic(), targets=())
        return _one(spec, *(getattr(self, name) for name in self.__struct_fields__[1:]))

    @property
    def static_scales(self) -> bool:
        """Activation scales come with the checkpoint.

        TensorRT-LLM serves what ModelOptimizer quantised, with static scales, wherever a 16-bit model is asked for in
        less; a checkpoint that was named says so itself.
        """
        if self.checkpoint is not None and self.checkpoint.precision == self.weights.id:
            return self.checkpoint.static_scales
        return self.runtime.framework == "trtllm" and self.model.native_precision in ("bf16", "fp16")

    @property
    def assumed_version(self) -> str:
        """Which version of the serving runtime was taken without being asked for, behind its name; else empty."""
        asked, taken = self.spec.serving.runtime.partition("@")[2], self.runtime.version
        if not taken or asked == taken:
            return ""
        return f" {taken}, the newest version that is known here" + (f"; {asked} was asked for" if asked else "")

    def cache_refused_on(self, accelerator: Accelerator) -> bool:
        """Return whether the runtime has no kernel for the KV cache on an accelerator."""
        return _cache_refused(self.runtime, self.model, self.kv_cache, accelerator)

    def in_precision(self, weights: Precision) -> "Question":
        """Return the question with its weights in another precision, in the catalog's usual checkpoint of it."""
        served = served_checkpoint(self.model, None, weights, self.kv_cache, self.spec.model, self.runtime)
        storage = _storage(self.model, weights, served, self.catalog)
        return replace(self, weights=weights, checkpoint=None, served=served, storage=storage)

    @property
    def longest_tokens(self) -> float:
        """Tokens of the longest request that must fit: the context window where one was asked for, else p99.9.

        A runtime refuses to start with a context limit whose KV cache exceeds its pool (vLLM's kv_cache_utils.py).
        """
        window = self.spec.serving.context_window
        return float(window or min(self.lengths.live_percentile(0.999), self.context_limit))

    @property
    def asked_tokens(self) -> int:
        """Tokens that clients ask for at most (max_tokens), where the runtime reserves by it; else 0."""
        scheduler = self.runtime.scheduler
        if scheduler.answer_reserve is None and not scheduler.reserve_asked:
            return 0
        return int(self.spec.tokens.max_tokens or self.lengths.output.percentile(0.99))

    @property
    def aside_tokens(self) -> float:
        """Tokens of KV that are set aside for the rest of a running answer, beyond what it holds."""
        reserve = self.runtime.scheduler.answer_reserve
        if reserve is None:
            return 0.0
        rest = min(self.asked_tokens, reserve.most_tokens) - self.lengths.running_output / 2
        return reserve.least_share * max(rest, 0.0)

    @property
    def entry_tokens(self) -> float:
        """Tokens of KV that stay free since nobody who waits fits into them: a prompt and what its client asks for."""
        reserve = self.runtime.scheduler.answer_reserve
        return 0.0 if reserve is None else self.lengths.prompt.mean + min(self.asked_tokens, reserve.most_tokens)

    @property
    def held_tokens(self) -> float:
        """Tokens of KV that a running sequence holds on average."""
        scheduler = self.runtime.scheduler
        if scheduler.reserve_asked:
            return self.lengths.prompt.mean + max(self.asked_tokens, self.lengths.running_output)
        return self.lengths.reserved_mean if scheduler.reserve_output else self.lengths.live_mean

    def budget_on(self, accelerator: Accelerator) -> int:
        """Return the tokens that one step may carry on an accelerator."""
        if self.token_budget:
            return self.token_budget
        scheduler = self.runtime.scheduler_on(accelerator)
        return scheduler.token_budget if scheduler.chunked else max(scheduler.token_budget, self.longest_prompt)

    @property
    def longest_prompt(self) -> int:
        """Tokens of the longest prompt that is planned for (p99.9), rounded up."""
        longest = ceil(self.lengths.prompt.percentile(0.999) / PROMPT_STEP) * PROMPT_STEP
        return min(longest, self.context_limit)

    def cap_on(self, accelerator: Accelerator) -> int:
        """Return the requests that may run together on a data-parallel rank of an accelerator.

        A step gives each a token, so that no more run together than it may carry.
        """
        own = self.runtime.scheduler_on(accelerator).max_sequences
        return min(self.batch_cap or own, self.budget_on(accelerator))

    def usable_bytes(self, memory: Floats, taken: Floats, held: Floats, share: Floats) -> Floats:
        """Return how much of accelerators' memory may be used, KV included; arrays of one shape.

        Args:
            taken: by weights, activations and the runtime.
            held: by the runtime alone, before weights are loaded.
            share: that the runtime takes.
        """
        if self.runtime.utilises_free_memory:
            return np.minimum(taken + share * (memory - taken), memory)
        if self.runtime.step_reserve is not None:
            return np.maximum(held + share * (memory - held), 0.0)  # a small card, reserved for more than it has
        return share * memory

    def profiled_sequences(self, accelerator: Accelerator) -> int:
        """Return the requests for which the runtime's trial step samples on an accelerator."""
        profile = self.runtime.profile
        return (profile and profile.sampled) or self.cap_on(accelerator)

    @property
    def mean_rate(self) -> float | None:
        """Model calls per second, on average."""
        rate = self.spec.traffic.requests_per_s
        return None if rate is None else rate * self.spec.traffic.calls_per_request


def resolve(spec: WorkloadSpec, catalog: Catalog) -> Question:
    """Resolve a spec's names.

    Raises:
        InputError: an unknown name, a length beyond the context, formats or parallelism that contradict each other.
    """
    return replace(_resolved(at_any_rate(spec), catalog), spec=spec)


@kept(64)
def _resolved(spec: WorkloadSpec, catalog: Catalog) -> Question:
    if spec.architecture is not None:
        model, native = spec.architecture, spec.architecture.native_precision
        checkpoint = next(iter(model.checkpoints), None)
    else:
        found = catalog.model(spec.model)
        model, checkpoint, native = found.model, found.checkpoint, found.precision
    weights = _weights(spec, catalog, model, native)
    runtime = catalog.runtime(spec.serving.runtime)
    if not runtime.sliding_windows:
        model = model.without_windows()
    _loaded(runtime, weights, catalog)
    limit = _context_limit(spec, model)
    kv_cache = _kv_precision(spec, catalog, runtime, weights, checkpoint)
    served = served_checkpoint(model, checkpoint, weights, kv_cache, spec.model, runtime)
    accelerators = _accelerators(spec, catalog, runtime)
    if served and served.kv_precision and spec.precision.kv_cache is None and served.kv_precision in runtime.kv_formats:
        followed = catalog.precision(served.kv_precision)  # as runtimes do unless they are told otherwise
        kv_cache = kv_cache if all(_cache_refused(runtime, model, followed, one) for one in accelerators) else followed
    question = Question(
        spec=spec,
        model=model,
        checkpoint=checkpoint,
        served=served,
        parameters=total_parameters(model),
        weights=weights,
        storage=_storage(model, weights, served, catalog),
        weights_stated=spec.precision.weights is not None,
        kv_cache=kv_cache,
        runtime=runtime,
        accelerators=accelerators,
        context_limit=limit,
        lengths=lengths_of(spec.tokens, limit),
        token_budget=spec.serving.token_budget,
        batch_cap=spec.serving.batch_cap,
        memory_utilisation=spec.serving.memory_utilisation,
        catalog=catalog,
    )
    refuse_small_steps(question)
    return question


_one = kept(64)(Question)


@kept(256)
def _storage(model: ModelArchitecture, weights: Precision, served: Checkpoint | None, catalog: Catalog) -> Storage:
    return storage_of(model, weights, served, catalog.precision)


def refuse_small_steps(question: Question) -> None:
    """Refuse a step that is stated smaller than a prompt, where the runtime does not split prompts.

    Raises:
        InputError: the question states one.
    """
    stated, longest, runtime = question.token_budget, question.longest_prompt, question.runtime
    if stated and stated < longest and not runtime.scheduler.chunked:
        raise InputError(
            f"a step of {stated:,} tokens holds no prompt of {longest:,} (p99.9), and {runtime.name} does not split "
            f"prompts: --token-budget {longest}, or a runtime that does, such as --runtime vllm"
        )


def _weights(spec: WorkloadSpec, catalog: Catalog, model: ModelArchitecture, native: str) -> Precision:
    if spec.precision.weights is None and native == UNKNOWN_PRECISION:
        method = next(
            (checkpoint.source for checkpoint in model.checkpoints if checkpoint.precision == UNKNOWN_PRECISION), ""
        )
        raise InputError(
            f"{model.name} is quantised in a way that is not known here ({method}); say how wide its weights are with "
            "--precision"
        )
    return catalog.precision(spec.precision.weights or native)


def _loaded(runtime: ServingRuntime, weights: Precision, catalog: Catalog) -> None:
    """Refuse a precision of weights that a runtime does not load, naming those that it does.

    Raises:
        InputError: it is not among them.
    """
    if not runtime.weights or weights.id in runtime.weights:
        return
    able = (one.id for one in catalog.runtimes.values() if weights.id in one.weights)
    others = sorted(able, key=lambda one: one != "vllm")  # the default first
    there = f"; {weights.name} runs with --runtime {others[0]}" if others else ""
    names = listed(runtime.weights[:MOST_NAMED])
    more = " and more" if len(runtime.weights) > MOST_NAMED else ""
    raise InputError(f"{runtime.release} loads no weights in {weights.name}: --precision may be {names}{more}{there}")


MOST_NAMED = 11
"""Precisions that a refusal lists."""


FLASHINFER_HEADS: Final = (64, 128, 256, 512)
"""Widths of a head that FlashInfer has kernels for (vLLM 0.33, v1/attention/backends/flashinfer.py)."""


def _cache_refused(
    runtime: ServingRuntime, model: ModelArchitecture, kv_cache: Precision, accelerator: Accelerator
) -> bool:
    """Return whether vLLM has no kernel for a KV cache in FP8 there.

    Below capability 8.9 its Triton kernels refuse one, of latent attention too (vLLM 0.33, v1/attention/backends:
    triton_attn.py, mla/triton_mla.py); FlashInfer keeps one from 8.0 on, of grouped attention with heads it knows.
    """
    if runtime.id != "vllm" or kv_cache.id != "fp8":
        return False
    heads = [group.attention.head_dim for group in model.layers if isinstance(group.attention, GroupedAttention)]
    latent = any(isinstance(group.attention, LatentAttention) for group in model.layers)
    no_kernel = latent or any(width not in FLASHINFER_HEADS for width in heads)
    return accelerator.architecture in ("Turing", "Volta") or (accelerator.architecture == "Ampere" and no_kernel)


def served_checkpoint(
    model: ModelArchitecture,
    named: Checkpoint | None,
    weights: Precision,
    kv_cache: Precision,
    said: str,
    runtime: ServingRuntime,
) -> Checkpoint | None:
    """Return the checkpoint that is served in a precision: the one named, else of its release, else one like it.

    Args:
        named: the one that was asked for by name.
        weights: the precision in which weights are served.
        kv_cache: of the KV cache: a checkpoint that brings it goes first.
        runtime: that loads it: a checkpoint whose way of being quantised it reads goes first.
    """
    if named is not None and named.precision == weights.id:
        return named
    release = release_of(model, named, said)
    return min(
        (one for one in model.checkpoints if one.precision == weights.id),
        key=lambda one: (
            not loads(runtime.framework, one),
            not same_release(one.repository, release),
            (one.kv_precision or "bf16") != kv_cache.id,
        ),
        default=None,
    )


def _context_limit(spec: WorkloadSpec, model: ModelArchitecture) -> int:
    window = spec.serving.context_window
    if window and window > model.max_context:
        raise InputError(
            f"a context of {window:,} tokens is beyond {model.name}, which reads {model.max_context:,} at most"
        )
    limit = window or model.max_context
    needed = spec.tokens.input.mean + spec.tokens.output.mean + spec.tokens.reasoning_tokens
    if needed > limit:
        whose = f"the context window of {limit:,}" if window else f"the {limit:,} tokens that {model.name} reads"
        raise InputError(
            f"input and output of {needed:,.0f} tokens on average exceed {whose}; shorten them"
            + (f" or raise --context-window (up to {model.max_context:,})" if window else " or choose another model")
        )
    return limit


def _kv_precision(
    spec: WorkloadSpec, catalog: Catalog, runtime: ServingRuntime, weights: Precision, checkpoint: Checkpoint | None
) -> Precision:
    stated = spec.precision.kv_cache
    by_checkpoint = checkpoint.kv_precision if checkpoint else None
    name = stated or by_checkpoint or runtime.quantised_kv.get(weights.id) or "bf16"
    precision = catalog.precision(name)
    if not precision.kv_cache:
        raise InputError(f"the KV cache cannot be kept in {precision.name}; {NOT_KV} are accepted")
    if runtime.kv_formats and name not in runtime.kv_formats:
        if stated is None:
            return catalog.precision("bf16")
        kept = listed(list(runtime.kv_formats))
        raise InputError(f"{runtime.release} keeps no KV cache in {precision.name}: --kv-precision may be {kept}")
    return precision


def _accelerators(spec: WorkloadSpec, catalog: Catalog, runtime: ServingRuntime) -> tuple[Accelerator, ...]:
    excluded = {catalog.accelerator(name).id for name in spec.hardware.excluded}
    wanted: Sequence[Accelerator]
    if spec.hardware.accelerators:
        wanted = [catalog.accelerator(name) for name in spec.hardware.accelerators]
    else:
        wanted = [
            entry
            for entry in catalog.accelerators.values()
            if not entry.announced_only and (not runtime.platforms or runtime.platform_of(entry))
        ]
    kept = tuple({entry.id: entry for entry in wanted if entry.id not in excluded}.values())
    if not kept:
        raise InputError("every accelerator that was asked for is also excluded; leave one of them out")
    return kept
