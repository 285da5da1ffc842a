"""What the page fetches once its answer stands: the front, every figure, what mends a warning, what a file says."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import urlencode

from agent.report.blocks import Column, Mark, Report, Table
from agent.report.plan.screenful import misses
from agent.report.rendering.html import html
from agent.statements.flags import ALL as FLAGS
from agent.statements.flags import CONTRADICT
from catalogs.errors import InputError, listed, quoted
from commands.serve.answers.form import NAMES, NO_FIELD, plan_fields
from commands.serve.answers.work import Answer, Desk, given_flags, json_answer, plan_of
from engine.plan import CapacityPlan, NoPlan, plan_json

Texts = Mapping[str, str]
"""Of the page's fields, by name."""

_FLAG: Final = re.compile(r"--([a-z0-9][a-z0-9-]*)(?: ([^\s,;()]+))?")
ALIKE: Final = {"context": "context-window", "kv_cache": "kv-precision"}
"""Flags of runtimes that a warning names, and the fields of a question that lead to them."""
MOST_POINTS: Final = 40


def planned_fields(flags: Texts, desk: Desk, *, verify: bool) -> CapacityPlan:
    """Return the plan of what the fields of the page state.

    Raises InputError where there is none.
    """
    plan = plan_of(flags, desk, verify=verify)
    if isinstance(plan, NoPlan):
        raise InputError(plan.sentence)
    return plan


# --- the front --------------------------------------------------------------------------------------------------------


def front(tree: dict[str, Any], desk: Desk) -> Answer:
    """Return the fleets of all accelerators that nothing is both cheaper and faster than, and the plan among them.

    Raises InputError where there is no plan, or no load to size a fleet for.
    """
    from msgspec.structs import replace

    from agent.report.choice.choice_report import front_chart, front_table
    from agent.report.words import usd_shown
    from engine.choice.front import pareto_front
    from engine.choice.options import options
    from engine.plan import split_shown
    from engine.workload import Hardware

    plan = planned_fields(tree["flags"], desk, verify=bool(tree.get("verify")))
    serving = dict.fromkeys(("tensor_parallel", "pipeline_parallel", "data_parallel", "expert_parallel"))
    spec = replace(plan.spec, hardware=Hardware(), serving=replace(plan.spec.serving, **serving))
    best = options(spec, desk.facts, terms=(spec.money.term,)).best("cost", spec.money.term)
    chosen = plan.chosen
    own = (chosen.accelerator, chosen.precision.weights, split_shown(chosen))
    here = [one for one in best if (one.accelerator, one.precision, split_shown(one)) == own and one.monthly_usd]
    marks = tuple(Mark(f"this plan, {usd_shown(one.monthly_usd)}", one.latency_s, one.monthly_usd) for one in here[:1])
    nothing_better = pareto_front(best)
    if not nothing_better:
        raise InputError("no fleet of any accelerator meets the targets, has a price and rests on measured kernels")
    within = tuple(mark for mark in marks if (mark.x or 0.0) <= (nothing_better[-1].monthly_usd or 0.0))
    report = Report((front_chart(spec, nothing_better, within), front_table(spec, nothing_better)))
    return json_answer({"html": html(report)})


# --- every figure -----------------------------------------------------------------------------------------------------


def figures(tree: dict[str, Any], desk: Desk) -> Answer:
    """Return every figure of a plan with its path, by the part of the plan that holds it.

    Raises InputError where there is no plan.
    """
    from engine.choice.derivation.derivation import leaves

    told: dict[str, list[tuple[str, str]]] = {}
    for path, value in leaves(plan_json(planned_fields(tree["flags"], desk, verify=bool(tree.get("verify"))))):
        part, _, rest = path.partition(".")
        if rest and part != "spec":
            told.setdefault(part.replace("_", " "), []).append((path, f"{value:,}"))
    return json_answer({"parts": told})


# --- what mends a warning ---------------------------------------------------------------------------------------------


