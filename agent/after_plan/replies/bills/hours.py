"""What a plan costs that runs at some hours of the week alone."""

import re
from typing import Final

from agent.after_plan.replies.asked import Asked, paragraphs
from agent.after_plan.sums import Explanation
from agent.report.words import unknown_bill
from catalogs.units import HOURS_PER_MONTH, SECONDS_PER_HOUR, show_figure, show_percent, show_seconds, show_usd
from engine.planning.outage import start_s

_WEEK_H: Final = 168
_DAYS: Final = ("mo", "tu", "we", "th", "fr", "sa", "su")
_IN_GERMAN: Final = {"di": "tu", "mi": "we", "do": "th", "so": "su"}
_DAY: Final = rf"({'|'.join((*_DAYS, *_IN_GERMAN))})[a-zé]*"
_FROM_DAY: Final = re.compile(rf"\b{_DAY} ?(?:-|–|to|through|thru|till|until|bis) ?{_DAY}\b")
_DAYS_A_WEEK: Final = re.compile(r"\b([1-7]) days?(?: a| per| each| every|/) ?week\b|(?<=\d[x/])([1-7])\b")
_EVERY_DAY: Final = r"every day|each day|daily|all week|weekends? included"
_WORKING: Final = (
    r"week ?days?|working days?|work ?days?|werktag\w*|wochenende\w*|semaine|lunes|feriali|week-?ends?|"
    r"(?:office|business|working|opening) (?:hours|times?)|bürozeiten"
)
_WEEKEND: Final = r"week-?ends?|wochenende\w*|fines? de semana"
_NOT_THEN: Final = r"off|down|not?|without|except|outside|closed|shut|idle|nobody|week ?days?|mon|mondays?|and"
"""Words beside a weekend by which it is the time of no use, or a part of it."""
_CLOCK: Final = r"(\d{1,2})(?:[:.h][0-5]\d|h)?(?: ?(?:uhr|o'?clock))? ?(am|pm)?"
_FROM_TO: Final = re.compile(
    rf"(?<![\d.,:]){_CLOCK} ?(?:-|–|to|till|until|through|and|bis|und|à|a|alle) ?{_CLOCK}\b(?![.,]?\d|%)"
    r"(?! ?(?:days?|rps|gpus?|hours?|users?|tokens?|replicas?))"
)
_HOURS: Final = re.compile(
    r"\b(\d{1,3})(?:[x/](?=[1-7]\b)|"
    r" ?(?:h|hours?|hrs?|stunden|heures|horas)\b(?: (?:a|per|each|every)| ?/)? ?(week|month)?)"
)
_OFFICE_H: Final = 10.0
"""Hours a day, where none are said: 8 to 18, an example."""


def names_hours(words: str) -> bool:
    """Return whether a line switches something off, or names the hours of a clock."""
    return bool(
        _FROM_TO.search(words)
        or re.search(r"\b(?:switch|turn|shut|power|stop|it'?s|is) ?\w* (?:it )?(?:off|down)\b", words)
    )


def _is_off(asked: Asked) -> bool:
    """Return whether the hours that a line names are those in which nobody comes."""
    return asked.has(r"dead|nobody|no ?one|idle|empty|quiet|zero traffic") and not asked.has(
        r"only|open|office|work\w*"
    )


