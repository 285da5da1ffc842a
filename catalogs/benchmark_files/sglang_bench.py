"""`python -m sglang.bench_serving --output-file`: one JSON object a line, as of SGLang 0.4 to 0.5.23; milliseconds."""

from typing import Any

from catalogs.benchmark_files import BenchmarkTool, Columns, Document
from catalogs.benchmark_files._fields import at, number, text, whole
from catalogs.benchmark_files.vllm_bench import served_columns

SUMMARIES = ("mean", "median", "p90", "p95", "p99")


def _read(document: Document) -> Columns | None:
    if isinstance(document, str) or not {"total_output_tokens_retokenized", "request_throughput"} <= document.keys():
        return None
    info = document.get("server_info")
    quantised, kv_cache = text(info, "quantization"), text(info, "kv_cache_dtype")
    tp, dp = whole(info, "tp_size"), whole(info, "dp_size")
    return {
        **served_columns(document),
        **{f"e2e_ms_{one}": number(document, f"{one}_e2e_latency_ms") for one in SUMMARIES},
        "model": text(info, "model_path") or text(document, "model"),
        "engine_version": text(info, "version"),
        # With data-parallel attention SGLang's --tp-size spans all ranks.
        "gpus": tp,
        "tp": tp,
        "dp": dp if tp and dp and dp > 1 and tp % dp == 0 else None,
        "weight_precision": quantised if quantised in ("fp8", "int8") else None,
        "kv_precision": "fp8" if kv_cache and kv_cache.startswith("fp8") else None,
        "prefix_hit": _cached(document),
    }


def _cached(document: dict[str, Any]) -> float | None:
    """Return the share of prompt tokens that the server found in its cache, where the run asked for it."""
    share = next(
        (number(one, "cache_hit_rate_pct") for one in document.values() if at(one, "cache_hit_rate_pct") is not None),
        None,
    )
    return None if share is None else share / 100


TOOL = BenchmarkTool("sglang.bench_serving", _read, engine="sglang")
