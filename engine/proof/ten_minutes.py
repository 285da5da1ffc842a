"""The ten minutes of a replay that matter most, request by request: those of the peak and those of the steepest rise.

A few of the fleet's replicas behind one router take the load that the replay gives each of them, second by second.
"""

from math import isfinite, sqrt

import numpy as np

from catalogs.units import MINUTES_PER_HOUR, SECONDS_PER_MINUTE
from engine.plan import Moment, MomentName
from engine.planning.verdict import ChosenFleet
from engine.proof.budget import FEWEST_COUNTED, MINUTES_EVENTS, Budget
from engine.proof.drawn_load import drawn_tokens
from engine.proof.peak_hour import unless_beyond_doubt
from engine.proof.simulated_figures import latency, simulated_targets
from engine.replica.load import ROUTED_TOGETHER
from engine.scaling.demand_by_minute import DemandByMinute
from engine.scaling.replay import ReplayedMinutes
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


def simulated_moments(
    chosen: ChosenFleet, demand: DemandByMinute, run: ReplayedMinutes, *, seed: int, events: int = MINUTES_EVENTS
) -> tuple[tuple[Moment, ...], tuple[MomentName, ...]]:
    """Return the peak and the steepest ten minutes of a replay, simulated; and those that take too many events.

    Minutes in which no request can be held are neither.

    Args:
        chosen: the fleet; its time per request says how long replicas take to fill, its targets are judged.
        demand: what was replayed.
        run: what came of it.
        seed: of the requests.
        events: of the simulator, for each of the moments.
    """
    half = np.convolve(demand.requests_per_s, np.ones(MINUTES // 2), "valid")
    before, after = half[: -(MINUTES // 2)], half[MINUTES // 2 :]
    # A wobble rises in hours that fall too: the steepest rise is one of a day that rises.
    hours = np.asarray(chosen.demand.hourly)
    middle = (np.arange(len(after)) + MINUTES / 2) / MINUTES_PER_HOUR - 0.5
    climbs = (np.roll(hours, -1) - hours)[np.floor(middle).astype(int) % len(hours)] > 0
    rise = np.where(climbs | ~climbs.any(), after - before, -np.inf)
    places: dict[MomentName, int] = {"peak": int((before + after).argmax()), "steepest": int(rise.argmax())}
    simulated: list[Moment] = []
    skipped: list[MomentName] = []
    for name, start in places.items():
        budget = Budget(events)
        moment = _moment(name, start, chosen, demand, run, seed, budget)
        if moment is not None:
            simulated.append(moment)
        elif budget.cut_short:
            skipped.append(name)
    return tuple(simulated), tuple(skipped)


def _moment(
    name: MomentName,
    start: int,
    chosen: ChosenFleet,
    demand: DemandByMinute,
    run: ReplayedMinutes,
    seed: int,
    budget: Budget,
) -> Moment | None:
    """Return some minutes of a replay, simulated; None where no request can be held or the events do not suffice."""
    question, candidate = chosen.question, chosen.candidate
    e2e_s = chosen.points.at_peak.e2e_s.mean
    lead_s = int(min(SECONDS_PER_MINUTE * LEAD_MINUTES, max(LEAD_ANSWERS * e2e_s, 1.0)))
    minutes = np.arange(start - LEAD_MINUTES, start + MINUTES)
    ready = run.ready.take(minutes, mode="wrap")
    each = np.repeat(demand.requests_per_s.take(minutes, mode="wrap") / ready, int(SECONDS_PER_MINUTE))
    each = each[int(SECONDS_PER_MINUTE) * LEAD_MINUTES - lead_s :]
    fleet = int(ready[-1])
    least = each[-int(lead_s + LEAST_S) :].sum()
    together = min(max(int(MOST_REQUESTS / least), 1), ROUTED_TOGETHER, fleet)
    # The last seconds are those to which a rise leads: they stay where requests are too many.
    held = int(np.searchsorted(np.cumsum(each[::-1]), MOST_REQUESTS / together))
    each = each[-max(held, lead_s + int(LEAST_S)) :]
    if each.sum() * together > budget.left:
        budget.spend(0, cut_short=True)
        return None
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
        step_model_of(candidate.candidates, tables=candidate.replicas.costs.tables),
        question.runtime.scheduler,
        load,
        replicas=together,
        routing=DEFAULT_ROUTING,
        seed=seed,
        first_counted=first,
        most_turns=budget.left,
        over_time=False,
    )
    last = result.stopped_at
    requests = (sum(map(len, load)) if last is None else last) - first
    cut_short = last is not None and requests < FEWEST_COUNTED
    budget.spend(result.events, cut_short=cut_short)
    if cut_short or not isfinite(result.ttft_s.mean.value):
        return None
    return Moment(
        name=name,
        start_s=(start + MINUTES) * SECONDS_PER_MINUTE - seconds,
        duration_s=float(seconds),
        requests=requests,
        replicas=together,
        of_replicas=fleet,
        requests_per_s=float(each[lead_s:].mean()),
        ttft_s=latency(result.ttft_s),
        itl_s=latency(result.itl_s) if isfinite(result.itl_s.mean.value) else None,
        e2e_s=latency(result.e2e_s),
        targets=tuple(map(unless_beyond_doubt, simulated_targets(question.spec.targets, (result,), None, first, last))),
    )
