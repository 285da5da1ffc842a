"""Rules about what serves: somebody answers, its accelerators are enough, and it is what the plan starts."""

import re
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from agent.deployment.replica import CONFIG_FILE, Replica
from agent.lint.documents import Document, Path
from agent.lint.findings import Finding, found
from agent.lint.packs import Pack, Query, Scaler
from agent.lint.servers import STARTS, Server, repository_of, same_value, served_models, spelt
from catalogs.catalog import Catalog, ResolvedModel
from catalogs.errors import InputError, quoted
from catalogs.records.versions import numbers_of
from engine.planning.phrases import counted

LEFT_OPEN: Final = re.compile(r"\bINPUT-[A-Z]")
"""What `plan export` writes where no plan knows a value."""
SPLITS: Final = ("--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size")
"""Flags that share a model out; each is 1 where it is left out."""
ALIKE: Final = 0.85
"""Of a flag that the plan does not have to one that is left out: a letter or two are misspelt."""


def server_findings(pack: Pack, servers: Sequence[Server]) -> Iterator[Finding]:
    """Yield what is wrong with servers whatever the plan, and what is left open."""
    for server in servers:
        count, asked = server.replicas, server.accelerators
        if count and count.value == 0 and all(one.kind == "HorizontalPodAutoscaler" for one in _scalers(server, pack)):
            sentence = f"{server.document.shown} has 0 replicas: nobody answers, and an HPA leaves 0 as it is"
            yield found("L14", server.document, count.path, sentence, "as many as the peak hour takes")
        needed = 1
        for flag in SPLITS[:2]:
            needed *= int(size) if (size := server.flags.get(flag, "1")).isdecimal() else 1
        if asked and server.pods and needed > asked.value * server.pods:
            sentence = f"its flags split the model over {needed} accelerators, and it asks for {asked.value}"
            on = f" on each of {server.pods} pods" if server.pods > 1 else ""
            yield found("L14", server.document, asked.path, sentence + on, "as many as its flags say")
    for document in pack.documents:
        for path, value in document.walk():
            if isinstance(value, str) and LEFT_OPEN.search(value):
                yield found("L15", document, path, f"{quoted(value)} is not filled in", "what your cluster has there")


def _scalers(server: Server, pack: Pack) -> list[Scaler]:
    """Return what scales a server: what names its object, or stands in the same document; any for a chart's values."""
    own = server.document.at(("metadata", "name"))
    return [one for one in pack.scalers if one.document is server.document or own in (None, one.target[2])]


def compared_with(replica: Replica, servers: Sequence[Server], catalog: Catalog) -> list[Server]:
    """Return the servers that are compared with a plan: those of its model, else those of which nobody can tell."""
    same = [one for one in servers if one.model and not _differs(one, replica, catalog)]
    objects = [one.document for one in same]
    with_workers = [one for one in servers if one in same or (not one.model and one.document in objects)]
    return with_workers or [one for one in servers if _resolved(one.model, catalog) is None]


def plan_findings(replica: Replica, pack: Pack, servers: Sequence[Server], catalog: Catalog) -> Iterator[Finding]:
    """Yield where servers are not what a plan starts."""
    compared = compared_with(replica, servers, catalog)
    for server in servers if not compared else ():
        sentence = f"{server.document.shown} serves {server.model}, and the plan is of {replica.plan.chosen.model_name}"
        yield found("L14", server.document, server.path, sentence, f"load {replica.model}, or give its own plan")
    for server in compared:
        yield from _weights(server, replica, catalog)
        yield from _replicas(server, replica, pack)
        yield from _devices(server, replica)
        yield from _flags(server, replica)
        yield from _runtime(server, replica, catalog)
        yield from _product(server.document, replica)
    if not servers:
        yield from _asked_of_others(replica, pack, catalog)


def _resolved(name: str, catalog: Catalog) -> ResolvedModel | None:
    try:
        return catalog.model(name) if name else None
    except InputError:
        return None


def _differs(server: Server, replica: Replica, catalog: Catalog) -> bool:
    """Return whether a server is known to serve another model, or cannot be told to serve the plan's."""
    known = _resolved(server.model, catalog)
    return server.model != replica.model and (known is None or known.model.id != replica.plan.chosen.model)


def _weights(server: Server, replica: Replica, catalog: Catalog) -> Iterator[Finding]:
    one, other = _resolved(server.model, catalog), _resolved(replica.model, catalog)
    if one and other and one.precision != other.precision:
        sentence = f"{server.model} holds weights in {one.precision}, and the plan loads {replica.model}"
        fix = f"load {replica.model}, or plan with --precision {one.precision}"
        yield found("L14", server.document, server.path, sentence, fix)


def _replicas(server: Server, replica: Replica, pack: Pack) -> Iterator[Finding]:
    count, fleet = server.replicas, replica.plan.fleet
    most = fleet.most_replicas
    number = count.value if count else 1 if server.is_counted else None
    if number and not _scalers(server, pack) and not fleet.replicas <= number <= most:
        place = count.path if count else ("spec",)
        takes = f"{number} replicas, and the plan has {fleet.replicas}{f' to {most}' if most > fleet.replicas else ''}"
        fix = f"replicas: {fleet.replicas}; where a scaler sets them, give its file too"
        yield found("L14", server.document, place, takes if count else f"no replicas, which is {takes}", fix)


