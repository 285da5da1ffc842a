"""What the engine's tests ask: specs by path, their questions, and step tables that are written by hand."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec import to_builtins

from catalogs.catalog import Catalog
from catalogs.records.accelerators import Accelerator
from catalogs.records.runtimes import Scheduler
from catalogs.records.validation import record_of
from engine.method import plan_of
from engine.plan import CapacityPlan, NoPlan
from engine.planning.ranking import ranked_candidates
from engine.planning.verdict import formulas_verdict
from engine.question.lengths import Lengths, lengths_of
from engine.question.resolve import Question, resolve
from engine.replica.load import Replicas, replicas_of
from engine.step.table import TOKEN_GRID, StepTables
from engine.workload import TokenDistribution, Tokens, WorkloadSpec, spec_from, with_defaults

CATALOG = Catalog.load()

SEED: Mapping[str, Any] = {
    "traffic.requests_per_s": 10.0,
    "traffic.peak_factor": 1.0,
    "tokens.input.mean": 500.0,
    "tokens.output.mean": 200.0,
    "model": "llama-3.1-70b",
    "precision.weights": "fp16",
    "hardware.accelerators": ["a100-sxm-80gb"],
    "default_targets": "none",
    "scaling.node_s": 0.0,
    "scaling.image_s": 0.0,
}
"""The question that everyone asks first: 70B in FP16, 10 requests/s of 500 and 200 tokens, on A100-80GB."""


def asked(values: Mapping[str, Any] | None = None) -> WorkloadSpec:
    """Return the seed case with some values changed, by dotted path; None takes one away."""
    merged = {**SEED, **(values or {})}
    return spec_from({path: value for path, value in merged.items() if value is not None})


def question(values: Mapping[str, Any] | None = None, catalog: Catalog = CATALOG) -> Question:
    """Return the resolved question of ``asked``."""
    return resolve(asked(values), catalog)


def formula_plan(spec: WorkloadSpec, catalog: Catalog = CATALOG) -> CapacityPlan | NoPlan:
    """Return the plan by the formulas alone: neither verified nor replayed."""
    ranking = ranked_candidates(resolve(spec, catalog))
    if isinstance(ranking, NoPlan):
        return ranking
    return plan_of(formulas_verdict(ranking), None, with_defaults(spec, {}), verify=False)


STAND_IN = "h100-pcie-80gb"
"""The entry, with offers of its own, in whose place an accelerator of a test's own making stands."""


def relative(accelerator: Accelerator, **changes: object) -> Accelerator:
    """Return an accelerator that inherits another's kernels, with some of its figures changed."""
    changed = {"id": STAND_IN, "name": "Stand-in", "kernels": accelerator.kernels or accelerator.id, **changes}
    return record_of(Accelerator, to_builtins(accelerator) | changed)


def catalog_with(accelerator: Accelerator) -> Catalog:
    """Return the built-in catalog with an accelerator of one's own in the place of STAND_IN."""
    changed = Catalog()
    changed.__dict__.update(CATALOG.__dict__)
    changed.__dict__["accelerators"] = {**CATALOG.accelerators, STAND_IN: accelerator}
    return changed


SCHEDULER = Scheduler(token_budget=2048, max_sequences=256, mixed=True, chunked=True)


def tables_of(seconds: Any, decode_context: float, prompt_context: float) -> StepTables:
    """Return the step table of one candidate whose T[n] is a function of the token grid."""
    none = np.zeros(1)
    return StepTables(
        seconds=np.asarray(seconds(TOKEN_GRID), dtype=np.float64)[None, :],
        decode_fixed=none,
        decode_sequence=none,
        decode_sampling=none,
        decode_further=none,
        prompt_fixed=none,
        prompt_token=none,
        windows=(float("inf"),),
        decode_context=np.array([[decode_context]]),
        decode_extra=none,
        prompt_context=np.array([[prompt_context]]),
        pipeline=np.ones(1),
    )


def lengths(prompt: float, output: float, cv: float = 0.8, hit: float = 0.0) -> Lengths:
    """Return lognormal lengths far from any context limit."""
    drawn = (TokenDistribution(mean=mean, cv=cv) for mean in (prompt, output))
    return lengths_of(Tokens(input=next(drawn), output=next(drawn), prefix_hit=hit), 1e9)


def worked_case(
    prompt: float = 1000, output: float = 250, cv: float = 0.8, seats: float = 256, scheduler: Scheduler = SCHEDULER
) -> Replicas:
    """Return the case that the closed forms were judged on: Llama-70B-like on 4 × H100, under simulation.

    T[n] = max(13.2 ms, 65 µs · n) + 3 ms, c_d = 35 ns, c_a = 1.65 ns, a budget of 2,048 tokens.
    """
    table = tables_of(lambda n: np.maximum(13.2e-3, 65e-6 * n) + 3e-3, 35e-9, 1.65e-9)
    return replicas_of(
        table,
        lengths(prompt, output, cv),
        scheduler,
        budget=np.array([2048.0]),
        seats=np.array([seats]),
        ttft_overhead_s=np.zeros(1),
        arrival_cv=1.0,
    )
