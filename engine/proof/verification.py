"""A plan verified: its peak hour simulated, and a fleet that follows the simulation where it must.

A fleet of which a target fails in the simulation grows until it holds, and is then ranked anew among the candidates:
where another would now be cheaper, that one is simulated too.
"""

from collections.abc import Mapping
from math import ceil, log

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.errors import InputError
from engine.fleet.search import SizedCandidates, array_of_one, with_capacity, with_row
from engine.fleet.size import today
from engine.load_test.plan_under_load import latency
from engine.method import Considered, Simulated, planned
from engine.plan import Assumption, CapacityPlan, SimulatedTarget, TargetResult, Verification
from engine.proof.peak_hour import COUNTED, COUNTED_P99, Ladder, PeakHour, Run, first_that_holds, peak_hour
from engine.question.resolve import Question
from engine.simulation.routing import DEFAULT_ROUTING
from engine.workload import Source, Target

SEED = 0
MOST = 2.0
"""Times the replicas of the formulas: what does not hold there is no matter of more replicas."""
CANDIDATES = 3
"""Simulated at most, the next only where it would be cheaper than a fleet that had to grow."""
RUNG, RUNGS = 1.02, 36
"""Steps of a given fleet's load, down to half of it."""
REFINED_RUNG, REFINED_RUNGS = 1.01, 140
"""Steps of the load whose capacity is refined, from the utilisation ceiling down to a quarter of it."""
STEADY = 1.5
"""Times the formula's mean E2E up to which a fleet without targets keeps pace: one whose KV pool stays full preempts
requests, computes them again, and falls ever further behind."""
REFINED = 10_000
"""Requests that count in each simulation of a refined capacity."""


def verified(
    found: Considered, sources: Mapping[str, Source] | None = None, *, refine: bool = False, seed: int = SEED
) -> CapacityPlan:
    """Return the best candidate's plan with its verification, and where a target fails with the fleet that holds it.

    Without targets it must keep pace: see ``STEADY``.

    Args:
        found: the candidates, ranked.
        sources: where each value of the spec came from, by path.
        refine: size the fleet on the capacity that simulations find, not on the formulas'.
        seed: of all random draws; every fleet that is tried sees the same requests.

    Raises:
        InputError: a spec without targets, or of a closed loop, that is to be refined.
    """
    spec = found.question.spec
    if refine and not spec.targets:
        raise InputError("there is no target to refine the capacity under; give one, such as --ttft-p95 800ms")
    if refine and spec.traffic.concurrency:
        raise InputError(
            f"a concurrency of {spec.traffic.concurrency} has no capacity in requests/s to refine; give a rate, "
            "such as --rps 10"
        )
    best = array_of_one(found.evaluated, int(found.evaluated.order[0]))
    if not spec.targets:
        return _steady(found, best, sources, seed)
    if found.misses or spec.traffic.concurrency:
        return _as_it_is(found, best, sources, seed)
    chosen = _chosen(found, seed, refine=refine)
    if chosen is None:
        return _as_it_is(found, best, sources, seed)
    evaluated, held = chosen
    told = Simulated(
        results=_results(held.last) if refine else None,
        binding=_name(held.failed) if held.failed else None,
    )
    plan = planned(found.question, evaluated, held.one, found.misses, sources, told)
    plan = _followed(plan, best, held, refined=refine)
    return replace(plan, verification=_record(plan, held.last, seed, held.added))


class _Verified(Struct, frozen=True):
    """A candidate whose fleet holds in the simulation."""

    one: SizedCandidates
    """An array of one, at the capacity that the simulation confirms."""
    formulas: SizedCandidates
    """And at the formulas'."""
    first: Run
    """At the formulas' capacity."""
    last: Run
    failed: SimulatedTarget | None
    """What the next larger load, or the next smaller fleet, misses; None where nothing was tried there."""

    @property
    def added(self) -> int:
        """Replicas at the peak hour that the formulas did not ask for."""
        return max(today(self.one.counts) - today(self.formulas.counts), 0)