def _devices(server: Server, replica: Replica) -> Iterator[Finding]:
    asked, planned = server.accelerators, replica.accelerators_per_pod
    what = f"the plan's replica has {planned} × {replica.plan.chosen.accelerator_name} a pod"
    if asked and asked.value != planned:
        sentence = f"{counted(asked.value, 'accelerator')} a pod, and {what}"
        yield found("L14", server.document, asked.path, sentence, f'"{planned}"')
    claims = server.document.at((*server.path, "resources", "claims"))
    if asked is None and server.is_counted and replica.plugin and not claims:
        fix = f'resources.limits: {{{replica.plugin.resource}: "{planned}"}}'
        yield found("L14", server.document, server.path, f"it asks for no accelerator, and {what}", fix)


def _flags(server: Server, replica: Replica) -> Iterator[Finding]:
    """Yield flags of the plan that are left out or have another value."""
    if not (STARTS.search(" ".join(server.words)) or server.words[:1] == (server.model,)):
        return  # of a script, or a worker that is told what to do
    planned = {
        spelt(one.flag): one
        for one in replica.words.flags
        if "$" not in one.value and one.value != CONFIG_FILE.rpartition("/")[2]
    }
    for flag, one in planned.items():
        value = server.flags.get(flag)
        if value is not None and one.value and "$" not in value and not same_value(value, one.value):
            sentence = f"{one.flag} is {value}, and the plan has {one.value}: {one.why}"
            yield found("L14", server.document, server.place_of(flag), sentence, f"{one.flag} {one.value}")
    for flag in SPLITS:
        if flag not in planned and server.flags.get(flag, "1") != "1":
            sentence = f"{flag} is {server.flags[flag]}, and the plan's replica is not split so"
            yield found("L14", server.document, server.place_of(flag), sentence, "leave it out")
    missing = [flag for flag in planned if flag not in server.flags]
    for flag in server.flags:
        if flag not in planned and (near := get_close_matches(flag, missing, n=1, cutoff=ALIKE)):
            missing.remove(near[0])
            sentence = f"{replica.runtime_shown} has no flag {flag}, and does not start with it"
            yield found("L14", server.document, server.place_of(flag), sentence, f"the nearest is {near[0]}")
    if without := [f"{planned[flag].flag} {planned[flag].value}".strip() for flag in missing]:
        sentence = f"it leaves out {' and '.join(without)}, with which the plan starts it"
        yield found("L14", server.document, server.path, sentence, "give them, so that no default of a version counts")


def _runtime(server: Server, replica: Replica, catalog: Catalog) -> Iterator[Finding]:
    """Yield that an image is another runtime's, or of another version."""
    place: Path = next((p for name in ("image", "tag") if server.document.at(p := (*server.path, name))), server.path)
    runtimes = [one for one in catalog.serving.values() if one.images_called(repository_of(server.image))]
    version = re.match(r"v?(\d+(?:\.\d+)+)", server.tag)
    planned = numbers_of(replica.version)
    if runtimes and replica.served not in runtimes:
        sentence = f"the image is {runtimes[0].name}'s, and the plan is of {replica.runtime_shown}"
        yield found("L14", server.document, place, sentence, f"{replica.repository}, or plan with {runtimes[0].id}")
    elif runtimes and version and numbers_of(version[1])[: len(planned)] != planned:
        sentence = f"the image is of {replica.served.name} {version[1]}, and the plan rests on {replica.version}"
        fix = f"its tag of {replica.version}, or plan with --runtime {replica.served.id}@{version[1]}"
        yield found("L14", server.document, place, sentence, fix)


def _product(document: Document, replica: Replica) -> Iterator[Finding]:
    """Yield that nodes of another accelerator are asked for."""
    products = replica.plugin.products if replica.plugin else {}
    own = products.get(replica.plan.chosen.accelerator)
    for path, value in document.walk():
        if own and isinstance(value, str) and value != own and value in products.values():
            sentence = f"nodes of {value} are asked for, and the plan is of {replica.plan.chosen.accelerator_name}"
            yield found("L14", document, path, sentence, own)


def unknown_names(replica: Replica, pack: Pack, servers: Sequence[Server], catalog: Catalog) -> Iterator[str]:
    """Yield the names that queries ask after and that may be the plan's model's, where nothing says what is served."""
    names = dict.fromkeys(name for _, name in _pinned(replica, pack) if name != replica.model)
    unknown = [name for name in names if not _resolved(name, catalog) and "$" not in name]
    if unknown and not served_models(servers):
        yield f"Whether {quoted(unknown[0])} is {replica.model} cannot be told: give the manifests that serve it too."


def _pinned(replica: Replica, pack: Pack) -> list[tuple[Query, str]]:
    """Return the names of models that queries ask after."""
    label = replica.served.model_label_in(replica.version)
    return [
        (query, matcher.value)
        for query in pack.queries
        for selector in query.selectors
        for matcher in selector.matchers
        if label and matcher.label == label and matcher.how == "="
    ]


def _asked_of_others(replica: Replica, pack: Pack, catalog: Catalog) -> Iterator[Finding]:
    """Yield that rules without a server ask after other models alone."""
    label, pinned = replica.served.model_label_in(replica.version), _pinned(replica, pack)
    known = [(query, name, _resolved(name, catalog)) for query, name in pinned]
    own = replica.model in {name for _, name in pinned}
    if known and not own and all(one and one.model.id != replica.plan.chosen.model for *_, one in known):
        query, name, _ = known[0]
        sentence = f"{quoted(name)} is asked after, and the plan is of {replica.plan.chosen.model_name}"
        fix = f'{label}="{replica.model}", or the plan of what is watched'
        yield found("L14", query.document, query.path, sentence, fix)
