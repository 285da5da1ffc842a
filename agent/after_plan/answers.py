"""Answers to what is asked of a plan: variants, tables and sums."""

import re
from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from agent.after_plan.acts.phrases import spaced
from agent.after_plan.first_plan import plan_says
from agent.after_plan.measured import next_runs, results_in, take_results
from agent.after_plan.premises import confirmed
from agent.after_plan.saving import export, exported
from agent.after_plan.suggestions import suggestions
from agent.after_plan.variants import difference, moved_verdict, numbered, side_by_side, varied
from agent.after_plan.whatif import is_chained, is_thing, named_beside, understood, with_choice
from agent.after_plan.why import moved_along, reasons
from agent.after_plan.wording.asides import change_and_question, cores, names_of_plans, on_any_day, without_count
from agent.after_plan.wording.moves import as_moved
from agent.exports import format_said
from agent.fields.demand import GIVEN_AS
from agent.interpret.peaks import load_shown, usual_ratio
from agent.interpret.reading import Ambiguity, Choice
from agent.interpret.scope import PEAK, RATE
from agent.report.blocks import Facts, Paragraph, Report
from agent.talk.answer_display import variant_shown
from agent.talk.assistance import values_pointed_at
from agent.talk.keywords import HELP, HELP_PLANNED
from agent.talk.requests import (
    Ask,
    Cheapest,
    Compare,
    CompareBranches,
    Keep,
    Request,
    Show,
    Unclear,
    Understood,
    Variation,
    WhatIf,
    Why,
)
from agent.talk.speech import Data, Say, Talk, said, warned
from agent.talk.state import Branch, Clarify, Ports, State, Step, WhichReading
from catalogs.errors import InputError, quoted
from catalogs.units import show_rate, show_usd
from engine.plan import CapacityPlan

MOST_BRANCHES: Final = 99


_AGAINST: Final = re.compile(r"\b(?:vs\.?|versus|against|next to|beside|better|or)\b", re.I)
"""Between two things of a kind these ask for both, side by side."""


def answer_line(state: State, text: str, ports: Ports) -> Step:
    """Answer a line about the plan: as the request or the act that it is, or by asking which of two.

    Args:
        state: with a plan.
        text: the line, as it was typed.
        ports: of the conversation, to what lies outside it.
    """
    if results_in(text):
        return take_results(state, text, ports)
    if format := format_said(text):
        return export(state, format, ports)
    if state.base.capacity_plan and (checked := confirmed(text, state.base.capacity_plan)):
        return state, (said(checked),)
    text = without_count(spaced(text))
    if (number := re.fullmatch(_BACK_TO, text, re.I)) and (made := _returned(state, float(number["figure"]), ports)):
        return made
    if (parts := change_and_question(text)) and (made := _changed_and_asked(state, *parts, ports)):
        return made
    return _without_asides(state, text, ports) or _understood(state, text, ports)


def _understood(state: State, text: str, ports: Ports) -> Step:
    from agent.after_plan.acts.evident import evident
    from agent.after_plan.readings import (  # numpy comes with it
        ANSWERED,
        SURE,
        acts_of,
        corrects,
        did_you_mean,
        is_plain_change,
        is_request,
        is_supposition,
        language_note,
        questions_in,
        set_beside_doubt,
    )

    # 'and with fp8' goes on from the last variant: what it multiplies is there.
    base = state.branches[-1] if is_chained(text) else state.base
    text = on_any_day(as_moved(text, base.values))
    read = understood(text, base.values, ports)
    likely = acts_of(text)
    act, sure = likely[0].act, likely[0].probability >= SURE
    beside = None
    compares = act == "compare" or ((act in ("change", "other_models") or not sure) and _AGAINST.search(text))
    if compares and not isinstance(read.request, Compare | CompareBranches | Why):
        beside = named_beside(text, base.values, ports)
    supposed = is_supposition(text, read, base.values)
    plainly = evident(text, read)
    if "who_said" in (act, plainly and plainly[0]) and (rest := set_beside_doubt(text)):
        made = _doubted(state, text, rest, ports)
    elif corrects(text, read, base.values):
        made = _answer_read(state, read, ports)
    elif plainly:
        made = answer_act(state, *plainly, ports)
    elif not is_plain_change(text, read) and (
        several := questions_in(text, likely[0], lambda part: _is_change(part, base.values, ports))
    ):
        made = _answer_several(state, several, ports)
    elif sure and act in ("why", "why_not") and isinstance(read.request, Why):
        made = answer_act(state, act, text, ports)
    elif beside:
        made = _answer_read(state, beside, ports)
    elif is_request(text, read, likely):
        made = _answer_read(state, read, ports)
    elif sure and act == "compare":
        made = _compared_here(state, text)
    elif sure and act in ANSWERED and not (supposed and act in ("other_models", "smalltalk")):
        made = answer_act(state, act, text, ports)
    elif supposed or is_plain_change(text, read):
        made = _answer_read(state, read, ports)
    else:
        acts, asks = did_you_mean(text, likely, read, base.values)
        asked_back = replace(state, pending=WhichReading(text, acts, asks)) if acts else state
        made = _assisted(state, text, base.values, ports) or (asked_back, () if acts else (said(asks),))
    after, says = _taken(state, made, text, read, ports)
    note = language_note(text) if says and not any("answers are in English" in one for one in read.notes) else ""
    return after, (*says, said(note)) if note else says


