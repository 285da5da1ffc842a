"""Numbers that somebody takes back: 'no sorry, 450', 'make that 12', 'fine, 500 ms', 'no, forty chats'.

The number goes where one with the same unit was said last, and the conversation is led again with the line that holds
it: whatever followed from that line follows anew. A bare number needs a word of taking back before it and a line with
one number alone; else it is an answer to what is asked. Where both numbers are said ('300 calls, not 200'), the old one
says which is meant.
"""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from agent.interpret.words.numerals import NUMBER_WORDS
from agent.interpret.words.ordinary import GRAMMAR
from agent.interpret.words.scanner import items_of
from agent.interpret.words.tongues import put_into_english
from agent.interpret.words.vocabulary import SECONDS
from catalogs.units import MULTIPLIERS, TIME_UNITS

_WORD: Final = "|".join((*NUMBER_WORDS, "hundred", "thousand", "million"))
_NUMBER: Final = rf"(?:\d[\d.,]*\d|\d)(?:\s?[km](?![^\W\d_]))?|\b(?:{_WORD})(?:(?: and)?[ -](?:{_WORD}))*\b"
_UNIT: Final = r"[^\W\d_]+|%"
_COUNTED: Final = re.compile(rf"(?<![\w.,-])(?P<number>{_NUMBER})(?:\s?(?P<unit>{_UNIT}))?(?![\w-])", re.I)
TAKES_BACK: Final = (
    r"no|nope|nah|sorry|oops|wait|pardon|non|nein|actually|rather|correction|scratch that|i mean|i meant|"
    r"make (?:it|that)|quatsch|doch|perdón|mejor|plutôt|lieber|eher"
)
LEADS: Final = r"(?:i|we) (?:want|need)|oh|ah|ok|okay|fine|well|hm+|say|let'?s say|and|then|alright|all right"
_AMENDS: Final = re.compile(
    rf"\W*(?P<leads>(?:(?:{TAKES_BACK}|{LEADS})\b\W*)+)(?P<number>{_NUMBER})(?:\s?(?P<unit>{_UNIT}))?"
    r"(?:\s+(?:instead|then|please|after all|rather|bitte|though|not \S+(?: \S+)?|(?:is|are|will|would)(?: be)? "
    r"(?:enough|do|plenty|fine|sufficient|better|right)|reicht|suffit))*\W*",
    re.I,
)
_FIGURE: Final = r"(?<![\w.,'-])(?:\d{1,3}(?:[ '’]\d{3})+|\d[\d.,]*\d|\d)(?:\s?[km](?![^\W\d_]))?(?!\s?b\b)"
_NEW, _OLD = rf"(?P<number>{_FIGURE})(?:\s?(?P<unit>{_UNIT}))?", rf"(?P<old>{_FIGURE})"
_REPLACES: Final = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        rf"{_NEW}(?:[^\d?]{{0,40}}?[\W_])?(?:not|instead of|rather than|in place of|nicht|statt|anstatt|pas|"
        rf"et non(?: pas)?|non|au lieu de|en vez de|en lugar de|y no|e non|invece di) (?:the |de |my )?{_OLD}",
        rf"\b(?:not|nicht|pas|no) (?:the )?{_OLD}[^\d?]{{0,30}}?\b(?:but|sondern|mais|sino) {_NEW}",
        rf"{_OLD}[^\d?]{{0,15}}? (?:was|were|is|are) (?:wrong|an? (?:typo|mistake)|too (?:low|high)|nonsense)\b"
        rf"[^\d?]{{0,30}}?{_NEW}",
        rf"{_OLD}[^\d?]{{0,15}}? (?:was|were) [^\d?]{{0,60}}?\b(?:realistic(?:ally)?|real(?:ly)?|actual(?:ly)?|right)\b"
        rf"[^\d?]{{0,20}}?{_NEW}",
        rf"{_OLD}[^\d?]{{0,15}}? (?:should|must)(?: have been| be| read)? {_NEW}",
        rf"\b(?:make|change|turn) (?:the |that |my )?{_OLD}[^\d?]{{0,15}}? (?:an?|to|into) {_NEW}",
    )
)
"""A number in the place of one that is named: '300, not 250', '6000 was wrong, it is 9000', 'make the 600 a 400'."""
_FACTORS: Final = {"twice": 2.0, "double": 2.0, "half": 0.5, "three times": 3.0, "four times": 4.0, "ten times": 10.0}
_TIMES: Final = re.compile(rf"\b({'|'.join(_FACTORS)})\b(?: (?:as|so) (?:long|many|much|high|large|big))?", re.I)
"""A number by the one that it replaces: '200 is wrong, it's twice as long'."""
_ASKS: Final = re.compile(
    r"\W*(?:and |but |so )?(?:why|how|which|where|who|when|is|are|do|does|can|warum|wieso|wie|pourquoi|por qué|"
    r"perché)\b",
    re.I,
)
"""How a question begins that supposes nothing."""
_IN_PLACE: Final = re.compile(r"\b(?:instead of|rather than|in place of|(?:an)?statt|au lieu de|en vez de|invece di)\b")
_EVERY: Final = re.compile(r"\b(?:every|per|alle|toutes les|tous les|cada) $", re.I)
"""Before how long it is until something comes again, which is no latency."""
_RIGHT: Final = r"(?:was|is) (?:right|correct|fine|ok(?:ay)?)(?: (?:after all|before|already|at first|the first time))*"
_RETURNS: Final = re.compile(
    rf"\W*(?:(?:{TAKES_BACK}|{LEADS}|so|please)\b\W*)*(?:(?:let'?s )?(?:go|come|switch) )?(?:scrap that\W+)?"
    rf"(?:(?:back to|(?:stay|keep it|leave it) at|keep(?= \d{{2}})) (?P<figure>{_NUMBER})|"
    rf"(?P<right>{_NUMBER}) {_RIGHT}(?:,[^\d.;!?]*)?|(?:that|it) {_RIGHT}\W+(?:with |at )?(?P<before>{_NUMBER}))\W*"
    r"(?:[.;!]+\s+(?P<rest>\S.*))?",
    re.I,
)
"""A number that is gone back to: 'hm, back to 10', '10 was right after all', 'that was right before, 10'."""


