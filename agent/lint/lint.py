"""Packs of rules looked through: texts in, faults out, with what was read and what it was held against."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from agent.deployment.replica import replica_of
from agent.lint.documents import Document, documents_in
from agent.lint.findings import Finding
from agent.lint.object_rules import object_findings
from agent.lint.packs import Pack, pack_of
from agent.lint.pod_rules import drain_findings, image_findings, plan_pod_findings, pod_findings
from agent.lint.port_rules import port_findings
from agent.lint.query_rules import query_findings
from agent.lint.reach_rules import reach_findings
from agent.lint.server_rules import compared_with, plan_findings, server_findings, unknown_names
from agent.lint.servers import Server, servers_in
from agent.lint.watched import Watched, watched_by
from catalogs.catalog import Catalog
from catalogs.errors import InputError, listed, quoted
from engine.plan import CapacityPlan, LoadPoint

TO_FILL_IN: Final = re.compile(r"#\s*INPUT\b")
"""Begins a comment of `plan export` beside a value that may be another's."""

SOME: Final = 5
"""Lines that are named of many."""


class Look(Struct, frozen=True):
    """What a look through files found."""

    faults: tuple[Finding, ...]
    read: tuple[str, ...]
    """Objects about which rules say something: 'ScaledObject llama (3 queries)'."""
    not_read: tuple[str, ...]
    """The others."""
    notes: tuple[str, ...]
    """What they were held against, and what could not be told."""


def linted(
    texts: Mapping[str, str],
    catalog: Catalog,
    *,
    engine: str = "",
    plan: CapacityPlan | None = None,
    curve: Sequence[LoadPoint] = (),
) -> Look:
    """Return the faults of files that are deployed together, by file and line, and what was read.

    Args:
        texts: by file name.
        engine: the runtime that is watched and its version, 'vllm@0.12'; else the plan's, else that whose metrics
            are named, in its newest version.
        plan: that is deployed; without one the rules are held as far as they go.
        curve: one replica at rising loads, instead of the plan's.

    Raises:
        InputError: a file is no YAML, or holds nothing of a pack; the runtime is not known.
    """
    documents = [document for file, text in texts.items() for document in documents_in(text, file)]
    pack, servers = pack_of(documents), servers_in(documents, catalog)
    read = _read(pack, servers)
    if not read:
        holds = f": it has {listed([one.shown for one in documents[:3]])}" if documents else ""
        raise InputError(
            f"there is nothing to look through in {listed([*map(quoted, texts)])}{holds}; give manifests whose "
            "containers serve a model, scalers, probes, scrapes, rules or dashboards in YAML or JSON"
        )
    watched = watched_by(pack, catalog, engine, plan, curve)
    faults = [*object_findings(pack, watched), *(query_findings(pack, watched, servers) if watched else ())]
    faults += [*server_findings(pack, servers), *port_findings(pack, servers), *reach_findings(pack, watched, servers)]
    faults += pod_findings(pack, servers, catalog)
    compared: Sequence[Server] = ()
    notes = [*_notes(watched, plan), *_comments(texts)]
    if plan is not None:
        try:
            replica = replica_of(plan, catalog)
            compared = compared_with(replica, servers, catalog)
            faults += [*plan_findings(replica, pack, servers, catalog), *plan_pod_findings(replica, compared)]
            faults += [*drain_findings(compared, catalog, replica), *image_findings(compared, catalog, replica)]
            notes += unknown_names(replica, pack, servers, catalog)
            notes += _comparison(servers, compared, replica.model)
        except InputError as error:
            notes.append(f"What serves is not compared with the plan: {error}.")
    rest_of = [one for one in servers if one not in compared]
    faults += [*drain_findings(rest_of, catalog, None), *image_findings(rest_of, catalog, None)]
    order = list(texts)
    unique = dict.fromkeys((order.index(one.file), one.line, int(one.rule[1:]), one) for one in faults)
    ordered = tuple(finding for *_, finding in sorted(unique, key=lambda key: key[:3]))
    rest = tuple(one.shown for one in documents if not any(one is other for other in read))
    return Look(ordered, tuple(_shown(one, pack) for one in read), rest, tuple(dict.fromkeys(notes)))


def _read(pack: Pack, servers: Sequence[Server]) -> list[Document]:
    """Return the documents of which some rule says something."""
    holders = [pack.queries, pack.scalers, pack.named, servers]
    held = {id(one.document) for group in holders for one in group}  # type: ignore[attr-defined]  # all have one
    led = {id(one) for one in pack.of_kind("Service")} if servers else set()
    return [one for one in pack.documents if id(one) in held | led or _is_probed(one)]


def _is_probed(document: Document) -> bool:
    names = ("livenessProbe", "startupProbe", "podMetricsEndpoints", "podmonitor", "prometheus.io/path")
    monitor = document.at(("kind",)) in ("ServiceMonitor", "InferenceModel")
    return monitor or any(path and path[-1] in names for path, _ in document.walk())


def _shown(document: Document, pack: Pack) -> str:
    queries = sum(query.document is document for query in pack.queries)
    held = f" ({'1 query' if queries == 1 else f'{queries} queries'})" if queries else ""
    return f"{document.shown}{held}"


def _notes(watched: Watched | None, plan: CapacityPlan | None) -> Iterator[str]:
    if watched is None:
        yield "No runtime is known by its metrics, so that none of them is looked at; --engine vllm@0.12 names one."
    else:
        yield f"Metrics, labels and paths are held against {watched.shown}{'' if watched.version else ', the newest'}."
    if plan is None:
        yield "Replicas, accelerators, flags and thresholds are compared with nothing: --plan plan.json has them."


def _comparison(servers: Sequence[Server], compared: Sequence[Server], model: str) -> Iterator[str]:
    if not servers:
        yield "No container is among them that serves a model: give the manifests to compare them with the plan too."
    for server in servers if compared else ():
        if server not in compared:
            yield f"{server.document.shown} serves {server.model}, and is not compared with the plan."
    for server in compared:
        if server.model != model:
            yield f"Whether {server.document.shown} loads {model} cannot be told: {server.model or 'nothing'} is said."


def _comments(texts: Mapping[str, str]) -> Iterator[str]:
    for file, text in texts.items():
        lines = [number for number, line in enumerate(text.splitlines(), 1) if TO_FILL_IN.search(line)]
        if lines:
            more = f" and {len(lines) - SOME} more" if len(lines) > SOME else ""
            where = f"{file}:{', '.join(map(str, lines[:SOME]))}{more}"
            yield f"Look whether what stands beside a comment INPUT is yours: {where}."
