"""How much each measured point counts in a fit: by its source, and what is left aside, with the reason."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from engine.accuracy.points import MeasuredPoint

SOURCE_WEIGHTS: Mapping[str, float] = {
    "trtllm_docs_v1.0": 0.3,
    "trtllm_docs_static": 0.3,
    "rocm_vllm_docker": 1.0,
}
"""Weight of a source beside 1: maximum-throughput tables hold ramp-up and tail; mixture runs hide their settings."""


JUDGED = ("ttft",)
"""Metrics by which every block is judged."""


FEW_CLIENTS = 8


FEW_CLIENTS_WEIGHT = 0.5
"""TTFT of a closed loop is mostly waiting, on which the step model has no say: only up to so many clients does it count
in the fit, and half."""


def weight_of(point: MeasuredPoint, metric: str) -> float:
    """Return how much a metric of a point counts in the fit, by its source; 0 where it is only judged."""
    if excluded_because(point.row, metric):
        return 0.0
    quality = SOURCE_WEIGHTS.get(point.row["source"], 1.0)
    if point.load.kind == "closed_loop" and metric in JUDGED:
        return quality * FEW_CLIENTS_WEIGHT if 0 < point.together <= FEW_CLIENTS else 0.0
    return quality


class Exclusion(Struct, frozen=True):
    """Points that a fit leaves aside, and why."""

    reason: str
    applies: Callable[[Mapping[str, str]], bool]
    metrics: tuple[str, ...] = ()
    """Of which it speaks; all where empty."""


EXCLUSIONS: tuple[Exclusion, ...] = (
    Exclusion(
        "multi-token prediction may be on: repeats of these configurations differ by 1.35–2.0 ×",
        lambda row: (
            row["source"] == "aic_silicon_sample"
            and (
                (row["engine_version"] in ("1.2.0rc6.post3", "1.1.0rc2.post2") and "DeepSeek" in row["model"])
                or (
                    row["engine_version"] == "0.5.9"
                    and "Qwen3.5" in row["model"]
                    and (row["weight_precision"], row["tp"]) == ("fp8", "4")
                )
            )
        ),
    ),
    Exclusion(
        "TTFT stands at 5 to 9 s at any number of clients: servers that still compiled, or were not warmed up",
        lambda row: (
            row["source"] == "aic_silicon_sample"
            and row["engine"].casefold() == "sglang"
            and "DeepSeek" in row["model"]
            and (row["weight_precision"], row["engine_version"]) == ("fp4", "")
        ),
        ("ttft",),
    ),
    Exclusion(
        "rows that contradict themselves: 85 ms at a concurrency of 48, 21 ms at 448",
        lambda row: row["source"] == "aic_silicon_sample" and row["model"].startswith("nvidia/"),
    ),
    Exclusion(
        "all tokens of a static batch seem to route to the same experts",
        lambda row: row["load"] == "static_batch" and "Mixtral" in row["model"],
    ),
)


def excluded_because(row: Mapping[str, str], metric: str = "") -> str:
    """Return why a row takes no part in fits, or only one metric of it takes none; empty when it does."""
    return next(
        (
            exclusion.reason
            for exclusion in EXCLUSIONS
            if (not exclusion.metrics or metric in exclusion.metrics) and exclusion.applies(row)
        ),
        "",
    )
