"""A line as features: its words, pairs and pieces of words, and the concepts that they are of."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from typing import Final

from agent.learned.features import Features, bucketed, pieces

_NAMES: Final = tuple(
    (re.compile(pattern, re.I), f" {word} ")
    for pattern, word in (
        (r"</?[a-z][^>]*>|[{}$]{2}|;--|\brm -rf\b|\bselect \*|\bdrop table\b", "qxcode"),
        (r"\b(?:rtx ?)?(?:[2345]0[6789]0)(?: ?ti)?s?\b|\bgaming (?:card|gpu)s?\b", "qxcard"),
        (
            r"\b(?:\d+ ?[x×]? ?)?(?:nvidia |amd |intel |google )?(?:[abhlv]\d{1,3}[a-z]?s?|t4s?|mi\d{3}x?|gb?[hb]?200|"
            r"b[23]00|rtx ?a?\d{4}|rtx pro ?\d*|gaudi ?\d?|tpu(?: ?v\d\w?)?s?|trainium\d?|inferentia\d?|amd|nvidia)"
            r"(?:-(?:sxm|pcie|nvl))?(?: \d+ ?gb)?\b",
            "qxgpu",
        ),
        (
            r"\b(?:meta[- ])?(?:llama|qwen|mistral|mixtral|gemma|phi|deepseek|gpt[- ]oss|granite|kimi|glm|nemotron|yi|"
            r"falcon|olmo|command[- ]r|codestral|devstral|ministral|minimax)"
            r"(?:[- ]?(?:small|large|medium|nemo|mini|instruct|v?\d[\w.]*))*\b|\b\d+(?:\.\d+)?b\b(?! ?token)",
            "qxmodel",
        ),
        (
            r"\b(?:aws|azure|gcp|google cloud|oracle(?: cloud)?|oci|lambda(?: labs)?|runpod|coreweave|nebius|crusoe|"
            r"vast(?:\.ai)?|hetzner|ovh|scaleway|alibaba|digitalocean|vultr|ibm cloud|hyperstack|paperspace)\b",
            "qxcloud",
        ),
        (
            r"\b(?:fp|bf|int|mxfp|nvfp|w)(?:4|8|16|32)(?:a\d+)?\b|\b\d+[- ]bit\b|\b(?:awq|gptq|gguf)\b",
            "qxformat",
        ),
        (r"\b(?:tp|pp|dp|ep)[ =]?\d+\b", "qxsplit"),
        (r"\b(?:mon|tue|wed|thu|fri|sat|sun)(?:[a-z]*days?)?\b", "qxday"),
        (
            r"(?<![\w.])\d{1,2}(?::\d\d)? ?(?:[ap]m\b|[-–] ?\d{1,2}(?::\d\d)?(?![\w.,%]| ?(?:gpu|card|replica)))",
            "qxclock",
        ),
        (r"\bp(?:50|90|95|99)(?:\.9)?\b", "qxpercentile"),
    )
)
"""Names of a kind, and the word that each becomes."""
_QUANTITIES: Final = tuple(
    (re.compile(pattern), f" {word} ")
    for pattern, word in (
        (
            r"(?:\$|€|£|usd|eur|us\$) ?\d[\d.,]*(?: ?[kmb]\b)?|"
            r"\b\d[\d.,]*(?: ?k)? ?(?:dollars?|usd|euros?|eur|bucks|(?:swiss )?francs?|chf|pounds?|gbp|yen|\$|€|£)",
            "qxmoney",
        ),
        (r"\b\d[\d.,]* ?(?:ms|milliseconds?|s|secs?|seconds?)\b", "qxtime"),
        (r"\b\d[\d.,]* ?(?:rps|qps|requests?/s|req/s)\b", "qxrate"),
        (r"\b\d[\d.,]* ?(?:%|percent\b)", "qxshare"),
        (r"\b[x×]\d[\d.,]*\b|\b\d[\d.,]*[x×]", "qxtimes"),
        (r"->|=>|→", "qxarrow"),
        (r"\b\d[\d.,]*k\b", "qxthousands"),
        (r"\b\d[\d.,]*\b", "qxnumber"),
    )
)
"""Numbers of a kind, and the word that each becomes."""
_WORD: Final = re.compile(r"[^\W_]+(?:[-'/][^\W_]+)*|[?$€£]")
_SIGNS: Final = r"[\u3040-\u30ff\u4e00-\u9fff]"
"""Of Chinese and Japanese."""
_IDEOGRAPH: Final = re.compile(_SIGNS)
_BORDER: Final = re.compile(rf"(?<={_SIGNS})(?=[a-z0-9])|(?<=[a-z0-9])(?={_SIGNS})", re.I)
_FEWEST: Final = 3
"""Letters of a word that has pieces."""
_SHORTEST_SLIP: Final = 5
"""Letters of a word that is taken for another, one slip away."""
_MANY: Final = 3
"""Subjects in a line, beyond which more say nothing."""
_PAIR, _CONCEPT, _CONCEPT_PAIR = 0.7, 1.5, 0.7
"""Weights beside a word's, which is 1 as that of its pieces together; cross-validation moves little with them."""


_COMMON: Final = (
    "the what which when where who how why does long much many would could should that this with there".split()
)
_SWAPPED: Final = {
    word[:at] + word[at + 1] + word[at] + word[at + 2 :]: word for word in _COMMON for at in range(len(word) - 1)
}
"""Common words with two letters swapped: 'hwo long does teh'."""


