"""How many more tokens a text takes in a language than in English, by the tokenizer of a model."""

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path

from msgspec import Struct, convert


class Tokenizer(Struct, frozen=True, forbid_unknown_fields=True):
    """A tokenizer that was measured, and the models that it reads for."""

    id: str
    name: str
    models: tuple[str, ...]
    """Beginnings of their ids."""


class PromptLanguage(Struct, frozen=True, forbid_unknown_fields=True):
    """A language, and its tokens over those of the same text in English."""

    name: str
    words: str
    """By which a line names it."""
    times: Mapping[str, float]
    """By tokenizer."""


class PromptLanguages(Struct, frozen=True, forbid_unknown_fields=True):
    """All that was measured."""

    source: str
    checked: date
    tokenizer: tuple[Tokenizer, ...]
    language: tuple[PromptLanguage, ...]

    def tokenizer_of(self, model: str) -> Tokenizer | None:
        """Return the tokenizer of a model by its id; None where it was not measured."""
        fitting = [
            (len(start), one) for one in self.tokenizer for start in one.models if model.lower().startswith(start)
        ]
        return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


@cache
def prompt_languages() -> PromptLanguages:
    """Return what the file beside this module holds."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return convert(tomllib.loads(text), PromptLanguages)


def languages_in(line: str) -> tuple[PromptLanguage, ...]:
    """Return the languages that a line names, English aside."""
    return tuple(
        one
        for one in prompt_languages().language
        if re.search(rf"(?<![a-zäöüß])(?:{one.words})(?![a-zäöüß])", line.lower())
    )
