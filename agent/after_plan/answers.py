"""Answers to a request or an act: variants made, compared, kept and taken back, and replies about one plan."""

import re
from typing import Final

from msgspec.structs import replace

from agent.after_plan.beside.cheapest import (
    budget_verdict,
    cheaper_still,
    dearer_than_before,
    priced_elsewhere,
    sold_elsewhere,
    where_searched,
)
from agent.after_plan.beside.moved_along import moved_along
from agent.after_plan.beside.suggestions import suggestions
from agent.after_plan.changes import with_choice
from agent.after_plan.first_plan import plan_says
from agent.after_plan.measured import next_runs, take_results
from agent.after_plan.saving import exported
from agent.after_plan.variants import at_wider_targets, difference, numbered, side_by_side, varied
from agent.after_plan.why import reasons
from agent.interpret.facts.reading import Ambiguity, Choice
from agent.interpret.words.tongues import without_tongue
from agent.report.blocks import Facts, Paragraph, Report
from agent.report.words import capital
from agent.talk.keywords import help_always, help_planned
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
from agent.talk.state import Branch, Clarify, Ports, State, Step
from catalogs.errors import InputError, quoted

MOST_BRANCHES: Final = 99
_RUNTIME: Final = "serving.runtime"
_OLLAMA: Final = "ollama"
"""Its default is Q4_K_M (llmbestpractices.com/ai-agents/ollama-quantization)."""


def answer_act(state: State, act: str, text: str, ports: Ports) -> Step:
    """Answer a line as an act of ``acts.toml``.

    Args:
        act: what the line asks.
        text: the line, in which the reply finds its values.
    """
    text = without_tongue(text)
    digits = re.search(r"\b\d{1,2}\b", text)
    number = int(digits[0]) if digits else None
    match act:
        case "why" | "why_not":
            about, lead = asked_about(state, text)
            made = state, (*lead, *reasons(text.lower().strip(" ?.!"), about, ports, act=act))
        case "cheapest":
            change = Variation({}, {}, "cheapest accelerator", frozenset({"hardware.accelerators"}))
            made = answer_request(state, Cheapest(change), ports)
        case "show":
            made = state, _show(state, number, full=True)
        case "keep":
            made = with_kept(state, number, ports)
        case "undo":
            made = undone(state, text)
            if kept := _BUT_KEEP.search(text):
                left = said(f"Not used: {quoted(kept[1])}. Say it as a change, such as 'with N+1'.")
                made = made[0], (*made[1], left)
        case "since":
            made = state, _since(state, text, ports)
        case "export":
            made = with_command(exported(state, text, ports), text, ports)
        case "calibrate":
            made = take_results(state, text, ports)
        case "measure_next":
            made = state, next_runs(state, ports)
        case "help":
            made = state, (Talk((Facts(help_planned(ports.files)), Facts(help_always(ports.files)))),)
        case _:
            # Who pools takes the kept plan and a variant; a line that is of no plan is of none in particular.
            about, lead = (state, ()) if act in ("pool", "unrelated", "smalltalk") else asked_about(state, text)
            made = state, (*lead, _reply(about, act, text, ports))
    return made


_FLAGS: Final = re.compile(
    r"(?:\b(?:and|plus|with|also)\b|[+&]).*\b(?:vllm|serve|launch|start|cli)\b.*\b(?:flags?|command|cmd|args?|line)\b|"
    r"(?:\b(?:and|plus)\b|[+&]).*\bflags\b",
    re.I,
)
"""The command beside an export: 'as k8s yaml + the vllm flags'."""


def with_command(made: Step, text: str, ports: Ports) -> Step:
    """Add the command that starts a replica to an export whose line asks for it as well."""
    new, says = made
    return (new, (*says, _reply(new, "start", text, ports))) if _FLAGS.search(text) else made


def asked_about(state: State, text: str) -> tuple[State, tuple[Say, ...]]:
    """Return the state with the plan kept that a question is about, and words that say so where it is not the kept one.

    Args:
        text: the question: it names a plan by number, or follows the line that made a variant.
    """
    named = re.search(r"\bplan (\d{1,2})\b", text, re.I)
    last, before = len(state.branches) - 1, state.past
    while before and _stands_alike(before, state):
        before = before.past  # a question in between changed nothing
    number = int(named[1]) if named else last if before and len(before.branches) == last > 0 else state.kept
    if number > last or (number == state.kept and (named or last == state.kept)):
        return state, ()
    if number == state.kept:
        return state, (said(f"Of plan {number}, which is the plan ('keep {last}' makes plan {last} that):"),)
    return replace(state, kept=number), (said(f"Of plan {number}, {state.branches[number].label}:"),)


