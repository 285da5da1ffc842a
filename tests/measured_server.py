"""A server whose constants are known, measured: benchmarks of it are simulated with them, and repeats have noise."""

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from catalogs.catalog import Catalog
from catalogs.measurement_files import Row, checked_point
from catalogs.records.fitted import StatedConstants
from engine.accuracy.benchmarks import benchmark_latencies
from engine.accuracy.predictions import predict_points, read

MEASURED = {"ttft_ms_mean": "1", "itl_ms_mean": "1"}
SERVER = {
    "model": "Qwen/Qwen3-32B", "accelerator": "h100-sxm-80gb", "engine": "vllm", "gpus": "2", "tp": "2",
    "load": "closed_loop",
}  # fmt: skip
LOADS = ((1, 1024, 256), (8, 1024, 256), (48, 1024, 256), (12, 2048, 128), (24, 512, 384), (4, 512, 128))
"""Clients, prompt, answer."""


def measured_rows(
    catalog: Catalog,
    constants: Mapping[str, float],
    loads: Sequence[tuple[int, int, int]] = LOADS,
    *,
    seed: int = 0,
    itl_noise: float = 0.02,
    ttft_noise: float = 0.04,
    **server: str,
) -> list[Row]:
    """Return what benchmarks of a server print whose constants are these, in place of the fit's.

    Args:
        catalog: with the fit.
        constants: by name; factors multiply the fit's.
        loads: clients, prompt and answer of each.
        seed: of the noise.
        itl_noise: of repeats, relative.
        ttft_noise: the same of TTFT.
        server: columns that differ from ``SERVER``.
    """
    drawn = random.Random(seed)
    columns = SERVER | server
    true: dict[str, Any] = {
        "id": "true", "runtimes": (columns["engine"],), "accelerators": (columns["accelerator"],), "fitted_on": "",
        **constants,
    }  # fmt: skip
    known = catalog.with_fitted((*catalog.fitted, StatedConstants(**true)))
    rows = [
        checked_point(
            columns | MEASURED | {
                "id": f"c{clients}-{prompt}-{answer}", "concurrency": str(clients), "prompts": str(10 * clients),
                "input_tokens": str(prompt), "output_tokens": str(answer),
            }
        )
        for clients, prompt, answer in loads
    ]  # fmt: skip
    printed = predict_points([read(row, known) for row in rows], known, benchmark_latencies)
    noise = {"itl_ms_mean": itl_noise, "ttft_ms_mean": ttft_noise}
    return [
        {**row, **{item.column: f"{item.predicted * drawn.gauss(1, noise[item.column]):.6g}" for item in outcome}}
        for row, outcome in zip(rows, printed, strict=True)
        if not isinstance(outcome, str)
    ]


def vllm_result(row: Row) -> dict[str, Any]:
    """Return a row as `vllm bench serve --save-result` writes it."""
    clients, prompts = int(row["concurrency"]), int(row["prompts"])
    ttft, itl = float(row["ttft_ms_mean"]), float(row["itl_ms_mean"])
    prompt, answer = float(row["input_tokens"]), float(row["output_tokens"])
    e2e = ttft + itl * (answer - 1)
    rate = clients / e2e * 1e3
    latencies = {"ttft": ttft, "tpot": itl, "itl": itl, "e2el": e2e}
    return {
        "date": "20261129-120000", "backend": "openai", "model_id": row["model"], "num_prompts": prompts,
        "request_rate": "inf", "burstiness": 1.0, "max_concurrency": clients, "duration": prompts / rate,
        "completed": prompts, "failed": 0, "total_input_tokens": int(prompts * prompt),
        "total_output_tokens": int(prompts * answer), "request_throughput": rate, "output_throughput": rate * answer,
        **{f"{summary}_{name}_ms": value for name, value in latencies.items() for summary in ("mean", "median")},
    }  # fmt: skip


def written_results(rows: Sequence[Row], folder: Path) -> Path:
    """Write each row as a result of vLLM's benchmark, and return the folder."""
    folder.mkdir(exist_ok=True)
    for row in rows:
        (folder / f"{row['id']}.json").write_text(json.dumps(vllm_result(row)), encoding="utf-8")
    return folder
