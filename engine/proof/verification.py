"""A fleet verified: its peak hour simulated, and a fleet that follows the simulation where it must.

A fleet of which a target fails in the simulation grows until it holds, and is then ranked anew among the candidates:
where another would now be cheaper, that one is simulated too.
"""

from math import ceil, log

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.units import show_figure, show_rate
from engine.fleet.search import SizedCandidates, array_of_one, with_capacity, with_row
from engine.fleet.size import todays_peak_replicas
from engine.plan import Assumption, Performance, SimulatedTarget, TargetResult, Verification
from engine.planning.phrases import latency_shown
from engine.planning.ranking import Ranking
from engine.planning.verdict import ChosenFleet, Verdict, chosen_fleet, formulas_verdict, verdict_on
from engine.proof.budget import PEAK_HOUR_EVENTS, REFINING, Budget
from engine.proof.peak_hour import (
    COUNTED,
    COUNTED_P99,
    REFINED,
    Ladder,
    PeakHour,
    Run,
    first_by_halves,
    first_that_holds,
    peak_hour,
)
from engine.proof.simulated_figures import latency
from engine.question.fleet_limits import fewest_replicas
from engine.question.resolve import Question
from engine.simulation.routing import DEFAULT_ROUTING
from engine.workload import Target

SEED = 0
MOST = 2.0
"""Times the replicas of the formulas at which growing ends: if that still misses, more replicas do not help."""
CANDIDATES = 3
"""Simulated at most, the next only where it would be cheaper than a fleet that had to grow."""
RUNG, RUNGS = 1.02, 36
"""Steps of a given fleet's load, down to half of it."""
REFINED_RUNG, REFINED_RUNGS = 1.01, 140
"""Steps of the load whose capacity is refined, from the utilisation ceiling down to a quarter of it."""
STEADY = 1.5
"""Times the formula's mean E2E up to which a fleet without targets keeps pace: one whose KV pool stays full preempts
requests, computes them again, and falls ever further behind."""


def verified(ranking: Ranking, *, refine: bool = False, seed: int = SEED, events: int = PEAK_HOUR_EVENTS) -> Verdict:
    """Return the verdict on the best candidate and, where a target fails, on the fleet that holds it.

    Without targets it must keep pace: see ``STEADY``. Where the events do not suffice the verdict says so first.

    Args:
        ranking: the candidates; with targets, where one is to be refined.
        refine: size the fleet on the capacity that simulations find, not on the formulas'.
        seed: of all random draws; every fleet that is tried sees the same requests.
        events: of the simulator, over all simulations.
    """
    budget, spec = Budget(events * (REFINING if refine else 1)), ranking.question.spec
    if not spec.targets:
        verdict = _paced(ranking, seed, budget)
    elif ranking.misses or spec.traffic.concurrency:
        verdict = _only_judged(ranking, seed, budget)
    else:
        verdict = _sized(ranking, seed, budget, refine=refine)
    if not budget.cut_short:
        return verdict
    return replace(verdict, warnings=(_cut_short(verdict.record, budget), *verdict.warnings))


def _cut_short(record: Verification | None, budget: Budget) -> str:
    takes = f"simulating its peak hour takes more than {budget.events:,} events"
    if record is None:
        return f"not verified: {takes}, and every latency is the formulas' alone"
    return f"verified in part: {takes}; the figures are of {record.requests:,} requests to the fleet that was reached"


class _Trial(Struct, frozen=True):
    """What simulations make of a candidate."""

    formulas: SizedCandidates
    """An array of one at the formulas' capacity."""
    first: Run | None
    """At that capacity; None where the events did not suffice."""
    held: SizedCandidates | None = None
    """At the capacity that a simulation confirms; None where it confirms none near the formulas'."""
    last: Run | None = None
    """At that capacity."""
    failed: SimulatedTarget | None = None
    """What the next larger load, or the next smaller fleet, misses; None where nothing was tried there."""

    @property
    def added(self) -> int:
        """Replicas at the peak hour that the formulas did not ask for."""
        if self.held is None:
            return 0
        return max(todays_peak_replicas(self.held.counts) - todays_peak_replicas(self.formulas.counts), 0)


