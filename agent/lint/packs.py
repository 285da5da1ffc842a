"""What a pack of rules holds, whoever wrote it: queries, scalers, scrapes, probes, arguments."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from agent.lint.documents import Document, Path
from agent.lint.promql import Expression, Selector, parsed, selectors
from catalogs.errors import InputError

Purpose = Literal["trigger", "alert", "record", "panel", "series"]

WORKLOADS: Final = ("Deployment", "StatefulSet", "LeaderWorkerSet")
"""Kinds that hold replicas of pods."""


class Query(Struct, frozen=True):
    """A query and where it stands."""

    document: Document
    path: Path
    text: str
    purpose: Purpose
    tree: Expression | None
    """None where it cannot be read."""
    fault: str = ""
    """Why."""

    @property
    def selectors(self) -> tuple[Selector, ...]:
        """Its selectors."""
        return tuple(selectors(self.tree)) if self.tree is not None else ()


class Trigger(Struct, frozen=True):
    """A metric that scales a fleet."""

    document: Document
    path: Path
    """Of the object that holds the fields."""
    name: str
    query: Query | None
    """None where the metric is asked for by name."""
    threshold: float | None
    metric_type: str
    pod_metric: str = ""
    """Asked of the pods themselves, without a query."""


class Scaler(Struct, frozen=True):
    """An object that scales a fleet."""

    document: Document
    path: Path
    """Of the fields."""
    kind: str
    target: tuple[str, str, str]
    """Namespace, kind and name."""
    least: int | None
    most: int | None
    triggers: tuple[Trigger, ...]

    def field(self, name: str) -> Any:
        """Return a field of it."""
        return self.document.at((*self.path, name))

    def annotation(self, name: str) -> Any:
        """Return an annotation of the object."""
        return self.document.at(("metadata", "annotations", name))


class Named(Struct, frozen=True):
    """A metric that an HPA asks an adapter for, by its name and labels."""

    document: Document
    path: Path
    """Of its name and selector."""
    name: str
    labels: tuple[str, ...]


class Pack(Struct, frozen=True):
    """All documents that are looked at together."""

    documents: tuple[Document, ...]
    queries: tuple[Query, ...]
    scalers: tuple[Scaler, ...]
    named: tuple[Named, ...] = ()

    def of_kind(self, *kinds: str) -> Iterator[Document]:
        """Yield the objects of some kinds."""
        yield from (one for one in self.documents if isinstance(one.tree, dict) and one.tree.get("kind") in kinds)

    @property
    def arguments(self) -> str:
        """The words of all containers, as one text."""
        lists = (
            value
            for document in self.documents
            for path, value in document.walk()
            if path[-1:] in (("args",), ("command",), ("extraArgs",)) and isinstance(value, list)
        )
        return " ".join(str(word) for words in lists for word in words)


def pack_of(documents: Sequence[Document]) -> Pack:
    """Return what documents hold."""
    scalers = tuple(scaler for document in documents for scaler in _scalers(document))
    queries = [trigger.query for scaler in scalers for trigger in scaler.triggers if trigger.query]
    for document in documents:
        queries += _rule_queries(document)
    named = tuple(one for document in documents for one in _named(document))
    return Pack(tuple(documents), tuple(queries), scalers, named)


def _named(document: Document) -> Iterator[Named]:
    """Yield the metrics of an HPA that an adapter answers for."""
    if document.at(("kind",)) != "HorizontalPodAutoscaler":
        return
    for at, one in document.rows(("spec", "metrics")):
        path: Path = (*at, str(one.get("type", "")).lower(), "metric")
        name = document.at((*path, "name"))
        if isinstance(name, str):
            yield Named(document, path, name, tuple(document.table((*path, "selector", "matchLabels"))))


_LEFT_OPEN: Final = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
    |(?P<before>,?)\s*<<\s*\.(?P<adapter>LabelMatchers|GroupBy)\s*>>\s*(?P<after>,?)
    |(?P<range>\[\s*\$[^]]*\])
    |(?P<variable>\$\{?\w+(?::\w+)?\}?)""",
    re.VERBOSE,
)
"""What prometheus-adapter and Grafana fill into queries."""


def _filled(match: re.Match[str]) -> str:
    """Return something in its place that reads as what will stand there."""
    if match["adapter"]:
        if match["adapter"] == "GroupBy":
            return f"{match['before']}namespace{match['after']}"
        return "," if match["before"] and match["after"] else ""
    return match["text"] or ("[5m]" if match["range"] else "1")


def query_at(document: Document, path: Path, purpose: Purpose) -> Query | None:
    """Return the query that stands at a path."""
    text = document.at(path)
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        return Query(document, path, text, purpose, parsed(_LEFT_OPEN.sub(_filled, text)))
    except (InputError, RecursionError, ValueError) as error:
        return Query(document, path, text, purpose, None, str(error))


