"""Flags that state several values each → the questions that a comparison asks, one for each combination."""

import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Final

from msgspec import Struct

from catalogs.errors import InputError
from engine.workload import Statement

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


VERSUS: Final = re.compile(r"\s+(?:vs\.?|versus|against|compared (?:with|to))\s+", re.IGNORECASE)
"""Between what a sentence compares: 'llama 3.1 8b vs qwen3 8b on L4, 5 rps'."""


def versions(parts: Sequence[Statement]) -> tuple[tuple[str, tuple[Statement, ...]], ...]:
    """Return what each part of 'A vs B, and the rest' asks, by a label: its own values over those of all the others.

    Args:
        parts: what was said between the words of VERSUS; of one alone, or none, there is one version without a label.
    """
    if len(parts) < 2:
        return (("", tuple(parts)),)
    merged: dict[str, Any] = {}
    for part in parts:
        merged |= part.values
    own = [{path: value for path, value in part.values.items() if value != merged[path]} for part in parts]
    varied = {path for values in own for path in values}
    found = []
    for part in parts:
        values = {**merged, **part.values}
        label = " · ".join(_shown(values[path]) for path in merged if path in varied)
        found.append((label, (Statement(part.kind, values, part.details),)))
    return tuple(found)


def _shown(value: Any) -> str:
    return (
        ", ".join(map(str, value))
        if isinstance(value, tuple | list)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def combinations(given: Texts, *, several: bool = False) -> tuple[Combination, ...]:
    """Return every combination of the values that flags state; a flag that is repeated has several.

    Args:
        given: the texts of each flag: repeated, or with commas between them.
        several: something else than a flag has several values, so that no flag needs them.

    Raises:
        InputError: no flag has two values, or there are more than MOST combinations.
    """
    values = {flag: _values(texts) for flag, texts in given.items()}
    more = [flag for flag, texts in values.items() if len(texts) > 1]
    if not (more or several):
        raise InputError(
            "nothing to compare: give a flag several values, such as --gpu-type H100,H200 or --precision fp8,bf16, "
            "say 'qwen3 8b vs llama 3.1 8b, …', or name two plans that were saved"
        )
    found = [dict(zip(values, picked, strict=True)) for picked in product(*values.values())]
    if len(found) > MOST:
        sizes = " × ".join(str(len(values[flag])) for flag in more)
        raise InputError(
            f"{sizes} = {len(found)} combinations are more than the {MOST} of one comparison; "
            f"leave out some values of {max(more, key=lambda flag: len(values[flag]))}"
        )
    return tuple(
        Combination({flag: (text,) for flag, text in one.items()}, tuple((flag, one[flag]) for flag in more))
        for one in found
    )


def _values(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for text in texts for value in _BETWEEN.split(text) if value)) or texts
