"""What the page shows of a question: its answer first, the rest folded by subject. Runs where plans are made."""

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import urlencode

from agent.report.blocks import Block, Group, Heading, Report
from agent.report.drawn.drawn_report import COST, LATENCY, LEDGER, drawn_report
from agent.report.rendering.html import html
from agent.statements.flags import ONE_TOO_MANY
from catalogs.errors import InputError
from commands.serve.answers.beyond_answer import applied, fixes, flags_in, flags_named, planned_fields
from commands.serve.answers.form import form_sentence, in_form_words
from commands.serve.answers.work import Answer, Desk, asked, derived_at, from_flags, json_answer, plan_of
from engine.plan import CapacityPlan, NoPlan, plan_json, split_shown

OPEN: Final = ("Alternatives", "Memory", LATENCY, COST, LEDGER)
"""Sections that are open at first, in the order in which they stand; all others follow, folded."""


def page_answer(tree: dict[str, Any], desk: Desk) -> Answer:
    """Return the part of the page that answers: HTML, the plan, and what the page needs to know.

    Args:
        tree: flags, texts by name, or a sentence that is read into them; verify.
    """
    texts = {str(name): str(text) for name, text in tree.get("flags", {}).items()}
    try:
        return json_answer(_answered(texts, desk, verify=bool(tree.get("verify"))))
    except InputError as error:
        return _unanswered(str(error), texts, desk)


def _unanswered(refusal: str, texts: Mapping[str, str], desk: Desk) -> Answer:
    """Return why there is no plan, in the words of the form, and what its sentence proposes as changes of fields."""
    said = f'<p class="bad" role="alert">{escape(form_sentence(refusal))}</p>'
    ways = applied(_proposed(refusal, texts, desk), texts)
    return json_answer({"html": said + ways, "title": ""})


def _proposed(refusal: str, texts: Mapping[str, str], desk: Desk) -> Iterator[dict[str, str]]:
    """Yield the changes that a refusal proposes, each to a form that can be read: a refusal quotes what is wrong, too.

    It names a field with a value that would do, or says what may be meant by one, or which two are one too many.
    """
    named = [name for name in flags_named(refusal) if name in texts]
    tries = [{name: text} for name, text in flags_in(refusal).items()]
    tries += [{name: meant} for meant in _MEANT.findall(refusal) for name in named]
    tries += [{name: ""} for name in named] if refusal.endswith(ONE_TOO_MANY) else []
    for changes in tries:
        if any(texts.get(name, "") != text for name, text in changes.items()) and _can_be_read(
            {**texts, **changes}, desk
        ):
            yield changes


_MEANT: Final = re.compile(r"(?:write|did you mean) ([^\s,;()?]+?)[.?]?(?=[\s,;()?]|$)")
"""What a refusal proposes in place of the text that it refuses."""


def _can_be_read(texts: Mapping[str, str], desk: Desk) -> bool:
    try:
        asked([from_flags(texts)], desk)
    except InputError:
        return False
    return True


def _answered(texts: Mapping[str, str], desk: Desk, *, verify: bool) -> dict[str, Any]:
    plan = plan_of(texts, desk, verify=verify)
    if isinstance(plan, NoPlan):
        from agent.report.plan.no_plan import no_plan_report

        said = in_form_words(html(no_plan_report(plan, None, "")))
        ways = [change for miss in plan.rejected for way in miss.relaxations if (change := flags_in(way))]
        return {"html": said + applied(ways, texts), "title": plan.sentence}
    return {
        "planned": True,
        "html": plan_html(plan, desk, texts, verified=verify),
        "title": plan.answer.sentence,
        "plan": plan_json(plan) if verify else None,
    }


def downloaded(tree: dict[str, Any], desk: Desk) -> Answer:
    """Return a plan in a format: the file's name, a line feed, the file; of several files an archive.

    Raises InputError for a format that there is none of, and where there is no plan.
    """
    import io
    import zipfile

    from agent.exports import format_called

    written = format_called(str(tree["format"]))
    plan = planned_fields(tree["flags"], desk, verify=True)
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
    """Return plans of the history side by side, as HTML; each row's name leads to its plan.

    Args:
        tree: plans: their names, their texts and the addresses where they stand.

    Raises InputError where a plan is none.
    """
    from agent.report.choice.comparison_report import Compared, comparison_report
    from engine.plan_file import read_plan

    rows = [Compared(name, read_plan(text, name)) for name, text, _ in tree["plans"]]
    said = html(comparison_report(rows, saved=True)) if rows else ""
    for name, _, address in tree["plans"]:
        head = f'<th scope="row">{escape(name)}</th>'
        said = said.replace(head, f'<th scope="row"><a href="{escape(address)}">{escape(name)}</a></th>')
    return json_answer({"html": said})


def plan_html(plan: CapacityPlan, desk: Desk, texts: Mapping[str, str], *, verified: bool) -> str:
    """Return a plan as the page shows it.

    Args:
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
