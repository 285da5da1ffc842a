"""inference-perf's `stage_N_lifecycle_metrics.json` and summary, as of versions 0.1 to 0.7; seconds.

A stage sends at a rate, whatever the server does, or has so many requests under way (from 0.2 on). The summary of
several stages states neither: they are read one by one. Servers that send an empty chunk after each token halve its
time_per_output_token; end-to-end time less TTFT over the tokens is taken in its place.
"""

from typing import Any

from catalogs.benchmark_files import BenchmarkTool, Document, Measured
from catalogs.benchmark_files._fields import at, itl_ms, number, whole
from catalogs.errors import InputError

SUMMARIES = ("mean", "median", "p90", "p95", "p99")
PROMPTS = ("prompt_len", "prompt_tokens")
"""Names of the prompts' lengths; the second from 0.7 on."""
LATE = 1.0
"""Seconds by which the client was late (p99) from which it did not offer the rate that was asked for."""


def _read(document: Document) -> Measured | None:
    if isinstance(document, str) or not {"load_summary", "successes"} <= document.keys():
        return None
    if not number(document, "successes", "count"):
        raise InputError("no request of the stage was successful")
    prompt = next((n for side in PROMPTS if (n := number(document, "successes", side, "mean")) is not None), None)
    clients, rate = whole(document, "load_summary", "concurrency"), _rate(document)
    if not clients and not rate:
        return []
    columns: dict[str, object] = {
        "load": "closed_loop" if clients else "open_loop",
        "concurrency": clients,
        "prompts": whole(document, "successes", "count") if clients else None,
        "request_rate": None if clients else rate,
        "input_tokens": prompt,
        "output_tokens": number(document, "successes", "output_len", "mean"),
        "requests_per_s": number(document, "successes", "throughput", "requests_per_sec"),
        "output_tokens_per_s": number(document, "successes", "throughput", "output_tokens_per_sec"),
    }
    for ours, theirs in (("ttft", "time_to_first_token"), ("e2e", "request_latency")):
        for summary in SUMMARIES:
            columns[f"{ours}_ms_{summary}"] = number(document, "successes", "latency", theirs, summary, scale=1e3)
    return {**columns, "itl_ms_mean": itl_ms(columns)}


def _rate(document: dict[str, Any]) -> float | None:
    """Return the rate that was sent: what was asked for, or achieved where the client was late."""
    asked, achieved = (number(document, "load_summary", name) for name in ("requested_rate", "achieved_rate"))
    late = _late(document)
    return (achieved if late > LATE else asked or achieved) or None


def _late(document: dict[str, Any]) -> float:
    value = at(document, "load_summary", "schedule_delay", "p99")
    return float(value) if isinstance(value, int | float) else 0.0


TOOL = BenchmarkTool("inference-perf", _read)
