"""Hold the shape of latencies, p90, p99 and p99.9 over p50, against runs of MLPerf Inference.

    python tests/benchmarks/tail_shapes.py FILE.csv [share]

Runs are near their knee, where a rate a few per cent off moves every percentile; the shape at the same distance from
the knee hardly depends on the split that a submission chose. Ours is taken at ``share`` (0.9) of the largest rate
within the limits, in the best split.
"""

import csv
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from catalogs.catalog import Catalog
from catalogs.measurement_files import COUNTS, NUMBERS, TEXTS
from engine.accuracy.benchmarks import benchmark_latencies
from engine.accuracy.capacities import largest_rate
from engine.accuracy.points import MeasuredPoint
from engine.accuracy.predictions import open_loop_of, read
from tests.benchmarks.tail_points import points_of

EMPTY = dict.fromkeys((*TEXTS, *COUNTS, *NUMBERS), "")
SHAPES = [(metric, percentile) for metric in ("ttft", "itl") for percentile in ("p90", "p99", "p99.9")]


def ratios_of(row: Mapping[str, str], catalog: Catalog, share: float) -> Iterator[tuple[tuple[str, str], float]]:
    """Yield predicted over measured shapes of a run; nothing where it cannot be predicted."""
    point = read(EMPTY | row, catalog)
    if not isinstance(point, MeasuredPoint) or point.load.limits is None:
        return
    capacity = largest_rate(point, point.load.limits, catalog)
    if isinstance(capacity, str):
        return
    rate = capacity.requests_per_s * share
    served = replace(point, replicas=capacity.replicas, row={**point.row, "request_rate": str(rate)})
    (printed,) = benchmark_latencies([open_loop_of(capacity.candidates, served)])
    if printed is None:
        return
    for metric, percentile in SHAPES:
        column, middle = f"{metric}_ms_{percentile}", f"{metric}_ms_p50"
        measured = float(row[column]) / float(row[middle])
        yield (metric, percentile), printed[column] / printed[middle] / measured


def main(file: Path, share: float) -> None:
    """Print n, the median ratio and the median error of each shape."""
    with file.open(encoding="utf-8") as opened:
        rows = points_of(list(csv.DictReader(opened)))
    catalog = Catalog.load()
    ratios: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        for shape, ratio in ratios_of(row, catalog, share):
            ratios[shape].append(ratio)
    for (metric, percentile), found in ratios.items():
        values = np.array(found)
        error = float(np.median(np.abs(values - 1)))
        print(f"{metric} {percentile}/p50: n {len(values)}, ratio {np.median(values):.2f}, median error {error:.1%}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.9)
