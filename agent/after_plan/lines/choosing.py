"""Which answer a line about the plan gets: of a request, of an act, of several, or the question which is meant."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from agent.after_plan.acts.phrases import spaced
from agent.after_plan.answers import (
    answer_act,
    answer_read,
    answer_request,
    bill_of,
    keep_hint,
    keep_said,
    with_command,
    with_kept,
)
from agent.after_plan.lines.bare_numbers import number_asked
from agent.after_plan.lines.parts import change_and_question, parts_in
from agent.after_plan.lines.priced import priced
from agent.after_plan.measured import results_in, take_results
from agent.after_plan.premises import confirmed
from agent.after_plan.replies.bills.own_price import with_cents
from agent.after_plan.replies.bills.seasons import is_of_year, year_with
from agent.after_plan.saving import export, file_in
from agent.after_plan.variants import difference, moved_verdict, side_by_side, varied_spec
from agent.after_plan.whatif import is_chained, named_beside, understood
from agent.after_plan.wording.asides import on_any_day, without_count
from agent.after_plan.wording.day_parts import day_parts, night_rate
from agent.after_plan.wording.mixes import with_means
from agent.after_plan.wording.moves import as_moved
from agent.after_plan.wording.plain_words import corrected
from agent.after_plan.wording.rates import peak_rate
from agent.exports import format_said
from agent.fields.demand import USERS
from agent.interpret.words.tongues import without_tongue
from agent.report.blocks import Report
from agent.talk.answer_display import variant_shown
from agent.talk.assistance import values_pointed_at
from agent.talk.questions import choice_said, open_slots
from agent.talk.requests import (
    Ask,
    Cheapest,
    Compare,
    CompareBranches,
    Keep,
    Unclear,
    Understood,
    Variation,
    WhatIf,
    Why,
)
from agent.talk.slots import slot_of
from agent.talk.speech import Data, Say, Write, said
from agent.talk.state import Branch, Clarify, Ports, State, Step, WhichReading
from catalogs.errors import InputError, quoted
from engine.plan import CapacityPlan

if TYPE_CHECKING:
    from agent.after_plan.acts.classifier import Guess  # numpy comes with it

_NOTHING: Final[Mapping[str, WhatIf]] = {}
_BUYS: Final = re.compile(r"\b(?:buy(?:ing)?|bought|purchas\w+|own(?:ing)?|capex)\b", re.I)
"""Words that set a purchase beside rent: no variant has its bill."""
_AGAINST: Final = re.compile(r"\b(?:vs\.?|versus|against|next to|beside|better|or)\b", re.I)
"""Between two things of a kind these ask for both, side by side."""


def answer_line(state: State, text: str, ports: Ports) -> Step:
    """Answer a line about the plan: as the request or the act that it is, or by asking which of two.

    Args:
        ports: of the conversation, to what lies outside it.
    """
    text = _as_answer(state, with_cents(text), ports)
    if made := _at_once(state, text, ports):
        return made
    text = _of_users(without_count(spaced(text)), state.base)
    if (parts := change_and_question(text)) and (made := _changed_and_asked(state, *parts, ports)):
        return made
    return _understood(state, text, ports)


def _at_once(state: State, text: str, ports: Ports) -> "Step | None":
    """Answer a line whose form says what it is: a file, results, a number alone, a premise; None for any other."""
    plan = state.base.capacity_plan
    made: Step | None = None
    if results_in(text):
        made = take_results(state, text, ports)
    elif format := format_said(text):
        made = with_command(export(state, format, ports, file_in(text)), text, ports)
    elif plan and not re.search(r"\?\s+\S", text) and (checked := confirmed(text, plan)):
        made = state, (said(checked),)
    elif plan and (question := number_asked((sentences := _SENTENCES.split(text, 1))[0], plan, state.base.values)):
        left = tuple(said(f"Not answered yet: {quoted(rest)}.") for rest in sentences[1:])
        made = replace(state, pending=Clarify(question, Variation({}, {}, ""))), left
    elif plan and (day := day_parts(text, state.base.values)):
        made = _answer_several(state, ((text, "change"), (text, "autoscaler")), ports, {text: WhatIf(day)})
    elif (
        plan and (night := night_rate(text)) and night * plan.spec.traffic.calls_per_request < (peak_rate(plan) or 0.0)
    ):
        made = answer_act(state, "autoscaler", text, ports)
    elif plan and re.search(r"\d", text):
        made = _result_typed(state, text, plan, ports) or priced(state, text, plan, ports)
        made = made or _as_answered(state, text, plan, ports)
    return made


_SENTENCES: Final = re.compile(r"(?<=\w)[.;!]+\s+(?=\w)")


def _as_answered(state: State, text: str, plan: CapacityPlan, ports: Ports) -> "Step | None":
    """Answer a line that names an unknown model, or has a figure confirmed behind a question of its own."""
    from agent.after_plan.replies.asked import Asked
    from agent.after_plan.wording.unreleased import unreleased

    if unknown := unreleased(Asked(text, state, ports, plan)):
        return state, (said(unknown),)
    first, last = re.fullmatch(r"(?:(.*?[?.!;])\s+)?(.*)", text, re.S).groups()  # type: ignore[union-attr]
    if not first or not (checked := confirmed(last, plan)):
        return None
    after, says = answer_line(state, first, ports)
    return after, (*says, said(checked))


def _result_typed(state: State, text: str, plan: CapacityPlan, ports: Ports) -> "Step | None":
    """Set a measurement that a line states beside the forecast; None where it states none."""
    from agent.after_plan.replies.asked import Asked
    from agent.after_plan.replies.running.typed_result import result_in, typed_result

    result = result_in(Asked(text, state, ports, plan))
    return (state, (Data(Report(typed_result(result))),)) if result else None


def _understood(state: State, text: str, ports: Ports) -> Step:
    from agent.after_plan.acts.classifier import guesses  # numpy comes with it
    from agent.after_plan.readings import BIDS, language_note

    # 'and with fp8' goes on from the last variant: what it multiplies is there.
    base = state.branches[-1] if is_chained(text) else state.base
    put = on_any_day(as_moved(text, base.values))
    read, likely = understood(put, base.values, ports), guesses(put)
    told = isinstance(read.request, WhatIf) and (
        _OWN_WORDS.search(put) or read.request.change.values == {"money.term": "owned"}
    )
    if told and BIDS.match(put):  # 'give me two sentences', 'summarise what we have'
        read = Understood(Unclear("", nothing=True))
    if len(state.branches) > 1 and _OF_THEM.search(put) and isinstance(read.request, Cheapest | Ask | Unclear):
        return _compared_here(state, text)
    if len(state.branches) == 1 and _WHICH_ONE.fullmatch(put):
        return answer_act(state, "reference", text, ports)
    if len(state.branches) > 1 and _CHEAPER_ONE.fullmatch(f" {put}"):
        return with_kept(state, min(state.branches, key=bill_of).number, ports)
    keeps = isinstance(read.request, Keep) or likely[0].act == "keep"
    unkept = keeps and any(float(number) >= len(state.branches) for number in re.findall(r"\d+", put))
    made = _of_what(state, put) if unkept else None  # 'keep 22' is of no plan 22
    made = made or taken(state, _chosen(state, put, read, likely, ports), text, put, ports)
    after, says = _accounted(state, _with_year(state, made, text, read), text, read, likely, ports)
    note = language_note(put) if says and not any("answers are in English" in one for one in read.notes) else ""
    return after, (*says, said(note)) if note else says


_OF_THEM: Final = re.compile(
    r"\b(?:of|from|between|among) (?:the |all )?(?:two|three|four|five|[2-9]|them|these|those|both)\b|"
    r"\bwhich (?:one|of \w+|plan)(?:'s| is| was| are|'re) (?:the )?(?:cheap|dear|expens|fast|slow|best|better|worse)",
    re.I,
)
"""Plans of this conversation, and not all that there is: 'cheapest of the three', 'which one is cheaper'."""
_CHEAPER_ONE: Final = re.compile(
    r"(?!\W*(?:why|what|which|how|is|does)\b)(?:[^\w']+[\w']+){0,4}[^\w']+the cheap(?:er|est) (?:one|plan|of them)\W*",
    re.I,
)
"""One of the plans that stand beside each other: 'take the cheaper one'."""
_WHICH_ONE: Final = re.compile(
    r"\W*(?:\w+ ){0,2}which (?:one|plan)(?:'s| is| was)? (?:the )?\w+(?: (?:per|a) month)?\W*", re.I
)
_OWN_WORDS: Final = re.compile(r"\b(?:sentences?|lines?|words|paragraphs?|bullets?)\b", re.I)


def _with_year(state: State, made: Step, text: str, read: Understood) -> Step:
    """Add what a year costs to a variant whose load is that of some months alone: their words are used by that."""
    new, says = made
    if len(new.branches) != len(state.branches) + 1 or new.pending:
        return made
    branch = new.branches[-1]
    year = year_with(text, branch, new.branches[branch.against])
    if not year:
        return made
    used = {", ".join(map(quoted, read.unused))} if all(map(is_of_year, read.unused)) else set[str]()
    return new, (*(one for one in says if one not in [said(f"Not used: {words}.") for words in used]), said(year))


def _chosen(state: State, text: str, read: Understood, likely: "tuple[Guess, ...]", ports: Ports) -> Step:
    """Answer a line as what it is most likely: the request that rules read, an act, several; else ask which.

    Args:
        ports: of the conversation, to what lies outside it.
    """
    from agent.after_plan.acts.evident import evident
    from agent.after_plan.readings import (
        ANSWERED,
        NO_QUESTION,
        SURE,
        asks_of_same,
        corrects,
        did_you_mean,
        is_news,
        is_plain_change,
        is_request,
        is_supposition,
        set_beside_doubt,
    )

    base = state.branches[-1] if is_chained(text) else state.base
    act, sure = likely[0].act, likely[0].probability >= SURE
    beside = None
    compares = act == "compare" or ((act in ("change", "other_models") or not sure) and _AGAINST.search(text))
    compares = compares and not _BUYS.search(text)
    if (compares or act == "elsewhere") and not isinstance(read.request, Compare | CompareBranches | Why):
        beside = named_beside(text, base.values, ports)
        beside = beside if compares or (beside and _are_regions(beside)) else None
    supposed = is_supposition(text, read, base.values) or (
        act in NO_QUESTION and not read.unused and is_news(read, base.values)
    )
    plainly = evident(text, read)
    if "who_said" in (act, plainly and plainly[0]) and (rest := set_beside_doubt(text)):
        made = _doubted(state, text, rest, ports)
    elif corrects(text, read, base.values):
        made = answer_read(state, read, ports)
    elif plainly:
        made = answer_act(state, *plainly, ports)
    elif not (is_plain_change(text, read) or isinstance(read.request, Compare | CompareBranches)) and (
        several := parts_in(text, likely[0], lambda part: _is_change(part, act, base.values, ports))
    ):
        made = _answer_several(state, several, ports)
    elif sure and act in ("why", "why_not") and isinstance(read.request, Why):
        made = answer_act(state, act, text, ports)
    elif beside:
        made = answer_read(state, beside, ports)
    elif is_request(text, read, likely) and ((sure and act == "change") or not asks_of_same(text, read, base.values)):
        made = answer_read(state, read, ports)
    elif sure and act == "compare":
        made = _compared_here(state, text)
    elif sure and act in ANSWERED and not (supposed and act in _NAMES_A_CASE | NO_QUESTION):
        made = answer_act(state, act, text, ports)
    elif supposed or is_plain_change(text, read):
        made = answer_read(state, read, ports)
    else:
        acts, asks = did_you_mean(text, likely, read, base.values)
        asked_back = replace(state, pending=WhichReading(text, acts, asks)) if acts else state
        made = (
            _assisted(state, text, base.values, ports)
            or (_of_what(state, text) if acts else None)
            or (asked_back, () if acts else (said(asks),))
        )
    return made


_NAMES_A_CASE: Final = frozenset({"other_models", "interconnect", "limit", "idle"})
"""Acts that a line which puts a case in the words of their questions is not."""
_BARE: Final = re.compile(r"(?<![\w.,=$€£-])\d[\d.,]*\d?k?(?=[\s.!?]*$|[,;.] )", re.I)


def _of_what(state: State, text: str) -> "Step | None":
    """Ask of which quantity the one figure is that ends a line, or a clause of it: 'the boss says plan for 22'."""
    bare, plan = _BARE.findall(text), state.base.capacity_plan
    alone = len(bare) == len(re.findall(r"\d[\d.,]*", text)) == 1
    question = number_asked(bare[0].rstrip("."), plan, state.base.values) if plan and alone else None
    return (replace(state, pending=Clarify(question, Variation({}, {}, ""))), ()) if question else None


def _are_regions(read: Understood) -> bool:
    """Return whether places alone are named beside each other: 'in Ireland? and in Oregon?'."""
    changes = read.request.changes if isinstance(read.request, Compare) else ()
    return all("money.region" in change.values for change in changes)


_NO_ACCOUNT: Final = frozenset(
    {
        *("keep", "show", "export", "help", "undo", "since", "calibrate", "unrelated", "smalltalk", "quality", "legal"),
        *("unknown_network", "unknown_supply", "unknown_terms", "unknown_future", "unknown_company"),
    }
)
"""Acts whose numbers are of plans and files, or of which nobody here can say anything."""


def _accounted(
    state: State, made: Step, text: str, read: Understood, likely: "tuple[Guess, ...]", ports: Ports
) -> Step:
    """Return an answer that uses each figure and name of its line, or names what it does not.

    Where the answer leaves something out, another act that is likely is tried, which leaves out nothing.

    Args:
        made: the answer.
        ports: of the conversation, to what lies outside it.
    """
    from agent.after_plan.lines.accounts import left_out, not_used, shown_text
    from agent.after_plan.readings import ANSWERED, LIKELY, NO_QUESTION

    new, says = made
    plan = state.base.capacity_plan
    if plan is None or not says or new.pending or likely[0].act in _NO_ACCOUNT:
        return made
    text, _ = with_means(corrected(without_tongue(text)), state.base.values)
    clear = not isinstance(read.request, Unclear) or read.request.nothing
    if not clear or any(isinstance(one, Write) for one in says):
        return made
    request = read.request if new.branches != state.branches or "has that already" in shown_text(says) else None
    taken = request.change.details.values() if isinstance(request, WhatIf | Cheapest) else ()
    left = left_out(text, says, plan, taken)
    if not left:
        return made
    for other in likely[1:3] if new is state else ():
        if other.probability >= LIKELY and other.act in ANSWERED - NO_QUESTION - _NO_ACCOUNT:
            again = answer_act(state, other.act, text, ports)
            if not left_out(text, again[1], plan):
                return again
    return new, (*says, said(not_used(text, left)))


def states(state: State, text: str, change: Variation) -> bool:
    """Return whether a line states what is to be planned: it bids, has a verb, or names what nobody had said.

    A value alone is tried where something else was said of it: 'H200' after 'on H100'.
    """
    from agent.after_plan.readings import adopts, puts_case, tells

    if adopts(text) or tells(text):
        return True
    if not change.values or change.drops or "money.monthly_budget_usd" in change.values or puts_case(text):
        return False  # a budget is a search for what it buys
    old, before = state.values, {one.metric for one in state.values.get("targets", ())}
    said_otherwise = (
        before & {one.metric for one in value} if path == "targets" else value != old[path]
        for path, value in change.values.items()
        if _is_said(state, path)
    )
    return not any(said_otherwise)


def _before_asked_for(state: State) -> State | None:
    """Return the state before the plan where a question about the plan brought it; None where somebody asked for it."""
    past = state.past
    while past and past.phase == "planned":
        past = past.past
    return past if past and past.phase == "collect" else None


def _is_said(state: State, path: str) -> bool:
    return path in state.sources and state.sources[path].kind == "said"


def _as_answer(state: State, text: str, ports: Ports) -> str:
    """Return a line that gives a length alone as the one that was asked when a question about the plan brought it."""
    past = _before_asked_for(state) if re.search(r"\d[^?]*$", text) else None
    slots = open_slots(past, ports) if past else ()
    path = next((slot.path for slot in slots if not _is_said(state, slot.path)), "")
    if not path.startswith("tokens."):
        return text
    alone, asked = (ports.read(text, ports.catalog, asked_path=one, known=state.values) for one in (None, path))
    if asked.values.keys() != {path} or path in alone.values or asked.unused:
        return text
    return f"{slot_of(path).id}s of {asked.values[path]:g} tokens"  # type: ignore[union-attr]


def taken(state: State, made: Step, text: str, line: str, ports: Ports) -> Step:
    """Make the variant of a line the plan where the line states it, and does not only try it.

    Args:
        made: the answer.
        text: the line as typed.
        line: what it was read as.
    """
    base = state.branches[-1] if is_chained(line) else state.base
    request = understood(line, base.values, ports).request
    if not isinstance(request, WhatIf | Cheapest) or not states(state, text, request.change):
        return made
    return as_plan(state, made, request.change, ports)


def as_plan(state: State, made: Step, change: Variation, ports: Ports) -> Step:
    """Return a step that made a variant, or found that there is one already, with that as the plan.

    Args:
        made: the step.
        change: what the variant changes.
    """
    new, shown = made
    if new.pending or (new is not state and len(new.branches) <= len(state.branches)):
        return made  # something else was done, such as to take a variant back
    if new is not state:
        branch = new.branches[-1]
    else:
        try:
            spec = varied_spec(state, change, ports).spec
        except InputError:
            return made
        same = [one for one in state.branches if one.spec == spec and one.number != state.kept]
        if not same:
            return made
        branch, shown = same[0], difference(same[0], state.base)
    kept, says = with_kept(new, branch.number, ports)
    return kept, (*(one for one in shown if one != keep_said(branch.number)), *says)


def _is_change(part: str, act: str, values: Mapping[str, Any], ports: Ports) -> bool:
    """Return whether a part of a line changes the plan: words that say nothing may stand beside, figures may not.

    Args:
        act: of the whole line: what its questions name is no change.
    """
    from agent.after_plan.readings import is_news, is_plain_change, names_only

    read = understood(part, values, ports)
    if (isinstance(read.request, Ask) and read.unused) or names_only(act, read):
        return False
    if isinstance(read.request, WhatIf) and not is_news(read, values):
        return False
    if isinstance(read.request, Ask) and any(
        choice.value == values.get(choice.path or one.path) for one in read.request.questions for choice in one.choices
    ):
        return False  # it names what the plan has
    if len(read.unused) > 1 or any(re.search(r"\d", words) for words in read.unused):
        return False
    return is_plain_change(part, replace(read, unused=())) and (not read.unused or is_news(read, values))


_COUNTED_FIRST: Final = re.compile(r"\d(?:[\d.,' ’]*\d)?k? (?P<noun>[^\W\d_]{4,})", re.I)


_MORE_OF_THEM: Final = re.compile(
    r"\W*(?:(?:and|plus|with|another|an extra)\W+)*\+?(\d[\d,.]*k?) (?:more|extra|on top)\W*", re.I
)


def _of_users(text: str, base: Branch) -> str:
    """Return a line with 'users' for what those who ask were called: '+900 lawyers' after '250 lawyers'."""
    words = next((one.details[USERS] for one in reversed(base.statements) if one.details.get(USERS)), "")
    named = _COUNTED_FIRST.match(words)
    if named is None or not base.values.get(USERS):
        return text
    noun = rf"{re.escape(named['noun'].removesuffix('s'))}s?\b"
    counted = rf"(?:(?<=\d )(?:more |new |extra )?|(?<=half of )(?:the |our )?){noun}"
    text = re.sub(counted, _as_users, text, flags=re.I)
    return _MORE_OF_THEM.sub(r"\1 more users", text) if _MORE_OF_THEM.fullmatch(text) else text


def _as_users(found: re.Match[str]) -> str:
    return f"{found[0].rsplit(maxsplit=1)[0]} users" if " " in found[0] else "users"


def _changed_and_asked(state: State, change: str, question: str, ports: Ports) -> "Step | None":
    """Make the variant of a line's change and answer of it what the rest asks; None where no change is read."""
    from agent.after_plan.acts.classifier import guesses
    from agent.after_plan.readings import ANSWERED, SURE

    base = state.branches[-1] if is_chained(change) else state.base
    read, first = understood(change, base.values, ports), guesses(question)[0]
    if not isinstance(read.request, WhatIf) or read.unused:
        counted = guesses(change)[0]  # 'drop two cards, and …': what fewer carry, cost and keep is one answer
        fewer = counted.act == "more_or_fewer" and counted.probability >= SURE
        return answer_act(state, counted.act, f"{change} {question}", ports) if fewer else None
    new, says = answer_read(state, read, ports)
    several = parts_in(question, first, lambda _: False)
    in_units = first.act == "cost" and _IN_UNITS.search(question)
    if not several and not in_units and (verdict := moved_verdict(question, new.branches[-1], base)):
        return new, (*says[:-1], said(verdict), says[-1])
    if first.probability >= SURE and first.act in ANSWERED:
        several = several or ((question, first.act),)
    if not several or new is state:
        return new, (*says, said(f"Not used: {quoted(question)}."))
    _, told = _answer_several(replace(new, kept=len(new.branches) - 1), several, ports)
    return new, (*says, *told)


