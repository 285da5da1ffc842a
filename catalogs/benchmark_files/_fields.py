"""Fields of documents, read with care: a figure is finite and not negative, or it is refused by name."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from catalogs.errors import InputError, quoted
from catalogs.measurement_files import ALL_AT_ONCE

_OF_TIME = {"ms": 1.0, "s": 1e3, "us": 1e-3, "ns": 1e-6, "sec": 1e3, "milliseconds": 1.0, "seconds": 1e3}
MILLISECONDS = _OF_TIME | {f"{unit}/token": scale for unit, scale in _OF_TIME.items()}
"""Of each unit."""


def number(tree: Any, *path: str, scale: float = 1.0) -> float | None:
    """Return the figure at a path of a document, times a scale; None where it is not stated.

    Args:
        tree: the document.
        path: names of fields, from the outermost.
        scale: 1e3 for seconds that are wanted in milliseconds.

    Raises:
        InputError: it is no finite number, or negative.
    """
    value = at(tree, *path)
    if value is None or value == "":
        return None
    where = ".".join(path)
    try:
        figure = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
    except ValueError:
        figure = None
    if figure is None or not isfinite(figure) or figure < 0:
        raise InputError(f"{where} is {quoted(value)}: a number is expected")
    return figure * scale


def whole(tree: Any, *path: str) -> int | None:
    """Return the count at a path of a document; None where it is zero or not stated."""
    count = number(tree, *path)
    return int(count) if count else None


def milliseconds(tree: Any, *path: str, unit: str) -> float | None:
    """Return the time at a path of a document that has its unit beside it; None where it is not stated.

    Args:
        tree: the document.
        path: names of fields.
        unit: name of the field with the unit.

    Raises:
        InputError: the unit is none of time.
    """
    value = number(tree, *path)
    if value is None:
        return None
    named = at(tree, *path[:-1], unit)
    if named not in MILLISECONDS:
        raise InputError(f"{path[-2]} is in {quoted(named)}: ms or s is expected")
    return value * MILLISECONDS[named]


def itl_ms(columns: Mapping[str, object]) -> float | None:
    """Return the mean ITL that follows from mean end-to-end time and TTFT, ms; None where one of them is missing."""
    ttft, e2e, output = (columns[name] for name in ("ttft_ms_mean", "e2e_ms_mean", "output_tokens"))
    if isinstance(ttft, float) and isinstance(e2e, float) and isinstance(output, float) and output > 1:
        return max(e2e - ttft, 0.0) / (output - 1)
    return None


def rate(tree: Any, *path: str) -> str | None:
    """Return the request rate at a path: a number, or 'inf' where all requests were sent at once."""
    value = at(tree, *path)
    if str(value).lower().lstrip("+") in ("inf", "infinity"):
        return ALL_AT_ONCE
    figure = number(tree, *path)
    return None if not figure else f"{figure:.8g}"


def text(tree: Any, *path: str) -> str | None:
    """Return the text at a path of a document; None where there is none."""
    value = at(tree, *path)
    return value if isinstance(value, str) and value else None


def at(tree: Any, *path: str) -> Any:
    """Return what stands at a path of a document; None where nothing does.

    Args:
        tree: the document.
        path: names of fields, from the outermost.
    """
    for name in path:
        tree = tree.get(name) if isinstance(tree, Mapping) else None
    return tree


def mean_and_cv(values: object, name: str) -> tuple[float, float | None] | None:
    """Return the mean of a list of token counts and their CV; None where there is no list.

    Raises:
        InputError: something in it is no count.
    """
    if not isinstance(values, list) or not values:
        return None
    if not all(isinstance(one, int | float) and not isinstance(one, bool) and 0 <= one < 1e9 for one in values):
        raise InputError(f"{name} holds {quoted(next(iter(values)))}: token counts are expected")
    mean = sum(values) / len(values)
    if not mean:
        return None
    variance = sum((one - mean) ** 2 for one in values) / len(values)
    return mean, variance**0.5 / mean
