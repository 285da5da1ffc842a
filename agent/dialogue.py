"""The conversation as a pure function: a state and a line make the next state and what is said.

Phases: collect → review → planned → done. Every state keeps the one before it, so that *back* restores exactly.
"""

import re
from typing import Final

from msgspec.structs import replace

from agent.after_plan import saving
from agent.after_plan.answers import with_command
from agent.after_plan.lines import choosing
from agent.after_plan.lines.accounts import shown_text
from agent.anywhere import EVERYWHERE, where
from agent.before_plan.clarifications import clarification_answered, with_passed_over
from agent.before_plan.corrections import UNDO_ALONE, against_before, amended_plan, taken_back, undoes
from agent.before_plan.early_plans import answered_with_plan, plan_now, proposal_accepted
from agent.before_plan.keyword_answers import keyword_answered
from agent.before_plan.lines import unasked_line
from agent.before_plan.workloads import of_workload, with_those_beside
from agent.collect.amended import said_otherwise
from agent.collect.review import ANYTHING_ELSE, forewarnings, review
from agent.talk.glossary import meaning, own_figure
from agent.talk.keywords import COURTESIES, Keyword, keyword_in
from agent.talk.questions import open_slot, question
from agent.talk.slots import slot_called
from agent.talk.speech import Say, said, warned
from agent.talk.state import Clarify, NameFile, Ports, Propose, State, Step, WhichReading

MOST_CHARACTERS: Final = 2000
_KEYS: Final = re.compile(r"\x1b(?:\[[\d;?]*[ -/]*[@-~]|O[A-Z])")
"""What keys and colours send to a terminal that does not edit lines: arrows, Shift-Tab."""


