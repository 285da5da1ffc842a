"""What a shell completes behind an option: names of the catalog, fields, plans that are kept; each read when asked for.

Typer writes the scripts of the shells (``--install-completion``) and asks here with what stands before the cursor.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final, TypeAlias

import typer

from catalogs.errors import FleetcastError

if TYPE_CHECKING:
    from catalogs.catalog import Catalog

Completions: TypeAlias = Iterator[tuple[str, str]]
"""Words and what is said beside them."""


def _entries(kind: str) -> "Callable[[Catalog, str], Completions]":
    return lambda facts, provider: ((entry.id, entry.name) for entry in getattr(facts, kind).values())


def _providers(facts: "Catalog", provider: str) -> Completions:
    yield from dict.fromkeys((offer.provider, "") for offer in facts.offers)


def _regions(facts: "Catalog", provider: str) -> Completions:
    for place in facts.places.places.values():
        for owner, codes in place.regions.items():
            if provider in ("", owner):
                yield from ((code, f"{place.name} ({owner})") for code in codes)


def _terms(facts: "Catalog", provider: str) -> Completions:
    from catalogs.units import TERM_WORDS

    yield from TERM_WORDS.items()


_SOURCES: "Final[dict[str, Callable[[Catalog, str], Completions]]]" = {
    **{kind: _entries(kind) for kind in ("models", "accelerators", "precisions", "presets", "runtimes")},
    "providers": _providers,
    "regions": _regions,
    "terms": _terms,
}
KIND_OF_FIELD: Final = {
    "model": "models",
    "hardware.accelerators": "accelerators",
    "hardware.excluded": "accelerators",
    "precision.weights": "precisions",
    "precision.kv_cache": "precisions",
    "preset": "presets",
    "serving.runtime": "runtimes",
    "money.provider": "providers",
    "money.excluded_providers": "providers",
    "money.region": "regions",
    "money.term": "terms",
}
"""By path of a field, whose names complete it."""


def names_of(kind: str) -> list[str]:
    """Return the names of a kind in the built-in catalog."""
    from catalogs.catalog import Catalog

    return [name for name, _ in _SOURCES[kind](Catalog.load(), "")]


def names_completed(kind: str) -> Callable[[typer.Context, str], list[tuple[str, str]]]:
    """Return the completion of names of a kind, of the last one where several stand between commas.

    Args:
        kind: of the catalog's entries, or providers, regions (those of the provider that was given), terms.
    """

    def complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        from commands.catalogs_of_user import user_catalogs

        before, comma, begun = incomplete.rpartition(",")
        provider = "".join((ctx.params.get("provider") or ("",))[:1])
        with suppress(FleetcastError):  # a broken file of the user's own is told by a command, not at a prompt
            found = _SOURCES[kind](user_catalogs(), provider)
            return [(f"{before}{comma}{name}", about) for name, about in _begun_so(found, begun)]
        return []

    return complete


def settings_completed(incomplete: str) -> list[tuple[str, str]]:
    """Return the flags that may be settings."""
    from agent.statements.flags import ALL

    # A description that is longer than a line is broken by typer, and zsh takes no more than one.
    short = ((flag.flag.removeprefix("--"), re.split(r"[:.;] ", flag.help)[0].rstrip(".")) for flag in ALL)
    return list(_begun_so(short, incomplete))


def setting_value_completed(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the names that the setting whose name stands before may have."""
    from agent.statements.settings import setting_called

    with suppress(FleetcastError):
        kind = KIND_OF_FIELD.get(setting_called(str(ctx.params.get("name") or "")).path)
        return names_completed(kind)(ctx, incomplete) if kind else []
    return []


def _begun_so(found: Completions, begun: str) -> Completions:
    """Yield the words that begin so, whatever their case, in the case in which they were begun."""
    return (
        (begun + word[len(begun) :], about) for word, about in found if word.casefold().startswith(begun.casefold())
    )
