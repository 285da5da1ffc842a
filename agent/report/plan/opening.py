"""What a plan says first, on one screen and in full: its answer, latencies, fleet, and up to which rate it holds."""

from agent.report.blocks import Block, Cell, Column, Group, Paragraph, Table, Words
from agent.report.plan.bands import measure_sentence
from agent.report.words import accelerators_noun, figure, sentence, shortened, usd_shown, verdict_shown
from catalogs.units import rounded_down, show_count, show_figure, show_rate, show_seconds, show_usd
from engine.plan import CapacityPlan
from engine.workload import targets_by_default

SHOWN_MISSED = 4
"""Names in a sentence; the table has them all."""


def in_full_report(what: str) -> Paragraph:
    """Return the sentence that sends a reader of the screenful to the full report."""
    return Paragraph(f"{what} is in the full report.", "quiet")


def answer_lines(plan: CapacityPlan, most: int) -> tuple[Paragraph, ...]:
    """Return the answer in at most so many characters, and whether the targets are met.

    Where the speed is hardly known that comes first: what follows is no ground to buy on.
    """
    unsure = (Paragraph(said, "warning"),) if (said := measure_sentence(plan)) else ()
    return (*unsure, *_answer_lines(plan, most))


def _answer_lines(plan: CapacityPlan, most: int) -> tuple[Paragraph, ...]:
    missed = [item.name for item in plan.targets if not item.met]
    first = Paragraph(sentence(shortened(plan.answer.sentence, most)), "strong")
    load, path = in_flight_shown(plan), "performance.at_peak.in_flight"
    if missed:
        more = f" and {len(missed) - SHOWN_MISSED} more" if len(missed) > SHOWN_MISSED else ""
        names = f"{', '.join(missed[:SHOWN_MISSED])}{more}"
        whose = "default target" if plan.default_targets else "target"
        of_them = f"the {whose}" if len(plan.targets) == 1 else f"{len(missed)} of {len(plan.targets)} {whose}s"
        return first, Paragraph(f"Misses {of_them}: {names}; {load}.", "bad", path=path)
    if not plan.answer.meets_targets:
        return first, Paragraph(f"This does not meet what was asked; {load}.", "bad", path=path)
    if not plan.targets:
        return first, Paragraph(f"No target was given; {load}.", "quiet", path=path)
    stated = sum(not targets_by_default(plan.sources, item.metric) for item in plan.targets)
    many = {1: "the target", 2: "both targets"}.get(stated, f"all {stated} targets")
    met = "Default targets hold" if plan.default_targets else f"Meets {many}"
    return first, Paragraph(f"{met} at the peak{chance_shown(plan)}; {load}.", "good", path=path)


def chance_shown(plan: CapacityPlan) -> str:
    """Return how sure it is that the targets are met: ' (92 % sure)'; empty where nothing says so."""
    chance = plan.bands.chance_of_meeting if plan.bands else None
    if chance is None:
        return ""
    if chance > MOST_SURE:
        return f" (over {MOST_SURE:.0%} sure)".replace("%", " %")
    return f" ({max(round(100 * chance), 3)} % sure)"


MOST_SURE = 0.97
"""As far as errors were measured: their outermost quantile is 97.5 %."""


def in_flight_shown(plan: CapacityPlan) -> str:
    """Return the requests in flight at the peak hour: '61 requests in each replica, 1,098 in all'."""
    in_flight, working = plan.performance.at_peak.in_flight, plan.fleet.working_replicas
    each = float(f"{in_flight:.2g}") if in_flight < 10 else round(in_flight)
    if working == 1:
        return f"{show_figure(each)} requests in flight"
    in_all = round(in_flight * working)
    if round(each * working) != in_all:  # who multiplies finds it to a digit more
        each = float(f"{in_flight:.3g}")
    return f"{show_figure(each)} requests in each, {show_count(in_all)} in all"


