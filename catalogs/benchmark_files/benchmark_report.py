"""llm-d's benchmark report 0.2, JSON or YAML (benchmark_report/schema_v0_2.py): each figure with its unit."""

from typing import Any

from catalogs.benchmark_files import BenchmarkTool, Columns, Document
from catalogs.benchmark_files._fields import at, milliseconds, number, text, whole
from catalogs.errors import InputError

SUMMARIES = {"mean": "mean", "median": "p50", "p90": "p90", "p95": "p95", "p99": "p99"}
PERFORMANCE = ("results", "request_performance", "aggregate")


def _read(document: Document) -> Columns | None:
    tree = _yaml(document) if isinstance(document, str) else document
    aggregate = at(tree, *PERFORMANCE)
    if not isinstance(aggregate, dict):
        return None
    load = at(tree, "scenario", "load", "standardized")
    engine = _engine(tree)
    clients, asked = whole(load, "concurrency"), number(load, "rate_qps")
    columns: dict[str, object] = {
        "model": text(engine, "model", "name"),
        "engine": text(engine, "tool"),
        "engine_version": text(engine, "tool_version"),
        "load": "closed_loop" if clients and not asked else "open_loop",
        "concurrency": None if asked else clients,
        "request_rate": asked or None,
        "input_tokens": number(aggregate, "requests", "input_length", "mean"),
        "output_tokens": number(aggregate, "requests", "output_length", "mean"),
        "requests_per_s": number(aggregate, "throughput", "request_rate", "mean"),
        "output_tokens_per_s": number(aggregate, "throughput", "output_token_rate", "mean"),
        **{name: whole(engine, "accelerator", "parallelism", name) for name in ("tp", "pp", "dp", "ep")},
    }
    for ours, names in (
        ("ttft", ("time_to_first_token",)),
        ("itl", ("time_per_output_token", "inter_token_latency")),
        ("e2e", ("request_latency",)),
    ):
        name = next((one for one in names if at(aggregate, "latency", one)), names[0])
        for summary, theirs in SUMMARIES.items():
            columns[f"{ours}_ms_{summary}"] = milliseconds(aggregate, "latency", name, theirs, unit="units")
    return {name: value for name, value in columns.items() if value is not None}


def _engine(tree: Any) -> Any:
    """Return what is said of the inference engine among the parts of the stack."""
    stack = at(tree, "scenario", "stack")
    parts = [at(part, "standardized") for part in stack] if isinstance(stack, list) else []
    return next((part for part in parts if at(part, "kind") == "inference_engine"), None)


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
