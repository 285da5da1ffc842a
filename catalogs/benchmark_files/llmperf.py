"""LLMPerf's `…_summary.json` (token_benchmark_ray.py, 2024): seconds.

Its inter-token latency is the whole answer's time over all its tokens, TTFT among it; ITL here is what follows from
end-to-end time and TTFT.
"""

from collections.abc import Mapping
from typing import Any

from catalogs.benchmark_files import BenchmarkTool, Columns, Document
from catalogs.benchmark_files._fields import itl_ms, number, text, whole
from catalogs.errors import InputError

QUANTILES = {"median": "p50", "p90": "p90", "p95": "p95", "p99": "p99"}


def _read(document: Document) -> Columns | None:
    if isinstance(document, str) or "results_ttft_s_mean" not in document:
        return None
    if not number(document, "results_num_completed_requests"):
        raise InputError("no request was completed")
    columns: dict[str, object] = {
        "model": text(document, "model"),
        "load": "closed_loop",
        "concurrency": whole(document, "num_concurrent_requests"),
        "prompts": whole(document, "results_num_completed_requests"),
        "input_tokens": _tokens(document, "input"),
        "output_tokens": _tokens(document, "output"),
        "output_tokens_per_s": number(document, "results_mean_output_throughput_token_per_s"),
    }
    for ours, theirs in (("ttft", "ttft_s"), ("e2e", "end_to_end_latency_s")):
        columns[f"{ours}_ms_mean"] = number(document, f"results_{theirs}_mean", scale=1e3)
        for summary, name in QUANTILES.items():
            columns[f"{ours}_ms_{summary}"] = number(document, f"results_{theirs}_quantiles_{name}", scale=1e3)
    return {**columns, "itl_ms_mean": itl_ms(columns)}


def _tokens(document: Mapping[str, Any], side: str) -> float | None:
    return number(document, f"results_number_{side}_tokens_mean") or number(document, f"mean_{side}_tokens")


TOOL = BenchmarkTool("llmperf", _read)
