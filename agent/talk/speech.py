"""What a step says: words, results, and the effects that it leaves to the loop."""

from collections.abc import Mapping
from typing import TypeAlias

from msgspec import Struct

from agent.report.blocks import Block, Paragraph, Report


class Talk(Struct, frozen=True):
    """Words of the conversation."""

    blocks: tuple[Block, ...]


class Data(Struct, frozen=True):
    """A result: what goes to standard output even where that is a pipe."""

    report: Report


class Write(Struct, frozen=True):
    """Files to write: an effect, left to the loop."""

    path: str
    """Of the file, or of the folder that several go into."""
    files: Mapping[str, str | bytes]
    """By name, as a format makes them."""
    overwrite: bool
    what: str
    """'the plan', for the sentence that reports it."""


class Resume(Struct, frozen=True):
    """The session before this one is wanted: an effect, left to the loop."""


Spoken: TypeAlias = Talk | Data
Say: TypeAlias = Talk | Data | Write | Resume


def said(text: str) -> Talk:
    """Return a sentence of the conversation."""
    return Talk((Paragraph(text),))


def warned(text: str, lead: str = "") -> Talk:
    """Return a sentence that must not be missed."""
    return Talk((Paragraph(text, "warning", lead),))
