"""The settling of findings: what is certain becomes a value, a conflict a question, the impossible an objection."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from agent.fields.demand import BESIDE_SPEC, GIVEN_AS
from agent.fields.plausible import out_of_range
from agent.fields.table import FIELDS
from agent.interpret.facts.draft import Draft, Finding, Option
from agent.interpret.facts.leftovers import covered, leftovers
from agent.interpret.facts.reading import COLLECTIONS, Ambiguity, Choice, Reading, SaidValue


def settle(draft: Draft, known: Mapping[str, Any]) -> Reading:
    """Return the reading of a draft."""
    _share_of_system_prompt(draft, known)
    said_values, questions, objections = [], [], list(draft.objections)
    for path in dict.fromkeys(finding.path for finding in draft.findings):
        findings = [finding for finding in draft.findings if finding.path == path]
        good = []
        for finding in findings:
            wrong = [text for option in finding.options if (text := implausible(option.path or path, option.value))]
            if len(wrong) == len(finding.options):
                words = _words(draft, finding.start, finding.end)
                objections.append((f"{words}: {wrong[0]}", finding.start, finding.end))
            else:
                good.append(_without_implausible(finding, path))
        if path in COLLECTIONS:
            collected = _collected(draft, path, good)
            said_values += collected[0]
            questions += collected[1]
        elif good:
            good = _narrowed(good)
            options = _distinct(good)
            if len(options) == 1:
                said_values += _said_again(draft, good)
            else:
                questions.append(_which(draft, path, good, options))
    said_values = _fleet_on_nodes(said_values)
    said_values, questions = _one_of(said_values, questions, _LOADS, "a rate and a concurrency both give the load")
    said_values, questions = _one_of(said_values, questions, _FLEETS, "two fleets")
    said_values, more = _ordered_lengths(draft, said_values)
    objections += more
    for text, path, choices, start, end in draft.questions:
        questions.append(Ambiguity(text, path, choices, draft.sentence.text[start:end], start))
    rated = any(said_value.path in ("traffic.requests_per_s", "traffic.peak_factor") for said_value in said_values)
    habits = tuple(one for one in said_values if one.path in BESIDE_SPEC and (rated or one.path != GIVEN_AS))
    said_values = [said_value for said_value in said_values if said_value.path not in BESIDE_SPEC]
    said_values.sort(key=lambda said_value: said_value.start)
    questions = _each_once(questions)
    questions.sort(key=lambda question: question.start)
    texts = dict.fromkeys(text for text, _, _ in sorted(objections, key=lambda objection: objection[1]))
    notes = tuple(dict.fromkeys(text for text, _, _ in sorted(draft.notes, key=lambda note: note[1])))
    unused = leftovers(draft, covered(draft))
    return Reading(tuple(said_values), tuple(questions), unused, tuple(texts), notes, habits)


def _each_once(questions: Sequence[Ambiguity]) -> list[Ambiguity]:
    """Return questions of which none is asked twice: one yes is of all that one text asks of several fields."""
    by_text: dict[str, Ambiguity] = {}
    for one in questions:
        first = by_text.setdefault(one.text, one)
        if first is not one and len(first.choices) == len(one.choices) == 1 and first.path != one.path:
            choice, other = first.choices[0], one.choices[0]
            also = {**choice.also, other.path or one.path: other.value, **other.also}
            by_text[one.text] = replace(first, choices=(replace(choice, also=also),))
    return list(by_text.values())


def implausible(path: str, value: Any) -> str:
    """Return why a value cannot be meant for a path; empty where it can."""
    if path == "targets":
        return next(filter(None, (out_of_range(f"targets.{one.metric}", one.seconds) for one in value)), "")
    if wrong := out_of_range(path, value):
        return wrong
    field = FIELDS.get(path)
    if field is None or field.plausible is None or not isinstance(value, int | float) or value == int(value):
        return ""
    said = f"{value:,.6g} {field.plausible.noun}"
    if path.startswith("tokens.") and path.endswith(("mean", "p95")) and value < 10:
        return f"{said} is no whole number; write 1500 or 1,500 for a thousand and a half"
    return f"{said} is no whole number" if field.plausible.whole else ""


def _without_implausible(finding: Finding, path: str) -> Finding:
    options = tuple(option for option in finding.options if not implausible(option.path or path, option.value))
    return Finding(finding.path, options, finding.start, finding.end, finding.ask)


def _narrowed(findings: list[Finding]) -> list[Finding]:
    """Return findings of which a certain one settles those that left its value open: '4-bit AWQ', '10-20, say 15'."""
    certain = {finding.options[0].value for finding in findings if len(finding.options) == 1}
    if len(certain) != 1:
        return findings
    (value,) = certain
    return [
        replace(
            finding, options=tuple(option for option in finding.options if option.value == value) or finding.options
        )
        for finding in findings
    ]


def _distinct(findings: Sequence[Finding]) -> list[Option]:
    """Return the options with different values."""
    seen: dict[Any, Option] = {}
    for finding in findings:
        for option in finding.options:
            seen.setdefault((option.path, option.value), option)
    return list(seen.values())


def _words(draft: Draft, start: int, end: int) -> str:
    return " ".join(draft.sentence.text[start:end].split())


def _said_value(draft: Draft, finding: Finding) -> SaidValue:
    option = finding.options[0]
    text = draft.sentence.text[finding.start : finding.end]
    return SaidValue(option.path or finding.path, option.value, text, option.echo, finding.start)


def _said_again(draft: Draft, findings: Sequence[Finding]) -> list[SaidValue]:
    """Return a said value for each way in which one value was said: '20 rps, that is 1,200 a minute'."""
    return list(
        {
            said_value.words.casefold(): said_value
            for said_value in reversed([_said_value(draft, f) for f in findings])
        }.values()
    )[::-1]


def _which(draft: Draft, path: str, findings: Sequence[Finding], options: Sequence[Option]) -> Ambiguity:
    """Return the question which of several values is meant: a range, two numbers, an open width."""
    words = " … ".join(dict.fromkeys(_words(draft, finding.start, finding.end) for finding in findings))
    choices = tuple(
        Choice(option.value, f"{option.label}: {option.echo}" if option.label else option.echo, option.path)
        for option in options
    )
    text = next((finding.ask for finding in findings if finding.ask), "")
    if not text:
        text = (
            f"{words!r}: which is meant?"
            if len(findings) == 1
            else f"{words!r} give {path} several values: which is meant?"
        )
    return Ambiguity(text, path, choices, words, findings[0].start)


def _collected(draft: Draft, path: str, findings: Sequence[Finding]) -> tuple[list[SaidValue], list[Ambiguity]]:
    """Return the said values of a path that may have several values; two limits on one latency are a question."""
    said_values: list[SaidValue] = []
    questions = []
    by_key: dict[Any, list[Finding]] = {}
    for finding in findings:
        value = finding.options[0].value
        key = (value[0].metric, value[0].percentile) if path == "targets" else value
        by_key.setdefault(key, []).append(finding)
    for same in by_key.values():
        options = _distinct(same)
        if len(options) > 1:
            questions.append(_which(draft, path, same, options))
        else:
            said_values += _said_again(draft, same)
    return said_values, questions


def _fleet_on_nodes(said_values: list[SaidValue]) -> list[SaidValue]:
    """'16 GPUs on 2 nodes' is a fleet of 16 with 8 a node: the fleet is given once."""
    values = {said_value.path: said_value for said_value in said_values}
    fleet, nodes = values.get("hardware.accelerator_count"), values.get("hardware.nodes")
    if fleet is None or nodes is None:
        return said_values
    rest = [said_value for said_value in said_values if said_value is not nodes]
    cards = {one.value for one in said_values if one.path == "hardware.accelerators"}
    if len(cards) > 1:  # '8 B200 in Q3, until then 2 nodes of H100' are two fleets
        return said_values
    if "hardware.accelerators_per_node" not in values and fleet.value % nodes.value == 0:
        share = fleet.value // nodes.value
        echo = f"{fleet.value:g} accelerators / {nodes.value:g} nodes = {share:g} a node"
        rest.append(SaidValue("hardware.accelerators_per_node", share, nodes.words, echo, nodes.start))
    return rest


_LOADS: Final = ("traffic.requests_per_s", "traffic.concurrency")
_FLEETS: Final = ("hardware.accelerator_count", "hardware.nodes")


def _one_of(
    said_values: list[SaidValue], questions: list[Ambiguity], paths: Sequence[str], both: str
) -> tuple[list[SaidValue], list[Ambiguity]]:
    """Two fields that give one thing: ask which.

    Args:
        said_values: of the line.
        questions: of the line.
        paths: of the fields.
        both: what the question says of them.
    """
    rivals = [said_value for said_value in said_values if said_value.path in paths]
    if len({said_value.path for said_value in rivals}) < 2:
        return said_values, questions
    choices = tuple(Choice(said_value.value, said_value.echo, said_value.path) for said_value in rivals)
    words = " … ".join(said_value.words for said_value in rivals)
    which = Ambiguity(f"{words!r}: {both}; which is meant?", rivals[0].path, choices, words, rivals[0].start)
    return [said_value for said_value in said_values if said_value not in rivals], [*questions, which]


def _ordered_lengths(draft: Draft, said_values: list[SaidValue]) -> tuple[list[SaidValue], list[tuple[str, int, int]]]:
    """Object to a p95 below its mean."""
    objections = []
    values = {said_value.path: said_value for said_value in said_values}
    for side in ("input", "output"):
        mean, p95 = values.get(f"tokens.{side}.mean"), values.get(f"tokens.{side}.p95")
        if mean and p95 and p95.value < mean.value:
            text = f"p95 of {p95.value:g} tokens is below the mean of {mean.value:g}"
            objections.append((text, p95.start, p95.start + len(p95.words)))
            said_values = [said_value for said_value in said_values if said_value is not p95]
    return said_values, objections


def _share_of_system_prompt(draft: Draft, known: Mapping[str, Any]) -> None:
    """Turn the length of a shared system prompt into the share of the prompt that is cached."""
    prompts = [finding for finding in draft.findings if finding.path == "system_prompt"]
    draft.findings[:] = [finding for finding in draft.findings if finding.path != "system_prompt"]
    mean = draft.value("tokens.input.mean") or known.get("tokens.input.mean")
    for finding in prompts[:1]:
        tokens = finding.options[0].value
        if mean and 0 < tokens < mean:
            share = float(f"{tokens / mean:.6g}")
            echo = f"{tokens:g} / {mean:g} tokens = {share:.0%} of prompt tokens are the same"
            draft.findings.append(Finding("tokens.prefix_hit", (Option(share, echo),), finding.start, finding.end))
        else:
            text = f"a system prompt of {tokens:g} tokens: how long is the whole prompt?"
            draft.questions.append((text, "tokens.input.mean", (), finding.start, finding.end))