_FIRST: Final = re.compile(
    r"\b(?:first|original|initial|beginning|start|plan 0|ersten?|premier|primer[oa]?)\b|\b(?:to|restore) 0\b", re.I
)


_BUT_KEEP: Final = re.compile(r"\b(?:but|and) ((?:keep|leave|with)\b.*\w)", re.I)


def undone(state: State, text: str) -> Step:
    """Go back to the first plan where a line names it, else to the plan before the last change."""
    if _FIRST.search(text):
        begun = replace(state, kept=0, statements=state.branches[0].statements, settled=state.branches[0].settled)
        stands = said(f"Plan 0 is the plan{' again' if state.kept else ''}: {headline(begun.branches[0])}")
        others = len(state.branches) - 1
        beside = (
            f" Its variants stay beside it: 'compare all' shows {'it' if others == 1 else 'them'}." if others else ""
        )
        return (begun if state.kept else state), (stands, *((said(beside.strip()),) if beside else ()))
    changed = state
    while (past := changed.past) and past.phase == "planned" and _stands_alike(past, changed):
        changed = past  # a question in between changed nothing
    if len(state.branches) > 1 and (past is None or past.phase != "planned"):  # a variant came with the first plan
        first = state.branches[0]
        past = replace(state, branches=(first,), kept=0, statements=first.statements, settled=first.settled)
    if past is None or past.phase != "planned":
        way_out = f"plan 0 is the first, {headline(state.base)} 'back' returns to the questions before it."
        return state, (said(f"There is no change to take back: {way_out}"),)
    told = said(f"Took back {quoted(changed.line)}. Plan {past.kept} stands: {headline(past.base)}")
    return replace(past, pending=None, later=()), (told,)


def _stands_alike(one: State, other: State) -> bool:
    return (one.branches, one.kept) == (other.branches, other.kept)


_BEGUN: Final = re.compile(r"\b(?:first|plan 0|start|beginning|original|initial)\b", re.I)
"""The plan with which this conversation began, not one that another kept."""
_CHANGED: Final = re.compile(r"chang|\bnew\b", re.I)
_BEFORE: Final = re.compile(
    r"\b(?:last|previous|earlier|yesterday|ago|days?|weeks?|months?|quarters?|years?|kept|saved|old|since|against|from|"
    r"plan \d{3,}|\w+day|january|february|march|april|may|june|july|august|september|october|november|december)\b|"
    r"\d-\d|\.json\b",
    re.I,
)
"""Words of a plan that was kept before this conversation: 'what changed' alone is of this one."""


def _since(state: State, text: str, ports: Ports) -> tuple[Say, ...]:
    """Return what changed since the first plan of this conversation, or since one that was kept before it.

    'How much more is that' is of the last variant.
    """
    last = state.branches[-1]
    if last.number and not (_CHANGED.search(text) or _BEGUN.search(text) or _BEFORE.search(text)):
        return difference(last, state.branches[last.against])
    if _BEGUN.search(text) or not _BEFORE.search(text):
        if len(state.branches) > 1:
            return difference(state.branches[state.kept or len(state.branches) - 1], state.branches[0])
        back = "'what changed since last week's plan' goes back to one that was kept."
        return (said(f"Nothing changed: plan 0 is the first, {headline(state.base)} {back}"),)
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


def answer_read(state: State, read: Understood, ports: Ports) -> Step:
    """Answer what rules read in a line, and say what of the line was not used.

    Args:
        read: the request, its notes and what is left over.
    """
    notes = tuple(said(note) for note in read.notes)
    if isinstance(read.request, Unclear) and read.request.nothing:
        return state, notes
    new, says = answer_request(state, read.request, ports)
    unused = ", ".join(quoted(words) for words in read.unused if not _SAYS_NOTHING.fullmatch(words))
    return new, (*says, *notes, said(f"Not used: {unused}.")) if unused else (*says, *notes)


_SAYS_NOTHING: Final = re.compile(
    r"(?:\b(?:ch\w*n\w*ge|swap|switch|instead|better|really|suddenly|meant|mean|wrong|nonsense|looked|option|"
    r"halves|saves?|don'?t|believe|all at|a?b[ou]+t|everyone|one|no|si|et|passe|happens?|becomes?|system prompts?|"
    r"prefix caching|prefix hit|every ?time|go|back|return|scrap|add|remove)\b\W*)+",
    re.I,
)
"""Words beside a change that has been read which name nothing more that could be used."""


def answer_request(state: State, request: Request, ports: Ports) -> Step:
    """Answer a request."""
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
            made = with_kept(state, number, ports)
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
        choice: of its choices, the one made.
        change: the what-if, as far as it was understood.
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


