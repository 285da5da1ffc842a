"""Models that a line names and nobody has published: a later version of a family than any that is known."""

import re
from typing import Final

from agent.after_plan.replies.asked import Asked

_FAMILIES: Final = "llama|qwen|mistral|gemma|phi|deepseek|gpt-oss|glm|kimi|granite|nemotron"
_NAMED: Final = re.compile(
    rf"\b(?P<family>{_FAMILIES})[ -]?(?:r|v|k|version )?(?P<version>\d{{1,2}}(?:\.\d+)?)"
    r"(?![\d.]*[ -]?[bx]\b|[\d.]*[ -]?\d*x\d|\d)",
    re.I,
)
"""A family and a version, no size: of 'mistral 7b' and 'mixtral 8x7b' the number is none."""


def unreleased(asked: Asked) -> str:
    """Say that a model is not known, and the newest of its name; empty where the line names none of that kind."""
    match = _NAMED.search(asked.text)
    if match is None:
        return ""
    family, known = match["family"].lower(), dict[float, str]()
    for name, model in asked.ports.catalog.models.items():
        if (other := _NAMED.match(name)) and other["family"].lower() == family:
            known.setdefault(float(other["version"]), model.name)
    read = asked.ports.read(match[0], asked.ports.catalog, asked_path=None, known={})
    if not known or float(match["version"]) <= max(known) or not read.unused:
        return ""  # the number of 'qwen 72' is a size
    newest = known[max(known)]
    return (
        f"No {match[0].strip()} is known here: a model is sized by its published dimensions, and nobody can size, price"
        f" or time one that has none. The newest of its name is {newest}: 'with {newest}' plans that. Once its config"
        " is on Hugging Face, its name there, as 'org/model', plans it; until then the plan stays."
    )
