"""An engine's start-up log: what its KV cache holds and its weights take (vLLM, SGLang, TensorRT-LLM).

Tokens as the engine prints them, or blocks times their size; where it says so several times, the last counts:
TensorRT-LLM tries a small pool first. GB of these logs are GiB. Sources: vllm/v1/core/kv_cache_utils.py, gpu_worker.py,
sglang/srt/mem_cache/memory_pool.py, cpp/tensorrt_llm/batch_manager/kvCacheManager.cpp.
"""

import re
from typing import Final

from catalogs.benchmark_files import BenchmarkTool, Document, ServerMemory
from catalogs.errors import InputError

COUNT: Final = r"([\d,]+(?:\.\d+)?)"
POOLS: Final = (
    rf"GPU KV cache size: {COUNT} tokens",  # vLLM
    rf"Maximum concurrency for {COUNT} tokens per request: {COUNT}x",  # vLLM from 0.30 on
    rf"# GPU blocks: {COUNT}.*?(?:block_size=(\d+)|\Z)",  # vLLM before 0.8
    rf"KV Cache is allocated\.(?: dtype: \S+)? #tokens: {COUNT}",  # SGLang
    rf"max_total_num_tokens={COUNT}",
    rf"for max tokens in paged KV cache \({COUNT}\)",  # TensorRT-LLM
    rf"Number of blocks in KV cache primary pool: {COUNT}.*?Number of tokens per block: (\d+)",
)
"""Patterns of a pool, whose numbers multiply; the first that a log has counts."""
USUAL_BLOCK: Final = 16.0
"""Tokens of a vLLM block where nothing is said."""
WEIGHTS: Final = (
    r"Model loading took ([\d.]+) Gi?B",
    r"[Ll]oading model weights took ([\d.]+) Gi?B",
    r"Load weight end\..*?mem usage=([\d.]+) GB",
)
UTILISATION: Final = (
    r"(?:gpu_memory_utilization|mem_fraction_static|free_gpu_memory_fraction)['\"]?[=:]\s*(0?\.\d+|1\.0)"
)
ENGINES: Final = {"vllm": r"vLLM|vllm", "sglang": r"sglang|mem_fraction_static", "trtllm": r"TensorRT-LLM|TRT-LLM"}
SAID: Final = {
    "tp": r"(?:tensor_parallel_size|tp_size)['\"]?[=:]\s*(\d+)",
    "pp": r"(?:pipeline_parallel_size|pp_size)['\"]?[=:]\s*(\d+)",
    "model": r"(?:\bmodel|model_path|model_tag)['\"]?[=:]\s*['\"]([^'\"]+)['\"]",
    "engine_version": r"(?:vLLM API server version|LLM engine \(v|TensorRT-LLM version:)\s*['\"]?(\d+\.\d[\w.]*)",
}


def _read(document: Document) -> ServerMemory | None:
    if not isinstance(document, str):
        return None
    found = [matches for pattern in POOLS if (matches := [*re.finditer(pattern, document, re.DOTALL)])]
    if not found:
        return None
    tokens = _product(found[0][-1])
    if not tokens:
        raise InputError("its KV cache holds 0 tokens: the log of a server that started is needed")
    weights = next((_last(pattern, document) for pattern in WEIGHTS if re.search(pattern, document)), None)
    share = _last(UTILISATION, document)
    said = {name: _last(pattern, document) for name, pattern in SAID.items()}
    engine = next((name for name, pattern in ENGINES.items() if re.search(pattern, document)), None)
    return ServerMemory(
        tokens,
        float(weights) if weights else None,
        float(share) if share else None,
        {"engine": engine, **said},
    )


def _product(match: re.Match[str]) -> float:
    """Return the tokens of a pool: the numbers of its line, multiplied."""
    numbers = [float(number.replace(",", "")) for number in match.groups() if number]
    if "# GPU blocks" in match[0] and len(numbers) == 1:
        numbers.append(USUAL_BLOCK)
    return float(round(numbers[0] * (numbers[1] if len(numbers) > 1 else 1.0)))


def _last(pattern: str, document: str) -> str | None:
    matches = re.findall(pattern, document)
    return matches[-1] if matches else None


TOOL = BenchmarkTool("start-up log", _read)
