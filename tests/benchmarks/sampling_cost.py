"""What top-p sampling costs under vLLM 0.11.1, of steady runs of ML.ENERGY: `sampling_cost.py FILE.csv`.

FILE.csv holds its runs, one a row, as spec-kit/data_sources.md describes them. Its client asks for top-p 0.95 of every
model (``mlenergy/llm/benchmark.py`` of ml-energy/benchmark), and vLLM sorted the logits for it from 0.11.1 to 0.16.

    measured ITL = s·(forecast with greedy sampling) + (greedy + c·vocabulary)·(requests in flight)

with s for each sweep (exp of a normal of ``LEVEL`` about 1: models and kernels are off by a factor), so that c rests on
how ITL rises with the batch. Every sweep weighs alike. Prints c, with its standard error, of all and of one
accelerator's runs; then the errors of ITL without c and with c of all other families of models, and s = 1.
"""

import csv
import re
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from catalogs.catalog import Catalog
from catalogs.records.models import ModelArchitecture
from engine.accuracy.predictions import predict_points, read
from engine.fitting.least_squares import REPEAT_NOISE, ROBUST
from engine.step.operations import layers

PROMPTS = {"lm-arena-chat": 150.0, "gpqa": 250.0}
"""Tokens of a prompt by data set, which the runs do not state: judgement. Code completion is left out, for its prompts
are long and unknown, and images and videos are encoded first."""
ACCELERATORS = {"H100": "h100-sxm-80gb", "B200": "b200-sxm"}
LEVEL = 0.15
"""Deviation of log s: the spread of forecasts of ITL between models and sources."""
GREEDY_US = 5.0
"""For each sequence with greedy sampling, µs, by served points of other sources (spec-kit/accuracy.md, Tails)."""
STEADY = 0.95
"""Share of the seats that are taken; below it the KV pool ran full."""
ROUNDS = 40


class Run(Struct, frozen=True):
    """One steady run and its forecast with greedy sampling."""

    family: str
    accelerator: str
    sweep: tuple[str, ...]
    in_flight: float
    vocabulary: float
    measured_ms: float
    greedy_ms: float


def runs_of(path: str, catalog: Catalog, longer: float = 1.0) -> list[Run]:
    """Return the runs of a file that are steady, decode text and have a forecast.

    Args:
        path: of the file.
        catalog: to predict with.
        longer: times which prompts are as long as ``PROMPTS`` says.
    """
    with Path(path).open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if _is_steady(row)]
    models = [catalog.model(row["model"]).model for row in rows]
    points = [_point(row, model, longer) for row, model in zip(rows, models, strict=True)]
    outcomes = predict_points([read(point, catalog) for point in points], catalog)
    return [
        Run(
            family=re.sub(r"^(llama-\d|[a-z]+\d?).*", r"\1", model.id),
            accelerator=row["gpu_norm"],
            sweep=(model.id, row["gpu_norm"], row["n_gpu_system"], row["precision"], row["isl_kind"]),
            in_flight=float(row["avg_concurrency"]),
            vocabulary=float(model.vocabulary),
            measured_ms=float(row["median_itl_ms"]),
            greedy_ms=outcome[0].predicted,
        )
        for row, model, outcome in zip(rows, models, outcomes, strict=True)
        if not isinstance(outcome, str)
    ]


def _is_steady(row: Mapping[str, str]) -> bool:
    full = float(row["avg_concurrency"]) >= STEADY * float(row["concurrency"])
    return row["isl_kind"].removeprefix("dataset ") in PROMPTS and row["dp"] == "1" and full


def _point(row: Mapping[str, str], model: ModelArchitecture, longer: float) -> Mapping[str, str]:
    """Return a run as a row of a measurements file; mixtures over several cards spread their experts."""
    spread = row["n_gpu_system"] if any(layer.mixture for layer in layers(model)) else "1"
    return defaultdict(
        str,
        source="ml_energy", engine="vLLM", engine_version="0.11.1", load="closed_loop",
        model=model.id, accelerator=ACCELERATORS[row["gpu_norm"]], gpus=row["n_gpu_system"], tp=row["n_gpu_system"],
        ep=spread, weight_precision=row["precision"].replace("bfloat16", "bf16"),
        concurrency=f"{float(row['avg_concurrency']):.0f}", max_sequences=row["concurrency"],
        input_tokens=f"{longer * PROMPTS[row['isl_kind'].removeprefix('dataset ')]:g}", output_tokens=row["osl"],
        itl_ms_mean=row["median_itl_ms"],
    )  # fmt: skip


class Cost(Struct, frozen=True):
    """What sampling costs: ns for each sequence and entry of its vocabulary, and µs for each sequence."""

    ns: float
    us: float
    error: float
    """Standard error of the first that is fitted."""
    residual: float
    """Median error of ITL, each sweep at its own level."""

    def added_ms(self, run: Run) -> float:
        """Return what sampling adds to a step of a run."""
        return (self.ns * run.vocabulary * 1e-6 + self.us * 1e-3) * run.in_flight


