"""What a line before the plan states and asks: the first is heard, the second answered as soon as a plan can be."""

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from agent.after_plan.measured import AFTER_THE_PLAN, results_in, told_in
from agent.after_plan.whatif import understood
from agent.after_plan.wording.moves import as_moved
from agent.before_plan.amendments import Again, amended_line, joined_line
from agent.before_plan.early_plans import MOST_ASKED, asked_too_early, lacks_nothing, planned_and_answered
from agent.collect.assumed import LOADS, Assumption, assumed, load_is_said
from agent.collect.beyond import OutOfScope, out_of_scope, states_workload, with_model_for_purpose
from agent.collect.lines import hear, remarks
from agent.collect.said_values import invalid, with_values
from agent.fields.demand import AT_PEAK, GIVEN_AS, LENGTHS, MEAN_ASKED
from agent.interpret.domain import DOUBT
from agent.interpret.facts.reading import COLLECTIONS, Ambiguity, Reading
from agent.interpret.words.scanner import items_of
from agent.interpret.words.tables import goes_on, is_head
from agent.interpret.words.tongues import put_into_english
from agent.talk.answer_display import value_shown
from agent.talk.questions import open_slots, question
from agent.talk.requests import Variation, WhatIf
from agent.talk.speech import Say, said, warned
from agent.talk.state import Clarify, Ports, State, Step, WhichReading, without
from catalogs.errors import InputError, quoted


def unasked_line(state: State, text: str, ports: Ports, again: Again) -> Step:
    """Take a line before the plan that answers nothing which was asked.

    Args:
        state: as it is; what waits in it waits on, unless the line settles it.
    """
    if beyond := out_of_scope(state, text, ports):
        return _beyond(state, text, beyond, ports)
    if results_in(text):
        reading = ports.read(text, ports.catalog, known=state.values)
        new, says = _before_plan(state, text, ports, again) if states_workload(reading) else (state, ())
        return new, (said(AFTER_THE_PLAN), *(question(state, ports) if new is state else says))
    if told_in(text) and state.values.keys() & LOADS:
        told = said("What a run gave is set beside the plan, and sets nothing in it.")
        return replace(state, asked=(*state.asked, text)), (told,)
    return _before_plan(state, text, ports, again)


_INTERROGATIVE: Final = re.compile(
    r"^\W*(?:(?:and|but|so|ok|okay|now|hm+|told you|well|then)\W+)*(?:what|how|which|where|when|why)'?s?\b", re.I
)
"""How a line begins that asks: where nothing of it was stated, the plan may answer."""


def _beyond(state: State, text: str, beyond: OutOfScope, ports: Ports) -> Step:
    """Say what can be done of a line that wants no text served, and keep of it what a service would have too."""
    reading = beyond.reading
    model = reading.values.get("model")
    if beyond.kept == "load" and (model or "tokens.input.mean" in reading.values):
        new, says = _taken_in(state, text, ports)
        if new.pending is state.pending and new is not state:
            return new, (*beyond.says, *says)
    if beyond.kept == "model" and model:
        kept = with_values(state, {"model": model}, {"model": reading.details["model"]}, ports)
        return kept, (*beyond.says, said(f"Model: {value_shown('model', model)}, kept for that."))
    return state, beyond.says


def _before_plan(state: State, text: str, ports: Ports, again: Again) -> Step:
    """Take what a line states; what it asks of the plan is answered once nothing is missing for one but what is usual.

    A question that waits is no net: a line that says something else is read for what it says, and the question kept.
    """
    if (made := _of_table(state, text, ports)) is not None:
        return made
    amendment = amended_line(state, text, ports, again) or joined_line(state, text, ports, again)
    return _amended(amendment, ports, again) if amendment else _stated_or_asked(state, text, ports)


