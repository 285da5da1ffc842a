"""A load of some months of the year: what a year costs with it and without."""

import re
from typing import Final

from agent.interpret.words.numerals import in_figures
from agent.talk.state import Branch
from catalogs.units import show_usd

_MONTHS: Final = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|"
    r"nov(?:ember)?|dec(?:ember)?"
)
_NAMED: Final = re.compile(rf"\b(?:in|for|during|only|and|,|every|each)\s*(?P<month>{_MONTHS})\b(?! \d)", re.I)
_COUNTED: Final = re.compile(r"\b(?:for|in|during) (?P<count>\d{1,2}) months\b", re.I)
_OF_A_YEAR: Final = re.compile(
    r"\b(?:rest of|(?:the )?other months|otherwise|yearly|annual\w*|year|total|every|each)\b", re.I
)


def is_of_year(words: str) -> bool:
    """Return whether words name months or the rest of a year, and nothing else."""
    return not re.sub(
        rf"\W|\b(?:{_MONTHS}|rest|other|months?|yearly|annual\w*|year|total|of|the|bill|in|only)\b", "", words.lower()
    )


def year_with(text: str, branch: Branch, base: Branch) -> str:
    """Say what a year costs in which some months have a variant's load; empty where a line names no such months.

    Args:
        text: the line: 'double traffic in december only, rest of year as is'.
        branch: the variant.
        base: the plan of the other months.
    """
    named = {match["month"][:3].lower() for match in _NAMED.finditer(text)}
    counted = _COUNTED.search(in_figures(text))
    months = len(named) or (int(counted["count"]) if counted else 0)
    plans = branch.capacity_plan, base.capacity_plan
    if not 0 < months < 12 or not _OF_A_YEAR.search(text) or not all(plans):
        return ""
    bills = [plan.cost.monthly_usd for plan in plans if plan]
    if None in bills:
        return ""
    its, own = (float(bill or 0.0) for bill in bills)
    so = f"{months} month{'s' if months > 1 else ''}"
    return (
        f"A year, {so} as this and {12 - months} as plan {base.number}: {months} × {show_usd(its)} + {12 - months} ×"
        f" {show_usd(own)} = {show_usd(months * its + (12 - months) * own)}, each fleet always on."
    )
