"""The names of a catalog, as a sentence may say them: indexed by their words, so that most words are soon no name."""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from typing import Final

from msgspec import Struct

from agent.interpret.names.machines import Machines
from agent.interpret.words.ordinary import word_list
from catalogs.catalog import ACCELERATOR_NOISE, MODEL_NOISE, Catalog
from catalogs.checkpoints import read_checkpoint_name
from catalogs.errors import AmbiguousName, InputError, UnknownName
from catalogs.names import Named, Names, letters_of, words_of

COMMON: Final = word_list("no_names").union(MODEL_NOISE)
"""Words that cannot make a name by themselves."""
WEAK: Final = word_list("weak_names")
"""Words of a name that mean other things too: they need a number or a second word beside them."""
_NO_HEAD: Final = frozenset("b70 m1 m2 m3 m4 m5".split())
"""Chips that are no accelerator unless more is said: M2 Ultra, Arc Pro B70."""
_NO_PRECISION: Final = frozenset("half single q4 8bit 4bit 16bit 32bit f8 f16 f32 i8 i4 bnb".split())
"""Names of precisions that mean something else in a sentence, or leave a choice."""

_NO_PRESET: Final = frozenset(
    "chat reasoning batch apigeneral generalapitraffic conversation longcontext longchat retrieval searchassistant "
    "code summaries summary agentic agent agents thinking api mixedapi b2bapi general bulk".split()
)
"""Names of kinds of traffic that a sentence has for other things."""


class _Kind(Struct, frozen=True, dict=True):
    """The names of one kind of entry, indexed by their words."""

    spellings: Mapping[str, tuple[str, ...]]
    """By id."""

    @cached_property
    def by_word(self) -> dict[str, set[str]]:
        index: dict[str, set[str]] = {}
        for entry, spellings in self.spellings.items():
            for spelling in spellings:
                for word in words_of(spelling):
                    index.setdefault(word, set()).add(entry)
        return index

    @cached_property
    def families(self) -> frozenset[str]:
        """Words of letters alone that can be misspelt."""
        return frozenset(word for word in self.by_word if word.isalpha() and len(word) > 3 and word not in COMMON)

    @cached_property
    def words(self) -> frozenset[str]:
        """Words of letters alone."""
        return frozenset(word for word in self.by_word if word.isalpha() and len(word) > 3)

    def candidates(self, words: Iterable[str], noise: frozenset[str]) -> set[str]:
        """Return the entries that have all the words; a bare number may be a size."""
        found: set[str] | None = None
        for word in words:
            if word in noise:
                continue
            entries = self.by_word.get(word, set())
            if word[0].isdigit() and word[-1].isdigit():
                entries = entries | self.by_word.get(f"{word}b", set()) | self.by_word.get(f"{word}gb", set())
            found = entries if found is None else found & entries
            if not found:
                return set()
        return found or set()


class _NamesAlone(Names):
    """Names that, where nothing is found, do not look for the nearest: most words of a sentence are no names."""

    def nearest(self, text: str, count: int = 3) -> tuple[str, ...]:
        return ()


