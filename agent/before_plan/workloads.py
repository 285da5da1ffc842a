"""Several workloads in one conversation: a draft each, of which one goes on; a line that names another is of that."""

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from agent.after_plan.answers import headline
from agent.after_plan.first_plan import with_plan
from agent.before_plan.amendments import Again
from agent.collect.assumed import assumed
from agent.collect.lines import clarified
from agent.interpret.facts.reading import Ambiguity, Choice
from agent.interpret.traffic.workload_table import PLANNED_FIRST
from agent.talk.speech import Say, said
from agent.talk.state import Clarify, Draft, Ports, State, Step
from catalogs.errors import InputError
from catalogs.units import show_usd


def with_drafts(state: State, asked: Ambiguity, choice: Choice, ports: Ports) -> Step:
    """Return the state of the workload that is planned first, with a draft of each other one.

    Args:
        asked: the question which is planned first; it waits no more.
        choice: of its choices, the one made.
    """
    drafts: list[Draft] = []
    for one in asked.choices:
        try:
            drafts.append(Draft(_name(one), clarified(state, asked, one, ports)))
        except InputError:
            continue
    mine = next(draft for draft in drafts if draft.name == _name(choice))
    apart = tuple(draft for draft in drafts if draft is not mine and not draft.name.startswith("all together"))
    apart = () if mine.name.startswith("all together") else apart
    waiting = f" {', '.join(draft.name for draft in apart)}: a line with that name is of it." if apart else ""
    return replace(mine.state, workload=mine.name, apart=apart), (said(f"{choice.label}.{waiting}"),)


def of_workload(state: State, text: str, ports: Ports, again: Again) -> "Step | None":
    """Take a line that names workloads as of those, each part of it from its name to the next one.

    The first that is named goes on. While it is asked which is planned first, that is which.
    """
    asked = (*((state.pending.question,) if isinstance(state.pending, Clarify) else ()), *state.later, *state.waiting)
    which = next((one for one in asked if PLANNED_FIRST in one.text), None)
    names = [_name(one) for one in which.choices] if which else [state.workload, *(one.name for one in state.apart)]
    parts = _parts(text, names, asked=which is not None) if len(names) > 1 else []
    new, says = state, tuple[Say, ...]()
    if which is not None and parts:
        alone = replace(state, pending=None, later=(), waiting=tuple(one for one in asked if one is not which))
        first = next(one for one in which.choices if _name(one) == parts[0][0])
        new, says = with_drafts(alone, which, first, ports)
    elif not parts or [name for name, _ in parts] == [state.workload]:
        return None
    told: list[tuple[Say, ...]] = []
    for name, part in reversed(parts):
        if name not in (new.workload, *(one.name for one in new.apart)):
            continue
        if _LETS_GO.fullmatch(part):
            new, answer = _dropped(new, name, ports)
        else:
            new, answer = _of(new, name, part, ports, again)
        told.append(answer)
    new = replace(new, past=state, line=text)
    return new, (*says, *(one for answer in reversed(told) for one in answer))


def _of(state: State, name: str, part: str, ports: Ports, again: Again) -> Step:
    """Go on with a workload, and take a part of a line as of it."""
    draft = next((one for one in state.apart if one.name == name), None)
    if draft is not None:
        mine = Draft(state.workload, replace(state, apart=()))
        apart = (*(one for one in state.apart if one is not draft), mine)
        state = replace(draft.state, apart=apart, workload=name, past=state, offered="")
    part = ("show" if state.branches else "go") if _ALONE.fullmatch(part) else part
    after, says = again(state, part, ports) if any(map(str.isalnum, part)) else (state, ())
    return after, (*((said(f"{name}:"),) if draft else ()), *says)


def _dropped(state: State, name: str, ports: Ports) -> Step:
    """Leave a workload out, and say what its plan would have cost."""
    if name == state.workload:
        state, _ = _of(state, state.apart[0].name, "", ports, lambda state, text, ports: (state, ()))
    draft = next(one for one in state.apart if one.name == name)
    made = draft.state if draft.state.branches else assumed(draft.state, ports).state
    planned, _ = (made, ()) if made.branches else with_plan(made, ports)
    bill = planned.base.capacity_plan.cost.monthly_usd if planned.branches and planned.base.capacity_plan else None
    cost = f" Its plan: {headline(planned.base)} {show_usd(bill)} a month." if bill is not None else ""
    left = tuple(one for one in state.apart if one is not draft)
    return replace(state, apart=left), (said(f"{name} is left out; {state.workload} goes on.{cost}"),)


_LEADS: Final = r"\W*(?:(?:and|ok|okay|then|now|so|no|please|just|let'?s|what about|how about)\W+)*"
_LETS_GO: Final = re.compile(
    rf"{_LEADS}(?:leave(?: out)?|forget|drop|skip|scrap|remove|delete)\W+it\W*(?:out\W*)?", re.I
)
_ALONE: Final = re.compile(rf"{_LEADS}it\W*", re.I)
_OF_IT: Final = r"(?:'s|\W*(?:(?:is|are|gets?|has|on|with|at|ttft|itl|p\d\d)\b|[=:\d]))"
"""What stands behind a name that is no article, and of which no 'it' is left."""


def _parts(text: str, names: Sequence[str], asked: bool) -> list[tuple[str, str]]:
    """Return the workloads that a line names, each with the words from its name to the next name, 'it' for the name.

    Args:
        names: of the workloads.
        asked: whether it is asked which workload is meant, so that a name alone says it.
    """
    found = sorted((match.start(), match.end(), name) for name in names for match in _named(name, text, asked))
    parts: list[tuple[str, str]] = []
    starts = [0, *(start for start, _, _ in found[1:])]
    for (start, end, name), first, last in zip(found, starts, [*starts[1:], len(text)], strict=False):
        behind = text[end:last]
        it = "" if re.match(_OF_IT, behind, re.I) else "it"
        parts.append((name, f"{text[first:start]}{it}{re.sub(r'^(?: is|[:=])', '', behind)}".strip(" ,;")))
    return parts


def _named(name: str, text: str, asked: bool) -> "list[re.Match[str]]":
    """Return where a line is about a workload by its name: a letter as it was written, a word with more than itself.

    'Write to 2 rps' is about one called write, 'write a paragraph' is not; nor is 'A request takes 2 s' about A.
    """
    said = re.escape(name)
    if len(name) == 1:
        return list(
            re.finditer(
                rf"(?<!^)\b{said}\b(?: alone| only)?|^{said}\b(?={_OF_IT}|\W+(?:should|needs?|must|will)\b|\W*$)", text
            )
        )
    alone = asked or re.search(rf"\b{said}\b.*\d|\b(?:of|for|remove|drop) (?:the )?{said}\b", text, re.I)
    return list(re.finditer(rf"\b{said}\b(?: alone| only)?", text, re.I)) if alone else []


def _name(workload: Choice) -> str:
    return workload.label.partition(":")[0]
