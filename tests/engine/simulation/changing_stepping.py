"""An independent fleet that starts, drains, fails and is scaled, every replica taken step by step. Slow and obvious."""

from dataclasses import dataclass, field
from math import ceil, inf

from catalogs.records.runtimes import Scheduler
from engine.scaling.controller import ScalingPolicy
from engine.simulation import Requests, StepModel
from tests.engine.simulation.stepping import Job, Stepper, jobs_of

Happening = tuple[float, str, int]


@dataclass
class SteppedFleet:
    """Places for replicas, and who is in which state."""

    model: StepModel
    scheduler: Scheduler
    policy: ScalingPolicy
    routing: str
    serving: list[int]
    steppers: dict[int, Stepper] = field(default_factory=dict)
    starting: list[tuple[float, int]] = field(default_factory=list)
    draining: dict[int, float] = field(default_factory=dict)
    free: list[int] = field(default_factory=list)
    homeless: list[Job] = field(default_factory=list)
    happened: list[Happening] = field(default_factory=list)
    samples: list[tuple[float, float, float]] = field(default_factory=list)
    asks: list[tuple[float, int]] = field(default_factory=list)
    arrived: int = 0
    latest: int = 0

    def run_until(self, now: float) -> None:
        for stepper in self.steppers.values():
            stepper.run_until(now)

    def send(self, job: Job, now: float) -> None:
        """A request goes to one of the replicas that serve, or waits until one does."""
        job.arrival = now
        if not self.serving:
            self.homeless.append(job)
            return
        if self.routing == "least_outstanding":
            self.run_until(now)
            places = self.policy.maximum
            turns = [(self.latest + 1 + turn) % places for turn in range(places)]
            self.latest = min(
                (place for place in turns if place in self.serving),
                key=lambda place: (self.steppers[place].outstanding(now), turns.index(place)),
            )
        else:
            self.latest = self.serving[job.number % len(self.serving)]
        stepper = self.steppers[self.latest]
        stepper.inbox.append(job)
        stepper.assigned.append(job)

    def start(self, now: float) -> None:
        place = self.free.pop()
        self.starting.append((now + self.policy.start_s, place))
        self.happened.append((now, "start", place))

    def serve(self, now: float) -> None:
        _, place = self.starting.pop(0)
        self.serving.append(place)
        self.steppers[place] = Stepper(self.model, self.scheduler)
        self.happened.append((now, "serve", place))
        waiting, self.homeless = self.homeless, []
        for job in waiting:
            self.send(job, now)

    def fail(self, now: float) -> None:
        if not self.serving:
            return
        self.run_until(now)
        place = self.serving.pop(0)
        lost = [job for job in self.steppers.pop(place).assigned if job.finish < 0 or job.finish > now]
        self.free.append(place)
        self.happened.append((now, "fail", place))
        self.start(now)
        for job in sorted(lost, key=lambda job: job.number):
            job.computed = job.target = job.emitted = 0
            job.admitted = job.first = job.finish = -1.0
            self.send(job, now)

    def release(self, now: float) -> None:
        for place in list(self.draining):
            assigned = self.steppers[place].assigned
            if all(0 <= job.finish <= now for job in assigned):
                ended = max((job.finish for job in assigned), default=0.0)
                self.happened.append((max(self.draining.pop(place), ended), "gone", place))
                self.free.append(place)

    def look(self, now: float) -> None:
        """The autoscaler, as Kubernetes' documentation tells it."""
        self.run_until(now)
        self.release(now)
        steppers = [self.steppers[place] for place in self.serving]
        queue = sum(len(one.waiting) + len(one.seen) + len(one.inbox) for one in steppers) + len(self.homeless)
        there = sum(one.outstanding(now) for one in steppers) + len(self.homeless)
        policy = self.policy
        self.samples.append((there, self.arrived / policy.poll_s, queue))
        self.arrived = 0
        seen = self.samples[-max(1, round(policy.window_s / policy.poll_s)) :]
        size = len(self.serving) + len(self.starting)
        asks = [1]
        targets = (policy.in_flight_per_replica, policy.requests_per_s_per_replica, policy.queue_per_replica)
        for values, target in zip(zip(*seen, strict=True), targets, strict=True):
            ratio = sum(values) / len(values) / size / target
            asks.append(size if abs(ratio - 1) <= policy.tolerance else ceil(size * ratio - 1e-9))
        ask = min(max(*asks, policy.minimum), policy.maximum)
        self.asks.append((now, ask))
        if ask < size:
            ask = min(size, max(past for at, past in self.asks if at >= now - policy.scale_down_window_s))
        for _ in range(min(ask - size, len(self.free))):
            self.start(now)
        for _ in range(size - ask):
            if self.starting:
                _, place = self.starting.pop()
                self.free.append(place)
                self.happened.append((now, "cancel", place))
            else:
                place = self.serving.pop()
                self.draining[place] = now
                self.happened.append((now, "drain", place))
        self.release(now)


def step_through_changes(
    model: StepModel,
    scheduler: Scheduler,
    requests: Requests,
    policy: ScalingPolicy,
    *,
    failures: tuple[float, ...],
    until_s: float,
    routing: str,
) -> tuple[list[Job], list[Happening]]:
    """Serve a load; the fleet begins at its minimum. At one moment starts are done first, arrivals last."""
    initial = list(range(policy.minimum))
    fleet = SteppedFleet(model, scheduler, policy, routing, serving=list(initial))
    fleet.steppers = {place: Stepper(model, scheduler) for place in initial}
    fleet.free = list(range(policy.maximum - 1, policy.minimum - 1, -1))
    fleet.asks = [(0.0, policy.minimum)]
    fleet.latest = policy.maximum - 1
    fleet.happened = [(0.0, "serve", place) for place in initial]
    jobs = jobs_of(requests)
    coming, failing, looks = list(jobs), sorted(failures), 1
    while True:
        look = looks * policy.poll_s
        moments = (
            (fleet.starting[0][0] if fleet.starting else inf, 0),
            (failing[0] if failing else inf, 1),
            (look if look < until_s else inf, 2),
            (coming[0].arrival if coming else inf, 3),
        )
        now, what = min(moments)
        if now == inf:
            break
        if what == 0:
            fleet.serve(now)
        elif what == 1:
            failing.pop(0)
            fleet.fail(now)
        elif what == 2:
            looks += 1
            fleet.look(now)
        else:
            fleet.arrived += 1
            fleet.send(coming.pop(0), now)
    fleet.run_until(inf)
    fleet.release(inf)
    return jobs, sorted(fleet.happened, key=lambda happening: happening[0])
