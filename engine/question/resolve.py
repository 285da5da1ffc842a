"""Names → records: what a spec's model, precision, runtime and accelerators are in a catalog."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.matrices import total_parameters
from catalogs.records.accelerators import Accelerator
from catalogs.records.models import Checkpoint, ModelArchitecture
from catalogs.records.precisions import Precision
from catalogs.records.runtimes import ServingRuntime
from engine.arrays import Floats
from engine.question.lengths import Lengths, lengths_of
from engine.workload import WorkloadSpec

NOT_KV = "bf16, fp16, fp8 or int8"


class Question(Struct, frozen=True):
    """A spec whose names are resolved: what the engine works on."""

    spec: WorkloadSpec
    model: ModelArchitecture
    checkpoint: Checkpoint | None
    parameters: int
    weights: Precision
    weights_stated: bool
    """Someone asked for this precision; else it is the checkpoint's own."""
    kv_cache: Precision
    runtime: ServingRuntime
    accelerators: tuple[Accelerator, ...]
    context_limit: int
    """Prompt and answer together, tokens."""
    lengths: Lengths
    budget_tokens: int
    batch_cap: int
    memory_utilisation: float
    catalog: Catalog

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
    def held_tokens(self) -> float:
        """Tokens of KV that a running sequence holds on average."""
        reserves = self.runtime.scheduler.reserve_output
        return self.lengths.reserved_mean if reserves else self.lengths.live_mean

    def usable_bytes(self, memory: Floats, taken: Floats) -> Floats:
        """Return how much of accelerators' memory may be used, KV included; arrays of one shape.

        Args:
            taken: by weights, activations and the runtime.
        """
        share = self.memory_utilisation
        if self.runtime.utilises_free_memory:
            return np.minimum(taken + share * (memory - taken), memory)
        return share * memory

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
    if spec.architecture is not None:
        model, checkpoint, native = spec.architecture, None, spec.architecture.native_precision
    else:
        found = catalog.model(spec.model)
        model, checkpoint, native = found.model, found.checkpoint, found.precision
    weights = catalog.precision(spec.precision.weights or native)
    runtime = catalog.runtime(spec.serving.runtime)
    if not runtime.sliding_windows:
        model = model.without_windows()
    scheduler = runtime.scheduler
    limit = _context_limit(spec, model)
    budget_tokens = spec.serving.token_budget or scheduler.token_budget
    return Question(
        spec=spec,
        model=model,
        checkpoint=checkpoint,
        parameters=total_parameters(model),
        weights=weights,
        weights_stated=spec.precision.weights is not None,
        kv_cache=_kv_precision(spec, catalog, runtime, weights, checkpoint),
        runtime=runtime,
        accelerators=_accelerators(spec, catalog, runtime),
        context_limit=limit,
        lengths=lengths_of(spec.tokens, limit),
        budget_tokens=budget_tokens,
        # A step gives each sequence a token, so that no more run together than it may carry.
        batch_cap=min(spec.serving.batch_cap or scheduler.max_sequences, scheduler.max_sequences, budget_tokens),
        memory_utilisation=spec.serving.memory_utilisation or runtime.memory_utilisation,
        catalog=catalog,
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
