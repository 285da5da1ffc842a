"""A plan replayed: its autoscaler over the workload's day or week, its thresholds corrected, and the bill of it."""

from collections import Counter
from collections.abc import Iterator
from typing import Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.catalog import Catalog
from catalogs.units import MINUTES_PER_HOUR
from engine.fleet.bill import autoscaled_bill
from engine.fleet.offers import paid_accelerators
from engine.fleet.operating_points import OperatingPoints, operating_points
from engine.fleet.search import SizedCandidates, sized_at_rate
from engine.plan import Assumption, Autoscaling, CapacityPlan, Correction, Moment, Replay
from engine.planning.inverse import chosen_candidate, fleet_rate
from engine.planning.ledger import always_on
from engine.planning.thresholds import thresholds_of
from engine.question.demand import DAY_H, WITHIN_HOUR, Demand, demand_of
from engine.question.resolve import Question
from engine.scaling.controller import ScalingPolicy, policy_of
from engine.scaling.correction import Outcome, Settings, Step, corrected
from engine.scaling.minutes import DemandByMinute, demand_by_minute
from engine.scaling.replay import ASKED_BACK_MINUTES, ReplicaLoads, Run, replay
from engine.scaling.replica_loads import replica_loads

SEED = 0
WAY_OUT = "scale on a schedule, or keep more replicas running"


def scales(plan: CapacityPlan) -> bool:
    """Return whether an autoscaler can change anything: clients that wait for their answers bring no more load."""
    return plan.fleet.minimum_replicas < plan.fleet.maximum_replicas and not plan.spec.traffic.concurrency


def replayed(plan: CapacityPlan, catalog: Catalog, *, simulate: bool = False, seed: int = SEED) -> CapacityPlan:
    """Return the plan with its replay, its thresholds corrected by it, and the autoscaled bill that follows from it.

    Args:
        plan: verified or not.
        catalog: that it was made from.
        simulate: the peak and the steepest ten minutes request by request, where there are targets to judge.
        seed: of the minutes and of the requests.

    Raises:
        InputError: names that the catalog does not know.
    """
    if not scales(plan):
        return plan
    stage = _stage(plan, catalog, seed)
    start = Settings(plan.autoscaling.scale_down_window_s, plan.fleet.minimum_replicas)
    outcome, steps = corrected(start, plan.fleet.maximum_replicas, stage.tried)
    settings = steps[-1].after if steps else start
    corrections = tuple(correction for step in steps for correction in stage.corrections(step))
    record = stage.record(outcome, corrections, seed)
    if simulate and plan.spec.targets:
        from engine.proof.ten_minutes import moments  # the simulator: a replay alone does without

        simulated = moments(plan, stage.question, stage.best.candidates, stage.minutes, outcome.run, seed=seed)
        record = replace(record, moments=simulated)
    return replace(
        plan,
        fleet=replace(plan.fleet, minimum_replicas=settings.minimum),
        autoscaling=_told(stage.thresholds(settings), outcome, record, plan.spec.traffic.burst),
        cost=autoscaled_bill(plan.cost, plan.chosen, settings.minimum, _share_of_time(outcome.run)),
        assumptions=(*plan.assumptions, *_assumed(plan, record)),
        replay=record,
    )


class _Stage(Struct, frozen=True):
    """What every replay of a plan shares."""

    plan: CapacityPlan
    question: Question
    best: SizedCandidates
    points: OperatingPoints
    demand: Demand
    minutes: DemandByMinute
    loads: ReplicaLoads
    limit: float
    """Requests in flight in a replica, beyond which its targets fail or, without any, it is saturated."""

    def thresholds(self, settings: Settings) -> Autoscaling:
        """Return the plan's thresholds under other settings."""
        return thresholds_of(
            self.question,
            self.best,
            self.plan.replica_capacity,
            self.points,
            self.demand,
            headroom=settings.headroom,
            scale_down_window_s=settings.window_s,
        )

    def policy(self, settings: Settings) -> ScalingPolicy:
        """Return the autoscaler under the settings."""
        fleet = replace(self.plan.fleet, minimum_replicas=settings.minimum)
        return policy_of(self.thresholds(settings), fleet, self.plan.spec.availability.spare_replicas)

    def tried(self, settings: Settings) -> Outcome:
        """Return what a replay under the settings comes to."""
        policy = self.policy(settings)
        run = replay(self.minutes, self.loads, policy)
        failing, all_there = run.in_flight > self.limit, run.ready >= policy.maximum
        return Outcome(
            run, int((failing & ~all_there).sum()), int((failing & all_there).sum()), len(self.demand.hourly) / DAY_H
        )

    def corrections(self, step: Step) -> Iterator[Correction]:
        """Yield what a step changed, and why."""
        before, after, because = step.before, step.after, step.because
        if after.window_s == before.window_s:
            why = (
                f"{_many(because.late_minutes, 'minute')} of the {self.shape} came before the replicas that they needed"
            )
        else:
            why = (
                f"replicas were asked back within {ASKED_BACK_MINUTES} minutes of being given back "
                f"{_many(because.run.flaps, 'time')} in the {self.shape}"
            )
        if after.headroom != before.headroom:
            was, now = (self.thresholds(settings).target_utilisation for settings in (before, after))
            yield Correction("target_utilisation", was, now, why)
        if after.window_s != before.window_s:
            yield Correction("scale_down_window_s", before.window_s, after.window_s, why)
        if after.minimum != before.minimum:
            yield Correction("minimum_replicas", before.minimum, after.minimum, why)

    @property
    def shape(self) -> Literal["day", "week"]:
        """What is replayed."""
        return "day" if len(self.demand.hourly) == DAY_H else "week"

    def record(self, outcome: Outcome, corrections: tuple[Correction, ...], seed: int) -> Replay:
        """Return the replay as the plan holds it."""
        plan, run = self.plan, outcome.run
        fixed = always_on(plan)
        hours = len(self.demand.hourly)
        paid = hours * sum(
            share * paid_accelerators(plan.chosen, count) for count, share in _share_of_time(run).items()
        )
        fixed_paid = hours * paid_accelerators(plan.chosen, fixed)
        rate = self.minutes.requests_per_s
        by_hour = (-1, MINUTES_PER_HOUR)
        return Replay(
            shape=self.shape,
            basis=_basis(plan, self.question),
            seed=seed,
            met=min(float(run.within @ rate / rate.sum()), 1.0),
            replica_hours=float(run.held.sum()) / MINUTES_PER_HOUR,
            accelerator_hours=float(paid),
            fixed_replicas=fixed,
            fixed_accelerator_hours=float(fixed_paid),
            saving=1 - float(paid / fixed_paid),
            minimum_replicas=int(run.held.min()),
            maximum_replicas=int(run.held.max()),
            scale_ups=len(run.scale_ups),
            scale_downs=len(run.scale_downs),
            flaps=run.flaps,
            late_minutes=outcome.late_minutes,
            beyond_fleet_minutes=outcome.beyond_fleet_minutes,
            corrections=corrections,
            requests_per_s_by_hour=tuple(rate.reshape(by_hour).mean(axis=1).tolist()),
            replicas_by_hour=tuple(run.held.reshape(by_hour).mean(axis=1).tolist()),
        )


