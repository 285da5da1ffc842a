"""The ten minutes of a replay that matter most, request by request: those of the peak and those of the steepest rise.

A few of the fleet's replicas behind one router take the load that the replay gives each of them, second by second.
"""

from math import isfinite, sqrt

import numpy as np

from catalogs.units import SECONDS_PER_MINUTE
from engine.fleet.candidates import Candidates
from engine.load_test.plan_under_load import drawn_tokens, latency, simulated_targets
from engine.plan import CapacityPlan, Moment, MomentName
from engine.proof.peak_hour import TOGETHER, unless_beyond_doubt
from engine.question.resolve import Question
from engine.scaling.minutes import DemandByMinute
from engine.scaling.replay import Run
from engine.simulation import simulate, step_model_of
from engine.simulation.arrivals import over_time
from engine.simulation.routing import DEFAULT_ROUTING

MINUTES = 10
LEAD_MINUTES = 2
"""In which the replicas fill; less where requests are short."""
LEAD_ANSWERS = 4.0
"""Mean times of a whole request that fill a replica."""
MOST_REQUESTS = 2_500
"""Of each moment, which begins later where its replicas see more."""
LEAST_S = 60.0
"""Seconds that are seen in any case: of fewer replicas where each sees many requests."""


def moments(
    plan: CapacityPlan, question: Question, found: Candidates, demand: DemandByMinute, run: Run, *, seed: int
) -> tuple[Moment, ...]:
    """Return the peak and the steepest ten minutes of a replay, simulated; none where no request can be held.

    Args:
        plan: its time per request says how long replicas take to fill.
        question: its targets are judged.
        found: the plan's candidate, an array of one.
        demand: what was replayed.
        run: what came of it.
        seed: of the requests.
    """
    half = np.convolve(demand.requests_per_s, np.ones(MINUTES // 2), "valid")
    before, after = half[: -(MINUTES // 2)], half[MINUTES // 2 :]
    places: dict[MomentName, int] = {
        "peak": int((before + after).argmax()),
        "steepest": int((after - before).argmax()),
    }
    lead = int(min(SECONDS_PER_MINUTE * LEAD_MINUTES, max(LEAD_ANSWERS * plan.performance.at_peak.e2e_s.mean, 1.0)))
    told = (_moment(name, at, lead, question, found, demand, run, seed) for name, at in places.items())
    return tuple(moment for moment in told if moment is not None)


def _moment(
    name: MomentName,
    start: int,
    lead_s: int,
    question: Question,
    found: Candidates,
    demand: DemandByMinute,
    run: Run,
    seed: int,
) -> Moment | None:
    minutes = np.arange(start - LEAD_MINUTES, start + MINUTES)
    ready = run.ready.take(minutes, mode="wrap")
    each = np.repeat(demand.requests_per_s.take(minutes, mode="wrap") / ready, int(SECONDS_PER_MINUTE))
    each = each[int(SECONDS_PER_MINUTE) * LEAD_MINUTES - lead_s :]
    fleet = int(ready[-1])
    least = each[-int(lead_s + LEAST_S) :].sum()
    together = min(max(int(MOST_REQUESTS / least), 1), TOGETHER, fleet)
    # The last seconds are those to which a rise leads: they stay where requests are too many.
    held = int(np.searchsorted(np.cumsum(each[::-1]), MOST_REQUESTS / together))
    each = each[-max(held, lead_s + int(LEAST_S)) :]
    seconds = len(each) - lead_s
    burstiness = question.spec.traffic.burstiness
    load = list(
        over_time(
            each * together,
            1.0,
            drawn_tokens(question, seed),
            seed=seed,
            burstiness=sqrt(1 + (burstiness**2 - 1) * together / fleet),
            prefix_hit=question.spec.tokens.prefix_hit,
        )
    )
    first = sum(int((part.arrival_s < lead_s).sum()) for part in load)
    result = simulate(
        step_model_of(found),
        question.runtime.scheduler,
        load,
        replicas=together,
        routing=DEFAULT_ROUTING,
        seed=seed,
        first_counted=first,
        speed="plain",
    )
    if not isfinite(result.ttft_s.mean.value):
        return None
    return Moment(
        name=name,
        start_s=(start + MINUTES) * SECONDS_PER_MINUTE - seconds,
        duration_s=float(seconds),
        requests=sum(map(len, load)) - first,
        replicas=together,
        of_replicas=fleet,
        requests_per_s=float(each[lead_s:].mean()),
        ttft_s=latency(result.ttft_s),
        itl_s=latency(result.itl_s) if isfinite(result.itl_s.mean.value) else None,
        e2e_s=latency(result.e2e_s),
        targets=tuple(map(unless_beyond_doubt, simulated_targets(question.spec.targets, (result,), None, first, None))),
    )
