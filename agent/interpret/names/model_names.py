"""Models in a sentence: names of the catalog, 'owner/name' of a hub, 'path/to/config.json'.

Misspelt family words of a model's name ('quen 2.5') are mended here; other words of a sentence in ``spelling``, a name
that is given alone (a flag, a file) in ``catalogs.names``.
"""

import re
from functools import lru_cache

from agent.interpret.names.lexicon import COMMON, Lexicon
from agent.interpret.names.spans import Found, bare_number_with_unit, is_head, name_item, slice_ends, too_weak
from agent.interpret.words.grammar import Sentence
from agent.interpret.words.numerals import NUMBER_WORDS
from agent.interpret.words.spelling import known_words, one_slip
from catalogs.catalog import MODEL_NOISE
from catalogs.checkpoints import read_checkpoint_name
from catalogs.names import letters_of, words_of

_REPOSITORY = re.compile(
    r"(?:https?://)?(?:huggingface\.co/|hf\.co/)?(?P<name>[A-Za-z][\w.-]*/[A-Za-z][\w.-]*\w)(?![\w/])"
)
_CONFIG = re.compile(r"(?:[A-Za-z]:)?[~./\w\\-]*[\w-]+\.json\b", re.ASCII)
_LONGEST_PATH = 300
_OTHER_FLAG = re.compile(r"--(?!model|config|tokenizer|served)[\w-]+[ =]+[\"']?[\w./~-]*$")
"""A flag whose value is no model: --dataset data/chats.json."""
_SPLIT = re.compile(r"([^\W\d_]{3,})[ -]([^\W\d_]{3,})\b")
_DOUBLED = re.compile(r"(.)\1+")

_MOST_SPOKEN = 10


def spoken(sentence: Sentence, index: int, lexicon: Lexicon) -> Found:
    """Find a name as it is dictated: 'llama three point one eight b', 'qwen three thirty two b'.

    Args:
        sentence: that is read.
        index: position of the item at which it begins.
        lexicon: of the catalog's names.
    """
    family = sentence.items[index].word
    if family not in lexicon.models.families or index + 2 >= len(sentence.items):
        return None
    words = [item.word for item in sentence.items[index + 1 : index + 1 + _MOST_SPOKEN]]
    if words[0] not in NUMBER_WORDS:
        return None
    several: Found = None
    for count in range(len(words), 1, -1):
        if words[count - 1] not in ("b", "bn", "billion"):
            continue
        for name in _written(words[: count - 1]):
            hits = lexicon.model(f"{family} {name}b")
            if len(hits) == 1:
                return index + count, name_item("model", sentence, index, index + count, hits)
            if hits and several is None:
                several = index + count, name_item("model", sentence, index, index + count, hits)
    return several


def _written(words: list[str]) -> list[str]:
    """Return what number words may be, a version and a size: 'three point one eight' is '3.1 8' or '3.18'."""
    numbers: list[str] = []
    after_point = False
    for word in words:
        if word in ("point", "dot"):
            after_point = bool(numbers)
        elif word in ("hundred",) and numbers:
            numbers[-1] = str(int(float(numbers[-1]) * 100))
        elif word not in NUMBER_WORDS:
            return []
        elif after_point:
            numbers[-1], after_point = f"{numbers[-1]}.{NUMBER_WORDS[word]}", False
        elif (
            numbers
            and numbers[-1].endswith("0")
            and numbers[-1] != "10"
            and NUMBER_WORDS[word] < 10
            and "." not in numbers[-1]
        ):
            numbers[-1] = str(int(numbers[-1]) + NUMBER_WORDS[word])
        else:
            numbers.append(str(NUMBER_WORDS[word]))
    return [" ".join(numbers)] if 0 < len(numbers) < 3 else []


def repository(sentence: Sentence, index: int, lexicon: Lexicon) -> Found:
    """Find 'owner/name' and 'path/to/config.json'.

    Args:
        sentence: that is read.
        index: position of the item at which it begins.
        lexicon: of the catalog's names.
    """
    start = sentence.items[index].start
    if start and sentence.text[start - 1] in "/._~\\":
        return None
    if _OTHER_FLAG.search(sentence.text[max(0, start - 40) : start]):
        return None
    text = sentence.text[start : start + _LONGEST_PATH]
    path = _CONFIG.match(text)
    if path and (path.group().endswith("config.json") or "/" in path.group()):
        return _covering(sentence, index, start + path.end(), (path.group(),), path.group())
    match = _REPOSITORY.match(text)
    if match is None:
        return None
    said = match["name"]
    known = lexicon.models.candidates(words_of(read_checkpoint_name(said).model), MODEL_NOISE) and lexicon.model(said)
    if known or _is_repository(match.group(), said, lexicon):
        return _covering(sentence, index, start + match.end(), known or (said,), said)
    return None


def _is_repository(typed: str, said: str, lexicon: Lexicon) -> bool:
    """Whether words around a slash are a model's repository: not 'req/s', 'in/out', 'H100/H200' or 'client/server'."""
    owner, _, rest = said.lower().partition("/")
    families = lexicon.models.by_word
    if len(owner) < 2 or len(rest) < 4 or not any(character.isdigit() for character in rest):
        return False
    for part in (owner, rest, rest.rstrip("0123456789")):
        a_word = part in known_words() and part not in families
        if a_word or is_head(part, lexicon) or letters_of(part) in lexicon.precisions:
            return False
    named = any(part in families and part not in COMMON for part in re.findall(r"[a-z]+", said.lower()))
    sized = re.search(r"\d+(?:\.\d+)?b(?![a-z])", rest)
    return bool(named or sized or "huggingface" in typed or "hf.co" in typed)


