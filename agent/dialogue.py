"""The conversation as a pure function: a state and a line make the next state and what is said.

Phases: collect → review → planned → done. Every state keeps the one before it, so that *back* restores exactly.
"""

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from agent.after_plan import answers, first_plan, saving
from agent.after_plan.lines import choosing
from agent.after_plan.measured import AFTER_THE_PLAN, results_in
from agent.after_plan.suggestions import suggestions
from agent.after_plan.whatif import understood
from agent.anywhere import EVERYWHERE, where
from agent.collect.amended import amended, amended_clause, amendment_in, returned, returned_to
from agent.collect.assumed import LOADS, Assumption, accepted, assumed, load_is_said
from agent.collect.beyond import OutOfScope, out_of_scope, with_model_for_purpose
from agent.collect.lines import AFTER_A_PLAN, chosen, clarified, hear, remarks, still_needed
from agent.collect.proposals import proposal
from agent.collect.review import ANYTHING_ELSE, forewarnings, review
from agent.collect.said_values import invalid, with_values
from agent.fields.demand import AT_PEAK, GIVEN_AS, MEAN_ASKED
from agent.fields.table import FIELDS
from agent.interpret.domain import DOUBT
from agent.interpret.pasted import goes_on, is_head
from agent.interpret.reading import Ambiguity, Choice
from agent.talk.answer_display import answer_shown, value_shown
from agent.talk.glossary import meaning, own_figure
from agent.talk.keywords import COURTESIES, Keyword, keyword_in
from agent.talk.questions import default_said, kept_on_enter, open_slot, open_slots, question, settled
from agent.talk.requests import Unclear, Variation, WhatIf
from agent.talk.slots import Slot, default_of, slot_called, slot_of
from agent.talk.speech import Say, said, warned
from agent.talk.state import Clarify, NameFile, Ports, Propose, State, Step, WhichReading, without
from catalogs.errors import InputError, quoted

MOST_CHARACTERS: Final = 2000
_KEYS: Final = re.compile(r"\x1b(?:\[[\d;?]*[ -/]*[@-~]|O[A-Z])")
"""What keys and colours send to a terminal that does not edit lines: arrows, Shift-Tab."""


def step(state: State, line: str, ports: Ports) -> Step:
    """Take a line.

    Args:
        state: where the conversation is.
        line: what was typed; empty is Enter.
        ports: the functions around the dialogue.

    Returns:
        The next state and what is said. The same state object where nothing was accepted; else one whose ``past`` is
        the state that was given (but for *back*, which returns the past itself).
    """
    typed = _KEYS.sub(" ", line)
    text = "".join(character if character.isprintable() or character in "\t\n" else " " for character in typed).strip()
    if len(text) > MOST_CHARACTERS:
        return state, (
            said(f"That line has {len(text):,} characters; I read up to {MOST_CHARACTERS:,}. Nothing was taken."),
        )
    if state.measured and ports.under:
        ports = ports.under(state.measured.calibration)
    keyword = keyword_in(text)
    if keyword and keyword.name == "back":
        return _back(state, ports)
    new, says = _answered(state, text, keyword, ports)
    if new is state or new == state:
        return state, says
    new = replace(new, past=state, line=text, table=new.table if new.table != state.table else "")
    return (new, says) if new.phase == "done" else _continued(state, new, says, ports)


def _continued(old: State, new: State, says: tuple[Say, ...], ports: Ports) -> Step:
    """Ask what comes next, or open the review where nothing is left to ask."""
    if (new.phase == "planned" and not new.pending) or (new.table and new.values == old.values):
        return new, says
    if new.pending or open_slot(new, ports):
        return new, (*says, *question(new, ports))
    if new.phase == "planned":
        return new, says
    if new.phase == "collect":
        new = replace(new, phase="review")
        return new, (*says, *review(new, ports), said(ANYTHING_ELSE))
    warnings = forewarnings(new, ports) if new.statements != old.statements else ()
    warned_of = tuple(warned(text, "Before you run it") for text in warnings)
    return new, (*says, *warned_of, said(ANYTHING_ELSE))


