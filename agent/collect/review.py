"""The review: every value with its source, what cannot work said before the run, and the step to a plan."""

from collections.abc import Mapping
from typing import Any

from agent.fields.table import FIELDS
from agent.fields.value_display import precision_shown
from agent.report.blocks import Block, Cell, Column, Group, Paragraph, Table, Words
from agent.report.words import source_shown
from agent.statements.merged import collected
from agent.talk.answer_display import answer_shown, value_shown
from agent.talk.slots import SLOTS, Slot, default_of, slot_of
from agent.talk.speech import Say, Talk
from agent.talk.state import Ports, State
from catalogs.errors import InputError
from engine.workload import Source

ANYTHING_ELSE = "Anything to add or change? Enter plans with these."


def review(state: State, ports: Ports) -> tuple[Say, ...]:
    """Return what is known, where from, and what cannot work."""
    values, sources = state.values, state.sources
    rows = [row for slot in SLOTS for row in _rows(slot, values, sources, ports)]
    for path, value in values.items():
        if slot_of(path) is None and path in FIELDS and value not in (None, ()):
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
