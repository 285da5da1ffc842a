"""llm-d's benchmark report 0.2, JSON or YAML (benchmark_report/schema_v0_2.py): each figure with its unit."""

from typing import Any

from catalogs.benchmark_files import BenchmarkTool, Columns, Document
from catalogs.benchmark_files._fields import at, number, text
from catalogs.errors import InputError, quoted

MILLISECONDS = {"ms": 1.0, "s": 1e3, "us": 1e-3, "ms/token": 1.0, "s/token": 1e3, "us/token": 1e-3}
SUMMARIES = {"mean": "mean", "median": "p50", "p90": "p90", "p95": "p95", "p99": "p99"}
PERFORMANCE = ("results", "request_performance", "aggregate")


def _read(document: Document) -> list[Columns] | None:
    tree = _yaml(document) if isinstance(document, str) else document
    aggregate = at(tree, *PERFORMANCE)
    if not isinstance(aggregate, dict):
        return None
    load = at(tree, "scenario", "load", "standardized")
    engine = _engine(tree)
    clients, asked = number({"": load}, "", "concurrency"), number({"": load}, "", "rate_qps")
    accelerators = at(engine, "accelerator")
    columns: dict[str, object] = {
        "model": text({"": engine}, "", "model", "name"),
        "engine": text({"": engine}, "", "tool"),
        "engine_version": text({"": engine}, "", "tool_version"),
        "load": "closed_loop" if clients and not asked else "open_loop",
        "concurrency": int(clients) if clients and not asked else None,
        "request_rate": asked or None,
        "input_tokens": number(aggregate, "requests", "input_length", "mean"),
        "output_tokens": number(aggregate, "requests", "output_length", "mean"),
        "requests_per_s": number(aggregate, "throughput", "request_rate", "mean"),
        "output_tokens_per_s": number(aggregate, "throughput", "output_token_rate", "mean"),
        **{name: _whole(number({"": accelerators}, "", "parallelism", name)) for name in ("tp", "pp", "dp", "ep")},
    }
    for ours, names in (
        ("ttft", ("time_to_first_token",)),
        ("itl", ("time_per_output_token", "inter_token_latency")),
        ("e2e", ("request_latency",)),
    ):
        name = next((one for one in names if at(aggregate, "latency", one)), names[0])
        for summary, theirs in SUMMARIES.items():
            value = number(aggregate, "latency", name, theirs)
            columns[f"{ours}_ms_{summary}"] = None if value is None else value * _scale(aggregate, name)
    return [{name: value for name, value in columns.items() if value is not None}]


def _engine(tree: Any) -> Any:
    """Return what is said of the inference engine among the parts of the stack."""
    stack = at(tree, "scenario", "stack")
    parts = [at(part, "standardized") for part in stack] if isinstance(stack, list) else []
    return next((part for part in parts if at(part, "kind") == "inference_engine"), None)


def _scale(aggregate: dict[str, Any], name: str) -> float:
    units = at(aggregate, "latency", name, "units")
    if units not in MILLISECONDS:
        raise InputError(f"{name} is in {quoted(units)}: ms or s is expected")
    return MILLISECONDS[units]


def _whole(value: float | None) -> int | None:
    return int(value) if value else None


def _yaml(document: str) -> Any:
    """Return the tree of a text that is a report's YAML; None of any other text."""
    if "request_performance" not in document:
        return None
    import yaml

    try:
        return yaml.load(document, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        raise InputError("it is no YAML, though it names request_performance") from None


TOOL = BenchmarkTool("llm-d benchmark report", _read)
