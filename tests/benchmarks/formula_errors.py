"""How far the closed forms are from the simulation of the same step model: `python tests/benchmarks/formula_errors.py`.

Prints, for each case and share of saturation, formula over simulation less one; then the median and the worst of each
figure over the cases whose KV pool is not what is short.
"""

import sys
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from catalogs.catalog import Catalog
from engine.fleet.candidates import single
from engine.load_test.plan_under_load import counted
from engine.proof.drawn_load import drawn_load
from engine.question.resolve import resolve
from engine.replica.performance import performance_at_rate
from engine.simulation import simulate, step_model_of
from engine.step.parallelism import ParallelSizes
from engine.workload import spec_from

REQUESTS = 12_000
SHARES = (0.3, 0.5, 0.66, 0.8)
FIGURES = {"ttft_s": ("mean", "p50", "p95", "p99"), "itl_s": ("mean", "p95", "p99"), "e2e_s": ("mean", "p95")}
SMALL = {"serving.token_budget": 2048}
CASES: tuple[tuple[str, str, str, int, int, int, dict[str, Any]], ...] = (
    ("llama-3.1-70b", "fp16", "a100-sxm-80gb", 4, 500, 200, {}),
    ("llama-3.1-70b", "fp16", "a100-sxm-80gb", 4, 500, 200, {"traffic.burstiness": 2.0}),
    ("llama-3.1-70b", "fp16", "a100-sxm-80gb", 4, 500, 200, {"serving.batch_cap": 32}),
    ("llama-3.1-70b", "fp8", "h100-sxm-80gb", 2, 1500, 300, {}),
    ("llama-3.1-70b", "fp8", "h100-sxm-80gb", 2, 1500, 300, {"serving.runtime": "sglang"}),
    ("llama-3.1-70b", "fp8", "h100-sxm-80gb", 2, 6000, 300, SMALL),
    ("llama-3.1-70b", "fp8", "h200-sxm-141gb", 2, 4000, 500, {"tokens.input.cv": 0.0, "tokens.output.cv": 0.0}),
    ("llama-3.1-8b", "bf16", "h100-sxm-80gb", 1, 1000, 250, {}),
    ("llama-3.1-8b", "bf16", "h100-sxm-80gb", 1, 300, 100, SMALL),
    ("llama-3.1-8b", "bf16", "l40s", 1, 2000, 100, {}),
    ("llama-3.1-8b", "bf16", "l40s", 1, 3000, 200, SMALL),
    ("qwen3-30b-a3b", "bf16", "h100-sxm-80gb", 1, 800, 800, {}),
)
SHORT = 0.02
"""Preemptions per request from which the KV pool is what is short."""


def main() -> None:
    """Print the table."""
    catalog = Catalog.load()
    errors: dict[tuple[str, str], list[float]] = defaultdict(list)
    left_out = 0
    print(f"{'':46}{'at':>5}", *(f"{name[:-2]} {part}".rjust(10) for name in FIGURES for part in FIGURES[name]))
    for model, weights, accelerator, tp, prompt, answer, more in CASES:
        values = {
            "model": model,
            "precision.weights": weights,
            "hardware.accelerators": (accelerator,),
            "traffic.requests_per_s": 1,
            "tokens.input.mean": prompt,
            "tokens.output.mean": answer,
        }
        question = resolve(spec_from(values | more), catalog)
        found = single(question, ParallelSizes(tp))
        saturated = float(found.replicas().saturated_rate[0, 0])
        name = " ".join((model, accelerator, f"{prompt}/{answer}", *(f"{key}={more[key]}" for key in more)))
        for share in SHARES:
            formula = performance_at_rate(found.replicas(), share * saturated)
            assert formula is not None
            count = max(REQUESTS, int(40 * formula.in_flight))
            load = drawn_load(question, share * saturated, count)(seed=7)
            run = simulate(
                step_model_of(found),
                question.runtime.scheduler,
                load,
                first_counted=counted(count, formula.in_flight)[0],
            )
            row = {
                (figure, part): float(
                    getattr(getattr(formula, figure), part) / getattr(getattr(run, figure), part).value
                )
                - 1
                for figure, parts in FIGURES.items()
                for part in parts
            }
            short = run.preemptions > SHORT * count
            left_out += short
            for key, error in row.items():
                if not short:
                    errors[key].append(error)
            print(
                f"{name[:46]:46}{share:>5}",
                *(f"{error:>+10.0%}" for error in row.values()),
                "KV short" if short else "",
            )
    print(f"{'median, of its size':51}", *(f"{median(map(abs, found)):>10.1%}" for found in errors.values()))
    print(f"{'least':51}", *(f"{min(found):>+10.0%}" for found in errors.values()))
    print(f"{'most':51}", *(f"{max(found):>+10.0%}" for found in errors.values()))
    print(f"{left_out} of {len(CASES) * len(SHARES)} left out of these: their KV pool is short")


if __name__ == "__main__":
    main()
