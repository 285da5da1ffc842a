"""The fleet that a plan is made of, and the verdict on it: by the formulas alone, or after its peak hour was simulated.

A plan is built from a verdict once everything is known, not before.
"""

from functools import cached_property
from math import sqrt
from operator import itemgetter

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from engine.fleet.capacity import replica_capacity
from engine.fleet.operating_points import OperatingPoints, loads_today, operating_points
from engine.fleet.search import SizedCandidates
from engine.plan import (
    Alternative,
    Assumption,
    Chosen,
    Fleet,
    Performance,
    Rejection,
    ReplicaCapacity,
    SimulatedTarget,
    TargetResult,
    Verification,
)
from engine.planning.alternatives import alternatives_of, rows_beside
from engine.planning.ledger import fleet_of
from engine.planning.ranking import Ranking
from engine.planning.replica import chosen_of
from engine.question.demand import Demand, demand_of
from engine.question.resolve import Question
from engine.workload import Target, WorkloadSpec

FAR = 5.0
"""Standard deviations at which no simulated pool was ever full; at 4.2 a fifth of the requests were preempted."""


class ChosenFleet(Struct, frozen=True, dict=True):
    """One candidate as a fleet: what every part of a plan is made from."""

    question: Question
    evaluated: SizedCandidates
    """All candidates, the chosen one first."""
    candidate: SizedCandidates
    """The chosen one, an array of one."""
    capacity: ReplicaCapacity
    points: OperatingPoints
    demand: Demand
    fleet: Fleet
    """Before a replay changes its minimum."""
    alternatives: tuple[Alternative, ...]
    simulated: tuple[SimulatedTarget, ...] = ()
    """Targets as a simulation found them, where the fleet is sized by it."""

    @cached_property
    def replica(self) -> Chosen:
        """The chosen one as the plan states it."""
        return chosen_of(self.question, self.candidate)

    def off(self, target: Target) -> float:
        """What a target's latency is over what the formulas say, as far as a simulation told; else 1."""
        for one in self.simulated:
            if (one.metric, one.percentile) == (target.metric, target.percentile) and one.formula_s:
                return one.simulated_s / one.formula_s
        return 1.0

    @property
    def mean_rate(self) -> float:
        """Model calls/s over the whole fleet, on average; of a closed loop or a given fleet what it serves."""
        rate = self.question.mean_rate
        return self.points.at_mean.requests_per_s * self.fleet.working_replicas if rate is None else rate


def chosen_fleet(
    question: Question, evaluated: SizedCandidates, candidate: SizedCandidates, binding: str | None = None
) -> ChosenFleet:
    """Return a candidate as a fleet.

    Args:
        evaluated: all candidates, the chosen one first, each at the capacity that it is planned for.
        candidate: the chosen one, an array of one.
        binding: the target that a simulation found to bind.
    """
    rows = rows_beside(question, evaluated)
    replicas, load = loads_today(question, evaluated, np.array([evaluated.order[0], *rows]))
    first, beside = (load.mapped(itemgetter(one)) for one in (np.s_[:1], np.s_[1:, 1:]))
    points = operating_points(question, candidate, (replicas.take(np.zeros(1, dtype=np.intp)), first))
    capacity = replace(
        replica_capacity(question, candidate, binding, points.to_saturation),
        prefill_tokens_per_s=points.prefill_tokens_per_s,
        load_curve=points.load_points,
    )
    demand = demand_of(question.spec.traffic)
    return ChosenFleet(
        question=question,
        evaluated=evaluated,
        candidate=candidate,
        capacity=capacity,
        points=points,
        demand=demand,
        fleet=fleet_of(question, candidate, capacity, demand.trough),
        alternatives=alternatives_of(question, evaluated, rows, beside),
    )


class Verdict(Struct, frozen=True):
    """A fleet, what it makes of each target, and what a simulation of its peak hour added."""

    chosen: ChosenFleet
    results: tuple[TargetResult, ...]
    """Of each target at the peak hour, by the formulas unless the fleet was sized by simulation."""
    misses: tuple[Rejection, ...]
    """Why nothing does what was asked."""
    judged: bool = False
    """Whether a simulation stands behind the latencies, so that the doubt about closed forms is settled."""
    overturned: tuple[TargetResult, ...] = ()
    """Of the results, those that the formulas meet and the simulation does not."""
    warnings: tuple[str, ...] = ()
    """What the simulation found; they come first."""
    assumptions: tuple[Assumption, ...] = ()
    method: str = ""
    """How the capacity was found, beyond the formulas."""
    record: Verification | None = None


def formulas_verdict(ranking: Ranking) -> Verdict:
    """Return the verdict of the formulas on the best candidate."""
    return verdict_on(ranking, chosen_fleet(ranking.question, ranking.evaluated, ranking.best))


def verdict_on(ranking: Ranking, chosen: ChosenFleet) -> Verdict:
    """Return the verdict of the formulas on a fleet."""
    return Verdict(chosen, target_results(ranking.question.spec, chosen.points.at_peak), ranking.misses)


def target_results(spec: WorkloadSpec, at_peak: Performance) -> tuple[TargetResult, ...]:
    """Return the forecast for each target at the peak hour."""
    results = []
    for target in spec.targets:
        forecast_s = at_peak.latency_s(target.metric, target.percentile)
        # The capacity is solved to 0.02 % of the batch; a target reached to that accuracy is met.
        met = forecast_s <= target.seconds * 1.001
        results.append(TargetResult(target.metric, target.percentile, target.seconds, forecast_s, met))
    return tuple(results)


def pool_may_fill(best: SizedCandidates) -> bool:
    """Return whether what is in flight in an array of one comes within ``FAR`` standard deviations of its KV pool.

    Those in flight are Poisson-distributed and hold KV as their prompts are long, E[P²]/E[P]² = 1 + CV².
    """
    batch, pool = float(best.batch[0]), float(best.candidates.seats_by_memory[0])
    varied = 1 + best.replicas.lengths.prompt.cv**2
    return bool(pool - batch < FAR * sqrt(batch * varied))
