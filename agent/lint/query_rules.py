"""Rules about queries: metrics, labels, one series, buckets, pins."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from math import isclose
from typing import Final

from agent.deployment.alerts import BURNS, burn_limit
from agent.deployment.buckets import bucket_for
from agent.lint.documents import Document, Path
from agent.lint.findings import Finding, found
from agent.lint.packs import Named, Pack, Query, Trigger
from agent.lint.promql import Binary, Call, Expression, Number, Selector, selectors, yields_one
from agent.lint.reach_rules import ROUNDED, above
from agent.lint.servers import Server, served_models
from agent.lint.watched import Watched, adapters_name
from catalogs.errors import listed, quoted
from catalogs.records.serving import Family, Metric
from engine.workload import PERCENTILE_SHARES, Target

TARGET_LABELS: Final = frozenset(
    "__name__ le quantile namespace pod instance job container service endpoint node cluster prometheus region zone "
    "exported_namespace exported_pod kubernetes_namespace kubernetes_pod_name app component fleet".split()
)
"""Labels that a scrape adds, whatever is scraped."""
MODEL_LABELS: Final = frozenset({"model", "model_id", "served_model_name", "served_model", "modelname"})
ALIKE: Final = 0.95
"""Of a name that has not the runtime's prefix: one letter in 20 is misspelt."""
NAMESPACES: Final = frozenset({"namespace", "exported_namespace", "kubernetes_namespace"})
PODS: Final = frozenset("pod job service exported_pod kubernetes_pod_name app instance container".split())
"""Labels that may stand for the model where metrics have no label of it."""


def query_findings(pack: Pack, watched: Watched, servers: Sequence[Server] = ()) -> Iterator[Finding]:
    """Yield the faults of all queries.

    Args:
        servers: of the pack, whose names and namespaces queries may ask after.
    """
    spaces = {str(one.document.at(("metadata", "namespace")) or "") for one in servers}
    places, served = frozenset() if "" in spaces else frozenset(spaces), served_models(servers)
    scaled = {id(trigger.query): scaler.target[0] for scaler in pack.scalers for trigger in scaler.triggers}
    for query in pack.queries:
        own = scaled.get(id(query))
        yield from _other_place(query, places if own is None else frozenset({own} - {""}), served, watched)
        if query.tree is None:
            yield found("L0", query.document, query.path, query.fault, "write it as Prometheus reads it")
            continue
        for selector in query.selectors:
            yield from _metric(query, selector, watched)
        if query.purpose == "trigger" and not yields_one(query.tree):
            sentence = "the query may yield a series for each pod, and KEDA takes more than one for an error"
            yield found("L3", query.document, query.path, sentence, "wrap it in sum( )")
        yield from _buckets(query, pack, watched, servers)
    for scaler in pack.scalers:
        for trigger in scaler.triggers:
            if trigger.pod_metric:
                yield from _pod_metric(trigger, watched)
            yield from _milliseconds_of(trigger, watched)
    for one in pack.named:
        yield from _named(one, watched)


def own_metrics(selector: Selector, watched: Watched) -> list[Metric]:
    """Return the runtime's metrics that a selector means, of any version; by their names without a prefix none."""
    return watched.metrics_named(selector) if selector.name or selector.matchers else []


def _is_ours(selector: Selector, watched: Watched) -> bool:
    """Return whether a selector asks for something of the runtime, known or not."""
    prefixes = (*watched.served.other_prefixes, *watched.served.other_prefixes.values())
    return selector.name.startswith(prefixes) if prefixes and selector.name else bool(own_metrics(selector, watched))


def _metric(query: Query, selector: Selector, watched: Watched) -> Iterator[Finding]:
    metrics = own_metrics(selector, watched)
    if not metrics and not _is_ours(selector, watched) and not _nearest(selector.name, watched, ALIKE):
        return
    yield from _exists(query, selector, metrics, watched)
    yield from _prefix(query, selector, watched)
    if metrics:
        yield from _labels(query, selector, metrics, watched)
    yield from _pins(query, selector, watched)


def _exists(query: Query, selector: Selector, metrics: list[Metric], watched: Watched) -> Iterator[Finding]:
    name = selector.name
    if any(one.in_version(watched.version) for one in metrics):
        return
    if metrics:
        yield _gone(metrics[0], watched, query.document, query.path, str)
        return
    for one in watched.served.metrics:
        if one.kind == "histogram" and one.name == name:
            fix = f"{name}_bucket, {name}_sum or {name}_count"
            yield found("L1", query.document, query.path, f"{name} is a histogram, stored under other names", fix)
            return
    near = _nearest(name, watched, 0.6)
    fix = f"the nearest is {near}" if near else "see `fleetcast catalog`'s entry of the runtime"
    yield found("L1", query.document, query.path, f"{watched.shown} has no metric {quoted(name)}", fix)