def _answered(state: State, text: str, keyword: Keyword | None, ports: Ports) -> Step:
    if meaning_of_word := meaning(text):
        if state.phase == "planned" and (figure := own_figure(text)):
            new, says = choosing.answer_line(state, figure, ports)
            return new, (said(meaning_of_word), *says)
        return state, (said(meaning_of_word), *question(state, ports))
    if keyword and keyword.name in COURTESIES:
        return state, (said(COURTESIES[keyword.name]), *question(state, ports))
    if keyword and keyword.name in EVERYWHERE:
        asks = keyword.name == "why" and keyword.rest and not slot_called(keyword.rest)
        if not (asks and state.pending is None and _lacks_nothing(state, ports)) and not _varies(state, text, keyword):
            return EVERYWHERE[keyword.name](state, keyword.rest, ports)
        keyword = None
    if keyword and keyword.name == "plan" and state.phase != "planned":
        return _plan_now(state, ports)
    match state.pending:
        case NameFile() as file:
            made = saving.name_file(state, file, text, ports)
            if made is None:
                made = choosing.answer_line(replace(state, pending=None), text, ports)
        case Clarify() as open_choice:
            made = _clarify(state, open_choice, text, keyword, ports)
        case WhichReading() as readings:
            made = choosing.choose_reading(state, readings, text, ports)
        case Propose() as offered:
            made = _proposed(state, offered, text, keyword, ports)
        case None:
            made = _heard(state, text, keyword, ports, state)
    return made


def _plan_now(state: State, ports: Ports) -> Step:
    """Plan with what is known and assumed; take what is proposed, or say what is missing, where that is no plan."""
    made = assumed(state, ports)
    if not made.missing:
        return _planned_and_answered(state, made, "", ports)
    if isinstance(state.pending, Propose):
        return _accept(state, state.pending)
    return state, (said(still_needed(made.state, ports)), *question(state, ports))


def _varies(state: State, text: str, keyword: Keyword) -> bool:
    """Whether 'change peak to 35 rps' varies the plan that stands; 'edit peak', 'change the peak' ask for it anew."""
    planned = state.phase == "planned" and not state.editing and keyword.name == "edit"
    return planned and not re.match(r"\W*edit\b", text, re.I) and slot_called(keyword.rest) is None


def _proposed(state: State, offered: Propose, text: str, keyword: Keyword | None, ports: Ports) -> Step:
    match keyword.name if keyword else "":
        case "enter" | "yes" | "default" | "unsure":
            return _accept(state, offered)  # who does not know either what to make of it takes it
        case "no" | "skip":
            return replace(state, pending=None), ()
    return _heard(replace(state, pending=None), text, keyword, ports, state)


def _heard(state: State, text: str, keyword: Keyword | None, ports: Ports, before: State) -> Step:
    """Take a line that no pending question claims; what was pending stays where nothing came of it."""
    if keyword:
        new, says = _keyword(state, keyword, ports)
    elif state.phase == "planned" and not state.editing:
        new, says = _about_plan(state, text, ports)
    else:
        return _unasked(before, text, ports)
    return (before if new is state else new), says


def _unasked(state: State, text: str, ports: Ports) -> Step:
    """Take a line before the plan that answers nothing which was asked."""
    if beyond := out_of_scope(state, text):
        return _beyond(state, text, beyond, ports)
    if results_in(text):
        return state, (said(AFTER_THE_PLAN), *question(state, ports))
    return _before_plan(state, text, ports)


_INTERROGATIVE: Final = re.compile(
    r"^\W*(?:(?:and|but|so|ok|okay|now|hm+|told you|well|then)\W+)*(?:what|how|which|where|when|why)'?s?\b", re.I
)
"""How a line begins that asks: where nothing of it was stated, the plan may answer."""


def _beyond(state: State, text: str, beyond: OutOfScope, ports: Ports) -> Step:
    """Say what can be done of a line that wants no text served, and keep of it what a service would have too."""
    reading = ports.read(text, ports.catalog, known=state.values)
    model = reading.values.get("model")
    if beyond.kept == "load" and (model or "tokens.input.mean" in reading.values):
        new, says = _taken_in(state, text, ports)
        if new.pending is state.pending and new is not state:
            return new, (*beyond.says, *says)
    if beyond.kept == "model" and model:
        kept = with_values(state, {"model": model}, {"model": reading.details["model"]}, ports)
        return kept, (*beyond.says, said(f"Model: {value_shown('model', model)}, kept for that."))
    return state, beyond.says


