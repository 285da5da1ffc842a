"""Which plans of 60 questions change by a runtime's scheduler rules: `python tests/benchmarks/changed_plans.py`.

Each question is planned with the rules added one after the other, in the order in which releases brought them, on one
version's memory and kernels: what differs is the rule's. A line is a question whose fleet changes; 0 stands for none
within the targets.
"""

import sys
from collections.abc import Mapping
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from msgspec.structs import replace

from catalogs.catalog import Catalog
from engine.method import forecast
from engine.plan import CapacityPlan
from engine.workload import Hardware, Serving, Target, TokenDistribution, Tokens, Traffic, WorkloadSpec

SYSTEMS = (
    ("llama-3.1-8b", "l40s", 1), ("llama-3.1-8b", "h100-sxm", 1), ("llama-3.1-70b", "h100-sxm", 4),
    ("llama-3.1-70b", "a100-sxm-80gb", 4), ("qwen3-32b", "h100-sxm", 2),
)  # fmt: skip
LOADS = {"chat": (1000, 250), "conversations": (4000, 400), "documents": (12_000, 500), "long answers": (500, 2000)}
RATES = (0.5, 2.0, 8.0)
VLLM = ("one_step_later", "release_one_step_later", "admit_whole_prompt", "prefix_cache")
RULES = {
    "vllm": {
        "next chunk": dict.fromkeys(VLLM, False),
        "a step later (0.14)": {"admit_whole_prompt": False, "prefix_cache": False},
        "whole prompt (0.19)": {"prefix_cache": False},
        "found again": {},
    },
    "sglang": {"next chunk": {"answer_reserve": None}, "answers to come": {}},
    "tensorrt-llm": {"whole answer": {"reserve_asked": False}, "max_tokens": {}},
}
"""Of each runtime its rules, by the name of the one that a step adds."""


def main() -> None:
    """Print a line for each question whose fleet changes."""
    for runtime, steps in RULES.items():
        print(f"{runtime:36}" + "".join(f"{name:>22}" for name in steps))
        changed = missed = 0
        catalogs = [with_rules(runtime, rules) for rules in steps.values()]
        questions = list(product(SYSTEMS, LOADS.items(), RATES))
        for (model, accelerator, tp), (load, (prompt, answer)), rate in questions:
            asked = spec(model, accelerator, tp, prompt, answer, rate, runtime)
            plans = [forecast(asked, catalog) for catalog in catalogs]
            fleets = [
                plan.fleet.accelerators if isinstance(plan, CapacityPlan) and plan.answer.meets_targets else 0
                for plan in plans
            ]
            missed += not any(fleets)
            if len(set(fleets)) > 1:
                changed += 1
                name = f"{model} {accelerator} TP{tp}, {load}, {rate:g}/s"
                print(f"{name:58}" + "".join(f"{fleet:>22}" for fleet in fleets))
        print(f"{changed} of {len(questions)} plans change; {missed} have none within the targets\n", flush=True)


def with_rules(runtime: str, rules: Mapping[str, object]) -> Catalog:
    """Return a catalog whose runtime schedules by other rules; one of its own, since forecasts keep what they resolved.

    Args:
        runtime: its id.
        rules: fields of its scheduler.
    """
    catalog = Catalog.load()
    entry = catalog.runtimes[runtime]
    scheduler = replace(entry.scheduler, **rules)
    catalog.__dict__["runtimes"] = {**catalog.runtimes, runtime: replace(entry, scheduler=scheduler)}
    return catalog


def spec(
    model: str, accelerator: str, tp: int, prompt: float, answer: float, rate: float, runtime: str
) -> WorkloadSpec:
    """Return a question of the grid: TTFT p95 under 3 s and ITL p95 under 60 ms.

    Args:
        model: its id.
        accelerator: its id.
        tp: accelerators of a replica.
        prompt: mean tokens.
        answer: mean tokens.
        rate: requests a second.
        runtime: its id.
    """
    return WorkloadSpec(
        traffic=Traffic(requests_per_s=rate),
        tokens=Tokens(input=TokenDistribution(mean=prompt), output=TokenDistribution(mean=answer)),
        model=model,
        targets=(
            Target(metric="ttft", percentile="p95", seconds=3.0),
            Target(metric="itl", percentile="p95", seconds=0.06),
        ),
        serving=Serving(tensor_parallel=tp, pipeline_parallel=1, runtime=runtime),
        hardware=Hardware(accelerators=(accelerator,)),
    )


if __name__ == "__main__":
    main()