def step(state: State, line: str, ports: Ports) -> Step:
    """Take a line.

    Args:
        line: what was typed; empty is Enter.

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
    return with_those_beside(state, _of_one(state, text, ports), text, ports)


def _of_one(state: State, text: str, ports: Ports) -> Step:
    """Take a line as of the workload that goes on, or of those that it names."""
    if (made := _referring(state, text, ports)) is not None:
        return made
    keyword = keyword_in(text)
    if state.phase != "planned" and UNDO_ALONE.fullmatch(text):
        keyword = Keyword("back")
    if keyword and keyword.name == "back":
        takes_back = state.phase == "planned" and re.search(r"\b(?:undo|take|scrap)\b", text, re.I)
        return taken_back(state, text, ports) if takes_back else _back(state, ports, text)
    if (made := of_workload(state, text, ports, _of_one)) is not None:
        return made
    new, says = _answered(state, text, keyword, ports)
    offer = _offered(state, says)
    if new is state or new == state:
        return (state if offer == state.offered else replace(state, offered=offer)), says
    new = replace(new, past=state, line=text, offered=offer, table=new.table if new.table != state.table else "")
    return (new, says) if new.phase == "done" else _continued(state, new, says, ports)


def _referring(state: State, text: str, ports: Ports) -> "Step | None":
    """Take a line that is about what was just offered, a workload that is not planned, or the line before and more."""
    if state.offered and not state.pending and _DO_SO.fullmatch(text):
        return _of_one(state, state.offered if state.offered.startswith("keep ") else f"take {state.offered}", ports)
    undone = _UNDO_AND.match(text) if state.past else None
    if undone is None:
        return None
    before, told = _back(state, ports)
    after, says = _of_one(before, text[undone.end() :], ports)
    return after, (told[0], *says)


def _continued(old: State, new: State, says: tuple[Say, ...], ports: Ports) -> Step:
    """Ask what comes next, or open the review where nothing is left to ask."""
    new = with_passed_over(old, new, ports)
    if new.phase == "planned" and new.asked:
        return answered_with_plan(new, says, ports)
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
        if not (asks and state.phase != "planned") and not _varies(state, text, keyword):
            return EVERYWHERE[keyword.name](state, keyword.rest, ports)
        keyword = None
    if keyword and keyword.name == "plan" and state.phase != "planned":
        return plan_now(state, ports)
    match state.pending:
        case NameFile() as file:
            made = saving.name_file(state, file, text, ports)
        case Clarify() as open_choice:
            made = clarification_answered(state, open_choice, text, keyword, ports, _of_one)
        case WhichReading() as readings:
            made = choosing.choose_reading(state, readings, text, ports)
        case Propose() as offered:
            made = _proposed(state, offered, text, keyword, ports)
        case None:
            made = None
    if made is None:
        state = replace(state, pending=None)
        made = _heard(state, text, keyword, ports, state)
    return made


_OFFERS: Final = re.compile(r"'(?P<line>[^']+)' (?:plans|makes it the plan)\b|\bCheapest: plan (?P<plan>\d+)")
"""How an answer names what it found: "'N+1' plans for it", "'keep 2' makes it the plan", "Cheapest: plan 0"."""
_UNDO_AND: Final = re.compile(
    r"\W*(?:(?:no|ok|oh|hm+)\W+)*(?:undo|scrap|go back|(?:put|take) (?:it |that )?back)(?: that| it)?\W+"
    r"(?:and|then|but)\W+",
    re.I,
)
_DO_SO: Final = re.compile(
    r"\W*(?:(?:ok(?:ay)?|yes|fine|good|great|sure|then|so|and|please|let'?s|well|we)\W+)*"
    r"(?:do|make|take|use|plan|adopt|apply|go (?:with|for))(?: (?:it|that|this|so|for|like|one|way))+"
    r"(?:\W+(?:then|please))*\W*",
    re.I,
)
"""A line that names nothing but what was just offered: 'make it so', 'ok, take that one'."""


def _offered(old: State, says: tuple[Say, ...]) -> str:
    """Return the line that an answer offers: to keep a variant, or to plan for what it found."""
    found = [*_OFFERS.finditer(shown_text(says))] if old.branches else []
    return (found[-1]["line"] or f"keep {found[-1]['plan']}") if found else ""


def _varies(state: State, text: str, keyword: Keyword) -> bool:
    """Whether a keyword's line is of the plan that stands: 'why TP4', 'change peak to 35 rps'.

    'Edit peak' and 'change the peak' ask for it anew.
    """
    if keyword.name == "explain" and state.phase == "planned" and not state.editing:
        return not isinstance(state.pending, Clarify)  # it is about what was answered
    if state.phase != "planned" or state.editing or isinstance(state.pending, Clarify | NameFile | Propose):
        return False
    changes = keyword.name == "edit" and not re.match(r"\W*edit\b", text, re.I) and slot_called(keyword.rest) is None
    return bool(keyword.rest) and (changes or keyword.name == "why")


def _proposed(state: State, offered: Propose, text: str, keyword: Keyword | None, ports: Ports) -> Step:
    match keyword.name if keyword else "":
        case "enter" | "yes" | "default" | "unsure":
            return proposal_accepted(state, offered)  # who does not know either what to make of it takes it
        case "no" | "skip":
            return replace(state, pending=None), ()
    return _heard(replace(state, pending=None), text, keyword, ports, state)


def _heard(state: State, text: str, keyword: Keyword | None, ports: Ports, before: State) -> Step:
    """Take a line that no pending question claims; what was pending stays where nothing came of it."""
    if keyword:
        new, says = keyword_answered(state, keyword, ports)
    elif state.phase == "planned" and not state.editing:
        new, says = _about_plan(state, text, ports)
    else:
        return unasked_line(before, text, ports, _of_one)
    return (before if new is state else new), says


def _about_plan(state: State, text: str, ports: Ports) -> Step:
    if undoes(text, state):
        return taken_back(state, text, ports)
    if made := against_before(state, text, ports):
        return made
    if (made := amended_plan(state, text, ports, _of_one)) is not None:
        return made
    words = text.split(maxsplit=1)
    if words and words[0].lower() == "export" and (len(words) < 2 or re.search(r"\w\.\w|^\w+$", words[1])):
        return with_command(saving.save(state, words[1] if len(words) > 1 else "", ports), text, ports)
    return choosing.answer_line(state, text, ports)


def _back(state: State, ports: Ports, text: str = "") -> Step:
    if state.past is None:
        return state, (said("There is nothing before this."), *question(state, ports))
    past = state.past
    if past.past and said_otherwise(past.lines, state.line) and re.search(r"\b(?:put|was)\b", text, re.I):
        past = past.past  # what was set right goes with it
    undone = f"'{state.line}'" if state.line else "the last Enter"
    return past, (said(f"Took back {undone}."), *where(past, ports))
