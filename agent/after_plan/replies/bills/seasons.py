"""A load of some months or days alone: what the time costs with it and without."""

import re
from typing import Final

from agent.interpret.words.numerals import in_figures
from agent.talk.state import Branch
from catalogs.units import HOURS_PER_MONTH, show_usd
from engine.planning.phrases import counted

MONTHS: Final = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?"
)
_NAMED: Final = re.compile(rf"\b(?:in|for|during|only|and|,|every|each)\s*(?P<month>{MONTHS})\b(?! \d)", re.I)
_COUNTED: Final = re.compile(r"\b(?:for|in|during) (?P<count>\d{1,2}) months\b", re.I)
_WEEKDAYS: Final = (
    r"mondays?|tuesdays?|wednesdays?|thursdays?|fridays?|saturdays?|sundays?|weekends?|workdays?|weekdays?"
)
_ON_DAYS: Final = re.compile(rf"\b(?:on|at|every|each|only|and|,)\s*(?:the )?(?P<day>{_WEEKDAYS})\b", re.I)
_DAYS_OF: Final = {"weekend": 2, "workday": 5, "weekday": 5}
_OF_A_YEAR: Final = re.compile(
    r"\b(?:rest|(?:the )?other (?:months|days)|otherwise|yearly|annual\w*|year|total|every|each)\b", re.I
)


def is_of_year(words: str) -> bool:
    """Return whether words name months, weekdays or the rest of the time, and nothing else."""
    return not re.sub(
        rf"\W|\b(?:{MONTHS}|{_WEEKDAYS}|rest|other|months?|days?|yearly|annual\w*|year|total|of|the|bill|in|on|only|"
        r"stays?|same|as|is)\b",
        "",
        words.lower(),
    )


def year_with(text: str, branch: Branch, base: Branch) -> str:
    """Say what a year costs in which some months, or a month in which some weekdays, have a variant's load.

    Empty where a line names no such time.

    Args:
        text: the line: 'double traffic in december only, rest of year as is', '35 rps on mondays'.
        base: the plan of the other time.
    """
    plans = branch.capacity_plan, base.capacity_plan
    bills = [plan.cost.monthly_usd for plan in plans if plan]
    if len(bills) < 2 or None in bills:
        return ""
    its, own = (float(bill or 0.0) for bill in bills)
    named = {match["month"][:3].lower() for match in _NAMED.finditer(text)}
    so_many = _COUNTED.search(in_figures(text))
    months = len(named) or (int(so_many["count"]) if so_many else 0)
    if 0 < months < 12 and _OF_A_YEAR.search(text):
        return (
            f"A year, {counted(months, 'month')} as this and {12 - months} as plan {base.number}: {months} ×"
            f" {show_usd(its)} + {12 - months} × {show_usd(own)} = {show_usd(months * its + (12 - months) * own)}, each"
            " fleet always on."
        )
    on = {match["day"].lower().rstrip("s") for match in _ON_DAYS.finditer(text)}
    days = sum(_DAYS_OF.get(day, 1) for day in on)
    if not 0 < days < 7:
        return ""
    return (
        f"A month of {HOURS_PER_MONTH:g} hours, {days} of 7 days as this and {7 - days} as plan {base.number}: {days}/7"
        f" × {show_usd(its)} + {7 - days}/7 × {show_usd(own)} = {show_usd((days * its + (7 - days) * own) / 7)}, if"
        " instances are started and stopped by the day."
    )
