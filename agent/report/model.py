"""From a plan to its report: the screenful that opens it, and all of it. No renderer is known here."""

from msgspec import Struct

from agent.fields.shown import term_shown
from agent.report.bands import fleet_sentence, outside_sentence
from agent.report.bill_section import bill
from agent.report.blocks import Block, Bullets, Cell, Column, Command, Group, Heading, Paragraph, Report, Table, Words
from agent.report.layout import height
from agent.report.replay_section import replay_sentence
from agent.report.sections import sections
from agent.report.words import (
    accelerators_noun,
    assumption_shown,
    billed_shown,
    budget_shown,
    joined,
    metric_shown,
    sentence,
    shortened,
    start_lead,
    unknown_bill,
    usd_shown,
    verdict_shown,
)
from catalogs.units import show_count, show_rate, show_seconds, show_usd
from engine.plan import CapacityPlan, Latency, Rejection, TargetResult
from engine.plan_file import as_written

MOST_LINES = 25
AT_COLUMNS = 80
SHOWN_ASSUMPTIONS = 3
SHOWN_CHANGES = 4
SHOWN_MISSED = 4
"""Names in a sentence; the table has them all."""


class _Room(Struct, frozen=True):
    """How much a screenful may say; the full report says all of it."""

    answer: int = 300
    """Characters; so are the four below."""
    warning: int = 600
    assumption: int = 240
    bill: int = 400
    command: int = 1000
    targets: int = 12
    """Rows."""
    shown: int = SHOWN_ASSUMPTIONS
    """Assumptions."""
    command_lead: bool = True
    bands: bool = True
    """Whether it says what the fleet would be if the forecast is off."""
    replay: bool = True
    """Whether it says what came of the replay."""
    blanks: int = 3
    """Blank lines: after the opening, the targets, the assumptions and the bill, in this order of worth."""


_ROOMS = (
    _Room(blanks=4),
    _Room(blanks=4, command_lead=False),
    _Room(blanks=4, command_lead=False, warning=220, assumption=150),
    _Room(blanks=3, command_lead=False, warning=220, assumption=150),
    _Room(blanks=3, command_lead=False, warning=150, assumption=76, targets=6, bill=150),
    _Room(blanks=2, command_lead=False, answer=150, warning=150, assumption=76, targets=4, bill=76, command=380),
    _Room(blanks=0, command_lead=False, answer=150, warning=150, assumption=76, targets=3, bill=76, command=380),
    _Room(blanks=0, answer=150, warning=150, assumption=76, targets=3, bill=76, command=380, replay=False),
    _Room(blanks=0, answer=150, warning=150, assumption=76, shown=1, targets=3, bill=76, command=380, replay=False),
    _Room(blanks=0, answer=150, warning=150, assumption=76, shown=1, targets=3, bill=76, command=150, replay=False),
    _Room(blanks=0, answer=150, warning=150, assumption=76, targets=3, bill=76, command=150, bands=False, replay=False),
)
"""From roomy to tight: the first that fits is taken."""


def plan_report(plan: CapacityPlan, *, full: bool = False, cost: bool = False) -> Report:
    """Return a plan's screenful, with the bill in full where ``cost`` asks for it, or the whole report."""
    if full:
        return whole_report(plan)
    report = screenful(plan)
    return Report((*report.blocks, Heading("The bill"), *bill(plan))) if cost else report


def screenful(plan: CapacityPlan) -> Report:
    """Return what one screen must say: at most 25 lines at 80 columns, however long the plan's sentences are."""
    plan = as_written(plan)
    for room in _ROOMS:
        report = _screen(plan, room)
        if height(report, AT_COLUMNS) <= MOST_LINES:
            break
    return report


def whole_report(plan: CapacityPlan) -> Report:
    """Return the whole report: the opening with every warning, then each part of the plan."""
    plan = as_written(plan)
    warnings = tuple(Paragraph(text, "warning", "Warning") for text in plan.warnings)
    opening = (
        Group((*_answer(plan, len(plan.answer.sentence)), *warnings)),
        _latencies(plan),
        _fleet(plan),
        _holds(plan),
    )
    return Report((*opening, *sections(plan)))