class Amendment(Struct, frozen=True):
    """A number that takes the place of one that was said."""

    number: str
    """As typed."""
    unit: str
    """The word behind it, in lower case; empty for a bare number."""
    plain: bool
    """It takes something back in so many words, so that it answers no question."""
    old: str = ""
    """The number whose place it takes, where that is said."""
    beside: str = ""
    """What the sentence says beside the two numbers."""


def amendment_in(part: str) -> Amendment | None:
    """Return the number that a sentence puts in another's place; None where it says more, or less."""
    match = _AMENDS.fullmatch(part)
    if match is None:
        return None
    plain = re.search(rf"\b(?:{TAKES_BACK})\b", match["leads"], re.I) is not None
    unit = (match["unit"] or "").lower()
    return Amendment(match["number"], unit, plain) if plain or unit else None


def replacement_in(part: str) -> Amendment | None:
    """Return the number that a sentence puts in the place of another which it names; None where it does not.

    A question does not, nor a sentence with more numbers: 'why 12 and not 16', '20 rps with 300 out, not 200'.
    """
    figures = re.findall(_FIGURE, part)
    if len(figures) == 1 and (whole := value_of(figures[0])):
        part = _TIMES.sub(lambda found: f"{whole * _FACTORS[found[1].lower()]:g}", part)
    if _ASKS.match(part) or ("?" in part and not _IN_PLACE.search(part)) or len(re.findall(_FIGURE, part)) != 2:
        return None
    match = next(filter(None, (pattern.search(part) for pattern in _REPLACES)), None)
    if match is None or value_of(match["number"]) == value_of(match["old"]):
        return None
    beside = f"{part[: match.start()]} {part[match.end() :]}".strip()
    return Amendment(match["number"], (match["unit"] or "").lower(), True, match["old"], beside)


def value_of(number: str) -> float | None:
    """Return a number as typed in figures; None where it is in words."""
    match = re.fullmatch(r"(\d[\d.,' ’]*?)\s?([km]?)", number, re.I)
    digits = re.sub(r"[ '’]|[.,](?=\d{3}(?:\D|$))", "", match[1]).replace(",", ".") if match else ""
    return float(digits) * MULTIPLIERS.get(match[2].lower(), 1.0) if match and digits.count(".") < 2 else None


