"""Rules about pods that serve: they can run, their answers end before they do, and what they load and link is there."""

import re
from collections.abc import Iterator, Sequence
from math import ceil, inf
from typing import Any, Final

from agent.deployment.objects import DRAIN_S, EXIT_S, LEAST_GRACE_S
from agent.deployment.replica import Replica
from agent.lint.documents import Document, Path
from agent.lint.findings import Finding, found
from agent.lint.packs import Pack
from agent.lint.servers import Server, repository_of
from catalogs.catalog import Catalog
from catalogs.units import show_bytes, show_figure, show_seconds

COMPOSE_GRACE_S: Final = 10
"""Before Compose ends a container where nothing is said."""
LOST_WITH_POD: Final = frozenset({"name", "emptyDir", "configMap", "secret", "downwardAPI", "projected"})
"""Kinds of volumes that no new pod finds filled."""
NO_NETWORK: Final = re.compile(r"cpu|memory|ephemeral-storage|hugepages-.*")
"""Resources beside accelerators that are no fast network."""
ACCESS: Final = ("devices", "privileged", "runtime")
"""Fields by which a service of Compose reaches accelerators."""


def pod_findings(pack: Pack, servers: Sequence[Server], catalog: Catalog) -> Iterator[Finding]:
    """Yield what is wrong with pods whatever the plan.

    Args:
        pack: all that is looked through.
    """
    for document in pack.documents:
        yield from _mounts(document)
        yield from _topology(document, catalog)
    for server in servers:
        yield from _copied(server)
        for served in server.runtimes(catalog):
            if served.metrics_flags and served.metrics_flags not in server.flags and pack.queries:
                sentence = f"{served.name} emits no metrics without {served.metrics_flags}, and queries ask after them"
                yield found("L1", server.document, server.path, sentence, served.metrics_flags)


def plan_pod_findings(replica: Replica, servers: Sequence[Server]) -> Iterator[Finding]:
    """Yield where pods are not what a plan's forecast rests on."""
    for server in servers:
        yield from _kept(server, replica)
        yield from _linked(server, replica)
        yield from _reached(server, replica)


def image_findings(servers: Sequence[Server], catalog: Catalog, replica: Replica | None) -> Iterator[Finding]:
    """Yield images for other accelerators than those that are asked for.

    Args:
        replica: of the plan, whose accelerators count where a server names none; None without one.
    """
    for server in servers:
        named = (one for one in catalog.device_plugins.values() if server.resource and one.resource == server.resource)
        plugin = next(named, None)
        asked = [one for one in catalog.accelerators.values() if plugin and plugin.devices.holds(one)]
        asked = asked or ([replica.accelerator] if replica else [])
        images = [i for one in catalog.serving.values() for i in one.images_called(repository_of(server.image))]
        if asked and images and not any(image.holds(one) for image in images for one in asked):
            place = next((p for name in ("image", "repository") if server.document.at(p := (*server.path, name))), ())
            whose = " and ".join(images[0].vendors or images[0].architectures)
            others = (image for one in server.runtimes(catalog) if (image := one.image_for(asked[0])))
            fix = next((image.repository for image in others), "an image of it for them")
            sentence = f"the image is for {whose}, and {server.resource or asked[0].name} is what it runs on"
            yield found("L16", server.document, place or server.path, sentence, fix)