_TAKES: Final = re.compile(
    r"\W*(?:(?:ok(?:ay)?|then|so|yes|let'?s|we(?:'ll)?|i(?:'ll)?|and|please)\W+)*"
    r"(?:keep|take|adopt|go with|choose|settle on|stick with)\b(?!.*\b(?:out|away|off|back|everything|rest|else)\b)",
    re.I,
)


def _taken(state: State, made: Step, text: str, read: Understood, ports: Ports) -> Step:
    """Make a variant the plan where the line takes it by what it is: 'keep int4', 'ok, take H200'."""
    request = read.request
    if not (isinstance(request, WhatIf) and _TAKES.match(text) and is_thing(request.change)):
        return made
    varied_ = _varied(made[0], request.change, ports)  # it is there already
    if isinstance(varied_, Talk):
        return made
    new, branch = varied_
    shown = () if len(new.branches) == len(state.branches) else difference(branch, state.branches[branch.against])
    kept, says = _keep(new, branch.number)
    return kept, (*shown, *says)


def _is_change(part: str, values: Mapping[str, Any], ports: Ports) -> bool:
    from agent.after_plan.readings import is_plain_change

    return is_plain_change(part, understood(part, values, ports))


_BACK_TO: Final = (
    r"\W*(?:(?:hm+|no|ok|okay|and|then|so|please)\W+)*(?:(?:let'?s )?(?:go|come|switch) )?"
    r"back to (?P<figure>\d+(?:\.\d+)?)\W*"
)


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
    if len(found) != 1:
        return None
    ((shown, values),) = found.values()
    return answer_request(state, WhatIf(Variation(values, {}, f"back to {shown}")), ports)


def _without_asides(state: State, text: str, ports: Ports) -> "Step | None":
    """Answer a line that is not understood whole, but is without a preamble or a tail that says nothing of a plan."""
    if not any(cores(text)):
        return None
    from agent.after_plan.acts.evident import evident
    from agent.after_plan.readings import ANSWERED, NO_QUESTION, SURE, acts_of, is_doubtful

    values, read = state.base.values, understood(text, state.base.values, ports)
    if evident(text, read) or named_beside(text, values, ports) or not is_doubtful(text, read, acts_of(text), values):
        return None
    for core, aside in cores(text):
        reading, likely = ports.read(aside, ports.catalog, asked_path=None, known=values), acts_of(core)
        states = reading.said_values or reading.habits or reading.questions or reading.objections
        asks, beside = acts_of(aside)[0], understood(aside, values, ports).request
        changes = not (isinstance(beside, Unclear) and beside.nothing)
        if ((states or changes) and likely[0].act != "export") or (
            asks.probability >= SURE and asks.act in ANSWERED - NO_QUESTION
        ):
            continue
        read = understood(core, values, ports)
        names = names_of_plans(core) or isinstance(read.request, WhatIf | Cheapest)
        if names and (evident(core, read) or not is_doubtful(core, read, likely, values)):
            new, says = _understood(state, core, ports)
            return new, (*says, said(f"Not used: {quoted(aside)}."))
    return None


