"""Three models for a purpose, each with its reason: for someone who names no model."""

import re
import tomllib
from datetime import date
from functools import cache
from pathlib import Path

from msgspec import Struct, convert

from agent.interpret.facts.reading import Ambiguity, Choice
from catalogs.catalog import Catalog


class ProposedModel(Struct, frozen=True):
    """A model of the catalog, and why."""

    id: str
    why: str


class Purpose(Struct, frozen=True):
    """What a model is wanted for, the words that say so, and models for it, the usual one first."""

    id: str
    words: str
    models: tuple[ProposedModel, ...]


class ModelProposals(Struct, frozen=True):
    """All purposes, as they were known on a day."""

    checked: date
    purpose: tuple[Purpose, ...]


@cache
def model_proposals() -> ModelProposals:
    """Return what the file beside this module holds."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return convert(tomllib.loads(text), ModelProposals)


def purpose_in(line: str) -> Purpose | None:
    """Return the first purpose of the file whose words a line has; None where it has none."""
    return next((one for one in model_proposals().purpose if re.search(rf"\b(?:{one.words})\b", line.lower())), None)


def proposals_by_flag(line: str) -> tuple[str, ...]:
    """Return lines that propose the models of a line's purpose by their flag; a general assistant's without one."""
    purpose = purpose_in(line) or model_proposals().purpose[-1]
    flags = [f"--model {model.id}" for model in purpose.models]
    widest = max(map(len, flags))
    reasons = (f"  {flag:{widest}}  {model.why}" for flag, model in zip(flags, purpose.models, strict=True))
    return f"For {purpose.id}, as of {model_proposals().checked}:", *reasons


def choice_of_model(purpose: Purpose, words: str, catalog: Catalog) -> Ambiguity:
    """Return the question which of a purpose's models it shall be.

    Args:
        catalog: for the models' names.
    """
    choices = tuple(
        Choice(proposed.id, f"{catalog.models[proposed.id].name}: {proposed.why}", usual=number == 0)
        for number, proposed in enumerate(purpose.models)
    )
    text = f"For {purpose.id} I propose three, as of {model_proposals().checked}; any other name does too:"
    return Ambiguity(text, "model", choices, words)