def _stated_or_asked(state: State, text: str, ports: Ports) -> Step:
    from agent.after_plan.readings import asked_in  # numpy comes with it

    answers = isinstance(state.pending, Clarify) and "?" not in text and not _INTERROGATIVE.search(text)
    # 'concurrent' answers the question that waits, and asks for none of the plan.
    spans = () if answers else asked_in(text, wishes=not lacks_nothing(state, ports)) or _sets_beside(state, text)
    if not spans:
        return _asked_of_another(state, text, ports) or _stated(state, text, ports)
    reading = ports.read(text, ports.catalog, known=state.values)
    if reading.elsewhere and reading.objections and not (reading.said_values or reading.questions):
        return state, tuple(remarks(reading))
    doubtful = any(one.text.endswith(DOUBT) for one in reading.questions)  # of which no part may be taken
    if doubtful and not lacks_nothing(state, ports):
        workload = state.values.keys() & (LOADS | {"model"})
        return asked_too_early(state, state, text, (), ports) if workload else _taken_in(state, text, ports)
    asked = " ".join(text[start:end] for start, end in spans)
    states = not doubtful and not _COMPARES_PLANS.match(text) and _states(reading, text, spans, state, ports)
    if states:
        new, says = _taken_in(state, text, ports)
    elif any(map(str.isalnum, _beside(text, spans))):
        new, says = _taken_in(state, text, ports, spans)
    else:
        new, says = state, ()
    with_all, waits = assumed(new, ports), new.pending != state.pending
    loads = any(path.startswith(_OF_THE_LOAD) and state.values.get(path) != new.values[path] for path in new.values)
    if not with_all.missing and (lacks_nothing(new, ports) or not (waits or loads)):
        answered = _answered_beside if states and new is not state else planned_and_answered
        return answered(new, with_all, asked, ports, says if new is not state else says[:-1])
    return asked_too_early(state, new, asked, says, ports)


def _asked_of_another(state: State, text: str, ports: Ports) -> "Step | None":
    """Plan, and answer a question that puts another value in the place of one that was said: 'same on H200?'."""
    from agent.after_plan.readings import POLITE

    asks = text.rstrip().endswith("?") or _INTERROGATIVE.search(text)
    lacks = any(slot.id in ("prompt", "answer") for slot in open_slots(state, ports))
    if not asks or POLITE.match(text) or lacks or assumed(state, ports).missing:
        return None
    read, sources = understood(text, state.values, ports), state.sources
    left = any(map(_FIGURES.search, read.unused))
    change = read.request.change.values if isinstance(read.request, WhatIf) and not left else {}
    others = [path for path, value in change.items() if state.values.get(path) not in (None, (), value)]
    if not any(sources[path].kind == "said" for path in others):
        return None
    return planned_and_answered(state, assumed(state, ports), text, ports)


_COMPARES_PLANS: Final = re.compile(r"\W*(?:(?:and|ok|please|then|now|let'?s|can you)\W+)*compare\W+\w", re.I)


def _sets_beside(state: State, text: str) -> tuple[tuple[int, int], ...]:
    """Return where a line sets things beside each other, behind what says what is served: it chooses none of them."""
    return ((0, len(text)),) if state.values and _COMPARES_PLANS.match(text) else ()


def _amended(amendment: tuple[State, str, Say], ports: Ports, again: Again) -> Step:
    """Take the rest of a line that amended something."""
    from agent.after_plan.readings import asked_in

    new, rest, told = amendment
    if not any(map(str.isalnum, rest)):
        return new, (told,)
    asks = asked_in(rest, wishes=True)
    after, says = _before_plan(new, rest, ports, again) if asks else _taken_in(new, rest, ports)
    return after, (told, *(says if after is not new else says[:-1]))


