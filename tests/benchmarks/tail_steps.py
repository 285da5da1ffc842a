"""Hold the time of a step against runs of MLPerf Inference, with as many requests in flight as they had.

    python tests/benchmarks/tail_steps.py FILE.csv

By Little's law a run's rate and its mean TPOT say how many requests decode, and the rate how many prompts come in a
step. What such a step takes, in the split that carries most, beside the TPOT that was measured depends on no limit, no
queue and no policy of admission, which the largest rate within limits does.
"""

import csv
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from catalogs.catalog import Catalog
from catalogs.measurement_files import COUNTS, NUMBERS, TEXTS
from engine.accuracy.capacities import largest_rate
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.predictions import read
from tests.benchmarks.tail_points import points_of

EMPTY = dict.fromkeys((*TEXTS, *COUNTS, *NUMBERS), "")


def step_ratio(row: Mapping[str, str], tpot_s: float, catalog: Catalog) -> float | None:
    """Return predicted over measured seconds of a run's steps; None where it cannot be predicted.

    Args:
        row: the run as a point.
        tpot_s: its mean TPOT, seconds.
        catalog: with the constants to predict with.
    """
    point = read(EMPTY | row, catalog)
    if not isinstance(point, MeasuredPoint) or point.load.limits is None:
        return None
    capacity = largest_rate(point, point.load.limits, catalog)
    if isinstance(capacity, str):
        return None
    costs = capacity.candidates.replicas().costs
    prompts = float(row["requests_per_s"]) / capacity.replicas * tpot_s
    decoding = np.array([[prompts * costs.decoded]])
    tables = costs.tables
    seconds = (
        tables.base(decoding + prompts * costs.computed)
        + costs.decode_sequences(decoding)
        + tables.decode_fixed
        + tables.prompt_fixed * -np.expm1(-prompts)
        + prompts * (costs.prompt_context_s @ costs.lengths.prompt.weights)
    )
    return float(seconds[0, 0]) / tpot_s


def main(file: Path) -> None:
    """Print n, the median ratio and the share within 15 % by model and accelerator, then of all."""
    with file.open(encoding="utf-8") as opened:
        runs = list(csv.DictReader(opened))
    tpot_s = {run["path"]: float(run["tpot_mean_ms"]) / 1e3 for run in runs if run["tpot_mean_ms"]}
    catalog = Catalog.load()
    ratios: dict[str, list[float]] = defaultdict(list)
    for row in points_of(runs):
        if row["id"] in tpot_s and (ratio := step_ratio(row, tpot_s[row["id"]], catalog)):
            for group in (f"{row['model']}, {row['accelerator']}", row["model"], "all"):
                ratios[group].append(ratio)
    for group, found in sorted(ratios.items()):
        values = np.array(found)
        near = float(np.mean(np.abs(values - 1) <= 0.15))
        print(f"{group}: n {len(values)}, ratio {np.median(values):.2f}, within 15 % {near:.0%}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
