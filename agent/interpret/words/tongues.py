"""Languages beside English: their words of the trade, as the English words that the rules are made of.

A line in one of these languages keeps its numbers, names and places; only what this table knows is put into English.
What it does not know is told as not used, as in any line.
"""

import re
import unicodedata
from functools import cache
from pathlib import Path
from tomllib import loads
from typing import Final

from agent.interpret.words.grammar import Amount, Item
from agent.interpret.words.ordinary import GRAMMAR, ORDINARY
from agent.interpret.words.scanner import items_of, phrase_items
from agent.interpret.words.vocabulary import KINDS_OF

_SCALES: Final = ("hundred", "thousand")
_DOTTED: Final = ("German", "Spanish", "Portuguese", "Italian", "Dutch", "Turkish", "Danish or Norwegian")
"""Languages that write 2.000 for two thousand."""
CHINESE: Final = re.compile(r"[ぁ-ヿ一-鿿가-힣]")
"""Taken by character: Chinese and Japanese, written without blanks, and Korean, whose particles are glued on."""
_KANA: Final = re.compile(r"[ぁ-ヿ]")
_HANGUL: Final = re.compile(r"[가-힣]")
_ONE_OF: Final = "一"
_BY_CHARACTER: Final = ("Chinese", "Japanese", "Korean")


@cache
def _phrases() -> dict[str, dict[str, list[tuple[tuple[str, ...], str]]]]:
    """Return, by language and first word, its phrases, the longest first, and what they are in English."""
    found: dict[str, dict[str, list[tuple[tuple[str, ...], str]]]] = {}
    for language, table in loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")).items():
        by_first = found.setdefault(language, {})
        for entry in table.split():
            phrase, _, english = entry.partition("=")
            plain = plain_letters(phrase)
            words = tuple(plain if language in _BY_CHARACTER else plain.split("_"))
            by_first.setdefault(words[0], []).append((words, english.replace("_", " ")))
        for phrases in by_first.values():
            phrases.sort(key=lambda pair: -len(pair[0]))
    return found


