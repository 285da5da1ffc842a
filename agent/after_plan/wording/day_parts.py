"""A day in parts, each with its rate: '20 rps for two hours, 4 the rest of the day, 0.5 at night'."""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from agent.fields.demand import BOTH, GIVEN_AS, PEAK, RATE
from agent.interpret.traffic.peaks import usual_ratio
from agent.interpret.words.numerals import in_figures
from agent.talk.requests import Variation
from catalogs.units import show_figure, show_rate

_CLAUSES: Final = re.compile(r"\s*(?:[,;]|\.(?=\s|$)|\b(?:and|then|but|und|et|y)\b|\s-\s)\s*", re.I)
_HOURS: Final = re.compile(r"(?<![\w.])(?P<hours>\d+(?:\.\d+)?) ?(?:h|hrs?|hours?|stunden|heures|horas)\b", re.I)
_FIGURE: Final = re.compile(
    r"(?<![\w.$€£/])(?P<rate>\d+(?:\.\d+)?)(?: ?(?:rps|qps|(?:requests?|req|calls) ?(?:/|per|a) ?s(?:ec(?:ond)?)?))?"
    r"(?![\w.]*\d)(?! ?(?:h|hrs?|hours?|percent|tokens?|gpus?|users?|ms|s|x|k|days?|stunden|heures|horas)\b)"
    r"(?! ?[%$€])",
    re.I,
)
_NIGHT: Final = re.compile(r"\b(?:nights?|nigth|overnight|nachts?|nuit|noche|small hours|off-?hours|[1-5] ?am)\b", re.I)
_REST: Final = re.compile(
    r"\b(?:rest|remaining|otherwise|else|elsewhere|other hours|besides|sonst|übrige\w*|reste|resto|"
    r"(?:during|in|over|by) the day|by day|day ?time|tags(?:über)?)\b",
    re.I,
)
_PEAK: Final = re.compile(r"\b(?:peaks?|busiest|rush|max(?:imum)?)\b", re.I)
_NIGHT_H: Final = 8.0
"""Hours of a night, 22 to 6, where none are said."""
_FIRST_H: Final = 10
"""Of a day, at which the parts begin that say how long they are."""


class _Part(Struct, frozen=True):
    rate: float
    """Requests/s."""
    hours: float
    """Of a day; 0 for the rest of it."""
    night: bool


def day_parts(said: str, base: Mapping[str, Any]) -> Variation | None:
    """Return the load of a line that gives each part of a day its rate; None where it does not, or leaves hours open.

    Args:
        said: the line: a peak without a rate is the plan's.
        base: values of the plan by path.
    """
    peak = (base.get(RATE) or 0.0) * usual_ratio(base)
    at_night = bool(_NIGHT.search(said))
    read = [_part(clause, peak, at_night) for clause in _CLAUSES.split(in_figures(said)) if re.search(r"\d", clause)]
    parts = [part for part in read if part]
    named = sum(part.hours for part in parts)
    rests = [part for part in parts if not part.hours]
    if len(parts) < 2 or len(parts) < len(read) or len(rests) > 1 or named > 24 or (not rests and named < 24):
        return None
    parts = [part if part.hours else _Part(part.rate, 24 - named, False) for part in parts]
    rates = _by_hour(parts)
    mean = sum(rates) / 24
    shown = ", ".join(f"{show_rate(part.rate)} for {show_figure(part.hours)} h" for part in parts)
    night = "; a night of 8 h" if any(part.night for part in parts) and not _HOURS.search(_night_clause(said)) else ""
    values = {
        RATE: mean, PEAK: max(rates) / mean, "traffic.hourly_profile": tuple(rate / mean for rate in rates),
        GIVEN_AS: BOTH,
    }  # fmt: skip
    return Variation(values, dict.fromkeys(values, said), f"{shown}: {show_rate(mean)} on average{night}")


def night_rate(said: str) -> float | None:
    """Return the requests/s of a line that gives the night alone a rate: 'at night 2 rps'; None for any other.

    Args:
        said: the line: of more figures than the rate, none is meant.
    """
    text = in_figures(said)
    rates = _AT_NIGHT.findall(text)
    alone = len(rates) == 1 and not re.search(r"\d", _NIGHT.sub(" ", _AT_NIGHT.sub(" ", text)))
    return float(rates[0]) if alone and _NIGHT.search(text) and not _BATCH.search(text) else None


_AT_NIGHT: Final = re.compile(
    r"(?<![\w.$€£/])(\d+(?:\.\d+)?) ?(?:rps|qps|(?:requests?|req|calls) ?(?:/|per|a) ?s(?:ec(?:ond)?)?)(?!\w)", re.I
)
_BATCH: Final = re.compile(
    r"\b(?:batch\w*|peaks?|busiest|what (?:load|rate)|on this fleet|max\w*|another|"
    r"second (?:load|work\w*|service)|last night|utili[sz]\w*|busy|loaded)\b",
    re.I,
)
"""Words of a load of its own that a night has: no quiet end of the plan's day."""


def _night_clause(said: str) -> str:
    return next((clause for clause in _CLAUSES.split(said) if _NIGHT.search(clause)), "")


def _part(clause: str, peak: float, at_night: bool) -> _Part | None:
    """Return the part of a day that a clause gives a rate; None where it gives none, or several.

    Args:
        clause: words.
        peak: of the plan, requests/s.
        at_night: whether another clause gives the night a rate.
    """
    hours, rates = _HOURS.search(clause), _FIGURE.findall(_HOURS.sub(" ", clause))
    # Beside a night's rate a peak's is that of the day.
    night, peak_of_day = bool(_NIGHT.search(clause)), at_night and bool(_PEAK.search(clause)) and bool(rates)
    rest = bool(_REST.search(clause)) or peak_of_day
    if len(rates) > 1 or not (hours or night or rest):
        return None
    if not rates and not (_PEAK.search(clause) and hours and peak):
        return None
    length = float(hours["hours"]) if hours else _NIGHT_H if night else 0.0
    return _Part(float(rates[0]) if rates else peak, length, night)


def _by_hour(parts: list[_Part]) -> list[float]:
    """Return the rate of each hour of a day: nights from 22 on, what says its length from 10 on, the rest around it."""
    most = max(part.rate for part in parts)
    longest = max(parts, key=lambda part: part.hours)
    rates, at = [longest.rate] * 24, _FIRST_H
    for part in (one for one in parts if one is not longest):
        begins = 22 if part.night else at
        for hour in range(begins, begins + round(part.hours)):
            rates[hour % 24] = part.rate
        at += 0 if part.night else round(part.hours)
    return [max(rate, most * 1e-4) for rate in rates]
