"""Rules over items instead of letters: a sentence becomes one character per item, a rule one regular expression.

A pattern is written in kinds (those of ``vocabulary``, of what numbers and names are made into, and the composites
below), in quoted words, and with the operators of regular expressions:

    n:num approx* event? per t:time        '20 requests per second', 'about 5M a day'

A name before a colon makes a group. A claimed item matches nothing any more, so that no number is used twice.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import groupby
from typing import Final

from msgspec import Struct, field

from agent.interpret.words.vocabulary import KINDS_OF

CLAIMED: Final = "\x01"
UNKNOWN: Final = frozenset({"unknown"})

NUMBERS: Final = frozenset({"num", "dur", "money", "euro_sum", "pct", "mult", "power", "window", "opaque"})
NAMES: Final = frozenset({"model", "gpu", "gpus", "prec", "runtime", "provider", "region", "place", "preset", "width"})
MADE: Final = NUMBERS | NAMES | {"pctl", "unknown"}
"""Kinds of items that no single word is."""

WITHOUT: Final[Mapping[str, frozenset[str]]] = {
    "soft": NUMBERS | NAMES | {"comma", "stop", "neg"},
    "plain": NUMBERS | NAMES | {"comma", "stop", "neg", "incue", "outcue", "ttft", "itl", "e2e", "in", "out"},
    "near": NUMBERS | NAMES | {"comma", "stop", "neg", "incue", "outcue", "ttft", "itl", "e2e", "in", "out", "conj"},
    "loose": NUMBERS | {"stop", "neg"},
}
"""Composite kinds: every item but those of the given kinds and those claimed."""


class Amount(Struct, frozen=True):
    """A number as said: one value, or those between which it lies."""

    values: tuple[float, ...]
    labels: tuple[str, ...] = ("",)
    small_m: bool = False
    """Written with a small m: millions, or minutes."""

    @property
    def value(self) -> float:
        """The value where there is one; else the first."""
        return self.values[0]

    def times(self, factor: float) -> "Amount":
        """Return it scaled."""
        return Amount(tuple(value * factor for value in self.values), self.labels, self.small_m)


class Item(Struct, eq=False):
    """A word, a number, a mark or a name of the sentence."""

    kinds: frozenset[str]
    start: int
    end: int
    word: str = ""
    """In lower case and rightly spelt."""
    amount: Amount | None = None
    """Of a number and what is made of one: seconds for a duration, a share for a percentage, USD for money."""
    entries: tuple[str, ...] = ()
    """Ids of what a name stands for; several leave a choice."""
    numeric: bool = False
    """It holds a number that somebody said: used, or reported."""
    claimed: bool = False
    negated: bool = False

    def has(self, *kinds: str) -> bool:
        """Return whether it is of any of the kinds."""
        return not self.kinds.isdisjoint(kinds)

    @property
    def number(self) -> Amount:
        """The amount of an item that has one."""
        assert self.amount is not None
        return self.amount


class Sentence(Struct):
    """The items of a text."""

    text: str
    items: list[Item]
    characters: list[str] = field(default_factory=list)
    encoded: str = ""
    """One character per item; empty until it is asked for, and behind a change."""

    @property
    def code(self) -> str:
        """One character per item."""
        if not self.characters:
            self.characters = [_character(item) for item in self.items]
        if not self.encoded:
            self.encoded = "".join(self.characters)
        return self.encoded

    def claim(self, first: int, last: int, *kinds: str) -> None:
        """Take the numbers and names among items first to last (inclusive), and words of some kinds."""
        for index in range(first, last + 1):
            item = self.items[index]
            if item.amount is not None or item.has(*NAMES, "pctl", "opaque", *kinds):
                self.take(index)

    def take(self, index: int, taken: bool = True) -> None:
        """Take an item, be it a word, or give it back."""
        self.items[index].claimed = taken
        if self.characters:
            self.characters[index] = _character(self.items[index])
            self.encoded = ""

    def take_all(self, first: int, last: int) -> None:
        """Take every item from first to last (inclusive)."""
        for index in range(first, last + 1):
            self.take(index)

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Return where items first to last (inclusive) begin and end in the text."""
        return self.items[first].start, self.items[last].end

    def words(self, first: int, last: int) -> str:
        """Return items first to last (inclusive) as typed."""
        start, end = self.span(first, last)
        return self.text[start:end]

    def said(self, first: int, last: int) -> str:
        """Return items first to last (inclusive) as typed, on one line with single spaces."""
        return " ".join(self.words(first, last).split())

    def merge(self, first: int, last: int, item: Item) -> None:
        """Put one item in the place of items first to last (inclusive).

        Args:
            first: position of the first item.
            last: position of the last item.
            item: that takes their place.
        """
        item.numeric = item.numeric or any(other.numeric for other in self.items[first : last + 1])
        self.items[first : last + 1] = [item]
        if self.characters:
            self.characters[first : last + 1] = [_character(item)]
            self.encoded = ""


class Match(Struct, frozen=True):
    """Where a rule holds."""

    sentence: Sentence
    found: re.Match[str]

    @property
    def first(self) -> int:
        """Index of its first item."""
        return self.found.start()

    @property
    def last(self) -> int:
        """Index of its last item."""
        return self.found.end() - 1

    @property
    def items(self) -> list[Item]:
        """Its items."""
        return self.sentence.items[self.first : self.last + 1]

    @property
    def said(self) -> str:
        """Its words as typed, on one line with single spaces."""
        return self.sentence.said(self.first, self.last)

    def index(self, name: str) -> int:
        """Return the index of a group's first item, -1 where it is not there."""
        return self.found.start(name)

    def __contains__(self, name: str) -> bool:
        return self.found.groupdict().get(name) is not None

    def __getitem__(self, name: str) -> Item:
        return self.sentence.items[self.found.start(name)]


