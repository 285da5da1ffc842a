"""A plan as JSON: every field, and the format that `plan show` and `simulate` read again."""

import json
import re
from typing import Any

import msgspec

from agent.exports import Format
from engine.plan import plan_json


def json_text(tree: Any, encoding: str = "utf-8") -> str:
    """Return JSON as it is printed and saved; what the encoding cannot carry is escaped."""
    try:
        text = json_bytes(tree).decode()
        text.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(tree, indent=2, allow_nan=False) + "\n"
    return text


def json_bytes(tree: Any, *, finite: bool = False) -> bytes:
    """Return JSON as it is sent, in UTF-8.

    Args:
        tree: JSON values.
        finite: no figure is NaN or infinite, as in what ``plain`` returns; else such a figure is an error.

    Raises UnicodeEncodeError where a text has no UTF-8.
    """
    text = msgspec.json.encode(tree) if finite else b""
    # What msgspec, at a seventh of the time, spells otherwise than Python: exponents, and 0.00001 for 1e-05.
    if not text or _EXPONENT.search(text) or b"0.0000" in (text := _SMALL.sub(_as_python, text)):
        text = json.dumps(tree, ensure_ascii=False, allow_nan=False).encode()
    # The standard library's own way to indent is ten times as slow.
    return msgspec.json.format(text, indent=2) + b"\n"


_EXPONENT = re.compile(rb"e-?[0-9]+(?:[,\]}]|$)")
_SMALL = re.compile(rb'":(?<=\w":)(0\.0000[0-9]+)')
"""The value of a field. In a text a quote follows a backslash, and one that begins a text follows no letter."""


def _as_python(found: re.Match[bytes]) -> bytes:
    return b'":' + repr(float(found[1])).encode()


FORMAT = Format((".json",), "the plan", lambda plan, _: {"plan.json": json_text(plan_json(plan))})