def _before_plan(state: State, text: str, ports: Ports) -> Step:
    """Take what a line states; what it asks of the plan is answered once nothing is missing for one but what is usual.

    A question that waits is no net: a line that says something else is read for what it says, and the question kept.
    """
    from agent.after_plan.readings import asked_in  # numpy comes with it

    if (made := _of_table(state, text, ports) or _amended(state, text, ports)) is not None:
        return made
    spans = asked_in(text, wishes=not _lacks_nothing(state, ports))
    if not spans:
        return _stated(state, text, ports)
    asked = " ".join(text[start:end] for start, end in spans)
    if _states(text, spans, state, ports):
        new, says = _taken_in(state, text, ports)
    elif any(map(str.isalnum, _beside(text, spans))):
        new, says = _taken_in(state, text, ports, spans)
    else:
        new, says = state, ()
    with_all, waits = assumed(new, ports), new.pending != state.pending
    loads = any(path.startswith(_OF_THE_LOAD) and state.values.get(path) != new.values[path] for path in new.values)
    if not with_all.missing and (_lacks_nothing(new, ports) or not (waits or loads)):
        return _planned_and_answered(new, with_all, asked, ports, says if new is not state else says[:-1])
    return _asked_too_early(state, new, says, ports)


def _stated(state: State, text: str, ports: Ports) -> Step:
    """Take a line that asks nothing; one that wants something of the plan gets it, once nothing is missing for it."""
    from agent.after_plan.readings import is_plain_change, wants_of_plan

    new, says = _taken_in(state, text, ports)
    stated = {path for path, source in new.sources.items() if state.sources.get(path) != source}
    if any(new.sources[path].kind != "preset" for path in stated):
        return new, says
    read = understood(text, state.values, ports) if new is state else None
    if read is not None and isinstance(read.request, WhatIf) and is_plain_change(text, read):
        return _changed_now(state, read.request.change, ports)
    with_all = assumed(new, ports)
    asks = new is state and bool(_INTERROGATIVE.search(text))
    wants = not with_all.missing and (asks or wants_of_plan(text, read))
    return _planned_and_answered(new, with_all, text, ports) if wants else (new, says)


def _changed_now(state: State, change: Variation, ports: Ports) -> Step:
    """Change what was said before there is a plan: 'drop that target', 'half as long answers'."""
    kept = replace(
        state, statements=without(state.statements, change.drops | change.values.keys()), settled=state.settled
    )
    try:
        new = with_values(kept, dict(change.values), change.details, ports)
    except InputError as error:
        return state, (warned(f"{error}."),)
    if problem := invalid(new.values):
        return state, (warned(f"That cannot be: {problem}. Nothing of this line was taken."),)
    return new, (said(f"{change.label[:1].upper()}{change.label[1:]}."),)


def _of_table(state: State, text: str, ports: Ports) -> "Step | None":
    """Take a line of a table that comes line by line: its head waits for rows, which are read below it."""
    goes = bool(state.table) and goes_on(state.table, text)
    if not goes and not is_head(text):
        return None
    table = f"{state.table}\n{text}" if goes else text
    new, says = _taken_in(state, table, ports) if goes and any(map(str.isalnum, text)) else (state, ())
    waits = said("The head of a table: I read its rows as they come.")
    return replace(new, table=table), says if goes and says else (waits,)


def _amended(state: State, text: str, ports: Ports) -> "Step | None":
    """Put a number in the place of one that was said, and take the rest of the line; None where a line does not."""
    from agent.after_plan.readings import asked_in

    for part in [] if state.branches else re.split(r"(?<=[.?!;])\s+", text):
        new = _with_amendment(state, part, ports)
        if new is None or new.values == state.values:
            continue
        shown = [
            f"{value_shown(path, value)} (before: {value_shown(path, state.values[path])})"
            for path, value in new.values.items()
            if path in FIELDS and state.values.get(path) not in (None, (), value)
        ]
        rest = text.replace(part, "", 1)
        goes_on_with = _before_plan if asked_in(rest, wishes=True) else _taken_in
        after, says = goes_on_with(new, rest, ports) if any(map(str.isalnum, rest)) else (new, ())
        told = said(f"Taken as {quoted(part.strip())}{': ' if shown else ''}{'; '.join(shown)}.")
        return after, (told, *(says if after is not new else says[:-1]))
    return None