class Rule:
    """A pattern over items; compiled when it is first needed."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        _PATTERNS.append(pattern)
        self._compiled: re.Pattern[str] | None = None

    def matches(self, sentence: Sentence) -> Iterator[Match]:
        """Yield the places where it holds, from left to right; what is claimed or merged meanwhile is seen so."""
        compiled = self._compiled = self._compiled or _compiled(self.pattern)
        position = 0
        while found := compiled.search(sentence.encoded or sentence.code, position):
            before = len(sentence.items)
            yield Match(sentence, found)
            position = max(found.end() - (before - len(sentence.items)), position + 1)

    def at_any(self, sentence: Sentence) -> bool:
        """Return whether it holds anywhere."""
        return next(self.matches(sentence), None) is not None

    def at(self, sentence: Sentence, index: int) -> Match | None:
        """Return the match that begins at an item."""
        compiled = self._compiled = self._compiled or _compiled(self.pattern)
        found = compiled.match(sentence.code, index)
        return Match(sentence, found) if found else None


def whole(value: float) -> float:
    """Return a number as an integer where it is one."""
    return int(value) if value == int(value) else value


def tidy(value: float) -> float:
    """Return a number without the last digits, which arithmetic makes."""
    return float(f"{value:.12g}")


def rules(*patterns: str) -> tuple[Rule, ...]:
    """Return a rule for each pattern."""
    return tuple(map(Rule, patterns))


def matches_of(rules: Iterable[Rule], sentence: Sentence) -> Iterator[Match]:
    """Yield the matches of rules, one rule after the other."""
    for rule in rules:
        yield from rule.matches(sentence)


_PATTERNS: Final[list[str]] = []
_ELEMENT = re.compile(
    r"(?:(?P<group>[a-z]\w*):)?(?:'(?P<word>[^']+)'|(?P<kind>[a-z]\w*)|(?P<open>\((?!\?)))|\(\?(?:<[=!]|[=!:])|(?P<space>\s+)"
)


_FIRST_CODE: Final = 0x10000
"""Beyond the characters for which a set of them is compiled into a map of 64 KiB."""


class _Alphabet(Struct, frozen=True):
    """A character for each set of kinds that rules tell apart."""

    of_kinds: dict[frozenset[str], str]
    of_word: dict[str, str]
    codes: dict[str, list[int]]
    """By kind, ascending."""

    def encode(self, item: Item) -> str:
        if item.kinds <= MADE and item.kinds != UNKNOWN:
            return self.of_kinds[item.kinds]
        return self.of_word.get(item.word, self.of_kinds[UNKNOWN])


def _character(item: Item) -> str:
    return CLAIMED if item.claimed else _alphabet().encode(item)


@cache
def _alphabet() -> _Alphabet:
    told_apart, literals = set(MADE).union(*WITHOUT.values()), set()
    for pattern in _PATTERNS:
        for element in _ELEMENT.finditer(pattern):
            if element["word"]:
                literals.add(element["word"])
            elif element["kind"]:
                told_apart.add(element["kind"])
    kinds_of_word: dict[str, set[str]] = {literal: {f"'{literal}'"} for literal in sorted(literals)}
    for word, kinds in KINDS_OF.items():
        kinds_of_word.setdefault(word, set()).update(kinds & told_apart)
    for word, own in kinds_of_word.items():
        if not KINDS_OF.get(word, frozenset()) & told_apart:
            own.add("unknown")  # a rule's own word is to all others any word
    of_kinds: dict[frozenset[str], str] = {}
    for one in [UNKNOWN, *(frozenset({kind}) for kind in sorted(MADE))]:
        of_kinds.setdefault(one, chr(_FIRST_CODE + len(of_kinds)))
    of_word = {
        word: of_kinds.setdefault(frozenset(own) or UNKNOWN, chr(_FIRST_CODE + len(of_kinds)))
        for word, own in sorted(kinds_of_word.items(), key=lambda one: sorted(one[1], reverse=True))
    }
    codes: dict[str, list[int]] = {}
    for kinds, character in of_kinds.items():
        for kind in (*kinds, *(name for name, out in WITHOUT.items() if kinds.isdisjoint(out))):
            codes.setdefault(kind, []).append(ord(character))
    return _Alphabet(of_kinds, of_word, codes)


@cache
def _class_of(kind: str) -> str:
    """Return what matches a character of a kind: ranges, which compile in a fraction of the time."""
    runs = groupby(enumerate(_alphabet().codes[kind]), lambda at: at[1] - at[0])
    ends = [(run[0][1], run[-1][1]) for run in (list(run) for _, run in runs)]
    return f"[{''.join(f'{chr(first)}-{chr(last)}' for first, last in ends)}]"


def _compiled(pattern: str) -> re.Pattern[str]:
    def translated(element: re.Match[str]) -> str:
        if element["open"]:
            return f"(?P<{element['group']}>" if element["group"] else "(?:"
        if not element["word"] and not element["kind"]:
            return "" if element["space"] else element.group()
        one = _class_of(f"'{element['word']}'" if element["word"] else element["kind"])
        return f"(?P<{element['group']}>{one})" if element["group"] else one

    return re.compile(_ELEMENT.sub(translated, pattern), re.DOTALL)