def _chosen(found: Considered, seed: int, *, refine: bool) -> tuple[SizedCandidates, _Verified] | None:
    """Return the best candidate that holds, in front of all others; None where none of the first few does."""
    question, evaluated = found.question, found.evaluated
    tried: dict[int, _Verified | None] = {}
    while len(evaluated.order) and len(tried) < CANDIDATES:
        row = int(evaluated.order[0])
        if row in tried:
            break
        held = tried[row] = _held(question, array_of_one(evaluated, row), seed, refine=refine)
        one = array_of_one(evaluated, row)
        evaluated = with_row(question, evaluated, row, held.one if held else _without_capacity(one))
    row = next((int(row) for row in evaluated.order if tried.get(int(row))), -1)
    verified = tried.get(row)
    if verified is None:
        return None
    order = np.concatenate([[row], evaluated.order[evaluated.order != row]]).astype(np.intp)
    return replace(evaluated, order=order), verified


def _without_capacity(one: SizedCandidates) -> SizedCandidates:
    return replace(one, capacity=np.full(1, np.nan))


def _held(question: Question, one: SizedCandidates, seed: int, *, refine: bool) -> _Verified | None:
    """Return an array of one with the capacity at which it holds; None where it holds at no load near the formulas'."""
    hour = peak_hour(question, one, seed)
    peak = None if question.mean_rate is None else question.mean_rate * question.spec.traffic.peak_factor
    replicas = today(one.counts)
    rate = float(one.capacity[0]) if peak is None else peak / replicas
    first = hour.judged(rate, replicas)
    if refine:
        return _refined(hour, one, first, peak)
    if not first.missed:
        return _Verified(one, one, first, first, None)
    ladder = _lighter_loads(rate, RUNG, RUNGS, replicas) if peak is None else _larger_fleets(peak, replicas)
    fails = ladder.rung(rate)
    likely = hour.likely_capacity(first)
    start = fails + 1 if np.isnan(likely) else ladder.rung(likely)
    holding = first_that_holds(hour, ladder, fails, start, COUNTED)
    if holding is None:
        return None
    run = hour.surer(holding.run, ladder.replicas(holding.rung))
    if not run.holds(strictly=False):
        holding = first_that_holds(hour, ladder, holding.rung, holding.rung + 1, COUNTED_P99)
        if holding is None:
            return None
        run = holding.run
    capacity = ladder.rate(holding.rung) * (1 + 1e-9)
    return _Verified(with_capacity(question, one, capacity), one, first, run, (holding.failed or first).worst)


def _refined(hour: PeakHour, one: SizedCandidates, first: Run, peak: float | None) -> _Verified | None:
    """Return an array of one with the largest capacity, within the utilisation ceiling, at which every target holds."""
    question = hour.question
    most = question.spec.serving.utilisation_ceiling * float(one.replicas.saturated_rate[0, 0])
    ladder = _lighter_loads(most, REFINED_RUNG, REFINED_RUNGS, today(one.counts))
    holding = first_that_holds(hour, ladder, -1, ladder.rung(float(one.capacity[0])), REFINED, strictly=True)
    if holding is None:
        return None
    capacity, run = ladder.rate(holding.rung), holding.run
    if peak is not None:
        # The fleet that this takes: its replicas carry a little less, or balance less well where they are few.
        replicas = max(ceil(peak / capacity - 1e-6), question.spec.availability.minimum_replicas)
        run = hour.run(peak / replicas, replicas, counted=REFINED)
        while not run.holds(strictly=True) and replicas < MOST * today(one.counts):
            replicas += 1
            capacity = peak / replicas * (1 + 1e-9)
            run = hour.run(peak / replicas, replicas, counted=REFINED)
    failed = holding.failed.worst if holding.failed else None
    return (
        _Verified(with_capacity(question, one, capacity), one, first, run, failed) if run.holds(strictly=True) else None
    )


