"""Results of pure functions that are kept for the next question about the same entries.

Arguments are the same where they are one object, or numbers, texts, arrays, tuples and small records that are equal:
records of a catalog are read once, and to compare all that they hold would cost more than most results. What is kept is
bounded: by number, and to the arrays of a few candidates. Its arrays are locked: who writes to one is told so.
"""

from collections.abc import Callable
from functools import wraps
from itertools import islice
from typing import Any, Final, ParamSpec, TypeVar

Asked = ParamSpec("Asked")
Result = TypeVar("Result")
LARGEST: Final = 128
"""Elements of an array among the arguments beyond which no result is kept."""
Record = TypeVar("Record", bound=type)


def by_value(record: Record) -> Record:
    """Let arguments of a small frozen record be the same where they are equal."""
    _MARKS[record] = _of_value
    return record


def kept(most: int) -> Callable[[Callable[Asked, Result]], Callable[Asked, Result]]:
    """Return a decorator of pure functions: their last results, so many at most, are kept."""

    def keeping(function: Callable[Asked, Result]) -> Callable[Asked, Result]:
        results: dict[tuple[Any, ...], tuple[object, Result]] = {}

        @wraps(function)
        def call(*arguments: Asked.args, **named: Asked.kwargs) -> Result:
            try:
                key = tuple(map(_mark, arguments))
                if named:
                    key += tuple((name, _mark(value)) for name, value in named.items())
            except _TooLarge:
                return function(*arguments, **named)
            if known := results.get(key):
                return known[1]
            result = function(*arguments, **named)
            for oldest in tuple(islice(results, max(len(results) - most + 1, 0))):
                results.pop(oldest, None)
            _locked(result)
            results[key] = (arguments, named), result  # while the arguments are kept, no other object gets their ids
            return result

        return call

    return keeping


class _TooLarge(Exception):  # noqa: N818 — the name says it
    pass


def _mark(argument: Any) -> object:
    """Return what is equal for arguments that are the same."""
    kind = type(argument)
    if (mark := _MARKS.get(kind)) is None:
        in_parts = issubclass(kind, tuple)
        mark = _MARKS[kind] = _of_parts if in_parts else _of_array if hasattr(kind, "tobytes") else id
    return mark(argument)


def _of_value(argument: object) -> object:
    return type(argument), argument


def _of_parts(argument: tuple[object, ...]) -> object:
    return tuple(map(_mark, argument))


def _of_array(argument: Any) -> object:
    if argument.size > LARGEST:
        raise _TooLarge
    return argument.shape, argument.dtype.char, argument.tobytes()


_MARKS: Final[dict[type, Callable[[Any], object]]] = dict.fromkeys((str, int, float, bool, type(None)), _of_value)
"""By the type of an argument."""
_FIELDS: Final[dict[type, tuple[str, ...]]] = {}
"""Of the types of parts of results; none of numbers and texts."""


def _locked(result: Any) -> None:
    """Let nobody write to the arrays of a result: the next one who asks gets the same."""
    kind = type(result)
    if (fields := _FIELDS.get(kind)) is None:
        fields = _FIELDS[kind] = ("setflags",) if hasattr(kind, "setflags") else getattr(kind, "__struct_fields__", ())
    if fields == ("setflags",):
        result.setflags(write=False)
        return
    for part in result if isinstance(result, tuple) else map(result.__getattribute__, fields):
        _locked(part)
