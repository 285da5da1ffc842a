"""Print how long an unverified forecast takes in a warm process: `python tests/benchmarks/forecast_speed.py`.

One replica on a named accelerator, and the search over every accelerator × legal parallelism (× precision).
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from catalogs.catalog import Catalog
from engine.fleet.search import search
from engine.method import forecast
from engine.plan import plan_json
from engine.question.resolve import resolve
from engine.workload import WorkloadSpec, spec_from

FEWEST_RUNS = 9
LEAST_SECONDS = 2.0
PRECISIONS = ("bf16", "fp8", "int4")


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Return the best and the median of several runs, seconds."""
    work()
    runs: list[float] = []
    while len(runs) < FEWEST_RUNS or sum(runs) < LEAST_SECONDS:
        started = time.perf_counter()
        work()
        runs.append(time.perf_counter() - started)
    return min(runs), median(runs)


def asked(model: str, **more: Any) -> WorkloadSpec:
    """Return 10 requests/s of 500 tokens in and 200 out."""
    values = {"model": model, "traffic.requests_per_s": 10, "tokens.input.mean": 500, "tokens.output.mean": 200}
    return spec_from(values | {path.replace("__", "."): value for path, value in more.items()})


def main() -> None:
    """Print a line for each case."""
    catalog = Catalog.load()
    one = {"hardware__accelerators": ("a100-sxm-80gb",), "precision__weights": "fp16"}
    cases: dict[str, Callable[[], Any]] = {
        "one candidate: 70B, A100, TP4": lambda: forecast(
            asked("llama-3.1-70b", serving__tensor_parallel=4, serving__pipeline_parallel=1, **one),
            catalog,
            verify=False,
        ),
        "one accelerator: 70B, A100": lambda: forecast(asked("llama-3.1-70b", **one), catalog, verify=False),
        "the same as JSON": lambda: plan_json(forecast(asked("llama-3.1-70b", **one), catalog, verify=False)),  # type: ignore[arg-type]
    }
    for model in ("llama-3.1-70b", "deepseek-v3"):
        cases[f"whole catalog: {model}"] = lambda model=model: forecast(asked(model), catalog, verify=False)
        cases[f"  its search, {len(PRECISIONS)} precisions"] = lambda model=model: [
            search(resolve(asked(model, precision__weights=precision), catalog)) for precision in PRECISIONS
        ]
        for name, work in cases.items():
            best, middle = timed(work)
            print(f"{name:36}{best * 1e3:>9.1f} ms best{middle * 1e3:>9.1f} ms median")
        cases.clear()
        found = search(resolve(asked(model), catalog)).candidates
        print(f"  {len(found)} candidates on {len(found.accelerators)} accelerators in its own precision")


if __name__ == "__main__":
    main()
