"""What is reckoned for a client: JSON in, JSON out, as the commands do it. Runs in processes of its own."""

import re
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from agent.exports.json import json_bytes, json_text
from agent.statements.merged import Collected, collected, flag_statement
from agent.statements.models import REPOSITORY, SIZE
from agent.statements.spec_files import spec_of_tree
from catalogs.catalog import Catalog
from catalogs.errors import CatalogError, IncompleteInput, InputError, UnknownName, listed, quoted, visible
from engine.workload import Statement

if TYPE_CHECKING:
    from engine.plan import CapacityPlan, NoPlan

DEEPEST: Final = 24
"""Levels of JSON that a client may nest."""
LONGEST_TEXT: Final = 500
"""Characters of a field."""
MOST_COMPARED: Final = 32
"""Plans of one comparison."""
REQUEST: Final = "the request"
_FLAG: Final = re.compile(r"--[a-z][a-z0-9-]*")


class Answer(Struct, frozen=True):
    """What a client gets."""

    status: int
    body: bytes
    title: str = ""
    """In a line, for the history; empty where nothing was calculated."""
    held: tuple[str, bytes] | None = None
    """A conversation as far as it came, by the state that its client keeps: the server holds it for the next line."""


class Desk(Struct, frozen=True):
    """What answers are made with."""

    facts: Catalog
    allow_hub: bool = False


def answered(kind: str, body: bytes, desk: Desk) -> Answer:
    """Return the answer to a request of a kind; whatever the body, it is an answer and no exception.

    Args:
        kind: one of ``KINDS``.
        body: JSON.
        desk: the facts, and whether the hub may be asked.
    """
    said = in_fields if kind in OF_SPECS else str
    try:
        return KINDS[kind](_tree(body), desk)
    except IncompleteInput as error:
        return failure(422, said(str(error)))
    except (InputError, CatalogError) as error:
        return failure(400, said(str(error)))
    except (RecursionError, OverflowError, MemoryError):
        return failure(400, "these figures are beyond what can be reckoned with")


def failure(status: int, sentence: str) -> Answer:
    """Return an answer that says what is wrong, in one sentence."""
    return Answer(status, json_text({"error": visible(sentence)}).encode())


def json_answer(tree: Mapping[str, Any], title: str = "") -> Answer:
    """Return an answer of JSON values, with its line in the history if it has one."""
    return Answer(200, json_text(tree).encode(), title)


def in_fields(text: str) -> str:
    """Return a text about flags as one about the fields of a spec: '--rps 10' is 'traffic.requests_per_s 10'."""
    return _FLAG.sub(lambda found: _field_of_flag().get(found[0], found[0]), text)


def in_fields_of(tree: Any) -> Any:
    """Return a tree of JSON with the texts in it about fields."""
    if isinstance(tree, str):
        return in_fields(tree)
    if isinstance(tree, list):
        return [in_fields_of(one) for one in tree]
    return {name: in_fields_of(one) for name, one in tree.items()} if isinstance(tree, dict) else tree


@cache
def _field_of_flag() -> Mapping[str, str]:
    from agent.fields.system import DIMENSION
    from agent.statements.flags import ALL

    return {row.flag: "architecture" if row.path.startswith(DIMENSION) else row.path for row in ALL}


def _tree(body: bytes) -> dict[str, Any]:
    try:
        tree = msgspec.json.decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise InputError(f"the body is not JSON: {error}") from None
    if not isinstance(tree, dict):
        raise InputError(f"the body is {quoted(tree)} where an object is expected")
    if _depth(tree) > DEEPEST:
        raise InputError(f"the body is nested more than {DEEPEST} levels deep")
    return tree


def _depth(tree: Any) -> int:
    level, deep = [tree], 0
    while level and deep <= DEEPEST:
        deep += 1
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
    return deep


# --- questions --------------------------------------------------------------------------------------------------------