def _changed_and_asked(state: State, change: str, question: str, ports: Ports) -> "Step | None":
    """Make the variant of a line's change and answer of it what the rest asks; None where no change is read."""
    from agent.after_plan.readings import ANSWERED, SURE, acts_of

    base = state.branches[-1] if is_chained(change) else state.base
    read = understood(change, base.values, ports)
    if not isinstance(read.request, WhatIf) or read.unused:
        return None
    new, says = _answer_read(state, read, ports)
    if verdict := moved_verdict(question, new.branches[-1], base):
        return new, (*says[:-1], said(verdict), says[-1])
    first = acts_of(question)[0]
    if first.probability < SURE or first.act not in ANSWERED or new is state:
        return new, (*says, said(f"Not used: {quoted(question)}."))
    _, told = answer_act(replace(new, kept=len(new.branches) - 1), first.act, question, ports)
    return new, (*says, *told)


def _doubted(state: State, text: str, rest: str, ports: Ports) -> Step:
    """Answer who said what a line doubts, and plan what the rest of it sets."""
    _, told = answer_act(state, "who_said", text, ports)
    read = understood(rest, state.base.values, ports)
    if not isinstance(read.request, WhatIf | Cheapest | Ask):
        return state, (*told, said(f"Not used: {quoted(rest)}."))
    after, says = _answer_read(state, read, ports)
    return after, (*told, *says)


def _compared_here(state: State, text: str) -> Step:
    """Set the conversation's plans beside each other for a line that compares and names nothing; else ask for names."""
    if len(state.branches) > 1:
        return state, side_by_side(state.branches)
    return state, (
        said(
            f"{quoted(text)} names fewer than two things that I know. Name them: 'compare H100, H200 and MI300X',"
            " 'compare llama 3.3 70b, qwen2.5 72b and gpt-oss 120b', 'compare fp8 and bf16'."
        ),
    )


def _assisted(state: State, text: str, values: Mapping[str, Any], ports: Ports) -> "Step | None":
    """Answer a line as an assistant of the user's own reads it; None where there is none or it helps nothing."""
    from agent.after_plan.readings import ANSWERED

    suggestion = ports.assist(text) if ports.assist else None
    if suggestion is None:
        return None
    pointed = values_pointed_at(suggestion.facts, text, (), ports, values)
    if pointed and suggestion.act in ("", "change"):
        label = ", ".join(variant_shown(path, value) for path, (value, _) in pointed.items())
        change = Variation(
            {p: v for p, (v, _) in pointed.items()}, {p: words for p, (_, words) in pointed.items()}, label
        )
        new, says = answer_request(state, WhatIf(change), ports)
        return new, (said(f"Read by the assistant as: {label}."), *says)
    if suggestion.act in ANSWERED:
        new, says = answer_act(state, suggestion.act, text, ports)
        return new, (said(f"Read by the assistant as: {suggestion.act.replace('_', ' ')}."), *says)
    return None


def _answer_several(state: State, questions: tuple[tuple[str, str], ...], ports: Ports) -> Step:
    """Answer the parts of a line in turn; what follows a variant is asked of it."""
    new, says = state, list[Say]()
    for part, act in questions:
        if act in ("change", "compare"):
            base = state.branches[-1] if is_chained(part) else state.base
            after, told = _answer_read(new, understood(part, base.values, ports), ports)
        else:
            after, told = answer_act(
                replace(new, kept=len(new.branches) - 1) if new is not state else new, act, part, ports
            )
        new = replace(after, kept=state.kept) if after.branches != state.branches else state
        says += told
    return new, tuple(says)


def _answer_read(state: State, read: Understood, ports: Ports) -> Step:
    notes = tuple(said(note) for note in read.notes)
    if isinstance(read.request, Unclear) and read.request.nothing:
        return state, notes
    new, says = answer_request(state, read.request, ports)
    unused = ", ".join(quoted(words) for words in read.unused)
    return new, (*says, *notes, said(f"Not used: {unused}.")) if unused else (*says, *notes)


def answer_act(state: State, act: str, text: str, ports: Ports) -> Step:
    """Answer a line as an act of ``acts.toml``.

    Args:
        state: with a plan.
        act: what the line asks.
        text: the line, in which the reply finds its values.
        ports: of the conversation, to what lies outside it.
    """
    digits = re.search(r"\b\d{1,2}\b", text)
    number = int(digits[0]) if digits else None
    match act:
        case "why" | "why_not":
            about, lead = asked_about(state, text)
            made = state, (*lead, *reasons(text.lower().strip(" ?.!"), about, ports, act=act))
        case "cheapest":
            change = Variation({}, {}, "cheapest of all", frozenset({"hardware.accelerators"}))
            made = answer_request(state, Cheapest(change), ports)
        case "show":
            made = state, _show(state, number, full=True)
        case "keep":
            made = _keep(state, number)
        case "undo":
            made = _undone(state, text)
        case "since":
            made = state, _since(state, text, ports)
        case "export":
            made = exported(state, text, ports)
        case "calibrate":
            made = take_results(state, text, ports)
        case "measure_next":
            made = state, next_runs(state, ports)
        case "help":
            made = state, (Talk((Facts(HELP_PLANNED), Facts(HELP))),)
        case _:
            # Who pools takes the kept plan and a variant.
            about, lead = (state, ()) if act == "pool" else asked_about(state, text)
            made = state, (*lead, _reply(about, act, text, ports))
    return made


