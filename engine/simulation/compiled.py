"""The simulator's loops at two speeds: as they stand, or compiled from the same source by numba (extra ``fast``)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from inspect import getsource
from types import FunctionType
from typing import Any

from msgspec import Struct

from engine.simulation import answers, columns, gaps, heaps, kv_blocks, loop, routing, serving, tournament

_Function = Callable[..., Any]


class Loops(Struct, frozen=True):
    """The entry points of the loops, at one speed."""

    serve_open: _Function
    serve_closed: _Function
    settle: _Function
    load_of: _Function
    renumber: _Function
    compiled: bool
    """Runs on arrays; else on lists."""
    kept: bool = False
    """Numba's cache keeps them for the next process."""


PLAIN = Loops(
    serving.serve_open, serving.serve_closed, serving.settle, serving.load_of, serving.renumber, compiled=False
)


def can_compile() -> bool:
    """Return whether numba is installed."""
    return find_spec("numba") is not None


@contextmanager
def when_compiling(tell: Callable[[bool], None]) -> Iterator[None]:
    """Call ``tell`` once if loops are compiled within: never where numba's cache holds them, or where numba is missing.

    Args:
        tell: told whether what is compiled will be kept for the next process.
    """
    told = _TELL.set(tell)
    try:
        yield
    finally:
        _TELL.reset(told)


_TELL: ContextVar[Callable[[bool], None] | None] = ContextVar("tell", default=None)
"""Of the caller that waits."""


def _listen(kept: bool) -> None:
    from numba.core import event  # optional, and takes half a second to import

    class Told(event.Listener):  # type: ignore[misc]
        """Passes on that numba begins to compile; what it reads from its cache it does not compile."""

        def on_start(self, event: Any) -> None:
            tell = _TELL.get()
            if tell is not None:
                _TELL.set(None)
                tell(kept)

        def on_end(self, event: Any) -> None:
            pass

    event.register("numba:compile", Told())


@lru_cache(maxsize=1)
def compiled_loops() -> Loops:
    """Return the loops to be compiled at their first call, or read from numba's cache where one was written before.

    Each function is copied with its callees replaced by their compiled forms. Where no directory for the cache can be
    written, they are compiled anew in every process.
    """
    made: dict[str, _Function] = {"_rise": _compile(heaps._rise, {})}
    made["_drop"] = _compile(heaps._drop, made)
    for name in ("push", "pop", "remove", "size"):
        made[name] = _compile(getattr(heaps, f"array_{name}"), made)
    for module, names in (
        (gaps, "gap spread"),
        (kv_blocks, "used_blocks steps_that_fit compacted known_tokens prefix_there hold let_go close_up"),
        (kv_blocks, "keep_blocks release empty_after"),
        (kv_blocks, "put_in_front take_out preempt release_early make_room"),
        (answers, "known_answer put_at_end set_aside promise end_promise leave retract"),
        (loop, "steps_until filling advance"),
        (tournament, "put first_within least_of_others"),
        (serving, "outstanding note join choose take one_event serve_open serve_closed settle load_of renumber"),
    ):
        for name in names.split():
            made[name] = _compile(getattr(module, name), made)
    kept = _is_kept(made["advance"])
    _listen(kept)
    entries = ("serve_open", "serve_closed", "settle", "load_of", "renumber")
    return Loops(**{name: made[name] for name in entries}, compiled=True, kept=kept)


def _compile(function: Any, made: dict[str, _Function]) -> _Function:
    from numba import njit  # optional, and takes half a second to import

    copy = FunctionType(function.__code__, {**function.__globals__, **made}, function.__name__)
    # Numba's cache goes by this name and the function's own source, but holds what the function calls, too.
    copy.__qualname__, copy.__module__ = f"{function.__qualname__}_{_sources()}", function.__module__
    try:
        result: _Function = njit(cache=True, **_OPTIONS)(copy)
    except RuntimeError:  # no directory for the cache can be written
        result = njit(**_OPTIONS)(copy)
    return result


@lru_cache(maxsize=1)
def _sources() -> str:
    """Return a digest of all that is compiled together."""
    modules = (answers, columns, gaps, heaps, kv_blocks, loop, routing, serving, tournament)
    return sha256("".join(map(getsource, modules)).encode()).hexdigest()[:12]


_OPTIONS = {"_nrt": False}
"""Of numba: references to arrays are not counted, which costs more than the loops themselves; they make no arrays."""


def _is_kept(function: Any) -> bool:
    """Return whether what numba compiles of a function is written to its cache."""
    return getattr(function, "_cache", None).__class__.__name__ != "NullCache"
