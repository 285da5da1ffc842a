"""The workload as the report shows it: every value that was given or that the plan rests on, with its source."""

from collections.abc import Callable, Mapping
from typing import Any

from agent.report.blocks import Cell, Column, Table, Words
from agent.report.words import TERMS, metric_shown, precision_shown, source_shown
from catalogs.units import show_count, show_figure, show_percent, show_rate, show_seconds, show_usd
from engine.workload import DEFAULT_TOKEN_CV, Source, WorkloadSpec, flattened

Show = Callable[[Any], str]


def _tokens(value: float) -> str:
    return f"{show_count(value)} tokens"


def _times(value: float) -> str:
    return f"{show_figure(value)} ×"


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(values)


def _sample(values: tuple[float, ...]) -> str:
    return f"{len(values)} values"


_LABELS: dict[str, tuple[str, Show]] = {
    "traffic.requests_per_s": ("rate, mean", show_rate),
    "traffic.concurrency": ("requests in flight", show_count),
    "traffic.peak_factor": ("busiest hour over mean", _times),
    "traffic.burst": ("peak minute over peak hour", _times),
    "traffic.burstiness": ("burstiness (CV of arrivals)", show_figure),
    "traffic.growth_per_year": ("growth a year", show_percent),
    "traffic.horizon_years": ("horizon", lambda years: f"{show_figure(years)} years" if years != 1 else "1 year"),
    "traffic.calls_per_request": ("model calls per request", show_figure),
    "traffic.hourly_profile": ("hourly profile", _sample),
    "tokens.input.mean": ("prompt, mean", _tokens),
    "tokens.input.cv": ("prompt, CV", show_figure),
    "tokens.input.p95": ("prompt, p95", _tokens),
    "tokens.input.values": ("prompt, sample", _sample),
    "tokens.output.mean": ("answer, mean", _tokens),
    "tokens.output.cv": ("answer, CV", show_figure),
    "tokens.output.p95": ("answer, p95", _tokens),
    "tokens.output.values": ("answer, sample", _sample),
    "tokens.prefix_hit": ("prompt found in the cache", show_percent),
    "tokens.reasoning_tokens": ("reasoning per answer", _tokens),
    "model": ("model", str),
    "precision.weights": ("weights", precision_shown),
    "precision.kv_cache": ("KV cache", precision_shown),
    "serving.runtime": ("serving runtime", str),
    "serving.tensor_parallel": ("tensor parallelism", show_count),
    "serving.pipeline_parallel": ("pipeline parallelism", show_count),
    "serving.data_parallel": ("attention data parallelism", show_count),
    "serving.expert_parallel": ("expert parallelism", show_count),
    "serving.batch_cap": ("batch cap", show_count),
    "serving.context_window": ("context window", _tokens),
    "serving.token_budget": ("tokens per step", show_count),
    "serving.memory_utilisation": ("memory it may take", show_percent),
    "serving.utilisation_ceiling": ("utilisation ceiling", show_percent),
    "hardware.accelerators": ("accelerators", _listed),
    "hardware.excluded": ("accelerators excluded", _listed),
    "hardware.accelerators_per_node": ("accelerators per node", show_count),
    "hardware.accelerator_count": ("accelerators, given", show_count),
    "hardware.nodes": ("nodes, given", show_count),
    "hardware.replicas": ("replicas, given", show_count),
    "hardware.max_accelerators": ("accelerators, at most", show_count),
    "hardware.max_nodes": ("nodes, at most", show_count),
    "hardware.max_replicas": ("replicas, at most", show_count),
    "availability.spare_replicas": ("spare replicas", show_count),
    "availability.minimum_replicas": ("replicas, at least", show_count),
    "scaling.scrape_s": ("metric scrape", show_seconds),
    "scaling.poll_s": ("autoscaler poll", show_seconds),
    "scaling.controller_s": ("controller sync", show_seconds),
    "scaling.metric_window_s": ("metric window", show_seconds),
    "scaling.node_s": ("new node", show_seconds),
    "scaling.image_s": ("container image", show_seconds),
    "scaling.weights_bytes_per_s": ("loading of weights", lambda rate: f"{show_figure(rate / 1e9)} GB/s"),
    "scaling.warm_up_s": ("warm-up", show_seconds),
    "scaling.ready_s": ("readiness", show_seconds),
    "money.provider": ("provider", str),
    "money.region": ("region", str),
    "money.term": ("term", lambda term: TERMS[term]),
    "money.usd_per_accelerator_hour": ("price per accelerator hour", show_usd),
    "money.monthly_budget_usd": ("budget a month", show_usd),
    "money.other_monthly_usd": ("other costs a month", show_usd),
    "money.amortisation_years": ("amortised over", lambda years: f"{show_figure(years)} years"),
    "money.usd_per_kwh": ("electricity per kWh", show_usd),
    "money.overhead_share": ("overhead of owning", show_percent),
    "money.grid_g_co2e_per_kwh": ("grid, gCO2e per kWh", show_figure),
    "band": ("error bands", lambda level: f"{level} %"),
}

_QUIET_DEFAULTS = (
    "tokens.reasoning_tokens",
    "traffic.calls_per_request",
    "scaling.",
    "money.other_monthly_usd",
    "money.amortisation_years",
    "money.usd_per_kwh",
    "money.overhead_share",
    "band",
)
"""Not shown unless someone stated them: they change nothing by default, or stand elsewhere in the report."""


def workload_table(spec: WorkloadSpec, sources: Mapping[str, Source]) -> Table:
    """Return the values of a spec with the source of each."""
    rows: list[tuple[Cell, ...]] = []
    for path, value in flattened(spec.model_dump()).items():
        source = _source(path, sources)
        if path == "targets":
            rows += [
                (metric_shown(t.metric, t.percentile), show_seconds(t.seconds), _toned(source)) for t in spec.targets
            ]
        elif path == "architecture" and value is not None:
            rows.append(("architecture", "given, not from the catalog", _toned(source)))
        elif _is_shown(path, value, source):
            label, shower = _LABELS.get(path, (path.replace(".", ", ").replace("_", " "), str))
            rows.append((label, shower(value), _toned(source)))
        elif path in ("tokens.input.cv", "tokens.output.cv") and _has_default_spread(spec, path):
            rows.append((_LABELS[path][0], show_figure(DEFAULT_TOKEN_CV), _toned(None)))
    return Table((Column(""), Column("", spoken="bare"), Column("source", wraps=True, spoken="bare")), tuple(rows))


def _is_shown(path: str, value: object, source: Source | None) -> bool:
    if value is None or value == ():
        return False
    return source is not None or not path.startswith(_QUIET_DEFAULTS)


def _has_default_spread(spec: WorkloadSpec, path: str) -> bool:
    tokens = spec.tokens.input if "input" in path else spec.tokens.output
    return tokens.cv is None and tokens.p95 is None and not tokens.values


def _source(path: str, sources: Mapping[str, Source]) -> Source | None:
    """Return the source of a path, or of what it is a part of."""
    while path not in sources and "." in path:
        path = path.rpartition(".")[0]
    return sources.get(path)


def _toned(source: Source | None) -> Cell:
    shown = source_shown(source)
    return Words(shown, "quiet") if source is None or source.kind == "default" else shown
