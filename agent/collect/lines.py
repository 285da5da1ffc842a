"""What a line says, taken into the state: said values echoed, ambiguities and conflicts asked, the rest reported."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from agent.collect.counted import with_counts_offered, with_crowd_asked
from agent.collect.said_values import conflicts, invalid, with_said_values, with_values
from agent.fields.demand import AT_PEAK, GIVEN_AS, HABIT, MEAN_ASKED, RATE, USERS
from agent.fields.table import FIELDS
from agent.interpret.domain import DOUBT
from agent.interpret.facts.reading import COLLECTIONS, Ambiguity, Choice, Reading, SaidValue
from agent.interpret.words.ordinary import GRAMMAR, ORDINARY
from agent.interpret.words.scanner import items_of
from agent.interpret.words.tongues import put_into_english
from agent.interpret.words.vocabulary import SECONDS
from agent.report.blocks import Group, Paragraph
from agent.report.words import capital, singular
from agent.talk.answer_display import value_shown
from agent.talk.assistance import values_pointed_at
from agent.talk.keywords import MISTAKEN
from agent.talk.questions import choice_said, default_said, keeps_default, open_slot, open_slots, settled
from agent.talk.slots import BY_ID, Slot, default_of, is_answered, slot_of
from agent.talk.speech import Say, Talk, said, warned
from agent.talk.state import Clarify, Ports, State, Step
from catalogs.errors import InputError, quoted

_CORRECTS: Final = re.compile(
    rf"{MISTAKEN}|\b(?:instead|make (?:it|that|them)|change|rather|no longer|update|replace|set)\b|"
    r"^\W*(?:no|nope|non|nein|nee|nie)\b(?= \d)|"
    r"^\W*(?:(?:ok(?:ay)?|so|then|let'?s|we(?:'ll)?)\W+)*(?:take|go (?:with|for))\b|"
    r"^\W*(?:(?:hm+|ok(?:ay)?|so|well|and|but|no)\b\W*)*(?:(?:what|how) about|then)\b|\bthen\W*$",
    re.I,
)
LONGEST_NAME: Final = 200
"""Characters of a model's name or path."""
MOST_WORDS: Final = 5
"""Of a model's name: 'deepseek r1 distill llama 70b'."""


def hear(
    state: State,
    text: str,
    ports: Ports,
    *,
    correcting: bool = False,
    asked_path: str | None = None,
    asking: Sequence[tuple[int, int]] = (),
) -> Step:
    """Take what a line says into the state; the same state where it says nothing that can be used.

    What of it is not understood, an assistant of the user's own may point at.

    Args:
        correcting: what was said before gives way without a question.
        asked_path: the path that a bare value means; by default that of the open question.
        asking: where the line asks something, and states nothing.
    """
    new, says = _heard(state, text, ports, correcting=correcting, asked_path=asked_path, asking=asking)
    if ports.assist is None:
        return new, says
    reading = ports.read(text, ports.catalog, asked_path=asked_path, known=state.values)
    if reading.values and not reading.unused:
        return new, says
    suggestion = ports.assist(text)
    if suggestion is None:
        return new, says
    pointed = values_pointed_at(suggestion.facts, text, reading.values, ports, new.values)
    echoes: list[Say] = []
    for path, (value, words) in pointed.items():
        try:
            taken = with_values(new, {path: value}, {path: words}, ports)
        except InputError:
            continue
        if invalid(taken.values) is None:
            new = taken
            echoes.append(said(f"Read by the assistant, from {quoted(words)}: {value_shown(path, value)}."))
    if not echoes:
        return new, says
    return new, (*(says if reading.values else ()), *echoes)