def latency_table(plan: CapacityPlan, most: int | None = None) -> Block:
    """Return targets, forecasts and whether they are met; the latencies alone where there are no targets."""
    if not plan.targets:
        return _latencies_without_targets(plan)
    columns = (
        Column("at peak"),
        Column("forecast", "right", spoken="bare"),
        Column("target", "right"),
        Column("", spoken="bare"),
    )
    # A missed target must not be the one that is left out.
    shown = sorted(plan.targets, key=lambda item: item.met)[:most] if most else plan.targets
    table = Table(columns, tuple(_target_row(plan, plan.targets.index(item)) for item in shown))
    left = len(plan.targets) - len(shown)
    return Group((table, in_full_report(f"The rest of the {len(plan.targets)} targets"))) if left else table


def _target_row(plan: CapacityPlan, at: int) -> tuple[Cell, ...]:
    item = plan.targets[at]
    unstated = not plan.default_targets and targets_by_default(plan.sources, item.metric)
    verdict = Words(f"{verdict_shown(item)}{', default' * unstated}", "good" if item.met else "bad")
    label = item.name
    forecast = figure(plan, f"performance.at_peak.{item.metric}_s.{item.percentile}", show_seconds)
    if forecast.text != show_seconds(item.forecast_s):  # simulated
        forecast = figure(plan, f"targets.{at}.forecast_s", show_seconds)
    return label, forecast, show_seconds(item.target_s), verdict


def _latencies_without_targets(plan: CapacityPlan) -> Table:
    names = ("mean", "p95", "p99")
    rows = (
        (metric, *(figure(plan, f"performance.at_peak.{metric.lower()}_s.{name}", show_seconds) for name in names))
        for metric in ("TTFT", "ITL", "E2E")
    )
    return Table((Column("at peak"), *(Column(name, "right") for name in names)), tuple(rows))


def fleet_table(plan: CapacityPlan, *, whole: bool = True) -> Table:
    """Return the fleet today, autoscaled and at most, and what each costs a month.

    Args:
        whole: the line of the most too where it is today's.
    """
    fleet = plan.fleet
    columns = (Column("fleet"), *Column.figures("replicas", accelerators_noun(plan.chosen), "monthly"))
    per_replica = plan.chosen.accelerators_per_replica
    low, high = fleet.minimum_replicas, max(fleet.minimum_replicas, fleet.replicas)
    if plan.replay is not None:
        low, high = plan.replay.minimum_replicas, plan.replay.maximum_replicas
    rows: tuple[tuple[Cell, ...], ...] = (
        (
            "today",
            figure(plan, "fleet.replicas", show_count),
            figure(plan, "fleet.accelerators", show_count),
            figure(plan, "cost.monthly_usd", usd_shown),
        ),
        (
            "autoscaled",
            _span(low, high),
            _span(low * per_replica, high * per_replica),
            figure(plan, "cost.autoscaled_monthly_usd", usd_shown),
        ),
        (
            "maximum",
            figure(plan, "fleet.maximum_replicas", show_count),
            figure(plan, "fleet.maximum_accelerators", show_count),
            figure(plan, "cost.maximum_monthly_usd", usd_shown),
        ),
    )
    return Table(columns, rows if whole or fleet.maximum_replicas > fleet.replicas else rows[:-1])


def _span(low: int, high: int) -> str:
    return f"{show_count(low)}–{show_count(high)}" if low < high else show_count(high)


def outage_sentence(plan: CapacityPlan) -> tuple[Paragraph, ...]:
    """Return what the loss of one replica does and for how long, and what a spare one costs; nothing where it holds."""
    outage = plan.outage
    if outage is None:
        return ()
    spare = outage.spare_monthly_usd
    adds = "is paid for in whole instances" if spare == 0 else f"is {show_usd(spare or 0.0)} a month"
    costs = "." if spare is None else f"; N+1 {adds}."
    replicas = plan.fleet.replicas
    lost = show_seconds(outage.lost_node_s)
    if not outage.stops_everything:
        text = f"A replica lost at the peak breaks targets for {lost}{costs}"
        return (Paragraph(text, "quiet", path="outage.lost_node_s"),)
    what = "One replica is" if outage.one_replica else f"{replicas} replicas on one node are"
    text = f"{what} no service: a restart stops {'it' if outage.one_replica else 'one'} for "
    text += f"{show_seconds(outage.restart_s)}, a lost node everything for {lost}{costs}"
    return (Paragraph(text, "warning", path="outage.lost_node_s"),)