def asked_about(state: State, text: str) -> tuple[State, tuple[Say, ...]]:
    """Return the state with the plan kept that a question is about, and words that say so where it is not the kept one.

    Args:
        state: with a plan.
        text: the question: it names a plan by number, or follows the line that made a variant.
    """
    named = re.search(r"\bplan (\d{1,2})\b", text, re.I)
    last = len(state.branches) - 1
    before = len(state.past.branches) if state.past else 0
    number = int(named[1]) if named else last if before == last > 0 else state.kept
    if number > last or (number == state.kept and (named or last == state.kept)):
        return state, ()
    if number == state.kept:
        return state, (said(f"Of plan {number}, which is the plan ('keep {last}' makes plan {last} that):"),)
    return replace(state, kept=number), (said(f"Of plan {number}, {state.branches[number].label}:"),)


_FIRST: Final = re.compile(
    r"\b(?:first|original|initial|beginning|start|plan 0|ersten?|premier|primer[oa]?)\b|\b(?:to|restore) 0\b", re.I
)


def _undone(state: State, text: str) -> Step:
    """Go back to the first plan where a line names it, else to the plan before the last change."""
    past = state.past
    if _FIRST.search(text):
        first = replace(state, kept=0, statements=state.branches[0].statements, settled=state.branches[0].settled)
        stands = said(f"Plan 0 is the plan{' again' if state.kept else ''}: {headline(first.branches[0])}")
        others = len(state.branches) - 1
        beside = (
            f" Its variants stay beside it: 'compare all' shows {'it' if others == 1 else 'them'}." if others else ""
        )
        return (first if state.kept else state), (stands, *((said(beside.strip()),) if beside else ()))
    if past is None or past.phase != "planned":
        return state, (
            said(
                f"There is no change to take back: plan 0 is the first, {headline(state.base)} 'back' returns to the "
                "questions before it."
            ),
        )
    return past, (said(f"Took back {quoted(state.line)}. Plan {past.kept} stands: {headline(past.base)}"),)


_BEGUN: Final = re.compile(r"\b(?:first|plan 0|start|beginning|original|initial)\b", re.I)
"""The plan with which this conversation began, not one that another kept."""


def _since(state: State, text: str, ports: Ports) -> tuple[Say, ...]:
    """Return what changed since the first plan of this conversation, or since one that was kept before it."""
    if len(state.branches) > 1 and _BEGUN.search(text):
        return difference(state.branches[state.kept or len(state.branches) - 1], state.branches[0])
    return (_since_kept(state, text, ports),)


def _since_kept(state: State, text: str, ports: Ports) -> Say:
    """Return what changed since a plan that was kept: what `fleetcast plan diff` shows."""
    from agent.report.choice.diff_report import diff_report
    from engine.choice.attribution import attribution

    plan = state.base.capacity_plan
    if plan is None or ports.earlier is None:
        return said("Plans are not kept here; `fleetcast plan diff OLD.json NEW.json` compares two that were saved.")
    earlier = ports.earlier(text)
    if isinstance(earlier, str):
        return said(earlier)
    report = diff_report(earlier.plan, plan, attribution(earlier.plan, plan, ports.catalog))
    if report is None:
        return said(f"Nothing: this is {earlier.name} again.")
    return Data(Report((Paragraph(f"From {earlier.name} to this plan:"), *report.blocks)))


def _reply(state: State, act: str, text: str, ports: Ports) -> Say:
    from agent.after_plan.replies.asked import Asked
    from agent.after_plan.replies.table import REPLIES

    plan = state.base.capacity_plan
    if plan is None:
        return said("Nothing fits, so there is no figure to give; the reasons stand above.")
    try:
        return Data(Report(REPLIES[act](Asked(text, state, ports, plan))))
    except InputError as error:
        return warned(f"That cannot be planned: {error}.")


