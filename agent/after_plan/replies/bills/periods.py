"""The times of which bills and volumes are asked, and how people say them."""

from typing import Final

from catalogs.units import HOURS_PER_MONTH

PERIODS: Final = {"hour": 1 / HOURS_PER_MONTH, "day": 24 / HOURS_PER_MONTH, "month": 1.0, "quarter": 3.0, "year": 12.0}
"""In months."""
PERIODS_SAID: Final = (
    ("hour", r"hours?|hourly|h|stunden?|stündlich|heures?|horas?|ora|ore"),
    (
        "day",
        r"days?|daily|jours?|journées?|quotidien\w*|tag(?:es?)?|täglich\w*|d[íi]as?|diari[oa]s?|jornadas?|giorn[oi]|"
        r"giornat[ae]|giornalier[oaie]",
    ),
    ("quarter", r"quarters?|quarterly|quartale?|trimestr\w+"),
    (
        "year",
        r"years?|jahr(?:es?)?|jährlich\w*|par an|l'an|ans|années?|años?|anno|annuel\w*|yearly|annual\w*|"
        r"anual\w*|annum|yr|"
        r"twelve months|12 months|run rate|一年|每年",
    ),
    ("month", r"months?|monthly|monat\w*|mois|mensuel\w*|mes(?:es)?|mensual\w*|mese|mensile"),
)