def burst_sentence(plan: CapacityPlan) -> tuple[Paragraph, ...]:
    """Return that today's fleet does not hold a stated burst, and what would; nothing where it does.

    Of a given fleet, what it carries under a stated burst and growth: what it does at the peak hour allows for neither.
    """
    burst = sum(line.replicas for line in plan.fleet.ledger if line.reason == "burst")
    traffic = plan.spec.traffic
    beyond = traffic.burst * max(traffic.growth, 1.0)
    if traffic.unstated and beyond > 1:
        carried = show_rate(rounded_down(plan.answer.holds_to_requests_per_s / beyond))
        text = f"With the stated burst and growth, {show_figure(beyond)} × the peak hour, it carries {carried} then."
        return (Paragraph(text),)
    if not burst:
        return ()
    fleet = plan.fleet
    held = fleet.replicas + burst
    holds = "replica holds" if fleet.replicas == 1 else "replicas hold"
    text = f"Today's {show_count(fleet.replicas)} {holds} the peak hour's mean; its "
    text += f"busiest minute, {show_figure(traffic.burst)} × that, takes {show_count(held)}"
    always_on = held == fleet.maximum_replicas and plan.cost.maximum_monthly_usd
    text += f", always on {usd_shown(plan.cost.maximum_monthly_usd)} a month." if always_on else "."
    return (Paragraph(text),)


def surge_sentence(plan: CapacityPlan) -> tuple[Paragraph, ...]:
    """Return whether today's fleet takes a stated surge of seconds; nothing where none was stated."""
    surge = plan.surge
    if surge is None:
        return ()
    said = f"A surge of {show_figure(surge.requests_per_s)} requests/s for {show_seconds(surge.seconds)}"
    if not surge.queued_requests:
        text = f"{said} is taken: the fleet serves up to {show_figure(surge.served_requests_per_s)}."
        return (Paragraph(text, "quiet"),)
    gone = "" if surge.gone_after_s is None else f", gone {show_seconds(surge.gone_after_s)} later"
    text = f"{said} queues {show_count(round(surge.queued_requests))} requests{gone}: the last waits "
    text += f"{show_seconds(surge.longest_wait_s)} more"
    if surge.holds is not None:
        text += f", which targets {'stand' if surge.holds else 'do not stand'}"
    text += f"; {show_count(surge.replicas_without_queue)} replicas take it without."
    return (Paragraph(text, "warning" if surge.holds is False else "quiet"),)


def limit_sentence(plan: CapacityPlan, most: int | None = None) -> Paragraph:
    """Return the rate that the fleet holds to, and what breaks first beyond it, in at most so many characters."""
    breaks = plan.answer.breaks_first.strip().rstrip(".")
    breaks = shortened(breaks.split(" (")[0], most) if most else breaks
    target = breaks.split(" ")[0] in ("TTFT", "ITL", "E2E")
    then = (f", then {breaks} breaks first" if target else f", limited by {breaks}") if breaks else ""
    shown = show_rate(plan.answer.holds_to_requests_per_s)
    return Paragraph(f"Holds to {shown}{then}{_given_beyond(plan)}.", path="answer.holds_to_requests_per_s")


def _given_beyond(plan: CapacityPlan) -> str:
    """Return what all accelerators that were given would hold, where the plan takes fewer."""
    given, each = plan.spec.hardware.accelerator_count or 0, plan.chosen.accelerators_per_replica
    replicas = given // each - plan.fleet.spares
    if replicas <= plan.fleet.working_replicas:
        return ""
    whole = show_rate(plan.answer.holds_to_requests_per_s * replicas / plan.fleet.working_replicas)
    return f"; all {show_count(given)} {accelerators_noun(plan.chosen)} that were given would hold to {whole}"
