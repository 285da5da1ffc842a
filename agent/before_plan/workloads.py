"""Several workloads in one conversation: a draft each, of which one goes on; a line that names another is of that."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from agent.after_plan.answers import answer_act, headline
from agent.after_plan.first_plan import with_plan
from agent.after_plan.replies.running.sharing import bill_of_all
from agent.before_plan.amendments import Again
from agent.collect.assumed import LOADS, assumed
from agent.collect.lines import chosen, clarified, hear, still_needed
from agent.fields.demand import LENGTHS
from agent.fields.table import FIELDS
from agent.interpret.facts.reading import Ambiguity, Choice
from agent.interpret.traffic.workload_table import PLANNED_FIRST
from agent.interpret.words.tables import goes_on
from agent.talk.answer_display import variant_shown
from agent.talk.keywords import MISTAKEN, keyword_in
from agent.talk.questions import question
from agent.talk.speech import Say, Talk, Write, said
from agent.talk.state import Clarify, Draft, Ports, State, Step
from catalogs.errors import InputError
from catalogs.units import show_usd
from engine.workload import Statement


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
    rows = [draft for draft in drafts if not draft.name.startswith("all together")]
    apart = tuple(draft for draft in rows if draft is not mine) if mine in rows else ()
    waiting = f" {', '.join(draft.name for draft in apart)}: a line with that name is of it." if apart else ""
    return replace(mine.state, workload=mine.name, apart=apart), (said(f"{choice.label}.{waiting}"),)


def of_workload(state: State, text: str, ports: Ports, again: Again) -> "Step | None":
    """Take a line that is of other workloads than the one that goes on: it names them, is of all, or tells a new one.

    While it is asked which is planned first, the first that a line names is; without a name, the first of all.
    """
    asked = (*((state.pending.question,) if isinstance(state.pending, Clarify) else ()), *state.later, *state.waiting)
    which = next((one for one in asked if PLANNED_FIRST in one.text), None)
    if which is None:
        made = _told_beside(state, text, ports, again) or _of_names(state, text, ports, again)
    else:
        parts, keyword = _parts(text, [_name(one) for one in which.choices], asked=True), keyword_in(text)
        goes = bool(_EACH.fullmatch(text) or (keyword and keyword.name in ("enter", "yes", "plan")))
        answers = keyword or goes_on(state.table, text) or chosen(replace(state, pending=None), which, text, ports)
        if answers and not (parts or goes):
            return None
        alone = replace(state, pending=None, later=(), waiting=tuple(one for one in asked if one is not which))
        first = next(one for one in which.choices if not parts or _name(one) == parts[0][0])
        new, says = with_drafts(alone, which, first, ports)
        after = (new, tuple(question(new, ports))) if goes else _of_names(new, text, ports, again, asked=True)
        after = after or _with_shared(new, again(new, text, ports))
        made = after[0], (*says, *after[1])
    return made if made is None or made[0] is state else (replace(made[0], past=state, line=text), made[1])


def _of_names(state: State, text: str, ports: Ports, again: Again, asked: bool = False) -> "Step | None":
    """Take each part of a line as of the workload that it names, the first of which goes on; 'both' names each.

    A line under a name that none of them has may be of any: nothing of it is taken.
    """
    names = [state.workload, *(one.name for one in state.apart)]
    parts = _parts(text, names, asked) if state.apart else []
    if state.apart and not parts and _OF_EACH.search(text) and "?" not in text:
        parts = [(name, _OF_EACH.sub("", text)) for name in names]
    if not parts or parts == [(state.workload, text)]:
        label = _LABEL.match(text) if state.apart and not parts else None
        if label is None or not any(label[1] in one for one in ports.read(text, ports.catalog).unused):
            return None
        told = f"{label[1]!r} is none of the workloads {', '.join(names)}. Nothing of this line was taken."
        return state, (said(told),)
    says: tuple[Say, ...] = ()
    for name, part in reversed(parts):
        if name in (state.workload, *(one.name for one in state.apart)):
            state, answer = (_dropped if _LETS_GO.fullmatch(part) else _of)(state, name, part, ports, again)
            says = (*answer, *says)
    return state, says


_LABEL: Final = re.compile(r"\W*([^\W\d][^\W\d_ -]*(?: [^\W\d]+){0,2}):\s")


def _of(state: State, name: str, part: str, ports: Ports, again: Again) -> Step:
    """Go on with a workload, and take a part of a line as of it."""
    turns, state = name != state.workload, state.turned_to(name)
    part = ("show" if state.branches else "go") if _ALONE.fullmatch(part) else part
    after, says = again(state, part, ports) if any(map(str.isalnum, part)) else (state, ())
    return after, (*((said(f"{name}:"),) if turns else ()), *says)


def _dropped(state: State, name: str, part: str, ports: Ports, again: Again) -> Step:
    """Leave a workload out, and say what its plan would have cost."""
    state = state.turned_to(state.apart[0].name) if name == state.workload else state
    draft = next(one for one in state.apart if one.name == name)
    told = [f"{name} is left out; {state.workload} goes on."]
    for whose, one in ((f"{state.workload}'s", state), ("Its", _planned(draft, ports).state)):
        plan = one.base.capacity_plan if one.branches else None
        if plan and plan.cost.monthly_usd is not None:
            told.append(f"{whose} plan: {headline(one.base)} {show_usd(plan.cost.monthly_usd)} a month.")
    return replace(state, apart=tuple(one for one in state.apart if one is not draft)), (said(" ".join(told)),)


def _planned(draft: Draft, ports: Ports) -> Draft:
    """Return a draft with a plan of what is known and usual; as it is where that makes none."""
    made = assumed(draft.state, ports)
    if draft.state.branches or made.missing:
        return draft
    return Draft(draft.name, with_plan(made.state, ports)[0])


# --- told beside the one that goes on ---------------------------------------------------------------------------------

_OWN: Final = re.compile(
    r"traffic\.|users\.|targets$|preset$|scaling\.|money\.monthly|hardware\.(?!accelerators$|excl)"
)
"""Paths of which a workload told later has nothing of the one before."""
_OF_MODEL: Final = re.compile(r"model$|architecture|precision\.|serving\.")
_LITTLE: Final = r"(?:a|(?i:an|one|another|the|our|other|und|une?|eine?|una|also|plus|and|with|needs?|wants?))\b"
_TITLE: Final = re.compile(
    rf"\W*(?:\b[\w']+\W+){{0,4}}?\b(?P<name>(?!{_LITTLE})[^\W\d][\w-]*(?: (?!{_LITTLE})[^\W\d][\w-]*){{0,2}})"
    r"(?: (?:for|of|in) [^\W\d]+(?: [^\W\d]+)?)?\s*[:(=]\s*(?:(?P<what>[^\W\d]+(?: [^\W\d]+)?),)?|"
    r"\W*(?P<first>[^\W\d]+(?: [^\W\d]+)?),? (?=\d)",
)
_ARTICLE: Final = r"\b(?:an?|one|another|other|une?|eine?n?|una)\b (?!further|new|additional|{})(?P<name>[^\W\d][\w-]*)"


def _told_beside(state: State, text: str, ports: Ports, again: Again) -> "Step | None":
    """Go on with a workload that a line tells beside the one that goes on; after a plan that one goes on.

    It states a model, a rate and a length beside others that were stated, or says that it adds a load to them.
    """
    from agent.after_plan.acts.evident import BESIDE

    known = {path for path, source in state.sources.items() if source.kind == "said"}
    known |= {one.path for one in state.waiting}
    known |= {state.pending.question.path} if isinstance(state.pending, Clarify) else set()
    ready = state.branches or (known & LOADS and known & LENGTHS and not text.rstrip().endswith("?"))
    if not ready or _CORRECTS.search(text):
        return None
    reading = ports.read(text, ports.catalog)
    paths = {*reading.values, *(one.path for one in reading.questions)}
    another = "model" in paths & state.values.keys() and reading.values.get("model") != state.values["model"]
    whole = another and bool(paths & LENGTHS and paths & LOADS)
    adds = paths >= LENGTHS or bool(paths & LOADS and paths & {*LENGTHS, "model"})
    if not whole and not (adds and BESIDE.search(text)):
        return None
    sized = not state.branches or bool(paths & LENGTHS)
    taken = {path for path in state.values if _OWN.match(path) or (path.startswith("tokens.") and sized)}
    taken |= {path for path in state.values if "model" in paths and _OF_MODEL.match(path)}
    taken |= {path for path, source in state.sources.items() if source.kind == "preset"}
    name, first = _title(text, len(state.apart), ports), state.workload or _title(state.lines[0], -1, ports)
    kept = {path: value for path, value in state.values.items() if path not in taken}
    fresh = _as_in(State(settled=state.settled), kept, first)
    new, says = hear(fresh, text, ports) if state.branches else again(fresh, text, ports)
    if new is fresh:  # alone it is a job, which is planned by its deadline; beside a load it is one of its hours
        new, says = hear(fresh, text, ports)
    if new is fresh:
        return None
    shown = [variant_shown(path, kept[path]) for path in kept if path in FIELDS and kept[path] == new.values.get(path)]
    as_of = f" As in {first}: {', '.join(shown)}." if shown else ""
    lead = said(f"{name} is a workload of its own beside {first}; a line that names one is of that one.{as_of}")
    mine = replace(state, workload=first)
    if state.branches:
        mine = replace(mine, apart=(*state.apart, Draft(name, new)), past=state, line=text)
        return mine, (lead, *says, *answer_act(mine, "pool", "", ports)[1])
    apart = (*state.apart, Draft(first, replace(mine, apart=())))
    return replace(new, workload=name, apart=apart, past=state, line=text), (lead, *says)


def _as_in(state: State, values: Mapping[str, Any], other: str) -> State:
    """Return the state of a workload with values of another one, which what is said of itself wins over."""
    same = Statement("derived", dict(values), dict.fromkeys(values, f"as in {other}"))
    return replace(state, statements=(same, *state.statements))


def _title(text: str, number: int, ports: Ports) -> str:
    """Return what a line calls its workload: 'batch job' of 'also a batch job: 400k docs'; else its number."""
    from agent.after_plan.acts.evident import BESIDE, NTH

    match = _TITLE.match(text)
    name = (match["name"] or match["first"]) if match else ""
    if match and match["what"] and (BESIDE.search(f"{name}:") or BESIDE.search(f"other {name}")):
        name = match["what"]
    if number >= 0 and not name and (named := re.search(_ARTICLE.format(NTH), text, re.I)):
        name = named["name"]
    if not name or name in (ports.read(text, ports.catalog).details.get("model") or ""):
        name = ("the first", "the second", "the third", "the fourth")[min(number + 1, 3)]
    return name if len(name) == 1 else name.lower()


_CORRECTS: Final = re.compile(
    rf"{MISTAKEN}|\b(?:instead|rather|not|now|then|(?:chang|updat|replac|switch)\w*|make (?:it|that))\b", re.I
)

# --- what is of all of them -------------------------------------------------------------------------------------------


def with_those_beside(old: State, made: Step, text: str, ports: Ports) -> Step:
    """Return a step with what it says of all workloads taken by each, and the bill of all beside the first plan.

    Before a plan cards, places and models that nobody said of the others are theirs too.

    Args:
        old: the state before the line.
        made: the step that the line made.
        text: the line.
    """
    new, says = made
    if new.phase == "done" or not new.apart or (new is old and not old.branches):
        return made
    if file := next((one.path for one in says if isinstance(one, Write)), ""):
        return new, (*says, said(f"{file} is of {new.workload} alone; '{new.apart[0].name}: save …' writes another."))
    if not new.branches:
        named = _parts(text, [new.workload, *(one.name for one in new.apart)], asked=False)
        return made if new.apart != old.apart or named else _with_shared(old, made)
    if old.branches and not _OF_ALL.search(text):
        return made
    bill = _bill_of_all(new, ports)
    return new, (*bill, *says) if old.branches and new.branches == old.branches else (*says, *bill)


def _with_shared(old: State, made: Step) -> Step:
    """Return a step before a plan with what it says of cards, places and models said of those that lack it, too."""
    new, says = made
    stated = {path: now for path, now in new.values.items() if _SHARED.match(path) and old.values.get(path) != now}
    apart, shared = list[Draft](), list[str]()
    for draft in new.apart:
        lacks = {path: now for path, now in stated.items() if draft.state.values.get(path) in (None, ())}
        apart.append(replace(draft, state=_as_in(draft.state, lacks, new.workload)) if lacks else draft)
        shared += [draft.name] if lacks else []
    if new.branches or not shared:
        return made
    return replace(new, apart=tuple(apart)), (said(f"That is of {', '.join(shared)} too."), *says)


def _bill_of_all(state: State, ports: Ports) -> tuple[Say, ...]:
    """Return what each workload takes and costs, and their sum; what lacks something is named with that."""
    planned = [Draft(state.workload, state), *(_planned(one, ports) for one in state.apart)]
    lacks = [f"{one.name} is not in it. {still_needed(one.state, ports)}" for one in planned if not one.state.branches]
    bills = bill_of_all([(one.name, one.state.base) for one in planned if one.state.branches])
    return (Talk(bills), *map(said, lacks))


_SHARED: Final = re.compile(rf"{_OF_MODEL.pattern}|hardware\.(?:accelerators|excluded)$|money\.(?!monthly)|regions?")
_EACH: Final = re.compile(r"\W*(?:(?:plan|take|do|size) )?(?:both|all|each|beide|tous)(?: of (?:them|these))?\W*", re.I)
_OF_EACH: Final = re.compile(
    r"\b(?:both|all of (?:them|these)|each(?: of them)?|same for|beide[nsr]?|jeweils|les deux|amb[oa]s|todos)\b", re.I
)
_OF_ALL: Final = re.compile(
    rf"{_OF_EACH.pattern}|\b(?:totals?|in all|altogether|overall|together|split|per (?:service|workload|client)|"
    r"insgesamt|zusammen|gesamt\w*|en tout|au total|en total|in totale)\b",
    re.I,
)

# --- names ------------------------------------------------------------------------------------------------------------

_LEADS: Final = r"\W*(?:(?:and|ok|okay|then|now|so|no|please|just|let'?s|what about|how about)\W+)*"
_LETS_GO: Final = re.compile(
    rf"{_LEADS}(?:(?:leave(?: out)?|forget|drop|skip|scrap|remove|delete|cancel|without)\W+it\b|(?:\w+ )?it\W+(?:"
    r"leaves|quits|goes away|is (?:gone|cancelled|dropped|out)|part|s'en va|fällt weg|geht)\b)[^?\d]*",
    re.I,
)
_ALONE: Final = re.compile(rf"{_LEADS}it\W*", re.I)
_OF_IT: Final = r"(?:'s|\W*(?:(?:is|are|gets?|has|on|with|at|ttft|itl|p\d\d)\b|[=:\d]))"
"""What stands behind a name that is no article, and of which no 'it' is left."""
_TELLS: Final = r"(?:should|needs?|must|will|has|can|doesn'?t|goes|runs?|on|in|is|are|gets?|leaves|part)\b"


def _parts(text: str, names: Sequence[str], asked: bool) -> list[tuple[str, str]]:
    """Return the workloads that a line names, each with the words from its name to the next name, 'it' for the name.

    Args:
        names: of the workloads.
        asked: whether it is asked which workload is meant, so that a name alone says it.
    """
    found = sorted((match.start(), match.end(), name) for name in names for match in _named(name, text, names, asked))
    parts: list[tuple[str, str]] = []
    starts = [0, *(start for start, _, _ in found[1:])]
    for (start, end, name), first, last in zip(found, starts, [*starts[1:], len(text)], strict=False):
        behind = text[end:last]
        it = "" if re.match(_OF_IT, behind, re.I) else "it"
        parts.append((name, f"{text[first:start]}{it}{re.sub(r'^(?: is|[:=])', '', behind)}".strip(" ,;")))
    return parts


def _named(name: str, text: str, names: Sequence[str], asked: bool) -> "list[re.Match[str]]":
    """Return where a line is about a workload by its name: a letter as it was written, a word with more than itself.

    'Write to 2 rps' is about one called write, 'write a paragraph' is not; nor is 'A request takes 2 s' about A.
    """
    if len(name) == 1:
        return list(
            re.finditer(
                rf"(?<!^)\b{re.escape(name)}\b(?: alone| only)?|^{re.escape(name)}\b(?={_OF_IT}|\W+{_TELLS}|\W*$)", text
            )
        )
    others = {word for other in names if other != name for word in other.split()}
    words = [re.escape(word) for word in name.split() if len(word) > 3 and word not in others]
    said = rf"(?:the )?(?:{'|'.join([re.escape(name), *words])})(?:'s|s)?"
    alone = asked or re.search(
        rf"\b{said}\b(?:.*\d|\W+{_TELLS}|\W*:)|\b(?:of|for|remove|drop|pour|für) {said}\b", text, re.I
    )
    return list(re.finditer(rf"\b{said}\b(?: alone| only)?", text, re.I)) if alone else []


def _name(workload: Choice) -> str:
    return workload.label.partition(":")[0]
