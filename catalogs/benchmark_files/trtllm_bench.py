"""`trtllm-bench --report_json`: milliseconds, as of TensorRT-LLM 0.19 to 1.2 (bench/dataclasses/reporting.py).

Without a limit on concurrency everything is queued at once; with streaming there are TTFT and TPOT.
"""

from catalogs.benchmark_files import BenchmarkTool, Columns, Document
from catalogs.benchmark_files._fields import number, text, whole
from catalogs.errors import InputError

AT_ONCE = 0.9
"""Share of all requests in flight on average from which none was held back."""
PRECISIONS = {"FP8": "fp8", "NVFP4": "nvfp4", "W4A16_AWQ": "int4", "W8A8_SQ_PER_CHANNEL": "int8"}


def _read(document: Document) -> Columns | None:
    if isinstance(document, str) or not {"engine", "world_info", "request_info", "performance"} <= document.keys():
        return None
    requests = number(document, "request_info", "num_requests")
    if not requests:
        raise InputError("no request was completed")
    together = number(document, "request_info", "avg_num_concurrent_requests")
    streaming = document.get("streaming_metrics")
    clients = together and together < AT_ONCE * requests and streaming
    return {
        "model": text(document, "engine", "model"),
        "engine_version": text(document, "engine", "version"),
        "weight_precision": PRECISIONS.get(text(document, "engine", "quantization") or ""),
        "kv_precision": "fp8" if text(document, "engine", "kv_cache_dtype") == "FP8" else None,
        "gpus": whole(document, "world_info", "world_size"),
        **{name: whole(document, "world_info", f"{name}_size") for name in ("tp", "pp", "ep")},
        "load": "closed_loop" if clients else "offline",
        "concurrency": round(together) if clients and together else None,
        "prompts": int(requests) if clients else None,
        "input_tokens": number(document, "request_info", "avg_input_length"),
        "output_tokens": number(document, "request_info", "avg_output_length"),
        "output_tokens_per_s": number(document, "performance", "system_output_throughput_tok_s"),
        "requests_per_s": number(document, "performance", "request_throughput_req_s"),
        "e2e_ms_mean": number(document, "performance", "avg_request_latency_ms") if clients else None,
        "ttft_ms_mean": number(document, "streaming_metrics", "avg_ttft_ms") if clients else None,
        "itl_ms_mean": number(document, "streaming_metrics", "avg_tpot_ms") if clients else None,
        "max_sequences": whole(document, "world_info", "max_batch_size"),
    }


TOOL = BenchmarkTool("trtllm-bench", _read, engine="tensorrt-llm")