Changes = dict[str, str]
"""Texts that fields get, by name; an empty one leaves its field open."""


def fixes(plan: CapacityPlan, texts: Texts, desk: Desk) -> tuple[dict[str, list[Changes]], list[Changes]]:
    """Return what would mend the plan's warnings, by the warning; and what is enough for what no warning names.

    Args:
        plan: with warnings, and with what would help where nothing does what was asked.
        texts: of the page's fields.
    """
    ways = [way for miss in misses(plan) for way in miss.relaxations]

    def changes(sentences: Iterable[str]) -> list[Changes]:
        found: list[Changes] = []
        for one in sentences:
            new = {name: text for name, text in _changes(one, plan, desk).items() if texts.get(name, "") != text}
            found += [new] if new and new not in found else []
        return found

    reasons = {miss.reason for miss in misses(plan)}
    mended = {
        warning: changes([warning, *(way for way in ways if warning in reasons or _about(warning, way))])
        for warning in plan.warnings
    }
    named = [one for found in mended.values() for one in found]
    return mended, [one for one in changes(ways) if one not in named]


def _about(warning: str, way: str) -> bool:
    """Return whether a warning names a target that a way out is about."""
    target = re.match(r"(TTFT|ITL|E2E) (\w+) is ", warning)
    return target is not None and f"{target[1]}-{target[2]}".lower() in flags_in(way)


def _budget(plan: CapacityPlan) -> Changes:
    from engine.question.fleet_limits import enough_a_month

    enough = enough_a_month(plan.cost.monthly_usd)
    return {"budget": enough} if enough else {}


_MENDS: Final[tuple[tuple[str, Callable[[re.Match[str], CapacityPlan], Changes]], ...]] = (
    (r"the batch cap of", lambda _, plan: {"batch-size": ""}),
    (r"no latency target was given", lambda _, plan: {"default-targets": ""}),
    (r"over budget: ", lambda _, plan: _budget(plan)),
    (
        r".+ \S+ is newer than any that is known here: planned as (\S+)$",
        lambda found, plan: {"runtime": f"{plan.spec.serving.runtime.partition('@')[0]}@{found[1]}"},
    ),
)
"""What a sentence of a plan begins with, and the change that mends what it says."""


def _changes(sentence: str, plan: CapacityPlan, desk: Desk) -> Changes:
    for pattern, mend in _MENDS:
        if found := re.match(pattern, sentence):
            return {name: text for name, text in mend(found, plan).items() if name in NAMES}
    flags = desk.facts.runtime(plan.spec.serving.runtime).flags
    for name, field in ALIKE.items():
        flag = getattr(flags, name).partition(" ")[0]
        if flag and (value := re.search(rf"{re.escape(flag)} ([^\s,;()]+)", sentence)):
            return {field: value[1]}
    return flags_in(sentence)


def flags_in(sentence: str) -> Changes:
    """Return the flags that a sentence proposes with a value: '--input-tokens 1000, or --preset chat'."""
    return {name: text for name, text in _FLAG.findall(sentence) if name in NAMES and text}


def flags_named(sentence: str) -> list[str]:
    """Return the fields of the flags that a sentence is about."""
    return [name for name, _ in _FLAG.findall(sentence) if name in NAMES]


def applied(mends: Iterable[Changes], texts: Texts) -> str:
    """Return changes of the page's fields as links; nothing where there are none.

    Args:
        mends: what each link changes.
        texts: of the page's fields.
    """
    links = "".join(
        f'<li><a class="apply" href="/?{escape(urlencode({k: v for k, v in {**texts, **changes}.items() if v}))}" '
        f'data-apply="{escape(json.dumps(changes))}">Apply: {escape(_in_words(changes))}</a></li>'
        for changes in mends
    )
    return f'<ul class="instead fixes" aria-label="What would mend it">{links}</ul>' if links else ""


def _in_words(changes: Changes) -> str:
    return ", ".join(f"{name} {text}" if text else f"no {name}" for name, text in changes.items())


