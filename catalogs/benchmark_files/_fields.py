"""Fields of documents, read with care: a figure is finite and not negative, or it is refused by name."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from catalogs.errors import InputError, quoted
from catalogs.measurement_files import ALL_AT_ONCE


def number(tree: Mapping[str, Any], *path: str, scale: float = 1.0) -> float | None:
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


def rate(tree: Mapping[str, Any], *path: str) -> str | None:
    """Return the request rate at a path: a number, or 'inf' where all requests were sent at once.

    Args:
        tree: the document.
        path: names of fields.
    """
    value = at(tree, *path)
    if isinstance(value, str) and value.lower().lstrip("+") in ("inf", "infinity"):
        return ALL_AT_ONCE
    if isinstance(value, float) and value == float("inf"):
        return ALL_AT_ONCE
    figure = number(tree, *path)
    return None if not figure else f"{figure:.8g}"


def text(tree: Mapping[str, Any], *path: str) -> str | None:
    """Return the text at a path of a document; None where there is none.

    Args:
        tree: the document.
        path: names of fields.
    """
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

    Args:
        values: of requests.
        name: of the field, for messages.

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
