"""The questions, in the order of questions.toml; which fields each fills stands in the table of fields."""

from collections.abc import Mapping
from pathlib import Path
from tomllib import loads
from typing import Any, Final

from msgspec import Struct, convert

from agent.fields.table import FIELDS
from agent.report.blocks import Group, Paragraph
from agent.talk.speech import Talk

Values = Mapping[str, Any]


class Slot(Struct, frozen=True, forbid_unknown_fields=True):
    """One question."""

    id: str
    """Also its name in ``edit`` and ``why``."""
    names: tuple[str, ...]
    """Other words for it."""
    ask: str
    why: str
    """What the answer changes, and by how much."""
    example: str
    enter: str = ""
    """What Enter does, where the question is asked and has a default."""
    default: str = ""
    """What stands without an answer; empty where one is needed."""
    default_reason: str = ""
    offered: bool = False
    """Not asked: its default is offered in the review."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The fields that it fills; the first is the one that a bare answer means."""
        return _PATHS[self.id]

    @property
    def path(self) -> str:
        """The field that a bare answer means."""
        return self.paths[0]


_QUESTIONS: Final = Path(__file__).with_name("questions.toml").read_text(encoding="utf-8")
SLOTS: Final = convert(loads(_QUESTIONS)["question"], tuple[Slot, ...])
_PATHS: Final = {slot.id: tuple(field.path for field in FIELDS.values() if field.slot == slot.id) for slot in SLOTS}
BY_ID: Final = {slot.id: slot for slot in SLOTS}
ASKED: Final = tuple(slot for slot in SLOTS if not slot.offered)
OFFERED: Final = tuple(slot for slot in SLOTS if slot.offered)


def slot_called(name: str) -> Slot | None:
    """Return the slot that a word means, or that a path belongs to."""
    said = " ".join(name.lower().split()).removeprefix("the ").removeprefix("my ")
    named = (slot for slot in SLOTS if said in {slot.id, *slot.names} or said.removesuffix("s") == slot.id)
    return next(named, None) or slot_of(said)


def slot_of(path: str) -> Slot | None:
    """Return the slot that a path belongs to."""
    field = FIELDS.get(path)
    return BY_ID.get(field.slot) if field else None


def is_answered(slot: Slot, values: Values) -> bool:
    """Return whether the values answer a question."""
    return any(values.get(path) not in (None, ()) for path in slot.paths if FIELDS[path].answers)


def default_of(slot: Slot, values: Values) -> str:
    """Return what stands without an answer; empty where one is needed."""
    from engine.workload import FLEET  # the first prompt does not wait for the engine

    if slot.id == "traffic" and any(values.get(path) for path in FLEET):
        return "the largest rate that this fleet holds"
    return slot.default


def asking(slot: Slot, values: Values, now: str = "") -> Talk:
    """Return the question with its example.

    Args:
        now: the answer that stands, where it is asked again.
    """
    enter = slot.enter
    if slot.id == "traffic" and default_of(slot, values):
        enter = f"Enter asks for {default_of(slot, values)}."
    if now:
        enter = f"Now: {now}. Enter keeps it."
    text = f"{slot.ask} {enter}".rstrip()
    return Talk((Group((Paragraph(text), Paragraph(f"For example: {slot.example}.", "quiet"))),))
