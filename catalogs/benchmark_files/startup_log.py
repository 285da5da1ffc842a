"""An engine's start-up log: what its KV cache holds and its weights take (vLLM, SGLang, TensorRT-LLM).

Tokens as the engine prints them, or blocks times their size; where it says so several times, the last counts:
TensorRT-LLM tries a small pool first. GB of these logs are GiB. Sources: vllm/v1/core/kv_cache_utils.py, gpu_worker.py,
sglang/srt/mem_cache/memory_pool.py, cpp/tensorrt_llm/batch_manager/kvCacheManager.cpp.
"""

import re
from math import prod
from typing import Final

from catalogs.benchmark_files import BenchmarkTool, Document, ServerMemory
from catalogs.errors import InputError

COUNT: Final = r"(\d[\d,]*(?:\.\d+)?)"
WHOLE: Final = r"(?=[\s)\]}'\"])"
"""After a number that the log does not break off in."""
POOLS: Final = (
    rf"GPU KV cache size: {COUNT} tokens",  # vLLM
    rf"Maximum concurrency for {COUNT} tokens per request: {COUNT}x",  # vLLM from 0.30 on
    rf"# GPU blocks: {COUNT}{WHOLE}",  # vLLM before 0.8
    rf"KV Cache is allocated\.(?: dtype: \S+)? #tokens: {COUNT}{WHOLE}",  # SGLang
    rf"max_total_num_tokens={COUNT}{WHOLE}",
    rf"for max tokens in paged KV cache \({COUNT}\)",  # TensorRT-LLM
    rf"Number of blocks in KV cache primary pool: {COUNT}{WHOLE}",
)
"""Patterns of a pool, whose numbers multiply; the first that a log has counts."""
BLOCK: Final = r"(?:block_size['\"]?[=:]\s*|Number of tokens per block: )(\d{1,6})(?=\D)"
USUAL_BLOCK: Final = 16.0
"""Tokens of a vLLM block where nothing is said."""
MOST_TOKENS: Final = 1e10
"""More than any pool: a rack of 72 accelerators of 288 GB, full of a KV cache of 4 KB a token, holds half as many."""
WEIGHTS: Final = (
    rf"Model loading took {COUNT} ([GM]i?B)",
    rf"[Ll]oading model weights took {COUNT} ([GM]i?B)",
    rf"Load weight end\..{{0,400}}?mem usage={COUNT} ([GM]i?B)",
)
UTILISATION: Final = (
    r"(?:gpu_memory_utilization|mem_fraction_static|free_gpu_memory_fraction)['\"]?[=:]\s*(0?\.\d+|1\.0)"
)
ENGINES: Final = {"vllm": r"vLLM|vllm", "sglang": r"sglang|mem_fraction_static", "trtllm": r"TensorRT-LLM|TRT-LLM"}
SAID: Final = {
    "tp": r"(?:tensor_parallel_size|tp_size)['\"]?[=:]\s*(\d{1,4})(?=\D)",
    "pp": r"(?:pipeline_parallel_size|pp_size)['\"]?[=:]\s*(\d{1,4})(?=\D)",
    "model": r"(?:\bmodel|model_path|model_tag)['\"]?[=:]\s*['\"]([^'\"\x00-\x1f\x7f]{1,200})['\"]",
    "engine_version": r"(?:vLLM API server version|LLM engine \(v|TensorRT-LLM version:)\s*['\"]?(\d+\.\d[\w.]{0,30})",
}
OTHER_UNIT: Final = r"(?:KV cache size: |#tokens: |max_total_num_tokens=)[\d.,]+ ?([KMGT]i?B|[kMGB]\b)"
BEGUN: Final = (*WEIGHTS, SAID["engine_version"], r"KV cache size:|#tokens: \d|max_total_num_tokens=|paged KV cache \(")
"""What a start-up log has before, or in, the line of its pool."""


def _read(document: Document) -> ServerMemory | None:
    if not isinstance(document, str):
        return None
    found = next((matches[-1] for pattern in POOLS if (matches := [*re.finditer(pattern, document)])), None)
    if found is None:
        _check_whole(document)
        return None
    tokens = _tokens(found, document)
    weights = next((matches[-1] for pattern in WEIGHTS if (matches := re.findall(pattern, document))), None)
    share = _last(UTILISATION, document)
    said = {name: _last(pattern, document) for name, pattern in SAID.items()}
    engine = next((name for name, pattern in ENGINES.items() if re.search(pattern, document)), None)
    return ServerMemory(
        tokens,
        _figure(weights[0]) / (1024 if weights[1].startswith("M") else 1) if weights else None,
        (float(share) if share else None) or None,
        {"engine": engine, **said},
    )


def _check_whole(document: str) -> None:
    """Refuse the log of a server that does not state its pool in tokens."""
    if unit := _last(OTHER_UNIT, document):
        raise InputError(f"its KV cache is in {unit}: a start-up log that says how many tokens it holds is expected")
    if any(re.search(pattern, document) for pattern in BEGUN):
        raise InputError("the log breaks off before it says how many tokens the KV cache holds: give all of a start-up")


def _tokens(pool: re.Match[str], document: str) -> float:
    """Return the tokens of a pool: the numbers of its line, multiplied; blocks times their size.

    Raises:
        InputError: they are none, or more than any server holds.
    """
    tokens = prod(_figure(number) for number in pool.groups())
    if "blocks" in pool[0]:
        block = _last(BLOCK, document)
        if not block and "primary pool" in pool[0]:
            raise InputError("the log breaks off before it says how many tokens a block of its KV cache holds")
        tokens *= float(block or USUAL_BLOCK)
    if not 0 < tokens < MOST_TOKENS:
        raise InputError(f"its KV cache holds {tokens:.3g} tokens: the log of a server that started is needed")
    return float(round(tokens))


def _figure(number: str) -> float:
    return float(number.replace(",", ""))


def _last(pattern: str, document: str) -> str | None:
    matches = re.findall(pattern, document)
    return matches[-1] if matches else None


TOOL = BenchmarkTool("start-up log", _read)