def _nearest(name: str, watched: Watched, alike: float) -> str:
    """Return the runtime's series whose name is most like another, '' where none is so much alike."""
    known = [series for one in watched.served.metrics if one.in_version(watched.version) for series in one.series]
    return next(iter(get_close_matches(name, known, n=1, cutoff=alike)), "")


def _gone(metric: Metric, watched: Watched, document: Document, place: Path, spelt: Callable[[str], str]) -> Finding:
    """Return the fault of a metric that the version does not emit.

    Args:
        metric: of another version.
        place: where.
        spelt: a metric's name as it is written there.
    """
    when = f"is gone from {metric.before} on" if metric.before else f"comes with {metric.since}"
    instead = watched.served.metric(metric.role, watched.version) if metric.role else None
    other = instead.name if instead else metric.instead
    fix = f"use {spelt(other)}" if other else "leave it out"
    return found("L1", document, place, f"{spelt(metric.name)} {when}: {watched.shown} does not emit it", fix)


def _no_label(label: str, watched: Watched, document: Document, place: Path) -> Finding:
    model = watched.served.model_label_in(watched.version)
    meant = label.lower() in MODEL_LABELS and model
    fix = f"use {model}" if meant else f"the labels are {', '.join(watched.served.labels)}"
    sentence = f"{watched.served.name} has no label {quoted(label)}: unless a relabeling adds it, nothing matches"
    return found("L2", document, place, sentence, fix)


def _prefix(query: Query, selector: Selector, watched: Watched) -> Iterator[Finding]:
    for prefix, other in watched.served.other_prefixes.items():
        if selector.name.startswith(other) and not selector.name.startswith(prefix):
            rest = selector.name.removeprefix(other)
            if any(one.name.startswith(prefix + rest) for one in query.selectors):
                continue  # both are asked for
            sentence = f"{watched.served.name} itself emits {prefix}{rest}; {other} is that of a gateway or a wrapper"
            fix = f'{prefix}{rest}, or both: {{__name__=~"{prefix[:-1]}[{prefix[-1]}{other[-1]}]{rest}"}}'
            if prefix[:-1] != other[:-1]:
                fix = f"{prefix}{rest}, unless it is scraped through that"
            yield found("L6", query.document, query.path, sentence, fix)


def _labels(query: Query, selector: Selector, metrics: list[Metric], watched: Watched) -> Iterator[Finding]:
    known, model = _known_labels(metrics, watched), watched.served.model_label_in(watched.version)
    for matcher in selector.matchers:
        label = matcher.label
        if label == watched.served.model_label and not model and matcher.value:
            fix = 'pin the pods instead: pod=~"NAME-.*"'
            sentence = f"{watched.shown} leaves the label {label} undefined: nothing matches, which reads as 0"
            yield found("L2", query.document, query.path, sentence, fix)
        elif label not in known:
            yield _no_label(label, watched, query.document, query.path)


def _pins(query: Query, selector: Selector, watched: Watched) -> Iterator[Finding]:
    if query.purpose in ("panel", "series"):
        return
    labels = {matcher.label for matcher in selector.matchers}
    model = watched.served.model_label_in(watched.version)
    pinned = {"namespace": labels & NAMESPACES, model or "pod": labels & (({model} if model else PODS) | MODEL_LABELS)}
    if missing := [name for name, by in pinned.items() if not by]:
        name = selector.name or "the selector"
        sentence = f"{name} pins no {' and no '.join(missing)}: whatever else this Prometheus scrapes is counted too"
        fix = "add " + ", ".join(f'{label}="…"' for label in missing)
        yield found("L11", query.document, query.path, sentence, fix)


def _other_place(query: Query, places: frozenset[str], served: frozenset[str], watched: Watched) -> Iterator[Finding]:
    """Yield that a query asks after another namespace than its fleet's, or a model that the pack does not serve.

    Args:
        query: of a trigger, an alert, a record or a panel; what a dashboard's variable fills in is left alone.
        places: namespaces of the fleet; empty where they are not known.
        served: names under which models are served, likewise.
    """
    ours = any(own_metrics(selector, watched) for selector in query.selectors)
    for selector in query.selectors if ours else ():
        for matcher in selector.matchers if selector.name else ():
            if matcher.how != "=" or not matcher.value or re.search(r"\$|<<|\{\{", matcher.value):
                continue
            elsewhere = matcher.label in NAMESPACES and places and matcher.value not in places
            another = matcher.label == watched.served.model_label and served and matcher.value not in served
            if elsewhere or another:
                what = f"runs in {listed(sorted(places))}" if elsewhere else f"serves {listed(sorted(served))}"
                sentence = f"{selector.name} is asked of {matcher.label} {quoted(matcher.value)}, and the fleet {what}"
                fix = f'{matcher.label}="{min(places if elsewhere else served)}"'
                yield found("L11", query.document, query.path, sentence, fix)


