"""What the page shows of a question: its answer first, the rest folded by subject. Runs where plans are made."""

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import to_builtins

from agent.exports.json import json_text
from agent.fields.field import Flag
from agent.report.blocks import Block, Group, Heading, Report
from agent.report.drawn.drawn_report import COST, LATENCY, LEDGER, drawn_report
from agent.report.rendering.html import html
from agent.statements.flags import ALL as FLAGS
from catalogs.errors import InputError, listed, visible
from catalogs.units import SECONDS_PER_DAY
from commands.serve.answers.beyond_answer import NO_FIELD, applied, fixes, flags_in
from commands.serve.answers.work import Answer, Desk, asked, derived_at, from_flags
from engine.plan import CapacityPlan, NoPlan, plan_json, split_shown

OPEN: Final = ("Alternatives", "Memory", LATENCY, COST, LEDGER)
"""Sections that are open at first, in the order in which they stand; all others follow, folded."""


def page_answer(tree: dict[str, Any], desk: Desk) -> Answer:
    """Return the part of the page that answers: HTML, the plan, and what the page needs to know.

    Args:
        tree: flags, texts by name, or a sentence that is read into them; verify.
        desk: the facts.
    """
    texts = {str(name): str(text) for name, text in tree.get("flags", {}).items()}
    try:
        return Answer(200, json_text(_answered(texts, desk, verify=bool(tree.get("verify")))).encode())
    except InputError as error:
        return _unanswered(f"{error}.", texts)


def _unanswered(sentence: str, texts: Mapping[str, str]) -> Answer:
    """Return why there is no plan, in the words of the form, and what its sentence proposes as changes of fields."""
    words = re.sub(r"--([a-z][a-z0-9-]*)", lambda found: found[1].replace("-", " "), sentence)
    said = f'<p class="bad" role="alert">{escape(visible(words[0].upper() + words[1:]))}</p>'
    proposed = [{name: text} for name, text in flags_in(sentence).items() if texts.get(name) != text]
    return Answer(200, json_text({"html": said + applied(proposed, texts), "title": "", "plan": None}).encode())


def _answered(texts: Mapping[str, str], desk: Desk, *, verify: bool) -> dict[str, Any]:
    from engine.method import forecast

    question = asked([from_flags(texts)], desk).completed()
    plan = forecast(question.spec, desk.facts, sources=question.sources, verify=verify)
    if isinstance(plan, NoPlan):
        from agent.report.plan.no_plan import no_plan_report

        return {"html": html(no_plan_report(plan, None, "")), "title": plan.sentence, "plan": None}
    return {
        "html": plan_html(plan, desk, texts, verified=verify),
        "title": plan.answer.sentence,
        "plan": plan_json(plan) if verify else None,
    }


def fields_of_sentence(tree: dict[str, Any], desk: Desk) -> Answer:
    """Return the fields of the form that a sentence fills, and what is to be said of it; other fields stay."""
    from agent.session.stated_sentence import stated_in

    texts, sentence = dict(tree["flags"]), str(tree["sentence"])
    said = stated_in(sentence, desk.facts, answered={})
    gathered = asked([said.statement], desk)
    # What it states, by the names of the catalog: a preset stays one, as whoever types it into a terminal has it.
    named = {
        path: to_builtins(value) if path == "targets" else gathered.values.get(path, value)
        for path, value in said.statement.values.items()
    }
    read, left = flag_texts(named)
    notes = [*said.notices(), *said.objections, *(question.text for question in said.questions)]
    if left:
        notes.append(f"{NO_FIELD} {listed(left)}.")
    return Answer(200, json_text({"flags": texts | read, "notes": notes}).encode())


def downloaded(tree: dict[str, Any], desk: Desk) -> Answer:
    """Return a plan in a format: the file's name, a line feed, the file; of several files an archive.

    Raises InputError for a format that there is none of, and where there is no plan.
    """
    import io
    import zipfile

    from agent.exports import format_called
    from engine.method import forecast

    written = format_called(str(tree["format"]))
    question = asked([from_flags(tree["flags"])], desk).completed()
    plan = forecast(question.spec, desk.facts, sources=question.sources)
    if isinstance(plan, NoPlan):
        raise InputError(plan.sentence)
    files = {
        name: content.encode() if isinstance(content, str) else content
        for name, content in written.files(plan, desk.facts).items()
    }
    if len(files) == 1:
        name, content = next(iter(files.items()))
        return Answer(200, name.rpartition("/")[2].encode() + b"\n" + content)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return Answer(200, f"{tree['format']}.zip\n".encode() + packed.getvalue())


