"""Print how far off a calibration on a few points of a sweep leaves its rest, with the source left out of the fit.

    python tests/benchmarks/calibration_errors.py FILE.csv [--draws N] [--fits FOLDER]

The file holds published closed loops (measurements CSV). A sweep is one model, accelerator, runtime, version and
parallelism of one source; of each source, runtime and model the largest that measured ITL and TTFT counts, and of them
the ten largest. Sources whose runs were short, and rows that the fit sets aside, take no part. Points are drawn several
times: three at random; the first of them and two that are suggested after it, one after the other; ten at random. Bands
are of 80 %. Another model's name on three points is to be refused, the right one is not. Fits without a source are kept
in the folder: a few minutes each, then one for all sweeps.
"""

import argparse
import random
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from statistics import median

from msgspec import convert

from catalogs.catalog import Catalog
from catalogs.errors import InputError
from catalogs.matrices import total_parameters
from catalogs.measurement_files import Row, read_points, scorecard_points
from catalogs.records.fitted import ErrorBand, MeasuredSystem, StatedConstants
from engine.accuracy.benchmarks import benchmark_latencies
from engine.accuracy.evidence import METRIC_OF, calibrated_outcomes
from engine.accuracy.predictions import MeasuredPoint, predict_points, read
from engine.calibration.calibrate import CalibrationRun, calibrate
from engine.calibration.design import next_measurements
from engine.fitting.run import run_fit
from engine.fitting.weights import excluded_because

SWEEP = ("source", "engine", "engine_version", "model", "accelerator", "gpus", "tp", "ep", "dp", "weight_precision")
SHORT_RUNS = ("inferencex_experimental", "sgl_cookbook", "mlc_llm_perf_bench")
"""Sources of which the fits say so: medians of a few requests, servers that were cold or prompts that were cached."""
SWEEPS = 10
FEW, MANY = 3, 10
DAY = date(2026, 11, 29)
Errors = dict[str, list[tuple[float, bool, float]]]
"""By metric: of each figure the absolute error, whether its band holds it, and the band's width."""


def sweeps_of(rows: Iterable[Row]) -> list[tuple[tuple[str, ...], list[Row]]]:
    """Return the ten largest sweeps, one of each source, runtime and model; equal figures count once."""
    found: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        measured = all(row[f"{m}_ms_mean"] or row[f"{m}_ms_median"] for m in ("itl", "ttft"))
        aside = excluded_because(row) or excluded_because(row, "ttft") or row["source"] in SHORT_RUNS
        if row["load"] == "closed_loop" and measured and not aside:
            found[tuple(row[name] for name in SWEEP)].append(row)
    largest: dict[tuple[str, ...], tuple[tuple[str, ...], list[Row]]] = {}
    seen = set()
    for key, own in sorted(found.items(), key=lambda item: -len(item[1])):
        figures = tuple(sorted(row["itl_ms_mean"] + row["itl_ms_median"] for row in own))
        if figures not in seen:
            largest.setdefault((key[0], key[1], key[3]), (key, own))
            seen.add(figures)
    return sorted(largest.values(), key=lambda item: -len(item[1]))[:SWEEPS]


def catalog_without(source: str, rows: Sequence[Row], folder: Path) -> Catalog:
    """Return the catalog as it is fitted without a source; its bands too, and what its fits have seen."""
    file = folder / f"{source}.toml"
    catalog = Catalog.load()
    if not file.is_file():
        run = run_fit([row for row in rows if row["source"] != source], catalog, scorecard_points())
        file.write_text(run.constants + run.bands + run.systems, encoding="utf-8")
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    without = catalog.with_fitted(convert(tables["fitted"], list[StatedConstants], strict=False))
    without.__dict__["bands"] = tuple(convert(tables["band"], list[ErrorBand], strict=False))
    without.__dict__["measured_systems"] = tuple(convert(tables["system"], list[MeasuredSystem], strict=False))
    return without


def errors_of(rows: Sequence[Row], catalog: Catalog) -> Errors:
    """Return the errors of predictions of rows."""
    readings = [read(row, catalog) for row in rows]
    outcomes = calibrated_outcomes(readings, predict_points(readings, catalog, benchmark_latencies), catalog)
    errors: Errors = {"itl": [], "ttft": []}
    for outcome in outcomes:
        for item in () if isinstance(outcome, str) else outcome:
            metric = METRIC_OF.get(item.column)
            if metric in errors and item.band is not None:
                low, high = item.band.ends()
                inside = low <= item.measured / item.predicted <= high
                errors[metric].append((abs(item.predicted / item.measured - 1), inside, high / low))
    return errors


