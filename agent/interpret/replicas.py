"""How many replicas run: exactly, at least, at most, and how many beyond the load."""

from typing import Final

from agent.interpret.facts.draft import Draft, Option
from agent.interpret.words.grammar import CLAIMED, Amount, Match, Rule, matches_of, rules, whole
from agent.interpret.words.ordinary import ORDINARY
from engine.planning.phrases import counted

SPARES: Final = "availability.spare_replicas"
LEAST: Final = "availability.minimum_replicas"
MOST: Final = "hardware.max_replicas"
EXACTLY: Final = "hardware.replicas"

STATED: Final = rules("'n' plus n:num", "n:num (unknown)? spare (replica | unknown)?")
"""Spares that are counted."""
_SPARE: Final = (
    *STATED,
    *rules(
        "spare (replica? (link | colon){1,2} n:num | n2:num replica)",
        "(w:'a' | w2:('no' | 'without')) spare replica?",
        "w2:spare (link | dont | neg){1,2} ('needed' | 'necessary' | 'required' | 'wanted')",
    ),
)
_SURVIVE: Final = Rule(f"survive (?! num | {CLAIMED})")
"""Not a load: 'can it survive 20 rps'."""
_BOUNDS: Final = tuple(
    (path, Rule(pattern))
    for path, pattern in (
        (LEAST, "over (unknown)? n:num (unknown)? replica"),
        (LEAST, "('min' | 'minimum' | over) (unknown | 'of')? replica (link | colon){0,2} n:num"),
        (LEAST, "n:num replica ('minimum' | 'min')"),
        (MOST, "(under | upto) ('a' | 'of' | 'the' | unknown){0,2} n:num (unknown)? ('replica' | 'replicas')"),
        (MOST, "('max' | 'maximum') ('replica' | 'replicas') (link | colon){0,2} n:num"),
        (MOST, "n:num ('replica' | 'replicas') ('max' | 'maximum' | 'tops')"),
    )
)
_COUNTS: Final = rules(
    "n:num times? para num ('replica' | 'replicas')",  # 4x TP2 replicas
    "(?<! para | per) n:num times? (unknown | model)? ('replica' | 'replicas') (?! per | slash | colon)",
    "('replica' | 'replicas') colon n:num",
)


def read_replicas(draft: Draft) -> None:
    """Find how many replicas are asked for; instances are machines too, and only bound what runs."""
    for path, rule in _BOUNDS:
        for match in rule.matches(draft.sentence):
            said = "at least" if path == LEAST else "at most"
            _read(draft, path, match, said)
    for match in matches_of(_SPARE, draft.sentence):
        _spare(draft, match)
    for match in _SURVIVE.matches(draft.sentence):
        if not draft.has(SPARES):
            draft.found(SPARES, match.first, match.last, [Option(1, "1 spare replica (N+1)")])
    for match in matches_of(_COUNTS, draft.sentence):
        _count(draft, match)


def _count(draft: Draft, match: Match) -> None:
    """Note exactly so many replicas; '2 to 8 replicas' are bounds."""
    values = match["n"].number.values
    if len(values) > 1 and "or" not in {item.word for item in match.items}:
        low, high = values[0], values[-1]
        at = match.index("n")
        draft.found(LEAST, at, match.last, [Option(whole(low), f"at least {counted(low, 'replica')}")])
        draft.found(MOST, at, match.last, [Option(whole(high), f"at most {counted(high, 'replica')}")])
        return
    at = match.index("n")
    draft.read(EXACTLY, (at, at), match["n"].number, whole, lambda v, made: f"exactly {counted(v, 'replica')}")


def _spare(draft: Draft, match: Match) -> None:
    items = match.items
    strange = items[-1].has("unknown") and items[-1].word not in ORDINARY
    if "n" in match and strange and not any(item.has("replica") for item in items):
        return
    amount = (
        match["n"].number
        if "n" in match
        else match["n2"].number
        if "n2" in match
        else Amount((0.0 if "w2" in match else 1.0,))
    )
    draft.read(SPARES, match, amount, whole, lambda v, made: counted(v, "spare replica"))


def _read(draft: Draft, path: str, match: Match, said: str) -> None:
    draft.read(path, match, match["n"].number, whole, lambda v, made: f"{said} {counted(v, 'replica')}")
