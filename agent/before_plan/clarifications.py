"""An answer to a question about what was said: one of its choices, a value of the same thing, or to leave it out."""

import re
from typing import Final

from msgspec.structs import replace

from agent.after_plan import answers
from agent.after_plan.lines import choosing
from agent.before_plan.amendments import Again
from agent.before_plan.lines import unasked_line
from agent.before_plan.workloads import with_drafts
from agent.collect.amended import replacement_in
from agent.collect.assumed import LOADS, load_is_said, with_waiting_asked
from agent.collect.lines import chosen, clarified, remarks
from agent.collect.said_values import invalid
from agent.interpret.facts.reading import COLLECTIONS, Ambiguity, Choice, Reading
from agent.interpret.traffic.workload_table import PLANNED_FIRST
from agent.talk.answer_display import value_shown
from agent.talk.keywords import Keyword, keyword_in
from agent.talk.questions import open_slot, question
from agent.talk.slots import slot_of
from agent.talk.speech import said, warned
from agent.talk.state import Clarify, Ports, State, Step
from catalogs.errors import InputError, quoted


def clarification_answered(
    state: State, open_choice: Clarify, text: str, keyword: Keyword | None, ports: Ports, again: Again
) -> Step:
    """Take a line where a question about what was said waits.

    Args:
        keyword: that the line is, if any.
    """
    open_question = open_choice.question
    first, rest = (*re.split(r"(?<=\w)[,.;!] (?=\w)", text, maxsplit=1), "")[:2]
    sure = keyword_in(first) if keyword is None and rest else None
    known = ports.read(rest, ports.catalog, known=state.values).values if sure else {}
    if sure and sure.name in ("unsure", "yes") and open_question.path not in known:
        new, says = clarification_answered(state, open_choice, first, sure, ports, again)
        after, told = again(new, rest, ports)
        return after, (*(says if new is not state else ()), *told)
    if keyword and keyword.name in ("skip", "no", "default", "defaults", "unsure"):
        return _not_answered(state, open_choice, keyword, ports)
    usual = [str(number) for number, one in enumerate(open_question.choices, start=1) if one.usual]
    if keyword and keyword.name == "yes" and (len(open_question.choices) == 1 or len(usual) == 1):
        text = usual[0] if usual else "1"
    elif keyword and keyword.name in ("enter", "yes"):
        how = "Which one? Its number or its name" if open_question.choices else "Say it with its number"
        return state, (said(f"{how}; 'skip' leaves it out."), *question(state, ports))
    replaces = open_choice.change is None and replacement_in(text) is not None
    made = None if replaces else chosen(state, open_question, text, ports)
    if made is None:
        return _said_otherwise(state, open_choice, text, ports, again)
    return _taken(state, open_choice, *made, ports)


def _taken(state: State, open_choice: Clarify, choice: Choice, reading: Reading, ports: Ports) -> Step:
    """Take a choice; one that makes no spec is left out, so that no later line is held up by it."""
    open_question = open_choice.question
    if open_choice.change is not None:
        return answers.go_on_with(state, open_question, choice, open_choice.change, ports)
    if PLANNED_FIRST in open_question.text:
        return with_drafts(state, open_question, choice, ports)
    try:
        new = clarified(state, open_question, choice, ports)
    except InputError as error:
        return state, (warned(f"{error}."), *question(state, ports))
    if problem := invalid(new.values):
        new, _ = _next_ambiguity(state)
        return new, (warned(f"That cannot be: {problem}. Left out: {quoted(open_question.words)}."),)
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


def _said_otherwise(state: State, open_choice: Clarify, text: str, ports: Ports, again: Again) -> Step:
    """Take a line that is none of the choices: a new statement of the same thing settles it too."""
    open_question = open_choice.question
    if open_choice.change is None and _lets_go(state, open_choice, text):
        new, _ = _next_ambiguity(state)
        return new, (said(f"Left out: {quoted(open_question.words)}."),)
    if open_choice.change is None:
        new, says = unasked_line(state, text, ports, again)
    else:
        closed = replace(state, pending=None, later=())
        new, says = choosing.answer_line(closed, text, ports)
        new, says = (
            (state, says) if new is closed else (new, (*says, said(f"Left open: {quoted(open_question.words)}.")))
        )
    return (new, (*says, *question(state, ports))) if new is state else (new, says)


_LETS_GO: Final = re.compile(
    r"\W*(?:(?:and|ok|okay|then|no|hm+|please|just)\W+)*(?:leave(?: out)?|forget|drop|skip|scrap|remove|ignore)\b"
    r"(?P<what>\D*)",
    re.I,
)


def _lets_go(state: State, open_choice: Clarify, text: str) -> bool:
    """Whether a line takes back what is asked about, by a word of the line that said it: 'leave out the streaming'."""
    match = _LETS_GO.fullmatch(text)
    where = next((line for line in reversed(state.lines) if open_choice.question.words in line), "")
    named = set(re.findall(r"[^\W\d_]{4,}", match["what"].lower())) if match else set()
    return match is not None and bool(named & set(re.findall(r"[^\W\d_]{4,}", where.lower())))


def _next_ambiguity(state: State) -> Step:
    if isinstance(state.pending, Clarify) and state.pending.change is not None:
        return replace(state, pending=None, later=()), ()
    pending = Clarify(state.later[0]) if state.later else None
    return replace(state, pending=pending, later=state.later[1:]), ()


def with_passed_over(old: State, new: State, ports: Ports) -> State:
    """Return the state after a step with what was passed over asked, once nothing else is open.

    Args:
        old: before the step.
        new: after it.
    """
    still_open = tuple(one for one in new.waiting if _still_open(one, old, new))
    stated = {path for path, source in new.sources.items() if source.kind == "said"} if still_open else set[str]()
    new = replace(new, waiting=tuple(_without_stated(one, stated) for one in still_open))
    return with_waiting_asked(new) if not new.pending and open_slot(new, ports) is None else new


def _without_stated(asked: Ambiguity, stated: set[str]) -> Ambiguity:
    """Return a question without the choices of what was stated since: '12k tokens' are no answer, once it is known."""
    choices = tuple(one for one in asked.choices if not one.path or one.path not in stated)
    return replace(asked, choices=choices) if len({one.path for one in asked.choices}) > 1 and choices else asked


def _still_open(asked: Ambiguity, old: State, new: State) -> bool:
    """Whether a step has left open what was passed over."""
    if new.phase == "planned" or (not old.values.keys() & LOADS and load_is_said(asked, new.values)):
        return False
    anew = {
        *((new.pending.question.path,) if isinstance(new.pending, Clarify) else ()),
        *(one.path for one in new.later),
    }
    if asked.path in anew - COLLECTIONS:
        return False
    return new.values.get(asked.path) in (None, old.values.get(asked.path))