def _named(one: Named, watched: Watched) -> Iterator[Finding]:
    """Yield the faults of a metric that an HPA asks an adapter for: a name that is gone, a label that never was."""
    spelt = adapters_name(one.name)
    metrics = [m for m in watched.served.metrics if spelt in map(adapters_name, (m.name, *m.series))]
    if not metrics:
        return
    if not any(metric.in_version(watched.version) for metric in metrics):
        yield _gone(metrics[0], watched, one.document, (*one.path, "name"), str)
    for label in one.labels:
        if label not in _known_labels(metrics, watched):
            yield _no_label(label, watched, one.document, (*one.path, "selector", "matchLabels", label))


def _known_labels(metrics: list[Metric], watched: Watched) -> set[str]:
    """Return the labels that series of metrics may have."""
    return {*TARGET_LABELS, *watched.served.labels, *(label for one in metrics for label in one.labels)}


def _pod_metric(trigger: Trigger, watched: Watched) -> Iterator[Finding]:
    """Yield the fault of a metric that is asked of pods by its name without a prefix."""
    name = trigger.pod_metric
    named = [one for one in watched.served.metrics if name in (one.name, one.name.rpartition(":")[2])]
    place = (*trigger.path, "targetMetric")
    if any(one.in_version(watched.version) for one in named):
        return
    if named:
        yield _gone(named[0], watched, trigger.document, place, lambda full: full.rpartition(":")[2])
        return
    known = [one.name.rpartition(":")[2] for one in watched.served.metrics if one.in_version(watched.version)]
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    fix = f"the nearest is {near[0]}" if near else f"one of {', '.join(known[:4])} …"
    yield found("L1", trigger.document, place, f"{watched.shown} has no metric {quoted(name)}", fix)


# --- buckets ---


def _buckets(query: Query, pack: Pack, watched: Watched, servers: Sequence[Server]) -> Iterator[Finding]:
    if query.purpose not in ("alert", "trigger"):
        return
    for selector in query.selectors:
        family = _family(selector, watched)
        bound = _bound(selector)
        if family and bound is not None and not _is_bucket(bound, family, pack, watched, servers):
            yield _no_bucket(query, bound, family, watched, "no series has this le, so that the ratio is of nothing")
        elif family and (spelt := _misspelt(selector)):
            sentence = f"le is a text, {spelt}, and clients write floats: no series has it, and the ratio is of nothing"
            yield found("L9", query.document, query.path, sentence, f'le="{float(spelt)}"')
    assert query.tree is not None
    for named, threshold in _quantile_thresholds(query.tree):
        family = _family(named, watched)
        if family and threshold >= MILLISECONDS[family]:
            yield _milliseconds(query.document, query.path, threshold, family)
        elif family and threshold > 0 and not _is_bucket(threshold, family, pack, watched, servers):
            yield _no_bucket(query, threshold, family, watched, "the quantile is interpolated there")
    if query.purpose == "alert" and watched.plan is not None:
        yield from _budgets(query, query.tree, watched.plan.spec.targets, watched)
    for named, threshold in _mean_thresholds(query.tree):
        family = _family(named, watched)
        if family and threshold >= MILLISECONDS[family]:
            yield _milliseconds(query.document, query.path, threshold, family)


def _budgets(query: Query, tree: Expression, targets: Sequence[Target], watched: Watched) -> Iterator[Finding]:
    """Yield that the share of slow requests must be larger than any burn of a target's budget is alerted at."""
    for share, bound in above(tree):
        families = {_family(one, watched) for one in selectors(share) if _bound(one) is not None}
        held = [one for one in targets if one.metric in families and one.percentile != "mean"]
        if not held:
            continue
        budget = 1 - PERCENTILE_SHARES[held[0].percentile]
        most = burn_limit(BURNS[0], budget)
        if bound > most * (1 + ROUNDED):
            sentence = (
                f"it fires above a share of {bound:g}, and the budget of {held[0].metric.upper()} "
                f"{held[0].percentile} is {budget:.2g}: no burn of it is alerted so late"
            )
            yield found("L8", query.document, query.path, sentence, f"{most:.3g} over {BURNS[0].long} at the most")


