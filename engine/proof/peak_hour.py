"""The peak hour of a few of a fleet's replicas, request by request: how far each target is missed or kept.

At most ``ROUTED_TOGETHER`` replicas share a router that sends each request to the one with the fewest outstanding.
"""

from collections.abc import Callable
from itertools import count
from math import isfinite, sqrt
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from engine.fleet.search import SizedCandidates
from engine.plan import Performance, SimulatedTarget
from engine.proof.budget import FEWEST_COUNTED, Budget
from engine.proof.drawn_load import drawn_load
from engine.proof.simulated_figures import simulated_targets
from engine.question.resolve import Question
from engine.replica.batches import capacity_batch
from engine.replica.load import ROUTED_TOGETHER, Replicas
from engine.replica.performance import performance_at_rate
from engine.simulation import SimulationResult, StepModel, simulate, step_model_of
from engine.simulation.routing import DEFAULT_ROUTING
from engine.workload import Target

COUNTED = 2_500
"""Requests enough for an interval of p95; 50 ms in pure Python."""
COUNTED_P99 = 5_000
"""And of p99."""
REFINED = 10_000
"""Requests that count in each simulation of a refined capacity that is near it."""
LOWEST_WARM_UP = 0.05
LONGEST_WARM_UP = 3_000
"""Requests: three times those in flight warm the replicas up, and as many as are in flight keep them busy after."""
CLEAR = 1.4
"""A p99 that lies so many times beyond or within its target is known from ``COUNTED`` requests."""
DOUBT = 1.15
"""From so many times the target on a figure counts as missed, however wide its interval is."""
SETTLED = 0.04
"""Of the rungs: a ladder of many is not searched to the last one."""


Held = Literal["unless missed", "strictly", "surely"]
"""When targets count as kept: unless they are missed beyond doubt, by the figures themselves, or beyond doubt."""


class Run(Struct, frozen=True):
    """One simulation of the peak hour."""

    requests_per_s: float
    """Of one replica."""
    together: int
    """Replicas."""
    requests: int
    """Simulated, those that warm up and keep busy included; fewer than were drawn where the events ran out."""
    result: SimulationResult
    formula: Performance | None
    targets: tuple[SimulatedTarget, ...]
    """Met unless missed beyond doubt."""

    @property
    def missed(self) -> tuple[SimulatedTarget, ...]:
        """Targets that are missed beyond doubt."""
        return tuple(target for target in self.targets if not target.met)

    def holds(self, how: "Held") -> bool:
        """Whether every target is kept; see ``Held``."""
        most = {"unless missed": _least, "strictly": _figure, "surely": _most}[how]
        return bool(self.targets) and all(most(target) <= target.target_s for target in self.targets)

    @property
    def worst(self) -> SimulatedTarget:
        """The target that is missed by most, or kept by least."""
        return max(self.targets, key=lambda target: target.simulated_s / target.target_s)


