"""The autoscaler's controller: what it sees of the fleet at each poll → how many replicas it asks for.

It is Kubernetes' HPA with a metric per replica for each threshold of a plan: the largest ask counts, a ratio within the
tolerance of 1 leaves the fleet alone, and the fleet shrinks only to the largest ask of the scale-down window. The
simulation of a fleet over time and the replay of a week both ask this one controller.
"""

from collections import deque
from collections.abc import Sequence
from math import ceil, inf, isfinite

from msgspec import Struct

from catalogs.errors import InputError
from engine.plan import Autoscaling, Fleet
from engine.question.demand import replicas_for

TOLERANCE = 0.1
"""Kubernetes' HPA leaves the fleet alone while a metric is within 10 % of its target (its default tolerance)."""
SHORTEST_POLL_S = 15.0
"""Kubernetes' HPA sync period: how often it looks where a plan states no polling interval."""


class ScalingPolicy(Struct, frozen=True):
    """What an autoscaler goes by. Thresholds are per replica; infinity where one is not used."""

    minimum: int
    """Replicas that serve or start, at least."""
    maximum: int
    """Replicas at most: those that still drain are counted too, since they hold their accelerators."""
    in_flight_per_replica: float = inf
    """Requests running or waiting."""
    requests_per_s_per_replica: float = inf
    queue_per_replica: float = inf
    """Requests waiting: a guard."""
    spares: int = 0
    """Kept on top of what the metrics ask for."""
    start_s: float = 0.0
    """From the decision to a replica that serves: the reaction time less what poll and window take of it."""
    poll_s: float = SHORTEST_POLL_S
    """Between two looks at the metrics."""
    window_s: float = 0.0
    """Metrics are means over so much time before the look."""
    scale_down_window_s: float = 300.0
    tolerance: float = TOLERANCE

    def __post_init__(self) -> None:
        """Refuse bounds and times that no autoscaler has.

        Raises:
            InputError: naming the value.
        """
        if not 1 <= self.minimum <= self.maximum:
            raise InputError(
                f"an autoscaler between {self.minimum} and {self.maximum} replicas is none; at least 1, and no more "
                "than the maximum, are needed"
            )
        for name in ("in_flight_per_replica", "requests_per_s_per_replica", "queue_per_replica", "poll_s"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} is {getattr(self, name):g}; it must be positive")
        for name in ("start_s", "window_s", "scale_down_window_s", "tolerance", "spares"):
            if not (isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise InputError(f"{name} is {getattr(self, name):g}; a number that is not negative is needed")

    @property
    def fixed(self) -> bool:
        """Whether the fleet may not scale."""
        return self.minimum == self.maximum

    def held_at(self, requests_per_s: float) -> int:
        """Return the replicas that are held at a steady rate."""
        wanted = replicas_for(requests_per_s, self.requests_per_s_per_replica) + self.spares
        return min(max(wanted, self.minimum), self.maximum)


def policy_of(autoscaling: Autoscaling, fleet: Fleet, spares: int = 0) -> ScalingPolicy:
    """Return a plan's thresholds as an autoscaler goes by them.

    Of the reaction time the poll and the metric window are played out; what remains of it passes between a decision
    and the replica that serves, so that a rise in demand is answered within the whole of it.

    Args:
        autoscaling: the plan's thresholds and reaction time.
        spares: replicas kept on top of what the metrics ask for.
    """
    parts = autoscaling.reaction_parts_s
    poll = parts.get("poll", 0.0) or parts.get("controller", 0.0)
    window = parts.get("metric_window", 0.0)
    return ScalingPolicy(
        minimum=fleet.minimum_replicas,
        maximum=max(fleet.maximum_replicas, fleet.replicas),
        in_flight_per_replica=autoscaling.target_in_flight_per_replica,
        requests_per_s_per_replica=autoscaling.rps_per_replica,
        queue_per_replica=autoscaling.queue_length,
        spares=spares,
        start_s=max(autoscaling.reaction_time_s - poll - window, 0.0),
        poll_s=poll or SHORTEST_POLL_S,
        window_s=window,
        scale_down_window_s=autoscaling.scale_down_window_s,
    )


def fixed_policy(replicas: int, start_s: float = 0.0) -> ScalingPolicy:
    """Return the policy of a fleet that does not scale; a replica that fails is replaced after ``start_s``."""
    return ScalingPolicy(minimum=replicas, maximum=replicas, start_s=start_s)


def asked_on(replicas: int, metric: float, target: float, tolerance: float = TOLERANCE) -> int:
    """Return what the HPA asks for on one metric per replica: ceil(n · metric/target), n itself within the tolerance.

    At least one replica is asked for; a target of infinity asks for no more.

    Args:
        replicas: n, that serve or start now.
        metric: mean over them.
        tolerance: ratio to the target within which nothing changes.
    """
    ratio = metric / target if target > 0 else 1.0
    return replicas if abs(ratio - 1) <= tolerance else max(1, ceil(min(replicas * ratio, MOST_ASKED) - 1e-9))


MOST_ASKED = 1e9
"""Replicas that a target of next to nothing asks for: any fleet's maximum is below."""
NEVER_SETTLED = (inf, inf, inf, -inf, -inf, -inf)
_SURE = 1e-6
"""Of a replica's target: nearer to where an ask changes than rounding reaches."""


class Controller:
    """One autoscaler: it remembers the samples of its metric window and the asks of its scale-down window."""

    def __init__(self, policy: ScalingPolicy, replicas: int, now_s: float = 0.0) -> None:
        """Start with a fleet.

        Args:
            replicas: that serve or start.
            now_s: of the start, seconds.
        """
        self.policy = policy
        samples = max(1, round(policy.window_s / policy.poll_s))
        self._samples: deque[Sequence[float]] | None = deque(maxlen=samples) if samples > 1 else None
        targets = (policy.in_flight_per_replica, policy.requests_per_s_per_replica, policy.queue_per_replica)
        self._targets = tuple((target, target * (1 - policy.tolerance)) for target in targets)
        # As Kubernetes does, the size at the start counts as an ask: nothing shrinks before one window has passed.
        self._asks: deque[tuple[float, int]] = deque([(now_s, replicas)])

    def settled(self, replicas: int) -> tuple[float, ...]:
        """Return lows and highs of in flight, requests/s and waiting, over the whole fleet, for looks that are sure.

        One with all below their highs asks for no more than these replicas, and with one above its low too for just
        these: a replay has thousands of such looks. Highs are minus infinity where none is sure.
        """
        policy, working = self.policy, replicas - self.policy.spares
        if self._samples is not None or working < 1:
            return NEVER_SETTLED
        targets = [target for target, _ in self._targets]
        lows = (-inf if replicas == policy.minimum else target * (working - 1 + _SURE) for target in targets)
        top = inf if replicas == policy.maximum else working * (1 + policy.tolerance) * (1 - _SURE)
        return (*lows, *(target * top for target in targets))

    def catch_up(self, stayed_s: float, replicas: int, fewer: Sequence[tuple[float, float, float, float]]) -> None:
        """Take note of looks that moved nothing, as ``settled`` foresaw.

        Args:
            stayed_s: of the last that asked for just these replicas; negative where none did.
            replicas: that serve or start.
            fewer: all later ones, as ``asked`` takes them but for the replicas.
        """
        policy, larger = self.policy, deque[tuple[float, int]]()
        if stayed_s >= 0:
            self._asks = deque([(stayed_s, replicas)])
        most_flight = most_rate = most_queue = -inf  # that surely ask for no more than the largest of the later asks
        for now_s, in_flight, waiting, rate in reversed(fewer):
            if in_flight > most_flight or rate > most_rate or waiting > most_queue:
                wanted = self._wanted(replicas, (in_flight, rate, waiting))
                if not larger or wanted > larger[0][1]:
                    larger.appendleft((now_s, wanted))
                    most = min(wanted - policy.spares, (replicas - policy.spares) * (1 - policy.tolerance))
                    most_flight, most_rate, most_queue = (target * most * (1 - _SURE) for target, _ in self._targets)
        self._put(larger)

    @property
    def held_since_s(self) -> float:
        """When the ask was made that holds the fleet for a scale-down window, however few replicas a look asks for."""
        return self._asks[0][0]

    def asked(self, now_s: float, replicas: int, in_flight: float, waiting: float, requests_per_s: float) -> int:
        """Take a look at the metrics and return the replicas that are wanted, between minimum and maximum.

        Args:
            now_s: of this look; looks follow each other ``poll_s`` apart.
            replicas: that serve or start now.
            in_flight: requests running or waiting, over the whole fleet.
            waiting: of these, those that wait.
            requests_per_s: arrivals over the whole fleet since the last look.
        """
        asks = self._asks
        means: Sequence[float] = (in_flight, requests_per_s, waiting)
        if self._samples is not None:
            self._samples.append(means)
            means = [sum(values) / len(values) for values in zip(*self._samples, strict=True)]
        oldest = now_s - self.policy.scale_down_window_s
        while asks and asks[0][0] < oldest:
            asks.popleft()
        self._put(((now_s, wanted := self._wanted(replicas, means)),))
        return wanted if wanted >= replicas else min(replicas, asks[0][1])

    def _put(self, asks: Sequence[tuple[float, int]]) -> None:
        """Take note of asks, the largest first: of past ones only those that are larger than every later can matter."""
        while asks and self._asks and self._asks[-1][1] <= asks[0][1]:
            self._asks.pop()
        self._asks.extend(asks)

    def _wanted(self, replicas: int, means: Sequence[float]) -> int:
        """Return what a look asks for, whatever was asked before: of in flight, requests/s and waiting."""
        policy = self.policy
        # Spares come on top of what the metrics ask for, and the tolerance is about the others.
        working, wanted = max(replicas - policy.spares, 1), 1
        for at, (target, least) in enumerate(self._targets):
            # A metric that even the tolerance lifts to no more than what is wanted already need not be asked.
            if means[at] > wanted * least:
                wanted = max(wanted, asked_on(working, means[at] / working, target, policy.tolerance))
        return min(max(wanted + policy.spares, policy.minimum), policy.maximum)
