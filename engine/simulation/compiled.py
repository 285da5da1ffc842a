"""The same loops at two speeds: as they stand, or compiled by numba from the same source (the extra ``fast``)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from types import FunctionType
from typing import Any

from engine.simulation import gaps, heaps, kv_blocks, loop, routing

_Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Loops:
    """The entry points of the loops, at one speed."""

    advance: _Function
    serve_open: _Function
    serve_closed: _Function
    settle: _Function
    load_of: _Function
    compiled: bool
    """Runs on arrays; else on lists."""


PLAIN = Loops(loop.advance, routing.serve_open, routing.serve_closed, routing.settle, routing.load_of, compiled=False)


def can_compile() -> bool:
    """Return whether numba is installed."""
    return find_spec("numba") is not None


@lru_cache(maxsize=1)
def compiled_loops() -> Loops:
    """Return the loops to be compiled at their first call, or read from numba's cache where one was written before.

    Each function is copied with its callees replaced by their compiled forms. Where no directory for the cache can be
    written, they are compiled anew in every process.
    """
    made: dict[str, _Function] = {
        "_rise": _compile(heaps._rise, {}),
    }
    made["_drop"] = _compile(heaps._drop, made)
    for name, function in (("push", heaps.array_push), ("pop", heaps.array_pop), ("remove", heaps.array_remove)):
        made[name] = _compile(function, made)
    for module, names in (
        (gaps, "gap spread"),
        (kv_blocks, "used_blocks steps_that_fit compacted make_room"),
        (loop, "steps_until filling advance"),
        (routing, "join outstanding choose serve_open settle load_of serve_closed"),
    ):
        for name in names.split():
            made[name] = _compile(getattr(module, name), made)
    entries = ("advance", "serve_open", "serve_closed", "settle", "load_of")
    return Loops(**{name: made[name] for name in entries}, compiled=True)


def _compile(function: Any, made: dict[str, _Function]) -> _Function:
    from numba import njit  # noqa: PLC0415 — optional, and takes half a second to import

    copy = FunctionType(function.__code__, {**function.__globals__, **made}, function.__name__)
    copy.__qualname__, copy.__module__ = function.__qualname__, function.__module__
    try:
        result: _Function = njit(cache=True)(copy)
    except RuntimeError:  # no directory for the cache can be written
        result = njit(copy)
    return result