def calibrated_on(rows: Sequence[Row], catalog: Catalog) -> CalibrationRun:
    """Return the calibration that rows give."""
    return calibrate(rows, catalog, name="sweep", made=DAY, simulator=benchmark_latencies, insist=True)


def shown(errors: Errors) -> str:
    """Return median error, share inside bands and median width of ITL and TTFT."""
    parts = []
    for metric, own in errors.items():
        error, inside, width = (
            median(e for e, _, _ in own),
            sum(i for _, i, _ in own) / len(own),
            median(w for *_, w in own),
        )
        parts.append(f"{metric.upper():4} {error:6.1%} in {inside:4.0%} × {width:.2f}")
    return "   ".join(parts)


def one_sweep(own: Sequence[Row], catalog: Catalog, draws: int, drawn: random.Random) -> dict[str, Errors]:
    """Return the errors on the rest of a sweep, before and after points that are chosen in several ways, over draws."""
    known = [row for row in own if isinstance(read(row, catalog), MeasuredPoint)]
    results: dict[str, Errors] = defaultdict(lambda: {"itl": [], "ttft": []})
    results["before"] = errors_of(known, catalog)
    for _ in range(draws):
        few = drawn.sample(range(len(known)), FEW)
        for name, chosen in (
            ("random", few),
            ("suggested", suggested(known, few[:1], catalog)),
            ("many", drawn.sample(range(len(known)), min(MANY, len(known) * 2 // 3))),
        ):
            run = calibrated_on([known[at] for at in chosen], catalog)
            rest = [row for at, row in enumerate(known) if at not in chosen]
            for metric, errors in errors_of(rest, catalog.with_calibration(run.calibration)).items():
                results[name][metric] += errors
    return results


def suggested(known: Sequence[Row], first: Sequence[int], catalog: Catalog) -> list[int]:
    """Return the points to measure after the first ones: each is suggested after those before it were measured."""
    chosen = [*first]
    while len(chosen) < FEW:
        run = calibrated_on([known[at] for at in chosen], catalog)
        others = [at for at in range(len(known)) if at not in chosen]
        (best,) = next_measurements(run.calibration, run.points, catalog, among=[known[at] for at in others], most=1)
        chosen.append(others[best.index])
    return chosen


def is_refused(own: Sequence[Row], catalog: Catalog, model: str) -> bool:
    """Return whether three points are refused under a model's name."""
    rows = [{**row, "model": model} for row in own[:: len(own) // FEW][:FEW]]
    try:
        calibrate(rows, catalog, name="sweep", made=DAY)
    except InputError:
        return True
    return False


def main() -> None:
    """Print a line for each sweep, and medians over them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--draws", type=int, default=3)
    parser.add_argument("--fits", type=Path, default=Path())
    given = parser.parse_args()
    rows = read_points(given.file).rows
    drawn = random.Random(0)
    summary: dict[str, list[Errors]] = defaultdict(list)
    refused = []
    for key, own in sweeps_of(rows):
        catalog = catalog_without(key[0], rows, given.fits)
        print(f"\n{key[3]} under {key[1]} {key[2]} on {key[5]} × {key[4]}: {len(own)} points of {key[0]}")
        for name, errors in one_sweep(own, catalog, given.draws, drawn).items():
            print(f"  {name:10}{shown(errors)}", flush=True)
            summary[name].append(errors)
        larger = total_parameters(catalog.model(key[3]).model) > 30e9
        other = "meta-llama/Llama-3.1-8B-Instruct" if larger else "meta-llama/Llama-3.1-70B-Instruct"
        refused.append((is_refused(own, catalog, key[3]), is_refused(own, catalog, other)))
    print("\nmedian over sweeps, and coverage over all figures")
    for name, sweeps in summary.items():
        print(f"  {name:10}{over_sweeps(sweeps)}")
    print(f"of {len(refused)}: {sum(own for own, _ in refused)} refused, {sum(o for _, o in refused)} as another model")


def over_sweeps(sweeps: Sequence[Mapping[str, Sequence[tuple[float, bool, float]]]]) -> str:
    """Return the medians over sweeps of median errors and widths, and the mean share inside bands."""
    parts = []
    for metric in ("itl", "ttft"):
        own = [sweep[metric] for sweep in sweeps]
        error = median(median(e for e, _, _ in one) for one in own)
        inside = sum(sum(i for _, i, _ in one) / len(one) for one in own) / len(own)
        width = median(median(w for *_, w in one) for one in own)
        parts.append(f"{metric.upper():4} {error:6.1%} in {inside:4.0%} × {width:.2f}")
    return "   ".join(parts)


if __name__ == "__main__":
    main()