class Concepts:
    """Words that mean alike: by the name of what they mean."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]]) -> None:
        """Take the words of each concept, between blanks; a * at the end stands for any rest, _ joins two words.

        Args:
            tables: of concepts; those of "subjects" are what a plan can be asked about.
        """
        self._whole: dict[str, tuple[str, ...]] = {}
        self._beginnings: dict[str, tuple[str, ...]] = {}
        self._subjects = frozenset(tables.get("subjects", ()))
        for concept, listed in (entry for concepts in tables.values() for entry in concepts.items()):
            for word in listed.split():
                table = self._beginnings if word.endswith("*") else self._whole
                table[word.rstrip("*")] = (*table.get(word.rstrip("*"), ()), concept)

    def subjects(self, names: Iterable[str]) -> int:
        """Return how many of some concepts a plan can be asked about."""
        return len(self._subjects.intersection(names))

    def named(self, words: list[str]) -> list[str]:
        """Return the names of the concepts that some words are of, each once."""
        joined = [f"{first}_{second}" for first, second in pairwise(words)]
        names = [name for word in (*words, *joined) for name in self._of(word)]
        unknown = [word for word in words if len(word) >= _SHORTEST_SLIP and not self._of(word)]
        slips = [name for word in unknown for name in self._near(word)]
        return list(dict.fromkeys([*names, *slips]))

    def _of(self, word: str) -> tuple[str, ...]:
        found = self._whole.get(word, ())
        for size in range(2, len(word) + 1):
            found += self._beginnings.get(word[:size], ())
        return found

    def _near(self, word: str) -> tuple[str, ...]:
        """Return the concepts of the first word that is one slip away: a letter more, less, other, or two swapped."""
        for known, is_whole in self._by_letter.get(word[0], ()):
            if is_whole and is_one_slip(word, known):
                return self._whole[known]
            if not is_whole and any(is_one_slip(word[: len(known) + more], known) for more in (-1, 0, 1)):
                return self._beginnings[known]
        return ()

    @cached_property
    def _by_letter(self) -> dict[str, list[tuple[str, bool]]]:
        table: dict[str, list[tuple[str, bool]]] = {}
        for words, is_whole in ((self._whole, True), (self._beginnings, False)):
            for word in words:
                if len(word) >= _SHORTEST_SLIP - 1 and "_" not in word:
                    table.setdefault(word[0], []).append((word, is_whole))
        return table


def spaced(text: str) -> str:
    """Return a line with a blank where Chinese or Japanese meets letters and numbers: '用 4090 跑'."""
    return _BORDER.sub(" ", text)


_THINGS: Final = frozenset(f" qx{kind} " for kind in ("gpu", "card", "model", "format", "split"))
_COUNT: Final = re.compile(r"\d+ ?[x×] ?|\d+ (?=[a-z])", re.I)
"""How many of a thing stand before its name."""


def names_in(text: str) -> tuple[str, ...]:
    """Return the names of accelerators, models, formats and splits in a line, as typed, without how many of them."""
    found = (match[0].strip() for pattern, kind in _NAMES if kind in _THINGS for match in pattern.finditer(text))
    return tuple(name[match.end() :] if (match := _COUNT.match(name)) else name for name in found)


def without_names(text: str) -> str:
    """Return a line with marks in place of names, days, clocks and percentiles, whose digits are no figures."""
    for pattern, kind in _NAMES:
        text = pattern.sub(_marked if kind in _THINGS else _all_marked, text)
    return text


def _all_marked(found: re.Match[str]) -> str:
    return "\0" * len(found[0])


def _marked(found: re.Match[str]) -> str:
    count = _COUNT.match(found[0])
    at = count.end() if count else 0
    return found[0][:at] + "\0" * (len(found[0]) - at)


def words_of(text: str) -> list[str]:
    """Return the words of a line in lower case; names and numbers of a kind become one word."""
    line = spaced(text.lower().replace("’", "'"))
    for pattern, word in (*_NAMES, *_QUANTITIES):
        line = pattern.sub(word, line)
    return [part for word in _WORD.findall(line) for part in _parts(_SWAPPED.get(word, word))]


def _parts(word: str) -> list[str]:
    """Return a word as it is; writing without blanks between words as each two neighbouring signs."""
    if len(word) < 3 or not _IDEOGRAPH.match(word):
        return [word]
    return [word[at : at + 2] for at in range(len(word) - 1)]


def features_of(text: str, concepts: Concepts) -> Features:
    """Return the features of a line by bucket, each as much as it counts in the line."""
    words = words_of(text)
    names = concepts.named(words)
    subjects = (f"n{min(concepts.subjects(names), _MANY)}", _CONCEPT)
    return bucketed((*_of_words(words), *_of_concepts(names), subjects))


def _of_words(words: list[str]) -> Iterator[tuple[str, float]]:
    for word in words:
        yield f"w{word}", 1.0
    for first, second in zip(["<", *words], [*words, ">"], strict=True):
        yield f"p{first} {second}", _PAIR
    for word in words:
        if not word.startswith("qx") and len(word) >= _FEWEST:
            yield from pieces(word, "c")


def _of_concepts(names: Iterable[str]) -> Iterator[tuple[str, float]]:
    ordered = sorted(names)
    for at, name in enumerate(ordered):
        yield f"k{name}", _CONCEPT
        for other in ordered[at + 1 :]:
            yield f"t{name} {other}", _CONCEPT_PAIR


def is_one_slip(word: str, known: str) -> bool:
    """Return whether a word is another but for a letter more, less, other, or two swapped."""
    if word == known or abs(len(word) - len(known)) > 1:
        return False
    same = 0
    while same < min(len(word), len(known)) and word[same] == known[same]:
        same += 1
    rest, other = word[same:], known[same:]
    swapped = rest[:2] == other[1::-1] and len(other) > 1 and rest[2:] == other[2:]
    return swapped or rest[1:] == other[1:] or rest[1:] == other or rest == other[1:]