def _stated(state: State, text: str, ports: Ports) -> Step:
    """Take a line that asks nothing; one that wants something of the plan gets it, once nothing is missing for it."""
    from agent.after_plan.acts.classifier import guesses
    from agent.after_plan.readings import NO_QUESTION, is_plain_change, wants_of_plan

    new, says = _taken_in(state, text, ports)
    if new is state and (moved := as_moved(text, state.values)) != text:  # '15 is per minute' of 15 requests/s
        new, says = _taken_in(state, moved, ports, correcting=True)
    stated = {path for path, source in new.sources.items() if state.sources.get(path) != source}
    names = isinstance(new.pending, Clarify) and new.pending != state.pending and new.pending.question.path == "model"
    if names or any(new.sources[path].kind != "preset" for path in stated):
        return (new, says) if names else _asked_with_it(new, text, says, ports)
    read = understood(text, state.values, ports) if new is state else None
    if read is not None and isinstance(read.request, WhatIf) and is_plain_change(text, read):
        return _changed_now(state, read.request.change, ports)
    with_all = assumed(new, ports)
    asks = new is state and (_INTERROGATIVE.search(text) or text.rstrip().endswith("?"))
    asks = asks and guesses(text)[0].act not in NO_QUESTION
    # A word alone, or a count of something, beside a question that waits is meant for that.
    wanted = wants_of_plan(text, read) and not (isinstance(state.pending, Clarify) and _ONE_THING.fullmatch(text))
    if not (asks or wanted) or _speaks_of_question(state, text):
        return new, says
    if with_all.missing:
        keeps = wanted and new is state and state.values
        if keeps and not text.rstrip().endswith("?"):
            return asked_too_early(state, new, text, says, ports)
        # That a question is answered with the plan is said already.
        return (replace(state, asked=(*state.asked, text)[-MOST_ASKED:]) if keeps else new), says
    return planned_and_answered(new, with_all, text, ports)


_ONE_THING: Final = re.compile(r"\W*(?:\d[\d.,]*k? )?\w+\W*")
_ASKS: Final = re.compile(rf"{_INTERROGATIVE.pattern}|^\W*so\b.*\?\W*$", re.I)


def _asked_with_it(state: State, text: str, says: tuple[Say, ...], ports: Ports) -> Step:
    """Plan where a line that stated something asks for the result, and all is known but what is usual: 'so one card?'.

    Args:
        state: with what the line states.
    """
    from agent.after_plan.readings import POLITE

    lacks = any(slot.id in ("prompt", "answer") for slot in open_slots(state, ports))
    if state.pending or lacks or not _ASKS.search(text) or POLITE.match(text):
        return state, says
    with_all = assumed(state, ports)
    if with_all.missing:
        return state, says
    return _answered_beside(state, with_all, text, ports, says)


def _answered_beside(state: State, with_all: Assumption, text: str, ports: Ports, says: tuple[Say, ...]) -> Step:
    """Answer what is asked in the same breath as the load is stated; where that is in doubt the plan is the answer."""
    new, answers = planned_and_answered(state, with_all, text, ports, says)
    doubtful = isinstance(new.pending, WhichReading)
    return planned_and_answered(state, with_all, "", ports, says) if doubtful else (new, answers)


def _speaks_of_question(state: State, text: str) -> bool:
    """Whether a line that asks nothing names a figure of the question that waits: it means that, and wants no plan."""
    if not isinstance(state.pending, Clarify) or "?" in text:
        return False
    return bool({*_FIGURES.findall(text)} & {*_FIGURES.findall(state.pending.question.words)})


_FIGURES: Final = re.compile(r"\d+")


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
    table, before = f"{state.table}\n{text}" if goes else text, state
    while goes and before.table and before.past:
        before = before.past  # the rows so far are said again with this one
    new, says = _taken_in(before, table, ports) if goes and any(map(str.isalnum, text)) else (state, ())
    waits = said("The head of a table: I read its rows as they come.")
    return replace(new, table=table), says if new is not state else (waits,)


