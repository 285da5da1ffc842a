"""A snapshot of an engine's /metrics: means of its histograms since it started (vLLM, SGLang); seconds.

A snapshot knows neither its load's lengths one by one nor its rate: what runs now stands for the requests in flight.
"""

import re
from collections.abc import Mapping

from catalogs.benchmark_files import BenchmarkTool, Columns, Document
from catalogs.errors import InputError

_LINE = re.compile(r"^(\w+:\w+)(?:\{([^}]*)\})?\s+([-+.\deE]+|NaN|[+-]Inf)\s*(?:\d+)?$", re.MULTILINE)
PER_TOKEN = ("inter_token_latency_seconds", "time_per_output_token_seconds", "request_time_per_output_token_seconds")


def _read(document: Document) -> Columns | None:
    if not isinstance(document, str) or "time_to_first_token_seconds_sum" not in document:
        return None
    totals: dict[str, float] = {}
    model = engine = None
    for name, labels, value in _LINE.findall(document):
        engine, _, metric = name.partition(":")
        totals[metric] = totals.get(metric, 0.0) + _figure(value, name)
        model = model or (re.search(r'model_name="([^"]*)"', labels) or [None, None])[1]
    ttft = _mean(totals, "time_to_first_token_seconds")
    if ttft is None:
        raise InputError("no request was counted: a snapshot after a benchmark is needed")
    itl = next((mean for metric in PER_TOKEN if (mean := _mean(totals, metric)) is not None), None)
    together = totals.get("num_requests_running")
    return {
        "model": model,
        "engine": engine,
        "load": "closed_loop",
        "concurrency": max(round(together), 1) if together else None,
        "input_tokens": _mean(totals, "request_prompt_tokens") or _mean(totals, "prompt_tokens_histogram"),
        "output_tokens": _mean(totals, "request_generation_tokens") or _mean(totals, "generation_tokens_histogram"),
        "ttft_ms_mean": ttft * 1e3,
        "itl_ms_mean": None if itl is None else itl * 1e3,
    }


def _figure(value: str, name: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise InputError(f"{name} is {value!r}: a number is expected") from None


def _mean(totals: Mapping[str, float], metric: str) -> float | None:
    count = totals.get(f"{metric}_count", 0.0)
    return totals.get(f"{metric}_sum", 0.0) / count if count > 0 else None


TOOL = BenchmarkTool("Prometheus metrics", _read)