def fitted(runs: Sequence[Run], entries: bool = True, sequences: bool = False) -> Cost:
    """Return the cost that runs say, by Gauss–Newton on the log ratio, residuals beyond ROBUST counting linearly.

    Args:
        runs: of any sweeps.
        entries: whether the cost of an entry of the vocabulary is fitted.
        sequences: whether that of a sequence is, which is else what greedy sampling has.
    """
    sweeps = {sweep: index for index, sweep in enumerate(dict.fromkeys(run.sweep for run in runs))}
    of = np.array([sweeps[run.sweep] for run in runs])
    measured, greedy, in_flight, vocabulary = np.array(
        [(run.measured_ms, run.greedy_ms, run.in_flight, run.vocabulary) for run in runs]
    ).T
    units = [
        unit for unit, counts in ((vocabulary * in_flight * 1e-6, entries), (in_flight * 1e-3, sequences)) if counts
    ]
    columns = np.stack(units, axis=1)
    fixed = 0.0 if sequences else GREEDY_US * in_flight * 1e-3
    weight = len(runs) / len(sweeps) / np.bincount(of)[of] / REPEAT_NOISE**2
    level, costs = np.zeros(len(sweeps)), np.zeros(columns.shape[1])
    prior = np.concatenate([np.full(len(sweeps), LEVEL**-2), np.zeros(len(costs))])
    for _ in range(ROUNDS):
        own = np.exp(level[of]) * greedy
        predicted = np.maximum(own + columns @ costs + fixed, own / 10)
        missing = np.log(measured / predicted)
        robust = weight * np.minimum(1.0, ROBUST / np.maximum(np.abs(missing), 1e-12))
        slopes = np.concatenate([np.eye(len(sweeps))[of] * own[:, None], columns], axis=1) / predicted[:, None]
        normal = slopes.T @ (robust[:, None] * slopes) + np.diag(prior)
        step = np.linalg.solve(normal, slopes.T @ (robust * missing) - prior * np.concatenate([level, costs]))
        level, costs = level + step[: len(sweeps)], costs + step[len(sweeps) :]
    error = float(np.sqrt(np.linalg.inv(normal)[len(sweeps), len(sweeps)]))
    ns, us = (float(costs[0]) if entries else 0.0), (float(costs[-1]) if sequences else GREEDY_US)
    return Cost(ns, us, error, float(np.median(np.abs(np.exp(-missing) - 1))))


def left_out(runs: Sequence[Run], entries: bool = True, sequences: bool = False) -> list[tuple[Run, float]]:
    """Return each run with predicted over measured ITL, by the cost that all other families of models say."""
    found = []
    for family in sorted({run.family for run in runs}):
        cost = fitted([run for run in runs if run.family != family], entries, sequences)
        own = [run for run in runs if run.family == family]
        found += [(run, (run.greedy_ms + cost.added_ms(run)) / run.measured_ms) for run in own]
    return found


def main() -> None:
    """Print the cost and the errors."""
    catalog = Catalog.load()
    runs = runs_of(sys.argv[1], catalog)
    by_accelerator = {name: [run for run in runs if run.accelerator == name] for name in ACCELERATORS}
    for name, some in {"all": runs, **by_accelerator}.items():
        cost, whole = fitted(some), fitted(some, entries=False, sequences=True)
        both = fitted(some, sequences=True)
        print(f"{name}: {len(some)} runs, {cost.ns:.3f} ± {cost.error:.3f} ns an entry ({cost.residual:.1%})")
        print(f"  or {whole.us:.0f} ± {whole.error:.0f} µs whatever the vocabulary ({whole.residual:.1%})")
        print(f"  or {both.ns:.2f} ± {both.error:.2f} ns and {both.us:.0f} µs ({both.residual:.1%})")
    for longer in (0.5, 2.0):
        print(f"prompts × {longer:g}: {fitted(runs_of(sys.argv[1], catalog, longer)).ns:.3f} ns")
    for family in sorted({run.family for run in runs}):
        others = fitted([run for run in runs if run.family != family])
        print(f"without {family}: {others.ns:.3f} ± {others.error:.3f} ns")
    for name, some in by_accelerator.items():
        greedy = [(run, run.greedy_ms / run.measured_ms) for run in some]
        compared = {"greedy": greedy, "by entry": left_out(some), "by sequence": left_out(some, False, True)}
        for least, most in ((0, 63), (64, 255), (256, 9999)):
            parts = []
            for label, ratios in compared.items():
                errors = [abs(ratio - 1) for run, ratio in ratios if least <= run.in_flight <= most]
                parts.append(f"{label} {np.median(errors):.0%} / {np.percentile(errors, 90):.0%}")
            print(f"{name}, {least} to {most} in flight, n {len(errors)}, ITL median / p90:", "; ".join(parts))


if __name__ == "__main__":
    main()
