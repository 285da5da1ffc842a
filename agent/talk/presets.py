"""What a kind of traffic answers to one question, and on what it rests."""

from typing import Any

from agent.statements.merged import preset_statement
from agent.talk.slots import Slot
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