def _beside(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return a line without some spans of it."""
    cuts = [0, *(cut for span in spans for cut in span), len(text)]
    return "".join(text[start:end] for start, end in zip(cuts[::2], cuts[1::2], strict=True))


def _taken_in(
    state: State, text: str, ports: Ports, asking: Sequence[tuple[int, int]] = (), correcting: bool = False
) -> Step:
    """Hear what a line states; what was asked about before waits on, unless the line settles it."""
    if not isinstance(state.pending, Clarify):
        free = replace(state, pending=None)
        heard = hear(free, text, ports, correcting=correcting, asking=asking)
        new, says = with_model_for_purpose(free, heard, text, ports)
        if new is free:
            return state, says
        doubted = tuple(one for one in state.waiting if one.text.endswith(DOUBT))
        new, says, still = _with_doubted(new, says, doubted, ports)
        return replace(new, waiting=(*new.waiting, *still)), says
    open_question = state.pending.question
    closed = _with_mean_asked(replace(state, pending=None, later=()), open_question, text, ports)
    new, says = hear(closed, text, ports, correcting=True, asked_path=open_question.path, asking=asking)
    stated = ports.read(text, ports.catalog, asked_path=open_question.path, known=state.values).values
    if new.statements == state.statements and not new.pending and open_question.path not in stated:
        return _said_with_question(state, closed, open_question, text, ports) or (state, says)
    if _in_doubt(state) and (_in_doubt(new) or new.values == state.values) and not asking:
        # Two lines that could each be about anything say more of it together.
        together, told = hear(closed, f"{open_question.words}. {text}", ports)
        if together is not closed and (_in_doubt(new) or not _in_doubt(together)):
            return together, (said(f"Taken with {quoted(open_question.words)}."), *told)
        if _in_doubt(new):
            return new, says
    left = tuple(
        ambiguity
        for ambiguity in (open_question, *state.later)
        if new.values.get(ambiguity.path) == state.values.get(ambiguity.path)
        and (state.values.keys() & LOADS or not load_is_said(ambiguity, new.values))
        and (ambiguity.path not in stated or ambiguity.path in COLLECTIONS)  # else it was said, as it is known already
        and not ambiguity.text.endswith(DOUBT)
    )
    doubted = tuple(one for one in (open_question, *state.later, *state.waiting) if one.text.endswith(DOUBT))
    new, says, doubtful = _with_doubted(new, says, doubted, ports)
    left = (*doubtful, *left)
    again = f"Asked again later: {', '.join(dict.fromkeys(quoted(one.words) for one in left))}."
    return replace(new, waiting=(*new.waiting, *left)), (*says, *((said(again),) if left else ()))


_LIKELY_ELSEWHERE: Final = 0.75
"""Probability of being about something else from which no later line puts a line right, by judgement."""


def _said_with_question(state: State, closed: State, asked: Ambiguity, text: str, ports: Ports) -> "Step | None":
    """Hear a word or two with what they are the answer to: 'concurrent' of '100 users'."""
    both = f"{asked.words} {text}"
    before, reading = (ports.read(line, ports.catalog, known=closed.values) for line in (asked.words, both))
    heard = len(text.split()) <= _FEW_WORDS and len(reading.unused) <= len(before.unused)
    if not heard or (reading.values == before.values and reading.questions == before.questions):
        return None
    new, says = hear(closed, both, ports)
    return None if new is closed else (new, (said(f"Taken with {quoted(asked.words)}."), *says))


_FEW_WORDS: Final = 5


def _in_doubt(state: State) -> bool:
    return isinstance(state.pending, Clarify) and state.pending.question.text.endswith(DOUBT)


def _with_doubted(
    new: State, says: tuple[Say, ...], doubted: tuple[Ambiguity, ...], ports: Ports
) -> tuple[State, tuple[Say, ...], tuple[Ambiguity, ...]]:
    """Take lines that were in doubt and passed over, where what was stated since says what they are about.

    What stays doubtful beside a workload meant something else, and is named. It is asked again while no workload is
    known, and in another language than English, since how likely it is was learned from English.

    Args:
        new: the state after the line that passed them over.
        doubted: the questions whether a line is about serving a language model.

    Returns:
        The state, what is said, and what is asked again.
    """
    new, again = replace(new, waiting=tuple(one for one in new.waiting if one not in doubted)), list[Ambiguity]()
    for one in doubted:
        reading = ports.read(one.words, ports.catalog, known=new.values)
        alone = ports.read(one.words, ports.catalog).elsewhere or 0.0
        _, foreign = put_into_english(one.words, items_of(one.words))
        doubtful = any(question.text.endswith(DOUBT) for question in reading.questions)
        if load_is_said(one, new.values):
            continue
        if doubtful and (foreign or not new.values.keys() & {*LOADS, *LENGTHS, "model"}):
            again.append(one)
        elif doubtful or (alone > _LIKELY_ELSEWHERE and not foreign):
            says = (*says, said(f"Left out: {quoted(one.words)}."))
        else:
            heard, told = hear(replace(new, pending=None, later=()), one.words, ports)
            asked = (*((heard.pending.question,) if isinstance(heard.pending, Clarify) else ()), *heard.later)
            new = replace(heard, pending=new.pending, later=new.later, waiting=(*new.waiting, *asked))
            says = (*says, said(f"Of {quoted(one.words)}:"), *told)
            open_ = (*((new.pending.question,) if isinstance(new.pending, Clarify) else ()), *new.later)
            open_ = tuple(other for other in open_ if not load_is_said(other, new.values))
            new = replace(new, pending=Clarify(open_[0]) if open_ else None, later=open_[1:])
    return new, says, tuple(again)


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


_OF_THE_LOAD: Final = ("model", "architecture", "traffic.requests_per_s", "traffic.concurrency", "tokens.", "users.")
"""Beginnings of the paths that a question states: 'how many H100 for 20 rps'. 'Is gcp cheaper' chooses nothing."""


_BILLS: Final = re.compile(r"\b(?:cost|costs|price|bill|pay|charge|kostet|coûte|cuesta)\b", re.I)


_COMPARES: Final = re.compile(r"\b(?:cheaper|less|more|better|than|vs|versus|or|instead|why)\b", re.I)
"""Words of a question that sets places beside each other; without one it says where the plan's are: 'what on AWS?'."""


_DOWN: Final = re.compile(r"\bdown (?:to|below|under)\b", re.I)
"""'What do I need to bring the latency down to 5 s?' states the target."""


def _states(reading: Reading, text: str, asking: Sequence[tuple[int, int]], state: State, ports: Ports) -> bool:
    """Whether a question names the load that it is about, or whose prices: what it names is stated with it.

    Args:
        asking: where it asks.
    """
    from agent.after_plan.readings import BIDS

    named = [(one.path, one.start) for one in (*reading.said_values, *reading.habits)]
    named += [(one.path, one.start) for one in reading.questions if one.path != "model" or "model" not in state.values]
    # A question leaves what was said as it is: 'what if the hit rate falls to 60', 'what do 35k players do to this'.
    said = {path for path, source in state.sources.items() if source.kind == "said"}
    named = [(path, at) for path, at in named if path not in said or state.values[path] == ()]
    ready = lacks_nothing(state, ports)
    for start, end in asking:
        part = text[start:end]
        paths = [path for path, at in named if start <= at < end]
        of_load = [
            path for path in paths if path.startswith(_OF_THE_LOAD) or (path == "targets" and _DOWN.search(part))
        ]
        if not ready and any(not (path.startswith("tokens.") and BIDS.match(part)) for path in of_load):
            return True  # but the sentences that somebody wants are of our own words
        places = paths and {*paths} <= {"money.provider", "money.region", "money.term"}
        if places and _BILLS.search(part) and not _COMPARES.search(part):
            return True
        if _HAS.search(part) and any(path.startswith("hardware.") for path in paths):
            return True
    return False


_HAS: Final = re.compile(r"(?i)^\W*how many\b|(?<!if )\b(?:we|i|only|just)(?: only| just| already)? (?:have|own|got)\b")
"""What somebody has is stated, though it is asked whether it is enough ('only have 2 L40S, enough?'), and so is what it
is asked how many are needed of."""