def _heard(
    state: State,
    text: str,
    ports: Ports,
    *,
    correcting: bool,
    asked_path: str | None,
    asking: Sequence[tuple[int, int]],
) -> Step:
    slot = open_slot(state, ports)
    if slot is not None and asked_path is None and keeps_default(slot, text, state.values):
        return settled(state, slot), (said(default_said(slot, state.values)),)
    path = asked_path or (slot.path if slot else None)
    reading = ports.read(text, ports.catalog, asked_path=path, known=state.values)
    reading = with_counts_offered(with_crowd_asked(reading, text, state, ports), state.lines, ports)
    if reading.unused and not (reading.values or reading.questions or reading.objections):
        # The second reader proposes what figures are where nothing is known: no rule reads these here either.
        alone = ports.read(text, ports.catalog)
        asked = tuple(one for one in alone.questions if not one.text.endswith(DOUBT))
        reading = replace(reading, questions=asked, unused=alone.unused) if asked else reading
    reading = _as_named_before(_outside(asking, reading, text), state)
    correcting = correcting or state.editing is not None or state.phase == "review" or bool(_CORRECTS.search(text))
    left = tuple(remarks(reading))
    facts = (*reading.said_values, *reading.habits)
    if not facts and not reading.questions:
        return _nothing_found(state, text, slot, reading, ports)
    said_values, contradictions = (facts, ()) if correcting else conflicts(state, facts, slot)
    try:
        new = with_said_values(state, said_values, text, ports)
    except InputError as error:
        left = (warned(f"{capital(str(error))}."), *left)
        said_values = tuple(said_value for said_value in said_values if said_value.path != "model")
        try:  # an unknown model costs nothing else of its line
            new = with_said_values(state, said_values, text, ports)
        except InputError:
            new = state
        if new is state or not said_values:
            return state, (*left, said("Nothing of this line was taken."))
    problem = invalid(new.values)
    if problem:
        return state, (warned(f"That cannot be: {problem}. Nothing of this line was taken."), *left)
    questions = (*contradictions, *(_beside_load(one, state, correcting) for one in reading.questions))
    answered = slot is not None and any(said_value.path in slot.paths for said_value in said_values)
    changed = new.values != state.values
    new = replace(
        new,
        statements=new.statements if changed else state.statements,
        pending=Clarify(questions[0]) if questions else None,
        later=questions[1:],
        editing=None if answered and state.editing == (slot.id if slot else None) else state.editing,
        settled=_settled(new, said_values),
    )
    if not changed and not questions:
        known = tuple(said(f"{capital(said_value.echo)}: I have that already.") for said_value in said_values)
        return (new if new != state else state), (*known, *left)
    return new, (*_echoes(state, new, said_values, ports), *left, *_asked_later(questions))


def _as_named_before(reading: Reading, state: State) -> Reading:
    """Return a reading whose open names are those that a question before had among its choices.

    'Go with gpt-oss' takes gpt-oss 120B where it was asked which of three models is meant, and one of them was that.
    """
    open_now = (
        *((state.pending.question,) if isinstance(state.pending, Clarify) else ()),
        *state.later,
        *state.waiting,
    )
    named: list[SaidValue] = []
    for asked in reading.questions:
        before = [one.value for other in open_now if other.path == asked.path for one in other.choices]
        meant = [one for one in asked.choices if one.value in before and one.path in ("", asked.path)]
        if asked.path == "model" and len(meant) == 1:
            echo = f"model {meant[0].value}, as named before"
            named.append(SaidValue(asked.path, meant[0].value, asked.words, echo, asked.start))
    if not named:
        return reading
    left = tuple(one for one in reading.questions if one.words not in {said_value.words for said_value in named})
    return replace(reading, said_values=(*reading.said_values, *named), questions=left)


def _beside_load(asked: Ambiguity, state: State, corrects: bool) -> Ambiguity:
    """Return a question after the load with the load that was said before among its choices.

    Args:
        corrects: the line sets something right, so that the new load is the usual reading.
    """
    load = state.values.get(RATE)
    of_users = re.match(r"You said|.*\bdoes each\b", asked.text) or any(USERS in one.also for one in asked.choices)
    if asked.path != RATE or not load or not asked.choices or of_users or state.sources[RATE].kind != "said":
        return asked
    shown = value_shown(RATE, load)
    before = Choice(load, f"{shown}, as before", usual=not corrects)
    others = tuple(replace(one, usual=one.usual and corrects) for one in asked.choices)
    return replace(asked, text=f"You said {shown} before. {asked.text}", choices=(*others, before))


def _outside(spans: Sequence[tuple[int, int]], reading: Reading, text: str) -> Reading:
    """Return what a line states outside of some spans of it."""
    if not spans:
        return reading
    asked = " ".join(" ".join(text[start:end].split()) for start, end in spans)

    def told(one: SaidValue | Ambiguity) -> bool:
        return not any(start <= one.start < end for start, end in spans)

    return replace(
        reading,
        said_values=tuple(filter(told, reading.said_values)),
        habits=tuple(filter(told, reading.habits)),
        questions=tuple(filter(told, reading.questions)),
        unused=tuple(words for words in reading.unused if words not in asked or any(map(str.isdigit, words))),
    )


