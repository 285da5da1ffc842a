"""What people say → an entry: digits and sizes must be right, family words may be misspelt.

A name is split into words: 'Llama-3.1-70B' is llama, 3.1, 70b; 'H100' is h, 100. In turn, the first that hits decides:
the same letters; the same words in any order; all words said among those of one spelling of an entry. A plainer entry,
all of whose words the other hits have too, is what people mean by it ('qwen3 235b' is not the VL one).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from difflib import SequenceMatcher
from functools import cached_property, lru_cache

from msgspec import Struct

from catalogs.errors import AmbiguousName, UnknownName

_WORD = re.compile(
    r"[0-9]+x[0-9]+(?:\.[0-9]+)?b(?![a-z])"  # 8x7b
    r"|[0-9]+(?:\.[0-9]+)*(?:[bmt]|gb|gib)(?![a-z0-9])"  # 70b, 135m, 1t, 80gb
    r"|(?<![a-z0-9.])[0-9]+g(?![a-z0-9])"  # 80g, but not the end of a10g
    r"|[0-9]+(?:\.[0-9]+)*"
    r"|(?<![a-z])[ae][0-9]+(?:\.[0-9]+)?b(?![a-z0-9])"  # a3b: active, e4b: effective billions
    r"|[^\W\d_]+"
)
_BESIDE_LETTERS = re.compile(r"[^\w.]|_|(?<![0-9])\.|\.(?![0-9])")
_SIZE = re.compile(r"([0-9.]+)(?:[bmt]|gb)")

EXACT, LOOSE, MISSPELT = 0, 1, 2
REMEMBERED_RESULTS = 4096
"""Results of look-ups that are kept: a conversation looks its model up at each line."""
SIMILAR = 0.8
"""Similarity (difflib) from which a family word counts as misspelt: 'lama' for llama is 0.89, 'qwen' for gwen 0.75."""


@lru_cache(maxsize=1 << 15)
def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a name: runs of letters, numbers, sizes with their unit."""
    return tuple(_canonical(word) for word in _WORD.findall(_plain(text)))


def letters_of(text: str) -> str:
    """Return the letters and digits of a name alone: how two spellings of one name are told to be the same."""
    return _BESIDE_LETTERS.sub("", text.casefold().replace("+", " plus "))


def _plain(text: str) -> str:
    return text.casefold().replace("+", " plus ")  # Command R+ is not Command R


def _canonical(word: str) -> str:
    if word[0].isdigit() and word[-1] == "g":
        return word + "b"
    return word.replace("gib", "gb") if word[0].isdigit() else word


class Named(Struct, frozen=True, dict=True):
    """The names of one entry."""

    id: str
    spellings: tuple[str, ...]
    """Each of them is the entry's whole name: its name, its aliases."""
    qualities: str = ""
    """Words that may be said with it and need not be (maker, form)."""
    layer: int = 0
    """Of the catalog directory that it comes from; a later one wins where both have the same spelling."""

    @cached_property
    def all_spellings(self) -> tuple[str, ...]:
        """The id and the other spellings."""
        return (self.id, *self.spellings)

    @cached_property
    def letters(self) -> frozenset[str]:
        """The letters and digits of each spelling but the id."""
        return frozenset(letters_of(spelling) for spelling in self.spellings)

    @cached_property
    def all_words(self) -> Counter[str]:
        """Every word that may be said of it, as often as one spelling has it."""
        words: Counter[str] = Counter(words_of(self.qualities))
        for spelling in self.all_spellings:
            words |= Counter(words_of(spelling))
        return words

    @cached_property
    def words_of_each(self) -> tuple[Counter[str], ...]:
        """The words of each spelling with those of the qualities: words of two spellings do not make a third.

        Llama 3.1 70B, in which Hermes 4 70B is served too, is no Llama 4 70B.
        """
        qualities = Counter(words_of(self.qualities))
        return tuple(qualities | Counter(words_of(spelling)) for spelling in self.all_spellings)


