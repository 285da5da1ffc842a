"""Help for someone who does not know: something to accept, and on what it rests."""

from typing import Any

from agent.talk.answer_display import value_shown
from agent.talk.presets import USUAL, preset_values, stated
from agent.talk.slots import Slot, default_of
from agent.talk.state import Ports, Propose, State
from catalogs.errors import InputError
from catalogs.records.presets import WorkloadPreset
from catalogs.units import show_count, show_seconds
from engine.workload import Statement

WORDS_PER_TOKEN = 0.75
"""English prose with today's tokenizers."""
START_RATE = 1.0
"""Requests/s for a start."""
START_SIZE = 70.0
"""Billions of parameters for a start."""


def proposal(slot: Slot, state: State, ports: Ports) -> Propose:
    """Return what to propose for a question."""
    preset = nearest_preset(state, ports)
    values = preset_values(preset, slot) if preset else {}
    if preset and values:
        return Propose(slot.id, stated(preset, values), _from_preset(slot, preset, values, ports))
    default = default_of(slot, state.values)
    if default:
        reason = f": {slot.default_reason}" if slot.default_reason and default == slot.default else ""
        return Propose(slot.id, Statement("default", {}), f"Then I take the default, {default}{reason}.")
    if slot.id == "traffic":
        return Propose(slot.id, Statement("default", {slot.path: START_RATE}), _traffic_text())
    return _model(slot, ports)


def nearest_preset(state: State, ports: Ports) -> WorkloadPreset | None:
    """Return the kind of traffic that was said, else chat."""
    said = [
        detail for statement in state.statements if statement.kind == "preset" for detail in statement.details.values()
    ]
    return ports.catalog.presets.get(said[0] if said else USUAL)


def _from_preset(slot: Slot, preset: WorkloadPreset, values: dict[str, Any], ports: Ports) -> str:
    path, value = next(iter(values.items()))
    source = preset.short_source
    name = preset.name
    match slot.id:
        case "prompt" | "answer":
            field, article = ("input", "a") if slot.id == "prompt" else ("output", "an")
            others = [other for other in ports.catalog.presets.values() if other.id != preset.id][:4]
            kinds = ", ".join(f"{other.id} {show_count(getattr(other, field).mean)}" for other in others)
            length = f"{show_count(value)} tokens, about {show_count(_words(value))} words"
            return (
                f"{name}: {article} {slot.id} averages {length} ({source}). Other kinds: {kinds}; name one to take it. "
                "Or count words or pages: a page is about 500 words."
            )
        case "targets":
            usual = value_shown(path, value)
            how = preset.evidence.get("targets", "judgement")
            return f"Usual for {name.lower()}: {usual} (by {how}). A reader notices about {show_seconds(1.0)} of TTFT."
        case _:
            how = preset.evidence.get(path.rpartition(".")[2], "measured")
            return f"{name}: {value_shown(path, value)} ({how}; {source})."


def _words(tokens: float) -> float:
    return float(f"{tokens * WORDS_PER_TOKEN:.2g}")


def _traffic_text() -> str:
    a_day = START_RATE * 86_400
    asks = 20
    return (
        "Count people instead: how many use it, and how often does each ask? For example '2,000 users, 3 questions an "
        f"hour each'. Or take {START_RATE:g} request/s for a start: {show_count(a_day)} a day, as many as "
        f"{show_count(a_day / asks)} people who ask {asks} times a day."
    )


def _model(slot: Slot, ports: Ports) -> Propose:
    try:
        model = ports.catalog.model_of_size(START_SIZE)
    except InputError:  # a catalog of one's own may hold few models
        model = next(iter(ports.catalog.models.values()))
    text = (
        f"Take {model.name} for a start: the best known of its size in the catalog, and the forecast rests on many "
        "measurements of that size. An 8B takes about a ninth of the work: say '8B' for one."
    )
    return Propose(slot.id, Statement("default", {slot.path: model.id}), text)