def branched(state: State, change: Variation, ports: Ports) -> tuple[State, Branch] | Talk:
    """Return the state with a variant, and the variant; or why there is none."""
    try:
        return varied(state, change, ports)
    except InputError as error:
        return warned(f"That cannot be planned: {error}.")


def _what_if(state: State, change: Variation, ports: Ports) -> Step:
    made = branched(state, change, ports)
    note = ""
    if isinstance(made, Talk) and _OLLAMA in change.details.get(_RUNTIME, "").lower():
        made = branched(state, replace(change, values={"precision.weights": "q4_k_m", **change.values}), ports)
        note = "Ollama serves by llama.cpp, its models in Q4_K_M unless a tag says otherwise, and is planned as that."
    if isinstance(made, Talk):
        return state, (made,)
    new, branch = made
    if new is state:
        same = capital(change.label) if change.label else "That"
        text = f"{same}: plan {branch.number} ({branch.label}) has that already. 'show {branch.number}' opens it."
        return state, (said(text),)
    against = state.branches[branch.against]
    says = (
        *((said(note),) if note else ()),
        *difference(branch, against),
        *moved_along(new, branch, change, ports),
        *((said(wider),) if branch.capacity_plan and (wider := at_wider_targets(branch.capacity_plan, ports)) else ()),
        *priced_elsewhere(state, change, branch, ports),
    )
    return new, (*says, keep_said(branch.number))


def keep_said(number: int) -> Say:
    """Return how a variant becomes the plan."""
    return said(f"'keep {number}' makes it the plan, 'back' drops it.")


def _cheapest(state: State, change: Variation, ports: Ports) -> Step:
    new, says = _what_if(state, change, ports)
    plan = new.branches[-1].capacity_plan
    if new is state:
        return new, (*says, *cheaper_still(new, new.base.capacity_plan))
    if plan is None:
        return new, says
    if elsewhere := sold_elsewhere(state, change, plan, ports):
        new, says = _what_if(state, elsewhere, ports)
        plan = new.branches[-1].capacity_plan or plan
    branch = new.branches[-1]
    beside = (
        *budget_verdict(plan),
        *where_searched(new, plan, ports),
        *dearer_than_before(new.branches[branch.against], plan),
        *cheaper_still(new, plan),
    )
    return new, (*says[:-1], *beside, says[-1])


def _compare(state: State, changes: tuple[Variation, ...], ports: Ports) -> Step:
    new, branches = state, list[Branch]()
    for change in changes:
        if not change.values and not change.drops:
            branches.append(state.base)
            continue
        made = branched(new, change, ports)
        if isinstance(made, Talk):
            return state, (made,)
        new, branch = made
        branches.append(branch)
    unique = tuple({branch.number: branch for branch in (state.base, *branches)}.values())
    others = [branch for branch in unique if branch.number != new.kept]
    best = min(others, key=bill_of, default=None)
    hint = f"'keep {best.number}' makes plan {best.number} the plan." if best else ""
    models = len({branch.values.get("model") for branch in unique}) > 1
    judged = "How well they answer is not judged here: try each on questions of your own." if models else ""
    return new, (*side_by_side(unique), *(said(text) for text in (judged, hint) if text))


def keep_hint(state: State) -> tuple[Say, ...]:
    """Say how the cheapest plan of the conversation that meets its targets becomes the plan, where it is not."""
    best = min(state.branches, key=bill_of).number
    return (said(f"'keep {best}' makes it the plan."),) if best != state.kept else ()


def bill_of(branch: Branch) -> tuple[bool, float]:
    """Return by what variants are ranked: those that meet their targets first, the cheapest first."""
    plan = branch.capacity_plan
    if plan is None or plan.cost.monthly_usd is None:
        return True, float("inf")
    return not plan.answer.meets_targets, plan.cost.monthly_usd


def with_kept(state: State, number: int | None, ports: Ports) -> Step:
    """Return the state with another plan kept, and words that say so.

    Args:
        number: of the plan; None: the last one.
    """
    wanted = len(state.branches) - 1 if number is None else number
    if wanted >= len(state.branches):
        return state, (said(str(numbered(state, (wanted,)))),)
    branch = state.branches[wanted]
    if wanted == state.kept:
        return state, (said(f"Plan {wanted} is the plan already."),)
    new = replace(state, kept=wanted, statements=branch.statements, settled=branch.settled)
    return new, (
        said(f"Plan {wanted} ({branch.label}) is the plan now; 'undo' takes it back."),
        suggestions(branch, ports),
    )


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
