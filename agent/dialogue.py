"""The conversation as a pure function: a state and a line make the next state and what is said.

Phases: collect → review → planned → done. Every state keeps the one before it, so that *back* restores exactly.
"""

import re
from typing import Final

from msgspec.structs import replace

from agent.after_plan import answers, first_plan, saving
from agent.after_plan.measured import AFTER_THE_PLAN, results_in
from agent.after_plan.suggestions import suggestions
from agent.after_plan.whatif import understood
from agent.anywhere import EVERYWHERE, where
from agent.collect.beyond import out_of_scope, with_model_for_purpose
from agent.collect.lines import AFTER_A_PLAN, chosen, clarified, hear, remarks, still_needed
from agent.collect.proposals import proposal
from agent.collect.review import ANYTHING_ELSE, forewarnings, review
from agent.interpret.domain import DOUBT
from agent.interpret.reading import Ambiguity, Choice
from agent.talk.answer_display import answer_shown, value_shown
from agent.talk.glossary import meaning
from agent.talk.keywords import COURTESIES, Keyword, keyword_in
from agent.talk.questions import default_said, kept_on_enter, open_slot, open_slots, question, settled
from agent.talk.slots import Slot, default_of, slot_called, slot_of
from agent.talk.speech import Say, said, warned
from agent.talk.state import Clarify, NameFile, Ports, Propose, State, Step, WhichReading, without
from catalogs.errors import InputError

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
    new = replace(new, past=state, line=text)
    return (new, says) if new.phase == "done" else _continued(state, new, says, ports)


def _continued(old: State, new: State, says: tuple[Say, ...], ports: Ports) -> Step:
    """Ask what comes next, or open the review where nothing is left to ask."""
    if new.phase == "planned" and not new.pending:
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
        return state, (said(meaning_of_word), *question(state, ports))
    if keyword and keyword.name in COURTESIES:
        return state, (said(COURTESIES[keyword.name]), *question(state, ports))
    if keyword and keyword.name in EVERYWHERE:
        asks = keyword.name == "why" and keyword.rest and not slot_called(keyword.rest)
        if not (asks and state.pending is None and _lacks_nothing(state, ports)):
            return EVERYWHERE[keyword.name](state, keyword.rest, ports)
        keyword = None
    match state.pending:
        case NameFile() as file:
            made = saving.name_file(state, file, text, ports)
            if made is None:
                made = answers.answer_line(replace(state, pending=None), text, ports)
        case Clarify() as open_choice:
            made = _clarify(state, open_choice, text, keyword, ports)
        case WhichReading() as readings:
            made = answers.choose_reading(state, readings, text, ports)
        case Propose() as offered:
            made = _proposed(state, offered, text, keyword, ports)
        case None:
            made = _heard(state, text, keyword, ports, state)
    return made


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
    elif beyond := out_of_scope(state, text):
        return before, beyond
    elif results_in(text):
        return before, (said(AFTER_THE_PLAN), *question(state, ports))
    else:
        new, says = _before_plan(state, text, ports)
    return (before if new is state else new), says


def _before_plan(state: State, text: str, ports: Ports) -> Step:
    """Take what a line states; one that asks or wants something of the plan gets it, once nothing is missing for it."""
    from agent.after_plan.readings import asks_of_plan, wants_of_plan  # numpy comes with it

    ready, asks = _lacks_nothing(state, ports), asks_of_plan(text)
    if ready and asks:
        return _planned_and_answered(state, text, ports)
    new, says = with_model_for_purpose(state, hear(state, text, ports), text, ports)
    stated = {path for path, source in new.sources.items() if state.sources.get(path) != source}
    if asks and not _POLITE.match(text) and (needed := still_needed(state, ports)):
        open_choices = (*((new.pending.question,) if isinstance(new.pending, Clarify) else ()), *new.later)
        named = stated | {choice.path for choice in open_choices}
        if named and not any(path.startswith(_OF_THE_LOAD) for path in named):
            return state, (said(f"{AFTER_A_PLAN} {needed}"),)
    if not ready or new.pending or any(new.sources[path].kind != "preset" for path in stated):
        return new, says
    read = understood(text, state.values, ports) if new is state else None
    return _planned_and_answered(state, text, ports) if wants_of_plan(text, read) else (new, says)


