"""`vllm bench serve --save-result`: one JSON object a run, or one a line with --append-result.

Fields as of vLLM 0.6 to 0.33 (vllm/benchmarks/serve.py); milliseconds. TPOT is each request's mean over its tokens, as
this program's ITL; its "itl" is over chunks.
"""

from typing import Any

from catalogs.benchmark_files import BenchmarkTool, Columns, Document
from catalogs.benchmark_files._fields import mean_and_cv, number, rate, text
from catalogs.errors import InputError
from catalogs.measurement_files import ALL_AT_ONCE

SUMMARIES = ("mean", "median", "p50", "p90", "p95", "p99")


def _read(document: Document) -> Columns | None:
    if isinstance(document, str) or not {"request_throughput", "total_input_tokens"} <= document.keys():
        return None
    if "server_info" in document or "total_output_tokens_retokenized" in document:
        return None  # SGLang's, which has grown from it
    return served_columns(document)


def served_columns(document: dict[str, Any]) -> dict[str, object]:
    """Return the columns of a run of vLLM's benchmark, or of one that has grown from it.

    Args:
        document: the run's result.

    Raises:
        InputError: nothing was completed, or nothing measured.
    """
    completed = number(document, "completed") or 0.0
    if not completed:
        raise InputError("no request was completed")
    asked = rate(document, "request_rate")
    clients = number(document, "max_concurrency")
    prompts = number(document, "num_prompts") or completed
    if not clients and asked in (ALL_AT_ONCE, None):
        clients = prompts  # all at once: each prompt is a client of its own
    columns: dict[str, object] = {
        "model": text(document, "model_id") or text(document, "model"),
        "load": "closed_loop" if clients and asked in (ALL_AT_ONCE, None) else "open_loop",
        "concurrency": int(clients) if clients else None,
        "request_rate": asked,
        "burstiness": _arrival_cv(document) if asked not in (ALL_AT_ONCE, None) else None,
        "prompts": int(prompts),
        "requests_per_s": number(document, "request_throughput"),
        "output_tokens_per_s": number(document, "output_throughput"),
    }
    for side in ("input", "output"):
        total = number(document, f"total_{side}_tokens")
        columns[f"{side}_tokens"] = total / completed if total else None
        if lengths := mean_and_cv(document.get(f"{side}_lens"), f"{side}_lens"):
            columns[f"{side}_tokens_cv"] = lengths[1]
    for ours, theirs in (("ttft", "ttft"), ("itl", "tpot"), ("e2e", "e2el")):
        for summary in SUMMARIES:
            columns[f"{ours}_ms_{summary}"] = number(document, f"{summary}_{theirs}_ms")
    return columns


def _arrival_cv(document: dict[str, Any]) -> float | None:
    """Return the CV of inter-arrival times: vLLM's burstiness is the shape of a gamma law, 1/CV²."""
    shape = number(document, "burstiness")
    return shape**-0.5 if shape else None


TOOL = BenchmarkTool("vllm bench serve", _read, engine="vllm")