def asked(statements: list[Statement], desk: Desk) -> Collected:
    """Return what statements say, once it is known that they name no file of this machine.

    Raises InputError as ``collected``, and for models that are files, or of the hub where that may not be asked.
    """
    for statement in statements:
        if (model := statement.values.get("model")) is not None:
            refuse_outside(str(model), desk)
    return collected(statements, desk.facts)


def refuse_outside(model: str, desk: Desk) -> None:
    """Refuse a model that is neither in the catalog nor may be asked for.

    Raises InputError.
    """
    said = model.strip()
    if SIZE.fullmatch(said):
        return
    try:
        desk.facts.model(said)
    except UnknownName as unknown:
        if desk.allow_hub and REPOSITORY.fullmatch(said) and not Path(said).exists() and ".." not in said:
            return
        if REPOSITORY.fullmatch(said) and not desk.allow_hub:
            raise InputError(
                f"the catalog holds no model {quoted(said)}, and this server asks no hub (--allow-hub lets it)"
            ) from None
        hint = "a Hugging Face owner/name works too" if desk.allow_hub else ""
        raise UnknownName(unknown.kind, unknown.text, unknown.nearest, hint) from None


def refuse_unknown(tree: Mapping[str, Any], known: Collection[str], room: str = "") -> None:
    """Refuse fields that a request does not have; the nearest that it has is named.

    Args:
        tree: the request, or a part of it.
        known: its fields.
        room: the part's name; empty for the whole request.

    Raises InputError for the first of them.
    """
    for name in tree:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            meant = f"did you mean {near[0]}?" if near else f"there is {listed(sorted(known))}"
            raise InputError(f"{quoted(name)} is not a field of {room or REQUEST}; {meant}")


def from_spec(tree: Mapping[str, Any]) -> Statement:
    """Return what a spec, or a plan's own, states.

    Raises InputError where it says what no spec holds.
    """
    return spec_of_tree(tree, REQUEST)


# --- kinds of requests ------------------------------------------------------------------------------------------------


def _forecast(tree: dict[str, Any], desk: Desk) -> Answer:
    verify = _verify(tree, default=True)
    return planned(asked([from_spec(tree)], desk), desk, verify=verify)


def planned(gathered: Collected, desk: Desk, *, verify: bool) -> Answer:
    """Return the plan of a question as `forecast --json` prints it.

    Raises IncompleteInput and InputError as a forecast does.
    """
    from engine.method import forecast
    from engine.plan import NoPlan, no_plan_json, plan_json

    question = gathered.completed()
    plan = forecast(question.spec, desk.facts, sources=question.sources, verify=verify)
    if isinstance(plan, NoPlan):
        none = no_plan_json(plan, question.spec, question.sources)
        return json_answer(none | {name: in_fields_of(none[name]) for name in ("reason", "rejected")}, plan.sentence)
    return Answer(200, json_bytes(plan_json(plan), finite=True), plan.answer.sentence)


def plan_of(flags: Mapping[str, str], desk: Desk, *, verify: bool) -> "CapacityPlan | NoPlan":
    """Return the plan of what the fields of a page state, or why there is none.

    Raises IncompleteInput and InputError as a forecast does.
    """
    from engine.method import forecast

    question = asked([from_flags(flags)], desk).completed()
    return forecast(question.spec, desk.facts, sources=question.sources, verify=verify)


def _estimate(tree: dict[str, Any], desk: Desk) -> Answer:
    from engine.estimate.estimate import estimate, estimate_json
    from engine.estimate.load_kinds import GivenLoad

    load = tree.pop("load", None)
    if not isinstance(load, dict) or load.get("kind") not in ("concurrency", "rps", "static_batch", "offline"):
        raise InputError(
            'load is {"kind": "concurrency", "rps" or "static_batch", "value": a number}, or {"kind": "offline"}'
        )
    refuse_unknown(load, ("kind", "value"), "load")
    value = load.get("value")
    if load["kind"] != "offline" and (isinstance(value, bool) or not isinstance(value, int | float) or value <= 0):
        raise InputError(f"load.value is {quoted(value)} where a number above 0 is expected")
    gathered = asked([from_spec(tree)], desk)
    spec = gathered.stated().spec
    given = GivenLoad(load["kind"], None if load["kind"] == "offline" else float(value or 0))
    return json_answer(in_fields_of(estimate_json(estimate(spec, given, desk.facts))))