_PACE: Final = (
    rf"(?:\b(?:per|an?|pro|par|por|al) |/ ?)(?:{'|'.join(TIME_UNITS)}|tag|stunde|sekunde|jour|heure|seconde|día|hora|"
    r"segundo|minuto)\b"
)
_PACES_ANEW: Final = re.compile(
    rf"\W*(?:.*(?:n't|\bnot) (?:say|said|mean)\b.*[,;.!]\W+)?"
    rf"(?:(?:{TAKES_BACK}|{LEADS}|sry|it'?s|that'?s|it|that|is|was)\b\W*)*"
    rf"(?:(?P<figure>{_FIGURE})(?: ?[rq]ps)? (?:is|was|are|were) )?(?:actually |really |all )*(?P<pace>{_PACE})"
    rf"(?:\W+(?:{TAKES_BACK}|sry|not {_PACE}|not \w+ \w+))*\W*",
    re.I,
)
"""The time alone in which something is meant: 'per day i mean', '15 is per minute', 'it's per hour, sorry'."""
_PACED: Final = re.compile(rf"(?P<figure>{_FIGURE})[^,;.\d]*?(?P<pace>\b[rq]ps\b|{_PACE})", re.I)
_THING: Final = (
    r"\b(?:prompts?|inputs?|answers?|outputs?|repl(?:y|ies)|responses?|traffic|load|rate|users|peak|mean|average)\b"
)
_NAMES_ANEW: Final = re.compile(
    rf"(?=.*(?:\bmeant?\b|\bnot (?:the |my )?{_THING}))\D*?(?<!not )(?<!not the )(?P<new>{_THING})\D*", re.I
)
"""What a change is of and nothing else: 'no the answers i meant, not the traffic'."""


def said_otherwise(lines: Sequence[str], text: str) -> tuple[int, str] | None:
    """Return which line a line without a value sets right, and that line as it was meant; None where it sets none.

    It says in which time a rate is, or of what the change of the last line is.

    Args:
        lines: of the conversation, the oldest first.
    """
    last = len(lines) - 1
    if (named := _NAMES_ANEW.fullmatch(text)) and lines and "?" not in text:
        of_it = list(re.finditer(_THING, lines[last], re.I)) or list(re.finditer(r"\b(?:it|that|them)\b", lines[last]))
        if len(of_it) == 1:
            return last, f"{lines[last][: of_it[0].start()]}the {named['new']}{lines[last][of_it[0].end() :]}"
    paced = _PACES_ANEW.fullmatch(text)
    if paced is None or paced[0].strip(" .!") == paced["pace"]:
        return None
    for at in range(last, -1, -1):
        if _PACES_ANEW.fullmatch(lines[at]):
            return at, text
        found = [one for one in _PACED.finditer(lines[at]) if paced["figure"] in (None, one["figure"])]
        if len(found) == 1:
            what = "requests " if "ps" in found[0]["pace"].lower() else ""
            start, end = found[0].span("pace")
            return at, f"{lines[at][:start]}{what}{paced['pace']}{lines[at][end:]}"
        if found:
            return None
    return None


_FILLER: Final = (GRAMMAR - {"once", "same"}) | frozenset(
    "is are was were be been wait sorry oops ups whoops typo actually mean meant ok okay now say please go goes make "
    "hm nein".split()
)
_NO_SAME: Final = re.compile(r"[$€£]|[-+−–x×*÷/] ?\d|\d ?[x×+]")
"""Signs of money and of what is added or multiplied: no figure in another's place."""
_TOGETHER: Final = frozenset(("concurrent", "simultaneou", "parallel", "once", "same", "time"))
_AT_ONCE: Final = re.compile(r"\b(?:concurrent|simultaneous|parallel|at once|same time)", re.I)
"""'350 concurrent calls' are those of '200 calls at once', and no part of '2,000 users'."""
_MOST_WORDS: Final = 9
"""Words of a line that says one thing again with another number."""


def said_again(lines: Sequence[str], text: str, *, loosely: bool = False) -> tuple[int, str] | None:
    """Return which line says what a line says again with another number, and that line with it; None where none does.

    All words of the line stand in one clause of the other, one of them beside the number: 'a turn every 6 s' after
    'a turn every 8 s', 'what if calls go to 350' after '200 calls at once'.

    Args:
        lines: of the conversation, the oldest first.
        text: with one number.
        loosely: a word that both have on one side of the number is enough: 'et si on passait à 20 % d'actifs ?'.
    """
    numbers = list(_IN_LINES.finditer(text))
    words, asks = _words(text), _ASKS.match(text) or ("?" in text and not loosely)
    if len(numbers) != 1 or asks or _NO_SAME.search(text) or not words or len(text.split()) > _MOST_WORDS:
        return None
    mine = _beside(text, numbers[0]) if loosely else (words, words)
    for at in range(len(lines) - 1, -1, -1):
        meant = [
            (clause.start() + number.start("number"), clause.start() + number.end("number"))
            for clause in _CLAUSES.finditer(lines[at])
            if loosely or words - _TOGETHER <= _words(clause[0])
            if words.isdisjoint(_TOGETHER) or _AT_ONCE.search(clause[0])
            for number in _IN_LINES.finditer(clause[0])
            if _measure(number["unit"]) == _measure(numbers[0]["unit"])
            if any(map(set.__and__, mine, _beside(clause[0], number)))
        ]
        if len(meant) == 1:
            start, end = meant[0]
            return at, f"{lines[at][:start]}{numbers[0]['number']}{lines[at][end:]}"
        if meant:
            return None
    return None


