"""What a line after the plan says anew: a number in the place of another, a value said right, users that join.

Beside a variant, 'what if calls go to 350', a correction is the plan: 'sorry, 300 calls, not 200'.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from agent.after_plan.answers import answer_request, branched, undone, with_kept
from agent.after_plan.lines import choosing
from agent.after_plan.variants import difference
from agent.after_plan.whatif import is_chained, understood
from agent.before_plan.amendments import Again, said_anew
from agent.collect.amended import (
    LEADS,
    TAKES_BACK,
    Amendment,
    amended,
    amendment_in,
    replacement_in,
    returned_to,
    said_again,
    said_otherwise,
    value_of,
)
from agent.collect.assumed import assumed
from agent.fields.demand import CROWD, GIVEN_AS, PEAK, RATE, USERS
from agent.fields.table import FIELDS
from agent.interpret.traffic.peaks import load_shown, usual_ratio
from agent.interpret.words.numerals import in_figures
from agent.talk.answer_display import value_shown, variant_shown
from agent.talk.requests import Unclear, Understood, Variation, WhatIf
from agent.talk.slots import Slot, slot_called
from agent.talk.speech import Talk, said
from agent.talk.state import Ports, State, Step
from catalogs.errors import quoted


def amended_plan(state: State, text: str, ports: Ports, again: Again) -> "Step | None":
    """Answer a line after the plan that puts a number in the place of one that was said: a variant with what follows.

    Args:
        text: the line: '300 calls, not 200'.

    Returns:
        None where the line amends nothing that was said.
    """
    figure, rest = returned_to(in_figures(text)) or ("", "")
    if (last := replacement_in(state.line)) and figure and value_of(figure) == value_of(last.old):
        return undone(state, text)
    if figure and (goes_back := _returned(state, value_of(figure) or 0.0, ports)):
        new, says = goes_back
        after, told = choosing.answer_line(new, rest, ports) if rest else (new, ())
        return after, (*says, *told)
    if line := _leaning(state, text):
        wants = re.match(rf"\W*(?:ok\W+)?(?:{TAKES_BACK}|make|plan|take)\b|.*\d\W+[^\W\d]", text, re.I)
        said_so = f"take {text}" if wants else text
        return choosing.taken(state, choosing.answer_line(state, line, ports), said_so, line, ports)
    parts = re.split(r"(?<=[.?!;])\s+", text)
    part = next(filter(replacement_in, parts), text)
    if (amendment := replacement_in(part)) is not None:
        changed = amended(state.lines, amendment)
        return _planned_anew(state, text, part, amendment, changed, ports, again) if changed else None
    read = understood(text, state.base.values, ports)
    if more := _added_users(state, text, read):
        return choosing.answer_line(state, more, ports)
    found = _found(state, text, parts, read, ports)
    return _planned_anew(state, text, found[0], None, found[1], ports, again) if found else None


_DIFFERS: Final = re.compile(
    r"\D*?(?:\bdifferences?\b|\bdiffers?\b|\bsav(?:es?|ings?)\b|"
    r"\bhow much (?:more|less|cheaper|dearer|extra)\b(?! (?:traffic|load|can|could))|"
    r"\b(?:now|after)\b.{0,12}\b(?:vs\.?|versus|against|and|compared to) before\b|"
    r"\bwhat (?:did|does|would) (?:that|it|this) change\b|"
    r"\b(?:compared?|vs\.?|versus|over|against)(?: (?:with|to|against))? "
    r"(?:before|what we had|the (?:first|last|previous|old|plain|original|one before)\b))\D*",
    re.I,
)
"""What asks for the difference that the last change made: 'cost difference?', 'how much more do I pay', 'vs before'."""
_MOST_WORDS: Final = 12


def against_before(state: State, text: str, ports: Ports) -> "Step | None":
    """Set the last variant against what it varied; the first plan against one without the last change before it.

    Args:
        text: the line; None is returned where it does not ask for that.
    """
    from agent.after_plan.acts.classifier import guesses
    from agent.after_plan.readings import SURE

    last = state.branches[-1]
    if len(text.split()) > _MOST_WORDS or not _DIFFERS.fullmatch(text):
        return None
    if not isinstance(understood(text, state.base.values, ports).request, Unclear):
        return None  # it names what it changes
    first = guesses(text)[0]
    if first.probability >= SURE and first.act not in _OF_BILLS:
        return None
    if last.number:
        return state, difference(last, state.branches[last.against])
    changed, before = _last_change(state, None, ports)
    return answer_request(state, WhatIf(_without(state, changed, before)), ports) if before else None


_OF_BILLS: Final = frozenset({"since", "cost", "cheaper", "compare", "change"})
"""Acts as which a question after the difference may be taken: any other has an answer of its own."""


def taken_back(state: State, text: str, ports: Ports) -> Step:
    """Take back the last change of a plan, or of a field that is named; of the first plan what was said last before.

    Args:
        text: the line: 'undo that', 'undo the TTFT target'.
    """
    from agent.after_plan.acts.classifier import guesses

    named = _UNDOES.search(text)
    slot = slot_called(named["what"]) if named else None
    if slot is None and (len(state.branches) > 1 or guesses(text)[0].act != "undo"):
        return undone(state, text)
    changed, before = _last_change(state, slot, ports)
    if before is None:
        return undone(state, text)
    change = _without(state, changed, before)
    return choosing.as_plan(state, answer_request(state, WhatIf(change), ports), change, ports)


def _last_change(state: State, slot: Slot | None, ports: Ports) -> tuple[dict[str, Any], State | None]:
    """Return what the last line that changed a slot, or anything, changed, and the state before, if that has a plan."""
    before, changed = state.past, dict[str, Any]()
    while before and not (changed := _changes(state.base.values, _planned_values(before, ports), slot)):
        before = before.past
    return changed, None if before and before.phase != "planned" and assumed(before, ports).missing else before


def _without(state: State, changed: Mapping[str, Any], before: State) -> Variation:
    label = f"without {quoted(_line_after(state, before))}"
    then = {path: value for path, value in changed.items() if value is not None}
    return Variation(then, {}, label, frozenset(changed.keys() - then.keys()))


_UNDOES: Final = re.compile(
    r"\b(?:undo|revert|take back)\b (?:the |my |that |last )*(?P<what>[\w ]+?)"
    r"(?: (?:thing|change|part|bit|limit|target))?\W*$",
    re.I,
)
UNDO_ALONE: Final = re.compile(
    r"(?:\W*+[\w']++){0,4}\W*undo(?: (?:that|it|this|please|again|the|my|last|one|thing|change|step|answer))*\W*", re.I
)


def undoes(text: str, state: State) -> bool:
    """Whether a line undoes a field by its name, or what was said before the first plan."""
    named = _UNDOES.search(text)
    return bool(named and slot_called(named["what"])) or (len(state.branches) == 1 and bool(UNDO_ALONE.fullmatch(text)))


def _planned_values(state: State, ports: Ports) -> Mapping[str, Any]:
    return state.base.values if state.branches else assumed(state, ports).state.values


def _changes(now: Mapping[str, Any], then: Mapping[str, Any], slot: Slot | None) -> dict[str, Any]:
    """Return what was otherwise of a slot, or of all, by path; None where it was not there."""
    paths = slot.paths if slot else (path for path in {**now, **then} if path in FIELDS)
    return {path: then.get(path) for path in paths if then.get(path) != now.get(path)}


def _line_after(state: State, before: State) -> str:
    """Return the line that led on from a state before."""
    while state.past is not None and state.past is not before:
        state = state.past
    return state.line


def _found(
    state: State, text: str, parts: list[str], read: Understood, ports: Ports
) -> tuple[str, tuple[int, str]] | None:
    """Return which part of a line says an earlier one with another number, and that one with it; None where none does.

    Args:
        parts: its sentences.
        read: what the rules made of it: a variant that they read whole is no other line, but for a figure of the load.
    """
    from agent.after_plan.acts.classifier import guesses  # numpy comes with it
    from agent.after_plan.readings import SURE

    for part in parts:
        if otherwise := said_otherwise(state.lines, part):
            return part, otherwise
        amendment = amendment_in(part)
        if amendment and amendment.unit and (changed := amended(state.lines, amendment)):
            alone = understood(part, state.base.values, ports)
            if isinstance(alone.request, Unclear) or alone.unused:
                return part, changed
    whole = isinstance(read.request, WhatIf) and not read.unused
    first = guesses(text)[0]
    unsure = first.act == "change" or first.probability < SURE
    loosely = unsure and isinstance(read.request, Unclear) and read.request.nothing
    of_load = whole and read.request.change.values.keys() <= _OF_THE_LOAD  # type: ignore[union-attr]
    whole_apart = whole and (not of_load or is_chained(text))
    for clause in () if whole_apart else (text, re.split(r"[,;](?!\d)", text)[0]):
        # What a line after the plan says whole is no other line after it.
        if changed := said_again((_collected(state) if loosely or whole else state).lines, clause, loosely=loosely):
            return clause, changed
    return None


def _collected(state: State) -> State:
    """Return the state before the first plan."""
    while state.phase == "planned" and state.past is not None:
        state = state.past
    return state


def _planned_anew(
    state: State,
    text: str,
    part: str,
    amendment: Amendment | None,
    changed: tuple[int, str],
    ports: Ports,
    again: Again,
) -> "Step | None":
    """Make the variant of an earlier line that is changed, with all that follows from it; a correction is the plan.

    Args:
        text: the line that changes the other.
        part: the sentence of it that does.
        amendment: what it says of the number that it takes the place of, if anything.
        changed: which line of the conversation it changes, and that line with it.
    """
    from agent.after_plan.readings import puts_case

    before = _collected(state)
    if changed[0] >= len(before.lines):
        return choosing.answer_line(state, changed[1], ports)
    old = assumed(before, ports).state.values
    new = assumed(said_anew(before, before.lines, changed, ports, again), ports).state.values
    beside = ports.read(amendment.beside if amendment else "", ports.catalog, known=state.base.values).values
    values = {path: value for path, value in new.items() if value != old.get(path)}
    values |= {path: one for path, one in beside.items() if path in FIELDS and path not in {"preset", *values}}
    if not values:
        return None
    label = ", ".join(
        load_shown(value, new) if path == RATE else variant_shown(path, value)
        for path, value in values.items()
        if path == USERS or (path in FIELDS and path not in CROWD)
    )
    variation = Variation(values, dict.fromkeys(values, part), label, frozenset(old.keys() - new.keys()))
    made, answer = answer_request(state, WhatIf(variation), ports)
    if choosing.states(state, text, variation) or (amendment and not puts_case(text)):
        made, answer = choosing.as_plan(state, (made, answer), variation, ports)
    rest = text.replace(part, "", 1).strip(" ,;")
    if rest and not re.search(r"[\d?]", rest):
        return made, (*answer, said(f"Not used: {quoted(rest)}.")) if any(map(str.isalnum, rest)) else answer
    after, told = choosing.answer_line(made, rest, ports) if any(map(str.isalnum, rest)) else (made, ())
    return after, (*answer, *told)


def _returned(state: State, figure: float, ports: Ports) -> "Step | None":
    """Return to the one value that was planned with a figure before and is another now; None where none or several."""
    now, found = state.base.values, dict[str, tuple[str, Mapping[str, Any]]]()
    for branch in state.branches:
        for path, value in branch.values.items():
            if not isinstance(value, int | float) or isinstance(value, bool) or now.get(path) == value:
                continue
            load = path == RATE
            meant = {float(value), value * usual_ratio(branch.values)} if load else {float(value)}
            if any(abs(figure - one) <= 1e-3 * max(figure, 1.0) for one in meant):
                shown = load_shown(value, branch.values) if load else variant_shown(path, value)
                paths = (RATE, PEAK, GIVEN_AS) if load else (path,)
                found[path] = shown, {one: branch.values[one] for one in paths if one in branch.values}
    if not found:
        has = [
            load_shown(value, now) if path == RATE else value_shown(path, value)
            for path, value in now.items()
            if path in FIELDS
            and isinstance(value, int | float)
            and figure in (value, round(100 * value, 6), path == RATE and round(value * usual_ratio(now), 6))
        ]
        if len(has) != 1:
            return None
        return state, (said(f"{has[0][:1].upper()}{has[0][1:]}: plan {state.kept} has that."),)
    if len(found) != 1:
        return None
    ((shown, values),) = found.values()
    again = Variation(values, {}, f"back to {shown}")
    made = branched(state, again, ports)
    if not isinstance(made, Talk) and made[0] is state and made[1].number != state.kept:
        new, _ = with_kept(state, made[1].number, ports)
        return new, (said(f"Back to {shown}: plan {new.kept} is the plan again."),)
    return answer_request(state, WhatIf(again), ports)


def _leaning(state: State, text: str) -> str:
    """Return the line that a number alone goes on from, with that number; nothing for any other line.

    It made the last variant, or stated a figure of the first plan: 'and 60?' after 'what do 35k players do' is 60k.
    """
    leans = _LEANS.fullmatch(text) or _LEANS.fullmatch(in_figures(text))
    if leans is None:
        return ""
    meant = _leaning(state.past, state.line) if state.past and state.past.branches else ""
    line = in_figures(meant or state.line)
    if len(state.branches) == 1:
        last = [in_figures(words) for one in state.statements if one.kind == "said" for words in one.details.values()]
        line = f"with {last[-1]}" if last and last[-1] in line else ""
    numbers = list(_NUMBERS.finditer(line))
    if len(numbers) != 1:
        return ""
    old, now = numbers[0], value_of(leans["number"]) or 0.0
    before = value_of(old[0]) or 0.0
    thousands = "k" if before % 1e3 == 0.0 and before / _NEAR <= 1e3 * now <= before * _NEAR else ""
    return f"{line[: old.start()]}{now:g}{thousands}{line[old.end() :]}"


_NEAR: Final = 20.0
"""Times a figure in thousands within which one without them means thousands too, by judgement."""
_NUMBERS: Final = re.compile(r"(?<![\w.,])\d[\d.,]*k?(?![\w]*\d)")
_LEANS: Final = re.compile(
    rf"(?=\W*[^\W\d]|.*\d\W+[^\W\d])\W*(?:(?:{TAKES_BACK}|{LEADS}|or|what about|how about|und|et|y|e|so|plan|take|make)"
    r"\W+)*(?:with |at |for )?(?P<number>\d[\d.,]*k?)(?:\W+(?:then|instead|please|rather))?\W*",
    re.I,
)
"""A number alone that goes on from the last variant, or sets it right: 'and 30?', 'no, 30' after 'what if 25 rps'."""
_OF_THE_LOAD: Final = CROWD | {RATE, "traffic.concurrency", GIVEN_AS}
"""What one figure among several makes: read alone it would stand for all of the load."""


def _added_users(state: State, text: str, read: Understood) -> str:
    """Return a line that adds people in the words for it: 'plus 120 paralegals'; nothing where it adds none."""
    values = read.request.change.values if isinstance(read.request, WhatIf) else {}
    more, old = values.get(USERS), state.base.values.get(USERS)
    if not more or not old or not _ADDS_THEM.search(text) or "users +" in read.request.change.label:  # type: ignore[union-attr]
        return ""
    return f"{more:g} more users" if any(value_of(one[0]) == more for one in _NUMBERS.finditer(text)) else ""


_ADDS_THEM: Final = re.compile(
    r"^\W*\+|\b(?:plus|another|additional\w*|extra|more|further|on top|joins?|joining|hir(?:e|ing)|com(?:e|es|ing) "
    r"(?:too|on board|along|as well))\b",
    re.I,
)
