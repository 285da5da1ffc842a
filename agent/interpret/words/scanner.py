"""Text → items: numbers whole or not at all, words in lower case, marks.

What looks like a number and is none (dates, times, telephone numbers, versions, addresses) becomes one opaque item that
no rule can use.
"""

import re
from functools import cache
from typing import Final

from agent.interpret.words.grammar import UNKNOWN, Amount, Item, Sentence
from agent.interpret.words.spelling import known_words, spelt
from agent.interpret.words.vocabulary import KINDS_OF, PHRASES

LONGEST: Final = 20_000
"""Characters that are read; the rest is reported."""

LARGEST: Final = 1e18
"""Numbers beyond are no number of anything here."""

_DOTTED: Final = r"[1-9]\d{0,2}\.\d{3}\.\d{3}(?:\.000)?"
"""A million as continental Europe writes it, and a billion: 1.000.000."""
_OPAQUE: Final = r"""
    (?:https?|ftp)://(?!huggingface\.co/|hf\.co/)\S+ | www\.\S+
  | (?<![\w.+-])[\w.+-]{1,64}@(?!v?\d)[\w-]{1,64}\.\w[\w.]*
  | \+\d[\d\ ()/.-]{6,}\d                                    # a telephone number
  | \(\d{2,4}\)\s?\d{3,4}[-\ ]\d{3,4} | (?<![\w.,-])\d{3}[-.\ ]\d{3}[-.]\d{4}(?!\w) | (?<![\w.,-])\d{3}-\d{4}(?![\w-])
  | (?<![\w.,])\d{4}[-/.]\d{1,2}[-/.]\d{1,2}(?:T[\d:.]+Z?)?(?!\w) | (?<![\w.,])\d{1,2}[./-]\d{1,2}[./-]\d{2,4}(?!\w)
  | (?<![\w.,])(?:19|20)\d\d\s?[-–/]\s?(?:19|20)?\d\d(?![\w.,])   # years: 2024-2025, 2024/25
  | (?<![\w.,:])\d{1,2}:\d\d(?::\d\d)?(?:\s?[ap]m\b)? | (?<![\w.,])\d{1,2}\s?[ap]m\b
  | (?<![\w.])v?\d+(?:\.\d+){2,}(?:[\w.-]*\w)? | \bv\d+(?:\.\d+)*\b(?![\w-])
  | (?:(?<=\s)|^)\#\d+ | \b0x[0-9a-f]+\b | (?<![\w.,(])\d+(?:st|nd|rd|th)\b
  | (?<![\w.,/])(?:24\s?/\s?7|24x7|50/50|80/20|90/10|70/30|60/40|20/80|9-to-5|9-5|9/11|99/1|100/0)(?![\w%/])
  | \b\d+[a-z]*\.\d*[a-z]\w*\.\w+ | \b[a-z]\w*\d\w*\.\d*x?large\b | \b\w+\.\d*x?large\b      # machine types
"""
_SIGNS: Final = "".join(chr(sign) for sign in (*range(0x300, 0x370), *range(0x900, 0x964)) if not chr(sign).isalpha())
"""Accents apart and the signs of Devanagari: parts of a word, and no letters."""
_NUMBER: Final = r"""
    (?P<number>
        \d+(?:\.\d+)?\s?[*x×·]\s?10(?:\^|\*\*)\d{1,2}(?![\d.])
      | \d+(?:\.\d+)?e[+-]?\d{1,3}(?![\w.]\d|\w)
      | \d{1,3}\s?(?:\^|\*\*)\s?\d{1,2}(?![\d.])
      | \d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\d|,\d) | \d{1,3}(?:['’_]\d{3})+(?!\d) | \d{1,3}(?:[   ]\d{3})+(?!\d)
      | [1-9]\d{0,2}(?:\ \d{3})+(?![\d.,])
      | \d{1,3}k\d(?!\w) | \d+,\d{1,2}(?![\d,])(?!\s?\d) | \d+\.\d+ | (?<!\d)\.\d+ | \d+
    )
    (?P<letters>[^\W\d_ぁ-ヿ一-鿿가-힣]+|%)?
"""
_TOKEN = re.compile(
    rf"""
    (?<![\w.,])(?P<dotted>{_DOTTED})(?![\w.,])
  | (?P<opaque>{_OPAQUE})
  | (?P<region>\b(?:us|eu|europe|asia|ap|ca|sa|me|af|il|uk|mx|cn|northamerica|southamerica|australia)
        -(?:[a-z]+-)?[a-z]+-?\d{{1,2}}[a-z]?\b(?![-\w])
      | \b(?:us|eu|europe|asia|ap|ca|sa|me|af)-(?:north|south|west|east|central){{1,2}}\b(?![-\w])
      | \b(?:(?:north|south|west)?(?:east|west|north|south|central)(?:us|europe|asia|india|uk)\d?|uk(?:south|west)
        |(?:sweden|france|germanywest|norway|switzerland|poland|italy|japan)(?:central|north|east|west))\b)
  | (?P<percentile>(?:(?<![A-Za-z0-9_])p-?|(?:(?<=\bttft)|(?<=\btpot)|(?<=\bitl)|(?<=\be2e))p?)
        \d\d(?:\.\d+)?(?![A-Za-z0-9_]) | (?<=\()(?:50|90|95|99)th(?=\)))
  | (?P<leader>(?<=[a-z]\s)\.{{2,}}(?=\s))
  | (?P<yearly>\bp\.\s?a\b\.?)
  | (?P<split>\b(?:tp|pp|ep|dp)(?=\s?[=-]?\s?\d)|\b(?:isl|osl|rps|qps|ctx|in|out|tg)(?=\d{{1,6}}k?\b)|\bx(?=\d{{1,4}}\b)
        |\b(?:ttft|tpot|itl|e2e)(?=p?(?:50|90|95|99)\b))
  | {_NUMBER}
  | (?P<chinese>[ぁ-ヿ一-鿿가-힣]+)
  | (?P<word>[^\W\d_](?:[^\W_ぁ-ヿ一-鿿가-힣]|[{_SIGNS}]|['’](?=[^\W\d_])|(?<=\d)\.(?=\d))*)
  | (?P<mark><=|>=|->|=>|\.\.\.|\.\.|[^\w\s]|\n)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_WHOLE: Final = frozenset({"event", "user", "token", "thing", "textunit"})
"""What is counted in whole numbers."""
_SHORT_PER: Final = frozenset({"pr", "p", "pe", "er"})
"""What is written for 'per' between what is done and a time: '45 req pr min'."""
_APOSTROPHE = str.maketrans("", "", f"'’{_SIGNS}")
_MAGNITUDES: Final = {
    "k": 1e3,
    "mn": 1e6,
    "mio": 1e6,
    "mln": 1e6,
    "mil": 1e6,
    "mm": 1e6,
    "bn": 1e9,
    "b": 1e9,
    "t": 1e12,
}


def phrase_items(words: str, start: int, end: int) -> list[Item]:
    """Return the items of words that stand for a span of the text.

    Args:
        words: in lower case.
        start: of the span, characters.
        end: of the span, characters.
    """
    items: list[Item] = []
    for word in words.split():
        if re.fullmatch(r"p\d\d", word):
            items.append(Item(frozenset({"pctl"}), start, end, entries=(word,), numeric=True))
        else:
            items.append(Item(kinds_of(word), start, end, word))
    return items


def items_of(text: str) -> list[Item]:
    """Return the items of a text."""
    items: list[Item] = []
    position = 0
    while token := _TOKEN.search(text, position):
        position = token.end()
        kind = token.lastgroup
        if token["number"]:
            position = _number(text, token, items)
        elif kind == "dotted":
            amount = Amount((float(token.group().replace(".", "")),))
            items.append(Item(frozenset({"num"}), *token.span(), token.group(), amount, numeric=True))
        elif kind == "opaque":
            items.append(Item(frozenset({"opaque"}), *token.span(), numeric=any(map(str.isdigit, token.group()))))
        elif kind == "region":
            items.append(Item(frozenset({"region"}), *token.span(), entries=(token.group().lower(),), numeric=True))
        elif kind == "leader":
            items.append(Item(kinds_of(":"), *token.span(), ":"))
        elif kind == "yearly":
            items.append(Item(kinds_of("yoy"), *token.span(), "yoy"))
        elif kind == "percentile":
            named = "p" + token.group().lower().strip("p-th")
            items.append(Item(frozenset({"pctl"}), *token.span(), entries=(named,), numeric=True))
        elif kind == "chinese":
            for at, character in enumerate(token.group(), token.start()):
                items.append(Item(UNKNOWN, at, at + 1, character))
        elif kind == "mark":
            _mark(text, token, items)
        else:
            _word(token, items)
    _mend_per(items)
    return items


def _mend_per(items: list[Item]) -> None:
    """Take '45 req pr min' for 45 requests per minute."""
    for before, item, after in zip(items, items[1:], items[2:], strict=False):
        if item.word in _SHORT_PER and after.has("time") and before.has("event", "thing", "user", "token", "num"):
            item.word, item.kinds = "per", kinds_of("per")


def _word(token: re.Match[str], items: list[Item]) -> None:
    """Add a word; a capital M or B after a number is its magnitude."""
    item = word_item(token.group(), *token.span())
    if token.group() in ("M", "B") and items and items[-1].has("num") and items[-1].end == item.start - 1:
        item = word_item({"M": "mn", "B": "bn"}[token.group()], item.start, item.end)
    items.append(item)


def word_item(typed: str, start: int, end: int) -> Item:
    """Return the item of a word as typed.

    Args:
        typed: the word.
        start: of the word in the sentence, characters.
        end: of the word in the sentence, characters.
    """
    word = typed.lower().translate(_APOSTROPHE)
    word = spelt(word)
    kinds = kinds_of(word)
    numeric = kinds == UNKNOWN and any(character.isdigit() for character in typed)
    return Item(kinds, start, end, word, numeric=numeric)


def kinds_of(word: str) -> frozenset[str]:
    """Return the kinds of a word of the vocabulary; unknown for any other."""
    return KINDS_OF.get(word, UNKNOWN)


def join_phrases(sentence: Sentence) -> None:
    """Put one item in the place of each phrase: 'time to first token' is ttft."""
    index = 0
    while index < len(sentence.items):
        for words, name in _phrases().get(sentence.items[index].word, ()):
            last = index + len(words) - 1
            if tuple(item.word for item in sentence.items[index : last + 1]) == words:
                start, end = sentence.span(index, last)
                sentence.merge(index, last, Item(kinds_of(name), start, end, name))
                break
        index += 1


@cache
def _phrases() -> dict[str, list[tuple[tuple[str, ...], str]]]:
    """Return the phrases by their first word, longest first."""
    by_first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for name, phrases in PHRASES.items():
        for phrase in phrases.split("|"):
            words = tuple(phrase.split())
            if words:
                by_first.setdefault(words[0], []).append((words, name))
    return {first: sorted(found, key=lambda pair: -len(pair[0])) for first, found in by_first.items()}


def _number(text: str, token: re.Match[str], items: list[Item]) -> int:
    """Add a number and what is glued to it; return where to go on."""
    start, end = token.span("number")
    digits, letters = token["number"], token["letters"] or ""
    value = _value(digits)
    following = text[token.end() : token.end() + 1]
    scale, unit = _glued(letters, text[end:])
    joins = letters[:1] in ("x", "X", "×") and not unit
    too_large = not abs(value * (scale or 1.0)) <= LARGEST
    if scale is None or too_large or (following.isdigit() and not joins):
        end = token.end() + len(re.match(r"[\w.-]*", text[token.end() :]).group())  # type: ignore[union-attr]
        items.append(Item(frozenset({"opaque"}), start, end, text[start:end].lower(), numeric=True))
        return end
    stop = end if joins else token.end() - len(unit)
    amount = _thousands(digits, text[token.end() :]) or Amount((value * scale,), small_m=letters == "m")
    items.append(Item(frozenset({"num"}), start, stop, text[start:stop].lower(), amount, numeric=True))
    _sign(text, items)
    if joins:
        items.append(Item(kinds_of("x"), end, end + 1, "x"))
        return end + 1
    return stop


def _thousands(digits: str, rest: str) -> Amount | None:
    """Return what '2.000 users' are: thousands as continental Europe writes them; of requests it is asked.

    Only where what is counted comes whole, and the decimals would end in a needless nought.
    """
    following = re.match(r"\s+([^\W\d_]+)", rest)
    counted = kinds_of(spelt(following[1].lower())) if following else UNKNOWN
    if not re.fullmatch(r"[1-9]\d{0,2}\.\d\d0", digits) or counted.isdisjoint(_WHOLE):
        return None
    value = float(digits)
    if "event" not in counted:
        return Amount((value * 1000,))
    return Amount((value * 1000, value), ("thousands", "a decimal point"))


def _value(digits: str) -> float:
    plain = re.sub(r"['’_\s]", "", digits)
    if scaled := re.fullmatch(r"([\d.]+)[*x×·]10(?:\^|\*\*)(\d+)", plain):
        return float(scaled[1]) * 10.0 ** int(scaled[2])
    if thousands := re.fullmatch(r"(\d+)k(\d)", plain, re.I):  # '1k5' is 1,500
        return 1000.0 * int(thousands[1]) + 100.0 * int(thousands[2])
    if power := re.fullmatch(r"(\d+)(?:\^|\*\*)(\d+)", plain):
        return float(power[1]) ** int(power[2])
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", plain):
        plain = plain.replace(",", "")
    return float(plain.replace(",", "."))


def _glued(letters: str, rest: str) -> tuple[float | None, str]:
    """Return the magnitude and the unit that letters glued to a number stand for; None where they make it no number."""
    low = letters.lower()
    joins = low[:1] in ("x", "×") and re.match(r"[x×][a-z]{0,6}-?\d", rest, re.IGNORECASE)
    if not letters or joins or letters == "m":
        return 1.0, ""
    if magnitude := _magnitude(letters):
        return magnitude, ""
    if re.match(r"t\s?/\s?s(?:ec)?\b|n\s*[x×*]\s*\d", rest, re.IGNORECASE):
        return 1.0, letters  # 20t/s are tokens, 2n x 8 H100 nodes
    if spelt(low) in known_words() or low in {"gb", "gib", "tb", "g", "kwh", "w"}:
        return 1.0, letters
    for size in (3, 2, 1):
        magnitude = _magnitude(letters[:size])
        if magnitude and len(low) - size > 1 and spelt(low[size:]) in known_words():
            return magnitude, letters[size:]
    return None, ""


def _magnitude(letters: str) -> float | None:
    return 1e6 if letters == "M" else _MAGNITUDES.get(letters.lower())


def _sign(text: str, items: list[Item]) -> None:
    """Take a minus before the last number as its sign where nothing stands before it that it could join."""
    item = items[-1]
    before = text[: item.start]
    last_word = before[:-1].rstrip(" ")[-1:]
    joined = last_word.isdigit() and not any(other.has("pctl") for other in items[-3:-1])
    apart = before[-2:-1] in ("", " ", "(", ":", "=", "\n") and not joined and last_word not in ("%", "-")
    if before[-1:] in ("-", "−", "–") and apart:
        item.amount = item.number.times(-1.0)
        item.start -= 1
        if len(items) > 1 and items[-2].has("dash"):
            del items[-2]


def _mark(text: str, token: re.Match[str], items: list[Item]) -> None:
    """Add a mark, unless it only joins the parts of a word: end-to-end, 10-page, max_num_seqs."""
    mark = token.group()
    start, end = token.span()
    if mark in "-–_" and start > 0 and end < len(text):
        before, after = text[start - 1], text[end]
        if before.isalnum() and after.isalnum() and not (before.isdigit() and after.isdigit()) and mark != "–":
            number_first = bool(items) and items[-1].has("num") and after.isdigit()
            if not number_first:
                return
    if mark == "−":
        mark = "-"
    if mark in "\"'’‘“”`*" and mark != "*":
        return
    items.append(Item(kinds_of(mark), start, end, mark))