def _with_amendment(state: State, part: str, ports: Ports) -> State | None:
    if (number := returned_to(part)) is not None:
        return returned(state, number, ports)
    amendment = amendment_in(part)
    if amendment is None or (isinstance(state.pending, Clarify) and amendment.number in "12345678"):
        return None
    slot = open_slot(state, ports)
    asked_path = None if amendment.plain or slot is None else slot.path
    reading = ports.read(part, ports.catalog, asked_path=asked_path, known=state.values)
    lines = state.lines
    if reading.said_values or (changed := amended(lines, amendment)) is None:
        return None
    new = state
    while new.past is not None:
        new = new.past
    for line in (*lines[: changed[0]], changed[1], *lines[changed[0] + 1 :]):
        new, _ = step(new, line, ports)
    return new


def _beside(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return a line without some spans of it."""
    cuts = [0, *(cut for span in spans for cut in span), len(text)]
    return "".join(text[start:end] for start, end in zip(cuts[::2], cuts[1::2], strict=True))


def _taken_in(state: State, text: str, ports: Ports, asking: Sequence[tuple[int, int]] = ()) -> Step:
    """Hear what a line states; what was asked about before waits on, unless the line settles it."""
    if not isinstance(state.pending, Clarify):
        free = replace(state, pending=None)
        new, says = with_model_for_purpose(free, hear(free, text, ports, asking=asking), text, ports)
        return (state if new is free else new), says
    open_question = state.pending.question
    closed = _with_mean_asked(replace(state, pending=None, later=()), open_question, text, ports)
    new, says = hear(closed, text, ports, correcting=True, asked_path=open_question.path, asking=asking)
    if new.statements == state.statements and not new.pending:
        return state, says
    left = tuple(
        ambiguity
        for ambiguity in (open_question, *state.later)
        if new.values.get(ambiguity.path) == state.values.get(ambiguity.path)
        and (state.values.keys() & LOADS or not load_is_said(ambiguity, new.values))
        and not ambiguity.text.endswith(DOUBT)  # who goes on with a workload meant something else
    )
    if left:
        still = (*((new.pending.question,) if isinstance(new.pending, Clarify) else ()), *new.later, *left)
        new = replace(new, pending=Clarify(still[0]), later=still[1:])
    return new, says


def _asked_too_early(before: State, new: State, says: tuple[Say, ...], ports: Ports) -> Step:
    """Say what is missing for a plan; a model is proposed, which the next line that passes it over takes."""
    if new is not before:
        return new, (*says, said(AFTER_A_PLAN))
    wanting = open_slot(before, ports)
    if before.values and before.pending is None and wanting is not None and wanting.id == "model":
        return replace(before, pending=proposal(wanting, before, ports)), (said(AFTER_A_PLAN),)
    return before, (*says, said(f"{AFTER_A_PLAN} {still_needed(before, ports)}"))


_OF_THE_LOAD: Final = ("model", "architecture", "traffic.requests_per_s", "traffic.concurrency", "tokens.", "users.")
"""Beginnings of the paths that a question states: 'how many H100 for 20 rps'. 'Is gcp cheaper' chooses nothing."""


_BILLS: Final = re.compile(r"\b(?:cost|costs|price|bill|pay|charge|kostet|coûte|cuesta)\b", re.I)
_COMPARES: Final = re.compile(r"\b(?:cheaper|less|more|better|than|vs|versus|or|instead|why)\b", re.I)
"""Words of a question that sets places beside each other; without one it says where the plan's are: 'what on AWS?'."""


def _states(text: str, asking: Sequence[tuple[int, int]], state: State, ports: Ports) -> bool:
    """Whether a question names the load that it is about, or whose prices: what it names is stated with it."""
    from agent.after_plan.readings import BIDS

    reading = ports.read(text, ports.catalog, known=state.values)
    named = [(one.path, one.start) for one in (*reading.said_values, *reading.habits)]
    named += [(one.path, one.start) for one in reading.questions if one.path != "model" or "model" not in state.values]
    ready = _lacks_nothing(state, ports)
    for start, end in asking:
        part = text[start:end]
        paths = [path for path, at in named if start <= at < end]
        of_load = [path for path in paths if path.startswith(_OF_THE_LOAD)]
        if not ready and any(not (path.startswith("tokens.") and BIDS.match(part)) for path in of_load):
            return True  # but the sentences that somebody wants are of our own words
        places = paths and {*paths} <= {"money.provider", "money.region", "money.term"}
        if places and _BILLS.search(part) and not _COMPARES.search(part):
            return True
    return False


def _lacks_nothing(state: State, ports: Ports) -> bool:
    """Whether everything is known, or has a default, that a plan needs."""
    if state.phase == "planned" or state.pending:
        return False
    return all(default_of(slot, state.values) for slot in open_slots(state, ports))


def _planned_and_answered(
    state: State, made: Assumption, asked: str, ports: Ports, heard: tuple[Say, ...] = ()
) -> Step:
    """Plan with what is assumed, say that it is, and answer a line about the plan, if there is one."""
    planned, says = first_plan.with_plan(made.state, ports)
    if planned is made.state:
        return state, (*heard, *says)
    new, answer = choosing.answer_line(planned, asked, ports) if asked else (planned, ())
    assumption = (said(f"Assumed: {'; '.join(made.words)}."),) if made.words else ()
    return new, (*heard, *assumption, *says, *answer)


def _keyword(state: State, keyword: Keyword, ports: Ports) -> Step:
    slot = open_slot(state, ports)
    if slot is None:
        return _without_question(state, keyword, ports)
    match keyword.name:
        case "unsure":
            return replace(state, pending=proposal(slot, state, ports)), ()
        case "defaults":
            return _defaults(state, ports)
        case "enter" | "default" | "skip" | "no" | "yes":
            return _default(state, slot, keyword, ports)
    return state, question(state, ports)


def _default(state: State, slot: Slot, keyword: Keyword, ports: Ports) -> Step:
    default = default_of(slot, state.values)
    if kept_on_enter(slot, state) and keyword.name in ("enter", "skip", "no"):
        return replace(state, editing=None), (said(f"The {slot.id} stays as it was."),)
    if default and keyword.name == "yes":
        return state, (said(f"Yes to what? Name the {slot.id}, or press Enter for {default}."),)
    if default:
        return settled(state, slot), (said(default_said(slot, state.values)),)
    if keyword.name in ("default", "skip"):
        offered = proposal(slot, state, ports)
        return replace(state, pending=offered), (
            said(f"There is no default for the {slot.id}: nothing can be planned without it."),
        )
    return state, (
        said(f"I need the {slot.id} to plan. 'I don't know' gets a proposal, 'why' the reason."),
        *question(state, ports),
    )


def _defaults(state: State, ports: Ports) -> Step:
    kept: list[str] = []
    new = replace(state, editing=None)
    for slot in open_slots(new, ports):
        default = default_of(slot, new.values)
        if default:
            new = settled(new, slot)
            kept.append(f"{slot.id}: {default}")
    return new, (said(f"Defaults kept: {'; '.join(kept)}." if kept else "Nothing that is open has a default."),)


def _without_question(state: State, keyword: Keyword, ports: Ports) -> Step:
    """Take a keyword where no slot is asked: in the review, or after the plan."""
    if state.phase == "planned":
        if keyword.name == "enter":
            return state, (suggestions(state.base),)
        text = "The plan stands. Ask 'what if …', 'compare …' or 'why …'; 'edit traffic' changes an answer."
        return state, (said(text),)
    if keyword.name == "unsure":
        return state, (
            said("Enter plans with what I have; every default is marked. 'why peak' says what one changes."),
        )
    return first_plan.with_plan(state, ports)


def _about_plan(state: State, text: str, ports: Ports) -> Step:
    text = _with_clause(state, text, ports)
    words = text.split(maxsplit=1)
    if words and words[0].lower() == "export":
        return saving.save(state, words[1] if len(words) > 1 else "", ports)
    return choosing.answer_line(state, text, ports)


def _with_clause(state: State, text: str, ports: Ports) -> str:
    """Return a line after the plan with what its number takes the place of: '500 ms ttft' for 'fine, 500 ms'."""
    for part in re.split(r"(?<=[.?!;])\s+", text):
        amendment = amendment_in(part)
        if amendment is None or not amendment.unit:
            continue
        read = understood(part, state.base.values, ports)
        if isinstance(read.request, Unclear) or read.unused:
            return text.replace(part, amended_clause(state.lines, amendment) or part, 1)
    return text


# --- what waits -------------------------------------------------------------------------------------------------------


def _clarify(state: State, open_choice: Clarify, text: str, keyword: Keyword | None, ports: Ports) -> Step:
    open_question = open_choice.question
    if keyword and keyword.name in ("skip", "no", "default", "defaults", "unsure"):
        return _not_answered(state, open_choice, keyword, ports)
    if keyword and keyword.name == "yes" and len(open_question.choices) == 1:
        text = "1"
    elif keyword and keyword.name in ("enter", "yes"):
        return state, (
            said("Which one? Its number or its name; 'skip' leaves it out."),
            *question(state, ports),
        )
    made = chosen(state, open_question, text, ports)
    if made is None:
        return _said_otherwise(state, open_choice, text, ports)
    choice, reading = made
    if open_choice.change is not None:
        return answers.go_on_with(state, open_question, choice, open_choice.change, ports)
    try:
        new = clarified(state, open_question, choice, ports)
    except InputError as error:
        return state, (warned(f"{error}."), *question(state, ports))
    return new, (said(_chosen(choice, open_question)), *remarks(reading))


def _not_answered(state: State, open_choice: Clarify, keyword: Keyword, ports: Ports) -> Step:
    """Leave out what was asked about; who does not know gets what is usual, if anything is."""
    usual = next((choice for choice in open_choice.question.choices if choice.usual), None)
    if keyword.name == "unsure" and usual is not None and open_choice.change is None:
        return clarified(state, open_choice.question, usual, ports), (said(f"Then {usual.label}."),)
    new, _ = _next_ambiguity(state)
    return new, (said(f"Left out: '{open_choice.question.words}'."),)


def _chosen(choice: Choice, ambiguity: Ambiguity) -> str:
    path = choice.path or ambiguity.path
    slot = slot_of(path)
    if choice.value is None or slot is None:
        return f"{choice.label}."
    return f"{slot.id.capitalize()}: {value_shown(path, choice.value)}."


def _said_otherwise(state: State, open_choice: Clarify, text: str, ports: Ports) -> Step:
    """Take a line that is none of the choices: a new statement of the same thing settles it too."""
    if open_choice.change is None and _lets_go(state, open_choice, text):
        new, _ = _next_ambiguity(state)
        return new, (said(f"Left out: {quoted(open_choice.question.words)}."),)
    if open_choice.change is None:
        new, says = _unasked(state, text, ports)
    else:
        closed = replace(state, pending=None, later=())
        new, says = choosing.answer_line(closed, text, ports)
        new = state if new is closed else new
    return (new, (*says, *question(state, ports))) if new is state else (new, says)


def _with_mean_asked(state: State, asked: Ambiguity, text: str, ports: Ports) -> State:
    """Return the state with a peak that was said taken in, where a line answers what the mean is: the peak stays."""
    usual = next((one for one in asked.choices if one.also.get(GIVEN_AS) == AT_PEAK), None)
    if usual is None:
        return state
    taken = {asked.path: usual.value, GIVEN_AS: MEAN_ASKED}
    reading = ports.read(text, ports.catalog, asked_path=asked.path, known={**state.values, **taken})
    if not reading.values.keys() & {asked.path, "traffic.peak_factor"}:
        return state
    return with_values(state, taken, {asked.path: asked.words}, ports)


_LETS_GO: Final = re.compile(
    r"\W*(?:(?:and|ok|okay|then|no|hm+|please|just)\W+)*(?:leave(?: out)?|forget|drop|skip|scrap|remove|ignore)\b"
    r"(?P<what>.*)",
    re.I,
)


def _lets_go(state: State, open_choice: Clarify, text: str) -> bool:
    """Whether a line takes back what is asked about, by a word of the line that said it: 'leave out the streaming'."""
    match = _LETS_GO.match(text)
    where = next((line for line in reversed(state.lines) if open_choice.question.words in line), "")
    named = set(re.findall(r"[^\W\d_]{4,}", match["what"].lower())) if match else set()
    return match is not None and bool(named & set(re.findall(r"[^\W\d_]{4,}", where.lower())))


def _next_ambiguity(state: State) -> Step:
    if isinstance(state.pending, Clarify) and state.pending.change is not None:
        return replace(state, pending=None, later=()), ()
    pending = Clarify(state.later[0]) if state.later else None
    return replace(state, pending=pending, later=state.later[1:]), ()


def _accept(state: State, offered: Propose) -> Step:
    taken, slot = accepted(state, offered), slot_called(offered.slot)
    assert slot is not None
    if not offered.statement.values:
        return taken, (said(default_said(slot, state.values)),)
    return taken, (said(f"{slot.id.capitalize()}: {answer_shown(slot, taken.values)}."),)


def _back(state: State, ports: Ports) -> Step:
    if state.past is None:
        return state, (said("There is nothing before this."), *question(state, ports))
    past = state.past
    undone = f"'{state.line}'" if state.line else "the last Enter"
    return past, (said(f"Took back {undone}."), *where(past, ports))
