"""Currencies: how each is said, and how much of it a dollar was."""

import re
from typing import Final

_USD_PER_EUR: Final = 1.1652
_CHF_PER_EUR: Final = 0.9404
RATES_OF: Final = "reference rates of the European Central Bank of 2026-09-09, as reported"
"""Of both."""
CURRENCIES: Final = {
    "EUR": ("euros?|eur|€|欧元", 1 / _USD_PER_EUR),
    "CHF": ("swiss francs?|francs? suisses?|franken|francs?|chf", _CHF_PER_EUR / _USD_PER_EUR),
    "GBP": ("pounds?|sterling|gbp|£|quid|pence|pennies", None),
    "JPY": ("yen|jpy|¥", None),
    "INR": ("rupees?|inr", None),
    "CNY": ("yuan|rmb|renminbi|cny|人民币", None),
    "CAD": ("canadian dollars?|cad", None),
    "AUD": ("australian dollars?|aud", None),
    "SEK": ("kron[ao]r?|sek", None),
    "NOK": ("norwegian kroner|nok", None),
    "DKK": ("danish kroner|dkk", None),
    "PLN": ("zloty|pln", None),
    "CZK": ("koruna|czk", None),
    "HUF": ("forint|huf", None),
}
"""By code: how it is said, and how much of it a dollar was."""


def per_dollar(said: str) -> float | None:
    """Return how much of the currency that an amount names a dollar was; None where that is not known here."""
    named = (
        rate for words, rate in CURRENCIES.values() if re.search(rf"(?<![a-jl-z])(?:{words})(?![a-z])", said, re.I)
    )
    return next(named, None)