def _stage(plan: CapacityPlan, catalog: Catalog, seed: int) -> _Stage:
    question, found = chosen_candidate(plan, catalog)
    capacity = plan.replica_capacity.requests_per_s
    best = sized_at_rate(question, found, capacity)
    traffic, demand = plan.spec.traffic, demand_of(plan.spec.traffic)
    loads = replica_loads(best.replicas, plan.spec.targets)
    limit = np.interp(capacity, loads.requests_per_s, loads.in_flight) if plan.spec.targets else loads.in_flight[-1]
    mean = fleet_rate(plan, question)
    return _Stage(
        plan,
        question,
        best,
        operating_points(question, best),
        demand,
        demand_by_minute(demand, mean, burstiness=traffic.burstiness, seed=seed),
        loads,
        float(limit),
    )


def _share_of_time(run: Run) -> dict[int, float]:
    """Return in which share of the time so many replicas were held."""
    return {int(count): minutes / len(run.held) for count, minutes in sorted(Counter(run.held.tolist()).items())}


def _basis(plan: CapacityPlan, question: Question) -> str:
    traffic, source = plan.spec.traffic, plan.sources.get("traffic.hourly_profile")
    if not traffic.hourly_profile:
        return (
            f"no hours were given: one smooth rise and fall to {traffic.peak_factor:g} × the mean, its night as deep "
            "as on the Azure 2024 traces"
        )
    preset = question.catalog.presets.get(source.detail) if source is not None and source.kind == "preset" else None
    if preset is None:
        return "the hourly profile that was given"
    return f"the hours of {preset.name.lower()} traffic, {preset.short_source}"


def _told(thresholds: Autoscaling, outcome: Outcome, record: Replay, burst: float) -> Autoscaling:
    """Return the thresholds with the reason of each correction, and a warning of what none of them could mend."""
    reasons = dict(thresholds.reasons)
    for correction in record.corrections:
        if correction.threshold in reasons:
            was = f"{correction.planned:.3g}"
            reasons[correction.threshold] += f"; corrected from {was} by the replay, in which {correction.why}"
    warnings = [*thresholds.warnings, *(_missed(moment, burst) for moment in record.moments if moment.missed)]
    if outcome.late:
        late = _many(outcome.late_minutes, "minute")
        warnings.append(f"replayed, {late} still came before the replicas that they needed: {WAY_OUT}")
    if outcome.flapping:
        flaps = _many(outcome.run.flaps, "time")
        warnings.append(f"replayed, replicas are still asked back soon after being given back {flaps}: {WAY_OUT}")
    return replace(thresholds, reasons=reasons, warnings=tuple(warnings))


def _missed(moment: Moment, burst: float) -> str:
    """Return what a moment misses, and what would hold it."""
    target = moment.missed[0]
    figure = (
        f"{target.metric.upper()} {target.percentile} is {target.simulated_s:.3g} s, target {target.target_s:.3g} s"
    )
    way = WAY_OUT
    if moment.name == "peak" and burst < WITHIN_HOUR:
        way = f"minutes peak at {WITHIN_HOUR:g} × their hour; a burst of so much in the workload would hold them"
    return f"in the minutes of the {'peak' if moment.name == 'peak' else 'steepest rise'} {figure}: {way}"


def _assumed(plan: CapacityPlan, record: Replay) -> Iterator[Assumption]:
    """Yield what the replay rests on that nobody said, and what it changed."""
    source = plan.sources.get("traffic.hourly_profile")
    if source is None or source.kind in ("default", "preset", "settings"):
        yield Assumption(f"demand moves over the {record.shape} like this: {record.basis}")
    for correction in record.corrections:
        name = correction.threshold.removesuffix("_s").replace("_", " ")
        values = f"{correction.corrected:.3g} instead of {correction.planned:.3g}"
        yield Assumption(f"the {name} is {values}: in a replay {correction.why}")


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
