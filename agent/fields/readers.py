"""How the text of a field is read where catalogs.units has no reader for it: defaults of unit, bounds, choices."""

from difflib import get_close_matches
from typing import Final, get_args

from catalogs.errors import InputError, listed, quoted
from catalogs.names import letters_of
from catalogs.units import (
    SECONDS_PER_YEAR,
    TERM_WORDS,
    TOKEN_NOUNS,
    read_billions,
    read_factor,
    read_number,
    read_percentage,
    read_seconds,
    read_usd,
    read_watts,
    read_whole,
)


def read_text(text: str, what: str) -> str:
    """Return the text without the blanks around it."""
    if not text.strip():
        raise InputError(f"{what} is empty")
    return text.strip()


def read_names(text: str, what: str) -> tuple[str, ...]:
    """Return the names of a comma-separated list."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise InputError(f"{what} names nothing; give one or several names, separated by commas")
    return names


def read_size(text: str, what: str) -> str:
    """Return a bare model size as it stands in a spec: '70B'."""
    return f"{read_billions(text, what):g}B"


def read_milliseconds(text: str, what: str) -> float:
    """Return seconds; a bare number is in ms."""
    return read_seconds(text, what, unit="ms")


def read_growth(text: str, what: str) -> float:
    """Return growth a year as a share, above −1: '20' is 0.2; a bare '0.2' may be a share or a per cent."""
    share = read_percentage(text, what, minimum=-0.99)
    if text.strip()[-1:].isdigit() and 0 < abs(share) < 0.01:
        few, many = f"{share * 100:g}%", f"{share * 1e4:g}%"
        raise InputError(f"{what} {quoted(text)} may mean two things: write {few}, or write {many}")
    return share


def read_years(text: str, what: str) -> float:
    """Return years; a bare number is in years."""
    return read_seconds(text, what, unit="y") / SECONDS_PER_YEAR


def read_multiple(text: str, what: str) -> float:
    """Return a factor of at least 1."""
    return read_factor(text, what, minimum=1.0)


def read_positive(text: str, what: str) -> float:
    """Return a number above 0."""
    number = read_number(text, what)
    if not number > 0:
        raise InputError(f"{what} {quoted(text)} must be more than 0")
    return number


def read_not_negative(text: str, what: str) -> float:
    """Return a number of at least 0."""
    number = read_number(text, what)
    if number < 0:
        raise InputError(f"{what} {quoted(text)} must not be negative")
    return number


def read_spares(text: str, what: str) -> int:
    """Return a whole number of at least 0."""
    return read_whole(text, what, minimum=0)


def read_hidden_tokens(text: str, what: str) -> int:
    """Return a number of tokens, of which there may be none."""
    return read_whole(text, what, TOKEN_NOUNS, minimum=0)


def read_level(text: str, what: str) -> int:
    """Return the level of error bands: 50, 80 or 95."""
    from engine.workload import BandLevel

    levels = get_args(BandLevel)
    said = text.strip().removesuffix("%").strip()
    if said not in {str(level) for level in levels}:
        raise InputError(f"{what} {quoted(text)} is not {listed([str(level) for level in levels])} (per cent)")
    return int(said)


def read_default_targets(text: str, what: str) -> str:
    """Return which targets hold where none is stated: interactive or none."""
    from engine.workload import DefaultTargets

    kinds = get_args(DefaultTargets)
    if (said := text.strip().lower()) not in kinds:
        raise InputError(f"{what} {quoted(text)} is not {listed(kinds)}")
    return said


def read_start(text: str, what: str) -> float:
    """Return seconds; a bare number is in seconds."""
    return read_seconds(text, what, unit="s", positive=False)


def read_length(text: str, what: str) -> float:
    """Return seconds, more than 0; a bare number is in seconds."""
    return read_seconds(text, what, unit="s")


def read_task(text: str, what: str) -> str:
    """Return what a model is served for: generate or embed."""
    from engine.workload import Task

    return read_choice(text, what, get_args(Task))


def read_sampling(text: str, what: str) -> str:
    """Return how tokens are drawn: greedy or top_p."""
    from engine.workload import Sampling

    return read_choice(text, what, get_args(Sampling))


def read_kilowatts(text: str, what: str) -> float:
    """Return kW; a bare number is in kW."""
    return read_watts(text, what, unit="kW") / 1e3


def read_monthly_usd(text: str, what: str) -> float:
    """Return USD a month."""
    return read_usd(text, what, per="month")


def read_hourly_usd(text: str, what: str) -> float:
    """Return USD an hour."""
    return read_usd(text, what, per="hour")


_OTHER_TERMS: Final = {
    "1y": "reserved_1y",
    "1year": "reserved_1y",
    "reserved": "reserved_1y",
    "3y": "reserved_3y",
    "3years": "reserved_3y",
    "preemptible": "spot",
    "own": "owned",
}
"""Other names of rental terms."""


def read_choice(text: str, what: str, choices: tuple[str, ...]) -> str:
    """Return which of some words a text is, however it is written.

    Args:
        what: the value's name in a refusal.
        choices: that are accepted.

    Raises:
        InputError: it is none of them.
    """
    by_letters = {letters_of(choice): choice for choice in choices}
    said = letters_of(text)
    if said in by_letters:
        return by_letters[said]
    near = get_close_matches(said, list(by_letters), n=1)
    nearest = f"; did you mean {by_letters[near[0]]}?" if near else ""
    raise InputError(f"{what} {quoted(text)} is not {listed(choices)}{nearest}")


def read_term(text: str, what: str) -> str:
    """Return a rental term."""
    terms = {letters_of(term): term for term in TERM_WORDS} | _OTHER_TERMS
    said = letters_of(text)
    if said in terms:
        return terms[said]
    near = get_close_matches(said, list(terms), n=1)
    nearest = f"; did you mean {terms[near[0]]}?" if near else ""
    raise InputError(f"{what} {quoted(text)} is not {listed(tuple(TERM_WORDS))}{nearest}")
