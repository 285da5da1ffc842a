"""How sure a plan is, in plain words."""

from collections.abc import Iterator, Mapping
from typing import Any

from catalogs.units import show_bytes, show_figure, show_rate, show_seconds, show_usd

_ACRONYMS = {"ttft": "TTFT", "itl": "ITL", "e2e": "E2E", "kv": "KV", "usd": "USD"}


def bands_items(bands: Mapping[str, Any]) -> tuple[str, ...]:
    """Return a sentence for each figure that has a band; a band is a pair, or a mapping with low and high."""
    return tuple(_items(bands, ()))


def _items(tree: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    for key, value in tree.items():
        here = (*path, str(key))
        pair = _pair(value)
        if pair is not None:
            low, high = (_shown(bound, here) for bound in pair)
            yield f"{_named(here)}: between {low} and {high}."
        elif isinstance(value, Mapping):
            yield from _items(value, here)
        elif isinstance(value, int | float | str) and not isinstance(value, bool):
            yield f"{_named(here)}: {_shown(value, here) if not isinstance(value, str) else value}."


def _pair(value: object) -> tuple[float, float] | None:
    if (
        isinstance(value, Mapping)
        and isinstance(value.get("low"), int | float)
        and isinstance(value.get("high"), int | float)
    ):
        return float(value["low"]), float(value["high"])
    if isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(item, int | float) for item in value):
        return float(value[0]), float(value[1])
    return None


def _named(path: tuple[str, ...]) -> str:
    """Return 'TTFT at peak, p95' from performance.at_peak.ttft_s.p95, and likewise for any path."""
    words = [_words(part) for part in path]
    if words[0] == "performance" and len(words) > 2:
        when, what, *rest = words[1:]
        words = [f"{what} {when}", *rest]
    return ", ".join(words)


def _words(part: str) -> str:
    for unit in ("_per_s", "_bytes", "_usd", "_s"):
        part = part.removesuffix(unit)
    return " ".join(_ACRONYMS.get(word, word) for word in part.split("_"))


def _shown(value: float, path: tuple[str, ...]) -> str:
    for part in reversed(path):
        if part.endswith("tokens_per_s"):
            return show_rate(value, "tokens/s")
        if part.endswith("_per_s"):
            return show_rate(value)
        if part.endswith("_s"):
            return show_seconds(value)
        if part.endswith("_bytes"):
            return show_bytes(value)
        if "usd" in part:
            return show_usd(value)
    return show_figure(value)
