"""A fleet's autoscaler replayed over a day or a week of its demand, and its thresholds corrected by what that shows."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.units import MINUTES_PER_HOUR, show_figure, show_seconds
from engine.fleet.offers import paid_accelerators
from engine.plan import Assumption, Autoscaling, Correction, Moment, MomentName, Replay
from engine.planning.ledger import fixed_fleet
from engine.planning.phrases import counted
from engine.planning.thresholds import thresholds_of
from engine.planning.verdict import ChosenFleet
from engine.proof.budget import MINUTES_EVENTS
from engine.question.demand import DAY_H, WITHIN_HOUR
from engine.scaling.controller import ScalingPolicy, policy_of
from engine.scaling.correction import Outcome, Settings, Step, corrected
from engine.scaling.demand_by_minute import DemandByMinute, demand_by_minute
from engine.scaling.replay import ASKED_BACK_MINUTES, ReplicaLoads, replay
from engine.scaling.replica_loads import replica_loads
from engine.workload import Source

SEED = 0
WAY_OUT = "scale on a schedule, or keep more replicas running"
PLACES: Mapping[MomentName, str] = {"peak": "peak", "steepest": "steepest rise"}


class ReplayedDay(Struct, frozen=True):
    """What a replay changes in a plan, and what it adds."""

    minimum_replicas: int
    thresholds: Autoscaling
    time_held: Mapping[int, int]
    """Minutes by replicas held."""
    assumptions: tuple[Assumption, ...]
    record: Replay


def replayed_day(
    chosen: ChosenFleet, sources: Mapping[str, Source], *, simulate: bool, seed: int = SEED
) -> ReplayedDay | None:
    """Return a fleet's replay; None where no autoscaler can change anything.

    That is a fleet whose minimum is its maximum, and clients that wait for their answers: they bring no more load.

    Args:
        chosen: the fleet.
        sources: where each value of the spec came from, by path; defaults too.
        simulate: the peak and the steepest ten minutes request by request, where there are targets to judge.
        seed: of the minutes and of the requests.
    """
    spec, fleet = chosen.question.spec, chosen.fleet
    if fleet.minimum_replicas == fleet.maximum_replicas or spec.traffic.concurrency:
        return None
    replays = _replays(chosen, seed)
    start = Settings(replays.planned.scale_down_window_s, fleet.minimum_replicas)
    outcome, steps = corrected(start, fleet.maximum_replicas, replays.outcome)
    settings = steps[-1].after if steps else start
    corrections = tuple(correction for step in steps for correction in replays.corrections(step))
    moments: tuple[Moment, ...] = ()
    skipped: tuple[MomentName, ...] = ()
    if simulate and spec.targets:
        from engine.proof.ten_minutes import simulated_moments  # the simulator: a replay does without

        moments, skipped = simulated_moments(chosen, replays.minutes, outcome.run, seed=seed)
    basis, time_held = _basis(chosen, sources), replays.time_held(outcome)
    return ReplayedDay(
        minimum_replicas=settings.minimum,
        thresholds=_corrected(replays.thresholds(settings), outcome, corrections, moments, skipped, spec.traffic.burst),
        time_held=time_held,
        assumptions=tuple(_assumptions(sources, replays.shape, basis, corrections)),
        record=replays.record(outcome, time_held, corrections, moments, basis, seed),
    )


class _Replays(Struct, frozen=True):
    """A fleet under the same minutes of demand, whatever its settings."""

    chosen: ChosenFleet
    planned: Autoscaling
    """Its thresholds without corrections."""
    minutes: DemandByMinute
    loads: ReplicaLoads
    limit: float
    """Requests in flight in a replica, beyond which its targets fail or, without any, it is saturated."""

    def thresholds(self, settings: Settings) -> Autoscaling:
        """Return the fleet's thresholds under the settings."""
        if (settings.headroom, settings.window_s) == (1.0, self.planned.scale_down_window_s):
            return self.planned
        return thresholds_of(self.chosen, headroom=settings.headroom, scale_down_window_s=settings.window_s)

    def policy(self, settings: Settings) -> ScalingPolicy:
        """Return the autoscaler under the settings."""
        fleet = replace(self.chosen.fleet, minimum_replicas=settings.minimum)
        return policy_of(self.thresholds(settings), fleet, self.chosen.question.spec.availability.spare_replicas)

    def outcome(self, settings: Settings) -> Outcome:
        """Return what a replay under the settings comes to."""
        policy = self.policy(settings)
        run = replay(self.minutes, self.loads, policy)
        failing, all_there = run.in_flight > self.limit, run.ready >= policy.maximum
        return Outcome(run, int((failing & ~all_there).sum()), int((failing & all_there).sum()), self._hours / DAY_H)

    def corrections(self, step: Step) -> Iterator[Correction]:
        """Yield what a step changed, and why."""
        before, after, because = step.before, step.after, step.because
        if after.window_s == before.window_s:
            late = counted(because.late_minutes, "minute")
            why = f"{late} of the {self.shape} came before the replicas that they needed"
        else:
            why = (
                f"replicas were asked back within {ASKED_BACK_MINUTES} minutes of being given back "
                f"{counted(because.run.flaps, 'time')} in the {self.shape}"
            )
        if after.headroom != before.headroom:
            was, now = (self.thresholds(settings).target_utilisation for settings in (before, after))
            yield Correction("target_utilisation", was, now, why)
        if after.window_s != before.window_s:
            yield Correction("scale_down_window_s", before.window_s, after.window_s, why)
        if after.minimum != before.minimum:
            yield Correction("minimum_replicas", before.minimum, after.minimum, why)

    @property
    def _hours(self) -> int:
        return len(self.chosen.demand.hourly)

    @property
    def shape(self) -> Literal["day", "week"]:
        """What is replayed."""
        return "day" if self._hours == DAY_H else "week"

    def time_held(self, outcome: Outcome) -> dict[int, int]:
        """Return the minutes for which so many replicas were held."""
        return {int(count): minutes for count, minutes in sorted(Counter(outcome.run.held.tolist()).items())}

    def record(
        self,
        outcome: Outcome,
        time_held: Mapping[int, int],
        corrections: tuple[Correction, ...],
        moments: tuple[Moment, ...],
        basis: str,
        seed: int,
    ) -> Replay:
        """Return the replay as the plan holds it.

        Args:
            time_held: minutes for which so many replicas were held.
            corrections: that led to them.
            moments: that were simulated.
            basis: whose hours were replayed.
            seed: of the minutes.
        """
        run, rate, by_hour = outcome.run, self.minutes.requests_per_s, (-1, MINUTES_PER_HOUR)
        replica = self.chosen.replica
        minutes_paid = sum(time * paid_accelerators(replica, n) for n, time in time_held.items())
        paid, fixed = minutes_paid / MINUTES_PER_HOUR, fixed_fleet(self.chosen.fleet, replica, self._hours)
        return Replay(
            shape=self.shape,
            basis=basis,
            seed=seed,
            met=min(float(run.within @ rate / rate.sum()), 1.0),
            replica_hours=float(run.held.sum()) / MINUTES_PER_HOUR,
            accelerator_hours=float(paid),
            fixed_replicas=fixed.replicas,
            fixed_accelerator_hours=fixed.accelerator_hours,
            saving=fixed.saving(paid),
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
            moments=moments,
        )