def _sized(ranking: Ranking, seed: int, budget: Budget, *, refine: bool) -> Verdict:
    """Return the verdict on the best candidate that holds; on the formulas' own where none of the first few does."""
    question, evaluated, best = ranking.question, ranking.evaluated, ranking.best
    trials: dict[int, _Trial] = {}
    while len(evaluated.order) and len(trials) < CANDIDATES:
        row = int(evaluated.order[0])
        if row in trials:
            break
        candidate = array_of_one(evaluated, row)
        trial = trials[row] = _trial(question, candidate, seed, budget, refine=refine)
        if trial.first is None:
            break
        evaluated = with_row(question, evaluated, row, trial.held or replace(candidate, capacity=np.full(1, np.nan)))
    row = next((int(row) for row in evaluated.order if int(row) in trials and trials[int(row)].held), -1)
    if row < 0:
        first = trials[int(ranking.evaluated.order[0])].first
        return _as_simulated(formulas_verdict(ranking), first, seed)
    trial = trials[row]
    assert trial.held is not None and trial.last is not None
    order = np.concatenate([[row], evaluated.order[evaluated.order != row]]).astype(np.intp)
    by_simulation, missed = trial.held is not trial.formulas, bool(trial.first and trial.first.missed)
    binding = trial.failed.name if trial.failed else None
    chosen = chosen_fleet(question, replace(evaluated, order=order), trial.held, binding)
    record = _record(chosen.points.at_peak, trial.last, seed, trial.added)
    if by_simulation:
        chosen = replace(chosen, simulated=trial.last.targets)
    changed = (f"{_found(trial)}: {_change(chosen, trial)}",) if missed else ()
    verdict = replace(
        verdict_on(ranking, chosen),
        judged=True,
        warnings=(*_another(question, best, trial), *changed),
        assumptions=(_spared(chosen, trial),) if by_simulation and not (missed or refine) else (),
        record=replace(record, sized=by_simulation),
    )
    if by_simulation:
        # The figures that the fleet was sized by are those that are shown.
        verdict = replace(verdict, results=_simulated_results(verdict.results, trial.last.targets))
    return _with_refined_capacity(verdict, trial) if refine else verdict


def _simulated_results(
    results: tuple[TargetResult, ...], simulated: tuple[SimulatedTarget, ...]
) -> tuple[TargetResult, ...]:
    """Return the results with the figures of a simulation, where it has one."""
    by_name = {target.name: target for target in simulated}
    return tuple(
        result if target is None else replace(result, forecast_s=target.simulated_s, met=target.met)
        for result in results
        for target in (by_name.get(result.name),)
    )


def _trial(
    question: Question, candidate: SizedCandidates, seed: int, budget: Budget, *, refine: bool = False
) -> _Trial:
    """Return what simulations make of a candidate: the capacity at which it holds, near the formulas'."""
    hour = peak_hour(question, candidate, seed, budget)
    peak = None if question.mean_rate is None else question.mean_rate * question.spec.traffic.peak_factor
    replicas = todays_peak_replicas(candidate.counts)
    rate = float(candidate.capacity[0]) if peak is None else peak / replicas
    first = hour.judged(rate, replicas)
    trial = _Trial(candidate, first)
    if first is None:
        return trial
    if refine:
        return _refined(hour, trial, peak)
    if not first.missed:
        return _lighter(hour, replace(trial, held=candidate, last=first), peak)
    ladder = _lighter_loads(rate, RUNG, RUNGS, replicas) if peak is None else _larger_fleets(peak, replicas)
    fails = ladder.rung(rate)
    likely = hour.likely_capacity(first)
    start = fails + 1 if np.isnan(likely) else ladder.rung(likely)
    holding = first_that_holds(hour, ladder, fails, start, COUNTED)
    if holding is None:
        return trial
    last = hour.surer(holding.run, ladder.replicas(holding.rung))
    if not last.holds("unless missed"):
        holding = first_that_holds(hour, ladder, holding.rung, holding.rung + 1, COUNTED_P99)
        if holding is None:
            return trial
        last = holding.run
    held = with_capacity(question, candidate, ladder.rate(holding.rung) * (1 + 1e-9))
    return replace(trial, held=held, last=last, failed=(holding.failed or first).worst)


