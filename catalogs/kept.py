"""Results of pure functions that are kept for the next question about the same entries.

Arguments are the same where they are one object, or numbers, texts, arrays, tuples and small records that are equal:
records of a catalog are read once, and to compare all that they hold would cost more than most results. What is kept is
bounded: by number, and to the arrays of a few candidates. Its arrays are locked: who writes to one is told so.
"""

from collections.abc import Callable, Container
from functools import cached_property, wraps
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar

from catalogs.records.facts import Record

Asked = ParamSpec("Asked")
Result = TypeVar("Result")
LARGEST: Final = 128
"""Elements of an array among the arguments beyond which no result is kept."""
Small = TypeVar("Small", bound=type)


def by_value(record: Small) -> Small:
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
            _locked(result, {id(argument) for argument in arguments})
            results[key] = (arguments, named), result  # while the arguments are kept, no other object gets their ids
            return result

        return call

    return keeping


if TYPE_CHECKING:
    made_once = cached_property
else:

    class made_once(cached_property):  # noqa: N801 — as its parent
        """A ``cached_property`` without Python 3.11's lock, which takes as long as a formula of few elements."""

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            """Make the value; from now on it stands in its place."""
            value = instance.__dict__[self.attrname] = self.func(instance)
            return value


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
_FIELDS: Final[dict[type, tuple[str, ...]]] = {object: ("__class__",), tuple: ("__class__",)}
"""Of types of parts of results, the fields that may hold arrays; of those that may be anything some field."""
_ARRAY: Final = ("setflags",)


def _fields(kind: type) -> tuple[str, ...]:
    """Return the fields of a part that may hold arrays: neither numbers nor texts nor records do."""
    if (known := _FIELDS.get(kind)) is None:
        hints = getattr(kind, "__annotations__", {})
        fields = () if issubclass(kind, Record) else getattr(kind, "__struct_fields__", ())
        some = (name for name in fields if not isinstance(hint := hints.get(name), type) or _fields(hint))
        known = _FIELDS[kind] = _ARRAY if hasattr(kind, "setflags") else tuple(some)
    return known


def _locked(result: Any, given: Container[int]) -> None:
    """Let nobody write to the arrays of a result, since the next one who asks gets the same.

    Args:
        result: or a part of it.
        given: ids of the arguments, the arrays within which are others'.
    """
    kind = type(result)
    if (fields := _FIELDS[kind] if kind in _FIELDS else _fields(kind)) is _ARRAY:
        result.setflags(write=False)
    elif fields and id(result) not in given:
        for part in result if isinstance(result, tuple) else map(result.__getattribute__, fields):
            _locked(part, given)
