"""A batch in words and flags: "10 million documents by Friday" → how many, and how long there is."""

import re
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from catalogs.errors import InputError, quoted
from catalogs.units import NUMBER, SECONDS_PER_DAY, TIME_UNITS, read_count, read_seconds

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NOUNS: Final = (
    "documents document docs doc pages page files file records record prompts prompt requests request items item "
    "emails email tickets ticket articles article reviews review texts text messages message contracts contract papers "
    "paper transcripts transcript calls call images image rows row queries query summaries summary"
).split()
END_OF_DAY: Final = 18
"""The hour at which a day named as a deadline ends."""

_TIMES: Final = "|".join(sorted(TIME_UNITS, key=len, reverse=True))
_HOW_MANY: Final = (
    rf"(?P<count>{NUMBER}\s*(?:[kmbt]n?|thousand|million|billion|trillion)?)\s+(?P<noun>{'|'.join(NOUNS)})"
)
_WHEN: Final = (
    rf"(?:by|until|before|till)\s+(?:next\s+)?(?P<day>{'|'.join(DAYS)}|tomorrow|tonight)"
    rf"|(?:in|within|over)\s+(?:the\s+next\s+)?(?P<time>{NUMBER}\s*(?:{_TIMES}))(?![a-z])"
)
BATCH: Final = re.compile(
    rf"{_HOW_MANY}\b(?!\s*(?:per|/|an?|each|every)\b|/)(?P<between>[^.;]*?)\b(?:{_WHEN})", re.IGNORECASE
)


_DAY: Final = re.compile(
    rf"(?P<day>{'|'.join(DAYS)}|tomorrow|tonight)(?:\s+(?:at\s+)?(?P<hour>[01]?\d|2[0-3])(?::(?P<minute>[0-5]\d)|h))?"
)
_MINUTES: Final = re.compile(r"(?<=\d)\s*m\Z")
"""Nobody has a deadline in milliseconds."""


class Batch(Struct, frozen=True):
    """So many requests, and the time that there is for them."""

    requests: float
    deadline_s: float


def batch_in(sentence: str, now: datetime) -> tuple[Batch, str] | None:
    """Return the batch that a sentence states and the sentence without it; None where it states none."""
    found = BATCH.search(sentence)
    if found is None:
        return None
    requests = read_count(found["count"], "the number of requests")
    when = found["day"] or found["time"]
    rest = f"{sentence[: found.start()]} {found['between']} {sentence[found.end() :]}"
    return Batch(requests, deadline_seconds(when, "the deadline", now)), " ".join(rest.split()).strip(" ,;:")


def deadline_seconds(text: str, what: str, now: datetime) -> float:
    """Return how long there is until a deadline: '36h', '90m', 'Friday' (its evening), 'Friday 17:00', 'tomorrow'.

    Args:
        what: the value's name in a refusal.
        now: from when a named day is counted.

    Raises:
        InputError: it is neither a time nor a day, or it is over.
    """
    said = text.strip().casefold()
    if day := _DAY.fullmatch(said):
        hour, minute = int(day["hour"] or (23 if day["day"] == "tonight" else END_OF_DAY)), int(day["minute"] or 0)
        named = DAYS.index(day["day"]) if day["day"] in DAYS else None
        ahead = int(day["day"] == "tomorrow") if named is None else (named - now.weekday()) % 7
        end = (now + timedelta(days=ahead)).replace(hour=hour, minute=minute, second=0, microsecond=0)
        if named is not None and end <= now:
            end += timedelta(days=7)
        return max((end - now).total_seconds(), 60.0)
    try:
        seconds = read_seconds(_MINUTES.sub("min", said), what)
    except InputError:
        ways = "write the time until then, such as 36h, 90m or 3 days, or a day of the week: Friday, Friday 17:00"
        raise InputError(f"{what} {quoted(text)} is no time from now: {ways}") from None
    if seconds > 366 * SECONDS_PER_DAY:
        raise InputError(f"{what} {quoted(text)} is more than a year away; that is a service, not a batch")
    return seconds
