"""What stands around a change: what is asked behind it."""

import re
from typing import Final

_TOLD: Final = re.compile(
    r"^(?P<change>.+?\w)\W*?[,;.]?\s*(?:(?:and|then|&|so)\s+)+(?:please |can you |could you )?"
    r"(?:(?:tell|show|give|let) (?:me|us)(?: know)?|say|check|see) "
    r"(?P<question>(?:whether|if|what|how|by how|where|when|the|does|do|is)\b.+)$",
    re.I,
)


def change_and_question(text: str) -> tuple[str, str] | None:
    """Return a change and what is asked of it: 'peak 35, and tell me whether the bill doubles'; None where neither.

    Args:
        text: the line.
    """
    match = _TOLD.match(text)
    return (match["change"], match["question"]) if match else None