def _screen(plan: CapacityPlan, room: _Room) -> Report:
    opening = (*_answer(plan, room.answer), *_first_warning(plan, room.warning))
    sure = _sure(plan) if room.bands else ()
    replay = _replay(plan) if room.replay else ()
    bill: tuple[Block, ...] = (_fleet(plan), *sure, *_bill(plan, room.bill), *replay, _holds(plan, room.answer))
    return Report(
        _spaced(
            [opening, (_latencies(plan, room.targets),), bill, _assumed(plan, room), _command(plan, room)],
            [room.blanks > 0, room.blanks > 1, room.blanks > 3, room.blanks > 2],
        )
    )


def _spaced(groups: list[tuple[Block, ...]], blanks: list[bool]) -> tuple[Block, ...]:
    """Return the groups, those without a blank line between them as one."""
    spaced = [groups[0]]
    for group, blank in zip(groups[1:], blanks, strict=True):
        if blank and group:
            spaced.append(group)
        else:
            spaced[-1] += group
    return tuple(Group(group) for group in spaced)


def _assumed(plan: CapacityPlan, room: _Room) -> tuple[Block, ...]:
    changes = tuple(change for item in misses(plan) for change in item.relaxations)[:SHOWN_CHANGES]
    if changes:  # who cannot have what was asked needs a way out before anything else
        return (Bullets(tuple(shortened(change, room.assumption) for change in changes), "What would have to give:"),)
    # Those whose effect was computed move the count; the sort keeps the plan's order among them.
    weightiest = sorted(plan.assumptions, key=lambda item: not item.effect)[: room.shown]
    lead = "Assumed, and what it moves:" if any(item.effect for item in weightiest) else "Assumed:"
    items = tuple(assumption_shown(item, room.assumption) for item in weightiest)
    return (Bullets(items, lead),) if items else ()


def misses(plan: CapacityPlan) -> tuple[Rejection, ...]:
    """Return why a plan falls short of what was asked: a target below its floor, a fleet too small."""
    if plan.answer.meets_targets:
        return ()
    return tuple(item for item in plan.rejected if item.unit in ("s", "accelerators") and item.relaxations)


def _command(plan: CapacityPlan, room: _Room) -> tuple[Block, ...]:
    if not plan.chosen.flags:
        return ()
    if len(plan.chosen.flags) > room.command:
        return (_in_full("How to start a replica"),)
    lead = start_lead(plan.chosen) if room.command_lead or plan.chosen.needs else ""
    return (Command(plan.chosen.flags, lead),)


def _in_full(what: str) -> Paragraph:
    return Paragraph(f"{what} is in the full report.", "quiet")


def _answer(plan: CapacityPlan, most: int) -> tuple[Paragraph, ...]:
    missed = [metric_shown(item.metric, item.percentile) for item in plan.targets if not item.met]
    answer = Paragraph(sentence(shortened(plan.answer.sentence, most)), "strong")
    if missed:
        more = f" and {len(missed) - SHOWN_MISSED} more" if len(missed) > SHOWN_MISSED else ""
        names = f"{', '.join(missed[:SHOWN_MISSED])}{more}"
        of_them = "the target" if len(plan.targets) == 1 else f"{len(missed)} of {len(plan.targets)} targets"
        return answer, Paragraph(f"Misses {of_them}: {names}.", "bad")
    if not plan.answer.meets_targets:
        return answer, Paragraph("This does not meet what was asked.", "bad")
    if not plan.targets:
        return (answer,)
    all_of = "the target" if len(plan.targets) == 1 else f"all {len(plan.targets)} targets"
    return answer, Paragraph(f"Meets {all_of} at the peak hour.", "good")


def _first_warning(plan: CapacityPlan, most: int) -> tuple[Paragraph, ...]:
    if not plan.warnings:
        return ()
    first, *others = plan.warnings
    more = f" ({show_count(len(others))} more in the full report)" if others else ""
    return (Paragraph(f"{sentence(shortened(first, most - len(more)))}{more}", "warning", "Warning"),)


def _latencies(plan: CapacityPlan, most: int | None = None) -> Block:
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
    table = Table(columns, tuple(_target_row(item) for item in shown))
    left = len(plan.targets) - len(shown)
    return Group((table, _in_full(f"The rest of the {len(plan.targets)} targets"))) if left else table


