"""`llama-bench -o json` or `-o jsonl`: tokens/s of prompts (pp) and answers (tg), as of llama.cpp in 2025 and 2026."""

from pathlib import PurePath
from typing import Any

from catalogs.benchmark_files import BenchmarkTool, Columns, Document
from catalogs.benchmark_files._fields import number, text


def _read(document: Document) -> list[Columns] | None:
    if isinstance(document, str):
        return None
    tests = document.get("", [document])
    if not isinstance(tests, list) or not all(isinstance(one, dict) and "avg_ts" in one for one in tests):
        return None
    return [columns for one in tests for columns in _columns(one)]


def _columns(test: dict[str, Any]) -> list[Columns]:
    """Return a test's point; none of one that mixes a prompt with an answer."""
    prompt, answer, depth = (number(test, name) or 0.0 for name in ("n_prompt", "n_gen", "n_depth"))
    if bool(prompt) == bool(answer):
        return []
    speed = number(test, "avg_ts")
    return [
        {
            "model": _model(test),
            "load": "prefill_only" if prompt else "decode_only",
            "input_tokens": prompt or depth or None,
            "output_tokens": answer or None,
            "batch": 1,
            "gpus": 1,
            "prefill_tokens_per_s": speed if prompt else None,
            "output_tokens_per_s": speed if answer else None,
        }
    ]


def _model(test: dict[str, Any]) -> str | None:
    file = text(test, "model_filename")
    return PurePath(file).stem if file else text(test, "model_type")


TOOL = BenchmarkTool("llama-bench", _read, engine="llama.cpp")
