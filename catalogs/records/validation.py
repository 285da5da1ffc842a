"""Values of files and people → records; what is wrong with values, field by field."""

import re
from collections.abc import Iterator, Mapping
from enum import EnumType
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from msgspec import Struct, UnsetType, ValidationError, convert
from msgspec.structs import fields

from catalogs.errors import listed
from catalogs.records.facts import LARGEST, Record

Made = TypeVar("Made", bound=Record)
Path = tuple[int | str, ...]

_BOUNDS: Final = {
    ">": "greater than",
    ">=": "greater than or equal to",
    "<": "less than",
    "<=": "less than or equal to",
}
_KINDS: Final = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "date": "a date such as 2026-11-21",
    "array": "a list",
    "object": "fields of its own",
}


class Fault(Struct, frozen=True):
    """What is wrong with one value."""

    place: Path
    """Names of fields and positions in lists, from the outermost."""
    kind: Literal["missing", "unknown", "contradiction", "value"]
    problem: str
    """A clause: 'must be greater than 0'."""
    value: object = None

    @property
    def path(self) -> str:
        """The place as people write it: 'layers.0.count'."""
        return ".".join(map(str, self.place))


class InvalidValues(ValueError):  # noqa: N818 — the name says the error
    """Values of which no record can be made."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__(f"{faults[0].path}: {faults[0].problem}")


def record_of(kind: type[Made], values: object) -> Made:
    """Return the record that a mapping makes; numbers may be text, lists become tuples.

    Raises:
        InvalidValues: with every fault.
    """
    try:
        return convert(values, kind, strict=False)
    except ValidationError:
        raise InvalidValues(tuple(_faults(values, kind, ()))) from None


def _faults(value: Any, hint: Any, place: Path) -> Iterator[Fault]:
    """Yield what is wrong with a value of a type: with its parts, or else with the whole."""
    parts = list(_faults_of_parts(value, _plain(hint), place))
    yield from parts
    if parts:
        return
    try:
        convert(value, hint, strict=False)
    except ValidationError as error:
        if isinstance(error.__cause__, ValueError):  # raised by the record itself
            yield Fault(place, "contradiction", str(error.__cause__), value)
        else:
            yield Fault(place, "value", _clause(str(error).partition(" - at ")[0], hint), value)


def _faults_of_parts(value: Any, hint: Any, place: Path) -> Iterator[Fault]:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        options = [_plain(option) for option in arguments if option not in (NoneType, UnsetType)]
        if len(options) == 1:
            yield from _faults_of_parts(value, options[0], place)
        elif isinstance(value, Mapping):
            kinds = {option.__struct_config__.tag: option for option in options}
            kind = value.get("kind")
            if isinstance(kind, str) and kind in kinds:
                yield from _faults_of_fields(value, kinds[kind], place)
            else:
                yield Fault((*place, "kind"), "value", f"must be {listed(list(map(repr, kinds)))}", kind)
    elif origin is tuple and arguments[-1] is ... and isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _faults(item, arguments[0], (*place, position))
    elif origin is dict and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _faults(key, arguments[0], (*place, key))
            yield from _faults(item, arguments[1], (*place, key))
    elif isinstance(hint, type) and issubclass(hint, Record) and isinstance(value, Mapping):
        yield from _faults_of_fields(value, hint, place)


def _faults_of_fields(values: Mapping[Any, Any], record: type[Record], place: Path) -> Iterator[Fault]:
    hints = get_type_hints(record, include_extras=True)
    for field in fields(record):
        if field.name in values:
            yield from _faults(values[field.name], hints[field.name], (*place, field.name))
        elif field.required:
            yield Fault((*place, field.name), "missing", "it is missing", values)
    for key in values:
        if key not in record.__struct_fields__ and key != record.__struct_config__.tag_field:
            yield Fault((*place, key), "unknown", "there is no such field", values[key])


def _plain(hint: Any) -> Any:
    """Return a type without its bounds."""
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _clause(message: str, hint: Any) -> str:
    """Return what msgspec says ('Expected `float` > 0.0') as a clause."""
    if found := re.fullmatch(r"Expected `\w+` ([<>]=?) (\S+)", message):
        bound = float(found[2])
        return "must be a finite number" if bound == LARGEST else f"must be {_BOUNDS[found[1]]} {bound:g}"
    if message.startswith("Invalid enum value"):
        return f"must be {listed([repr(choice) for choice in _choices(hint)])}"
    if found := re.match(r"Expected `(\w+)[^`]*`(.*)", message):
        more = "" if found[2].startswith(",") else found[2]
        return f"must be {_KINDS.get(found[1], found[1])}{more}"
    return f"{message[:1].lower()}{message[1:]}".replace("`", "")


def _choices(hint: Any) -> list[Any]:
    """Return the values of a literal or an enumeration, or of the one in a union."""
    if isinstance(hint, EnumType):
        return list(map(str, hint))
    parts = get_args(hint)
    return list(parts) if get_origin(hint) is Literal else [choice for part in parts for choice in _choices(part)]
