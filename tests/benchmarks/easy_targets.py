"""Print what simulations overturn of easy targets: `python tests/benchmarks/easy_targets.py [COUNT [SEED]]`.

Random questions state targets of which the formulas find each at most half reached (``engine.method.EASILY``), in
fleets whose KV pool is far from full. Each is simulated as any stated target is: a line for every one whose fleet
grows, whose peak hour misses a target, or whose replayed minutes do.
"""

import sys
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from catalogs.catalog import Catalog
from engine.method import EASILY, forecast
from engine.plan import CapacityPlan
from engine.planning.ranking import ranked_candidates
from engine.planning.verdict import pool_may_fill
from engine.question.resolve import resolve
from engine.simulation.compiled import can_compile
from engine.simulation.simulate import hold_compiled_loops
from engine.workload import Target, spec_from

CHOICES: dict[str, tuple[Any, ...]] = {
    "model": (
        "llama-3.1-8b",
        "llama-3.1-70b",
        "qwen3-32b",
        "mixtral-8x7b",
        "gpt-oss-120b",
        "gemma-3-27b",
        "qwen3-30b-a3b",
    ),
    "hardware.accelerators": tuple((name,) for name in ("h100", "h200", "b200", "a100-80gb", "l40s", "l4", "mi300x")),
    "serving.runtime": ("vllm", "vllm", "sglang", "tensorrt-llm"),
    "traffic.burstiness": (0.5, 1.0, 1.0, 2.0, 3.0),
    "traffic.peak_factor": (1.0, 1.5, 2.0),
    "tokens.input.cv": (0.0, 0.5, 1.0, 1.5),
    "tokens.output.cv": (0.0, 0.5, 1.0),
    "tokens.prefix_hit": (0.0, 0.0, 0.5),
}
SPANS = {"traffic.requests_per_s": (0.2, 200.0), "tokens.input.mean": (100, 16_000), "tokens.output.mean": (10, 1_600)}
"""Drawn by their logarithm."""


def drawn(draw: Random) -> dict[str, Any]:
    """Return a question without targets."""
    spread = {path: low * (high / low) ** draw.random() for path, (low, high) in SPANS.items()}
    return {path: draw.choice(among) for path, among in CHOICES.items()} | spread


def with_easy_targets(question: dict[str, Any], catalog: Catalog, draw: Random) -> CapacityPlan | None:
    """Return the plan of a question with targets that its formulas keep easily; None where it has none of the kind."""
    alone = forecast(spec_from(question | {"default_targets": "none"}), catalog, verify=False)
    if not isinstance(alone, CapacityPlan):
        return None
    targets = []
    for metric in draw.sample(("ttft", "itl", "e2e"), draw.choice((1, 1, 2))):
        percentile = draw.choice(("p50", "p95", "p95", "p99", "p99", "mean"))
        seconds = getattr(getattr(alone.performance.at_peak, f"{metric}_s"), percentile)
        targets.append(
            Target(metric=metric, percentile=percentile, seconds=seconds * draw.uniform(1.01, 1.75) / EASILY)
        )
    spec = spec_from(question | {"targets": tuple(targets)})
    ranking = ranked_candidates(resolve(spec, catalog))
    if not hasattr(ranking, "best") or pool_may_fill(ranking.best):
        return None
    plan = forecast(spec, catalog)
    record = plan.verification if isinstance(plan, CapacityPlan) else None
    easy = record and all((one.formula_s or 0.0) <= EASILY * one.target_s for one in record.targets)
    return plan if easy and isinstance(plan, CapacityPlan) else None


def main() -> None:
    """Print a line for each that was overturned, and how many there were."""
    count, seed = map(int, (sys.argv[1:] + ["500", "7"][len(sys.argv) - 1 :])[:2])
    if can_compile():
        hold_compiled_loops()
    catalog, draw = Catalog.load(), Random(seed)
    easy = grown = missed = minutes = 0
    for _ in range(count):
        question = drawn(draw)
        plan = with_easy_targets(question, catalog, draw)
        if plan is None or plan.verification is None:
            continue
        late = [moment.name for moment in (plan.replay.moments if plan.replay else ()) if moment.missed]
        beyond = [one for one in plan.verification.targets if one.simulated_s > one.target_s]
        easy, grown = easy + 1, grown + (plan.verification.added_replicas > 0)
        missed, minutes = missed + bool(beyond), minutes + bool(late)
        if plan.verification.added_replicas or beyond or late:
            stated = [f"{one.metric} {one.percentile}" for one in plan.verification.targets]
            print(f"{plan.verification.added_replicas} added, {len(beyond)} missed, {late}: {stated} of {question}")
    print(
        f"of {count} questions {easy} keep their targets easily: {grown} grow, {missed} miss one, {minutes} in minutes"
    )


if __name__ == "__main__":
    main()
