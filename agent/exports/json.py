"""A plan as JSON: every field, and the format that `plan show` and `simulate` read again."""

import json
from typing import Any

from agent.exports import Format
from engine.plan import plan_json


def json_text(tree: Any, encoding: str = "utf-8") -> str:
    """Return JSON as it is printed and saved; what the encoding cannot carry is escaped."""
    text = json.dumps(tree, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(tree, indent=2, allow_nan=False) + "\n"
    return text


FORMAT = Format((".json",), "the plan", lambda plan, _: {"plan.json": json_text(plan_json(plan))})
