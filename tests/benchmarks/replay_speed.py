"""Print how long replays take in a warm process: `python tests/benchmarks/replay_speed.py`.

A week minute by minute (the goal is 50 ms), all that a plan's replay takes with its corrections, and its moments.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from catalogs.catalog import Catalog
from engine.plan import NoPlan
from engine.planning.ranking import ranked_candidates
from engine.planning.thresholds import thresholds_of
from engine.planning.verdict import ChosenFleet, formulas_verdict
from engine.proof.day import replayed_day
from engine.question.resolve import resolve
from engine.scaling.controller import policy_of
from engine.scaling.demand_by_minute import demand_by_minute
from engine.scaling.replay import replay
from engine.scaling.replica_loads import replica_loads
from engine.workload import Target, spec_from

RUNS = 9
TARGETS = (Target(metric="ttft", percentile="p95", seconds=0.8), Target(metric="itl", percentile="p95", seconds=0.08))


def best(work: Callable[[], Any]) -> float:
    """Return the processor time of the fastest of several runs, seconds."""
    work()
    runs = []
    for _ in range(RUNS):
        started = time.process_time()
        work()
        runs.append(time.process_time() - started)
    return min(runs)


def fleet_for(catalog: Catalog, preset: str | None) -> ChosenFleet:
    """Return a fleet of 70B on A100 for 100 requests/s."""
    values: dict[str, Any] = {
        "model": "llama-3.1-70b",
        "traffic.requests_per_s": 100.0,
        "tokens.input.mean": 500.0,
        "tokens.output.mean": 200.0,
        "hardware.accelerators": ("a100-sxm-80gb",),
        "targets": TARGETS,
    }
    if preset:
        kind = catalog.presets[preset]
        values |= {"traffic.hourly_profile": kind.hourly_profile, "traffic.peak_factor": kind.peak_factor}
    ranking = ranked_candidates(resolve(spec_from(values), catalog))
    assert not isinstance(ranking, NoPlan)
    return formulas_verdict(ranking).chosen


def main() -> None:
    """Print a line for each case."""
    catalog = Catalog.load()
    for name, preset in (("day", None), ("week", "chat")):
        chosen = fleet_for(catalog, preset)
        demand = demand_by_minute(chosen.demand, chosen.mean_rate)
        loads = replica_loads(chosen.points.rising_rates, chosen.points.rising, TARGETS)
        policy = policy_of(thresholds_of(chosen), chosen.fleet)
        alone = best(lambda demand=demand, loads=loads, policy=policy: replay(demand, loads, policy))
        whole = best(lambda chosen=chosen: replayed_day(chosen, {}, simulate=False))
        moments = best(lambda chosen=chosen: replayed_day(chosen, {}, simulate=True)) - whole
        day = replayed_day(chosen, {}, simulate=False)
        assert day is not None
        corrected = ", ".join(one.threshold for one in day.record.corrections) or "nothing"
        print(
            f"{name:5} alone {alone * 1e3:5.1f} ms, a plan's {whole * 1e3:6.1f} ms ({corrected} corrected), "
            f"its moments {moments * 1e3:6.1f} ms"
        )


if __name__ == "__main__":
    main()
