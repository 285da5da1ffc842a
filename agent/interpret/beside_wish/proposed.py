"""A fleet that others propose, or that is held up to be checked, is asked about: exactly that, or what it takes."""

import re
from typing import Final

from agent.interpret.beside_wish.present import CARD, plain_words
from agent.interpret.facts.draft import Draft, Finding
from agent.interpret.facts.reading import Choice

_FLEET: Final = ("hardware.replicas", "hardware.nodes", "hardware.accelerator_count")
"""What a proposal is asked by: the first of these that it gives."""
_SPLIT: Final = ("serving.tensor_parallel", "serving.pipeline_parallel", "serving.data_parallel")
_PARTS: Final = (*_FLEET, "hardware.accelerators_per_node", *_SPLIT, "serving.expert_parallel")
_SIZE: Final = {"model", "traffic.requests_per_s", "tokens.input.mean"}
_PROPOSES: Final = re.compile(
    r"\b(?:vendor|supplier|reseller|dealer|integrator|consultants?|consultancy|colleague|coworker|boss|manager|cto|cfo|"
    r"friend|nephew|architecture|salesman|partner|datasheet|blog|chatgpt|quote|quotation|proposal|idea|offer)\b"
    r"[^.;?!\n]*?\b(?:quotes?|quoted|offers?|offered|proposes?|proposed|suggests?|suggested|recommends?|recommended|"
    r"says|said|thinks|claims?|claimed|insists|wants|believes|is|on|=|:)(?!\w)|"
    r"\b(?:quoted|recommended|proposed|suggested|told) (?:us|me|to)\b"
)
"""Who proposes, and the word for it."""
_CHECKS: Final = re.compile(
    r"\b(?:sanity|double|plausibility) check\b|\b(?:sane|plausible|overkill)\b|\btoo (?:many|few|small|big|large)\b|"
    r"\b(?:oversized|undersized)\b|\bgood idea\b|\bmakes? sense\b|\bis (?:that|this|it) (?:right|ok|okay|realistic)\b|"
    r"\b(?:be|is|are|that|~|gpus?|cards?|nodes?|replicas?|boxes) enough\b|\bsuffic(?:e|es|ient)\b|\benough (?:for|to|"
    r"right)\b|(?:^|[.;?!:,]|\b(?:and|but|so)) ?(?:is|are|would|will|does|do|can|could) [^.;?!]*\b(?:ok|okay|fine|work|"
    r"hold|handle|cope|do)\b"
)


def ask_whether_proposed(draft: Draft) -> None:
    """Put one question in the place of a fleet that is proposed or held up to be checked: check it, or find another."""
    known = draft.known.keys()
    if known >= _SIZE:
        return  # a plan can be made: what is asked of it is not read here
    parts = [one for one in draft.findings if one.path in _PARTS and len(one.options) == 1]
    fleet = next((one for path in _FLEET for one in parts if one.path == path), None)
    if fleet is None or not _is_proposed(draft, fleet):
        return
    first, start, end = fleet.options[0], min(one.start for one in parts), max(one.end for one in parts)
    cards = tuple(name for one in draft.findings if one.path == CARD for name in one.options[0].value)
    also = {one.path: one.options[0].value for one in parts if one is not fleet}
    if fleet.path == _FLEET[0] and _SPLIT[0] in also:
        also = {**dict.fromkeys(_SPLIT[1:], 1), **also}  # '2 replicas x TP8' is 16 accelerators, not 32
    exactly = "; ".join(
        one.options[0].echo.removeprefix("exactly ") for one in sorted(parts, key=lambda one: one.start)
    )
    on = f" of {' or '.join(cards)}" if cards else ""
    choices = (
        Choice(first.value, f"check exactly that: {exactly}", fleet.path, usual=True, also=also),
        Choice(cards, f"find the fleet{on} that it takes", CARD),
    )
    draft.findings[:] = [one for one in draft.findings if one not in parts]
    said = " ".join(draft.sentence.text[start:end].split())
    draft.questions.append((f"{said!r} {PROPOSED}", fleet.path, choices, start, end))


PROPOSED: Final = "is a proposal, as I read it: shall I check it?"
"""How the question ends whether a fleet that somebody named is to be checked; unanswered, it is no limit."""


def _is_proposed(draft: Draft, fleet: Finding) -> bool:
    """Whether the fleet's own sentence says that it is proposed, or it or the next asks whether it will do."""
    items = draft.sentence.items
    ends = [at for at, item in enumerate(items) if item.has("stop")] + [len(items)]
    at = next(index for index, item in enumerate(items) if item.start >= fleet.start)
    first = max((end + 1 for end in ends if end < at), default=0)
    last = next(end for end in ends if end >= at)
    behind = next((end for end in ends if end > last + 1), last)
    own, all_ = plain_words(items[first:last]), plain_words(items[max(0, first - 6) : behind])
    return _PROPOSES.search(own) is not None or _CHECKS.search(all_) is not None
