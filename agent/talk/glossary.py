"""What the words of the field mean, for whoever asks: 'what is TTFT?', 'what does p95 mean'."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Final

from msgspec import Struct, convert

_ASKS: Final = re.compile(
    r"(?:and |so |(?:can|could|would) (?:yo)?u (?:please |pls )?|please )*"
    r"(?:what(?:'?s| is| are| does| do)|explain|define|meaning of|(?=diff\w* between))(?: (?:an?|the))? ?(?P<term>.+?)"
    r"(?: (?:even|actually|exactly|really|again|here|please|pls|to \S+ \S+|"
    r"(?:in|with) (?:\S+ )?\S+ (?:sentences?|words?)))*"
    r"(?: (?:mean|means|stand for))?(?: again| exactly| anyway| please| pls)?"
    r"(?:[,;.:?!]? (?:sorry,? )?"
    r"(?:like i'?m\b|i'?m |i am |(?:in|with) (?:plain|simple|easy|normal|lay\S*) |simply|briefly|"
    r"for (?:dummies|beginners|laymen|an? (?:beginner|layman|manager|lawyer|non\S*))).*)?",
    re.I,
)
"""Who asks may say for whom it is: 'explain ITL like I'm five', 'what does TP2 mean, I'm from finance'."""
_OURS: Final = re.compile(
    r"(?:\s*[,;&?]+\s*|\s+)(?:and |& )?(?:(?:what(?:'s| is| are)|how (?:much|high|big|long|many|fast) (?:is|are)) "
    r"(?:ours|mine|our (?:own|value|figure|number)s?|(?:it|that|the (?:value|figure|number)) (?:here|for us|"
    r"in (?:this|our|my) (?:plan|case)))|(?:do|should|must) (?:i|we) (?:really )?(?:have to |need to )?"
    r"(?:care|worry|bother|mind)(?: about (?:it|that|this))?|"
    r"how (?:many|much)(?: of (?:it|them))? (?:(?:do|have) (?:we|i) (?:have|got|run|need)|"
    r"are there|are ours|does (?:it|the plan) (?:have|take))|"
    r"(?:why )?does (?:it|that|this) (?:even )?matter(?: (?:here|for us|to us|to me))?|"
    r"is (?:it|that|ours|mine) (?:good|bad|ok(?:ay)?|fine|a problem)(?: here| for us)?)\W*$",
    re.I,
)
"""Behind what a word means: what the plan's own figure is, or whether it matters, which that figure says."""
_OF_A_LATENCY: Final = re.compile(
    r"(?:and |so )?what(?:'?s| is| are)(?: the| an?)? (?:ttft|itl|tpot|e2e|p(?:50|90|95|99)|time to first token|"
    r"end[- ]to[- ]end latency)"
    r"(?: again| exactly| here)?\W*",
    re.I,
)
"""The name of a latency alone: its word or its value, as in 'what's the ITL'; 'what does ITL mean' is of the word."""
_DIFFERENCE: Final = re.compile(
    r"(?:the )?diff(?:erence)?s? between (?:the |an? )?(?P<one>.+?) (?:and|vs) (?:the |an? )?(?P<other>.+)"
)


class Word(Struct, frozen=True):
    """A word of the field, by all its names; ``figure`` asks a plan for its own figure of it."""

    names: tuple[str, ...]
    means: str
    figure: str = ""


@cache
def _words() -> dict[str, Word]:
    """Return what the file beside this module holds, by name."""
    held = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return {name: word for word in convert(held["word"], tuple[Word, ...]) for name in word.names}


def _asked(line: str) -> tuple[Word, ...]:
    """Return the words of the field whose meaning a line asks for: both of 'the difference between TTFT and ITL'."""
    term = _ASKS.fullmatch(" ".join(re.sub(r"[-\"“”]", " ", _OURS.sub("", line)).split()).rstrip("?!. "))
    named = term["term"].lower() if term else ""
    both = _DIFFERENCE.fullmatch(named)
    names = both.groups() if both else (named,)
    found = [_words().get(one) or _words().get(re.sub(r"(?<=^.p)\s?\d+$", "", one)) for one in names]  # 'TP2'
    return tuple(one for one in found if one) if all(found) else ()


def meaning(line: str) -> str | None:
    """Return what a word means where a line asks for it and it is known; else None."""
    return " ".join(dict.fromkeys(one.means for one in _asked(line))) or None


def own_figure(line: str) -> str:
    """Return the question for the plan's figure where a line asks what a word means and what it is in the plan."""
    asked = _asked(line) if _OURS.search(line) or _OF_A_LATENCY.fullmatch(line.strip()) else ()
    named = re.search(r"\bp(?:50|90|95|99)\b", line, re.I)
    figure = asked[0].figure if asked else ""
    return figure.replace("p95", named[0].lower()) if named else figure