# --- files ------------------------------------------------------------------------------------------------------------


def imported(tree: dict[str, Any], desk: Desk) -> Answer:
    """Return what a file says as fields of the form: a plan, a calculation of the history, a benchmark's results.

    Args:
        tree: ``name`` and ``text`` of the file, and the ``flags`` so far.

    Raises InputError where nothing of it can be read.
    """
    name, text = PurePath(str(tree.get("name", "")).replace("\\", "/")).name[:80] or "the file", str(tree.get("text"))
    content = _object(text)
    if content is not None and isinstance(content.get("spec"), dict):
        whole, left = plan_fields(content, desk)
        notes = [f"{name}: the question of that plan."]
        notes += [f"{NO_FIELD} {listed(left)}."] if left else []
        return json_answer({"flags": whole, "notes": notes, "html": ""})
    return _benchmark(name, text, given_flags(tree))


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


MEASURED: Final = {
    "model": "model",
    "accelerator": "gpu-type",
    "input_tokens": "input-tokens",
    "output_tokens": "output-tokens",
    "tp": "tp",
    "engine": "runtime",
}
"""Columns of a measured point, and the fields that they fill."""
SHOWN: Final = ("requests_per_s", "ttft_ms_mean", "ttft_ms_p95", "itl_ms_mean", "itl_ms_p95", "e2e_ms_mean")
LOADS: Final = (("concurrency", "concurrency"), ("request_rate", "rps"))


def _benchmark(name: str, text: str, texts: Mapping[str, str]) -> Answer:
    from pathlib import Path

    from catalogs.benchmark_files import read_benchmark_file

    found = read_benchmark_file(Path(name), text.encode())
    if not found.rows:
        raise InputError(f"{quoted(name)} holds no measured point")
    last = found.rows[-1]
    load = [(field, last[column]) for column, field in LOADS if last.get(column, "inf") not in ("", "inf")][:1]
    measured = {field: last[column] for column, field in MEASURED.items() if last.get(column)} | dict(load)
    stated = {field: _field_text(field, value) for field, value in measured.items()}
    filled = {other: "" for field in stated for other in _contradicted(field)} | stated
    columns = [column for column in (*(c for c, _ in LOADS), *SHOWN) if any(row.get(column) for row in found.rows)]
    rows = tuple(
        (str(number), *(_short(row.get(column) or "") for column in columns))
        for number, row in enumerate(found.rows[:MOST_POINTS], 1)
    )
    titles = (Column("point"), *(Column(column.replace("_", " "), "right") for column in columns))
    points = f"{len(found.rows):,} {'point' if len(found.rows) == 1 else 'points'} measured by {found.tool}"
    points += f", of which the first {len(rows)} are shown" if len(found.rows) > len(rows) else ""
    end = "the last one's load is the question now" if load else "no load that it names, so the load stays as it was"
    notes = [f"{name}: {points}; {end}."]
    notes += [f"{field}: {stated[field]} for {value}." for field, value in measured.items() if stated[field] != value]
    changed = {field: value for field, value in filled.items() if field in NAMES and texts.get(field) != value}
    return json_answer({"flags": changed, "notes": notes, "html": html(Report((Table(titles, rows),)))})


def _field_text(field: str, measured: str) -> str:
    """Return what a field is filled with: what was measured, to a whole number where the field takes no other."""
    flag = next(flag for flag in FLAGS if flag.flag == f"--{field}")
    try:
        if flag.read:
            flag.read(measured, flag.flag)
    except InputError:
        try:
            return f"{float(measured):.0f}"
        except ValueError:
            pass
    return measured


def _contradicted(field: str) -> Iterator[str]:
    """Yield the fields that give the same as one does, and may not be given beside it."""
    for pair in CONTRADICT:
        names = [flag.removeprefix("--") for flag in pair[:2]]
        yield from (name for name in names if field in names and name != field)


def _short(text: str) -> str:
    try:
        return f"{float(text):.6g}"
    except ValueError:
        return text