def _compare(tree: dict[str, Any], desk: Desk) -> Answer:
    from agent.report.choice.comparison_report import Compared, comparison_rows
    from engine.method import forecast
    from engine.plan import NoPlan

    refuse_unknown(tree, ("spec", "over", "verify"))
    spec, over = tree.get("spec", {}), tree.get("over", {})
    if not isinstance(spec, dict) or not isinstance(over, dict) or not over:
        raise InputError('a comparison is {"spec": {…}, "over": {"hardware.accelerators": ["h100", "h200"], …}}')
    if not all(isinstance(values, list) and values for values in over.values()):
        raise InputError("each field of over holds a list of values")
    combinations = list(product(*over.values()))
    if len(combinations) > MOST_COMPARED:
        raise InputError(f"{len(combinations)} combinations are too many to compare; up to {MOST_COMPARED}")
    verify, rows = _verify(tree, default=True), []
    for values in combinations:
        given = dict(zip(over, values, strict=True))
        label = ", ".join(str(value) for value in values)
        statement = from_spec(_with(spec, given))
        question = asked([statement], desk).completed()
        try:
            plan = forecast(question.spec, desk.facts, sources=question.sources, verify=verify)
        except InputError as error:
            plan = NoPlan(str(error), ())
        rows.append(Compared(label, plan))
    return json_answer({"compared": comparison_rows(rows)})


