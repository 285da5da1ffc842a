"""Thresholds that flap or fire too late, corrected until a replay holds: at most a dozen tries."""

from collections.abc import Callable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from engine.scaling.replay import ReplayedMinutes

LATE_A_DAY = 3.0
"""Minutes a day in which a target may fail while replicas start: g(R) is a 95th percentile, and rare rises pass it."""
FLAPS_A_DAY = 4.0
"""Times a day that replicas may be asked back soon after they were given back; each costs one of them its start."""
HEADROOMS = (1.1, 1.2, 1.35, 1.6)
"""Growth beyond that of the demand's shape, tried one after the other where thresholds fire too late."""
LONGEST_WINDOW_S = 3600.0
"""Kubernetes accepts no longer stabilisation window."""


class Settings(Struct, frozen=True):
    """What a correction may change."""

    window_s: float
    """Before replicas are given back."""
    minimum: int
    headroom: float = 1.0
    """Growth beyond that of the demand's shape that replicas are held for."""


class Outcome(Struct, frozen=True):
    """What a replay of settings came to."""

    run: ReplayedMinutes
    late_minutes: int
    beyond_fleet_minutes: int
    days: float

    @property
    def late(self) -> bool:
        """Whether the thresholds fire too late."""
        return self.late_minutes > LATE_A_DAY * self.days

    @property
    def flapping(self) -> bool:
        """Whether replicas are given back only to be asked back."""
        return self.run.flaps > FLAPS_A_DAY * self.days


class Step(Struct, frozen=True):
    """A change that was kept, and the replay that called for it."""

    before: Settings
    after: Settings
    because: Outcome


def corrected(start: Settings, maximum: int, tried: Callable[[Settings], Outcome]) -> tuple[Outcome, tuple[Step, ...]]:
    """Return the first outcome that holds, or the best of the tries, and the steps that led to it.

    Too late: ever more headroom; where none of it helps, a higher minimum, in the end the whole fleet. Flapping: a
    window twice as long until Kubernetes accepts no longer one.

    Args:
        start: the settings that are tried first.
        maximum: replicas of the whole fleet.
        tried: the replay of settings.
    """
    settings, outcome = start, tried(start)
    steps: list[Step] = []
    if outcome.late:
        because = outcome
        for settings in _earlier(start, maximum):
            outcome = tried(settings)
            if not outcome.late:
                break
        steps.append(Step(start, settings, because))
    if outcome.flapping:
        before, because = settings, outcome
        for settings in _calmer(before):
            outcome = tried(settings)
            if not outcome.flapping:
                break
        if settings != before:
            steps.append(Step(before, settings, because))
    return outcome, tuple(steps)


def _earlier(start: Settings, maximum: int) -> Iterator[Settings]:
    for headroom in HEADROOMS:
        yield replace(start, headroom=headroom)
    yield replace(start, minimum=(start.minimum + maximum + 1) // 2, headroom=HEADROOMS[-1])
    yield replace(start, minimum=maximum)


def _calmer(start: Settings) -> Iterator[Settings]:
    window = start.window_s
    while window < LONGEST_WINDOW_S:
        window = min(2 * window, LONGEST_WINDOW_S)
        yield replace(start, window_s=window)
