"""GuideLLM's JSON report: `benchmarks`, one for each rate or number of clients; as of versions 0.2 to 0.8.

Up to 0.3 a benchmark has its strategy at `args.strategy` and counts its requests itself, later ones have it at
`config.strategy` and count in `metrics`. Latencies are in milliseconds but for
`request_latency`. Its inter-token latency is the mean over tokens, without the first.
"""

from typing import Any

from catalogs.benchmark_files import BenchmarkTool, Columns, Document
from catalogs.benchmark_files._fields import at, number, text
from catalogs.errors import InputError

SUMMARIES = {"median": ["median"], "mean": ["mean"], **{one: ["percentiles", one] for one in ("p90", "p95", "p99")}}
"""Where a summary stands among a metric's successes."""
STRATEGY_AT = ("config", "args", "scheduler")
"""What of a benchmark has its strategy, from newer versions to older."""
WITHOUT_LOAD = ("synchronous",)
"""Strategies that send one request after the other."""
AT_ONCE = ("throughput", "concurrent")
"""Strategies whose clients send as soon as they can."""


def _read(document: Document) -> list[Columns] | None:
    if isinstance(document, str) or not isinstance(document.get("benchmarks"), list):
        return None
    benchmarks = [one for one in document["benchmarks"] if isinstance(one, dict) and "metrics" in one]
    if not benchmarks:
        return None
    return [_columns(one, document) for one in benchmarks]


def _columns(benchmark: dict[str, Any], document: dict[str, Any]) -> dict[str, object]:
    strategy = next((found for room in STRATEGY_AT if (found := at(benchmark, room, "strategy"))), None)
    kind = text(strategy, "type_") or ""
    counted = (number(tree, "request_totals", "successful") for tree in (benchmark.get("metrics"), benchmark))
    successful = next(filter(None, counted), None)
    if not successful:
        raise InputError("no request of a benchmark was successful")
    clients = 1.0 if kind in WITHOUT_LOAD else number(strategy, "streams") or number(strategy, "max_concurrency")
    asked = number(strategy, "rate")
    open_loop = kind not in (*WITHOUT_LOAD, *AT_ONCE) and asked
    columns: dict[str, object] = {
        "model": _model(benchmark, document),
        "load": "open_loop" if open_loop else "closed_loop",
        "request_rate": asked if open_loop else None,
        "burstiness": 1e-3 if kind == "constant" else None,
        "concurrency": None if open_loop or not clients else int(clients),
        "prompts": None if open_loop else int(successful),
        "input_tokens": _mean(benchmark, "prompt_token_count"),
        "output_tokens": _mean(benchmark, "output_token_count"),
        "input_tokens_cv": _cv(benchmark, "prompt_token_count"),
        "output_tokens_cv": _cv(benchmark, "output_token_count"),
        "requests_per_s": _mean(benchmark, "requests_per_second"),
        "output_tokens_per_s": _mean(benchmark, "output_tokens_per_second"),
    }
    for ours, theirs, scale in (
        ("ttft", "time_to_first_token_ms", 1.0),
        ("itl", "inter_token_latency_ms", 1.0),
        ("e2e", "request_latency", 1e3),
    ):
        successes = at(benchmark, "metrics", theirs, "successful")
        for name, path in SUMMARIES.items():
            columns[f"{ours}_ms_{name}"] = number(successes, *path, scale=scale)
    return columns


def _model(benchmark: dict[str, Any], document: dict[str, Any]) -> str | None:
    return (
        text(benchmark, "config", "backend", "model")
        or text(document, "config", "spec", "backend", "model")
        or text(benchmark, "worker", "backend_model")
        or text(document, "args", "model")
    )


def _mean(benchmark: dict[str, Any], metric: str) -> float | None:
    return number(benchmark, "metrics", metric, "successful", "mean") or None


def _cv(benchmark: dict[str, Any], metric: str) -> float | None:
    mean, spread = _mean(benchmark, metric), number(benchmark, "metrics", metric, "successful", "std_dev")
    return spread / mean if mean and spread is not None else None


TOOL = BenchmarkTool("guidellm", _read)
