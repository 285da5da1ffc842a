"""What a kind of traffic answers to one question, and on what it rests."""

from collections.abc import Mapping
from typing import Any

from agent.fields.demand import PRESET
from agent.statements.merged import preset_statement
from agent.talk.answer_display import value_shown
from agent.talk.slots import SLOTS, Slot
from catalogs.catalog import Catalog
from catalogs.records.presets import WorkloadPreset
from engine.workload import Statement

USUAL = "chat"
"""Where nobody said what the traffic is."""


def preset_values(preset: WorkloadPreset, slot: Slot) -> dict[str, Any]:
    """Return what a preset answers to one question; empty where it says nothing."""
    everything = preset_statement(preset).values
    return {path: everything[path] for path in slot.paths if path in everything}


def stated(preset: WorkloadPreset, values: dict[str, Any]) -> Statement:
    """Return values of a preset as a statement that names it."""
    return Statement("preset", values, dict.fromkeys(values, preset.id))


def filled_in(path: str, value: Any, catalog: Catalog, stated: Mapping[str, Any]) -> str:
    """Return what a kind of traffic fills in, as its own and never as said; nothing for any other value.

    Args:
        stated: values by path that are given, which win over the preset's.
    """
    if path != PRESET:
        return ""
    values = preset_statement(catalog.preset(str(value))).values
    firsts = [(slot.id, slot.path) for slot in SLOTS if slot.path in values and slot.path not in stated]
    return f" (which fills in {', '.join(f'{name} {value_shown(path, values[path])}' for name, path in firsts)})"
