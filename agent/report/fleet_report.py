"""A fleet simulated over time as a report: what came of it, the targets, and replicas, TTFT and queue by the hour."""

from collections.abc import Iterator

from agent.report.blocks import Block, Cell, Chart, Facts, Heading, Paragraph, Report, Series
from agent.report.plan.replay_section import means, requests_met, saving_shown
from agent.report.simulated_latencies import simulated_latencies
from agent.report.simulation_report import verdict_and_targets
from agent.report.words import accelerators_noun, capital
from catalogs.units import (
    SECONDS_PER_HOUR,
    SECONDS_PER_MINUTE,
    show_count,
    show_figure,
    show_percent,
    show_rate,
    show_seconds,
)
from engine.load_test.fleet_over_time import SimulatedFleet
from engine.plan import CapacityPlan
from engine.planning.phrases import counted

POINTS = 28
"""Of a chart at most: a day by the hour, a week by a quarter of a day."""
TOGETHER = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)
"""Minutes that make one point."""
FEWEST_MINUTES = 6
"""Fewer minutes show no course."""
HOURS_FROM_S = 7200.0
"""From so long on a chart counts hours, before it minutes."""


def fleet_sentence(plan: CapacityPlan, simulated: SimulatedFleet) -> str:
    """Return what came of it in a sentence."""
    if simulated.met is None:
        served = f"{show_count(simulated.requests)} requests served"
    else:
        served = f"{requests_met(simulated.met)} met the targets"
    paid = simulated.accelerator_hours
    hours = f"{show_count(round(paid)) if paid >= 10 else show_figure(paid)} {accelerators_noun(plan.chosen, 1)}-hours"
    compared = f"{saving_shown(simulated.saving)} a fixed fleet of {show_count(simulated.fixed_replicas)}"
    return f"{capital(simulated.load)}: {served}, {hours}, {compared}."


@Report.of
def fleet_report(plan: CapacityPlan, simulated: SimulatedFleet) -> Iterator[Block]:
    """Yield the report of a fleet over time."""
    chosen = plan.chosen
    yield Paragraph(fleet_sentence(plan, simulated), "strong")
    yield from verdict_and_targets(simulated)
    if plan.replay and simulated.autoscaled and simulated.duration_s in (86_400.0, 604_800.0):
        yield Paragraph(
            f"The plan's replay of a {plan.replay.shape} has {show_count(round(plan.replay.accelerator_hours))} "
            f"{accelerators_noun(plan.chosen, 1)}-hours: there the autoscaler sees each minute's load by the formulas, "
            f"here, every {show_seconds(simulated.poll_s)}, the requests that happen to be in flight.",
            "quiet",
        )
    yield simulated_latencies(simulated.ttft_s, simulated.itl_s, simulated.e2e_s, ("p50", "p95", "p99"))
    items: list[tuple[str, Cell]] = [
        ("requests", f"{show_count(simulated.requests)}, {show_rate(simulated.arrivals_per_s)} on average"),
        ("a replica", f"{chosen.model_name} on {chosen.accelerators_per_replica} × {chosen.accelerator_name}"),
        ("replicas that serve", f"{show_count(simulated.fewest_replicas)} to {show_count(simulated.most_replicas)}"),
    ]
    if simulated.autoscaled:
        bounds = f"{show_count(simulated.minimum_replicas)} to {show_count(simulated.maximum_replicas)}"
        items += [
            ("autoscaler", f"{bounds} replicas, looks every {show_seconds(simulated.poll_s)}"),
            ("a start takes", show_seconds(simulated.start_s)),
            ("scaled", f"{counted(simulated.starts, 'start')}, {counted(simulated.drains, 'drain')}"),
        ]
    if simulated.failures:
        anew = f"{counted(simulated.begun_anew, 'request')} began anew"
        items.append(("failures", f"{show_count(simulated.failures)}, {anew}"))
    items += [
        ("minutes with a miss", _minutes_with_misses(simulated)),
        ("routing", simulated.routing.replace("_", " ")),
        ("seed", str(simulated.seed)),
    ]
    yield Facts(tuple(items))
    yield from _charts(simulated)


def _minutes_with_misses(simulated: SimulatedFleet) -> str:
    minutes = simulated.by_minute
    # A percentile leaves a few late: a minute counts when more than one request in twenty is.
    late = sum(missed > there / 20 for missed, there in zip(minutes.misses, minutes.requests, strict=True))
    share = show_percent(late / len(minutes.requests))
    return f"{show_count(late)} of {show_count(len(minutes.requests))} ({share}) in which more than 5 % were late"


def _charts(simulated: SimulatedFleet) -> Iterator[Block]:
    minutes = simulated.by_minute
    if len(minutes.requests) < FEWEST_MINUTES:
        return
    step = next((n for n in TOGETHER if len(minutes.requests) <= n * POINTS), -(-len(minutes.requests) // POINTS))
    places = range(0, len(minutes.requests), step)
    yield Heading("Over time")
    serving = Series.of("serving", means(minutes.serving, places), show_figure)
    starting = Series.of("starting", means(minutes.starting, places), show_figure)
    yield _chart(simulated, places, (serving, starting) if any(starting.values) else (serving,), "replicas")
    slowest = (max(value or 0.0 for value in minutes.ttft_p95_s[place : place + step]) for place in places)
    yield _chart(simulated, places, (Series.of("TTFT p95 of the worst minute", slowest, show_seconds),), "s")
    longest = (float(max(minutes.queue[place : place + step])) for place in places)
    yield _chart(simulated, places, (Series.of("longest queue", longest, show_count),), "requests")


def _chart(simulated: SimulatedFleet, places: range, series: tuple[Series, ...], unit: str) -> Chart:
    interval_s = simulated.by_minute.interval_s
    hours = simulated.duration_s > HOURS_FROM_S
    at = tuple(round(place * interval_s / (SECONDS_PER_HOUR if hours else SECONDS_PER_MINUTE), 2) for place in places)
    return Chart("hour" if hours else "minute", at, series, unit)
