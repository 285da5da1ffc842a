"""What of a measurements CSV is predicted: its columns, by metric, and the figure of a load behind each."""

from collections.abc import Callable, Mapping

from engine.accuracy.points import MeasuredPoint
from engine.arrays import Floats
from engine.replica.closed_forms import LoadFigures
from engine.workload import PERCENTILE_SHARES

METRICS: Mapping[str, tuple[str, ...]] = {
    "itl": ("itl_ms_mean", "itl_ms_median"),
    "ttft": ("ttft_ms_mean", "ttft_ms_median"),
    "throughput": (
        "output_tokens_per_s",
        "output_tokens_per_s_per_gpu",
        "total_tokens_per_s",
        "prefill_tokens_per_s",
        "requests_per_s",
    ),
}
"""The CSV's columns behind each metric; of several in a row the first counts."""


SHARES: Mapping[str, float] = {**PERCENTILE_SHARES, "p99.9": 0.999}
"""Share of requests that a percentile is about."""

TAILS: Mapping[str, tuple[str, ...]] = {
    f"{metric}_{percentile}": (f"{metric}_ms_{percentile}",)
    for metric in ("ttft", "itl", "e2e")
    for percentile in SHARES
}
"""Percentiles over requests: predicted of open loops, and of whatever is simulated."""


ALSO: Mapping[str, tuple[str, ...]] = {"e2e": ("e2e_ms_mean",)}
"""Predicted beside them: not scored, but fitted on where nothing else was measured."""


def metric_of(column: str) -> str:
    """Return the metric that a column is a figure of: that of METRICS, or of a percentile; empty for any other."""
    summed = next((metric for metric, columns in METRICS.items() if column in columns), "")
    return summed or next((name.partition("_")[0] for name, columns in TAILS.items() if column in columns), "")


def columns_of(row: Mapping[str, str]) -> tuple[str, ...]:
    """Return the columns of a row that are predicted: the first of each metric, its percentiles, those beside them."""
    first = [next((c for c in columns if row.get(c)), None) for columns in METRICS.values()]
    beside = [column for columns in (*TAILS.values(), *ALSO.values()) for column in columns if row.get(column)]
    return tuple(column for column in (*first, *beside) if column)


def _milliseconds(name: str) -> Callable[[LoadFigures, MeasuredPoint], Floats | None]:
    def figure(figures: LoadFigures, point: MeasuredPoint) -> Floats | None:
        seconds: Floats | None = getattr(figures, name)
        return None if seconds is None else seconds * 1e3

    return figure


def _percentile(name: str) -> Callable[[LoadFigures, MeasuredPoint], Floats | None]:
    def figure(figures: LoadFigures, point: MeasuredPoint) -> Floats | None:
        seconds = figures.percentiles.get(name)
        return None if seconds is None else seconds * 1e3

    return figure


def _output_tokens(figures: LoadFigures, point: MeasuredPoint) -> Floats:
    if point.load.kind == "decode_only" and figures.itl_s is not None:
        return figures.batch / figures.itl_s
    return figures.output_tokens_per_s


FIGURES: Mapping[str, Callable[[LoadFigures, MeasuredPoint], Floats | None]] = {
    "itl_ms_mean": _milliseconds("itl_s"),
    "itl_ms_median": _milliseconds("itl_s"),
    "ttft_ms_mean": _milliseconds("ttft_s"),
    "ttft_ms_median": _milliseconds("ttft_s"),
    "e2e_ms_mean": _milliseconds("e2e_s"),
    "output_tokens_per_s": _output_tokens,
    "output_tokens_per_s_per_gpu": lambda f, p: _output_tokens(f, p) / int(p.row["gpus"]),
    "total_tokens_per_s": lambda f, p: _output_tokens(f, p) * (1 + p.load.prompt / p.load.output),
    "prefill_tokens_per_s": lambda f, p: f.prefill_tokens_per_s,
    "requests_per_s": lambda f, p: f.requests_per_s,
    **{column: _percentile(name) for name, columns in TAILS.items() for column in columns},
}