def choose_reading(state: State, pending: WhichReading, line: str, ports: Ports) -> Step:
    """Go on with a line that may ask several things: the reply is a number, or a line of its own.

    Args:
        state: with the choice pending.
        pending: the line and its readings.
        line: the reply.
        ports: of the conversation, to what lies outside it.
    """
    settled = replace(state, pending=None)
    words = line.lower().strip(" .!#()")
    number = {"1": 0, "first": 0, "the first": 0, "yes": 0, "y": 0, "2": 1, "second": 1, "the second": 1}.get(words)
    if number is not None and number < len(pending.acts):
        if pending.acts[number] == "change":
            return _answer_read(settled, understood(pending.line, state.base.values, ports), ports)
        return answer_act(settled, pending.acts[number], pending.line, ports)
    if words in ("", "no", "n", "neither", "none", "skip", "never mind"):
        return settled, (said("Then ask in other words; 'help' lists what can be asked."),)
    return answer_line(settled, line, ports)


def answer_request(state: State, request: Request, ports: Ports) -> Step:
    """Answer a request.

    Args:
        state: with a plan.
        request: what a line was understood as.
        ports: of the conversation, to what lies outside it.
    """
    if len(state.branches) >= MOST_BRANCHES and isinstance(request, WhatIf | Cheapest | Compare | Ask):
        return state, (
            said(f"There are {len(state.branches)} plans already. 'back' drops the last, 'start over' all."),
        )
    match request:
        case WhatIf(change):
            made = _what_if(state, change, ports)
        case Cheapest(change):
            made = _cheapest(state, change, ports)
        case Compare(changes):
            made = _compare(state, changes, ports)
        case CompareBranches(numbers):
            branches = numbered(state, numbers)
            made = state, (said(branches),) if isinstance(branches, str) else side_by_side(branches)
        case Why(subject):
            about, lead = asked_about(state, subject)
            made = state, (*lead, *reasons(subject, about, ports))
        case Keep(number):
            made = _keep(state, number)
        case Show(number, full):
            made = state, _show(state, number, full)
        case Ask(change, questions):
            made = replace(state, pending=Clarify(questions[0], change), later=questions[1:]), ()
        case Unclear(text):
            made = state, (said(text),)
    return made


def go_on_with(state: State, ambiguity: Ambiguity, choice: Choice, change: Variation, ports: Ports) -> Step:
    """Go on with a what-if whose open choice was made.

    Args:
        state: with the choice pending.
        ambiguity: what was open.
        choice: of its choices, the one made.
        change: the what-if, as far as it was understood.
        ports: of the conversation, to what lies outside it.
    """
    base = state.branches[-1] if change.chained else state.base
    fuller = change
    for path, value in {choice.path or ambiguity.path: choice.value, **choice.also}.items():
        fuller = with_choice(fuller, path, value, ambiguity.words, base.values)
    if state.later:
        return replace(state, pending=Clarify(state.later[0], fuller), later=state.later[1:]), ()
    settled = replace(state, pending=None)
    if not fuller.values and not fuller.drops:
        return settled, (said("Then nothing changes."),)
    cheapest = "money.monthly_budget_usd" in fuller.values or "hardware.accelerators" in fuller.drops
    return answer_request(settled, Cheapest(fuller) if cheapest else WhatIf(fuller), ports)


# --- variants ---------------------------------------------------------------------------------------------------------


def _varied(state: State, change: Variation, ports: Ports) -> tuple[State, Branch] | Talk:
    try:
        return varied(state, change, ports)
    except InputError as error:
        return warned(f"That cannot be planned: {error}.")


def _what_if(state: State, change: Variation, ports: Ports) -> Step:
    made = _varied(state, change, ports)
    if isinstance(made, Talk):
        return state, (made,)
    new, branch = made
    if new is state:
        same = f"{change.label[:1].upper()}{change.label[1:]}" if change.label else "That"
        text = f"{same}: plan {branch.number} ({branch.label}) has that already. 'show {branch.number}' opens it."
        return state, (said(text),)
    against = state.branches[branch.against]
    keep = said(f"'keep {branch.number}' makes it the plan, 'back' drops it.")
    return new, (*difference(branch, against), *moved_along(new, branch, change, ports), keep)


