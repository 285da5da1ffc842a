"""The load of a fleet over time: the workload's own hours, recorded hourly rates, or a recorded trace."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import PurePath
from typing import Literal

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from catalogs.errors import InputError
from catalogs.units import SECONDS_PER_MINUTE
from engine.load_test.plan_under_load import refuse_impossible
from engine.plan import CapacityPlan
from engine.planning.inverse import fleet_rate
from engine.proof.drawn_load import drawn_tokens
from engine.question.demand import Demand, demand_of
from engine.question.resolve import Question
from engine.scaling.demand_by_minute import demand_by_minute
from engine.simulation import Requests, requests_of
from engine.simulation.arrivals import LengthDraws, lengths_as_in, over_time
from engine.simulation.rates import read_hourly_rates
from engine.simulation.routing import Routing
from engine.simulation.timestamps import Timestamps, TimeUnit
from engine.simulation.traces import read_trace

Span = Literal["day", "week"]
SPANS_H = {"day": 24, "week": 168}
FIRST_S = 300.0
"""Of a trace: by its rate in these seconds the fleet is sized when it begins."""


class OverTimeSettings(Struct, frozen=True):
    """What is to be simulated over time."""

    span: Span | None = "week"
    """Of the workload's hours, or of recorded ones from the first on; null: all that is recorded."""
    seed: int = 0
    routing: Routing = "least_outstanding"
    replicas: int | None = None
    """A fleet of so many that does not scale; null: the plan's autoscaler between its minimum and maximum."""
    failures: tuple[float, ...] = ()
    """Seconds at which the replica that has served longest fails."""
    speed_up: float = 1.0
    """Of a trace: 10 replays it at ten times its rate."""
    trace_unit: TimeUnit | None = None
    """Of a trace's timestamps; null: as its format has them, or as their values say."""

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated.

        Raises:
            InputError: naming the value.
        """
        refuse_impossible(self.replicas, self.speed_up, self.seed)


class Recorded(Struct, frozen=True):
    """A file that a load comes from: its name, and its lines, read as they are needed."""

    name: str
    """With its path, for messages."""
    lines: Iterable[str]

    @property
    def shown(self) -> str:
        """The name alone."""
        return PurePath(self.name).name


class LastingLoad(Struct, frozen=True):
    """Requests as they come, and what is known of them beforehand."""

    requests: Iterator[Requests]
    words: str
    first_rate: float
    """Requests/s when it begins."""
    until_s: float | None = None
    """Null: a trace ends with its last request."""
    expected: int = 0
    """Requests; 0 where nobody knows beforehand."""
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def lasting_load(
    plan: CapacityPlan,
    question: Question,
    settings: OverTimeSettings,
    *,
    trace: Recorded | None,
    rates: Recorded | None,
    lengths: Recorded | None,
) -> LastingLoad:
    """Return the load of a fleet over time; of ``trace``, ``rates`` and the plan's own hours the first that is there.

    Args:
        plan: whose spec gives the hours and how arrivals vary.
        settings: how long the load lasts, its seed, and how fast a trace is replayed.
        trace: requests, instead of a load that is drawn.
        rates: hourly requests/s, instead of the workload's own hours.
        lengths: requests whose token lengths are drawn, instead of the spec's.

    Raises:
        InputError: a file that cannot be read, or hours without a load.
    """
    if trace is not None:
        return _of_trace(trace, settings)
    drawn = drawn_tokens(question, settings.seed) if lengths is None else _recorded_lengths(lengths, settings.seed)
    load = _of_hours(plan, question, settings, rates, drawn)
    return load if lengths is None else replace(load, words=f"{load.words}, lengths as in {lengths.shown}")


def _of_trace(trace: Recorded, settings: OverTimeSettings) -> LastingLoad:
    timestamps = Timestamps(settings.trace_unit)
    parts = read_trace(trace.lines, trace.name, speed_up=settings.speed_up, timestamps=timestamps)
    first = next(parts)  # an empty trace has been refused
    last = float(first.arrival_s[-1])
    early = int(np.searchsorted(first.arrival_s, FIRST_S))
    rate = early / FIRST_S if last > FIRST_S else len(first) / max(last, SECONDS_PER_MINUTE)
    words = f"the trace {trace.shown}" + (f" at {settings.speed_up:g} times its rate" if settings.speed_up != 1 else "")
    return LastingLoad(chain([first], parts), words, rate, notes=timestamps.notes, warnings=timestamps.warnings)


def _of_hours(
    plan: CapacityPlan, question: Question, settings: OverTimeSettings, rates: Recorded | None, lengths: LengthDraws
) -> LastingLoad:
    traffic = plan.spec.traffic
    hours = None if settings.span is None else SPANS_H[settings.span]
    if rates is None:
        if traffic.concurrency:
            raise InputError(
                f"{traffic.concurrency} clients that wait for their answers bring no more load at noon: plan for a "
                "rate, or give hourly rates"
            )
        profile = demand_of(traffic).hourly
        # A day of a longer profile keeps its rates.
        busiest = hours is not None and hours < len(profile)
        relative = _busiest(profile, hours or 0) if busiest else profile * ((hours or len(profile)) // len(profile))
        mean = fleet_rate(plan, question)
        hourly = tuple(mean * rate for rate in relative)
        words = f"the busiest {settings.span} of this shape" if busiest else f"one {_named(len(hourly))} of this shape"
    else:
        hourly = tuple(read_hourly_rates(rates.lines, rates.name)[:hours].tolist())
        words = f"one {_named(len(hourly))} of {rates.shown}"
    mean_of_hours = sum(hourly) / len(hourly)
    if not mean_of_hours > 0:
        raise InputError(f"{words}: all rates are zero; a load has requests")
    demand = Demand(tuple(rate / mean_of_hours for rate in hourly), traffic.burst)
    minutes = demand_by_minute(demand, mean_of_hours, burstiness=traffic.burstiness, seed=settings.seed).requests_per_s
    requests = over_time(
        minutes,
        SECONDS_PER_MINUTE,
        lengths,
        seed=settings.seed,
        burstiness=traffic.burstiness,
        prefix_hit=question.spec.tokens.prefix_hit,
    )
    return LastingLoad(
        requests, words, float(minutes[0]), len(minutes) * SECONDS_PER_MINUTE, int(minutes.sum() * SECONDS_PER_MINUTE)
    )


def _busiest(hourly: tuple[float, ...], hours: int) -> tuple[float, ...]:
    parts = [hourly[start : start + hours] for start in range(0, len(hourly), hours)]
    return max(parts, key=sum)


def _named(hours: int) -> str:
    return {1: "hour", 24: "day", 168: "week"}.get(hours, f"stretch of {hours} hours")


def _recorded_lengths(file: Recorded, seed: int) -> LengthDraws:
    parts = list(read_trace(file.lines, file.name))
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in ("input_tokens", "output_tokens")]
    return lengths_as_in(requests_of(np.zeros(len(columns[0])), *columns), seed=seed)
