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
    r"^(?P<change>.+?\w)\W*?[,;.]?\s*(?:(?:and|then|also|&|so)\s+)+(?:please |can you |could you )?"
    r"(?:(?:tell|show|give|let) (?:me|us)(?: know)?|say|check|see) "
    r"(?P<question>(?:whether|if|what|how|by how|where|when|the|does|do|is)\b.+)$",
    re.I,
)
_SETS_TOO: Final = re.compile(
    r",? (?:and|but|then) (?=(?:please )?(?:forget|drop|remove|ignore|set|use|put|take) )", re.I
)
"""Where a question goes over into a further change: '…, and forget the TTFT'."""
_ITEM: Final = re.compile(
    r"(?:^|(?<=\s))(?:\(?[1-9a-f]\)|[1-9]\.(?= [a-z])|(?:first|second|third|fourth|fifth|last)(?:ly)?:)\s+", re.I
)
"""How a list's items begin: '1) how many GPUs 2) cost per year', 'first: …'."""
_PART: Final = re.compile(
    rf"\s*(?:[,;?]+(?:\s+(?:and|und|et|y)\b)?|\.(?!\d)|\b(?:and|und)\b(?!\s+\d+\b(?! ?[a-z]))|(?<=\s)\+)\s+(?=\S)|"
    r"[，；？、]\s*|\s+(?:et|y|e)\s+(?=(?:combien|quel\w*|est-ce|pourquoi|quand|cu[aá]nt\w+|cu[aá]l\w*|qu[eé]|cómo|"
    rf"quant[oaie]|quale|quando)\b)|{_ITEM.pattern}",
    re.I,
)
_SO_MANY: Final = re.compile(
    r"^\W*(?:\w+ )?(?:questions?|fragen?|preguntas?|things?|sachen|choses)(?: please| bitte)?\s*:\s+", re.I
)
"""How a line announces its parts: 'three questions: …'."""
_CONDITION: Final = re.compile(
    r"(?:not|with|without|if|when|once|suppose|assuming|given|for|at|after|since|because|in|say)\b|"
    r"(?:[\w-]+ ){1,2}(?:seconds?|minutes?|words?|lines?|sentences?|pages?)\W*$|"
    r"(?:about |roughly |some )?\d[\d.,]*k?m?(?: [a-z]|$)|(?!how|what|which)\w+(?: \w+)? or \w+(?: \w+)?\W*$|"
    r"(?:(?:so|and) )?(?:how much|what)(?: (?:is|does|would|will|do|it|that|this|we|be|cost|pay|come to|the|new|bill))*"
    r"(?: (?:per|a|each) month)?(?: pls| please)?\W*$|(?:does|would|will)? ?(?:it |that |this )?(?:fits?|helps?)\W*$",
    re.I,
)
"""How a part is worded that is no question of its own: a condition of the rest, the length of an answer, two things
between which the question before is ('memory or latency'), or 'how much' and 'fits' behind what is asked."""
_IF: Final = re.compile(
    r"^(?P<question>\S+ .+?),? (?:if|when|once|in case|wenn|falls|si|se) (?P<change>[^?]+?)\W*$|"
    r"^\W*(?:and |but |so )?(?:if|when|once|wenn|falls|si|se) (?P<case>[^?,]+), (?P<then>[^?]+?)\W*$|"
    r"^\W*(?:and |but |so )?(?:with|on|using|mit|avec|con) (?P<on>[^?,]+?),? "
    r"(?P<what>(?:how|what|which|does|do|is|are|will|would|can|where|when)\b[^?]+?)\W*$",
    re.I,
)
_PUTS_A_CASE: Final = frozenset({"more_or_fewer", "failure", "at_load", "spike"})
"""Acts of a fleet or a load that is not planned: what else a line asks is asked of that case, and in the answer."""
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
    if match is None:
        return None
    question, *sets = _SETS_TOO.split(match["question"], 1)
    return ", ".join((match["change"], *sets)), question


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
    listed = len(_ITEM.findall(text)) > 1
    parts = list[str]()
    for piece in filter(None, (part.strip(" ?.!") for part in _PART.split(_SO_MANY.sub("", text)))):
        parts = [*parts[:-1], f"{parts[-1]}, {piece}"] if parts and _CONDITION.match(piece) else [*parts, piece]
    conditional = parts and _CONDITION.match(parts[0]) and not ASKS.match(parts[0])
    if len(parts) < 2 or (whole.act in NO_QUESTION and not listed) or conditional:
        return ()
    likely = [_part(part, guesses(part)[0], changes, whole) for part in parts]
    puts_a_case = whole.act == likely[0].act and whole.act in _PUTS_A_CASE
    changed = whole.act == "change" and whole.probability >= SURE and not any(map(ASKS.match, parts))
    if (puts_a_case or changed) and not listed:
        return ()
    asked = listed or sum(ASKS.match(part) is not None for part in parts) > 1
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
    if not listed and not all(asked and ASKS.match(part) for part, _ in unsure):
        return ()
    return (*((part, act) for act, part in acts.items()), *unsure)


def _part(part: str, guess: "Guess", changes: Callable[[str], bool], whole: "Guess") -> "Guess":
    """Return what a part is: a change where rules read all of it, and it or the line is nothing else surely."""
    from agent.after_plan.readings import OVERRULES

    figures = re.search(r"\d", part) is not None and (guess.act != whole.act or guess.probability < OVERRULES)
    doubtful = "change" in (guess.act, whole.act) or guess.probability < _SEVERAL or figures
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