MILLISECONDS: Final[Mapping[Family, float]] = {"ttft": 100.0, "itl": 5.0, "e2e": 10_000.0}
"""Seconds that nobody waits for: a threshold from here on is one in milliseconds."""


def _milliseconds(document: Document, place: Path, threshold: float, family: Family) -> Finding:
    sentence = f"{threshold:g} is held against {family.upper()} in seconds, and looks like milliseconds: it never fires"
    return found("L9", document, place, sentence, f"use {threshold / 1000:g}")


def _milliseconds_of(trigger: Trigger, watched: Watched) -> Iterator[Finding]:
    tree = trigger.query.tree if trigger.query else None
    if isinstance(tree, Call) and tree.function == "histogram_quantile" and trigger.threshold:
        for selector in selectors(tree):
            family = _family(selector, watched)
            if family and trigger.threshold >= MILLISECONDS[family]:
                place = (*trigger.path, "metadata", "threshold")
                yield _milliseconds(trigger.document, place, trigger.threshold, family)


def _no_bucket(query: Query, seconds: float, family: Family, watched: Watched, why: str) -> Finding:
    bounds = watched.served.buckets[family]
    below = max((bound for bound in bounds if bound < seconds), default=None)
    above = min((bound for bound in bounds if bound > seconds), default=None)
    near = " or ".join(f"{bound:g}" for bound in (below, above) if bound is not None)
    flag = watched.served.bucket_flag(family, watched.version)
    fix = f"use {near}" + (f", or make it a bucket with {flag.flag}" if flag else "")
    sentence = f"{seconds:g} s is no bucket of {watched.served.name}'s {family.upper()} histogram: {why}"
    return found("L9", query.document, query.path, sentence, fix)


def _family(selector: Selector, watched: Watched) -> Family | None:
    for one in own_metrics(selector, watched):
        if one.role in ("ttft", "itl", "e2e"):
            return one.role
    return None


def _bound(selector: Selector) -> float | None:
    """Return the bound that a selector picks; None where it picks none, or all."""
    for matcher in selector.matchers:
        if matcher.label == "le" and matcher.how in ("=", "=~"):
            text = matcher.value.replace("[.]", ".").replace("\\.", ".").replace("(.0)?", "").replace(".0?", "")
            try:
                bound = float(text)
            except ValueError:
                return None
            return None if bound == float("inf") else bound
    return None


def _is_bucket(seconds: float, family: Family, pack: Pack, watched: Watched, servers: Sequence[Server]) -> bool:
    bounds = set(watched.served.buckets[family])
    if watched.plan is not None and not any(one.words for one in servers):  # which would say so themselves
        targets = (target for target in watched.plan.spec.targets if target.metric == family)
        bounds |= {one.seconds for one in targets if bucket_for(one, watched.served, watched.version).flagged}
    flag = watched.served.bucket_flag(family, watched.version)
    # A flag in the manifests that are looked at sets others: what it says is not read, a number in it will do.
    if flag and flag.flag in pack.arguments and f"{seconds:g}" in pack.arguments:
        return True
    return any(isclose(bound, seconds, rel_tol=1e-9) for bound in bounds)


def _quantile_thresholds(tree: Expression) -> Iterator[tuple[Selector, float]]:
    """Yield the selectors of quantiles that are compared with a constant, and the constant."""
    match tree:
        case Binary(">" | ">=" | "<" | "<=", Call("histogram_quantile", arguments), Number(threshold)):
            for selector in selectors(arguments[-1]):
                yield selector, threshold
        case Binary(_, left, right):
            yield from _quantile_thresholds(left)
            yield from _quantile_thresholds(right)


def _mean_thresholds(tree: Expression) -> Iterator[tuple[Selector, float]]:
    """Yield the sums of histograms that are divided by their counts and compared with a constant, and the constant."""
    match tree:
        case Binary(">" | ">=" | "<" | "<=", Binary("/", total, _), Number(threshold)):
            for selector in selectors(total):
                if selector.name.endswith("_sum"):
                    yield selector, threshold
        case Binary("and" | "or" | "unless", left, right):
            yield from _mean_thresholds(left)
            yield from _mean_thresholds(right)


def _misspelt(selector: Selector) -> str:
    """Return a bound that is asked for in another spelling than a float's; '' where none is."""
    for matcher in selector.matchers:
        if matcher.label == "le" and matcher.how == "=" and (bound := _bound(selector)) is not None:
            return matcher.value if matcher.value != str(bound) else ""
    return ""