def _target_row(item: TargetResult) -> tuple[Cell, ...]:
    verdict = Words(verdict_shown(item), "good" if item.met else "bad")
    label = metric_shown(item.metric, item.percentile)
    return label, show_seconds(item.forecast_s), show_seconds(item.target_s), verdict


def _latencies_without_targets(plan: CapacityPlan) -> Group:
    peak = plan.performance.at_peak
    columns = (Column("at peak"), *(Column(name, "right") for name in ("mean", "p95", "p99")))

    def row(label: str, latency: Latency) -> tuple[Cell, ...]:
        return label, show_seconds(latency.mean), show_seconds(latency.p95), show_seconds(latency.p99)

    rows = (row("TTFT", peak.ttft_s), row("ITL", peak.itl_s), row("E2E", peak.e2e_s))
    return Group((Table(columns, rows), Paragraph("No target was given.", "quiet")))


def _fleet(plan: CapacityPlan) -> Table:
    fleet, cost = plan.fleet, plan.cost
    columns = (
        Column("fleet"),
        Column("replicas", "right"),
        Column(accelerators_noun(plan.chosen), "right"),
        Column("monthly", "right"),
    )
    per_replica = plan.chosen.accelerators_per_replica
    spares = sum(line.replicas for line in fleet.ledger if line.reason == "spares")
    low, high = fleet.minimum_replicas, max(fleet.minimum_replicas, fleet.replicas + spares)
    if plan.replay is not None:
        low, high = plan.replay.minimum_replicas, plan.replay.maximum_replicas
    rows: tuple[tuple[Cell, ...], ...] = (
        ("today", show_count(fleet.replicas), show_count(fleet.accelerators), usd_shown(cost.monthly_usd)),
        (
            "autoscaled",
            _span(low, high),
            _span(low * per_replica, high * per_replica),
            usd_shown(cost.autoscaled_monthly_usd),
        ),
        (
            "maximum",
            show_count(fleet.maximum_replicas),
            show_count(fleet.maximum_accelerators),
            usd_shown(cost.maximum_monthly_usd),
        ),
    )
    return Table(columns, rows)


def _sure(plan: CapacityPlan) -> tuple[Paragraph, ...]:
    said = fleet_sentence(plan)
    if not said:
        return ()
    outside = outside_sentence(plan) if plan.bands and plan.bands.note not in plan.warnings[:1] else ""
    return (Paragraph(sentence(said)), *((Paragraph(outside, "warning"),) if outside else ()))


def _span(low: int, high: int) -> str:
    return f"{show_count(low)}–{show_count(high)}" if low < high else show_count(high)


def _bill(plan: CapacityPlan, most: int) -> tuple[Paragraph, ...]:
    cost, offer = plan.cost, plan.chosen.offer
    if cost.monthly_usd is None:
        text = unknown_bill(cost)
    elif offer is None:
        text = sentence(joined(cost.note, budget_shown(cost)))
    else:
        where = " ".join(part for part in (offer.provider, offer.region, offer.instance) if part)
        price = f"{show_usd(offer.usd_per_hour)} an hour {term_shown(offer.term)}, price of {offer.checked}"
        text = sentence(joined(f"{where}: {price}", billed_shown(plan), budget_shown(cost)))
    if not text:
        return ()
    return (Paragraph(shortened(text, most), "bad" if cost.within_budget is False else "quiet"),)


def _replay(plan: CapacityPlan) -> tuple[Paragraph, ...]:
    text = replay_sentence(plan)
    return (Paragraph(text),) if text else ()


def _holds(plan: CapacityPlan, most: int | None = None) -> Paragraph:
    breaks = plan.answer.breaks_first.strip().rstrip(".")
    breaks = shortened(breaks, most) if most else breaks
    target = breaks.split(" ")[0] in ("TTFT", "ITL", "E2E")
    then = (f", then {breaks} breaks first" if target else f", limited by {breaks}") if breaks else ""
    return Paragraph(f"Holds to {show_rate(plan.answer.holds_to_requests_per_s)}{then}.")