def drain_findings(servers: Sequence[Server], catalog: Catalog, replica: Replica | None) -> Iterator[Finding]:
    """Yield that answers in flight do not end before a pod does.

    Args:
        replica: of the plan whose answers these are; None without one.
    """
    for server in servers:
        runtimes = server.runtimes(catalog)
        ends = _ends(server)
        if not runtimes or ends is None or "--headless" in server.flags or "ray" in server.words:
            continue
        place, grace, default = ends
        served, version = runtimes[0], re.match(r"v?(\d+(?:\.\d+)+)", server.tag)
        planned = replica.version if replica and replica.served is served else ""
        how = served.drains_by(version[1] if version and served.images_called(repository_of(server.image)) else planned)
        given = _seconds(server.flags.get(served.drain_flag))
        slept = _slept(server)
        waits = slept + {"itself": inf, "flag": given, "hook": 0.0}[how]
        longest = replica.plan.performance.at_peak.e2e_s.p99 if replica else None
        answer = f"p99 of a whole answer is {show_seconds(longest)}" if longest else "nothing gives it longer"
        if longest is not None and grace < longest:
            said = " by default" if default else ""
            sentence = f"a pod is ended after {grace:g} s{said}, and {answer}"
            fix = f"{place[-1]}: {ceil(longest) + DRAIN_S + EXIT_S}"
            yield found("L12", server.document, place, sentence, fix)
        elif waits < inf and given and slept + given > grace:
            sentence = f"a pod is ended after {grace:g} s, while {slept + given:g} s are left for answers in flight"
            yield found("L12", server.document, place, sentence, f"{place[-1]}: {ceil(slept + given) + EXIT_S}")
        elif waits < (longest or LEAST_GRACE_S) and (longest or (served.drain_flag and server.words)):
            if how == "hook" and not server.pod:
                continue  # Compose has none that it waits for
            sentence = f"SIGTERM aborts what is in flight {waits:g} s after its traffic ends, and {answer}"
            flagged = f"{served.drain_flag} {ceil(longest) if longest else 'seconds'}"
            hooked = f"a preStop hook that sleeps {ceil(longest) + DRAIN_S if longest else 'as many'} s"
            yield found("L12", server.document, server.path, sentence, flagged if how == "flag" else hooked)


def _ends(server: Server) -> tuple[Path, float, bool] | None:
    """Return where it is said after how many seconds a pod is ended, them, and whether they are a default."""
    kind = server.document.at(("kind",))
    if server.path[:1] == ("services",):
        place: Path = (*server.path, "stop_grace_period")
        said = server.document.at(place)
        return place, COMPOSE_GRACE_S if said is None else _seconds(said), said is None
    if server.path[-2:-1] == ("modelSpec",):  # production-stack's chart has no value for it
        return server.path, inf, True
    if server.pod is None or not (server.is_counted or kind in (None, "LLMInferenceService")):
        return None
    place = (*server.pod, "terminationGracePeriodSeconds")
    said = server.document.at(place)
    return place, float(said) if isinstance(said, int | float) else LEAST_GRACE_S, said is None


def _seconds(value: Any) -> float:
    """Return seconds as flags and Compose have them: '62', '1m12s'; 0 of what is none."""
    parts = re.findall(r"(\d+(?:\.\d+)?)(h|m(?!s)|s|$)", str(value))
    return sum(float(number) * {"h": 3600, "m": 60}.get(unit, 1) for number, unit in parts)


def _slept(server: Server) -> float:
    """Return how long a hook waits before SIGTERM, seconds."""
    hooks = (server.document.at((*server.path, *more, "lifecycle", "preStop")) for more in ((), ("extraConfig",)))
    hook = next((one for one in hooks if isinstance(one, dict)), {})
    slept = re.search(r"\bsleep['\", ]+(\d+)", str(hook))
    seconds = hook.get("sleep", {}).get("seconds", 0) if isinstance(hook.get("sleep"), dict) else 0
    return float(slept[1]) if slept else _seconds(seconds)


def _mounts(document: Document) -> Iterator[Finding]:
    """Yield mounts of volumes that a pod does not have; what a controller or a chart adds is not known here."""
    kind = document.at(("kind",))
    claims = {str(name) for path, name in document.walk() if "volumeClaimTemplates" in path and path[-1] == "name"}
    for path, mount in document.walk():
        pod = path[:-4]
        chart = pod in (("decode",), ("prefill",))
        known = chart if kind is None else kind not in ("LLMInferenceService", "InferenceService")
        if path[-2:-1] != ("volumeMounts",) or not known or not isinstance(mount, dict):
            continue
        name = mount.get("name")
        if name not in {*claims, *_named(document, (*pod, "volumes")), "model-storage", None}:
            sentence = f"it mounts {name}, and its pod has no such volume: it is refused"
            yield found("L16", document, path, sentence, f"{name} among the pod's volumes")


def _named(document: Document, path: Path) -> dict[str, frozenset[str]]:
    """Return the fields of the volumes or mounts of a list, by their names."""
    return {str(one.get("name")): frozenset(one) for _, one in document.rows(path)}


