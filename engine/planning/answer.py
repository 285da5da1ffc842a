"""The plan in a line, the verdict on each target, and what a reader must be warned of."""

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace

from engine.fleet.operating_points import OperatingPoints
from engine.fleet.search import SizedCandidates, search
from engine.plan import (
    Answer,
    Cost,
    Fleet,
    Memory,
    Performance,
    Rejection,
    ReplicaCapacity,
    TargetResult,
    parallelism_shown,
)
from engine.planning.bands import outside_note
from engine.planning.launch import unsupported_note
from engine.question.fleet_limits import tightest
from engine.question.resolve import Question
from engine.workload import WorkloadSpec


def target_results(spec: WorkloadSpec, at_peak: Performance) -> tuple[TargetResult, ...]:
    """Return the forecast for each target at the peak hour."""
    results = []
    for target in spec.targets:
        forecast_s = float(getattr(getattr(at_peak, f"{target.metric}_s"), target.percentile))
        # The capacity is solved to 0.02 % of the batch; a target reached to that accuracy is met.
        met = forecast_s <= target.seconds * 1.001
        results.append(TargetResult(target.metric, target.percentile, target.seconds, forecast_s, met))
    return tuple(results)


def answer_of(
    question: Question,
    best: SizedCandidates,
    fleet: Fleet,
    capacity: ReplicaCapacity,
    results: tuple[TargetResult, ...],
) -> Answer:
    """Return the plan in a line."""
    spec, found = question.spec, best.candidates
    accelerator = found.accelerator(0)
    limit = tightest(spec.hardware, found.unit_sizes.at(0))
    within = limit is None or fleet.maximum_accelerators <= limit.accelerators
    met = all(result.met for result in results) and within
    total = fleet.accelerators
    many, serve = ("s", "serve") if fleet.replicas > 1 else ("", "serves")
    sentence = (
        f"{total} × {accelerator.name}: {fleet.replicas} replica{many} of {_shape(best)} {serve} {question.model.name} "
        f"in {question.weights.name}"
    )
    if question.mean_rate is None and spec.traffic.concurrency is None:
        mean = fleet.capacity_requests_per_s / spec.traffic.peak_factor
        sentence += f", up to {fleet.capacity_requests_per_s:.3g} requests/s at the peak ({mean:.3g} on average)"
    if limit is not None and not within:
        sentence += f"; more than the {limit.counted(limit.count)} allowed"
    elif not met:
        missed = ", ".join(target_name_of(r) for r in results if not r.met)
        sentence += f"; it misses {missed}: nothing within what was asked meets all targets"
    return Answer(met, sentence, fleet.capacity_requests_per_s, capacity.binds)


def target_name_of(result: TargetResult) -> str:
    """Return a target as people say it."""
    return f"{result.metric.upper()} {result.percentile}"


def _shape(best: SizedCandidates) -> str:
    return parallelism_shown(*best.candidates.parallelism.sizes(), always="")


def warnings_of(
    question: Question,
    best: SizedCandidates,
    fleet: Fleet,
    memory: Memory,
    points: OperatingPoints,
    bill: Cost,
    results: tuple[TargetResult, ...],
    misses: Sequence[Rejection] = (),
    *,
    simulated: bool = False,
) -> tuple[str, ...]:
    """Return the warnings, the one that matters most first: why what was asked is out of reach, then by how much."""
    spec = question.spec
    warnings = [miss.reason for miss in misses]
    warnings += [
        f"{target_name_of(result)} is {_ms(result.forecast_s)} at the peak, target {_ms(result.target_s)}"
        for result in results
        if not result.met
    ]
    warnings += _cap_warning(question, best, fleet)
    if memory.verdict == "marginal":
        warnings.append(
            f"memory fits only just: weights take {memory.per_accelerator.weights_bytes / 2**30:.1f} of "
            f"{memory.per_accelerator.total_bytes / 2**30:.1f} GiB per accelerator"
        )
    if bill.monthly_usd is None:
        warnings.append(bill.note)
    if bill.within_budget is False:
        warnings.append(
            f"over budget: {bill.monthly_usd or 0:,.0f} USD a month against {spec.money.monthly_budget_usd:,.0f}"
        )
    if points.at_peak.utilisation > 0.7 and not simulated:
        warnings.append(
            f"at the peak a replica runs at {points.at_peak.utilisation:.0%} of saturation: closed forms misjudge p99 "
            "TTFT there by −25 to +60 %"
        )
    unlike = outside_note(best.candidates.accelerator(0), question.model, question.weights, spec, question.catalog)
    cannot = unsupported_note(question, best.candidates.accelerator(0))
    warnings += [note for note in (cannot, unlike) if note]
    if not spec.targets:
        warnings.append(
            "no latency target was given: the fleet is sized to "
            f"{spec.serving.utilisation_ceiling:.0%} of saturation, whatever the latency"
        )
    origin = best.candidates.rates[int(best.candidates.which[0])].origin
    if origin != "measured":
        warnings.append(f"no kernel of {best.candidates.accelerator(0).name} was measured: efficiencies are {origin}")
    return tuple(warnings)


def _cap_warning(question: Question, best: SizedCandidates, fleet: Fleet) -> list[str]:
    """Say what a batch cap costs: the fleet without it."""
    cap = question.spec.serving.batch_cap
    if not cap or best.candidates.seats_by_memory[0] <= cap:
        return []
    free_serving = question.spec.serving.model_copy(update={"batch_cap": None})
    spec = question.spec.model_copy(update={"serving": free_serving})
    free = replace(question, spec=spec, batch_cap=question.runtime.scheduler.max_sequences)
    without = search(free)
    if not len(without.order):
        return []
    row = int(without.order[0])
    count, name = int(without.accelerators[row]), without.candidates.accelerator(row).name
    if count >= fleet.maximum_accelerators:
        return []
    batch = float(without.batch[row])
    return [
        f"the batch cap of {cap} costs {fleet.maximum_accelerators - count} accelerators: "
        f"{fleet.maximum_accelerators} with it, without the cap {count} × {name} (batch up to {np.floor(batch):.0f})"
    ]


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
