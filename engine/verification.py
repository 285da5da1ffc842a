"""A plan verified: one replica at the peak hour simulated, and a fleet that follows the simulation where it must.

The fleet's arrivals are spread over its replicas at random, so that one replica sees a thinned share of them.
"""

from collections.abc import Callable
from dataclasses import replace
from math import isfinite, sqrt

from catalogs.catalog import Catalog
from engine.forecast import planned
from engine.plan import CapacityPlan, SimulatedTarget, TargetResult, Verification
from engine.resolve import Question, resolve
from engine.search import Evaluated, only, search, with_capacity
from engine.simulated import chosen_candidate, drawn, latency, target_verdicts, warm_up
from engine.simulation import StepModel, simulate, step_model_of

REQUESTS = 5_400
"""Enough for an interval of p99 once the first 5 % warmed the replica up; a quarter of a second in pure Python."""
SEED = 0
MOST = 2.0
"""Times the replicas of the formulas: what does not hold there is no matter of more replicas."""
DOUBT = 1.15
"""A figure that came without an interval counts as missed from so many times the target on."""
HALVINGS = 4
"""Of a range of loads, where the fleet is given and its rate is asked."""


def verified(plan: CapacityPlan, catalog: Catalog, *, requests: int = REQUESTS, seed: int = SEED) -> CapacityPlan:
    """Return the plan with its verification, and where a target fails beyond doubt with the fleet that holds it.

    Common random numbers: every fleet that is tried sees the same requests, closer together or further apart.

    Raises:
        InputError: names that the catalog does not know.
    """
    question, found = chosen_candidate(plan, catalog)
    model = step_model_of(found)

    def tried(at: CapacityPlan) -> Verification | None:
        return _verification(at, question, model, requests, seed, at.fleet.replicas - plan.fleet.replicas)

    first = tried(plan)
    if first is None:
        return plan
    if not _missed(first) or not plan.answer.meets_targets or plan.spec.traffic.concurrency:
        return _told(plan, first)
    evaluated = search(resolve(plan.spec, catalog))
    best = only(evaluated, int(evaluated.order[0]))
    question = best.candidates.question
    follow = _smaller_load if question.mean_rate is None else _larger_fleet
    followed = follow(plan, question, evaluated, best, tried)
    if followed is None:
        return _told(plan, first)
    larger, last = followed
    return _told(replace(larger, warnings=(_why(plan, larger, first), *larger.warnings)), last)


_Tried = Callable[[CapacityPlan], Verification | None]


def _larger_fleet(
    plan: CapacityPlan, question: Question, evaluated: Evaluated, best: Evaluated, tried: _Tried
) -> tuple[CapacityPlan, Verification] | None:
    """Return the smallest fleet, up to MOST times as large, of which the simulation holds; None where none does."""
    rate = (question.mean_rate or 0.0) * plan.spec.traffic.peak_factor
    low, high = plan.fleet.replicas, max(int(MOST * plan.fleet.replicas), plan.fleet.replicas + 1)
    found: tuple[CapacityPlan, Verification] | None = None
    # The next size is the likeliest: it is tried first, then the range is halved.
    at = low + 1
    while low < high - (found is not None):
        larger = _planned(plan, question, evaluated, with_capacity(question, best, rate / at * (1 + 1e-9)))
        simulated = tried(larger)
        if simulated is not None and not _missed(simulated):
            found, high = (larger, simulated), at
        else:
            low = at
        if low >= high:
            break
        at = (low + high + 1) // 2 if found is None else (low + high) // 2
    return found


def _smaller_load(
    plan: CapacityPlan, question: Question, evaluated: Evaluated, best: Evaluated, tried: _Tried
) -> tuple[CapacityPlan, Verification] | None:
    """Return what the given fleet holds in the simulation; None where it holds at no load near the formulas'."""
    most = float(best.capacity[0])
    low, high = most / MOST, most
    found: tuple[CapacityPlan, Verification] | None = None
    for step in range(HALVINGS):
        at = low if step == 0 else (low + high) / 2
        smaller = _planned(plan, question, evaluated, with_capacity(question, best, at))
        simulated = tried(smaller)
        if simulated is not None and not _missed(simulated):
            found, low = (smaller, simulated), at
        elif found is None:
            return None
        else:
            high = at
    return found


def _planned(plan: CapacityPlan, question: Question, evaluated: Evaluated, best: Evaluated) -> CapacityPlan:
    made = planned(question, evaluated, best, sources=plan.sources)
    return replace(made, provenance=plan.provenance)


def _verification(
    plan: CapacityPlan, question: Question, model: StepModel, requests: int, seed: int, added: int
) -> Verification | None:
    at = plan.performance.at_peak
    burstiness = plan.spec.traffic.burstiness
    # A thinned renewal stream: of gaps with a CV of c, one in n taken gives c² / n + 1 − 1/n.
    thinned = sqrt(1 + (burstiness**2 - 1) / max(plan.fleet.replicas, 1))
    first = warm_up(requests, at.in_flight)
    result = simulate(
        model,
        question.runtime.scheduler,
        drawn(question, at.requests_per_s, requests, seed, burstiness=thinned),
        seed=seed,
        first_counted=first,
        speed="plain",
    )
    if not isfinite(result.ttft_s.mean.value):
        return None
    return Verification(
        requests=requests,
        seed=seed,
        requests_per_s=at.requests_per_s,
        ttft_s=latency(result.ttft_s, at.ttft_s),
        itl_s=latency(result.itl_s, at.itl_s) if isfinite(result.itl_s.mean.value) else None,
        e2e_s=latency(result.e2e_s, at.e2e_s),
        targets=tuple(_beyond_doubt(target) for target in target_verdicts(plan, result, at, first)),
        utilisation=result.utilisation,
        kv_cache_usage=result.kv_usage,
        preemptions=result.preemptions,
        added_replicas=max(added, 0),
    )


def _beyond_doubt(target: SimulatedTarget) -> SimulatedTarget:
    low = target.simulated_s / DOUBT if target.low is None else target.low
    return replace(target, met=min(low, target.simulated_s) <= target.target_s)


def _missed(verification: Verification) -> list[SimulatedTarget]:
    return [target for target in verification.targets if not target.met]


def _told(plan: CapacityPlan, verification: Verification) -> CapacityPlan:
    """Return the plan with its verification; a target that the simulation misses is not met."""
    plan = replace(plan, verification=verification)
    missed = {(target.metric, target.percentile): target for target in _missed(verification)}
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


def _why(plan: CapacityPlan, larger: CapacityPlan, first: Verification) -> str:
    target = _missed(first)[0]
    name = f"{target.metric.upper()} {target.percentile}"
    formula = "" if target.formula_s is None else f" (the formula says {_ms(target.formula_s)})"
    before, after = plan.fleet, larger.fleet
    if after.replicas > before.replicas:
        change = f"the fleet follows the simulation: {after.replicas} replicas instead of {before.replicas}"
    else:
        held = f"{after.capacity_requests_per_s:.3g} instead of {before.capacity_requests_per_s:.3g} requests/s"
        change = f"the plan follows the simulation: it holds to {held}"
    return (
        f"{name} was {_ms(target.simulated_s)}{formula} when the peak hour was simulated, target "
        f"{_ms(target.target_s)}: {change}"
    )


def _name(result: TargetResult) -> str:
    return f"{result.metric.upper()} {result.percentile}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