def _lighter(hour: PeakHour, trial: _Trial, peak: float | None) -> _Trial:
    """Return the trial with the smallest fleet that keeps every target beyond doubt, where that is below the formulas'.

    So a fleet is the formulas' as long as a simulation cannot tell it from what is right, and else the nearest that it
    vouches for. A fleet that was given holds more instead.
    """
    candidate, first = trial.formulas, trial.first
    assert first is not None
    most = hour.question.spec.serving.utilisation_ceiling * float(candidate.replicas.saturated_rate[0, 0])
    replicas = todays_peak_replicas(candidate.counts)
    if peak is None:
        ladder = _lighter_loads(most, RUNG, RUNGS, replicas)
        top, least = ladder.rung(float(candidate.capacity[0])), 0
    else:
        top, least = replicas, max(fewest_replicas(hour.question.spec), ceil(peak / most - 1e-6))
        ladder = _larger_fleets(peak, replicas)
    if least >= top or not first.holds("surely"):
        return trial
    likely = hour.likely_capacity(first, "surely")
    if np.isnan(likely) or ladder.rung(likely) >= top:
        return trial
    counted = COUNTED if all(target.percentile != "p99" for target in first.targets) else COUNTED_P99
    below = replace(ladder, last=top - 1)
    holding = first_that_holds(hour, below, least - 1, ladder.rung(likely), counted, "surely")
    if holding is None:
        return trial
    held = with_capacity(hour.question, candidate, ladder.rate(holding.rung) * (1 + 1e-9))
    return replace(trial, held=held, last=holding.run, failed=holding.failed.worst if holding.failed else None)


def _refined(hour: PeakHour, trial: _Trial, peak: float | None) -> _Trial:
    """Return the trial with the largest capacity, within the utilisation ceiling, at which every target holds."""
    question, candidate = hour.question, trial.formulas
    most = question.spec.serving.utilisation_ceiling * float(candidate.replicas.saturated_rate[0, 0])
    by_formulas = todays_peak_replicas(candidate.counts)
    ladder = _lighter_loads(most, REFINED_RUNG, REFINED_RUNGS, by_formulas)
    runs: dict[int, Run] = {}

    def holds(rung: int) -> bool | None:
        rate = ladder.rate(rung)
        run = hour.refined(rate, by_formulas if peak is None else ceil(peak / rate - 1e-6))
        if run is None:
            return None
        runs[rung] = run
        return run.holds("strictly")

    rung = first_by_halves(ladder.last, holds)
    if rung is None:
        return trial
    capacity = ladder.rate(rung)
    last: Run | None = runs[rung]
    if peak is not None:
        # The fleet that this takes: its replicas carry a little less, or balance less well where they are few.
        replicas = max(ceil(peak / capacity - 1e-6), question.spec.availability.minimum_replicas)
        last = hour.refined(peak / replicas, replicas)
        while last is not None and not last.holds("strictly") and replicas < MOST * by_formulas:
            replicas += 1
            capacity = peak / replicas * (1 + 1e-9)
            last = hour.refined(peak / replicas, replicas)
    if last is None or not last.holds("strictly"):
        return trial
    heavier = [run for other, run in sorted(runs.items()) if other < rung and not run.holds("strictly")]
    failed = heavier[-1].worst if heavier else None
    return replace(trial, held=with_capacity(question, candidate, capacity), last=last, failed=failed)


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