class Names:
    """The entries of one kind, looked up by what people say."""

    def __init__(
        self, kind: str, entries: Iterable[Named], noise: frozenset[str] = frozenset(), hint: str = ""
    ) -> None:
        self.kind = kind
        self.entries = tuple(entries)
        self.noise = noise
        self.hint = hint
        self._results: dict[tuple[str, bool], str | UnknownName | AmbiguousName] = {}

    def find(self, text: str, whole: bool = False) -> str:
        """Return the id of the entry that the text names.

        Args:
            whole: whether every word of the entry's name must be there, rightly spelt: for names that may well be of
                something else, such as a repository's.

        Raises:
            UnknownName: no entry answers to it.
            AmbiguousName: several do.
        """
        key = (text, whole)
        if key not in self._results:
            if len(self._results) > REMEMBERED_RESULTS:
                self._results.clear()
            try:
                self._results[key] = self._find(text, whole)
            except (UnknownName, AmbiguousName) as error:
                self._results[key] = error
        result = self._results[key]
        if isinstance(result, str):
            return result
        raise result.with_traceback(None)

    def _find(self, text: str, whole: bool) -> str:
        said = self._meaningful(words_of(text))
        stages = [self._same_letters, self._same_words] + ([] if whole else [self._within_words])
        for stage in stages:
            hits = stage(text, said, EXACT if whole else MISSPELT) if said else []
            if hits:
                return self._one_of(hits, text)
        raise self.unknown(text)

    def misspelt(self, text: str) -> bool:
        """Return whether a word of a name that was found is no word of any entry."""
        return any(
            len(word) >= 4 and word.isalpha() and word not in self._known for word in self._meaningful(words_of(text))
        )

    def find_same_letters(self, text: str) -> str | None:
        """Return the id of the entry with a spelling of the same letters and digits, or None."""
        hits = self._same_letters(text, (), EXACT) if letters_of(text) else []
        return self._one_of(hits, text) if hits else None

    def unknown(self, text: str) -> UnknownName:
        """Return the error that says that nothing is called so, with the nearest three."""
        return UnknownName(self.kind, text, self.nearest(text), self.hint)

    def nearest(self, text: str, count: int = 3) -> tuple[str, ...]:
        """Return the ids of the entries whose names are nearest, best first."""
        said, letters = Counter(words_of(text)), letters_of(text)[:100]
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(letters)

        def likeness(entry: Named) -> float:
            best = 0.0
            for spelling in entry.all_spellings:
                matcher.set_seq1(letters_of(spelling))
                best = max(best, matcher.ratio())
            return best + (said & entry.all_words).total() / max(1, said.total())

        return tuple(entry.id for entry in sorted(self.entries, key=likeness, reverse=True)[:count])

    def _meaningful(self, words: Sequence[str]) -> tuple[str, ...]:
        return tuple(word for word in words if word not in self.noise) or tuple(words)

    def _one_of(self, hits: Sequence[Named], text: str) -> str:
        if len(hits) == 1:
            return hits[0].id
        for hit in hits:
            plain = Counter(self._meaningful(words_of(hit.id)))
            if all(plain <= other.all_words and other.all_words != hit.all_words for other in hits if other is not hit):
                return hit.id
        raise AmbiguousName(self.kind, text, [hit.id for hit in hits])

    def _same_letters(self, text: str, said: tuple[str, ...], worst: int) -> list[Named]:
        letters = letters_of(text)
        if letters in self._by_letters_of_id:
            return [self._by_letters_of_id[letters]]
        hits = [entry for entry in self.entries if letters in entry.letters]
        latest = max((entry.layer for entry in hits), default=0)
        return [entry for entry in hits if entry.layer == latest]

    def _same_words(self, text: str, said: tuple[str, ...], worst: int) -> list[Named]:
        def match(entry: Named) -> int | None:
            matches = []
            for spelling in entry.all_spellings:
                words = self._meaningful(words_of(spelling))
                if len(words) == len(said):
                    matches.append(self._covers(said, Counter(words)))
            return min((level for level in matches if level is not None), default=None)

        return self._best(match, worst)

    def _within_words(self, text: str, said: tuple[str, ...], worst: int) -> list[Named]:
        if not any(word[0].isdigit() or len(word) >= 3 for word in said):
            return []

        def match(entry: Named) -> int | None:
            levels = (self._covers(said, words) for words in entry.words_of_each)
            return min((level for level in levels if level is not None), default=None)

        hits = self._best(match, worst)

        def distance(entry: Named) -> tuple[int, int]:
            words = Counter(words_of(entry.id))
            return (Counter(said) - words).total(), words.total()

        return sorted(hits, key=distance)

    def _best(self, match: Callable[[Named], int | None], worst: int) -> list[Named]:
        levels = [(match(entry), entry) for entry in self.entries]
        best = min((level for level, _ in levels if level is not None), default=None)
        return [entry for level, entry in levels if level == best] if best is not None and best <= worst else []

    def _covers(self, said: tuple[str, ...], words: Counter[str]) -> int | None:
        """Return how well words match as many of an entry's (EXACT, LOOSE, MISSPELT); None where one matches none."""
        left, level = words.copy(), EXACT
        missed = []
        for word in said:
            if left[word] > 0:
                left[word] -= 1
            else:
                missed.append(word)
        for word in missed:
            other = next((other for other, count in left.items() if count > 0 and self._like(word, other)), None)
            if other is None:
                return None
            left[other] -= 1
            level = max(level, LOOSE if word[0].isdigit() else MISSPELT)
        return level

    def _like(self, said: str, word: str) -> bool:
        """Return whether a number said is the entry's size ('120' for 120b), or a family word is misspelt."""
        if said[0].isdigit():
            size = _SIZE.fullmatch(word)
            return bool(size) and said == size[1]  # type: ignore[index]
        lengths = len(said), len(word)
        if min(lengths) < 4 or max(lengths) > 1.5 * min(lengths) or said[0] != word[0] or said in self._known:
            return False
        return SequenceMatcher(None, said, word, autojunk=False).ratio() >= SIMILAR

    @cached_property
    def _by_letters_of_id(self) -> dict[str, Named]:
        return {letters_of(entry.id): entry for entry in self.entries}

    @cached_property
    def _known(self) -> frozenset[str]:
        """The words of all entries: one of these is never taken for a misspelling of another (mistral, ministral)."""
        return frozenset(word for entry in self.entries for word in entry.all_words)