_IN_UNITS: Final = re.compile(
    r"[€£¥]|\b(?:per|an?) (?!month\b)\w|\b(?:eur\w*|pounds?|gbp|sterling|chf|francs?|yen|year\w*|annual\w*)\b", re.I
)
"""A bill in another unit or currency than the comparison of a variant shows it in."""


def _doubted(state: State, text: str, rest: str, ports: Ports) -> Step:
    """Answer who said what a line doubts, and plan what the rest of it sets."""
    _, told = answer_act(state, "who_said", text, ports)
    read = understood(rest, state.base.values, ports)
    if not isinstance(read.request, WhatIf | Cheapest | Ask):
        return state, (*told, said(f"Not used: {quoted(rest)}."))
    after, says = answer_read(state, read, ports)
    return after, (*told, *says)


def _compared_here(state: State, text: str) -> Step:
    """Set the conversation's plans beside each other for a line that compares and names nothing; else ask for names."""
    if len(state.branches) > 1:
        return state, (*side_by_side(state.branches), *keep_hint(state))
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


def _answer_several(
    state: State, parts: tuple[tuple[str, str], ...], ports: Ports, known: Mapping[str, WhatIf] = _NOTHING
) -> Step:
    """Answer the parts of a line in turn; what follows a variant is asked of it.

    Args:
        parts: words, and the act that they are.
        ports: of the conversation, to what lies outside it.
        known: requests that were read already, by the words.
    """
    new, says, told = state, list[Say](), tuple[Say, ...]()
    for part, act in parts:
        if not act:
            told = (said(f"{quoted(part)} is not answered: I am not sure what it asks. Ask it alone, in other words."),)
        elif act in ("change", "compare"):
            base = state.branches[-1] if is_chained(part) else state.base
            read = Understood(known[part]) if part in known else understood(part, base.values, ports)
            new, told = answer_read(new, read, ports)
        else:
            last = len(new.branches) - 1
            varied = new.branches != state.branches
            lead = (said(f"Of plan {last}, {new.branches[last].label}:"),) if varied else ()
            after, told = answer_act(replace(new, kept=last) if varied else new, act, part, ports)
            told, new = (*lead, *told), replace(after, kept=state.kept) if varied else new
        says += told
    return (replace(new, kept=state.kept) if new.branches != state.branches else new), tuple(says)


def choose_reading(state: State, pending: WhichReading, line: str, ports: Ports) -> "Step | None":
    """Go on with a line that may ask several things, where the reply is a number or none of them; else None.

    Args:
        pending: the line and its readings.
        ports: of the conversation, to what lies outside it.
    """
    settled = replace(state, pending=None)
    words = line.lower().strip(" .!#()")
    number = 1 if words in ("yes", "y") else choice_said(line, len(pending.acts))
    if number:
        act = pending.acts[number - 1]
        if act == "change":
            return answer_read(settled, understood(pending.line, state.base.values, ports), ports)
        return answer_act(settled, act, pending.line, ports)
    if words in ("", "no", "n", "neither", "none", "skip", "never mind"):
        return settled, (said("Then ask in other words; 'help' lists what can be asked."),)
    return None
