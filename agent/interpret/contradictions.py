"""What of one line contradicts itself, or is of several times: it is asked or objected to, never taken in part."""

import re
from typing import Final

from msgspec.structs import replace

from agent.fields.demand import HABIT, RATE, USERS
from agent.interpret.beside_wish.present import CARD
from agent.interpret.facts.draft import Draft, Finding
from agent.interpret.facts.reading import Choice
from agent.interpret.facts.settlement import implausible
from agent.interpret.lengths_and_times.targets import METRICS
from agent.interpret.words.grammar import Rule
from catalogs.units import show_count, show_figure, show_seconds
from engine.workload import Target, target_name

COUNT: Final = "hardware.accelerator_count"
TARGETS: Final = "targets"
MOST: Final = "hardware.max_accelerators"
_TRIAL: Final = frozenset("pilot poc prototype trial".split())
_MULTIPLIED: Final = Rule(
    "('assume' | 'assuming' | 'expect' | 'expects' | 'expecting' | 'planning' | 'rollout' | 'launch') (near | 'for' | "
    "colon){0,3} x:mult ('the' | 'that' | 'this' | 'as' | 'our' | 'much' | 'today'){0,3} ('traffic' | 'load' | "
    "'volume' | 'rate' | comma | stop | $)"
)
_TIMES: Final = Rule("('week' | 'month' | 'year' | 'day' | 'quarter') n:num colon")
"""'week 1: 50 users, week 4: 500'."""


def read_contradictions(draft: Draft) -> None:
    """Turn what contradicts itself into questions and objections."""
    _taken_back(draft)
    _several_times(draft)
    _multiplied(draft)
    _times_a_rate(draft)
    _more_beside(draft)
    _too_many(draft)
    _too_long(draft)
    _whole_before_first(draft)
    _higher_below_lower(draft)


def _without(draft: Draft, *paths: str) -> list[Finding]:
    """Take the findings of some paths out of the draft and return them."""
    taken = [finding for finding in draft.findings if finding.path in paths]
    draft.findings[:] = [finding for finding in draft.findings if finding.path not in paths]
    return taken


_TAKEN_BACK: Final = re.compile(
    r"\b(?:no,? wait|wait,? no|sorry|scratch that|strike that|correction|or rather|make that|i mean|i meant|my mistake|"
    r"on second thought|oops|(?:is|was|s|are|were) (?:a )?(?:wrong|mistaken|typo)|not true)\b|\bno,(?= ?\d)",
    re.I,
)
_FALSE: Final = re.compile(r"wrong|mistaken|true|typo|scratch|strike")
"""Marks that take back what was said before, whether or not something else takes its place."""
_FLEET: Final = frozenset({COUNT, "hardware.nodes", MOST, "hardware.max_nodes", "hardware.replicas"})


def _taken_back(draft: Draft) -> None:
    """Ask for a fleet that was taken back: 'exactly 4 GPUs, no wait, at least 10'; of two alike it is asked anyway."""
    for mark in _TAKEN_BACK.finditer(draft.sentence.text):
        before = [finding for finding in draft.findings if finding.end <= mark.start()]
        later = [finding for finding in draft.findings if finding.start >= mark.end()]
        free = (item for item in draft.sentence.items if item.has("num") and not item.claimed)
        bare = next((item for item in free if mark.start() <= item.start < mark.end() + _CLOSE), None)
        false = _FALSE.search(mark.group().lower()) is not None
        if not before or not (later or bare or false or mark.group().lower().startswith(("no", "wait"))):
            continue
        last = max(before, key=lambda finding: finding.end)
        if len(last.options) != 1:
            continue
        choices: tuple[Choice, ...]
        if last.path in _FLEET and (bare or any(f.path in _FLEET for f in later)):
            choices = (Choice(last.options[0].value, f"yes: {last.options[0].echo}"),)
        elif last.path == RATE and mark.start() - last.end < _CLOSE and (bare or false):
            rate = last.options[0].value
            choices = (Choice(rate, f"{show_figure(rate)} requests/s, as said first"),)
        elif (
            last.path == TARGETS
            and mark.start() - last.end < _CLOSE
            and not any(f.path == TARGETS and f.end > mark.end() for f in draft.findings)
        ):
            choices = _other_metrics(last.options[0].value[0])
        else:
            continue
        draft.findings.remove(last)
        said = " ".join(draft.sentence.text[last.start : mark.end()].split())
        text = f"{said!r}: does that still hold?" if len(choices) < 2 else f"{said!r}: which of these holds?"
        draft.questions.append((text, last.path, choices, last.start, mark.end()))