_CLAUSES: Final = re.compile(r"(?:[^,.:;!?\n]|[,.:](?=\d))+")


def _measure(unit: str | None) -> str:
    """Return what a word behind a number measures: 's' for a time, '%' for a share, nothing for what is counted."""
    word = (unit or "").lower()
    items, _ = put_into_english(word, items_of(word))
    return "s" if any(item.word in SECONDS for item in items) else "%" if word == "%" else ""


def _words(text: str, *, last: bool | None = None) -> set[str]:
    """Return the words of a text but fillers, in the singular, with one word for seconds; its last or first two."""
    text = re.sub(r"\b[dlnsj]['’](?=\w{3})", "", text)  # d'actifs
    items, _ = put_into_english(text, items_of(text))
    words = (item.word for item in items if re.match(r"[^\W\d_]", item.word))
    found = [
        "second" if word in ("s", "sec", "secs") else word.removesuffix("s") or word
        for word in words
        if word not in _FILLER - {"s"}
    ]
    return set(found if last is None else found[-2:] if last else found[:2])


def _beside(text: str, number: re.Match[str]) -> tuple[set[str], set[str]]:
    """Return the two words before a number, and the two behind it."""
    before, behind = re.split(r"\d", text[: number.start()])[-1], re.split(r"\d", text[number.end("number") :])[0]
    return _words(before, last=True), _words(behind, last=False)


def returned_to(part: str) -> tuple[str, str] | None:
    """Return the number to which a sentence goes back, and what follows it; None where it goes back to none.

    Args:
        part: one sentence of a line, or all of it.
    """
    match = _RETURNS.fullmatch(part)
    return (match["figure"] or match["right"] or match["before"], match["rest"] or "") if match else None


def amended(lines: Sequence[str], amendment: Amendment) -> tuple[int, str] | None:
    """Return which line an amendment changes, and that line with it; None where no single number can be meant.

    Args:
        lines: of the conversation, the oldest first.
    """
    for at in range(len(lines) - 1, -1, -1):
        if amendment.old:
            found = [one for one in _IN_LINES.finditer(lines[at]) if value_of(one["number"]) == value_of(amendment.old)]
            same = [one for one in found if _of_a_kind((one["unit"] or "").lower(), amendment.unit)]
            found = same if len(found) > 1 and len(same) == 1 else found
            if len(found) == 1:
                own = _of_a_kind((found[0]["unit"] or "").lower(), amendment.unit)
                said = amendment.number + (f" {amendment.unit}" if own else "")
                end = found[0].end("unit" if own else "number")
                return at, lines[at][: found[0].start()] + said + lines[at][end:]
            if found:
                return None
            continue
        numbers = [one for one in _COUNTED.finditer(lines[at]) if not _EVERY.search(lines[at][: one.start()])]
        meant = [one for one in numbers if _of_a_kind((one["unit"] or "").lower(), amendment.unit)]
        if not amendment.unit:
            alike = [one for one in numbers if _digits(one["number"]) == _digits(amendment.number)]
            meant = alike if len(numbers) > 1 and len(alike) == 1 else numbers  # '2.5' of '25 rps, 800 in'
        if len(meant) == 1:
            start, end = meant[0].start(), meant[0].end("unit" if amendment.unit else "number")
            said = amendment.number + (f" {amendment.unit}" if amendment.unit else "")
            return at, lines[at][:start] + said + lines[at][end:]
        if meant or not amendment.unit:
            return None
    return None


def _digits(number: str) -> str:
    """Return the digits of a number, in which one with a slip of the point or of noughts is the same."""
    return re.sub(r"\D", "", number).strip("0")


_IN_LINES: Final = re.compile(rf"(?P<number>{_FIGURE})(?:\s?(?P<unit>{_UNIT}))?", re.I)
_BRIEF: Final = frozenset("ms msec millisecond milliseconds s sec secs second seconds".split())
"""Units of latencies, which go for one another: 500 ms after 1.2 s."""


def _of_a_kind(unit: str, other: str) -> bool:
    return bool(unit) and (unit.removesuffix("s") == other.removesuffix("s") or {unit, other} <= _BRIEF)
