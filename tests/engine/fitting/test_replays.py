"""Closed loops replayed with constants that have not seen them."""

from functools import partial

from agent.report.fit_report import fit_report
from catalogs.catalog import Catalog
from catalogs.measurement_files import scorecard_points
from engine.accuracy.benchmarks import benchmark_latencies
from engine.fitting.run import run_fit

SWEEPS = ("deepseek-ai/DeepSeek-R1", "zhipuai/GLM-5")


def rows() -> list[dict[str, str]]:
    """Two points of each of two sweeps under SGLang."""
    closed = [dict(row) for row in scorecard_points() if row["load"] == "closed_loop"]
    return [
        row
        for model in SWEEPS
        for row in sorted((r for r in closed if r["model"] == model), key=lambda r: int(r["concurrency"]))[:2]
    ]


def test_every_closed_loop_is_replayed_beside_its_formula() -> None:
    """Each point once, with its own group left out of the fit, and both errors in the report."""
    run = run_fit(rows(), Catalog.load(), simulator=partial(benchmark_latencies, processes=1))
    (line,) = run.replays
    assert (line.metric, line.points) == ("ttft", 4)
    assert line.name == "sglang, mixture, aic_silicon_sample"
    assert line.formula is not None and line.formula != line.simulated
    assert 0 < line.simulated[0] <= line.simulated[1]
    table = str(fit_report(run))
    assert "closed loops of" in table and line.name in table
