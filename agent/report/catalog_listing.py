"""Catalog entries as a report: a listing of many, or the details of one; and as JSON."""

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from msgspec import to_builtins

from agent.report.blocks import Column, Facts, Report, Table
from catalogs.matrices import active_parameters, total_parameters
from catalogs.records.accelerators import Accelerator
from catalogs.records.api_prices import ApiModel
from catalogs.records.facts import Record
from catalogs.records.models import ModelArchitecture
from catalogs.records.precisions import Precision
from catalogs.records.presets import WorkloadPreset
from catalogs.records.prices import RentalOffer
from catalogs.records.runtimes import ServingRuntime
from catalogs.records.workflows import AgentWorkflow
from catalogs.units import GIB, show_bytes, show_count, show_figure, show_percent, show_usd

MISSING = "–"


def listing_report(records: Iterable[Record], *, plain: bool) -> Report:
    """Return records of one kind, each named by its id: a table, or where plain a line for each.

    Figures hold commas: semicolons stand between the cells of a line.
    """
    rows = [_row(record) for record in records]
    if plain:
        lines = ((row.pop("id"), "; ".join(f"{title} {cell}" for title, cell in row.items())) for row in rows)
        return Report((Facts(tuple(lines)),))
    columns = tuple(Column(title, wraps=title == "name") for title in (rows[0] if rows else ("id",)))
    return Report((Table(columns, tuple(tuple(row.values()) for row in rows)),))


def details_report(record: Record) -> Report:
    """Return every field of a record that is set, with what is computed from it; the source comes last."""
    fields = _computed(record) | dict(_flat("", to_builtins(record)))
    fields = {path: fields.pop(path) for path in ("id", "name") if path in fields} | fields
    for path in ("source", "checked", "confidence", "note"):
        if path in fields:
            fields[path] = fields.pop(path)
    return Report((Facts(tuple(fields.items())),))


def records_json(records: Iterable[Record], beside: Mapping[str, object] = MappingProxyType({})) -> str:
    """Return the records as a JSON list, in the units of the catalog files, each with what stands beside its fields."""
    entries = [{**to_builtins(record), **beside} for record in records]
    return json.dumps(entries, indent=2, ensure_ascii=False)


def _row(record: Record) -> dict[str, str]:  # noqa: PLR0911 — one for each kind
    """Return the cells of a record by the title of their column; its id comes first."""
    match record:
        case Accelerator():
            peak = record.peak_tflops
            return {
                "id": record.id,
                "name": record.name,
                "memory": f"{show_figure(record.memory_bytes / GIB)} GiB",
                "bandwidth": f"{show_figure(record.memory_gb_per_s)} GB/s",
                "16-bit TFLOP/s": _figure(peak.bf16 or peak.fp16),
                "FP8 TFLOP/s": _figure(peak.fp8),
                "power": f"{show_figure(record.power_w)} W",
            }
        case ModelArchitecture():
            total, active = total_parameters(record), active_parameters(record)
            return {
                "id": record.id,
                "name": record.name,
                "parameters": show_count(total, compact=True),
                "active": show_count(active, compact=True) if active < total else "all",
                "layers": str(record.layer_count),
                "context": show_count(record.max_context),
                "precision": record.native_precision,
            }
        case ApiModel():
            return {
                "id": record.id,
                "provider": record.provider,
                "input / 1M": _usd(record.rates[0].input),
                "output / 1M": _usd(record.rates[0].output),
                "cached / 1M": _usd(record.rates[0].cached),
                "checked": record.checked.isoformat(),
            }
        case RentalOffer():
            return {
                "id": record.id,
                "accelerators": f"{record.accelerators} × {record.accelerator}",
                "on demand / h": _usd(record.on_demand_usd_per_hour),
                "spot / h": _usd(record.spot_usd_per_hour),
                "checked": record.checked.isoformat(),
            }
        case WorkloadPreset():
            return {
                "id": record.id,
                "name": record.name,
                "input tokens": show_count(record.input.mean),
                "output tokens": show_count(record.output.mean),
                "burstiness": show_figure(record.burstiness),
                "prefix hit": show_percent(record.prefix_hit),
            }
        case AgentWorkflow():
            return _workflow_row(record)
        case ServingRuntime():
            return {
                "id": record.id,
                "name": record.name,
                "kernels of": record.framework,
                "memory taken": show_percent(record.memory_utilisation)
                + (" of what weights leave" if record.utilises_free_memory else ""),
                "of its own": show_bytes(record.runtime_gib * GIB),
                "token budget": show_count(record.scheduler.token_budget),
                "sequences": show_count(record.scheduler.max_sequences),
            }
        case Precision():
            return {
                "id": record.id,
                "name": record.name,
                "bits": f"{record.bits:g}",
                "computes in": record.compute,
                "weights only": "yes" if record.weight_only else "no",
                "KV cache": "yes" if record.kv_cache else "no",
            }
        case _:
            raise TypeError(f"{type(record).__name__} has no listing")


def _workflow_row(record: AgentWorkflow) -> dict[str, str]:
    return {
        "id": record.id,
        "name": record.name,
        "calls": show_count(record.call_count),
        "begins with": f"{show_count(record.context_tokens)} tokens",
        "found again": show_percent(record.prefix_reuse),
        "steps": ", ".join(step.name for step in record.steps),
    }


def _computed(record: Record) -> dict[str, str]:
    if not isinstance(record, ModelArchitecture):
        return {}
    counts = {"parameters": total_parameters(record), "active parameters": active_parameters(record)}
    return {name: show_count(count) for name, count in counts.items()}


def _figure(value: float | None) -> str:
    return MISSING if value is None else show_figure(value)


def _usd(value: float | None) -> str:
    return MISSING if value is None else show_usd(value)


def _flat(path: str, value: object) -> Iterable[tuple[str, str]]:
    """Return the leaves of nested data, each with its dotted path; a list of plain values is one leaf."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(f"{path}.{name}" if path else name, inner)
    elif isinstance(value, list | tuple) and any(isinstance(inner, dict) for inner in value):
        for index, inner in enumerate(value):
            yield from _flat(f"{path}[{index}]", inner)
    elif isinstance(value, list | tuple):
        if value:
            yield path, ", ".join(map(str, value))
    elif value not in (None, ""):
        yield path, ("yes" if value else "no") if isinstance(value, bool) else str(value).removesuffix(".0")
