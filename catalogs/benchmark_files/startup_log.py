"""An engine's start-up log: the tokens that its KV cache holds (vLLM, SGLang, TensorRT-LLM)."""

import re

from catalogs.benchmark_files import BenchmarkTool, Document, ServerMemory

POOLS = (
    re.compile(r"GPU KV cache size: ([\d,]+) tokens"),  # vLLM
    re.compile(r"max_total_num_tokens=(\d+)"),  # SGLang
    re.compile(r"Max KV cache blocks per sequence.*?\n.*?Number of tokens per block: (\d+)", re.DOTALL),
)


def _read(document: Document) -> ServerMemory | None:
    if not isinstance(document, str):
        return None
    found = [int(match[1].replace(",", "")) for pool in POOLS[:2] for match in pool.finditer(document)]
    return ServerMemory(float(found[-1])) if found and found[-1] > 0 else None


TOOL = BenchmarkTool("start-up log", _read)