class Lexicon:
    """The names of a catalog, as a sentence may say them."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        models = catalog.spellings("model")
        self.models = _Kind({id: (id, said.name, *said.aliases, *said.repositories) for id, said in models.items()})
        self.accelerators = _Kind(
            {
                a.id: (a.id, a.name, *a.aliases, f"{a.vendor} {a.form} {a.architecture}")
                for a in catalog.accelerators.values()
            }
        )
        self.whole_names = _whole_names((a.id, a.aliases) for a in catalog.accelerators.values())
        self.whole_models = _whole_names((id, (said.name, *said.aliases)) for id, said in models.items())
        self._names = {
            "model": _NamesAlone(
                "model", [Named(id, (said.name, *said.aliases)) for id, said in models.items()], MODEL_NOISE
            ),
            "accelerator": _NamesAlone(
                "accelerator",
                [
                    Named(a.id, (a.name, *a.aliases), f"{a.vendor} {a.form} {a.architecture}")
                    for a in catalog.accelerators.values()
                ],
                ACCELERATOR_NOISE,
            ),
        }
        self.precisions = {
            letters_of(spelling): precision.id
            for precision in catalog.precisions.values()
            for spelling in (precision.id, precision.name, *precision.aliases)
            if letters_of(spelling) not in _NO_PRECISION
        }
        self.vendors = {
            vendor.lower(): tuple(
                a.id for a in catalog.accelerators.values() if a.vendor == vendor and not a.announced_only
            )
            for vendor in sorted({a.vendor for a in catalog.accelerators.values()})
        }
        consumer = tuple(a.id for a in catalog.accelerators.values() if a.consumer)
        self.classes = {
            "consumer": tuple(id for id in consumer if not catalog.accelerators[id].announced_only),
            "not in data centres": tuple(
                a.id for a in catalog.accelerators.values() if a.consumer or a.form in ("SoC", "CPU")
            ),
        }
        self.runtimes = {
            letters_of(spelling): runtime.id
            for runtime in catalog.runtimes.values()
            for spelling in (runtime.id, runtime.name, *runtime.aliases)
            if not re.search(r"other|generic|any |default|\bsrt\b", spelling.lower())
        }
        self.runtime_words = frozenset(name for name in self.runtimes if name.isalpha() and len(name) > 3)
        self.with_versions = frozenset(id for id, runtime in catalog.runtimes.items() if runtime.newest_version)
        """Serving runtimes of which versions are told apart."""
        rents = {offer.provider: offer.provider for offer in catalog.offers}
        entries = [entry for entry in catalog.providers.values() if entry.id in rents]
        names = rents | {name: entry.id for entry in entries for name in (entry.name, *entry.aliases)}
        self.providers = {letters_of(name): id for name, id in names.items()}
        self.hyperscalers = tuple(sorted(entry.id for entry in entries if entry.hyperscaler))
        self.seats = {entry.id: entry.seat for entry in entries}
        self.machines = Machines(catalog)
        self.regions = {offer.region.lower() for offer in catalog.offers} - {"", "us", "eu", "any", "global", "all"}
        self.places = catalog.places
        self.presets = {
            letters: preset.id
            for preset in catalog.presets.values()
            for letters in map(letters_of, (preset.id, preset.name, *preset.aliases))
            if letters not in _NO_PRESET
        }
        self.heads = (
            frozenset(
                chunk
                for spellings in self.accelerators.spellings.values()
                for spelling in spellings[:-1]
                for chunk in re.split(r"[\s()/-]+", spelling.lower())
                if re.fullmatch(r"[a-z]{1,7}\d{1,4}[a-z]{0,3}", chunk)
                and not re.match(r"sxm|hbm|nvl|nvlink|gddr", chunk)
            )
            - _NO_HEAD
        )
        self._resolved: dict[tuple[str, str], tuple[str, ...]] = {}
        self.stored: dict[str, str] = {}
        """By what was said: the precision in which a named checkpoint is stored."""

    def model(self, text: str) -> tuple[str, ...]:
        """Return the ids of the models that a text may name."""
        return self._resolve("model", text)

    def accelerator(self, text: str) -> tuple[str, ...]:
        """Return the ids of the accelerators that a text may name."""
        return self._resolve("accelerator", text)

    def _resolve(self, kind: str, text: str) -> tuple[str, ...]:
        key = (kind, text.lower())
        if key not in self._resolved:
            try:
                if "/" not in text:
                    self._names[kind].find(read_checkpoint_name(text).model if kind == "model" else text)
                if kind == "model":
                    resolved = self.catalog.model(text)
                    found: tuple[str, ...] = (resolved.model.id,)
                    if resolved.checkpoint and resolved.precision != resolved.model.native_precision:
                        self.stored[text.lower()] = resolved.precision
                else:
                    found = (self.catalog.accelerator(text).id,)
            except AmbiguousName as error:
                found = error.hits
            except (UnknownName, InputError):
                found = ()
            self._resolved[key] = found
        return self._resolved[key]


def _whole_names(named: Iterable[tuple[str, Iterable[str]]]) -> dict[str, dict[str, str]]:
    """Return, by their first word, names of words that mean nothing alone, as 'DGX Spark' and 'Command R'."""
    found: dict[str, dict[str, str]] = {}
    for id, spellings in named:
        for spelling in spellings:
            words = spelling.lower().split()
            if len(words) > 1 and all(word in COMMON or word in WEAK for word in words):
                for ending in ("", "s"):
                    found.setdefault(words[0], {})[letters_of(spelling) + ending] = id
    return found


@lru_cache(maxsize=4)
def lexicon_of(catalog: Catalog) -> Lexicon:
    """Return the names of a catalog; built once."""
    return Lexicon(catalog)