_PURPOSES: Final[Mapping[str, Purpose]] = {
    "alert": "alert", "record": "record", "refId": "panel", "legendFormat": "panel"
}  # fmt: skip
"""What the ``expr`` is for that stands beside a key."""


def _rule_queries(document: Document) -> Iterator[Query]:
    for path, value in document.walk():
        if not isinstance(value, dict):
            continue
        purpose = next((purpose for key, purpose in _PURPOSES.items() if key in value), None)
        if purpose and (query := query_at(document, (*path, "expr"), purpose)):
            yield query
        if "seriesQuery" in value:  # of prometheus-adapter
            asked = (query_at(document, (*path, name), "series") for name in ("seriesQuery", "metricsQuery"))
            yield from (one for one in asked if one and "<<.Series>>" not in one.text)


def _scalers(document: Document) -> Iterator[Scaler]:
    match document.at(("kind",)):
        case "ScaledObject":
            yield _scaled_object(document, ("spec",), "ScaledObject", _target(document, ("spec", "scaleTargetRef")))
        case "HorizontalPodAutoscaler":
            spec: Path = ("spec",)
            target = _target(document, (*spec, "scaleTargetRef"))
            yield Scaler(document, spec, "HorizontalPodAutoscaler", target, *_bounds(document, spec), ())
        case "PodAutoscaler":
            yield _aibrix(document)
        case "InferenceService":
            yield _inference_service(document)
        case "LLMInferenceService":
            if isinstance(document.at(("spec", "scaling")), dict):
                own = _itself(document, "LLMInferenceService")
                yield _scaled_object(document, ("spec", "scaling", "keda"), "LLMInferenceService", own)
        case _:
            # Values of charts whose template is a ScaledObject.
            for path, value in document.walk():
                if path and path[-1] == "keda" and isinstance(value, dict) and "triggers" in value:
                    name = str(document.at((*path[:-1], "name")))
                    yield _scaled_object(document, path, "keda", ("", "Deployment", name))


def _namespace(document: Document) -> str:
    return str(document.at(("metadata", "namespace")) or "")


def _target(document: Document, path: Path) -> tuple[str, str, str]:
    target = document.table(path)
    return _namespace(document), str(target.get("kind", "Deployment")), str(target.get("name"))


def _itself(document: Document, kind: str) -> tuple[str, str, str]:
    """Return the target of an object that scales itself."""
    return _namespace(document), kind, str(document.at(("metadata", "name")))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _scaled_object(document: Document, path: Path, kind: str, target: tuple[str, str, str]) -> Scaler:
    def bound(*names: str) -> int | None:
        places = (path, path[:-1])
        return next(
            (n for place in places for name in names if (n := _count(document.at((*place, name)))) is not None), None
        )

    triggers = [
        Trigger(
            document,
            at,
            str(one.get("name", f"trigger {int(at[-1]) + 1}")),
            query_at(document, (*at, "metadata", "query"), "trigger"),
            _number(document.at((*at, "metadata", "threshold"))),
            str(one.get("metricType", "AverageValue")),
        )
        for at, one in document.rows((*path, "triggers"))
        if one.get("type") == "prometheus"
    ]
    least, most = bound("minReplicaCount", "minReplicas"), bound("maxReplicaCount", "maxReplicas")
    return Scaler(document, path, kind, target, least, most, tuple(triggers))


def _bounds(document: Document, spec: Path) -> tuple[int | None, int | None]:
    """Return the least and the most replicas."""
    return _count(document.at((*spec, "minReplicas"))), _count(document.at((*spec, "maxReplicas")))


def _aibrix(document: Document) -> Scaler:
    spec: Path = ("spec",)
    triggers = tuple(
        Trigger(document, at, metric, None, _number(one.get("targetValue")), "AverageValue", pod_metric=metric)
        for at, one in document.rows((*spec, "metricsSources"))
        if one.get("metricSourceType") == "pod"
        for metric in [str(one.get("targetMetric"))]
    )
    target = _target(document, (*spec, "scaleTargetRef"))
    return Scaler(document, spec, "PodAutoscaler", target, *_bounds(document, spec), triggers)


def _inference_service(document: Document) -> Scaler:
    spec: Path = ("spec", "predictor")
    triggers = []
    for place, one in document.rows((*spec, "autoScaling", "metrics")):
        if one.get("type") == "External":
            at = (*place, "external")
            fields = document.table((*at, "target"))
            value = fields.get("averageValue", fields.get("value"))
            query = query_at(document, (*at, "metric", "query"), "trigger")
            kind = str(fields.get("type", "AverageValue"))
            triggers.append(Trigger(document, at, f"metric {int(place[-1]) + 1}", query, _number(value), kind))
    own = _itself(document, "InferenceService")
    return Scaler(document, spec, "InferenceService", own, *_bounds(document, spec), tuple(triggers))
