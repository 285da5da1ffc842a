"""How an answer is shown: each value with its unit and, where it is not plain, what it is."""

from typing import Any, Final

from agent.fields.demand import HABIT, USERS
from agent.fields.table import FIELDS
from agent.fields.value_display import names_shown
from agent.report.words import singular
from agent.talk.slots import Slot, Values
from catalogs.units import show_count, show_figure, show_seconds

MOST_LISTED: Final = 6
"""Names in a list; the rest is counted: 'NVIDIA only' names fifty."""


def answer_shown(slot: Slot, values: Values) -> str:
    """Return what the values say about a slot, for a person; empty where nothing."""
    parts = (value_shown(path, values[path]) for path in slot.paths if values.get(path) not in (None, ()))
    return ", ".join(part for part in parts if part)


def value_shown(path: str, value: Any) -> str:
    """Return one value with its unit and, where it is not plain, what it is."""
    if path == USERS:
        return f"{show_count(value)} users"
    if path not in FIELDS:
        return f"{show_figure(value)} requests/s each" if path == HABIT else str(value)
    return _shown(path, value, FIELDS[path].answer)


def variant_shown(path: str, value: Any) -> str:
    """Return what a variant is called that sets one value: 'prompts of 500 tokens', 'on H100'."""
    if path not in FIELDS:
        return value_shown(path, value)
    if path == "hardware.accelerators" and not value:
        return "any accelerator"
    return _shown(path, value, FIELDS[path].what_if or FIELDS[path].answer)


def _shown(path: str, value: Any, pattern: str) -> str:
    if path == "targets":
        return ", ".join(f"{target.name} within {show_seconds(target.seconds)}" for target in value)
    if path == "architecture":
        return "dimensions from its config"
    show = FIELDS[path].show
    shown = names_shown(value, MOST_LISTED) if show is names_shown else show(value)
    return singular(pattern.format(shown)) if pattern else f"{path.rpartition('.')[2].replace('_', ' ')} {shown}"