def _larger_fleets(peak: float, replicas: int) -> Ladder:
    return Ladder(
        rate=lambda count: peak / count,
        rung=lambda rate: ceil(peak / rate - 1e-6),
        replicas=lambda count: count,
        last=max(int(MOST * replicas), replicas + 1),
    )


def _lighter_loads(most: float, step: float, steps: int, replicas: int) -> Ladder:
    return Ladder(
        rate=lambda rung: float(most * step**-rung),
        rung=lambda rate: max(ceil(log(most / rate) / log(step) - 1e-6), 0),
        replicas=lambda rung: replicas,
        last=steps,
    )


def _steady(found: Considered, best: SizedCandidates, sources: Mapping[str, Source] | None, seed: int) -> CapacityPlan:
    """Return a plan without targets; where its peak hour does not keep pace, with the fleet that does."""
    question = found.question
    plan = planned(question, found.evaluated, best, found.misses, sources)
    if found.misses or question.spec.traffic.concurrency:
        return plan
    pace = Target(metric="e2e", percentile="mean", seconds=STEADY * plan.performance.at_peak.e2e_s.mean)
    judged = replace(question, spec=question.spec.model_copy(update={"targets": (pace,)}))
    held = _held(judged, best, seed, refine=False)
    if held is not None and not held.first.missed:
        return replace(plan, verification=_record(plan, replace(held.last, targets=()), seed, 0))
    first = (
        held.first
        if held
        else peak_hour(judged, best, seed).judged(plan.performance.at_peak.requests_per_s, plan.fleet.replicas)
    )
    said = (
        f"its KV cache fills when the peak hour is simulated: {first.result.preemptions / first.requests:.2g} "
        f"preemptions a request, and E2E mean is {_ms(first.worst.simulated_s)} (the formula says "
        f"{_ms(plan.performance.at_peak.e2e_s.mean)})"
    )
    if held is None:
        warnings = (f"{said}; nothing near it keeps pace", *plan.warnings)
        return replace(plan, warnings=warnings, verification=_record(plan, replace(first, targets=()), seed, 0))
    told = Simulated(binding="a full KV cache")
    plan = planned(question, found.evaluated, held.one, found.misses, sources, told)
    plan = replace(plan, warnings=(f"{said}: {_change(plan, held)}", *plan.warnings))
    return replace(plan, verification=_record(plan, replace(held.last, targets=()), seed, held.added))


def _as_it_is(
    found: Considered, best: SizedCandidates, sources: Mapping[str, Source] | None, seed: int
) -> CapacityPlan:
    """Return the formulas' plan with what the simulation says of it; a target that it misses is not met."""
    plan = planned(found.question, found.evaluated, best, found.misses, sources, Simulated())
    run = peak_hour(found.question, best, seed).judged(plan.performance.at_peak.requests_per_s, plan.fleet.replicas)
    if not run.targets:
        return plan
    plan = replace(plan, verification=_record(plan, run, seed, 0))
    missed = {(target.metric, target.percentile): target for target in run.missed}
    news = [result for result in plan.targets if result.met and (result.metric, result.percentile) in missed]
    if not news:
        return plan
    names = ", ".join(_name(result) for result in news)
    targets = tuple(replace(result, met=False) if result in news else result for result in plan.targets)
    answer = replace(plan.answer, meets_targets=False, sentence=f"{plan.answer.sentence}; simulated, it misses {names}")
    said = tuple(
        f"{_name(result)} is {_ms(missed[result.metric, result.percentile].simulated_s)} when the peak hour is "
        f"simulated, target {_ms(result.target_s)}; the formula says {_ms(result.forecast_s)}"
        for result in news
    )
    return replace(plan, targets=targets, answer=answer, warnings=(*said, *plan.warnings))


