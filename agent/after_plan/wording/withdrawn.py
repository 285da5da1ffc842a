"""What a line leaves open again: 'remove the region', 'any card will do', 'I don't care where it runs'."""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from agent.after_plan.wording.plain_words import TAKE_BACK, TO_A_FIGURE


class Thing(Struct, frozen=True):
    """Something of a plan that may be left open."""

    nouns: str
    """Words for it, in one or several."""
    paths: frozenset[str]
    label: str
    """What a variant is called that leaves it open."""
    where: str = ""
    """How a clause names it that says that it does not matter: 'where it runs'."""


_RUNS: Final = r"(?:runs?|is|sits?|lives?|is (?:hosted|run))"
_REGION, _ACCELERATOR = frozenset({"money.region"}), frozenset({"hardware.accelerators", "hardware.excluded"})
_THINGS: Final = (
    Thing(r"regions?|locations?", _REGION, "anywhere", rf"where (?:it|that|this|the (?:model|fleet|service)) {_RUNS}"),
    Thing(r"providers?|clouds?", _REGION | {"money.provider"}, "any provider", r"who hosts it|whose cloud it is"),
    Thing(
        r"(?:gpu |graphics )?cards?|gpus?|accelerators?", _ACCELERATOR, "any accelerator",
        r"(?:on )?(?:which|what) (?:card|gpu|accelerator)s?(?: (?:it runs on|it is|we use|you use|it takes|they are))?",
    ),
    Thing(r"(?:serving )?(?:runtimes?|engines?)", frozenset({"serving.runtime"}), "any runtime"),
    Thing(r"precisions?|quanti[sz]ation", frozenset({"precision.weights"}), "the checkpoint's own precision"),
)  # fmt: skip
_ENDS: Final = r"(?=\W*$|\s*[,;.–—]|\s+(?:and|but|or|any ?more|please|pls|at all|again)\b)"
_BEGINS: Final = r"(?:^|(?<=[,;.] )|(?<=\band )|(?<=\bbut ))\W*(?:(?:ok|so|then|just|fine)\W+)*"
_DOES_NOT: Final = r"(?:does(?:n'?t| not)|do(?:n'?t| not)|is(?:n'?t| not))"
_INDIFFERENT: Final = (
    rf"(?:(?:i|we) (?:really )?(?:do|could)(?:n'?t| not)(?: really)? care(?: less)?(?: about)?|no matter|whatever|"
    rf"it {_DOES_NOT} matter|never mind)"
)
_ANY: Final = r"(?:(?:on|in|with|from|at|use|take|run it on|run it in|make it) )?(?:any|whatever|whichever)"
_FINE: Final = (
    r"(?: (?:will|would) do| (?:is|are) (?:fine|ok(?:ay)?|good|welcome)| works?| goes| does| you (?:like|want))?"
)
CHEAPEST_PROVIDER: Final = re.compile(rf"{_BEGINS}(?:{_ANY} (?:providers?|clouds?)|providers? any){_FINE}{_ENDS}", re.I)
"""Whoever is cheapest, as --provider any: not the usual price, which holds where nobody says a provider."""
_WISH: Final = r"(?:limit|constraint|requirement|wish|restriction|choice)"


def _pattern(thing: Thing) -> re.Pattern[str]:
    counted = "?" if thing.paths != _ACCELERATOR else ""  # 'drop the gpus' may mean fewer of them
    ways = [
        rf"\b{TAKE_BACK}(?:{thing.nouns}){TO_A_FIGURE}(?: {_WISH}){counted}{_ENDS}",
        rf"{_BEGINS}{_ANY} (?:{thing.nouns}){_FINE}{_ENDS}",
        rf"\b(?:the |which |what )?(?:{thing.nouns}) {_DOES_NOT} matter{_ENDS}",
        rf"\b{_INDIFFERENT} (?:the|which|what|for the) (?:{thing.nouns}){_ENDS}",
    ]
    if thing.where:
        ways.append(rf"\b{_INDIFFERENT} (?:{thing.where}){_ENDS}|\b(?:{thing.where}) {_DOES_NOT} matter{_ENDS}")
    if thing.paths == _REGION:
        ways.append(rf"{_BEGINS}(?:(?:run|put|host) it )?anywhere{_FINE}{_ENDS}")
    return re.compile("|".join(ways), re.I)