def hours(asked: Asked) -> Explanation:
    """Return the bill of the hours of use alone, where all is switched off otherwise, and what that takes."""
    plan, monthly, offer = asked.plan, asked.plan.cost.monthly_usd, asked.plan.chosen.offer
    if monthly is None:
        return paragraphs(unknown_bill(plan.cost))
    days, day_h, taken = _said(asked)
    if not days:
        return paragraphs(
            "At which hours does it run? Say them, as in 'mon-fri 8-18', and the bill of those alone is given."
        )
    start = start_s(plan.autoscaling)
    typed = [found[0].strip() for pattern in (_FROM_TO, _HOURS) if (found := pattern.search(asked.words))]
    said = f"{'without ' if _is_off(asked) else ''}{typed[0]}: " if typed else ""
    share = min(1.0, days * (day_h + start / SECONDS_PER_HOUR) / _WEEK_H)
    lead = (
        f"Switched off otherwise: {show_usd(share * monthly)} a month in place of {show_usd(monthly)},"
        f" {show_percent(share)} of it: {show_usd(monthly / HOURS_PER_MONTH)} an hour ×"
        f" {show_figure(share * HOURS_PER_MONTH)} of the {show_figure(HOURS_PER_MONTH)} hours of a month"
        f" ({said}{show_figure(days)} days × {show_figure(day_h)} h a week, and {show_seconds(start)} before each"
        " opening until new nodes serve)."
    )
    pays = "Machines of your own are paid for in every hour: only their power is saved."
    if offer and offer.term in ("on_demand", "spot"):
        below = show_percent(share)
        pays = f"A reserved price is paid for every hour: it wins only where it is below {below} of this one."
    elif offer:
        pays = "But this price is reserved, and paid for every hour: switching off saves nothing until its term ends."
    scaled = plan.cost.autoscaled_monthly_usd
    beside = (
        f"The autoscaler alone, on at all hours for whoever comes, takes the bill to {show_usd(scaled)} a month."
        if scaled is not None and scaled < monthly
        else ""
    )
    load = (
        "The fleet stays as it is, sized for the busiest hour. If a day's requests all come in those hours, say so"
        " ('300,000 requests a day between 8 and 18'): a mean rate is taken over 24 h."
    )
    return paragraphs(lead, pays, beside, load, taken)


def _said(asked: Asked) -> tuple[float, float, str]:
    """Return the days a week and the hours a day of a line, and what was taken for one of them; 0 for neither."""
    words, days, day_h = asked.words, 0.0, 0.0
    if match := _FROM_DAY.search(words):
        first, last = (_DAYS.index(_IN_GERMAN.get(day, day)) for day in match.groups())
        days = (last - first) % 7 + 1.0
    elif match := _DAYS_A_WEEK.search(asked.figures):
        days = float(match[1] or match[2])
    elif asked.has(_EVERY_DAY):
        days = 7.0
    elif asked.has(_WEEKEND) and not asked.has(_NOT_THEN):
        days = 2.0
    elif asked.has(_WORKING):
        days = 5.0
    if "nine-to-five" in words.replace("nine to five", "nine-to-five"):
        day_h = 8.0
    elif match := _FROM_TO.search(words):
        day_h = _between(int(match[1]), match[2], int(match[3]), match[4])
        day_h = 24 - day_h if _is_off(asked) else day_h
    elif match := _HOURS.search(words):
        day_h = float(match[1])
        if match[2]:
            days = days or 7.0
            day_h *= (_WEEK_H / HOURS_PER_MONTH if match[2] == "month" else 1.0) / days
    timed = 0 < day_h <= 24
    if not (days or timed or names_hours(words)):
        return 0.0, 0.0, ""
    usual = 24.0 if asked.has(_WEEKEND) and asked.has("off|shut|closed") else _OFFICE_H
    taken = [] if timed or usual > _OFFICE_H else [f"{show_figure(_OFFICE_H)} hours a day"]
    taken += [] if days else ["every day of the week"]
    shown = f"Not said, and taken: {' and '.join(taken)}." if taken else ""
    return days or 7.0, day_h if timed else usual, shown


def _between(first: int, half: str | None, last: int, other: str | None) -> float:
    """Return the hours from one time of a day to another: '8 to 6' is until the evening."""
    begins = first % 12 + 12 if half == "pm" else first % 12 if half == "am" else first
    ends = last % 12 + 12 if other == "pm" else last % 12 if other == "am" else last
    if not half and not other and ends <= begins < 12:
        ends += 12
    return float((ends - begins) % 24 or 24)
