"""How an answer is shown: each value with its unit and, where it is not plain, what it is."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from agent.report.words import TERMS, metric_shown, precision_shown, singular
from agent.talk.slots import Slot, Values
from catalogs.units import show_count, show_figure, show_percent, show_rate, show_seconds, show_usd
from engine.workload import Target

MOST_LISTED: Final = 6
"""Names in a list; the rest is counted: 'NVIDIA only' names fifty."""


def answer_shown(slot: Slot, values: Values) -> str:
    """Return what the values say about a slot, for a person; empty where nothing."""
    parts = (value_shown(path, values[path]) for path in slot.paths if values.get(path) not in (None, ()))
    return ", ".join(part for part in parts if part)


def value_shown(path: str, value: Any) -> str:
    """Return one value with its unit and, where it is not plain, what it is."""
    if path == "targets":
        return ", ".join(target_shown(target) for target in value)
    if path == "architecture":
        return "dimensions from its config"
    pattern = _SHOWN.get(path)
    if pattern is None:
        return f"{path.rpartition('.')[2].replace('_', ' ')} {_plain(value)}"
    return singular(pattern.format(_SHOWERS.get(path, _plain)(value)))


def target_shown(target: Target) -> str:
    """Return 'TTFT p95 within 800 ms'."""
    return f"{metric_shown(target.metric, target.percentile)} within {show_seconds(target.seconds)}"


def _plain(value: Any) -> str:
    if isinstance(value, float | int) and not isinstance(value, bool):
        return show_count(value)
    if not isinstance(value, tuple):
        return str(value)
    more = [f"{len(value) - MOST_LISTED} more"] if len(value) > MOST_LISTED else []
    return ", ".join([*map(str, value[:MOST_LISTED]), *more])


_SHOWN: Final[Mapping[str, str]] = {
    "model": "{}",
    "traffic.requests_per_s": "{} on average",
    "traffic.concurrency": "{} requests in flight",
    "traffic.calls_per_request": "{} model calls per request",
    "traffic.peak_factor": "{} × the mean in the busiest hour",
    "traffic.burst": "peak minute {} × the peak hour",
    "traffic.burstiness": "burstiness {}",
    "traffic.hourly_profile": "{} hourly values",
    "traffic.growth_per_year": "{} a year",
    "traffic.horizon_years": "over {} years",
    "tokens.input.mean": "{} tokens",
    "tokens.input.cv": "CV {}",
    "tokens.input.p95": "p95 {}",
    "tokens.input.values": "{} values",
    "tokens.output.mean": "{} tokens",
    "tokens.output.cv": "CV {}",
    "tokens.output.p95": "p95 {}",
    "tokens.output.values": "{} values",
    "tokens.reasoning_tokens": "{} thinking tokens",
    "tokens.prefix_hit": "{} of prompt tokens",
    "precision.weights": "{}",
    "precision.kv_cache": "KV cache {}",
    "hardware.accelerators": "{}",
    "hardware.excluded": "not {}",
    "hardware.accelerators_per_node": "{} per node",
    "hardware.accelerator_count": "{} in all",
    "hardware.nodes": "{} nodes",
    "hardware.replicas": "{} replicas",
    "hardware.max_accelerators": "at most {}",
    "hardware.max_nodes": "at most {} nodes",
    "hardware.max_replicas": "at most {} replicas",
    "availability.spare_replicas": "{} spare replicas",
    "availability.minimum_replicas": "at least {} replicas",
    "money.provider": "{}",
    "money.region": "{}",
    "money.term": "{}",
    "money.monthly_budget_usd": "at most {} a month",
    "money.usd_per_accelerator_hour": "{} an hour per GPU",
    "money.other_monthly_usd": "{} a month beside the GPUs",
}
_SHOWERS: Final[Mapping[str, Callable[[Any], str]]] = {
    "traffic.requests_per_s": show_rate,
    "traffic.peak_factor": show_figure,
    "traffic.burst": show_figure,
    "traffic.burstiness": show_figure,
    "traffic.hourly_profile": lambda values: str(len(values)),
    "traffic.growth_per_year": show_percent,
    "traffic.horizon_years": show_figure,
    "tokens.input.cv": show_figure,
    "tokens.input.values": lambda values: str(len(values)),
    "tokens.output.cv": show_figure,
    "tokens.output.values": lambda values: str(len(values)),
    "tokens.prefix_hit": show_percent,
    "precision.weights": precision_shown,
    "precision.kv_cache": precision_shown,
    "money.term": lambda term: TERMS[term],
    "money.monthly_budget_usd": show_usd,
    "money.usd_per_accelerator_hour": show_usd,
    "money.other_monthly_usd": show_usd,
}