def _paced(ranking: Ranking, seed: int, budget: Budget) -> Verdict:
    """Return the verdict on a fleet without targets; where its peak hour does not keep pace, on the one that does."""
    question = ranking.question
    verdict = formulas_verdict(ranking)
    if ranking.misses or question.spec.traffic.concurrency:
        return verdict
    at_peak = verdict.chosen.points.at_peak
    pace = Target(metric="e2e", percentile="mean", seconds=STEADY * at_peak.e2e_s.mean)
    judged = replace(question, spec=replace(question.spec, targets=(pace,)))
    trial = _trial(judged, ranking.best, seed, budget)
    first = trial.first
    if first is None:
        return verdict
    if not first.missed:
        return replace(verdict, record=_record(at_peak, replace(first, targets=()), seed, 0))
    filled = (
        f"its KV cache fills when the peak hour is simulated: {first.result.preemptions / first.requests:.2g} "
        f"preemptions a request, and E2E mean is {latency_shown(first.worst.simulated_s)} (the formula says "
        f"{latency_shown(at_peak.e2e_s.mean)})"
    )
    if trial.held is None or trial.last is None:
        record = _record(at_peak, replace(first, targets=()), seed, 0)
        return replace(verdict, warnings=(f"{filled}; nothing near it keeps pace",), record=record)
    evaluated = with_row(question, ranking.evaluated, int(ranking.evaluated.order[0]), trial.held)
    evaluated = replace(evaluated, order=ranking.evaluated.order)
    chosen = chosen_fleet(question, evaluated, trial.held, "a full KV cache")
    return replace(
        verdict_on(ranking, chosen),
        judged=True,
        warnings=(f"{filled}: {_change(chosen, trial)}",),
        record=_record(chosen.points.at_peak, replace(trial.last, targets=()), seed, trial.added),
    )


def _only_judged(ranking: Ranking, seed: int, budget: Budget) -> Verdict:
    """Return the verdict on the best candidate as the formulas size it, with what the simulation says of it."""
    verdict = formulas_verdict(ranking)
    hour = peak_hour(ranking.question, ranking.best, seed, budget)
    rate = verdict.chosen.points.at_peak.requests_per_s
    return _as_simulated(verdict, hour.judged(rate, verdict.chosen.fleet.working_replicas), seed)


def _as_simulated(verdict: Verdict, run: Run | None, seed: int) -> Verdict:
    """Return the formulas' verdict with what a simulation says of it; a target that it misses is not met.

    Args:
        run: of their fleet; None where the events did not suffice.
        seed: of the run.
    """
    if run is None:
        return verdict
    verdict = replace(verdict, judged=True)
    if not run.targets:
        return verdict
    before = {result.name: result for result in verdict.results if result.met}
    lost = tuple(target for target in run.missed if target.name in before)
    results = _simulated_results(verdict.results, lost)
    overturned = tuple(result for result in results if not result.met and result.name in before)
    warnings = tuple(
        f"{target.name} is {latency_shown(target.simulated_s)} when the peak hour is "
        f"simulated, target {latency_shown(target.target_s)}; the formula says "
        f"{latency_shown(before[target.name].forecast_s)}"
        for target in lost
    )
    record = _record(verdict.chosen.points.at_peak, run, seed, 0)
    return replace(verdict, results=results, overturned=overturned, warnings=warnings, record=record)


def _with_refined_capacity(verdict: Verdict, trial: _Trial) -> Verdict:
    """Return a verdict which says where its capacity is from."""
    simulated, formulas = verdict.chosen.capacity.requests_per_s, float(trial.formulas.capacity[0])
    note = Assumption(
        f"one replica carries {simulated:.3g} requests/s: the most at which {REFINED:,} simulated requests keep every "
        f"target; the formulas say {formulas:.3g}"
    )
    method = "capacity by simulation: bisection with common random numbers"
    return replace(verdict, assumptions=(note,), method=method)


