"""What a step says: words, results, and the effects that it leaves to the loop."""

from dataclasses import dataclass
from typing import TypeAlias

from agent.report.blocks import Block, Paragraph, Report


@dataclass(frozen=True, slots=True)
class Talk:
    """Words of the conversation."""

    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Data:
    """A result: what goes to standard output even where that is a pipe."""

    report: Report


@dataclass(frozen=True, slots=True)
class Write:
    """A file to write: an effect, left to the loop."""

    path: str
    text: str
    overwrite: bool
    what: str
    """'the plan', for the sentence that reports it."""


@dataclass(frozen=True, slots=True)
class Resume:
    """The session before this one is wanted: an effect, left to the loop."""


Spoken: TypeAlias = Talk | Data
Say: TypeAlias = Talk | Data | Write | Resume


def said(text: str) -> Talk:
    """Return a sentence of the conversation."""
    return Talk((Paragraph(text),))


def warned(text: str, lead: str = "") -> Talk:
    """Return a sentence that must not be missed."""
    return Talk((Paragraph(text, "warning", lead),))