def _with(spec: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a spec with values at dotted paths; one name stands for a list of one where the field holds several."""
    whole: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(spec))
    for path, value in values.items():
        *rooms, last = path.split(".")
        at = whole
        for room in rooms:
            at = at.setdefault(room, {})
            if not isinstance(at, dict):
                raise InputError(f"{room} in the spec is {quoted(at)} where it holds fields of its own")
        at[last] = [value] if path == "hardware.accelerators" and not isinstance(value, list) else value
    return whole


def _understand(tree: dict[str, Any], desk: Desk) -> Answer:
    from agent.session.stated_sentence import stated_in, understood_json

    refuse_unknown(tree, ("sentence",))
    sentence = tree.get("sentence")
    if not isinstance(sentence, str) or not sentence.strip():
        raise InputError('say {"sentence": "70B fp8 on H100, 20 rps, 1.5k in, 300 out"}')
    said = stated_in(sentence, desk.facts, answered={})
    gathered = asked([said.statement], desk)
    read = understood_json(gathered, said)
    return json_answer(read | {"missing": in_fields_of(read["missing"])})


def _check(tree: dict[str, Any], desk: Desk) -> Answer:
    from agent.report.choice.diff_report import diff_tree
    from engine.choice.attribution import attribution
    from engine.method import made_again
    from engine.plan import NoPlan
    from engine.plan_file import as_written, read_plan

    before = read_plan(json_text(tree.get("plan")), "the plan")
    if before.spec.architecture is None:
        refuse_outside(before.spec.model, desk)
    again = made_again(before, desk.facts)
    if isinstance(again, NoPlan):
        return json_answer({"same": False, "answer": None, "reason": again.sentence})
    after = as_written(again)
    moved = diff_tree(before, after, attribution(before, after, desk.facts))
    return json_answer({"same": after == before} | moved)


def _explain(tree: dict[str, Any], desk: Desk) -> Answer:
    from agent.report.choice.derivation_report import derivation_report, derivation_tree
    from agent.report.rendering.html import html
    from engine.choice.derivation.derivation import derivation
    from engine.plan_file import read_plan

    refuse_unknown(tree, ("plan", "flags", "path", "verify"))
    path = tree.get("path")
    if not isinstance(path, str):
        raise InputError("path names a figure of the plan: performance.at_peak.ttft_s.p95")
    if "flags" in tree:
        verify, flags = _verify(tree, default=False), given_flags(tree)
        made = planned(asked([from_flags(flags)], desk), desk, verify=verify)
        text, address = made.body.decode(), derived_at(flags, verified=verify)
    else:
        text, address = json_text(tree.get("plan")), ""
    plan = read_plan(text, "the plan")
    if plan.spec.architecture is None:
        refuse_outside(plan.spec.model, desk)
    found = derivation(plan, path, desk.facts)
    return json_answer(derivation_tree(found) | {"html": html(derivation_report(found), address)})


def from_flags(texts: Mapping[str, str]) -> Statement:
    """Return what the fields of a page state: the texts of flags, by the flag's name without its hyphens.

    Raises InputError where a text cannot be read, or no flag has such a name.
    """
    from agent.statements.flags import ALL

    known = {flag.flag for flag in ALL}
    if unknown := [name for name in texts if f"--{name}" not in known]:
        raise InputError(f"there is no field {quoted(unknown[0])}")
    if longer := [name for name, text in texts.items() if len(text) > LONGEST_TEXT]:
        raise InputError(f"{longer[0]} is longer than the {LONGEST_TEXT} characters that a field may have")
    return flag_statement({f"--{name}": (text,) for name, text in texts.items() if text.strip()})


def derived_at(texts: Mapping[str, str], *, verified: bool) -> str:
    """Return where the page derives a figure of a question's plan: the address without the figure's path at its end."""
    return f"/explain?{urlencode({**texts, **({'verified': '1'} if verified else {})})}&path="


def given_flags(tree: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of a page's fields that a client sends with a request, by the fields' names.

    Raises InputError where they are none.
    """
    given = tree.get("flags", {})
    if not isinstance(given, dict) or not all(isinstance(text, str) for text in given.values()):
        raise InputError("flags are texts by the name of a field")
    return {name: text for name, text in given.items() if text.strip()}


def _verify(tree: dict[str, Any], *, default: bool) -> bool:
    value = tree.pop("verify", default)
    if not isinstance(value, bool):
        raise InputError(f"verify is {quoted(value)} where true or false is expected")
    return value


def whole(tree: Mapping[str, Any], name: str, default: int | None = None, most: int = 10**7, least: int = 1) -> int:
    """Return a whole number of a request.

    Args:
        tree: of the request.
        name: of the field.
        default: where the field is left out.
        most: that it may be.
        least: that it may be.

    Raises:
        InputError: it is none, or beyond its bounds.
    """
    value = tree.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1 or not least <= value <= most:
        raise InputError(f"{name} is {quoted(value)} where a whole number from {least} to {most:,} is expected")
    return int(value)


def _in(module: str, name: str) -> Callable[[dict[str, Any], Desk], Answer]:
    """Return what answers in a module beside this one, which is imported when it is asked."""

    def answer(tree: dict[str, Any], desk: Desk) -> Answer:
        return getattr(import_module(f"{__package__}.{module}"), name)(tree, desk)

    return answer


OF_SPECS: Final = frozenset({"forecast", "estimate", "compare", "simulate", "understand"})
"""Kinds of requests that state a spec."""
KINDS: Final[Mapping[str, Callable[[dict[str, Any], Desk], Answer]]] = {
    "forecast": _forecast,
    "estimate": _estimate,
    "compare": _compare,
    "understand": _understand,
    "simulate": _in("simulation", "to_simulate"),
    "check": _check,
    "explain": _explain,
    "page": _in("page_parts", "page_answer"),
    "fields": _in("form", "fields_of_sentence"),
    "download": _in("page_parts", "downloaded"),
    "front": _in("beyond_answer", "front"),
    "figures": _in("beyond_answer", "figures"),
    "import": _in("beyond_answer", "imported"),
    "beside": _in("page_parts", "beside_each_other"),
    "talk": _in("talk", "talked"),
    "calculate": _in("calculator", "calculated"),
    "scaling": _in("calculator", "scaled"),
}
"""What is answered, by the kind of request."""
