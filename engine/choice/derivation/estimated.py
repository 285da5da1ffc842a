"""The figures of an estimate derived, by the book that derives those of plans."""

from collections.abc import Mapping
from functools import cached_property
from typing import Final

import numpy as np

from engine.choice.derivation.derivation import DEEPEST, Derivation, Derivations
from engine.estimate.estimate import Estimate, Outcome, estimate_json, prefill_flops, token_flops
from engine.estimate.given_load import figures_of
from engine.plan import plain
from engine.planning.workings import GROUPS, At, Group, Values, Workings, slug

FIGURES: Final = (
    "memory.weights_bytes", "memory.per_accelerator.weights_bytes", "memory.kv_cache_bytes_per_token",
    "memory.per_accelerator.kv_cache_bytes", "memory.max_concurrent_sequences", "estimate.flops.prefill_total",
    "estimate.flops.per_token", "load.given.step_s", "load.given.prompt_s", "estimate.ttft_s.mean",
    "estimate.itl_s.mean", "estimate.e2e_s.mean", "estimate.requests_per_s", "estimate.output_tokens_per_s",
    "estimate.output_tokens_per_s_per_accelerator",
)  # fmt: skip
"""Which are derived, those first that others follow from."""


class EstimateWorkings(Workings):
    """The values behind one estimate."""

    def __init__(self, result: Estimate) -> None:
        self.basis, self._batch = result.basis, result.batch
        super().__init__(self.basis.question, self.basis.found, self.basis.replicas)

    @property
    def groups(self) -> Mapping[str, Group]:
        """Those of the replica, and of loads that benchmarks make."""
        return {**GROUPS, **_GROUPS}

    @cached_property
    def places(self) -> Mapping[str, At]:
        """The replica at its load, 'given'."""
        return {"given": At(self.replicas, self.replicas.at(np.array([[self._batch]])), 0)}

    @cached_property
    def facts(self) -> frozenset[str]:
        """What is true of the replica, and the kind of its load."""
        return super().facts | {self.basis.load.kind}


def _parts(workings: EstimateWorkings, metric: str) -> Values:
    parts = getattr(figures_of(workings.basis), f"{metric}_parts")
    return {slug(name): float(part[0]) for name, part in parts.items()}


_GROUPS: Final[Mapping[str, Group]] = {
    "prompt_flops": Group(lambda w: plain(prefill_flops(w.question)), "engine.step.operations.flops"),
    "token_flops": Group(lambda w: plain(token_flops(w.question)), "engine.step.operations.flops"),
    "ttft_part_s": Group(lambda w: _parts(w, "ttft"), "engine.replica.closed_forms"),
    "itl_part_s": Group(lambda w: _parts(w, "itl"), "engine.replica.closed_forms"),
    "client": Group(
        lambda w: {"turnaround_s": w.basis.protocol.turnaround_s, "most_requests_per_s": w.basis.saturated_rate},
        "the benchmark's clients",
    ),
}


class EstimateDerivations(Derivations):
    """The derivations of one estimate's figures."""

    def __init__(self, result: Estimate) -> None:
        tree, setup = estimate_json(result), result.setup
        own = {"accelerators_per_replica": setup.accelerators, "data_parallel": setup.data_parallel}
        spec = plain(result.basis.question.spec)
        super().__init__({"estimate": tree, "memory": tree["memory"], "chosen": own, "spec": spec}, {})
        self._result = result

    @cached_property
    def workings(self) -> Workings:
        """What stands between the estimate's figures."""
        return EstimateWorkings(self._result)


def derived(outcome: Outcome) -> tuple[Derivation, ...]:
    """Return the derivation of each figure that an outcome has; none where nothing fits.

    What enters is derived in turn only of an accelerator's memory, whose figures are those of a candidate.
    """
    if not isinstance(outcome, Estimate):
        return ()
    derivations = EstimateDerivations(outcome)
    return tuple(
        derivations.of(path, DEEPEST - path.startswith("memory.per_accelerator."))
        for path in FIGURES
        if not path.endswith(".mean") or path in derivations.known
    )
