"""When to order: what a stated lead time leaves before a day on which to serve, or before a fleet is full."""

import re
from datetime import date, timedelta
from typing import Final

from agent.after_plan.replies.asked import Asked
from agent.after_plan.replies.bills.seasons import MONTHS
from catalogs.units import HOURS_PER_MONTH, show_figure

_UNITS: Final = {"day": 1, "week": 7, "month": 30, "tag": 1, "woche": 7, "monat": 30}
"""Days of each."""
_FOR: Final = r"(?P<{n}>\d+) ?-?(?P<{u}>days?|weeks?|months?|tage?|wochen?|monate?)"
_NOUN: Final = r"(?:lead[- ]?times?|deliver\w*|lieferzeit\w*|procurement|lieferung)"
_LEAD_TIME: Final = re.compile(
    rf"\b{_NOUN}\b[^\d.;?]{{0,25}}?{_FOR.format(n='behind', u='its')}\b|"
    rf"{_FOR.format(n='before', u='own')}(?:'?s?)?(?: of)? {_NOUN}\b",
    re.I,
)
_NAMES: Final = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_DAY: Final = re.compile(
    rf"\b(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)? (?:of )?(?P<month>{MONTHS})|"
    rf"(?P<after>{MONTHS}) (?P<number>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)|(?:in|by|of|from) (?P<alone>{MONTHS}))\b",
    re.I,
)
_A_YEAR: Final = 2027
"""Of a day without one: not a leap year."""
_QUOTA: Final = "What is rented on demand needs no order, but a quota; what is bought or reserved does."


def lead_time_days(words: str) -> int:
    """Return the lead time that words state, in days; 0 where they state none."""
    found = _LEAD_TIME.search(words)
    if found is None:
        return 0
    unit = (found["its"] or found["own"]).lower()
    days = next(days for name, days in _UNITS.items() if unit.startswith(name))
    return int(found["behind"] or found["before"]) * days


def order_by(asked: Asked) -> str:
    """Return the day by which to order for a day that a line names; empty where it names no lead time or no day."""
    days, found = lead_time_days(asked.words), _DAY.search(asked.words)
    if not days or found is None:
        return ""
    month = _NAMES.index((found["month"] or found["after"] or found["alone"])[:3].lower()) + 1
    try:
        served = date(_A_YEAR, month, int(found["day"] or found["number"] or 1))
    except ValueError:
        return ""
    latest = served - timedelta(days=days)
    return (
        f"Order by {latest.day} {latest:%B}: {days} days before {served.day} {served:%B} (a day later before a 29"
        f" February), and earlier by what setting up and testing take. {_QUOTA}"
    )


def order_before_full(asked: Asked, months: float) -> str:
    """Return how long there is to order before a fleet is full; empty where a line states no lead time."""
    lead = lead_time_days(asked.words) * 24 / HOURS_PER_MONTH
    if not lead:
        return ""
    left = months - lead
    late = f"the order is {show_figure(-left)} months late already"
    when = f"order within {show_figure(left)} months" if left > 0 else late
    return f"With {show_figure(lead)} months of lead time {when}. {_QUOTA}"
