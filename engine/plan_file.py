"""The reading of a plan's file, strict, and the JSON schema of plans and specs.

Compatibility. Within a schema version fields are only added, each with a default that means "not known then", so that
a newer program reads every older plan of the version; an older program refuses a plan with a field that it does not
know, by the field's name. What takes a field away, gives it another meaning or unit, or needs it raises
``SCHEMA_VERSION``; files of other versions are refused in a sentence. Plans of earlier days stand in
``tests/fixtures/plans`` and are read, shown and exported by the tests.

``engine.plan.plan_json`` makes a plan JSON values; ``agent/exports/json.py`` writes them.
"""

import ast
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, Final, cast

from msgspec import Struct, ValidationError, convert
from msgspec.json import schema as json_schema

import catalogs.records.calibrations
import catalogs.records.models
import engine.plan
import engine.workload
from catalogs.errors import InputError, listed, quoted
from engine.plan import SCHEMA_VERSION, CapacityPlan, plan_json
from engine.workload import WorkloadSpec

UNITS: Final = {
    "usd_per_million_tokens": "USD/1e6 tokens",
    "calls_per_s": "calls/s",
    "flops_per_s": "FLOP/s",
    "_usd_per_hour": "USD/h",
    "usd_per_hour": "USD/h",
    "usd_per_accelerator_hour": "USD/h",
    "usd_per_request": "USD",
    "usd_per_kwh": "USD/kWh",
    "_usd": "USD",
    "bytes_per_s": "B/s",
    "requests_per_s": "requests/s",
    "rps_per_replica": "requests/s",
    "tokens_per_s": "tokens/s",
    "gb_per_s": "GB/s",
    "bytes_per_token": "B/token",
    "bytes_per_sequence": "B",
    "_bytes": "B",
    "_gib": "GiB",
    "_tokens": "tokens",
    "_years": "years",
    "joules_per_output_token": "J/token",
    "kwh_per_month": "kWh",
    "g_co2e_per_month": "g",
    "g_co2e_per_kwh": "g/kWh",
    "watts": "W",
    "_kw": "kW",
    "_w": "W",
    "seconds": "s",
    "_us": "µs",
    "_hours": "h",
    "_s": "s",
}
"""Unit by how a field's name ends; the first that fits."""
UNITS_OF: Final = {
    ("TokenDistribution", "mean"): "tokens",
    ("TokenDistribution", "p95"): "tokens",
    ("TokenDistribution", "values"): "tokens",
    ("Latency", ""): "s",
    ("TokenPrices", ""): "USD/1e6 tokens",
}
"""Unit of fields whose name does not say it, by record and field; '' is every field of the record."""

LARGEST: Final = 1e18
"""No figure of a plan comes near: bytes of a fleet, tokens of a month."""

_FIELD = re.compile(r"Object (?:contains )?(unknown|missing required) field (.*)")
_STEP = re.compile(r"\w+|\.{3}")


def read_plan(text: str, name: str = "the plan") -> CapacityPlan:
    """Return the plan that a file holds.

    Raises:
        InputError: it is not JSON, of another schema version, or holds what no plan does.
    """
    try:
        tree = json.loads(text, parse_int=_number, parse_float=_number, parse_constant=_number)
    except InputError as error:
        raise InputError(f"{name} is not a plan: {error}") from None
    except (json.JSONDecodeError, RecursionError) as error:
        where = f": {error.msg} in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(f"{name} is not JSON{where}; `fleetcast forecast --output` writes plans") from error
    if not isinstance(tree, dict) or "schema_version" not in tree:
        raise InputError(f"{name} is not a plan: it has no schema_version; `fleetcast forecast --output` writes plans")
    version = tree["schema_version"]
    if version != SCHEMA_VERSION:
        newer = isinstance(version, int) and version > SCHEMA_VERSION
        why = ", and a newer program wrote it" if newer else ""
        raise InputError(
            f"{name} has schema version {quoted(version)}{why}; this program reads version {SCHEMA_VERSION}"
        )
    if tree.get("answer", ...) is None:
        raise InputError(f"{name} says that there is no plan: nothing fits; its `rejected` has the reasons")
    try:
        return convert(tree, CapacityPlan)
    except ValidationError as error:
        raise InputError(f"{name} is not a plan: {_sentence(str(error), tree)}") from None
    except UnicodeEncodeError:
        raise InputError(f"{name} is not a plan: a text in it holds half a character") from None