def _cheapest(state: State, change: Variation, ports: Ports) -> Step:
    new, says = _what_if(state, change, ports)
    branch = new.branches[-1]
    plan = branch.capacity_plan
    if new is state or plan is None:
        return new, says
    return new, (*says[:-1], *_verdict(plan, branch), *_dearer(new.branches[branch.against], plan), says[-1])


def _dearer(before: Branch, cheapest: CapacityPlan) -> tuple[Say, ...]:
    """Say why the cheapest of what is sold somewhere costs more than a plan whose price stands in for that place."""
    plan = before.capacity_plan
    offer = plan.chosen.offer if plan else None
    if plan is None or offer is None or not offer.stands_in_for:
        return ()
    mine, its = plan.cost.monthly_usd, cheapest.cost.monthly_usd
    if mine is None or its is None or its <= mine:
        return ()
    name = plan.chosen.accelerator_name
    text = f"Plan {before.number} stays cheaper, where it can be had: no price of {name} is known for "
    return (said(f"{text}{offer.stands_in_for}, that of {offer.region} stands in, and the search took what is sold."),)


def _verdict(plan: CapacityPlan, branch: Branch) -> tuple[Say, ...]:
    """Say whether the cheapest is within the budget, and what a budget would carry."""
    budget, monthly = plan.spec.money.monthly_budget_usd, plan.cost.monthly_usd
    if monthly is None:
        return (said(f"There is no price for it: {plan.cost.note}"),)
    if budget is None:
        return ()
    if monthly <= budget:
        return (said(f"Within the budget: {show_usd(monthly)} of {show_usd(budget)} a month."),)
    each = monthly / plan.fleet.replicas
    replicas = int(budget / each)
    over = show_usd(monthly - budget)
    text = f"Over the budget: the cheapest costs {show_usd(monthly)} a month, {over} more than asked."
    if replicas and plan.spec.traffic.requests_per_s:
        traffic = plan.spec.traffic
        rate = replicas * plan.replica_capacity.requests_per_s / traffic.peak_factor / traffic.calls_per_request
        text += (
            f" {show_usd(budget)} ÷ {show_usd(each)} per replica = {replicas} replicas, which carry {show_rate(rate)} "
            "on average."
        )
    if plan.chosen.precision.weights in ("bf16", "fp16"):
        text += " 'cheapest with fp8' may do it."
    return (said(text),)


def _compare(state: State, changes: tuple[Variation, ...], ports: Ports) -> Step:
    new, branches = state, list[Branch]()
    for change in changes:
        if not change.values and not change.drops:
            branches.append(state.base)
            continue
        made = _varied(new, change, ports)
        if isinstance(made, Talk):
            return state, (made,)
        new, branch = made
        branches.append(branch)
    unique = tuple({branch.number: branch for branch in branches}.values())
    others = [branch for branch in unique if branch.number != new.kept]
    best = min(others, key=_bill, default=None)
    hint = f"'keep {best.number}' makes plan {best.number} the plan." if best else ""
    return new, (*side_by_side(unique), said(hint)) if hint else side_by_side(unique)


def _bill(branch: Branch) -> tuple[bool, float]:
    """Return by what variants are ranked: those that meet their targets first, the cheapest first."""
    plan = branch.capacity_plan
    if plan is None or plan.cost.monthly_usd is None:
        return True, float("inf")
    return not plan.answer.meets_targets, plan.cost.monthly_usd


def _keep(state: State, number: int | None) -> Step:
    wanted = len(state.branches) - 1 if number is None else number
    if wanted >= len(state.branches):
        return state, (said(str(numbered(state, (wanted,)))),)
    branch = state.branches[wanted]
    if wanted == state.kept:
        return state, (said(f"Plan {wanted} is the plan already."),)
    new = replace(state, kept=wanted, statements=branch.statements, settled=branch.settled)
    return new, (said(f"Plan {wanted} ({branch.label}) is the plan now; what-ifs change it."), suggestions(branch))


def headline(branch: Branch) -> str:
    """Return a plan in a sentence."""
    plan = branch.capacity_plan
    sentence = plan.answer.sentence if plan else branch.plan.sentence  # type: ignore[union-attr]
    return f"{sentence.rstrip('.')}."


def _show(state: State, number: int | None, full: bool) -> tuple[Say, ...]:
    branches = numbered(state, (state.kept if number is None else number,))
    if isinstance(branches, str):
        return (said(branches),)
    return plan_says(branches[0], full=full)