_WITHDRAWN: Final = tuple((_pattern(thing), thing) for thing in _THINGS)
_NO_LATENCY: Final = re.compile(
    rf"\b{TAKE_BACK}(?:whole )?latency (?:thing|stuff|business|part|bit|side)(?: (?:entirely|altogether|completely))?|"
    rf"\b{TAKE_BACK}latency{_ENDS}|"
    rf"\b(?:the )?latency {_DOES_NOT} (?:matter|important)(?: at all| any ?more)?|"
    rf"\b{_INDIFFERENT} (?:the )?latency\b(?! of)|"
    r"\b(?:quita\w*|elimina\w*|sin|enlev\w+|supprim\w+|retir\w+|sans) (?:(?:el|los|la|le|les|l'|un|ningún|du|de) ?)*"
    r"(?:(?:requisitos?|límites?|objetivos?|exigences?|contraintes?|limites?|objectifs?)(?: de| d'|) ?(?:la )?)?"
    r"(?:latencia|latence)\b|"
    r"\b(?:ohne|streich\w*|weg mit) (?:(?:das|die|der|den|dem|ein|eine) )*"
    r"(?:latenz(?:ziele?|vorgaben?|grenzen?|anforderung\w*)?|ttft[- ]?ziele?)\b|"
    r"\b(?:the )?latency (?:is )?(?:don'?t care|whatever|irrelevant|unimportant|egal|no (?:issue|concern))\b|"
    r"\b(?:only|just) (?:the )?throughput (?:counts|matters|is important)(?: now)?(?=\W*$)",
    re.I,
)
"""Latency that does not matter, whichever it is."""
_NO_TARGETS: Final = re.compile(r"\b(?:no|without(?: any)?) (?:latency )?targets?\b", re.I)
_NOT_IN: Final = re.compile(
    r"\b(?:no|without|(?:do(?:n'?t| not)|never) (?:use|want|take|run(?: it)? in|go(?: for| to)?)) (?P<name>fp8|bf16|"
    r"fp16|int4|int8|fp4|nvfp4|mxfp4)\b(?:,? please)?",
    re.I,
)
STAYS: Final = re.compile(
    r"(?:\b(?:and|but) )?(?:\bno,? )?\b(?:i|we) (?:wo(?:n'?t| not)|will not|ca(?:n'?t|nnot)|do(?:n'?t| not) want to|"
    r"must not|shall not) (?:relax|touch|change|loosen|give up|move|lower|raise|weaken) "
    r"(?:(?:the|our|that|any|those) )?(?:latency|targets?|ttft|itl|e2e|slos?|slas?|model|precision|traffic|load)"
    rf"(?: targets?| limits?)?{_ENDS}",
    re.I,
)
"""What somebody does not give up stays without saying."""


def withdrawn(text: str, known: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return a line without what it leaves open, and what that is called, by path.

    A question leaves nothing open ('is there any cheaper region'), nor does a place within a wider one ('anywhere in
    Europe').

    Args:
        known: values of the plan by path.
    """
    opened: dict[str, str] = {}
    if (refused := _NOT_IN.search(text)) and known.get("precision.weights") == refused["name"].lower():
        opened["precision.weights"] = f"not {refused['name'].upper()}, but the checkpoint's own precision"
        text = _NOT_IN.sub(" ", text)
    for pattern, thing in _WITHDRAWN:
        if pattern.search(text):
            text = pattern.sub(" ", text)
            opened |= dict.fromkeys(thing.paths, thing.label)
    return text, opened


def without_latency(text: str) -> str:
    """Return a line with 'without targets' in the place of words by which no latency matters."""
    if not _NO_LATENCY.search(text):
        return text
    return _NO_LATENCY.sub("", text if _NO_TARGETS.search(text) else f"without targets, {text}")
