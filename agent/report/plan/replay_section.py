"""What the autoscaler made of a day or a week, as the report shows it."""

from collections.abc import Iterator, Sequence

from agent.report.blocks import Block, Bullets, Cell, Chart, Column, Facts, Paragraph, Series, Table, Words
from agent.report.words import accelerators_noun, sentence, share_met
from catalogs.units import (
    SECONDS_PER_HOUR,
    SECONDS_PER_MINUTE,
    show_count,
    show_figure,
    show_percent,
    show_rate,
    show_seconds,
)
from engine.plan import CapacityPlan, Correction, Moment, Replay, SimulatedTarget
from engine.planning.phrases import counted

POINTS = 28
"""Points of the chart at most: a day by the hour, a week by a quarter of a day."""


def replay_sentence(plan: CapacityPlan) -> str:
    """Return the replay in a sentence, or why there is none; empty where nobody replayed the plan."""
    replay = plan.replay
    if replay is None:
        return ""
    met = "met the targets" if plan.targets else "came below saturation"
    hours = show_count(round(replay.accelerator_hours))
    text = (
        f"Replayed one {replay.shape} of this shape, a new replica after "
        f"{show_seconds(plan.autoscaling.reaction_time_s)}: {requests_met(replay.met)} {met}, "
        f"{hours} {accelerators_noun(plan.chosen, 1)}-hours, {saving_shown(replay.saving)} a fixed fleet of "
        f"{show_count(replay.fixed_replicas)}."
    )
    if replay.corrections:
        changed = " and ".join(_corrected(correction) for correction in replay.corrections)
        text += f" It corrects the autoscaler: {changed}."
    return text


def requests_met(met: float) -> str:
    """Return the share of requests that met the targets, never rounded up to all of them: '99.2 % of requests'."""
    return "all requests" if met == 1 else f"{share_met(met)} of requests"


def saving_shown(saving: float) -> str:
    """Return a share saved, to be followed by what it is compared with: '14 % less than'."""
    if abs(saving) < 0.005:
        return "as many as"
    return f"{show_percent(round(abs(saving), 2))} {'less' if saving > 0 else 'more'} than"


def _corrected(correction: Correction) -> str:
    name, shown = {
        "target_utilisation": ("target utilisation", show_percent),
        "minimum_replicas": ("minimum", show_count),
        "scale_down_window_s": ("scale-down window", show_seconds),
    }[correction.threshold]
    return f"{name} {shown(correction.corrected)}, where {shown(correction.planned)} did worse"  # type: ignore[operator]


def replay_blocks(plan: CapacityPlan) -> Iterator[Block]:
    """Return the replay in full; one line where there is nothing to replay."""
    replay = plan.replay
    if replay is None:
        if plan.fleet.minimum_replicas == plan.fleet.maximum_replicas:
            many = counted(plan.fleet.maximum_replicas, "replica")
            yield Paragraph(f"Nothing to replay: {many} at every hour.", "quiet")
        elif plan.spec.traffic.concurrency:
            yield Paragraph("Nothing to replay: clients that wait for their answers have no hours.", "quiet")
        return
    yield Paragraph(replay_sentence(plan))
    minutes = (24 if replay.shape == "day" else 168) * 60
    items: list[tuple[str, Cell]] = [
        ("hours", replay.basis),
        ("replicas held", f"{show_count(replay.minimum_replicas)} to {show_count(replay.maximum_replicas)}"),
        ("scaled", f"up {counted(replay.scale_ups, 'time')}, down {counted(replay.scale_downs, 'time')}"),
        ("asked back within half an hour", counted(replay.flaps, "time")),
        ("too late", _of(replay.late_minutes, minutes)),
        ("beyond the whole fleet", _of(replay.beyond_fleet_minutes, minutes)),
        ("seed", show_count(replay.seed)),
    ]
    yield Facts(tuple(items))
    if replay.corrections:
        told = tuple(sentence(f"{_corrected(one)}: {one.why}") for one in replay.corrections)
        yield Bullets(told, "Corrected by the replay:")
    yield _chart(plan, replay)
    if replay.moments:
        yield Paragraph("Request by request, the minutes of the peak and of the steepest rise:")
        yield _moments(replay.moments)


def _moments(moments: tuple[Moment, ...]) -> Table:
    """Return the simulated minutes side by side."""
    rows: list[tuple[Cell, ...]] = [
        ("begins", *(_clock(moment.start_s) for moment in moments)),
        ("minutes", *(show_figure(moment.duration_s / SECONDS_PER_MINUTE) for moment in moments)),
        ("simulated", *(f"{moment.replicas} of {_serving(moment.of_replicas)}" for moment in moments)),
        ("load of each", *(show_rate(moment.requests_per_s) for moment in moments)),
    ]
    for at, target in enumerate(moments[0].targets):
        figures = (moment.targets[at] for moment in moments)
        label = f"{target.name}, target {show_seconds(target.target_s)}"
        rows.append((label, *(_judged(figure) for figure in figures)))
    return Table((Column(""), *(Column(moment.name, "right") for moment in moments)), tuple(rows))


def _serving(replicas: int) -> str:
    return f"{counted(replicas, 'replica')} that serve{'' if replicas > 1 else 's'}"


def _judged(target: SimulatedTarget) -> Words:
    shown = show_seconds(target.simulated_s)
    return Words(shown if target.met else f"{shown}, missed", "good" if target.met else "bad")


def _clock(seconds: float) -> str:
    hours, rest = divmod(round(seconds), int(SECONDS_PER_HOUR))
    day = f"day {hours // 24 + 1}, " if hours >= 24 else ""
    return f"{day}{hours % 24:02d}:{rest // 60:02d}"


def _of(count: int, minutes: int) -> Cell:
    text = f"{show_count(count)} of {show_count(minutes)} minutes"
    return Words(text, "warning") if count > minutes / 100 else text


def means(values: Sequence[float], places: range) -> Iterator[float]:
    """Yield the mean of the values from each place to the next, for a chart."""
    for part in (values[at : at + places.step] for at in places):
        yield sum(part) / len(part)


def _chart(plan: CapacityPlan, replay: Replay) -> Chart:
    step = -(-len(replay.replicas_by_hour) // POINTS)
    places = range(0, len(replay.replicas_by_hour), step)
    each = plan.replica_capacity.requests_per_s
    held = Series.of("held", means(replay.replicas_by_hour, places), show_figure)
    filled = (mean / each for mean in means(replay.requests_per_s_by_hour, places))
    lines = (held, Series.of("filled by the load", filled, show_figure))
    return Chart("hour", tuple(float(at) for at in places), lines, "replicas")