def plain_letters(text: str) -> str:
    """Return a text in lower case without accents: 'Réponses' is 'reponses'."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize(
        "NFD", text.lower().replace("ß", "ss").replace("œ", "oe").replace("’", "'").replace("ł", "l")
    )
    return unicodedata.normalize("NFC", "".join(one for one in decomposed if not unicodedata.combining(one)))


def put_into_english(text: str, items: list[Item]) -> tuple[list[Item], str]:
    """Return the items with the words that the table knows in English, and the language; empty where it is in doubt."""
    if not any(map(str.isalpha, text)):
        return items, ""
    items = _counted(text, items) if CHINESE.search(text) else items
    words = [plain_letters(text[item.start : item.end]) for item in items]
    letters = {word for word in words if word[:1].isalpha() and not any(map(str.isdigit, word))}
    strange = {word for word in letters if _may_be_foreign(word)}
    if not strange and not any(word in KINDS_OF or word in ORDINARY for word in letters):
        strange = letters  # 'und mit L40S?'
    places = [at for at, word in enumerate(words) if word in strange]
    hits = {
        language: found
        for language, by_first in (_phrases().items() if places else ())
        if (found := sum(_begins(words, at, by_first) for at in places if words[at] in by_first))
    }
    if not hits:
        return items, ""
    by_script = "Japanese" if _KANA.search(text) else "Korean" if _HANGUL.search(text) else ""
    names = {*hits, *filter(None, (by_script,))}
    known = {name: sum(_begins(words, at, _phrases()[name]) for at in range(len(words))) for name in names}
    language = by_script or max(known, key=lambda name: (hits[name], known[name]))
    if by_script:  # '1日に15回' is by the day, '1人あたり' by the user
        pairs = zip(words, [*words[1:], ""], strict=True)
        words = [_ONE_OF if word == "1" and after in ("日", "人", "時", "件", "席") else word for word, after in pairs]
    elif language == "German":  # 'je 15 Anfragen' are of each, 'alle 5 Sekunden' every
        counted = {at for at, item in enumerate(items) if item.has("num")}
        before = {"je": "jeder", "alle": "jedwede"}
        words = [before.get(word, word) if at + 1 in counted else word for at, word in enumerate(words)]
    by_first = _phrases()[language]
    english = sum(word in GRAMMAR and word not in by_first for word in words)
    mixed = english > known[language]  # 'the doctors … die': of an English line only words that English lacks
    alike = any(known[other] >= known[language] for other in known if other != language)
    made: list[Item] = []
    index = 0
    while index < len(items):
        item = items[index]
        thousands = r"[1-9]\d{0,2}\.\d{3}" if language in _DOTTED else r"[1-9]\d{0,2}\.000"
        if item.has("num") and re.fullmatch(thousands, words[index]):
            item.amount = Amount((float(words[index].replace(".", "")),))
        foreign = (not item.numeric or words[index] == _ONE_OF) and (not mixed or words[index] in strange)
        for phrase, said in by_first.get(words[index], ()) if foreign else ():
            last = index + len(phrase) - 1
            if tuple(words[index : last + 1]) == phrase:
                follows = made and made[-1].has("num", "small", "tens", "part", "scaleword", "unknown")
                one = "a " if said in _SCALES and not follows else ""  # 'mil usuarios', but not 'einige tausend'
                made += phrase_items(one + said, item.start, items[last].end)
                index = last
                break
        else:
            made.append(item)
        index += 1
    return made, "" if mixed or alike else language


def in_english(text: str) -> str:
    """Return a text with the words that the table knows in English: 'la mitad del tráfico' is 'the half of traffic'."""
    own = items_of(text)
    made, _ = put_into_english(text, own)
    if made == own:
        return text
    kept, said, end, stayed = set(map(id, own)), "", 0, False
    for item in made:
        stays = id(item) in kept
        gap = re.sub(r"\w+", "", text[end : item.start])  # without the words that are none in English
        said += gap or ("" if stays and stayed and end == item.start else " ")
        typed = text[item.start : item.end]
        whole = _THOUSANDS.fullmatch(typed) is not None and item.amount is not None and item.number.value >= _LEAST
        stayed, said, end = stays, said + (typed if stays and not whole else _word(item)), item.end
    return said.strip().replace(" ,", ",")


def without_tongue(text: str) -> str:
    """Return a line in English words where it is in another language; German and French ones as they are.

    The rules that read lines about a plan know the words of these two.
    """
    language = put_into_english(text, items_of(text))[1]
    return in_english(text) if language and language not in ("German", "French") else text


_THOUSANDS: Final = re.compile(r"[1-9]\d{0,2}\.\d{3}")
_LEAST: Final = 1000.0


def is_foreign(word: str) -> bool:
    """Return whether a table knows a word, or a phrase that begins with it."""
    return any(plain_letters(word) in by_first for by_first in _phrases().values())


def _word(item: Item) -> str:
    return f"{item.number.value:g}" if item.numeric else item.word


_CJK_DIGITS: Final = {digit: value for value, digit in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
_CJK_TENS: Final = {"十": 10, "百": 100, "千": 1000}
_CJK_NUMBER: Final = re.compile(
    r"(?P<head>\d+(?:\.\d+)?)(?P<scale>[百千]万?)|[〇零一二两三四五六七八九十百千]{2,}(?![\d日])|[二两三四五六七八九十](?=倍|次|回|个|秒|张|台|枚|人)"
)
"""'5百', '一千五', '三百', '三倍'; what ends in 万 or 亿 is put together as a number and its scale."""


def _counted(text: str, items: list[Item]) -> list[Item]:
    """Put one number in the place of one that is written in Chinese characters."""
    for found in _CJK_NUMBER.finditer(text):
        start, end = found.span()
        inside = [item for item in items if start <= item.start < end]
        if found["head"]:
            value = float(found["head"])
            for scale in found["scale"]:
                value *= _CJK_TENS.get(scale, 10_000)
        else:
            value = _cjk_value(found.group())
        at = items.index(inside[0])
        number = Item(frozenset({"num"}), start, end, found.group(), Amount((value,)), numeric=True)
        items = [*items[:at], number, *items[at + len(inside) :]]
    return items


def _cjk_value(digits: str) -> float:
    """Return what digits mean; the last of '一千五' is of the next lower scale: 1,500."""
    total, one, last = 0.0, 0, 1
    for digit in digits:
        if scale := _CJK_TENS.get(digit):
            total, one, last = total + (one or 1) * scale, 0, scale
        else:
            one = one * 10 + _CJK_DIGITS[digit] if last == 1 else _CJK_DIGITS[digit]
            last = 10 if digit in "〇零" and last > 1 else last
    return total + one * (last / 10 if last > 1 else 1)


def _begins(words: list[str], at: int, by_first: dict[str, list[tuple[tuple[str, ...], str]]]) -> bool:
    """Whether a phrase of a language stands at a word, none that is English as well: 'primer token', but not 'cache'.

    Args:
        words: of the line, without accents.
        at: position of the word.
        by_first: the phrases of the language by their first word.
    """
    phrases = by_first.get(words[at], ())
    return any(tuple(words[at : at + len(phrase)]) == phrase and said.split() != [*phrase] for phrase, said in phrases)


def _may_be_foreign(word: str) -> bool:
    """Whether a word is none of English: of four letters at least, or Chinese."""
    return CHINESE.match(word) is not None or (len(word) > 3 and word not in KINDS_OF and word not in ORDINARY)
