"""The part of `fleetcast simulate` in which the fleet is scaled: over a day, a week, recorded hours, or a trace."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from catalogs.errors import InputError
from catalogs.units import read_seconds
from commands.input_files import opened
from commands.progress import progress

if TYPE_CHECKING:
    from catalogs.catalog import Catalog
    from engine.load_test.fleet_over_time import SimulatedFleet
    from engine.load_test.load_over_time import Recorded
    from engine.plan import CapacityPlan


class Load(Struct, frozen=True):
    """The options of a load, whatever its span; what was not given is None."""

    requests: int | None
    seed: int
    repeats: int
    moment: str | None
    replicas: int | None
    routing: str
    speed_up: float | None
    trace_unit: str | None

    def of(self, settings: type[Struct]) -> dict[str, Any]:
        """Return what was given of the fields of some settings."""
        given = {name: getattr(self, name, None) for name in settings.__struct_fields__}
        return {name: value for name, value in given.items() if value is not None}


class OverTime(Struct, frozen=True):
    """The options of a fleet over time; times as they were typed."""

    day: bool
    week: bool
    autoscale: bool
    rates: Path | None
    lengths: Path | None
    fail: str | None
    trace: Path | None

    @property
    def asked(self) -> bool:
        """Whether a fleet over time was asked for, rather than a fixed one at one rate."""
        return self.day or self.week or self.autoscale or self.rates is not None


_OVER_TIME = ("--burst", "--node-start", "--image-pull")
"""Flags of a question that a fixed fleet at one rate does not feel."""


def check(over: OverTime, load: Load, flags: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse options that contradict each other.

    Args:
        flags: of the question, by their name.

    Raises:
        InputError: the sentence names the option to leave out, or to add.
    """
    if not over.asked:
        timed: dict[str, Path | str | None] = {"--lengths": over.lengths, "--fail": over.fail}
        timed |= {name: flags[name][0] for name in _OVER_TIME if name in flags}
        for name, value in timed.items():
            if value is not None:
                raise InputError(f"{name} {value} is of a fleet over time: add --day, --week, --rates or --autoscale")
        return
    span = "--day" if over.day else "--week" if over.week else "--rates" if over.rates else "--autoscale"
    for name, own in (("--requests", load.requests), ("--at", load.moment)):
        if own is not None:
            raise InputError(f"{span} has its own requests: leave {name} {own} out")
    if over.day and over.week:
        raise InputError("--day and --week were both given: give one of them")
    if over.trace is not None:
        others = (("--day", over.day), ("--week", over.week), ("--rates", over.rates), ("--lengths", over.lengths))
        for name, given in others:
            if given:
                raise InputError(f"--trace {over.trace} has its own times and lengths: leave {name} out")
        if load.replicas is not None:
            raise InputError(f"--autoscale scales the fleet: leave --replicas {load.replicas} out, or --autoscale")
    elif over.autoscale and not (over.day or over.week or over.rates):
        raise InputError("--autoscale is of a trace: give one with --trace, or --day or --week, which autoscale")
    if load.repeats != 1:
        raise InputError(f"--repeats {load.repeats} is of a load at one rate; a fleet over time is simulated once")
    _failures(over.fail)


def run(over: OverTime, plan: "CapacityPlan", catalog: "Catalog", load: Load) -> "SimulatedFleet":
    """Return the simulation of a plan's fleet over time.

    Args:
        over: the options of a fleet over time.
        load: seed, routing, replicas instead of the autoscaler's, times a trace's rate and unit of its timestamps.

    Raises:
        InputError: a file that cannot be read, or that holds no load.
    """
    from engine.load_test.fleet_over_time import simulate_fleet
    from engine.load_test.load_over_time import OverTimeSettings, Recorded  # numpy

    settings = OverTimeSettings(
        span="day" if over.day else "week" if over.week else None,
        failures=tuple(_failures(over.fail)),
        **load.of(OverTimeSettings),
    )
    with ExitStack() as stack:

        def recorded(file: Path | None) -> "Recorded | None":
            return None if file is None else Recorded(str(file), stack.enter_context(opened(file)))

        draw_progress = stack.enter_context(progress("simulating"))
        return simulate_fleet(
            plan,
            catalog,
            settings,
            trace=recorded(over.trace),
            rates=recorded(over.rates),
            lengths=recorded(over.lengths),
            progress=draw_progress,
        )


def _failures(text: str | None) -> Sequence[float]:
    return [] if text is None else [read_seconds(part, "--fail", "s", positive=False) for part in text.split(",")]
