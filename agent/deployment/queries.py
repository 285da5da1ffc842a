"""Queries of a fleet's metrics, by runtime and version: each yields one series, and names its namespace and model."""

import json
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from agent.deployment.replica import NAMESPACE, Replica
from catalogs.errors import InputError
from catalogs.records.serving import Metric, Role
from engine.workload import PERCENTILE_SHARES, Percentile, Target
from engine.workload import Metric as Latency

Query = Callable[[str], str]
"""A query of one metric, by its name."""


class Queries(Struct, frozen=True):
    """What is asked of Prometheus about one fleet."""

    replica: Replica
    window: str
    """Over which metrics are averaged: '60s'."""
    namespace: str = NAMESPACE

    @property
    def labels(self) -> str:
        """The matchers of every selector: the namespace, and the model by its label or else by its pods."""
        label = self.replica.served.model_label_in(self.replica.version)
        model = f"{label}={text(self.replica.model)}" if label else f"pod=~{text(f'{self.replica.name}-.*')}"
        return f"namespace={text(self.namespace)},{model}"

    def metric(self, role: Role) -> Metric | None:
        """Return the metric with a role in the version that runs."""
        return self.replica.served.metric(role, self.replica.version)

    def needed(self, role: Role) -> Metric:
        """Return the metric with a role.

        Raises:
            InputError: the version has none.
        """
        metric = self.metric(role)
        if metric is None:
            raise InputError(f"{self.replica.runtime_shown} emits nothing that says {role.replace('_', ' ')}")
        return metric

    @property
    def metrics(self) -> Iterator[Metric]:
        """The metrics that rules and alerts use."""
        for role in ("running", "waiting", "kv_cache_usage", "ttft", "itl", "e2e", "requests", "preemptions"):
            if metric := self.metric(role):
                yield metric

    def in_flight(self) -> str:
        """Return the query of requests running or waiting in the whole fleet, averaged over the window."""
        if self.metric("running") is None:
            # Little's law: what is done by the second, times how long each took.
            return self.total(self.needed("e2e"), "_sum")
        return f"{self.total(self.needed('running'))} + {self.total(self.needed('waiting'))}"

    def waiting(self) -> str | None:
        """Return the query of waiting requests in the whole fleet; None where the runtime does not tell."""
        metric = self.metric("waiting")
        return None if metric is None else self.total(metric)

    def rate(self) -> str:
        """Return the query of requests/s that end in the whole fleet; 0 where none did yet, as long as it lives."""
        rate = self.total(self.needed("requests"))
        alive = self.metric("running") or self.metric("e2e")
        suffix = "_sum" if alive and alive.kind == "histogram" else ""
        return f"({rate} or 0 * {self.total(alive, suffix)})" if alive else rate

    def kv_cache_usage(self) -> str | None:
        """Return the query of the mean share of the KV pools in use; None where the runtime does not tell."""
        metric = self.metric("kv_cache_usage")
        return None if metric is None else self._aggregated("avg", metric, "")

    def kv_cache_pods(self) -> str | None:
        """Return the query of pods' worth of full KV pools."""
        metric = self.metric("kv_cache_usage")
        if metric is None:
            return None
        return self._either(metric, lambda name: f"sum(avg by (pod) ({self._gauge(name)}))")

    def preemptions(self) -> str | None:
        """Return the query of preemptions/s; None where the runtime does not tell."""
        metric = self.metric("preemptions")
        return None if metric is None else self.total(metric)

    def quantile(self, latency: Latency, percentile: Percentile, window: str = "5m") -> str:
        """Return the query of a latency's mean or percentile over the whole fleet, seconds.

        Args:
            latency: ttft, itl or e2e.
        """
        metric = self.needed(latency)
        if percentile == "mean":
            return f"{self.counted(metric, '_sum', window)} / {self.counted(metric, '_count', window)}"
        share = PERCENTILE_SHARES[percentile]
        return self._either(
            metric,
            lambda name: f"histogram_quantile({share:g}, sum by (le) (rate({name}_bucket{{{self.labels}}}[{window}])))",
        )

    def beyond(self, target: Target, seconds: float, window: str) -> str:
        """Return the query of the share of requests that took longer than a bucket's bound.

        Args:
            seconds: the bound.
        """
        metric = self.needed(target.metric)
        within = self.counted(metric, "_bucket", window, bound_matcher(seconds))
        return f"1 - ({within}) / ({self.counted(metric, '_count', window)})"

    def counted(self, metric: Metric, suffix: str, window: str, matcher: str = "") -> str:
        """Return the query of a counter's rate over the fleet.

        Args:
            suffix: of a histogram: _sum, _count or _bucket.
            matcher: beside the usual ones.
        """
        more = f",{matcher}" if matcher else ""
        return self._either(metric, lambda name: f"sum(rate({name}{suffix}{{{self.labels}{more}}}[{window}]))")

    def total(self, metric: Metric, suffix: str = "") -> str:
        """Return the query of a metric summed over the fleet, averaged over the window."""
        return self._aggregated("sum", metric, suffix)

    def absent(self, metric: Metric, suffix: str = "", matcher: str = "") -> str:
        """Return the query that yields 1 where a metric has no series.

        Args:
            suffix: of a histogram's series; its count where none is given.
            matcher: beside the usual ones.
        """
        more, end = f",{matcher}" if matcher else "", suffix or metric.series[-1].removeprefix(metric.name)
        names = [metric.name, *self._others(metric)]
        return " and ".join(f"absent({name}{end}{{{self.labels}{more}}})" for name in names)

    def _aggregated(self, how: str, metric: Metric, suffix: str) -> str:
        if metric.kind == "gauge":
            return self._either(metric, lambda name: f"{how}({self._gauge(name)})")
        return self._either(metric, lambda name: f"{how}(rate({name}{suffix}{{{self.labels}}}[{self.window}]))")

    def _gauge(self, name: str) -> str:
        averaged = f"avg_over_time({name}{{{self.labels}}}[{self.window}])"
        if self.replica.served.tensor_ranks and self.replica.ranks > 1:
            return f"max by (pod, {self.replica.served.rank_label}) ({averaged})"
        return averaged

    def _others(self, metric: Metric) -> list[str]:
        served = self.replica.served
        return [
            other + metric.name.removeprefix(prefix)
            for prefix, other in served.other_prefixes.items()
            if other == served.tolerates_prefix and metric.name.startswith(prefix)
        ]

    def _either(self, metric: Metric, query: Query) -> str:
        """Return a query of the metric, or of its other name where that one is stored."""
        queries = [query(name) for name in (metric.name, *self._others(metric))]
        return queries[0] if len(queries) == 1 else f"({' or '.join(queries)})"


def text(value: str) -> str:
    """Return a text as PromQL quotes it."""
    return json.dumps("".join(char if char.isprintable() else "?" for char in value), ensure_ascii=False)


def bound_matcher(seconds: float) -> str:
    """Return the matcher of a bucket's bound as clients write it: '2.0' or '2'."""
    shown = f"{seconds:g}"
    escaped = shown.replace(".", "[.]")
    return f'le=~"{escaped}"' if "." in shown else f'le=~"{escaped}([.]0)?"'


WINDOW_LEAST: Final = 4
"""Scrapes that a rate's window should hold: two lie in it even where one fails."""


def queries_of(replica: Replica) -> Queries:
    """Return the queries of a plan's fleet, over its metric window or four scrapes, whichever is longer."""
    scaling = replica.plan.spec.scaling
    seconds = max(scaling.metric_window_s, WINDOW_LEAST * scaling.scrape_s, 1.0)
    return Queries(replica, f"{seconds:.0f}s")
