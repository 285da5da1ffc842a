"""What nobody said and the plan rests on, those first that would move the count most."""

from collections.abc import Mapping

import numpy as np
from msgspec.structs import replace

from engine.arrays import Floats
from engine.fleet.candidates import measured_more
from engine.fleet.search import SizedCandidates
from engine.fleet.size import Counts, replica_counts
from engine.plan import NO_CHANGE, Assumption
from engine.planning.default_targets import usual_targets
from engine.planning.phrases import latency_shown
from engine.question.fleet_limits import HOST_POWER_SHARE
from engine.question.lengths import lengths_of
from engine.question.resolve import Question
from engine.replica.batches import capacity_batch
from engine.replica.load import Replicas
from engine.step.table import sequence_sampling_s
from engine.workload import DEFAULT_TOKEN_CV, Source, Target, WorkloadSpec, targets_by_default


def assumptions_of(question: Question, best: SizedCandidates, sources: Mapping[str, Source]) -> tuple[Assumption, ...]:
    """Return the defaults behind a chosen candidate, each with the count under another value where that moves it.

    Args:
        best: the candidate, an array of one.
        sources: where each value of the spec came from, by path.
    """
    spec = question.spec
    weighed: list[tuple[float, Assumption]] = []
    whole = _today(best.counts, spec, best)

    def note(text: str, others: Mapping[str, float]) -> None:
        moves = {label: count for label, count in others.items() if count and not np.isnan(count)}
        effect = _effect(moves, whole)
        shift = max((abs(count - whole) for count in moves.values()), default=0.0)
        weighed.append((shift, Assumption(text, effect)))

    def unsaid(path: str) -> bool:
        return path not in sources or sources[path].kind in ("default", "preset", "derived", "settings")

    load = spec.traffic.concurrency or question.mean_rate
    if added := [target for target in spec.targets if targets_by_default(sources, target.metric)]:
        stated = tuple(target for target in spec.targets if target not in added)
        held = " and ".join(f"{t.name} {latency_shown(t.seconds)}" for t in added)
        eased = "" if set(added) <= set(usual_targets(question)) else ", eased: a request alone takes most of it"
        capacity = _capacity(best.replicas, stated, spec.serving.utilisation_ceiling)
        counted = {"without": _count(spec, question, best, capacity)} if load and not spec.traffic.concurrency else {}
        named = f"no {added[0].metric.upper()} target" if stated else "no target"
        note(f"{named} was given: {held}, as for people who wait for the answer{eased}", counted)
    if load and unsaid("traffic.peak_factor"):
        others = [factor for factor in (1.0, 2.0) if factor != spec.traffic.peak_factor]
        counted = {f"at {factor:g} ×": _recount(question, best, peak_factor=factor) for factor in others}
        note(f"the busiest hour is {spec.traffic.peak_factor:g} × the mean", counted)
    if load and unsaid("serving.utilisation_ceiling"):
        ceiling = spec.serving.utilisation_ceiling
        counted = {"at 70%": _recount(question, best, ceiling=0.7)} if not spec.targets else {}
        note(f"a replica is planned for {ceiling:.0%} of its saturated rate", counted)
    if load and unsaid("tokens.prefix_hit"):
        other = 0.5 if spec.tokens.prefix_hit < 0.25 else 0.0
        counted = {f"at {other:.0%}": _with_tokens(question, best, prefix_hit=other)}
        note(f"{spec.tokens.prefix_hit:.0%} of prompt tokens are found in the prefix cache", counted)
    if question.asked_tokens and unsaid("tokens.max_tokens"):
        note(f"clients ask for {question.asked_tokens:,} tokens at most (max_tokens), the p99 of answers", {})
    if unsaid("tokens.output.cv") and spec.tokens.output.cv is None and spec.tokens.output.p95 is None:
        note(f"prompt and answer lengths vary with CV {DEFAULT_TOKEN_CV} (lognormal)", {})
    if sampled := _sampling(question, best, assumed=unsaid("tokens.sampling")):
        note(sampled, {})
    calibration, assumed = question.catalog.calibration, question.assumed_version
    measured = measured_more(question, (best.candidates.accelerator(0),)).any()
    for holds, text in (
        (not question.weights_stated, f"weights are served as the checkpoint stores them, in {question.weights.name}"),
        (unsaid("precision.kv_cache"), f"the KV cache is kept in {question.kv_cache.name}"),
        (measured, f"the KV pool is as large as the start-up log of {calibration and calibration.id} says"),
        (unsaid("serving.runtime") or assumed, f"served by {question.runtime.name}{assumed}"),
    ):
        if holds:
            note(text, {})
    if spec.hardware.max_power_kw:
        note(f"hosts are rated at {HOST_POWER_SHARE:.0%} of the accelerators' power limits, as in a DGX H100", {})
    if unsaid("money.term") and best.offers[0] is not None:
        note("accelerators are rented on demand at the median offer", {})
    derived = sources.get("model")
    if derived is not None and derived.kind == "derived":
        note(f"the model is {question.model.name}: {derived.detail}", {})
    weighed.sort(key=lambda pair: -pair[0])
    return tuple(assumption for _, assumption in weighed)


