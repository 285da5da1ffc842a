"""Flags that state several values each → the questions that a comparison asks, one for each combination."""

import re
from collections.abc import Mapping
from itertools import product
from typing import Final

from msgspec import Struct

from catalogs.errors import InputError

MOST: Final = 60
"""Combinations in one comparison: as many as a person reads, and a few seconds of work."""

_BETWEEN: Final = re.compile(r"\s*,\s*(?!\d{3}(?!\d))")
"""A comma between values, and not the one within 1,500."""

Texts = Mapping[str, tuple[str, ...]]
"""What was typed, by the name of the flag."""


class Combination(Struct, frozen=True):
    """One value for each flag."""

    texts: Texts
    varied: tuple[tuple[str, str], ...]
    """The flags that have several values, each with its value here."""

    @property
    def label(self) -> str:
        """What tells it from the others."""
        return " · ".join(
            text if re.search("[A-Za-z]", text) else f"{flag.removeprefix('--')} {text}" for flag, text in self.varied
        )


def combinations(given: Texts) -> tuple[Combination, ...]:
    """Return every combination of the values that flags state; a flag that is repeated has several.

    Args:
        given: the texts of each flag: repeated, or with commas between them.

    Raises:
        InputError: no flag has two values, or there are more than MOST combinations.
    """
    values = {flag: _values(texts) for flag, texts in given.items()}
    several = [flag for flag, texts in values.items() if len(texts) > 1]
    if not several:
        raise InputError(
            "nothing to compare: give a flag several values, such as --gpu-type H100,H200 or --precision fp8,bf16, "
            "or two plans that were saved"
        )
    found = [dict(zip(values, picked, strict=True)) for picked in product(*values.values())]
    if len(found) > MOST:
        sizes = " × ".join(str(len(values[flag])) for flag in several)
        raise InputError(
            f"{sizes} = {len(found)} combinations are more than the {MOST} of one comparison; "
            f"leave out some values of {max(several, key=lambda flag: len(values[flag]))}"
        )
    return tuple(
        Combination({flag: (text,) for flag, text in one.items()}, tuple((flag, one[flag]) for flag in several))
        for one in found
    )


def _values(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for text in texts for value in _BETWEEN.split(text) if value)) or texts