def beside_each_other(tree: dict[str, Any], desk: Desk) -> Answer:
    """Return plans of the history side by side, as HTML.

    Raises InputError where a plan is none.
    """
    from agent.report.choice.comparison_report import Compared, comparison_report
    from engine.plan_file import read_plan

    rows = [Compared(name, read_plan(text, name)) for name, text in tree["plans"]]
    return Answer(200, json_text({"html": html(comparison_report(rows)) if rows else ""}).encode())


def flag_texts(values: Mapping[str, Any]) -> tuple[dict[str, str], list[str]]:
    """Return values by path as the texts of the flags that read them so, and the paths that no flag states."""
    texts: dict[str, str] = {}
    left: list[str] = []
    targets = {f"targets.{one['metric']}.{one['percentile']}": one["seconds"] for one in values.get("targets", ())}
    for path, value in {**{p: v for p, v in values.items() if p != "targets"}, **targets}.items():
        flag = next((row for row in FLAGS if row.path == path and _spelled(row, value) is not None), None)
        if flag is not None:
            texts[flag.flag.removeprefix("--")] = _spelled(flag, value) or ""
        elif path != "architecture":
            left.append(path)
    return texts, left


def _spelled(flag: Flag, value: Any) -> str | None:
    """Return a text that the flag reads as the value; None where none is found."""
    if flag.read is None:
        return None
    if isinstance(value, tuple | list):
        tries = [",".join(map(str, value))]
    elif isinstance(value, int | float):
        plain, more = f"{value:.12g}", f"{value * 100:.12g}"
        tries = [
            f"{value * 1000:.12g}ms",
            f"{plain}s",
            plain,
            f"{plain}kW",
            f"{plain} years",
            f"{plain}y",
            more,
            f"{more}%",
            f"{value * SECONDS_PER_DAY:.12g}/day",
            repr(value),
        ]
    else:
        tries = [str(value)]
    for text in tries:
        try:
            read = flag.read(text, flag.flag)
        except InputError:
            continue
        same = tuple(read) == tuple(value) if isinstance(value, tuple | list) else read == value
        if same:
            return text
    return None


def plan_html(plan: CapacityPlan, desk: Desk, texts: Mapping[str, str], *, verified: bool) -> str:
    """Return a plan as the page shows it.

    Args:
        plan: that is shown.
        desk: the facts that its curves rest on.
        texts: of the page's fields, which other ways of doing it change.
        verified: whether the plan was simulated.
    """
    address = derived_at(texts, verified=verified)
    opening, sections = _sections(drawn_report(plan, desk.facts))
    mended, other = fixes(plan, texts, desk)
    said = "".join(
        html(Report((block,)), address) + applied(mended.get(getattr(block, "text", ""), ()), texts)
        for block in _lines(opening)
    )
    top = f'<div class="answer">{said}{applied(other, texts)}{_instead(plan, texts)}</div>'
    ordered = [*(name for name in OPEN if name in sections), *(name for name in sections if name not in OPEN)]
    folded = "".join(
        f'<details id="{escape(name.lower().replace(" ", "-").replace(",", ""))}"{" open" if name in OPEN else ""}>'
        f"<summary><h2>{escape(name)}</h2></summary>{html(Report(sections[name]), address)}</details>"
        for name in ordered
    )
    return top + folded


def _lines(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """Yield blocks, those of a group one by one."""
    for block in blocks:
        yield from _lines(block.blocks) if isinstance(block, Group) else (block,)


def _sections(report: Report) -> tuple[tuple[Block, ...], dict[str, tuple[Block, ...]]]:
    """Return what stands before the first heading, and the blocks under each."""
    opening: list[Block] = []
    sections: dict[str, list[Block]] = {}
    at = opening
    for block in report.blocks:
        if isinstance(block, Heading):
            at = sections.setdefault(block.text, [])
        else:
            at.append(block)
    return tuple(opening), {name: tuple(blocks) for name, blocks in sections.items()}


def _instead(plan: CapacityPlan, texts: Mapping[str, str]) -> str:
    """Return the best other ways as links that change the fields."""
    links = "".join(f"<li>{link}</li>" for link in _links(plan, texts))
    return (
        f'<nav aria-label="Other ways"><p class="quiet">Instead:</p><ul class="instead">{links}</ul></nav>'
        if links
        else ""
    )


def _links(plan: CapacityPlan, texts: Mapping[str, str]) -> Iterator[str]:
    from agent.report.cost.price_origin import alternative_bill

    for other in plan.alternatives[:3]:
        changed = {**texts, "gpu-type": other.accelerator, "precision": other.weights, "tp": str(other.tensor_parallel)}
        changed |= {"pp": str(other.pipeline_parallel)} if other.pipeline_parallel > 1 else {}
        fleet = f"{other.accelerators} × {other.accelerator_name} ({split_shown(other)})"
        words = f"{fleet}, {alternative_bill(other, plan)}"
        yield f'<a href="/?{escape(urlencode(changed))}">{escape(words)}</a>'