TOP_P_SHARE = 0.03
"""Of ITL, from which a plan says what top-p would add; judgement."""


def _sampling(question: Question, best: SizedCandidates, *, assumed: bool) -> str:
    """Return what top-p would add to ITL at capacity where that counts, or that what it adds is not known."""
    cost = question.runtime.top_p_on(best.candidates.accelerator(0))
    if question.spec.tokens.sampling == "top_p":
        return "" if cost else f"what top-p costs under {question.runtime.release} is not known: none is reckoned"
    if not assumed or cost is None:
        return ""
    spread = best.candidates.parallelism
    ranks: Floats = np.multiply(spread.dp, spread.pp, dtype=np.float64)
    each_s = sequence_sampling_s(np.array([cost.ns_per_entry * 1e-9]), question.model, ranks)
    batch = best.full_batch[:, None]
    added_s = float(each_s[0] * batch[0, 0])
    if added_s < TOP_P_SHARE * float(best.replicas.costs.at(batch).decoding[0, 0]):
        return ""  # still less of ITL, which is no less than a step
    itl_s = float(best.replicas.at(batch).itl_s[0, 0])
    if added_s < TOP_P_SHARE * itl_s:
        return ""
    return (
        f"tokens are drawn greedily, as benchmarks do; top-p, which many models' generation_config asks for, adds "
        f"{latency_shown(added_s)} ({added_s / itl_s:.0%}) to ITL at capacity under {question.runtime.release}"
    )


def _effect(moves: Mapping[str, float], whole: float) -> str:
    """Say the count under other values: '8 accelerators at 1 ×, 16 at 2 ×'."""
    if moves and all(count == whole for count in moves.values()):
        return f"{NO_CHANGE} {' or '.join(moves)}"
    first, *others = (f"{count:,.0f}{{}} {label}" for label, count in moves.items()) if moves else ("",)
    many = "accelerator" if first.startswith("1{}") else "accelerators"
    return ", ".join((first.format(f" {many}"), *(other.format("") for other in others)))


def _recount(
    question: Question, best: SizedCandidates, *, peak_factor: float | None = None, ceiling: float | None = None
) -> float:
    """Count the accelerators again under another peak factor or utilisation ceiling."""
    spec = question.spec
    traffic = replace(spec.traffic, **({"peak_factor": peak_factor} if peak_factor else {}))
    capacity = best.in_flight if spec.traffic.concurrency else best.capacity
    if ceiling:
        capacity = capacity * (ceiling / spec.serving.utilisation_ceiling)
    return _count(replace(spec, traffic=traffic), question, best, capacity)


def _with_tokens(question: Question, best: SizedCandidates, *, prefix_hit: float) -> float:
    """Count the accelerators again with another share of prompt tokens cached, on the same candidate."""
    if question.spec.traffic.concurrency:
        return float("nan")
    spec, ceiling = question.spec, question.spec.serving.utilisation_ceiling
    whole, less_to_do = _count(spec, question, best, best.capacity), prefix_hit > spec.tokens.prefix_hit
    # What takes less carries no less, and fewer there are not.
    if less_to_do and whole == _count(spec, question, best, np.full(1, np.inf)):
        return whole
    tokens = replace(spec.tokens, prefix_hit=prefix_hit)
    other = replace(question, lengths=lengths_of(tokens, question.context_limit))
    replicas = replace(best.candidates, question=other).fleet_replicas(best.replicas.costs.tables)
    if less_to_do and whole == _count(spec, question, best, ceiling * replicas.saturated_rate[:, 0]):
        return whole
    return _count(spec, question, best, _capacity(replicas, spec.targets, ceiling))


def _capacity(replicas: Replicas, targets: tuple[Target, ...], ceiling: float) -> Floats:
    """Return what a replica carries within targets; without any a share of saturation, whatever the batch."""
    if not targets:
        return ceiling * replicas.saturated_rate[:, 0]
    return replicas.rate_again(capacity_batch(replicas, targets, ceiling))[:, 0]


def _count(spec: WorkloadSpec, question: Question, best: SizedCandidates, capacity: Floats) -> float:
    load = spec.traffic.concurrency or question.mean_rate or 0.0
    return _today(replica_counts(spec, float(load), capacity), spec, best)


def _today(counts: Counts, spec: WorkloadSpec, best: SizedCandidates) -> float:
    """Return the accelerators of today's fleet, with spares, which is what a plan's headline says."""
    replicas = float(counts.peak[0]) + spec.availability.spare_replicas
    return replicas * float(best.candidates.parallelism.accelerators[0])