def _found(trial: _Trial) -> str:
    """Say what the formulas' fleet misses, or keeps by far."""
    assert trial.first is not None
    targets = trial.first.missed or trial.first.targets
    target = max(targets, key=lambda one: max(one.simulated_s, one.formula_s or 0.0) / one.target_s)
    formula = "" if target.formula_s is None else f" (the formula says {latency_shown(target.formula_s)})"
    return (
        f"{target.name} was {latency_shown(target.simulated_s)}{formula} when the "
        f"peak hour was simulated, target {latency_shown(target.target_s)}"
    )


def _spared(chosen: ChosenFleet, trial: _Trial) -> Assumption:
    """Say that the plan asks for less than the formulas do, and for how much they ask."""
    before, given = todays_peak_replicas(trial.formulas.counts), chosen.question.mean_rate is None
    asked = before * int(trial.formulas.candidates.parallelism.accelerators[0])
    effect = f"{_held_by_formulas(chosen, trial):.3g} requests/s" if given else f"{asked:,} accelerators"
    return Assumption(f"the fleet follows the simulation: {_found(trial)}", f"{effect} by the formulas")


def _held_by_formulas(chosen: ChosenFleet, trial: _Trial) -> float:
    """Return the requests/s that the formulas' fleet holds."""
    rate = todays_peak_replicas(trial.formulas.counts) * float(trial.formulas.capacity[0])
    return rate / chosen.question.spec.traffic.calls_per_request


def _change(chosen: ChosenFleet, trial: _Trial) -> str:
    """Say what became of the formulas' fleet."""
    before, after = todays_peak_replicas(trial.formulas.counts), chosen.fleet.working_replicas
    if after > before:
        return f"the fleet follows the simulation: {after} replicas instead of {before}"
    held = (
        f"{show_figure(chosen.fleet.capacity_requests_per_s)} instead of {show_rate(_held_by_formulas(chosen, trial))}"
    )
    return f"the plan follows the simulation: it holds to {held}"


def _another(question: Question, best: SizedCandidates, trial: _Trial) -> tuple[str, ...]:
    """Say that another candidate than the formulas' is chosen, and why."""
    if _place(best) == _place(trial.formulas):
        return ()
    first, size = best.candidates.accelerator(0).name, int(best.candidates.parallelism.accelerators[0])
    given = question.spec.traffic.requests_per_s is None
    return (
        f"by the formulas alone {todays_peak_replicas(best.counts)} × {size} {first} would be best; they miss a target "
        f"when the peak hour is simulated, and what holds there {'carries less' if given else 'costs more'} than this",
    )


def _place(candidate: SizedCandidates) -> tuple[str, tuple[int, ...]]:
    """Return the accelerator and the parallelism of an array of one."""
    return candidate.candidates.accelerator(0).id, tuple(candidate.candidates.parallelism.sizes())


def _record(at_peak: Performance, run: Run, seed: int, added: int) -> Verification:
    """Return a run as a plan holds it.

    Args:
        at_peak: what the formulas say at the peak hour.
        seed: of its random draws.
        added: replicas that the formulas did not ask for.
    """
    result = run.result
    return Verification(
        requests=run.requests,
        seed=seed,
        replicas=run.together,
        routing=DEFAULT_ROUTING,
        requests_per_s=run.requests_per_s,
        ttft_s=latency(result.ttft_s, at_peak.ttft_s),
        itl_s=latency(result.itl_s, at_peak.itl_s) if np.isfinite(result.itl_s.mean.value) else None,
        e2e_s=latency(result.e2e_s, at_peak.e2e_s),
        targets=run.targets,
        utilisation=result.utilisation,
        kv_cache_usage=result.kv_usage,
        preemptions=result.preemptions,
        added_replicas=added,
    )