def _asked_later(questions: Sequence[Ambiguity]) -> Iterator[Say]:
    """Say what of the line waits for its question behind the first: none of it is lost."""
    waiting = dict.fromkeys(quoted(ambiguity.words) for ambiguity in questions[1:] if ambiguity.words.strip())
    if waiting:
        yield said(f"Asked about after this: {', '.join(waiting)}.")


def chosen(state: State, ambiguity: Ambiguity, text: str, ports: Ports) -> tuple[Choice, Reading] | None:
    """Return which of the choices a line takes, by its number, its label or its value; and what else it says."""
    name = " ".join(text.lower().strip(" .!#").split()).removeprefix("the ").removesuffix(" one").strip()
    number = choice_said(text, len(ambiguity.choices))
    for choice in ambiguity.choices:
        same = {choice.label.lower(), choice.label.partition(":")[0].lower(), str(choice.value).lower()}
        shown = "" if choice.value is None else value_shown(choice.path or ambiguity.path, choice.value).lower()
        if name in same | {shown or name + "?"}:
            return choice, Reading()
    if number:
        return ambiguity.choices[number - 1], Reading()
    within = [choice for choice in ambiguity.choices if len(name) > 1 and name in choice.label.lower()]
    if len(within) == 1:
        return within[0], Reading()
    asks = text.rstrip().endswith("?") or re.match(r"\W*(?:how|what|why|which|when|where)\b", text, re.I)
    words = _telling(text)
    told = [choice for choice in ambiguity.choices if words and words <= _telling(choice.label.partition(":")[0])]
    if len(told) == 1 and not asks:
        return told[0], Reading()
    reading = ports.read(text, ports.catalog, asked_path=ambiguity.path, known=state.values)
    given = reading.values.get(ambiguity.path)
    said = {one.path for one in (*reading.said_values, *reading.habits)} | {one.path for one in reading.questions}
    if said - {ambiguity.path}:
        return None  # it says more, which is heard
    named = given is not None and not asks  # a question is no choice
    alike = [choice for choice in ambiguity.choices if named and choice.value in (given, (given,))]
    return (alike[0], reading) if alike else None


def _telling(text: str) -> set[str]:
    """Return the words of a text that tell something, times by their length: 'a day', 'daily' and 'pro Tag' are one."""
    items, _ = put_into_english(text, items_of(text))
    return {
        f"{SECONDS.get(item.word, item.word)}"
        for item in items
        if not item.has("comma", "stop") and (item.word in SECONDS or item.word not in ORDINARY)
    }


def clarified(state: State, ambiguity: Ambiguity, choice: Choice, ports: Ports) -> State:
    """Return the state with an ambiguity settled, the next one pending.

    Args:
        choice: of its choices, the one made.

    Raises:
        InputError: the choice is a model that cannot be read.
    """
    path = choice.path or ambiguity.path
    slot = slot_of(path)
    new = state
    if choice.value is not None:
        value = (choice.value,) if path in COLLECTIONS and not isinstance(choice.value, tuple) else choice.value
        values = {path: value, **choice.also}
        if path == RATE and (crowd := state.values.get(USERS)):
            values[HABIT] = value / crowd  # what each does stays, however many they become
        new = with_values(state, values, dict.fromkeys((path, *choice.also), ambiguity.words), ports)
    editing = None if slot and state.editing == slot.id else state.editing
    kept = frozenset({slot.id}) if slot and choice.value == () else frozenset()  # any will do
    if choice.value is None and slot is not None and not choice.then:
        editing = slot.id  # something has to be asked first
    later = (*choice.then, *state.later)
    return replace(
        new,
        pending=Clarify(later[0]) if later else None,
        later=later[1:],
        editing=editing,
        settled=new.settled - ({slot.id} if slot else set()) | kept,
    )


def remarks(reading: Reading) -> Iterator[Say]:
    """Say what cannot be meant, what is no part of a plan, and what was not used: nothing is lost in silence."""
    for objection in reading.objections:
        yield warned(objection)
    for note in reading.notes:
        yield said(note)
    if reading.unused:
        yield said(f"Not used: {', '.join(quoted(words) for words in reading.unused)}.")


def _settled(state: State, said_values: tuple[SaidValue, ...]) -> frozenset[str]:
    """Return the settled slots: what was said is no default any more, 'choose for me' is one."""
    named = {
        slot.id
        for said_value in said_values
        if said_value.value != () and (slot := slot_of(said_value.path)) is not None
    }
    chosen_for_me = {
        slot.id
        for said_value in said_values
        if said_value.value == () and (slot := slot_of(said_value.path)) is not None
    }
    return (state.settled - named) | chosen_for_me