def _covering(sentence: Sentence, first: int, end: int, entries: tuple[str, ...], said: str) -> Found:
    last = first
    while last + 1 < len(sentence.items) and sentence.items[last + 1].start < end:
        last += 1
    item = name_item("model", sentence, first, last, entries, said)
    item.end = max(end, item.end)
    return last, item


def model(sentence: Sentence, first: int, lexicon: Lexicon) -> Found:
    """Find a name of the catalog; its family words may be misspelt.

    Args:
        sentence: that is read.
        first: position of the item at which it begins.
        lexicon: of the catalog's names.
    """
    item = sentence.items[first]
    opening = words_of(sentence.text[item.start : item.end])
    if not opening or not opening[0].isalpha() or letters_of(item.word) in lexicon.precisions:
        return None
    if sentence.text[item.start].isupper() and item.word in lexicon.whole_models:
        for last in slice_ends(sentence, first):
            hit = lexicon.whole_models[item.word].get(letters_of(sentence.words(first, last)))
            if _with_plus(sentence, last) != last:
                break  # Command R+ is no Command R
            if hit and sentence.text[sentence.items[last].start].isupper():
                return last, name_item("model", sentence, first, last, (hit,))
    joined = _joined(sentence, first, lexicon)
    if not joined and opening[0] not in lexicon.models.by_word and _family(opening[0], lexicon) == opening[0]:
        return None
    for shorter in slice_ends(sentence, first):
        last = _with_plus(sentence, shorter)
        if bare_number_with_unit(sentence, last, lexicon) or _holds_precision(sentence, first, last, lexicon):
            continue
        said = _respelt(sentence.words(first, last), lexicon)
        words = words_of(read_checkpoint_name(said).model)
        telling = [word for word in words if word.isalpha() and word not in COMMON]
        alone = last == first or not any(len(word) > 3 for word in words)
        if said[-1] in ".-_" or too_weak(words) or (not telling and alone):
            continue
        if (
            not joined
            and len(words) < 2
            and said.lower() != sentence.words(first, last).lower()
            and len(sentence.items) > 1
        ):
            continue  # one word that only looks like a name, among others, is none: 'internal'
        named = lexicon.models.candidates(words, MODEL_NOISE)
        hits = tuple(hit for hit in lexicon.model(said) if hit in named) if named else ()
        if len(hits) > 1 and sentence.items[last].has("bits"):
            continue  # of several models none would keep the width: 'qwen 14b 4bit'
        if len(hits) == 1 or (hits and telling):
            return last, name_item("model", sentence, first, last, hits, said)
    return None


def _joined(sentence: Sentence, first: int, lexicon: Lexicon) -> str:
    """Return the family word that two words are together: 'Deep Seek', 'Code Llama'; empty where they are none."""
    pair = _SPLIT.match(sentence.text[sentence.items[first].start :][:_LONGEST_PATH])
    together = "".join(pair.groups()).lower() if pair else ""
    return together if together in lexicon.models.families else ""


def _with_plus(sentence: Sentence, last: int) -> int:
    """Return the item of a + that is glued to a name: 'command r+'."""
    end = sentence.items[last].end
    glued = last + 1 < len(sentence.items) and sentence.items[last + 1].word == "+"
    return last + 1 if glued and sentence.items[last + 1].start == end else last


def _holds_precision(sentence: Sentence, first: int, last: int, lexicon: Lexicon) -> bool:
    """Whether a word apart in a span is a precision: 'qwen3 32b awq' names a model and a precision."""
    return any(
        letters_of(sentence.text[item.start : item.end]) in lexicon.precisions and sentence.text[item.start - 1] == " "
        for item in sentence.items[first + 1 : last + 1]
    )


@lru_cache(maxsize=4096)
def slipped(word: str, families: frozenset[str]) -> str:
    """Return the one of some words that is one slip away, or differs in doubled letters alone; else the word itself."""
    near = [family for family in families if family[0] == word[0] and one_slip(word, family)]
    single = _DOUBLED.sub(r"\1", word)
    near = near or [family for family in families if _DOUBLED.sub(r"\1", family) == single]
    return near[0] if len(near) == 1 else word


def _family(word: str, lexicon: Lexicon, numbered: bool = True) -> str:
    """Return the family word that a misspelt one means; a short one only before a number: 'quen 2.5'."""
    if word in lexicon.models.by_word or len(word) < 4 or not word.isalpha() or word in known_words():
        return word
    meant = slipped(word, lexicon.models.families)
    return meant if len(word) > 4 or numbered else word


def _respelt(typed: str, lexicon: Lexicon) -> str:
    """Return a name with its family words rightly spelt and in one word."""
    pair = _SPLIT.match(typed)
    if pair and "".join(pair.groups()).lower() in lexicon.models.families:
        typed = "".join(pair.groups()).lower() + typed[pair.end() :]

    def exchanged(found: re.Match[str]) -> str:
        word = found.group().lower()
        numbered = re.match(r"[\s-]?\d", typed[found.end() :]) is not None
        family = _family(word, lexicon, numbered)
        if family == word and beside_a_family and word not in known_words() and word not in lexicon.models.words:
            family = slipped(word, lexicon.models.words)  # 'mistral smal'
        return found.group() if family == word else family

    words = [word.lower() for word in re.findall(r"[^\W\d_]{4,}", typed)]
    beside_a_family = len(words) > 1 and any(_family(word, lexicon) in lexicon.models.families for word in words)
    return re.sub(r"[^\W\d_]{4,}", exchanged, typed)
