"""Entries as the text of a catalog file: each value as TOML has it, lists and small tables in one line."""

from collections.abc import Mapping


class Digits(str):
    """A number as it is to be written: with so many digits and no more."""

    __slots__ = ()


def entry_text(kind: str, fields: Mapping[str, object]) -> str:
    """Return an entry of a kind: a blank line, the head of its table, a line for each field that is not None."""
    return "\n".join(["", f"[[{kind}]]", *field_lines(fields)]) + "\n"


def field_lines(fields: Mapping[str, object]) -> list[str]:
    """Return a line for each field that is not None."""
    return [f"{name} = {value_text(value)}" for name, value in fields.items() if value is not None]


def value_text(value: object) -> str:
    """Return a value as TOML has it."""
    match value:
        case bool():
            return str(value).lower()
        case Digits():
            return str(value)
        case str():
            import json  # a program that writes nothing needs none

            return json.dumps(value, ensure_ascii=False)  # a basic string has the same escapes
        case Mapping():
            return f"{{ {', '.join(field_lines(value))} }}"
        case list() | tuple():
            return f"[{', '.join(map(value_text, value))}]"
    return str(value)
