"""A line as it was meant: spoken figures in digits, and what was taken back left out.

'5 req/s, sorry, I mean 15' is read as '15 req/s', 'llama 3 point 1' as 'llama 3.1'. What changes keeps its width, so
that everything else of the line keeps its place.
"""

import re
from collections.abc import Callable, Collection
from typing import Final

from agent.interpret.words.numerals import NUMBER_WORDS, SCALES, in_figures
from agent.interpret.words.scanner import kinds_of
from agent.interpret.words.spelling import spelt

_BELOW_HUNDRED: Final = "|".join(sorted(NUMBER_WORDS, key=len, reverse=True))
_SPOKEN: Final = rf"(?:{_BELOW_HUNDRED}|{'|'.join(word for word in SCALES if len(word) > 2)})"
_NUMBER: Final = (
    r"(?:(?<![\w.,])\d+x\d+(?=b\b)|(?<![\w.,])\d+(?:[.,'_]\d+)*(?:\s?[kKM]\b)?"
    rf"|\b{_SPOKEN}(?:(?:[\s-]|\sand\s){_SPOKEN})*\b)"
)
_STRONG: Final = (
    r"no,? wait|wait,? no|sorry|scratch that|strike that|edit|correction|or rather|"
    r"(?:hmm+|uh+|er+m?|well),? rather|i mean(?:t)?|make (?:it|that)|my "
    r"(?:bad|mistake)|oops|but (?:it'?s |it is |that'?s )?(?:really|actually)|pardon|but i(?:'d|'ll| would)? (?:bet on|"
    r"say|guess|think(?: it'?s)?|go with)|je veux dire|ou plutôt|quatsch|ich meinte?|vielmehr|besser gesagt|perd[oó]n|"
    r"digo|mejor dicho|quiero decir|scusa(?:te)?|anzi|volevo dire|desculpe?|aliás|quer dizer|ou melhor|ik bedoel|"
    r"przepraszam|to znaczy|извините|точнее|вернее|不对|哦不|いや|すみません|じゃなくて|ではなく|아니"
)
_WEAK: Final = r"no|non|nein|nee|nie|não|нет|不|actually|wait|pardon|enfin|plutôt|moment|uh+m?|äh+m?|euh+"
_APART: Final = r"[\s,;:.?–—…()→>-]"
_TAKEN_BACK: Final = re.compile(
    rf"(?<!{_APART})(?P<marks>{_APART}++(?:(?:{_STRONG}|{_WEAK})\b{_APART}*+)++)"
    r"(?:(?:it's|that's|it is|about|around|like|more like|rather|exactly|only|is|~)\s?)*"
    rf"(?P<then>{_NUMBER}|(?:per|pro|par|por|an?|al)\s|/|[a-z]+\d+\w*\b)",
    re.I,
)
_MARK: Final = re.compile(rf"{_STRONG}|[,;.?(–—-]\s*(?:{_WEAK})\s*[,;–—]", re.I)
_BEFORE_A_NUMBER: Final = re.compile(rf"[,;.?(–—-]\s*(?:{_WEAK})\s*$", re.I)
"""'H100, no A100' takes nothing back."""
_BEFORE: Final = re.compile(
    rf"(?P<number>{_NUMBER})(?P<tail>[\s-]?(?:[^\W\d_/%€$£][\w/%-]*|[/%€$£])?(?:\s?[/a-z][\w/-]*+)*+)$", re.I
)
_NAME: Final = re.compile(r"\b([a-z]+)\d+\w*$", re.I)
_TIME: Final = (
    r"(?:s|sec|second|min|minute|m|h|hr|hour|d|day|week|month|sekunde|stunde|tag|seconde|heure|jour|segundo|hora|día)"
    r"s?\b"
)
_ONE_OF: Final = r"(?:gpu|card|node|replica|region|site|user|person|head)s?\b"
_SENSE: Final = re.compile(
    r"(?:the\s)?\b(?:peak|mean|average|avg|max)\w*\W+(?:(?:is|was|of|at|about|around)\W+)*$", re.I
)
"""What a figure was said to be that is said to be something else: 'peak is 20 rps. no, 20 is the average'."""
_RATE: Final = re.compile(rf"\b[rq]p[smhd]\b|(?:/|\b(?:per|an?|each|every|pro|je|par|por|al)\s)\s?{_TIME}", re.I)
_PER_TIME: Final = re.compile(rf"(?:/|\b(?:per|an?|pro|par|por|al)\s)\s?{_TIME}$", re.I)
_UNITS: Final = frozenset(
    "event token time tshort user textunit thing gpunoun percent rateunit usd euro node replica tps turn".split()
)
_FREE: Final = re.compile(
    r"\s*(?:$|[,;.!?\n)–—]|-\s|(?:and|with|for|on|et|und|y|e|en|mit|pour|in|at|peak|p\d\d)\b)", re.I
)
"""What stands behind a number without a unit of its own."""
_PAST: Final = re.compile(
    r"\((?:was|formerly|previously|used to be|before:) [^()\n]{1,40}\)|~~[^~\n]{1,60}~~|<(s|del)>[^<\n]{1,60}</\1>",
    re.I,
)
"""'(was 9)', and what is struck out."""
_FARTHEST: Final = 60
"""Characters from a figure to the words that take it back."""
_MOST: Final = 5
"""Figures that one line takes back."""


