"""What stands around a change or a question and changes nothing: how many there are, on which day."""

import re
from typing import Final

_BAD_DAY: Final = re.compile(
    r",? (?:on|in) (?:a|an|the|some|our|its) (?:really )?(?:bad|good|busy|slow|worst|ordinary|normal) "
    r"(?:day|week|night|month|case)s?(?=\W*$|[,;?])",
    re.I,
)
_SO_MANY: Final = re.compile(
    r"^\W*(?:(?:ok|so|hi|just|i have|i'?ve got)\W+)*(?:two|three|four|five|\d|a few|some) "
    r"(?:quick |more |other )?(?:things|questions|points)\s*[:,–—-]\s*",
    re.I,
)


def without_count(text: str) -> str:
    """Return a line without how many questions it announces: 'three things: the GPU count, what breaks first'."""
    return _SO_MANY.sub("", text)


def on_any_day(text: str) -> str:
    """Return a line with a figure without the day on which it is so: 'prompts are 6k on a bad day'.

    Args:
        text: the line; without a figure the day is what it asks about.
    """
    return _BAD_DAY.sub("", text) if re.search(r"\d", text) else text