# --- what is said back ------------------------------------------------------------------------------------------------


def _echoes(old: State, new: State, said_values: tuple[SaidValue, ...], ports: Ports) -> Iterator[Say]:
    lines: list[str] = []
    before, now = old.values, new.values
    for said_value in said_values:
        if said_value.path == "preset":
            lines.append(_preset_echo(said_value, new, ports))
            continue
        if said_value.path == GIVEN_AS and said_value.value != AT_PEAK:
            continue
        line = singular(capital(said_value.echo.rstrip(".")))
        if said_value.path == "model":
            line += _taken_as(str(said_value.value), ports)
        known = None if before.get(GIVEN_AS) == MEAN_ASKED else before.get(said_value.path)
        changed = known not in (None, ()) and known != now.get(said_value.path)
        added = said_value.path in COLLECTIONS
        if said_value.path == "hardware.accelerators":
            added = bool({*(known or ())} & {*now[said_value.path]})
        if changed and said_value.path in FIELDS and not added:
            line += f" (before: {value_shown(said_value.path, known)})"
        if f"{line}." not in lines:
            lines.append(f"{line}.")
    if lines:
        yield Talk((Group(tuple(Paragraph(line) for line in lines)),))


def _taken_as(name: str, ports: Ports) -> str:
    """Say which entry a name that is not its own stands for."""
    try:
        model = ports.model(name)
        entry = ports.catalog.model(model.name).model
    except InputError:
        return ""
    return f": {entry.name}, {model.derived}" if model.derived else f": {entry.name}"


def _preset_echo(said_value: SaidValue, new: State, ports: Ports) -> str:
    preset = ports.catalog.preset(str(said_value.value))
    source, values = new.sources, new.values
    slots = {slot.id: slot for path in source if source[path].kind == "preset" and (slot := slot_of(path))}
    filled = [(slot.id, path) for slot in slots.values() for path in slot.paths[:1] if path in values]
    shown = "; ".join(f"{name} {value_shown(path, values[path])}" for name, path in filled)
    return f"{preset.name} ({preset.short_source}): {shown}. What you say yourself wins over it."


def _nothing_found(state: State, text: str, slot: Slot | None, reading: Reading, ports: Ports) -> Step:
    left = tuple(remarks(reading))
    if reading.objections:
        return state, left
    card = BY_ID["accelerator"]  # which is the cheapest is our own question of it, whatever was asked
    if "cheap" in text.lower() and keeps_default(card, text, state.values) and not is_answered(card, state.values):
        return settled(state, card), (said(default_said(card, state.values)),)
    if slot is not None and slot.id == "model" and _may_be_model(text):
        try:
            new = with_values(state, {"model": text.strip().strip("'\"")}, {"model": text.strip()}, ports)
        except InputError as error:
            return state, (warned(f"{capital(str(error))}."),)
        shown = value_shown("model", new.values["model"])
        return replace(new, editing=None if state.editing == slot.id else state.editing), (said(f"Model: {shown}."),)
    asks = f"{AFTER_A_PLAN} " if text.rstrip().endswith("?") else ""
    if slot is None:
        hint = "Say what should change ('30 rps', 'edit traffic'), or press Enter to plan."
    elif needed := still_needed(state, ports):
        hint = f"{asks}{needed}"
    else:
        hint = f"I was asking for the {slot.id}: {slot.example}. 'help' lists what else works."
    return state, (*left, said(f"I found nothing to use in {quoted(' '.join(text.split()))}. {hint}"))


AFTER_A_PLAN: Final = "That I answer once there is a plan."


def still_needed(state: State, ports: Ports) -> str:
    """Return a sentence that names what no plan is made without; empty where everything has a default."""
    needed = [one for one in open_slots(state, ports) if not default_of(one, state.values)]
    return f"Still needed: {'; '.join(f'{one.id} ({one.example})' for one in needed)}." if needed else ""


def _may_be_model(text: str) -> bool:
    """Whether a line can be a model's name or a path: a few words, none of them a sentence's, and no question."""
    if len(text) > LONGEST_NAME or text.endswith("?") or not re.search(r"[^\W\d_]", text):
        return False
    if text.endswith(".json") or text.startswith(("/", "./", "../", "~")):
        return True
    words = text.lower().split()
    return (
        len(words) <= MOST_WORDS
        and not set(",\t\n") & set(text)
        and not any(word.strip(".!;:'") in GRAMMAR for word in words)
    )
