"""What must be survived: the loss of replicas, GPUs, nodes or zones, and availability in nines, as spare replicas."""

from math import comb
from typing import Final

from agent.interpret.facts.draft import Draft, Option
from agent.interpret.facts.reading import Choice
from agent.interpret.replicas import SPARES, STATED
from agent.interpret.words.grammar import Match, Rule, matches_of, rules
from catalogs.units import show_count
from engine.planning.phrases import counted

GPU_HOURS_PER_FAILURE: Final = 50_700.0
"""419 unexpected interruptions in 54 days on 16,384 H100: The Llama 3 Herd of Models, arXiv 2407.21783, 3.3.4."""
REPAIR_HOURS: Final = 24.0
"""Until a failed node is replaced: by judgement."""
_FEW_NINES: Final = 0.995
"""From which a share that stands alone can only be an availability, by judgement."""
EXAMPLE_REPLICAS: Final = 8
EXAMPLE_GPUS: Final = 8
"""Of each replica of the fleet for which nines are shown, before one is planned."""

_THING: Final = (
    "(r:replica | g:(gpunoun | gpu) | m:(node | pernode) | z:('zone' | 'zones' | 'az' | 'azs' | 'datacenter' | "
    "'datacentre' | 'rack' | 'racks' | 'region' | 'regions'))"
)
_LOSSES: Final = rules(
    "(('survive' | survives) ('the' | 'a' | 'any')?)? (fails | survives | 'survive') ('of' | link | unknown | "
    "'any' | conj){0,3} (n:num ('of' ('the' | 'our' | 'these')? num?)? | 'a' | 'an')? (unknown | available)? "
    f"{_THING} fails? ('survive' | survives)?",
    f"any? (n:num ('of' ('the' | 'our' | 'these')? num?)? | 'a' | 'an')? unknown? {_THING} ('can' | "
    "'may' | 'must' | 'will' | 'could' | 'is' | 'are' | 'to' | 'be' | 'be' 'allowed' 'to'){0,2} fails ('together' "
    "| concurrent)?",
    "(?<! neg) (n:num | 'a' | 'an')? spare m:node",  # two spare nodes
    f"(n:num | 'a' | 'an') unknown? {_THING} ('in' | 'as' | 'on' | 'a' | link){{1,2}} ('reserve' | spare)",
)
_TOLERANT: Final = Rule("x:mult ('fault' | 'failure') ('tolerant' | 'tolerance')")
_NINES: Final = rules(
    "p:pct ('of' unknown? | unknown)? available",
    "available (link | colon | 'target' | unknown){0,3} (p:pct | x:num)",
    "('sla' | 'slo') (link | colon){0,2} p:pct (?= comma | stop | paren | conj | $)",
    "(?: ^ | (?<= comma | stop)) (p:pct | x:num) (?= comma | stop | paren | 'w' | 'across' | $)",
    "n:num 'nines' ('of'? available)?",
    "('highly' | 'high' | 'maximum') available",
    "('fault' | 'failure') ('tolerant' | 'tolerance')",
    "'ha'",
    "('no' | 'zero' | 'without') unknown? ('downtime' | 'outage' | 'interruption' | 'interruptions')",
)


def read_failures(draft: Draft) -> None:
    """Find what must be survived. A count of what is lost is no fleet."""
    for match in matches_of(_LOSSES, draft.sentence):
        _loss(draft, match)
    for match in _TOLERANT.matches(draft.sentence):
        count = int(match["x"].number.value)
        draft.found(SPARES, match.first, match.last, [Option(count, f"{count} spare replicas (N+{count})")])
    if draft.has(SPARES):
        return
    for match in matches_of(_NINES, draft.sentence):
        if not draft.has(SPARES):
            _nines(draft, match)


def _loss(draft: Draft, match: Match) -> None:
    """Note a spare replica for each replica or GPU that may be lost; how many a node or a zone holds is asked."""
    count = match["n"].number.value if "n" in match else 1.0
    said = match.said
    if draft.has(SPARES) or count != int(count) or not 1 <= count <= 100:
        return
    for index in range(match.first, match.last + 1):
        if draft.sentence.items[index].word == "any":
            draft.sentence.take(index)  # of what may fail, not of what may be rented
    if "m" in match or "z" in match:
        what = "a node" if "m" in match else f"a {match['z'].word.removesuffix('s')}"
        choices = tuple(Choice(n, f"{counted(n, 'spare replica')} (N+{n})", usual=n == 1) for n in (1, 2, 4))
        text = f"{said!r}: {what} may hold several replicas, which the plan shows. How many spare replicas?"
        draft.ask(SPARES, match.first, match.last, text, choices)
        draft.sentence.claim(match.first, match.last, "spare", "reserved")
    else:
        each = "" if "r" in match else ": a GPU that fails takes its replica with it"
        echo = f"{counted(count, 'spare replica')} (N+{count:g}){each}"
        draft.found(SPARES, match.first, match.last, [Option(int(count), echo)])


def availability(spares: int) -> float:
    """Return the share of time in which enough replicas of the example run: they fail independently of each other.

    Args:
        spares: replicas beyond those that the load needs.
    """
    down = REPAIR_HOURS / (GPU_HOURS_PER_FAILURE / EXAMPLE_GPUS + REPAIR_HOURS)
    total = EXAMPLE_REPLICAS + spares
    return sum(comb(total, n) * down**n * (1 - down) ** (total - n) for n in range(spares + 1))


def _nines(draft: Draft, match: Match) -> None:
    """Ask how many spare replicas an availability takes, with what each number gives."""
    wanted = 0.0
    if "p" in match or "x" in match:
        wanted = match["p"].number.value if "p" in match else match["x"].number.value / 100
        after = draft.sentence.items[match.last + 1 : match.last + 2]
        alone = not any(item.has("available") for item in match.items)
        if not (_FEW_NINES if alone else 0.9) <= wanted < 1 or any(item.word == "since" for item in after):
            return
    elif "n" in match:
        wanted = 1 - 0.1 ** match["n"].number.value
    enough = next((n for n in (1, 2, 3) if availability(n) >= wanted), 3)
    choices = tuple(
        Choice(n, f"{counted(n, 'spare replica')}: {availability(n):.5%}", usual=n == enough) for n in (1, 2, 3)
    )
    said = match.said
    for stated in matches_of(STATED, draft.sentence):
        spares = int(stated["n"].number.value)
        text = (
            f"{said!r} sets nothing beside the spares that are said: {spares} of {EXAMPLE_REPLICAS + spares} replicas"
        )
        draft.note(match.first, match.last, f"{text} give {availability(spares):.5%}")
        draft.sentence.claim(match.first, match.last)
        return
    text = (
        f"{said!r}: how many spare replicas? Shown is the time in which {EXAMPLE_REPLICAS} replicas of {EXAMPLE_GPUS} "
        f"GPUs run, if each GPU fails once in {show_count(GPU_HOURS_PER_FAILURE)} hours and is replaced within "
        f"{REPAIR_HOURS:g}."
    )
    draft.ask(SPARES, match.first, match.last, text, choices)