_CLOSE: Final = 40
"""Characters between what is taken back, the word that does so and what takes its place."""


def _other_metrics(target: Target) -> tuple[Choice, ...]:
    """Return a limit as it was said, and as one of another latency: 'TTFT under 1 s, no wait, that is the total'."""
    others = [target, *(replace(target, metric=metric) for metric in METRICS.values() if metric != target.metric)]
    return tuple(
        Choice((one,), f"{target_name(one.metric, one.percentile)} {show_seconds(one.seconds)}")
        for one in others
        if one.metric != "itl" or one is target
    )


def _several_times(draft: Draft) -> None:
    """Ask for which time to plan where the load of several is told."""
    found = list(_TIMES.matches(draft.sentence))
    if len(found) < 2:
        return
    _without(draft, RATE, USERS, HABIT)
    first, last = found[0].first, min(found[-1].last + 1, len(draft.sentence.items) - 1)
    draft.questions[:] = [question for question in draft.questions if question[1] != RATE]
    said = draft.sentence.said(first, last)
    draft.ask(RATE, first, last, f"{said!r}: for which of these times is it planned? Say the rate then.")


_CUSHION: Final = Rule(
    "p:pct unknown? ('headroom' | 'reserve' | 'margin' | 'buffer' | 'cushion' | 'contingency') "
    "(?! (near | gpunoun){1,3} ('memory' | 'vram' | 'disk' | 'power' | 'latency'))"
)
"""What is planned beyond a load: '20 rps with 30% reserve'."""


def _multiplied(draft: Draft) -> None:
    """Ask whether 'five times the traffic', or a margin, is of the rate that was said; a pilot's GPUs are no fleet."""
    for match in (*_MULTIPLIED.matches(draft.sentence), *_CUSHION.matches(draft.sentence)):
        rates = [finding for finding in draft.findings if finding.path == RATE and len(finding.options) == 1]
        factor = match["x"].number.value if "x" in match else 1 + match["p"].number.value
        start, end = draft.sentence.span(match.first, match.last)
        if not rates or rates[0].start > start:
            continue
        each = dict.fromkeys(finding.options[0].value for finding in _without(draft, RATE))
        rate, added = sum(each), " + ".join(map(show_figure, each))
        text = f"{show_figure(factor)} times {added} requests/s: is that the load to plan for?"
        choices = (
            Choice(rate * factor, f"{show_figure(rate * factor)} requests/s on average", usual=True),
            Choice(rate, f"{show_figure(rate)} requests/s on average"),
        )
        draft.sentence.claim(match.first, match.last)
        draft.questions.append((text, RATE, choices, rates[0].start, end))
        if any(item.word in _TRIAL for item in draft.sentence.items):
            for finding in _without(draft, COUNT):
                count = finding.options[0].value
                text = f"{show_count(count)} accelerators of the pilot: is that the fleet, too?"
                draft.questions.append((text, COUNT, (Choice(count, "yes"),), finding.start, finding.end))
        return


_BEFORE_A_RATE: Final = frozenset(
    "times todays the our its that current of now x as much traffic load volume from".split()
)


def _times_a_rate(draft: Draft) -> None:
    """Ask which is planned where a multiple of a rate is said: 'design for 2x today's 6 rps'."""
    items = draft.sentence.items
    for finding in [f for f in draft.findings if f.path == RATE and len(f.options) == 1]:
        at = next((index for index, item in enumerate(items) if item.start >= finding.start), 0) - 1
        while at > 0 and items[at].word in _BEFORE_A_RATE and not items[at].has("mult"):
            at -= 1
        if at < 0 or not items[at].has("mult") or items[at].claimed or items[at].end > finding.start:
            continue
        factor, rate = items[at].number.value, finding.options[0].value
        said = " ".join(draft.sentence.text[items[at].start : finding.end].split())
        choices = (
            Choice(rate * factor, f"{show_figure(rate * factor)} requests/s on average", usual=True),
            Choice(rate, f"{show_figure(rate)} requests/s on average"),
        )
        draft.findings.remove(finding)
        items[at].claimed = True
        draft.questions.append(
            (f"{said!r}: which load is to be planned for?", RATE, choices, items[at].start, finding.end)
        )


