"""A plan as a file: read back strictly, and the JSON schema of plans and specs."""

import ast
import inspect
import json
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError

import catalogs.records
import engine.plan
import engine.workload
from catalogs.errors import InputError, quoted
from engine.plan import SCHEMA_VERSION, CapacityPlan
from engine.workload import WorkloadSpec

UNITS: Final = {
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

_Boxed = tuple[CapacityPlan]
"""pydantic takes a configuration for what holds a dataclass, and passes it on to those inside."""


def _adapter() -> TypeAdapter[tuple[CapacityPlan]]:
    return TypeAdapter(_Boxed, config=ConfigDict(extra="forbid"))


def read_plan(text: str, name: str = "the plan") -> CapacityPlan:
    """Return the plan that a file holds.

    Raises:
        InputError: it is not JSON, of another schema version, or holds what no plan does.
    """
    try:
        tree = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        where = f": {error.msg} in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(f"{name} is not JSON{where}; `fleetcast forecast --output` writes plans") from error
    if not isinstance(tree, dict) or "schema_version" not in tree:
        raise InputError(f"{name} is not a plan: it has no schema_version; `fleetcast forecast --output` writes plans")
    version = tree["schema_version"]
    if version != SCHEMA_VERSION:
        raise InputError(f"{name} has schema version {quoted(version)}; this program reads version {SCHEMA_VERSION}")
    if tree.get("answer", ...) is None:
        raise InputError(f"{name} says that there is no plan: nothing fits; its `rejected` has the reasons")
    try:
        (plan,) = _adapter().validate_python((tree,))
    except ValidationError as error:
        raise InputError(f"{name} is not a plan: {_sentence(error)}") from None
    return plan


def _sentence(error: ValidationError) -> str:
    problems = error.errors(include_url=False)
    first = min(problems, key=lambda problem: problem["type"] not in ("extra_forbidden", "unexpected_keyword_argument"))
    path = ".".join(str(part) for part in first["loc"][1:])
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{path} is not a field of a plan"
    if first["type"] == "missing":
        return f"{path} is missing"
    return f"{path} is {quoted(first['input'])}: {first['msg'][:1].lower()}{first['msg'][1:]}"


def plan_schema() -> dict[str, Any]:
    """Return the JSON schema of a plan, each field with its unit and meaning."""
    schema = _adapter().json_schema(mode="serialization")
    records = schema["$defs"]
    return _explained("CapacityPlan", {**records.pop("CapacityPlan"), "$defs": records})


def spec_schema() -> dict[str, Any]:
    """Return the JSON schema of a WorkloadSpec, as a spec file holds it."""
    return _explained("WorkloadSpec", WorkloadSpec.model_json_schema())


def _explained(title: str, schema: dict[str, Any]) -> dict[str, Any]:
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


def _is_number(field: Mapping[str, Any]) -> bool:
    kinds = [field, *field.get("anyOf", ()), field.get("items", {})]
    return any(kind.get("type") in ("number", "integer") for kind in kinds)


def _meanings() -> Iterator[tuple[tuple[str, str], str]]:
    """Yield the docstring under each field of the records, by record and field."""
    modules: tuple[ModuleType, ...] = (catalogs.records, engine.workload, engine.plan)
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
