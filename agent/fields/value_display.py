"""How values of fields are shown that ``catalogs.units`` does not show: terms, formats, lists, samples."""

from catalogs.units import TERM_WORDS, show_figure


def term_shown(term: str) -> str:
    """Return a rental term in words."""
    return TERM_WORDS[term]


def precision_shown(precision: str) -> str:
    """Return a format as people write it: 'BF16'."""
    return precision.upper()


def names_shown(names: tuple[str, ...], most: int | None = None) -> str:
    """Return names with commas; beyond so many the rest is counted."""
    more = [f"{len(names) - most} more"] if most and len(names) > most else []
    return ", ".join([*names[:most], *more])


def size_shown(sample: tuple[float, ...]) -> str:
    """Return how many values a sample has."""
    return str(len(sample))


def gigabytes_shown(size: float) -> str:
    """Return bytes as GB (1e9), without the unit."""
    return show_figure(size / 1e9)


def sampling_shown(sampling: str) -> str:
    """Return how tokens are drawn, as people write it: 'top-p'."""
    return sampling.replace("_", "-")