def _followed(plan: CapacityPlan, asked: SizedCandidates, verified: _Verified, *, refined: bool) -> CapacityPlan:
    """Return a plan that says why it is not the formulas' plan."""
    if refined:
        plan = _told_refined(plan, verified)
    why = (*_another(plan, asked, verified), *_why(plan, verified))
    return replace(plan, warnings=(*why, *plan.warnings))


def _told_refined(plan: CapacityPlan, verified: _Verified) -> CapacityPlan:
    simulated, formulas = plan.replica_capacity.requests_per_s, float(verified.formulas.capacity[0])
    note = Assumption(
        f"one replica carries {simulated:.3g} requests/s: the most at which {REFINED:,} simulated requests keep every "
        f"target; the formulas say {formulas:.3g}"
    )
    method = f"{plan.provenance.method}; capacity by simulation: bisection with common random numbers"
    return replace(plan, assumptions=(note, *plan.assumptions), provenance=replace(plan.provenance, method=method))


def _why(plan: CapacityPlan, verified: _Verified) -> tuple[str, ...]:
    """Say what the formulas' fleet misses, and what became of it; nothing where the simulation only refined it."""
    if not verified.first.missed:
        return ()
    target = verified.first.worst
    formula = "" if target.formula_s is None else f" (the formula says {_ms(target.formula_s)})"
    return (
        f"{_name(target)} was {_ms(target.simulated_s)}{formula} when the peak hour was simulated, target "
        f"{_ms(target.target_s)}: {_change(plan, verified)}",
    )


def _change(plan: CapacityPlan, verified: _Verified) -> str:
    """Say what became of the formulas' fleet."""
    before, after = today(verified.formulas.counts), plan.fleet.replicas
    if after > before:
        return f"the fleet follows the simulation: {after} replicas instead of {before}"
    rate = before * float(verified.formulas.capacity[0]) / plan.spec.traffic.calls_per_request
    held = f"{plan.fleet.capacity_requests_per_s:.3g} instead of {rate:.3g} requests/s"
    return f"the plan follows the simulation: it holds to {held}"


def _another(plan: CapacityPlan, asked: SizedCandidates, verified: _Verified) -> tuple[str, ...]:
    """Say that another candidate than the formulas' is chosen, and why."""
    if _same(asked, verified.one):
        return ()
    first, size = asked.candidates.accelerator(0).name, int(asked.candidates.parallelism.accelerators[0])
    given = plan.spec.traffic.requests_per_s is None
    return (
        f"by the formulas alone {today(asked.counts)} × {size} {first} would be best; they miss a target when the peak "
        f"hour is simulated, and what holds there {'carries less' if given else 'costs more'} than this",
    )


def _same(one: SizedCandidates, other: SizedCandidates) -> bool:
    mine, theirs = (
        (e.candidates.accelerator(0).id, *(int(axis[0]) for axis in (s.tp, s.pp, s.dp, s.ep)))
        for e in (one, other)
        for s in (e.candidates.parallelism,)
    )
    return mine == theirs


def _results(run: Run) -> tuple[TargetResult, ...]:
    return tuple(TargetResult(t.metric, t.percentile, t.target_s, t.simulated_s, t.met) for t in run.targets)


def _record(plan: CapacityPlan, run: Run, seed: int, added: int) -> Verification:
    at, result = plan.performance.at_peak, run.result
    return Verification(
        requests=run.requests,
        seed=seed,
        replicas=run.together,
        routing=DEFAULT_ROUTING,
        requests_per_s=run.requests_per_s,
        ttft_s=latency(result.ttft_s, at.ttft_s),
        itl_s=latency(result.itl_s, at.itl_s) if np.isfinite(result.itl_s.mean.value) else None,
        e2e_s=latency(result.e2e_s, at.e2e_s),
        targets=run.targets,
        utilisation=result.utilisation,
        kv_cache_usage=result.kv_usage,
        preemptions=result.preemptions,
        added_replicas=added,
    )


def _name(target: TargetResult | SimulatedTarget) -> str:
    return f"{target.metric.upper()} {target.percentile}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
