"""The screenful of a plan: what fits 25 lines of 80 columns, however long the sentences of the plan are."""

import re
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from agent.fields.value_display import term_shown
from agent.report.blocks import Block, Bullets, Command, Group, Paragraph, Report
from agent.report.plan.bands import fleet_sentence, outside_sentence
from agent.report.plan.opening import (
    answer_lines,
    burst_sentence,
    fleet_table,
    in_full_report,
    latency_table,
    limit_sentence,
    outage_sentence,
    surge_sentence,
)
from agent.report.plan.replay_section import replay_sentence
from agent.report.rendering.layout import height
from agent.report.words import (
    assumption_shown,
    billed_shown,
    budget_shown,
    joined,
    sentence,
    shortened,
    start_lead,
    unknown_bill,
)
from catalogs.units import show_count, show_usd
from engine.plan import CapacityPlan, Rejection
from engine.plan_file import as_written

MOST_LINES = 25
AT_COLUMNS = 80
SHOWN_ASSUMPTIONS = 2
SHOWN_CHANGES = 4


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
    """Assumptions, the others in one line."""
    others: bool = True
    """Whether it names the other assumptions."""
    command_lead: bool = False
    bands: bool = True
    """Whether it says what the fleet would be if the forecast is off."""
    replay: bool = True
    """Whether it says what came of the replay."""
    outage: bool = True
    """Whether it says what the loss of a replica does."""
    blanks: bool = True
    """A blank line between parts."""


_TIGHT: Final = _Room(blanks=False, answer=150, warning=150, assumption=76, targets=3, bill=76, command=380)

_ROOMS = (
    _Room(command_lead=True),
    _Room(),
    _Room(warning=220, assumption=150),
    _Room(warning=150, assumption=76, bill=150, targets=6),
    _Room(warning=150, assumption=76, bill=150, targets=6, shown=1),
    _Room(blanks=False, warning=220, assumption=150),
    _Room(blanks=False, answer=150, warning=150, assumption=76, targets=4, bill=76, command=380),
    _TIGHT,
    replace(_TIGHT, others=False),
    replace(_TIGHT, others=False, replay=False),
    replace(_TIGHT, others=False, replay=False, shown=1),
    replace(_TIGHT, others=False, replay=False, shown=1, command=150),
    replace(_TIGHT, others=False, replay=False, shown=2, command=150, bands=False, outage=False),
)
"""From roomy to tight: the first that fits is taken. Parts are all set apart, or none is."""


def screenful(plan: CapacityPlan) -> Report:
    """Return what one screen must say: at most 25 lines at 80 columns, however long the plan's sentences are."""
    plan = as_written(plan)
    for room in _ROOMS:
        report = _screen(plan, room)
        if height(report, AT_COLUMNS) <= MOST_LINES:
            break
    return report


def _screen(plan: CapacityPlan, room: _Room) -> Report:
    opening = (*answer_lines(plan, room.answer), *_first_warning(plan, room.warning))
    sure = _sure(plan) if room.bands else ()
    replay = (Paragraph(said),) if room.replay and (said := replay_sentence(plan)) else ()
    bill: tuple[Block, ...] = (
        fleet_table(plan, whole=False),
        *burst_sentence(plan),
        *sure,
        *_bill(plan, room.bill),
        *replay,
        limit_sentence(plan, room.answer),
        *(outage_sentence(plan) if room.outage else ()),
        *surge_sentence(plan),
    )
    parts = [opening, (latency_table(plan, room.targets),), bill, _assumed(plan, room), _command(plan, room)]
    groups = tuple(Group(part) for part in parts if part)
    return Report(groups if room.blanks else (Group(groups),))


def _assumed(plan: CapacityPlan, room: _Room) -> tuple[Block, ...]:
    changes = tuple(change for item in misses(plan) for change in item.relaxations)[:SHOWN_CHANGES]
    if changes:  # who cannot have what was asked needs a way out before anything else
        return (Bullets(tuple(shortened(change, room.assumption) for change in changes), "What would have to give:"),)
    moving = [item for item in plan.assumptions if item.moves_plan]
    others = [item.text for item in plan.assumptions if not item.moves_plan or item in moving[room.shown :]]
    items = tuple(assumption_shown(item, room.assumption) for item in moving[: room.shown])
    if others and room.others:
        items += (_named("also", others, AT_COLUMNS - 2),)
    if not moving:
        return (Paragraph(_named("Assumed", others, 2 * AT_COLUMNS)),) if others and room.others else ()
    return (Bullets(items, "Assumed, and what it moves:"),)


def _named(lead: str, texts: list[str], most: int) -> str:
    """Return the first of the texts, without what explains it, and how many more there are.

    Args:
        lead: the word before.
        texts: of which the first is shown.
        most: characters.
    """
    first = re.split(r" \(|, |; ", texts[0])[0]
    return shortened(f"{lead}: {first}{f', and {len(texts) - 1} more' if len(texts) > 1 else ''}.", most)


def misses(plan: CapacityPlan) -> tuple[Rejection, ...]:
    """Return why a plan falls short of what was asked: a target below its floor, a fleet too small."""
    if plan.answer.meets_targets:
        return ()
    limits = ("s", "accelerators", "nodes", "replicas", "kW")
    return tuple(item for item in plan.rejected if item.unit in limits and item.relaxations)


def _command(plan: CapacityPlan, room: _Room) -> tuple[Block, ...]:
    if not plan.chosen.command:
        return ()
    if len(plan.chosen.command) > room.command:
        return (in_full_report("How to start a replica"),)
    lead = start_lead(plan.chosen) if room.command_lead or plan.chosen.needs else ""
    return (Command(plan.chosen.command, lead),)


def _first_warning(plan: CapacityPlan, most: int) -> tuple[Paragraph, ...]:
    if not plan.warnings:
        return ()
    first, *others = plan.warnings
    more = f" ({show_count(len(others))} more in the full report)" if others else ""
    return (Paragraph(f"{sentence(shortened(first, most - len(more)))}{more}", "warning", "Warning"),)


def _sure(plan: CapacityPlan) -> tuple[Paragraph, ...]:
    if not (said := fleet_sentence(plan)):
        return ()
    outside = outside_sentence(plan) if plan.bands and plan.bands.note not in plan.warnings[:1] else ""
    return (Paragraph(sentence(said)), *((Paragraph(outside, "warning"),) if outside else ()))


def _bill(plan: CapacityPlan, most: int) -> tuple[Paragraph, ...]:
    cost, offer = plan.cost, plan.chosen.offer
    if cost.monthly_usd is None:
        text = unknown_bill(cost)
    elif offer is None:
        text = sentence(joined(cost.note, budget_shown(cost)))
    else:
        where = " ".join(part for part in (offer.provider, offer.region, offer.instance) if part)
        each = f" for {show_count(offer.accelerators)}," if offer.accelerators > 1 else ""
        hourly, rest = show_usd(offer.usd_per_hour), (billed_shown(plan), budget_shown(cost))
        whole, brief = (f"{where}: {hourly} an hour{of} {term_shown(offer.term)}" for of in (each, ""))
        dated = joined(whole, offer.checked and f"price of {offer.checked}", *rest)
        ways = [sentence(one) for one in (dated, joined(whole, *rest), joined(brief, *rest))]
        text = next((one for one in ways if len(one) <= most), ways[-1])
    if not text:
        return ()
    place = plan.sources.get("money.region")
    stands_in = (Paragraph(sentence(place.detail)),) if place is not None and place.kind == "derived" else ()
    return (Paragraph(shortened(text, most), "bad" if cost.within_budget is False else "quiet"), *stands_in)
