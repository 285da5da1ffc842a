"""Prices of APIs as genai-prices (pydantic/genai-prices, MIT) has them → entries of a catalog file.

``python -m catalogs.price_feeds.apis DAY FOLDER`` writes the built-in entries anew; the package is needed here alone.
"""

import re
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from catalogs.toml_text import Digits, entry_text

FIRST_PARTY: Final = ("openai", "anthropic", "google", "mistral", "cohere", "deepseek", "x-ai", "moonshotai", "zai")
"""Providers that sell models of their own, in the order in which a name shared by several is meant."""
HOSTS: Final = ("groq", "together", "fireworks")
"""Providers that serve open models: their entries carry the provider in the id."""
NO_TEXT: Final = re.compile(
    r"audio|image|tts|transcri|realtime|embed|ocr|whisper|moderation|live|voice|video|rerank|robotics|banana|sora|veo|"
    r"search|computer-use|guard|vision|:free|^ft:|\.ft-|omni|nano-banana"
)
"""Of models that do not answer a prompt with text, or not by the token alone."""


def entries(day: date) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each provider with its entries, as they were on a day."""
    from genai_prices import __version__
    from genai_prices.data import providers

    source = f"pydantic/genai-prices {__version__} (MIT), {{}}"
    known = {provider.id: provider for provider in providers}
    taken: set[str] = set()
    for name in (*FIRST_PARTY, *HOSTS):
        provider = known[name]
        found = []
        for model in provider.models:
            entry = _entry(model, name, day)
            if entry is None or entry["id"] in taken:
                continue
            taken.add(entry["id"])
            entry["source"] = source.format((provider.pricing_urls or [name])[0])
            found.append(entry)
        yield name, found


def _entry(model: Any, provider: str, day: date) -> dict[str, Any] | None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    own = provider in FIRST_PARTY
    if NO_TEXT.search(model.id) or (own and model.id.startswith("claude") and provider != "anthropic"):
        return None
    rates = _tiers(model.get_prices(noon))
    if rates is None:
        return None
    batch = _tiers(model.get_prices(noon, {"processing": "batch"}))
    name = model.id if own else f"{provider}-{model.id.rpartition('/')[2]}"
    spoken = {text for text in _equals(model.match) if text != model.id} if own else set()
    return {
        "id": re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-"),
        "name": model.name or model.id,
        "aliases": sorted(text for text in spoken if "/" not in text),
        "checked": day,
        "provider": provider,
        "context": model.context_window,
        "rates": rates,
        "batch_rates": batch if batch != rates else None,
    }


def _tiers(prices: Any) -> list[dict[str, int | Digits]] | None:
    if prices.input_mtok is None or prices.output_mtok is None:
        return None
    columns = {"input": prices.input_mtok, "output": prices.output_mtok, "cached": prices.cache_read_mtok}
    starts = sorted({0} | {tier.start for value in columns.values() for tier in getattr(value, "tiers", ())})
    return [
        {"above": start} | {key: _at(value, start) for key, value in columns.items() if value is not None}
        for start in starts
    ]


def _at(value: Any, start: int) -> Digits:
    price = getattr(value, "base", value)
    for tier in getattr(value, "tiers", ()):
        if tier.start <= start and start:
            price = tier.price
    return Digits(f"{float(price):.15g}")


def _equals(match: Any) -> Iterator[str]:
    """Yield the whole names that a rule of the package accepts."""
    if hasattr(match, "equals"):
        yield match.equals
    for part in getattr(match, "or_", ()):
        yield from _equals(part)


def toml_text(provider: str, found: list[dict[str, Any]]) -> str:
    """Return the entries of a provider as a catalog file."""
    head = f"# What {provider} asks by the token, USD a million. Made by catalogs/price_feeds/apis.py: not by hand.\n"
    return head + "".join(
        entry_text("api_model", {key: value for key, value in entry.items() if value != []}) for entry in found
    )


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    folder.mkdir(exist_ok=True)
    for maker, rows in entries(date.fromisoformat(sys.argv[1])):
        (folder / f"{maker}.toml").write_text(toml_text(maker, rows), encoding="utf-8")
