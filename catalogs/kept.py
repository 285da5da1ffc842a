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
_BY_VALUE: Final[set[type]] = {str, int, float, bool, type(None)}
Record = TypeVar("Record", bound=type)


def by_value(record: Record) -> Record:
    """Let arguments of a small frozen record be the same where they are equal."""
    _BY_VALUE.add(record)
    return record


def kept(most: int) -> Callable[[Callable[Asked, Result]], Callable[Asked, Result]]:
    """Return a decorator of pure functions: their last results, so many at most, are kept."""

    def keeping(function: Callable[Asked, Result]) -> Callable[Asked, Result]:
        results: dict[tuple[Any, ...], tuple[object, Result]] = {}

        @wraps(function)
        def call(*arguments: Asked.args, **named: Asked.kwargs) -> Result:
            try:
                key = (*map(_mark, arguments), *((name, _mark(value)) for name, value in named.items()))
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
    if type(argument) in _BY_VALUE:
        return type(argument), argument
    if isinstance(argument, tuple):
        return tuple(map(_mark, argument))
    if (of_array := getattr(argument, "tobytes", None)) is None:
        return id(argument)
    if argument.size > LARGEST:
        raise _TooLarge
    return argument.shape, argument.dtype.str, of_array()


def _locked(result: Any) -> None:
    """Let nobody write to the arrays of a result: the next one who asks gets the same."""
    if type(result) in _BY_VALUE:
        return
    if hasattr(result, "setflags"):
        result.setflags(write=False)
        return
    for part in result if isinstance(result, tuple) else map(result.__getattribute__, _fields(result)):
        _locked(part)


def _fields(result: Any) -> tuple[str, ...]:
    return getattr(result, "__struct_fields__", ())