def _topology(document: Document, catalog: Catalog) -> Iterator[Finding]:
    """Yield nodes that are chosen by their accelerator alone, where how they are wired must be said too."""
    for path, labels in document.walk():
        for plugin in catalog.device_plugins.values():
            label = plugin.topology_label
            if label and isinstance(labels, dict) and plugin.label in labels and label not in labels:
                sentence = f"{plugin.label} stands without {label}: no pod is placed"
                yield found("L16", document, path, sentence, f"{label}, as the nodes have it")


def _copied(server: Server) -> Iterator[Finding]:
    """Yield that KServe copies weights that a container then loads from the hub again."""
    document = server.document
    uri = document.at(("spec", "model", "uri"))
    named = isinstance(uri, str) and uri.startswith("hf://") and uri.removeprefix("hf://") in server.words
    if document.at(("kind",)) == "LLMInferenceService" and named:
        place: Path = ("spec", "storageInitializer", "enabled")
        if document.at(place) is not False:
            sentence = f"KServe copies {uri} to /mnt/models, and the container loads the same from the hub again"
            fix = "storageInitializer: {enabled: false}, or serve /mnt/models"
            yield found("L4", document, ("spec", "model", "uri"), sentence, fix)


def _kept(server: Server, replica: Replica) -> Iterator[Finding]:
    """Yield that each start downloads weights whose load the plan counts from storage."""
    if not server.is_counted or server.pod is None or server.model.startswith(("/", ".")) or not server.model:
        return
    volumes = _named(server.document, (*server.pod, "volumes"))
    held = {name for name, fields in volumes.items() if not fields <= LOST_WITH_POD}
    own = _named(server.document, (*server.path, "volumeMounts"))
    templates = any(path[-1:] == ("volumeClaimTemplates",) for path, _ in server.document.walk())
    if not held & own.keys() and not templates:
        weights, counted = show_bytes(replica.plan.memory.weights_bytes), replica.plan.autoscaling.reaction_parts_s
        sentence = f"each start downloads {weights}, and the plan counts {show_seconds(counted.get('weights', 0.0))}"
        fix = "a claim that keeps the weights between starts, or scaling.weights_bytes_per_s of the download"
        yield found("L12", server.document, (*server.pod, "volumes"), f"{sentence} from storage for them", fix)


def _linked(server: Server, replica: Replica) -> Iterator[Finding]:
    """Yield that nothing gives the pods of a replica the network that its forecast has between nodes."""
    if replica.nodes == 1 or server.pod is None or server.document.at(("kind",)) != "LeaderWorkerSet":
        return
    limits = server.document.table((*server.path, "resources", "limits"))
    given = any(not NO_NETWORK.fullmatch(str(one)) and one != server.resource for one in limits)
    pod = server.document.table(server.pod)
    beside = pod.get("hostNetwork") or pod.get("resourceClaims")
    annotated = "network" in str(server.document.at((*server.pod[:-1], "metadata", "annotations")))
    if not given and not beside and not annotated:
        speed = show_figure(replica.accelerator.inter_node_gb_per_s)
        sentence = f"its pods have no network but the cluster's, and the plan {speed} GB/s between nodes for each card"
        yield found("L14", server.document, server.path, sentence, "your cluster's RDMA resource among the limits")


def _reached(server: Server, replica: Replica) -> Iterator[Finding]:
    """Yield that a service of Compose does not reach the plan's accelerators."""
    service = server.document.at(server.path)
    if server.path[:1] != ("services",) or replica.plugin is None or service.get("privileged"):
        return
    for name in ACCESS:
        needed, has = replica.plugin.compose.get(name), service.get(name)
        listed = {str(one).partition(":")[0] for one in has} if isinstance(has, list) else {has}
        lacking = [one for one in ((needed,) if not isinstance(needed, tuple) else needed) if "{" not in str(one)]
        lacking = [one for one in lacking if needed is not None and one not in listed]
        if lacking:
            sentence = f"it has no {name} {' and '.join(map(str, lacking))}, by which a container reaches"
            whole = f"{sentence} {replica.accelerator.name}"
            yield found("L16", server.document, server.path, whole, "as `plan export compose` has it")