def _number(text: str) -> float | int:
    """Return a number of a plan; one that is beyond all counting would overflow wherever it is shown."""
    value = float(text)
    if not abs(value) < LARGEST:
        raise InputError(f"{quoted(text)} is no number of a plan: the largest is {LARGEST:g}")
    return value if set(text) & set(".eE") else int(text)


def as_written(plan: CapacityPlan) -> CapacityPlan:
    """Return a plan as its file holds it, so that what is shown now is what will be shown of the file."""
    return convert(plan_json(plan), CapacityPlan)


def _sentence(message: str, plan: Any) -> str:
    """Return what msgspec says of a plan ('Expected `int`, got `str` - at `$.fleet.replicas`') as a sentence."""
    fault, _, place = message.replace("`", "").partition(" - at $")
    place = place.removeprefix(".")
    if place == "spec":
        return (
            f"spec.{fault}"
            if isinstance(plan["spec"], dict)
            else f"spec is {quoted(plan['spec'])}: it should be an object"
        )
    if found := _FIELD.fullmatch(fault):
        field = f"{place}.{found[2]}".removeprefix(".")
        return f"{field} is missing" if found[1] == "missing required" else f"{field} is not a field of a plan"
    schema = plan_schema()
    expected: Mapping[str, Any] = schema
    given, known = plan, True
    for step in _STEP.findall(place):
        expected = _described(expected, step, schema["$defs"])
        # Of a mapping's keys msgspec does not tell which.
        known = known and step != "..."
        given = given[int(step) if step.isdecimal() else step] if known else None
    wanted = (
        f"it should be {listed([repr(value) for value in expected['enum']])}" if "enum" in expected else fault.lower()
    )
    return f"{place} is {quoted(given)}: {wanted}" if known else f"{place}: {wanted}"


def _described(schema: Mapping[str, Any], step: str, records: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema one step down: of a field, of an item, of a mapping's value."""
    fields = schema.get("properties") or {step: schema.get("items") or schema["additionalProperties"]}
    options = fields[step].get("anyOf", [fields[step]])
    named = [option["$ref"].rpartition("/")[2] for option in options if "$ref" in option]
    return cast(Mapping[str, Any], records[named[0]] if named else fields[step])


def plan_schema() -> dict[str, Any]:
    """Return the JSON schema of a plan, each field with its unit and meaning."""
    return _explained("CapacityPlan", CapacityPlan)


def spec_schema() -> dict[str, Any]:
    """Return the JSON schema of a WorkloadSpec, as a spec file holds it."""
    return _explained("WorkloadSpec", WorkloadSpec)


def _explained(title: str, kind: type[Struct]) -> dict[str, Any]:
    """Return the JSON schema of a record, its fields with their units and meanings."""
    records = json_schema(kind)["$defs"]
    schema = {**records.pop(title), "$defs": records}
    meanings = dict(_meanings())
    for record, described in [(title, schema), *schema["$defs"].items()]:
        for name, field in described.get("properties", {}).items():
            if meaning := meanings.get((record, name)):
                field.setdefault("description", meaning)
            if _is_number(field) and (unit := _unit(record, name)):
                field["unit"] = unit
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _unit(record: str, field: str) -> str:
    for key in ((record, field), (record, "")):
        if key in UNITS_OF:
            return UNITS_OF[key]
    return next((unit for ending, unit in UNITS.items() if field.endswith(ending)), "")


def unit_of(path: str) -> str:
    """Return the unit of a figure by its path, whose last steps may name a percentile or a part; '' without one."""
    steps = path.split(".")[:-4:-1]
    return next((unit for step in steps for ending, unit in UNITS.items() if step.endswith(ending)), "")


def _is_number(field: Mapping[str, Any]) -> bool:
    kinds = [field, *field.get("anyOf", ()), field.get("items", {})]
    return any(kind.get("type") in ("number", "integer") for kind in kinds)


def _meanings() -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the docstring under each field of the records, by record and field."""
    modules: tuple[ModuleType, ...] = (
        catalogs.records.models,
        catalogs.records.calibrations,
        engine.workload,
        engine.plan,
    )
    for module in modules:
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.ClassDef):
                yield from _field_docs(node)


def _field_docs(record: ast.ClassDef) -> Iterator[tuple[tuple[str, str], str]]:
    for field, below in zip(record.body, record.body[1:], strict=False):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
            yield (record.name, field.target.id), inspect.cleandoc(below.value.value)
