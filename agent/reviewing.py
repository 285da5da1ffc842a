"""The review: every value with its source, what cannot work said before the run, and the step to a plan."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from agent.answers import answer_shown, value_shown
from agent.report.blocks import Block, Bullets, Cell, Column, Group, Paragraph, Report, Table, Words
from agent.report.words import precision_shown, source_shown
from agent.slots import SLOTS, Slot, default_of, slot_of
from agent.speech import Data, Say, Talk, warned
from agent.state import Branch, Ports, State, Step
from agent.statements import collected
from agent.suggestions import suggestions
from catalogs.errors import InputError
from engine.plan import CapacityPlan
from engine.workload import Source

if TYPE_CHECKING:
    from engine.infeasible import NoPlan  # numpy comes with it

ANYTHING_ELSE = "Anything to add or change? Enter plans with these."
MOST_REASONS = 4


def review(state: State, ports: Ports) -> tuple[Say, ...]:
    """Return what is known, where from, and what cannot work."""
    values, sources = state.values, state.sources
    rows = [row for slot in SLOTS for row in _rows(slot, values, sources, ports)]
    for path, value in values.items():
        if slot_of(path) is None and value not in (None, ()):
            rows.append((path.rpartition(".")[2].replace("_", " "), value_shown(path, value), _from(path, sources)))
    columns = (Column(""), Column("", spoken="bare"), Column("", wraps=True, spoken="bare"))
    blocks: list[Block] = [Table(columns, tuple(rows))]
    warnings = forewarnings(state, ports)
    if warnings:
        blocks.append(Group(tuple(Paragraph(text, "warning", "Before you run it") for text in warnings)))
    return (Talk(tuple(blocks)),)


def forewarnings(state: State, ports: Ports) -> tuple[str, ...]:
    """Return what cannot work, before it is run."""
    try:
        return ports.forewarn(collected(state.statements, ports.catalog).completed().spec)
    except InputError as error:
        return (str(error),)


def planned(state: State, ports: Ports) -> Step:
    """Return the state with a plan of what is known; the same state where the engine refuses the question."""
    try:
        stated = collected(state.statements, ports.catalog).completed()
        plan = ports.plan(stated.spec, stated.sources)
    except InputError as error:
        return state, (warned(f"That cannot be planned: {error}."),)
    number = len(state.branches)
    label = _changed(state.values, state.base.values) if number else "the plan"
    branch = Branch(number, label, state.kept if number else 0, state.statements, state.settled, plan, stated.spec)
    new = replace(state, phase="planned", branches=(*state.branches, branch), kept=number, editing=None, pending=None)
    return new, (*plan_says(branch), suggestions(branch))


def _changed(now: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """Return what an edit after a plan changed."""
    paths = [path for path in dict.fromkeys((*before, *now)) if now.get(path) != before.get(path)]
    shown = [value_shown(path, now[path]) if now.get(path) else f"{path} as by default" for path in paths]
    return ", ".join(shown) or "the same again"


def plan_says(branch: Branch) -> tuple[Say, ...]:
    """Return a plan as its screenful; where there is none, why, and what would have to give."""
    from agent.report.model import screenful  # noqa: PLC0415 — only a plan needs its report

    if isinstance(branch.plan, CapacityPlan):
        return (Data(screenful(branch.plan)),)
    return (Data(no_plan_report(branch.plan)),)


def no_plan_report(plan: "NoPlan") -> Report:
    """Return why there is no plan, and what would work."""
    reasons = tuple(f"{one.what}: {one.reason}" for one in plan.rejected[:MOST_REASONS])
    changes = tuple(dict.fromkeys(change for one in plan.rejected for change in one.relaxations))[:MOST_REASONS]
    blocks: list[Block] = [Paragraph(f"{plan.sentence.rstrip('.')}.", "bad")]
    if len(plan.rejected) > 1 and reasons:
        blocks.append(Bullets(reasons, "Why:"))
    if changes:
        blocks.append(Bullets(changes, "What would work:"))
    return Report(tuple(blocks))


def _rows(
    slot: Slot, values: Mapping[str, Any], sources: Mapping[str, Source], ports: Ports
) -> tuple[tuple[Cell, ...], ...]:
    shown = answer_shown(slot, values)
    stated = [path for path in slot.paths if path in sources and values.get(path) not in (None, ())]
    if shown:
        origins = tuple(dict.fromkeys(_from(path, sources) for path in stated))
        return ((slot.id, shown, "; ".join(origins)),)
    default = default_of(slot, values)
    if slot.id == "precision":
        default = _own_precision(values, ports) or default
    reason = f": {slot.default_reason}" if slot.default_reason else ""
    return ((slot.id, default or "?", Words(f"default{reason}" if default else "still open", "quiet")),)


def _own_precision(values: Mapping[str, Any], ports: Ports) -> str:
    try:
        if "architecture" in values:
            return precision_shown(values["architecture"].native_precision)
        return precision_shown(ports.catalog.model(ports.model(str(values["model"])).name).precision)
    except (InputError, KeyError):
        return ""


def _from(path: str, sources: Mapping[str, Source]) -> str:
    return source_shown(sources.get(path))