_BEYOND: Final = re.compile(
    r"\b(?:anything (?:above|beyond|over|more|else)|everything (?:above|beyond|else)|(?:the )?rest|the remainder|"
    r"overflow|beyond that|on top|above that)\b[^.;\n]{0,40}\b(?:spot|on[- ]demand|rent\w*|cloud|burst)",
    re.I,
)


def _more_beside(draft: Draft) -> None:
    """Ask whether a fleet is all of it where what goes beyond is rented otherwise: '6 reserved, the rest on spot'."""
    for finding in _without(draft, COUNT) if _BEYOND.search(draft.sentence.text) and draft.has(RATE) else ():
        count, said = finding.options[0].value, " ".join(draft.sentence.text[finding.start : finding.end].split())
        card = draft.value(CARD) or ()
        choices = (
            Choice(card, "a part of it: find the fleet that the load takes", CARD),
            Choice(count, f"all of it: {finding.options[0].echo}"),
        )
        draft.questions.append((f"{said!r}: is that a part of the fleet?", COUNT, choices, finding.start, finding.end))


def _too_many(draft: Draft) -> None:
    """Ask which holds where a fleet is larger than what it may be."""
    count, most = draft.value(COUNT), draft.value(MOST)
    if count is None or most is None or count <= most:
        return
    spans = _without(draft, COUNT, MOST)
    text = f"{show_count(count)} accelerators and at most {show_count(most)}: which is meant?"
    choices = (Choice(count, f"exactly {show_count(count)}"), Choice(most, f"at most {show_count(most)}", MOST))
    draft.questions.append((text, COUNT, choices, min(s.start for s in spans), max(s.end for s in spans)))


def _too_long(draft: Draft) -> None:
    """Object to a context window that a prompt with its answer does not fit in."""
    window = next((f for f in draft.findings if f.path == "serving.context_window" and len(f.options) == 1), None)
    mean, answer = draft.value("tokens.input.mean"), draft.value("tokens.output.mean") or 0
    if window is not None and mean is not None and mean + answer > window.options[0].value:
        most, also = show_count(window.options[0].value), f" and answers of {show_count(answer)}" if answer else ""
        text = f"prompts of {show_count(mean)}{also} tokens do not fit into a context window of {most}"
        draft.objections.append((text, window.start, window.end))
        _without(draft, "serving.context_window")


def _plausible_targets(draft: Draft) -> list[Finding]:
    certain = [f for f in draft.findings if f.path == TARGETS and len(f.options) == 1]
    return [f for f in certain if not implausible(TARGETS, f.options[0].value)]


def _whole_before_first(draft: Draft) -> None:
    """Ask which holds where the whole answer must come before its first token, at one percentile."""
    certain = _plausible_targets(draft)
    limits = {target.metric: target for finding in certain for target in finding.options[0].value}
    first, whole = limits.get("ttft"), limits.get("e2e")
    if first is None or whole is None or first.percentile != whole.percentile or whole.seconds >= first.seconds:
        return
    spans = _without(draft, TARGETS)
    said = [f"{target_name(t.metric, t.percentile)} {show_seconds(t.seconds)}" for t in (whole, first)]
    others = tuple(t for f in spans if f in certain for t in f.options[0].value if t not in (first, whole))
    choices = tuple(Choice((kept, *others), words) for kept, words in zip((whole, first), said, strict=True))
    text = f"{said[0]} is below {said[1]}: the whole answer cannot come before its first token. Which holds?"
    draft.questions.append((text, TARGETS, choices, min(s.start for s in spans), max(s.end for s in spans)))


def _higher_below_lower(draft: Draft) -> None:
    """Ask which holds where a high percentile of a latency is to be below a lower one: p99 400 ms, p50 900 ms."""
    certain = _plausible_targets(draft)
    for one in certain:
        for other in certain:
            (low, high) = (one.options[0].value[0], other.options[0].value[0])
            if low.metric != high.metric or not low.percentile < high.percentile or low.seconds <= high.seconds:
                continue
            if "mean" in (low.percentile, high.percentile):
                continue
            said = [f"{target_name(t.metric, t.percentile)} {show_seconds(t.seconds)}" for t in (high, low)]
            choices = tuple(Choice((kept,), words) for kept, words in zip((high, low), said, strict=True))
            text = f"{said[0]} is below {said[1]}: the slowest cannot be faster than the others. Which holds?"
            draft.findings[:] = [finding for finding in draft.findings if finding not in (one, other)]
            draft.questions.append((text, TARGETS, choices, min(one.start, other.start), max(one.end, other.end)))
            return