def as_meant(text: str, families: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """Return a text with its names and points in digits and without what it takes back, and a note of each of those.

    Args:
        text: a line.
        families: words with which models' names begin, in lower case.
    """
    for pattern, rewrite in _REWRITTEN:
        text = _in_place(text, pattern, rewrite)
    text = _in_place(text, _VERSION, lambda said: _version(said, families))
    text = _in_place(text, _VERSION_BEHIND, lambda said: _before_its_size(said, families))
    notes = []
    while past := _PAST.search(text):
        notes.append(f"{past.group()!r} is left out, as what was.")
        text = f"{text[: past.start()]}{' ' * len(past.group())}{text[past.end() :]}"
    for _ in range(_MOST):
        for found in _TAKEN_BACK.finditer(text):
            made = _replaced(text, found, families)
            marked = _MARK.search(found["marks"]) or found["then"][-1:] in "/ "
            if made and (marked or (_BEFORE_A_NUMBER.search(found["marks"]) and not _NAME.search(found["then"]))):
                start, end, new = made
                old = " ".join(text[start : found.start()].split())
                glued = re.match(r"[a-z]{0,3}\b", text[end:])
                notes.append(f"{old!r} was taken back for '{new.strip()}{glued.group() if glued else ''}'.")
                text = f"{text[:start]}{new.ljust(end - start)}{text[end:]}"
                break
        else:
            break
    return text, tuple(notes)


def _in_place(text: str, pattern: re.Pattern[str], rewrite: Callable[[re.Match[str]], str]) -> str:
    """Return a text with what a pattern finds rewritten, and as wide as it was."""
    return pattern.sub(lambda said: rewrite(said).ljust(len(said.group())), text)


def _replaced(text: str, found: re.Match[str], families: Collection[str]) -> tuple[int, int, str] | None:
    """Return where what was taken back and what takes its place begin and end, and what is read there."""
    least = max(0, found.start() - _FARTHEST)
    said, then, behind = text[least : found.start()], found["then"], text[found.end() :]
    if name := _NAME.search(then):
        other = _NAME.search(said)
        return (least + other.start(), found.end(), then) if other and name[1].lower() == other[1].lower() else None
    before = _BEFORE.search(said)
    if before is None:
        return None
    start, tail = least + before.start(), before["tail"].rstrip()
    if then[-1:] in "/ ":
        unit, old = re.match(rf"{_TIME}|{_ONE_OF}", behind, re.I), _PER_TIME.search(said)
        if not unit or (old is None) is not bool(re.match(_ONE_OF, unit.group(), re.I)):
            return None
        rest = said[before.start() : old.start() if old else None].rstrip()
        return start, found.end() + unit.end(), f"{rest} {then}{unit.group()}"
    again = then == before["number"] and re.match(r"\s(?:is|was)\b", behind)
    sense = _SENSE.search(said[: before.start()]) if again else None
    ahead = re.match(r"\s?-?([^\W\d_]+|[%€$£/])", behind)
    free = _FREE.match(behind) or sense
    kinds, old_kinds = _unit(ahead[1] if ahead and not free else ""), _unit(tail)
    if kinds:
        named = re.search(r"([a-z]+)\s*$", said[: before.start()].lower())
        bare = not tail and (kinds == {"b"} or named is None or named[1] not in families)
        alike = kinds & old_kinds or (_RATE.search(tail) and _RATE.match(behind.lstrip()))
        kept = _AT_WHICH.search(tail)  # '10 rps peak, sorry, 10 per minute'
        new = f"{kept.group()} {then}" if kept and len(kept.group()) < found.end() - start - len(then) else then
        return (start, found.end(), new.rjust(found.end() - start)) if alike or bare else None
    scaled = before["number"][-1:] in "kKM" and then[-1:] not in "kKM"
    return (least + sense.start() if sense else start, found.end(), then + tail) if free and not scaled else None


_AT_WHICH: Final = re.compile(r"\b(?:at )?(?:the )?(?:peak|average|avg|mean|max)\b", re.I)
"""Of which a rate is, whatever its figure."""


def _unit(words: str) -> frozenset[str]:
    """Return what a unit counts, from the words behind a number."""
    first = re.match(r"[\s-]*([^\W\d_]+|[%€$£])", words)
    if first is None:
        return frozenset()
    word = first[1].lower()
    return frozenset({word}) if word in ("b", "x") else kinds_of(spelt(word)) & _UNITS or frozenset({f"'{word}'"})


_PERCENTILE: Final = re.compile(r"\bp (fifty|ninety(?:[ -](?:five|nine))?)\b", re.I)
_ALWAYS: Final = re.compile(r"\btwenty[ -]four[ /-]seven\b", re.I)
_LOOSE: Final = re.compile(
    r"(?<=[\dkK])-?ish\b|(?<=\d)\+(?=\s(?:rps|qps|req\w*|quer\w+|users|people|tokens)\b)|(?<=/)~(?=\d)", re.I
)
"""What makes a figure loose and changes none: '10ish rps', '10+ rps', '1k/~200'."""
_POWER: Final = re.compile(rf"\bten to the ({_BELOW_HUNDRED})\b", re.I)
_MEMORY: Final = re.compile(r"\b(A100) (?:de|mit|with|of) (40|80)\b(?! ?[gx\d])", re.I)
"""'En A100 de 40' is of the card's memory."""
_NONE_OF: Final = re.compile(r"\bzero(?= [a-z]{1,3}\d{2,})", re.I)
_QUOTED: Final = re.compile(r"(?m)^[ \t]*(?:>[ \t]?)+")
"""The marks of a quoted mail."""
_SEQUENCE: Final = re.compile(r"\b(in|out)put sequence lengths?\b", re.I)
_MIXTURE: Final = re.compile(r"(?<=mixtral[ -])8 ?x ?(7|22)(?:(?= )\s|$|(?=[,.;]))", re.I)
"""'Mixtral 8x7' without its b."""
_ABBREVIATED: Final = re.compile(
    r"(?<=\d )(mio|mrd|tsd|tys|mln|млн|тыс|anfr|req)\.|"
    r"\b(max|min|mtl|sek|std|avg)\.(?=\s?[\d/€,])|\b(?:avg|pr)\.(?=\s(?-i:[a-z]))",
    re.I,
)
"""Scales that other languages shorten with a full stop, which ends no sentence."""

# --- figures of names, spoken -----------------------------------------------------------------------------------------

_POINT: Final = re.compile(
    rf"\b(?P<whole>\d+|{_BELOW_HUNDRED}) (?:point|dot) (?P<part>\d+|{_BELOW_HUNDRED})\b"
    rf"(?! (?:{_BELOW_HUNDRED}) (?:b|billion)\b)",
    re.I,
)
"""'3 point 1', 'one point five', but not 'three point one eight b', which may be 3.18 or 3.1 and 8."""
_CARDS: Final = {
    "h": (100, 200, 800), "b": (100, 200, 300), "l": (4, 40), "mi": (300, 325, 350, 355), "gb": (200, 300),
    "rtx": (3090, 4090, 5090), "a": (100,),
}  # fmt: skip
_CARD: Final = re.compile(
    rf"\b(?P<letters>{'|'.join(_CARDS)}) (?P<number>{_SPOKEN}(?: {_SPOKEN})*)(?P<more> ?[sx]\b)?", re.I
)
_VERSION: Final = re.compile(
    rf"\b(?P<family>[a-z]{{3,}}) (?!one\b)(?P<number>{_BELOW_HUNDRED})(?= (?P<next>[a-z]+)|\W|$)"
    rf"(?! (?:{_BELOW_HUNDRED}|point|dot|hundred|b)\b)",
    re.I,
)


_VERSION_BEHIND: Final = re.compile(
    rf"\b(?P<family>[a-z]{{3,}}) (?P<size>\d+|(?:{_BELOW_HUNDRED})(?: (?:{_BELOW_HUNDRED}))?) ?b,? "
    r"(?P<version>\d\.\d)\b(?!\s?(?:k|s|ms|sec\w*|b|%|rps|qps|req\w*|tok\w*|mil\w*|x|times)\b)",
    re.I,
)
"""'llama 8b, 3.1'."""


def _before_its_size(said: re.Match[str], families: Collection[str]) -> str:
    if said["family"].lower() not in families:
        return said.group()
    return f"{said['family']} {said['version']} {in_figures(said['size'])}b"


def _figure(words: str) -> str:
    return f"{NUMBER_WORDS[words.lower()]}" if words.lower() in NUMBER_WORDS else words


def _with_point(said: re.Match[str]) -> str:
    return f"{_figure(said['whole'])}.{_figure(said['part'])}"


def _percentile(said: re.Match[str]) -> str:
    return f"p{in_figures(said[1].replace('-', ' '))}"


def _card(said: re.Match[str]) -> str:
    number, letters = in_figures(said["number"]).replace(" ", ""), said["letters"].lower()
    if (
        not number.isdigit()
        or int(number) not in _CARDS[letters]
        or (letters == "a" and not said["number"].startswith("one"))
    ):
        return said.group()
    return f"{said['letters']}{number}{(said['more'] or '').strip()}"


def _version(said: re.Match[str], families: Collection[str]) -> str:
    counts = kinds_of(spelt((said["next"] or "").lower())) & _UNITS
    if said["family"].lower() not in {*families, "phi"} or counts:
        return said.group()
    return f"{said['family']} {_figure(said['number'])}"


_ALIGNED: Final = re.compile(
    r"(?<![\w/])(?P<names>p\d\d(?: ?/ ?p\d\d){1,3})\)?\s?[ :=(]\s?"
    r"(?P<figures>[\d.,]+k?(?: ?/ ?[\d.,]+k?){1,3})(?![\w/])",
    re.I,
)
"""'p50/p90/p99 = 800/2500/9000'."""


def _aligned(said: re.Match[str]) -> str:
    names, figures = (re.split(r" ?/ ?", said[group]) for group in ("names", "figures"))
    if len(names) != len(figures):
        return said.group()
    return ",".join(f"{name} {figure}" for name, figure in zip(names, figures, strict=True))


_AROUND: Final = re.compile(
    r"^\W*(?:(?:btw|by the way|oh|ah|ok(?:ay)?|well|hm+|right|yes|yeah|yep|sure|alright|so|(?:and )?also|"
    r"plus(?! ?\d))\b[\s,:;.–—-]*)+(?:and\b[\s,]*)?(?=.*\w)|"
    r"(?<=\w)[\s,–—-]+(?:please|pls|plz|thanks|thx|thank you|i (?:think|guess|suppose|believe)|then)[\s.!]*$",
    re.I,
)
"""Words before and behind what a line says."""
_REWRITTEN: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]] = (
    (_AROUND, lambda said: ""),
    (_LOOSE, lambda said: ""),
    (_ABBREVIATED, lambda said: said.group()[:-1]),
    (_ALWAYS, lambda said: "24/7"),
    (_MIXTURE, lambda said: f"8x{said[1]}b"),
    (_POWER, lambda said: f"10^{_figure(said[1])}"),
    (_MEMORY, lambda said: f"{said[1]}-{said[2]}GB"),
    (_NONE_OF, lambda said: "no"),
    (re.compile(r"\bevery other (?=day|week|month|hour|minute)", re.I), lambda said: "every 2 "),
    (re.compile(r"(?<=r1[ -])distilled\b", re.I), lambda said: "distill"),
    (_QUOTED, lambda said: ""),
    (_SEQUENCE, lambda said: f"{said[1][0]}sl".lower()),
    (_PERCENTILE, _percentile),
    (_POINT, _with_point),
    (_CARD, _card),
    (_ALIGNED, _aligned),
)
"""What is put into figures, and how, the blanks that are left over behind it."""
