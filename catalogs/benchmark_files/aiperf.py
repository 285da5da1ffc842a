"""AIPerf's `profile_export_aiperf.json` (0.1 to 0.13) and GenAI-Perf's `profile_export_genai_perf.json`, or their CSV.

Each metric has its unit beside it; figures of `avg`, `p50` and so on. A CSV has a row a metric, units in its name, and
says nothing of the load. Where a rate was asked for, a concurrency beside it is its cap.
"""

import csv
import io
import re
from collections.abc import Mapping
from typing import Any

from catalogs.benchmark_files import BenchmarkTool, Columns, Document
from catalogs.benchmark_files._fields import at, itl_ms, milliseconds, number, whole

METRICS = {"ttft": "time_to_first_token", "itl": "inter_token_latency", "e2e": "request_latency"}
SUMMARIES = {"mean": "avg", "median": "p50", "p90": "p90", "p95": "p95", "p99": "p99"}


def _read(document: Document) -> Columns | None:
    tree = _of_csv(document) if isinstance(document, str) else document
    if tree is None or at(tree, "request_latency", "avg") is None:
        return None
    config = tree.get("input_config")
    load = _load(config)
    asked = _found(load, ("request_rate", "rate"))
    clients = None if asked else _found(load, ("concurrency", "num_users"))
    columns: dict[str, object] = {
        "model": _model(config),
        "load": "open_loop" if asked else "closed_loop",
        "concurrency": int(clients) if clients else None,
        "request_rate": asked,
        "burstiness": _burstiness(load) if asked else None,
        "prompts": None if asked else whole(tree, "request_count", "avg"),
        "input_tokens": number(tree, "input_sequence_length", "avg"),
        "output_tokens": number(tree, "output_sequence_length", "avg"),
        "requests_per_s": number(tree, "request_throughput", "avg"),
        "output_tokens_per_s": number(tree, "output_token_throughput", "avg"),
    }
    for ours, theirs in METRICS.items():
        for summary, name in SUMMARIES.items():
            columns[f"{ours}_ms_{summary}"] = milliseconds(tree, theirs, name, unit="unit")
    return columns if columns["itl_ms_mean"] else {**columns, "itl_ms_mean": itl_ms(columns)}


def _load(config: Any) -> Any:
    """Return the part of a configuration that says what was offered while it was measured; warm-ups are phases too."""
    phases = at(config, "phases")
    if not isinstance(phases, list) or not phases:
        return config
    return next((one for one in phases if isinstance(one, Mapping) and one.get("kind") == "profiling"), phases[-1])


def _burstiness(load: Any) -> float | None:
    """Return the CV of gaps between arrivals; None where they are Poisson's, or nothing is said."""
    if at(load, "type") == "constant":
        return 1e-3
    shape = number(load, "smoothness")
    return shape**-0.5 if shape else None


def _found(tree: Any, names: tuple[str, ...]) -> float | None:
    """Return the first figure of one of these names anywhere in a configuration; it moves between versions."""
    if isinstance(tree, Mapping):
        for name in names:
            value = tree.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
                return float(value)
            if isinstance(value, list) and len(value) == 1 and isinstance(value[0], int | float):
                return float(value[0])
        for value in tree.values():
            if (inside := _found(value, names)) is not None:
                return inside
    if isinstance(tree, list):
        for value in tree:
            if (inside := _found(value, names)) is not None:
                return inside
    return None


def _model(config: Any) -> str | None:
    for path in (("endpoint", "model_names"), ("model_names",), ("models", "items"), ("model",)):
        value = at(config, *path)
        value = value[0] if isinstance(value, list) and value else value
        value = value.get("name") if isinstance(value, Mapping) else value
        if isinstance(value, str):
            return value
    return None


def _of_csv(text: str) -> dict[str, Any] | None:
    """Return a CSV of metrics as the tree of its JSON; None where it is none."""
    first = text.lstrip().partition("\n")[0]
    if not first.startswith("Metric,"):
        return None
    tree: dict[str, Any] = {}
    header: list[str] = []
    for cells in csv.reader(io.StringIO(text)):
        if cells[:1] == ["Metric"]:
            header = [name.strip() for name in cells]
        elif len(cells) == len(header) > 1:
            name = re.sub(r"[^a-z]+", "_", cells[0].partition("(")[0].strip().lower()).strip("_")
            unit = re.search(r"\(([^)]*)\)", cells[0])
            figures = dict(zip([("avg" if one == "Value" else one) for one in header[1:]], cells[1:], strict=True))
            tree[name] = {key: value.replace(",", "") for key, value in figures.items() if value}
            tree[name]["unit"] = unit[1] if unit else ""
    return tree


TOOL = BenchmarkTool("AIPerf or GenAI-Perf", _read)
