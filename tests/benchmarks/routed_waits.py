"""Waits behind a router by formula and in simulation: `python tests/benchmarks/routed_waits.py [--fleets]`.

A grid of prompts × spread × runtime × replicas × load: TTFT and ITL by formula over the simulation of least-outstanding
routing, less one; then the median, and the tenth that is furthest off, of each figure, for replicas that are taken to
be on their own and for the router's. With ``--fleets`` the fleets that a TTFT p95 of three times the prefill takes, by
both formulas and in simulation.
"""

import sys
from collections import defaultdict
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from catalogs.catalog import Catalog
from engine.fleet.candidates import Candidates, single
from engine.load_test.plan_under_load import counted
from engine.plan import Performance
from engine.proof.drawn_load import drawn_load
from engine.question.resolve import Question, resolve
from engine.replica.batches import capacity_batch
from engine.replica.latencies import percentile_latency
from engine.replica.load import ROUTED_TOGETHER, Replicas
from engine.replica.performance import performance_at_rate
from engine.simulation import SimulationResult, simulate, step_model_of
from engine.simulation.compiled import can_compile
from engine.step.parallelism import ParallelSizes
from engine.workload import Target, spec_from

REQUESTS = 8_000
SYSTEMS = (("llama-3.1-70b", 8), ("llama-3.1-8b", 1))
LENGTHS = ((16_000, 500), (9_000, 300), (4_000, 300), (1_000, 250), (1_000, 10), (300, 300))
SPREADS = (0.0, 0.8)
RUNTIMES = ("vllm", "sglang", "tensorrt-llm")
REPLICAS = (1, 2, ROUTED_TOGETHER)
SHARES = (0.3, 0.5, 0.66, 0.8)
FIGURES = (("ttft_s", "mean"), ("ttft_s", "p50"), ("ttft_s", "p95"), ("ttft_s", "p99"), ("itl_s", "mean"),
           ("itl_s", "p95"))  # fmt: skip
PREFILLS = 3.0
"""The target on TTFT p95 of a fleet, over that of a request alone."""
LOADS = (3.0, 12.0)
"""Requests/s of a fleet, over what saturates one replica."""


def main() -> None:
    """Print the tables."""
    catalog = Catalog.load()
    errors: dict[tuple[int, float, str], list[list[float]]] = defaultdict(list)
    for (model, tp), (prompt, answer), spread, runtime in product(SYSTEMS, LENGTHS, SPREADS, RUNTIMES):
        question = resolve(
            spec_from(
                {
                    "model": model,
                    "precision.weights": "bf16",
                    "hardware.accelerators": ("h100-sxm-80gb",),
                    "serving.runtime": runtime,
                    "traffic.requests_per_s": 1,
                    "tokens.input.mean": prompt,
                    "tokens.input.cv": spread,
                    "tokens.output.mean": answer,
                }
            ),
            catalog,
        )
        found, name = single(question, ParallelSizes(tp)), f"{model} TP{tp} {runtime:12} {prompt:6}/{answer} ± {spread}"
        if "--fleets" in sys.argv:
            fleets(name, question, found)
            continue
        saturated = float(found.replicas().saturated_rate[0, 0])
        for count, share in product(REPLICAS, SHARES):
            alone, routed = (performance_at_rate(behind(found, n), share * saturated) for n in (1, count))
            assert alone and routed
            run = simulated(question, found, share * saturated, count, routed.in_flight)
            for how, formula in (("alone", alone), ("routed", routed)):
                row = [over(formula, run, *figure) for figure in FIGURES]
                errors[count, spread, how].append(row)
            print(f"{name} × {count} at {share:4}", *(f"{error:>+8.0%}" for error in row), flush=True)
    for (count, spread, how), rows in sorted(errors.items()):
        middle, worst = (np.quantile(np.abs(rows), share, axis=0) for share in (0.5, 0.9))
        print(f"{count} replicas, prompts ± {spread}, as {how:7}", *(f"{one:>8.1%}" for one in middle), end="")
        print("   a tenth beyond", *(f"{one:>6.0%}" for one in worst))


def behind(found: Candidates, replicas: float) -> Replicas:
    """Return a candidate as one of so many behind a router."""
    return found.replicas().in_fleet(np.array([[float(replicas)]]))


def simulated(
    question: Question, found: Candidates, requests_per_s: float, replicas: int, in_flight: float
) -> SimulationResult:
    """Return what a simulation says of replicas at a rate each."""
    count = max(REQUESTS, round(40 * in_flight * replicas))
    load = drawn_load(question, requests_per_s * replicas, count)(seed=7)
    return simulate(
        step_model_of(found),
        question.runtime.scheduler,
        load,
        replicas=replicas,
        routing="least_outstanding",
        speed="compiled" if can_compile() else "plain",
        first_counted=counted(count, in_flight * replicas)[0],
    )


def over(formula: Performance, run: SimulationResult, figure: str, part: str) -> float:
    """Return a figure of the formula over the simulation's, less one."""
    return float(getattr(getattr(formula, figure), part) / getattr(getattr(run, figure), part).value) - 1


def fleets(name: str, question: Question, found: Candidates) -> None:
    """Print the replicas that a load takes within ``PREFILLS``: by formula alone, by the router's, in simulation."""
    replicas = found.replicas()
    lightest = percentile_latency(replicas.at(replicas.smallest_batch), "ttft", 0.95)
    target = Target(metric="ttft", percentile="p95", seconds=PREFILLS * float(lightest[0, 0]))
    ceiling = question.spec.serving.utilisation_ceiling
    for times in LOADS:
        rate = times * float(replicas.saturated_rate[0, 0])
        sizes = []
        for one in (replicas, replicas.sharing(rate, None)):
            batch = capacity_batch(one, (target,), ceiling)
            sizes.append(int(np.ceil(rate / one.rate(batch)[0, 0])))
        least, holds = int(np.ceil(times / ceiling)), max(sizes) + 1
        while least < holds:
            middle = (least + holds) // 2
            formula = performance_at_rate(replicas, rate / middle)
            run = simulated(
                question, found, rate / middle, min(middle, ROUTED_TOGETHER), formula.in_flight if formula else 99.0
            )
            least, holds = (least, middle) if run.ttft_s.p95.value <= target.seconds else (middle + 1, holds)
        print(f"{name} at {times:4} × saturation, TTFT p95 {target.seconds:6.3f} s: alone {sizes[0]:4}, "
              f"routed {sizes[1]:4}, simulated {holds:4}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