class PeakHour(Struct, frozen=True):
    """One candidate (an array of one) under the lengths and the burstiness of a question."""

    question: Question
    replicas: Replicas
    model: StepModel
    seed: int
    budget: Budget

    def formula(self, requests_per_s: float) -> Performance | None:
        """Return what the formulas say of one replica at a rate; None beyond saturation."""
        return performance_at_rate(self.replicas, requests_per_s)

    def run(self, requests_per_s: float, replicas: int, formula: Performance | None, *, counted: int) -> Run | None:
        """Simulate a fleet, all runs of one seed with the same requests.

        Args:
            requests_per_s: on each replica.
            replicas: of the fleet.
            formula: what the formulas say at that rate.
            counted: requests whose latencies count; fewer where prompts are long and each takes many steps.

        Returns:
            None where the events that are left do not suffice to know the latencies of a few hundred requests.
        """
        question = self.question
        together = min(replicas, ROUTED_TOGETHER)
        steps_per_prompt = question.lengths.computed_mean / self.model.budget
        counted = max(round(counted / max(1.0, (3.0 + steps_per_prompt) / 4.0)), FEWEST_COUNTED)
        in_flight = (formula.in_flight if formula else float(self.replicas.seats[0, 0])) * together
        first = min(max(round(3 * in_flight), round(LOWEST_WARM_UP * counted)), LONGEST_WARM_UP)
        last = first + counted
        requests = last + min(round(in_flight), LONGEST_WARM_UP // 2)
        # A thinned renewal stream: of gaps with a CV of c, a share s taken at random gives 1 + s·(c² − 1).
        burstiness = sqrt(1 + (question.spec.traffic.burstiness**2 - 1) * together / max(replicas, 1))
        load = drawn_load(question, requests_per_s * together, requests, burstiness=burstiness)(seed=self.seed)
        result = simulate(
            self.model,
            question.runtime.scheduler,
            load,
            replicas=together,
            routing=DEFAULT_ROUTING,
            seed=self.seed,
            first_counted=first,
            last_counted=last,
            most_turns=self.budget.left,
            over_time=False,
        )
        stopped = result.stopped_at
        cut_short = stopped is not None and stopped < last
        self.budget.spend(result.events, cut_short=cut_short)
        if stopped is not None:
            requests, last = stopped, min(last, stopped)
        if last - first < FEWEST_COUNTED:
            return None
        targets = simulated_targets(question.spec.targets, (result,), formula, first, last)
        return Run(requests_per_s, together, requests, result, formula, tuple(map(unless_beyond_doubt, targets)))

    def judged(self, requests_per_s: float, replicas: int) -> Run | None:
        """Simulate as many requests as a verdict needs: more where a p99 may lie near its target.

        Args:
            requests_per_s: on each replica.
            replicas: of the fleet.
        """
        formula = self.formula(requests_per_s)
        tails = [target for target in self.question.spec.targets if target.percentile == "p99"]
        near = formula is None or any(
            _near(formula.latency_s(target.metric, "p99") / target.seconds) for target in tails
        )
        if tails and near:
            return self.run(requests_per_s, replicas, formula, counted=COUNTED_P99)
        run = self.run(requests_per_s, replicas, formula, counted=COUNTED)
        return None if run is None else self.surer(run, replicas)

    def surer(self, run: Run, replicas: int) -> Run:
        """Return the run, or a longer one where a p99 lies too near its target to be judged by so few requests."""
        unclear = any(
            target.percentile == "p99" and target.low is None and _near(target.simulated_s / target.target_s)
            for target in run.targets
        )
        longer = self.run(run.requests_per_s, replicas, run.formula, counted=COUNTED_P99) if unclear else None
        return longer or run

    def refined(self, requests_per_s: float, replicas: int) -> Run | None:
        """Simulate a fleet at a rate of each replica with ``REFINED`` requests, or fewer that leave no doubt."""
        formula = self.formula(requests_per_s)
        run = self.run(requests_per_s, replicas, formula, counted=COUNTED)
        doubted = run is not None and run.holds("unless missed") and not run.holds("surely")
        return self.run(requests_per_s, replicas, formula, counted=REFINED) if doubted else run

    def likely_capacity(self, run: Run, how: Held = "strictly") -> float:
        """Return the rate per replica at which a run's targets would just hold; NaN where they do at none.

        The formulas' rate at targets scaled by what formula and simulation differ in this run.

        Args:
            how: they are to hold, beyond doubt or by the figures.
        """
        figure = {"surely": _most}.get(how, _figure)
        at = run.formula
        if at is None:
            return float("nan")
        eased = tuple(
            Target(
                metric=target.metric,
                percentile=target.percentile,
                seconds=target.target_s * (target.formula_s or target.simulated_s) / figure(target),
            )
            for target in run.targets
        )
        batch = capacity_batch(self.replicas, eased, self.question.spec.serving.utilisation_ceiling)
        return float(self.replicas.rate(batch)[0, 0])


def peak_hour(question: Question, candidate: SizedCandidates, seed: int, budget: Budget) -> PeakHour:
    """Return the peak hour of a candidate.

    Args:
        question: its lengths, targets and burstiness.
        candidate: an array of one.
        seed: of all random draws.
        budget: that all simulations of one forecast's peak hour share.
    """
    model = step_model_of(candidate.candidates, tables=candidate.replicas.costs.tables)
    return PeakHour(question, candidate.replicas, model, seed, budget)


class Ladder(Struct, frozen=True):
    """Loads of a replica that are tried, each rung a lighter one."""

    rate: Callable[[int], float]
    """Rung → requests/s of one replica."""
    rung: Callable[[float], int]
    """Requests/s → the first rung that is no heavier."""
    replicas: Callable[[int], int]
    """Rung → replicas of the fleet."""
    last: int


class Holding(Struct, frozen=True):
    """The first rung on which every target holds."""

    rung: int
    run: Run
    failed: Run | None
    """The nearest heavier load that was tried and does not hold."""


def first_that_holds(
    hour: PeakHour, ladder: Ladder, fails: int, start: int, counted: int, how: Held = "unless missed"
) -> Holding | None:
    """Return the first rung on which every target holds; None where none does up to the last.

    Where the events run out, it is the first of those that were tried.

    Bisection with common random numbers, helped by the formulas: the first run says by how much they are off, and the
    second is where the formulas, corrected by that, would just hold; the next ones halve what is left.

    Args:
        hour: the candidate's peak hour.
        fails: a rung that is known not to hold, or the one before the first.
        start: the rung that is tried first.
        counted: requests of each run.
        how: targets are to be kept.
    """
    held: tuple[int, Run] | None = None
    failed: Run | None = None
    at = min(max(start, fails + 1), ladder.last)
    for tries in count(1):
        rate = ladder.rate(at)
        run = hour.run(rate, ladder.replicas(at), hour.formula(rate), counted=counted)
        if run is None:
            break
        if run.holds(how):
            held = at, run
        else:
            fails, failed = at, run
        top = held[0] - 1 if held else ladder.last
        if fails >= top - (round(SETTLED * top) if held else 0):
            break
        likely = hour.likely_capacity(run, how)
        guess = ladder.rung(likely) if isfinite(likely) else ladder.last
        at = min(max(guess, fails + 1), top) if tries == 1 else _between(fails, top, held is None)
    return Holding(*held, failed) if held else None


def first_by_halves(last: int, holds: Callable[[int], bool | None]) -> int | None:
    """Return the first rung that holds, of those that halving asks about; None where none does up to the last.

    Which rungs are asked does not depend on the targets, so that what holds one target holds a looser one no later,
    whatever chance does to single rungs.

    Args:
        last: the lightest rung.
        holds: whether a rung does; None ends the search with what is known to hold.
    """
    fails, found = -1, last + 1
    while found - fails > 1:
        middle = (fails + found) // 2
        answer = holds(middle)
        if answer is None:
            break
        fails, found = (fails, middle) if answer else (middle, found)
    return found if found <= last else None


def _between(fails: int, top: int, nothing_holds: bool) -> int:
    """Return the rung to try next: a quarter up where nothing is known to hold yet, else the middle."""
    return fails + 1 + (top - fails - 1) // (4 if nothing_holds else 2)


def _near(ratio: float) -> bool:
    return 1 / CLEAR < ratio < CLEAR


def unless_beyond_doubt(target: SimulatedTarget) -> SimulatedTarget:
    """Return a target as met unless it is missed beyond the doubt of its simulation."""
    return replace(target, met=_least(target) <= target.target_s)


def _least(target: SimulatedTarget) -> float:
    """Return what a simulated figure is at least, beyond doubt, seconds."""
    low = target.simulated_s / DOUBT
    return low if target.low is None else max(low, min(target.low, target.simulated_s))


def _figure(target: SimulatedTarget) -> float:
    return target.simulated_s


def _most(target: SimulatedTarget) -> float:
    """Return what a simulated figure is at most, beyond doubt and beyond its interval, seconds."""
    return max(target.simulated_s * DOUBT, target.high or 0.0)