def _replays(chosen: ChosenFleet, seed: int) -> _Replays:
    spec, capacity = chosen.question.spec, chosen.capacity.requests_per_s
    loads = replica_loads(chosen.points.rising_rates, chosen.points.rising, spec.targets)
    limit = np.interp(capacity, loads.requests_per_s, loads.in_flight) if spec.targets else loads.in_flight[-1]
    minutes = demand_by_minute(chosen.demand, chosen.mean_rate, burstiness=spec.traffic.burstiness, seed=seed)
    return _Replays(chosen, thresholds_of(chosen), minutes, loads, float(limit))


def _basis(chosen: ChosenFleet, sources: Mapping[str, Source]) -> str:
    """Return whose hours are replayed: the user's, a preset's, or a default's."""
    question, source = chosen.question, sources.get("traffic.hourly_profile")
    if not question.spec.traffic.hourly_profile:
        return (
            f"no hours were given: one smooth rise and fall to {question.spec.traffic.peak_factor:g} × the mean, its "
            "night as deep as on the Azure 2024 traces"
        )
    preset = question.catalog.presets.get(source.detail) if source is not None and source.kind == "preset" else None
    if preset is None:
        return "the hourly profile that was given"
    return f"the hours of {preset.name.lower()} traffic, {preset.short_source}"


def _corrected(
    thresholds: Autoscaling,
    outcome: Outcome,
    corrections: tuple[Correction, ...],
    moments: tuple[Moment, ...],
    skipped: tuple[MomentName, ...],
    burst: float,
) -> Autoscaling:
    """Return the thresholds with the reason of each correction, and a warning of what none of them could mend.

    Args:
        thresholds: as the corrections left them.
        outcome: of the last replay.
        corrections: of all steps.
        moments: that were simulated.
        skipped: moments for which the events did not suffice.
        burst: peak minute over the peak hour, as it was given.
    """
    reasons = dict(thresholds.reasons)
    for correction in corrections:
        if correction.threshold in reasons:
            was = _shown(correction, correction.planned)
            reasons[correction.threshold] += f"; corrected from {was} by the replay, in which {correction.why}"
    warnings = [*thresholds.warnings, *(_missed(moment, burst) for moment in moments if moment.missed)]
    warnings += [
        f"the minutes of the {PLACES[name]} are not simulated: that takes more than {MINUTES_EVENTS:,} events"
        for name in skipped
    ]
    if outcome.late:
        late = counted(outcome.late_minutes, "minute")
        warnings.append(f"replayed, {late} still came before the replicas that they needed: {WAY_OUT}")
    if outcome.flapping:
        flaps = counted(outcome.run.flaps, "time")
        warnings.append(f"replayed, replicas are still asked back soon after being given back {flaps}: {WAY_OUT}")
    return replace(thresholds, reasons=reasons, warnings=tuple(warnings))


def _shown(correction: Correction, value: float) -> str:
    return show_seconds(value) if correction.threshold.endswith("_s") else show_figure(value)


def _missed(moment: Moment, burst: float) -> str:
    """Return what a moment misses, and what would hold it."""
    target = moment.missed[0]
    figure = f"{target.name} is {target.simulated_s:.3g} s, target {target.target_s:.3g} s"
    way = WAY_OUT
    if moment.name == "peak" and burst < WITHIN_HOUR:
        way = f"minutes peak at {WITHIN_HOUR:g} × their hour; a burst of so much in the workload would hold them"
    return f"in the minutes of the {PLACES[moment.name]} {figure}: {way}"


def _assumptions(
    sources: Mapping[str, Source], shape: str, basis: str, corrections: tuple[Correction, ...]
) -> Iterator[Assumption]:
    """Yield what the replay rests on that nobody said, and what it changed."""
    source = sources.get("traffic.hourly_profile")
    if source is None or source.kind in ("default", "preset", "settings"):
        yield Assumption(f"demand moves over the {shape} like this: {basis}")
    for correction in corrections:
        name = correction.threshold.removesuffix("_s").replace("_", " ")
        values = " instead of ".join(_shown(correction, value) for value in (correction.corrected, correction.planned))
        yield Assumption(f"the {name} is {values}: in a replay {correction.why}")
