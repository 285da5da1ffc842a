"""`llama-bench` in any of its formats: tokens/s of prompts (pp) and answers (tg), as of llama.cpp in 2025 and 2026."""

import csv
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any, Final

from catalogs.benchmark_files import BenchmarkTool, Columns, Document
from catalogs.benchmark_files._fields import number, text

_TEST: Final = re.compile(r"(?:pp(?P<n_prompt>\d+))?\+?(?:tg(?P<n_gen>\d+))?(?: @ d(?P<n_depth>\d+))?")
"""A test as the table names it: pp512, tg128, tg128 @ d4096, pp512+tg128."""


def _read(document: Document) -> list[Columns] | None:
    tests = _of_text(document) if isinstance(document, str) else document.get("", [document])
    if not isinstance(tests, list) or not tests or not all(isinstance(one, dict) and "avg_ts" in one for one in tests):
        return None
    return [columns for one in tests if (columns := _columns(one))]


def _of_text(document: str) -> list[dict[str, Any]]:
    """Return the tests of a CSV (`-o csv`) or of a table (`-o md`, what it prints unasked)."""
    lines = document.splitlines()
    if lines and "avg_ts" in lines[0].split(","):
        return list(csv.DictReader(lines))
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines if line.startswith("|")]
    heads = next((row for row in rows if {"test", "t/s"} <= set(row)), None)
    if heads is None:
        return []
    return list(_of_table(dict(zip(heads, row, strict=True)) for row in rows if len(row) == len(heads)))


def _of_table(rows: Iterable[Mapping[str, str]]) -> Iterable[dict[str, Any]]:
    for row in rows:
        if (test := _TEST.fullmatch(row["test"])) and any(test.groups()):
            yield {**test.groupdict(), "model_type": row.get("model"), "avg_ts": row["t/s"].partition(" ")[0]}


def _columns(test: Mapping[str, Any]) -> Columns | None:
    """Return a test's point; None of one that mixes a prompt with an answer, or whose prompt follows a long context."""
    prompt, answer, depth = (number(test, name) or 0.0 for name in ("n_prompt", "n_gen", "n_depth"))
    if bool(prompt) == bool(answer) or (prompt and depth):
        return None
    speed = number(test, "avg_ts")
    return {
        "model": _model(test),
        "load": "prefill_only" if prompt else "decode_only",
        "input_tokens": prompt or depth or None,
        "output_tokens": answer or None,
        "batch": 1,
        "gpus": 1,
        "prefill_tokens_per_s": speed if prompt else None,
        "output_tokens_per_s": speed if answer else None,
    }


def _model(test: Mapping[str, Any]) -> str | None:
    file = text(test, "model_filename")
    return PurePath(file).stem if file else text(test, "model_type")


TOOL = BenchmarkTool("llama-bench", _read, engine="llama.cpp")
