"""The parts of a line that are answered one after the other: changes first, then what is asked of the last of them."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

if TYPE_CHECKING:
    from agent.after_plan.acts.classifier import Guess  # numpy comes with it

Part = tuple[str, str]
"""Words of a line, and the act that they are; empty where they ask something that is not understood."""
_TOLD: Final = re.compile(
    r"^(?P<change>.+?\w)\W*?[,;.]?\s*(?:(?:and|then|&|so)\s+)+(?:please |can you |could you )?"
    r"(?:(?:tell|show|give|let) (?:me|us)(?: know)?|say|check|see) "
    r"(?P<question>(?:whether|if|what|how|by how|where|when|the|does|do|is)\b.+)$",
    re.I,
)
_PART: Final = re.compile(
    r"\s*(?:[,;?]+(?:\s+(?:and|und|et|y)\b)?|\.(?!\d)|\b(?:and|und)\b(?!\s+\d+\b(?! ?[a-z]))|(?<=\s)\+)\s+(?=\S)", re.I
)
_SO_MANY: Final = re.compile(
    r"^\W*(?:\w+ )?(?:questions?|fragen?|preguntas?|things?|sachen|choses)(?: please| bitte)?\s*:\s+", re.I
)
"""How a line announces its parts: 'three questions: …'."""
_CONDITION: Final = re.compile(
    r"(?:not|with|without|if|when|once|suppose|assuming|given|for|at|after|since|because|in|say)\b|"
    r"(?:[\w-]+ ){1,2}(?:seconds?|minutes?|words?|lines?|sentences?|pages?)\W*$|"
    r"(?:about |roughly |some )?\d[\d.,]*k?m? [a-z]|(?!how|what|which)\w+(?: \w+)? or \w+(?: \w+)?\W*$|"
    r"(?:(?:so|and) )?(?:how much|what)(?: (?:is|does|would|will|do|it|that|this|we|be|cost|pay|come to|the|new|bill))*"
    r"(?: (?:per|a|each) month)?(?: pls| please)?\W*$|(?:does|would|will)? ?(?:it |that )?fits?\W*$",
    re.I,
)
"""How a part is worded that is no question of its own: a condition of the rest, the length of an answer, two things
between which the question before is ('memory or latency'), or 'how much' and 'fits' behind what is asked."""
_IF: Final = re.compile(
    r"^(?P<question>.+?),? (?:if|when|once|in case|wenn|falls|si|se) (?P<change>[^?]+?)\W*$|"
    r"^\W*(?:and |but |so )?(?:if|when|once|wenn|falls|si|se) (?P<case>[^?,]+), (?P<then>[^?]+?)\W*$|"
    r"^\W*(?:and |but |so )?(?:with|on|using|mit|avec|con) (?P<on>[^?,]+?),? "
    r"(?P<what>(?:how|what|which|does|do|is|are|will|would|can|where|when)\b[^?]+?)\W*$",
    re.I,
)
_SEVERAL: Final = 0.7
"""Probability from which a part of a line is a question of its own."""
_OF_A_VARIANT: Final = frozenset(
    {
        *("limit", "certainty", "memory", "power", "in_flight", "autoscaler", "utilisation", "instance", "failure"),
        *("startup", "context", "idle", "storage", "rate_meaning", "token_volume", "stream", "load_test", "boss"),
        *("tender", "sensitivity", "other_models", "own_or_rent", "api_or_self", "outgrow", "spike", "elsewhere"),
    }
)
"""Acts that a variant's comparison with its plan leaves open: those that it answers are of its rows."""


def change_and_question(text: str) -> tuple[str, str] | None:
    """Return a change and what is asked of it: 'peak 35, and tell me whether the bill doubles'; None where neither."""
    match = _TOLD.match(text)
    return (match["change"], match["question"]) if match else None


def parts_in(text: str, whole: "Guess", changes: Callable[[str], bool]) -> tuple[Part, ...]:
    """Return the parts of a line that ask different things or change something; nothing where it is one.

    'What breaks first if traffic doubles' is asked of this fleet at that load, and of the fleet that the load takes.

    Args:
        whole: its likeliest act.
        changes: whether a part is a change of the plan, all of whose words are read.
    """
    from agent.after_plan.acts.classifier import guesses
    from agent.after_plan.readings import ASKS, NO_QUESTION, OVERRULES, SURE

    if made := _under_condition(text, changes):
        return made
    parts = [part.strip(" ?.!") for part in _PART.split(_SO_MANY.sub("", text)) if part.strip(" ?.!")]
    if len(parts) < 2 or whole.act in NO_QUESTION or any(_CONDITION.match(part) for part in parts):
        return ()
    likely = [_part(part, guesses(part)[0], changes) for part in parts]
    asked = sum(ASKS.match(part) is not None for part in parts) > 1
    acts, unsure = dict[str, str](), list[Part]()
    for part, guess in zip(parts, likely, strict=True):
        vague = guess.act == "change" and not changes(part)
        elsewhere = asked and guess.act == "unrelated" and ASKS.match(part)
        if vague or elsewhere or guess.probability < (SURE if asked else _SEVERAL):
            unsure.append((part, ""))
        elif guess.act not in NO_QUESTION:
            acts[guess.act] = f"{acts[guess.act]}, {part}" if guess.act in acts else part
    overruled = whole.probability >= OVERRULES and "change" not in acts and not asked
    alike = len(acts) < 2 or acts.keys() <= {"change", "compare"}
    told = [part for act, part in acts.items() if _TELLS.match(part) and not (act == "change" and changes(part))]
    if alike or told or (overruled and any(guess.probability < OVERRULES for guess in likely)):
        return ()
    if not all(asked and ASKS.match(part) for part, _ in unsure):
        return ()
    return (*((part, act) for act, part in acts.items()), *unsure)


def _part(part: str, guess: "Guess", changes: Callable[[str], bool]) -> "Guess":
    """Return what a part is: a change where rules read all of it, and it has a figure or is nothing else surely."""
    doubtful = guess.act == "change" or guess.probability < _SEVERAL or re.search(r"\d", part) is not None
    return replace(guess, act="change", probability=1.0) if doubtful and changes(part) else guess


_TELLS: Final = re.compile(
    r"(?:it'?s|this|that'?s?|they|we|i|i'?m|you|our|my|c'est|ce|on|das|es|ich|wir|esto?|eso)\b(?! (?:want|need)\b)",
    re.I,
)
"""How a part begins that tells something and asks nothing: 'we negotiated', 'c'est moins cher'."""


def _under_condition(text: str, changes: Callable[[str], bool]) -> tuple[Part, ...]:
    from agent.after_plan.acts.classifier import guesses

    match = _IF.match(text)
    if match is None:
        return ()
    question, change = (
        match["question"] or match["then"] or match["what"],
        match["change"] or match["case"] or match["on"],
    )
    first = guesses(question)[0]
    if first.probability < _SEVERAL or first.act not in _OF_A_VARIANT or not changes(change):
        return ()
    now = ((f"what happens if {change}", "at_load"),) if first.act == "limit" else ()
    question = text if first.act == "outgrow" else question  # its growth is in both parts
    return (*now, (change, "change"), (question, first.act))
