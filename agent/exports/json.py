"""A plan as JSON: every field, and the format that `plan show` and `simulate` read again."""

import json
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


def json_bytes(tree: Any) -> bytes:
    """Return JSON as it is sent, in UTF-8.

    Raises UnicodeEncodeError where a text has no UTF-8.
    """
    # The standard library's own way to indent is ten times as slow.
    return msgspec.json.format(json.dumps(tree, ensure_ascii=False, allow_nan=False).encode(), indent=2) + b"\n"


FORMAT = Format((".json",), "the plan", lambda plan, _: {"plan.json": json_text(plan_json(plan))})