_OF_THE_LOAD: Final = ("model", "architecture", "traffic.requests_per_s", "traffic.concurrency", "tokens.", "users.")
"""Beginnings of the paths that a question states: 'how many H100 for 20 rps'. 'Is gcp cheaper' chooses nothing."""
_POLITE: Final = re.compile(
    r"\W*(?:can|could|would|will|shall|may) (?:you|we|i)(?: please)?(?: just)? (?:use|take|put|plan|run|go|do|keep|"
    r"have|serve|host|assume|say|add|set)\b",
    re.I,
)
"""How a wish begins that has the form of a question: 'can we use H100s?'."""


def _lacks_nothing(state: State, ports: Ports) -> bool:
    """Whether everything is known, or has a default, that a plan needs."""
    if state.phase == "planned" or state.pending:
        return False
    return all(default_of(slot, state.values) for slot in open_slots(state, ports))


def _planned_and_answered(state: State, text: str, ports: Ports) -> Step:
    """Plan with the defaults of what is open, say that they are assumed, and answer a line about the plan."""
    still_open = open_slots(state, ports)
    ready = replace(state, editing=None)
    for slot in still_open:
        ready = settled(ready, slot)
    assumed = "; ".join(f"{slot.id} {default_of(slot, state.values)}" for slot in still_open)
    planned, says = first_plan.with_plan(ready, ports)
    if planned is ready:
        return state, says
    new, answer = answers.answer_line(planned, text, ports)
    return new, (*((said(f"Assumed: {assumed}."),) if assumed else ()), *says, *answer)


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
    words = text.split(maxsplit=1)
    if words and words[0].lower() == "export":
        return saving.save(state, words[1] if len(words) > 1 else "", ports)
    return answers.answer_line(state, text, ports)


# --- what waits -------------------------------------------------------------------------------------------------------


def _clarify(state: State, open_choice: Clarify, text: str, keyword: Keyword | None, ports: Ports) -> Step:
    open_question = open_choice.question
    if keyword and keyword.name in ("skip", "no", "default", "defaults", "unsure"):
        return _not_answered(state, open_choice, keyword, ports)
    if keyword and keyword.name in ("enter", "yes"):
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
    closed = replace(state, pending=None, later=())
    if open_choice.change is not None:
        new, says = answers.answer_line(closed, text, ports)
        return (state, (*says, *question(state, ports))) if new is closed else (new, says)
    new, says = hear(closed, text, ports, correcting=True, asked_path=open_choice.question.path)
    if new.statements == state.statements and not new.pending:
        return state, (*says, *question(state, ports))
    left = tuple(
        ambiguity
        for ambiguity in (open_choice.question, *state.later)
        if new.values.get(ambiguity.path) == state.values.get(ambiguity.path)
        and not ambiguity.text.endswith(DOUBT)  # who goes on with a workload meant something else
    )
    if left:
        still = (*((new.pending.question,) if isinstance(new.pending, Clarify) else ()), *new.later, *left)
        new = replace(new, pending=Clarify(still[0]), later=still[1:])
    return new, says


def _next_ambiguity(state: State) -> Step:
    if isinstance(state.pending, Clarify) and state.pending.change is not None:
        return replace(state, pending=None, later=()), ()
    pending = Clarify(state.later[0]) if state.later else None
    return replace(state, pending=pending, later=state.later[1:]), ()


def _accept(state: State, offered: Propose) -> Step:
    slot = slot_called(offered.slot)
    assert slot is not None
    if not offered.statement.values:
        return settled(state, slot), (said(default_said(slot, state.values)),)
    # What a proposal fills may be said over later, as a preset's values may.
    statements = (*without(state.statements, set(slot.paths)), offered.statement)
    editing = None if state.editing == slot.id else state.editing
    taken = replace(state, statements=statements, pending=None, editing=editing)
    return taken, (said(f"{slot.id.capitalize()}: {answer_shown(slot, taken.values)}."),)


def _back(state: State, ports: Ports) -> Step:
    if state.past is None:
        return state, (said("There is nothing before this."), *question(state, ports))
    past = state.past
    undone = f"'{state.line}'" if state.line else "the last Enter"
    return past, (said(f"Took back {undone}."), *where(past, ports))
